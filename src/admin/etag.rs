//! Entity tags: which version of a resource a request means (RFC 9110 §8.8.3, §13.1).
use super::error::ApiError;
use crate::store::Expect;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;

/// What has to be there for a write to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precondition {
    None,
    /// `If-None-Match: *`: nothing.
    Absent,
    /// `If-Match: *`: anything.
    Present,
    /// `If-Match: "7"`: this version.
    Version(i64),
}

/// The tag of a version.
pub(super) fn tag(version: i64) -> HeaderValue {
    HeaderValue::try_from(format!("\"{version}\"")).expect("digits in quotes are visible ASCII")
}

impl Precondition {
    /// As the store takes it.
    pub(super) fn expect(self) -> Expect {
        match self {
            Self::None => Expect::Anything,
            Self::Absent => Expect::Absent,
            Self::Present => Expect::Present,
            Self::Version(version) => Expect::Version(version),
        }
    }

    pub(super) fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let matching = one(headers, &header::IF_MATCH)?;
        let absent = one(headers, &header::IF_NONE_MATCH)?;
        match (matching, absent) {
            (None, None) => Ok(Self::None),
            (None, Some("*")) => Ok(Self::Absent),
            (Some("*"), None) => Ok(Self::Present),
            (Some(tag), None) => version(tag)
                .map(Self::Version)
                .ok_or_else(|| bad("If-Match takes the ETag of one answer, as in `\"7\"`, or `*`")),
            (None, Some(_)) => Err(bad("If-None-Match takes `*` here: create, never replace")),
            (Some(_), Some(_)) => Err(bad("If-Match and If-None-Match exclude each other")),
        }
    }
}

impl Precondition {
    /// As the store takes it, of what has to be there whether it was said or not.
    pub(super) fn of_present(self) -> Expect {
        if self == Self::None { Expect::Present } else { self.expect() }
    }
}

/// True where a reader has this version already (RFC 9110 §13.1.2: compared weakly).
pub(super) fn is_known(headers: &HeaderMap, current: i64) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|it| it.to_str().ok()).any(|list| {
        list.split(',').map(str::trim).any(|it| it == "*" || version(it) == Some(current))
    })
}

fn version(tag: &str) -> Option<i64> {
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    let plain = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let value = value.to_str().ok().filter(|_| values.next().is_none());
    value.map(|it| Some(it.trim())).ok_or_else(|| bad(&format!("{name} takes one value")))
}

fn bad(text: &str) -> ApiError {
    ApiError::BadRequest(format!("{text}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_write_says_what_it_expects() {
        for (fields, expected) in [
            (&[][..], Some(Precondition::None)),
            (&[("if-match", "\"7\"")], Some(Precondition::Version(7))),
            (&[("if-match", "W/\"7\"")], Some(Precondition::Version(7))),
            (&[("if-match", "*")], Some(Precondition::Present)),
            (&[("if-none-match", "*")], Some(Precondition::Absent)),
            (&[("if-none-match", "\"7\"")], None),
            (&[("if-match", "7")], None),
            (&[("if-match", "\"x\"")], None),
            (&[("if-match", "\"+7\"")], None),
            (&[("if-match", "\"\"")], None),
            (&[("if-match", "\"7\", \"8\"")], None),
            (&[("if-match", "\"7\""), ("if-match", "\"7\"")], None),
            (&[("if-match", "\"7\""), ("if-none-match", "*")], None),
        ] {
            assert_eq!(Precondition::of(&headers(fields)).ok(), expected, "{fields:?}");
        }
    }

    #[test]
    fn a_reader_is_told_that_it_has_it() {
        for (value, known) in
            [("\"7\"", true), ("\"6\", W/\"7\"", true), ("*", true), ("\"8\"", false), ("", false)]
        {
            assert_eq!(is_known(&headers(&[("if-none-match", value)]), 7), known, "{value}");
        }
        assert_eq!(tag(7), "\"7\"");
    }
}
