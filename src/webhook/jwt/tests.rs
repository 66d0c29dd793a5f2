//! Published tokens, and everything that is wrong with others.
use super::*;
use serde_json::json;

const JSON: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn rules(algorithms: &[JwsAlgorithm]) -> JwtRules {
    JwtRules { algorithms: algorithms.into(), ..JwtRules::default() }
}

/// A token with its claims.
fn whole(text: &str, detached: bool) -> Option<Token<'_>> {
    Token::read(text, detached)?.with_claims()
}

fn unpadded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// RFC 7515 appendix A.1: HS256.
#[test]
fn the_published_hs256_token() {
    let token = format!(
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JSON}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
    let key = unpadded(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    );
    let token = whole(&token, false).unwrap();
    assert!(rules(&[JwsAlgorithm::HS256]).verifies(&token, KeyFor::Shared(&key)));
    assert!(!rules(&[JwsAlgorithm::HS512]).verifies(&token, KeyFor::Shared(&key)));
    assert!(!rules(&[]).verifies(&token, KeyFor::Shared(&key)));
    assert!(!rules(&[JwsAlgorithm::HS256]).verifies(&token, KeyFor::Shared(b"")));
    assert_eq!(token.claim_text("iss").as_deref(), Some("joe"));
    assert_eq!(token.claim_text("exp").as_deref(), Some("1300819380"));
    assert_eq!(token.claim_text("http://example.com/is_root"), None);
    assert_eq!((token.header("typ"), token.kid()), (Some("JWT"), None));
}

/// RFC 7515 appendices A.2 (RS256) and A.3 (ES256).
#[test]
fn the_published_tokens_with_public_keys() {
    use JwsAlgorithm as A;
    let rsa = json!({ "kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" });
    let ec = json!({
        "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let (rsa, ec) = (PublicKey::from_jwk(&rsa).unwrap(), PublicKey::from_jwk(&ec).unwrap());
    let rs256 = format!(
        "eyJhbGciOiJSUzI1NiJ9.{JSON}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
    );
    let es256 = format!(
        "eyJhbGciOiJFUzI1NiJ9.{JSON}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    for (text, algorithm, key, other) in
        [(&rs256, A::RS256, &rsa, &ec), (&es256, A::ES256, &ec, &rsa)]
    {
        let token = whole(text, false).unwrap();
        assert!(rules(&[A::PS256, algorithm]).verifies(&token, KeyFor::Public(key)));
        assert!(!rules(&[algorithm]).verifies(&token, KeyFor::Public(other)));
        assert!(!rules(&[algorithm]).verifies(&token, KeyFor::Shared(b"secret")));
        assert!(!rules(&[A::PS256, A::ES512, A::HS256]).verifies(&token, KeyFor::Public(key)));
        assert!(!rules(&[algorithm]).verifies_detached(&token, b"", KeyFor::Public(key)));
        let bent = text.replace("eyJpc3MiOiJqb2Ui", "eyJpc3MiOiJqb2Ei");
        let bent = whole(&bent, false).unwrap();
        assert_eq!(bent.claim_text("iss").as_deref(), Some("joa"));
        assert!(!rules(&[algorithm]).verifies(&bent, KeyFor::Public(key)));
    }
}

/// RFC 8037 appendix A.4 (EdDSA), RFC 7515 appendix A.4 (ES512), with their payloads taken out; and
/// one that `sign` of npm truelayer-signing 0.2.3 made.
#[test]
fn tokens_with_their_payload_elsewhere() {
    use JwsAlgorithm as A;
    let delivered = "POST /tl-webhook?a=1\nX-Tl-Webhook-Timestamp: 2021-11-29T11:42:55Z\n\
        Content-Type: application/json\n{\"event_type\":\"example\",\"é\":1.0}";
    for (text, payload, algorithm, jwk) in [
        (
            "eyJhbGciOiJFZERTQSJ9..hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            "Example of Ed25519 signing",
            A::EdDSA,
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
        ),
        (
            "eyJhbGciOiJFUzUxMiJ9..AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
            "Payload",
            A::ES512,
            json!({
                "kty": "EC", "crv": "P-521",
                "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
                "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
            }),
        ),
        (
            "eyJhbGciOiJFUzUxMiIsImtpZCI6ImstMSIsInRsX3ZlcnNpb24iOiIyIiwidGxfaGVhZGVycyI6IlgtVGwtV2ViaG9vay1UaW1lc3RhbXAsQ29udGVudC1UeXBlIn0..AH7Py42VhiRG0YZmL-Plf0YyJ8UGQoca1n73QJB2StSi5tO2EzRNrBJLNpCQZFM-rahlpjhlufbcNLz_Y6gpVaBoAOtre1RvXrtV_GyNywIKYF1K3hKPJt4VDoBz7s-W2Wy70uhzsqqC1jg0Md24y3b3q7FA0MpuLR21aTAfChCsRCXr",
            delivered,
            A::ES512,
            json!({
                "kty": "EC", "crv": "P-521",
                "x": "AJP355h53BRCjlfIEeBufNXkfLkwkpCwjQQOAbJ5dhy5dLvqYol06s_zjB_dDoWlT7dJLMdjh5E3xe3h0RbyPa__",
                "y": "Ae3aqXtGgICAghbXYuVksvjDo2Z2W5GP2Yf10X3lGnuznsk9C7u_z2df1k7i0k3jN9YCwxTnfX4upa62WBQEUUYw",
            }),
        ),
    ] {
        let key = PublicKey::from_jwk(&jwk).unwrap();
        let key = KeyFor::Public(&key);
        let token = whole(text, true).unwrap();
        let rules = rules(&[algorithm]);
        assert!(rules.verifies_detached(&token, payload.as_bytes(), key), "{payload}");
        assert!(!rules.verifies_detached(&token, format!("{payload} ").as_bytes(), key));
        assert!(!rules.verifies_detached(&token, b"", key));
        assert!(!rules.verifies(&token, key), "without its payload");
        let (header, signature) = text.split_once("..").unwrap();
        let joined = format!("{header}.{}.{signature}", encoded(payload.as_bytes()));
        assert!(whole(&joined, true).is_none(), "a payload of its own");
        assert!(whole(text, false).is_none());
    }
    let token = "eyJhbGciOiJFUzUxMiIsImtpZCI6ImstMSIsInRsX2hlYWRlcnMiOiJBLEIifQ..AA";
    let token = whole(token, true).unwrap();
    assert_eq!((token.kid(), token.header("tl_headers")), (Some("k-1"), Some("A,B")));
}

/// A public key's text is no secret: whoever reads it could sign (CVE-2015-9235).
#[test]
fn a_public_key_is_never_a_secret() {
    let pair = rcgen::KeyPair::generate().unwrap();
    let pem = pair.public_key_pem();
    let key = PublicKey::from_text(&pem, crate::crypto::PublicKind::Any).unwrap();
    let forged = |alg: &str, secret: &[u8]| {
        let header = encoded(json!({ "alg": alg }).to_string().as_bytes());
        let input = format!("{header}.{JSON}");
        let mac = MacKey::new(Hash::Sha256, secret).unwrap().of(input.as_bytes());
        format!("{input}.{}", encoded(mac.bytes()))
    };
    let every = [JwsAlgorithm::ES256, JwsAlgorithm::HS256, JwsAlgorithm::HS512];
    for secret in [pem.as_bytes(), pem.trim().as_bytes(), b"secret"] {
        let text = forged("HS256", secret);
        let token = whole(&text, false).unwrap();
        for key in [KeyFor::Public(&key), KeyFor::Shared(b"other"), KeyFor::Shared(b"")] {
            assert!(!rules(&every).verifies(&token, key));
        }
        assert!(!rules(&[JwsAlgorithm::ES256]).verifies(&token, KeyFor::Public(&key)));
        assert!(!rules(&[JwsAlgorithm::ES256]).verifies(&token, KeyFor::Shared(secret)));
        // A digest of another length.
        let text = forged("HS512", secret);
        let token = whole(&text, false).unwrap();
        assert!(!rules(&every).verifies(&token, KeyFor::Shared(secret)));
    }
    for alg in ["none", "None", "NONE", "", "hs256", "HS256 ", "ES256K", "RSA-OAEP"] {
        assert!(whole(&forged(alg, b"secret"), false).is_none(), "{alg}");
    }
    let unsigned = format!("{}.{JSON}.", encoded(br#"{"alg":"HS256"}"#));
    let token = whole(&unsigned, false).unwrap();
    assert!(!rules(&every).verifies(&token, KeyFor::Shared(b"secret")));
}

#[test]
fn what_is_not_written_as_a_token_is_none() {
    let read = |header: &str, payload: &str| {
        let text = format!("{}.{}.AA", encoded(header.as_bytes()), encoded(payload.as_bytes()));
        whole(&text, false).is_some()
    };
    assert!(read(r#"{"alg":"HS256"}"#, "{}"));
    for header in [
        "",
        "{}",
        "[]",
        r#"{"alg":7}"#,
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"HS256","\u0061lg":"none"}"#,
        r#"{"alg":"HS256","crit":["exp"]}"#,
        r#"{"alg":"HS256","crit":[]}"#,
        r#"{"alg":"HS256","b64":false}"#,
        r#"{"alg":"HS256","b64":true}"#,
        r#"{"alg":"HS256","zip":"DEF"}"#,
        r#"{"alg":"HS256"} x"#,
    ] {
        assert!(!read(header, "{}"), "{header}");
    }
    for payload in ["", "[]", "7", "null", r#"{"a":1,"a":2}"#, "{} {}", "\u{feff}{}"] {
        assert!(!read(r#"{"alg":"HS256"}"#, payload), "{payload}");
    }
    // {"alg":"HS256"} and {}.
    for text in [
        "",
        "..",
        "eyJhbGciOiJIUzI1NiJ9.e30",
        "eyJhbGciOiJIUzI1NiJ9.e30.AA.AA",
        " eyJhbGciOiJIUzI1NiJ9.e30.AA",
        "eyJhbGciOiJIUzI1NiJ9.e30.AA\n",
        "eyJhbGciOiJIUzI1NiJ9.e30=.AA",
        "eyJhbGciOiJIUzI1NiJ9.e31.AA",
        "eyJhbGciOiJIUzI1NiJ9.e30.AB",
        "eyJhbGciOiJIUzI1NiJ9.e30.A+",
        "eyJhbGciOiJIUzI1NiJ9.e30.A",
        "eyJhbGciOiJIUzI1NiJ9.e30.AA==",
        "eyJhbGciOiJIUzI1NiJ9..AA",
    ] {
        assert!(whole(text, false).is_none(), "{text}");
    }
    let long = format!(r#"{{"alg":"HS256","x":"{}"}}"#, "a".repeat(HEADER_LEN_MAX));
    assert!(!read(&long, "{}"));
    let payload = |len: usize| format!(r#"{{"x":"{}"}}"#, "a".repeat(len - 8));
    assert!(read(r#"{"alg":"HS256"}"#, &payload(1 << 20)));
    assert!(!read(r#"{"alg":"HS256"}"#, &payload((1 << 20) + 4)));
    let long = format!("eyJhbGciOiJIUzI1NiJ9.e30.{}", "AAAA".repeat(400));
    assert!(whole(&long, false).is_none());
}

#[test]
fn claims_are_built_once_they_are_asked_for() {
    for payload in ["[]", "7", "{", r#"{"a":1,"a":2}"#] {
        let text = format!("eyJhbGciOiJIUzI1NiJ9.{}.AA", encoded(payload.as_bytes()));
        let token = Token::read(&text, false).unwrap();
        assert!(token.claims.is_empty());
        assert!(token.with_claims().is_none(), "{payload}");
    }
    let text = format!("eyJhbGciOiJIUzI1NiJ9.{JSON}.AA");
    let token = Token::read(&text, false).unwrap();
    assert_eq!(token.claim_text("iss"), None);
    assert_eq!(token.with_claims().unwrap().claim_text("iss").as_deref(), Some("joe"));
}

/// 2023-11-14T22:13:20Z.
const NOW_S: u64 = 1_700_000_000;

fn checked(rules: &JwtRules, claims: &Value, account: Option<&str>) -> Result<(), Refusal> {
    let text = format!("eyJhbGciOiJIUzI1NiJ9.{}.AA", encoded(claims.to_string().as_bytes()));
    let token = whole(&text, false).unwrap();
    let leeway = Leeway { past_s: 10, future_s: 20 };
    rules.check(&token, UnixTime::from_ms(NOW_S * 1000 + 999), leeway, account)
}

#[test]
fn a_tokens_times_count_wherever_they_are() {
    let malformed = Err(Refusal::Malformed(What::Timestamp));
    for (claims, verdict) in [
        (json!({}), Ok(())),
        (json!({ "exp": NOW_S - 9 }), Ok(())),
        (json!({ "exp": NOW_S - 10 }), Err(Refusal::Stale)),
        (json!({ "exp": NOW_S as f64 - 9.5 }), Ok(())),
        (json!({ "exp": 0 }), Err(Refusal::Stale)),
        (json!({ "nbf": NOW_S + 20 }), Ok(())),
        (json!({ "nbf": NOW_S + 21 }), Err(Refusal::Stale)),
        (json!({ "iat": NOW_S + 20 }), Ok(())),
        (json!({ "iat": NOW_S + 21 }), Err(Refusal::Stale)),
        (json!({ "iat": 7 }), Ok(())),
        (json!({ "exp": NOW_S + 60, "nbf": NOW_S, "iat": NOW_S + 60 }), Err(Refusal::Stale)),
        (json!({ "exp": (NOW_S + 60).to_string() }), malformed),
        (json!({ "exp": null }), malformed),
        (json!({ "exp": -1 }), malformed),
        (json!({ "exp": 1e300 }), malformed),
        (json!({ "exp": u64::MAX }), malformed),
        (json!({ "nbf": [] }), malformed),
        (json!({ "iat": true }), malformed),
    ] {
        assert_eq!(checked(&rules(&[]), &claims, None), verdict, "{claims}");
    }
}

#[test]
fn a_token_says_who_it_is_from_and_for() {
    let missing = Err(Refusal::Missing(What::Required));
    let malformed = Err(Refusal::Malformed(What::Required));
    let issued = JwtRules { issuer: Some("Upstash".into()), ..JwtRules::default() };
    for (claims, verdict) in [
        (json!({ "iss": "Upstash" }), Ok(())),
        (json!({ "iss": "upstash" }), malformed),
        (json!({ "iss": ["Upstash"] }), malformed),
        (json!({ "iss": null }), malformed),
        (json!({}), missing),
    ] {
        assert_eq!(checked(&issued, &claims, None), verdict, "{claims}");
    }
    let fixed = Some(Audience::Text("us".into()));
    let fixed = JwtRules { audience: fixed, ..JwtRules::default() };
    let ours = JwtRules { audience: Some(Audience::Account), ..JwtRules::default() };
    for (claims, verdict) in [
        (json!({ "aud": "us" }), Ok(())),
        (json!({ "aud": ["them", "us"] }), Ok(())),
        (json!({ "aud": "them" }), malformed),
        (json!({ "aud": [] }), malformed),
        (json!({ "aud": [["us"]] }), malformed),
        (json!({ "aud": { "us": 1 } }), malformed),
        (json!({}), missing),
    ] {
        assert_eq!(checked(&fixed, &claims, None), verdict, "{claims}");
        assert_eq!(checked(&ours, &claims, Some("us")), verdict, "{claims}");
        assert!(checked(&ours, &claims, None).is_err());
    }
    assert_eq!(checked(&rules(&[]), &json!({ "iss": "x", "aud": 7 }), None), Ok(()));
}
