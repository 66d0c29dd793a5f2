//! The protocol parameters (RFC 5849 §3.1): ours go on, and no copies of a caller's.
use super::super::query;
use std::borrow::Cow;

pub(super) const BODY_HASH: &str = "oauth_body_hash";
pub(super) const CONSUMER_KEY: &str = "oauth_consumer_key";
pub(super) const NONCE: &str = "oauth_nonce";
pub(super) const SIGNATURE: &str = "oauth_signature";
pub(super) const SIGNATURE_METHOD: &str = "oauth_signature_method";
pub(super) const TIMESTAMP: &str = "oauth_timestamp";
pub(super) const TOKEN: &str = "oauth_token";
pub(super) const VERSION: &str = "oauth_version";

/// Those that a signed request has. `oauth_callback` and `oauth_verifier` are a message's own.
pub(super) const NAMES: [&str; 8] =
    [BODY_HASH, CONSUMER_KEY, NONCE, SIGNATURE, SIGNATURE_METHOD, TIMESTAMP, TOKEN, VERSION];

/// A query or a form without what could be read as one of them: a second copy leaves it open which one counts
/// (RFC 5849 §3.1). Borrowed where there is none.
pub(super) fn others(form: &[u8]) -> Cow<'_, [u8]> {
    if !pieces(form).any(is_ours) {
        return form.into();
    }
    let kept: Vec<&[u8]> = pieces(form).filter(|it| !is_ours(it)).collect();
    kept.join(&b'&').into()
}

/// The pairs. `;` separates too where a server holds with HTML 4.01 appendix B.2.2.
fn pieces(form: &[u8]) -> impl Iterator<Item = &[u8]> {
    let splits_at_semicolons =
        form.contains(&b';') && form.split(|it| matches!(it, b'&' | b';')).any(is_ours);
    form.split(move |it| *it == b'&' || splits_at_semicolons && *it == b';')
}

/// Whether a pair's name is one of the protocol's, however it is spelt.
fn is_ours(pair: &[u8]) -> bool {
    let name = pair.split(|it| *it == b'=').next().unwrap_or_default();
    match name {
        [b'o' | b'O', b'a' | b'A', b'u' | b'U', ..] | [b'%' | b'+' | b' ', ..] => {}
        // Encoded further on: `o%61uth_token`.
        _ if name.iter().any(|it| matches!(it, b'%' | b'+' | b' ')) => {}
        _ => return false,
    }
    NAMES.iter().any(|it| query::reads_as(name, it))
}
