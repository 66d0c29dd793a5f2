//! `POST /v1/activations/import`: many tenants' credentials at once, as they are brought along from elsewhere.
mod entry;
mod outcome;
mod shown;

use super::activations::Draft;
use super::activations::Under;
use super::answer::Answer;
use super::call::Call;
use super::credentials;
use super::error::ApiError;
use crate::store::Activation;
use crate::store::Expect;
use crate::store::Found;
use crate::store::StoreError;
use entry::Entry;
use entry::Sent;
use outcome::Outcome;
use outcome::Told;
pub(super) use shown::body;
pub(super) use shown::view;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

/// Imports that are done at the same time, each with its entries in memory. Others come back.
pub(super) const AT_ONCE: usize = 4;

/// How often it is tried again because somebody else wrote meanwhile.
const TRIES_MAX: usize = 5;

/// What becomes of an activation that there is already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Existing {
    Skip,
    Replace,
    #[default]
    Refuse,
}

/// The connections that entries name, each looked up once.
type Unders = HashMap<String, Result<Under, ApiError>>;

/// Each entry for itself: what is sound is written, all in one transaction, and what is not is told.
pub(super) async fn import(mut call: Call) -> Result<Answer, ApiError> {
    let api = Arc::clone(&call.api);
    let _turn = api.imports.try_acquire().map_err(|_| ApiError::Crowded("imports"))?;
    let sent = Sent::read(call.take_object()?)?;
    let mut refused = HashMap::new();
    for _ in 0..TRIES_MAX {
        match attempt(&call, &sent, &refused).await {
            // Somebody has changed what it was decided on.
            Err(Failed::Outrun) => tokio::task::yield_now().await,
            // What is stored under these connections stays where it is; the others are not held up.
            Err(Failed::Elsewhere(problem, connections)) => {
                refused.extend(connections.into_iter().map(|it| (it, problem.clone())));
            }
            Err(Failed::Error(error)) => return Err(error),
            Ok(told) => return Answer::of(&shown::Imported::of(&sent, told)),
        }
    }
    Err(ApiError::StoreUnavailable("Others change it all the time: try again."))
}

/// Why nothing was written.
enum Failed {
    Outrun,
    /// What is stored under these connections was entered for other origins than those they have now.
    Elsewhere(Told, Vec<String>),
    Error(ApiError),
}

impl From<ApiError> for Failed {
    fn from(error: ApiError) -> Self {
        Self::Error(error)
    }
}

/// An entry that is to be written: its place among those that were sent.
struct Ready {
    index: usize,
    draft: Draft,
}

async fn attempt(
    call: &Call,
    sent: &Sent,
    refused: &HashMap<String, Told>,
) -> Result<Vec<Outcome>, Failed> {
    let unders = unders(call, sent).await?;
    let there = There::of(call, sent, &unders).await?;
    let mut outcomes: Vec<Option<Outcome>> = Vec::new();
    let (mut ready, mut seen) = (Vec::new(), HashSet::new());
    for (index, entry) in sent.entries.iter().enumerate() {
        let checked = match entry {
            Err(told) => Err(told.clone()),
            Ok(it) => match refused.get(&it.connection) {
                Some(told) => Err(told.clone()),
                None if !seen.insert((&*it.connection, it.tenant.as_str())) => Err(Told::twice()),
                None => drafted(call, it, sent.existing, &unders, &there).await?,
            },
        };
        outcomes.push(match checked {
            Err(told) => Some(Outcome::Refused(told)),
            Ok(None) => Some(Outcome::Skipped),
            Ok(Some(draft)) => {
                ready.push(Ready { index, draft });
                None
            }
        });
        // Others are served meanwhile.
        tokio::task::consume_budget().await;
    }
    let written = written(call, &ready).await?;
    for (Ready { index, .. }, created) in ready.iter().zip(written) {
        outcomes[*index] = Some(if created { Outcome::Created } else { Outcome::Replaced });
    }
    Ok(outcomes.into_iter().flatten().collect())
}

async fn unders(call: &Call, sent: &Sent) -> Result<Unders, ApiError> {
    let mut unders = Unders::new();
    for entry in sent.entries.iter().flatten() {
        if unders.contains_key(&entry.connection) {
            continue;
        }
        let under = match Under::named(call, &entry.connection).await {
            Err(error @ ApiError::NotFound { .. }) => Err(error),
            under => Ok(under?),
        };
        unders.insert(entry.connection.clone(), under);
    }
    Ok(unders)
}

/// What there is of those that are named, by owner and tenant.
struct There {
    known: HashSet<(String, String)>,
    found: HashMap<(String, String), Found>,
}

impl There {
    async fn of(call: &Call, sent: &Sent, unders: &Unders) -> Result<Self, ApiError> {
        let named = sent.entries.iter().flatten();
        let keys: Vec<(&str, &str)> = named
            .filter_map(|it| {
                let under = unders.get(&it.connection)?.as_ref().ok()?;
                Some((&*under.owner, it.tenant.as_str()))
            })
            .collect();
        let activations = call.api.store()?.store.activations();
        let of_store = |it| ApiError::of_store(it, super::activations::NOUN, "");
        let known = activations.there(&call.scope(), &keys).await.map_err(of_store)?;
        let mut found = HashMap::new();
        if sent.existing == Existing::Replace && !known.is_empty() {
            let keys: Vec<_> = known.iter().map(|it| (&*it.0, &*it.1)).collect();
            let all = activations.these(&call.scope(), &keys).await.map_err(of_store)?;
            let key = |it: &Found| (it.0.value.owner.clone(), it.0.value.tenant.clone());
            found = all.into_iter().map(|it| (key(&it), it)).collect();
        }
        Ok(Self { known, found })
    }
}

/// What is to be written of an entry: nothing where there is one already that stays; or why not.
async fn drafted(
    call: &Call,
    entry: &Entry,
    existing: Existing,
    unders: &Unders,
    there: &There,
) -> Result<Result<Option<Draft>, Told>, ApiError> {
    let under = match unders.get(&entry.connection) {
        Some(Ok(under)) => under,
        Some(Err(error)) => return Ok(Err(Told::of_connection(error))),
        None => return Err(ApiError::Internal),
    };
    let key = (under.owner.clone(), entry.tenant.to_string());
    let is_there = there.known.contains(&key);
    let found = there.found.get(&key);
    match (is_there, existing) {
        (true, Existing::Skip) => return Ok(Ok(None)),
        (true, Existing::Refuse) => return Ok(Err(Told::exists())),
        (true, Existing::Replace) if found.is_none() => return Ok(Err(Told::damaged())),
        (true, Existing::Replace) | (false, _) => {}
    }
    let expect = if is_there { Expect::Present } else { Expect::Absent };
    let members = entry.members.clone();
    match under.draft_over(call, &entry.tenant, members, expect, found).await {
        Ok(draft) => Ok(Ok(Some(draft))),
        Err(ApiError::Invalid(faults)) => Ok(Err(entry.told(faults))),
        Err(error @ (ApiError::DeclaredInFile { .. } | ApiError::Elsewhere(_))) => {
            Ok(Err(Told::of_connection(&error)))
        }
        Err(error) => Err(error),
    }
}

/// Which of them were not there before.
async fn written(call: &Call, ready: &[Ready]) -> Result<Vec<bool>, Failed> {
    if ready.is_empty() {
        return Ok(Vec::new());
    }
    let seals: Vec<_> = ready.iter().map(|it| credentials::sealing(&it.draft.change)).collect();
    let all: Vec<Activation<'_>> = ready
        .iter()
        .zip(&seals)
        .map(|(Ready { draft, .. }, seal)| Activation {
            row: draft.row.clone(),
            secrets: credentials::secrets(&draft.change, seal),
            condition: draft.condition(),
        })
        .collect();
    let store = call.writer()?;
    let written = match store.activations().put_many(&call.scope(), &all).await {
        Ok(written) => written,
        Err(StoreError::Elsewhere { moves }) => {
            let connections = moves.iter().map(|it| it.connection.clone()).collect();
            let error =
                ApiError::of_store(StoreError::Elsewhere { moves }, super::activations::NOUN, "");
            return Err(Failed::Elsewhere(Told::of_connection(&error), connections));
        }
        Err(
            StoreError::NotFound
            | StoreError::Conflict { .. }
            | StoreError::Stale { .. }
            | StoreError::Missing { .. }
            | StoreError::Outrun { .. },
        ) => return Err(Failed::Outrun),
        Err(error) => {
            return Err(ApiError::of_store(error, super::activations::NOUN, "").into());
        }
    };
    if let Some(last) = written.iter().map(|it| it.revision).max() {
        call.served(last).await;
    }
    Ok(written.iter().map(|it| it.created).collect())
}
