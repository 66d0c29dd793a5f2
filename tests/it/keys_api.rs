//! A rotation of the sealing keys that a running gateway is asked for, and the trail that it is asked to check.
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Process;
use crate::support::each_engine;
use crate::support::soon;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::time::Duration;

/// Neither is secret.
const FIRST: &str = "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const SECOND: &str = "2:202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

async fn set(operator: &Operator, keys: std::ops::Range<usize>) {
    let connector = json!({"base_url": "https://api.test", "auth": {"m": {"bearer": {}}}});
    assert!(operator.put("/v1/connectors/api", connector).await.status < 300);
    for number in keys {
        let connection = json!({"connector": "api", "auth": "m", "credentials": {"token": format!("t{number}")}});
        operator.put(&format!("/v1/connections/c{number}"), connection).await.is(201);
    }
}

async fn ended(operator: &Operator) -> Value {
    let asked = async {
        loop {
            let keys = operator.get("/v1/keys").await.is(200).body;
            if keys["rotation"]["state"] != "running" {
                return keys;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("the rotation to end", asked).await
}

each_engine! {
    async fn everything_is_put_under_the_newest_key_and_the_trail_says_who_had_it_done(database: Database) {
        let file = database.folder.path().join("key");
        fs::write(&file, FIRST).unwrap();
        let before = Process::replica(&database.url, &file, "").await;
        set(&before.operator(), 0..5).await;
        let keys = before.operator().get("/v1/keys").await.is(200).body;
        let first = keys["newest"].as_str().unwrap().to_owned();
        assert_eq!(keys["keys"][0]["id"], first);
        assert!(keys["keys"][0]["credentials"].as_u64().unwrap() >= 5);
        assert_eq!(keys.get("rotation"), None);
        drop(before);

        fs::write(&file, format!("{FIRST}\n{SECOND}\n")).unwrap();
        let process = Process::replica(&database.url, &file, "").await;
        let operator = process.operator();
        for role in ["viewer", "operator"] {
            let token = operator.post("/v1/tokens", json!({ "key": role, "role": role })).await.is(201);
            let weak = operator.with_token(token.body["token"].as_str().unwrap());
            weak.post("/v1/keys/rotate", json!({})).await.is(403).problem("operator_forbidden");
            weak.get("/v1/keys").await.is(200);
            assert_eq!(weak.post("/v1/audit/verify", json!({})).await.is(200).body["sound"], true);
        }
        let begun = operator.post("/v1/keys/rotate", json!({})).await.is(202).body;
        assert!(begun["rotation"]["started_at"].is_string(), "{begun}");
        let keys = ended(&operator).await;
        assert_eq!(keys["rotation"]["state"], "done", "{keys}");
        assert!(keys["rotation"]["moved"].as_u64().unwrap() >= 5, "{keys}");
        let newest = keys["newest"].as_str().unwrap();
        assert_ne!(newest, first);
        let under = |id: &str| {
            let all = keys["keys"].as_array().unwrap();
            all.iter().find(|it| it["id"] == id).map_or(0, |it| it["credentials"].as_u64().unwrap())
        };
        assert_eq!(under(&first), 0);
        assert!(under(newest) >= 5);
        let trail = operator.get("/v1/audit?limit=200").await.is(200).body;
        let rewrapped = trail["items"].as_array().unwrap().iter().find(|it| it["act"] == "rewrapped");
        assert!(rewrapped.unwrap()["who"].as_str().unwrap().starts_with("operator "), "{rewrapped:?}");
        // Again: nothing is left to do, and nothing is wrong with that.
        operator.post("/v1/keys/rotate", json!({})).await.is(202);
        let again = ended(&operator).await;
        assert_eq!((&again["rotation"]["state"], &again["rotation"]["moved"]), (&json!("done"), &json!(0)));
    }

    async fn what_does_not_open_is_left_and_told(database: Database) {
        let file = database.folder.path().join("key");
        fs::write(&file, FIRST).unwrap();
        let before = Process::replica(&database.url, &file, "").await;
        set(&before.operator(), 0..3).await;
        drop(before);
        fs::write(&file, format!("{FIRST}\n{SECOND}\n")).unwrap();
        let process = Process::replica(&database.url, &file, "").await;
        let torn = if database.is_postgres() { "'\\x00'" } else { "x'00'" };
        database.run(&format!("UPDATE credentials SET wrapped = {torn} WHERE owner = (SELECT id FROM connections WHERE key = 'c1')")).await;
        process.operator().post("/v1/keys/rotate", json!({})).await.is(202);
        let keys = ended(&process.operator()).await;
        assert_eq!(keys["rotation"]["state"], "failed", "{keys}");
        let problem = keys["rotation"]["problem"].as_str().unwrap();
        assert!(problem.starts_with("1 are not under the key"), "{problem}");
    }

    async fn a_trail_that_was_changed_is_found_by_who_asks_a_gateway(database: Database) {
        let gateway = Gateway::beside(&database, "");
        let operator = gateway.operator();
        set(&operator, 0..3).await;
        let sound = operator.post("/v1/audit/verify", json!({})).await.is(200).body;
        assert_eq!((&sound["sound"], &sound["breaks"]), (&json!(true), &json!([])), "{sound}");
        let (entries, head) = (sound["entries"].as_i64().unwrap(), sound["head"].as_str().unwrap());
        assert!(entries >= 4 && head.starts_with(&format!("{entries}:")), "{sound}");
        let kept = operator.post("/v1/audit/verify", json!({ "kept": head })).await.is(200).body;
        assert_eq!(kept["sound"], true);
        let bad = operator.post("/v1/audit/verify", json!({ "kept": "7:xyz" })).await;
        bad.is(422).problem("invalid");
        let codes = |it: &Value| {
            let breaks = it["breaks"].as_array().unwrap().iter();
            breaks.map(|it| it["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        // Somebody has kept another entry of that number, or knows that there was something before.
        for (asked, code) in [
            (json!({ "kept": format!("2:{}", "0".repeat(64)) }), "not_kept"),
            (json!({ "begins_with": 0 }), "late"),
        ] {
            let broken = operator.post("/v1/audit/verify", asked).await.is(200).body;
            assert_eq!((&broken["sound"], codes(&broken)), (&json!(false), vec![code.to_owned()]), "{broken}");
        }
        database.run("UPDATE audit SET who = 'somebody' WHERE seq = 2").await;
        let broken = operator.post("/v1/audit/verify", json!({})).await.is(200).body;
        assert_eq!(broken["sound"], false);
        let first = &broken["breaks"][0];
        assert_eq!((&first["seq"], &first["code"]), (&json!(2), &json!("changed")), "{broken}");
    }
}
