//! Whether what was imported works: one forced renewal or probe each, never more in a time than was said.
use crate::cli::api::Ask;
use crate::cli::api::Client;
use crate::cli::api::path;
use crate::cli::stopped::Stopped;
use crate::cli::text::plain;
use http::Method;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Verifications that are under way at the same time: a provider that is slow holds up no more than these.
const AT_ONCE: usize = 8;

/// So many in each second, minute or hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    interval: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a number and a time, as in 5/s, 100/m or 1000/h")]
pub(super) struct RateError;

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (count, per) = text.split_once('/').ok_or(RateError)?;
        let count: NonZeroU32 = count.trim().parse().map_err(|_| RateError)?;
        let per_s = match per.trim() {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err(RateError),
        };
        // Rounded up: never more than what is written.
        let interval_ns = Duration::from_secs(per_s).as_nanos().div_ceil(count.get().into());
        let interval = u64::try_from(interval_ns).map(Duration::from_nanos);
        interval.map(|interval| Self { interval }).map_err(|_| RateError)
    }
}

/// Whether one works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// None where nothing can be told.
    pub(super) works: Option<bool>,
    pub(super) reconnect: bool,
    pub(super) why: String,
}

/// Asks for one after the other.
pub(super) struct Verifier {
    free: Vec<Client>,
    pace: Pace,
}

/// When the next one may begin.
struct Pace {
    interval: Duration,
    next: Option<Instant>,
}

impl Pace {
    /// The time from which on the next one may begin: that much after the one before.
    fn turn(&mut self, now: Instant) -> Instant {
        let turn = self.next.map_or(now, |it| it.max(now));
        self.next = Some(turn + self.interval);
        turn
    }
}

impl Verifier {
    pub(super) fn new(client: &Client, rate: Rate) -> Self {
        let free = (0..AT_ONCE).map(|_| client.another()).collect();
        Self { free, pace: Pace { interval: rate.interval, next: None } }
    }

    /// Of each of these, by connection and tenant, in their order. `done` is told of each.
    pub(super) async fn verify(
        &mut self,
        all: &[(String, String)],
        mut done: impl FnMut(),
    ) -> Result<Vec<Verdict>, Stopped> {
        let mut verdicts: Vec<Option<Verdict>> = vec![None; all.len()];
        let mut asking = JoinSet::new();
        for (index, (connection, tenant)) in all.iter().enumerate() {
            while self.free.is_empty() {
                if !self.join(&mut asking, &mut verdicts).await? {
                    break;
                }
                done();
            }
            let Some(mut client) = self.free.pop() else { break };
            tokio::time::sleep_until(self.pace.turn(Instant::now())).await;
            let path = path(["connections", connection, "activations", tenant, "verify"]);
            asking.spawn(async move {
                let verdict = asked(&mut client, path).await;
                (client, index, verdict)
            });
        }
        while self.join(&mut asking, &mut verdicts).await? {
            done();
        }
        Ok(verdicts.into_iter().flatten().collect())
    }

    /// False where there is none.
    async fn join(
        &mut self,
        asking: &mut JoinSet<(Client, usize, Result<Verdict, Stopped>)>,
        verdicts: &mut [Option<Verdict>],
    ) -> Result<bool, Stopped> {
        let Some(joined) = asking.join_next().await else { return Ok(false) };
        let gone = |_| Stopped::Failed("a verification broke off".to_owned());
        let (client, index, verdict) = joined.map_err(gone)?;
        self.free.push(client);
        verdicts[index] = Some(verdict?);
        Ok(true)
    }
}

async fn asked(client: &mut Client, path: String) -> Result<Verdict, Stopped> {
    let begun = Instant::now();
    let answered = match client.try_ask(Ask::new(Method::POST, path)).await {
        // One that is late is no reason to end all: whoever is stopped is renewed again.
        Err(Stopped::Failed(why)) if begun.elapsed() >= client.patience() => {
            return Ok(Verdict { works: None, reconnect: false, why: plain(&why) });
        }
        answered => answered?,
    };
    match answered {
        Ok(answer) => Ok(Verdict {
            works: answer.body["works"].as_bool(),
            reconnect: answer.body["reconnect"].as_bool().unwrap_or_default(),
            why: plain(answer.body["why"].as_str().unwrap_or_default()),
        }),
        // Of this one nothing can be told; others are not held up.
        Err(problem) => {
            let why = if problem.detail.is_empty() { &problem.title } else { &problem.detail };
            Ok(Verdict { works: None, reconnect: false, why: plain(why) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_never_more_than_what_is_written() {
        for (text, interval) in [
            ("5/s", Duration::from_millis(200)),
            ("3/s", Duration::from_nanos(333_333_334)),
            (" 120 / m ", Duration::from_millis(500)),
            ("1/h", Duration::from_secs(3600)),
        ] {
            assert_eq!(text.parse(), Ok(Rate { interval }), "{text}");
        }
        for text in ["", "5", "0/s", "-1/s", "5/d", "5/s/s", "1.5/s"] {
            assert_eq!(text.parse::<Rate>(), Err(RateError), "{text}");
        }
    }

    #[test]
    fn turns_are_an_interval_apart_and_none_is_saved_up() {
        let begun = Instant::now();
        let mut pace = Pace { interval: Duration::from_secs(2), next: None };
        let at = |s| begun + Duration::from_secs(s);
        assert_eq!([pace.turn(begun), pace.turn(begun), pace.turn(begun)], [at(0), at(2), at(4)]);
        assert_eq!([pace.turn(at(60)), pace.turn(at(60))], [at(60), at(62)]);
    }
}
