//! What an id token says (OpenID Connect Core §2), as far as it is used. Its signature is not looked at: it is read
//! only where it came from the token endpoint itself (§3.1.3.7, 6).
use super::reply::shown;
use crate::model::Account;
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
    /// The same to be told from others: a subject is one of its issuer's (OpenID Connect Core §2).
    pub whose: Option<Account>,
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
        let name = ["email", "preferred_username", "name"].into_iter().find_map(text);
        // No issuer has a `#` in it.
        let id = text("sub").map(|sub| match text("iss") {
            Some(issuer) => [issuer, "#", sub].concat(),
            None => sub.to_owned(),
        });
        Some(Self {
            nonce: text("nonce").map(Secret::new),
            account: name.or_else(|| text("sub")).map(shown),
            whose: id.and_then(|it| Account::new(&it, name)),
        })
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
        for (payload, id, name) in [
            (
                r#"{"iss":"https://id.test","sub":"1","email":"a@b.test"}"#,
                "https://id.test#1",
                Some("a@b.test"),
            ),
            (r#"{"iss":"https://id.test","sub":"1"}"#, "https://id.test#1", None),
            (r#"{"sub":"1","name":"A"}"#, "1", Some("A")),
        ] {
            assert_eq!(of(payload).unwrap().whose, Account::new(id, name), "{payload}");
        }
        assert_eq!(of(r#"{"iss":"https://id.test","email":"a@b.test"}"#).unwrap().whose, None);
        assert_eq!(of(r#"{"nonce":"n"}"#).unwrap().nonce, Some(Secret::new("n")));
        for broken in ["[]", "\"x\"", "<html>"] {
            assert_eq!(of(broken), None, "{broken}");
        }
        for broken in ["", "opaque", "a.b", "a.!!.c"] {
            assert_eq!(IdToken::read(&Secret::new(broken)), None, "{broken}");
        }
    }
}
