//! What a run came to, as one table, and whether anything was wrong.
use super::ledger::Faults;
use super::phase::Told;
use super::program::Held;
use std::fmt;

pub struct Report {
    pub phases: Vec<Told>,
    pub faults: Faults,
    /// Afterwards.
    pub held: Held,
}

impl Report {
    /// How long anything took is told and not judged: it is the machine's as much as ours.
    pub fn is_good(&self) -> bool {
        self.faults.is_none()
            && self.held == Held::default()
            && self.phases.iter().all(|it| it.steady.failures() == 0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| phase | load: answered a second | p99 ms | attache's CPU, µs each | steady requests: answered | failed \
             | p50 ms | p99 ms | most ms | p99 ÷ quiet | attache's cores | bench's | others' | attache MiB |"
        )?;
        writeln!(f, "|---{}|", "|---".repeat(13))?;
        let quiet = self.phases.iter().find(|it| it.name == "quiet");
        for phase in &self.phases {
            row(f, phase, quiet)?;
        }
        writeln!(f)?;
        for phase in &self.phases {
            for failed in [&phase.steady].into_iter().chain(&phase.loads) {
                for (said, count) in &failed.failed {
                    writeln!(f, "{}: {count} × {said}", phase.name)?;
                }
            }
            if let Some(trickled) = &phase.trickled {
                let (open, bytes) = (trickled.open, trickled.bytes);
                writeln!(
                    f,
                    "{}: {open} trickling links open at its end, {bytes} bytes, ended before: {:?}",
                    phase.name, trickled.ended
                )?;
            }
        }
        let Faults { lost, doubled, leaked, changed } = self.faults;
        writeln!(
            f,
            "accepted and lost {lost}, doubled {doubled}, refused and arrived {leaked}, changed {changed}"
        )?;
        let Held { bodies_bytes, public_links, in_flight } = self.held;
        writeln!(
            f,
            "held afterwards: {bodies_bytes} bytes of bodies, {public_links} public links, {in_flight} exchanges"
        )?;
        write!(f, "{}", if self.is_good() { "no fault" } else { "FAULTS" })
    }
}

fn row(f: &mut fmt::Formatter<'_>, phase: &Told, quiet: Option<&Told>) -> fmt::Result {
    let seconds = phase.time.as_secs_f64();
    let (answered, steady) = (phase.answered(), &phase.steady);
    // Less what the steady traffic costs by itself.
    let base_s = quiet.map_or(0.0, |it| it.attache_s / it.time.as_secs_f64() * seconds);
    let each = (phase.attache_s - base_s).max(0.0) * 1e6 / answered.max(1) as f64;
    let p99 = steady.latencies.quantile_ms(0.99);
    let times = quiet.map_or(0.0, |it| p99 / it.steady.latencies.quantile_ms(0.99).max(0.001));
    let load = if phase.loads.is_empty() {
        "| | |".to_owned()
    } else {
        let p99 = phase.latencies().quantile_ms(0.99);
        format!("| {:.0} | {p99:.2} | {each:.1}", answered as f64 / seconds)
    };
    writeln!(
        f,
        "| {} {load} | {} | {} | {:.2} | {p99:.2} | {:.2} | {times:.1} | {:.2} | {:.2} | {:.2} | {:.0} |",
        phase.name,
        steady.answered,
        steady.failures(),
        steady.latencies.quantile_ms(0.5),
        steady.latencies.most_ms(),
        phase.attache_s / seconds,
        phase.bench_s / seconds,
        phase.others_s / seconds,
        phase.resident_mib,
    )
}
