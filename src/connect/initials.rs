//! Two letters that stand for a name where there is no picture of it.

/// The first letters of the first two words, else the first two of the only one: in capitals.
pub(super) fn initials(name: &str) -> String {
    let mut words = name.split(|it: char| !it.is_alphanumeric()).filter(|it| !it.is_empty());
    let letters: Vec<char> = match (words.next(), words.next()) {
        (Some(one), Some(two)) => one.chars().take(1).chain(two.chars().take(1)).collect(),
        (Some(one), None) => one.chars().take(2).collect(),
        (None, _) => Vec::new(),
    };
    letters.iter().flat_map(|it| it.to_uppercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_two_letters_of_its_own() {
        for (name, letters) in [
            ("GitHub", "GI"),
            ("Google Calendar of mine", "GC"),
            ("zendesk (production)", "ZP"),
            ("X", "X"),
            ("Ärzte-Portal", "ÄP"),
            ("日本 郵便", "日郵"),
            ("— !", ""),
            ("", ""),
        ] {
            assert_eq!(initials(name), letters, "{name}");
        }
    }
}
