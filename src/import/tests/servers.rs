//! Servers and their variables: what becomes the base URL, and what of it is told.
use super::imported;
use super::told;
use super::with;
use crate::import::Options;
use crate::import::Verdict;
use crate::import::import;
use serde_json::Value;
use serde_json::json;

#[test]
fn each_variable_has_the_place_the_name_and_the_values_that_a_base_url_can_have() {
    let value = |it: Value| json!({ "v": it });
    let eu = json!({ "enum": ["eu", "us"], "default": "eu" });
    let odd = json!({ "enum": ["eu", "us"], "default": "asia" });
    let many =
        json!({ "enum": (0..201).map(|it| it.to_string()).collect::<Vec<_>>(), "default": "7" });
    let plain = |base_url: &str, variable: Value, told: usize| {
        (base_url.to_owned(), json!({ "v": variable }), told)
    };
    for (url, variables, expected) in [
        // A port is no host: its default says nothing of whose the host is.
        (
            "https://a.example:{v}/x",
            value(json!({ "default": "8443" })),
            plain("https://a.example:{v}/x", json!({ "default": "8443", "required": false }), 0),
        ),
        (
            "https://{v}.a.example",
            value(eu),
            plain(
                "https://{v}.a.example",
                json!({ "pattern": "eu|us", "default": "eu", "required": false }),
                0,
            ),
        ),
        (
            "https://{v}.a.example",
            value(odd),
            plain("https://{v}.a.example", json!({ "pattern": "eu|us", "required": true }), 1),
        ),
        // Too many to be a pattern: then nobody says whose the host is.
        (
            "https://{v}.a.example",
            value(many),
            plain("https://{v}.a.example", json!({ "required": true }), 2),
        ),
        (
            "https://a.example/{v}",
            value(
                json!({ "enum": ["v1.0", "v2"], "default": "v2", "description": "Which.\n\nMore." }),
            ),
            plain(
                "https://a.example/{v}",
                json!({ "pattern": r"v1\.0|v2", "default": "v2", "description": "Which.", "required": false }),
                0,
            ),
        ),
        (
            "https://{v}.a.example/{v}",
            json!({}),
            plain("https://{v}.a.example/{v}", json!({ "required": true }), 0),
        ),
        (
            "https://{v}/x",
            value(json!({ "enum": ["eu.example", "us.example/v1"] })),
            plain("https://{v}/x", json!({ "pattern": r"eu\.example", "required": true }), 1),
        ),
    ] {
        let made = imported(&with("/servers", json!([{ "url": url, "variables": variables }])));
        let json = made.to_json();
        let (base_url, variables, noted) = expected;
        assert_eq!(json["base_url"], json!(base_url), "{url}");
        assert_eq!(json["variables"], variables, "{url}");
        let at_server = made.report.places.iter().filter(|it| it.pointer.starts_with("/servers"));
        assert_eq!(at_server.count(), noted, "{url} {:?}", made.report.places);
    }
}

#[test]
fn a_variable_that_can_not_be_one_is_what_it_is_or_has_another_name() {
    for (url, variables, base_url, names) in [
        // Whoever writes a document does not say where credentials go by a default.
        ("{base}", json!({ "base": { "default": "https://a.example/v1" } }), None, &[][..]),
        ("{base}/v1", json!({}), None, &[]),
        (
            "https://a.example/{path}",
            json!({ "path": { "default": "api/v2" } }),
            Some("https://a.example/api/v2"),
            &[],
        ),
        (
            "https://{your-domain}.a.example",
            json!({}),
            Some("https://{your_domain}.a.example"),
            &["your_domain"],
        ),
        ("https://{}.a.example", json!({}), Some("https://{variable}.a.example"), &["variable"]),
        // Two that would be called the same, which stand for two things; and one that stands twice.
        (
            "https://a.example/{a-b}/{a_b}/{a-b}",
            json!({}),
            Some("https://a.example/{a_b}/{a_b_2}/{a_b}"),
            &["a_b", "a_b_2"],
        ),
        // Defaults that are more than what stands there: a path is written in, a host never is.
        (
            "https://a.example/v1/{base}/x",
            json!({ "base": { "default": "/v2/" } }),
            Some("https://a.example/v1/v2/x"),
            &[],
        ),
        (
            "https://a.example{base}/x",
            json!({ "base": { "default": "/v2/" } }),
            Some("https://a.example/v2/x"),
            &[],
        ),
        (
            "https://{region}.a.example:{port}{base}",
            json!({ "base": { "default": "/v2" } }),
            Some("https://{region}.a.example:{port}/v2"),
            &["region", "port"],
        ),
        ("https://{host}/v1", json!({ "host": { "default": "a.example/v1" } }), None, &[]),
        ("https://{host}/v1", json!({ "host": { "default": "a.example:8443" } }), None, &[]),
        ("https://{host}/v1", json!({ "host": { "default": "https://a.example" } }), None, &[]),
        ("https://{host}/v1", json!({ "host": { "default": "//evil.example/y" } }), None, &[]),
        ("https://{host}/v1", json!({ "host": { "default": "/evil.example/y" } }), None, &[]),
        ("https://{a}.{b}", json!({ "b": { "default": "x.example:8443" } }), None, &[]),
        ("https://{host}", json!({ "host": { "default": "{w}.example" } }), None, &[]),
        ("https://a.example/{v}", json!({ "v": { "default": "{w}/x" } }), None, &[]),
        ("https://a.example/{v}", json!({ "v": { "default": "v1#x" } }), None, &[]),
        ("https://{open.a.example", json!({}), None, &[]),
        ("ftp://a.example", json!({}), None, &[]),
        ("https://user@a.example", json!({}), None, &[]),
        ("https://a.example/v1?key=1", json!({}), None, &[]),
    ] {
        let made = imported(&with("/servers", json!([{ "url": url, "variables": variables }])));
        assert_eq!(made.connector.base_url.as_deref(), base_url, "{url}");
        assert_eq!(made.connector.variables.keys().collect::<Vec<_>>(), names, "{url}");
        let is_plain = base_url == Some(url);
        let is_told = made.report.places.iter().any(|it| it.pointer.starts_with("/servers/0"));
        assert_eq!(is_told, !is_plain, "{url} {:?}", made.report.places);
    }
}

#[test]
fn the_first_server_with_https_is_taken_and_the_others_are_named() {
    let servers = json!([
        { "url": "http://a.example" }, { "url": "/v1" }, { "url": "https://b.example" }, { "url": "https://c.example" },
    ]);
    let made = imported(&with("/servers", servers));
    assert_eq!(made.connector.base_url.as_deref(), Some("https://b.example"));
    let pointers = ["/servers/0", "/servers/1", "/servers/3"].map(|it| (it, Verdict::Noted));
    assert_eq!(told(&made)[..3], pointers);
    let made = imported(&with("/servers", json!([{ "url": "http://a.example" }])));
    assert_eq!(made.connector.base_url.as_deref(), Some("http://a.example"));
    assert_eq!(told(&made)[0], ("/servers/0/url", Verdict::Noted));
}

#[test]
fn a_base_url_that_is_given_stands_as_it_is() {
    let document = with("/servers", json!([{ "url": "/v1" }])).to_string();
    for (given, expected) in [
        ("https://eu.pets.example/v1/", Some("https://eu.pets.example/v1/")),
        ("https://{region}.pets.example", Some("https://{region}.pets.example")),
        ("pets.example", None),
        ("https://user:password@pets.example", None),
    ] {
        let options = Options { base_url: Some(given.to_owned()), ..Options::default() };
        let made = import(document.as_bytes(), &options);
        let base_url = made.as_ref().ok().and_then(|it| it.connector.base_url.as_deref());
        assert_eq!(base_url, expected, "{given}");
    }
}

#[test]
fn a_servers_url_is_short_however_often_a_variable_stands_in_it() {
    for (url, default) in [
        (format!("https://a.example/{}", "{v}".repeat(20)), "/x".repeat(200)),
        (format!("https://a.example/{}", "{v}".repeat(21)), "x".to_owned()),
        (format!("https://a.example/{}", "x".repeat(2048)), "x".to_owned()),
        (format!("https://a.example/{{{}}}", "x".repeat(65)), "x".to_owned()),
    ] {
        let server = json!([{ "url": url, "variables": { "v": { "default": default } } }]);
        let made = imported(&with("/servers", server));
        assert_eq!(made.connector.base_url, None, "{url:.60}");
        assert!(told(&made).contains(&("/servers/0/url", Verdict::Skipped)), "{url:.60}");
    }
}

#[test]
fn a_host_that_is_none_is_no_host() {
    for (host, base_path, base_url) in [
        ("", "/127.0.0.1:8080/v1", None),
        (" ", "/api", None),
        ("https://api.example.com", "/v1", None),
        ("a.example/", "/v1", None),
        ("a.example", "/v1", Some("https://a.example/v1")),
    ] {
        let document = json!({
            "swagger": "2.0", "info": { "title": "Pets", "version": "1" }, "host": host, "basePath": base_path,
        });
        let made = imported(&document);
        assert_eq!(made.connector.base_url.as_deref(), base_url, "{host}");
        let is_told = made.report.places.iter().any(|it| it.verdict == Verdict::Skipped);
        assert_eq!(is_told, base_url.is_none(), "{:?}", made.report.places);
    }
}

#[test]
fn a_base_path_is_no_part_of_the_hosts_name() {
    for (base_path, base_url, is_told) in [
        ("m/v1", "https://api.example.co/m/v1", true),
        ("/m/v1", "https://api.example.co/m/v1", false),
        ("", "https://api.example.co", false),
    ] {
        let document = json!({
            "swagger": "2.0", "info": { "title": "Pets", "version": "1" }, "host": "api.example.co", "basePath": base_path,
        });
        let made = imported(&document);
        assert_eq!(made.connector.base_url.as_deref(), Some(base_url));
        assert_eq!(told(&made).contains(&("/basePath", Verdict::Noted)), is_told, "{base_path}");
    }
}
