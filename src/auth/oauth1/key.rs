//! What signs base strings: made once, of the consumer's and the token's secret, or of a private key.
use super::percent;
use super::settings::SignatureMethod;
use crate::crypto::Hash;
use crate::crypto::JwsAlgorithm;
use crate::crypto::KeyError;
use crate::crypto::MacKey;
#[cfg(feature = "rsa-sha1")]
use crate::crypto::RsaSha1Key;
use crate::crypto::SigningKey;
use crate::model::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

pub(super) enum Key {
    /// HMAC (RFC 5849 §3.4.2).
    Mac(MacKey),
    /// RSASSA-PKCS1-v1_5 (§3.4.3).
    Rsa(Box<SigningKey>),
    #[cfg(feature = "rsa-sha1")]
    RsaSha1(Box<RsaSha1Key>),
    /// The signature itself (§3.4.4).
    Plain(Secret),
}

impl Key {
    /// Of both secrets, the token's being empty where there is no token: each encoded, `&` between them. `hash`: of
    /// HMAC; none sends them as they are.
    pub fn shared(hash: Option<Hash>, consumer: &str, token: &str) -> Self {
        let mut text = Zeroizing::new(Vec::with_capacity((consumer.len() + token.len()) * 3 + 1));
        percent::put(consumer.as_bytes(), &mut text);
        text.push(b'&');
        percent::put(token.as_bytes(), &mut text);
        match hash {
            Some(hash) => {
                let key = MacKey::new(hash, &text);
                Self::Mac(key.expect("each of these hashes has a keyed form"))
            }
            None => {
                let text = str::from_utf8(&text).expect("what is encoded is ASCII");
                Self::Plain(Secret::new(text))
            }
        }
    }

    /// Of the private key in the credential field `field`, in PEM.
    pub fn private(
        method: SignatureMethod,
        field: &'static str,
        pem: &Secret,
    ) -> Result<Self, KeyError> {
        match method {
            #[cfg(feature = "rsa-sha1")]
            SignatureMethod::RsaSha1 => {
                RsaSha1Key::private(field, pem).map(|it| Self::RsaSha1(Box::new(it)))
            }
            _ => {
                let key = SigningKey::private(JwsAlgorithm::RS256, field, pem)?;
                Ok(Self::Rsa(Box::new(key)))
            }
        }
    }

    /// The signature of a base string as a parameter's value, percent-encoded.
    pub fn put_signature(&self, base: &[u8], to: &mut Vec<u8>) {
        match self {
            Self::Mac(key) => {
                // 64 bytes of SHA-512 at most.
                let mut text = [0; 88];
                let len = STANDARD.encode_slice(key.of(base).bytes(), &mut text);
                percent::put(&text[..len.expect("it has room for the longest digest")], to);
            }
            Self::Rsa(key) => percent::put(STANDARD.encode(key.sign(base)).as_bytes(), to),
            #[cfg(feature = "rsa-sha1")]
            Self::RsaSha1(key) => percent::put(STANDARD.encode(key.sign(base)).as_bytes(), to),
            Self::Plain(text) => percent::put(text.expose().as_bytes(), to),
        }
    }

    /// Whether what it makes depends on the request.
    pub fn signs(&self) -> bool {
        !matches!(self, Self::Plain(_))
    }
}
