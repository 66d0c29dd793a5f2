//! The verifier: a description with the secrets in it.
use super::bound;
use super::candidates;
use super::clock::Clock;
use super::clock::ClockAt;
use super::delivery::Delivery;
use super::delivery::Document;
use super::delivery::Facts;
use super::description::Description;
use super::json::Json;
use super::jwt::Token;
use super::key::Signer;
use super::key::Tag;
use super::keyed;
use super::named;
use super::named::Verified;
use super::note::Note;
use super::public_keys::PublicKeys;
use super::raw::Algorithm;
use super::refusal::Refusal;
use super::refusal::What;
use super::rules::Rules;
use super::spot::Spot;
use crate::model::UnixTime;
use std::borrow::Cow;

/// Most elements that are verified one by one in one delivery.
const ELEMENTS_MAX: usize = 256;

/// Checks deliveries against a description and the secrets of one connection or activation.
#[derive(Debug)]
pub struct Verifier {
    pub(super) description: Description,
    /// Of each way of signing; none where the sender hands its secret over and has not yet, or
    /// where its keys are fetched.
    pub(super) signers: Box<[Box<[Signer]>]>,
    /// SHA-256 of each secret as it was given.
    pub(super) known: Box<[[u8; 32]]>,
    /// SHA-256 of what a handshake shows.
    pub(super) verify_token: Option<[u8; 32]>,
    pub(super) account: Option<Box<str>>,
}

/// What a good signature leaves behind.
pub(super) struct Proof<'d> {
    /// The same for the same content and clock, whichever signature was sent.
    pub(super) fingerprint: Tag,
    /// The timestamp's text as sent, where it was read.
    pub(super) timestamp: Option<Cow<'d, str>>,
    /// The token, where it is one.
    pub(super) token: Option<String>,
}

/// One delivery under the eye of the rules that are for its shape.
#[derive(Clone, Copy)]
pub(super) struct Case<'v> {
    pub(super) rules: &'v Rules,
    pub(super) signers: &'v [Signer],
    pub(super) fetched: Option<&'v PublicKeys>,
    pub(super) now: UnixTime,
    /// Whether anybody may have got an HMAC of a short text.
    pub(super) signs_challenges: bool,
}

impl Verifier {
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Whether there is no secret yet: the sender hands it over in a handshake.
    pub fn is_waiting(&self) -> bool {
        self.known.is_empty() && self.description.learns_secret()
    }

    /// Whether the sender knows a secret and signed exactly this, not too long ago.
    ///
    /// `fetched`: the keys from where `keys_at` said. The body is only hashed until its signature is
    /// good, save where the signature or what it signs is in it: then it is read so strictly that
    /// nobody could read it otherwise.
    pub fn verify(
        &self,
        delivery: &Delivery<'_>,
        now: UnixTime,
        fetched: Option<&PublicKeys>,
    ) -> Result<Verified, Refusal> {
        self.verify_noting(delivery, now, fetched, &mut |_| {})
    }

    pub(super) fn verify_noting(
        &self,
        delivery: &Delivery<'_>,
        now: UnixTime,
        fetched: Option<&PublicKeys>,
        note: &mut impl FnMut(Note<'_>),
    ) -> Result<Verified, Refusal> {
        let ways = &self.description.0.ways;
        let way = self.way(delivery).ok_or(Refusal::Missing(What::Signature))?;
        note(Note::Way { index: way, of: ways.len() });
        let case = Case {
            rules: &ways[way],
            signers: &self.signers[way],
            fetched,
            now,
            signs_challenges: self.description.0.signs_challenges,
        };
        if self.is_waiting() {
            return Err(Refusal::Missing(What::Signature));
        }
        let rules = case.rules;
        let account = self.account.as_deref();
        required(rules, delivery, account, note)?;
        let field = match &rules.document {
            Some(name) => Some(delivery.form_value(name)?.ok_or(Refusal::Missing(What::Value))?),
            None => None,
        };
        let text = field.as_ref().map_or(delivery.body, |it| it.as_bytes());
        let document = match rules.reads_early {
            true => Document::Strict(Json::read(text)?),
            false => Document::Proved(text),
        };
        let facts = Facts { document, account, ..Facts::of(delivery) };
        let proof = match (&rules.each, document) {
            (Some(each), Document::Strict(json)) => {
                let elements = json.all(each)?.ok_or(Refusal::Missing(What::Signature))?;
                case.each(facts, &elements, note)?
            }
            (Some(_) | None, _) => case.proof(facts, note)?,
        };
        let is_detached = rules.jwt.as_ref().is_some_and(|it| it.detached.is_some());
        let token = proof.token.as_deref().and_then(|it| Token::read(it, is_detached));
        let facts = Facts { token: token.as_ref(), ..facts };
        if let Some(bind) = &rules.bind {
            note(Note::Bound(bind));
            bound::check(bind, &facts)?;
        }
        let timestamp = match (&rules.clock, proof.timestamp) {
            // From here on the sender is who it says it is.
            (Some(clock), None) => Some(case.late_clock(clock, &facts, note)?),
            (_, early) => early,
        };
        let facts = Facts { timestamp: timestamp.as_deref(), ..facts };
        named::verified(&self.description, rules, &facts, &proof.fingerprint)
    }

    /// The way of signing that is for requests of this shape.
    pub(super) fn way(&self, delivery: &Delivery<'_>) -> Option<usize> {
        let fits = |it: &Rules| it.when.as_ref().is_none_or(|when| when.fits(delivery));
        self.description.0.ways.iter().position(fits)
    }
}

impl Case<'_> {
    /// Every element has to verify, and there has to be one.
    fn each<'d>(
        &self,
        facts: Facts<'d>,
        elements: &[Json<'d>],
        note: &mut impl FnMut(Note<'_>),
    ) -> Result<Proof<'d>, Refusal> {
        if elements.is_empty() {
            return Err(Refusal::Missing(What::Signature));
        }
        if elements.len() > ELEMENTS_MAX {
            return Err(Refusal::Malformed(What::Signature));
        }
        let mut whole: Option<Proof<'d>> = None;
        for (index, element) in elements.iter().enumerate() {
            note(Note::Element { index, of: elements.len() });
            let facts = Facts { document: Document::Strict(*element), ..facts };
            let proof = self.proof(facts, note)?;
            whole = Some(match whole {
                None => proof,
                Some(mut before) => {
                    before.fingerprint =
                        candidates::tag_of(&[before.fingerprint, proof.fingerprint].concat());
                    before
                }
            });
        }
        whole.ok_or(Refusal::Missing(What::Signature))
    }

    /// One signature over one content.
    fn proof<'d>(
        &self,
        facts: Facts<'d>,
        note: &mut impl FnMut(Note<'_>),
    ) -> Result<Proof<'d>, Refusal> {
        let rules = self.rules;
        let mut texts = Vec::with_capacity(rules.places.len());
        for place in &rules.places {
            if let Some(text) = place.text(&facts)? {
                texts.push((place, text));
            }
        }
        let list = candidates::list(&texts);
        let early = clock_text(rules, &Facts { list, ..facts })?;
        let signed = Facts { list, timestamp: early.as_deref(), ..facts };
        let (fingerprint, token) = if let Some(jwt) = &rules.jwt {
            let candidates = candidates::tokens(rules, &texts, note)?;
            self.check_clock(early.as_deref(), note)?;
            keyed::token(self, jwt, &signed, &candidates, note)?
        } else if rules.algorithm.digest_len() == 0 {
            let signatures = candidates::raw(rules, &texts, note)?;
            self.check_clock(early.as_deref(), note)?;
            (keyed::fingerprint(self, &signatures, &signed, note)?, None)
        } else {
            let candidates = candidates::digests(rules, &texts, note)?;
            self.check_clock(early.as_deref(), note)?;
            (candidates::fingerprint(self, &candidates, &signed, note)?, None)
        };
        let timestamp = early.map(|it| Cow::Owned(it.into_owned()));
        Ok(Proof { fingerprint, timestamp, token })
    }

    fn check_clock(
        &self,
        text: Option<&str>,
        note: &mut impl FnMut(Note<'_>),
    ) -> Result<(), Refusal> {
        match (&self.rules.clock, text) {
            (Some(clock), Some(text)) => {
                note(Note::Timestamp { text, clock });
                clock.check(text, self.now)
            }
            _ => Ok(()),
        }
    }

    /// A clock within what had to be verified first.
    fn late_clock<'d>(
        &self,
        clock: &Clock,
        facts: &Facts<'d>,
        note: &mut impl FnMut(Note<'_>),
    ) -> Result<Cow<'d, str>, Refusal> {
        let malformed = |_| Refusal::Malformed(What::Timestamp);
        let text = match &clock.at {
            ClockAt::Spot(spot) => {
                // A target that takes the other one of two must not be told that this one is fresh.
                let document = facts.document.strict().map_err(malformed)?;
                spot.text(&Facts { document, ..*facts }).map_err(malformed)?
            }
            ClockAt::Claim(name) => facts.token.and_then(|it| it.claim_text(name)).map(Cow::Owned),
            ClockAt::Label(_) => None,
        };
        let text = text.ok_or(Refusal::Missing(What::Timestamp))?;
        self.check_clock(Some(&text), note)?;
        Ok(text)
    }
}

fn required(
    rules: &Rules,
    delivery: &Delivery<'_>,
    account: Option<&str>,
    note: &mut impl FnMut(Note<'_>),
) -> Result<(), Refusal> {
    for (name, expected) in &rules.require {
        note(Note::Required(name));
        let malformed = Refusal::Malformed(What::Required);
        let sent = delivery.header(name).map_err(|_| malformed)?;
        if !expected.is(sent.ok_or(Refusal::Missing(What::Required))?, account) {
            return Err(malformed);
        }
    }
    Ok(())
}

/// The timestamp as sent, unless it is in what has to be verified first.
fn clock_text<'d>(rules: &Rules, facts: &Facts<'d>) -> Result<Option<Cow<'d, str>>, Refusal> {
    let malformed = |_| Refusal::Malformed(What::Timestamp);
    let text = match rules.clock.as_ref().map(|it| &it.at) {
        None | Some(ClockAt::Claim(_)) => return Ok(None),
        Some(ClockAt::Spot(Spot::Json(_))) if !rules.reads_early => return Ok(None),
        Some(ClockAt::Spot(spot)) => spot.text(facts).map_err(malformed)?,
        Some(ClockAt::Label(label)) => facts.labelled(label).map_err(malformed)?.map(Cow::Borrowed),
    };
    text.map(Some).ok_or(Refusal::Missing(What::Timestamp))
}

impl Rules {
    pub(super) fn signer(
        &self,
        secret: &crate::model::Secret,
    ) -> Result<Signer, super::key::KeyError> {
        let is_shared = self.jwt.as_ref().is_some_and(|it| it.is_shared);
        self.key.signer(secret, self.algorithm, is_shared)
    }

    /// Whether nothing is signed, as the secret itself is shown.
    pub(super) fn is_token(&self) -> bool {
        self.algorithm == Algorithm::Token
    }
}
