//! Places in a request: of signatures, clocks, digests and whatever else is read there.
use super::Check;
use super::below;
use crate::webhook::clock::Clock;
use crate::webhook::clock::ClockAt;
use crate::webhook::error::Step;
use crate::webhook::given::SECRETS_MAX;
use crate::webhook::pointer::Pointer;
use crate::webhook::raw::Algorithm;
use crate::webhook::raw::Encoding;
use crate::webhook::raw::RawAt;
use crate::webhook::raw::RawBind;
use crate::webhook::raw::RawDocument;
use crate::webhook::raw::RawSignature;
use crate::webhook::raw::RawTimestamp;
use crate::webhook::raw::RawWhen;
use crate::webhook::rules::Bind;
use crate::webhook::rules::BoundAt;
use crate::webhook::signature::At;
use crate::webhook::signature::ListShape;
use crate::webhook::signature::Place;
use crate::webhook::signature::Shape;
use crate::webhook::spot::Has;
use crate::webhook::spot::Pattern;
use crate::webhook::spot::Spot;
use crate::webhook::spot::When;
use http::Method;
use regex::RegexBuilder;

const PAST_DEFAULT_S: u64 = 300;

/// Size of a compiled regular expression, in bytes: it is tried on what anybody sends.
const PATTERN_SIZE_MAX: usize = 64 << 10;

/// The four kinds of place, each there or not.
struct Written<'r> {
    header: &'r Option<String>,
    query: &'r Option<String>,
    form: &'r Option<String>,
    json: &'r Option<String>,
}

impl Written<'_> {
    fn count(&self) -> usize {
        [self.header, self.query, self.form, self.json].iter().filter(|it| it.is_some()).count()
    }
}

impl Check {
    pub(super) fn places(
        &mut self,
        one: Option<RawSignature>,
        several: Option<Vec<RawSignature>>,
        algorithm: Algorithm,
        in_each: bool,
    ) -> Box<[Place]> {
        let written: Vec<(Vec<Step>, RawSignature)> = match (one, several) {
            (Some(one), None) => vec![(vec!["signature".into()], one)],
            (None, Some(several)) if !several.is_empty() => {
                let numbered = several.into_iter().enumerate();
                numbered.map(|it| (vec!["signatures".into(), Step::Index(it.0)], it.1)).collect()
            }
            (None, _) => {
                let hint =
                    "say where it is: `signature: { header: X-Signature }`, or name a `preset`";
                self.wrong(vec!["signature".into()], "is missing", hint);
                Vec::new()
            }
            (Some(_), Some(_)) => {
                let hint = "keep `signatures`, with each place in it, or `signature` alone";
                self.wrong(vec!["signatures".into()], "stands beside `signature`", hint);
                Vec::new()
            }
        };
        let places = written.into_iter().filter_map(|(path, raw)| {
            let place = self.place(path.clone(), raw, algorithm)?;
            if in_each && !matches!(place.at, At::Spot(Spot::Json(_))) {
                let hint = "write `json: /pointer`, which begins at each element";
                self.wrong(path, "is not in what is signed one by one", hint);
            }
            Some(place)
        });
        places.collect()
    }

    fn place(&mut self, path: Vec<Step>, raw: RawSignature, algorithm: Algorithm) -> Option<Place> {
        let written =
            Written { header: &raw.header, query: &raw.query, form: &raw.form, json: &raw.json };
        let at = match (written.count(), raw.body) {
            (0, Some(true)) if algorithm == Algorithm::Jwt => At::Body,
            (0, Some(true)) => {
                let hint = "only a `jwt` can be all there is";
                self.wrong(below(&path, "body"), "leaves nothing to be signed", hint);
                return None;
            }
            (1, None | Some(false)) => At::Spot(self.written(&path, &written)?),
            _ => {
                let problem =
                    "has to have exactly one of `header`, `query`, `form`, `json` and `body`";
                let hint = "write one: `header: X-Signature` or `query: sig`";
                self.wrong(path, problem, hint);
                return None;
            }
        };
        if raw.secret.is_some_and(|it| it >= SECRETS_MAX) {
            let hint = format!("secrets are counted from 0, and there are at most {SECRETS_MAX}");
            self.wrong(below(&path, "secret"), "is no secret's number", hint);
        }
        let encoding = match (algorithm, raw.encoding) {
            (Algorithm::Token, Some(Encoding::Hex)) => {
                let hint = "leave it out, or write `base64` where the sender does";
                self.wrong(below(&path, "encoding"), "is `hex` for a token", hint);
                None
            }
            (Algorithm::Token, encoding) => encoding,
            (Algorithm::Jwt, Some(_)) => {
                let problem = "stands beside `algorithm: jwt`, which has its own";
                self.wrong(below(&path, "encoding"), problem, "leave it out");
                None
            }
            (_, encoding) => Some(encoding.unwrap_or_default()),
        };
        let shape = self.shape(&path, &raw)?;
        Some(Place { at, shape, encoding, secret: raw.secret })
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

    pub(super) fn clock(
        &mut self,
        raw: RawTimestamp,
        listed: bool,
        algorithm: Algorithm,
    ) -> Option<Clock> {
        let path = vec!["timestamp".into()];
        let written =
            Written { header: &raw.header, query: &raw.query, form: &raw.form, json: &raw.json };
        let at = match (written.count(), &raw.label, &raw.claim) {
            (1, None, None) => ClockAt::Spot(self.written(&path, &written)?),
            (0, Some(label), None) if !label.is_empty() => {
                if !listed {
                    let hint =
                        "the label is looked for in the one `signature`, which needs a `list`";
                    self.wrong(below(&path, "label"), "has no list to be in", hint);
                }
                ClockAt::Label(label.as_str().into())
            }
            (0, None, Some(claim)) if !claim.is_empty() => {
                if algorithm != Algorithm::Jwt {
                    let hint = "claims are a token's: `algorithm: jwt`";
                    self.wrong(below(&path, "claim"), "has no token to be in", hint);
                }
                ClockAt::Claim(claim.as_str().into())
            }
            _ => {
                let problem = "has to have exactly one of `header`, `label`, `json`, `form`, \
                               `query` and `claim`";
                let hint = "write one: `header: X-Timestamp`, `label: t=` or `json: /time`";
                self.wrong(path, problem, hint);
                return None;
            }
        };
        let past_s = raw.past.unwrap_or(PAST_DEFAULT_S);
        if past_s == 0 {
            let hint = "write seconds: 300";
            self.wrong(below(&path, "past"), "is 0: nothing would arrive in time", hint);
        }
        let format = raw.format.unwrap_or_default();
        Some(Clock { at, format, past_s, future_s: raw.future.unwrap_or(past_s) })
    }

    pub(super) fn bind(&mut self, raw: RawBind) -> Option<Bind> {
        let path = vec!["bind".into()];
        let written = Written { header: &raw.header, query: &raw.query, form: &None, json: &None };
        let at = match (written.count(), &raw.claim) {
            (1, None) => BoundAt::Spot(self.written(&path, &written)?),
            (0, Some(claim)) if !claim.is_empty() => BoundAt::Claim(claim.as_str().into()),
            _ => {
                let hint = "write one: `query: bodySHA256` or `claim: request_body_sha256`";
                self.wrong(path, "has to have exactly one of `header`, `query` and `claim`", hint);
                return None;
            }
        };
        let (hash, encoding) = (raw.hash.unwrap_or_default(), raw.encoding.unwrap_or_default());
        Some(Bind { at, hash, encoding })
    }

    pub(super) fn document(&mut self, raw: RawDocument) -> Option<Box<str>> {
        let name = raw.form.filter(|it| !it.is_empty());
        if name.is_none() {
            let hint = "write the form field that holds the JSON: `form: json`";
            self.wrong(vec!["document".into()], "says no place", hint);
        }
        name.map(Box::from)
    }

    pub(super) fn each(&mut self, text: &str) -> Option<Pointer> {
        let hint = "write a JSON pointer with `*` for every element of a list: `/items/*/Item`";
        let pointer = Pointer::parse(text).ok_or("is no JSON pointer");
        let pointer = self.ok(vec!["each".into()], pointer, hint)?;
        if !pointer.names().any(|it| it == "*") {
            self.wrong(vec!["each".into()], "has no `*` in it", hint);
        }
        Some(pointer)
    }

    pub(super) fn when(&mut self, path: Vec<Step>, raw: RawWhen) -> Option<When> {
        let method = match raw.method.as_deref().unwrap_or("POST") {
            "POST" => Method::POST,
            "GET" => Method::GET,
            "HEAD" => Method::HEAD,
            other => {
                let problem = format!("is `{other}`");
                self.wrong(below(&path, "method"), problem, "write `GET`, `HEAD` or `POST`");
                return None;
            }
        };
        let written =
            Written { header: &raw.header, query: &raw.query, form: &raw.form, json: &raw.json };
        let spot = match written.count() {
            0 => None,
            1 => Some(self.written(&path, &written)?),
            _ => {
                let hint = "write one of `header`, `query`, `form` and `json`";
                self.wrong(path, "has more than one place", hint);
                return None;
            }
        };
        let has = match (raw.equals, raw.matches) {
            (None, None) => Has::Anything,
            (Some(text), None) => Has::Exactly(text.into()),
            (None, Some(pattern)) => {
                let whole = format!("^(?:{pattern})$");
                let built = RegexBuilder::new(&whole).size_limit(PATTERN_SIZE_MAX).build();
                let built = built.map_err(|_| "is no regular expression, or too large a one");
                Has::Matching(Pattern(self.ok(below(&path, "matches"), built, "mend it")?))
            }
            (Some(_), Some(_)) => {
                self.wrong(path, "has both `equals` and `matches`", "keep one of them");
                return None;
            }
        };
        if spot.is_none() && has != Has::Anything {
            self.wrong(path, "has a value and no place", "say where it is: `query: x`");
            return None;
        }
        Some(When { method, spot, has })
    }

    pub(super) fn spot(&mut self, path: Vec<Step>, raw: &RawAt) -> Option<Spot> {
        let written =
            Written { header: &raw.header, query: &raw.query, form: &raw.form, json: &raw.json };
        if written.count() != 1 {
            let problem = "has to have exactly one of `header`, `query`, `form` and `json`";
            self.wrong(path, problem, "write one: `header: X-Name` or `json: /name`");
            return None;
        }
        self.written(&path, &written)
    }

    fn written(&mut self, path: &[Step], raw: &Written<'_>) -> Option<Spot> {
        if let Some(name) = raw.header {
            return self.header(below(path, "header"), name).map(Spot::Header);
        }
        if let Some(text) = raw.json {
            let hint = "write a JSON pointer: `/created_at`";
            let parsed = Pointer::parse(text).ok_or("is no JSON pointer");
            return self.ok(below(path, "json"), parsed, hint).map(Spot::Json);
        }
        let (field, name) = match (raw.query, raw.form) {
            (Some(name), _) => ("query", name),
            (None, Some(name)) => ("form", name),
            (None, None) => return None,
        };
        if name.is_empty() {
            self.wrong(below(path, field), "is empty", "write the parameter's name");
            return None;
        }
        let name = name.as_str().into();
        Some(if field == "query" { Spot::Query(name) } else { Spot::Form(name) })
    }
}
