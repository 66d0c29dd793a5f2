//! Consents that are under way, where several come back with one at the same instant.
use crate::support::Database;
use crate::support::SYSTEM;
use crate::support::soon;
use attache::seal::Binding;
use attache::seal::Sealed;
use attache::seal::Slot;
use attache::store::Begun;
use attache::store::GrantKey;
use attache::store::NewAuthorization;
use sqlx::Connection;
use sqlx::PgConnection;
use std::time::Duration;
use tokio::task::JoinSet;

const KEY: GrantKey<'_> = GrantKey { owner: "file:crm", tenant: "acme", slot: Slot::Activation };

#[tokio::test]
async fn of_several_who_have_found_it_one_takes_it() {
    let Some(database) = Database::postgres().await else { return };
    let store = database.store().await;
    let seal = |_: &Binding<'_>| Sealed {
        key_id: "v1-test".to_owned(),
        wrapped: vec![1],
        fields: Default::default(),
    };
    let new = NewAuthorization {
        id: "id",
        key: KEY,
        connection: "crm",
        lives_ms: 60_000,
        kind: Begun::InBrowser { session: "" },
    };
    store.authorizations().begin(SYSTEM, &new, &seal).await.unwrap();
    // All of them find it, and wait to take it, as long as this holds its row.
    let mut holds = PgConnection::connect(&database.url).await.unwrap();
    let mut held = holds.begin().await.unwrap();
    sqlx::query("SELECT id FROM authorizations FOR UPDATE").execute(&mut *held).await.unwrap();
    let mut takers = JoinSet::new();
    for _ in 0..3 {
        let store = store.clone();
        takers.spawn(async move { store.authorizations().take(SYSTEM, "id", KEY).await.unwrap() });
    }
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND wait_event_type = 'Lock'";
    soon("three who wait", async {
        while database.number(waiting).await < 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    held.commit().await.unwrap();
    let took = takers.join_all().await.into_iter().flatten().count();
    assert_eq!(took, 1);
}
