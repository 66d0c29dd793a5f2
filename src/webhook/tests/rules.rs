//! The ten rules that an interpreter of signatures has to keep. Rules 5, 6, 8 and 9 have a second
//! half in `inbound`, where the bytes, the URL and the answer are made.
use super::Case;
use super::SECRET;
use super::described;
use super::verifier;
use crate::webhook::Refusal;
use crate::webhook::SECRETS_MAX;

/// From `printf '1700000000.{"id":7}' | openssl dgst -sha256 -hmac it-is-a-secret`.
const SIGNED: &str = "f0bb472517ab8ca629a48ab5a2eb25bab98d08a5bd36cd44ec24541d78b59f8f";

/// From `printf '{"id":7}' | openssl dgst -sha256 -hmac it-is-a-secret`.
const BODY_SIGNED: &str = "03ea163a89714a7743145e331914b42c59f75d3b25b67d0ffab40f79f06c0354";

const CLOCKED: &str = r#"
    signature: { header: X-Sig }
    timestamp: { header: X-Time }
    content: "{timestamp}.{body}"
"#;

fn clocked() -> Case {
    Case::new(CLOCKED, r#"{"id":7}"#).and("X-Sig", SIGNED).and("X-Time", "1700000000")
}

fn body_only() -> Case {
    let description = r#"{ signature: { header: X-Sig }, content: "{body}" }"#;
    Case::new(description, r#"{"id":7}"#).and("X-Sig", BODY_SIGNED)
}

#[test]
fn rule_1_signature_timestamp_and_signed_id_occur_exactly_once() {
    assert_eq!(clocked().verdict(), "good");
    for header in ["X-Sig", "X-Time"] {
        let value = clocked().value(header);
        assert_eq!(clocked().and(header, &value).verdict(), "malformed", "{header} repeated");
        assert_eq!(clocked().and(header, "1").verdict(), "malformed", "{header}: good one first");
        let last = clocked().with(header, "1").and(header, &value);
        assert_eq!(last.verdict(), "malformed", "{header}: good one last");
        assert_eq!(clocked().without(header).verdict(), "missing", "{header}");
        let joined = clocked().with(header, format!("{value},{value}"));
        assert_eq!(joined.verdict(), "malformed", "{header} joined by a comma");
    }
    let named = Case::new("preset: standard-webhooks", r#"{"test": 2432232314}"#)
        .secrets(&["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
        .and("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
        .and("webhook-timestamp", "1614265330")
        .and("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        .at_ms(1_614_265_330_000);
    assert_eq!(named.verdict(), "good");
    let twice = named.clone().and("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek");
    assert_eq!(twice.verdict(), "malformed", "the id twice");
    assert_eq!(named.without("webhook-id").verdict(), "missing", "no id");

    let query = body_only().described(r#"{ signature: { query: sig }, content: "{body}" }"#);
    let url = "https://hooks.example.com/in?sig=";
    assert_eq!(query.clone().url(&format!("{url}{BODY_SIGNED}")).verdict(), "good");
    for again in ["&sig=x", "&s%69g=x", "&sig"] {
        let twice = query.clone().url(&format!("{url}{BODY_SIGNED}{again}"));
        assert_eq!(twice.verdict(), "malformed", "{again}");
    }
}

#[test]
fn rule_1_a_clock_in_a_signed_body_occurs_exactly_once_too() {
    let description = r#"
        signature: { header: X-Sig }
        timestamp: { json: /at }
        content: "{body}"
    "#;
    // Each from `printf '%s' '…' | openssl dgst -sha256 -hmac it-is-a-secret`.
    for (body, signed, verdict) in [
        (
            r#"{"at":1700000000}"#,
            "74becab4bcdd9b4b8914d69e06d3b155550e36ea05c1ddd9e99be585f7b6a6c3",
            "good",
        ),
        (
            r#"{"at":1700000000,"at":1600000000}"#,
            "5df89c7a2ca9f894eb40abee2436613a757487e554d3ef3232eb25bc52c7a320",
            "malformed",
        ),
        (
            r#"{"at":1600000000,"at":1700000000}"#,
            "9231518d15c36ce510c6dbc49045c92635d272df4d22b75d81b8ece523653f9a",
            "malformed",
        ),
        (
            r#"{"at":1700000000,"\u0061t":1700000000}"#,
            "fb0b71ccf745837a833e076157f424c2aa9463f6965e94c4f957ded2fa1419a2",
            "malformed",
        ),
        (
            r#"{"at":1700000000"#,
            "22d93cc975eea8cb7586b65277eba66d6e7c177b3b41a2f8becd606c97edde3b",
            "malformed",
        ),
    ] {
        let case = Case::new(description, body).and("X-Sig", signed);
        assert_eq!(case.verdict(), verdict, "{body}");
    }
}

#[test]
fn rule_2_the_clock_that_is_checked_is_the_one_that_is_signed_as_sent() {
    // From `printf '01700000000.{"id":7}' | openssl dgst -sha256 -hmac it-is-a-secret`.
    let zero_led = "26d0a310e1f6d66f70e48b0e911d9703cb5e1fcb1229e4c0fdeb891cfb73ef5f";
    let case = clocked().with("X-Time", "01700000000").with("X-Sig", zero_led);
    assert_eq!(case.verdict(), "good", "the text as sent is what is signed");
    let reprinted = clocked().with("X-Time", "01700000000");
    assert_eq!(reprinted.verdict(), "mismatch", "not the number printed anew");

    let listed = r#"
        signature: { header: X-Sig, list: ",", label: "v1=" }
        timestamp: { label: "t=" }
        content: "{timestamp}.{body}"
    "#;
    let listed = |text: String| clocked().described(listed).with("X-Sig", text);
    assert_eq!(listed(format!("t=1700000000,v1={SIGNED}")).verdict(), "good");
    for repeated in ["t=1700000000,t=1700000000", "t=1700000300,t=1700000000", "t=1700000000,t=1"] {
        assert_eq!(listed(format!("{repeated},v1={SIGNED}")).verdict(), "malformed", "{repeated}");
    }
    assert_eq!(
        listed(format!("v1={SIGNED}")).verdict(),
        "missing",
        "the header's clock is no help"
    );

    let unsigned = described(
        r#"{ signature: { header: X-Sig }, timestamp: { header: X-Time }, content: "{body}" }"#,
    );
    assert!(unsigned.is_err(), "a clock that is not signed");
}

#[test]
fn rule_3_timestamps_are_digits_or_rfc_3339_and_the_future_is_refused_too() {
    let description =
        CLOCKED.replace("{ header: X-Time }", "{ header: X-Time, past: 300, future: 10 }");
    for (now_s, verdict) in [
        (1_700_000_300, "good"),
        (1_700_000_301, "stale"),
        (1_699_999_990, "good"),
        (1_699_999_989, "stale"),
        (0, "stale"),
    ] {
        let case = clocked().described(&description).at_ms(now_s * 1000);
        assert_eq!(case.verdict(), verdict, "at {now_s}");
    }
    for bad in ["abc", "1e9", "-1700000000", "1700000000.5", "17000000000000000", "0x6553", " ", ""]
    {
        assert_eq!(clocked().with("X-Time", bad).verdict(), "malformed", "{bad:?}");
    }
}

#[test]
fn rule_4_signatures_are_decoded_strictly_and_compared_whole() {
    for (row, text) in [
        ("upper case", SIGNED.to_uppercase()),
        ("one digit in upper case", SIGNED.replacen('f', "F", 1)),
        ("short by a digit", SIGNED[..63].to_owned()),
        ("short by a byte", SIGNED[..62].to_owned()),
        ("a byte long", format!("{SIGNED}00")),
        ("with a prefix", format!("sha256={SIGNED}")),
        ("empty", String::new()),
        ("base64", "8LtHJRerjKYppIq1ouslurmNCKW9Ns1E7CRUHXi1n48=".to_owned()),
    ] {
        assert_eq!(clocked().with("X-Sig", text).verdict(), "malformed", "{row}");
    }
    for byte in [0, 31, 63] {
        let mut wrong = SIGNED.as_bytes().to_vec();
        wrong[byte] = if wrong[byte] == b'0' { b'1' } else { b'0' };
        assert_eq!(clocked().with("X-Sig", wrong).verdict(), "mismatch", "digit {byte}");
    }
}

#[test]
fn rule_4_every_secret_is_tried_on_every_candidate_up_to_a_bound() {
    let list = r#"{ signature: { header: X-Sig, list: "," }, content: "{body}" }"#;
    let wrong = "0".repeat(64);
    let listed = |before: usize, after: usize| {
        let entries = [vec![&*wrong; before], vec![BODY_SIGNED], vec![&*wrong; after]].concat();
        body_only().described(list).with("X-Sig", entries.join(","))
    };
    assert_eq!(listed(0, 31).verdict(), "good");
    assert_eq!(listed(31, 0).verdict(), "good");
    assert_eq!(listed(32, 0).verdict(), "malformed", "33 are too many");
    assert_eq!(listed(0, 32).verdict(), "malformed", "even if the first is good");
    let three = listed(2, 0).described(&list.replace("content", "max_signatures: 2, content"));
    assert_eq!(three.verdict(), "malformed");

    let secrets: Vec<_> = (0..SECRETS_MAX - 1).map(|it| format!("old-{it}")).collect();
    let mut secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    secrets.push(SECRET);
    assert_eq!(listed(3, 3).secrets(&secrets).verdict(), "good", "the last of {SECRETS_MAX}");
    assert_eq!(listed(3, 3).secrets(&secrets[..7]).verdict(), "mismatch", "once it has gone");
}

#[test]
fn rule_5_the_raw_bytes_are_verified_before_anything_is_parsed() {
    for (row, body) in [
        ("respaced", &b"{ \"id\": 7 }"[..]),
        ("with a line break", b"{\"id\":7}\n"),
        ("with a byte order mark", b"\xef\xbb\xbf{\"id\":7}"),
        ("escaped otherwise", b"{\"\\u0069d\":7}"),
        ("not UTF-8", b"{\"id\":7\xff}"),
    ] {
        assert_eq!(body_only().body(body).verdict(), "mismatch", "{row}");
    }
    // From `printf '\xff\x00\x0d\x0a' | openssl dgst -sha256 -hmac it-is-a-secret`.
    let binary = body_only()
        .body(b"\xff\x00\r\n")
        .with("X-Sig", "040363bb36237293df5a702c996b25adbc7daa91d9127680ee3a7093f68a4d59");
    assert_eq!(binary.verdict(), "good", "any bytes can be signed");

    let early = described(r#"{ signature: { header: X-Sig }, content: "{json./id}" }"#);
    assert!(early.is_err(), "a content of what was read out of the body");
    let forged = r#"{"webhookTimestamp":1}"#;
    let linear = Case::new("preset: linear", forged).and("Linear-Signature", "0".repeat(64));
    assert_eq!(linear.verdict(), "mismatch", "a forged body's clock is not even looked at");
}

#[test]
fn rule_6_the_url_is_configuration_and_percent_encoding_stays() {
    // From `printf 'https://hooks.example.com/in/a%%2Fb?x=%%20{"id":7}' | openssl dgst …`.
    let signed = "e3cf4fab4bde5debef08f0144d5162ec9a4ba4e947c2da9800db82c896eedc0b";
    let case = body_only()
        .described(r#"{ signature: { header: X-Sig }, content: "{url}{body}" }"#)
        .with("X-Sig", signed)
        .and("Host", "internal:8082")
        .and("X-Forwarded-Host", "evil.example")
        .url("https://hooks.example.com/in/a%2Fb?x=%20");
    assert_eq!(case.verdict(), "good", "whatever the Host header says");
    for other in [
        "https://hooks.example.com/in/a/b?x=%20",
        "https://hooks.example.com/in/a%2fb?x=%20",
        "https://hooks.example.com/in/a%2Fb?x=+",
        "https://hooks.example.com/in/a%2Fb?x=%20&",
        "http://hooks.example.com/in/a%2Fb?x=%20",
        "https://hooks.example.com:443/in/a%2Fb?x=%20",
        "https://internal:8082/in/a%2Fb?x=%20",
    ] {
        assert_eq!(case.clone().url(other).verdict(), "mismatch", "{other}");
    }
}

#[test]
fn rule_7_without_a_secret_or_a_signed_body_nothing_loads() {
    for (yaml, secrets) in [
        (CLOCKED, &[][..]),
        (CLOCKED, &[""]),
        (CLOCKED, &["new", ""]),
        ("preset: standard-webhooks", &["whsec_"]),
        ("preset: standard-webhooks", &["whsec_not base64"]),
        ("preset: standard-webhooks", &["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS"]),
    ] {
        assert!(verifier(yaml, secrets).is_err(), "{yaml} {secrets:?}");
    }
    let bodiless = r#"{ signature: { header: X-Sig }, content: "{header.X-Id}" }"#;
    assert!(described(bodiless).is_err());
    let optional = r#"{ signature: { header: X-Sig }, content: "[{header.X-Id}{body}]" }"#;
    assert!(described(optional).is_err(), "a body that the sender could leave out");
    let accepted = described(&bodiless.replace("content", "covers: partial, content")).unwrap();
    let warnings = accepted.warnings();
    assert!(warnings.iter().any(|it| it.contains("does not cover the body")), "{warnings:?}");
    assert!(described("preset: stripe").unwrap().warnings().is_empty());
}

#[test]
fn rule_8_headers_like_our_own_make_nothing_verified() {
    let forged = body_only()
        .without("X-Sig")
        .and("Attache-Webhook-Verified", "true")
        .and("Attache-Webhook-Id", "7");
    assert_eq!(forged.verdict(), "missing");
}

#[test]
fn rule_9_failures_are_401_unless_configured_and_have_a_reason_for_the_log() {
    assert_eq!(described(CLOCKED).unwrap().failure_status(), 401);
    let other = format!("{CLOCKED}\n    failure_status: 403");
    assert_eq!(described(&other).unwrap().failure_status(), 403);
    for never in [200, 302, 399, 500] {
        assert!(described(&format!("{CLOCKED}\n    failure_status: {never}")).is_err(), "{never}");
    }
    let reasons = [
        clocked().without("X-Sig"),
        clocked().with("X-Sig", "zz"),
        clocked().at_ms(0),
        clocked().body("{}"),
    ]
    .map(|it| it.verdict());
    assert_eq!(reasons, ["missing", "malformed", "stale", "mismatch"]);
}

#[test]
fn rule_10_the_request_chooses_neither_algorithm_nor_tolerance() {
    // From `printf '{"id":7}' | openssl dgst -sha1 -hmac it-is-a-secret`, and -sha512.
    let sha1 = "97b3cfba17c8389d79fbcb55078d694eca606bdb";
    let sha512 = "71a37557f0559029899d84e76da563d6f3e89136370ffa885ef2878dd2ad5dca\
                  595aac7580c419c94f8f48292fbad2a73a4faa14596de0c52b5ae852437286e4";
    let with = |algorithm: &str, signature: &str| {
        let yaml = format!(
            r#"{{ signature: {{ header: X-Sig }}, algorithm: {algorithm}, content: "{{body}}" }}"#
        );
        body_only().described(&yaml).with("X-Sig", signature).verdict()
    };
    let made = [("hmac-sha1", sha1), ("hmac-sha256", BODY_SIGNED), ("hmac-sha512", sha512)];
    for (configured, _) in made {
        for (algorithm, signature) in made {
            let verdict = if configured == algorithm { "good" } else { "malformed" };
            assert_eq!(with(configured, signature), verdict, "{algorithm} for {configured}");
        }
    }
    let github = body_only().described("preset: github").without("X-Sig");
    let prefixed = |text: String| github.clone().and("X-Hub-Signature-256", text).verdict();
    assert_eq!(prefixed(format!("sha256={BODY_SIGNED}")), "good");
    assert_eq!(prefixed(format!("sha1={sha1}")), "malformed");
    assert_eq!(prefixed(format!("sha512={sha512}")), "malformed");
    assert_eq!(prefixed(format!("sha256={sha1}")), "malformed");
    let old = github.and("X-Hub-Signature", format!("sha1={sha1}"));
    assert_eq!(old.verdict(), "missing", "GitHub's old header is not looked at");
}

#[test]
fn tokens_and_plain_hashes_verify_what_they_can() {
    let token = r#"{ algorithm: token, signature: { header: X-Gitlab-Token }, covers: partial }"#;
    let token = Case::new(token, "{}");
    for (sent, verdict) in [
        (SECRET, "good"),
        ("it-is-a-secre", "mismatch"),
        ("IT-IS-A-SECRET", "mismatch"),
        ("", "mismatch"),
    ] {
        assert_eq!(token.clone().and("X-Gitlab-Token", sent).verdict(), verdict, "{sent:?}");
    }
    assert_eq!(token.verify(), Err(Refusal::Missing(crate::webhook::What::Signature)));

    // From `printf 'it-is-a-secret{"id":7}' | openssl dgst -sha256`: HubSpot's v1.
    let plain = "982c598da5640168c4ba730f9c00b783f7b42fbe64b652808e55d70624806f4a";
    let hash = r#"{ algorithm: sha256, signature: { header: X-Sig }, content: "{key}{body}" }"#;
    let hash = body_only().described(hash).with("X-Sig", plain);
    assert_eq!(hash.verdict(), "good");
    assert_eq!(hash.clone().body("{}").verdict(), "mismatch");
    assert_eq!(hash.clone().secrets(&["other"]).verdict(), "mismatch");
    // SHA-256 by Python's `hashlib` of the secret and each body, as one who goes on with a known hash
    // has it; the zeros are of the padding.
    for (body, signed) in [
        (
            &b"{\"id\":7}\x80\x00\x00\xb0x"[..],
            "ace9b9af9bd3024457b8548514cdab37235ccab1b1899630073f6ca2a504f0eb",
        ),
        (b"{\"id\":7}\x00x", "c66f9555e9ac1f23fc3972949ef55989ad33594a16d489366a139135254ff7a8"),
        (b"{\"id\":7}\xff", "cafe08cc09d11942cecaa75b404fbfd944377bef03b0f11d8495c097238a7090"),
    ] {
        let extended = hash.clone().body(body).with("X-Sig", signed);
        assert_eq!(extended.verdict(), "mismatch", "{body:?}");
    }
    let text = hash
        .body("{\"id\":\"é\"}")
        .with("X-Sig", "728ce70cde9ac3e5b9ec1c4469771cb11485426f898cba776f754ea41f908b50");
    assert_eq!(text.verdict(), "good");
}

#[test]
fn optional_parts_of_the_content_may_be_absent() {
    let content = r#"
        signature: { header: x-signature, list: ",", label: "v1=", trim: true }
        timestamp: { label: "ts=" }
        content: "id:{query.data.id};[request-id:{header.x-request-id};]ts:{timestamp};"
        covers: partial
    "#;
    // From `printf 'id:9;request-id:r1;ts:1700000000;' | openssl dgst …`, and without request-id.
    let with = "cb434ea8ac0d0f2ddef25378067c40fe125c6e0bdd89094ba9cae5ed2a642e4d";
    let without = "7ae7ba53f8742d2b6dd0835aa94e78438fcf9690e5ae23d903111f29767bff06";
    let case = |signature: &str| {
        Case::new(content, "{}")
            .url("https://hooks.example.com/in?data.id=9&type=payment")
            .and("x-signature", format!("ts=1700000000, v1={signature}"))
    };
    assert_eq!(case(with).and("x-request-id", "r1").verdict(), "good");
    assert_eq!(case(without).verdict(), "good");
    assert_eq!(case(with).verdict(), "mismatch");
    assert_eq!(case(without).and("x-request-id", "r1").verdict(), "mismatch");
    let twice = case(with).and("x-request-id", "r1").and("x-request-id", "r1");
    assert_eq!(twice.verdict(), "malformed");
    let missing = case(without).url("https://hooks.example.com/in");
    assert_eq!(missing.verdict(), "missing");
}

#[test]
fn deliveries_are_the_same_by_configured_key_or_signed_id_or_signature() {
    let key = |case: &Case| case.verify().unwrap().replay_key;
    let first = key(&clocked()).unwrap();
    assert_eq!(key(&clocked().and("X-Other", "1")), Some(first), "the same signature and clock");
    let second = clocked()
        .with("X-Time", "1700000001")
        // From `printf '1700000001.{"id":7}' | openssl dgst …`.
        .with("X-Sig", "f6c78aeaae0399b3c91946ea93b3d1a234149be0b8674739bdebd07089f6a159");
    assert_ne!(key(&second), Some(first), "another clock");

    let rotating = clocked().secrets(&["new-secret-0000", SECRET]);
    let listed = rotating.verify().unwrap().replay_key;
    assert_ne!(listed, None);

    let unsigned_id = format!("{CLOCKED}\n    id: \"{{header.X-Id}}\"");
    let named = |id: &str| clocked().described(&unsigned_id).and("X-Id", id);
    assert_eq!(named("1").verify().unwrap().id.as_deref(), Some("1"));
    assert_eq!(key(&named("1")), key(&named("2")), "a thief can change an id that is not signed");

    let json_id = format!("{CLOCKED}\n    id: \"{{json./id}}\"");
    let (one, two) = (clocked().described(&json_id), second.described(&json_id));
    assert_eq!(key(&one), key(&two), "sent again under its signed id");
    assert_eq!(one.verify().unwrap().id.as_deref(), Some("7"));

    let configured = format!("{json_id}\n    replay_key: \"{{header.X-Key}}\"");
    let keyed = |value: &str| one.clone().described(&configured).and("X-Key", value);
    assert_ne!(key(&keyed("a")), key(&keyed("b")));
    assert_eq!(key(&keyed("a")), key(&two.described(&configured).and("X-Key", "a")));
    let off = one.described(&format!("{json_id}\n    replay: off"));
    assert_eq!(key(&off), None);
    assert_eq!(key(&body_only()), None, "neither clock nor id");
}

#[test]
fn what_is_signed_is_signed_where_it_is_looked_for() {
    let warned = |yaml: &str| {
        let warnings = described(yaml).unwrap().warnings();
        warnings.iter().any(|it| it.contains("does not cover it"))
    };
    let form = r#"{ signature: { header: X-Sig }, content: "{form.payload}", covers: partial, document: { form: payload }, tenant: { json: /team } }"#;
    assert!(!warned(form));
    assert!(
        warned(&form.replace("form: payload", "form: other")),
        "another field than the one with the JSON"
    );
    let each = r#"{ signature: { json: /sig }, content: "{json./team}", covers: partial, each: /items/*, tenant: { json: /team } }"#;
    assert!(warned(each), "each element's is signed, and not the one at the root");
}

#[test]
fn another_body_under_an_unsigned_id_is_no_repeat() {
    let key = |case: &Case| case.verify().unwrap().replay_key;
    let unsigned = r#"{ signature: { header: X-Sig }, content: "{body}", id: "{header.X-Id}" }"#;
    let named = |id: &str| body_only().described(unsigned).and("X-Id", id);
    // From `printf '\xff\x00\x0d\x0a' | openssl dgst -sha256 -hmac it-is-a-secret`.
    let other = named("1")
        .body(b"\xff\x00\r\n")
        .with("X-Sig", "040363bb36237293df5a702c996b25adbc7daa91d9127680ee3a7093f68a4d59");
    assert_eq!(key(&named("1")), key(&named("1").and("X-Other", "1")));
    assert_ne!(key(&named("1")), key(&other));
    let warned = |yaml: &str| {
        described(yaml).unwrap().warnings().iter().any(|it| it.contains("under another id"))
    };
    assert!(warned(unsigned));
    assert!(!warned(&unsigned.replace("{header.X-Id}", "{json./id}")));
    assert!(!warned(&format!("{CLOCKED}\n    id: \"{{header.X-Id}}\"")));

    let signed = unsigned.replace("id:", r#"replay_key: "{signature}", id:"#);
    assert!(!warned(&signed));
    let named = |id: &str| body_only().described(&signed).and("X-Id", id);
    assert_eq!(key(&named("1")), key(&named("2")), "whatever a thief calls it");
    assert_ne!(key(&named("1")), key(&other.described(&signed)));
    for bad in [
        r#"{ signature: { header: X-Sig }, content: "{body}{signature}" }"#,
        r#"{ algorithm: token, signature: { header: a }, covers: partial, replay_key: "{signature}" }"#,
    ] {
        assert!(described(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_id_that_no_header_can_carry_is_not_passed_on() {
    let named = body_only()
        .described(r#"{ signature: { header: X-Sig }, content: "{body}", id: "{header.X-Id}" }"#);
    let long = "x".repeat(257);
    for (id, passed) in [("abc-1", true), ("a b", false), ("\u{e9}", false), (&*long, false)] {
        let verified = named.clone().and("X-Id", id).verify().unwrap();
        assert_eq!(verified.id.is_some(), passed, "{id:?}");
        assert!(verified.replay_key.is_some(), "{id:?} still tells it apart");
    }
}
