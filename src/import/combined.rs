//! Schemes that are needed together, as one `custom` method.
use super::auth::Scheme;
use super::names::clipped;
use super::names::field_of;
use super::names::first_paragraph;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// Longest name of a field, in bytes.
const NAME_LEN_MAX: usize = 100;

/// Longest description of a field, in bytes.
const DESCRIPTION_LEN_MAX: usize = 200;

/// `custom`, and what its credentials are to whoever fills them in.
pub(super) struct Together {
    pub(super) settings: Value,
    pub(super) fields: Value,
}

/// Where all of them are fixed values at places of their own; else why not.
pub(super) fn together(set: &[&Scheme<'_>]) -> Result<Together, String> {
    let (mut inject, mut fields) = (Vec::new(), Map::new());
    for scheme in set {
        let field = field(scheme, &fields);
        inject.push(injection(scheme, &field)?);
        let text = if is_basic(scheme) { "`username:password`" } else { "" };
        let text = match (text, scheme.member("description")) {
            (text, about) if about.trim().is_empty() => text.to_owned(),
            ("", about) => first_paragraph(&about, DESCRIPTION_LEN_MAX),
            (text, about) => format!("{text}. {}", first_paragraph(&about, DESCRIPTION_LEN_MAX)),
        };
        let mut about = json!({ "name": clipped(scheme.name, NAME_LEN_MAX) });
        if !text.is_empty() {
            about["description"] = text.into();
        }
        fields.insert(field, about);
    }
    Ok(Together { settings: json!({ "inject": inject }), fields: fields.into() })
}

/// Each has a credential field of its own, called as the scheme is.
fn field(scheme: &Scheme<'_>, taken: &Map<String, Value>) -> String {
    let plain = match field_of(scheme.name) {
        empty if empty.is_empty() => "key".to_owned(),
        field => field,
    };
    let numbered = (2..).map(|it| format!("{plain}_{it}"));
    let mut names = std::iter::once(plain.clone()).chain(numbered);
    names.find(|it| !taken.contains_key(it)).unwrap_or(plain)
}

fn is_basic(scheme: &Scheme<'_>) -> bool {
    let is = |member: &str| scheme.member(member).eq_ignore_ascii_case("basic");
    is("type") || is("scheme")
}

fn injection(scheme: &Scheme<'_>, field: &str) -> Result<Value, String> {
    let authorization =
        |value: String| json!({ "in": "header", "name": "Authorization", "value": value });
    let (kind, http) = (scheme.member("type"), scheme.member("scheme").to_ascii_lowercase());
    match (&*kind, &*http) {
        ("apiKey", _) => {
            let (place, name) = (scheme.member("in"), scheme.member("name"));
            Ok(json!({ "in": place, "name": name, "value": format!("{{{field}}}") }))
        }
        // RFC 7617 §2: the field holds `username:password`.
        ("basic", _) | ("http", "basic") => Ok(authorization(format!("Basic {{{field}|base64}}"))),
        ("http", "bearer") => Ok(authorization(format!("Bearer {{{field}}}"))),
        ("http", other) => Err(format!("`{}` ({other}) is no fixed value", scheme.name)),
        (other, _) => Err(format!("`{}` ({other}) is no fixed value", scheme.name)),
    }
}
