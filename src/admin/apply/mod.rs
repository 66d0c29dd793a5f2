//! `POST /v1/apply`: many definitions at once, as configuration files have them: all of them, or none.
//!
//! Nothing here checks or writes by itself. Each resource goes the way that it goes alone, in one transaction with
//! all others and beside a copy of what is served that has what went before. What comes of it is the plan; kept,
//! it is what was asked for.
mod affected;
mod bundle;
mod callers;
mod connections;
mod leaning;
mod outcome;
mod prune;
mod rehearsal;
mod renumbered;
mod same;
mod secrets;
mod standing;

use super::answer::Answer;
use super::api::Api;
use super::call::Call;
use super::error::ApiError;
use super::origin;
use super::query::Query;
use super::sent;
use super::sent::Members;
use bundle::Bundle;
use rehearsal::Rehearsal;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

pub(super) use affected::Broken;
pub(super) use bundle::schema;
pub(super) use outcome::Outcome as Applied;

/// The query parameter that has the plan which is to be carried out.
pub(super) const PLAN: &str = "plan";

/// How long all of it may take: nobody else writes meanwhile.
const TIME_MAX: Duration = Duration::from_secs(30);

/// `POST /v1/apply`
pub(super) async fn apply(mut call: Call) -> Result<Answer, ApiError> {
    let (dry_run, force) = (call.flag("dry_run")?, call.flag("force")?);
    let (prune, confirmed) = (call.flag("prune")?, origin::confirmed(&call)?);
    let plan = call.query.value(PLAN).map(ToOwned::to_owned);
    let body = call.take_object()?;
    sent::check_members(&body)?;
    let asked = asked(&call, &body)?;
    let bundle = Bundle::of(body, prune)?;
    let mut rehearsal = Rehearsal::begin(&call).await?;
    let rehearsed = rehearsal.run(bundle, prune, &asked);
    let rehearsed = tokio::time::timeout(TIME_MAX, Box::pin(rehearsed)).await;
    let mut outcome = rehearsed.map_err(|_| ApiError::TooMuchAtOnce)??;
    if dry_run {
        return Answer::of(&outcome);
    }
    if plan.is_some_and(|it| it != outcome.plan) {
        return Err(ApiError::Replan);
    }
    if !force && !outcome.breaks.is_empty() {
        return Err(ApiError::Breaks(outcome.breaks));
    }
    if !confirmed && !outcome.moves.is_empty() {
        return Err(ApiError::Elsewhere(outcome.moves));
    }
    rehearsal.confirm().await?;
    let before = rehearsal.began_at();
    let revision = rehearsal.commit().await?;
    if revision > before {
        call.served(revision).await;
    }
    outcome.applied = true;
    Answer::of(&outcome)
}

/// What was sent, by a digest that tells nobody what was in it.
fn asked(call: &Call, body: &Members) -> Result<[u8; 32], ApiError> {
    let text = Zeroizing::new(serde_json::to_vec(body).unwrap_or_default());
    Ok(call.api.store()?.sealer.digest(&[b"apply", &text]))
}

/// For people.
pub(super) fn told(breaks: &[Broken]) -> String {
    let first = breaks.first().map(|it| format!("{} `{}`: {}", it.kind, it.key, it.problem));
    format!(
        "{} of what works now would not work any more, as in {}. `?force=true` does it all the same.",
        breaks.len(),
        first.unwrap_or_default()
    )
}

/// Calls of the same operator on something else than what is served. Neither refuses what breaks: that is judged at the
/// end.
struct Aside {
    /// Nor what moves with its connection: that is as well.
    confirmed: Call,
    /// For what a tenant's own variables would send elsewhere, which nothing else tells.
    unconfirmed: Call,
}

impl Aside {
    fn of(call: &Call, api: &Arc<Api>) -> Result<Self, ApiError> {
        let with = |query: &str| {
            let query = Query::of(Some(query), ["force", origin::CONFIRM].into_iter())?;
            Ok::<_, ApiError>(Call {
                api: Arc::clone(api),
                operator: call.operator.clone(),
                headers: http::HeaderMap::new(),
                path: call.path.clone(),
                parameters: Vec::new(),
                query,
                body: serde_json::Value::Null,
                document: None,
                claim: call.claim.clone(),
                progress: Arc::default(),
            })
        };
        let confirm = format!("force=true&{}={}", origin::CONFIRM, origin::ORIGIN);
        Ok(Self { confirmed: with(&confirm)?, unconfirmed: with("force=true")? })
    }
}
