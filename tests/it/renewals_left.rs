//! What is left when a message or its answer is lost, when a replica stands still, or when an older database comes
//! back; and what is kept of answers. Ids are those of the design's cases.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Process;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Rotating;
use crate::support::Says;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::renewals::EGRESS;
use crate::support::renewals::Scene;
use crate::support::renewals::activate;
use crate::support::renewals::ask;
use crate::support::renewals::force;
use crate::support::renewals::grant_becomes;
use crate::support::renewals::set_up;
use crate::support::soon;
use rustix::process::Signal;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// It is time for all of them.
const DUE: &str = "UPDATE grants SET due_at = 5, look_at = 5";

each_engine! {
    async fn rf_06_twenty_refusals_of_one_token_are_one_renewal(database: Database) {
        let gate = Arc::new(Notify::new());
        let refusals = std::iter::repeat_n(Says::status(401, "no").after(&gate), 20);
        let api = Provider::start(refusals.chain([Says::status(200, "ok")])).await;
        let provider = Provider::rotating(Rotating::living(3600)).await;
        let gateway = Gateway::beside(&database, EGRESS);
        let operator = gateway.operator();
        let oauth2 = json!({ "grant": "refresh_token", "token_url": format!("{}/token", provider.url()) });
        let connector = json!({ "base_url": api.url(), "auth": { "m": { "oauth2": oauth2 } } });
        operator.put("/v1/connectors/api", connector).await.is(201);
        let connection = json!({
            "connector": "api", "auth": "m", "embedded": true,
            "credentials": { "client_id": "app", "client_secret": "hush-hush" },
        });
        operator.put("/v1/connections/crm", connection).await.is(201);
        activate(&operator, "acme").await;
        let mut asking = JoinSet::new();
        for _ in 0..20 {
            let proxy = gateway.proxy;
            asking.spawn(async move { ask(proxy, "acme").await.status });
        }
        api.was_asked(20).await;
        let mut statuses = Vec::new();
        let all = async {
            while statuses.len() < 20 {
                gate.notify_waiters();
                while let Some(status) = asking.try_join_next() {
                    statuses.push(status.unwrap());
                }
                tokio::task::yield_now().await;
            }
        };
        soon("twenty answers", all).await;
        assert_eq!(statuses, [200; 20]);
        assert_eq!(provider.asked().len(), 2, "one for each generation");
        assert_eq!((provider.families().renewed("acme"), provider.families().reuses()), (2, 0));
        assert_eq!(database.number("SELECT version FROM grants").await, 2);
    }

    async fn rf_07_what_is_no_token_ends_a_grant_only_where_it_surely_does_and_nobody_is_hammered(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let provider = Provider::start([Says::token("t")]).await;
        let gateway = Gateway::beside(&database, EGRESS);
        set_up(&gateway.operator(), &upstream, &provider).await;
        let wish = "Content-Type: application/json\r\nRetry-After: 600\r\n";
        let dead = ("reauthorization_required", "reauthorization_required");
        let passes = ("failing", "credential_unavailable");
        for (tenant, says, (state, code)) in [
            ("grant", Says::error(400, "invalid_grant"), dead),
            ("client", Says::error(401, "invalid_client"), passes),
            ("unauthorized", Says::error(400, "unauthorized_client"), passes),
            ("html", Says::status(403, "<html>no</html>"), passes),
            ("broken", Says::status(200, "{\"access_token\":"), passes),
            ("none", Says::json(json!({ "expires_in": 3600 })), passes),
        ] {
            activate(&gateway.operator(), tenant).await;
            provider.says([says.with(wish)]);
            let before = provider.asked().len();
            for _ in 0..3 {
                assert_eq!(ask(gateway.proxy, tenant).await.error(), code, "{tenant}");
            }
            assert_eq!(provider.asked().len(), before + 1, "{tenant}");
            let sql = format!("SELECT state FROM grants WHERE tenant = '{tenant}'");
            assert_eq!(database.text(&sql).await, state, "{tenant}");
        }
    }

    async fn an_answer_is_kept_only_where_it_may_hold_a_token(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let provider = Provider::start([Says::token("t")]).await;
        let gateway = Gateway::beside(&database, EGRESS);
        set_up(&gateway.operator(), &upstream, &provider).await;
        let wish = "Content-Type: application/json\r\nRetry-After: 600\r\n";
        // What is sealed is counted: by the token that is had, and by an answer.
        for (tenant, says, sealed) in [
            ("busy", Says::status(429, "wait"), 0),
            ("broken", Says::status(503, "{}"), 0),
            ("refused", Says::error(400, "invalid_scope"), 0),
            ("unread", Says::json(json!({ "data": "t" })), 1),
            ("token", Says::token("t"), 2),
        ] {
            activate(&gateway.operator(), tenant).await;
            provider.says([says.with(wish)]);
            ask(gateway.proxy, tenant).await;
            let sql = format!("SELECT generation - fence + 1 FROM grants WHERE tenant = '{tenant}'");
            assert_eq!(database.number(&sql).await, sealed, "{tenant}");
        }
        let kept = "SELECT COUNT(*) FROM credentials WHERE slot = 'grant_answer'";
        assert_eq!(database.number(kept).await, 1, "until somebody mends the setting");
    }

    async fn an_answer_without_a_token_holds_its_grant_up_for_ten_minutes_whoever_asks_for_another(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let provider = Provider::start([Says::json(json!({ "data": "t" }))]).await;
        let gateway = Gateway::beside(&database, EGRESS);
        set_up(&gateway.operator(), &upstream, &provider).await;
        activate(&gateway.operator(), "acme").await;
        assert_eq!(ask(gateway.proxy, "acme").await.error(), "credential_unavailable");
        provider.says([Says::token("t")]);
        // It is looked at again, and again nothing is sent.
        database.run(DUE).await;
        soon("it was looked at", async {
            while database.number("SELECT failures FROM grants").await < 2 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        gateway.stop();
        database.run("UPDATE grants SET due_at = 5, look_at = NULL").await;
        let gateway = Gateway::beside(&database, EGRESS);
        assert_eq!(force(gateway.proxy).await.error(), "credential_unavailable");
        assert_eq!(provider.asked().len(), 1);
        gateway.stop();
        database.run("UPDATE grants SET due_at = 5, look_at = 5, attempt_at = attempt_at - 600000").await;
        let gateway = Gateway::beside(&database, EGRESS);
        grant_becomes(&database, "version", "1").await;
        let used = provider.asked().into_iter().map(|it| it.parameter("refresh_token").unwrap());
        assert_eq!(used.collect::<Vec<_>>(), ["acme-0", "acme-0"], "the same token once more");
        assert_eq!(database.text("SELECT attempt FROM grants").await, "");
        gateway.stop();
    }

    async fn an_attempt_that_was_left_is_made_once_more_and_not_twice(database: Database) {
        let scene = Scene::of(database, Rotating::living(3600).with_grace(Duration::from_secs(3600))).await;
        scene.provider.families().loses(1000);
        assert_eq!(scene.ask().await.error(), "credential_unavailable");
        let Scene { database, provider, gateway, .. } = scene;
        let failures = "SELECT failures FROM grants";
        soon("it fails again and again", async {
            while database.number(failures).await < 3 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        gateway.stop();
        let failures = usize::try_from(database.number(failures).await).unwrap();
        assert_eq!(provider.asked().len(), failures + 1, "the first time twice at once, and then in each pause once");
        assert_ne!(database.text("SELECT attempt FROM grants").await, "", "nobody knows what came of it");
    }

    async fn rf_16_of_an_older_database_each_is_tried_once_and_it_is_told_who_has_to_come_again(database: Database) {
        let scene = Scene::of(database, Rotating::living(3600)).await;
        let tenants = ["acme", "beta", "gamma"];
        for tenant in tenants {
            if tenant != "acme" {
                activate(&scene.gateway.operator(), tenant).await;
            }
            assert_eq!(ask(scene.gateway.proxy, tenant).await.status, 200);
        }
        let Scene { database, provider, gateway, .. } = scene;
        let backup = database.empty().await;
        database.copy_into(&backup).await;
        let key = "seal.key";
        std::fs::copy(database.folder.path().join(key), backup.folder.path().join(key)).unwrap();
        // Meanwhile two of them are renewed once more.
        let stale = "tenant IN ('acme', 'beta')";
        database.run(&format!("{DUE} WHERE {stale}")).await;
        soon("two are renewed", async {
            while database.number("SELECT COUNT(*) FROM grants WHERE version = 2").await < 2 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        gateway.stop();
        assert_eq!((provider.asked().len(), provider.families().reuses()), (5, 0));
        backup.run(DUE).await;
        let gateway = Gateway::beside(&backup, EGRESS);
        soon("all are settled", async {
            while backup.number("SELECT COUNT(*) FROM grants WHERE look_at = 5 OR held_until > 0").await > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        assert_eq!(provider.asked().len(), 8, "each once");
        let dead = "SELECT COUNT(*) FROM grants WHERE state = 'reauthorization_required' AND";
        assert_eq!(backup.number(&format!("{dead} {stale}")).await, 2);
        assert_eq!(backup.number(&format!("{dead} NOT ({stale})")).await, 0);
        let told = "SELECT COUNT(DISTINCT tenant) FROM events WHERE type = 'connection.reauthorization_required' AND";
        assert_eq!(backup.number(&format!("{told} {stale}")).await, 2);
        gateway.stop();
    }
}

/// A row of the fault matrix.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_stands_still_with_the_lease_and_goes_on_later_costs_nothing() {
    let Some(database) = Database::postgres().await else { return };
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let rotating = Rotating::living(3600).with_grace(Duration::from_secs(3600));
    let provider = Provider::rotating(rotating).await;
    let frozen = Process::beside(&database, EGRESS).await;
    let other = Process::beside(&database, EGRESS).await;
    set_up(&frozen.operator(), &upstream, &provider).await;
    activate(&frozen.operator(), "acme").await;
    let gate = Arc::new(Notify::new());
    provider.families().holds(&gate);
    let proxy = frozen.proxy;
    let late = tokio::spawn(async move { ask(proxy, "acme").await.status });
    provider.was_asked(1).await;
    frozen.signal(Signal::STOP);
    gate.notify_one();
    let knows = async {
        while ask(other.proxy, "nobody").await.error() != "activation_not_found" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon("the other one knows the connection", knows).await;
    assert_eq!(ask(other.proxy, "acme").await.status, 200, "it takes up what was left");
    grant_becomes(&database, "version", "1").await;
    frozen.signal(Signal::CONT);
    // It has waited for as long as it stood still.
    late.await.unwrap();
    for proxy in [frozen.proxy, other.proxy] {
        assert_eq!(ask(proxy, "acme").await.status, 200);
    }
    let used = provider.asked().into_iter().map(|it| it.parameter("refresh_token").unwrap());
    assert_eq!(used.collect::<Vec<_>>(), ["acme-0", "acme-0"]);
    assert_eq!((provider.families().renewed("acme"), provider.families().reuses()), (1, 0));
    assert_eq!(database.number("SELECT version FROM grants").await, 1);
    assert_eq!(database.text("SELECT attempt FROM grants").await, "");
    let kept = "SELECT COUNT(*) FROM credentials WHERE slot = 'grant_answer'";
    assert_eq!(database.number(kept).await, 0);
}

/// RF-03, of what nobody asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_sweep_is_at_stays_one_replicas_for_as_long_as_the_provider_takes() {
    let Some(database) = Database::postgres().await else { return };
    let scene = Scene::of(database, Rotating::living(3600)).await;
    assert_eq!(scene.ask().await.status, 200);
    let Scene { database, provider, gateway, .. } = scene;
    let other = Gateway::beside(&database, EGRESS);
    let gate = Arc::new(Notify::new());
    provider.families().holds(&gate);
    database.run(DUE).await;
    provider.was_asked(2).await;
    let (held_until, fence) = ("SELECT held_until FROM grants", "SELECT fence FROM grants");
    let (first, began) = (database.number(held_until).await, database.number(fence).await);
    soon("what was held at first is over", async {
        while database.number(held_until).await < first + 7_000 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(database.number(fence).await, began, "nobody else had it");
    assert_eq!(provider.asked().len(), 2);
    gate.notify_one();
    grant_becomes(&database, "version", "2").await;
    assert_eq!((provider.asked().len(), provider.families().reuses()), (2, 0));
    gateway.stop();
    other.stop();
}
