//! What a bundle leans on without having it: where that is another, the plan is another.
use super::bundle::Item;
use super::bundle::Part;
use super::rehearsal::needs;
use super::standing::Standing;
use crate::admin::call::Call;
use crate::admin::connections::Connections;
use crate::admin::connectors::Connectors;
use crate::admin::definition::Definition;
use crate::admin::environments::Environments;
use crate::admin::error::ApiError;
use crate::admin::integrations::Integrations;
use crate::catalog::Reach;
use crate::catalog::Snapshot;
use serde::Serialize;
use std::collections::BTreeSet;

/// A resource that others refer to.
#[derive(Debug, Serialize)]
pub(super) struct Leaned {
    section: &'static str,
    key: String,
    /// As it was committed last; none where a file declares it, or where it is new.
    version: Option<i64>,
    /// Where a connection's credentials may go, in the end.
    reach: Option<Reach>,
}

/// What these refer to. `call`: on what is committed, which `standing` has some of; `after`: what there would be.
pub(super) async fn of(
    call: &Call,
    standing: &Standing,
    after: &Snapshot,
    items: impl Iterator<Item = &Item>,
) -> Result<Vec<Leaned>, ApiError> {
    let mut named = BTreeSet::new();
    for item in items {
        named.extend(needs(item));
        if item.part == Part::Connections {
            named.insert((item.part, item.key.clone()));
        }
    }
    let mut leaned = Vec::new();
    for (part, key) in named {
        let version = match (standing.version(part, &key), part) {
            (Some(known), _) => known,
            (None, Part::Connectors) => version::<Connectors>(call, &key).await?,
            (None, Part::Connections) => version::<Connections>(call, &key).await?,
            (None, Part::Integrations) => version::<Integrations>(call, &key).await?,
            (None, Part::Environments) => version::<Environments>(call, &key).await?,
            (
                None,
                Part::Tenants | Part::Callers | Part::Activations | Part::EventSubscriptions,
            ) => None,
        };
        let connection = Some(&key).filter(|_| part == Part::Connections);
        let reach = connection.and_then(|it| after.connection(it)).map(|it| it.reach());
        leaned.push(Leaned { section: part.as_str(), key, version, reach });
    }
    Ok(leaned)
}

async fn version<D: Definition>(call: &Call, key: &str) -> Result<Option<i64>, ApiError> {
    let found = D::find(&call.api.store()?.store, call, key).await;
    Ok(found.map_err(|it| ApiError::of_store(it, D::NOUN, key))?.map(|it| it.version))
}
