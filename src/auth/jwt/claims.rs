//! A JSON object with places in it that a credential fills once, and each request anew.
use super::super::AuthError;
use super::super::Draft;
use super::super::Moment;
use super::super::SchemeFault;
use super::super::SettingsFault;
use super::super::Step;
use super::text;
use super::text::Part;
use crate::crypto::Digested;
use crate::crypto::Hash;
use crate::crypto::encoded;
use crate::model::Credential;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use serde_json::Value;
use std::borrow::Cow;
use zeroize::Zeroizing;

/// An object as settings have it, written out as JSON, with what is not known yet in its places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claims {
    pieces: Vec<Piece>,
}

/// The same, filled in with a credential. Prints nothing: it is no `Debug`.
pub(super) struct Filled {
    pieces: Vec<FilledPiece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// JSON.
    Fixed(String),
    Field {
        name: Box<str>,
        form: FieldForm,
    },
    Known(Known),
}

enum FilledPiece {
    Fixed(Zeroizing<String>),
    Known(Known),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FieldForm {
    Text,
    /// Standard alphabet with padding (RFC 4648 §4).
    Base64,
    /// Bare, digit for digit, as JSON writes numbers.
    Number,
}

/// What is known when a token is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Time {
        time: Time,
        /// Else seconds.
        in_ms: bool,
    },
    /// 128 random bits in hex.
    Jti,
    /// The same as a UUID of version 4 (RFC 9562 §5.4).
    Uuid,
    Method,
    Host,
    Path,
    Query,
    Url,
    Body {
        hash: Hash,
        encoding: Encoding,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    Now,
    Iat,
    Exp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Hex,
    Base64,
    Base64Url,
}

/// What a token is made of besides its credential.
pub(super) struct Occasion<'a, 'd> {
    pub draft: &'a Draft<'d>,
    pub moment: &'a Moment,
    /// Seconds since 1970.
    pub iat: u64,
    pub exp: u64,
    /// Of the body, by the hashes of [`Claims::hashes`] in their order.
    pub digests: &'a [Digested],
}

const KNOWN: &str = "`now`, `iat`, `exp`, `jti`, `uuid`, `method`, `host`, `path`, `query`, `url`, `body_sha256` and \
                     `body_sha512`";

impl Claims {
    /// `setting`: where the object stands, for the faults' paths.
    pub fn read(
        setting: &'static str,
        members: &IndexMap<String, Value>,
        faults: &mut Vec<SchemeFault>,
    ) -> Self {
        let mut reader = Reader { pieces: Vec::new(), path: Vec::new(), faults };
        reader.path.push(Step::Field(setting.into()));
        reader.object(members.iter());
        Self { pieces: reader.pieces }
    }

    /// The credential fields that it names, each once.
    pub fn fields(&self) -> Vec<&str> {
        let mut fields = Vec::new();
        for piece in &self.pieces {
            if let Piece::Field { name, .. } = piece
                && !fields.contains(&&**name)
            {
                fields.push(&**name);
            }
        }
        fields
    }

    /// Whether a credential is all that it needs.
    pub fn is_fixed(&self) -> bool {
        !self.pieces.iter().any(|it| matches!(it, Piece::Known(_)))
    }

    /// Whether it says anything of the request.
    pub fn covers_request(&self) -> bool {
        let covers = |it: &Known| !matches!(it, Known::Time { .. } | Known::Jti | Known::Uuid);
        self.known().any(covers)
    }

    /// Whether it says anything of the query.
    pub fn covers_query(&self) -> bool {
        self.known().any(|it| matches!(it, Known::Query | Known::Url))
    }

    /// Whether it has a number that is meant to be seen once.
    pub fn has_nonce(&self) -> bool {
        self.known().any(|it| matches!(it, Known::Jti | Known::Uuid))
    }

    /// What the body is hashed with, each once.
    pub fn hashes(&self) -> Vec<Hash> {
        let mut hashes = Vec::new();
        for known in self.known() {
            if let Known::Body { hash, .. } = known
                && !hashes.contains(hash)
            {
                hashes.push(*hash);
            }
        }
        hashes
    }

    fn known(&self) -> impl Iterator<Item = &Known> {
        self.pieces.iter().filter_map(|it| match it {
            Piece::Known(known) => Some(known),
            _ => None,
        })
    }

    pub fn fill(&self, credential: &Credential) -> Result<Filled, Vec<AuthError>> {
        let mut faults = Vec::new();
        let mut pieces = Vec::new();
        let mut fixed = Zeroizing::new(String::new());
        for piece in &self.pieces {
            match piece {
                Piece::Fixed(text) => fixed.push_str(text),
                Piece::Field { name, form } => {
                    let value = credential.field(name).map_or("", |it| it.expose());
                    let field = || name.clone().into_string();
                    match form {
                        _ if value.is_empty() => faults.push(AuthError::Empty { field: field() }),
                        FieldForm::Text => escape(value, &mut fixed),
                        FieldForm::Base64 => STANDARD.encode_string(value, &mut fixed),
                        FieldForm::Number if is_number(value.trim()) => {
                            fixed.push_str(value.trim())
                        }
                        FieldForm::Number => {
                            let what = "is no number, which a claim has to be";
                            faults.push(AuthError::Unusable { field: field(), what });
                        }
                    }
                }
                Piece::Known(known) => {
                    if !fixed.is_empty() {
                        pieces.push(FilledPiece::Fixed(std::mem::take(&mut fixed)));
                    }
                    pieces.push(FilledPiece::Known(*known));
                }
            }
        }
        pieces.push(FilledPiece::Fixed(fixed));
        faults.dedup();
        if faults.is_empty() { Ok(Filled { pieces }) } else { Err(faults) }
    }
}

impl Filled {
    /// The JSON text, of an object that needs no more than its credential.
    pub fn fixed(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        for piece in &self.pieces {
            if let FilledPiece::Fixed(fixed) = piece {
                text.push_str(fixed);
            }
        }
        text
    }

    /// The JSON text.
    pub fn render(&self, hashes: &[Hash], occasion: &Occasion<'_, '_>) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(512));
        for piece in &self.pieces {
            match piece {
                FilledPiece::Fixed(fixed) => text.push_str(fixed),
                FilledPiece::Known(known) => known.write(hashes, occasion, &mut text),
            }
        }
        text
    }
}

impl Known {
    /// With its filter, if both are known together.
    fn read(name: &str, filter: Option<&str>) -> Option<Result<Self, SettingsFault>> {
        let time = |time| match filter {
            None | Some("text") => Some(Self::Time { time, in_ms: false }),
            Some("ms") => Some(Self::Time { time, in_ms: true }),
            Some(_) => None,
        };
        let plain = |known| filter.is_none().then_some(known);
        let body = |hash| {
            let encoding = match filter {
                None => Encoding::Hex,
                Some("base64") => Encoding::Base64,
                Some("base64url") => Encoding::Base64Url,
                Some(_) => return None,
            };
            Some(Self::Body { hash, encoding })
        };
        let known = match name {
            "now" => time(Time::Now),
            "iat" => time(Time::Iat),
            "exp" => time(Time::Exp),
            "jti" => plain(Self::Jti),
            "uuid" => plain(Self::Uuid),
            "method" => plain(Self::Method),
            "host" => plain(Self::Host),
            "path" => plain(Self::Path),
            "query" => plain(Self::Query),
            "url" => plain(Self::Url),
            "body_sha256" => body(Hash::Sha256),
            "body_sha512" => body(Hash::Sha512),
            _ => return None,
        };
        let fault = || SettingsFault::Filter { filter: filter.unwrap_or_default().to_owned() };
        Some(known.ok_or_else(fault))
    }

    /// What of it there is, escaped for JSON.
    fn write(self, hashes: &[Hash], occasion: &Occasion<'_, '_>, text: &mut String) {
        let draft = occasion.draft;
        match self {
            Self::Time { time, in_ms } => {
                let now = occasion.moment.now;
                let (s, ms) = match time {
                    Time::Now => (now.as_s(), now.as_ms()),
                    Time::Iat => (occasion.iat, occasion.iat.saturating_mul(1000)),
                    Time::Exp => (occasion.exp, occasion.exp.saturating_mul(1000)),
                };
                text.push_str(&if in_ms { ms } else { s }.to_string());
            }
            Self::Jti => text.push_str(&hex::encode(occasion.moment.random)),
            Self::Uuid => {
                let uuid = uuid::Builder::from_random_bytes(occasion.moment.random).into_uuid();
                text.push_str(uuid.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()));
            }
            Self::Method => escape(draft.method.as_str(), text),
            Self::Host => escape(&draft.origin.authority(), text),
            Self::Path => escape(draft.path, text),
            Self::Query => escape(draft.query().unwrap_or_default(), text),
            Self::Url => {
                text.push_str(if draft.origin.is_https() { "https://" } else { "http://" });
                escape(&draft.origin.authority(), text);
                escape(draft.path, text);
                if let Some(query) = draft.query() {
                    text.push('?');
                    escape(query, text);
                }
            }
            Self::Body { hash, encoding } => {
                let at = hashes.iter().position(|it| *it == hash);
                let digest = at.and_then(|it| occasion.digests.get(it));
                let bytes = digest.map_or(&[][..], Digested::bytes);
                match encoding {
                    Encoding::Hex => text.push_str(&hex::encode(bytes)),
                    Encoding::Base64 => STANDARD.encode_string(bytes, text),
                    Encoding::Base64Url => text.push_str(&encoded(bytes)),
                }
            }
        }
    }
}

/// Writes a value out, and keeps the path to where it is.
struct Reader<'f> {
    pieces: Vec<Piece>,
    path: Vec<Step>,
    faults: &'f mut Vec<SchemeFault>,
}

impl Reader<'_> {
    fn object<'v>(&mut self, members: impl Iterator<Item = (&'v String, &'v Value)>) {
        self.fixed("{");
        for (index, (name, value)) in members.enumerate() {
            if index > 0 {
                self.fixed(",");
            }
            self.fixed("\"");
            self.escaped(name);
            self.fixed("\":");
            self.path.push(Step::Field(Cow::Owned(name.clone())));
            self.value(value);
            self.path.pop();
        }
        self.fixed("}");
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => self.fixed(&value.to_string()),
            Value::String(text) => match text::parts(text) {
                Ok(parts) => self.text(&parts),
                Err(fault) => self.fault(&fault),
            },
            Value::Array(values) => {
                self.fixed("[");
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        self.fixed(",");
                    }
                    self.path.push(Step::Index(index));
                    self.value(value);
                    self.path.pop();
                }
                self.fixed("]");
            }
            Value::Object(members) => self.object(members.iter()),
        }
    }

    /// A text; or a number, where one name stands alone that says so.
    fn text(&mut self, parts: &[Part<'_>]) {
        if let [Part::Name { name, filter }] = parts {
            if let Some(Ok(known @ Known::Time { .. })) = Known::read(name, *filter)
                && *filter != Some("text")
            {
                return self.pieces.push(Piece::Known(known));
            }
            if *filter == Some("number") && Known::read(name, None).is_none() {
                let form = FieldForm::Number;
                return self.pieces.push(Piece::Field { name: (*name).into(), form });
            }
        }
        self.fixed("\"");
        for part in parts {
            match part {
                Part::Literal(text) => self.escaped(text),
                Part::Name { name, filter } => self.name(name, *filter),
            }
        }
        self.fixed("\"");
    }

    fn name(&mut self, name: &str, filter: Option<&str>) {
        let form = match (Known::read(name, filter), filter) {
            (Some(Ok(known)), _) => return self.pieces.push(Piece::Known(known)),
            (Some(Err(fault)), _) => return self.fault(&fault),
            (None, None) => FieldForm::Text,
            (None, Some("base64")) => FieldForm::Base64,
            (None, Some("number")) => {
                let hint = "write it as the value's only text, as in `\"{id|number}\"`";
                return self.faulty("a number has other text beside it", hint);
            }
            (None, Some(other)) => {
                return self.fault(&SettingsFault::Filter { filter: other.to_owned() });
            }
        };
        self.pieces.push(Piece::Field { name: name.into(), form });
    }

    fn fixed(&mut self, json: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Fixed(text)) => text.push_str(json),
            _ => self.pieces.push(Piece::Fixed(json.to_owned())),
        }
    }

    fn escaped(&mut self, text: &str) {
        let mut json = String::with_capacity(text.len());
        escape(text, &mut json);
        self.fixed(&json);
    }

    fn fault(&mut self, fault: &SettingsFault) {
        let hint = match fault {
            SettingsFault::Filter { .. } => {
                "a field takes `base64` and `number`, a time `ms` and `text`, a hash of the body `base64` and `base64url`"
                    .to_owned()
            }
            SettingsFault::FieldName => {
                format!("write a credential field's name, or one of {KNOWN}")
            }
            _ => fault.hint(),
        };
        self.faulty(&fault.to_string(), &hint);
    }

    fn faulty(&mut self, problem: &str, hint: &str) {
        let (path, problem) = (self.path.clone(), problem.to_owned());
        self.faults.push(SchemeFault { path, problem, hint: hint.to_owned() });
    }
}

/// Whether JSON writes numbers so (RFC 8259 §6). Read as one it would be rounded, where it is longer than a machine's.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (integer, rest) = digits(unsigned);
    if integer.is_empty() || integer.len() > 1 && integer.starts_with('0') {
        return false;
    }
    let rest = match rest.strip_prefix('.').map(digits) {
        Some(("", _)) => return false,
        Some((_, rest)) => rest,
        None => rest,
    };
    let Some(exponent) = rest.strip_prefix(['e', 'E']) else { return rest.is_empty() };
    let (exponent, rest) = digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    !exponent.is_empty() && rest.is_empty()
}

/// Those that it begins with, and what is behind them.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len()))
}

/// Between the quotes of a JSON text (RFC 8259 §7).
fn escape(text: &str, json: &mut String) {
    for it in text.chars() {
        match it {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            _ if it < ' ' => {
                json.push_str("\\u00");
                json.push_str(&hex::encode([it as u8]));
            }
            _ => json.push(it),
        }
    }
}
