//! A webhook as it arrived, and what may be read of it before it is trusted.
use super::form;
use super::json::Json;
use super::jwt::Token;
use super::key::Signer;
use super::key::Tag;
use super::multipart;
use super::pointer::Pointer;
use super::refusal::Refusal;
use super::refusal::What;
use super::signature::Entries;
use http::HeaderMap;
use http::HeaderName;
use std::borrow::Cow;

/// One webhook request, exactly as received.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    pub method: &'a str,
    /// The public URL as configured, with path and query exactly as on the request line.
    pub url: &'a str,
    /// The query as on the request line, without its question mark; empty if there is none.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    /// The raw bytes: not decompressed, not decoded.
    pub body: &'a [u8],
}

/// A delivery with what has been found in it so far: what templates are evaluated over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'d> {
    pub(super) delivery: &'d Delivery<'d>,
    /// The spelling of the URL that is tried.
    pub(super) url: &'d str,
    pub(super) document: Document<'d>,
    /// The signature's value, where it is a list.
    pub(super) list: Option<Entries<'d>>,
    /// The timestamp's text as sent.
    pub(super) timestamp: Option<&'d str>,
    /// What one is known by at the sender.
    pub(super) account: Option<&'d str>,
    /// The token that is the signature.
    pub(super) token: Option<&'d Token<'d>>,
    /// Of what was signed, once it is proved.
    pub(super) fingerprint: Option<&'d Tag>,
    /// What answers to handshakes are signed with.
    pub(super) signer: Option<&'d Signer>,
}

/// What JSON pointers go into.
#[derive(Clone, Copy, Debug)]
pub(super) enum Document<'d> {
    /// Read before anybody proved who sent it: whatever can be read in two ways is refused.
    Strict(Json<'d>),
    /// The sender's own text, from which a value is taken without reading on.
    Proved(&'d [u8]),
}

impl<'d> Facts<'d> {
    pub(super) fn of(delivery: &'d Delivery<'d>) -> Self {
        Self {
            delivery,
            url: delivery.url,
            document: Document::Proved(delivery.body),
            list: None,
            timestamp: None,
            account: None,
            token: None,
            fingerprint: None,
            signer: None,
        }
    }
}

impl<'d> Document<'d> {
    /// The same, but refused wherever it can be read in two ways.
    pub(super) fn strict(self) -> Result<Self, Refusal> {
        match self {
            Self::Proved(bytes) => Ok(Self::Strict(Json::read(bytes)?)),
            Self::Strict(_) => Ok(self),
        }
    }

    /// The text of what the pointer leads to.
    pub(super) fn text(self, pointer: &Pointer) -> Result<Option<Cow<'d, str>>, Refusal> {
        match self {
            Self::Proved(bytes) => Ok(pointer.find(bytes).map(Cow::Owned)),
            Self::Strict(json) => Ok(json.at(pointer)?.map(Json::text).transpose()?.flatten()),
        }
    }
}

impl<'a> Delivery<'a> {
    /// The header's value; a repeated header is refused, as stacks differ in which one they take.
    pub(super) fn header(&self, name: &HeaderName) -> Result<Option<&'a [u8]>, Refusal> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next();
        match values.next() {
            Some(_) => Err(Refusal::Malformed(What::Value)),
            None => Ok(first.map(http::HeaderValue::as_bytes)),
        }
    }

    /// The query parameter's value, form-decoded; a repeated one is refused, however spelled.
    pub(super) fn query_value(&self, name: &str) -> Result<Option<Cow<'a, str>>, Refusal> {
        form::field(self.query.as_bytes(), name)
    }

    /// The form field's value, decoded; a repeated one is refused, however spelled. None where the
    /// body does not say that it is a form: a text within JSON can look like one.
    pub(super) fn form_value(&self, name: &str) -> Result<Option<Cow<'a, str>>, Refusal> {
        let media_type = self.media_type()?;
        match media_type.and_then(multipart::boundary) {
            Some(boundary) => multipart::field(self.body, boundary, name),
            None if media_type.is_some_and(form::is_urlencoded) => form::field(self.body, name),
            None => Ok(None),
        }
    }

    /// The form's names and values run together in their order. None where the body is neither empty
    /// nor says that it is such a form.
    pub(super) fn form_sorted(&self) -> Result<Option<String>, Refusal> {
        let is_form = self.media_type()?.is_some_and(form::is_urlencoded);
        let read = is_form || self.body.is_empty();
        read.then(|| form::sorted_together(self.body)).transpose()
    }

    fn media_type(&self) -> Result<Option<&'a str>, Refusal> {
        let value = self.header(&http::header::CONTENT_TYPE)?;
        Ok(value.and_then(|it| std::str::from_utf8(it).ok()))
    }
}

impl<'d> Facts<'d> {
    /// What stands behind the label in the signature's list; a repeated label is refused.
    pub(super) fn labelled(&self, label: &str) -> Result<Option<&'d str>, Refusal> {
        let Some(list) = self.list else {
            return Ok(None);
        };
        let mut values = list.labelled(label);
        let first = values.next();
        match values.next() {
            Some(_) => Err(Refusal::Malformed(What::Value)),
            None => Ok(first),
        }
    }
}
