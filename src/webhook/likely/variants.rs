//! Everything that is tried, one thing at a time.
use super::Axis;
use super::Case;
use super::Change;
use super::Variant;
use super::content;
use super::json::rewritten;
use crate::model::Secret;
use http::HeaderMap;
use http::HeaderValue;
use serde_json::Value;
use serde_json::json;
use std::collections::HashSet;

/// Shorter runs of hex digits are no digest: SHA-1's has 40.
const DIGEST_HEX_LEN_MIN: usize = 40;

pub(super) fn all(case: &Case<'_>) -> Vec<Variant> {
    let mut all = Vec::new();
    all.extend(bodies(&case.request.body));
    all.extend(secrets(&case.sender.secrets));
    all.extend(urls(&case.request.url, &case.request.headers));
    all.extend(descriptions());
    all.extend(content::variants());
    let said = "the signature's hex in lower case".to_owned();
    all.push(Variant { axis: Axis::Encoding, said, change: Change::LowerCase });
    all
}

fn bodies(body: &[u8]) -> Vec<Variant> {
    let mut bodies: Vec<(&str, Vec<u8>)> = Vec::new();
    if let Some(shorter) = body.strip_suffix(b"\n") {
        let shorter = shorter.strip_suffix(b"\r").unwrap_or(shorter);
        bodies.push(("the body less its final line break", shorter.to_vec()));
    } else {
        bodies.push(("a line feed at the body's end", [body, b"\n"].concat()));
        bodies.push(("a CRLF at the body's end", [body, b"\r\n"].concat()));
    }
    if let Some(rest) = body.strip_prefix(b"\xef\xbb\xbf") {
        bodies.push(("the body less the byte order mark before it", rest.to_vec()));
    }
    bodies.push(("the body less the white space around it", body.trim_ascii().to_vec()));
    if let Ok(text) = std::str::from_utf8(body) {
        let lines = text.replace("\r\n", "\n");
        bodies.push(("line feeds for the body's CRLFs", lines.clone().into_bytes()));
        bodies.push(("CRLFs for the body's line feeds", lines.replace('\n', "\r\n").into_bytes()));
    }
    bodies.push(("an empty body", Vec::new()));
    bodies.extend(rewritten(body));
    let mut seen = HashSet::from([body.to_vec()]);
    bodies.retain(|it| seen.insert(it.1.clone()));
    let variant = |(said, body): (&str, _)| Variant {
        axis: Axis::Body,
        said: said.to_owned(),
        change: Change::Body(body),
    };
    bodies.into_iter().map(variant).collect()
}

/// Another form of a secret, where it has one.
type Form = fn(&str) -> Option<String>;

fn secrets(secrets: &[Secret]) -> impl Iterator<Item = Variant> {
    const FORMS: [(&str, Form); 6] = [
        ("the secret less the white space around it", |it| Some(it.trim().to_owned())),
        ("the secret less the quotes around it", |it| {
            let bare = |quote| it.trim().strip_prefix(quote)?.strip_suffix(quote);
            bare('"').or_else(|| bare('\'')).map(str::to_owned)
        }),
        ("what stands behind the `=` for the secret", |it| {
            let (name, value) = it.split_once('=')?;
            let is_name = |it: u8| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_';
            (!name.is_empty() && name.bytes().all(is_name)).then(|| value.trim().to_owned())
        }),
        ("the secret less its `whsec_`", |it| it.strip_prefix("whsec_").map(str::to_owned)),
        ("`whsec_` before the secret", |it| {
            (!it.starts_with("whsec_")).then(|| format!("whsec_{it}"))
        }),
        ("the secret in lower case", |it| Some(it.to_ascii_lowercase())),
    ];
    FORMS.into_iter().filter_map(move |(said, form)| {
        let formed: Vec<Secret> = secrets
            .iter()
            .map(|it| form(it.expose()).map_or_else(|| it.clone(), Secret::new))
            .collect();
        let is_other = formed != secrets;
        let change = Change::Secrets(formed);
        is_other.then(|| Variant { axis: Axis::Secret, said: said.to_owned(), change })
    })
}

/// The URL as the request or a proxy before it may have known it otherwise.
fn urls(url: &str, headers: &HeaderMap) -> Vec<Variant> {
    let Some((scheme, rest)) = url.split_once("://") else { return Vec::new() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    let said = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    let other_scheme = if scheme == "https" { "http" } else { "https" };
    let mut authorities = vec![authority];
    authorities.extend(said("x-forwarded-host"));
    authorities.extend(said("x-original-host"));
    authorities.extend(authority.rsplit_once(':').map(|it| it.0));
    let slashed = path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned);
    let mut seen = HashSet::from([url.to_owned()]);
    let mut urls = Vec::new();
    for scheme in [scheme, other_scheme] {
        for authority in &authorities {
            for path in [path, &slashed] {
                for query in [query, ""] {
                    let url = format!("{scheme}://{authority}{path}{query}");
                    if seen.insert(url.clone()) {
                        urls.push(Variant {
                            axis: Axis::Url,
                            said: format!("the URL {url}"),
                            change: Change::Url(url),
                        });
                    }
                }
            }
        }
    }
    urls
}

fn descriptions() -> Vec<Variant> {
    let of = |axis, said: String, over| Variant { axis, said, change: Change::Description(over) };
    let mut all = Vec::new();
    for encoding in ["utf8", "hex", "base64", "base64url"] {
        let said = format!("the secret taken as {encoding}: `key: {{ encoding: {encoding} }}`");
        all.push(of(Axis::Key, said, json!({ "key": { "encoding": encoding } })));
    }
    for algorithm in ["hmac-sha256", "hmac-sha1", "hmac-sha512"] {
        let said = format!("`algorithm: {algorithm}`");
        all.push(of(Axis::Algorithm, said, json!({ "algorithm": algorithm })));
    }
    for encoding in ["hex", "base64", "base64url"] {
        let said = format!("`signature: {{ encoding: {encoding} }}`");
        all.push(of(Axis::Encoding, said, json!({ "signature": { "encoding": encoding } })));
    }
    for prefix in ["", "sha256=", "sha1=", "v0=", "v1="] {
        let said = match prefix {
            "" => "no `prefix` before the signature".to_owned(),
            prefix => format!("`signature: {{ prefix: \"{prefix}\" }}`"),
        };
        let over = json!({ "signature": { "prefix": prefix, "list": Value::Null, "label": Value::Null, "trim": Value::Null } });
        all.push(of(Axis::Prefix, said, over));
    }
    for format in ["unix_s", "unix_ms", "rfc3339"] {
        let said = format!("`timestamp: {{ format: {format} }}`");
        all.push(of(Axis::Clock, said, json!({ "timestamp": { "format": format } })));
    }
    all
}

/// Writes long runs of hex digits in headers in lower case.
pub(super) fn lower_case(headers: &mut HeaderMap) {
    for value in headers.values_mut() {
        let mut bytes = value.as_bytes().to_vec();
        for run in bytes.chunk_by_mut(|a, b| a.is_ascii_hexdigit() == b.is_ascii_hexdigit()) {
            if run.len() >= DIGEST_HEX_LEN_MIN && run[0].is_ascii_hexdigit() {
                run.make_ascii_lowercase();
            }
        }
        if let Ok(lower) = HeaderValue::from_bytes(&bytes) {
            *value = lower;
        }
    }
}
