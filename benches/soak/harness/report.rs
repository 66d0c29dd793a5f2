//! The summary, and the verdict.
use super::Settings;
use super::Shared;
use super::ledger::Audit;
use super::mode;
use super::program::End;
use super::samples;
use super::samples::Sample;
use super::samples::Samples;
use std::fmt;
use std::time::Duration;

pub struct Report {
    audit: Audit,
    samples: Samples,
    settled: Sample,
    end: End,
    took: Duration,
    issued: usize,
    /// Requests per second: what was reached without a pause, and what was asked for.
    reached: Option<f64>,
    rate: Option<f64>,
    reloads: u32,
    faults: Vec<String>,
}

impl Report {
    #[expect(clippy::too_many_arguments, reason = "everything that a run leaves behind")]
    pub fn new(
        settings: &Settings,
        shared: &Shared,
        samples: Samples,
        settled: Sample,
        end: End,
        took: Duration,
        reached: Option<f64>,
        rate: Option<f64>,
    ) -> Self {
        let audit = shared.ledger.audit();
        let reloads = shared.generation.load(std::sync::atomic::Ordering::Relaxed);
        let mut faults = samples.unsettled(&settled);
        if settings.judge_growth {
            faults.extend(samples.growth());
        }
        if settled.panics > 0.0 {
            faults.push(format!("{} panics", settled.panics));
        }
        let loaded = settled.generation - samples.first.generation;
        if settled.reload_failures > 0.0 || loaded < f64::from(reloads) {
            faults.push(format!(
                "{reloads} reloads were asked for, {loaded} happened, {} failed",
                settled.reload_failures
            ));
        }
        if end.records as f64 != settled.records {
            faults.push(format!(
                "{} records in the access logs, {} written",
                end.records, settled.records
            ));
        }
        if !end.is_good {
            faults.push(format!("attache ended with {}", end.status));
        }
        for mode in mode::ALL {
            if !audit.outcomes.keys().any(|it| it.0 == mode.index()) {
                faults.push(format!("{}: nothing was asked", mode.name()));
            }
        }
        Self {
            issued: shared.ledger.issued(),
            audit,
            samples,
            settled,
            end,
            took,
            reached,
            rate,
            reloads,
            faults,
        }
    }

    /// True where nothing was lost, doubled, changed, leaked or left unexplained.
    pub fn is_good(&self) -> bool {
        self.faults.is_empty() && self.audit.faults_in_all == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs_f64();
        writeln!(f, "{} requests in {seconds:.0} s, {} reloads.", self.issued, self.reloads)?;
        if let (Some(reached), Some(rate)) = (self.reached, self.rate) {
            writeln!(
                f,
                "Without a pause the fast callers reached {reached:.0} a second; they were held to {rate:.0}."
            )?;
        }
        writeln!(f, "\n| upstream | outcomes |\n|---|---|")?;
        for mode in mode::ALL {
            let outcomes = self.audit.outcomes.iter().filter(|it| it.0.0 == mode.index());
            let outcomes: Vec<_> =
                outcomes.map(|((_, said), count)| format!("{said}: {count}")).collect();
            writeln!(f, "| {} | {} |", mode.name(), outcomes.join(", "))?;
        }
        writeln!(
            f,
            "\n| | RSS MiB | descriptors | threads | client links | in flight | idle upstream links |\n|---|---|---|---|---|---|---|"
        )?;
        let mib = |kib: u64| kib as f64 / 1024.0;
        let mut row = |name: &str, it: &Sample| {
            writeln!(
                f,
                "| {name} | {:.1} | {} | {} | {} | {} | {} |",
                mib(it.rss_kib),
                it.fds,
                it.threads,
                it.links,
                it.in_flight,
                it.pool_idle
            )
        };
        row("before", &self.samples.first)?;
        for (number, name) in
            ["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"].iter().enumerate()
        {
            let quarter = self.samples.quarter(number);
            let median = Sample {
                rss_kib: samples::median(&quarter, |it| it.rss_kib),
                fds: samples::median(&quarter, |it| it.fds),
                threads: samples::median(&quarter, |it| it.threads),
                links: samples::median(&quarter, |it| it.links as u64) as f64,
                in_flight: samples::median(&quarter, |it| it.in_flight as u64) as f64,
                pool_idle: samples::median(&quarter, |it| it.pool_idle as u64) as f64,
                ..Sample::default()
            };
            if !quarter.is_empty() {
                row(name, &median)?;
            }
        }
        row("all links closed", &self.settled)?;
        writeln!(
            f,
            "\nLost: {}. Doubled: {}. GETs sent again after their link had died: {}. Access log: {} records, {} dropped, for {} exchanges. attache ended with {}.",
            self.audit.lost,
            self.audit.doubled,
            self.audit.repeated,
            self.end.records,
            self.settled.dropped,
            self.settled.requests,
            self.end.status
        )?;
        for fault in self.faults.iter().chain(&self.audit.faults) {
            writeln!(f, "- FAULT: {fault}")?;
        }
        let faults = self.audit.faults_in_all + self.faults.len();
        write!(
            f,
            "\n{}",
            if faults == 0 { "No fault.".to_owned() } else { format!("{faults} faults.") }
        )
    }
}
