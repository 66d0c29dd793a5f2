//! Texts with credential fields and variables in them: `{account_id}`, `{subject?}`, `{{` for a brace.
use super::error::GrantError;
use super::occasion::Occasion;
use zeroize::Zeroizing;

/// A parsed template. `{name?}` may be absent: then there is no text at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Template(Box<[Part]>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Literal(Box<str>),
    Name { name: Box<str>, optional: bool },
}

/// Why a text is not a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TemplateFault {
    #[error("has a `{{` that no `}}` closes")]
    Unclosed,
    #[error("has a `}}` without its `{{`")]
    Unopened,
    #[error("names nothing between `{{` and `}}`, or something impossible")]
    Name,
}

impl TemplateFault {
    pub(super) const HINT: &'static str = "name a credential field or a variable as in `{account_id}`; \
                                           `{x?}` may be absent, and a brace as such is written twice";
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, TemplateFault> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let (brace, after) = (&rest[at..=at], &rest[at + 1..]);
            if let Some(after) = after.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
            } else if brace == "}" {
                return Err(TemplateFault::Unopened);
            } else {
                let (inner, after) = after.split_once('}').ok_or(TemplateFault::Unclosed)?;
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal).into()));
                }
                parts.push(named(inner)?);
                rest = after;
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.into()));
        }
        Ok(Self(parts.into()))
    }

    /// The template that is one name alone.
    pub(super) fn of(name: &str) -> Self {
        Self(Box::new([Part::Name { name: name.into(), optional: false }]))
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.0
    }

    /// The names, and whether each may be absent; repeated where the template repeats them.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, bool)> {
        self.0.iter().filter_map(|it| match it {
            Part::Literal(_) => None,
            Part::Name { name, optional } => Some((&**name, *optional)),
        })
    }

    /// The text with everything filled in; `None` where an optional name has no value.
    pub(super) fn render(
        &self,
        occasion: &Occasion<'_>,
    ) -> Result<Option<Zeroizing<String>>, GrantError> {
        self.render_by(|name| occasion.find(name))
    }

    /// The same with names that only the caller knows.
    pub(super) fn render_by<'v>(
        &'v self,
        find: impl Fn(&str) -> Option<&'v str>,
    ) -> Result<Option<Zeroizing<String>>, GrantError> {
        let mut values = Vec::with_capacity(self.0.len());
        for part in &self.0 {
            values.push(match part {
                Part::Literal(text) => &**text,
                Part::Name { name, optional } => match find(name) {
                    Some(value) => value,
                    None if *optional => return Ok(None),
                    None => return Err(GrantError::Missing { name: name.to_string() }),
                },
            });
        }
        // Room for all of it, so that no half-written copy of a secret is left behind on the heap.
        let mut text =
            Zeroizing::new(String::with_capacity(values.iter().map(|it| it.len()).sum()));
        for value in values {
            text.push_str(value);
        }
        Ok(Some(text))
    }
}

fn named(inner: &str) -> Result<Part, TemplateFault> {
    let (name, optional) = inner.strip_suffix('?').map_or((inner, false), |it| (it, true));
    let fits = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == '-';
    if name.is_empty() || !name.chars().all(fits) {
        return Err(TemplateFault::Name);
    }
    Ok(Part::Name { name: name.into(), optional })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(template: &str) -> Result<Option<String>, GrantError> {
        let find = |name: &str| match name {
            "a" => Some("1"),
            "b-c" => Some("{a}"),
            _ => None,
        };
        let text = Template::parse(template).unwrap().render_by(find)?;
        Ok(text.map(|it| it.to_string()))
    }

    #[test]
    fn names_are_filled_in_and_values_are_never_templates() {
        for (template, text) in [
            ("{a}", Some("1")),
            ("x{a}y{b-c}", Some("x1y{a}")),
            ("{{{a}}}", Some("{1}")),
            ("", Some("")),
            ("plain", Some("plain")),
            ("x{none?}y", None),
            ("{a?}", Some("1")),
        ] {
            assert_eq!(rendered(template).unwrap().as_deref(), text, "{template}");
        }
        assert_eq!(rendered("{none}"), Err(GrantError::Missing { name: "none".into() }));
    }

    #[test]
    fn broken_templates_say_how() {
        use TemplateFault::{Name, Unclosed, Unopened};
        for (template, fault) in
            [("{a", Unclosed), ("a}", Unopened), ("{}", Name), ("{a b}", Name), ("{?}", Name)]
        {
            assert_eq!(Template::parse(template), Err(fault), "{template}");
        }
    }
}
