//! What is likely wrong: the same engine, asked about the same request with one thing otherwise.
mod content;
mod json;
mod variants;

use super::request::Request;
use super::sender::Sender;
use crate::model::Secret;
use crate::model::UnixTime;
use crate::webhook::PublicKeys;
use crate::webhook::Refusal;
use crate::webhook::Verified;
use crate::webhook::preset_names;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// A longer body is tried with one thing otherwise at a time, in bytes: each try hashes it.
const BODY_LEN_OF_PAIRS: usize = 128 << 10;

/// Enough to go by.
const FINDINGS_MAX: usize = 4;

/// A clock may be off by this, where it is not what is asked about: more than a hundred years.
const ANY_AGE_S: u64 = 4_000_000_000;

/// A request, and how it is checked.
#[derive(Clone, Debug)]
pub(super) struct Case<'k> {
    pub(super) sender: Sender,
    pub(super) request: Request,
    pub(super) now: UnixTime,
    pub(super) keys: Option<&'k PublicKeys>,
}

/// One thing that is otherwise.
#[derive(Clone, Debug)]
struct Variant {
    axis: Axis,
    /// What follows on "it would verify with".
    said: String,
    change: Change,
}

/// What a variant is about: two of one axis make no pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axis {
    Body,
    Url,
    Secret,
    Key,
    Algorithm,
    Encoding,
    Prefix,
    Clock,
    Content,
}

#[derive(Clone, Debug)]
enum Change {
    Body(Vec<u8>),
    Url(String),
    Secrets(Vec<Secret>),
    /// Over the description, member by member.
    Description(Value),
    /// Hex digits of headers in lower case.
    LowerCase,
}

/// What would make it verify, each as what follows on "it would verify with".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    pub(super) with: Vec<String>,
    /// Nothing but the clock is wrong.
    pub(super) only_stale: bool,
}

impl Case<'_> {
    /// None where it can't be checked at all: the description or a secret is none.
    fn verdict(&self) -> Option<Result<Verified, Refusal>> {
        let description = self.sender.description().ok()?;
        let verifier = description.verifier(&self.sender.given()).ok()?;
        Some(verifier.verify(&self.request.delivery(), self.now, self.keys))
    }

    fn verifies(&self) -> bool {
        matches!(self.verdict(), Some(Ok(_)))
    }

    fn with(&self, change: &Change) -> Self {
        let mut case = self.clone();
        match change {
            Change::Body(body) => case.request.body.clone_from(body),
            Change::Url(url) => case.request.url.clone_from(url),
            Change::Secrets(secrets) => case.sender.secrets.clone_from(secrets),
            Change::Description(over) => put_over(&mut case.sender.description, over),
            Change::LowerCase => variants::lower_case(&mut case.request.headers),
        }
        case
    }

    /// The same whatever the clock says; the same where there is none.
    fn unclocked(&self) -> Self {
        let any = json!({ "timestamp": { "past": ANY_AGE_S, "future": ANY_AGE_S } });
        let case = self.with(&Change::Description(any));
        if case.verdict().is_some() { case } else { self.clone() }
    }
}

/// What would make a refused request verify: one thing, else two, else another preset.
pub(super) fn findings(case: &Case<'_>) -> Findings {
    let base = case.unclocked();
    if base.verifies() {
        return Findings { with: Vec::new(), only_stale: true };
    }
    let variants = variants::all(&base);
    let mut with: Vec<String> = variants
        .iter()
        .filter(|it| base.with(&it.change).verifies())
        .map(|it| it.said.clone())
        .collect();
    if with.is_empty() {
        with.extend(presets(&base));
    }
    if with.is_empty() && base.request.body.len() <= BODY_LEN_OF_PAIRS {
        with.extend(pairs(&base, &variants));
    }
    with.truncate(FINDINGS_MAX);
    Findings { with, only_stale: false }
}

fn pairs(base: &Case<'_>, variants: &[Variant]) -> Vec<String> {
    let mut with = Vec::new();
    for (index, first) in variants.iter().enumerate() {
        let case = base.with(&first.change);
        for second in variants[index + 1..].iter().filter(|it| it.axis != first.axis) {
            if case.with(&second.change).verifies() {
                with.push(format!("{}, and {}", first.said, second.said));
            }
        }
    }
    with
}

fn presets(base: &Case<'_>) -> impl Iterator<Item = String> {
    preset_names().filter_map(|name| {
        let mut case = base.clone();
        case.sender.description = json!({ "preset": name });
        case.unclocked().verifies().then(|| format!("the preset `{name}`"))
    })
}

/// Maps member by member, anything else whole.
fn put_over(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (name, value) in over {
                put_over(under.entry(name).or_insert(Value::Null), value);
            }
        }
        (under @ Value::Null, Value::Object(over)) => {
            *under = Value::Object(Map::new());
            put_over(under, &Value::Object(over.clone()));
        }
        (under, over) => under.clone_from(over),
    }
}

#[cfg(test)]
mod tests;
