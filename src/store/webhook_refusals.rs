//! `webhook_refusals`: when it was told last that deliveries to a connection are refused, so that replicas do not tell
//! it one after the other.
use super::BATCH_MAX;
use super::Store;
use super::StoreError;
use super::engine::Value;
use super::events::News;
use super::migrate::now_ms;
use crate::model::EventType;
use crate::model::Scope;
use serde_json::json;

/// What was told of refused deliveries.
#[derive(Clone, Copy, Debug)]
pub struct WebhookRefusals<'s>(pub(super) &'s Store);

/// Deliveries to a connection that were refused for the same reason, by one attache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub connection: String,
    /// A word of a closed set.
    pub reason: &'static str,
    /// Since it was told last.
    pub count: u64,
    /// RFC 3339, as is the next.
    pub first_at: String,
    pub last_at: String,
}

impl WebhookRefusals<'_> {
    /// Tells of these, each in an event, but for what was told less than so long ago by whomever. Whether each was
    /// told, in their order.
    pub async fn tell(
        self,
        scope: &Scope,
        all: &[Refused],
        not_within_ms: i64,
    ) -> Result<Vec<bool>, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let now_ms = write.now_ms;
        let mut told = Vec::with_capacity(all.len());
        for it in all {
            // A time to come was written before the clock was set back.
            let sql = "INSERT INTO webhook_refusals (connection, reason, told_at) VALUES ($1, $2, $3) \
                       ON CONFLICT (connection, reason) DO UPDATE SET told_at = excluded.told_at \
                       WHERE webhook_refusals.told_at <= $4 OR webhook_refusals.told_at > $3";
            let values = [
                Value::Text(&it.connection),
                Value::Text(it.reason),
                Value::Integer(now_ms),
                Value::Integer(now_ms.saturating_sub(not_within_ms)),
            ];
            let is_due = write.tx.run(sql, &values).await? > 0;
            if is_due {
                write.tell(&it.news()).await?;
            }
            told.push(is_due);
        }
        write.commit().await?;
        Ok(told)
    }

    /// Forgets what was told longer ago, at most [`BATCH_MAX`] of it: again, where it were so many. How many.
    pub async fn prune(self, scope: &Scope, older_than_ms: i64) -> Result<u64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let before = now_ms(&mut tx).await?.saturating_sub(older_than_ms);
        let sql = "DELETE FROM webhook_refusals WHERE (connection, reason) IN (SELECT connection, reason \
                   FROM webhook_refusals WHERE told_at < $1 ORDER BY told_at LIMIT $2)";
        let values = [Value::Integer(before), Value::Integer(i64::from(BATCH_MAX))];
        let pruned = tx.run(sql, &values).await?;
        tx.commit().await?;
        Ok(pruned)
    }
}

impl Refused {
    fn news(&self) -> News {
        let Self { connection, reason, count, first_at, last_at } = self;
        News {
            event: EventType::WebhookRefused,
            connection: connection.clone(),
            tenant: String::new(),
            environment: String::new(),
            data: json!({
                "kind": "connection",
                "key": connection,
                "reason": reason,
                "count": count,
                "first_at": first_at,
                "last_at": last_at,
            }),
        }
    }
}
