//! The store's changes: in the order of the commits, none missed, told at once.
use crate::support::each_engine;
use crate::support::soon;
use attache::model::Scope;
use attache::store::ActivationRow;
use attache::store::Change;
use attache::store::Expect;
use attache::store::Kind;
use attache::store::Position;
use attache::store::Secrets;
use attache::store::Since;
use attache::store::Store;
use attache::store::TenantRow;

const SYSTEM: &Scope = &Scope::System;

async fn put(store: &Store, key: &str) -> i64 {
    let row = TenantRow { definition: "{}".to_owned() };
    store.tenants().put(SYSTEM, key, &row, Expect::Anything).await.unwrap().revision
}

/// What came after a position, none of it forgotten.
async fn since(store: &Store, position: Position, limit: u32) -> Vec<Change> {
    match store.changes().since(SYSTEM, position, limit).await.unwrap() {
        Since::Changes(changes) => changes,
        other => panic!("{other:?} after {position:?}"),
    }
}

async fn position(store: &Store) -> Position {
    store.changes().position(SYSTEM).await.unwrap()
}

each_engine! {
    async fn a_follower_sees_every_write_of_many_writers_in_order(database: Database) {
        const WRITERS: i64 = 4;
        const WRITES: i64 = 25;
        let store = database.store().await;
        let first = position(&store).await;
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
            while at.revision < first.revision + WRITERS * WRITES {
                for change in since(&store, at, 7).await {
                    let revision = change.position.revision;
                    assert_eq!(revision, at.revision + 1, "no gap, and never an earlier one later");
                    at = change.position;
                    seen.push((revision, change.key));
                }
            }
        })
        .await;
        for (writer, task) in writers.into_iter().enumerate() {
            for (number, revision) in task.await.unwrap().into_iter().enumerate() {
                assert!(seen.contains(&(revision, format!("{writer}-{number}"))));
            }
        }
        assert_eq!(position(&store).await, at);
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
        let changes = since(&store, Position::default(), 10).await;
        let told: Vec<_> =
            changes.iter().map(|it| (it.kind, &*it.key, it.tenant.as_deref())).collect();
        let activation = (Kind::Activation, "desk", Some("Acme & Söhne"));
        assert_eq!(told, [activation, (Kind::Tenant, "acme", None)]);
        assert_eq!(changes[0].who, "attache");
        assert!(since(&store, changes[1].position, 10).await.is_empty());
    }

    async fn whoever_comes_after_what_is_forgotten_reads_everything_again(database: Database) {
        let store = database.store().await;
        for key in ["a", "b", "c"] {
            put(&store, key).await;
        }
        let all: Vec<_> = since(&store, Position::default(), 10).await.iter().map(|it| it.position).collect();
        let hour = 3_600_000;
        assert_eq!(store.changes().prune(SYSTEM, hour).await, Ok(0));
        assert_eq!(store.changes().prune(SYSTEM, -hour).await, Ok(2), "the last one stays");
        assert_eq!(store.changes().since(SYSTEM, all[0], 10).await, Ok(Since::Forgotten));
        assert!(since(&store, all[2], 10).await.is_empty(), "who was up to date still is");
        put(&store, "d").await;
        assert_eq!(since(&store, all[2], 10).await.len(), 1);
        assert_eq!(store.changes().since(SYSTEM, all[1], 10).await, Ok(Since::Forgotten));
        database.run("DELETE FROM changes").await;
        assert_eq!(store.changes().since(SYSTEM, all[2], 10).await, Ok(Since::Forgotten));
        let nothing = position(&store).await;
        assert!(since(&store, nothing, 10).await.is_empty(), "who read everything then follows on");
        put(&store, "e").await;
        assert_eq!(since(&store, nothing, 10).await.len(), 1);
    }

    async fn more_than_a_batch_of_old_changes_goes_in_several(database: Database) {
        let store = database.store().await;
        put(&store, "a").await;
        let many = "INSERT INTO changes (revision, kind, key, tenant, who, at)
            WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < 1500)
            SELECT n, 'tenant', 'x', '', 'y', 0 FROM n;
            UPDATE deployment SET revision = 1500";
        database.run(many).await;
        let prune = || store.changes().prune(SYSTEM, 3_600_000);
        assert_eq!((prune().await, prune().await, prune().await), (Ok(1000), Ok(498), Ok(0)));
    }

    /// As after a backup was restored: wherever its history has come to since.
    async fn another_history_is_told_from_the_one_that_was_followed(database: Database) {
        let store = database.store().await;
        for key in ["a", "b", "c"] {
            put(&store, key).await;
        }
        let followed = position(&store).await;
        let replaced = || store.changes().since(SYSTEM, followed, 10);
        database.run("DELETE FROM changes WHERE revision > 2; UPDATE deployment SET revision = 2").await;
        assert_eq!(replaced().await, Ok(Since::Replaced), "it went back");
        put(&store, "d").await;
        assert_eq!(replaced().await, Ok(Since::Replaced), "it is as long again");
        put(&store, "e").await;
        assert_eq!(replaced().await, Ok(Since::Replaced), "it is longer");
    }

    async fn a_change_that_does_not_read_is_named_and_hides_no_other(database: Database) {
        let store = database.store().await;
        let start = position(&store).await;
        for key in ["a", "b", "c"] {
            put(&store, key).await;
        }
        database.run("UPDATE changes SET kind = 'widget' WHERE revision = 2").await;
        let unreadable = || store.changes().since(SYSTEM, start, 10);
        assert_eq!(unreadable().await, Ok(Since::Unreadable(vec![2])));
        if !database.is_postgres() {
            database.run("UPDATE changes SET key = x'ff', tag = 'x' WHERE revision = 3").await;
            assert_eq!(unreadable().await, Ok(Since::Unreadable(vec![2, 3])));
        }
        let read_again = position(&store).await;
        assert!(since(&store, read_again, 10).await.is_empty());
        put(&store, "d").await;
        assert_eq!(since(&store, read_again, 10).await.len(), 1);
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
