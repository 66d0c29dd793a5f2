//! What is shown to people who come by with a browser. Whose pages they are is nothing to the API.
use super::AdminState;
use super::problem;
use crate::telemetry::RequestId;
use axum::Extension;
use axum::body::Body;
use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;

/// Answers what is meant for people, given the generation of the configuration that is served; none where nothing is
/// there for them.
pub type Front = fn(&Parts, u64) -> Option<Response<Bytes>>;

/// Everything that is at no path of the listener's own.
pub(super) async fn front(
    State(state): State<AdminState>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let (head, _body) = request.into_parts();
    match (state.front)(&head, state.live.status().generation) {
        Some(page) => page.map(Body::from),
        None => problem::not_found(Extension(id)).await,
    }
}
