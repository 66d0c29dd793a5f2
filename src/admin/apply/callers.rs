//! Callers of a bundle: their keys are given, not made.
use super::secrets;
use crate::admin::call::Call;
use crate::admin::callers;
use crate::admin::callers::Callers;
use crate::admin::definition;
use crate::admin::definition::Definition;
use crate::admin::error::ApiError;
use crate::admin::issued;
use crate::admin::sent;
use crate::admin::sent::Members;
use crate::catalog::CALLER_KEY_LEN_MIN;
use crate::catalog::RawGrants;
use crate::model::Secret;
use crate::store::CallerKey;
use crate::store::CallerRow;
use crate::store::Expect;
use serde_json::Value;
use std::collections::HashMap;

/// Characters of a given key that are kept, to tell keys apart: of the shortest there are twelve left to guess.
const PREFIX_LEN: usize = 4;

/// Checks and writes. True where it is new and has no key yet.
pub(super) async fn put(
    call: &Call,
    key: &str,
    mut members: Members,
    known: &mut GivenKeys,
) -> Result<bool, ApiError> {
    Callers::check_key(key)?;
    definition::not_declared::<Callers>(call, key)?;
    let given = given(&mut members)?;
    let mut members = definition::own_members::<Callers>(members)?;
    members.shift_remove("expires_at");
    let raw: RawGrants = sent::read(&members)?;
    let draft = call.api.live.snapshot_full().draft_caller(&call.own_key(key)?, &raw);
    draft.map_err(|it| ApiError::problems(&it))?;
    let of_store = |it| ApiError::of_store(it, Callers::NOUN, key);
    let store = call.writer()?;
    let found = Callers::find(&store, call, key).await.map_err(of_store)?;
    let new_key = match &given {
        Some(text) => known.is_new(call, key, text).await?.then(|| caller_key(key, text)),
        None => None,
    };
    let row = CallerRow { definition: sent::text(&raw) };
    let (scope, callers) = (call.scope(), store.callers());
    let Some(found) = found else {
        let put = callers.put(&scope, key, &row, new_key.as_ref(), Expect::Absent);
        put.await.map_err(of_store)?;
        return Ok(new_key.is_none());
    };
    let put = callers.put(&scope, key, &row, None, Expect::Version(found.version));
    put.await.map_err(of_store)?;
    if let Some(new_key) = new_key {
        let overlap = Some(callers::overlap_ms());
        let rotated = callers.rotate(&scope, key, &new_key, overlap, Expect::Present);
        rotated.await.map_err(of_store)?;
    }
    Ok(false)
}

/// The key that it is to have; none where nobody says, or nobody can.
pub(super) fn given(members: &mut Members) -> Result<Option<Secret>, ApiError> {
    match members.shift_remove("key") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => {
            let is_long = text.len() >= CALLER_KEY_LEN_MIN;
            if is_long && text.bytes().all(|it| it.is_ascii_graphic()) {
                return Ok(Some(Secret::new(text)));
            }
            let problem =
                format!("a caller key has at least {CALLER_KEY_LEN_MIN} visible ASCII characters");
            Err(ApiError::invalid("/key", problem, "make one: openssl rand -hex 24"))
        }
        Some(value) if secrets::unset(&value).is_some() => Ok(None),
        Some(_) => Err(ApiError::invalid("/key", "expected a text", "")),
    }
}

fn caller_key(caller: &str, text: &Secret) -> CallerKey {
    CallerKey {
        caller: caller.to_owned(),
        hash: issued::sha256(text),
        prefix: text.expose().chars().take(PREFIX_LEN).collect(),
        created_at_ms: 0,
        expires_at_ms: None,
    }
}

/// Whose the keys are that are stored, by their hashes; and those that were given meanwhile.
#[derive(Debug, Default)]
pub(super) struct GivenKeys(Option<HashMap<[u8; 32], CallerKey>>);

impl GivenKeys {
    /// Whether it is to be entered: it is nobody's yet, or it is this caller's and would end, as one that was
    /// rotated away. From now on it is this caller's.
    async fn is_new(&mut self, call: &Call, caller: &str, text: &Secret) -> Result<bool, ApiError> {
        let known = match &mut self.0 {
            Some(known) => known,
            none => none.insert(stored(call).await?),
        };
        let hash = issued::sha256(text);
        let snapshot = call.api.live.snapshot_full();
        let in_file = snapshot.caller_key(&hash).map(|it| it.caller.key.to_string());
        let own = known.get(&hash);
        let whose = own.map(|it| it.caller.clone()).or(in_file);
        if let Some(other) = whose.filter(|it| it != caller) {
            let problem = format!("the caller `{other}` has this key");
            return Err(ApiError::invalid("/key", problem, "give each caller a key of its own"));
        }
        let ends = own.map(|it| it.expires_at_ms);
        if ends == Some(None) {
            return Ok(false);
        }
        if ends.flatten().is_some_and(|it| it <= call.now_ms()) {
            let problem = "this key of the caller has expired, or was rotated away";
            return Err(ApiError::invalid("/key", problem, "give it a new one"));
        }
        known.insert(hash, caller_key(caller, text));
        Ok(true)
    }
}

async fn stored(call: &Call) -> Result<HashMap<[u8; 32], CallerKey>, ApiError> {
    let keys = call.api.store()?.store.callers().all_keys(&call.scope()).await;
    let (keys, _) = keys.map_err(|it| ApiError::of_store(it, Callers::NOUN, ""))?;
    Ok(keys.into_iter().map(|it| (it.hash, it)).collect())
}
