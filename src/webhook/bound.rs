//! A digest of the body that stands in a signed place, held against the body.
use super::delivery::Facts;
use super::key::sha256;
use super::raw::BoundHash;
use super::refusal::Refusal;
use super::refusal::What;
use super::rules::Bind;
use super::rules::BoundAt;
use super::signature;
use aws_lc_rs::digest;
use std::borrow::Cow;
use subtle::ConstantTimeEq;

/// `claim`: what the token says, where the digest is in one.
pub(super) fn check(bind: &Bind, facts: &Facts<'_>, claim: Option<&str>) -> Result<(), Refusal> {
    let sent = match &bind.at {
        BoundAt::Spot(spot) => spot.text(facts)?,
        BoundAt::Claim(_) => claim.map(Cow::Borrowed),
    };
    let sent = sent.ok_or(Refusal::Missing(What::Value))?;
    let made = bind.made(facts.delivery.body);
    let sent = signature::decoded(bind.encoding, &sent, made.len());
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
