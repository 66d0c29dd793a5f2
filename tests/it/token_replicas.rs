//! P8: very many requests at the same time on a token that has ended cost one token request, in one process and in
//! three, and each is answered. A thousand each time; ten thousand with `ATTACHE_TEST_LONG`.
use crate::support::CALLER_KEY;
use crate::support::Database;
use crate::support::Http2Link;
use crate::support::Operator;
use crate::support::Process;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Rotating;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::http2;
use crate::support::soon;
use attache::app::now;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Requests on one link: several, since file descriptors may be few.
const OF_LINK: u32 = 20;

/// An indexed field, `:status: 200` (RFC 7541 §6.1, appendix A).
const STATUS_200: u8 = 0x88;

fn size() -> u32 {
    if std::env::var_os("ATTACHE_TEST_LONG").is_some() { 10_000 } else { 1_000 }
}

/// An embedded connection, before an upstream that takes all of these requests in its time.
async fn set_up(operator: &Operator, upstream: &RawUpstream, provider: &Provider) {
    let oauth2 =
        json!({ "grant": "refresh_token", "token_url": format!("{}/token", provider.url()) });
    let connector = json!({
        "base_url": upstream.url(), "auth": { "m": { "oauth2": oauth2 } },
        "upstream": { "links": { "max": 256, "queue": 20_000, "wait": "30s" } },
    });
    operator.put("/v1/connectors/api", connector).await.is(201);
    let connection = json!({
        "connector": "api", "auth": "m", "embedded": true,
        "credentials": { "client_id": "app", "client_secret": "hush-hush" },
    });
    operator.put("/v1/connections/crm", connection).await.is(201);
    let credentials = json!({ "credentials": { "refresh_token": "acme-0" } });
    operator.put("/v1/connections/crm/activations/acme", credentials).await.is(201);
}

/// So many requests on one link, at once: how many were answered 200.
async fn ask_on_a_link(proxy: SocketAddr) -> u32 {
    let mut link = Http2Link::connect(proxy).await;
    let fields = [
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "gateway"),
        (":path", "/c/crm@acme/a"),
        ("attache-key", CALLER_KEY),
    ];
    let requests = (0..OF_LINK).map(|it| http2::headers(2 * it + 1, &fields, true));
    link.send(requests.collect::<Vec<_>>().concat()).await;
    let (mut good, mut ended) = (0, 0);
    while ended < OF_LINK {
        let frame = link.next().await.expect("the link stays until all are answered");
        assert_ne!(frame.kind, http2::RST_STREAM, "{frame:?}");
        good +=
            u32::from(frame.kind == http2::HEADERS && frame.payload.first() == Some(&STATUS_200));
        ended += u32::from(frame.is_end());
    }
    good
}

/// Asks these processes for all of it at once, when their token has ended, and lets the provider answer when all are
/// there.
async fn one_message(database: &Database, processes: &[Process]) {
    let (upstream, count) = (RawUpstream::start([Script::ok("hi")]).await, size());
    let provider = Provider::rotating(Rotating::living(2)).await;
    set_up(&processes[0].operator(), &upstream, &provider).await;
    for process in processes {
        let serves = async {
            while process.ask("/c/crm@nobody/a").await.error() != "activation_not_found" {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        soon("each replica to know the connection", serves).await;
    }
    assert_eq!(processes[0].ask("/c/crm@acme/a").await.status, 200);
    assert_eq!(upstream.request().await.field("authorization"), Some("Bearer a-acme-1"));
    assert_eq!(provider.asked().len(), 1);
    provider.families().lives(3600);
    let gate = Arc::new(Notify::new());
    provider.families().holds(&gate);
    let ends_at = database.number("SELECT expires_at FROM grants").await;
    soon("the token to end", async {
        while i64::try_from(now().as_ms()).expect("a time of ours") <= ends_at {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;

    let began = Instant::now();
    let mut asking = JoinSet::new();
    for link in 0..count / OF_LINK {
        let proxy = processes[link as usize % processes.len()].proxy;
        asking.spawn(ask_on_a_link(proxy));
    }
    soon("all requests to be there", async {
        loop {
            let mut waiting = 0.0;
            for process in processes {
                waiting += process.metric("attache_requests_in_flight").await;
            }
            if waiting >= f64::from(count) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let there = began.elapsed();
    provider.was_asked(2).await;
    gate.notify_one();
    let good: u32 = asking.join_all().await.into_iter().sum();
    assert_eq!(good, count, "each is answered by the upstream");
    eprintln!(
        "{count} requests at {} processes: all there after {there:.1?}, all answered after {:.1?}",
        processes.len(),
        began.elapsed()
    );
    for _ in 0..count {
        assert_eq!(upstream.request().await.field("authorization"), Some("Bearer a-acme-2"));
    }
    assert_eq!(provider.asked().len(), 2, "one message for all of them");
    let families = provider.families();
    assert_eq!((families.renewed("acme"), families.reuses()), (2, 0));
}

each_engine! {
    async fn p8_requests_of_one_process_on_a_token_that_has_ended_cost_one_message(database: Database) {
        let process = Process::beside(&database, "egress: { allow: [127.0.0.0/8] }\n").await;
        one_message(&database, &[process]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p8_requests_of_three_replicas_on_a_token_that_has_ended_cost_one_message() {
    let Some(database) = Database::postgres().await else { return };
    let mut processes = Vec::new();
    for _ in 0..3 {
        processes.push(Process::beside(&database, "egress: { allow: [127.0.0.0/8] }\n").await);
    }
    one_message(&database, &processes).await;
}
