//! The check of a description as it is written: each field, and what they mean together.
use super::clock::Clock;
use super::clock::ClockAt;
use super::description::ReplayBy;
use super::description::Rules;
use super::error::DescriptionError;
use super::error::Step;
use super::pointer::Pointer;
use super::raw::Algorithm;
use super::raw::Covers;
use super::raw::RawDescription;
use super::raw::RawSignature;
use super::raw::RawTimestamp;
use super::raw::Replay;
use super::signature::At;
use super::signature::ListShape;
use super::signature::Place;
use super::signature::Shape;
use super::template::Template;
use super::template::Value;
use super::verify::SECRETS_MAX;
use http::HeaderName;
use http::HeaderValue;
use std::fmt::Display;

/// Most signatures of one request that can be configured to be tried: each is one comparison.
const SIGNATURES_MAX: usize = 256;

const SIGNATURES_DEFAULT: usize = 32;

const PAST_DEFAULT_S: u64 = 300;

/// Goes through a description and collects everything that is wrong with it.
///
/// A field that is wrong leaves a stand-in behind, which nobody sees: the description is refused.
#[derive(Default)]
pub(super) struct Check {
    pub(super) problems: Vec<DescriptionError>,
}

impl Check {
    pub(super) fn rules(&mut self, raw: RawDescription) -> Rules {
        let algorithm = raw.algorithm.unwrap_or_default();
        let require = raw.require.iter().flatten().filter_map(|(name, value)| {
            let path = vec!["require".into(), Step::Field(name.clone().into())];
            let value = HeaderValue::try_from(value);
            let value = self.ok(path.clone(), value, "write the header's exact value");
            Some((self.header(path, name)?, value?))
        });
        let require = require.collect();
        let places = self.places(raw.signature, raw.signatures);
        let listed = places.len() == 1 && matches!(places[0].shape, Shape::List(_));
        let clock = raw.timestamp.and_then(|it| self.clock(it, listed));
        let partial = raw.covers.unwrap_or_default() == Covers::Partial;
        let content = self.content(raw.content.as_deref(), algorithm, clock.as_ref(), listed);
        if let Some(content) = &content {
            self.coverage(content, clock.as_ref(), partial);
        }
        let content = content.unwrap_or_default();
        let id = self.naming("id", raw.id.as_deref(), clock.as_ref(), listed);
        let configured =
            self.naming("replay_key", raw.replay_key.as_deref(), clock.as_ref(), listed);
        // An id that nobody signed is any thief's to change, so it counts only for want of a clock.
        let id_counts = id
            .as_ref()
            .is_some_and(|it| clock.is_none() || is_signed(it, &content, clock.as_ref()));
        Rules {
            key: raw.key.unwrap_or_default().into(),
            algorithm,
            require,
            places,
            clock,
            content,
            id,
            replay: match raw.replay.unwrap_or_default() {
                Replay::Off => ReplayBy::Off,
                Replay::On => ReplayBy::Key { configured, id: id_counts },
            },
            max_signatures: self.max_signatures(raw.max_signatures),
            failure_status: self.failure_status(raw.failure_status),
            partial,
        }
    }

    fn places(
        &mut self,
        one: Option<RawSignature>,
        several: Option<Vec<RawSignature>>,
    ) -> Box<[Place]> {
        match (one, several) {
            (Some(one), None) => self.place(vec!["signature".into()], one).into_iter().collect(),
            (None, Some(several)) if !several.is_empty() => {
                let several = several.into_iter().enumerate().filter_map(|(index, it)| {
                    self.place(vec!["signatures".into(), Step::Index(index)], it)
                });
                several.collect()
            }
            (None, _) => {
                let hint =
                    "say where it is: `signature: { header: X-Signature }`, or name a `preset`";
                self.wrong(vec!["signature".into()], "is missing", hint);
                Box::default()
            }
            (Some(_), Some(_)) => {
                let hint = "keep `signatures`, with each place in it, or `signature` alone";
                self.wrong(vec!["signatures".into()], "stands beside `signature`", hint);
                Box::default()
            }
        }
    }

    fn place(&mut self, path: Vec<Step>, raw: RawSignature) -> Option<Place> {
        let at = match (&raw.header, &raw.query) {
            (Some(name), None) => At::Header(self.header(below(&path, "header"), name)?),
            (None, Some(name)) if !name.is_empty() => At::Query(name.as_str().into()),
            _ => {
                let hint = "write one: `header: X-Signature` or `query: sig`";
                self.wrong(path, "has to have exactly one of `header` and `query`", hint);
                return None;
            }
        };
        if raw.secret.is_some_and(|it| it >= SECRETS_MAX) {
            let hint = format!("secrets are counted from 0, and there are at most {SECRETS_MAX}");
            self.wrong(below(&path, "secret"), "is no secret's number", hint);
        }
        let shape = self.shape(&path, &raw)?;
        Some(Place { at, shape, encoding: raw.encoding.unwrap_or_default(), secret: raw.secret })
    }

    fn shape(&mut self, path: &[Step], raw: &RawSignature) -> Option<Shape> {
        let text = |it: &Option<String>| it.as_deref().unwrap_or_default().into();
        match (&raw.list, &raw.prefix) {
            (None, _) if raw.label.is_some() || raw.trim.is_some() => {
                let field = if raw.label.is_some() { "label" } else { "trim" };
                let hint = "write the list's separator: `list: \",\"`";
                self.wrong(below(path, field), "is for a list, and there is no `list`", hint);
                None
            }
            (None, _) => Some(Shape::Whole { prefix: text(&raw.prefix) }),
            (Some(_), Some(_)) => {
                let hint = "what entries of a list begin with is their `label`";
                self.wrong(below(path, "prefix"), "stands beside `list`", hint);
                None
            }
            (Some(separator), None) if separator.is_empty() => {
                self.wrong(below(path, "list"), "is empty", "write the list's separator: `\",\"`");
                None
            }
            (Some(_), None) => Some(Shape::List(ListShape {
                separator: text(&raw.list),
                label: text(&raw.label),
                trim: raw.trim.unwrap_or(false),
            })),
        }
    }

    fn clock(&mut self, raw: RawTimestamp, listed: bool) -> Option<Clock> {
        let path = vec!["timestamp".into()];
        let at = match (&raw.header, &raw.label, &raw.json) {
            (Some(name), None, None) => ClockAt::Header(self.header(below(&path, "header"), name)?),
            (None, Some(label), None) if !label.is_empty() => {
                if !listed {
                    let hint =
                        "the label is looked for in the one `signature`, which needs a `list`";
                    self.wrong(below(&path, "label"), "has no list to be in", hint);
                }
                ClockAt::Label(label.as_str().into())
            }
            (None, None, Some(pointer)) => {
                let hint = "write a JSON pointer: `/created_at`";
                let parsed = Pointer::parse(pointer).ok_or("is no JSON pointer");
                ClockAt::Json(self.ok(below(&path, "json"), parsed, hint)?)
            }
            _ => {
                let hint = "write one: `header: X-Timestamp`, `label: t=` or `json: /time`";
                self.wrong(path, "has to have exactly one of `header`, `label` and `json`", hint);
                return None;
            }
        };
        let past_s = raw.past.unwrap_or(PAST_DEFAULT_S);
        if past_s == 0 {
            self.wrong(
                below(&path, "past"),
                "is 0: nothing would arrive in time",
                "write seconds: 300",
            );
        }
        let format = raw.format.unwrap_or_default();
        Some(Clock { at, format, past_s, future_s: raw.future.unwrap_or(past_s) })
    }

    fn content(
        &mut self,
        text: Option<&str>,
        algorithm: Algorithm,
        clock: Option<&Clock>,
        listed: bool,
    ) -> Option<Template> {
        let path = || vec!["content".into()];
        let Some(text) = text else {
            if algorithm != Algorithm::Token {
                self.wrong(path(), "is missing", "say what is signed: `content: \"{body}\"`");
            }
            return (algorithm == Algorithm::Token).then(Template::default);
        };
        if algorithm == Algorithm::Token {
            self.wrong(
                path(),
                "stands beside `algorithm: token`, which signs nothing",
                "leave it out",
            );
        }
        let template = self.template("content", text, clock, listed)?;
        let names_key = template.certain().any(|it| *it == Value::Key);
        if template.values().any(|it| matches!(it, Value::Json(_))) {
            let hint = "sign the whole `{body}`; `{json./x}` is for `id` and `replay_key`";
            self.wrong(path(), "reads the body before its signature is checked", hint);
        }
        if algorithm == Algorithm::Sha256 && !names_key {
            self.wrong(
                path(),
                "has no `{key}`: anybody could make this hash",
                "put `{key}` where the sender does",
            );
        }
        if algorithm != Algorithm::Sha256 && template.values().any(|it| *it == Value::Key) {
            self.wrong(
                path(),
                "has `{key}` in it",
                "only `algorithm: sha256` hashes the key with the content",
            );
        }
        Some(template)
    }

    /// A template that names a delivery.
    fn naming(
        &mut self,
        field: &'static str,
        text: Option<&str>,
        clock: Option<&Clock>,
        listed: bool,
    ) -> Option<Template> {
        let template = self.template(field, text?, clock, listed)?;
        if template.values().any(|it| matches!(it, Value::Key | Value::Body)) {
            let hint = "name it by a header, a query parameter or `{json./pointer}`";
            self.wrong(vec![field.into()], "has the key or the whole body in it", hint);
        }
        Some(template)
    }

    fn template(
        &mut self,
        field: &'static str,
        text: &str,
        clock: Option<&Clock>,
        listed: bool,
    ) -> Option<Template> {
        let path = || vec![field.into()];
        let hint = "values are `{body}`, `{timestamp}`, `{method}`, `{url}`, `{url.no_query}`, `{key}`, \
                    `{header.X}`, `{query.X}`, `{label.X}`, `{json./x}`";
        let template = self.ok(path(), Template::parse(text), hint)?;
        if template.values().any(|it| *it == Value::Timestamp) {
            let in_body = clock.is_some_and(|it| matches!(it.at, ClockAt::Json(_)));
            if clock.is_none() {
                self.wrong(
                    path(),
                    "has `{timestamp}`, and there is no `timestamp`",
                    "say where it is",
                );
            } else if in_body && field == "content" {
                let hint = "it is signed with the `{body}` that it is in";
                self.wrong(path(), "has a `{timestamp}` that is read from the body", hint);
            }
        }
        if !listed && template.values().any(|it| matches!(it, Value::Label(_))) {
            let hint = "labels are looked for in the one `signature`, which needs a `list`";
            self.wrong(path(), "has a `{label.X}`, and there is no list", hint);
        }
        Some(template)
    }

    /// The body and the clock have to be signed.
    fn coverage(&mut self, content: &Template, clock: Option<&Clock>, partial: bool) {
        let covers_body = content.certain().any(|it| *it == Value::Body);
        if !covers_body && !partial {
            let hint = "put `{body}` in it, or, if this sender really does not sign it, write \
                        `covers: partial`";
            self.wrong(vec!["content".into()], "does not cover the body", hint);
        }
        if clock.is_some_and(|it| !content.certain().any(|value| is_clock(value, it))) {
            let hint = "put `{timestamp}` in the content, or leave the timestamp out";
            self.wrong(vec!["timestamp".into()], "is not signed: anybody could move it", hint);
        }
    }

    fn max_signatures(&mut self, raw: Option<usize>) -> usize {
        let max = raw.unwrap_or(SIGNATURES_DEFAULT);
        if !(1..=SIGNATURES_MAX).contains(&max) {
            let hint = format!("write 1 to {SIGNATURES_MAX}");
            self.wrong(vec!["max_signatures".into()], format!("is {max}"), hint);
        }
        max
    }

    fn failure_status(&mut self, raw: Option<u16>) -> u16 {
        let status = raw.unwrap_or(401);
        if !(400..=499).contains(&status) {
            let hint = "write 400 to 499: the sender has to learn that it was refused";
            self.wrong(vec!["failure_status".into()], format!("is {status}"), hint);
        }
        status
    }

    fn header(&mut self, path: Vec<Step>, name: &str) -> Option<HeaderName> {
        self.ok(path, name.parse(), "write a header's name: `X-Signature`")
    }

    /// The value, or its error among the problems.
    fn ok<T, E: Display>(&mut self, path: Vec<Step>, it: Result<T, E>, hint: &str) -> Option<T> {
        it.map_err(|problem| self.wrong(path, problem.to_string(), hint)).ok()
    }

    fn wrong(&mut self, path: Vec<Step>, problem: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(DescriptionError::new(path, problem, hint));
    }
}

fn below(path: &[Step], field: &'static str) -> Vec<Step> {
    path.iter().cloned().chain([field.into()]).collect()
}

/// Whether `value` is the clock's text, or holds it.
fn is_clock(value: &Value, clock: &Clock) -> bool {
    match (value, &clock.at) {
        (Value::Body, ClockAt::Json(_)) => true,
        (Value::Timestamp, ClockAt::Header(_) | ClockAt::Label(_)) => true,
        (Value::Header(name), ClockAt::Header(clock)) => name == clock,
        (Value::Label(label), ClockAt::Label(clock)) => label == clock,
        _ => false,
    }
}

/// Whether everything that `template` names is signed in `content`.
fn is_signed(template: &Template, content: &Template, clock: Option<&Clock>) -> bool {
    template.values().all(|named| {
        content.certain().any(|signed| {
            signed == named
                || matches!((signed, named), (Value::Body, Value::Json(_)))
                || (matches!(signed, Value::Url) && matches!(named, Value::Query(_)))
                || (*named == Value::Timestamp && clock.is_some_and(|it| is_clock(signed, it)))
        })
    })
}
