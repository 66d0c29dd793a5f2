//! Documents that are short and ask for much: what they may take is bounded by their own length.
use super::good;
use super::imported;
use super::with;
use crate::import::Imported;
use crate::import::Options;
use crate::import::import;
use crate::import::operations::LOOKED_AT_MAX;
use crate::import::reference::References;
use crate::import::tree::METHODS;
use crate::import::tree::Pointer;
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
fn path_items_without_operations_are_looked_at_so_often_as_well() {
    let mut document = good();
    document["paths"] = (0..LOOKED_AT_MAX + 1)
        .map(|it| (format!("/{it}"), json!({ "$ref": "#/components/pathItems/none" })))
        .collect();
    document["components"]["pathItems"] = json!({ "none": {} });
    says(&imported(&document), "/paths", &format!("more than {LOOKED_AT_MAX} paths"));
}

#[test]
fn a_reference_is_looked_up_once_however_many_lead_to_it() {
    // Sixteen long ones behind each path; each would be decoded and looked up for each operation and each pass.
    let name = |it: usize| format!("{it:02}{}", "n".repeat(1_000));
    let reference = |it: usize| json!({ "$ref": format!("#/components/pathItems/{}", name(it)) });
    let mut items: Map<String, Value> = (1..15).map(|it| (name(it), reference(it + 1))).collect();
    let all = METHODS.iter().map(|it| ((*it).to_owned(), json!({})));
    items.insert(name(15), all.collect::<Map<_, _>>().into());
    let mut document = good();
    document["components"]["pathItems"] = items.into();
    document["paths"] = (0..100).map(|it| (format!("/{it}"), reference(1))).collect();
    let document = document;
    let references = References::of(&document);
    let paths = document["paths"].as_object().unwrap();
    for (path, item) in paths {
        let (items, broken) = references.chain(item, &Pointer::root().child(path));
        assert_eq!((items.len(), broken), (16, None));
    }
    assert_eq!(references.looked_up(), paths.len() + 14);
    assert_eq!(imported(&document).connector.endpoints.len(), 100 * (METHODS.len() - 1));
}

#[test]
fn a_key_that_stands_often_costs_no_look_at_all_that_is_below_it() {
    let far: String = (0..100).map(|it| format!("\"/{it}\": {{\"trace\": {{}}}},")).collect();
    let often = "\"paths\": 0,".repeat(50_000);
    let document = format!(
        "{{\"openapi\": \"3.0.0\", \"info\": {{\"title\": \"T\"}}, {often}\n\"paths\": {{{far}\n\"/x\": {{}}}}}}"
    );
    let made = import(document.as_bytes(), &Options::default()).unwrap();
    let traces = made.report.places.iter().filter(|it| it.pointer.ends_with("trace"));
    assert_eq!(traces.filter(|it| it.line == 2).count(), 100);
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
    let long = "~".repeat(1_015);
    let flow = json!({ "tokenUrl": "https://a.example/t", "scopes": { "read": "" } });
    let flows: Map<String, Value> =
        (0..2_000).map(|it| (format!("{it:04}{long}"), flow.clone())).collect();
    let mut document =
        with("/components/securitySchemes", json!({ &long: { "type": "oauth2", "flows": flows } }));
    document["paths"] =
        (0..2_000).map(|it| (format!("/{it}{long}"), json!({ "trace": {} }))).collect();
    let made = imported(&document);
    let all_flows = format!("/components/securitySchemes/{}/flows", "~0".repeat(1_015));
    says(&made, &all_flows, "1980 flows");
    // Each flow is told of, at what is around it: its own place is too long a text.
    let of_flows = made.report.places.iter().filter(|it| it.pointer.starts_with(&all_flows));
    assert_eq!(of_flows.count(), 20 + 1);
    assert!(made.report.places.iter().all(|it| it.pointer.len() <= 4096));
    assert!(report_len(&made) < 2 << 20, "{}", report_len(&made));
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
