//! Rare counters whose label values come from outside this room.
use super::list::Definition;
use super::list::OTHER;
use super::rare;
use prometheus::IntCounterVec;
use prometheus::Registry;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::PoisonError;

/// Counters by a name, then by a closed label if there is one. Names over the bound count as `_other`.
pub(super) struct Bounded {
    counters: IntCounterVec,
    names: Mutex<BTreeSet<Box<str>>>,
    names_max: usize,
}

impl Bounded {
    pub(super) fn new(registry: &Registry, definition: &Definition, names_max: usize) -> Self {
        let counters = rare::counters(registry, definition);
        Self { counters, names: Mutex::default(), names_max }
    }

    pub(super) fn count(&self, name: &str, others: &[&str]) {
        let name = if self.admits(name) { name } else { OTHER };
        self.counters.with_label_values(&[&[name], others].concat()).inc();
    }

    fn admits(&self, name: &str) -> bool {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.contains(name) || (names.len() < self.names_max && names.insert(name.into()))
    }
}
