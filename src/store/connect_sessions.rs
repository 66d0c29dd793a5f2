//! `connect_sessions`: links that tenants connect by, until they are used up, ended or too old. What came of each is
//! known for a day.
use super::BATCH_MAX;
use super::Kind;
use super::PAGE_MAX;
use super::Store;
use super::StoreError;
use super::audit::Act;
use super::audit::Entry;
use super::engine::Row;
use super::engine::Tx;
use super::engine::Unreadable;
use super::engine::Value;
use super::events::News;
use super::migrate::clock_of;
use super::migrate::now_ms;
use super::write::Write;
use crate::model::Scope;
use crate::telemetry::metrics::ConnectOutcome;
use serde_json::json;

/// Most that are kept of one tenant: the oldest go.
const OF_TENANT_MAX: i64 = 100;

/// How long is known what came of one.
const KNOWN_MS: i64 = 24 * 3600 * 1000;

/// Connect sessions.
#[derive(Clone, Copy, Debug)]
pub struct ConnectSessions<'s>(pub(super) &'s Store);

/// One that is to be.
#[derive(Clone, Copy, Debug)]
pub struct NewConnectSession<'a> {
    pub id: &'a str,
    pub tenant: &'a str,
    /// Empty for nowhere.
    pub return_url: &'a str,
    /// Empty for nobody in particular.
    pub login_hint: &'a str,
    /// JSON.
    pub items: &'a str,
    pub lives_ms: i64,
}

/// One as it is. Times are Unix milliseconds by the database's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectSession {
    pub id: String,
    pub tenant: String,
    pub state: ConnectState,
    /// Empty while no browser connects by it.
    pub browser: String,
    pub return_url: String,
    pub login_hint: String,
    pub items: String,
    pub version: i64,
    pub created_ms: i64,
    pub expires_ms: i64,
    pub now_ms: i64,
}

/// What came of one of its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectNews {
    pub news: News,
    pub came: ConnectOutcome,
}

/// How one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectState {
    Open,
    Done,
    /// An operator has ended it.
    Ended,
    Expired,
    /// Its tenant was deleted.
    Gone,
    /// The same, and it is not told yet.
    Left,
}

impl ConnectState {
    const ALL: [Self; 6] =
        [Self::Open, Self::Done, Self::Ended, Self::Expired, Self::Gone, Self::Left];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Ended => "ended",
            Self::Expired => "expired",
            Self::Gone => "gone",
            Self::Left => "left",
        }
    }
}

impl ConnectSession {
    /// Whether anything can still be connected by it.
    pub fn is_open(&self) -> bool {
        self.state == ConnectState::Open && self.expires_ms > self.now_ms
    }
}

const SELECT: &str = "SELECT id, tenant, state, browser, return_url, login_hint, items, version, created_at, expires_at, \
                      {now} FROM connect_sessions";

impl ConnectSessions<'_> {
    /// Makes one. What came of old ones is forgotten, and of too many for one tenant the oldest.
    pub async fn create(
        self,
        scope: &Scope,
        new: &NewConnectSession<'_>,
    ) -> Result<ConnectSession, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let now = write.now_ms;
        forget_old(&mut write.tx, new.tenant, now).await?;
        let expires = now.saturating_add(new.lives_ms);
        let sql = "INSERT INTO connect_sessions (id, tenant, state, browser, return_url, login_hint, items, version, \
                   created_at, expires_at, over_at) VALUES ($1, $2, 'open', '', $3, $4, $5, 1, $6, $7, $7)";
        let values = [
            Value::Text(new.id),
            Value::Text(new.tenant),
            Value::Text(new.return_url),
            Value::Text(new.login_hint),
            Value::Text(new.items),
            Value::Integer(now),
            Value::Integer(expires),
        ];
        write.tx.run(sql, &values).await?;
        write.enter_session(Act::Created, new.id, new.tenant);
        write.commit().await?;
        Ok(ConnectSession {
            id: new.id.to_owned(),
            tenant: new.tenant.to_owned(),
            state: ConnectState::Open,
            browser: String::new(),
            return_url: new.return_url.to_owned(),
            login_hint: new.login_hint.to_owned(),
            items: new.items.to_owned(),
            version: 1,
            created_ms: now,
            expires_ms: expires,
            now_ms: now,
        })
    }

    pub async fn get(self, scope: &Scope, id: &str) -> Result<Option<ConnectSession>, StoreError> {
        if !scope.sees_everything() {
            return Ok(None);
        }
        let sql = format!("{} WHERE id = $1", self.select());
        let rows = self.0.engine.rows(&sql, &[Value::Text(id)]).await?;
        rows.first().map(read).transpose()
    }

    /// At most `limit`, the newest first, of this tenant or of all, behind the one that was made then.
    pub async fn list(
        self,
        scope: &Scope,
        tenant: Option<&str>,
        behind: Option<(i64, &str)>,
        limit: u32,
    ) -> Result<Vec<ConnectSession>, StoreError> {
        if !scope.sees_everything() {
            return Ok(Vec::new());
        }
        let (created, id) = behind.unwrap_or((i64::MAX, ""));
        let mut values = vec![
            Value::Integer(created),
            Value::Text(id),
            Value::Integer(i64::from(limit.clamp(1, PAGE_MAX))),
        ];
        values.extend(tenant.map(Value::Text));
        let of = if tenant.is_some() { " AND tenant = $4" } else { "" };
        let sql = format!(
            "{} WHERE (created_at, id) < ($1, $2){of} ORDER BY created_at DESC, id DESC LIMIT $3",
            self.select()
        );
        self.0.engine.rows(&sql, &values).await?.iter().map(read).collect()
    }

    /// Puts `now` in the place of what was read, and tells and counts `news` with it. False where somebody else was quicker: then
    /// nothing is changed.
    pub async fn change(
        self,
        scope: &Scope,
        now: &ConnectSession,
        news: &[ConnectNews],
    ) -> Result<bool, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let ends = now.state == ConnectState::Ended;
        if news.is_empty() && !ends {
            let mut tx = self.0.engine.begin().await?;
            let is_changed = put(&mut tx, now).await?;
            tx.commit().await?;
            return Ok(is_changed);
        }
        let mut write = self.0.write(scope).await?;
        if !put(&mut write.tx, now).await? {
            return Ok(false);
        }
        for ConnectNews { news, came } in news {
            write.tell(news).await?;
            write.tally.connects.push(*came);
        }
        if ends {
            write.enter_session(Act::Deleted, &now.id, &now.tenant);
        }
        write.commit().await?;
        Ok(true)
    }

    /// Those that nobody came to an end with in time, and those whose tenant was deleted, at most `limit`.
    pub async fn overdue(
        self,
        scope: &Scope,
        limit: u32,
    ) -> Result<Vec<ConnectSession>, StoreError> {
        if !scope.sees_everything() {
            return Ok(Vec::new());
        }
        let clock = clock_of(self.0.is_shared());
        let sql = format!(
            "{} WHERE state IN ('open', 'left') AND (expires_at <= {clock} OR state = 'left') \
             ORDER BY expires_at, id LIMIT $1",
            self.select()
        );
        let limit = Value::Integer(i64::from(limit.clamp(1, PAGE_MAX)));
        self.0.engine.rows(&sql, &[limit]).await?.iter().map(read).collect()
    }

    fn select(self) -> String {
        SELECT.replace("{now}", clock_of(self.0.is_shared()))
    }
}

/// False where it is not as it was read.
async fn put(tx: &mut Tx, now: &ConnectSession) -> Result<bool, StoreError> {
    let over_ms = match now.state {
        ConnectState::Open => now.expires_ms,
        _ => now_ms(tx).await?.min(now.expires_ms),
    };
    let sql = "UPDATE connect_sessions SET state = $3, browser = $4, items = $5, over_at = $6, version = version + 1 \
               WHERE id = $1 AND version = $2";
    let values = [
        Value::Text(&now.id),
        Value::Integer(now.version),
        Value::Text(now.state.as_str()),
        Value::Text(&now.browser),
        Value::Text(&now.items),
        Value::Integer(over_ms),
    ];
    Ok(tx.run(sql, &values).await? > 0)
}

async fn forget_old(tx: &mut Tx, tenant: &str, now: i64) -> Result<(), StoreError> {
    let most = Value::Integer(i64::from(BATCH_MAX));
    let sql = "DELETE FROM connect_sessions WHERE id IN \
               (SELECT id FROM connect_sessions WHERE over_at <= $1 ORDER BY over_at, id LIMIT $2)";
    tx.run(sql, &[Value::Integer(now - KNOWN_MS), most]).await?;
    let sql = "DELETE FROM connect_sessions WHERE id IN (SELECT id FROM connect_sessions WHERE tenant = $1 \
               ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $2)";
    tx.run(sql, &[Value::Text(tenant), Value::Integer(OF_TENANT_MAX - 1), most]).await.map(drop)
}

impl Write<'_> {
    /// Enters who has made a link, or ended it.
    fn enter_session(&mut self, act: Act, id: &str, tenant: &str) {
        let told = json!({ "tenant": tenant }).as_object().cloned();
        let (was, became) = if act == Act::Deleted { (told, None) } else { (None, told) };
        self.entries.push(Entry {
            act,
            of: Some(Kind::ConnectSession),
            key: id.to_owned(),
            tenant: tenant.to_owned(),
            revision: 0,
            was,
            became,
        });
    }

    /// Nobody connects any more for a tenant that is gone.
    pub(super) async fn end_sessions_of(&mut self, tenant: &str) -> Result<(), StoreError> {
        let sql = "UPDATE connect_sessions SET state = 'left', over_at = $2, version = version + 1 \
                   WHERE tenant = $1 AND state = 'open'";
        self.tx.run(sql, &[Value::Text(tenant), Value::Integer(self.now_ms)]).await.map(drop)
    }
}

fn read(row: &Row) -> Result<ConnectSession, StoreError> {
    let read = || {
        let state = row.text(2)?;
        Ok(ConnectSession {
            id: row.text(0)?,
            tenant: row.text(1)?,
            state: ConnectState::ALL
                .into_iter()
                .find(|it| it.as_str() == state)
                .ok_or(Unreadable)?,
            browser: row.text(3)?,
            return_url: row.text(4)?,
            login_hint: row.text(5)?,
            items: row.text(6)?,
            version: row.integer(7)?,
            created_ms: row.integer(8)?,
            expires_ms: row.integer(9)?,
            now_ms: row.integer(10)?,
        })
    };
    let key = row.text(0).ok();
    read().map_err(|Unreadable| StoreError::Corrupt { table: "connect_sessions", key })
}
