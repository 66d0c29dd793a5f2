//! `GET /v1/whoami`: whose token it is.
use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use super::role::Role;
use schemars::JsonSchema;
use serde::Serialize;

/// The operator that asks.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Whoami {
    /// The token's name: changes are recorded under it.
    name: String,
    role: Role,
    /// Whether there is a store, so that something can be changed.
    store: bool,
}

pub(super) async fn whoami(call: Call) -> Result<Answer, ApiError> {
    let whoami = Whoami {
        name: call.operator.name.to_string(),
        role: call.operator.role,
        store: call.api.has_store(),
    };
    Ok(Answer::ok(serde_json::to_value(whoami).map_err(|_| ApiError::Internal)?))
}
