//! What is asked of a body, what can't be signed, keys, nonces.
use super::super::signer::PAIRS_MAX;
use super::super::signer::nonce;
use super::GET;
use super::Request;
use super::credential;
use super::own;
use super::settings;
use super::signer;
use super::signer_with;
use crate::auth::BodyUse;
use crate::auth::Draft;
use crate::auth::Place;
use crate::auth::Scheme;
use crate::auth::SignError;
use crate::crypto;
use crate::model::Credential;
use crate::model::Origin;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::encoding::Pkcs8V1Der;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use aws_lc_rs::signature::RsaKeyPair;
use aws_lc_rs::signature::UnparsedPublicKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header::CONTENT_ENCODING;
use http::header::CONTENT_LENGTH;
use http::header::CONTENT_TYPE;
use std::collections::HashSet;
use std::sync::Arc;

const KEYS: &str = "consumer_key=k consumer_secret=s token=t token_secret=u";
const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn a_body_is_read_only_where_it_is_signed() {
    use BodyUse as B;
    for (yaml, form, json, untyped, none) in [
        ("", B::Whole, B::Untouched, B::Untouched, B::Untouched),
        ("{ in: query }", B::Whole, B::Untouched, B::Untouched, B::Untouched),
        ("{ in: body }", B::Whole, B::Untouched, B::Untouched, B::Untouched),
        ("{ body_hash: true }", B::Whole, B::Fed, B::Fed, B::Fed),
        ("{ body_hash: true, in: body }", B::Whole, B::Fed, B::Fed, B::Untouched),
        ("{ signature: plaintext }", B::Whole, B::Untouched, B::Untouched, B::Untouched),
        ("{ signature: plaintext, in: body }", B::Whole, B::Untouched, B::Untouched, B::Untouched),
    ] {
        let signer = signer(yaml, KEYS);
        let asked = |content_type: Option<&'static str>, length: &'static str| {
            let mut headers = HeaderMap::new();
            let value = content_type.map(HeaderValue::from_static);
            value.map(|it| headers.insert(CONTENT_TYPE, it));
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static(length));
            signer.body_use(&Method::POST, &headers)
        };
        assert_eq!(asked(Some(FORM), "3"), form, "{yaml}");
        assert_eq!(asked(Some("application/json"), "3"), json, "{yaml}");
        assert_eq!(asked(None, "2097152"), untyped, "{yaml}");
        assert_eq!(asked(None, "0"), none, "{yaml}");
        assert_eq!(signer.body_use(&Method::POST, &HeaderMap::new()), untyped, "{yaml}");
    }
    // Bytes that nobody has named are no form.
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("5"));
    let signer = signer("{ in: body }", KEYS);
    assert_eq!(signer.body_use(&Method::POST, &headers), B::Untouched);
}

/// OAuth Request Body Hash 1.0, §4.1.1: none with the parameters in a form.
#[test]
fn no_hash_goes_along_with_a_form() {
    for (yaml, method, content_type, body, hashes) in [
        ("{ body_hash: true }", Method::POST, None, &b""[..], true),
        ("{ body_hash: true }", Method::POST, Some(FORM), b"a=1", false),
        ("{ body_hash: true }", Method::GET, Some(FORM), b"", false),
        ("{ body_hash: true, in: body }", Method::POST, None, b"", false),
        ("{ body_hash: true, in: body }", Method::POST, Some(FORM), b"a=1", false),
        ("{ body_hash: true, in: body }", Method::POST, None, b"a=1", true),
        ("{ body_hash: true, in: body }", Method::GET, None, b"", true),
        ("{ body_hash: true, in: body }", Method::POST, Some("text/plain"), b"a", true),
    ] {
        let request = Request { method, content_type, body, ..GET };
        let sent = request.signed(&signer(yaml, KEYS)).unwrap();
        let all = [sent.authorization.unwrap_or_default().into_bytes(), sent.body].concat();
        let all = String::from_utf8(all).unwrap();
        assert_eq!(all.contains("oauth_body_hash"), hashes, "{yaml} {content_type:?} {all}");
    }
}

#[test]
fn a_form_of_too_many_fields_is_refused_in_words() {
    let signer = signer("", KEYS);
    let signed = |body: &str| {
        let post = Request {
            method: Method::POST,
            content_type: Some(FORM),
            body: body.as_bytes(),
            ..GET
        };
        post.signed(&signer).map(drop)
    };
    let most = "a&".repeat(PAIRS_MAX);
    assert_eq!(signed(&most), Ok(()));
    assert_eq!(signed(&[&most, "&&&"].concat()), Ok(()), "between two `&` is nothing");
    let what = "the form has more than 65536 fields, which are signed".to_owned();
    assert_eq!(signed(&[&most, "b"].concat()), Err(SignError::Unsignable { what }));
}

/// RFC 5849 §3.4.1.1.
#[test]
fn a_method_is_signed_in_upper_case() {
    let signer = signer("", KEYS);
    let base = |method: &[u8]| {
        let method = Method::from_bytes(method).unwrap();
        Request { method, ..GET }.base_string(&signer, &own("1", "n"))
    };
    assert!(base(b"Propfind").starts_with("PROPFIND&https"));
    assert_eq!(base(b"get"), base(b"GET"));
}

/// RFC 5849 §3.4.4.
#[test]
fn secrets_do_not_go_in_plain_text_over_plain_http() {
    let signer = signer("{ signature: plaintext }", KEYS);
    for (url, is_signed) in [
        ("https://api.example/", true),
        ("http://127.0.0.1:8080/", true),
        ("http://[::1]/", true),
        ("http://localhost/", true),
        ("http://api.example/", false),
        ("http://10.0.0.1/", false),
        ("http://localhost.example/", false),
    ] {
        let signed = Request { url, ..GET }.signed(&signer);
        assert_eq!(signed.is_ok(), is_signed, "{url}");
        if let Err(error) = signed {
            assert_eq!(
                error.to_string(),
                "the secrets themselves are sent with PLAINTEXT, and this URL is not https"
            );
        }
    }
}

#[test]
fn a_compressed_form_is_refused_in_words() {
    let origin = Origin::parse("https://api.example").unwrap();
    for yaml in ["", "{ signature: plaintext }"] {
        let signer = signer(yaml, KEYS);
        for (encoding, is_signed) in [("gzip", false), ("identity", true), ("Identity", true)] {
            let fields = vec![
                (CONTENT_TYPE, HeaderValue::from_static(FORM)),
                (CONTENT_ENCODING, HeaderValue::from_static(encoding)),
            ];
            let mut draft = Draft::new(&Method::POST, &origin, "/", None, fields);
            let signed = signer.sign_as(&mut draft, &own("1", "n"));
            assert_eq!(signed.is_ok(), is_signed, "{yaml} {encoding}");
        }
    }
}

/// SG-04.
#[test]
fn a_million_nonces_are_a_million() {
    let mut seen = HashSet::new();
    assert!((0..1_000_000).all(|_| seen.insert(nonce(&crypto::random()))));
}

#[test]
fn two_attempts_differ_by_nonce_and_time_alone() {
    let signer = signer("", KEYS);
    let sent = GET.signed(&signer).unwrap();
    assert_eq!(sent.parameter("oauth_timestamp"), Some("1700000000"));
    assert_eq!(sent.parameter("oauth_nonce"), Some("a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5"));
    let again = GET.signed_as(&signer, &own("1700000001", "a5"));
    assert_ne!(sent.parameter("oauth_signature"), again.parameter("oauth_signature"));
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|it| str::from_utf8(it).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

#[test]
fn a_private_key_signs_what_its_public_one_verifies() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let credential = Credential::from_iter([
        ("consumer_key", "k"),
        ("private_key", &*pem(der.as_ref())),
        ("token", "t"),
    ]);
    let signer = signer_with("{ signature: rsa_sha256 }", &credential, &[]);
    let request = Request { url: "https://api.example/a?b=%20", ..GET };
    let sent = request.signed_as(&signer, &own("1", "n"));
    assert_eq!(sent.parameter("oauth_signature_method"), Some("RSA-SHA256"));
    let signature = sent.parameter("oauth_signature").unwrap();
    let signature = percent_encoding::percent_decode_str(signature).decode_utf8().unwrap();
    let signature = STANDARD.decode(signature.as_bytes()).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    let base = request.base_string(&signer, &own("1", "n"));
    public.verify(base.as_bytes(), &signature).unwrap();
}

/// wiki.oauth.net, "Test cases", RSA-SHA1: key and signature are published there.
#[cfg(feature = "rsa-sha1")]
#[test]
fn the_rsa_sha1_signature_of_the_first_edition() {
    let key = "-----BEGIN PRIVATE KEY-----\n\
        MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBALRiMLAh9iimur8V\n\
        A7qVvdqxevEuUkW4K+2KdMXmnQbG9Aa7k7eBjK1S+0LYmVjPKlJGNXHDGuy5Fw/d\n\
        7rjVJ0BLB+ubPK8iA/Tw3hLQgXMRRGRXXCn8ikfuQfjUS1uZSatdLB81mydBETlJ\n\
        hI6GH4twrbDJCR2Bwy/XWXgqgGRzAgMBAAECgYBYWVtleUzavkbrPjy0T5FMou8H\n\
        X9u2AC2ry8vD/l7cqedtwMPp9k7TubgNFo+NGvKsl2ynyprOZR1xjQ7WgrgVB+mm\n\
        uScOM/5HVceFuGRDhYTCObE+y1kxRloNYXnx3ei1zbeYLPCHdhxRYW7T0qcynNmw\n\
        rn05/KO2RLjgQNalsQJBANeA3Q4Nugqy4QBUCEC09SqylT2K9FrrItqL2QKc9v0Z\n\
        zO2uwllCbg0dwpVuYPYXYvikNHHg+aCWF+VXsb9rpPsCQQDWR9TT4ORdzoj+Nccn\n\
        qkMsDmzt0EfNaAOwHOmVJ2RVBspPcxt5iN4HI7HNeG6U5YsFBb+/GZbgfBT3kpNG\n\
        WPTpAkBI+gFhjfJvRw38n3g/+UeAkwMI2TJQS4n8+hid0uus3/zOjDySH3XHCUno\n\
        cn1xOJAyZODBo47E+67R4jV1/gzbAkEAklJaspRPXP877NssM5nAZMU0/O/NGCZ+\n\
        3jPgDUno6WbJn5cqm8MqWhW1xGkImgRk+fkDBquiq4gPiT898jusgQJAd5Zrr6Q8\n\
        AO/0isr/3aa6O6NLQxISLKcPDk2NOccAfS/xOtfOz4sJYM3+Bs4Io9+dZGSDCA54\n\
        Lw03eHTNQghS0A==\n\
        -----END PRIVATE KEY-----";
    let credential =
        Credential::from_iter([("consumer_key", "dpf43f3p2l4k3l03"), ("private_key", key)]);
    let signer = signer_with("{ signature: rsa_sha1 }", &credential, &[]);
    let url = "http://photos.example.net/photos?file=vacaction.jpg&size=original";
    let own = own("1196666512", "13917289812797014437");
    let sent = Request { url, ..GET }.signed_as(&signer, &own);
    assert_eq!(
        sent.parameter("oauth_signature"),
        Some(
            "jvTp%2FwX1TYtByB1m%2BPbyo0lnCOLIsyGCH7wke8AUs3BpnwZJtAuEJkvQL2%2F9n4s5wUmUl4aCI4BwpraNx4\
             RtEXMe5qg5T1LVTGliMRpKasKsW%2F%2Fe%2BRinhejgCuzoH26dyF8iY2ZZ%2F5D1ilgeijhV%2FvBka5twt399m\
             XwaYdCwFYE%3D"
        )
    );
}

#[test]
fn what_goes_where_is_told_and_no_secret_is() {
    let prepared = |yaml: &str| {
        let scheme = Scheme::Oauth1(Arc::new(settings(yaml)));
        scheme
            .prepare(&credential(
                "consumer_key=k consumer_secret=hunter2hunter2 token=t token_secret=hunter3hunter3",
            ))
            .unwrap()
    };
    let header = prepared("");
    let placed = header.describe();
    assert_eq!(
        (placed.len(), placed[0].place, &*placed[0].name),
        (1, Place::Header, "authorization")
    );
    let query = prepared("{ in: query, body_hash: true }").describe();
    assert!(query.iter().all(|it| it.place == Place::Query));
    let mut names: Vec<&str> = query.iter().map(|it| &*it.name).collect();
    names.sort_unstable();
    assert_eq!(names, super::super::protocol::NAMES);

    let shown = format!("{header:?} {:?}", signer("", "consumer_key=k consumer_secret=hunter2"));
    assert!(!shown.contains("hunter"), "{shown}");
    // With PLAINTEXT the secrets are on the wire, where an upstream can give them back.
    let plain = prepared("{ signature: plaintext }");
    assert_eq!(plain.redact("/a?b=hunter2hunter2").as_deref(), Some("/a?b=redacted"));
    assert_eq!(header.redact("/a?b=hunter2hunter2"), None);
}
