//! The rates that apply to a request: of its caller, of its connection, of its tenant there.
use super::rate::Buckets;
use super::refused::Refused;
use crate::catalog::Caller;
use crate::catalog::Connection;
use crate::catalog::Rate;
use crate::model::Key;
use crate::model::TenantId;
use crate::telemetry::metrics::Limit;
use hashbrown::Equivalent;
use std::time::Instant;

/// The token buckets of the process. They know no configuration: it comes with each request, so that
/// a reload that leaves a rate as it is leaves its bucket as it is.
#[derive(Debug)]
pub struct Rates {
    began: Instant,
    callers: Buckets<Key>,
    connections: Buckets<Key>,
    tenants: Buckets<TenantOf>,
}

/// A tenant under a connection.
#[derive(Debug, PartialEq, Eq, Hash)]
struct TenantOf {
    connection: Key,
    tenant: TenantId,
}

/// The same, borrowed, for look-ups.
#[derive(Clone, Copy, Hash)]
struct TenantRef<'a> {
    connection: &'a Key,
    tenant: &'a TenantId,
}

impl Equivalent<TenantOf> for TenantRef<'_> {
    fn equivalent(&self, whose: &TenantOf) -> bool {
        *self.tenant == whose.tenant && *self.connection == whose.connection
    }
}

impl Rates {
    /// No bucket is used before `began`.
    pub fn new(began: Instant) -> Self {
        let (callers, connections) = (Buckets::new(), Buckets::new());
        Self { began, callers, connections, tenants: Buckets::new() }
    }

    /// A token of each bucket that applies, or none of any. `caller` is none for a delivery.
    pub fn admit(
        &self,
        caller: Option<&Caller>,
        connection: &Connection,
        tenant: Option<&TenantId>,
        now: Instant,
    ) -> Result<(), Refused> {
        let of_caller = caller.and_then(|it| Some((&it.key, it.rate.as_ref()?)));
        let limits = connection.limits.as_deref();
        if of_caller.is_none() && limits.is_none() {
            return Ok(());
        }
        let now = self.ns(now);
        if let Some((key, rate)) = of_caller {
            let taken = self.callers.take(key, rate, now, || key.clone());
            taken.map_err(|wait| Refused::after(Limit::CallerRate, wait))?;
        }
        let Some(limits) = limits else { return Ok(()) };
        let key = &connection.key;
        let admitted = self.of_connection(key, limits.rate.as_ref(), now).and_then(|()| {
            let of_tenant = limits.tenant_rate.as_ref().zip(tenant);
            let admitted =
                of_tenant.map_or(Ok(()), |(rate, it)| self.of_tenant(key, it, rate, now));
            if let (Err(_), Some(rate)) = (&admitted, &limits.rate) {
                self.connections.put_back(key, rate);
            }
            admitted
        });
        if let (Err(_), Some((key, rate))) = (&admitted, of_caller) {
            self.callers.put_back(key, rate);
        }
        admitted
    }

    /// A token of the caller's own bucket, for what goes to no connection.
    pub fn admit_caller(&self, caller: &Caller, now: Instant) -> Result<(), Refused> {
        let Some(rate) = &caller.rate else { return Ok(()) };
        let taken = self.callers.take(&caller.key, rate, self.ns(now), || caller.key.clone());
        taken.map_err(|wait| Refused::after(Limit::CallerRate, wait))
    }

    fn ns(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.began).as_nanos();
        u64::try_from(since).unwrap_or(u64::MAX / 2)
    }

    fn of_connection(&self, key: &Key, rate: Option<&Rate>, now: u64) -> Result<(), Refused> {
        let Some(rate) = rate else { return Ok(()) };
        let taken = self.connections.take(key, rate, now, || key.clone());
        taken.map_err(|wait| Refused::after(Limit::ConnectionRate, wait))
    }

    fn of_tenant(
        &self,
        connection: &Key,
        tenant: &TenantId,
        rate: &Rate,
        now: u64,
    ) -> Result<(), Refused> {
        let own = || TenantOf { connection: connection.clone(), tenant: tenant.clone() };
        let taken = self.tenants.take(&TenantRef { connection, tenant }, rate, now, own);
        taken.map_err(|wait| Refused::after(Limit::TenantRate, wait))
    }
}
