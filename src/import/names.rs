//! Keys made of what documents call things.
use crate::model::KEY_LEN_MAX;
use std::collections::HashMap;
use std::collections::HashSet;

/// What of a text is looked at where a key or a short text is made of it, in bytes: one may be as long as the document.
const HEAD_LEN: usize = 4096;

/// Keys that are taken: each is given once.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    /// The number that comes next, of those that were asked for before: documents may call thousands the same.
    next: HashMap<String, u32>,
}

impl Names {
    /// A key for something of this name, the same each time that the same names come in the same order. `None` where
    /// the name has nothing in it that a key can have.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let plain = shortened(&key_of(name), KEY_LEN_MAX).to_owned();
        if plain.is_empty() {
            return None;
        }
        let mut key = plain.clone();
        let next = self.next.entry(plain.clone()).or_insert(2);
        while !self.taken.insert(key.clone()) {
            let end = format!("-{next}");
            key = format!("{}{end}", shortened(&plain, KEY_LEN_MAX - end.len()));
            *next += 1;
        }
        Some(key)
    }
}

/// `listPullRequests` and `List pull requests` are `list-pull-requests`, `APIKey` is `api-key`, `repos/get` is `repos-get`.
///
/// Where words are parted by spaces a capital within one begins no other: `GitHub REST API` is `github-rest-api`.
pub(super) fn key_of(name: &str) -> String {
    let name = head(name);
    let is_prose = name.trim().contains(char::is_whitespace);
    // One word, however it is written.
    let name = name.replace("OAuth", "Oauth");
    let mut key = String::new();
    let mut letters = name.chars().peekable();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        let begins_word = !is_prose
            && letter.is_ascii_uppercase()
            && (before.is_ascii_lowercase()
                || (before.is_ascii_uppercase() || before.is_ascii_digit())
                    && letters.peek().is_some_and(char::is_ascii_lowercase));
        if begins_word && !key.is_empty() && !key.ends_with(['-', '_', '.']) {
            key.push('-');
        }
        match letter {
            'a'..='z' | '0'..='9' | 'A'..='Z' => key.push(letter.to_ascii_lowercase()),
            '.' | '_' if !key.is_empty() && !key.ends_with(['-', '_', '.']) => key.push(letter),
            _ if !key.is_empty() && !key.ends_with(['-', '_', '.']) => key.push('-'),
            _ => {}
        }
        before = letter;
    }
    key.truncate(key.trim_end_matches(['-', '_', '.']).len());
    key
}

/// All ASCII, cut at the end of a word where one is near.
fn shortened(key: &str, len_max: usize) -> &str {
    let Some(head) = key.get(..len_max) else { return key };
    if key.len() == len_max {
        return key;
    }
    let at = head.rfind(['-', '_', '.']).filter(|it| *it > len_max / 2).unwrap_or(len_max);
    head[..at].trim_end_matches(['-', '_', '.'])
}

/// A name for a credential field or a variable of a base URL: letters, digits and `_`.
pub(super) fn field_of(name: &str) -> String {
    key_of(name).replace(['-', '.'], "_")
}

/// What stands before the first empty line, on one line, of so many bytes at most.
pub(super) fn first_paragraph(text: &str, len_max: usize) -> String {
    let lines = head(text).trim().lines().take_while(|it| !it.trim().is_empty());
    clipped(&lines.collect::<Vec<_>>().join(" "), len_max)
}

/// Its first [`HEAD_LEN`] bytes, or one of them fewer.
pub(super) fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(HEAD_LEN)]
}

/// On one line; cut with an ellipsis.
pub(super) fn clipped(text: &str, len_max: usize) -> String {
    const ELLIPSIS: &str = "…";
    let plain: String =
        head(text).trim().chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
    if plain.len() <= len_max {
        return plain;
    }
    let end = plain.floor_char_boundary(len_max - ELLIPSIS.len());
    format!("{}{ELLIPSIS}", plain[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_key_by_its_words() {
        for (name, key) in [
            ("listPullRequests", "list-pull-requests"),
            ("List pull requests", "list-pull-requests"),
            ("APIKey", "api-key"),
            ("OAuth2", "oauth2"),
            ("repos/list-for-org", "repos-list-for-org"),
            ("accountSid_authToken", "account-sid_auth-token"),
            ("customers.list", "customers.list"),
            ("  [x] GitHub v3 REST API!  ", "x-github-v3-rest-api"),
            ("googleOAuth2", "google-oauth2"),
            ("GetUsers2ByID", "get-users2-by-id"),
            ("__", ""),
            ("東京", ""),
        ] {
            assert_eq!(key_of(name), key, "{name}");
        }
    }

    #[test]
    fn no_key_is_given_twice_and_none_is_too_long() {
        let mut names = Names::default();
        assert_eq!(names.take("getUser").as_deref(), Some("get-user"));
        assert_eq!(names.take("get user").as_deref(), Some("get-user-2"));
        assert_eq!(names.take("GET_USER").as_deref(), Some("get_user"));
        assert_eq!(names.take("?"), None);
        let long = "x".repeat(200);
        let (first, second) = (names.take(&long).unwrap(), names.take(&long).unwrap());
        assert_eq!((first.len(), second.len()), (KEY_LEN_MAX, KEY_LEN_MAX));
        assert!(second.ends_with("-2"), "{second}");
    }

    #[test]
    fn a_description_is_its_first_paragraph_on_one_line() {
        assert_eq!(first_paragraph("\n Lists\nusers. \n\nMore.", 100), "Lists users.");
        assert_eq!(first_paragraph(&"é".repeat(10), 9), "ééé…");
    }
}
