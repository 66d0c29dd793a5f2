//! One delivery's account: counted and logged once, when its exchange is over.
use super::Inbound;
use super::address::Receiver;
use super::error::Verdict;
use super::noting;
use super::noting::Noting;
use crate::catalog::Connection;
use crate::model::TenantId;
use crate::server::Link;
use crate::server::Watch;
use crate::store::WebhookDelivery;
use crate::telemetry::ErrorSource;
use crate::telemetry::Exchange;
use crate::telemetry::RequestId;
use crate::telemetry::Times;
use crate::telemetry::metrics::ExchangeLabels;
use crate::telemetry::metrics::Plane;
use crate::telemetry::metrics::Timing;
use crate::telemetry::metrics::WebhookVerdict;
use crate::upstream::Spent;
use http::request::Parts;
use http::uri::PathAndQuery;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// The status that the log gives a delivery whose sender hung up before there was an answer.
const SENDER_GONE: u16 = 499;

/// Written to the log and the metrics when dropped.
pub(super) struct Tally {
    inbound: Rc<Inbound>,
    pub(super) watch: Rc<Watch>,
    pub(super) record: Exchange,
    pub(super) connection: Option<Arc<Connection>>,
    /// Of a verified delivery that is not forwarded yet.
    pub(super) noting: Option<Noting>,
    /// Of a verified delivery; empty where it has none.
    pub(super) webhook_id: String,
    /// Whoever forwards it tells what became of it.
    pub(super) is_forwarded: bool,
    path: Option<PathAndQuery>,
    began: Instant,
    /// Time in which the sender or the target had the word.
    waited: Duration,
    upstream: Duration,
    is_complete: bool,
}

impl Tally {
    pub(super) fn begin(inbound: &Rc<Inbound>, head: &Parts, link: &Link) -> Self {
        inbound.metrics.in_flight(1);
        let started = (inbound.clock)();
        // A sender on the internet does not choose what our log calls it.
        let request_id: RequestId = inbound.ids.new_request_id(started);
        Self {
            inbound: Rc::clone(inbound),
            watch: Rc::clone(&link.watch),
            record: Exchange {
                started,
                request_id,
                caller: None,
                tenant: None,
                connector: None,
                connection: None,
                environment: None,
                method: head.method.clone(),
                status: SENDER_GONE,
                upstream_status: None,
                source: None,
                code: None,
                bytes_in: 0,
                bytes_out: 0,
                attempts: 0,
                http_in: head.version,
                http_out: None,
                times: Times::default(),
            },
            connection: None,
            noting: None,
            webhook_id: String::new(),
            is_forwarded: false,
            path: head.uri.path_and_query().cloned(),
            began: Instant::now(),
            waited: Duration::ZERO,
            upstream: Duration::ZERO,
            is_complete: false,
        }
    }

    pub(super) fn found(&mut self, receiver: &Receiver<'_>) {
        self.connection = Some(Arc::clone(receiver.connection));
        self.record.connection = Some(receiver.connection.key.clone());
        self.record.connector = Some(receiver.connection.connector.clone());
        self.record.tenant = receiver.tenant.cloned();
    }

    /// The delivery as it came.
    pub(super) fn begun(&self, whose: (&Connection, Option<&TenantId>)) -> WebhookDelivery {
        noting::begun(&self.record.request_id, self.record.started.as_ms(), whose)
    }

    pub(super) fn began(&self) -> Instant {
        self.began
    }

    /// The body has taken this long to arrive.
    pub(super) fn received(&mut self, took: Duration) {
        self.waited += took;
    }

    /// The target has had the word for this long.
    pub(super) fn forwarded(&mut self, took: Duration, spent: Spent) {
        self.record.attempts += 1;
        self.waited += took;
        self.upstream += took;
        self.record.times.dial_us = micros(spent.dial);
        self.record.times.tls_us = micros(spent.tls);
        let first_byte = took.saturating_sub(spent.dial + spent.tls);
        self.record.times.first_byte_us = micros(first_byte);
    }

    pub(super) fn failed(&mut self, verdict: &Verdict) {
        self.record.code = Some(verdict.code);
        self.record.source = Some(verdict.source);
        self.verdict(verdict.counted_as);
        self.is_complete = true;
    }

    pub(super) fn verdict(&self, verdict: WebhookVerdict) {
        let connection = self.record.connection.as_ref().map_or("", |it| it.as_str());
        self.inbound.metrics.shared().webhook_verdict(connection, verdict);
        if let (Some(refused), Some(connection)) = (&self.inbound.refused, &self.record.connection)
        {
            refused.note(connection, verdict, self.record.started);
        }
    }

    /// The response's head is about to go: our own work is done but for copying.
    pub(super) fn head_is_ready(&mut self, status: u16) {
        self.record.status = status;
        let ours = self.began.elapsed().saturating_sub(self.waited);
        self.record.times.overhead_us = micros(ours).max(1);
    }

    pub(super) fn sent(&mut self, bytes: u64) {
        self.record.bytes_out += bytes;
    }

    pub(super) fn completed(&mut self) {
        self.is_complete = true;
    }

    /// The target's body ended before it was whole.
    pub(super) fn target_broke_off(&mut self) {
        self.record.source = Some(ErrorSource::Upstream);
        self.is_complete = true;
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let total = self.began.elapsed();
        let record = &mut self.record;
        record.bytes_in = self.watch.bytes_in.get();
        record.times.total_us = micros(total);
        if record.times.overhead_us == 0 {
            record.times.overhead_us = micros(total.saturating_sub(self.waited));
        }
        if !self.is_complete && record.source.is_none() {
            record.source = Some(ErrorSource::Caller);
        }
        let labels = ExchangeLabels {
            plane: Plane::Hooks,
            connector: record.connector.as_ref().map_or("", |it| it.as_str()),
            status: record.status,
            source: record.source,
            code: record.code,
        };
        let timing = Timing {
            total_us: record.times.total_us,
            overhead_us: record.times.overhead_us,
            upstream_us: micros(self.upstream),
        };
        let metrics = &self.inbound.metrics;
        metrics.exchange(&labels, &timing, record.bytes_in, record.bytes_out);
        metrics.in_flight(-1);
        let path = self.path.as_ref().map_or("", PathAndQuery::path);
        self.inbound.pen.write(record.clone(), path);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
