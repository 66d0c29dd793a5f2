//! A webhook as it arrived, and what may be read of it before it is trusted.
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
    /// The signature's value, where it is a list.
    pub(super) list: Option<Entries<'d>>,
    /// The timestamp's text as sent.
    pub(super) timestamp: Option<&'d str>,
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
        let pairs = url::form_urlencoded::parse(self.query.as_bytes());
        let mut values = pairs.filter(|it| it.0 == name).map(|it| it.1);
        let first = values.next();
        match values.next() {
            Some(_) => Err(Refusal::Malformed(What::Value)),
            None => Ok(first),
        }
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
