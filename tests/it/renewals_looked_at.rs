//! The sweep: what can't be renewed now is neither forgotten nor in the way of others.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Rotating;
use crate::support::Says;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::renewals::EGRESS;
use crate::support::renewals::Scene;
use crate::support::renewals::ask;
use crate::support::renewals::force;
use crate::support::renewals::set_up;
use crate::support::soon;
use attache::app::now;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

async fn becomes(database: &Database, what: &str, sql: &str, expected: i64) {
    soon(what, async {
        while database.number(sql).await != expected {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// It was looked at, and let go of.
const LOOKED_AT: &str = "SELECT COUNT(*) FROM grants WHERE look_at = 5 OR held_until > 0";

each_engine! {
    async fn what_is_switched_off_for_a_moment_is_due_as_before_and_soon_looked_at(database: Database) {
        let scene = Scene::of(database, Rotating::living(3600)).await;
        assert_eq!(scene.ask().await.status, 200);
        let Scene { database, provider, gateway, .. } = scene;
        let operator = gateway.operator();
        operator.patch("/v1/connections/crm", json!({ "enabled": false })).await.is(200);
        let due_ms = now().as_ms() - 1000;
        database.run(&format!("UPDATE grants SET due_at = {due_ms}, look_at = 5")).await;
        becomes(&database, "it is put off", LOOKED_AT, 0).await;
        assert_eq!(database.number("SELECT due_at FROM grants").await, i64::try_from(due_ms).unwrap());
        // Half an hour at the least, were it due for long.
        let look_at = database.number("SELECT look_at FROM grants").await;
        assert!(look_at < i64::try_from(now().as_ms()).unwrap() + 300_000);
        assert_eq!(provider.asked().len(), 1);
        operator.patch("/v1/connections/crm", json!({ "enabled": true })).await.is(200);
        database.run("UPDATE grants SET look_at = 5").await;
        becomes(&database, "it is renewed", "SELECT version FROM grants", 2).await;
    }

    async fn what_is_taken_and_ends_without_a_word_is_put_off(database: Database) {
        let scene = Scene::of(database, Rotating::living(3600)).await;
        scene.provider.families().loses(1);
        assert_eq!(scene.ask().await.error(), "reauthorization_required");
        let Scene { database, provider, gateway, .. } = scene;
        // Dead and due: nothing is sent for it, and nothing is written.
        database.run("UPDATE grants SET due_at = 5, look_at = 5").await;
        becomes(&database, "it is put off", LOOKED_AT, 0).await;
        let pause = database.number("SELECT look_at FROM grants").await - i64::try_from(now().as_ms()).unwrap();
        assert!(pause > 60_000, "{pause}");
        assert_eq!(provider.asked().len(), 2);
        drop(gateway);
    }

    async fn a_slow_provider_does_not_hold_the_places_that_others_need(database: Database) {
        let gate = Arc::new(Notify::new());
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let slow = Provider::start([Says::token("t").after(&gate)]).await;
        let quick = Provider::start([Says::token("t")]).await;
        let gateway = Gateway::beside(&database, EGRESS);
        let operator = gateway.operator();
        set_up(&operator, &upstream, &slow).await;
        let oauth2 = json!({ "grant": "refresh_token", "token_url": format!("{}/token", quick.url()) });
        let connector = json!({ "base_url": upstream.url(), "auth": { "m": { "oauth2": oauth2 } } });
        operator.put("/v1/connectors/other", connector).await.is(201);
        let connection = json!({
            "connector": "other", "auth": "m", "embedded": true,
            "credentials": { "client_id": "app", "client_secret": "hush-hush" },
        });
        operator.put("/v1/connections/erp", connection).await.is(201);
        let credentials = json!({ "credentials": { "refresh_token": "r" } });
        for number in 0..280 {
            let path = format!("/v1/connections/crm/activations/t{number}");
            operator.put(&path, credentials.clone()).await.is(201);
        }
        for number in 0..20 {
            let path = format!("/v1/connections/erp/activations/t{number}");
            operator.put(&path, credentials.clone()).await.is(201);
        }
        gateway.stop();
        // Those of the slow one come first.
        database.run(
            "INSERT INTO grants (owner, tenant, slot, version, fingerprint, former, generation, state, since, why, \
             failures, tried_with, due_at, look_at, attempt, attempt_of, attempt_at, holder, held_until, fence) \
             SELECT a.owner, a.tenant, 'activation', 0, '', '', 1, 'active', 0, '', 0, '', \
             CASE c.connection WHEN 'crm' THEN 5 ELSE 6 END, CASE c.connection WHEN 'crm' THEN 5 ELSE 6 END, \
             '', '', 0, '', 0, 1 FROM activations a JOIN (SELECT id, key AS connection FROM connections) c \
             ON c.id = a.owner",
        ).await;
        let gateway = Gateway::beside(&database, EGRESS);
        slow.was_asked(32).await;
        becomes(&database, "others are renewed", "SELECT COUNT(*) FROM grants WHERE version = 1", 20).await;
        assert_eq!((quick.asked().len(), slow.most_at_once()), (20, 32));
        // What waits for its turn is not announced.
        let (held, announced) = ("held_until > 0", "attempt <> ''");
        for (which, count) in [(held, 64), (announced, 32)] {
            becomes(&database, which, &format!("SELECT COUNT(*) FROM grants WHERE {which}"), count).await;
        }
        slow.says([Says::token("t")]);
        gate.notify_waiters();
        becomes(&database, "all are renewed", "SELECT COUNT(*) FROM grants WHERE version = 1", 300).await;
        assert_eq!(slow.asked().len(), 280, "each once");
        drop(gateway);
    }

    async fn what_renews_itself_is_renewed_though_nobody_says_when_it_ends(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let provider = Provider::start([Says::json(json!({ "access_token": "next" }))]).await;
        let gateway = Gateway::beside(&database, EGRESS);
        let operator = gateway.operator();
        let oauth2 = json!({
            "grant": "refresh_token", "token_url": format!("{}/token", provider.url()),
            "refresh": { "by": "access_token" },
        });
        let connector = json!({ "base_url": upstream.url(), "auth": { "m": { "oauth2": oauth2 } } });
        operator.put("/v1/connectors/api", connector).await.is(201);
        let connection = json!({
            "connector": "api", "auth": "m", "embedded": true,
            "credentials": { "client_id": "app", "client_secret": "hush-hush" },
        });
        operator.put("/v1/connections/crm", connection).await.is(201);
        let credentials = json!({ "credentials": { "access_token": "first", "expires_at": "4000000000" } });
        operator.put("/v1/connections/crm/activations/acme", credentials).await.is(201);
        assert_eq!(force(gateway.proxy).await.status, 200);
        becomes(&database, "it is kept", "SELECT version FROM grants", 1).await;
        let day_ms = 24 * 3600 * 1000;
        let due_in = database.number("SELECT COALESCE(due_at, 0) FROM grants").await;
        let due_in = due_in - i64::try_from(now().as_ms()).unwrap();
        assert!((day_ms / 2..day_ms).contains(&due_in), "{due_in}");
        database.run("UPDATE grants SET due_at = 5, look_at = 5").await;
        becomes(&database, "it is renewed", "SELECT version FROM grants", 2).await;
        assert_eq!(ask(gateway.proxy, "acme").await.status, 200);
    }
}
