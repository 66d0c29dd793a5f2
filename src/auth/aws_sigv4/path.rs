//! A request's path in canonical form.
use super::service::PathRule;

/// Puts the canonical form of `path` behind `text`.
///
/// Encoded once, an escape that the caller wrote is read and written anew, as the server does it: `%7E` and `~` are the same
/// object, and a `%2F` is a slash.
pub(super) fn put(text: &mut Vec<u8>, path: &str, rule: PathRule) {
    let path = if path.is_empty() { "/" } else { path };
    if rule.normalized && needs_normalizing(path) {
        return put_encoded(text, normalized(path).as_bytes(), rule);
    }
    put_encoded(text, path.as_bytes(), rule);
}

fn put_encoded(text: &mut Vec<u8>, path: &[u8], rule: PathRule) {
    let mut rest = path;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let mut byte = *byte;
        if byte == b'%'
            && !rule.encoded_twice
            && let Some(decoded) = escaped(after)
        {
            byte = decoded;
            rest = &after[2..];
        }
        if byte == b'/' { text.push(byte) } else { put_byte(text, byte) }
    }
}

/// Percent-encodes all but the unreserved characters (RFC 3986 §2.3).
pub(super) fn put_byte(text: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
        text.push(byte);
    } else {
        text.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
}

/// The byte that the two digits behind a `%` mean.
pub(super) fn escaped(after: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
    u8::try_from(digit(0)? << 4 | digit(1)?).ok()
}

fn needs_normalizing(path: &str) -> bool {
    path.contains("//") || path.contains("/.")
}

/// RFC 3986 §5.2.4, and repeated slashes made one.
fn normalized(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => _ = segments.pop(),
            segment => segments.push(segment),
        }
    }
    let mut text = String::with_capacity(path.len());
    for segment in &segments {
        text.push('/');
        text.push_str(segment);
    }
    let is_folder = ["/", "/.", "/.."].iter().any(|it| path.ends_with(it));
    if is_folder || segments.is_empty() {
        text.push('/');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::service::path_rule;
    use super::*;

    fn canonical(path: &str, service: &str) -> String {
        let mut text = Vec::new();
        put(&mut text, path, path_rule(service));
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn an_object_s_path_is_encoded_once_and_resolved_never() {
        for (path, expected) in [
            ("", "/"),
            ("/", "/"),
            ("/a/../b//c/./d", "/a/../b//c/./d"),
            ("/a%20b%2bc+d", "/a%20b%2Bc%2Bd"),
            ("/%7Euser/(1)!", "/~user/%281%29%21"),
            ("/100%", "/100%25"),
            ("/%zz%4", "/%25zz%254"),
            ("/a%2Fb", "/a/b"),
            ("/%E1%88%B4", "/%E1%88%B4"),
        ] {
            assert_eq!(canonical(path, "s3"), expected, "{path}");
        }
    }

    #[test]
    fn any_other_path_is_resolved_and_encoded_twice() {
        for (path, expected) in [
            ("", "/"),
            ("//", "/"),
            ("/a/../b//c/./d", "/b/c/d"),
            ("/a/b/..", "/a/"),
            ("/a/.", "/a/"),
            ("/../..", "/"),
            ("/.a/b..", "/.a/b.."),
            ("/a%20b%2bc+d", "/a%2520b%252bc%2Bd"),
            ("/a:b", "/a%3Ab"),
        ] {
            assert_eq!(canonical(path, "execute-api"), expected, "{path}");
        }
    }
}
