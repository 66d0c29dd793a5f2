//! JSON Web Tokens that are signatures: the compact form (RFC 7515 §7.1), read strictly.
use super::refusal::Refusal;
use super::refusal::What;
use super::strict_json;
use crate::crypto::Hash;
use crate::crypto::JwsAlgorithm;
use crate::crypto::MacKey;
use crate::crypto::PublicKey;
use crate::crypto::Verify;
use crate::crypto::encoded;
use crate::model::UnixTime;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Map;
use serde_json::Value;
use subtle::ConstantTimeEq;

/// Longest header, in Base64.
const HEADER_LEN_MAX: usize = 16 << 10;

/// Longest payload, in Base64: of 1 MiB.
const PAYLOAD_LEN_MAX: usize = (1_usize << 20).div_ceil(3) * 4;

/// Longest signature, in Base64: of an RSA key of 8192 bits.
const SIGNATURE_LEN_MAX: usize = 1366;

/// Times beyond this are no times, in seconds: the year 9999 and then some.
const TIME_S_MAX: f64 = 1e12;

/// A token as it was sent, not yet believed.
#[derive(Clone, Debug)]
pub(super) struct Token<'t> {
    /// Header and payload in Base64, with the dot between them; of a detached one the header alone.
    signed: &'t str,
    is_detached: bool,
    algorithm: JwsAlgorithm,
    header: Map<String, Value>,
    /// In Base64; empty where it is detached.
    payload: &'t str,
    /// Empty where the payload is detached, and until they are asked for.
    claims: Map<String, Value>,
    signature: Vec<u8>,
}

/// What a token has to be, whatever it says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct JwtRules {
    /// Of one kind: with a shared secret or with a public key.
    pub(super) algorithms: Box<[JwsAlgorithm]>,
    /// The `iss` that it has to have.
    pub(super) issuer: Option<Box<str>>,
    /// The `aud` that it has to have among its own.
    pub(super) audience: Option<Audience>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    Text(Box<str>),
    /// The credential's `account`.
    Account,
}

/// How far a token's times may be off, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Leeway {
    /// How long it is good beyond its `exp`.
    pub(super) past_s: u64,
    /// How long it is good before its `nbf`, and how far `iat` may lie ahead.
    pub(super) future_s: u64,
}

/// What a token is verified with.
#[derive(Clone, Copy, Debug)]
pub(super) enum KeyFor<'a> {
    /// Both sides have it.
    Shared(&'a [u8]),
    Public(&'a PublicKey),
}

impl<'t> Token<'t> {
    /// None where `text` is no token: three parts in Base64url without padding, the first of them
    /// a JSON object with each name once. The second, which may be long, is not looked into before
    /// the signature is good: `with_claims` does. Nor is it a token where the header has an extension that
    /// must be understood (`crit`, RFC 7515 §4.1.11), an unencoded payload (`b64`, RFC 7797) or a
    /// compressed one (`zip`).
    ///
    /// `detached`: the second part must be empty (RFC 7515 appendix F), else it must not.
    pub(super) fn read(text: &'t str, detached: bool) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        if header.len() > HEADER_LEN_MAX
            || payload.len() > PAYLOAD_LEN_MAX
            || signature.len() > SIGNATURE_LEN_MAX
            || payload.is_empty() != detached
        {
            return None;
        }
        let header = object(header)?;
        if ["crit", "b64", "zip"].iter().any(|it| header.contains_key(*it)) {
            return None;
        }
        Some(Self {
            signed: if detached { &signed[..signed.len() - 1] } else { signed },
            is_detached: detached,
            algorithm: JwsAlgorithm::named(header.get("alg")?.as_str()?)?,
            header,
            payload,
            claims: Map::new(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// The token with its claims. None where they are no JSON object with each name once.
    pub(super) fn with_claims(self) -> Option<Self> {
        let claims = if self.is_detached { Map::new() } else { object(self.payload)? };
        Some(Self { claims, ..self })
    }

    /// A text of the header: `jku`.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.header.get(name)?.as_str()
    }

    pub(super) fn algorithm(&self) -> JwsAlgorithm {
        self.algorithm
    }

    /// None before `with_claims`.
    pub(super) fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.header("kid")
    }

    /// A claim that is a text or a number, as text.
    pub(super) fn claim_text(&self, name: &str) -> Option<String> {
        match self.claims.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    match strict_json::read(&URL_SAFE_NO_PAD.decode(part).ok()?)? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

impl JwtRules {
    /// Whether the token says what it has to say, and is of this time (RFC 7519 §4.1): `exp`, `nbf`
    /// and `iat` count wherever they are. Proves nothing before `verifies` does.
    ///
    /// `account`: the credential's, for an audience that is.
    pub(super) fn check(
        &self,
        token: &Token<'_>,
        now: UnixTime,
        leeway: Leeway,
        account: Option<&str>,
    ) -> Result<(), Refusal> {
        let now_s = now.as_s() as f64;
        let (past_s, future_s) = (leeway.past_s as f64, leeway.future_s as f64);
        let late = time(token, "exp")?.is_some_and(|it| now_s >= it + past_s);
        let early = time(token, "nbf")?.is_some_and(|it| now_s + future_s < it);
        let ahead = time(token, "iat")?.is_some_and(|it| now_s + future_s < it);
        if late || early || ahead {
            return Err(Refusal::Stale);
        }
        if let Some(issuer) = &self.issuer {
            said(token, "iss", |it| it == &**issuer)?;
        }
        let audience = match &self.audience {
            None => return Ok(()),
            Some(Audience::Text(text)) => Some(&**text),
            Some(Audience::Account) => account,
        };
        let audience = audience.ok_or(Refusal::Missing(What::Required))?;
        said(token, "aud", |it| match it {
            Value::Array(several) => several.iter().any(|it| it == audience),
            one => one == audience,
        })
    }

    /// Whether the key made the token's signature. The token's algorithm has to be one of those
    /// that are allowed, and of the key's own kind.
    pub(super) fn verifies(&self, token: &Token<'_>, key: KeyFor<'_>) -> bool {
        !token.is_detached && self.signed(token, token.signed.as_bytes(), key)
    }

    /// The same of a token whose payload is elsewhere.
    pub(super) fn verifies_detached(
        &self,
        token: &Token<'_>,
        payload: &[u8],
        key: KeyFor<'_>,
    ) -> bool {
        let input = [token.signed, ".", &encoded(payload)].concat();
        token.is_detached && self.signed(token, input.as_bytes(), key)
    }

    fn signed(&self, token: &Token<'_>, input: &[u8], key: KeyFor<'_>) -> bool {
        if !self.algorithms.contains(&token.algorithm) {
            return false;
        }
        match key {
            KeyFor::Shared(secret) => mac(token.algorithm, secret)
                .is_some_and(|it| it.of(input).bytes().ct_eq(&token.signature).into()),
            KeyFor::Public(key) => {
                key.verify(Verify::Jws(token.algorithm), input, &token.signature)
            }
        }
    }
}

/// None where it is no algorithm with a shared secret, or the secret is empty.
fn mac(algorithm: JwsAlgorithm, secret: &[u8]) -> Option<MacKey> {
    use JwsAlgorithm as A;
    let hash = match algorithm {
        A::HS256 => Hash::Sha256,
        A::HS384 => Hash::Sha384,
        A::HS512 => Hash::Sha512,
        A::RS256 | A::RS384 | A::RS512 | A::PS256 | A::PS384 | A::PS512 => return None,
        A::ES256 | A::ES384 | A::ES512 | A::EdDSA => return None,
    };
    MacKey::new(hash, secret).filter(|_| !secret.is_empty())
}

/// A claim that is a time (`NumericDate`, RFC 7519 §2), in seconds, whole or not.
fn time(token: &Token<'_>, name: &str) -> Result<Option<f64>, Refusal> {
    let Some(value) = token.claims.get(name) else { return Ok(None) };
    let time = value.as_f64().filter(|it| (0.0..=TIME_S_MAX).contains(it));
    time.map(Some).ok_or(Refusal::Malformed(What::Timestamp))
}

fn said(
    token: &Token<'_>,
    name: &str,
    is_right: impl FnOnce(&Value) -> bool,
) -> Result<(), Refusal> {
    let value = token.claims.get(name).ok_or(Refusal::Missing(What::Required))?;
    if is_right(value) { Ok(()) } else { Err(Refusal::Malformed(What::Required)) }
}

#[cfg(test)]
mod tests;
