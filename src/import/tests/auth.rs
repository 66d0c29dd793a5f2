//! Security schemes: which methods they become, alone and together.
use super::good;
use super::imported;
use super::with;
use crate::import::Verdict;
use crate::import::flows;
use crate::import::format::Format;
use crate::import::tree::Pointer;
use serde_json::Value;
use serde_json::json;

/// The good document with these schemes, and operations that ask for all of them together.
fn together(schemes: &[(&str, Value)]) -> Value {
    let mut document = good();
    let set: serde_json::Map<String, Value> =
        schemes.iter().map(|it| (it.0.to_owned(), json!([]))).collect();
    document["security"] = json!([set]);
    document["components"]["securitySchemes"] =
        schemes.iter().map(|it| (it.0.to_owned(), it.1.clone())).collect();
    document
}

fn key(name: &str) -> Value {
    json!({ "type": "apiKey", "in": "header", "name": name })
}

#[test]
fn schemes_together_are_one_method_where_each_is_a_fixed_value_at_a_place_of_its_own() {
    let bearer = json!({ "type": "http", "scheme": "bearer" });
    let basic = json!({ "type": "http", "scheme": "Basic" });
    let digest = json!({ "type": "http", "scheme": "digest" });
    let oauth2 = json!({ "type": "oauth2", "flows": {} });
    for (schemes, method, values) in [
        ([("a", key("X-A")), ("b", bearer.clone())], Some("a-b"), &["{a}", "Bearer {b}"][..]),
        ([("a", key("X-A")), ("b", basic.clone())], Some("a-b"), &["{a}", "Basic {b|base64}"]),
        // One header carries one of them: then each that can be is a method.
        ([("a", bearer.clone()), ("b", basic)], None, &["a", "b"]),
        ([("a", key("X-A")), ("b", key("x-a"))], None, &["a", "b"]),
        ([("a", key("X-A")), ("b", digest)], None, &["a", "b"]),
        ([("a", key("X-A")), ("b", oauth2)], None, &["a"]),
        // Names that become one and the same field.
        (
            [("appId", key("X-A")), ("app-id", key("X-B"))],
            Some("app-id-app-id"),
            &["{app_id}", "{app_id_2}"],
        ),
    ] {
        let made = imported(&together(&schemes));
        let json = made.to_json();
        let methods: Vec<&String> = made.connector.auth.keys().collect();
        assert_eq!(methods, method.as_ref().map_or(values, std::slice::from_ref), "{schemes:?}");
        let is_told =
            made.report.places.iter().any(|it| {
                it.verdict == Verdict::Skipped && it.pointer.contains("/securitySchemes/")
            });
        assert_eq!(is_told, method.is_none(), "{schemes:?} {:?}", made.report.places);
        let Some(method) = method else { continue };
        let found = json["auth"][method]["custom"]["inject"].as_array().into_iter().flatten();
        let mut found: Vec<&str> = found.filter_map(|it| it["value"].as_str()).collect();
        found.sort_by_key(|it| !it.starts_with("{a"));
        assert_eq!(found, values, "{schemes:?}");
    }
}

#[test]
fn what_operations_behind_a_reference_ask_for_counts() {
    let mut document = with("/components/securitySchemes/key", key("X-Key"));
    document.as_object_mut().unwrap().shift_remove("security");
    document["components"]["pathItems"] =
        json!({ "thing": { "get": { "security": [{ "token": [], "key": [] }] } } });
    document["paths"] = json!({ "/thing": { "$ref": "#/components/pathItems/thing" } });
    let made = imported(&document);
    assert_eq!(made.connector.auth.keys().collect::<Vec<_>>(), ["key-token"]);
}

#[test]
fn schemes_that_can_not_be_one_method_are_one_each() {
    let mut document =
        with("/components/securitySchemes/signed", json!({ "type": "http", "scheme": "digest" }));
    document["components"]["securitySchemes"]["key"] = key("X-Key");
    document["security"] = json!([{ "token": [], "key": [], "signed": [] }]);
    let made = imported(&document);
    assert_eq!(made.connector.auth.keys().collect::<Vec<_>>(), ["token", "signed", "key"]);
    let mut places = made.report.places.iter();
    let place = places.find(|it| it.problem.contains("are needed together")).unwrap();
    assert!(place.hint.contains("each is a method of its own"), "{place}");
}

#[test]
fn a_choice_of_schemes_is_a_method_of_each_and_nothing_asked_for_is_left_unsaid() {
    let mut document = with("/components/securitySchemes/key", key("X-Key"));
    document["security"] = json!([{}, { "token": [] }, { "key": [] }]);
    let made = imported(&document);
    assert_eq!(made.connector.auth.keys().collect::<Vec<_>>(), ["token", "key"]);
    document["security"] = json!([{ "nobody": [] }]);
    let made = imported(&document);
    let place = made.report.places.iter().find(|it| it.pointer == "/security").unwrap();
    assert!(place.problem.contains("`nobody`, which is not defined"), "{place}");
    document["components"] = json!({});
    document["security"] = json!([]);
    let made = imported(&document);
    assert_eq!(made.to_json()["auth"], json!({ "none": { "none": {} } }));
    assert!(made.report.places.iter().any(|it| it.problem.contains("no authentication at all")));
}

#[test]
fn digest_and_certificates_are_methods_and_an_issuer_that_is_missing_is_told() {
    for (scheme, made_of, skipped) in [
        (json!({ "type": "openIdConnect" }), None, 1),
        (json!({ "type": "mutualTLS" }), Some(json!({ "mtls": {} })), 0),
        (json!({ "type": "http", "scheme": "Digest" }), Some(json!({ "digest": {} })), 0),
    ] {
        let made = imported(&with("/components/securitySchemes/token", scheme.clone()));
        let auth = &made.to_json()["auth"];
        let expected = made_of.map(|it| json!({ "token": it }));
        assert_eq!(
            auth.as_object().filter(|it| !it.is_empty()),
            expected.as_ref().and_then(|it| it.as_object()),
            "{scheme}"
        );
        let places = made.report.places.iter().filter(|it| it.pointer.starts_with("/components"));
        let count = places.filter(|it| it.verdict == Verdict::Skipped).count();
        assert_eq!(count, skipped, "{scheme}");
    }
}

#[test]
fn each_flow_with_a_grant_is_a_method_and_asks_for_no_scopes() {
    let flow = json!({ "authorizationUrl": "https://a.example/a", "tokenUrl": "https://a.example/t", "scopes": { "read": "" } });
    let known = "https://a.example/.well-known/openid-configuration";
    let flows = json!({ "authorizationCode": flow, "clientCredentials": flow, "implicit": flow });
    for (scheme, grants, skipped) in [
        (
            json!({ "type": "oauth2", "flows": flows }),
            &[
                ("token-authorization_code", "authorization_code"),
                ("token-client_credentials", "client_credentials"),
            ][..],
            1,
        ),
        (
            json!({ "type": "oauth2", "flows": { "clientCredentials": flow } }),
            &[("token", "client_credentials")],
            0,
        ),
        (
            json!({ "type": "openIdConnect", "openIdConnectUrl": known }),
            &[("token", "authorization_code")],
            0,
        ),
        // The grant needs a URL that is not there.
        (json!({ "type": "oauth2", "flows": { "clientCredentials": {} } }), &[], 1),
    ] {
        let made = imported(&with("/components/securitySchemes/token", scheme.clone()));
        let json = made.to_json();
        let found: Vec<(&str, &str)> = made
            .connector
            .auth
            .keys()
            .map(|it| (it.as_str(), json["auth"][it]["oauth2"]["grant"].as_str().unwrap()))
            .collect();
        assert_eq!(found, grants, "{scheme}");
        assert!(!json["auth"].to_string().contains("scopes"), "{json}");
        let places = made.report.places.iter().filter(|it| it.pointer.starts_with("/components"));
        let places: Vec<_> = places.filter(|it| it.verdict == Verdict::Skipped).collect();
        assert_eq!(places.len(), skipped, "{scheme} {places:?}");
    }
}

#[test]
fn flows_have_the_settings_of_their_grants() {
    let scheme = json!({ "type": "oauth2", "flows": {
        "authorizationCode": {
            "authorizationUrl": "/authorize", "tokenUrl": "https://id.example/token",
            "refreshUrl": "https://id.example/refresh", "scopes": { "read": "Reads.", "x-own": "" },
        },
        "deviceAuthorization": { "deviceAuthorizationUrl": "device", "tokenUrl": " " },
        "x-own": {}, "telepathy": {},
    } });
    let base = Some("https://api.example/v1/");
    let format = Format::OpenApi3 { minor: 1 };
    let flows = flows::flows(&scheme, format, &Pointer::root(), base);
    let found: Vec<_> = flows.iter().map(|it| (it.grant, &it.settings, it.scopes.len())).collect();
    let code = json!({
        "grant": "authorization_code", "authorize_url": "https://api.example/authorize", "token_url": "https://id.example/token",
        "refresh": { "url": "https://id.example/refresh" },
    });
    let device = json!({ "grant": "device_code", "device_url": "https://api.example/v1/device" });
    assert_eq!(
        found,
        [
            (Some("authorization_code"), &code, 1),
            (Some("device_code"), &device, 0),
            (None, &json!({}), 0)
        ]
    );
    let discovered = |url: &str| flows::discovered(&json!({ "openIdConnectUrl": url }), base);
    assert_eq!(
        discovered("https://id.example/t/.well-known/openid-configuration"),
        Some(json!({ "grant": "authorization_code", "issuer": "https://id.example/t" }))
    );
    assert_eq!(flows::discovered(&json!({}), base), None);

    let swagger = json!({ "type": "oauth2", "flow": "accessCode", "authorizationUrl": "https://a.example/a", "tokenUrl": "https://a.example/t", "scopes": {} });
    let flows = flows::flows(&swagger, Format::Swagger2, &Pointer::root(), None);
    assert_eq!(flows[0].grant, Some("authorization_code"));
}
