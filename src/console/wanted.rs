//! What a request is for: a file, or a page that the console draws by itself.
use http::HeaderMap;
use http::Method;
use http::header;
use http::request::Parts;

/// First segments of paths that others answer for, whatever is behind them: an address of the API that is mistyped
/// is not a page.
const RESERVED: &[&str] =
    &["v1", "openapi.json", "metrics", "healthz", "readyz", "console", "assets"];

/// Where the files are that have their hash in their name.
pub(super) const HASHED: &str = "assets/";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted<'h> {
    /// By its path below the folder of all files.
    File(&'h str),
    /// The console finds out by itself which.
    Page,
}

impl<'h> Wanted<'h> {
    pub(super) fn of(head: &'h Parts) -> Option<Self> {
        if !matches!(head.method, Method::GET | Method::HEAD) {
            return None;
        }
        let path = head.uri.path().strip_prefix('/')?;
        if path.is_empty() || path == "index.html" {
            return Some(Self::Page);
        }
        if path.starts_with(HASHED) || is_file(path) {
            return Some(Self::File(path));
        }
        let first = path.split('/').next().unwrap_or_default();
        (!RESERVED.contains(&first) && takes_html(&head.headers)).then_some(Self::Page)
    }
}

/// Beside `index.html`: the icon.
fn is_file(path: &str) -> bool {
    !path.contains('/') && path.contains('.') && !RESERVED.contains(&path)
}

/// Whether it is a browser that goes to a page: whatever else asks has no use for one (RFC 9110 §12.5.1).
fn takes_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|it| it.to_str().ok());
    let kinds = accepted.flat_map(|it| it.split(','));
    let essence = |it: &str| it.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kinds.map(essence).any(|it| it == "text/html")
}
