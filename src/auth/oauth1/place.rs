//! Where a request's parameters stand, and where ours can go (RFC 5849 §3.4.1.3.1, §3.5).
use super::settings::Transmission;
use http::HeaderValue;
use http::Method;

pub(super) const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// Where the protocol parameters of one request go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Header,
    Query,
    /// Behind a form, or as one where there is no body.
    Body,
}

/// What a request's body is to its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyKind {
    /// Its pairs are parameters.
    Form,
    /// There is none, and a form would be no harm.
    Absent,
    /// It is none of the signature's business.
    Other,
}

impl BodyKind {
    /// `content_type`: the only one there is.
    pub fn of(method: &Method, content_type: Option<&HeaderValue>, is_empty: bool) -> Self {
        match content_type {
            Some(it) if is_form(it) => Self::Form,
            None if is_empty && matches!(*method, Method::POST | Method::PUT | Method::PATCH) => {
                Self::Absent
            }
            _ => Self::Other,
        }
    }
}

impl Place {
    pub fn of(transmission: Transmission, body: BodyKind) -> Self {
        match (transmission, body) {
            (Transmission::Header, _) | (Transmission::Body, BodyKind::Other) => Self::Header,
            (Transmission::Query, _) => Self::Query,
            (Transmission::Body, BodyKind::Form | BodyKind::Absent) => Self::Body,
        }
    }
}

/// Whatever charset and the like stand behind the type (RFC 9110 §8.3.1).
fn is_form(content_type: &HeaderValue) -> bool {
    let kind = content_type.as_bytes().split(|it| *it == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(FORM.as_bytes())
}
