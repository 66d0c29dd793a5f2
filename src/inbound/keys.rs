//! Senders' public keys that are fetched: kept, renewed, and asked for no more often than is good for anybody.
//!
//! Anybody on the internet can send what names a key that nobody has. So a key that is not in a set is looked for
//! again once a minute at most, and URLs that nothing good ever came from have a small quota of their own; what has
//! verified a delivery before is kept and renewed whatever strangers do.
use crate::catalog::Connection;
use crate::model::Key;
use crate::renewal::Errands;
use crate::webhook::KeysAt;
use crate::webhook::KeysForm;
use crate::webhook::PublicKeys;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::OnceCell;

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

/// Looks of one connection, a minute, at pages from which nothing has verified yet.
const UNPROVED_MAX: u32 = 20;

const MINUTE: Duration = Duration::from_secs(60);

/// Fetched keys. One for the process.
pub struct KeyRing {
    errands: Errands,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pages: HashMap<By, Page>,
    /// Looks at unproved pages, of each connection, since its minute began.
    looks: HashMap<Key, (Instant, u32)>,
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

type Flight = Arc<OnceCell<Option<Arc<PublicKeys>>>>;

/// What is to be done for a key.
enum Look {
    Kept(Arc<PublicKeys>),
    Fetch(Flight),
    Unavailable,
}

impl KeyRing {
    pub fn new(errands: Errands) -> Self {
        Self { errands, state: Mutex::default() }
    }

    /// The keys that are there, fetched now where they have to be. None where they can't be had: the
    /// sender is to come again.
    pub(super) async fn keys(
        &self,
        connection: &Connection,
        at: &KeysAt,
    ) -> Option<Arc<PublicKeys>> {
        let by = By::of(connection, at);
        let flight =
            match self.state().look(&by, at.kid.as_deref(), &connection.key, Instant::now()) {
                Look::Kept(keys) => return Some(keys),
                Look::Unavailable => return None,
                Look::Fetch(flight) => flight,
            };
        let fetch = async {
            let fetched = self.fetched(connection, at).await;
            self.state().keep(&by, fetched, Instant::now())
        };
        flight.get_or_init(|| fetch).await.clone()
    }

    /// A delivery has verified with what is there.
    pub(super) fn proved(&self, connection: &Connection, at: &KeysAt) {
        if let Some(page) = self.state().pages.get_mut(&By::of(connection, at)) {
            page.is_proved = true;
        }
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
    fn look(&mut self, by: &By, kid: Option<&str>, connection: &Key, now: Instant) -> Look {
        let page = self.pages.get(by);
        let age = |since: Instant| now.saturating_duration_since(since);
        if let Some(page) = page {
            let looked = page.looked.map(age);
            if let Some((keys, since)) = &page.keys {
                let has_it = kid.is_none_or(|it| keys.has(it));
                let is_fresh = age(*since) < LIFE && has_it;
                let is_left_alone = looked.is_some_and(|it| it < PAUSE) && age(*since) < STALE_LIFE;
                if is_fresh || is_left_alone {
                    return Look::Kept(Arc::clone(keys));
                }
            } else if looked.is_some_and(|it| it < MISSED_PAUSE) {
                return Look::Unavailable;
            }
            if let Some(flight) = &page.flight {
                return Look::Fetch(Arc::clone(flight));
            }
        }
        let is_proved = page.is_some_and(|it| it.is_proved);
        let kept = page.and_then(|it| it.keys.as_ref()).filter(|it| age(it.1) < STALE_LIFE);
        let kept = kept.map(|it| Arc::clone(&it.0));
        if !is_proved && !self.may_look(connection, now) {
            return kept.map_or(Look::Unavailable, Look::Kept);
        }
        self.make_room(by);
        let page = self.pages.entry(by.clone()).or_default();
        Look::Fetch(Arc::clone(page.flight.get_or_insert_default()))
    }

    /// Keeps what came of a look, and says what is to be used.
    fn keep(
        &mut self,
        by: &By,
        fetched: Option<Arc<PublicKeys>>,
        now: Instant,
    ) -> Option<Arc<PublicKeys>> {
        let page = self.pages.entry(by.clone()).or_default();
        page.flight = None;
        page.looked = Some(now);
        if let Some(keys) = fetched {
            page.keys = Some((keys, now));
        }
        let (keys, since) = page.keys.as_ref()?;
        (now.saturating_duration_since(*since) < STALE_LIFE).then(|| Arc::clone(keys))
    }

    fn may_look(&mut self, connection: &Key, now: Instant) -> bool {
        let is_over = |it: Instant| now.saturating_duration_since(it) >= MINUTE;
        self.looks.retain(|_, it| !is_over(it.0));
        let (_, looks) = self.looks.entry(connection.clone()).or_insert((now, 0));
        let may = *looks < UNPROVED_MAX;
        *looks += u32::from(may);
        may
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
