//! A signature's description as it is written: what configuration files and the API share.
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;

/// How a sender signs its webhooks: a preset's name, a description, or a preset with fields beside
/// it that replace the preset's own. Only `Description::try_from` turns it into something usable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawDescription {
    /// A description that comes with attache: `github`, `stripe`, `slack` …
    pub preset: Option<String>,
    /// How the secret's text becomes the key.
    pub key: Option<RawKey>,
    /// Default `hmac-sha256`. Never taken from the request.
    pub algorithm: Option<Algorithm>,
    /// Headers that must be there once, with exactly this value.
    pub require: Option<BTreeMap<String, String>>,
    /// Where the signature is.
    pub signature: Option<RawSignature>,
    /// Where the signatures are, if there may be several: one that matches is enough.
    pub signatures: Option<Vec<RawSignature>>,
    /// The sender's clock. It must be signed.
    pub timestamp: Option<RawTimestamp>,
    /// What is signed: literals and `{body}`, `{timestamp}`, `{method}`, `{url}`, `{url.no_query}`,
    /// `{key}`, `{header.X}`, `{query.X}`, `{label.X}`. `{x?}` may be absent, `[..{x}..]` is left
    /// out where x is absent, `{x|pctdecode(chars)}` decodes these percent-encoded characters.
    pub content: Option<String>,
    /// What a delivery is called, as a template like `content`; also `{json./pointer}`. The target
    /// gets it as `Attache-Webhook-Id`.
    pub id: Option<String>,
    /// What makes a delivery the same as an earlier one, as a template like `id`. Default: the id
    /// where the signature covers it or there is no clock, else the signature with its clock.
    pub replay_key: Option<String>,
    /// `off`: a repeated delivery is forwarded again.
    pub replay: Option<Replay>,
    /// More signatures than this in one request are refused. 1 to 256, default 32.
    pub max_signatures: Option<usize>,
    /// `partial`: this sender does not sign the body, and that is accepted.
    pub covers: Option<Covers>,
    /// Status of the answer to a delivery that does not verify: 400 to 499, default 401.
    pub failure_status: Option<u16>,
}

/// How the text of a secret becomes the bytes of the key. In this order: `strip_prefix`,
/// `normalize`, `encoding`, `digest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawKey {
    /// Default `utf8`: the text itself.
    pub encoding: Option<KeyEncoding>,
    /// Removed from the secret's beginning if it is there: `whsec_`.
    pub strip_prefix: Option<String>,
    /// Unicode normalisation of the text.
    pub normalize: Option<Normalize>,
    /// The key is this digest of the secret.
    pub digest: Option<KeyDigest>,
}

/// One place where a signature is: exactly one of `header` and `query`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawSignature {
    /// Name of a header that occurs exactly once.
    pub header: Option<String>,
    /// Name of a query parameter that occurs exactly once.
    pub query: Option<String>,
    /// Fixed text in front: `sha256=`. Not together with `list`.
    pub prefix: Option<String>,
    /// The value is a list with this separator.
    pub list: Option<String>,
    /// Entries of the list that begin with this text are signatures: `v1=`. Needs `list`.
    pub label: Option<String>,
    /// White space around the list's entries is ignored.
    pub trim: Option<bool>,
    /// Default `hex`.
    pub encoding: Option<Encoding>,
    /// Only this one of the secrets signs here, counted from 0. Default: any of them.
    pub secret: Option<usize>,
}

/// Where the sender's clock is, one of `header`, `label` and `json`, and how far it may be off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawTimestamp {
    /// Name of a header that occurs exactly once.
    pub header: Option<String>,
    /// The entry of the signature's list that begins with this text: `t=`.
    pub label: Option<String>,
    /// JSON pointer into the body, which must be signed: `/webhookTimestamp`.
    pub json: Option<String>,
    /// Default `unix_s`.
    pub format: Option<TimeFormat>,
    /// Seconds that it may lie in the past. Default 300.
    pub past: Option<u64>,
    /// Seconds that it may lie in the future. Default: as `past`.
    pub future: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    #[default]
    HmacSha256,
    HmacSha1,
    HmacSha512,
    /// A plain hash of a content that has `{key}` in it.
    Sha256,
    /// No signature: the sender shows the secret itself.
    Token,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Lower case.
    #[default]
    Hex,
    /// RFC 4648 §4, padded.
    Base64,
    /// RFC 4648 §5, without padding.
    Base64url,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyEncoding {
    #[default]
    Utf8,
    Hex,
    /// RFC 4648 §4, with or without padding.
    Base64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Normalize {
    #[serde(rename = "NFKD")]
    Nfkd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyDigest {
    Sha1,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeFormat {
    #[default]
    UnixS,
    UnixMs,
    Rfc3339,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Replay {
    #[default]
    On,
    Off,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Covers {
    #[default]
    Body,
    Partial,
}

impl RawDescription {
    /// This one with `over`'s fields in place of its own. Within `key`, `signature` and `timestamp`
    /// it goes field by field; a place or a shape given anew replaces the old one.
    pub(super) fn overlaid(self, over: RawDescription) -> Self {
        let several = over.signatures.is_some();
        let one = over.signature.is_some();
        Self {
            preset: over.preset,
            key: merged(self.key, over.key, RawKey::overlaid),
            algorithm: over.algorithm.or(self.algorithm),
            require: over.require.or(self.require),
            signature: merged(
                self.signature.filter(|_| !several),
                over.signature,
                RawSignature::overlaid,
            ),
            signatures: over.signatures.or(self.signatures.filter(|_| !one)),
            timestamp: merged(self.timestamp, over.timestamp, RawTimestamp::overlaid),
            content: over.content.or(self.content),
            id: over.id.or(self.id),
            replay_key: over.replay_key.or(self.replay_key),
            replay: over.replay.or(self.replay),
            max_signatures: over.max_signatures.or(self.max_signatures),
            covers: over.covers.or(self.covers),
            failure_status: over.failure_status.or(self.failure_status),
        }
    }
}

impl RawKey {
    fn overlaid(self, over: Self) -> Self {
        Self {
            encoding: over.encoding.or(self.encoding),
            strip_prefix: over.strip_prefix.or(self.strip_prefix),
            normalize: over.normalize.or(self.normalize),
            digest: over.digest.or(self.digest),
        }
    }
}

impl RawSignature {
    fn overlaid(self, over: Self) -> Self {
        let moved = over.header.is_some() || over.query.is_some();
        let prefixed = over.prefix.is_some();
        let listed = over.list.is_some();
        Self {
            header: over.header.or(self.header.filter(|_| !moved)),
            query: over.query.or(self.query.filter(|_| !moved)),
            prefix: over.prefix.or(self.prefix.filter(|_| !listed)),
            list: over.list.or(self.list.filter(|_| !prefixed)),
            label: over.label.or(self.label.filter(|_| !prefixed)),
            trim: over.trim.or(self.trim),
            encoding: over.encoding.or(self.encoding),
            secret: over.secret.or(self.secret),
        }
    }
}

impl RawTimestamp {
    fn overlaid(self, over: Self) -> Self {
        let moved = over.header.is_some() || over.label.is_some() || over.json.is_some();
        Self {
            header: over.header.or(self.header.filter(|_| !moved)),
            label: over.label.or(self.label.filter(|_| !moved)),
            json: over.json.or(self.json.filter(|_| !moved)),
            format: over.format.or(self.format),
            past: over.past.or(self.past),
            future: over.future.or(self.future),
        }
    }
}

fn merged<T>(under: Option<T>, over: Option<T>, overlay: fn(T, T) -> T) -> Option<T> {
    match (under, over) {
        (Some(under), Some(over)) => Some(overlay(under, over)),
        (under, over) => over.or(under),
    }
}
