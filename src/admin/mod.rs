//! What operators and their tools ask: metrics, health, readiness, and the API.
//!
//! `routes` is the API's table of contents, `dispatch` the order of a call's steps; each resource has
//! a file of its own.
mod activation_export;
mod activation_import;
mod activation_lists;
mod activations;
mod affected;
mod answer;
mod api;
mod apply;
mod audit;
mod audit_check;
mod auth_methods;
mod base_url_checks;
mod body;
mod call;
mod callers;
mod catalogue;
mod certificates;
mod configuration;
mod connect_begin;
mod connect_bid;
mod connect_callback;
mod connect_item;
mod connect_landing;
mod connect_new;
mod connect_release;
mod connect_routes;
mod connect_sessions;
mod connecting;
mod connection_credentials;
mod connection_lists;
mod connection_status;
mod connection_uses;
mod connections;
mod connectors;
mod consents;
mod credential_fields;
mod credentials;
mod cursor;
mod dance;
mod definition;
mod deliveries;
mod devices;
mod disclosure;
mod dispatch;
mod document;
mod endpoints;
mod environment_activations;
mod environments;
mod error;
mod etag;
mod event_deliveries;
mod event_subscriptions;
mod events;
mod exchange_stream;
mod exchanges;
mod farewells;
mod forecast;
mod grant_acts;
mod grant_routes;
mod grantee;
mod grants;
mod hooks;
mod idempotency;
mod import;
mod integrations;
mod inward;
mod issued;
mod kept;
mod known_tokens;
mod learned_secrets;
mod merge_patch;
mod openapi;
mod operator;
mod origin;
mod overview;
mod page;
mod patch;
mod probes;
mod problem;
mod progress;
mod query;
mod ready;
mod repin;
mod replace;
mod role;
mod route;
mod routes;
mod sealing_keys;
mod search;
mod sent;
mod shape;
mod shell_line;
mod sign_in;
mod switch;
mod tenants;
mod time;
mod tokens;
mod traffic;
mod tried;
mod try_out;
mod unreadable;
mod uses;
mod webhook_verifier;
mod whoami;

pub use answer::Endless;
pub use api::Access;
pub use api::Api;
pub use api::Backing;
pub use api::Providing;
pub use api::Try;
pub use api::openapi;
pub use connecting::Connecting;
pub use devices::Devices;
pub use hooks::Hooks;
pub use page::Front;
pub use sign_in::Signing;

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
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What the admin listener tells of.
#[derive(Clone)]
pub struct AdminState {
    pub metrics: Arc<Metrics>,
    pub live: Arc<Live>,
    /// True once the process is to stop: it is not ready any more.
    pub draining: Arc<AtomicBool>,
    pub api: Arc<Api>,
    /// What time it is.
    pub clock: fn() -> UnixTime,
    /// What people are shown.
    pub front: Front,
}

/// The address at the other end of the link that a request came by.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// The table of contents.
pub fn router(state: AdminState) -> Router {
    Router::new()
        .route("/", get(page::front))
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthy))
        .route("/readyz", get(ready::ready))
        .route("/openapi.json", get(described))
        .merge(sign_in::routes())
        .route("/v1", any(dispatch::enter))
        .route("/v1/{*rest}", any(dispatch::enter))
        .fallback(page::front)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(middleware::from_fn_with_state(problem::Frame::new(state.clock), problem::frame))
        .with_state(state)
}

/// `GET /metrics`: no token, so that any scraper can.
async fn metrics(State(state): State<AdminState>) -> impl IntoResponse {
    let kind = HeaderValue::from_static(TEXT_FORMAT);
    ([(header::CONTENT_TYPE, kind)], state.metrics.render())
}

/// `GET /openapi.json`: no token, since it holds nothing that the program's source does not.
async fn described(State(state): State<AdminState>) -> impl IntoResponse {
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], state.api.document.clone())
}

/// `GET /healthz`: 200 while the process answers at all.
async fn healthy() -> &'static str {
    "ok\n"
}

#[cfg(test)]
mod tests;
