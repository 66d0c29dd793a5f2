//! The schemas of bodies: what files hold, with what the API adds and leaves out.
use super::unreadable::Unreadable;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// One field of a credential as answers show it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ShownField {
    /// The same for the same value, in this deployment.
    pub fingerprint: String,
    /// RFC 3339, UTC.
    pub set_at: String,
}

/// A schema under construction: an object's, to be kept under a name of its own.
pub(super) struct Shape<'g> {
    generator: &'g mut SchemaGenerator,
    members: Map<String, Value>,
}

impl<'g> Shape<'g> {
    /// Begins with the fields of `T`.
    pub(super) fn of<T: JsonSchema>(generator: &'g mut SchemaGenerator) -> Self {
        let schema = T::json_schema(generator);
        let members = schema.as_object().cloned().unwrap_or_default();
        Self { generator, members }
    }

    pub(super) fn without(mut self, names: &[&str]) -> Self {
        for name in names {
            self.properties().shift_remove(*name);
            self.required().retain(|it| it != name);
        }
        self
    }

    /// A field that may be there.
    pub(super) fn with(mut self, name: &str, schema: Value) -> Self {
        self.properties().insert(name.to_owned(), schema);
        self
    }

    /// A field that is always there.
    pub(super) fn with_always(mut self, name: &str, schema: Value) -> Self {
        self.properties().insert(name.to_owned(), schema);
        if !self.required().iter().any(|it| it == name) {
            self.required().push(name.into());
        }
        self
    }

    /// A field that has to be sent, in front of the others.
    pub(super) fn with_key(self, schema: Value) -> Self {
        let mut shape = self.with_always("key", schema);
        if let Some(schema) = shape.properties().shift_remove("key") {
            shape.properties().shift_insert(0, "key".to_owned(), schema);
        }
        shape
    }

    /// What every resource has in answers.
    pub(super) fn shown(self) -> Self {
        let time =
            |about: &str| json!({ "type": "string", "readOnly": true, "description": about });
        self.with("version", json!({
            "type": "integer", "readOnly": true, "description": "What the `ETag` names. Stored ones have one.",
        }))
        .with("created_at", time("RFC 3339, UTC. Stored ones have one."))
        .with("updated_at", time("RFC 3339, UTC. Stored ones have one."))
        .with("source", json!({
            "type": "object",
            "readOnly": true,
            "description": "Where a file declares it: there it is changed. Stored ones have none.",
            "required": ["file", "line"],
            "properties": { "file": { "type": "string" }, "line": { "type": "integer" } },
        }))
    }

    /// Nothing has to be there: for merge patches.
    pub(super) fn partial(mut self) -> Self {
        self.members.shift_remove("required");
        for (_, schema) in self.properties().iter_mut() {
            let own = std::mem::take(schema);
            *schema = json!({ "anyOf": [own, { "type": "null" }] });
        }
        self
    }

    /// Keeps it under its name.
    pub(super) fn named(mut self, name: &str, about: &str) -> Schema {
        if self.required().is_empty() {
            self.members.shift_remove("required");
        }
        self.members.insert("description".to_owned(), about.into());
        self.generator.definitions_mut().insert(name.to_owned(), Value::Object(self.members));
        reference(name)
    }

    fn properties(&mut self) -> &mut Map<String, Value> {
        let properties = self.members.entry("properties").or_insert_with(|| json!({}));
        properties.as_object_mut().expect("an object's properties are a map")
    }

    fn required(&mut self) -> &mut Vec<Value> {
        let required = self.members.entry("required").or_insert_with(|| json!([]));
        required.as_array_mut().expect("the names of what is required are a list")
    }
}

fn reference(name: &str) -> Schema {
    Schema::new_ref(format!("#/components/schemas/{name}"))
}

/// Keeps a schema under its name.
pub(super) fn kept(generator: &mut SchemaGenerator, name: &str, schema: Value) -> Schema {
    generator.definitions_mut().insert(name.to_owned(), schema);
    reference(name)
}

/// A page of a list.
pub(super) fn page(generator: &mut SchemaGenerator, name: &str, item: Schema) -> Schema {
    let row = generator.subschema_for::<Unreadable>();
    let unreadable = json!({
        "description": "What is stored and does not read, which stands among the items otherwise. Left out where all reads.",
        "type": "array", "items": row,
    });
    let page = json!({
        "description": "A page of a list.",
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": { "type": "array", "items": item },
            "next": {
                "description": "The `cursor` of the next page; null at the end.",
                "type": ["string", "null"],
            },
            "unreadable": unreadable,
        },
    });
    kept(generator, name, page)
}

/// A stable key.
pub(super) fn key() -> Value {
    json!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,62}$" })
}

/// Credentials as they are sent.
pub(super) fn sent_credentials() -> Value {
    json!({
        "type": "object",
        "description": "By field. One that is sent back as it was shown is kept.",
        "additionalProperties": {
            "anyOf": [
                { "type": "string", "writeOnly": true },
                { "type": "array", "minItems": 1, "items": { "type": "string" }, "writeOnly": true },
                {
                    "type": "object",
                    "required": ["fingerprint"],
                    "properties": {
                        "fingerprint": { "type": "string" }, "set_at": { "type": "string" },
                    },
                },
            ],
        },
    })
}

/// Credentials as answers show them.
pub(super) fn shown_credentials(generator: &mut SchemaGenerator) -> Value {
    let field = generator.subschema_for::<ShownField>();
    json!({
        "type": "object",
        "description": "What there is of each field. The values are never shown.",
        "additionalProperties": field,
    })
}
