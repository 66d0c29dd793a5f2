//! Texts with credential fields in them: `Bearer {key}`, `{key|base64}`, `{{` for a brace.
use super::SettingsFault;
use crate::model::Credential;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// A parsed template. Never empty of fields where it is used; see [`Template::fields`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    parts: Box<[Part]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    Field { name: Box<str>, filter: Filter },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    Plain,
    /// Standard alphabet with padding (RFC 4648 §4).
    Base64,
}

impl Template {
    pub fn parse(text: &str) -> Result<Self, SettingsFault> {
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
                return Err(SettingsFault::Unopened);
            } else {
                let (inner, after) = after.split_once('}').ok_or(SettingsFault::Unclosed)?;
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal).into()));
                }
                parts.push(field(inner)?);
                rest = after;
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.into()));
        }
        Ok(Self { parts: parts.into() })
    }

    /// The credential fields named, in order, repeated where the template repeats them.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|it| match it {
            Part::Literal(_) => None,
            Part::Field { name, .. } => Some(&**name),
        })
    }

    /// The fixed texts around the fields.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|it| match it {
            Part::Literal(text) => Some(&**text),
            Part::Field { .. } => None,
        })
    }

    /// True where the text begins or ends with a space that is the template's own.
    pub fn has_space_at_an_end(&self) -> bool {
        let spaced = |part: Option<&Part>, test: fn(&str) -> bool| matches!(part, Some(Part::Literal(text)) if test(text));
        spaced(self.parts.first(), |it| it.starts_with(' '))
            || spaced(self.parts.last(), |it| it.ends_with(' '))
    }

    /// The text with the fields filled in. A field that the credential lacks stays empty: whoever
    /// calls has checked that there is none.
    pub fn render(&self, credential: &Credential) -> Zeroizing<String> {
        let value = |name: &str| credential.field(name).map_or("", |it| it.expose());
        // Room for all of it, so that no half-written copy of a secret is left behind on the heap.
        let room = self.parts.iter().map(|it| match it {
            Part::Literal(text) => text.len(),
            Part::Field { name, .. } => value(name).len().div_ceil(3) * 4,
        });
        let mut text = Zeroizing::new(String::with_capacity(room.sum()));
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Field { name, filter: Filter::Plain } => text.push_str(value(name)),
                Part::Field { name, filter: Filter::Base64 } => {
                    STANDARD.encode_string(value(name), &mut text);
                }
            }
        }
        text
    }

    /// The one field's text within `value`: what a client put there that was told it is the
    /// credential. `None` where the fixed texts differ or the template has not exactly one field.
    /// Letters of the fixed texts match in either case, because an auth-scheme's do
    /// (RFC 9110 §11.1).
    pub fn extract<'v>(&self, value: &'v [u8]) -> Option<std::borrow::Cow<'v, [u8]>> {
        let (before, filter, after) = match &*self.parts {
            [Part::Field { filter, .. }] => ("", filter, ""),
            [Part::Literal(before), Part::Field { filter, .. }] => (&**before, filter, ""),
            [Part::Field { filter, .. }, Part::Literal(after)] => ("", filter, &**after),
            [Part::Literal(before), Part::Field { filter, .. }, Part::Literal(after)] => {
                (&**before, filter, &**after)
            }
            _ => return None,
        };
        let (head, rest) = value.split_at_checked(before.len())?;
        let (inner, tail) = rest.split_at_checked(rest.len().checked_sub(after.len())?)?;
        let fits = head.eq_ignore_ascii_case(before.as_bytes())
            && tail.eq_ignore_ascii_case(after.as_bytes());
        match filter {
            _ if !fits || inner.is_empty() => None,
            Filter::Plain => Some(inner.into()),
            Filter::Base64 => STANDARD.decode(inner).ok().map(Into::into),
        }
    }
}

/// What stands between the braces: `name` or `name|filter`.
fn field(inner: &str) -> Result<Part, SettingsFault> {
    let (name, filter) = inner.split_once('|').map_or((inner, None), |it| (it.0, Some(it.1)));
    let named = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == '-';
    if name.is_empty() || !name.chars().all(named) {
        return Err(SettingsFault::FieldName);
    }
    let filter = match filter {
        None => Filter::Plain,
        Some("base64") => Filter::Base64,
        Some(other) => return Err(SettingsFault::Filter { filter: other.to_owned() }),
    };
    Ok(Part::Field { name: name.into(), filter })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(template: &str) -> String {
        let credential = Credential::from_iter([("key", "k3y"), ("user-id", "Aladdin")]);
        Template::parse(template).unwrap().render(&credential).to_string()
    }

    #[test]
    fn fields_filters_and_doubled_braces_are_filled_in() {
        for (template, text) in [
            ("{key}", "k3y"),
            ("Bearer {key}", "Bearer k3y"),
            ("{user-id}:{key}", "Aladdin:k3y"),
            ("{key|base64}", "azN5"),
            ("{{{key}}}", "{k3y}"),
            ("{{\"t\":\"{key}\"}}", "{\"t\":\"k3y\"}"),
            ("plain", "plain"),
            ("é{key}é", "ék3yé"),
            ("", ""),
        ] {
            assert_eq!(rendered(template), text, "{template}");
        }
    }

    #[test]
    fn a_value_is_never_read_as_a_template() {
        let credential = Credential::from_iter([("a", "{b}"), ("b", "secret")]);
        assert_eq!(*Template::parse("{a}").unwrap().render(&credential), "{b}");
    }

    #[test]
    fn broken_templates_say_how() {
        use SettingsFault as F;
        for (template, fault) in [
            ("{key", F::Unclosed),
            ("{", F::Unclosed),
            ("key}", F::Unopened),
            ("{}", F::FieldName),
            ("{a b}", F::FieldName),
            ("{ key }", F::FieldName),
            ("{key|rot13}", F::Filter { filter: "rot13".into() }),
            ("{key|}", F::Filter { filter: String::new() }),
        ] {
            assert_eq!(Template::parse(template), Err(fault), "{template}");
        }
    }

    #[test]
    fn extracts_what_stands_in_the_field() {
        for (template, value, key) in [
            ("{key}", "abc", Some("abc")),
            ("Bearer {key}", "bearer abc", Some("abc")),
            ("Bearer {key}", "Basic abc", None),
            ("Bearer {key}", "Bearer ", None),
            ("Bearer {key}", "", None),
            ("<{key}>", "<abc>", Some("abc")),
            ("<{key}>", "<", None),
            ("{key|base64}", "YWJj", Some("abc")),
            ("{key|base64}", "!", None),
            ("{a}{b}", "abc", None),
        ] {
            let got =
                Template::parse(template).unwrap().extract(value.as_bytes()).map(|it| it.to_vec());
            assert_eq!(got.as_deref(), key.map(str::as_bytes), "{template} {value}");
        }
    }
}
