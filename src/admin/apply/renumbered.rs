//! Auth methods that have another number and the same settings: as their connector has after a connection in the bundle
//! had former settings recorded.
use super::outcome::Passage;
use crate::admin::call::Call;
use crate::admin::error::ApiError;
use crate::store::Kind;
use serde_json::Value;

/// The column of a connector's row that has its methods' numbers.
const METHODS: &str = "methods";

/// Those where more than a number is another. `call`: on what there would be.
pub(super) async fn without(
    call: &Call,
    mut passages: Vec<Passage>,
) -> Result<Vec<Passage>, ApiError> {
    for it in passages.iter_mut().filter(|it| it.what.kind == Kind::Connector.as_str()) {
        let (Some(was), Some(became)) = (&it.was, &mut it.became) else { continue };
        let was = was.get(METHODS).and_then(Value::as_object);
        let became = became.get_mut(METHODS).and_then(Value::as_object_mut);
        let Some((was, became)) = was.zip(became) else { continue };
        for (method, number) in became {
            let Some(before) = was.get(method).filter(|it| *it != number) else { continue };
            if settings(call, &it.what.key, method, before).await?
                == settings(call, &it.what.key, method, number).await?
            {
                *number = before.clone();
            }
        }
    }
    passages.retain(|it| it.was != it.became);
    Ok(passages)
}

async fn settings(
    call: &Call,
    connector: &str,
    method: &str,
    number: &Value,
) -> Result<Option<String>, ApiError> {
    let number = number.as_i64().unwrap_or_default();
    let methods = call.api.store()?.store.auth_methods();
    let found = methods.revision(&call.scope(), connector, method, number).await;
    let found = found.map_err(|it| ApiError::of_store(it, "auth method", method))?;
    Ok(found.map(|it| it.definition))
}
