//! What templates can do to a value besides putting it in: pure functions on bytes.

/// As JavaScript's `JSON.stringify` writes a string (ECMA-262 `QuoteJSONString`), less the quotes
/// around it, which the template has. None where it is no UTF-8.
///
/// Hygraph signs `JSON.stringify({ Body, EnvironmentName, TimeStamp })` with the raw body as `Body`
/// (npm @hygraph/utils 1.2.1 `index.js`).
pub(super) fn json_escaped(text: &[u8]) -> Option<Vec<u8>> {
    let text = str::from_utf8(text).ok()?;
    let mut escaped = Vec::with_capacity(text.len() + text.len() / 8);
    for byte in text.bytes() {
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            0x09 => b't',
            0x0a => b'n',
            0x0c => b'f',
            0x0d => b'r',
            0x00..=0x1f => {
                escaped.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
                continue;
            }
            _ => {
                escaped.push(byte);
                continue;
            }
        };
        escaped.extend_from_slice(&[b'\\', short]);
    }
    Some(escaped)
}

/// CRC-32 (ISO 3309, polynomial 0x04c11db7 reflected) as an unsigned decimal number: what PayPal
/// puts in the place of the body.
pub(super) fn crc32_decimal(bytes: &[u8]) -> Vec<u8> {
    let mut crc = u32::MAX;
    for byte in bytes {
        let at = (crc ^ u32::from(*byte)) & 0xff;
        crc = CRC_TABLE[at as usize] ^ (crc >> 8);
    }
    (!crc).to_string().into_bytes()
}

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut crc = at as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
            bit += 1;
        }
        table[at] = crc;
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// From `node -e 'JSON.stringify(…)'` (20.20).
    #[test]
    fn a_text_is_escaped_as_javascript_escapes_it() {
        for (text, escaped) in [
            ("", ""),
            ("{\"a\":\"b/c\"}", "{\\\"a\\\":\\\"b/c\\\"}"),
            (
                "\u{8}\u{9}\n\u{b}\u{c}\r\u{0}\u{1f}\u{7f}",
                "\\b\\t\\n\\u000b\\f\\r\\u0000\\u001f\u{7f}",
            ),
            ("é\u{2028}😀\\u00e9<>&'", "é\u{2028}😀\\\\u00e9<>&'"),
        ] {
            assert_eq!(json_escaped(text.as_bytes()).unwrap(), escaped.as_bytes());
        }
        assert_eq!(json_escaped(b"\xff"), None);
    }

    /// From Python's `zlib.crc32`; the second is the check value of the CRC catalogue.
    #[test]
    fn a_crc_is_a_number_in_decimal() {
        for (bytes, crc) in [
            (&b""[..], "0"),
            (b"123456789", "3421780262"),
            (&[0; 32], "420107693"),
            (b"{}", "2745614147"),
        ] {
            assert_eq!(crc32_decimal(bytes), crc.as_bytes());
        }
    }
}
