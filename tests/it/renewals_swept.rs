//! Many grants that are due at once: renewed with a bound on how many at a time, in flat memory. In short each time;
//! with `ATTACHE_TEST_LONG` as many as a figure for a million can be derived from.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Process;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Rotating;
use crate::support::SYSTEM;
use crate::support::Script;
use crate::support::each_engine;
use attache::app::now;
use attache::model::Credential;
use attache::store::Activation;
use attache::store::ActivationRow;
use attache::store::Condition;
use attache::store::Expect;
use attache::store::Place;
use attache::store::Secrets;
use serde_json::json;
use std::time::Duration;
use std::time::Instant;

/// How many, and how long it may take.
fn size() -> (usize, Duration) {
    if std::env::var_os("ATTACHE_TEST_LONG").is_some() {
        (20_000, Duration::from_secs(600))
    } else {
        (400, Duration::from_secs(60))
    }
}

each_engine! {
    async fn all_that_is_due_is_renewed_once_and_nothing_of_it_stays_in_memory(database: Database) {
        let (count, most) = size();
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let provider = Provider::rotating(Rotating::living(3600)).await;
        let gateway = Gateway::beside(&database, "egress: { allow: [127.0.0.0/8] }\n");
        let operator = gateway.operator();
        let oauth2 = json!({ "grant": "refresh_token", "token_url": format!("{}/token", provider.url()) });
        let connector = json!({ "base_url": upstream.url(), "auth": { "m": { "oauth2": oauth2 } } });
        operator.put("/v1/connectors/api", connector).await.is(201);
        let connection = json!({
            "connector": "api", "auth": "m", "embedded": true,
            "credentials": { "client_id": "app", "client_secret": "hush-hush" },
        });
        operator.put("/v1/connections/crm", connection).await.is(201);
        activate(&gateway, &database, count).await;
        gateway.stop();
        // As if each had been renewed before, and were due by now.
        database.run(
            "INSERT INTO grants (owner, tenant, slot, version, fingerprint, former, generation, state, since, why, \
             failures, tried_with, due_at, look_at, attempt, attempt_of, attempt_at, holder, held_until, fence) \
             SELECT owner, tenant, 'activation', 0, '', '', 1, 'active', 0, '', 0, '', 5, 5, '', '', 0, '', 0, 1 \
             FROM activations",
        ).await;
        let process = Process::beside(&database, "egress: { allow: [127.0.0.0/8] }\n").await;
        let (before, began) = (process.resident_kib("VmRSS"), Instant::now());
        let late = "SELECT COUNT(*) FROM grants WHERE look_at <= 5 OR held_until > 0 OR version = 0";
        let mut peak = before;
        while database.number(late).await > 0 {
            assert!(began.elapsed() < most, "{} are late still", database.number(late).await);
            peak = peak.max(process.resident_kib("VmRSS"));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let took = began.elapsed();
        let rate = count as f64 / took.as_secs_f64();
        eprintln!(
            "{count} grants in {took:.1?}: {rate:.0} a second, so a million in {:.0} minutes; \
             resident {before} KiB before, {peak} KiB at most, {} KiB after; {} messages at once",
            1e6 / rate / 60.0,
            process.resident_kib("VmRSS"),
            provider.most_at_once(),
        );
        assert_eq!(provider.asked().len(), count, "each once");
        assert_eq!(provider.families().reuses(), 0);
        assert!(provider.most_at_once() <= 32, "{}", provider.most_at_once());
        assert!(peak < before + 64 * 1024, "resident {before} KiB before, {peak} KiB at most");
    }
}

/// So many tenants, each with a refresh token of its own.
async fn activate(gateway: &Gateway, database: &Database, count: usize) {
    let owner = database.text("SELECT id FROM connections").await;
    let opened = gateway.app().stored().expect("it has a store");
    let tenants: Vec<String> = (0..count).map(|it| format!("t{it}")).collect();
    for lot in tenants.chunks(500) {
        let seal = |place: &Place<'_>| {
            let token = format!("{}-0", place.binding.tenant);
            let credential: Credential = [("refresh_token", &*token)].into_iter().collect();
            Ok(opened.sealer.seal(&place.binding, &credential, now()))
        };
        let activation = |tenant: &String| Activation {
            row: ActivationRow {
                owner: owner.clone(),
                tenant: tenant.clone(),
                connection: "crm".to_owned(),
                enabled: true,
                definition: "{}".to_owned(),
                account: None,
            },
            secrets: Secrets::Set(&seal),
            condition: Condition::from(Expect::Anything),
        };
        let all: Vec<Activation<'_>> = lot.iter().map(activation).collect();
        opened.store.activations().put_all(SYSTEM, &all, &[]).await.expect("they can be written");
    }
}
