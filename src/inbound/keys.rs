//! Senders' public keys that are fetched: kept, renewed, and asked for no more often than is good for anybody.
//!
//! Anybody on the internet can send what names a key that nobody has. So a key that is not in a set is looked for
//! again once a minute at most, and URLs that nothing good ever came from have a small quota of their own; what has
//! verified a delivery before is kept and renewed whatever strangers do. A look goes on when whoever asked hangs up.
use crate::catalog::Connection;
use crate::limits;
use crate::model::Key;
use crate::renewal::Errands;
use crate::webhook::KeysAt;
use crate::webhook::KeysForm;
use crate::webhook::PublicKeys;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::watch;

/// How long keys are taken for true without another look.
const LIFE: Duration = Duration::from_secs(3600);

/// How long they go on where they can't be had again.
const STALE_LIFE: Duration = Duration::from_secs(24 * 3600);

/// How long a page is left alone after a look: it gave nothing, or not the key that is asked for.
const PAUSE: Duration = Duration::from_secs(60);

/// The same where there never was anything: the sender tries again soon.
const MISSED_PAUSE: Duration = Duration::from_secs(5);

/// Pages that are remembered.
const PAGES_MAX: usize = 1024;

/// Looks of one network at one connection's pages from which nothing has verified yet, a minute.
const OF_NETWORK_MAX: u32 = 20;

/// The same of all networks together.
const OF_CONNECTION_MAX: u32 = 200;

/// Networks whose looks are counted at a time; beyond it there is none until a minute is over.
const NETWORKS_MAX: usize = 4096;

const MINUTE: Duration = Duration::from_secs(60);

/// Fetched keys. One for the process.
pub struct KeyRing {
    errands: Errands,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pages: HashMap<By, Page>,
    /// Looks at unproved pages since the minute of each began: of a network at a connection's, and of all at it.
    looks: HashMap<(Key, Option<u64>), (Instant, u32)>,
}

/// A page, and the settings that it was reached with: what one connection was told by a host that it trusts is
/// nothing to another.
#[derive(Clone, PartialEq, Eq, Hash)]
struct By {
    url: String,
    form: KeysForm,
    settings: u64,
}

#[derive(Default)]
struct Page {
    keys: Option<(Arc<PublicKeys>, Instant)>,
    looked: Option<Instant>,
    /// A delivery has verified with it.
    is_proved: bool,
    /// What is being asked for: whoever needs the same waits for it.
    flight: Option<Flight>,
}

/// Tells what came of a look.
type Flight = watch::Receiver<Option<Option<Arc<PublicKeys>>>>;

/// Who asks, for which connection.
#[derive(Clone, Copy)]
struct Asker<'a> {
    connection: &'a Key,
    network: u64,
}

/// What is to be done for a key.
enum Look {
    Kept(Arc<PublicKeys>),
    Wait(Flight),
    Begin,
    Unavailable,
}

impl KeyRing {
    pub fn new(errands: Errands) -> Self {
        Self { errands, state: Mutex::default() }
    }

    /// The keys that are there, fetched now where they have to be. None where they can't be had: the
    /// sender is to come again.
    pub(super) async fn keys(
        self: &Arc<Self>,
        connection: &Arc<Connection>,
        at: &KeysAt,
        sender: IpAddr,
    ) -> Option<Arc<PublicKeys>> {
        let mut flight = match self.look(connection, at, sender) {
            Look::Kept(keys) => return Some(keys),
            Look::Unavailable | Look::Begin => return None,
            Look::Wait(flight) => flight,
        };
        flight.wait_for(Option::is_some).await.ok()?.clone().flatten()
    }

    /// A delivery has verified with what is there.
    pub(super) fn proved(&self, connection: &Connection, at: &KeysAt) {
        if let Some(page) = self.state().pages.get_mut(&By::of(connection, at)) {
            page.is_proved = true;
        }
    }

    /// What is there, or the look that is under way: begun now where there is none.
    fn look(self: &Arc<Self>, connection: &Arc<Connection>, at: &KeysAt, sender: IpAddr) -> Look {
        let by = By::of(connection, at);
        let asker = Asker { connection: &connection.key, network: limits::network(sender) };
        let mut state = self.state();
        match state.look(&by, at.kid.as_deref(), asker, Instant::now()) {
            Look::Begin => {}
            known => return known,
        }
        let (tells, told) = watch::channel(None);
        state.begin(&by, told.clone());
        drop(state);
        let (ring, connection, at) = (Arc::clone(self), Arc::clone(connection), at.clone());
        // Bounded by the quota of looks, and by the time that an errand may take.
        tokio::task::spawn_local(async move {
            let fetched = ring.fetched(&connection, &at).await;
            let kept = ring.state().keep(&by, fetched, Instant::now());
            // Nobody may be waiting any more.
            tells.send_replace(Some(kept));
        });
        Look::Wait(told)
    }

    async fn fetched(&self, connection: &Connection, at: &KeysAt) -> Option<Arc<PublicKeys>> {
        let settings = Arc::clone(&connection.upstream);
        let page = self.errands.page(connection.key.clone(), settings, &at.url).await;
        let read = page
            .map_err(|error| error.to_string())
            .and_then(|it| PublicKeys::read(at.form, &it).ok_or("no keys are there".to_owned()));
        read.map(Arc::new)
            .inspect_err(|problem| {
                tracing::warn!(
                    connection = connection.key.as_str(),
                    url = at.url,
                    "the sender's public keys were not had: {problem}"
                );
            })
            .ok()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing between two changes of the state can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn look(&mut self, by: &By, kid: Option<&str>, asker: Asker<'_>, now: Instant) -> Look {
        let page = self.pages.get(by);
        let age = |since: Instant| now.saturating_duration_since(since);
        let kept = page.and_then(|it| it.keys.as_ref()).filter(|it| age(it.1) < STALE_LIFE);
        let has_it = kept.is_some_and(|(keys, _)| kid.is_none_or(|it| keys.has(it)));
        if let Some((keys, since)) = kept
            && has_it
            && age(*since) < LIFE
        {
            return Look::Kept(Arc::clone(keys));
        }
        let is_known = kept.is_some();
        // A key that is not there may be a new one: whoever signs with it is to come again.
        let kept = kept.filter(|_| has_it).map(|it| Arc::clone(&it.0));
        let Some(page) = page else { return self.may_begin(asker, now, kept) };
        // One whose task is gone says nothing any more.
        if let Some(flight) = page.flight.as_ref().filter(|it| it.has_changed().is_ok()) {
            return kept.map_or_else(|| Look::Wait(flight.clone()), Look::Kept);
        }
        let pause = if is_known { PAUSE } else { MISSED_PAUSE };
        if page.looked.is_some_and(|it| age(it) < pause) {
            return kept.map_or(Look::Unavailable, Look::Kept);
        }
        if page.is_proved { Look::Begin } else { self.may_begin(asker, now, kept) }
    }

    fn may_begin(&mut self, asker: Asker<'_>, now: Instant, kept: Option<Arc<PublicKeys>>) -> Look {
        match (self.may_look(asker, now), kept) {
            (true, _) => Look::Begin,
            (false, Some(keys)) => Look::Kept(keys),
            (false, None) => Look::Unavailable,
        }
    }

    fn begin(&mut self, by: &By, flight: Flight) {
        self.make_room(by);
        self.pages.entry(by.clone()).or_default().flight = Some(flight);
    }

    /// Keeps what came of a look, and says what is to be used.
    fn keep(
        &mut self,
        by: &By,
        fetched: Option<Arc<PublicKeys>>,
        now: Instant,
    ) -> Option<Arc<PublicKeys>> {
        self.make_room(by);
        let page = self.pages.entry(by.clone()).or_default();
        page.flight = None;
        page.looked = Some(now);
        if let Some(keys) = fetched {
            page.keys = Some((keys, now));
        }
        let (keys, since) = page.keys.as_ref()?;
        (now.saturating_duration_since(*since) < STALE_LIFE).then(|| Arc::clone(keys))
    }

    fn may_look(&mut self, asker: Asker<'_>, now: Instant) -> bool {
        self.looks.retain(|_, it| now.saturating_duration_since(it.0) < MINUTE);
        let of_network = (asker.connection.clone(), Some(asker.network));
        let of_all = (asker.connection.clone(), None);
        let used = |whose| self.looks.get(whose).map_or(0, |it| it.1);
        if used(&of_network) >= OF_NETWORK_MAX
            || used(&of_all) >= OF_CONNECTION_MAX
            || self.looks.len() >= NETWORKS_MAX
        {
            return false;
        }
        for whose in [of_network, of_all] {
            self.looks.entry(whose).or_insert((now, 0)).1 += 1;
        }
        true
    }

    /// What nothing has verified with goes first, then what was looked at longest ago.
    fn make_room(&mut self, by: &By) {
        if self.pages.len() < PAGES_MAX || self.pages.contains_key(by) {
            return;
        }
        let oldest = self.pages.iter().min_by_key(|(_, it)| (it.is_proved, it.looked));
        if let Some(oldest) = oldest.map(|it| it.0.clone()) {
            self.pages.remove(&oldest);
        }
    }
}

impl By {
    fn of(connection: &Connection, at: &KeysAt) -> Self {
        Self { url: at.url.clone(), form: at.form, settings: connection.upstream.identity }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Option<&str> = None;

    struct Clocked {
        state: State,
        began: Instant,
    }

    impl Clocked {
        fn new() -> Self {
            Self { state: State::default(), began: Instant::now() }
        }

        fn at(&self, s: u64) -> Instant {
            self.began + Duration::from_secs(s)
        }

        fn look(&mut self, url: &str, kid: Option<&str>, s: u64) -> Look {
            self.look_of(url, kid, s, 1)
        }

        fn look_of(&mut self, url: &str, kid: Option<&str>, s: u64, network: u64) -> Look {
            let (now, connection) = (self.at(s), Key::try_from("hooks").unwrap());
            let asker = Asker { connection: &connection, network };
            self.state.look(&by(url), kid, asker, now)
        }

        /// What a look says in one word.
        fn word(&mut self, url: &str, kid: Option<&str>, s: u64) -> &'static str {
            match self.look(url, kid, s) {
                Look::Kept(_) => "kept",
                Look::Begin => "fetch",
                Look::Wait(_) => "wait",
                Look::Unavailable => "unavailable",
            }
        }

        fn keep(&mut self, url: &str, keys: Option<Arc<PublicKeys>>, s: u64) -> bool {
            let now = self.at(s);
            self.state.keep(&by(url), keys, now).is_some()
        }
    }

    fn by(url: &str) -> By {
        By { url: url.to_owned(), form: KeysForm::Jwks, settings: 1 }
    }

    /// RFC 8037 appendix A.2, called `a`.
    fn keys() -> Option<Arc<PublicKeys>> {
        let set = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a",
            "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        Some(Arc::new(PublicKeys::read(KeysForm::Jwks, set).unwrap()))
    }

    #[test]
    fn keys_are_good_for_an_hour_and_go_on_for_a_day_where_they_can_not_be_had() {
        let mut ring = Clocked::new();
        assert_eq!(ring.word("u", NOTHING, 0), "fetch");
        assert!(ring.keep("u", keys(), 0));
        assert_eq!(ring.word("u", Some("a"), 3599), "kept");
        assert_eq!(ring.word("u", NOTHING, 3600), "fetch");
        assert!(ring.keep("u", None, 3600), "the old ones go on");
        assert_eq!(ring.word("u", NOTHING, 3659), "kept");
        assert_eq!(ring.word("u", NOTHING, 3660), "fetch");
        assert!(ring.keep("u", None, 86_399));
        assert!(!ring.keep("u", None, 86_400));
        assert_eq!(ring.word("u", NOTHING, 86_404), "unavailable");
        assert_eq!(ring.word("u", NOTHING, 86_405), "fetch");
    }

    #[test]
    fn a_key_that_is_not_in_the_set_is_looked_for_once_a_minute() {
        let mut ring = Clocked::new();
        assert_eq!(ring.word("u", Some("b"), 0), "fetch");
        assert!(ring.keep("u", keys(), 0));
        assert_eq!(ring.word("u", Some("b"), 59), "unavailable", "the sender is to come again");
        assert_eq!(ring.word("u", Some("b"), 60), "fetch");
        assert_eq!(ring.word("u", Some("a"), 60), "kept", "nobody else waits for that");
    }

    #[test]
    fn a_page_without_keys_is_left_alone_for_a_few_seconds() {
        let mut ring = Clocked::new();
        assert_eq!(ring.word("u", NOTHING, 0), "fetch");
        assert!(!ring.keep("u", None, 0));
        assert_eq!(ring.word("u", NOTHING, 4), "unavailable");
        assert_eq!(ring.word("u", NOTHING, 5), "fetch");
    }

    #[test]
    fn strangers_pages_have_a_quota_and_what_is_proved_has_none() {
        let mut ring = Clocked::new();
        assert_eq!(ring.word("proved", NOTHING, 0), "fetch");
        ring.keep("proved", keys(), 0);
        ring.state.pages.get_mut(&by("proved")).unwrap().is_proved = true;
        for n in 1..OF_NETWORK_MAX {
            assert_eq!(ring.word(&n.to_string(), NOTHING, 1), "fetch", "{n}");
        }
        assert_eq!(ring.word("one more", NOTHING, 59), "unavailable");
        assert!(matches!(ring.look_of("one more", NOTHING, 59, 2), Look::Begin), "from elsewhere");
        assert_eq!(ring.word("proved", NOTHING, 3600), "fetch");
        assert_eq!(ring.word("one more", NOTHING, 3600), "fetch", "another minute");
    }

    #[test]
    fn all_networks_together_have_a_quota() {
        let mut ring = Clocked::new();
        for n in 0..u64::from(OF_CONNECTION_MAX) {
            let look = ring.look_of(&n.to_string(), NOTHING, 0, n);
            assert!(matches!(look, Look::Begin), "{n}");
        }
        assert!(matches!(ring.look_of("more", NOTHING, 0, 1_000_000), Look::Unavailable));
    }

    #[test]
    fn while_a_look_is_under_way_nobody_begins_another_and_one_that_is_gone_counts_no_more() {
        let mut ring = Clocked::new();
        let (tells, told) = watch::channel(None);
        ring.state.begin(&by("u"), told);
        assert_eq!(ring.word("u", NOTHING, 0), "wait");
        drop(tells);
        assert_eq!(ring.word("u", NOTHING, 0), "fetch");
    }

    #[test]
    fn a_full_ring_lets_go_of_what_is_not_proved() {
        let mut ring = Clocked::new();
        ring.look("proved", NOTHING, 0);
        ring.keep("proved", keys(), 0);
        ring.state.pages.get_mut(&by("proved")).unwrap().is_proved = true;
        for n in 0..2 * PAGES_MAX as u64 {
            ring.look(&n.to_string(), NOTHING, n * 60);
            ring.keep(&n.to_string(), None, n * 60);
        }
        assert_eq!(ring.state.pages.len(), PAGES_MAX);
        assert!(ring.state.pages.contains_key(&by("proved")));
    }
}
