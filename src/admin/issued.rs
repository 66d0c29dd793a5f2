//! Keys and tokens that attache makes: shown once, kept as hashes.
use super::call::Call;
use super::error::ApiError;
use super::sent::Members;
use super::time;
use crate::model::Secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;
use zeroize::Zeroizing;

/// What a key begins with: it says what it is wherever it turns up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Issue {
    CallerKey,
    OperatorToken,
}

/// Characters of a key that are kept, to tell keys apart: 4 of the 43 that are random.
const PREFIX_LEN: usize = 8;

/// Length of a key: the mark, and 256 bits in base64url.
const TEXT_LEN: usize = 47;

/// A new key.
pub(super) struct Issued {
    pub text: Secret,
    pub sha256: [u8; 32],
    /// Its first characters.
    pub prefix: String,
}

impl Issue {
    fn mark(self) -> &'static str {
        match self {
            Self::CallerKey => "atc_",
            Self::OperatorToken => "ato_",
        }
    }

    /// Whether a text has the form of such a key.
    pub(super) fn may_be(self, text: &Secret) -> bool {
        text.expose().len() == TEXT_LEN && text.expose().starts_with(self.mark())
    }

    /// 256 random bits behind the mark.
    pub(super) fn new_key(self) -> Issued {
        let mut bytes = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(&mut *bytes).expect("the operating system has randomness");
        let mut text = Zeroizing::new(String::with_capacity(64));
        text.push_str(self.mark());
        URL_SAFE_NO_PAD.encode_string(*bytes, &mut text);
        let prefix = text[..PREFIX_LEN].to_owned();
        let text = Secret::new(std::mem::take(&mut *text));
        Issued { sha256: sha256(&text), prefix, text }
    }
}

/// What a key is kept as, and found by. It is random enough to need no slower hash.
pub(super) fn sha256(text: &Secret) -> [u8; 32] {
    Sha256::digest(text.expose()).into()
}

/// Takes the expiry of a key that is to be made.
pub(super) fn take_expiry(call: &Call, members: &mut Members) -> Result<Option<i64>, ApiError> {
    let at = "/expires_at";
    let text = match members.shift_remove("expires_at") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => return Err(ApiError::invalid(at, "expected a string", "")),
    };
    let expires_at = time::read(&text, at)?;
    if expires_at <= call.now_ms() {
        return Err(ApiError::invalid(at, "this has passed", "leave it out for no expiry"));
    }
    Ok(Some(expires_at))
}

/// The member that says when a key that is made expires.
pub(super) fn expiry() -> Value {
    json!({
        "type": ["string", "null"],
        "description": "When the key that is made expires, RFC 3339. Default: never.",
        "examples": ["2027-01-31T12:00:00Z"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_say_what_they_are_and_are_never_the_same() {
        let (one, other) = (Issue::CallerKey.new_key(), Issue::CallerKey.new_key());
        assert_ne!(one.text, other.text);
        assert!(Issue::CallerKey.may_be(&one.text) && !Issue::OperatorToken.may_be(&one.text));
        assert!(
            one.text.expose().starts_with("atc_") && one.text.expose().starts_with(&one.prefix)
        );
        assert!(Issue::OperatorToken.new_key().prefix.starts_with("ato_"));
        assert_eq!(one.sha256, sha256(&one.text));
    }
}
