//! `GET …/uses`: who uses a connection, be it stored or in a file.
use super::answer::Answer;
use super::call::Call;
use super::connections;
use super::connections::Connections;
use super::cursor;
use super::definition::Definition;
use super::error::ApiError;
use super::uses;
use super::uses::UseKind;
use super::uses::UsesPage;
use crate::catalog::Section;

/// `GET …/uses`
pub(super) async fn list_uses(call: Call) -> Result<Answer, ApiError> {
    let page = call.page()?;
    // The key of an environment, and an alias in it: `/` stands in neither.
    let after = match &page.after {
        None => ("", ""),
        Some(last) => last.split_once('/').ok_or_else(cursor::foreign)?,
    };
    let key = Connections::key(&call)?;
    let owner = connections::owner(&call, &key).await?;
    let all = all_uses(&call, &key, &owner).await?;
    let limit = page.limit as usize;
    let mut uses: Vec<uses::Use> = in_files(&call, &key).map(|it| it.0).collect();
    uses.retain(|it| place(it) > after);
    if let Some(backing) = call.api.backing() {
        let found = backing.store.connections();
        let found = found.assignments(&call.scope(), &key, after, page.limit + 1).await;
        let found = found.map_err(|it| ApiError::of_store(it, Connections::NOUN, &key))?;
        uses.extend(found.iter().map(uses::Use::from));
    }
    if page.after.is_none() {
        // Counted, and without a key: they come first.
        uses.extend(all.uses.into_iter().filter(|it| it.kind != UseKind::Environment));
    }
    uses.sort_by(|a, b| place(a).cmp(&place(b)));
    let more = uses.len() > limit;
    uses.truncate(limit);
    let next = uses.last().map(place).filter(|_| more);
    let next = next.map(|(key, alias)| cursor::behind(&call.path, &format!("{key}/{alias}")));
    let uses::Uses { total, environments, deployed, activations, .. } = all;
    Answer::of(&UsesPage { uses, total, environments, deployed, activations, next })
}

/// Where an environment's use stands in the list.
fn place(it: &uses::Use) -> (&str, &str) {
    (it.key.as_deref().unwrap_or_default(), it.alias.as_deref().unwrap_or_default())
}

/// Those of environments that files declare included.
pub(super) async fn all_uses(call: &Call, key: &str, owner: &str) -> Result<uses::Uses, ApiError> {
    let mut all = match call.api.backing() {
        None => uses::Uses::default(),
        Some(backing) => {
            let found = backing.store.connections().uses(&call.scope(), key, owner).await;
            let found = found.map_err(|it| ApiError::of_store(it, Connections::NOUN, key))?;
            uses::Uses::from(&found)
        }
    };
    for (it, is_first) in in_files(call, key) {
        all.total += 1;
        if is_first {
            all.environments += 1;
            all.deployed += i64::from(it.deployed == Some(true));
        }
        all.uses.push(it);
    }
    Ok(all)
}

/// The environments that assign a connection: those that files declare, and the first hundred of the others.
pub(super) async fn environments(call: &Call, key: &str) -> Result<Vec<uses::Use>, ApiError> {
    let mut found: Vec<uses::Use> = in_files(call, key).map(|it| it.0).collect();
    if let Some(backing) = call.api.backing() {
        let stored = backing.store.connections();
        let stored = stored.assignments(&call.scope(), key, ("", ""), uses::NAMED_MAX).await;
        let stored = stored.map_err(|it| ApiError::of_store(it, Connections::NOUN, key))?;
        found.extend(stored.iter().map(uses::Use::from));
    }
    Ok(found)
}

/// The uses by environments that files declare, each with whether it is its environment's first.
pub(super) fn in_files(call: &Call, key: &str) -> impl Iterator<Item = (uses::Use, bool)> {
    let snapshot = call.api.live.snapshot_full();
    let mut found = Vec::new();
    for (name, _) in snapshot.declared().all(Section::Environments) {
        let Some(environment) = snapshot.environment(name.as_str()) else { continue };
        let assigned = environment.assignments().filter(|it| it.connection.key.as_str() == key);
        found.extend(assigned.enumerate().map(|(index, it)| {
            let it = uses::Use {
                kind: UseKind::Environment,
                key: Some(name.to_string()),
                alias: Some(it.link.alias.to_string()),
                deployed: Some(environment.deployed),
                ..uses::Use::default()
            };
            (it, index == 0)
        }));
    }
    found.into_iter()
}
