//! What a browser gets: a page, or another place to go.
use super::Pages;
use super::browser::Browser;
use super::html::Page;
use super::html::STYLE_HASH;
use super::route;
use crate::server::NO_STORE;
use bytes::Bytes;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;

/// Nothing is loaded, framed or sent elsewhere, and no address of ours goes to another site. What `{script}` and
/// `{forms}` stand for follows.
const POLICY: &str = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";

impl Pages {
    pub(super) fn page(&self, page: Page) -> Response<Bytes> {
        shown(page, self.is_secure)
    }

    /// The same where there are no pages: it has no form.
    pub(super) fn plain(page: Page) -> Response<Bytes> {
        shown(page, true)
    }

    /// To somewhere else, with a `GET` (RFC 9110 §15.4.4).
    pub(super) fn see(&self, url: &str) -> Response<Bytes> {
        let Ok(location) = HeaderValue::try_from(url) else {
            return self.page(super::html::wrong());
        };
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::SEE_OTHER;
        response.headers_mut().insert(header::LOCATION, location);
        sealed(response)
    }

    pub(super) fn see_link(&self, token: &str) -> Response<Bytes> {
        self.see(&route::link(token))
    }

    /// The same, to a browser that is to be known from now on.
    pub(super) fn knowing(
        &self,
        browser: &Browser,
        mut response: Response<Bytes>,
    ) -> Response<Bytes> {
        response.headers_mut().insert(header::SET_COOKIE, browser.cookie(self.is_secure));
        response
    }
}

fn sealed(mut response: Response<Bytes>) -> Response<Bytes> {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    response
}

fn shown(page: Page, is_secure: bool) -> Response<Bytes> {
    // A form leads to the provider in the end, whose host tenants may say: browsers that hold a redirect to this
    // as well would not go there.
    let forms = if is_secure { "'self' https:" } else { "'self' https: http:" };
    let script = page.script.map(|it| format!("; script-src '{it}'")).unwrap_or_default();
    let style = &*STYLE_HASH;
    let policy = format!("{POLICY}; style-src '{style}'{script}; form-action {forms}");
    let mut response = Response::new(Bytes::from(page.html));
    *response.status_mut() = page.status;
    let headers = response.headers_mut();
    if page.status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    let policy = HeaderValue::try_from(policy).expect("base64 and ASCII");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    sealed(response)
}
