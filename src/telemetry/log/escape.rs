//! Control characters are spelled out: what came over the network can neither begin a line of its own
//! in a log nor speak to the terminal that shows it.
use super::Format;
use std::fmt::Write;

/// Appends `text` with its control characters escaped (C0, DEL and C1; a tab too), and the line and
/// paragraph separators of Unicode.
pub fn push_escaped(out: &mut String, text: &str, format: Format) {
    let mut plain_from = 0;
    for (at, character) in text.char_indices() {
        if is_plain(character) {
            continue;
        }
        out.push_str(&text[plain_from..at]);
        plain_from = at + character.len_utf8();
        let code = u32::from(character);
        let written = match format {
            Format::Json => write!(out, "\\u{code:04x}"),
            Format::Text if code < 0x100 => write!(out, "\\x{code:02x}"),
            Format::Text => write!(out, "\\u{{{code:x}}}"),
        };
        written.expect("a String takes every write");
    }
    out.push_str(&text[plain_from..]);
}

fn is_plain(character: char) -> bool {
    !character.is_control() && !matches!(character, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_spelled_out_and_nothing_else() {
        for (text, as_text, as_json) in [
            ("plain é ✓ \"\\", "plain é ✓ \"\\", "plain é ✓ \"\\"),
            ("\u{1b}[2J", "\\x1b[2J", "\\u001b[2J"),
            ("a\nb\r\t\0", "a\\x0ab\\x0d\\x09\\x00", "a\\u000ab\\u000d\\u0009\\u0000"),
            ("\u{7f}\u{9b}31m", "\\x7f\\x9b31m", "\\u007f\\u009b31m"),
            ("\u{2028}x\u{2029}", "\\u{2028}x\\u{2029}", "\\u2028x\\u2029"),
        ] {
            for (format, expected) in [(Format::Text, as_text), (Format::Json, as_json)] {
                let mut out = String::new();
                push_escaped(&mut out, text, format);
                assert_eq!(out, expected, "{text:?}");
            }
        }
    }
}
