//! Texts that came from elsewhere, as a terminal may show them.

/// Without control characters, which could move the cursor or colour what follows, and without those that turn the order
/// of what is shown or are not shown at all (Unicode TR36 §2.4).
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|it| if it.is_control() || is_unseen(it) { '\u{fffd}' } else { it }).collect()
}

fn is_unseen(letter: char) -> bool {
    matches!(letter,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_is_shown() {
        assert_eq!(plain("a\x1b[31mb\nc"), "a\u{fffd}[31mb\u{fffd}c");
        assert_eq!(plain("a\u{202e}b\u{2028}é"), "a\u{fffd}b\u{fffd}é");
    }
}
