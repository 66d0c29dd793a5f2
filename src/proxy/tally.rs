//! One exchange's account: kept while it runs, counted and logged once when it is over.
use super::Proxy;
use super::turn::PlacesHeld;
use super::witness::Witness;
use crate::model::Code;
use crate::model::UnixTime;
use crate::server::Link;
use crate::server::Watch;
use crate::telemetry::ErrorSource;
use crate::telemetry::Exchange;
use crate::telemetry::RequestId;
use crate::telemetry::Times;
use crate::telemetry::metrics::ExchangeLabels;
use crate::telemetry::metrics::Plane;
use crate::telemetry::metrics::Timing;
use crate::upstream::Spent;
use http::request::Parts;
use http::uri::PathAndQuery;
use std::rc::Rc;
use std::time::Duration;
use std::time::Instant;

/// The status that the log gives an exchange whose caller hung up before there was an answer.
pub const CALLER_GONE: u16 = 499;

/// Written to the log and the metrics when dropped.
pub struct Tally {
    proxy: Rc<Proxy>,
    watch: Rc<Watch>,
    pub record: Exchange,
    target: Option<PathAndQuery>,
    /// Under the limits on exchanges at the same time: free when this one is over.
    pub places: PlacesHeld,
    began: Instant,
    /// Time that went by while the upstream had the word.
    waited: Duration,
    /// How much of it was between attempts.
    backed_off_us: u64,
    waiting_since: Option<Instant>,
    is_complete: bool,
    /// Of a request that is sent to see what comes of it.
    pub witness: Option<Rc<Witness>>,
}

impl Tally {
    pub fn begin(
        proxy: &Rc<Proxy>,
        head: &Parts,
        link: &Link,
        request_id: RequestId,
        now: UnixTime,
    ) -> Self {
        proxy.metrics.in_flight(1);
        Self {
            proxy: Rc::clone(proxy),
            watch: Rc::clone(&link.watch),
            record: Exchange {
                started: now,
                request_id,
                caller: None,
                tenant: None,
                connector: None,
                connection: None,
                environment: None,
                method: head.method.clone(),
                status: CALLER_GONE,
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
            target: head.uri.path_and_query().cloned(),
            places: PlacesHeld::default(),
            began: Instant::now(),
            waited: Duration::ZERO,
            backed_off_us: 0,
            waiting_since: None,
            is_complete: false,
            witness: None,
        }
    }

    /// When the exchange began.
    pub fn began(&self) -> Instant {
        self.began
    }

    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// The upstream has the word from here on.
    pub fn upstream_begins(&mut self) {
        self.record.attempts += 1;
        self.waiting_since = Some(Instant::now());
    }

    /// The upstream has answered, or failed to.
    pub fn upstream_ends(&mut self, spent: Spent) {
        if let Some(since) = self.waiting_since.take() {
            let waited = since.elapsed();
            self.waited += waited;
            self.record.times.queue_us += micros(spent.queue);
            self.record.times.dial_us += micros(spent.dial);
            self.record.times.tls_us += micros(spent.tls);
            let ours_to_link = spent.queue + spent.dial + spent.tls;
            self.record.times.first_byte_us += micros(waited.saturating_sub(ours_to_link));
        }
    }

    /// The exchange has waited to be sent again: time that is not our own work.
    pub fn backed_off(&mut self, waited: Duration) {
        self.waited += waited;
        self.backed_off_us += micros(waited);
    }

    /// The exchange has waited for a place for so long.
    pub fn queued(&mut self, took: Duration) {
        self.waited += took;
        self.record.times.queue_us += micros(took);
    }

    /// The exchange has waited for a token for so long.
    pub fn waited_for_credential(&mut self, took: Duration) {
        self.waited += took;
        self.record.times.credential_us += micros(took);
    }

    pub fn failed(&mut self, code: Code, source: ErrorSource) {
        self.record.status = code.status();
        self.record.code = Some(code);
        self.record.source = Some(source);
    }

    /// Body bytes that went to the caller.
    pub fn sent(&mut self, bytes: u64) {
        self.record.bytes_out += bytes;
    }

    /// The whole response is with the caller's link.
    pub fn completed(&mut self) {
        self.is_complete = true;
    }

    /// The upstream's body ended before it was whole.
    pub fn upstream_broke_off(&mut self) {
        self.record.source = Some(ErrorSource::Upstream);
        self.record.code = Some(Code::UpstreamProtocol);
        self.is_complete = true;
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let total = self.began.elapsed();
        if let Some(since) = self.waiting_since.take() {
            self.waited += since.elapsed();
        }
        let record = &mut self.record;
        record.bytes_in = self.watch.bytes_in.get();
        record.times.total_us = micros(total);
        if !self.is_complete && record.source.is_none() {
            // Dropped on the way: the caller hung up, or stopped reading until the deadline.
            record.source = Some(ErrorSource::Caller);
        }
        // While a body streams, the time is the network's; what is ours is what came before the
        // upstream had the word, and after its head was there.
        let to_head = record.times.overhead_us;
        let overhead =
            if to_head > 0 { to_head } else { micros(total.saturating_sub(self.waited)) };
        record.times.overhead_us = overhead;
        let labels = ExchangeLabels {
            plane: Plane::Proxy,
            connector: record.connector.as_ref().map_or("", |it| it.as_str()),
            status: record.status,
            source: record.source,
            code: record.code,
        };
        let timing = Timing {
            total_us: record.times.total_us,
            overhead_us: overhead,
            upstream_us: micros(self.waited)
                .saturating_sub(record.times.queue_us)
                .saturating_sub(record.times.credential_us)
                .saturating_sub(self.backed_off_us),
        };
        let metrics = &self.proxy.metrics;
        metrics.exchange(&labels, &timing, record.bytes_in, record.bytes_out);
        metrics.in_flight(-1);
        let path = self.target.as_ref().map_or("", PathAndQuery::path);
        if let Some(witness) = &self.witness {
            witness.is_told(record, path);
        }
        self.proxy.pen.write(std::mem::take(&mut self.record), path);
    }
}

impl Tally {
    /// The response's head is about to go to the caller: our own work is done but for copying.
    pub fn head_is_ready(&mut self, status: u16) {
        self.record.status = status;
        self.record.times.overhead_us =
            micros(self.began.elapsed().saturating_sub(self.waited)).max(1);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
