//! What a write takes for granted, checked where it is done.
use super::Bind;
use super::Kind;
use super::error::StoreError;

/// What has to be there already, for a write to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Whatever there is.
    Anything,
    /// Nothing: `If-None-Match: *`.
    Absent,
    /// Something, whatever its version: `If-Match: *`.
    Present,
    /// Exactly this version: `If-Match`.
    Version(i64),
}

/// All that has to hold for a write to be done, checked in its transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    pub expect: Expect,
    /// Stored things that what is written refers to.
    pub needs: Vec<(Kind, String)>,
    /// Stored things that what is written was checked beside, each at the version that it had then.
    pub beside: Vec<(Kind, String, i64)>,
    /// Where credentials go with what is written.
    pub binds: Vec<Bind>,
}

/// Another row that a write takes for granted, as it was when it was decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    Environment {
        key: String,
        version: i64,
    },
    Connection {
        key: String,
        version: i64,
    },
    /// It is there, whatever its version.
    Activation {
        owner: String,
        tenant: String,
    },
}

impl Condition {
    /// And credentials may go where they then go.
    pub fn binding(self, binds: Vec<Bind>) -> Self {
        Self { binds, ..self }
    }

    /// And these stored things, which what is written was checked beside, are still as they were.
    pub fn beside(self, beside: Vec<(Kind, String, i64)>) -> Self {
        Self { beside, ..self }
    }
}

impl Expect {
    /// And these stored things, which what is written refers to, have to be there as well: connectors,
    /// integrations, connections or tenants.
    pub fn needing(self, needs: Vec<(Kind, String)>) -> Condition {
        Condition { needs, ..Condition::from(self) }
    }
}

impl From<Expect> for Condition {
    fn from(expect: Expect) -> Self {
        Self { expect, needs: Vec::new(), beside: Vec::new(), binds: Vec::new() }
    }
}

/// A row as it is, before a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) version: i64,
    pub(super) created_at_ms: i64,
    pub(super) updated_at_ms: i64,
    pub(super) updated_by: String,
}

/// The last change of a row that is not there any more.
pub(super) struct Gone {
    pub(super) who: String,
    pub(super) at_ms: i64,
}

/// What of [`Expect`] does not hold.
pub(super) enum Unmet {
    Exists,
    /// There is none, and there was to be one.
    Absent,
    Stale,
}

impl Expect {
    pub(super) fn check(self, standing: Option<&Standing>) -> Result<(), Unmet> {
        match (self, standing) {
            (Self::Anything, _) | (Self::Absent, None) | (Self::Present, Some(_)) => Ok(()),
            (Self::Absent, Some(_)) => Err(Unmet::Exists),
            (Self::Present | Self::Version(_), None) => Err(Unmet::Absent),
            (Self::Version(version), Some(it)) if it.version == version => Ok(()),
            (Self::Version(_), Some(_)) => Err(Unmet::Stale),
        }
    }
}

impl Unmet {
    pub(super) fn into_error(
        self,
        kind: Kind,
        key: &str,
        standing: Option<Standing>,
        gone: Option<Gone>,
    ) -> StoreError {
        match (self, standing, gone) {
            (Self::Exists, _, _) => StoreError::Conflict { kind, key: key.to_owned() },
            (_, Some(it), _) => StoreError::Stale {
                current_version: Some(it.version),
                who: it.updated_by,
                at_ms: it.updated_at_ms,
            },
            (_, None, Some(it)) => {
                StoreError::Stale { current_version: None, who: it.who, at_ms: it.at_ms }
            }
            (_, None, None) => StoreError::NotFound,
        }
    }
}
