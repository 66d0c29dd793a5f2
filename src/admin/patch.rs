//! `PATCH`: what answers show, with the patch applied to it (RFC 7396), is sent back.
use super::error::ApiError;
use super::etag::Precondition;
use super::merge_patch::merge;
use super::sent::Members;
use crate::store::Expect;
use serde_json::Value;
use serde_json::json;
use std::future::Future;

/// How often a patch that nobody put a condition on is tried again because somebody else wrote meanwhile.
const TRIES_MAX: usize = 5;

/// Reads and writes until nobody else has written in between. Who means a version learns of it instead.
pub(super) async fn tried<T, F>(asked: Precondition, attempt: impl Fn() -> F) -> Result<T, ApiError>
where
    F: Future<Output = Result<T, ApiError>>,
{
    for _ in 0..TRIES_MAX {
        match attempt().await {
            Err(ApiError::Stale(_)) if asked == Precondition::None => {}
            outcome => return outcome,
        }
    }
    Err(ApiError::StoreUnavailable("Others change it all the time: try again."))
}

/// What there is to be. Where a credential is taken away it is to be gone: what is left out of a `PUT` is kept.
pub(super) fn applied(
    shown: Members,
    patch: &Members,
    credentials: &[&str],
) -> Result<Members, ApiError> {
    let mut patched = Value::Object(shown);
    merge(&mut patched, Value::Object(patch.clone()));
    let Value::Object(mut members) = patched else { return Err(ApiError::Internal) };
    for name in credentials {
        if patch.get(*name).is_some_and(Value::is_null) {
            members.insert((*name).to_owned(), json!({}));
        }
    }
    Ok(members)
}

/// Nobody else writes between what was read, at this version, and what is written.
pub(super) fn expect(asked: Precondition, version: i64) -> Expect {
    match asked {
        Precondition::None | Precondition::Present => Expect::Version(version),
        other => other.expect(),
    }
}
