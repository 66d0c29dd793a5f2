//! The store's grants, the same on both engines: who may have a token, what was under way, and what counts.
use crate::support::Gateway;
use crate::support::SYSTEM;
use crate::support::each_engine;
use attache::model::Key;
use attache::model::Scope;
use attache::seal::Sealed;
use attache::seal::SealedField;
use attache::seal::Slot;
use attache::store::GrantFailure;
use attache::store::GrantKey;
use attache::store::GrantName;
use attache::store::GrantRow;
use attache::store::GrantState;
use attache::store::LEASE_MS;
use attache::store::Lease;
use attache::store::Leased;
use attache::store::Lot;
use attache::store::Place;
use attache::store::Renewal;
use attache::store::Store;
use attache::store::StoreError;
use attache::store::Wanting;
use serde_json::json;

const ACME: GrantKey<'_> = GrantKey { owner: "file:crm", tenant: "acme", slot: Slot::Activation };
const OWN: GrantKey<'_> = GrantKey { owner: "file:crm", tenant: "", slot: Slot::Own };
const TEST: GrantKey<'_> = GrantKey { owner: "file:crm", tenant: "", slot: Slot::Test };

const RENEWAL: Renewal<'_> = Renewal {
    version: 0,
    fingerprint: "f",
    of: "",
    expires_ms: Some(4_000_000_000_000),
    due_in_ms: Some(3_600_000),
    ends_ms: None,
};

/// No cipher: a text that says what it was sealed for.
fn seal(place: &Place<'_>) -> Result<Sealed, String> {
    let text = format!("{:?}", place.binding);
    let field =
        SealedField { sealed: text.into_bytes(), fingerprint: "00".to_owned(), set_at_ms: 1 };
    let fields = [("key".to_owned(), field)].into();
    Ok(Sealed { key_id: "v1-test".to_owned(), wrapped: vec![0, 1, 255], fields })
}

async fn row(store: &Store, key: GrantKey<'_>) -> GrantRow {
    store.grants().get(SYSTEM, key).await.unwrap().expect("the grant is there")
}

fn wanting(holder: &str) -> Wanting<'_> {
    Wanting { fingerprint: "f", holder, is_declared: true }
}

/// A lease that is had.
async fn leased<'h>(store: &Store, key: GrantKey<'_>, holder: &'h str) -> Lease<'h> {
    match store.grants().lease(SYSTEM, key, wanting(holder)).await.unwrap() {
        Leased::Held { fence, .. } => Lease { holder, fence },
        other => panic!("nobody else has it: {other:?}"),
    }
}

/// A token that is had under a lease, and due in an hour.
async fn had(store: &Store, key: GrantKey<'_>, lease: Lease<'_>, version: i64) -> Option<i64> {
    let renewal = Renewal { version, ..RENEWAL };
    store.grants().renewed(SYSTEM, key, lease, renewal, &seal).await.unwrap()
}

fn failure(state: GrantState, again_in_ms: Option<i64>) -> GrantFailure {
    let (why, tried_with) = ("busy".to_owned(), "all".to_owned());
    GrantFailure {
        state,
        why,
        attempt: String::new(),
        again_in_ms,
        is_uncertain: false,
        tried_with,
    }
}

each_engine! {
    async fn one_replica_at_a_time_has_a_lease_and_its_fence_grows_with_each_other_one(database: Database) {
        let store = database.store().await;
        let grants = store.grants();
        assert_eq!(grants.get(SYSTEM, ACME).await.unwrap(), None);
        let first = leased(&store, ACME, "one").await;
        assert_eq!(leased(&store, ACME, "one").await, first, "it goes on having it");
        let held = row(&store, ACME).await;
        assert_eq!((held.version, held.fence, &*held.holder), (0, first.fence, "one"));
        assert!(held.held_until_ms > held.now_ms && held.held_until_ms <= held.now_ms + LEASE_MS);
        assert_eq!(grants.lease(SYSTEM, ACME, wanting("two")).await.unwrap(), Leased::Taken);
        database.run("UPDATE grants SET held_until = held_until - 5000").await;
        let acme = GrantName { owner: "file:crm".to_owned(), tenant: "acme".to_owned(), slot: Slot::Activation };
        grants.extend(SYSTEM, "two", std::slice::from_ref(&acme)).await.unwrap();
        let soon_over = row(&store, ACME).await;
        assert!(soon_over.held_until_ms <= soon_over.now_ms + 1000, "it is another's");
        grants.extend(SYSTEM, "one", &[acme]).await.unwrap();
        let held = row(&store, ACME).await;
        assert!(held.held_until_ms > held.now_ms + LEASE_MS - 1000);
        leased(&store, OWN, "two").await;
        grants.release(SYSTEM, "one").await.unwrap();
        let second = leased(&store, ACME, "two").await;
        assert_eq!(second.fence, first.fence + 1);
        assert!(!grants.intend(SYSTEM, ACME, first, "", ("a", "t")).await.unwrap());
        assert_eq!(had(&store, ACME, first, 0).await, None);
        assert!(!grants.failed(SYSTEM, ACME, first, &failure(GrantState::Failing, None)).await.unwrap());
        assert_eq!(row(&store, ACME).await.version, 0, "nothing is done under a former lease");
    }

    async fn no_message_goes_out_while_nobody_knows_what_came_of_the_last(database: Database) {
        let store = database.store().await;
        let grants = store.grants();
        let lease = leased(&store, ACME, "one").await;
        assert!(grants.intend(SYSTEM, ACME, lease, "", ("a", "token-1")).await.unwrap());
        assert!(!grants.intend(SYSTEM, ACME, lease, "", ("b", "token-1")).await.unwrap());
        let open = row(&store, ACME).await.attempt.unwrap();
        assert_eq!((&*open.id, &*open.of), ("a", "token-1"));
        assert!(grants.claim(SYSTEM, "two", Lot::Left, 10, &[]).await.unwrap().is_empty(), "it is under way");
        database.run("UPDATE grants SET held_until = 0").await;
        let left = grants.claim(SYSTEM, "two", Lot::Left, 10, &[]).await.unwrap();
        assert_eq!(left.iter().map(|it| it.key()).collect::<Vec<_>>(), [ACME]);
        assert!(grants.claim(SYSTEM, "three", Lot::Left, 10, &[]).await.unwrap().is_empty(), "another has it");
        let lease = leased(&store, ACME, "two").await;
        assert!(!grants.intend(SYSTEM, ACME, lease, "", ("b", "token-1")).await.unwrap());
        assert!(!grants.intend(SYSTEM, ACME, lease, "x", ("b", "token-1")).await.unwrap());
        assert!(grants.intend(SYSTEM, ACME, lease, "a", ("b", "token-1")).await.unwrap(), "in its place");
        assert!(!grants.answered(SYSTEM, ACME, "a", &seal).await.unwrap(), "its answer comes too late");
        let uncertain = GrantFailure { is_uncertain: true, ..failure(GrantState::Failing, Some(1000)) };
        assert!(grants.failed(SYSTEM, ACME, lease, &uncertain).await.unwrap());
        assert!(row(&store, ACME).await.attempt.is_some());
        let ended = GrantFailure { attempt: "b".to_owned(), ..failure(GrantState::Failing, None) };
        assert!(grants.failed(SYSTEM, ACME, lease, &ended).await.unwrap());
        assert!(grants.intend(SYSTEM, ACME, lease, "", ("c", "token-1")).await.unwrap());
    }

    async fn an_answer_is_kept_until_it_is_acted_upon_whoever_has_the_lease(database: Database) {
        let store = database.store().await;
        let grants = store.grants();
        let lease = leased(&store, ACME, "one").await;
        assert!(!grants.answered(SYSTEM, ACME, "a", &seal).await.unwrap(), "to nothing");
        assert!(grants.intend(SYSTEM, ACME, lease, "", ("a", "t")).await.unwrap());
        database.run("UPDATE grants SET held_until = 0").await;
        let other = leased(&store, ACME, "two").await;
        assert!(grants.answered(SYSTEM, ACME, "a", &seal).await.unwrap());
        assert!(!grants.answered(SYSTEM, ACME, "b", &seal).await.unwrap(), "to another one");
        let kept = row(&store, ACME).await;
        assert!(kept.answer.is_some() && kept.tokens.is_none());
        assert_eq!(had(&store, ACME, other, 0).await, Some(1));
        let after = row(&store, ACME).await;
        assert!(after.answer.is_none() && after.tokens.is_some() && after.attempt.is_none());
        assert!(after.tokens.unwrap().generation > kept.answer.unwrap().generation);
        let sealed = database.number("SELECT COUNT(*) FROM credentials WHERE owner = 'file:crm'").await;
        assert_eq!(sealed, 1);
    }

    async fn what_is_had_takes_the_place_of_exactly_what_it_follows(database: Database) {
        let store = database.store().await;
        let lease = leased(&store, ACME, "one").await;
        assert_eq!(had(&store, ACME, lease, 0).await, Some(1));
        assert_eq!(had(&store, ACME, lease, 0).await, None, "the other one was quicker");
        let first = row(&store, ACME).await;
        assert_eq!((first.version, first.expires_ms), (1, Some(4_000_000_000_000)));
        assert_eq!(had(&store, ACME, lease, 1).await, Some(2));
        let second = row(&store, ACME).await;
        assert!(second.tokens.unwrap().generation > first.tokens.unwrap().generation);
        // A connection's own and its test credentials are two.
        for (key, count) in [(OWN, 1), (TEST, 1)] {
            let lease = leased(&store, key, "one").await;
            assert_eq!(had(&store, key, lease, 0).await, Some(count));
        }
        assert_eq!(database.number("SELECT COUNT(*) FROM credentials").await, 3);
    }

    async fn failures_are_counted_and_say_since_when_and_why(database: Database) {
        let store = database.store().await;
        let grants = store.grants();
        let lease = leased(&store, ACME, "one").await;
        for failures in 1..=2 {
            assert!(grants.failed(SYSTEM, ACME, lease, &failure(GrantState::Failing, Some(60_000))).await.unwrap());
            let row = row(&store, ACME).await;
            assert_eq!((row.state, row.failures, &*row.why), (GrantState::Failing, failures, "busy"));
            assert!(row.due_ms.unwrap() >= row.now_ms + 50_000);
        }
        database.run("UPDATE grants SET since = 5").await;
        assert!(grants.failed(SYSTEM, ACME, lease, &failure(GrantState::Failing, None)).await.unwrap());
        assert_eq!(row(&store, ACME).await.since_ms, 5, "since the first");
        let dead = failure(GrantState::ReauthorizationRequired, None);
        assert!(grants.failed(SYSTEM, ACME, lease, &dead).await.unwrap());
        let row_now = row(&store, ACME).await;
        assert!(row_now.since_ms > 5 && row_now.due_ms.is_none());
        assert_eq!(had(&store, ACME, lease, 0).await, Some(1));
        let back = row(&store, ACME).await;
        assert_eq!((back.state, back.failures, &*back.why), (GrantState::Active, 0, ""));
    }

    async fn what_is_due_comes_in_its_order_and_what_somebody_holds_does_not(database: Database) {
        let store = database.store().await;
        let grants = store.grants();
        let tenants = ["a", "b", "c", "d"];
        for (due, tenant) in (1..).zip(tenants) {
            let key = GrantKey { tenant, ..ACME };
            let lease = leased(&store, key, "one").await;
            let renewal = Renewal { due_in_ms: Some(-10_000 * due), ..RENEWAL };
            assert!(grants.renewed(SYSTEM, key, lease, renewal, &seal).await.unwrap().is_some());
        }
        leased(&store, GrantKey { tenant: "c", ..ACME }, "two").await;
        let later = leased(&store, OWN, "one").await;
        assert_eq!(had(&store, OWN, later, 0).await, Some(1));
        let claim = async |holder, limit| {
            let due = grants.claim(SYSTEM, holder, Lot::Due, limit, &[]).await.unwrap();
            let mut tenants: Vec<String> = due.into_iter().map(|it| it.tenant).collect();
            tenants.sort();
            tenants.concat()
        };
        assert_eq!(claim("two", 2).await, "bd", "the earliest, less what somebody holds");
        assert_eq!(claim("three", 9).await, "a", "less what somebody has taken");
        assert_eq!(claim("four", 9).await, "");
        let b = GrantName { owner: "file:crm".to_owned(), tenant: "b".to_owned(), slot: Slot::Activation };
        grants.postpone(SYSTEM, "three", &[(b.clone(), -5000)]).await.unwrap();
        assert_eq!(claim("four", 9).await, "", "it is another's");
        grants.postpone(SYSTEM, "two", &[(b.clone(), -5000)]).await.unwrap();
        assert_eq!(claim("four", 9).await, "b");
        grants.postpone(SYSTEM, "four", &[(b, 60_000)]).await.unwrap();
        assert_eq!(claim("five", 9).await, "");
        let census = grants.census(SYSTEM).await.unwrap();
        assert_eq!((census.failing, census.reauthorization_required, census.open), (0, 0, 0));
        assert!(census.late_ms >= 10_000, "{census:?}");
    }

    async fn what_was_had_for_another_grant_goes_when_the_new_one_has_its_own_and_not_before(database: Database) {
        let store = database.store().await;
        let lease = leased(&store, ACME, "one").await;
        assert_eq!(had(&store, ACME, lease, 0).await, Some(1));
        let wanting = Wanting { fingerprint: "new", ..wanting("one") };
        let Leased::Held { version: 1, .. } = store.grants().lease(SYSTEM, ACME, wanting).await.unwrap() else {
            panic!("it may try")
        };
        assert!(store.grants().intend(SYSTEM, ACME, lease, "", ("a", "r2")).await.unwrap());
        assert!(store.grants().failed(SYSTEM, ACME, lease, &failure(GrantState::ReauthorizationRequired, None)).await.unwrap());
        let kept = row(&store, ACME).await;
        assert!(kept.tokens.is_some() && kept.fingerprint == "f" && kept.former.is_empty());
        let renewal = Renewal { version: 1, fingerprint: "new", ..RENEWAL };
        assert_eq!(store.grants().renewed(SYSTEM, ACME, lease, renewal, &seal).await.unwrap(), Some(2));
        let now = row(&store, ACME).await;
        assert_eq!((&*now.fingerprint, &*now.former), ("new", "f"));
        assert_eq!(had(&store, ACME, lease, 1).await, None, "what was asked for the former one is too late");
    }

    async fn a_late_answer_to_the_last_token_counts_whoever_has_the_lease_and_believes_what(database: Database) {
        let store = database.store().await;
        let grants = store.grants();
        let late = leased(&store, ACME, "one").await;
        assert!(grants.intend(SYSTEM, ACME, late, "", ("a", "token-1")).await.unwrap());
        database.run("UPDATE grants SET held_until = 0").await;
        let other = leased(&store, ACME, "two").await;
        assert!(grants.intend(SYSTEM, ACME, other, "a", ("b", "token-1")).await.unwrap());
        let dead = failure(GrantState::ReauthorizationRequired, None);
        assert!(grants.failed(SYSTEM, ACME, other, &dead).await.unwrap());
        let of = |of| Renewal { of, ..RENEWAL };
        assert_eq!(grants.renewed(SYSTEM, ACME, late, of(""), &seal).await.unwrap(), None);
        assert_eq!(grants.renewed(SYSTEM, ACME, late, of("token-0"), &seal).await.unwrap(), None);
        assert_eq!(grants.renewed(SYSTEM, ACME, late, of("token-1"), &seal).await.unwrap(), Some(1));
        let back = row(&store, ACME).await;
        assert!(back.state == GrantState::Active && back.tokens.is_some());
        let told = "SELECT CAST(COUNT(*) AS TEXT) FROM events WHERE type = 'connection.authorized' AND tenant = 'acme'";
        assert_eq!(database.text(told).await, "1", "that is told");
        assert_eq!(grants.renewed(SYSTEM, ACME, late, of("token-1"), &seal).await.unwrap(), None, "once");
    }

    async fn what_is_gone_is_leased_by_nobody_and_what_comes_after_it_is_another(database: Database) {
        let gateway = Gateway::beside(&database, "");
        let operator = gateway.operator();
        let connector = json!({ "base_url": "https://api.example", "auth": { "m": { "bearer": {} } } });
        operator.put("/v1/connectors/api", connector).await.is(201);
        let connection = json!({ "connector": "api", "auth": "m", "embedded": true });
        operator.put("/v1/connections/crm", connection).await.is(201);
        let own = json!({ "connector": "api", "auth": "m", "credentials": { "token": "t" } });
        operator.put("/v1/connections/own", own).await.is(201);
        let path = "/v1/connections/crm/activations/acme";
        let activation = json!({ "credentials": { "token": "t" } });
        operator.put(path, activation.clone()).await.is(201);
        let owner = database.text("SELECT id FROM connections WHERE key = 'crm'").await;
        let standard = database.text("SELECT id FROM connections WHERE key = 'own'").await;
        let store = database.open().await;
        let acme = GrantKey { owner: &owner, tenant: "acme", slot: Slot::Activation };
        let own = GrantKey { owner: &standard, tenant: "", slot: Slot::Own };
        let lease = async |key| {
            let wanting = Wanting { is_declared: false, ..wanting("one") };
            store.grants().lease(SYSTEM, key, wanting).await.unwrap()
        };
        let Leased::Held { fence, .. } = lease(acme).await else { panic!("it is there") };
        assert!(matches!(lease(own).await, Leased::Held { .. }));
        operator.delete(path).await.is(204);
        operator.delete("/v1/connections/own").await.is(204);
        for key in [acme, own] {
            assert_eq!(lease(key).await, Leased::Gone);
            assert_eq!(store.grants().get(SYSTEM, key).await.unwrap(), None, "no row comes back");
        }
        let late = Lease { holder: "one", fence };
        assert_eq!(had(&store, acme, late, 0).await, None);
        operator.put(path, activation).await.is(201);
        let Leased::Held { fence: again, .. } = lease(acme).await else { panic!("it is there again") };
        assert!(again > fence, "what was asked for the former one is under no fence of the new one's");
        assert_eq!(had(&store, acme, late, 0).await, None);
    }

    async fn nobody_but_the_system_and_operators_sees_or_changes_them(database: Database) {
        let store = database.store().await;
        let lease = leased(&store, ACME, "one").await;
        assert_eq!(had(&store, ACME, lease, 0).await, Some(1));
        let tenant = Scope::Tenant("acme".try_into().unwrap());
        let grants = store.grants();
        assert_eq!(grants.get(&tenant, ACME).await.unwrap(), None);
        assert!(grants.claim(&tenant, "x", Lot::Due, 10, &[]).await.is_err());
        let refused = grants.lease(&tenant, ACME, wanting("one")).await;
        assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
        let operator = Scope::Operator(Key::try_from("ops").unwrap());
        assert!(grants.get(&operator, ACME).await.unwrap().is_some());
    }

    async fn a_row_that_does_not_read_is_named(database: Database) {
        let store = database.store().await;
        leased(&store, ACME, "one").await;
        database.run("UPDATE grants SET state = 'odd'").await;
        let error = store.grants().get(SYSTEM, ACME).await.unwrap_err();
        assert!(error.to_string().contains("grants") && error.to_string().contains("file:crm of acme"), "{error}");
    }

    async fn what_was_had_goes_with_the_credential_that_it_was_had_with(database: Database) {
        let gateway = Gateway::beside(&database, "");
        let operator = gateway.operator();
        let connector = json!({ "base_url": "https://api.example", "auth": { "m": { "bearer": {} } } });
        operator.put("/v1/connectors/api", connector).await.is(201);
        let connection = json!({ "connector": "api", "auth": "m", "embedded": true });
        operator.put("/v1/connections/crm", connection).await.is(201);
        for tenant in ["acme", "beta"] {
            let path = format!("/v1/connections/crm/activations/{tenant}");
            operator.put(&path, json!({ "credentials": { "token": "t" } })).await.is(201);
        }
        let owner = database.text("SELECT id FROM connections").await;
        let store = database.open().await;
        let key = |tenant| GrantKey { owner: &owner, tenant, slot: Slot::Activation };
        for tenant in ["acme", "beta"] {
            let lease = leased(&store, key(tenant), "one").await;
            assert_eq!(had(&store, key(tenant), lease, 0).await, Some(1));
            assert!(store.grants().intend(SYSTEM, key(tenant), lease, "", ("a", "t")).await.unwrap());
            assert!(store.grants().answered(SYSTEM, key(tenant), "a", &seal).await.unwrap());
        }
        operator.delete("/v1/connections/crm/activations/acme").await.is(204);
        assert_eq!(store.grants().get(SYSTEM, key("acme")).await.unwrap(), None);
        assert!(store.grants().get(SYSTEM, key("beta")).await.unwrap().is_some());
        let sealed = "SELECT COUNT(*) FROM credentials WHERE slot LIKE 'grant%'";
        assert_eq!(database.number(sealed).await, 2);
        operator.delete("/v1/connections/crm?force=true").await.is(204);
        assert_eq!(store.grants().get(SYSTEM, key("beta")).await.unwrap(), None);
        assert_eq!(database.number(sealed).await, 0);
    }
}
