//! One worker's side of the pages: a visit is read, answered where the store is, and logged without the link's secret.
use super::Pages;
use super::html;
use super::route::Route;
use crate::journal::Pen;
use crate::limits;
use crate::limits::Budget;
use crate::model::UnixTime;
use crate::server::Cut;
use crate::server::Link;
use crate::server::OnExpiry;
use crate::server::RequestBody;
use crate::server::Watch;
use crate::telemetry::ErrorSource;
use crate::telemetry::Exchange;
use crate::telemetry::Ids;
use crate::telemetry::Times;
use crate::telemetry::WorkerMetrics;
use crate::telemetry::metrics::PageStatus;
use bytes::Bytes;
use http::Method;
use http::Request;
use http::Response;
use http::request::Parts;
use http_body_util::Full;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tokio::runtime::Handle;

/// Longest form, in bytes: keys and certificates are among what is typed.
const FORM_LEN_MAX: usize = 64 << 10;

/// How long a form may take to arrive, from the end of the head.
const FORM_TIME: Duration = Duration::from_secs(30);

/// How long a visit may take, with what providers and APIs are asked meanwhile.
const VISIT_TIME: Duration = Duration::from_secs(90);

/// The status that the log gives a visit whose visitor hung up before there was an answer.
const VISITOR_GONE: u16 = 499;

/// What the access log calls paths that have a link's secret in them.
const LOGGED_AS: &str = "/connect";

/// Takes visits on one worker.
pub struct Desk {
    /// Where there is a store, since without one nobody has a link: with the runtime that the store's work is done on.
    pub pages: Option<(Arc<Pages>, Handle)>,
    pub metrics: Rc<WorkerMetrics>,
    pub ids: Ids,
    pub pen: Rc<Pen>,
    pub clock: fn() -> UnixTime,
    /// What forms may hold of memory. Shared by all workers.
    pub budget: Arc<Budget>,
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
        let (head, body) = request.into_parts();
        let mut account = Account::begin(&self, &head, &link);
        link.watch.begin(Some(VISIT_TIME));
        let mut response = self.answered(&head, body, &link).await;
        link.watch.arm(VISIT_TIME, OnExpiry::Cut);
        let id = account.record.request_id.header().clone();
        response.headers_mut().insert("attache-request-id", id);
        if head.method == Method::HEAD {
            *response.body_mut() = Bytes::new();
        }
        account.answered(&response);
        Ok(response.map(Full::new))
    }

    /// The path and the method first: for what is no page nothing is read.
    async fn answered(&self, head: &Parts, body: RequestBody, link: &Link) -> Response<Bytes> {
        let Some((pages, control)) = &self.pages else {
            return Pages::plain(&html::no_such_page());
        };
        if Route::of(head.uri.path()).is_none() {
            return pages.page(html::no_such_page());
        }
        let body = match head.method {
            Method::GET | Method::HEAD => None,
            Method::POST => {
                let read =
                    limits::whole(body, &head.headers, FORM_LEN_MAX, FORM_TIME, &self.budget);
                match read.await {
                    Ok(body) => Some(body),
                    Err(refused) => return pages.page(html::refused(&refused)),
                }
            }
            _ => return pages.page(html::no_such_method()),
        };
        link.watch.arm(VISIT_TIME, OnExpiry::Cut);
        let visit = pages.visit(head, body.as_ref().map_or(&[][..], |it| &it.bytes));
        let pages = Arc::clone(pages);
        let answering = control.spawn(async move { pages.answer(&visit).await });
        // A task that panicked has said so already.
        answering.await.unwrap_or_else(|_| Pages::plain(&html::wrong()))
    }
}

/// A visit's account: counted and logged once, also where the visitor hangs up.
struct Account {
    desk: Rc<Desk>,
    watch: Rc<Watch>,
    record: Exchange,
    path: String,
    began: Instant,
}

impl Account {
    fn begin(desk: &Rc<Desk>, head: &Parts, link: &Link) -> Self {
        desk.metrics.in_flight(1);
        let started = (desk.clock)();
        let path = head.uri.path();
        let path = if path.starts_with("/connect") { LOGGED_AS } else { path };
        Self {
            desk: Rc::clone(desk),
            watch: Rc::clone(&link.watch),
            record: Exchange {
                started,
                request_id: desk.ids.new_request_id(started),
                method: head.method.clone(),
                status: VISITOR_GONE,
                http_in: head.version,
                ..Exchange::default()
            },
            path: path.to_owned(),
            began: Instant::now(),
        }
    }

    fn answered(&mut self, response: &Response<Bytes>) {
        self.record.status = response.status().as_u16();
        self.record.bytes_out = u64::try_from(response.body().len()).unwrap_or(u64::MAX);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let record = &mut self.record;
        record.bytes_in = self.watch.bytes_in.get();
        let total_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        record.times = Times { total_us, overhead_us: total_us.max(1), ..Times::default() };
        let (page, source) = match record.status {
            ..300 => (PageStatus::Shown, None),
            300..400 => (PageStatus::Led, None),
            400..500 => (PageStatus::Refused, Some(ErrorSource::Caller)),
            _ => (PageStatus::Failed, Some(ErrorSource::Attache)),
        };
        record.source = source;
        self.desk.metrics.shared().connect_page(page);
        self.desk.metrics.in_flight(-1);
        self.desk.pen.write(record.clone(), &self.path);
    }
}
