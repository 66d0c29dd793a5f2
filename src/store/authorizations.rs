//! `authorizations`: consents that somebody was asked for. Each is found by what came back with it, once, and only for
//! whom it was begun.
use super::BATCH_MAX;
use super::GrantKey;
use super::GrantName;
use super::PAGE_MAX;
use super::SealedCredential;
use super::Store;
use super::StoreError;
use super::credentials;
use super::engine::Row;
use super::engine::Tx;
use super::engine::Unreadable;
use super::engine::Value;
use super::migrate::now_ms;
use super::several;
use crate::model::Scope;
use crate::seal::Binding;
use crate::seal::Sealed;
use crate::seal::Slot;
use std::collections::HashMap;

/// Most of them that are under way for one grant at a time: the oldest ones go.
const OF_GRANT_MAX: i64 = 16;

/// How long a replica may take to ask a provider whether somebody has consented on another device: longer than an errand
/// takes at most, so that no two ask at once.
const ASKING_MS: i64 = 60_000;

/// How long one that nothing came of says why.
const TOLD_MS: i64 = 24 * 3600 * 1000;

/// Consents that are under way.
#[derive(Clone, Copy, Debug)]
pub struct Authorizations<'s>(pub(super) &'s Store);

/// One that is to be begun.
#[derive(Clone, Copy, Debug)]
pub struct NewAuthorization<'a> {
    pub id: &'a str,
    pub key: GrantKey<'a>,
    /// The connection's key.
    pub connection: &'a str,
    pub lives_ms: i64,
    pub kind: Begun<'a>,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun<'a> {
    /// Somebody comes back in a browser, to the connect session of this id; empty for none.
    InBrowser { session: &'a str },
    /// Somebody consents on another device: how long is waited between two questions.
    OnDevice { session: &'a str, interval_ms: i64 },
    /// Tokens that are there already wait for what becomes of them: whoever deletes this has them. With `instead_of` they
    /// stood there until now, and are nobody's where they do not any more.
    Aside { session: &'a str, instead_of: Option<&'a str> },
}

/// One that is under way. Times are Unix milliseconds by the database's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    pub id: String,
    pub of: GrantName,
    pub connection: String,
    pub created_ms: i64,
    pub expires_ms: i64,
    pub interval_ms: i64,
    /// The connect session that it belongs to; empty for none.
    pub session: String,
    /// Its tokens are there, and kept aside.
    pub is_aside: bool,
    /// Why nothing came of it; empty while it is under way.
    pub why: String,
    pub now_ms: i64,
    /// What only whoever began it knows.
    pub sealed: Option<SealedCredential>,
}

/// What seals what belongs to one, for the place that it is given.
pub type SealAt<'a> = &'a (dyn Fn(&Binding<'_>) -> Sealed + Send + Sync);

impl Authorization {
    /// Where its secrets are sealed.
    pub fn owner(id: &str) -> String {
        format!("authorization:{id}")
    }

    pub fn is_over(&self) -> bool {
        self.expires_ms <= self.now_ms
    }
}

const COLUMNS: &str = "a.id, a.owner, a.tenant, a.slot, a.connection, a.created_at, a.expires_at, a.interval_ms, \
                       a.why, a.session, a.aside, c.generation, c.key_id, c.wrapped, c.fields";

const FROM: &str = "FROM authorizations a LEFT JOIN credentials c \
                    ON c.owner = 'authorization:' || a.id AND c.tenant = '' AND c.slot = 'authorization'";

/// The column behind them.
const NOW: usize = 15;

impl Authorizations<'_> {
    /// Begins one. Those that are too old go, and of too many for one grant the oldest.
    pub async fn begin(
        self,
        scope: &Scope,
        new: &NewAuthorization<'_>,
        seal: SealAt<'_>,
    ) -> Result<i64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        let NewAuthorization { id, key, connection, lives_ms, kind } = *new;
        let (session, interval_ms, is_aside) = match kind {
            Begun::InBrowser { session } => (session, None, false),
            Begun::OnDevice { session, interval_ms } => (session, Some(interval_ms), false),
            Begun::Aside { session, .. } => (session, None, true),
        };
        if let Begun::Aside { instead_of: Some(former), .. } = kind
            && !forget(&mut tx, former).await?
        {
            return Err(StoreError::NotFound);
        }
        forget_old(&mut tx, key, now).await?;
        let expires = now.saturating_add(lives_ms);
        let sql = "INSERT INTO authorizations (id, owner, tenant, slot, connection, generation, created_at, \
                   expires_at, next_at, interval_ms, why, session, aside) \
                   VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, '', $10, $11)";
        // What nobody has taken in the end is looked at then.
        let next = interval_ms.map(|it| now.saturating_add(it)).or(is_aside.then_some(expires));
        let values = [
            Value::Text(id),
            Value::Text(key.owner),
            Value::Text(key.tenant),
            Value::Text(key.slot.as_str()),
            Value::Text(connection),
            Value::Integer(now),
            Value::Integer(expires),
            Value::maybe(next),
            Value::Integer(interval_ms.unwrap_or_default()),
            Value::Text(session),
            Value::flag(is_aside),
        ];
        tx.run(sql, &values).await?;
        let owner = Authorization::owner(id);
        let generation = u64::try_from(now).unwrap_or_default();
        let binding = Binding { owner: &owner, tenant: "", slot: Slot::Authorization, generation };
        credentials::put(&mut tx, &binding, &seal(&binding)).await?;
        tx.commit().await?;
        Ok(expires)
    }

    /// One as it is: whoever comes back is known by nothing else.
    pub async fn find(self, scope: &Scope, id: &str) -> Result<Option<Authorization>, StoreError> {
        if !scope.sees_everything() {
            return Ok(None);
        }
        let clock = super::migrate::clock_of(self.0.is_shared());
        let sql = format!("SELECT {COLUMNS}, {clock} {FROM} WHERE a.id = $1");
        let rows = self.0.engine.rows(&sql, &[Value::Text(id)]).await?;
        let now = |it: &Row| it.integer(NOW).map_err(|Unreadable| corrupt());
        rows.first().map(|it| read(it, now(it)?)).transpose()
    }

    /// Those of a connect session.
    pub async fn of_session(
        self,
        scope: &Scope,
        session: &str,
    ) -> Result<Vec<Authorization>, StoreError> {
        if !scope.sees_everything() || session.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT {COLUMNS} {FROM} WHERE a.session = $1 AND a.session <> '' ORDER BY a.id LIMIT $2"
        );
        let values = [Value::Text(session), Value::Integer(i64::from(PAGE_MAX))];
        self.0.engine.rows(&sql, &values).await?.iter().map(|it| read(it, 0)).collect()
    }

    /// Takes one that was begun for this grant: nobody else finds it, and nobody finds it again. None where there is
    /// none, or it is too old.
    pub async fn take(
        self,
        scope: &Scope,
        id: &str,
        key: GrantKey<'_>,
    ) -> Result<Option<Authorization>, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        let sql = format!(
            "SELECT {COLUMNS} {FROM} WHERE a.id = $1 AND a.owner = $2 AND a.tenant = $3 AND a.slot = $4 \
             AND a.aside = 0"
        );
        let values = [
            Value::Text(id),
            Value::Text(key.owner),
            Value::Text(key.tenant),
            Value::Text(key.slot.as_str()),
        ];
        let rows = tx.rows(&sql, &values).await?;
        let Some(found) = rows.first().map(|it| read(it, now)).transpose()? else {
            return Ok(None);
        };
        // Of several who come at once one deletes it.
        let is_first = forget(&mut tx, id).await?;
        tx.commit().await?;
        Ok(Some(found).filter(|it| is_first && !it.is_over()))
    }

    /// Nobody waits for it any more. False where somebody has taken it.
    pub async fn discard(self, scope: &Scope, id: &str) -> Result<bool, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let is_first = forget(&mut tx, id).await?;
        tx.commit().await?;
        Ok(is_first)
    }

    /// Those on another device whose provider is to be asked now, at most `limit`: from now on for a while nobody else
    /// asks.
    pub async fn due(self, scope: &Scope, limit: u32) -> Result<Vec<Authorization>, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let clock = super::migrate::clock_of(self.0.is_shared());
        let is_any = format!(
            "SELECT 1 FROM authorizations WHERE next_at IS NOT NULL AND next_at <= {clock} LIMIT 1"
        );
        if self.0.engine.rows(&is_any, &[]).await?.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        let sql = format!(
            "SELECT {COLUMNS} {FROM} WHERE a.next_at IS NOT NULL AND a.next_at <= $1 ORDER BY a.next_at, a.id LIMIT $2"
        );
        let limit = Value::Integer(i64::from(limit.clamp(1, PAGE_MAX)));
        let rows = tx.rows(&sql, &[Value::Integer(now), limit]).await?;
        let mut taken = Vec::new();
        for row in &rows {
            let due = read(row, now)?;
            let sql = "UPDATE authorizations SET next_at = $2 WHERE id = $1 AND next_at <= $3";
            let values =
                [Value::Text(&due.id), Value::Integer(now + ASKING_MS), Value::Integer(now)];
            if tx.run(sql, &values).await? > 0 {
                taken.push(due);
            }
        }
        tx.commit().await?;
        Ok(taken)
    }

    /// Nobody has consented yet: the provider is asked again after this long.
    pub async fn wait(self, scope: &Scope, id: &str, interval_ms: i64) -> Result<(), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        let sql = "UPDATE authorizations SET next_at = $2, interval_ms = $3 WHERE id = $1";
        let next = Value::Integer(now.saturating_add(interval_ms));
        tx.run(sql, &[Value::Text(id), next, Value::Integer(interval_ms)]).await?;
        tx.commit().await
    }

    /// Nothing comes of it: for a day it says why, and what it was asked with is gone.
    pub async fn failed(self, scope: &Scope, id: &str, why: &str) -> Result<(), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        let sql =
            "UPDATE authorizations SET next_at = NULL, why = $2, expires_at = $3 WHERE id = $1";
        let told_until = Value::Integer(now.saturating_add(TOLD_MS));
        tx.run(sql, &[Value::Text(id), Value::Text(why), told_until]).await?;
        let owner = Authorization::owner(id);
        tx.run("DELETE FROM credentials WHERE owner = $1", &[Value::Text(&owner)]).await?;
        tx.commit().await
    }

    /// It was given: what came of others before it does not matter any more.
    pub async fn done(self, scope: &Scope, id: &str) -> Result<(), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let sql = "DELETE FROM authorizations WHERE why <> '' AND (owner, tenant, slot) IN \
                   (SELECT owner, tenant, slot FROM authorizations WHERE id = $1)";
        tx.run(sql, &[Value::Text(id)]).await?;
        forget(&mut tx, id).await?;
        tx.commit().await
    }

    /// The last one on another device of each of these grants, unless it is too old: what is secret of it is left out.
    pub async fn last(
        self,
        scope: &Scope,
        all: &[GrantKey<'_>],
    ) -> Result<HashMap<GrantName, Authorization>, StoreError> {
        let mut last = HashMap::new();
        if !scope.sees_everything() {
            return Ok(last);
        }
        let clock = super::migrate::clock_of(self.0.is_shared());
        let keys: Vec<_> = all.iter().map(|it| it.values().to_vec()).collect();
        for part in several::parts(&keys, 3) {
            let sql = format!(
                "SELECT {COLUMNS} {FROM} WHERE (a.owner, a.tenant, a.slot) IN (VALUES {}) AND a.interval_ms > 0 \
                 AND a.expires_at > {clock} ORDER BY a.created_at, a.id",
                part.places
            );
            for row in &self.0.engine.rows(&sql, &part.values).await? {
                let it = Authorization { sealed: None, ..read(row, 0)? };
                last.insert(it.of.clone(), it);
            }
        }
        Ok(last)
    }
}

async fn forget_old(tx: &mut Tx, key: GrantKey<'_>, now: i64) -> Result<(), StoreError> {
    // What a link waits for on another device is ended, and told of, by whoever asks the provider.
    let sql = "SELECT id FROM authorizations WHERE expires_at <= $1 AND aside = 0 \
               AND NOT (session <> '' AND interval_ms > 0) ORDER BY expires_at, id LIMIT $2";
    let most = Value::Integer(i64::from(BATCH_MAX));
    let mut rows = tx.rows(sql, &[Value::Integer(now), most]).await?;
    let sql = "SELECT id FROM authorizations WHERE owner = $1 AND tenant = $2 AND slot = $3 AND aside = 0 \
               AND NOT (session <> '' AND interval_ms > 0) ORDER BY created_at DESC, id LIMIT $5 OFFSET $4";
    let values = [
        Value::Text(key.owner),
        Value::Text(key.tenant),
        Value::Text(key.slot.as_str()),
        Value::Integer(OF_GRANT_MAX - 1),
        most,
    ];
    rows.extend(tx.rows(sql, &values).await?);
    for row in &rows {
        let id = row.text(0).map_err(|Unreadable| corrupt())?;
        forget(tx, &id).await?;
    }
    Ok(())
}

/// True where it was there.
async fn forget(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    let deleted = tx.run("DELETE FROM authorizations WHERE id = $1", &[Value::Text(id)]).await?;
    let owner = Authorization::owner(id);
    tx.run("DELETE FROM credentials WHERE owner = $1", &[Value::Text(&owner)]).await?;
    Ok(deleted > 0)
}

fn read(row: &Row, now_ms: i64) -> Result<Authorization, StoreError> {
    let read = || {
        let slot = Slot::parse(&row.text(3)?).ok_or(Unreadable)?;
        Ok(Authorization {
            id: row.text(0)?,
            of: GrantName { owner: row.text(1)?, tenant: row.text(2)?, slot },
            connection: row.text(4)?,
            created_ms: row.integer(5)?,
            expires_ms: row.integer(6)?,
            interval_ms: row.integer(7)?,
            why: row.text(8)?,
            session: row.text(9)?,
            is_aside: row.flag(10)?,
            now_ms,
            sealed: credentials::sealed(row, 11)?,
        })
    };
    read().map_err(|Unreadable| corrupt())
}

fn corrupt() -> StoreError {
    StoreError::Corrupt { table: "authorizations", key: None }
}
