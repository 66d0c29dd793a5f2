//! Look-ups against a store of the tests' own, which counts them and can be held.
use super::flights::FLIGHTS_MAX;
use super::flights::OF_CALLER_MAX;
use super::flights::OF_CONNECTION_MAX;
use super::flights::STRANGERS_MAX;
use super::*;
use crate::catalog::RawCatalog;
use crate::catalog::Snapshot;
use crate::model::Credential;
use crate::model::UnixTime;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use tokio::sync::Semaphore;

/// The token of the activation, none where there is none.
type Answer = Result<Option<String>, LoadError>;

/// What the store answers, how often it was asked, and whether it answers at all.
struct Fake {
    answers: Mutex<HashMap<(String, String), Answer>>,
    asked: AtomicUsize,
    gate: Semaphore,
}

impl Fake {
    fn new() -> Arc<Self> {
        let gate = Semaphore::new(Semaphore::MAX_PERMITS);
        Arc::new(Self { answers: Mutex::default(), asked: AtomicUsize::new(0), gate })
    }

    fn has(&self, owner: &str, tenant: &str, token: &str) {
        self.says(owner, tenant, Ok(Some(token.to_owned())));
    }

    fn says(&self, owner: &str, tenant: &str, answer: Answer) {
        self.answers.lock().unwrap().insert((owner.to_owned(), tenant.to_owned()), answer);
    }

    /// Answers nothing until it is given permits.
    fn hold(&self) {
        self.gate.forget_permits(self.gate.available_permits());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn load(self: &Arc<Self>) -> Load {
        let fake = Arc::clone(self);
        Box::new(move |wanted| {
            let fake = Arc::clone(&fake);
            Box::pin(async move {
                fake.asked.fetch_add(1, Ordering::SeqCst);
                let place = (wanted.owner.to_string(), wanted.tenant.to_string());
                // Read before it is held: what it answers may be old by then.
                let answer = fake.answers.lock().unwrap().get(&place).cloned();
                let _held = fake.gate.acquire().await.unwrap();
                match answer.unwrap_or(Ok(None))? {
                    None => Ok(Loaded::Missing { any: false }),
                    Some(token) => Ok(Loaded::Row {
                        enabled: true,
                        variables: BTreeMap::new(),
                        credential: [("token", &*token)].into_iter().collect::<Credential>(),
                    }),
                }
            })
        })
    }
}

fn vault(fake: &Arc<Fake>) -> Arc<Vault> {
    let marks = Arc::new(Marks::new(Instant::now()));
    let metrics = Metrics::new(UnixTime::default());
    Vault::new(1000, marks, fake.load(), Handle::current(), metrics)
}

fn snapshot(base_url: &str) -> Snapshot {
    let many =
        (0..8).map(|it| format!("  many.{it}: {{ connector: api, auth: m, embedded: true }}\n"));
    let many: String = many.collect();
    let yaml = format!(
        "connectors: {{ api: {{ base_url: \"{base_url}\", auth: {{ m: {{ bearer: {{}} }} }} }} }}
connections:
  crm: {{ connector: api, auth: m, embedded: true }}
  crm.a: {{ connector: api, auth: m, embedded: true }}
{many}"
    );
    let raw: RawCatalog = serde_yaml::from_str(&yaml).unwrap();
    Snapshot::build(raw, &mut Vec::new()).unwrap()
}

fn crm() -> Arc<Connection> {
    Arc::clone(snapshot("https://crm.example").connection("crm").unwrap())
}

fn caller() -> Key {
    Key::try_from("runtime").unwrap()
}

fn tenant(id: &str) -> TenantId {
    TenantId::try_from(id).unwrap()
}

/// The credential that a request would be sent with.
fn token(found: &Found) -> String {
    let Found::Activation(activation) = found else { return "none".to_owned() };
    let crate::catalog::Ready::Outbound(prepared) = &activation.holder.ready else {
        panic!("outbound")
    };
    prepared.headers()[0].1.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_hundred_who_ask_at_once_make_one_look_up() {
    let fake = Fake::new();
    fake.has("file:crm", "acme", "t");
    let vault = vault(&fake);
    fake.hold();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (vault, crm) = (Arc::clone(&vault), crm());
        asking.spawn(async move {
            vault.activation(&crm, &tenant("acme"), Asker::Caller(&caller())).await
        });
    }
    // All of them have asked before it answers.
    while fake.asked() == 0 || vault.flights().is_empty() {
        tokio::task::yield_now().await;
    }
    fake.gate.add_permits(1);
    while let Some(found) = asking.join_next().await {
        assert_eq!(token(&found.unwrap().unwrap()), "Bearer t");
    }
    assert_eq!(fake.asked(), 1);
    assert!(vault.flights().is_empty());
    let known = vault.known(&crm(), "acme", Instant::now()).unwrap().unwrap();
    assert_eq!(token(&known), "Bearer t", "warm, under a connection that was built again");
}

/// Also by those to whom it was unknown when it landed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_landed_a_moment_ago_is_not_looked_up_again() {
    let fake = Fake::new();
    let vault = vault(&fake);
    for round in 1..=500 {
        let id = format!("tenant-{round}");
        fake.has("file:crm", &id, "t");
        let mut asking = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (vault, crm, tenant) = (Arc::clone(&vault), crm(), tenant(&id));
            asking.spawn(
                async move { vault.activation(&crm, &tenant, Asker::Caller(&caller())).await },
            );
        }
        for found in asking.join_all().await {
            assert_eq!(token(&found.unwrap()), "Bearer t");
        }
        assert_eq!(fake.asked(), round);
    }
}

/// However often it is overtaken: it is read until it is as new as what was told.
#[tokio::test]
async fn a_look_up_that_changes_overtake_is_read_again_and_fails_nobody() {
    const CHANGES: usize = 20;
    let asked = Arc::new(AtomicUsize::new(0));
    let itself: Arc<std::sync::OnceLock<Arc<Vault>>> = Arc::default();
    let (counting, overtaking) = (Arc::clone(&asked), Arc::clone(&itself));
    let load: Load = Box::new(move |_| {
        let (asked, vault) = (Arc::clone(&counting), Arc::clone(overtaking.get().unwrap()));
        Box::pin(async move {
            let number = asked.fetch_add(1, Ordering::SeqCst);
            if number < CHANGES {
                vault.forget("crm", "acme");
            }
            // Others' changes are none of this one.
            (0..2000).for_each(|it| vault.forget("crm", &it.to_string()));
            let credential =
                [("token", &*format!("t{number}"))].into_iter().collect::<Credential>();
            Ok(Loaded::Row { enabled: true, variables: BTreeMap::new(), credential })
        })
    });
    let marks = Arc::new(Marks::new(Instant::now()));
    let metrics = Metrics::new(UnixTime::default());
    let vault = Vault::new(1000, marks, load, Handle::current(), metrics);
    drop(itself.set(Arc::clone(&vault)));
    let found = vault.activation(&crm(), &tenant("acme"), Asker::Caller(&caller())).await.unwrap();
    assert_eq!(token(&found), format!("Bearer t{CHANGES}"));
    assert_eq!(asked.load(Ordering::SeqCst), CHANGES + 1);
    assert!(vault.known(&crm(), "acme", Instant::now()).is_some());
}

#[tokio::test]
async fn one_connection_that_is_asked_for_a_lot_leaves_room_for_others() {
    let fake = Fake::new();
    let vault = vault(&fake);
    let snapshot = snapshot("https://crm.example");
    fake.hold();
    let ask = |connection: &str, id: String| {
        let (vault, connection) =
            (Arc::clone(&vault), Arc::clone(snapshot.connection(connection).unwrap()));
        tokio::spawn(async move {
            vault.activation(&connection, &tenant(&id), Asker::Caller(&caller())).await
        })
    };
    let storm: Vec<_> = (0..2 * OF_CONNECTION_MAX).map(|it| ask("crm", it.to_string())).collect();
    while vault.flights().len() < OF_CONNECTION_MAX {
        tokio::task::yield_now().await;
    }
    let other = ask("crm.a", "acme".to_owned());
    while vault.flights().len() == OF_CONNECTION_MAX {
        tokio::task::yield_now().await;
    }
    fake.gate.add_permits(FLIGHTS_MAX);
    assert!(other.await.unwrap().is_ok());
    let mut refused = 0;
    for asked in storm {
        refused += usize::from(asked.await.unwrap().is_err());
    }
    assert_eq!(refused, OF_CONNECTION_MAX);
    assert!(vault.flights().is_empty(), "all are counted out again");
}

/// Whoever asks for a lot: strangers, and one caller, over as many connections as there are.
#[tokio::test]
async fn strangers_and_one_caller_that_ask_a_lot_leave_room_for_other_callers() {
    let fake = Fake::new();
    let vault = vault(&fake);
    let snapshot = snapshot("https://crm.example");
    let many = (0..8).map(|it| snapshot.connection(&format!("many.{it}")).unwrap());
    let many: Vec<_> = many.collect();
    fake.hold();
    let busy = caller();
    let mut landed = Vec::new();
    let mut refused = [0; 2];
    for (asker, refused) in [Asker::Stranger, Asker::Caller(&busy)].into_iter().zip(&mut refused) {
        for number in 0..FLIGHTS_MAX {
            let connection = many[number % many.len()];
            match vault.board(connection, &tenant(&number.to_string()), asker) {
                Ok(Boarded::Flight(flight)) => landed.push(flight),
                Ok(Boarded::Landed(_)) => panic!("nothing has landed"),
                Err(_) => *refused += 1,
            }
        }
    }
    assert_eq!(refused, [FLIGHTS_MAX - STRANGERS_MAX, FLIGHTS_MAX - OF_CALLER_MAX]);
    // And nobody waits for what a stranger has begun.
    let before = vault.flights().len();
    let other = Key::try_from("other").unwrap();
    let same = tenant("0");
    assert!(vault.board(many[0], &same, Asker::Stranger).is_ok());
    assert_eq!(vault.flights().len(), before, "they wait for callers' look-ups");
    assert!(vault.board(many[0], &tenant("new"), Asker::Caller(&other)).is_ok());
    assert_eq!(vault.flights().len(), before + 1);
    fake.gate.add_permits(2 * FLIGHTS_MAX);
    for mut flight in landed {
        assert!(flight.wait_for(Option::is_some).await.is_ok());
    }
    while !vault.flights().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_large_activation_counts_as_several() {
    let fake = Fake::new();
    let marks = Arc::new(Marks::new(Instant::now()));
    let metrics = Metrics::new(UnixTime::default());
    let vault = Vault::new(100, marks, fake.load(), Handle::current(), metrics);
    let crm = crm();
    for id in 0..20 {
        fake.has("file:crm", &id.to_string(), &"t".repeat(8 * WEIGHT));
        vault.activation(&crm, &tenant(&id.to_string()), Asker::Stranger).await.unwrap();
        vault.kept.run_pending_tasks();
    }
    assert!((1..=100 / 17).contains(&vault.len()), "{}", vault.len());
    assert!(vault.has_found(&crm, "0"), "it is remembered that it was there");
    fake.says("file:crm", "0", Ok(None));
    vault.forget("crm", "0");
    vault.activation(&crm, &tenant("0"), Asker::Stranger).await.unwrap();
    assert!(!vault.has_found(&crm, "0"));
}

#[tokio::test]
async fn what_is_not_there_pushes_out_nothing_that_is() {
    let fake = Fake::new();
    let marks = Arc::new(Marks::new(Instant::now()));
    let vault =
        Vault::new(10, marks, fake.load(), Handle::current(), Metrics::new(UnixTime::default()));
    let crm = crm();
    for id in 0..10 {
        fake.has("file:crm", &id.to_string(), "t");
        vault.activation(&crm, &tenant(&id.to_string()), Asker::Caller(&caller())).await.unwrap();
    }
    for id in 10..500 {
        vault.activation(&crm, &tenant(&id.to_string()), Asker::Caller(&caller())).await.unwrap();
        vault.kept.run_pending_tasks();
        vault.negatives.run_pending_tasks();
    }
    let now = Instant::now();
    assert!((0..10).all(|id: u32| vault.known(&crm, &id.to_string(), now).is_some()));
    assert_eq!(vault.negatives.policy().max_capacity(), Some(NEGATIVES_MAX));
}

#[tokio::test]
async fn a_look_up_that_began_before_a_change_is_used_by_nobody_who_comes_after_it() {
    let fake = Fake::new();
    fake.has("file:crm", "acme", "old");
    let vault = vault(&fake);
    fake.hold();
    let (asking, connection) = (Arc::clone(&vault), crm());
    let first = tokio::spawn(async move {
        asking.activation(&connection, &tenant("acme"), Asker::Caller(&caller())).await
    });
    while fake.asked() == 0 {
        tokio::task::yield_now().await;
    }
    fake.says("file:crm", "acme", Ok(None));
    vault.forget("crm", "acme");
    vault.marks.reached(Instant::now(), Duration::from_secs(900));
    let (asking, connection) = (Arc::clone(&vault), crm());
    let second = tokio::spawn(async move {
        asking.activation(&connection, &tenant("acme"), Asker::Caller(&caller())).await
    });
    tokio::task::yield_now().await;
    fake.gate.add_permits(2);
    assert_eq!(token(&second.await.unwrap().unwrap()), "none");
    assert_eq!(token(&first.await.unwrap().unwrap()), "none");
    assert_eq!(fake.asked(), 2);
}

#[tokio::test]
async fn that_there_is_none_is_remembered_until_it_changes_or_five_seconds_have_passed() {
    let fake = Fake::new();
    let vault = vault(&fake);
    let crm = crm();
    for _ in 0..3 {
        let found =
            vault.activation(&crm, &tenant("acme"), Asker::Caller(&caller())).await.unwrap();
        assert!(matches!(found, Found::Missing { any: false }));
    }
    assert_eq!(fake.asked(), 1);
    let later = Instant::now() + NEGATIVE_TIME;
    assert!(vault.known(&crm, "acme", later).is_none());

    // Another tenant's first one: this connection is not without any any more.
    vault.forget("crm", "other");
    vault.marks.reached(Instant::now(), Duration::from_secs(900));
    assert!(vault.known(&crm, "acme", Instant::now()).is_none());

    fake.has("file:crm", "acme", "t");
    vault.forget("crm", "acme");
    vault.marks.reached(Instant::now(), Duration::from_secs(900));
    assert_eq!(
        token(&vault.activation(&crm, &tenant("acme"), Asker::Caller(&caller())).await.unwrap()),
        "Bearer t"
    );
    let much_later = Instant::now() + Duration::from_secs(1_000_000);
    assert!(vault.known(&crm, "acme", much_later).is_some(), "while the feed is in contact");
}

#[tokio::test]
async fn what_is_known_outlives_the_store_for_serve_stale_and_no_longer() {
    let fake = Fake::new();
    fake.has("file:crm", "acme", "t");
    let vault = vault(&fake);
    let crm = crm();
    vault.activation(&crm, &tenant("acme"), Asker::Caller(&caller())).await.unwrap();
    let unreachable = LoadError::Unreachable("gone".to_owned());
    fake.says("file:crm", "acme", Err(unreachable.clone()));
    fake.says("file:crm", "cold", Err(unreachable));
    let lost = Instant::now();
    vault.marks.lost(lost, Duration::from_secs(900));
    let at = |s| {
        let now = lost + Duration::from_secs(s);
        vault.is_stale(now);
        vault.known(&crm, "acme", now)
    };
    assert_eq!(token(&at(898).unwrap().unwrap()), "Bearer t");
    assert!(at(900).is_none());
    let cold = vault.activation(&crm, &tenant("cold"), Asker::Caller(&caller())).await;
    assert_eq!(cold.unwrap_err(), VaultError::Unreachable);
    vault.marks.reached(Instant::now(), Duration::from_secs(900));
    assert!(at(899).is_some(), "the store is back, and nothing changed");
}

/// Security case TN-02.
#[tokio::test]
async fn names_that_look_or_join_alike_are_kept_apart() {
    let fake = Fake::new();
    let snapshot = snapshot("https://crm.example");
    let names = [
        ("crm", "a:b"),
        ("crm.a", "b"),
        ("crm", "a"),
        ("crm", "A"),
        ("crm", " a"),
        ("crm", "caf\u{e9}"),
        ("crm", "cafe\u{301}"),
    ];
    let vault = vault(&fake);
    for round in 0..2 {
        for (connection, id) in names {
            let own = format!("{connection}/{id}");
            if round == 0 {
                let own = format!("of-{}", hex::encode(&own));
                fake.has(&format!("file:{connection}"), id, &own);
            }
            let connection = snapshot.connection(connection).unwrap();
            let found =
                vault.activation(connection, &tenant(id), Asker::Caller(&caller())).await.unwrap();
            assert_eq!(token(&found), format!("Bearer of-{}", hex::encode(own)));
        }
    }
    assert_eq!(fake.asked(), names.len());
}

/// Security case TN-03.
#[tokio::test]
async fn what_was_made_under_another_connection_of_the_same_name_is_not_used() {
    let fake = Fake::new();
    fake.has("file:crm", "acme", "t");
    let vault = vault(&fake);
    vault.activation(&crm(), &tenant("acme"), Asker::Caller(&caller())).await.unwrap();
    let moved = snapshot("https://elsewhere.example");
    let moved = moved.connection("crm").unwrap();
    assert!(vault.known(moved, "acme", Instant::now()).is_none());
    let Found::Activation(found) =
        vault.activation(moved, &tenant("acme"), Asker::Caller(&caller())).await.unwrap()
    else {
        panic!("it is there")
    };
    assert_eq!(found.holder.base.as_ref().unwrap().to_string(), "https://elsewhere.example");
    assert_eq!(fake.asked(), 2);
}

#[tokio::test]
async fn one_that_does_not_open_is_an_error_and_not_asked_for_again_at_once() {
    let fake = Fake::new();
    fake.says("file:crm", "acme", Err(LoadError::Damaged("it does not open".to_owned())));
    let vault = vault(&fake);
    for _ in 0..3 {
        let damaged = vault.activation(&crm(), &tenant("acme"), Asker::Caller(&caller())).await;
        assert_eq!(damaged.unwrap_err(), VaultError::Damaged);
    }
    assert_eq!(fake.asked(), 1);
}

#[tokio::test]
async fn a_store_that_hangs_is_not_waited_for_for_ever() {
    let fake = Fake::new();
    fake.hold();
    let vault = vault(&fake);
    // That it is lost is known: so it takes the shorter time.
    vault.marks.lost(Instant::now(), Duration::ZERO);
    let found = vault.activation(&crm(), &tenant("acme"), Asker::Caller(&caller())).await;
    assert_eq!(found.unwrap_err(), VaultError::Unreachable);
    assert!(vault.flights().is_empty());
}

#[tokio::test]
async fn what_is_gone_is_not_kept_in_memory() {
    let fake = Fake::new();
    fake.has("file:crm", "acme", "t");
    fake.has("file:crm", "other", "t");
    let vault = vault(&fake);
    for id in ["acme", "other"] {
        vault.activation(&crm(), &tenant(id), Asker::Caller(&caller())).await.unwrap();
    }
    vault.forget_connections(&[crm().key.clone()].into());
    vault.kept.run_pending_tasks();
    assert!(vault.is_empty());
}
