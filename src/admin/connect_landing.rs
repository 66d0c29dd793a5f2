//! The end of each way to connect: what was brought is looked at and kept, and the session says what came of it. A
//! form, a redirect back and a device's consent end here alike.
use super::activations::AccountView;
use super::call::Call;
use super::connect_bid::Bid;
use super::connect_bid::Done;
use super::connect_item::ItemState;
use super::connect_item::ItemView;
use super::connect_item::Kept;
use super::connect_item::Reason;
use super::connect_new;
use super::connect_release::release_aside;
use super::connect_sessions;
use super::dance;
use super::dance::Brought;
use super::dance::Consent;
use super::dance::Stopped;
use super::error::ApiError;
use crate::grant::CallbackError;
use crate::grant::TokenSet;
use crate::model::Account;
use crate::model::EventType;
use crate::model::TenantId;
use crate::renewal::ErrandError;
use crate::store::ConnectNews;
use crate::store::ConnectSession;
use crate::store::ConnectState;
use crate::store::News;
use crate::telemetry::metrics::ConnectOutcome;
use serde_json::json;

/// How often it is tried again because somebody else wrote meanwhile.
const TRIES_MAX: usize = 8;

/// Where something ends: an item of a session.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub session: &'a str,
    pub connection: &'a str,
}

/// A session and one of its items, as they are.
pub(super) struct Standing {
    pub session: ConnectSession,
    pub items: Vec<Kept>,
    pub index: usize,
}

/// What a person has given.
pub(super) struct Given {
    /// None where what they have filled in is all.
    pub tokens: Option<TokenSet>,
    pub brought: Brought,
    /// Whether it may be another account's than before.
    pub account: Consent,
    /// The consent that it was given by: where there are tokens, or somebody was asked, the item's own.
    pub consent: String,
    /// Where it is kept until it is seen what becomes of it. Whatever is there after that is ended.
    pub aside: Option<String>,
}

impl Standing {
    pub(super) async fn of(call: &Call, at: At<'_>) -> Result<Self, ApiError> {
        let missing =
            || ApiError::NotFound { noun: connect_sessions::NOUN, key: at.session.to_owned() };
        let sessions = call.api.store()?.store.connect_sessions();
        let found = sessions.get(&call.scope(), at.session).await;
        let found =
            found.map_err(|it| ApiError::of_store(it, connect_sessions::NOUN, at.session))?;
        let session = found.ok_or_else(missing)?;
        let items = connect_sessions::kept(&session)?;
        let index = items.iter().position(|it| it.connection == at.connection);
        let index = index.ok_or_else(|| {
            let hint = "send one of its `items`";
            ApiError::invalid("/connection", "it is not one of this session's connections", hint)
        })?;
        Ok(Self { session, items, index })
    }

    pub(super) fn item(&self) -> &Kept {
        &self.items[self.index]
    }

    pub(super) fn tenant(&self) -> Result<TenantId, ApiError> {
        TenantId::try_from(&*self.session.tenant).map_err(|_| ApiError::Internal)
    }

    /// The same session with this item in the place of the one that it has.
    fn with(mut self, item: Kept) -> Result<Self, ApiError> {
        self.items[self.index] = item;
        self.session.items = serde_json::to_string(&self.items).map_err(|_| ApiError::Internal)?;
        Ok(self)
    }

    /// As it is shown once it is over.
    pub(super) fn over(mut self) -> Self {
        if self.item().state != ItemState::Connected {
            let reason = match self.session.state {
                ConnectState::Gone | ConnectState::Left => Reason::TenantGone,
                _ => Reason::SessionExpired,
            };
            self.items[self.index] = self.item().failed(reason, "the link is not good any more");
        }
        self
    }

    pub(super) async fn view(&self, call: &Call) -> Result<ItemView, ApiError> {
        self.item().view(call, &self.tenant()?, self.session.is_open()).await
    }
}

/// What is told of an item.
pub(super) fn news(call: &Call, session: &ConnectSession, item: &Kept) -> Option<ConnectNews> {
    let event = match item.state {
        ItemState::Connected => EventType::ConnectSessionConnected,
        ItemState::Failed | ItemState::Asking => EventType::ConnectSessionFailed,
        ItemState::Waiting => return None,
    };
    let mut data = json!({ "session": session.id, "by": call.scope().to_string() });
    let reason = match item.state {
        ItemState::Asking => Some(Reason::AccountDiffers),
        _ => item.reason,
    };
    let came = reason.map_or(ConnectOutcome::Connected, Reason::outcome);
    if reason.is_some() {
        data["reason"] = came.as_str().into();
    }
    let (connection, tenant) = (item.connection.clone(), session.tenant.clone());
    let news = News { event, connection, tenant, environment: String::new(), data };
    Some(ConnectNews { news, came })
}

/// Puts an item in the place of the one that there is, and tells of it. Of a session that is over nothing is changed,
/// nor where there is no item to be put.
pub(super) async fn put(
    call: &Call,
    at: At<'_>,
    item: impl Fn(&Kept) -> Option<Kept>,
    is_told: bool,
) -> Result<Standing, ApiError> {
    for _ in 0..TRIES_MAX {
        let standing = Standing::of(call, at).await?;
        if !standing.session.is_open() {
            return Ok(standing.over());
        }
        let Some(now) = item(standing.item()) else { return Ok(standing) };
        let before = standing.item().consent.clone().filter(|it| now.consent.as_ref() != Some(it));
        let told = news(call, &standing.session, &now).filter(|_| is_told);
        let standing = standing.with(now)?;
        let sessions = call.api.store()?.store.connect_sessions();
        let put = sessions.change(&call.scope(), &standing.session, told.as_slice()).await;
        if put.map_err(|it| ApiError::of_store(it, connect_sessions::NOUN, at.session))? {
            release_aside(call, before.as_deref(), None).await;
            return Ok(standing);
        }
    }
    Err(ApiError::StoreUnavailable("Others change it all the time: try again."))
}

/// Why nothing came of it, as the session says it.
pub(super) fn reason_of(error: &ErrandError) -> Reason {
    use CallbackError as C;
    match error {
        ErrandError::Callback(C::Denied) => Reason::ConsentDenied,
        ErrandError::Callback(C::Issuer) => Reason::IssuerMismatch,
        ErrandError::Callback(_) | ErrandError::Refused(_) => Reason::ProviderError,
        ErrandError::NotTaken { .. } => Reason::CredentialRefused,
        ErrandError::Operator(_) | ErrandError::NotSet(_) | ErrandError::Unfit(_) => {
            Reason::Misconfigured
        }
        ErrandError::Provider { .. } | ErrandError::Busy => Reason::ProviderUnavailable,
    }
}

/// Says that nothing came of this consent, or of what was filled in. What is connected, or waits for another consent by
/// now, stays as it is.
pub(super) async fn failed(
    call: &Call,
    at: At<'_>,
    consent: Option<&str>,
    (reason, why): (Reason, &str),
) -> Result<Standing, ApiError> {
    put(call, at, |it| it.waits_for(consent).then(|| it.failed(reason, why)), true).await
}

/// Looks at what was given and keeps it, or says why not. What is not kept is ended at the provider.
pub(super) async fn land(
    call: &Call,
    at: At<'_>,
    given: Given,
) -> Result<(Standing, Option<Stopped>), ApiError> {
    let landed = attempt(call, at, &given).await;
    // Whoever was asked about an account says so again where something went wrong on the way.
    let is_asked_again = landed.is_err() && matches!(given.account, Consent::To(_));
    if !is_asked_again {
        // The store says what has become of it, not what could be read since: what was kept is not there any more.
        release_aside(call, given.aside.as_deref(), None).await;
    }
    landed
}

async fn attempt(
    call: &Call,
    at: At<'_>,
    given: &Given,
) -> Result<(Standing, Option<Stopped>), ApiError> {
    let consent = given.consent();
    let outrun = || Some(Stopped::Errand(ErrandError::Busy));
    let mut tried = None;
    for _ in 0..TRIES_MAX {
        let standing = Standing::of(call, at).await?;
        // It may have been connected, or begun, by another consent: this one is not kept.
        if !standing.session.is_open() {
            return Ok((standing.over(), outrun()));
        }
        if !standing.item().waits_for(consent) {
            return Ok((standing, outrun()));
        }
        let tenant = standing.tenant()?;
        let bid = Bid::of_item(call, standing.item(), &tenant, &given.brought).await?;
        let bid = match bid {
            Ok(bid) => bid,
            Err((reason, why)) => {
                let stopped = Stopped::Errand(ErrandError::Refused(why.clone()));
                return Ok((failed(call, at, consent, (reason, &why)).await?, Some(stopped)));
            }
        };
        let subject = bid.subject();
        let told = match tried.take() {
            // It may be another account by now that it is to take the place of.
            Some(account) => {
                let account: Option<Account> = account;
                subject.compare(account.as_ref(), &given.account).map(|()| account)
            }
            None => subject.tried(&call.api, given.tokens.as_ref(), &given.account).await,
        };
        let account = match told {
            Ok(account) => account,
            Err(stopped) => {
                let standing = stopped_at(call, at, (&bid, given), &stopped).await?;
                return Ok((standing, Some(stopped)));
            }
        };
        let view = account.clone().map(AccountView::from);
        let item = Kept { account: view, ..standing.item().anew(ItemState::Connected) };
        let before = standing.item().consent.clone();
        let told = news(call, &standing.session, &item);
        let standing = standing.with(item)?;
        let what = (given.tokens.as_ref(), account.as_ref());
        let kept = bid.keep(call, what, given.aside.as_deref(), &standing.session, told.as_slice());
        match kept.await {
            Ok(Done::Kept) => {
                release_aside(call, before.as_deref(), None).await;
                return Ok((standing, None));
            }
            Ok(Done::LetGo) => {
                let why = (Reason::ConsentExpired, "it took too long");
                return Ok((failed(call, at, consent, why).await?, outrun()));
            }
            // Somebody else has changed the session, or the activation.
            Ok(Done::Outrun) | Err(ApiError::Stale(_)) => tried = Some(account),
            Err(error) => return Err(error),
        }
    }
    Err(ApiError::StoreUnavailable("Others change it all the time: try again."))
}

impl Given {
    /// Which consent the item has to wait for still; none where it was filled in.
    fn consent(&self) -> Option<&str> {
        self.aside.is_some().then_some(&*self.consent)
    }
}

/// What is not to be kept, or not yet.
async fn stopped_at(
    call: &Call,
    at: At<'_>,
    (bid, given): (&Bid, &Given),
    stopped: &Stopped,
) -> Result<Standing, ApiError> {
    match stopped {
        Stopped::Scopes(missing) => {
            let why = format!("not granted: {}", missing.join(", "));
            let item = |it: &Kept| {
                let failed = it.failed(Reason::ScopesMissing, &why);
                let failed = Kept { missing_scopes: missing.clone(), ..failed };
                it.waits_for(given.consent()).then_some(failed)
            };
            put(call, at, item, true).await
        }
        Stopped::Errand(error) => {
            let reason = match (error, &given.tokens) {
                // There was no code that the provider could not have taken.
                (ErrandError::Refused(_), None) => Reason::CredentialRefused,
                (error, _) => reason_of(error),
            };
            failed(call, at, given.consent(), (reason, &error.to_string())).await
        }
        Stopped::Account { given: other, known } => {
            let id = dance::aside_of(&given.consent);
            let name = bid.name();
            let of = (&name, at.connection);
            let life = (&*id, connect_new::LIFE, at.session, given.aside.as_deref());
            let what = (given.tokens.as_ref(), other.as_ref());
            dance::aside(call, of, life, what, &given.brought).await?;
            let item = |it: &Kept| {
                let asking = Kept {
                    account: Some(known.clone().into()),
                    given_account: other.clone().map(AccountView::from),
                    consent: Some(id.clone()),
                    ..it.anew(ItemState::Asking)
                };
                it.waits_for(given.consent()).then_some(asking)
            };
            let standing = put(call, at, item, true).await?;
            if standing.item().consent.as_deref() != Some(&*id) {
                // Nobody is asked any more.
                release_aside(call, Some(&id), None).await;
            }
            Ok(standing)
        }
    }
}
