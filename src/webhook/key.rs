//! From a secret's text to a key that makes signatures.
use super::raw::Algorithm;
use super::raw::KeyDigest;
use super::raw::KeyEncoding;
use super::raw::Normalize;
use super::raw::RawKey;
use super::signature::DIGEST_LEN_MAX;
use super::template::Piece;
use crate::crypto::PublicKey;
use crate::crypto::PublicKeyError;
use crate::crypto::PublicKind;
use crate::model::Secret;
use aws_lc_rs::digest;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;
use std::fmt;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// Base64 as operators paste it: the padding may be missing, nothing else.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How the text of a secret becomes the bytes of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KeyForm {
    encoding: KeyEncoding,
    strip_prefix: Box<str>,
    normalize: Option<Normalize>,
    digest: Option<KeyDigest>,
}

/// Why a text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeyError {
    #[error("is empty: everybody could sign with it")]
    Empty,
    #[error("has a control character in it, perhaps a line break")]
    Control,
    #[error("is not hex")]
    NotHex,
    #[error("is not base64")]
    NotBase64,
    #[error("{0}")]
    Public(PublicKeyError),
}

/// A key with its algorithm.
pub(super) enum Signer {
    Hmac(Box<hmac::Key>),
    /// A plain hash of a content that names the key.
    Hash {
        key: Zeroizing<Vec<u8>>,
    },
    /// The secret's own SHA-256, so that tokens of any length compare in constant time.
    Token {
        sha256: [u8; 32],
        /// The secret, for deliveries that are made to try a receiver with.
        shown: Zeroizing<Vec<u8>>,
    },
    /// The sender's, which verifies and signs nothing.
    Public(Box<PublicKey>),
    /// What tokens are signed with.
    Jwt {
        key: Zeroizing<Vec<u8>>,
    },
}

/// What a signer makes of a content: the first `digest_len` bytes count.
pub(super) type Tag = [u8; DIGEST_LEN_MAX];

impl From<RawKey> for KeyForm {
    fn from(raw: RawKey) -> Self {
        Self {
            encoding: raw.encoding.unwrap_or_default(),
            strip_prefix: raw.strip_prefix.unwrap_or_default().into(),
            normalize: raw.normalize,
            digest: raw.digest,
        }
    }
}

impl KeyForm {
    /// `is_shared`: tokens are signed with a key that both sides have.
    pub(super) fn signer(
        &self,
        secret: &Secret,
        algorithm: Algorithm,
        is_shared: bool,
    ) -> Result<Signer, KeyError> {
        let kind = match algorithm {
            Algorithm::HmacSha256 => return self.hmac(hmac::HMAC_SHA256, secret),
            Algorithm::HmacSha512 => return self.hmac(hmac::HMAC_SHA512, secret),
            Algorithm::HmacSha1 => return self.hmac(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret),
            Algorithm::Sha256 => return Ok(Signer::Hash { key: self.bytes(secret)? }),
            Algorithm::Token => {
                let shown = self.bytes(secret)?;
                return Ok(Signer::Token { sha256: sha256(&shown), shown });
            }
            Algorithm::Jwt if is_shared => return Ok(Signer::Jwt { key: self.bytes(secret)? }),
            Algorithm::Ed25519 => PublicKind::Ed25519,
            Algorithm::EcdsaP256 => PublicKind::EcdsaP256,
            Algorithm::RsaSha256 | Algorithm::RsaSha1 => PublicKind::Rsa,
            Algorithm::Jwt => PublicKind::Any,
        };
        self.public(secret, kind)
    }

    fn hmac(&self, algorithm: hmac::Algorithm, secret: &Secret) -> Result<Signer, KeyError> {
        Ok(Signer::Hmac(Box::new(hmac::Key::new(algorithm, &self.bytes(secret)?))))
    }

    /// PEM or a JWK as text, else the encoded bytes.
    fn public(&self, secret: &Secret, kind: PublicKind) -> Result<Signer, KeyError> {
        let text = secret.expose();
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        let is_text = self.encoding == KeyEncoding::Utf8 || text.contains("-----BEGIN");
        let key = if is_text {
            PublicKey::from_text(text, kind)
        } else {
            PublicKey::from_bytes(&self.bytes(secret)?, kind)
        };
        key.map(|it| Signer::Public(Box::new(it))).map_err(KeyError::Public)
    }

    fn bytes(&self, secret: &Secret) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let text = secret.expose();
        if text.chars().any(char::is_control) {
            return Err(KeyError::Control);
        }
        let text = text.strip_prefix(&*self.strip_prefix).unwrap_or(text);
        let text = Zeroizing::new(match self.normalize {
            None => text.to_owned(),
            Some(Normalize::Nfkd) => text.nfkd().collect(),
        });
        let bytes = match self.encoding {
            KeyEncoding::Utf8 => text.as_bytes().to_vec(),
            KeyEncoding::Hex => hex::decode(&*text).map_err(|_| KeyError::NotHex)?,
            KeyEncoding::Base64 => BASE64.decode(&*text).map_err(|_| KeyError::NotBase64)?,
            KeyEncoding::Base64url => BASE64URL.decode(&*text).map_err(|_| KeyError::NotBase64)?,
        };
        let bytes = Zeroizing::new(bytes);
        if bytes.is_empty() {
            return Err(KeyError::Empty);
        }
        Ok(match self.digest {
            None => bytes,
            Some(KeyDigest::Sha1) => {
                let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &bytes);
                Zeroizing::new(digest.as_ref().to_vec())
            }
        })
    }
}

impl Signer {
    /// The signature that this key makes of the content.
    pub(super) fn tag(&self, content: &[Piece<'_>]) -> Tag {
        let mut tag = [0; DIGEST_LEN_MAX];
        match self {
            Self::Hmac(key) => {
                let mut context = hmac::Context::with_key(key);
                for piece in content {
                    // The key is never part of an HMAC's content: `Description` saw to that.
                    if let Piece::Bytes(bytes) = piece {
                        context.update(bytes);
                    }
                }
                fill(&mut tag, context.sign().as_ref());
            }
            Self::Hash { key } => {
                let mut context = digest::Context::new(&digest::SHA256);
                for piece in content {
                    context.update(match piece {
                        Piece::Bytes(bytes) => bytes,
                        Piece::Key => key,
                    });
                }
                fill(&mut tag, context.finish().as_ref());
            }
            Self::Token { sha256, .. } => fill(&mut tag, sha256),
            // What these verify is asked of the key itself; `Description` saw to that.
            Self::Public(_) | Self::Jwt { .. } => {}
        }
        tag
    }

    /// The HMAC of `bytes`, for an answer to the sender; None where the algorithm is another.
    pub(super) fn digest(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Hmac(key) => Some(hmac::sign(key, bytes).as_ref().to_vec()),
            Self::Hash { .. } | Self::Token { .. } | Self::Public(_) | Self::Jwt { .. } => None,
        }
    }
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    sum
}

fn fill(tag: &mut Tag, digest: &[u8]) {
    tag[..digest.len()].copy_from_slice(digest);
}

impl Algorithm {
    /// Length of what is compared, in bytes; 0 where a public key or a token is asked instead.
    pub(super) fn digest_len(self) -> usize {
        match self {
            Self::HmacSha1 => 20,
            Self::HmacSha256 | Self::Sha256 | Self::Token => 32,
            Self::HmacSha512 => 64,
            Self::Ed25519 | Self::EcdsaP256 | Self::RsaSha256 | Self::RsaSha1 | Self::Jwt => 0,
        }
    }

    pub(super) fn is_hmac(self) -> bool {
        matches!(self, Self::HmacSha1 | Self::HmacSha256 | Self::HmacSha512)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    fn form(yaml: &str) -> KeyForm {
        serde_yaml::from_str::<RawKey>(yaml).unwrap().into()
    }

    #[test]
    fn a_secret_becomes_a_key_step_by_step() {
        for (yaml, secret, key) in [
            ("{}", "whsec_AAAA", &b"whsec_AAAA"[..]),
            ("{ encoding: hex }", "00fFa0", &[0, 255, 160]),
            ("{ encoding: base64 }", "AP+g", &[0, 255, 160]),
            ("{ encoding: base64 }", "AP8=", &[0, 255]),
            ("{ encoding: base64 }", "AP8", &[0, 255]),
            ("{ encoding: base64, strip_prefix: whsec_ }", "whsec_AP+g", &[0, 255, 160]),
            ("{ encoding: base64, strip_prefix: whsec_ }", "AP+g", &[0, 255, 160]),
            ("{ normalize: NFKD }", "\u{e9}\u{fb01}", "e\u{301}fi".as_bytes()),
            // printf abc | openssl dgst -sha1
            (
                "{ digest: sha1 }",
                "abc",
                b"\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d",
            ),
        ] {
            assert_eq!(**form(yaml).bytes(&Secret::new(secret)).unwrap(), *key, "{yaml} {secret}");
        }
    }

    #[test]
    fn a_secret_that_is_no_key_says_why() {
        for (yaml, secret, problem) in [
            ("{}", "", KeyError::Empty),
            ("{ encoding: base64, strip_prefix: whsec_ }", "whsec_", KeyError::Empty),
            ("{ strip_prefix: whsec_ }", "whsec_", KeyError::Empty),
            ("{ digest: sha1 }", "", KeyError::Empty),
            ("{}", "secret\n", KeyError::Control),
            ("{ encoding: hex }", "abc", KeyError::NotHex),
            ("{ encoding: hex }", "zz", KeyError::NotHex),
            ("{ encoding: base64 }", "a b=", KeyError::NotBase64),
            ("{ encoding: base64 }", "AP9=", KeyError::NotBase64),
        ] {
            let error = form(yaml).bytes(&Secret::new(secret)).unwrap_err();
            assert_eq!(error, problem, "{yaml} {secret:?}");
        }
    }

    /// RFC 2202 §3 (SHA-1) and RFC 4231 §4.3 (the others), case 2 of each.
    #[test]
    fn makes_the_published_hmacs() {
        let content = [
            Piece::Bytes(Cow::Borrowed(&b"what do ya want "[..])),
            Piece::Bytes(Cow::Borrowed(b"for nothing?")),
        ];
        for (algorithm, tag) in [
            (Algorithm::HmacSha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (
                Algorithm::HmacSha256,
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                Algorithm::HmacSha512,
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
                 9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
        ] {
            let signer = KeyForm::default().signer(&Secret::new("Jefe"), algorithm, false).unwrap();
            let made = signer.tag(&content);
            assert_eq!(hex::encode(&made[..algorithm.digest_len()]), tag, "{algorithm:?}");
        }
    }

    #[test]
    fn a_signer_says_nothing_of_its_key() {
        for algorithm in [Algorithm::HmacSha256, Algorithm::Sha256, Algorithm::Token] {
            let signer =
                KeyForm::default().signer(&Secret::new("hunter2"), algorithm, false).unwrap();
            assert_eq!(format!("{signer:?}"), "[redacted]");
        }
    }
}
