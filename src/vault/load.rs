//! One look-up: what the store has of an activation, opened.
use crate::model::Credential;
use crate::model::Key;
use crate::model::TenantId;
use std::collections::BTreeMap;
use std::pin::Pin;

/// How an activation is looked up.
pub type Load = Box<
    dyn Fn(Wanted) -> Pin<Box<dyn Future<Output = Result<Loaded, LoadError>> + Send>> + Send + Sync,
>;

/// Which one.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What its credentials are bound to.
    pub owner: Box<str>,
    pub connection: Key,
    pub tenant: TenantId,
}

/// What the store has.
#[derive(Debug)]
pub enum Loaded {
    Row {
        enabled: bool,
        variables: BTreeMap<String, String>,
        credential: Credential,
    },
    /// `any`: whether the connection has one of another tenant.
    Missing {
        any: bool,
    },
}

/// Why it is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    #[error("{0}")]
    Unreachable(String),
    /// It is there, and can't be read or opened.
    #[error("{0}")]
    Damaged(String),
}
