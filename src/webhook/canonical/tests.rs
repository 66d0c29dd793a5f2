//! What the senders' own code signed, made anew; and what could be read in two ways.
use super::*;
use crate::crypto::Hash;
use crate::crypto::MacKey;
use crate::crypto::PublicKey;
use crate::crypto::PublicKind;
use crate::crypto::Verify;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::HeaderValue;

/// A delivery as it may be changed before it is looked at.
#[derive(Clone)]
struct Sent {
    method: &'static str,
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Sent {
    fn new(method: &'static str, url: &str, headers: &[(&'static str, &str)], body: &str) -> Self {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        Self { method, url: url.to_owned(), headers: map, body: body.into() }
    }

    fn content(
        &self,
        of: impl FnOnce(&Delivery<'_>) -> Result<Vec<u8>, Refusal>,
    ) -> Result<Vec<u8>, Refusal> {
        of(&Delivery {
            method: self.method,
            url: &self.url,
            query: self.url.split_once('?').map_or("", |it| it.1),
            headers: &self.headers,
            body: &self.body,
        })
    }

    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    fn and(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.append(name, HeaderValue::from_static(value));
        self
    }

    fn without(mut self, name: &'static str) -> Self {
        self.headers.remove(name);
        self
    }
}

const MISSING: Refusal = Refusal::Missing(What::Value);
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn mac(key: &str, content: &[u8]) -> Vec<u8> {
    MacKey::new(Hash::Sha256, key.as_bytes()).unwrap().of(content).bytes().to_vec()
}

/// Signed by `signRequest` of npm @contentful/node-apps-toolkit 3.16.1.
#[test]
fn contentful_signs_what_is_signed_here() {
    let of = |it: &Delivery<'_>| contentful(it, None);
    let plain = Sent::new(
        "POST",
        "https://example.test/hooks/contentful",
        &[
            ("content-type", " application/json "),
            (
                "x-contentful-signed-headers",
                "content-type,x-contentful-signed-headers,x-contentful-timestamp,x-contentful-topic",
            ),
            ("x-contentful-timestamp", "1700000000123"),
            ("x-contentful-topic", "ContentManagement.Entry.publish"),
            ("x-unsigned", "7"),
        ],
        r#"{"sys":{"id":"é"},"n":1.0}"#,
    );
    let few = [
        ("x-contentful-signed-headers", "x-contentful-signed-headers,x-contentful-timestamp"),
        ("x-contentful-timestamp", "1700000000123"),
    ];
    let query = "https://example.test/a%20b/c+d;e,f?x=1&y=%C3%A9+z&q='()*!~";
    let query = Sent::new("POST", query, &few, r#"{"sys":{"id":"é"},"n":1.0}"#);
    let empty = Sent::new("GET", "https://example.test/", &few, "");
    for (sent, signature) in [
        (&plain, "ae56601350988f88a263b60f8d5f9cb3c5f6e234d68049b3ff7ac4fd067af58b"),
        (&query, "abfd15ee525a83bc2d5c69ca724e307fedace286f2867c35f6203119d9c366db"),
        (&empty, "8a4e9a9010e76101278d5d2ab582d460344d1a922f69a4c0abb6b925c7114124"),
    ] {
        let content = sent.content(of).unwrap();
        let made = hex::encode(mac(&"s".repeat(64), &content));
        assert_eq!(made, signature, "{}", String::from_utf8_lossy(&content));
    }

    let listed = |list: &'static str| plain.clone().with("x-contentful-signed-headers", list);
    for (sent, refusal) in [
        (plain.clone().without("x-contentful-signed-headers"), MISSING),
        (plain.clone().without("x-contentful-topic"), MISSING),
        (plain.clone().and("x-contentful-topic", "other"), MALFORMED),
        (plain.clone().and("x-contentful-signed-headers", "x-contentful-timestamp"), MALFORMED),
        (listed(""), MALFORMED),
        (listed("x-contentful-signed-headers"), MALFORMED),
        (listed("x-contentful-timestamp"), MALFORMED),
        (listed("x-contentful-timestamp,x-contentful-signed-headers"), MALFORMED),
        (
            listed("x-contentful-signed-headers,x-contentful-timestamp,x-contentful-timestamp"),
            MALFORMED,
        ),
        (listed("X-Unsigned,x-contentful-signed-headers,x-contentful-timestamp"), MALFORMED),
        (listed("x-contentful-signed-headers, x-contentful-timestamp"), MALFORMED),
        (Sent { url: "https://example.test/?a?b".to_owned(), ..plain.clone() }, MALFORMED),
        (Sent { url: "https://example.test".to_owned(), ..plain.clone() }, MALFORMED),
    ] {
        assert_eq!(sent.content(of), Err(refusal), "{:?} {}", sent.headers, sent.url);
    }
}

/// Signed by `validateV3Signature` of npm plivo 4.79.0 with the key `token`.
#[test]
fn plivo_signs_what_is_signed_here() {
    let of = |it: &Delivery<'_>| plivo_v3(it, None);
    let nonce = ("x-plivo-signature-v3-nonce", "12345678901234567890");
    let form = "To=15&From=14&CallUUID=a%26b&Digits=2&Digits=1&Name=J%C3%BCrgen+M";
    for (method, url, body, signature) in [
        (
            "POST",
            "https://example.test/plivo/answer",
            form,
            "KBooFffJO64ysrMiw6PUb2wExQ4DvkUWDyDRn3NcKPI=",
        ),
        (
            "POST",
            "https://example.test:8443/plivo/?b=2&a=1&a=0&c=%2B+x",
            "Z=1&a=2",
            "9kgQOdGqyGCjbnHl31JFW2EgiX4uMUNBUU1SwqjRgus=",
        ),
        (
            "POST",
            "https://example.test/plivo?b=2&a=1",
            "",
            "+hhjZogK0VbOphKQzK9FryTAQPukcg+k+zupZFzOcQY=",
        ),
        ("POST", "https://example.test/plivo", "", "d3DgKOA+sCGRnOhX+bD8RAjF1ghzWVP2wrIzA63uz64="),
        (
            "GET",
            "https://example.test/plivo?b=2&a=1&a=0&e=",
            "",
            "KTBQZpFofUx3OXqcPgMtkReuJVP/RFpVy+DFAc21BCE=",
        ),
        ("GET", "https://example.test/", "", "7HhD9+Hq41S1R7x8rHAYivVz1ai8qcV+DnYQMOGnRjQ="),
    ] {
        let content = Sent::new(method, url, &[nonce, FORM], body).content(of).unwrap();
        let made = STANDARD.encode(mac("token", &content));
        assert_eq!(made, signature, "{}", String::from_utf8_lossy(&content));
    }

    let post = |headers: &[(&'static str, &str)], body: &str| {
        Sent::new("POST", "https://example.test/plivo", headers, body).content(of)
    };
    assert_eq!(post(&[FORM], "a=1"), Err(MISSING));
    assert_eq!(post(&[nonce, nonce, FORM], "a=1"), Err(MALFORMED));
    assert_eq!(post(&[nonce], "a=1"), Err(MALFORMED));
    assert_eq!(post(&[nonce, FORM, FORM], "a=1"), Err(MALFORMED));
    assert_eq!(post(&[nonce, ("content-type", "application/json")], "{}"), Err(MALFORMED));
    assert_eq!(post(&[nonce, FORM], "a=%ff"), Err(MALFORMED), "no UTF-8");
    let many = "a=1&".repeat(FIELDS_MAX);
    assert!(post(&[nonce, FORM], &many).is_ok());
    assert_eq!(post(&[nonce, FORM], &format!("{many}a=1")), Err(MALFORMED), "too many");
    let charset = ("content-type", "Application/X-WWW-Form-Urlencoded; charset=utf-8");
    assert_eq!(post(&[nonce, charset], "a=1"), post(&[nonce, FORM], "a=1"));
    let body = Sent::new("GET", "https://example.test/plivo", &[nonce, FORM], "a=1");
    assert_eq!(body.content(of), Err(MALFORMED), "a body that nobody signed");
}

/// Serialised by phpserialize 1.3 (PyPI) with the names sorted, and signed by `openssl dgst -sha1`.
#[test]
fn paddle_signs_what_is_signed_here() {
    let of = |it: &Delivery<'_>| paddle_classic(it, None);
    let form = "alert_id=1487&alert_name=subscription_created&email=j%C3%BCrgen%40example.test&passthrough=%7B%22a%22%3A+%22b%3Bc%22%7D&event_time=2026-01-02+03%3A04%3A05&quantity=&marketing_consent=0&_x=1&Zeta=z&p_signature=c%2FdEXG91xDq12G1IM6G2O4Sur2LhL8Z6Sig1KnxBC%2BrFpYSjwRNVXcQbyXYUiekcn4hasbx%2FZY%2FdjB%2ByKNAi%2FlfgSfcvCmdAuxiHKxPXbGlHwZqZW1czxy73LN5rSBTkaeDIlF3kfQX6BnfdvqLisVwmd%2Bcap%2BrU9CAp4fl3ba55YShHB8hSv6QSFY%2FEFqZ5wNlouYHwtGdph8LTkzYr5%2FvTdtgkyujuqG6kZYIGPPxjLZQAVoqU8KsZuBcHzx8oJC%2FF284lhThSIjcYK0%2BDSiBUiBqr389BPnZFNrudS6IXBKjXYI%2Bh0YS%2FSnH%2BZgkqBhiJiONfiMaTGalk5hWvkw%3D%3D";
    let signed =
        |body: &str| Sent::new("POST", "https://example.test/paddle", &[FORM], body).content(of);
    let pem = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqQFAZaTNMb2lH/JvB1yh
UJWMe+g/zGQxzC7Cen9eF264PpquVzn4IvLoChBDFfnJPvAJk2w9YKzHPGC30kE1
o4GFUT7S34Z7UmP8afRn3u8oBYvF8DVDtv6P2FTLUX+EDaf3UqnaThFqWJ084P4r
JXtJeF8VvJmbVMcdYyHpCVkFjl2InuXR8lPM3riSdVgx+qT9LxnG/RX3Pbky5uug
bzyX/Mn3Z+gBGK2If4JYS+//R8lnc18HEDSj3olXiyf05gv/XamclCCj9mta1euN
+mfCjWPF0nQAUYhiyLreSekdLrxNskG91AFaQbusISOoAt8OzYnwlaeJjsyqWDch
NQIDAQAB
-----END PUBLIC KEY-----
";
    let key = PublicKey::from_text(pem, PublicKind::Rsa).unwrap();
    let signature = url::form_urlencoded::parse(form.as_bytes()).find(|it| it.0 == "p_signature");
    let signature = STANDARD.decode(signature.unwrap().1.as_bytes()).unwrap();
    assert!(key.verify(Verify::RsaSha1, &signed(form).unwrap(), &signature));
    let other = form.replace("quantity=&", "quantity=1&");
    assert!(!key.verify(Verify::RsaSha1, &signed(&other).unwrap(), &signature));

    assert_eq!(
        signed("b=2&a=%C3%A9&p_signature=x").unwrap(),
        "a:2:{s:1:\"a\";s:2:\"é\";s:1:\"b\";s:1:\"2\";}".as_bytes()
    );
    for bad in
        ["a=1&a=1", "a[]=1", "a.b=1", "7=1", "=1", "a b=1", "a=%ff", "p_signature=a&p_signature=b"]
    {
        assert_eq!(signed(bad), Err(MALFORMED), "{bad}");
    }
}

/// Signed by `sign` of npm truelayer-signing 0.2.3; verified in the tests of tokens.
#[test]
fn truelayer_signs_the_headers_that_its_token_lists() {
    let names = Some("X-Tl-Webhook-Timestamp,Content-Type");
    let headers =
        [("x-tl-webhook-timestamp", "2021-11-29T11:42:55Z"), ("content-type", "application/json")];
    let sent = Sent::new("POST", "https://example.test/tl-webhook?a=1", &headers, "{}");
    let content = "POST /tl-webhook?a=1\nX-Tl-Webhook-Timestamp: 2021-11-29T11:42:55Z\n\
        Content-Type: application/json\n{}";
    assert_eq!(sent.content(|it| truelayer(it, names)).unwrap(), content.as_bytes());
    for (names, refusal) in [
        (None, MALFORMED),
        (Some(""), MALFORMED),
        (Some("Content-Type"), MALFORMED),
        (Some("X-Tl-Webhook-Timestamp,"), MALFORMED),
        (Some("X-Tl-Webhook-Timestamp,x-tl-webhook-timestamp"), MALFORMED),
        (Some("X-Tl-Webhook-Timestamp, Content-Type"), MALFORMED),
        (Some("X-Tl-Webhook-Timestamp,X-Other"), MISSING),
    ] {
        assert_eq!(sent.content(|it| truelayer(it, names)), Err(refusal), "{names:?}");
    }
}
