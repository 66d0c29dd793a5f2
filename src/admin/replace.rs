//! `POST …/replace`: another connection wherever one is assigned.
use super::answer::Answer;
use super::call::Call;
use super::connection_uses;
use super::connections;
use super::connections::Connections;
use super::definition::Definition;
use super::environments;
use super::error::ApiError;
use super::sent;
use super::uses;
use crate::catalog::RawEnvironment;
use crate::catalog::Section;
use crate::model::Key;
use crate::model::Scope;
use crate::store;
use crate::store::Expect;
use crate::store::Kind;
use crate::store::PAGE_MAX;
use crate::store::Store;
use crate::store::StoreError;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// Another connection wherever one is assigned.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Replacement {
    /// The key of the other connection, one of the same connector.
    with: String,
}

/// Which environments have another connection, or would have.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Replaced {
    environments: Vec<String>,
    /// Those that a file declares, and where: they go on with the connection until they are changed there.
    left: Vec<uses::Use>,
}

/// `POST …/replace`
pub(super) async fn replace(mut call: Call) -> Result<Answer, ApiError> {
    let key = Connections::key(&call)?;
    let replacement: Replacement = sent::read(&call.take_object()?)?;
    let with = replacement.with;
    let snapshot = call.api.live.snapshot_full();
    let refused = |problem: String, hint: &str| ApiError::invalid("/with", problem, hint);
    connections::owner(&call, &key).await?;
    let Some(other) = snapshot.connection(&with) else {
        return Err(refused(format!("there is no connection `{with}`"), "create it first"));
    };
    if with == key {
        return Err(refused("it is the same connection".to_owned(), "name another one"));
    }
    let backing = call.api.store()?;
    let scope = call.scope();
    let of_store = |it| ApiError::of_store(it, Connections::NOUN, &key);
    let keys = assigning(&backing.store, &scope, &key).await.map_err(of_store)?;
    for environment in &keys {
        let found = backing.store.environments().get(&scope, environment).await;
        let Some(found) = found.map_err(of_store)? else { continue };
        let mut raw: RawEnvironment = sent::read(&environments::members(&found.value))?;
        for assigned in raw.assign.values_mut().filter(|it| **it == key) {
            with.clone_into(assigned);
        }
        let own = Key::try_from(&**environment).map_err(|_| ApiError::Internal)?;
        if let Err(problems) = snapshot.draft_environment(&own, raw) {
            let first = problems.first().map_or_else(String::new, |it| it.problem.clone());
            let problem = format!("in the environment `{environment}`: {first}");
            return Err(refused(problem, "take a connection of the same connector"));
        }
    }
    let left: Vec<uses::Use> = connection_uses::in_files(&call, &key).map(|it| it.0).collect();
    if call.flag("dry_run")? {
        return Answer::of(&Replaced { environments: keys, left });
    }
    let with_key = std::iter::once(other.key.as_str());
    let needs = call.stored_needs(Section::Connections, Kind::Connection, with_key);
    let condition = Expect::Anything.needing(needs);
    let replaced = backing.store.connections();
    let (environments, revision) =
        replaced.replace_everywhere(&scope, &key, &with, condition).await.map_err(of_store)?;
    call.served(revision).await;
    Answer::of(&Replaced { environments, left })
}

/// The stored environments that assign a connection, however many there are, in the order of their keys.
async fn assigning(store: &Store, scope: &Scope, key: &str) -> Result<Vec<String>, StoreError> {
    let (mut keys, mut last) = (Vec::new(), (String::new(), String::new()));
    loop {
        let after = (last.0.as_str(), last.1.as_str());
        let page = store.connections().assignments(scope, key, after, PAGE_MAX).await?;
        let is_last = page.len() < PAGE_MAX as usize;
        for it in page {
            let store::Use::Environment { key, alias, .. } = it else { continue };
            if keys.last() != Some(&key) {
                keys.push(key.clone());
            }
            last = (key, alias.unwrap_or_default());
        }
        if is_last {
            return Ok(keys);
        }
    }
}
