//! A stop that is ordered: what is under way is waited for, and nothing that may use up a token is begun.
use crate::support::Process;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Says;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::renewals::EGRESS;
use crate::support::renewals::activate;
use crate::support::renewals::set_up;
use crate::support::soon;
use rustix::process::Signal;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// So many messages to one provider at a time.
const AT_ONCE: usize = 32;

each_engine! {
    async fn what_is_under_way_is_put_down_and_what_waits_for_its_turn_is_not_begun(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gate = Arc::new(Notify::new());
        let provider = Provider::start([Says::token("t").after(&gate)]).await;
        let mut process = Process::beside(&database, EGRESS).await;
        set_up(&process.operator(), &upstream, &provider).await;
        for number in 0..AT_ONCE + 8 {
            activate(&process.operator(), &format!("t{number}")).await;
        }
        database.run(
            "INSERT INTO grants (owner, tenant, slot, version, fingerprint, former, generation, state, since, why, \
             failures, tried_with, due_at, look_at, attempt, attempt_of, attempt_at, holder, held_until, fence) \
             SELECT owner, tenant, 'activation', 0, '', '', 1, 'active', 0, '', 0, '', 5, 5, '', '', 0, '', 0, 1 \
             FROM activations",
        ).await;
        provider.was_asked(AT_ONCE).await;
        let held = "SELECT COUNT(*) FROM grants WHERE held_until > 0";
        soon("the others wait for their turn", async {
            while database.number(held).await < 40 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        process.signal(Signal::TERM);
        soon("the stop is said to renewals", async {
            while !process.output().contains("tokens are asked for no more") {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        gate.notify_waiters();
        assert!(process.ended().await.success());
        assert_eq!(provider.asked().len(), AT_ONCE);
        let kept = "SELECT COUNT(*) FROM grants WHERE version = 1 AND attempt = ''";
        assert_eq!(database.number(kept).await, 32);
        let as_before = "SELECT COUNT(*) FROM grants WHERE version = 0 AND attempt = '' AND state = 'active' \
                         AND failures = 0 AND held_until = 0";
        assert_eq!(database.number(as_before).await, 8, "another replica need not wait");
    }
}
