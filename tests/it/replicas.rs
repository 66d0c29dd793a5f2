//! Two replicas of the shipped program on one database: what the API of one is told, the other serves.
use crate::support::Database;
use crate::support::Frail;
use crate::support::Operator;
use crate::support::Process;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::Wrong;
use crate::support::asked;
use crate::support::soon;
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use tokio::task::JoinSet;

/// What everything in the tests' database is sealed under. No secret.
const SEAL_KEY: &str = "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Issue 4: a runtime's request follows the API call at another replica within so long.
const BOUND: Duration = Duration::from_secs(1);

/// Tenants that come and go.
const ROUNDS: usize = 9;

fn keys(database: &Database) -> PathBuf {
    let path = database.folder.path().join("seal.key");
    fs::write(&path, SEAL_KEY).expect("the folder takes files");
    path
}

/// How long it takes until it answers so, and how often it was asked.
async fn until_it_answers(replica: &Process, path: &str, status: u16) -> Duration {
    let since = Instant::now();
    soon(&format!("{path} to be answered with {status}"), async {
        while replica.ask(path).await.status != status {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    since.elapsed()
}

/// An embedded connection `crm`, made by API.
async fn furnished(gateway: &Process, upstream: &RawUpstream) -> Operator {
    let operator = gateway.operator();
    let auth = json!({ "token": { "bearer": {} } });
    let connector = json!({ "base_url": upstream.url(), "auth": auth });
    operator.put("/v1/connectors/crm", connector).await.is(201);
    let connection = json!({ "connector": "crm", "auth": "token", "embedded": true });
    operator.put("/v1/connections/crm", connection).await.is(201);
    operator
}

async fn activate(operator: &Operator, tenant: &str) {
    let body = json!({ "credentials": { "token": format!("token-of-{tenant}") } });
    operator.put(&format!("/v1/connections/crm/activations/{tenant}"), body).await.is(201);
}

fn told(what: &str, mut all: Vec<Duration>) {
    all.sort_unstable();
    let (median, most) = (all[all.len() / 2], all[all.len() - 1]);
    println!(
        "{what} at another replica after {median:?} (median of {}), {most:?} at most",
        all.len()
    );
    // One of them may be late on a machine that does other things.
    let late = all.iter().filter(|it| **it >= BOUND).count();
    assert!(late <= 1, "{what}: {all:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_activated_at_one_replica_is_served_by_the_other_and_not_after_its_end() {
    let Some(database) = Database::postgres().await else { return };
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let keys = keys(&database);
    let here = Process::replica(&database.url, &keys, "").await;
    let there = Process::replica(&database.url, &keys, "").await;
    let operator = furnished(&here, &upstream).await;
    // Of a connection that it has not heard of, and of a tenant that it has.
    until_it_answers(&there, "/c/crm@nobody/a", 409).await;

    let (mut begins, mut ends) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let path = format!("/c/crm@tenant-{round}/a");
        let activation = format!("/v1/connections/crm/activations/tenant-{round}");
        let unknown = there.ask(&path).await.code();
        let unknown = unknown.expect("it is an answer of attache's own");
        assert!(
            matches!(&*unknown, "activation_not_found" | "embedded_not_activated"),
            "{unknown}"
        );

        let token = format!("token-of-{round}");
        let body = json!({ "credentials": { "token": token } });
        operator.put(&activation, body).await.is(201);
        assert_eq!(here.ask(&path).await.status, 200, "within the next request here");
        begins.push(until_it_answers(&there, &path, 200).await);
        for _ in 0..2 {
            let bearer = format!("Bearer {token}");
            assert_eq!(upstream.request().await.field("authorization"), Some(&*bearer));
        }

        operator.delete(&activation).await.is(204);
        assert_ne!(here.ask(&path).await.status, 200, "not in the next request here");
        ends.push(until_it_answers(&there, &path, 409).await);
        while upstream.request_so_far().await.is_some() {}
    }
    told("an activation works", begins);
    told("a deactivation works", ends);
}

/// A replica that is told of changes is before one that has to ask for them, time after time; both come to know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_told_to_replicas_at_once_and_found_by_those_that_nobody_tells() {
    let Some(database) = Database::postgres().await else { return };
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let keys = keys(&database);
    let frail = Frail::before_url(&database.url).await;
    frail.is_now(Wrong::Deaf);
    let here = Process::replica(&database.url, &keys, "").await;
    let told = Process::replica(&database.url, &keys, "").await;
    let deaf = Process::replica(&frail.url(&database.url), &keys, "").await;
    let operator = furnished(&here, &upstream).await;
    for replica in [&told, &deaf] {
        replica.answers("/c/crm@nobody/a", 409).await;
    }
    // Each change comes right after the last one was known to the one that is told: were it to ask for them as well, it
    // would ask next when the other already had. Definitions are known beforehand: no request looks them up.
    let (mut round, mut first_in_a_row) = (0, 0);
    while first_in_a_row < 5 {
        assert!(round < 60, "told or not, it is known no sooner");
        let credentials = json!({ "token": "t" });
        let body = json!({ "connector": "crm", "auth": "token", "credentials": credentials });
        operator.put(&format!("/v1/connections/round-{round}"), body).await.is(201);
        let path = format!("/c/round-{round}/a");
        told.answers(&path, 200).await;
        let is_first = deaf.ask(&path).await.status != 200;
        first_in_a_row = if is_first { first_in_a_row + 1 } else { 0 };
        round += 1;
    }
    println!("told five times in a row before the other asked, in {round} rounds");
    for round in 0..round {
        deaf.answers(&format!("/c/round-{round}/a"), 200).await;
    }
}

/// TN-01.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_that_begins_after_the_revocation_returned_carries_the_secret() {
    let Some(database) = Database::postgres().await else { return };
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let keys = keys(&database);
    let here = Process::replica(&database.url, &keys, "").await;
    let there = Process::replica(&database.url, &keys, "").await;
    let operator = furnished(&here, &upstream).await;
    for round in 0..5 {
        let tenant = format!("tenant-{round}");
        let path = Arc::new(format!("/c/crm@{tenant}/a"));
        activate(&operator, &tenant).await;
        there.answers(&path, 200).await;
        let revoked = Arc::new(AtomicBool::new(false));
        let served = Arc::new(AtomicUsize::new(0));
        let mut links = JoinSet::new();
        // A hundred in flight, at both.
        for link in 0..100 {
            let (path, revoked, served) = (path.clone(), revoked.clone(), served.clone());
            let is_here = link % 2 == 0;
            let proxy = if is_here { here.proxy } else { there.proxy };
            links.spawn(async move {
                let mut since = None;
                loop {
                    let is_revoked = revoked.load(Ordering::SeqCst);
                    if is_revoked {
                        since.get_or_insert_with(Instant::now);
                    }
                    let answer = asked(proxy, &path).await;
                    served.fetch_add(1, Ordering::SeqCst);
                    assert!(matches!(answer.status, 200 | 409), "{answer:?}");
                    match answer.status {
                        200 => assert!(!(is_here && is_revoked), "it began after the revocation"),
                        _ => return since.map(|it| it.elapsed()).unwrap_or_default(),
                    }
                }
            });
        }
        while served.load(Ordering::SeqCst) < 300 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        operator.delete(&format!("/v1/connections/crm/activations/{tenant}")).await.is(204);
        revoked.store(true, Ordering::SeqCst);
        let all = soon("every link to be refused", links.join_all()).await;
        println!("refused everywhere {:?} after the revocation", all.iter().max());
    }
}

/// ST-10.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_deleted_tenant_nothing_is_left_anywhere() {
    let Some(database) = Database::postgres().await else { return };
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let keys = keys(&database);
    let here = Process::replica(&database.url, &keys, "").await;
    let there = Process::replica(&database.url, &keys, "").await;
    let operator = furnished(&here, &upstream).await;
    operator.put("/v1/tenants/acme", json!({ "name": "Acme" })).await.is(201);
    for tenant in ["acme", "globex"] {
        activate(&operator, tenant).await;
        there.answers(&format!("/c/crm@{tenant}/a"), 200).await;
    }
    let in_use = operator.delete("/v1/tenants/acme").await.is(409);
    assert_eq!(in_use.response.code().as_deref(), Some("in_use"));
    there.answers("/c/crm@acme/a", 200).await;
    operator.delete("/v1/tenants/acme?force=true").await.is(204);
    assert_eq!(here.ask("/c/crm@acme/a").await.status, 404);
    there.answers("/c/crm@acme/a", 404).await;
    for replica in [&here, &there] {
        assert_eq!(replica.ask("/c/crm@globex/a").await.status, 200);
    }
    for (table, column) in
        [("tenants", "key"), ("activations", "tenant"), ("credentials", "tenant")]
    {
        let left = format!("SELECT COUNT(*) FROM {table} WHERE {column} = 'acme'");
        assert_eq!(database.number(&left).await, 0, "{table}");
    }
}
