//! Tokens as they are made, and the one that is good for a while.
use super::super::BodyUse;
use super::super::Draft;
use super::super::Moment;
use super::super::Placed;
use super::super::SignError;
use super::super::query;
use super::super::slot::Slot;
use super::claims::Filled;
use super::claims::Occasion;
use crate::crypto::Digested;
use crate::crypto::Feed;
use crate::crypto::Hash;
use crate::crypto::SigningKey;
use crate::crypto::encoded;
use crate::model::UnixTime;
use arc_swap::ArcSwapOption;
use http::HeaderName;
use http::HeaderValue;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use zeroize::Zeroizing;

/// Longest time before its end at which a token is made anew, in seconds; of a short one a fifth of its life.
const MARGIN_MAX_S: u64 = 60;

/// Settings and keys, ready to sign.
pub struct JwtSigner {
    pub(super) key: SigningKey,
    /// The header, encoded, and the dot behind it.
    pub(super) head: Box<str>,
    pub(super) claims: Filled,
    /// What the body is hashed with.
    pub(super) hashes: Box<[Hash]>,
    pub(super) lifetime_s: u64,
    pub(super) backdate_s: u64,
    /// A header or a query parameter.
    pub(super) slot: Slot,
    /// Around the token.
    pub(super) before: Box<str>,
    pub(super) after: Box<str>,
    /// `None` where each request has its own.
    pub(super) kept: Option<Kept>,
}

/// The token that is served at present.
#[derive(Default)]
pub(super) struct Kept {
    current: ArcSwapOption<Minted>,
    /// Held by whoever makes the next one.
    minting: Mutex<()>,
}

/// A token in its finished form.
struct Minted {
    value: Finished,
    /// Seconds since 1970: when it was made, when the next one is due, and when it is over.
    made: u64,
    due: u64,
    over: u64,
}

#[derive(Clone)]
enum Finished {
    Field(HeaderValue),
    /// `name=value`, percent-encoded.
    Pair(Zeroizing<String>),
}

impl JwtSigner {
    pub(in super::super) fn body_use(&self) -> BodyUse {
        if self.hashes.is_empty() { BodyUse::Untouched } else { BodyUse::Fed }
    }

    pub(in super::super) fn begin(&self) -> Vec<Feed> {
        self.hashes.iter().map(|it| it.feed()).collect()
    }

    pub(in super::super) fn sign(
        &self,
        draft: &mut Draft<'_>,
        moment: &Moment,
        fed: Vec<Feed>,
    ) -> Result<(), SignError> {
        let digests: Vec<Digested> = fed.into_iter().map(Feed::finish).collect();
        let Some(kept) = &self.kept else {
            let minted = self.mint(draft, moment, &digests);
            self.put(draft, &minted.value);
            return Ok(());
        };
        let minted = kept.current(moment.now, || self.mint(draft, moment, &digests));
        self.put(draft, &minted.value);
        Ok(())
    }

    pub(in super::super) fn headers(&self) -> Vec<HeaderName> {
        match &self.slot {
            Slot::Header(name) => vec![name.clone()],
            Slot::Query(_) | Slot::Cookie(_) => Vec::new(),
        }
    }

    pub(in super::super) fn describe(&self) -> Vec<Placed> {
        vec![Placed { place: self.slot.place(), name: self.slot.name().to_owned() }]
    }

    fn mint(&self, draft: &Draft<'_>, moment: &Moment, digests: &[Digested]) -> Minted {
        let made = moment.now.as_s();
        let over = made.saturating_add(self.lifetime_s);
        let iat = made.saturating_sub(self.backdate_s);
        let occasion = Occasion { draft, moment, iat, exp: over, digests };
        let claims = self.claims.render(&self.hashes, &occasion);
        // Room for all of it: 683 bytes are the signature of the longest key.
        let room = self.before.len() + self.head.len() + claims.len() * 4 / 3 + 700;
        let mut text = Zeroizing::new(String::with_capacity(room + self.after.len() + 8));
        text.push_str(&self.before);
        text.push_str(&self.head);
        text.push_str(&Zeroizing::new(encoded(claims.as_bytes())));
        let signature = self.key.sign(&text.as_bytes()[self.before.len()..]);
        text.push('.');
        text.push_str(&encoded(&signature));
        text.push_str(&self.after);
        let value = match &self.slot {
            Slot::Query(name) | Slot::Cookie(name) => Finished::Pair(query::pair(name, &text)),
            Slot::Header(_) => {
                let mut value = HeaderValue::from_bytes(text.as_bytes())
                    .expect("what stands around the token can be sent, and so can the token");
                value.set_sensitive(true);
                Finished::Field(value)
            }
        };
        let margin = (self.lifetime_s / 5).min(MARGIN_MAX_S);
        Minted { value, made, due: over - margin, over }
    }

    fn put(&self, draft: &mut Draft<'_>, value: &Finished) {
        match (&self.slot, value) {
            (Slot::Header(name), Finished::Field(value)) => draft.set(name, value.clone()),
            (slot, Finished::Pair(pair)) => draft.put_query(&[slot.name().into()], pair),
            (_, Finished::Field(_)) => unreachable!("a field's value is made for a field"),
        }
    }
}

impl Kept {
    /// The one that is good now. Whoever finds it due makes the next, one at a time: the others go on with it
    /// while it lasts, and wait where it does not.
    fn current(&self, now: UnixTime, mint: impl FnOnce() -> Minted) -> Arc<Minted> {
        let now = now.as_s();
        let current = || self.current.load_full().filter(|it| it.is_good(now));
        let held = match current() {
            Some(minted) if now < minted.due => return minted,
            Some(minted) => match self.minting.try_lock() {
                Ok(held) => held,
                Err(_) => return minted,
            },
            None => self.minting.lock().unwrap_or_else(PoisonError::into_inner),
        };
        if let Some(minted) = current().filter(|it| now < it.due) {
            return minted;
        }
        let minted = Arc::new(mint());
        self.current.store(Some(Arc::clone(&minted)));
        drop(held);
        minted
    }
}

impl Minted {
    /// False as well where the clock has gone back behind the hour that it was made at: a server would take it for one
    /// from the future.
    fn is_good(&self, now: u64) -> bool {
        self.made <= now && now < self.over
    }
}

impl fmt::Debug for JwtSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[signer]")
    }
}
