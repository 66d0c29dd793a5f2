//! Events on their way to those who subscribed: each arrives, signed, whatever happens in between.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Process;
use crate::support::Receiver;
use crate::support::each_engine;
use crate::support::soon;
use rustix::process::Signal;
use serde_json::Value;
use serde_json::json;
use std::time::Duration;

const PATH: &str = "/v1/event_subscriptions";
const INSIDE: &str = "egress: { allow: [127.0.0.0/8] }\n";

/// Has the receiver be told of tenants that are made; the secret.
async fn subscribe(operator: &Operator, receiver: &Receiver) -> String {
    let new = json!({ "key": "ops", "url": receiver.url(), "types": ["tenant.created"] });
    operator.post(PATH, new).await.is(201).text("secret").to_owned()
}

/// Makes tenants: an event each.
async fn tenants(operator: &Operator, numbers: std::ops::Range<usize>) {
    for number in numbers {
        operator.put(&format!("/v1/tenants/t{number}"), json!({})).await.is(201);
    }
}

/// Waits for however long it takes, but not for ever: of what pauses of seconds are a part.
async fn patiently(what: &str, waited: impl Future<Output = ()>) {
    let done = tokio::time::timeout(Duration::from_secs(120), waited).await;
    assert!(done.is_ok(), "waited two minutes for {what}");
}

/// Waits until nothing is left to be sent.
async fn until_sent(operator: &Operator) {
    let asking = async {
        while operator.get(&format!("{PATH}/ops")).await.is(200).body["pending"] != 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    patiently("all to be sent", asking).await;
}

fn keys_of(receiver: &Receiver) -> Vec<String> {
    let all = receiver.all();
    let taken = all.iter().filter(|it| it.status == 200);
    taken.map(|it| it.json()["data"]["key"].as_str().unwrap().to_owned()).collect()
}

each_engine! {
    async fn two_hundred_events_arrive_once_their_receiver_is_back_each_once_and_signed(database: Database) {
        let receiver = Receiver::start(503).await;
        let gateway = Gateway::beside(&database, INSIDE);
        let operator = gateway.operator();
        let secret = subscribe(&operator, &receiver).await;
        tenants(&operator, 0..200).await;
        receiver.has(2).await;
        // All of them wait, whatever their receiver's pause.
        let waiting = async {
            while operator.get(&format!("{PATH}/ops")).await.is(200).body["pending"] != 200 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        soon("all to wait", waiting).await;
        let shown = operator.get(&format!("{PATH}/ops")).await.is(200);
        assert_eq!(shown.text("status"), "failing");
        assert!(shown.text("failing_since") > "2026");
        // A probe now and then, not one for each event that waits.
        assert!(receiver.all().len() < 10, "{}", receiver.all().len());

        receiver.answer(200);
        until_sent(&operator).await;
        let taken = receiver.taken();
        assert_eq!(taken.len(), 200);
        assert!(taken.values().all(|it| *it == 1), "{taken:?}");
        for it in receiver.all() {
            assert_eq!(it.head.first_line(), "POST /hooks?key=in-the-url HTTP/1.1");
            assert_eq!(it.head.field("content-type"), Some("application/json"));
            assert_eq!(it.signatures(), [it.signed_with(&secret)]);
            let body = it.json();
            assert_eq!((&body["type"], &body["id"], &body["data"]["kind"]), (&json!("tenant.created"), &json!(it.id()), &json!("tenant")));
        }
        let shown = operator.get(&format!("{PATH}/ops")).await.is(200);
        assert_eq!((shown.text("status"), &shown.body["failing_since"]), ("delivering", &Value::Null));
        let metrics = gateway.admin("/metrics").await.text();
        assert!(metrics.contains("attache_event_deliveries_total{outcome=\"delivered\"} 200"), "{metrics}");
    }

    async fn whoever_is_killed_in_the_middle_has_lost_nothing(database: Database) {
        // Away until all are there, so that it is in the middle of them that it is killed.
        let receiver = Receiver::start(503).await;
        let mut first = Process::beside(&database, INSIDE).await;
        subscribe(&first.operator(), &receiver).await;
        tenants(&first.operator(), 0..200).await;
        receiver.answer(200);
        let probes = receiver.all().len();
        patiently("some to be taken", receiver.has_in_the_end(probes + 10)).await;
        first.signal(Signal::KILL);
        first.ended().await;
        let before = receiver.taken().len();
        assert!((1..200).contains(&before), "it was killed in the middle: {before}");

        let second = Process::beside(&database, INSIDE).await;
        until_sent(&second.operator()).await;
        let taken = receiver.taken();
        assert_eq!(taken.len(), 200);
        // One was under way: it may have come twice, under one id.
        assert!(taken.values().sum::<usize>() <= 201, "{taken:?}");
    }

    async fn what_happens_while_a_subscription_is_off_is_not_sent(database: Database) {
        let receiver = Receiver::start(200).await;
        let gateway = Gateway::beside(&database, INSIDE);
        let operator = gateway.operator();
        subscribe(&operator, &receiver).await;
        tenants(&operator, 0..1).await;
        receiver.has(1).await;
        operator.patch(&format!("{PATH}/ops"), json!({ "enabled": false })).await.is(200);
        tenants(&operator, 1..3).await;
        operator.patch(&format!("{PATH}/ops"), json!({ "enabled": true })).await.is(200);
        tenants(&operator, 3..4).await;
        receiver.has(2).await;
        until_sent(&operator).await;
        assert_eq!(keys_of(&receiver), ["t0", "t3"]);
    }

    async fn while_a_secret_is_rotated_both_sign_and_then_one(database: Database) {
        let receiver = Receiver::start(200).await;
        let gateway = Gateway::beside(&database, INSIDE);
        let operator = gateway.operator();
        let old = subscribe(&operator, &receiver).await;
        let rotate = format!("{PATH}/ops/rotate");
        let new = operator.post(&rotate, json!({ "overlap": "1h" })).await.is(200).text("secret").to_owned();
        tenants(&operator, 0..1).await;
        receiver.has(1).await;
        let sent = receiver.all().remove(0);
        assert_eq!(sent.signatures(), [sent.signed_with(&new), sent.signed_with(&old)]);

        let last = operator.post(&rotate, json!({ "overlap": "0s" })).await.is(200).text("secret").to_owned();
        tenants(&operator, 1..2).await;
        receiver.has(2).await;
        let sent = receiver.all().remove(1);
        assert_eq!(sent.signatures(), [sent.signed_with(&last)]);
    }

    async fn whoever_rotates_again_before_the_overlap_is_over_ends_it_for_nobody(database: Database) {
        let receiver = Receiver::start(200).await;
        let gateway = Gateway::beside(&database, INSIDE);
        let operator = gateway.operator();
        let mut secrets = vec![subscribe(&operator, &receiver).await];
        let rotate = format!("{PATH}/ops/rotate");
        let first = operator.post(&rotate, json!({ "overlap": "2h" })).await.is(200);
        secrets.insert(0, first.text("secret").to_owned());
        let until = first.text("previous_secret_until").to_owned();
        for _ in 0..3 {
            let next = operator.post(&rotate, json!({ "overlap": "1h" })).await.is(200);
            secrets.insert(0, next.text("secret").to_owned());
            assert_eq!(next.text("previous_secret_until"), until, "the first one signs for longest");
        }
        tenants(&operator, 0..1).await;
        receiver.has(1).await;
        let sent = receiver.all().remove(0);
        let all: Vec<_> = secrets.iter().map(|it| sent.signed_with(it)).collect();
        assert_eq!(sent.signatures(), all);

        // Each is another signature: there is an end to it, and a way out.
        let refused = operator.post(&rotate, json!({ "overlap": "1h" })).await.problem("in_use");
        assert!(refused.text("detail").contains("`0s`"), "{}", refused.text("detail"));
        let last = operator.post(&rotate, json!({ "overlap": "0s" })).await.is(200).text("secret").to_owned();
        tenants(&operator, 1..2).await;
        receiver.has(2).await;
        let sent = receiver.all().remove(1);
        assert_eq!(sent.signatures(), [sent.signed_with(&last)]);
    }

    async fn a_subscription_is_tried_out_and_a_delivery_sent_again(database: Database) {
        let receiver = Receiver::start(200).await;
        let other = Receiver::start(200).await;
        let gateway = Gateway::beside(&database, INSIDE);
        let operator = gateway.operator();
        subscribe(&operator, &receiver).await;
        operator.put(&format!("{PATH}/all"), json!({ "url": other.url() })).await.is(201);
        let tested = operator.post(&format!("{PATH}/ops/test"), Value::Null).await.is(200);
        assert_eq!((tested.text("state"), tested.text("type")), ("pending", "event_subscription.tested"));
        receiver.has(1).await;
        assert_eq!(receiver.all()[0].id(), tested.text("event"));

        tenants(&operator, 0..1).await;
        receiver.has(2).await;
        until_sent(&operator).await;
        let listed = operator.get(&format!("{PATH}/ops/deliveries?state=delivered")).await.is(200).body;
        let types: Vec<_> = listed["items"].as_array().unwrap().iter().map(|it| it["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["tenant.created", "event_subscription.tested"]);
        let page = operator.get(&format!("{PATH}/ops/deliveries?limit=1")).await.is(200).body;
        let next = page["next"].as_str().unwrap();
        let page = operator.get(&format!("{PATH}/ops/deliveries?limit=1&cursor={next}")).await.is(200).body;
        assert_eq!(page["items"][0]["event"], tested.text("event"));

        let again = listed["items"][0]["event"].as_str().unwrap();
        let retried = operator.post(&format!("{PATH}/ops/deliveries/{again}/retry"), Value::Null).await.is(200);
        assert_eq!((retried.text("state"), &retried.body["attempts"]), ("pending", &json!(1)));
        receiver.has(3).await;
        let all = receiver.all();
        assert_eq!((all[2].id(), all[1].id()), (again, again));
        assert_eq!(all[2].body, all[1].body);
        until_sent(&operator).await;
        // Of all that there was, the other one was told of everything but what was meant for one.
        other.has(2).await;
        let told: Vec<_> = other.all().iter().map(|it| it.json()["type"].as_str().unwrap().to_owned()).collect();
        assert_eq!(told, ["event_subscription.created", "tenant.created"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_replicas_one_sends_and_the_other_goes_on_where_it_ends() {
    let Some(database) = Database::postgres().await else { return };
    let receiver = Receiver::start(200).await;
    let one = Process::beside(&database, INSIDE).await;
    let mut other = Process::beside(&database, INSIDE).await;
    subscribe(&one.operator(), &receiver).await;
    for number in 0..40 {
        let operator = if number % 2 == 0 { one.operator() } else { other.operator() };
        tenants(&operator, number..number + 1).await;
    }
    until_sent(&one.operator()).await;
    assert!(receiver.taken().values().all(|it| *it == 1), "{:?}", receiver.taken());
    assert_eq!(receiver.taken().len(), 40);

    // Whoever ends in good order lets go of what it holds; whoever is killed is waited for.
    other.signal(Signal::TERM);
    other.ended().await;
    tenants(&one.operator(), 40..41).await;
    receiver.has(41).await;
    let third = Process::beside(&database, INSIDE).await;
    one.signal(Signal::KILL);
    tenants(&third.operator(), 41..50).await;
    patiently("the other replica to go on", receiver.has_in_the_end(50)).await;
    until_sent(&third.operator()).await;
    assert_eq!(receiver.taken().len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_stood_still_does_not_undo_what_another_did_meanwhile() {
    let Some(database) = Database::postgres().await else { return };
    let receiver = Receiver::start(0).await;
    let still = Process::beside(&database, INSIDE).await;
    subscribe(&still.operator(), &receiver).await;
    tenants(&still.operator(), 0..3).await;
    receiver.has(1).await;
    still.signal(Signal::STOP);
    receiver.answer(200);
    let other = Process::beside(&database, INSIDE).await;
    patiently("the other replica to send", receiver.has_in_the_end(4)).await;
    until_sent(&other.operator()).await;
    still.signal(Signal::CONT);
    soon("the first to be there again", still.operator().get("/v1/whoami")).await.is(200);
    tenants(&still.operator(), 3..4).await;
    receiver.has(5).await;
    until_sent(&other.operator()).await;
    let taken = receiver.taken();
    assert_eq!((taken.len(), taken.values().sum::<usize>()), (4, 4), "{taken:?}");
    let failed =
        database.number("SELECT COUNT(*) FROM deliveries WHERE state <> 'delivered'").await;
    assert_eq!(failed, 0);
}
