//! What is told of a request, as a terminal of 80 columns takes it.
use crate::cli::text::plain;
use crate::demo::Paint;
use crate::model::Secret;
use std::borrow::Cow;
use unicode_width::UnicodeWidthStr;

/// A terminal's width.
const WIDTH: usize = 80;

/// Longest content that is shown whole, in bytes; of a longer one the ends are.
const SHOWN_LEN: usize = 640;

/// Shorter secrets are in any text, and no secrets.
const SECRET_LEN_MIN: usize = 6;

/// Lines, with marks and colours.
pub(super) struct Page {
    paint: Paint,
    text: String,
}

/// What stands before a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Good,
    Bad,
    /// It was not come to, or says nothing by itself.
    Neither,
}

impl Page {
    pub(super) fn new(paint: Paint) -> Self {
        Self { paint, text: String::new() }
    }

    /// A marked line, what it is about first; its further lines stand below its text.
    pub(super) fn step(&mut self, mark: Mark, what: &str, text: &str) {
        const COLUMN: usize = 18;
        let sign = match mark {
            Mark::Good => self.paint.good("✓"),
            Mark::Bad => self.paint.bad("✗"),
            Mark::Neither => self.paint.dim("·"),
        };
        let mut lines = wrapped(&plain(text), WIDTH - COLUMN - 2).into_iter();
        let first = lines.next().unwrap_or_default();
        self.line(format!("{sign} {what:<width$}{first}", width = COLUMN));
        for line in lines {
            self.line(format!("{:width$}{line}", "", width = COLUMN + 2));
        }
    }

    pub(super) fn headline(&mut self, text: &str) {
        let lines: Vec<String> = wrapped(&plain(text), WIDTH);
        for line in lines {
            let line = self.paint.bold(&line);
            self.line(line);
        }
    }

    /// Indented, its lines as they come.
    pub(super) fn block(&mut self, lines: &[String]) {
        for line in lines {
            self.line(format!("    {line}"));
        }
    }

    pub(super) fn item(&mut self, text: &str) {
        for (index, line) in wrapped(&plain(text), WIDTH - 4).into_iter().enumerate() {
            self.line(format!("  {} {line}", if index == 0 { "-" } else { " " }));
        }
    }

    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    fn line(&mut self, line: String) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// At spaces, where there are some; a word too long is cut.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let push = |word: &str, lines: &mut Vec<String>| {
        let last = lines.last_mut().expect("there is always a line");
        if last.is_empty() {
            last.push_str(word);
        } else if last.width() + 1 + word.width() <= width {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    };
    for word in text.split(' ') {
        let mut rest = word;
        while rest.width() > width {
            let (head, tail) = rest.split_at(fits(rest, width));
            push(head, &mut lines);
            rest = tail;
        }
        push(rest, &mut lines);
    }
    lines
}

/// How many bytes of a text are no wider than this: at least one letter.
fn fits(text: &str, width: usize) -> usize {
    let mut end = text.chars().next().map_or(0, char::len_utf8);
    for (at, letter) in text.char_indices() {
        let after = at + letter.len_utf8();
        if text[..after].width() > width {
            break;
        }
        end = after;
    }
    end
}

/// Bytes as text: one line for each of theirs, control bytes and what is no UTF-8 escaped as in `\r`
/// or `\x1b`, the middle of a long one left out.
pub(super) fn content(bytes: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    if bytes.len() <= SHOWN_LEN {
        lines.extend(escaped(bytes));
    } else {
        let half = SHOWN_LEN / 2;
        let left_out = bytes.len() - 2 * half;
        lines.extend(escaped(&bytes[..half]));
        lines.push(format!("… {left_out} bytes are not shown …"));
        lines.extend(escaped(&bytes[bytes.len() - half..]));
    }
    lines
}

fn escaped(bytes: &[u8]) -> Vec<String> {
    const INDENT: usize = 4;
    let mut lines = Vec::new();
    for line in bytes.split_inclusive(|it| *it == b'\n') {
        let mut text = String::new();
        for chunk in line.utf8_chunks() {
            for letter in chunk.valid().chars() {
                match letter {
                    '\\' => text.push('\\'),
                    it if it.is_control() => text.extend(it.escape_default()),
                    it => text.push_str(&plain(it.encode_utf8(&mut [0; 4]))),
                }
            }
            for byte in chunk.invalid() {
                text.push_str(&format!("\\x{byte:02x}"));
            }
        }
        let mut rest = &*text;
        while rest.width() > WIDTH - INDENT {
            let (head, tail) = rest.split_at(fits(rest, WIDTH - INDENT));
            lines.push(head.to_owned());
            rest = tail;
        }
        lines.push(rest.to_owned());
    }
    lines
}

/// Bytes less any of these secrets.
pub(super) fn concealed<'b>(bytes: &'b [u8], secrets: &[Secret]) -> Cow<'b, [u8]> {
    const SHOWN: &[u8] = b"[secret]";
    let mut bytes = Cow::Borrowed(bytes);
    for secret in secrets.iter().filter(|it| it.expose().len() >= SECRET_LEN_MIN) {
        let secret = secret.expose().as_bytes();
        let mut at = 0;
        while let Some(found) = bytes[at..].windows(secret.len()).position(|it| it == secret) {
            let (start, end) = (at + found, at + found + secret.len());
            bytes.to_mut().splice(start..end, SHOWN.iter().copied());
            at = start + SHOWN.len();
        }
    }
    bytes
}

/// A text less any of these secrets.
pub(super) fn concealed_text(text: &str, secrets: &[Secret]) -> String {
    String::from_utf8_lossy(&concealed(text.as_bytes(), secrets)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_keeps_to_its_columns() {
        let mut page = Page::new(Paint::plain());
        let long = "word ".repeat(40);
        page.step(Mark::Bad, "the signature", long.trim());
        page.headline(&"ü".repeat(200));
        page.item(&long);
        page.block(&content(&[b'a'; 500]));
        let text = page.into_text();
        assert!(text.lines().all(|it| it.width() <= WIDTH), "{text}");
        assert!(text.starts_with("✗ the signature     word word"), "{text}");
    }

    #[test]
    fn bytes_are_shown_so_that_each_can_be_told() {
        assert_eq!(
            content(b"{\"a\":1}\r\n\x1b[31m\xff\n"),
            ["{\"a\":1}\\r\\n", "\\u{1b}[31m\\xff\\n"]
        );
        assert_eq!(content("é\u{202e}".as_bytes()), ["é\u{fffd}"]);
        let long = content(&[b'x'; 5000]);
        assert!(long.iter().any(|it| it == "… 4360 bytes are not shown …"), "{long:?}");
        assert_eq!(content(b""), [""; 0]);
    }

    #[test]
    fn no_secret_is_shown() {
        let secrets = [Secret::new("s3cr3t-canary"), Secret::new("{")];
        let text = concealed_text("{s3cr3t-canarys3cr3t-canary}", &secrets);
        assert_eq!(text, "{[secret][secret]}");
    }
}
