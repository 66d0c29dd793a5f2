//! `/v1/connect-sessions`: links by which tenants connect their accounts.
use super::answer::Answer;
use super::call::Call;
use super::connect_item::ItemState;
use super::connect_item::ItemView;
use super::connect_item::Kept;
use super::connect_release;
use super::cursor;
use super::error::ApiError;
use super::shape;
use super::time;
use super::unreadable;
use crate::model::ConnectSessionId;
use crate::model::TenantId;
use crate::store::ConnectSession;
use crate::store::ConnectState;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Serialize;
use serde_json::json;

pub(super) const NOUN: &str = "connect session";

/// How a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SessionState {
    Open,
    /// The person has come to its end.
    Done,
    /// It took too long.
    Expired,
    /// An operator has ended it, or its tenant was deleted.
    Ended,
}

/// A link by which a tenant connects. Times are RFC 3339, UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename = "ConnectSession")]
pub(super) struct SessionView {
    id: String,
    tenant: String,
    /// Who asks, as `connect.name` has it.
    name: Option<String>,
    state: SessionState,
    /// A hash of what the one browser has that connects by it; null while none does.
    browser: Option<String>,
    created_at: String,
    /// From then on it is good for nothing.
    expires_at: String,
    return_url: Option<String>,
    items: Vec<ItemView>,
}

/// `GET /v1/connect-sessions`: the newest first.
pub(super) async fn list(call: Call) -> Result<Answer, ApiError> {
    let page = call.page()?;
    let behind = match page.after.as_deref() {
        None => None,
        Some(last) => {
            let (created, id) = last.split_once(' ').ok_or_else(cursor::foreign)?;
            Some((created.parse().map_err(|_| cursor::foreign())?, id))
        }
    };
    let tenant = call.query.value("tenant");
    let sessions = call.api.store()?.store.connect_sessions();
    let listed = sessions.list(&call.scope(), tenant, behind, page.limit).await;
    let listed = listed.map_err(|it| ApiError::of_store(it, NOUN, ""))?;
    let is_full = listed.len() >= page.limit as usize;
    let last = listed.last().filter(|_| is_full).map(|it| format!("{} {}", it.created_ms, it.id));
    let next = last.map(|it| cursor::behind(&call.path, &it));
    let mut items = Vec::with_capacity(listed.len());
    for session in &listed {
        items.push(json!(view(&call, session, false).await?));
    }
    Ok(unreadable::page(&call, items, next, &[]))
}

/// `GET /v1/connect-sessions/{session}`
pub(super) async fn read(call: Call) -> Result<Answer, ApiError> {
    let session = found(&call).await?;
    Answer::of(&view(&call, &session, true).await?)
}

/// `DELETE /v1/connect-sessions/{session}`: nobody connects by it any more. What was connected stays.
pub(super) async fn end(call: Call) -> Result<Answer, ApiError> {
    loop {
        let session = found(&call).await?;
        if !session.is_open() {
            return Ok(Answer::nothing());
        }
        let ended = ConnectSession { state: ConnectState::Ended, ..session };
        if changed(&call, &ended).await? {
            call.progress.written();
            connect_release::release_all(&call, &ended.id).await;
            return Ok(Answer::nothing());
        }
    }
}

/// The one that the path names.
pub(super) async fn found(call: &Call) -> Result<ConnectSession, ApiError> {
    let text = call.parameter("session")?;
    let missing = || ApiError::NotFound { noun: NOUN, key: text.clone() };
    let id = ConnectSessionId::try_from(&*text).map_err(|_| missing())?;
    let sessions = call.api.store()?.store.connect_sessions();
    let found = sessions.get(&call.scope(), id.as_str()).await;
    found.map_err(|it| ApiError::of_store(it, NOUN, id.as_str()))?.ok_or_else(missing)
}

/// False where somebody else was quicker.
pub(super) async fn changed(call: &Call, session: &ConnectSession) -> Result<bool, ApiError> {
    let sessions = call.api.store()?.store.connect_sessions();
    let changed = sessions.change(&call.scope(), session, &[]).await;
    changed.map_err(|it| ApiError::of_store(it, NOUN, &session.id))
}

/// What is to be connected by it.
pub(super) fn kept(session: &ConnectSession) -> Result<Vec<Kept>, ApiError> {
    serde_json::from_str(&session.items).map_err(|error| {
        let (key, problem) = (session.id.clone(), error.to_string());
        ApiError::Damaged { noun: NOUN, key, problem }
    })
}

/// As it is shown. `has_values`: with what the tenant has at present.
pub(super) async fn view(
    call: &Call,
    session: &ConnectSession,
    has_values: bool,
) -> Result<SessionView, ApiError> {
    let kept = kept(session)?;
    let tenant = TenantId::try_from(&*session.tenant).map_err(|_| ApiError::Internal)?;
    let mut items = Vec::with_capacity(kept.len());
    for it in &kept {
        items.push(it.view(call, &tenant, has_values && session.is_open()).await?);
    }
    let is_all = kept.iter().all(|it| it.state == ItemState::Connected);
    let said = |it: &str| Some(it.to_owned()).filter(|it| !it.is_empty());
    Ok(SessionView {
        id: session.id.clone(),
        tenant: session.tenant.clone(),
        name: call.api.connecting.name().map(str::to_owned),
        state: match session.state {
            ConnectState::Open if session.is_open() => SessionState::Open,
            ConnectState::Done => SessionState::Done,
            // There was nothing left to do.
            ConnectState::Open | ConnectState::Expired if is_all => SessionState::Done,
            ConnectState::Open | ConnectState::Expired => SessionState::Expired,
            ConnectState::Ended | ConnectState::Gone | ConnectState::Left => SessionState::Ended,
        },
        browser: said(&session.browser),
        created_at: time::shown(session.created_ms),
        expires_at: time::shown(session.expires_ms),
        return_url: said(&session.return_url),
        items,
    })
}

pub(super) fn page(generator: &mut SchemaGenerator) -> Schema {
    let item = generator.subschema_for::<SessionView>();
    shape::page(generator, "ConnectSessionPage", item)
}
