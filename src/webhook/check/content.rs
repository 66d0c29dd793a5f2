//! What is signed: that it is enough, and that it can be read.
use super::Check;
use super::has_content;
use super::is_url;
use crate::webhook::clock::Clock;
use crate::webhook::clock::ClockAt;
use crate::webhook::error::Step;
use crate::webhook::raw::Algorithm;
use crate::webhook::raw::UrlVariant;
use crate::webhook::rules::Bind;
use crate::webhook::rules::BoundAt;
use crate::webhook::signature::At;
use crate::webhook::signature::Place;
use crate::webhook::spot::Spot;
use crate::webhook::template::Canonical;
use crate::webhook::template::Filter;
use crate::webhook::template::Slot;
use crate::webhook::template::Template;
use crate::webhook::template::Value;
use http::HeaderName;

/// What TrueLayer's payload always has among its headers.
const TRUELAYER_TIMESTAMP: HeaderName = HeaderName::from_static("x-tl-webhook-timestamp");

/// What Contentful's content always has among its headers.
const CONTENTFUL_TIMESTAMP: HeaderName = HeaderName::from_static("x-contentful-timestamp");

/// What one signature covers.
pub(super) struct Signed<'c> {
    /// The content, or a token's detached payload.
    pub(super) content: &'c Template,
    pub(super) clock: Option<&'c Clock>,
    pub(super) bind: Option<&'c Bind>,
    pub(super) places: &'c [Place],
    pub(super) algorithm: Algorithm,
    /// Whether a token carries its own payload.
    pub(super) in_token: bool,
    /// The form field that the JSON is in, if it is not the body.
    pub(super) document: Option<&'c str>,
    /// Whether it is one of several elements: pointers of the content begin there, those of names at the root.
    pub(super) is_element: bool,
}

impl Signed<'_> {
    /// Whether another body would have another signature.
    fn covers_body(&self) -> bool {
        let whole = |slot: &Slot| match &slot.value {
            Value::Body | Value::FormSorted => slot.keeps_all(),
            Value::Canonical(Canonical::Contentful | Canonical::PlivoV3) => slot.keeps_all(),
            Value::Canonical(Canonical::PaddleClassic | Canonical::TrueLayer) => slot.keeps_all(),
            _ => false,
        };
        let is_token = self.in_token && self.places.iter().all(|it| it.at == At::Body);
        self.bind.is_some() || is_token || self.content.certain().any(whole)
    }

    /// Whether what is at the place is signed as it is.
    pub(super) fn has_spot(&self, spot: &Spot) -> bool {
        let whole = |slot: &Slot| match (spot, &slot.value) {
            (Spot::Header(name), Value::Header(signed)) => name == signed,
            (Spot::Query(_), Value::Url | Value::UrlPath | Value::QuerySorted) => true,
            (Spot::Query(name), Value::Query(signed)) => name == signed,
            (Spot::Form(name), Value::Form(signed)) => name == signed,
            (Spot::Json(pointer), Value::Json(signed)) => pointer == signed,
            (Spot::Json(_), Value::Form(signed)) => self.document == Some(signed),
            _ => false,
        };
        let in_body = matches!(spot, Spot::Form(_) | Spot::Json(_)) && self.covers_body();
        in_body || self.content.certain().any(|it| it.keeps_all() && whole(it))
    }

    /// The same of a place that is looked for in the request as a whole.
    pub(super) fn has_spot_of_all(&self, spot: &Spot) -> bool {
        let elsewhere = self.is_element && matches!(spot, Spot::Json(_)) && !self.covers_body();
        !elsewhere && self.has_spot(spot)
    }

    fn has_clock(&self, clock: &Clock) -> bool {
        let named = |slot: &Slot| match (&slot.value, &clock.at) {
            (Value::Timestamp, ClockAt::Spot(_) | ClockAt::Label(_)) => slot.keeps_all(),
            (Value::Label(label), ClockAt::Label(clock)) => label == clock && slot.keeps_all(),
            (Value::Canonical(Canonical::TrueLayer), ClockAt::Spot(Spot::Header(name))) => {
                *name == TRUELAYER_TIMESTAMP
            }
            (Value::Canonical(Canonical::Contentful), ClockAt::Spot(Spot::Header(name))) => {
                *name == CONTENTFUL_TIMESTAMP
            }
            _ => false,
        };
        match &clock.at {
            ClockAt::Claim(_) => self.in_token,
            ClockAt::Spot(spot) if self.has_spot(spot) => true,
            ClockAt::Spot(_) | ClockAt::Label(_) => self.content.certain().any(named),
        }
    }

    /// Whether everything that `template` names is signed.
    pub(super) fn has_all_of(&self, template: &Template) -> bool {
        template.slots().all(|named| {
            let spot = match &named.value {
                Value::Header(name) => Some(Spot::Header(name.clone())),
                Value::Query(name) => Some(Spot::Query(name.clone())),
                Value::Form(name) => Some(Spot::Form(name.clone())),
                Value::Json(pointer) => Some(Spot::Json(pointer.clone())),
                _ => None,
            };
            let elsewhere = self.is_element && matches!(named.value, Value::Json(_));
            let same = |signed: &Slot| !elsewhere && signed.has_all_of(&named.value);
            let of_token = matches!(named.value, Value::Claim(_)) && self.in_token;
            of_token
                || named.value == Value::Signature
                || spot.is_some_and(|it| self.has_spot_of_all(&it))
                || self.content.certain().any(same)
                || (named.value == Value::Timestamp
                    && self.clock.is_some_and(|it| self.has_clock(it)))
        })
    }

    /// Whether JSON is read before anything is verified.
    pub(super) fn reads_early(&self, partial: bool) -> bool {
        let names_json = |it: &Template| it.values().any(|it| matches!(it, Value::Json(_)));
        let clock = self.clock.is_some_and(|it| {
            let in_json = matches!(it.at, ClockAt::Spot(Spot::Json(_)));
            let named = self.content.values().any(|it| *it == Value::Timestamp);
            in_json && (named || (partial && !self.covers_body()))
        });
        let place = |it: &Place| matches!(it.at, At::Spot(Spot::Json(_)));
        clock || names_json(self.content) || self.places.iter().any(place)
    }
}

impl Check {
    pub(super) fn content(
        &mut self,
        text: Option<&str>,
        algorithm: Algorithm,
        clock: Option<&Clock>,
        listed: bool,
    ) -> Option<Template> {
        let path = || vec!["content".into()];
        let signs = has_content(algorithm);
        let Some(text) = text else {
            if signs {
                self.wrong(path(), "is missing", "say what is signed: `content: \"{body}\"`");
            }
            return (!signs).then(Template::default);
        };
        if !signs {
            let (name, hint) = match algorithm {
                Algorithm::Jwt => ("jwt", "leave it out; a detached payload is `jwt.detached`"),
                _ => ("token", "leave it out"),
            };
            let problem = format!("stands beside `algorithm: {name}`, which signs nothing of it");
            self.wrong(path(), problem, hint);
        }
        let template = self.template("content", text, clock, listed)?;
        let names_key = template.certain().any(|it| it.value == Value::Key);
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
        if template.certain().all(|it| it.value == Value::Key) {
            let hint = "put what the sender signs in it: `{body}`";
            self.wrong(path(), "is the same for every delivery", hint);
            return None;
        }
        Some(template)
    }

    /// A template that names a delivery.
    pub(super) fn naming(
        &mut self,
        field: &'static str,
        text: Option<&str>,
        clock: Option<&Clock>,
        listed: bool,
    ) -> Option<Template> {
        let template = self.template(field, text?, clock, listed)?;
        let hashed = |it: &Slot| {
            it.filters.iter().any(|it| matches!(it, Filter::Sha256 | Filter::Sha256Hex))
        };
        let whole = |it: &Slot| match it.value {
            Value::Key => true,
            Value::Body => !hashed(it),
            _ => false,
        };
        if template.slots().any(whole) {
            let hint = "name it by a header, a query parameter or `{json./pointer}`";
            self.wrong(vec![field.into()], "has the key or the whole body in it", hint);
        }
        Some(template)
    }

    pub(super) fn template(
        &mut self,
        field: &'static str,
        text: &str,
        clock: Option<&Clock>,
        listed: bool,
    ) -> Option<Template> {
        let path = || -> Vec<Step> { field.split('.').map(Step::from).collect() };
        let hint = "values are `{body}`, `{timestamp}`, `{method}`, `{url}`, `{url.no_query}`, \
                    `{url.path}`, `{key}`, `{account}`, `{header.X}`, `{query.X}`, `{query.sorted}`, \
                    `{form.X}`, `{form.sorted}`, `{label.X}`, `{json./x}`; filters `json`, `jcs`, \
                    `lower`, `crc32`, `sha256`, `sha256(hex)`, `pctdecode(chars)`";
        let template = self.ok(path(), Template::parse(text), hint)?;
        if template.values().any(|it| *it == Value::Timestamp) {
            let in_json = clock.is_some_and(|it| matches!(it.at, ClockAt::Spot(Spot::Json(_))));
            let has_body = template.certain().any(|it| it.has_all_of(&Value::Body));
            if clock.is_none() {
                let hint = "say where it is";
                self.wrong(path(), "has `{timestamp}`, and there is no `timestamp`", hint);
            } else if in_json && has_body && field == "content" {
                let hint = "it is signed with the `{body}` that it is in";
                self.wrong(path(), "has a `{timestamp}` that is read from the body", hint);
            }
        }
        if !listed && template.values().any(|it| matches!(it, Value::Label(_))) {
            let hint = "labels are looked for in the one `signature`, which needs a `list`";
            self.wrong(path(), "has a `{label.X}`, and there is no list", hint);
        }
        let of_token =
            |it: &Value| matches!(it, Value::Claim(_) | Value::Canonical(Canonical::TrueLayer));
        if field == "content" && template.values().any(of_token) {
            let hint = "claims are for `id` and `replay_key`, TrueLayer's is for `jwt.detached`";
            self.wrong(path(), "has a value of a token in it", hint);
        }
        let is_naming = matches!(field, "id" | "replay_key");
        if !is_naming && template.values().any(|it| *it == Value::Signature) {
            let hint = "it is for `id` and `replay_key`";
            self.wrong(path(), "has the `{signature}` of itself in it", hint);
        }
        if template.slots().any(Slot::is_hmac) {
            let hint = "only answers to handshakes are signed: `respond`";
            self.wrong(path(), "has the filter `hmac`", hint);
        }
        Some(template)
    }

    /// The body, the clock and a digest of the body have to be signed.
    pub(super) fn coverage(&mut self, signed: &Signed<'_>, partial: bool, in_each: bool) {
        if (!signed.covers_body() || in_each) && !partial {
            let hint = "put `{body}` in it, or, if this sender really does not sign it, write \
                        `covers: partial`";
            self.wrong(vec!["content".into()], "does not cover the body", hint);
        }
        if let Some(bind) = signed.bind {
            let is_signed = match &bind.at {
                BoundAt::Claim(_) => signed.in_token,
                BoundAt::Spot(spot) => signed.has_spot(spot),
            };
            if !is_signed {
                let hint = "sign its place: `{url}` for a query parameter, `{header.X}` for a \
                            header, `algorithm: jwt` for a claim";
                self.wrong(vec!["bind".into()], "is not signed: anybody could write it", hint);
            }
        }
        if signed.algorithm != Algorithm::Token
            && signed.clock.is_some_and(|it| !signed.has_clock(it))
        {
            let hint = "put `{timestamp}` in the content, or leave the timestamp out";
            self.wrong(vec!["timestamp".into()], "is not signed: anybody could move it", hint);
        }
        if signed.algorithm == Algorithm::Token && signed.clock.is_some() {
            let hint = "leave it out: a token signs nothing";
            self.wrong(vec!["timestamp".into()], "is not signed: anybody could move it", hint);
        }
    }

    pub(super) fn url_variants(
        &mut self,
        raw: Option<Vec<UrlVariant>>,
        signed: &Signed<'_>,
    ) -> Box<[UrlVariant]> {
        let variants = raw.unwrap_or_default();
        if !variants.is_empty() && !signed.content.values().any(is_url) {
            let hint = "leave it out, or put `{url}` in the content";
            self.wrong(vec!["url_variants".into()], "is for a URL that is not signed", hint);
        }
        if variants.len() > 2 {
            let hint = "write `no_port`, `default_port` or both";
            self.wrong(vec!["url_variants".into()], "has a variant twice", hint);
        }
        variants.into()
    }
}
