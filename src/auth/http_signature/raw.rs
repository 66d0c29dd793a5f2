//! The settings as they are written.
use super::structured::FieldType;
use crate::crypto::JwsAlgorithm;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// What is signed, how, and what the signature says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawHttpSignature {
    /// RFC 9421 §3.3.
    pub algorithm: Option<SignatureAlgorithm>,
    /// What is covered, in this order: fields (`content-type`) and derived components (`@method`), with parameters
    /// as RFC 9421 §2 writes them (`example;key="a"`). A `?` at the end: covered where the request has it.
    pub components: Vec<String>,
    /// The signature's name among others. Default `sig1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What `content-digest` is made with (RFC 9530), where it is covered. Default `sha-256`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<DigestAlgorithm>,
    /// Default true: the signature says when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<bool>,
    /// So many seconds after that it is over. Default: it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_s: Option<u32>,
    /// Default false. True: a random text that no other signature has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<bool>,
    /// Default false. True: the algorithm's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alg: Option<bool>,
    /// What the signature is for, where the API asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// How the `secret` of `hmac-sha256` is written. Default `utf8`: the text itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_encoding: Option<SecretEncoding>,
    /// What kind of structured field a field is (RFC 9651 §3), where a component with `sf` names one that is not
    /// known here.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub structured: IndexMap<String, FieldType>,
    /// What becomes of signatures that the caller made. Default `drop`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub others: Option<Others>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureAlgorithm {
    RsaPssSha512,
    #[serde(rename = "rsa-v1_5-sha256")]
    RsaV15Sha256,
    HmacSha256,
    EcdsaP256Sha256,
    EcdsaP384Sha384,
    Ed25519,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum DigestAlgorithm {
    #[default]
    #[serde(rename = "sha-256")]
    Sha256,
    #[serde(rename = "sha-512")]
    Sha512,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecretEncoding {
    #[default]
    Utf8,
    /// RFC 4648 §4.
    Base64,
    Hex,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Others {
    #[default]
    Drop,
    /// They go on beside ours, but for one with our label.
    Keep,
}

impl SignatureAlgorithm {
    /// Its name in the registry.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::RsaPssSha512 => "rsa-pss-sha512",
            Self::RsaV15Sha256 => "rsa-v1_5-sha256",
            Self::HmacSha256 => "hmac-sha256",
            Self::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Self::EcdsaP384Sha384 => "ecdsa-p384-sha384",
            Self::Ed25519 => "ed25519",
        }
    }

    /// The same one under its name in JOSE.
    pub(super) fn jws(self) -> JwsAlgorithm {
        match self {
            Self::RsaPssSha512 => JwsAlgorithm::PS512,
            Self::RsaV15Sha256 => JwsAlgorithm::RS256,
            Self::HmacSha256 => JwsAlgorithm::HS256,
            Self::EcdsaP256Sha256 => JwsAlgorithm::ES256,
            Self::EcdsaP384Sha384 => JwsAlgorithm::ES384,
            Self::Ed25519 => JwsAlgorithm::EdDSA,
        }
    }
}
