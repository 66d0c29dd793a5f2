//! Deliveries of senders in the store, the same on both engines: who forwards one, and which were accepted.
use crate::support::Database;
use crate::support::SYSTEM;
use crate::support::each_engine;
use attache::model::EventType;
use attache::store::Receipt;
use attache::store::Refused;
use attache::store::Said;
use attache::store::Store;
use attache::store::TRIMMED_AT_ONCE;
use attache::store::Word;

/// Longer than any test.
const LONG_MS: i64 = 600_000;

const CLAIMED: Word = Word::Claimed { lease_ms: LONG_MS };
const ACCEPTED: Word = Word::Accepted { remember_ms: LONG_MS };

fn said(number: u8, word: Word) -> Said<'static> {
    Said { id: [number; 32], connection: "hooks", word }
}

async fn say(store: &Store, holder: &str, all: &[Said<'_>]) -> Vec<Receipt> {
    store.received().say(SYSTEM, holder, all).await.expect("the store is there")
}

/// One word of one delivery.
async fn one(store: &Store, holder: &str, number: u8, word: Word) -> Receipt {
    say(store, holder, &[said(number, word)]).await[0]
}

async fn rows(database: &Database) -> i64 {
    database.number("SELECT COUNT(*) FROM received").await
}

each_engine! {
    async fn one_holder_forwards_and_the_others_are_told_so(database: Database) {
        let store = database.store().await;
        assert_eq!(one(&store, "a", 1, CLAIMED).await, Receipt::Done);
        assert_eq!(one(&store, "b", 1, CLAIMED).await, Receipt::InFlight);
        // What it holds it holds anew.
        assert_eq!(one(&store, "a", 1, CLAIMED).await, Receipt::Done);
        assert_eq!(one(&store, "b", 2, CLAIMED).await, Receipt::Done);
    }

    async fn what_was_accepted_is_so_for_everybody_until_its_time_is_over(database: Database) {
        let store = database.store().await;
        one(&store, "a", 1, CLAIMED).await;
        one(&store, "a", 1, ACCEPTED).await;
        for holder in ["a", "b"] {
            let receipt = one(&store, holder, 1, CLAIMED).await;
            let Receipt::Accepted { left_ms } = receipt else { panic!("{holder}: {receipt:?}") };
            assert!((LONG_MS / 2..=LONG_MS).contains(&left_ms), "{left_ms}");
        }
        // A shorter time does not shorten it, and nobody gives back what was accepted.
        one(&store, "b", 1, Word::Accepted { remember_ms: 0 }).await;
        one(&store, "a", 1, Word::Released).await;
        assert!(matches!(one(&store, "b", 1, CLAIMED).await, Receipt::Accepted { .. }));
        database.run("UPDATE received SET until = 5").await;
        assert_eq!(one(&store, "b", 1, CLAIMED).await, Receipt::Done);
    }

    async fn what_is_given_back_is_anybodys_at_once(database: Database) {
        let store = database.store().await;
        one(&store, "a", 1, CLAIMED).await;
        // Only by whoever holds it.
        one(&store, "b", 1, Word::Released).await;
        assert_eq!(one(&store, "b", 1, CLAIMED).await, Receipt::InFlight);
        one(&store, "a", 1, Word::Released).await;
        assert_eq!(one(&store, "b", 1, CLAIMED).await, Receipt::Done);
        // Late, of whoever held it before.
        one(&store, "a", 1, Word::Released).await;
        assert_eq!(one(&store, "c", 1, CLAIMED).await, Receipt::InFlight);
    }

    async fn a_lease_that_ran_out_is_anybodys_and_who_had_it_may_still_say_accepted(database: Database) {
        let store = database.store().await;
        one(&store, "a", 1, Word::Claimed { lease_ms: 0 }).await;
        assert_eq!(one(&store, "b", 1, CLAIMED).await, Receipt::Done);
        one(&store, "a", 1, ACCEPTED).await;
        // Its target has it, whatever comes of the second.
        one(&store, "b", 1, Word::Released).await;
        assert!(matches!(one(&store, "c", 1, CLAIMED).await, Receipt::Accepted { .. }));
    }

    async fn what_was_never_claimed_can_be_accepted(database: Database) {
        let store = database.store().await;
        one(&store, "a", 1, ACCEPTED).await;
        assert!(matches!(one(&store, "b", 1, CLAIMED).await, Receipt::Accepted { .. }));
    }

    async fn many_are_said_at_once_and_answered_in_their_order(database: Database) {
        let store = database.store().await;
        one(&store, "b", 3, CLAIMED).await;
        one(&store, "b", 200, ACCEPTED).await;
        let all: Vec<_> = (0..=250).rev().map(|it| said(it, CLAIMED)).collect();
        for (said, receipt) in all.iter().zip(say(&store, "a", &all).await) {
            match said.id[0] {
                3 => assert_eq!(receipt, Receipt::InFlight),
                200 => assert!(matches!(receipt, Receipt::Accepted { .. }), "{receipt:?}"),
                other => assert_eq!(receipt, Receipt::Done, "{other}"),
            }
        }
        let mixed = [said(1, Word::Released), said(2, ACCEPTED), said(251, CLAIMED)];
        assert_eq!(say(&store, "a", &mixed).await, [Receipt::Done; 3]);
        let others: Vec<_> = [1, 2, 251].map(|it| said(it, CLAIMED)).into();
        let receipts = say(&store, "b", &others).await;
        assert_eq!((receipts[0], receipts[2]), (Receipt::Done, Receipt::InFlight));
        assert!(matches!(receipts[1], Receipt::Accepted { .. }));
        assert_eq!(say(&store, "b", &[]).await, []);
    }

    async fn of_several_who_claim_the_same_in_whatever_order_each_has_some(database: Database) {
        let stores = [database.store().await, database.store().await];
        let mut tasks = tokio::task::JoinSet::new();
        for (index, store) in stores.into_iter().enumerate() {
            tasks.spawn(async move {
                let mut had = Vec::new();
                for round in 0..8 {
                    let mut ids: Vec<u8> = (round * 30..(round + 1) * 30).collect();
                    if index == 1 {
                        ids.reverse();
                    }
                    let all: Vec<_> = ids.iter().map(|it| said(*it, CLAIMED)).collect();
                    let receipts = say(&store, ["a", "b"][index], &all).await;
                    let mine = ids.iter().zip(receipts).filter(|it| it.1 == Receipt::Done);
                    had.extend(mine.map(|it| *it.0));
                }
                had
            });
        }
        let mut all: Vec<u8> = tasks.join_all().await.concat();
        all.sort_unstable();
        assert_eq!(all, (0..240).collect::<Vec<u8>>());
    }

    async fn what_is_past_its_time_is_thrown_away(database: Database) {
        let store = database.store().await;
        let all: Vec<_> = (0..20).map(|it| said(it, ACCEPTED)).collect();
        say(&store, "a", &all).await;
        one(&store, "a", 30, CLAIMED).await;
        assert_eq!(store.received().prune(SYSTEM).await.unwrap(), 0);
        database.run("UPDATE received SET until = 5 WHERE holder = ''").await;
        assert_eq!(store.received().prune(SYSTEM).await.unwrap(), 20);
        assert_eq!(rows(&database).await, 1);
    }

    async fn of_a_connection_with_too_many_the_oldest_are_forgotten(database: Database) {
        let store = database.store().await;
        for number in 0..10 {
            let word = Word::Accepted { remember_ms: LONG_MS + i64::from(number) * 1000 };
            one(&store, "a", number, word).await;
        }
        one(&store, "a", 20, CLAIMED).await;
        let other = Said { id: [21; 32], connection: "other", word: ACCEPTED };
        say(&store, "a", &[other]).await;
        let too_many = async |most| store.received().too_many(SYSTEM, "hooks", most).await.unwrap();
        assert_eq!(too_many(10).await, None);
        let until = too_many(4).await.expect("there are six more");
        assert_eq!(store.received().trim(SYSTEM, "hooks", until).await.unwrap(), 6);
        assert_eq!(too_many(4).await, None);
        assert_eq!(rows(&database).await, 6);
        for number in 0..10 {
            let receipt = one(&store, "b", number, CLAIMED).await;
            assert_eq!(receipt != Receipt::Done, number >= 6, "{number}");
        }
        assert_eq!(one(&store, "b", 20, CLAIMED).await, Receipt::InFlight);
    }

    async fn many_that_are_too_many_are_forgotten_few_at_a_time(database: Database) {
        let store = database.store().await;
        let at_once = i64::from(TRIMMED_AT_ONCE);
        let count = 2 * at_once + 10;
        let all: Vec<_> = (0..count)
            .map(|number| {
                let mut id = [0; 32];
                id[..8].copy_from_slice(&number.to_be_bytes());
                let word = Word::Accepted { remember_ms: LONG_MS + number * 1000 };
                Said { id, connection: "hooks", word }
            })
            .collect();
        say(&store, "a", &all).await;
        let until = store.received().too_many(SYSTEM, "hooks", 5).await.unwrap().unwrap();
        for trimmed in [at_once, at_once, 5, 0] {
            let before = rows(&database).await;
            let forgotten = store.received().trim(SYSTEM, "hooks", until).await.unwrap();
            assert_eq!(i64::try_from(forgotten), Ok(trimmed));
            assert_eq!(rows(&database).await, before - trimmed);
        }
        let receipts = say(&store, "b", &all[all.len() - 5..]).await;
        assert_eq!(receipts, [Receipt::Done; 5], "what was accepted before");
        assert_eq!(rows(&database).await, 5, "the newest");
    }

    async fn what_is_too_much_is_found_while_others_write(database: Database) {
        let store = database.store().await;
        say(&store, "a", &[said(1, ACCEPTED), said(2, ACCEPTED)]).await;
        let _held = database.nobody_else_writes().await;
        assert!(store.received().too_many(SYSTEM, "hooks", 1).await.unwrap().is_some());
    }

    async fn refusals_are_told_once_in_a_while_whoever_tells_them(database: Database) {
        let (one, other) = (database.store().await, database.store().await);
        let refused = |connection: &str, reason, count| Refused {
            connection: connection.to_owned(),
            reason,
            count,
            first_at: "2027-01-31T12:00:00.000Z".to_owned(),
            last_at: "2027-01-31T12:00:01.000Z".to_owned(),
        };
        let both = [refused("hooks", "mismatch", 3), refused("hooks", "stale", 1)];
        let told = |store: &Store, all: Vec<Refused>| {
            let store = store.clone();
            async move { store.webhook_refusals().tell(SYSTEM, &all, LONG_MS).await.unwrap() }
        };
        assert_eq!(told(&one, both.to_vec()).await, [true, true]);
        let again = vec![refused("hooks", "mismatch", 9), refused("other", "mismatch", 1)];
        assert_eq!(told(&other, again).await, [false, true]);
        let events = one.events().after(SYSTEM, 0, &[EventType::WebhookRefused], 10).await.unwrap().0;
        let shown: Vec<_> = events.iter().map(|it| (&*it.connection, &*it.data)).collect();
        assert_eq!(shown.len(), 3, "{shown:?}");
        assert_eq!(shown[0].0, "hooks");
        let data: serde_json::Value = serde_json::from_str(shown[0].1).unwrap();
        assert_eq!((&data["reason"], &data["count"]), (&"mismatch".into(), &3.into()));
        assert_eq!(data["first_at"], "2027-01-31T12:00:00.000Z");
        database.run("UPDATE webhook_refusals SET told_at = 5").await;
        assert_eq!(told(&other, vec![refused("hooks", "mismatch", 9)]).await, [true]);
        database.run("UPDATE webhook_refusals SET told_at = 5 WHERE connection = 'hooks'").await;
        assert_eq!(one.webhook_refusals().prune(SYSTEM, LONG_MS).await.unwrap(), 3);
    }
}
