//! Where credentials may go: what would send them elsewhere than where they were entered for is refused,
//! unless they come with it or somebody says that they may.
use super::answer::Answer;
use super::call::Call;
use super::connections;
use super::connections::Connections;
use super::definition::Definition;
use super::error::ApiError;
use super::sent;
use crate::catalog::Connection;
use crate::catalog::Reach;
use crate::seal::Slot;
use crate::store;
use crate::store::Bind;
use crate::store::Entered;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// The query parameter, and what it takes.
pub(super) const CONFIRM: &str = "confirm";
pub(super) const ORIGIN: &str = "origin";

/// Credentials that would go elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Moved {
    /// The connection's key.
    pub connection: String,
    pub from: Reached,
    pub to: Reached,
    /// Whether there are some of the connection's own.
    pub credentials: bool,
    pub test_credentials: bool,
    /// Of how many tenants there are some.
    pub activations: i64,
}

/// By which connector, and to which origins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Reached {
    pub connector: String,
    /// A variable that the connection gives no value stands in its braces.
    pub origins: Vec<String>,
}

/// Which origins the credentials of a connection may go to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    /// Those that it has now: nobody confirms others than they were shown.
    origins: Vec<String>,
}

/// What a confirmation does.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Confirmed {
    /// What the credentials were entered for, or confirmed for last; null where nothing is known of it.
    from: Option<Reached>,
    to: Reached,
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
    reach: Option<Reach>,
    confirmed: bool,
    brings: Vec<(String, Slot)>,
) -> Vec<Bind> {
    let Some(reach) = reach else { return Vec::new() };
    let to = Entered { owner: owner.to_owned(), connection: connection.to_owned(), reach };
    vec![Bind { to, confirmed, brings }]
}

/// `POST /v1/connections/{connection}/confirm`: what is sealed may go where it goes now. It is how a
/// connection goes on whose origin a file has changed.
pub(super) async fn confirm(mut call: Call) -> Result<Answer, ApiError> {
    let key = Connections::key(&call)?;
    let sent: Confirmation = sent::read(&call.take_object()?)?;
    let owner = connections::owner(&call, &key).await?;
    let snapshot = call.api.live.snapshot_full();
    let Some(reach) = snapshot.connection(&key).and_then(|it| Connection::reach(it)) else {
        let problem = format!("the connection `{key}` is not sound, or sends no credentials");
        return Err(ApiError::invalid("", problem, ""));
    };
    let mut origins = sent.origins;
    origins.sort_unstable();
    origins.dedup();
    if !origins.iter().eq(&reach.origins) {
        let problem = "these are not the origins that it has now";
        let hint = Reached::from(&reach).origins.join(", ");
        return Err(ApiError::invalid("/origins", problem, format!("it has {hint}")));
    }
    let of_store = |it| ApiError::of_store(it, Connections::NOUN, &key);
    let store = call.writer()?;
    let entered = store.origins().of_connection(&call.scope(), &key).await.map_err(of_store)?;
    let from = entered.iter().find(|it| it.owner == owner).map(|it| Reached::from(&it.reach));
    let answer = Confirmed { from, to: Reached::from(&reach) };
    let to = Entered { owner, connection: key.clone(), reach };
    let revision = store.origins().confirm(&call.scope(), &to).await.map_err(of_store)?;
    call.served(revision).await;
    Answer::of(&answer)
}

impl From<&Reach> for Reached {
    fn from(it: &Reach) -> Self {
        let origins = it.origins.iter().cloned().collect();
        Self { connector: it.connector.clone(), origins }
    }
}

impl From<store::Moved> for Moved {
    fn from(it: store::Moved) -> Self {
        Self {
            from: Reached::from(&it.from),
            to: Reached::from(&it.to),
            connection: it.connection,
            credentials: it.own,
            test_credentials: it.test,
            activations: it.activations,
        }
    }
}

/// For people.
pub(super) fn told(moves: &[Moved]) -> String {
    let which: Vec<String> = moves
        .iter()
        .map(|it| {
            let (from, to) = (it.from.origins.join(", "), it.to.origins.join(", "));
            if from == to {
                let (from, to) = (&it.from.connector, &it.to.connector);
                format!(
                    "those of `{}` were entered for the connector `{from}`, not `{to}`",
                    it.connection
                )
            } else {
                format!(
                    "those of `{}` were entered for {from}, and would go to {to}",
                    it.connection
                )
            }
        })
        .collect();
    format!(
        "Stored credentials would go elsewhere: {}. Send them anew, or say that they may: \
         `?{CONFIRM}={ORIGIN}` with an edit, `POST {}/…/confirm` without one.",
        which.join("; "),
        Connections::PATH
    )
}
