//! The OpenAPI document (3.1), made of the table of contents and of the types that are read.
use super::connection_status::Status;
use super::cursor::LIMIT;
use super::cursor::LIMIT_MAX;
use super::error::Fault;
use super::origin::Moved;
use super::origin::ORIGIN;
use super::query::VALUE_LEN_MAX;
use super::route::Parameter;
use super::route::ParameterKind;
use super::route::Route;
use super::search::SEARCH_LEN_MAX;
use super::shape;
use super::uses::Use;
use crate::journal::Window;
use crate::model::Code;
use crate::model::DeliveryVerdict;
use crate::model::EventType;
use crate::store::DeliveryState;
use crate::telemetry::ErrorSource;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use schemars::transform::Transform;
use schemars::transform::transform_subschemas;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;

/// What every answer has.
const REQUEST_ID: &str = "#/components/headers/RequestId";

/// What the words of docs/contract.md are called in its examples.
const EXAMPLES: &[(&str, &str)] = &[
    ("api", "stripe"),
    ("connector", "github"),
    ("method", "token"),
    ("connection", "github-prod"),
    ("integration", "ticket-sync"),
    ("environment", "production"),
    ("tenant", "acme"),
    ("caller", "runtime-eu"),
    ("token", "ci"),
    ("subscription", "operations"),
    ("event", "evt_019a6b1e-0000-7000-8000-000000000000"),
];

/// Responses that several operations have, by name.
type Problems = BTreeMap<String, Value>;

/// The document, as text with a final newline.
pub fn document(routes: &[Route]) -> String {
    let text = serde_json::to_string_pretty(&value(routes)).expect("a document is JSON");
    text + "\n"
}

fn value(routes: &[Route]) -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|it| it.definitions_path = "/components/schemas".into())
        .into_generator();
    let (mut paths, mut problems) = (Map::new(), BTreeMap::new());
    for route in routes {
        let operation = operation(route, &mut generator, &mut problems);
        let item = paths.entry(route.path).or_insert_with(|| path_item(route));
        item[route.method.as_str().to_ascii_lowercase()] = operation;
    }
    problem(&mut generator);
    let mut schemas = generator.take_definitions(true);
    for schema in schemas.values_mut() {
        if let Ok(schema) = schema.try_into() {
            Sent.transform(schema);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "attache",
            "version": env!("CARGO_PKG_VERSION"),
            "description": include_str!("openapi.md").trim_end(),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "security": [{ "operator": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "operator": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The configured admin token, or an operator's own.",
                },
            },
            "headers": {
                "RequestId": {
                    "description": "The request's own `Attache-Request-Id`, or a new one.",
                    "required": true,
                    "schema": { "type": "string", "minLength": 1, "maxLength": 128 },
                },
                "Error": {
                    "description": "The problem's `code`.",
                    "required": true,
                    "schema": { "type": "string" },
                },
                "RetryAfter": {
                    "description": "In seconds.",
                    "schema": { "type": "integer", "minimum": 1 },
                },
                "ETag": {
                    "description": "The version: send it back as `If-Match`.",
                    "schema": { "type": "string", "pattern": "^\"[0-9]+\"$" },
                },
                "Location": {
                    "description": "The path of what was created.",
                    "schema": { "type": "string" },
                },
            },
            "responses": problems,
            "schemas": schemas,
        },
    })
}

/// The parameters that a path has, whatever the method.
fn path_item(route: &Route) -> Value {
    let parameters: Vec<Value> = route.parameters().map(path_parameter).collect();
    if parameters.is_empty() { json!({}) } else { json!({ "parameters": parameters }) }
}

fn path_parameter(name: &str) -> Value {
    let (about, schema) = match name {
        "tenant" => (
            "The operator's own id for the customer, percent-encoded.",
            json!({ "type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]+$" }),
        ),
        "revision" => {
            ("Counted from 1.", json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX }))
        }
        "prefix" => (
            "The key's first characters.",
            json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,16}$" }),
        ),
        "event" => {
            ("The id of an event.", json!({ "type": "string", "pattern": "^evt_[0-9a-f-]{36}$" }))
        }
        "request_id" => (
            "Of the exchange, percent-encoded.",
            json!({ "type": "string", "minLength": 1, "maxLength": 128 }),
        ),
        _ => {
            ("A stable key.", json!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,62}$" }))
        }
    };
    let mut parameter = json!({
        "name": name, "in": "path", "required": true, "description": about, "schema": schema,
    });
    let example = EXAMPLES.iter().find(|it| it.0 == name);
    if let Some((_, example)) = example {
        parameter["example"] = (*example).into();
    }
    parameter
}

fn query_parameter(parameter: &Parameter) -> Value {
    let schema = match parameter.kind {
        ParameterKind::Flag => json!({ "type": "boolean", "default": false }),
        ParameterKind::Either => json!({ "type": "boolean" }),
        ParameterKind::ConnectionStatus => {
            let all: Vec<_> = Status::ALL.iter().map(|it| it.as_str()).collect();
            json!({ "type": "string", "enum": all })
        }
        ParameterKind::Origin => json!({ "type": "string", "const": ORIGIN }),
        ParameterKind::Text => json!({ "type": "string", "maxLength": VALUE_LEN_MAX }),
        ParameterKind::Number => json!({ "type": "integer", "format": "int64", "minimum": 0 }),
        ParameterKind::Duration => json!({ "type": "string", "examples": ["2s"] }),
        ParameterKind::EventTypes => {
            let names: Vec<_> = EventType::ALL.iter().map(|it| it.as_str()).collect();
            json!({ "type": "array", "items": { "type": "string", "enum": names } })
        }
        ParameterKind::DeliveryState => {
            let all: Vec<_> = DeliveryState::ALL.iter().map(|it| it.as_str()).collect();
            json!({ "type": "string", "enum": all })
        }
        ParameterKind::Status => {
            json!({ "type": "string", "pattern": "^([1-5]xx|[1-5][0-9]{2})$", "examples": ["5xx"] })
        }
        ParameterKind::ErrorSource => {
            let all: Vec<_> = ErrorSource::ALL.iter().map(|it| it.as_str()).collect();
            json!({ "type": "string", "enum": all })
        }
        ParameterKind::Window => {
            let all: Vec<_> = Window::ALL.iter().map(|it| it.as_str()).collect();
            json!({ "type": "string", "enum": all, "default": Window::Minutes.as_str() })
        }
        ParameterKind::Verdict => {
            let all: Vec<_> = DeliveryVerdict::ALL.iter().map(|it| it.as_str()).collect();
            json!({ "type": "string", "enum": all })
        }
        ParameterKind::Time => json!({ "type": "string", "format": "date-time" }),
        ParameterKind::Cursor => json!({ "type": "string", "maxLength": 512 }),
        ParameterKind::Search => json!({ "type": "string", "maxLength": SEARCH_LEN_MAX }),
        ParameterKind::Key => shape::key(),
        ParameterKind::BaseUrl => json!({ "type": "string", "minLength": 1 }),
        ParameterKind::Limit => {
            json!({ "type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT })
        }
    };
    let mut document = json!({
        "name": parameter.name, "in": "query", "required": false,
        "description": parameter.about, "schema": schema,
    });
    if parameter.kind == ParameterKind::EventTypes {
        document["explode"] = false.into();
    }
    document
}

fn operation(route: &Route, generator: &mut SchemaGenerator, problems: &mut Problems) -> Value {
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.about,
        "description": format!("Takes the role `{}`.", route.role),
        "tags": [tag(route.path)],
    });
    let mut parameters: Vec<Value> = route.query.iter().map(query_parameter).collect();
    parameters.extend(route.headers.iter().map(|it| it.document()));
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some((media, schema)) = route.takes {
        let schema = schema(generator);
        let content: Map<String, Value> = media
            .names()
            .iter()
            .map(|it| ((*it).to_owned(), json!({ "schema": schema })))
            .collect();
        operation["requestBody"] = json!({
            "required": true,
            "description": format!("At most {} bytes.", media.len_max()),
            "content": content,
        });
    }
    operation["responses"] = responses(route, generator, problems);
    operation
}

/// The resource that a path is about: `connectors` for `/v1/connectors/{connector}/auth`.
fn tag(path: &str) -> &str {
    path.split('/').nth(2).unwrap_or_default()
}

fn responses(route: &Route, generator: &mut SchemaGenerator, problems: &mut Problems) -> Value {
    let mut responses = Map::new();
    let all = route.all_given();
    for (index, given) in all.iter().enumerate() {
        let is_twin = all[..index].iter().any(|it| it.status == given.status);
        if is_twin {
            continue;
        }
        let mut headers = json!({ "Attache-Request-Id": { "$ref": REQUEST_ID } });
        for header in given.headers {
            headers[*header] = json!({ "$ref": format!("#/components/headers/{header}") });
        }
        let mut response = json!({ "description": given.about, "headers": headers });
        let of_status = all.iter().filter(|it| it.status == given.status);
        let schemas: Vec<Value> =
            of_status.filter_map(|it| it.schema).map(|it| json!(it(generator))).collect();
        let schema = match <[Value; 1]>::try_from(schemas) {
            Ok([one]) => Some(one),
            Err(none) if none.is_empty() => None,
            Err(several) => Some(json!({ "anyOf": several })),
        };
        if let Some(schema) = schema {
            response["content"] = json!({ given.media: { "schema": schema } });
        }
        responses.insert(given.status.as_u16().to_string(), response);
    }
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in route.all_codes() {
        let codes = by_status.entry(code.status()).or_default();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    for (status, codes) in by_status {
        let name = codes.iter().map(|it| it.as_str()).collect::<Vec<_>>().join("_or_");
        let reference = json!({ "$ref": format!("#/components/responses/{name}") });
        problems.entry(name).or_insert_with(|| problem_response(&codes));
        responses.insert(status.to_string(), reference);
    }
    responses.into()
}

fn problem_response(codes: &[Code]) -> Value {
    let told = codes.iter().map(|it| format!("`{}`: {}", it.as_str(), it.title()));
    let description = told.collect::<Vec<_>>().join(". ") + ".";
    let mut headers = json!({
        "Attache-Request-Id": { "$ref": REQUEST_ID },
        "Attache-Error": { "$ref": "#/components/headers/Error" },
    });
    if codes.iter().any(|it| matches!(it.status(), 429 | 503)) {
        headers["Retry-After"] = json!({ "$ref": "#/components/headers/RetryAfter" });
    }
    if codes.contains(&Code::PreconditionFailed) {
        headers["ETag"] = json!({ "$ref": "#/components/headers/ETag" });
    }
    json!({
        "description": description,
        "headers": headers,
        "content": {
            "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } },
        },
    })
}

/// RFC 9457, with the members that docs/contract.md §4 adds.
fn problem(generator: &mut SchemaGenerator) {
    let faults = generator.subschema_for::<Vec<Fault>>();
    let uses = generator.subschema_for::<Vec<Use>>();
    let moves = generator.subschema_for::<Vec<Moved>>();
    let codes: Vec<&str> = Code::ALL.iter().map(|it| it.as_str()).collect();
    let problem = json!({
        "description": "What went wrong (RFC 9457).",
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "code": { "type": "string", "enum": codes },
            "request_id": { "type": "string" },
            "retry_after": { "description": "In seconds.", "type": "integer" },
            "errors": faults,
            "uses": uses,
            "total": { "description": "How many uses there are.", "type": "integer" },
            "moves": moves,
            "source": {
                "type": "object",
                "properties": { "file": { "type": "string" }, "line": { "type": "integer" } },
            },
            "version": {
                "description": "The version that there is now; null where there is none any more.",
                "type": ["integer", "null"],
            },
            "changed_by": { "type": ["string", "null"] },
            "changed_at": { "type": ["string", "null"] },
            "outcome": {
                "description": "Where it may have been done, or not, and nobody knows.",
                "type": "string", "enum": ["unknown"],
            },
        },
    });
    generator.definitions_mut().insert("Problem".to_owned(), problem);
}

/// Nothing is interpolated in what is sent, and the widths of integers say nothing to whoever sends.
#[derive(Clone, Debug)]
struct Sent;

impl Transform for Sent {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else { return };
        object.remove("format");
        if let Some(Value::String(pattern)) = object.get_mut("pattern") {
            *pattern = pattern.replace("|.*\\$\\{.*", "");
        }
    }
}
