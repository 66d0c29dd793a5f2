//! The signatures of a request, and the comparison with what the secrets make.
use super::delivery::Facts;
use super::key::Signer;
use super::key::Tag;
use super::key::sha256;
use super::note::Note;
use super::raw::Algorithm;
use super::raw::Encoding;
use super::refusal::Refusal;
use super::refusal::What;
use super::reply;
use super::rules::Rules;
use super::signature;
use super::signature::Entries;
use super::signature::Place;
use super::template::Filter;
use super::template::Piece;
use super::template::Slot;
use super::verify::Case;
use std::borrow::Cow;
use subtle::Choice;
use subtle::ConstantTimeEq;

/// A signature of the request, decoded.
pub(super) struct Candidate<T> {
    pub(super) signature: T,
    /// The only secret that it may be made with; any where None.
    pub(super) secret: Option<usize>,
}

/// Each place that has something, with the text that is there.
pub(super) type Texts<'d, 'r> = [(&'r Place, Cow<'d, str>)];

/// The signature's list, which the labels are in.
pub(super) fn list<'d>(texts: &'d Texts<'_, 'd>) -> Option<Entries<'d>> {
    texts.iter().find_map(|(place, text)| place.entries(text))
}

/// The request's digests. Those that do not decode are left out where others do.
pub(super) fn digests(
    rules: &Rules,
    texts: &Texts<'_, '_>,
    note: &mut impl FnMut(Note<'_>),
) -> Result<Vec<Candidate<Tag>>, Refusal> {
    let len = rules.algorithm.digest_len();
    decoded(rules, texts, note, |place, text| {
        if !rules.is_token() {
            return signature::decoded(place.encoding.unwrap_or_default(), text, len);
        }
        let shown = match place.encoding {
            None => Cow::Borrowed(text.as_bytes()),
            Some(encoding) => Cow::Owned(signature::bytes(encoding, text)?),
        };
        Some(tag_of(&shown))
    })
}

/// The request's signatures by a private key.
pub(super) fn raw(
    rules: &Rules,
    texts: &Texts<'_, '_>,
    note: &mut impl FnMut(Note<'_>),
) -> Result<Vec<Candidate<Vec<u8>>>, Refusal> {
    decoded(rules, texts, note, |place, text| {
        signature::bytes(place.encoding.unwrap_or(Encoding::Hex), text)
    })
}

/// The request's signatures as they are.
pub(super) fn tokens<'d>(
    rules: &Rules,
    texts: &'d Texts<'_, '_>,
    note: &mut impl FnMut(Note<'_>),
) -> Result<Vec<Candidate<&'d str>>, Refusal> {
    decoded(rules, texts, note, |_, text| Some(text))
}

fn decoded<'d, T>(
    rules: &Rules,
    texts: &'d Texts<'_, '_>,
    note: &mut impl FnMut(Note<'_>),
    decode: impl Fn(&Place, &'d str) -> Option<T>,
) -> Result<Vec<Candidate<T>>, Refusal> {
    let mut seen = 0;
    let mut candidates = Vec::new();
    for (place, text) in texts {
        for encoded in place.signatures(text) {
            seen += 1;
            if seen > rules.max_signatures {
                note(Note::Signatures { seen, decoded: candidates.len() });
                return Err(Refusal::Malformed(What::Signature));
            }
            let signature = decode(place, encoded);
            candidates
                .extend(signature.map(|it| Candidate { signature: it, secret: place.secret }));
        }
    }
    note(Note::Signatures { seen, decoded: candidates.len() });
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

/// Tries the secrets on every spelling of the URL. Gives what the first secret makes of the request
/// as it was received.
pub(super) fn fingerprint(
    case: &Case<'_>,
    candidates: &[Candidate<Tag>],
    facts: &Facts<'_>,
    note: &mut impl FnMut(Note<'_>),
) -> Result<Tag, Refusal> {
    let mut first = None;
    for url in case.rules.urls(facts.delivery.url) {
        let facts = Facts { url: &url, ..*facts };
        let content = case.rules.content.pieces(&facts)?;
        note(Note::Content(&content));
        if case.signs_challenges && is_challenge(&content) {
            return Err(Refusal::Mismatch);
        }
        if case.rules.algorithm == Algorithm::Sha256 && is_extended(case.rules, &facts, &content) {
            return Err(Refusal::Mismatch);
        }
        let (tag, good) = compared(case, candidates, &content)?;
        let first = *first.get_or_insert(tag);
        note(Note::Compared { good, signatures: candidates.len(), keys: case.signers.len() });
        if good {
            return Ok(first);
        }
    }
    Err(Refusal::Mismatch)
}

/// Tries every secret on every candidate, without a shortcut that could tell how close one came.
fn compared(
    case: &Case<'_>,
    candidates: &[Candidate<Tag>],
    content: &[Piece<'_>],
) -> Result<(Tag, bool), Refusal> {
    let len = case.rules.algorithm.digest_len();
    let mut first = None;
    for (index, signer) in case.signers.iter().enumerate() {
        let tag = Signer::tag(signer, content);
        let first = *first.get_or_insert(tag);
        let mut good = Choice::from(0);
        for candidate in candidates {
            if candidate.secret.is_none_or(|it| it == index) {
                good |= candidate.signature[..len].ct_eq(&tag[..len]);
            }
        }
        if good.into() {
            return Ok((first, true));
        }
    }
    first.map(|it| (it, false)).ok_or(Refusal::Mismatch)
}

/// Whether this could be a plain hash that somebody without the key went on with: behind what was
/// signed there would be SHA-256's padding (FIPS 180-4 §5.1.1), which has zeros in it and is no text.
fn is_extended(rules: &Rules, facts: &Facts<'_>, content: &[Piece<'_>]) -> bool {
    let is_text = |it: &[u8]| !it.contains(&0) && std::str::from_utf8(it).is_ok();
    let hashes = |it: &Slot| it.filters.contains(&Filter::Sha256);
    let has_digest = rules.content.slots().any(hashes);
    let is_plain = |it: &Piece<'_>| match it {
        Piece::Bytes(bytes) => is_text(bytes),
        Piece::Key => true,
    };
    !is_text(facts.delivery.body) || !has_digest && !content.iter().all(is_plain)
}

/// Whether the whole content is what handshakes give an HMAC of.
fn is_challenge(content: &[Piece<'_>]) -> bool {
    let pieces = || {
        content.iter().map(|it| match it {
            Piece::Bytes(bytes) => &bytes[..],
            Piece::Key => &[],
        })
    };
    let len: usize = pieces().map(<[u8]>::len).sum();
    len <= reply::CHALLENGE_LEN_MAX && reply::is_challenge(&pieces().collect::<Vec<_>>().concat())
}

/// The SHA-256 of `bytes` where a tag is wanted.
pub(super) fn tag_of(bytes: &[u8]) -> Tag {
    let mut tag = [0; signature::DIGEST_LEN_MAX];
    tag[..32].copy_from_slice(&sha256(bytes));
    tag
}
