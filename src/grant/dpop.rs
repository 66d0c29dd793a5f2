//! Demonstrating Proof of Possession (RFC 9449): a key of the holder's own, and a proof per request.
use crate::crypto::SigningKey;
use crate::crypto::encoded;
use crate::crypto::sha256;
use crate::model::Secret;
use crate::model::UnixTime;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
use aws_lc_rs::signature::EcdsaKeyPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::Method;
use serde_json::Value;
use serde_json::json;
use std::fmt;
use zeroize::Zeroizing;

/// The credential field that the key is sealed in, beside the token set.
pub const DPOP_KEY: &str = "dpop_key";

/// A key that tokens are bound to (P-256), ready to sign. Prints without itself.
pub struct DpopKey {
    key: SigningKey,
    /// The public key as a JWK.
    jwk: Value,
}

/// What one proof is for, besides method and URL.
#[derive(Clone, Copy, Debug, Default)]
pub struct Proving<'a> {
    pub now: UnixTime,
    /// Never the same twice: the proof's `jti`.
    pub random: [u8; 16],
    /// The server's nonce, where it has given one (RFC 9449 §8).
    pub nonce: Option<&'a str>,
    /// `ath`: the hash of the token that goes along, at an API (RFC 9449 §7).
    pub token_hash: Option<&'a str>,
}

/// A token that is bound to a key: whoever sends it proves that it has the key. Prints without either.
pub struct Binding {
    key: DpopKey,
    token_hash: String,
}

impl Binding {
    /// `None` where the text is no key.
    pub fn new(key: &Secret, access_token: &Secret) -> Option<Self> {
        Some(Self { key: DpopKey::read(key)?, token_hash: token_hash(access_token) })
    }

    /// The proof for one request to `url`, which has neither query nor fragment.
    pub fn proof(
        &self,
        method: &Method,
        url: &str,
        now: UnixTime,
        random: [u8; 16],
        nonce: Option<&str>,
    ) -> Option<HeaderValue> {
        let proving = Proving { now, random, nonce, token_hash: Some(&self.token_hash) };
        let mut proof =
            HeaderValue::try_from(self.key.proof(method, url, &proving).expose()).ok()?;
        proof.set_sensitive(true);
        Some(proof)
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.key, f)
    }
}

impl DpopKey {
    /// A new key, as it is sealed with the token set: PKCS #8 in Base64.
    pub fn generate() -> Secret {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let pkcs8 = pkcs8.expect("the operating system has randomness");
        Secret::new(STANDARD.encode(pkcs8.as_ref()))
    }

    /// `None` where the text is no such key.
    pub fn read(sealed: &Secret) -> Option<Self> {
        let pkcs8 = Zeroizing::new(STANDARD.decode(sealed.expose()).ok()?);
        let key = SigningKey::own(&pkcs8)?;
        let (x, y) = key.point()?;
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": encoded(&x), "y": encoded(&y) });
        Some(Self { key, jwk })
    }

    /// `jkt`: what tokens are bound to (RFC 9449 §6.1, RFC 7638 §3).
    pub fn thumbprint(&self) -> String {
        thumbprint(&self.jwk)
    }

    /// The proof for one request to `url`, which has neither query nor fragment (RFC 9449 §4.2).
    pub fn proof(&self, method: &Method, url: &str, proving: &Proving<'_>) -> Secret {
        let header = json!({ "typ": "dpop+jwt", "jwk": self.jwk });
        let mut claims = json!({
            "jti": hex::encode(proving.random),
            "htm": method.as_str(),
            "htu": url,
            "iat": proving.now.as_s(),
        });
        if let Some(nonce) = proving.nonce {
            claims["nonce"] = nonce.into();
        }
        if let Some(hash) = proving.token_hash {
            claims["ath"] = hash.into();
        }
        Secret::new(self.key.compact(header, &claims).as_str())
    }
}

impl fmt::Debug for DpopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DpopKey({})", self.thumbprint())
    }
}

/// `ath`: the token's SHA-256 (RFC 9449 §4.2).
fn token_hash(token: &Secret) -> String {
    encoded(&sha256(token.expose().as_bytes()))
}

/// The required members in alphabetical order, no white space (RFC 7638 §3.2).
fn thumbprint(jwk: &Value) -> String {
    let member = |name: &str| jwk.get(name).and_then(Value::as_str).unwrap_or_default();
    let (x, y) = (member("x"), member("y"));
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    encoded(&sha256(canonical.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED;
    use aws_lc_rs::signature::UnparsedPublicKey;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    /// RFC 9449 figures 2 (the key), 13 (the token) and 14 (its hash), and §6.1 (the thumbprint).
    #[test]
    fn the_examples_of_rfc_9449() {
        let jwk = json!({
            "kty": "EC",
            "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
            "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
            "crv": "P-256",
        });
        assert_eq!(thumbprint(&jwk), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        let token = Secret::new("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
        assert_eq!(token_hash(&token), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
    }

    #[test]
    fn a_proof_names_the_request_and_its_key() {
        let key = DpopKey::read(&DpopKey::generate()).unwrap();
        let hash = token_hash(&Secret::new("t0k"));
        let proving = Proving {
            now: UnixTime::from_s(1_562_262_616),
            random: [1; 16],
            nonce: Some("eyJ7S_zG"),
            token_hash: Some(&hash),
        };
        let proof = key.proof(&Method::POST, "https://server.example.com/token", &proving);
        let parts: Vec<&str> = proof.expose().split('.').collect();
        let part = |at: usize| URL_SAFE_NO_PAD.decode(parts[at]).unwrap();
        let json = |at: usize| serde_json::from_slice::<Value>(&part(at)).unwrap();

        let header = json(0);
        assert_eq!(header["typ"], "dpop+jwt");
        assert_eq!(header["alg"], "ES256");
        assert_eq!(header["jwk"].as_object().unwrap().len(), 4, "nothing of the private key");
        let claims = json(1);
        assert_eq!(claims["htm"], "POST");
        assert_eq!(claims["htu"], "https://server.example.com/token");
        assert_eq!(claims["iat"], 1_562_262_616);
        assert_eq!(claims["jti"], "01010101010101010101010101010101");
        assert_eq!(claims["nonce"], "eyJ7S_zG");
        assert_eq!(claims["ath"], encoded(&sha256(b"t0k")));

        let coordinate =
            |name: &str| URL_SAFE_NO_PAD.decode(header["jwk"][name].as_str().unwrap()).unwrap();
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        let message = [parts[0], ".", parts[1]].concat();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point);
        assert!(public.verify(message.as_bytes(), &part(2)).is_ok());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "!", "AAAA"] {
            assert!(DpopKey::read(&Secret::new(text)).is_none(), "{text}");
        }
        let key = DpopKey::read(&DpopKey::generate()).unwrap();
        assert_eq!(format!("{key:?}"), format!("DpopKey({})", key.thumbprint()));
    }
}
