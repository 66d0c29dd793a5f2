//! Paths and methods to endpoints (OpenAPI 3.1.0 §4.8.8, Swagger 2.0 §5.2.8).
use super::here::Here;
use super::names::Names;
use super::names::clipped;
use super::names::first_paragraph;
use super::operations::Found;
use super::operations::LOOKED_AT_MAX;
use super::operations::Operation;
use super::operations::Operations;
use super::report::Reporter;
use super::report::Subject;
use super::tree::Pointer;
use super::tree::text;
use crate::catalog::ENDPOINTS_MAX;
use crate::catalog::EndpointSieve;
use crate::catalog::RawEndpoint;
use indexmap::IndexMap;
use serde_json::Value;

/// Longest name of an endpoint, in bytes.
const NAME_LEN_MAX: usize = 120;

/// Longest description of an endpoint, in bytes: the rest is a click away, in the API's documentation.
const DESCRIPTION_LEN_MAX: usize = 300;

/// Most tags of an endpoint, and the longest of them in bytes.
const TAGS_MAX: usize = 8;
const TAG_LEN_MAX: usize = 60;

/// Most tags of an operation that are looked at: empty ones are none.
const TAGS_READ_MAX: usize = 100;

/// Most that all endpoints are together, in bytes of JSON: the admin API takes bodies of 1 MiB, and what is exported has to
/// fit in.
const TOGETHER_LEN_MAX: usize = 700 << 10;

/// What to do about calls in the other direction: no document says how they are signed.
pub(super) const CALLS_HINT: &str =
    "write a method with `hmac` for them: the API's documentation says how they are signed";

/// What to do about endpoints that there is no room for.
const PARTS_HINT: &str =
    "they can be called all the same; import a document with the parts that you need";

/// The endpoints while they are made.
struct Making<'r> {
    made: IndexMap<String, RawEndpoint>,
    /// What the catalogue would refuse is left out.
    sieve: EndpointSieve,
    names: Names,
    beyond: usize,
    /// How many operations have callbacks, and the first of them.
    callbacks: Option<(usize, Pointer)>,
    reporter: &'r mut Reporter,
}

pub(super) fn endpoints(
    operations: &Operations<'_>,
    mut here: Here<'_>,
    reporter: &mut Reporter,
) -> IndexMap<String, RawEndpoint> {
    let (made, sieve, names) = (IndexMap::new(), EndpointSieve::default(), Names::default());
    let mut making = Making { made, sieve, names, beyond: 0, callbacks: None, reporter };
    let at_paths = Pointer::root().child("paths");
    operations.each(|found| match found {
        Found::Operation(operation) => making.operation(&operation, &mut here),
        Found::Broken(at, error) => {
            making.reporter.skipped(Subject::Endpoint, at, error.to_string(), error.hint());
        }
        Found::Beyond => {
            let problem = format!("there are more than {LOOKED_AT_MAX} paths and operations");
            making.reporter.summed_up(Subject::Endpoint, at_paths.clone(), problem, PARTS_HINT);
        }
    });
    if let Some((count, at)) = making.callbacks.take() {
        let problem =
            format!("callbacks that the API sends are not read; operations with any: {count}");
        making.reporter.summed_up(Subject::Document, at, problem, CALLS_HINT);
    }
    if making.made.is_empty() {
        making.reporter.noted(Subject::Endpoint, at_paths.clone(), "there are no endpoints", "");
    }
    if making.beyond > 0 {
        let problem = format!("{} endpoints beyond {ENDPOINTS_MAX} are left out", making.beyond);
        making.reporter.skipped(Subject::Endpoint, at_paths.clone(), problem, PARTS_HINT);
    }
    making.shorten(at_paths);
    making.made
}

impl Making<'_> {
    fn operation(&mut self, found: &Operation<'_>, here: &mut Here<'_>) {
        let Operation { path, method, value: operation, .. } = *found;
        let at = found.at.clone();
        if let Some(url) = here.elsewhere(found.servers) {
            let problem = format!("it is at another server: {url}");
            let hint = "import it again with that base URL, as a connector of its own";
            return self.reporter.skipped(Subject::Endpoint, at, problem, hint);
        }
        if operation.get("callbacks").is_some() {
            self.callbacks.get_or_insert((0, at.child("callbacks"))).0 += 1;
        }
        let id = operation.get("operationId").and_then(text);
        let by_path = format!("{method}{path}");
        let key = id.as_deref().and_then(|it| self.names.take(it));
        let Some(key) = key.or_else(|| self.names.take(&by_path)) else { return };
        let summary = operation.get("summary").and_then(text);
        let name = summary.or(id).map(|it| clipped(&it, NAME_LEN_MAX)).filter(|it| !it.is_empty());
        let description = operation.get("description").and_then(text);
        let description = description.map(|it| first_paragraph(&it, DESCRIPTION_LEN_MAX));
        let tags = operation.get("tags").and_then(Value::as_array).into_iter().flatten();
        let tags = tags.take(TAGS_READ_MAX);
        let tags =
            tags.filter_map(text).map(|it| clipped(&it, TAG_LEN_MAX)).filter(|it| !it.is_empty());
        let endpoint = RawEndpoint {
            description: description.filter(|it| !it.is_empty() && Some(it) != name.as_ref()),
            name,
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            tags: tags.take(TAGS_MAX).collect(),
            deprecated: operation
                .get("deprecated")
                .is_some_and(|it| text(it).as_deref() == Some("true")),
        };
        match self.sieve.refused(&key, &endpoint).into_iter().next() {
            Some(it) => {
                self.reporter.skipped(Subject::Endpoint, at, it.problem, it.hint);
            }
            None if self.made.len() >= ENDPOINTS_MAX => self.beyond += 1,
            None => {
                self.made.insert(key, endpoint);
            }
        }
    }

    /// Without descriptions, then without tags and names, then fewer, where all of them together are too long.
    fn shorten(&mut self, at: Pointer) {
        let total = self.len();
        if total <= TOGETHER_LEN_MAX {
            return;
        }
        let mut left_out = "descriptions";
        self.made.values_mut().for_each(|it| it.description = None);
        if self.len() > TOGETHER_LEN_MAX {
            left_out = "descriptions, names and tags";
            for it in self.made.values_mut() {
                it.name = None;
                it.tags.clear();
            }
        }
        let before = self.made.len();
        let mut room = TOGETHER_LEN_MAX;
        self.made.retain(|key, it| {
            let len = len(key, it);
            room = room.saturating_sub(len);
            room > 0
        });
        let problem = format!("the endpoints have no {left_out}: with them they are {total} bytes");
        let hint = format!("all together they have {TOGETHER_LEN_MAX} bytes at most");
        self.reporter.noted(Subject::Endpoint, at.clone(), problem, hint);
        if before > self.made.len() {
            let problem =
                format!("{} endpoints are left out all the same", before - self.made.len());
            self.reporter.skipped(Subject::Endpoint, at, problem, PARTS_HINT);
        }
    }

    fn len(&self) -> usize {
        self.made.iter().map(|(key, it)| len(key, it)).sum()
    }
}

/// In bytes of JSON.
fn len(key: &str, endpoint: &RawEndpoint) -> usize {
    // Quotes, colon and comma beside the key.
    key.len() + 4 + serde_json::to_vec(endpoint).map_or(0, |it| it.len())
}
