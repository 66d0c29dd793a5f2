//! Stored definitions beside those of a file: what is served of them, and what is said of the rest.
use super::*;
use crate::catalog::Kind;
use crate::catalog::Line;
use crate::catalog::RawCatalog;
use crate::model::TenantId;
use serde_json::Value;
use serde_json::json;

fn key(text: &str) -> Key {
    Key::try_from(text).unwrap()
}

/// A file with a connector, a connection of it and an integration.
fn files() -> Snapshot {
    let raw = json!({
        "callers": { "runtime": { "key": "0123456789abcdef" } },
        "connectors": { "github": {
            "base_url": "https://api.github.com", "auth": { "token": { "bearer": {} } }
        } },
        "connections": { "github-prod": {
            "connector": "github", "auth": "token", "credentials": { "token": "of-the-file" }
        } },
        "integrations": { "sync": { "connectors": { "hub": { "connector": "github" } } } },
    });
    let mut raw: RawCatalog = serde_json::from_value(raw).unwrap();
    let line = Line { file: "a.yaml".into(), line: 7 };
    raw.lines.entries.insert((Section::Connections, "github-prod".into()), line);
    Snapshot::build(raw, &mut Vec::new()).unwrap()
}

fn method(revision: u32, raw: Value) -> Result<Arc<AuthMethod>, Vec<Problem>> {
    let raw = serde_json::from_value(raw).unwrap();
    AuthMethod::recorded(key("token"), revision, raw).map(Arc::new)
}

fn connection(raw: Value, revision: u32) -> StoredConnection {
    let raw = serde_json::from_value(raw).unwrap();
    StoredConnection { owner: "id-1".into(), revision, raw, version: Some(7) }
}

/// A connector with two revisions of its method, a connection that pins the first, and where it is used.
fn stored() -> Stored {
    let mut stored = Stored::default();
    let crm = json!({ "base_url": "https://{area}.crm.example", "variables": { "area": {} } });
    let crm = serde_json::from_value(crm).unwrap();
    let endpoints = json!({ "list": { "method": "GET", "path": "/leads" } });
    let endpoints = Endpoints::recorded(serde_json::from_value(endpoints).unwrap());
    let crm = StoredConnector { raw: crm, endpoints, methods: vec![(key("token"), 2)], version: 3 };
    stored.connectors.insert(key("crm"), crm);
    let methods = [(1, "X-One"), (2, "X-Two")].map(|(revision, name)| {
        (revision, method(revision, json!({ "api_key": { "in": "header", "name": name } })))
    });
    let methods = Methods::from([(key("token"), methods.into())]);
    stored.methods.insert(key("crm"), methods);
    let raw = json!({
        "connector": "crm", "auth": "token", "variables": { "area": "eu" }
    });
    stored.connections.insert(key("crm-prod"), connection(raw, 1));
    let raw = json!({ "connectors": { "crm": { "connector": "crm" } } });
    stored.integrations.insert(key("desk"), serde_json::from_value(raw).unwrap());
    let raw = json!({ "integration": "desk", "assign": { "crm": "crm-prod" } });
    stored.environments.insert(key("production"), serde_json::from_value(raw).unwrap());
    let grants = serde_json::from_value(json!({ "connections": ["crm-*"] })).unwrap();
    let keys = vec![([1; 32], None), ([2; 32], Some(UnixTime::from_s(9)))];
    stored.callers.insert(key("worker"), StoredCaller { grants, keys });
    stored
}

fn open(_: &Key, _: &StoredConnection) -> Result<Opened, String> {
    let credential = [("key", "sealed-once")].into_iter().collect();
    Ok(Opened { credential, test: None })
}

fn all(stored: &Stored) -> Patched {
    files().patched(stored, stored.keys(), &open)
}

fn told(skipped: &[Skipped]) -> Vec<(&str, &str)> {
    skipped.iter().map(|it| (it.key.as_str(), &*it.problems[0].problem)).collect()
}

fn header(snapshot: &Snapshot, connection: &str) -> String {
    let connection = snapshot.connection(connection).unwrap();
    let Kind::Standard(holder) = &connection.kind else { panic!("it is standard") };
    let crate::catalog::Ready::Outbound(prepared) = &holder.ready else { panic!("outbound") };
    prepared.headers()[0].0.to_string()
}

#[test]
fn stored_definitions_are_served_beside_those_of_files() {
    let Patched { snapshot, skipped, .. } = all(&stored());
    assert_eq!(told(&skipped), []);
    assert!(snapshot.connection("github-prod").is_some());
    let environment = snapshot.environment("production").unwrap();
    assert_eq!(environment.assigned("crm").unwrap().key.as_str(), "crm-prod");
    let of = |byte| snapshot.caller_key(&[byte; 32]).unwrap();
    assert_eq!((of(1).caller.key.as_str(), of(1).expires), ("worker", None));
    assert_eq!(of(2).expires, Some(UnixTime::from_s(9)));
}

#[test]
fn a_stored_connection_stays_with_the_revision_that_it_pins() {
    let mut stored = stored();
    let Patched { snapshot, .. } = all(&stored);
    assert_eq!(snapshot.connector("crm").unwrap().methods["token"].revision, 2);
    assert_eq!(snapshot.connection("crm-prod").unwrap().method.revision, 1);
    assert_eq!(header(&snapshot, "crm-prod"), "x-one");
    stored.connections.get_mut("crm-prod").unwrap().revision = 2;
    let touched = Touched { connections: [key("crm-prod")].into(), ..Touched::default() };
    let next = snapshot.patched(&stored, touched, &open);
    assert_eq!(header(&next.snapshot, "crm-prod"), "x-two");
}

#[test]
fn what_depends_on_a_change_is_built_with_it_and_nothing_else() {
    let mut stored = stored();
    let first = all(&stored).snapshot;
    stored.connectors.get_mut("crm").unwrap().raw.base_url = Some("https://crm.example".into());
    let touched = Touched { connectors: [key("crm")].into(), ..Touched::default() };
    let Patched { snapshot, rebuilt, skipped } = first.patched(&stored, touched, &open);
    assert_eq!(told(&skipped), []);
    let environment = snapshot.environment("production").unwrap();
    let assigned = environment.assigned("crm").unwrap();
    assert_eq!(assigned.base_url.to_string(), "https://crm.example");
    assert!(Arc::ptr_eq(assigned, snapshot.connection("crm-prod").unwrap()));
    let same = |it: &Snapshot| Arc::clone(it.connection("github-prod").unwrap());
    assert!(Arc::ptr_eq(&same(&first), &same(&snapshot)));
    assert!(rebuilt.callers.is_empty());
}

#[test]
fn what_is_deleted_is_gone_and_leaves_its_place_empty() {
    let mut stored = stored();
    let first = all(&stored).snapshot;
    stored.connections.clear();
    stored.callers.clear();
    let touched = Touched {
        connections: [key("crm-prod")].into(),
        callers: [key("worker")].into(),
        ..Touched::default()
    };
    let Patched { snapshot, skipped, .. } = first.patched(&stored, touched, &open);
    assert!(snapshot.connection("crm-prod").is_none());
    assert!(snapshot.caller_key(&[1; 32]).is_none() && snapshot.caller("worker").is_none());
    assert!(snapshot.environment("production").unwrap().assigned("crm").is_none());
    assert_eq!(told(&skipped), [("production", "there is no connection `crm-prod`")]);
}

/// A stored catalogue, the one thing that is wrong with it, and what is served all the same.
type Fault = (fn(&mut Stored), &'static str, &'static str);

#[test]
fn one_that_is_not_sound_is_named_and_costs_no_other() {
    let cases: [Fault; 6] = [
        (
            |it| {
                let raw = json!({ "connector": "github", "auth": "token" });
                it.connections.insert(key("github-prod"), connection(raw, 1));
            },
            "github-prod",
            "the connection `github-prod` is also declared in a.yaml:7, which is served",
        ),
        (
            |it| it.connections.get_mut("crm-prod").unwrap().revision = 3,
            "crm-prod",
            "the revision `token@3` of `crm` is not there",
        ),
        (
            |it| it.connectors.get_mut("crm").unwrap().raw.base_url = Some("ftp://x".into()),
            "crm",
            "the base URL begins with neither `https://` nor `http://`",
        ),
        (
            |it| {
                let of = it.methods.get_mut("crm").unwrap().get_mut("token").unwrap();
                of.insert(1, method(1, json!({})));
            },
            "crm-prod",
            "no auth type is set",
        ),
        (
            |it| it.callers.get_mut("worker").unwrap().grants.methods = Some(vec!["get".into()]),
            "worker",
            "`get` can match nothing",
        ),
        (
            |it| it.environments.get_mut("production").unwrap().integration = "gone".into(),
            "production",
            "there is no integration `gone`",
        ),
    ];
    for (break_it, name, problem) in cases {
        let mut stored = stored();
        break_it(&mut stored);
        let Patched { snapshot, skipped, .. } = all(&stored);
        assert_eq!(told(&skipped)[0], (name, problem));
        assert!(snapshot.connection("github-prod").is_some(), "{name}");
    }
    let refuse = |_: &Key, _: &StoredConnection| Err("it does not open".to_owned());
    let stored = stored();
    let Patched { snapshot, skipped, .. } = files().patched(&stored, stored.keys(), &refuse);
    assert_eq!(told(&skipped)[0], ("crm-prod", "it does not open"));
    assert!(snapshot.connection("crm-prod").is_none() && snapshot.connector("crm").is_some());
}

#[test]
fn what_is_said_of_endpoints_costs_nobody_what_is_served() {
    let mut stored = stored();
    let only = json!({ "connectors": {
        "crm": { "connector": "crm", "endpoints": { "only": ["list"] } }
    } });
    stored.integrations.insert(key("desk"), serde_json::from_value(only).unwrap());
    let Patched { snapshot: first, skipped, .. } = all(&stored);
    assert_eq!(told(&skipped), []);
    // All that is made of the connector shares them.
    let shared =
        |it: &Snapshot| it.connector("crm").unwrap().endpoints.find("list").map(std::ptr::from_ref);
    let kept = stored.connectors["crm"].endpoints.0.find("list").map(std::ptr::from_ref);
    assert!(shared(&first).is_some() && shared(&first) == kept);

    let less = json!({ "all": { "method": "GET", "path": "/leads" }, "odd": { "method": "get", "path": "/" } });
    let less = Endpoints::recorded(serde_json::from_value(less).unwrap());
    stored.connectors.get_mut("crm").unwrap().endpoints = less;
    let touched = Touched { connectors: [key("crm")].into(), ..Touched::default() };
    let Patched { snapshot, skipped, .. } = first.patched(&stored, touched, &open);
    assert_eq!(
        told(&skipped),
        [
            ("crm", "`get` is not a method that can be sent"),
            ("desk", "the connector `crm` has no endpoint `list`"),
        ]
    );
    assert!(snapshot.connector("crm").unwrap().endpoints.find("all").is_some());
    let environment = snapshot.environment("production").unwrap();
    assert_eq!(environment.assigned("crm").unwrap().key.as_str(), "crm-prod");
}

#[test]
fn an_activation_is_what_the_connection_makes_of_it() {
    let embedded = |area: &str, inputs: Value| {
        let raw = json!({
            "connector": "crm", "auth": "token", "embedded": true,
            "variables": { "area": area }, "inputs": inputs
        });
        let mut stored = stored();
        stored.connections.insert(key("crm-prod"), connection(raw, 1));
        let none = |_: &Key, _: &StoredConnection| Ok(Opened::default());
        let Patched { snapshot, skipped, .. } = files().patched(&stored, stored.keys(), &none);
        assert_eq!(told(&skipped), []);
        Arc::clone(snapshot.connection("crm-prod").unwrap())
    };
    let tenant = TenantId::try_from("acme").unwrap();
    let credential: Credential = [("key", "of-acme")].into_iter().collect();
    let eu = embedded("eu", json!({}));
    let made = |variables: Value| {
        let variables = serde_json::from_value(variables).unwrap();
        eu.activation(tenant.clone(), true, &variables, credential.clone())
    };
    let base = made(json!({})).unwrap().holder.base.unwrap();
    assert_eq!(base.to_string(), "https://eu.crm.example");
    let base = made(json!({ "area": "us" })).unwrap().holder.base.unwrap();
    assert_eq!(base.to_string(), "https://us.crm.example");
    assert_eq!(made(json!({ "arae": "us" })).unwrap_err()[0].path.len(), 3);

    let identity = |it: &Connection| it.shared().unwrap().identity();
    assert_eq!(identity(&eu), identity(&embedded("eu", json!({}))), "the same, built again");
    assert_ne!(identity(&eu), identity(&embedded("us", json!({}))));

    let global = embedded("eu", json!({ "key": "global", "area": "global" }));
    let variables = BTreeMap::from([("area".to_owned(), "us".to_owned())]);
    let problems = global.activation(tenant, true, &variables, credential).unwrap_err();
    let told: Vec<&str> = problems.iter().map(|it| &*it.problem).collect();
    let expected = ["`key` is the same for all tenants", "`area` is the same for all tenants"];
    assert_eq!(told, expected);
}
