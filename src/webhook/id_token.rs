//! Id tokens of people who sign in to the console (OpenID Connect Core §2): who says it, of whom, to whom, and in answer
//! to what.
use super::jwt::Audience;
use super::jwt::JwtRules;
use super::jwt::KeyFor;
use super::jwt::Leeway;
use super::jwt::Token;
use super::public_keys::PublicKeys;
use super::refusal::Refusal;
use super::refusal::What;
use crate::crypto::Hash;
use crate::crypto::JwsAlgorithm;
use crate::crypto::encoded;
use crate::model::Secret;
use crate::model::UnixTime;
use serde_json::Map;
use serde_json::Value;
use subtle::ConstantTimeEq;

/// With public keys alone: a client secret that a person chose is no key.
const ALGORITHMS: [JwsAlgorithm; 10] = [
    JwsAlgorithm::RS256,
    JwsAlgorithm::RS384,
    JwsAlgorithm::RS512,
    JwsAlgorithm::PS256,
    JwsAlgorithm::PS384,
    JwsAlgorithm::PS512,
    JwsAlgorithm::ES256,
    JwsAlgorithm::ES384,
    JwsAlgorithm::ES512,
    JwsAlgorithm::EdDSA,
];

/// How far the provider's clock may be off.
const LEEWAY: Leeway = Leeway { past_s: 60, future_s: 60 };

/// What an id token has to be.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedIdToken<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a Secret,
    /// That came with it.
    pub access_token: &'a Secret,
    pub now: UnixTime,
}

/// Why somebody's word is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenFault {
    #[error("it is no token with a public key's signature")]
    Unreadable,
    #[error("none of the provider's keys has signed it")]
    Signature,
    #[error("it is of another issuer")]
    Issuer,
    #[error("it is for somebody else than this gateway")]
    Audience,
    #[error("it is too old, or of the future: the clocks may differ")]
    Time,
    #[error("it answers another sign-in")]
    Nonce,
    #[error("it came with another access token")]
    AccessToken,
    #[error("it says of nobody who it is")]
    Subject,
}

/// The claims of a token that is all that it has to be (OpenID Connect Core §3.1.3.7).
pub fn verified_id_token(
    text: &str,
    keys: &PublicKeys,
    expected: ExpectedIdToken<'_>,
) -> Result<Map<String, Value>, IdTokenFault> {
    use IdTokenFault as F;
    let rules = JwtRules {
        algorithms: ALGORITHMS.into(),
        issuer: Some(expected.issuer.into()),
        audience: Some(Audience::Text(expected.client_id.into())),
    };
    let token = Token::read(text, false).filter(|it| ALGORITHMS.contains(&it.algorithm()));
    let token = token.ok_or(F::Unreadable)?;
    let is_signed = {
        let mut candidates = keys.for_kid(token.kid());
        candidates.any(|it| rules.verifies(&token, KeyFor::Public(it)))
    };
    if !is_signed {
        return Err(F::Signature);
    }
    let token = token.with_claims().ok_or(F::Unreadable)?;
    let claims = token.claims();
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(expected.issuer) {
        return Err(F::Issuer);
    }
    rules.check(&token, expected.now, LEEWAY, None).map_err(|it| match it {
        Refusal::Stale | Refusal::Malformed(What::Timestamp) => F::Time,
        _ => F::Audience,
    })?;
    // Both are due (§2): without an end a token would be good for ever.
    if !["exp", "iat"].iter().all(|it| claims.get(*it).is_some_and(Value::is_number)) {
        return Err(F::Time);
    }
    let is_several = claims.get("aud").and_then(Value::as_array).is_some_and(|it| it.len() > 1);
    let authorized = claims.get("azp").map(|_| text("azp"));
    if authorized.map_or(is_several, |it| it != Some(expected.client_id)) {
        return Err(F::Audience);
    }
    let nonce = text("nonce").unwrap_or_default();
    if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.expose().as_bytes())) {
        return Err(F::Nonce);
    }
    let hash = claims.get("at_hash").map(|_| text("at_hash"));
    if hash.is_some_and(|it| it != Some(&half_of(token.algorithm(), expected.access_token))) {
        return Err(F::AccessToken);
    }
    if text("sub").is_none_or(str::is_empty) {
        return Err(F::Subject);
    }
    Ok(claims.clone())
}

/// The left half of its hash (§3.1.3.6), by the algorithm's own hash: SHA-512 of Ed25519.
fn half_of(algorithm: JwsAlgorithm, token: &Secret) -> String {
    use JwsAlgorithm as A;
    let hash = match algorithm {
        A::HS256 | A::RS256 | A::PS256 | A::ES256 => Hash::Sha256,
        A::HS384 | A::RS384 | A::PS384 | A::ES384 => Hash::Sha384,
        A::HS512 | A::RS512 | A::PS512 | A::ES512 | A::EdDSA => Hash::Sha512,
    };
    let digest = hash.of(token.expose().as_bytes());
    let digest = digest.bytes();
    encoded(&digest[..digest.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::KeysForm;
    use aws_lc_rs::signature::Ed25519KeyPair;
    use aws_lc_rs::signature::KeyPair;
    use serde_json::json;

    const ISSUER: &str = "https://id.example.com";
    const NOW_S: u64 = 1_700_000_000;

    fn signer() -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
    }

    fn keys() -> PublicKeys {
        let x = encoded(signer().public_key().as_ref());
        let set = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "one" }] });
        PublicKeys::read(KeysForm::Jwks, set.to_string().as_bytes()).unwrap()
    }

    fn signed(header: &Value, claims: &Value) -> String {
        let part = |it: &Value| encoded(it.to_string().as_bytes());
        let text = format!("{}.{}", part(header), part(claims));
        let signature = encoded(signer().sign(text.as_bytes()).as_ref());
        format!("{text}.{signature}")
    }

    fn header() -> Value {
        json!({ "alg": "EdDSA", "kid": "one" })
    }

    fn good() -> Value {
        json!({
            "iss": ISSUER, "sub": "7", "aud": "attache", "exp": NOW_S + 300, "iat": NOW_S, "nonce": "n-1",
            "at_hash": half_of(JwsAlgorithm::EdDSA, &Secret::new("at")),
        })
    }

    fn read(text: &str) -> Result<Map<String, Value>, IdTokenFault> {
        let (nonce, access_token) = (Secret::new("n-1"), Secret::new("at"));
        let expected = ExpectedIdToken {
            issuer: ISSUER,
            client_id: "attache",
            nonce: &nonce,
            access_token: &access_token,
            now: UnixTime::from_s(NOW_S),
        };
        verified_id_token(text, &keys(), expected)
    }

    #[test]
    fn each_thing_that_is_wrong_with_an_id_token_is_seen() {
        use IdTokenFault as F;
        assert_eq!(read(&signed(&header(), &good())).unwrap()["sub"], "7");
        for (name, value, fault) in [
            ("iss", json!("https://id.example.com/"), F::Issuer),
            ("iss", Value::Null, F::Issuer),
            ("aud", json!("another"), F::Audience),
            ("aud", json!(["another"]), F::Audience),
            ("aud", json!(["attache", "another"]), F::Audience),
            ("azp", json!("another"), F::Audience),
            ("azp", json!(7), F::Audience),
            ("exp", json!(NOW_S - 61), F::Time),
            ("exp", Value::Null, F::Time),
            ("iat", json!(NOW_S + 120), F::Time),
            ("nbf", json!(NOW_S + 120), F::Time),
            ("nonce", json!("n-2"), F::Nonce),
            ("nonce", json!(""), F::Nonce),
            ("nonce", Value::Null, F::Nonce),
            ("at_hash", json!("xxxx"), F::AccessToken),
            ("at_hash", Value::Null, F::AccessToken),
            ("sub", json!(""), F::Subject),
            ("sub", json!(7), F::Subject),
        ] {
            let mut claims = good();
            claims[name] = value.clone();
            assert_eq!(read(&signed(&header(), &claims)), Err(fault), "{name} {value}");
        }
        for name in ["exp", "iat"] {
            let mut claims = good();
            claims.as_object_mut().unwrap().remove(name);
            assert_eq!(read(&signed(&header(), &claims)), Err(F::Time), "{name}");
        }
        let several = json!(["attache", "another"]);
        let mut claims = good();
        claims["aud"] = several;
        claims["azp"] = json!("attache");
        assert!(read(&signed(&header(), &claims)).is_ok());
        // It need not be there (§3.1.3.6).
        claims.as_object_mut().unwrap().remove("at_hash");
        assert!(read(&signed(&header(), &claims)).is_ok());
    }

    #[test]
    fn nobody_else_signs_for_the_provider() {
        use IdTokenFault as F;
        let token = signed(&header(), &good());
        let bent = token.replacen("eyJpc3Mi", "eyJpc3Mj", 1);
        assert_eq!(read(&bent), Err(F::Signature));
        assert_eq!(
            read(&signed(&json!({ "alg": "EdDSA", "kid": "two" }), &good())),
            Err(F::Signature)
        );
        assert!(read(&signed(&json!({ "alg": "EdDSA" }), &good())).is_ok(), "the set has one key");
        for alg in ["none", "HS256", "HS512"] {
            let token = signed(&json!({ "alg": alg, "kid": "one" }), &good());
            assert_eq!(read(&token), Err(F::Unreadable), "{alg}");
        }
        assert_eq!(
            read(&signed(&json!({ "alg": "RS256", "kid": "one" }), &good())),
            Err(F::Signature)
        );
        for text in ["", "a.b.c", "opaque"] {
            assert_eq!(read(text), Err(F::Unreadable), "{text}");
        }
    }
}
