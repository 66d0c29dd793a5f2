//! Why a request's tags lead nowhere.
use crate::model::Code;
use crate::wire::PathEscapes;

/// Why a request has no target. The texts are answered to callers: they name nothing but what the
/// caller itself sent, and say the same of what is unknown and of what is not visible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    #[error(
        "name a connection: send `Attache-Connection`, or `Attache-Environment` with \
         `Attache-Connector`, or put `/c/CONNECTION/` or `/e/ENVIRONMENT/CONNECTOR/` before the path"
    )]
    Untagged,
    #[error("{0}")]
    Ambiguous(Ambiguity),
    #[error("{tag}: {problem}")]
    Invalid { tag: &'static str, problem: &'static str },
    #[error("no header of this name is known; there are {}", super::tags::KNOWN)]
    UnknownTag,
    #[error("the tag in the path: {problem}")]
    InvalidPathTag { problem: &'static str },
    #[error("the base-URL variables: {problem}")]
    Variables { problem: String },
    #[error("this connection serves many tenants: send `Attache-Tenant`")]
    TenantRequired,
    #[error("the path could be read as leaving the connection's base URL")]
    PathEscapes,
    #[error("no connection of this name is there for this caller")]
    ConnectionNotFound,
    #[error("no environment of this name is there for this caller")]
    EnvironmentNotFound,
    #[error("the environment assigns no connection to this connector that this caller may see")]
    ConnectorNotAssigned,
    #[error("this caller may not use this {0}")]
    Forbidden(Limit),
    #[error("the connection is switched off")]
    ConnectionDisabled,
    #[error("no tenant has an activation of this connection yet")]
    EmbeddedNotActivated,
    #[error("this tenant has no activation of this connection")]
    ActivationNotFound,
    /// To be asked again with what the store says: never answered to a caller.
    #[error("the tenant's activation was not fetched")]
    Unfetched,
    /// To be asked again once the holder's token was had: where the request goes, that one says.
    #[error("where its requests go comes with the token, which is not there")]
    Unled,
    #[error("the token does not say where the request goes: {problem}")]
    Misled { problem: String },
    #[error("the connection has no test credentials")]
    NoTestCredentials,
    #[error("the connection receives webhooks; nothing can be sent through it")]
    Inbound,
    #[error(
        "the connection's stored credentials were entered for another origin than it has now; an operator \
         can confirm it"
    )]
    EnteredElsewhere,
    #[error(
        "the connection does not allow this base URL; an operator can add its origin to `allowed_origins`"
    )]
    BaseUrlForbidden,
    #[error(
        "this is where the connection's own tokens are had: nobody else is answered by it through here"
    )]
    TokenEndpoint,
}

/// Two tags that can't both be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguity {
    #[error("`{0}` is there more than once")]
    Repeated(&'static str),
    #[error(
        "`Attache-Connection` stands beside `Attache-Environment` or `Attache-Connector`: keep one"
    )]
    ConnectionAndEnvironment,
    #[error("the path and `Attache-Tenant` name different tenants")]
    Tenants,
}

/// What a caller may be limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    #[error("environment")]
    Environment,
    #[error("tenant")]
    Tenant,
    #[error("method")]
    Method,
    #[error("path")]
    Path,
}

impl From<PathEscapes> for ResolveError {
    fn from(_: PathEscapes) -> Self {
        Self::PathEscapes
    }
}

impl ResolveError {
    /// The code of the answer (docs/contract.md §4).
    pub fn code(&self) -> Code {
        match self {
            Self::Untagged => Code::Untagged,
            Self::Ambiguous(_) => Code::AmbiguousTags,
            Self::Invalid { .. }
            | Self::UnknownTag
            | Self::InvalidPathTag { .. }
            | Self::Variables { .. }
            | Self::Inbound => Code::InvalidTag,
            Self::TenantRequired => Code::TenantRequired,
            Self::PathEscapes => Code::PathEscapesBase,
            Self::ConnectionNotFound => Code::ConnectionNotFound,
            Self::EnvironmentNotFound => Code::EnvironmentNotFound,
            Self::ConnectorNotAssigned => Code::ConnectorNotAssigned,
            Self::Forbidden(_) => Code::CallerForbidden,
            Self::ConnectionDisabled => Code::ConnectionDisabled,
            Self::EmbeddedNotActivated => Code::EmbeddedNotActivated,
            Self::ActivationNotFound | Self::NoTestCredentials => Code::ActivationNotFound,
            Self::Unfetched | Self::Unled | Self::Misled { .. } => Code::CredentialUnavailable,
            Self::EnteredElsewhere | Self::BaseUrlForbidden => Code::BaseUrlForbidden,
            Self::TokenEndpoint => Code::DestinationForbidden,
        }
    }
}
