//! `GET /v1/audit`: who did what, from what to what, the newest first.
use super::answer::Answer;
use super::call::Call;
use super::cursor;
use super::error::ApiError;
use super::shape;
use super::time;
use super::unreadable;
use super::unreadable::Unreadable;
use crate::store::AuditEntry;
use crate::store::AuditFilter;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

/// An entry of the audit trail. `attache audit verify` checks that none was changed, put in or taken away.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename = "AuditEntry")]
struct Entry {
    /// Its number: from 1, without gaps.
    seq: i64,
    /// RFC 3339, UTC, by the store's clock.
    at: String,
    /// `operator` and a token's key, `person` and what an identity provider calls them, `command` and its name, `file` for what a file brought, or `attache`.
    who: String,
    /// `begun`, `created`, `updated`, `deleted`, `bound`, `confirmed`, `rewrapped` or `broken`.
    act: String,
    /// What it is of, or `deployment`.
    kind: String,
    /// Of an activation, its connection's; of an auth method, its connector's.
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// The change that it tells: the `version` of what was written by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<i64>,
    /// What there was, without secrets: credentials stand by their fingerprints, where the act is about them.
    before: Value,
    /// What there is since.
    after: Value,
}

impl From<AuditEntry> for Entry {
    fn from(it: AuditEntry) -> Self {
        let json = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
        Self {
            seq: it.seq,
            at: time::shown(it.at_ms),
            before: json(&it.was),
            after: json(&it.became),
            who: it.who,
            act: it.act,
            kind: it.kind,
            key: it.key,
            tenant: Some(it.tenant).filter(|it| !it.is_empty()),
            revision: Some(it.revision).filter(|it| *it > 0),
        }
    }
}

/// `GET /v1/audit`
pub(super) async fn list(call: Call) -> Result<Answer, ApiError> {
    let page = call.page()?;
    let before = match page.after.as_deref() {
        None => None,
        Some(last) => Some(last.parse().map_err(|_| cursor::foreign())?),
    };
    let text = |name: &str| call.query.value(name).map(str::to_owned);
    let at = |name: &str| {
        let problem =
            || ApiError::BadRequest(format!("`{name}` is a time as in 2027-01-31T12:00:00Z."));
        let read = |it: &str| time::read(it, name).map_err(|_| problem());
        call.query.value(name).map(read).transpose()
    };
    let filter = AuditFilter {
        kind: text("kind"),
        key: text("key"),
        tenant: text("tenant"),
        who: text("who"),
        since_ms: at("since")?,
        until_ms: at("until")?,
    };
    let Some(backing) = call.api.backing() else {
        return Ok(unreadable::page(&call, Vec::new(), None, &[]));
    };
    let listed = backing.store.audit().list(&call.scope(), &filter, before, page.limit).await;
    let (entries, broken) = listed.map_err(|it| ApiError::of_store(it, "audit entry", ""))?;
    // Numbers have gaps in what is filtered: a page that is full may have more behind it.
    let is_full = entries.len() + broken.len() >= page.limit as usize;
    // Behind the last row of the page, whether or not it reads.
    let read = entries.iter().map(|it| it.seq);
    let last = read.chain(unreadable::numbers(&broken)).min().filter(|_| is_full);
    let next = last.map(|it| cursor::behind(&call.path, &it.to_string()));
    let items = entries.into_iter().map(|it| json!(Entry::from(it))).collect();
    let broken: Vec<_> = broken.iter().map(Unreadable::from).collect();
    Ok(unreadable::page(&call, items, next, &broken))
}

pub(super) fn page(generator: &mut SchemaGenerator) -> Schema {
    let item = generator.subschema_for::<Entry>();
    shape::page(generator, "AuditPage", item)
}
