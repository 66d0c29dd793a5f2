//! Certificates for upstreams that end, told in the log and counted, before their handshakes fail.
use crate::catalog::Snapshot;
use crate::model::UnixTime;
use crate::telemetry::Metrics;
use jiff::Timestamp;
use std::collections::HashMap;
use std::time::Duration;

/// How long before its end a certificate is told of.
const AHEAD: Duration = Duration::from_secs(30 * 86_400);

/// Between two times that the same is said of one certificate.
const AGAIN: Duration = Duration::from_secs(86_400);

/// What was said of each certificate, by its fingerprint, and when: of as many as are served.
#[derive(Debug, Default)]
pub(super) struct Ends {
    told: HashMap<String, (bool, UnixTime)>,
}

impl Ends {
    /// Looks at all that are served, says what is new, and counts.
    pub(super) fn look(&mut self, snapshot: &Snapshot, now: UnixTime, metrics: &Metrics) {
        let soon = UnixTime::from_ms(now.as_ms().saturating_add(ms(AHEAD)));
        let (mut ended, mut ending) = (0, 0);
        let mut told = HashMap::new();
        for shown in snapshot.certificates().filter(|it| it.certificate.not_after() <= soon) {
            let not_after = shown.certificate.not_after();
            let is_over = not_after <= now;
            *(if is_over { &mut ended } else { &mut ending }) += 1;
            let fingerprint = shown.certificate.fingerprint();
            let before = told.get(&fingerprint).or_else(|| self.told.get(&fingerprint)).copied();
            let is_news = before.is_none_or(|(was_over, at)| {
                was_over != is_over || now.as_ms().saturating_sub(at.as_ms()) >= ms(AGAIN)
            });
            if is_news {
                let connection = shown.connection.key.as_str();
                let tenant = shown.tenant.map_or("", |it| it.as_str());
                let end = i64::try_from(not_after.as_ms()).unwrap_or(i64::MAX);
                let not_after = Timestamp::from_millisecond(end).unwrap_or(Timestamp::MAX);
                match is_over {
                    true => {
                        tracing::error!(connection, tenant, %not_after, fingerprint, "the client certificate has ended: its upstream will refuse it")
                    }
                    false => {
                        tracing::warn!(connection, tenant, %not_after, fingerprint, "the client certificate is about to end")
                    }
                }
            }
            let at = before.filter(|_| !is_news).map_or(now, |it| it.1);
            told.insert(fingerprint, (is_over, at));
        }
        self.told = told;
        metrics.certificates(ended, ending);
    }
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
