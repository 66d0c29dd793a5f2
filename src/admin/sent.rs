//! A definition as it was sent: less what is not its own, and less its credentials.
use super::error::ApiError;
use super::error::Fault;
use crate::catalog::RawAuthMethod;
use crate::catalog::drop_nulls;
use crate::config::Step;
use crate::config::parse_json;
use crate::config::pointer;
use crate::config::read_json;
use crate::model::Credential;
use crate::model::Secret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Map;
use serde_json::Value;
use std::collections::BTreeMap;

/// Members of an object.
pub(super) type Members = Map<String, Value>;

/// Takes away what answers add: it is taken back and not looked at.
pub(super) fn without(members: &mut Members, read_only: &[&str]) {
    for name in read_only {
        members.shift_remove(*name);
    }
}

/// Takes the resource's key, which has to be the path's where both say one.
pub(super) fn take_key(members: &mut Members, in_path: Option<&str>) -> Result<String, ApiError> {
    match (members.shift_remove("key"), in_path) {
        (None, Some(key)) => Ok(key.to_owned()),
        (Some(Value::String(key)), None) => Ok(key),
        (Some(Value::String(key)), Some(of_path)) if key == of_path => Ok(key),
        (Some(Value::String(_)), Some(_)) => Err(ApiError::invalid(
            "/key",
            "it is not the key in the path",
            "a key stays: create another resource",
        )),
        (Some(_), _) => Err(ApiError::invalid("/key", "expected a string", "")),
        (None, None) => Err(ApiError::invalid("", "`key` is missing", "every resource has one")),
    }
}

/// Reads a definition.
pub(super) fn read<T: DeserializeOwned>(members: &Members) -> Result<T, ApiError> {
    // Shared with the text that is stored: what is read there reads the same.
    let value = Value::Object(members.clone());
    read_json(&value).map_err(|it| ApiError::Invalid(it.into_iter().map(Fault::from).collect()))
}

/// A definition that was stored.
pub(super) fn stored(text: &str) -> Members {
    let Ok(mut value) = parse_json(text.as_bytes()) else { return Members::new() };
    drop_nulls(&mut value);
    if let Value::Object(members) = value { members } else { Members::new() }
}

/// A definition as it is stored and shown: less what is not said.
pub(super) fn written(raw: &impl Serialize) -> Members {
    let mut value = serde_json::to_value(raw).unwrap_or_default();
    drop_nulls(&mut value);
    if let Value::Object(members) = value { members } else { Members::new() }
}

/// A definition as text: always the same for the same.
pub(super) fn text(raw: &impl Serialize) -> String {
    Value::Object(written(raw)).to_string()
}

/// An auth method as text: as the catalogue has it, so that revisions compare.
pub(super) fn method_text(raw: &RawAuthMethod) -> String {
    serde_json::to_string(raw).unwrap_or_default()
}

/// Refuses what no database keeps.
pub(super) fn check_texts(value: &Value) -> Result<(), ApiError> {
    check_texts_below(&mut Vec::new(), value)
}

/// The same of what is sent as a whole.
pub(super) fn check_members(members: &Members) -> Result<(), ApiError> {
    members.iter().try_for_each(|(name, it)| check_texts_below(&mut vec![Step::Key(name)], it))
}

fn check_texts_below<'v>(steps: &mut Vec<Step<'v>>, value: &'v Value) -> Result<(), ApiError> {
    fn find<'v>(value: &'v Value, steps: &mut Vec<Step<'v>>) -> bool {
        match value {
            Value::String(text) => text.contains('\0'),
            Value::Array(items) => items.iter().enumerate().any(|(index, it)| {
                steps.push(Step::Index(index));
                let found = find(it, steps);
                if !found {
                    steps.pop();
                }
                found
            }),
            Value::Object(members) => members.iter().any(|(name, it)| {
                steps.push(Step::Key(name));
                let found = name.contains('\0') || find(it, steps);
                if !found {
                    steps.pop();
                }
                found
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    if find(value, steps) {
        return Err(ApiError::invalid(
            pointer(steps.drain(..)),
            "there is a NUL character in it",
            "",
        ));
    }
    Ok(())
}

/// What was sent of a credential, by field.
pub(super) type Fields = BTreeMap<String, Field>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    New(Vec<Secret>),
    /// As an answer shows it: it stays what it is.
    Kept {
        fingerprint: String,
    },
}

impl Field {
    pub(super) fn is_kept(&self) -> bool {
        matches!(self, Self::Kept { .. })
    }
}

/// Takes a credential out. `None` where nothing was said of it.
pub(super) fn take_credential(
    members: &mut Members,
    name: &str,
) -> Result<Option<Fields>, ApiError> {
    let Some(value) = members.shift_remove(name) else { return Ok(None) };
    let at = |step: &str| pointer([Step::Key(name), Step::Key(step)]);
    let Value::Object(sent) = value else {
        let problem = "expected a map of fields";
        return Err(ApiError::invalid(pointer([Step::Key(name)]), problem, ""));
    };
    let (mut fields, mut faults) = (Fields::new(), Vec::new());
    for (field, value) in sent {
        match field_of(value) {
            Some(value) => {
                fields.insert(field, value);
            }
            None => faults.push(Fault {
                pointer: at(&field),
                problem: "expected a text, or a list of texts".to_owned(),
                hint: "to keep what there is, send the object with its `fingerprint` back"
                    .to_owned(),
            }),
        }
    }
    if faults.is_empty() { Ok(Some(fields)) } else { Err(ApiError::Invalid(faults)) }
}

fn field_of(value: Value) -> Option<Field> {
    match value {
        Value::String(text) => Some(Field::New(vec![Secret::new(text)])),
        Value::Array(items) if !items.is_empty() => {
            let secret = |it| if let Value::String(it) = it { Some(Secret::new(it)) } else { None };
            let secrets: Option<Vec<Secret>> = items.into_iter().map(secret).collect();
            secrets.map(Field::New)
        }
        Value::Object(mut shown) => match shown.shift_remove("fingerprint") {
            Some(Value::String(fingerprint)) => Some(Field::Kept { fingerprint }),
            _ => None,
        },
        _ => None,
    }
}

/// Whether what was sent is what answers show, field for field.
pub(super) fn keeps_all(sent: &Fields, shown: &BTreeMap<String, String>) -> bool {
    let is_shown = |(name, field): (&String, &Field)| match field {
        Field::New(_) => false,
        Field::Kept { fingerprint } => shown.get(name) == Some(fingerprint),
    };
    sent.len() == shown.len() && sent.iter().all(is_shown)
}

/// The credential that comes of what was sent and what there is. `shown` are the fingerprints that
/// answers show.
pub(super) fn merged(
    sent: Fields,
    name: &str,
    current: &Credential,
    shown: &BTreeMap<String, String>,
) -> Result<Credential, ApiError> {
    let (mut credential, mut faults) = (Credential::default(), Vec::new());
    for (field, value) in sent {
        match value {
            Field::New(values) => credential.insert(field, values),
            Field::Kept { fingerprint } if shown.get(&field) == Some(&fingerprint) => {
                credential.insert(field.clone(), current.values(&field).to_vec());
            }
            Field::Kept { .. } => faults.push(Fault {
                pointer: pointer([Step::Key(name), Step::Key(&field)]),
                problem: "this fingerprint is not that of what is kept".to_owned(),
                hint: "send the value itself".to_owned(),
            }),
        }
    }
    if faults.is_empty() { Ok(credential) } else { Err(ApiError::Invalid(faults)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn members(value: Value) -> Members {
        let Value::Object(members) = value else { panic!("an object") };
        members
    }

    #[test]
    fn what_no_database_keeps_is_refused_where_it_stands() {
        assert!(check_members(&members(json!({ "callers": { "a": { "name": "b" } } }))).is_ok());
        for sent in
            [json!({ "callers": { "a\0b": {} } }), json!({ "callers": { "a": ["x", "\0"] } })]
        {
            let refused = check_members(&members(sent.clone())).unwrap_err();
            let said = format!("{refused:?}");
            assert!(said.contains("/callers/a") && said.contains("NUL"), "{said}");
        }
    }

    #[test]
    fn a_key_is_the_path_s_or_the_body_s_and_never_two() {
        for (body, path, expected) in [
            (json!({}), Some("a"), Some("a")),
            (json!({"key": "a"}), Some("a"), Some("a")),
            (json!({"key": "a"}), None, Some("a")),
            (json!({"key": "b"}), Some("a"), None),
            (json!({"key": 1}), Some("a"), None),
            (json!({}), None, None),
        ] {
            let taken = take_key(&mut members(body.clone()), path).ok();
            assert_eq!(taken.as_deref(), expected, "{body} {path:?}");
        }
    }

    #[test]
    fn a_credential_is_new_or_kept_field_by_field() {
        let sent = json!({"credentials": {"a": "x", "b": ["y", "z"], "c": {"fingerprint": "f0", "set_at": "…"}}});
        let mut sent = members(sent);
        let fields = take_credential(&mut sent, "credentials").unwrap().unwrap();
        assert!(sent.is_empty());
        let current = Credential::from_iter([("a", "old"), ("c", "kept"), ("d", "gone")]);
        let shown = BTreeMap::from([("c".to_owned(), "f0".to_owned())]);
        let credential = merged(fields, "credentials", &current, &shown).unwrap();
        let fields: Vec<_> = credential.fields().collect();
        assert_eq!(fields, ["a", "b", "c"]);
        assert_eq!(credential.field("a"), Some(&Secret::new("x")));
        assert_eq!(credential.values("b").len(), 2);
        assert_eq!(credential.field("c"), Some(&Secret::new("kept")));
    }

    #[test]
    fn what_is_no_credential_is_told_with_its_place_and_not_with_its_value() {
        for (value, place) in [
            (json!(1), "/credentials/a~1b"),
            (json!([]), "/credentials/a~1b"),
            (json!(["x", 1]), "/credentials/a~1b"),
            (json!({}), "/credentials/a~1b"),
        ] {
            let mut sent = members(json!({"credentials": {"a/b": value, "c": "hunter2"}}));
            let error = take_credential(&mut sent, "credentials").unwrap_err();
            let ApiError::Invalid(faults) = &error else { panic!("{error:?}") };
            assert_eq!(faults.len(), 1);
            assert_eq!(faults[0].pointer, place);
            assert!(!format!("{error:?}{error}").contains("hunter2"));
        }
        let stale = Fields::from([("c".into(), Field::Kept { fingerprint: "f1".into() })]);
        let shown = BTreeMap::from([("c".to_owned(), "f0".to_owned())]);
        assert!(merged(stale, "credentials", &Credential::default(), &shown).is_err());
    }
}
