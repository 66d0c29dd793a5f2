//! Retries as a share of the traffic: an upstream that is down gets little more than what it gets anyway.
use crate::catalog::Retries;
use crate::model::Origin;
use hashbrown::HashMap;
use std::cell::RefCell;
use std::sync::Arc;

/// What one retry costs, in thousandths.
const RETRY: u32 = 1000;

/// The most that traffic can earn ahead, in retries: what a calm hour saves up is not all spent in the
/// first second of an outage.
const EARNED_MAX: u32 = 100;

/// The floor is spread over this time, in milliseconds.
const FLOOR_MS: u64 = 10_000;

/// Origins that are kept account of, per worker. More can only come from base-URL variables; a
/// further one has no budget until one of these has been quiet for [`FLOOR_MS`].
const ORIGINS_MAX: usize = 4096;

/// One worker's accounts, by origin: what an upstream bears does not depend on which connection asks.
#[derive(Default)]
pub struct RetryBudgets {
    accounts: RefCell<HashMap<Arc<Origin>, Account, foldhash::fast::RandomState>>,
}

/// In thousandths of a retry.
struct Account {
    earned: u32,
    floor: u32,
    /// When `floor` was last made up, in milliseconds of the worker's clock.
    floor_at_ms: u64,
    used_at_ms: u64,
}

impl RetryBudgets {
    /// An exchange that may be retried was sent for the first time.
    pub fn earn(&self, origin: &Arc<Origin>, policy: &Retries, now_ms: u64) {
        self.with(origin, policy, now_ms, |account| {
            let more = account.earned + u32::from(policy.budget_percent) * (RETRY / 100);
            account.earned = more.min(EARNED_MAX * RETRY);
        });
    }

    /// Takes one retry off; false where there is none.
    pub fn spend(&self, origin: &Arc<Origin>, policy: &Retries, now_ms: u64) -> bool {
        self.with(origin, policy, now_ms, |account| account.spend(policy, now_ms)).unwrap_or(false)
    }

    /// `None` where there is no room for one more account.
    fn with<T>(
        &self,
        origin: &Arc<Origin>,
        policy: &Retries,
        now_ms: u64,
        act: impl FnOnce(&mut Account) -> T,
    ) -> Option<T> {
        let mut accounts = self.accounts.borrow_mut();
        if !accounts.contains_key(&**origin) {
            if accounts.len() >= ORIGINS_MAX {
                accounts.retain(|_, it| it.used_at_ms + FLOOR_MS > now_ms);
            }
            if accounts.len() >= ORIGINS_MAX {
                return None;
            }
            let floor = u32::from(policy.budget_floor) * RETRY;
            let account = Account { earned: 0, floor, floor_at_ms: now_ms, used_at_ms: now_ms };
            accounts.insert(Arc::clone(origin), account);
        }
        let account = accounts.get_mut(&**origin)?;
        account.used_at_ms = now_ms;
        Some(act(account))
    }
}

impl Account {
    fn spend(&mut self, policy: &Retries, now_ms: u64) -> bool {
        let most = u64::from(policy.budget_floor) * u64::from(RETRY);
        let passed = now_ms.saturating_sub(self.floor_at_ms).min(FLOOR_MS);
        let made_up = (u64::from(self.floor) + passed * most / FLOOR_MS).min(most);
        self.floor = u32::try_from(made_up).unwrap_or(u32::MAX);
        self.floor_at_ms = now_ms;
        let from = if self.earned >= RETRY { &mut self.earned } else { &mut self.floor };
        let has_one = *from >= RETRY;
        if has_one {
            *from -= RETRY;
        }
        has_one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(name: &str) -> Arc<Origin> {
        Arc::new(Origin::parse(&format!("https://{name}")).unwrap())
    }

    fn spent(budgets: &RetryBudgets, origin: &Arc<Origin>, policy: &Retries, now_ms: u64) -> usize {
        (0..10_000).take_while(|_| budgets.spend(origin, policy, now_ms)).count()
    }

    #[test]
    fn retries_are_a_fifth_of_the_traffic_and_a_few_more() {
        let (budgets, api, policy) = (RetryBudgets::default(), origin("a"), Retries::default());
        assert_eq!(spent(&budgets, &api, &policy, 0), 5, "the floor");
        let mut sent = 0;
        for _ in 0..1000 {
            budgets.earn(&api, &policy, 0);
            sent += usize::from(budgets.spend(&api, &policy, 0));
        }
        assert_eq!(sent, 200);
    }

    #[test]
    fn a_calm_time_earns_no_more_than_so_much() {
        let (budgets, api, policy) = (RetryBudgets::default(), origin("a"), Retries::default());
        (0..100_000).for_each(|_| budgets.earn(&api, &policy, 0));
        assert_eq!(spent(&budgets, &api, &policy, 0), 105);
    }

    #[test]
    fn the_floor_comes_back_within_ten_seconds_and_no_higher() {
        let (budgets, api, policy) = (RetryBudgets::default(), origin("a"), Retries::default());
        assert_eq!(spent(&budgets, &api, &policy, 0), 5);
        assert_eq!(spent(&budgets, &api, &policy, 1_999), 0);
        assert_eq!(spent(&budgets, &api, &policy, 6_000), 2);
        assert_eq!(spent(&budgets, &api, &policy, 1_000_000), 5);
        let none = Retries { budget_percent: 0, budget_floor: 0, ..policy };
        assert!(!budgets.spend(&origin("b"), &none, 0));
    }

    #[test]
    fn origins_have_accounts_of_their_own_up_to_a_bound() {
        let (budgets, policy) = (RetryBudgets::default(), Retries::default());
        for index in 0..ORIGINS_MAX {
            assert!(budgets.spend(&origin(&format!("h{index}")), &policy, 0));
        }
        assert!(!budgets.spend(&origin("one-more"), &policy, 0), "no room");
        assert!(budgets.spend(&origin("h7"), &policy, 0), "an account that is there is kept");
        assert!(budgets.spend(&origin("one-more"), &policy, FLOOR_MS), "quiet ones make room");
    }
}
