//! What was had with something that is deleted is ended at the provider too: told behind the commit, once, by whoever
//! deletes it, and of no consequence to the deletion where the provider does not listen.
use super::Api;
use super::call::Call;
use super::grant_acts::present;
use super::grantee::Grantee;
use crate::grant::TokenSet;
use crate::renewal::Client;
use crate::renewal::ErrandError;
use std::sync::Arc;

/// Tokens that are to be ended, and by whom.
#[derive(Default)]
pub(super) struct Farewell(Vec<(Client, TokenSet)>);

impl Farewell {
    /// Of what the path names: read before it goes. What can't be read is not told of.
    pub(super) async fn of(call: &Call, slots: &[bool]) -> Self {
        let mut all = Vec::new();
        for is_test in slots {
            let Ok(grantee) = Grantee::of(call, *is_test).await else { continue };
            if let Ok(Some(tokens)) = present(call, &grantee).await {
                all.push((grantee.client, tokens));
            }
        }
        Self(all)
    }

    /// Tells the providers, in the background.
    pub(super) fn say(self, api: &Arc<Api>) {
        let (Some(backing), Ok(errands)) = (api.backing(), api.errands()) else { return };
        for (client, tokens) in self.0 {
            let errands = errands.clone();
            backing.control.spawn(async move {
                let connection = client.connection.clone();
                match errands.revoke(client, tokens).await {
                    // It has nothing of the kind.
                    Ok(()) | Err(ErrandError::NotSet(_) | ErrandError::Unfit(_)) => {}
                    Err(error) => {
                        let connection = connection.as_str();
                        tracing::warn!(connection, "tokens of what was deleted live on: {error}");
                    }
                }
            });
        }
    }
}
