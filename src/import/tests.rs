//! One good document; each row breaks one thing.
mod auth;
mod endpoints;
mod hostile;
mod servers;

use super::DOCUMENT_LEN_MAX;
use super::Imported;
use super::Options;
use super::Verdict;
use super::import;
use super::tree::WEIGHT_MAX;
use serde_json::Value;
use serde_json::json;

fn good() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Pet Store", "version": "1.2", "description": "All pets.\n\nMore." },
        "servers": [{ "url": "https://api.pets.example/v1" }],
        "security": [{ "token": [] }],
        "components": { "securitySchemes": { "token": { "type": "http", "scheme": "Bearer" } } },
        "paths": {
            "/pets/{id}": {
                "get": { "operationId": "getPet", "summary": "Get a pet", "tags": ["pets"] },
                "trace": {},
            },
        },
    })
}

fn imported(document: &Value) -> Imported {
    import(document.to_string().as_bytes(), &Options::default()).unwrap()
}

/// The good one with this in a place of it.
fn with(pointer: &str, value: Value) -> Value {
    let mut document = good();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap()[name] = value;
    document
}

fn told(imported: &Imported) -> Vec<(&str, Verdict)> {
    imported.report.places.iter().map(|it| (&*it.pointer, it.verdict)).collect()
}

#[test]
fn a_document_becomes_a_connector_and_what_is_left_out_is_told() {
    let made = imported(&good());
    assert_eq!(
        made.to_json(),
        json!({
            "name": "Pet Store", "description": "All pets.", "base_url": "https://api.pets.example/v1",
            "auth": { "token": { "bearer": {} } },
            "endpoints": {
                "get-pet": { "name": "Get a pet", "method": "GET", "path": "/pets/{id}", "tags": ["pets"] },
            },
            "key": "pet-store",
        })
    );
    assert_eq!(told(&made), [("/paths/~1pets~1{id}/trace", Verdict::Skipped)]);
    let yaml = serde_yaml::to_string(&good()).unwrap();
    let same = import(yaml.as_bytes(), &Options::default()).unwrap();
    assert_eq!(same.to_json(), made.to_json());
    assert_eq!((same.report.places[0].line, made.report.places[0].line), (25, 1));
    assert_eq!((told(&same), same.report.auth.len()), (told(&made), made.report.auth.len()));
}

#[test]
fn each_scheme_becomes_a_method_or_is_told_of() {
    let key = |place: &str| json!({ "type": "apiKey", "in": place, "name": "X-Key" });
    for (scheme, method) in [
        (
            key("header"),
            json!({ "api_key": { "in": "header", "name": "X-Key", "format": "{key}" } }),
        ),
        (key("query"), json!({ "api_key": { "in": "query", "name": "X-Key", "format": "{key}" } })),
        (
            key("cookie"),
            json!({ "api_key": { "in": "cookie", "name": "X-Key", "format": "{key}" } }),
        ),
        (key("body"), Value::Null),
        (json!({ "type": "http", "scheme": "basic" }), json!({ "basic": {} })),
        (json!({ "type": "http", "scheme": "hoba" }), Value::Null),
        (json!({ "type": "mystery" }), Value::Null),
        (json!({ "$ref": "https://a.example/schemes.json#/token" }), Value::Null),
        (json!({ "$ref": "#/components/securitySchemes/token" }), Value::Null),
    ] {
        let made = imported(&with("/components/securitySchemes/token", scheme.clone()));
        let made_method = made.to_json()["auth"].get("token").cloned().unwrap_or_default();
        assert_eq!(made_method, method, "{scheme}");
        let is_told = made.report.places.iter().any(|it| it.pointer.starts_with("/components"));
        assert_eq!(is_told, method.is_null(), "{scheme}");
    }
}

#[test]
fn schemes_that_are_needed_together_are_one_method() {
    let mut document = with(
        "/components/securitySchemes/appId",
        json!({ "type": "apiKey", "in": "query", "name": "app" }),
    );
    document["security"] = json!([{ "token": [], "appId": [] }]);
    let made = imported(&document);
    assert_eq!(
        made.to_json()["auth"]["app-id-token"]["custom"]["inject"],
        json!([
            { "in": "query", "name": "app", "value": "{app_id}" },
            { "in": "header", "name": "Authorization", "value": "Bearer {token}" },
        ])
    );
    assert_eq!(made.report.auth.len(), 1);
}

#[test]
fn a_server_becomes_a_base_url_whose_host_nobody_has_to_guess() {
    let region = json!({ "enum": ["eu", "us"], "default": "us" });
    let open = json!({ "default": "example" });
    for (url, variables, base_url, default) in [
        ("https://a.example", json!({}), json!("https://a.example"), Value::Null),
        ("//a.example/v1", json!({}), json!("https://a.example/v1"), Value::Null),
        ("/v1", json!({}), Value::Null, Value::Null),
        (
            "https://{v}.a.example",
            json!({ "v": region }),
            json!("https://{v}.a.example"),
            json!("us"),
        ),
        (
            "https://{v}.a.example",
            json!({ "v": open }),
            json!("https://{v}.a.example"),
            Value::Null,
        ),
        (
            "https://a.example/{v}",
            json!({ "v": open }),
            json!("https://a.example/{v}"),
            json!("example"),
        ),
        (
            "{s}://{v}.a.example",
            json!({ "v": region }),
            json!("https://{v}.a.example"),
            json!("us"),
        ),
    ] {
        let made = imported(&with("/servers", json!([{ "url": url, "variables": variables }])));
        let made = made.to_json();
        assert_eq!(made.get("base_url").cloned().unwrap_or_default(), base_url, "{url}");
        let found = made.pointer("/variables/v/default").cloned().unwrap_or_default();
        assert_eq!(found, default, "{url} {variables}");
    }
}

#[test]
fn what_is_no_document_is_refused_with_the_place_and_the_way_out() {
    let deep = format!("a: {}", "[".repeat(200));
    let deep_json = format!("{{\"info\": {}", "[".repeat(200));
    let laughs = {
        let mut text =
            "openapi: 3.0.0\ninfo:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for it in 1..12 {
            let before = it - 1;
            text.push_str(&format!(
                "  a{it}: &a{it} [{}]\n",
                vec![format!("*a{before}"); 10].join(", ")
            ));
        }
        text
    };
    let heavy = format!("{{\"info\": [{}1]}}", "1,".repeat(WEIGHT_MAX));
    let long = " ".repeat(DOCUMENT_LEN_MAX + 1);
    for (text, line, problem) in [
        ("", 0, "empty"),
        ("{\n\"a\": ]", 2, "not JSON"),
        ("a: [\n", 0, "neither JSON nor YAML"),
        ("[]", 0, "not a map"),
        ("{}", 0, "neither `openapi` nor `swagger`"),
        ("openapi: 4.0.0", 0, "a version that is not known"),
        ("swagger: '1.2'", 0, "a version that is not known"),
        ("openapi: 3.0.0", 0, "no title"),
        ("a: 1\n---\nb: 2", 2, "second document"),
        ("openapi: 3.0.0\ninfo: &b [*b]", 2, "inside its own anchor"),
        (&deep, 1, "nested deeper"),
        (&deep_json, 1, "nested deeper than 128 levels"),
        (&laughs, 0, "more servers, schemes, paths and texts"),
        (&heavy, 1, "more servers, schemes, paths and texts"),
        (&long, 0, "bytes are more than"),
    ] {
        let error = import(text.as_bytes(), &Options::default()).unwrap_err();
        assert!(error.problem.contains(problem), "{:.60}: {error}", text);
        assert!(line == 0 || error.line == line, "{:.60}: {error}", text);
    }
    let error = import(b"{openapi: 3.0.0}", &Options::default()).unwrap_err();
    assert!(error.problem.contains("not JSON") && error.hint.contains("YAML"), "{error:?}");
    let error = import(b"openapi: 3.0.0\nx: \xff", &Options::default()).unwrap_err();
    assert_eq!((error.line, error.column), (2, 4));
}

#[test]
fn what_looks_filled_in_stays_text_in_a_file() {
    let made = imported(&with("/info/title", json!("${file:/etc/passwd} $${HOME}")));
    let yaml = made.to_yaml();
    assert!(yaml.contains("$${file:/etc/passwd} $$${HOME}"), "{yaml}");
}

#[test]
fn swagger_names_its_host_and_schemes_apart() {
    let document = json!({
        "swagger": "2.0", "info": { "title": "Pets", "version": "1" },
        "host": "pets.example", "basePath": "/v2", "schemes": ["http", "https"],
        "securityDefinitions": {
            "login": { "type": "basic" },
            "key": { "type": "apiKey", "in": "query", "name": "k" },
            "app": { "type": "oauth2", "flow": "application", "tokenUrl": "https://pets.example/t" },
        },
        "paths": { "/pets": { "get": {}, "post": { "operationId": "add pet", "deprecated": true } } },
    });
    let made = imported(&document);
    let json = made.to_json();
    assert_eq!(json["base_url"], "https://pets.example/v2");
    let types: Vec<&str> = made.report.auth.iter().map(|it| &*it.r#type).collect();
    assert_eq!(types, ["basic", "api_key", "oauth2"]);
    assert_eq!(told(&made), []);
    assert_eq!(
        json["endpoints"],
        json!({
            "get-pets": { "method": "GET", "path": "/pets" },
            "add-pet": { "name": "add pet", "method": "POST", "path": "/pets", "deprecated": true },
        })
    );
}

#[test]
fn references_are_followed_within_the_document_and_named_beyond_it() {
    let mut document = good();
    for (path, reference) in [
        ("/same/{id}", "#/paths/~1pets~1{id}"),
        ("/away", "away.yaml"),
        ("/nothing", "#/components/schemas/Pet"),
        ("/around", "#/paths/~1around"),
    ] {
        document["paths"][path] = json!({ "$ref": reference });
    }
    document["paths"]["/pets/{id}"].as_object_mut().unwrap().shift_remove("trace");
    let made = imported(&document);
    assert_eq!(made.connector.endpoints.keys().collect::<Vec<_>>(), ["get-pet", "get-pet-2"]);
    assert_eq!(
        told(&made),
        [
            ("/paths/~1away", Verdict::Skipped),
            ("/paths/~1nothing", Verdict::Skipped),
            ("/paths/~1around", Verdict::Skipped),
        ]
    );
}

#[test]
fn only_a_web_page_becomes_the_link_to_the_documentation() {
    let long = format!("https://a.example/{}", "a".repeat(1000));
    for (url, docs) in [
        ("https://docs.pets.example/v1#top", Some("https://docs.pets.example/v1#top")),
        (" http://docs.pets.example ", Some("http://docs.pets.example")),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("docs/index.html", None),
        (&long, None),
    ] {
        let made = imported(&with("/externalDocs", json!({ "url": url })));
        assert_eq!(made.connector.docs.as_deref(), docs, "{url}");
    }
}
