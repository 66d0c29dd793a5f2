//! What an id token says (OpenID Connect Core §2), as far as it is used. Its signature is not looked at: it is read
//! only where it came from the token endpoint itself (§3.1.3.7, 6).
use super::reply::shown;
use crate::model::Secret;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

/// Longest id token that is looked at, in bytes.
const LEN_MAX: usize = 64 << 10;

/// What of it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdToken {
    pub nonce: Option<Secret>,
    /// Whose account it is, for a person to know it by: an address, a name, else the subject.
    pub account: Option<String>,
}

impl IdToken {
    /// None where it is no JWT with a JSON object in it.
    pub fn read(token: &Secret) -> Option<Self> {
        let text = token.expose();
        let payload = text.split('.').nth(1).filter(|_| text.len() <= LEN_MAX)?;
        let payload = BASE64_URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        let claims: Value = serde_json::from_slice(&payload).ok()?;
        let claims = claims.as_object()?;
        let text = |name: &str| claims.get(name)?.as_str().filter(|it| !it.is_empty());
        let account = ["email", "preferred_username", "name", "sub"].into_iter().find_map(text);
        Some(Self { nonce: text("nonce").map(Secret::new), account: account.map(shown) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(payload: &str) -> Option<IdToken> {
        let payload = BASE64_URL_SAFE_NO_PAD.encode(payload);
        IdToken::read(&Secret::new(format!("e30.{payload}.c2ln")))
    }

    #[test]
    fn an_account_is_known_by_what_a_person_knows_it_by() {
        for (payload, account) in [
            (r#"{"sub":"1","email":"a@b.test","name":"A"}"#, Some("a@b.test")),
            (r#"{"sub":"1","name":"A"}"#, Some("A")),
            (r#"{"sub":"1","email":""}"#, Some("1")),
            (r#"{"sub":7}"#, None),
            ("{}", None),
        ] {
            assert_eq!(of(payload).unwrap().account.as_deref(), account, "{payload}");
        }
        assert_eq!(of(r#"{"nonce":"n"}"#).unwrap().nonce, Some(Secret::new("n")));
        for broken in ["[]", "\"x\"", "<html>"] {
            assert_eq!(of(broken), None, "{broken}");
        }
        for broken in ["", "opaque", "a.b", "a.!!.c"] {
            assert_eq!(IdToken::read(&Secret::new(broken)), None, "{broken}");
        }
    }
}
