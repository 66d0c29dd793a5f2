//! Against a second reading of RFC 5849 §3.4.1.3, made of what others wrote: form parser, encoder, HMAC.
use super::GET;
use super::Request;
use super::own;
use super::signer;
use ::hmac::Hmac;
use ::hmac::KeyInit;
use ::hmac::Mac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::percent_decode;
use percent_encoding::percent_encode;
use proptest::prelude::*;
use sha2::Sha256;

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn encoded(bytes: &[u8]) -> String {
    percent_encode(bytes, RESERVED).to_string()
}

/// Names and values of a form, decoded to octets.
fn pairs(form: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let decode = |text: &[u8]| {
        let spaced: Vec<u8> = text.iter().map(|it| if *it == b'+' { b' ' } else { *it }).collect();
        percent_decode(&spaced).collect::<Vec<u8>>()
    };
    let pairs = form.split(|it| *it == b'&').filter(|it| !it.is_empty());
    let pairs = pairs.map(|it| {
        let mut halves = it.splitn(2, |it| *it == b'=');
        (decode(halves.next().unwrap()), decode(halves.next().unwrap_or_default()))
    });
    pairs.collect()
}

fn expected(method: &str, url: &str, all: Vec<(Vec<u8>, Vec<u8>)>) -> String {
    let mut all: Vec<(String, String)> =
        all.into_iter().map(|it| (encoded(&it.0), encoded(&it.1))).collect();
    all.sort();
    let all: Vec<String> = all.into_iter().map(|it| [it.0, it.1].join("=")).collect();
    [method, &encoded(url.as_bytes()), &encoded(all.join("&").as_bytes())].join("&")
}

proptest! {
    #[test]
    fn any_request_is_signed_as_another_reading_has_it(
        path in "/[!-~&&[^?#]]{0,20}",
        query in "([!-~&&[^#]]{0,6}[&=+%]?){0,8}",
        form in prop::collection::vec(prop_oneof![Just(b'&'), Just(b'='), Just(b'%'), Just(b'+'), any::<u8>()], 0..60),
        consumer in "[ -~é]{1,12}",
        token in "[ -~é]{1,12}",
        secrets in ("[ -~é]{0,12}", "[ -~é]{0,12}"),
    ) {
        let credential = crate::model::Credential::from_iter([
            ("consumer_key", &*consumer),
            ("consumer_secret", &*secrets.0),
            ("token", &*token),
            ("token_secret", &*secrets.1),
        ]);
        let signer = super::signer_with("{ signature: hmac_sha256 }", &credential, &[]);
        let url = format!("https://api.example{path}?{query}");
        let post = Request {
            method: Method::POST,
            url: &url,
            content_type: Some("application/x-www-form-urlencoded"),
            body: &form,
        };
        let own = own("17", "abc");
        let base = post.base_string(&signer, &own);

        let octets = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
        let mut all = pairs(query.as_bytes());
        all.extend(pairs(&form));
        all.extend([
            octets("oauth_consumer_key", &consumer),
            octets("oauth_nonce", "abc"),
            octets("oauth_signature_method", "HMAC-SHA256"),
            octets("oauth_timestamp", "17"),
            octets("oauth_token", &token),
            octets("oauth_version", "1.0"),
        ]);
        prop_assert_eq!(&base, &expected("POST", &format!("https://api.example{path}"), all));

        let key = [encoded(secrets.0.as_bytes()), encoded(secrets.1.as_bytes())].join("&");
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
        mac.update(base.as_bytes());
        let signature = encoded(STANDARD.encode(mac.finalize().into_bytes()).as_bytes());
        let sent = post.signed_as(&signer, &own);
        prop_assert_eq!(sent.parameter("oauth_signature"), Some(&*signature));
        prop_assert_eq!(sent.query.unwrap_or_default(), query);
        prop_assert_eq!(sent.body, form);
    }

    #[test]
    fn every_place_has_one_signature(query in "([a-z+%0-9]{1,6}=?[a-z]{0,3}&?){0,5}", form in "([a-z+%0-9]{1,6}=?[a-z]{0,3}&?){0,5}") {
        let post = Request {
            method: Method::POST,
            url: &format!("https://api.example/?{query}"),
            content_type: Some("application/x-www-form-urlencoded"),
            body: form.as_bytes(),
        };
        let keys = "consumer_key=k consumer_secret=s";
        let behind = |text: &str| text.rsplit_once("oauth_signature=").unwrap().1.to_owned();
        let header = post.signed_as(&signer("", keys), &own("1", "n"));
        let header = header.parameter("oauth_signature").unwrap().to_owned();
        let query = post.signed_as(&signer("{ in: query }", keys), &own("1", "n"));
        prop_assert_eq!(behind(&query.query.unwrap()), header.clone());
        let body = post.signed_as(&signer("{ in: body }", keys), &own("1", "n"));
        prop_assert_eq!(behind(str::from_utf8(&body.body).unwrap()), header);
    }
}

/// The properties above are of `POST`; nothing but the method is another's.
#[test]
fn other_methods_are_signed_by_their_names() {
    let signer = signer("", "consumer_key=k consumer_secret=s");
    for method in ["GET", "DELETE", "PROPFIND", "M-SEARCH"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let base = Request { method: method.clone(), ..GET }.base_string(&signer, &own("1", "n"));
        assert!(base.starts_with(&format!("{method}&https")), "{base}");
    }
}
