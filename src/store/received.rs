//! `received`: which deliveries of senders are being forwarded and by whom, and which were accepted, so that all
//! replicas know a repeat, and a restart forgets none.
use super::BATCH_MAX;
use super::Store;
use super::StoreError;
use super::engine::Row;
use super::engine::Tx;
use super::engine::Unreadable;
use super::engine::Value;
use super::migrate::now_expression;
use crate::model::Scope;
use std::collections::HashMap;

/// Accepted deliveries of one connection that are remembered, ten minutes of 400 a second: beyond it those whose
/// time is over first are forgotten, so that a delivery is never refused for want of room. Some 200 bytes each.
pub const RECEIVED_OF_CONNECTION_MAX: u32 = 1 << 18;

/// How many of them are forgotten with one commit: few, since claims wait for it where there is one writer.
pub const TRIMMED_AT_ONCE: u32 = 128;

/// Rows that one statement writes at most.
const ROWS_MAX: usize = 64;

/// The deliveries that senders made.
#[derive(Clone, Copy, Debug)]
pub struct Received<'s>(pub(super) &'s Store);

/// What is to be said of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Whoever says so wants to forward it, and is at it for no longer than that.
    Claimed { lease_ms: i64 },
    /// Its target has it: whoever held it, it is remembered for so long.
    Accepted { remember_ms: i64 },
    /// Its target does not have it: where it is still held by whoever says so, anybody may forward it.
    Released,
}

/// A delivery, and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said<'a> {
    /// A hash; compared whole.
    pub id: [u8; 32],
    pub connection: &'a str,
    pub word: Word,
}

/// How a delivery stands once something was said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It is as was said. A claim: nobody else has it.
    Done,
    /// Another attache forwards it.
    InFlight,
    /// It was accepted, and is remembered for so long.
    Accepted { left_ms: i64 },
}

impl Received<'_> {
    /// Says all of this at once, in the name of `holder`, which is not empty: no two attaches have the same, nor does
    /// one after a restart. What a holder claims that it holds already it holds anew. Each delivery stands here once.
    /// In the order of what was said.
    pub async fn say(
        self,
        scope: &Scope,
        holder: &str,
        all: &[Said<'_>],
    ) -> Result<Vec<Receipt>, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        // All who write several write them in this order: nobody waits for somebody who waits for them.
        let mut ordered: Vec<_> = all.iter().collect();
        ordered.sort_unstable_by_key(|it| it.id);
        let mut tx = self.0.engine.begin().await?;
        let (mut done, mut left) = (Vec::with_capacity(all.len()), &*ordered);
        while !left.is_empty() {
            // Few different statements: as many rows as a power of two has.
            let (these, others) = left.split_at(1 << left.len().min(ROWS_MAX).ilog2());
            for row in upsert(&mut tx, holder, these).await? {
                done.push(id(&row)?);
            }
            left = others;
        }
        done.sort_unstable();
        let is_done = |it: &Said<'_>| done.binary_search(&it.id).is_ok();
        let is_claim = |it: &Said<'_>| matches!(it.word, Word::Claimed { .. });
        let others = ordered.iter().filter(|it| is_claim(it) && !is_done(it));
        let others: Vec<_> = others.map(|it| it.id).collect();
        let standing = standing(&mut tx, &others).await?;
        tx.commit().await?;
        let receipt = |it: &Said<'_>| match is_claim(it) && !is_done(it) {
            // What is gone already may be claimed the next time.
            true => standing.get(&it.id).copied().unwrap_or(Receipt::InFlight),
            false => Receipt::Done,
        };
        Ok(all.iter().map(receipt).collect())
    }

    /// Forgets what is past its time, at most [`BATCH_MAX`] of it: again, where it were so many. How many.
    pub async fn prune(self, scope: &Scope) -> Result<u64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let now = now_expression(&tx);
        let lot = format!(
            "SELECT id FROM received WHERE until <= {now} ORDER BY until LIMIT $1{}",
            skipping(&tx)
        );
        let pruned = delete(&mut tx, &lot, &[Value::Integer(i64::from(BATCH_MAX))]).await?;
        tx.commit().await?;
        Ok(pruned)
    }

    /// Until when the newest is remembered of those of a connection that were accepted beyond the newest `most`: it,
    /// and what is remembered for less long, is too much. None where it is not too much. Waits for nobody who writes,
    /// nor does who writes wait for it: it goes through all that the connection has.
    pub async fn too_many(
        self,
        scope: &Scope,
        connection: &str,
        most: u32,
    ) -> Result<Option<i64>, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let sql = "SELECT until FROM received WHERE connection = $1 AND holder = '' \
                   ORDER BY until DESC LIMIT 1 OFFSET $2";
        let values = [Value::Text(connection), Value::Integer(i64::from(most))];
        let rows = self.0.engine.rows(sql, &values).await?;
        rows.first().map(|it| it.integer(0).map_err(corrupt)).transpose()
    }

    /// Forgets those of a connection that were accepted and are remembered until then or less long, the oldest first,
    /// at most [`TRIMMED_AT_ONCE`] of them: again, where it were so many. How many. Those that are being forwarded
    /// stay.
    pub async fn trim(
        self,
        scope: &Scope,
        connection: &str,
        until: i64,
    ) -> Result<u64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let lot = format!(
            "SELECT id FROM received WHERE connection = $1 AND holder = '' AND until <= $2 \
             ORDER BY until LIMIT $3{}",
            skipping(&tx)
        );
        let values = [
            Value::Text(connection),
            Value::Integer(until),
            Value::Integer(i64::from(TRIMMED_AT_ONCE)),
        ];
        let trimmed = delete(&mut tx, &lot, &values).await?;
        tx.commit().await?;
        Ok(trimmed)
    }
}

/// Waits for nobody who writes one of them right now.
fn skipping(tx: &Tx) -> &'static str {
    if tx.is_postgres() { " FOR UPDATE SKIP LOCKED" } else { "" }
}

async fn delete(tx: &mut Tx, lot: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
    let sql = format!(
        "WITH lot AS MATERIALIZED ({lot}) DELETE FROM received WHERE id IN (SELECT id FROM lot)"
    );
    tx.run(&sql, values).await
}

/// Writes what is free, is held by the same holder, or was accepted: the ids of what is as was said. Those that are
/// not, where somebody else wrote them, are locked until the end.
async fn upsert(tx: &mut Tx, holder: &str, these: &[&Said<'_>]) -> Result<Vec<Row>, StoreError> {
    let now = now_expression(tx);
    let place = |row: usize| {
        let first = row * 4;
        let [id, connection, holder, in_ms] = [1, 2, 3, 4].map(|it| first + it);
        format!("(${id}, ${connection}, ${holder}, {now} + ${in_ms})")
    };
    let places = (0..these.len()).map(place).collect::<Vec<_>>().join(", ");
    // What was accepted twice is remembered for as long as either time.
    let sql = format!(
        "INSERT INTO received (id, connection, holder, until) VALUES {places} \
         ON CONFLICT (id) DO UPDATE SET connection = excluded.connection, holder = excluded.holder, \
         until = CASE WHEN excluded.holder = '' AND received.holder = '' AND received.until > excluded.until \
         THEN received.until ELSE excluded.until END \
         WHERE excluded.holder = '' OR received.holder = excluded.holder OR received.until <= {now} \
         RETURNING id"
    );
    let values: Vec<_> = these
        .iter()
        .flat_map(|it| {
            let (holder, in_ms) = match it.word {
                Word::Claimed { lease_ms } => (holder, lease_ms),
                Word::Accepted { remember_ms } => ("", remember_ms),
                // Its time is over.
                Word::Released => (holder, 0),
            };
            let (holder, in_ms) = (Value::Text(holder), Value::Integer(in_ms));
            [Value::Bytes(&it.id), Value::Text(it.connection), holder, in_ms]
        })
        .collect();
    tx.rows(&sql, &values).await
}

/// How these stand.
async fn standing(tx: &mut Tx, ids: &[[u8; 32]]) -> Result<HashMap<[u8; 32], Receipt>, StoreError> {
    let now = now_expression(tx);
    let mut all = HashMap::with_capacity(ids.len());
    for some in ids.chunks(ROWS_MAX) {
        // Few different statements: the last one stands there several times.
        let room = some.len().next_power_of_two();
        let places: Vec<_> = (1..=room).map(|it| format!("${it}")).collect();
        let sql = format!(
            "SELECT id, holder, until - {now} FROM received WHERE id IN ({})",
            places.join(", ")
        );
        let filled =
            some.iter().chain(std::iter::repeat_n(&some[some.len() - 1], room - some.len()));
        let values: Vec<_> = filled.map(|it| Value::Bytes(it)).collect();
        for row in tx.rows(&sql, &values).await? {
            let read = || Ok((row.text(1)?, row.integer(2)?));
            let (holder, left_ms) = read().map_err(corrupt)?;
            let receipt = match holder.is_empty() {
                true => Receipt::Accepted { left_ms },
                false => Receipt::InFlight,
            };
            all.insert(id(&row)?, receipt);
        }
    }
    Ok(all)
}

fn id(row: &Row) -> Result<[u8; 32], StoreError> {
    row.bytes(0).and_then(|it| it.try_into().map_err(|_| Unreadable)).map_err(corrupt)
}

fn corrupt(_: Unreadable) -> StoreError {
    StoreError::Corrupt { table: "received", key: None }
}
