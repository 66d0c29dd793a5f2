//! One connection of a connect session: as it is kept with the session, and as it is shown.
use super::activations;
use super::activations::AccountView;
use super::activations::Under;
use super::call::Call;
use super::error::ApiError;
use crate::catalog::ConnectWay;
use crate::catalog::Connection;
use crate::catalog::InputPlace;
use crate::catalog::TenantInput;
use crate::model::TenantId;
use crate::telemetry::metrics::ConnectOutcome;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;

/// How a connection of a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ItemState {
    /// For somebody to begin, or to come back.
    Waiting,
    /// It is another account than before: for somebody to say whether it is to be taken.
    Asking,
    Connected,
    /// Nothing came of it: `reason` says why. It may be begun again while the session is open.
    Failed,
}

/// Why nothing came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reason {
    /// The person said no.
    ConsentDenied,
    /// Less was granted than the connection needs.
    ScopesMissing,
    /// It is another account than before, and it is not to be taken.
    AccountDiffers,
    /// The API does not take the credential.
    CredentialRefused,
    /// The provider, or the API, could not be reached, or did not answer in time.
    ProviderUnavailable,
    /// The provider answered what it should not have, or did not take the code.
    ProviderError,
    /// The answer came from another provider than the one that was asked.
    IssuerMismatch,
    /// The connection is not there any more, or not as it was.
    ConnectionGone,
    /// The tenant, or its activation, was deleted meanwhile.
    TenantGone,
    /// The connection, or attache, has to be mended by whoever runs it.
    Misconfigured,
    /// It took too long, or somebody has ended the session.
    SessionExpired,
    /// The consent took too long, or is of a connection that was changed meanwhile: it may be begun again.
    ConsentExpired,
}

impl Reason {
    /// As it is told and counted.
    pub(super) fn outcome(self) -> ConnectOutcome {
        match self {
            Self::ConsentDenied => ConnectOutcome::ConsentDenied,
            Self::ScopesMissing => ConnectOutcome::ScopesMissing,
            Self::AccountDiffers => ConnectOutcome::AccountDiffers,
            Self::CredentialRefused => ConnectOutcome::CredentialRefused,
            Self::ProviderUnavailable => ConnectOutcome::ProviderUnavailable,
            Self::ProviderError => ConnectOutcome::ProviderError,
            Self::IssuerMismatch => ConnectOutcome::IssuerMismatch,
            Self::ConnectionGone => ConnectOutcome::ConnectionGone,
            Self::TenantGone => ConnectOutcome::TenantGone,
            Self::Misconfigured => ConnectOutcome::Misconfigured,
            Self::SessionExpired => ConnectOutcome::SessionExpired,
            Self::ConsentExpired => ConnectOutcome::ConsentExpired,
        }
    }
}

/// What a person types on another device (RFC 8628).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "DeviceCode")]
pub(super) struct DeviceView {
    pub user_code: String,
    pub verification_uri: String,
    /// The same with the code in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_uri_complete: Option<String>,
}

/// A connection of a session, as it is kept with it. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub connection: String,
    /// What its activations were bound to when the session was made: another connection of the same key is another one.
    pub owner: String,
    pub state: ItemState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_account: Option<AccountView>,
    #[serde(default)]
    pub is_reconnect: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceView>,
    /// The consent that is waited for, or whose tokens are kept aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<String>,
    /// The one before, which has come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<String>,
    /// How often somebody has begun.
    #[serde(default)]
    pub tries: u32,
    /// What whoever made the link has set: nobody is asked for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
}

/// How one connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum WayView {
    /// By what is filled in.
    Form,
    /// By a consent at the provider, in the browser.
    Redirect,
    /// By a consent at the provider, on another device.
    Device,
}

/// Something to fill in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename = "ConnectField")]
pub(super) struct FieldView {
    /// The member that it is sent in.
    r#in: PlaceView,
    name: String,
    /// For people.
    label: String,
    /// Where it is found, and what it looks like.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    /// A regular expression that the whole of it has to match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    example: Option<String>,
    /// Nobody is to look on while it is typed, and it is never shown.
    secret: bool,
    required: bool,
    /// What it is at present, or unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum PlaceView {
    Credentials,
    Variables,
}

/// A connection of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename = "ConnectItem")]
pub(super) struct ItemView {
    /// Its key.
    connection: String,
    /// Its name, for people.
    name: String,
    /// The connector's key.
    connector: String,
    /// The connector's name, for people.
    connector_name: String,
    /// How one connects, in words for people.
    description: String,
    way: WayView,
    pub(super) state: ItemState,
    /// Why nothing came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    /// The same in words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Whose account is connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<AccountView>,
    /// Whose account it would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    given_account: Option<AccountView>,
    /// The tenant had connected it before.
    is_reconnect: bool,
    /// Scopes that are needed and were not granted.
    missing_scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<DeviceView>,
    /// What there is to fill in.
    fields: Vec<FieldView>,
}

impl Kept {
    /// One that nobody has begun.
    pub(super) fn new(connection: &Connection, variables: BTreeMap<String, String>) -> Self {
        Self {
            connection: connection.key.to_string(),
            owner: connection.owner.to_string(),
            state: ItemState::Waiting,
            reason: None,
            why: None,
            account: None,
            given_account: None,
            is_reconnect: false,
            missing_scopes: Vec::new(),
            device: None,
            consent: None,
            former: None,
            tries: 0,
            variables,
        }
    }

    /// The same as it stands after what was before is over.
    pub(super) fn anew(&self, state: ItemState) -> Self {
        Self {
            state,
            reason: None,
            why: None,
            given_account: None,
            missing_scopes: Vec::new(),
            device: None,
            consent: None,
            former: self.consent.clone().or_else(|| self.former.clone()),
            ..self.clone()
        }
    }

    pub(super) fn failed(&self, reason: Reason, why: &str) -> Self {
        let why = Some(why.to_owned()).filter(|it| !it.is_empty());
        Self { reason: Some(reason), why, ..self.anew(ItemState::Failed) }
    }

    /// Whether something may come of this consent still; of none, whether anything may that is filled in.
    pub(super) fn waits_for(&self, consent: Option<&str>) -> bool {
        let is_own = consent.is_none_or(|it| self.consent.as_deref() == Some(it));
        is_own && self.state != ItemState::Connected
    }

    /// Its connection, where it is still the one that the session was made for.
    pub(super) async fn under(&self, call: &Call) -> Result<Option<Under>, ApiError> {
        match Under::named(call, &self.connection).await {
            Ok(under) => Ok(Some(under).filter(|it| it.owner == self.owner)),
            Err(ApiError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// As it is shown. `has_values`: with what the tenant has at present.
    pub(super) async fn view(
        &self,
        call: &Call,
        tenant: &TenantId,
        has_values: bool,
    ) -> Result<ItemView, ApiError> {
        let snapshot = call.api.live.snapshot_full();
        let connection =
            snapshot.connection(&self.connection).filter(|it| *it.owner == *self.owner);
        let connector = connection.and_then(|it| snapshot.connector(it.connector.as_str()));
        let (mut present, mut has_own) = (BTreeMap::new(), false);
        if has_values
            && connection.is_some()
            && let Some(under) = self.under(call).await?
            && let Some((stored, sealed)) = under.find(call, tenant).await?
        {
            present = activations::variables(&stored.value);
            has_own = sealed.is_some();
        }
        let asked = connection.map(|it| it.tenant_inputs()).unwrap_or_default();
        // Beside a consent what was there before stays.
        let stays = has_own && connection.is_some_and(|it| it.connect_way() != ConnectWay::Form);
        let own = asked.into_iter().filter(|it| !self.is_set(it)).map(|it| {
            let is_kept = stays && it.place == InputPlace::Credentials;
            TenantInput { is_required: it.is_required && !is_kept, ..it }
        });
        let text = |it: Option<&str>| it.unwrap_or_default().to_owned();
        Ok(ItemView {
            connection: self.connection.clone(),
            name: connection.map_or_else(|| self.connection.clone(), |it| it.name.clone()),
            connector: text(connection.map(|it| it.connector.as_str())),
            connector_name: text(connector.map(|it| &*it.name)),
            description: text(connection.map(|it| &*it.method.description)),
            way: connection.map_or(WayView::Form, |it| it.connect_way().into()),
            state: self.state,
            reason: self.reason,
            why: self.why.clone(),
            account: self.account.clone(),
            given_account: self.given_account.clone(),
            is_reconnect: self.is_reconnect,
            missing_scopes: self.missing_scopes.clone(),
            device: self.device.clone(),
            fields: own.map(|it| FieldView::of(it, &present)).collect(),
        })
    }

    /// Whether whoever made the link has set it.
    pub(super) fn is_set(&self, input: &TenantInput) -> bool {
        input.place == InputPlace::Variables && self.variables.contains_key(&input.name)
    }
}

impl FieldView {
    fn of(input: TenantInput, present: &BTreeMap<String, String>) -> Self {
        let value = match input.place {
            InputPlace::Credentials => None,
            InputPlace::Variables => present.get(&input.name).cloned().or(input.default),
        };
        Self {
            r#in: match input.place {
                InputPlace::Credentials => PlaceView::Credentials,
                InputPlace::Variables => PlaceView::Variables,
            },
            name: input.name,
            label: input.label,
            help: input.help,
            pattern: input.pattern,
            example: input.example,
            secret: input.is_secret,
            required: input.is_required,
            value,
        }
    }
}

impl From<ConnectWay> for WayView {
    fn from(way: ConnectWay) -> Self {
        match way {
            ConnectWay::Form => Self::Form,
            ConnectWay::Redirect => Self::Redirect,
            ConnectWay::Device => Self::Device,
        }
    }
}
