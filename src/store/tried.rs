//! Requests that operators have sent with credentials that are not theirs: entered in the trail, and nowhere else.
use super::Connections;
use super::Kind;
use super::StoreError;
use super::audit::Act;
use super::audit::Entry;
use crate::model::Scope;
use serde_json::json;

/// A request that was tried out.
#[derive(Clone, Copy, Debug)]
pub struct TrialOf<'a> {
    /// The connection's key. Empty where it is not known before it is sent.
    pub connection: &'a str,
    /// What it is found by then: an environment, and the connector in it.
    pub within: Option<(&'a str, &'a str)>,
    /// Empty where it is nobody's.
    pub tenant: &'a str,
    pub method: &'a str,
    /// Without the query: it may have what is nobody's business.
    pub path: &'a str,
    /// As a caller would have been answered; none before it is sent.
    pub status: Option<u16>,
    /// With test credentials.
    pub test: bool,
}

impl Connections<'_> {
    /// Enters that it will be sent, or with a status what came of it.
    pub async fn tried(self, scope: &Scope, of: &TrialOf<'_>) -> Result<(), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let TrialOf { connection, within, tenant, method, path, status, test } = *of;
        let mut became = json!({ "method": method, "path": path, "test": test });
        if let Some((environment, connector)) = within {
            became["environment"] = environment.into();
            became["connector"] = connector.into();
        }
        if let Some(status) = status {
            became["status"] = status.into();
        }
        write.entries.push(Entry {
            act: Act::Tried,
            of: Some(Kind::Connection),
            key: connection.to_owned(),
            tenant: tenant.to_owned(),
            revision: 0,
            was: None,
            became: became.as_object().cloned(),
        });
        write.commit().await.map(drop)
    }
}
