//! What a connect session has begun and nobody ends: tokens that are kept aside are ended at the provider, and links that
//! are too old say so.
use super::Api;
use super::activations::Under;
use super::call::Call;
use super::connect_bid::Bid;
use super::connect_item::ItemState;
use super::connect_item::Reason;
use super::connect_landing::news;
use super::connect_sessions;
use super::dance;
use super::dance::Brought;
use super::dance::Opened;
use super::error::ApiError;
use super::grantee::Grantee;
use crate::model::Account;
use crate::model::Scope;
use crate::model::TenantId;
use crate::renewal::Client;
use crate::store::Authorization;
use crate::store::ConnectNews;
use crate::store::ConnectSession;
use crate::store::ConnectState;
use std::sync::Arc;

/// Sessions of one look; there is another in a second.
const OVERDUE_MAX: u32 = 100;

/// Ends what is kept aside under this consent, where something is. `whose`: as was found out since it was put there.
pub(super) async fn release_aside(call: &Call, id: Option<&str>, whose: Option<&Account>) {
    let (Some(id), Ok(backing)) = (id, call.api.store()) else { return };
    if let Ok(Some(found)) = backing.store.authorizations().find(&call.scope(), id).await
        && found.is_aside
    {
        release(call, &found, whose).await;
    }
}

/// Ends what was begun and nobody waits for any more: tokens that are kept aside are ended at the provider.
pub(super) async fn release(call: &Call, found: &Authorization, whose: Option<&Account>) {
    let Ok(backing) = call.api.store() else { return };
    let opened = Opened::of(&call.api, found).await;
    let taken = backing.store.authorizations().discard(&call.scope(), &found.id).await;
    match taken {
        Ok(true) => {}
        // Somebody else has taken it.
        Ok(false) => return,
        Err(error) => return tracing::warn!("a consent is left to expire: {error}"),
    }
    if !found.is_aside {
        return;
    }
    let Some(opened) = opened else { return lost(call, found, "they do not open") };
    let Some(tokens) = opened.tokens() else { return };
    if is_in_use(call, found, whose.or(opened.account().as_ref())).await {
        let connection = &*found.connection;
        return tracing::info!(
            connection,
            "tokens that are not kept live on: to end them could end those that are"
        );
    }
    match client_of(call, found, &opened.brought()).await {
        Some(client) => dance::let_go(&call.api, client, tokens),
        None => lost(call, found, "what they were had with is gone, or goes elsewhere"),
    }
}

/// Says that nobody can be told of these.
fn lost(call: &Call, found: &Authorization, why: &str) {
    let connection = &*found.connection;
    tracing::warn!(connection, "tokens that are not kept live on: {why}");
    if let Ok(errands) = call.api.errands() {
        errands.not_tellable();
    }
}

/// Whether what the tenant has already could end with them: with one token a provider may end all that an app has of an
/// account (RFC 7009 §2.1). Of another account nothing does.
async fn is_in_use(call: &Call, found: &Authorization, whose: Option<&Account>) -> bool {
    let Ok(backing) = call.api.store() else { return true };
    let (scope, of) = (call.scope(), &found.of);
    let (key, store) = (of.key(), &backing.store);
    let has =
        store.grants().get(&scope, key).await.map(|it| it.is_some_and(|it| it.tokens.is_some()));
    let known = match store.activations().find(&scope, &of.owner, &of.tenant).await {
        Ok(Some((stored, sealed))) => Ok((stored.value.account, sealed.is_some())),
        Ok(None) => Ok((None, false)),
        Err(error) => Err(error),
    };
    let (Ok(has), Ok((known, brings))) = (has, known) else { return true };
    let is_another = matches!((whose, known), (Some(own), Some(known)) if !own.is(&known));
    (has || brings) && !is_another
}

/// Whom they were had with, where that is as it was: tokens go to nobody else.
async fn client_of(call: &Call, found: &Authorization, brought: &Brought) -> Option<Client> {
    let grantee = if found.session.is_empty() {
        let backing = call.api.store().ok()?;
        let snapshot = call.api.live.snapshot_full();
        let connection = snapshot.connection(&found.connection)?;
        Grantee::named(&backing.store, &backing.keys, connection, &found.of).await.ok()?
    } else {
        let under = Under::named(call, &found.connection).await.ok()?;
        if under.owner != found.of.owner {
            return None;
        }
        let tenant = TenantId::try_from(&*found.of.tenant).ok()?;
        Bid::of(call, &under, &tenant, brought).await.ok()?.grantee?
    };
    (grantee.fingerprint() == brought.fingerprint).then_some(grantee.client)
}

/// Ends what a session has begun and nobody comes back with: tokens that are kept aside, and consents on other devices.
/// Whoever comes back from a provider is told that the link is over.
pub(super) async fn release_all(call: &Call, session: &str) {
    let Ok(backing) = call.api.store() else { return };
    match backing.store.authorizations().of_session(&call.scope(), session).await {
        Ok(all) => {
            let is_waited_for_here = |it: &&Authorization| it.is_aside || it.interval_ms > 0;
            for found in all.iter().filter(is_waited_for_here) {
                release(call, found, None).await;
            }
        }
        Err(error) => tracing::warn!("what a link has begun is left to expire: {error}"),
    }
}

/// Sessions that nobody has come to an end with in time: each of their connections that is not connected failed.
pub(super) async fn sweep(api: &Arc<Api>) -> Result<(), ApiError> {
    let call = api.inward();
    let sessions = call.api.store()?.store.connect_sessions();
    let overdue = sessions.overdue(&Scope::System, OVERDUE_MAX).await;
    for session in overdue.map_err(|it| ApiError::of_store(it, connect_sessions::NOUN, ""))? {
        let (over, told) = over(&call, session)?;
        let changed = sessions.change(&Scope::System, &over, &told).await;
        if changed.map_err(|it| ApiError::of_store(it, connect_sessions::NOUN, &over.id))? {
            release_all(&call, &over.id).await;
        }
    }
    Ok(())
}

/// The same session at its end, and what is told of that.
fn over(
    call: &Call,
    session: ConnectSession,
) -> Result<(ConnectSession, Vec<ConnectNews>), ApiError> {
    let is_left = session.state == ConnectState::Left;
    let ended = if is_left { ConnectState::Gone } else { ConnectState::Expired };
    let mut items = match connect_sessions::kept(&session) {
        Ok(items) => items,
        // It ends as it is: it is not to be in the way of all that are behind it.
        Err(error) => {
            tracing::warn!("what came of a link is not told: {error}");
            return Ok((ConnectSession { state: ended, ..session }, Vec::new()));
        }
    };
    let (reason, why) = match is_left {
        true => (Reason::TenantGone, "the tenant was deleted"),
        false => (Reason::SessionExpired, "nobody has connected in time"),
    };
    let mut told = Vec::new();
    for item in &mut items {
        if matches!(item.state, ItemState::Waiting | ItemState::Asking) {
            *item = item.failed(reason, why);
            told.extend(news(call, &session, item));
        }
    }
    let is_all = !is_left && items.iter().all(|it| it.state == ItemState::Connected);
    let state = if is_all { ConnectState::Done } else { ended };
    let items = serde_json::to_string(&items).map_err(|_| ApiError::Internal)?;
    Ok((ConnectSession { state, items, ..session }, told))
}
