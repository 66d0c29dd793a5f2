//! `GET /v1/forecast`: which grants fail, or are going to, and from when on.
use super::activations::Under;
use super::answer::Answer;
use super::call::Call;
use super::cursor;
use super::error::ApiError;
use super::grantee;
use super::grantee::Grantee;
use super::grants;
use super::grants::GrantView;
use super::time;
use super::unreadable;
use super::unreadable::Unreadable;
use crate::catalog::Connection;
use crate::catalog::Kind;
use crate::model::TimeSpan;
use crate::seal::Slot;
use crate::store::Failing;
use crate::store::Found;
use crate::store::GrantKey;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Longest that is looked ahead: a year.
const WITHIN_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// A grant that fails, or is going to.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename = "Forecast")]
pub(super) struct Shown {
    connection: String,
    /// None where it is the connection's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// Whether it is that of the connection's test credentials.
    #[serde(skip_serializing_if = "is_not")]
    test: bool,
    /// From when on its requests fail, as far as anybody knows; in the past where they do. RFC 3339, UTC.
    fails_at: String,
    grant: GrantView,
}

/// A page of them, the earliest first.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename = "ForecastPage")]
pub(super) struct Page {
    items: Vec<Shown>,
    /// The `cursor` of the next page; null on the last one.
    next: Option<String>,
    /// What is stored and does not read, which stands among the items otherwise. Left out where all reads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    unreadable: Vec<Unreadable>,
}

fn is_not(it: &bool) -> bool {
    !it
}

/// `GET /v1/forecast`
pub(super) async fn list(call: Call) -> Result<Answer, ApiError> {
    let page = call.page()?;
    let within = within(&call)?;
    let after =
        page.after.as_deref().map(|it| place(it).ok_or_else(cursor::foreign)).transpose()?;
    let after = after
        .as_ref()
        .map(|(at, (owner, slot, tenant))| (*at, GrantKey { owner, tenant, slot: *slot }));
    let within_ms = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
    let store = &call.api.store()?.store;
    let found = store.grants().failing(&call.scope(), within_ms, after, page.limit).await;
    let found = found.map_err(|it| ApiError::of_store(it, grants::NOUN, ""))?;
    let is_full = found.len() >= page.limit as usize;
    let last = found.last().filter(|_| is_full).map(behind);
    let (mut items, mut unread) = (Vec::new(), Vec::new());
    let holders = Holders::of(&call, &found).await?;
    for failing in found {
        let Failing { at_ms, name, row } = failing;
        let Some(row) = row else {
            let problem = format!("a row of the table `grants` does not read: {}", name.tenant);
            let damaged =
                ApiError::Damaged { noun: grants::NOUN, key: name.owner.clone(), problem };
            unread.push(Unreadable::of(&name.owner, damaged)?);
            continue;
        };
        // One of other credentials is nobody's, nor is one of what is not served.
        let Some(grantee) = holders.grantee(&call, name.key()).await.filter(|it| it.has(&row))
        else {
            continue;
        };
        let grant = grants::shown(&call, &grantee, Some(row), None, within).await;
        items.push(Shown {
            connection: grantee.client.connection.to_string(),
            tenant: Some(name.tenant).filter(|it| !it.is_empty()),
            test: name.slot == Slot::Test,
            fails_at: time::shown(at_ms),
            grant,
        });
    }
    let next = last.map(|it| cursor::behind(&call.path, &it));
    let items = items.into_iter().map(|it| json!(it)).collect();
    Ok(unreadable::page(&call, items, next, &unread))
}

fn within(call: &Call) -> Result<Duration, ApiError> {
    let Some(text) = call.query.value("within") else { return Ok(grants::EXPIRING) };
    let span = TimeSpan::try_from(text).ok().filter(|it| it.0 <= WITHIN_MAX);
    let problem = "`within` is a duration of at most 366d, such as `7d`.";
    span.map(|it| it.0).ok_or_else(|| ApiError::BadRequest(problem.to_owned()))
}

/// Where a page ends. A tenant may have spaces: it stands last.
fn behind(last: &Failing) -> String {
    let Failing { at_ms, name, .. } = last;
    format!("{at_ms} {} {} {}", name.owner, name.slot.as_str(), name.tenant)
}

fn place(text: &str) -> Option<(i64, (String, Slot, String))> {
    let mut parts = text.splitn(4, ' ');
    let at_ms = parts.next()?.parse().ok()?;
    let (owner, slot) = (parts.next()?.to_owned(), Slot::parse(parts.next()?)?);
    Some((at_ms, (owner, slot, parts.next()?.to_owned())))
}

/// What the grants of a page are had by.
struct Holders {
    connections: HashMap<String, Arc<Connection>>,
    stored: HashMap<(String, String), Found>,
}

impl Holders {
    async fn of(call: &Call, all: &[Failing]) -> Result<Self, ApiError> {
        let snapshot = call.api.live.snapshot_full();
        let by_owner = snapshot.connections().map(|it| (it.owner.to_string(), Arc::clone(it)));
        let connections = by_owner.collect();
        let tenants = all.iter().filter(|it| it.name.slot == Slot::Activation);
        let keys: Vec<_> = tenants.map(|it| (&*it.name.owner, &*it.name.tenant)).collect();
        let store = &call.api.store()?.store;
        let found = store.activations().these(&call.scope(), &keys).await;
        let found = found.map_err(|it| ApiError::of_store(it, grants::NOUN, ""))?;
        let by_place = found.into_iter().map(|it| {
            let row = &it.0.value;
            ((row.owner.clone(), row.tenant.clone()), it)
        });
        Ok(Self { connections, stored: by_place.collect() })
    }

    async fn grantee(&self, call: &Call, key: GrantKey<'_>) -> Option<Grantee> {
        let connection = self.connections.get(key.owner)?;
        if key.tenant.is_empty() {
            return grantee::own(key.owner, connection, key.slot == Slot::Test).ok();
        }
        if let Kind::Embedded { activations, .. } = &connection.kind
            && let Some(declared) = activations.get(key.tenant)
        {
            return Grantee::of_tenant(key.owner, connection, declared, true).ok();
        }
        let found = self.stored.get(&(key.owner.to_owned(), key.tenant.to_owned()))?;
        Under::grantee_of(call, connection, found).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_goes_on_where_the_one_before_has_ended() {
        let name = crate::store::GrantName {
            owner: "file:crm".to_owned(),
            tenant: "a b  c".to_owned(),
            slot: Slot::Activation,
        };
        let text = behind(&Failing { at_ms: -5, name, row: None });
        let expected = (-5, ("file:crm".to_owned(), Slot::Activation, "a b  c".to_owned()));
        assert_eq!(place(&text), Some(expected));
        for bad in ["", "x", "5 file:crm", "5 file:crm activation", "5 file:crm none acme"] {
            assert_eq!(place(bad), None, "{bad}");
        }
    }
}
