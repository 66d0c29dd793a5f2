//! What is kept of webhooks that came in: listed, shown to whoever may see it, sent again, and gone with whose it is.
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::SYSTEM;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::raw_request;
use crate::support::soon;
use attache::model::DeliveryVerdict;
use attache::store::DeliveryBounds;
use attache::store::DeliveryFilter;
use attache::store::DeliveryTrim;
use attache::store::KeptDelivery;
use attache::store::WebhookDelivery;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use serde_json::Value;
use serde_json::json;
use std::time::Duration;

const SECRET: &str = "s3cret-of-the-sender";

const MARK: &str = "canary-in-the-body";

fn configuration(target: &str) -> String {
    format!(
        r#"
egress: {{ allow: [127.0.0.0/8] }}
connectors:
  api:
    base_url: https://api.example.com
    auth:
      github: {{ hmac: {{ preset: github }} }}
      gitlab: {{ hmac: {{ algorithm: token, covers: partial, signature: {{ header: X-Gitlab-Token }} }} }}
connections:
  hooks: {{ connector: api, auth: github, base_url: {target}/in, credentials: {{ secret: {SECRET} }} }}
  shown: {{ connector: api, auth: gitlab, base_url: {target}/in, credentials: {{ secret: {SECRET} }} }}
  each: {{ connector: api, auth: github, base_url: {target}/each, embedded: true }}
"#
    )
}

fn signed(address: &str, id: &str, secret: &str, body: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("any key does");
    mac.update(body.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    format!(
        "POST /hooks/{address}?token=canary-in-the-query HTTP/1.1\r\nHost: hooks.example.com\r\n\
         X-GitHub-Delivery: {id}\r\nX-Hub-Signature-256: sha256={signature}\r\n\
         Authorization: Basic canary-in-a-header\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn deliver(gateway: &Gateway, address: &str, id: &str, secret: &str) -> Response {
    let body = format!("{{\"mark\":\"{MARK}\"}}");
    raw_request(gateway.public, signed(address, id, secret, &body)).await
}

/// The list, once so many are in it.
async fn listed(operator: &Operator, query: &str, count: usize) -> Vec<Value> {
    let path = format!("/v1/deliveries?limit=200&{query}");
    let there = async {
        loop {
            let items = operator.get(&path).await.is(200).body["items"].take();
            let Value::Array(items) = items else { panic!("a list") };
            assert!(items.len() <= count, "{items:?}");
            if items.len() == count {
                return items;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon(&format!("{count} deliveries of {query}"), there).await
}

fn verdicts(items: &[Value]) -> Vec<&str> {
    items.iter().map(|it| it["verdict"].as_str().expect("each has one")).collect()
}

async fn viewer(operator: &Operator) -> Operator {
    let token = operator.post("/v1/tokens", json!({ "key": "v", "role": "viewer" })).await.is(201);
    operator.with_token(token.text("token"))
}

fn takes() -> Script {
    Script::answer("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\ntaken")
}

fn fails() -> Script {
    Script::answer("HTTP/1.1 500 Oh\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
}

each_engine! {
    async fn what_became_of_each_is_listed_and_shown_to_whoever_may_see_it(database: Database) {
        let target = RawUpstream::start([takes(), fails()]).await;
        let gateway = Gateway::beside(&database, &configuration(&target.url()));
        let operator = gateway.operator();
        let taken = deliver(&gateway, "hooks/a", "1", SECRET).await;
        assert_eq!(taken.text(), "taken");
        listed(&operator, "", 1).await;
        assert_eq!(deliver(&gateway, "hooks", "1", SECRET).await.text(), "");
        listed(&operator, "", 2).await;
        assert_eq!(deliver(&gateway, "hooks", "2", "another").await.status, 401);
        listed(&operator, "", 3).await;
        assert_eq!(deliver(&gateway, "hooks", "3", SECRET).await.status, 500);
        let all = listed(&operator, "connection=hooks", 4).await;
        assert_eq!(verdicts(&all), ["failed", "refused", "repeated", "accepted"]);
        let (failed, refused, first) = (&all[0], &all[1], &all[3]);
        assert_eq!((&failed["target_status"], &failed["can_replay"]), (&json!(500), &json!(true)));
        assert_eq!(refused["code"], "webhook_bad_signature");
        assert_eq!((&refused["can_replay"], &refused["target_status"]), (&json!(false), &Value::Null));
        assert_eq!(first["id"].as_str(), taken.field("attache-request-id"));
        assert_eq!((&first["path"], &first["webhook_id"]), (&json!("/hooks/hooks/a"), &json!("1")));
        listed(&operator, "verdict=refused", 1).await;
        listed(&operator, "connection=shown", 0).await;
        let time = first["time"].as_str().expect("it has one");
        assert_eq!(listed(&operator, &format!("since={time}"), 4).await.len(), 4);
        assert_eq!(listed(&operator, &format!("until={time}"), 0).await.len(), 0);
        let page = operator.get("/v1/deliveries?limit=3").await.is(200).body;
        let next = format!("/v1/deliveries?limit=3&cursor={}", page["next"].as_str().expect("more"));
        assert_eq!(operator.get(&next).await.is(200).body["items"][0]["id"], first["id"]);

        let one = format!("/v1/deliveries/{}", first["id"].as_str().expect("it has one"));
        let full = operator.get(&one).await.is(200);
        assert_eq!(full.body["body"], json!({ "mark": MARK }).to_string());
        let headers = full.body["headers"].to_string();
        assert!(headers.contains("[\"authorization\",\"[secret]\"]"), "{headers}");
        assert!(headers.contains("x-hub-signature-256") && !headers.contains("canary"), "{headers}");
        let one_refused = format!("/v1/deliveries/{}", refused["id"].as_str().expect("it has one"));
        let unverified = operator.get(&one_refused).await.is(200).body;
        assert_eq!(unverified["body"], Value::Null);
        assert!(unverified["headers"].to_string().contains("[\"x-github-delivery\",null]"));
        let viewer = viewer(&operator).await;
        let seen = viewer.get(&one).await.is(200).body;
        assert_eq!((&seen["headers"], &seen["body"]), (&Value::Null, &Value::Null));
        viewer.post(&format!("{one}/replay"), json!({})).await.is(403);

        let hooks = operator.get("/v1/hooks").await.is(200).body["items"].take();
        let hook = hooks.as_array().expect("a list").iter().find(|it| it["connection"] == "hooks");
        let hook = hook.expect("it takes webhooks");
        let counts = json!({ "accepted": 1, "repeated": 1, "refused": 1, "failed": 1, "handshake": 0 });
        assert_eq!((&hook["counts"], &hook["preset"]), (&counts, &json!("github")));
        assert!(hook["url"].as_str().is_some_and(|it| it.ends_with("/hooks/hooks")), "{hook}");
        assert_eq!(hook["last_at"], failed["time"]);
        // Nothing of what senders sent lies in the database in the clear.
        if !database.is_postgres() {
            gateway.stop();
            let file = std::fs::read(database.file()).expect("it is there");
            for canary in [MARK, "canary-in-the-query", "canary-in-a-header"] {
                let found = file.windows(canary.len()).any(|it| it == canary.as_bytes());
                assert!(!found, "{canary}");
            }
        }
    }

    async fn a_delivery_is_sent_again_as_it_was_though_it_is_known(database: Database) {
        let target = RawUpstream::start([fails(), Script::ok("taken").again()]).await;
        let gateway = Gateway::beside(&database, &configuration(&target.url()));
        let operator = gateway.operator();
        assert_eq!(deliver(&gateway, "hooks/x%2Fy", "1", SECRET).await.status, 500);
        let first = target.request().await;
        let failed = listed(&operator, "", 1).await.remove(0);
        let id = failed["id"].as_str().expect("it has one").to_owned();
        let replay = format!("/v1/deliveries/{id}/replay");
        let once = "Idempotency-Key: once\r\n";
        let made = operator.send("POST", &replay, once, None).await.is(200).body;
        assert_eq!((&made["verdict"], &made["replay_of"]), (&json!("accepted"), &json!(id)));
        let again = target.request().await;
        assert_eq!(again.line(), first.line());
        assert_eq!(again.line(), "POST /in/x%2Fy?token=canary-in-the-query HTTP/1.1");
        assert_eq!(again.body, first.body);
        for name in ["x-hub-signature-256", "attache-webhook-id", "authorization"] {
            assert_eq!(again.field(name), first.field(name), "{name}");
        }
        let replayed = |it: &crate::support::Received| it.field("attache-webhook-replayed").map(str::to_owned);
        assert_eq!((replayed(&first), replayed(&again).as_deref()), (None, Some("true")));
        assert_eq!(operator.send("POST", &replay, once, None).await.is(200).body, made);
        // It is there at once, and can be sent again like the first.
        let all = listed(&operator, "", 2).await;
        assert_eq!(all[0], made);
        let of_replay = format!("/v1/deliveries/{}/replay", made["id"].as_str().expect("it has one"));
        let third = operator.send("POST", &of_replay, "", None).await.is(200).body;
        assert_eq!(third["replay_of"], json!(id));
        let audit = operator.get("/v1/audit?key=hooks&kind=connection").await.is(200).body;
        let entries = audit["items"].as_array().expect("a list");
        let acts: Vec<_> = entries.iter().map(|it| (&it["act"], &it["after"]["delivery"])).collect();
        assert_eq!(acts, [(&json!("replayed"), &made["id"]), (&json!("replayed"), &json!(id))]);
        // The sender's own next try is forwarded all the same: no repeat of it was accepted.
        assert_eq!(deliver(&gateway, "hooks", "1", SECRET).await.text(), "taken");
        listed(&operator, "", 4).await;
        assert_eq!(deliver(&gateway, "hooks", "9", "another").await.status, 401);
        let refused = listed(&operator, "verdict=refused", 1).await.remove(0);
        let refused = format!("/v1/deliveries/{}/replay", refused["id"].as_str().expect("one"));
        operator.send("POST", &refused, "", None).await.is(422).problem("invalid");
        let unknown = "/v1/deliveries/018bcfe5-6807-7abc-8000-000000000000/replay";
        operator.send("POST", unknown, "", None).await.is(404);
        operator.send("POST", "/v1/deliveries/x/replay", "", None).await.is(404);
    }

    async fn it_goes_to_the_target_of_now_and_says_what_stands_in_its_way(database: Database) {
        let (old, new) = (RawUpstream::start([fails()]).await, RawUpstream::start([Script::ok("taken")]).await);
        let gateway = Gateway::beside(&database, &configuration(&old.url()));
        let operator = gateway.operator();
        let definition = |url: String, enabled: bool| json!({
            "connector": "api", "auth": "github", "base_url": url, "enabled": enabled,
            "credentials": { "secret": SECRET },
        });
        operator.put("/v1/connections/stored", definition(old.url(), true)).await.is(201);
        assert_eq!(deliver(&gateway, "stored", "1", SECRET).await.status, 500);
        let id = listed(&operator, "connection=stored", 1).await[0]["id"].as_str().expect("one").to_owned();
        let replay = format!("/v1/deliveries/{id}/replay");
        operator.put("/v1/connections/stored", definition(old.url(), false)).await.is(200);
        let stopped = operator.send("POST", &replay, "", None).await.is(200).body;
        assert_eq!((&stopped["verdict"], &stopped["code"]), (&json!("failed"), &json!("connection_disabled")));
        let confirmed = "/v1/connections/stored?confirm=origin";
        operator.put(confirmed, definition(new.url(), true)).await.is(200);
        assert_eq!(operator.send("POST", &replay, "", None).await.is(200).body["verdict"], "accepted");
        new.request().await;
    }

    async fn what_is_kept_goes_with_whose_it_is(database: Database) {
        let target = RawUpstream::start([Script::ok("taken").again()]).await;
        let gateway = Gateway::beside(&database, &configuration(&target.url()));
        let operator = gateway.operator();
        let definition = json!({
            "connector": "api", "auth": "github", "base_url": target.url(),
            "credentials": { "secret": SECRET },
        });
        operator.put("/v1/connections/stored", definition.clone()).await.is(201);
        for tenant in ["acme", "Acme", "zeta"] {
            let path = format!("/v1/connections/each/activations/{tenant}");
            operator.put(&path, json!({ "credentials": { "secret": SECRET } })).await.is(201);
            deliver(&gateway, &format!("each@{tenant}"), tenant, SECRET).await;
        }
        deliver(&gateway, "stored", "1", SECRET).await;
        let all = listed(&operator, "", 4).await;
        listed(&operator, "tenant=acme", 1).await;
        operator.delete("/v1/connections/each/activations/acme").await.is(204);
        operator.delete("/v1/tenants/zeta?force=true").await;
        let left = listed(&operator, "connection=each", 1 + usize::from(left_of(&operator, "zeta").await)).await;
        assert!(left.iter().all(|it| it["tenant"] != "acme"), "{left:?}");
        listed(&operator, "tenant=Acme", 1).await;
        let gone = all.iter().find(|it| it["tenant"] == "acme").expect("it was there");
        let gone = format!("/v1/deliveries/{}", gone["id"].as_str().expect("it has one"));
        operator.get(&gone).await.is(404);
        operator.send("POST", &format!("{gone}/replay"), "", None).await.is(404);
        operator.delete("/v1/connections/stored").await.is(204);
        operator.put("/v1/connections/stored", definition).await.is(201);
        listed(&operator, "connection=stored", 0).await;
        assert_eq!(database.number("SELECT COUNT(*) FROM webhook_deliveries WHERE connection = 'stored'").await, 0);
    }

    async fn of_what_anybody_can_make_so_many_are_kept_and_the_others_counted(database: Database) {
        let target = RawUpstream::start([Script::ok("taken")]).await;
        let gateway = Gateway::beside(&database, &configuration(&target.url()));
        let operator = gateway.operator();
        for number in 0..130 {
            assert_eq!(deliver(&gateway, "hooks", &number.to_string(), "x").await.status, 401);
        }
        let left_out = async || {
            let hooks = operator.get("/v1/hooks").await.is(200).body["items"].take();
            let hooks = hooks.as_array().expect("a list").clone();
            let hook = hooks.into_iter().find(|it| it["connection"] == "hooks").expect("it is there");
            (hook["left_out"].as_u64().expect("a number"), hook["counts"]["refused"].as_u64().expect("a number"))
        };
        let all_told = async {
            loop {
                let (left_out, kept) = left_out().await;
                if left_out + kept == 130 {
                    // A minute may have ended meanwhile.
                    return assert!((60..=120).contains(&kept), "{kept}");
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        soon("all of them to be told", all_told).await;
    }

    async fn nothing_is_kept_where_nothing_is_to_be(database: Database) {
        let target = RawUpstream::start([Script::ok("taken")]).await;
        let off = format!("{}webhooks: {{ deliveries: {{ keep: 0s }} }}\n", configuration(&target.url()));
        let gateway = Gateway::beside(&database, &off);
        assert_eq!(deliver(&gateway, "hooks", "1", SECRET).await.text(), "taken");
        gateway.stop();
        assert_eq!(database.number("SELECT COUNT(*) FROM webhook_deliveries").await, 0);
    }

    async fn what_is_too_long_is_listed_and_what_waits_is_written_at_the_end(database: Database) {
        let target = RawUpstream::start([Script::ok("taken").again()]).await;
        let short = format!("{}webhooks: {{ deliveries: {{ max_body: 1KiB }} }}\n", configuration(&target.url()));
        let gateway = Gateway::beside(&database, &short);
        let long = signed("hooks", "1", SECRET, &"x".repeat(1025));
        assert_eq!(raw_request(gateway.public, long).await.text(), "taken");
        assert_eq!(deliver(&gateway, "hooks", "2", SECRET).await.text(), "taken");
        gateway.stop();
        let kept = "SELECT COUNT(*) FROM webhook_deliveries WHERE can_replay = ";
        assert_eq!(database.number(&format!("{kept}0 AND length(contents) = 0")).await, 1);
        assert_eq!(database.number(&format!("{kept}1 AND length(contents) > 0")).await, 1);
    }

    async fn the_oldest_and_what_is_too_much_are_thrown_away_bit_by_bit(database: Database) {
        let store = database.store().await;
        let all = store.webhook_deliveries();
        let rows: Vec<_> = (0..300).map(|it| kept(it, "acme")).collect();
        for rows in rows.chunks(64) {
            all.keep(SYSTEM, rows).await.expect("the store is there");
        }
        // Once more: each stands there once.
        all.keep(SYSTEM, &rows[..2]).await.expect("the store is there");
        let count = async || database.number("SELECT COUNT(*) FROM webhook_deliveries").await;
        assert_eq!(count().await, 300);
        assert!(all.trim(SYSTEM, &mut rows_up_to(100)).await.expect("the store is there"));
        assert_eq!(count().await, 172);
        assert!(!all.trim(SYSTEM, &mut rows_up_to(100)).await.expect("the store is there"));
        assert_eq!(count().await, 100);
        let before_ms = rows[250].delivery.at_ms;
        let mut older = DeliveryTrim::to(DeliveryBounds { before_ms, most: 100, most_bytes: 1 << 40 });
        assert!(!all.trim(SYSTEM, &mut older).await.expect("the store is there"));
        assert_eq!(count().await, 50);
        let filter = DeliveryFilter { until_ms: Some(rows[252].delivery.at_ms), ..DeliveryFilter::default() };
        let (found, broken) = all.list(SYSTEM, &filter, None, 10).await.expect("the store is there");
        assert_eq!((found.len(), broken.len()), (2, 0));
        assert_eq!(found[0], rows[251].delivery);
        let one = all.get(SYSTEM, &rows[260].delivery.id).await.expect("the store is there");
        assert_eq!(one.as_ref(), Some(&rows[260]));
        let counts = all.counts(SYSTEM, &["file:hooks", "other"]).await.expect("the store is there");
        assert_eq!((counts.len(), counts[0].count, counts[0].last_ms), (1, 50, rows[299].delivery.at_ms));
        let tenant = attache::model::Scope::Tenant("acme".try_into().expect("an id"));
        assert!(all.list(&tenant, &DeliveryFilter::default(), None, 10).await.is_ok_and(|it| it.0.is_empty()));
        assert!(all.get(&tenant, &rows[260].delivery.id).await.is_ok_and(|it| it.is_none()));
        assert!(all.keep(&tenant, &rows).await.is_err());
        database.run("UPDATE webhook_deliveries SET verdict = 'odd'").await;
        let (found, broken) = all.list(SYSTEM, &DeliveryFilter::default(), None, 5).await.expect("it is there");
        assert_eq!((found.len(), broken.len()), (0, 5));
    }

    async fn where_what_is_too_much_ends_is_found_once_for_all_its_lots(database: Database) {
        let store = database.store().await;
        let all = store.webhook_deliveries();
        let keep = async |from: i64, to: i64| {
            let rows: Vec<_> = (from..to).map(|it| kept(it, "")).collect();
            for rows in rows.chunks(64) {
                all.keep(SYSTEM, rows).await.expect("the store is there");
            }
        };
        keep(0, 400).await;
        let mut trim = rows_up_to(100);
        assert!(all.trim(SYSTEM, &mut trim).await.expect("the store is there"));
        // They came since, and wait for the next time.
        keep(400, 450).await;
        assert!(all.trim(SYSTEM, &mut trim).await.expect("the store is there"));
        assert!(!all.trim(SYSTEM, &mut trim).await.expect("the store is there"));
        let count = async || database.number("SELECT COUNT(*) FROM webhook_deliveries").await;
        assert_eq!(count().await, 150);
        assert!(!all.trim(SYSTEM, &mut trim).await.expect("the store is there"));
        assert_eq!(count().await, 150);
        assert!(!all.trim(SYSTEM, &mut rows_up_to(100)).await.expect("the store is there"));
        assert_eq!(count().await, 100);
        let (found, _) = all.list(SYSTEM, &DeliveryFilter::default(), None, 500).await.expect("the store is there");
        assert_eq!(found.last(), Some(&kept(350, "").delivery));
    }

    async fn what_anybody_can_make_pushes_nothing_out_that_was_verified(database: Database) {
        let store = database.store().await;
        let all = store.webhook_deliveries();
        let mut rows: Vec<_> = (0..150).map(|it| kept(it, "")).collect();
        for row in &mut rows[50..] {
            row.delivery.verdict = DeliveryVerdict::Refused;
        }
        all.keep(SYSTEM, &rows).await.expect("the store is there");
        assert!(!all.trim(SYSTEM, &mut rows_up_to(100)).await.expect("the store is there"));
        let count = "SELECT COUNT(*) FROM webhook_deliveries WHERE verdict = ";
        assert_eq!(database.number(&format!("{count}'accepted'")).await, 50);
        assert_eq!(database.number(&format!("{count}'refused'")).await, 10);
    }

    async fn what_takes_too_much_goes_the_oldest_first(database: Database) {
        let store = database.store().await;
        let all = store.webhook_deliveries();
        let rows: Vec<_> = (0..300).map(|it| kept_of(it, "", 10_000)).collect();
        for rows in rows.chunks(32) {
            all.keep(SYSTEM, rows).await.expect("the store is there");
        }
        let ids = async || {
            let filter = DeliveryFilter::default();
            let (found, _) = all.list(SYSTEM, &filter, None, 500).await.expect("the store is there");
            found.into_iter().rev().map(|it| it.id).collect::<Vec<_>>()
        };
        let of = |from: usize| rows[from..].iter().map(|it| it.delivery.id.clone()).collect::<Vec<_>>();
        let trim = async |most_bytes| {
            let bounds = DeliveryBounds { before_ms: 0, most: 1000, most_bytes };
            all.trim(SYSTEM, &mut DeliveryTrim::to(bounds)).await.expect("the store is there")
        };
        // Each counts as what is kept of it and some more.
        assert!(!trim(300 * 11_000).await);
        assert_eq!(ids().await, of(0));
        assert!(trim(100 * 10_600).await);
        assert_eq!(ids().await, of(128));
        assert!(!trim(100 * 10_600).await);
        assert_eq!(ids().await, of(200));
        assert!(!trim(10_000).await);
        assert!(ids().await.is_empty());
        // What anybody can make takes a tenth of it, and pushes nothing out.
        let mut rows: Vec<_> = (0..60).map(|it| kept_of(it, "", 10_000)).collect();
        for (number, row) in rows[20..].iter_mut().enumerate() {
            row.delivery.verdict = match number % 2 {
                0 => DeliveryVerdict::Refused,
                _ => DeliveryVerdict::Handshake,
            };
        }
        for rows in rows.chunks(30) {
            all.keep(SYSTEM, rows).await.expect("the store is there");
        }
        assert!(!trim(30 * 10_600).await);
        let count = "SELECT COUNT(*) FROM webhook_deliveries WHERE verdict = ";
        let counts = ["accepted", "refused", "handshake"].map(|it| format!("{count}'{it}'"));
        let mut left = Vec::new();
        for count in counts {
            left.push(database.number(&count).await);
        }
        assert_eq!(left, [20, 3, 3]);
    }

    async fn what_they_take_is_bounded_by_the_configuration(database: Database) {
        let target = RawUpstream::start([Script::ok("taken").again()]).await;
        let bounds = "webhooks: { deliveries: { max_bytes: 20KiB } }\n";
        let gateway = Gateway::beside(&database, &(configuration(&target.url()) + bounds));
        for number in 0..4 {
            let long = signed("hooks", &number.to_string(), SECRET, &"x".repeat(8000));
            assert_eq!(raw_request(gateway.public, long).await.text(), "taken");
        }
        gateway.stop();
        let count = "SELECT COUNT(*) FROM webhook_deliveries";
        assert_eq!(database.number(count).await, 4);
        // Once it starts, and each minute from then on.
        let gateway = Gateway::beside(&database, &(configuration(&target.url()) + bounds));
        let trimmed = async {
            while database.number(count).await > 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        soon("two of them to go", trimmed).await;
        let left = listed(&gateway.operator(), "", 2).await;
        assert_eq!([&left[0]["webhook_id"], &left[1]["webhook_id"]], [&json!("3"), &json!("2")]);
    }

    async fn the_first_of_all_is_out_of_sight_as_well_once_its_tenant_went(database: Database) {
        let gateway = Gateway::beside(&database, &configuration("http://127.0.0.1:9"));
        let operator = gateway.operator();
        let embedded = json!({
            "connector": "api", "auth": "github", "base_url": "http://127.0.0.1:9", "embedded": true,
        });
        operator.put("/v1/connections/stored", embedded).await.is(201);
        let mut owners = Vec::new();
        for connection in ["stored", "each"] {
            let path = format!("/v1/connections/{connection}/activations/acme");
            operator.put(&path, json!({ "credentials": { "secret": SECRET } })).await.is(201);
            let owner = match connection {
                "stored" => database.text("SELECT id FROM connections WHERE key = 'stored'").await,
                _ => "file:each".to_owned(),
            };
            owners.push(owner);
            // Nothing was ever delivered to it: the first delivery waits to be written.
            operator.delete(&path).await.is(204);
        }
        let store = database.store().await;
        let all = store.webhook_deliveries();
        for (number, owner) in owners.iter().enumerate() {
            let mut row = kept(number as i64, "acme");
            row.delivery.owner.clone_from(owner);
            all.keep(SYSTEM, &[row]).await.expect("the store is there");
        }
        listed(&operator, "", 0).await;
        assert!(!all.trim(SYSTEM, &mut rows_up_to(100)).await.expect("the store is there"));
        assert_eq!(database.number("SELECT COUNT(*) FROM webhook_deliveries").await, 0);
    }

    async fn it_is_said_that_deliveries_are_gone_only_where_there_can_be_any(database: Database) {
        let gateway = Gateway::beside(&database, &configuration("http://127.0.0.1:9"));
        let operator = gateway.operator();
        let connector = json!({
            "base_url": "https://api.example.com",
            "auth": { "token": { "bearer": {} }, "signed": { "hmac": { "preset": "github" } } },
        });
        operator.put("/v1/connectors/own", connector).await.is(201);
        let gone = "SELECT COUNT(*) FROM webhook_deliveries_gone";
        for (auth, field, count) in [("token", "token", 0), ("signed", "secret", 1)] {
            let embedded = json!({
                "connector": "own", "auth": auth, "base_url": "http://127.0.0.1:9", "embedded": true,
            });
            operator.put(&format!("/v1/connections/{auth}"), embedded).await.is(201);
            let path = format!("/v1/connections/{auth}/activations/acme");
            operator.put(&path, json!({ "credentials": { field: SECRET } })).await.is(201);
            operator.delete(&path).await.is(204);
            assert_eq!(database.number(gone).await, count, "{auth}");
        }
        let owner = "SELECT COUNT(*) FROM webhook_deliveries_gone AS gone JOIN connections AS c ON c.id = gone.owner \
                     WHERE c.key = 'signed' AND gone.tenant = 'acme'";
        assert_eq!(database.number(owner).await, 1);
    }

    async fn what_is_written_after_its_tenant_went_is_neither_seen_nor_counted_and_goes(database: Database) {
        let gateway = Gateway::beside(&database, &configuration("http://127.0.0.1:9"));
        let operator = gateway.operator();
        for tenant in ["acme", "zeta"] {
            let path = format!("/v1/connections/each/activations/{tenant}");
            operator.put(&path, json!({ "credentials": { "secret": SECRET } })).await.is(201);
        }
        let store = database.store().await;
        let all = store.webhook_deliveries();
        let of = |number, tenant| {
            let mut row = kept(number, tenant);
            row.delivery.owner = "file:each".to_owned();
            row
        };
        all.keep(SYSTEM, &[of(1, "zeta")]).await.expect("the store is there");
        operator.delete("/v1/connections/each/activations/acme").await.is(204);
        // It was on its way when its tenant went.
        all.keep(SYSTEM, &[of(2, "acme"), of(3, "")]).await.expect("the store is there");
        let filter = DeliveryFilter::default();
        let (found, _) = all.list(SYSTEM, &filter, None, 10).await.expect("the store is there");
        let tenants: Vec<_> = found.iter().map(|it| &*it.tenant).collect();
        assert_eq!(tenants, ["", "zeta"]);
        let counts = all.counts(SYSTEM, &["file:each"]).await.expect("the store is there");
        assert_eq!((counts.len(), counts[0].count), (1, 2));
        let kept = async || database.number("SELECT COUNT(*) FROM webhook_deliveries").await;
        assert_eq!(kept().await, 3);
        assert!(!all.trim(SYSTEM, &mut rows_up_to(100)).await.expect("the store is there"));
        assert_eq!(kept().await, 2);
        // The whole owner's.
        database.run("INSERT INTO webhook_deliveries_gone VALUES ('file:each', '', 1800000000000)").await;
        assert!(!all.trim(SYSTEM, &mut rows_up_to(100)).await.expect("the store is there"));
        assert_eq!(kept().await, 0);
    }
}

/// Whether anything of a tenant's is left: one that was never stored can't be deleted.
async fn left_of(operator: &Operator, tenant: &str) -> bool {
    let path = format!("/v1/connections/each/activations/{tenant}");
    operator.get(&path).await.status == 200
}

fn rows_up_to(most: u32) -> DeliveryTrim {
    DeliveryTrim::to(DeliveryBounds { before_ms: 0, most, most_bytes: 1 << 40 })
}

fn kept(number: i64, tenant: &str) -> KeptDelivery {
    kept_of(number, tenant, 3)
}

fn kept_of(number: i64, tenant: &str, len: usize) -> KeptDelivery {
    let at_ms = 1_700_000_000_000 + number;
    let delivery = WebhookDelivery {
        id: format!("{:08x}-{:04x}-7000-8000-000000000000", at_ms >> 16, at_ms & 0xffff),
        owner: "file:hooks".to_owned(),
        connection: "hooks".to_owned(),
        tenant: tenant.to_owned(),
        at_ms,
        verdict: DeliveryVerdict::Accepted,
        code: String::new(),
        status: 200,
        target_status: Some(200),
        webhook_id: number.to_string(),
        method: "POST".to_owned(),
        path: "/hooks/hooks".to_owned(),
        bytes: 2,
        took_us: 1500,
        replay_of: String::new(),
        can_replay: true,
    };
    KeptDelivery { delivery, contents: vec![1; len] }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_store_the_last_ones_can_be_looked_at_and_sent_again() {
    let target = RawUpstream::start([fails(), Script::ok("taken")]).await;
    let gateway = Gateway::start(&configuration(&target.url()));
    let operator = gateway.operator();
    assert_eq!(deliver(&gateway, "hooks", "1", SECRET).await.status, 500);
    let failed = listed(&operator, "connection=hooks", 1).await.remove(0);
    let replay = format!("/v1/deliveries/{}/replay", failed["id"].as_str().expect("it has one"));
    let made = operator.send("POST", &replay, "", None).await.is(200).body;
    assert_eq!((&made["verdict"], &made["replay_of"]), (&json!("accepted"), &failed["id"]));
    assert_eq!(listed(&operator, "", 2).await[0], made);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_a_sender_shows_its_secret_in_is_shown_to_no_operator() {
    let target = RawUpstream::start([Script::ok("taken").again()]).await;
    let told = "gitlab: { hmac: { algorithm: token, covers: partial, signature: { header: X-Gitlab-Token } } }";
    let in_body =
        "gitlab: { hmac: { algorithm: token, covers: partial, signature: { json: /token } } }";
    let configuration = configuration(&target.url());
    assert!(configuration.contains(told));
    let gateway = Gateway::start(&configuration.replace(told, in_body));
    let operator = gateway.operator();
    let body = json!({ "token": SECRET }).to_string();
    let request = format!(
        "POST /hooks/shown HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(raw_request(gateway.public, request).await.text(), "taken");
    let id =
        listed(&operator, "connection=shown", 1).await[0]["id"].as_str().expect("one").to_owned();
    let full = operator.get(&format!("/v1/deliveries/{id}")).await.is(200);
    assert_eq!((&full.body["body"], &full.body["body_concealed"]), (&Value::Null, &json!(true)));
    assert!(!full.response.text().contains(SECRET), "{}", full.response.text());
    target.request().await;
    operator.send("POST", &format!("/v1/deliveries/{id}/replay"), "", None).await.is(200);
    assert_eq!(target.request().await.body, body.as_bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_shows_its_secret_shows_it_to_no_operator() {
    let target = RawUpstream::start([Script::ok("taken").again()]).await;
    let gateway = Gateway::start(&configuration(&target.url()));
    let operator = gateway.operator();
    let request = format!(
        "POST /hooks/shown HTTP/1.1\r\nHost: a\r\nX-Gitlab-Token: {SECRET}\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    assert_eq!(raw_request(gateway.public, request).await.text(), "taken");
    let id =
        listed(&operator, "connection=shown", 1).await[0]["id"].as_str().expect("one").to_owned();
    let full = operator.get(&format!("/v1/deliveries/{id}")).await.is(200);
    assert!(full.body["headers"].to_string().contains("[\"x-gitlab-token\",\"[secret]\"]"));
    assert!(!full.response.text().contains(SECRET));
    // And its target is shown it again.
    target.request().await;
    operator.send("POST", &format!("/v1/deliveries/{id}/replay"), "", None).await.is(200);
    assert_eq!(target.request().await.field("x-gitlab-token"), Some(SECRET));
}
