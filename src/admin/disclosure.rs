//! `GET …/token`: an access token for whoever the configuration names, once the trail has that it was shown.
use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use super::grant_acts;
use super::grantee::Grantee;
use super::grants;
use super::time;
use crate::grant::Expiry;
use crate::model::UnixTime;
use schemars::JsonSchema;
use serde::Serialize;

/// An access token that is good now. What it is renewed with, and what the app proves itself with, is shown to nobody.
#[derive(Serialize, JsonSchema)]
#[serde(rename = "AccessToken")]
pub(super) struct Shown {
    access_token: String,
    /// As the provider calls it: `Bearer` where it says nothing. A `DPoP` one takes a key to be used, which is not shown.
    token_type: String,
    /// RFC 3339, UTC; none where nobody knows of an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// The granted ones, where the provider says.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
}

/// `GET …/token`: one that is good now; it is had first where there is none.
pub(super) async fn token(call: Call) -> Result<Answer, ApiError> {
    if !call.api.shows_tokens_to(&call.operator) {
        return Err(ApiError::Undisclosed(call.operator.name.clone()));
    }
    // Without a store there is no trail.
    let store = &call.api.store()?.store;
    let grantee = Grantee::of(&call, call.flag("test")?).await?;
    grantee.client.method()?;
    grant_acts::renewed(&call, &grantee, false).await?;
    let none = || ApiError::Consent("there is no token right now".to_owned());
    let tokens = grant_acts::present(&call, &grantee).await?.ok_or_else(none)?;
    if is_over(tokens.expiry, call.now()) {
        let words = "the present token has ended, and the next one is not kept yet".to_owned();
        return Err(ApiError::NoToken { words, retry_after_s: 1 });
    }
    let (scope, of) = (call.scope(), grantee.grant());
    let entered = store.grants().disclosed(&scope, &of).await;
    entered.map_err(|it| ApiError::of_store(it, grants::NOUN, of.connection))?;
    let ends = |it: UnixTime| i64::try_from(it.as_ms()).unwrap_or(i64::MAX);
    let shown = Shown {
        access_token: tokens.access_token.expose().to_owned(),
        token_type: tokens.token_type.unwrap_or_else(|| "Bearer".to_owned()),
        expires_at: match tokens.expiry {
            Expiry::At(at) => Some(time::shown(ends(at))),
            Expiry::Never | Expiry::Unknown => None,
        },
        scopes: tokens.scopes,
    };
    // As each answer here it says that nobody keeps it.
    Answer::of(&shown)
}

fn is_over(expiry: Expiry, now: UnixTime) -> bool {
    matches!(expiry, Expiry::At(at) if at <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_is_not_good_any_more() {
        let now = UnixTime::from_s(1_000);
        let at = |s| Expiry::At(UnixTime::from_s(s));
        assert!(is_over(at(999), now) && is_over(at(1_000), now));
        assert!(!is_over(at(1_001), now) && !is_over(Expiry::Never, now));
        assert!(!is_over(Expiry::Unknown, now));
    }
}
