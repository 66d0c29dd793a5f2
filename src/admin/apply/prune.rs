//! What is stored and not in the bundle goes: of the sections that the bundle has, and of nothing else.
use super::bundle::Item;
use super::bundle::Part;
use super::rehearsal::Rehearsal;
use crate::admin::activations;
use crate::admin::activations::Under;
use crate::admin::callers::Callers;
use crate::admin::connections::Connections;
use crate::admin::connectors::Connectors;
use crate::admin::definition;
use crate::admin::definition::Definition;
use crate::admin::environments::Environments;
use crate::admin::error::ApiError;
use crate::admin::error::Fault;
use crate::admin::event_subscriptions::EventSubscriptions;
use crate::admin::integrations::Integrations;
use crate::admin::tenants::Tenants;
use crate::admin::uses::Use;
use crate::store::Condition;
use crate::store::Expect;
use crate::store::PAGE_MAX;
use crate::store::StoreError;
use std::collections::BTreeSet;
use std::collections::HashSet;

/// Most activations that go at once.
const ACTIVATIONS_MAX: usize = 10_000;

/// What refers to others goes before them.
pub(super) async fn prune(
    rehearsal: &mut Rehearsal<'_>,
    items: &[Item],
    parts: &[Part],
) -> Result<(), ApiError> {
    for part in Part::ALL.into_iter().rev().filter(|it| parts.contains(it)) {
        let mut kept: HashSet<&str> =
            items.iter().filter(|it| it.part == part).map(|it| &*it.key).collect();
        if part == Part::Tenants {
            // A tenant is there by its activations as well, and they would go with it.
            kept.extend(items.iter().map(|it| &*it.tenant));
        }
        match part {
            Part::Connectors => all_but::<Connectors>(rehearsal, part, &kept).await?,
            Part::Tenants => all_but::<Tenants>(rehearsal, part, &kept).await?,
            Part::Connections => all_but::<Connections>(rehearsal, part, &kept).await?,
            Part::Integrations => all_but::<Integrations>(rehearsal, part, &kept).await?,
            Part::Environments => all_but::<Environments>(rehearsal, part, &kept).await?,
            Part::Callers => all_but::<Callers>(rehearsal, part, &kept).await?,
            Part::Activations => all_activations_but(rehearsal, items).await?,
            Part::EventSubscriptions => {
                all_but::<EventSubscriptions>(rehearsal, part, &kept).await?
            }
        }
        rehearsal.serve().await?;
    }
    Ok(())
}

async fn all_but<D: Definition>(
    rehearsal: &mut Rehearsal<'_>,
    part: Part,
    kept: &HashSet<&str>,
) -> Result<(), ApiError> {
    let of_store = |it| ApiError::of_store(it, D::NOUN, "");
    let (mut after, mut gone) = (None::<String>, Vec::new());
    let call = &rehearsal.aside;
    let store = &call.api.store()?.store;
    loop {
        let page = D::written(store, call, after.as_deref(), PAGE_MAX).await.map_err(of_store)?;
        let keys = page.rows.into_iter().map(|it| it.key);
        gone.extend(keys.filter(|it| !kept.contains(&**it)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    for key in gone {
        // What a file declares as well is not what is stored.
        if definition::is_declared::<D>(&rehearsal.aside, &key) {
            continue;
        }
        rehearsal.goes(part, &key, &[]).await;
        delete::<D>(rehearsal, &key).await?;
    }
    Ok(())
}

async fn delete<D: Definition>(rehearsal: &mut Rehearsal<'_>, key: &str) -> Result<(), ApiError> {
    let of_store = |it| ApiError::of_store(it, D::NOUN, key);
    let call = &rehearsal.aside;
    let store = &call.api.store()?.store;
    if D::NOUN == Callers::NOUN {
        let (keys, _) = store.callers().keys(&call.scope(), key).await.map_err(of_store)?;
        let now_ms = call.now_ms();
        if keys.iter().any(|it| it.expires_at_ms.is_none_or(|it| it > now_ms)) {
            let problem = "it has a key that is good, and would be deleted".to_owned();
            let (kind, key) = ("caller", key.to_owned());
            rehearsal.breaks.insert(super::Broken { kind, key, tenant: None, problem });
        }
    }
    if D::NOUN == EventSubscriptions::NOUN {
        let found = store.subscriptions().get(&call.scope(), key).await.map_err(of_store)?;
        if found.is_some_and(|it| it.value.enabled) {
            let problem = "its receiver is told of events, and it would be deleted".to_owned();
            let (kind, key) = (EventSubscriptions::NOUN, key.to_owned());
            rehearsal.breaks.insert(super::Broken { kind, key, tenant: None, problem });
        }
    }
    if D::NOUN == Tenants::NOUN && !activations::in_files(call, key).is_empty() {
        let problem =
            format!("files declare activations of the tenant `{key}`: it can't be pruned");
        let hint = "add the tenant here, or take its activations out of the files".to_owned();
        rehearsal.faults.push(Fault { pointer: "/tenants".to_owned(), problem, hint });
        return Ok(());
    }
    match D::delete(store, call, key, false, Expect::Present).await {
        Err(StoreError::InUse { by, .. }) => {
            let broken = by.iter().map(|it| super::Broken {
                problem: if D::NOUN == Environments::NOUN {
                    "it is deployed, and would be deleted".to_owned()
                } else {
                    format!("it uses the {} `{key}`, which would be deleted", D::NOUN)
                },
                ..super::Broken::using(Use::from(it), key)
            });
            rehearsal.breaks.extend(broken);
            D::delete(store, call, key, true, Expect::Present).await.map(drop).map_err(of_store)
        }
        deleted => deleted.map(drop).map_err(of_store),
    }
}

/// Of the connections that the bundle has activations of.
async fn all_activations_but(
    rehearsal: &mut Rehearsal<'_>,
    items: &[Item],
) -> Result<(), ApiError> {
    let own = || items.iter().filter(|it| it.part == Part::Activations);
    let connections: BTreeSet<&str> = own().map(|it| &*it.key).collect();
    for key in connections {
        let call = &rehearsal.aside;
        let store = &call.api.store()?.store;
        let Ok(under) = Under::named(call, key).await else { continue };
        let of_store = |it| ApiError::of_store(it, "activation", key);
        let kept: HashSet<&str> = own().filter(|it| it.key == key).map(|it| &*it.tenant).collect();
        let (mut after, mut gone) = (None::<String>, Vec::new());
        loop {
            let stored = store.activations();
            let page =
                stored.of_owner(&call.scope(), &under.owner, after.as_deref(), PAGE_MAX).await;
            let page = page.map_err(of_store)?;
            let tenants = page.rows.into_iter().map(|it| it.0.value.tenant);
            gone.extend(tenants.filter(|it| !kept.contains(&**it)));
            if gone.len() > ACTIVATIONS_MAX {
                let problem =
                    format!("`{key}` has more than {ACTIVATIONS_MAX} activations to be pruned");
                return Err(ApiError::invalid("/activations", problem, "leave the section out"));
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let places: Vec<_> = gone.iter().map(|it| (&*under.owner, &**it)).collect();
        rehearsal.goes(Part::Activations, key, &places).await;
        let call = &rehearsal.aside;
        let store = &call.api.store()?.store;
        for tenant in &gone {
            let all = [(&*under.owner, &**tenant, Condition::from(Expect::Present))];
            store.activations().delete_all(&call.scope(), &all).await.map_err(of_store)?;
            rehearsal.breaks.insert(super::Broken {
                kind: "activation",
                key: key.to_owned(),
                tenant: Some(tenant.clone()),
                problem: "it is there, and would be deleted".to_owned(),
            });
        }
    }
    Ok(())
}
