//! `POST /v1/connect-sessions`: a link is made, for what a tenant can connect.
use super::activations;
use super::activations::AccountView;
use super::activations::Under;
use super::answer::Answer;
use super::call::Call;
use super::connect_item::Kept;
use super::connect_sessions;
use super::connect_sessions::NOUN;
use super::connect_sessions::SessionView;
use super::error::ApiError;
use super::sent;
use crate::catalog::Connection;
use crate::catalog::InputPlace;
use crate::catalog::Kind;
use crate::catalog::PathSegment;
use crate::catalog::Problem;
use crate::catalog::SuppliedBy;
use crate::config::Step;
use crate::config::pointer;
use crate::model::CONNECT_TOKEN_LEN;
use crate::model::ConnectSessionId;
use crate::model::Credential;
use crate::model::TenantId;
use crate::model::connect_token;
use crate::store::NewConnectSession;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a link is good.
pub(super) const LIFE: Duration = Duration::from_secs(30 * 60);

/// Most connections of a session.
const ITEMS_MAX: usize = 32;

/// Longest hint at whom the provider is to ask, in bytes.
const HINT_LEN_MAX: usize = 256;

/// A link to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSession {
    /// Who is to connect: your own id for the customer.
    tenant: String,
    /// The embedded connection that is to be connected. Either this, or `environment`.
    connection: Option<String>,
    /// All embedded connections that this environment assigns.
    environment: Option<String>,
    /// Of the environment's, these alone.
    connections: Option<Vec<String>>,
    /// Variables that you know already, by connection: nobody is asked for them.
    #[serde(default)]
    variables: BTreeMap<String, BTreeMap<String, String>>,
    /// Where the person goes when all is done: one of `connect.return_urls`.
    return_url: Option<String>,
    /// Whom the provider should ask, as it knows them.
    login_hint: Option<String>,
}

/// A link that was made.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename = "NewConnectSession")]
pub(super) struct MadeSession {
    /// The link. It is told in this one answer: whoever has it connects.
    url: String,
    #[serde(flatten)]
    session: SessionView,
}

/// `POST /v1/connect-sessions`
pub(super) async fn create(mut call: Call) -> Result<Answer, ApiError> {
    let members = call.take_object()?;
    sent::check_texts(&serde_json::Value::Object(members.clone()))?;
    let new: NewSession = sent::read(&members)?;
    let tenant = TenantId::try_from(&*new.tenant).map_err(|it| {
        ApiError::invalid("/tenant", it.to_string(), "it is your own id for the customer")
    })?;
    let connecting = &call.api.connecting;
    connecting.redirect_uri()?;
    let return_url = new.return_url.as_deref().map(|it| connecting.return_url(it)).transpose()?;
    let hint = new.login_hint.clone().unwrap_or_default();
    if hint.len() > HINT_LEN_MAX || hint.chars().any(char::is_control) {
        let problem = format!("a hint has at most {HINT_LEN_MAX} bytes, on one line");
        return Err(ApiError::invalid("/login_hint", problem, "send an address or a name"));
    }
    let items = items(&call, &tenant, &new).await?;
    let mut random = Zeroizing::new([0; CONNECT_TOKEN_LEN]);
    aws_lc_rs::rand::fill(&mut *random).expect("the operating system has randomness");
    let token = connect_token(&random);
    let id = ConnectSessionId::of_token(token.expose()).ok_or(ApiError::Internal)?;
    let url = connecting.link(token.expose())?;
    let items = serde_json::to_string(&items).map_err(|_| ApiError::Internal)?;
    let new = NewConnectSession {
        id: id.as_str(),
        tenant: tenant.as_str(),
        return_url: return_url.as_deref().unwrap_or_default(),
        login_hint: &hint,
        items: &items,
        lives_ms: i64::try_from(LIFE.as_millis()).unwrap_or(i64::MAX),
    };
    let store = &call.api.store()?.store;
    let made = store.connect_sessions().create(&call.scope(), &new).await;
    let made = made.map_err(|it| ApiError::of_store(it, NOUN, id.as_str()))?;
    call.progress.written();
    let session = connect_sessions::view(&call, &made, true).await?;
    let body =
        serde_json::to_value(MadeSession { url, session }).map_err(|_| ApiError::Internal)?;
    let location = Some(format!("/v1/connect-sessions/{id}"));
    Ok(Answer { status: StatusCode::CREATED, location, ..Answer::ok(body) })
}

/// What is to be connected, each checked.
async fn items(call: &Call, tenant: &TenantId, new: &NewSession) -> Result<Vec<Kept>, ApiError> {
    let chosen = match (&new.connection, &new.environment) {
        (Some(key), None) => {
            if new.connections.is_some() {
                let problem = "it chooses among those of an environment";
                return Err(ApiError::invalid("/connections", problem, "leave it out"));
            }
            vec![(key.clone(), connectable(call, key, tenant, "/connection").await?)]
        }
        (None, Some(key)) => of_environment(call, key, tenant, new.connections.as_deref()).await?,
        _ => {
            let problem = "either `connection` or `environment` says what is to be connected";
            return Err(ApiError::invalid("", problem, "send one of them"));
        }
    };
    if chosen.is_empty() {
        let problem = "it assigns no embedded connection that a tenant could connect";
        return Err(ApiError::invalid("/environment", problem, ""));
    }
    if chosen.len() > ITEMS_MAX {
        let problem = format!("a session has at most {ITEMS_MAX} connections");
        return Err(ApiError::invalid("/environment", problem, "choose some with `connections`"));
    }
    let known = |key: &String| chosen.iter().any(|it| it.0 == *key);
    if let Some(unknown) = new.variables.keys().find(|it| !known(it)) {
        let at = pointer([Step::Key("variables"), Step::Key(unknown)]);
        return Err(ApiError::invalid(at, "it is not one of this session's connections", ""));
    }
    let mut kept = Vec::with_capacity(chosen.len());
    for (key, (under, connection)) in &chosen {
        let given = new.variables.get(key).cloned().unwrap_or_default();
        check_variables(connection, tenant, &given)?;
        let item = Kept::new(connection, given);
        let found = under.find(call, tenant).await?;
        let account = found.as_ref().and_then(|it| it.0.value.account.clone());
        let account = account.map(AccountView::from);
        kept.push(Kept { is_reconnect: found.is_some(), account, ..item });
    }
    Ok(kept)
}

type Chosen = (Under, Arc<Connection>);

/// A connection that the tenant may connect. `at`: where it stands in the body.
async fn connectable(
    call: &Call,
    key: &str,
    tenant: &TenantId,
    at: &str,
) -> Result<Chosen, ApiError> {
    let under = Under::named(call, key).await.map_err(|it| match it {
        ApiError::NotFound { .. } => {
            ApiError::invalid(at, "there is no such connection", "send the key of one")
        }
        error => error,
    })?;
    let (connection, _) = under.served(call).await.map_err(|it| it.placed(at))?;
    if let Some((problem, hint)) = unfit(&connection) {
        return Err(ApiError::invalid(at, problem, hint));
    }
    under.refuse_declared(tenant)?;
    Ok((under, connection))
}

/// Why no tenant connects it, and what to do.
fn unfit(connection: &Connection) -> Option<(&'static str, &'static str)> {
    if matches!(connection.kind, Kind::Standard(_)) {
        let problem = "it holds its credentials itself: no tenant connects it";
        return Some((problem, "send the key of an embedded one"));
    }
    if connection.supplied_by == Some(SuppliedBy::Operator) {
        let problem = "its credentials are supplied by the operator, not by tenants";
        return Some((problem, "activate it yourself: `PUT …/activations/{tenant}`"));
    }
    None
}

impl Under {
    /// As it is served, where tenants connect it.
    pub(super) async fn connectable(
        &self,
        call: &Call,
    ) -> Result<Option<Arc<Connection>>, ApiError> {
        match self.served(call).await {
            Ok((connection, _)) => Ok(Some(connection).filter(|it| unfit(it).is_none())),
            // It is not sound itself.
            Err(ApiError::Invalid(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Those of an environment: what no tenant connects is passed over, unless it is asked for by name.
async fn of_environment(
    call: &Call,
    key: &str,
    tenant: &TenantId,
    allowed: Option<&[String]>,
) -> Result<Vec<(String, Chosen)>, ApiError> {
    let snapshot = call.api.live.snapshot_full();
    let Some(environment) = snapshot.environment(key) else {
        let problem = "there is no such environment, or it is not sound";
        return Err(ApiError::invalid("/environment", problem, "send the key of one"));
    };
    let mut keys: Vec<String> = Vec::new();
    for assignment in environment.assignments() {
        let key = assignment.connection.key.to_string();
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let mut chosen: Vec<(String, Chosen)> = Vec::new();
    for (index, name) in allowed.unwrap_or_default().iter().enumerate() {
        let at = pointer([Step::Key("connections"), Step::Index(index)]);
        if !keys.contains(name) {
            return Err(ApiError::invalid(at, "the environment assigns no such connection", ""));
        }
        if !chosen.iter().any(|it| it.0 == *name) {
            chosen.push((name.clone(), connectable(call, name, tenant, &at).await?));
        }
    }
    if allowed.is_some() {
        return Ok(chosen);
    }
    for key in keys {
        let is_passed_over = |it: &Arc<Connection>| match &it.kind {
            Kind::Standard(_) => true,
            Kind::Embedded { activations, .. } => {
                unfit(it).is_some() || activations.contains_key(tenant.as_str())
            }
        };
        if snapshot.connection(&key).is_some_and(is_passed_over) {
            continue;
        }
        let found = connectable(call, &key, tenant, "/environment").await?;
        chosen.push((key, found));
    }
    Ok(chosen)
}

/// Refuses what a connection would not take, of what is said before anybody connects.
fn check_variables(
    connection: &Connection,
    tenant: &TenantId,
    given: &BTreeMap<String, String>,
) -> Result<(), ApiError> {
    let section = pointer([Step::Key("variables"), Step::Key(connection.key.as_str())]);
    let asked = connection.tenant_inputs();
    let is_asked =
        |name: &str| asked.iter().any(|it| it.place == InputPlace::Variables && it.name == name);
    if let Some(unknown) = given.keys().find(|it| !is_asked(it)) {
        let at = [&*section, &pointer([Step::Key(unknown)])].concat();
        let problem = "it is no variable that tenants set here";
        return Err(ApiError::invalid(at, problem, "leave it out"));
    }
    // Without what the tenant brings it is not whole yet: of that nothing is told here.
    let trial = connection.activation(tenant.clone(), true, given, Credential::default());
    let is_of_given = |it: &Problem| match &it.path[..] {
        [_, PathSegment::Key(of), PathSegment::Key(name), ..] => {
            of == activations::VARIABLES && given.contains_key(name)
        }
        _ => false,
    };
    let problems: Vec<Problem> =
        trial.err().unwrap_or_default().into_iter().filter(is_of_given).collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(ApiError::below(&problems, 2).placed(&section))
}
