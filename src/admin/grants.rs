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
use crate::catalog::Way;
use crate::grant::GrantType;
use crate::grant::IdToken;
use crate::grant::Oauth2;
use crate::grant::TokenSet;
use crate::seal::Binding;
use crate::seal::Slot;
use crate::store::GrantRow;
use crate::store::GrantState;
use crate::store::SealedCredential;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

pub(super) const NOUN: &str = "grant";

/// The member that answers show it as.
pub(super) const MEMBER: &str = "grant";

/// The same of test credentials.
pub(super) const TEST_MEMBER: &str = "test_grant";

/// A refresh token that ends by itself is told so long before.
const EXPIRING_MS: i64 = 7 * 24 * 3600 * 1000;

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
}

/// What stands in the store of a grantee; none where that is of another grant, or there is no store.
pub(super) async fn row(call: &Call, grantee: &Grantee) -> Result<Option<GrantRow>, ApiError> {
    let Some(backing) = call.api.backing() else { return Ok(None) };
    let key = grantee.key();
    let row = backing.store.grants().get(&call.scope(), key).await;
    let row = row.map_err(|it| ApiError::of_store(it, NOUN, key.owner))?;
    Ok(row.filter(|it| it.fingerprint == grantee.grant().fingerprint))
}

/// What was had, in the clear; none where there is none that opens.
pub(super) async fn tokens(
    call: &Call,
    grantee: &Grantee,
    sealed: Option<&SealedCredential>,
) -> Option<TokenSet> {
    let (backing, sealed, key) = (call.api.backing()?, sealed?, grantee.key());
    let (owner, tenant, slot) = (key.owner, key.tenant, key.tokens());
    let binding = Binding { owner, tenant, slot, generation: sealed.generation };
    let credential = backing.keys.open(&binding, &sealed.sealed).await.ok()?;
    TokenSet::from_credential(&credential)
}

/// What is known of a grantee's grant.
pub(super) async fn of(call: &Call, grantee: &Grantee) -> Result<GrantView, ApiError> {
    let row = row(call, grantee).await?;
    let sealed = row.as_ref().and_then(|it| it.tokens.as_ref());
    let tokens = tokens(call, grantee, sealed).await;
    Ok(view(grantee, row.as_ref(), tokens.as_ref(), call.now_ms()))
}

/// The same of what was read.
fn view(
    grantee: &Grantee,
    row: Option<&GrantRow>,
    tokens: Option<&TokenSet>,
    now_ms: i64,
) -> GrantView {
    let holder = &grantee.client.holder;
    let method = match &holder.method.way {
        Way::Oauth2(method) => Some(method),
        Way::Session(_) => None,
    };
    let brought = TokenSet::from_credential(&holder.credential);
    let had = tokens.or(brought.as_ref());
    let is_asked_for =
        had.is_none() && method.is_some_and(|it| it.renewal(&holder.credential).is_none());
    let (state, why) = match row.map(|it| (it.state, &*it.why)) {
        Some((GrantState::Revoked, why)) => (State::Revoked, why),
        Some((GrantState::ReauthorizationRequired, why)) => (State::ReauthorizationRequired, why),
        _ if is_asked_for => (State::ReauthorizationRequired, asking(method)),
        Some((GrantState::Failing, why)) => (State::Failing, why),
        Some((GrantState::Active, _)) | None => {
            match method.zip(had).and_then(|it| ends(it, now_ms)) {
                Some(why) => (State::Expiring, why),
                None => (State::Active, ""),
            }
        }
    };
    let scopes = had.and_then(|it| it.scopes.clone());
    let missing = method.zip(scopes.as_ref()).map(|(method, it)| method.missing_scopes(it));
    let renewed = row.and_then(|it| it.tokens.as_ref()).and_then(set_at);
    GrantView {
        state,
        since: row.map(|it| time::shown(it.since_ms)),
        why: Some(why.to_owned()).filter(|it| !it.is_empty()),
        expires_at: row.and_then(|it| it.expires_ms).map(time::shown),
        renews_at: row.and_then(|it| it.due_ms).map(time::shown),
        missing_scopes: missing.into_iter().flatten().map(str::to_owned).collect(),
        scopes,
        account: had.and_then(account),
        last_renewed_at: renewed.map(time::shown),
    }
}

/// Nobody has consented: what there is to do.
fn asking(method: Option<&Oauth2>) -> &'static str {
    match method.map(Oauth2::grant) {
        Some(GrantType::DeviceCode) => {
            "nobody has consented yet on another device: `authorize` begins that"
        }
        _ => "nobody has consented yet: `authorize` begins that",
    }
}

/// Why it will end whatever attache does, where it will.
fn ends((method, tokens): (&Oauth2, &TokenSet), now_ms: i64) -> Option<&'static str> {
    use crate::grant::Expiry;
    if !method.renews_by_token() {
        return None;
    }
    let ends = |it: crate::model::UnixTime| i64::try_from(it.as_ms()).unwrap_or(i64::MAX);
    if tokens.refresh_token.is_none() {
        let is_renewed = method.renewal(&tokens.to_credential()).is_some();
        let has_end = matches!(tokens.expiry, Expiry::At(_));
        return (has_end && !is_renewed).then_some(
            "the provider gave no refresh token: at its end a person has to consent again",
        );
    }
    let soon = tokens.refresh_expires_at.is_some_and(|it| ends(it) - now_ms <= EXPIRING_MS);
    soon.then_some("the refresh token ends within a week: a person has to consent again before")
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
    grantee: Result<Grantee, ApiError>,
    view: &mut Members,
) -> Result<(), ApiError> {
    if let Ok(grantee) = grantee {
        view.insert(member.to_owned(), json!(of(call, &grantee).await?));
    }
    Ok(())
}
