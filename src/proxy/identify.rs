//! Who is asking: the caller key, wherever it may stand.
use super::error::ProxyError;
use super::head::Asks;
use super::head::Given;
use super::head::is_override;
use crate::auth::Scheme;
use crate::catalog::Caller;
use crate::catalog::CallerKey;
use crate::catalog::Snapshot;
use crate::model::Secret;
use crate::model::UnixTime;
use crate::resolve;
use crate::resolve::Tags;
use aws_lc_rs::digest;
use http::HeaderMap;
use http::header::PROXY_AUTHORIZATION;
use http::request::Parts;
use std::cell::Cell;
use std::cell::RefCell;
use std::hash::BuildHasher;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// Shortest caller key, in bytes of visible ASCII.
const KEY_LEN_MIN: usize = 16;

/// Longest caller key: more is not worth hashing.
const KEY_LEN_MAX: usize = 512;

/// The caller whose key stands in `Attache-Key` or `Proxy-Authorization`; `None` where neither is
/// there. Two keys, or one that is unknown, are refused, whatever the other says.
pub fn by_header(
    known: &KnownCallers,
    snapshot: &Snapshot,
    headers: &HeaderMap,
    asks: Asks<'_>,
) -> Result<Option<Arc<Caller>>, ProxyError> {
    let own = match asks.key {
        Given::Never => None,
        Given::Once(key) => Some(known.caller(snapshot, key.as_bytes())?),
        Given::Often => return Err(ProxyError::UnknownCaller),
    };
    if !asks.has_proxy_authorization {
        return Ok(own);
    }
    let mut values = headers.get_all(PROXY_AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(ProxyError::UnknownCaller);
    };
    let value = value.as_bytes();
    let is_bearer = value.get(..7).is_some_and(|it| it.eq_ignore_ascii_case(b"bearer "));
    let key = if is_bearer { value[7..].trim_ascii() } else { b"" };
    let caller = known.caller(snapshot, key)?;
    match own {
        Some(own) if !Arc::ptr_eq(&own, &caller) => Err(ProxyError::UnknownCaller),
        _ => Ok(Some(caller)),
    }
}

/// With a path tag: the caller whose key stands where the connection's own credential goes.
///
/// A key in a place that only this connection has (its own header, parameter or cookie) counts only
/// if the caller may see the connection: the answer must not tell that it exists.
pub fn by_credential_place(
    known: &KnownCallers,
    snapshot: &Snapshot,
    head: &Parts,
    tags: &Tags<'_>,
) -> Result<Arc<Caller>, ProxyError> {
    if !tags.from_path {
        return Err(ProxyError::NoCallerKey);
    }
    let found = resolve::find(snapshot, tags);
    let scheme = found.as_ref().and_then(|it| it.connection.method.auth.scheme());
    // Clients with a token send it so, whatever the connection's own scheme is.
    let anywhere = Scheme::Bearer.presented_key(head);
    if let Some(caller) = anywhere.and_then(|it| known.caller(snapshot, &it).ok()) {
        return Ok(caller);
    }
    let key = scheme.and_then(|it| it.presented_key(head)).ok_or(ProxyError::NoCallerKey)?;
    let caller = known.caller(snapshot, &key)?;
    match found {
        Some(it) if caller.may_use_connection(it.connection) => Ok(caller),
        _ => Err(ProxyError::UnknownCaller),
    }
}

/// False where a field names a method that this caller may not use.
pub fn may_override(caller: &Caller, headers: &HeaderMap) -> bool {
    headers.iter().filter(|(name, _)| is_override(name)).all(|(_, value)| {
        caller.may_use_method(&value.to_str().unwrap_or_default().trim().to_ascii_uppercase())
    })
}

/// Callers that this worker has seen lately, by a keyed hash of their key: a key is hashed with
/// SHA-256 once per worker and configuration, not once per request.
///
/// The keyed hash only finds the place; whether it is the same key is asked in constant time.
pub struct KnownCallers {
    places: RefCell<Vec<Option<KnownCaller>>>,
    generation: Cell<u64>,
    /// When the present request came.
    now: Cell<UnixTime>,
    hasher: foldhash::quality::RandomState,
}

struct KnownCaller {
    key: Secret,
    /// Of the configuration that knows it.
    generation: u64,
    /// When the key expires.
    expires: UnixTime,
    caller: Arc<Caller>,
}

/// Callers remembered per worker; a further one takes another's place. A power of two.
const KNOWN_MAX: usize = 256;

impl Default for KnownCallers {
    fn default() -> Self {
        let places = std::iter::repeat_with(|| None).take(KNOWN_MAX).collect();
        Self {
            places: RefCell::new(places),
            generation: Cell::new(0),
            now: Cell::new(UnixTime::default()),
            hasher: foldhash::quality::RandomState::default(),
        }
    }
}

impl KnownCallers {
    fn caller(&self, snapshot: &Snapshot, key: &[u8]) -> Result<Arc<Caller>, ProxyError> {
        let place = usize::try_from(self.hasher.hash_one(key)).unwrap_or(0) & (KNOWN_MAX - 1);
        if let Some(known) = &self.places.borrow()[place]
            && known.generation == self.generation.get()
            && self.now.get() < known.expires
            && bool::from(known.key.expose().as_bytes().ct_eq(key))
        {
            return Ok(Arc::clone(&known.caller));
        }
        let found = look_up(snapshot, key)?;
        let expires = found.expires.unwrap_or(NEVER);
        if self.now.get() >= expires {
            return Err(ProxyError::UnknownCaller);
        }
        let caller = Arc::clone(&found.caller);
        // A key is visible ASCII, or there would be no caller with it.
        let key = Secret::new(String::from_utf8_lossy(key));
        let generation = self.generation.get();
        let known = KnownCaller { key, generation, expires, caller: Arc::clone(&caller) };
        self.places.borrow_mut()[place] = Some(known);
        Ok(caller)
    }

    /// Says which configuration counts, and what time it is; with another configuration everybody is
    /// forgotten.
    pub fn serve(&self, generation: u64, now: UnixTime) {
        self.now.set(now);
        if self.generation.replace(generation) != generation {
            self.places.borrow_mut().iter_mut().for_each(|it| *it = None);
        }
    }
}

/// A key that does not expire.
const NEVER: UnixTime = UnixTime::from_ms(u64::MAX);

fn look_up<'s>(snapshot: &'s Snapshot, key: &[u8]) -> Result<&'s CallerKey, ProxyError> {
    let is_key =
        (KEY_LEN_MIN..=KEY_LEN_MAX).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    if !is_key {
        return Err(ProxyError::UnknownCaller);
    }
    let hash = digest::digest(&digest::SHA256, key);
    let hash: &[u8; 32] = hash.as_ref().try_into().expect("SHA-256 has 32 bytes (FIPS 180-4)");
    snapshot.caller_key(hash).ok_or(ProxyError::UnknownCaller)
}
