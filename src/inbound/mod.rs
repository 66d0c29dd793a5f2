//! stand-in
use crate::server::*;
use http::{Request, Response};
use std::rc::Rc;
use std::sync::Arc;
#[derive(Default)]
pub struct ReplayMemory;
pub struct Inbound {
    pub live: Arc<crate::reload::Live>,
    pub upstream: Rc<crate::upstream::Upstream<http_body_util::Full<bytes::Bytes>>>,
    pub metrics: Rc<crate::telemetry::WorkerMetrics>,
    pub ids: crate::telemetry::Ids,
    pub pen: Rc<crate::journal::Pen>,
    pub clock: fn() -> crate::model::UnixTime,
    pub replay: Arc<ReplayMemory>,
    pub public_url: Option<String>,
    pub max_body: usize,
}
impl Handler for Inbound {
    type Body = http_body_util::Full<bytes::Bytes>;
    async fn handle(
        self: Rc<Self>,
        _r: Request<RequestBody>,
        _l: Link,
    ) -> Result<Response<Self::Body>, Cut> {
        Err(Cut)
    }
    fn links(&self, _: i64) {}
    fn accept_failed(&self) {}
}
