//! `console_sessions`: browsers that operators are signed in with, as hashes of what their cookies have.
//!
//! Times are Unix milliseconds, and arguments: whoever asks says what time it is.
use super::BATCH_MAX;
use super::Kind;
use super::Store;
use super::StoreError;
use super::audit::Act;
use super::audit::Entry;
use super::engine::Row;
use super::engine::Unreadable;
use super::engine::Value;
use super::write::Write;
use crate::model::Scope;
use serde_json::json;

/// Most that are kept of one operator: the oldest go. A person has a few browsers, and none of them signs in anew
/// more than a few times a day.
const OF_OPERATOR_MAX: i64 = 100;

/// Most that are kept of all, so that many operators together do not fill the store either.
const ALL_MAX: i64 = 10_000;

/// Characters of an id that the audit trail tells sessions apart by.
const TOLD_LEN: usize = 6;

/// Console sessions.
#[derive(Clone, Copy, Debug)]
pub struct ConsoleSessions<'s>(pub(super) &'s Store);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleSession {
    /// SHA-256 of what the cookie has.
    pub id: [u8; 32],
    /// `token` or `oidc`.
    pub via: String,
    pub name: String,
    pub role: String,
    pub identity: String,
    /// Of the token that was shown, or of the settings that the provider was asked under.
    pub proof: Vec<u8>,
    pub created_ms: i64,
    pub seen_ms: i64,
    pub expires_ms: i64,
}

/// A sign-in that was refused.
#[derive(Clone, Copy, Debug)]
pub struct RefusedSignIn<'a> {
    pub via: &'a str,
    /// The address that it came from.
    pub from: &'a str,
    /// In plain words.
    pub why: &'a str,
}

const SELECT: &str = "SELECT id, via, name, role, identity, proof, created_at, seen_at, expires_at FROM console_sessions";

impl ConsoleSessions<'_> {
    /// Opens one for the operator of the scope. False where `once`, a sign-in, was used before: then nothing is opened.
    pub async fn open(
        self,
        scope: &Scope,
        session: &ConsoleSession,
        from: &str,
        once: Option<(&[u8; 32], i64)>,
    ) -> Result<bool, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        write.forget_console_sessions(session).await?;
        if let Some((id, expires_ms)) = once {
            let sql = "INSERT INTO console_sign_ins (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
            let values = [Value::Bytes(id), Value::Integer(expires_ms)];
            if write.tx.run(sql, &values).await? == 0 {
                return Ok(false);
            }
        }
        let sql = "INSERT INTO console_sessions (id, via, name, role, identity, proof, created_at, seen_at, expires_at) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let values = [
            Value::Bytes(&session.id),
            Value::Text(&session.via),
            Value::Text(&session.name),
            Value::Text(&session.role),
            Value::Text(&session.identity),
            Value::Bytes(&session.proof),
            Value::Integer(session.created_ms),
            Value::Integer(session.seen_ms),
            Value::Integer(session.expires_ms),
        ];
        write.tx.run(sql, &values).await?;
        let told = json!({
            "via": session.via, "role": session.role, "identity": session.identity, "from": from,
        });
        write.enter_sign_in(Act::SignedIn, &told_of(&session.id), told);
        write.commit().await?;
        Ok(true)
    }

    pub async fn find(
        self,
        scope: &Scope,
        id: &[u8; 32],
    ) -> Result<Option<ConsoleSession>, StoreError> {
        if !scope.sees_everything() {
            return Ok(None);
        }
        let rows =
            self.0.engine.rows(&format!("{SELECT} WHERE id = $1"), &[Value::Bytes(id)]).await?;
        let corrupt = |Unreadable| StoreError::Corrupt { table: "console_sessions", key: None };
        rows.first().map(read).transpose().map_err(corrupt)
    }

    /// Something was asked with it.
    pub async fn seen(self, scope: &Scope, id: &[u8; 32], now_ms: i64) -> Result<(), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let sql = "UPDATE console_sessions SET seen_at = $2 WHERE id = $1 AND seen_at < $2";
        tx.run(sql, &[Value::Bytes(id), Value::Integer(now_ms)]).await?;
        tx.commit().await
    }

    /// Ends it everywhere. `why` goes into the audit trail.
    pub async fn end(self, scope: &Scope, id: &[u8; 32], why: &str) -> Result<(), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let sql = "DELETE FROM console_sessions WHERE id = $1";
        if write.tx.run(sql, &[Value::Bytes(id)]).await? == 0 {
            return Ok(());
        }
        write.enter_sign_in(Act::SignedOut, &told_of(id), json!({ "because": why }));
        write.commit().await.map(drop)
    }

    /// Enters that somebody was not let in.
    pub async fn refused(
        self,
        scope: &Scope,
        refused: RefusedSignIn<'_>,
    ) -> Result<(), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let RefusedSignIn { via, from, why } = refused;
        let told = json!({ "via": via, "from": from, "because": why });
        write.enter_sign_in(Act::Refused, "", told);
        write.commit().await.map(drop)
    }
}

impl Write<'_> {
    fn enter_sign_in(&mut self, act: Act, key: &str, told: serde_json::Value) {
        self.entries.push(Entry {
            act,
            of: Some(Kind::ConsoleSession),
            key: key.to_owned(),
            tenant: String::new(),
            revision: 0,
            was: None,
            became: told.as_object().cloned(),
        });
    }

    /// Makes room for one more: what is over goes, and of too many the oldest.
    async fn forget_console_sessions(&mut self, new: &ConsoleSession) -> Result<(), StoreError> {
        let most = || Value::Integer(i64::from(BATCH_MAX));
        for table in ["console_sessions", "console_sign_ins"] {
            let sql = format!(
                "DELETE FROM {table} WHERE id IN \
                 (SELECT id FROM {table} WHERE expires_at <= $1 ORDER BY expires_at, id LIMIT $2)"
            );
            self.tx.run(&sql, &[Value::Integer(new.created_ms), most()]).await?;
        }
        let sql = "DELETE FROM console_sessions WHERE id IN (SELECT id FROM console_sessions WHERE identity = $1 \
                   ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $2)";
        let values = [Value::Text(&new.identity), Value::Integer(OF_OPERATOR_MAX - 1), most()];
        self.tx.run(sql, &values).await?;
        let sql = "DELETE FROM console_sessions WHERE id IN (SELECT id FROM console_sessions \
                   ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $1)";
        self.tx.run(sql, &[Value::Integer(ALL_MAX - 1), most()]).await.map(drop)
    }
}

/// Nobody comes by the cookie with it.
fn told_of(id: &[u8; 32]) -> String {
    hex::encode(&id[..TOLD_LEN])
}

fn read(row: &Row) -> Result<ConsoleSession, Unreadable> {
    Ok(ConsoleSession {
        id: row.bytes(0)?.try_into().map_err(|_| Unreadable)?,
        via: row.text(1)?,
        name: row.text(2)?,
        role: row.text(3)?,
        identity: row.text(4)?,
        proof: row.bytes(5)?.clone(),
        created_ms: row.integer(6)?,
        seen_ms: row.integer(7)?,
        expires_ms: row.integer(8)?,
    })
}
