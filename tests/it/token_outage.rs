//! A provider that is away for as long as pauses grow: nobody notices whose token lives, the others are told when to
//! come back, and each grant is asked for once in each pause. Its hour is not waited for: what is due is made due.
//! The same with a clock that the test says stands in `src/renewal/entry/tests.rs`.
use crate::support::Gateway;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Rotating;
use crate::support::Script;
use crate::support::asked;
use crate::support::each_engine;
use crate::support::soon;
use attache::app::now;
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;

/// Tenants whose tokens outlive it.
const MANY: usize = 30;

/// Tenants whose tokens end in the middle of it.
const SHORT: usize = 5;

/// From this failure on pauses are as long as they get: five minutes.
const LONGEST_FROM: i64 = 10;

const EACH_MS: std::ops::RangeInclusive<i64> = 100_000..=300_000;

fn now_ms() -> i64 {
    i64::try_from(now().as_ms()).expect("a time of ours")
}

each_engine! {
    async fn a_provider_that_is_away_is_asked_once_in_each_pause_and_live_tokens_are_served(database: Database) {
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
        let ask = async |tenant: &str| asked(gateway.proxy, &format!("/c/crm@{tenant}/a")).await;
        let many: Vec<String> = (0..MANY).map(|it| format!("many{it}")).collect();
        let short: Vec<String> = (0..SHORT).map(|it| format!("short{it}")).collect();
        for tenant in many.iter().chain(&short) {
            let credentials = json!({ "credentials": { "refresh_token": format!("{tenant}-0") } });
            operator.put(&format!("/v1/connections/crm/activations/{tenant}"), credentials).await.is(201);
        }
        for tenant in &many {
            assert_eq!(ask(tenant).await.status, 200);
        }
        provider.families().lives(2);
        for tenant in &short {
            assert_eq!(ask(tenant).await.status, 200);
        }
        provider.families().is_away(true);

        // Each time as if its pause were over.
        let behind = format!("SELECT COUNT(*) FROM grants WHERE tenant LIKE 'many%' AND failures < {LONGEST_FROM}");
        let due = format!("tenant LIKE 'many%' AND failures < {LONGEST_FROM}");
        for _ in 0..2 {
            soon("pauses to grow", async {
                for _ in 0..LONGEST_FROM {
                    if database.number(&behind).await == 0 {
                        return;
                    }
                    database.grants_are_due(&due).await;
                    for tenant in &many {
                        assert_eq!(ask(tenant).await.status, 200, "{tenant} has a token");
                    }
                    let waits = "SELECT COUNT(*) FROM grants WHERE tenant LIKE 'many%' AND due_at <= 5";
                    while database.number(waits).await > 0 {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                }
            })
            .await;
        }
        assert_eq!(database.number(&behind).await, 0);
        let mut failures = HashMap::new();
        let mut looked_at = Vec::new();
        for tenant in &many {
            let of = |column: &str| format!("SELECT CAST({column} AS BIGINT) FROM grants WHERE tenant = '{tenant}'");
            let failed = database.number(&of("failures")).await;
            let known = provider.families().known(tenant);
            assert_eq!((known.renewed, i64::from(known.asked)), (1, 1 + failed), "{tenant}: once in each pause");
            failures.insert(tenant.as_str(), failed);
            let in_ms = database.number(&of("due_at")).await - now_ms();
            assert!(EACH_MS.contains(&in_ms), "{tenant}: {in_ms} ms");
            looked_at.push(in_ms);
        }
        looked_at.sort_unstable();
        assert!(looked_at[MANY - 1] - looked_at[0] > 30_000, "they do not come back together: {looked_at:?}");

        let last = database.number("SELECT MAX(expires_at) FROM grants WHERE tenant LIKE 'short%'").await;
        soon("short tokens to end", async {
            while now_ms() <= last {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        for tenant in &short {
            let answer = ask(tenant).await;
            assert_eq!((answer.status, answer.error()), (503, "credential_unavailable"), "{tenant}");
            let retry_after: u64 = answer.field("retry-after").unwrap().parse().unwrap();
            assert!((1..=300).contains(&retry_after), "{retry_after}");
            assert_eq!(database.text(&format!("SELECT state FROM grants WHERE tenant = '{tenant}'")).await, "failing");
        }
        for tenant in &many {
            assert_eq!(ask(tenant).await.status, 200);
        }

        // It is back, and the pause that was running is over.
        provider.families().is_away(false);
        provider.families().lives(3600);
        database.grants_are_due("1 = 1").await;
        soon("all to have tokens again", async {
            while database.number("SELECT COUNT(*) FROM grants WHERE state <> 'active' OR version < 2").await > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        for tenant in &many {
            assert_eq!(i64::from(provider.families().known(tenant).asked), 2 + failures[tenant.as_str()], "{tenant}");
            assert_eq!(ask(tenant).await.status, 200);
        }
        for tenant in &short {
            soon("requests to be served again", async {
                while ask(tenant).await.status != 200 {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            })
            .await;
        }
        assert!(provider.most_at_once() <= 32);
        assert_eq!(provider.families().reuses(), 0);
    }
}
