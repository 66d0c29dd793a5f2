//! stand-in
use crate::reload::Live;
use crate::telemetry::Metrics;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
#[derive(Clone)]
pub struct AdminState {
    pub metrics: Arc<Metrics>,
    pub live: Arc<Live>,
    pub draining: Arc<AtomicBool>,
    pub token: Option<crate::model::Secret>,
}
pub fn router(state: AdminState) -> axum::Router {
    axum::Router::new()
        .route("/metrics", axum::routing::get(move || async move { state.metrics.render() }))
}
