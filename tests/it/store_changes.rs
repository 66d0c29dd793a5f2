//! The store's changes: in the order of the commits, none missed, told at once.
use crate::support::each_engine;
use crate::support::soon;
use attache::model::Scope;
use attache::store::ActivationRow;
use attache::store::Change;
use attache::store::Expect;
use attache::store::Kind;
use attache::store::Secrets;
use attache::store::Since;
use attache::store::Store;
use attache::store::TenantRow;

const SYSTEM: &Scope = &Scope::System;

async fn put(store: &Store, key: &str) -> i64 {
    let row = TenantRow { definition: "{}".to_owned() };
    store.tenants().put(SYSTEM, key, &row, Expect::Anything).await.unwrap().revision
}

/// What came after a revision, none of it forgotten.
async fn since(store: &Store, revision: i64, limit: u32) -> Vec<Change> {
    match store.changes().since(SYSTEM, revision, limit).await.unwrap() {
        Since::Changes(changes) => changes,
        Since::Forgotten => panic!("forgotten after {revision}"),
    }
}

each_engine! {
    async fn a_follower_sees_every_write_of_many_writers_in_order(database: Database) {
        const WRITERS: i64 = 4;
        const WRITES: i64 = 25;
        let store = database.store().await;
        let first = store.changes().revision(SYSTEM).await.unwrap();
        let mut writers = Vec::new();
        for writer in 0..WRITERS {
            // Each as another process would have it.
            let store = database.open().await;
            writers.push(tokio::spawn(async move {
                let mut revisions = Vec::new();
                for number in 0..WRITES {
                    revisions.push(put(&store, &format!("{writer}-{number}")).await);
                }
                revisions
            }));
        }
        let mut at = first;
        let mut seen = Vec::new();
        soon("all changes", async {
            while at < first + WRITERS * WRITES {
                for change in since(&store, at, 7).await {
                    assert_eq!(change.revision, at + 1, "no gap, and never an earlier one later");
                    at = change.revision;
                    seen.push((change.revision, change.key));
                }
            }
        })
        .await;
        for (writer, task) in writers.into_iter().enumerate() {
            for (number, revision) in task.await.unwrap().into_iter().enumerate() {
                assert!(seen.contains(&(revision, format!("{writer}-{number}"))));
            }
        }
        assert_eq!(store.changes().revision(SYSTEM).await.unwrap(), at);
    }

    async fn a_change_names_what_it_is_about(database: Database) {
        let store = database.store().await;
        let row = ActivationRow {
            owner: "file:desk".to_owned(),
            tenant: "Acme & Söhne".to_owned(),
            connection: "desk".to_owned(),
            ..ActivationRow::default()
        };
        store.activations().put(SYSTEM, &row, Secrets::Keep, Expect::Absent).await.unwrap();
        put(&store, "acme").await;
        let changes = since(&store, 0, 10).await;
        let told: Vec<_> =
            changes.iter().map(|it| (it.kind, &*it.key, it.tenant.as_deref())).collect();
        let activation = (Kind::Activation, "desk", Some("Acme & Söhne"));
        assert_eq!(told, [activation, (Kind::Tenant, "acme", None)]);
        assert_eq!(changes[0].who, "attache");
        assert!(since(&store, 2, 10).await.is_empty());
    }

    async fn whoever_comes_after_what_is_forgotten_reads_everything_again(database: Database) {
        let store = database.store().await;
        for key in ["a", "b", "c"] {
            put(&store, key).await;
        }
        let hour = 3_600_000;
        assert_eq!(store.changes().prune(SYSTEM, hour).await, Ok(0));
        assert_eq!(store.changes().prune(SYSTEM, -hour).await, Ok(3));
        let late = store.changes().since(SYSTEM, 1, 10).await;
        assert_eq!(late, Ok(Since::Forgotten));
        assert!(since(&store, 3, 10).await.is_empty(), "who was up to date still is");
        put(&store, "d").await;
        assert_eq!(since(&store, 3, 10).await.len(), 1);
        assert_eq!(store.changes().since(SYSTEM, 2, 10).await, Ok(Since::Forgotten));
    }

    async fn a_write_is_told_to_whoever_listens(database: Database) {
        let store = database.store().await;
        let mut own = store.signals().await.unwrap();
        let other = database.open().await;
        let mut theirs = other.signals().await.unwrap();
        put(&store, "a").await;
        soon("one's own write", own.written()).await.unwrap();
        if database.is_postgres() {
            soon("another's write", theirs.written()).await.unwrap();
        }
    }
}
