//! What people do with grants: they give one, take one back, or are shown what it yields. Each is an entry in the audit
//! trail, and a change: other replicas look at what there is now.
use super::GrantKey;
use super::GrantState;
use super::Kind;
use super::StoreError;
use super::audit::Act;
use super::audit::Entry;
use super::credentials::Seal;
use super::engine::Value;
use super::grants;
use super::grants::Grants;
use super::write::Told;
use super::write::Write;
use crate::model::Account;
use crate::model::Scope;
use crate::seal::Slot;
use serde_json::json;

/// Whose grant somebody acts upon.
#[derive(Clone, Copy, Debug)]
pub struct GrantOf<'a> {
    pub key: GrantKey<'a>,
    /// The connection's key.
    pub connection: &'a str,
    /// A file declares the activation: it has no row.
    pub is_declared: bool,
    /// What makes it another grant.
    pub fingerprint: &'a str,
}

/// The times of what is given, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrantTimes {
    /// When it ends, by the wall clock.
    pub expires_ms: Option<i64>,
    /// When it is renewed though nobody asks: from now on, by the database's clock.
    pub due_in_ms: Option<i64>,
    /// When nothing follows it, by the wall clock.
    pub ends_ms: Option<i64>,
}

impl Grants<'_> {
    /// Puts what was given in the place of whatever is there: what was under way for that comes too late. Refused where
    /// there is nobody any more whose it would be. `account`: of an activation, whose it is, where that is known.
    pub async fn granted(
        self,
        scope: &Scope,
        of: &GrantOf<'_>,
        times: GrantTimes,
        account: Option<&Account>,
        seal: Seal<'_>,
    ) -> Result<i64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        write.check_grantee(of).await?;
        write.put_grant(of, (GrantState::Active, ""), times).await?;
        let now = write.now_ms;
        grants::sealed(&mut write.tx, of.key, of.key.tokens(), now, seal).await?;
        grants::forget(&mut write.tx, of.key, &[of.key.answer()]).await?;
        if of.key.slot == Slot::Activation {
            write.put_account(of.key.owner, of.key.tenant, account).await?;
        }
        write.told_grant(of, Act::Authorized, json!({ "slot": of.key.slot.as_str() })).await?;
        write.commit().await
    }

    /// Ends a grant: what was had is gone, and nothing is had until it is given anew. `became`: what else there is to
    /// say of it.
    pub async fn revoked(
        self,
        scope: &Scope,
        of: &GrantOf<'_>,
        why: &str,
    ) -> Result<i64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        write.check_grantee(of).await?;
        write.put_grant(of, (GrantState::Revoked, why), GrantTimes::default()).await?;
        grants::forget(&mut write.tx, of.key, &[of.key.tokens(), of.key.answer()]).await?;
        let became = json!({ "slot": of.key.slot.as_str(), "why": why });
        write.told_grant(of, Act::Revoked, became).await?;
        write.commit().await
    }

    /// Enters that somebody is about to be shown a token.
    pub async fn disclosed(self, scope: &Scope, of: &GrantOf<'_>) -> Result<(), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let became = json!({ "slot": of.key.slot.as_str() });
        write.entries.push(Entry {
            act: Act::Disclosed,
            of: Some(Kind::Grant),
            key: of.connection.to_owned(),
            tenant: of.key.tenant.to_owned(),
            revision: 0,
            was: None,
            became: became.as_object().cloned(),
        });
        write.commit().await.map(drop)
    }
}

impl Write<'_> {
    /// Refuses what would be nobody's.
    async fn check_grantee(&mut self, of: &GrantOf<'_>) -> Result<(), StoreError> {
        match grants::is_there(&mut self.tx, of.key, of.is_declared).await? {
            true => Ok(()),
            false => Err(StoreError::NotFound),
        }
    }

    async fn put_grant(
        &mut self,
        of: &GrantOf<'_>,
        (state, why): (GrantState, &str),
        times: GrantTimes,
    ) -> Result<(), StoreError> {
        let GrantKey { owner, tenant, slot } = of.key;
        // A generation and a fence that no former row of these names came to: they count on from the time.
        let sql = "INSERT INTO grants (owner, tenant, slot, version, fingerprint, generation, state, since, why, \
                   failures, due_at, look_at, expires_at, ends_at, former, tried_with, attempt, attempt_of, attempt_at, \
                   holder, held_until, fence) VALUES ($1, $2, $3, 1, $4, $5, $6, $5, $7, 0, $8, $8, $9, $10, '', '', '', '', \
                   0, '', 0, $5) \
                   ON CONFLICT (owner, tenant, slot) DO UPDATE SET version = grants.version + 1, \
                   former = CASE WHEN grants.fingerprint = excluded.fingerprint THEN grants.former \
                   ELSE grants.fingerprint END, tried_with = '', \
                   fingerprint = excluded.fingerprint, generation = grants.generation + 1, \
                   state = excluded.state, since = excluded.since, why = excluded.why, failures = 0, \
                   due_at = excluded.due_at, look_at = excluded.look_at, expires_at = excluded.expires_at, \
                   ends_at = excluded.ends_at, attempt = '', attempt_of = '', attempt_at = 0, holder = '', held_until = 0, \
                   fence = grants.fence + 1";
        let due_ms = times.due_in_ms.map(|it| self.now_ms.saturating_add(it));
        let values = [
            Value::Text(owner),
            Value::Text(tenant),
            Value::Text(slot.as_str()),
            Value::Text(of.fingerprint),
            Value::Integer(self.now_ms),
            Value::Text(state.as_str()),
            Value::Text(why),
            Value::maybe(due_ms),
            Value::maybe(times.expires_ms),
            Value::maybe(times.ends_ms),
        ];
        self.tx.run(sql, &values).await.map(drop)
    }

    async fn told_grant(
        &mut self,
        of: &GrantOf<'_>,
        act: Act,
        became: serde_json::Value,
    ) -> Result<(), StoreError> {
        let told = Told { kind: Kind::Grant, key: of.connection, tenant: of.key.tenant };
        self.change(told, act, None, became.as_object().cloned()).await.map(drop)
    }
}
