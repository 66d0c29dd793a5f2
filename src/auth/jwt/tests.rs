//! Tokens: their published signatures, what they say, and how long one is served.
use super::super::BodyUse;
use super::super::Draft;
use super::super::Moment;
use super::super::Prepared;
use super::super::SchemeFault;
use super::super::Step;
use super::Jwt;
use super::RawJwt;
use crate::crypto::JwsAlgorithm;
use crate::crypto::SigningKey;
use crate::model::Credential;
use crate::model::Origin;
use crate::model::Secret;
use crate::model::UnixTime;
use aws_lc_rs::signature;
use aws_lc_rs::signature::KeyPair;
use aws_lc_rs::signature::UnparsedPublicKey;
use aws_lc_rs::signature::VerificationAlgorithm;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use http::Method;
use http::header::AUTHORIZATION;
use serde_json::Value;
use serde_json::json;

/// What RFC 7515 signs in appendices A.1 to A.3, behind the header.
const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

/// The key of RFC 7515 appendix A.2, in PKCS #8.
const RSA: &str = "\
-----BEGIN PRIVATE KEY-----\n\
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCh+BYK4uPJtGXO\n\
jS1lYmM2K5J9vinh8CR3/BYlzJChNuOL2TSXxbbqY913EeZ8dCn5VrD7io8ImtxL\n\
aYk8wTM/U+3QGbh3hCUv7JFP5IV3aVlL6kKA0ywPVb9ilE8TA5a8bpvfbr3SvaNn\n\
juygxmj3AbONv/s4yDQs4v5tJ/reSlpIdJed1LnPmt7Ex1sFhSwsD174pcF1A5L5\n\
ROjtZMEQxrZHYJqkeDrrnGya11UxMFBji4NmXG9veoKjlnAqH2QbgtPr8jkiGUkf\n\
toaHLFcW9Qr4NY2ai50Xw0Byj3+H2JoY2PyrZ62EWQwuz3WTOTY8BwNNb2BvniHg\n\
VFbK5emhAgMBAAECggEAEq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyW\n\
PEAeP88vLNO97IjlA7/GQ5sLKMgvfTeXZx9SE+7YwVol2NXOoAJe46sui395IW/G\n\
O+pWJ1O0BkTGoVEn2bKVRUCgu+GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzj\n\
kn439X0M/V51gfpRLI9JYanrC4D4qAdGcopV/0ZHHzQlBjudU2QvXt4ehNYTCBr6\n\
XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl/x/jTj3ccPDVZFD9pIuhLhBOneufuBiB\n\
4cS98l2SR/RQyGWSeWjnczT0QU91p1DhOVRuOopznQKBgQDgHMQQ60imZV1URk0K\n\
pLttoLhyt3SmqdEf/kgHePDdtzEafpAu+cS191R2JiuoF2yzWXnwFDcqGigp5BNr\n\
0AHQfD8/Lk8l1Mk09jxxCfui5nYooNyac8YFjm3vItzVCVDnEd3BbVWG8qf6deqE\n\
lMGAg+C2V0L4oNXnP7LZcPAZRwKBgQC5A8R+CZW2MvRTLLHzwZkUXV866cff7tx6\n\
kqa0finGG0KgeqlaZPxgCZnFp7AeAcCMtiynVlJ7vMVgePsLq6XtON4tB5kP9jAP\n\
rq3rbAOal78eUH5OcED6eNuCV8ixEu1eWcPNCS/l1OW1EnXUEoEHKl54Xrrz2uNw\n\
kgMTP1FZ1wKBgAcCn1dwJKufzBWQxWQp1vsM5fggqPN1qGb5y0MAk3g7/Ls5bkUp\n\
5u9SN0Ai3Ya6hNnvWJMb7sXQX6U/zyO2M/hTip7tUeh7CXgwo59dkpN75gJLVds2\n\
9+DAncu3KXU4f2Fa+7bLNrur53k8KwPOq2bbuTG69QtV7Jr5MR0AHWKNAoGBAIf/\n\
evpitUf+4JYbLpvNXWcY052Mpz22aR84mY3nh3F2LF2mjMJDpTg7FmuyPcVw6EcG\n\
yoAe9fa65iNqCq+jdw6PVNGo2hxfjSiZ8IIzHdsPXI89//pMjZcQK9r+CCoRjaZj\n\
OYiIDktVWZzmevJuv6WywUqd57LE3Zar3dLSIkx1AoGAIYd7DHOhrWvxkwPQsRM2\n\
tOgrjbcrfvtQJipd+DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd/QJQ3\n\
ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp/gh6A56\n\
03k2+ZQwVK0JKSHuLFkuQ3U=\n\
-----END PRIVATE KEY-----\n";

/// The key of RFC 7515 appendix A.3, in PKCS #8.
const EC: &str = "\
-----BEGIN PRIVATE KEY-----\n\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n\
H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n\
7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n\
-----END PRIVATE KEY-----\n";

/// The key of RFC 8037 appendix A.1, in PKCS #8.
const ED: &str = "\
-----BEGIN PRIVATE KEY-----\n\
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
-----END PRIVATE KEY-----\n";

/// 2018-01-18T01:30:22Z.
const NOW_S: u64 = 1_516_239_022;

fn settings(settings: Value) -> Result<Jwt, Vec<SchemeFault>> {
    Jwt::try_from(serde_json::from_value::<RawJwt>(settings).unwrap())
}

fn prepared(written: Value, credential: &[(&str, &str)]) -> Prepared {
    let credential = credential.iter().copied().collect::<Credential>();
    settings(written).unwrap().prepare(&credential).unwrap()
}

fn moment(s: u64) -> Moment {
    Moment { now: UnixTime::from_s(s), random: [0xab; 16] }
}

/// The Authorization field and the query of a POST to `/v1/a%20b?x=1&y` with the body `{}`.
fn sent(prepared: &Prepared, moment: Moment) -> (Option<String>, String) {
    let origin = Origin::parse("https://api.example.com:8443").unwrap();
    let fields = vec![(AUTHORIZATION, HeaderValue::from_static("theirs"))];
    let mut draft = Draft::new(&Method::POST, &origin, "/v1/a%20b", Some("x=1&y"), fields);
    let signer = &prepared.signers()[0];
    let mut fed = signer.begin(&draft, &moment).unwrap();
    fed.iter_mut().for_each(|it| it.update(b"{}"));
    signer.sign(&mut draft, &moment, fed).unwrap();
    let value = draft.value(&AUTHORIZATION).unwrap();
    let ours = value != "theirs";
    assert_eq!(value.is_sensitive(), ours);
    (ours.then(|| value.to_str().unwrap().to_owned()), draft.query().unwrap().to_owned())
}

fn token(prepared: &Prepared, moment: Moment) -> String {
    sent(prepared, moment).0.unwrap().strip_prefix("Bearer ").unwrap().to_owned()
}

fn decoded(token: &str, part: usize) -> Value {
    let part = token.split('.').nth(part).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn claims(written: Value, credential: &[(&str, &str)]) -> Value {
    decoded(&token(&prepared(written, credential), moment(NOW_S)), 1)
}

/// RFC 7515 appendices A.1 and A.2; RFC 8037 appendix A.4.
#[test]
fn the_published_signatures_are_made() {
    let octets =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let octets = URL_SAFE_NO_PAD.decode(octets).unwrap();
    let private =
        |algorithm, pem| SigningKey::private(algorithm, "private_key", &Secret::new(pem)).unwrap();
    for (key, header, payload, signature) in [
        (
            SigningKey::shared(JwsAlgorithm::HS256, &octets).unwrap(),
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
            JOE,
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        ),
        (
            private(JwsAlgorithm::RS256, RSA),
            "eyJhbGciOiJSUzI1NiJ9",
            JOE,
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        ),
        (
            private(JwsAlgorithm::EdDSA, ED),
            "eyJhbGciOiJFZERTQSJ9",
            "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
    ] {
        let made = key.sign([header, ".", payload].concat().as_bytes());
        assert_eq!(URL_SAFE_NO_PAD.encode(made), signature, "{header}");
    }
}

/// The token that jwt.io shows first.
#[test]
fn a_known_token_is_made_byte_for_byte() {
    let written = json!({
        "algorithm": "HS256",
        "claims": { "sub": "{subject}", "name": "John Doe", "iat": "{now}", "exp": null },
    });
    let prepared =
        prepared(written, &[("secret", "your-256-bit-secret"), ("subject", "1234567890")]);
    assert_eq!(
        token(&prepared, moment(NOW_S)),
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
    );
}

/// Each token is checked with the public half of its key; for P-256 that of RFC 7515 appendix A.3.
#[test]
fn every_algorithm_makes_what_its_public_key_verifies() {
    let rsa = signature::RsaKeyPair::from_pkcs8(&der(RSA)).unwrap();
    let rsa = rsa.public_key().as_ref();
    let ec = |algorithm| {
        let pair = signature::EcdsaKeyPair::generate(algorithm).unwrap();
        let pem = STANDARD.encode(pair.to_pkcs8v1().unwrap());
        let public = pair.public_key().as_ref().to_vec();
        (["-----BEGIN PRIVATE KEY-----", &pem, "-----END PRIVATE KEY-----"].join("\n"), public)
    };
    let p256 =
        signature::EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, &der(EC))
            .unwrap();
    let p384 = ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING);
    let p521 = ec(&signature::ECDSA_P521_SHA512_FIXED_SIGNING);
    let ed = signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der(ED)).unwrap();
    let cases: [(&str, &str, &[u8], &'static dyn VerificationAlgorithm); 10] = [
        ("RS256", RSA, rsa, &signature::RSA_PKCS1_2048_8192_SHA256),
        ("RS384", RSA, rsa, &signature::RSA_PKCS1_2048_8192_SHA384),
        ("RS512", RSA, rsa, &signature::RSA_PKCS1_2048_8192_SHA512),
        ("PS256", RSA, rsa, &signature::RSA_PSS_2048_8192_SHA256),
        ("PS384", RSA, rsa, &signature::RSA_PSS_2048_8192_SHA384),
        ("PS512", RSA, rsa, &signature::RSA_PSS_2048_8192_SHA512),
        ("ES256", EC, p256.public_key().as_ref(), &signature::ECDSA_P256_SHA256_FIXED),
        ("ES384", &p384.0, &p384.1, &signature::ECDSA_P384_SHA384_FIXED),
        ("ES512", &p521.0, &p521.1, &signature::ECDSA_P521_SHA512_FIXED),
        ("EdDSA", ED, ed.public_key().as_ref(), &signature::ED25519),
    ];
    for (name, pem, public, algorithm) in cases {
        let prepared = prepared(json!({ "algorithm": name }), &[("private_key", pem)]);
        let token = token(&prepared, moment(NOW_S));
        assert_eq!(decoded(&token, 0), json!({ "alg": name, "typ": "JWT" }));
        let (input, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let verified =
            UnparsedPublicKey::new(algorithm, public).verify(input.as_bytes(), &signature);
        assert!(verified.is_ok(), "{name}");
    }
}

fn der(pem: &str) -> Vec<u8> {
    STANDARD.decode(pem.lines().filter(|it| !it.starts_with('-')).collect::<String>()).unwrap()
}

/// The same bytes in each spelling.
#[test]
fn a_secret_is_read_as_its_encoding_says() {
    let token = |secret: &str, encoding: Option<&str>| {
        let mut written = json!({ "algorithm": "HS512" });
        if let Some(encoding) = encoding {
            written["secret_encoding"] = encoding.into();
        }
        token(&prepared(written, &[("secret", secret)]), moment(NOW_S))
    };
    let plain = token("\u{fb}\u{ff}-secret-\u{3e}\u{3f}aaaa", None);
    let bytes = "\u{fb}\u{ff}-secret-\u{3e}\u{3f}aaaa".as_bytes();
    for (secret, encoding) in [
        (STANDARD.encode(bytes), "base64"),
        (STANDARD.encode(bytes).trim_end_matches('=').to_owned(), "base64"),
        (URL_SAFE_NO_PAD.encode(bytes), "base64"),
        (hex::encode(bytes), "hex"),
        (hex::encode_upper(bytes), "hex"),
    ] {
        assert_eq!(token(&secret, Some(encoding)), plain, "{secret}");
    }
    for (secret, encoding, what) in
        [("a!", "base64", "is not in Base64"), ("abc", "hex", "is not in hex")]
    {
        let jwt = settings(json!({ "algorithm": "HS256", "secret_encoding": encoding })).unwrap();
        let refused = jwt.prepare(&[("secret", secret)].into_iter().collect()).unwrap_err();
        assert_eq!(refused[0].to_string(), format!("the credential field `secret` {what}"));
    }
}

#[test]
fn claims_are_json_with_its_places_filled() {
    let written = json!({
        "algorithm": "HS256",
        "claims": {
            "iss": "{app}",
            "text": "{app}-{app|base64} {{}} \"q\" \\ \n",
            "number": "{id|number}",
            "fixed": [1, 2.5, true, null, "a", { "in": ["{app}"] }],
            "now": "{now}",
            "now_ms": "{now|ms}",
            "now_text": "{now|text}",
            "until": "until {exp}",
            "nbf": "{iat}",
            "jti": "{jti}",
            "uuid": "{uuid}",
            "htm": "{method}",
            "url": "{url}",
            "parts": "{host} {path} {query}",
            "hash": "{body_sha256}",
            "digest": "SHA-256={body_sha256|base64}",
            "url_hash": "{body_sha256|base64url}",
            "long": "{body_sha512|base64}",
            "e\"v": 1,
        },
        "lifetime": "10m",
        "backdate": "60s",
    });
    let (app, id) = (("app", "a\"b\\é\u{1}"), ("id", "184467440737095516150"));
    let jwt = settings(written.clone()).unwrap();
    assert_eq!(jwt.fields(), ["secret", "app", "id"]);
    assert_eq!(
        prepared(written.clone(), &[("secret", "s"), app, id]).signers()[0].body_use(
            &Origin::parse("https://api.test").unwrap(),
            &Method::POST,
            &http::HeaderMap::new()
        ),
        BodyUse::Fed
    );
    // Of `{}`, from `openssl dgst -binary`.
    let sha256 = "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=";
    let made = claims(written, &[("secret", "s"), app, id]);
    let expected = json!({
        "iss": app.1,
        "text": "a\"b\\é\u{1}-YSJiXMOpAQ== {} \"q\" \\ \n",
        "number": serde_json::from_str::<Value>("184467440737095516150").unwrap(),
        "fixed": [1, 2.5, true, null, "a", { "in": [app.1] }],
        "now": NOW_S,
        "now_ms": NOW_S * 1000,
        "now_text": NOW_S.to_string(),
        "until": format!("until {}", NOW_S + 600),
        "nbf": NOW_S - 60,
        "jti": "abababababababababababababababab",
        "uuid": "abababab-abab-4bab-abab-abababababab",
        "htm": "POST",
        "url": "https://api.example.com:8443/v1/a%20b?x=1&y",
        "parts": "api.example.com:8443 /v1/a%20b x=1&y",
        "hash": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "digest": format!("SHA-256={sha256}"),
        "url_hash": sha256.replace('+', "-").replace('/', "_").trim_end_matches('='),
        "long": "J8dGcK23UHX60FjVzq97IMTneGyDuuijL2Jvl4KvNMmjPCBG72D9Knh403jin+yFGAa72aZ4ePOp8c2kgwdj/Q==",
        "e\"v": 1,
        "iat": NOW_S - 60,
        "exp": NOW_S + 600,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(made.get(name), Some(value), "{name}");
    }
    assert_eq!(made.as_object().unwrap().len(), expected.as_object().unwrap().len());
}

/// RFC 8259 §6: what a number is made of. It is written as it came, beyond what any machine counts with.
#[test]
fn a_number_is_none_of_ours_to_round() {
    let claims = |id: &str| {
        let written = json!({ "algorithm": "HS256", "claims": { "id": "{id|number}", "iat": null, "exp": null } });
        let credential = [("secret", "s"), ("id", id)].into_iter().collect::<Credential>();
        let prepared = settings(written).unwrap().prepare(&credential).ok()?;
        let payload = token(&prepared, moment(NOW_S)).split('.').nth(1).unwrap().to_owned();
        Some(String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap())
    };
    for id in [
        "0",
        "-0",
        "7",
        "18446744073709551616",
        "123456789012345678901234567890",
        "-9223372036854775809",
        "0.10",
        "1.0",
        "-12.50e+07",
        "1E400",
        "3e-2",
    ] {
        assert_eq!(claims(id), Some(format!("{{\"id\":{id}}}")), "{id}");
    }
    // As it is pasted.
    assert_eq!(claims(" 12\n").as_deref(), Some("{\"id\":12}"));
    for id in [
        "-", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "1.e1", "0x1", "1_0", "1 2", "1,2",
        "1e1.5", "--1", "NaN", "Infinity", "\u{664}", "1\"", "1}", "true", " ",
    ] {
        assert_eq!(claims(id), None, "{id}");
    }
}

/// GitHub ("Generating a JSON Web Token (JWT) for a GitHub App"): issued 60 s ago, at most 10 minutes.
#[test]
fn a_github_app_has_its_token() {
    let written = json!({
        "algorithm": "RS256",
        "claims": { "iss": "{app_id}" },
        "lifetime": "9m",
        "backdate": "60s",
    });
    let made = claims(written, &[("private_key", RSA), ("app_id", "12345")]);
    assert_eq!(made, json!({ "iss": "12345", "iat": NOW_S - 60, "exp": NOW_S + 540 }));
}

/// Apple ("Generating Tokens for API Requests", App Store Connect API): ES256, the key's id in the header, at most 20 minutes.
#[test]
fn app_store_connect_has_its_token() {
    let written = json!({
        "algorithm": "ES256",
        "header": { "kid": "{key_id}" },
        "claims": { "iss": "{issuer_id}", "aud": "appstoreconnect-v1" },
        "lifetime": "20m",
    });
    let credential = [
        ("private_key", EC),
        ("key_id", "2X9R4HXF34"),
        ("issuer_id", "57246542-96fe-1a63-e053-0824d011072a"),
    ];
    let token = token(&prepared(written, &credential), moment(NOW_S));
    assert_eq!(decoded(&token, 0), json!({ "alg": "ES256", "typ": "JWT", "kid": "2X9R4HXF34" }));
    let made = json!({
        "iss": "57246542-96fe-1a63-e053-0824d011072a",
        "aud": "appstoreconnect-v1",
        "iat": NOW_S,
        "exp": NOW_S + 1200,
    });
    assert_eq!(decoded(&token, 1), made);
}

#[test]
fn a_token_goes_where_the_settings_say() {
    let at = |place: Value| {
        let mut written = json!({ "algorithm": "HS256" });
        written.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
        prepared(written, &[("secret", "s")])
    };
    let prefix = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";
    let value = |place: Value| sent(&at(place), moment(NOW_S));
    assert!(value(json!({})).0.unwrap().starts_with(&["Bearer ", prefix].concat()));
    assert!(
        value(json!({ "format": "JWT {token}" }))
            .0
            .unwrap()
            .starts_with(&["JWT ", prefix].concat())
    );
    let query = value(json!({ "in": "query", "name": "y" }));
    assert_eq!(query.0, None);
    assert!(query.1.starts_with(&["x=1&y=", prefix].concat()), "{}", query.1);
    let named = at(json!({ "name": "X-Token" }));
    assert_eq!(named.signers()[0].headers(), ["x-token"]);
    assert_eq!(sent(&named, moment(NOW_S)).0, None);
    assert_eq!(format!("{:?}", named.describe()), "[Placed { place: Header, name: \"x-token\" }]");
}

/// One life of 300 s, of which the last 60 are for making the next.
#[test]
fn one_token_is_served_for_its_life_and_never_past_its_end() {
    let prepared = prepared(json!({ "algorithm": "HS256" }), &[("secret", "s")]);
    let issued = |s: u64| decoded(&token(&prepared, moment(s)), 1)["iat"].as_u64().unwrap();
    for (asked, made) in [
        (NOW_S, NOW_S),
        (NOW_S + 239, NOW_S),
        (NOW_S + 240, NOW_S + 240),
        (NOW_S + 479, NOW_S + 240),
        // Long past its end.
        (NOW_S + 9999, NOW_S + 9999),
        // The clock goes back: what was made is of the future.
        (NOW_S + 9998, NOW_S + 9998),
        (NOW_S - 60, NOW_S - 60),
    ] {
        assert_eq!(issued(asked), made, "asked at {asked}");
    }
}

#[test]
fn many_who_ask_at_once_get_one_token() {
    let written = json!({ "algorithm": "ES256" });
    let prepared = prepared(written, &[("private_key", EC)]);
    // Each signature of ECDSA is another.
    let made = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| token(&prepared, moment(NOW_S)))).collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(made.iter().all(|it| *it == made[0]));
}

#[test]
fn what_is_of_one_request_is_made_for_it() {
    for (claims, per, apart) in [
        (json!({}), None, false),
        (json!({}), Some("request"), true),
        (json!({ "jti": "{jti}" }), None, true),
        (json!({ "jti": "{jti}" }), Some("life"), false),
        (json!({ "path": "{path}" }), None, true),
    ] {
        let mut written = json!({ "algorithm": "ES256", "claims": claims });
        if let Some(per) = per {
            written["per"] = per.into();
        }
        let prepared = prepared(written.clone(), &[("private_key", EC)]);
        let two = [(); 2].map(|()| token(&prepared, moment(NOW_S)));
        assert_eq!(two[0] != two[1], apart, "{written}");
    }
}

#[test]
fn broken_settings_say_where_and_what_instead() {
    let good = json!({ "algorithm": "RS256", "claims": { "iss": "{app_id}" } });
    assert!(settings(good.clone()).is_ok());
    for (broken, place, problem) in [
        (
            json!({ "claims": { "a": ["x", { "b": "{app" }] } }),
            "claims.a.1.b",
            "that no `}` closes",
        ),
        (json!({ "claims": { "a": "{now|hex}" } }), "claims.a", "unknown filter `hex`"),
        (json!({ "claims": { "a": "{app|hex}" } }), "claims.a", "unknown filter `hex`"),
        (json!({ "claims": { "a": "n{app|number}" } }), "claims.a", "other text beside it"),
        (json!({ "claims": { "a": "{private_key}" } }), "claims", "signs the token"),
        (json!({ "header": { "kid": "{secret}" } }), "header", "signs the token"),
        (json!({ "header": { "alg": "none" } }), "header", "has `alg`"),
        (json!({ "header": { "iat": "{now}" } }), "header", "not the same on every token"),
        (json!({ "secret_encoding": "hex" }), "secret_encoding", "has no secret"),
        (json!({ "lifetime": "0s" }), "lifetime", "at least 1s"),
        (json!({ "lifetime": "1500ms" }), "lifetime", "whole number of seconds"),
        (json!({ "lifetime": "367d" }), "lifetime", "at most 366d"),
        (json!({ "backdate": "2h" }), "backdate", "at most 1h"),
        (json!({ "per": "life", "claims": { "htu": "{url}" } }), "per", "of one request"),
        (json!({ "in": "cookie", "name": "t" }), "in", "where no token is put"),
        (json!({ "in": "query" }), "name", "is missing"),
        (
            json!({ "in": "query", "name": "t", "claims": { "u": "{url}" } }),
            "claims",
            "where the token goes itself",
        ),
        (json!({ "name": "Host" }), "name", "belongs to the connection"),
        (json!({ "format": "Bearer" }), "format", "does not name `{token}` once"),
        (json!({ "format": "{token}{token}" }), "format", "does not name `{token}` once"),
        (json!({ "format": "{app_id}" }), "format", "does not name `{token}` once"),
        (json!({ "format": " {token}" }), "format", "a space at an end"),
        (json!({ "format": "a\n{token}" }), "format", "a line break"),
    ] {
        let mut written = good.clone();
        written.as_object_mut().unwrap().extend(broken.as_object().unwrap().clone());
        let faults = settings(written.clone()).expect_err(&written.to_string());
        assert_eq!(faults.len(), 1, "{written} {faults:?}");
        let steps = faults[0].path.iter().map(|it| match it {
            Step::Field(name) => name.to_string(),
            Step::Index(index) => index.to_string(),
        });
        assert_eq!(steps.collect::<Vec<_>>().join("."), place, "{written}");
        assert!(faults[0].problem.contains(problem), "{written} {faults:?}");
        assert!(!faults[0].hint.is_empty(), "{written}");
    }
}

#[test]
fn a_credential_that_does_not_fit_is_told_all_at_once() {
    let written =
        json!({ "algorithm": "RS256", "claims": { "iss": "{app_id}", "n": "{id|number}" } });
    let jwt = settings(written).unwrap();
    let credential = [("private_key", EC), ("app_id", ""), ("id", "12x")];
    let faults = jwt.prepare(&credential.into_iter().collect()).unwrap_err();
    let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "the credential field `private_key` is a key of another kind than the algorithm's",
            "the credential field `app_id` is empty",
            "the credential field `id` is no number, which a claim has to be",
        ]
    );
}
