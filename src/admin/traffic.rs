//! `GET /v1/traffic`: how much goes through this process, how much fails and how long it takes.
use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use crate::journal::Series;
use crate::journal::Step;
use crate::journal::Window;
use crate::model::UnixTime;
use crate::telemetry::ErrorSource;
use schemars::JsonSchema;
use serde::Serialize;

/// What went through, step by step.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Traffic {
    /// RFC 3339, UTC. What was before is not in it: this process had not started then, or, with `connection`, the
    /// exchanges are not kept any more.
    since: String,
    step_s: u64,
    /// The oldest first, without gaps; the last is not over yet.
    points: Vec<Point>,
}

/// What ended in one step.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename = "TrafficPoint")]
struct Point {
    /// When the step begins: RFC 3339, UTC.
    time: String,
    requests: u64,
    errors: Errors,
    overhead_ms: Quantiles,
    upstream_ms: Quantiles,
}

/// How many failed, by whose fault.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename = "TrafficErrors")]
struct Errors {
    caller: u64,
    attache: u64,
    upstream: u64,
}

/// In ms, to within a sixteenth. Null where there was nothing.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Quantiles {
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

impl Quantiles {
    fn of(us: impl Fn(f64) -> Option<f64>) -> Self {
        let ms = |part: f64| us(part).map(|it| it / 1000.0);
        Self { p50: ms(0.5), p95: ms(0.95), p99: ms(0.99) }
    }
}

impl From<&(UnixTime, Step)> for Point {
    fn from((begin, step): &(UnixTime, Step)) -> Self {
        Self {
            time: shown(*begin),
            requests: step.requests(),
            errors: Errors {
                caller: step.errors(ErrorSource::Caller),
                attache: step.errors(ErrorSource::Attache),
                upstream: step.errors(ErrorSource::Upstream),
            },
            overhead_ms: Quantiles::of(|it| step.overhead_us(it)),
            upstream_ms: Quantiles::of(|it| step.upstream_us(it)),
        }
    }
}

/// `GET /v1/traffic`
pub(super) async fn read(call: Call) -> Result<Answer, ApiError> {
    let window = match call.query.value("window") {
        None => Window::Minutes,
        Some(name) => Window::named(name)
            .ok_or_else(|| ApiError::BadRequest("`window` is `5m`, `1h` or `24h`.".to_owned()))?,
    };
    let Series { window, since, steps } =
        call.api.journal.traffic(window, call.query.value("connection"));
    Answer::of(&Traffic {
        since: shown(since),
        step_s: window.step_s(),
        points: steps.iter().map(Point::from).collect(),
    })
}

fn shown(time: UnixTime) -> String {
    super::time::shown(i64::try_from(time.as_ms()).unwrap_or(i64::MAX))
}
