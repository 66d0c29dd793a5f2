//! A verification told step by step, for people who look for the one that fails.
//!
//! What is shown is what the sender sent and what is hashed, never a key and never the signature
//! that would have been right: whoever reads it could sign with that.
use super::delivery::Delivery;
use super::named::Verified;
use super::note::Note;
use super::public_keys::PublicKeys;
use super::refusal::Refusal;
use super::refusal::What;
use super::rules::BoundAt;
use super::spot::Spot;
use super::template::Piece;
use super::verify::Verifier;
use crate::model::UnixTime;
use std::fmt;

/// What became of a delivery, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// In the order in which they were done; the last one is where it failed, if it did.
    pub steps: Vec<Examined>,
    pub verdict: Result<Verified, Refusal>,
}

/// One step of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    pub part: Part,
    pub passed: bool,
    /// One line without the delivery's own text in it, save for a timestamp, an id or a tenant.
    pub text: String,
    /// The exact bytes that are signed, with `[key]` where the key is.
    pub content: Option<Vec<u8>>,
}

/// What a step looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Which of the alternatives is for a request of this shape.
    Alternative,
    /// A header that has to be there.
    Required,
    /// One of what is signed one by one.
    Element,
    Signature,
    Timestamp,
    /// What is signed.
    Content,
    /// The signature held against what the keys make of the content.
    Comparison,
    /// What a token says of itself.
    Claims,
    /// The digest of the body in a signed place.
    Bound,
    Id,
    Tenant,
    /// What the delivery is remembered by.
    Replay,
}

impl Verifier {
    /// The same steps as [`Verifier::verify`], written down.
    pub fn explain(
        &self,
        delivery: &Delivery<'_>,
        now: UnixTime,
        fetched: Option<&PublicKeys>,
    ) -> Explained {
        let mut steps = Vec::new();
        let mut write = |note: Note<'_>| steps.extend(examined(note, now));
        let verdict = self.verify_noting(delivery, now, fetched, &mut write);
        match &verdict {
            Ok(verified) => steps.extend(names(verified)),
            Err(refusal) => self.fail(&mut steps, *refusal),
        }
        Explained { steps, verdict }
    }

    /// Says which step the refusal is of.
    fn fail(&self, steps: &mut Vec<Examined>, refusal: Refusal) {
        let last = steps.last().map(|it| it.part);
        let part = match (refusal, last) {
            (Refusal::Missing(What::Signature), None) => Part::Alternative,
            (
                Refusal::Mismatch | Refusal::Missing(_) | Refusal::Malformed(_),
                Some(Part::Bound),
            ) => Part::Bound,
            (Refusal::Missing(What::Required) | Refusal::Stale, Some(Part::Claims)) => Part::Claims,
            (Refusal::Malformed(_), Some(Part::Claims)) => Part::Claims,
            (Refusal::Missing(What::Required) | Refusal::Malformed(What::Required), _) => {
                Part::Required
            }
            (Refusal::Missing(What::Signature) | Refusal::Malformed(What::Signature), _) => {
                Part::Signature
            }
            (Refusal::Missing(What::Timestamp) | Refusal::Malformed(What::Timestamp), _) => {
                Part::Timestamp
            }
            (Refusal::Stale, _) => Part::Timestamp,
            (Refusal::Missing(What::Value) | Refusal::Malformed(What::Value), _) => Part::Content,
            (Refusal::Mismatch, Some(Part::Claims)) => Part::Claims,
            (Refusal::Mismatch, _) => Part::Comparison,
        };
        let reason = match part {
            Part::Alternative => "no alternative is for requests of this shape".to_owned(),
            Part::Signature if self.is_waiting() => {
                "there is no secret yet: the sender has not handed it over".to_owned()
            }
            Part::Required
            | Part::Element
            | Part::Signature
            | Part::Timestamp
            | Part::Content
            | Part::Comparison
            | Part::Claims
            | Part::Bound
            | Part::Id
            | Part::Tenant
            | Part::Replay => refusal.to_string(),
        };
        match steps.last_mut() {
            Some(step) if step.part == part && step.content.is_none() => {
                step.passed = false;
                step.text = format!("{}: {reason}", step.text);
            }
            _ => steps.push(Examined { part, passed: false, text: reason, content: None }),
        }
    }
}

fn examined(note: Note<'_>, now: UnixTime) -> Option<Examined> {
    let mut content = None;
    let mut passed = true;
    let (part, text) = match note {
        Note::Way { of: 1, .. } => return None,
        Note::Way { index, of } => {
            (Part::Alternative, format!("alternative {} of {of} is for this request", index + 1))
        }
        Note::Required(name) => (Part::Required, format!("header `{name}`")),
        Note::Element { index, of } => (Part::Element, format!("element {} of {of}", index + 1)),
        Note::Signatures { seen, decoded } => {
            (Part::Signature, format!("{seen} found, {decoded} in the right encoding and length"))
        }
        Note::Timestamp { text, clock } => {
            let text = Shown(text);
            let age = match clock.age_s(text.0, now) {
                None => format!("`{text}`"),
                Some(age @ 0..) => format!("`{text}` is {age} s old"),
                Some(ahead) => format!("`{text}` is {} s ahead", ahead.unsigned_abs()),
            };
            let (past, future) = (clock.past_s, clock.future_s);
            (Part::Timestamp, format!("{age}; up to {past} s old and {future} s ahead are taken"))
        }
        Note::Content(pieces) => {
            let bytes = shown(pieces);
            let text = format!("{} bytes are signed", bytes.len());
            content = Some(bytes);
            (Part::Content, text)
        }
        Note::Compared { good, signatures, keys } => {
            passed = good;
            let verdict = if good { "one matches" } else { "none matches" };
            (Part::Comparison, format!("{signatures} signatures, {keys} keys: {verdict}"))
        }
        Note::Claims => (Part::Claims, "what the token says of itself".to_owned()),
        Note::Bound(bind) => {
            let place = match &bind.at {
                BoundAt::Claim(name) => format!("claim `{name}`"),
                BoundAt::Spot(spot) => spot.to_string(),
            };
            (Part::Bound, format!("digest of the body in {place}"))
        }
    };
    Some(Examined { part, passed, text, content })
}

fn names(verified: &Verified) -> Vec<Examined> {
    let step = |part, text: String| Examined { part, passed: true, text, content: None };
    let id = verified.id.as_deref().map_or("has none".to_owned(), |it| format!("`{}`", Shown(it)));
    let tenant =
        verified.tenant.as_deref().map(|it| step(Part::Tenant, format!("`{}`", Shown(it))));
    let replay = match verified.replay_key {
        None => "a repeat cannot be told, or is not to be".to_owned(),
        Some(_) => format!("remembered for {} s once it arrived", verified.remember_s),
    };
    [step(Part::Id, id)].into_iter().chain(tenant).chain([step(Part::Replay, replay)]).collect()
}

fn shown(pieces: &[Piece<'_>]) -> Vec<u8> {
    let pieces = pieces.iter().map(|it| match it {
        Piece::Bytes(bytes) => &bytes[..],
        Piece::Key => b"[key]",
    });
    pieces.collect::<Vec<_>>().concat()
}

/// Text of the delivery's own, at most 80 characters of it and nothing that moves a cursor.
struct Shown<'t>(&'t str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().take(80).try_for_each(|it| write!(f, "{}", it.escape_debug()))
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header `{name}`"),
            Self::Query(name) => write!(f, "query parameter `{name}`"),
            Self::Form(name) => write!(f, "form field `{name}`"),
            Self::Json(pointer) => {
                f.write_str("JSON `")?;
                pointer.names().try_for_each(|it| write!(f, "/{it}"))?;
                f.write_str("`")
            }
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alternative => "alternative",
            Self::Required => "required",
            Self::Element => "element",
            Self::Signature => "signature",
            Self::Timestamp => "timestamp",
            Self::Content => "content",
            Self::Comparison => "comparison",
            Self::Claims => "claims",
            Self::Bound => "digest",
            Self::Id => "id",
            Self::Tenant => "tenant",
            Self::Replay => "replay",
        })
    }
}
