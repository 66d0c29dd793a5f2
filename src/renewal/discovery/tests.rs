//! Who is asked for metadata, and when. Time is an argument.
use super::*;
use std::cell::Cell;
use tokio::sync::Notify;
use tokio::task::LocalSet;

const ISSUER: &str = "https://id.example";

fn by(issuer: &str) -> By {
    (issuer.to_owned(), 1)
}

fn metadata(token: &str) -> Metadata {
    let text = format!("{{\"issuer\":\"{ISSUER}\",\"token_endpoint\":\"{ISSUER}/{token}\"}}");
    Metadata::read(ISSUER, text.as_bytes()).unwrap()
}

fn down() -> Unfound {
    Unfound { after: None, fault: Fault::Provider, words: "down".to_owned() }
}

struct Case {
    directory: Directory,
    began: Instant,
    asked: Cell<u32>,
}

impl Case {
    fn new() -> Self {
        Self { directory: Directory::default(), began: Instant::now(), asked: Cell::new(0) }
    }

    /// What is found so long after the beginning, where the issuer would answer this.
    async fn find(
        &self,
        after: Duration,
        answers: Result<&str, Unfound>,
    ) -> Result<Metadata, Unfound> {
        let fetch = || async {
            self.asked.set(self.asked.get() + 1);
            answers.map(metadata)
        };
        let found = self.directory.find(by(ISSUER), || self.began + after, fetch).await;
        found.map(|it| (*it).clone())
    }
}

#[tokio::test]
async fn metadata_is_asked_for_once_an_hour_and_goes_on_for_a_day_where_it_is_not_had_again() {
    let case = Case::new();
    let minute = Duration::from_secs(60);
    for (after, answers, expected, asked) in [
        (Duration::ZERO, Ok("a"), Ok("a"), 1),
        (minute * 59, Ok("b"), Ok("a"), 1),
        (minute * 61, Err(down()), Ok("a"), 2),
        // Not at each renewal.
        (minute * 61 + minute / 2, Ok("b"), Ok("a"), 2),
        (minute * 63, Err(down()), Ok("a"), 3),
        (minute * 60 * 23, Err(down()), Ok("a"), 4),
        (minute * 60 * 25, Err(down()), Err(down()), 5),
        (minute * 60 * 26, Ok("b"), Ok("b"), 6),
        (minute * 60 * 26 + minute * 59, Ok("c"), Ok("b"), 6),
    ] {
        assert_eq!(case.find(after, answers).await, expected.map(metadata), "{after:?}");
        assert_eq!(case.asked.get(), asked, "{after:?}");
    }
}

#[tokio::test]
async fn one_asks_for_all_who_need_it_and_all_hear_what_came_of_it() {
    for answers in [Ok(metadata("a")), Err(down())] {
        let directory = Rc::new(Directory::default());
        let (gate, asked) = (Rc::new(Notify::new()), Rc::new(Cell::new(0)));
        let now = Instant::now();
        let local = LocalSet::new();
        let all: Vec<_> = (0..100)
            .map(|_| {
                let (directory, gate, asked) =
                    (Rc::clone(&directory), Rc::clone(&gate), Rc::clone(&asked));
                let answers = answers.clone();
                local.spawn_local(async move {
                    let fetch = || async {
                        asked.set(asked.get() + 1);
                        gate.notified().await;
                        answers
                    };
                    directory.find(by(ISSUER), || now, fetch).await
                })
            })
            .collect();
        let found = local.run_until(async {
            // Everybody else has begun to wait by now.
            tokio::task::yield_now().await;
            gate.notify_one();
            let mut found = Vec::new();
            for it in all {
                found.push(it.await.unwrap());
            }
            found
        });
        let found = found.await;
        assert_eq!(asked.get(), 1);
        assert!(found.iter().all(|it| it.as_deref() == answers.as_ref()));
        assert!(directory.flights.borrow().is_empty());
    }
}

#[tokio::test]
async fn an_issuer_that_gave_none_is_left_alone_for_a_moment() {
    let case = Case::new();
    let ms = Duration::from_millis;
    assert_eq!(case.find(ms(0), Err(down())).await, Err(down()));
    assert_eq!(case.find(ms(400), Ok("a")).await, Err(down()));
    assert_eq!(case.find(ms(600), Ok("a")).await, Ok(metadata("a")));
    assert_eq!(case.asked.get(), 2);
}

#[tokio::test]
async fn where_there_is_no_more_room_the_oldest_goes() {
    let directory = Directory::default();
    let began = Instant::now();
    let asked = Cell::new(0_u64);
    let find = async |number: usize| {
        let at = || began + Duration::from_millis(asked.get());
        let fetch = || async {
            asked.set(asked.get() + 1);
            Ok(metadata("a"))
        };
        directory.find(by(&number.to_string()), at, fetch).await.unwrap();
        asked.get()
    };
    for number in 0..KEPT_MAX {
        find(number).await;
    }
    let all = KEPT_MAX as u64;
    assert_eq!(find(KEPT_MAX).await, all + 1);
    assert_eq!(directory.pages.borrow().len(), KEPT_MAX);
    assert_eq!(find(KEPT_MAX).await, all + 1, "the latest is kept");
    assert_eq!(find(1).await, all + 1, "and all others");
    assert_eq!(find(0).await, all + 2, "but the oldest");
}

#[test]
fn the_milder_verdict_counts() {
    let s = |s| Some(Duration::from_secs(s));
    let of = |fault, after, words: &str| Unfound { after, fault, words: words.to_owned() };
    let busy = of(Fault::Provider, s(60), "503");
    let absent = of(Fault::Operator, None, "404");
    assert_eq!(busy.clone().or(absent.clone()), busy);
    assert_eq!(absent.clone().or(busy.clone()), busy);
    let other = of(Fault::Provider, s(5), "502");
    assert_eq!(busy.or(other), of(Fault::Provider, s(60), "502"));
    assert_eq!(absent.clone().or(of(Fault::Operator, None, "not its")).words, "not its");
}
