//! `/v1/connectors`: definitions of third-party APIs, each with its auth methods.
use super::affected;
use super::auth_methods;
use super::call::Call;
use super::connections;
use super::connections::Connections;
use super::connections::Plan;
use super::connections::Sent;
use super::credential_fields;
use super::definition::Definition;
use super::definition::Put;
use super::error::ApiError;
use super::error::Fault;
use super::origin;
use super::sent;
use super::sent::Members;
use super::shape;
use super::shape::Shape;
use super::uses::Use;
use super::uses::UseKind;
use crate::catalog::Auth;
use crate::catalog::BaseUrlTemplate;
use crate::catalog::Connection;
use crate::catalog::Connector;
use crate::catalog::Opened;
use crate::catalog::PathSegment;
use crate::catalog::Problem;
use crate::catalog::RawConnection;
use crate::catalog::RawConnector;
use crate::catalog::RefusedAddress;
use crate::catalog::Section;
use crate::catalog::Snapshot;
use crate::catalog::StoredConnection;
use crate::config::Step;
use crate::config::pointer;
use crate::model::address;
use crate::store::Bind;
use crate::store::Condition;
use crate::store::ConnectionRow;
use crate::store::ConnectorRow;
use crate::store::Expect;
use crate::store::Listed;
use crate::store::Search;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Stored;
use crate::store::Uses;
use indexmap::IndexMap;
use ipnet::IpNet;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::net::IpAddr;

pub(super) struct Connectors;

/// What answers add to each auth method.
pub(super) const REVISION: &str = "revision";

/// The query parameter, and the member, that lists may be without.
pub(super) const ENDPOINTS: &str = "endpoints";

/// What they say instead. Nobody may send it: what is sent whole would have no endpoints any more.
const ENDPOINT_COUNT: &str = "endpoint_count";

impl Definition for Connectors {
    type Row = ConnectorRow;

    const NOUN: &'static str = "connector";
    const PARAMETER: &'static str = "connector";
    const PATH: &'static str = "/v1/connectors";
    const SECTION: Option<Section> = Some(Section::Connectors);
    const READ_ONLY: &'static [&'static str] = &[];

    async fn find(
        store: &Store,
        call: &Call,
        key: &str,
    ) -> Result<Option<Stored<ConnectorRow>>, StoreError> {
        store.connectors().get(&call.scope(), key).await
    }

    async fn list(
        store: &Store,
        call: &Call,
        search: &Search,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Listed<Stored<ConnectorRow>>, StoreError> {
        store.connectors().found(&call.scope(), search, after, limit).await
    }

    async fn view(
        call: &Call,
        stored: &Stored<ConnectorRow>,
        alone: bool,
    ) -> Result<Members, ApiError> {
        let mut view = sent::stored(&stored.value.definition);
        if !alone {
            shorten(call, &mut view)?;
        }
        let mut auth = Members::new();
        let backing = call.api.store()?;
        for (method, revision) in &stored.value.methods {
            let found = backing.store.auth_methods();
            let found = found.revision(&call.scope(), &stored.key, method, *revision).await;
            let found = found.map_err(|it| ApiError::of_store(it, "auth method", method))?;
            let mut members = Members::new();
            if let Some(found) = found {
                members = sent::stored(&found.definition);
                members.extend(credential_fields::of_text(
                    call,
                    &stored.key,
                    method,
                    &found.definition,
                ));
            }
            members.insert(REVISION.to_owned(), (*revision).into());
            auth.insert(method.clone(), Value::Object(members));
        }
        if !auth.is_empty() {
            view.insert("auth".to_owned(), Value::Object(auth));
        }
        Ok(view)
    }

    async fn declared(
        call: &Call,
        key: &str,
        view: &mut Members,
        alone: bool,
    ) -> Result<(), ApiError> {
        if !alone {
            shorten(call, view)?;
        }
        let snapshot = call.api.live.snapshot_full();
        let Some(connector) = snapshot.connector(key) else { return Ok(()) };
        let Some(Value::Object(auth)) = view.get_mut("auth") else { return Ok(()) };
        for (name, method) in auth {
            let Some(method) = method.as_object_mut() else { continue };
            let Some(declared) = connector.methods.get(&**name) else { continue };
            method.extend(credential_fields::of(declared, Some(connector)));
            if !alone {
                continue;
            }
            if let Some(revision) = auth_methods::recorded(call, key, declared).await? {
                method.insert(REVISION.to_owned(), revision.into());
            }
        }
        Ok(())
    }

    async fn put(
        call: &Call,
        key: &str,
        mut members: Members,
        expect: Expect,
    ) -> Result<Put, ApiError> {
        let raw = completed(&mut members)?;
        let draft = check(call, key, raw.clone())?;
        let force = call.flag("force")?;
        let mut binds = Vec::new();
        if expect != Expect::Absent {
            let (broken, followers) = following(call, key, draft).await?;
            if !force && !broken.is_empty() {
                return Err(ApiError::in_use(Self::NOUN, key, broken));
            }
            binds = followers;
        }
        let (definition, methods) = texts(&raw);
        let condition = Condition::from(expect).binding(binds);
        let written = call
            .writer()?
            .connectors()
            .put(&call.scope(), key, &definition, &methods, force, condition)
            .await
            .map_err(|it| ApiError::of_write(it, Self::NOUN, key, expect))?;
        Ok(written.into())
    }

    async fn uses(
        store: &Store,
        call: &Call,
        stored: &Stored<ConnectorRow>,
    ) -> Result<Uses, StoreError> {
        store.connectors().uses(&call.scope(), &stored.key).await
    }

    async fn delete(
        store: &Store,
        call: &Call,
        key: &str,
        force: bool,
        expect: Expect,
    ) -> Result<i64, StoreError> {
        store.connectors().delete(&call.scope(), key, force, expect).await
    }
}

/// Leaves the endpoints of one of a list out, where that is asked for: hundreds, where it was imported.
fn shorten(call: &Call, view: &mut Members) -> Result<(), ApiError> {
    if call.query.value(ENDPOINTS).is_none() || call.flag(ENDPOINTS)? {
        return Ok(());
    }
    let endpoints = view.shift_remove(ENDPOINTS);
    let count = endpoints.as_ref().and_then(Value::as_object).map_or(0, Map::len);
    view.insert(ENDPOINT_COUNT.to_owned(), count.into());
    Ok(())
}

/// What was sent, with what the catalogue has of it.
pub(super) fn completed(members: &mut Members) -> Result<RawConnector, ApiError> {
    if let Some(Value::Object(auth)) = members.get_mut("auth") {
        for method in auth.values_mut().filter_map(Value::as_object_mut) {
            sent::without(method, auth_methods::SHOWN);
        }
    }
    let raw: RawConnector = sent::read(members)?;
    raw.completed().map_err(|it| ApiError::invalid("/from", it.to_string(), it.hint()))
}

/// As it is stored: its definition, and those of its auth methods.
pub(super) fn texts(raw: &RawConnector) -> (String, IndexMap<String, String>) {
    let mut definition = sent::written(raw);
    definition.shift_remove("auth");
    let methods = raw.auth.iter().map(|(name, it)| (name.clone(), sent::method_text(it)));
    (Value::Object(definition).to_string(), methods.collect())
}

/// Checks the connector that it would be. In a file a base URL that nothing can be sent to is a warning
/// at each connection; whoever asks right now can be told right now.
fn check(call: &Call, key: &str, raw: RawConnector) -> Result<Connector, ApiError> {
    let key = call.own_key(key)?;
    let snapshot = call.api.live.snapshot_full();
    let draft = snapshot.draft_connector(&key, raw, &mut Vec::new());
    let draft = draft.map_err(|it| ApiError::problems(&it))?;
    let allow = &*draft.upstream.egress_allow;
    let refused = inside(draft.base_url.as_ref(), [allow].into_iter());
    let mut faults: Vec<Fault> = refused.iter().map(|it| it.fault("/base_url")).collect();
    for (name, method) in &draft.methods {
        let Auth::Token(token) = &method.auth else { continue };
        for RefusedAddress { path, address } in token.refused_addresses(allow, |_| None) {
            let below = path.iter().map(|it| match it {
                PathSegment::Key(key) => Step::Key(key),
                PathSegment::Index(index) => Step::Index(*index),
            });
            let path = [Step::Key("auth"), Step::Key(name.as_str())].into_iter().chain(below);
            faults.push(Inside(address).fault(pointer(path)));
        }
    }
    if faults.is_empty() { Ok(draft) } else { Err(ApiError::Invalid(faults)) }
}

/// An address that the egress guard refuses.
pub(super) struct Inside(IpAddr);

impl Inside {
    pub(super) fn fault(&self, pointer: impl Into<String>) -> Fault {
        let Self(address) = self;
        let class = address::refusal(*address).unwrap_or("refused");
        let problem = format!("{address} is a {class} address, which is not allowed here");
        let hint = format!("add it to egress.allow: [{address}]");
        Fault { pointer: pointer.into(), problem, hint }
    }
}

/// The literal address of a base URL, where none of these allows it.
pub(super) fn inside<'a>(
    base_url: Option<&BaseUrlTemplate>,
    mut allowing: impl Iterator<Item = &'a [IpNet]>,
) -> Option<Inside> {
    let base = base_url?.fixed()?;
    let address = base.origin().bare_host().parse().ok()?;
    (!allowing.any(|it| address::is_allowed(address, it))).then_some(Inside(address))
}

/// The stored connections and links that would not be sound after a change, and are now; and where the
/// credentials of the other connections then go.
async fn following(
    call: &Call,
    key: &str,
    draft: Connector,
) -> Result<(Vec<Use>, Vec<Bind>), ApiError> {
    let snapshot = call.api.live.snapshot_full();
    let (base_url, rules) = (draft.base_url.clone(), std::sync::Arc::clone(&draft.variables));
    let next = snapshot.with_connector(draft);
    let store = &call.api.store()?.store;
    let confirmed = origin::confirmed(call)?;
    let mut uses = affected::integrations(call, &next, key).await?;
    let mut binds = Vec::new();
    for connection in snapshot.connections().filter(|it| it.connector.as_str() == key) {
        let name = connection.key.as_str();
        if snapshot.declared().find(Section::Connections, name).is_some() {
            continue;
        }
        let found = Connections::find(store, call, name).await;
        let found = found.map_err(|it| ApiError::of_store(it, Connections::NOUN, name))?;
        let Some(stored) = found else { continue };
        let row = &stored.value;
        let raw: RawConnection = sent::read(&connections::members(row))?;
        let own = Some(&connection.base_url).filter(|_| raw.base_url.is_some());
        if let Some(base_url) = own.or(base_url.as_ref()) {
            let reach = connection.reach_by(base_url, &rules);
            binds.push(origin::bind((&row.id, name), reach, confirmed, Vec::new()));
        }
        if connection.shared().is_some() {
            uses.extend(tenants(call, &next, connection, &stored).await?);
        }
        let (owner, revision) = (row.id.clone().into(), connection.method.revision);
        let drafting = StoredConnection { owner, revision, raw, version: None };
        let method = &connection.method;
        let opened = Opened::default();
        let drafted =
            next.draft_connection(&connection.key, &drafting, method, opened, &mut Vec::new());
        // Credentials are not looked at: the method that they are for is pinned, and stays.
        let is_about_more = |it: &Problem| {
            let member = it.path.get(2);
            let is = |name: &str| matches!(member, Some(PathSegment::Key(it)) if it == name);
            !is(connections::OWN) && !is(connections::TEST)
        };
        if drafted.is_err_and(|problems| problems.iter().any(is_about_more)) {
            let (kind, key) = (UseKind::Connection, Some(name.to_owned()));
            uses.push(Use { kind, key, ..Use::default() });
        }
    }
    Ok((uses, binds))
}

/// The tenants of a connection whose activations would not be sound beside another connector.
async fn tenants(
    call: &Call,
    next: &Snapshot,
    served: &Connection,
    stored: &Stored<ConnectionRow>,
) -> Result<Vec<Use>, ApiError> {
    let pinned = connections::revision(call, &stored.value).await?;
    let mut plan = Plan {
        key: &stored.key,
        raw: sent::read(&connections::members(&stored.value))?,
        pinned: &pinned,
        current: Some(stored),
        sent: Sent::default(),
    };
    // A connection that is not sound itself is told of as one.
    match plan.check_beside(call, next).await {
        Err(ApiError::Invalid(_)) => Ok(Vec::new()),
        Err(error) => Err(error),
        Ok((after, _, _)) => affected::activations(call, &stored.value.id, served, &after).await,
    }
}

fn shown(generator: &mut SchemaGenerator) -> Shape<'_> {
    let auth = super::auth_methods::member(generator);
    Shape::of::<RawConnector>(generator)
        .without(&["from"])
        .with("auth", json!({
            "type": "object", "description": "The auth methods, by key.", "additionalProperties": auth,
        }))
        .with_key(shape::key())
        .shown()
}

pub(super) fn view(generator: &mut SchemaGenerator) -> Schema {
    shown(generator).named("Connector", "A connector.")
}

pub(super) fn new(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawConnector>(generator)
        .with_key(shape::key())
        .named("NewConnector", "A connector to be created.")
}

pub(super) fn body(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawConnector>(generator).named("ConnectorBody", "A connector, less its key.")
}

pub(super) fn patch(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawConnector>(generator)
        .partial()
        .named("ConnectorPatch", "What is to be changed of a connector (RFC 7396).")
}

pub(super) fn page(generator: &mut SchemaGenerator) -> Schema {
    let count = json!({
        "type": "integer", "readOnly": true,
        "description": "How many endpoints it has, where they are left out (`endpoints=false`).",
    });
    let item = shown(generator).with(ENDPOINT_COUNT, count);
    let item = item.named("ListedConnector", "A connector, as lists show it.");
    shape::page(generator, "ConnectorPage", item)
}
