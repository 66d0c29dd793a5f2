//! How others read what we send: decoders and name comparisons that share no line with attache's own.
use percent_encoding::percent_decode;

/// The bytes as sent, decoded once, and decoded twice.
pub fn readings(text: &[u8]) -> [Vec<u8>; 3] {
    let once: Vec<u8> = percent_decode(text).collect();
    let twice = percent_decode(&once).collect();
    [text.to_vec(), once, twice]
}

/// True where a server would take a segment of the path for `.` or `..`: with `\` for `/`, without
/// what it may cut off (path parameters, a NUL, `?`, `#`), and without spaces and control characters.
pub fn has_dot_segment(path: &[u8]) -> bool {
    path.split(|it| matches!(it, b'/' | b'\\')).any(|segment| {
        [&b";?#"[..], b";?#\0"].iter().any(|ends| {
            let name = segment.split(|it| ends.contains(it)).next().unwrap_or_default();
            let seen: Vec<u8> =
                name.iter().copied().filter(|it| *it > b' ' && *it != 0x7f).collect();
            matches!(&seen[..], b"." | b"..")
        })
    })
}

/// True where a server could take `written`, the name of a pair as sent, for `name`: decoded or not,
/// `+` being a space or not, in any case, cut short by a NUL, with white space around it.
pub fn could_be(written: &[u8], name: &str) -> bool {
    let spaced: Vec<u8> = written.iter().map(|it| if *it == b'+' { b' ' } else { *it }).collect();
    let decoded: Vec<u8> = percent_decode(written).collect();
    let both: Vec<u8> = percent_decode(&spaced).collect();
    [written, &decoded, &both].iter().any(|reading| {
        let whole = reading.split(|it| *it == 0).next().unwrap_or_default();
        reading.eq_ignore_ascii_case(name.as_bytes())
            || whole.trim_ascii().eq_ignore_ascii_case(name.as_bytes().trim_ascii())
    })
}

/// The same name to a server that hands fields on as CGI variables (RFC 3875 §4.1.18).
pub fn is_cgi_twin(one: &str, other: &str) -> bool {
    let folded = |it: &str| -> String {
        it.chars()
            .map(|it| if it.is_ascii_alphanumeric() { it.to_ascii_lowercase() } else { '_' })
            .collect()
    };
    folded(one) == folded(other)
}

/// Strict percent-decoding: only what needs no escape stands unescaped, and every escape is whole.
pub fn strictly_decoded(text: &str) -> Option<String> {
    let plain = |it: &u8| it.is_ascii_alphanumeric() || b"-._~%".contains(it);
    let escapes = text.split('%').skip(1);
    let whole = |it: &str| it.len() >= 2 && it.bytes().take(2).all(|it| it.is_ascii_hexdigit());
    if !text.as_bytes().iter().all(plain) || !escapes.into_iter().all(whole) {
        return None;
    }
    String::from_utf8(percent_decode(text.as_bytes()).collect()).ok()
}
