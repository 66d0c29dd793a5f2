//! What a handshake is answered with, as a form that the request's own values are put into.
use super::delivery::Facts;
use super::refusal::Refusal;
use super::refusal::What;
use super::template::Filter;
use super::template::Piece;
use super::template::Slot;
use super::template::Template;
use super::template::Value;
use crate::model::Secret;
use http::HeaderName;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

/// Longest text that one template makes, in bytes: challenges are far shorter.
const ECHO_LEN_MAX: usize = 1 << 10;

/// Longest text that an HMAC is given for without a signature.
pub(super) const CHALLENGE_LEN_MAX: usize = 64;

/// What a handshake is answered with.
#[derive(Clone, Debug)]
pub struct Reply {
    /// 200 to 299.
    pub status: u16,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Vec<u8>,
    /// The secret that was handed over: the answer goes out only once it is kept.
    pub learned: Option<Secret>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReplyForm {
    pub(super) status: u16,
    pub(super) media_type: HeaderValue,
    pub(super) headers: Box<[(HeaderName, Template)]>,
    pub(super) body: BodyForm,
    /// Nobody proves who asks: what is signed for them must be no delivery's content.
    pub(super) is_unproved: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BodyForm {
    Empty,
    Text(Template),
    Json(JsonForm),
}

/// JSON whose strings are templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum JsonForm {
    Text(Template),
    List(Box<[JsonForm]>),
    Object(Box<[(Box<str>, JsonForm)]>),
    /// A number, a boolean or null.
    Plain(serde_json::Value),
}

impl ReplyForm {
    pub(super) fn templates(&self) -> impl Iterator<Item = &Template> {
        let body = match &self.body {
            BodyForm::Empty => Vec::new(),
            BodyForm::Text(template) => vec![template],
            BodyForm::Json(json) => json.templates(),
        };
        self.headers.iter().map(|it| &it.1).chain(body)
    }

    /// Whether an HMAC is given to whoever asks.
    pub(super) fn signs_challenges(&self) -> bool {
        self.is_unproved && self.templates().any(|it| it.slots().any(Slot::is_hmac))
    }

    pub(super) fn made(
        &self,
        facts: &Facts<'_>,
        learned: Option<Secret>,
    ) -> Result<Reply, Refusal> {
        let mut headers = Vec::with_capacity(self.headers.len() + 1);
        for (name, template) in &self.headers {
            let text = self.text(template, facts)?;
            if !text.bytes().all(|it| it == b' ' || it.is_ascii_graphic()) {
                return Err(Refusal::Malformed(What::Value));
            }
            let value = HeaderValue::try_from(text);
            headers.push((name.clone(), value.map_err(|_| Refusal::Malformed(What::Value))?));
        }
        let body = match &self.body {
            BodyForm::Empty => Vec::new(),
            BodyForm::Text(template) => self.text(template, facts)?.into_bytes(),
            BodyForm::Json(json) => json.made(&|it| self.text(it, facts))?.to_string().into_bytes(),
        };
        if !body.is_empty() {
            headers.push((CONTENT_TYPE, self.media_type.clone()));
        }
        Ok(Reply { status: self.status, headers, body, learned })
    }

    fn text(&self, template: &Template, facts: &Facts<'_>) -> Result<String, Refusal> {
        if self.is_unproved {
            for slot in template.slots().filter(|it| it.is_hmac()) {
                slot.challenge(facts)?;
            }
        }
        let mut bytes = Vec::new();
        for piece in template.pieces(facts)? {
            if let Piece::Bytes(piece) = piece {
                bytes.extend_from_slice(&piece);
            }
            if bytes.len() > ECHO_LEN_MAX {
                return Err(Refusal::Malformed(What::Value));
            }
        }
        String::from_utf8(bytes).map_err(|_| Refusal::Malformed(What::Value))
    }
}

impl JsonForm {
    fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Text(template) => vec![template],
            Self::List(items) => items.iter().flat_map(Self::templates).collect(),
            Self::Object(fields) => fields.iter().flat_map(|it| it.1.templates()).collect(),
            Self::Plain(_) => Vec::new(),
        }
    }

    fn made(
        &self,
        text: &impl Fn(&Template) -> Result<String, Refusal>,
    ) -> Result<serde_json::Value, Refusal> {
        Ok(match self {
            Self::Text(template) => text(template)?.into(),
            Self::Plain(value) => value.clone(),
            Self::List(items) => {
                items.iter().map(|it| it.made(text)).collect::<Result<Vec<_>, _>>()?.into()
            }
            Self::Object(fields) => {
                let fields = fields.iter().map(|(name, it)| Ok((name.to_string(), it.made(text)?)));
                serde_json::Value::Object(fields.collect::<Result<_, Refusal>>()?)
            }
        })
    }
}

impl Slot {
    pub(super) fn is_hmac(&self) -> bool {
        self.filters.iter().any(|it| matches!(it, Filter::Hmac(_)))
    }

    /// Refuses to sign, for somebody unknown, what could be a delivery: only a short text of
    /// letters, digits and `-_.~+/` with at most two `=` at its end is signed.
    fn challenge(&self, facts: &Facts<'_>) -> Result<(), Refusal> {
        let malformed = Refusal::Malformed(What::Value);
        let Value::Query(name) = &self.value else {
            return Err(malformed);
        };
        let text = facts.delivery.query_value(name)?.ok_or(Refusal::Missing(What::Value))?;
        if is_challenge(text.as_bytes()) { Ok(()) } else { Err(malformed) }
    }
}

/// Whether this is a text that an HMAC may be given for without a signature; where one is given,
/// no such text is ever taken for a delivery's content.
pub(super) fn is_challenge(text: &[u8]) -> bool {
    let bare = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let plain = |it: &u8| it.is_ascii_alphanumeric() || b"-_.~+/".contains(it);
    !bare.is_empty() && text.len() <= CHALLENGE_LEN_MAX && bare.iter().all(plain)
}

impl Template {
    pub(super) fn reads_json(&self) -> bool {
        self.values().any(|it| matches!(it, Value::Json(_)))
    }
}
