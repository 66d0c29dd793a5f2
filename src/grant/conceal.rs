//! A provider's words without the secrets that were sent to it, in whatever spelling they come back.
use crate::model::Credential;
use crate::model::Secret;
use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;
use std::cmp::Reverse;
use zeroize::Zeroizing;

/// Shorter texts are no secrets worth a hole in a sentence.
const SECRET_LEN_MIN: usize = 6;

/// Fields that may be told.
const PUBLIC: &[&str] = &["client_id", "scope", "expires_at", "token_type", "key_id"];

/// How many times over a text may be escaped on its way there and back.
const ESCAPED_MAX: usize = 2;

const REDACTED: &str = "[redacted]";

/// Either alphabet once `-_` are `+/` (RFC 4648 §5), padded or not; a last letter that says too much is let be.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A provider's words without anything secret of `held`, or of `more`, that was sent to it. A secret as such is
/// cut out; a word that holds one in an escaped or encoded form, or a signed JWT, goes as a whole.
pub(super) fn conceal(text: &str, held: &Credential, more: &[&Secret]) -> String {
    let fields = held.fields().filter(|it| !PUBLIC.contains(it));
    let all = fields.flat_map(|it| held.values(it)).chain(more.iter().copied());
    let mut secrets: Vec<&str> =
        all.map(Secret::expose).filter(|it| it.len() >= SECRET_LEN_MIN).collect();
    // Longest first: one may be a part of another.
    secrets.sort_by_key(|it| Reverse(it.len()));
    let mut plain = text.to_owned();
    for secret in &secrets {
        if plain.contains(secret) {
            plain = plain.replace(secret, REDACTED);
        }
    }
    let secrets: Vec<Zeroizing<String>> =
        secrets.iter().map(|it| Zeroizing::new(spaced(it))).collect();
    let mut told = String::with_capacity(plain.len());
    for word in plain.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        told.push_str(if tells(bare, &secrets) { REDACTED } else { bare });
        told.push_str(&word[bare.len()..]);
    }
    told
}

/// Whether a word holds a secret in another form than its own.
fn tells(word: &str, secrets: &[Zeroizing<String>]) -> bool {
    let mut spelled = word.to_owned();
    for _ in 0..=ESCAPED_MAX {
        if holds(&spelled, secrets) || is_signed(&spelled) || is_encoded(&spelled, secrets) {
            return true;
        }
        if !spelled.contains('%') {
            return false;
        }
        spelled = unescaped(&spelled);
    }
    false
}

/// A plus and a space are one here, since a form has one for the other (the URL standard §5.1).
fn holds(text: &str, secrets: &[Zeroizing<String>]) -> bool {
    let text = spaced(text);
    secrets.iter().any(|it| text.contains(&**it))
}

fn spaced(text: &str) -> String {
    text.replace('+', " ")
}

/// Whether a part of it is Base64 of something with a secret in it: `Basic` is.
fn is_encoded(text: &str, secrets: &[Zeroizing<String>]) -> bool {
    let is_letter = |it: char| it.is_ascii_alphanumeric() || "+/-_".contains(it);
    let whole = text.split(|it| !is_letter(it));
    // A slash may be a letter or stand between two segments of a path.
    let pieces = whole.flat_map(|it| std::iter::once(it).chain(it.split('/')));
    pieces.filter(|it| it.len() >= SECRET_LEN_MIN).any(|piece| {
        let standard = piece.replace('-', "+").replace('_', "/");
        let bytes = BASE64.decode(standard).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        holds(&text, secrets) || holds(&unescaped(&text), secrets)
    })
}

/// Whether a part of it is a JWT (RFC 7519 §3.1), whose header is a JSON object: an assertion or a proof that
/// was signed here, or somebody's token.
fn is_signed(text: &str) -> bool {
    let is_letter = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
    text.split(|it| !is_letter(it)).any(|piece| {
        let mut parts = piece.split('.').filter(|it| !it.is_empty());
        parts.any(|it| it.starts_with("eyJ")) && parts.nth(1).is_some()
    })
}

fn unescaped(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "hu/nt er+22&ß";

    fn concealed(words: &str) -> String {
        let held = [("client_id", "the-app"), ("client_secret", SECRET), ("scope", "read-all")];
        conceal(words, &held.into_iter().collect(), &[&Secret::new("taken-8f3a")])
    }

    #[test]
    fn a_secret_is_known_in_each_of_its_spellings() {
        for (words, expected) in [
            ("no hu/nt er+22&ß here", "no [redacted] here"),
            ("session taken-8f3a is not valid", "session [redacted] is not valid"),
            (
                "Cannot GET /token?client_id=the-app&client_secret=hu%2Fnt%20er%2B22%26%C3%9F&x=1 today",
                "Cannot GET [redacted] today",
            ),
            ("body client_secret=hu%2fnt+er%2b22%26%c3%9f", "body [redacted]"),
            ("twice hu%252Fnt%2520er%252B22%2526%25C3%259F.", "twice [redacted]"),
            // `the-app:` and the secret, as it is and form-encoded (RFC 6749 §2.3.1).
            ("header Basic dGhlLWFwcDpodS9udCBlcisyMibDnw==, bad", "header Basic [redacted] bad"),
            ("dGhlLWFwcDpodSUyRm50K2VyJTJCMjIlMjYlQzMlOUY=", "[redacted]"),
            ("Basic%20dGhlLWFwcDpodS9udCBlcisyMibDnw%3D%3D", "[redacted]"),
            ("GET /auth/aHUvbnQgZXIrMjImw58/x", "GET [redacted]"),
            (
                "the assertion eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl, is late",
                "the assertion [redacted] is late",
            ),
            (
                "the-app asks for read-all at eyJ.example",
                "the-app asks for read-all at eyJ.example",
            ),
            ("a 100% plain+simple text/plain word", "a 100% plain+simple text/plain word"),
        ] {
            assert_eq!(concealed(words), expected, "{words}");
        }
    }
}
