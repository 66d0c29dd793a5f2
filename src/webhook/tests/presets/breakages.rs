//! The same breakages for every preset: one broken thing is enough, and refused for what it is.
use super::row::Row;
use super::row::Sent;
use super::rows;
use crate::webhook::raw::Algorithm;

const ANY: &[&str] = &["missing", "malformed", "mismatch", "stale"];

/// `text` with the character in its middle replaced by another that is hex, base64 and plain text too.
pub(super) fn altered(text: &str) -> String {
    let at = text.len() / 2;
    let at = (at..text.len()).find(|it| text.as_bytes()[*it].is_ascii_alphanumeric()).unwrap();
    let other = if text.as_bytes()[at] == b'1' { "2" } else { "1" };
    format!("{}{other}{}", &text[..at], &text[at + 1..])
}

impl Row {
    /// The delivery with `from` replaced wherever it stands.
    pub(super) fn replaced(&self, from: &str, to: &str) -> Sent {
        let mut sent = self.sent();
        for (_, value) in &mut sent.headers {
            *value = value.replace(from, to);
        }
        sent.url = sent.url.replace(from, to);
        sent.body = sent.body.replace(from, to);
        let same = (&sent.headers, &sent.url, &sent.body);
        let good = self.sent();
        assert_ne!(same, (&good.headers, &good.url, &good.body), "{}: no {from}", self.name());
        sent
    }

    fn without_signature(&self) -> Sent {
        let signature = &self.signature;
        let mut sent = self.sent();
        if let Some(name) = &signature.header {
            sent.headers.retain(|it| !it.0.eq_ignore_ascii_case(name));
        } else if let Some(name) = &signature.json {
            sent = self.replaced(name, &format!("{name}-"));
        } else if signature.body {
            sent.body = String::new();
        } else {
            let name = signature.form.as_ref().or(signature.query.as_ref()).unwrap();
            sent = self.replaced(&format!("{name}="), &format!("{name}-="));
        }
        assert_ne!((&sent.headers, &sent.body), (&self.sent().headers, &self.sent().body));
        sent
    }

    /// None where there is nothing that could be there twice.
    fn with_signature_twice(&self) -> Option<Sent> {
        let signature = &self.signature;
        let mut sent = self.sent();
        if let Some(name) = &signature.header {
            let value = sent.headers.iter().find(|it| it.0 == *name).unwrap().1.clone();
            sent.headers.push((name.clone(), value));
        } else if let Some(name) = &signature.json {
            // In a form the JSON is percent-encoded.
            let is_encoded = sent.body.contains(&format!("%22{name}%22"));
            let (mark, colon, comma) =
                if is_encoded { ("%22", "%3A", "%2C") } else { ("\"", ":", ",") };
            let once = format!("{mark}{name}{mark}{colon}");
            sent = self.replaced(&once, &format!("{once}{mark}x{mark}{comma}{once}"));
        } else if let Some(name) = &signature.form {
            sent.body = format!("{}&{name}=x", sent.body);
        } else if let Some(name) = &signature.query {
            sent.url = format!("{}&{name}=x", sent.url);
        } else {
            return None;
        }
        Some(sent)
    }

    /// The signature's text in a spelling that is not the canonical one, if it has another.
    fn misspelt(&self) -> Option<String> {
        let text = &self.signature.text;
        let is_hex = text.bytes().all(|it| it.is_ascii_hexdigit());
        match text.strip_suffix('=') {
            Some(unpadded) => Some(unpadded.to_owned()),
            None if is_hex => Some(text.to_uppercase()).filter(|it| it != text),
            None => Some(format!("{text}=")),
        }
    }

    /// Whether parts of the body are read on the way to its signature.
    fn reads_body(&self) -> bool {
        let header_clock = self.clock.as_ref().is_none_or(|it| it.header.is_some());
        let raw = self.raw();
        let canonical = raw.content.as_ref().is_some_and(|it| it.contains("|jcs"));
        let in_header = self.signature.header.is_some() || self.signature.query.is_some();
        !in_header
            || canonical
            || raw.alternatives.is_some()
            || raw.bind.is_some()
            || !header_clock && listless(self)
    }

    /// Whether the text of a signature is more than a digest: a token, or a public key's signature.
    fn is_public(&self) -> bool {
        matches!(
            self.raw().algorithm,
            Some(
                Algorithm::Ed25519
                    | Algorithm::EcdsaP256
                    | Algorithm::RsaSha256
                    | Algorithm::RsaSha1
                    | Algorithm::Jwt
            )
        )
    }

    /// The delivery to somebody whose secret, or whose sender's key, is another.
    fn to_another(&self) -> Sent {
        let altered: Vec<_> = self.secrets.iter().map(|it| altered(it)).collect();
        let secrets = if self.other.is_empty() { altered } else { self.other.clone() };
        let keys = self.other_keys.clone().or(self.keys.clone());
        Sent { secrets, keys, ..self.sent() }
    }
}

/// Whether the clock is in the body and not in the signature's list.
fn listless(row: &Row) -> bool {
    row.raw().signature.as_ref().is_none_or(|it| it.list.is_none())
}

#[test]
fn a_body_that_was_changed_is_refused() {
    for row in rows().iter().filter(|it| it.covers.is_none() && !it.is_token()) {
        let good = row.sent();
        let reasons = if row.reads_body() || row.is_public() { ANY } else { &["mismatch"] };
        let mut bodies = vec![format!("\u{feff}{}", good.body)];
        // Canonical JSON has no white space of its own.
        if !row.raw().content.as_ref().is_some_and(|it| it.contains("|jcs")) {
            bodies.push(format!("{}\n", good.body));
        }
        if let Some((last, _)) = good.body.char_indices().last() {
            bodies.push(good.body[..last].to_owned());
            bodies.push(altered(&good.body));
            bodies.push(format!("{}x", &good.body[..last]));
            bodies.push(String::new());
        }
        for body in bodies {
            let verdict = Sent { body: body.clone(), ..good.clone() }.verdict();
            assert!(reasons.contains(&verdict), "{}: {body:?}: {verdict}", row.name());
        }
    }
}

#[test]
fn what_a_partial_signature_covers_is_covered() {
    let mut others = Vec::new();
    for row in rows() {
        for (text, reason) in row.covers.iter().flatten() {
            let verdict = row.replaced(text, &altered(text)).verdict();
            if verdict != reason {
                others.push(format!("{}: {text}: {verdict}", row.name()));
            }
        }
    }
    assert_eq!(others, [""; 0]);
}

#[test]
fn another_secret_is_another_sender() {
    for row in rows() {
        assert_eq!(row.to_another().verdict(), "mismatch", "{}", row.name());
    }
}

#[test]
fn a_signature_is_there_once_and_whole_and_right() {
    for row in rows() {
        let name = row.name();
        let text = &row.signature.text;
        let off = if row.is_token() { "mismatch" } else { "malformed" };
        assert_eq!(row.without_signature().verdict(), "missing", "{name}: without");
        if let Some(twice) = row.with_signature_twice() {
            assert_eq!(twice.verdict(), "malformed", "{name}: twice");
        }
        for (what, broken) in [
            ("altered", Some(altered(text))),
            ("cut short", Some(text[..text.len() - 4].to_owned())),
            ("empty", Some(String::new())),
            ("misspelt", row.misspelt()),
        ] {
            let Some(broken) = broken else { continue };
            let verdict = row.replaced(text, &broken).verdict();
            let expected = if what == "altered" { "mismatch" } else { off };
            let is_basic =
                row.is_token() && row.raw().signature.as_ref().unwrap().encoding.is_some();
            let loose = row.is_public() || is_basic || what == "empty";
            let as_expected = if loose { ANY.contains(&verdict) } else { verdict == expected };
            assert!(as_expected, "{name}: {what}: {verdict}");
        }
    }
}
