//! A write: one transaction, in a queue of one, that tells what it changed.
use super::Change;
use super::Condition;
use super::Event;
use super::Expect;
use super::Kind;
use super::Position;
use super::Store;
use super::Written;
use super::audit::Act;
use super::audit::Entry;
use super::audit::Head;
use super::audit::Object;
use super::audit::Resealed;
use super::audit::shown;
use super::audit::unreadable;
use super::changes::new_tag;
use super::engine::Row;
use super::engine::Tx;
use super::engine::Unreadable;
use super::engine::Value;
use super::error::StoreError;
use super::expect::Gone;
use super::expect::Standing;
use super::idempotency::SPENT;
use super::migrate::now_expression;
use super::postgres::CHANNEL;
use super::record::Record;
use super::record::Stored;
use super::record::Table;
use super::record::checksum;
use super::record::read;
use super::search;
use super::several;
use super::together::Done;
use super::together::Gathered;
use crate::model::Claimed;
use crate::model::EventType;
use crate::model::Scope;
use crate::telemetry::metrics::ConnectOutcome;
use std::sync::Arc;

/// A write under way. Dropped without [`Write::commit`], it never was.
///
/// It holds the deployment's row from its beginning: whoever writes next waits. So no two writes can
/// wait for each other, and revisions are committed in their order.
pub(super) struct Write<'s> {
    pub(super) store: &'s Store,
    pub(super) tx: Tx,
    who: String,
    pub(super) now_ms: i64,
    /// The last revision that is taken.
    revision: i64,
    /// The last that was committed before.
    pub(super) before: i64,
    changes: Vec<Change>,
    claim: Option<Arc<Claimed>>,
    /// The end of the audit trail, as it was found.
    pub(super) head: Head,
    /// The trail is begun though nothing is changed.
    pub(super) begins_trail: bool,
    /// What goes behind it with the commit: an entry for each change.
    pub(super) entries: Vec<Entry>,
    /// The last event before this write, and of it.
    first_event: i64,
    pub(super) last_event: i64,
    /// What is counted with the commit.
    pub(super) tally: Tally,
    /// What was done to credentials since the last of them: it goes into the next one.
    pub(super) sealed: Vec<Resealed>,
    /// What is sealed under an owner may go elsewhere than before.
    pub(super) has_bound: bool,
    /// So much is changed that its changes, entries and events are written some dozens at a time, with the commit.
    pub(super) is_bulk: bool,
    /// Events that are to be written so.
    pub(super) gathered_events: Vec<Event>,
}

/// How far the deployment has come: its last revision and event, and the end of the audit trail.
///
/// Of writes that are kept together it is written with the last of them. A row that one transaction changes thousands
/// of times is found ever more slowly: PostgreSQL goes past all its versions.
#[derive(Clone, Debug)]
pub(super) struct Place {
    revision: i64,
    last_event: i64,
    head: Head,
}

impl Place {
    pub(super) async fn keep(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let [seq, mac, seal] = self.head.values();
        let sql = "UPDATE deployment SET revision = $1, audit_seq = $2, audit_mac = $3, \
                   audit_head = $4, events_seq = $5 WHERE id = 1";
        let (revision, event) = (Value::Integer(self.revision), Value::Integer(self.last_event));
        tx.run(sql, &[revision, seq, mac, seal, event]).await.map(drop)
    }
}

/// What a write adds to what only grows.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) entries: u64,
    /// The end of the trail was not as attache left it.
    pub(super) is_broken: bool,
    pub(super) events: Vec<EventType>,
    /// What came of connections of connect sessions.
    pub(super) connects: Vec<ConnectOutcome>,
}

impl Tally {
    pub(super) fn extend(&mut self, other: Self) {
        self.entries += other.entries;
        self.is_broken |= other.is_broken;
        self.events.extend(other.events);
        self.connects.extend(other.connects);
    }
}

/// What is changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    pub(super) kind: Kind,
    pub(super) key: &'a str,
    /// Empty where it is nobody's in particular.
    pub(super) tenant: &'a str,
}

impl Store {
    pub(super) async fn write(&self, scope: &Scope) -> Result<Write<'_>, StoreError> {
        let mut tx = self.engine.begin_write().await?;
        let locked = if tx.is_postgres() { " FOR UPDATE" } else { "" };
        let now = now_expression(&tx);
        let sql = format!(
            "SELECT revision, {now}, events_seq, audit_seq, audit_mac, audit_head FROM deployment \
             WHERE id = 1{locked}"
        );
        let rows = tx.rows(&sql, &[]).await?;
        let integers =
            |it: &Row| Some((it.integer(0).ok()?, it.integer(1).ok()?, it.integer(2).ok()?));
        let (revision, now_ms, last_event) = rows
            .first()
            .and_then(integers)
            .ok_or(StoreError::Corrupt { table: "deployment", key: None })?;
        let (who, claim) = (scope.to_string(), scope.claimed().cloned());
        let head = rows.first().map(|it| Head::read(it, 3)).unwrap_or_default();
        let committed = Place { revision, last_event, head };
        let within = self.gathered.as_ref().and_then(Gathered::place);
        let Place { revision, last_event, head } = within.unwrap_or(committed);
        Ok(Write {
            store: self,
            tx,
            who,
            now_ms,
            revision,
            before: revision,
            changes: Vec::new(),
            claim,
            head,
            begins_trail: false,
            entries: Vec::new(),
            first_event: last_event,
            last_event,
            tally: Tally::default(),
            sealed: Vec::new(),
            has_bound: false,
            is_bulk: false,
            gathered_events: Vec::new(),
        })
    }

    pub(super) fn count(&self, tally: &Tally) {
        let Some(metrics) = self.metrics.get() else { return };
        metrics.audited(tally.entries);
        if tally.is_broken {
            metrics.audit_broken();
        }
        tally.events.iter().for_each(|it| metrics.event(*it));
        tally.connects.iter().for_each(|it| metrics.connect_outcome(*it));
    }
}

impl Write<'_> {
    /// Says that something is changed, under the next revision, which it returns. The audit trail and the
    /// events have it from here: what was there before and what is there now.
    pub(super) async fn change(
        &mut self,
        told: Told<'_>,
        act: Act,
        was: Option<Object>,
        became: Option<Object>,
    ) -> Result<i64, StoreError> {
        let revision = self.change_quietly(told).await?;
        let Told { kind, key, tenant } = told;
        let mut entry = Entry {
            act,
            of: Some(kind),
            key: key.to_owned(),
            tenant: tenant.to_owned(),
            revision,
            was,
            became,
        };
        self.sealed.drain(..).for_each(|it| it.into_entry(&mut entry));
        self.entries.push(entry);
        Ok(revision)
    }

    /// The same of what is nobody's act: other replicas are told, and the audit trail is not.
    pub(super) async fn change_quietly(&mut self, told: Told<'_>) -> Result<i64, StoreError> {
        let Told { kind, key, tenant } = told;
        self.revision += 1;
        let change = Change {
            position: Position { revision: self.revision, tag: new_tag() },
            kind,
            key: key.to_owned(),
            tenant: Some(tenant.to_owned()).filter(|it| !it.is_empty()),
            who: self.who.clone(),
            at_ms: self.now_ms,
        };
        if !self.is_bulk {
            insert_changes(&mut self.tx, std::slice::from_ref(&change)).await?;
        }
        self.changes.push(change);
        Ok(self.revision)
    }

    /// Has it be done by somebody else than whose scope it is: by what a file says.
    pub(super) fn by(&mut self, who: &str) {
        who.clone_into(&mut self.who);
    }

    /// On whose behalf.
    pub(super) fn who(&self) -> &str {
        &self.who
    }

    /// The revision that the next change gets.
    pub(super) fn next_revision(&self) -> i64 {
        self.revision + 1
    }

    /// Makes it all so. Returns the revision of its last change.
    pub(super) async fn commit(mut self) -> Result<i64, StoreError> {
        let gathered = self.store.gathered.as_ref();
        if gathered.is_some() && !self.store.rehearses && self.changes_nothing() {
            return Ok(self.before);
        }
        let done = gathered.map(|_| self.entries.iter().map(Done::from).collect::<Vec<_>>());
        let is_entered = self.enter_all().await?;
        if self.store.rehearses {
            // Dropped, it never was.
            return Ok(self.revision);
        }
        if self.is_bulk {
            insert_changes(&mut self.tx, &self.changes).await?;
        }
        let is_changed = self.revision != self.before;
        if !is_entered && !is_changed && self.last_event == self.first_event {
            self.tx.commit().await?;
            return Ok(self.revision);
        }
        if !gathered.is_some_and(|it| it.has_spent(self.claim.as_ref())) {
            self.spend_claim().await?;
        }
        let (revision, last_event) = (self.revision, self.last_event);
        let place = Place { revision, last_event, head: self.head.clone() };
        if gathered.is_none() {
            place.keep(&mut self.tx).await?;
        }
        let head = self.head.place();
        if self.revision == self.before {
            self.tx.commit().await?;
            match gathered {
                Some(gathered) => {
                    gathered.stands_at(place, self.claim);
                    gathered.add(&[], done.unwrap_or_default(), self.tally);
                }
                None => self.store.count(&self.tally),
            }
            if is_entered {
                self.store.keep_in_mind(head);
            }
            return Ok(self.revision);
        }
        // Of writes that are kept together it is told once.
        if self.tx.is_postgres() && gathered.is_none() {
            let revision = self.revision.to_string();
            let told = [Value::Text(CHANNEL), Value::Text(&revision)];
            self.tx.rows("SELECT CAST(pg_notify($1, $2) AS TEXT)", &told).await?;
        }
        let Self { store, tx, revision, changes, tally, claim, .. } = self;
        tx.commit().await?;
        store.count(&tally);
        if let Some((gathered, done)) = gathered.zip(done) {
            gathered.stands_at(place, claim);
            gathered.add(&changes, done, tally);
        }
        store.unserved.add(changes);
        // Whatever came before: a database that was restored counts anew.
        store.written.send_replace(head);
        Ok(revision)
    }

    /// Whether all of it is there already.
    fn changes_nothing(&self) -> bool {
        let is_same = |it: &Entry| it.act == Act::Updated && it.was == it.became;
        let is_told = self.last_event != self.first_event;
        self.entries.iter().all(is_same) && !self.has_bound && !is_told
    }

    /// With what is written under it a claim is spent: whatever becomes of the answer, nobody does the same
    /// again under its key.
    async fn spend_claim(&mut self) -> Result<(), StoreError> {
        let Some(claim) = &self.claim else { return Ok(()) };
        let sql = "UPDATE idempotency SET status = $1 WHERE token = $2 AND key = $3 \
                   AND claimed_at = $4 AND (status IS NULL OR status = $1)";
        let values = [
            Value::Integer(SPENT),
            Value::Text(&claim.token),
            Value::Text(&claim.key),
            Value::Integer(claim.claimed_at_ms),
        ];
        // None: it took so long that it counts as abandoned, and may be somebody else's.
        match self.tx.run(sql, &values).await? {
            0 => Err(StoreError::TimedOut),
            _ => Ok(()),
        }
    }

    /// The row as it is. No row of a definition is read while another writes.
    pub(super) async fn standing(
        &mut self,
        table: &Table,
        keys: &[&str],
    ) -> Result<Option<Standing>, StoreError> {
        let sql = format!(
            "SELECT version, created_at, updated_at, updated_by FROM {} WHERE {}",
            table.name,
            table.is_key()
        );
        let rows = self.tx.rows(&sql, &texts(keys)).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let read = |row: &Row| {
            Ok(Standing {
                version: row.integer(0)?,
                created_at_ms: row.integer(1)?,
                updated_at_ms: row.integer(2)?,
                updated_by: row.text(3)?,
            })
        };
        let corrupt = || StoreError::Corrupt { table: table.name, key: Some(keys.join(" of ")) };
        read(row).map(Some).map_err(|_: Unreadable| corrupt())
    }

    /// The whole row, where there is one.
    pub(super) async fn current<R: Record>(
        &mut self,
        keys: &[&str],
    ) -> Result<Option<Stored<R>>, StoreError> {
        let sql = format!("{} WHERE {}", R::TABLE.select(), R::TABLE.is_key());
        let rows = self.tx.rows(&sql, &texts(keys)).await?;
        rows.first().map(read).transpose()
    }

    /// The row as the trail has it. One that does not read can be replaced and deleted all the same: then the
    /// trail says so.
    pub(super) async fn was<R: Record>(
        &mut self,
        keys: &[&str],
    ) -> Result<Option<Object>, StoreError> {
        match self.current::<R>(keys).await {
            Ok(row) => Ok(row.map(|it| shown(&it.value))),
            Err(StoreError::Corrupt { .. }) => Ok(Some(unreadable())),
            Err(error) => Err(error),
        }
    }

    /// The row as it is, where that is as it was expected to be.
    pub(super) async fn expected(
        &mut self,
        table: &Table,
        keys: &[&str],
        expect: Expect,
    ) -> Result<Option<Standing>, StoreError> {
        let standing = self.standing(table, keys).await?;
        let Err(unmet) = expect.check(standing.as_ref()) else { return Ok(standing) };
        let gone = match standing {
            None => self.gone(table.kind, keys).await?,
            Some(_) => None,
        };
        Err(unmet.into_error(table.kind, keys[0], standing, gone))
    }

    async fn gone(&mut self, kind: Kind, keys: &[&str]) -> Result<Option<Gone>, StoreError> {
        // An activation is told under its connection's key, which whoever asks may not know here.
        let [key] = keys else { return Ok(None) };
        let sql = "SELECT who, at FROM changes WHERE kind = $1 AND key = $2 \
                   ORDER BY revision DESC LIMIT 1";
        let rows = self.tx.rows(sql, &[Value::Text(kind.as_str()), Value::Text(key)]).await?;
        Ok(rows
            .first()
            .and_then(|it| Some(Gone { who: it.text(0).ok()?, at_ms: it.integer(1).ok()? })))
    }

    /// Writes a row whole, where it is as it was expected to be. `told`: the key and the tenant of
    /// the change.
    pub(super) async fn put<R: Record>(
        &mut self,
        keys: &[&str],
        record: &R,
        condition: &Condition,
        told: (&str, &str),
    ) -> Result<Written, StoreError> {
        let table = &R::TABLE;
        let standing = self.expected(table, keys, condition.expect).await?;
        self.check_needs(condition).await?;
        self.put_over(keys, record, standing.as_ref(), told).await
    }

    /// The same, for what has been checked.
    pub(super) async fn put_over<R: Record>(
        &mut self,
        keys: &[&str],
        record: &R,
        standing: Option<&Standing>,
        told: (&str, &str),
    ) -> Result<Written, StoreError> {
        let act = if standing.is_some() { Act::Updated } else { Act::Created };
        self.put_as(act, keys, record, standing, told).await
    }

    /// The same, told as this act.
    pub(super) async fn put_as<R: Record>(
        &mut self,
        act: Act,
        keys: &[&str],
        record: &R,
        standing: Option<&Standing>,
        told: (&str, &str),
    ) -> Result<Written, StoreError> {
        let table = &R::TABLE;
        let was = match standing {
            Some(_) => self.was::<R>(keys).await?,
            None => None,
        };
        let told = Told { kind: table.kind, key: told.0, tenant: told.1 };
        let revision = self.change(told, act, was, Some(shown(record))).await?;
        let own = record.values();
        let checksum = checksum(table.name, keys, &own);
        let mut values = texts(keys);
        values.extend([
            Value::Integer(revision),
            Value::Integer(standing.map_or(self.now_ms, |it| it.created_at_ms)),
            Value::Integer(self.now_ms),
            Value::Text(&self.who),
            Value::Text(&checksum),
        ]);
        values.extend(own);
        let sql = if standing.is_some() { table.update() } else { table.insert() };
        self.tx.run(&sql, &values).await?;
        search::put_words(&mut self.tx, keys, record).await?;
        let created_at_ms = standing.map_or(self.now_ms, |it| it.created_at_ms);
        let updated_at_ms = self.now_ms;
        Ok(Written { revision, created: standing.is_none(), created_at_ms, updated_at_ms })
    }

    /// Deletes a row that is there and as it was expected to be.
    pub(super) async fn remove<R: Record>(
        &mut self,
        keys: &[&str],
        expect: Expect,
        told: (&str, &str),
    ) -> Result<(), StoreError> {
        let table = &R::TABLE;
        self.there(table, keys, expect).await?;
        let was = self.was::<R>(keys).await?;
        let told = Told { kind: table.kind, key: told.0, tenant: told.1 };
        self.change(told, Act::Deleted, was, None).await?;
        let sql = format!("DELETE FROM {} WHERE {}", table.name, table.is_key());
        self.tx.run(&sql, &texts(keys)).await.map(drop)
    }

    /// Refuses what is not there, or not as it was expected to be.
    pub(super) async fn there(
        &mut self,
        table: &Table,
        keys: &[&str],
        expect: Expect,
    ) -> Result<Standing, StoreError> {
        self.expected(table, keys, expect).await?.ok_or(StoreError::NotFound)
    }

    /// Refuses a write that refers to what is not there (any more), or was checked beside what has changed.
    pub(super) async fn check_needs(&mut self, condition: &Condition) -> Result<(), StoreError> {
        for (kind, key) in &condition.needs {
            if self.version(*kind, key).await?.is_none() {
                return Err(StoreError::Missing { kind: *kind, key: key.clone() });
            }
        }
        for (kind, key, version) in &condition.beside {
            if self.version(*kind, key).await? != Some(*version) {
                return Err(StoreError::Outrun { kind: *kind, key: key.clone() });
            }
        }
        Ok(())
    }

    async fn version(&mut self, kind: Kind, key: &str) -> Result<Option<i64>, StoreError> {
        let table = match kind {
            Kind::Connector | Kind::AuthMethod => "connectors",
            Kind::Integration => "integrations",
            Kind::Environment => "environments",
            Kind::Connection | Kind::Activation => "connections",
            Kind::Tenant => "tenants",
            Kind::Caller => "callers",
            Kind::Token => "tokens",
            Kind::EventSubscription => "event_subscriptions",
            // It has no key of its own.
            Kind::Grant => "connections",
            Kind::ConnectSession => "connect_sessions",
            Kind::ConsoleSession => "console_sessions",
        };
        let sql = format!("SELECT version FROM {table} WHERE key = $1");
        let rows = self.tx.rows(&sql, &[Value::Text(key)]).await?;
        let corrupt = |_: Unreadable| StoreError::Corrupt { table, key: Some(key.to_owned()) };
        rows.first().map(|it| it.integer(0)).transpose().map_err(corrupt)
    }
}

async fn insert_changes(tx: &mut Tx, changes: &[Change]) -> Result<(), StoreError> {
    let head = "INSERT INTO changes (revision, kind, key, tenant, who, at, tag)";
    let rows: Vec<_> = changes.iter().map(row_of).collect();
    several::insert(tx, head, &rows, "").await.map(drop)
}

/// As it stands in its table.
fn row_of(it: &Change) -> Vec<Value<'_>> {
    let tenant = it.tenant.as_deref().unwrap_or_default();
    vec![
        Value::Integer(it.position.revision),
        Value::Text(it.kind.as_str()),
        Value::Text(&it.key),
        Value::Text(tenant),
        Value::Text(&it.who),
        Value::Integer(it.at_ms),
        Value::Integer(it.position.tag),
    ]
}

pub(super) fn texts<'a>(keys: &[&'a str]) -> Vec<Value<'a>> {
    keys.iter().map(|it| Value::Text(it)).collect()
}
