//! The caller key where an AWS SDK puts its access key id.
use super::super::presented;
use super::super::query;
use http::request::Parts;
use std::borrow::Cow;

/// What the Credential of a signature begins with, in Authorization or in the query; otherwise what Authorization has.
/// A caller key may have a `/`; day, region, service and `aws4_request` behind it have none.
pub(in crate::auth) fn key(head: &Parts) -> Option<Cow<'_, [u8]>> {
    let mut pairs = head.uri.query().into_iter().flat_map(query::pieces).map(|it| it.1);
    if let Some(pair) = pairs.find(|it| query::spells(it, "X-Amz-Credential")) {
        let decoded = query::decode(pair.split_once('=')?.1.as_bytes());
        let scopes = if has_region(pair_algorithm(head).as_deref()) { 4 } else { 3 };
        return Some(before_scope(&decoded, scopes)?.to_vec().into());
    }
    let written = presented::in_authorization(&head.headers)?;
    let value = head.headers.get(http::header::AUTHORIZATION)?.as_bytes();
    if !value.trim_ascii_start().starts_with(b"AWS4-") {
        return Some(written);
    }
    let scopes = if has_region(Some(value.trim_ascii_start())) { 4 } else { 3 };
    let parts = written.split(|it| *it == b',').map(<[u8]>::trim_ascii);
    let credential = parts.filter_map(|it| it.strip_prefix(b"Credential=")).next()?;
    Some(before_scope(credential, scopes)?.to_vec().into())
}

/// Signatures of version 4A are good in several regions, and name none in their scope.
fn has_region(algorithm: Option<&[u8]>) -> bool {
    !algorithm.is_some_and(|it| it.starts_with(b"AWS4-ECDSA-"))
}

fn pair_algorithm(head: &Parts) -> Option<Cow<'_, [u8]>> {
    let mut pairs = query::pieces(head.uri.query()?).map(|it| it.1);
    let pair = pairs.find(|it| query::spells(it, "X-Amz-Algorithm"))?;
    Some(query::decode(pair.split_once('=')?.1.as_bytes()))
}

/// What is before the last `count` parts between slashes.
fn before_scope(credential: &[u8], count: usize) -> Option<&[u8]> {
    let mut key = credential;
    for _ in 0..count {
        key = &key[..key.iter().rposition(|it| *it == b'/')?];
    }
    (!key.is_empty()).then_some(key)
}
