//! Waiting for a place under the limits on exchanges at the same time.
use super::error::ProxyError;
use super::tally::Tally;
use crate::catalog::Places;
use crate::limits::Gates;
use crate::limits::Place;
use crate::limits::Turn;
use crate::resolve::Target;
use crate::server::OnExpiry;
use crate::server::Watch;
use crate::telemetry::Metrics;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Instant;

/// The places of one exchange, free again when dropped.
#[derive(Debug, Default)]
pub struct PlacesHeld {
    of_connection: Option<Place>,
    of_origin: Option<Place>,
}

/// Whether there is any limit to be asked about.
pub fn is_limited(target: &Target<'_>) -> bool {
    of_connection(target).is_some() || target.upstream().concurrency.is_some()
}

fn of_connection(target: &Target<'_>) -> Option<Places> {
    target.connection.limits.as_ref().and_then(|it| it.concurrency)
}

/// A place for the exchange under each limit, of the connection first. Whoever hangs up meanwhile
/// leaves the queue.
pub async fn enter(
    gates: &Gates,
    metrics: &Metrics,
    target: &Target<'_>,
    watch: &Watch,
    tally: &mut Tally,
) -> Result<(), ProxyError> {
    if let Some(places) = of_connection(target) {
        let place = match gates.connection(&target.connection.key, places)? {
            Ok(place) => place,
            Err(turn) => wait(turn, places, metrics, watch, tally).await?,
        };
        tally.places.of_connection = Some(place);
    }
    if let Some(places) = target.upstream().concurrency {
        let place = match gates.origin(target.base.origin(), places)? {
            Ok(place) => place,
            Err(turn) => wait(turn, places, metrics, watch, tally).await?,
        };
        tally.places.of_origin = Some(place);
    }
    Ok(())
}

async fn wait(
    mut turn: Turn,
    places: Places,
    metrics: &Metrics,
    watch: &Watch,
    tally: &mut Tally,
) -> Result<Place, ProxyError> {
    let began = Instant::now();
    metrics.queued(turn.limit());
    // No later than the whole exchange's own deadline.
    watch.arm(places.wait, OnExpiry::Answer);
    let place = poll_fn(|cx| match turn.poll(cx) {
        Poll::Ready(place) => Poll::Ready(Ok(place)),
        Poll::Pending if watch.poll_expired(cx) => Poll::Ready(Err(turn.too_long().into())),
        Poll::Pending => Poll::Pending,
    })
    .await;
    tally.queued(began.elapsed());
    place
}
