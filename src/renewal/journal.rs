//! What the store has of grants, asked from the thread that has tokens.
//!
//! A message that may use up a token goes out only after the store has kept that it will; its answer is kept
//! before anybody looks at it. So whoever dies leaves behind what there is to go on with.
use super::books::Books;
use super::had::Missed;
use crate::model::Credential;
use crate::model::Scope;
use crate::model::UnixTime;
use crate::seal::Sealed;
use crate::seal::Sealer;
use crate::store::GrantFailure;
use crate::store::GrantName;
use crate::store::GrantRow;
use crate::store::Lease;
use crate::store::Leased;
use crate::store::Lot;
use crate::store::Place;
use crate::store::Renewal;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Wanting;
use hashbrown::HashMap;
use hashbrown::HashSet;
use std::cell::Cell;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::Mutex;
use tokio::sync::OwnedMutexGuard;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Transactions at the same time: others write to the store, too.
const WRITES_AT_ONCE: usize = 2;

/// The same of those that put down what came: they wait for nobody's beginning.
const ANSWERS_AT_ONCE: usize = 3;

/// How long a question may take: whoever needs a token waits for it.
const QUESTION_TIME: Duration = Duration::from_secs(3);

/// How long the store is left alone once it was not reached.
const AWAY: Duration = Duration::from_secs(2);

/// Once the store is back, how long what others left behind is left to them: whoever lives puts down what it
/// could not put down meanwhile.
const BACK: Duration = Duration::from_secs(10);

/// The grants of a store. One for the thread.
pub(super) struct Journal {
    pub(super) books: Books,
    /// This life of this replica: no other one is ever called so.
    replica: Arc<str>,
    looks: Arc<Semaphore>,
    writes: Arc<Semaphore>,
    answers: Arc<Semaphore>,
    /// One attempt at a time for each grant, whoever makes it.
    turns: RefCell<HashMap<GrantName, Arc<Mutex<()>>>>,
    lost_at: Cell<Option<Instant>>,
    back_at: Cell<Option<Instant>>,
    is_extending: Cell<bool>,
    /// Whose lease is this replica's, and somebody is at it.
    held: RefCell<HashSet<GrantName>>,
    /// Nothing is begun any more.
    pub is_stopping: Cell<bool>,
    /// What was had and is not put down yet.
    pub unsaved: RefCell<JoinSet<()>>,
}

/// What was had, as it is put down.
#[derive(Clone)]
pub(super) struct Written {
    pub version: i64,
    pub fingerprint: String,
    pub of: String,
    pub expires_ms: Option<i64>,
    pub due_in_ms: Option<i64>,
    pub ends_ms: Option<i64>,
    pub kept: Credential,
}

/// Why nothing is known of it, or nothing can be put down.
#[derive(Debug)]
pub(super) enum Unkept {
    /// The store is not reached.
    Away(String),
    /// It passes by itself, and says nothing of others.
    Refused(String),
    /// What is there can't be read or opened.
    Damaged(String),
}

impl Unkept {
    pub(super) fn words(self) -> String {
        let (Self::Away(words) | Self::Refused(words) | Self::Damaged(words)) = self;
        words
    }
}

impl From<StoreError> for Unkept {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt { .. } => Self::Damaged(error.to_string()),
            StoreError::Unreachable { .. }
            | StoreError::Uncertain { .. }
            | StoreError::TimedOut => Self::Away(error.to_string()),
            error => Self::Refused(error.to_string()),
        }
    }
}

/// A place in the line of those who want the same grant's token.
pub(super) type Turn = OwnedMutexGuard<()>;

/// A lease that lasts for as long as this is there. It is not let go of by that alone.
pub(super) struct Holding {
    journal: Rc<Journal>,
    name: GrantName,
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.journal.held.borrow_mut().remove(&self.name);
    }
}

impl Journal {
    pub(super) fn new(books: Books, random: [u8; 16]) -> Self {
        let looks = Arc::new(Semaphore::new(books.store.look_ups_at_once()));
        Self {
            books,
            replica: hex::encode(random).into(),
            looks,
            writes: Arc::new(Semaphore::new(WRITES_AT_ONCE)),
            answers: Arc::new(Semaphore::new(ANSWERS_AT_ONCE)),
            held: RefCell::default(),
            is_stopping: Cell::new(false),
            turns: RefCell::default(),
            lost_at: Cell::new(None),
            back_at: Cell::new(None),
            is_extending: Cell::new(false),
            unsaved: RefCell::default(),
        }
    }

    /// Nothing is begun once this process is to stop.
    pub(super) fn goes_on(&self) -> Result<(), Missed> {
        match self.is_stopping.get() {
            true => Err(Missed::later("attache is stopping")),
            false => Ok(()),
        }
    }

    /// Waits until nobody else of this process has to do with this grant.
    pub(super) async fn turn(&self, name: &GrantName) -> Turn {
        let lock = {
            let mut turns = self.turns.borrow_mut();
            Arc::clone(turns.entry(name.clone()).or_default())
        };
        lock.lock_owned().await
    }

    /// Has the lease of this grant last.
    pub(super) fn hold(self: &Rc<Self>, name: &GrantName) -> Holding {
        self.held.borrow_mut().insert(name.clone());
        Holding { journal: Rc::clone(self), name: name.clone() }
    }

    /// Whether another replica is at it, as the row says.
    pub(super) fn is_anothers(&self, row: &GrantRow) -> bool {
        row.held_until_ms > row.now_ms && row.holder != *self.replica
    }

    /// Whether several replicas may share the store.
    pub(super) fn is_shared(&self) -> bool {
        self.books.store.is_shared()
    }

    /// Forgets those whose turn nobody has or wants.
    pub(super) fn tick(&self) {
        self.turns.borrow_mut().retain(|_, it| Arc::strong_count(it) > 1);
        while self.unsaved.borrow_mut().try_join_next().is_some() {}
    }

    /// Whether whoever lives and could not reach the store has had time to put down what it had.
    pub(super) fn is_settled(&self) -> bool {
        self.lost_at.get().is_none() && self.back_at.get().is_none_or(|it| it.elapsed() >= BACK)
    }

    /// A digest of a token by which nobody else knows it.
    pub(super) fn digest(&self, name: &GrantName, token: &str) -> String {
        let parts = [name.owner.as_bytes(), name.tenant.as_bytes(), token.as_bytes()];
        hex::encode(self.books.sealer.digest(&parts))
    }

    /// Takes the lease of some that it is time for, of other owners than these.
    pub(super) async fn claim(
        &self,
        lot: Lot,
        limit: usize,
        but: Vec<Arc<str>>,
    ) -> Result<Vec<GrantName>, Unkept> {
        let (store, holder) = (self.books.store.clone(), Arc::clone(&self.replica));
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let claim = async move {
            let but: Vec<&str> = but.iter().map(|it| &**it).collect();
            store.grants().claim(&Scope::System, &holder, lot, limit, &but).await
        };
        self.noted(self.written(claim).await)
    }

    /// Lets go of these, to be looked at in so many milliseconds.
    pub(super) async fn postpone(&self, all: Vec<(GrantName, i64)>) -> Result<(), Unkept> {
        let (store, holder) = (self.books.store.clone(), Arc::clone(&self.replica));
        self.written(async move { store.grants().postpone(&Scope::System, &holder, &all).await })
            .await
    }

    /// The right to send a message.
    pub(super) async fn lease(
        &self,
        name: &GrantName,
        fingerprint: String,
        is_declared: bool,
    ) -> Result<Leased, Unkept> {
        let (store, holder, name) = self.parts(name);
        self.written(async move {
            let (fingerprint, holder) = (&*fingerprint, &*holder);
            let wanting = Wanting { fingerprint, holder, is_declared };
            store.grants().lease(&Scope::System, name.key(), wanting).await
        })
        .await
    }

    /// Puts down that a message is about to go out, which uses up what `of` is a digest of. Since when the lease lasts;
    /// `None` where it is another's.
    pub(super) async fn intend(
        &self,
        name: &GrantName,
        fence: i64,
        after: String,
        (id, of): (String, String),
    ) -> Result<Option<Instant>, Unkept> {
        let (store, holder, name) = self.parts(name);
        self.written(async move {
            let (lease, began) = (Lease { holder: &holder, fence }, Instant::now());
            let grants = store.grants();
            let key = name.key();
            let intended = grants.intend(&Scope::System, key, lease, &after, (&id, &of)).await?;
            Ok(intended.then_some(began))
        })
        .await
    }

    /// Keeps an answer as it came.
    pub(super) async fn answered(
        &self,
        name: &GrantName,
        attempt: String,
        answer: Credential,
    ) -> Result<bool, Unkept> {
        let (store, _, name) = self.parts(name);
        let sealer = Arc::clone(&self.books.sealer);
        self.put_down(async move {
            let seal = sealing(&sealer, &answer);
            store.grants().answered(&Scope::System, name.key(), &attempt, &seal).await
        })
        .await
    }

    /// Puts what was had in the place of what it follows. `None` where that is not there any more.
    pub(super) async fn renewed(
        &self,
        name: &GrantName,
        fence: i64,
        had: Written,
    ) -> Result<Option<i64>, Unkept> {
        let (store, holder, name) = self.parts(name);
        let sealer = Arc::clone(&self.books.sealer);
        self.put_down(async move {
            let Written { version, fingerprint, of, expires_ms, due_in_ms, ends_ms, kept } = had;
            let (fingerprint, of) = (&*fingerprint, &*of);
            let renewal = Renewal { version, fingerprint, of, expires_ms, due_in_ms, ends_ms };
            let (lease, seal) = (Lease { holder: &holder, fence }, sealing(&sealer, &kept));
            store.grants().renewed(&Scope::System, name.key(), lease, renewal, &seal).await
        })
        .await
    }

    pub(super) async fn failed(
        &self,
        name: &GrantName,
        fence: i64,
        failure: GrantFailure,
    ) -> Result<bool, Unkept> {
        let (store, holder, name) = self.parts(name);
        self.written(async move {
            let lease = Lease { holder: &holder, fence };
            store.grants().failed(&Scope::System, name.key(), lease, &failure).await
        })
        .await
    }

    /// Takes back what was not sent after all.
    pub(super) async fn withdrawn(
        &self,
        name: &GrantName,
        fence: i64,
        attempt: String,
        again_in_ms: i64,
    ) -> Result<bool, Unkept> {
        let (store, holder, name) = self.parts(name);
        self.put_down(async move {
            let lease = Lease { holder: &holder, fence };
            let key = name.key();
            store.grants().withdrawn(&Scope::System, key, lease, &attempt, again_in_ms).await
        })
        .await
    }

    /// Lets go of one, to be looked at in so many milliseconds.
    pub(super) async fn put_off(&self, name: GrantName, in_ms: i64) {
        if let Err(unkept) = self.postpone(vec![(name, in_ms)]).await {
            tracing::debug!("a lease is not ended: {}", unkept.words());
        }
    }

    /// Lets go of one.
    pub(super) async fn let_go(&self, name: &GrantName) {
        let (store, holder, name) = self.parts(name);
        let gone = async move { store.grants().let_go(&Scope::System, name.key(), &holder).await };
        if let Err(unkept) = self.written(gone).await {
            tracing::debug!("a lease is not ended: {}", unkept.words());
        }
    }

    /// Has the leases last that somebody is at. Once at a time.
    pub(super) async fn extend(&self) {
        let held: Vec<GrantName> = self.held.borrow().iter().cloned().collect();
        if held.is_empty() || self.is_extending.replace(true) {
            return;
        }
        let (store, holder) = (self.books.store.clone(), Arc::clone(&self.replica));
        let extended = async move { store.grants().extend(&Scope::System, &holder, &held).await };
        if let Err(unkept) = self.put_down(extended).await {
            tracing::debug!("leases are not made to last: {}", unkept.words());
        }
        self.is_extending.set(false);
    }

    /// Lets go of everything: others need not wait.
    pub(super) async fn end(&self) {
        let (store, holder) = (self.books.store.clone(), Arc::clone(&self.replica));
        let released = async move { store.grants().release(&Scope::System, &holder).await };
        if let Ok(Err(error)) = tokio::time::timeout(QUESTION_TIME, self.put_down(released)).await {
            tracing::debug!("others wait until this replica's leases end: {}", error.words());
        }
    }

    fn parts(&self, name: &GrantName) -> (Store, Arc<str>, GrantName) {
        (self.books.store.clone(), Arc::clone(&self.replica), name.clone())
    }

    /// On the store's runtime: it goes on whatever becomes of whoever waits.
    pub(super) async fn asked<T: Send + 'static>(
        &self,
        question: impl Future<Output = Result<T, Unkept>> + Send + 'static,
    ) -> Result<T, Unkept> {
        let place = Arc::clone(&self.looks).acquire_owned().await;
        if self.lost_at.get().is_some_and(|it| it.elapsed() < AWAY) {
            return Err(Unkept::Away("the store was not reached a moment ago".to_owned()));
        }
        let asked = self.books.runtime.spawn(async move {
            let _place = place;
            tokio::time::timeout(QUESTION_TIME, question).await
        });
        self.noted(match asked.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Unkept::Away("the store did not answer in time".to_owned())),
            Err(_) => Err(Unkept::Refused("attache is stopping".to_owned())),
        })
    }

    async fn written<T: Send + 'static>(
        &self,
        write: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, Unkept> {
        let place = Arc::clone(&self.writes).acquire_owned().await;
        self.done(place, write).await
    }

    /// The same of what came, which waits for nobody's beginning.
    async fn put_down<T: Send + 'static>(
        &self,
        write: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, Unkept> {
        let place = Arc::clone(&self.answers).acquire_owned().await;
        self.done(place, write).await
    }

    async fn done<T: Send + 'static>(
        &self,
        place: impl Send + 'static,
        write: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, Unkept> {
        let written = self.books.runtime.spawn(async move {
            let _place = place;
            write.await
        });
        match written.await {
            Ok(written) => written.map_err(Unkept::from),
            Err(_) => Err(Unkept::Refused("attache is stopping".to_owned())),
        }
    }

    fn noted<T>(&self, outcome: Result<T, Unkept>) -> Result<T, Unkept> {
        match &outcome {
            Err(Unkept::Away(_)) => self.lost_at.set(Some(Instant::now())),
            Ok(_) | Err(Unkept::Damaged(_) | Unkept::Refused(_)) => {
                if self.lost_at.take().is_some() {
                    self.back_at.set(Some(Instant::now()));
                }
            }
        }
        outcome
    }
}

fn sealing<'a>(
    sealer: &'a Sealer,
    credential: &'a Credential,
) -> impl Fn(&Place<'_>) -> Result<Sealed, String> + Send + Sync + 'a {
    move |place| {
        let now = UnixTime::from_ms(u64::try_from(place.now_ms).unwrap_or_default());
        Ok(sealer.seal(&place.binding, credential, now))
    }
}
