//! `credential_fields`: what there is to fill in of an auth method's credentials, wherever a method is shown.
use super::call::Call;
use super::sent::Members;
use crate::catalog::AuthMethod;
use crate::catalog::BaseUrlTemplate;
use crate::catalog::Connection;
use crate::catalog::Connector;
use crate::catalog::CredentialField;
use crate::catalog::RawAuthMethod;
use crate::catalog::VariableRules;
use crate::grant;
use crate::model::Key;
use schemars::JsonSchema;
use schemars::SchemaGenerator;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

pub(super) const MEMBER: &str = "credential_fields";

/// A field of an auth method's credentials.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename = "CredentialField")]
struct Field {
    name: String,
    /// What people know it by: the name where nobody has said one.
    label: String,
    /// Where it is found, and what it looks like.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    /// A regular expression that the whole value has to match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    example: Option<String>,
    /// Whether it is not to be seen while somebody types it.
    secret: bool,
    need: Need,
}

/// Who fills it in, and whether it has to be there.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename = "CredentialNeed", rename_all = "snake_case")]
enum Need {
    Required,
    Optional,
    /// It comes of a person's consent or of the provider; what there is already may be given.
    Obtained,
}

impl From<CredentialField> for Field {
    fn from(it: CredentialField) -> Self {
        let need = match it.need {
            grant::Need::Required => Need::Required,
            grant::Need::Optional => Need::Optional,
            grant::Need::Obtained => Need::Obtained,
        };
        let CredentialField { name, label, help, pattern, example, is_secret: secret, .. } = it;
        Self { name, label, help, pattern, example, secret, need }
    }
}

/// Of a method of this connector.
pub(super) fn of(method: &AuthMethod, connector: Option<&Connector>) -> Members {
    let is_variable =
        |name: &str| connector.is_some_and(|it| names(&it.variables, it.base_url.as_ref(), name));
    members(method.credential_fields(is_variable))
}

/// Of what a connection pins.
pub(super) fn of_connection(it: &Connection) -> Members {
    let is_variable = |name: &str| names(&it.variables, Some(&it.base_url), name);
    members(it.method.credential_fields(is_variable))
}

/// Of a method as it is stored; nothing of one that does not read.
pub(super) fn of_text(call: &Call, connector: &str, method: &str, text: &str) -> Members {
    let snapshot = call.api.live.snapshot_full();
    let connector = snapshot.connector(connector).map(|it| &**it);
    let served = connector.and_then(|it| it.methods.get(method));
    if let Some(served) = served.filter(|it| *it.definition == *text) {
        return of(served, connector);
    }
    let raw = serde_json::from_str::<RawAuthMethod>(text).ok();
    let read = raw.zip(Key::try_from(method).ok());
    let read = read.and_then(|(raw, key)| AuthMethod::recorded(key, 1, raw).ok());
    read.map(|it| of(&it, connector)).unwrap_or_default()
}

fn names(rules: &VariableRules, base_url: Option<&BaseUrlTemplate>, name: &str) -> bool {
    rules.rule(name).is_some() || base_url.is_some_and(|it| it.variables().any(|it| it == name))
}

fn members(fields: Vec<CredentialField>) -> Members {
    let fields: Vec<Field> = fields.into_iter().map(Field::from).collect();
    let mut members = Members::new();
    members.insert(MEMBER.to_owned(), json!(fields));
    members
}

pub(super) fn shape(generator: &mut SchemaGenerator) -> Value {
    let field = generator.subschema_for::<Field>();
    json!({
        "type": "array", "readOnly": true, "items": field,
        "description": "What there is to fill in of its credentials, in their order.",
    })
}
