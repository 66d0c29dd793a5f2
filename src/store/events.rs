//! `events`: what happened, for whoever follows it. Those of changes are made of the audit trail's entries, in the
//! same transaction; those of what attache meets while it serves are written one by one.
use super::BATCH_MAX;
use super::Kind;
use super::PAGE_MAX;
use super::Store;
use super::StoreError;
use super::audit::Act;
use super::audit::Entry;
use super::audit::in_the_way;
use super::engine::Row;
use super::engine::Tx;
use super::engine::Unreadable;
use super::engine::Value;
use super::migrate::new_id;
use super::migrate::now_ms;
use super::salvage::sorted_out;
use super::several;
use super::write::Write;
use crate::model::EventType;
use crate::model::Scope;
use serde_json::json;

/// The events.
#[derive(Clone, Copy, Debug)]
pub struct Events<'s>(pub(super) &'s Store);

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Counted from 1, without gaps but for those that are forgotten: what a follower keeps.
    pub seq: i64,
    /// `evt_` and a UUID: the same however often it is delivered.
    pub id: String,
    /// Unix milliseconds, by the database's clock.
    pub at_ms: i64,
    /// A name of [`EventType`], or of a later attache's.
    pub name: String,
    /// The key of the connection that it is about; empty where it is about none, as are the next two.
    pub connection: String,
    pub tenant: String,
    pub environment: String,
    /// A JSON object.
    pub data: String,
}

/// What is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    pub event: EventType,
    pub connection: String,
    pub tenant: String,
    pub environment: String,
    pub data: serde_json::Value,
}

/// Why attache did something by itself: a member of what became of it, and of the event that tells.
pub(super) const BECAUSE: &str = "because";

/// Most credentials that are known to be refused: four times as many as one attache counts refusals of.
pub const REFUSED_MAX: usize = 65_536;

pub(super) const COLUMNS: &str = "seq, id, at, type, connection, tenant, environment, data";

impl Events<'_> {
    /// At most `limit` events after `after`, the oldest first, of these types or of all. None is missed: a later
    /// one is never committed before an earlier one. Those that do not read are named beside them.
    pub async fn after(
        self,
        scope: &Scope,
        after: i64,
        types: &[EventType],
        limit: u32,
    ) -> Result<(Vec<Event>, Vec<StoreError>), StoreError> {
        if !scope.sees_everything() {
            return Ok((Vec::new(), Vec::new()));
        }
        let limit = Value::Integer(i64::from(limit.clamp(1, PAGE_MAX)));
        let mut values = vec![Value::Integer(after), limit];
        values.extend(types.iter().map(|it| Value::Text(it.as_str())));
        let places: Vec<_> = (3..=values.len()).map(|it| format!("${it}")).collect();
        let of = match places.is_empty() {
            true => String::new(),
            false => format!(" AND type IN ({})", places.join(", ")),
        };
        let sql = format!("SELECT {COLUMNS} FROM events WHERE seq > $1{of} ORDER BY seq LIMIT $2");
        let rows = self.0.engine.rows(&sql, &values).await?;
        Ok(sorted_out(&rows, |row| {
            let key = || row.integer(0).ok().map(|it| it.to_string());
            read(row, 0).map_err(|Unreadable| StoreError::Corrupt { table: "events", key: key() })
        }))
    }

    /// The first that is kept, or the next where none is, and the last there was, 0 where there never was one:
    /// whoever has not come as far as the one before the first has missed some.
    pub async fn bounds(self, scope: &Scope) -> Result<(i64, i64), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let sql = "SELECT COALESCE((SELECT MIN(seq) FROM events), events_seq + 1), events_seq \
                   FROM deployment WHERE id = 1";
        let rows = self.0.engine.rows(sql, &[]).await?;
        let read = rows.first().and_then(|it| Some((it.integer(0).ok()?, it.integer(1).ok()?)));
        read.ok_or(StoreError::Corrupt { table: "deployment", key: None })
    }

    /// Tells what attache met. It changes nothing, and stands in no audit trail.
    pub async fn tell(self, scope: &Scope, news: &[News]) -> Result<(), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        for it in news {
            write.tell(it).await?;
        }
        write.commit().await.map(drop)
    }

    /// Tells that upstreams refuse the credential of a connection, or of one of its tenants (empty: its own), or
    /// that they take it again. False where another replica, or this one, has told so before.
    pub async fn refused(
        self,
        scope: &Scope,
        (connection, tenant): (&str, &str),
        is_failing: bool,
    ) -> Result<bool, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let credential = [Value::Text(connection), Value::Text(tenant)];
        // Mostly another replica was sooner, and others need not wait for a write that writes nothing.
        let sql = "SELECT 1 FROM refused WHERE connection = $1 AND tenant = $2";
        let is_known = !self.0.engine.rows(sql, &credential).await?.is_empty();
        if is_known == is_failing {
            return Ok(false);
        }
        let mut write = self.0.write(scope).await?;
        let (event, done) = if is_failing {
            let sql = "INSERT INTO refused (connection, tenant, since) VALUES ($1, $2, $3) \
                       ON CONFLICT (connection, tenant) DO NOTHING";
            let [connection, tenant] = credential;
            let values = [connection, tenant, Value::Integer(write.now_ms)];
            (EventType::ConnectionFailing, write.tx.run(sql, &values).await?)
        } else {
            let sql = "DELETE FROM refused WHERE connection = $1 AND tenant = $2";
            (EventType::ConnectionRecovered, write.tx.run(sql, &credential).await?)
        };
        if done > 0 {
            let (connection, tenant) = (connection.to_owned(), tenant.to_owned());
            let (environment, data) = (String::new(), json!({}));
            write.tell(&News { event, connection, tenant, environment, data }).await?;
        }
        write.commit().await?;
        Ok(done > 0)
    }

    /// Whose credentials are refused: connection and tenant, at most [`REFUSED_MAX`] of them.
    pub async fn all_refused(self, scope: &Scope) -> Result<Vec<(String, String)>, StoreError> {
        let mut all: Vec<(String, String)> = Vec::new();
        if !scope.sees_everything() {
            return Ok(all);
        }
        let sql = "SELECT connection, tenant FROM refused WHERE (connection, tenant) > ($1, $2) \
                   ORDER BY connection, tenant LIMIT $3";
        let page = PAGE_MAX as usize;
        while all.len() < REFUSED_MAX {
            let (connection, tenant) = all.last().map_or(("", ""), |it| (&*it.0, &*it.1));
            let most = Value::Integer(i64::from(PAGE_MAX));
            let values = [Value::Text(connection), Value::Text(tenant), most];
            let rows = self.0.engine.rows(sql, &values).await?;
            let read = |row: &Row| Ok((row.text(0)?, row.text(1)?));
            let read: Result<Vec<_>, Unreadable> = rows.iter().map(read).collect();
            all.extend(
                read.map_err(|Unreadable| StoreError::Corrupt { table: "refused", key: None })?,
            );
            if rows.len() < page {
                break;
            }
        }
        Ok(all)
    }

    /// Forgets that these credentials are refused, where that has been known for so long by the store's clock:
    /// nobody serves what they belong to any more, and nobody is told. At most [`BATCH_MAX`] of them.
    pub async fn forget_unserved(
        self,
        scope: &Scope,
        credentials: &[(String, String)],
        older_than_ms: i64,
    ) -> Result<u64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let before = Value::Integer(now_ms(&mut tx).await? - older_than_ms);
        let mut forgotten = 0;
        for (connection, tenant) in credentials.iter().take(BATCH_MAX as usize) {
            let sql = "DELETE FROM refused WHERE connection = $1 AND tenant = $2 AND since < $3";
            let values = [Value::Text(connection), Value::Text(tenant), before];
            forgotten += tx.run(sql, &values).await?;
        }
        tx.commit().await?;
        Ok(forgotten)
    }

    /// Forgets those that are older, by the store's clock, at most [`BATCH_MAX`] of them: again, where it were so
    /// many. How many.
    pub async fn prune(self, scope: &Scope, older_than_ms: i64) -> Result<u64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let before = now_ms(&mut tx).await? - older_than_ms;
        let sql = "DELETE FROM events WHERE seq IN \
                   (SELECT seq FROM events WHERE at < $1 ORDER BY at LIMIT $2)";
        let values = [Value::Integer(before), Value::Integer(i64::from(BATCH_MAX))];
        let pruned = tx.run(sql, &values).await?;
        tx.commit().await?;
        Ok(pruned)
    }
}

pub(super) fn read(row: &Row, first: usize) -> Result<Event, Unreadable> {
    Ok(Event {
        seq: row.integer(first)?,
        id: row.text(first + 1)?,
        at_ms: row.integer(first + 2)?,
        name: row.text(first + 3)?,
        connection: row.text(first + 4)?,
        tenant: row.text(first + 5)?,
        environment: row.text(first + 6)?,
        data: row.text(first + 7)?,
    })
}

/// What an entry of the trail tells those who follow: mostly one thing. `seq`: the entry's number.
pub(super) fn of(entry: &Entry, who: &str, seq: i64) -> Vec<News> {
    let mut data = json!({
        "kind": entry.kind(),
        "key": entry.key,
        "by": who,
        "revision": entry.revision,
        "audit": seq,
    });
    if let Some(because) = entry.became.as_ref().and_then(|it| it.get(BECAUSE)) {
        data[BECAUSE] = because.clone();
    }
    let (connection, tenant, environment) = match entry.of {
        Some(Kind::Connection | Kind::Activation | Kind::Grant) => {
            (&*entry.key, &*entry.tenant, "")
        }
        Some(Kind::Environment) => ("", "", &*entry.key),
        Some(Kind::Tenant) => ("", &*entry.key, ""),
        Some(Kind::ConnectSession) => ("", &*entry.tenant, ""),
        _ => ("", "", ""),
    };
    let news = |event: EventType| News {
        event,
        connection: connection.to_owned(),
        tenant: tenant.to_owned(),
        environment: environment.to_owned(),
        data: data.clone(),
    };
    types(entry).into_iter().map(news).collect()
}

fn types(entry: &Entry) -> Vec<EventType> {
    use EventType as E;
    let differs = |name: &str| entry.differs(name);
    let is_on = || {
        let now = entry.became.as_ref().and_then(|it| it.get("enabled"));
        now.and_then(serde_json::Value::as_i64) == Some(1)
    };
    let each = |created: E, updated: E, deleted: E| match entry.act {
        Act::Created => vec![created],
        Act::Updated => vec![updated],
        Act::Deleted => vec![deleted],
        Act::Begun
        | Act::Bound
        | Act::Confirmed
        | Act::Lapsed
        | Act::Authorized
        | Act::Rewrapped
        | Act::Broken
        | Act::Revoked
        | Act::Disclosed
        | Act::Learned
        | Act::Revealed
        | Act::SignedIn
        | Act::SignedOut
        | Act::Refused
        | Act::Tried
        | Act::Replayed => Vec::new(),
    };
    let Some(kind) = entry.of else {
        // Keys are rotated in many lots: that they are is told at the end of the last.
        let is_broken = entry.act == Act::Broken;
        return if is_broken { vec![E::AuditBroken] } else { Vec::new() };
    };
    match entry.act {
        Act::Lapsed => return vec![E::ConnectionReauthorizationRequired],
        Act::Authorized => return vec![E::ConnectionAuthorized],
        Act::Learned => return vec![E::ConnectionSecretLearned],
        _ => {}
    }
    match kind {
        Kind::Connector => each(E::ConnectorCreated, E::ConnectorUpdated, E::ConnectorDeleted),
        Kind::AuthMethod if entry.act == Act::Created => vec![E::AuthMethodRevised],
        Kind::AuthMethod => Vec::new(),
        Kind::Integration => {
            each(E::IntegrationCreated, E::IntegrationUpdated, E::IntegrationDeleted)
        }
        Kind::Environment => {
            each(E::EnvironmentCreated, E::EnvironmentUpdated, E::EnvironmentDeleted)
        }
        Kind::Connection if matches!(entry.act, Act::Bound | Act::Confirmed) => {
            vec![E::ConnectionUpdated]
        }
        Kind::Connection if entry.act == Act::Updated => {
            let mut all = vec![E::ConnectionUpdated];
            if ["connector", "method", "revision"].into_iter().any(differs) {
                all.push(E::AuthMethodRepinned);
            }
            if differs("enabled") {
                all.push(if is_on() { E::ConnectionEnabled } else { E::ConnectionDisabled });
            }
            all
        }
        Kind::Connection => each(E::ConnectionCreated, E::ConnectionUpdated, E::ConnectionDeleted),
        Kind::Tenant => each(E::TenantCreated, E::TenantUpdated, E::TenantDeleted),
        Kind::Activation if entry.act == Act::Updated && differs("enabled") => {
            vec![if is_on() { E::ActivationActivated } else { E::ActivationDeactivated }]
        }
        Kind::Activation => each(E::ActivationCreated, E::ActivationUpdated, E::ActivationDeleted),
        Kind::Caller if entry.act == Act::Updated && differs("keys") => vec![E::CallerKeysChanged],
        Kind::Caller => each(E::CallerCreated, E::CallerUpdated, E::CallerDeleted),
        Kind::Token => each(E::TokenCreated, E::TokenUpdated, E::TokenDeleted),
        Kind::EventSubscription if entry.act == Act::Updated && differs("enabled") && !is_on() => {
            vec![E::SubscriptionUpdated, E::SubscriptionDisabled]
        }
        Kind::EventSubscription => {
            each(E::SubscriptionCreated, E::SubscriptionUpdated, E::SubscriptionDeleted)
        }
        Kind::ConnectSession if entry.act == Act::Created => vec![E::ConnectSessionCreated],
        Kind::ConnectSession | Kind::ConsoleSession | Kind::Grant => Vec::new(),
    }
}

impl Write<'_> {
    /// Puts an event behind the last one.
    pub(super) async fn tell(&mut self, news: &News) -> Result<Event, StoreError> {
        let corrupt = || StoreError::Corrupt { table: "events", key: None };
        self.last_event = self.last_event.checked_add(1).ok_or_else(corrupt)?;
        let id = format!("evt_{}", new_id(self.now_ms));
        let event = Event {
            seq: self.last_event,
            id,
            at_ms: self.now_ms,
            name: news.event.as_str().to_owned(),
            connection: news.connection.clone(),
            tenant: news.tenant.clone(),
            environment: news.environment.clone(),
            data: news.data.to_string(),
        };
        self.tally.events.push(news.event);
        if self.is_bulk {
            self.gathered_events.push(event.clone());
        } else {
            insert(&mut self.tx, std::slice::from_ref(&event)).await?;
        }
        Ok(event)
    }

    /// Writes what was told and not written yet.
    pub(super) async fn tell_gathered(&mut self) -> Result<(), StoreError> {
        let events = std::mem::take(&mut self.gathered_events);
        insert(&mut self.tx, &events).await
    }

    /// Nobody waits for a credential to recover that is gone.
    pub(super) async fn forget_refused(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let connection = Value::Text(&entry.key);
        let (sql, values) = match (entry.act, entry.of) {
            (Act::Deleted, Some(Kind::Connection)) => {
                ("DELETE FROM refused WHERE connection = $1", vec![connection])
            }
            (Act::Deleted, Some(Kind::Activation)) => (
                "DELETE FROM refused WHERE connection = $1 AND tenant = $2",
                vec![connection, Value::Text(&entry.tenant)],
            ),
            _ => return Ok(()),
        };
        self.tx.run(sql, &values).await.map(drop)
    }
}

async fn insert(tx: &mut Tx, all: &[Event]) -> Result<(), StoreError> {
    let Some(first) = all.first() else { return Ok(()) };
    let head = format!("INSERT INTO events ({COLUMNS})");
    let rows: Vec<_> = all.iter().map(row_of).collect();
    let written = several::insert(tx, &head, &rows, "ON CONFLICT (seq) DO NOTHING").await?;
    if written < rows.len() as u64 {
        return Err(in_the_way("events", first.seq));
    }
    Ok(())
}

/// As it stands in its table.
fn row_of(it: &Event) -> Vec<Value<'_>> {
    vec![
        Value::Integer(it.seq),
        Value::Text(&it.id),
        Value::Integer(it.at_ms),
        Value::Text(&it.name),
        Value::Text(&it.connection),
        Value::Text(&it.tenant),
        Value::Text(&it.environment),
        Value::Text(&it.data),
    ]
}
