//! Requests that are answered here: by shape, checked, and never more said than is safe.
use super::Case;
use super::described;
use crate::model::Secret;
use crate::webhook::Given;
use crate::webhook::HandshakeCheck;
use crate::webhook::Refusal;
use crate::webhook::Reply;

const SIGNED: &str = r#"{ signature: { header: X-Sig }, content: "{body}", handshakes: [%] }"#;

fn with(handshake: &str) -> String {
    SIGNED.replace('%', handshake)
}

/// The answer; None where the delivery has no handshake's shape.
fn answer(case: &Case) -> Option<Result<Reply, Refusal>> {
    let verifier = case.verifier();
    case.with_delivery(|it| verifier.handshake(it).map(|shake| verifier.answer(shake, it)))
}

fn get(description: &str, query: &str) -> Case {
    let mut case = Case::new(description, "").url(&format!("https://hooks.example.com/in?{query}"));
    case.method = "GET";
    case
}

fn body(case: &Case) -> String {
    String::from_utf8(answer(case).unwrap().unwrap().body).unwrap()
}

#[test]
fn a_challenge_is_echoed_once_the_token_was_shown() {
    let meta = with(
        r#"{ when: { method: GET, query: hub.mode, equals: subscribe }, check: token,
             token: { query: hub.verify_token }, respond: { body: "{query.hub.challenge}" } }"#,
    );
    let good = "hub.mode=subscribe&hub.verify_token=shown-by-the-sender&hub.challenge=1158201444";
    let case = get(&meta, good);
    assert_eq!(body(&case), "1158201444");
    let reply = answer(&case).unwrap().unwrap();
    assert_eq!((reply.status, reply.headers.len(), reply.learned.is_none()), (200, 1, true));
    assert_eq!(reply.headers[0].1, "text/plain");
    let long = format!("{good}{}", "1".repeat(1024));
    for (row, query, verdict) in [
        ("another token", good.replace("shown", "known"), "mismatch"),
        ("no token", good.replace("verify_token", "other"), "missing"),
        ("the token twice", format!("{good}&hub.verify_token=x"), "malformed"),
        ("the challenge twice", format!("{good}&hub.challenge=1"), "malformed"),
        ("no challenge", good.replace("challenge", "other"), "missing"),
        ("a long challenge", long, "malformed"),
    ] {
        assert_eq!(answer(&get(&meta, &query)).unwrap().unwrap_err().reason(), verdict, "{row}");
    }
    assert!(answer(&get(&meta, &good.replace("subscribe", "other"))).is_none(), "another shape");
    assert!(answer(&Case::new(&meta, "").url(&case.url)).is_none(), "another method");
    let description = described(&meta).unwrap();
    assert_eq!(description.fields(), [("secret", true), ("verify_token", true)]);
    assert!(description.takes_method(&http::Method::GET));
    assert!(!description.takes_method(&http::Method::HEAD));
}

#[test]
fn a_signed_challenge_is_answered_with_an_hmac() {
    let zoom = with(
        r#"{ when: { json: /event, equals: endpoint.url_validation },
             respond: { json: { plainToken: "{json./payload/plainToken}",
                                encryptedToken: "{json./payload/plainToken|hmac(hex)}" } } }"#,
    );
    let challenge =
        r#"{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"}}"#;
    let case = Case::new(&zoom, challenge);
    let verifier = case.verifier();
    let check = case.with_delivery(|it| verifier.handshake(it).unwrap().check());
    assert_eq!(check, HandshakeCheck::Signature);
    // From `printf qgg8vlvZRS6UYooatFL8Aw | openssl dgst -sha256 -hmac it-is-a-secret`.
    assert_eq!(
        body(&case),
        r#"{"plainToken":"qgg8vlvZRS6UYooatFL8Aw","encryptedToken":"4d04e2fcfe7128e68fbd6d426e157dd1c0e10a66fd9637b724281f3924598563"}"#
    );
    let twice =
        r#"{"event":"endpoint.url_validation","payload":{"plainToken":"a","plainToken":"b"}}"#;
    assert!(answer(&Case::new(&zoom, twice)).unwrap().is_err());
    assert!(answer(&Case::new(&zoom, r#"{"event":"other"}"#)).is_none());
    assert!(answer(&Case::new(&zoom, "no JSON")).is_none());
}

#[test]
fn an_unsigned_challenge_is_signed_only_where_it_can_be_no_delivery() {
    let x = with(
        r#"{ when: { method: GET, query: crc_token }, check: none,
             respond: { json: { response_token: "sha256={query.crc_token|hmac(base64)}" } } }"#,
    );
    // From `printf challenge_01= | openssl dgst -sha256 -hmac it-is-a-secret -binary | base64`.
    let case = get(&x, "crc_token=challenge_01%3D");
    let token = r#"{"response_token":"sha256=C//RPtit25sAFM76urrZAksMgcaK0rVmDk6iI3PmMYs="}"#;
    assert_eq!(body(&case), token);
    for bad in [
        "crc_token=",
        "crc_token=%7B%22id%22:7%7D",
        "crc_token=a+b",
        "crc_token=a%26b",
        "crc_token=a%3Db",
        "crc_token=%3D",
        "crc_token=%22a%22",
        "crc_token=%C3%A9",
        "crc_token=a&crc_token=b",
        &format!("crc_token={}", "a".repeat(65)),
    ] {
        let refused = answer(&get(&x, bad));
        assert!(refused.is_none_or(|it| it.is_err()), "{bad}");
    }
}

/// What is got from the handshake, sent back as a delivery.
#[test]
fn the_hmac_of_a_challenge_signs_no_delivery() {
    for challenge in ["null", "7", "0123456789abcdef0123", "true==", &"9".repeat(64)] {
        let asked = get("preset: x", &format!("crc_token={}", challenge.replace('=', "%3D")));
        let reply: serde_json::Value = serde_json::from_str(&body(&asked)).unwrap();
        let token = reply["response_token"].as_str().unwrap();
        let sent = Case::new("preset: x", challenge).and("x-twitter-webhooks-signature", token);
        assert_eq!(sent.verify(), Err(Refusal::Mismatch), "{challenge}");
    }
    let without = r#"{ signature: { header: x-twitter-webhooks-signature, prefix: "sha256=", encoding: base64 },
        content: "{body}" }"#;
    // From `printf null | openssl dgst -sha256 -hmac it-is-a-secret -binary | base64`.
    let null = Case::new(without, "null")
        .and("x-twitter-webhooks-signature", "sha256=AbvuBqE6NYZV93hMEUufBmmxGmMcEz7mAzmkSzprFUU=");
    assert_eq!(null.verdict(), "good", "nobody gets one where there is no such handshake");
    assert_eq!(null.described("preset: x").verdict(), "mismatch");

    let challenge = "0123456789abcdef0123";
    let asked = get("preset: braintree", &format!("bt_challenge={challenge}")).account("pub");
    let signed = body(&asked);
    for form in [
        format!("bt_signature={}&bt_payload={challenge}&anything=else", signed.replace('|', "%7C")),
        format!("bt_signature={}&%62t_payload=0123456789%61bcdef0123", signed.replace('|', "%7C")),
    ] {
        let sent = Case::new("preset: braintree", &form)
            .account("pub")
            .and("Content-Type", "application/x-www-form-urlencoded");
        assert_eq!(sent.verify(), Err(Refusal::Mismatch), "{form}");
    }
}

const LEARNS: &str = r#"{ when: { header: X-Hook-Secret }, check: none,
    store_secret_once: { header: X-Hook-Secret },
    respond: { headers: { X-Hook-Secret: "{header.X-Hook-Secret}" } } }"#;

#[test]
fn a_secret_is_learned_once_and_answered_again_to_whoever_knows_it() {
    let asana = with(LEARNS);
    let handed = |secrets: &[&str], secret: &str| {
        answer(&Case::new(&asana, "").secrets(secrets).and("X-Hook-Secret", secret)).unwrap()
    };
    let secret = "0123456789abcdef0123456789abcdef";
    let first = handed(&[], secret).unwrap();
    assert_eq!(first.learned.unwrap().expose(), secret);
    assert_eq!(first.headers[0].1, secret);
    let again = handed(&[secret], secret).unwrap();
    assert!(again.learned.is_none() && again.headers[0].1 == secret);
    assert!(handed(&["another-secret-of-theirs", secret], secret).unwrap().learned.is_none());
    assert_eq!(handed(&["another-secret-of-theirs"], secret).unwrap_err(), Refusal::Mismatch);
    for bad in ["", "short", "has a space in it here", &"x".repeat(513)] {
        assert!(handed(&[], bad).is_err(), "{bad}");
    }

    let waiting = Case::new(&asana, "{}").secrets(&[]);
    assert!(waiting.verifier().is_waiting());
    // HMAC-SHA256 of `{}` with the empty key, by Python.
    let empty = "22f8eea909400af98adf3681a9f31923ef6b7fcba4abb553d92823a3e9d5c25e";
    for case in [waiting.clone(), waiting.and("X-Sig", empty)] {
        assert_eq!(case.verdict(), "missing", "nothing verifies before there is a secret");
    }
    let description = described(&asana).unwrap();
    assert!(description.learns_secret());
    assert_eq!(description.fields(), [("secret", false)]);
    let other = with(r#"{ when: { method: HEAD }, check: none, respond: {} }"#);
    assert!(described(&other).unwrap().verifier(&Given::default()).is_err(), "it learns none");
    let given = Given { secrets: &[Secret::new("")], ..Given::default() };
    assert!(description.verifier(&given).is_err(), "an empty secret is no waiting");
}

#[test]
fn answers_that_give_something_away_are_refused_at_load() {
    for good in [
        r#"{ when: { method: HEAD }, check: none, respond: {} }"#,
        r#"{ when: { query: validationToken }, check: none, respond: { body: "{query.validationToken}" } }"#,
        r#"{ when: { json: /challenge }, check: none, respond: { json: { challenge: "{json./challenge}" } } }"#,
        r#"{ when: { json: /type, equals: "1" }, respond: { json: { type: 1 } } }"#,
        LEARNS,
    ] {
        assert!(described(&with(good)).is_ok(), "{good}: {:?}", described(&with(good)));
    }
    for bad in [
        // Whatever POST it is.
        r#"{ when: {}, check: none, respond: {} }"#,
        // A body, or a part of it, as text.
        r#"{ when: { json: /challenge }, check: none, respond: { body: "{json./challenge}" } }"#,
        r#"{ when: { json: /a }, check: none, respond: { json: { a: "{json./b}" } } }"#,
        r#"{ when: { query: a }, check: none, respond: { body: "{body}" } }"#,
        r#"{ when: { query: a }, check: none, respond: { body: "{url}" } }"#,
        r#"{ when: { query: a }, respond: { body: "{key}" } }"#,
        // A signing oracle.
        r#"{ when: { query: a }, check: none, respond: { body: "{query.a|hmac(hex)}" } }"#,
        r#"{ when: { method: GET, header: a }, check: none, respond: { body: "{header.a|hmac(hex)}" } }"#,
        r#"{ when: { json: /a }, check: none, respond: { json: { a: "{json./a|hmac(hex)}" } } }"#,
        r#"{ when: { method: GET, query: a }, check: none, respond: { body: "{query.a|lower|hmac(hex)}" } }"#,
        // What a browser would run, and headers with a meaning.
        r#"{ when: { query: a }, respond: { type: text/html, body: "{query.a}" } }"#,
        r#"{ when: { query: a }, respond: { type: image/svg+xml, body: "{query.a}" } }"#,
        r#"{ when: { query: a }, respond: { headers: { Location: "{query.a}" } } }"#,
        r#"{ when: { query: a }, respond: { headers: { Set-Cookie: "{query.a}" } } }"#,
        r#"{ when: { query: a }, respond: { headers: { X-Attache-A: "{query.a}" } } }"#,
        r#"{ when: { query: a }, respond: { status: 302 } }"#,
        // Checks that do not go together.
        r#"{ when: { query: a }, check: token, respond: {} }"#,
        r#"{ when: { query: a }, check: none, token: { query: a }, respond: {} }"#,
        r#"{ when: { header: a }, store_secret_once: { header: a }, respond: {} }"#,
        r#"{ when: { method: PUT }, respond: {} }"#,
        r#"{ when: { query: a, header: b }, respond: {} }"#,
        r#"{ when: { equals: a }, respond: {} }"#,
        r#"{ when: { query: a, matches: "(" }, respond: {} }"#,
        r#"{ when: { query: a }, respond: { body: a, json: {} } }"#,
    ] {
        assert!(described(&with(bad)).is_err(), "{bad}");
    }
    let clocked = r#"{ signature: { header: a }, timestamp: { header: t }, content: "{timestamp}{header.x}",
        covers: partial, handshakes: [{ when: { method: GET, query: c % }, check: none,
        respond: { body: "{query.c|hmac(hex)}" } }] }"#;
    assert!(described(&clocked.replace('%', "")).is_err(), "it could be a content");
    assert!(described(&clocked.replace('%', ", matches: '[a-f0-9]{20,32}'")).is_ok());
}
