//! Where it stands who is signed in: in the store, where there is one, so that every replica knows it; else here.
use super::super::error::ApiError;
use crate::model::Scope;
use crate::store::ConsoleSession;
use crate::store::ListedSessions;
use crate::store::RefusedSignIn;
use crate::store::SessionPlace;
use crate::store::StandingSessions;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::ToldSession;
use hashbrown::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;

/// Most sessions that are kept in memory: the oldest go. A gateway without a store has the operators of a file.
const KEPT_MAX: usize = 1000;

/// Sessions in memory, which end with the process.
#[derive(Debug, Default)]
pub(super) struct Books(Mutex<HashMap<[u8; 32], ConsoleSession>>);

/// Either.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ledger<'a> {
    Stored(&'a Store),
    Kept(&'a Books),
}

impl Ledger<'_> {
    /// False where `once`, a sign-in, was used before.
    pub(super) async fn open(
        self,
        scope: &Scope,
        session: ConsoleSession,
        from: &str,
        once: Option<(&[u8; 32], i64)>,
    ) -> Result<bool, ApiError> {
        match self {
            Self::Stored(store) => {
                let opened = store.console_sessions().open(scope, &session, from, once).await;
                opened.map_err(of_store)
            }
            Self::Kept(books) => Ok(books.open(session, once)),
        }
    }

    pub(super) async fn find(self, id: &[u8; 32]) -> Result<Option<ConsoleSession>, ApiError> {
        match self {
            Self::Stored(store) => {
                store.console_sessions().find(&Scope::System, id).await.map_err(of_store)
            }
            Self::Kept(books) => Ok(books.locked().get(id).cloned()),
        }
    }

    pub(super) async fn seen(self, id: &[u8; 32], now_ms: i64) -> Result<(), ApiError> {
        match self {
            Self::Stored(store) => {
                store.console_sessions().seen(&Scope::System, id, now_ms).await.map_err(of_store)
            }
            Self::Kept(books) => {
                if let Some(session) = books.locked().get_mut(id) {
                    session.seen_ms = session.seen_ms.max(now_ms);
                }
                Ok(())
            }
        }
    }

    pub(super) async fn end(self, scope: &Scope, id: &[u8; 32], why: &str) -> Result<(), ApiError> {
        match self {
            Self::Stored(store) => {
                store.console_sessions().end(scope, id, why).await.map_err(of_store)
            }
            Self::Kept(books) => {
                books.locked().remove(id);
                Ok(())
            }
        }
    }

    /// At most `limit` of those that stand, the newest first, behind a place in that order. What does not read counts.
    pub(super) async fn list(
        self,
        scope: &Scope,
        standing: StandingSessions,
        behind: Option<SessionPlace>,
        limit: u32,
    ) -> Result<ListedSessions, ApiError> {
        match self {
            Self::Stored(store) => {
                let listed = store.console_sessions().list(scope, standing, behind, limit).await;
                listed.map_err(of_store)
            }
            Self::Kept(books) => Ok(books.list(standing, behind, limit)),
        }
    }

    /// Ends what another operator is signed in with. False where there is no such session.
    pub(super) async fn end_told(
        self,
        scope: &Scope,
        told: ToldSession,
        why: &str,
    ) -> Result<bool, ApiError> {
        match self {
            Self::Stored(store) => {
                store.console_sessions().end_told(scope, told, why).await.map_err(of_store)
            }
            Self::Kept(books) => {
                let mut kept = books.locked();
                let found = kept.values().find(|it| is_session(it) && place(it).1 == told);
                let found = found.map(|it| it.id);
                Ok(found.is_some_and(|it| kept.remove(&it).is_some()))
            }
        }
    }

    /// Enters it, where there is an audit trail.
    pub(super) async fn refused(self, refused: RefusedSignIn<'_>) {
        let Self::Stored(store) = self else { return };
        if let Err(error) = store.console_sessions().refused(&Scope::System, refused).await {
            tracing::warn!("a refused sign-in is not in the audit trail: {error}");
        }
    }
}

impl Books {
    fn open(&self, session: ConsoleSession, once: Option<(&[u8; 32], i64)>) -> bool {
        let mut kept = self.locked();
        kept.retain(|_, it| it.expires_ms > session.created_ms);
        if let Some((id, expires_ms)) = once {
            // A sign-in that was used stands among the sessions as one that nobody has a cookie of.
            if kept.contains_key(id) {
                return false;
            }
            let used =
                ConsoleSession { id: *id, role: String::new(), expires_ms, ..session.clone() };
            kept.insert(*id, used);
        }
        while kept.len() >= KEPT_MAX {
            let oldest = kept.values().min_by_key(|it| it.created_ms).map(|it| it.id);
            oldest.map(|it| kept.remove(&it));
        }
        kept.insert(session.id, session);
        true
    }

    fn list(
        &self,
        standing: StandingSessions,
        behind: Option<SessionPlace>,
        limit: u32,
    ) -> ListedSessions {
        let kept = self.locked();
        let wanted = |it: &&ConsoleSession| {
            is_session(it) && standing.has(it) && behind.is_none_or(|behind| place(it) < behind)
        };
        let mut sessions: Vec<_> = kept.values().filter(wanted).cloned().collect();
        sessions.sort_by_key(|it| std::cmp::Reverse(place(it)));
        let is_more = sessions.len() > limit as usize;
        sessions.truncate(limit as usize);
        let last = sessions.last().filter(|_| is_more).map(place);
        ListedSessions { sessions, broken: Vec::new(), last }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], ConsoleSession>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// And not a sign-in that was used.
fn is_session(it: &ConsoleSession) -> bool {
    !it.role.is_empty()
}

/// Where it stands in the list.
fn place(it: &ConsoleSession) -> SessionPlace {
    (it.created_ms, ToldSession::of(&it.id))
}

fn of_store(error: StoreError) -> ApiError {
    ApiError::of_store(error, "console session", "")
}
