//! What a mistyped key or value was probably meant to be.
use super::document::EVERY_KEY;
use std::fmt;

/// The problem and the hint.
pub(super) fn unknown_field(key: &str, fields: &[&'static str]) -> (String, String) {
    let hint = match closest(key, fields) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => EVERY_KEY.to_owned(),
    };
    match fields {
        [] => (format!("unknown field `{key}`, there are none here"), hint),
        _ => (format!("unknown field `{key}`, expected {}", OneOf(fields)), hint),
    }
}

/// The field that a mistyped one was probably meant to be.
pub(super) fn closest(key: &str, fields: &[&'static str]) -> Option<&'static str> {
    let plain = |it: &str| it.to_ascii_lowercase().replace(['-', '_', ' '], "");
    let near = |it: &&&'static str| {
        let (a, b) = (plain(key), plain(it));
        let most = a.len().min(b.len()) / 3;
        distance(a.as_bytes(), b.as_bytes()) <= most
    };
    fields.iter().filter(near).min_by_key(|it| distance(key.as_bytes(), it.as_bytes())).copied()
}

/// Edits from one text to the other: insert, remove, replace, swap neighbours.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = match (i, j) {
                (0, n) | (n, 0) => n,
                _ => {
                    let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                    let swapped = if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]
                    {
                        rows[i - 2][j - 2] + 1
                    } else {
                        usize::MAX
                    };
                    replaced.min(swapped).min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1)
                }
            };
        }
    }
    rows[a.len()][b.len()]
}

/// `a`, `a or b`, `a, b or c`, each in backticks.
pub(super) struct OneOf<'a>(pub(super) &'a [&'static str]);

impl fmt::Display for OneOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(if index + 1 == self.0.len() { " or " } else { ", " })?;
            }
            write!(f, "`{name}`")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_seen_through_and_a_guess_is_not_made() {
        let fields = &["base_url", "auth", "connector", "credentials", "in"];
        for (key, meant) in [
            ("baseurl", Some("base_url")),
            ("base-url", Some("base_url")),
            ("BaseUrl", Some("base_url")),
            ("bsae_url", Some("base_url")),
            ("aut", Some("auth")),
            ("conector", Some("connector")),
            ("credential", Some("credentials")),
            ("on", None),
            ("url", None),
            ("token", None),
            ("", None),
        ] {
            assert_eq!(closest(key, fields), meant, "{key}");
        }
    }
}
