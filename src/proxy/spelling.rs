//! How a value may be written in what comes back: as it is, as in a URL, and as encoders of JSON escape it.
use zeroize::Zeroizing;

/// Most bytes that one byte is written with: `\u002F`.
pub const GROWTH_MAX: usize = 6;

/// A value's signs in their order, each in all its spellings.
pub struct Spelled(Zeroizing<Vec<Vec<Vec<u8>>>>);

impl Spelled {
    pub fn new(value: &[u8]) -> Self {
        let signs = match str::from_utf8(value) {
            Ok(text) => text.chars().map(of_char).collect(),
            Err(_) => value.iter().map(|it| of_byte(*it)).collect(),
        };
        Self(Zeroizing::new(signs))
    }

    /// Puts it at the end of a regular expression of bytes.
    pub fn put_into(&self, pattern: &mut String) {
        for spellings in self.0.iter() {
            for (index, spelling) in spellings.iter().enumerate() {
                pattern.push_str(if index == 0 { "(?:" } else { "|" });
                spelling.iter().for_each(|it| pattern.push_str(&format!("\\x{it:02X}")));
            }
            pattern.push(')');
        }
    }

    /// Whether these bytes begin one of its spellings, and are not the whole of it.
    pub fn is_begun_by(&self, bytes: &[u8]) -> bool {
        // Where a sign can begin. Few, as hardly a sign's spelling begins another one's.
        let mut starts = vec![0];
        for spellings in self.0.iter() {
            if starts.contains(&bytes.len()) {
                return true;
            }
            let mut next = Vec::new();
            for rest in starts.iter().map(|it| &bytes[*it..]) {
                for spelling in spellings {
                    if spelling.len() > rest.len() && spelling.starts_with(rest) {
                        return true;
                    }
                    let end = bytes.len() - rest.len() + spelling.len();
                    if rest.starts_with(spelling) && !next.contains(&end) {
                        next.push(end);
                    }
                }
            }
            if next.is_empty() {
                return false;
            }
            starts = next;
        }
        false
    }
}

/// The longest first: where one begins another, the whole goes.
fn of_char(sign: char) -> Vec<Vec<u8>> {
    let raw = sign.to_string().into_bytes();
    if sign.is_ascii_alphanumeric() {
        return vec![raw];
    }
    let mut units = [0; 2];
    let units = sign.encode_utf16(&mut units);
    let mut all = vec![
        units.iter().map(|it| format!("\\u{it:04X}")).collect(),
        units.iter().map(|it| format!("\\u{it:04x}")).collect(),
        raw.iter().map(|it| format!("%{it:02X}")).collect(),
        raw.iter().map(|it| format!("%{it:02x}")).collect::<String>(),
    ];
    match sign {
        '\n' => all.push("\\n".to_owned()),
        '\r' => all.push("\\r".to_owned()),
        '\t' => all.push("\\t".to_owned()),
        '\u{8}' => all.push("\\b".to_owned()),
        '\u{c}' => all.push("\\f".to_owned()),
        ' ' => all.push("+".to_owned()),
        _ if sign.is_ascii_punctuation() => all.push(format!("\\{sign}")),
        _ => {}
    }
    let mut all: Vec<_> = all.into_iter().map(String::into_bytes).collect();
    all.push(raw);
    all.dedup();
    all
}

/// Of what is no text, and so in no JSON.
fn of_byte(byte: u8) -> Vec<Vec<u8>> {
    if byte.is_ascii() {
        return of_char(byte.into());
    }
    vec![format!("%{byte:02X}").into_bytes(), format!("%{byte:02x}").into_bytes(), vec![byte]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proper_beginning_is_one_in_every_spelling() {
        let spelled = Spelled::new("k/\\é".as_bytes());
        for begun in
            ["k", "k/", "k\\", "k\\/", "k\\u00", "k\\u002f\\\\", "k%", "k%2", "k%2F\\", "k/\\%C3"]
        {
            assert!(spelled.is_begun_by(begun.as_bytes()), "{begun}");
        }
        assert!(spelled.is_begun_by(b"k/\\\xc3"));
        for other in ["x", "k_", "k%3", "/", "k/\\é", "k/\\\\u00e9", "k/\\éx"] {
            assert!(!spelled.is_begun_by(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn no_spelling_is_longer_than_is_said() {
        for value in ["/", "\n", "é", "€", "𝄞", "a"] {
            let spelled = Spelled::new(value.as_bytes());
            let longest = spelled.0.iter().flatten().map(Vec::len).max().unwrap();
            assert!(longest <= GROWTH_MAX * value.len(), "{value}");
        }
    }
}
