//! A session from its beginning to its end: who it is of is asked for anew with each request.
use super::super::Api;
use super::super::error::ApiError;
use super::super::operator;
use super::super::operator::ADMIN;
use super::super::operator::Operator;
use super::super::role::Role;
use super::Via;
use super::books::Ledger;
use super::cookie::Cookie;
use super::routes::peer;
use super::same_origin;
use crate::config::OidcRoles;
use crate::config::OidcSettings;
use crate::model::OperatorName;
use crate::model::Scope;
use crate::model::Secret;
use crate::store::ConsoleSession;
use http::HeaderMap;
use http::request::Parts;
use sha2::Digest;
use sha2::Sha256;
use std::net::IpAddr;
use std::time::Duration;
use std::time::Instant;
use subtle::ConstantTimeEq;

/// How far behind it may be when somebody was seen last: so seldom it is written.
const SEEN_WITHIN_MS: i64 = 60 * 1000;

/// Where the page that was asked for is not one of ours, or does not say so.
const NOT_OURS: &str = "A session of the console counts for the console's own pages alone: send what \
                        `GET /console/session` says as `csrf` with it, as `Attache-Console`.";

/// What a page asks by itself, while nobody is at it: it does not put off the end of an idle session.
const UNATTENDED: &str = "attache-unattended";

const OVER: &str = "The session is over: sign in again.";

/// Somebody who is signed in.
pub(super) struct SignedIn {
    pub(super) operator: Operator,
    pub(super) via: Via,
    pub(super) expires_ms: i64,
    /// When it was seen last, to within a minute.
    seen_ms: i64,
}

/// Who asks, by the cookie and what has to come with it; none where there is no cookie.
pub(in crate::admin) async fn of_cookie(
    api: &Api,
    head: &Parts,
) -> Result<Option<Operator>, ApiError> {
    let signing = &api.sign_in.signing;
    let Some(cookie) = Cookie::read(&head.headers, signing.is_secure) else { return Ok(None) };
    if !same_origin::is_ours(head, signing, false) || !same_origin::is_told(&head.headers, &cookie)
    {
        return Err(ApiError::NotSignedIn(NOT_OURS));
    }
    let signed_in = standing(api, &cookie, Some(peer(head))).await?;
    let signed_in = signed_in.ok_or(ApiError::NotSignedIn(OVER))?;
    if head.headers.get(UNATTENDED).is_none()
        && let Err(error) = seen(api, &cookie, signed_in.seen_ms).await
    {
        // It is over the sooner: what can only be read is read all the same.
        tracing::warn!("that a session was used is not kept: {error}");
    }
    Ok(Some(signed_in.operator))
}

/// Who it is of whose request with this cookie is still being answered: what only a page of ours can say was looked
/// at when it came. It does not count as being seen.
pub(in crate::admin) async fn still(
    api: &Api,
    headers: &HeaderMap,
) -> Result<Option<Operator>, ApiError> {
    let Some(cookie) = Cookie::read(headers, api.sign_in.signing.is_secure) else {
        return Ok(None);
    };
    Ok(standing(api, &cookie, None).await?.map(|it| it.operator))
}

/// Opens one for whoever has just proved itself. `token`: what with; none where a provider vouches. None where
/// `once`, a sign-in, was used before.
pub(super) async fn open(
    api: &Api,
    operator: &Operator,
    (token, from): (Option<&Secret>, &str),
    once: Option<(&[u8; 32], i64)>,
) -> Result<Option<(Cookie, i64)>, ApiError> {
    let cookie = Cookie::new();
    let now_ms = now_ms(api);
    let expires_ms = now_ms.saturating_add(ms(api.sign_in.signing.sessions.absolute));
    let proof = match token {
        Some(token) => proof(&cookie, operator, token).to_vec(),
        None => api.sign_in.signing.oidc.as_ref().map(ground).unwrap_or_default().to_vec(),
    };
    let session = ConsoleSession {
        id: cookie.id(),
        via: if token.is_some() { Via::Token } else { Via::Oidc }.as_str().to_owned(),
        name: operator.name.to_string(),
        role: operator.role.as_str().to_owned(),
        identity: operator.identity.clone(),
        proof,
        created_ms: now_ms,
        seen_ms: now_ms,
        expires_ms,
    };
    let scope = Scope::from(operator.name.clone());
    let is_opened = ledger(api).open(&scope, session, from, once).await?;
    if is_opened {
        api.sign_in.made_up.is_there(cookie.id());
    }
    Ok(is_opened.then_some((cookie, expires_ms)))
}

/// Who is signed in with this cookie. What is over is ended, and said so. `from`: where it may be made up.
pub(super) async fn standing(
    api: &Api,
    cookie: &Cookie,
    from: Option<IpAddr>,
) -> Result<Option<SignedIn>, ApiError> {
    let id = cookie.id();
    let Some(session) = find(api, &id, from).await? else { return Ok(None) };
    let (scope, why) = match found(api, cookie, &session).await? {
        Ok(signed_in) => return Ok(Some(signed_in)),
        Err(why) => (Scope::System, why),
    };
    if let Err(error) = ledger(api).end(&scope, &id, why).await {
        tracing::warn!("a session that is over is still stored: {error}");
    }
    Ok(None)
}

/// Ends it everywhere, on behalf of whoever it is of. `from`: where it may be made up.
pub(super) async fn end(
    api: &Api,
    cookie: &Cookie,
    why: &str,
    from: Option<IpAddr>,
) -> Result<(), ApiError> {
    let id = cookie.id();
    let Some(session) = find(api, &id, from).await? else { return Ok(()) };
    let name = match Via::named(&session.via) {
        Some(Via::Oidc) => Some(OperatorName::Person(session.name.as_str().into())),
        Some(Via::Token) => session.name.as_str().try_into().ok().map(OperatorName::Token),
        None => None,
    };
    let scope = name.map_or(Scope::System, Scope::from);
    ledger(api).end(&scope, &id, why).await
}

/// What is kept of it. An address that too many cookies of nobody's came from has none looked up for a while, but for
/// those that were there when they were asked for last.
async fn find(
    api: &Api,
    id: &[u8; 32],
    from: Option<IpAddr>,
) -> Result<Option<ConsoleSession>, ApiError> {
    let (made_up, now) = (&api.sign_in.made_up, Instant::now());
    if let Some(from) = from {
        let may_ask = made_up.may_ask(id, from, now);
        may_ask.map_err(|retry_after_s| ApiError::TooManyFailures { retry_after_s })?;
    }
    let found = ledger(api).find(id).await?;
    match (&found, from) {
        (Some(_), _) => made_up.is_there(*id),
        (None, Some(from)) => made_up.is_not_there(id, from, now),
        (None, None) => {}
    }
    Ok(found)
}

/// Whether it still stands, or why not.
async fn found(
    api: &Api,
    cookie: &Cookie,
    session: &ConsoleSession,
) -> Result<Result<SignedIn, &'static str>, ApiError> {
    let now_ms = now_ms(api);
    if now_ms >= session.expires_ms {
        return Ok(Err("it was as old as it may be"));
    }
    if now_ms.saturating_sub(session.seen_ms) >= ms(api.sign_in.signing.sessions.idle) {
        return Ok(Err("nothing was asked with it for as long as may be"));
    }
    let via = Via::named(&session.via);
    let operator = match via {
        Some(Via::Token) if session.identity == ADMIN => of_configuration(api, cookie, session),
        Some(Via::Token) => of_token(api, session).await?,
        Some(Via::Oidc) => of_provider(api, session),
        None => None,
    };
    let Some((operator, via)) = operator.filter(|it| is_same(it, session)).zip(via) else {
        return Ok(Err("what it was signed in by is gone or changed"));
    };
    let (expires_ms, seen_ms) = (session.expires_ms, session.seen_ms);
    Ok(Ok(SignedIn { operator, via, expires_ms, seen_ms }))
}

/// Whether whoever it is of may still do what it could when it began: as far as can be told without the cookie, with
/// which alone a token of the configuration is told from another.
pub(super) async fn is_backed(api: &Api, session: &ConsoleSession) -> Result<bool, ApiError> {
    let operator = match Via::named(&session.via) {
        Some(Via::Token) if session.identity == ADMIN => {
            return Ok(api.access.token.as_ref().is_some_and(|it| !it.is_empty()));
        }
        Some(Via::Token) => of_token(api, session).await?,
        Some(Via::Oidc) => of_provider(api, session),
        None => None,
    };
    Ok(operator.is_some_and(|it| is_same(&it, session)))
}

/// Whoever may do something else than when it began signs in anew, and knows it then.
fn is_same(operator: &Operator, session: &ConsoleSession) -> bool {
    operator.identity == session.identity && operator.role.as_str() == session.role
}

/// The token of the configuration, where it is the same still.
fn of_configuration(api: &Api, cookie: &Cookie, session: &ConsoleSession) -> Option<Operator> {
    let token = api.access.token.as_ref().filter(|it| !it.is_empty())?;
    bool::from(cookie.proof(token).as_slice().ct_eq(&session.proof)).then(operator::configured)
}

/// An operator's own, as it is now.
async fn of_token(api: &Api, session: &ConsoleSession) -> Result<Option<Operator>, ApiError> {
    match <[u8; 32]>::try_from(&*session.proof) {
        Ok(hash) => operator::of_hash(api, &hash).await,
        Err(_) => Ok(None),
    }
}

/// Whom a provider has vouched for: as long as it is the one that is asked, and roles are given as they were then.
fn of_provider(api: &Api, session: &ConsoleSession) -> Option<Operator> {
    let oidc = api.sign_in.signing.oidc.as_ref()?;
    let is_its = session.identity.starts_with(&identity_of(&oidc.issuer, ""))
        && bool::from(ground(oidc).as_slice().ct_eq(&session.proof));
    let role = Role::named(&session.role).filter(|_| is_its)?;
    let name = OperatorName::Person(session.name.as_str().into());
    Some(Operator { name, role, identity: session.identity.clone() })
}

/// A person of a provider's, told from every token and from the people of others.
pub(super) fn identity_of(issuer: &str, subject: &str) -> String {
    ["oidc:", issuer, "#", subject].concat()
}

/// What the token is found by again: an operator's own by its hash, and a word of the configuration by nothing that
/// could be tried.
fn proof(cookie: &Cookie, operator: &Operator, token: &Secret) -> [u8; 32] {
    if operator.identity == ADMIN { cookie.proof(token) } else { operator::hash(token) }
}

/// A hash of the settings that a person's role follows from: under others the person signs in anew.
fn ground(oidc: &OidcSettings) -> [u8; 32] {
    let OidcRoles { admin, operator, viewer } = &oidc.roles;
    let mut hash = Sha256::new_with_prefix("attache console ground 1 ");
    let mut add = |text: &str| {
        // With its length before it, so that no two settings run into one text.
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    };
    [&oidc.issuer, &oidc.client_id, &oidc.role_claim].into_iter().for_each(|it| add(it));
    for values in [admin, operator, viewer] {
        add(&values.len().to_string());
        values.iter().for_each(|it| add(it));
    }
    hash.finalize().into()
}

async fn seen(api: &Api, cookie: &Cookie, seen_ms: i64) -> Result<(), ApiError> {
    let now_ms = now_ms(api);
    let within = SEEN_WITHIN_MS.min(ms(api.sign_in.signing.sessions.idle) / 4);
    if now_ms.saturating_sub(seen_ms) < within {
        return Ok(());
    }
    ledger(api).seen(&cookie.id(), now_ms).await
}

pub(super) fn ledger(api: &Api) -> Ledger<'_> {
    match api.backing() {
        Some(it) => Ledger::Stored(&it.store),
        None => Ledger::Kept(&api.sign_in.books),
    }
}

pub(super) fn now_ms(api: &Api) -> i64 {
    i64::try_from((api.clock)().as_ms()).unwrap_or(i64::MAX)
}

pub(super) fn ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
