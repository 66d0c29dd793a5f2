//! How far each subscription is, as the store has it: who may send, what is due, and what an attempt changes.
use crate::support::SYSTEM;
use crate::support::each_engine;
use attache::model::EventType;
use attache::seal::Sealed;
use attache::store::Attempt;
use attache::store::Expect;
use attache::store::Place;
use attache::store::Store;
use attache::store::SubscriptionRow;
use attache::store::Taken;
use attache::store::TenantRow;
use attache::store::Tried;

const HOUR: i64 = 60 * 60 * 1000;

/// No cipher: nothing is opened here.
fn seal(_: &Place<'_>) -> Result<Sealed, String> {
    Ok(Sealed { key_id: "v1-test".to_owned(), wrapped: vec![0], fields: [].into() })
}

/// A subscription `ops` that is on or off: its id, and its version.
async fn subscribed(store: &Store, enabled: bool) -> (String, i64) {
    let definition = r#"{"url":"https://events.example.com/"}"#.to_owned();
    let row = SubscriptionRow { enabled, definition, ..SubscriptionRow::default() };
    let put = store.subscriptions().put(SYSTEM, "ops", &row, &seal, Expect::Anything);
    let (written, row) = put.await.unwrap();
    (row.id, written.revision)
}

async fn tenants(store: &Store, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let row = TenantRow { definition: "{}".to_owned() };
        let key = format!("t{number}");
        store.tenants().put(SYSTEM, &key, &row, Expect::Anything).await.unwrap();
    }
}

/// Held by `one`, with what came so far made deliveries.
async fn taken(store: &Store, (id, version): (&str, i64)) {
    assert_eq!(store.deliveries().hold(SYSTEM, id, "one").await, Ok(true));
    let take = store.deliveries().take(SYSTEM, (id, "one"), (version, None), 100);
    assert_ne!(take.await.unwrap(), Taken::Elsewhere);
}

/// An attempt that found its receiver away.
fn away() -> Attempt {
    Attempt {
        status: 503,
        problem: "answered with 503".to_owned(),
        is_refused: false,
        again_in_ms: Some(1000),
        pause_ms: 1000,
    }
}

fn delivered() -> Attempt {
    Attempt { status: 200, problem: String::new(), again_in_ms: None, pause_ms: 0, ..away() }
}

/// What writes deliveries that their receiver took amiss four times.
fn amiss(id: &str, numbers: std::ops::Range<i64>, next_at_ms: i64) -> String {
    let row = |it: i64| format!("('{id}', {it}, 'pending', 4, 4, {next_at_ms}, 1, 400, 'no', 1)");
    let rows: Vec<_> = numbers.map(row).collect();
    format!(
        "INSERT INTO deliveries (subscription, event, state, attempts, refused, next_at, last_at, last_status, \
         last_problem, created_at) VALUES {}",
        rows.join(", ")
    )
}

each_engine! {
    async fn of_what_another_holds_nothing_is_said_and_nothing_changed(database: Database) {
        let store = database.store().await;
        let (id, version) = subscribed(&store, true).await;
        taken(&store, (&id, version)).await;
        let deliveries = store.deliveries();
        let due = deliveries.next(SYSTEM, (&id, "one")).await.unwrap().unwrap();
        if database.is_postgres() {
            assert_eq!(deliveries.hold(SYSTEM, &id, "other").await, Ok(false), "it is held");
            assert_eq!(deliveries.work(SYSTEM, "other").await.unwrap().len(), 0);
        }
        // Its time is over: another takes it, while an attempt of the first is under way.
        database.run("UPDATE event_feeds SET held_until = 0").await;
        assert_eq!(deliveries.hold(SYSTEM, &id, "other").await, Ok(true));
        assert_eq!(deliveries.next(SYSTEM, (&id, "one")).await, Ok(None));
        assert_eq!(deliveries.take(SYSTEM, (&id, "one"), (version, None), 100).await, Ok(Taken::Elsewhere));
        for attempt in [delivered(), away()] {
            let tried = deliveries.tried(SYSTEM, (&id, "one", version), due.seq, &attempt).await;
            assert_eq!(tried, Ok(Tried::Elsewhere));
        }
        assert_eq!(deliveries.give_up(SYSTEM, (&id, "one"), due.seq, "gone").await, Ok(false));
        let same = deliveries.next(SYSTEM, (&id, "other")).await.unwrap().unwrap();
        assert_eq!((same.seq, same.attempts, same.failures), (due.seq, 0, 0));
    }

    async fn what_a_receiver_of_before_made_of_it_says_nothing_of_the_one_there_is_now(database: Database) {
        let store = database.store().await;
        let (id, version) = subscribed(&store, true).await;
        taken(&store, (&id, version)).await;
        let due = store.deliveries().next(SYSTEM, (&id, "one")).await.unwrap().unwrap();
        let (_, now) = subscribed(&store, true).await;
        let tried = |version| {
            let store = store.clone();
            let id = id.clone();
            async move { store.deliveries().tried(SYSTEM, (&id, "one", version), due.seq, &away()).await }
        };
        assert_eq!(tried(version).await, Ok(Tried::Changed));
        let gone = Attempt { is_refused: true, again_in_ms: None, ..away() };
        let ended = async |version| {
            let place = (&*id, "one", version);
            store.subscriptions().ended(SYSTEM, "ops", place, (due.seq, &gone), "410").await
        };
        assert_eq!(ended(version).await, Ok(Tried::Changed));
        let due = store.deliveries().next(SYSTEM, (&id, "one")).await.unwrap().unwrap();
        assert_eq!((due.attempts, due.failures, due.version), (0, 0, now));
        assert_eq!(tried(now).await, Ok(Tried::Written));
        assert_eq!(store.deliveries().next(SYSTEM, (&id, "one")).await, Ok(None), "it has a pause");
        let sum = "SELECT COUNT(*) FROM deliveries WHERE state = 'failed'";
        // Where it can't be disabled nothing is said of the delivery either.
        database.run("UPDATE event_subscriptions SET checksum = 'x' || checksum").await;
        assert!(ended(now).await.is_err());
        assert_eq!(database.number(sum).await, 0);
        database.run("UPDATE event_subscriptions SET checksum = SUBSTR(checksum, 2)").await;
        assert_eq!(ended(now).await, Ok(Tried::Written));
        assert_eq!(database.number(sum).await, 1);
        let off = "SELECT COUNT(*) FROM event_subscriptions WHERE enabled = 0";
        assert_eq!(database.number(off).await, 1);
    }

    async fn events_that_are_forgotten_are_passed_over(database: Database) {
        let store = database.store().await;
        let (id, version) = subscribed(&store, true).await;
        tenants(&store, 0..3).await;
        database.run("DELETE FROM events").await;
        assert_eq!(store.deliveries().work(SYSTEM, "one").await.unwrap().len(), 1);
        taken(&store, (&id, version)).await;
        assert_eq!(store.deliveries().work(SYSTEM, "one").await.unwrap().len(), 0);
        tenants(&store, 3..4).await;
        taken(&store, (&id, version)).await;
        assert_eq!(database.number("SELECT COUNT(*) FROM deliveries").await, 1);
    }

    async fn what_was_taken_amiss_and_comes_again_later_holds_up_no_other(database: Database) {
        let store = database.store().await;
        let (id, version) = subscribed(&store, true).await;
        taken(&store, (&id, version)).await;
        database.run(&amiss(&id, 10_000..11_000, 9_000_000_000_000)).await;
        tenants(&store, 0..1).await;
        taken(&store, (&id, version)).await;
        assert_eq!(database.number("SELECT COUNT(*) FROM deliveries WHERE refused = 0").await, 2);
        // But for a receiver that takes none at all.
        for thousand in 11..20 {
            database.run(&amiss(&id, thousand * 1000..(thousand + 1) * 1000, 9_000_000_000_000)).await;
        }
        tenants(&store, 1..2).await;
        taken(&store, (&id, version)).await;
        assert_eq!(database.number("SELECT COUNT(*) FROM deliveries WHERE refused = 0").await, 2);
    }

    async fn a_receiver_that_is_mended_when_no_more_may_wait_is_soon_sent_all(database: Database) {
        let store = database.store().await;
        let (id, version) = subscribed(&store, true).await;
        taken(&store, (&id, version)).await;
        let place = (&*id, "one");
        let due = store.deliveries().next(SYSTEM, place).await.unwrap().unwrap();
        database.run("DELETE FROM deliveries").await;
        for thousand in 10..20 {
            let later = due.now_ms + 2 * HOUR;
            database.run(&amiss(&id, thousand * 1000..(thousand + 1) * 1000, later)).await;
        }
        tenants(&store, 0..1).await;
        let take = async || store.deliveries().take(SYSTEM, place, (version, None), 100).await;
        database.run(&format!("UPDATE event_feeds SET paused_until = {}", due.now_ms)).await;
        assert_eq!(take().await, Ok(Taken::Full));
        assert_eq!(store.deliveries().next(SYSTEM, place).await, Ok(None), "it was tried just now");
        database.run(&format!("UPDATE event_feeds SET paused_until = {}", due.now_ms - HOUR)).await;
        assert_eq!(take().await, Ok(Taken::Full));
        let probed = store.deliveries().next(SYSTEM, place).await.unwrap().unwrap();
        let tried = store.deliveries().tried(SYSTEM, (&id, "one", version), probed.seq, &delivered()).await;
        assert_eq!(tried, Ok(Tried::Written));
        let waits = format!("SELECT COUNT(*) FROM deliveries WHERE next_at >= {}", due.now_ms + HOUR);
        assert_eq!(database.number(&waits).await, 0);
        assert_eq!(take().await, Ok(Taken::Looked(1)));
    }

    async fn what_was_taken_amiss_is_tried_again_when_its_subscription_is_changed_not_whenever_another_is_taken(database: Database) {
        let store = database.store().await;
        let (id, version) = subscribed(&store, true).await;
        taken(&store, (&id, version)).await;
        let due = store.deliveries().next(SYSTEM, (&id, "one")).await.unwrap().unwrap();
        database.run(&amiss(&id, 10_000..10_001, due.now_ms + 2 * HOUR)).await;
        let tried = store.deliveries().tried(SYSTEM, (&id, "one", version), due.seq, &delivered()).await;
        assert_eq!(tried, Ok(Tried::Written));
        assert_eq!(store.deliveries().next(SYSTEM, (&id, "one")).await, Ok(None));
        subscribed(&store, true).await;
        let due = store.deliveries().next(SYSTEM, (&id, "one")).await.unwrap().unwrap();
        // It was another receiver that refused it four times.
        assert_eq!((due.seq, due.refused), (10_000, 1));
    }

    async fn what_was_never_tried_waits_for_no_longer_than_a_pause_once_the_clock_is_set_back(database: Database) {
        let store = database.store().await;
        let (id, version) = subscribed(&store, true).await;
        taken(&store, (&id, version)).await;
        let due = store.deliveries().next(SYSTEM, (&id, "one")).await.unwrap().unwrap();
        // The clock was five hours ahead.
        let later = due.now_ms + 5 * HOUR;
        database.run(&amiss(&id, 10_000..10_001, later)).await;
        database.run(&format!("UPDATE deliveries SET next_at = {later}")).await;
        let work = store.deliveries().work(SYSTEM, "one").await.unwrap();
        assert_eq!(work.iter().map(|it| it.is_due).collect::<Vec<_>>(), [true]);
        assert_eq!(store.deliveries().hold(SYSTEM, &id, "one").await, Ok(true));
        let same = store.deliveries().next(SYSTEM, (&id, "one")).await.unwrap().unwrap();
        assert_eq!((same.seq, same.refused), (due.seq, 0));
        let waits = format!("SELECT COUNT(*) FROM deliveries WHERE next_at = {later}");
        assert_eq!(database.number(&waits).await, 1, "what was taken amiss waits as it is to");
    }

    async fn what_is_stored_of_times_that_never_come_is_over(database: Database) {
        let store = database.store().await;
        let (id, version) = subscribed(&store, true).await;
        taken(&store, (&id, version)).await;
        // The clock was a year ahead.
        database.run(
            "UPDATE event_feeds SET holder = 'other', held_until = held_until + 31536000000, \
             paused_until = held_until + 31536000000; UPDATE deliveries SET next_at = next_at + 31536000000",
        ).await;
        assert_eq!(store.deliveries().work(SYSTEM, "one").await.unwrap().len(), 1);
        assert_eq!(store.deliveries().hold(SYSTEM, &id, "one").await, Ok(true));
        assert!(store.deliveries().next(SYSTEM, (&id, "one")).await.unwrap().is_some());
        assert_eq!(store.deliveries().take(SYSTEM, (&id, "one"), (version, None), 9).await, Ok(Taken::Looked(0)));
    }

    async fn failures_that_lie_apart_begin_anew_and_end_with_the_last_delivery(database: Database) {
        let store = database.store().await;
        let (id, version) = subscribed(&store, true).await;
        taken(&store, (&id, version)).await;
        let due = store.deliveries().next(SYSTEM, (&id, "one")).await.unwrap().unwrap();
        let tried = async |attempt: Attempt| {
            let tried = store.deliveries().tried(SYSTEM, (&id, "one", version), due.seq, &attempt).await;
            assert_eq!(tried, Ok(Tried::Written));
            let feed = store.deliveries().feed(SYSTEM, &id, None).await.unwrap();
            (feed.failures, feed.failing_since_ms)
        };
        let since = |hours: i64| due.now_ms - hours * HOUR;
        let before = async |since_ms: i64, paused_until_ms: i64| {
            database.run(&format!(
                "UPDATE event_feeds SET failures = 7, failing_since = {since_ms}, paused_until = {paused_until_ms}"
            )).await;
        };
        before(since(80), since(0)).await;
        assert_eq!(tried(away()).await, (8, since(80)), "one after the other");
        before(since(80), since(2)).await;
        let (failures, failing_since_ms) = tried(away()).await;
        assert!(failures == 1 && failing_since_ms >= due.now_ms, "{failures} since {failing_since_ms}");
        before(due.now_ms + 400 * HOUR, since(0)).await;
        let (_, failing_since_ms) = tried(away()).await;
        assert!(failing_since_ms < due.now_ms + HOUR, "the clock was set back");
        // It is given up, and nothing else waits.
        before(since(80), since(0)).await;
        assert_eq!(tried(Attempt { is_refused: true, again_in_ms: None, ..away() }).await, (0, 0));
    }

    async fn what_waits_is_what_will_be_sent(database: Database) {
        let store = database.store().await;
        let (id, version) = subscribed(&store, true).await;
        taken(&store, (&id, version)).await;
        tenants(&store, 0..3).await;
        let pending = async |types: Option<&[EventType]>| {
            store.deliveries().feed(SYSTEM, &id, types).await.unwrap().pending
        };
        assert_eq!(pending(None).await, 1 + 3);
        assert_eq!(pending(Some(&[EventType::TenantCreated])).await, 1 + 3);
        assert_eq!(pending(Some(&[EventType::TenantDeleted])).await, 1);
        assert_eq!(pending(Some(&[])).await, 1, "no type that this attache knows");
        let waiting = store.deliveries().waiting(SYSTEM).await.unwrap();
        assert_eq!((waiting.deliveries, waiting.behind.len()), (1, 1));
        assert_eq!(store.deliveries().to_come(SYSTEM, &id, None).await, Ok(3));
        // What is forgotten is not sent.
        database.run("DELETE FROM events WHERE type = 'event_subscription.created'").await;
        assert_eq!(pending(None).await, 3);
        let known = (version, Some(&[][..]));
        assert_eq!(store.deliveries().take(SYSTEM, (&id, "one"), known, 100).await, Ok(Taken::Looked(3)));
        assert_eq!(database.number("SELECT COUNT(*) FROM deliveries").await, 1);
    }
}
