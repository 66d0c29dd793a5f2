//! How a credential goes on a request head: one file per scheme, one dispatch, nothing but bytes.
mod all;
mod api_key;
mod aws_sigv4;
mod basic;
mod bearer;
mod cookie;
mod custom;
mod digest;
mod draft;
mod error;
mod fault;
mod http_signature;
mod jwt;
mod mtls;
mod oauth1;
mod onto;
mod prepared;
mod presented;
mod query;
mod redact;
mod signed_request;
mod signer;
mod slot;
mod template;

pub use api_key::ApiKey;
pub use api_key::RawApiKey;
pub use aws_sigv4::AwsSigv4;
pub use aws_sigv4::ChunkError;
pub use aws_sigv4::Chunks;
pub use aws_sigv4::RawAssumeRole;
pub use aws_sigv4::RawAwsSigv4;
pub use basic::RawBasic;
pub use bearer::RawBearer;
pub use custom::Custom;
pub use custom::Injection;
pub use custom::RawCustom;
pub use custom::RawInjection;
pub use digest::Digest;
pub use digest::DigestAlgorithm;
pub use digest::Qop;
pub use digest::RawDigest;
pub use draft::Draft;
pub use draft::Moment;
pub use error::AuthError;
pub use error::SettingsError;
pub use error::SettingsFault;
pub use fault::SchemeFault;
pub use fault::Step;
pub use http_signature::HttpSignature;
pub use http_signature::RawHttpSignature;
pub use jwt::Jwt;
pub use jwt::Per;
pub use jwt::RawJwt;
pub use jwt::SecretEncoding;
pub use mtls::RawMtls;
pub use oauth1::CallbackPlace;
pub use oauth1::Oauth1;
pub use oauth1::RawOauth1;
pub use onto::Onto;
pub use prepared::Placed;
pub use prepared::Prepared;
pub use signed_request::RawSignedRequest;
pub use signed_request::SignedRequest;
pub use signer::BodyUse;
pub use signer::Learnt;
pub use signer::SignError;
pub use signer::Signer;
pub use slot::Place;

use crate::model::Credential;
use http::request::Parts;
use std::borrow::Cow;
use std::sync::Arc;

/// An authentication scheme (RFC 9110 §11.1): how a credential goes on the wire.
///
/// A closed set on purpose: the compiler lists every place that a new scheme has to be thought of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// No authentication at all: nothing is put on, and nothing of the caller's is dropped.
    None,
    ApiKey(ApiKey),
    Basic,
    Bearer,
    Custom(Custom),
    Oauth1(Arc<Oauth1>),
    AwsSigv4(Arc<AwsSigv4>),
    SignedRequest(Arc<SignedRequest>),
    HttpSignature(Arc<HttpSignature>),
    Jwt(Arc<Jwt>),
    Digest(Arc<Digest>),
    Mtls,
    /// Several at once: first what they put on that is fixed, then what they sign, in this order.
    All(Box<[Scheme]>),
}

/// The settings of [`Scheme::None`] as written: `none: {}`.
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
#[serde(deny_unknown_fields)]
pub struct RawNone {}

impl Scheme {
    /// The scheme's type as configuration files write it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ApiKey(_) => "api_key",
            Self::Basic => "basic",
            Self::Bearer => "bearer",
            Self::Custom(_) => "custom",
            Self::Oauth1(_) => "oauth1",
            Self::AwsSigv4(_) => "aws_sigv4",
            Self::SignedRequest(_) => "signed_request",
            Self::HttpSignature(_) => "http_signature",
            Self::Jwt(_) => "jwt",
            Self::Digest(_) => "digest",
            Self::Mtls => "mtls",
            Self::All(_) => "all",
        }
    }

    /// Whether its credentials have a certificate to show in the TLS handshake.
    pub fn shows_certificate(&self) -> bool {
        match self {
            Self::Mtls => true,
            Self::All(schemes) => schemes.iter().any(Self::shows_certificate),
            Self::None
            | Self::ApiKey(_)
            | Self::Basic
            | Self::Bearer
            | Self::Custom(_)
            | Self::Oauth1(_)
            | Self::AwsSigv4(_)
            | Self::SignedRequest(_)
            | Self::HttpSignature(_)
            | Self::Jwt(_)
            | Self::Digest(_) => false,
        }
    }

    /// The credential fields that the scheme takes: no others are allowed.
    pub fn fields(&self) -> Vec<&str> {
        match self {
            Self::None => Vec::new(),
            Self::ApiKey(_) => vec![api_key::FIELD],
            Self::Basic => basic::FIELDS.to_vec(),
            Self::Bearer => vec![bearer::FIELD],
            Self::Custom(scheme) => scheme.fields(),
            Self::Oauth1(scheme) => scheme.fields(),
            Self::AwsSigv4(scheme) => scheme.fields(),
            Self::SignedRequest(scheme) => scheme.fields(),
            Self::HttpSignature(scheme) => scheme.fields(),
            Self::Jwt(scheme) => scheme.fields(),
            Self::Digest(scheme) => scheme.fields(),
            Self::Mtls => mtls::FIELDS.to_vec(),
            Self::All(schemes) => all::fields(schemes),
        }
    }

    /// Whether a credential may lack one of [`Scheme::fields`].
    pub fn is_optional(&self, field: &str) -> bool {
        match self {
            Self::None | Self::ApiKey(_) | Self::Basic | Self::Bearer | Self::Custom(_) => false,
            // One of two sets of them.
            Self::Mtls => true,
            Self::Oauth1(scheme) => scheme.is_optional(field),
            Self::AwsSigv4(scheme) => scheme.is_optional(field),
            Self::SignedRequest(scheme) => scheme.is_optional(field),
            Self::HttpSignature(scheme) => scheme.is_optional(field),
            Self::Jwt(scheme) => scheme.is_optional(field),
            Self::Digest(scheme) => scheme.is_optional(field),
            Self::All(schemes) => all::is_optional(schemes, field),
        }
    }

    /// Checks the credential and makes the finished values: once, when the snapshot is built.
    ///
    /// Errors name the field and what is wrong with it, all of them at once, and never its value.
    pub fn prepare(&self, credential: &Credential) -> Result<Prepared, Vec<AuthError>> {
        let faults = self.wrong_fields(credential);
        if !faults.is_empty() {
            return Err(faults);
        }
        match self {
            Self::None => Ok(Prepared::default()),
            Self::ApiKey(scheme) => scheme.prepare(credential),
            Self::Basic => basic::prepare(credential),
            Self::Bearer => bearer::prepare(credential),
            Self::Custom(scheme) => scheme.prepare(credential),
            Self::Oauth1(scheme) => scheme.prepare(credential),
            Self::AwsSigv4(scheme) => scheme.prepare(credential),
            Self::SignedRequest(scheme) => scheme.prepare(credential),
            Self::HttpSignature(scheme) => scheme.prepare(credential),
            Self::Jwt(scheme) => scheme.prepare(credential),
            Self::Digest(scheme) => scheme.prepare(credential),
            Self::Mtls => mtls::prepare(credential),
            Self::All(schemes) => all::prepare(schemes, credential),
        }
    }

    /// Why this scheme's credential can't go on a request together with `before`; `None` where it can.
    pub fn clash(&self, before: &Prepared, prepared: &Prepared) -> Option<AuthError> {
        all::clash(self, before, prepared)
    }

    /// The caller key, where a client that can send nothing else put it in the credential's place.
    ///
    /// `None` where nothing stands there, or where more than one thing does. With [`Scheme::None`]
    /// it is looked for in the Authorization field, and nothing replaces it there: whoever takes it
    /// for a caller key has to drop that field.
    pub fn presented_key<'h>(&self, head: &'h Parts) -> Option<Cow<'h, [u8]>> {
        match self {
            Self::ApiKey(scheme) => scheme.presented_key(head),
            Self::AwsSigv4(_) => aws_sigv4::presented_key(head),
            Self::None
            | Self::Basic
            | Self::Bearer
            | Self::Oauth1(_)
            | Self::SignedRequest(_)
            | Self::HttpSignature(_)
            | Self::Jwt(_)
            | Self::Digest(_)
            | Self::Mtls => presented::in_authorization(&head.headers),
            Self::Custom(scheme) => scheme.presented_key(head),
            Self::All(schemes) => schemes.iter().find_map(|it| it.presented_key(head)),
        }
    }

    /// Missing, unknown and repeated fields.
    fn wrong_fields(&self, credential: &Credential) -> Vec<AuthError> {
        let expected = self.fields();
        let is_missing = |it: &&&str| credential.field(it).is_none() && !self.is_optional(it);
        let missing = expected.iter().filter(is_missing);
        let missing = missing.map(|it| AuthError::Missing { field: (*it).to_owned() });
        let unknown = credential.fields().filter(|it| !expected.contains(it)).map(|it| {
            AuthError::Unknown { field: it.to_owned(), expected: error::listed(&expected) }
        });
        let several = credential.fields().filter(|it| credential.values(it).len() > 1);
        let several = several.map(|it| AuthError::Several { field: it.to_owned() });
        missing.chain(unknown).chain(several).collect()
    }
}
