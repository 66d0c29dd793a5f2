//! `event_subscriptions`: who is told of events by requests of ours. What those are signed with is sealed in
//! `credentials`, under the subscription's id; how far each has come stands in `event_feeds`.
use super::Condition;
use super::Kind;
use super::Secrets;
use super::Store;
use super::StoreError;
use super::Stored;
use super::Written;
use super::credentials::Seal;
use super::definitions::readings;
use super::delivered::NO_PAUSE;
use super::deliveries::Attempt;
use super::deliveries::Tried;
use super::deliveries::try_amiss;
use super::deliveries::write_tried;
use super::engine::Row;
use super::engine::Unreadable;
use super::engine::Value;
use super::events::BECAUSE;
use super::events::Event;
use super::events::News;
use super::migrate::new_id;
use super::record::Record;
use super::record::Table;
use super::write::Write;
use crate::model::EventType;
use crate::model::Scope;
use crate::seal::Slot;
use serde_json::json;

/// The stored event subscriptions.
#[derive(Clone, Copy, Debug)]
pub struct Subscriptions<'s>(pub(super) &'s Store);

/// Most that there may be: each event is kept for each of them.
pub const SUBSCRIPTIONS_MAX: i64 = 100;

/// An event subscription, less its secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionRow {
    /// What its secret is bound to, and its deliveries belong to. Made by the store.
    pub id: String,
    pub enabled: bool,
    /// JSON, as the API takes it, less whether it is on.
    pub definition: String,
    /// Until when a secret before the present one signs as well, in Unix milliseconds by the store's clock.
    pub previous_until_ms: Option<i64>,
}

impl Record for SubscriptionRow {
    const TABLE: Table = Table {
        name: "event_subscriptions",
        kind: Kind::EventSubscription,
        keys: &["key"],
        columns: &["id", "enabled", "definition", "previous_until"],
    };

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            Value::Text(&self.id),
            Value::flag(self.enabled),
            Value::Text(&self.definition),
            Value::maybe(self.previous_until_ms),
        ]
    }

    fn read(row: &Row, first: usize) -> Result<Self, Unreadable> {
        Ok(Self {
            id: row.text(first)?,
            enabled: row.flag(first + 1)?,
            definition: row.text(first + 2)?,
            previous_until_ms: row.maybe_integer(first + 3)?,
        })
    }
}

readings!(Subscriptions of SubscriptionRow);

impl Subscriptions<'_> {
    /// Creates a subscription, with the secret that `fresh` seals, or replaces one: its secret stays. It is told of
    /// what happens from then on, itself included; where it was switched off, of nothing that happened meanwhile.
    /// The row as it is now, whose id is the store's.
    pub async fn put(
        self,
        scope: &Scope,
        key: &str,
        row: &SubscriptionRow,
        fresh: Seal<'_>,
        condition: impl Into<Condition>,
    ) -> Result<(Written, SubscriptionRow), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let condition = condition.into();
        let mut write = self.0.write(scope).await?;
        let standing = write.expected(&SubscriptionRow::TABLE, &[key], condition.expect).await?;
        write.check_needs(&condition).await?;
        let before = match standing {
            Some(_) => write.current::<SubscriptionRow>(&[key]).await?.map(|it| it.value),
            None => None,
        };
        let row = match &before {
            Some(before) => {
                let (id, previous_until_ms) = (before.id.clone(), before.previous_until_ms);
                SubscriptionRow { id, previous_until_ms, ..row.clone() }
            }
            None => {
                write.refuse_more().await?;
                let id = new_id(write.now_ms);
                write.secrets((&id, "", Slot::Subscription), Secrets::Set(fresh)).await?;
                SubscriptionRow { id, previous_until_ms: None, ..row.clone() }
            }
        };
        let was_on = before.is_some_and(|it| it.enabled);
        write.feed(&row.id, row.enabled && !was_on).await?;
        let written = write.put_over(&[key], &row, standing.as_ref(), (key, "")).await?;
        write.commit().await?;
        Ok((written, row))
    }

    /// Gives it another secret, which `fresh` seals beside those before; the last of them signs as well for `overlap_ms`
    /// by the store's clock, and where that is nothing none does.
    pub async fn rotate(
        self,
        scope: &Scope,
        key: &str,
        overlap_ms: i64,
        fresh: Seal<'_>,
        condition: impl Into<Condition>,
    ) -> Result<(Written, SubscriptionRow), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let standing =
            write.there(&SubscriptionRow::TABLE, &[key], condition.into().expect).await?;
        let current = write.current::<SubscriptionRow>(&[key]).await?;
        let current = current.ok_or(StoreError::NotFound)?.value;
        write.secrets((&current.id, "", Slot::Subscription), Secrets::Set(fresh)).await?;
        let until = (overlap_ms > 0).then(|| {
            let until = write.now_ms.saturating_add(overlap_ms);
            current.previous_until_ms.map_or(until, |it| it.max(until))
        });
        let row = SubscriptionRow { previous_until_ms: until, ..current };
        let written = write.put_over(&[key], &row, Some(&standing), (key, "")).await?;
        write.commit().await?;
        Ok((written, row))
    }

    /// Writes down the attempt that ended it, and with it switches it off, where it is as it was then: why, the audit
    /// trail says, and those who follow are told.
    pub async fn ended(
        self,
        scope: &Scope,
        key: &str,
        (id, holder, version): (&str, &str, i64),
        (event, attempt): (i64, &Attempt),
        because: &str,
    ) -> Result<Tried, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let (now, place) = (write.now_ms, (id, holder, version));
        let tried = write_tried(&mut write.tx, now, place, event, attempt).await?;
        if tried != Tried::Written {
            return Ok(tried);
        }
        let current = write.current::<SubscriptionRow>(&[key]).await?;
        let is_same = |it: &Stored<SubscriptionRow>| {
            it.value.id == id && it.version == version && it.value.enabled
        };
        let Some(current) = current.filter(is_same) else { return Ok(Tried::Changed) };
        let row = SubscriptionRow { enabled: false, ..current.value };
        let standing = write.standing(&SubscriptionRow::TABLE, &[key]).await?;
        write.put_over(&[key], &row, standing.as_ref(), (key, "")).await?;
        write.note_with_last(BECAUSE, None, Some(because.into()));
        write.commit().await?;
        Ok(tried)
    }

    /// Deletes a subscription, and its secret. Its deliveries are out of reach from then on, and go bit by bit.
    pub async fn delete(
        self,
        scope: &Scope,
        key: &str,
        condition: impl Into<Condition>,
    ) -> Result<i64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let expect = condition.into().expect;
        write.there(&SubscriptionRow::TABLE, &[key], expect).await?;
        // By its own column: a row that does not read can be deleted all the same.
        let sql = "SELECT id FROM event_subscriptions WHERE key = $1";
        let rows = write.tx.rows(sql, &[Value::Text(key)]).await?;
        let id = rows.first().and_then(|it| it.text(0).ok()).unwrap_or_default();
        write.secrets((&id, "", Slot::Subscription), Secrets::Remove).await?;
        write.remove::<SubscriptionRow>(&[key], expect, (key, "")).await?;
        let sql = "DELETE FROM event_feeds WHERE subscription = $1";
        write.tx.run(sql, &[Value::Text(&id)]).await?;
        write.commit().await
    }

    /// Has it be sent an event of no consequence, which nobody else is sent: the event.
    pub async fn test(self, scope: &Scope, key: &str) -> Result<Event, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let current = write.current::<SubscriptionRow>(&[key]).await?;
        let id = current.ok_or(StoreError::NotFound)?.value.id;
        let by = write.who().to_owned();
        let none = String::new;
        let news = News {
            event: EventType::SubscriptionTested,
            connection: none(),
            tenant: none(),
            environment: none(),
            data: json!({ "kind": Kind::EventSubscription.as_str(), "key": key, "by": by }),
        };
        let event = write.tell(&news).await?;
        write.tx.run(NO_PAUSE, &[Value::Text(&id), Value::Integer(write.now_ms)]).await?;
        write.deliver(&id, event.seq).await?;
        write.commit().await?;
        Ok(event)
    }
}

fn corrupt() -> StoreError {
    StoreError::Corrupt { table: "event_subscriptions", key: None }
}

impl Write<'_> {
    async fn refuse_more(&mut self) -> Result<(), StoreError> {
        let rows = self.tx.rows("SELECT COUNT(*) FROM event_subscriptions", &[]).await?;
        let count = rows.first().and_then(|it| it.integer(0).ok()).ok_or_else(corrupt)?;
        if count < SUBSCRIPTIONS_MAX {
            return Ok(());
        }
        let by = Vec::new();
        Err(StoreError::InUse { by, total: count })
    }

    /// Has its receiver be tried at once, whatever came of it before, with what it took amiss as well; from what
    /// happens next, where it is made or switched on.
    async fn feed(&mut self, id: &str, is_anew: bool) -> Result<(), StoreError> {
        let (last, anew) = (Value::Integer(self.last_event), Value::flag(is_anew));
        let sql = "INSERT INTO event_feeds \
                   (subscription, taken, holder, held_until, paused_until, failures, failing_since) \
                   VALUES ($1, $2, '', 0, 0, 0, 0) ON CONFLICT (subscription) DO UPDATE SET \
                   taken = CASE WHEN $3 = 1 THEN excluded.taken ELSE event_feeds.taken END, \
                   paused_until = 0, failures = 0, failing_since = 0";
        self.tx.run(sql, &[Value::Text(id), last, anew]).await?;
        try_amiss(&mut self.tx, id, self.now_ms, 1, true).await
    }

    /// Has an event be sent, as soon as may be.
    async fn deliver(&mut self, id: &str, event: i64) -> Result<(), StoreError> {
        let sql = format!(
            "{} VALUES ($1, $2, 'pending', 0, 0, $3, 0, 0, '', $3)",
            super::deliveries::INSERT
        );
        let values = [Value::Text(id), Value::Integer(event), Value::Integer(self.now_ms)];
        self.tx.run(&sql, &values).await.map(drop)
    }
}
