//! Every data key under the newest of the operator's keys: what `attache keys rotate` does, and a gateway that is asked to.
//!
//! May be stopped after any lot and begun anew. Several at the same time do no harm: a row is put under another key
//! only where it is as it was read.
use crate::model::Scope;
use crate::seal::Keyring;
use crate::store::Entry;
use crate::store::Rewrap;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::patiently;
use std::ops::ControlFlow;

/// How often it begins anew for what others have sealed under an old key meanwhile.
const PASSES_MAX: u32 = 10;

/// Most of what does not open that is named; the rest is counted.
pub const UNOPENED_MAX: usize = 100;

/// Something that does not open, and why.
#[derive(Debug)]
pub struct Unopened {
    /// `None` where not even its place could be read.
    pub entry: Option<Entry>,
    pub problem: String,
}

impl Unopened {
    pub fn unreadable(error: &StoreError) -> Self {
        Self { entry: None, problem: error.to_string() }
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Rotated {
    /// How many are under the newest key now that were not.
    pub moved: u64,
    /// The first [`UNOPENED_MAX`] of the last way through.
    pub unopened: Vec<Unopened>,
    pub unopened_total: u64,
    /// How many are still under each other key.
    pub left: Vec<(String, u64)>,
}

/// A rotation: on whose behalf, and how much of it at a time.
pub struct Rotation<'a> {
    pub store: &'a Store,
    pub keyring: &'a Keyring,
    pub scope: &'a Scope,
    /// Credentials at a time: writers wait for one such lot.
    pub batch: u32,
}

impl Rotation<'_> {
    /// How many there are to be put under the newest key.
    pub async fn total(&self) -> Result<u64, StoreError> {
        let old = self.old().await?;
        Ok(old.iter().filter(|it| self.keyring.has(&it.0)).map(|it| it.1).sum())
    }

    /// `told` has after each lot how many of it were put, and says whether to go on.
    pub async fn run(
        &self,
        mut told: impl FnMut(u64) -> ControlFlow<()> + Send,
    ) -> Result<Rotated, StoreError> {
        let mut rotated = Rotated::default();
        for _ in 0..PASSES_MAX {
            (rotated.unopened, rotated.unopened_total) = (Vec::new(), 0);
            let before = rotated.moved;
            let mut flow = ControlFlow::Continue(());
            for (key_id, _) in self.old().await? {
                if self.keyring.has(&key_id) && flow.is_continue() {
                    flow = self.pass(&key_id, &mut rotated, &mut told).await?;
                }
            }
            if rotated.moved == before || flow.is_break() {
                break;
            }
        }
        if rotated.moved > 0 {
            let newest = self.keyring.newest().as_str();
            let credentials = self.store.credentials();
            patiently(|| credentials.tell_rotated(self.scope, newest, rotated.moved)).await?;
        }
        rotated.left = self.old().await?;
        Ok(rotated)
    }

    /// One way through all that is under one key.
    async fn pass(
        &self,
        key_id: &str,
        rotated: &mut Rotated,
        told: &mut (impl FnMut(u64) -> ControlFlow<()> + Send),
    ) -> Result<ControlFlow<()>, StoreError> {
        let Self { store, keyring, scope, batch } = self;
        let credentials = store.credentials();
        let mut cursor = None;
        loop {
            let read = || credentials.batch(&Scope::System, Some(key_id), cursor.as_ref(), *batch);
            let (rows, next) = patiently(read).await?;
            let mut rewraps = Vec::with_capacity(rows.len());
            for row in rows {
                match row {
                    Err(error) => rotated.add(Unopened::unreadable(&error)),
                    Ok(entry) => match keyring.rewrap(&entry.binding(), &entry.credential.sealed) {
                        Ok(wrap) => rewraps.extend(wrap.map(|wrap| Rewrap { entry, wrap })),
                        Err(error) => {
                            let problem = error.to_string();
                            rotated.add(Unopened { entry: Some(entry), problem });
                        }
                    },
                }
            }
            // What somebody has set meanwhile is not touched: it is under their newest key.
            let put = patiently(|| credentials.rewrap(scope, &rewraps)).await?;
            rotated.moved += put;
            cursor = next;
            if told(put).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if cursor.is_none() {
                return Ok(ControlFlow::Continue(()));
            }
        }
    }

    /// How many there are under each key that is not the newest.
    async fn old(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let credentials = self.store.credentials();
        let counted = patiently(|| credentials.count(&Scope::System)).await?;
        let newest = self.keyring.newest().as_str();
        let old = counted.into_iter().filter(|it| it.0 != newest);
        Ok(old.map(|(key_id, count)| (key_id, count.unsigned_abs())).collect())
    }
}

impl Rotated {
    fn add(&mut self, unopened: Unopened) {
        self.unopened_total += 1;
        if self.unopened.len() < UNOPENED_MAX {
            self.unopened.push(unopened);
        }
    }
}
