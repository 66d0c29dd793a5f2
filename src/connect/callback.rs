//! Where providers send browsers back to: by a query, by a form (OAuth 2.0 Form Post Response Mode §2), or behind a
//! `#`, where no server sees it.
use super::Pages;
use super::api::Asked;
use super::html;
use super::reply::Reply;
use super::route;
use super::view::CameBack;
use super::visit::Visit;
use http::Method;
use serde_json::json;
use zeroize::Zeroizing;

/// Longest answer of a provider's that comes by a browser, in bytes.
const LEN_MAX: usize = 16 << 10;

impl Pages {
    pub(super) async fn callback(&self, visit: &Visit) -> Reply {
        if visit.method == Method::POST {
            return self.posted(&visit.body);
        }
        if visit.query.is_empty() {
            return html::fragment().into();
        }
        if visit.query.len() > LEN_MAX {
            return html::unknown().into();
        }
        let known = visit.browsers.iter();
        let browsers: Vec<String> =
            known.map(|it| format!("{}:{}", it.session(), it.hash())).collect();
        let body = json!({ "query": &**visit.query, "browsers": browsers });
        let answered =
            self.ask(Asked::post("/v1/connect-sessions/callback".to_owned(), body)).await;
        let Some(CameBack { session }) = answered.read() else {
            return self.instead(&answered);
        };
        match visit.browsers.iter().find(|it| it.session() == session.id) {
            Some(browser) => self.finish_if_all(browser.token(), browser).await,
            None => html::other_browser().into(),
        }
    }

    /// A form that another site sent comes without the browser's cookie: it comes back with it as a `GET`.
    fn posted(&self, body: &[u8]) -> Reply {
        let query = std::str::from_utf8(body).ok().filter(|it| it.len() <= LEN_MAX);
        let is_plain = |it: &&str| it.bytes().all(|it| it.is_ascii_graphic() && it != b'#');
        match query.filter(is_plain).filter(|it| !it.is_empty()) {
            Some(query) => Reply::see(&Zeroizing::new(route::callback(query))),
            None => html::unknown().into(),
        }
    }
}
