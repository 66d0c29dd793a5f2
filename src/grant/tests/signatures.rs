//! What is signed here, checked with public keys, and with the vectors of the RFCs.
use super::NOW;
use super::asked;
use super::credential;
use super::method;
use super::server;
use crate::crypto::JwsAlgorithm;
use crate::crypto::KeyError;
use crate::crypto::SigningKey;
use crate::crypto::encoded;
use crate::crypto::sha256;
use crate::grant::Ask;
use crate::grant::GrantError;
use crate::grant::raw::Algorithm;
use crate::model::Secret;
use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
use aws_lc_rs::signature::ED25519;
use aws_lc_rs::signature::EcdsaKeyPair;
use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use aws_lc_rs::signature::RSA_PSS_2048_8192_SHA256;
use aws_lc_rs::signature::RsaKeyPair;
use aws_lc_rs::signature::UnparsedPublicKey;
use aws_lc_rs::signature::VerificationAlgorithm;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use std::sync::LazyLock;

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|it| str::from_utf8(it).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// One for all tests: making it takes its time.
static RSA: LazyLock<RsaKeyPair> =
    LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

fn rsa_pkcs8() -> Vec<u8> {
    AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&*RSA).unwrap().as_ref().to_vec()
}

/// The parts of a token, and the message under its signature.
fn parts(token: &str) -> (Value, Value, String, Vec<u8>) {
    let pieces: Vec<&str> = token.split('.').collect();
    let bytes = |at: usize| URL_SAFE_NO_PAD.decode(pieces[at]).unwrap();
    let json = |at: usize| serde_json::from_slice(&bytes(at)).unwrap();
    (json(0), json(1), [pieces[0], ".", pieces[1]].concat(), bytes(2))
}

fn parameter(message: &str, name: &str) -> String {
    let body = message.rsplit('\n').next().unwrap();
    let mut pairs = url::form_urlencoded::parse(body.as_bytes());
    pairs.find(|it| it.0 == name).unwrap().1.into_owned()
}

fn private(algorithm: Algorithm, pem: &Secret) -> Result<SigningKey, KeyError> {
    SigningKey::private(algorithm.into(), "private_key", pem)
}

/// RFC 7515 appendix A.1.
#[test]
fn hs256_of_rfc_7515() {
    let key =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let input = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                 eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let key = URL_SAFE_NO_PAD.decode(key).unwrap();
    let signature = SigningKey::shared(JwsAlgorithm::HS256, &key).unwrap().sign(input.as_bytes());
    assert_eq!(encoded(&signature), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

/// RFC 8037 appendix A.4.
#[test]
fn eddsa_of_rfc_8037() {
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let pkcs8 = [&hex::decode("302e020100300506032b657004220420").unwrap(), &seed[..]].concat();
    let pem = Secret::new(pem("PRIVATE KEY", &pkcs8));
    let key = private(Algorithm::EdDSA, &pem).unwrap();
    let signature = key.sign(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc");
    assert_eq!(
        encoded(&signature),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
}

#[test]
fn every_algorithm_signs_with_every_form_of_its_key() {
    let rsa = rsa_pkcs8();
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let ec_pkcs8 = ec.to_pkcs8v1().unwrap();
    let ed = Ed25519KeyPair::generate().unwrap();
    let (ed_v1, ed_v2) = (ed.to_pkcs8v1().unwrap(), ed.to_pkcs8().unwrap());
    // SEC 1 §C.4: the number and the name of its curve.
    let scalar = ec.private_key().as_be_bytes().unwrap();
    let sec1 = [
        &hex::decode("30310201010420").unwrap()[..],
        scalar.as_ref(),
        &hex::decode("a00a06082a8648ce3d030107").unwrap(),
    ]
    .concat();
    // PKCS #8 of an RSA key of this size is 26 bytes in front of PKCS #1.
    let pkcs1 = &rsa[26..];
    let keys: [(Algorithm, &str, &[u8]); 7] = [
        (Algorithm::RS256, "PRIVATE KEY", &rsa),
        (Algorithm::RS256, "RSA PRIVATE KEY", pkcs1),
        (Algorithm::PS256, "PRIVATE KEY", &rsa),
        (Algorithm::ES256, "PRIVATE KEY", ec_pkcs8.as_ref()),
        (Algorithm::ES256, "EC PRIVATE KEY", &sec1),
        (Algorithm::EdDSA, "PRIVATE KEY", ed_v1.as_ref()),
        (Algorithm::EdDSA, "PRIVATE KEY", ed_v2.as_ref()),
    ];
    for (algorithm, label, der) in keys {
        let (public, verifier): (&[u8], &'static dyn VerificationAlgorithm) = match algorithm {
            Algorithm::RS256 => (RSA.public_key().as_ref(), &RSA_PKCS1_2048_8192_SHA256),
            Algorithm::PS256 => (RSA.public_key().as_ref(), &RSA_PSS_2048_8192_SHA256),
            Algorithm::ES256 => (ec.public_key().as_ref(), &ECDSA_P256_SHA256_FIXED),
            Algorithm::EdDSA => (ed.public_key().as_ref(), &ED25519),
            Algorithm::HS256 => unreachable!(),
        };
        let whole = pem(label, der);
        // As in a file, as in a cloud's JSON, and on one line of settings.
        for text in [whole.clone(), whole.replace('\n', "\\n"), whole.replace('\n', "\r\n")] {
            let key = private(algorithm, &Secret::new(text)).unwrap();
            let token = key.compact(serde_json::json!({ "typ": "JWT" }), &serde_json::json!({}));
            let (header, _, message, signature) = parts(&token);
            assert_eq!(header["alg"], JwsAlgorithm::from(algorithm).name());
            let public = UnparsedPublicKey::new(verifier, public);
            assert!(public.verify(message.as_bytes(), &signature).is_ok(), "{algorithm:?} {label}");
        }
    }
}

#[test]
fn a_key_that_does_not_fit_is_refused_without_being_shown() {
    let rsa = pem("PRIVATE KEY", &rsa_pkcs8());
    let other = GrantError::Unusable {
        field: "private_key".into(),
        what: "is a key of another kind than the algorithm's",
    };
    let none =
        GrantError::Unusable { field: "private_key".into(), what: "is no private key in PEM" };
    for (algorithm, text, error) in [
        (Algorithm::ES256, rsa.as_str(), &other),
        (Algorithm::EdDSA, &rsa, &other),
        (Algorithm::HS256, &rsa, &other),
        (Algorithm::RS256, "", &none),
        (Algorithm::RS256, "hunter2", &none),
        (Algorithm::RS256, &rsa[..200], &none),
        (Algorithm::RS256, &pem("PRIVATE KEY", b"hunter2"), &other),
        (Algorithm::RS256, &pem("CERTIFICATE", b"hunter2"), &none),
    ] {
        let refused = GrantError::from(private(algorithm, &Secret::new(text)).err().unwrap());
        assert_eq!(&refused, error, "{algorithm:?}");
    }
}

/// RFC 7523 §3 and OpenID Connect Core §9.
#[test]
fn a_client_assertion_says_who_it_is_from_and_for() {
    let key = pem("PRIVATE KEY", &rsa_pkcs8());
    let held = credential(&[("client_id", "c1"), ("private_key", &key), ("key_id", "k7")]);
    let message =
        asked(&server("client_credentials", "client_auth: private_key_jwt"), Ask::Token, &held);
    assert!(
        message.contains(
            "grant_type=client_credentials&client_id=c1&client_assertion_type=\
             urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion="
        ),
        "{message}"
    );
    let (header, claims, text, signature) = parts(&parameter(&message, "client_assertion"));
    assert_eq!((&header["alg"], &header["kid"]), (&"RS256".into(), &"k7".into()));
    assert_eq!((&claims["iss"], &claims["sub"]), (&"c1".into(), &"c1".into()));
    assert_eq!(claims["aud"], "https://server.example.com/token");
    assert_eq!(claims["iat"], NOW.as_s());
    assert_eq!(claims["exp"], NOW.as_s() + 180);
    assert_eq!(claims["jti"], "07070707070707070707070707070707");
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, RSA.public_key().as_ref());
    assert!(public.verify(text.as_bytes(), &signature).is_ok());

    let shared = credential(&[("client_id", "c1"), ("client_secret", "s3cret")]);
    let message = asked(
        &server(
            "client_credentials",
            "client_auth: client_secret_jwt\nassertion: { client_audience: https://issuer.example, lifetime: 1m }",
        ),
        Ask::Token,
        &shared,
    );
    let (header, claims, text, signature) = parts(&parameter(&message, "client_assertion"));
    assert_eq!(header["alg"], "HS256");
    assert_eq!(claims["aud"], "https://issuer.example");
    assert_eq!(claims["exp"], NOW.as_s() + 60);
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"s3cret");
    assert!(hmac::verify(&key, text.as_bytes(), &signature).is_ok());
    assert!(!message.contains("s3cret"));
}

#[test]
fn an_assertion_at_another_endpoint_is_for_the_token_endpoint() {
    let shared = credential(&[("client_id", "c1"), ("client_secret", "s3cret")]);
    let method = server(
        "client_credentials",
        "client_auth: client_secret_jwt\nrevoke_url: https://server.example.com/revoke",
    );
    let token = Secret::new("t");
    let ask = Ask::Revoke { token: &token, kind: crate::grant::TokenKind::Access };
    let message = asked(&method, ask, &shared);
    let (_, claims, ..) = parts(&parameter(&message, "client_assertion"));
    assert_eq!(claims["aud"], "https://server.example.com/token");
}

/// A server that keeps the names of assertions by their issuer would take the second for a replay (RFC 7523 §3).
#[test]
fn two_assertions_of_one_message_have_a_name_each() {
    let held = credential(&[("client_id", "c1"), ("client_secret", "s3cret")]);
    let message = asked(&server("jwt_bearer", "client_auth: client_secret_jwt"), Ask::Token, &held);
    let [of_grant, of_client] = ["assertion", "client_assertion"].map(|name| {
        let (_, claims, ..) = parts(&parameter(&message, name));
        assert_eq!(claims["jti"].as_str().unwrap().len(), 32);
        claims["jti"].clone()
    });
    assert_ne!(of_grant, of_client);
}

/// RFC 7523 §4.
#[test]
fn the_assertion_of_rfc_7523() {
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let held = credential(&[("private_key", &key), ("key_id", "16")]);
    let method = server(
        "jwt_bearer",
        "assertion: { algorithm: ES256, issuer: https://jwt-idp.example.com, \
         subject: \"mailto:mike@example.com\", audience: https://jwt-rp.example.net }",
    );
    let message = asked(&method, Ask::Token, &held);
    let (header, claims, ..) = parts(&parameter(&message, "assertion"));
    assert_eq!((&header["alg"], &header["kid"]), (&"ES256".into(), &"16".into()));
    assert_eq!(claims["iss"], "https://jwt-idp.example.com");
    assert_eq!(claims["sub"], "mailto:mike@example.com");
    assert_eq!(claims["aud"], "https://jwt-rp.example.net");
}

/// "Using OAuth 2.0 for Server to Server Applications", developers.google.com.
#[test]
fn a_google_service_account_with_a_subject() {
    let google = method(
        "grant: jwt_bearer\n\
         token_url: https://oauth2.googleapis.com/token\n\
         scopes: [https://www.googleapis.com/auth/drive, openid]\n\
         assertion: { issuer: \"{client_email}\", subject: \"{subject?}\", lifetime: 1h, claims: { scope: \"{scopes}\" } }",
    );
    let key = pem("PRIVATE KEY", &rsa_pkcs8()).replace('\n', "\\n");
    let account =
        credential(&[("client_email", "a@b.iam"), ("private_key", &key), ("key_id", "k")]);
    let message = asked(&google, Ask::Token, &account);
    assert!(
        message.contains(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="
        )
    );
    assert!(!message.contains("&scope="), "it is in the assertion");
    let (_, claims, ..) = parts(&parameter(&message, "assertion"));
    assert_eq!(claims["iss"], "a@b.iam");
    assert_eq!(claims["aud"], "https://oauth2.googleapis.com/token");
    assert_eq!(claims["scope"], "https://www.googleapis.com/auth/drive openid");
    assert_eq!(claims["exp"], NOW.as_s() + 3600);
    assert_eq!(claims.get("sub"), None);
    let person = account.overlaid(&credential(&[("subject", "jane@b.example")]));
    let (_, claims, ..) = parts(&parameter(&asked(&google, Ask::Token, &person), "assertion"));
    assert_eq!(claims["sub"], "jane@b.example");
}

/// "Generating a JSON Web Token (JWT) for a GitHub App", docs.github.com.
#[test]
fn a_github_app_shows_who_it_is_for_each_installation() {
    let github = method("grant: github_app");
    let key = pem("RSA PRIVATE KEY", &rsa_pkcs8()[26..]);
    let held =
        credential(&[("app_id", "12345"), ("installation_id", "678"), ("private_key", &key)]);
    let message = asked(&github, Ask::Token, &held);
    let (front, jwt) = message.split_once("Bearer ").unwrap();
    assert_eq!(
        front,
        "POST https://api.github.com/app/installations/678/access_tokens\nauthorization: "
    );
    let (header, claims, ..) = parts(jwt.trim_end());
    assert_eq!(header["alg"], "RS256");
    assert_eq!(
        claims,
        serde_json::json!({ "iss": "12345", "iat": NOW.as_s() - 60, "exp": NOW.as_s() + 180 })
    );
    let body = r#"{"token":"ghs_16C7","expires_at":"2023-11-14T23:13:20Z","permissions":{"issues":"write"}}"#;
    let answer = super::answer(201, "application/json", body);
    let outcome = github.outcome(Ask::Token, &answer, &held, NOW);
    let crate::grant::Outcome::Token(token) = outcome else { panic!("{outcome:?}") };
    assert_eq!(token.access_token.expose(), "ghs_16C7");
    let hour = crate::model::UnixTime::from_s(NOW.as_s() + 3600);
    assert_eq!(token.expiry, crate::grant::Expiry::At(hour));
}

/// RFC 7515 §4.1.8.
#[test]
fn a_certificate_is_named_by_its_thumbprint() {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["a.example".into()]).unwrap();
    let certificate = certificate.self_signed(&key).unwrap();
    let held = credential(&[
        ("client_id", "c1"),
        ("private_key", &key.serialize_pem()),
        ("certificate", &certificate.pem()),
    ]);
    let method = server(
        "client_credentials",
        "client_auth: private_key_jwt\nassertion: { algorithm: ES256 }",
    );
    let message = asked(&method, Ask::Token, &held);
    let (header, ..) = parts(&parameter(&message, "client_assertion"));
    assert_eq!(header["x5t#S256"], encoded(&sha256(certificate.der())));
}
