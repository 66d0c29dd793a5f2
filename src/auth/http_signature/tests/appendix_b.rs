//! The test cases of RFC 9421, appendix B.2 (B.2.4 signs a response): its request, its keys, its signatures.
use super::*;
use aws_lc_rs::signature;
use aws_lc_rs::signature::UnparsedPublicKey;
use aws_lc_rs::signature::VerificationAlgorithm;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;

macro_rules! key {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/fixtures/http_signature/", $name))
    };
}

/// `test-request`. Its Content-Digest is made here, its Content-Length follows from its body.
const REQUEST: Request<'static> = Request {
    method: "POST",
    url: "https://example.com/foo?param=Value&Pet=dog",
    headers: &[
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("content-type", "application/json"),
        ("content-digest", "sha-512=:forged:"),
    ],
    body: br#"{"hello": "world"}"#,
};

const DIGEST: &str = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";

fn base_of(prepared: &Prepared, sent: &Sent, label: &str) -> String {
    let Signer::HttpSignature(signer) = &prepared.signers()[0] else { panic!("a signer of ours") };
    let digest = sent.has("content-digest").then(|| sent.header("content-digest").to_owned());
    let digest = digest.map(|it| HeaderValue::try_from(it).unwrap());
    let components = &signer.settings.components;
    let lines = REQUEST.with(&|_| false, |draft| {
        super::super::base::base(components, &draft, digest.as_ref()).unwrap().text
    });
    let parameters = sent.header("signature-input").strip_prefix(&format!("{label}=")).unwrap();
    format!("{}\"@signature-params\": {parameters}", String::from_utf8(lines).unwrap())
}

fn verify(
    algorithm: &'static dyn VerificationAlgorithm,
    public: &str,
    message: &str,
    signature: &[u8],
) -> bool {
    let der = SubjectPublicKeyInfoDer::from_pem_slice(public.as_bytes()).unwrap();
    UnparsedPublicKey::new(algorithm, der.as_ref()).verify(message.as_bytes(), signature).is_ok()
}

fn bytes(base64: &str) -> Vec<u8> {
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, base64).unwrap()
}

const PSS: &[(&str, &str)] =
    &[("private_key", key!("test-key-rsa-pss.key")), ("key_id", "test-key-rsa-pss")];

/// Ours and the published one are both good for the published base.
fn check_pss(settings: &str, label: &str, input: &str, base: &str, published: &str) {
    let prepared = prepared(settings, PSS);
    let sent = REQUEST.signed_by(&prepared).unwrap();
    assert_eq!(sent.header("signature-input"), format!("{label}={input}"));
    assert_eq!(base_of(&prepared, &sent, label), base);
    let good = |it: &[u8]| {
        verify(&signature::RSA_PSS_2048_8192_SHA512, key!("test-key-rsa-pss.pem"), base, it)
    };
    assert!(good(&sent.signature(label)), "ours");
    assert!(good(&bytes(published)), "the RFC's");
    assert!(!verify(
        &signature::RSA_PSS_2048_8192_SHA512,
        key!("test-key-rsa-pss.pem"),
        &base.replace("1618884473", "1618884474"),
        &sent.signature(label),
    ));
}

/// The signature of no components is told by its parameters alone, and here settings want one component at least:
/// the base is made of the parameters as the signer writes them.
#[test]
fn b_2_1_minimal() {
    let settings = "{ algorithm: rsa-pss-sha512, label: sig-b21, components: ['@method'] }";
    let prepared = prepared(settings, PSS);
    let Signer::HttpSignature(signer) = &prepared.signers()[0] else { panic!("a signer of ours") };
    let moment = Moment { now: UnixTime::from_s(CREATED), random: [0; 16] };
    let mut parameters = "()".to_owned();
    signer.parameters(&moment, Some("b3k2pp5k7z-50gnwp.yemd"), &mut parameters);
    assert_eq!(
        parameters,
        "();created=1618884473;keyid=\"test-key-rsa-pss\";nonce=\"b3k2pp5k7z-50gnwp.yemd\""
    );
    let base = format!("\"@signature-params\": {parameters}");
    let published = "d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==";
    let public = key!("test-key-rsa-pss.pem");
    assert!(verify(&signature::RSA_PSS_2048_8192_SHA512, public, &base, &bytes(published)));
}

#[test]
fn b_2_2_selective() {
    check_pss(
        "{ algorithm: rsa-pss-sha512, label: sig-b22, digest: sha-512, tag: header-example,\
           components: ['@authority', content-digest, '@query-param;name=\"Pet\"'] }",
        "sig-b22",
        "(\"@authority\" \"content-digest\" \"@query-param\";name=\"Pet\")\
         ;created=1618884473;keyid=\"test-key-rsa-pss\";tag=\"header-example\"",
        &format!(
            "\"@authority\": example.com\n\
             \"content-digest\": {DIGEST}\n\
             \"@query-param\";name=\"Pet\": dog\n\
             \"@signature-params\": (\"@authority\" \"content-digest\" \"@query-param\";name=\"Pet\")\
             ;created=1618884473;keyid=\"test-key-rsa-pss\";tag=\"header-example\""
        ),
        "LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw==",
    );
}

#[test]
fn b_2_3_full() {
    check_pss(
        "{ algorithm: rsa-pss-sha512, label: sig-b23, digest: sha-512, components: [date, '@method', '@path', '@query',\
           '@authority', content-type, content-digest, content-length] }",
        "sig-b23",
        "(\"date\" \"@method\" \"@path\" \"@query\" \"@authority\" \"content-type\" \"content-digest\" \"content-length\")\
         ;created=1618884473;keyid=\"test-key-rsa-pss\"",
        &format!(
            "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\
             \"@method\": POST\n\
             \"@path\": /foo\n\
             \"@query\": ?param=Value&Pet=dog\n\
             \"@authority\": example.com\n\
             \"content-type\": application/json\n\
             \"content-digest\": {DIGEST}\n\
             \"content-length\": 18\n\
             \"@signature-params\": (\"date\" \"@method\" \"@path\" \"@query\" \"@authority\" \"content-type\" \
             \"content-digest\" \"content-length\");created=1618884473;keyid=\"test-key-rsa-pss\""
        ),
        "bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==",
    );
}

#[test]
fn b_2_5_hmac_sha256() {
    let settings = "{ algorithm: hmac-sha256, label: sig-b25, secret_encoding: base64,\
                      components: [date, '@authority', content-type] }";
    let secret =
        "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
    let prepared = prepared(settings, &[("secret", secret), ("key_id", "test-shared-secret")]);
    let sent = REQUEST.signed_by(&prepared).unwrap();
    assert_eq!(
        sent.header("signature-input"),
        "sig-b25=(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\""
    );
    assert_eq!(sent.header("signature"), "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:");
    assert_eq!(
        sent.header("content-digest"),
        "sha-512=:forged:",
        "not covered: the caller's own affair"
    );
}

#[test]
fn b_2_6_ed25519() {
    let settings = "{ algorithm: ed25519, label: sig-b26, components: [date, '@method', '@path', '@authority',\
                      content-type, content-length] }";
    let credential =
        [("private_key", key!("test-key-ed25519.key")), ("key_id", "test-key-ed25519")];
    let sent = REQUEST.signed_by(&prepared(settings, &credential)).unwrap();
    assert_eq!(
        sent.header("signature-input"),
        "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")\
         ;created=1618884473;keyid=\"test-key-ed25519\""
    );
    assert_eq!(
        sent.header("signature"),
        "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:"
    );
}

/// No request of the RFC has these; their signatures are good for the base.
#[test]
fn the_other_algorithms_sign_what_their_public_keys_take() {
    let p384 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let rsa = key!("test-key-rsa.key");
    let cases: [(&str, String, String, &'static dyn VerificationAlgorithm); 2] = [
        (
            "ecdsa-p256-sha256",
            key!("test-key-ecc-p256.key").to_owned(),
            key!("test-key-ecc-p256.pem").to_owned(),
            &signature::ECDSA_P256_SHA256_FIXED,
        ),
        (
            "ecdsa-p384-sha384",
            p384.serialize_pem(),
            p384.public_key_pem(),
            &signature::ECDSA_P384_SHA384_FIXED,
        ),
    ];
    for (algorithm, private, public, verification) in cases {
        let settings = format!("{{ algorithm: {algorithm}, components: ['@method', '@path'] }}");
        let prepared = prepared(&settings, &[("private_key", &private)]);
        let sent = REQUEST.signed_by(&prepared).unwrap();
        assert_eq!(
            sent.header("signature-input"),
            "sig1=(\"@method\" \"@path\");created=1618884473"
        );
        let base = base_of(&prepared, &sent, "sig1");
        assert!(verify(verification, &public, &base, &sent.signature("sig1")), "{algorithm}");
    }
    let settings = "{ algorithm: rsa-v1_5-sha256, components: ['@method'] }";
    let prepared = prepared(settings, &[("private_key", rsa)]);
    let sent = REQUEST.signed_by(&prepared).unwrap();
    let base = base_of(&prepared, &sent, "sig1");
    let pem = key!("test-key-rsa.pem");
    let der: String = pem.lines().filter(|it| !it.starts_with('-')).collect();
    let public = UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, bytes(&der));
    assert!(public.verify(base.as_bytes(), &sent.signature("sig1")).is_ok());
}
