//! What is found out about requests that are signed right, and changed on their way.
use super::*;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;

const NOW: UnixTime = UnixTime::from_s(1_700_000_000);

const BODY: &str = r#"{"id":"evt_1","amount":1.0,"name":"Zoë"}"#;

/// From `printf '%s' "$BODY" | openssl dgst -sha256 -hmac canary-of-a-secret`.
const GITHUB: &str = "sha256=fdd82308109cd775fc2e7665fa93cbbdb48c3b5f9bb54d7702a1c9f9e5693110";

/// The same with `-binary | base64`.
const GITHUB_BASE64: &str = "/dgjCBCc13X8LnZl+pPLvbSMO1+btU13AqHJ+eVpMRA=";

/// From `printf '%s' "1700000000.$BODY" | openssl dgst -sha256 -hmac canary-of-a-secret`.
const STRIPE: &str =
    "t=1700000000,v1=e1efd9ee99d0827a449beed285e20aed76bcd37e75c7e8ac3193076a49b7c20d";

fn case(description: Value, header: (&'static str, &str), body: &str) -> Case<'static> {
    let mut headers = HeaderMap::new();
    headers.insert(header.0, HeaderValue::try_from(header.1).unwrap());
    let request = Request {
        method: Method::POST,
        url: "https://in.example.com/hooks/x".to_owned(),
        headers,
        body: body.as_bytes().to_vec(),
        is_url_assumed: false,
        oddities: Vec::new(),
    };
    let sender =
        Sender { secrets: vec![Secret::new("canary-of-a-secret")], ..Sender::of(description) };
    Case { sender, request, now: NOW, keys: None, ready: None }
}

fn github() -> Case<'static> {
    case(json!({ "preset": "github" }), ("x-hub-signature-256", GITHUB), BODY)
}

fn found(case: &Case<'_>) -> String {
    assert!(!case.verifies(), "it verifies as it is");
    findings(case).with.join("; ")
}

#[test]
fn a_body_that_was_changed_is_told_apart_by_how() {
    assert!(github().verifies());
    for (body, says) in [
        (format!("{BODY}\n"), "the body less its final line break"),
        (format!("{BODY}\r\n"), "the body less its final line break"),
        (format!("\u{feff}{BODY}"), "the body less the byte order mark before it"),
        (format!("  {BODY} "), "the body less the white space around it"),
        (
            r#"{"id": "evt_1", "amount": 1.0, "name": "Zo\u00eb"}"#.to_owned(),
            "the body's JSON written without white space",
        ),
    ] {
        let mut case = github();
        case.request.body = body.clone().into_bytes();
        let found = found(&case);
        assert!(found.contains(says), "{body:?}: {found}");
    }
    let mut other = github();
    other.request.body = BODY.replace("evt_1", "evt_2").into_bytes();
    assert_eq!(found(&other), "");
}

#[test]
fn a_secret_in_another_form_is_found() {
    for (secret, says) in [
        (" canary-of-a-secret\t", "less the white space around it"),
        ("\"canary-of-a-secret\"", "less the quotes around it"),
        ("GITHUB_SECRET=canary-of-a-secret", "behind the `=`"),
        ("whsec_canary-of-a-secret", "less its `whsec_`"),
        ("CANARY-OF-A-SECRET", "in lower case"),
    ] {
        let mut case = github();
        case.sender.secrets = vec![Secret::new(secret)];
        // A control character makes it no secret at all, which is said elsewhere.
        let found = findings(&case).with.join("; ");
        assert!(found.contains(says), "{secret:?}: {found}");
        assert!(!found.contains("canary"), "{found}");
    }
}

#[test]
fn a_description_that_is_nearly_right_is_put_right() {
    for (description, header, says) in [
        (
            json!({ "signature": { "header": "x-s", "encoding": "base64" }, "content": "{body}" }),
            &GITHUB[7..],
            "encoding: hex",
        ),
        (
            json!({ "signature": { "header": "x-s" }, "content": "{body}" }),
            GITHUB_BASE64,
            "encoding: base64",
        ),
        (
            json!({ "signature": { "header": "x-s" }, "content": "{body}" }),
            GITHUB,
            "prefix: \"sha256=\"",
        ),
        (
            json!({ "signature": { "header": "x-s" }, "content": "{body}" }),
            &GITHUB[7..].to_ascii_uppercase(),
            "in lower case",
        ),
        (
            json!({ "signature": { "header": "x-s" }, "content": "{body}", "key": { "encoding": "base64" } }),
            &GITHUB[7..],
            "taken as utf8",
        ),
        (
            json!({ "signature": { "header": "x-s" }, "content": "{body}", "algorithm": "hmac-sha512" }),
            &GITHUB[7..],
            "hmac-sha256",
        ),
        (
            json!({ "signature": { "header": "x-s" }, "content": "v1:{body}", "key": { "encoding": "base64" } }),
            &GITHUB[7..],
            "taken as utf8: `key: { encoding: utf8 }`, and `content: \"{body}\"`",
        ),
        (
            json!({
                "signature": { "header": "x-s", "list": ",", "label": "v1=" },
                "timestamp": { "label": "t=" }, "content": "{timestamp}:{body}"
            }),
            STRIPE,
            "`content: \"{timestamp}.{body}\"`",
        ),
    ] {
        let case = case(description.clone(), ("x-s", header), BODY);
        let found = findings(&case).with.join("; ");
        assert!(found.contains(says), "{description}: {found}");
    }
}

#[test]
fn another_preset_is_named() {
    let case = case(json!({ "preset": "slack" }), ("stripe-signature", STRIPE), BODY);
    assert!(found(&case).contains("the preset `stripe`"));
}

#[test]
fn a_clock_that_alone_is_wrong_is_told_as_such() {
    let mut case = case(json!({ "preset": "stripe" }), ("stripe-signature", STRIPE), BODY);
    assert!(case.verifies());
    case.now = UnixTime::from_s(1_800_000_000);
    assert_eq!(findings(&case), Findings { with: Vec::new(), only_stale: true });
    case.request.body.push(b'\n');
    let findings = findings(&case);
    assert!(!findings.only_stale);
    assert_eq!(findings.with[0], "the body less its final line break");
}
