//! The query of a call: only what its route takes, each once.
use super::error::ApiError;
use percent_encoding::percent_decode_str;

/// Longest value, in bytes: the names of all events fit into it.
pub(super) const VALUE_LEN_MAX: usize = 2048;

/// Decoded name-value pairs, form-urlencoded (URL Standard §5.1).
#[derive(Clone, Debug, Default)]
pub(super) struct Query(Vec<(&'static str, String)>);

impl Query {
    /// `known` are the names that the route takes.
    pub(super) fn of(
        text: Option<&str>,
        known: impl Iterator<Item = &'static str> + Clone,
    ) -> Result<Self, ApiError> {
        let mut pairs: Vec<(&'static str, String)> = Vec::new();
        for pair in text.unwrap_or_default().split('&').filter(|it| !it.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            let Some(known) = known.clone().find(|it| *it == name) else {
                return Err(bad(&format!(
                    "no query parameter `{}` is taken here",
                    name.escape_debug()
                )));
            };
            if pairs.iter().any(|it| it.0 == known) {
                return Err(bad(&format!("the query parameter `{known}` stands twice")));
            }
            // No text that is stored has one, and Postgres takes none.
            if value.contains('\0') {
                return Err(bad(&format!("`{known}` has a NUL character")));
            }
            if value.len() > VALUE_LEN_MAX {
                return Err(bad(&format!("`{known}` is longer than {VALUE_LEN_MAX} bytes")));
            }
            pairs.push((known, value));
        }
        Ok(Self(pairs))
    }

    /// In the order in which they came.
    pub(super) fn text(&self) -> String {
        let pairs = self.0.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("&")
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|it| it.0 == name).map(|it| &*it.1)
    }

    /// `true` or `false`; false where it is not there.
    pub(super) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.value(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(bad(&format!("`{name}` is `true` or `false`"))),
        }
    }
}

fn decoded(text: &str) -> Result<String, ApiError> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(|it| it.into_owned()).map_err(|_| bad("the query is not UTF-8"))
}

fn bad(text: &str) -> ApiError {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    ApiError::BadRequest(text + ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Result<Query, ApiError> {
        Query::of(Some(text), ["limit", "force"].into_iter())
    }

    #[test]
    fn what_is_known_is_read_and_everything_else_is_refused() {
        let read = query("limit=a%2Fb+c&force=true").unwrap();
        assert_eq!(read.value("limit"), Some("a/b c"));
        assert_eq!(read.flag("force"), Ok(true));
        assert_eq!(query("").unwrap().flag("force"), Ok(false));
        for bad in ["limits=1", "limit=1&limit=1", "limit=%ff", "Limit=1", "limit=%00"] {
            assert!(query(bad).is_err(), "{bad}");
        }
        let long = |length: usize| query(&format!("limit={}", "x".repeat(length)));
        assert!(long(VALUE_LEN_MAX).is_ok() && long(VALUE_LEN_MAX + 1).is_err());
        assert!(query("force=yes").unwrap().flag("force").is_err());
    }
}
