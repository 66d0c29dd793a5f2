//! Paths and operations: which endpoints they become, and how many.
use super::good;
use super::imported;
use super::with;
use crate::catalog::ENDPOINTS_MAX;
use crate::import::Imported;
use crate::import::Options;
use crate::import::import;
use serde_json::Value;
use serde_json::json;

/// What is said of endpoints.
fn said(made: &Imported) -> Vec<(&str, &str)> {
    let places = made.report.places.iter().filter(|it| it.pointer.starts_with("/paths"));
    places.map(|it| (&*it.pointer, &*it.problem)).collect()
}

/// A document of so many operations, each with this beside its id.
fn many(count: usize, operation: &Value) -> Value {
    let mut document = good();
    document["paths"] = (0..count)
        .map(|it| {
            let mut operation = operation.clone();
            operation["operationId"] = format!("op{it}").into();
            (format!("/things/{it}"), json!({ "get": operation }))
        })
        .collect();
    document
}

#[test]
fn operations_at_another_server_are_left_out_with_its_name() {
    let mut document = good();
    document["paths"] = json!({
        "/here": { "get": { "servers": [{ "url": "https://api.pets.example/v1/" }] } },
        "/away": { "servers": [{ "url": "https://files.pets.example" }], "put": {}, "get": { "servers": [{ "url": "https://api.pets.example/v1" }] } },
        "/none": { "servers": [], "get": {} },
    });
    let made = imported(&document);
    assert_eq!(
        made.connector.endpoints.keys().collect::<Vec<_>>(),
        ["get-here", "get-away", "get-none"]
    );
    assert_eq!(
        said(&made),
        [("/paths/~1away/put", "it is at another server: https://files.pets.example")]
    );
}

#[test]
fn a_base_url_of_some_operations_alone_makes_a_connector_of_those() {
    let mut document = good();
    let files = json!([{ "url": "https://files.pets.example/v1" }]);
    document["paths"] = json!({
        "/here": { "get": {} },
        "/away": { "servers": files, "put": {}, "get": { "servers": [{ "url": "https://api.pets.example/v1" }] } },
        "/near": { "get": { "servers": files } },
    });
    for (given, keys, elsewhere) in [
        (
            "https://files.pets.example/v1/",
            &["put-away", "get-near"][..],
            "https://api.pets.example/v1",
        ),
        // One that the document does not have stands for its own.
        ("https://own.example", &["get-here", "get-away"], "https://files.pets.example/v1"),
        ("https://api.pets.example/v1", &["get-here", "get-away"], "https://files.pets.example/v1"),
    ] {
        let options = Options { base_url: Some(given.to_owned()), ..Options::default() };
        let made = import(document.to_string().as_bytes(), &options).unwrap();
        assert_eq!(made.connector.endpoints.keys().collect::<Vec<_>>(), keys, "{given}");
        let problem = format!("it is at another server: {elsewhere}");
        let problems: Vec<&str> = said(&made).iter().map(|it| it.1).collect();
        assert_eq!(problems, [&*problem, &problem], "{given}");
    }
}

#[test]
fn a_given_base_url_is_known_again_where_servers_are_relative_or_have_variables() {
    let servers = |urls: &[&str]| -> Value { urls.iter().map(|it| json!({ "url": it })).collect() };
    for (root, own, given, expected) in [
        (&["/v1"][..], "/v2", "https://h.example/v2", ["put-a"]),
        (&["/v1"], "/v2", "https://h.example/v1", ["get-a"]),
        (
            &["https://api.example"],
            "https://{r}.files.example",
            "https://eu.files.example",
            ["put-a"],
        ),
        (
            &["https://{t}.api.example"],
            "https://files.example",
            "https://me.api.example",
            ["get-a"],
        ),
        (
            &["https://a.example/v1", "https://a.example/v2"],
            "https://a.example/v1",
            "https://a.example/v2",
            ["get-a"],
        ),
        // Of one that is nobody's the document's own operations are.
        (&["https://api.example"], "https://files.example", "https://mock.example", ["get-a"]),
    ] {
        let mut document = good();
        document["servers"] = servers(root);
        document["paths"] = json!({ "/a": { "get": {}, "put": { "servers": servers(&[own]) } } });
        let options = Options { base_url: Some(given.to_owned()), ..Options::default() };
        let made = import(document.to_string().as_bytes(), &options).unwrap();
        assert_eq!(
            made.connector.endpoints.keys().collect::<Vec<_>>(),
            expected,
            "{root:?} {own} {given}"
        );
    }
}

#[test]
fn what_stands_beside_a_reference_is_read_as_well() {
    let mut document = good();
    document["components"]["pathItems"] = json!({
        "thing": { "servers": [{ "url": "https://files.pets.example" }], "get": { "operationId": "far" }, "put": { "operationId": "hidden" } },
    });
    document["paths"] = json!({
        "/thing": { "$ref": "#/components/pathItems/thing", "servers": [{ "url": "https://api.pets.example/v1" }], "put": { "operationId": "own" } },
        "/away": { "$ref": "away.yaml", "get": { "operationId": "beside" } },
    });
    let made = imported(&document);
    assert_eq!(made.connector.endpoints.keys().collect::<Vec<_>>(), ["far", "own", "beside"]);
    assert_eq!(said(&made).len(), 1);
}

#[test]
fn what_the_catalogue_would_refuse_is_left_out_with_its_words() {
    let mut document = good();
    document["paths"] = json!({
        "/pets/{id}": { "get": { "operationId": "东京" } },
        "/pets/{name}": { "get": {} },
        "/pets?all": { "get": {} },
        "pets": { "get": {} },
        "/a/../b": { "get": {} },
        "/odd/{a b}": { "get": {} },
        "/long": { "get": { "operationId": "x".repeat(300), "summary": "é".repeat(300), "description": "y".repeat(3000), "tags": ["z".repeat(200), ""] } },
        "x-own": { "get": {} },
    });
    let made = imported(&document);
    let long = "x".repeat(63);
    assert_eq!(made.connector.endpoints.keys().collect::<Vec<_>>(), ["get-pets-id", &long]);
    let pointers: Vec<&str> = said(&made).iter().map(|it| it.0).collect();
    assert_eq!(
        pointers,
        [
            "/paths/~1pets~1{name}/get",
            "/paths/~1pets?all/get",
            "/paths/pets/get",
            "/paths/~1a~1..~1b/get",
            "/paths/~1odd~1{a b}/get"
        ]
    );
    assert_eq!(made.connector.endpoints[&long].tags.len(), 1);
}

#[test]
fn callbacks_and_webhooks_are_told_of_once() {
    let mut document =
        many(3, &json!({ "callbacks": { "onEvent": { "{$request.body#/url}": { "post": {} } } } }));
    document["webhooks"] = json!({ "newPet": { "post": {} } });
    let made = imported(&document);
    assert_eq!(made.connector.endpoints.len(), 3);
    let problem = "callbacks that the API sends are not read; operations with any: 3";
    assert_eq!(said(&made), [("/paths/~1things~10/get/callbacks", problem)]);
    assert!(made.report.places.iter().any(|it| it.pointer == "/webhooks"));
}

#[test]
fn no_more_endpoints_are_made_than_a_connector_can_have() {
    let made = imported(&many(ENDPOINTS_MAX + 7, &json!({})));
    assert_eq!(made.connector.endpoints.len(), ENDPOINTS_MAX);
    assert_eq!(said(&made)[0].1, format!("7 endpoints beyond {ENDPOINTS_MAX} are left out"));
    // Those that are left out for what they are take nobody's place; and no time, whatever all are called.
    let mut document = many(ENDPOINTS_MAX, &json!({ "operationId": "things" }));
    let sound = document["paths"].as_object().unwrap().clone();
    document["paths"] = (0..5 * ENDPOINTS_MAX)
        .map(|it| (format!("/unsound/{it}?"), json!({ "get": { "operationId": "things" } })))
        .chain(sound)
        .collect();
    let made = imported(&document);
    assert_eq!(made.connector.endpoints.len(), ENDPOINTS_MAX);
    assert!(made.connector.endpoints.values().all(|it| it.path.starts_with("/things/")));
}

#[test]
fn all_of_them_together_fit_into_a_body_of_the_api() {
    let wordy = json!({ "summary": "s", "description": "d".repeat(300) });
    let tagged = json!({ "summary": "s".repeat(120), "tags": (0..8).map(|it| format!("{it}{}", "t".repeat(55))).collect::<Vec<_>>() });
    for (operation, left_out) in
        [(&wordy, "descriptions"), (&tagged, "descriptions, names and tags")]
    {
        let made = imported(&many(ENDPOINTS_MAX, operation));
        assert!(made.to_json().to_string().len() < 1 << 20);
        assert_eq!(made.connector.endpoints.len(), ENDPOINTS_MAX);
        assert!(
            said(&made)[0].1.starts_with(&format!("the endpoints have no {left_out}:")),
            "{:?}",
            said(&made)
        );
    }
    let mut document = good();
    document["paths"] = (0..ENDPOINTS_MAX)
        .map(|it| (format!("/{it}{}", "/p".repeat(450)), json!({ "get": {} })))
        .collect();
    let made = imported(&document);
    assert!(made.to_json().to_string().len() < 1 << 20);
    let (kept, told) = (made.connector.endpoints.len(), said(&made));
    assert_eq!(told[1].1, format!("{} endpoints are left out all the same", ENDPOINTS_MAX - kept));
    assert!((500..ENDPOINTS_MAX).contains(&kept), "{kept}");
}

#[test]
fn what_yaml_names_is_kept_wherever_it_stands() {
    let document = "openapi: 3.0.3
info: { title: Pets, version: 1 }
x-parts:
  deep: [{ one: &get { summary: Get a pet, tags: &tags [pets] } }]
  ignored: &never { a: *get }
paths:
  /pets: { get: *get, put: { tags: *tags, operationId: &name putPet } }
  /cats: { get: { summary: *name } }
";
    let made = import(document.as_bytes(), &Options::default()).unwrap();
    assert_eq!(
        made.to_json()["endpoints"],
        json!({
            "get-pets": { "name": "Get a pet", "method": "GET", "path": "/pets", "tags": ["pets"] },
            "put-pet": { "name": "putPet", "method": "PUT", "path": "/pets", "tags": ["pets"] },
            "get-cats": { "name": "putPet", "method": "GET", "path": "/cats" },
        })
    );
}

#[test]
fn a_place_is_told_with_its_line() {
    let document = with("/paths", json!({ "/a": { "get": {} }, "/b": { "$ref": "b.yaml" } }));
    let pretty = serde_json::to_string_pretty(&document).unwrap();
    let made = import(pretty.as_bytes(), &Options::default()).unwrap();
    let place = made.report.places.iter().find(|it| it.pointer == "/paths/~1b").unwrap();
    let line = pretty.lines().position(|it| it.contains("\"/b\"")).unwrap() + 1;
    assert_eq!(place.line, line);
}
