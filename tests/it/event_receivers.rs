//! Receivers of events that are in no shape to take them, or must not be sent any.
use crate::support::Authority;
use crate::support::ClosedPort;
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::RawUpstream;
use crate::support::Receiver;
use crate::support::SYSTEM;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::soon;
use serde_json::Value;
use serde_json::json;
use std::time::Duration;

const PATH: &str = "/v1/event_subscriptions";

/// Loopback, and little patience.
const INSIDE: &str = "egress: { allow: [127.0.0.0/8, \"::1/128\"] }
upstream: { timeouts: { connect: 1s, tls: 1s, first_byte: 1s }, links: { max: 4, wait: 100ms } }
";

/// An event to this URL: how its delivery stands once it was tried.
async fn tried(operator: &Operator, url: &str) -> Value {
    operator.put(&format!("{PATH}/ops"), json!({ "url": url })).await.is(201);
    first_tried(operator).await
}

async fn first_tried(operator: &Operator) -> Value {
    let asking = async {
        loop {
            let listed = operator.get(&format!("{PATH}/ops/deliveries")).await.is(200).body;
            let tried = listed["items"].as_array().unwrap().iter().find(|it| it["attempts"] != 0);
            if let Some(it) = tried {
                return it.clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon("the delivery to be tried", asking).await
}

/// One that answers so: is sent to again, and why.
async fn answering(status: u16, problem: &str) {
    let database = Database::sqlite();
    let receiver = Receiver::start(status).await;
    let gateway = Gateway::beside(&database, INSIDE);
    let delivery = tried(&gateway.operator(), &receiver.url()).await;
    assert_eq!(
        (&delivery["state"], &delivery["last_problem"]),
        (&json!("pending"), &json!(problem))
    );
    let answered = if status == 0 { Value::Null } else { json!(status) };
    assert_eq!(delivery["last_status"], answered);
    assert!(delivery["next_at"].as_str() > delivery["last_at"].as_str(), "{delivery}");
    // What a receiver points to is nobody's business.
    assert!(receiver.all().iter().all(|it| it.head.first_line().starts_with("POST /hooks?")));
    receiver.answer(200);
}

crate::support::each! { answering_case:
    a_fault_of_the_receivers_is_tried_again = (500, "answered with 500");
    a_receiver_that_knows_nothing_of_it_is_tried_again = (404, "answered with 404");
    a_redirect_is_not_followed = (302, "answered with 302; redirects are not followed");
    a_receiver_that_is_busy_is_tried_again = (429, "answered with 429");
    a_receiver_that_hangs_is_left_and_tried_again = (0, "no answer within 3 s");
}

async fn answering_case((status, problem): (u16, &str)) {
    answering(status, problem).await;
}

each_engine! {
    async fn whoever_answers_with_gone_is_sent_nothing_any_more(database: Database) {
        let receiver = Receiver::start(410).await;
        let gateway = Gateway::beside(&database, INSIDE);
        let operator = gateway.operator();
        let delivery = tried(&operator, &receiver.url()).await;
        assert_eq!(delivery["state"], "failed");
        let disabled = async {
            while operator.get(&format!("{PATH}/ops")).await.is(200).body["status"] != "disabled" {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        soon("it to be disabled", disabled).await;
        let because = "its receiver answered with 410: it wants no more";
        let told = operator.get("/v1/events?type=event_subscription.disabled").await.is(200).body;
        assert_eq!(told["items"][0]["data"]["because"], because);
        let trail = operator.get("/v1/audit?kind=event%20subscription").await.is(200).body;
        assert_eq!((&trail["items"][0]["who"], &trail["items"][0]["after"]["because"]), (&json!("attache"), &json!(because)));
        operator.put("/v1/tenants/acme", json!({})).await.is(201);
        // Another one is served meanwhile, so that there was time for this one.
        let other = Receiver::start(200).await;
        operator.put(&format!("{PATH}/other"), json!({ "url": other.url() })).await.is(201);
        other.has(1).await;
        assert_eq!(receiver.all().len(), 1);
    }

    async fn one_that_is_not_reached_holds_up_no_other(database: Database) {
        let (away, there) = (ClosedPort::reserve(), Receiver::start(200).await);
        let gateway = Gateway::beside(&database, INSIDE);
        let operator = gateway.operator();
        let delivery = tried(&operator, &away.url()).await;
        assert_eq!(delivery["last_problem"], "the upstream refuses or drops connections");
        operator.put(&format!("{PATH}/there"), json!({ "url": there.url() })).await.is(201);
        there.has(1).await;
        let back = away.open([Script::ok("")]);
        back.request().await;
    }

    async fn old_deliveries_and_those_of_nobody_are_forgotten(database: Database) {
        let store = database.store().await;
        let row = |subscription: &str, event: i64, state: &str, age_days: i64| {
            let now = if database.is_postgres() {
                "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
            } else {
                "CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER)"
            };
            format!(
                "INSERT INTO deliveries (subscription, event, state, attempts, refused, next_at, last_at, last_status, \
                 last_problem, created_at) VALUES ('{subscription}', {event}, '{state}', 1, 0, 0, \
                 {now} - {age_days} * CAST(86400000 AS BIGINT), 200, '', 0);"
            )
        };
        database.run(
            "INSERT INTO event_feeds (subscription, taken, holder, held_until, paused_until, failures, \
             failing_since) VALUES ('own', 0, '', 0, 0, 0, 0)",
        ).await;
        let rows = [
            row("own", 1, "delivered", 8),
            row("own", 2, "delivered", 6),
            row("own", 3, "failed", 31),
            row("own", 4, "failed", 29),
            row("own", 5, "pending", 400),
            row("gone", 6, "pending", 0),
        ];
        database.run(&rows.concat()).await;
        let days = |it: i64| it * 86_400_000;
        assert_eq!(store.deliveries().prune(SYSTEM, days(7), days(30)).await, Ok(false));
        assert_eq!(database.number("SELECT COUNT(*) FROM deliveries").await, 3);
        assert_eq!(database.number("SELECT CAST(SUM(event) AS BIGINT) FROM deliveries").await, 2 + 4 + 5);
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_at_the_dial() {
    let database = Database::sqlite();
    let receiver = Receiver::start(200).await;
    let gateway = Gateway::beside(&database, "upstream: { timeouts: { connect: 1s } }\n");
    let url = format!("https://localhost:{}/", receiver.port());
    let delivery = tried(&gateway.operator(), &url).await;
    assert_eq!(
        delivery["last_problem"],
        "the egress guard refuses the destination's address (loopback)"
    );
    assert_eq!(receiver.all().len(), 0);
    let metrics = gateway.admin("/metrics").await.text();
    assert!(metrics.contains("attache_egress_refused_total{class=\"loopback\"}"), "{metrics}");
}

#[tokio::test]
async fn a_certificate_has_to_be_trusted() {
    let authority = Authority::new();
    let ca = authority.pem().replace('\n', "\n    ");
    let trusting =
        format!("egress: {{ allow: [127.0.0.0/8, \"::1/128\"] }}\nupstream:\n  ca: |\n    {ca}\n");
    for (configuration, acceptor, problem) in [
        (INSIDE, authority.good(&[]), Some("unknown_issuer")),
        (&*trusting, authority.expired(), Some("expired")),
        (&*trusting, authority.for_another_name(), Some("wrong_name")),
        (&*trusting, authority.good(&[]), None),
    ] {
        let database = Database::sqlite();
        let receiver = RawUpstream::tls([Script::ok("")], acceptor).await;
        let gateway = Gateway::beside(&database, configuration);
        let delivery = tried(&gateway.operator(), &receiver.url()).await;
        match problem {
            None => assert_eq!(delivery["state"], "delivered", "{delivery}"),
            Some(problem) => {
                let said = delivery["last_problem"].as_str().unwrap();
                assert!(said.ends_with(problem), "{delivery}");
                assert!(receiver.request_so_far().await.is_none());
            }
        }
    }
}

#[tokio::test]
async fn a_secret_that_does_not_open_is_said_and_another_one_mends_it() {
    let database = Database::sqlite();
    let receiver = Receiver::start(200).await;
    let gateway = Gateway::beside(&database, INSIDE);
    let operator = gateway.operator();
    let off = json!({ "url": receiver.url(), "enabled": false });
    operator.put(&format!("{PATH}/ops"), off).await.is(201);
    database.run("UPDATE credentials SET wrapped = x'00' WHERE slot = 'subscription'").await;
    operator.patch(&format!("{PATH}/ops"), json!({ "enabled": true })).await.is(200);
    operator.post(&format!("{PATH}/ops/rotate"), json!({})).await.problem("invalid");
    operator.post(&format!("{PATH}/ops/rotate"), json!({ "overlap": "0s" })).await.is(200);
    operator.post(&format!("{PATH}/ops/test"), Value::Null).await.is(200);
    receiver.has(1).await;
}
