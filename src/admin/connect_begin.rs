//! `…/begin`: what a person has filled in is tried, or they are sent to the provider.
use super::answer::Answer;
use super::call::Call;
use super::connect_bid::Bid;
use super::connect_item::DeviceView;
use super::connect_item::ItemState;
use super::connect_item::ItemView;
use super::connect_item::Kept;
use super::connect_item::Reason;
use super::connect_landing;
use super::connect_landing::At;
use super::connect_landing::Given;
use super::connect_landing::Standing;
use super::connect_sessions;
use super::consents;
use super::dance;
use super::dance::Brought;
use super::dance::Consent;
use super::dance::InBrowser;
use super::dance::Stopped;
use super::error::ApiError;
use super::error::Fault;
use super::grantee::Grantee;
use super::sent;
use crate::catalog::ConnectWay;
use crate::catalog::InputPlace;
use crate::catalog::TenantInput;
use crate::config::Step;
use crate::config::pointer;
use crate::model::Secret;
use crate::renewal::ErrandError;
use crate::store::ConnectSession;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// How often somebody may begin, for each connection of a link.
const TRIES_MAX: u32 = 20;

/// Most characters of a hash of what a browser has, and least.
const BROWSER_LEN: RangeInclusive<usize> = 16..=128;

/// Somebody connects.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Begin {
    /// Which of the session's connections.
    connection: String,
    /// What was filled in, by field.
    #[serde(default)]
    credentials: BTreeMap<String, String>,
    /// The same of variables.
    #[serde(default)]
    variables: BTreeMap<String, String>,
    /// A hash of what only the person's browser has, in hexadecimal: from the first one on the session is that browser's.
    /// Left out by an application that knows its people itself.
    browser: Option<String>,
    /// Where the person comes back to, for an application that takes them back itself: https, or http on this machine.
    /// Default: attache's own pages.
    redirect_uri: Option<String>,
}

/// What comes next.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[serde(rename = "ConnectBegun")]
pub(super) enum Begun {
    /// It is connected.
    Connected(Box<ItemView>),
    /// It is another account than before: `account` says whether it is to be taken.
    Asking(Box<ItemView>),
    /// Send the person's browser there.
    Redirect(String),
    /// The person consents on another device, with the item's `device`.
    Device(Box<ItemView>),
}

/// `POST …/begin`
pub(super) async fn begin(mut call: Call) -> Result<Answer, ApiError> {
    let members = call.take_object()?;
    sent::check_texts(&Value::Object(members.clone()))?;
    let sent: Begin = sent::read(&members)?;
    let session = connect_sessions::found(&call).await?;
    let session = bound(&call, session, sent.browser.as_deref()).await?;
    let at = At { session: &session.id, connection: &sent.connection };
    let standing = counted(&call, at).await?;
    let (item, tenant) = (standing.item(), standing.tenant()?);
    let under = item.under(&call).await?;
    let connection = match &under {
        Some(under) => under.connectable(&call).await?,
        None => None,
    };
    let Some((under, connection)) = under.zip(connection) else {
        let why = "no tenant connects the connection any more";
        connect_landing::failed(&call, at, None, (Reason::ConnectionGone, why)).await?;
        return Err(ApiError::invalid("/connection", why, "ask for another link"));
    };
    let stored = under.find(&call, &tenant).await?;
    let way = connection.connect_way();
    let has_own = stored.as_ref().is_some_and(|it| it.1.is_some()) && way != ConnectWay::Form;
    let inputs = connection.tenant_inputs();
    let mut brought = brought(item, &inputs, sent.credentials, sent.variables, has_own)?;
    let bid = Bid::of(&call, &under, &tenant, &brought).await?;
    brought.had = bid.had;
    let Some(grantee) = bid.grantee.as_ref().filter(|_| way != ConnectWay::Form) else {
        return by_form(&call, at, brought).await;
    };
    grantee.fingerprint().clone_into(&mut brought.fingerprint);
    let next = match way {
        ConnectWay::Device => on_device(&call, at, grantee, &brought).await,
        _ => {
            let hint = session.login_hint.clone();
            let to = (sent.redirect_uri.as_deref(), Some(hint).filter(|it| !it.is_empty()));
            in_browser(&call, at, grantee, &brought, to).await
        }
    };
    match next {
        Err(ApiError::NoToken { words, retry_after_s }) => {
            let reason = Reason::ProviderUnavailable;
            connect_landing::failed(&call, at, None, (reason, &words)).await?;
            Err(ApiError::NoToken { words, retry_after_s })
        }
        // What was filled in is told before: this is of the settings.
        Err(ApiError::Invalid(faults)) if faults.iter().all(|it| it.pointer.is_empty()) => {
            let words = faults.first().map_or("", |it| &it.problem);
            let reason = Reason::Misconfigured;
            connect_landing::failed(&call, at, None, (reason, words)).await?;
            Err(ApiError::Misconfigured)
        }
        next => next,
    }
}

/// As it stands, once more of its tries is used up: nobody guesses keys by a link.
async fn counted(call: &Call, at: At<'_>) -> Result<Standing, ApiError> {
    let one_more = |it: &Kept| {
        let tries = it.tries + 1;
        let may = it.state != ItemState::Connected && it.tries <= TRIES_MAX;
        may.then(|| Kept { tries, ..it.clone() })
    };
    let standing = connect_landing::put(call, at, one_more, false).await?;
    if !standing.session.is_open() {
        return Err(ApiError::SessionOver);
    }
    if standing.item().state == ItemState::Connected {
        let hint = "come to the end of this link, and make another one to connect it anew";
        return Err(ApiError::invalid("/connection", "it is connected already", hint));
    }
    if standing.item().tries > TRIES_MAX {
        return Err(ApiError::TooManyTries { most: TRIES_MAX });
    }
    Ok(standing)
}

/// The session, which from now on is this browser's.
pub(super) async fn bound(
    call: &Call,
    mut session: ConnectSession,
    browser: Option<&str>,
) -> Result<ConnectSession, ApiError> {
    loop {
        if !session.is_open() {
            return Err(ApiError::SessionOver);
        }
        let Some(browser) = browser else { return Ok(session) };
        let is_hex = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
        if !BROWSER_LEN.contains(&browser.len()) || !browser.bytes().all(is_hex) {
            let hint = "send a hash of what only the browser has, in hexadecimal";
            return Err(ApiError::invalid("/browser", "it is no hash", hint));
        }
        if session.browser == browser {
            return Ok(session);
        }
        if !session.browser.is_empty() {
            return Err(ApiError::SessionInUse);
        }
        // Of several browsers at once one is the first.
        let first = ConnectSession { browser: browser.to_owned(), ..session };
        connect_sessions::changed(call, &first).await?;
        session = connect_sessions::found(call).await?;
    }
}

/// What was sent, where it is asked for and whole.
fn brought(
    item: &Kept,
    inputs: &[TenantInput],
    credentials: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
    has_own: bool,
) -> Result<Brought, ApiError> {
    let mut faults = Vec::new();
    let at = |member: &str, name: &str| pointer([Step::Key(member), Step::Key(name)]);
    let asked =
        |place: InputPlace| inputs.iter().filter(move |it| it.place == place && !item.is_set(it));
    let mut unasked = |place: InputPlace, member: &str, name: &str| {
        if asked(place).all(|it| it.name != name) {
            let (pointer, problem) = (at(member, name), "it is not asked for".to_owned());
            faults.push(Fault { pointer, problem, hint: "leave it out".to_owned() });
        }
    };
    // What is left empty is left out.
    let said = |it: &(String, String)| !it.1.is_empty();
    let fields: BTreeMap<String, Secret> =
        credentials.into_iter().filter(said).map(|it| (it.0, Secret::new(it.1))).collect();
    let own: BTreeMap<String, String> = variables.into_iter().filter(said).collect();
    fields.keys().for_each(|it| unasked(InputPlace::Credentials, "credentials", it));
    own.keys().for_each(|it| unasked(InputPlace::Variables, "variables", it));
    for input in asked(InputPlace::Credentials).filter(|it| it.is_required && !has_own) {
        if !fields.contains_key(&input.name) {
            let problem = format!("{} is missing", input.label);
            let hint = input.help.clone().unwrap_or_default();
            faults.push(Fault { pointer: at("credentials", &input.name), problem, hint });
        }
    }
    if !faults.is_empty() {
        return Err(ApiError::Invalid(faults));
    }
    let mut variables = own;
    variables.extend(item.variables.clone());
    Ok(Brought { variables, fields, had: false, fingerprint: String::new() })
}

async fn by_form(call: &Call, at: At<'_>, brought: Brought) -> Result<Answer, ApiError> {
    let consent = dance::random().expose().to_owned();
    let given = Given { tokens: None, brought, account: Consent::Same, consent, aside: None };
    let (standing, stopped) = connect_landing::land(call, at, given).await?;
    match stopped {
        None => answered(call, Begun::Connected, &standing).await,
        Some(Stopped::Account { .. }) => answered(call, Begun::Asking, &standing).await,
        Some(_) if !standing.session.is_open() => Err(ApiError::SessionOver),
        Some(stopped) => Err(refused(stopped)),
    }
}

async fn answered(
    call: &Call,
    begun: fn(Box<ItemView>) -> Begun,
    standing: &Standing,
) -> Result<Answer, ApiError> {
    Answer::of(&begun(Box::new(standing.view(call).await?)))
}

/// What was filled in is not taken.
pub(super) fn refused(stopped: Stopped) -> ApiError {
    use ErrandError as E;
    match stopped {
        Stopped::Errand(E::NotTaken { words, .. } | E::Refused(words)) => {
            ApiError::CredentialRefused(words)
        }
        Stopped::Errand(E::Operator(_) | E::NotSet(_) | E::Unfit(_)) => ApiError::Misconfigured,
        Stopped::Errand(error) => error.into(),
        Stopped::Scopes(missing) => ApiError::ScopesMissing(missing),
        Stopped::Account { known, given } => ApiError::AccountDiffers { known, given },
    }
}

async fn in_browser(
    call: &Call,
    at: At<'_>,
    grantee: &Grantee,
    brought: &Brought,
    (own_uri, login_hint): (Option<&str>, Option<String>),
) -> Result<Answer, ApiError> {
    let redirect_uri = match own_uri {
        Some(given) => consents::redirect_uri(given)?,
        None => call.api.connecting.redirect_uri()?,
    };
    let session = at.session;
    let begun = InBrowser { grantee, redirect_uri: &redirect_uri, login_hint, session, brought };
    let sent = begun.begin(call).await?;
    let item = |it: &Kept| {
        let begun = Kept { consent: Some(sent.id.clone()), ..it.anew(ItemState::Waiting) };
        it.waits_for(None).then_some(begun)
    };
    let standing = connect_landing::put(call, at, item, false).await?;
    if !standing.session.is_open() {
        return Err(ApiError::SessionOver);
    }
    Answer::of(&Begun::Redirect(sent.url))
}

async fn on_device(
    call: &Call,
    at: At<'_>,
    grantee: &Grantee,
    brought: &Brought,
) -> Result<Answer, ApiError> {
    let (codes, id, _) = dance::on_device(call, grantee, at.session, brought).await?;
    let device = DeviceView {
        user_code: codes.user_code,
        verification_uri: codes.verification_uri,
        verification_uri_complete: codes.verification_uri_complete,
    };
    let item = |it: &Kept| {
        let (device, consent) = (Some(device.clone()), Some(id.clone()));
        it.waits_for(None).then(|| Kept { device, consent, ..it.anew(ItemState::Waiting) })
    };
    let standing = connect_landing::put(call, at, item, false).await?;
    if !standing.session.is_open() {
        return Err(ApiError::SessionOver);
    }
    answered(call, Begun::Device, &standing).await
}
