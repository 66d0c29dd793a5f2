//! Where credentials may go: what would send them elsewhere than where they were entered for is refused,
//! unless they come with it or somebody says that they may.
use super::answer::Answer;
use super::call::Call;
use super::connections;
use super::connections::Connections;
use super::definition::Definition;
use super::error::ApiError;
use super::error::Fault;
use super::sent;
use crate::catalog::Open;
use crate::catalog::Reach;
use crate::seal::Slot;
use crate::store;
use crate::store::Bind;
use crate::store::Entered;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// The query parameter, and what it takes.
pub(super) const CONFIRM: &str = "confirm";
pub(super) const ORIGIN: &str = "origin";

/// Most moves that stand in a sentence; all of them stand beside it.
const TOLD_MAX: usize = 5;

/// Credentials that would go elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Moved {
    /// The connection's key.
    pub connection: String,
    pub from: Reach,
    pub to: Reach,
    /// Whether there are some of the connection's own.
    pub credentials: bool,
    pub test_credentials: bool,
    /// Of how many tenants there are some.
    pub activations: i64,
}

/// Where the credentials of a connection may go: nobody confirms what they were not shown.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    /// The connector that it has now. It may be left out where the credentials were entered for the same one.
    connector: Option<String>,
    /// The origins that it has now.
    origins: Vec<String>,
    /// What the variables in them may hold now; left out where there are none.
    #[serde(default)]
    variables: BTreeMap<String, Open>,
}

/// What a confirmation does.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Confirmed {
    /// What the credentials were entered for, or confirmed for last; null where nothing is known of it.
    from: Option<Reach>,
    to: Reach,
}

/// Whether the operator says that credentials may go where they were not entered for.
pub(super) fn confirmed(call: &Call) -> Result<bool, ApiError> {
    match call.query.value(CONFIRM) {
        None => Ok(false),
        Some(ORIGIN) => Ok(true),
        Some(_) => Err(ApiError::BadRequest(format!("`{CONFIRM}` takes `{ORIGIN}`."))),
    }
}

/// Where a connection's credentials go once it is written. `brings`: what the write enters anew.
pub(super) fn bind(
    (owner, connection): (&str, &str),
    reach: Reach,
    confirmed: bool,
    brings: Vec<(String, Slot)>,
) -> Bind {
    let to = Entered { owner: owner.to_owned(), connection: connection.to_owned(), reach };
    Bind { to, confirmed, narrows: true, brings }
}

/// `POST /v1/connections/{connection}/confirm`: what is sealed may go where it goes now. It is how a
/// connection goes on whose origin a file has changed.
pub(super) async fn confirm(mut call: Call) -> Result<Answer, ApiError> {
    let key = Connections::key(&call)?;
    let sent: Confirmation = sent::read(&call.take_object()?)?;
    let owner = connections::owner(&call, &key).await?;
    let snapshot = call.api.live.snapshot_full();
    let Some(connection) = snapshot.connection(&key) else {
        return Err(ApiError::invalid("", format!("the connection `{key}` is not sound"), ""));
    };
    let reach = connection.reach();
    let of_store = |it| ApiError::of_store(it, Connections::NOUN, &key);
    let store = call.writer()?;
    let entered = store.origins().of_connection(&call.scope(), &key, &owner).await;
    let (entered, _) = entered.map_err(of_store)?;
    let from = entered.into_iter().find(|it| it.owner == owner).map(|it| it.reach);
    sent.check(from.as_ref(), &reach)?;
    let answer = Confirmed { from, to: reach.clone() };
    let to = Entered { owner, connection: key.clone(), reach };
    let revision = store.origins().confirm(&call.scope(), &to).await.map_err(of_store)?;
    call.served(revision).await;
    Answer::of(&answer)
}

impl Confirmation {
    /// Refuses what is not as it is now.
    fn check(self, from: Option<&Reach>, to: &Reach) -> Result<(), ApiError> {
        let mut faults = Vec::new();
        let mut fault = |pointer: &str, problem: &str, hint: String| {
            let (pointer, problem) = (pointer.to_owned(), problem.to_owned());
            faults.push(Fault { pointer, problem, hint });
        };
        let is_same = from.is_none_or(|it| it.connector == to.connector);
        if self.connector.as_ref().map_or(!is_same, |it| *it != to.connector) {
            let problem = "this is not the connector that it has now";
            fault("/connector", problem, format!("it has `{}`", to.connector));
        }
        let origins: BTreeSet<String> = self.origins.into_iter().collect();
        if origins != to.origins {
            let has = to.origins.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            fault("/origins", "these are not the origins that it has now", format!("it has {has}"));
        }
        if self.variables != to.variables {
            let has = serde_json::to_string(&to.variables).unwrap_or_default();
            let problem = "this is not what variables in its origins may hold now";
            fault("/variables", problem, format!("write {has}"));
        }
        if faults.is_empty() { Ok(()) } else { Err(ApiError::Invalid(faults)) }
    }
}

impl From<store::Moved> for Moved {
    fn from(it: store::Moved) -> Self {
        Self {
            from: it.from,
            to: it.to,
            connection: it.connection,
            credentials: it.own,
            test_credentials: it.test,
            activations: it.activations,
        }
    }
}

/// For people.
pub(super) fn told(moves: &[Moved]) -> String {
    let told = |it: &Moved| format!("those of `{}` {}", it.connection, it.from.departure(&it.to));
    let which: Vec<String> = moves.iter().take(TOLD_MAX).map(told).collect();
    let more = match moves.len().saturating_sub(TOLD_MAX) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!(
        "Stored credentials would go elsewhere: {}{more}. Send them anew, or say that they may: \
         `?{CONFIRM}={ORIGIN}` with an edit, `POST {}/…/confirm` without one.",
        which.join("; "),
        Connections::PATH
    )
}
