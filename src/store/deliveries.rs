//! `deliveries`, and `event_feeds`: which events are sent to whom, how far that is, and which replica does it.
//!
//! At least once: a delivery is done when its answer is written down, and whoever dies between the two has it sent
//! again. One replica at a time holds a subscription, for as long as [`HOLD_MS`] and no longer than it says so again.
use super::PAGE_MAX;
use super::Store;
use super::StoreError;
use super::engine::Row;
use super::engine::Unreadable;
use super::engine::Value;
use super::migrate::clock_of;
use super::migrate::now_ms;
use crate::model::EventType;
use crate::model::Scope;

/// How long a replica holds a subscription: longer than an attempt may take.
pub const HOLD_MS: i64 = 60_000;

/// Most deliveries of a subscription that wait: further events stay where they are until some are done.
pub const WAITING_MAX: i64 = 1000;

/// The deliveries.
#[derive(Clone, Copy, Debug)]
pub struct Deliveries<'s>(pub(super) &'s Store);

/// A delivery that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub event: i64,
    /// How often it was tried.
    pub attempts: i64,
    /// Since when it waits, in Unix milliseconds by the database's clock.
    pub created_at_ms: i64,
}

/// How an attempt went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// 0 where no answer came.
    pub status: i64,
    /// Empty where it was delivered.
    pub problem: String,
    /// In how many milliseconds it is tried again; none where it is not: it was delivered, or given up.
    pub again_in_ms: Option<i64>,
    /// For how long nothing else is sent there either; 0 where it answered.
    pub pause_ms: i64,
}

impl Deliveries<'_> {
    /// Takes or keeps hold of a subscription, for [`HOLD_MS`]. False where another replica has it, or its receiver
    /// has a pause.
    pub async fn hold(self, scope: &Scope, id: &str, holder: &str) -> Result<bool, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        let sql = "UPDATE event_feeds SET holder = $2, held_until = $3 WHERE subscription = $1 \
                   AND (holder = $2 OR held_until <= $4) AND paused_until <= $4";
        let until = Value::Integer(now + HOLD_MS);
        let values = [Value::Text(id), Value::Text(holder), until, Value::Integer(now)];
        let held = tx.run(sql, &values).await? > 0;
        tx.commit().await?;
        Ok(held)
    }

    /// Makes deliveries of the events that came since, at most `limit` of them, where not too many wait. How many
    /// events were looked at: again, where it were `limit`.
    pub async fn take(
        self,
        scope: &Scope,
        (id, holder): (&str, &str),
        types: &[EventType],
        limit: u32,
    ) -> Result<u64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let limit = i64::from(limit.clamp(1, PAGE_MAX));
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        let sql = "SELECT taken, (SELECT COUNT(*) FROM deliveries WHERE subscription = $1 \
                   AND state = 'pending') FROM event_feeds WHERE subscription = $1 AND holder = $2";
        let rows = tx.rows(sql, &[Value::Text(id), Value::Text(holder)]).await?;
        let Some(row) = rows.first() else { return Ok(0) };
        let read = || Ok((row.integer(0)?, row.integer(1)?));
        let (taken, waiting) = read().map_err(|Unreadable| corrupt(id))?;
        if waiting >= WAITING_MAX {
            return Ok(0);
        }
        let sql = "SELECT seq, type FROM events WHERE seq > $1 ORDER BY seq LIMIT $2";
        let rows = tx.rows(sql, &[Value::Integer(taken), Value::Integer(limit)]).await?;
        let mut last = taken;
        for row in &rows {
            last = row.integer(0).map_err(|Unreadable| corrupt(id))?;
            let event = row.text(1).ok().and_then(|it| EventType::named(&it));
            if !types.is_empty() && !event.is_some_and(|it| types.contains(&it)) {
                continue;
            }
            let sql = "INSERT INTO deliveries (subscription, event, state, attempts, next_at, last_at, \
                       last_status, last_problem, created_at) \
                       VALUES ($1, $2, 'pending', 0, $3, 0, 0, '', $3) \
                       ON CONFLICT (subscription, event) DO NOTHING";
            let values = [Value::Text(id), Value::Integer(last), Value::Integer(now)];
            tx.run(sql, &values).await?;
        }
        let sql = "UPDATE event_feeds SET taken = $2 WHERE subscription = $1";
        tx.run(sql, &[Value::Text(id), Value::Integer(last)]).await?;
        tx.commit().await?;
        Ok(rows.len() as u64)
    }

    /// At most `limit` deliveries that are due, in the order of their events.
    pub async fn due(self, scope: &Scope, id: &str, limit: u32) -> Result<Vec<Due>, StoreError> {
        if !scope.sees_everything() {
            return Ok(Vec::new());
        }
        let now = clock_of(self.0.is_shared());
        let sql = format!(
            "SELECT event, attempts, created_at FROM deliveries WHERE subscription = $1 \
             AND state = 'pending' AND next_at <= {now} ORDER BY event LIMIT $2"
        );
        let limit = Value::Integer(i64::from(limit.clamp(1, PAGE_MAX)));
        let rows = self.0.engine.rows(&sql, &[Value::Text(id), limit]).await?;
        let due = |row: &Row| {
            Ok(Due {
                event: row.integer(0)?,
                attempts: row.integer(1)?,
                created_at_ms: row.integer(2)?,
            })
        };
        let due: Result<_, Unreadable> = rows.iter().map(due).collect();
        due.map_err(|Unreadable| corrupt(id))
    }

    /// Writes down how an attempt went. False where another replica holds the subscription meanwhile: then it is
    /// theirs to say.
    pub async fn tried(
        self,
        scope: &Scope,
        (id, holder): (&str, &str),
        event: i64,
        attempt: &Attempt,
    ) -> Result<bool, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        let is_delivered = attempt.problem.is_empty();
        let (paused, failed) = (now + attempt.pause_ms, i64::from(!is_delivered));
        let sql = "UPDATE event_feeds SET held_until = $3, paused_until = $4, \
                   failing_since = CASE WHEN $5 = 0 THEN 0 WHEN failing_since = 0 THEN $6 \
                   ELSE failing_since END, \
                   failures = CASE WHEN $5 = 0 THEN 0 ELSE failures + 1 END \
                   WHERE subscription = $1 AND holder = $2";
        let values = [
            Value::Text(id),
            Value::Text(holder),
            Value::Integer(now + HOLD_MS),
            Value::Integer(paused),
            Value::Integer(failed),
            Value::Integer(now),
        ];
        if tx.run(sql, &values).await? == 0 {
            return Ok(false);
        }
        let state = match (is_delivered, attempt.again_in_ms) {
            (true, _) => "delivered",
            (false, Some(_)) => "pending",
            (false, None) => "failed",
        };
        let sql = "UPDATE deliveries SET state = $3, attempts = attempts + 1, next_at = $4, \
                   last_at = $5, last_status = $6, last_problem = $7 \
                   WHERE subscription = $1 AND event = $2 AND state = 'pending'";
        let values = [
            Value::Text(id),
            Value::Integer(event),
            Value::Text(state),
            Value::Integer(now + attempt.again_in_ms.unwrap_or_default()),
            Value::Integer(now),
            Value::Integer(attempt.status),
            Value::Text(&attempt.problem),
        ];
        tx.run(sql, &values).await?;
        tx.commit().await?;
        Ok(true)
    }
}

fn corrupt(id: &str) -> StoreError {
    StoreError::Corrupt { table: "deliveries", key: Some(id.to_owned()) }
}
