//! Names become addresses: one look-up at a time for each name, shared by all who need it, and so many
//! names at a time for each connection.
use super::dial::Resolver;
use super::error::SendError;
use crate::model::Key;
use std::collections::HashMap;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use tokio::sync::Semaphore;
use tokio::sync::watch;

/// Names that are looked up for one connection at the same time, per worker: half of the threads there
/// are for it. A connection whose names are many and slow (a subdomain that the caller chooses) leaves
/// the other half to the others.
const LOOK_UPS_EACH_MAX: usize = 8;

type Found = Result<Arc<[IpAddr]>, SendError>;

/// One worker's look-ups that are under way.
///
/// A look-up occupies one of the few threads for them until the operating system's resolver has
/// answered, even if nobody waits for it any more. So there is only one for each name, and a name that
/// is slow takes one thread, however often it is asked for. Nothing is remembered of the answer.
#[derive(Debug)]
pub(super) struct LookUps {
    resolver: Resolver,
    under_way: Arc<Mutex<UnderWay>>,
}

#[derive(Debug, Default)]
struct UnderWay {
    /// With those that wait for a turn. Whoever wants the answer subscribes.
    names: HashMap<Box<str>, Arc<Answer>>,
    /// The turns of each connection that has names under way.
    turns: HashMap<Key, Arc<Semaphore>>,
}

type Answer = watch::Sender<Option<Found>>;

impl LookUps {
    pub(super) fn new(resolver: Resolver) -> Self {
        Self { resolver, under_way: Arc::default() }
    }

    pub(super) async fn addresses(
        &self,
        connection: &Key,
        host: &str,
        port: u16,
    ) -> Result<Vec<SocketAddr>, SendError> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let mut look_up = self.look_up(connection, host);
        let found = look_up.wait_for(Option::is_some).await.map_err(|_| SendError::Unresolved)?;
        let found = found.clone().unwrap_or(Err(SendError::Unresolved))?;
        Ok(found.iter().map(|it| SocketAddr::new(*it, port)).collect())
    }

    /// The one that is under way for this name, or a new one. Once it has its turn it goes on by itself.
    fn look_up(&self, connection: &Key, host: &str) -> watch::Receiver<Option<Found>> {
        let (look_up, asked) = self.asked(connection, host);
        if let Some(asked) = asked {
            // Ends with the resolver's answer, and with the worker's runtime.
            tokio::spawn(asked.run(self.resolver.clone()));
        }
        look_up
    }

    /// The answer to be, and what is to run for it where nobody has asked yet.
    fn asked(
        &self,
        connection: &Key,
        host: &str,
    ) -> (watch::Receiver<Option<Found>>, Option<Asked>) {
        let mut under_way = locked(&self.under_way);
        if let Some(answer) = under_way.names.get(host) {
            return (answer.subscribe(), None);
        }
        let (answer, look_up) = watch::channel(None);
        let answer = Arc::new(answer);
        under_way.names.insert(host.into(), Arc::clone(&answer));
        let turns = under_way
            .turns
            .entry(connection.clone())
            .or_insert_with(|| Arc::new(Semaphore::new(LOOK_UPS_EACH_MAX)));
        let asked = Asked {
            under_way: Arc::clone(&self.under_way),
            turns: Arc::clone(turns),
            connection: connection.clone(),
            host: host.into(),
            answer,
        };
        (look_up, Some(asked))
    }
}

/// One name that is asked for.
struct Asked {
    under_way: Arc<Mutex<UnderWay>>,
    turns: Arc<Semaphore>,
    connection: Key,
    host: Box<str>,
    answer: Arc<Answer>,
}

impl Asked {
    async fn run(self, resolver: Resolver) {
        let turn = loop {
            tokio::select! {
                biased;
                turn = self.turns.acquire() => break turn,
                // Nobody waits any more: it need not be asked at all.
                () = self.answer.closed() => {
                    let mut under_way = locked(&self.under_way);
                    if self.answer.receiver_count() == 0 {
                        return self.leave(&mut under_way);
                    }
                }
            }
        };
        let found = resolver.addresses(&self.host).await;
        drop(turn);
        self.leave(&mut locked(&self.under_way));
        self.answer.send_replace(Some(found.map(Arc::from)));
    }

    /// Whoever comes from now on asks anew. Done once, it changes nothing any more.
    fn leave(&self, under_way: &mut UnderWay) {
        if under_way.names.get(&self.host).is_none_or(|it| !Arc::ptr_eq(it, &self.answer)) {
            return;
        }
        under_way.names.remove(&self.host);
        // The table's and ours: no other name of the connection is under way.
        if Arc::strong_count(&self.turns) == 2 {
            under_way.turns.remove(&self.connection);
        }
    }
}

impl Drop for Asked {
    /// However it ends: nobody is left to wait for an answer that will not come.
    fn drop(&mut self) {
        self.leave(&mut locked(&self.under_way));
    }
}

fn locked(under_way: &Mutex<UnderWay>) -> MutexGuard<'_, UnderWay> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    fn key(text: &str) -> Key {
        Key::try_from(text).unwrap()
    }

    #[test]
    fn a_slow_name_takes_one_thread_however_often_it_is_asked_for() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(2)
            .build()
            .unwrap();
        let (answer, answers) = mpsc::channel::<()>();
        let answers = Mutex::new(answers);
        let resolver = Resolver::Scripted(Arc::new(move |name| {
            if name == "slow.example" {
                let _ = answers.lock().unwrap().recv();
            }
            vec![[192, 0, 2, 1].into()]
        }));
        let (look_ups, api) = (LookUps::new(resolver), key("api"));
        runtime.block_on(async {
            for _ in 0..10 {
                let asked = look_ups.addresses(&api, "slow.example", 443);
                let given_up = tokio::time::timeout(Duration::from_millis(5), asked).await;
                assert!(given_up.is_err());
            }
            let fast = look_ups.addresses(&api, "fast.example", 80);
            let found = tokio::time::timeout(Duration::from_secs(20), fast).await;
            assert_eq!(found.unwrap().unwrap(), [SocketAddr::from(([192, 0, 2, 1], 80))]);
            // Whoever comes while it is under way shares its answer; then it is asked anew.
            let asked = look_ups.addresses(&api, "slow.example", 443);
            drop(answer);
            assert_eq!(asked.await.unwrap(), [SocketAddr::from(([192, 0, 2, 1], 443))]);
            let under_way = locked(&look_ups.under_way);
            assert!(under_way.names.is_empty() && under_way.turns.is_empty());
        });
    }

    #[tokio::test]
    async fn whoever_waits_for_a_look_up_that_is_dropped_learns_of_it_and_the_next_one_asks_anew() {
        let resolver = Resolver::Scripted(Arc::new(|_| vec![[192, 0, 2, 1].into()]));
        let (look_ups, api) = (LookUps::new(resolver), key("api"));
        let (first, asked) = look_ups.asked(&api, "a.example");
        let (_, again) = look_ups.asked(&api, "a.example");
        assert!(again.is_none(), "it is under way");
        let dropped = asked.unwrap().run(look_ups.resolver.clone());
        drop(dropped);
        assert!(first.has_changed().is_err(), "no answer can come any more");
        assert!(locked(&look_ups.under_way).turns.is_empty());
        assert!(look_ups.addresses(&api, "a.example", 80).await.is_ok());
    }

    #[test]
    fn many_slow_names_of_one_connection_leave_threads_to_the_others() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(2 * LOOK_UPS_EACH_MAX)
            .build()
            .unwrap();
        let (answer, answers) = mpsc::channel::<()>();
        let answers = Mutex::new(answers);
        let (asked, seen) = mpsc::channel();
        let resolver = Resolver::Scripted(Arc::new(move |name| {
            asked.send(name.to_owned()).unwrap();
            if name.ends_with(".slow.example") {
                let _ = answers.lock().unwrap().recv();
            }
            vec![[192, 0, 2, 1].into()]
        }));
        let look_ups = LookUps::new(resolver);
        let (slow, other) = (key("slow"), key("other"));
        runtime.block_on(async {
            for number in 0..5 * LOOK_UPS_EACH_MAX {
                let name = format!("n{number}.slow.example");
                let asked = look_ups.addresses(&slow, &name, 443);
                let given_up = tokio::time::timeout(Duration::from_millis(5), asked).await;
                assert!(given_up.is_err());
            }
            let fast = look_ups.addresses(&other, "fast.example", 80);
            let found = tokio::time::timeout(Duration::from_secs(20), fast).await;
            assert_eq!(found.unwrap().unwrap(), [SocketAddr::from(([192, 0, 2, 1], 80))]);
            // Who still waits gets its turn.
            let waiting = look_ups.addresses(&slow, "last.slow.example", 443);
            drop(answer);
            let found = tokio::time::timeout(Duration::from_secs(20), waiting).await;
            assert!(found.unwrap().is_ok());
            while !locked(&look_ups.under_way).names.is_empty() {
                tokio::task::yield_now().await;
            }
            assert!(locked(&look_ups.under_way).turns.is_empty());
        });
        // Those whose turn did not come in time were never asked.
        let begun = seen.try_iter().filter(|it| it.ends_with(".slow.example")).count();
        assert_eq!(begun, LOOK_UPS_EACH_MAX + 1);
    }
}
