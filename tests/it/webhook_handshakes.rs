//! What senders ask before they send: answered here, to whoever may have the answer, and forwarded to nobody.
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Script;
use crate::support::raw_request;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

const SECRET: &str = "s3cret-of-the-app";
const VERIFY_TOKEN: &str = "t0ken-for-the-handshake";

fn configuration(target: &str) -> String {
    format!(
        r#"
egress: {{ allow: [127.0.0.0/8] }}
connectors:
  api:
    auth:
      plain: {{ hmac: {{ preset: github }} }}
      echoing:
        hmac:
          preset: github
          handshakes:
            - when: {{ method: GET, query: hub.mode, equals: subscribe }}
              check: token
              token: {{ query: hub.verify_token }}
              respond: {{ body: "{{query.hub.challenge}}" }}
            - when: {{ method: HEAD }}
              check: none
              respond: {{ body: "" }}
      asking:
        hmac:
          preset: slack
          handshakes:
            - when: {{ json: /type, equals: url_verification }}
              respond: {{ json: {{ challenge: "{{json./challenge}}" }} }}
      computing:
        hmac:
          signature: {{ header: x-signature, prefix: "sha256=", encoding: base64 }}
          content: "{{body}}"
          handshakes:
            - when: {{ method: GET, query: crc_token }}
              check: none
              respond: {{ json: {{ response_token: "sha256={{query.crc_token|hmac(base64)}}" }} }}
connections:
  plain: {{ connector: api, auth: plain, base_url: {target}/in, credentials: {{ secret: {SECRET} }} }}
  echoing: {{ connector: api, auth: echoing, base_url: {target}/in, credentials: {{ secret: {SECRET}, verify_token: {VERIFY_TOKEN} }} }}
  asking: {{ connector: api, auth: asking, base_url: {target}/in, credentials: {{ secret: {SECRET} }} }}
  computing: {{ connector: api, auth: computing, base_url: {target}/in, credentials: {{ secret: {SECRET} }} }}
"#
    )
}

async fn stage() -> (RawUpstream, Gateway) {
    let target = RawUpstream::start([Script::ok("taken").again()]).await;
    let gateway = Gateway::start(&configuration(&target.url()));
    (target, gateway)
}

async fn ask(gateway: &Gateway, line: &str, fields: &str, body: &str) -> Response {
    let length = match body {
        "" => String::new(),
        body => format!("Content-Length: {}\r\n", body.len()),
    };
    let request =
        format!("{line} HTTP/1.1\r\nHost: hooks.example.com\r\n{fields}{length}\r\n{body}");
    raw_request(gateway.public, request).await
}

fn mac(content: &str) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).expect("any key does");
    mac.update(content.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn slack(body: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs();
    let signature = hex::encode(mac(&format!("v0:{now}:{body}")));
    format!("X-Slack-Request-Timestamp: {now}\r\nX-Slack-Signature: v0={signature}\r\n")
}

fn assert_answered(answer: &Response, body: &str, media_type: &str) {
    assert_eq!((answer.status, answer.text().as_str()), (200, body), "{answer:?}");
    assert_eq!(answer.field("content-type"), Some(media_type));
    assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.field("cache-control"), Some("no-store"));
    assert_eq!(answer.field("attache-error"), None);
    assert!(answer.field("attache-request-id").is_some());
}

#[tokio::test]
async fn a_challenge_is_echoed_to_whoever_shows_the_verify_token() {
    let (target, gateway) = stage().await;
    let line = |token: &str| {
        format!(
            "GET /hooks/echoing?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}"
        )
    };
    let answer = ask(&gateway, &line(VERIFY_TOKEN), "", "").await;
    assert_answered(&answer, "1158201444", "text/plain");
    for wrong in ["", "t0ken", SECRET] {
        let answer = ask(&gateway, &line(wrong), "", "").await;
        assert_eq!(answer.status, 401, "{wrong}");
        assert!(!answer.text().contains("1158201444"), "{wrong}");
    }
    let twice = format!("{}&hub.verify_token={VERIFY_TOKEN}", line(VERIFY_TOKEN));
    assert_eq!(ask(&gateway, &twice, "", "").await.status, 401);
    assert_eq!(target.links(), 0);
}

#[tokio::test]
async fn other_methods_are_refused_but_where_a_handshake_has_them() {
    let (target, gateway) = stage().await;
    for (line, status) in [
        ("GET /hooks/plain", 405),
        ("HEAD /hooks/plain", 405),
        ("GET /hooks/echoing", 405),
        ("GET /hooks/echoing?hub.mode=unsubscribe", 405),
        ("PUT /hooks/echoing?hub.mode=subscribe", 405),
        ("POST /hooks/echoing?hub.mode=subscribe", 401),
    ] {
        let answer = ask(&gateway, line, "", "").await;
        assert_eq!(answer.status, status, "{line}");
        if status == 405 {
            assert_eq!(answer.field("allow"), Some("POST"), "{line}");
        }
    }
    let head = "HEAD /hooks/echoing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut client = crate::support::RawClient::connect(gateway.public).await;
    client.send(head).await;
    let answer = client.response_to("HEAD").await.expect("an answer");
    assert_eq!(answer.status, 200);
    assert_eq!(target.links(), 0);
}

#[tokio::test]
async fn what_a_sender_signs_is_answered_only_when_its_signature_is_good() {
    let (target, gateway) = stage().await;
    let body = r#"{"token":"x","challenge":"3eZbrw1aBm2rZgRNFdxV","type":"url_verification"}"#;
    let answer = ask(&gateway, "POST /hooks/asking", &slack(body), body).await;
    assert_answered(&answer, r#"{"challenge":"3eZbrw1aBm2rZgRNFdxV"}"#, "application/json");
    let answer = ask(&gateway, "POST /hooks/asking", "", body).await;
    assert_eq!((answer.status, answer.code().as_deref()), (401, Some("webhook_unsigned")));
    let answer = ask(&gateway, "POST /hooks/asking", &slack("{}"), body).await;
    assert_eq!((answer.status, answer.code().as_deref()), (401, Some("webhook_bad_signature")));
    assert_eq!(target.links(), 0);
    let other = r#"{"type":"event_callback","event_id":"Ev1"}"#;
    let answer = ask(&gateway, "POST /hooks/asking", &slack(other), other).await;
    assert_eq!(answer.text(), "taken");
}

#[tokio::test]
async fn an_hmac_is_computed_of_nothing_that_could_be_an_event() {
    use base64::Engine as _;
    let (target, gateway) = stage().await;
    let answer = ask(&gateway, "GET /hooks/computing?crc_token=Nz-Ew_YWYzZ.m", "", "").await;
    let made = base64::engine::general_purpose::STANDARD.encode(mac("Nz-Ew_YWYzZ.m"));
    let body = format!(r#"{{"response_token":"sha256={made}"}}"#);
    assert_answered(&answer, &body, "application/json");
    let long = "a".repeat(65);
    for bad in ["", "%7B%22event%22%3A1%7D", "a%20b", "a%0Ab", "%22", &long] {
        let line = format!("GET /hooks/computing?crc_token={bad}");
        let answer = ask(&gateway, &line, "", "").await;
        assert_eq!(answer.status, 401, "{bad}");
    }
    assert_eq!(target.links(), 0);
}

#[tokio::test]
async fn handshakes_are_counted_as_such() {
    let (_target, gateway) = stage().await;
    let line = format!(
        "GET /hooks/echoing?hub.mode=subscribe&hub.challenge=1&hub.verify_token={VERIFY_TOKEN}"
    );
    ask(&gateway, &line, "", "").await;
    let metrics = gateway.admin("/metrics").await.text();
    let counted = r#"attache_webhook_verdicts_total{connection="echoing",verdict="handshake"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
}
