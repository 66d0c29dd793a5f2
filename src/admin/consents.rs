//! `…/authorize` and `…/callback`: a person is asked to consent, and what came of it.
use super::answer::Answer;
use super::call::Call;
use super::connect_bid::Done;
use super::connect_release;
use super::dance;
use super::dance::Brought;
use super::dance::Consent;
use super::dance::InBrowser;
use super::dance::Opened;
use super::dance::Sent;
use super::dance::Stopped;
use super::dance::Subject;
use super::error::ApiError;
use super::grantee::Grantee;
use super::grants;
use super::sent;
use super::time;
use crate::grant::Expiry;
use crate::grant::GrantType;
use crate::grant::RedirectUri;
use crate::grant::TokenSet;
use crate::model::Account;
use crate::model::Scope;
use crate::model::Secret;
use crate::model::UnixTime;
use crate::renewal::ErrandError;
use crate::renewal::renewed_in;
use crate::store::Authorization;
use crate::store::GrantTimes;
use crate::store::Place;
use crate::store::Store;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use zeroize::Zeroizing;

/// How often it is tried again because somebody else wrote meanwhile.
const TRIES_MAX: usize = 8;

/// Somebody is to be asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Authorize {
    /// Where the person's browser comes back to, as the provider knows it: https, or http on this machine. Not for
    /// consents on another device.
    redirect_uri: Option<String>,
    /// Whom the provider should ask, as it knows them.
    login_hint: Option<String>,
    /// For the connection's test credentials. Default: no.
    #[serde(default)]
    test: bool,
}

/// Where the person goes.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Asked {
    /// In a browser.
    Browser {
        /// Send the person's browser there.
        url: String,
        /// Comes back with it: keep it with the person's session, and look whether it is the same.
        state: String,
        /// RFC 3339, UTC: from then on it is good for nothing.
        expires_at: String,
    },
    /// On another device (RFC 8628).
    Device {
        /// For the person to type.
        user_code: String,
        /// Where.
        verification_uri: String,
        /// The same with the code in it.
        #[serde(skip_serializing_if = "Option::is_none")]
        verification_uri_complete: Option<String>,
        /// RFC 3339, UTC.
        expires_at: String,
        /// How often the provider is asked whether they have.
        interval_s: u64,
    },
}

/// The person's browser came back.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Callback {
    /// The whole URL that it came back to.
    url: String,
    /// What the person's session has: it has to be the redirect's.
    state: Option<String>,
    /// As it was asked for.
    #[serde(default)]
    test: bool,
    /// The same URL again, after 409 `account_differs`: the other account is to be taken. Good for 10 minutes, once.
    #[serde(default)]
    confirm_account: bool,
}

/// `POST …/authorize`
pub(super) async fn authorize(mut call: Call) -> Result<Answer, ApiError> {
    let asked: Authorize = sent::read(&call.take_object()?)?;
    let grantee = Grantee::of(&call, asked.test).await?;
    let asked = match grantee.client.consent()? {
        GrantType::DeviceCode => on_device(&call, &grantee, &asked).await?,
        _ => in_browser(&call, &grantee, asked).await?,
    };
    Answer::of(&asked)
}

async fn in_browser(call: &Call, grantee: &Grantee, asked: Authorize) -> Result<Asked, ApiError> {
    let missing = || {
        let hint = "say where the person's browser comes back to";
        ApiError::invalid("", "`redirect_uri` is missing", hint)
    };
    let given = asked.redirect_uri.ok_or_else(missing)?;
    let uri = redirect_uri(&given)?;
    let login_hint = asked.login_hint;
    let brought = Brought::default();
    let begun =
        InBrowser { grantee, redirect_uri: &uri, login_hint, session: "", brought: &brought };
    let Sent { url, state, expires_ms, .. } = begun.begin(call).await?;
    let state = state.expose().to_owned();
    Ok(Asked::Browser { url, state, expires_at: time::shown(expires_ms) })
}

/// Where a person's browser comes back to, as it is sent.
pub(super) fn redirect_uri(given: &str) -> Result<RedirectUri, ApiError> {
    RedirectUri::parse(given).map_err(|it| {
        let hint = "write the one that the provider knows: https://…, or http:// on this machine";
        ApiError::invalid("/redirect_uri", it.to_string(), hint)
    })
}

async fn on_device(call: &Call, grantee: &Grantee, asked: &Authorize) -> Result<Asked, ApiError> {
    if asked.redirect_uri.is_some() {
        let problem = "nobody comes back: the person consents on another device";
        return Err(ApiError::invalid("/redirect_uri", problem, "leave it out"));
    }
    let begun = dance::on_device(call, grantee, "", &Brought::default()).await;
    let (codes, _, expires_ms) = begun?;
    Ok(Asked::Device {
        user_code: codes.user_code,
        verification_uri: codes.verification_uri,
        verification_uri_complete: codes.verification_uri_complete,
        expires_at: time::shown(expires_ms),
        interval_s: codes.interval.as_secs(),
    })
}

/// `POST …/callback`
pub(super) async fn callback(mut call: Call) -> Result<Answer, ApiError> {
    let back: Callback = sent::read(&call.take_object()?)?;
    let back_url = Zeroizing::new(back.url);
    let grantee = Grantee::of(&call, back.test).await?;
    let unknown = || {
        let hint = "it was used already, is older than 10 minutes, or was begun for somebody else: begin again";
        ApiError::invalid("/url", "no consent is waited for that this belongs to", hint)
    };
    let query = back_url.split_once('?').map_or("", |it| it.1);
    let query = query.split_once('#').map_or(query, |it| it.0);
    let state = grantee.client.holder.method.callback_state(query).ok_or_else(unknown)?;
    if back.state.is_some_and(|it| Secret::new(it) != Secret::new(&*state)) {
        let hint = "the person came back in another session than the one that began: begin again";
        return Err(ApiError::invalid("/state", "it is not the redirect's", hint));
    }
    let id = dance::id_of(&state);
    if back.confirm_account {
        let aside = dance::aside_of(&id);
        let kept = kept_aside(&call, &grantee, &aside).await?.ok_or_else(unknown)?;
        let is_as_it_was = kept.brought().fingerprint == grantee.fingerprint();
        let tokens = kept.tokens().filter(|_| is_as_it_was).ok_or_else(unknown)?;
        let consent = Consent::To(kept.account());
        return given(&call, &grantee, (&id, &aside, tokens), &consent).await;
    }
    let kept = taken(&call, &grantee, &id).await?.ok_or_else(unknown)?;
    if !kept.is_of(&grantee) {
        return Err(unknown());
    }
    let dance = kept.dance(&state).ok_or_else(unknown)?;
    let uri = RedirectUri::parse(&dance.redirect_uri).map_err(|_| unknown())?;
    let query = uri.query_of(&back_url).ok_or_else(|| {
        let problem = "it is not the `redirect_uri` that was begun with";
        ApiError::invalid("/url", problem, "send the whole URL as it came back, and begin again")
    })?;
    let query = Zeroizing::new(query.to_owned());
    let tokens = call.api.errands()?.exchange(grantee.client.clone(), dance, query).await?;
    let (whose, brought) = ((&*id, ""), brought_for(&grantee));
    let aside = dance::unseen(&call, &grantee, whose, &tokens, &brought).await?;
    given(&call, &grantee, (&id, &aside, tokens), &Consent::Same).await
}

/// What is kept aside with the tokens of this one: they go to nobody else.
pub(super) fn brought_for(grantee: &Grantee) -> Brought {
    Brought { fingerprint: grantee.fingerprint().to_owned(), ..Brought::default() }
}

/// What is kept aside for this one until somebody has said that it is to be taken.
async fn kept_aside(call: &Call, grantee: &Grantee, id: &str) -> Result<Option<Opened>, ApiError> {
    let all = call.api.store()?.store.authorizations();
    let found = all.find(&call.scope(), id).await;
    let found = found.map_err(|it| ApiError::of_store(it, "authorization", id))?;
    let is_own = |it: &Authorization| {
        it.is_aside && it.session.is_empty() && !it.is_over() && it.of == grantee.grant_name()
    };
    match found.filter(is_own) {
        Some(found) => Ok(Opened::of(&call.api, &found).await),
        None => Ok(None),
    }
}

/// What was sealed when it was begun, once; none where it does not open, or was begun for somebody else.
async fn taken(call: &Call, grantee: &Grantee, id: &str) -> Result<Option<Opened>, ApiError> {
    let all = call.api.store()?.store.authorizations();
    let told = |it| ApiError::of_store(it, "authorization", id);
    let found = all.find(&call.scope(), id).await.map_err(told)?;
    // What belongs to a connect session comes back there.
    if found.is_none_or(|it| !it.session.is_empty()) {
        return Ok(None);
    }
    let taken = all.take(&call.scope(), id, grantee.key()).await.map_err(told)?;
    let Some(taken) = taken else { return Ok(None) };
    Ok(Opened::of(&call.api, &taken).await)
}

/// Looks at what was given, and keeps it in the place of whatever was there. Of another account than before it is kept
/// aside until somebody says so.
async fn given(
    call: &Call,
    grantee: &Grantee,
    (id, aside, tokens): (&str, &str, TokenSet),
    consent: &Consent,
) -> Result<Answer, ApiError> {
    let mut landed = land(call, &call.scope(), grantee, (aside, &tokens), consent).await;
    if let Ok(Some(Stopped::Account { given, .. })) = &landed {
        let (of, brought) = (grantee.grant_name(), brought_for(grantee));
        let until = (&*dance::aside_of(id), dance::LIFE, "", Some(aside));
        let of = (&of, grantee.client.connection.as_str());
        let asked = dance::aside(call, of, until, (Some(&tokens), given.as_ref()), &brought).await;
        landed = asked.and(landed);
    }
    // Whoever was asked about an account says so again where something went wrong on the way.
    let is_asked_again = landed.is_err() && matches!(consent, Consent::To(_));
    if !is_asked_again {
        connect_release::release_aside(call, Some(aside), None).await;
    }
    match landed? {
        None => grants::shown_with(call, grantee).await,
        Some(Stopped::Account { known, given }) => Err(ApiError::AccountDiffers { known, given }),
        Some(Stopped::Scopes(missing)) => Err(ApiError::ScopesMissing(missing)),
        Some(Stopped::Errand(error)) => Err(error.into()),
    }
}

/// Looks at what was given without a connect session, and keeps it, or says why not. `aside`: where it is until then.
pub(super) async fn land(
    call: &Call,
    scope: &Scope,
    grantee: &Grantee,
    (aside, tokens): (&str, &TokenSet),
    consent: &Consent,
) -> Result<Option<Stopped>, ApiError> {
    let mut tried = None;
    for _ in 0..TRIES_MAX {
        let (had, known) = known(call, grantee).await?;
        let (connection, holder) = (grantee.connection(), None);
        let subject = Subject { connection, holder, grantee: Some(grantee), known: known.as_ref() };
        let told = match tried.take() {
            // It may be another account by now that it is to take the place of.
            Some(account) => {
                let account: Option<Account> = account;
                subject.compare(account.as_ref(), consent).map(|()| account)
            }
            None => subject.tried(&call.api, Some(tokens), consent).await,
        };
        let account = match told {
            Ok(account) => account,
            Err(stopped) => return Ok(Some(stopped)),
        };
        let over = (had, known.as_ref());
        match keep(call, scope, grantee, over, (aside, tokens, account.as_ref())).await? {
            Done::Kept => return Ok(None),
            Done::LetGo => {
                let late = "it took too long, or was kept already: begin again";
                return Ok(Some(Stopped::Errand(ErrandError::Refused(late.to_owned()))));
            }
            Done::Outrun => tried = Some(account),
        }
    }
    Err(ApiError::StoreUnavailable("Others change it all the time: try again."))
}

/// Whether there is an activation, and whose account it was before, where somebody knows.
async fn known(call: &Call, grantee: &Grantee) -> Result<(bool, Option<Account>), ApiError> {
    let key = grantee.key();
    if key.tenant.is_empty() {
        return Ok((false, None));
    }
    let backing = call.api.store()?;
    let found = backing.store.activations().find(&call.scope(), key.owner, key.tenant).await;
    let found = found.map_err(|it| ApiError::of_store(it, grants::NOUN, key.owner))?;
    Ok((found.is_some(), found.and_then(|it| it.0.value.account)))
}

/// All at once, where the account is still the one that was read, and the tokens are nobody else's by now.
async fn keep(
    call: &Call,
    scope: &Scope,
    grantee: &Grantee,
    (had, known): (bool, Option<&Account>),
    (aside, tokens, account): (&str, &TokenSet, Option<&Account>),
) -> Result<Done, ApiError> {
    let backing = call.api.store()?;
    let of = grantee.grant();
    let failed = |it| ApiError::of_store(it, grants::NOUN, of.connection);
    let together = backing.store.together().await.map_err(failed)?;
    let inner = together.store();
    if !of.key.tenant.is_empty() {
        let key = (of.key.owner, of.key.tenant);
        if !inner.activations().is_of(scope, key, had, known).await.map_err(failed)? {
            return Ok(Done::Outrun);
        }
    }
    if !inner.authorizations().discard(scope, aside).await.map_err(failed)? {
        return Ok(Done::LetGo);
    }
    let now = (call.api.clock)();
    let is_same = is_same(known, account);
    let tokens = &whole(call, inner, grantee, tokens, is_same).await?;
    let credential = tokens.to_credential();
    let seal = |it: &Place<'_>| Ok(backing.sealer.seal(&it.binding, &credential, now));
    let times = times(grantee, tokens, now);
    inner.grants().granted(scope, &of, times, account, &seal).await.map_err(failed)?;
    let revision = together.commit().await.map_err(failed)?;
    call.served(revision).await;
    Ok(Done::Kept)
}

/// Whether both are known, and one.
pub(super) fn is_same(known: Option<&Account>, given: Option<&Account>) -> bool {
    matches!((known, given), (Some(known), Some(given)) if known.is(given))
}

/// What is to be kept of an answer without a refresh token: the one that there is goes on where it is of the same
/// account; of any other nothing is renewed, with whatever the holder has brought.
pub(super) async fn whole(
    call: &Call,
    store: &Store,
    grantee: &Grantee,
    tokens: &TokenSet,
    is_same: bool,
) -> Result<TokenSet, ApiError> {
    let brings = grantee.client.holder.credential.field("refresh_token").is_some();
    match (&tokens.refresh_token, is_same) {
        (Some(_), _) => Ok(tokens.clone()),
        (None, false) if brings => {
            Ok(TokenSet { refresh_token: Some(Secret::default()), ..tokens.clone() })
        }
        (None, false) => Ok(tokens.clone()),
        (None, true) => {
            let row = store.grants().get(&call.scope(), grantee.key()).await;
            let row = row.map_err(|it| ApiError::of_store(it, grants::NOUN, ""))?;
            let row = row.filter(|it| grantee.has(it));
            let sealed = row.as_ref().and_then(|it| it.tokens.as_ref());
            let former = grants::tokens(call, grantee, sealed).await;
            Ok(former.map_or_else(|| tokens.clone(), |it| tokens.clone().following(&it)))
        }
    }
}

/// When it ends, in how long it is renewed, and when nothing follows.
pub(super) fn times(grantee: &Grantee, tokens: &TokenSet, now: UnixTime) -> GrantTimes {
    let mut byte = [0];
    aws_lc_rs::rand::fill(&mut byte).expect("the operating system has randomness");
    let ms = |it: UnixTime| i64::try_from(it.as_ms()).ok();
    let expires_ms = match tokens.expiry {
        Expiry::At(ends) => ms(ends),
        Expiry::Never | Expiry::Unknown => None,
    };
    let holder = &grantee.client.holder;
    let renews_itself = holder.renews_itself();
    let is_renewed =
        tokens.refresh_token.as_ref().is_some_and(|it| !it.is_empty()) || renews_itself;
    let renewed = renewed_in(tokens.expiry, renews_itself, now, byte[0]).filter(|_| is_renewed);
    let due_in_ms = renewed.and_then(|it| i64::try_from(it.as_millis()).ok());
    let end = grantee.client.holder.method.end(tokens, None);
    GrantTimes { expires_ms, due_in_ms, ends_ms: end.and_then(|it| ms(it.at())) }
}
