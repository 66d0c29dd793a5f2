//! What operators and their tools ask: metrics, health, readiness, and the way to the API.
mod page;
mod problem;
mod ready;

use crate::model::Secret;
use crate::model::UnixTime;
use crate::reload::Live;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::TEXT_FORMAT;
use axum::Router;
use axum::extract::State;
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::any;
use axum::routing::get;
use http::HeaderValue;
use http::header;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What the admin listener tells of.
#[derive(Clone)]
pub struct AdminState {
    pub metrics: Arc<Metrics>,
    pub live: Arc<Live>,
    /// True once the process is to stop: it is not ready any more.
    pub draining: Arc<AtomicBool>,
    /// What operators prove themselves with; without one the API is closed.
    pub token: Option<Secret>,
    /// What time it is.
    pub clock: fn() -> UnixTime,
}

/// The table of contents.
pub fn router(state: AdminState) -> Router {
    Router::new()
        .route("/", get(page::overview))
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthy))
        .route("/readyz", get(ready::ready))
        .route("/v1", any(problem::api))
        .route("/v1/{*rest}", any(problem::api))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(middleware::from_fn_with_state(problem::Frame::new(state.clock), problem::frame))
        .with_state(state)
}

/// `GET /metrics`: no token, so that any scraper can.
async fn metrics(State(state): State<AdminState>) -> impl IntoResponse {
    let kind = HeaderValue::from_static(TEXT_FORMAT);
    ([(header::CONTENT_TYPE, kind)], state.metrics.render())
}

/// `GET /healthz`: 200 while the process answers at all.
async fn healthy() -> &'static str {
    "ok\n"
}

#[cfg(test)]
mod tests;
