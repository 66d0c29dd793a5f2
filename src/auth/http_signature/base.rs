//! The signature base: what is covered, line by line (RFC 9421 §2.5).
use super::component::Component;
use super::component::Form;
use super::component::Source;
use super::structured;
use crate::auth::Draft;
use crate::auth::SignError;
use crate::auth::query;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::header::CONTENT_LENGTH;
use http::header::HOST;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::percent_encode;

/// WHATWG URL, "application/x-www-form-urlencoded percent-encode set".
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// What is covered of one request.
pub(super) struct Base<'b> {
    /// The lines less the last one.
    pub text: Vec<u8>,
    /// What is in it, in order.
    pub covered: Vec<&'b Component>,
}

/// `digest`: the Content-Digest field of ours, where there is one.
pub(super) fn base<'b>(
    components: &'b [Component],
    draft: &Draft<'_>,
    digest: Option<&HeaderValue>,
) -> Result<Base<'b>, SignError> {
    let mut base =
        Base { text: Vec::with_capacity(512), covered: Vec::with_capacity(components.len()) };
    for component in components {
        let start = base.text.len();
        base.text.extend_from_slice(component.identifier.as_bytes());
        base.text.extend_from_slice(b": ");
        let ours = digest.filter(|_| component.is_content_digest());
        match write(&component.source, draft, ours, &mut base.text)? {
            true => {
                base.text.push(b'\n');
                base.covered.push(component);
            }
            false if component.optional => base.text.truncate(start),
            false => return Err(SignError::Lacks { what: words(&component.source) }),
        }
    }
    Ok(base)
}

/// Whether the request has it.
fn write(
    source: &Source,
    draft: &Draft<'_>,
    ours: Option<&HeaderValue>,
    out: &mut Vec<u8>,
) -> Result<bool, SignError> {
    match source {
        Source::Method => out.extend_from_slice(draft.method.as_str().as_bytes()),
        Source::TargetUri => {
            out.extend_from_slice(scheme(draft).as_bytes());
            out.extend_from_slice(b"://");
            authority(draft, out);
            target(draft, out);
        }
        Source::Authority => authority(draft, out),
        Source::Scheme => out.extend_from_slice(scheme(draft).as_bytes()),
        Source::RequestTarget => target(draft, out),
        Source::Path => out.extend_from_slice(path(draft).as_bytes()),
        Source::Query => {
            out.push(b'?');
            out.extend_from_slice(draft.query().unwrap_or_default().as_bytes());
        }
        Source::QueryParam(name) => return query_param(draft, name, out),
        Source::Field(name, form) => {
            let values: Vec<&[u8]> = match ours {
                Some(value) => vec![value.as_bytes()],
                None => draft.values(name).map(HeaderValue::as_bytes).collect(),
            };
            return field(name, form, &values, draft, out);
        }
    }
    Ok(true)
}

fn field(
    name: &HeaderName,
    form: &Form,
    values: &[&[u8]],
    draft: &Draft<'_>,
    out: &mut Vec<u8>,
) -> Result<bool, SignError> {
    let length;
    let of_link: [&[u8]; 1];
    let mut values = values;
    if values.is_empty() {
        let Some(known) = content_length(draft).filter(|_| *name == CONTENT_LENGTH) else {
            return Ok(false);
        };
        length = known.to_string();
        of_link = [length.as_bytes()];
        values = &of_link;
    }
    let joined = || {
        let trimmed: Vec<&[u8]> = values.iter().map(|it| it.trim_ascii()).collect();
        trimmed.join(&b", "[..])
    };
    let unsignable = |what: &str| SignError::Unsignable {
        what: format!("the field `{name}` {what}, so its signature can't be made"),
    };
    match form {
        Form::Joined => out.extend_from_slice(&joined()),
        Form::Wrapped => {
            let wrapped = values.iter().map(|it| format!(":{}:", STANDARD.encode(it.trim_ascii())));
            out.extend_from_slice(wrapped.collect::<Vec<_>>().join(", ").as_bytes());
        }
        Form::Strict(kind) => {
            let strict = kind.strict(&joined());
            let strict = strict.ok_or_else(|| unsignable("is no structured field of its kind"))?;
            out.extend_from_slice(strict.as_bytes());
        }
        Form::Member(key) => match structured::member(&joined(), key) {
            Some(member) => out.extend_from_slice(member.as_bytes()),
            None => return Ok(false),
        },
    }
    Ok(true)
}

/// As RFC 9421 §2.2.8 writes a parameter's name or value.
pub(super) fn encoded(text: &[u8]) -> String {
    percent_encode(&query::decode(text), ESCAPED).to_string()
}

/// The link's to write, and it writes what is known of the body; also of an empty one, where the method's requests
/// have one as a rule (RFC 9110 §8.6).
fn content_length(draft: &Draft<'_>) -> Option<u64> {
    let has_content = matches!(*draft.method, Method::POST | Method::PUT | Method::PATCH);
    draft.body_len.filter(|it| *it > 0 || has_content)
}

/// The one value of the parameter; nothing where there is none (RFC 9421 §2.2.8).
fn query_param(draft: &Draft<'_>, name: &str, out: &mut Vec<u8>) -> Result<bool, SignError> {
    let query = draft.query().unwrap_or_default().as_bytes();
    let pairs = query.split(|it| *it == b'&').filter(|it| !it.is_empty()).map(|it| {
        let at = it.iter().position(|it| *it == b'=');
        at.map_or((it, &b""[..]), |at| (&it[..at], &it[at + 1..]))
    });
    let mut values = pairs.filter(|it| encoded(it.0) == *name).map(|it| it.1);
    let Some(value) = values.next() else { return Ok(false) };
    if values.next().is_some() {
        return Err(SignError::Unsignable {
            what: format!("the query has `{name}` more than once, so its signature can't be made"),
        });
    }
    out.extend_from_slice(encoded(value).as_bytes());
    Ok(true)
}

fn scheme(draft: &Draft<'_>) -> &'static str {
    if draft.origin.is_https() { "https" } else { "http" }
}

/// In lower case, without the scheme's own port (RFC 9421 §2.2.3).
fn authority(draft: &Draft<'_>, out: &mut Vec<u8>) {
    let fallback;
    let host = match draft.value(&HOST) {
        Some(host) => host.as_bytes(),
        None => {
            fallback = draft.origin.authority();
            fallback.as_bytes()
        }
    };
    let own: &[u8] = if draft.origin.is_https() { b":443" } else { b":80" };
    out.extend(host.strip_suffix(own).unwrap_or(host).iter().map(u8::to_ascii_lowercase));
}

fn path<'d>(draft: &Draft<'d>) -> &'d str {
    if draft.path.is_empty() { "/" } else { draft.path }
}

fn target(draft: &Draft<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(path(draft).as_bytes());
    if let Some(query) = draft.query() {
        out.push(b'?');
        out.extend_from_slice(query.as_bytes());
    }
}

fn words(source: &Source) -> String {
    match source {
        Source::Field(name, Form::Member(key)) => {
            format!("the member `{key}` of the field `{name}`")
        }
        Source::Field(name, _) => format!("the field `{name}`"),
        Source::QueryParam(name) => format!("the query parameter `{name}`"),
        _ => "a part".into(),
    }
}
