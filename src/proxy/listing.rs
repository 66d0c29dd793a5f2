//! `GET /-/connections`: what is exposed to a tenant-scoped caller.
use super::error::ProxyError;
use crate::catalog::Caller;
use crate::catalog::Connection;
use crate::catalog::Kind;
use crate::catalog::Snapshot;
use crate::catalog::SuppliedBy;
use crate::server::NO_STORE;
use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::Response;
use http::header;
use http::request::Parts;
use serde::Serialize;
use std::collections::BTreeMap;

/// Where it is asked for. With tag headers the path is the upstream's own.
const PATH: &str = "/-/connections";

/// Connections in one answer, unless fewer are asked for.
const PAGE_MAX: usize = 100;

#[derive(Serialize)]
struct Listing<'s> {
    connections: Vec<Listed<'s>>,
    /// The `cursor` of the next page; null at the end.
    next: Option<&'s str>,
}

#[derive(Serialize)]
struct Listed<'s> {
    key: &'s str,
    name: &'s str,
    connector: &'s str,
    /// Whether each tenant brings credentials of its own.
    embedded: bool,
    /// Of an embedded one.
    #[serde(skip_serializing_if = "Option::is_none")]
    supplied_by: Option<SuppliedBy>,
    enabled: bool,
}

pub fn is_asked(head: &Parts) -> bool {
    head.method == Method::GET && head.uri.path() == PATH
}

/// Whether it is for this caller.
pub fn may_ask(caller: &Caller) -> Result<(), ProxyError> {
    if caller.tenant_scoped { Ok(()) } else { Err(ProxyError::NotTenantScoped) }
}

/// The connections that this caller may use, in the order of their keys.
pub fn answer(snapshot: &Snapshot, caller: &Caller, query: Option<&str>) -> Response<Bytes> {
    let query: BTreeMap<_, _> =
        url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).collect();
    let limit = query.get("limit").and_then(|it| it.parse().ok()).unwrap_or(PAGE_MAX);
    let limit = limit.clamp(1, PAGE_MAX);
    let after = query.get("cursor").map_or("", |it| it);
    // Never more than a page and one in memory, however many there are.
    let mut first: BTreeMap<&str, &Connection> = BTreeMap::new();
    for connection in snapshot.connections() {
        let key = connection.key.as_str();
        if key > after && caller.may_use_connection(connection) {
            first.insert(key, connection);
            if first.len() > limit + 1 {
                first.pop_last();
            }
        }
    }
    let has_more = first.len() > limit;
    let connections: Vec<Listed<'_>> = first.into_values().take(limit).map(listed).collect();
    let next = connections.last().filter(|_| has_more).map(|it| it.key);
    let text = serde_json::to_vec(&Listing { next, connections })
        .expect("a listing has no keys but texts");
    let mut response = Response::new(Bytes::from(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    response
}

fn listed(connection: &Connection) -> Listed<'_> {
    Listed {
        key: connection.key.as_str(),
        name: &connection.name,
        connector: connection.connector.as_str(),
        embedded: matches!(connection.kind, Kind::Embedded { .. }),
        supplied_by: connection.supplied_by,
        enabled: connection.enabled,
    }
}
