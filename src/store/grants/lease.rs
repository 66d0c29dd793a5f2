//! Who may send a message for a grant, and that one is about to go out.
use super::Grants;
use super::IS_HELD;
use super::IS_KEY;
use super::row::GrantKey;
use super::row::GrantName;
use super::row::corrupt;
use crate::model::Scope;
use crate::store;
use crate::store::StoreError;
use crate::store::engine::Row;
use crate::store::engine::Tx;
use crate::store::engine::Unreadable;
use crate::store::engine::Value;
use crate::store::migrate::now_ms;
use crate::store::several;

/// How long a replica may send a message for a grant, unless it says so again, which it does for as long as it is
/// at it. What a replica left when it died is taken up so much later: a provider that takes a token twice does so
/// for ten seconds or more.
pub const LEASE_MS: i64 = 6_000;

/// By whom, since when nobody else: what is done under an older fence is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease<'a> {
    pub holder: &'a str,
    pub fence: i64,
}

/// Who wants a lease, and what for.
#[derive(Clone, Copy, Debug)]
pub struct Wanting<'a> {
    /// Of the grant.
    pub fingerprint: &'a str,
    pub holder: &'a str,
    /// It stands in a file: no row says that it is there.
    pub is_declared: bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leased {
    /// `attempt`: empty where none is open.
    Held { fence: i64, version: i64, attempt: String },
    /// Another replica has it.
    Taken,
    /// What it is had for is not there any more.
    Gone,
}

impl Grants<'_> {
    /// The right to send a message for a grant, for [`LEASE_MS`]. The row is made where there is none.
    pub async fn lease(
        self,
        scope: &Scope,
        key: GrantKey<'_>,
        wanting: Wanting<'_>,
    ) -> Result<Leased, StoreError> {
        store::only_whoever_sees_everything(scope)?;
        let Wanting { fingerprint, holder, is_declared } = wanting;
        let mut tx = self.0.engine.begin().await?;
        if !is_there(&mut tx, key, is_declared).await? {
            tx.commit().await?;
            return Ok(Leased::Gone);
        }
        let now = now_ms(&mut tx).await?;
        let [owner, tenant, slot] = key.values();
        // A generation and a fence that no former row of these names came to: they count on from the time.
        let sql = "INSERT INTO grants (owner, tenant, slot, version, fingerprint, generation, state, since, why, \
                   failures, former, tried_with, attempt, attempt_of, attempt_at, holder, held_until, fence) \
                   VALUES ($1, $2, $3, 0, $4, $5, 'active', $5, '', 0, '', '', '', '', 0, '', 0, $5) \
                   ON CONFLICT (owner, tenant, slot) DO NOTHING";
        let values = [owner, tenant, slot, Value::Text(fingerprint), Value::Integer(now)];
        tx.run(sql, &values).await?;
        let lock = if tx.is_postgres() { " FOR UPDATE" } else { "" };
        let sql = format!(
            "SELECT version, attempt, holder, held_until, fence FROM grants WHERE {IS_KEY}{lock}"
        );
        let rows = tx.rows(&sql, &key.values()).await?;
        let standing = rows.first().map(Standing::read).and_then(Result::ok);
        let Some(it) = standing else { return Err(corrupt(&key.shown())) };
        let is_mine = it.holder == holder;
        if !is_mine && it.held_until_ms > now {
            tx.commit().await?;
            return Ok(Leased::Taken);
        }
        let Standing { version, attempt, .. } = it;
        let fence = if is_mine { it.fence } else { it.fence + 1 };
        let until = Value::Integer(now + LEASE_MS);
        let held = [owner, tenant, slot, Value::Text(holder), Value::Integer(fence), until];
        let sql =
            format!("UPDATE grants SET holder = $4, fence = $5, held_until = $6 WHERE {IS_KEY}");
        tx.run(&sql, &held).await?;
        tx.commit().await?;
        Ok(Leased::Held { fence, version, attempt })
    }

    /// Says that a message is about to go out, which may use up the token that `of` is a hash of. `after`: the
    /// attempt that it follows, of which nobody knows what came of it; empty where there is none. False where
    /// another replica has the lease meanwhile, or another attempt is open: then it must not go out. What is left of it
    /// is looked at as soon as nobody holds it.
    pub async fn intend(
        self,
        scope: &Scope,
        key: GrantKey<'_>,
        lease: Lease<'_>,
        after: &str,
        (id, of): (&str, &str),
    ) -> Result<bool, StoreError> {
        store::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        let [owner, tenant, slot] = key.values();
        let sql = format!(
            "UPDATE grants SET attempt = $6, attempt_of = $7, attempt_at = $8, look_at = $8, held_until = $9 \
             WHERE {IS_KEY} AND {IS_HELD} AND attempt = $10"
        );
        let values = [
            owner,
            tenant,
            slot,
            Value::Text(lease.holder),
            Value::Integer(lease.fence),
            Value::Text(id),
            Value::Text(of),
            Value::Integer(now),
            Value::Integer(now + LEASE_MS),
            Value::Text(after),
        ];
        // An answer that stays from before may hold a token that nobody found yet.
        let intended = tx.run(&sql, &values).await? > 0;
        tx.commit().await?;
        Ok(intended)
    }

    /// Says again that this replica is at these: of some hundred at a time, and waiting for nobody who writes one of
    /// them right now. Such a one is said again the next time.
    pub async fn extend(
        self,
        scope: &Scope,
        holder: &str,
        names: &[GrantName],
    ) -> Result<(), StoreError> {
        store::only_whoever_sees_everything(scope)?;
        let mut names: Vec<_> = names.iter().collect();
        names.sort_unstable_by(|one, other| one.order(other));
        let keys: Vec<_> = names.iter().map(|it| it.key().values().to_vec()).collect();
        for part in several::parts(&keys, 3) {
            let mut tx = self.0.engine.begin().await?;
            let until = Value::Integer(now_ms(&mut tx).await? + LEASE_MS);
            let lock = if tx.is_postgres() { "FOR UPDATE SKIP LOCKED" } else { "" };
            let last = part.values.len();
            let sql = format!(
                "WITH lot AS MATERIALIZED (SELECT owner, tenant, slot FROM grants \
                 WHERE (owner, tenant, slot) IN (VALUES {places}) AND holder = ${holder} AND held_until > 0 \
                 ORDER BY owner, tenant, slot {lock}) \
                 UPDATE grants SET held_until = ${until} \
                 WHERE (owner, tenant, slot) IN (SELECT owner, tenant, slot FROM lot)",
                places = part.places,
                holder = last + 1,
                until = last + 2
            );
            let mut values = part.values;
            values.extend([Value::Text(holder), until]);
            tx.run(&sql, &values).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Takes back an attempt that was surely not sent, and lets go: what it was for is looked at in so many
    /// milliseconds, or when it is due. False where the lease is another's.
    pub async fn withdrawn(
        self,
        scope: &Scope,
        key: GrantKey<'_>,
        lease: Lease<'_>,
        attempt: &str,
        again_in_ms: i64,
    ) -> Result<bool, StoreError> {
        store::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        let [owner, tenant, slot] = key.values();
        let sql = format!(
            "UPDATE grants SET held_until = 0, \
             look_at = CASE WHEN attempt IN ('', $6) AND (due_at IS NULL OR due_at > $7) THEN due_at ELSE $8 END, \
             attempt_at = CASE WHEN attempt = $6 THEN 0 ELSE attempt_at END, \
             attempt = CASE WHEN attempt = $6 THEN '' ELSE attempt END WHERE {IS_KEY} AND {IS_HELD}"
        );
        let values = [
            owner,
            tenant,
            slot,
            Value::Text(lease.holder),
            Value::Integer(lease.fence),
            Value::Text(attempt),
            Value::Integer(now),
            Value::Integer(now + again_in_ms),
        ];
        let is_held = tx.run(&sql, &values).await? > 0;
        tx.commit().await?;
        Ok(is_held)
    }

    /// Lets go of one that this replica holds.
    pub async fn let_go(
        self,
        scope: &Scope,
        key: GrantKey<'_>,
        holder: &str,
    ) -> Result<(), StoreError> {
        store::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let [owner, tenant, slot] = key.values();
        let sql = format!(
            "UPDATE grants SET held_until = 0 WHERE {IS_KEY} AND holder = $4 AND held_until > 0"
        );
        tx.run(&sql, &[owner, tenant, slot, Value::Text(holder)]).await?;
        tx.commit().await
    }

    /// Lets go of all that this replica holds: another one need not wait. Of what has an open attempt it does not: an
    /// answer may be being put down, and whoever takes it up before would take it for lost.
    pub async fn release(self, scope: &Scope, holder: &str) -> Result<(), StoreError> {
        store::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let sql = "UPDATE grants SET held_until = 0 WHERE holder = $1 AND held_until > 0 AND attempt = ''";
        tx.run(sql, &[Value::Text(holder)]).await?;
        tx.commit().await
    }
}

/// A row as whoever wants it finds it.
struct Standing {
    version: i64,
    attempt: String,
    holder: String,
    held_until_ms: i64,
    fence: i64,
}

impl Standing {
    fn read(row: &Row) -> Result<Self, Unreadable> {
        Ok(Self {
            version: row.integer(0)?,
            attempt: row.text(1)?,
            holder: row.text(2)?,
            held_until_ms: row.integer(3)?,
            fence: row.integer(4)?,
        })
    }
}

/// Whether what a grant is had for is there, and stays until the transaction ends.
pub(in crate::store) async fn is_there(
    tx: &mut Tx,
    key: GrantKey<'_>,
    is_declared: bool,
) -> Result<bool, StoreError> {
    let is_in_file = key.owner.starts_with("file:");
    let (sql, values) = match key.tenant {
        "" if is_in_file => return Ok(true),
        _ if is_declared && is_in_file => return Ok(true),
        "" => ("SELECT 1 FROM connections WHERE id = $1", vec![Value::Text(key.owner)]),
        tenant => (
            "SELECT 1 FROM activations WHERE owner = $1 AND tenant = $2",
            vec![Value::Text(key.owner), Value::Text(tenant)],
        ),
    };
    let lock = if tx.is_postgres() { " FOR KEY SHARE" } else { "" };
    Ok(!tx.rows(&[sql, lock].concat(), &values).await?.is_empty())
}
