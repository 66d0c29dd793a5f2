//! What attache has put on a request, taken out of what comes back.
use super::spelling;
use super::spelling::Spelled;
use http::HeaderMap;
use http::HeaderValue;
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
        if value.len() >= len_min && self.0.iter().all(|it| **it != value) {
            self.0.push(Zeroizing::new(value.to_vec()));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The longest one's length in its longest spelling, in bytes.
    pub fn longest(&self) -> usize {
        let longest = self.0.iter().map(|it| it.len()).max().unwrap_or_default();
        longest * spelling::GROWTH_MAX
    }

    /// What takes them out.
    pub fn eraser(mut self) -> Eraser {
        if self.is_empty() {
            return Eraser::Nothing;
        }
        // Where one is part of another, the whole goes.
        self.0.sort_by_key(|it| std::cmp::Reverse(it.len()));
        let longest = self.longest();
        let spelled: Vec<_> = self.0.iter().map(|it| Spelled::new(it)).collect();
        let mut pattern = Zeroizing::new("(?-u)".to_owned());
        for (index, value) in spelled.iter().enumerate() {
            pattern.push_str(if index == 0 { "" } else { "|" });
            value.put_into(&mut pattern);
        }
        let built = RegexBuilder::new(&pattern).size_limit(PROGRAM_LEN_MAX).build();
        let found = |it| Eraser::Found { regex: Box::new(it), spelled, longest };
        built.map_or(Eraser::Everything, found)
    }
}

/// Takes secrets out of an answer.
pub enum Eraser {
    Nothing,
    Found {
        regex: Box<Regex>,
        spelled: Vec<Spelled>,
        longest: usize,
    },
    /// They can't be looked for: nothing of the answer is safe.
    Everything,
}

impl Eraser {
    /// What stands before `end`. A secret that begins there has to be here as a whole, unless the body is a part
    /// of what was sent: the end of it may then be the beginning of one, and goes too.
    pub fn body(&self, body: &[u8], end: usize, is_part: bool) -> Vec<u8> {
        let mut end = end.min(body.len());
        let (regex, spelled, longest) = match self {
            Self::Nothing => return body[..end].to_vec(),
            Self::Everything => return MARK.as_bytes().to_vec(),
            Self::Found { regex, spelled, longest } => (regex, spelled, *longest),
        };
        if is_part {
            let begins = |it: &usize| spelled.iter().any(|one| one.is_begun_by(&body[*it..]));
            let begun = (body.len().saturating_sub(longest)..end).find(begins);
            end = begun.unwrap_or(end);
        }
        let (mut cleared, mut from) = (Vec::with_capacity(end), 0);
        for found in regex.find_iter(body).take_while(|it| it.start() < end) {
            cleared.extend_from_slice(&body[from..found.start()]);
            cleared.extend_from_slice(MARK.as_bytes());
            from = found.end();
        }
        cleared.extend_from_slice(body.get(from..end).unwrap_or_default());
        cleared
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
            Self::Found { regex, .. } => regex.replace_all(bytes, NoExpand(MARK.as_bytes())),
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
            // As PHP, .NET and URLs have it.
            ("{\"k\":\"s3cr\\/t\\\"x.y\"}", "{\"k\":\"••••\"}"),
            ("s3cr\\u002Ft\\u0022x.y", "••••"),
            ("s3cr\\u002ft\\u0022x.y", "••••"),
            ("?k=s3cr%2ft%22x.y", "?k=••••"),
            ("?k=s3cr/t%22x.y", "?k=••••"),
        ] {
            assert_eq!(eraser.text(text), cleared);
        }
        let cleared = eraser.body(b"\xff\x00s3cr\xfe", usize::MAX, false);
        assert_eq!(cleared, [b"\xff\x00", MARK.as_bytes(), b"\xfe"].concat());
    }

    #[test]
    fn no_part_of_a_secret_stands_at_the_end_of_a_part() {
        let eraser = eraser(&["user", "user:s3cr/t"]);
        for (body, end, is_part, cleared) in [
            // What is behind the bound does not slide before it, where a mark is shorter.
            ("user:s3cr\\u002ft a user:s3cr/t b", 19, false, "•••• a "),
            ("user:s3cr\\u002ft a user:s3cr/t b", 20, false, "•••• a ••••"),
            ("user:s3cr\\u002ft a user:s3cr/t b", 99, false, "•••• a •••• b"),
            // It broke off in the middle of one, or in the middle of a sign.
            ("a user b user:s3", 99, true, "a •••• b "),
            ("a user:s3cr\\u00", 99, true, "a "),
            ("a user:s3cr%2", 99, true, "a "),
            ("a user:s3cr/t", 99, true, "a ••••"),
            ("a user b", 99, true, "a •••• b"),
            ("a use", 99, false, "a use"),
        ] {
            let found = String::from_utf8(eraser.body(body.as_bytes(), end, is_part)).unwrap();
            assert_eq!(found, cleared, "{body} to {end}");
        }
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
