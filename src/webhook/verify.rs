//! The verifier: a description with the secrets in it.
use super::clock::ClockAt;
use super::delivery::Delivery;
use super::delivery::Facts;
use super::description::Description;
use super::description::ReplayBy;
use super::description::Rules;
use super::error::DescriptionError;
use super::error::Step;
use super::handshake::Handshake;
use super::key::Signer;
use super::key::Tag;
use super::key::sha256;
use super::public_keys::KeysAt;
use super::public_keys::PublicKeys;
use super::raw::Algorithm;
use super::refusal::Refusal;
use super::refusal::What;
use super::signature;
use super::signature::Entries;
use super::signature::Place;
use super::template::Piece;
use crate::model::Secret;
use crate::model::UnixTime;
use std::borrow::Cow;
use std::str;
use subtle::Choice;
use subtle::ConstantTimeEq;

/// Most secrets of one connection: the new one and the old ones, while rotating. Each costs a hash
/// of the body when none matches.
pub const SECRETS_MAX: usize = 8;

/// How long a delivery without a clock is remembered: a day, in which senders' own retries of what
/// they believe lost arrive.
const REMEMBER_UNCLOCKED_S: u64 = 86_400;

/// Longest id that is passed on in a header.
const ID_LEN_MAX: usize = 256;

/// Checks deliveries against a description and the secrets of one connection or activation.
#[derive(Debug)]
pub struct Verifier {
    description: Description,
    /// At least one.
    signers: Box<[Signer]>,
}

/// What the credential of a connection or activation has for its description.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// The new one first, then the old ones. Public keys where the sender signs with a private one.
    pub secrets: &'a [Secret],
    /// What a handshake shows (`check: token`).
    pub verify_token: Option<&'a Secret>,
    /// What one is known by at the sender: no secret.
    pub account: Option<&'a str>,
}

/// What a good delivery is called, and what it is remembered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The sender's id for it: 1 to 256 visible ASCII characters.
    pub id: Option<String>,
    /// The tenant that it names, where the description says where.
    pub tenant: Option<String>,
    /// None where a repeat cannot be told, or is not to be.
    pub replay_key: Option<ReplayKey>,
    /// How long it has to be remembered, in seconds.
    pub remember_s: u64,
}

/// A digest of what makes a delivery the same as another to the same connection and tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplayKey([u8; 32]);

/// A signature of the request, decoded.
struct Candidate {
    digest: Tag,
    /// The only secret that it may be made with; any where None.
    secret: Option<usize>,
}

impl Description {
    /// Takes the secrets in: the new one first, then the old ones.
    pub fn verifier(&self, given: &Given<'_>) -> Result<Verifier, DescriptionError> {
        let secrets = given.secrets;
        let whole = || vec![Step::from("secret")];
        if secrets.is_empty() {
            let hint = "write what the sender signs with; without it nothing can be verified";
            return Err(DescriptionError::new(whole(), "is missing", hint));
        }
        if secrets.len() > SECRETS_MAX {
            let hint = format!("keep the newest; at most {SECRETS_MAX} are tried");
            return Err(DescriptionError::new(whole(), "has too many values", hint));
        }
        let rules = &*self.0;
        if rules.places.iter().all(|it| it.secret.is_some_and(|at| at >= secrets.len())) {
            let hint = "each signature names its secret by number, counted from 0";
            return Err(DescriptionError::new(
                whole(),
                "is not what any signature is made with",
                hint,
            ));
        }
        let signers = secrets.iter().enumerate().map(|(index, secret)| {
            rules.key.signer(secret, rules.algorithm).map_err(|problem| {
                let mut path = whole();
                path.extend((secrets.len() > 1).then_some(Step::Index(index)));
                DescriptionError::new(
                    path,
                    problem.to_string(),
                    "copy it anew from the sender's settings",
                )
            })
        });
        Ok(Verifier { description: self.clone(), signers: signers.collect::<Result<_, _>>()? })
    }
}

impl Verifier {
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Whether there is no secret yet: the sender hands it over in a handshake.
    pub fn is_waiting(&self) -> bool {
        self.signers.is_empty()
    }

    /// Where the keys are that this delivery has to be verified with, where they are not given.
    /// Refused where it names a place of its own that is not among the hosts of the description.
    pub fn keys_at(&self, _delivery: &Delivery<'_>) -> Result<Option<KeysAt>, Refusal> {
        Ok(None)
    }

    /// The handshake that the delivery has the shape of.
    pub fn handshake(&self, _delivery: &Delivery<'_>) -> Option<&Handshake> {
        None
    }

    /// Whether the sender knows a secret and signed exactly this, not too long ago.
    ///
    /// The body is only hashed until its signature is good; what is read out of it (a clock, an id)
    /// is read afterwards.
    pub fn verify(
        &self,
        delivery: &Delivery<'_>,
        now: UnixTime,
        _fetched: Option<&PublicKeys>,
    ) -> Result<Verified, Refusal> {
        let rules = &*self.description.0;
        required(rules, delivery)?;
        let mut texts = Vec::with_capacity(rules.places.len());
        for place in &rules.places {
            if let Some(text) = place.text(delivery)? {
                texts.push((place, text));
            }
        }
        let candidates = candidates(rules, &texts)?;
        let mut facts = Facts { delivery, list: list(&texts), timestamp: None };
        let early = clock_text(rules, &facts)?;
        facts.timestamp = early;
        if let (Some(clock), Some(text)) = (&rules.clock, early) {
            clock.check(text, now)?;
        }
        let first_tag = self.match_any(&candidates, &rules.content.pieces(&facts)?)?;

        // From here on the sender is who it says it is.
        let late = match rules.clock.as_ref().map(|it| (it, &it.at)) {
            Some((clock, ClockAt::Json(pointer))) => {
                let text = pointer.find(delivery.body).ok_or(Refusal::Missing(What::Timestamp))?;
                clock.check(&text, now)?;
                Some(text)
            }
            _ => None,
        };
        let facts = Facts { timestamp: early.or(late.as_deref()), ..facts };
        verified(rules, &facts, &first_tag)
    }

    /// Tries every secret on every candidate, without a shortcut that could tell how close one came.
    /// Gives what the first secret makes of the content.
    fn match_any(&self, candidates: &[Candidate], content: &[Piece<'_>]) -> Result<Tag, Refusal> {
        let len = self.description.0.algorithm.digest_len();
        let mut first = None;
        for (index, signer) in self.signers.iter().enumerate() {
            let tag = signer.tag(content);
            let first = *first.get_or_insert(tag);
            let mut good = Choice::from(0);
            for candidate in candidates {
                if candidate.secret.is_none_or(|it| it == index) {
                    good |= candidate.digest[..len].ct_eq(&tag[..len]);
                }
            }
            if good.into() {
                return Ok(first);
            }
        }
        Err(Refusal::Mismatch)
    }
}

fn required(rules: &Rules, delivery: &Delivery<'_>) -> Result<(), Refusal> {
    for (name, value) in &rules.require {
        let malformed = Refusal::Malformed(What::Required);
        let sent = delivery.header(name).map_err(|_| malformed)?;
        if sent.ok_or(Refusal::Missing(What::Required))? != value.as_bytes() {
            return Err(malformed);
        }
    }
    Ok(())
}

/// The request's signatures, decoded. Those that do not decode are left out where others do.
fn candidates(rules: &Rules, texts: &[(&Place, Cow<'_, str>)]) -> Result<Vec<Candidate>, Refusal> {
    let mut seen = 0;
    let mut candidates = Vec::new();
    for (place, text) in texts {
        for encoded in place.signatures(text) {
            seen += 1;
            if seen > rules.max_signatures {
                return Err(Refusal::Malformed(What::Signature));
            }
            let digest = digest(rules.algorithm, place, encoded);
            candidates.extend(digest.map(|digest| Candidate { digest, secret: place.secret }));
        }
    }
    // A list without an entry of ours is unsigned; a text without the prefix is malformed.
    let unlisted = seen == 0 && list(texts).is_some();
    if texts.is_empty() || unlisted {
        Err(Refusal::Missing(What::Signature))
    } else if candidates.is_empty() {
        Err(Refusal::Malformed(What::Signature))
    } else {
        Ok(candidates)
    }
}

fn digest(algorithm: Algorithm, place: &Place, encoded: &str) -> Option<Tag> {
    let len = algorithm.digest_len();
    match algorithm {
        Algorithm::HmacSha256 | Algorithm::HmacSha1 | Algorithm::HmacSha512 | Algorithm::Sha256 => {
            signature::decoded(place.encoding, encoded, len)
        }
        Algorithm::Ed25519
        | Algorithm::EcdsaP256
        | Algorithm::RsaSha256
        | Algorithm::RsaSha1
        | Algorithm::Jwt => None,
        Algorithm::Token => {
            let mut tag = [0; signature::DIGEST_LEN_MAX];
            tag[..len].copy_from_slice(&sha256(encoded.as_bytes()));
            Some(tag)
        }
    }
}

/// The signature's list, which the labels are in.
fn list<'d>(texts: &'d [(&'d Place, Cow<'d, str>)]) -> Option<Entries<'d>> {
    texts.iter().find_map(|(place, text)| place.entries(text))
}

/// The timestamp as sent, unless it is within the body, which cannot be trusted yet.
fn clock_text<'d>(rules: &Rules, facts: &Facts<'d>) -> Result<Option<&'d str>, Refusal> {
    let malformed = Refusal::Malformed(What::Timestamp);
    let text = match rules.clock.as_ref().map(|it| &it.at) {
        None | Some(ClockAt::Json(_)) => return Ok(None),
        Some(ClockAt::Header(name)) => {
            let sent = facts.delivery.header(name).map_err(|_| malformed)?;
            sent.map(str::from_utf8).transpose().map_err(|_| malformed)?
        }
        Some(ClockAt::Label(label)) => facts.labelled(label).map_err(|_| malformed)?,
    };
    text.map(Some).ok_or(Refusal::Missing(What::Timestamp))
}

fn verified(rules: &Rules, facts: &Facts<'_>, first_tag: &Tag) -> Result<Verified, Refusal> {
    let text = |template: Option<&_>| {
        let template: &super::template::Template = template?;
        template.text(facts).transpose()
    };
    let id = text(rules.id.as_ref()).transpose()?;
    let replay_key = match &rules.replay {
        ReplayBy::Off => None,
        ReplayBy::Key { configured, id: id_counts } => {
            let configured = text(configured.as_ref()).transpose()?;
            let id = id.as_ref().filter(|_| *id_counts);
            let signed = || rules.clock.is_some().then(|| ReplayKey::of(b'S', first_tag));
            configured
                .map(|it| ReplayKey::of(b'K', &it))
                .or_else(|| id.map(|it| ReplayKey::of(b'I', it)))
                .or_else(signed)
        }
    };
    let remember_s = rules.clock.as_ref().map_or(REMEMBER_UNCLOCKED_S, |it| it.window_s());
    Ok(Verified { id: id.and_then(printable), tenant: None, replay_key, remember_s })
}

/// The id as a header can carry it; None where it cannot.
fn printable(id: Vec<u8>) -> Option<String> {
    let plain = id.len() <= ID_LEN_MAX && id.iter().all(u8::is_ascii_graphic);
    plain.then(|| String::from_utf8(id).ok())?
}

impl ReplayKey {
    /// Keys of different kinds differ even if what they are made of does not.
    fn of(kind: u8, name: &[u8]) -> Self {
        Self(sha256(&[&[kind], name].concat()))
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
