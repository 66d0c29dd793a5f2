//! A digest of the body that stands in a signed place, held against the body.
use super::delivery::Facts;
use super::key::sha256;
use super::raw::BoundHash;
use super::raw::Encoding;
use super::refusal::Refusal;
use super::refusal::What;
use super::rules::Bind;
use super::rules::BoundAt;
use super::signature;
use aws_lc_rs::digest;
use std::borrow::Cow;
use subtle::ConstantTimeEq;

/// Refused where the place has another digest than the body's, or none.
pub(super) fn check(bind: &Bind, facts: &Facts<'_>) -> Result<(), Refusal> {
    let sent = match &bind.at {
        BoundAt::Spot(spot) => spot.text(facts)?,
        BoundAt::Claim(name) => facts.token.and_then(|it| it.claim_text(name)).map(Cow::Owned),
    };
    let sent = sent.ok_or(Refusal::Missing(What::Value))?;
    let made = bind.made(facts.delivery.body);
    // Senders of base64url pad it or not; it says the same.
    let padded = (made.len() * 8).div_ceil(6).next_multiple_of(4);
    let plain = match bind.encoding {
        Encoding::Base64url if sent.len() == padded => sent.trim_end_matches('='),
        Encoding::Hex | Encoding::Base64 | Encoding::Base64url => &*sent,
    };
    let sent = signature::decoded(bind.encoding, plain, made.len());
    let sent = sent.ok_or(Refusal::Malformed(What::Value))?;
    if sent[..made.len()].ct_eq(&made).into() { Ok(()) } else { Err(Refusal::Mismatch) }
}

impl Bind {
    pub(super) fn made(&self, body: &[u8]) -> Vec<u8> {
        match self.hash {
            BoundHash::Sha256 => sha256(body).to_vec(),
            BoundHash::Sha512 => digest::digest(&digest::SHA512, body).as_ref().to_vec(),
        }
    }
}
