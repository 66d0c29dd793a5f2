//! What a browser gets: a page, another place to go, or a file.
use super::Pages;
use super::browser::Browser;
use super::html::Page;
use super::look::Look;
use super::route;
use crate::config::ConnectSettings;
use crate::server::NO_STORE;
use bytes::Bytes;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use std::sync::LazyLock;

/// Nothing is loaded, framed or sent elsewhere, and no address of ours goes to another site. What a page has more follows.
const POLICY: &str = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Where there are no pages.
static PLAIN: LazyLock<Look> = LazyLock::new(|| Look::new(&ConnectSettings::default(), None));

/// What a visit leads to.
pub(super) struct Reply {
    what: What,
    /// One that is to be known from now on.
    browser: Option<Browser>,
}

enum What {
    Page(Box<Page>),
    /// To somewhere else, with a `GET` (RFC 9110 §15.4.4).
    See(String),
    File(Response<Bytes>),
}

impl From<Page> for Reply {
    fn from(page: Page) -> Self {
        Self { what: What::Page(Box::new(page)), browser: None }
    }
}

impl Reply {
    pub(super) fn see(url: &str) -> Self {
        Self { what: What::See(url.to_owned()), browser: None }
    }

    pub(super) fn see_link(token: &str) -> Self {
        Self::see(&route::link(token))
    }

    pub(super) fn file(file: Response<Bytes>) -> Self {
        Self { what: What::File(file), browser: None }
    }

    /// The same, to a browser that is to be known from now on.
    pub(super) fn knowing(self, browser: &Browser) -> Self {
        Self { browser: Some(browser.clone()), ..self }
    }
}

impl Pages {
    pub(super) fn sent(&self, reply: Reply) -> Response<Bytes> {
        let mut response = match reply.what {
            What::Page(page) => self.page(*page),
            What::See(url) => match HeaderValue::try_from(url) {
                Ok(location) => led(location),
                Err(_) => self.page(super::html::wrong()),
            },
            What::File(file) => return file,
        };
        if let Some(browser) = reply.browser {
            response.headers_mut().insert(header::SET_COOKIE, browser.cookie(self.is_secure));
        }
        response
    }

    pub(super) fn page(&self, page: Page) -> Response<Bytes> {
        shown(&page, &self.look, self.is_secure)
    }

    /// The same where there are no pages: it has no form.
    pub(super) fn plain(page: &Page) -> Response<Bytes> {
        shown(page, &PLAIN, true)
    }
}

fn led(location: HeaderValue) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, location);
    sealed(response)
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

fn shown(page: &Page, look: &Look, is_secure: bool) -> Response<Bytes> {
    // A form leads to the provider in the end, whose host tenants may say: browsers that hold a redirect to this
    // as well would not go there.
    let forms = if is_secure { "'self' https:" } else { "'self' https: http:" };
    let script = page.script.map(|it| format!("; script-src '{}'", it.hash)).unwrap_or_default();
    let pictures = if look.has_logo { "; img-src 'self'" } else { "" };
    let style = &look.style_hash;
    let policy = format!("{POLICY}; style-src '{style}'{script}{pictures}; form-action {forms}");
    let mut response = Response::new(Bytes::from(page.html(look)));
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
