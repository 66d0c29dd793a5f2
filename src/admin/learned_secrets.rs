//! `…/webhook/reveal`: the secret that a sender of webhooks handed over, for the person who has to copy it into the
//! provider's page. Once, and never one that was entered.
use super::activations::Under;
use super::answer::Answer;
use super::call::Call;
use super::connections;
use super::connections::Connections;
use super::definition::Definition;
use super::error::ApiError;
use super::time;
use crate::catalog::Auth;
use crate::catalog::AuthMethod;
use crate::seal::Binding;
use crate::seal::Slot;
use crate::store::SealedCredential;
use crate::store::SecretOf;
use crate::store::waits_until_ms;
use crate::webhook::SECRET;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

/// The member that says until when a secret is waited for.
pub(super) const WAITS: &str = "waits_until";

const NOUN: &str = "webhook secret";

/// A secret that a sender handed over. It is shown this once.
#[derive(Serialize, JsonSchema)]
#[serde(rename = "RevealedSecret")]
pub(super) struct Revealed {
    secret: String,
}

/// `POST /v1/connections/{connection}/webhook/reveal`
pub(super) async fn of_connection(call: Call) -> Result<Answer, ApiError> {
    let key = Connections::key(&call)?;
    let owner = connections::owner(&call, &key).await?;
    reveal(call, &key, &owner, "").await
}

/// `POST …/activations/{tenant}/webhook/reveal`
pub(super) async fn of_activation(call: Call) -> Result<Answer, ApiError> {
    let key = Connections::key(&call)?;
    let tenant = call.tenant()?;
    let owner = Under::named(&call, &key).await?.owner;
    reveal(call, &key, &owner, tenant.as_str()).await
}

async fn reveal(call: Call, key: &str, owner: &str, tenant: &str) -> Result<Answer, ApiError> {
    let backing = call.api.store()?;
    let of = SecretOf { owner, tenant, field: SECRET };
    let secrets = backing.store.learned_secrets();
    let failed = |it| ApiError::of_store(it, NOUN, key);
    let unseen = secrets.unseen(&call.scope(), of).await.map_err(failed)?;
    let unseen = unseen.ok_or(ApiError::NothingToReveal)?;
    // Opened first: what does not open now is not spent.
    let SealedCredential { generation, sealed } = &unseen;
    let binding = Binding { owner, tenant, slot: Slot::Learned, generation: *generation };
    let opened = backing.keys.open_field(&binding, sealed, SECRET).await.map_err(|it| {
        let problem = it.to_string();
        ApiError::Damaged { noun: NOUN, key: key.to_owned(), problem }
    })?;
    let secret = opened.first().ok_or(ApiError::NothingToReveal)?;
    let is_mine = secrets.revealed(&call.scope(), of, key, &unseen).await.map_err(failed)?;
    if !is_mine {
        return Err(ApiError::NothingToReveal);
    }
    // As each answer here it says that nobody keeps it.
    Answer::of(&Revealed { secret: secret.expose().to_owned() })
}

/// Until when whoever was last written at this time waits for its sender to hand the secret over; none where it has
/// one, or the sender never does.
pub(super) fn waits_until(
    method: &AuthMethod,
    present: Option<&SealedCredential>,
    updated_at_ms: i64,
) -> Option<Value> {
    let has_one = present.is_some_and(|it| it.sealed.fields.contains_key(SECRET));
    match &method.auth {
        Auth::Inbound(description) if description.learns_secret() && !has_one => {
            Some(json!(time::shown(waits_until_ms(updated_at_ms))))
        }
        Auth::Inbound(_) | Auth::Outbound(_) | Auth::Token(_) => None,
    }
}

/// The schema of [`WAITS`].
pub(super) fn waits_schema() -> Value {
    json!({
        "type": "string",
        "format": "date-time",
        "readOnly": true,
        "description": "Until when the sender may hand its webhook secret over, where there is none yet. Any write opens the time anew.",
    })
}
