//! A request's head as it goes upstream, for whoever may see what attache puts on it but not its values.
//!
//! Whatever was not there before is attache's, and is not shown, unless it is known to tell nothing.
use super::cleared::MARK;
use super::cleared::SECRET_LEN_MIN;
use super::cleared::Secrets;
use super::cleared::VALUE_LEN_MIN;
use crate::auth::Place;
use crate::auth::Prepared;
use crate::model::Origin;
use crate::telemetry::SentField;
use crate::telemetry::SentHead;
use crate::upstream::Fields;
use crate::upstream::RequestHead;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderName;
use http::HeaderValue;
use http::header;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use zeroize::Zeroizing;

/// The words before a credential that say of which kind it is: shown, as they tell nothing of it.
const SCHEMES: &[&str] = &[
    "Bearer",
    "Basic",
    "Digest",
    "DPoP",
    "Token",
    "OAuth",
    "AWS4-HMAC-SHA256",
    "AWS4-ECDSA-P256-SHA256",
];

/// What goes, and what of it is looked for in the answer.
pub fn sent<F: Fields>(
    head: &Parts,
    prepared: &Prepared,
    origin: &Origin,
    request: &RequestHead<'_, F>,
    secrets: &mut Secrets,
) -> SentHead {
    prepared.watched().for_each(|it| secrets.add(it.expose().as_bytes(), SECRET_LEN_MIN));
    let mut fields = Vec::new();
    request.fields.each(|name, value| fields.push(field(head, prepared, name, value, secrets)));
    let mut url = format!("{origin}{}", request.target.path());
    if let Some(query) = request.target.query() {
        let theirs = head.uri.query().unwrap_or_default();
        url.push('?');
        url.push_str(&pairs(query, theirs, ['&', ';'], &names(prepared, Place::Query), secrets).0);
    }
    SentHead { method: request.method.clone(), url, fields }
}

fn field(
    head: &Parts,
    prepared: &Prepared,
    name: &HeaderName,
    value: &HeaderValue,
    secrets: &mut Secrets,
) -> SentField {
    let shown = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let seen = |value, is_injected, is_redacted| SentField {
        name: name.to_string(),
        value,
        is_injected,
        is_redacted,
    };
    if *name == header::COOKIE {
        let lines = head.headers.get_all(name).iter().map(shown).collect::<Vec<_>>().join("; ");
        let names = names(prepared, Place::Cookie);
        let (line, is_redacted) = pairs(&shown(value), &lines, [';', ';'], &names, secrets);
        return seen(line, is_redacted, is_redacted);
    }
    let is_theirs = head.headers.get_all(name).iter().any(|it| it == value);
    if is_theirs && !prepared.injects_header(name) {
        return seen(shown(value), false, false);
    }
    if is_plain(name) && !prepared.injects_header(name) {
        return seen(shown(value), true, false);
    }
    let text = Zeroizing::new(shown(value));
    let scheme = scheme(&text);
    let rest = text[scheme.map_or(0, |it| it.len())..].trim_start();
    secrets.add(value.as_bytes(), VALUE_LEN_MIN);
    secrets.add(rest.as_bytes(), VALUE_LEN_MIN);
    if scheme == Some("Basic") {
        add_pair(rest, secrets);
    }
    let veil = veil(rest.len());
    seen(scheme.map_or_else(|| veil.clone(), |it| format!("{it} {veil}")), true, true)
}

/// The two parts of basic authentication (RFC 7617 §2): either may be the key.
fn add_pair(encoded: &str, secrets: &mut Secrets) {
    let Ok(decoded) = BASE64_STANDARD.decode(encoded).map(Zeroizing::new) else { return };
    secrets.add(&decoded, VALUE_LEN_MIN);
    let mut parts = decoded.splitn(2, |it| *it == b':');
    parts.next().into_iter().for_each(|it| secrets.add(it, VALUE_LEN_MIN));
    parts.next().into_iter().for_each(|it| secrets.add(it, SECRET_LEN_MIN));
}

/// Pairs of a query or of cookies: those that were not among `theirs`, or have one of our names, without their
/// values; and whether there are any.
fn pairs(
    ours: &str,
    theirs: &str,
    separators: [char; 2],
    names: &[String],
    secrets: &mut Secrets,
) -> (String, bool) {
    let theirs: Vec<&str> = theirs.split(separators).map(str::trim).collect();
    let (mut text, mut is_redacted) = (String::new(), false);
    for piece in ours.split_inclusive(separators) {
        let (piece, end) = match piece.strip_suffix(separators) {
            Some(bare) => (bare, &piece[bare.len()..]),
            None => (piece, ""),
        };
        let pair = piece.trim();
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if value.is_empty() || theirs.contains(&pair) && !names.iter().any(|it| it == name) {
            text.push_str(piece);
        } else {
            is_redacted = true;
            secrets.add(value.as_bytes(), VALUE_LEN_MIN);
            let decoded = Zeroizing::new(Cow::from(percent_decode_str(value)).into_owned());
            secrets.add(&decoded, VALUE_LEN_MIN);
            let before = &piece[..piece.len() - piece.trim_start().len()];
            text.push_str(&format!("{before}{name}={MARK}"));
        }
        text.push_str(end);
    }
    (text, is_redacted)
}

fn names(prepared: &Prepared, place: Place) -> Vec<String> {
    prepared.describe().into_iter().filter(|it| it.place == place).map(|it| it.name).collect()
}

/// Fields of attache's own that have nothing of a credential.
fn is_plain(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::HOST
            | header::TE
            | header::CONNECTION
            | header::UPGRADE
            | header::EXPECT
            | header::MAX_FORWARDS
    ) || name == "traceparent"
}

fn scheme(value: &str) -> Option<&'static str> {
    let word = value.split_once(' ')?.0;
    SCHEMES.iter().find(|it| it.eq_ignore_ascii_case(word)).copied()
}

/// In a value's place: how long it is, roughly, tells whether it is the right one or an empty one.
fn veil(len: usize) -> String {
    let class = match len {
        0 => "empty",
        1..16 => "under 16 bytes",
        16..64 => "16 to 63 bytes",
        64..256 => "64 to 255 bytes",
        256.. => "256 bytes or more",
    };
    format!("{MARK} ({class})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_there_before_is_shown_of_a_query_and_of_cookies() {
        let names = ["key".to_owned()];
        for (ours, theirs, shown) in [
            ("a=1&key=s", "a=1", "a=1&key=••••"),
            ("key=s", "", "key=••••"),
            ("a=1&b=2", "a=1&b=2", "a=1&b=2"),
            ("a=1;b;c=", "a=1;b;c=", "a=1;b;c="),
            ("key=guess", "key=guess", "key=••••"),
            ("sig=x&a=1", "a=1", "sig=••••&a=1"),
        ] {
            let mut secrets = Secrets::default();
            let (text, is_redacted) = pairs(ours, theirs, ['&', ';'], &names, &mut secrets);
            assert_eq!((&*text, is_redacted), (shown, shown.contains(MARK)));
        }
        let line = pairs("key=s; a=1", "a=1", [';', ';'], &names, &mut Secrets::default()).0;
        assert_eq!(line, "key=••••; a=1");
    }

    #[test]
    fn the_kind_of_a_credential_is_told_and_no_more() {
        assert_eq!(scheme("bearer x"), Some("Bearer"));
        assert_eq!(scheme("x y"), None);
        assert_eq!(scheme("Bearer"), None);
        for (len, class) in [(0, "empty"), (15, "under 16"), (16, "16 to 63"), (300, "256 bytes")] {
            assert!(veil(len).contains(class));
        }
    }

    #[test]
    fn both_parts_of_basic_authentication_are_looked_for() {
        let mut secrets = Secrets::default();
        add_pair(&BASE64_STANDARD.encode("sk_live_1:pass"), &mut secrets);
        let eraser = secrets.eraser();
        assert_eq!(eraser.text("sk_live_1 and pass"), "•••• and ••••");
    }
}
