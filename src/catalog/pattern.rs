//! Texts with `*` in them, for what a caller may use.

/// A pattern: `*` stands for any text, the empty one included; everything else for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Box<str>);

/// What is allowed: everything, or what one of the patterns matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed(Option<Box<[Pattern]>>);

impl Pattern {
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// One pass, no allocation: each part between stars is taken at its first place.
    pub fn matches(&self, text: &str) -> bool {
        let Some((first, rest)) = self.0.split_once('*') else { return *self.0 == *text };
        let Some(mut text) = text.strip_prefix(first) else { return false };
        let mut parts = rest.split('*');
        let last = parts.next_back().unwrap_or("");
        for part in parts {
            match text.find(part) {
                Some(at) => text = &text[at + part.len()..],
                None => return false,
            }
        }
        text.ends_with(last)
    }
}

impl Allowed {
    pub fn only(patterns: impl IntoIterator<Item = Pattern>) -> Self {
        let patterns: Box<[Pattern]> = patterns.into_iter().collect();
        // The commonest list asks for no loop.
        if patterns.iter().any(|it| &*it.0 == "*") { Self(None) } else { Self(Some(patterns)) }
    }

    pub fn has(&self, text: &str) -> bool {
        self.0.as_ref().is_none_or(|it| it.iter().any(|pattern| pattern.matches(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, matches) in [
            ("*", "", true),
            ("*", "a/b", true),
            ("github", "github", true),
            ("github", "github-prod", false),
            ("github-*", "github-", true),
            ("github-*", "github", false),
            ("*-prod", "github-prod", true),
            ("*-prod", "github-prod-eu", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "acb", false),
            ("aa*aa", "aaa", false),
            ("/repos/*/issues", "/repos/a/b/issues", true),
            ("/repos/*", "/repos", false),
            ("**", "x", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn an_empty_list_allows_nothing_and_no_list_everything() {
        assert!(!Allowed::only([]).has("a"));
        assert!(Allowed::default().has("a"));
    }
}
