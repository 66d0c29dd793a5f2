//! One holder's token through its life, at times that the tests say.
use super::*;
use crate::auth::Prepared;
use crate::renewal::tests::holder;

const S: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const NOON: UnixTime = UnixTime::from_s(1_800_000_000);

/// An entry, one who holds it, and when that began.
struct Case {
    entry: Entry,
    holder: Arc<TokenHolder>,
    began: Instant,
    /// Of which each outcome takes a byte, if there is one left.
    random: Vec<u8>,
    /// The sender of the flight that `ask` or `due` began.
    lands: Option<watch::Sender<Option<Landed>>>,
}

impl Case {
    fn new() -> Self {
        let holder = holder();
        let mut entry = Entry::new(&Arc::new(UpstreamSettings::default()));
        entry.join(&holder);
        Self { entry, holder, began: Instant::now(), random: Vec::new(), lands: None }
    }

    /// With a token of an hour that was had when it all began.
    fn with_token() -> Self {
        let mut case = Self::new();
        case.had(Duration::ZERO, 1, Some(HOUR));
        case
    }

    fn token(&self, after: Duration, generation: u64, life: Option<Duration>) -> Arc<Token> {
        let ms = |it: Duration| u64::try_from(it.as_millis()).unwrap();
        let ends = life.map(|it| UnixTime::from_ms(NOON.as_ms() + ms(after + it)));
        let (had_at, life) = (self.began + after, life.unwrap_or(Duration::MAX));
        let token = Token::new(Prepared::default(), generation, ends, had_at, life, Vec::new());
        Arc::new(token.sent_for(true))
    }

    fn clocks(&self, after: Duration) -> (UnixTime, Instant) {
        let ms = u64::try_from(after.as_millis()).unwrap();
        (UnixTime::from_ms(NOON.as_ms() + ms), self.began + after)
    }

    fn lands(&mut self, after: Duration, outcome: Outcome) -> (Landed, Change) {
        let (now, at) = self.clocks(after);
        self.lands = None;
        let random = self.random.pop().unwrap_or_default();
        self.entry.landed(outcome, random, now, at)
    }

    fn had(&mut self, after: Duration, generation: u64, life: Option<Duration>) -> Change {
        let token = self.token(after, generation, life);
        self.lands(
            after,
            Outcome::Token { token, kept: super::super::tests::kept(), secret: 0, version: 0 },
        )
        .1
    }

    fn fails(&mut self, after: Duration) -> (Landed, Change) {
        self.lands(after, Outcome::Again { after: None, fault: Fault::Provider, pause: None })
    }

    /// What is done for whoever asks, in a word.
    fn ask(&mut self, demand: Demand, after: Duration) -> String {
        let (now, at) = self.clocks(after);
        match self.entry.ask(demand, now, at) {
            Step::Serve(token) => format!("serve {}", token.generation),
            Step::Wait(_) => "wait".to_owned(),
            Step::Refuse(error) => format!("{error:?}"),
            Step::Begin => {
                let (lands, flight) = watch::channel(None);
                self.entry.flight = Some(flight);
                self.lands = Some(lands);
                "begin".to_owned()
            }
        }
    }

    fn due(&mut self, after: Duration) -> String {
        let (now, at) = self.clocks(after);
        match self.entry.due(now, at) {
            Due::Begin(_) => "begin".to_owned(),
            Due::Later(next) => {
                format!("later {}", next.saturating_duration_since(self.began).as_secs())
            }
            Due::Gone => "gone".to_owned(),
        }
    }
}

/// A token of OAuth 1.0a has no end, and no message brings another.
#[test]
fn where_only_a_person_gives_another_token_asking_for_it_gives_the_one_that_is_there() {
    let mut case = Case::new();
    case.entry.needs_a_person = true;
    assert_eq!(case.ask(Demand::Newer, S), "begin", "the store may have one");
    case.had(2 * S, 1, None);
    for after in [3 * S, 60 * S, HOUR] {
        assert_eq!(case.ask(Demand::Newer, after), "serve 1");
        assert_eq!(case.ask(Demand::After(1), after), "serve 1");
    }
    assert_eq!(case.entry.status().state, GrantState::Active);
    assert_eq!(case.lands(HOUR, Outcome::Dead).1, Change::Died);
    assert_eq!(case.ask(Demand::Newer, HOUR + S), "Dead", "the API does not take it either");
    assert_eq!(
        case.ask(Demand::Newer, HOUR + 60 * S),
        "begin",
        "somebody may have brought it back"
    );
}

#[test]
fn one_request_is_begun_and_all_others_wait_for_it() {
    let mut case = Case::new();
    assert_eq!(case.ask(Demand::Any, S), "begin");
    assert_eq!(case.ask(Demand::Any, S), "wait");
    assert_eq!(case.ask(Demand::Newer, S), "wait");
    assert_eq!(case.had(2 * S, 1, Some(HOUR)), Change::None);
    assert_eq!(case.ask(Demand::Any, 3 * S), "serve 1");
    let (now, at) = case.clocks(3 * S);
    assert_eq!(case.holder.token(now, at).unwrap().generation, 1, "requests find it");
}

#[test]
fn a_request_that_came_to_nothing_without_a_word_is_begun_again() {
    let mut case = Case::new();
    assert_eq!(case.ask(Demand::Any, S), "begin");
    case.lands = None;
    assert_eq!(case.ask(Demand::Any, S), "begin");
}

#[test]
fn a_token_that_is_used_is_renewed_ahead_of_its_end_and_one_that_is_not_ends() {
    // A tenth of an hour ahead.
    let mut case = Case::with_token();
    assert_eq!(case.due(S), "later 3240");
    assert_eq!(case.due(3240 * S), "later 3600");
    case.entry.token.as_ref().unwrap().used();
    assert_eq!(case.due(3240 * S), "begin");
    let mut case = Case::with_token();
    assert_eq!(case.due(3600 * S), "gone");
    // Never in the first half of a short life.
    let mut case = Case::new();
    case.had(Duration::ZERO, 1, Some(30 * S));
    assert_eq!(case.due(S), "later 15");
    // What has no end has no renewal.
    let mut case = Case::new();
    case.had(Duration::ZERO, 1, None);
    case.entry.token.as_ref().unwrap().used();
    assert_eq!(case.due(S), "later 601");
}

#[test]
fn renewals_of_what_was_had_together_are_spread() {
    let case = Case::new();
    let token = case.token(Duration::ZERO, 1, Some(HOUR));
    let of = |random| renew_at(&token, random).unwrap() - case.began;
    assert_eq!((of(0), of(u8::MAX)), (3240 * S, 3060 * S));
}

#[test]
fn a_token_that_is_good_goes_on_being_served_while_its_renewal_fails() {
    let mut case = Case::with_token();
    let (landed, change) = case.fails(3300 * S);
    assert_eq!((landed.unwrap().generation, change), (1, Change::BeganToFail));
    assert_eq!(case.ask(Demand::Any, 3301 * S), "serve 1");
    assert_eq!(case.ask(Demand::Newer, 3300 * S), "serve 1", "left alone for a while");
    let (landed, change) = case.fails(3500 * S);
    assert!(landed.is_ok() && change == Change::None, "told once");
    // It has ended.
    let (landed, _) = case.fails(3600 * S);
    assert_eq!(landed.unwrap_err(), RenewalError::Unavailable { retry_after_s: 2 });
    assert_eq!(case.ask(Demand::Any, 3601 * S), "Unavailable { retry_after_s: 1 }");
    assert_eq!(case.due(3601 * S), "later 3602");
    assert_eq!(case.due(3602 * S), "begin", "by itself");
    assert_eq!(case.ask(Demand::Any, 3602 * S), "begin");
    assert_eq!(case.had(3603 * S, 2, Some(HOUR)), Change::Recovered);
    assert_eq!(case.ask(Demand::Any, 3604 * S), "serve 2");
}

#[test]
fn a_provider_is_asked_once_in_each_pause_whoever_comes() {
    let mut case = Case::new();
    let mut asked = 0;
    for after in 0..600 {
        if case.ask(Demand::Any, after * S) == "begin" {
            asked += 1;
            assert!(case.fails(after * S).0.is_err());
        }
    }
    // Pauses of half of 1, 2, 4 … 300 seconds.
    assert!((8..=12).contains(&asked), "{asked}");
}

#[test]
fn a_dead_grant_is_refused_until_somebody_asks_for_another_try() {
    let mut case = Case::new();
    assert_eq!(case.ask(Demand::Any, S), "begin");
    let (landed, change) = case.lands(S, Outcome::Dead);
    assert_eq!((landed.unwrap_err(), change), (RenewalError::Dead, Change::Died));
    assert_eq!(case.ask(Demand::Any, HOUR), "Dead");
    assert_eq!(case.ask(Demand::Newer, 2 * S), "Dead", "not at once");
    assert_eq!(case.due(HOUR), "later 4200");
    assert_eq!(case.ask(Demand::Newer, 12 * S), "begin");
    assert_eq!(case.had(12 * S, 1, None), Change::Recovered);
    assert_eq!(case.ask(Demand::Any, 13 * S), "serve 1");
}

#[test]
fn a_token_of_a_dead_grant_is_served_to_its_end() {
    let mut case = Case::with_token();
    assert_eq!(case.lands(3300 * S, Outcome::Dead).0.unwrap().generation, 1);
    assert_eq!(case.ask(Demand::Any, 3400 * S), "serve 1");
    assert_eq!(case.ask(Demand::Any, 3600 * S), "Dead");
}

#[test]
fn a_token_of_a_dead_grant_that_the_api_refuses_too_is_none() {
    let mut case = Case::with_token();
    assert_eq!(case.ask(Demand::After(1), 1200 * S), "begin");
    assert_eq!(case.lands(1201 * S, Outcome::Dead).0.unwrap_err(), RenewalError::Dead);
    let (now, at) = case.clocks(1202 * S);
    assert!(case.holder.token(now, at).is_none(), "no request finds it");
    for after in 1202..1500 {
        assert_eq!(case.ask(Demand::Any, after * S), "Dead");
        assert_eq!(
            case.ask(Demand::After(1), after * S),
            "Dead",
            "no password goes out again by itself"
        );
    }
    // Dead first, and refused then.
    let mut case = Case::with_token();
    assert!(case.lands(1200 * S, Outcome::Dead).0.is_ok());
    assert_eq!(case.ask(Demand::Any, 1201 * S), "serve 1");
    assert_eq!(case.ask(Demand::After(1), 1202 * S), "Dead");
}

#[test]
fn a_dead_grant_that_is_in_a_store_is_looked_at_there_now_and_then() {
    let mut case = Case::new();
    case.entry.is_kept = true;
    assert_eq!(case.ask(Demand::Any, S), "begin");
    case.lands(S, Outcome::Dead).0.unwrap_err();
    assert_eq!(case.ask(Demand::Any, 10 * S), "Dead");
    assert_eq!(case.ask(Demand::Any, 11 * S), "begin", "another replica may have brought it back");
    assert_eq!(case.had(11 * S, 1, Some(HOUR)), Change::Recovered);
}

#[test]
fn a_try_that_failed_counts_from_then_on_whatever_the_tokens_age() {
    let mut case = Case::with_token();
    assert_eq!(case.ask(Demand::After(1), 1200 * S), "begin");
    assert!(case.fails(1200 * S).0.is_ok());
    // The pause of the provider is over; that of the refusals is not.
    assert_eq!(case.ask(Demand::After(1), 1205 * S), "serve 1");
    assert_eq!(case.ask(Demand::After(1), 1210 * S), "begin");
}

#[test]
fn what_did_not_come_to_a_try_is_no_failure_and_is_begun_again_in_a_moment() {
    let mut case = Case::with_token();
    let later = || Outcome::Later { pause: 2 * S };
    assert_eq!(case.ask(Demand::Newer, 3000 * S), "begin");
    let (landed, change) = case.lands(3000 * S, later());
    assert!(landed.is_ok() && change == Change::None);
    assert_eq!(case.entry.status().state, GrantState::Active);
    assert_eq!(case.ask(Demand::Any, 3601 * S), "begin");
    let (landed, change) = case.lands(3601 * S, later());
    assert_eq!(landed.unwrap_err(), RenewalError::Unavailable { retry_after_s: 2 });
    assert_eq!((change, case.entry.status().state), (Change::None, GrantState::Active));
    assert_eq!(case.ask(Demand::Any, 3603 * S), "begin");
    assert_eq!(case.had(3603 * S, 2, Some(HOUR)), Change::None, "it was never gone");
    // What failed goes on failing meanwhile.
    assert_eq!(case.fails(3604 * S).1, Change::BeganToFail);
    case.lands(3605 * S, later()).0.ok();
    assert_eq!(case.entry.status().state, GrantState::Failing);
    assert_eq!(case.had(3606 * S, 3, Some(HOUR)), Change::Recovered);
}

/// A request each second, and the provider away from second `down` on for an hour; the token lives `life` seconds.
/// How many failed, when the first did, how often the provider was asked while away, and when there was a token again.
fn an_hour_down(life: u32, down: u32) -> (u32, Option<u32>, u32, Option<u32>) {
    let (mut case, back) = (Case::new(), down + 3600);
    case.had(Duration::ZERO, 1, Some(life * S));
    let (mut failed, mut first, mut asked, mut again) = (0, None, 0, None);
    for second in 0..life.max(back) + 900 {
        let after = second * S;
        let is_asked = case.ask(Demand::Any, after) == "begin" || case.due(after) == "begin";
        let (now, at) = case.clocks(after);
        if is_asked && (down..back).contains(&second) {
            asked += 1;
            case.fails(after).0.ok();
        } else if is_asked {
            case.had(after, 2, Some(4 * HOUR));
            again = again.or(Some(second)).filter(|it| *it >= back).or(again);
        }
        match case.holder.token(now, at) {
            Some(token) => token.used(),
            None => {
                failed += 1;
                first = first.or(Some(second));
            }
        }
    }
    (failed, first, asked, again)
}

#[test]
fn a_provider_that_is_away_for_an_hour_costs_nothing_while_tokens_live_and_little_then() {
    // It lives beyond the hour.
    let (failed, _, asked, _) = an_hour_down(7200, 3400);
    assert_eq!(failed, 0);
    assert!(asked <= 20, "once in each pause: {asked}");
    // It ends in the middle of it.
    let (failed, first, asked, again) = an_hour_down(3600, 3000);
    assert_eq!(first, Some(3600), "not before it has ended");
    assert!(asked <= 32, "{asked}");
    let again = again.expect("it comes back");
    assert!((6600..6600 + 300).contains(&again), "within one pause: {again}");
    assert_eq!(failed, again - 3600, "and not longer than that");
}

#[test]
fn many_who_share_a_provider_that_is_away_do_not_come_back_together() {
    const MANY: u32 = 200;
    let (down, back, ends) = (3000, 6600, 3600);
    let mut messages = vec![0; 7000];
    let mut had = vec![0; 7000];
    for one in 0..MANY {
        let mut case = Case::with_token();
        // All begin together: only the pauses part them.
        let any = |it: u32| (one * 64 + it).wrapping_mul(2_654_435_761).to_be_bytes()[0];
        case.random = (0..64).map(any).collect();
        let (mut asked, mut last, mut is_back) = (0, None, false);
        for second in down - 100..back + 300 {
            let after = second * S;
            let (now, at) = case.clocks(after);
            if let Some(token) = case.holder.token(now, at) {
                token.used();
            }
            let said = case.ask(Demand::Any, after);
            if second < ends || is_back {
                assert!(said.starts_with("serve"), "{one} at {second}: {said}");
            } else if let Some(pause) = said.strip_prefix("Unavailable { retry_after_s: ") {
                let pause: u32 = pause.trim_end_matches(" }").parse().unwrap();
                assert!((1..=300).contains(&pause), "{one} at {second}: {pause}");
            }
            if said != "begin" && case.due(after) != "begin" {
                continue;
            }
            messages[second as usize] += 1;
            if second >= back {
                case.had(after, 2, Some(4 * HOUR));
                had[second as usize] += 1;
                is_back = true;
                continue;
            }
            asked += 1;
            let least = (1 << (asked - 1_u32).min(9)).min(300) / 4;
            assert!(last.is_none_or(|it| second - it >= least), "{one}: {asked} by {second}");
            last = Some(second);
            case.fails(after).0.ok();
        }
        assert!(is_back, "{one} has a token again within one pause");
        assert!(asked <= 32, "{one} asked {asked} times");
    }
    assert_eq!(messages[..down as usize].iter().sum::<u32>(), 0);
    // A few minutes into it no second has more than a twentieth of them, nor has the time when it is back.
    let most = messages[down as usize + 600..].iter().max().unwrap();
    assert!(*most <= MANY / 20, "{most} of {MANY} in one second");
    assert!(had.iter().max() <= Some(&(MANY / 20)));
}

#[test]
fn another_token_is_had_where_a_request_asks_for_one_unless_it_is_very_young() {
    let mut case = Case::with_token();
    assert_eq!(case.ask(Demand::Newer, 4 * S), "serve 1");
    assert_eq!(case.ask(Demand::Newer, 5 * S), "begin");
}

#[test]
fn a_token_that_the_api_refuses_is_had_anew_once_and_then_ever_more_seldom() {
    let mut case = Case::with_token();
    assert_eq!(case.ask(Demand::After(1), S), "begin");
    assert_eq!(case.ask(Demand::After(1), S), "wait");
    case.had(2 * S, 2, Some(HOUR));
    assert_eq!(case.ask(Demand::After(1), 3 * S), "serve 2", "another one is there already");
    // It may not be the token: ten seconds, twenty …
    assert_eq!(case.ask(Demand::After(2), 11 * S), "serve 2");
    assert_eq!(case.ask(Demand::After(2), 12 * S), "begin");
    case.had(12 * S, 3, Some(HOUR));
    assert_eq!(case.ask(Demand::After(3), 31 * S), "serve 3");
    assert_eq!(case.ask(Demand::After(3), 32 * S), "begin");
    // One that lives as long as it should makes up for it.
    case.had(32 * S, 4, Some(HOUR));
    case.had(32 * S + HOUR, 5, Some(HOUR));
    assert_eq!(case.ask(Demand::After(5), 33 * S + HOUR), "begin");
}

#[test]
fn what_nobody_holds_any_more_is_kept_to_its_end_and_forgotten() {
    let mut case = Case::with_token();
    case.holder = holder();
    assert_eq!(case.due(S), "later 3600");
    let rebuilt = Arc::clone(&case.holder);
    case.entry.join(&rebuilt);
    assert_eq!(case.ask(Demand::Any, S), "serve 1", "built anew, it has its token");
    drop(rebuilt);
    case.holder = holder();
    assert_eq!(case.due(3600 * S), "gone");
}
