//! What is computed anew over each request: the closed set of signers, and their one dispatch.
use super::aws_sigv4::AwsSigv4Signer;
use super::digest::DigestSigner;
use super::draft::Draft;
use super::draft::Moment;
use super::http_signature::HttpSignatureSigner;
use super::jwt::JwtSigner;
use super::oauth1::Oauth1Signer;
use super::prepared::Placed;
use super::signed_request::SignedRequestSigner;
use crate::crypto::Feed;
use crate::model::Origin;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use std::sync::Arc;

/// A credential that computes over requests, set up once, shared by all who use it. Prints without its keys.
#[derive(Clone)]
pub enum Signer {
    Oauth1(Arc<Oauth1Signer>),
    AwsSigv4(Arc<AwsSigv4Signer>),
    SignedRequest(Arc<SignedRequestSigner>),
    HttpSignature(Arc<HttpSignatureSigner>),
    Jwt(Arc<JwtSigner>),
    Digest(Arc<DigestSigner>),
}

/// What a signer needs of the request's body, from the least to the most that it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BodyUse {
    /// Nothing: it streams.
    Untouched,
    /// It streams, and has to be there for a second attempt, within bounds.
    Kept,
    /// It is signed piece by piece while it streams; its length has to be known before.
    Chunked,
    /// It goes through what [`Signer::begin`] asks for, before the first byte is sent. Up to a bound in memory,
    /// beyond it in a file, up to a second bound.
    Fed,
    /// The same, and all of it at once in memory, up to the first bound.
    Whole,
}

/// Why a request can't be signed: the caller's to mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    #[error("the signature covers {what}, which the request does not have")]
    Lacks { what: String },
    #[error("{what}")]
    Unsignable { what: String },
}

/// What a signer learnt of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learnt {
    Nothing,
    /// The answer asks for a signature that this signer can make now: the request may go out once more.
    Challenge,
}

impl Signer {
    /// What it needs of the body of a request to `origin` with this method and these fields: those that go on, and
    /// Content-Length where the length is known.
    pub fn body_use(&self, origin: &Origin, method: &Method, headers: &HeaderMap) -> BodyUse {
        match self {
            Self::Oauth1(signer) => signer.body_use(method, headers),
            Self::AwsSigv4(signer) => signer.body_use(origin, method, headers),
            Self::SignedRequest(signer) => signer.body_use(method, headers),
            Self::HttpSignature(signer) => signer.body_use(method, headers),
            Self::Jwt(signer) => signer.body_use(),
            Self::Digest(signer) => signer.body_use(origin),
        }
    }

    /// What the whole body is fed to before [`Signer::sign`]: hashes, and keyed hashes that have got what stands
    /// before it already. Empty where the signer needs nothing of it.
    pub fn begin(&self, draft: &Draft<'_>, moment: &Moment) -> Result<Vec<Feed>, SignError> {
        match self {
            Self::Oauth1(signer) => signer.begin(draft, moment),
            Self::AwsSigv4(signer) => signer.begin(draft, moment),
            Self::SignedRequest(signer) => signer.begin(draft, moment),
            Self::HttpSignature(signer) => signer.begin(draft, moment),
            Self::Jwt(signer) => Ok(signer.begin()),
            Self::Digest(signer) => signer.begin(draft, moment),
        }
    }

    /// Signs. `fed` is what `begin` gave, in its order, the body having gone through each.
    pub fn sign(
        &self,
        draft: &mut Draft<'_>,
        moment: &Moment,
        fed: Vec<Feed>,
    ) -> Result<(), SignError> {
        match self {
            Self::Oauth1(signer) => signer.sign(draft, moment, fed),
            Self::AwsSigv4(signer) => signer.sign(draft, moment, fed),
            Self::SignedRequest(signer) => signer.sign(draft, moment, fed),
            Self::HttpSignature(signer) => signer.sign(draft, moment, fed),
            Self::Jwt(signer) => signer.sign(draft, moment, fed),
            Self::Digest(signer) => signer.sign(draft, moment, fed),
        }
    }

    /// Looks at an answer's head: what it says of nonces is kept for the next request. `sent` are the fields of the
    /// request that it answers.
    pub fn learn(
        &self,
        origin: &Origin,
        sent: &[(HeaderName, HeaderValue)],
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Learnt {
        match self {
            Self::Digest(signer) => signer.learn(origin, sent, status, headers),
            Self::Oauth1(_)
            | Self::AwsSigv4(_)
            | Self::SignedRequest(_)
            | Self::HttpSignature(_)
            | Self::Jwt(_) => Learnt::Nothing,
        }
    }

    /// Whether it sends another body than the caller's, or the caller's in another form: no other signature could
    /// cover what is sent.
    pub fn changes_body(&self) -> bool {
        match self {
            Self::Oauth1(signer) => signer.changes_body(),
            Self::AwsSigv4(signer) => signer.changes_body(),
            Self::SignedRequest(signer) => signer.changes_body(),
            Self::HttpSignature(_) | Self::Jwt(_) | Self::Digest(_) => false,
        }
    }

    /// Whether its signatures are judged by the time that they carry.
    pub fn has_clock(&self) -> bool {
        match self {
            Self::Oauth1(_) | Self::AwsSigv4(_) | Self::Jwt(_) => true,
            Self::SignedRequest(signer) => signer.has_clock(),
            Self::HttpSignature(signer) => signer.has_clock(),
            Self::Digest(_) => false,
        }
    }

    /// The fields that it puts on: a caller's copies of them do not go on, in trailers neither.
    pub fn headers(&self) -> Vec<HeaderName> {
        match self {
            Self::Oauth1(signer) => signer.headers(),
            Self::AwsSigv4(signer) => signer.headers(),
            Self::SignedRequest(signer) => signer.headers(),
            Self::HttpSignature(signer) => signer.headers(),
            Self::Jwt(signer) => signer.headers(),
            Self::Digest(signer) => signer.headers(),
        }
    }

    /// What it puts where, for `explain`.
    pub fn describe(&self) -> Vec<Placed> {
        match self {
            Self::Oauth1(signer) => signer.describe(),
            Self::AwsSigv4(signer) => signer.describe(),
            Self::SignedRequest(signer) => signer.describe(),
            Self::HttpSignature(signer) => signer.describe(),
            Self::Jwt(signer) => signer.describe(),
            Self::Digest(signer) => signer.describe(),
        }
    }
}

impl PartialEq for Signer {
    /// The very same: a signer has keys and states that are not compared.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Oauth1(one), Self::Oauth1(two)) => Arc::ptr_eq(one, two),
            (Self::AwsSigv4(one), Self::AwsSigv4(two)) => Arc::ptr_eq(one, two),
            (Self::SignedRequest(one), Self::SignedRequest(two)) => Arc::ptr_eq(one, two),
            (Self::HttpSignature(one), Self::HttpSignature(two)) => Arc::ptr_eq(one, two),
            (Self::Jwt(one), Self::Jwt(two)) => Arc::ptr_eq(one, two),
            (Self::Digest(one), Self::Digest(two)) => Arc::ptr_eq(one, two),
            _ => false,
        }
    }
}

impl Eq for Signer {}
