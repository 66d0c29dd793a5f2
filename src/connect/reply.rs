//! What a browser gets: a page, another place to go, or a file.
use super::Pages;
use super::browser::Browser;
use super::html::Page;
use super::look::Look;
use super::route;
use super::seat::Frames;
use super::seated::Seated;
use crate::config::ConnectSettings;
use crate::server::NO_STORE;
use bytes::Bytes;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use std::sync::LazyLock;

/// Nothing is loaded, framed or sent elsewhere, and no address of ours goes to another site. What a page has more follows.
const POLICY: &str = "default-src 'none'; base-uri 'none'";

/// How the session stands that a page is of: its script asks for it.
const STANDING: &str = "attache-connect-standing";

/// Where there are no pages.
static PLAIN: LazyLock<Look> = LazyLock::new(|| Look::new(&ConnectSettings::default(), None));

/// In whose pages those are shown that nobody asks for: in nobody's.
static NOBODY: LazyLock<Frames> = LazyLock::new(|| Frames::new(&[], None));

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

    /// The page shows this session.
    pub(super) fn page(page: Page, seated: Seated) -> Self {
        page.seated(seated).into()
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
    pub(super) fn sent(&self, reply: Reply, may_be_framed: bool) -> Response<Bytes> {
        let frames = if may_be_framed { &self.frames } else { &*NOBODY };
        let mut response = match reply.what {
            What::Page(page) => shown(&page, &self.look, frames, self.is_secure),
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
        shown(&page, &self.look, &self.frames, self.is_secure)
    }

    /// The same where there are no pages: it has no form.
    pub(super) fn plain(page: &Page) -> Response<Bytes> {
        shown(page, &PLAIN, &NOBODY, true)
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
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    response
}

fn shown(page: &Page, look: &Look, frames: &Frames, is_secure: bool) -> Response<Bytes> {
    // A form leads to the provider in the end, whose host tenants may say: browsers that hold a redirect to this
    // as well would not go there.
    let forms = if is_secure { "'self' https:" } else { "'self' https: http:" };
    let script = page.script.map(|it| format!("; script-src '{}'", it.hash)).unwrap_or_default();
    let pictures = if look.logo.is_some() { "; img-src 'self'" } else { "" };
    let style = &look.style_hash;
    // What is in a frame looks whether the window beside it is done.
    let asks = if page.is_framed() { "; connect-src 'self'" } else { "" };
    let ancestors = &frames.ancestors;
    let policy = format!(
        "{POLICY}; {ancestors}; style-src '{style}'{script}{pictures}{asks}; form-action {forms}"
    );
    let mut response = Response::new(Bytes::from(page.html(look)));
    *response.status_mut() = page.status;
    let headers = response.headers_mut();
    if page.status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if frames.is_none() {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    if let Some(standing) = page.standing().and_then(|it| HeaderValue::try_from(it).ok()) {
        headers.insert(STANDING, standing);
    }
    let policy = HeaderValue::try_from(policy).expect("base64 and ASCII");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    sealed(response)
}
