//! A recipe as it is written: what configuration files and the API share.
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// How requests are signed: a preset's name, a recipe, or a preset with settings beside it that replace its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawSignedRequest {
    /// A recipe that comes with attache: `binance`, `hawk`, `akamai-edgegrid` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Values with names, as templates. Beside a preset: its values and settings, replaced one by one.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub r#let: IndexMap<String, Option<String>>,
    /// Parameters or header fields, put in order and written one behind the other; each has a name, as in `let`.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub lists: IndexMap<String, RawList>,
    /// The key, as a template over credential fields and values. Default `{credential.secret}`, with an algorithm
    /// of a private key `{credential.private_key}` in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Default `hmac-sha256`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<Algorithm>,
    /// What is signed, as a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// How the signature is written where a template says `{signature}`. Default `hex`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// What is put on each request, from the first to the last: each sees what those before it put on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub put: Option<Vec<RawPut>>,
}

/// One list as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawList {
    /// What is listed: `[query]`, `[form]`, `[query, form]` or `[headers]`.
    pub of: Vec<Listed>,
    /// Only these names. Default: all.
    pub names: Option<Vec<String>>,
    /// Only names that begin so.
    pub prefix: Option<String>,
    /// Not these names.
    pub without: Option<Vec<String>>,
    /// Default `name`: by the bytes of the name, then of the value. `encoded`: the same, percent-encoded. `pair`: of what is written for each.
    /// `names`: in the order of `names`. `none`: as they stand in the request.
    pub sort: Option<Sort>,
    /// Parameters as they are sent, still percent-encoded. Default false: decoded, `+` being a space.
    pub raw: Option<bool>,
    /// Names in lower case, as headers always are. Default false.
    pub lower: Option<bool>,
    /// Values of one name are one entry, with this between them. Default: an entry each.
    pub merge: Option<String>,
    /// Entries without a value, or with an empty one, are left out. Default false.
    pub skip_empty: Option<bool>,
    /// What is written for each, with `{name}` and `{value}`. Default `{name}={value}`.
    pub pair: Option<String>,
    /// What stands between them. Default `&`.
    pub join: Option<String>,
}

/// One placement as written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawPut {
    /// Where the value goes.
    pub r#in: Spot,
    /// The name of the header, the parameter or the cookie.
    pub name: String,
    /// The value, as a template. Where it comes out empty, nothing is put there.
    pub value: String,
}

/// Where something is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Spot {
    Header,
    Query,
    Cookie,
    /// A parameter of a body that is a form (`application/x-www-form-urlencoded`).
    Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Listed {
    Query,
    /// Of a body that is a form; none of any other body.
    Form,
    Headers,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    #[default]
    Name,
    /// As RFC 5849 §3.4.1.3.2 has it, by the bytes of the percent-encoded name, then of the value.
    Encoded,
    Pair,
    Names,
    None,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    #[default]
    HmacSha256,
    HmacSha1,
    HmacSha384,
    HmacSha512,
    /// A plain hash of a content that has the secret in it; so are the four below.
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaSha256,
    RsaSha512,
    RsaPssSha256,
    /// `r` and `s` one behind the other.
    EcdsaP256Sha256,
    EcdsaP384Sha384,
    Ed25519,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// In lower case.
    #[default]
    Hex,
    HexUpper,
    /// RFC 4648 §4, padded.
    Base64,
    /// RFC 4648 §5, without padding.
    Base64url,
    /// The bytes, for filters to go on with.
    None,
}

impl RawSignedRequest {
    /// This one with `over`'s settings in place of its own: one by one in `let` and `lists`.
    pub(super) fn overlaid(mut self, over: Self) -> Self {
        self.r#let.extend(over.r#let);
        self.lists.extend(over.lists);
        Self {
            preset: over.preset,
            r#let: self.r#let,
            lists: self.lists,
            key: over.key.or(self.key),
            algorithm: over.algorithm.or(self.algorithm),
            content: over.content.or(self.content),
            encoding: over.encoding.or(self.encoding),
            put: over.put.or(self.put),
        }
    }
}
