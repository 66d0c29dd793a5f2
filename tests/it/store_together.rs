//! Several writes that are one, on both engines: seen by each other, by others all at once or never.
use crate::support::each_engine;
use attache::model::Claimed;
use attache::model::Key;
use attache::model::OperatorName;
use attache::model::Scope;
use attache::store::Act;
use attache::store::CallerRow;
use attache::store::Claim;
use attache::store::Expect;
use attache::store::Store;
use attache::store::StoreError;
use attache::store::TenantRow;
use attache::store::Unread;
use std::sync::Arc;

const SYSTEM: &Scope = &Scope::System;

fn operator() -> Scope {
    Scope::Operator(Key::try_from("ci").unwrap())
}

async fn put(
    store: &Store,
    key: &str,
    definition: &str,
    expect: Expect,
) -> Result<i64, StoreError> {
    let row = TenantRow { definition: definition.to_owned() };
    store.tenants().put(&operator(), key, &row, expect).await.map(|it| it.revision)
}

async fn is_there(store: &Store, key: &str) -> bool {
    store.tenants().get(SYSTEM, key).await.unwrap().is_some()
}

each_engine! {
    async fn what_is_written_together_is_seen_inside_at_once_and_outside_with_the_commit(database: Database) {
        let store = database.store().await;
        put(&store, "before", "{}", Expect::Absent).await.unwrap();
        let together = store.together().await.unwrap();
        let inner = together.store();
        put(inner, "one", "{}", Expect::Absent).await.unwrap();
        put(inner, "before", r#"{"name":"b"}"#, Expect::Present).await.unwrap();
        assert!(is_there(inner, "one").await && is_there(inner, "before").await);
        assert!(!is_there(&store, "one").await, "it is nobody else's yet");
        let done: Vec<_> = together.done().into_iter().map(|it| (it.act, it.key)).collect();
        assert_eq!(done, [(Act::Created, "one".to_owned()), (Act::Updated, "before".to_owned())]);
        let began_at = together.began_at();
        let revision = together.commit().await.unwrap();
        assert_eq!(revision, began_at + 2);
        assert!(is_there(&store, "one").await);
        let Unread::These(changes) = store.unserved().up_to(revision) else { panic!("they are few") };
        assert_eq!(changes.iter().filter(|it| it.position.revision > began_at).count(), 2);
        // The trail has each once, behind the other.
        let entries = database.number("SELECT COUNT(*) FROM audit WHERE key IN ('one', 'before')").await;
        assert_eq!(entries, 3);
        let checked = store.audit().verify(SYSTEM, &database.trail, None, |_, _| {}).await.unwrap();
        assert!(checked.findings.is_empty(), "{checked:?}");
    }

    async fn what_is_given_up_inside_costs_nothing_else_and_what_is_never_kept_never_was(database: Database) {
        let store = database.store().await;
        put(&store, "there", "{}", Expect::Absent).await.unwrap();
        let before = database.number("SELECT revision FROM deployment").await;
        let together = store.together().await.unwrap();
        let inner = together.store();
        put(inner, "one", "{}", Expect::Absent).await.unwrap();
        let again = put(inner, "there", "{}", Expect::Absent).await.unwrap_err();
        assert!(matches!(again, StoreError::Conflict { .. }), "{again}");
        let long = "x".repeat(5 << 20);
        assert!(put(inner, "long", &long, Expect::Absent).await.is_err(), "longer than any text");
        put(inner, "two", "{}", Expect::Absent).await.unwrap();
        assert!(is_there(inner, "one").await && is_there(inner, "two").await);
        let kept = inner.clone();
        drop(together);
        assert!(kept.tenants().get(SYSTEM, "one").await.is_err(), "it has ended");
        assert!(!is_there(&store, "one").await);
        // Nobody is held up by it.
        let next = put(&store, "next", "{}", Expect::Absent).await.unwrap();
        assert_eq!(next, before + 1);
    }

    async fn a_write_that_changes_nothing_is_none(database: Database) {
        let store = database.store().await;
        put(&store, "a", r#"{"name":"a"}"#, Expect::Absent).await.unwrap();
        let caller = CallerRow { definition: "{}".to_owned() };
        store.callers().put(SYSTEM, "c", &caller, None, Expect::Absent).await.unwrap();
        let together = store.together().await.unwrap();
        put(together.store(), "a", r#"{"name":"a"}"#, Expect::Present).await.unwrap();
        together.store().callers().put(SYSTEM, "c", &caller, None, Expect::Present).await.unwrap();
        assert_eq!(together.done(), []);
        let began_at = together.began_at();
        assert_eq!(together.commit().await.unwrap(), began_at);
        assert_eq!(database.number("SELECT MAX(revision) FROM changes").await, began_at);
        // Alone it is one, as ever: whoever wrote it is told its version.
        assert_eq!(put(&store, "a", r#"{"name":"a"}"#, Expect::Present).await.unwrap(), began_at + 1);
    }

    async fn whoever_writes_beside_it_waits_and_then_writes_behind_it(database: Database) {
        let store = database.store().await;
        let together = store.together().await.unwrap();
        put(together.store(), "one", "{}", Expect::Absent).await.unwrap();
        let other = store.clone();
        let waiting = tokio::spawn(async move { put(&other, "two", "{}", Expect::Absent).await });
        let revision = together.commit().await.unwrap();
        assert_eq!(waiting.await.unwrap().unwrap(), revision + 1);
    }

    async fn what_it_is_done_under_is_spent_with_it_and_not_without(database: Database) {
        let store = database.store().await;
        let claim = store.idempotency().claim(SYSTEM, "t", "k", &[1; 32], 60_000).await.unwrap();
        let Claim::New { claimed_at_ms } = claim else { panic!("nobody else has it") };
        let claimed = Claimed {
            operator: OperatorName::Token(Key::try_from("ci").unwrap()),
            token: "t".to_owned(),
            key: "k".to_owned(),
            claimed_at_ms,
        };
        let once = Scope::Once(Arc::new(claimed));
        let row = TenantRow { definition: "{}".to_owned() };
        let spent = "SELECT COUNT(*) FROM idempotency WHERE status = 0";
        for kept in [false, true] {
            let together = store.together().await.unwrap();
            // attache's own note before it is under no claim.
            put(together.store(), "note", "{}", Expect::Absent).await.unwrap();
            for key in ["one", "two"] {
                let tenants = together.store().tenants();
                tenants.put(&once, key, &row, Expect::Absent).await.unwrap();
            }
            if kept {
                together.commit().await.unwrap();
            }
            assert_eq!(database.number(spent).await, i64::from(kept));
        }
        let next = put(&store, "next", "{}", Expect::Absent).await.unwrap();
        assert_eq!(next, 4, "behind the three of before");
        let checked = store.audit().verify(SYSTEM, &database.trail, None, |_, _| {}).await.unwrap();
        assert!(checked.findings.is_empty(), "{checked:?}");
    }
}
