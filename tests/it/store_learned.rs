//! Secrets that senders of webhooks hand over, in the store: of many at once one is kept, and it is shown once.
use crate::support::SYSTEM;
use crate::support::each_engine;
use attache::model::Key;
use attache::model::Scope;
use attache::seal::Sealed;
use attache::seal::SealedField;
use attache::seal::Slot;
use attache::store::ActivationRow;
use attache::store::ConnectionRow;
use attache::store::Expect;
use attache::store::HandedOver;
use attache::store::Place;
use attache::store::SealedCredential;
use attache::store::Sealing;
use attache::store::SecretOf;
use attache::store::Secrets;
use attache::store::Store;
use attache::store::StoreError;
use attache::store::WAITS_FOR_SECRET;
use indexmap::IndexMap;

const SENDER: &str = "sender 192.0.2.7";

/// No cipher: the secret is its own fingerprint.
fn sealed(secret: &str) -> Sealed {
    let field = SealedField {
        sealed: secret.as_bytes().to_vec(),
        fingerprint: secret.to_owned(),
        set_at_ms: 1,
    };
    let fields = [("secret".to_owned(), field)].into();
    Sealed { key_id: "v1-test".to_owned(), wrapped: vec![0, 1, 255], fields }
}

fn of(owner: &str) -> SecretOf<'_> {
    SecretOf { owner, tenant: "", field: "secret" }
}

async fn keep(store: &Store, of: SecretOf<'_>, secret: &str) -> Result<HandedOver, StoreError> {
    let seal = |_: &Place<'_>| Ok(sealed(secret));
    let sealing = Sealing { credential: &seal, shown_once: &seal };
    store.learned_secrets().keep(SYSTEM, of, SENDER, sealing).await
}

async fn present(store: &Store, of: SecretOf<'_>) -> Option<SealedCredential> {
    store.credentials().get(SYSTEM, of.owner, of.tenant, of.slot()).await.unwrap()
}

async fn unseen(store: &Store, of: SecretOf<'_>) -> Option<SealedCredential> {
    store.learned_secrets().unseen(SYSTEM, of).await.unwrap()
}

fn row(embedded: bool) -> ConnectionRow {
    ConnectionRow {
        connector: "api".to_owned(),
        method: "hook".to_owned(),
        revision: 1,
        embedded,
        enabled: true,
        definition: "{}".to_owned(),
        ..ConnectionRow::default()
    }
}

async fn put(store: &Store, key: &str, row: &ConnectionRow, own: Secrets<'_>) -> String {
    let methods = IndexMap::from([("hook".to_owned(), "{}".to_owned())]);
    let connectors = store.connectors();
    connectors.put(SYSTEM, "api", "{}", &methods, false, Expect::Anything).await.unwrap();
    let put = store.connections().put(SYSTEM, key, row, own, Secrets::Keep, Expect::Anything);
    put.await.unwrap();
    store.connections().get(SYSTEM, key).await.unwrap().unwrap().value.id
}

/// A standard connection `hooks` without a credential; its id.
async fn hooks(store: &Store) -> String {
    put(store, "hooks", &row(false), Secrets::Keep).await
}

each_engine! {
    async fn of_twenty_that_hand_a_secret_over_at_once_one_is_kept(database: Database) {
        let store = database.store().await;
        let id = hooks(&store).await;
        let before = store.connections().get(SYSTEM, "hooks").await.unwrap().unwrap();
        let all = (0..20).map(|number| {
            let (store, id) = (store.clone(), id.clone());
            tokio::spawn(async move {
                let secret = format!("secret-{number}");
                let outcome = keep(&store, of(&id), &secret).await;
                (secret, outcome.unwrap())
            })
        });
        let mut kept = Vec::new();
        for one in all.collect::<Vec<_>>() {
            match one.await.unwrap() {
                (secret, HandedOver::Kept(revision)) => kept.push((secret, revision)),
                (_, HandedOver::NotAwaited) => {}
                (_, HandedOver::TooLate) => panic!("it waits for an hour"),
            }
        }
        let [(secret, revision)] = &kept[..] else { panic!("{kept:?}") };
        assert_eq!(present(&store, of(&id)).await.unwrap().sealed, sealed(secret));
        assert_eq!(unseen(&store, of(&id)).await.unwrap().sealed, sealed(secret));
        let after = store.connections().get(SYSTEM, "hooks").await.unwrap().unwrap();
        assert_eq!(after.version, *revision);
        assert!(after.version > before.version, "who has read it before does not write over it");
        assert_eq!(after.value, before.value);

        let entry = "SELECT who || ' ' || kind || ' ' || key || ' ' || revision FROM audit WHERE act = 'learned'";
        assert_eq!(database.text(entry).await, format!("{SENDER} connection hooks {revision}"));
        let event = "SELECT connection FROM events WHERE type = 'connection.secret_learned'";
        assert_eq!(database.text(event).await, "hooks");
        assert_eq!(database.number("SELECT COUNT(*) FROM events WHERE type = 'connection.secret_learned'").await, 1);
        let changes = format!("SELECT kind || ' ' || key || ' ' || who FROM changes WHERE revision = {revision}");
        assert_eq!(database.text(&changes).await, format!("connection hooks {SENDER}"));
    }

    async fn who_waits_is_one_who_is_there_is_on_and_has_none(database: Database) {
        let store = database.store().await;
        let none = keep(&store, of("01gone"), "s").await;
        assert_eq!(none, Ok(HandedOver::NotAwaited));
        let off = ConnectionRow { enabled: false, ..row(false) };
        let off = put(&store, "off", &off, Secrets::Keep).await;
        assert_eq!(keep(&store, of(&off), "s").await, Ok(HandedOver::NotAwaited));
        let each = put(&store, "each", &row(true), Secrets::Keep).await;
        assert_eq!(keep(&store, of(&each), "s").await, Ok(HandedOver::NotAwaited));
        let acme = SecretOf { tenant: "acme", ..of(&each) };
        assert_eq!(keep(&store, acme, "s").await, Ok(HandedOver::NotAwaited));
        let entered = |_: &Place<'_>| Ok(sealed("entered"));
        let has = put(&store, "has", &row(false), Secrets::Set(&entered)).await;
        assert_eq!(keep(&store, of(&has), "s").await, Ok(HandedOver::NotAwaited));
        assert_eq!(unseen(&store, of(&has)).await, None, "what was entered is shown to nobody");
        assert_eq!(database.number("SELECT COUNT(*) FROM audit WHERE act = 'learned'").await, 0);
        let tenant = Scope::Tenant("acme".try_into().unwrap());
        let seal = |_: &Place<'_>| Ok(sealed("s"));
        let sealing = Sealing { credential: &seal, shown_once: &seal };
        let refused = store.learned_secrets().keep(&tenant, of(&each), SENDER, sealing).await;
        assert_eq!(refused, Err(StoreError::NotFound));
    }

    async fn it_waits_for_an_hour_and_each_write_opens_that_anew(database: Database) {
        let store = database.store().await;
        let id = hooks(&store).await;
        let later = async |ms: u128| {
            database.run(&format!("UPDATE connections SET updated_at = updated_at - {ms}")).await;
        };
        later(WAITS_FOR_SECRET.as_millis() + 1).await;
        assert_eq!(keep(&store, of(&id), "late").await, Ok(HandedOver::TooLate));
        assert_eq!(present(&store, of(&id)).await, None);
        hooks(&store).await;
        later(WAITS_FOR_SECRET.as_millis() / 2).await;
        assert!(matches!(keep(&store, of(&id), "in time").await, Ok(HandedOver::Kept(_))));
        // Taken away, it is waited for again.
        assert_eq!(keep(&store, of(&id), "another").await, Ok(HandedOver::NotAwaited));
        put(&store, "hooks", &row(false), Secrets::Remove).await;
        assert_eq!(unseen(&store, of(&id)).await, None);
        assert_eq!(database.number("SELECT COUNT(*) FROM credentials WHERE slot = 'learned'").await, 0);
        assert!(matches!(keep(&store, of(&id), "another").await, Ok(HandedOver::Kept(_))));
        assert_eq!(unseen(&store, of(&id)).await.unwrap().sealed, sealed("another"));
    }

    async fn what_is_not_waited_for_is_refused_while_others_write(database: Database) {
        let store = database.store().await;
        let late = hooks(&store).await;
        let off = ConnectionRow { enabled: false, ..row(false) };
        let off = put(&store, "off", &off, Secrets::Keep).await;
        let each = put(&store, "each", &row(true), Secrets::Keep).await;
        let entered = |_: &Place<'_>| Ok(sealed("entered"));
        let has = put(&store, "has", &row(false), Secrets::Set(&entered)).await;
        let tenant = ActivationRow {
            owner: each.clone(),
            tenant: "acme".to_owned(),
            connection: "each".to_owned(),
            enabled: true,
            definition: "{}".to_owned(),
            account: None,
        };
        store.activations().put(SYSTEM, &tenant, Secrets::Keep, Expect::Absent).await.unwrap();
        for table in ["connections", "activations"] {
            database.run(&format!("UPDATE {table} SET updated_at = 5")).await;
        }
        let _held = database.nobody_else_writes().await;
        for (whose, outcome) in [
            (of(&late), HandedOver::TooLate),
            (SecretOf { tenant: "acme", ..of(&each) }, HandedOver::TooLate),
            (SecretOf { tenant: "globex", ..of(&each) }, HandedOver::NotAwaited),
            (of(&each), HandedOver::NotAwaited),
            (of(&off), HandedOver::NotAwaited),
            (of(&has), HandedOver::NotAwaited),
            (of("01gone"), HandedOver::NotAwaited),
        ] {
            assert_eq!(keep(&store, whose, "s").await, Ok(outcome), "{whose:?}");
        }
    }

    async fn of_a_tenant_it_is_kept_with_the_activation(database: Database) {
        let store = database.store().await;
        let owner = "file:hooks";
        let acme = SecretOf { tenant: "acme", ..of(owner) };
        let row = ActivationRow {
            owner: owner.to_owned(),
            tenant: "acme".to_owned(),
            connection: "hooks".to_owned(),
            enabled: true,
            definition: "{}".to_owned(),
            account: None,
        };
        store.activations().put(SYSTEM, &row, Secrets::Keep, Expect::Absent).await.unwrap();
        let Ok(HandedOver::Kept(revision)) = keep(&store, acme, "s").await else { panic!("it waits") };
        assert_eq!(acme.slot(), Slot::Activation);
        assert_eq!(present(&store, acme).await.unwrap().sealed, sealed("s"));
        let entry = "SELECT who || ' ' || kind || ' ' || key || ' ' || tenant || ' ' || revision FROM audit WHERE act = 'learned'";
        assert_eq!(database.text(entry).await, format!("{SENDER} activation hooks acme {revision}"));
        let event = "SELECT connection || ' ' || tenant FROM events WHERE type = 'connection.secret_learned'";
        assert_eq!(database.text(event).await, "hooks acme");
        assert!(store.learned_secrets().revealed(SYSTEM, acme, "hooks", &unseen(&store, acme).await.unwrap()).await.unwrap());
        store.activations().delete(SYSTEM, owner, "acme", Expect::Present).await.unwrap();
        assert_eq!(database.number("SELECT COUNT(*) FROM credentials WHERE tenant = 'acme'").await, 0);
    }

    async fn of_twenty_who_want_to_see_it_one_does(database: Database) {
        let store = database.store().await;
        let id = hooks(&store).await;
        keep(&store, of(&id), "s").await.unwrap();
        let found = unseen(&store, of(&id)).await.unwrap();
        let all = (0..20).map(|_| {
            let (store, id, found) = (store.clone(), id.clone(), found.clone());
            tokio::spawn(async move {
                let operator = Scope::Operator(Key::try_from("desk").unwrap());
                store.learned_secrets().revealed(&operator, of(&id), "hooks", &found).await.unwrap()
            })
        });
        let mut shown = 0;
        for one in all.collect::<Vec<_>>() {
            shown += usize::from(one.await.unwrap());
        }
        assert_eq!(shown, 1);
        assert_eq!(unseen(&store, of(&id)).await, None);
        assert_eq!(present(&store, of(&id)).await.unwrap().sealed, sealed("s"), "it is in use as before");
        assert_eq!(database.number("SELECT COUNT(*) FROM audit WHERE act = 'revealed'").await, 1);
        let entry = "SELECT who || ' ' || kind || ' ' || key FROM audit WHERE act = 'revealed'";
        assert_eq!(database.text(entry).await, "operator desk connection hooks");
    }

    async fn what_was_replaced_by_hand_is_not_shown(database: Database) {
        let store = database.store().await;
        let id = hooks(&store).await;
        keep(&store, of(&id), "handed over").await.unwrap();
        let found = unseen(&store, of(&id)).await.unwrap();
        let entered = |_: &Place<'_>| Ok(sealed("entered"));
        put(&store, "hooks", &row(false), Secrets::Set(&entered)).await;
        assert_eq!(unseen(&store, of(&id)).await, None);
        let shown = store.learned_secrets().revealed(SYSTEM, of(&id), "hooks", &found).await;
        assert_eq!(shown, Ok(false));
        assert_eq!(database.number("SELECT COUNT(*) FROM audit WHERE act = 'revealed'").await, 0);
    }

    async fn what_can_not_be_sealed_leaves_nothing(database: Database) {
        let store = database.store().await;
        let id = hooks(&store).await;
        let good = |_: &Place<'_>| Ok(sealed("s"));
        let bad = |_: &Place<'_>| Err("no key".to_owned());
        for sealing in [Sealing { credential: &bad, shown_once: &good }, Sealing { credential: &good, shown_once: &bad }] {
            let refused = store.learned_secrets().keep(SYSTEM, of(&id), SENDER, sealing).await;
            assert_eq!(refused, Err(StoreError::Refused("no key".to_owned())));
        }
        assert_eq!(database.number("SELECT COUNT(*) FROM credentials WHERE slot IN ('own', 'learned')").await, 0);
        assert!(matches!(keep(&store, of(&id), "s").await, Ok(HandedOver::Kept(_))));
    }
}
