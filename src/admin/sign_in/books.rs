//! Where it stands who is signed in: in the store, where there is one, so that every replica knows it; else here.
use super::super::error::ApiError;
use crate::model::Scope;
use crate::store::ConsoleSession;
use crate::store::RefusedSignIn;
use crate::store::Store;
use crate::store::StoreError;
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

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], ConsoleSession>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of_store(error: StoreError) -> ApiError {
    ApiError::of_store(error, "console session", "")
}
