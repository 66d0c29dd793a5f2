//! Paddle Classic's form, as PHP's `serialize` writes it.
//!
//! Source: Paddle Classic's guide "Verifying Webhooks", whose samples sort the fields by name
//! (`ksort`) and serialise them as an array of texts.
use super::MALFORMED;
use super::form;
use crate::webhook::delivery::Delivery;
use crate::webhook::refusal::Refusal;
use std::borrow::Cow;

/// The field that the signature is in.
const SIGNATURE: &str = "p_signature";

/// `a:2:{s:8:"alert_id";s:1:"7";…}` of all fields but `p_signature`, sorted by name; lengths are in
/// bytes. A name twice, or one that PHP would make another of or an array, is refused.
pub(in crate::webhook) fn paddle_classic(
    delivery: &Delivery<'_>,
    _timestamp: Option<&str>,
) -> Result<Vec<u8>, Refusal> {
    let mut fields = form(delivery)?;
    fields.sort_unstable();
    if fields.iter().any(|it| !is_plain(&it.0)) || fields.windows(2).any(|it| it[0].0 == it[1].0) {
        return Err(MALFORMED);
    }
    fields.retain(|it| it.0 != SIGNATURE);

    let mut content = format!("a:{}:{{", fields.len());
    let mut put = |text: &Cow<'_, str>| {
        content.push_str(&format!("s:{}:\"{text}\";", text.len()));
    };
    for (name, value) in &fields {
        put(name);
        put(value);
    }
    content.push('}');
    Ok(content.into_bytes())
}

fn is_plain(name: &str) -> bool {
    let begins = name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_');
    begins && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
}
