//! `POST …/repin`: another revision of its auth method for a connection.
use super::answer::Answer;
use super::auth_methods;
use super::call::Call;
use super::connection_uses;
use super::connections;
use super::connections::Connections;
use super::connections::Plan;
use super::connections::Sent;
use super::definition;
use super::definition::Definition;
use super::definition::Put;
use super::error::ApiError;
use super::sent;
use super::uses;
use crate::store::ConnectionRow;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// Another revision of its auth method for a connection.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Repin {
    /// Default: the latest.
    revision: Option<u32>,
}

/// What re-pinning would do.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RepinPreview {
    from: i64,
    to: i64,
    /// Who is affected.
    uses: uses::Uses,
    /// Who works now, and would not any more: for these it is refused, unless forced.
    breaks: Vec<uses::Use>,
}

/// `POST …/repin`
pub(super) async fn repin(mut call: Call) -> Result<Answer, ApiError> {
    let key = Connections::key(&call)?;
    definition::not_declared::<Connections>(&call, &key)?;
    let repin: Repin = sent::read(&call.take_object()?)?;
    let stored = definition::found::<Connections>(&call, &key).await?;
    let ConnectionRow { connector, method, .. } = &stored.value;
    let pinned = match repin.revision {
        None => auth_methods::pinnable(&call, connector, method).await?,
        Some(revision) => {
            let store = &call.api.store()?.store;
            let found = store.auth_methods();
            let found = found.revision(&call.scope(), connector, method, revision.into()).await;
            found.map_err(|it| ApiError::of_store(it, "auth method", method))?
        }
    };
    let pinned = pinned.ok_or_else(|| {
        let problem = format!("`{method}` of `{connector}` has no such revision");
        ApiError::invalid("/revision", problem, "leave it out for the latest")
    })?;
    let mut plan = Plan {
        key: &key,
        raw: connections::raw_of(&stored)?,
        pinned: &pinned,
        current: Some(&stored),
        sent: Sent::default(),
    };
    if call.flag("dry_run")? {
        let (draft, _, _) = plan.check(&call).await?;
        let breaks = match plan.refuse_to_break(&call, draft).await {
            Err(ApiError::InUse { uses, .. }) => uses,
            kept => kept.map(|()| Vec::new())?,
        };
        let uses = connection_uses::all_uses(&call, &key, &stored.value.id).await?;
        let (from, to) = (stored.value.revision, pinned.revision);
        return Answer::of(&RepinPreview { from, to, uses, breaks });
    }
    let expect = connections::expected(&call, stored.version)?;
    let written = plan.write(&call, expect).await?;
    call.served(written.revision).await;
    definition::answer::<Connections>(&call, &key, Put::from(written)).await
}
