//! `/v1/sessions`: who is signed in to the console, for admins, who may end what others are signed in with.
use super::super::answer::Answer;
use super::super::call::Call;
use super::super::cursor;
use super::super::error::ApiError;
use super::super::role::Role;
use super::super::shape;
use super::super::time;
use super::super::unreadable;
use super::super::unreadable::Unreadable;
use super::Via;
use super::cookie::Cookie;
use super::session;
use crate::store::ConsoleSession;
use crate::store::ListedSessions;
use crate::store::SessionPlace;
use crate::store::StandingSessions;
use crate::store::ToldSession;
use http::header;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Serialize;
use serde_json::json;
use std::collections::HashMap;

const NOUN: &str = "console session";

/// A browser that an operator is signed in with.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename = "ConsoleSession")]
struct Shown {
    /// As the audit trail has it.
    id: String,
    /// The key of the operator's token, or what the identity provider calls the person.
    name: String,
    role: Role,
    via: ShownVia,
    /// When it began: RFC 3339, UTC.
    created_at: String,
    /// When something was asked with it, to within a minute.
    seen_at: String,
    /// From then on it is over, however much is asked; it is sooner where nothing is asked for as long as
    /// `server.admin.sessions.idle`.
    expires_at: String,
    /// Whether it is the one that asks.
    current: bool,
}

/// What the operator has signed in with.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename = "ConsoleSessionVia", rename_all = "lowercase")]
enum ShownVia {
    /// A token.
    Token,
    /// An identity provider's word.
    Oidc,
}

/// `GET /v1/sessions`: the newest first.
pub(in crate::admin) async fn list(call: Call) -> Result<Answer, ApiError> {
    let page = call.page()?;
    let behind = page.after.as_deref().map(|it| read(it).ok_or_else(cursor::foreign));
    let (api, behind) = (&call.api, behind.transpose()?);
    let now_ms = call.now_ms();
    let idle_ms = session::ms(api.sign_in.signing.sessions.idle);
    let standing = StandingSessions { now_ms, seen_after_ms: now_ms.saturating_sub(idle_ms) };
    let ledger = session::ledger(api);
    let listed = ledger.list(&call.scope(), standing, behind, page.limit).await?;
    let ListedSessions { sessions, broken, last } = listed;
    let next = last.map(|(at_ms, told)| cursor::behind(&call.path, &format!("{at_ms}.{told}")));
    let own = own(&call);
    // Many are of the same token.
    let mut backed: HashMap<(String, Vec<u8>), bool> = HashMap::new();
    let mut items = Vec::with_capacity(sessions.len());
    for it in &sessions {
        let proof = (it.identity.clone(), it.proof.clone());
        let is_backed = match backed.get(&proof) {
            Some(known) => *known,
            None => session::is_backed(api, it).await?,
        };
        backed.insert(proof, is_backed);
        if is_backed && let Some(shown) = shown(it, own) {
            items.push(json!(shown));
        }
    }
    let broken: Vec<_> = broken.iter().map(Unreadable::from).collect();
    Ok(unreadable::page(&call, items, next, &broken))
}

/// `DELETE /v1/sessions/{session}`
pub(in crate::admin) async fn end(call: Call) -> Result<Answer, ApiError> {
    let text = call.parameter("session")?;
    let missing = || ApiError::NotFound { noun: NOUN, key: text.clone() };
    let told: ToldSession = text.parse().map_err(|_| missing())?;
    let why = "an admin has ended it";
    if !session::ledger(&call.api).end_told(&call.scope(), told, why).await? {
        return Err(missing());
    }
    if call.api.backing().is_none() {
        let operator = call.operator.name.to_string();
        tracing::info!(operator, session = %told, "an admin has ended a session of the console");
    }
    Ok(Answer::nothing())
}

fn shown(it: &ConsoleSession, own: Option<ToldSession>) -> Option<Shown> {
    let told = ToldSession::of(&it.id);
    Some(Shown {
        id: told.to_string(),
        name: it.name.clone(),
        role: Role::named(&it.role)?,
        via: match Via::named(&it.via)? {
            Via::Token => ShownVia::Token,
            Via::Oidc => ShownVia::Oidc,
        },
        created_at: time::shown(it.created_ms),
        seen_at: time::shown(it.seen_ms),
        expires_at: time::shown(it.expires_ms),
        current: own == Some(told),
    })
}

/// The one that asks, where it is not a token that does.
fn own(call: &Call) -> Option<ToldSession> {
    if call.headers.contains_key(header::AUTHORIZATION) {
        return None;
    }
    let cookie = Cookie::read(&call.headers, call.api.sign_in.signing.is_secure)?;
    Some(ToldSession::of(&cookie.id()))
}

fn read(last: &str) -> Option<SessionPlace> {
    let (at_ms, told) = last.split_once('.')?;
    Some((at_ms.parse().ok()?, told.parse().ok()?))
}

pub(in crate::admin) fn page(generator: &mut SchemaGenerator) -> Schema {
    let item = generator.subschema_for::<Shown>();
    shape::page(generator, "ConsoleSessionPage", item)
}
