//! `/v1/connectors/{connector}/auth`: how an API authenticates, numbered by revision.
use super::answer::Answer;
use super::call::Call;
use super::connectors::Connectors;
use super::connectors::REVISION;
use super::credential_fields;
use super::cursor;
use super::definition;
use super::definition::Definition;
use super::error::ApiError;
use super::etag;
use super::sent;
use super::sent::Members;
use super::shape;
use super::shape::Shape;
use super::time;
use super::unreadable;
use super::unreadable::Unreadable;
use super::uses::Change;
use super::uses::Preview;
use super::uses::Uses;
use crate::catalog::AuthMethod;
use crate::catalog::RawAuthMethod;
use crate::catalog::Section;
use crate::catalog::drop_nulls;
use crate::model::Key;
use crate::model::Scope;
use crate::store::MethodRevision;
use crate::store::Pins;
use crate::store::SeenMethod;
use http::StatusCode;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde_json::Value;
use serde_json::json;

const NOUN: &str = "auth method";

/// Members that answers add to every auth method.
pub(super) const SHOWN: &[&str] = &[REVISION, credential_fields::MEMBER];

/// `GET …/auth`
pub(super) async fn list(call: Call) -> Result<Answer, ApiError> {
    let page = call.page()?;
    let connector = Connectors::key(&call)?;
    let (auth, _) = all(&call, &connector).await?;
    let after = page.after.unwrap_or_default();
    let mut auth: Vec<_> = auth.into_iter().filter(|it| it.0 > after).collect();
    auth.sort_by(|a, b| a.0.cmp(&b.0));
    let more = auth.len() > page.limit as usize;
    auth.truncate(page.limit as usize);
    let next = auth.last().filter(|_| more).map(|it| cursor::behind(&call.path, &it.0));
    let items = auth.into_iter().map(|(key, it)| Value::Object(shown(&key, it)));
    Ok(Answer::ok(json!({ "items": items.collect::<Vec<_>>(), "next": next })))
}

/// `GET …/auth/{method}`
pub(super) async fn read(call: Call) -> Result<Answer, ApiError> {
    let connector = Connectors::key(&call)?;
    let method = call.key("method")?;
    let (mut auth, version) = all(&call, &connector).await?;
    let found = auth.shift_remove(method.as_str()).ok_or_else(|| missing(&method))?;
    if let Some(version) = version.filter(|it| etag::is_known(&call.headers, *it)) {
        return Ok(Answer::not_modified(version));
    }
    Ok(Answer { version, ..Answer::ok(Value::Object(shown(method.as_str(), found))) })
}

/// `PUT …/auth/{method}`: a change is another revision; connections keep theirs.
pub(super) async fn replace(mut call: Call) -> Result<Answer, ApiError> {
    let connector = Connectors::key(&call)?;
    let method = call.key("method")?;
    definition::not_declared::<Connectors>(&call, &connector)?;
    let mut members = call.take_object()?;
    sent::take_key(&mut members, Some(method.as_str()))?;
    sent::without(&mut members, SHOWN);
    let mut members = Value::Object(members);
    drop_nulls(&mut members);
    sent::check_texts(&members)?;
    let Value::Object(members) = members else { return Err(ApiError::Internal) };
    let raw: RawAuthMethod = sent::read(&members)?;
    let draft = AuthMethod::recorded(method.clone(), 1, raw.clone());
    draft.map_err(|it| ApiError::problems(&it))?;
    let asked = call.precondition()?;
    let text = sent::method_text(&raw);
    let written = call
        .writer()?
        .connectors()
        .put_method(&call.scope(), &connector, method.as_str(), &text, asked.of_present())
        .await;
    let (written, _) =
        written.map_err(|it| ApiError::of_present(it, Connectors::NOUN, &connector, asked))?;
    if call.flag("dry_run")? {
        // Whoever pins a revision goes on with it.
        let store = &call.api.store()?.store;
        let uses = store.connectors().method_uses(&call.scope(), &connector, method.as_str()).await;
        let uses = uses.map_err(|it| ApiError::of_store(it, NOUN, method.as_str()))?;
        return Answer::of(&Change::of(Ok(()), Uses::from(&uses))?);
    }
    call.served(written.revision).await;
    let (mut auth, version) = all(&call, &connector).await?;
    let found = auth.shift_remove(method.as_str()).ok_or_else(|| missing(&method))?;
    let body = Value::Object(shown(method.as_str(), found));
    if !written.created {
        return Ok(Answer { version, ..Answer::ok(body) });
    }
    let location = Some(format!("{}/{connector}/auth/{method}", Connectors::PATH));
    Ok(Answer { status: StatusCode::CREATED, version, location, ..Answer::ok(body) })
}

/// `DELETE …/auth/{method}`
pub(super) async fn delete(call: Call) -> Result<Answer, ApiError> {
    let connector = Connectors::key(&call)?;
    let method = call.key("method")?;
    definition::not_declared::<Connectors>(&call, &connector)?;
    let force = call.flag("force")?;
    let asked = call.precondition()?;
    let store = &call.api.store()?.store;
    if call.flag("dry_run")? {
        let (auth, _) = all(&call, &connector).await?;
        if !auth.contains_key(method.as_str()) {
            return Err(missing(&method));
        }
        let uses = store.connectors().method_uses(&call.scope(), &connector, method.as_str()).await;
        let uses = uses.map_err(|it| ApiError::of_store(it, NOUN, method.as_str()))?;
        return Preview::of(&uses, force).answer();
    }
    let deleted = store.connectors();
    let deleted = deleted
        .delete_method(&call.scope(), &connector, method.as_str(), force, asked.of_present())
        .await;
    let revision = deleted.map_err(|it| ApiError::of_present(it, NOUN, method.as_str(), asked))?;
    call.served(revision).await;
    Ok(Answer::nothing())
}

/// `GET …/auth/{method}/revisions`: the newest first, each with the connections that pin it.
pub(super) async fn revisions(call: Call) -> Result<Answer, ApiError> {
    let page = call.page()?;
    let before = match &page.after {
        None => i64::MAX,
        Some(last) => last.parse().map_err(|_| cursor::foreign())?,
    };
    let connector = Connectors::key(&call)?;
    let method = call.key("method")?;
    let Some(backing) = call.api.backing() else { return Err(ApiError::NoStore) };
    let of_store = |it| ApiError::of_store(it, NOUN, method.as_str());
    let (scope, store) = (call.scope(), &backing.store);
    let (methods, limit) = (store.auth_methods(), page.limit + 1);
    let found = methods.revisions(&scope, &connector, method.as_str(), before, limit).await;
    let (mut found, broken) = found.map_err(of_store)?;
    let unreadable: Vec<Unreadable> = broken.iter().map(Unreadable::from).collect();
    let more = found.len() > page.limit as usize;
    found.truncate(page.limit as usize);
    let (Some(newest), Some(oldest)) = (found.first(), found.last()) else {
        return Err(missing(&method));
    };
    let next = more.then(|| cursor::behind(&call.path, &oldest.revision.to_string()));
    let (connections, shown_here) = (store.connections(), oldest.revision..=newest.revision);
    let pins = connections.pins(&scope, &connector, method.as_str(), shown_here).await;
    let pins = pins.map_err(of_store)?;
    let view = |it: &MethodRevision| revision_view(&call, &connector, it, pins.get(&it.revision));
    let items: Vec<Value> = found.iter().map(|it| Value::Object(view(it))).collect();
    Ok(unreadable::page(&call, items, next, &unreadable))
}

/// `GET …/auth/{method}/revisions/{revision}`
pub(super) async fn read_revision(call: Call) -> Result<Answer, ApiError> {
    let connector = Connectors::key(&call)?;
    let method = call.key("method")?;
    let text = call.parameter(REVISION)?;
    let revision: u32 = text.parse().ok().filter(|it| *it > 0).ok_or_else(|| {
        ApiError::BadRequest(format!("`{}`: a revision is a number from 1.", text.escape_debug()))
    })?;
    let Some(backing) = call.api.backing() else { return Err(ApiError::NoStore) };
    let of_store = |it| ApiError::of_store(it, NOUN, method.as_str());
    let (scope, store, revision) = (call.scope(), &backing.store, i64::from(revision));
    let found = store.auth_methods();
    let found = found.revision(&scope, &connector, method.as_str(), revision).await;
    let missing = || ApiError::NotFound { noun: "revision", key: format!("{method}@{revision}") };
    let found = found.map_err(of_store)?.ok_or_else(missing)?;
    let connections = store.connections();
    let pins = connections.pins(&scope, &connector, method.as_str(), revision..=revision).await;
    let pins = pins.map_err(of_store)?;
    let view = revision_view(&call, &connector, &found, pins.get(&revision));
    Ok(Answer::ok(Value::Object(view)))
}

fn revision_view(
    call: &Call,
    connector: &str,
    it: &MethodRevision,
    pins: Option<&Pins>,
) -> Members {
    let none = Pins::default();
    let pins = pins.unwrap_or(&none);
    let mut view = shown(&it.method, sent::stored(&it.definition));
    view.extend(credential_fields::of_text(call, connector, &it.method, &it.definition));
    view.insert(REVISION.to_owned(), it.revision.into());
    view.insert("created_at".to_owned(), time::shown(it.created_at_ms).into());
    view.insert("created_by".to_owned(), it.created_by.clone().into());
    view.insert("connections".to_owned(), json!(pins.keys));
    view.insert("connections_total".to_owned(), pins.total.into());
    view
}

/// The methods of a connector by key, and its version where it is stored.
async fn all(
    call: &Call,
    connector: &str,
) -> Result<(serde_json::Map<String, Value>, Option<i64>), ApiError> {
    let (mut view, version) = match definition::declared::<Connectors>(call, connector).await? {
        Some(view) => (view, None),
        None => {
            let stored = definition::found::<Connectors>(call, connector).await?;
            (Connectors::view(call, &stored, true).await?, Some(stored.version))
        }
    };
    match view.shift_remove("auth") {
        Some(Value::Object(auth)) => Ok((auth, version)),
        _ => Ok((Members::new(), version)),
    }
}

/// The revision of a method that a new connection pins: the last one. One of a file is recorded where it is
/// not yet.
pub(super) async fn pinnable(
    call: &Call,
    connector: &str,
    method: &str,
) -> Result<Option<MethodRevision>, ApiError> {
    let snapshot = call.api.live.snapshot_full();
    let is_declared = snapshot.declared().find(Section::Connectors, connector).is_some();
    let declared = snapshot.connector(connector).and_then(|it| it.methods.get(method));
    if let Some(declared) = declared.filter(|_| is_declared) {
        // As it stands in the file right now, whether that was taken note of before or not.
        let definition = &*declared.definition;
        let seen = SeenMethod { connector, method, definition };
        // attache's own note, made whether what was asked is done or not.
        let store = &call.api.store()?.store;
        let noted = store.auth_methods().record_seen(&Scope::System, &[seen]).await;
        noted.map_err(|it| ApiError::of_store(it, NOUN, method))?;
    }
    latest(call, connector, method).await
}

/// The last revision of a method that is recorded, where its connector has it: of a stored connector its own.
/// Nothing is written.
pub(super) async fn latest(
    call: &Call,
    connector: &str,
    method: &str,
) -> Result<Option<MethodRevision>, ApiError> {
    let of_store = |it| ApiError::of_store(it, NOUN, method);
    let (scope, store) = (call.scope(), &call.api.store()?.store);
    let snapshot = call.api.live.snapshot_full();
    if snapshot.declared().find(Section::Connectors, connector).is_none() {
        // Of a stored connector the current one: another may have been made and taken away again.
        let row = store.connectors().get(&scope, connector).await.map_err(of_store)?;
        let Some(current) = row.and_then(|it| it.value.methods.get(method).copied()) else {
            return Ok(None);
        };
        let found = store.auth_methods().revision(&scope, connector, method, current).await;
        return found.map_err(of_store);
    }
    if snapshot.connector(connector).is_none_or(|it| !it.methods.contains_key(method)) {
        return Ok(None);
    }
    store.auth_methods().latest(&scope, connector, method).await.map_err(of_store)
}

/// The revision that a file's method has; none where no store has taken note of it as it is now.
pub(super) async fn recorded(
    call: &Call,
    connector: &str,
    method: &AuthMethod,
) -> Result<Option<i64>, ApiError> {
    let Some(backing) = call.api.backing() else { return Ok(None) };
    let key = method.key.as_str();
    let latest = backing.store.auth_methods().latest(&call.scope(), connector, key).await;
    let latest = latest.map_err(|it| ApiError::of_store(it, NOUN, key))?;
    Ok(latest.filter(|it| *it.definition == *method.definition).map(|it| it.revision))
}

fn missing(method: &Key) -> ApiError {
    ApiError::NotFound { noun: NOUN, key: method.to_string() }
}

fn shown(key: &str, value: impl Into<Value>) -> Members {
    let mut view = Members::new();
    view.insert("key".to_owned(), key.into());
    if let Value::Object(members) = value.into() {
        view.extend(members);
    }
    view
}

fn revision() -> Value {
    json!({
        "type": "integer", "readOnly": true,
        "description": "Counted from 1. Those of files have one once a store has taken note of them.",
    })
}

/// A method within its connector.
pub(super) fn member(generator: &mut SchemaGenerator) -> Schema {
    let fields = credential_fields::shape(generator);
    Shape::of::<RawAuthMethod>(generator)
        .with(credential_fields::MEMBER, fields)
        .with(REVISION, revision())
        .named("ConnectorAuthMethod", "An auth method, as its connector shows it.")
}

pub(super) fn view(generator: &mut SchemaGenerator) -> Schema {
    let fields = credential_fields::shape(generator);
    Shape::of::<RawAuthMethod>(generator)
        .with_key(shape::key())
        .with(credential_fields::MEMBER, fields)
        .with(REVISION, revision())
        .named("AuthMethod", "An auth method.")
}

pub(super) fn body(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawAuthMethod>(generator).named("AuthMethodBody", "An auth method, less its key.")
}

pub(super) fn page(generator: &mut SchemaGenerator) -> Schema {
    let item = view(generator);
    shape::page(generator, "AuthMethodPage", item)
}

/// The settings alone.
pub(super) fn settings(generator: &mut SchemaGenerator) -> Schema {
    let fields = credential_fields::shape(generator);
    Shape::of::<RawAuthMethod>(generator).with(credential_fields::MEMBER, fields).named(
        "AuthMethodSettings",
        "The settings of the auth method, at the revision that is used.",
    )
}

pub(super) fn revision_page(generator: &mut SchemaGenerator) -> Schema {
    let item = revision_shape(generator);
    shape::page(generator, "AuthMethodRevisionPage", item)
}

pub(super) fn revision_shape(generator: &mut SchemaGenerator) -> Schema {
    let fields = credential_fields::shape(generator);
    Shape::of::<RawAuthMethod>(generator)
        .with_key(shape::key())
        .with(credential_fields::MEMBER, fields)
        .with_always(REVISION, revision())
        .with_always("created_at", json!({ "type": "string", "description": "RFC 3339, UTC." }))
        .with_always("created_by", json!({ "type": "string" }))
        .with_always(
            "connections",
            json!({
                "type": "array",
                "description": "The keys of the connections that pin it: the first hundred.",
                "items": { "type": "string" },
            }),
        )
        .with_always(
            "connections_total",
            json!({ "type": "integer", "description": "How many connections pin it." }),
        )
        .named("AuthMethodRevision", "A revision of an auth method, which never changes.")
}
