//! From what the API shows of a resource to what a configuration file says of it.
use super::names::Field;
use super::names::Names;
use crate::catalog::AuthMethod;
use crate::catalog::RawAuthMethod;
use crate::config::keep_plain;
use crate::model::Key;
use serde_json::Map;
use serde_json::Value;
use std::collections::HashMap;

/// What answers add to any resource: of this deployment, not of the definition.
const SHOWN: &[&str] = &["key", "version", "created_at", "updated_at", "source"];

/// What they add to a connection.
const OF_CONNECTIONS: &[&str] =
    &["id", "revision", "latest_revision", "effective_base_url", "status", "waits_until", "uses"];

/// What they add to an event subscription.
const OF_SUBSCRIPTIONS: &[&str] = &["status", "pending", "failing_since", "previous_secret_until"];

type Members = Map<String, Value>;

/// Makes entries of items.
pub(super) struct Entries {
    with_files: bool,
    names: Names,
    /// Settings of auth methods, by connector and key.
    methods: HashMap<(String, String), Value>,
    /// The credential fields of connections, by key.
    fields: HashMap<String, Vec<String>>,
}

impl Entries {
    /// `with_files`: of what configuration files declare as well.
    pub(super) fn new(with_files: bool) -> Self {
        let (methods, fields) = (HashMap::new(), HashMap::new());
        Self { with_files, names: Names::new(), methods, fields }
    }

    /// What the auth methods of these connectors are now.
    pub(super) fn remember(&mut self, connectors: &[Value]) {
        for connector in connectors {
            let key = connector["key"].as_str().unwrap_or_default();
            for (name, method) in connector["auth"].as_object().into_iter().flatten() {
                let mut settings = method.clone();
                unnumbered(&mut settings);
                self.methods.insert((key.to_owned(), name.clone()), settings);
            }
        }
    }

    pub(super) fn connectors(&self, items: Vec<Value>) -> Value {
        section(self.with_files, items, |_, members| {
            let methods = members.get_mut("auth").and_then(Value::as_object_mut);
            methods.into_iter().flatten().for_each(|it| unnumbered(it.1));
        })
    }

    /// Those that something was written of: the others come with their activations.
    pub(super) fn tenants(&self, mut items: Vec<Value>) -> Value {
        items.retain(|it| !it["version"].is_null());
        section(self.with_files, items, |_, members| {
            members.shift_remove("activations");
        })
    }

    pub(super) fn connections(&mut self, mut items: Vec<Value>) -> Value {
        let Self { with_files, names, methods, fields } = self;
        for item in items.iter_mut().filter_map(Value::as_object_mut) {
            let taken = item.get("auth_method").map(taken).unwrap_or_default();
            if item.get("embedded") == Some(&Value::Bool(false)) {
                unshown(item, &taken);
            }
            fields.insert(text(item, "key"), taken);
            let now = methods.get(&(text(item, "connector"), text(item, "auth")));
            // One that pins what its method was before says what that is. One of a file pins nothing.
            if let Some(pinned) = item.get_mut("auth_method") {
                unnumbered(pinned);
                if now == Some(pinned) || item.contains_key("source") {
                    item.shift_remove("auth_method");
                }
            }
        }
        section(*with_files, items, |key, members| {
            members.retain(|name, _| !OF_CONNECTIONS.contains(&&**name));
            let own = |field: &str| names.of(Field::Own { connection: key, field });
            refer(members.get_mut("credentials"), own);
            let test = |field: &str| names.of(Field::Test { connection: key, field });
            refer(members.get_mut("test_credentials"), test);
        })
    }

    pub(super) fn plain(&self, items: Vec<Value>) -> Value {
        section(self.with_files, items, |_, _| {})
    }

    /// Their secrets stay where they are: each deployment has its own.
    pub(super) fn event_subscriptions(items: Vec<Value>) -> Value {
        section(false, items, |_, members| {
            members.retain(|name, _| !OF_SUBSCRIPTIONS.contains(&&**name));
        })
    }

    pub(super) fn callers(&self, items: Vec<Value>) -> Value {
        section(self.with_files, items, |key, members| {
            members.shift_remove("keys");
            members.insert("key".to_owned(), reference(&self.names.of(Field::Key { caller: key })));
        })
    }

    /// Of one connection; a list, as files have it.
    pub(super) fn activations(&self, items: Vec<Value>) -> Vec<Value> {
        let mut entries = Vec::new();
        for mut item in items {
            let connection = item["connection"].as_str().unwrap_or_default();
            let taken = self.fields.get(connection).cloned().unwrap_or_default();
            if let Some(item) = item.as_object_mut() {
                unshown(item, &taken);
            }
            let Some(mut members) = entry(self.with_files, item) else { continue };
            let (connection, tenant) = (text(&members, "connection"), text(&members, "tenant"));
            let named = |field: &str| {
                let (connection, tenant) = (&*connection, &*tenant);
                self.names.of(Field::Activation { connection, tenant, field })
            };
            refer(members.get_mut("credentials"), named);
            entries.push(Value::Object(members));
        }
        entries
    }
}

fn section(with_files: bool, items: Vec<Value>, mut mend: impl FnMut(&str, &mut Members)) -> Value {
    let mut section = Members::new();
    for item in items {
        let key = item["key"].as_str().unwrap_or_default().to_owned();
        let Some(mut members) = entry(with_files, item) else { continue };
        mend(&key, &mut members);
        section.insert(key, Value::Object(members));
    }
    Value::Object(section)
}

/// What is not of this deployment alone; none of one that is not to be written.
fn entry(with_files: bool, item: Value) -> Option<Members> {
    let Value::Object(mut members) = item else { return None };
    let is_declared = members.contains_key("source");
    if is_declared && !with_files {
        return None;
    }
    members.retain(|name, value| !SHOWN.contains(&&**name) && !value.is_null());
    // What a file says is shown as it is written there: its references are references.
    if !is_declared {
        members.values_mut().for_each(keep_plain);
    }
    Some(members)
}

fn text(members: &Members, name: &str) -> String {
    members.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The credential fields that an auth method takes.
fn taken(method: &Value) -> Vec<String> {
    let key = Key::try_from("method").ok();
    let mut settings = method.clone();
    unnumbered(&mut settings);
    let raw = serde_json::from_value::<RawAuthMethod>(settings).ok();
    let read = key.zip(raw).and_then(|(key, raw)| AuthMethod::recorded(key, 1, raw).ok());
    read.iter().flat_map(AuthMethod::fields).map(str::to_owned).collect()
}

/// What a file declares is shown without credentials: it has those that are taken.
fn unshown(item: &mut Members, taken: &[String]) {
    if item.contains_key("source") && !item.contains_key("credentials") && !taken.is_empty() {
        let fields = taken.iter().map(|it| (it.clone(), Value::Null)).collect();
        item.insert("credentials".to_owned(), Value::Object(fields));
    }
}

/// What answers add to an auth method.
const OF_METHODS: &[&str] = &["revision", "credential_fields"];

/// An auth method without the number of its revision, and what else answers say of it.
fn unnumbered(method: &mut Value) {
    if let Some(members) = method.as_object_mut() {
        members.retain(|name, value| !OF_METHODS.contains(&&**name) && !value.is_null());
    }
}

/// Puts references into the place of fingerprints.
fn refer(fields: Option<&mut Value>, named: impl Fn(&str) -> String) {
    for (field, value) in fields.and_then(Value::as_object_mut).into_iter().flatten() {
        *value = reference(&named(field));
    }
}

fn reference(name: &str) -> Value {
    Value::String(format!("${{{name}}}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_looks_like_a_reference_and_is_none_stays_a_text() {
        let mut value = json!({"a": ["${HOME}", 1], "b": "{x}"});
        keep_plain(&mut value);
        assert_eq!(value, json!({"a": ["$${HOME}", 1], "b": "{x}"}));
    }

    #[test]
    fn a_connection_says_its_auth_method_where_it_is_not_what_the_connector_has() {
        let connector = json!({"key": "api", "version": 3, "auth": {"t": {"bearer": {}, "revision": 2, "credential_fields": []}}});
        let connection = |key: &str, method: Value| {
            json!({
                "key": key, "connector": "api", "auth": "t", "auth_method": method, "revision": 1, "id": "x",
                "status": "ready", "credentials": {"token": {"fingerprint": "f", "set_at": "now"}},
            })
        };
        let mut entries = Entries::new(false);
        entries.remember(std::slice::from_ref(&connector));
        assert_eq!(
            entries.connectors(vec![connector]),
            json!({"api": {"auth": {"t": {"bearer": {}}}}})
        );
        let old = json!({"basic": {}});
        let items = vec![connection("new", json!({"bearer": {}})), connection("old", old.clone())];
        assert_eq!(
            entries.connections(items),
            json!({
                "new": {"connector": "api", "auth": "t", "credentials": {"token": "${ATTACHE_NEW_TOKEN}"}},
                "old": {"connector": "api", "auth": "t", "auth_method": old,
                    "credentials": {"token": "${ATTACHE_OLD_TOKEN}"}},
            })
        );
    }

    #[test]
    fn what_a_file_declares_is_left_to_it_unless_it_is_asked_for() {
        let item = json!({"key": "i", "name": "${NAME}", "source": {"file": "a.yaml", "line": 1}});
        assert_eq!(Entries::new(false).plain(vec![item.clone()]), json!({}));
        assert_eq!(Entries::new(true).plain(vec![item]), json!({"i": {"name": "${NAME}"}}));
    }
}
