//! The workers' numbers, added up when Prometheus asks.
use super::cells::CODES;
use super::cells::Cells;
use super::cells::Counter;
use super::cells::Gauge;
use super::cells::NONE_AT;
use super::cells::OTHER_AT;
use super::cells::PLACES;
use super::cells::PerConnector;
use super::cells::SOURCES;
use super::histogram::BUCKETS;
use super::histogram::Bounds;
use super::histogram::EXCHANGE;
use super::histogram::Histogram;
use super::histogram::OVERHEAD;
use super::histogram::Observed;
use super::labels::AuthFailure;
use super::labels::Listener;
use super::labels::POOL_EVENTS;
use super::labels::Plane;
use super::list;
use super::list::Definition;
use super::list::Kind;
use super::names::Names;
use crate::model::Code;
use crate::telemetry::exchange::ErrorSource;
use prometheus::Registry;
use prometheus::core::Collector;
use prometheus::core::Desc;
use prometheus::proto;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

/// The cells of every worker there has been, and the names that their connectors' places stand for.
#[derive(Default)]
pub(super) struct Fleet {
    workers: Mutex<Vec<Arc<Cells>>>,
    pub(super) connectors: Names,
}

impl Fleet {
    pub(super) fn join(&self) -> Arc<Cells> {
        let cells = Arc::new(Cells::default());
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&cells));
        cells
    }

    fn workers(&self) -> Vec<Arc<Cells>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The metrics that workers count.
const COUNTED_BY_WORKERS: [&Definition; 13] = [
    &list::REQUESTS,
    &list::ERRORS,
    &list::BYTES,
    &list::IN_FLIGHT,
    &list::DURATION,
    &list::OVERHEAD,
    &list::UPSTREAM,
    &list::AUTH_FAILURES,
    &list::LINKS_OPEN,
    &list::LINKS,
    &list::POOL_EVENTS,
    &list::POOL_IDLE,
    &list::POOL_OPEN,
];

pub(super) fn register(registry: &Registry, fleet: Arc<Fleet>) {
    let descriptions = COUNTED_BY_WORKERS.map(describe).into();
    registry
        .register(Box::new(FleetCollector { fleet, descriptions }))
        .expect("a metric is listed once");
}

fn describe(definition: &Definition) -> Desc {
    let labels = definition.labels.iter().map(|it| (*it).to_owned()).collect();
    Desc::new(definition.name.to_owned(), definition.help.to_owned(), labels, HashMap::new())
        .expect("a listed metric has a valid name, help and labels")
}

struct FleetCollector {
    fleet: Arc<Fleet>,
    descriptions: Vec<Desc>,
}

impl Collector for FleetCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let sum = Sum { workers: self.fleet.workers(), connectors: self.fleet.connectors.all() };
        let (requests, bytes, upstream) = sum.connectors();
        vec![
            family(&list::REQUESTS, requests),
            family(&list::ERRORS, sum.errors()),
            family(&list::BYTES, bytes),
            family(&list::IN_FLIGHT, vec![gauge(&[], sum.level(|it| &it.in_flight))]),
            family(&list::DURATION, sum.histograms(&EXCHANGE, |it, at| &it.planes[at].duration)),
            family(&list::OVERHEAD, sum.histograms(&OVERHEAD, |it, at| &it.planes[at].overhead)),
            family(&list::UPSTREAM, upstream),
            family(
                &list::AUTH_FAILURES,
                sum.by(&list::AUTH_FAILURES, &texts(AuthFailure::ALL, AuthFailure::as_str), |it| {
                    &it.auth_failures
                }),
            ),
            family(&list::LINKS_OPEN, sum.links_open()),
            family(
                &list::LINKS,
                sum.by(&list::LINKS, &texts(Listener::ALL, Listener::as_str), |it| &it.links),
            ),
            family(
                &list::POOL_EVENTS,
                sum.by(&list::POOL_EVENTS, &POOL_EVENTS, |it| &it.pool_events),
            ),
            family(&list::POOL_IDLE, vec![gauge(&[], sum.level(|it| &it.pool_idle))]),
            family(&list::POOL_OPEN, vec![gauge(&[], sum.level(|it| &it.pool_open))]),
        ]
    }
}

fn texts<T: Copy>(all: &[T], text: impl Fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|it| text(*it)).collect()
}

/// All workers at one scrape.
struct Sum {
    workers: Vec<Arc<Cells>>,
    connectors: Vec<Box<str>>,
}

impl Sum {
    fn count(&self, cell: impl Fn(&Cells) -> &Counter) -> u64 {
        self.workers.iter().map(|it| cell(it).value()).sum()
    }

    fn level(&self, cell: impl Fn(&Cells) -> &Gauge) -> i64 {
        self.workers.iter().map(|it| cell(it).value()).sum()
    }

    fn by(
        &self,
        definition: &Definition,
        values: &[&str],
        cells: impl Fn(&Cells) -> &[Counter],
    ) -> Vec<proto::Metric> {
        let one = |(at, value): (usize, &&str)| {
            counter(&[(definition.labels[0], value)], self.count(|it| &cells(it)[at]))
        };
        values.iter().enumerate().map(one).collect()
    }

    fn links_open(&self) -> Vec<proto::Metric> {
        let one = |it: &Listener| {
            gauge(&[("listener", it.as_str())], self.level(|cells| &cells.links_open[*it as usize]))
        };
        Listener::ALL.iter().map(one).collect()
    }

    /// Every code that has been answered with.
    fn errors(&self) -> Vec<proto::Metric> {
        let mut all = Vec::with_capacity(CODES * SOURCES);
        for plane in Plane::ALL {
            for code in Code::ALL {
                for source in ErrorSource::ALL {
                    let count =
                        self.count(|it| it.planes[*plane as usize].errors.cell(*code, *source));
                    let labels = [
                        ("plane", plane.as_str()),
                        ("code", code.as_str()),
                        ("source", source.as_str()),
                    ];
                    if count > 0 {
                        all.push(counter(&labels, count));
                    }
                }
            }
        }
        all
    }

    fn histograms(
        &self,
        bounds: &Bounds,
        cell: impl Fn(&Cells, usize) -> &Histogram,
    ) -> Vec<proto::Metric> {
        let one = |plane: &Plane| {
            let mut total = Observed::default();
            for worker in &self.workers {
                cell(worker, *plane as usize).add_to(&mut total);
            }
            histogram(&[("plane", plane.as_str())], bounds, &total)
        };
        Plane::ALL.iter().map(one).collect()
    }

    /// Requests, bytes and upstream durations of the connectors that were used.
    fn connectors(&self) -> (Vec<proto::Metric>, Vec<proto::Metric>, Vec<proto::Metric>) {
        let (mut requests, mut bytes, mut upstream) = (vec![], vec![], vec![]);
        for plane in Plane::ALL {
            for place in 0..PLACES {
                let used: Vec<&PerConnector> = self
                    .workers
                    .iter()
                    .filter_map(|it| it.connectors[*plane as usize][place].get())
                    .map(Box::as_ref)
                    .collect();
                if used.is_empty() {
                    continue;
                }
                let add = |cell: fn(&PerConnector) -> &Counter| {
                    used.iter().map(|it| cell(it).value()).sum()
                };
                let whose = [("plane", plane.as_str()), ("connector", self.connector(place))];
                for (class, text) in ["1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().enumerate() {
                    let count = used.iter().map(|it| it.requests[class].value()).sum();
                    if count > 0 {
                        requests.push(counter(&[whose[0], whose[1], ("status", text)], count));
                    }
                }
                bytes.push(counter(
                    &[whose[0], whose[1], ("direction", "in")],
                    add(|it| &it.bytes_in),
                ));
                bytes.push(counter(
                    &[whose[0], whose[1], ("direction", "out")],
                    add(|it| &it.bytes_out),
                ));
                let mut total = Observed::default();
                used.iter().for_each(|it| it.upstream.add_to(&mut total));
                if total.count() > 0 {
                    upstream.push(histogram(&whose, &EXCHANGE, &total));
                }
            }
        }
        (requests, bytes, upstream)
    }

    /// A place may have been taken after the names were copied: it is counted under its name next time.
    fn connector(&self, place: usize) -> &str {
        match place {
            OTHER_AT => list::OTHER,
            NONE_AT => list::NONE,
            _ => self.connectors.get(place).map_or(list::OTHER, |it| it),
        }
    }
}

fn family(definition: &Definition, metrics: Vec<proto::Metric>) -> proto::MetricFamily {
    let mut family = proto::MetricFamily::default();
    family.set_name(definition.name.to_owned());
    family.set_help(definition.help.to_owned());
    family.set_field_type(match definition.kind {
        Kind::Counter => proto::MetricType::COUNTER,
        Kind::Gauge => proto::MetricType::GAUGE,
        Kind::Histogram => proto::MetricType::HISTOGRAM,
    });
    family.set_metric(metrics);
    family
}

#[expect(clippy::cast_precision_loss, reason = "the text format's numbers are 64-bit floats")]
fn counter(labels: &[(&str, &str)], value: u64) -> proto::Metric {
    let mut metric = proto::Metric::from_label(pairs(labels));
    let mut counter = proto::Counter::default();
    counter.set_value(value as f64);
    metric.set_counter(counter);
    metric
}

#[expect(clippy::cast_precision_loss, reason = "the text format's numbers are 64-bit floats")]
fn gauge(labels: &[(&str, &str)], value: i64) -> proto::Metric {
    let mut metric = proto::Metric::from_label(pairs(labels));
    let mut gauge = proto::Gauge::default();
    gauge.set_value(value as f64);
    metric.set_gauge(gauge);
    metric
}

#[expect(clippy::cast_precision_loss, reason = "the text format's numbers are 64-bit floats")]
fn histogram(labels: &[(&str, &str)], bounds: &Bounds, observed: &Observed) -> proto::Metric {
    let mut metric = proto::Metric::from_label(pairs(labels));
    let mut below = 0;
    let buckets = (0..BUCKETS).map(|at| {
        below += observed.counts[at];
        let mut bucket = proto::Bucket::default();
        bucket.set_upper_bound(f64::from(bounds.us[at]) / 1e6);
        bucket.set_cumulative_count(below);
        bucket
    });
    let mut histogram = proto::Histogram::default();
    histogram.set_bucket(buckets.collect());
    histogram.set_sample_count(observed.count());
    histogram.set_sample_sum(observed.sum_us as f64 / 1e6);
    metric.set_histogram(histogram);
    metric
}

fn pairs(labels: &[(&str, &str)]) -> Vec<proto::LabelPair> {
    let one = |(name, value): &(&str, &str)| {
        let mut pair = proto::LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    };
    labels.iter().map(one).collect()
}
