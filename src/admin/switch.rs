//! `POST …/switch`: from standard to embedded, or back.
use super::answer::Answer;
use super::call::Call;
use super::connection_uses;
use super::connections;
use super::connections::Connections;
use super::connections::OWN;
use super::connections::Plan;
use super::connections::Sent;
use super::credentials;
use super::definition;
use super::definition::Definition;
use super::definition::Put;
use super::error::ApiError;
use super::farewells::Farewell;
use super::sent;
use super::sent::Fields;
use super::shape;
use super::uses;
use crate::catalog::RawConnection;
use crate::store::ConnectionRow;
use crate::store::Stored;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Deserialize;
use serde::Serialize;

/// From standard to embedded, or back.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Switch {
    to: Holding,
    /// True: what the preview says is lost may be lost.
    #[serde(default)]
    confirm: bool,
}

/// Who holds the credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Holding {
    Standard,
    Embedded,
}

/// What a switch would do.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SwitchPreview {
    from: Holding,
    to: Holding,
    /// Fields of the connection's own credentials that would be deleted.
    credentials_deleted: Vec<String>,
    /// Fields of its test credentials that would be deleted.
    test_credentials_deleted: Vec<String>,
    /// How many tenants' activations would be deleted, with their credentials.
    activations_deleted: i64,
    /// Settings that only an embedded connection has: they would be gone.
    settings_deleted: Vec<&'static str>,
    /// Who uses it: the same connection, held by others.
    uses: uses::Uses,
    /// Whether it takes `confirm: true`.
    needs_confirmation: bool,
}

/// `POST …/switch`
pub(super) async fn switch(mut call: Call) -> Result<Answer, ApiError> {
    let key = Connections::key(&call)?;
    definition::not_declared::<Connections>(&call, &key)?;
    let mut members = call.take_object()?;
    let own = sent::take_credential(&mut members, OWN)?;
    let switch: Switch = sent::read(&members)?;
    let stored = definition::found::<Connections>(&call, &key).await?;
    let preview = preview(&call, &key, &stored, switch.to).await?;
    if call.flag("dry_run")? {
        return Answer::of(&preview);
    }
    if preview.from == preview.to {
        let problem = "it is that already";
        return Err(ApiError::invalid("/to", problem, "there is nothing to switch"));
    }
    if preview.needs_confirmation && !switch.confirm {
        return Err(ApiError::Unconfirmed(format!(
            "Credentials would be deleted: {} of the connection's own fields, {} of its test \
             credentials, {} tenants' activations. Send `confirm: true` to have it so.",
            preview.credentials_deleted.len(),
            preview.test_credentials_deleted.len(),
            preview.activations_deleted,
        )));
    }
    let pinned = connections::revision(&call, &stored.value).await?;
    let embedded = switch.to == Holding::Embedded;
    let mut raw = RawConnection { embedded, ..connections::raw_of(&stored)? };
    if !embedded {
        only_embedded(&mut raw);
    }
    let sent = Sent { own: Some(own.unwrap_or_default()), test: Some(Fields::new()) };
    let plan = Plan { key: &key, raw, pinned: &pinned, current: Some(&stored), sent };
    let expect = connections::expected(&call, stored.version)?;
    let farewell = Farewell::of_connection(&call, &key).await;
    let written = plan.write(&call, expect).await?;
    farewell.say(&call.api);
    call.served(written.revision).await;
    definition::answer::<Connections>(&call, &key, Put::from(written)).await
}

async fn preview(
    call: &Call,
    key: &str,
    stored: &Stored<ConnectionRow>,
    to: Holding,
) -> Result<SwitchPreview, ApiError> {
    let from = if stored.value.embedded { Holding::Embedded } else { Holding::Standard };
    let mut fields = [Vec::new(), Vec::new()];
    let (mut activations_deleted, mut settings_deleted) = (0, Vec::new());
    let uses = connection_uses::all_uses(call, key, &stored.value.id).await?;
    if from != to {
        for (at, names) in connections::places(&stored.value.id).iter().zip(&mut fields) {
            let current = credentials::current(call, *at).await?;
            names.extend(current.into_iter().flat_map(|it| it.sealed.fields.into_keys()));
        }
        activations_deleted = uses.activations;
        if to == Holding::Standard {
            settings_deleted = only_embedded(&mut connections::raw_of(stored)?);
        }
    }
    let [credentials_deleted, test_credentials_deleted] = fields;
    let needs_confirmation = !credentials_deleted.is_empty()
        || !test_credentials_deleted.is_empty()
        || activations_deleted > 0;
    Ok(SwitchPreview {
        from,
        to,
        credentials_deleted,
        test_credentials_deleted,
        activations_deleted,
        settings_deleted,
        uses,
        needs_confirmation,
    })
}

/// Takes away what only an embedded connection has, and names it.
fn only_embedded(raw: &mut RawConnection) -> Vec<&'static str> {
    let inputs = std::mem::take(&mut raw.inputs);
    [
        ("supplied_by", raw.supplied_by.take().is_some()),
        ("inputs", !inputs.is_empty()),
        ("tenant_rate", raw.tenant_rate.take().is_some()),
    ]
    .into_iter()
    .filter(|it| it.1)
    .map(|it| it.0)
    .collect()
}

/// The body of a switch.
pub(super) fn switch_schema(generator: &mut SchemaGenerator) -> Schema {
    shape::Shape::of::<Switch>(generator)
        .with(OWN, shape::sent_credentials())
        .named("Switch", "From standard to embedded, or back; a standard one is given credentials.")
}
