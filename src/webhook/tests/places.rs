//! Signatures, clocks and contents in forms, queries and JSON, each with what breaks it. The digests
//! were made by Python's `hmac` and `hashlib` with the secret of these tests.
use super::Case;
use super::described;

const FORM: &str = "application/x-www-form-urlencoded";

/// Two elements, each with its own signature over two of its fields.
const EACH: &str = r#"
    each: /items/*/it
    signature: { json: /sig, encoding: base64 }
    content: "{json./ref}:{json./success?}"
    covers: partial
    id: "{json./items/0/it/ref}"
"#;

/// HMAC-SHA256 of `P1:true`, of `P2:false` and of `1.0:`.
const P1: &str = "LpcmlJMXp45erdLPCCIq8KdI24JdT4IS61eC8jjTr4s=";
const P2: &str = "9zlxPa6L8dqaD5lXLMZQyxklr9Cf9TrOI72eXdqbtB8=";
const ONE: &str = "eNPHUK9bSj6DtdyEOPESE+CQW6Lv6Ow9BaLke0gDsKw=";

fn element(reference: &str, success: &str, signature: &str) -> String {
    format!(r#"{{"it":{{"ref":{reference},"success":{success},"sig":"{signature}"}}}}"#)
}

fn items(elements: &[&str]) -> Case {
    Case::new(EACH, &format!(r#"{{"items":[{}]}}"#, elements.join(",")))
}

#[test]
fn every_element_verifies_by_itself_and_there_is_one() {
    let (first, second) = (element("\"P1\"", "true", P1), element("\"P2\"", "\"false\"", P2));
    let number = element("1.0", "null", ONE);
    assert_eq!(items(&[&first]).verify().unwrap().id.as_deref(), Some("P1"));
    assert_eq!(items(&[&first, &second, &number]).verdict(), "good");
    let wrong = element("\"P2\"", "true", P2);
    let printed_anew = element("1", "null", ONE);
    let unsigned = r#"{"it":{"ref":"P1","success":true}}"#;
    let twice = format!(r#"{{"it":{{"ref":"P1","ref":"P1","success":true,"sig":"{P1}"}}}}"#);
    for (row, elements, verdict) in [
        ("none", &[][..], "missing"),
        ("the second is wrong", &[&*first, &*wrong], "mismatch"),
        ("the first is wrong", &[&*wrong, &*first], "mismatch"),
        ("another spelling of a number", &[&*printed_anew], "mismatch"),
        ("one without a signature", &[&*first, unsigned], "missing"),
        ("one of another shape", &[&*first, r#"{"no":1}"#], "missing"),
        ("a name twice", &[&*twice], "malformed"),
    ] {
        assert_eq!(items(elements).verdict(), verdict, "{row}");
    }
    for (body, verdict) in [
        ("{}", "missing"),
        ("", "malformed"),
        ("items=1", "malformed"),
        (r#"{"items":[],"items":[]}"#, "malformed"),
        (r#"{"items":{"it":1}}"#, "missing"),
    ] {
        assert_eq!(items(&[]).body(body).verdict(), verdict, "{body}");
    }
}

#[test]
fn a_token_within_each_element() {
    let graph = r#"
        algorithm: token
        each: /value/*
        signature: { json: /clientState }
        covers: partial
    "#;
    let case = |body: &str| Case::new(graph, body).verdict();
    assert_eq!(case(r#"{"value":[{"clientState":"it-is-a-secret"}]}"#), "good");
    let mixed = r#"{"value":[{"clientState":"it-is-a-secret"},{"clientState":"other"}]}"#;
    assert_eq!(case(mixed), "mismatch");
    assert_eq!(case(r#"{"value":[{"clientState":"it-is-a-secret"},{}]}"#), "missing");
    assert_eq!(case(r#"{"value":[]}"#), "missing");
}

#[test]
fn a_clock_and_a_signature_within_the_body() {
    let mailgun = r#"
        signature: { json: /signature/signature }
        timestamp: { json: /signature/timestamp }
        content: "{timestamp}{json./signature/token}"
        covers: partial
        replay_key: "{json./signature/token}"
    "#;
    // Of `1700000000tok`.
    let signature = "cd4bea5919e98b82c9fc64bba878121c7e6830b97c9bc7d42a4fb4e9f6ee6283";
    let body = |time: &str, more: &str| {
        format!(
            r#"{{"signature":{{"timestamp":{time},"token":"tok","signature":"{signature}"{more}}}}}"#
        )
    };
    let case = |body: &str| Case::new(mailgun, body);
    assert_eq!(case(&body("\"1700000000\"", "")).verdict(), "good");
    assert_eq!(case(&body("1700000000", "")).verdict(), "good");
    for (row, body, verdict) in [
        ("moved", body("1700000001", ""), "mismatch"),
        ("no number", body("\"now\"", ""), "malformed"),
        ("a fraction", body("1700000000.0", ""), "malformed"),
        ("gone", body("null", ""), "missing"),
        ("twice", body("1700000000", ",\"timestamp\":1700000000"), "malformed"),
        ("the token twice", body("1700000000", ",\"token\":\"tok\""), "malformed"),
        ("no JSON", "signature=1".to_owned(), "malformed"),
    ] {
        assert_eq!(case(&body).verdict(), verdict, "{row}");
    }
    assert_eq!(case(&body("1700000000", "")).at_ms(1_700_000_301_000).verdict(), "stale");
}

#[test]
fn json_within_a_form_field_and_signatures_in_form_fields() {
    let dropbox_sign = r#"
        document: { form: json }
        signature: { json: /event/hash }
        content: "{json./event/time}{json./event/type}"
        covers: partial
    "#;
    // Of `1700000000sent`.
    let hash = "61569d1a163efbf9fb82664377b2b04199f970c21a7d6ab78aa4754320a488c3";
    let json = format!(r#"{{"event":{{"time":"1700000000","type":"sent","hash":"{hash}"}}}}"#);
    let form = format!("json={}", json.replace('"', "%22"));
    let case = |body: &str| Case::new(dropbox_sign, body).and("Content-Type", FORM).verdict();
    assert_eq!(case(&form), "good");
    assert_eq!(case(&form.replace("sent", "seen")), "mismatch");
    assert_eq!(case(&format!("{form}&json=1")), "malformed");
    assert_eq!(case("other=1"), "missing");
    assert_eq!(case(&json), "missing", "not the body itself");

    let braintree = r#"
        signature: { form: bt_signature, list: "&", label: "pub|" }
        content: "{form.bt_payload}"
        covers: partial
    "#;
    // Of `cGF5bG9hZA==` and a line feed.
    let signature = "37e423106543d95724531c990c76b0fae8a0bd7d76aba55a02d6d20eb56f3fd2";
    let form = format!("bt_signature=pub%7C{signature}&bt_payload=cGF5bG9hZA%3D%3D%0A");
    let case = |body: &str| Case::new(braintree, body).and("Content-Type", FORM).verdict();
    assert_eq!(case(&form), "good");
    assert_eq!(case(&form.replace("%0A", "")), "mismatch");
    assert_eq!(case(&format!("{form}&bt_payload=x")), "malformed");
    assert_eq!(case(&format!("{form}&%62t_signature=x")), "malformed");
    assert_eq!(case(&form.replace("pub", "other")), "missing", "another key's");
    assert_eq!(case("bt_payload=1"), "missing");
    let good = Case::new(braintree, &form);
    for (media_type, verdict) in [
        (FORM, "good"),
        ("Application/X-WWW-Form-URLencoded ; charset=utf-8", "good"),
        ("application/json", "missing"),
        ("text/plain", "missing"),
        ("application/x-www-form-urlencodedx", "missing"),
        ("", "missing"),
    ] {
        let sent = good.clone().and("Content-Type", media_type);
        assert_eq!(sent.verdict(), verdict, "{media_type}");
    }
    assert_eq!(good.clone().verdict(), "missing", "nothing says that it is a form");
    let twice = good.and("Content-Type", FORM).and("Content-Type", FORM);
    assert_eq!(twice.verdict(), "malformed");
}

/// As Twilio signs forms and JSON; what is expected was made by Python's `hmac` with SHA-1.
const TWILIO: &str = r#"
    algorithm: hmac-sha1
    signature: { header: X-Twilio-Signature, encoding: base64 }
    url_variants: [no_port, default_port]
    alternatives:
      - when: { query: bodySHA256 }
        bind: { query: bodySHA256 }
        content: "{url}"
      - content: "{url}{form.sorted}"
"#;

#[test]
fn alternatives_are_chosen_by_shape_and_urls_tried_with_and_without_port() {
    let form = |url: &str, signature: &str| {
        let case = Case::new(TWILIO, "B=b&A=a").url(url).and("Content-Type", FORM);
        case.and("X-Twilio-Signature", signature)
    };
    // Of `https://hooks.example.com/inAaBb`, and with `:443`.
    let (plain, ported) = ("pWc1vhpa11f/nJlvR0wDTHzNs7E=", "GVFPp5/yoVZlHbezIWlXLv9Ysio=");
    let url = "https://hooks.example.com/in";
    assert_eq!(form(url, plain).verdict(), "good");
    assert_eq!(form(url, ported).verdict(), "good");
    assert_eq!(form("https://hooks.example.com:443/in", plain).verdict(), "good");
    assert_eq!(form("https://hooks.example.com:8443/in", ported).verdict(), "mismatch");
    assert_eq!(form("http://hooks.example.com/in", plain).verdict(), "mismatch");
    assert_eq!(form(url, plain).body("A=a&B=b").verdict(), "good", "sorted by name");
    assert_eq!(form(url, plain).body("A=a&A=a&B=b").verdict(), "good", "made unique");
    assert_eq!(form(url, plain).body("A=a&B=c").verdict(), "mismatch");
    assert_eq!(form(url, plain).body("A=a&B=%ff").verdict(), "malformed");
    let json = form(url, plain).with("Content-Type", "application/json");
    assert_eq!(json.verdict(), "missing", "no form");

    let digest = "a3c90e3b7448d23d9eacebd0ebf15cae100e21f9b2c688f3f9d238edcd26d67f";
    let url = format!("{url}?bodySHA256={digest}");
    let json = Case::new(TWILIO, r#"{"id":7}"#)
        .url(&url)
        .and("X-Twilio-Signature", "jNIlUTPee6szj0fuCNdM9M7Z2VM=");
    assert_eq!(json.verdict(), "good");
    assert_eq!(json.clone().body(r#"{"id":8}"#).verdict(), "mismatch");
    assert_eq!(json.clone().url(&format!("{url}&bodySHA256={digest}")).verdict(), "missing");
    let upper = url.replace(digest, &digest.to_uppercase());
    assert_eq!(json.url(&upper).verdict(), "mismatch");
}

#[test]
fn no_alternative_fits_is_unsigned_and_none_is_tried_in_its_place() {
    let shaped = r#"
        signature: { header: X-Sig }
        alternatives:
          - { when: { header: X-Version, equals: "2" }, content: "{body}" }
          - { when: { json: /kind, matches: "a|b" }, content: "x{body}" }
    "#;
    // From `printf '{"id":7}' | openssl dgst -sha256 -hmac it-is-a-secret`.
    let signed = "03ea163a89714a7743145e331914b42c59f75d3b25b67d0ffab40f79f06c0354";
    let case = Case::new(shaped, r#"{"id":7}"#).and("X-Sig", signed);
    assert_eq!(case.clone().and("X-Version", "2").verdict(), "good");
    for (row, broken) in [
        ("no version", case.clone()),
        ("another version", case.clone().and("X-Version", "22")),
        ("the version twice", case.clone().and("X-Version", "2").and("X-Version", "2")),
        ("a kind that does not match whole", case.clone().body(r#"{"kind":"ab"}"#)),
        ("a kind twice", case.clone().body(r#"{"kind":"a","kind":"a"}"#)),
    ] {
        assert_eq!(broken.verdict(), "missing", "{row}");
    }
    assert_eq!(case.body(r#"{"kind":"a"}"#).verdict(), "mismatch", "under the rules of its shape");
}

#[test]
fn what_is_read_before_it_is_proved_is_bounded() {
    let padded = |json: &str, len: usize| format!("{json}{}", " ".repeat(len - json.len()));
    let inside = r#"{ signature: { json: /sig }, content: "{json./id}", covers: partial }"#;
    let json = format!(r#"{{"id":7,"sig":"{}"}}"#, "0".repeat(64));
    let canonical = r#"{ signature: { header: X-Sig }, content: "{body|jcs}" }"#;
    for (description, verdict) in [(inside, "mismatch"), (canonical, "mismatch")] {
        let sent = |len: usize| {
            Case::new(description, &padded(&json, len)).and("X-Sig", "0".repeat(64)).verdict()
        };
        assert_eq!(sent(1 << 20), verdict, "{description}");
        assert_eq!(sent((1 << 20) + 1), "malformed", "{description}");
    }
    let alternatives = r#"
        signature: { header: X-Sig }
        alternatives: [{ when: { json: /kind, equals: a }, content: "{body}" }]
    "#;
    let sent = |len: usize| {
        let body = padded(r#"{"kind":"a"}"#, len);
        Case::new(alternatives, &body).and("X-Sig", "0".repeat(64)).verdict()
    };
    assert_eq!(sent(256 << 10), "mismatch");
    assert_eq!(sent((256 << 10) + 1), "missing");

    // What is read once it is proved may be longer.
    let late = r#"{ signature: { header: X-Sig }, timestamp: { json: /at }, content: "{body}", id: "{json./id}" }"#;
    let body = padded(r#"{"at":1700000000,"id":7}"#, 2 << 20);
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, super::SECRET.as_bytes());
    let signed = hex::encode(aws_lc_rs::hmac::sign(&key, body.as_bytes()));
    let verified = Case::new(late, &body).and("X-Sig", signed).verify().unwrap();
    assert_eq!(verified.id.as_deref(), Some("7"));
}

#[test]
fn sorted_queries_filters_and_the_account() {
    let messagebird = r#"
        signature: { header: X-Sig, encoding: base64 }
        timestamp: { header: X-Time }
        content: "{timestamp}\n{query.sorted}\n{body|sha256}"
    "#;
    let case = Case::new(messagebird, r#"{"id":7}"#)
        .url("https://hooks.example.com/in?b=2&a=1")
        .and("X-Time", "1700000000")
        .and("X-Sig", "2cf/CCQ8PkmZcGXXvj6HXnueejnaue/9Ruy5fH7ouCM=");
    assert_eq!(case.verdict(), "good");
    assert_eq!(case.clone().body(r#"{"id":8}"#).verdict(), "mismatch");
    assert_eq!(case.url("https://hooks.example.com/in?b=2&a=2").verdict(), "mismatch");

    let filtered = r#"
        signature: { header: X-Sig }
        content: "{header.X-Name|lower}|{url.path}|{body|crc32}|{body|sha256(hex)}"
    "#;
    let case = Case::new(filtered, r#"{"id":7}"#)
        .url("https://hooks.example.com/in?X=1")
        .and("X-Name", "ABC")
        .and("X-Sig", "9950e245cb74936f591ba6ea45a462be848134526396ce9b859984f72d86f03c");
    assert_eq!(case.verdict(), "good");
    assert_eq!(case.with("X-Name", "abd").verdict(), "mismatch");

    let account = r#"
        signature: { header: X-Sig }
        require: { X-Key: "{account}" }
        content: "{account}|{body}"
    "#;
    let case = Case::new(account, r#"{"id":7}"#)
        .account("acct-1")
        .and("X-Key", "acct-1")
        .and("X-Sig", "fa2e529d47dcfeb725ca7aa5f4150f0f7f6d734c3a728a9cb0b237c369241466");
    assert_eq!(case.verdict(), "good");
    assert_eq!(case.clone().with("X-Key", "acct-2").verdict(), "malformed");
    assert_eq!(case.clone().without("X-Key").verdict(), "missing");
    assert_eq!(case.account("acct-2").verdict(), "malformed");
    assert_eq!(described(account).unwrap().fields(), [("secret", true), ("account", true)]);
}

#[test]
fn basic_credentials_are_a_token_in_base64() {
    let basic = r#"
        algorithm: token
        signature: { header: Authorization, prefix: "Basic ", encoding: base64 }
        covers: partial
    "#;
    // printf 'user:it-is' | base64
    let case = Case::new(basic, "{}").secrets(&["user:it-is"]);
    let sent = |text: &str| case.clone().and("Authorization", text).verdict();
    assert_eq!(sent("Basic dXNlcjppdC1pcw=="), "good");
    assert_eq!(sent("Basic dXNlcjppdC1pcg=="), "mismatch");
    for bad in ["Basic dXNlcjppdC1pcw", "basic dXNlcjppdC1pcw==", "Basic user:it-is", "Basic "] {
        assert_eq!(sent(bad), "malformed", "{bad}");
    }
}

#[test]
fn a_tenant_is_read_once_the_delivery_is_proved() {
    // From `printf '{"id":7}' | openssl dgst -sha256 -hmac it-is-a-secret`.
    let signed = "03ea163a89714a7743145e331914b42c59f75d3b25b67d0ffab40f79f06c0354";
    let yaml = r#"{ signature: { header: X-Sig }, content: "{body}", tenant: { json: /id } }"#;
    let case = Case::new(yaml, r#"{"id":7}"#).and("X-Sig", signed);
    assert_eq!(case.verify().unwrap().tenant.as_deref(), Some("7"));
    assert!(described(yaml).unwrap().is_shared() && described(yaml).unwrap().warnings().len() == 1);
    let header = yaml.replace("json: /id", "header: X-Tenant");
    assert!(described(&header).unwrap().warnings().iter().any(|it| it.starts_with("`tenant`")));
    assert_eq!(case.described(&header).verify().unwrap().tenant, None);
}
