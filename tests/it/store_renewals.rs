//! Renewals where there is a store: one for all replicas, never one that could not be kept, and what is left when
//! somebody dies. Ids are those of the design's cases.
use crate::support::CALLER_KEY;
use crate::support::Database;
use crate::support::Frail;
use crate::support::Gateway;
use crate::support::Process;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Rotating;
use crate::support::Says;
use crate::support::Script;
use crate::support::Wrong;
use crate::support::asked;
use crate::support::each_engine;
use crate::support::renewals::EGRESS;
use crate::support::renewals::Scene;
use crate::support::renewals::activate;
use crate::support::renewals::ask;
use crate::support::renewals::ask_all;
use crate::support::renewals::force;
use crate::support::renewals::grant_becomes;
use crate::support::renewals::sent;
use crate::support::renewals::set_up;
use crate::support::soon;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

each_engine! {
    async fn rf_01_200_callers_of_one_process_cost_one_message_and_each_is_served(database: Database) {
        let scene = Scene::of(database, Rotating::living(3600)).await;
        assert_eq!(ask_all(&[scene.gateway.proxy], 200).await, 200);
        assert_eq!(sent(&scene.upstream).await, "Bearer a-acme-1");
        assert_eq!(scene.provider.asked().len(), 1);
        assert_eq!(scene.provider.most_at_once(), 1);
        assert_eq!(scene.database.text("SELECT attempt FROM grants").await, "");
        assert_eq!(scene.database.number("SELECT version FROM grants").await, 1);
        assert_eq!(scene.database.number("SELECT held_until FROM grants").await, 0);
        let sealed = "SELECT COUNT(*) FROM credentials WHERE slot = 'grant_answer'";
        assert_eq!(scene.database.number(sealed).await, 0);
    }

    async fn a_token_is_there_again_after_a_restart_and_its_successor_is_what_is_used(database: Database) {
        let scene = Scene::of(database, Rotating::living(3600)).await;
        assert_eq!(scene.ask().await.status, 200);
        let Scene { database, upstream, provider, gateway } = scene;
        sent(&upstream).await;
        gateway.stop();
        let gateway = Gateway::beside(&database, EGRESS);
        assert_eq!(ask(gateway.proxy, "acme").await.status, 200);
        assert_eq!(sent(&upstream).await, "Bearer a-acme-1");
        assert_eq!(provider.asked().len(), 1);
        let metrics = gateway.admin("/metrics").await.text();
        assert!(metrics.contains("attache_token_renewals_total{outcome=\"kept\"} 1"), "{metrics}");
        // Another one is had by the token that the store has, not by the one that the tenant brought.
        gateway.stop();
        let gateway = Gateway::beside(&database, EGRESS);
        assert_eq!(force(gateway.proxy).await.status, 200);
        assert_eq!(sent(&upstream).await, "Bearer a-acme-2");
        assert_eq!((provider.families().renewed("acme"), provider.families().reuses()), (2, 0));
    }

    async fn rf_04_a_refresh_token_that_is_not_sent_again_is_kept(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let short = |token: &str| json!({ "access_token": token, "expires_in": 1 });
        let mut first = short("one");
        first["refresh_token"] = json!("second");
        let provider = Provider::start([first, short("two"), short("three")].map(Says::json)).await;
        let gateway = Gateway::beside(&database, EGRESS);
        set_up(&gateway.operator(), &upstream, &provider).await;
        activate(&gateway.operator(), "acme").await;
        for _ in 0..3 {
            assert_eq!(ask(gateway.proxy, "acme").await.status, 200);
            tokio::time::sleep(Duration::from_millis(1100)).await;
        }
        let used = provider.asked().into_iter().map(|it| it.parameter("refresh_token").unwrap());
        assert_eq!(used.take(3).collect::<Vec<_>>(), ["acme-0", "second", "second"]);
    }

    async fn rf_08_a_restart_does_not_forget_what_the_provider_wished(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let busy = Says::status(429, "").with("Retry-After: 600\r\n");
        let provider = Provider::start([busy]).await;
        let mut gateway = Gateway::beside(&database, EGRESS);
        set_up(&gateway.operator(), &upstream, &provider).await;
        activate(&gateway.operator(), "acme").await;
        for _ in 0..2 {
            let answer = ask(gateway.proxy, "acme").await;
            assert_eq!((answer.status, answer.error()), (503, "credential_unavailable"));
            let retry_after: u64 = answer.field("retry-after").unwrap().parse().unwrap();
            assert!((580..=600).contains(&retry_after), "{retry_after}");
            gateway.stop();
            gateway = Gateway::beside(&database, EGRESS);
        }
        assert_eq!(provider.asked().len(), 1);
        assert_eq!(database.text("SELECT state FROM grants").await, "failing");
        // Whoever mends a setting need not wait.
        provider.says([Says::token("t")]);
        let operator = gateway.operator();
        operator.patch("/v1/connections/crm", json!({ "credentials": { "client_secret": "another" } })).await.is(200);
        assert_eq!(ask(gateway.proxy, "acme").await.status, 200);
        assert_eq!(database.text("SELECT state FROM grants").await, "active");
    }

    async fn rf_11_an_answer_that_is_lost_is_asked_for_once_more_with_the_same_token(database: Database) {
        let scene = Scene::of(database, Rotating::living(3600).with_grace(Duration::from_secs(10))).await;
        scene.provider.families().loses(1);
        assert_eq!(scene.ask().await.status, 200);
        assert_eq!(sent(&scene.upstream).await, "Bearer a-acme-1");
        let used = scene.provider.asked().into_iter().map(|it| it.parameter("refresh_token").unwrap());
        assert_eq!(used.collect::<Vec<_>>(), ["acme-0", "acme-0"]);
        assert_eq!(scene.provider.families().reuses(), 0);
    }

    async fn rf_11_where_the_provider_offers_no_way_out_it_is_named_and_counted(database: Database) {
        let scene = Scene::of(database, Rotating::living(3600)).await;
        scene.provider.families().loses(1);
        for _ in 0..3 {
            let answer = scene.ask().await;
            assert_eq!((answer.status, answer.error()), (424, "reauthorization_required"));
        }
        assert_eq!(scene.provider.asked().len(), 2, "once more, and then never again");
        assert!(scene.metric("lost").await);
        let why = scene.database.text("SELECT why FROM grants").await;
        assert!(why.starts_with("lost in a crash or on the way"), "{why}");
        let told = "SELECT CAST(COUNT(*) AS TEXT) || MAX(connection) || MAX(tenant) FROM events \
                    WHERE type = 'connection.reauthorization_required'";
        assert_eq!(scene.database.text(told).await, "1crmacme");
        let entered = "SELECT who || ' ' || key || ' ' || tenant || ' ' || became FROM audit WHERE act = 'lapsed'";
        let entry = scene.database.text(entered).await;
        assert!(entry.starts_with("attache crm acme ") && entry.contains("lost in a crash"), "{entry}");
        assert_eq!(scene.database.text("SELECT state FROM grants").await, "reauthorization_required");
        let Scene { database, gateway, provider, .. } = scene;
        gateway.stop();
        let gateway = Gateway::beside(&database, EGRESS);
        assert_eq!(ask(gateway.proxy, "acme").await.error(), "reauthorization_required");
        assert_eq!(provider.asked().len(), 2, "a restart asks nobody");
    }

    async fn a_mistaken_setting_costs_nobody_once_it_is_put_back(database: Database) {
        let scene = Scene::of(database, Rotating::living(3600)).await;
        assert_eq!(scene.ask().await.status, 200);
        let operator = scene.gateway.operator();
        let app = |id: &str| json!({ "credentials": { "client_id": id } });
        operator.patch("/v1/connections/crm", app("mistyped")).await.is(200);
        assert_eq!(scene.ask().await.error(), "reauthorization_required");
        assert_eq!(scene.provider.asked().len(), 1, "the token that was brought is used up: it goes nowhere");
        operator.patch("/v1/connections/crm", app("app")).await.is(200);
        assert_eq!(scene.ask().await.status, 200);
        let Scene { database, provider, gateway, .. } = scene;
        gateway.stop();
        let gateway = Gateway::beside(&database, EGRESS);
        assert_eq!(force(gateway.proxy).await.status, 200);
        assert_eq!((provider.families().renewed("acme"), provider.families().reuses()), (2, 0));
    }

    async fn a_token_that_no_setting_finds_is_kept_until_one_does(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let says = json!({ "data": { "access_token": "t", "refresh_token": "next" }, "expires_in": 3600 });
        let provider = Provider::start([Says::json(says)]).await;
        let gateway = Gateway::beside(&database, EGRESS);
        let operator = gateway.operator();
        set_up(&operator, &upstream, &provider).await;
        activate(&operator, "acme").await;
        assert_eq!(ask(gateway.proxy, "acme").await.error(), "credential_unavailable");
        assert_eq!(provider.asked().len(), 1);
        let oauth2 = json!({
            "grant": "refresh_token", "token_url": format!("{}/token", provider.url()),
            "reply": { "access_token": "/data/access_token", "refresh_token": "/data/refresh_token" },
        });
        let connector = json!({ "base_url": upstream.url(), "auth": { "m": { "oauth2": oauth2 } } });
        operator.put("/v1/connectors/api", connector).await.is(200);
        operator.post("/v1/connections/crm/repin", json!({})).await.is(200);
        assert_eq!(ask(gateway.proxy, "acme").await.status, 200);
        assert_eq!(sent(&upstream).await, "Bearer t");
        assert_eq!(provider.asked().len(), 1, "it was in the first answer");
    }

    async fn a_token_that_no_setting_finds_is_kept_even_where_the_grant_is_dead_meanwhile(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let says = json!({ "data": { "access_token": "t", "refresh_token": "next" }, "expires_in": 3600 });
        let provider = Provider::start([Says::json(says)]).await;
        let gateway = Gateway::beside(&database, EGRESS);
        let operator = gateway.operator();
        set_up(&operator, &upstream, &provider).await;
        activate(&operator, "acme").await;
        assert_eq!(ask(gateway.proxy, "acme").await.error(), "credential_unavailable");
        // Nobody looked for ten minutes, and then the same token is not taken again.
        provider.says([Says::error(400, "invalid_grant")]);
        database.run("UPDATE grants SET due_at = 5, look_at = 5, attempt_at = attempt_at - 600000").await;
        grant_becomes(&database, "state", "reauthorization_required").await;
        assert_eq!(ask(gateway.proxy, "acme").await.error(), "reauthorization_required");
        assert_eq!(database.text("SELECT attempt FROM grants").await, "");
        let oauth2 = json!({
            "grant": "refresh_token", "token_url": format!("{}/token", provider.url()),
            "reply": { "access_token": "/data/access_token", "refresh_token": "/data/refresh_token" },
        });
        let connector = json!({ "base_url": upstream.url(), "auth": { "m": { "oauth2": oauth2 } } });
        operator.put("/v1/connectors/api", connector).await.is(200);
        operator.post("/v1/connections/crm/repin", json!({})).await.is(200);
        assert_eq!(ask(gateway.proxy, "acme").await.status, 200);
        assert_eq!(sent(&upstream).await, "Bearer t");
        assert_eq!(provider.asked().len(), 2, "it was in the first answer");
        assert_eq!(database.text("SELECT state FROM grants").await, "active");
    }

    async fn rf_14_what_is_authorized_meanwhile_counts_and_a_late_answer_does_not(database: Database) {
        let scene = Scene::of(database, Rotating::living(3600)).await;
        let gate = Arc::new(Notify::new());
        scene.provider.families().holds(&gate);
        let late = tokio::spawn({
            let proxy = scene.gateway.proxy;
            async move { ask(proxy, "acme").await }
        });
        scene.provider.was_asked(1).await;
        let credentials = json!({ "credentials": { "refresh_token": "again-0" } });
        let operator = scene.gateway.operator();
        operator.patch("/v1/connections/crm/activations/acme", credentials).await.is(200);
        let now = tokio::spawn({
            let proxy = scene.gateway.proxy;
            async move { ask(proxy, "acme").await }
        });
        gate.notify_one();
        assert_eq!(late.await.unwrap().status, 200);
        assert_eq!(now.await.unwrap().status, 200);
        assert_eq!(scene.ask().await.status, 200);
        let all = [sent(&scene.upstream).await, sent(&scene.upstream).await, sent(&scene.upstream).await];
        assert_eq!(all[2], "Bearer a-again-1", "{all:?}");
        assert_eq!(scene.provider.families().reuses(), 0);
    }

    async fn rf_15_what_is_deleted_in_the_middle_of_it_does_not_come_back(database: Database) {
        let scene = Scene::of(database, Rotating::living(3600)).await;
        let gate = Arc::new(Notify::new());
        scene.provider.families().holds(&gate);
        let late = tokio::spawn({
            let proxy = scene.gateway.proxy;
            async move { ask(proxy, "acme").await }
        });
        scene.provider.was_asked(1).await;
        scene.gateway.operator().delete("/v1/connections/crm/activations/acme").await.is(204);
        gate.notify_one();
        late.await.unwrap();
        assert_eq!(scene.ask().await.error(), "embedded_not_activated");
        assert_eq!(scene.database.number("SELECT COUNT(*) FROM grants").await, 0);
        let sealed = "SELECT COUNT(*) FROM credentials WHERE slot LIKE 'grant%'";
        assert_eq!(scene.database.number(sealed).await, 0);
    }

    async fn an_operator_who_changes_a_secret_a_scope_or_a_path_loses_nobody(database: Database) {
        let scene = Scene::of(database, Rotating::living(3600)).await;
        assert_eq!(scene.ask().await.status, 200);
        let operator = scene.gateway.operator();
        operator.patch("/v1/connections/crm", json!({ "credentials": { "client_secret": "another" } })).await.is(200);
        assert_eq!(force(scene.gateway.proxy).await.status, 200);
        let asked = scene.provider.asked();
        let last = asked.last().unwrap();
        assert_ne!(last.parameter("refresh_token").unwrap(), "acme-0");
        assert_eq!(last.basic().unwrap(), "app:another");
        assert_eq!(scene.provider.families().reuses(), 0);
    }

    async fn rf_10_an_answer_that_a_killed_process_never_got_is_asked_for_once_and_then_named(database: Database) {
        for grace in [Duration::from_secs(60), Duration::ZERO] {
        let database = database.empty().await;
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let provider = Provider::rotating(Rotating::living(3600).with_grace(grace)).await;
        let mut process = Process::beside(&database, EGRESS).await;
        set_up(&process.operator(), &upstream, &provider).await;
        activate(&process.operator(), "acme").await;
        provider.families().holds(&Arc::new(Notify::new()));
        let proxy = process.proxy;
        let asking = tokio::spawn(async move {
            let request = format!(
                "GET /c/crm@acme/a HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\r\n"
            );
            let mut stream = tokio::net::TcpStream::connect(proxy).await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        });
        provider.was_asked(1).await;
        assert_ne!(
            database.text("SELECT attempt FROM grants").await,
            "",
            "announced before it went out"
        );
        process.signal(rustix::process::Signal::KILL);
        process.ended().await;
        asking.abort();
        let process = Process::beside(&database, EGRESS).await;
        let answer = ask(process.proxy, "acme").await;
        let used = provider.asked().into_iter().map(|it| it.parameter("refresh_token").unwrap());
        assert_eq!(used.collect::<Vec<_>>(), ["acme-0", "acme-0"]);
        if grace.is_zero() {
            assert_eq!(answer.error(), "reauthorization_required");
            let why = database.text("SELECT why FROM grants").await;
            assert!(why.starts_with("lost in a crash or on the way"), "{why}");
        } else {
            assert_eq!(answer.status, 200);
            grant_becomes(&database, "attempt", "").await;
        }
    }
}

    async fn what_nobody_asks_for_is_kept_alive_and_what_is_switched_off_is_not(database: Database) {
        let scene = Scene::of(database, Rotating::living(3600)).await;
        let operator = scene.gateway.operator();
        let tenants: Vec<String> = (0..20).map(|it| format!("t{it}")).collect();
        for tenant in &tenants {
            activate(&operator, tenant).await;
            assert_eq!(ask(scene.gateway.proxy, tenant).await.status, 200);
        }
        let Scene { database, provider, gateway, upstream } = scene;
        for _ in &tenants {
            sent(&upstream).await;
        }
        gateway.stop();
        database.run("UPDATE grants SET due_at = 5, look_at = 5").await;
        let off = "UPDATE grants SET owner = 'gone' WHERE tenant = 't7'";
        database.run(off).await;
        let gateway = Gateway::beside(&database, EGRESS);
        let late = "SELECT COUNT(*) FROM grants WHERE look_at <= 5 OR held_until > 0";
        soon("none is due", async {
            while database.number(late).await > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        for tenant in &tenants {
            let renewed = if tenant == "t7" { 1 } else { 2 };
            assert_eq!(provider.families().renewed(tenant), renewed, "{tenant}");
        }
        assert_eq!(provider.families().reuses(), 0);
        assert_eq!(ask(gateway.proxy, "t3").await.status, 200);
        assert_eq!(sent(&upstream).await, "Bearer a-t3-2");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_share_what_is_due() {
    let Some(database) = Database::postgres().await else { return };
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let provider = Provider::rotating(Rotating::living(3600)).await;
    let first = Gateway::beside(&database, EGRESS);
    set_up(&first.operator(), &upstream, &provider).await;
    let tenants: Vec<String> = (0..60).map(|it| format!("t{it}")).collect();
    for tenant in &tenants {
        activate(&first.operator(), tenant).await;
        assert_eq!(ask(first.proxy, tenant).await.status, 200);
    }
    first.stop();
    database.run("UPDATE grants SET due_at = 5, look_at = 5").await;
    let replicas: Vec<Gateway> = (0..3).map(|_| Gateway::beside(&database, EGRESS)).collect();
    let late = "SELECT COUNT(*) FROM grants WHERE look_at <= 5 OR held_until > 0";
    soon("none is due", async {
        while database.number(late).await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(provider.asked().len(), 120, "each once");
    assert_eq!(provider.families().reuses(), 0);
    drop(replicas);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rf_02_and_03_three_replicas_cost_one_message_though_it_takes_long() {
    let Some(database) = Database::postgres().await else { return };
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let provider = Provider::rotating(Rotating::living(3600)).await;
    let replicas: Vec<Gateway> = (0..3).map(|_| Gateway::beside(&database, EGRESS)).collect();
    set_up(&replicas[0].operator(), &upstream, &provider).await;
    activate(&replicas[0].operator(), "acme").await;
    let gate = Arc::new(Notify::new());
    provider.families().holds(&gate);
    let proxies: Vec<SocketAddr> = replicas.iter().map(|it| it.proxy).collect();
    for replica in &replicas {
        let serves = async {
            while asked(replica.proxy, "/c/crm@nobody/a").await.error() != "activation_not_found" {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        soon("each replica knows the connection", serves).await;
    }
    let asking = tokio::spawn(async move { ask_all(&proxies, 20).await });
    provider.was_asked(1).await;
    // Longer than a lease that nobody says again.
    tokio::time::sleep(Duration::from_millis(7500)).await;
    gate.notify_one();
    assert_eq!(asking.await.unwrap(), 60);
    assert_eq!(provider.asked().len(), 1);
    assert_eq!((provider.families().renewed("acme"), provider.families().reuses()), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rf_12_a_database_that_stops_between_the_message_and_its_answer_costs_nothing() {
    let Some(database) = Database::postgres().await else { return };
    let frail = Frail::before_url(&database.url).await;
    let through = frail.url(&database.url);
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let provider = Provider::rotating(Rotating::living(3600)).await;
    let direct = Gateway::beside(&database, EGRESS);
    set_up(&direct.operator(), &upstream, &provider).await;
    for tenant in ["acme", "beta"] {
        activate(&direct.operator(), tenant).await;
    }
    direct.stop();
    let keys = database.folder.path().join("seal.key");
    let process = Process::replica(&through, &keys, "").await;
    // Known, so that only the renewal needs the store.
    let gate = Arc::new(Notify::new());
    provider.families().holds(&gate);
    let proxy = process.proxy;
    let asking = tokio::spawn(async move { ask(proxy, "acme").await });
    provider.was_asked(1).await;
    frail.is_now(Wrong::Cut);
    gate.notify_one();
    assert_eq!(asking.await.unwrap().status, 200, "the new token is used");
    assert_eq!(sent(&upstream).await, "Bearer a-acme-1");
    assert_eq!(database.number("SELECT version FROM grants").await, 0);
    assert_eq!(ask(proxy, "acme").await.status, 200);
    frail.is_now(Wrong::Nothing);
    grant_becomes(&database, "version", "1").await;
    assert_eq!(database.text("SELECT attempt FROM grants").await, "");
    assert_eq!((provider.asked().len(), provider.families().reuses()), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_used_up_while_the_store_is_away_and_what_is_made_anew_goes_on() {
    let Some(database) = Database::postgres().await else { return };
    let frail = Frail::before_url(&database.url).await;
    let through = frail.url(&database.url);
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let provider = Provider::start([Says::token("t")]).await;
    database.store().await;
    let keys = database.folder.path().join("seal.key");
    std::fs::write(&keys, "1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").unwrap();
    let configuration = format!(
        "connectors:
  api:
    base_url: {}
    auth:
      kept: {{ oauth2: {{ grant: refresh_token, token_url: {url}/kept }} }}
      anew: {{ oauth2: {{ grant: client_credentials, token_url: {url}/anew }} }}
connections:
  kept: {{ connector: api, auth: kept, credentials: {{ client_id: a, client_secret: b, refresh_token: r }} }}
  anew: {{ connector: api, auth: anew, credentials: {{ client_id: a, client_secret: b }} }}
",
        upstream.url(),
        url = provider.url()
    );
    let process = Process::replica(&through, &keys, &configuration).await;
    frail.is_now(Wrong::Cut);
    let refused = asked(process.proxy, "/c/kept/a").await;
    assert_eq!((refused.status, refused.error()), (503, "credential_unavailable"));
    assert_eq!(asked(process.proxy, "/c/anew/a").await.status, 200);
    let lines: Vec<String> = provider.asked().iter().map(|it| it.line()).collect();
    assert_eq!(lines, ["POST /anew"]);
    frail.is_now(Wrong::Nothing);
    soon("it is had once the store is back", async {
        while asked(process.proxy, "/c/kept/a").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    assert_eq!(database.text("SELECT owner FROM grants WHERE version = 1").await, "file:kept");
}
