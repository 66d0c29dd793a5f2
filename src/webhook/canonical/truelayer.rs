//! TrueLayer's detached payload: the request line, the headers that the token lists, and the body.
//!
//! Source: npm truelayer-signing 0.2.3, `lib/lib.js` (`tl_version` 2).
use super::MALFORMED;
use super::target;
use super::text;
use crate::webhook::delivery::Delivery;
use crate::webhook::refusal::Refusal;
use crate::webhook::refusal::What;
use http::HeaderName;

/// The clock, which has to be among what is signed.
const TIMESTAMP: HeaderName = HeaderName::from_static("x-tl-webhook-timestamp");

/// `{method} {path and query}\n`, a line `{name}: {value}\n` for each name, the body.
///
/// `names`: the token's header parameter `tl_headers`, separated by commas and spelled as they are
/// signed; each once, each there.
pub(in crate::webhook) fn truelayer(
    delivery: &Delivery<'_>,
    names: Option<&str>,
) -> Result<Vec<u8>, Refusal> {
    let mut content = format!("{} {}\n", delivery.method, target(delivery)?).into_bytes();
    let mut seen = Vec::new();
    for name in names.unwrap_or_default().split(',') {
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| MALFORMED)?;
        let value = text(delivery, &header)?.ok_or(Refusal::Missing(What::Value))?;
        content.extend_from_slice(format!("{name}: {value}\n").as_bytes());
        seen.push(header);
    }
    let is_twice = |at: usize| seen[..at].contains(&seen[at]);
    if !seen.contains(&TIMESTAMP) || (0..seen.len()).any(is_twice) {
        return Err(MALFORMED);
    }
    content.extend_from_slice(delivery.body);
    Ok(content)
}
