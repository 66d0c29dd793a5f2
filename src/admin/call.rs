//! A call of the API, as its handler sees it.
use super::Api;
use super::cursor::Page;
use super::document::Document;
use super::error::ApiError;
use super::etag::Precondition;
use super::operator::Operator;
use super::progress::Progress;
use super::query::Query;
use crate::catalog::Section;
use crate::model::Claimed;
use crate::model::Key;
use crate::model::Scope;
use crate::model::TenantId;
use crate::model::UnixTime;
use crate::store::Kind;
use crate::store::Store;
use http::HeaderMap;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::percent_decode_str;
use percent_encoding::utf8_percent_encode;
use serde_json::Map;
use serde_json::Value;
use std::sync::Arc;

/// All but the unreserved characters (RFC 3986 §2.3).
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Everything that a handler needs: the operator has proved itself, its role suffices, and the query
/// holds nothing but what the route takes.
pub(super) struct Call {
    pub api: Arc<Api>,
    pub operator: Operator,
    pub headers: HeaderMap,
    /// As it was sent, without the query.
    pub path: String,
    pub parameters: Vec<(&'static str, String)>,
    pub query: Query,
    /// Null where the route takes none.
    pub body: Value,
    /// Where the route takes one.
    pub document: Option<Document>,
    /// Of the `Idempotency-Key` that it came with.
    pub claim: Option<Arc<Claimed>>,
    pub progress: Arc<Progress>,
}

/// A key as it stands in a path.
pub(super) fn escaped(key: &str) -> String {
    utf8_percent_encode(key, IN_PATH).to_string()
}

impl Call {
    /// On whose behalf the store is asked.
    pub(super) fn scope(&self) -> Scope {
        match &self.claim {
            None => Scope::from(self.operator.name.clone()),
            Some(claim) => Scope::Once(Arc::clone(claim)),
        }
    }

    /// A key that was checked already.
    pub(super) fn own_key(&self, key: &str) -> Result<Key, ApiError> {
        Key::try_from(key).map_err(|it| ApiError::invalid("/key", it.to_string(), ""))
    }

    /// Those of the keys that no file declares: they have to be in the store when the write is done.
    pub(super) fn stored_needs<'k>(
        &self,
        section: Section,
        kind: Kind,
        keys: impl Iterator<Item = &'k str>,
    ) -> Vec<(Kind, String)> {
        let snapshot = self.api.live.snapshot_full();
        let stored = keys.filter(|it| snapshot.declared().find(section, it).is_none());
        stored.map(|it| (kind, it.to_owned())).collect()
    }

    pub(super) fn now(&self) -> UnixTime {
        (self.api.clock)()
    }

    pub(super) fn now_ms(&self) -> i64 {
        i64::try_from(self.now().as_ms()).unwrap_or(i64::MAX)
    }

    /// The store to write to: with `dry_run` nothing of it stays.
    pub(super) fn writer(&self) -> Result<Store, ApiError> {
        let store = &self.api.store()?.store;
        Ok(if self.flag("dry_run")? { store.rehearsing() } else { store.clone() })
    }

    /// It is written: waits until this process serves it, or at least nothing else in its place. With
    /// `dry_run` nothing is.
    pub(super) async fn served(&self, revision: i64) {
        if self.flag("dry_run").unwrap_or_default() {
            return;
        }
        self.progress.written();
        let Some(backing) = self.api.backing() else { return };
        if !backing.writes.are_served(revision).await {
            self.progress.withheld();
        }
    }

    /// A key in the path.
    pub(super) fn key(&self, name: &str) -> Result<Key, ApiError> {
        let text = self.parameter(name)?;
        let problem = |it| ApiError::BadRequest(format!("`{}`: {it}.", text.escape_debug()));
        Key::try_from(&*text).map_err(problem)
    }

    /// The tenant in the path, percent-decoded.
    pub(super) fn tenant(&self) -> Result<TenantId, ApiError> {
        let text = self.parameter("tenant")?;
        let problem = |it| ApiError::BadRequest(format!("`{}`: {it}.", text.escape_debug()));
        TenantId::try_from(&*text).map_err(problem)
    }

    pub(super) fn parameter(&self, name: &str) -> Result<String, ApiError> {
        let raw = self.parameters.iter().find(|it| it.0 == name).map_or("", |it| &it.1);
        let decoded = percent_decode_str(raw).decode_utf8();
        let problem = |_| ApiError::BadRequest("The path is not UTF-8.".to_owned());
        decoded.map(|it| it.into_owned()).map_err(problem)
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        self.query.flag(name)
    }

    pub(super) fn page(&self) -> Result<Page, ApiError> {
        Page::of(&self.path, self.query.value("cursor"), self.query.value("limit"))
    }

    pub(super) fn precondition(&self) -> Result<Precondition, ApiError> {
        Precondition::of(&self.headers)
    }

    /// The body, which has to be an object.
    pub(super) fn take_object(&mut self) -> Result<Map<String, Value>, ApiError> {
        match std::mem::take(&mut self.body) {
            Value::Object(members) => Ok(members),
            _ => Err(ApiError::invalid("", "expected an object", "send one: {…}")),
        }
    }
}
