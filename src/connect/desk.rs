//! One worker's side of the pages: a visit is read, answered where the store is, and logged without the link's secret.
use super::Pages;
use super::html;
use super::visit::Visit;
use crate::journal::Pen;
use crate::model::UnixTime;
use crate::server::Cut;
use crate::server::Link;
use crate::server::OnExpiry;
use crate::server::RequestBody;
use crate::telemetry::ErrorSource;
use crate::telemetry::Exchange;
use crate::telemetry::Ids;
use crate::telemetry::Times;
use crate::telemetry::WorkerMetrics;
use crate::telemetry::metrics::PageStatus;
use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http::request::Parts;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::Limited;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tokio::runtime::Handle;

/// Longest form, in bytes: keys and certificates are among what is typed.
const FORM_LEN_MAX: usize = 64 << 10;

/// How long a visit may take, with what providers and APIs are asked meanwhile.
const VISIT_TIME: Duration = Duration::from_secs(90);

/// What the access log calls paths that have a link's secret in them.
const LOGGED_AS: &str = "/connect";

/// Takes visits on one worker.
pub struct Desk {
    /// Where there is a store: without one nobody has a link.
    /// With the runtime that the store's work is done on.
    pub pages: Option<(Arc<Pages>, Handle)>,
    pub metrics: Rc<WorkerMetrics>,
    pub ids: Ids,
    pub pen: Rc<Pen>,
    pub clock: fn() -> UnixTime,
}

impl Desk {
    /// Whether a path is a page's.
    pub fn has(path: &str) -> bool {
        path == "/connect" || path.starts_with("/connect/") || path.starts_with("/oauth/")
    }

    pub async fn handle(
        self: Rc<Self>,
        request: Request<RequestBody>,
        link: Link,
    ) -> Result<Response<Full<Bytes>>, Cut> {
        let (began, started) = (Instant::now(), (self.clock)());
        let (head, body) = request.into_parts();
        link.watch.begin(Some(VISIT_TIME));
        link.watch.arm(VISIT_TIME, OnExpiry::Cut);
        self.metrics.in_flight(1);
        let mut response = self.answered(&head, body).await;
        self.metrics.in_flight(-1);
        let id = self.ids.new_request_id(started);
        response.headers_mut().insert("attache-request-id", id.header().clone());
        let record = Exchange {
            started,
            request_id: id,
            method: head.method.clone(),
            status: response.status().as_u16(),
            source: source(response.status()),
            bytes_in: link.watch.bytes_in.get(),
            bytes_out: u64::try_from(response.body().len()).unwrap_or(u64::MAX),
            http_in: head.version,
            times: times(began),
            ..Exchange::default()
        };
        self.metrics.shared().connect_page(page_status(response.status()));
        let path =
            if head.uri.path().starts_with("/connect") { LOGGED_AS } else { head.uri.path() };
        self.pen.write(record, path);
        let is_head = head.method == Method::HEAD;
        Ok(response.map(|it| Full::new(if is_head { Bytes::new() } else { it })))
    }

    async fn answered(&self, head: &Parts, body: RequestBody) -> Response<Bytes> {
        let Some((pages, control)) = &self.pages else {
            return Pages::plain(html::no_such_page());
        };
        if ![Method::GET, Method::HEAD, Method::POST].contains(&head.method) {
            let mut response = pages.page(html::no_such_page());
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            let allowed = HeaderValue::from_static("GET, HEAD, POST");
            response.headers_mut().insert(header::ALLOW, allowed);
            return response;
        }
        let Ok(body) = Limited::new(body, FORM_LEN_MAX).collect().await else {
            return pages.page(html::too_long());
        };
        let visit = Visit::of(head, body.to_bytes().to_vec());
        let pages = Arc::clone(pages);
        let answering = control.spawn(async move { pages.answer(&visit).await });
        // A task that panicked has said so already.
        answering.await.unwrap_or_else(|_| Pages::plain(html::wrong()))
    }
}

fn source(status: StatusCode) -> Option<ErrorSource> {
    match status {
        it if it.is_client_error() => Some(ErrorSource::Caller),
        it if it.is_server_error() => Some(ErrorSource::Attache),
        _ => None,
    }
}

fn page_status(status: StatusCode) -> PageStatus {
    match status.as_u16() {
        ..300 => PageStatus::Shown,
        300..400 => PageStatus::Led,
        400..500 => PageStatus::Refused,
        _ => PageStatus::Failed,
    }
}

fn times(began: Instant) -> Times {
    let total_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    Times { total_us, overhead_us: total_us.max(1), ..Times::default() }
}
