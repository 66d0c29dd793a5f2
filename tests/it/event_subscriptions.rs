//! `/v1/event_subscriptions`: made, changed, deleted; secrets told once; what is wrong is named.
use crate::support::Gateway;
use crate::support::each_engine;
use serde_json::Value;
use serde_json::json;

const PATH: &str = "/v1/event_subscriptions";

each_engine! {
    async fn a_subscription_is_made_changed_and_deleted_and_its_secret_told_once(database: Database) {
        let gateway = Gateway::beside(&database, "");
        let operator = gateway.operator();
        let new = json!({
            "key": "ops", "url": "https://events.example.com/T0/B1?key=x", "types": ["connection.failing"],
        });
        let made = operator.post(PATH, new.clone()).await.is(201);
        let secret = made.text("secret").to_owned();
        assert!(secret.starts_with("whsec_") && secret.len() == 50, "{secret}");
        assert_eq!(made.response.field("location"), Some("/v1/event_subscriptions/ops"));
        operator.post(PATH, new).await.problem("already_exists");

        let shown = operator.get(&format!("{PATH}/ops")).await.is(200).body;
        for (member, value) in [
            ("url", json!("https://events.example.com/T0/B1?key=x")),
            ("types", json!(["connection.failing"])),
            ("enabled", json!(true)),
            ("status", json!("delivering")),
            ("pending", json!(0)),
            ("secret", Value::Null),
        ] {
            assert_eq!(shown[member], value, "{member}");
        }
        // What is shown is taken back, and changes nothing but its version; the secret stays.
        let put = operator.put(&format!("{PATH}/ops"), shown).await.is(200);
        assert_eq!(put.body["secret"], Value::Null);
        let off = operator.patch(&format!("{PATH}/ops"), json!({ "enabled": false })).await.is(200);
        assert_eq!((off.text("status"), &off.body["enabled"]), ("disabled", &json!(false)));
        let named = operator.patch(&format!("{PATH}/ops"), json!({ "name": "Operations", "types": null })).await;
        let named = named.is(200).body;
        assert_eq!((&named["name"], &named["types"], &named["enabled"]), (&json!("Operations"), &Value::Null, &json!(false)));
        assert_eq!(operator.get(PATH).await.is(200).keys(), ["ops"]);

        let anew = operator.post(&format!("{PATH}/ops/rotate"), json!({})).await.is(200);
        assert_ne!(anew.text("secret"), secret);
        assert!(anew.text("previous_secret_until") > "2026");
        let ended = operator.post(&format!("{PATH}/ops/rotate"), json!({ "overlap": "0s" })).await.is(200);
        assert_eq!(ended.body["previous_secret_until"], Value::Null);

        operator.delete(&format!("{PATH}/ops")).await.is(204);
        operator.get(&format!("{PATH}/ops")).await.problem("not_found");
        operator.delete(&format!("{PATH}/ops")).await.problem("not_found");
        assert_eq!(database.number("SELECT COUNT(*) FROM credentials WHERE slot = 'subscription'").await, 0);
        assert_eq!(database.number("SELECT COUNT(*) FROM event_feeds").await, 0);

        // The trail has all of it, and none of the secrets; those who follow are told.
        let trail = operator.get("/v1/audit?kind=event%20subscription").await.is(200);
        let acts: Vec<_> = trail.body["items"].as_array().unwrap().iter().map(|it| it["act"].as_str().unwrap()).collect();
        assert_eq!(acts, ["deleted", "updated", "updated", "updated", "updated", "updated", "created"]);
        let text = trail.response.text();
        assert!(text.contains("fingerprint"));
        for hidden in [&secret, anew.text("secret"), ended.text("secret")] {
            assert!(!text.contains(hidden) && !text.contains(&hidden["whsec_".len()..]));
        }
        let told = operator.get("/v1/events?type=event_subscription.disabled").await.is(200);
        assert_eq!(told.body["items"][0]["data"]["key"], "ops");
    }

    async fn what_is_wrong_with_a_subscription_is_named(database: Database) {
        let gateway = Gateway::beside(&database, "egress: { allow: [10.0.0.0/8] }\n");
        let operator = gateway.operator();
        let good = json!({ "url": "https://events.example.com/x" });
        for (member, value, pointer) in [
            ("url", json!("events.example.com"), "/url"),
            ("url", json!("https://user:password@events.example.com/"), "/url"),
            ("url", json!("https://events.example.com/#x"), "/url"),
            ("url", json!("http://8.8.8.8/"), "/url"),
            ("url", json!("https://127.0.0.1/"), "/url"),
            ("url", json!("https://169.254.169.254/"), "/url"),
            ("types", json!(["connection.failing", "nothing"]), "/types/1"),
            ("enabled", json!("yes"), "/enabled"),
            ("secret_key", json!("x"), "/secret_key"),
        ] {
            let mut bad = good.clone();
            bad[member] = value;
            let refused = operator.put(&format!("{PATH}/ops"), bad.clone()).await.problem("invalid");
            assert_eq!(refused.pointers(), [pointer], "{bad}");
        }
        operator.put(&format!("{PATH}/ops"), json!({ "url": "http://10.1.2.3/x" })).await.is(201);
        operator.put(&format!("{PATH}/ops"), good).await.is(200);
        for (path, body) in [("rotate", json!({ "overlap": "32d" })), ("rotate", json!({ "x": 1 }))] {
            operator.post(&format!("{PATH}/ops/{path}"), body).await.problem("invalid");
        }
        operator.patch(&format!("{PATH}/ops"), json!({ "enabled": false })).await.is(200);
        operator.post(&format!("{PATH}/ops/test"), Value::Null).await.problem("invalid");
        let event = "evt_019a6b1e-0000-7000-8000-000000000000";
        operator.post(&format!("{PATH}/ops/deliveries/{event}/retry"), Value::Null).await.problem("invalid");
        operator.patch(&format!("{PATH}/ops"), json!({ "enabled": true })).await.is(200);
        operator.post(&format!("{PATH}/ops/deliveries/{event}/retry"), Value::Null).await.problem("not_found");
        operator.get(&format!("{PATH}/ops/deliveries?state=lost")).await.problem("bad_request");
        for path in ["none", "none/deliveries"] {
            operator.get(&format!("{PATH}/{path}")).await.problem("not_found");
        }
    }

    async fn one_that_could_not_be_sent_to_any_more_is_renamed_and_switched_off(database: Database) {
        let gateway = Gateway::beside(&database, "egress: { allow: [10.0.0.0/8] }\n");
        let path = format!("{PATH}/ops");
        let inside = json!({ "url": "https://10.1.2.3/x", "enabled": false });
        gateway.operator().put(&path, inside).await.is(201);
        gateway.operator().patch(&path, json!({ "enabled": true })).await.is(200);
        drop(gateway);
        // Nothing inside is allowed any more.
        let gateway = Gateway::beside(&database, "");
        let operator = gateway.operator();
        operator.patch(&path, json!({ "name": "Operations" })).await.is(200);
        operator.patch(&path, json!({ "enabled": false })).await.is(200);
        operator.patch(&path, json!({ "description": "Off." })).await.is(200);
        for patch in [json!({ "enabled": true }), json!({ "url": "https://10.1.2.4/x" })] {
            let refused = operator.patch(&path, patch).await.problem("invalid");
            assert_eq!(refused.pointers(), ["/url"]);
        }
        operator.patch(&path, json!({ "url": "https://events.example.com/", "enabled": true })).await.is(200);
    }

    async fn there_are_no_more_than_a_hundred(database: Database) {
        let gateway = Gateway::beside(&database, "");
        let operator = gateway.operator();
        for number in 0..100 {
            let one = json!({ "url": "https://events.example.com/", "enabled": false });
            operator.put(&format!("{PATH}/s{number}"), one).await.is(201);
        }
        let more = operator.put(&format!("{PATH}/more"), json!({ "url": "https://a.example/" })).await;
        more.problem("invalid");
        operator.delete(&format!("{PATH}/s7")).await.is(204);
        operator.put(&format!("{PATH}/more"), json!({ "url": "https://a.example/", "enabled": false })).await.is(201);
    }
}
