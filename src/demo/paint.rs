//! Colours, on a terminal only.
use std::io::IsTerminal;

/// Whether to colour: a terminal that has not asked for none (<https://no-color.org>).
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    on: bool,
}

impl Paint {
    pub fn new(out: &impl IsTerminal, no_color: Option<&str>) -> Self {
        Self { on: out.is_terminal() && no_color.is_none_or(str::is_empty) }
    }

    pub fn plain() -> Self {
        Self { on: false }
    }

    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    pub fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    pub fn command(self, text: &str) -> String {
        self.with("36", text)
    }

    /// ECMA-48 §8.3.117, Select Graphic Rendition.
    fn with(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_is_plain_and_colour_ends_where_the_text_does() {
        assert_eq!(Paint::plain().bad("no"), "no");
        assert_eq!(Paint { on: true }.bad("no"), "\x1b[31mno\x1b[0m");
    }
}
