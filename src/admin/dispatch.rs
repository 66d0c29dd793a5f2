//! From a request to its handler and back: the order of the steps, and nothing else.
use super::AdminState;
use super::Api;
use super::Peer;
use super::answer::Answer;
use super::body;
use super::body::Media;
use super::call::Call;
use super::error::ApiError;
use super::idempotency;
use super::operator;
use super::progress;
use super::query::Query;
use super::route::Header;
use super::route::Route;
use crate::telemetry::RequestId;
use axum::Extension;
use axum::body::Body;
use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use http::Method;
use serde_json::Value;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// `/v1/…`: for operators only, whether there is something or not.
pub(super) async fn enter(
    State(state): State<AdminState>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let is_head = request.method() == Method::HEAD;
    let response = match answer(state.api, request).await {
        Ok(answer) => answer.into_response(),
        Err(error) => {
            if let Some(reason) = error.turned_away() {
                state.metrics.operator_failure(reason);
            }
            error.response(id.as_str())
        }
    };
    // RFC 9110 §9.3.2: the head alone.
    if is_head { response.map(|_| Body::empty()) } else { response }
}

async fn answer(api: Arc<Api>, request: Request) -> Result<Answer, ApiError> {
    let (head, body) = request.into_parts();
    let from = head.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |it| it.0);

    let operator = {
        let (own, head) = (Arc::clone(&api), head.clone());
        let identified = async move { operator::identify(&own, &head, from).await };
        api.to_the_end(Box::pin(identified)).await?
    };
    let method = if head.method == Method::HEAD { Method::GET } else { head.method };
    let (route, parameters) = find(&api.routes, &method, head.uri.path())?;
    operator.must_be(route.role)?;
    let query = Query::of(head.uri.query(), route.query.iter().map(|it| it.name))?;
    let (body, document) = match route.takes {
        Some((media @ Media::Document, _)) => {
            (Value::Null, Some(api.turns.read(media, &head.headers, body).await?))
        }
        Some((media @ (Media::Json | Media::MergePatch | Media::Bundle), _)) => {
            (body::read(media, &head.headers, body).await?, None)
        }
        None => (Value::Null, None),
    };
    let run = Arc::clone(&route.run);
    let repeatable = route.headers.contains(&Header::IdempotencyKey);
    let key = if repeatable { idempotency::key(&head.headers)? } else { None };
    let path = head.uri.path().to_owned();
    let headers = head.headers;
    let (claim, progress) = (None, Arc::default());
    let own = Arc::clone(&api);
    let call = Call {
        api: own,
        operator,
        headers,
        path,
        parameters,
        query,
        body,
        document,
        claim,
        progress,
    };
    match key {
        Some(key) => {
            let once = async move { idempotency::once(call, &key, run).await };
            api.to_the_end(Box::pin(once)).await
        }
        None => api.to_the_end(progress::done(call, run)).await,
    }
}

/// A route, and the raw values of its parameters.
type Found<'r> = (&'r Route, Vec<(&'static str, String)>);

pub(super) fn find<'r>(
    routes: &'r [Route],
    method: &Method,
    path: &str,
) -> Result<Found<'r>, ApiError> {
    let mut allowed = Vec::new();
    for route in routes {
        let Some(parameters) = route.matches(path) else { continue };
        if route.method == *method {
            return Ok((route, parameters));
        }
        allowed.push(route.method.as_str());
    }
    if allowed.is_empty() {
        return Err(ApiError::NoSuchPath);
    }
    if allowed.contains(&"GET") {
        allowed.push("HEAD");
    }
    Err(ApiError::Method { allowed: allowed.join(", ") })
}
