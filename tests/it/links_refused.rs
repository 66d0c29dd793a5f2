//! Client links that a listener ends by itself: each is counted under the listener and the reason.
use crate::support::ADMIN_TOKEN;
use crate::support::Gateway;
use crate::support::Http2Link;
use crate::support::RawClient;
use crate::support::http2::PING;
use crate::support::http2::data;
use crate::support::http2::frame;
use crate::support::soon;
use std::fs;
use std::net::SocketAddr;
use tempfile::TempDir;

const REQUEST: &str = "GET /x HTTP/1.1\r\nHost: g\r\n\r\n";

/// Three listeners with these settings each, besides their address; one worker.
fn gateway(proxy: &str, admin: &str, public: &str) -> Gateway {
    gateway_of(1, proxy, admin, public)
}

fn gateway_of(workers: usize, proxy: &str, admin: &str, public: &str) -> Gateway {
    let server = format!(
        r#"
log: {{ format: json, access: ACCESS }}
server:
  proxy: {{ listen: "127.0.0.1:0", workers: {workers}, {proxy} }}
  admin: {{ listen: "127.0.0.1:0", token: {ADMIN_TOKEN}, {admin} }}
  public: {{ listen: "127.0.0.1:0", {public} }}
  shutdown: {{ ready_delay: 0s, drain: 0s }}
"#
    );
    Gateway::try_start(&Gateway::usual("http://127.0.0.1:1"), &server).expect("it starts")
}

/// Waits until so many links are counted: a link's end may be seen a moment before its count.
async fn counted(gateway: &Gateway, listener: &str, reason: &str, count: f64) {
    let labels = [&*format!("listener=\"{listener}\""), &*format!("reason=\"{reason}\"")];
    let counted = async {
        while gateway.metric("attache_links_refused_total", &labels).await < count {
            tokio::task::yield_now().await;
        }
    };
    soon(&format!("{count} {reason} of {listener}"), counted).await;
}

/// Sends this on a fresh link and reads to its end; the status of what was answered.
async fn ended(to: SocketAddr, bytes: impl AsRef<[u8]>) -> Option<u16> {
    let mut link = RawClient::connect(to).await;
    link.try_send(bytes).await;
    let answer = link.response().await;
    link.rest().await;
    answer.map(|it| it.status)
}

#[tokio::test]
async fn links_that_take_too_long_are_counted() {
    let longer = "limits: { head_timeout: 300ms, idle_timeout: 700ms }";
    let gateway = gateway("limits: { head_timeout: 300ms, idle_timeout: 200ms }", "", longer);
    for (listener, to) in [("proxy", gateway.proxy), ("public", gateway.public)] {
        assert_eq!(ended(to, "").await, None);
        counted(&gateway, listener, "idle", 1.0).await;
        assert!(ended(to, REQUEST).await.is_some());
        counted(&gateway, listener, "idle", 2.0).await;
        assert_eq!(ended(to, "GET /x HTTP/1.1\r\nHost:").await, None);
        counted(&gateway, listener, "head_timeout", 1.0).await;
    }
    let mut link = Http2Link::connect(gateway.proxy).await;
    assert_eq!(link.ended().await, Some(0));
    counted(&gateway, "proxy", "idle", 3.0).await;
    // What ends as it should is no refusal.
    let mut link = RawClient::connect(gateway.proxy).await;
    link.send(REQUEST.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).await;
    assert!(link.response().await.is_some());
    link.rest().await;
    assert_eq!(gateway.metric("attache_links_refused_total", &[]).await, 7.0);
}

#[tokio::test]
async fn links_that_ask_for_too_much_or_for_nothing_that_is_http_are_counted() {
    let gateway = gateway("limits: { max_head: 8KiB }", "", "limits: { max_head: 8KiB }");
    let listeners =
        [("proxy", gateway.proxy), ("admin", gateway.admin), ("public", gateway.public)];
    for (listener, to) in listeners {
        let head = format!("GET /x HTTP/1.1\r\nHost: g\r\nX: {}\r\n\r\n", "x".repeat(100_000));
        assert!(matches!(ended(to, head).await, None | Some(431)));
        counted(&gateway, listener, "head_too_large", 1.0).await;
        assert_eq!(ended(to, "what is this\r\n\r\n").await, Some(400));
        counted(&gateway, listener, "malformed", 1.0).await;
    }
    let mut link = Http2Link::connect(gateway.proxy).await;
    link.send(data(0, "x", false)).await;
    assert!(link.ended().await.is_some_and(|it| it != 0));
    counted(&gateway, "proxy", "malformed", 2.0).await;
    let mut link = Http2Link::connect(gateway.proxy).await;
    link.flood(&frame(PING, 0, 0, [0; 8]), 100_000).await;
    counted(&gateway, "proxy", "flood", 1.0).await;
    assert_eq!(gateway.metric("attache_links_refused_total", &[]).await, 8.0);
}

#[tokio::test]
async fn handshakes_that_fail_or_take_too_long_are_counted() {
    let folder = TempDir::new().expect("a folder for temporary files");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let write = |name, text: String| fs::write(folder.path().join(name), text);
    write("cert.pem", made.cert.pem()).expect("the folder takes files");
    write("key.pem", made.signing_key.serialize_pem()).expect("the folder takes files");
    let at = folder.path().display();
    let own = format!(
        "tls: {{ cert: {at}/cert.pem, key: {at}/key.pem }}, limits: {{ head_timeout: 300ms }}"
    );
    let gateway = gateway(&own, "", &own);
    for (listener, to) in [("proxy", gateway.proxy), ("public", gateway.public)] {
        RawClient::connect(to).await.hang_up();
        assert_eq!(ended(to, REQUEST).await, None);
        counted(&gateway, listener, "tls", 1.0).await;
        assert_eq!(ended(to, "").await, None);
        counted(&gateway, listener, "head_timeout", 1.0).await;
    }
    assert_eq!(gateway.metric("attache_links_refused_total", &[]).await, 4.0);
}

#[tokio::test]
async fn a_listener_with_as_many_links_as_it_may_have_counts_that_it_pauses() {
    let limits = "limits: { max_links: 2 }";
    let gateway = gateway(limits, "", limits);
    for (listener, to) in [("proxy", gateway.proxy), ("public", gateway.public)] {
        let mut links = Vec::new();
        for _ in 0..2 {
            let mut link = RawClient::connect(to).await;
            link.send(REQUEST).await;
            assert!(link.response().await.is_some());
            links.push(link);
        }
        counted(&gateway, listener, "too_many", 1.0).await;
        drop(links);
        assert!(
            ended(to, REQUEST.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).await.is_some()
        );
    }
}

#[tokio::test]
async fn a_worker_that_waited_for_links_takes_none_when_others_have_filled_the_listener() {
    let gateway = gateway_of(2, "limits: { max_links: 2 }", "", "");
    let mut served = Vec::new();
    for _ in 0..2 {
        let mut link = RawClient::connect(gateway.proxy).await;
        link.send(REQUEST).await;
        assert!(link.response().await.is_some());
        served.push(link);
    }
    // The kernel gives some of them to each worker.
    let mut waiting = Vec::new();
    for _ in 0..32 {
        waiting.push(RawClient::connect(gateway.proxy).await);
    }
    counted(&gateway, "proxy", "too_many", 2.0).await;
    // Both workers have been round since.
    for link in &mut served {
        link.send(REQUEST).await;
        assert!(link.response().await.is_some());
    }
    assert_eq!(gateway.metric("attache_links_open", &["listener=\"proxy\""]).await, 2.0);
    drop(served);
    for link in &mut waiting {
        link.send(REQUEST.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).await;
    }
    for link in &mut waiting {
        assert!(link.response().await.is_some(), "whoever waited is served");
    }
}
