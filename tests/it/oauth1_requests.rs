//! Requests of OAuth 1.0a with a token that somebody brought, or none: signed as they are sent.
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Received;
use crate::support::Script;
use crate::support::Signed;
use crate::support::tagged;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const TOKEN: &str = ", token: t0ken, token_secret: t0ken-s3cret";

async fn upstream() -> RawUpstream {
    RawUpstream::start([Script::ok("ok").again()]).await
}

fn gateway(url: &str, settings: &str, token: &str) -> Gateway {
    Gateway::start(&format!(
        "egress: {{ allow: [127.0.0.0/8] }}
connectors:
  api:
    base_url: {url}/v1
    auth: {{ m: {{ oauth1: {{ {settings} }} }} }}
connections:
  api:
    connector: api
    auth: m
    credentials: {{ consumer_key: app, consumer_secret: c0nsumer-s3cret{token} }}
"
    ))
}

fn signed(received: &Received) -> Signed<'_> {
    let kind = received.field("content-type").unwrap_or_default();
    Signed {
        line: received.line(),
        host: received.field("host").unwrap(),
        authorization: received.field("authorization"),
        form: if kind.contains("form-urlencoded") { &received.body } else { b"" },
    }
}

#[tokio::test]
async fn a_request_is_signed_as_it_is_sent_wherever_the_signature_goes() {
    for place in ["header", "query", "body"] {
        let upstream = upstream().await;
        let settings = format!("signature: hmac_sha256, in: {place}");
        let gateway = gateway(&upstream.url(), &settings, TOKEN);
        let requests = [
            tagged("GET", "/a", "", ""),
            tagged("GET", "/a?b=%20&b=+&c=&d&e=%C3%A9&f=%7e%zz&g=a%2Bb", "", ""),
            tagged("POST", "/a/%20b?x=1", FORM, "a3=2+q&c2&u=%e2%98%83&a3=a&e="),
            tagged("POST", "/a", "Content-Type: application/json\r\n", "{\"a\":1}"),
            tagged("DELETE", "/a", "Authorization: Bearer mine\r\n", ""),
            tagged("GET", "/a?oauth_token=theirs&oauth%5Fnonce=1&z=1", "", ""),
        ];
        let mut nonces = Vec::new();
        for request in requests {
            let got = gateway.raw(request.clone()).await;
            assert_eq!(got.status, 200, "{place} {request} {got:?}");
            let received = upstream.request().await;
            let protocol = signed(&received).checked("c0nsumer-s3cret", "t0ken-s3cret");
            assert_eq!(protocol["oauth_consumer_key"], "app");
            assert_eq!(protocol["oauth_token"], "t0ken");
            assert_eq!(protocol["oauth_version"], "1.0");
            nonces.push(protocol["oauth_nonce"].clone());
            let is_form =
                received.field("content-type").is_some_and(|it| it.contains("urlencoded"));
            let in_header = place == "header" || place == "body" && !is_form;
            assert_eq!(received.field("authorization").is_some(), in_header, "{place} {request}");
            let body = request.split_once("\r\n\r\n").unwrap().1;
            let ours = String::from_utf8(received.body.clone()).unwrap();
            match place == "body" && is_form {
                true => assert!(ours.starts_with(&format!("{body}&oauth_")), "{ours}"),
                false => assert_eq!(ours, body),
            }
        }
        nonces.sort();
        nonces.dedup();
        assert_eq!(nonces.len(), 6, "each is new");
    }
}

#[tokio::test]
async fn without_a_token_the_consumer_asks_for_itself() {
    let upstream = upstream().await;
    let gateway = gateway(&upstream.url(), "signature: hmac_sha256", "");
    assert_eq!(gateway.raw(tagged("GET", "/a", "", "")).await.status, 200);
    let received = upstream.request().await;
    let protocol = signed(&received).checked("c0nsumer-s3cret", "");
    assert!(!protocol.contains_key("oauth_token"));
}

#[tokio::test]
async fn a_realm_is_an_account_of_the_credential() {
    let upstream = upstream().await;
    let settings = "signature: hmac_sha256, realm: '{account_id}'";
    let token = format!("{TOKEN}, account_id: 1234567_SB1");
    let gateway = gateway(&upstream.url(), settings, &token);
    assert_eq!(gateway.raw(tagged("GET", "/a", "", "")).await.status, 200);
    let received = upstream.request().await;
    signed(&received).checked("c0nsumer-s3cret", "t0ken-s3cret");
    let field = received.field("authorization").unwrap();
    assert!(field.starts_with("OAuth realm=\"1234567_SB1\", "), "{field}");
}

#[tokio::test]
async fn a_body_hash_is_of_the_body_that_is_sent() {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use sha2::Digest;
    use sha2::Sha256;
    let upstream = upstream().await;
    let gateway = gateway(&upstream.url(), "signature: hmac_sha256, body_hash: true", TOKEN);
    for (fields, body) in [("Content-Type: text/plain\r\n", "Hello World!"), ("", "")] {
        assert_eq!(gateway.raw(tagged("PUT", "/a", fields, body)).await.status, 200);
        let received = upstream.request().await;
        let protocol = signed(&received).checked("c0nsumer-s3cret", "t0ken-s3cret");
        let hash = BASE64_STANDARD.encode(Sha256::digest(body.as_bytes()));
        assert_eq!(protocol["oauth_body_hash"], hash);
    }
    let form = gateway.raw(tagged("POST", "/a", FORM, "a=1")).await;
    assert_eq!(form.status, 200);
    let received = upstream.request().await;
    let protocol = signed(&received).checked("c0nsumer-s3cret", "t0ken-s3cret");
    assert!(!protocol.contains_key("oauth_body_hash"), "the form is signed itself");
}
