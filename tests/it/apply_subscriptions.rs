//! Event subscriptions in files: planned, applied, exported; their secrets stay where they are.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Process;
use crate::support::Receiver;
use crate::support::Shell;
use crate::support::each_engine;
use serde_json::Value;
use serde_json::json;

const PATH: &str = "/v1/event_subscriptions";

/// Loopback may be sent to.
const INSIDE: &str = "egress: { allow: [127.0.0.0/8] }\n";

fn bundle(url: &str) -> Value {
    json!({ "event_subscriptions": {
        "ops": { "url": url, "types": ["tenant.created"] },
        "off": { "url": "https://events.example.com/", "enabled": false },
    } })
}

each_engine! {
    async fn a_subscription_is_planned_and_applied_and_the_second_time_nothing(database: Database) {
        let receiver = Receiver::start(200).await;
        let gateway = Gateway::beside(&database, INSIDE);
        let operator = gateway.operator();
        let of = async |path: &str, bundle: &Value| {
            operator.post(&format!("/v1/apply{path}"), bundle.clone()).await
        };
        let new = bundle(&receiver.url());
        let plan = of("?dry_run=true", &new).await.is(200).body;
        let named = |key: &str| json!({ "kind": "event subscription", "key": key });
        assert_eq!(plan["create"], json!([named("ops"), named("off")]));
        assert_eq!(plan["untold"], json!(["ops", "off"]));
        assert_eq!(operator.get(PATH).await.is(200).keys(), Vec::<String>::new());
        let done = of("", &new).await.is(200);
        assert!(!done.response.text().contains("whsec_"));
        let again = of("", &new).await.is(200).body;
        assert_eq!((&again["unchanged"], &again["untold"]), (&json!(2), &json!([])));

        // Whoever rotates is told a secret, which what is applied then leaves as it is.
        let secret = operator.post(&format!("{PATH}/ops/rotate"), json!({ "overlap": "0s" })).await.is(200);
        let mut other = new.clone();
        other["event_subscriptions"]["ops"]["name"] = "Operations".into();
        let changed = of("", &other).await.is(200).body;
        assert_eq!(changed["change"][0]["fields"], json!(["name"]), "{changed}");
        operator.put("/v1/tenants/acme", json!({})).await.is(201);
        receiver.has(1).await;
        let sent = receiver.all().remove(0);
        assert_eq!(sent.signatures(), [sent.signed_with(secret.text("secret"))]);

        // One that is on goes only where that is meant.
        let none = json!({ "event_subscriptions": {} });
        let kept = of("?prune=true", &none).await.problem("in_use");
        assert_eq!(kept.body["breaks"][0]["key"], "ops", "{}", kept.body);
        let gone = of("?prune=true&force=true", &none).await.is(200).body;
        assert_eq!(gone["delete"].as_array().map(Vec::len), Some(2), "{gone}");
        assert_eq!(database.number("SELECT COUNT(*) FROM credentials WHERE slot = 'subscription'").await, 0);
    }

    async fn what_is_wrong_with_one_is_told_at_its_place(database: Database) {
        let gateway = Gateway::beside(&database, "");
        let mut wrong = bundle("https://127.0.0.1/");
        wrong["event_subscriptions"]["off"]["types"] = json!(["nothing"]);
        wrong["event_subscriptions"]["odd"] = json!({ "url": "https://a.example/", "secret_key": "x" });
        let refused = gateway.operator().post("/v1/apply", wrong).await.problem("invalid");
        let mut pointers = refused.pointers();
        pointers.sort();
        assert_eq!(pointers, [
            "/event_subscriptions/odd/secret_key", "/event_subscriptions/off/types/0", "/event_subscriptions/ops/url",
        ]);
    }
}

#[tokio::test]
async fn what_is_exported_another_deployment_applies_and_no_file_of_a_process_has_it() {
    let (one, two) = (Database::sqlite(), Database::sqlite());
    let first = Process::beside(&one, INSIDE).await;
    let subscription =
        json!({ "url": "https://events.example.com/x?a=${b}", "types": ["tenant.created"] });
    first.operator().put(&format!("{PATH}/ops"), subscription.clone()).await.is(201);
    let here = Shell::of(&first);
    let without = here.done("attache export").await.out;
    assert!(!without.contains("event_subscriptions"), "{without}");
    here.done("attache export --with-event-subscriptions -o out").await;
    let folder = here.folder.path().join("out");
    let text = std::fs::read_to_string(folder.join("event_subscriptions.yaml")).unwrap();
    assert!(!text.contains("whsec_") && !text.contains("status"), "{text}");
    let same = here.done("attache apply -f out").await;
    assert!(same.out.contains("Nothing to do: 1 are so already."), "{}", same.out);

    let second = Process::beside(&two, INSIDE).await;
    let there = Shell::of(&second);
    let done = there.done(&format!("attache apply -f {} --yes", folder.display())).await;
    assert!(done.out.contains("+ event subscription ops"), "{}", done.out);
    assert!(done.out.contains("attache event-subscription rotate ops"), "{}", done.out);
    let shown = second.operator().get(&format!("{PATH}/ops")).await.is(200).body;
    for member in ["url", "types"] {
        assert_eq!(shown[member], subscription[member]);
    }
    // Who is told of events is stored, and nothing that a process is started with.
    let check =
        format!("attache config check {}", folder.join("event_subscriptions.yaml").display());
    here.run(&check).await.is(2).says(&["event_subscriptions"]);
}
