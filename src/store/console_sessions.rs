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
use super::salvage;
use super::write::Write;
use crate::model::Scope;
use serde_json::Value as Json;
use serde_json::json;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Most that are kept of one operator: the oldest go. A person has a few browsers, and none of them signs in anew
/// more than a few times a day.
const OF_OPERATOR_MAX: i64 = 100;

/// Most that are kept of all, so that many operators together do not fill the store either.
const ALL_MAX: i64 = 10_000;

/// Bytes of an id that people tell sessions apart by, here and in the audit trail.
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

/// Which of them are asked for: those that are not over.
#[derive(Clone, Copy, Debug)]
pub struct StandingSessions {
    pub now_ms: i64,
    /// Seen since then.
    pub seen_after_ms: i64,
}

impl StandingSessions {
    pub fn has(self, session: &ConsoleSession) -> bool {
        session.expires_ms > self.now_ms && session.seen_ms > self.seen_after_ms
    }
}

/// What a session is told apart from others by. Nobody comes by the cookie with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ToldSession([u8; TOLD_LEN]);

impl ToldSession {
    pub fn of(id: &[u8; 32]) -> Self {
        let mut told = [0; TOLD_LEN];
        told.copy_from_slice(&id[..TOLD_LEN]);
        Self(told)
    }

    /// The ids that are told so: one, where nobody has searched for two of them.
    fn ids(self) -> RangeInclusive<[u8; 32]> {
        let filled = |with: u8| {
            let mut id = [with; 32];
            id[..TOLD_LEN].copy_from_slice(&self.0);
            id
        };
        filled(0)..=filled(u8::MAX)
    }
}

impl fmt::Display for ToldSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// As it is told: in small letters.
impl FromStr for ToldSession {
    type Err = NotTold;

    fn from_str(text: &str) -> Result<Self, NotTold> {
        let bytes = hex::decode(text).ok().and_then(|it| it.try_into().ok());
        let told = bytes.map(Self).ok_or(NotTold)?;
        if told.to_string() == text { Ok(told) } else { Err(NotTold) }
    }
}

/// What nothing is told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotTold;

/// A place in the list: when a session began, and which one it is.
pub type SessionPlace = (i64, ToldSession);

/// A part of the list.
#[derive(Debug, Default)]
pub struct ListedSessions {
    pub sessions: Vec<ConsoleSession>,
    /// What of it does not read.
    pub broken: Vec<StoreError>,
    /// The place of the last of either, where there are more behind it.
    pub last: Option<SessionPlace>,
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
        write.enter_sign_in(Act::SignedIn, &told_of(&session.id), None, told);
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

    /// At most `limit` of those that stand, the newest first, behind a place in that order. What does not read counts.
    pub async fn list(
        self,
        scope: &Scope,
        standing: StandingSessions,
        behind: Option<SessionPlace>,
        limit: u32,
    ) -> Result<ListedSessions, StoreError> {
        if !scope.sees_everything() {
            return Ok(ListedSessions::default());
        }
        let (created_ms, ids) = match behind {
            Some((created_ms, told)) => (created_ms, told.ids()),
            None => (i64::MAX, [u8::MAX; 32]..=[u8::MAX; 32]),
        };
        let sql = format!(
            "{SELECT} WHERE expires_at > $1 AND seen_at > $2 AND (created_at < $3 OR (created_at = $3 AND id < $4)) \
             ORDER BY created_at DESC, id DESC LIMIT $5"
        );
        let values = [
            Value::Integer(standing.now_ms),
            Value::Integer(standing.seen_after_ms),
            Value::Integer(created_ms),
            Value::Bytes(ids.start()),
            Value::Integer(i64::from(limit) + 1),
        ];
        let mut rows = self.0.engine.rows(&sql, &values).await?;
        let is_more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        // Of whatever was read: where all of it is broken the list goes on all the same.
        let last = rows.iter().rev().find_map(place).filter(|_| is_more);
        let corrupt = |_| StoreError::Corrupt { table: "console_sessions", key: None };
        let (sessions, broken) = salvage::sorted_out(&rows, |row| read(row).map_err(corrupt));
        Ok(ListedSessions { sessions, broken, last })
    }

    /// Ends the one that is told so, everywhere, on behalf of somebody else than it is of; whose it was goes into the
    /// audit trail. False where there is none.
    pub async fn end_told(
        self,
        scope: &Scope,
        told: ToldSession,
        why: &str,
    ) -> Result<bool, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let ids = told.ids();
        let of = [Value::Bytes(ids.start()), Value::Bytes(ids.end())];
        let rows = write.tx.rows(&format!("{SELECT} WHERE id >= $1 AND id <= $2"), &of).await?;
        if rows.is_empty() {
            return Ok(false);
        }
        let sql = "DELETE FROM console_sessions WHERE id >= $1 AND id <= $2";
        write.tx.run(sql, &of).await?;
        for row in &rows {
            // One that does not read is ended all the same.
            let was = read(row).ok().map(|it| {
                json!({ "via": it.via, "name": it.name, "role": it.role, "identity": it.identity })
            });
            let key = told.to_string();
            write.enter_sign_in(Act::SignedOut, &key, was, json!({ "because": why }));
        }
        write.commit().await.map(|_| true)
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
        write.enter_sign_in(Act::SignedOut, &told_of(id), None, json!({ "because": why }));
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
        write.enter_sign_in(Act::Refused, "", None, told);
        write.commit().await.map(drop)
    }
}

impl Write<'_> {
    fn enter_sign_in(&mut self, act: Act, key: &str, was: Option<Json>, told: Json) {
        self.entries.push(Entry {
            act,
            of: Some(Kind::ConsoleSession),
            key: key.to_owned(),
            tenant: String::new(),
            revision: 0,
            was: was.as_ref().and_then(Json::as_object).cloned(),
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

fn told_of(id: &[u8; 32]) -> String {
    ToldSession::of(id).to_string()
}

/// Where a row stands in the list, though the rest of it may not read. One with an id that is none stands for all that
/// began when it did.
fn place(row: &Row) -> Option<SessionPlace> {
    let (id, created_ms) = (row.bytes(0).ok()?, row.integer(6).ok()?);
    let told = id.first_chunk().copied().map(ToldSession);
    // The list goes on behind the first of those that are told so.
    let told = told.filter(|it| id.as_slice() >= it.ids().start().as_slice());
    Some((created_ms, told.unwrap_or(ToldSession([0; TOLD_LEN]))))
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
