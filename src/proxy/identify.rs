//! Who is asking: the caller key, wherever it may stand.
use super::error::ProxyError;
use crate::auth::Scheme;
use crate::catalog::Auth;
use crate::catalog::Caller;
use crate::catalog::Snapshot;
use crate::resolve;
use crate::resolve::Tags;
use aws_lc_rs::digest;
use http::HeaderMap;
use http::header::PROXY_AUTHORIZATION;
use http::request::Parts;
use std::sync::Arc;

/// Shortest caller key, in bytes of visible ASCII.
const KEY_LEN_MIN: usize = 16;

/// Longest caller key: more is not worth hashing.
const KEY_LEN_MAX: usize = 512;

/// The caller whose key stands in `Attache-Key` or `Proxy-Authorization`; `None` where neither is
/// there. Two keys, or one that is unknown, are refused, whatever the other says.
pub fn by_header<'s>(
    snapshot: &'s Snapshot,
    headers: &HeaderMap,
) -> Result<Option<&'s Arc<Caller>>, ProxyError> {
    let mut found: Option<&Arc<Caller>> = None;
    for key in headers.get_all("attache-key") {
        found = Some(same(found, known(snapshot, key.as_bytes())?)?);
    }
    for value in headers.get_all(PROXY_AUTHORIZATION) {
        let value = value.as_bytes();
        let is_bearer = value.get(..7).is_some_and(|it| it.eq_ignore_ascii_case(b"bearer "));
        let key = if is_bearer { value[7..].trim_ascii() } else { b"" };
        found = Some(same(found, known(snapshot, key)?)?);
    }
    if headers.get_all("attache-key").iter().count() > 1
        || headers.get_all(PROXY_AUTHORIZATION).iter().count() > 1
    {
        return Err(ProxyError::UnknownCaller);
    }
    Ok(found)
}

/// With a path tag: the caller whose key stands where the connection's own credential goes.
///
/// A key in a place that only this connection has (its own header, parameter or cookie) counts only
/// if the caller may see the connection: the answer must not tell that it exists.
pub fn by_credential_place<'s>(
    snapshot: &'s Snapshot,
    head: &Parts,
    tags: &Tags<'_>,
) -> Result<&'s Arc<Caller>, ProxyError> {
    if !tags.from_path {
        return Err(ProxyError::NoCallerKey);
    }
    let found = resolve::find(snapshot, tags);
    let scheme = found.as_ref().and_then(|it| match &it.connection.method.auth {
        Auth::Outbound(scheme) => Some(scheme),
        Auth::Inbound(_) => None,
    });
    // Clients with a token send it so, whatever the connection's own scheme is.
    let anywhere = Scheme::Bearer.presented_key(head);
    if let Some(caller) = anywhere.and_then(|it| known(snapshot, &it).ok()) {
        return Ok(caller);
    }
    let key = scheme.and_then(|it| it.presented_key(head)).ok_or(ProxyError::NoCallerKey)?;
    let caller = known(snapshot, &key)?;
    match found {
        Some(it) if caller.may_use_connection(it.connection.key.as_str()) => Ok(caller),
        _ => Err(ProxyError::UnknownCaller),
    }
}

fn known<'s>(snapshot: &'s Snapshot, key: &[u8]) -> Result<&'s Arc<Caller>, ProxyError> {
    let is_key =
        (KEY_LEN_MIN..=KEY_LEN_MAX).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    if !is_key {
        return Err(ProxyError::UnknownCaller);
    }
    let hash = digest::digest(&digest::SHA256, key);
    let hash: &[u8; 32] = hash.as_ref().try_into().expect("SHA-256 has 32 bytes (FIPS 180-4)");
    snapshot.caller(hash).ok_or(ProxyError::UnknownCaller)
}

fn same<'s>(
    before: Option<&'s Arc<Caller>>,
    now: &'s Arc<Caller>,
) -> Result<&'s Arc<Caller>, ProxyError> {
    match before {
        Some(before) if !Arc::ptr_eq(before, now) => Err(ProxyError::UnknownCaller),
        _ => Ok(now),
    }
}
