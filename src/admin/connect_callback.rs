//! A person comes back from the provider, says whether another account is to be taken, and has come to the end.
use super::answer::Answer;
use super::call::Call;
use super::connect_begin;
use super::connect_bid::Bid;
use super::connect_item::ItemState;
use super::connect_item::ItemView;
use super::connect_item::Kept;
use super::connect_item::Reason;
use super::connect_landing;
use super::connect_landing::At;
use super::connect_landing::Given;
use super::connect_landing::Standing;
use super::connect_release;
use super::connect_sessions;
use super::connect_sessions::SessionView;
use super::dance;
use super::dance::Consent;
use super::dance::Opened;
use super::error::ApiError;
use super::sent;
use crate::grant::Oauth1Grant;
use crate::grant::RedirectUri;
use crate::model::Secret;
use crate::store::Authorization;
use crate::store::ConnectSession;
use crate::store::ConnectState;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use url::form_urlencoded;
use zeroize::Zeroizing;

/// Most sessions of a browser that are looked at for a page that was loaded again.
const BROWSERS_MAX: usize = 16;

/// Most parameters of a redirect that are looked up as a state.
const STATES_MAX: usize = 4;

/// The person's browser came back.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Back {
    /// The whole URL that it came back to.
    url: Option<String>,
    /// Or its query alone, or the form that was posted.
    query: Option<String>,
    /// What this browser has: for each session an id, a colon, and the hash that it was begun with. Left out by an
    /// application that knows its people itself.
    browsers: Option<Vec<String>>,
}

/// What came of it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename = "ConnectCallback")]
pub(super) struct Came {
    session: SessionView,
    item: ItemView,
}

/// Whether another account is to be taken.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Take {
    /// Which of the session's connections.
    connection: String,
    /// False: nothing is changed, and the provider is told that its tokens are not used.
    take: bool,
    /// As in `begin`.
    browser: Option<String>,
}

/// The person is done.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Finish {
    /// As in `begin`.
    browser: Option<String>,
}

/// `POST /v1/connect-sessions/callback`
///
/// The order is the argument: whose it is before what it says, and nothing is used up by whoever it does not belong to.
pub(super) async fn callback(mut call: Call) -> Result<Answer, ApiError> {
    let back: Back = sent::read(&call.take_object()?)?;
    let url = back.url.map(Zeroizing::new);
    let given = back.query.map(Zeroizing::new);
    let query = match (&url, &given) {
        (Some(url), None) => query_of(url),
        (None, Some(query)) => query.trim_start_matches('?'),
        _ => return Err(ApiError::invalid("", "either `url` or `query` is missing", "send one")),
    };
    let states = states(query);
    let Some((found, state)) = found(&call, &states).await? else {
        return again(&call, &states, back.browsers.as_deref().unwrap_or_default()).await;
    };
    let sessions = call.api.store()?.store.connect_sessions();
    let session = sessions.get(&call.scope(), &found.session).await;
    let session = session
        .map_err(|it| ApiError::of_store(it, connect_sessions::NOUN, &found.session))?
        .ok_or(ApiError::ConsentUnknown)?;
    if let Some(browsers) = &back.browsers
        && !is_of(&session, browsers)
    {
        return Err(ApiError::OtherBrowser);
    }
    let at = At { session: &session.id, connection: &found.connection };
    if !session.is_open() {
        return came(&call, Standing::of(&call, at).await?.over()).await;
    }
    let id = Some(&*found.id);
    let standing = Standing::of(&call, at).await?;
    if !standing.item().waits_for(id) {
        // Another one was begun since, or it is connected by now: nothing comes of this one.
        connect_release::release(&call, &found, None).await;
        return came(&call, standing).await;
    }
    let opened = Opened::of(&call.api, &found).await;
    let all = call.api.store()?.store.authorizations();
    let taken = all.take(&call.scope(), &found.id, found.of.key()).await;
    let taken = taken.map_err(|it| ApiError::of_store(it, "authorization", &found.id))?;
    if taken.is_none() {
        if !found.is_over() {
            return again(&call, &[state], back.browsers.as_deref().unwrap_or_default()).await;
        }
        let late = (Reason::ConsentExpired, "it took longer than 10 minutes");
        return came(&call, connect_landing::failed(&call, at, id, late).await?).await;
    }
    let Some((opened, dance)) = opened.and_then(|it| it.dance(&state).map(|dance| (it, dance)))
    else {
        let why = (Reason::Misconfigured, "what it was begun with does not open any more");
        return came(&call, connect_landing::failed(&call, at, id, why).await?).await;
    };
    let brought = opened.brought();
    let tenant = standing.tenant()?;
    let bid = Bid::of_item(&call, standing.item(), &tenant, &brought).await?;
    let bid = match bid {
        Ok(bid) => bid,
        Err((reason, why)) => {
            return came(&call, connect_landing::failed(&call, at, id, (reason, &why)).await?)
                .await;
        }
    };
    let Some(grantee) = bid.grantee.as_ref().filter(|it| opened.is_of(it)) else {
        let why = (Reason::ConnectionGone, "nobody consents to the connection any more");
        return came(&call, connect_landing::failed(&call, at, id, why).await?).await;
    };
    let client = grantee.client.clone();
    let uri = RedirectUri::parse(&dance.redirect_uri).map_err(|_| ApiError::ConsentUnknown)?;
    let own_query = match &url {
        Some(url) => uri.query_of(url),
        None => Some(query),
    };
    let is_named = client.holder.method.callback_state(query).is_some_and(|it| it == state);
    let Some(query) = own_query.filter(|_| is_named).map(|it| Zeroizing::new(it.to_owned())) else {
        let why = (Reason::ProviderError, "the provider sent the person back amiss");
        return came(&call, connect_landing::failed(&call, at, id, why).await?).await;
    };
    let tokens = match call.api.errands()?.exchange(client.clone(), dance, query).await {
        Ok(tokens) => tokens,
        Err(error) => {
            let why = error.to_string();
            let why = (connect_landing::reason_of(&error), &*why);
            return came(&call, connect_landing::failed(&call, at, id, why).await?).await;
        }
    };
    let whose = (&*found.id, at.session);
    let aside = dance::unseen(&call, grantee, whose, &tokens, &brought).await?;
    let given = Given {
        tokens: Some(tokens),
        brought,
        account: Consent::Same,
        consent: found.id.clone(),
        aside: Some(aside),
    };
    let (standing, _) = connect_landing::land(&call, at, given).await?;
    came(&call, standing).await
}

/// A query, without what stands before and behind it.
fn query_of(url: &str) -> &str {
    let query = url.split_once('?').map_or("", |it| it.1);
    query.split_once('#').map_or(query, |it| it.0)
}

/// All that may be a state of ours: only the consent knows which parameter its provider gives it back in. A temporary
/// token, which is its provider's, has a name of its own (RFC 5849 §2.2).
fn states(query: &str) -> Vec<String> {
    let temporary = Oauth1Grant::callback_token(query).filter(|it| dance::may_be_token(it));
    let mut states: Vec<String> = temporary.into_iter().collect();
    for (_, value) in form_urlencoded::parse(query.as_bytes()) {
        if dance::may_be_state(&value)
            && !states.iter().any(|it| *it == value)
            && states.len() < STATES_MAX
        {
            states.push(value.into_owned());
        }
    }
    states
}

/// The consent that it belongs to, and its state.
async fn found(
    call: &Call,
    states: &[String],
) -> Result<Option<(Authorization, String)>, ApiError> {
    let all = call.api.store()?.store.authorizations();
    for state in states {
        let id = dance::id_of(state);
        let found = all.find(&call.scope(), &id).await;
        let found = found.map_err(|it| ApiError::of_store(it, "authorization", &id))?;
        let is_ours = |it: &Authorization| !it.session.is_empty() && !it.is_aside;
        if let Some(found) = found.filter(is_ours) {
            return Ok(Some((found, state.clone())));
        }
    }
    Ok(None)
}

/// A page that was loaded again: its consent is under way, or something came of it. Whoever has not begun it in this
/// browser is told nothing.
async fn again(call: &Call, states: &[String], browsers: &[String]) -> Result<Answer, ApiError> {
    let ids: Vec<String> = states.iter().map(|it| dance::id_of(it)).collect();
    let sessions = call.api.store()?.store.connect_sessions();
    for browser in browsers.iter().take(BROWSERS_MAX) {
        let Some((id, _)) = browser.split_once(':') else { continue };
        let found = sessions.get(&call.scope(), id).await;
        let found = found.map_err(|it| ApiError::of_store(it, connect_sessions::NOUN, id))?;
        let Some(session) = found.filter(|it| is_of(it, browsers)) else { continue };
        let items = connect_sessions::kept(&session)?;
        let is_last = |it: &Option<String>| it.as_ref().is_some_and(|it| ids.contains(it));
        let index = items.iter().position(|it| {
            it.state != ItemState::Failed && (is_last(&it.consent) || is_last(&it.former))
        });
        if let Some(index) = index {
            return came(call, Standing { session, items, index }).await;
        }
    }
    Err(ApiError::ConsentUnknown)
}

/// Whether one of these is what the session was begun in.
fn is_of(session: &ConnectSession, browsers: &[String]) -> bool {
    let own = Secret::new(format!("{}:{}", session.id, session.browser));
    let mut is_any = false;
    for it in browsers {
        is_any |= Secret::new(it.as_str()) == own;
    }
    is_any && !session.browser.is_empty()
}

async fn came(call: &Call, standing: Standing) -> Result<Answer, ApiError> {
    let session = connect_sessions::view(call, &standing.session, true).await?;
    let item = standing.view(call).await?;
    Answer::of(&Came { session, item })
}

/// `POST …/account`
pub(super) async fn account(mut call: Call) -> Result<Answer, ApiError> {
    let sent: Take = sent::read(&call.take_object()?)?;
    let session = connect_sessions::found(&call).await?;
    let session = connect_begin::bound(&call, session, sent.browser.as_deref()).await?;
    let at = At { session: &session.id, connection: &sent.connection };
    let standing = Standing::of(&call, at).await?;
    let unasked = || {
        let problem = "nobody is asked about an account there";
        ApiError::invalid("/connection", problem, "look at the item's `state`")
    };
    let item = standing.item();
    if item.state != ItemState::Asking {
        return Err(unasked());
    }
    let consent = item.consent.as_deref();
    if !sent.take {
        let why = (Reason::AccountDiffers, "it is another account than before");
        // That it was stopped is told already; what is kept aside goes with it.
        let dropped = |it: &Kept| it.waits_for(consent).then(|| it.failed(why.0, why.1));
        let put = connect_landing::put(&call, at, dropped, false).await?;
        return Answer::of(&put.view(&call).await?);
    }
    let all = call.api.store()?.store.authorizations();
    let id = consent.unwrap_or_default().to_owned();
    let told = |it| ApiError::of_store(it, "authorization", &id);
    let found = all.find(&call.scope(), &id).await.map_err(told)?;
    let Some(found) = found.filter(|it| it.is_aside) else {
        let why = (Reason::ConsentExpired, "nobody has said in time that it is to be taken");
        let failed = connect_landing::failed(&call, at, consent, why).await?;
        return Answer::of(&failed.view(&call).await?);
    };
    let Some(opened) = Opened::of(&call.api, &found).await else {
        let why = (Reason::Misconfigured, "what is kept aside does not open any more");
        let failed = connect_landing::failed(&call, at, consent, why).await?;
        return Answer::of(&failed.view(&call).await?);
    };
    // It stays where it is until it is kept: whatever goes wrong on the way, it can be said again.
    let given = Given {
        tokens: opened.tokens(),
        brought: opened.brought(),
        account: Consent::To(opened.account()),
        consent: id.clone(),
        aside: Some(id.clone()),
    };
    let (standing, _) = connect_landing::land(&call, at, given).await?;
    Answer::of(&standing.view(&call).await?)
}

/// `POST …/finish`: the link is used up.
pub(super) async fn finish(mut call: Call) -> Result<Answer, ApiError> {
    let sent: Finish = sent::read(&call.take_object()?)?;
    loop {
        let session = connect_sessions::found(&call).await?;
        let is_other = sent.browser.as_ref().is_some_and(|it| *it != session.browser);
        if session.state == ConnectState::Done && !is_other {
            return Answer::of(&connect_sessions::view(&call, &session, true).await?);
        }
        let session = connect_begin::bound(&call, session, sent.browser.as_deref()).await?;
        let id = session.id.clone();
        let done = ConnectSession { state: ConnectState::Done, ..session };
        if connect_sessions::changed(&call, &done).await? {
            connect_release::release_all(&call, &id).await;
            let session = connect_sessions::found(&call).await?;
            return Answer::of(&connect_sessions::view(&call, &session, true).await?);
        }
    }
}
