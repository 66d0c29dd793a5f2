//! From tags to a connection, and whether this caller may know of it.
use super::ResolveError;
use super::error::Limit;
use super::tags::Selector;
use super::tags::Tags;
use crate::catalog::Caller;
use crate::catalog::Connection;
use crate::catalog::Environment;
use crate::catalog::Link;
use crate::catalog::Snapshot;
use std::sync::Arc;

/// What the tags name, if all of it is there.
#[derive(Clone, Copy, Debug)]
pub struct Found<'s> {
    pub connection: &'s Arc<Connection>,
    /// Where an environment assigned it.
    pub environment: Option<&'s Arc<Environment>>,
    pub link: Option<&'s Link>,
}

/// Looks up without asking who may: only to learn where a caller key could stand, before it is
/// known who calls. What is not there gets no answer from here, since even that would tell
/// something: [`super::resolve`] answers, once the caller is known.
pub fn find<'s>(snapshot: &'s Snapshot, tags: &Tags<'_>) -> Option<Found<'s>> {
    match tags.by {
        Selector::Connection(key) => {
            let connection = snapshot.connection(key)?;
            Some(Found { connection, environment: None, link: None })
        }
        Selector::Environment { environment, connector } => {
            let environment = snapshot.environment(environment)?;
            assigned(environment, connector)
        }
    }
}

/// Looks up what this caller may see.
///
/// What it may not see answers exactly as what is not there. An environment that it may not use
/// answers `caller_forbidden` only where the connection behind it is one that it may see anyway.
pub(super) fn visible<'s>(
    snapshot: &'s Snapshot,
    tags: &Tags<'_>,
    caller: &Caller,
) -> Result<Found<'s>, ResolveError> {
    let found = find(snapshot, tags);
    let found = found.filter(|it| caller.may_use_connection(it.connection));
    let Selector::Environment { environment, .. } = tags.by else {
        return found.ok_or(ResolveError::ConnectionNotFound);
    };
    let permitted = caller.may_use_environment(environment);
    match found {
        Some(found) if permitted => Ok(found),
        Some(_) => Err(ResolveError::Forbidden(Limit::Environment)),
        None if permitted && snapshot.environment(environment).is_some() => {
            Err(ResolveError::ConnectorNotAssigned)
        }
        None => Err(ResolveError::EnvironmentNotFound),
    }
}

fn assigned<'s>(environment: &'s Arc<Environment>, connector: &str) -> Option<Found<'s>> {
    let assignment = environment.assignment(connector)?;
    Some(Found {
        connection: &assignment.connection,
        environment: Some(environment),
        link: Some(&assignment.link),
    })
}
