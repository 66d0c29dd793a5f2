//! When somebody looks at a grant next, and who is left alone meanwhile: the same on both engines.
use crate::support::SYSTEM;
use crate::support::each_engine;
use crate::support::soon;
use attache::seal::Sealed;
use attache::seal::SealedField;
use attache::seal::Slot;
use attache::store::GrantFailure;
use attache::store::GrantKey;
use attache::store::GrantName;
use attache::store::GrantState;
use attache::store::Lease;
use attache::store::Leased;
use attache::store::Lot;
use attache::store::Place;
use attache::store::Renewal;
use attache::store::Store;
use attache::store::Wanting;
use sqlx::Connection;
use sqlx::PgConnection;

const ACME: GrantKey<'_> = GrantKey { owner: "file:crm", tenant: "acme", slot: Slot::Activation };
const OWN: GrantKey<'_> = GrantKey { owner: "file:crm", tenant: "", slot: Slot::Own };

/// No cipher.
fn seal(_: &Place<'_>) -> Result<Sealed, String> {
    let field = SealedField { sealed: vec![1], fingerprint: "00".to_owned(), set_at_ms: 1 };
    let fields = [("key".to_owned(), field)].into();
    Ok(Sealed { key_id: "v1-test".to_owned(), wrapped: vec![0, 1, 255], fields })
}

fn name(key: GrantKey<'_>) -> GrantName {
    GrantName { owner: key.owner.to_owned(), tenant: key.tenant.to_owned(), slot: key.slot }
}

async fn wanted(store: &Store, key: GrantKey<'_>, holder: &str) -> Leased {
    let wanting = Wanting { fingerprint: "f", holder, is_declared: true };
    store.grants().lease(SYSTEM, key, wanting).await.unwrap()
}

async fn leased<'h>(store: &Store, key: GrantKey<'_>, holder: &'h str) -> Lease<'h> {
    match wanted(store, key, holder).await {
        Leased::Held { fence, .. } => Lease { holder, fence },
        other => panic!("nobody else has it: {other:?}"),
    }
}

/// One whose token is due in so many milliseconds.
async fn due(store: &Store, key: GrantKey<'_>, in_ms: i64) {
    let lease = leased(store, key, "one").await;
    let (fingerprint, of, due_in_ms) = ("f", "", Some(in_ms));
    let renewal =
        Renewal { version: 0, fingerprint, of, expires_ms: None, due_in_ms, ends_ms: None };
    assert!(store.grants().renewed(SYSTEM, key, lease, renewal, &seal).await.unwrap().is_some());
}

/// Whose lease is taken of those that it is time for.
async fn claimed(store: &Store, holder: &str, lot: Lot, but: &[&str]) -> Vec<String> {
    let claimed = store.grants().claim(SYSTEM, holder, lot, 10, but).await.unwrap();
    claimed.into_iter().map(|it| it.owner).collect()
}

fn failure(attempt: &str) -> GrantFailure {
    GrantFailure {
        state: GrantState::Failing,
        why: "busy".to_owned(),
        attempt: attempt.to_owned(),
        again_in_ms: Some(60_000),
        is_uncertain: false,
        tried_with: String::new(),
    }
}

each_engine! {
    async fn what_a_replica_is_at_is_said_again_of_hundreds_at_once_and_waits_for_nobody(database: Database) {
        let store = database.store().await;
        database.run(
            "INSERT INTO grants (owner, tenant, slot, version, fingerprint, former, generation, state, since, why, \
             failures, tried_with, attempt, attempt_of, attempt_at, holder, held_until, fence) \
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) \
             SELECT 'file:crm', 't' || i, 'activation', 0, 'f', '', 1, 'active', 0, '', 0, '', '', '', 0, \
             CASE i WHEN 600 THEN 'two' ELSE 'one' END, CASE i WHEN 599 THEN 0 ELSE 5 END, 1 FROM n",
        ).await;
        let key = |tenant: &str| GrantName { tenant: tenant.to_owned(), ..name(ACME) };
        let names: Vec<GrantName> = (1..=600).rev().map(|it| key(&format!("t{it}"))).collect();
        // Somebody writes one of them right now.
        let mut lock = None;
        if database.is_postgres() {
            let mut other = PgConnection::connect(&database.url).await.unwrap();
            let sql = "BEGIN; UPDATE grants SET why = 'x' WHERE tenant = 't7'";
            sqlx::raw_sql(sql).execute(&mut other).await.unwrap();
            lock = Some(other);
        }
        soon("nobody is waited for", store.grants().extend(SYSTEM, "one", &names)).await.unwrap();
        let last = "SELECT COUNT(*) FROM grants WHERE held_until > 5";
        assert_eq!(database.number(last).await, if lock.is_some() { 597 } else { 598 });
        let others = "SELECT COUNT(*) FROM grants WHERE tenant IN ('t599', 't600') AND held_until > 5";
        assert_eq!(database.number(others).await, 0, "nothing that was let go of, or is another's");
        drop(lock);
    }

    async fn whoever_stops_does_not_let_go_of_what_it_may_still_be_putting_down(database: Database) {
        let store = database.store().await;
        let lease = leased(&store, ACME, "one").await;
        assert!(store.grants().intend(SYSTEM, ACME, lease, "", ("a", "token-1")).await.unwrap());
        leased(&store, OWN, "one").await;
        store.grants().release(SYSTEM, "one").await.unwrap();
        leased(&store, OWN, "two").await;
        assert_eq!(wanted(&store, ACME, "two").await, Leased::Taken);
        assert!(claimed(&store, "two", Lot::Left, &[]).await.is_empty());
    }

    async fn a_failure_ends_its_own_attempt_and_no_other(database: Database) {
        let store = database.store().await;
        let grants = store.grants();
        let lease = leased(&store, ACME, "one").await;
        assert!(grants.intend(SYSTEM, ACME, lease, "", ("a", "token-1")).await.unwrap());
        assert!(grants.answered(SYSTEM, ACME, "a", &seal).await.unwrap());
        for other in ["", "b"] {
            assert!(grants.failed(SYSTEM, ACME, lease, &failure(other)).await.unwrap());
            let row = grants.get(SYSTEM, ACME).await.unwrap().unwrap();
            assert_eq!(row.attempt.map(|it| it.id).as_deref(), Some("a"), "by {other:?}");
            assert!(row.answer.is_some(), "what came for it stays, too");
        }
        assert!(grants.failed(SYSTEM, ACME, lease, &failure("a")).await.unwrap());
        let row = grants.get(SYSTEM, ACME).await.unwrap().unwrap();
        assert!(row.attempt.is_none() && row.answer.is_none());
    }

    async fn what_was_not_sent_after_all_is_taken_back_and_is_no_failure(database: Database) {
        let store = database.store().await;
        let grants = store.grants();
        due(&store, ACME, 600_000).await;
        let lease = leased(&store, ACME, "one").await;
        assert!(grants.intend(SYSTEM, ACME, lease, "", ("a", "token-1")).await.unwrap());
        assert!(grants.withdrawn(SYSTEM, ACME, lease, "b", 2000).await.unwrap());
        let left = grants.get(SYSTEM, ACME).await.unwrap().unwrap();
        assert_eq!(left.attempt.map(|it| it.id).as_deref(), Some("a"), "it is another");
        let look = "SELECT look_at FROM grants";
        let at = database.number(look).await;
        assert!((left.now_ms..left.now_ms + 2001).contains(&at), "what is open is looked at soon");
        let lease = leased(&store, ACME, "one").await;
        assert!(grants.withdrawn(SYSTEM, ACME, lease, "a", 2000).await.unwrap());
        let back = grants.get(SYSTEM, ACME).await.unwrap().unwrap();
        assert_eq!((back.state, back.failures, back.held_until_ms), (GrantState::Active, 0, 0));
        assert!(back.attempt.is_none());
        assert_eq!(Some(database.number(look).await), back.due_ms, "it is not due yet");
        let other = Lease { fence: lease.fence + 1, ..lease };
        assert!(!grants.withdrawn(SYSTEM, ACME, other, "a", 2000).await.unwrap(), "under another fence");
    }

    async fn what_was_left_is_looked_at_once_its_lease_is_over_and_then_when_it_is_time(database: Database) {
        let store = database.store().await;
        let grants = store.grants();
        due(&store, ACME, 3_600_000).await;
        let lease = leased(&store, ACME, "one").await;
        assert!(grants.intend(SYSTEM, ACME, lease, "", ("a", "token-1")).await.unwrap());
        database.run("UPDATE grants SET held_until = 0").await;
        assert_eq!(claimed(&store, "two", Lot::Left, &[]).await, ["file:crm"]);
        let lease = leased(&store, ACME, "two").await;
        let uncertain = GrantFailure { is_uncertain: true, ..failure("a") };
        assert!(grants.failed(SYSTEM, ACME, lease, &uncertain).await.unwrap());
        for lot in [Lot::Left, Lot::Due] {
            assert!(claimed(&store, "two", lot, &[]).await.is_empty(), "{lot:?}");
        }
        database.run("UPDATE grants SET look_at = look_at - 60000").await;
        assert_eq!(claimed(&store, "two", Lot::Left, &[]).await, ["file:crm"]);
    }

    async fn what_can_not_be_renewed_now_is_looked_at_later_and_is_due_as_before(database: Database) {
        let store = database.store().await;
        let grants = store.grants();
        due(&store, ACME, -10_000).await;
        let began_ms = grants.get(SYSTEM, ACME).await.unwrap().unwrap().due_ms.unwrap() + 10_000;
        // For how long it has been due, in how many milliseconds at the most, and in how many it is looked at.
        for (since_ms, at_most_ms, in_ms) in [
            (10_000, 600_000, 60_000),
            (300_000, 600_000, 300_000),
            (3_000_000, 600_000, 600_000),
            (10_000, 1000, 1000),
        ] {
            database.run(&format!("UPDATE grants SET due_at = due_at - {since_ms} + 10000, look_at = 5")).await;
            let before = grants.get(SYSTEM, ACME).await.unwrap().unwrap();
            assert_eq!(claimed(&store, "one", Lot::Due, &[]).await.len(), 1);
            grants.postpone(SYSTEM, "one", &[(name(ACME), at_most_ms)]).await.unwrap();
            let after = grants.get(SYSTEM, ACME).await.unwrap().unwrap();
            assert_eq!((after.due_ms, after.held_until_ms), (before.due_ms, 0));
            assert!(claimed(&store, "one", Lot::Due, &[]).await.is_empty());
            let look_at = database.number("SELECT look_at FROM grants").await;
            // It goes on being due meanwhile.
            let within = before.now_ms + in_ms..=after.now_ms + in_ms + after.now_ms - began_ms;
            assert!(within.contains(&look_at), "{since_ms} {at_most_ms}: {}", look_at - before.now_ms);
            database.run(&format!("UPDATE grants SET due_at = due_at + {since_ms} - 10000")).await;
        }
        // Nothing is to be done before it is due.
        database.run("UPDATE grants SET due_at = due_at + 3600000, look_at = 5").await;
        assert_eq!(claimed(&store, "one", Lot::Due, &[]).await.len(), 1);
        grants.postpone(SYSTEM, "one", &[(name(ACME), 600_000)]).await.unwrap();
        assert_eq!(database.number("SELECT look_at - due_at FROM grants").await, 0);
    }

    async fn owners_that_have_enough_to_do_are_left_out_and_others_are_not(database: Database) {
        let store = database.store().await;
        for owner in ["file:a", "file:b", "file:c"] {
            due(&store, GrantKey { owner, ..OWN }, -10_000).await;
        }
        assert_eq!(claimed(&store, "one", Lot::Due, &["file:a", "file:c"]).await, ["file:b"]);
        assert_eq!(claimed(&store, "one", Lot::Due, &["file:a"]).await, ["file:c"]);
        assert_eq!(claimed(&store, "one", Lot::Due, &[]).await, ["file:a"]);
    }

    async fn how_late_it_is_counts_what_is_next_to_be_looked_at(database: Database) {
        let store = database.store().await;
        due(&store, ACME, -100_000).await;
        due(&store, OWN, 100_000).await;
        let late = async || store.grants().census(SYSTEM).await.unwrap().late_ms;
        assert!(late().await >= 100_000);
        database.run("UPDATE grants SET look_at = look_at + 200000 WHERE tenant = 'acme'").await;
        assert_eq!(late().await, 0, "it was looked at");
    }
}
