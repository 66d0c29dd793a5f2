//! Documents that are short and ask for much: what they may take is bounded by their own length.
use super::good;
use super::imported;
use super::with;
use crate::import::Imported;
use crate::import::Options;
use crate::import::import;
use crate::import::operations::LOOKED_AT_MAX;
use crate::import::tree::METHODS;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

fn report_len(made: &Imported) -> usize {
    serde_json::to_vec(&made.report).unwrap().len()
}

fn says(made: &Imported, pointer: &str, problem: &str) {
    let mut places = made.report.places.iter();
    let found = places.any(|it| it.pointer == pointer && it.problem.contains(problem));
    assert!(found, "{:?}", made.report.places.iter().take(10).collect::<Vec<_>>());
}

#[test]
fn references_to_one_item_are_looked_at_so_often_and_no_more() {
    let servers: Vec<Value> =
        (0..2_000).map(|it| json!({ "url": format!("https://{it}.example") })).collect();
    let mut item: Map<String, Value> =
        METHODS.iter().map(|it| ((*it).to_owned(), json!({}))).collect();
    item.insert("servers".to_owned(), servers.into());
    let mut document = good();
    document["paths"] = (0..LOOKED_AT_MAX / METHODS.len())
        .map(|it| (format!("/{it}"), json!({ "$ref": "#/components/pathItems/all" })))
        .collect();
    document["components"]["pathItems"] = json!({ "all": item });
    let made = imported(&document);
    assert!(made.connector.endpoints.is_empty());
    assert_eq!(made.report.places.len(), 500);
    let told = made.report.places.iter().filter(|it| it.problem.contains("https://0.example"));
    assert!(told.count() > 490);
    // Nine of ten looks are at an operation; and that there are more, and no endpoints, is told as well.
    assert_eq!(made.report.more + 500, LOOKED_AT_MAX / 10 * 9 + 2);
}

#[test]
fn more_operations_than_are_looked_at_are_told_of() {
    let item: Map<String, Value> = METHODS.iter().map(|it| ((*it).to_owned(), json!({}))).collect();
    let mut document = good();
    document["paths"] = (0..LOOKED_AT_MAX / METHODS.len())
        .map(|it| (format!("/{it}"), json!({ "$ref": "#/components/pathItems/all" })))
        .collect();
    document["components"]["pathItems"] = json!({ "all": item });
    says(&imported(&document), "/paths", &format!("more than {LOOKED_AT_MAX} paths"));
}

#[test]
fn a_name_is_refused_before_it_is_in_the_name_of_every_place_below_it() {
    let path = format!("/{}", "p".repeat(1_024));
    let document = with("/paths", json!({ &path: { "get": {} } }));
    let json = document.to_string();
    let yaml = serde_yaml::to_string(&document).unwrap();
    for text in [json, yaml] {
        let error = import(text.as_bytes(), &Options::default()).unwrap_err();
        assert!(error.problem.contains("a name of 1025 bytes"), "{error}");
    }
    let document = with("/paths", json!({ &path[1..]: { "get": {} } }));
    assert!(imported(&document).connector.endpoints.is_empty());
}

#[test]
fn a_report_is_short_whatever_things_are_called() {
    let long = "~".repeat(1_000);
    let flow = json!({ "tokenUrl": "https://a.example/t", "scopes": { "read": "" } });
    let flows: Map<String, Value> =
        (0..2_000).map(|it| (format!("{it}{long}"), flow.clone())).collect();
    let mut document =
        with("/components/securitySchemes", json!({ &long: { "type": "oauth2", "flows": flows } }));
    document["paths"] =
        (0..2_000).map(|it| (format!("/{it}{long}"), json!({ "trace": {} }))).collect();
    let made = imported(&document);
    says(&made, &format!("/components/securitySchemes/{}/flows", "~0".repeat(1_000)), "1980 flows");
    assert!(report_len(&made) < 2 << 20, "{}", report_len(&made));

    // Keys one below the other, by a reference.
    let mut document = good();
    document["info"]["x"] = json!({ &long: { &long: { &long: { "trace": {} } } } });
    document["paths"] = json!({ "/a": { "$ref": format!("#/info/x{}", format!("/{}", "~0".repeat(1_000)).repeat(3)) } });
    let made = imported(&document);
    assert!(made.report.places.iter().all(|it| it.pointer.len() <= 4096));
}

#[test]
fn texts_of_schemes_and_operations_are_as_long_as_a_connector_needs_them() {
    let text = "x".repeat(1 << 20);
    let mut document = with(
        "/components/securitySchemes",
        json!({
            "long": { "type": "apiKey", "in": "header", "name": text },
            "login": { "type": "http", "scheme": "basic", "description": text },
        }),
    );
    document["paths"] = json!({ "/a": { "get": { "operationId": text, "description": text } } });
    let made = imported(&document);
    assert_eq!(made.connector.auth.keys().collect::<Vec<_>>(), ["login"]);
    says(&made, "/components/securitySchemes/long", "1048576 bytes");
    assert!(made.to_json().to_string().len() < 4_096);
}
