//! What is sent: each entry read by itself, so that one which is unsound leaves the others be.
use super::Existing;
use super::outcome::Told;
use crate::admin::error::ApiError;
use crate::admin::error::Fault;
use crate::admin::sent;
use crate::admin::sent::Members;
use crate::catalog::drop_nulls;
use crate::config::Step;
use crate::config::pointer;
use crate::grant::is_point_in_time;
use crate::model::Key;
use crate::model::TenantId;
use crate::store::BULK_MAX;
use serde_json::Value;
use serde_json::json;

/// Longest entry: its texts together, in bytes. As much as an activation may have that is sent alone.
const ENTRY_LEN_MAX: usize = 1 << 20;

/// What stands beside `credentials`, and the credential field that it is.
const TOKENS: [(&str, &str); 4] = [
    ("access_token", "access_token"),
    ("refresh_token", "refresh_token"),
    ("expires_at", "expires_at"),
    ("scopes", "scope"),
];

/// What the call brought.
pub(super) struct Sent {
    pub(super) entries: Vec<Result<Entry, Told>>,
    pub(super) existing: Existing,
    /// Connection and tenant as they were sent, for the answer.
    pub(super) names: Vec<[Value; 2]>,
}

/// An entry, as far as it can be read by itself.
pub(super) struct Entry {
    pub(super) connection: String,
    pub(super) tenant: TenantId,
    /// As an activation is sent alone.
    pub(super) members: Members,
}

impl Sent {
    pub(super) fn read(mut members: Members) -> Result<Self, ApiError> {
        let existing = match members.shift_remove("existing") {
            None | Some(Value::Null) => Existing::default(),
            Some(it) if it == "skip" => Existing::Skip,
            Some(it) if it == "replace" => Existing::Replace,
            Some(it) if it == "refuse" => Existing::Refuse,
            Some(_) => {
                let hint = "write skip, replace or refuse";
                return Err(ApiError::invalid("/existing", "there is no such choice", hint));
            }
        };
        let all = match members.shift_remove("activations") {
            Some(Value::Array(all)) if all.len() <= BULK_MAX => all,
            Some(Value::Array(all)) => {
                let problem = format!("{} are too many at once", all.len());
                let hint = format!("send {BULK_MAX} at most, and the others after them");
                return Err(ApiError::invalid("/activations", problem, hint));
            }
            _ => return Err(ApiError::invalid("/activations", "expected a list", "send one: […]")),
        };
        if let Some(unknown) = members.keys().next() {
            let problem = format!("unknown field `{unknown}`, expected `activations`, `existing`");
            return Err(ApiError::invalid(pointer([Step::Key(unknown)]), problem, ""));
        }
        let name = |it: &Value, member: &str| match &it[member] {
            Value::String(text) if text.len() <= NAME_SHOWN_MAX => json!(text),
            _ => Value::Null,
        };
        let names = all.iter().map(|it| ["connection", "tenant"].map(|member| name(it, member)));
        let names = names.collect();
        let entries = all.into_iter().map(Entry::read).collect();
        Ok(Self { entries, existing, names })
    }
}

/// Longest name that an answer repeats, in bytes: as long as a tenant's may be.
const NAME_SHOWN_MAX: usize = 128;

impl Entry {
    fn read(mut value: Value) -> Result<Self, Told> {
        drop_nulls(&mut value);
        if weight(&value) > ENTRY_LEN_MAX {
            return Err(Told::new("", format!("its texts are longer than {ENTRY_LEN_MAX} bytes")));
        }
        sent::check_texts(&value).map_err(told)?;
        let Value::Object(mut members) = value else {
            return Err(Told::new("", "expected an object"));
        };
        let connection = text(&mut members, "connection")?;
        let tenant = text(&mut members, "tenant")?;
        if let Err(error) = Key::try_from(&*connection) {
            return Err(Told::new("/connection", error.to_string()));
        }
        let tenant =
            TenantId::try_from(&*tenant).map_err(|it| Told::new("/tenant", it.to_string()))?;
        tokens_into_credentials(&mut members)?;
        Ok(Self { connection, tenant, members })
    }

    /// What is wrong with it, where it was sent.
    pub(super) fn told(&self, mut faults: Vec<Fault>) -> Told {
        for fault in &mut faults {
            let beside = TOKENS.iter().find(|it| fault.pointer == format!("/credentials/{}", it.1));
            if let Some((name, _)) = beside {
                fault.pointer = format!("/{name}");
            }
        }
        Told::of(faults)
    }
}

fn told(error: ApiError) -> Told {
    match error {
        ApiError::Invalid(faults) => Told::of(faults),
        error => Told::new("", error.to_string()),
    }
}

fn text(members: &mut Members, name: &str) -> Result<String, Told> {
    let at = format!("/{name}");
    match members.shift_remove(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Told::new(&at, "expected a text")),
        None => Err(Told::new(&at, "it is missing")),
    }
}

/// Tokens that are brought along are credential fields as any other.
fn tokens_into_credentials(members: &mut Members) -> Result<(), Told> {
    for (name, field) in TOKENS {
        let at = format!("/{name}");
        let Some(value) = members.shift_remove(name) else { continue };
        let value = match (name, value) {
            ("expires_at", Value::Number(number)) => number.to_string(),
            ("scopes", Value::Array(all)) => {
                let all: Option<Vec<&str>> = all.iter().map(Value::as_str).collect();
                let all = all.ok_or_else(|| Told::new(&at, "expected a list of texts"))?;
                all.join(" ")
            }
            (_, Value::String(text)) => text,
            _ => return Err(Told::new(&at, "expected a text")),
        };
        // Nobody has said that nothing was granted.
        if name == "scopes" && value.trim().is_empty() {
            continue;
        }
        let credentials = members.entry("credentials").or_insert_with(|| json!({}));
        let Value::Object(credentials) = credentials else {
            return Err(Told::new("/credentials", "expected a map of fields"));
        };
        if credentials.insert(field.to_owned(), value.into()).is_some() {
            return Err(Told::new(&at, "it stands in `credentials` as well: write it once"));
        }
    }
    match members.get("credentials").and_then(|it| it["expires_at"].as_str()) {
        Some(it) if !is_point_in_time(it) => {
            let why = "it is neither seconds since 1970 nor a date, as in 2027-01-31T00:00:00Z";
            Err(Told::new("/expires_at", why))
        }
        _ => Ok(()),
    }
}

/// Of its texts, in bytes.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(all) => all.iter().map(weight).sum(),
        Value::Object(members) => members.iter().map(|(name, it)| name.len() + weight(it)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Value {
        json!({
            "connection": "crm", "tenant": "acme", "access_token": "a", "refresh_token": "r",
            "expires_at": 1_900_000_000, "scopes": ["x", "y"], "credentials": { "extra": "e" }, "enabled": false,
        })
    }

    #[test]
    fn tokens_beside_credentials_are_credential_fields() {
        let entry = Entry::read(good()).ok().unwrap();
        assert_eq!((&*entry.connection, entry.tenant.as_str()), ("crm", "acme"));
        let expected = json!({
            "credentials": {
                "extra": "e", "access_token": "a", "refresh_token": "r", "expires_at": "1900000000", "scope": "x y",
            },
            "enabled": false,
        });
        assert_eq!(Value::Object(entry.members), expected);
    }

    #[test]
    fn what_is_wrong_with_an_entry_is_told_with_its_place_and_without_its_value() {
        let long = "canary".repeat(ENTRY_LEN_MAX);
        for (member, value, pointer) in [
            ("connection", json!(null), "/connection"),
            ("connection", json!("No Key"), "/connection"),
            ("tenant", json!(7), "/tenant"),
            ("tenant", json!(""), "/tenant"),
            ("access_token", json!(["canary"]), "/access_token"),
            ("expires_at", json!("canary"), "/expires_at"),
            ("scopes", json!([1]), "/scopes"),
            ("credentials", json!("canary"), "/credentials"),
            ("credentials", json!({ "access_token": "canary" }), "/access_token"),
            ("refresh_token", json!("canary\0"), "/refresh_token"),
            ("refresh_token", json!(long), ""),
        ] {
            let mut entry = good();
            entry[member] = value;
            let told = Entry::read(entry).err().unwrap_or_else(|| panic!("{member} is taken"));
            assert_eq!(told.pointer, pointer, "{}", told.why);
            assert!(!told.why.contains("canary"), "{}", told.why);
        }
        assert!(Entry::read(json!("canary")).is_err());
    }
}
