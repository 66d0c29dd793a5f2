//! Texts with names in them: `{app_id}`, `{now|ms}`, `{{` for a brace. What the names are is not known here.
use super::super::SettingsFault;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part<'t> {
    Literal(String),
    Name { name: &'t str, filter: Option<&'t str> },
}

/// The pieces in order; two fixed texts never stand side by side.
pub(super) fn parts(text: &str) -> Result<Vec<Part<'_>>, SettingsFault> {
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
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(name(inner)?);
            rest = after;
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    Ok(parts)
}

/// What stands between the braces: `name` or `name|filter`.
fn name(inner: &str) -> Result<Part<'_>, SettingsFault> {
    let (name, filter) = inner.split_once('|').map_or((inner, None), |it| (it.0, Some(it.1)));
    let is_named = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == '-';
    if name.is_empty() || !name.chars().all(is_named) {
        return Err(SettingsFault::FieldName);
    }
    Ok(Part::Name { name, filter })
}
