//! Schemes that are needed together, as one `custom` method.
use super::auth::Scheme;
use super::names::field_of;
use serde_json::Value;
use serde_json::json;

/// The settings of `custom`, where all of them are fixed values at places of their own; else why not.
pub(super) fn settings(set: &[&Scheme<'_>]) -> Result<Value, String> {
    let inject = set.iter().map(|it| injection(it)).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({ "inject": inject }))
}

/// Each has a credential field of its own, called as the scheme is.
fn injection(scheme: &Scheme<'_>) -> Result<Value, String> {
    let field = match field_of(scheme.name) {
        empty if empty.is_empty() => "key".to_owned(),
        field => field,
    };
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
