//! One stretch of a run: which loads there are beside the steady traffic, and what they came to.
use super::Shared;
use super::content::Size;
use super::latencies::Latencies;
use super::load::Kind;
use super::load::Load;
use super::load::Outcome;
use super::machine;
use super::on_a_thread;
use super::trickle;
use super::trickle::Trickled;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// What is measured in every phase.
const STEADY: Load = Load { kind: Kind::Steady, size: Size::Small, links: 8, rate: Some(200.0) };

const FLOOD_LINKS: usize = 64;
const LARGE_LINKS: usize = 4;

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(200);

pub struct Phase {
    pub name: &'static str,
    pub loads: Vec<Load>,
    pub trickling: usize,
}

/// What a phase came to.
pub struct Told {
    pub name: &'static str,
    pub time: Duration,
    pub steady: Outcome,
    /// Of all loads together.
    pub loads: Vec<Outcome>,
    pub trickled: Option<Trickled>,
    /// Seconds of CPU time: attache's, the bench's own, and of all others on the machine.
    pub attache_s: f64,
    pub bench_s: f64,
    pub others_s: f64,
    pub resident_mib: f64,
}

/// All phases, in their order.
pub fn all(rate: f64, trickling: usize) -> Vec<Phase> {
    let small = |kind, rate| Load { kind, size: Size::Small, links: FLOOD_LINKS, rate };
    let large = |kind, size| Load { kind, size, links: LARGE_LINKS, rate: None };
    let phase = |name, loads| Phase { name, loads, trickling: 0 };
    let (delivered, proxied) = (Kind::Delivery, Kind::Proxied);
    vec![
        phase("quiet", vec![]),
        phase("deliveries", vec![small(delivered, Some(rate))]),
        phase("requests", vec![small(proxied, Some(rate))]),
        phase("deliveries-flat-out", vec![small(delivered, None)]),
        phase("requests-flat-out", vec![small(proxied, None)]),
        phase("deliveries-1MiB", vec![large(delivered, Size::Large)]),
        phase("requests-1MiB", vec![large(proxied, Size::Large)]),
        phase("deliveries-10MB", vec![large(delivered, Size::Huge)]),
        phase("requests-10MB", vec![large(proxied, Size::Huge)]),
        Phase { name: "trickling", loads: vec![], trickling },
        Phase {
            name: "all",
            loads: vec![small(delivered, Some(rate)), large(delivered, Size::Huge)],
            trickling,
        },
    ]
}

impl Phase {
    /// Each load has a thread of its own, so that none is held up by another before it is sent.
    pub fn run(&self, shared: &Shared) -> io::Result<Told> {
        let (to, time) = (shared.program.addresses, shared.time);
        let began = Instant::now();
        let cpu = [shared.program.cpu_s()?, machine::cpu_s("self")?, machine::all_cpu_s()?];
        let start = |load: Load| {
            let ledger = Arc::clone(&shared.ledger);
            on_a_thread(async move || load.run(to, ledger, time).await)
        };
        let steady = start(STEADY);
        let loads: Vec<_> = self.loads.iter().map(|it| start(*it)).collect();
        let senders = self.trickling;
        let trickling = (senders > 0)
            .then(|| on_a_thread(async move || trickle::run(senders, to.public, time).await));
        let (status, mut resident_mib) = (shared.program.status(), 0.0_f64);
        while !steady.is_finished() {
            resident_mib = resident_mib.max(machine::resident_mib(&status));
            std::thread::sleep(LOOK);
        }
        let join = |_| io::Error::other("a sender panicked");
        let steady = steady.join().map_err(join)?;
        let mut outcomes = Vec::new();
        for load in loads {
            outcomes.push(load.join().map_err(join)?);
        }
        let trickled = trickling.map(|it| it.join().map_err(join)).transpose()?;
        let attache_s = shared.program.cpu_s()? - cpu[0];
        let bench_s = machine::cpu_s("self")? - cpu[1];
        let others_s = machine::all_cpu_s()? - cpu[2] - attache_s - bench_s;
        let (name, time) = (self.name, began.elapsed());
        let loads = outcomes;
        Ok(Told { name, time, steady, loads, trickled, attache_s, bench_s, others_s, resident_mib })
    }
}

impl Told {
    pub fn answered(&self) -> u64 {
        self.loads.iter().map(|it| it.answered).sum()
    }

    pub fn latencies(&self) -> Latencies {
        let mut all = Latencies::default();
        self.loads.iter().for_each(|it| all.merge(it.latencies.clone()));
        all
    }
}
