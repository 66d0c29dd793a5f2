//! One budget for all bodies that are held: a flood of them is answered, and others are served.
use crate::support::Gateway;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Script;
use crate::support::raw_request;
use crate::support::soon;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use tokio::task::JoinSet;

const SENDERS: usize = 200;
const BODY_LEN: usize = 64 << 10;

/// What bodies may hold: this many of those above, and not one more.
const HELD: usize = 64;

fn gateway(target: &RawUpstream) -> Gateway {
    let configuration = format!(
        "egress: {{ allow: [127.0.0.0/8] }}\n\
         connectors: {{ api: {{ auth: {{ hooks: {{ hmac: {{ preset: github }} }} }} }} }}\n\
         connections: {{ hooks: {{ connector: api, auth: hooks, base_url: \"{}\", credentials: {{ secret: s3cret }} }} }}\n",
        target.url()
    );
    let server = format!(
        r#"
log: {{ format: json, access: "ACCESS" }}
server:
  proxy: {{ listen: "127.0.0.1:0", workers: 2 }}
  admin: {{ listen: "127.0.0.1:0", token: the-operator-s-token-0123 }}
  public: {{ listen: "127.0.0.1:0", max_body: {BODY_LEN}B }}
  memory: {{ bodies: {}B }}
  shutdown: {{ ready_delay: 0s, drain: 5s }}
"#,
        HELD * BODY_LEN
    );
    Gateway::try_start(&configuration, &server).expect("it starts")
}

fn head(id: usize, body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"s3cret").expect("any key does");
    mac.update(body);
    let signature = hex::encode(mac.finalize().into_bytes());
    format!(
        "POST /hooks/hooks HTTP/1.1\r\nHost: a\r\nX-Hub-Signature-256: sha256={signature}\r\n\
         X-GitHub-Delivery: {id}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
}

fn assert_overloaded(answer: &Response) {
    assert_eq!((answer.status, answer.code().as_deref()), (503, Some("overloaded")), "{answer:?}");
    let retry_after: u64 = answer.field("retry-after").expect("when").parse().expect("seconds");
    assert!(retry_after >= 1);
}

#[tokio::test]
async fn a_flood_of_large_webhooks_is_answered_503_and_what_they_held_is_given_back() {
    let target = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = gateway(&target);
    let body = vec![b'x'; BODY_LEN];
    // Everything but the last byte: whoever got in holds on to it.
    let mut senders = JoinSet::new();
    for id in 0..SENDERS {
        let (to, head, body) = (gateway.public, head(id, &body), body.clone());
        senders.spawn(async move {
            let mut client = RawClient::connect(to).await;
            client.send(head).await;
            client.try_send(&body[..BODY_LEN - 1]).await;
            client.response().await
        });
    }
    for _ in 0..SENDERS - HELD {
        let refused = senders.join_next().await.expect("a sender").expect("it does not panic");
        assert_overloaded(&refused.expect("an answer"));
    }
    let limited = gateway.metric("attache_limited_total", &["limit=\"bodies\""]).await;
    assert!(limited >= (SENDERS - HELD) as f64, "{limited}");

    // The rest hang up, and all of it is free again.
    senders.shutdown().await;
    let all_given_back = async {
        while gateway.metric("attache_bodies_held_bytes", &[]).await > 0.0 {
            tokio::task::yield_now().await;
        }
    };
    soon("what was held to be given back", all_given_back).await;
    let request = [head(SENDERS, &body).as_bytes(), &body].concat();
    assert_eq!(raw_request(gateway.public, request).await.status, 200);
}

#[test]
fn a_budget_that_one_webhook_can_not_fit_in_is_refused() {
    let server = r#"
log: { format: json, access: "ACCESS" }
server:
  admin: { listen: "127.0.0.1:0", token: the-operator-s-token-0123 }
  public: { max_body: 8MiB }
  memory: { bodies: 4MiB }
"#;
    let Err(error) = Gateway::try_start("", server) else { panic!("it starts") };
    let said = format!("{error:?}");
    assert!(said.contains("server.memory.bodies") && said.contains("4MiB"), "{said}");
}
