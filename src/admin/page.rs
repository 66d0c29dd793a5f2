//! `GET /`: what is served here, for whoever opens the address in a browser.
use super::AdminState;
use axum::extract::State;
use axum::response::Html;

/// Filled in with the version and the generation of the configuration.
const PAGE: &str = include_str!("page.html");

pub(super) async fn overview(State(state): State<AdminState>) -> Html<String> {
    let generation = state.live.status().generation.to_string();
    Html(PAGE.replace("{version}", env!("CARGO_PKG_VERSION")).replace("{generation}", &generation))
}
