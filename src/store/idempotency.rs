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
use super::migrate::clock_of;
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
        let asked = Asked { token, key, request, abandoned_after_ms };
        // Without waiting: whoever holds all writers up may be whoever claimed it.
        if let Some(claim) = self.standing(&asked).await? {
            return Ok(claim);
        }
        match self.claim_anew(&asked).await {
            Err(StoreError::TimedOut) => self.standing(&asked).await?.ok_or(StoreError::TimedOut),
            claim => claim,
        }
    }

    /// What there is under a key, and is nobody else's to claim.
    async fn standing(self, asked: &Asked<'_>) -> Result<Option<Claim>, StoreError> {
        let owner = owner(asked.token);
        let engine = &self.0.engine;
        let rows = engine.rows(&select(engine.is_postgres()), &asked.values(&owner)).await?;
        rows.first().map(|it| asked.claim(it)).transpose().map(Option::flatten)
    }

    async fn claim_anew(self, asked: &Asked<'_>) -> Result<Claim, StoreError> {
        let Asked { token, key, request, abandoned_after_ms } = *asked;
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
        // Whoever was quicker.
        let owner = owner(token);
        let rows = tx.rows(&select(tx.is_postgres()), &asked.values(&owner)).await?;
        let claim = rows.first().map(|it| asked.claim(it)).transpose()?.flatten();
        claim.ok_or_else(|| asked.corrupt())
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

/// Who asks for what, under which key.
struct Asked<'a> {
    token: &'a str,
    key: &'a str,
    request: &'a [u8; 32],
    abandoned_after_ms: i64,
}

/// What there is under a key.
fn select(is_postgres: bool) -> String {
    format!(
        "SELECT i.request, i.status, c.generation, c.key_id, c.wrapped, c.fields, i.claimed_at, {} \
         FROM idempotency AS i LEFT JOIN credentials AS c \
         ON c.owner = $3 AND c.tenant = i.key AND c.slot = 'reply' \
         WHERE i.token = $1 AND i.key = $2",
        clock_of(is_postgres)
    )
}

impl Asked<'_> {
    fn values<'v>(&'v self, owner: &'v str) -> [Value<'v>; 3] {
        [Value::Text(self.token), Value::Text(self.key), Value::Text(owner)]
    }

    fn corrupt(&self) -> StoreError {
        StoreError::Corrupt { table: "idempotency", key: Some(self.key.to_owned()) }
    }

    fn claim(&self, row: &Row) -> Result<Option<Claim>, StoreError> {
        self.read(row).map_err(|Unreadable| self.corrupt())
    }

    /// None where whoever claimed it has died, and nothing was done.
    fn read(&self, row: &Row) -> Result<Option<Claim>, Unreadable> {
        if row.bytes(0)? != self.request {
            return Ok(Some(Claim::Different));
        }
        let is_given_up = row.integer(6)? < row.integer(7)? - self.abandoned_after_ms;
        let status = match row.maybe_integer(1)? {
            None => return Ok(Some(Claim::InProgress).filter(|_| !is_given_up)),
            Some(SPENT) if !is_given_up => return Ok(Some(Claim::InProgress)),
            Some(SPENT | LOST) => return Ok(Some(Claim::Lost)),
            Some(status) => u16::try_from(status).map_err(|_| Unreadable)?,
        };
        let reply = super::credentials::sealed(row, 2)?.ok_or(Unreadable)?;
        Ok(Some(Claim::Replay { status, reply }))
    }
}
