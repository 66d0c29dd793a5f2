//! `…/renew`, `…/revoke` and `…/introspect`: what an operator does with a grant, or asks of it.
use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use super::grantee::Grantee;
use super::grants;
use super::grants::GrantView;
use super::time;
use crate::catalog::Token;
use crate::grant::TokenSet;
use crate::renewal;
use crate::renewal::Asked;
use crate::renewal::ErrandError;
use crate::renewal::RenewalError;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;
use std::time::Instant;

/// What became of a grant that was ended.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Ended {
    /// Whether the provider has ended its tokens too. It is ended here in any case.
    at_provider: bool,
    /// Why the provider has not, in words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    grant: GrantView,
}

/// What a provider knows of an access token.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Known {
    /// Whether it takes it.
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    /// RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
}

/// `POST …/renew`: another token, now. Answers as `GET` of it does.
pub(super) async fn renew(call: Call) -> Result<Answer, ApiError> {
    let grantee = Grantee::of(&call, call.flag("test")?).await?;
    if grantee.client.holder.needs_a_person() {
        return Err(ErrandError::Unfit("only a person's consent gives another token").into());
    }
    renewed(&call, &grantee, true).await?;
    grants::shown_with(&call, &grantee).await
}

/// A token that is good now; with `is_forced` another one than there is.
pub(super) async fn renewed(
    call: &Call,
    grantee: &Grantee,
    is_forced: bool,
) -> Result<Arc<Token>, ApiError> {
    let renewals = &call.api.providing()?.renewals;
    let tenant = grantee.tenant();
    let wanted = grantee.wanted(tenant.as_ref());
    let asked = renewals.ask(wanted, is_forced, (call.api.clock)(), Instant::now());
    let landed = match asked {
        Ok(Asked::Token(token)) => Ok(token),
        Ok(Asked::Flight(flight)) => renewal::landed(flight).await,
        Err(error) => Err(error),
    };
    match landed {
        Ok(token) => Ok(token),
        Err(error) => Err(missed(call, grantee, error).await),
    }
}

/// In the words that are kept of it, where there are any.
pub(super) async fn missed(call: &Call, grantee: &Grantee, error: RenewalError) -> ApiError {
    let why = grants::row(call, grantee).await.ok().flatten().map(|it| it.why);
    let words = why.filter(|it| !it.is_empty()).unwrap_or_else(|| error.to_string());
    match error.retry_after_s() {
        Some(retry_after_s) => ApiError::NoToken { words, retry_after_s },
        None => ApiError::Consent(words),
    }
}

/// `POST …/revoke`: it is ended here first, whatever the provider says.
pub(super) async fn revoke(call: Call) -> Result<Answer, ApiError> {
    let grantee = Grantee::of(&call, call.flag("test")?).await?;
    let tokens = present(&call, &grantee).await?;
    let backing = call.api.store()?;
    let why = format!("it was revoked by `{}`", call.operator.name);
    let (scope, of) = (call.scope(), grantee.grant());
    let revoked = backing.store.grants().revoked(&scope, &of, &why).await;
    let revision = revoked.map_err(|it| ApiError::of_store(it, grants::NOUN, of.connection))?;
    call.served(revision).await;
    let told = match tokens {
        Some(tokens) => call.api.errands()?.revoke(grantee.client.clone(), tokens).await,
        None => Err(ErrandError::Unfit("there was no token to end")),
    };
    let grant = grants::of(&call, &grantee).await?;
    let why = told.as_ref().err().map(ErrandError::to_string);
    Answer::of(&Ended { at_provider: told.is_ok(), why, grant })
}

/// `POST …/introspect`
pub(super) async fn introspect(call: Call) -> Result<Answer, ApiError> {
    let grantee = Grantee::of(&call, call.flag("test")?).await?;
    let none = || ApiError::Consent("there is no token to ask about".to_owned());
    let tokens = present(&call, &grantee).await?.ok_or_else(none)?;
    let known = call.api.errands()?.introspect(grantee.client.clone(), tokens).await?;
    let words = "the provider's answer tells nothing of a token".to_owned();
    let known = known.ok_or(ErrandError::Provider { words, after: None })?;
    let shown =
        |it: crate::model::UnixTime| time::shown(i64::try_from(it.as_ms()).unwrap_or(i64::MAX));
    Answer::of(&Known {
        active: known.active,
        scopes: known.scopes,
        expires_at: known.expires_at.map(shown),
        account: known.account,
    })
}

/// What is had at present, or was brought along.
pub(super) async fn present(call: &Call, grantee: &Grantee) -> Result<Option<TokenSet>, ApiError> {
    let row = grants::row(call, grantee).await?;
    let sealed = row.as_ref().and_then(|it| it.tokens.as_ref());
    let kept = grants::tokens(call, grantee, sealed).await;
    Ok(kept.or_else(|| grantee.client.holder.own_tokens(call.now())))
}
