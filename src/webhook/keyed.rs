//! Signatures by the sender's private key, and tokens; and where the public keys are.
use super::candidates;
use super::candidates::Candidate;
use super::delivery::Delivery;
use super::delivery::Document;
use super::delivery::Facts;
use super::json::Json;
use super::jwt::KeyFor;
use super::jwt::Leeway;
use super::jwt::Token;
use super::key::Signer;
use super::key::Tag;
use super::note::Note;
use super::pinned::pinned;
use super::public_keys::KeysAt;
use super::public_keys::KeysForm;
use super::raw::Algorithm;
use super::refusal::Refusal;
use super::refusal::What;
use super::rules::Jwt;
use super::rules::KeyUrlAt;
use super::rules::KeysFrom;
use super::rules::Rules;
use super::spot::Spot;
use super::template::Piece;
use super::verify::Case;
use super::verify::Verifier;
use crate::crypto::PublicKey;
use crate::crypto::Verify;
use std::borrow::Cow;

/// How far a token's own times may be off: clocks of two machines.
const LEEWAY: Leeway = Leeway { past_s: 60, future_s: 60 };

/// Tries the public keys on every spelling of the URL. Gives a digest of what was signed: one and
/// the same content can have many good signatures (of ECDSA two from each one).
pub(super) fn fingerprint(
    case: &Case<'_>,
    signatures: &[Candidate<Vec<u8>>],
    facts: &Facts<'_>,
    note: &mut impl FnMut(Note<'_>),
) -> Result<Tag, Refusal> {
    let how = match case.rules.algorithm {
        Algorithm::Ed25519 => Verify::Ed25519,
        Algorithm::EcdsaP256 => Verify::EcdsaP256Der,
        Algorithm::RsaSha256 => Verify::RsaSha256,
        Algorithm::RsaSha1 => Verify::RsaSha1,
        Algorithm::HmacSha256
        | Algorithm::HmacSha1
        | Algorithm::HmacSha512
        | Algorithm::Sha256
        | Algorithm::Token
        | Algorithm::Jwt => return Err(Refusal::Mismatch),
    };
    let keys = public_keys(case, None);
    for url in case.rules.urls(facts.delivery.url) {
        let facts = Facts { url: &url, ..*facts };
        let content = case.rules.content.pieces(&facts)?;
        note(Note::Content(&content));
        let message = joined(&content);
        let good = signatures.iter().any(|it| {
            let fits = |index: usize| it.secret.is_none_or(|wanted| wanted == index);
            let mut tried = keys.iter().enumerate().filter(|(index, _)| fits(*index));
            tried.any(|(_, key)| key.verify(how, &message, &it.signature))
        });
        note(Note::Compared { good, signatures: signatures.len(), keys: keys.len() });
        if good {
            return Ok(candidates::tag_of(&message));
        }
    }
    Err(Refusal::Mismatch)
}

/// The token that one of the keys signed and that says what it has to, with a digest of what is
/// signed in it.
pub(super) fn token(
    case: &Case<'_>,
    jwt: &Jwt,
    facts: &Facts<'_>,
    candidates: &[Candidate<&str>],
    note: &mut impl FnMut(Note<'_>),
) -> Result<(Tag, Option<String>), Refusal> {
    let mut refusal = Refusal::Malformed(What::Signature);
    for candidate in candidates {
        let text = candidate.signature;
        let Some(token) = Token::read(text, jwt.detached.is_some()) else {
            continue;
        };
        refusal = Refusal::Mismatch;
        let facts = Facts { token: Some(&token), ..*facts };
        let payload = match &jwt.detached {
            None => None,
            Some(template) => {
                let content = template.pieces(&facts)?;
                note(Note::Content(&content));
                Some(joined(&content))
            }
        };
        let verifies = |key: KeyFor<'_>| match &payload {
            None => jwt.rules.verifies(&token, key),
            Some(payload) => jwt.rules.verifies_detached(&token, payload, key),
        };
        let keys = token_keys(case, &token);
        let fits = |index: usize| candidate.secret.is_none_or(|it| it == index);
        let good = keys.iter().enumerate().any(|(index, key)| fits(index) && verifies(*key));
        note(Note::Compared { good, signatures: candidates.len(), keys: keys.len() });
        if !good {
            continue;
        }
        note(Note::Claims);
        jwt.rules.check(&token, case.now, LEEWAY, facts.account)?;
        claims(jwt, &token, &facts)?;
        let signed = match &payload {
            Some(payload) => payload,
            // Less the signature, of which there can be many good ones.
            None => &text.as_bytes()[..text.rfind('.').unwrap_or_default()],
        };
        return Ok((candidates::tag_of(signed), Some(text.to_owned())));
    }
    Err(refusal)
}

/// Claims that have to be there with a value that the delivery itself gives.
fn claims(jwt: &Jwt, token: &Token<'_>, facts: &Facts<'_>) -> Result<(), Refusal> {
    for (name, template) in &jwt.claims {
        let said = token.claim_text(name).ok_or(Refusal::Missing(What::Required))?;
        let wanted = template.text(facts)?.ok_or(Refusal::Missing(What::Value))?;
        if said.as_bytes() != wanted {
            return Err(Refusal::Mismatch);
        }
    }
    Ok(())
}

fn token_keys<'c>(case: &Case<'c>, token: &Token<'_>) -> Vec<KeyFor<'c>> {
    let shared = case.signers.iter().filter_map(|it| match it {
        Signer::Jwt { key } => Some(KeyFor::Shared(key)),
        Signer::Hmac(_) | Signer::Hash { .. } | Signer::Token { .. } | Signer::Public(_) => None,
    });
    shared.chain(public_keys(case, token.kid()).into_iter().map(KeyFor::Public)).collect()
}

/// The keys that may verify: those of the credential, or what was fetched.
fn public_keys<'c>(case: &Case<'c>, kid: Option<&str>) -> Vec<&'c PublicKey> {
    match (&case.rules.keys_from, case.fetched) {
        (KeysFrom::Given, _) => {
            let keys = case.signers.iter().filter_map(|it| match it {
                Signer::Public(key) => Some(&**key),
                Signer::Hmac(_)
                | Signer::Hash { .. }
                | Signer::Token { .. }
                | Signer::Jwt { .. } => None,
            });
            keys.collect()
        }
        (KeysFrom::Jwks(_) | KeysFrom::Named { at: KeyUrlAt::Parameter(_), .. }, Some(fetched)) => {
            fetched.for_kid(kid).collect()
        }
        (KeysFrom::Named { at: KeyUrlAt::Spot(_), .. }, Some(fetched)) => {
            fetched.keys(case.now).collect()
        }
        (KeysFrom::Jwks(_) | KeysFrom::Named { .. }, None) => Vec::new(),
    }
}

fn joined(content: &[Piece<'_>]) -> Vec<u8> {
    let pieces = content.iter().map(|it| match it {
        Piece::Bytes(bytes) => &bytes[..],
        // The key is no part of such a content: `Description` saw to that.
        Piece::Key => &[],
    });
    pieces.collect::<Vec<_>>().concat()
}

impl Verifier {
    /// Where the keys are that this delivery has to be verified with, where they are not given.
    /// Refused where it names a place of its own that is not among the hosts of the description.
    pub fn keys_at(&self, delivery: &Delivery<'_>) -> Result<Option<KeysAt>, Refusal> {
        let Some(way) = self.way(delivery) else {
            return Ok(None);
        };
        let rules = &self.description.0.ways[way];
        match &rules.keys_from {
            KeysFrom::Given => Ok(None),
            KeysFrom::Jwks(url) => {
                let kid = match &rules.jwt {
                    Some(jwt) => kid(rules, jwt, delivery)?,
                    None => None,
                };
                Ok(Some(KeysAt { url: (**url).to_owned(), form: KeysForm::Jwks, kid }))
            }
            KeysFrom::Named { at: KeyUrlAt::Spot(spot), hosts, paths } => {
                let url = spot_text(spot, delivery)?.ok_or(Refusal::Missing(What::Signature))?;
                let url = pinned(&url, hosts, paths).ok_or(Refusal::Malformed(What::Signature))?;
                Ok(Some(KeysAt { url, form: KeysForm::Certificate, kid: None }))
            }
            KeysFrom::Named { at: KeyUrlAt::Parameter(name), hosts, paths } => {
                let malformed = Refusal::Malformed(What::Signature);
                let is_detached = rules.jwt.as_ref().is_some_and(|it| it.detached.is_some());
                let text = first_token(rules, delivery)?;
                let token = Token::read(&text, is_detached).ok_or(malformed)?;
                let url =
                    pinned(token.header(name).ok_or(malformed)?, hosts, paths).ok_or(malformed)?;
                let kid = token.kid().map(str::to_owned);
                Ok(Some(KeysAt { url, form: KeysForm::Jwks, kid }))
            }
        }
    }
}

fn kid(rules: &Rules, jwt: &Jwt, delivery: &Delivery<'_>) -> Result<Option<String>, Refusal> {
    let text = first_token(rules, delivery)?;
    let token = Token::read(&text, jwt.detached.is_some());
    let token = token.ok_or(Refusal::Malformed(What::Signature))?;
    Ok(token.kid().map(str::to_owned))
}

/// The first token's text, not believed.
fn first_token(rules: &Rules, delivery: &Delivery<'_>) -> Result<String, Refusal> {
    let facts = early_facts(rules, delivery)?;
    for place in &rules.places {
        if let Some(text) = place.text(&facts)? {
            let first = place.signatures(&text).next();
            return first.map(str::to_owned).ok_or(Refusal::Malformed(What::Signature));
        }
    }
    Err(Refusal::Missing(What::Signature))
}

fn early_facts<'d>(rules: &Rules, delivery: &'d Delivery<'d>) -> Result<Facts<'d>, Refusal> {
    let facts = Facts::of(delivery);
    Ok(match rules.reads_early && rules.document.is_none() {
        true => Facts { document: Document::Strict(Json::read(delivery.body)?), ..facts },
        false => facts,
    })
}

fn spot_text(spot: &Spot, delivery: &Delivery<'_>) -> Result<Option<String>, Refusal> {
    let facts = Facts::of(delivery);
    let facts = match spot {
        Spot::Json(_) => Facts { document: Document::Strict(Json::read(delivery.body)?), ..facts },
        Spot::Header(_) | Spot::Query(_) | Spot::Form(_) => facts,
    };
    Ok(spot.text(&facts)?.map(Cow::into_owned))
}
