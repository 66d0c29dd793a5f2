//! `idempotency`: creates that were asked for under an `Idempotency-Key`, and how they were answered.
//!
//! Source: draft-ietf-httpapi-idempotency-key-header-07.
use super::BATCH_MAX;
use super::SealedCredential;
use super::Store;
use super::StoreError;
use super::credentials::put;
use super::engine::Row;
use super::engine::Unreadable;
use super::engine::Value;
use super::migrate::now_ms;
use crate::model::Scope;
use crate::seal::Binding;
use crate::seal::Sealed;
use crate::seal::Slot;

/// The `status` of a claim under which something was written, and whose answer is not kept yet.
pub(super) const SPENT: i64 = 0;

/// The `status` of one under which something was written, and whose answer never will be kept.
const LOST: i64 = -1;

/// What was asked under an `Idempotency-Key`, apart for each token.
#[derive(Clone, Copy, Debug)]
pub struct Idempotency<'s>(pub(super) &'s Store);

/// What there is under a key, now that somebody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nothing: do it, and [`Idempotency::finish`] it with this claim, or [`Idempotency::abandon`] it.
    New { claimed_at_ms: i64 },
    /// It was done: this is how it was answered.
    Replay { status: u16, reply: SealedCredential },
    /// Something else was asked under this key.
    Different,
    /// It is being done right now.
    InProgress,
    /// It was done, and its answer was lost.
    Lost,
}

/// Under which `owner` the answers are sealed; the tenant is the `Idempotency-Key`.
fn owner(token: &str) -> String {
    format!("reply:{token}")
}

impl Idempotency<'_> {
    /// Claims a key for a request, whose keyed hash is `request`. A claim that is neither finished nor abandoned
    /// is another's after `abandoned_after_ms`: whoever made it has died.
    pub async fn claim(
        self,
        scope: &Scope,
        token: &str,
        key: &str,
        request: &[u8; 32],
        abandoned_after_ms: i64,
    ) -> Result<Claim, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let now_ms = now_ms(&mut tx).await?;
        let sql = "INSERT INTO idempotency (token, key, request, claimed_at, status) \
                   VALUES ($1, $2, $3, $4, NULL) ON CONFLICT (token, key) DO UPDATE SET \
                   request = excluded.request, claimed_at = excluded.claimed_at \
                   WHERE idempotency.status IS NULL AND idempotency.claimed_at < $5 \
                   AND idempotency.request = excluded.request";
        let values = [
            Value::Text(token),
            Value::Text(key),
            Value::Bytes(request),
            Value::Integer(now_ms),
            Value::Integer(now_ms - abandoned_after_ms),
        ];
        if tx.run(sql, &values).await? > 0 {
            tx.commit().await?;
            return Ok(Claim::New { claimed_at_ms: now_ms });
        }
        let sql = "SELECT i.request, i.status, c.generation, c.key_id, c.wrapped, c.fields, i.claimed_at \
                   FROM idempotency AS i LEFT JOIN credentials AS c \
                   ON c.owner = $3 AND c.tenant = i.key AND c.slot = 'reply' \
                   WHERE i.token = $1 AND i.key = $2";
        let owner = owner(token);
        let values = [Value::Text(token), Value::Text(key), Value::Text(&owner)];
        let rows = tx.rows(sql, &values).await?;
        let corrupt = || StoreError::Corrupt { table: "idempotency", key: Some(key.to_owned()) };
        let row = rows.first().ok_or_else(corrupt)?;
        let given_up_at_ms = now_ms - abandoned_after_ms;
        claimed(row, request, given_up_at_ms).map_err(|Unreadable| corrupt())
    }

    /// Keeps the answer. `seal` is given the place; its generation is the claim's. False where somebody
    /// else has claimed it meanwhile.
    pub async fn finish(
        self,
        scope: &Scope,
        token: &str,
        key: &str,
        claimed_at_ms: i64,
        status: u16,
        seal: impl FnOnce(&Binding<'_>) -> Sealed,
    ) -> Result<bool, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let owner = owner(token);
        let generation = u64::try_from(claimed_at_ms).unwrap_or_default();
        let binding = Binding { owner: &owner, tenant: key, slot: Slot::Reply, generation };
        let sealed = seal(&binding);
        let mut tx = self.0.engine.begin().await?;
        let sql = "UPDATE idempotency SET status = $1 \
                   WHERE token = $2 AND key = $3 AND claimed_at = $4 \
                   AND (status IS NULL OR status = $5)";
        let values = [
            Value::Integer(i64::from(status)),
            Value::Text(token),
            Value::Text(key),
            Value::Integer(claimed_at_ms),
            Value::Integer(SPENT),
        ];
        if tx.run(sql, &values).await? == 0 {
            return Ok(false);
        }
        put(&mut tx, &binding, &sealed).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Gives a claim up: what was asked failed, and may be asked again. One under which something was
    /// written stays, and its answer counts as lost.
    pub async fn abandon(
        self,
        scope: &Scope,
        token: &str,
        key: &str,
        claimed_at_ms: i64,
    ) -> Result<(), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let sql = "DELETE FROM idempotency \
                   WHERE token = $1 AND key = $2 AND claimed_at = $3 AND status IS NULL";
        let values = [Value::Text(token), Value::Text(key), Value::Integer(claimed_at_ms)];
        if tx.run(sql, &values).await? == 0 {
            let sql = "UPDATE idempotency SET status = $4 \
                       WHERE token = $1 AND key = $2 AND claimed_at = $3 AND status = $5";
            let [token, key, claimed_at] = values;
            let values = [token, key, claimed_at, Value::Integer(LOST), Value::Integer(SPENT)];
            tx.run(sql, &values).await?;
        }
        tx.commit().await
    }

    /// Forgets what is older, answers included, at most [`BATCH_MAX`] of it: again, where it were so many. How
    /// many.
    pub async fn prune(self, scope: &Scope, older_than_ms: i64) -> Result<u64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let before = now_ms(&mut tx).await? - older_than_ms;
        let values = [Value::Integer(before), Value::Integer(i64::from(BATCH_MAX))];
        let sql = "DELETE FROM idempotency WHERE (token, key) IN (\
                   SELECT token, key FROM idempotency WHERE claimed_at < $1 \
                   ORDER BY claimed_at LIMIT $2) RETURNING token, key";
        let pruned = tx.rows(sql, &values).await?;
        for row in &pruned {
            let corrupt = |Unreadable| StoreError::Corrupt { table: "idempotency", key: None };
            let read = |column| row.text(column).map_err(corrupt);
            let (owner, key) = (owner(&read(0)?), read(1)?);
            let sql = "DELETE FROM credentials WHERE owner = $1 AND tenant = $2 AND slot = 'reply'";
            tx.run(sql, &[Value::Text(&owner), Value::Text(&key)]).await?;
        }
        tx.commit().await?;
        Ok(pruned.len() as u64)
    }
}

fn claimed(row: &Row, request: &[u8; 32], given_up_at_ms: i64) -> Result<Claim, Unreadable> {
    if row.bytes(0)? != request {
        return Ok(Claim::Different);
    }
    let Some(status) = row.maybe_integer(1)? else { return Ok(Claim::InProgress) };
    if status == SPENT || status == LOST {
        let is_lost = status == LOST || row.integer(6)? < given_up_at_ms;
        return Ok(if is_lost { Claim::Lost } else { Claim::InProgress });
    }
    let status = u16::try_from(status).map_err(|_| Unreadable)?;
    let reply = super::credentials::sealed(row, 2)?.ok_or(Unreadable)?;
    Ok(Claim::Replay { status, reply })
}
