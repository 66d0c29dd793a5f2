//! Repeats of deliveries, where there is a store: known after a restart, and to all replicas.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Process;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::SYSTEM;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::postgres::Server;
use crate::support::raw_request;
use crate::support::soon;
use attache::app::now;
use attache::model::EventType;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntaken";

fn configuration(target: &RawUpstream) -> String {
    format!(
        r#"
egress: {{ allow: [127.0.0.0/8] }}
connectors:
  api:
    base_url: https://api.example.com
    auth:
      github: {{ hmac: {{ preset: github }} }}
      repeating: {{ hmac: {{ preset: github, replay: off }} }}
connections:
  hooks: {{ connector: api, auth: github, base_url: {0}, credentials: {{ secret: s3cret }} }}
  repeating: {{ connector: api, auth: repeating, base_url: {0}, credentials: {{ secret: s3cret }} }}
"#,
        target.url()
    )
}

fn signed(connection: &str, id: &str, secret: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("any key does");
    mac.update(b"{}");
    let signature = hex::encode(mac.finalize().into_bytes());
    format!(
        "POST /hooks/{connection} HTTP/1.1\r\nHost: hooks.example.com\r\nX-GitHub-Delivery: {id}\r\n\
         X-Hub-Signature-256: sha256={signature}\r\nContent-Length: 2\r\n\r\n{{}}"
    )
}

async fn deliver(public: SocketAddr, id: &str) -> Response {
    raw_request(public, signed("hooks", id, "s3cret")).await
}

/// The status and the text of the answer: `taken` is the target's.
async fn answer(public: SocketAddr, id: &str) -> (u16, String) {
    let answer = deliver(public, id).await;
    (answer.status, answer.text())
}

fn taken() -> (u16, String) {
    (200, "taken".to_owned())
}

fn repeated() -> (u16, String) {
    (200, String::new())
}

/// How many requests have come so far.
async fn forwarded(target: &RawUpstream) -> usize {
    let mut count = 0;
    while target.request_so_far().await.is_some() {
        count += 1;
    }
    count
}

/// Waits until the store has so many rows that this is true of.
async fn stored(database: &Database, what: &str, count: i64) {
    let sql = format!("SELECT COUNT(*) FROM received WHERE {what}");
    let there = async {
        while database.number(&sql).await != count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon(&format!("{count} rows with {what}"), there).await;
}

each_engine! {
    async fn a_restart_forgets_nothing(database: Database) {
        let target = RawUpstream::start([Script::ok("taken")]).await;
        let gateway = Gateway::beside(&database, &configuration(&target));
        assert_eq!(answer(gateway.public, "1").await, taken());
        let unremembered = signed("repeating", "1", "s3cret");
        assert_eq!(raw_request(gateway.public, &unremembered).await.text(), "taken");
        assert_eq!(database.number("SELECT COUNT(*) FROM received").await, 1, "`replay: off`");
        gateway.stop();
        let gateway = Gateway::beside(&database, &configuration(&target));
        assert_eq!(answer(gateway.public, "1").await, repeated());
        assert_eq!(answer(gateway.public, "2").await, taken());
        assert_eq!(forwarded(&target).await, 3);
    }

    async fn killed_once_the_target_has_it_it_is_not_forwarded_again(database: Database) {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        let target = RawUpstream::start([
            Script::new().read_request().write(head).read_to_end(),
            Script::ok("forwarded twice"),
        ])
        .await;
        let mut first = Process::beside(&database, &configuration(&target)).await;
        let mut sender = RawClient::connect(first.public).await;
        sender.send(signed("hooks", "1", "s3cret")).await;
        stored(&database, "holder = ''", 1).await;
        first.signal(rustix::process::Signal::KILL);
        first.ended().await;
        let second = Process::beside(&database, &configuration(&target)).await;
        assert_eq!(answer(second.public, "1").await, repeated());
        assert_eq!(target.links(), 1);
    }

    async fn killed_before_its_target_answered_it_is_anybodys_when_the_lease_is_over(database: Database) {
        let target = RawUpstream::start([
            Script::new().read_request().read_to_end(),
            Script::ok("taken"),
        ])
        .await;
        let mut first = Process::beside(&database, &configuration(&target)).await;
        let mut sender = RawClient::connect(first.public).await;
        sender.send(signed("hooks", "1", "s3cret")).await;
        target.request().await;
        first.signal(rustix::process::Signal::KILL);
        first.ended().await;
        let second = Process::beside(&database, &configuration(&target)).await;
        assert_eq!(deliver(second.public, "1").await.error(), "webhook_in_flight");
        database.run("UPDATE received SET until = 5").await;
        assert_eq!(answer(second.public, "1").await, taken());
    }

    async fn the_lease_is_longer_than_forwarding_may_take(database: Database) {
        let gate = Arc::new(Notify::new());
        let slow = Script::new().read_request().wait(&gate).write(OK);
        let target = RawUpstream::start([slow]).await;
        let waits = "links: { max: 8, queue: 8, wait: 300s }";
        let timeouts = "timeouts: { connect: 1000s, tls: 2000s, first_byte: 3000s }";
        let upstream = format!("upstream: {{ {waits}, {timeouts} }}");
        let patient =
            configuration(&target).replace("hooks: {", &format!("hooks: {{ {upstream},"));
        let gateway = Gateway::beside(&database, &patient);
        let before = now().as_ms();
        let mut sender = RawClient::connect(gateway.public).await;
        sender.send(signed("hooks", "1", "s3cret")).await;
        target.request().await;
        let until = database.number("SELECT until FROM received WHERE holder <> ''").await;
        // One machine, one clock.
        let lease_ms = until - i64::try_from(before).expect("a time of today");
        let longest_ms = (300 + 1000 + 2000 + 3000) * 1000;
        assert!(lease_ms > longest_ms, "{lease_ms}");
        gate.notify_one();
        assert_eq!(sender.response().await.expect("an answer").text(), "taken");
    }

    async fn refused_deliveries_are_told_of_once_with_their_count(database: Database) {
        let target = RawUpstream::start([Script::ok("taken")]).await;
        let gateway = Gateway::beside(&database, &configuration(&target));
        for number in 0..20 {
            let forged = signed("hooks", &number.to_string(), "guessed");
            assert_eq!(raw_request(gateway.public, forged).await.status, 401);
            let nowhere = signed(&format!("guess-{number}"), "1", "guessed");
            assert_eq!(raw_request(gateway.public, nowhere).await.status, 404);
        }
        let store = database.open().await;
        let refused = [EventType::WebhookRefused];
        let told = async {
            loop {
                let (events, _) = store.events().after(SYSTEM, 0, &refused, 10).await.unwrap();
                if !events.is_empty() {
                    return events;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let events = soon("an event", told).await;
        let [event] = &*events else { panic!("one: {events:?}") };
        let data: serde_json::Value = serde_json::from_str(&event.data).unwrap();
        assert_eq!((&*event.connection, &data["reason"]), ("hooks", &"mismatch".into()));
        assert!((1..=20).contains(&data["count"].as_u64().unwrap()), "{data}");
        assert!(data["first_at"].as_str() <= data["last_at"].as_str(), "{data}");
        let told = database.number("SELECT COUNT(*) FROM webhook_refusals").await;
        assert_eq!(told, 1);
    }
}

/// Two replicas of one deployment.
async fn replicas(target: &RawUpstream) -> Option<(Database, [Gateway; 2])> {
    let database = Database::postgres().await?;
    let configuration = configuration(target);
    let both = [(); 2].map(|()| Gateway::beside(&database, &configuration));
    Some((database, both))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_replica_has_forwarded_the_other_does_not() {
    let gate = Arc::new(Notify::new());
    let target = RawUpstream::start([Script::new().read_request().wait(&gate).write(OK)]).await;
    let Some((_database, [one, other])) = replicas(&target).await else { return };
    let mut first = RawClient::connect(one.public).await;
    first.send(signed("hooks", "1", "s3cret")).await;
    target.request().await;
    let second = deliver(other.public, "1").await;
    assert_eq!((second.status, second.error()), (503, "webhook_in_flight"));
    assert!(second.field("retry-after").is_some());
    gate.notify_one();
    assert_eq!(first.response().await.expect("an answer").text(), "taken");
    for replica in [&other, &one, &other] {
        assert_eq!(answer(replica.public, "1").await, repeated());
    }
    assert_eq!(target.links(), 1);
    // Once told, it remembers by itself.
    for said in ["in_flight", "repeat"] {
        assert_eq!(other.metric("attache_webhook_replay_asks_total", &[said]).await, 1.0, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_target_did_not_take_may_be_tried_at_once_at_any_replica() {
    let failing = |status| format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
    let target = RawUpstream::start([
        Script::new().read_request().write(failing(500)),
        Script::new().read_request().reset(),
        Script::new().read_request().write(failing(429)),
        Script::ok("taken"),
    ])
    .await;
    let Some((_database, [one, other])) = replicas(&target).await else { return };
    assert_eq!(deliver(one.public, "1").await.status, 500);
    assert_eq!(deliver(other.public, "1").await.code().as_deref(), Some("webhook_undeliverable"));
    assert_eq!(deliver(one.public, "1").await.status, 429);
    assert_eq!(answer(other.public, "1").await, taken());
    assert_eq!(answer(one.public, "1").await, repeated());
    assert_eq!(target.links(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_at_once_at_two_replicas_one_reaches_the_target() {
    let target = RawUpstream::start([Script::ok("taken")]).await;
    let Some((_database, both)) = replicas(&target).await else { return };
    let mut all = JoinSet::new();
    for number in 0..200 {
        let public = both[number % 2].public;
        all.spawn(async move { answer(public, "1").await });
    }
    let answers = all.join_all().await;
    assert_eq!(answers.iter().filter(|it| **it == taken()).count(), 1);
    for it in answers {
        assert!(it == taken() || it == repeated() || it.0 == 503, "{it:?}");
    }
    assert_eq!(forwarded(&target).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_store_is_away_deliveries_go_on_and_what_was_accepted_is_written_later() {
    let Some(server) = Server::start() else { return };
    let database = Database::on(&server.url).await;
    let target = RawUpstream::start([Script::ok("taken")]).await;
    let gateway = Gateway::beside(&database, &configuration(&target));
    assert_eq!(answer(gateway.public, "before").await, taken());
    // First it hears and says nothing, then it is gone.
    server.pause();
    assert_eq!(answer(gateway.public, "silent").await, taken());
    assert_eq!(answer(gateway.public, "silent").await, repeated());
    server.go_on();
    server.crash();
    for id in ["gone", "gone, too"] {
        assert_eq!(answer(gateway.public, id).await, taken());
        assert_eq!(answer(gateway.public, id).await, repeated());
    }
    server.restart();
    stored(&database, "holder = ''", 4).await;
    assert_eq!(gateway.metric("attache_webhook_replay_writes_total", &["lost"]).await, 0.0);
    assert!(gateway.metric("attache_webhook_replay_asks_total", &["unanswered"]).await >= 2.0);
    let other = Gateway::beside(&database, &configuration(&target));
    for id in ["before", "silent", "gone", "gone, too"] {
        assert_eq!(answer(other.public, id).await, repeated(), "{id}");
    }
    assert_eq!(forwarded(&target).await, 4);
}
