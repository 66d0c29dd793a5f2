//! What attache has put on a request, taken out of what comes back.
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::percent_encode;
use regex::bytes::NoExpand;
use regex::bytes::Regex;
use regex::bytes::RegexBuilder;
use std::borrow::Cow;
use zeroize::Zeroizing;

/// What stands in a secret's place.
pub const MARK: &str = "••••";

/// Shortest secret that is looked for, in bytes: a shorter one stands by chance in nearly every answer.
pub const SECRET_LEN_MIN: usize = 4;

/// The same of what may be no secret, as a version that a credential's template puts beside the key.
pub const VALUE_LEN_MIN: usize = 8;

/// Largest program that secrets are looked for with, in bytes: far more than the longest credential takes.
const PROGRAM_LEN_MAX: usize = 64 << 20;

/// Values that an answer must not have. As many as the attempts of one exchange have put on.
#[derive(Default)]
pub struct Secrets(Vec<Zeroizing<Vec<u8>>>);

impl Secrets {
    /// Looks for this value from now on, where it is that long: as it is, as in a URL, and as in JSON.
    pub fn add(&mut self, value: &[u8], len_min: usize) {
        if value.len() < len_min {
            return;
        }
        self.put(value);
        self.put(percent_encode(value, NON_ALPHANUMERIC).to_string().as_bytes());
        let Ok(text) = str::from_utf8(value) else { return };
        let quoted = Zeroizing::new(serde_json::to_string(text).expect("a text is JSON"));
        self.put(quoted[1..quoted.len() - 1].as_bytes());
    }

    fn put(&mut self, value: &[u8]) {
        if self.0.iter().all(|it| **it != value) {
            self.0.push(Zeroizing::new(value.to_vec()));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The longest one's length, in bytes.
    pub fn longest(&self) -> usize {
        self.0.iter().map(|it| it.len()).max().unwrap_or_default()
    }

    /// What takes them out.
    pub fn eraser(mut self) -> Eraser {
        // Where one is part of another, the whole goes.
        self.0.sort_by_key(|it| std::cmp::Reverse(it.len()));
        let mut pattern = Zeroizing::new(String::new());
        for value in &self.0 {
            let joint = if pattern.is_empty() { "(?-u)" } else { "|" };
            pattern.push_str(joint);
            value.iter().for_each(|it| pattern.push_str(&format!("\\x{it:02X}")));
        }
        if self.is_empty() {
            return Eraser::Nothing;
        }
        let built = RegexBuilder::new(&pattern).size_limit(PROGRAM_LEN_MAX).build();
        built.map_or(Eraser::Everything, |it| Eraser::Found(Box::new(it)))
    }
}

/// Takes secrets out of an answer.
pub enum Eraser {
    Nothing,
    Found(Box<Regex>),
    /// They can't be looked for: nothing of the answer is safe.
    Everything,
}

impl Eraser {
    pub fn body(&self, body: Bytes) -> Bytes {
        match self.erased(&body) {
            Cow::Borrowed(_) => body,
            Cow::Owned(cleared) => cleared.into(),
        }
    }

    pub fn headers(&self, headers: &mut HeaderMap) {
        for value in headers.values_mut() {
            if let Cow::Owned(cleared) = self.erased(value.as_bytes()) {
                let mark = || HeaderValue::from_bytes(MARK.as_bytes()).expect("no control in it");
                *value = HeaderValue::from_bytes(&cleared).unwrap_or_else(|_| mark());
            }
        }
    }

    pub fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.erased(text.as_bytes())).into_owned()
    }

    fn erased<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        match self {
            Self::Nothing => Cow::Borrowed(bytes),
            Self::Found(regex) => regex.replace_all(bytes, NoExpand(MARK.as_bytes())),
            Self::Everything => Cow::Owned(MARK.as_bytes().to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eraser(values: &[&str]) -> Eraser {
        let mut secrets = Secrets::default();
        values.iter().for_each(|it| secrets.add(it.as_bytes(), SECRET_LEN_MIN));
        secrets.eraser()
    }

    #[test]
    fn a_secret_goes_in_each_spelling_and_as_a_whole() {
        let eraser = eraser(&["s3cr", "s3cr/t\"x.y"]);
        for (text, cleared) in [
            ("nothing", "nothing"),
            ("a s3cr b s3cr", "a •••• b ••••"),
            ("s3cr/t\"x.y!", "••••!"),
            ("?k=s3cr%2Ft%22x%2Ey", "?k=••••"),
            ("{\"k\":\"s3cr/t\\\"x.y\"}", "{\"k\":\"••••\"}"),
            ("s3cr/t\"x_y", "••••/t\"x_y"),
        ] {
            assert_eq!(eraser.text(text), cleared);
        }
        let binary = Bytes::from_static(b"\xff\x00s3cr\xfe");
        assert_eq!(
            *eraser.body(binary),
            *b"\xff\x00\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xfe"
        );
    }

    #[test]
    fn what_stands_in_every_text_is_not_looked_for() {
        assert_eq!(eraser(&["abc"]).text("abc"), "abc");
        assert_eq!(eraser(&[]).text("abc"), "abc");
    }

    #[test]
    fn header_values_are_cleared_too() {
        let mut headers = HeaderMap::new();
        headers.insert("x-echo", HeaderValue::from_static("Bearer s3cr3t"));
        eraser(&["s3cr3t"]).headers(&mut headers);
        assert_eq!(headers["x-echo"].as_bytes(), "Bearer ••••".as_bytes());
    }
}
