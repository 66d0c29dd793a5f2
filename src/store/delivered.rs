//! `deliveries` as operators see them: what became of each, and the word to try one again. Old ones are forgotten.
use super::BATCH_MAX;
use super::PAGE_MAX;
use super::StoreError;
use super::deliveries::Deliveries;
use super::deliveries::corrupt;
use super::engine::Row;
use super::engine::Unreadable;
use super::engine::Value;
use super::migrate::now_ms;
use super::salvage::sorted_out;
use crate::model::EventType;
use crate::model::Scope;

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is still to be sent, for the first time or again.
    Pending,
    /// The receiver has it.
    Delivered,
    /// It was given up.
    Failed,
}

impl DeliveryState {
    pub const ALL: &[Self] = &[Self::Pending, Self::Delivered, Self::Failed];

    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// None for a word that is no state's.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == name)
    }
}

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The number of its event.
    pub seq: i64,
    /// The event's id and its type; empty where the event is forgotten.
    pub event: String,
    pub name: String,
    pub state: DeliveryState,
    pub attempts: i64,
    /// Unix milliseconds, by the database's clock, as are the next.
    pub created_at_ms: i64,
    /// Of one that is pending: not before.
    pub next_at_ms: i64,
    /// Of the last attempt; 0 where there was none yet.
    pub last_at_ms: i64,
    /// What it was answered with; 0 where no answer came.
    pub last_status: i64,
    /// Empty where it was delivered, or not tried yet.
    pub last_problem: String,
}

/// How a subscription's receiver does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    /// How often in a row its receiver was away, at least 1 where it took the last one amiss, and since when nothing
    /// was delivered; 0 where the last one was.
    pub failures: i64,
    pub failing_since_ms: i64,
    /// Events that are still to be delivered; [`PENDING_MAX`] stands for so many and more.
    pub pending: i64,
}

/// Events that are counted: there may be a million, and who asks does not wait for them.
pub const PENDING_MAX: i64 = 10_000;

/// Ends a receiver's pause: the word of an operator.
pub(super) const NO_PAUSE: &str = "UPDATE event_feeds SET paused_until = \
                                   CASE WHEN paused_until > $2 THEN $2 ELSE paused_until END WHERE subscription = $1";

const SELECT: &str = "SELECT d.event, COALESCE(e.id, ''), COALESCE(e.type, ''), d.state, d.attempts, d.created_at, \
                      d.next_at, d.last_at, d.last_status, d.last_problem FROM deliveries d \
                      LEFT JOIN events e ON e.seq = d.event WHERE d.subscription = $1";

impl Deliveries<'_> {
    /// At most `limit` deliveries of a subscription, the newest event first, before the event `before`, in this
    /// state or any. Those that do not read are named beside them.
    pub async fn list(
        self,
        scope: &Scope,
        id: &str,
        state: Option<DeliveryState>,
        (before, limit): (Option<i64>, u32),
    ) -> Result<(Vec<Delivery>, Vec<StoreError>), StoreError> {
        if !scope.sees_everything() {
            return Ok((Vec::new(), Vec::new()));
        }
        let limit = Value::Integer(i64::from(limit.clamp(1, PAGE_MAX)));
        let before = Value::Integer(before.unwrap_or(i64::MAX));
        let mut values = vec![Value::Text(id), before, limit];
        let mut is = "";
        if let Some(state) = state {
            values.push(Value::Text(state.as_str()));
            is = " AND d.state = $4";
        }
        let sql = format!("{SELECT} AND d.event < $2{is} ORDER BY d.event DESC LIMIT $3");
        let rows = self.0.engine.rows(&sql, &values).await?;
        Ok(sorted_out(&rows, |row| read(row).map_err(|Unreadable| corrupt(id))))
    }

    /// Has a delivery be sent again at once, whatever became of it, under the id of its event as ever. As it is
    /// then; none where there is no such one, or its event is forgotten.
    pub async fn retry(
        self,
        scope: &Scope,
        id: &str,
        event: &str,
    ) -> Result<Option<Delivery>, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        // Its receiver may be there again as well.
        tx.run(NO_PAUSE, &[Value::Text(id), Value::Integer(now)]).await?;
        let sql = "UPDATE deliveries SET state = 'pending', next_at = $3, created_at = $3, refused = 0 \
                   WHERE subscription = $1 AND event = (SELECT seq FROM events WHERE id = $2)";
        let values = [Value::Text(id), Value::Text(event), Value::Integer(now)];
        if tx.run(sql, &values).await? == 0 {
            return Ok(None);
        }
        let sql = format!("{SELECT} AND e.id = $2");
        let rows = tx.rows(&sql, &[Value::Text(id), Value::Text(event)]).await?;
        tx.commit().await?;
        rows.first().map(read).transpose().map_err(|Unreadable| corrupt(id))
    }

    /// How the receiver of a subscription does that is told of these types from here on; none: of all.
    pub async fn feed(
        self,
        scope: &Scope,
        id: &str,
        types: Option<&[EventType]>,
    ) -> Result<Feed, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut values = vec![Value::Text(id)];
        let to_come = to_come(types, &mut values);
        // In one statement: what is to become a delivery may become one meanwhile.
        let sql = format!(
            "SELECT failures, failing_since, (SELECT COUNT(*) FROM deliveries d WHERE subscription = $1 \
             AND state = 'pending' AND EXISTS (SELECT 1 FROM events WHERE seq = d.event)) + {to_come} \
             FROM event_feeds f WHERE f.subscription = $1"
        );
        let rows = self.0.engine.rows(&sql, &values).await?;
        let Some(row) = rows.first() else { return Ok(Feed::default()) };
        let read = || {
            let (failures, failing_since_ms) = (row.integer(0)?, row.integer(1)?);
            let pending = row.integer(2)?.min(PENDING_MAX);
            Ok(Feed { failures, failing_since_ms, pending })
        };
        read().map_err(|Unreadable| corrupt(id))
    }

    /// Events of these types that are to become deliveries of a subscription, up to [`PENDING_MAX`].
    pub async fn to_come(
        self,
        scope: &Scope,
        id: &str,
        types: Option<&[EventType]>,
    ) -> Result<i64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut values = vec![Value::Text(id)];
        let to_come = to_come(types, &mut values);
        let sql = format!("SELECT {to_come} FROM event_feeds f WHERE f.subscription = $1");
        let rows = self.0.engine.rows(&sql, &values).await?;
        Ok(rows.first().and_then(|it| it.integer(0).ok()).unwrap_or_default())
    }

    /// Forgets what was delivered so long ago, what failed so long ago, and what is left of subscriptions that are
    /// gone; at most [`BATCH_MAX`] of each. True where there may be more.
    pub async fn prune(
        self,
        scope: &Scope,
        delivered_ms: i64,
        failed_ms: i64,
    ) -> Result<bool, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        let mut more = false;
        for (state, older_than) in [("delivered", delivered_ms), ("failed", failed_ms)] {
            let sql = "DELETE FROM deliveries WHERE (subscription, event) IN (SELECT subscription, event \
                       FROM deliveries WHERE state <> 'pending' AND state = $1 AND last_at < $2 \
                       ORDER BY last_at LIMIT $3)";
            let values = [Value::Text(state), Value::Integer(now - older_than), batch()];
            more |= tx.run(sql, &values).await? >= u64::from(BATCH_MAX);
        }
        let sql = "DELETE FROM deliveries WHERE (subscription, event) IN (SELECT subscription, event \
                   FROM deliveries WHERE subscription NOT IN (SELECT subscription FROM event_feeds) LIMIT $1)";
        more |= tx.run(sql, &[batch()]).await? >= u64::from(BATCH_MAX);
        tx.commit().await?;
        Ok(more)
    }
}

/// Counts the events of these types behind what the feed `f` has taken; its values go behind those there are.
fn to_come<'a>(types: Option<&'a [EventType]>, values: &mut Vec<Value<'a>>) -> String {
    let of = match types {
        None => String::new(),
        Some([]) => return "CAST(0 AS BIGINT)".to_owned(),
        Some(types) => {
            let first = values.len() + 3;
            let places = (first..first + types.len()).map(|it| format!("${it}"));
            format!(" AND type IN ({})", places.collect::<Vec<_>>().join(", "))
        }
    };
    let (most, tested) = (values.len() + 1, values.len() + 2);
    values.push(Value::Integer(PENDING_MAX));
    values.push(Value::Text(EventType::SubscriptionTested.as_str()));
    values.extend(types.unwrap_or_default().iter().map(|it| Value::Text(it.as_str())));
    format!(
        "(SELECT COUNT(*) FROM (SELECT seq FROM events WHERE seq > f.taken AND type <> ${tested}{of} \
         LIMIT ${most}) AS waiting)"
    )
}

fn batch() -> Value<'static> {
    Value::Integer(i64::from(BATCH_MAX))
}

fn read(row: &Row) -> Result<Delivery, Unreadable> {
    Ok(Delivery {
        seq: row.integer(0)?,
        event: row.text(1)?,
        name: row.text(2)?,
        state: DeliveryState::named(&row.text(3)?).ok_or(Unreadable)?,
        attempts: row.integer(4)?,
        created_at_ms: row.integer(5)?,
        next_at_ms: row.integer(6)?,
        last_at_ms: row.integer(7)?,
        last_status: row.integer(8)?,
        last_problem: row.text(9)?,
    })
}
