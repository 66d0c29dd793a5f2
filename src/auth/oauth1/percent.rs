//! Percent-encoding as OAuth 1.0a has it (RFC 5849 §3.6): everything but the unreserved characters, in upper case.

/// What stands for itself (RFC 3986 §2.3).
const UNRESERVED: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        table[at] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        at += 1;
    }
    table
};

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// One byte, encoded where it has to be.
#[inline]
fn put_byte(byte: u8, to: &mut Vec<u8>) {
    if UNRESERVED[usize::from(byte)] {
        to.push(byte);
    } else {
        let [high, low] = [byte >> 4, byte & 15].map(|it| HEX[usize::from(it)]);
        to.extend_from_slice(&[b'%', high, low]);
    }
}

/// Encodes text or bytes, whatever they are.
pub(super) fn put(text: &[u8], to: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|it| !UNRESERVED[usize::from(*it)]) {
        to.extend_from_slice(&rest[..at]);
        put_byte(rest[at], to);
        rest = &rest[at + 1..];
    }
    to.extend_from_slice(rest);
}

/// Encodes what is encoded already once more: only `%` is left that does not stand for itself.
pub(super) fn put_again(encoded: &[u8], to: &mut Vec<u8>) {
    let mut rest = encoded;
    while let Some(at) = rest.iter().position(|it| *it == b'%') {
        to.extend_from_slice(&rest[..at]);
        to.extend_from_slice(b"%25");
        rest = &rest[at + 1..];
    }
    to.extend_from_slice(rest);
}

/// Decodes a name or a value of a form or a query, `+` being a space, and encodes it anew (§3.4.1.3.1).
///
/// A `%` that two hexadecimal digits do not follow stands for itself, as for those who read forms
/// (WHATWG URL, "percent-decode").
pub(super) fn put_form(written: &[u8], to: &mut Vec<u8>) {
    let mut rest = written;
    while let Some(at) = rest.iter().position(|it| !UNRESERVED[usize::from(*it)]) {
        to.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let (byte, len) = match rest {
            [b'+', ..] => (b' ', 1),
            [b'%', high, low, ..] => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, 3),
                _ => (b'%', 1),
            },
            _ => (rest[0], 1),
        };
        put_byte(byte, to);
        rest = &rest[len..];
    }
    to.extend_from_slice(rest);
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|it| it as u8)
}

/// Text, encoded.
pub(super) fn encoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len() * 3);
    put(text.as_bytes(), &mut bytes);
    String::from_utf8(bytes).expect("what is encoded is ASCII")
}
