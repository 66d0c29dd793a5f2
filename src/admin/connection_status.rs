//! Whether a connection can be used: by what is served of it, and whether anybody is activated under it.
use super::call::Call;
use super::connections::Connections;
use super::definition::Definition;
use super::error::ApiError;
use crate::catalog::Kind;
use crate::catalog::Ready;
use crate::catalog::Snapshot;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashSet;

/// Whether a connection can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Ready,
    /// Embedded, and no tenant is activated yet.
    NotActivated,
    /// Its webhook secret is the sender's to hand over, which was not done yet.
    WaitingForSecret,
    Disabled,
    /// Its origin is another than its stored credentials were entered for: they are not used until that is
    /// confirmed, or they are entered anew.
    OriginChanged,
    /// It is not served, because something it is made of is not sound or not there.
    Unsound,
}

/// A connection, as far as its status goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Of<'a> {
    pub key: &'a str,
    /// What its activations are bound to.
    pub owner: &'a str,
    pub enabled: bool,
}

impl Status {
    pub(super) const ALL: &[Self] = &[
        Self::Ready,
        Self::NotActivated,
        Self::WaitingForSecret,
        Self::Disabled,
        Self::OriginChanged,
        Self::Unsound,
    ];

    /// As it is shown.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotActivated => "not_activated",
            Self::WaitingForSecret => "waiting_for_secret",
            Self::Disabled => "disabled",
            Self::OriginChanged => "origin_changed",
            Self::Unsound => "unsound",
        }
    }

    /// None for a word that is no status.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == name)
    }

    /// None where it takes a look at what is stored under it.
    fn of_served(snapshot: &Snapshot, of: Of<'_>) -> Option<Self> {
        if !of.enabled {
            return Some(Self::Disabled);
        }
        let Some(connection) = snapshot.connection(of.key) else { return Some(Self::Unsound) };
        if snapshot.elsewhere(&connection.key).is_some() {
            return Some(Self::OriginChanged);
        }
        match &connection.kind {
            Kind::Standard(holder) => match &holder.ready {
                Ready::Inbound(verifier) if verifier.is_waiting() => Some(Self::WaitingForSecret),
                Ready::Inbound(_) | Ready::Outbound(_) | Ready::Token(_) => Some(Self::Ready),
            },
            Kind::Embedded { activations, .. } if !activations.is_empty() => Some(Self::Ready),
            Kind::Embedded { .. } => None,
        }
    }
}

/// Those of all of these, in their order: with one question to the store for some hundred of them.
pub(super) async fn of_all(call: &Call, all: &[Of<'_>]) -> Result<Vec<Status>, ApiError> {
    let snapshot = call.api.live.snapshot_full();
    let served: Vec<_> = all.iter().map(|it| Status::of_served(&snapshot, *it)).collect();
    let owners: Vec<&str> =
        all.iter().zip(&served).filter(|it| it.1.is_none()).map(|it| it.0.owner).collect();
    let activated = match call.api.backing() {
        Some(backing) if !owners.is_empty() => {
            let activated = backing.store.activations().any_of(&call.scope(), &owners).await;
            activated.map_err(|it| ApiError::of_store(it, Connections::NOUN, ""))?
        }
        Some(_) | None => HashSet::new(),
    };
    let stored = |of: &Of<'_>| match activated.contains(of.owner) {
        true => Status::Ready,
        false => Status::NotActivated,
    };
    Ok(all.iter().zip(served).map(|(of, it)| it.unwrap_or_else(|| stored(of))).collect())
}
