//! Credentials in, never out: what is kept is opened to be checked, and sealed anew where it changes.
use super::call::Call;
use super::error::ApiError;
use super::sent;
use super::sent::Fields;
use super::sent::Members;
use super::shape::ShownField;
use super::time;
use crate::model::Credential;
use crate::model::UnixTime;
use crate::seal::Binding;
use crate::seal::Sealed;
use crate::seal::Sealer;
use crate::seal::Slot;
use crate::store::Place;
use crate::store::SealedCredential;
use crate::store::Secrets;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;

/// Where a credential is: whose, for which tenant, in which slot.
#[derive(Clone, Copy)]
pub(super) struct Where<'a> {
    pub owner: &'a str,
    pub tenant: &'a str,
    pub slot: Slot,
    /// The member that it is sent as.
    pub member: &'static str,
}

/// What becomes of a credential with a write.
pub(super) enum Change {
    Kept,
    Removed,
    Set(Resealing),
}

/// Seals a credential in the transaction that stores it.
pub(super) struct Resealing {
    sealer: Arc<Sealer>,
    credential: Credential,
    /// Whether a field of it is what was there before.
    keeps: bool,
    now: UnixTime,
}

impl Change {
    /// True where nothing stays of what was there.
    pub(super) fn is_whole(&self) -> bool {
        match self {
            Self::Kept => false,
            Self::Removed => true,
            Self::Set(it) => !it.keeps,
        }
    }
}

/// What there is at a place.
pub(super) async fn current(
    call: &Call,
    at: Where<'_>,
) -> Result<Option<SealedCredential>, ApiError> {
    let store = &call.api.store()?.store;
    let found = store.credentials().get(&call.scope(), at.owner, at.tenant, at.slot).await;
    found.map_err(|it| ApiError::of_store(it, "credential", at.owner))
}

/// As answers show it; `None` where there is none.
pub(super) fn shown(current: Option<&SealedCredential>) -> Option<Value> {
    let fields = &current?.sealed.fields;
    let shown = fields.iter().map(|(name, field)| {
        let set_at = time::shown(field.set_at_ms);
        let field = ShownField { fingerprint: field.fingerprint.clone(), set_at };
        (name.clone(), json!(field))
    });
    Some(Value::Object(shown.collect::<Members>()))
}

/// The credential that there will be, and what is to be done to what is stored.
pub(super) async fn merged(
    call: &Call,
    at: Where<'_>,
    sent: Option<Fields>,
    current: Option<&SealedCredential>,
) -> Result<(Credential, Change), ApiError> {
    let sealer = &call.api.store()?.sealer;
    let needs_current = sent.as_ref().is_none_or(|it| it.values().any(sent::Field::is_kept));
    let opened = match current.filter(|_| needs_current) {
        Some(it) => opened(call, at, it).await?,
        None => Credential::default(),
    };
    let Some(sent) = sent else { return Ok((opened, Change::Kept)) };
    let keeps = sent.values().any(sent::Field::is_kept);
    let shown = current.map(|it| {
        let fields = it.sealed.fields.iter();
        fields.map(|(name, it)| (name.clone(), it.fingerprint.clone())).collect()
    });
    let credential = sent::merged(sent, at.member, &opened, &shown.unwrap_or_default())?;
    let change = if credential.is_empty() {
        Change::Removed
    } else {
        let (sealer, credential) = (Arc::clone(sealer), credential.clone());
        Change::Set(Resealing { sealer, credential, keeps, now: (call.api.clock)() })
    };
    Ok((credential, change))
}

pub(super) async fn opened(
    call: &Call,
    at: Where<'_>,
    current: &SealedCredential,
) -> Result<Credential, ApiError> {
    let Where { owner, tenant, slot, member } = at;
    let binding = Binding { owner, tenant, slot, generation: current.generation };
    call.api.store()?.keys.open(&binding, &current.sealed).await.map_err(|it| {
        let problem = format!("what is kept can't be opened: {it}");
        ApiError::invalid(format!("/{member}"), problem, "send all of it anew")
    })
}

impl Resealing {
    pub(super) fn seal(&self, place: &Place<'_>) -> Sealed {
        let sealed = self.sealer.seal(&place.binding, &self.credential, self.now);
        match place.current {
            Some(before) => sealed.with_dates_of(&before.sealed),
            None => sealed,
        }
    }
}

/// How the store takes a change: `seal` is what [`sealing`] gave.
pub(super) fn secrets<'a>(
    change: &Change,
    seal: &'a (dyn Fn(&Place<'_>) -> Result<Sealed, String> + Send + Sync),
) -> Secrets<'a> {
    match change {
        Change::Kept => Secrets::Keep,
        Change::Removed => Secrets::Remove,
        Change::Set(_) => Secrets::Set(seal),
    }
}

/// Seals what is to be set.
pub(super) fn sealing(
    change: &Change,
) -> impl Fn(&Place<'_>) -> Result<Sealed, String> + Send + Sync + '_ {
    move |place| match change {
        Change::Set(it) => Ok(it.seal(place)),
        Change::Kept | Change::Removed => Err("there is nothing to seal".to_owned()),
    }
}
