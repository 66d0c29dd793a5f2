//! A configuration that changes while requests run: none of them fails for it.
use crate::support::Gateway;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::tagged;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

const REQUESTS: usize = 10_000;
const LINKS: usize = 64;

fn api(url: &str, token: &str) -> String {
    format!(
        "egress: {{ allow: [127.0.0.0/8] }}
connectors:
  api: {{ base_url: \"{url}\", auth: {{ m: {{ bearer: {{}} }} }} }}
connections:
  api: {{ connector: api, auth: m, credentials: {{ token: {token} }} }}
"
    )
}

/// Replaces the file as editors do: a new one, moved into its place.
fn replace(gateway: &Gateway, text: &str) {
    let partial = gateway.served_file().with_extension("partial");
    fs::write(&partial, text).expect("the folder can be written");
    fs::rename(&partial, gateway.served_file()).expect("the file can be replaced");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_the_configuration_is_replaced_again_and_again() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let url = upstream.url();
    let gateway = Arc::new(Gateway::start(&api(&url, "generation-0")));
    let left = Arc::new(AtomicUsize::new(REQUESTS));
    let proxy = gateway.proxy;
    let mut links = tokio::task::JoinSet::new();
    for _ in 0..LINKS {
        let left = Arc::clone(&left);
        links.spawn(async move {
            let mut client = RawClient::connect(proxy).await;
            let request = tagged("GET", "/a", "", "");
            let take_one = |it: usize| it.checked_sub(1);
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take_one).is_ok() {
                client.send(&request).await;
                let answer = client.response().await.expect("an answer");
                assert_eq!((answer.status, answer.text().as_str()), (200, "hi"), "{answer:?}");
            }
        });
    }
    let mut generation = 0;
    while left.load(Ordering::Relaxed) > 0 || generation < 3 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        generation += 1;
        replace(&gateway, &api(&url, &format!("generation-{generation}")));
    }
    while let Some(link) = links.join_next().await {
        link.expect("no request failed");
    }
    gateway.app().reload();
    assert_eq!(gateway.ask("/last").await.status, 200);
    let mut last = None;
    while let Some(request) = upstream.request_so_far().await {
        last = request.field("authorization").map(str::to_owned);
    }
    assert_eq!(last, Some(format!("Bearer generation-{generation}")));
}

#[tokio::test]
async fn a_broken_file_leaves_the_last_good_one_in_force_and_says_so() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let good = api(&upstream.url(), "first");
    let gateway = Gateway::start(&good);
    for broken in ["", "connectors: [", "connections: { api: { connector: gone, auth: m } }\n"] {
        replace(&gateway, broken);
        gateway.app().reload();
        assert_eq!(gateway.ask("/a").await.status, 200, "{broken:?}");
        let ready = gateway.admin("/readyz").await;
        assert_eq!(ready.status, 200, "it still takes work");
        assert!(ready.text().contains("served.yaml"), "{broken:?}: {}", ready.text());
        assert_eq!(gateway.metric("attache_reload_last_successful", &[]).await, 0.0);
    }
    replace(&gateway, &good.replace("first", "second"));
    gateway.app().reload();
    assert_eq!(gateway.metric("attache_reload_last_successful", &[]).await, 1.0);
    assert!(!gateway.admin("/readyz").await.text().contains("served.yaml"));
    gateway.ask("/b").await;
    let mut last = upstream.request().await;
    while let Some(next) = upstream.request_so_far().await {
        last = next;
    }
    assert_eq!(last.field("authorization"), Some("Bearer second"));
}
