//! How much goes through, how much of it fails, and how long it takes: over the last minutes, hour and day.
use super::histogram::Histogram;
use super::recent::Seen;
use crate::model::UnixTime;
use crate::telemetry::ErrorSource;
use crate::telemetry::Exchange;

/// A stretch of time up to now, in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    Minutes,
    Hour,
    Day,
}

impl Window {
    pub const ALL: &[Self] = &[Self::Minutes, Self::Hour, Self::Day];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minutes => "5m",
            Self::Hour => "1h",
            Self::Day => "24h",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == name)
    }

    /// Each step is one of whole steps of the window before.
    pub const fn step_s(self) -> u64 {
        match self {
            Self::Minutes => 5,
            Self::Hour => 60,
            Self::Day => 15 * 60,
        }
    }

    const fn steps(self) -> usize {
        match self {
            Self::Minutes | Self::Hour => 60,
            Self::Day => 96,
        }
    }
}

/// What was in one step.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// Steps since 1970.
    number: u64,
    requests: u64,
    /// In the order of [`ErrorSource::ALL`].
    errors: [u64; ErrorSource::ALL.len()],
    overhead: Histogram,
    upstream: Histogram,
}

impl Step {
    fn add(&mut self, exchange: &Exchange) {
        self.requests += 1;
        match exchange.source {
            None => {}
            Some(ErrorSource::Caller) => self.errors[0] += 1,
            Some(ErrorSource::Attache) => self.errors[1] += 1,
            Some(ErrorSource::Upstream) => self.errors[2] += 1,
        }
        let times = &exchange.times;
        self.overhead.add(times.overhead_us);
        if exchange.attempts > 0 {
            self.upstream.add(times.dial_us + times.tls_us + times.first_byte_us);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        for (own, added) in self.errors.iter_mut().zip(other.errors) {
            *own += added;
        }
        self.overhead.merge(&other.overhead);
        self.upstream.merge(&other.upstream);
    }

    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Those that failed by this fault.
    pub fn errors(&self, source: ErrorSource) -> u64 {
        let at = ErrorSource::ALL.iter().position(|it| *it == source);
        at.map_or(0, |it| self.errors[it])
    }

    /// The quantile of attache's own part, in µs; none where nothing was.
    pub fn overhead_us(&self, part: f64) -> Option<f64> {
        self.overhead.quantile(part)
    }

    /// The same of the upstream's: dialling it and waiting for the first byte of its answer.
    pub fn upstream_us(&self, part: f64) -> Option<f64> {
        self.upstream.quantile(part)
    }
}

/// The steps of one window: those of later times take the places of earlier ones.
struct Ring {
    window: Window,
    steps: Vec<Step>,
}

impl Ring {
    fn new(window: Window) -> Self {
        Self { window, steps: vec![Step::default(); window.steps()] }
    }

    fn number(&self, time_s: u64) -> u64 {
        time_s / self.window.step_s()
    }

    fn at(&mut self, number: u64) -> &mut Step {
        let place = (number % self.window.steps() as u64) as usize;
        let step = &mut self.steps[place];
        if step.number != number {
            *step = Step { number, ..Step::default() };
        }
        step
    }

    fn find(&self, number: u64) -> Option<&Step> {
        let place = (number % self.window.steps() as u64) as usize;
        Some(&self.steps[place]).filter(|it| it.number == number)
    }
}

/// A window's steps, the oldest first; each with the time it begins at.
pub struct Series {
    pub window: Window,
    /// What was before is not in it.
    pub since: UnixTime,
    pub steps: Vec<(UnixTime, Step)>,
}

/// All windows of one process. An exchange is counted when it is over.
pub(super) struct Traffic {
    began: UnixTime,
    /// The finest step that is not over: in no ring yet.
    open: Step,
    rings: [Ring; Window::ALL.len()],
}

impl Traffic {
    pub(super) fn new(now: UnixTime) -> Self {
        let rings = [Window::Minutes, Window::Hour, Window::Day].map(Ring::new);
        let number = rings[0].number(now.as_s());
        Self { began: now, open: Step { number, ..Step::default() }, rings }
    }

    /// When counting began.
    pub(super) fn began(&self) -> UnixTime {
        self.began
    }

    /// What is added from now on is of this time.
    pub(super) fn advance(&mut self, now: UnixTime) {
        let number = self.rings[0].number(now.as_s());
        if number == self.open.number {
            return;
        }
        let over = std::mem::replace(&mut self.open, Step { number, ..Step::default() });
        let began_s = over.number * Window::Minutes.step_s();
        for ring in &mut self.rings {
            let number = ring.number(began_s);
            ring.at(number).merge(&over);
        }
    }

    pub(super) fn add(&mut self, exchange: &Exchange) {
        self.open.add(exchange);
    }

    pub(super) fn series(&mut self, window: Window, now: UnixTime) -> Series {
        self.advance(now);
        let ring = match window {
            Window::Minutes => &self.rings[0],
            Window::Hour => &self.rings[1],
            Window::Day => &self.rings[2],
        };
        let open_in = ring.number(now.as_s());
        series(window, self.began, now, |number| {
            let mut step = ring.find(number).cloned().unwrap_or_default();
            if number == open_in {
                step.merge(&self.open);
            }
            step
        })
    }
}

/// The same of some exchanges alone. `whole_since`: from when on none is missing.
pub(super) fn of_seen<'s>(
    seen: impl Iterator<Item = &'s Seen>,
    window: Window,
    whole_since: UnixTime,
    now: UnixTime,
) -> Series {
    let mut ring = Ring::new(window);
    let first = ring.number(now.as_s()).saturating_sub(window.steps() as u64 - 1);
    for it in seen {
        let over_ms = it.exchange.started.as_ms() + it.exchange.times.total_us / 1000;
        let number = ring.number(over_ms / 1000).min(ring.number(now.as_s()));
        if number >= first {
            ring.at(number).add(&it.exchange);
        }
    }
    series(window, whole_since, now, |number| ring.find(number).cloned().unwrap_or_default())
}

fn series(
    window: Window,
    whole_since: UnixTime,
    now: UnixTime,
    of: impl Fn(u64) -> Step,
) -> Series {
    let step_s = window.step_s();
    let last = now.as_s() / step_s;
    let earliest = last.saturating_sub(window.steps() as u64 - 1);
    let first = earliest.max(whole_since.as_s() / step_s).min(last);
    let begin = UnixTime::from_s(first * step_s);
    Series {
        window,
        since: begin.max(whole_since),
        steps: (first..=last).map(|it| (UnixTime::from_s(it * step_s), of(it))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Times;

    fn exchange(source: Option<ErrorSource>, ms: u64) -> Exchange {
        let times = Times { overhead_us: 100, first_byte_us: ms * 1000, ..Times::default() };
        Exchange { source, attempts: 1, times, ..Exchange::default() }
    }

    fn sums(series: &Series) -> (usize, u64, u64) {
        let requests = series.steps.iter().map(|it| it.1.requests()).sum();
        let errors = series.steps.iter().map(|it| it.1.errors(ErrorSource::Upstream)).sum();
        (series.steps.len(), requests, errors)
    }

    #[test]
    fn every_window_has_what_was_in_it() {
        let begin_s = 1_700_000_100;
        let mut traffic = Traffic::new(UnixTime::from_s(begin_s));
        // One each second, for two hours; every tenth fails.
        for at in 0..7200 {
            traffic.advance(UnixTime::from_s(begin_s + at));
            traffic.add(&exchange((at % 10 == 0).then_some(ErrorSource::Upstream), 10));
        }
        let now = UnixTime::from_s(begin_s + 7199);
        let minutes = traffic.series(Window::Minutes, now);
        assert_eq!(sums(&minutes), (60, 300, 30));
        assert_eq!(minutes.since, UnixTime::from_s(begin_s + 7200 - 300));
        assert_eq!(sums(&traffic.series(Window::Hour, now)).1, 3600);
        let day = traffic.series(Window::Day, now);
        assert_eq!(sums(&day), (8, 7200, 720));
        assert_eq!(day.since, UnixTime::from_s(begin_s));
        let told = day.steps[3].1.upstream_us(0.5).unwrap();
        assert!((9_300.0..10_700.0).contains(&told), "{told}");
        // Nothing goes through any more: the steps are there, and empty.
        let later = UnixTime::from_s(begin_s + 7200 + 600);
        assert_eq!(sums(&traffic.series(Window::Minutes, later)), (60, 0, 0));
        assert_eq!(sums(&traffic.series(Window::Day, later)).1, 7200);
        let next_day = UnixTime::from_s(begin_s + 2 * 86_400);
        assert_eq!(sums(&traffic.series(Window::Day, next_day)), (96, 0, 0));
    }

    #[test]
    fn a_clock_that_goes_back_breaks_nothing() {
        let mut traffic = Traffic::new(UnixTime::from_s(1_000_000));
        traffic.add(&exchange(None, 1));
        traffic.advance(UnixTime::from_s(10));
        traffic.add(&exchange(None, 1));
        assert_eq!(sums(&traffic.series(Window::Minutes, UnixTime::from_s(10))).1, 1);
    }

    #[test]
    fn what_did_not_reach_an_upstream_has_no_time_of_one() {
        let mut traffic = Traffic::new(UnixTime::from_s(0));
        traffic.add(&Exchange::default());
        let series = traffic.series(Window::Minutes, UnixTime::from_s(0));
        let (_, step) = &series.steps[0];
        assert_eq!((step.requests(), step.upstream_us(0.5)), (1, None));
        assert_eq!(step.overhead_us(0.5), Some(0.0));
    }

    #[test]
    fn the_memory_is_fixed() {
        let steps: usize = Window::ALL.iter().map(|it| it.steps()).sum();
        let bytes = (steps + 1) * size_of::<Step>();
        assert!(bytes <= 400_000, "{bytes}");
    }
}
