//! A request's canonical form: the text whose hash is signed.
//!
//! Source: AWS IAM User Guide, "Elements of an AWS API request signature"; Amazon S3 API Reference, "Signature
//! Calculations for the Authorization Header".
use super::Draft;
use super::path;
use super::query;
use super::service::PathRule;
use crate::crypto::Digested;
use crate::crypto::Hash;
use http::HeaderName;
use http::HeaderValue;

/// The fields that a signature covers, in order.
pub(super) struct SignedFields {
    /// Indices into the draft's fields, by name; those of one name in the order in which they are sent.
    indices: Vec<usize>,
    /// `content-type;host;x-amz-date`.
    pub names: String,
}

/// What the canonical form is made of, besides the draft.
pub(super) struct Parts<'a> {
    pub path: PathRule,
    /// The caller's, without a signature in it.
    pub query: &'a str,
    /// What of ours stands in the query, `a=b&c=d` in canonical form.
    pub own: &'a str,
    /// The body's hash in hex, or what stands in its place.
    pub payload: &'a str,
}

/// Whether a signature covers the field.
///
/// All are covered, as AWS's own clients do it, but for what somebody between here and the service may add or write anew
/// without any wrong: fields of one hop, of tracing, of caches and of browsers, and what HTTP/2 may split (Cookie, RFC
/// 9113 §8.2.3). AWS's clients leave out the same, but for Accept-Encoding, which S3's imitations rewrite in front of them.
fn is_covered(name: &HeaderName) -> bool {
    match name.as_str() {
        "accept-encoding" | "authorization" | "baggage" | "cache-control" | "connection"
        | "cookie" | "expect" | "forwarded" | "from" | "keep-alive" | "max-forwards" | "pragma"
        | "referer" | "te" | "traceparent" | "tracestate" | "trailer" | "transfer-encoding"
        | "upgrade" | "user-agent" | "via" | "x-amzn-trace-id" | "x-request-id" => false,
        name => !["proxy-", "sec-", "x-forwarded-"].iter().any(|it| name.starts_with(it)),
    }
}

impl SignedFields {
    pub fn of(draft: &Draft<'_>) -> Self {
        let fields = draft.fields();
        let mut indices: Vec<usize> =
            (0..fields.len()).filter(|it| is_covered(&fields[*it].0)).collect();
        let name = |it: usize| fields[it].0.as_str();
        indices.sort_unstable_by(|one, two| (name(*one), one).cmp(&(name(*two), two)));
        let mut names = String::with_capacity(indices.len() * 16);
        let mut last = "";
        for name in
            indices.iter().map(|it| name(*it)).filter(|it| std::mem::replace(&mut last, it) != *it)
        {
            if !names.is_empty() {
                names.push(';');
            }
            names.push_str(name);
        }
        Self { indices, names }
    }
}

/// The hash of the canonical form.
pub(super) fn hash(draft: &Draft<'_>, fields: &SignedFields, parts: &Parts<'_>) -> Digested {
    Hash::Sha256.of(&text(draft, fields, parts))
}

pub(super) fn text(draft: &Draft<'_>, fields: &SignedFields, parts: &Parts<'_>) -> Vec<u8> {
    let mut text = Vec::with_capacity(1024);
    text.extend_from_slice(draft.method.as_str().as_bytes());
    text.push(b'\n');
    path::put(&mut text, draft.path, parts.path);
    text.push(b'\n');
    query::put(&mut text, parts.query, parts.own);
    text.push(b'\n');
    let mut last: Option<&HeaderName> = None;
    for (name, value) in fields.indices.iter().map(|it| &draft.fields()[*it]) {
        if last == Some(name) {
            text.push(b',');
        } else {
            if last.is_some() {
                text.push(b'\n');
            }
            text.extend_from_slice(name.as_str().as_bytes());
            text.push(b':');
        }
        put_value(&mut text, value);
        last = Some(name);
    }
    if last.is_some() {
        text.push(b'\n');
    }
    text.push(b'\n');
    text.extend_from_slice(fields.names.as_bytes());
    text.push(b'\n');
    text.extend_from_slice(parts.payload.as_bytes());
    text
}

/// The value less the spaces at its ends, and one space for several.
fn put_value(text: &mut Vec<u8>, value: &HeaderValue) {
    let value = value.as_bytes().trim_ascii();
    if !value.windows(2).any(|it| it == b"  ") {
        return text.extend_from_slice(value);
    }
    let mut last = 0;
    for byte in value {
        if (last, *byte) != (b' ', b' ') {
            text.push(*byte);
        }
        last = *byte;
    }
}
