//! Requests of a sender that are answered here: challenges, pings, secrets handed over.
use super::delivery::Delivery;
use super::raw::HandshakeCheck;
use super::refusal::Refusal;
use super::verify::Verifier;
use crate::model::Secret;
use http::HeaderName;
use http::HeaderValue;
use http::Method;

/// One request of the sender that is answered here, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    pub(super) method: Method,
    pub(super) check: HandshakeCheck,
}

/// What a handshake is answered with.
#[derive(Clone, Debug)]
pub struct Reply {
    /// 200 to 299.
    pub status: u16,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Vec<u8>,
    /// The secret that was handed over: the answer goes out only once it is kept.
    pub learned: Option<Secret>,
}

impl Handshake {
    /// What has to be right before it is answered: for `Signature` whoever asks verifies the
    /// delivery as any other, for the rest [`Verifier::answer`] sees to it.
    pub fn check(&self) -> HandshakeCheck {
        self.check
    }

    pub fn method(&self) -> &Method {
        &self.method
    }
}

impl Verifier {
    /// The answer; a `token` that is not the credential's is a mismatch.
    pub fn answer(
        &self,
        _handshake: &Handshake,
        _delivery: &Delivery<'_>,
    ) -> Result<Reply, Refusal> {
        Err(Refusal::Mismatch)
    }
}
