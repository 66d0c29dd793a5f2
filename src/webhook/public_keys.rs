//! A sender's public keys that are not in the credential: where they are, and what came from there.
use super::strict_json;
use crate::crypto::CertifiedPublicKey;
use crate::crypto::PublicKey;
use crate::model::UnixTime;
use serde_json::Value;

/// Longest answer that is read as keys, in bytes.
const BYTES_MAX: usize = 64 << 10;

/// Most entries of a JWK set, known kinds or not.
const KEYS_MAX: usize = 64;

/// Where a sender's keys are: an https URL on a host that the description names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeysAt {
    pub url: String,
    pub form: KeysForm,
    /// The key's id, where the delivery names one: a set without it may be an old one.
    pub kid: Option<String>,
}

/// What is at such a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeysForm {
    /// A JWK set (RFC 7517 §5).
    Jwks,
    /// An X.509 certificate in PEM.
    Certificate,
}

/// Keys that were fetched, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKeys(Of);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Of {
    Set(Box<[Named]>),
    Certificate(CertifiedPublicKey),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    kid: Option<Box<str>>,
    key: PublicKey,
}

impl PublicKeys {
    /// None where `bytes` are nothing of the kind: no JSON or no certificate, a set with an id twice
    /// or with more than 64 keys, more than 64 KiB. What a set has beside public keys for signatures
    /// is passed over (RFC 7517 §5); a set of nothing else has no keys.
    pub fn read(form: KeysForm, bytes: &[u8]) -> Option<Self> {
        if bytes.len() > BYTES_MAX {
            return None;
        }
        match form {
            KeysForm::Jwks => set(bytes).map(Of::Set),
            KeysForm::Certificate => {
                PublicKey::from_certificate_pem(bytes).ok().map(Of::Certificate)
            }
        }
        .map(Self)
    }

    /// Whether a key has this id.
    pub fn has(&self, kid: &str) -> bool {
        self.for_kid(Some(kid)).next().is_some()
    }

    /// A set's key of this id, and no other; without an id, all of its keys. A certificate is not
    /// asked for by an id: `keys` has it.
    pub(super) fn for_kid(&self, kid: Option<&str>) -> impl Iterator<Item = &PublicKey> {
        let named = match &self.0 {
            Of::Set(named) => &named[..],
            Of::Certificate(_) => &[],
        };
        named.iter().filter(move |it| kid.is_none() || it.kid.as_deref() == kid).map(|it| &it.key)
    }

    /// All keys that may be used at this moment: a certificate's in its period of validity alone.
    pub(super) fn keys(&self, now: UnixTime) -> impl Iterator<Item = &PublicKey> {
        let certified = match &self.0 {
            Of::Set(_) => None,
            Of::Certificate(it) => {
                let is_valid =
                    it.not_before.as_s() <= now.as_s() && now.as_s() <= it.not_after.as_s();
                is_valid.then_some(&it.key)
            }
        };
        self.for_kid(None).chain(certified)
    }
}

fn set(bytes: &[u8]) -> Option<Box<[Named]>> {
    let set = strict_json::read(bytes)?;
    let entries = set.get("keys")?.as_array().filter(|it| it.len() <= KEYS_MAX)?;
    let kid = |jwk: &Value| jwk.get("kid").and_then(Value::as_str).map(Box::from);
    let keys = entries.iter().filter_map(|jwk| {
        let key = PublicKey::from_jwk(jwk)?;
        Some(Named { kid: kid(jwk), key })
    });
    let keys: Box<[Named]> = keys.collect();
    let mut kids: Vec<&str> = keys.iter().filter_map(|it| it.kid.as_deref()).collect();
    kids.sort_unstable();
    let is_unique = kids.windows(2).all(|it| it[0] != it[1]);
    is_unique.then_some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::CertificateParams;
    use rcgen::KeyPair;
    use serde_json::json;

    /// RFC 8037 appendix A.2 and RFC 7515 appendix A.3.
    const ED25519: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const P256: (&str, &str) = (
        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    );

    fn ed25519(kid: &str) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": ED25519, "kid": kid })
    }

    fn p256(kid: &str) -> Value {
        json!({ "kty": "EC", "crv": "P-256", "x": P256.0, "y": P256.1, "kid": kid })
    }

    fn read(set: &Value) -> Option<PublicKeys> {
        PublicKeys::read(KeysForm::Jwks, set.to_string().as_bytes())
    }

    #[test]
    fn a_set_has_its_keys_by_their_ids() {
        let nameless = json!({ "kty": "OKP", "crv": "Ed25519", "x": ED25519 });
        let other = json!({ "kty": "oct", "k": "AAAA", "kid": "shared" });
        let unknown = json!({ "kty": "AKP", "alg": "ML-DSA-44", "kid": "new", "pub": "" });
        let set = json!({ "keys": [ed25519("a"), other, p256("b"), nameless, unknown], "x": 1 });
        let keys = read(&set).unwrap();
        assert!(keys.has("a") && keys.has("b"));
        assert!(!keys.has("shared") && !keys.has("new") && !keys.has(""));
        let key = |jwk: &Value| PublicKey::from_jwk(jwk).unwrap();
        assert_eq!(keys.for_kid(Some("b")).collect::<Vec<_>>(), [&key(&p256("b"))]);
        assert_eq!(keys.for_kid(Some("c")).count(), 0);
        assert_eq!(keys.for_kid(None).count(), 3);
        assert_eq!(keys.keys(UnixTime::from_s(0)).count(), 3);
        assert_eq!(read(&json!({ "keys": [] })).unwrap().for_kid(None).count(), 0);
    }

    #[test]
    fn what_is_no_set_is_not_read() {
        for set in [
            json!(null),
            json!([]),
            json!({}),
            json!({ "keys": {} }),
            json!({ "keys": [ed25519("a"), p256("a")] }),
            json!({ "keys": vec![p256("a"); 65] }),
            json!({ "keys": vec![json!({}); 65] }),
            json!({ "keys": [p256("a")], "padding": "a".repeat(BYTES_MAX) }),
        ] {
            assert_eq!(read(&set), None);
        }
        let two = format!(r#"{{"keys":[],"keys":[{}]}}"#, p256("a"));
        for bytes in [&b""[..], b"{", b"-----BEGIN CERTIFICATE-----", two.as_bytes()] {
            assert_eq!(PublicKeys::read(KeysForm::Jwks, bytes), None);
        }
        let set = json!({ "keys": [p256("a")] }).to_string();
        assert_eq!(PublicKeys::read(KeysForm::Certificate, set.as_bytes()), None);
    }

    #[test]
    fn a_certificate_has_its_key_while_it_is_valid() {
        let pair = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["sns.test".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2025, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026, 1, 1);
        let pem = params.self_signed(&pair).unwrap().pem();
        let keys = PublicKeys::read(KeysForm::Certificate, pem.as_bytes()).unwrap();
        // `date -u -d 2025-01-01 +%s`, and a year later.
        for (now_s, count) in
            [(1_735_689_599, 0), (1_735_689_600, 1), (1_767_225_600, 1), (1_767_225_601, 0)]
        {
            assert_eq!(keys.keys(UnixTime::from_ms(now_s * 1000 + 999)).count(), count, "{now_s}");
        }
        assert_eq!(keys.for_kid(None).count(), 0);
        assert!(!keys.has(""));
        let echoed = format!("<Error><Resource>{pem}</Resource></Error>");
        assert_eq!(PublicKeys::read(KeysForm::Certificate, echoed.as_bytes()), None);
    }
}
