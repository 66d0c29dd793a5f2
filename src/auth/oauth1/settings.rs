//! The settings of OAuth 1.0a, and the credential fields that go with them.
use super::super::AuthError;
use super::super::Prepared;
use super::super::SchemeFault;
use super::super::Signer;
use super::super::template::Template;
use super::key::Key;
use super::signer::Oauth1Signer;
use crate::crypto::Hash;
use crate::model::Credential;
use std::sync::Arc;

const CONSUMER_KEY: &str = "consumer_key";
const CONSUMER_SECRET: &str = "consumer_secret";
const PRIVATE_KEY: &str = "private_key";
const TOKEN: &str = "token";
const TOKEN_SECRET: &str = "token_secret";

/// The settings as written: `oauth1: { signature: hmac_sha256, realm: "{account_id}" }`.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(default, deny_unknown_fields)]
pub struct RawOauth1 {
    /// How requests are signed (RFC 5849 §3.4). Default: hmac_sha1.
    pub signature: SignatureMethod,
    /// Where the parameters go (RFC 5849 §3.5). Default: header.
    pub r#in: Transmission,
    /// The realm in the Authorization field, which is not signed: a template over credential fields, as
    /// `{account_id}`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// Whether `oauth_body_hash` goes along with bodies that are no forms, where the parameters are not in the body
    /// themselves. Default: false.
    pub body_hash: bool,
    /// Whether `oauth_version` is left out, which few providers ask for (RFC 5849 §3.1). Default: false.
    pub omit_version: bool,
    /// Where temporary credentials are asked for (RFC 5849 §2.1). With the two others, tokens are had by a
    /// person's consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_url: Option<String>,
    /// Where that person is sent (RFC 5849 §2.2). It may have a query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorize_url: Option<String>,
    /// Where the token is asked for (RFC 5849 §2.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
    /// With what the provider is told where the person comes back to. Default: request.
    pub callback: CallbackPlace,
}

/// What `oauth_callback` goes with.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Deserialize,
    serde::Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CallbackPlace {
    /// With the request for temporary credentials, whose answer has to confirm it (RFC 5849 §2.1).
    #[default]
    Request,
    /// With the URL that the person is sent to, as few providers have it; nothing is confirmed then.
    Authorize,
}

/// How a request is signed.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Deserialize,
    serde::Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SignatureMethod {
    /// RFC 5849 §3.4.2.
    #[default]
    HmacSha1,
    /// As HMAC-SHA1, with another hash: no RFC has it, many providers do.
    HmacSha256,
    HmacSha512,
    /// RFC 5849 §3.4.3. Only in builds with the feature `rsa-sha1`.
    RsaSha1,
    /// As RSA-SHA1, with another hash.
    RsaSha256,
    /// RFC 5849 §3.4.4: the secrets themselves.
    Plaintext,
}

/// Where the protocol parameters go (RFC 5849 §3.5).
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Deserialize,
    serde::Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Transmission {
    /// Into the Authorization field.
    #[default]
    Header,
    /// Behind the query.
    Query,
    /// Behind a form in the body; into the Authorization field where the body is something else.
    Body,
}

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oauth1 {
    pub(super) signature: SignatureMethod,
    pub(super) transmission: Transmission,
    pub(super) realm: Option<Template>,
    pub(super) body_hash: Option<Hash>,
    pub(super) omits_version: bool,
}

impl SignatureMethod {
    /// The value of `oauth_signature_method`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::HmacSha1 => "HMAC-SHA1",
            Self::HmacSha256 => "HMAC-SHA256",
            Self::HmacSha512 => "HMAC-SHA512",
            Self::RsaSha1 => "RSA-SHA1",
            Self::RsaSha256 => "RSA-SHA256",
            Self::Plaintext => "PLAINTEXT",
        }
    }

    /// Whether a private key signs, in place of the two secrets.
    pub(super) fn is_rsa(self) -> bool {
        matches!(self, Self::RsaSha1 | Self::RsaSha256)
    }

    /// The hash that it signs with; none signs nothing.
    fn hash(self) -> Option<Hash> {
        match self {
            Self::HmacSha1 | Self::RsaSha1 => Some(Hash::Sha1),
            Self::HmacSha256 | Self::RsaSha256 => Some(Hash::Sha256),
            Self::HmacSha512 => Some(Hash::Sha512),
            Self::Plaintext => None,
        }
    }
}

impl TryFrom<RawOauth1> for Oauth1 {
    type Error = Vec<SchemeFault>;

    fn try_from(raw: RawOauth1) -> Result<Self, Self::Error> {
        let mut faults = Vec::new();
        if raw.signature == SignatureMethod::RsaSha1 && !cfg!(feature = "rsa-sha1") {
            faults.push(SchemeFault::at(
                "signature",
                "this attache was built without RSA-SHA1",
                "build it with `cargo build --release --features rsa-sha1`, having read what Cargo.toml says of it; or use rsa_sha256 or an hmac_… if the API takes one",
            ));
        }
        if raw.body_hash && raw.signature.hash().is_none() {
            faults.push(SchemeFault::at(
                "body_hash",
                "PLAINTEXT signs nothing, so a hash of the body would prove nothing",
                "leave it out, or choose another `signature`",
            ));
        }
        let urls = [&raw.request_url, &raw.authorize_url, &raw.token_url];
        if raw.callback == CallbackPlace::Authorize && urls.into_iter().all(Option::is_none) {
            faults.push(SchemeFault::at(
                "callback",
                "nobody is sent anywhere without an `authorize_url`",
                "write request_url, authorize_url and token_url as well, or leave it out",
            ));
        }
        let realm = raw.realm.as_deref().map(Template::parse).transpose();
        let realm = realm.unwrap_or_else(|fault| {
            faults.push(SchemeFault::at("realm", fault.to_string(), fault.hint()));
            None
        });
        if let Some(realm) = &realm {
            if raw.r#in == Transmission::Query {
                faults.push(SchemeFault::at(
                    "realm",
                    "a realm has no place in a query",
                    "leave it out, or write `in: header`",
                ));
            }
            if realm.literals().any(|it| it.contains(char::is_control)) {
                faults.push(SchemeFault::at("realm", "has a control character", "remove it"));
            }
            let own = [CONSUMER_SECRET, PRIVATE_KEY, TOKEN_SECRET];
            if let Some(secret) = realm.fields().find(|it| own.contains(it)) {
                faults.push(SchemeFault::at(
                    "realm",
                    format!("names `{secret}`, which would be sent in the clear"),
                    "name the field of an account id, as `{account_id}`",
                ));
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            signature: raw.signature,
            transmission: raw.r#in,
            realm,
            body_hash: raw.signature.hash().filter(|_| raw.body_hash),
            omits_version: raw.omit_version,
        })
    }
}

impl Oauth1 {
    /// The credential fields that it takes.
    pub fn fields(&self) -> Vec<&str> {
        let signing = if self.signature.is_rsa() { PRIVATE_KEY } else { CONSUMER_SECRET };
        let mut fields = vec![CONSUMER_KEY, signing, TOKEN, TOKEN_SECRET];
        for field in self.realm.iter().flat_map(Template::fields) {
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
        fields
    }

    /// The token's: without them a request is the consumer's own (two-legged, RFC 5849 §3.1).
    pub fn is_optional(&self, field: &str) -> bool {
        matches!(field, TOKEN | TOKEN_SECRET)
    }

    pub(in super::super) fn prepare(
        &self,
        credential: &Credential,
    ) -> Result<Prepared, Vec<AuthError>> {
        let signer = self.signing(credential, &[])?;
        let mut prepared = Prepared::signed(signer);
        if self.signature == SignatureMethod::Plaintext {
            prepared.watch(credential, CONSUMER_SECRET);
            prepared.watch(credential, TOKEN_SECRET);
        }
        Ok(prepared)
    }

    /// What signs requests that have these protocol parameters besides: `oauth_callback` and `oauth_verifier`
    /// of the messages that a token is had by (RFC 5849 §2).
    pub fn signing(
        &self,
        credential: &Credential,
        parameters: &[(&'static str, &str)],
    ) -> Result<Signer, Vec<AuthError>> {
        let text = |field| credential.field(field).map_or("", |it| it.expose());
        let mut faults = Vec::new();
        if text(CONSUMER_KEY).is_empty() {
            faults.push(AuthError::Empty { field: CONSUMER_KEY.to_owned() });
        }
        if text(TOKEN).is_empty() && !text(TOKEN_SECRET).is_empty() {
            faults.push(AuthError::Missing { field: TOKEN.to_owned() });
        }
        for field in self.realm.iter().flat_map(Template::fields) {
            if text(field).contains(char::is_control) {
                let what = "a control character";
                faults.push(AuthError::Unsendable { field: field.to_owned(), what });
            }
        }
        let key = match (self.signature, credential.field(PRIVATE_KEY)) {
            (method, Some(key)) if method.is_rsa() => {
                Key::private(method, PRIVATE_KEY, key).map_err(AuthError::from)
            }
            (method, None) if method.is_rsa() => {
                Err(AuthError::Missing { field: PRIVATE_KEY.to_owned() })
            }
            (method, _) => {
                Ok(Key::shared(method.hash(), text(CONSUMER_SECRET), text(TOKEN_SECRET)))
            }
        };
        match key {
            Ok(key) if faults.is_empty() => {
                let realm = self.realm.as_ref().map(|it| it.render(credential));
                let realm = realm.as_ref().map(|it| it.as_str());
                let signer = Oauth1Signer::new(
                    self,
                    key,
                    realm,
                    (text(CONSUMER_KEY), text(TOKEN)),
                    parameters,
                );
                Ok(Signer::Oauth1(Arc::new(signer)))
            }
            key => {
                faults.extend(key.err());
                Err(faults)
            }
        }
    }
}
