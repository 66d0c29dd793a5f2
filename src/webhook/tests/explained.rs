//! Verifications told step by step, and deliveries made to try a receiver with.
use super::Case;
use super::SECRET;
use crate::webhook::CannotSign;
use crate::webhook::Explained;
use crate::webhook::Part;
use crate::webhook::Unsigned;

/// From `printf '1700000000.{"id":7}' | openssl dgst -sha256 -hmac it-is-a-secret`.
const SIGNED: &str = "f0bb472517ab8ca629a48ab5a2eb25bab98d08a5bd36cd44ec24541d78b59f8f";

const CLOCKED: &str = r#"
    signature: { header: X-Sig }
    timestamp: { header: X-Time }
    content: "{timestamp}.{body}"
"#;

fn clocked() -> Case {
    Case::new(CLOCKED, r#"{"id":7}"#).and("X-Sig", SIGNED).and("X-Time", "1700000000")
}

fn explained(case: &Case) -> Explained {
    case.with_delivery(|it| case.verifier().explain(it, case.now, None))
}

#[test]
fn the_steps_are_those_of_the_verdict_and_the_last_one_is_where_it_failed() {
    let good = explained(&clocked());
    let parts: Vec<Part> = good.steps.iter().map(|it| it.part).collect();
    let all = [Part::Signature, Part::Timestamp, Part::Content, Part::Comparison];
    assert_eq!(parts, [&all[..], &[Part::Id, Part::Replay]].concat());
    assert!(good.steps.iter().all(|it| it.passed) && good.verdict.is_ok());
    assert_eq!(good.steps[2].content.as_deref(), Some(&b"1700000000.{\"id\":7}"[..]));
    for (case, part) in [
        (clocked().without("X-Sig"), Part::Signature),
        (clocked().with("X-Sig", "zz"), Part::Signature),
        (clocked().without("X-Time"), Part::Timestamp),
        (clocked().with("X-Time", "now"), Part::Timestamp),
        (clocked().at_ms(0), Part::Timestamp),
        (clocked().body("{}"), Part::Comparison),
        (clocked().described(&format!("{CLOCKED}\n    require: {{ X-V: a }}")), Part::Required),
        (clocked().described(&CLOCKED.replace("{body}", "{header.X-Id}{body}")), Part::Content),
    ] {
        let told = explained(&case);
        assert_eq!(told.verdict, case.verify());
        let (last, before) = told.steps.split_last().unwrap();
        assert_eq!((last.part, last.passed), (part, false), "{told:#?}");
        assert!(before.iter().all(|it| it.passed), "{told:#?}");
    }
}

#[test]
fn neither_the_secret_nor_the_right_signature_is_told() {
    let hash = r#"{ algorithm: sha256, signature: { header: X-Sig }, content: "{key}{body}" }"#;
    let token = r#"{ algorithm: token, signature: { header: X-Sig }, covers: partial }"#;
    for case in [
        clocked().with("X-Sig", "0".repeat(64)),
        clocked().described(hash),
        clocked().described(token),
    ] {
        let told = explained(&case);
        let contents = told.steps.iter().filter_map(|it| it.content.clone()).flatten();
        let contents = String::from_utf8(contents.collect()).unwrap();
        let text = format!("{told:?}{contents}");
        for hidden in
            [SECRET, SIGNED, "982c598da5640168c4ba730f9c00b783f7b42fbe64b652808e55d70624806f4a"]
        {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
    }
    let told = explained(&clocked().described(hash));
    let shown = told.steps.iter().find_map(|it| it.content.as_deref());
    assert_eq!(shown, Some(&b"[key]{\"id\":7}"[..]));
}

#[test]
fn what_is_signed_here_verifies_and_breaks_as_a_senders_own() {
    for (description, secret) in [
        ("preset: github", SECRET),
        ("preset: stripe", SECRET),
        ("preset: slack", SECRET),
        ("preset: standard-webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("preset: zendesk", SECRET),
        ("preset: box", SECRET),
        ("preset: square", SECRET),
        ("preset: hubspot-v3", SECRET),
        (r#"{ algorithm: token, signature: { header: X-Token }, covers: partial }"#, SECRET),
        (
            r#"{ algorithm: token, signature: { header: Authorization, prefix: "Basic ", encoding: base64 }, covers: partial }"#,
            "user:it-is",
        ),
        (r#"{ signature: { query: sig }, content: "{body}" }"#, SECRET),
        (r#"{ signature: { header: a }, content: "{url}", bind: { query: digest } }"#, SECRET),
        (r#"{ algorithm: sha256, signature: { header: a }, content: "{key}{body}" }"#, SECRET),
    ] {
        let case = Case::new(description, r#"{"id":7}"#).secrets(&[secret]);
        let verifier = case.verifier();
        let headers = case.header_map();
        let unsigned =
            Unsigned { method: "POST", url: &case.url, headers: &headers, body: &case.body };
        let signed = verifier.sign(unsigned, case.now).unwrap();
        assert_eq!(signed.body, case.body);
        let mut sent = case.url(&signed.url);
        for (name, value) in &signed.headers {
            sent = sent.and(name.as_str(), value.as_bytes());
        }
        assert_eq!(sent.verdict(), "good", "{description}");
        assert_eq!(sent.secrets(&["YW5vdGhlcg=="]).verdict(), "mismatch", "{description}");
    }
}

#[test]
fn what_cannot_be_signed_says_why() {
    for (description, why) in [
        (
            r#"{ signature: { json: /s }, content: "{json./a}", covers: partial }"#,
            CannotSign::InBody,
        ),
        (r#"{ signature: { form: s }, content: "{body}" }"#, CannotSign::InBody),
        (r#"{ signature: { query: s }, content: "{url}{body}" }"#, CannotSign::InUrl),
        (r#"{ signature: { header: s }, content: "{query.x}{body}" }"#, CannotSign::Value),
        (
            r#"{ signature: { header: s }, alternatives: [{ when: { header: x }, content: "{body}" }] }"#,
            CannotSign::Shape,
        ),
        (
            r#"{ algorithm: jwt, jwt: { algorithms: [HS256] }, bind: { claim: h }, signature: { header: s } }"#,
            CannotSign::Token,
        ),
    ] {
        let case = Case::new(description, r#"{"a":7}"#);
        let headers = case.header_map();
        let unsigned =
            Unsigned { method: "POST", url: &case.url, headers: &headers, body: &case.body };
        assert_eq!(case.verifier().sign(unsigned, case.now), Err(why), "{description}");
    }
}
