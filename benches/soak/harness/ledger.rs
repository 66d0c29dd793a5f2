//! Every request by its number: what was sent, what arrived, and what became of it.
use super::mode;
use super::mode::Mode;
use super::mode::Outcome;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// Faults that are told in full; all are counted.
const TOLD: usize = 40;

const POST: u8 = 1;
const ANSWERED: u8 = 2;
const OVER: u8 = 4;
const RUDE: u8 = 8;

pub struct Ledger {
    next: AtomicUsize,
    /// Flags in the low half, the mode in the high one; zero where the number was never sent.
    requests: Vec<AtomicU8>,
    arrived: Vec<AtomicU8>,
    outcomes: Mutex<BTreeMap<(usize, String), u64>>,
    faults: Mutex<Vec<String>>,
    faults_in_all: AtomicUsize,
}

impl Ledger {
    pub fn new(requests: usize) -> Self {
        let zeros = || (0..requests).map(|_| AtomicU8::new(0)).collect();
        Self {
            next: AtomicUsize::new(0),
            requests: zeros(),
            arrived: zeros(),
            outcomes: Mutex::default(),
            faults: Mutex::default(),
            faults_in_all: AtomicUsize::new(0),
        }
    }

    pub fn issued(&self) -> usize {
        self.next.load(Relaxed).min(self.requests.len())
    }

    pub fn is_full(&self) -> bool {
        self.next.load(Relaxed) >= self.requests.len()
    }

    /// A number for a request that is about to be sent; none where the book is full.
    pub fn issue(
        &self,
        mode: impl FnOnce(usize) -> (Mode, bool),
        rude: bool,
    ) -> Option<(usize, Mode, bool)> {
        let id = self.next.fetch_add(1, Relaxed);
        let entry = self.requests.get(id)?;
        let (mode, post) = mode(id);
        let flags = if post { POST } else { 0 } | if rude { RUDE } else { 0 };
        entry.store(flags | (mode.index() as u8 + 1) << 4, Relaxed);
        Some((id, mode, post))
    }

    /// An upstream has read the head of request `id`.
    pub fn arrive(&self, id: usize, mode: Mode) {
        match (self.requests.get(id), self.arrived.get(id)) {
            (Some(request), Some(arrived)) if self.mode(request.load(Relaxed)) == Some(mode) => {
                arrived.fetch_add(1, Relaxed);
            }
            _ => {
                self.fault(format!("{}: number {id} arrived and was never sent there", mode.name()))
            }
        }
    }

    pub fn is_rude(&self, id: usize) -> bool {
        self.requests.get(id).is_some_and(|it| it.load(Relaxed) & RUDE != 0)
    }

    /// What a caller saw in the end.
    pub fn end(&self, id: usize, mode: Mode, outcome: &Outcome) {
        let answered = if matches!(outcome, Outcome::Answered(_)) { ANSWERED } else { 0 };
        self.requests[id].fetch_or(OVER | answered, Relaxed);
        let said = match outcome {
            Outcome::Answered(status) => status.to_string(),
            Outcome::Refused(status, code) => format!("{status} {code}"),
            Outcome::BrokenOff => "broken off".to_owned(),
            Outcome::Changed(how) => format!("changed: {how}"),
            Outcome::Nothing => "no answer".to_owned(),
        };
        if !mode.explains(id, outcome) {
            let method = if self.requests[id].load(Relaxed) & POST != 0 { "POST" } else { "GET" };
            let arrived = self.arrived[id].load(Relaxed);
            let mode = mode.name();
            self.fault(format!(
                "{mode}: {method} {id} (arrived {arrived} times) ended unexplained: {said}"
            ));
        }
        self.count(mode, said);
    }

    /// A caller hung up: whatever happens to the request, it must not happen twice.
    pub fn hung_up(&self, id: usize, mode: Mode) {
        self.requests[id].fetch_or(OVER, Relaxed);
        self.count(mode, "hung up".to_owned());
    }

    pub fn fault(&self, fault: String) {
        self.faults_in_all.fetch_add(1, Relaxed);
        let mut faults = self.faults.lock().expect("no holder panics");
        if faults.len() < TOLD {
            faults.push(fault);
        }
    }

    fn count(&self, mode: Mode, said: String) {
        let mut outcomes = self.outcomes.lock().expect("no holder panics");
        *outcomes.entry((mode.index(), said)).or_default() += 1;
    }

    fn mode(&self, entry: u8) -> Option<Mode> {
        mode::ALL.get(usize::from(entry >> 4).checked_sub(1)?).copied()
    }

    /// Looks at every number: lost, doubled, answered out of nowhere. To be called once, at the end.
    pub fn audit(&self) -> Audit {
        let mut audit = Audit::default();
        for id in 0..self.issued() {
            let entry = self.requests[id].load(Relaxed);
            let Some(mode) = self.mode(entry) else { continue };
            let arrived = self.arrived[id].load(Relaxed);
            let (is_post, is_answered) = (entry & POST != 0, entry & ANSWERED != 0);
            let fault = if entry & OVER == 0 {
                audit.lost += 1;
                "has no end"
            } else if is_answered && arrived == 0 {
                audit.lost += 1;
                "was answered and never arrived"
            } else if arrived > 1 && (is_post || !mode.may_repeat()) {
                audit.doubled += 1;
                "arrived more than once"
            } else {
                audit.repeated += usize::from(arrived > 1);
                continue;
            };
            let method = if is_post { "POST" } else { "GET" };
            self.fault(format!("{}: {method} {id} {fault} ({arrived} times)", mode.name()));
        }
        audit.outcomes = self.outcomes.lock().expect("no holder panics").clone();
        audit.faults = self.faults.lock().expect("no holder panics").clone();
        audit.faults_in_all = self.faults_in_all.load(Relaxed);
        audit
    }
}

/// What the books say.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    pub lost: usize,
    pub doubled: usize,
    /// GETs that were sent again because their link had died, as they may be.
    pub repeated: usize,
    pub outcomes: BTreeMap<(usize, String), u64>,
    pub faults: Vec<String>,
    pub faults_in_all: usize,
}
