//! Contentful's signed requests: method, path, the headers that are listed, and the body.
//!
//! Source: npm @contentful/node-apps-toolkit 3.16.1, `requests/sign-request.ts` and `utils.ts`.
use super::MALFORMED;
use super::target;
use super::text;
use crate::webhook::delivery::Delivery;
use crate::webhook::refusal::Refusal;
use crate::webhook::refusal::What;
use http::HeaderName;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::percent_encode;

const SIGNED_HEADERS: HeaderName = HeaderName::from_static("x-contentful-signed-headers");
const TIMESTAMP: HeaderName = HeaderName::from_static("x-contentful-timestamp");

/// What ECMAScript's `encodeURI` encodes: a percent sign as well.
const ENCODE_URI: &AsciiSet = &QUERY
    .remove(b';')
    .remove(b',')
    .remove(b'/')
    .remove(b'?')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'=')
    .remove(b'+')
    .remove(b'$')
    .remove(b'#');

/// What Node's `querystring.escape` encodes.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// `{method}\n{path}\n{name}:{value};{name}:{value}…\n{body}`.
///
/// The path is encoded once more, its query twice. The headers are those that
/// `x-contentful-signed-headers` lists, and it has to list what the toolkit's own signer does: names
/// in order, each once, each there, itself and the timestamp among them.
pub(in crate::webhook) fn contentful(
    delivery: &Delivery<'_>,
    _timestamp: Option<&str>,
) -> Result<Vec<u8>, Refusal> {
    let listed = text(delivery, &SIGNED_HEADERS)?.ok_or(Refusal::Missing(What::Value))?;
    let names: Vec<&str> = listed.split(',').collect();
    let in_order = names.windows(2).all(|it| it[0] < it[1]);
    let complete = [SIGNED_HEADERS, TIMESTAMP].iter().all(|it| names.contains(&it.as_str()));
    if !in_order || !complete || delivery.query.contains('?') {
        return Err(MALFORMED);
    }

    let mut content = delivery.method.as_bytes().to_vec();
    content.push(b'\n');
    content.extend_from_slice(path(delivery)?.as_bytes());
    let mut separator = b'\n';
    for name in names {
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| MALFORMED)?;
        let value = text(delivery, &header)?.ok_or(Refusal::Missing(What::Value))?;
        if header.as_str() != name {
            return Err(MALFORMED);
        }
        content.push(separator);
        content.extend_from_slice(name.as_bytes());
        content.push(b':');
        content.extend_from_slice(value.trim_ascii().as_bytes());
        separator = b';';
    }
    content.push(b'\n');
    content.extend_from_slice(delivery.body);
    Ok(content)
}

fn path(delivery: &Delivery<'_>) -> Result<String, Refusal> {
    let path = target(delivery)?;
    let path = path.split_once('?').map_or(path, |it| it.0);
    let path = percent_encode(path.as_bytes(), ENCODE_URI);
    if delivery.query.is_empty() {
        return Ok(path.to_string());
    }
    let once = percent_encode(delivery.query.as_bytes(), QUERY).to_string();
    Ok(format!("{path}?{}", percent_encode(once.as_bytes(), ENCODE_URI)))
}
