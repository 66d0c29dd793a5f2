//! `webhook_deliveries`: what senders delivered and what became of it, for people who look at it or send one again.
//!
//! A record of no consequence to whether a delivery is forwarded: it is written in groups, behind the deliveries, and
//! nothing waits for it. What it holds of a delivery is sealed by whoever writes it.
use super::BATCH_MAX;
use super::Kind;
use super::PAGE_MAX;
use super::Store;
use super::StoreError;
use super::audit::Act;
use super::audit::Entry;
use super::engine::Row;
use super::engine::Unreadable;
use super::engine::Value;
use super::migrate::now_expression;
use super::salvage;
use super::several;
use super::write::Write;
use crate::model::DeliveryVerdict;
use crate::model::Scope;
use serde_json::Map;
use std::fmt::Write as _;

/// Rows that are deleted with one commit: few, since claims of deliveries wait for it where there is one writer.
const TRIMMED_AT_ONCE: u32 = 128;

/// Of all deliveries that are kept, and of what they take, such a part may be refused ones, and as much handshakes:
/// anybody can make them.
const UNVERIFIED_PART: u32 = 10;

/// What a row takes beside what is kept in it, with its places in the indexes, about.
const ROW_SIZE: usize = 512;

/// Rows whose sizes are added up with one question.
const SUMMED_AT_ONCE: u32 = 1 << 14;

/// How long it is remembered that deliveries are gone: what was on its way to be written meanwhile goes as well.
const GONE_FOR_MS: i64 = 60 * 60 * 1000;

/// Digits of the time at the beginning of an id, with the hyphen in them (RFC 9562 §5.7).
const TIME_LEN: usize = 13;

/// Deliveries that are kept.
#[derive(Clone, Copy, Debug)]
pub struct WebhookDeliveries<'s>(pub(super) &'s Store);

/// A delivery, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// A UUID of version 7, of the time when it came.
    pub id: String,
    /// A stored connection's id, or `file:` and the key of one that a file declares.
    pub owner: String,
    /// The connection's key.
    pub connection: String,
    /// Empty where it is nobody's in particular.
    pub tenant: String,
    /// Unix milliseconds.
    pub at_ms: i64,
    pub verdict: DeliveryVerdict,
    /// Of attache's own answer; empty where it gave none.
    pub code: String,
    pub status: u16,
    pub target_status: Option<u16>,
    /// The sender's own id for it; empty where it has none.
    pub webhook_id: String,
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Of the body.
    pub bytes: u64,
    pub took_us: u64,
    /// Empty where it is no replay.
    pub replay_of: String,
    pub can_replay: bool,
}

/// The same with what is kept of it, sealed; empty where nothing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptDelivery {
    pub delivery: WebhookDelivery,
    pub contents: Vec<u8>,
}

/// Which deliveries are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    pub owner: Option<String>,
    pub tenant: Option<String>,
    pub verdict: Option<DeliveryVerdict>,
    /// Unix milliseconds, as is the next, which is not included.
    pub since_ms: Option<i64>,
    pub until_ms: Option<i64>,
}

/// What is kept of deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryBounds {
    /// Unix milliseconds: none that came before.
    pub before_ms: i64,
    /// So many.
    pub most: u32,
    /// What they take together.
    pub most_bytes: u64,
}

/// What is beyond bounds, while it is thrown away bit by bit: where it ends is found once for each kind, since that
/// takes a look at all that are kept.
#[derive(Clone, Debug)]
pub struct DeliveryTrim {
    bounds: DeliveryBounds,
    /// So many of the kinds.
    done: usize,
    /// Of the next kind those before this id go. None where it is yet to be found.
    end: Option<String>,
}

/// How many of an owner's deliveries came to the same, and when the last of them came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryCount {
    pub owner: String,
    pub verdict: DeliveryVerdict,
    pub count: u64,
    pub last_ms: i64,
}

const COLUMNS: &str = "id, owner, connection, tenant, at, verdict, code, status, target_status, webhook_id, method, \
                       path, bytes, took_us, replay_of, can_replay";

/// What is looked at by itself, and all at last. Those that anybody can make are first, so that they push nothing out
/// that was verified.
const KINDS: [Option<DeliveryVerdict>; 3] =
    [Some(DeliveryVerdict::Refused), Some(DeliveryVerdict::Handshake), None];

/// None whose owner or tenant went after it came.
const THERE: &str = "NOT EXISTS (SELECT 1 FROM webhook_deliveries_gone AS gone WHERE gone.owner = d.owner \
                     AND gone.tenant IN ('', d.tenant) AND d.at < gone.before)";

/// Those that are gone, of whole owners and of tenants: each found by an index, from what is gone.
const GONE: [&str; 2] = [
    "gone.tenant = '' AND d.owner = gone.owner",
    "gone.tenant <> '' AND d.tenant <> '' AND d.tenant = gone.tenant AND d.owner = gone.owner",
];

impl WebhookDeliveries<'_> {
    /// Keeps all of these, in one transaction. One that is there already stays as it is.
    pub async fn keep(self, scope: &Scope, all: &[KeptDelivery]) -> Result<(), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let rows: Vec<_> = all.iter().map(KeptDelivery::values).collect();
        let mut tx = self.0.engine.begin().await?;
        let head = format!("INSERT INTO webhook_deliveries ({COLUMNS}, contents, size)");
        several::insert(&mut tx, &head, &rows, "ON CONFLICT (id) DO NOTHING").await?;
        tx.commit().await
    }

    /// At most `limit`, the newest first, before the one with the id `before`. Those that do not read are named
    /// beside them.
    pub async fn list(
        self,
        scope: &Scope,
        filter: &DeliveryFilter,
        before: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<WebhookDelivery>, Vec<StoreError>), StoreError> {
        if !scope.sees_everything() {
            return Ok((Vec::new(), Vec::new()));
        }
        let since = filter.since_ms.map(first_id_at);
        let until = filter.until_ms.map(first_id_at);
        let verdict = filter.verdict.map(DeliveryVerdict::as_str);
        let conditions = [
            ("owner =", filter.owner.as_deref()),
            ("tenant =", filter.tenant.as_deref()),
            ("verdict =", verdict),
            ("id <", before),
            ("id >=", since.as_deref()),
            ("id <", until.as_deref()),
        ];
        let mut values = vec![Value::Integer(i64::from(limit.clamp(1, PAGE_MAX)))];
        let mut sql = format!("SELECT {COLUMNS} FROM webhook_deliveries AS d WHERE {THERE}");
        for (condition, value) in conditions {
            let Some(value) = value else { continue };
            values.push(Value::Text(value));
            // Writing to a text does not fail.
            let _ = write!(sql, " AND d.{condition} ${}", values.len());
            if condition == "tenant =" && !value.is_empty() {
                sql.push_str(" AND d.tenant <> ''");
            }
        }
        sql.push_str(" ORDER BY d.id DESC LIMIT $1");
        let rows = self.0.engine.rows(&sql, &values).await?;
        Ok(salvage::sorted_out(&rows, read))
    }

    pub async fn get(self, scope: &Scope, id: &str) -> Result<Option<KeptDelivery>, StoreError> {
        if !scope.sees_everything() {
            return Ok(None);
        }
        let sql = format!(
            "SELECT {COLUMNS}, contents FROM webhook_deliveries AS d WHERE id = $1 AND {THERE}"
        );
        let rows = self.0.engine.rows(&sql, &[Value::Text(id)]).await?;
        let whole = |row: &Row| {
            let contents = row.bytes(16).map_err(|Unreadable| corrupt(Some(id.to_owned())))?;
            Ok(KeptDelivery { delivery: read(row)?, contents })
        };
        rows.first().map(whole).transpose()
    }

    /// How many there are of each of these owners, by verdict.
    pub async fn counts(
        self,
        scope: &Scope,
        owners: &[&str],
    ) -> Result<Vec<DeliveryCount>, StoreError> {
        let mut all = Vec::new();
        if !scope.sees_everything() {
            return Ok(all);
        }
        // By the index alone, but for a while after something went.
        let there = if self.any_gone().await? { format!("AND {THERE}") } else { String::new() };
        for part in several::texts(owners) {
            let sql = format!(
                "SELECT owner, verdict, COUNT(*), MAX(id) FROM webhook_deliveries AS d \
                 WHERE owner IN (VALUES {}) {there} GROUP BY owner, verdict",
                part.places
            );
            for row in &self.0.engine.rows(&sql, &part.values).await? {
                let count = || {
                    let verdict = DeliveryVerdict::named(&row.text(1)?).ok_or(Unreadable)?;
                    Ok(DeliveryCount {
                        owner: row.text(0)?,
                        verdict,
                        count: row.integer(2)?.unsigned_abs(),
                        last_ms: time_of(&row.text(3)?).ok_or(Unreadable)?,
                    })
                };
                all.push(count().map_err(|Unreadable| corrupt(None))?);
            }
        }
        Ok(all)
    }

    /// Enters in the audit trail that a delivery is about to be sent again: what can't be entered is not done.
    pub async fn enter_replay(
        self,
        scope: &Scope,
        delivery: &WebhookDelivery,
    ) -> Result<(), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let what = Map::from_iter([("delivery".to_owned(), delivery.id.clone().into())]);
        write.entries.push(Entry {
            act: Act::Replayed,
            of: Some(match delivery.tenant.is_empty() {
                true => Kind::Connection,
                false => Kind::Activation,
            }),
            key: delivery.connection.clone(),
            tenant: delivery.tenant.clone(),
            revision: 0,
            was: None,
            became: Some(what),
        });
        write.commit().await.map(drop)
    }

    /// Deletes some of what is beyond the bounds, the oldest first, and then of what is gone: few with one commit. Of
    /// those that anybody can make a tenth stays. True where there may be more.
    ///
    /// What is to go is looked for beforehand: whoever writes does not wait for that. What came since it was found is
    /// left to the next trim.
    pub async fn trim(self, scope: &Scope, trim: &mut DeliveryTrim) -> Result<bool, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        while let Some(verdict) = KINDS.get(trim.done).copied() {
            let end = match trim.end.take() {
                Some(end) => end,
                None => self.end_of(verdict, trim.bounds_of(verdict)).await?,
            };
            if self.trim_before(verdict, &end).await? {
                trim.end = Some(end);
                return Ok(true);
            }
            trim.done += 1;
        }
        self.trim_gone().await
    }

    /// Where those end, of what came to this (of all), that are over so many and so many bytes, and before an id.
    /// Empty where there are none.
    async fn end_of(
        self,
        verdict: Option<DeliveryVerdict>,
        (most, most_bytes, old): (u32, u64, String),
    ) -> Result<String, StoreError> {
        let (of, value) = rows_of(verdict);
        let sql = format!("SELECT id FROM {of} ORDER BY id DESC LIMIT 1 OFFSET $2");
        let values = [value, Value::Integer(i64::from(most))];
        let rows = self.0.engine.rows(&sql, &values).await?;
        // The one that is over goes as well.
        let behind = |id: String| id + "~";
        let over = rows.first().and_then(|it| it.text(0).ok()).map(behind);
        let last = over.filter(|it| *it > old).unwrap_or(old);
        let over = self.over_bytes((of, value), most_bytes, &last).await?.map(behind);
        Ok(over.unwrap_or(last))
    }

    /// Deletes some of those that came to this (of all) and are before an id. True where there may be more.
    async fn trim_before(
        self,
        verdict: Option<DeliveryVerdict>,
        end: &str,
    ) -> Result<bool, StoreError> {
        if end.is_empty() {
            return Ok(false);
        }
        let (of, value) = rows_of(verdict);
        let sql = format!(
            "DELETE FROM webhook_deliveries WHERE id IN \
             (SELECT id FROM {of} AND id < $2 ORDER BY id LIMIT $3)"
        );
        let at_once = Value::Integer(i64::from(TRIMMED_AT_ONCE));
        let mut tx = self.0.engine.begin().await?;
        let trimmed = tx.run(&sql, &[value, Value::Text(end), at_once]).await?;
        tx.commit().await?;
        Ok(trimmed >= u64::from(TRIMMED_AT_ONCE))
    }

    /// The newest that does not fit into so many bytes with all that are newer, if it is not before that id: by an
    /// index alone, a part of it at a time.
    async fn over_bytes(
        self,
        (of, value): (&str, Value<'_>),
        most: u64,
        last: &str,
    ) -> Result<Option<String>, StoreError> {
        let (mut left, mut before) = (i64::try_from(most).unwrap_or(i64::MAX), "~".to_owned());
        let some =
            format!("SELECT id, size FROM {of} AND id < $2 AND id >= $3 ORDER BY id DESC LIMIT $4");
        let sums = format!("SELECT CAST(SUM(size) AS BIGINT), MIN(id) FROM ({some}) AS part");
        let over = format!(
            "SELECT id FROM (SELECT id, SUM(size) OVER (ORDER BY id DESC) AS total FROM ({some}) AS part) AS summed \
             WHERE total > $5 ORDER BY id DESC LIMIT 1"
        );
        loop {
            let at_once = Value::Integer(i64::from(SUMMED_AT_ONCE));
            let part = [value, Value::Text(&before), Value::Text(last), at_once];
            let rows = self.0.engine.rows(&sums, &part).await?;
            let sum = rows.first().map(|it| it.maybe_integer(0));
            // There are no more.
            let Some(sum) = sum.transpose().map_err(|Unreadable| corrupt(None))?.flatten() else {
                return Ok(None);
            };
            if sum > left {
                let values = [&part[..], &[Value::Integer(left)]].concat();
                let rows = self.0.engine.rows(&over, &values).await?;
                // None where they went meanwhile.
                return Ok(rows.first().and_then(|it| it.text(0).ok()));
            }
            left -= sum;
            before = rows[0].text(1).map_err(|Unreadable| corrupt(None))?;
        }
    }

    /// Deletes some of those that are gone, and forgets what went long ago. True where there may be more.
    async fn trim_gone(self) -> Result<bool, StoreError> {
        if !self.any_gone().await? {
            return Ok(false);
        }
        let mut ids = Vec::new();
        for of in GONE {
            // The order of the two is as written: the other would look at each delivery.
            let sql = format!(
                "SELECT d.id FROM webhook_deliveries_gone AS gone CROSS JOIN webhook_deliveries AS d \
                 WHERE {of} AND d.at < gone.before LIMIT $1"
            );
            let at_once = Value::Integer(i64::from(TRIMMED_AT_ONCE));
            let rows = self.0.engine.rows(&sql, &[at_once]).await?;
            ids.extend(rows.iter().filter_map(|it| it.text(0).ok()));
        }
        ids.truncate(TRIMMED_AT_ONCE as usize);
        let mut tx = self.0.engine.begin().await?;
        let (done, most) = match ids.is_empty() {
            true => {
                let now = now_expression(&tx);
                let sql = format!(
                    "DELETE FROM webhook_deliveries_gone WHERE (owner, tenant) IN (SELECT owner, tenant \
                     FROM webhook_deliveries_gone WHERE before < {now} - $1 ORDER BY before LIMIT $2)"
                );
                let values = [Value::Integer(GONE_FOR_MS), Value::Integer(i64::from(BATCH_MAX))];
                (tx.run(&sql, &values).await?, u64::from(BATCH_MAX))
            }
            false => {
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                for part in several::texts(&ids) {
                    let sql = format!(
                        "DELETE FROM webhook_deliveries WHERE id IN (VALUES {})",
                        part.places
                    );
                    tx.run(&sql, &part.values).await?;
                }
                (ids.len() as u64, u64::from(TRIMMED_AT_ONCE))
            }
        };
        tx.commit().await?;
        Ok(done >= most)
    }

    /// Whether anything went a while ago: seldom.
    async fn any_gone(self) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM webhook_deliveries_gone LIMIT 1";
        Ok(!self.0.engine.rows(sql, &[]).await?.is_empty())
    }
}

impl Write<'_> {
    /// Deletes what is kept of a tenant's deliveries, or of all the owner's. Of many a part at once: the others are out
    /// of sight from then on, and go bit by bit.
    pub(super) async fn forget_deliveries(
        &mut self,
        owner: &str,
        tenant: Option<&str>,
    ) -> Result<(), StoreError> {
        let of_tenant =
            if tenant.is_some() { "AND tenant = $2 AND tenant <> ''" } else { "AND $2 = ''" };
        let values = [Value::Text(owner), Value::Text(tenant.unwrap_or_default())];
        // Most activations are of connections that take no webhooks, and many may go at once. What waits to be written
        // somewhere is not seen here: of one that takes them it is said even where nobody has any yet. What one of a
        // file takes is not known here. A method is written down with its other types, each `null`.
        let takes = "SELECT 1 FROM webhook_deliveries WHERE owner = $1 UNION ALL SELECT 1 FROM connections AS c \
                     JOIN auth_methods AS m ON m.connector = c.connector AND m.method = c.method \
                     AND m.revision = c.revision WHERE c.id = $1 AND m.definition LIKE '%\"hmac\":{%' LIMIT 1";
        let may_take = tenant.is_none()
            || owner.starts_with("file:")
            || !self.tx.rows(takes, &[Value::Text(owner)]).await?.is_empty();
        if !may_take {
            return Ok(());
        }
        let sql = "INSERT INTO webhook_deliveries_gone (owner, tenant, before) VALUES ($1, $2, $3) \
                   ON CONFLICT (owner, tenant) DO UPDATE SET before = excluded.before";
        let [of, tenant] = values;
        self.tx.run(sql, &[of, tenant, Value::Integer(self.now_ms)]).await?;
        let sql = format!(
            "DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries WHERE owner = $1 \
             {of_tenant} ORDER BY id LIMIT $3)"
        );
        self.tx.run(&sql, &[of, tenant, Value::Integer(i64::from(BATCH_MAX))]).await.map(drop)
    }
}

impl DeliveryTrim {
    /// To within these.
    pub fn to(bounds: DeliveryBounds) -> Self {
        Self { bounds, done: 0, end: None }
    }

    /// So many of a kind, so many bytes, and none before an id.
    fn bounds_of(&self, verdict: Option<DeliveryVerdict>) -> (u32, u64, String) {
        let DeliveryBounds { before_ms, most, most_bytes } = self.bounds;
        match verdict {
            Some(_) => {
                let part = u64::from(UNVERIFIED_PART);
                (most / UNVERIFIED_PART, most_bytes / part, String::new())
            }
            None => (most, most_bytes, first_id_at(before_ms)),
        }
    }
}

impl KeptDelivery {
    fn values(&self) -> Vec<Value<'_>> {
        let Self { delivery: it, contents } = self;
        let number = |it: u64| Value::Integer(i64::try_from(it).unwrap_or(i64::MAX));
        vec![
            Value::Text(&it.id),
            Value::Text(&it.owner),
            Value::Text(&it.connection),
            Value::Text(&it.tenant),
            Value::Integer(it.at_ms),
            Value::Text(it.verdict.as_str()),
            Value::Text(&it.code),
            Value::Integer(i64::from(it.status)),
            Value::Integer(it.target_status.map_or(0, i64::from)),
            Value::Text(&it.webhook_id),
            Value::Text(&it.method),
            Value::Text(&it.path),
            number(it.bytes),
            number(it.took_us),
            Value::Text(&it.replay_of),
            Value::flag(it.can_replay),
            Value::Bytes(contents),
            number((contents.len() + it.path.len() + it.webhook_id.len() + ROW_SIZE) as u64),
        ]
    }
}

/// The rows of those that came to this, or of all: its value is `$1`.
fn rows_of(verdict: Option<DeliveryVerdict>) -> (&'static str, Value<'static>) {
    match verdict {
        Some(it) => ("webhook_deliveries WHERE verdict = $1", Value::Text(it.as_str())),
        None => ("webhook_deliveries WHERE $1 = ''", Value::Text("")),
    }
}

fn read(row: &Row) -> Result<WebhookDelivery, StoreError> {
    let status = |column| u16::try_from(row.integer(column)?).map_err(|_| Unreadable);
    let number = |column| u64::try_from(row.integer(column)?).map_err(|_| Unreadable);
    let whole = || {
        Ok(WebhookDelivery {
            id: row.text(0)?,
            owner: row.text(1)?,
            connection: row.text(2)?,
            tenant: row.text(3)?,
            at_ms: row.integer(4)?,
            verdict: DeliveryVerdict::named(&row.text(5)?).ok_or(Unreadable)?,
            code: row.text(6)?,
            status: status(7)?,
            target_status: Some(status(8)?).filter(|it| *it > 0),
            webhook_id: row.text(9)?,
            method: row.text(10)?,
            path: row.text(11)?,
            bytes: number(12)?,
            took_us: number(13)?,
            replay_of: row.text(14)?,
            can_replay: row.flag(15)?,
        })
    };
    whole().map_err(|Unreadable| corrupt(row.text(0).ok()))
}

fn corrupt(key: Option<String>) -> StoreError {
    StoreError::Corrupt { table: "webhook_deliveries", key }
}

/// What the ids of this time and of all later ones are not below: its 48 bits (RFC 9562 §5.7).
fn first_id_at(at_ms: i64) -> String {
    let ms = u64::try_from(at_ms).unwrap_or_default().min((1 << 48) - 1);
    format!("{:08x}-{:04x}", ms >> 16, ms & 0xffff)
}

/// The time that an id begins with, in Unix milliseconds.
fn time_of(id: &str) -> Option<i64> {
    let (high, low) = id.get(..TIME_LEN)?.split_once('-')?;
    i64::from_str_radix(&format!("{high}{low}"), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_found_by_ids_and_read_from_them() {
        let id = "018bcfe5-6807-7abc-8000-000000000000";
        assert_eq!(time_of(id), Some(1_700_000_000_007));
        assert!(*id >= *first_id_at(1_700_000_000_007) && *id < *first_id_at(1_700_000_000_008));
        assert!(first_id_at(-1) <= first_id_at(0) && first_id_at(i64::MAX) > first_id_at(0));
        assert_eq!(time_of("018bcfe5"), None);
    }
}
