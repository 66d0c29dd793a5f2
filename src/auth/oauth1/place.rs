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

/// A field that may stand there once stands there more often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Several;

/// What a request's body is to its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyKind {
    /// Its pairs are parameters, and ours can stand behind them.
    Form,
    /// It is said to be a form, and there is none, in a request whose method has no use for one.
    Unwritten,
    /// There is none, and a form would be no harm.
    Absent,
    /// It is none of the signature's business.
    Other,
}

impl BodyKind {
    /// `content_type`: the only one there is; an error where there are several.
    pub fn of(
        method: &Method,
        content_type: Result<Option<&HeaderValue>, Several>,
        is_empty: bool,
    ) -> Self {
        let takes_one = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
        match content_type {
            Ok(Some(it)) if is_form(it) && is_empty && !takes_one => Self::Unwritten,
            Ok(Some(it)) if is_form(it) => Self::Form,
            Ok(None) if is_empty && takes_one => Self::Absent,
            _ => Self::Other,
        }
    }

    /// Whether a hash of it may go along: not of a form, which is signed itself, nor where the parameters are in it
    /// (OAuth Request Body Hash 1.0, §4.1.1).
    pub fn has_hash(self, transmission: Transmission) -> bool {
        !matches!(self, Self::Form | Self::Unwritten)
            && Place::of(transmission, self) != Place::Body
    }
}

impl Place {
    pub fn of(transmission: Transmission, body: BodyKind) -> Self {
        match (transmission, body) {
            (Transmission::Header, _)
            | (Transmission::Body, BodyKind::Other | BodyKind::Unwritten) => Self::Header,
            (Transmission::Query, _) => Self::Query,
            (Transmission::Body, BodyKind::Form | BodyKind::Absent) => Self::Body,
        }
    }
}

/// The one value of a field that may stand there once; none where it is not there.
pub(super) fn only<'v>(
    mut values: impl Iterator<Item = &'v HeaderValue>,
) -> Result<Option<&'v HeaderValue>, Several> {
    let value = values.next();
    values.next().map_or(Ok(value), |_| Err(Several))
}

/// Whatever charset and the like stand behind the type (RFC 9110 §8.3.1).
fn is_form(content_type: &HeaderValue) -> bool {
    let kind = content_type.as_bytes().split(|it| *it == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(FORM.as_bytes())
}
