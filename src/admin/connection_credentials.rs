//! `…/credentials`, `…/test_credentials`: a connection's own, set or removed by themselves.
use super::answer::Answer;
use super::call::Call;
use super::connections;
use super::connections::Connections;
use super::connections::OWN;
use super::connections::Plan;
use super::connections::Sent;
use super::definition;
use super::definition::Definition;
use super::definition::Put;
use super::error::ApiError;
use super::farewells::Farewell;
use super::sent;
use super::sent::Fields;
use super::sent::Members;
use super::shape;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde_json::Value;

/// `PUT …/credentials`
pub(super) async fn put_own(mut call: Call) -> Result<Answer, ApiError> {
    let fields = whole(&mut call)?;
    set(call, |sent| sent.own = Some(fields)).await
}

/// `DELETE …/credentials`
pub(super) async fn delete_own(call: Call) -> Result<Answer, ApiError> {
    set(call, |sent| sent.own = Some(Fields::new())).await
}

/// `PUT …/test_credentials`
pub(super) async fn put_test(mut call: Call) -> Result<Answer, ApiError> {
    let fields = whole(&mut call)?;
    set(call, |sent| sent.test = Some(fields)).await
}

/// `DELETE …/test_credentials`
pub(super) async fn delete_test(call: Call) -> Result<Answer, ApiError> {
    set(call, |sent| sent.test = Some(Fields::new())).await
}

/// The body, all of it a credential.
fn whole(call: &mut Call) -> Result<Fields, ApiError> {
    let mut members = Members::new();
    members.insert(OWN.to_owned(), Value::Object(call.take_object()?));
    let fields = sent::take_credential(&mut members, OWN);
    Ok(fields.map_err(|it| it.within(&["/credentials"]))?.unwrap_or_default())
}

async fn set(call: Call, what: impl FnOnce(&mut Sent)) -> Result<Answer, ApiError> {
    let key = Connections::key(&call)?;
    definition::not_declared::<Connections>(&call, &key)?;
    let stored = definition::found::<Connections>(&call, &key).await?;
    let pinned = connections::revision(&call, &stored.value).await?;
    let mut sent = Sent::default();
    what(&mut sent);
    let farewell = Farewell::of_removed(&call, &sent).await?;
    let raw = connections::raw_of(&stored)?;
    let plan = Plan { key: &key, raw, pinned: &pinned, current: Some(&stored), sent };
    let expect = connections::expected(&call, stored.version)?;
    let written = plan.write(&call, expect).await;
    let written = written.map_err(|it| it.within(&["/credentials", "/test_credentials"]));
    if call.flag("dry_run")? {
        return definition::rehearsed::<Connections>(&call, &key, written.map(Put::from)).await;
    }
    let written = written?;
    farewell.say(&call.api);
    call.served(written.revision).await;
    definition::answer::<Connections>(&call, &key, Put::from(written)).await
}

/// A body that is a credential.
pub(super) fn credential_schema(_: &mut SchemaGenerator) -> Schema {
    let mut schema = Schema::default();
    if let Value::Object(members) = shape::sent_credentials() {
        schema.ensure_object().extend(members);
    }
    schema
}
