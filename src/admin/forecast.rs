//! `GET /v1/forecast`: which grants and client certificates fail, or are going to, and from when on.
use super::activations::Under;
use super::answer::Answer;
use super::call::Call;
use super::certificates;
use super::certificates::Ending;
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

/// A grant or a certificate that fails, or is going to.
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
    /// None where it is a certificate that ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<GrantView>,
    /// What is shown to an API in the TLS handshake, and ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<Certificate>,
}

/// A certificate that ends, or the first of those between it and its authority.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename = "ClientCertificate")]
pub(super) struct Certificate {
    /// RFC 3339, UTC.
    not_after: String,
    /// SHA-256 in hex.
    fingerprint: String,
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

/// What fails, or is going to.
enum Fails {
    Grant(Box<Failing>),
    Certificate(Ending),
}

impl Fails {
    /// By what pages are ordered: when, whose, which tenant's, and which slot's.
    fn place(&self) -> (i64, &str, &str, &str) {
        match self {
            Self::Grant(it) => (it.at_ms, &it.name.owner, &it.name.tenant, it.name.slot.as_str()),
            Self::Certificate(it) => (it.at_ms, &it.owner, &it.tenant, it.slot),
        }
    }
}

/// `GET /v1/forecast`
pub(super) async fn list(call: Call) -> Result<Answer, ApiError> {
    let page = call.page()?;
    let within = within(&call)?;
    let after =
        page.after.as_deref().map(|it| place(it).ok_or_else(cursor::foreign)).transpose()?;
    let within_ms = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
    let until = call.now_ms().saturating_add(within_ms);
    let endings = certificates::ending(&call, until).await?;
    let store = &call.api.store()?.store;
    let key = after
        .as_ref()
        .map(|(at, (owner, slot, tenant))| (*at, GrantKey { owner, tenant, slot: *slot }));
    let found = store.grants().failing(&call.scope(), within_ms, key, page.limit).await;
    let found = found.map_err(|it| ApiError::of_store(it, grants::NOUN, ""))?;
    let (all, last) = merged(found, endings, after.as_ref(), page.limit as usize);
    let (mut items, mut unread) = (Vec::new(), Vec::new());
    let holders = Holders::of(&call, &all).await?;
    for fails in all {
        let Failing { at_ms, name, row } = match fails {
            Fails::Grant(failing) => *failing,
            Fails::Certificate(ending) => {
                items.push(Shown::ending(ending));
                continue;
            }
        };
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
            grant: Some(grant),
            certificate: None,
        });
    }
    let next = last.map(|it| cursor::behind(&call.path, &it));
    let items = items.into_iter().map(|it| json!(it)).collect();
    Ok(unreadable::page(&call, items, next, &unread))
}

/// A page of both, and where it ends, if there may be another. `found` is as much as a page has, `endings` are all.
fn merged(
    found: Vec<Failing>,
    endings: Vec<Ending>,
    after: Option<&Place>,
    limit: usize,
) -> (Vec<Fails>, Option<String>) {
    let is_full = found.len() >= limit;
    let mut all: Vec<Fails> = found.into_iter().map(|it| Fails::Grant(Box::new(it))).collect();
    let after = after.map(|(at, (owner, slot, tenant))| (*at, &**owner, &**tenant, slot.as_str()));
    let endings = endings.into_iter().map(Fails::Certificate);
    all.extend(endings.filter(|it| after.is_none_or(|after| it.place() > after)));
    all.sort_by(|one, other| one.place().cmp(&other.place()));
    let is_more = is_full || all.len() > limit;
    all.truncate(limit);
    let last = all.last().filter(|_| is_more).map(behind);
    (all, last)
}

impl Shown {
    fn ending(ending: Ending) -> Self {
        let Ending { at_ms, tenant, slot, connection, fingerprint, .. } = ending;
        let at = time::shown(at_ms);
        Self {
            connection,
            tenant: Some(tenant).filter(|it| !it.is_empty()),
            test: slot == Slot::Test.as_str(),
            fails_at: at.clone(),
            grant: None,
            certificate: Some(Certificate { not_after: at, fingerprint }),
        }
    }
}

fn within(call: &Call) -> Result<Duration, ApiError> {
    let Some(text) = call.query.value("within") else { return Ok(grants::EXPIRING) };
    let span = TimeSpan::try_from(text).ok().filter(|it| it.0 <= WITHIN_MAX);
    let problem = "`within` is a duration of at most 366d, such as `7d`.";
    span.map(|it| it.0).ok_or_else(|| ApiError::BadRequest(problem.to_owned()))
}

/// Where a page ends. A tenant may have spaces: it stands last.
fn behind(last: &Fails) -> String {
    let (at_ms, owner, tenant, slot) = last.place();
    format!("{at_ms} {owner} {slot} {tenant}")
}

/// When, whose, in which slot, and which tenant's.
type Place = (i64, (String, Slot, String));

fn place(text: &str) -> Option<Place> {
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
    async fn of(call: &Call, all: &[Fails]) -> Result<Self, ApiError> {
        let snapshot = call.api.live.snapshot_full();
        let by_owner = snapshot.connections().map(|it| (it.owner.to_string(), Arc::clone(it)));
        let connections = by_owner.collect();
        let grants = all.iter().filter_map(|it| match it {
            Fails::Grant(failing) => Some(&failing.name),
            Fails::Certificate(_) => None,
        });
        let tenants = grants.filter(|it| it.slot == Slot::Activation);
        let keys: Vec<_> = tenants.map(|it| (&*it.owner, &*it.tenant)).collect();
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
        let text = behind(&Fails::Grant(Box::new(Failing { at_ms: -5, name, row: None })));
        let expected = (-5, ("file:crm".to_owned(), Slot::Activation, "a b  c".to_owned()));
        assert_eq!(place(&text), Some(expected));
        for bad in ["", "x", "5 file:crm", "5 file:crm activation", "5 file:crm none acme"] {
            assert_eq!(place(bad), None, "{bad}");
        }
    }

    #[test]
    fn pages_have_both_in_one_order_and_leave_nothing_out() {
        let failing = |at_ms: i64| Failing {
            at_ms,
            name: crate::store::GrantName {
                owner: "file:crm".to_owned(),
                tenant: "acme".to_owned(),
                slot: Slot::Activation,
            },
            row: None,
        };
        let ending = |at_ms: i64| Ending {
            at_ms,
            owner: "file:api".to_owned(),
            tenant: String::new(),
            slot: Slot::Own.as_str(),
            connection: "api".to_owned(),
            fingerprint: "00".to_owned(),
        };
        let (grants, certificates) = ([1, 4, 5, 8], [2, 3, 5, 9, 10]);
        for limit in 1..12 {
            let (mut seen, mut after): (Vec<i64>, Option<Place>) = (Vec::new(), None);
            for _ in 0..20 {
                let from = after.as_ref().map_or(i64::MIN, |it| it.0);
                // As the store finds them: behind the place, as many as a page has.
                let behind_it = |at: &i64| {
                    let own = (*at, ("file:crm".to_owned(), Slot::Activation, "acme".to_owned()));
                    *at > from || *at == from && after.as_ref().is_some_and(|it| it.1.0 < own.1.0)
                };
                let found = grants.into_iter().filter(behind_it).take(limit).map(failing).collect();
                let endings = certificates.into_iter().map(ending).collect();
                let (all, last) = merged(found, endings, after.as_ref(), limit);
                assert!(all.len() <= limit);
                seen.extend(all.iter().map(|it| it.place().0));
                after = last.as_deref().and_then(place);
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(seen, [1, 2, 3, 4, 5, 5, 8, 9, 10], "{limit}");
        }
    }
}
