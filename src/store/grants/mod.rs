//! `grants`: what is known of tokens that have to be had, who may have one, and what was under way.
//!
//! A message that may use up a refresh token is sent by one replica at a time, and never before it stands
//! here that it will be; its answer is kept here before anybody looks at it. So whoever dies leaves behind
//! what there is to go on with, and a token that is had is put in the place of exactly the one that it
//! follows.
mod lease;
mod row;
mod several;
mod sweep;

pub use lease::LEASE_MS;
pub use lease::Lease;
pub use lease::Leased;
pub use lease::Wanting;
pub(super) use lease::is_there;
pub use row::GrantAttempt;
pub use row::GrantFailure;
pub use row::GrantKey;
pub use row::GrantName;
pub use row::GrantRow;
pub use row::GrantState;
pub use row::Renewal;
pub(super) use several::FAILS_AT;
pub use several::Failing;
pub use sweep::BUT_MAX;
pub use sweep::Census;
pub use sweep::Lot;

use super::Kind;
use super::Store;
use super::StoreError;
use super::audit::Act;
use super::audit::Entry;
use super::credentials;
use super::credentials::Place;
use super::credentials::Seal;
use super::engine::Tx;
use super::engine::Unreadable;
use super::engine::Value;
use super::migrate::clock_of;
use super::migrate::now_ms;
use super::write::Write;
use crate::model::Scope;
use crate::seal::Binding;
use crate::seal::Slot;
use row::corrupt;
use row::read;
use serde_json::json;

/// The grants.
#[derive(Clone, Copy, Debug)]
pub struct Grants<'s>(pub(super) &'s Store);

const IS_KEY: &str = "owner = $1 AND tenant = $2 AND slot = $3";

/// Under the fence.
const IS_HELD: &str = "holder = $4 AND fence = $5";

impl Grants<'_> {
    pub async fn get(
        self,
        scope: &Scope,
        key: GrantKey<'_>,
    ) -> Result<Option<GrantRow>, StoreError> {
        if !scope.sees_everything() {
            return Ok(None);
        }
        let sql = format!(
            "{} WHERE g.owner = $1 AND g.tenant = $2 AND g.slot = $3",
            select(self.0.is_shared(), ("", "grants g"))
        );
        let rows = self.0.engine.rows(&sql, &key.values()).await?;
        let read = rows.first().map(read).transpose();
        read.map_err(|Unreadable| corrupt(&key.shown()))
    }

    /// Keeps the answer to an attempt, before anybody acts upon it, whoever has the lease by now. False where the
    /// attempt is over.
    pub async fn answered(
        self,
        scope: &Scope,
        key: GrantKey<'_>,
        attempt: &str,
        seal: Seal<'_>,
    ) -> Result<bool, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let [owner, tenant, slot] = key.values();
        let sql = format!(
            "UPDATE grants SET generation = generation + 1 WHERE {IS_KEY} AND attempt = $4 AND attempt <> ''"
        );
        if tx.run(&sql, &[owner, tenant, slot, Value::Text(attempt)]).await? == 0 {
            return Ok(false);
        }
        let now = now_ms(&mut tx).await?;
        sealed(&mut tx, key, key.answer(), now, seal).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Puts what was had in the place of what it follows, ends the attempt, and lets go. None where that is not there
    /// any more: then somebody else was quicker, and what is there counts. Else the version that it is.
    ///
    /// Whoever used up the very token that was used up last may put it even where the lease is another's by now: there
    /// is no other.
    pub async fn renewed(
        self,
        scope: &Scope,
        key: GrantKey<'_>,
        lease: Lease<'_>,
        renewal: Renewal<'_>,
        seal: Seal<'_>,
    ) -> Result<Option<i64>, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        if renew(&mut tx, key, lease, renewal, seal, IS_ALIVE).await? {
            tx.commit().await?;
            return Ok(Some(renewal.version + 1));
        }
        if !is_dead(&mut tx, key).await? {
            return Ok(None);
        }
        drop(tx);
        // It comes back: that is told.
        let mut write = self.0.write(scope).await?;
        if !renew(&mut write.tx, key, lease, renewal, seal, "1 = 1").await? {
            return Ok(None);
        }
        write.told_of_grant(Act::Authorized, key, "").await?;
        match write.commit().await {
            // No token is lost because it can't be told.
            Err(StoreError::NoTrail { .. }) => {
                let mut tx = self.0.engine.begin().await?;
                let is_put = renew(&mut tx, key, lease, renewal, seal, "1 = 1").await?;
                tx.commit().await?;
                Ok(is_put.then_some(renewal.version + 1))
            }
            done => done.map(|_| Some(renewal.version + 1)),
        }
    }

    /// Writes down that nothing was had, and lets go. False where the lease is another's.
    pub async fn failed(
        self,
        scope: &Scope,
        key: GrantKey<'_>,
        lease: Lease<'_>,
        failure: &GrantFailure,
    ) -> Result<bool, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        if failure.state != GrantState::ReauthorizationRequired {
            let mut tx = self.0.engine.begin().await?;
            let is_held = fail(&mut tx, key, lease, failure).await?;
            tx.commit().await?;
            return Ok(is_held);
        }
        let mut write = self.0.write(scope).await?;
        let was_dead = is_dead(&mut write.tx, key).await?;
        if !fail(&mut write.tx, key, lease, failure).await? {
            return Ok(false);
        }
        if !was_dead {
            write.told_of_grant(Act::Lapsed, key, &failure.why).await?;
        }
        match write.commit().await {
            // Nor is a dead grant asked for again and again.
            Err(StoreError::NoTrail { .. }) => {
                let mut tx = self.0.engine.begin().await?;
                let is_held = fail(&mut tx, key, lease, failure).await?;
                tx.commit().await?;
                Ok(is_held)
            }
            done => done.map(|_| true),
        }
    }
}

/// As many columns as [`select`] has before its own `more`.
const SELECTED: usize = 29;

/// All that is known of grants, with what is sealed for each, as [`read`] takes it. `of`: the grants, as `g`.
fn select(is_shared: bool, (more, of): (&str, &str)) -> String {
    let now = clock_of(is_shared);
    let sealed = |it: &str| format!("{it}.generation, {it}.key_id, {it}.wrapped, {it}.fields");
    let join = |it: &str, test: Slot, other: Slot| {
        let (own, test, other) = (Slot::Test.as_str(), test.as_str(), other.as_str());
        format!(
            "LEFT JOIN credentials {it} ON {it}.owner = g.owner AND {it}.tenant = g.tenant \
             AND {it}.slot = CASE g.slot WHEN '{own}' THEN '{test}' ELSE '{other}' END"
        )
    };
    format!(
        "SELECT g.owner, g.tenant, g.slot, g.version, g.fingerprint, g.state, g.since, g.why, g.failures, g.due_at, \
         g.expires_at, g.attempt, g.attempt_of, g.attempt_at, g.holder, g.held_until, g.fence, {now}, g.former, \
         g.tried_with, {}, {}, g.ends_at{more} FROM {of} {} {}",
        sealed("t"),
        sealed("a"),
        join("t", Slot::TestGrant, Slot::Grant),
        join("a", Slot::TestGrantAnswer, Slot::GrantAnswer),
    )
}

/// Of a grant that nobody has to authorize again.
const IS_ALIVE: &str = "state <> 'reauthorization_required'";

async fn is_dead(tx: &mut Tx, key: GrantKey<'_>) -> Result<bool, StoreError> {
    let sql = format!("SELECT 1 FROM grants WHERE {IS_KEY} AND NOT ({IS_ALIVE})");
    Ok(!tx.rows(&sql, &key.values()).await?.is_empty())
}

async fn is_open(tx: &mut Tx, key: GrantKey<'_>) -> Result<bool, StoreError> {
    let sql = format!("SELECT 1 FROM grants WHERE {IS_KEY} AND attempt <> ''");
    Ok(!tx.rows(&sql, &key.values()).await?.is_empty())
}

/// Puts a token in the place of what it follows, where that `is` so; false where it is not.
async fn renew(
    tx: &mut Tx,
    key: GrantKey<'_>,
    lease: Lease<'_>,
    renewal: Renewal<'_>,
    seal: Seal<'_>,
    is: &str,
) -> Result<bool, StoreError> {
    let Renewal { version, fingerprint, of, expires_ms, due_in_ms, ends_ms } = renewal;
    let now = now_ms(tx).await?;
    let [owner, tenant, slot] = key.values();
    let sql = format!(
        "UPDATE grants SET version = version + 1, generation = generation + 1, \
         since = CASE WHEN state = 'active' THEN since ELSE $7 END, state = 'active', why = '', failures = 0, \
         former = CASE WHEN fingerprint = $10 THEN former ELSE fingerprint END, fingerprint = $10, \
         expires_at = $8, due_at = $9, look_at = $9, ends_at = $12, attempt = '', attempt_at = 0, held_until = 0, \
         tried_with = '' \
         WHERE {IS_KEY} AND version = $6 AND ({IS_HELD} OR attempt_of = $11 AND attempt_of <> '') AND {is}"
    );
    let values = [
        owner,
        tenant,
        slot,
        Value::Text(lease.holder),
        Value::Integer(lease.fence),
        Value::Integer(version),
        Value::Integer(now),
        Value::maybe(expires_ms),
        Value::maybe(due_in_ms.map(|it| now + it)),
        Value::Text(fingerprint),
        Value::Text(of),
        Value::maybe(ends_ms),
    ];
    if tx.run(&sql, &values).await? == 0 {
        return Ok(false);
    }
    sealed(tx, key, key.tokens(), now, seal).await?;
    forget(tx, key, &[key.answer()]).await?;
    Ok(true)
}

/// Puts down that nothing was had. An attempt that somebody else left stays open. A dead grant stays dead until there is a token.
async fn fail(
    tx: &mut Tx,
    key: GrantKey<'_>,
    lease: Lease<'_>,
    failure: &GrantFailure,
) -> Result<bool, StoreError> {
    let now = now_ms(tx).await?;
    let [owner, tenant, slot] = key.values();
    let attempt = match failure.is_uncertain {
        // Nobody looks at a dead one again by itself.
        true => format!(
            ", attempt_at = CASE WHEN {IS_ALIVE} THEN attempt_at ELSE 0 END, \
             attempt = CASE WHEN {IS_ALIVE} THEN attempt ELSE '' END"
        ),
        // Of which token it was stays: its answer may come yet.
        false => ", attempt_at = CASE WHEN attempt = $11 THEN 0 ELSE attempt_at END, \
             attempt = CASE WHEN attempt = $11 THEN '' ELSE attempt END"
            .to_owned(),
    };
    let sql = format!(
        "UPDATE grants SET since = CASE WHEN state = $6 OR NOT ({IS_ALIVE}) THEN since ELSE $7 END, \
         state = CASE WHEN {IS_ALIVE} THEN $6 ELSE state END, why = $8, failures = failures + 1, \
         due_at = CASE WHEN {IS_ALIVE} THEN $9 ELSE NULL END, \
         look_at = CASE WHEN {IS_ALIVE} THEN $9 ELSE NULL END, tried_with = $10, held_until = 0{attempt} \
         WHERE {IS_KEY} AND {IS_HELD}"
    );
    let values = [
        owner,
        tenant,
        slot,
        Value::Text(lease.holder),
        Value::Integer(lease.fence),
        Value::Text(failure.state.as_str()),
        Value::Integer(now),
        Value::Text(&failure.why),
        Value::maybe(failure.again_in_ms.map(|it| now + it)),
        Value::Text(&failure.tried_with),
        Value::Text(&failure.attempt),
    ];
    let values = if failure.is_uncertain { &values[..10] } else { &values[..] };
    if tx.run(&sql, values).await? == 0 {
        return Ok(false);
    }
    // Of a dead grant it may be all that there is, once somebody mends the setting that it was read by.
    let is_over = !failure.is_uncertain && failure.state != GrantState::ReauthorizationRequired;
    if is_over && !is_open(tx, key).await? {
        forget(tx, key, &[key.answer()]).await?;
    }
    Ok(true)
}

impl Write<'_> {
    /// Tells what became of a grant by itself: of a connection, or of a tenant's activation.
    pub(super) async fn told_of_grant(
        &mut self,
        act: Act,
        key: GrantKey<'_>,
        why: &str,
    ) -> Result<(), StoreError> {
        if key.slot == Slot::Test {
            return Ok(());
        }
        let of = if key.tenant.is_empty() { Kind::Connection } else { Kind::Activation };
        let state = |it: GrantState| json!({ "grant": it.as_str() });
        let (mut dead, alive) =
            (state(GrantState::ReauthorizationRequired), state(GrantState::Active));
        if !why.is_empty() {
            dead["why"] = why.into();
        }
        let (was, became) = if act == Act::Lapsed { (alive, dead) } else { (dead, alive) };
        let connection = self.connection_of(key.owner).await?;
        let (tenant, revision) = (key.tenant.to_owned(), 0);
        let (was, became) = (was.as_object().cloned(), became.as_object().cloned());
        let entry = Entry { act, of: Some(of), key: connection, tenant, revision, was, became };
        self.entries.push(entry);
        Ok(())
    }

    /// Forgets what was had with a credential that goes.
    pub(super) async fn forget_grant(&mut self, key: GrantKey<'_>) -> Result<(), StoreError> {
        self.tx.run(&format!("DELETE FROM grants WHERE {IS_KEY}"), &key.values()).await?;
        forget(&mut self.tx, key, &[key.tokens(), key.answer()]).await
    }
}

/// The database's clock, looked at once for a whole question: so an index finds what is due.
fn clock_once(is_shared: bool) -> String {
    format!("(SELECT {})", clock_of(is_shared))
}

/// Seals for the row as it is now, whose generation has just been counted.
pub(super) async fn sealed(
    tx: &mut Tx,
    key: GrantKey<'_>,
    slot: Slot,
    now_ms: i64,
    seal: Seal<'_>,
) -> Result<(), StoreError> {
    let sql = format!("SELECT generation FROM grants WHERE {IS_KEY}");
    let rows = tx.rows(&sql, &key.values()).await?;
    let generation = rows.first().and_then(|it| u64::try_from(it.integer(0).ok()?).ok());
    let generation = generation.ok_or_else(|| corrupt(&key.shown()))?;
    let binding = Binding { owner: key.owner, tenant: key.tenant, slot, generation };
    let sealed = seal(&Place { binding, current: None, now_ms }).map_err(StoreError::Refused)?;
    credentials::put(tx, &binding, &sealed).await
}

pub(super) async fn forget(
    tx: &mut Tx,
    key: GrantKey<'_>,
    slots: &[Slot],
) -> Result<(), StoreError> {
    for slot in slots {
        let sql = format!("DELETE FROM credentials WHERE {IS_KEY}");
        let place = [Value::Text(key.owner), Value::Text(key.tenant), Value::Text(slot.as_str())];
        tx.run(&sql, &place).await?;
    }
    Ok(())
}
