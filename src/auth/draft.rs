//! A request as it is about to be sent: what signers read, and write to.
use super::Chunks;
use super::query;
use super::slot;
use crate::model::Origin;
use crate::model::UnixTime;
use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::Method;

/// One attempt's request. What stands here when the last signer is done goes out byte for byte: field
/// order, spelling of the query and all.
///
/// The credential's fixed parts are on it already, the caller's copies of what signers put are not. Host is
/// among the fields; Content-Length and Transfer-Encoding are not, since they are the link's.
#[derive(Debug)]
pub struct Draft<'a> {
    pub method: &'a Method,
    /// https or http, host and port that it goes to.
    pub origin: &'a Origin,
    /// As it is sent, percent-encoded as the caller wrote it.
    pub path: &'a str,
    /// As it is sent, without the `?`.
    query: Option<String>,
    fields: Vec<(HeaderName, HeaderValue)>,
    /// In bytes; 0 where there is none, `None` where nobody knows before its end.
    pub body_len: Option<u64>,
    /// All of it, for a signer whose [`super::BodyUse`] is `Whole`.
    pub body: Option<&'a [u8]>,
    /// What a signer sends in place of the body.
    pub new_body: Option<Bytes>,
    /// What signs the body while it is sent.
    pub chunks: Option<Box<Chunks>>,
}

/// When a request is signed, and what makes it differ from every other.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Read for this attempt alone.
    pub now: UnixTime,
    /// From the system's generator, never the same twice: what nonces are made of.
    pub random: [u8; 16],
}

impl<'a> Draft<'a> {
    pub fn new(
        method: &'a Method,
        origin: &'a Origin,
        path: &'a str,
        query: Option<&str>,
        fields: Vec<(HeaderName, HeaderValue)>,
    ) -> Self {
        Self {
            method,
            origin,
            path,
            query: query.map(str::to_owned),
            fields,
            body_len: Some(0),
            body: None,
            new_body: None,
            chunks: None,
        }
    }

    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The fields in the order in which they are sent.
    pub fn fields(&self) -> &[(HeaderName, HeaderValue)] {
        &self.fields
    }

    /// The same, for whoever sends them.
    pub fn into_fields(self) -> Vec<(HeaderName, HeaderValue)> {
        self.fields
    }

    /// The values of all fields of this name, in order.
    pub fn values<'d>(&'d self, name: &HeaderName) -> impl Iterator<Item = &'d HeaderValue> {
        self.fields.iter().filter(move |it| it.0 == *name).map(|it| &it.1)
    }

    /// The field's value, where it is there once.
    pub fn value(&self, name: &HeaderName) -> Option<&HeaderValue> {
        let mut values = self.values(name);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// Puts a field on, in place of every copy of it (`x_date` for `x-date`, too).
    pub fn set(&mut self, name: &HeaderName, value: HeaderValue) {
        self.fields.retain(|it| !slot::are_twins(it.0.as_str(), name.as_str()));
        self.fields.push((name.clone(), value));
    }

    /// Takes every spelling of these parameters out of the query, and puts `pairs` behind it:
    /// `a=b&c=d`, percent-encoded. No query stays where nothing is left.
    pub fn put_query(&mut self, names: &[Box<str>], pairs: &str) {
        let query = query::replaced(self.query.as_deref().unwrap_or_default(), names, pairs);
        self.query = Some(query).filter(|it| !it.is_empty());
    }

    /// Sends this query, without its `?`, in place of the one that is there; none where it is empty.
    pub fn replace_query(&mut self, query: String) {
        self.query = (!query.is_empty()).then_some(query);
    }
}
