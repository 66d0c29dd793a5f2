//! One origin's challenge, and the answers to it (RFC 7616 §3.4).
use super::challenge::Challenge;
use super::challenge::Said;
use super::challenge::Text;
use super::challenge::escaped;
use super::settings::Qop;
use crate::crypto::Digested;
use crate::crypto::Hash;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Everything but `attr-char` (RFC 8187 §3.2.1).
const EXTENDED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// Requests sent with a nonce: one for all who ever sign with it.
pub(super) type Counter = Arc<AtomicU32>;

/// A challenge that is answered until it is refused or replaced. All who sign for the origin share it.
pub(super) struct Session {
    pub challenge: Challenge,
    /// `username="…"` as it is sent.
    username: Box<[u8]>,
    /// H(username ":" realm ":" password) in hex.
    secret: Zeroizing<String>,
    /// Of a `-sess` algorithm: the client's number of the first answer, and H(A1) made with it (RFC 7616 §3.4.2).
    key: Arc<OnceLock<(Box<str>, Zeroizing<String>)>>,
    counter: Counter,
}

/// What of a request goes into an answer.
pub(super) struct Asked<'a> {
    pub method: &'a str,
    /// Path and query, byte for byte as they are sent.
    pub path: &'a str,
    pub query: Option<&'a str>,
    /// With [`Qop::AuthInt`].
    pub body: Option<Digested>,
}

impl Session {
    pub fn new(challenge: Challenge, username: &str, password: &str) -> Self {
        let (user, password): (Cow<'_, str>, Zeroizing<String>) = if challenge.is_utf8 {
            (username.nfc().collect::<String>().into(), Zeroizing::new(password.nfc().collect()))
        } else {
            (username.into(), Zeroizing::new(password.to_owned()))
        };
        let realm = &challenge.realm.plain;
        let hash = challenge.algorithm.hash();
        let secret = hashed(hash, &[user.as_bytes(), realm, password.as_bytes()]);
        let sent = sent_username(&challenge, &user, hash);
        Self {
            challenge,
            username: sent.into(),
            secret: Zeroizing::new(secret),
            key: Arc::default(),
            counter: Counter::default(),
        }
    }

    /// The same with the nonce that an answer gave for the next request (RFC 7616 §3.5): a session's key stays.
    pub fn next(&self, nonce: Text, counter: Counter) -> Self {
        Self {
            challenge: Challenge { nonce, is_stale: false, ..self.challenge.clone() },
            username: self.username.clone(),
            secret: self.secret.clone(),
            key: Arc::clone(&self.key),
            counter,
        }
    }

    /// As it takes another's place in its realm: with what its nonce was counted to before, and with a session's key where the
    /// nonce, of which that is made, stays.
    pub fn in_place_of(self, other: &Self, counter: Counter) -> Self {
        let (own, others) = (&self.challenge, &other.challenge);
        let has_same_key = own.nonce.plain == others.nonce.plain && self.secret == other.secret;
        let key = Arc::clone(if has_same_key { &other.key } else { &self.key });
        Self { key, counter, ..self }
    }

    pub fn counter(&self) -> Counter {
        Arc::clone(&self.counter)
    }

    /// Whether this is the nonce that a request had on.
    pub fn is_what_was_said(&self, said: &Said) -> bool {
        self.challenge.realm.plain == said.realm && self.challenge.nonce.plain == said.nonce
    }

    /// The next answer's number, from 1 on. `None` where the nonce has been used as often as can be written.
    pub fn count(&self) -> Option<u32> {
        let next = |count: u32| count.checked_add(1);
        let before = self.counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        before.ok().map(|it| it + 1)
    }

    /// The Authorization field. `client`: a number of the client's, used by nobody else.
    pub fn answer(&self, asked: &Asked<'_>, count: u32, client: &str) -> Vec<u8> {
        let challenge = &self.challenge;
        let hash = challenge.algorithm.hash();
        let (client, first) = if challenge.is_session {
            let made = self.key.get_or_init(|| {
                let parts = [self.secret.as_bytes(), &challenge.nonce.plain, client.as_bytes()];
                (client.into(), Zeroizing::new(hashed(hash, &parts)))
            });
            (&*made.0, &made.1)
        } else {
            (client, &self.secret)
        };
        let count = hex::encode(count.to_be_bytes());
        let second = self.second(hash, asked);
        let nonce = &challenge.nonce.plain;
        let response = match challenge.qop {
            Qop::None => hashed(hash, &[first.as_bytes(), nonce, second.as_bytes()]),
            qop => {
                let (count, client) = (count.as_bytes(), client.as_bytes());
                let parts = [first.as_bytes(), nonce, count, client, name(qop), second.as_bytes()];
                hashed(hash, &parts)
            }
        };
        let mut field = Vec::with_capacity(512);
        let mut put = |pieces: &[&[u8]]| pieces.iter().for_each(|it| field.extend_from_slice(it));
        put(&[b"Digest ", &self.username, b", realm=\"", &challenge.realm.raw, b"\", uri=\""]);
        put(&[&escaped(asked.path.as_bytes())]);
        if let Some(query) = asked.query {
            put(&[b"?", &escaped(query.as_bytes())]);
        }
        put(&[b"\""]);
        if let Some(name) = &challenge.algorithm_name {
            put(&[b", algorithm=", name]);
        }
        put(&[b", nonce=\"", &challenge.nonce.raw, b"\""]);
        if challenge.qop != Qop::None {
            put(&[b", nc=", count.as_bytes(), b", cnonce=\"", client.as_bytes()]);
            put(&[b"\", qop=", name(challenge.qop)]);
        }
        put(&[b", response=\"", response.as_bytes(), b"\""]);
        if let Some(opaque) = &challenge.opaque {
            put(&[b", opaque=\"", &opaque.raw, b"\""]);
        }
        if challenge.is_user_hashed {
            put(&[b", userhash=true"]);
        }
        field
    }

    /// H(A2) (RFC 7616 §3.4.3).
    fn second(&self, hash: Hash, asked: &Asked<'_>) -> String {
        let mut feed = hash.feed();
        feed.update(asked.method.as_bytes());
        feed.update(b":");
        feed.update(asked.path.as_bytes());
        if let Some(query) = asked.query {
            feed.update(b"?");
            feed.update(query.as_bytes());
        }
        if let (Qop::AuthInt, Some(body)) = (self.challenge.qop, asked.body) {
            feed.update(b":");
            feed.update(body.hex().as_bytes());
        }
        feed.finish().hex()
    }
}

/// The user's name as it is sent: a hash of it where the server asks for one; in the extended form (RFC 8187) where it
/// has other than ASCII and the server reads UTF-8.
fn sent_username(challenge: &Challenge, user: &str, hash: Hash) -> Vec<u8> {
    if challenge.is_user_hashed {
        let name = hashed(hash, &[user.as_bytes(), &challenge.realm.plain]);
        return [b"username=\"", name.as_bytes(), b"\""].concat();
    }
    if challenge.is_utf8 && !user.is_ascii() {
        let name = utf8_percent_encode(user, EXTENDED).to_string();
        return [b"username*=UTF-8''", name.as_bytes()].concat();
    }
    [b"username=\"", &*escaped(user.as_bytes()), b"\""].concat()
}

/// Of the parts with colons between them, in hex.
fn hashed(hash: Hash, parts: &[&[u8]]) -> String {
    let mut feed = hash.feed();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            feed.update(b":");
        }
        feed.update(part);
    }
    feed.finish().hex()
}

fn name(qop: Qop) -> &'static [u8] {
    match qop {
        Qop::Auth => b"auth",
        Qop::AuthInt => b"auth-int",
        Qop::None => b"",
    }
}
