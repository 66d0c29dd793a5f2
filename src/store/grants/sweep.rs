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

/// Owners that may be left out of one lot at most.
pub const BUT_MAX: usize = 64;

/// Among so many of those that are next to be looked at it is counted for how long they have been due.
const FIRST: u32 = 256;

/// What became due less than so long ago, and can't be renewed now, is looked at again after so long.
const SOON_MS: i64 = 60_000;

/// How the grants of a deployment are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    pub failing: i64,
    pub reauthorization_required: i64,
    /// With an attempt that is open.
    pub open: i64,
    /// For how long the earliest of those that are next to be looked at has been due; 0 where none is.
    pub late_ms: i64,
}

impl Grants<'_> {
    /// Takes the lease of at most `limit` of these, the earliest first: none that anybody holds right now, none
    /// that another replica takes at the same time, and none of the owners in `but`.
    pub async fn claim(
        self,
        scope: &Scope,
        holder: &str,
        lot: Lot,
        limit: u32,
        but: &[&str],
    ) -> Result<Vec<GrantName>, StoreError> {
        store::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        let lock = if tx.is_postgres() { "FOR UPDATE SKIP LOCKED" } else { "" };
        let (is_wanted, order) = match lot {
            Lot::Due => ("look_at IS NOT NULL AND look_at <= $3", "look_at"),
            Lot::Left => ("attempt <> '' AND look_at <= $3", "attempt_at"),
        };
        let but = &but[..but.len().min(BUT_MAX)];
        let places: Vec<String> = (5..).take(but.len()).map(|it| format!("${it}")).collect();
        let is_another = match places.is_empty() {
            true => String::new(),
            false => format!("AND owner NOT IN ({}) ", places.join(", ")),
        };
        let sql = format!(
            "WITH lot AS MATERIALIZED (SELECT owner, tenant, slot FROM grants \
             WHERE {is_wanted} AND held_until <= $3 {is_another}ORDER BY {order}, owner, tenant, slot LIMIT $4 {lock}) \
             UPDATE grants SET fence = CASE WHEN holder = $1 THEN fence ELSE fence + 1 END, holder = $1, \
             held_until = $2 WHERE (owner, tenant, slot) IN (SELECT owner, tenant, slot FROM lot) \
             RETURNING owner, tenant, slot"
        );
        let mut values = vec![
            Value::Text(holder),
            Value::Integer(now + LEASE_MS),
            Value::Integer(now),
            Value::Integer(i64::from(limit.clamp(1, PAGE_MAX))),
        ];
        values.extend(but.iter().map(|it| Value::Text(it)));
        let rows = tx.rows(&sql, &values).await?;
        tx.commit().await?;
        let name = |row: &Row| {
            let slot = Slot::parse(&row.text(2)?).ok_or(Unreadable)?;
            Ok(GrantName { owner: row.text(0)?, tenant: row.text(1)?, slot })
        };
        rows.iter().map(name).collect::<Result<_, Unreadable>>().map_err(|_| corrupt(""))
    }

    /// Has these be looked at later, each in so many milliseconds, and lets go of them: nothing can be done about
    /// them now. Whatever has been due for a shorter time is looked at sooner, and again and again after twice as
    /// long, so that what passes soon costs little; when they are due stays as it is. What need not be renewed at all
    /// waits until it is due.
    pub async fn postpone(
        self,
        scope: &Scope,
        holder: &str,
        all: &[(GrantName, i64)],
    ) -> Result<(), StoreError> {
        store::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        let since = "(CASE WHEN attempt <> '' THEN attempt_at ELSE due_at END)";
        let sql = format!(
            "UPDATE grants SET held_until = 0, look_at = CASE \
             WHEN attempt = '' AND (due_at IS NULL OR due_at > $5) THEN due_at \
             WHEN $6 <= {SOON_MS} OR $5 - {since} >= $6 THEN $5 + $6 \
             WHEN $5 - {since} <= {SOON_MS} THEN $5 + {SOON_MS} \
             ELSE $5 + $5 - {since} END WHERE {IS_KEY} AND holder = $4 AND held_until > 0"
        );
        let mut all: Vec<_> = all.iter().collect();
        all.sort_unstable_by(|one, other| one.0.order(&other.0));
        for (name, in_ms) in all {
            let [owner, tenant, slot] = name.key().values();
            let (now, in_ms) = (Value::Integer(now), Value::Integer(*in_ms));
            tx.run(&sql, &[owner, tenant, slot, Value::Text(holder), now, in_ms]).await?;
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
             {now} - COALESCE((SELECT MIN(due_at) FROM (SELECT due_at FROM grants \
             WHERE look_at IS NOT NULL AND look_at <= {now} ORDER BY look_at LIMIT {FIRST}) AS first), {now})"
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
