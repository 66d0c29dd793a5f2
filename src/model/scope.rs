//! On whose behalf something is read or written.
use super::Key;
use super::TenantId;
use std::fmt;
use std::sync::Arc;

/// On whose behalf the store is asked: authorization travels with every call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// attache itself: start, change feed, activations on the request path, commands.
    System,
    /// A command that a person runs beside attache, by its name: `keys rotate`.
    Command(&'static str),
    /// An operator, by the key of the token that was shown.
    Operator(Key),
    /// An operator for whom an identity provider vouches, by the name that it says.
    Person(Arc<str>),
    /// The same under an `Idempotency-Key`.
    Once(Arc<Claimed>),
    /// One tenant: its own activations, and nothing else, as if nothing else were there.
    Tenant(TenantId),
}

/// What an operator goes by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OperatorName {
    /// The key of the token that was shown.
    Token(Key),
    /// What an identity provider calls the person. Never the same as a token, however it reads.
    Person(Arc<str>),
}

/// An operator's claim of an `Idempotency-Key`: what is written under it is written once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Claimed {
    pub operator: OperatorName,
    /// Whose claim it is: never that of another token of the same key.
    pub token: String,
    /// The `Idempotency-Key`.
    pub key: String,
    /// By the store's clock.
    pub claimed_at_ms: i64,
}

impl Scope {
    /// The claim that it writes under.
    pub fn claimed(&self) -> Option<&Arc<Claimed>> {
        match self {
            Self::Once(claimed) => Some(claimed),
            Self::System
            | Self::Command(_)
            | Self::Operator(_)
            | Self::Person(_)
            | Self::Tenant(_) => None,
        }
    }

    /// Whether definitions, other people's keys and the deployment's own records are there at all.
    pub fn sees_everything(&self) -> bool {
        match self {
            Self::System
            | Self::Command(_)
            | Self::Operator(_)
            | Self::Person(_)
            | Self::Once(_) => true,
            Self::Tenant(_) => false,
        }
    }

    /// Whether this tenant's activations are there.
    pub fn sees_tenant(&self, tenant: &str) -> bool {
        match self {
            Self::System
            | Self::Command(_)
            | Self::Operator(_)
            | Self::Person(_)
            | Self::Once(_) => true,
            Self::Tenant(own) => own.as_str() == tenant,
        }
    }
}

impl From<OperatorName> for Scope {
    fn from(name: OperatorName) -> Self {
        match name {
            OperatorName::Token(key) => Self::Operator(key),
            OperatorName::Person(name) => Self::Person(name),
        }
    }
}

impl OperatorName {
    /// The key of the token, where it is one's.
    pub fn token(&self) -> Option<&Key> {
        match self {
            Self::Token(key) => Some(key),
            Self::Person(_) => None,
        }
    }
}

/// As people know it.
impl fmt::Display for OperatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(key) => key.fmt(f),
            Self::Person(name) => f.write_str(name),
        }
    }
}

/// Who did it, as it is written beside what was done.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("attache"),
            Self::Command(name) => write!(f, "command {name}"),
            Self::Operator(token) => write!(f, "operator {token}"),
            Self::Person(name) => write!(f, "person {name}"),
            Self::Once(claimed) => match &claimed.operator {
                OperatorName::Token(token) => write!(f, "operator {token}"),
                OperatorName::Person(name) => write!(f, "person {name}"),
            },
            Self::Tenant(tenant) => write!(f, "tenant {tenant}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_sees_its_own_and_nothing_else() {
        let acme = Scope::Tenant(TenantId::try_from("acme").unwrap());
        assert!(
            acme.sees_tenant("acme") && !acme.sees_tenant("ACME") && !acme.sees_tenant("acme ")
        );
        assert!(!acme.sees_everything());
        let operator = Scope::Operator(Key::try_from("ci").unwrap());
        assert!(operator.sees_everything() && operator.sees_tenant("acme"));
        assert_eq!(operator.to_string(), "operator ci");
        let person = Scope::from(OperatorName::Person("ci".into()));
        assert!(person.sees_everything() && person.sees_tenant("acme"));
        assert_eq!(person.to_string(), "person ci");
    }
}
