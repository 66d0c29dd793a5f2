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
    /// Within `alternatives` alone: the shape of the requests that this one is for.
    pub when: Option<RawWhen>,
    /// Several ways of signing, chosen by a request's shape and never by trying: the first whose
    /// `when` fits counts; only the last may be without. Each inherits what stands beside the list.
    pub alternatives: Option<Vec<RawDescription>>,
    /// How the secret's text becomes the key, or where the sender's public keys are.
    pub key: Option<RawKey>,
    /// Default `hmac-sha256`. Never taken from the request.
    pub algorithm: Option<Algorithm>,
    /// What a `jwt` has to say of itself.
    pub jwt: Option<RawJwt>,
    /// Headers that must be there once, with exactly this value; `{account}` is the credential's.
    pub require: Option<BTreeMap<String, String>>,
    /// Where the signature is.
    pub signature: Option<RawSignature>,
    /// Where the signatures are, if there may be several: one that matches is enough.
    pub signatures: Option<Vec<RawSignature>>,
    /// The sender's clock. It must be signed.
    pub timestamp: Option<RawTimestamp>,
    /// What is signed: literals and `{body}`, `{timestamp}`, `{method}`, `{url}`, `{url.no_query}`, `{url.path}`,
    /// `{key}`, `{account}`, `{header.X}`, `{query.X}`, `{query.sorted}`, `{form.X}`, `{form.sorted}`,
    /// `{json./pointer}`, `{label.X}`, `{canonical.contentful}`, `{canonical.plivo_v3}`, `{canonical.paddle_classic}`,
    /// `{canonical.truelayer}`, `{claim.X}` (in `id` and `replay_key`). `{x?}` may be absent,
    /// `[..{x}..]` is left out where x is absent. Filters: `{x|json}`, `{x|jcs}`, `{x|lower}`, `{x|crc32}`,
    /// `{x|sha256}`, `{x|sha256(hex)}`, `{x|pctdecode(chars)}`.
    pub content: Option<String>,
    /// Other spellings of the URL that are tried as well.
    pub url_variants: Option<Vec<UrlVariant>>,
    /// A digest of the body, carried in a place that is signed.
    pub bind: Option<RawBind>,
    /// Where the JSON is that pointers go into, if it is not the body.
    pub document: Option<RawDocument>,
    /// Pointer to what is signed one by one, `*` for every element of a list: `/items/*/Item`. Each
    /// of them has to verify; none at all is refused.
    pub each: Option<String>,
    /// What a delivery is called, as a template like `content`. The target gets it as
    /// `Attache-Webhook-Id`.
    pub id: Option<String>,
    /// What makes a delivery the same as an earlier one, as a template like `id`. Default: the id
    /// where the signature covers it, the id with the signature where there is no clock, else the
    /// signature with its clock. `{signature}` is what was signed, as 64 digits.
    pub replay_key: Option<String>,
    /// `off`: a repeated delivery is forwarded again.
    pub replay: Option<Replay>,
    /// More signatures than this in one request are refused. 1 to 256, default 32.
    pub max_signatures: Option<usize>,
    /// `partial`: this sender does not sign the body, and that is accepted.
    pub covers: Option<Covers>,
    /// Status of the answer to a delivery that does not verify: 400 to 499, default 401.
    pub failure_status: Option<u16>,
    /// Requests of the sender that are answered here and go no further.
    pub handshakes: Option<Vec<RawHandshake>>,
    /// Where the tenant's id is in a delivery to the address that all tenants share. In the body
    /// it is read once the connection's own secret has proved the delivery.
    pub tenant: Option<RawAt>,
}

/// A place in a request: exactly one of its fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawAt {
    /// Name of a header that occurs exactly once.
    pub header: Option<String>,
    /// Name of a query parameter that occurs exactly once.
    pub query: Option<String>,
    /// Name of a form field that occurs exactly once.
    pub form: Option<String>,
    /// JSON pointer (RFC 6901) into the body.
    pub json: Option<String>,
}

/// A request's shape: its method and at most one place in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawWhen {
    /// `GET`, `HEAD` or `POST`. Default `POST`.
    pub method: Option<String>,
    /// Name of a header that is there.
    pub header: Option<String>,
    /// Name of a query parameter that is there.
    pub query: Option<String>,
    /// Name of a form field that is there.
    pub form: Option<String>,
    /// JSON pointer to something that is there.
    pub json: Option<String>,
    /// The value that it has to have.
    pub equals: Option<String>,
    /// A regular expression that the whole value has to match.
    pub matches: Option<String>,
}

/// A digest of the body in a signed place: exactly one of the places.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawBind {
    pub header: Option<String>,
    pub query: Option<String>,
    /// A claim of the `jwt`.
    pub claim: Option<String>,
    /// Default `sha256`.
    pub hash: Option<BoundHash>,
    /// Default `hex`.
    pub encoding: Option<Encoding>,
}

/// Where the JSON is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawDocument {
    /// Name of the form field that holds it.
    pub form: Option<String>,
}

/// What a JSON Web Token (RFC 7519) has to say of itself. `exp` and `nbf` count wherever they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawJwt {
    /// `HS256`, `ES256`, `RS256`, `EdDSA` … (RFC 7518 §3.1); one of these, whatever the token says.
    pub algorithms: Option<Vec<String>>,
    /// The `iss` that it has to have.
    pub issuer: Option<String>,
    /// The `aud` that it has to have; `{account}` is the credential's.
    pub audience: Option<String>,
    /// Claims that have to be there with the value of a template like `content`:
    /// `url_hash: "{url|sha256(hex)}"`.
    pub claims: Option<BTreeMap<String, String>>,
    /// The payload is detached (RFC 7515 appendix F): it is this template, like `content`.
    pub detached: Option<String>,
}

/// One request of the sender that is answered here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawHandshake {
    /// Which requests.
    pub when: RawWhen,
    /// What has to be right first. Default `signature`.
    pub check: Option<HandshakeCheck>,
    /// For `check: token`: where the credential's `verify_token` is shown.
    pub token: Option<RawAt>,
    /// What is answered.
    pub respond: RawReply,
    /// The secret itself is handed over here: it is kept, once, while there is none.
    pub store_secret_once: Option<RawAt>,
}

/// An answer; its texts are templates like `content`, with `{x|hmac(hex)}` and `{x|hmac(base64)}` besides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawReply {
    /// 200 to 299, default 200.
    pub status: Option<u16>,
    /// Content type of `body`. Default `text/plain`.
    #[serde(rename = "type")]
    pub media_type: Option<String>,
    pub headers: Option<BTreeMap<String, String>>,
    /// The body as one text.
    pub body: Option<String>,
    /// The body as JSON, whose strings are templates.
    pub json: Option<serde_json::Value>,
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
    /// The sender's public keys are at this https URL, as a JWK set (RFC 7517 §5).
    pub jwks: Option<String>,
    /// The sender's certificate is at a URL that the delivery names, on one of these hosts and paths alone.
    pub certificate: Option<RawCertificate>,
}

/// A certificate's URL within a delivery, and the hosts and paths that it may have. It has neither
/// query nor fragment, and no `%`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawCertificate {
    /// Name of the header that holds the URL.
    pub header: Option<String>,
    /// JSON pointer to the URL.
    pub json: Option<String>,
    /// The token's header parameter that holds the URL of a JWK set: `jku`.
    pub parameter: Option<String>,
    /// Host names, `*` for a part without dots: `sns.*.amazonaws.com`.
    pub hosts: Vec<String>,
    /// Paths on them, at least one, `*` for a text without slashes: `/v1/notifications/certs/*`.
    pub paths: Vec<String>,
}

/// One place where a signature is: exactly one of `header`, `query`, `form`, `json` and `body`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawSignature {
    /// Name of a header that occurs exactly once.
    pub header: Option<String>,
    /// Name of a query parameter that occurs exactly once.
    pub query: Option<String>,
    /// Name of a form field that occurs exactly once.
    pub form: Option<String>,
    /// JSON pointer into the body, or into each of what is signed one by one.
    pub json: Option<String>,
    /// `true`: the body is the signature, a `jwt` with everything in it.
    pub body: Option<bool>,
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

/// Where the sender's clock is, one of the places, and how far it may be off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawTimestamp {
    /// Name of a header that occurs exactly once.
    pub header: Option<String>,
    /// The entry of the signature's list that begins with this text: `t=`.
    pub label: Option<String>,
    /// JSON pointer into the body, which must be signed: `/webhookTimestamp`.
    pub json: Option<String>,
    /// Name of a form field.
    pub form: Option<String>,
    /// Name of a query parameter.
    pub query: Option<String>,
    /// A claim of the `jwt`: `iat`.
    pub claim: Option<String>,
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
    /// RFC 8032, with the sender's public key.
    Ed25519,
    /// ECDSA on P-256 with SHA-256, in DER (FIPS 186-5, RFC 3279 §2.2.3).
    EcdsaP256,
    /// PKCS #1 v1.5 with SHA-256 (RFC 8017 §8.2).
    RsaSha256,
    /// PKCS #1 v1.5 with SHA-1, which only old senders use.
    RsaSha1,
    /// A JSON Web Token (RFC 7519) that holds a digest of the body, or the body itself.
    Jwt,
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
    /// RFC 4648 §5, with or without padding.
    Base64url,
}

/// Another spelling of the public URL that some senders sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UrlVariant {
    /// Without its port.
    NoPort,
    /// With the port that its scheme has by default.
    DefaultPort,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BoundHash {
    #[default]
    Sha256,
    Sha512,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HandshakeCheck {
    /// The signature, as of any delivery.
    #[default]
    Signature,
    /// The credential's `verify_token`, shown in the request.
    Token,
    /// Nothing: anybody gets this answer.
    None,
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
            when: over.when.or(self.when),
            alternatives: over.alternatives.or(self.alternatives),
            jwt: merged(self.jwt, over.jwt, RawJwt::overlaid),
            url_variants: over.url_variants.or(self.url_variants),
            bind: over.bind.or(self.bind),
            document: over.document.or(self.document),
            each: over.each.or(self.each),
            handshakes: over.handshakes.or(self.handshakes),
            tenant: over.tenant.or(self.tenant),
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
            jwks: over.jwks.or(self.jwks),
            certificate: over.certificate.or(self.certificate),
        }
    }
}

impl RawJwt {
    fn overlaid(self, over: Self) -> Self {
        Self {
            algorithms: over.algorithms.or(self.algorithms),
            issuer: over.issuer.or(self.issuer),
            audience: over.audience.or(self.audience),
            claims: over.claims.or(self.claims),
            detached: over.detached.or(self.detached),
        }
    }
}

impl RawSignature {
    fn overlaid(self, over: Self) -> Self {
        let moved = over.header.is_some()
            || over.query.is_some()
            || over.form.is_some()
            || over.json.is_some()
            || over.body.is_some();
        let prefixed = over.prefix.is_some();
        let listed = over.list.is_some();
        Self {
            header: over.header.or(self.header.filter(|_| !moved)),
            query: over.query.or(self.query.filter(|_| !moved)),
            form: over.form.or(self.form.filter(|_| !moved)),
            json: over.json.or(self.json.filter(|_| !moved)),
            body: over.body.or(self.body.filter(|_| !moved)),
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
        let places = [&over.header, &over.label, &over.json, &over.form, &over.query, &over.claim];
        let moved = places.iter().any(|it| it.is_some());
        Self {
            header: over.header.or(self.header.filter(|_| !moved)),
            label: over.label.or(self.label.filter(|_| !moved)),
            json: over.json.or(self.json.filter(|_| !moved)),
            form: over.form.or(self.form.filter(|_| !moved)),
            query: over.query.or(self.query.filter(|_| !moved)),
            claim: over.claim.or(self.claim.filter(|_| !moved)),
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
