//! Requests that a recipe or RFC 9421 signs, on their way: what arrives is what was signed.
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Received;
use crate::support::Script;
use crate::support::tagged;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Digest;
use sha2::Sha256;

const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";

/// A connection to `{url}/base` with this auth method, in one line of YAML.
fn gateway(upstream: &RawUpstream, method: &str, credentials: &str) -> Gateway {
    Gateway::start(&format!(
        "egress: {{ allow: [127.0.0.0/8] }}
connectors:
  api: {{ base_url: \"{}/base\", auth: {{ m: {{ {method} }} }} }}
connections:
  api: {{ connector: api, auth: m, credentials: {{ {credentials} }} }}
",
        upstream.url()
    ))
}

fn hmac(message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any key does");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// The target on the request line.
fn target(received: &Received) -> &str {
    received.line().split(' ').nth(1).expect("a target")
}

/// Bytes without a pattern that a mistake in order or length could hide behind.
fn body(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

async fn sent(gateway: &Gateway, upstream: &RawUpstream, head: String, body: &[u8]) -> Received {
    let mut client = gateway.client().await;
    client.send(head).await;
    for piece in body.chunks(100_000) {
        client.try_send(piece).await;
    }
    let got = client.response().await.expect("an answer");
    assert_eq!(got.status, 200, "{}", got.text());
    upstream.request().await
}

#[tokio::test]
async fn a_query_is_signed_as_it_is_spelled_and_sent() {
    for query in [
        "",
        "?",
        "?a=1&b=2",
        "?b=2&a=1&b=2&a=",
        "?q=a+b%20c%2Bd&e=",
        "?%C3%A9=%c3%a9&~=%7E",
        "?bare&=x&&a=b=c",
        "?Signature=forged&timestamp=1&a=1&signature=forged&sign%61ture=forged",
    ] {
        let upstream = RawUpstream::start([Script::ok("ok")]).await;
        let recipe = "signed_request: { preset: binance }";
        let gateway = gateway(&upstream, recipe, &format!("api_key: k3y, secret: {SECRET}"));
        let head = tagged("GET", &format!("/api/v3/order{query}"), "X-MBX-APIKEY: forged\r\n", "");
        let received = sent(&gateway, &upstream, head, b"").await;
        let (path, sent) = target(&received).split_once('?').expect("a query");
        assert_eq!(path, "/base/api/v3/order");
        let (signed, signature) = sent.rsplit_once("&signature=").expect("a signature");
        assert_eq!(signature, hex::encode(hmac(signed.as_bytes())), "{query}");
        assert!(!sent.contains("forged"), "{sent}");
        assert_eq!(received.field("x-mbx-apikey"), Some("k3y"));
        let kept = match query {
            it if it.contains("forged") => "a=1",
            it => it.strip_prefix('?').unwrap_or_default(),
        };
        assert!(signed.starts_with(kept), "{query} {signed}");
    }
}

#[tokio::test]
async fn a_body_of_any_length_goes_through_the_signature() {
    let recipe = "signed_request: { content: '{method}{target}<{body}>{header.x-b}',\
        put: [{ in: header, name: X-Sig, value: '{signature}' }] }";
    for length in [0, 1, 1000, (1 << 20) + 1, 5_000_000] {
        let upstream = RawUpstream::start([Script::ok("ok")]).await;
        let gateway = gateway(&upstream, recipe, &format!("secret: {SECRET}"));
        let bytes = body(length);
        let fields = format!("Content-Length: {length}\r\nX-B: behind\r\n");
        let head = tagged("POST", "/up?x=1", &fields, "");
        let received = sent(&gateway, &upstream, head, &bytes).await;
        assert!(received.body == bytes, "{length}");
        let content = [b"POST/base/up?x=1<", &bytes[..], b">behind"].concat();
        let expected = hex::encode(hmac(&content));
        assert_eq!(received.field("x-sig"), Some(expected.as_str()), "{length}");
    }
}

#[tokio::test]
async fn a_form_goes_on_with_what_was_put_into_it() {
    let recipe = "signed_request: { content: '{body}', put: [\
        { in: form, name: nonce, value: '{nonce.number}' },\
        { in: header, name: X-Sig, value: '{signature|from_hex|base64}' }] }";
    let upstream = RawUpstream::start([Script::ok("ok"), Script::ok("ok")]).await;
    let gateway = gateway(&upstream, recipe, &format!("secret: {SECRET}"));
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let head = tagged("POST", "/order", form, "pair=XBT+USD&nonce=1&empty=");
    let received = sent(&gateway, &upstream, head, b"").await;
    let text = std::str::from_utf8(&received.body).expect("a form");
    let nonce = text.strip_prefix("pair=XBT+USD&empty=&nonce=").expect("ours alone");
    assert!(nonce.len() == 16 && nonce.bytes().all(|it| it.is_ascii_digit()), "{text}");
    assert_eq!(received.field("content-length"), Some(text.len().to_string().as_str()));
    assert_eq!(received.field("x-sig"), Some(STANDARD.encode(hmac(text.as_bytes())).as_str()));

    let json = tagged("POST", "/order", "Content-Type: application/json\r\n", "{}");
    let got = gateway.raw(json).await;
    assert_eq!((got.status, got.code().as_deref()), (400, Some("bad_request")));
    assert!(got.text().contains("application/x-www-form-urlencoded"), "{}", got.text());
}

#[tokio::test]
async fn a_message_signature_covers_what_arrives() {
    let settings = "http_signature: { algorithm: hmac-sha256, components: [\"@method\", \"@target-uri\", \
        \"@authority\", \"@query-param;name=\\\"a\\\"?\", \"x-twice\", \"content-type?\", \"content-digest?\"] }";
    for length in [0, 18, 3_000_000] {
        let upstream = RawUpstream::start([Script::ok("ok")]).await;
        let credentials = format!("secret: {SECRET}, key_id: one");
        let gateway = gateway(&upstream, settings, &credentials);
        let bytes = body(length);
        let fields = format!(
            "Content-Length: {length}\r\nX-Twice: 1\r\nx-twice:  2 \r\nContent-Digest: sha-256=:AA==:\r\n\
             Signature: sig1=:AA==:\r\nSignature-Input: sig1=()\r\n"
        );
        let head = tagged("PUT", "/up?a=b+c&a%20=2", &fields, "");
        let received = sent(&gateway, &upstream, head, &bytes).await;
        assert!(received.body == bytes, "{length}");
        let authority = received.field("host").expect("a host");
        let mut base = format!(
            "\"@method\": PUT\n\"@target-uri\": http://{authority}/base/up?a=b+c&a%20=2\n\
             \"@authority\": {authority}\n\"@query-param\";name=\"a\": b%20c\n\"x-twice\": 1, 2\n"
        );
        let digest = received.field("content-digest");
        if length > 0 {
            let expected = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&bytes)));
            assert_eq!(digest, Some(expected.as_str()));
            base.push_str(&format!("\"content-digest\": {expected}\n"));
        } else {
            assert_eq!(digest, None);
        }
        let input = received.field("signature-input").expect("an input");
        let parameters = input.strip_prefix("sig1=").expect("our label");
        assert!(parameters.ends_with(";keyid=\"one\""), "{parameters}");
        base.push_str(&format!("\"@signature-params\": {parameters}"));
        let signature = format!("sig1=:{}:", STANDARD.encode(hmac(base.as_bytes())));
        assert_eq!(received.field("signature"), Some(signature.as_str()), "{base}");
    }
}

#[tokio::test]
async fn what_a_request_lacks_is_told_and_nothing_is_sent() {
    for (method, problem) in [
        (
            "http_signature: { algorithm: hmac-sha256, components: [x-needed] }",
            "the signature covers the field `x-needed`, which the request does not have",
        ),
        (
            "signed_request: { content: '{query.page}', put: [{ in: cookie, name: s, value: '{signature}' }] }",
            "the signature covers the query parameter `page`, which the request does not have",
        ),
    ] {
        let upstream = RawUpstream::start([Script::ok("ok")]).await;
        let gateway = gateway(&upstream, method, &format!("secret: {SECRET}"));
        let got = gateway.raw(tagged("GET", "/x", "", "")).await;
        assert_eq!((got.status, got.code().as_deref()), (400, Some("bad_request")));
        assert!(got.text().contains(problem), "{}", got.text());
        assert_eq!(upstream.links(), 0);
    }
}
