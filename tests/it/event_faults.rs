//! Outages and faults while events are sent: what is lost by them is nothing, and whose fault it is.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Process;
use crate::support::RawUpstream;
use crate::support::Receiver;
use crate::support::SYSTEM;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::soon;
use attache::seal::Sealed;
use attache::store::Expect;
use attache::store::Place;
use attache::store::SubscriptionRow;
use attache::upstream::Resolver;
use serde_json::Value;
use serde_json::json;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Notify;

const PATH: &str = "/v1/event_subscriptions";

/// Loopback, and little patience.
const INSIDE: &str = "egress: { allow: [127.0.0.0/8] }
upstream: { timeouts: { connect: 1s, tls: 1s, first_byte: 1s }, links: { max: 1, wait: 10ms } }
";

/// Has this URL be told of tenants that are made.
async fn subscribe(operator: &Operator, key: &str, url: &str) {
    let new = json!({ "url": url, "types": ["tenant.created"] });
    operator.put(&format!("{PATH}/{key}"), new).await.is(201);
}

async fn tenant(operator: &Operator, key: &str) {
    operator.put(&format!("/v1/tenants/{key}"), json!({})).await.is(201);
}

/// Its deliveries as soon as they are so.
async fn deliveries(operator: &Operator, key: &str, are: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let asking = async {
        loop {
            let listed = operator.get(&format!("{PATH}/{key}/deliveries")).await.is(200).body;
            let items = listed["items"].as_array().unwrap();
            if are(items) {
                return items.clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon("the deliveries to be as they should", asking).await
}

each_engine! {
    async fn what_waited_for_days_is_sent_once_its_receiver_is_back(database: Database) {
        let receiver = Receiver::start(503).await;
        let gateway = Gateway::beside(&database, INSIDE);
        let operator = gateway.operator();
        subscribe(&operator, "ops", &receiver.url()).await;
        tenant(&operator, "a").await;
        receiver.has(1).await;
        // As after an outage: it was disabled, days went by, and somebody switches it on too early.
        operator.patch(&format!("{PATH}/ops"), json!({ "enabled": false })).await.is(200);
        database.run("UPDATE deliveries SET created_at = created_at - 288000000").await;
        let before = receiver.all().len();
        operator.patch(&format!("{PATH}/ops"), json!({ "enabled": true })).await.is(200);
        receiver.has(before + 2).await;
        receiver.answer(200);
        let sent = deliveries(&operator, "ops", |all| all.iter().all(|it| it["state"] != "pending")).await;
        assert_eq!(sent[0]["state"], "delivered", "{sent:?}");
    }

    async fn a_subscription_to_events_that_this_attache_does_not_know_is_sent_none(database: Database) {
        let (receiver, other) = (Receiver::start(200).await, Receiver::start(200).await);
        let gateway = Gateway::beside(&database, INSIDE);
        let operator = gateway.operator();
        subscribe(&operator, "ops", &receiver.url()).await;
        // As a later attache has written it.
        let definition = json!({ "url": receiver.url(), "types": ["vault.opened"] }).to_string();
        let row = SubscriptionRow { enabled: true, definition, ..SubscriptionRow::default() };
        let none = |_: &Place<'_>| -> Result<Sealed, String> { Err("it has one".to_owned()) };
        let store = gateway.writer().store;
        store.subscriptions().put(SYSTEM, "ops", &row, &none, Expect::Present).await.unwrap();
        subscribe(&operator, "other", &other.url()).await;
        for key in ["a", "b"] {
            tenant(&operator, key).await;
        }
        other.has(2).await;
        // It is renamed, switched off and on; what nobody has written yet is refused as ever.
        let path = format!("{PATH}/ops");
        for change in [json!({ "name": "Ops" }), json!({ "enabled": false }), json!({ "enabled": true })] {
            let changed = operator.patch(&path, change).await.is(200).body;
            assert_eq!(changed["types"], json!(["vault.opened"]), "{changed}");
        }
        let other_types = json!({ "types": ["vault.opened", "vault.closed"] });
        let refused = operator.patch(&path, other_types).await.problem("invalid");
        assert_eq!(refused.pointers(), ["/types/1"]);
        let shown = operator.get(&format!("{PATH}/ops")).await.is(200).body;
        assert_eq!((&shown["pending"], receiver.all().len()), (&json!(0), 0));
        operator.post(&format!("{PATH}/ops/test"), Value::Null).await.is(200);
        receiver.has(1).await;
        assert_eq!(receiver.all()[0].json()["type"], "event_subscription.tested");
    }

    async fn a_receiver_of_before_that_wants_no_more_does_not_end_the_one_there_is_now(database: Database) {
        let (answer, asked) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let gone = "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n";
        let old = Script::new().read_request().tell(&asked).wait(&answer).write(gone);
        let old = RawUpstream::start([old]).await;
        let receiver = Receiver::start(200).await;
        let gateway = Gateway::beside(&database, "egress: { allow: [127.0.0.0/8] }\n");
        let operator = gateway.operator();
        subscribe(&operator, "ops", &old.url()).await;
        tenant(&operator, "a").await;
        soon("the old one to be asked", asked.notified()).await;
        operator.patch(&format!("{PATH}/ops"), json!({ "url": receiver.url() })).await.is(200);
        answer.notify_one();
        receiver.has(1).await;
        let sent = deliveries(&operator, "ops", |all| all[0]["state"] != "pending").await;
        assert_eq!((&sent[0]["state"], &sent[0]["attempts"]), (&json!("delivered"), &json!(1)));
        let shown = operator.get(&format!("{PATH}/ops")).await.is(200);
        assert_eq!(shown.text("status"), "delivering");
    }

    async fn a_pause_that_is_asked_for_as_a_date_is_given(database: Database) {
        let at = std::time::SystemTime::now() + Duration::from_secs(1800);
        let busy = format!(
            "HTTP/1.1 503 Busy\r\nRetry-After: {}\r\nContent-Length: 0\r\n\r\n", httpdate::fmt_http_date(at)
        );
        let receiver = RawUpstream::start([Script::answer(busy)]).await;
        let gateway = Gateway::beside(&database, INSIDE);
        let operator = gateway.operator();
        subscribe(&operator, "ops", &receiver.url()).await;
        tenant(&operator, "a").await;
        let tried = deliveries(&operator, "ops", |all| all.iter().any(|it| it["attempts"] != 0)).await;
        let waits = "SELECT MAX(next_at - last_at) FROM deliveries";
        let waits_ms = database.number(waits).await;
        assert!((1_700_000..=1_800_000).contains(&waits_ms), "{waits_ms} {tried:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_takes_no_writes_is_asked_now_and_then_and_said_once() {
    let Some(database) = Database::postgres().await else { return };
    let receiver = Receiver::start(200).await;
    let process = Process::beside(&database, INSIDE).await;
    let operator = process.operator();
    subscribe(&operator, "ops", &receiver.url()).await;
    let began = Instant::now();
    // As where it has run out of something.
    database
        .run(
            "CREATE SEQUENCE tries; CREATE FUNCTION fails() RETURNS trigger AS $$ BEGIN \
             PERFORM nextval('tries'); RAISE EXCEPTION 'out of memory' USING ERRCODE = '53200'; END $$ \
             LANGUAGE plpgsql; CREATE TRIGGER fails BEFORE UPDATE ON event_feeds FOR EACH ROW \
             EXECUTE FUNCTION fails()",
        )
        .await;
    tenant(&operator, "a").await;
    process.logs("events wait to be sent").await;
    let tries = async || database.number("SELECT last_value FROM tries").await;
    let trying = async {
        while tries().await < 3 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    soon("it to be tried again", trying).await;
    let more = u32::try_from(tries().await - 1).unwrap();
    let pause = Duration::from_secs(5);
    assert!(began.elapsed() >= pause * more, "{more} more in {:?}", began.elapsed());
    database.run("DROP TRIGGER fails ON event_feeds").await;
    receiver.has(1).await;
    let said = process.output().lines().filter(|it| it.contains("events wait to be sent")).count();
    assert_eq!(said, 1, "{}", process.output());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_attache_has_no_link_for_is_not_its_receivers_fault() {
    let database = Database::sqlite();
    let receiver = Receiver::start(0).await;
    let process = Process::beside(&database, INSIDE).await;
    let operator = process.operator();
    for key in ["a", "b"] {
        subscribe(&operator, key, &receiver.url()).await;
    }
    tenant(&operator, "t").await;
    // Whichever is second finds the one link there may be in use.
    process
        .logs("events wait to be sent: all links that there may be to the upstream are in use")
        .await;
    let no_link = database
        .number("SELECT COUNT(*) FROM deliveries WHERE last_problem LIKE 'all links%'")
        .await;
    assert_eq!(no_link, 0, "{}", process.output());
    receiver.answer(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_is_lost_is_said_to_be() {
    let database = Database::sqlite();
    let receiver = Receiver::start(400).await;
    let process = Process::beside(&database, INSIDE).await;
    let operator = process.operator();
    subscribe(&operator, "ops", &receiver.url()).await;
    tenant(&operator, "a").await;
    process.logs("an event can't be delivered, and is sent again later: answered with 400").await;
    // It was taken amiss nine times, and the next one is the last.
    database.run("UPDATE deliveries SET refused = 9, next_at = 0").await;
    process.logs("an event is given up: answered with 400").await;
    tenant(&operator, "b").await;
    receiver.has(3).await;
    deliveries(&operator, "ops", |all| all[0]["attempts"] == 1).await;
    database.run("DELETE FROM events; UPDATE deliveries SET next_at = 0").await;
    process.logs("an event is given up: its event is forgotten").await;
    receiver.answer(410);
    tenant(&operator, "c").await;
    process.logs("an event is given up: answered with 410").await;
    let later = "sent again later: answered with 410";
    assert!(!process.output().contains(later), "{}", process.output());
}

/// Takes every event, and never ends an answer's body. How many links were open to it at most.
async fn never_ending(listener: TcpListener, open: Arc<AtomicUsize>, most: Arc<AtomicUsize>) {
    while let Ok((link, _)) = listener.accept().await {
        most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::spawn(answer_for_ever(link, Arc::clone(&open)));
    }
}

async fn answer_for_ever(mut link: TcpStream, open: Arc<AtomicUsize>) {
    let begun = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n";
    let mut bytes = vec![0; 4096];
    let mut request = Vec::new();
    while let Ok(count @ 1..) = link.read(&mut bytes).await {
        request.extend_from_slice(&bytes[..count]);
        if request.ends_with(b"}") {
            request.clear();
            drop(link.write_all(begun.as_bytes()).await);
        }
    }
    open.fetch_sub(1, Ordering::SeqCst);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_whose_answers_never_end_has_one_link_at_a_time() {
    let database = Database::sqlite();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let receiving = tokio::spawn(never_ending(listener, open, Arc::clone(&most)));
    let gateway = Gateway::beside(&database, "egress: { allow: [127.0.0.0/8] }\n");
    let operator = gateway.operator();
    subscribe(&operator, "ops", &url).await;
    for number in 0..6 {
        tenant(&operator, &format!("t{number}")).await;
    }
    deliveries(&operator, "ops", |all| {
        all.len() == 6 && all.iter().all(|it| it["state"] == "delivered")
    })
    .await;
    // The one that is being closed may be seen to be so after the next one has come.
    assert!(most.load(Ordering::SeqCst) <= 2, "{most:?}");
    receiving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receivers_whose_names_are_slow_hold_up_no_other() {
    const SLOW: usize = 24;
    let database = Database::sqlite();
    let receiver = Receiver::start(200).await;
    let (asked, seen) = mpsc::channel();
    let (answer, answers) = mpsc::channel::<()>();
    let answers = Mutex::new(answers);
    let resolver = Resolver::Scripted(Arc::new(move |name: &str| -> Vec<IpAddr> {
        if name.starts_with("slow") {
            asked.send(()).ok();
            // Until the test ends.
            drop(answers.lock().map(|it| it.recv()));
        }
        vec![[127, 0, 0, 1].into()]
    }));
    let gateway = Gateway::beside_resolving(&database, INSIDE, resolver);
    let operator = gateway.operator();
    for number in 0..SLOW {
        subscribe(&operator, &format!("slow{number}"), &format!("http://slow{number}.example/"))
            .await;
    }
    tenant(&operator, "a").await;
    // All of them are asked for at the same time.
    let all = tokio::task::spawn_blocking(move || {
        (0..SLOW).all(|_| seen.recv_timeout(Duration::from_secs(20)).is_ok())
    });
    assert!(all.await.unwrap(), "some name was not asked for");
    subscribe(&operator, "there", &format!("http://there.example:{}/", receiver.port())).await;
    tenant(&operator, "b").await;
    receiver.has(1).await;
    drop(answer);
}
