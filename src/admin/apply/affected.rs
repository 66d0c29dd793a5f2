//! Who works now, and would not any more: judged by what there would be in the end, not on the way there.
use crate::admin::affected;
use crate::admin::call::Call;
use crate::admin::error::ApiError;
use crate::admin::uses::Use;
use crate::admin::uses::UseKind;
use crate::catalog::Section;
use crate::catalog::Snapshot;
use crate::model::Key;
use crate::reload::Live;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What would not work any more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub(in crate::admin) struct Broken {
    pub kind: &'static str,
    /// Of a tenant's activation the connection's.
    pub key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    pub problem: String,
}

/// What is served of a store, before and after.
pub(super) struct Served {
    before: Arc<Live>,
    after: Arc<Live>,
}

impl Served {
    pub(super) fn new(before: Arc<Live>, after: Arc<Live>) -> Self {
        Self { before, after }
    }

    /// What there would be.
    pub(super) fn after(&self) -> Arc<Snapshot> {
        self.after.snapshot_full()
    }

    /// What is not served, or not whole, as it is.
    pub(super) fn skipped(&self) -> BTreeMap<(Section, Key), String> {
        self.before.skipped()
    }

    /// All of it. `call`: on what there would be.
    pub(super) async fn broken(&self, call: &Call) -> Result<Vec<Broken>, ApiError> {
        let mut broken = self.unsound();
        broken.extend(self.left_methods());
        broken.extend(self.activations(call).await?);
        broken.sort();
        broken.dedup();
        Ok(broken)
    }

    fn unsound(&self) -> Vec<Broken> {
        let before: BTreeMap<(Section, Key), String> = self.before.skipped();
        let news = self.after.skipped().into_iter().filter(|it| !before.contains_key(&it.0));
        let broken = news.map(|((section, key), problem)| Broken {
            kind: section.noun(),
            key: key.to_string(),
            tenant: None,
            problem,
        });
        broken.collect()
    }

    /// Connections that go on with a method that their connector has not any more.
    fn left_methods(&self) -> Vec<Broken> {
        let (before, after) = (self.before.snapshot_full(), self.after.snapshot_full());
        let mut broken = Vec::new();
        for connection in after.connections() {
            let (connector, method) = (connection.connector.as_str(), &connection.method.key);
            let has = |it: &Snapshot| {
                it.connector(connector).is_some_and(|it| it.methods.contains_key(method))
            };
            if has(&before) && !has(&after) {
                let problem = format!("`{connector}` has no auth method `{method}` any more");
                let (kind, key) = (Section::Connections.noun(), connection.key.to_string());
                broken.push(Broken { kind, key, tenant: None, problem });
            }
        }
        broken
    }

    async fn activations(&self, call: &Call) -> Result<Vec<Broken>, ApiError> {
        let (before, after) = (self.before.snapshot_full(), self.after.snapshot_full());
        let mut broken = Vec::new();
        for was in before.connections() {
            let Some(is) = after.connection(was.key.as_str()) else { continue };
            let (Some(shared), false) = (was.shared(), Arc::ptr_eq(was, is)) else { continue };
            let uses = affected::activations(call, &shared.owner, was, is).await?;
            broken.extend(uses.into_iter().map(Broken::from));
        }
        Ok(broken)
    }
}

impl Broken {
    /// What uses something of this key.
    pub(super) fn using(it: Use, of: &str) -> Self {
        let kind = match it.kind {
            UseKind::Connection => "connection",
            UseKind::Integration => "integration",
            UseKind::Environment => "environment",
            UseKind::Activations | UseKind::Activation => "activation",
        };
        let key = it.key.unwrap_or_else(|| of.to_owned());
        Self { kind, key, tenant: it.tenant, problem: String::new() }
    }
}

impl From<Use> for Broken {
    fn from(it: Use) -> Self {
        let problem = "it would not be sound under its connection, or would lead nowhere";
        let (key, problem) = (it.key.unwrap_or_default(), problem.to_owned());
        Self { kind: "activation", key, tenant: it.tenant, problem }
    }
}
