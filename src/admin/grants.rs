//! What is known of a grant: never a token, always what there is to do.
use super::activations;
use super::answer::Answer;
use super::call::Call;
use super::connections::Connections;
use super::definition;
use super::error::ApiError;
use super::grantee::Grantee;
use super::sent::Members;
use super::time;
use crate::grant::End;
use crate::grant::Expiry;
use crate::grant::GrantType;
use crate::grant::IdToken;
use crate::grant::TokenSet;
use crate::model::UnixTime;
use crate::renewal::Status;
use crate::seal::Binding;
use crate::seal::Slot;
use crate::store::Authorization;
use crate::store::GrantKey;
use crate::store::GrantName;
use crate::store::GrantRow;
use crate::store::GrantState;
use crate::store::SealedCredential;
use crate::vault::Keys;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;

pub(super) const NOUN: &str = "grant";

/// The member that answers show it as.
pub(super) const MEMBER: &str = "grant";

/// The same of test credentials.
pub(super) const TEST_MEMBER: &str = "test_grant";

/// What ends by itself is told so long before.
pub(super) const EXPIRING: Duration = Duration::from_secs(7 * 24 * 3600);

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// There is a token, or there will be one when it is needed.
    Active,
    /// It will end, and nothing renews it: a person has to consent again before `expires_at`.
    Expiring,
    /// No new token right now; the one that there is goes on being used, and it is tried again.
    Failing,
    /// Nothing but a person's consent brings it back: its requests are answered 424.
    ReauthorizationRequired,
    /// It was ended here.
    Revoked,
}

/// A person who was asked on another device (RFC 8628). Times are RFC 3339, UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename = "DeviceConsent")]
pub(super) struct ConsentView {
    state: ConsentState,
    began_at: String,
    /// Until when they may consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// Why nothing came of it, in words for people: for a day, or until somebody has consented.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ConsentState {
    /// The provider is asked whether they have.
    Waiting,
    /// Nothing came of it: `authorize` begins anew.
    Failed,
}

/// What tokens are had by, and how that goes. Times are RFC 3339, UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct GrantView {
    pub state: State,
    /// Since when it is in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Why it is, in words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When the access token ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// When it is renewed by itself, or tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renews_at: Option<String>,
    /// The granted ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Those of the method's `required_scopes` that were not granted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing_scopes: Vec<String>,
    /// Whose account it is, where the provider says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// When the present token was had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_renewed_at: Option<String>,
    /// Of one that is consented to on another device: whoever was asked last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<ConsentView>,
}

/// What is known of how it goes: by the store, or by memory where there is none.
struct Known<'a> {
    state: GrantState,
    why: &'a str,
    since_ms: i64,
    expires_ms: Option<i64>,
    due_ms: Option<i64>,
    renewed_ms: Option<i64>,
}

/// What stands in the store of a grantee; none where that is of another grant, or there is no store.
pub(super) async fn row(call: &Call, grantee: &Grantee) -> Result<Option<GrantRow>, ApiError> {
    let Some(backing) = call.api.backing() else { return Ok(None) };
    let key = grantee.key();
    let row = backing.store.grants().get(&call.scope(), key).await;
    let row = row.map_err(|it| ApiError::of_store(it, NOUN, key.owner))?;
    Ok(row.filter(|it| grantee.has(it)))
}

/// What was had, in the clear; none where there is none that opens.
pub(super) async fn tokens(
    call: &Call,
    grantee: &Grantee,
    sealed: Option<&SealedCredential>,
) -> Option<TokenSet> {
    opened(&call.api.backing()?.keys, grantee.key(), sealed).await
}

/// The same by its key.
pub(super) async fn opened(
    keys: &Keys,
    key: GrantKey<'_>,
    sealed: Option<&SealedCredential>,
) -> Option<TokenSet> {
    let sealed = sealed?;
    let (owner, tenant, slot) = (key.owner, key.tenant, key.tokens());
    let binding = Binding { owner, tenant, slot, generation: sealed.generation };
    let credential = keys.open(&binding, &sealed.sealed).await.ok()?;
    TokenSet::from_credential(&credential)
}

/// What is known of a grantee's grant.
pub(super) async fn of(call: &Call, grantee: &Grantee) -> Result<GrantView, ApiError> {
    let row = row(call, grantee).await?;
    let consent = last_consents(call, &[grantee]).await?.remove(&grantee.grant_name());
    Ok(shown(call, grantee, row, consent, EXPIRING).await)
}

/// The same of several, by one question to the store. What does not read there is as if nothing was had.
pub(super) async fn of_all(call: &Call, grantees: &[&Grantee]) -> Result<Vec<GrantView>, ApiError> {
    let mut rows = HashMap::new();
    if let Some(backing) = call.api.backing() {
        let keys: Vec<_> = grantees.iter().map(|it| it.key()).collect();
        let found = backing.store.grants().these(&call.scope(), &keys).await;
        rows = found.map_err(|it| ApiError::of_store(it, NOUN, ""))?;
    }
    let mut consents = last_consents(call, grantees).await?;
    let mut views = Vec::with_capacity(grantees.len());
    for grantee in grantees {
        let name = grantee.grant_name();
        let row = rows.remove(&name).filter(|it| grantee.has(it));
        views.push(shown(call, grantee, row, consents.remove(&name), EXPIRING).await);
    }
    Ok(views)
}

/// Who was asked last on another device, of those of these who are.
async fn last_consents(
    call: &Call,
    grantees: &[&Grantee],
) -> Result<HashMap<GrantName, Authorization>, ApiError> {
    let Some(backing) = call.api.backing() else { return Ok(HashMap::new()) };
    let asked = grantees
        .iter()
        .filter(|it| it.client.consent().is_ok_and(|it| it == GrantType::DeviceCode));
    let keys: Vec<_> = asked.map(|it| it.key()).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let last = backing.store.authorizations().last(&call.scope(), &keys).await;
    last.map_err(|it| ApiError::of_store(it, "authorization", ""))
}

/// The same of what was read. `soon`: what ends within it is expiring.
pub(super) async fn shown(
    call: &Call,
    grantee: &Grantee,
    row: Option<GrantRow>,
    consent: Option<Authorization>,
    soon: Duration,
) -> GrantView {
    let sealed = row.as_ref().and_then(|it| it.tokens.as_ref());
    let tokens = tokens(call, grantee, sealed).await;
    let status = remembered(call, grantee);
    let known = match (&row, &status) {
        (Some(row), _) => Some(Known {
            state: row.state,
            why: &row.why,
            since_ms: row.since_ms,
            expires_ms: row.expires_ms,
            due_ms: row.due_ms,
            renewed_ms: row.tokens.as_ref().and_then(set_at),
        }),
        (None, Some(status)) => Some(Known {
            state: status.state,
            why: &status.why,
            since_ms: ms(status.since),
            expires_ms: status.expires.map(ms),
            due_ms: None,
            renewed_ms: None,
        }),
        (None, None) => None,
    };
    // What stands beside the tokens was found out when they were had.
    let kept_end = row.as_ref().filter(|_| tokens.is_some()).map(|it| it.ends_ms);
    let view = view(grantee, (known, kept_end), tokens.as_ref(), (call.now(), soon));
    GrantView { consent: consent.map(ConsentView::from), ..view }
}

/// What memory has of it, where nothing is stored.
fn remembered(call: &Call, grantee: &Grantee) -> Option<Status> {
    if call.api.has_store() {
        return None;
    }
    let tenant = grantee.tenant();
    call.api.providing().ok()?.renewals.status(grantee.wanted(tenant.as_ref()))
}

/// `kept_end`: where there are tokens in the store, when they end for good.
fn view(
    grantee: &Grantee,
    (known, kept_end): (Option<Known<'_>>, Option<Option<i64>>),
    tokens: Option<&TokenSet>,
    (now, soon): (UnixTime, Duration),
) -> GrantView {
    let holder = &grantee.client.holder;
    let method = &holder.method;
    let brought = holder.own_tokens(now);
    let had = tokens.or(brought.as_ref());
    let is_asked_for = had.is_none() && !method.can_renew(&holder.credential);
    let end = had.and_then(|had| match kept_end {
        Some(Some(at_ms)) => Some(End::of(had, at_ms)),
        Some(None) if had.refresh_token.is_some() => None,
        // Beside what was had before ends were kept there is none.
        Some(None) | None => method.end(had, None),
    });
    let (state, why) = match known.as_ref().map(|it| (it.state, it.why)) {
        Some((GrantState::Revoked, why)) => (State::Revoked, why.to_owned()),
        Some((GrantState::ReauthorizationRequired, why)) => {
            (State::ReauthorizationRequired, why.to_owned())
        }
        _ if is_asked_for => (State::ReauthorizationRequired, asking(method.consent()).to_owned()),
        Some((GrantState::Failing, why)) => (State::Failing, why.to_owned()),
        Some((GrantState::Active, _)) | None => standing(end, now, soon),
    };
    let scopes = had.and_then(|it| it.scopes.clone());
    let missing = scopes.as_ref().map(|it| method.missing_scopes(it));
    let expires_ms = known.as_ref().and_then(|it| it.expires_ms);
    let own_end = had.and_then(|it| match it.expiry {
        Expiry::At(at) => Some(ms(at)),
        Expiry::Never | Expiry::Unknown => None,
    });
    GrantView {
        state,
        since: known.as_ref().map(|it| time::shown(it.since_ms)),
        why: Some(why).filter(|it| !it.is_empty()),
        expires_at: expires_ms.or(own_end).map(time::shown),
        renews_at: known.as_ref().and_then(|it| it.due_ms).map(time::shown),
        missing_scopes: missing.into_iter().flatten().map(str::to_owned).collect(),
        scopes,
        account: had.and_then(account),
        last_renewed_at: known.and_then(|it| it.renewed_ms).map(time::shown),
        consent: None,
    }
}

/// Of one with which all is well so far.
fn standing(end: Option<End>, now: UnixTime, soon: Duration) -> (State, String) {
    let is_soon =
        |at: UnixTime| u128::from(at.as_ms().saturating_sub(now.as_ms())) <= soon.as_millis();
    match end {
        Some(End::AccessToken(at)) => {
            let is_over = at <= now;
            let state = if is_over { State::ReauthorizationRequired } else { State::Expiring };
            let why =
                "the provider gave no refresh token: at its end a person has to consent again";
            (state, why.to_owned())
        }
        Some(End::RefreshToken(at)) if at <= now => {
            let why = "the refresh token has ended: a person has to consent again";
            (State::ReauthorizationRequired, why.to_owned())
        }
        Some(End::RefreshToken(at)) if is_soon(at) => {
            let at = time::shown(ms(at));
            let why =
                format!("the refresh token ends at {at}: a person has to consent again before");
            (State::Expiring, why)
        }
        Some(End::RefreshToken(_)) | None => (State::Active, String::new()),
    }
}

impl From<Authorization> for ConsentView {
    fn from(it: Authorization) -> Self {
        let is_waiting = it.why.is_empty();
        Self {
            state: if is_waiting { ConsentState::Waiting } else { ConsentState::Failed },
            began_at: time::shown(it.created_ms),
            expires_at: is_waiting.then(|| time::shown(it.expires_ms)),
            why: Some(it.why).filter(|it| !it.is_empty()),
        }
    }
}

fn ms(time: UnixTime) -> i64 {
    i64::try_from(time.as_ms()).unwrap_or(i64::MAX)
}

/// Nobody has consented: what there is to do.
fn asking(consent: Option<GrantType>) -> &'static str {
    match consent {
        Some(GrantType::DeviceCode) => {
            "nobody has consented yet on another device: `authorize` begins that"
        }
        _ => "nobody has consented yet: `authorize` begins that",
    }
}

fn account(tokens: &TokenSet) -> Option<String> {
    IdToken::read(tokens.id_token.as_ref()?)?.account
}

/// When the access token was sealed.
fn set_at(sealed: &SealedCredential) -> Option<i64> {
    sealed.sealed.fields.get("access_token").map(|it| it.set_at_ms)
}

/// Answers with the activation, or the connection, and its grant.
pub(super) async fn shown_with(call: &Call, grantee: &Grantee) -> Result<Answer, ApiError> {
    let view = match grantee.key().slot {
        Slot::Activation => activations::one(call).await?.0,
        _ => definition::one::<Connections>(call).await?,
    };
    Ok(Answer::ok(Value::Object(view)))
}

/// Adds what is known of a grant; nothing where there is none to be had, or it can't be told right now.
pub(super) async fn add(
    call: &Call,
    member: &str,
    grantee: Option<Grantee>,
    view: &mut Members,
) -> Result<(), ApiError> {
    if let Some(grantee) = grantee {
        view.insert(member.to_owned(), json!(of(call, &grantee).await?));
    }
    Ok(())
}

/// The same to the views of a page. None of a grantee that there is none of.
pub(super) async fn add_all(
    call: &Call,
    grantees: &[Option<Grantee>],
    views: &mut [(String, Members)],
) -> Result<(), ApiError> {
    let known: Vec<&Grantee> = grantees.iter().flatten().collect();
    let mut shown = of_all(call, &known).await?.into_iter();
    for (grantee, (_, view)) in grantees.iter().zip(views) {
        if let Some(grant) = grantee.as_ref().and_then(|_| shown.next()) {
            view.insert(MEMBER.to_owned(), json!(grant));
        }
    }
    Ok(())
}
