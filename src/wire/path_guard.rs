//! The path guard: what a caller names lies below the base URL, in whatever way it is read.
//!
//! Nothing is mended and nothing is decoded for sending: a path is refused or goes out byte for
//! byte. Sources: RFC 3986 §5.2.4 (dot segments) and §7.6; docs/contract.md §3.

/// The path could be read as lying elsewhere than below the base URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathEscapes;
/// What the bytes of a path call for, as bits: a plain one calls for nothing.
const DOT: u8 = 1;
/// The whole path has to be read as a server might: decoded, with `\` for `/`.
const SUSPICIOUS: u8 = 2;
/// No request target has this byte (RFC 3986 §3.3).
const INVALID: u8 = 4;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'.' => DOT,
            b'%' | b'\\' | 0x80.. => SUSPICIOUS,
            0..=b' ' | 0x7f | b'?' | b'#' => INVALID,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

/// Refuses a path that could leave the base URL: one that does not begin with a slash, that could
/// be read as a network-path reference (`//host`), or that has a dot segment raw, with backslashes,
/// with path parameters (`..;x`), percent-encoded once or twice, or beside an encoded NUL.
///
/// An empty path is the base URL itself.
pub fn path_guard(path: &str) -> Result<(), PathEscapes> {
    let bytes = path.as_bytes();
    match bytes {
        [] => return Ok(()),
        [b'/', b'/' | b'\\', ..] => return Err(PathEscapes),
        [b'/', ..] => {}
        _ => return Err(PathEscapes),
    }
    let seen = bytes.iter().fold(0, |seen, byte| seen | CLASSES[usize::from(*byte)]);
    let is_suspicious =
        seen & SUSPICIOUS != 0 || seen & DOT != 0 && bytes.windows(2).any(|it| it == b"/.");
    if seen & INVALID != 0 || is_suspicious && has_dot_segment(bytes) {
        return Err(PathEscapes);
    }
    Ok(())
}

/// Reads the path as the most generous server would: decoded twice.
///
/// The twice-decoded text shows the dot segments of all three readings: dots, slashes and
/// backslashes are not changed by decoding, so a dot segment that is one already stays one.
fn has_dot_segment(path: &[u8]) -> bool {
    let mut text = path.to_vec();
    if text.contains(&b'%') {
        decode_in_place(&mut text);
        decode_in_place(&mut text);
    }
    if text.iter().any(|it| *it >= 0x80) {
        fold_look_alikes(&mut text);
    }
    text.split(|it| matches!(it, b'/' | b'\\')).any(is_dot_segment)
}

/// True for `.` and `..`: also with path parameters behind them (`..;x`), cut short by a NUL, a `?`
/// or a `#` that was encoded, and with spaces or control characters in them, which some servers
/// drop.
fn is_dot_segment(segment: &[u8]) -> bool {
    // Almost every segment ends here: what is left of a dot segment begins with a dot.
    let first = segment.iter().find(|it| **it > b' ' && **it != 0x7f);
    if first != Some(&b'.') {
        return false;
    }
    let named = |segment: &[u8], ends: &[u8]| {
        let end = segment.iter().position(|it| ends.contains(it)).unwrap_or(segment.len());
        let seen = segment[..end].iter().filter(|it| **it > b' ' && **it != 0x7f);
        let mut seen = seen.take(3).copied();
        let first_three = [seen.next(), seen.next(), seen.next()];
        matches!(first_three, [Some(b'.'), None, None] | [Some(b'.'), Some(b'.'), None])
    };
    named(segment, b";?#") || named(segment, b";?#\0")
}

/// Decodes `%2e`, and `%u002e` as some servers do; what is no escape stays.
fn decode_in_place(text: &mut Vec<u8>) {
    let mut read = 0;
    let mut write = 0;
    while read < text.len() {
        let (decoded, len) = match text[read..] {
            [b'%', b'u' | b'U', a, b, c, d, ..] => match (hex(a, b), hex(c, d)) {
                (Some(0), Some(low)) => (low, 6),
                (Some(0xff), Some(0x0e)) => (b'.', 6),
                (Some(0xff), Some(0x0f)) => (b'/', 6),
                (Some(0xff), Some(0x3c)) => (b'\\', 6),
                _ => (b'%', 1),
            },
            [b'%', a, b, ..] => hex(a, b).map_or((b'%', 1), |it| (it, 3)),
            [byte, ..] => (byte, 1),
            [] => break,
        };
        text[write] = decoded;
        write += 1;
        read += len;
    }
    text.truncate(write);
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |it: u8| char::from(it).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

/// Overlong UTF-8 (forbidden by RFC 3629 §3, decoded by servers all the same) and full-width forms
/// of the three characters become those characters.
fn fold_look_alikes(text: &mut Vec<u8>) {
    const LOOK_ALIKES: [(&[u8], u8); 13] = [
        (b"\xc0\xae", b'.'),
        (b"\xc0\xaf", b'/'),
        (b"\xc1\x9c", b'\\'),
        (b"\xe0\x80\xae", b'.'),
        (b"\xe0\x80\xaf", b'/'),
        (b"\xe0\x81\x9c", b'\\'),
        (b"\xf0\x80\x80\xae", b'.'),
        (b"\xf0\x80\x80\xaf", b'/'),
        (b"\xf0\x80\x81\x9c", b'\\'),
        ("．".as_bytes(), b'.'),
        ("／".as_bytes(), b'/'),
        ("＼".as_bytes(), b'\\'),
        ("․".as_bytes(), b'.'),
    ];
    let mut folded = Vec::with_capacity(text.len());
    let mut rest = &text[..];
    while let [byte, ..] = rest {
        let found = LOOK_ALIKES.iter().find(|it| rest.starts_with(it.0));
        let (plain, len) = found.map_or((*byte, 1), |it| (it.1, it.0.len()));
        folded.push(plain);
        rest = &rest[len..];
    }
    *text = folded;
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode;
    use proptest::prelude::*;

    /// Paths that go out byte for byte.
    const PASS: &[&str] = &[
        "",
        "/",
        "/a",
        "/a/",
        "/.well-known",
        "/.well-known/openid-configuration",
        "/a//b",
        "/a//",
        "/a///b//",
        "/group%2Fproject",
        "/group%2fproject",
        "/x@y:z/",
        "/@scope/package",
        "/@host/",
        "/:80/x",
        "/..a",
        "/a..",
        "/a../b",
        "/...",
        "/..../x",
        "/.a",
        "/a.",
        "/a./b",
        "/.a./b",
        "/a.b/c.d",
        "/a;v=1/b;w=2",
        "/;/x",
        "/..a;x",
        "/a\\b",
        "/a%5Cb",
        "/%2Fa",
        "/a%2F%2Fb",
        "/%2e%2e%2e",
        "/%2ea",
        "/a%2e",
        "/%252e%252ea",
        "/%20",
        "/a%20b",
        "/%E2%82%AC",
        "/%00",
        "/a%00b",
        "/a%0d%0aX-Evil:%201",
        "/%",
        "/%2",
        "/%zz",
        "/%%%",
        "/%u",
        "/%u0041",
        "/100%",
        "/a%2Eb",
        "/~user/'quoted'/(x)/$&+,;=!*",
        "/\"{json}\"|^`",
        "/caf\u{e9}",
        "/%25252e%25252e",
        "/http://other.example/",
        "/http:%2f%2fother.example",
        "/.%41",
        "/..%u2f",
        "/…",
    ];

    /// Paths that some server would read as lying elsewhere.
    const ESCAPE: &[&str] = &[
        // A dot segment, plainly.
        "/..",
        "/.",
        "/../",
        "/./",
        "/a/..",
        "/a/.",
        "/a/../b",
        "/a/./b",
        "/a//../b",
        "/../../etc/passwd",
        "/a/b/../../../x",
        // Percent-encoded, wholly or in part, in either case.
        "/%2e",
        "/%2e%2e",
        "/%2E%2E/",
        "/.%2e/",
        "/%2e./",
        "/a/%2e%2E/b",
        "/a/%2e/b",
        // With an encoded slash.
        "/..%2f",
        "/..%2Fx",
        "/a%2f..",
        "/a%2f..%2fb",
        "/%2e%2e%2f",
        "/a%2f%2e%2e%2fb",
        "/%2f..",
        "/%2f%2e%2e",
        // With backslashes.
        "/..\\",
        "/..\\x",
        "/a\\..",
        "/a\\..\\b",
        "/a\\.\\b",
        "/a/..\\b",
        "/..%5c",
        "/..%5Cx",
        "/a%5c..%5cb",
        "/a%5c%2e%2e%5cb",
        "/a\\..%2fb",
        // With path parameters.
        "/..;",
        "/..;/x",
        "/..;a=b/x",
        "/.;/x",
        "/%2e%2e;/x",
        "/..%3b/x",
        "/..%3bx=1/y",
        "/a/..;\\b",
        // Encoded twice.
        "/%252e",
        "/%252e%252e",
        "/%252E%252e/x",
        "/..%252f",
        "/..%255c",
        "/.%252e/",
        "/%252e%2e/",
        "/a%252f..%252fb",
        "/a%252f%252e%252e%252fb",
        "/..%253bx",
        // In pieces that make an escape only once decoded.
        "/%2%65",
        "/%2%65%2%65",
        "/%%32e%%32e",
        "/%%32%65",
        "/%25%32%65%25%32%65/x",
        // Beside a NUL or what ends a path once decoded.
        "/..%00",
        "/..%00/x",
        "/.%00/x",
        "/.%00./x",
        "/%00../x",
        "/..%00.html",
        "/..%2500/x",
        "/..%23",
        "/..%3f",
        "/..%3fx/y",
        // Beside spaces and control characters that some servers drop.
        "/..%20",
        "/..%20/x",
        "/%20..",
        "/.%09./x",
        "/..%0d%0a/x",
        "/.%0a.",
        "/..%7f/",
        // Overlong UTF-8, full-width forms, %u.
        "/%c0%ae%c0%ae/",
        "/..%c0%af",
        "/..%c1%9c",
        "/%e0%80%ae%e0%80%ae/",
        "/%f0%80%80%ae./",
        "/%u002e%u002e/",
        "/..%u002fx",
        "/%uff0e%uff0e/",
        "/%ef%bc%8e%ef%bc%8e/",
        "/．．/",
        "/..／x",
        "/..＼x",
        "/․․/x",
        "/%25c0%25ae./",
        // Another authority.
        "//",
        "//host",
        "//host/x",
        "///x",
        "/\\host",
        "/\\/host",
        "\\\\host",
        "\\/host",
        "@host/",
        "@host",
        ":80/x",
        ".suffix/x",
        ".",
        "..",
        "a",
        "http://other.example/",
        "https:/other.example",
        "*",
        "%2fx",
        "?x",
        "#x",
        "/a?b",
        "/a#b",
        // No path has these bytes.
        "/a b",
        "/a\tb",
        "/a\0b",
        "/a\u{b}b",
        "/a\u{7f}b",
        "/a\r\nb",
        " /a",
    ];

    #[test]
    fn plain_paths_pass_as_they_are() {
        for path in PASS {
            assert_eq!(path_guard(path), Ok(()), "{path:?}");
        }
    }

    #[test]
    fn paths_that_could_leave_the_base_are_refused() {
        for path in ESCAPE {
            assert_eq!(path_guard(path), Err(PathEscapes), "{path:?}");
        }
    }

    #[test]
    fn a_dot_segment_is_found_at_either_end_and_within() {
        for path in PASS.iter().filter(|it| !it.is_empty()) {
            for segment in ["..", ".", "%2e%2e", "..;x", "..\\", "%252e%252e"] {
                let refused = [format!("{path}/{segment}"), format!("/{segment}{path}")];
                for path in refused {
                    assert_eq!(path_guard(&path), Err(PathEscapes), "{path:?}");
                }
            }
        }
    }

    /// Three readings, each on its own: not decoded, once, twice.
    fn model_has_dot_segment(path: &str) -> bool {
        let once: Vec<u8> = percent_decode(path.as_bytes()).collect();
        let twice: Vec<u8> = percent_decode(&once).collect();
        [path.as_bytes(), &once, &twice].iter().any(|reading| {
            reading.split(|it| *it == b'/' || *it == b'\\').any(|segment| {
                let name = segment.split(|it| *it == b';').next().unwrap();
                name == b"." || name == b".."
            })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        /// Pieces without the exotic ones: the guard and the model agree both ways.
        #[test]
        fn agrees_with_an_independent_model(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "/", "/", ".", ".", "..", "%2e", "%2E", "%2f", "%5C", "\\", ";", "a", "b", "%25", "%",
                    "2e", "2f", "5c", "%252e", "%252f", "%32", "%65", "%41", "@", ":", "~",
                ]),
                0..10,
            ),
        ) {
            let path = format!("/a{}", pieces.concat());
            let refused = path_guard(&path).is_err();
            prop_assert_eq!(refused, model_has_dot_segment(&path), "{}", path);
        }

        /// Any text: what the model refuses, the guard refuses.
        #[test]
        fn refuses_at_least_what_the_model_refuses(path in "/[!-~]{0,24}") {
            if model_has_dot_segment(&path) {
                prop_assert!(path_guard(&path).is_err());
            }
        }

        #[test]
        fn words_pass(path in "(/[A-Za-z0-9_~$&+,=:@!*'()-]{1,12}){1,6}/?") {
            prop_assert_eq!(path_guard(&path), Ok(()));
        }
    }
}
