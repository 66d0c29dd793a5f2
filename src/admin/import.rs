//! `POST /v1/connectors/import`: a connector from an API's own description, created as any other.
use super::answer::Answer;
use super::call::Call;
use super::connectors;
use super::connectors::Connectors;
use super::definition;
use super::error::ApiError;
use super::error::Fault;
use super::shape;
use crate::catalog::BaseUrlTemplate;
use crate::import;
use crate::import::ImportError;
use crate::import::Imported;
use crate::import::Options;
use crate::import::Report;
use crate::model::Key;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde_json::Value;
use serde_json::json;

/// The query parameters: the connector's key and base URL, instead of what the document says.
pub(super) const KEY: &str = "key";
pub(super) const BASE_URL: &str = "base_url";

/// Answers with the connector and with what of the document is not in it.
pub(super) async fn import(mut call: Call) -> Result<Answer, ApiError> {
    let options = options(&call)?;
    let imported = read(&mut call, options).await?;
    let connector = imported.to_json();
    let Value::Object(members) = connector.clone() else { return Err(ApiError::Internal) };
    let put = definition::created::<Connectors>(&call, imported.key.as_str(), members).await?;
    let answer = match call.flag("dry_run")? {
        true => Answer::ok(connector),
        false => definition::answer::<Connectors>(&call, imported.key.as_str(), put).await?,
    };
    let body = json!({ "connector": answer.body, "report": imported.report });
    Ok(Answer { body: Some(body), ..answer })
}

fn options(call: &Call) -> Result<Options, ApiError> {
    let bad = |name: &str, problem: String| ApiError::BadRequest(format!("`{name}`: {problem}."));
    let key = call.query.value(KEY).map(Key::try_from).transpose();
    let base_url = call.query.value(BASE_URL);
    if let Some(Err(error)) = base_url.map(BaseUrlTemplate::parse) {
        return Err(bad(BASE_URL, error.to_string()));
    }
    let key = key.map_err(|it| bad(KEY, it.to_string()))?;
    Ok(Options { key, base_url: base_url.map(str::to_owned) })
}

/// It may take a second: not one of the runtime that everything stored is served by.
async fn read(call: &mut Call, options: Options) -> Result<Imported, ApiError> {
    let document = call.document.take().ok_or(ApiError::Internal)?;
    let imported = document.read(move |bytes| import::import(bytes, &options)).await;
    // Where it panicked it has said so already.
    imported.ok_or(ApiError::Internal)?.map_err(ApiError::from)
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        let problem = error.to_string();
        Self::Invalid(vec![Fault { pointer: error.pointer, problem, hint: error.hint }])
    }
}

/// The document that is sent. What it holds is for those who write it to say.
pub(super) fn document(generator: &mut SchemaGenerator) -> Schema {
    let document = json!({
        "type": "object",
        "description": "An OpenAPI 3.0, 3.1, 3.2 or Swagger 2.0 document, as JSON or YAML.",
        "required": ["info"],
        "properties": {
            "openapi": { "type": "string", "examples": ["3.1.0"] },
            "swagger": { "type": "string", "examples": ["2.0"] },
            "info": { "type": "object", "properties": { "title": { "type": "string" } } },
        },
    });
    shape::kept(generator, "ApiDescription", document)
}

pub(super) fn view(generator: &mut SchemaGenerator) -> Schema {
    let connector = connectors::view(generator);
    let report = generator.subschema_for::<Report>();
    let imported = json!({
        "type": "object",
        "description": "A connector that was made of a document, and what of the document is not in it.",
        "required": ["connector", "report"],
        "properties": { "connector": connector, "report": report },
    });
    shape::kept(generator, "ImportedConnector", imported)
}
