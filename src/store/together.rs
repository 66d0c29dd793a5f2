//! Several writes that are one: each is checked and done as ever and seen by those after it, and all of them are
//! kept with one commit, or none.
//!
//! Each has its change, its entry in the audit trail and its events as if it stood alone. One that changes nothing
//! has none of these: it never was.
use super::Change;
use super::Store;
use super::StoreError;
use super::Unserved;
use super::audit::Act;
use super::audit::Entry;
use super::engine::Engine;
use super::engine::Value;
use super::postgres::CHANNEL;
use super::within::Within;
use super::write::Place;
use super::write::Tally;
use crate::model::Claimed;
use serde_json::Map;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use tokio::sync::watch;

/// Writes that are kept together. Dropped without [`Together::commit`], none ever was.
///
/// It holds the deployment's row from its beginning: whoever else writes waits, so it is not to last.
#[derive(Debug)]
pub struct Together {
    pub(super) outer: Store,
    pub(super) inner: Store,
    within: Within,
    began_at: i64,
}

/// What was done, as the audit trail tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    pub act: Act,
    pub kind: &'static str,
    pub key: String,
    /// Empty where it is nobody's in particular.
    pub tenant: String,
    /// What was there, without secrets.
    pub was: Option<Map<String, serde_json::Value>>,
    /// What is there now.
    pub became: Option<Map<String, serde_json::Value>>,
}

/// What the writes so far have done.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered(Arc<Mutex<AllDone>>);

#[derive(Debug, Default)]
struct AllDone {
    changes: Vec<Change>,
    tally: Tally,
    /// How far the deployment has come by them, which is written with the commit; none where nothing is changed.
    place: Option<Place>,
    /// The claim that something was written under, which is spent.
    spent: Option<Arc<Claimed>>,
    /// Since it was asked last.
    done: Vec<Done>,
}

impl Store {
    /// Begins several writes that are one.
    pub async fn together(&self) -> Result<Together, StoreError> {
        let mut tx = self.engine.begin_write().await?;
        let locked = if tx.is_postgres() { " FOR UPDATE" } else { "" };
        let sql = format!("SELECT revision FROM deployment WHERE id = 1{locked}");
        let rows = tx.rows(&sql, &[]).await?;
        let corrupt = || StoreError::Corrupt { table: "deployment", key: None };
        let began_at = rows.first().and_then(|it| it.integer(0).ok()).ok_or_else(corrupt)?;
        let within = Within::new(tx);
        let inner = Self {
            engine: Engine::Within(within.clone()),
            // What is not kept in the end is nothing that whoever else writes has to find.
            written: watch::Sender::new(*self.written.borrow()),
            unserved: Unserved::default(),
            // It counts once it is kept.
            metrics: Arc::default(),
            gathered: Some(Gathered::default()),
            ..self.clone()
        };
        Ok(Together { outer: self.clone(), inner, within, began_at })
    }
}

impl Together {
    /// What to read and to write through: nobody else sees yet what is written.
    pub fn store(&self) -> &Store {
        &self.inner
    }

    /// The revision that was committed before.
    pub fn began_at(&self) -> i64 {
        self.began_at
    }

    /// What was done since this was asked last.
    pub fn done(&self) -> Vec<Done> {
        self.gathered().map(|mut it| std::mem::take(&mut it.done)).unwrap_or_default()
    }

    /// Keeps all of it: from here on it is so, or it never was. The revision of the last change.
    pub async fn commit(self) -> Result<i64, StoreError> {
        let gathered = self.gathered().map(|mut it| std::mem::take(&mut *it));
        let AllDone { changes, tally, place, .. } = gathered.unwrap_or_default();
        let mut tx = self.within.take().await?;
        // What is no change, as what is told of a connect session, is kept all the same.
        if let Some(place) = place {
            place.keep(&mut tx).await?;
        }
        let last = changes.last().map(|it| it.position.revision);
        let revision = last.unwrap_or(self.began_at);
        if last.is_some() && tx.is_postgres() {
            let text = revision.to_string();
            let told = [Value::Text(CHANNEL), Value::Text(&text)];
            tx.rows("SELECT CAST(pg_notify($1, $2) AS TEXT)", &told).await?;
        }
        tx.commit().await?;
        self.outer.count(&tally);
        self.outer.unserved.add(changes);
        let head = *self.inner.written.borrow();
        self.outer.written.send_replace(head);
        Ok(revision)
    }

    fn gathered(&self) -> Option<MutexGuard<'_, AllDone>> {
        self.inner.gathered.as_ref().map(Gathered::all)
    }
}

impl Drop for Together {
    fn drop(&mut self) {
        // Whoever still has the store that it was written through holds up nobody.
        self.within.drop_it();
    }
}

impl Gathered {
    pub(super) fn add(&self, changes: &[Change], done: Vec<Done>, tally: Tally) {
        let mut all = self.all();
        all.changes.extend_from_slice(changes);
        all.done.extend(done);
        all.tally.extend(tally);
    }

    /// How far the deployment has come by what was written in it; none where that is as it was committed.
    pub(super) fn place(&self) -> Option<Place> {
        self.all().place.clone()
    }

    /// Whether something was written under this claim already.
    pub(super) fn has_spent(&self, claim: Option<&Arc<Claimed>>) -> bool {
        claim.is_some() && self.all().spent.as_ref() == claim
    }

    /// Something was written, and is not taken back but with all else.
    pub(super) fn stands_at(&self, place: Place, claim: Option<Arc<Claimed>>) {
        let mut all = self.all();
        all.place = Some(place);
        all.spent = claim.or(all.spent.take());
    }

    fn all(&self) -> MutexGuard<'_, AllDone> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<&Entry> for Done {
    fn from(it: &Entry) -> Self {
        let kind = it.kind();
        let Entry { act, key, tenant, was, became, .. } = it.clone();
        Self { act, kind, key, tenant, was, became }
    }
}
