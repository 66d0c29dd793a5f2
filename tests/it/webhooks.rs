//! Webhooks in, over real sockets: verified bytes arrive as they were sent, nothing else arrives.
use crate::support::Gateway;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Script;
use crate::support::raw_request;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use std::sync::Arc;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;
use tokio::sync::Notify;

fn configuration(target: &str) -> String {
    format!(
        r#"
egress: {{ allow: [127.0.0.0/8] }}
connectors:
  api:
    base_url: https://api.example.com
    upstream: {{ timeouts: {{ connect: 1s, tls: 1s, first_byte: 1s, idle: 1s }} }}
    auth:
      token: {{ bearer: {{}} }}
      github: {{ hmac: {{ preset: github }} }}
      stripe: {{ hmac: {{ preset: stripe }} }}
      square: {{ hmac: {{ preset: square }} }}
      forbidding: {{ hmac: {{ preset: github, failure_status: 403 }} }}
      repeating: {{ hmac: {{ preset: github, replay: off }} }}
connections:
  outbound: {{ connector: api, auth: token, credentials: {{ token: t0ken }} }}
  hooks: {{ connector: api, auth: github, base_url: {target}/in, credentials: {{ secret: s3cret-new }} }}
  rotating: {{ connector: api, auth: github, base_url: {target}/in, credentials: {{ secret: [s3cret-new, s3cret-old] }} }}
  clocked: {{ connector: api, auth: stripe, base_url: {target}/in, credentials: {{ secret: s3cret-new }} }}
  urls: {{ connector: api, auth: square, base_url: {target}/in, credentials: {{ secret: s3cret-new }} }}
  forbidding: {{ connector: api, auth: forbidding, base_url: {target}/in, credentials: {{ secret: s3cret-new }} }}
  repeating: {{ connector: api, auth: repeating, base_url: {target}/in, credentials: {{ secret: s3cret-new }} }}
  off: {{ connector: api, auth: github, base_url: {target}/in, credentials: {{ secret: s3cret-new }}, enabled: false }}
  guarded: {{ connector: api, auth: github, base_url: "http://169.254.169.254/in", credentials: {{ secret: s3cret-new }} }}
  each: {{ connector: api, auth: github, base_url: {target}/in, embedded: true }}
  none-yet: {{ connector: api, auth: github, base_url: {target}/in, embedded: true }}
activations:
  - {{ connection: each, tenant: acme, credentials: {{ secret: s3cret-of-acme }} }}
  - {{ connection: each, tenant: "Ümit, Co", credentials: {{ secret: s3cret-of-umit }} }}
"#
    )
}

fn gateway(target: &RawUpstream) -> Gateway {
    Gateway::start(&configuration(&target.url()))
}

fn mac(secret: &str, content: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("any key does");
    mac.update(content);
    mac.finalize().into_bytes().to_vec()
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs()
}

/// GitHub's fields for a body, as `secret` signs it.
fn github(secret: &str, id: &str, body: &[u8]) -> String {
    let signature = hex::encode(mac(secret, body));
    format!("X-Hub-Signature-256: sha256={signature}\r\nX-GitHub-Delivery: {id}\r\n")
}

fn stripe(secret: &str, at: u64, body: &str) -> String {
    let signature = hex::encode(mac(secret, format!("{at}.{body}").as_bytes()));
    format!("Stripe-Signature: t={at},v1={signature}\r\n")
}

fn post(target: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: hooks.example.com\r\n{fields}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

async fn deliver(gateway: &Gateway, target: &str, fields: &str, body: &[u8]) -> Response {
    raw_request(gateway.public, post(target, fields, body)).await
}

/// A delivery with a fresh id, signed with the connection's secret.
async fn good(gateway: &Gateway, id: &str) -> Response {
    let fields = github("s3cret-new", id, b"{}");
    deliver(gateway, "/hooks/hooks", &fields, b"{}").await
}

#[tokio::test]
async fn a_verified_delivery_arrives_byte_for_byte_and_says_so() {
    let target = RawUpstream::start([Script::answer(
        "HTTP/1.1 202 Accepted\r\nContent-Type: text/plain\r\nX-Target: 1\r\n\
         Attache-Error: forged\r\nContent-Length: 2\r\n\r\nok",
    )])
    .await;
    let gateway = gateway(&target);
    let body = b"{\"zen\": \"\xc3\x9cn\\u00ef  \",\n\"n\":1.0}\r\n\x00\xff\xfe";
    let forged = "Attache-Webhook-Verified: true\r\nAttache-Webhook-Id: forged\r\n\
                  Attache-Webhook-Tenant: forged\r\nAttache_Webhook_Tenant: forged\r\n\
                  Attache-Request-Id: mine\r\nX-Forwarded-For: 10.0.0.1\r\n\
                  Connection: x-drop\r\nX-Drop: 1\r\nContent-Encoding: gzip\r\nX-Twice: 1\r\nX-Twice: 2\r\n";
    let fields = github("s3cret-new", "72d3162e", body) + forged;

    let answer = deliver(&gateway, "/hooks/hooks/a%2Fb//c?x=%20&y", &fields, body).await;

    assert_eq!((answer.status, answer.text().as_str()), (202, "ok"));
    assert_eq!(answer.field("content-type"), Some("text/plain"));
    assert_eq!(answer.field("x-target"), Some("1"));
    assert_eq!(answer.field("attache-error"), None);
    assert!(answer.field("attache-request-id").is_some_and(|it| it != "mine"));
    let received = target.request().await;
    assert_eq!(received.line(), "POST /in/a%2Fb//c?x=%20&y HTTP/1.1");
    assert_eq!(received.body, body);
    assert_eq!(received.field("attache-webhook-verified"), Some("true"));
    assert_eq!(received.field("attache-webhook-connection"), Some("hooks"));
    assert_eq!(received.field("attache-webhook-id"), Some("72d3162e"));
    assert_eq!(received.field("content-encoding"), Some("gzip"));
    assert_eq!(received.head.all("x-twice"), ["1", "2"]);
    assert_eq!(received.field("host"), Some(target.url().trim_start_matches("http://")));
    for gone in [
        "attache-webhook-tenant",
        "attache_webhook_tenant",
        "attache-request-id",
        "x-forwarded-for",
        "x-drop",
    ] {
        assert_eq!(received.field(gone), None, "{gone}");
    }
}

#[tokio::test]
async fn the_targets_status_goes_back_whatever_it_is() {
    for status in [200, 204, 301, 404, 410, 429, 500, 503] {
        let length = if status == 204 { "" } else { "Content-Length: 0\r\n" };
        let answer = format!("HTTP/1.1 {status} Said\r\n{length}\r\n");
        let target = RawUpstream::start([Script::answer(answer)]).await;
        let gateway = gateway(&target);
        let answer = good(&gateway, "1").await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.field("attache-error"), None, "{status} is the target's own");
    }
}

#[tokio::test]
async fn what_is_not_verified_is_not_forwarded_and_told_no_more_than_a_code() {
    let target = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = gateway(&target);
    let body = r#"{"id":"evt_1"}"#;
    let now = now_s();
    let hub = |secret: &str| github(secret, "1", body.as_bytes());
    let hooks = "/hooks/hooks";
    let clocked = "/hooks/clocked";
    let text = hub("s3cret-new");
    for (row, code, target, fields) in [
        ("no signature", "webhook_unsigned", hooks, String::new()),
        ("GitHub's old header", "webhook_unsigned", hooks, "X-Hub-Signature: sha1=00\r\n".into()),
        ("another secret", "webhook_bad_signature", hooks, hub("s3cret-old")),
        ("an empty secret", "webhook_bad_signature", hooks, hub("")),
        ("upper case", "webhook_bad_signature", hooks, text.to_uppercase()),
        ("twice", "webhook_bad_signature", hooks, format!("{text}{text}")),
        ("an hour old", "webhook_stale", clocked, stripe("s3cret-new", now - 3600, body)),
        ("an hour ahead", "webhook_stale", clocked, stripe("s3cret-new", now + 3600, body)),
        (
            "no clock",
            "webhook_unsigned",
            clocked,
            format!("Stripe-Signature: v1={}\r\n", "0".repeat(64)),
        ),
        (
            "a tenant's, to another",
            "webhook_bad_signature",
            "/hooks/each@acme",
            hub("s3cret-of-umit"),
        ),
        (
            "the connection's, to a tenant",
            "webhook_bad_signature",
            "/hooks/each@acme",
            hub("s3cret-new"),
        ),
    ] {
        let answer = deliver(&gateway, target, &fields, body.as_bytes()).await;
        assert_eq!((answer.status, answer.code().as_deref()), (401, Some(code)), "{row}");
        let problem: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!((&problem["title"], &problem["detail"]), (&code.into(), &code.into()), "{row}");
    }
    let answer = deliver(&gateway, "/hooks/forbidding", "", b"{}").await;
    assert_eq!((answer.status, answer.code().as_deref()), (403, Some("webhook_unsigned")));
    for changed in [&b"{ }"[..], b"{}\n", b"", b"\xef\xbb\xbf{}"] {
        let fields = github("s3cret-new", "1", b"{}");
        let answer = deliver(&gateway, hooks, &fields, changed).await;
        assert_eq!(answer.code().as_deref(), Some("webhook_bad_signature"), "{changed:?}");
    }
    assert_eq!(target.links(), 0);
}

#[tokio::test]
async fn what_can_not_be_received_has_its_code_and_reaches_nobody() {
    let target = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = gateway(&target);
    let signed = github("s3cret-new", "1", b"{}");
    for (code, status, request) in [
        ("not_found", 404, "POST / HTTP/1.1"),
        ("not_found", 404, "POST /hook/hooks HTTP/1.1"),
        ("connection_not_found", 404, "POST /hooks/unknown HTTP/1.1"),
        ("connection_not_found", 404, "POST /hooks/outbound HTTP/1.1"),
        ("connection_not_found", 404, "POST /hooks/HOOKS HTTP/1.1"),
        ("connection_disabled", 403, "POST /hooks/off HTTP/1.1"),
        ("tenant_required", 400, "POST /hooks/each HTTP/1.1"),
        ("activation_not_found", 404, "POST /hooks/each@nobody HTTP/1.1"),
        ("activation_not_found", 404, "POST /hooks/hooks@acme HTTP/1.1"),
        ("embedded_not_activated", 409, "POST /hooks/none-yet@acme HTTP/1.1"),
        ("path_escapes_base", 400, "POST /hooks/hooks/../../x HTTP/1.1"),
        ("path_escapes_base", 400, "POST /hooks/hooks/%2e%2e/x HTTP/1.1"),
        ("method_not_allowed", 405, "GET /hooks/hooks HTTP/1.1"),
        ("method_not_allowed", 405, "PUT /hooks/hooks HTTP/1.1"),
        ("method_not_allowed", 405, "DELETE /hooks/unknown HTTP/1.1"),
        ("method_not_allowed", 405, "OPTIONS /hooks/hooks HTTP/1.1"),
    ] {
        let answer = raw_request(
            gateway.public,
            format!("{request}\r\nHost: a\r\n{signed}Content-Length: 2\r\n\r\n{{}}"),
        )
        .await;
        assert_eq!((answer.status, answer.code().as_deref()), (status, Some(code)), "{request}");
        let allow = answer.field("allow");
        assert_eq!(allow, (status == 405).then_some("POST"), "{request}");
    }
    let head = "HEAD /hooks/hooks HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(raw_request(gateway.public, head).await.status, 405);
    let two_lengths = format!("Transfer-Encoding: chunked\r\n{signed}");
    let answer = raw_request(gateway.public, post("/hooks/hooks", &two_lengths, b"{}")).await;
    assert_eq!(answer.status, 400, "a length that can be read in two ways");
    let two_hosts = post("/hooks/hooks", &format!("Host: b\r\n{signed}"), b"{}");
    let answer = raw_request(gateway.public, two_hosts).await;
    assert_eq!(answer.code().as_deref(), Some("bad_request"));
    assert_eq!(target.links(), 0);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_and_while_it_is_read() {
    let target = RawUpstream::start([Script::ok("ok")]).await;
    let server = r#"
log: { format: json, access: "ACCESS" }
server:
  proxy: { listen: "127.0.0.1:0", workers: 1 }
  admin: { listen: "127.0.0.1:0", token: the-operator-s-token-0123 }
  public: { listen: "127.0.0.1:0", max_body: 1KiB }
  shutdown: { ready_delay: 0s, drain: 5s }
"#;
    let gateway = Gateway::try_start(&configuration(&target.url()), server).expect("it starts");
    let most = vec![b'x'; 1024];
    let fields = github("s3cret-new", "1", &most);
    assert_eq!(deliver(&gateway, "/hooks/hooks", &fields, &most).await.status, 200);

    let over = vec![b'x'; 1025];
    let fields = github("s3cret-new", "2", &over);
    let answer = deliver(&gateway, "/hooks/hooks", &fields, &over).await;
    assert_eq!((answer.status, answer.code().as_deref()), (413, Some("body_too_large")));
    // Announced, and never sent.
    let announced = format!(
        "POST /hooks/hooks HTTP/1.1\r\nHost: a\r\n{fields}Content-Length: 1073741824\r\n\r\n"
    );
    let answer = raw_request(gateway.public, announced).await;
    assert_eq!(answer.code().as_deref(), Some("body_too_large"));
    // Not announced.
    let mut client = RawClient::connect(gateway.public).await;
    let head = "POST /hooks/hooks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n";
    client.send(format!("{head}{fields}\r\n")).await;
    let chunk = [&b"200\r\n"[..], &[b'x'; 512], b"\r\n"].concat();
    for _ in 0..3 {
        client.try_send(&chunk).await;
    }
    let answer = client.response().await.expect("an answer");
    assert_eq!(answer.code().as_deref(), Some("body_too_large"));

    target.request().await;
    assert!(target.request_so_far().await.is_none(), "only the one within the limit arrived");
}

#[tokio::test]
async fn a_body_in_pieces_is_one_body_and_one_that_breaks_off_is_none() {
    let target = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = gateway(&target);
    let fields = github("s3cret-new", "1", b"hello, world");
    let head = "POST /hooks/hooks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n";
    let mut client = RawClient::connect(gateway.public).await;
    client.send(format!("{head}{fields}\r\n5\r\nhello\r\n")).await;
    client.send("7;x=y\r\n, world\r\n0\r\nX-Trailer: 1\r\n\r\n").await;
    assert_eq!(client.response().await.expect("an answer").status, 200);
    let received = target.request().await;
    assert_eq!(
        (received.body.as_slice(), received.field("content-length")),
        (&b"hello, world"[..], Some("12"))
    );
    assert!(received.trailers.is_empty());

    let mut client = RawClient::connect(gateway.public).await;
    let fields = github("s3cret-new", "2", b"hello");
    client
        .send(format!(
            "POST /hooks/hooks HTTP/1.1\r\nHost: a\r\n{fields}Content-Length: 10\r\n\r\nhello"
        ))
        .await;
    client.finish().await;
    client.rest().await;
    assert!(target.request_so_far().await.is_none());
}

#[tokio::test]
async fn a_repeat_of_an_accepted_delivery_is_200_and_not_forwarded() {
    let target = RawUpstream::start([Script::ok("taken")]).await;
    let gateway = gateway(&target);
    assert_eq!(good(&gateway, "1").await.text(), "taken");
    let repeat = good(&gateway, "1").await;
    assert_eq!((repeat.status, repeat.text().as_str(), repeat.code()), (200, "", None));
    assert_eq!(good(&gateway, "2").await.text(), "taken", "another id");

    let now = now_s();
    let body = r#"{"id":"evt_1"}"#;
    for at in [now, now - 1] {
        // Sent again under the same id with a new clock and signature.
        let fields = stripe("s3cret-new", at, body);
        assert_eq!(deliver(&gateway, "/hooks/clocked", &fields, body.as_bytes()).await.status, 200);
    }
    // Another path below the connection is no other delivery, another tenant is.
    let fields = github("s3cret-new", "1", b"{}");
    assert_eq!(deliver(&gateway, "/hooks/hooks/x", &fields, b"{}").await.text(), "");
    let fields = github("s3cret-of-acme", "1", b"{}");
    assert_eq!(deliver(&gateway, "/hooks/each@acme", &fields, b"{}").await.text(), "taken");
    let fields = github("s3cret-of-umit", "1", b"{}");
    let answer = deliver(&gateway, "/hooks/each@%C3%9Cmit%2C%20Co", &fields, b"{}").await;
    assert_eq!(answer.text(), "taken");
    for _ in 0..2 {
        let fields = github("s3cret-new", "1", b"{}");
        let answer = deliver(&gateway, "/hooks/repeating", &fields, b"{}").await;
        assert_eq!(answer.text(), "taken", "`replay: off`");
    }

    let mut forwarded = Vec::new();
    while let Some(received) = target.request_so_far().await {
        let tenant = received.field("attache-webhook-tenant").unwrap_or("-").to_owned();
        forwarded.push(format!(
            "{} {tenant}",
            received.field("attache-webhook-connection").unwrap_or_default()
        ));
    }
    assert_eq!(
        forwarded,
        [
            "hooks -",
            "hooks -",
            "clocked -",
            "each acme",
            "each %C3%9Cmit%2C%20Co",
            "repeating -",
            "repeating -"
        ]
    );
}

#[tokio::test]
async fn a_first_that_failed_leaves_the_sender_free_to_try_again() {
    let target = RawUpstream::start([
        Script::new().read_request().write("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"),
        Script::new().read_request().reset(),
        Script::ok("taken"),
    ])
    .await;
    let gateway = gateway(&target);
    assert_eq!(good(&gateway, "1").await.status, 500);
    assert_eq!(good(&gateway, "1").await.code().as_deref(), Some("webhook_undeliverable"));
    assert_eq!(good(&gateway, "1").await.text(), "taken");
    assert_eq!(good(&gateway, "1").await.text(), "");
    assert_eq!(target.links(), 3);
}

#[tokio::test]
async fn while_the_first_is_under_way_a_repeat_is_told_to_come_again() {
    let gate = Arc::new(Notify::new());
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntaken";
    let target = RawUpstream::start([Script::new().read_request().wait(&gate).write(ok)]).await;
    let gateway = gateway(&target);
    let delivery = post("/hooks/hooks", &github("s3cret-new", "1", b"{}"), b"{}");
    let mut first = RawClient::connect(gateway.public).await;
    first.send(&delivery).await;
    target.request().await;

    let second = raw_request(gateway.public, &delivery).await;
    assert_eq!((second.status, second.code().as_deref()), (503, Some("webhook_in_flight")));
    assert!(second.field("retry-after").is_some_and(|it| it.parse::<u64>().is_ok()));

    gate.notify_one();
    assert_eq!(first.response().await.expect("an answer").text(), "taken");
    assert_eq!(raw_request(gateway.public, &delivery).await.text(), "");
    assert_eq!(target.links(), 1);
}

#[tokio::test]
async fn a_sender_that_hangs_up_does_not_undo_a_delivery_that_is_under_way() {
    let gate = Arc::new(Notify::new());
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let target = RawUpstream::start([
        Script::new().read_request().wait(&gate).write(ok),
        Script::ok("forwarded twice"),
    ])
    .await;
    let gateway = gateway(&target);
    let delivery = post("/hooks/hooks", &github("s3cret-new", "1", b"{}"), b"{}");
    let mut first = RawClient::connect(gateway.public).await;
    first.send(&delivery).await;
    target.request().await;
    first.hang_up();
    gate.notify_one();
    target.ended(1).await;

    let mut answer = raw_request(gateway.public, &delivery).await;
    while answer.status == 503 {
        // The target has answered; attache is about to read it.
        tokio::task::yield_now().await;
        answer = raw_request(gateway.public, &delivery).await;
    }
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
    assert_eq!(target.links(), 1);
}

#[tokio::test]
async fn a_repeat_is_known_whichever_worker_it_reaches() {
    let target = RawUpstream::start([Script::ok("taken")]).await;
    let server = r#"
log: { format: json, access: "ACCESS" }
server:
  proxy: { listen: "127.0.0.1:0", workers: 2 }
  admin: { listen: "127.0.0.1:0", token: the-operator-s-token-0123 }
  public: { listen: "127.0.0.1:0" }
  shutdown: { ready_delay: 0s, drain: 5s }
"#;
    let gateway = Gateway::try_start(&configuration(&target.url()), server).expect("it starts");
    let mut taken = 0;
    for _ in 0..16 {
        // A link of its own each time, which the kernel gives to one of the workers.
        taken += usize::from(good(&gateway, "1").await.text() == "taken");
    }
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn a_target_that_can_not_be_reached_is_told_apart_from_one_that_refuses() {
    let hangs = Script::new().read_request().read_to_end();
    let garbage = Script::new().read_request().write("garbage\r\n\r\n");
    for (row, script) in [
        ("closes at once", Script::new()),
        ("resets", Script::new().read_request().reset()),
        ("answers garbage", garbage),
        ("never answers", hangs),
        (
            "switches protocols",
            Script::new().read_request().write(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            ),
        ),
    ] {
        let target = RawUpstream::start([script]).await;
        let gateway = gateway(&target);
        let answer = good(&gateway, "1").await;
        let told = (answer.status, answer.code());
        assert_eq!(told, (502, Some("webhook_undeliverable".into())), "{row}");
        assert!(!answer.text().contains("127.0.0.1"), "{row}");
    }
    let nobody = RawUpstream::start([Script::new()]).await;
    let url = nobody.url();
    drop(nobody);
    let gateway = Gateway::start(&configuration(&url));
    assert_eq!(good(&gateway, "1").await.code().as_deref(), Some("webhook_undeliverable"));
    let fields = github("s3cret-new", "1", b"{}");
    let answer = deliver(&gateway, "/hooks/guarded", &fields, b"{}").await;
    assert_eq!(answer.code().as_deref(), Some("webhook_undeliverable"));
    let metrics = gateway.admin("/metrics").await.text();
    assert!(metrics.contains("attache_egress_refused_total"), "{metrics}");
}

#[tokio::test]
async fn the_signed_url_is_the_configured_one_with_the_request_lines_path_and_query() {
    use base64::Engine;
    let target = RawUpstream::start([Script::ok("ok")]).await;
    let server = r#"
log: { format: json, access: "ACCESS" }
server:
  proxy: { listen: "127.0.0.1:0", workers: 1 }
  admin: { listen: "127.0.0.1:0", token: the-operator-s-token-0123 }
  public: { listen: "127.0.0.1:0", url: "https://hooks.example.com" }
  shutdown: { ready_delay: 0s, drain: 5s }
"#;
    let configured = Gateway::try_start(&configuration(&target.url()), server).expect("it starts");
    let bare = gateway(&target);
    let path = "/hooks/urls/a%2Fb?x=%20";
    let mut body = 0;
    for (row, gateway, url, verified) in [
        ("configured", &configured, "https://hooks.example.com", true),
        ("Host, though another is configured", &configured, "http://hooks.example.com", false),
        ("Host, for want of another", &bare, "http://hooks.example.com", true),
        ("what a proxy in front claims", &bare, "https://hooks.example.com", false),
    ] {
        body += 1;
        let body = format!(r#"{{"event_id":"{body}"}}"#);
        let content = format!("{url}{path}{body}");
        let signature =
            base64::engine::general_purpose::STANDARD.encode(mac("s3cret-new", content.as_bytes()));
        let fields =
            format!("x-square-hmacsha256-signature: {signature}\r\nX-Forwarded-Proto: https\r\n");
        let answer = deliver(gateway, path, &fields, body.as_bytes()).await;
        assert_eq!(answer.status, if verified { 200 } else { 401 }, "{row}");
    }
}

#[tokio::test]
async fn while_secrets_rotate_both_verify_and_afterwards_the_new_one_alone() {
    let target = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = gateway(&target);
    let to = |secret: &'static str, id: &'static str| {
        let gateway = &gateway;
        async move {
            let fields = github(secret, id, b"{}");
            deliver(gateway, "/hooks/rotating", &fields, b"{}").await.status
        }
    };
    assert_eq!(to("s3cret-old", "1").await, 200);
    assert_eq!(to("s3cret-new", "2").await, 200);

    let file = gateway.served_file();
    let text = std::fs::read_to_string(&file).expect("the file is there");
    std::fs::write(&file, text.replace("[s3cret-new, s3cret-old]", "[s3cret-new]"))
        .expect("it takes text");
    gateway.app().reload();
    assert_eq!(to("s3cret-old", "3").await, 401);
    assert_eq!(to("s3cret-new", "4").await, 200);
}

#[tokio::test]
async fn each_delivery_is_logged_and_counted_without_its_secrets() {
    let target = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = gateway(&target);
    let fields = github("s3cret-of-acme", "id-of-the-delivery", b"{\"body\":\"s3cret-body\"}");
    let signed = fields.split("sha256=").nth(1).and_then(|it| it.get(..64)).expect("64 digits");
    let target = "/hooks/each@acme/x?token=s3cret-query";
    let good = deliver(&gateway, target, &fields, b"{\"body\":\"s3cret-body\"}").await;
    assert_eq!(good.status, 200);
    deliver(&gateway, "/hooks/hooks", "", b"{}").await;
    deliver(&gateway, "/hooks/unknown", "", b"{}").await;

    let metrics = gateway.admin("/metrics").await.text();
    for line in [
        r#"attache_webhook_verdicts_total{connection="each",verdict="delivered"} 1"#,
        r#"attache_webhook_verdicts_total{connection="hooks",verdict="missing"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    assert!(!metrics.contains("connection=\"unknown"), "no label is the sender's to choose");
    let log = gateway.stop();
    assert_eq!(log.len(), 3);
    assert_eq!((&log[0]["connection"], &log[0]["tenant"]), (&"each".into(), &"acme".into()));
    assert_eq!((&log[0]["status"], &log[0]["upstream_status"]), (&200.into(), &200.into()));
    assert_eq!(log[0]["path"], "/hooks/each@acme/x");
    assert_eq!((&log[0]["bytes_in"], &log[0]["bytes_out"]), (&22.into(), &2.into()));
    assert_eq!(
        (&log[1]["status"], &log[1]["error_code"]),
        (&401.into(), &"webhook_unsigned".into())
    );
    assert_eq!(log[2]["error_code"], "connection_not_found");
    let all = format!("{log:?}{metrics}");
    for secret in ["s3cret", signed] {
        assert!(!all.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn one_link_carries_many_deliveries() {
    let target = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = gateway(&target);
    let mut client = RawClient::connect(gateway.public).await;
    for id in 0..20 {
        let fields = github("s3cret-new", &id.to_string(), b"{}");
        client.send(post("/hooks/hooks", &fields, b"{}")).await;
        assert_eq!(client.response().await.expect("an answer").status, 200, "{id}");
    }
}
