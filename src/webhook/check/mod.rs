//! The check of a description as it is written: each field, and what they mean together.
mod content;
mod handshakes;
mod keys;
mod places;

use super::error::DescriptionError;
use super::error::Step;
use super::raw::Algorithm;
use super::raw::Covers;
use super::raw::RawDescription;
use super::raw::Replay;
use super::rules::ById;
use super::rules::Expected;
use super::rules::ReplayBy;
use super::rules::Rules;
use super::rules::Whole;
use super::signature::Shape;
use super::template::Value;
use content::Signed;
use http::HeaderName;
use http::HeaderValue;
use std::fmt::Display;

/// Most signatures of one request that can be configured to be tried: each is one comparison.
const SIGNATURES_MAX: usize = 256;

const SIGNATURES_DEFAULT: usize = 32;

/// Most alternatives, and most handshakes, of one description.
const LIST_MAX: usize = 16;

/// Goes through a description and collects everything that is wrong with it.
///
/// A field that is wrong leaves a stand-in behind, which nobody sees: the description is refused.
#[derive(Default)]
pub(super) struct Check {
    pub(super) problems: Vec<DescriptionError>,
    /// Where the fields are that are gone through: in one of the `alternatives`.
    within: Vec<Step>,
}

impl Check {
    pub(super) fn whole(&mut self, mut raw: RawDescription) -> Whole {
        let failure_status = raw.failure_status.take();
        let handshakes = raw.handshakes.take().unwrap_or_default();
        let tenant = raw.tenant.take();
        let alternatives = raw.alternatives.take();
        let tenant = tenant.and_then(|it| self.spot(vec!["tenant".into()], &it));
        let ways = match alternatives {
            None => vec![self.only(raw, tenant.as_ref())],
            Some(alternatives) => self.ways(&raw, alternatives, tenant.as_ref()),
        };
        let handshakes = self.handshakes(handshakes, &ways);
        let signs_challenges = handshakes.iter().any(|it| it.reply.signs_challenges());
        let failure_status = self.failure_status(failure_status);
        Whole {
            ways: ways.into(),
            handshakes,
            signs_challenges,
            tenant,
            failure_status,
            is_preset: false,
        }
    }

    fn only(&mut self, raw: RawDescription, tenant: Option<&super::spot::Spot>) -> Rules {
        if raw.when.is_some() {
            let hint = "write it into one of the `alternatives`";
            self.wrong(vec!["when".into()], "stands outside of `alternatives`", hint);
        }
        self.rules(raw, tenant)
    }

    fn ways(
        &mut self,
        beside: &RawDescription,
        alternatives: Vec<RawDescription>,
        tenant: Option<&super::spot::Spot>,
    ) -> Vec<Rules> {
        if !(1..=LIST_MAX).contains(&alternatives.len()) {
            let problem = format!("has {} entries", alternatives.len());
            let hint = format!("write 1 to {LIST_MAX}, each with its `when`");
            self.wrong(vec!["alternatives".into()], problem, hint);
        }
        if beside.when.is_some() {
            let hint = "write it into one of the `alternatives`";
            self.wrong(vec!["when".into()], "stands outside of `alternatives`", hint);
        }
        let last = alternatives.len().saturating_sub(1);
        let ways = alternatives.into_iter().enumerate().map(|(index, raw)| {
            self.within = vec!["alternatives".into(), Step::Index(index)];
            for (field, there) in [
                ("preset", raw.preset.is_some()),
                ("alternatives", raw.alternatives.is_some()),
                ("handshakes", raw.handshakes.is_some()),
                ("tenant", raw.tenant.is_some()),
                ("failure_status", raw.failure_status.is_some()),
            ] {
                if there {
                    let hint = "write it beside `alternatives`, for all of them";
                    self.wrong(vec![field.into()], "is within an alternative", hint);
                }
            }
            if raw.when.is_none() && index != last {
                let hint = "only the last alternative may be for whatever is left";
                self.wrong(vec!["when".into()], "is missing", hint);
            }
            self.rules(beside.clone().overlaid(raw), tenant)
        });
        let ways = ways.collect();
        self.within.clear();
        ways
    }

    fn rules(&mut self, raw: RawDescription, tenant: Option<&super::spot::Spot>) -> Rules {
        let algorithm = raw.algorithm.unwrap_or_default();
        let when = raw.when.and_then(|it| self.when(vec!["when".into()], it));
        let raw_key = raw.key.unwrap_or_default();
        let keys_from = self.keys_from(&raw_key, algorithm);
        let require = raw.require.iter().flatten().filter_map(|(name, value)| {
            let path = vec!["require".into(), Step::Field(name.clone().into())];
            Some((self.header(path.clone(), name)?, self.expected(path, value)?))
        });
        let require = require.collect();
        let each = raw.each.as_deref().and_then(|it| self.each(it));
        let places = self.places(raw.signature, raw.signatures, algorithm, each.is_some());
        let listed = places.len() == 1 && matches!(places[0].shape, Shape::List(_));
        let clock = raw.timestamp.and_then(|it| self.clock(it, listed, algorithm));
        let jwt = self.jwt(raw.jwt, algorithm, &keys_from, clock.as_ref());
        let partial = raw.covers.unwrap_or_default() == Covers::Partial;
        let document = raw.document.and_then(|it| self.document(it));
        let content = self.content(raw.content.as_deref(), algorithm, clock.as_ref(), listed);
        let is_described = content.is_some();
        let content = content.unwrap_or_default();
        let bind = raw.bind.and_then(|it| self.bind(it));
        let signed = Signed {
            content: jwt.as_ref().and_then(|it| it.detached.as_ref()).unwrap_or(&content),
            clock: clock.as_ref(),
            bind: bind.as_ref(),
            places: &places,
            algorithm,
            in_token: jwt.as_ref().is_some_and(|it| it.detached.is_none()),
            document: document.as_deref(),
            is_element: each.is_some(),
        };
        if is_described {
            self.coverage(&signed, partial, each.is_some());
        }
        let url_variants = self.url_variants(raw.url_variants, &signed);
        let id = self.naming("id", raw.id.as_deref(), clock.as_ref(), listed);
        let configured =
            self.naming("replay_key", raw.replay_key.as_deref(), clock.as_ref(), listed);
        // An id that nobody signed is any thief's to change, so it counts only for want of a clock.
        let by_id = match &id {
            Some(id) if signed.has_all_of(id) => ById::Alone,
            Some(_) if clock.is_none() => ById::WithSignature,
            Some(_) | None => ById::Never,
        };
        if algorithm == Algorithm::Token {
            for (field, named) in [("id", &id), ("replay_key", &configured)] {
                if named.iter().any(|it| it.values().any(|it| *it == Value::Signature)) {
                    let hint = "name it by a header, a query parameter or `{json./pointer}`";
                    self.wrong(vec![field.into()], "has the `{signature}` of a token", hint);
                }
            }
        }
        let reads_early = signed.reads_early(partial) || each.is_some();
        let signs_tenant = tenant.is_some_and(|it| signed.has_spot_of_all(it));
        Rules {
            when,
            key: raw_key.into(),
            keys_from,
            algorithm,
            require,
            url_variants,
            document,
            each,
            reads_early,
            id,
            replay: match raw.replay.unwrap_or_default() {
                Replay::Off => ReplayBy::Off,
                Replay::On => ReplayBy::Key { configured, id: by_id },
            },
            max_signatures: self.max_signatures(raw.max_signatures),
            partial,
            signs_tenant,
            bind,
            content,
            jwt,
            clock,
            places,
        }
    }

    fn expected(&mut self, path: Vec<Step>, text: &str) -> Option<Expected> {
        let value = HeaderValue::try_from(text);
        let value = self.ok(path, value, "write the header's exact value")?;
        Some(match text.split_once("{account}") {
            Some((before, behind)) => Expected::Account(before.into(), behind.into()),
            None => Expected::Exactly(value.as_bytes().into()),
        })
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
        let path = self.within.iter().cloned().chain(path).collect();
        self.problems.push(DescriptionError::new(path, problem, hint));
    }
}

fn below(path: &[Step], field: &'static str) -> Vec<Step> {
    path.iter().cloned().chain([field.into()]).collect()
}

/// Whether the content is put together by a template.
fn has_content(algorithm: Algorithm) -> bool {
    match algorithm {
        Algorithm::Token | Algorithm::Jwt => false,
        Algorithm::HmacSha256
        | Algorithm::HmacSha1
        | Algorithm::HmacSha512
        | Algorithm::Sha256
        | Algorithm::Ed25519
        | Algorithm::EcdsaP256
        | Algorithm::RsaSha256
        | Algorithm::RsaSha1 => true,
    }
}

/// Whether the URL is part of what `value` stands for.
fn is_url(value: &Value) -> bool {
    matches!(value, Value::Url | Value::UrlNoQuery)
}
