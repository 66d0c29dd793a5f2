//! Signatures by private keys, and tokens. Keys and signatures were made by openssl 3 over
//! `1700000000{"id":7}`; the token by Python's `hmac`.
use super::Case;
use super::described;
use super::verifier;
use crate::webhook::Delivery;
use crate::webhook::KeysForm;
use crate::webhook::PublicKeys;
use http::HeaderMap;

const ED25519: &str = "883def09714ed38259e69ceb1c208d323def6adeafeff4078f77c3740f5b1309";
const ED25519_SIGNED: &str = "e4cb5c61f8dbfd77630517e659b99b75ab1786fe537478a434df3964c14b2745\
     7b2619b6941e590f65fd512faf8c82818e419c24ea1dcee711211c0bb39ff205";

const P256: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEHykWaGsK/STdWfC1AlpZf3Rg1aZijsj+9CYBeKbFeSb+VcgVQGBDXaA3vAReN1VlHVj6c13gZ9j+yfcUKoBG+g==";
const P256_SIGNED: &str = "MEYCIQCR/5tu97dGo2l+q568LjLtzqHGc/+EVo7cZxMgTgv4VwIhALfKoIyTiKwXtbSc7EDXkRgbQZOx5AfQHW3bMQfhQxxR";

const RSA: &str = "-----BEGIN PUBLIC KEY-----\n\
     MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAt7zitbKAMezWS768ny5Q\n\
     zg5xGJwbYty7AduEgJZe0N4th50z/aXSZSm7LFMIPcs2ItGfNTQNCFE/hIE4wOTo\n\
     QACFc8ZC5x42h6kt4BnmuAReSKqVOMOD7htUtJ5qfS+rckYJFclPp/zpg3TOCHgw\n\
     DgDeLyubY4s8PH9mST2BmcLcl0+bXSgIarO3s8XWw5vDnRpXU4XxzZ2SOlIgCXNB\n\
     qupkEejq4RJ1iFIQys+DzpLzlpTxL6pvGK3BF9TKuJcY4BV36LNHTIZj3DeBldbH\n\
     XB4V/UEbPu7+TFXNqJWZrmeFIAKsqQTq0xQLEYYc+s/voPpW78kncvW3GaBFcQPp\n\
     xQIDAQAB\n\
     -----END PUBLIC KEY-----";
const RSA_SIGNED: &str = "UPEiHzqMT9Q0RnlCPH7nMqxy94ny1uQVFVTKtnu/KZUdbDrgxthqHrF8F2f+r1NpiTUuyxdarNePgK8rFhcA3L/H5fldjWclj6ZrW6HO0qbC5KS8OHtHr2VwJTO2o4LRD2PMWC+0Cf3177FR6nQ+fBSi/9YimhVHxNDFDpVslTwPB6qyVIFjYyHGL/QISvKG4gh0UBY46rtANDAaGK4UcIxKJXSeqOQO0VPiuPEA/9QGjiW84Hm7YbjEkY0vXRiXMNayuURkVNgdmY/1F6uqomvglq9VIMI5llthDjGNc9jDJhYMrVVdjxpskO6WSW+D2T2K2EkS7KsmpybxupxJeA==";

fn case(algorithm: &str, key: &str, encoding: &str, secret: &str, signature: &str) -> Case {
    let yaml = format!(
        r#"
        algorithm: {algorithm}
        key: {{ encoding: {key} }}
        signature: {{ header: X-Sig, encoding: {encoding} }}
        timestamp: {{ header: X-Time }}
        content: "{{timestamp}}{{body}}"
        "#
    );
    Case::new(&yaml, r#"{"id":7}"#)
        .secrets(&[secret])
        .and("X-Time", "1700000000")
        .and("X-Sig", signature)
}

#[test]
fn signatures_by_private_keys_verify_and_nothing_else_does() {
    for good in [
        case("ed25519", "hex", "hex", ED25519, ED25519_SIGNED),
        case("ecdsa-p256", "base64", "base64", P256, P256_SIGNED),
        case("rsa-sha256", "utf8", "base64", RSA, RSA_SIGNED),
    ] {
        assert_eq!(good.verdict(), "good", "{}", good.description);
        assert!(good.verify().unwrap().replay_key.is_some());
        let signature = good.value("X-Sig");
        for (row, broken, verdict) in [
            ("body", good.clone().body(r#"{"id":8}"#), "mismatch"),
            ("clock", good.clone().with("X-Time", "1700000001"), "mismatch"),
            ("stale", good.clone().at_ms(1_700_000_301_000), "stale"),
            ("twice", good.clone().and("X-Sig", &signature), "malformed"),
            ("short", good.clone().with("X-Sig", &signature[..signature.len() - 4]), "mismatch"),
            ("empty", good.clone().with("X-Sig", ""), "malformed"),
            ("upper case", good.clone().with("X-Sig", signature.to_uppercase()), "refused"),
            ("zeros", good.clone().with("X-Sig", "00".repeat(64)), "mismatch"),
            ("none", good.clone().without("X-Sig"), "missing"),
        ] {
            let found = broken.verdict();
            let is_refused = verdict == "refused" && found != "good";
            assert!(is_refused || found == verdict, "{row}: {found}\n{}", good.description);
        }
    }
}

#[test]
fn a_secret_that_is_no_public_key_is_refused_without_being_shown() {
    let private = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----";
    for (algorithm, secret) in [
        ("ed25519", "hunter2"),
        ("ed25519", ""),
        ("ed25519", RSA),
        ("ecdsa-p256", RSA),
        ("rsa-sha256", private),
    ] {
        let case = case(algorithm, "utf8", "hex", secret, "");
        let error = verifier(&case.description, &[secret]).unwrap_err();
        assert!(error.to_string().starts_with("secret: "), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn published_keys_are_fetched_and_without_them_nothing_verifies() {
    let yaml = r#"
        algorithm: ed25519
        key: { jwks: "https://keys.example/set" }
        signature: { header: X-Sig }
        content: "{header.X-Time}{body}"
    "#;
    let case = Case::new(yaml, r#"{"id":7}"#)
        .secrets(&[])
        .and("X-Time", "1700000000")
        .and("X-Sig", ED25519_SIGNED);
    let verifier = case.verifier();
    assert_eq!(described(yaml).unwrap().fields(), []);
    // The key above in Base64url.
    let set = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"iD3vCXFO04JZ5pzrHCCNMj3vat6v7_QHj3fDdA9bEwk"}]}"#;
    let keys = PublicKeys::read(KeysForm::Jwks, set.as_bytes()).unwrap();
    case.with_delivery(|delivery: &Delivery<'_>| {
        let at = verifier.keys_at(delivery).unwrap().unwrap();
        assert_eq!((&*at.url, at.form, at.kid), ("https://keys.example/set", KeysForm::Jwks, None));
        assert!(verifier.verify(delivery, case.now, Some(&keys)).is_ok());
        assert!(verifier.verify(delivery, case.now, None).is_err());
    });
    let none =
        Delivery { method: "POST", url: "", query: "", headers: &HeaderMap::new(), body: b"" };
    assert!(case.verifier().verify(&none, case.now, Some(&keys)).is_err());
}

#[test]
fn a_certificate_is_only_looked_for_on_the_senders_hosts_and_paths() {
    let yaml = r#"
        algorithm: rsa-sha256
        key: { certificate: { json: /url, hosts: [sns.us-east-1.amazonaws.com], paths: [/*.pem] } }
        signature: { json: /sig, encoding: base64 }
        content: "{json./id}"
        covers: partial
    "#;
    let at = |body: &str| {
        let case = Case::new(yaml, body).secrets(&[]);
        case.with_delivery(|it| case.verifier().keys_at(it)).map(|it| it.unwrap().url)
    };
    let url = "https://sns.us-east-1.amazonaws.com/a.pem";
    assert_eq!(at(&format!(r#"{{"url":"{url}"}}"#)).unwrap(), url);
    for bad in [
        r#"{"url":"https://evil.example/a.pem"}"#,
        r#"{"url":"http://sns.us-east-1.amazonaws.com/a.pem"}"#,
        r#"{"url":"https://sns.us-east-1.amazonaws.com/?Action=Publish&x=a.pem"}"#,
        r#"{"url":"https://sns.us-east-1.amazonaws.com/a.pem?x"}"#,
        r#"{"url":"https://sns.us-east-1.amazonaws.com/a/b.pem"}"#,
        &format!(r#"{{"url":"{url}","url":"https://evil.example/"}}"#),
        "{}",
        "",
    ] {
        assert!(at(bad).is_err(), "{bad}");
    }
}

const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJtZSIsImlhdCI6MTcwMDAwMDAwMCwianRpIjoiai0xIiwiaGFzaCI6ImEzYzkwZTNiNzQ0OGQyM2Q5ZWFjZWJkMGViZjE1Y2FlMTAwZTIxZjliMmM2ODhmM2Y5ZDIzOGVkY2QyNmQ2N2YiLCJ1cmwiOiI3NjYwZDQ4MzczYjRiMTBhYjIxNDhiYjQ1MmE0ZjI0NTM0M2Y1N2E4OWZiY2I1NjhkNTMwYTJiYzk1OGRmZWY0In0.TUEbfKlylQeVrU0pVhmsVGGuDadjMsOIyeaXYcwoEfQ";

const JWT: &str = r#"
    algorithm: jwt
    jwt: { algorithms: [HS256], issuer: me, claims: { url: "{url|sha256(hex)}" } }
    signature: { header: Authorization, prefix: "Bearer " }
    timestamp: { claim: iat }
    bind: { claim: hash }
    id: "{claim.jti}"
"#;

#[test]
fn a_token_is_bound_to_body_url_and_time() {
    let case = Case::new(JWT, r#"{"id":7}"#)
        .url("https://hooks.example.com/in?x=1")
        .and("Authorization", format!("Bearer {TOKEN}"));
    let verified = case.verify().unwrap();
    assert_eq!(verified.id.as_deref(), Some("j-1"));
    assert!(verified.replay_key.is_some());
    let other = JWT.replace("HS256", "HS512");
    let issuer = JWT.replace("issuer: me", "issuer: you");
    let unsigned = TOKEN.rsplit_once('.').unwrap().0;
    for (row, broken, verdict) in [
        ("body", case.clone().body("{}"), "mismatch"),
        ("url", case.clone().url("https://hooks.example.com/in?x=2"), "mismatch"),
        ("secret", case.clone().secrets(&["other"]), "mismatch"),
        ("old", case.clone().at_ms(1_700_000_301_000), "stale"),
        ("ahead", case.clone().at_ms(1_699_999_699_000), "stale"),
        ("algorithm", case.clone().described(&other), "mismatch"),
        ("twice", case.clone().and("Authorization", "Bearer x"), "malformed"),
        ("no prefix", case.clone().with("Authorization", TOKEN), "malformed"),
        (
            "no signature",
            case.clone().with("Authorization", format!("Bearer {unsigned}.")),
            "mismatch",
        ),
        (
            "two parts",
            case.clone().with("Authorization", format!("Bearer {unsigned}")),
            "malformed",
        ),
        ("none", case.clone().without("Authorization"), "missing"),
    ] {
        assert_eq!(broken.verdict(), verdict, "{row}");
    }
    assert_ne!(case.described(&issuer).verdict(), "good");
}

#[test]
fn descriptions_of_keys_and_tokens_that_prove_nothing_are_refused() {
    let jwt = |jwt: &str, more: &str| {
        format!("{{ algorithm: jwt, jwt: {{ {jwt} }}, signature: {{ header: a }}, {more} }}")
    };
    let bound = "bind: { claim: hash }";
    assert!(described(&jwt("algorithms: [HS256]", bound)).is_ok());
    let certificate = |hosts: &str| {
        format!(
            r#"{{ algorithm: rsa-sha256, key: {{ certificate: {{ header: u, hosts: [{hosts}], paths: ["/a-*/*"] }} }},
            signature: {{ header: a }}, content: "{{body}}" }}"#
        )
    };
    let pathed = |paths: &str| {
        certificate("keys.example").replace(r#"paths: ["/a-*/*"]"#, &format!("paths: [{paths}]"))
    };
    assert!(described(&certificate("\"sns.*.amazonaws.com\"")).is_ok());
    assert!(described(&pathed("/a, /.well-known/jwks, \"/*/a\"")).is_ok());
    let keyed = |key: &str| {
        format!(
            r#"{{ algorithm: ed25519, key: {{ {key} }}, signature: {{ header: a }}, content: "{{body}}" }}"#
        )
    };
    assert!(described(&keyed("jwks: \"https://a.example/k\"")).is_ok());
    for bad in [
        jwt("", bound),
        jwt("algorithms: [none]", bound),
        jwt("algorithms: [HS256, ES256]", bound),
        jwt("algorithms: [HS256]", ""),
        jwt("algorithms: [HS256]", "key: { jwks: \"https://a.example/k\" }, bind: { claim: hash }"),
        jwt("algorithms: [HS256]", "bind: { header: x }"),
        jwt("algorithms: [HS256]", "bind: { claim: hash }, content: \"{body}\""),
        keyed("jwks: \"http://a.example/k\""),
        keyed("jwks: \"https://me:x@a.example/k\""),
        certificate(""),
        certificate("\"*\""),
        certificate("\"*.com\""),
        certificate("\"*.co.uk\""),
        certificate("\"*.*.github.io\""),
        r#"{ signature: { header: a }, timestamp: { header: t }, content: "{canonical.plivo_v3}" }"#.to_owned(),
        r#"{ signature: { header: a }, timestamp: { header: t }, content: "{canonical.contentful}" }"#.to_owned(),
        certificate("\"a.*.com\""),
        certificate("\"a.exa*mple.com\""),
        certificate("com"),
        certificate("127.0.0.1"),
        pathed(""),
        certificate("keys.example").replace(r#", paths: ["/a-*/*"]"#, ""),
        pathed("\"/*\""),
        pathed("\"/*/*\""),
        pathed("\"/a**\""),
        pathed("\"*\""),
        pathed("/"),
        pathed("a"),
        pathed("/a/"),
        pathed("//a"),
        pathed("/a/../b"),
        pathed("\"/a%2fb\""),
        pathed("\"/a?b\""),
        r#"{ key: { jwks: "https://a.example/k" }, signature: { header: a }, content: "{body}" }"#.to_owned(),
        r#"{ signature: { header: a }, content: "{header.x}", bind: { query: d } }"#.to_owned(),
        r#"{ signature: { header: a }, content: "{url}", bind: { header: d } }"#.to_owned(),
        r#"{ signature: { header: a }, content: "{body}", jwt: { algorithms: [HS256] } }"#.to_owned(),
        r#"{ each: "/a/*", signature: { header: a }, content: "{json./x}", covers: partial }"#.to_owned(),
        r#"{ each: "/a", signature: { json: /a }, content: "{json./x}", covers: partial }"#.to_owned(),
        r#"{ signature: { header: a }, content: "" }"#.to_owned(),
        r#"{ signature: { header: a }, content: "x", covers: partial }"#.to_owned(),
        r#"{ signature: { header: a }, content: "{body|crc32}" }"#.to_owned(),
        r#"{ signature: { header: a }, content: "{body|hmac(hex)}" }"#.to_owned(),
        r#"{ signature: { header: a }, content: "{body}", url_variants: [no_port] }"#.to_owned(),
        r#"{ signature: { header: a }, alternatives: [], content: "{body}" }"#.to_owned(),
        r#"{ signature: { header: a }, when: { header: b }, content: "{body}" }"#.to_owned(),
        r#"{ signature: { header: a }, alternatives: [{ content: "{body}" }, { content: "x{body}" }] }"#.to_owned(),
    ] {
        assert!(described(&bad).is_err(), "{bad}");
    }
}
