//! Floods of webhooks, with the limits that come as defaults: whoever else is there is served as always.
use crate::support::Gateway;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::raw_request;
use crate::support::soon;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use std::collections::HashMap;
use std::net::SocketAddr;
use tokio::task::JoinSet;

/// Senders that are never done: half of them with their head, half with their body.
const TRICKLING: usize = 200;

const SMALL: usize = 800;

/// Requests and other deliveries meanwhile.
const BESIDE: usize = 25;
const LINKS: usize = 8;

/// 10 MB, less than what a webhook may have by default.
const LARGE: usize = 10_000_000;

/// One worker, so that whatever holds it up holds up everybody.
fn gateway(target: &RawUpstream, api: &RawUpstream) -> Gateway {
    let (target, api) = (target.url(), api.url());
    let configuration = format!(
        r#"
egress: {{ allow: [127.0.0.0/8] }}
connectors:
  hooks: {{ auth: {{ hooks: {{ hmac: {{ preset: github }} }} }} }}
  api: {{ base_url: "{api}", auth: {{ key: {{ api_key: {{ in: header, name: X-Api-Key }} }} }} }}
connections:
  flooded: {{ connector: hooks, auth: hooks, base_url: "{target}", credentials: {{ secret: s3cret }} }}
  other: {{ connector: hooks, auth: hooks, base_url: "{target}", credentials: {{ secret: s3cret }} }}
  api: {{ connector: api, auth: key, credentials: {{ key: s3cret-key }} }}
"#
    );
    let server = r#"
log: { format: json, access: "ACCESS" }
server:
  proxy: { listen: "127.0.0.1:0", workers: 1 }
  admin: { listen: "127.0.0.1:0", token: the-operator-s-token-0123 }
  public: { listen: "127.0.0.1:0", limits: { head_timeout: 1h } }
  shutdown: { ready_delay: 0s, drain: 5s }
"#;
    Gateway::try_start(&configuration, server).unwrap_or_else(|e| panic!("{e}: {e:?}"))
}

fn head(connection: &str, id: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"s3cret").expect("any key does");
    mac.update(body);
    let signature = hex::encode(mac.finalize().into_bytes());
    format!(
        "POST /hooks/{connection} HTTP/1.1\r\nHost: a\r\nX-Hub-Signature-256: sha256={signature}\r\n\
         X-GitHub-Delivery: {id}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
}

fn small(id: usize) -> Vec<u8> {
    format!(r#"{{"id":{id}}}"#).into_bytes()
}

/// Deliveries `first`, `first + LINKS`, ... on one link, each after the answer to the one before.
async fn deliver_small(to: SocketAddr, first: usize) {
    let mut link = RawClient::connect(to).await;
    for id in (first..SMALL).step_by(LINKS) {
        let body = small(id);
        let head = head("flooded", &format!("small-{id}"), &body);
        link.send([head.as_bytes(), &body].concat()).await;
        let answer = link.response().await.expect("an answer");
        assert_eq!((answer.status, answer.text().as_str()), (200, "taken"), "delivery {id}");
    }
}

/// Links that have begun and not ended: an unfinished head, or a whole head and one byte of its body.
async fn trickling(to: SocketAddr) -> Vec<RawClient> {
    let mut links = Vec::new();
    for number in 0..TRICKLING {
        let whole = head("flooded", &format!("trickle-{number}"), &[b'x'; 1024]);
        let mut link = RawClient::connect(to).await;
        let begun = if number % 2 == 0 { &whole[..40] } else { &(whole + "x") };
        link.send(begun).await;
        links.push(link);
    }
    links
}

/// Waits until bodies hold exactly this much.
async fn bodies_hold(gateway: &Gateway, bytes: usize) {
    let so_much = async {
        while gateway.metric("attache_bodies_held_bytes", &[]).await != bytes as f64 {
            tokio::task::yield_now().await;
        }
    };
    soon(&format!("bodies to hold {bytes} bytes"), so_much).await;
}

#[tokio::test]
async fn tricklers_a_large_delivery_and_thousands_of_small_ones_hold_up_nobody() {
    let (target, api) = (
        RawUpstream::start([Script::ok("taken")]).await,
        RawUpstream::start([Script::ok("api")]).await,
    );
    let gateway = gateway(&target, &api);

    // Held open all the while: what trickles, and a large one in the middle of its body.
    let mut tricklers = trickling(gateway.public).await;
    let trickled = TRICKLING / 2;
    bodies_hold(&gateway, trickled).await;
    let body: Vec<u8> = (0..LARGE).map(|it| (it % 251) as u8).collect();
    let mut large = RawClient::connect(gateway.public).await;
    large.send(head("flooded", "large", &body)).await;
    large.send(&body[..LARGE / 2]).await;
    bodies_hold(&gateway, trickled + LARGE / 2).await;

    let mut flood = JoinSet::new();
    for first in 0..LINKS {
        flood.spawn(deliver_small(gateway.public, first));
    }
    for number in 0..BESIDE {
        let answer = gateway.get(&format!("/{number}"), "Attache-Connection: api\r\n").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "api"));
        let asked = api.request().await;
        assert_eq!(asked.line(), format!("GET /{number} HTTP/1.1"));
        assert_eq!(asked.field("x-api-key"), Some("s3cret-key"));
        let request = head("other", &format!("other-{number}"), b"{}") + "{}";
        assert_eq!(raw_request(gateway.public, request).await.text(), "taken");
        for trickler in
            &mut tricklers[number * TRICKLING / BESIDE..(number + 1) * TRICKLING / BESIDE]
        {
            trickler.send(b"x").await;
        }
    }
    while let Some(link) = flood.join_next().await {
        link.expect("all of a link's deliveries are answered right");
    }

    bodies_hold(&gateway, 2 * trickled + LARGE / 2).await;
    large.send(&body[LARGE / 2..]).await;
    assert_eq!(large.response().await.expect("an answer").text(), "taken");
    bodies_hold(&gateway, 2 * trickled).await;
    let links = gateway.metric("attache_links_open", &["listener=\"public\""]).await;
    assert!(links >= TRICKLING as f64, "{links}: those that trickle are there still");
    drop((tricklers, large));
    bodies_hold(&gateway, 0).await;
    let all_gone = async {
        while gateway.metric("attache_links_open", &["listener=\"public\""]).await != 0.0 {
            tokio::task::yield_now().await;
        }
    };
    soon("the senders' links to be gone", all_gone).await;

    let mut arrived: HashMap<String, Vec<Vec<u8>>> = HashMap::new();
    while let Some(it) = target.request_so_far().await {
        let id = it.field("x-github-delivery").expect("every delivery has its id").to_owned();
        assert_eq!(it.field("attache-webhook-verified"), Some("true"), "{id}");
        arrived.entry(id).or_default().push(it.body);
    }
    assert_eq!(arrived.len(), SMALL + BESIDE + 1);
    assert!(arrived["large"] == [body], "the large one once, byte for byte");
    for id in 0..SMALL {
        assert_eq!(arrived[&format!("small-{id}")], [small(id)], "delivery {id}");
    }
    for number in 0..BESIDE {
        assert_eq!(arrived[&format!("other-{number}")], [b"{}"], "the other's delivery {number}");
    }
    let delivered =
        gateway.metric("attache_webhook_verdicts_total", &["verdict=\"delivered\""]).await;
    assert_eq!(delivered, (SMALL + BESIDE + 1) as f64);
    assert_eq!(gateway.metric("attache_limited_total", &[]).await, 0.0, "no limit was met");
}
