//! Lists of activations: a connection's, and a tenant's. Their grants are looked up together.
use super::activations;
use super::activations::NOUN;
use super::activations::Under;
use super::activations::declared_view;
use super::answer::Answer;
use super::call::Call;
use super::definition;
use super::error::ApiError;
use super::grantee::Grantee;
use super::grants;
use super::search;
use super::search::SEARCH_TIME;
use super::sent::Members;
use super::unreadable::Unreadable;
use crate::catalog::Connection;
use crate::catalog::Kind;
use crate::store::Found;
use crate::store::Listed;
use crate::store::Search;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// `GET …/activations`: in the order of tenants.
pub(super) async fn of_connection(call: Call) -> Result<Answer, ApiError> {
    let page = call.page()?;
    let search = search::words_of_ids(&call)?;
    let under = Under::of_old(&call).await?;
    let after = page.after.as_deref();
    let snapshot = call.api.live.snapshot_full();
    let declared = under.all_declared().into_iter();
    let is_asked_for = |tenant: &str| {
        let tenant = tenant.to_ascii_lowercase();
        search.words.iter().all(|it| tenant.contains(it))
    };
    let mut declared: Vec<_> = declared
        .filter(|it| after.is_none_or(|after| it.1.tenant.as_str() > after))
        .filter(|it| is_asked_for(it.1.tenant.as_str()))
        .collect();
    declared.sort_unstable_by(|a, b| a.1.tenant.as_str().cmp(b.1.tenant.as_str()));
    let mut items: Vec<(String, Members)> = Vec::new();
    let mut grantees = Vec::new();
    // One more than there is room for says that there is more.
    for (of, it) in declared.into_iter().take(page.limit as usize + 1) {
        items.push((it.tenant.to_string(), declared_view(&snapshot, of, it)));
        grantees.push(Grantee::of_tenant(&under.owner, of, it, true).ok());
    }
    let (mut unreadable, mut next) = (Vec::new(), None);
    if call.api.has_store() {
        let listed = stored(&call, &under, &search, after, page.limit).await?;
        unreadable.extend(listed.unreadable.iter().map(Unreadable::from));
        for found in &listed.rows {
            if under.declared(&found.0.value.tenant).is_none() {
                let view = activations::shown_under(under.connection.as_deref(), found);
                items.push((found.0.value.tenant.clone(), view));
                grantees.push(under.grantee(&call, found).await);
            }
        }
        next = listed.next;
    }
    grants::add_all(&call, &grantees, &mut items).await?;
    Ok(definition::page_of(&call, items, next, page.limit as usize, &unreadable))
}

/// The stored ones of a page: `next` is where it goes on, with what may be none.
async fn stored(
    call: &Call,
    under: &Under,
    search: &Search,
    after: Option<&str>,
    limit: u32,
) -> Result<Listed<Found>, ApiError> {
    let until = Instant::now() + SEARCH_TIME;
    let all = call.api.store()?.store.activations();
    let mut page = Listed { rows: Vec::new(), unreadable: Vec::new(), next: None };
    let mut at = after.map(str::to_owned);
    loop {
        let left = limit - u32::try_from(page.rows.len()).unwrap_or(limit);
        let listed =
            all.found_of_owner(&call.scope(), &under.owner, search, at.as_deref(), left).await;
        let listed = listed.map_err(|it| ApiError::of_store(it, NOUN, &under.key))?;
        page.unreadable.extend(listed.unreadable);
        page.rows.extend(listed.rows);
        at = listed.next;
        let is_full = page.rows.len() >= limit as usize || search.is_all();
        if is_full || at.is_none() || Instant::now() >= until {
            page.next = at;
            return Ok(page);
        }
    }
}

/// `GET /v1/tenants/{tenant}/activations`: in the order of what they are bound to.
pub(super) async fn of_tenant(call: Call) -> Result<Answer, ApiError> {
    let page = call.page()?;
    let tenant = call.tenant()?;
    let after = page.after.as_deref();
    let snapshot = call.api.live.snapshot_full();
    let declared = snapshot.connections().filter_map(|it| match &it.kind {
        Kind::Embedded { activations, shared, .. } => {
            let found = activations.get(tenant.as_str())?;
            after.is_none_or(|after| &*shared.owner > after).then_some((&*shared.owner, it, found))
        }
        Kind::Standard(_) => None,
    });
    let (mut items, mut grantees): (Vec<(String, Members)>, Vec<_>) = declared
        .map(|(owner, of, it)| {
            let grantee = Grantee::of_tenant(owner, of, it, true).ok();
            ((owner.to_owned(), declared_view(&snapshot, of, it)), grantee)
        })
        .unzip();
    let (mut unreadable, mut next) = (Vec::new(), None);
    if let Some(backing) = call.api.backing() {
        let listed = backing.store.activations();
        let listed = listed.of_tenant(&call.scope(), tenant.as_str(), after, page.limit).await;
        let listed = listed.map_err(|it| ApiError::of_store(it, NOUN, tenant.as_str()))?;
        unreadable.extend(listed.unreadable.iter().map(Unreadable::from));
        let by_owner: HashMap<&str, &Arc<Connection>> =
            snapshot.connections().map(|it| (&*it.owner, it)).collect();
        for found in &listed.rows {
            let owner = &found.0.value.owner;
            if !items.iter().any(|it| it.0 == *owner) {
                let under = by_owner.get(&**owner).copied();
                let view = activations::shown_under(under.map(Arc::as_ref), found);
                items.push((owner.clone(), view));
                grantees.push(match under {
                    Some(connection) => Under::grantee_of(&call, connection, found).await,
                    None => None,
                });
            }
        }
        next = listed.next;
    }
    grants::add_all(&call, &grantees, &mut items).await?;
    Ok(definition::page_of(&call, items, next, page.limit as usize, &unreadable))
}
