//! What people do with grants, in the store: what is given or ended counts from then on, whatever was under way.
use crate::support::Gateway;
use crate::support::SYSTEM;
use crate::support::each_engine;
use attache::seal::Sealed;
use attache::seal::SealedField;
use attache::seal::Slot;
use attache::store::GrantFailure;
use attache::store::GrantKey;
use attache::store::GrantOf;
use attache::store::GrantState;
use attache::store::GrantTimes;
use attache::store::Kind;
use attache::store::Lease;
use attache::store::Leased;
use attache::store::Place;
use attache::store::Renewal;
use attache::store::Since;
use attache::store::Store;
use attache::store::StoreError;
use attache::store::Wanting;

const KEY: GrantKey<'_> = GrantKey { owner: "file:crm", tenant: "acme", slot: Slot::Activation };
const OF: GrantOf<'_> =
    GrantOf { key: KEY, connection: "crm", is_declared: true, fingerprint: "f" };

/// No cipher: a text that says what it was sealed for.
fn seal(place: &Place<'_>) -> Result<Sealed, String> {
    let text = format!("{:?}", place.binding);
    let field =
        SealedField { sealed: text.into_bytes(), fingerprint: "00".to_owned(), set_at_ms: 1 };
    let fields = [("key".to_owned(), field)].into();
    Ok(Sealed { key_id: "v1-test".to_owned(), wrapped: vec![0, 1, 255], fields })
}

const TIMES: GrantTimes =
    GrantTimes { expires_ms: Some(4_000_000_000_000), due_in_ms: Some(1000), ends_ms: None };

async fn give(store: &Store) -> Result<i64, StoreError> {
    store.grants().granted(SYSTEM, &OF, TIMES, None, &seal).await
}

each_engine! {
    async fn rf_14_what_was_under_way_when_a_grant_is_given_comes_too_late(database: Database) {
        let gateway = Gateway::beside(&database, "");
        let store = gateway.app().stored().unwrap().store.clone();
        let grants = store.grants();
        let wanting = Wanting { fingerprint: "f", holder: "one", is_declared: true };
        let Leased::Held { fence, .. } = grants.lease(SYSTEM, KEY, wanting).await.unwrap() else {
            panic!("nobody else has it");
        };
        let lease = Lease { holder: "one", fence };
        assert!(grants.intend(SYSTEM, KEY, lease, "", ("a", "t")).await.unwrap());
        let before = grants.get(SYSTEM, KEY).await.unwrap().unwrap();
        give(&store).await.unwrap();

        assert!(!grants.answered(SYSTEM, KEY, "a", &seal).await.unwrap());
        let renewal = Renewal {
            version: before.version, fingerprint: "f", of: "t", expires_ms: None, due_in_ms: None,
            ends_ms: None,
        };
        let late = grants.renewed(SYSTEM, KEY, lease, renewal, &seal).await.unwrap();
        assert_eq!(late, None);
        let state = GrantState::ReauthorizationRequired;
        let failure = GrantFailure { state, why: "late".to_owned(), again_in_ms: None, attempt: String::new(), is_uncertain: false, tried_with: String::new() };
        assert!(!grants.failed(SYSTEM, KEY, lease, &failure).await.unwrap());
        let row = grants.get(SYSTEM, KEY).await.unwrap().unwrap();
        assert_eq!((row.version, row.state, row.attempt), (before.version + 1, GrantState::Active, None));
        assert!(row.tokens.is_some() && row.answer.is_none() && row.why.is_empty());
        assert_eq!(row.due_ms.map(|it| it - row.since_ms), Some(1000));
    }

    async fn what_is_ended_leaves_nothing_to_have_tokens_with_and_can_be_given_anew(database: Database) {
        let gateway = Gateway::beside(&database, "");
        let store = gateway.app().stored().unwrap().store.clone();
        let grants = store.grants();
        give(&store).await.unwrap();
        let from = store.changes().position(SYSTEM).await.unwrap();
        grants.revoked(SYSTEM, &OF, "ended by hand").await.unwrap();
        let row = grants.get(SYSTEM, KEY).await.unwrap().unwrap();
        assert_eq!((row.state, &*row.why, row.due_ms), (GrantState::Revoked, "ended by hand", None));
        assert!(row.tokens.is_none() && row.answer.is_none());
        assert_eq!(database.number("SELECT COUNT(*) FROM credentials WHERE owner = 'file:crm'").await, 0);
        let Since::Changes(changes) = store.changes().since(SYSTEM, from, 10).await.unwrap() else {
            panic!("there is one change");
        };
        let told: Vec<_> = changes.iter().map(|it| (it.kind, &*it.key, it.tenant.as_deref())).collect();
        assert_eq!(told, [(Kind::Grant, "crm", Some("acme"))]);
        give(&store).await.unwrap();
        let again = grants.get(SYSTEM, KEY).await.unwrap().unwrap();
        assert_eq!((again.state, again.version), (GrantState::Active, row.version + 1));
        grants.disclosed(SYSTEM, &OF).await.unwrap();
        let acts = database.text("SELECT COALESCE(MAX(act), '') FROM audit WHERE kind = 'grant' AND act = 'disclosed'");
        assert_eq!(acts.await, "disclosed");
    }

    async fn rf_15_nobody_is_given_what_is_not_there_any_more(database: Database) {
        let store = database.store().await;
        for of in [
            GrantOf { is_declared: false, ..OF },
            GrantOf { key: GrantKey { owner: "01gone", ..KEY }, ..OF },
            GrantOf { key: GrantKey { owner: "01gone", tenant: "", slot: Slot::Own }, ..OF },
        ] {
            let given = store.grants().granted(SYSTEM, &of, TIMES, None, &seal).await;
            assert_eq!(given, Err(StoreError::NotFound), "{of:?}");
            assert_eq!(store.grants().revoked(SYSTEM, &of, "").await, Err(StoreError::NotFound));
        }
        assert_eq!(database.number("SELECT COUNT(*) FROM grants").await, 0);
    }
}
