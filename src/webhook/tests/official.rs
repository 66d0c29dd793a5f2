//! Where official verifiers accept too much, or differ: what becomes of the same deliveries here.
//! Each is correctly signed unless its row says otherwise, by `printf '%s' CONTENT | openssl dgst
//! -sha256 -hmac it-is-a-secret` (with `-binary | base64` where the signature is base64).
use super::Case;
use super::described;
use crate::model::Secret;
use crate::webhook::Given;

const BODY: &str = r#"{"id":7}"#;
const TEN_YEARS_MS: u64 = 10 * 365 * 86_400 * 1000;

fn preset(name: &str) -> Case {
    Case::new(&format!("preset: {name}"), BODY)
}

fn stripe(time: &str, signature: &str) -> Case {
    preset("stripe").and("Stripe-Signature", format!("t={time},v1={signature}"))
}

fn paddle(time: &str, signature: &str) -> Case {
    preset("paddle-billing").and("Paddle-Signature", format!("ts={time};h1={signature}"))
}

fn slack(time: &str, signature: &str) -> Case {
    preset("slack")
        .and("X-Slack-Signature", format!("v0={signature}"))
        .and("X-Slack-Request-Timestamp", time)
}

fn hubspot(time: &str, signature: &str) -> Case {
    preset("hubspot-v3")
        .and("X-HubSpot-Signature-v3", signature)
        .and("X-HubSpot-Request-Timestamp", time)
}

fn zendesk(time: &str, signature: &str) -> Case {
    preset("zendesk")
        .and("X-Zendesk-Webhook-Signature", signature)
        .and("X-Zendesk-Webhook-Signature-Timestamp", time)
}

#[test]
fn a_timestamp_ten_years_ahead_is_stale() {
    for (sender, case) in [
        // 1700000000.{"id":7}
        (
            "stripe",
            stripe(
                "1700000000",
                "f0bb472517ab8ca629a48ab5a2eb25bab98d08a5bd36cd44ec24541d78b59f8f",
            ),
        ),
        // 1700000000:{"id":7}
        (
            "paddle",
            paddle(
                "1700000000",
                "0319af8274d437e441648397be2153aaf3c79c493f3648c2a23ab98d7ff5fe37",
            ),
        ),
        // v0:1700000000:{"id":7}
        (
            "slack",
            slack("1700000000", "2508bf2a0443721b64473c17e6ac3b3bab4ced876a440dce7c82f955fd7e520c"),
        ),
        // POSThttps://hooks.example.com/hooks/in{"id":7}1700000000000
        ("hubspot", hubspot("1700000000000", "ulNuM9QYjssg0LnTfuvlX1tFeaNqZLmxfBq0egO4894=")),
        // 2023-11-14T22:13:20Z{"id":7}
        (
            "zendesk",
            zendesk("2023-11-14T22:13:20Z", "uUFPicY+p2QkXptGS/wCvWDKSi4WsNMP4krUECTzT60="),
        ),
    ] {
        assert_eq!(case.verdict(), "good", "{sender}");
        let ten_years_before = case.now.as_ms() - TEN_YEARS_MS;
        assert_eq!(case.at_ms(ten_years_before).verdict(), "stale", "{sender}");
    }
}

#[test]
fn milliseconds_where_seconds_are_due_are_stale() {
    for (sender, case) in [
        // 1700000000000.{"id":7}
        (
            "stripe",
            stripe(
                "1700000000000",
                "05f4bd42211c899f8b4459978e30d4615a227b2ec59ca747b53956522dd1103f",
            ),
        ),
        // 1700000000000:{"id":7}
        (
            "paddle",
            paddle(
                "1700000000000",
                "1eb6cecd1314834cbdf670cd2a0b1e120d08697f8791375a900c40aa58860c68",
            ),
        ),
        // v0:1700000000000:{"id":7}
        (
            "slack",
            slack(
                "1700000000000",
                "9305ef056718b807f4bebbeb6342ad7e74f780eb3171239710f3358c408ac47a",
            ),
        ),
    ] {
        assert_eq!(case.verdict(), "stale", "{sender}");
    }
}

#[test]
fn a_timestamp_that_is_no_number_is_malformed() {
    for (sender, case) in [
        // POSThttps://hooks.example.com/hooks/in{"id":7}abc
        ("hubspot", hubspot("abc", "ixGoIptc1mV0dGI6JnHtIJQmXE1SMH2Qjk1FoAK8hxg=")),
        // abc.{"id":7}
        (
            "stripe",
            stripe("abc", "0e04ab057949e268978ee21a7d69fbc9f54eceed05e4fb5aa5625a1a46c1abd0"),
        ),
        // abc{"id":7}
        ("zendesk", zendesk("abc", "YSMEZ3DQt2kjYE1MOjNy1r8K3OmWViyrPu9f96SFanM=")),
    ] {
        assert_eq!(case.verdict(), "malformed", "{sender}");
    }
}

#[test]
fn an_empty_secret_does_not_even_load() {
    for name in crate::webhook::preset_names() {
        let description = described(&format!("preset: {name}")).unwrap();
        if !description.fields().iter().any(|it| it.0 == crate::webhook::SECRET) {
            continue;
        }
        let [secret, verify_token] = ["", "v"].map(Secret::new);
        let given =
            Given { secrets: &[secret], verify_token: Some(&verify_token), account: Some("a") };
        let error = description.verifier(&given).unwrap_err();
        assert!(error.problem.starts_with("is empty"), "{name}: {error}");
    }
}

#[test]
fn a_digest_of_another_algorithm_is_not_taken_for_the_headers_own() {
    // {"id":7} with -sha1
    let sha1 = "sha1=97b3cfba17c8389d79fbcb55078d694eca606bdb";
    assert_eq!(preset("github").and("X-Hub-Signature-256", sha1).verdict(), "malformed");
}

#[test]
fn hex_in_upper_case_is_malformed() {
    // {"id":7}
    let digits = "03ea163a89714a7743145e331914b42c59f75d3b25b67d0ffab40f79f06c0354";
    let github =
        |digits: &str| preset("github").and("X-Hub-Signature-256", format!("sha256={digits}"));
    assert_eq!(github(digits).verdict(), "good");
    assert_eq!(github(&digits.to_uppercase()).verdict(), "malformed");
    assert_eq!(github(&digits.replacen('e', "E", 1)).verdict(), "malformed");
}

#[test]
fn base64_has_its_one_spelling() {
    // {"id":7}; webhook-id.1700000000.{"id":7}, with the secret's text decoded, for the second.
    let shopify = |text: &str| preset("shopify").and("X-Shopify-Hmac-Sha256", text);
    let standard = |text: &str| {
        preset("standard-webhooks")
            .secrets(&["whsec_aXQtaXMtYS1zZWNyZXQ="])
            .and("webhook-id", "msg_1")
            .and("webhook-timestamp", "1700000000")
            .and("webhook-signature", format!("v1,{text}"))
    };
    type Sender<'s> = (&'static str, &'s dyn Fn(&str) -> Case);
    let senders: [Sender<'_>; 2] = [
        ("A+oWOolxSndDFF4zGRS0LFn3XTsltn0P+rQPefBsA1Q=", &shopify),
        ("OamqUVjFBkOc8yIdUHHy7NQbqtKcEvWTX5uxxrZ0H0c=", &standard),
    ];
    for (good, case) in senders {
        assert_eq!(case(good).verdict(), "good");
        let bare = good.trim_end_matches('=');
        let next = char::from(bare.as_bytes()[42] + 1);
        for bad in [
            bare.to_owned(),
            format!("{good}="),
            format!("{good}=="),
            format!("{bare}==="),
            format!("{}{next}=", &bare[..42]),
            good.replace('+', "-").replace('/', "_"),
            format!("{good}!"),
        ] {
            if bad != good {
                assert_eq!(case(&bad).verdict(), "malformed", "{bad}");
            }
        }
    }
}

#[test]
fn a_byte_order_mark_is_part_of_the_body() {
    let good =
        stripe("1700000000", "f0bb472517ab8ca629a48ab5a2eb25bab98d08a5bd36cd44ec24541d78b59f8f");
    let marked = good.body([b"\xef\xbb\xbf", BODY.as_bytes()].concat());
    assert_eq!(marked.verdict(), "mismatch");
}

#[test]
fn a_signature_header_sent_twice_is_malformed_whichever_is_good() {
    let cases = [
        (
            "Stripe-Signature",
            stripe(
                "1700000000",
                "f0bb472517ab8ca629a48ab5a2eb25bab98d08a5bd36cd44ec24541d78b59f8f",
            ),
        ),
        (
            "Paddle-Signature",
            paddle(
                "1700000000",
                "0319af8274d437e441648397be2153aaf3c79c493f3648c2a23ab98d7ff5fe37",
            ),
        ),
        (
            "X-Slack-Signature",
            slack("1700000000", "2508bf2a0443721b64473c17e6ac3b3bab4ced876a440dce7c82f955fd7e520c"),
        ),
        (
            "X-HubSpot-Signature-v3",
            hubspot("1700000000000", "ulNuM9QYjssg0LnTfuvlX1tFeaNqZLmxfBq0egO4894="),
        ),
    ];
    for (header, good) in cases {
        let text = good.value(header);
        let other = text.replace(['a', 'b', 'c'], "0");
        let (first, last) =
            (good.clone().and(header, &other), good.with(header, &other).and(header, &text));
        assert_eq!(first.verdict(), "malformed", "{header}: the good one first");
        assert_eq!(last.verdict(), "malformed", "{header}: the good one last");
    }
}

#[test]
fn a_standard_signature_has_its_version() {
    let case = |text: &str| {
        preset("standard-webhooks")
            .secrets(&["whsec_aXQtaXMtYS1zZWNyZXQ="])
            .and("webhook-id", "msg_1")
            .and("webhook-timestamp", "1700000000")
            .and("webhook-signature", text)
            .verdict()
    };
    // msg_1.1700000000.{"id":7}
    let signature = "OamqUVjFBkOc8yIdUHHy7NQbqtKcEvWTX5uxxrZ0H0c=";
    assert_eq!(case(&format!("v1,{signature}")), "good");
    for unversioned in ["", "v2,", "v1a,", "v1=", "V1,", "v1,,", " v1, "] {
        let verdict = case(&format!("{unversioned}{signature}"));
        assert!(matches!(verdict, "missing" | "malformed"), "{unversioned:?}: {verdict}");
    }
}

#[test]
fn a_signed_query_parameter_occurs_once() {
    let case = preset("github")
        .described(r#"{ signature: { header: X-Sig }, content: "{query.bodySHA256}{body}" }"#)
        // abc{"id":7}
        .and("X-Sig", "6123046770d0b76923604d4c3a3372d6bf0adce996562cab3eef5ff7a4856a73");
    let url = "https://hooks.example.com/in?bodySHA256=abc";
    assert_eq!(case.clone().url(url).verdict(), "good");
    for again in ["&bodySHA256=abc", "&bodySHA256=def", "&body%53HA256=def", "&bodySHA256"] {
        assert_eq!(case.clone().url(&format!("{url}{again}")).verdict(), "malformed", "{again}");
    }
}

#[test]
fn either_of_two_signatures_of_one_version_may_be_the_good_one() {
    let wrong = "0".repeat(64);
    let good =
        paddle("1700000000", "0319af8274d437e441648397be2153aaf3c79c493f3648c2a23ab98d7ff5fe37")
            .value("Paddle-Signature");
    for both in [format!("{good};h1={wrong}"), good.replace(";h1", &format!(";h1={wrong};h1"))] {
        let case = preset("paddle-billing").and("Paddle-Signature", &both);
        assert_eq!(case.verdict(), "good", "{both}");
    }
}

#[test]
fn raw_spacing_passes_and_changed_spacing_does_not() {
    let zoom = preset("zoom")
        .body("{ \"id\" : 7 }")
        // v0:1700000000:{ "id" : 7 }
        .and(
            "x-zm-signature",
            "v0=66a8d1b298a090d351f7492059ca1ebc2c6d68fe7b9bd72e96adde7a4ebfafa6",
        )
        .and("x-zm-request-timestamp", "1700000000");
    assert_eq!(zoom.verdict(), "good");
    assert_eq!(zoom.body(BODY).verdict(), "mismatch");
}
