//! Where a list goes on: opaque to whoever holds one, good for the list that it came from alone.
use super::error::ApiError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Items of a page unless said, and at most.
pub(super) const LIMIT: u32 = 50;
pub(super) const LIMIT_MAX: u32 = 200;

/// Longest cursor, in bytes: the longest key is a tenant's id.
const CURSOR_LEN_MAX: usize = 512;

/// Divides a list's path from its last key: stands in neither.
const DIVIDER: char = '\n';

/// Which part of a list is asked for: what comes after a key, in the order of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub after: Option<String>,
    /// From 1 to [`LIMIT_MAX`].
    pub limit: u32,
}

/// The cursor behind `last` in the list at `path`.
pub(super) fn behind(path: &str, last: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{path}{DIVIDER}{last}"))
}

/// A cursor that no answer had.
pub(super) fn foreign() -> ApiError {
    let problem = "`cursor` is not one that this list gave: begin without one.";
    ApiError::BadRequest(problem.to_owned())
}

impl Page {
    pub(super) fn of(
        path: &str,
        cursor: Option<&str>,
        limit: Option<&str>,
    ) -> Result<Self, ApiError> {
        let limit = match limit {
            None => LIMIT,
            Some(text) => limit_of(text).ok_or_else(|| {
                ApiError::BadRequest(format!("`limit` is a number from 1 to {LIMIT_MAX}."))
            })?,
        };
        let after = cursor.map(|it| last_of(path, it).ok_or_else(foreign));
        Ok(Self { after: after.transpose()?, limit })
    }
}

fn limit_of(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    text.parse().ok().filter(|it| digits && (1..=LIMIT_MAX).contains(it))
}

fn last_of(path: &str, cursor: &str) -> Option<String> {
    if cursor.len() > CURSOR_LEN_MAX {
        return None;
    }
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (of, last) = text.split_once(DIVIDER)?;
    (of == path && !last.is_empty() && !last.chars().any(char::is_control)).then(|| last.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_on_in_its_own_list_only() {
        let cursor = behind("/v1/connectors", "github");
        let page = Page::of("/v1/connectors", Some(&cursor), None).unwrap();
        assert_eq!(page, Page { after: Some("github".into()), limit: LIMIT });
        assert!(Page::of("/v1/connections", Some(&cursor), None).is_err());
        for bad in ["", "x", "%", "AAAA", &behind("/v1/connectors", ""), &"A".repeat(600)] {
            assert!(Page::of("/v1/connectors", Some(bad), None).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_page_has_a_bound() {
        for (text, limit) in [("1", Some(1)), ("200", Some(200)), ("0", None), ("201", None)] {
            let page = Page::of("/v1/x", None, Some(text)).ok();
            assert_eq!(page.map(|it| it.limit), limit, "{text}");
        }
        for bad in ["", "-1", "+1", "1.0", "x", "99999999999"] {
            assert!(Page::of("/v1/x", None, Some(bad)).is_err(), "{bad}");
        }
    }
}
