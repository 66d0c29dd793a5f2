//! Connections of a bundle: each has the auth method that the bundle's connector has, or the one that it says.
use super::secrets;
use crate::admin::auth_methods;
use crate::admin::call::Call;
use crate::admin::connections;
use crate::admin::connections::Connections;
use crate::admin::connections::OWN;
use crate::admin::connections::Plan;
use crate::admin::connections::Sent;
use crate::admin::connections::TEST;
use crate::admin::credential_fields;
use crate::admin::definition;
use crate::admin::definition::Definition;
use crate::admin::error::ApiError;
use crate::admin::sent;
use crate::admin::sent::Members;
use crate::catalog::AuthMethod;
use crate::catalog::RawAuthMethod;
use crate::catalog::RawConnection;
use crate::store::Expect;
use crate::store::MethodRevision;
use serde_json::Value;

/// The member with the settings that it pins, where they are not its connector's.
pub(super) const METHOD: &str = "auth_method";

/// Checks and writes.
pub(super) async fn put(call: &Call, key: &str, mut members: Members) -> Result<(), ApiError> {
    Connections::check_key(key)?;
    definition::not_declared::<Connections>(call, key)?;
    let of_store = |it| ApiError::of_store(it, Connections::NOUN, key);
    let found = Connections::find(&call.api.store()?.store, call, key).await.map_err(of_store)?;
    let wanted = method(&mut members)?;
    let owner = found.as_ref().map_or("", |it| it.value.id.as_str());
    for at in connections::places(owner) {
        secrets::settle(call, at, found.is_some(), &mut members).await?;
    }
    let mut members = definition::own_members::<Connections>(members)?;
    let sent = Sent {
        own: sent::take_credential(&mut members, OWN)?,
        test: sent::take_credential(&mut members, TEST)?,
    };
    let raw: RawConnection = sent::read(&members)?;
    if let Some(current) = &found
        && current.value.embedded != raw.embedded
    {
        return Err(connections::unconfirmed(key, raw.embedded));
    }
    let pinned = match &wanted {
        Some(wanted) => recorded(call, &raw, &sent::method_text(wanted)).await?,
        None => None,
    };
    let wanted = match pinned {
        Some(pinned) => pinned,
        None => connections::latest(call, &raw).await?,
    };
    // The same settings under another number are no reason to pin anew.
    let current = found.as_ref().map(|it| &it.value);
    let current = current.filter(|it| it.connector == raw.connector && it.method == raw.auth);
    let pinned = match current {
        Some(row) => match connections::revision(call, row).await {
            Ok(now) if now.definition == wanted.definition => now,
            Ok(_) | Err(ApiError::Invalid(_)) => wanted,
            Err(error) => return Err(error),
        },
        None => wanted,
    };
    let expect = found.as_ref().map_or(Expect::Absent, |it| Expect::Version(it.version));
    let plan = Plan { key, raw, pinned: &pinned, current: found.as_ref(), sent };
    plan.write(call, expect).await.map(drop)
}

/// Has the settings recorded that a connection is to pin, before its connector's own: so that these stay the last.
pub(super) async fn record(call: &Call, members: &Members) -> Result<(), ApiError> {
    let mut members = members.clone();
    let Some(wanted) = method(&mut members)? else { return Ok(()) };
    let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
    let (connector, method) = (text("connector"), text("auth"));
    let key = call
        .own_key(method)
        .map_err(|_| ApiError::invalid("/auth", "expected the key of an auth method", ""))?;
    AuthMethod::recorded(key, 1, wanted.clone()).map_err(|it| ApiError::problems(&it))?;
    let wanted = sent::method_text(&wanted);
    if find(call, connector, method, &wanted).await?.is_some() {
        return Ok(());
    }
    // Where there is no such connector or method, the connection says so.
    let Some(latest) = auth_methods::latest(call, connector, method).await? else { return Ok(()) };
    let (store, scope) = (call.writer()?, call.scope());
    for definition in [&wanted, &latest.definition] {
        let put = store.connectors();
        let put = put.put_method(&scope, connector, method, definition, Expect::Present);
        put.await.map_err(|it| ApiError::of_store(it, "connector", connector))?;
    }
    Ok(())
}

fn method(members: &mut Members) -> Result<Option<RawAuthMethod>, ApiError> {
    match members.shift_remove(METHOD) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(mut settings)) => {
            sent::without(&mut settings, &[credential_fields::MEMBER]);
            sent::read(&settings).map(Some).map_err(|it| it.placed(&format!("/{METHOD}")))
        }
        Some(_) => Err(ApiError::invalid(format!("/{METHOD}"), "expected a map", "")),
    }
}

async fn recorded(
    call: &Call,
    raw: &RawConnection,
    text: &str,
) -> Result<Option<MethodRevision>, ApiError> {
    find(call, &raw.connector, &raw.auth, text).await
}

/// The last revision with these settings.
async fn find(
    call: &Call,
    connector: &str,
    method: &str,
    text: &str,
) -> Result<Option<MethodRevision>, ApiError> {
    let all = call.api.store()?.store.auth_methods().all_of(&call.scope(), connector).await;
    let all = all.map_err(|it| ApiError::of_store(it, "auth method", method))?;
    Ok(all.into_iter().rev().find(|it| it.method == method && it.definition == text))
}
