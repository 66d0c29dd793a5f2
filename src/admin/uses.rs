//! Who uses a resource, as answers tell it.
use super::answer::Answer;
use super::error::ApiError;
use schemars::JsonSchema;
use serde::Serialize;

/// One use of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Use {
    pub kind: UseKind,
    /// The key of what uses it; none for activations, which are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Under which alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Of an environment: whether it is deployed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployed: Option<bool>,
    /// Of activations: how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum UseKind {
    #[default]
    Connection,
    Integration,
    Environment,
    Activations,
}

/// All uses of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Uses {
    /// The first hundred of each kind.
    pub uses: Vec<Use>,
    /// How many there are: each activation is one.
    pub total: i64,
    /// How many environments there are among them.
    pub environments: i64,
    /// How many of these are deployed.
    pub deployed: i64,
    pub activations: i64,
}

/// How often a connection is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Counts {
    pub environments: i64,
    /// How many of these are deployed.
    pub deployed: i64,
    pub activations: i64,
}

impl From<&crate::store::Uses> for Counts {
    fn from(it: &crate::store::Uses) -> Self {
        let crate::store::Uses { environments, deployed, activations, .. } = *it;
        Self { environments, deployed, activations }
    }
}

/// What a deletion would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Preview {
    /// Whether it would be refused, because it is in use.
    refused: bool,
    #[serde(flatten)]
    uses: Uses,
}

impl Preview {
    pub(super) fn of(uses: &crate::store::Uses, force: bool) -> Self {
        let uses = Uses::from(uses);
        Self { refused: uses.total > 0 && !force, uses }
    }

    pub(super) fn answer(&self) -> Result<Answer, ApiError> {
        Answer::of(self)
    }
}

impl From<&crate::store::Uses> for Uses {
    fn from(it: &crate::store::Uses) -> Self {
        Self {
            uses: it.by.iter().map(Use::from).collect(),
            total: it.total,
            environments: it.environments,
            deployed: it.deployed,
            activations: it.activations,
        }
    }
}

impl From<&crate::store::Use> for Use {
    fn from(it: &crate::store::Use) -> Self {
        use crate::store::Use as Stored;
        let none = Self::default();
        match it {
            Stored::Connection { key } => {
                Self { kind: UseKind::Connection, key: Some(key.clone()), ..none }
            }
            Stored::Integration { key, alias } => Self {
                kind: UseKind::Integration,
                key: Some(key.clone()),
                alias: Some(alias.clone()),
                ..none
            },
            Stored::Environment { key, alias, deployed } => Self {
                kind: UseKind::Environment,
                key: Some(key.clone()),
                alias: alias.clone(),
                deployed: Some(*deployed),
                ..none
            },
            Stored::Activations { count } => {
                Self { kind: UseKind::Activations, count: Some(*count), ..none }
            }
        }
    }
}
