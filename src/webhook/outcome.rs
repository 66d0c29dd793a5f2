//! What the gateway would do with a request.
use super::delivery::Delivery;
use super::explain::Explained;
use super::handshake::Handshake;
use super::public_keys::PublicKeys;
use super::raw::HandshakeCheck;
use super::refusal::Refusal;
use super::reply::Reply;
use super::verify::Verifier;
use crate::model::UnixTime;

/// What becomes of it, in the order of the gateway.
pub struct Outcome {
    /// What is checked first, where it is a request that is answered there.
    pub handshake: Option<HandshakeCheck>,
    /// The signature's steps, where it is come to.
    pub explained: Option<Explained>,
    /// What a handshake is answered with.
    pub reply: Option<Reply>,
    /// Why it goes no further.
    pub refusal: Option<Refusal>,
}

impl Outcome {
    pub fn of(
        verifier: &Verifier,
        delivery: &Delivery<'_>,
        now: UnixTime,
        keys: Option<&PublicKeys>,
    ) -> Self {
        let handshake = verifier.handshake(delivery);
        let explained = match handshake.map(Handshake::check) {
            None | Some(HandshakeCheck::Signature) => Some(verifier.explain(delivery, now, keys)),
            Some(HandshakeCheck::Token | HandshakeCheck::None) => None,
        };
        let refusal = explained.as_ref().and_then(|it| it.verdict.as_ref().err().copied());
        let mut outcome =
            Self { handshake: handshake.map(Handshake::check), explained, reply: None, refusal };
        if let (Some(handshake), None) = (handshake, refusal) {
            match verifier.answer(handshake, delivery) {
                Ok(reply) => outcome.reply = Some(reply),
                Err(refusal) => outcome.refusal = Some(refusal),
            }
        }
        outcome
    }
}

/// The code that the gateway answers with (docs/contract.md §4).
pub fn code(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Missing(_) => "webhook_unsigned",
        Refusal::Malformed(_) | Refusal::Mismatch => "webhook_bad_signature",
        Refusal::Stale => "webhook_stale",
    }
}
