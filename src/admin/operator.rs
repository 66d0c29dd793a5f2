//! Who asks: the configured admin token, an operator's own, or a browser that one of them is signed in with.
use super::Api;
use super::error::ApiError;
use super::issued;
use super::issued::Issue;
use super::role::Role;
use super::sign_in;
use crate::model::Key;
use crate::model::OperatorName;
use crate::model::Scope;
use crate::model::Secret;
use http::HeaderMap;
use http::header;
use http::request::Parts;
use std::net::IpAddr;
use std::time::Instant;
use subtle::ConstantTimeEq;

/// The name of whoever has the configured admin token.
pub(super) const ADMIN: &str = "admin";

/// The name of the pages that people connect on.
pub(super) const PAGES: &str = "connect";

/// From this length on a token is heard however many wrong ones come from the same address, in characters: 32 of
/// hexadecimal are 128 bits.
const UNGUESSED_LEN: usize = 32;

/// Bytes of a token's hash that tell it from others of its name.
const IDENTITY_LEN: usize = 8;

/// An operator that has proved itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Operator {
    /// Changes are recorded under it.
    pub name: OperatorName,
    pub role: Role,
    /// The token itself, told apart from every other of its name, also from one that there was before.
    pub identity: String,
}

impl Operator {
    pub(super) fn must_be(&self, needs: Role) -> Result<(), ApiError> {
        if self.role >= needs {
            return Ok(());
        }
        Err(ApiError::Forbidden { has: self.role, needs })
    }
}

/// Finds out who asks: by the token, or else by the cookie of a browser that is signed in.
pub(super) async fn identify(api: &Api, head: &Parts, from: IpAddr) -> Result<Operator, ApiError> {
    if !head.headers.contains_key(header::AUTHORIZATION)
        && let Some(operator) = sign_in::of_cookie(api, head).await?
    {
        return Ok(operator);
    }
    proven(api, presented(&head.headers), from).await
}

/// Whose token it is. From an address that was wrong too often only what nobody guesses is heard for a while: a
/// right token, wherever others guess beside it; of wrong ones nobody learns more than that.
pub(super) async fn proven(
    api: &Api,
    presented: Option<Secret>,
    from: IpAddr,
) -> Result<Operator, ApiError> {
    let now = Instant::now();
    let waits = api.attempts.may_try(from, now).err();
    let heard = presented.as_ref().filter(|it| waits.is_none() || !is_guessable(it));
    if heard.is_some_and(|it| is_configured(api, it)) {
        return Ok(configured());
    }
    if let Some(retry_after_s) = waits {
        let known = match heard {
            Some(token) => known(api, token, now).await,
            None => None,
        };
        return known.ok_or(ApiError::TooManyFailures { retry_after_s });
    }
    let Some(presented) = presented else { return Err(ApiError::Unauthenticated) };
    if let Some(operator) = stored(api, &presented).await? {
        return Ok(operator);
    }
    api.attempts.failed(from, now);
    Err(ApiError::Unauthenticated)
}

/// Who it was that asked with these headers, if they still are somebody: for what goes on after it was answered.
/// Nothing is counted as a try, and nobody is seen by it.
pub(super) async fn again(api: &Api, headers: &HeaderMap) -> Result<Option<Operator>, ApiError> {
    if !headers.contains_key(header::AUTHORIZATION) {
        return sign_in::still(api, headers).await;
    }
    let Some(presented) = presented(headers) else { return Ok(None) };
    if is_configured(api, &presented) {
        return Ok(Some(configured()));
    }
    stored(api, &presented).await
}

fn is_configured(api: &Api, presented: &Secret) -> bool {
    api.access.token.as_ref().is_some_and(|it| !it.is_empty() && it == presented)
}

/// Whoever has the token of the configuration.
pub(super) fn configured() -> Operator {
    let name = Key::try_from(ADMIN).expect("it is a key");
    let identity = ADMIN.to_owned();
    Operator { name: OperatorName::Token(name), role: Role::Admin, identity }
}

/// What an operator's own token is found by.
pub(super) fn hash(token: &Secret) -> [u8; 32] {
    issued::sha256(token)
}

/// Whether a token of the configuration would be found in the end by trying: whoever chose it may have chosen a
/// word.
fn is_guessable(token: &Secret) -> bool {
    token.expose().len() < UNGUESSED_LEN
}

/// The same as [`stored`], where the store is asked for right tokens alone.
async fn known(api: &Api, presented: &Secret, now: Instant) -> Option<Operator> {
    let backing = api.backing().filter(|_| Issue::OperatorToken.may_be(presented))?;
    if !api.tokens.has(&backing.store, &issued::sha256(presented), now).await {
        return None;
    }
    stored(api, presented).await.ok().flatten()
}

/// The operator whose own token it is. What can't be one is not looked up.
async fn stored(api: &Api, presented: &Secret) -> Result<Option<Operator>, ApiError> {
    if !Issue::OperatorToken.may_be(presented) {
        return Ok(None);
    }
    of_hash(api, &issued::sha256(presented)).await
}

/// The same by the token's hash.
pub(super) async fn of_hash(api: &Api, hash: &[u8; 32]) -> Result<Option<Operator>, ApiError> {
    let Some(backing) = api.backing() else { return Ok(None) };
    let found = backing.store.tokens().by_hash(&Scope::System, hash).await;
    let Some(found) = found.map_err(|it| ApiError::of_store(it, "token", ""))? else {
        return Ok(None);
    };
    let now_ms = i64::try_from((api.clock)().as_ms()).unwrap_or(i64::MAX);
    let is_live = found.value.expires_at_ms.is_none_or(|it| it > now_ms);
    let is_it = bool::from(found.value.hash.ct_eq(hash)) && is_live;
    let (name, role) = (Key::try_from(&*found.key).ok(), Role::named(&found.value.role));
    let identity = format!("{}:{}", found.key, hex::encode(&hash[..IDENTITY_LEN]));
    let of_token = |(name, role)| Operator { name: OperatorName::Token(name), role, identity };
    Ok(name.zip(role).filter(|_| is_it).map(of_token))
}

/// What stands in the one `Authorization: Bearer`. Two are none.
pub(super) fn presented(headers: &HeaderMap) -> Option<Secret> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| Secret::new(token))
}
