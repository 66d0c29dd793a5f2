//! Lists of connections: what is asked for of them, and with few look-ups however many there are.
use super::call::Call;
use super::connection_status;
use super::connection_status::Of;
use super::connection_status::Status;
use super::connections;
use super::connections::Connections;
use super::definition::Definition;
use super::error::ApiError;
use super::grantee;
use super::grantee::Grantee;
use super::grants;
use super::sent::Members;
use crate::catalog::owner_in_file;
use crate::seal::Slot;
use crate::store::ConnectionRow;
use crate::store::Only;
use crate::store::SealedCredential;
use crate::store::Stored;
use serde_json::Value;
use std::collections::HashMap;

/// The query parameters that a list is narrowed down by.
pub(super) const CONNECTOR: &str = "connector";
pub(super) const AUTH: &str = "auth";
pub(super) const EMBEDDED: &str = "embedded";
pub(super) const STATE: &str = "state";

pub(super) fn only(call: &Call) -> Result<Vec<Only>, ApiError> {
    let text = |name: &str| call.query.value(name).map(str::to_owned);
    let embedded = match call.query.value(EMBEDDED) {
        None => None,
        Some(_) => Some(Only::Embedded(call.flag(EMBEDDED)?)),
    };
    let texts = [text(CONNECTOR).map(Only::Connector), text(AUTH).map(Only::Method)];
    Ok(texts.into_iter().chain([embedded]).flatten().collect())
}

/// The status that is asked for.
pub(super) fn state(call: &Call) -> Result<Option<Status>, ApiError> {
    let Some(name) = call.query.value(STATE) else { return Ok(None) };
    Status::named(name).map(Some).ok_or_else(|| {
        let all: Vec<_> = Status::ALL.iter().map(|it| it.as_str()).collect();
        ApiError::BadRequest(format!("`{STATE}` is one of {}.", all.join(", ")))
    })
}

pub(super) async fn sifted(
    call: &Call,
    mut rows: Vec<Stored<ConnectionRow>>,
) -> Result<Vec<Stored<ConnectionRow>>, ApiError> {
    let Some(wanted) = state(call)? else { return Ok(rows) };
    let all: Vec<_> = rows.iter().map(of_row).collect();
    let mut all = connection_status::of_all(call, &all).await?.into_iter();
    rows.retain(|_| all.next() == Some(wanted));
    Ok(rows)
}

fn of_row(stored: &Stored<ConnectionRow>) -> Of<'_> {
    Of { key: &stored.key, owner: &stored.value.id, enabled: stored.value.enabled }
}

/// The views of a page, with their grants.
pub(super) async fn views(
    call: &Call,
    rows: &[Stored<ConnectionRow>],
) -> Result<Vec<Result<Members, ApiError>>, ApiError> {
    let owners: Vec<&str> = rows.iter().map(|it| &*it.value.id).collect();
    let credentials = &call.api.store()?.store.credentials();
    let sealed = match credentials.of_owners(&call.scope(), &owners).await {
        Ok(sealed) => sealed,
        // One of them does not read, and is to be told: each alone.
        Err(_) => return one_by_one(call, rows).await,
    };
    let mut sealed: HashMap<(String, Slot), SealedCredential> =
        sealed.into_iter().map(|it| ((it.owner, it.slot), it.credential)).collect();
    let all: Vec<_> = rows.iter().map(of_row).collect();
    let statuses = connection_status::of_all(call, &all).await?;
    let mut views = Vec::with_capacity(rows.len());
    for (stored, status) in rows.iter().zip(statuses) {
        let sealed =
            [Slot::Own, Slot::Test].map(|it| sealed.remove(&(stored.value.id.clone(), it)));
        views.push(connections::with_sealed(call, stored, &sealed, status).await);
    }
    let places: Vec<_> = rows.iter().map(|it| (&*it.key, &*it.value.id)).collect();
    add_grants(call, &places, views.iter_mut().map(|it| it.as_mut().ok())).await?;
    Ok(views)
}

async fn one_by_one(
    call: &Call,
    rows: &[Stored<ConnectionRow>],
) -> Result<Vec<Result<Members, ApiError>>, ApiError> {
    let mut views = Vec::with_capacity(rows.len());
    for stored in rows {
        views.push(Connections::view(call, stored, false).await);
    }
    Ok(views)
}

/// Those that files declare and that are asked for.
pub(super) async fn all_declared(
    call: &Call,
    mut views: Vec<(String, Members)>,
) -> Result<Vec<(String, Members)>, ApiError> {
    let only = only(call)?;
    views.retain(|(_, view)| only.iter().all(|it| is_of(it, view)));
    let owners: Vec<String> = views.iter().map(|it| owner_in_file(&it.0)).collect();
    let enabled = |view: &Members| view.get("enabled").and_then(Value::as_bool).unwrap_or(true);
    let all: Vec<_> = views
        .iter()
        .zip(&owners)
        .map(|((key, view), owner)| Of { key, owner, enabled: enabled(view) })
        .collect();
    let statuses = connection_status::of_all(call, &all).await?;
    let wanted = state(call)?;
    let mut shown = Vec::with_capacity(views.len());
    for ((key, mut view), status) in views.into_iter().zip(statuses) {
        if wanted.is_none_or(|it| it == status) {
            connections::show_declared(call, &key, &mut view);
            connections::show_served(call, &key, status, &mut view);
            shown.push((key, view));
        }
    }
    let owners: Vec<_> = shown.iter().map(|it| (it.0.clone(), owner_in_file(&it.0))).collect();
    let places: Vec<_> = owners.iter().map(|it| (&*it.0, &*it.1)).collect();
    add_grants(call, &places, shown.iter_mut().map(|it| Some(&mut it.1))).await?;
    Ok(shown)
}

fn is_of(only: &Only, view: &Members) -> bool {
    let text = |name: &str| view.get(name).and_then(Value::as_str);
    match only {
        Only::Connector(it) => text("connector") == Some(it),
        Only::Method(it) => text("auth") == Some(it),
        Only::Embedded(it) => {
            view.get("embedded").and_then(Value::as_bool).unwrap_or_default() == *it
        }
        // No connection links anything.
        Only::Linking(_) => false,
    }
}

/// Adds what is known of each connection's grants, and its test credentials'. `places`: keys and owners.
async fn add_grants<'v>(
    call: &Call,
    places: &[(&str, &str)],
    views: impl Iterator<Item = Option<&'v mut Members>>,
) -> Result<(), ApiError> {
    let snapshot = call.api.live.snapshot_full();
    let grantees: Vec<[Option<Grantee>; 2]> = places
        .iter()
        .map(|(key, owner)| {
            let served = snapshot.connection(key);
            [false, true].map(|it| grantee::own(owner, served?, it).ok())
        })
        .collect();
    let known: Vec<&Grantee> = grantees.iter().flatten().flatten().collect();
    if known.is_empty() {
        return Ok(());
    }
    let mut shown = grants::of_all(call, &known).await?.into_iter();
    for (own, view) in grantees.iter().zip(views) {
        let members = [grants::MEMBER, grants::TEST_MEMBER];
        let Some(view) = view else {
            own.iter().flatten().for_each(|_| drop(shown.next()));
            continue;
        };
        for (_, member) in own.iter().zip(members).filter(|it| it.0.is_some()) {
            if let Some(grant) = shown.next() {
                view.insert(member.to_owned(), serde_json::json!(grant));
            }
        }
    }
    Ok(())
}

/// Those of one connection.
pub(super) async fn add_own_grants(
    call: &Call,
    place: (&str, &str),
    view: &mut Members,
) -> Result<(), ApiError> {
    add_grants(call, &[place], std::iter::once(Some(view))).await
}
