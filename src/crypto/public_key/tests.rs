//! Keys and signatures that openssl 3.0.19 made of `a message`, and what must not pass for one.
use super::read::SMALL_ORDER;
use super::read::element;
use super::*;
use crate::crypto::der::Elements;
use crate::crypto::der::INTEGER;
use crate::crypto::der::SEQUENCE;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::CertificateParams;
use rcgen::KeyPair;
use rcgen::PublicKeyData;
use serde_json::json;

const MESSAGE: &[u8] = b"a message";

/// `openssl rsa -pubout`, 2048 bits.
const RSA: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqQFAZaTNMb2lH/JvB1yh
UJWMe+g/zGQxzC7Cen9eF264PpquVzn4IvLoChBDFfnJPvAJk2w9YKzHPGC30kE1
o4GFUT7S34Z7UmP8afRn3u8oBYvF8DVDtv6P2FTLUX+EDaf3UqnaThFqWJ084P4r
JXtJeF8VvJmbVMcdYyHpCVkFjl2InuXR8lPM3riSdVgx+qT9LxnG/RX3Pbky5uug
bzyX/Mn3Z+gBGK2If4JYS+//R8lnc18HEDSj3olXiyf05gv/XamclCCj9mta1euN
+mfCjWPF0nQAUYhiyLreSekdLrxNskG91AFaQbusISOoAt8OzYnwlaeJjsyqWDch
NQIDAQAB
-----END PUBLIC KEY-----
";
/// `openssl dgst -sha1 -sign`.
const RSA_SHA1: &str = "XBwehSn5sbXBAdft3M+OQR4k+RsZYKzPgwZUnpYaH+jITZCoQtOEpW2HwqSQluIbeL8n4fIDWI1L1pmI5SRG2daOmPYoLXCCLFfwMia5onWGq2N6XrbILQ5l2axWYpn1mRu3/FUOfNkp3zaEGZ/pdSZ1aBFq/BKTDmLo8B6hGBAMGEskB0my86AdVNLNlPQLsKiL74Tn1bFIacciO4l93imBIA+YrcAEE1tFYrexyIOdwbcKu4sIHzy41rGD5tFzn5FeqePcOC4P/ZTV1Ku609TNpchBCTnR5Lz+pOQh7tlCeW+fd/ZrjJsQSud6pcFOKqU6PPQBLYchmsByw8HGKQ==";
/// `openssl dgst -sha256 -sign`.
const RSA_SHA256: &str = "mq1Bebh0iBmV3nWOfywQZQhxCmSwqN8e5H6W09fKg4M90u8PDKtozE96J78/FeLi2/c4rXHxDuShgzgFwem5RteyPSbhyjSoSke/V1PsF7F3TPyoxH8gfNptO5bwU1JqtzD+bfr5Wtvg81JvLRca8FQDoEzOBs3QbWRwlbjEjf4LJJyFJI1/Rt8PXG0aoKrHInDbk0JK2uWqogHsV7JsQ7T5Gw37WbJnsA9M7TpKKAauMEeSBObtWg7C3/w8OnBrndDtCa/sh3BaH/ku6dzkHpHWgTQMn0/CHKEfWCPhzbFOv96iTtbNRx0WM5ZrYcdurhOVlo7NGtwwwT+Qf5jnLg==";
/// `openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -sign`.
const RSA_PSS: &str = "kfbYv1KpBnZcOTt+u1NPq/Lv1VNyMXH/xfWVn1wWwwnJ8mAo3f3MNn43bVnQbFiGH1XAw68LZqNTWw8zN0KQzB3A5PxNzSkHk7mVHVTCoMpCM5bphD6BaHk6XW3bhjFMhX7Sf4QxjWm39q5mMvVkn19kbpGIjUUqR2a8CKm/dyybBLvMaI/7UbCS5ga4UB9LE8Px07HTjzcxV/ykiE27Z4eHbXqMCfsP/gT5ycYnagXelZpJ7W7E4esw2MWgG/LnVSFqbrzq2+6jGq9M0JV7VEV/4QeB0AMiwa9/BP7a4Vo/2HXgSAcA5xz3Y/wMP4EIxFX8Z1hR7XJmqaVXKCn6Bw==";

/// `openssl ec -pubout`, prime256v1.
const P256: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE3I8fjAGbpCMIBKQdT3tMxJd9vhmL
UZx90P6rX0a2u+071H4RClDI/V4CRKOJKQ8J7nDrsj0jhv9FWppRjSsiUQ==
-----END PUBLIC KEY-----
";
const P256_SHA256: &str = "MEYCIQDevI1W2YPI84G8XNziIJIbQIDLe50yQbKJZwX3bFeaywIhAItpanHQKAyUsB/LTu+BlxogAy19XU5DCVcUUFab9QFE";

/// `openssl genpkey -algorithm ed25519`, `openssl pkeyutl -sign -rawin`.
const ED25519_KEY: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA3ROQ0cC6LUad8a3kbIZE3TlZpLjK4Q8SxBelgCpAbUQ=
-----END PUBLIC KEY-----
";
const ED25519_SIGNATURE: &str =
    "obJCsGmBuwcp/JWfjSjGkscqGtG6nYm6XfVxb3PYxn8+Lmu6IH6/TtFHVxLaLI/iKJPqAak5dJt71QF7N/mpAg==";

/// 1024 bits.
const SMALL_RSA: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQClipgDrjhXSk/Ps5Y8fDC3uOB7
NStaLiQjSHPdCVRT88KPYOKyD/yhZ/GLDDMPMKHKpp0OWCzZvBwQEFIfAKMs5xpe
JsJQg0uRUp2F9OATQ6vIRNgo9stb+BjoJwgRSM6Zup9RCOapC8jiI6wXfqdx5kSv
nYwcz5TahY+8QKaxXQIDAQAB
-----END PUBLIC KEY-----
";

const SECP256K1: &str = "-----BEGIN PUBLIC KEY-----
MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEiYmMG59cJHR8s8t0987tOVMuaDCeeWzS
jsshFNMakkqbRh3g0WeFKX40tQlP6szeSrarOqzIx7FxaQNuZkoPng==
-----END PUBLIC KEY-----
";

const ALL: [Verify; 14] = [
    Verify::Ed25519,
    Verify::EcdsaP256Der,
    Verify::RsaSha256,
    Verify::RsaSha1,
    Verify::Jws(JwsAlgorithm::RS256),
    Verify::Jws(JwsAlgorithm::RS384),
    Verify::Jws(JwsAlgorithm::PS256),
    Verify::Jws(JwsAlgorithm::PS512),
    Verify::Jws(JwsAlgorithm::ES256),
    Verify::Jws(JwsAlgorithm::ES384),
    Verify::Jws(JwsAlgorithm::ES512),
    Verify::Jws(JwsAlgorithm::EdDSA),
    Verify::Jws(JwsAlgorithm::HS256),
    Verify::Jws(JwsAlgorithm::HS512),
];

fn key(pem: &str) -> PublicKey {
    PublicKey::from_text(pem, PublicKind::Any).unwrap()
}

fn decoded(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|it| !it.starts_with('-'));
    decoded(&lines.collect::<String>())
}

#[test]
fn a_signature_verifies_in_the_one_way_that_it_was_made() {
    for (pem, signature, ways) in [
        (RSA, RSA_SHA1, &[Verify::RsaSha1][..]),
        (RSA, RSA_SHA256, &[Verify::RsaSha256, Verify::Jws(JwsAlgorithm::RS256)]),
        (RSA, RSA_PSS, &[Verify::Jws(JwsAlgorithm::PS256)]),
        (P256, P256_SHA256, &[Verify::EcdsaP256Der]),
        (ED25519_KEY, ED25519_SIGNATURE, &[Verify::Ed25519, Verify::Jws(JwsAlgorithm::EdDSA)]),
    ] {
        let (key, signature) = (key(pem), decoded(signature));
        for how in ALL {
            let good = ways.contains(&how);
            assert_eq!(key.verify(how, MESSAGE, &signature), good, "{signature:?} {how:?}");
            assert!(!key.verify(how, b"a messagf", &signature), "{how:?}");
            assert!(!key.verify(how, MESSAGE, b""), "{how:?}");
            assert!(!key.verify(how, MESSAGE, &signature[1..]), "{how:?}");
            assert!(!key.verify(how, MESSAGE, &[&signature[..], &[0]].concat()), "{how:?}");
            for at in (0..signature.len()).step_by(7) {
                let mut bent = signature.clone();
                bent[at] ^= 1;
                assert!(!key.verify(how, MESSAGE, &bent), "{how:?} {at}");
            }
        }
        for other in [RSA, P256, ED25519_KEY].into_iter().filter(|it| *it != pem) {
            for how in ALL {
                assert!(!self::key(other).verify(how, MESSAGE, &signature));
            }
        }
    }
}

/// The other `s` of an ECDSA signature is as good (FIPS 186-5 §6.4); other encodings of it are not.
#[test]
fn ecdsa_is_read_in_der_and_nothing_else() {
    let signature = decoded(P256_SHA256);
    let mut numbers = Elements::new(&signature).within(SEQUENCE).unwrap();
    let (r, s) = (numbers.next(INTEGER).unwrap(), numbers.next(INTEGER).unwrap());
    let good = |r: &[u8], s: &[u8]| {
        let der = element(SEQUENCE, &[element(INTEGER, r), element(INTEGER, s)].concat());
        key(P256).verify(Verify::EcdsaP256Der, MESSAGE, &der)
    };
    assert!(good(r, s));
    assert!(!good(&[&[0], r].concat(), s), "a zero in front");
    assert!(!good(r, &[&[0], s].concat()));
    assert!(!good(&[0], &[0]), "CVE-2022-21449");
    assert!(!good(r, &[0]));
    assert!(!good(&[0], s));
    let long = [&[SEQUENCE, 0x81][..], &signature[1..]].concat();
    assert!(!key(P256).verify(Verify::EcdsaP256Der, MESSAGE, &long), "a length in two bytes");
    let fixed = |it: &[u8]| it[it.len().saturating_sub(32)..].to_vec();
    let jws = [fixed(r), fixed(s)].concat();
    assert!(key(P256).verify(Verify::Jws(JwsAlgorithm::ES256), MESSAGE, &jws));
    assert!(!key(P256).verify(Verify::EcdsaP256Der, MESSAGE, &jws));
    assert!(!key(P256).verify(Verify::Jws(JwsAlgorithm::ES256), MESSAGE, &[0; 64]));
}

/// RFC 8032 §5.1.7: `s` has to be below the group's order, or there would be other signatures.
#[test]
fn ed25519_has_one_signature_for_a_message() {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut signature = decoded(ED25519_SIGNATURE);
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    assert!(!key(ED25519_KEY).verify(Verify::Ed25519, MESSAGE, &signature));
}

#[test]
fn a_key_that_anybody_can_sign_for_is_none() {
    for point in SMALL_ORDER {
        for sign in [0, 0x80] {
            let mut point = point;
            point[31] |= sign;
            assert_eq!(PublicKey::ed25519(&point), Err(PublicKeyError::Weak));
        }
    }
    for low in 0xed..=0xff {
        let mut unreduced = [0xff; 32];
        unreduced[0] = low;
        assert_eq!(PublicKey::ed25519(&unreduced), Err(PublicKeyError::Weak));
        unreduced[31] = 0x7f;
        assert_eq!(PublicKey::ed25519(&unreduced), Err(PublicKeyError::Weak));
    }
    let rsa = |e: &str| {
        let jwk = json!({ "kty": "RSA", "n": URL_SAFE_NO_PAD.encode([0xff; 256]), "e": e });
        PublicKey::from_jwk(&jwk)
    };
    assert!(rsa("AQAB").is_some());
    for bad in ["AQ", "", "AA", "Ag", "AAEAAQ"] {
        assert_eq!(rsa(bad), None, "{bad}");
    }
}

#[test]
fn a_text_is_a_key_of_the_kind_that_is_asked_for_or_says_why_not() {
    use PublicKeyError as E;
    use PublicKind as K;
    for (pem, kind) in [(RSA, K::Rsa), (P256, K::EcdsaP256), (ED25519_KEY, K::Ed25519)] {
        for asked in [K::Rsa, K::EcdsaP256, K::Ed25519, K::Any] {
            let read = PublicKey::from_text(pem, asked);
            let one_line = PublicKey::from_text(&pem.replace('\n', "\\n"), asked);
            let bare = PublicKey::from_bytes(&der(pem), asked);
            assert_eq!((&read, &read), (&one_line, &bare));
            let verdict = read.map(|_| ());
            let wanted = if asked == kind || asked == K::Any { Ok(()) } else { Err(E::OtherKind) };
            assert_eq!(verdict, wanted, "{kind:?} {asked:?}");
        }
    }
    let private = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let bent = P256.replace("MFkwEw", "MFkwEx");
    let off_curve = P256.replace("UQ==", "UA==");
    for (text, problem) in [
        ("", E::Unreadable),
        ("whsec_abc", E::Unreadable),
        (&*private, E::Private),
        (r#"{"kty":"EC","crv":"P-256","x":"","y":"","d":""}"#, E::Private),
        (r#"{"kty":"oct","k":"AAAA"}"#, E::Unreadable),
        ("{", E::Unreadable),
        (SMALL_RSA, E::Size),
        (SECP256K1, E::Unreadable),
        (&bent, E::Unreadable),
        (&off_curve, E::Unreadable),
    ] {
        assert_eq!(PublicKey::from_text(text, K::Any), Err(problem), "{text}");
    }
    let raw = &der(ED25519_KEY)[12..];
    assert_eq!(PublicKey::from_bytes(raw, K::Ed25519).unwrap(), key(ED25519_KEY));
    assert_eq!(PublicKey::from_bytes(raw, K::Rsa), Err(E::OtherKind));
    assert_eq!(PublicKey::from_bytes(&raw[1..], K::Any), Err(E::Unreadable));
    let longer = [&der(P256)[..], &[0]].concat();
    assert_eq!(PublicKey::from_bytes(&longer, K::Any), Err(E::Unreadable));
    assert_eq!(format!("{:?}", key(RSA)), "[public key]");
}

#[test]
fn a_certificate_is_its_key_in_a_period() {
    let pair = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["sns.test".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2026, 1, 1);
    let pem = params.self_signed(&pair).unwrap().pem();
    let read = PublicKey::from_certificate_pem(pem.as_bytes()).unwrap();
    assert_eq!(read.key, PublicKey::from_spki(&pair.subject_public_key_info()).unwrap());
    // `date -u -d 2025-01-01 +%s`, and a year later.
    assert_eq!(read.not_before, UnixTime::from_s(1_735_689_600));
    assert_eq!(read.not_after, UnixTime::from_s(1_767_225_600));
    assert_eq!(PublicKey::from_text(&pem, PublicKind::EcdsaP256).unwrap(), read.key);
    assert_eq!(PublicKey::from_certificate_pem(RSA.as_bytes()), Err(PublicKeyError::Unreadable));
    let other = rcgen::generate_simple_self_signed(["other.test".to_owned()]).unwrap().cert.pem();
    for good in [format!("\r\n {pem}\n\n"), pem.replace('\n', "\r\n"), format!("{pem}{other}")] {
        assert_eq!(
            PublicKey::from_certificate_pem(good.as_bytes()).unwrap().key,
            read.key,
            "{good}"
        );
    }
    for bad in [
        String::new(),
        "\n".to_owned(),
        format!("<html>{pem}</html>"),
        format!("{{\"echo\":\"\n{pem}\"}}"),
        format!("x\n{pem}"),
        format!("{pem}x"),
        format!("{pem}{RSA}"),
        format!("{RSA}{pem}"),
        pem.replacen('\n', "\nProc-Type: 4\n", 1),
        pem.replace("-----END CERTIFICATE-----", ""),
        format!("\u{feff}{pem}"),
    ] {
        let read = PublicKey::from_certificate_pem(bad.as_bytes());
        assert_eq!(read, Err(PublicKeyError::Unreadable), "{bad}");
    }
}

/// The published keys of RFC 7515 and RFC 8037 are in the tests of tokens; here is what is no key.
#[test]
fn a_jwk_is_public_for_signatures_and_whole() {
    let x = URL_SAFE_NO_PAD.encode(&der(ED25519_KEY)[12..]);
    let good = json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
    assert_eq!(PublicKey::from_jwk(&good), Some(key(ED25519_KEY)));
    for (name, value) in [
        ("use", json!("enc")),
        ("use", json!(7)),
        ("key_ops", json!(["sign"])),
        ("key_ops", json!("verify")),
        ("d", json!("AAAA")),
        ("k", json!("AAAA")),
        ("crv", json!("Ed448")),
        ("crv", json!("X25519")),
        ("kty", json!("EC")),
        ("kty", json!("oct")),
        ("kty", json!(null)),
        ("alg", json!("ES256")),
        ("alg", json!("HS256")),
        ("alg", json!("none")),
        ("alg", json!("RSA-OAEP")),
        ("alg", json!(1)),
        ("x", json!(format!("{x}="))),
        ("x", json!(&x[1..])),
        ("x", json!("")),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        assert_eq!(PublicKey::from_jwk(&bad), None, "{bad}");
    }
    for (name, value) in [
        ("use", json!("sig")),
        ("key_ops", json!(["verify"])),
        ("kid", json!("k")),
        ("alg", json!("EdDSA")),
    ] {
        let mut fine = good.clone();
        fine[name] = value;
        assert!(PublicKey::from_jwk(&fine).is_some(), "{fine}");
    }
    assert_eq!(PublicKey::from_jwk(&json!([])), None);

    let point = &der(P256)[27..];
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let ec = |crv: &str, x: &[u8], y: &[u8]| {
        PublicKey::from_jwk(&json!({ "kty": "EC", "crv": crv, "x": part(x), "y": part(y) }))
    };
    let (x, y) = point.split_at(32);
    assert_eq!(ec("P-256", x, y), Some(key(P256)));
    assert_eq!(ec("P-384", x, y), None);
    assert_eq!(ec("secp256k1", x, y), None);
    assert_eq!(ec("P-256", y, x), None, "not on the curve");
    assert_eq!(ec("P-256", &[0; 32], &[0; 32]), None);
    assert_eq!(ec("P-256", &x[..31], &[&x[31..], y].concat()), None);
    // For one algorithm of its kind alone.
    let rsa = &der(RSA)[24..];
    let mut numbers = Elements::new(rsa).within(SEQUENCE).unwrap();
    let n = numbers.next(INTEGER).unwrap();
    let jwk = json!({ "kty": "RSA", "n": part(&n[1..]), "e": "AQAB", "alg": "PS256" });
    let only = PublicKey::from_jwk(&jwk).unwrap();
    assert!(only.verify(Verify::Jws(JwsAlgorithm::PS256), MESSAGE, &decoded(RSA_PSS)));
    assert!(!only.verify(Verify::Jws(JwsAlgorithm::RS256), MESSAGE, &decoded(RSA_SHA256)));
}
