//! What an import takes and answers, in the API's document and on the wire.
use super::entry::Sent;
use super::outcome::Outcome;
use crate::admin::shape;
use crate::catalog::RawActivation;
use crate::store::BULK_MAX;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

/// What became of each entry, in the order in which they were sent.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename = "ImportedActivations")]
pub(super) struct Imported {
    activations: Vec<One>,
    created: usize,
    replaced: usize,
    skipped: usize,
    refused: usize,
}

/// An entry.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename = "ImportedActivation")]
struct One {
    /// As it was sent, as is the tenant; null where there was none that could be one.
    connection: Option<String>,
    tenant: Option<String>,
    #[schemars(extend("enum" = ["created", "replaced", "skipped", "refused"]))]
    outcome: &'static str,
    /// Why it was refused, in words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Where that is: a JSON pointer (RFC 6901) into the entry; empty for all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
}

impl Imported {
    pub(super) fn of(sent: &Sent, outcomes: Vec<Outcome>) -> Self {
        let count = |name: &str| outcomes.iter().filter(|it| it.as_str() == name).count();
        let [created, replaced, skipped, refused] =
            ["created", "replaced", "skipped", "refused"].map(count);
        let text = |it: &Value| it.as_str().map(str::to_owned);
        let one = |(names, outcome): (&[Value; 2], Outcome)| {
            let name = outcome.as_str();
            let told = match outcome {
                Outcome::Refused(told) => Some(told),
                Outcome::Created | Outcome::Replaced | Outcome::Skipped => None,
            };
            let (why, pointer) = told.map(|it| (it.why, it.pointer)).unzip();
            let (connection, tenant) = (text(&names[0]), text(&names[1]));
            One { connection, tenant, outcome: name, why, pointer }
        };
        let activations = sent.names.iter().zip(outcomes).map(one).collect();
        Self { activations, created, replaced, skipped, refused }
    }
}

pub(in crate::admin) fn view(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Imported>()
}

pub(in crate::admin) fn body(generator: &mut SchemaGenerator) -> Schema {
    let token = |about: &str| json!({ "type": "string", "writeOnly": true, "description": about });
    let entry = shape::Shape::of::<RawActivation>(generator)
        .with_always("connection", shape::key())
        .with("credentials", shape::sent_credentials())
        .with("access_token", token("The credential field of this name, as are the next three."))
        .with("refresh_token", token("What it is renewed with."))
        .with("expires_at", json!({
            "type": ["string", "integer"],
            "description": "When the access token ends: seconds since 1970, or a date (RFC 3339).",
        }))
        .with("scopes", json!({
            "type": ["string", "array"], "items": { "type": "string" }, "description": "The granted ones.",
        }))
        .named("ActivationToImport", "An activation, with the tokens that it brings along.");
    let body = json!({
        "description": "Activations of any connections and tenants, none twice.",
        "type": "object",
        "required": ["activations"],
        "additionalProperties": false,
        "properties": {
            "activations": { "type": "array", "maxItems": BULK_MAX, "items": entry },
            "existing": {
                "description": "What becomes of one that there is already. Default: the entry is refused.",
                "type": "string",
                "enum": ["skip", "replace", "refuse"],
            },
        },
    });
    shape::kept(generator, "ActivationImport", body)
}
