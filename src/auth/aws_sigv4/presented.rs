//! The caller key where an AWS SDK puts its access key id.
use super::super::presented;
use super::super::query;
use http::header::AUTHORIZATION;
use http::request::Parts;
use std::borrow::Cow;

/// There is something where a key stands, and not one key.
struct Unclear;

/// What the Credential of a signature begins with, in Authorization or in the query; otherwise what Authorization has.
/// Two that differ are none, as are two in one place.
/// A caller key may have a `/`; day, region, service and `aws4_request` behind it have none.
pub(in crate::auth) fn key(head: &Parts) -> Option<Cow<'_, [u8]>> {
    match (in_query(head).ok()?, in_field(head).ok()?) {
        (Some(one), Some(other)) => (one == other).then_some(one),
        (one, other) => one.or(other),
    }
}

fn in_query(head: &Parts) -> Result<Option<Cow<'_, [u8]>>, Unclear> {
    let Some(credential) = parameter(head, "X-Amz-Credential")? else { return Ok(None) };
    let algorithm = parameter(head, "X-Amz-Algorithm")?;
    let scopes = if has_region(algorithm.as_deref()) { 4 } else { 3 };
    Ok(Some(before_scope(&credential, scopes).ok_or(Unclear)?.to_vec().into()))
}

fn in_field(head: &Parts) -> Result<Option<Cow<'_, [u8]>>, Unclear> {
    let Some(value) = head.headers.get(AUTHORIZATION) else { return Ok(None) };
    let written = presented::in_authorization(&head.headers).ok_or(Unclear)?;
    let value = value.as_bytes().trim_ascii_start();
    if !value.starts_with(b"AWS4-") {
        return Ok(Some(written));
    }
    let scopes = if has_region(Some(value)) { 4 } else { 3 };
    let parts = written.split(|it| *it == b',').map(<[u8]>::trim_ascii);
    let mut credentials = parts.filter_map(|it| it.strip_prefix(b"Credential="));
    match (credentials.next(), credentials.next()) {
        (Some(credential), None) => {
            Ok(Some(before_scope(credential, scopes).ok_or(Unclear)?.to_vec().into()))
        }
        _ => Err(Unclear),
    }
}

/// What the query's parameter of this name says, if it is there once.
fn parameter<'h>(head: &'h Parts, name: &str) -> Result<Option<Cow<'h, [u8]>>, Unclear> {
    let pairs = head.uri.query().into_iter().flat_map(query::pieces).map(|it| it.1);
    let mut ours = pairs.filter(|it| query::spells(it, name));
    let Some(pair) = ours.next() else { return Ok(None) };
    match (pair.split_once('='), ours.next()) {
        (Some((_, value)), None) => Ok(Some(query::decode(value.as_bytes()))),
        _ => Err(Unclear),
    }
}

/// Signatures of version 4A are good in several regions, and name none in their scope.
fn has_region(algorithm: Option<&[u8]>) -> bool {
    !algorithm.is_some_and(|it| it.starts_with(b"AWS4-ECDSA-"))
}

/// What is before the last `count` parts between slashes.
fn before_scope(credential: &[u8], count: usize) -> Option<&[u8]> {
    let mut key = credential;
    for _ in 0..count {
        key = &key[..key.iter().rposition(|it| *it == b'/')?];
    }
    (!key.is_empty()).then_some(key)
}
