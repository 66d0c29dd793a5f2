//! Credentials of a bundle: what is there already is not entered again, and what is not given is kept.
use crate::admin::call::Call;
use crate::admin::credentials;
use crate::admin::credentials::Where;
use crate::admin::error::ApiError;
use crate::admin::error::Fault;
use crate::admin::sent::Members;
use crate::config::Step;
use crate::config::pointer;
use crate::model::Secret;
use serde_json::Value;
use serde_json::json;

/// What stands for a value that nobody had: the name of the setting that it was to come from.
const UNSET: &str = "unset";

/// Puts what answers would show in the place of each field that is there already, or that is not given.
pub(super) async fn settle(
    call: &Call,
    at: Where<'_>,
    is_there: bool,
    members: &mut Members,
) -> Result<(), ApiError> {
    let Some(Value::Object(sent)) = members.get_mut(at.member) else { return Ok(()) };
    let current = if is_there { credentials::current(call, at).await } else { Ok(None) };
    let current = match current {
        // What does not read can be entered anew.
        Err(ApiError::Damaged { .. }) => None,
        current => current?,
    };
    let shown = |field: &str| Some(&current.as_ref()?.sealed.fields.get(field)?.fingerprint);
    let sealer = &call.api.store()?.sealer;
    let mut faults = Vec::new();
    for (field, value) in sent.iter_mut() {
        let kept = match (unset(value), shown(field)) {
            (Some(_), Some(shown)) => Some(shown),
            (Some(name), None) => {
                faults.push(lacks(pointer([Step::Key(at.member), Step::Key(field)]), &name));
                None
            }
            (None, shown) => {
                let given = values(value).map(|it| sealer.fingerprint(&it));
                shown.filter(|it| given.as_ref() == Some(it))
            }
        };
        if let Some(fingerprint) = kept {
            *value = json!({ "fingerprint": fingerprint });
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(ApiError::Invalid(faults)) }
}

/// The setting that a value was to come from, where it is not set.
pub(super) fn unset(value: &Value) -> Option<String> {
    let members = value.as_object().filter(|it| it.len() == 1)?;
    members.get(UNSET)?.as_str().map(ToOwned::to_owned)
}

/// There is nothing that could be kept.
pub(super) fn lacks(pointer: String, name: &str) -> Fault {
    let problem =
        format!("the setting `{name}` is not set, and nothing is stored that could be kept");
    let hint = format!("set {name} in the environment, or write `${{file:…}}` here");
    Fault { pointer, problem, hint }
}

/// The values of a field, where they were sent.
pub(super) fn values(value: &Value) -> Option<Vec<Secret>> {
    match value {
        Value::String(text) => Some(vec![Secret::new(text.as_str())]),
        Value::Array(items) => {
            items.iter().map(|it| it.as_str().map(Secret::new)).collect::<Option<Vec<_>>>()
        }
        _ => None,
    }
}
