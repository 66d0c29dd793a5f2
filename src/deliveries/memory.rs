//! The last deliveries, where there is no store: as long as the process runs.
use super::Told;
use crate::model::DeliveryVerdict;
use crate::store::DeliveryCount;
use crate::store::DeliveryFilter;
use crate::store::WebhookDelivery;
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

/// Deliveries that are kept; the oldest go first.
pub(super) const DELIVERIES_MAX: usize = 1000;

/// Of those the ones that anybody can make: beyond it the oldest of them go, and nothing that was verified.
pub(super) const UNVERIFIED_MAX: usize = DELIVERIES_MAX / 10;

/// What their contents take at most, in bytes; beyond it the contents of the oldest go first.
pub(super) const BYTES_MAX: usize = 16 << 20;

#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Last>);

#[derive(Debug, Default)]
struct Last {
    /// The oldest first.
    told: VecDeque<Told>,
    bytes: usize,
    /// So many of the oldest have no contents any more.
    emptied: usize,
    unverified: usize,
}

impl Memory {
    pub(super) fn put(&self, told: Told) {
        let mut last = self.last();
        if is_unverified(&told) && last.unverified >= UNVERIFIED_MAX {
            last.drop_unverified();
        }
        last.unverified += usize::from(is_unverified(&told));
        if last.told.len() >= DELIVERIES_MAX
            && let Some(oldest) = last.told.pop_front()
        {
            last.bytes = last.bytes.saturating_sub(oldest.contents.len());
            last.emptied = last.emptied.saturating_sub(1);
            last.unverified -= usize::from(is_unverified(&oldest));
        }
        last.bytes += told.contents.len();
        last.told.push_back(told);
        while last.bytes > BYTES_MAX && last.emptied < last.told.len() {
            let at = last.emptied;
            let it = &mut last.told[at];
            let freed = it.contents.len();
            it.contents = Vec::new();
            it.delivery.can_replay = false;
            last.bytes = last.bytes.saturating_sub(freed);
            last.emptied += 1;
        }
    }

    pub(super) fn list(
        &self,
        filter: &DeliveryFilter,
        before: Option<&str>,
        limit: u32,
    ) -> Vec<WebhookDelivery> {
        let last = self.last();
        let newest_first = last.told.iter().rev().map(|it| &it.delivery);
        // Two workers may say what came at the same time in either order.
        let mut found: Vec<_> = newest_first
            .filter(|it| before.is_none_or(|before| *it.id < *before) && is_asked(filter, it))
            .cloned()
            .collect();
        drop(last);
        found.sort_by(|a, b| b.id.cmp(&a.id));
        found.truncate(limit as usize);
        found
    }

    pub(super) fn get(&self, id: &str) -> Option<Told> {
        self.last().told.iter().find(|it| it.delivery.id == id).cloned()
    }

    pub(super) fn counts(&self, owners: &[&str]) -> Vec<DeliveryCount> {
        let mut all: BTreeMap<(String, DeliveryVerdict), DeliveryCount> = BTreeMap::new();
        for Told { delivery: it, .. } in &self.last().told {
            if owners.contains(&&*it.owner) {
                let (owner, verdict) = (it.owner.clone(), it.verdict);
                let none = DeliveryCount { owner: owner.clone(), verdict, count: 0, last_ms: 0 };
                let count = all.entry((owner, verdict)).or_insert(none);
                count.count += 1;
                count.last_ms = count.last_ms.max(it.at_ms);
            }
        }
        all.into_values().collect()
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        // Nothing between two changes of it can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Last {
    /// The oldest of them.
    fn drop_unverified(&mut self) {
        let Some(at) = self.told.iter().position(is_unverified) else { return };
        let Some(gone) = self.told.remove(at) else { return };
        self.bytes = self.bytes.saturating_sub(gone.contents.len());
        self.emptied -= usize::from(at < self.emptied);
        self.unverified -= 1;
    }
}

fn is_unverified(told: &Told) -> bool {
    match told.delivery.verdict {
        DeliveryVerdict::Refused | DeliveryVerdict::Handshake => true,
        DeliveryVerdict::Accepted | DeliveryVerdict::Repeated | DeliveryVerdict::Failed => false,
    }
}

fn is_asked(filter: &DeliveryFilter, it: &WebhookDelivery) -> bool {
    let DeliveryFilter { owner, tenant, verdict, since_ms, until_ms } = filter;
    owner.as_ref().is_none_or(|own| *own == it.owner)
        && tenant.as_ref().is_none_or(|own| *own == it.tenant)
        && verdict.is_none_or(|own| own == it.verdict)
        && since_ms.is_none_or(|since| it.at_ms >= since)
        && until_ms.is_none_or(|until| it.at_ms < until)
}
