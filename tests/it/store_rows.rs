//! The store, the same on both engines: rows, versions, who uses what, cursors.
use crate::support::each_engine;
use attache::catalog::Reach;
use attache::model::Key;
use attache::model::Scope;
use attache::model::TenantId;
use attache::seal::Sealed;
use attache::seal::SealedField;
use attache::seal::Slot;
use attache::store::Activation;
use attache::store::ActivationRow;
use attache::store::CallerKey;
use attache::store::CallerRow;
use attache::store::Claim;
use attache::store::Condition;
use attache::store::ConnectionRow;
use attache::store::Entered;
use attache::store::EnvironmentRow;
use attache::store::Expect;
use attache::store::IntegrationRow;
use attache::store::Kind;
use attache::store::Pins;
use attache::store::Place;
use attache::store::Secrets;
use attache::store::SeenMethod;
use attache::store::Store;
use attache::store::StoreError;
use attache::store::TenantRow;
use attache::store::TokenRow;
use attache::store::Use;
use indexmap::IndexMap;

const SYSTEM: &Scope = &Scope::System;

fn operator(token: &str) -> Scope {
    Scope::Operator(Key::try_from(token).unwrap())
}

fn tenant(id: &str) -> Scope {
    Scope::Tenant(TenantId::try_from(id).unwrap())
}

fn map(entries: &[(&str, &str)]) -> IndexMap<String, String> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// No cipher: a text that says what it was sealed for.
fn seal(place: &Place<'_>) -> Result<Sealed, String> {
    let text = format!("{:?}", place.binding);
    let field =
        SealedField { sealed: text.into_bytes(), fingerprint: "00".to_owned(), set_at_ms: 1 };
    let fields = [("key".to_owned(), field)].into();
    Ok(Sealed { key_id: "v1-test".to_owned(), wrapped: vec![0, 1, 255], fields })
}

const SET: Secrets<'_> = Secrets::Set(&seal);

/// A connector `api` with the methods `login` and `token`.
async fn connector(store: &Store) {
    let methods = map(&[("login", r#"{"basic":{}}"#), ("token", r#"{"bearer":{}}"#)]);
    store.connectors().put(SYSTEM, "api", "{}", &methods, false, Expect::Absent).await.unwrap();
}

fn connection(method: &str, embedded: bool) -> ConnectionRow {
    ConnectionRow {
        connector: "api".to_owned(),
        method: method.to_owned(),
        revision: 1,
        embedded,
        enabled: true,
        definition: r#"{"name":"One"}"#.to_owned(),
        ..ConnectionRow::default()
    }
}

/// An embedded connection of this key; its id.
async fn embedded(store: &Store, key: &str) -> String {
    let row = connection("login", true);
    let put =
        store.connections().put(SYSTEM, key, &row, Secrets::Keep, Secrets::Keep, Expect::Absent);
    put.await.unwrap();
    store.connections().get(SYSTEM, key).await.unwrap().unwrap().value.id
}

fn activation(owner: &str, connection: &str, tenant: &str) -> ActivationRow {
    ActivationRow {
        owner: owner.to_owned(),
        tenant: tenant.to_owned(),
        connection: connection.to_owned(),
        enabled: true,
        definition: "{}".to_owned(),
        account: None,
    }
}

fn activating(row: ActivationRow, expect: Expect) -> Activation<'static> {
    Activation { row, secrets: SET, condition: expect.into() }
}

each_engine! {
    /// TN-03: a million under one connection go without a writer waiting for them.
    async fn what_is_left_of_a_large_connection_is_out_of_reach_at_once_and_goes_bit_by_bit(database: Database) {
        let store = database.store().await;
        let methods = IndexMap::from([("m".to_owned(), "{}".to_owned())]);
        store.connectors().put(SYSTEM, "api", "{}", &methods, false, Expect::Absent).await.unwrap();
        let row = ConnectionRow {
            connector: "api".to_owned(),
            method: "m".to_owned(),
            revision: 1,
            embedded: true,
            enabled: true,
            definition: "{}".to_owned(),
            ..ConnectionRow::default()
        };
        let (keep, connections) = (Secrets::Keep, store.connections());
        let make = || connections.put(SYSTEM, "many", &row, keep, keep, Expect::Absent);
        make().await.unwrap();
        let first = connections.get(SYSTEM, "many").await.unwrap().unwrap().value.id;
        let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10050)";
        for owner in [&*first, "file:desk"] {
            let columns = "owner, tenant, version, created_at, updated_at, updated_by, checksum, connection, enabled, definition";
            database.run(&format!(
                "INSERT INTO activations ({columns}) {numbers}
                 SELECT '{owner}', 't-' || i, 1, 1, 1, 'x', 'x', 'many', 1, '{{}}' FROM n;
                 INSERT INTO credentials (owner, tenant, slot, generation, key_id, wrapped, fields) {numbers}
                 SELECT '{owner}', 't-' || i, 'activation', 1, 'v1', CAST('x' AS {}), '{{}}' FROM n",
                if database.is_postgres() { "BYTEA" } else { "BLOB" },
            ))
            .await;
        }
        let uses = connections.uses(SYSTEM, "many", &first).await.unwrap();
        assert_eq!((uses.activations, uses.total), (10_000, 10_000), "no more are counted");

        connections.delete(SYSTEM, "many", true, Expect::Present).await.unwrap();
        let left = format!("SELECT COUNT(*) FROM activations WHERE owner = '{first}'");
        assert_eq!(database.number(&left).await, 9_050, "one batch goes with it");
        make().await.unwrap();
        let second = connections.get(SYSTEM, "many").await.unwrap().unwrap().value.id;
        assert!(!store.activations().any(SYSTEM, &second).await.unwrap());
        let of_tenant = store.activations().of_tenant(SYSTEM, "t-9000", None, 10).await.unwrap();
        assert_eq!(of_tenant.rows.len() + of_tenant.unreadable.len(), 1, "that of the file alone");
        assert_eq!(store.tenants().uses(SYSTEM, "t-9000").await.unwrap().activations, 1);

        // As after a restart.
        store.close().await;
        let store = database.open().await;
        let before = store.changes().revision(SYSTEM).await.unwrap();
        let mut batches = 0;
        while store.orphans().sweep(SYSTEM).await.unwrap() {
            batches += 1;
        }
        assert!((10..=12).contains(&batches), "{batches}");
        assert_eq!(store.changes().revision(SYSTEM).await.unwrap(), before, "nobody sees a change");
        for table in ["activations", "credentials"] {
            let all = database.number(&format!("SELECT COUNT(*) FROM {table}")).await;
            assert_eq!(all, 10_050, "what belongs to a file's connection stays");
        }
        assert_eq!(database.number("SELECT COUNT(*) FROM orphans").await, 0);
    }

    async fn what_is_put_is_what_is_read(database: Database) {
        let store = database.store().await;
        connector(&store).await;
        let row = connection("token", false);
        let put = store.connections().put(SYSTEM, "one", &row, SET, Secrets::Keep, Expect::Absent);
        let written = put.await.unwrap();
        assert!(written.created);

        let read = store.connections().get(SYSTEM, "one").await.unwrap().unwrap();
        let id = read.value.id.clone();
        assert_eq!(read.value, ConnectionRow { id: id.clone(), ..row });
        assert_eq!((read.version, read.created_at_ms), (written.revision, read.updated_at_ms));
        let own = store.credentials().get(SYSTEM, &id, "", Slot::Own).await.unwrap().unwrap();
        assert_eq!(own.generation, u64::try_from(written.revision).unwrap());
        assert_eq!(own.sealed.wrapped, [0, 1, 255]);
        let sealed_for = String::from_utf8(own.sealed.fields["key"].sealed.clone()).unwrap();
        assert!(sealed_for.contains(&id), "{sealed_for}");
        assert_eq!(store.credentials().get(SYSTEM, &id, "", Slot::Test).await.unwrap(), None);
        let (of_connections, _) = store.credentials().of_connections(SYSTEM).await.unwrap();
        assert_eq!(of_connections.len(), 1);
        // Nobody has said what it was entered for: that is known, and nothing is covered.
        let lost = Entered { owner: id.clone(), connection: "one".to_owned(), reach: Reach::default() };
        let lost = (vec![lost], Vec::new());
        assert_eq!(store.origins().all(SYSTEM).await.unwrap(), lost);
        assert_eq!(store.origins().of_connection(SYSTEM, "one", &id).await.unwrap(), lost);
        let none = (Vec::new(), Vec::new());
        assert_eq!(store.origins().of_connection(SYSTEM, "two", "another").await.unwrap(), none);

        // Its id stays, its date of creation as well; its version does not.
        let row = ConnectionRow { enabled: false, id: "mine".to_owned(), ..read.value };
        let expect = Expect::Version(read.version);
        let put = store.connections().put(SYSTEM, "one", &row, Secrets::Remove, SET, expect);
        let written = put.await.unwrap();
        assert!(!written.created && written.revision > read.version);
        let again = store.connections().get(SYSTEM, "one").await.unwrap().unwrap();
        assert_eq!(again.value, ConnectionRow { id: id.clone(), ..row });
        assert_eq!(again.created_at_ms, read.created_at_ms);
        assert_eq!(store.credentials().get(SYSTEM, &id, "", Slot::Own).await.unwrap(), None);
        assert!(store.credentials().get(SYSTEM, &id, "", Slot::Test).await.unwrap().is_some());
    }

    async fn deleted_and_made_again_nothing_of_it_is_the_same(database: Database) {
        let store = database.store().await;
        connector(&store).await;
        let first = embedded(&store, "one").await;
        let row = activation(&first, "one", "acme");
        store.activations().put(SYSTEM, &row, SET, Expect::Absent).await.unwrap();
        let before = store.connections().get(SYSTEM, "one").await.unwrap().unwrap();
        store.connections().delete(SYSTEM, "one", true, Expect::Anything).await.unwrap();
        assert_eq!(database.number("SELECT COUNT(*) FROM credentials").await, 0);

        let second = embedded(&store, "one").await;
        let after = store.connections().get(SYSTEM, "one").await.unwrap().unwrap();
        assert_ne!(first, second);
        assert!(after.version > before.version);
        assert_eq!(store.activations().find(SYSTEM, &second, "acme").await.unwrap(), None);
        // Whoever still holds the old one's id writes nothing.
        let late = store.activations().put(SYSTEM, &row, SET, Expect::Anything).await;
        let missing = StoreError::Missing { kind: Kind::Connection, key: "one".to_owned() };
        assert_eq!(late, Err(missing));
    }

    async fn of_two_writers_one_wins_and_the_other_learns_who(database: Database) {
        let store = database.store().await;
        let row = |text: &str| TenantRow { definition: text.to_owned() };
        let made = store.tenants().put(SYSTEM, "acme", &row("0"), Expect::Absent).await.unwrap();
        let other = database.store().await;
        let expect = Expect::Version(made.revision);
        let (ann, bob) = (operator("ann"), operator("bob"));
        let (a, b) = (row("a"), row("b"));
        let (ann, bob) = tokio::join!(
            store.tenants().put(&ann, "acme", &a, expect),
            other.tenants().put(&bob, "acme", &b, expect),
        );
        let read = store.tenants().get(SYSTEM, "acme").await.unwrap().unwrap();
        let (winner, lost, text) = match (&ann, &bob) {
            (Ok(_), Err(lost)) => ("operator ann", lost, "a"),
            (Err(lost), Ok(_)) => ("operator bob", lost, "b"),
            both => panic!("{both:?}"),
        };
        assert_eq!(read.value.definition, text);
        let stale = StoreError::Stale {
            current_version: Some(read.version),
            who: winner.to_owned(),
            at_ms: read.updated_at_ms,
        };
        assert_eq!(*lost, stale);
    }

    async fn a_write_expects_what_it_says(database: Database) {
        let store = database.store().await;
        let tenants = store.tenants();
        let row = TenantRow { definition: "{}".to_owned() };
        assert_eq!(tenants.put(SYSTEM, "a", &row, Expect::Present).await, Err(StoreError::NotFound));
        let unknown = tenants.put(SYSTEM, "a", &row, Expect::Version(7)).await;
        assert_eq!(unknown, Err(StoreError::NotFound));
        tenants.put(SYSTEM, "a", &row, Expect::Absent).await.unwrap();
        let twice = tenants.put(SYSTEM, "a", &row, Expect::Absent).await;
        let exists = StoreError::Conflict { kind: Kind::Tenant, key: "a".to_owned() };
        assert_eq!(twice, Err(exists));
        let made = tenants.put(SYSTEM, "a", &row, Expect::Present).await.unwrap();
        let needing = Expect::Anything.needing(vec![(Kind::Connector, "api".to_owned())]);
        let missing = StoreError::Missing { kind: Kind::Connector, key: "api".to_owned() };
        assert_eq!(tenants.put(SYSTEM, "a", &row, needing).await, Err(missing));

        let ann = operator("ann");
        assert_eq!(tenants.delete(&ann, "b", false, Expect::Anything).await, Err(StoreError::NotFound));
        tenants.delete(&ann, "a", false, Expect::Version(made.revision)).await.unwrap();
        // Who has deleted it is told as well.
        let late = tenants.put(SYSTEM, "a", &row, Expect::Version(made.revision)).await;
        let Err(StoreError::Stale { current_version: None, who, .. }) = late else {
            panic!("{late:?}");
        };
        assert_eq!(who, "operator ann");
    }

    async fn a_change_of_a_method_is_a_revision_and_pins_stay(database: Database) {
        let store = database.store().await;
        connector(&store).await;
        let row = connection("login", true);
        let connections = store.connections();
        connections.put(SYSTEM, "one", &row, Secrets::Keep, Secrets::Keep, Expect::Absent).await.unwrap();

        let changed = r#"{"basic":{},"name":"Login"}"#;
        let put = store.connectors().put_method(SYSTEM, "api", "login", changed, Expect::Present);
        assert_eq!(put.await.unwrap().1, 2);
        let put = store.connectors().put_method(SYSTEM, "api", "login", changed, Expect::Present);
        assert_eq!(put.await.unwrap().1, 2, "the same again is no other");
        let (in_use, _) = store.auth_methods().in_use(SYSTEM).await.unwrap();
        let in_use: Vec<_> = in_use.iter().map(|it| (&*it.method, it.revision)).collect();
        assert_eq!(in_use, [("login", 1), ("login", 2), ("token", 1)]);
        let pins = connections.pins(SYSTEM, "api", "login", 1..=2).await.unwrap();
        let one = Pins { keys: vec!["one".to_owned()], total: 1 };
        assert_eq!(pins.into_iter().collect::<Vec<_>>(), [(1, one)]);
        assert_eq!(connections.pins(SYSTEM, "api", "login", 2..=9).await.unwrap().len(), 0);

        let gone = store.connectors().delete_method(SYSTEM, "api", "login", false, Expect::Present);
        let by = vec![Use::Connection { key: "one".to_owned() }];
        assert_eq!(gone.await, Err(StoreError::InUse { by: by.clone(), total: 1 }));
        let without = map(&[("token", r#"{"bearer":{}}"#)]);
        let put = store.connectors().put(SYSTEM, "api", "{}", &without, false, Expect::Present);
        assert_eq!(put.await, Err(StoreError::InUse { by, total: 1 }));
        let put = store.connectors().put(SYSTEM, "api", "{}", &without, true, Expect::Present);
        put.await.unwrap();
        let read = store.connectors().get(SYSTEM, "api").await.unwrap().unwrap();
        assert_eq!(read.value.methods.keys().collect::<Vec<_>>(), ["token"]);
        assert!(store.auth_methods().revision(SYSTEM, "api", "login", 1).await.unwrap().is_some());

        // A number means one thing for ever.
        let put = store.connectors().put_method(SYSTEM, "api", "login", "{}", Expect::Present);
        assert_eq!(put.await.unwrap().1, 3);
        let pinned_to_nothing = ConnectionRow { revision: 9, ..row };
        let put = connections.put(SYSTEM, "two", &pinned_to_nothing, SET, Secrets::Keep, Expect::Absent);
        let missing = StoreError::Missing { kind: Kind::AuthMethod, key: "api/login@9".to_owned() };
        assert_eq!(put.await, Err(missing));
    }

    async fn methods_of_files_are_recorded_where_they_differ(database: Database) {
        let store = database.store().await;
        let seen = |definition| [SeenMethod { connector: "file", method: "token", definition }];
        let methods = store.auth_methods();
        assert_eq!(methods.record_seen(SYSTEM, &seen("1")).await, Ok(1));
        assert_eq!(methods.record_seen(SYSTEM, &seen("1")).await, Ok(0));
        assert_eq!(methods.record_seen(SYSTEM, &seen("2")).await, Ok(1));
        assert_eq!(methods.record_seen(SYSTEM, &seen("1")).await, Ok(1));
        let (all, _) = methods.revisions(SYSTEM, "file", "token", i64::MAX, 100).await.unwrap();
        let all: Vec<_> = all.iter().map(|it| (it.revision, &*it.definition)).collect();
        assert_eq!(all, [(3, "1"), (2, "2"), (1, "1")]);
        let (one, _) = methods.revisions(SYSTEM, "file", "token", 3, 1).await.unwrap();
        assert_eq!(one.iter().map(|it| it.revision).collect::<Vec<_>>(), [2]);
        let last = methods.latest(SYSTEM, "file", "token").await.unwrap().unwrap();
        assert_eq!(last.revision, 3);
    }

    async fn what_is_used_stays_unless_forced(database: Database) {
        let store = database.store().await;
        connector(&store).await;
        let owner = embedded(&store, "desk").await;
        embedded(&store, "other").await;
        let links = map(&[("desk", "api")]);
        let sync = IntegrationRow::new("{}".to_owned(), links);
        store.integrations().put(SYSTEM, "sync", &sync, Expect::Absent).await.unwrap();
        let row = EnvironmentRow::new("sync".to_owned(), true, "{}".to_owned(), map(&[("desk", "desk")]));
        store.environments().put(SYSTEM, "live", &row, Expect::Absent).await.unwrap();
        let acme = activation(&owner, "desk", "acme");
        store.activations().put(SYSTEM, &acme, SET, Expect::Absent).await.unwrap();

        let desk = Some("desk".to_owned());
        let live = |alias| Use::Environment { key: "live".to_owned(), alias, deployed: true };
        let uses = store.connections().uses(SYSTEM, "desk", &owner).await.unwrap();
        assert_eq!(uses.by, [live(desk.clone()), Use::Activations { count: 1 }]);
        assert_eq!((uses.total, uses.environments, uses.deployed, uses.activations), (2, 1, 1, 1));
        let refused = store.connections().delete(SYSTEM, "desk", false, Expect::Anything).await;
        assert_eq!(refused, Err(StoreError::InUse { by: uses.by, total: 2 }));
        let refused = store.integrations().delete(SYSTEM, "sync", false, Expect::Anything).await;
        assert_eq!(refused, Err(StoreError::InUse { by: vec![live(None)], total: 1 }));
        let refused = store.connectors().delete(SYSTEM, "api", false, Expect::Anything).await;
        let named = |key: &str| Use::Connection { key: key.to_owned() };
        let link = Use::Integration { key: "sync".to_owned(), alias: "desk".to_owned() };
        let by = vec![named("desk"), named("other"), link];
        assert_eq!(refused, Err(StoreError::InUse { by, total: 3 }));
        let row = TenantRow { definition: "{}".to_owned() };
        store.tenants().put(SYSTEM, "acme", &row, Expect::Absent).await.unwrap();
        let refused = store.tenants().delete(SYSTEM, "acme", false, Expect::Anything).await;
        let by = vec![Use::Activations { count: 1 }];
        assert_eq!(refused, Err(StoreError::InUse { by, total: 1 }));

        let needing = Expect::Anything.needing(vec![(Kind::Connection, "other".to_owned())]);
        let (changed, _) =
            store.connections().replace_everywhere(SYSTEM, "desk", "other", needing).await.unwrap();
        assert_eq!(changed, ["live"]);
        let read = store.environments().get(SYSTEM, "live").await.unwrap().unwrap();
        assert_eq!(read.value.assign()["desk"], "other");
        let uses = store.connections().uses(SYSTEM, "desk", &owner).await.unwrap();
        assert_eq!((uses.total, uses.environments), (1, 0));

        store.tenants().delete(SYSTEM, "acme", true, Expect::Anything).await.unwrap();
        assert_eq!(store.activations().find(SYSTEM, &owner, "acme").await.unwrap(), None);
        assert_eq!(database.number("SELECT COUNT(*) FROM credentials").await, 0);
        store.connections().delete(SYSTEM, "desk", false, Expect::Anything).await.unwrap();
        // Forced, and environments assign nothing in its place.
        store.connections().delete(SYSTEM, "other", true, Expect::Anything).await.unwrap();
        let read = store.environments().get(SYSTEM, "live").await.unwrap().unwrap();
        assert!(read.value.assign().is_empty());
        store.environments().delete(SYSTEM, "live", true, Expect::Anything).await.unwrap();
        store.integrations().delete(SYSTEM, "sync", false, Expect::Anything).await.unwrap();
        store.connectors().delete(SYSTEM, "api", false, Expect::Anything).await.unwrap();
        assert_eq!(database.number("SELECT COUNT(*) FROM assignments").await, 0);
        assert_eq!(database.number("SELECT COUNT(*) FROM integration_links").await, 0);
    }

    async fn activations_are_all_put_or_none(database: Database) {
        let store = database.store().await;
        connector(&store).await;
        let (one, two) = (embedded(&store, "one").await, embedded(&store, "two").await);
        let exists = activation(&two, "two", "acme");
        store.activations().put(SYSTEM, &exists, SET, Expect::Absent).await.unwrap();
        let before = store.changes().revision(SYSTEM).await.unwrap();
        let all = [
            activating(activation(&one, "one", "acme"), Expect::Absent),
            activating(exists, Expect::Absent),
        ];
        let refused = store.activations().put_all(SYSTEM, &all, &[]).await;
        assert!(matches!(refused, Err(StoreError::Conflict { kind: Kind::Activation, .. })));
        assert_eq!(store.activations().find(SYSTEM, &one, "acme").await.unwrap(), None);
        assert_eq!(store.changes().revision(SYSTEM).await.unwrap(), before);

        // Nor is one that was checked beside what has changed since.
        let version = store.connections().get(SYSTEM, "one").await.unwrap().unwrap().version;
        let beside = |version| {
            let condition = Condition::from(Expect::Anything);
            condition.beside(vec![(Kind::Connection, "one".to_owned(), version)])
        };
        let all = all.map(|it| Activation { condition: beside(version - 1), ..it });
        let outrun = StoreError::Outrun { kind: Kind::Connection, key: "one".to_owned() };
        assert_eq!(store.activations().put_all(SYSTEM, &all, &[]).await, Err(outrun));
        let all = all.map(|it| Activation { condition: beside(version), ..it });
        let written = store.activations().put_all(SYSTEM, &all, &[]).await.unwrap();
        assert_eq!(written.iter().map(|it| it.created).collect::<Vec<_>>(), [true, false]);
        assert_eq!(written[1].revision, before + 2);
        let gone = [
            (&*one, "acme", Expect::Present.into()),
            (&*two, "nobody", Expect::Present.into()),
        ];
        assert_eq!(store.activations().delete_all(SYSTEM, &gone).await, Err(StoreError::NotFound));
        assert!(store.activations().find(SYSTEM, &one, "acme").await.unwrap().is_some());
        let gone = gone.map(|(owner, tenant, _)| (owner, tenant, Expect::Anything.into()));
        store.activations().delete_all(SYSTEM, &gone).await.unwrap();
        assert_eq!(store.activations().find(SYSTEM, &one, "acme").await.unwrap(), None);
        assert!(store.activations().any(SYSTEM, &two).await.unwrap());
        assert!(!store.activations().any(SYSTEM, &one).await.unwrap());
    }

    async fn a_tenant_sees_its_own_activations_and_nothing_else(database: Database) {
        let store = database.store().await;
        connector(&store).await;
        let owner = embedded(&store, "one").await;
        for id in ["acme", "zeta"] {
            let row = activation(&owner, "one", id);
            store.activations().put(SYSTEM, &row, SET, Expect::Absent).await.unwrap();
        }
        let (acme, activations) = (tenant("acme"), store.activations());
        assert!(activations.find(&acme, &owner, "acme").await.unwrap().is_some());
        assert_eq!(activations.find(&acme, &owner, "zeta").await.unwrap(), None);
        let own = activations.of_owner(&acme, &owner, None, 10).await.unwrap();
        assert_eq!(own.rows.iter().map(|it| &*it.0.value.tenant).collect::<Vec<_>>(), ["acme"]);
        assert!(activations.of_tenant(&acme, "zeta", None, 10).await.unwrap().rows.is_empty());
        assert!(!activations.any(&tenant("nobody"), &owner).await.unwrap());
        let theirs = activation(&owner, "one", "zeta");
        let not_found = Err(StoreError::NotFound);
        assert_eq!(activations.put(&acme, &theirs, SET, Expect::Anything).await, not_found);
        let deleted = activations.delete(&acme, &owner, "zeta", Expect::Anything).await;
        assert_eq!(deleted, Err(StoreError::NotFound));

        assert_eq!(store.connections().get(&acme, "one").await.unwrap(), None);
        assert!(store.connectors().all(&acme).await.unwrap().rows.is_empty());
        let deleted = store.connections().delete(&acme, "one", true, Expect::Anything).await;
        assert_eq!(deleted, Err(StoreError::NotFound));
        assert!(store.credentials().count(&acme).await.unwrap().is_empty());
        assert!(store.credentials().key_ids(&acme).await.unwrap().is_empty());
        let read = store.credentials().get(&acme, &owner, "zeta", Slot::Activation).await;
        assert_eq!(read.unwrap(), None);
        activations.delete(&acme, &owner, "acme", Expect::Present).await.unwrap();
        assert!(activations.find(SYSTEM, &owner, "zeta").await.unwrap().is_some());
    }

    async fn pages_follow_each_other_by_key_whatever_is_written_between(database: Database) {
        let store = database.store().await;
        let row = TenantRow { definition: "{}".to_owned() };
        // In the order of their bytes, on both engines.
        let ids = ["A", "B-1", "a", "a b", "a-b", "ab", "b", "é", "日本"];
        for id in ids.iter().rev() {
            store.tenants().put(SYSTEM, id, &row, Expect::Absent).await.unwrap();
        }
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = store.tenants().list(SYSTEM, after.as_deref(), 2).await.unwrap();
            assert!(page.rows.len() <= 2);
            seen.extend(page.rows.into_iter().map(|it| it.key));
            if seen.len() == 2 {
                store.tenants().delete(SYSTEM, "B-1", false, Expect::Anything).await.unwrap();
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, ids);
    }

    async fn caller_keys_overlap_while_they_are_rotated(database: Database) {
        let store = database.store().await;
        let key = |byte: u8, expires_at_ms| CallerKey {
            caller: "runtime".to_owned(),
            hash: [byte; 32],
            prefix: format!("atc_{byte}"),
            created_at_ms: 0,
            expires_at_ms,
        };
        let row = CallerRow { definition: "{}".to_owned() };
        let callers = store.callers();
        let (first, second) = (key(1, None), key(2, None));
        let made = callers.put(SYSTEM, "runtime", &row, Some(&first), Expect::Absent);
        let made = made.await.unwrap().written;
        let expect = Expect::Version(made.revision);
        let rotated = callers.rotate(SYSTEM, "runtime", &second, Some(60_000), expect);
        let rotated = rotated.await.unwrap().written;
        let later = rotated.updated_at_ms + 60_000;
        let stale = callers.rotate(SYSTEM, "runtime", &key(3, None), None, expect).await;
        assert!(matches!(stale, Err(StoreError::Stale { .. })), "{stale:?}");
        let (keys, _) = callers.keys(SYSTEM, "runtime").await.unwrap();
        let keys: Vec<_> = keys.iter().map(|it| (it.hash[0], it.expires_at_ms)).collect();
        assert_eq!(keys, [(1, Some(later)), (2, None)]);
        let again = callers.rotate(SYSTEM, "runtime", &key(1, None), None, Expect::Present).await;
        let again = again.unwrap();
        assert!(again.keys.iter().all(|it| it.expires_at_ms.is_none()), "it goes on");
        let other = CallerKey { caller: "other".to_owned(), ..key(9, None) };
        callers.put(SYSTEM, "other", &row, Some(&other), Expect::Absent).await.unwrap();
        let taken = CallerKey { caller: "other".to_owned(), ..key(1, None) };
        let taken = callers.rotate(SYSTEM, "other", &taken, None, Expect::Present).await;
        assert!(matches!(taken, Err(StoreError::Conflict { .. })));
        callers.delete(SYSTEM, "other", Expect::Present).await.unwrap();
        let expect = Expect::Version(again.written.revision);
        callers.delete_key(SYSTEM, "runtime", &[1; 32], expect).await.unwrap();
        assert_eq!(callers.all_keys(SYSTEM).await.unwrap().0.len(), 1);
        // For no time at all: they are gone, whatever time it is wherever keys are asked for.
        let fourth = key(4, None);
        let last = callers.rotate(SYSTEM, "runtime", &fourth, Some(0), Expect::Present);
        let left: Vec<_> = last.await.unwrap().keys.iter().map(|it| it.hash[0]).collect();
        assert_eq!(left, [4]);
        assert_eq!(callers.all_keys(SYSTEM).await.unwrap().0.len(), 1);
        callers.delete(SYSTEM, "runtime", Expect::Present).await.unwrap();
        assert!(callers.all_keys(SYSTEM).await.unwrap().0.is_empty());
    }

    async fn a_token_is_found_by_its_hash(database: Database) {
        let store = database.store().await;
        let row = TokenRow {
            role: "viewer".to_owned(),
            hash: [7; 32],
            prefix: "ato_abc".to_owned(),
            expires_at_ms: Some(9),
        };
        store.tokens().put(SYSTEM, "ci", &row, Expect::Absent).await.unwrap();
        let found = store.tokens().by_hash(SYSTEM, &[7; 32]).await.unwrap().unwrap();
        assert_eq!((&*found.key, found.value.clone()), ("ci", row.clone()));
        assert_eq!(store.tokens().by_hash(SYSTEM, &[8; 32]).await.unwrap(), None);
        let twice = store.tokens().put(SYSTEM, "cd", &row, Expect::Absent).await;
        let conflict = StoreError::Conflict { kind: Kind::Token, key: "ci".to_owned() };
        assert_eq!(twice, Err(conflict));
        store.tokens().delete(SYSTEM, "ci", Expect::Present).await.unwrap();
        assert_eq!(store.tokens().by_hash(SYSTEM, &[7; 32]).await.unwrap(), None);
    }

    async fn a_create_is_done_once_for_each_idempotency_key(database: Database) {
        let store = database.store().await;
        let idempotency = store.idempotency();
        let hour = 3_600_000;
        let claim = |token: &'static str, request: u8, abandoned_after_ms| async move {
            idempotency.claim(SYSTEM, token, "k", &[request; 32], abandoned_after_ms).await.unwrap()
        };
        let Claim::New { claimed_at_ms } = claim("ci", 1, hour).await else { panic!() };
        assert_eq!(claim("ci", 1, hour).await, Claim::InProgress);
        assert_eq!(claim("ci", 2, hour).await, Claim::Different);
        assert!(matches!(claim("other", 2, hour).await, Claim::New { .. }));
        idempotency.abandon(SYSTEM, "ci", "k", claimed_at_ms).await.unwrap();
        let Claim::New { claimed_at_ms } = claim("ci", 2, hour).await else { panic!() };
        // Whoever claimed it has died: the next one does it.
        let Claim::New { claimed_at_ms: later } = claim("ci", 2, -hour).await else { panic!() };
        let sealing = |binding: &attache::seal::Binding<'_>| {
            seal(&Place { binding: *binding, current: None, now_ms: 1 }).unwrap()
        };
        if later != claimed_at_ms {
            let late = idempotency.finish(SYSTEM, "ci", "k", claimed_at_ms, 201, sealing);
            assert!(!late.await.unwrap());
        }
        assert!(idempotency.finish(SYSTEM, "ci", "k", later, 201, sealing).await.unwrap());
        let Claim::Replay { status, reply } = claim("ci", 2, -hour).await else { panic!() };
        assert_eq!((status, reply.generation), (201, u64::try_from(later).unwrap()));
        assert_eq!(idempotency.prune(SYSTEM, hour).await, Ok(0));
        assert_eq!(idempotency.prune(SYSTEM, -hour).await, Ok(2));
        assert_eq!(database.number("SELECT COUNT(*) FROM credentials").await, 0);
    }

    async fn the_deployments_own_credential_is_made_once(database: Database) {
        let (one, two) = (database.store().await, database.store().await);
        let (a, b) = tokio::join!(one.deployment().own(SYSTEM, &seal), async {
            let other = |place: &Place<'_>| {
                seal(place).map(|it| Sealed { key_id: "v2-other".to_owned(), ..it })
            };
            two.deployment().own(SYSTEM, &other).await
        });
        assert_eq!(a.unwrap(), b.unwrap());
        let name = one.deployment().name(SYSTEM).await.unwrap();
        assert_eq!(name, two.deployment().name(SYSTEM).await.unwrap());
        assert_eq!(database.number("SELECT COUNT(*) FROM credentials").await, 1);
    }

    async fn data_keys_are_put_under_another_where_nobody_wrote_meanwhile(database: Database) {
        let store = database.store().await;
        let credentials = store.credentials();
        for id in ["a", "b", "c"] {
            let row = activation("file:desk", "desk", id);
            store.activations().put(SYSTEM, &row, SET, Expect::Absent).await.unwrap();
        }
        assert_eq!(credentials.count(SYSTEM).await.unwrap(), [("v1-test".to_owned(), 3)]);
        assert_eq!(credentials.key_ids(SYSTEM).await.unwrap(), ["v1-test"]);
        let (mut entries, mut after) = (Vec::new(), None);
        loop {
            let (batch, next) =
                credentials.batch(SYSTEM, Some("v1-test"), after.as_ref(), 2).await.unwrap();
            entries.extend(batch.into_iter().map(Result::unwrap));
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(entries.iter().map(|it| &*it.tenant).collect::<Vec<_>>(), ["a", "b", "c"]);
        let before = store.changes().revision(SYSTEM).await.unwrap();
        let row = activation("file:desk", "desk", "b");
        store.activations().put(SYSTEM, &row, SET, Expect::Present).await.unwrap();
        let wrap = attache::seal::Wrap { key_id: "v2-test".to_owned(), wrapped: vec![2] };
        let rewraps: Vec<_> = entries
            .into_iter()
            .map(|entry| attache::store::Rewrap { entry, wrap: wrap.clone() })
            .collect();
        assert_eq!(credentials.rewrap(SYSTEM, &rewraps).await, Ok(2));
        let count = credentials.count(SYSTEM).await.unwrap();
        assert_eq!(count, [("v1-test".to_owned(), 1), ("v2-test".to_owned(), 2)]);
        assert_eq!(credentials.key_ids(SYSTEM).await.unwrap(), ["v1-test", "v2-test"]);
        let found = store.activations().find(SYSTEM, "file:desk", "a").await.unwrap().unwrap();
        assert_eq!(found.1.unwrap().sealed.wrapped, [2]);
        assert_eq!(store.changes().revision(SYSTEM).await.unwrap(), before + 1);
    }

    async fn what_seals_can_refuse_and_nothing_is_written(database: Database) {
        let store = database.store().await;
        let refuse = |_: &Place<'_>| Err("the old one does not open".to_owned());
        let row = activation("file:desk", "desk", "acme");
        let put = store.activations().put(SYSTEM, &row, Secrets::Set(&refuse), Expect::Absent).await;
        assert_eq!(put, Err(StoreError::Refused("the old one does not open".to_owned())));
        assert!(!store.activations().any(SYSTEM, "file:desk").await.unwrap());
        // And it is shown what is there, so that one field can be changed of several.
        store.activations().put(SYSTEM, &row, SET, Expect::Absent).await.unwrap();
        let second = |place: &Place<'_>| {
            let mut sealed = seal(place)?;
            let current = place.current.ok_or("there is one")?;
            let kept = current.sealed.fields["key"].clone();
            sealed.fields.insert("kept".to_owned(), kept);
            Ok(sealed)
        };
        let put = store.activations().put(SYSTEM, &row, Secrets::Set(&second), Expect::Present);
        let written = put.await.unwrap();
        let (_, sealed) = store.activations().find(SYSTEM, "file:desk", "acme").await.unwrap().unwrap();
        let sealed = sealed.unwrap();
        assert_eq!(sealed.generation, u64::try_from(written.revision).unwrap());
        assert_eq!(sealed.sealed.fields.len(), 2);
    }

    async fn hostile_texts_are_texts(database: Database) {
        let store = database.store().await;
        let row = |text: &str| TenantRow { definition: text.to_owned() };
        let texts = [
            "'; DROP TABLE tenants; --",
            "\"",
            "\\",
            "%",
            "_",
            "$1",
            "?1",
            ":name",
            "\u{feff}",
            "\u{202e}",
            "\u{10ffff}",
            "a\r\nb",
            "\u{1}",
            "null",
            "🦀",
        ];
        for text in texts {
            store.tenants().put(SYSTEM, text, &row(text), Expect::Absent).await.unwrap();
        }
        for text in texts {
            let read = store.tenants().get(SYSTEM, text).await.unwrap().unwrap();
            assert_eq!((&*read.key, &*read.value.definition), (text, text));
        }
        assert_eq!(store.tenants().all(SYSTEM).await.unwrap().rows.len(), texts.len());

        let refused = |it: Result<_, StoreError>| match it {
            Err(StoreError::Refused(text)) => text,
            other => panic!("{other:?}"),
        };
        let said = refused(store.tenants().put(SYSTEM, "a", &row("a\0b"), Expect::Absent).await);
        assert!(said.contains("NUL"), "{said}");
        refused(store.tenants().put(SYSTEM, "a\0", &row("a"), Expect::Absent).await);
        let longest = "x".repeat(4 << 20);
        store.tenants().put(SYSTEM, "long", &row(&longest), Expect::Absent).await.unwrap();
        let read = store.tenants().get(SYSTEM, "long").await.unwrap().unwrap();
        assert_eq!(read.value.definition.len(), longest.len());
        let longer = row(&(longest + "x"));
        let said = refused(store.tenants().put(SYSTEM, "a", &longer, Expect::Absent).await);
        assert!(said.contains("4 MiB"), "{said}");
        assert_eq!(store.tenants().get(SYSTEM, "a").await, Ok(None));
    }
}
