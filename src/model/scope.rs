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
    /// The same under an `Idempotency-Key`.
    Once(Arc<Claimed>),
    /// One tenant: its own activations, and nothing else, as if nothing else were there.
    Tenant(TenantId),
}

/// An operator's claim of an `Idempotency-Key`: what is written under it is written once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Claimed {
    /// The key of the token that was shown.
    pub operator: Key,
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
            Self::System | Self::Command(_) | Self::Operator(_) | Self::Tenant(_) => None,
        }
    }

    /// Whether definitions, other people's keys and the deployment's own records are there at all.
    pub fn sees_everything(&self) -> bool {
        match self {
            Self::System | Self::Command(_) | Self::Operator(_) | Self::Once(_) => true,
            Self::Tenant(_) => false,
        }
    }

    /// Whether this tenant's activations are there.
    pub fn sees_tenant(&self, tenant: &str) -> bool {
        match self {
            Self::System | Self::Command(_) | Self::Operator(_) | Self::Once(_) => true,
            Self::Tenant(own) => own.as_str() == tenant,
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
            Self::Once(claimed) => write!(f, "operator {}", claimed.operator),
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
    }
}
