//! The end of each way to connect: what was brought is looked at and kept, and the session says what came of it. A
//! form, a redirect back and a device's consent end here alike.
use super::activations::AccountView;
use super::call::Call;
use super::connect_bid::Bid;
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
use crate::model::EventType;
use crate::model::TenantId;
use crate::renewal::Client;
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
    /// Whose tokens they are.
    pub client: Option<Client>,
    pub brought: Brought,
    /// Whether it may be another account's than before.
    pub account: Consent,
    /// The consent that it was given by.
    pub consent: String,
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
    fn with(&self, item: Kept) -> Result<ConnectSession, ApiError> {
        let mut items = self.items.clone();
        items[self.index] = item;
        let items = serde_json::to_string(&items).map_err(|_| ApiError::Internal)?;
        Ok(ConnectSession { items, ..self.session.clone() })
    }

    /// As it is shown once it is over.
    pub(super) fn over(mut self) -> Self {
        if self.item().state != ItemState::Connected {
            let reason = match self.session.state {
                ConnectState::Gone => Reason::TenantGone,
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

/// Puts an item in the place of the one that there is, and tells of it. Of a session that is over nothing is changed.
pub(super) async fn put(
    call: &Call,
    at: At<'_>,
    item: impl Fn(&Kept) -> Kept,
    is_told: bool,
) -> Result<Standing, ApiError> {
    for _ in 0..TRIES_MAX {
        let standing = Standing::of(call, at).await?;
        if !standing.session.is_open() {
            return Ok(standing.over());
        }
        let now = item(standing.item());
        let before = standing.item().consent.clone().filter(|it| now.consent.as_ref() != Some(it));
        let told = news(call, &standing.session, &now).filter(|_| is_told);
        let session = standing.with(now)?;
        let sessions = call.api.store()?.store.connect_sessions();
        let put = sessions.change(&call.scope(), &session, told.as_slice()).await;
        if put.map_err(|it| ApiError::of_store(it, connect_sessions::NOUN, at.session))? {
            release_aside(call, before.as_deref()).await;
            return Standing::of(call, at).await;
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

pub(super) async fn failed(
    call: &Call,
    at: At<'_>,
    (reason, why): (Reason, &str),
) -> Result<Standing, ApiError> {
    put(call, at, |it| it.failed(reason, why), true).await
}

/// Looks at what was given and keeps it, or says why not. What is not kept is ended at the provider.
pub(super) async fn land(
    call: &Call,
    at: At<'_>,
    given: Given,
) -> Result<(Standing, Option<Stopped>), ApiError> {
    let landed = attempt(call, at, &given).await;
    let is_kept = match &landed {
        Ok((standing, stopped)) => {
            let is_aside = matches!(stopped, Some(Stopped::Account { .. }));
            is_aside || stopped.is_none() && standing.item().state == ItemState::Connected
        }
        // Nobody knows: they may be in use.
        Err(error) => *error == ApiError::Uncertain,
    };
    if !is_kept && let Some((client, tokens)) = given.client.zip(given.tokens) {
        dance::let_go(&call.api, client, tokens);
    }
    landed
}

async fn attempt(
    call: &Call,
    at: At<'_>,
    given: &Given,
) -> Result<(Standing, Option<Stopped>), ApiError> {
    let mut tried = None;
    for _ in 0..TRIES_MAX {
        let standing = Standing::of(call, at).await?;
        if !standing.session.is_open() {
            // It may have been connected by another consent: this one was not kept.
            return Ok((standing.over(), Some(Stopped::Errand(ErrandError::Busy))));
        }
        let tenant = standing.tenant()?;
        let bid = Bid::of_item(call, standing.item(), &tenant, &given.brought).await?;
        let bid = match bid {
            Ok(bid) => bid,
            Err((reason, why)) => {
                let stopped = Stopped::Errand(ErrandError::Refused(why.clone()));
                return Ok((failed(call, at, (reason, &why)).await?, Some(stopped)));
            }
        };
        let account = match &tried {
            Some(account) => account,
            None => {
                let subject = bid.subject();
                let told = subject.tried(&call.api, given.tokens.as_ref(), &given.account).await;
                match told {
                    Ok(account) => tried.insert(account),
                    Err(stopped) => {
                        let standing = stopped_at(call, at, (&bid, given), &stopped).await?;
                        return Ok((standing, Some(stopped)));
                    }
                }
            }
        };
        let view = account.clone().map(AccountView::from);
        let item = Kept { account: view, ..standing.item().anew(ItemState::Connected) };
        let before = standing.item().consent.clone();
        let told = news(call, &standing.session, &item);
        let session = standing.with(item)?;
        let what = (given.tokens.as_ref(), account.as_ref());
        match bid.keep(call, what, &session, told.as_slice()).await {
            Ok(true) => {
                release_aside(call, before.as_deref()).await;
                return Ok((Standing::of(call, at).await?, None));
            }
            // Somebody else has changed the session, or the activation.
            Ok(false) | Err(ApiError::Stale(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Err(ApiError::StoreUnavailable("Others change it all the time: try again."))
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
                Kept { missing_scopes: missing.clone(), ..failed }
            };
            put(call, at, item, true).await
        }
        Stopped::Errand(error) => {
            let reason = match (error, &given.tokens) {
                // There was no code that the provider could not have taken.
                (ErrandError::Refused(_), None) => Reason::CredentialRefused,
                (error, _) => reason_of(error),
            };
            failed(call, at, (reason, &error.to_string())).await
        }
        Stopped::Account { given: other, known } => {
            let id = dance::aside_of(&given.consent);
            let name = bid.name();
            let of = (&name, at.connection);
            let life = (&*id, connect_new::LIFE, at.session);
            let what = (given.tokens.as_ref(), other.as_ref());
            dance::aside(call, of, life, what, &given.brought).await?;
            let item = |it: &Kept| Kept {
                account: Some(known.clone().into()),
                given_account: other.clone().map(AccountView::from),
                consent: Some(id.clone()),
                ..it.anew(ItemState::Asking)
            };
            put(call, at, item, true).await
        }
    }
}
