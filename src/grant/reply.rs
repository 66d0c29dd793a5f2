//! An authorization server's answer as a value, whatever it calls it: JSON, a form, or a text.
use serde_json::Map;
use serde_json::Value;
use std::fmt;
use zeroize::Zeroize;

/// Longest answer that is read, in bytes. The transport stops reading one byte beyond it.
pub const REPLY_LEN_MAX: usize = 1 << 20;

/// Longest bare text that can be a token, in bytes.
const TEXT_LEN_MAX: usize = 16 << 10;

/// Longest text of a provider's that is shown to a person, in characters.
const SHOWN_LEN_MAX: usize = 300;

/// An answer that was read. Its texts are wiped on drop, and it prints without them.
#[derive(Clone, PartialEq)]
pub(super) struct Reply(Value);

/// Why an answer could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyFault {
    #[error("the answer is empty")]
    Empty,
    #[error("the answer is longer than {REPLY_LEN_MAX} bytes")]
    TooLong,
    #[error("the answer is a web page")]
    Page,
    #[error("the answer is neither JSON nor a form, or ends too early")]
    Garbage,
}

impl Reply {
    /// Reads an answer. What it is counts, not what its Content-Type says: half of them are wrong.
    ///
    /// A member that stands twice counts as it stands last, as in every browser: to refuse the answer
    /// would be to lose the refresh token in it. Nesting is bounded by the JSON parser (128).
    pub(super) fn read(content_type: Option<&str>, body: &[u8]) -> Result<Self, ReplyFault> {
        if body.len() > REPLY_LEN_MAX {
            return Err(ReplyFault::TooLong);
        }
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        // A description in Latin-1 beside a token in ASCII: the token is what counts.
        let text = String::from_utf8_lossy(body);
        let text = text.trim_matches(|it: char| it.is_whitespace() || it == '\0');
        let form = content_type.is_some_and(|it| is(it, "application/x-www-form-urlencoded"));
        match text.as_bytes().first() {
            None => Err(ReplyFault::Empty),
            Some(b'<') => Err(ReplyFault::Page),
            Some(b'{' | b'[' | b'"') => {
                serde_json::from_str(text).map(Self).map_err(|_| ReplyFault::Garbage)
            }
            Some(_) if form || is_form(text) => Ok(Self(form_value(text))),
            Some(_) => {
                let is_word =
                    text.len() <= TEXT_LEN_MAX && text.bytes().all(|it| it.is_ascii_graphic());
                if !is_word {
                    return Err(ReplyFault::Garbage);
                }
                Ok(Self(Value::String(text.to_owned())))
            }
        }
    }

    /// What stands at a JSON pointer and is not null.
    pub(super) fn at(&self, pointer: &str) -> Option<&Value> {
        self.0.pointer(pointer).filter(|it| !it.is_null())
    }

    /// The text that stands there and is not empty; numbers and truth values are texts too.
    pub(super) fn text(&self, pointer: &str) -> Option<String> {
        self.at(pointer).and_then(as_text).filter(|it| !it.is_empty())
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Value::Object(_) => "Reply(object)",
            Value::Array(_) => "Reply(list)",
            Value::String(_) => "Reply(text)",
            Value::Null | Value::Bool(_) | Value::Number(_) => "Reply(value)",
        })
    }
}

/// A scalar as text.
pub(super) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(it) => Some(it.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Scopes in one text or in a list. A comma is nobody's scope, whatever RFC 6749 §3.3 allows.
pub(super) fn scopes(value: &Value, separator: &str) -> Option<Vec<String>> {
    let split = |text: &str| match separator {
        "" => split_scopes(text),
        separator => split_scopes(&text.replace(separator, " ")),
    };
    match value {
        Value::String(text) => Some(split(text)),
        Value::Array(list) => {
            Some(list.iter().filter_map(as_text).flat_map(|it| split(&it)).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

pub(super) fn split_scopes(text: &str) -> Vec<String> {
    let apart = |it: char| it == ',' || it.is_whitespace();
    text.split(apart).filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

/// A provider's text for a person: one line, cut.
pub(super) fn shown(text: &str) -> String {
    let plain = |it: char| if it.is_control() || is_hidden(it) { ' ' } else { it };
    let mut shown: String = text.chars().take(SHOWN_LEN_MAX).map(plain).collect();
    if text.chars().nth(SHOWN_LEN_MAX).is_some() {
        shown.push('…');
    }
    shown.trim().to_owned()
}

/// Marks that turn the text around them about (Unicode TR 36 §2.10.2).
fn is_hidden(it: char) -> bool {
    matches!(it, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Whether a media type is `name`, whatever its parameters.
fn is(content_type: &str, name: &str) -> bool {
    content_type.split(';').next().is_some_and(|it| it.trim().eq_ignore_ascii_case(name))
}

/// Old providers send forms as text.
fn is_form(text: &str) -> bool {
    let known = ["access_token", "error", "token", "oauth_token", "refresh_token"];
    !text.contains(char::is_whitespace)
        && url::form_urlencoded::parse(text.as_bytes())
            .any(|it| known.contains(&&*it.0) && text.contains('=') && !it.1.is_empty())
}

fn form_value(text: &str) -> Value {
    let pairs = url::form_urlencoded::parse(text.as_bytes());
    Value::Object(
        pairs
            .map(|it| (it.0.into_owned(), Value::String(it.1.into_owned())))
            .collect::<Map<_, _>>(),
    )
}

/// Wipes every text in a value.
pub(super) fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(list) => list.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(content_type: &str, body: &[u8]) -> Result<Option<String>, ReplyFault> {
        Reply::read(Some(content_type), body).map(|it| it.text("/access_token"))
    }

    #[test]
    fn a_token_is_found_whatever_the_answer_calls_itself() {
        let json = "application/json";
        for (content_type, body) in [
            (json, &br#"{"access_token":"t0k"}"#[..]),
            (json, b"\xef\xbb\xbf{\"access_token\":\"t0k\"}"),
            (json, b"\r\n {\"access_token\":\"t0k\"}\r\n\0"),
            (json, br#"{"access_token":"old","access_token":"t0k"}"#),
            (json, b"{\"access_token\":\"t0k\",\"error_description\":\"d\xe9j\xe0\"}"),
            ("text/html; charset=utf-8", br#"{"access_token":"t0k"}"#),
            ("text/plain", b"access_token=t0k&expires=5184000"),
            ("application/x-www-form-urlencoded; charset=utf-8", b"scope=&access_token=t0k"),
            (json, b"access_token=t0k&token_type=bearer"),
        ] {
            let shown = String::from_utf8_lossy(body);
            assert_eq!(token(content_type, body).unwrap().as_deref(), Some("t0k"), "{shown}");
        }
    }

    #[test]
    fn what_is_no_answer_says_why() {
        use ReplyFault::{Empty, Garbage, Page, TooLong};
        let long = vec![b' '; REPLY_LEN_MAX + 1];
        let deep = "[".repeat(100_000);
        for (body, fault) in [
            (&b""[..], Empty),
            (b" \r\n\0", Empty),
            (b"\xef\xbb\xbf", Empty),
            (b"<!DOCTYPE html><title>403", Page),
            (b"  <html>", Page),
            (br#"{"access_token":"t0k"#, Garbage),
            (br#"{"access_token":"t0k"} trailing"#, Garbage),
            (b"upstream connect error", Garbage),
            (b"\xff\xfe{\0", Garbage),
            (&long, TooLong),
            (deep.as_bytes(), Garbage),
        ] {
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            assert_eq!(token("application/json", body), Err(fault), "{shown}");
        }
    }

    #[test]
    fn a_bare_word_is_a_text() {
        let reply = Reply::read(Some("text/plain"), b"eyJhbGciOi.x.y\n").unwrap();
        assert_eq!(reply.text("").as_deref(), Some("eyJhbGciOi.x.y"));
        assert_eq!(format!("{reply:?}"), "Reply(text)");
    }

    #[test]
    fn a_providers_words_are_one_short_line() {
        assert_eq!(shown("a\x1b[2J\r\nb\u{202e}c"), "a [2J  b c");
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), SHOWN_LEN_MAX + 1);
    }
}
