//! What is to be done though nobody asks: taken in lots, each by one replica.
use super::Grants;
use super::IS_KEY;
use super::lease::LEASE_MS;
use super::row::GrantName;
use super::row::corrupt;
use crate::model::Scope;
use crate::seal::Slot;
use crate::store;
use crate::store::PAGE_MAX;
use crate::store::StoreError;
use crate::store::engine::Row;
use crate::store::engine::Unreadable;
use crate::store::engine::Value;
use crate::store::migrate::now_ms;

/// What is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lot {
    /// What it is time for.
    Due,
    /// What has an attempt of which nobody knows yet what came of it: what a replica left when it died.
    Left,
}

/// How the grants of a deployment are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    pub failing: i64,
    pub reauthorization_required: i64,
    /// With an attempt that is open.
    pub open: i64,
    /// For how long the earliest of those that are due has been; 0 where none is.
    pub late_ms: i64,
}

impl Grants<'_> {
    /// Takes the lease of at most `limit` of these, the earliest first: none that anybody holds right now, and none
    /// that another replica takes at the same time.
    pub async fn claim(
        self,
        scope: &Scope,
        holder: &str,
        lot: Lot,
        limit: u32,
    ) -> Result<Vec<GrantName>, StoreError> {
        store::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        let lock = if tx.is_postgres() { "FOR UPDATE SKIP LOCKED" } else { "" };
        let (is_wanted, order) = match lot {
            Lot::Due => ("due_at IS NOT NULL AND due_at <= $3", "due_at"),
            // One that failed waits until it is due.
            Lot::Left => ("attempt <> '' AND (state <> 'failing' OR due_at <= $3)", "attempt_at"),
        };
        let sql = format!(
            "WITH lot AS MATERIALIZED (SELECT owner, tenant, slot FROM grants \
             WHERE {is_wanted} AND held_until <= $3 ORDER BY {order}, owner, tenant, slot LIMIT $4 {lock}) \
             UPDATE grants SET fence = CASE WHEN holder = $1 THEN fence ELSE fence + 1 END, holder = $1, \
             held_until = $2 WHERE (owner, tenant, slot) IN (SELECT owner, tenant, slot FROM lot) \
             RETURNING owner, tenant, slot"
        );
        let values = [
            Value::Text(holder),
            Value::Integer(now + LEASE_MS),
            Value::Integer(now),
            Value::Integer(i64::from(limit.clamp(1, PAGE_MAX))),
        ];
        let rows = tx.rows(&sql, &values).await?;
        tx.commit().await?;
        let name = |row: &Row| {
            let slot = Slot::parse(&row.text(2)?).ok_or(Unreadable)?;
            Ok(GrantName { owner: row.text(0)?, tenant: row.text(1)?, slot })
        };
        rows.iter().map(name).collect::<Result<_, Unreadable>>().map_err(|_| corrupt(""))
    }

    /// Has these be looked at later, each in so many milliseconds, and lets go of them: nothing can be done about
    /// them now.
    pub async fn postpone(
        self,
        scope: &Scope,
        holder: &str,
        all: &[(GrantName, i64)],
    ) -> Result<(), StoreError> {
        store::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        let sql = format!(
            "UPDATE grants SET due_at = $5, held_until = 0 WHERE {IS_KEY} AND holder = $4 AND held_until > 0"
        );
        for (name, in_ms) in all {
            let [owner, tenant, slot] = name.key().values();
            let values = [owner, tenant, slot, Value::Text(holder), Value::Integer(now + in_ms)];
            tx.run(&sql, &values).await?;
        }
        tx.commit().await
    }

    /// By the indexes of what is not as it should be: few, however many grants there are.
    pub async fn census(self, scope: &Scope) -> Result<Census, StoreError> {
        store::only_whoever_sees_everything(scope)?;
        let now = super::clock_once(self.0.is_shared());
        let sql = format!(
            "SELECT (SELECT COUNT(*) FROM grants WHERE state = 'failing' AND state <> 'active'), \
             (SELECT COUNT(*) FROM grants WHERE state = 'reauthorization_required' AND state <> 'active'), \
             (SELECT COUNT(*) FROM grants WHERE attempt <> ''), \
             {now} - COALESCE((SELECT MIN(due_at) FROM grants WHERE due_at IS NOT NULL), {now})"
        );
        let rows = self.0.engine.rows(&sql, &[]).await?;
        let read = |row: &Row| {
            Ok(Census {
                failing: row.integer(0)?,
                reauthorization_required: row.integer(1)?,
                open: row.integer(2)?,
                late_ms: row.integer(3)?.max(0),
            })
        };
        rows.first().ok_or(Unreadable).and_then(read).map_err(|Unreadable| corrupt(""))
    }
}
