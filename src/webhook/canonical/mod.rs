//! Signed contents that no template can say: what is in them depends on what is in the delivery.
mod contentful;
mod paddle_classic;
mod plivo_v3;
mod truelayer;

#[cfg(test)]
mod tests;

pub(super) use contentful::contentful;
pub(super) use paddle_classic::paddle_classic;
pub(super) use plivo_v3::plivo_v3;
pub(super) use truelayer::truelayer;

use super::delivery::Delivery;
use super::form::FIELDS_MAX;
use super::form::is_urlencoded;
use super::refusal::Refusal;
use super::refusal::What;
use http::HeaderName;
use std::borrow::Cow;

const MALFORMED: Refusal = Refusal::Malformed(What::Value);

/// Names and values, in some order.
type Pairs<'d> = Vec<(Cow<'d, str>, Cow<'d, str>)>;

/// The public URL without its query.
fn without_query<'d>(delivery: &Delivery<'d>) -> &'d str {
    delivery.url.split_once('?').map_or(delivery.url, |it| it.0)
}

/// The public URL's path and query.
fn target<'d>(delivery: &Delivery<'d>) -> Result<&'d str, Refusal> {
    let (_, rest) = delivery.url.split_once("://").ok_or(MALFORMED)?;
    let path = rest.find('/').map(|it| &rest[it..]);
    let is_of_query = |path: &str| rest.len() - path.len() > rest.find('?').unwrap_or(rest.len());
    path.filter(|it| !is_of_query(it)).ok_or(MALFORMED)
}

/// Names and values, decoded. Refused where there are too many, or one of them is no UTF-8: decoders
/// put the same character in the place of whatever they cannot read.
fn pairs(text: &[u8]) -> Result<Pairs<'_>, Refusal> {
    let unread = |it: &str| it.contains(char::REPLACEMENT_CHARACTER);
    let pairs: Pairs<'_> = url::form_urlencoded::parse(text).take(FIELDS_MAX + 1).collect();
    if pairs.len() > FIELDS_MAX || pairs.iter().any(|(name, value)| unread(name) || unread(value)) {
        return Err(MALFORMED);
    }
    Ok(pairs)
}

/// The fields of a form in the body. A body that says that it is something else is none.
fn form<'d>(delivery: &Delivery<'d>) -> Result<Pairs<'d>, Refusal> {
    if delivery.body.is_empty() {
        return Ok(Vec::new());
    }
    let media_type = text(delivery, &http::header::CONTENT_TYPE)?.unwrap_or_default();
    if !is_urlencoded(media_type) {
        return Err(MALFORMED);
    }
    pairs(delivery.body)
}

/// A header that is there once at most, in visible ASCII and spaces.
fn text<'d>(delivery: &Delivery<'d>, name: &HeaderName) -> Result<Option<&'d str>, Refusal> {
    let Some(value) = delivery.header(name)? else { return Ok(None) };
    let value = str::from_utf8(value).map_err(|_| MALFORMED)?;
    if value.is_ascii() { Ok(Some(value)) } else { Err(MALFORMED) }
}
