//! Who uses a resource, as answers tell it.
use super::answer::Answer;
use super::error::ApiError;
use super::origin::Moved;
use crate::model::Code;
use schemars::JsonSchema;
use serde::Serialize;

/// Environments of a connection that are named where there is no page of them.
pub(super) const NAMED_MAX: u32 = 100;

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
    /// Of an activation: whose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Of activations: how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
}

impl Use {
    /// One tenant's, under a connection.
    pub(super) fn of_activation(connection: String, tenant: &str) -> Self {
        let (key, tenant) = (Some(connection), Some(tenant.to_owned()));
        Self { kind: UseKind::Activation, key, tenant, ..Self::default() }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum UseKind {
    #[default]
    Connection,
    Integration,
    Environment,
    Activations,
    /// One tenant's, under the connection of this key.
    Activation,
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
    /// Of a connection 10,000 stands for so many and more.
    pub activations: i64,
}

impl Uses {
    /// Of activations that are named.
    pub(super) fn of_activations(named: Vec<Use>) -> Self {
        let count = i64::try_from(named.len()).unwrap_or(i64::MAX);
        Self { uses: named, total: count, activations: count, ..Self::default() }
    }
}

/// Who uses a connection, a page of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct UsesPage {
    /// Its activations, counted, and then the environments in the order of their keys.
    pub uses: Vec<Use>,
    /// How many there are, on whatever page: each activation is one.
    pub total: i64,
    /// How many environments there are among them.
    pub environments: i64,
    /// How many of these are deployed.
    pub deployed: i64,
    /// Of a connection 10,000 stands for so many and more.
    pub activations: i64,
    /// The `cursor` of the next page; null at the end.
    pub next: Option<String>,
}

/// How often a connection is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Counts {
    pub environments: i64,
    /// How many of these are deployed.
    pub deployed: i64,
    /// Of a connection 10,000 stands for so many and more.
    pub activations: i64,
}

impl From<&Uses> for Counts {
    fn from(it: &Uses) -> Self {
        let Uses { environments, deployed, activations, .. } = *it;
        Self { environments, deployed, activations }
    }
}

/// What a deletion would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Preview {
    /// Whether it would be refused.
    refused: bool,
    /// The code that it would be refused with; null where it would not.
    code: Option<String>,
    #[serde(flatten)]
    uses: Uses,
}

impl Preview {
    pub(super) fn of(uses: &crate::store::Uses, force: bool) -> Self {
        let code = (uses.total > 0 && !force).then_some(Code::InUse);
        Self::with(code, Uses::from(uses))
    }

    /// Of what nothing else uses.
    pub(super) fn of_unused() -> Self {
        Self::with(None, Uses::default())
    }

    pub(super) fn with(code: Option<Code>, uses: Uses) -> Self {
        Self { refused: code.is_some(), code: code.map(|it| it.as_str().to_owned()), uses }
    }

    /// Of one tenant's activation.
    pub(super) fn of_activation() -> Self {
        let one = crate::store::Uses {
            by: vec![crate::store::Use::Activations { count: 1 }],
            total: 1,
            activations: 1,
            ..crate::store::Uses::default()
        };
        Self::with(None, Uses::from(&one))
    }

    pub(super) fn answer(&self) -> Result<Answer, ApiError> {
        Answer::of(self)
    }
}

/// What an edit would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Change {
    /// Whether it would be refused.
    refused: bool,
    /// The code that it would be refused with; null where it would not.
    code: Option<String>,
    /// Who works now, and would not any more: for these it is refused, unless forced.
    breaks: Vec<Use>,
    /// Whose credentials would go elsewhere: for these it is refused, unless confirmed.
    moves: Vec<Moved>,
    /// Who uses it as it is now.
    #[serde(flatten)]
    uses: Uses,
}

impl Change {
    /// What became of one that was rehearsed. What is wrong with the body stays an error.
    pub(super) fn of<T>(rehearsed: Result<T, ApiError>, uses: Uses) -> Result<Self, ApiError> {
        let mut change =
            Self { refused: false, code: None, breaks: Vec::new(), moves: Vec::new(), uses };
        let Err(error) = rehearsed else { return Ok(change) };
        change.refused = true;
        change.code = Some(error.code().as_str().to_owned());
        match error {
            ApiError::InUse { uses, .. } => change.breaks = uses,
            ApiError::Elsewhere(moves) => change.moves = moves,
            ApiError::Unconfirmed(_) => {}
            error => return Err(error),
        }
        Ok(change)
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
