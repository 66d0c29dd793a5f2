//! The values that a template can name.
use super::Piece;
use crate::webhook::canonical;
use crate::webhook::delivery::Facts;
use crate::webhook::form;
use crate::webhook::key::sha256;
use crate::webhook::pointer::Pointer;
use crate::webhook::refusal::Refusal;
use http::HeaderName;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::webhook) enum Value {
    Body,
    Timestamp,
    Method,
    Url,
    UrlNoQuery,
    /// Path and query as on the request line.
    UrlPath,
    Key,
    Account,
    Header(HeaderName),
    /// A query parameter's name, decoded.
    Query(Box<str>),
    QuerySorted,
    /// A form field's name, decoded.
    Form(Box<str>),
    FormSorted,
    /// What an entry of the signature's list begins with: `t=` for `{label.t}`.
    Label(Box<str>),
    Json(Pointer),
    /// Of the token, once it is believed.
    Claim(Box<str>),
    /// What was signed, as 64 digits: the same whichever good signature came with it.
    Signature,
    Canonical(Canonical),
}

/// A sender's own way of putting a request into one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::webhook) enum Canonical {
    Contentful,
    PlivoV3,
    PaddleClassic,
    TrueLayer,
}

impl Value {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "body" => Self::Body,
            "timestamp" => Self::Timestamp,
            "method" => Self::Method,
            "url" => Self::Url,
            "url.no_query" => Self::UrlNoQuery,
            "url.path" => Self::UrlPath,
            "key" => Self::Key,
            "account" => Self::Account,
            "signature" => Self::Signature,
            "query.sorted" => Self::QuerySorted,
            "form.sorted" => Self::FormSorted,
            "canonical.contentful" => Self::Canonical(Canonical::Contentful),
            "canonical.plivo_v3" => Self::Canonical(Canonical::PlivoV3),
            "canonical.paddle_classic" => Self::Canonical(Canonical::PaddleClassic),
            "canonical.truelayer" => Self::Canonical(Canonical::TrueLayer),
            _ => match text.split_once('.')? {
                ("header", name) => Self::Header(name.parse().ok()?),
                ("query", name) if !name.is_empty() => Self::Query(decoded(name)?),
                ("form", name) if !name.is_empty() => Self::Form(decoded(name)?),
                ("label", name) if !name.is_empty() => {
                    Self::Label(format!("{}=", name.trim_end_matches('=')).into())
                }
                ("claim", name) if !name.is_empty() => Self::Claim(name.into()),
                ("json", pointer) => Self::Json(Pointer::parse(pointer)?),
                _ => return None,
            },
        })
    }

    /// None where the delivery has nothing of it.
    pub(super) fn piece<'d>(&'d self, facts: &Facts<'d>) -> Result<Option<Piece<'d>>, Refusal> {
        let delivery = facts.delivery;
        let bytes: Option<Cow<'d, [u8]>> = match self {
            Self::Key => return Ok(Some(Piece::Key)),
            Self::Body => Some(Cow::Borrowed(delivery.body)),
            Self::Method => Some(Cow::Borrowed(delivery.method.as_bytes())),
            Self::Url => Some(Cow::Borrowed(facts.url.as_bytes())),
            Self::UrlNoQuery => Some(Cow::Borrowed(without_query(facts.url).as_bytes())),
            Self::UrlPath => Some(Cow::Borrowed(path(facts.url).as_bytes())),
            Self::Timestamp => facts.timestamp.map(|it| Cow::Borrowed(it.as_bytes())),
            Self::Account => facts.account.map(|it| Cow::Borrowed(it.as_bytes())),
            Self::Header(name) => delivery.header(name)?.map(Cow::Borrowed),
            Self::Query(name) => delivery.query_value(name)?.map(bytes),
            Self::QuerySorted => Some(Cow::Owned(form::sorted_query(delivery.query).into_bytes())),
            Self::Form(name) => delivery.form_value(name)?.map(bytes),
            Self::FormSorted => delivery.form_sorted()?.map(|it| Cow::Owned(it.into_bytes())),
            Self::Label(label) => facts.labelled(label)?.map(|it| Cow::Borrowed(it.as_bytes())),
            Self::Json(pointer) => facts.document.text(pointer)?.map(bytes),
            Self::Claim(name) => {
                let claim = facts.token.and_then(|it| it.claim_text(name));
                claim.map(|it| Cow::Owned(it.into_bytes()))
            }
            Self::Signature => {
                // Its digest: the fingerprint itself may be what a good signature is.
                facts.fingerprint.map(|it| Cow::Owned(hex::encode(sha256(it)).into_bytes()))
            }
            Self::Canonical(form) => Some(Cow::Owned(form.text(facts)?)),
        };
        Ok(bytes.map(Piece::Bytes))
    }
}

impl Canonical {
    fn text(self, facts: &Facts<'_>) -> Result<Vec<u8>, Refusal> {
        match self {
            Self::Contentful => canonical::contentful(facts.delivery, facts.timestamp),
            Self::PlivoV3 => canonical::plivo_v3(facts.delivery, facts.timestamp),
            Self::TrueLayer => {
                let names = facts.token.and_then(|it| it.header("tl_headers"));
                canonical::truelayer(facts.delivery, names)
            }
            Self::PaddleClassic => canonical::paddle_classic(facts.delivery, facts.timestamp),
        }
    }
}

fn decoded(name: &str) -> Option<Box<str>> {
    Some(percent_decode_str(name).decode_utf8().ok()?.into())
}

fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

fn without_query(url: &str) -> &str {
    url.split_once('?').map_or(url, |it| it.0)
}

fn path(url: &str) -> &str {
    let behind = url.split_once("://").map_or(url, |it| it.1);
    behind.find('/').map_or("", |start| &behind[start..])
}
