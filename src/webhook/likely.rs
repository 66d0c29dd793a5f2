//! What is likely wrong: the same engine, asked about the same request with one thing otherwise.
mod content;
mod json;
mod variants;

use super::named::Verified;
use super::presets::names as preset_names;
use super::public_keys::PublicKeys;
use super::refusal::Refusal;
use super::request::Request;
use super::sender::Sender;
use super::verify::Verifier;
use crate::model::Secret;
use crate::model::UnixTime;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;

/// A longer body is tried with one thing otherwise at a time, in bytes: each try hashes it.
const BODY_LEN_OF_PAIRS: usize = 128 << 10;

/// Enough to go by.
const FINDINGS_MAX: usize = 4;

/// A clock may be off by this, where it is not what is asked about: more than a hundred years.
const ANY_AGE_S: u64 = 4_000_000_000;

/// A request, and how it is checked.
#[derive(Clone, Debug)]
pub struct Case<'k> {
    pub sender: Sender,
    pub request: Request,
    pub now: UnixTime,
    pub keys: Option<&'k PublicKeys>,
    /// What checks it, where nobody is to have the secrets at hand that it was made with: then nothing but the request
    /// is tried otherwise, and the sender is not asked.
    pub ready: Option<Arc<Verifier>>,
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

impl Change {
    fn is_of_request(&self) -> bool {
        match self {
            Self::Body(_) | Self::Url(_) | Self::LowerCase => true,
            Self::Secrets(_) | Self::Description(_) => false,
        }
    }
}

/// What would make it verify, each as what follows on "it would verify with".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub with: Vec<String>,
    /// Nothing but the clock is wrong.
    pub only_stale: bool,
}

impl Case<'_> {
    /// None where it can't be checked at all: the description or a secret is none.
    fn verdict(&self) -> Option<Result<Verified, Refusal>> {
        if let Some(ready) = &self.ready {
            return Some(ready.verify(&self.request.delivery(), self.now, self.keys));
        }
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
        if let Some(ready) = &self.ready {
            let sent = ready.sent_at(&self.request.delivery(), self.now);
            return Self { now: sent.unwrap_or(self.now), ..self.clone() };
        }
        let any = json!({ "timestamp": { "past": ANY_AGE_S, "future": ANY_AGE_S } });
        let case = self.with(&Change::Description(any));
        if case.verdict().is_some() { case } else { self.clone() }
    }
}

/// What would make a refused request verify: one thing, else two, else another preset.
pub fn findings(case: &Case<'_>) -> Findings {
    let base = case.unclocked();
    if base.verifies() {
        return Findings { with: Vec::new(), only_stale: true };
    }
    let mut variants = variants::all(&base);
    variants.retain(|it| case.ready.is_none() || it.change.is_of_request());
    let mut with: Vec<String> = variants
        .iter()
        .filter(|it| base.with(&it.change).verifies())
        .map(|it| it.said.clone())
        .collect();
    if with.is_empty() && case.ready.is_none() {
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
