//! Texts that came from elsewhere, as a terminal may show them.

/// Without control characters, which could move the cursor or colour what follows.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { '\u{fffd}' } else { it }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_is_shown() {
        assert_eq!(plain("a\x1b[31mb\nc"), "a\u{fffd}[31mb\u{fffd}c");
    }
}
