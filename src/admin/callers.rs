//! `/v1/callers`: the programs that send requests, what each may use, and their keys.
use super::answer::Answer;
use super::call::Call;
use super::definition;
use super::definition::Definition;
use super::definition::Put;
use super::error::ApiError;
use super::issued::Issue;
use super::issued::Issued;
use super::issued::expiry;
use super::issued::take_expiry;
use super::sent;
use super::sent::Members;
use super::shape;
use super::shape::Shape;
use super::time;
use super::unreadable;
use super::unreadable::Unreadable;
use super::uses::Preview;
use crate::catalog::RawGrants;
use crate::catalog::Section;
use crate::model::TimeSpan;
use crate::store::CallerKey;
use crate::store::CallerRow;
use crate::store::Expect;
use crate::store::Listed;
use crate::store::Search;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Stored;
use crate::store::Uses;
use crate::store::WrittenCaller;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Deserialize;
use serde::Serialize;
use serde_json::json;
use std::time::Duration;

pub(super) struct Callers;

/// How long the keys before go on, unless said.
const OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// Longest overlap: whoever has not changed over in a year does not.
const OVERLAP_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Keys of one caller that are good at the same time: its answers show all of them.
const KEYS_MAX: usize = 100;

/// A caller key, of which nobody but its caller has the text.
#[derive(Debug, Serialize, JsonSchema)]
struct ShownKey {
    /// The key's first characters.
    prefix: String,
    created_at: String,
    /// From then on it is unknown; null where it does not expire.
    expires_at: Option<String>,
}

/// A new key for a caller.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Rotation {
    /// How long the keys before go on. Default 24h; `0s` ends them at once.
    overlap: Option<TimeSpan>,
}

/// What a rotation would do.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RotationPreview {
    /// The keys that the caller has, and until when each would go on.
    keys: Vec<ShownKey>,
}

impl Definition for Callers {
    type Row = CallerRow;

    const NOUN: &'static str = "caller";
    const PARAMETER: &'static str = "caller";
    const PATH: &'static str = "/v1/callers";
    const SECTION: Option<Section> = Some(Section::Callers);
    const READ_ONLY: &'static [&'static str] = &["keys", "caller_key"];

    async fn find(
        store: &Store,
        call: &Call,
        key: &str,
    ) -> Result<Option<Stored<CallerRow>>, StoreError> {
        store.callers().get(&call.scope(), key).await
    }

    async fn list(
        store: &Store,
        call: &Call,
        search: &Search,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Listed<Stored<CallerRow>>, StoreError> {
        store.callers().found(&call.scope(), search, after, limit).await
    }

    async fn view(
        call: &Call,
        stored: &Stored<CallerRow>,
        _alone: bool,
    ) -> Result<Members, ApiError> {
        let keys = call.api.store()?.store.callers().keys(&call.scope(), &stored.key).await;
        let (keys, broken) = keys.map_err(|it| ApiError::of_store(it, Self::NOUN, &stored.key))?;
        let broken: Vec<Unreadable> = broken.iter().map(Unreadable::from).collect();
        unreadable::told(call, &broken);
        Ok(shown(&stored.value, &keys))
    }

    /// A caller that is created gets its first key.
    async fn put(
        call: &Call,
        key: &str,
        mut members: Members,
        expect: Expect,
    ) -> Result<Put, ApiError> {
        let expires_at = take_expiry(call, &mut members)?;
        let raw: RawGrants = sent::read(&members)?;
        let draft = call.api.live.snapshot_full().draft_caller(&call.own_key(key)?, &raw);
        draft.map_err(|it| ApiError::problems(&it))?;
        let row = CallerRow { definition: sent::text(&raw) };
        let store = call.writer()?;
        let of_write = |it| ApiError::of_write(it, Self::NOUN, key, expect);
        let standing = match expect {
            Expect::Absent => None,
            _ => Self::find(&store, call, key).await.map_err(of_write)?,
        };
        let Some(standing) = standing else {
            let issued = Issue::CallerKey.new_key();
            let new_key = caller_key(key, &issued, expires_at);
            let expect = if expect == Expect::Anything { Expect::Absent } else { expect };
            let written =
                store.callers().put(&call.scope(), key, &row, Some(&new_key), expect).await;
            let written = written.map_err(of_write)?;
            return Ok(put_of(written, told(&issued)));
        };
        if expires_at.is_some() {
            let problem = "a caller has several keys, each with an expiry of its own";
            return Err(ApiError::invalid("/expires_at", problem, "rotate its key"));
        }
        let expect =
            if expect == Expect::Anything { Expect::Version(standing.version) } else { expect };
        let written = store.callers().put(&call.scope(), key, &row, None, expect).await;
        Ok(put_of(written.map_err(of_write)?, Members::new()))
    }

    async fn uses(
        _store: &Store,
        _call: &Call,
        _stored: &Stored<CallerRow>,
    ) -> Result<Uses, StoreError> {
        Ok(Uses::default())
    }

    async fn delete(
        store: &Store,
        call: &Call,
        key: &str,
        _force: bool,
        expect: Expect,
    ) -> Result<i64, StoreError> {
        store.callers().delete(&call.scope(), key, expect).await
    }
}

/// `POST /v1/callers/{caller}/rotate`: another key, beside those that it has for a while.
pub(super) async fn rotate(mut call: Call) -> Result<Answer, ApiError> {
    let key = Callers::key(&call)?;
    definition::not_declared::<Callers>(&call, &key)?;
    let mut members = call.take_object()?;
    let expires_at = take_expiry(&call, &mut members)?;
    let rotation: Rotation = sent::read(&members)?;
    let overlap = rotation.overlap.map_or(OVERLAP, |it| it.0);
    if overlap > OVERLAP_MAX {
        return Err(ApiError::invalid("/overlap", "longer than a year", "write a few days"));
    }
    let overlap_ms = i64::try_from(overlap.as_millis()).unwrap_or(i64::MAX);
    let issued = Issue::CallerKey.new_key();
    let new_key = caller_key(&key, &issued, expires_at);
    let asked = call.precondition()?;
    let store = call.writer()?;
    let keys = store.callers().keys(&call.scope(), &key).await;
    let (keys, _) = keys.map_err(|it| ApiError::of_store(it, Callers::NOUN, &key))?;
    let is_good = |it: &&CallerKey| it.expires_at_ms.is_none_or(|at| at > call.now_ms());
    if !overlap.is_zero() && keys.iter().filter(is_good).count() >= KEYS_MAX {
        let problem = format!("it has {KEYS_MAX} keys that are good");
        return Err(ApiError::invalid("", problem, "withdraw some, or shorten `overlap`"));
    }
    let rotated = store
        .callers()
        .rotate(&call.scope(), &key, &new_key, Some(overlap_ms), asked.of_present())
        .await
        .map_err(|it| ApiError::of_present(it, Callers::NOUN, &key, asked))?;
    if call.flag("dry_run")? {
        let before = rotated.keys.iter().filter(|it| it.hash != issued.sha256);
        return Answer::of(&RotationPreview { keys: before.map(ShownKey::from).collect() });
    }
    call.served(rotated.written.revision).await;
    definition::answer::<Callers>(&call, &key, put_of(rotated, told(&issued))).await
}

/// `DELETE /v1/callers/{caller}/keys/{prefix}`: one key is unknown from now on.
pub(super) async fn delete_key(call: Call) -> Result<Answer, ApiError> {
    let key = Callers::key(&call)?;
    definition::not_declared::<Callers>(&call, &key)?;
    let prefix = call.parameter("prefix")?;
    let missing = || ApiError::NotFound { noun: "caller key", key: prefix.clone() };
    let of_store = |it| ApiError::of_store(it, Callers::NOUN, &key);
    let store = call.writer()?;
    let (keys, _) = store.callers().keys(&call.scope(), &key).await.map_err(of_store)?;
    let mut named = keys.iter().filter(|it| it.prefix == prefix);
    let own = named.next().ok_or_else(missing)?;
    if named.next().is_some() {
        let problem = "Several keys begin so: rotate with `overlap: 0s` to end all of them.";
        return Err(ApiError::BadRequest(problem.to_owned()));
    }
    let asked = call.precondition()?;
    let deleted =
        store.callers().delete_key(&call.scope(), &key, &own.hash, asked.of_present()).await;
    let deleted = deleted.map_err(|it| ApiError::of_present(it, Callers::NOUN, &key, asked));
    let revision = deleted?;
    if call.flag("dry_run")? {
        return Preview::of_unused().answer();
    }
    call.served(revision).await;
    Ok(Answer::nothing())
}

/// How long the keys before go on, unless said.
pub(super) fn overlap_ms() -> i64 {
    i64::try_from(OVERLAP.as_millis()).unwrap_or(i64::MAX)
}

fn caller_key(caller: &str, issued: &Issued, expires_at_ms: Option<i64>) -> CallerKey {
    CallerKey {
        caller: caller.to_owned(),
        hash: issued.sha256,
        prefix: issued.prefix.clone(),
        created_at_ms: 0,
        expires_at_ms,
    }
}

fn shown(row: &CallerRow, keys: &[CallerKey]) -> Members {
    let mut view = sent::stored(&row.definition);
    let keys: Vec<ShownKey> = keys.iter().map(ShownKey::from).collect();
    view.insert("keys".to_owned(), json!(keys));
    view
}

/// Of a caller as it was written: what is told once must not depend on reading it again.
fn put_of(caller: WrittenCaller, once: Members) -> Put {
    let WrittenCaller { written, row, keys } = caller;
    Put { written, once, view: Some(shown(&row, &keys)) }
}

fn told(issued: &Issued) -> Members {
    let mut once = Members::new();
    once.insert("caller_key".to_owned(), issued.text.expose().into());
    once
}

impl From<&CallerKey> for ShownKey {
    fn from(it: &CallerKey) -> Self {
        Self {
            prefix: it.prefix.clone(),
            created_at: time::shown(it.created_at_ms),
            expires_at: it.expires_at_ms.map(time::shown),
        }
    }
}

pub(super) fn view(generator: &mut SchemaGenerator) -> Schema {
    let keys = generator.subschema_for::<Vec<ShownKey>>();
    Shape::of::<RawGrants>(generator)
        .with_key(shape::key())
        .with("keys", json!(keys))
        .shown()
        .named("Caller", "A caller.")
}

/// With the key that was made, which is told once.
pub(super) fn issued(generator: &mut SchemaGenerator) -> Schema {
    let keys = generator.subschema_for::<Vec<ShownKey>>();
    Shape::of::<RawGrants>(generator)
        .with_key(shape::key())
        .with_always(
            "caller_key",
            json!({
                "type": "string",
                "description": "The caller key. It is told in this one answer: keep it.",
            }),
        )
        .with("keys", json!(keys))
        .shown()
        .named("IssuedCaller", "A caller, and a key that was made for it.")
}

pub(super) fn new(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawGrants>(generator)
        .with("expires_at", expiry())
        .with_key(shape::key())
        .named("NewCaller", "A caller to be created.")
}

pub(super) fn body(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawGrants>(generator)
        .with("expires_at", expiry())
        .named("CallerBody", "A caller, less its key. `expires_at` is for one that is created.")
}

pub(super) fn patch(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawGrants>(generator)
        .partial()
        .named("CallerPatch", "What is to be changed of a caller (RFC 7396).")
}

pub(super) fn rotation(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<Rotation>(generator)
        .with("expires_at", expiry())
        .named("Rotation", "A new key for a caller.")
}

pub(super) fn page(generator: &mut SchemaGenerator) -> Schema {
    let item = view(generator);
    shape::page(generator, "CallerPage", item)
}
