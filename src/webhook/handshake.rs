//! Requests of a sender that are answered here: challenges, pings, secrets handed over.
use super::delivery::Delivery;
use super::delivery::Document;
use super::delivery::Facts;
use super::json::Json;
use super::key::sha256;
use super::raw::HandshakeCheck;
use super::refusal::Refusal;
use super::refusal::What;
use super::reply::Reply;
use super::reply::ReplyForm;
use super::spot::Spot;
use super::spot::When;
use super::template::Template;
use super::verify::Verifier;
use crate::model::Secret;
use http::Method;
use subtle::Choice;
use subtle::ConstantTimeEq;

/// Longest body of a handshake: 64 KiB. Whatever is longer is a delivery.
const BODY_LEN_MAX: usize = 64 << 10;

/// Length of a secret that is handed over, in bytes: a shorter one could be guessed.
const LEARNED_LEN: std::ops::RangeInclusive<usize> = 16..=512;

/// One request of the sender that is answered here, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    pub(super) when: When,
    pub(super) check: HandshakeCheck,
    /// Where the credential's token is shown, for the check that wants it.
    pub(super) token: Option<Spot>,
    pub(super) reply: ReplyForm,
    /// Where the secret is handed over.
    pub(super) store: Option<Spot>,
}

impl Handshake {
    /// What has to be right before it is answered: for `Signature` whoever asks verifies the
    /// delivery as any other, for the rest [`Verifier::answer`] sees to it.
    pub fn check(&self) -> HandshakeCheck {
        self.check
    }

    pub fn method(&self) -> &Method {
        &self.when.method
    }

    pub(super) fn templates(&self) -> impl Iterator<Item = &Template> {
        self.reply.templates()
    }

    fn reads_json(&self) -> bool {
        let in_json = |it: &Option<Spot>| matches!(it, Some(Spot::Json(_)));
        in_json(&self.token) || in_json(&self.store) || self.templates().any(Template::reads_json)
    }
}

impl Verifier {
    /// The handshake that the delivery has the shape of.
    pub fn handshake(&self, delivery: &Delivery<'_>) -> Option<&Handshake> {
        if delivery.body.len() > BODY_LEN_MAX {
            return None;
        }
        self.description.0.handshakes.iter().find(|it| it.when.fits(delivery))
    }

    /// The answer; a `token` that is not the credential's is a mismatch, and so is a secret handed
    /// over that is none of those that are known already.
    pub fn answer(&self, handshake: &Handshake, delivery: &Delivery<'_>) -> Result<Reply, Refusal> {
        let document = match handshake.reads_json() {
            true => Document::Strict(Json::read(delivery.body)?),
            false => Document::Proved(delivery.body),
        };
        let signer = self.signers.first().and_then(|it| it.first());
        let account = self.account.as_deref();
        let facts = Facts { document, account, signer, ..Facts::of(delivery) };
        if let Some(spot) = &handshake.token {
            let shown = spot.text(&facts)?.ok_or(Refusal::Missing(What::Signature))?;
            let token = self.verify_token.as_ref().ok_or(Refusal::Mismatch)?;
            if !bool::from(sha256(shown.as_bytes()).ct_eq(token)) {
                return Err(Refusal::Mismatch);
            }
        }
        let learned = match &handshake.store {
            Some(spot) => self.learned(spot, &facts)?,
            None => None,
        };
        handshake.reply.made(&facts, learned)
    }

    /// The secret that is handed over; None where it is known already, as senders call again when
    /// they did not get the answer.
    fn learned(&self, spot: &Spot, facts: &Facts<'_>) -> Result<Option<Secret>, Refusal> {
        let text = spot.text(facts)?.ok_or(Refusal::Missing(What::Value))?;
        let plain = text.bytes().all(|it| it.is_ascii_graphic());
        if !plain || !LEARNED_LEN.contains(&text.len()) {
            return Err(Refusal::Malformed(What::Value));
        }
        if !self.is_waiting() {
            let sent = sha256(text.as_bytes());
            let known =
                self.known.iter().fold(Choice::from(0), |known, it| known | it.ct_eq(&sent));
            return if known.into() { Ok(None) } else { Err(Refusal::Mismatch) };
        }
        let secret = Secret::new(&*text);
        for rules in &self.description.0.ways {
            rules.signer(&secret).map_err(|_| Refusal::Malformed(What::Value))?;
        }
        Ok(Some(secret))
    }
}
