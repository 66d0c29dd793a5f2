//! A connector from an API's own description: OpenAPI 3.0, 3.1 and Swagger 2.0, as JSON or YAML.
//!
//! Bytes in, a definition and a report out. Nothing is fetched: what a document refers to outside itself is named in the
//! report, and so is everything else that the definition lacks.
mod auth;
mod combined;
mod endpoints;
mod error;
mod filled;
mod flows;
mod format;
mod here;
mod json;
mod locate;
mod names;
mod operations;
mod reference;
mod report;
mod requirements;
mod server;
mod tree;
mod written;
mod yaml;

#[cfg(test)]
mod tests;

pub use error::ImportError;
pub use format::Format;
pub use report::Report;
pub use report::Subject;
pub use report::Told;
pub use report::Verdict;

use crate::catalog::BaseUrlTemplate;
use crate::catalog::RawConnector;
use crate::catalog::is_web_page;
use crate::model::Key;
use here::Here;
use names::Names;
use operations::Operations;
use report::Reporter;
use serde_json::Value;
use tree::Pointer;
use tree::text;

/// Longest document, in bytes. The largest of well-known ones has 13 MB.
pub const DOCUMENT_LEN_MAX: usize = 32 << 20;

/// Longest name of the connector, in bytes.
const NAME_LEN_MAX: usize = 200;

/// Longest description of the connector, in bytes.
const DESCRIPTION_LEN_MAX: usize = 300;

/// Longest address of the page that describes the API, in bytes.
const DOCS_LEN_MAX: usize = 1000;

/// What whoever imports says besides the document.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Default: made of the title.
    pub key: Option<Key>,
    /// Instead of the document's servers, as it is.
    pub base_url: Option<String>,
}

/// What came of a document.
#[derive(Clone, Debug)]
pub struct Imported {
    pub key: Key,
    pub connector: RawConnector,
    pub report: Report,
}

/// Reads a document. Errors are for what is no such document at all; what is odd in one is in the report.
pub fn import(document: &[u8], options: &Options) -> Result<Imported, ImportError> {
    if document.len() > DOCUMENT_LEN_MAX {
        return Err(ImportError::too_long(document.len()));
    }
    let bytes = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    let document = str::from_utf8(bytes).map_err(|it| ImportError::not_utf8(bytes, &it))?;
    let root = match document.trim_start().as_bytes().first() {
        None => return Err(ImportError::empty()),
        Some(b'{') => json::read(document)?,
        Some(_) => yaml::read(document)?,
    };
    let format = Format::of(&root).map_err(|it| it.located(document))?;
    let mut reporter = Reporter::default();
    if let Some(Err(error)) = options.base_url.as_deref().map(BaseUrlTemplate::parse) {
        return Err(ImportError::whole(error.to_string(), error.hint()));
    }
    let title = root.pointer("/info/title").and_then(text).unwrap_or_default();
    let key = match &options.key {
        Some(key) => key.clone(),
        None => named(&title).map_err(|it| it.located(document))?,
    };
    let place = server::place(&root, format, options.base_url.as_deref(), &mut reporter);
    let operations = Operations::of(&root);
    let methods = auth::methods(&operations, format, &place, &mut reporter);
    let here = Here::of(&operations, &place, options.base_url.as_deref());
    let endpoints = endpoints::endpoints(&operations, here, &mut reporter);
    if root.get("webhooks").is_some() {
        let problem = "webhooks that the API sends are not read from documents";
        let at = Pointer::root().child("webhooks");
        reporter.skipped(Subject::Document, at, problem, endpoints::CALLS_HINT);
    }
    let description = root.pointer("/info/description").and_then(text);
    let connector = RawConnector {
        name: Some(names::clipped(&title, NAME_LEN_MAX)).filter(|it| !it.is_empty()),
        description: description.map(|it| names::first_paragraph(&it, DESCRIPTION_LEN_MAX)),
        docs: root.pointer("/externalDocs/url").and_then(Value::as_str).and_then(web_page),
        base_url: place.base_url,
        variables: place.variables,
        auth: methods,
        endpoints,
        ..RawConnector::default()
    };
    let version = root.pointer("/info/version").and_then(text).unwrap_or_default();
    let report = reporter.finish(document, &connector, format, &version);
    Ok(Imported { key, connector, report })
}

/// An address that the catalogue takes as one of a web page, of no more than so many bytes.
fn web_page(url: &str) -> Option<String> {
    Some(url.trim()).filter(|it| it.len() <= DOCS_LEN_MAX && is_web_page(it)).map(str::to_owned)
}

fn named(title: &str) -> Result<Key, ImportError> {
    let name = Names::default().take(title);
    name.and_then(|it| Key::try_from(&*it).ok()).ok_or_else(ImportError::no_title)
}

/// A member of a map that is a map itself; with nothing in it where there is none.
fn members<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    value.get(name).and_then(Value::as_object).into_iter().flatten()
}
