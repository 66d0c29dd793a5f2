//! Plivo's third kind of signature: URL, query and form in one order, and a nonce.
//!
//! Source: npm plivo 4.79.0, `utils/v3Security.js`.
use super::Pairs;
use super::form;
use super::pairs;
use super::text;
use super::without_query;
use crate::webhook::delivery::Delivery;
use crate::webhook::refusal::Refusal;
use crate::webhook::refusal::What;
use http::HeaderName;

const NONCE: HeaderName = HeaderName::from_static("x-plivo-signature-v3-nonce");

/// `{url without query}?{query}.{form}.{nonce}`: the query as `name=value` joined by `&`, the form as
/// name and value joined by nothing, both decoded and sorted by name and value. Without a form its
/// dot is left out, without a query that dot; without both the question mark as well. Only a
/// POST has a form.
pub(in crate::webhook) fn plivo_v3(
    delivery: &Delivery<'_>,
    _timestamp: Option<&str>,
) -> Result<Vec<u8>, Refusal> {
    let nonce = text(delivery, &NONCE)?.ok_or(Refusal::Missing(What::Value))?;
    let query = sorted(pairs(delivery.query.as_bytes())?);
    let form = match delivery.method {
        "POST" => sorted(form(delivery)?),
        // What is not signed must not come along.
        _ if delivery.body.is_empty() => Vec::new(),
        _ => return Err(Refusal::Malformed(What::Value)),
    };
    let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = query.join("&");

    let mut content = without_query(delivery).to_owned();
    if !query.is_empty() || !form.is_empty() {
        content.push('?');
        content.push_str(&query);
    }
    if !query.is_empty() && !form.is_empty() {
        content.push('.');
    }
    for (name, value) in &form {
        content.push_str(name);
        content.push_str(value);
    }
    content.push('.');
    content.push_str(nonce);
    Ok(content.into_bytes())
}

fn sorted(mut pairs: Pairs<'_>) -> Pairs<'_> {
    pairs.sort_unstable();
    pairs
}
