//! What may happen: the one list of it, for the store, the API and its document.
use std::fmt;

/// The type of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventType {
    ConnectorCreated,
    ConnectorUpdated,
    ConnectorDeleted,
    /// An auth method has another revision; nobody uses it yet.
    AuthMethodRevised,
    /// A connection uses another revision of its auth method, or another method.
    AuthMethodRepinned,
    IntegrationCreated,
    IntegrationUpdated,
    IntegrationDeleted,
    EnvironmentCreated,
    EnvironmentUpdated,
    EnvironmentDeleted,
    ConnectionCreated,
    ConnectionUpdated,
    /// Stands for its activations, which are gone with it.
    ConnectionDeleted,
    ConnectionEnabled,
    ConnectionDisabled,
    /// The upstream refused its credential several times in a row.
    ConnectionFailing,
    /// The upstream takes its credential again.
    ConnectionRecovered,
    /// Its grant, or a tenant's under it, is dead: a person has to authorize it again.
    ConnectionReauthorizationRequired,
    /// There is a token again where a person had to authorize it.
    ConnectionAuthorized,
    /// A sender of webhooks has handed its secret over, the connection's own or a tenant's under it.
    ConnectionSecretLearned,
    TenantCreated,
    TenantUpdated,
    TenantDeleted,
    ActivationCreated,
    ActivationUpdated,
    /// It was switched on again.
    ActivationActivated,
    /// It was switched off.
    ActivationDeactivated,
    ActivationDeleted,
    CallerCreated,
    CallerUpdated,
    /// It was given a key, or one was taken from it.
    CallerKeysChanged,
    CallerDeleted,
    TokenCreated,
    TokenUpdated,
    TokenDeleted,
    /// Data keys were put under another of the operator's keys.
    KeysRotated,
    /// The end of the audit trail was not as attache left it.
    AuditBroken,
    SubscriptionCreated,
    SubscriptionUpdated,
    /// Nothing is sent to it any more: an operator said so, its receiver did, or it was not reached for three days.
    SubscriptionDisabled,
    SubscriptionDeleted,
    /// Of no consequence: an operator asked for it, to see one subscription be delivered to.
    SubscriptionTested,
    /// Somebody was given a link to connect with.
    ConnectSessionCreated,
    /// A tenant has connected one of the session's connections.
    ConnectSessionConnected,
    /// One of them was not connected: `reason` says why. It may be tried again while the session is open.
    ConnectSessionFailed,
    /// Deliveries to a connection are being refused: `reason` says why, and how many were.
    WebhookRefused,
}

impl EventType {
    pub const ALL: &[Self] = &[
        Self::ConnectorCreated,
        Self::ConnectorUpdated,
        Self::ConnectorDeleted,
        Self::AuthMethodRevised,
        Self::AuthMethodRepinned,
        Self::IntegrationCreated,
        Self::IntegrationUpdated,
        Self::IntegrationDeleted,
        Self::EnvironmentCreated,
        Self::EnvironmentUpdated,
        Self::EnvironmentDeleted,
        Self::ConnectionCreated,
        Self::ConnectionUpdated,
        Self::ConnectionDeleted,
        Self::ConnectionEnabled,
        Self::ConnectionDisabled,
        Self::ConnectionFailing,
        Self::ConnectionRecovered,
        Self::ConnectionReauthorizationRequired,
        Self::ConnectionAuthorized,
        Self::ConnectionSecretLearned,
        Self::TenantCreated,
        Self::TenantUpdated,
        Self::TenantDeleted,
        Self::ActivationCreated,
        Self::ActivationUpdated,
        Self::ActivationActivated,
        Self::ActivationDeactivated,
        Self::ActivationDeleted,
        Self::CallerCreated,
        Self::CallerUpdated,
        Self::CallerKeysChanged,
        Self::CallerDeleted,
        Self::TokenCreated,
        Self::TokenUpdated,
        Self::TokenDeleted,
        Self::KeysRotated,
        Self::AuditBroken,
        Self::SubscriptionCreated,
        Self::SubscriptionUpdated,
        Self::SubscriptionDisabled,
        Self::SubscriptionDeleted,
        Self::SubscriptionTested,
        Self::ConnectSessionCreated,
        Self::ConnectSessionConnected,
        Self::ConnectSessionFailed,
        Self::WebhookRefused,
    ];

    /// As it is stored, shown and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConnectorCreated => "connector.created",
            Self::ConnectorUpdated => "connector.updated",
            Self::ConnectorDeleted => "connector.deleted",
            Self::AuthMethodRevised => "auth_method.revised",
            Self::AuthMethodRepinned => "auth_method.repinned",
            Self::IntegrationCreated => "integration.created",
            Self::IntegrationUpdated => "integration.updated",
            Self::IntegrationDeleted => "integration.deleted",
            Self::EnvironmentCreated => "environment.created",
            Self::EnvironmentUpdated => "environment.updated",
            Self::EnvironmentDeleted => "environment.deleted",
            Self::ConnectionCreated => "connection.created",
            Self::ConnectionUpdated => "connection.updated",
            Self::ConnectionDeleted => "connection.deleted",
            Self::ConnectionEnabled => "connection.enabled",
            Self::ConnectionDisabled => "connection.disabled",
            Self::ConnectionFailing => "connection.failing",
            Self::ConnectionRecovered => "connection.recovered",
            Self::ConnectionReauthorizationRequired => "connection.reauthorization_required",
            Self::ConnectionAuthorized => "connection.authorized",
            Self::ConnectionSecretLearned => "connection.secret_learned",
            Self::TenantCreated => "tenant.created",
            Self::TenantUpdated => "tenant.updated",
            Self::TenantDeleted => "tenant.deleted",
            Self::ActivationCreated => "activation.created",
            Self::ActivationUpdated => "activation.updated",
            Self::ActivationActivated => "activation.activated",
            Self::ActivationDeactivated => "activation.deactivated",
            Self::ActivationDeleted => "activation.deleted",
            Self::CallerCreated => "caller.created",
            Self::CallerUpdated => "caller.updated",
            Self::CallerKeysChanged => "caller.keys_changed",
            Self::CallerDeleted => "caller.deleted",
            Self::TokenCreated => "token.created",
            Self::TokenUpdated => "token.updated",
            Self::TokenDeleted => "token.deleted",
            Self::KeysRotated => "keys.rotated",
            Self::AuditBroken => "audit.broken",
            Self::SubscriptionCreated => "event_subscription.created",
            Self::SubscriptionUpdated => "event_subscription.updated",
            Self::SubscriptionDisabled => "event_subscription.disabled",
            Self::SubscriptionDeleted => "event_subscription.deleted",
            Self::SubscriptionTested => "event_subscription.tested",
            Self::ConnectSessionCreated => "connect_session.created",
            Self::ConnectSessionConnected => "connect_session.connected",
            Self::ConnectSessionFailed => "connect_session.failed",
            Self::WebhookRefused => "webhook.refused",
        }
    }

    /// `None` for a name that is no event's.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == name)
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_read_as_it_is_written() {
        for event in EventType::ALL {
            assert_eq!(EventType::named(event.as_str()), Some(*event));
        }
        assert_eq!(EventType::named("connection"), None);
    }
}
