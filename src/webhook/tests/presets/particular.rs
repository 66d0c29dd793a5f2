//! What is particular to one preset or another, and published vectors: good deliveries, and the same
//! ones broken.
//!
//! Vectors without a source of their own come from `printf '%s' CONTENT | openssl dgst -sha256 -hmac
//! SECRET`, with `-binary | base64` where the signature is base64; CONTENT is written above each.
use crate::webhook::tests::Case;
use crate::webhook::tests::described;

struct Good {
    preset: &'static str,
    case: Case,
    signature: &'static str,
    clock: Clock,
    id: Option<&'static str>,
    remember_s: u64,
}

/// Where the clock is, and by how many seconds it may be off.
enum Clock {
    None,
    Header(&'static str, u64, u64),
    /// In the signature's list, or in the body.
    Within(u64, u64),
}

fn goods() -> Vec<Good> {
    let case = |preset: &str, body| Case::new(&format!("preset: {preset}"), body);
    vec![
        Good {
            preset: "github",
            // GitHub, "Validating webhook deliveries", "Testing the webhook payload validation".
            case: case("github", "Hello, World!")
                .secrets(&["It's a Secret to Everybody"])
                .and(
                    "X-Hub-Signature-256",
                    "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
                )
                .and("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
            signature: "X-Hub-Signature-256",
            clock: Clock::None,
            id: Some("72d3162e-cc78-11e3-81ab-4c9367dc0958"),
            remember_s: 86_400,
        },
        Good {
            preset: "stripe",
            // 1700000000.{"id":"evt_1"} with whsec_abc123
            case: case("stripe", r#"{"id":"evt_1"}"#).secrets(&["whsec_abc123"]).and(
                "Stripe-Signature",
                "t=1700000000,\
                 v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39,\
                 v1=3c1703295632071bee51389ab56d5267b00c64ebe6358a21657e99433a11a972",
            ),
            signature: "Stripe-Signature",
            clock: Clock::Within(300, 300),
            id: Some("evt_1"),
            remember_s: 601,
        },
        Good {
            preset: "slack",
            // Slack, "Verifying requests from Slack".
            case: case("slack", SLACK_FORM)
                .secrets(&["8f742231b10e8888abcd99yyyzzz85a5"])
                .and(
                    "X-Slack-Signature",
                    "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
                )
                .and("X-Slack-Request-Timestamp", "1531420618")
                .at_ms(1_531_420_618_000),
            signature: "X-Slack-Signature",
            clock: Clock::Header("X-Slack-Request-Timestamp", 300, 300),
            id: None,
            remember_s: 601,
        },
        Good {
            preset: "shopify",
            // {"id":7}
            case: case("shopify", r#"{"id":7}"#)
                .and("X-Shopify-Hmac-Sha256", "A+oWOolxSndDFF4zGRS0LFn3XTsltn0P+rQPefBsA1Q=")
                .and("X-Shopify-Webhook-Id", "b54557e4"),
            signature: "X-Shopify-Hmac-Sha256",
            clock: Clock::None,
            id: Some("b54557e4"),
            remember_s: 86_400,
        },
        Good {
            preset: "standard-webhooks",
            // The specification's reference libraries, `test_verify` of the signing function.
            case: case("standard-webhooks", r#"{"test": 2432232314}"#)
                .secrets(&["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
                .and("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
                .and("webhook-timestamp", "1614265330")
                .and(
                    "webhook-signature",
                    "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= \
                     v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg== \
                     v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                )
                .at_ms(1_614_265_330_000),
            signature: "webhook-signature",
            clock: Clock::Header("webhook-timestamp", 300, 300),
            id: Some("msg_p5jXN8AQM9LWM0D4loKWxJek"),
            remember_s: 601,
        },
        Good {
            preset: "svix",
            // As above: Svix publishes the same vector under its own header names.
            case: case("svix", r#"{"test": 2432232314}"#)
                .secrets(&["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
                .and("svix-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
                .and("svix-timestamp", "1614265330")
                .and("svix-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
                .at_ms(1_614_265_330_000),
            signature: "svix-signature",
            clock: Clock::Header("svix-timestamp", 300, 300),
            id: Some("msg_p5jXN8AQM9LWM0D4loKWxJek"),
            remember_s: 601,
        },
        Good {
            preset: "linear",
            // {"action":"create","webhookTimestamp":1700000000000}
            case: case("linear", r#"{"action":"create","webhookTimestamp":1700000000000}"#)
                .and(
                    "Linear-Signature",
                    "9288e429e88f07d7836eb712cb57cb81d6da86c9ff0f6b20f4d141d15fedb852",
                )
                .and("Linear-Delivery", "234d1a4e-b617-4388-90fe-adc3633d6b72"),
            signature: "Linear-Signature",
            clock: Clock::Within(60, 60),
            id: Some("234d1a4e-b617-4388-90fe-adc3633d6b72"),
            remember_s: 121,
        },
        Good {
            preset: "zendesk",
            // 2023-11-14T22:13:20Z{"id":7}
            case: case("zendesk", r#"{"id":7}"#)
                .and(
                    "X-Zendesk-Webhook-Signature",
                    "uUFPicY+p2QkXptGS/wCvWDKSi4WsNMP4krUECTzT60=",
                )
                .and("X-Zendesk-Webhook-Signature-Timestamp", "2023-11-14T22:13:20Z")
                .and("X-Zendesk-Webhook-Invocation-Id", "01GZ"),
            signature: "X-Zendesk-Webhook-Signature",
            clock: Clock::Header("X-Zendesk-Webhook-Signature-Timestamp", 300, 300),
            id: Some("01GZ"),
            remember_s: 601,
        },
        Good {
            preset: "square",
            // https://example.com/webhook and the body, with asdf1234
            case: case("square", SQUARE_BODY)
                .secrets(&["asdf1234"])
                .url("https://example.com/webhook")
                .and(
                    "x-square-hmacsha256-signature",
                    "pGRqj9GSSbM6O/O9z98MeFVedq3Q2OTDEMGMq8wEM+s=",
                ),
            signature: "x-square-hmacsha256-signature",
            clock: Clock::None,
            id: Some("ac3ac95b-f97d-458c-a6e6-18981597e05f"),
            remember_s: 86_400,
        },
        Good {
            preset: "hubspot-v3",
            // POSThttps://hooks.example.com/hooks/in/a:b?q=(x)*&r=%20z[{"eventId":1}]1700000000000
            case: case("hubspot-v3", r#"[{"eventId":1}]"#)
                .url("https://hooks.example.com/hooks/in/a%3Ab%3fq=%28x%29%2A&r=%20z")
                .and("X-HubSpot-Signature-v3", "3O+G/iLbYZXzOhjRzw/XmbKHk1dtUuIQKyrxgDVKPCc=")
                .and("X-HubSpot-Request-Timestamp", "1700000000000"),
            signature: "X-HubSpot-Signature-v3",
            clock: Clock::Header("X-HubSpot-Request-Timestamp", 300, 300),
            id: None,
            remember_s: 601,
        },
        Good {
            preset: "typeform",
            // {"event_id":"01H","form_response":{}}
            case: case("typeform", r#"{"event_id":"01H","form_response":{}}"#).and(
                "Typeform-Signature",
                "sha256=MGJPc/nlsua8CX4GY+PPTENH4ZZ21x79fm+qBkF7Hf8=",
            ),
            signature: "Typeform-Signature",
            clock: Clock::None,
            id: Some("01H"),
            remember_s: 86_400,
        },
        Good {
            preset: "calendly",
            // 1700000000.{"event":"invitee.created"}
            case: case("calendly", r#"{"event":"invitee.created"}"#).and(
                "Calendly-Webhook-Signature",
                "t=1700000000,\
                 v1=c9ad1e3cc5df6cdd8f437cb6a9aff820aa4b311b0e95900f9bc040a60575da01",
            ),
            signature: "Calendly-Webhook-Signature",
            clock: Clock::Within(300, 300),
            id: None,
            remember_s: 601,
        },
        Good {
            preset: "paddle-billing",
            // 1700000000:{"notification_id":"ntf_1"} with pdl_ntfset_01_secret
            case: case("paddle-billing", r#"{"notification_id":"ntf_1"}"#)
                .secrets(&["pdl_ntfset_01_secret"])
                .and(
                    "Paddle-Signature",
                    "ts=1700000000;\
                     h1=8531506cbc45eca29acb77e08d09947577b3b211747e166076bec8792e093114",
                ),
            signature: "Paddle-Signature",
            clock: Clock::Within(5, 5),
            id: Some("ntf_1"),
            remember_s: 11,
        },
        Good {
            preset: "box",
            // box-node-sdk and box-python-sdk, the tests of `validate_message`.
            case: case("box", BOX_BODY)
                .secrets(&["SamplePrimaryKey", "SampleSecondaryKey"])
                .and("Box-Signature-Primary", "6TfeAW3A1PASkgboxxA5yqHNKOwFyMWuEXny/FPD5hI=")
                .and("Box-Signature-Version", "1")
                .and("Box-Signature-Algorithm", "HmacSHA256")
                .and("Box-Delivery-Timestamp", "2020-01-01T00:00:00-07:00")
                .and("Box-Delivery-Id", "f96bb54b-ee16-4fc5-aa65-8c2d9e5b546f")
                .at_ms(1_577_862_000_000),
            signature: "Box-Signature-Primary",
            clock: Clock::Header("Box-Delivery-Timestamp", 600, 0),
            id: Some("f96bb54b-ee16-4fc5-aa65-8c2d9e5b546f"),
            remember_s: 601,
        },
        Good {
            preset: "zoom",
            // v0:1700000000:{"event":"meeting.started"}
            case: case("zoom", r#"{"event":"meeting.started"}"#)
                .and(
                    "x-zm-signature",
                    "v0=267c8d40ae33bb3796824ebad33b977ef0860be066dfa49c2de65d305064157e",
                )
                .and("x-zm-request-timestamp", "1700000000"),
            signature: "x-zm-signature",
            clock: Clock::Header("x-zm-request-timestamp", 300, 300),
            id: None,
            remember_s: 601,
        },
    ]
}

const SLACK_FORM: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow\
    &channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner\
    &command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands\
    %2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
    &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

const SQUARE_BODY: &str = concat!(
    r#"{"merchant_id":"MLEFBHHSJGVHD","type":"webhooks.test_notification","#,
    r#""event_id":"ac3ac95b-f97d-458c-a6e6-18981597e05f","#,
    r#""created_at":"2022-07-13T20:30:59.037339943Z","#,
    r#""data":{"type":"webhooks","id":"bc368e64-01aa-407e-b46e-3231809b1129"}}"#,
);

const BOX_BODY: &str = concat!(
    r#"{"type":"webhook_event","webhook":{"id":"1234567890"},"trigger":"FILE.UPLOADED","#,
    r#""source":{"id":"1234567890","type":"file","name":"Test.txt"}}"#,
);

#[test]
fn the_good_delivery_is_verified_with_its_id_and_its_window() {
    for Good { preset, case, id, remember_s, clock, .. } in goods() {
        let verified = case.verify().unwrap_or_else(|it| panic!("{preset}: {it}"));
        assert_eq!(verified.id.as_deref(), id, "{preset}");
        assert_eq!(verified.remember_s, remember_s, "{preset}");
        let told_apart = id.is_some() || !matches!(clock, Clock::None);
        assert_eq!(verified.replay_key.is_some(), told_apart, "{preset}");
    }
}

#[test]
fn one_broken_thing_is_enough() {
    for Good { preset, case, signature, .. } in goods() {
        let good = || case.clone();
        let text = case.value(signature);
        let secret_less_one: Vec<_> = case.secrets.iter().map(|it| &it[..it.len() - 1]).collect();
        let changed = {
            let mut body = case.body.clone();
            body[3] ^= 1;
            body
        };
        let mut longer = case.body.clone();
        longer.push(b'\n');
        let with_mark = [b"\xef\xbb\xbf", &case.body[..]].concat();
        for (row, broken) in [
            ("body changed by one bit", good().body(changed)),
            ("body with a line break more", good().body(longer)),
            ("body less its last byte", good().body(&case.body[..case.body.len() - 1])),
            ("body with a byte order mark", good().body(with_mark)),
            ("no body", good().body("")),
            ("another secret", good().secrets(&["another-secret-00"])),
            ("a part of the secret", good().secrets(&secret_less_one)),
            ("no signature", good().without(signature)),
            ("an empty signature", good().with(signature, "")),
            ("a signature cut short", good().with(signature, &text[..text.len() - 20])),
            ("the signature twice", good().and(signature, &text)),
            ("another signature behind it", good().and(signature, "x")),
            ("a signature in upper case", good().with(signature, text.to_uppercase())),
            ("a comma-joined repeat", good().with(signature, format!("{text}, {text}"))),
            ("a signature that is not text", good().with(signature, b"\xff\xfe")),
        ] {
            // Lists may repeat an entry: that is how secrets rotate.
            let is_list = ["v1=", "h1=", "v1,"].iter().any(|it| text.contains(it));
            if row == "a comma-joined repeat" && is_list {
                continue;
            }
            // A short part of a base64 key may still be base64; a shorter one is no key at all.
            if row.ends_with("secret") && described_key_is_base64(preset) {
                continue;
            }
            assert!(broken.verify().is_err(), "{preset}: {row}");
        }
    }
}

fn described_key_is_base64(preset: &str) -> bool {
    matches!(preset, "standard-webhooks" | "svix")
}

#[test]
fn another_base64_secret_does_not_verify() {
    for good in goods().into_iter().filter(|it| described_key_is_base64(it.preset)) {
        let other = good.case.clone().secrets(&["whsec_NfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]);
        assert_eq!(other.verdict(), "mismatch", "{}", good.preset);
        let bare = good.case.secrets(&["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]);
        assert_eq!(bare.verdict(), "good", "{}: the secret without its whsec_", good.preset);
    }
}

#[test]
fn the_clock_may_be_off_by_so_much_and_no_more() {
    for Good { preset, case, clock, .. } in goods() {
        let (past, future) = match clock {
            Clock::None => continue,
            Clock::Header(_, past, future) | Clock::Within(past, future) => (past, future),
        };
        let at = |ms: u64| case.clone().at_ms(ms).verdict();
        let sent = case.now.as_ms();
        assert_eq!(at(sent + past * 1000), "good", "{preset}: as old as may be");
        assert_eq!(at(sent + (past + 1) * 1000), "stale", "{preset}: a second older");
        assert_eq!(at(sent - future * 1000), "good", "{preset}: as far ahead as may be");
        assert_eq!(at(sent - (future + 1) * 1000), "stale", "{preset}: a second further");
        assert_eq!(at(0), "stale", "{preset}: decades ahead");
    }
}

#[test]
fn a_clock_in_a_header_is_signed_there_once_and_well_formed() {
    for Good { preset, case, clock, .. } in goods() {
        let Clock::Header(name, ..) = clock else { continue };
        let good = || case.clone();
        let text = case.value(name);
        let moved = match text.strip_suffix("0-07:00") {
            Some(text) => format!("{text}1-07:00"),
            None => text.replace("0Z", "1Z").replace("1700000000", "1700000001"),
        };
        let moved = moved.replace("1531420618", "1531420619").replace("1614265330", "1614265331");
        assert_ne!(moved, text, "{preset}");
        // Moved together with our own clock, so that it is fresh: it is the signature that fails.
        let broken = good().with(name, moved).at_ms(case.now.as_ms() + 1000);
        assert_eq!(broken.verdict(), "mismatch", "{preset}: moved");
        assert_eq!(good().without(name).verdict(), "missing", "{preset}: absent");
        assert_eq!(good().and(name, &text).verdict(), "malformed", "{preset}: twice");
        for bad in ["", "abc", "NaN", "1e9", "-5", "+1700000000", "1700000000.0", " "] {
            assert_eq!(good().with(name, bad).verdict(), "malformed", "{preset}: {bad:?}");
        }
    }
}

#[test]
fn box_has_a_key_for_each_header_and_a_version() {
    let good = goods().into_iter().find(|it| it.preset == "box").unwrap().case;
    let secondary = "v+1CD1Jdo3muIcbpv5lxxgPglOqMfsNHPV899xWYydo=";
    let primary = good.value("Box-Signature-Primary");
    let both = || good.clone().and("Box-Signature-Secondary", secondary);
    for (row, case, verdict) in [
        ("both", both(), "good"),
        ("the secondary alone", both().without("Box-Signature-Primary"), "good"),
        ("a wrong primary", both().with("Box-Signature-Primary", secondary), "good"),
        (
            "the primary key's signature in the secondary's header",
            good.clone().without("Box-Signature-Primary").and("Box-Signature-Secondary", &primary),
            "mismatch",
        ),
        (
            "the secondary's in the primary's",
            good.clone().with("Box-Signature-Primary", secondary),
            "mismatch",
        ),
        ("one secret, the primary's", good.clone().secrets(&["SamplePrimaryKey"]), "good"),
        ("another version", good.clone().with("Box-Signature-Version", "2"), "malformed"),
        ("no version", good.clone().without("Box-Signature-Version"), "missing"),
        ("two versions", good.clone().and("Box-Signature-Version", "1"), "malformed"),
        ("another algorithm", good.clone().with("Box-Signature-Algorithm", "HmacMD5"), "malformed"),
    ] {
        assert_eq!(case.verdict(), verdict, "{row}");
    }
}

#[test]
fn lists_carry_the_old_signature_and_the_new_one() {
    for (preset, header, list, secrets) in [
        (
            "stripe",
            "Stripe-Signature",
            // 1700000000.{"id":"evt_1"} with whsec_old
            "t=1700000000,v1=ef1b1b7e4b312671a75ef2a03e10529f7834a6528a49db77ad6568c8c8017843,",
            ["whsec_abc123", "whsec_old"],
        ),
        (
            "paddle-billing",
            "Paddle-Signature",
            // 1700000000:{"notification_id":"ntf_1"} with pdl_old
            "ts=1700000000;h1=728f88df2fa3b4210d94a4513c6c60c901895b4538216916215a57cd981e2354;",
            ["pdl_ntfset_01_secret", "pdl_old"],
        ),
    ] {
        let good = goods().into_iter().find(|it| it.preset == preset).unwrap().case;
        let text = good.value(header);
        let (_, newer) = text.split_at(text.find("1=").unwrap() - 1);
        let both = good.clone().with(header, format!("{list}{newer}"));
        let [new, old] = secrets;
        for (known, verdict) in [
            (&[new][..], "good"),
            (&[old], "good"),
            (&[new, old], "good"),
            (&["other"], "mismatch"),
        ] {
            assert_eq!(both.clone().secrets(known).verdict(), verdict, "{preset} {known:?}");
        }
        let (clock, _) = list.split_at(list.find("1=").unwrap() - 1);
        let twice = good.with(header, format!("{clock}{text}"));
        assert_eq!(twice.verdict(), "malformed", "{preset}: its clock twice");
    }
}

#[test]
fn linears_clock_is_the_one_in_the_body() {
    let good = goods().into_iter().find(|it| it.preset == "linear").unwrap().case;
    let later = good.clone().at_ms(good.now.as_ms() + 61_000);
    assert_eq!(later.verdict(), "stale");
    let later = later.and("Linear-Timestamp", "1700000061000");
    assert_eq!(later.verdict(), "stale", "the header's clock is anybody's to move");
    // printf '%s' BODY | openssl dgst -sha256 -hmac it-is-a-secret
    for (body, signature, verdict) in [
        (r#"{"action":"create"}"#, LINEAR_NO_CLOCK, "missing"),
        (r#"{"webhookTimestamp":"abc"}"#, LINEAR_ABC, "malformed"),
        (r#"{"webhookTimestamp":1.7e12}"#, LINEAR_FLOAT, "malformed"),
    ] {
        let case = good.clone().body(body).with("Linear-Signature", signature);
        assert_eq!(case.verdict(), verdict, "{body}");
    }
}

const LINEAR_NO_CLOCK: &str = "b4b0289fb4e31d1ac84617a2817fe9ef954b12a2ef604479a9ff6ba3aedcf586";
const LINEAR_ABC: &str = "917b3bee625460007baefb63c98c57cae56f2ffe9b1302d27f1710220f8db58f";
const LINEAR_FLOAT: &str = "70ae902cef428a8d2b175093154f267e61a44dc37a15bcf6d4a6056544cbabcb";

#[test]
fn hubspots_url_is_decoded_where_hubspot_does_and_nowhere_else() {
    let good = goods().into_iter().find(|it| it.preset == "hubspot-v3").unwrap().case;
    let url = good.url.clone();
    for (from, to, verdict) in [
        ("%3A", ":", "good"),
        ("%3A", "%3a", "good"),
        ("%20", " ", "mismatch"),
        ("%20", "+", "mismatch"),
        ("%3A", "%253A", "mismatch"),
        ("https:", "http:", "mismatch"),
        ("hooks.example.com", "hooks.example.com:443", "mismatch"),
        ("&r", "&s", "mismatch"),
    ] {
        let case = good.clone().url(&url.replace(from, to));
        assert_eq!(case.verdict(), verdict, "{from} as {to}");
    }
    let mut put = good;
    put.method = "PUT";
    assert_eq!(put.verdict(), "mismatch");
}

#[test]
fn a_field_beside_a_preset_replaces_the_presets_own() {
    let paddle = goods().into_iter().find(|it| it.preset == "paddle-billing").unwrap().case;
    let later = paddle.at_ms(1_700_000_060_000);
    assert_eq!(later.verdict(), "stale");
    let wider = later.described("{ preset: paddle-billing, timestamp: { past: 60 } }");
    assert_eq!(wider.verdict(), "good");

    let shopify = goods().into_iter().find(|it| it.preset == "shopify").unwrap().case;
    let text = shopify.value("X-Shopify-Hmac-Sha256");
    let moved = shopify.without("X-Shopify-Hmac-Sha256").and("shopify-hmac-sha256", &text);
    assert_eq!(moved.verdict(), "missing");
    let moved = moved.described("{ preset: shopify, signature: { header: shopify-hmac-sha256 } }");
    assert_eq!(moved.verdict(), "good");

    let quiet = described("{ preset: github, replay: off }").unwrap();
    assert_ne!(quiet, described("preset: github").unwrap());
}
