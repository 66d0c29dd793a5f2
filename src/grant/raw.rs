//! An OAuth 2.0 auth method as it is written: what configuration files and the API share.
use super::account::RawAccount;
use crate::model::TimeSpan;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;
use std::fmt;

/// How an access token is had and renewed, and where it goes. Only `Oauth2::try_from` turns it into
/// something usable. Texts in URLs, parameters, headers and claims are templates: `{name}` is a
/// credential field or a variable, `{name?}` one that may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawOauth2 {
    /// How a token is had (RFC 6749 §1.3).
    pub grant: Option<GrantType>,
    /// The authorization server. Its metadata (RFC 8414, OpenID Connect Discovery) fills in the URLs
    /// that are not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Where a person consents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorize_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
    /// RFC 7009: where a token is revoked when its holder is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoke_url: Option<String>,
    /// RFC 7662.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspect_url: Option<String>,
    /// Says whose token it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_url: Option<String>,
    /// Where the answer of `userinfo_url` says it. Default: as OpenID Connect Core §5.1 has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<RawAccount>,
    /// RFC 8628 §3.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_url: Option<String>,
    /// RFC 9126: where the authorization request is pushed first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub par_url: Option<String>,
    /// What is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// What has to be granted. Default: nothing is compared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required_scopes: Vec<String>,
    /// Between scopes. Default: a space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope_separator: Option<String>,
    /// RFC 7636. Default: `S256`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pkce: Option<RawPkce>,
    /// How the client proves itself at the token URL. Default: `basic` where there is a client
    /// secret, `none` for grants that have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<ClientAuthMethod>,
    /// What stands in `client_auth: basic`. Default: `form`, as RFC 6749 §2.3.1 says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic_encoding: Option<BasicEncoding>,
    /// RFC 8707: the APIs that the token is for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// More parameters of the authorization URL; one that attache would send is replaced.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub authorize_params: IndexMap<String, String>,
    /// More parameters of token requests; one that attache would send is replaced.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub token_params: IndexMap<String, String>,
    /// The same of renewals by a token. Default: `token_params` less `grant_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_params: Option<IndexMap<String, String>>,
    /// More headers of token requests.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub token_headers: IndexMap<String, String>,
    /// Default: `form`; `query` where the method is `GET`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_body: Option<BodyFormat>,
    /// Default: `POST`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_method: Option<TokenMethod>,
    /// What parameters are called here, by their standard names: `client_id: app_id`.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub rename: IndexMap<String, String>,
    /// Standard parameters that are not sent: `redirect_uri`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub omit: Vec<String>,
    /// Where things stand in the token URL's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<RawReply>,
    /// When a token ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry: Option<RawExpiry>,
    /// How a token is renewed by a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<RawRefresh>,
    /// Which answers of the API mean that it did not take the token. Default: status 401.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub auth_failure: Vec<RawAuthFailure>,
    /// What a JWT says that is signed here: for `jwt_bearer`, `github_app`, `private_key_jwt`
    /// and `client_secret_jwt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assertion: Option<RawAssertion>,
    /// RFC 8693: what is exchanged, for `token_exchange`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<RawExchange>,
    /// What the redirect back is called here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<RawCallback>,
    /// RFC 9449: tokens are bound to a key of the holder's own. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop: Option<bool>,
    /// Where the token goes. Default: `header`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#in: Option<TokenPlace>,
    /// The name of the header, the query parameter or the cookie. Default: `Authorization`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The value, `{key}` standing for the token. Default: `Bearer {key}` in the Authorization header,
    /// else `{key}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// How a token is had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A person consents (RFC 6749 §4.1).
    AuthorizationCode,
    /// RFC 6749 §4.4.
    ClientCredentials,
    /// A refresh token is among the credentials from the start (RFC 6749 §6).
    RefreshToken,
    /// RFC 6749 §4.3.
    Password,
    /// A person consents on another device (RFC 8628).
    DeviceCode,
    /// A JWT that is signed here (RFC 7523 §2.1): service accounts.
    JwtBearer,
    /// RFC 8693.
    TokenExchange,
    /// An installation token of a GitHub App.
    GithubApp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthMethod {
    /// The Authorization header (RFC 6749 §2.3.1).
    Basic,
    /// Parameters of the body (RFC 6749 §2.3.1).
    Body,
    /// A JWT signed with a private key (RFC 7523 §2.2).
    PrivateKeyJwt,
    /// A JWT signed with the client secret (RFC 7523 §2.2).
    ClientSecretJwt,
    /// A client certificate (RFC 8705).
    Tls,
    /// A public client: its id alone.
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BasicEncoding {
    /// Id and secret are form-encoded first.
    Form,
    /// Id and secret as they are.
    Raw,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum RawPkce {
    S256,
    #[serde(rename = "off")]
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BodyFormat {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// One object of texts.
    Json,
    /// In the URL.
    Query,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum TokenMethod {
    Post,
    Get,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenPlace {
    Header,
    Query,
    Cookie,
}

/// JSON pointers (RFC 6901) into the answer. A form-encoded answer is an object of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawReply {
    /// Default: `/access_token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// Default: `/refresh_token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// How long the token lives from now on. Default: `/expires_in`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<String>,
    /// When the token ends. Default: `/expires_at`, counted only where there is no `expires_in`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// How long the refresh token lives. Default: `/refresh_token_expires_in`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_expires_in: Option<String>,
    /// Default: `/scope`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Default: `/token_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    /// Default: `/id_token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// What else is kept, as variables of the holder.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub keep: IndexMap<String, RawKept>,
    /// The error's code. Default: where errors usually are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The error in words. Default: where these usually are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// Errors that mean that a person must consent again, beside the known ones: codes, or what stands
    /// in the description.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorize_again: Vec<String>,
}

/// A value of the answer that is kept as a variable: its JSON pointer, or a part of what stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(untagged)]
pub enum RawKept {
    Pointer(String),
    Part(RawPart),
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawPart {
    /// The JSON pointer.
    pub at: String,
    /// A regular expression that the whole value has to match; its first group is kept.
    pub pattern: String,
}

/// When a token ends where the answer says it oddly, or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawExpiry {
    /// What the answer's number is. Default: `s`, or a date where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<ExpiryUnit>,
    /// How long a token lives where the answer does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<TimeSpan>,
    /// Tokens have no end, whatever the answer says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub never: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExpiryUnit {
    S,
    Ms,
    /// RFC 3339 or RFC 9110 §5.6.7.
    Date,
    /// The token is a JWT, whose `exp` counts.
    Jwt,
}

/// How a token is renewed by a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawRefresh {
    /// Default: the token URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Default: `token_method`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<TokenMethod>,
    /// Default: `token_body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyFormat>,
    /// Default: as `client_auth` of the method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<ClientAuthMethod>,
    /// What is sent. Default: `refresh_token`; `access_token` for providers that prolong a token by
    /// itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<RefreshBy>,
    /// Whether a refresh token may be new with each use. Default: true, which is the careful way. False
    /// says that the same one goes on being good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotates: Option<bool>,
    /// Whether the scopes are sent. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_scopes: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefreshBy {
    #[default]
    RefreshToken,
    AccessToken,
}

/// An answer of the API that means that it did not take the token: everything that is given applies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawAuthFailure {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// A header that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// What the header holds somewhere, letters in either case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// JSON pointer into the body: its first 64 KiB are looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// What stands there, as text: `"false"`, `token_revoked`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equals: Option<String>,
}

/// What a JWT says that is signed here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawAssertion {
    /// Default: `RS256`; `HS256` for `client_secret_jwt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<Algorithm>,
    /// `iss` of the grant. Default: `{client_id}`; `{app_id}` for `github_app`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// `sub` of the grant, as `{subject?}`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// `aud` of the grant. Default: the token URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// `aud` of a client assertion. Default: the token URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_audience: Option<String>,
    /// From `iat` to `exp`, 10s to 1h. Default: `3m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<TimeSpan>,
    /// More claims of the grant. `{scopes}` stands for the scopes.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub claims: IndexMap<String, String>,
}

/// Signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Algorithm {
    RS256,
    PS256,
    ES256,
    EdDSA,
    HS256,
}

/// RFC 8693 §2.1. The tokens themselves are the credential fields `subject_token` and `actor_token`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawExchange {
    /// Default: `urn:ietf:params:oauth:token-type:access_token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_token_type: Option<String>,
    /// Sent with the actor token where there is one. Default: as the subject's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_token_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_token_type: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
}

/// The parameters of the redirect back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawCallback {
    /// Default: `code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Default: `state`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Default: `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// More parameters that are kept as variables of the holder, by their names there: `realmId`.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub keep: IndexMap<String, String>,
    /// `required`: an answer without `iss` is refused (RFC 9207). Default: as the server's metadata says, which is
    /// looked at where a URL is not given here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<RawIss>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawIss {
    Required,
    Optional,
}

impl<'de> Deserialize<'de> for RawKept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Kept;
        impl<'de> Visitor<'de> for Kept {
            type Value = RawKept;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON pointer, or `at` and `pattern`")
            }

            fn visit_str<E>(self, text: &str) -> Result<RawKept, E> {
                Ok(RawKept::Pointer(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawKept, A::Error> {
                RawPart::deserialize(MapAccessDeserializer::new(map)).map(RawKept::Part)
            }
        }
        deserializer.deserialize_any(Kept)
    }
}
