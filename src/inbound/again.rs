//! Deliveries that an operator has sent again: to the target that their connection has now, by the same steps as when
//! they came, but that nothing is verified (it was) and no repeat is looked for (it is one).
use super::Inbound;
use super::activation;
use super::address::Address;
use super::deliver;
use super::deliver::Forwarding;
use super::deliver::Told as TellTarget;
use super::error::InboundError;
use super::error::Undeliverable;
use crate::catalog::Connection;
use crate::deliveries::Contents;
use crate::deliveries::Order;
use crate::deliveries::Orders;
use crate::deliveries::Told;
use crate::deliveries::Whole;
use crate::limits::Refused;
use crate::limits::WholeBody;
use crate::model::DeliveryVerdict;
use crate::resolve::ResolveError;
use crate::store::WebhookDelivery;
use http::StatusCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

impl Inbound {
    /// Until nobody gives orders any more.
    pub async fn send_again(self: Rc<Self>, mut orders: Orders) {
        while let Some(order) = orders.recv().await {
            let own = Rc::clone(&self);
            tokio::task::spawn_local(async move {
                let Order { delivery, whole, answer } = order;
                let told = own.again(&delivery, &whole).await;
                // Whoever ordered it may have gone.
                drop(answer.send(told));
            });
        }
    }

    /// The delivery that this makes.
    async fn again(&self, first: &WebhookDelivery, whole: &Whole) -> Told {
        let (began, now) = (Instant::now(), (self.clock)());
        let sent = self.try_again(first, whole).await;
        let mut delivery = WebhookDelivery {
            id: self.ids.new_request_id(now).as_str().to_owned(),
            at_ms: i64::try_from(now.as_ms()).unwrap_or(i64::MAX),
            replay_of: match first.replay_of.is_empty() {
                true => first.id.clone(),
                // Of the one that the sender made.
                false => first.replay_of.clone(),
            },
            ..first.clone()
        };
        delivery.can_replay = true;
        let target = [&*whole.target];
        let contents = Contents::whole(&target, &whole.headers, &whole.concealed, &whole.body);
        let mut told = Told { delivery, contents };
        match sent {
            Ok(status) => {
                let verdict = match status.is_success() {
                    true => DeliveryVerdict::Accepted,
                    false => DeliveryVerdict::Failed,
                };
                told.ends(verdict, None, (status.as_u16(), Some(status.as_u16())), began);
            }
            Err(error) => {
                let (connection, verdict) = (&*first.connection, error.verdict());
                tracing::warn!(connection, id = first.id, "a delivery was not sent again: {error}");
                // Whatever stood in its way: it was verified, and did not get there.
                let code = Some(verdict.code);
                told.ends(DeliveryVerdict::Failed, code, (verdict.status, None), began);
            }
        }
        told
    }

    async fn try_again(
        &self,
        first: &WebhookDelivery,
        whole: &Whole,
    ) -> Result<StatusCode, InboundError> {
        let (rest, query) = match whole.target.split_once('?') {
            None => (&*whole.target, None),
            Some((rest, query)) => (rest, Some(query)),
        };
        let tenant = Some(&*first.tenant).filter(|it| !it.is_empty());
        let address =
            Address { connection: &first.connection, tenant: tenant.map(Into::into), rest };
        let snapshot = self.live.snapshot_full();
        let found = self.found(&snapshot, &address, None).await?;
        let receiver = address.find(&snapshot, self.fetched(found.as_ref()))?;
        let connection: &Connection = receiver.connection;
        if *connection.owner != *first.owner {
            // Another one has its key now.
            return Err(ResolveError::ConnectionNotFound.into());
        }
        if self.is_stale.get() {
            activation::refuse_stored(&snapshot, connection)?;
        }
        self.rates.admit(None, receiver.connection, receiver.tenant, Instant::now())?;
        let base = receiver.holder.and_then(|it| it.base.clone());
        let base = base.ok_or(Undeliverable::NoBaseUrl)?;
        let target = deliver::target(&base, rest, query).ok_or(Undeliverable::NoTarget)?;
        let body = WholeBody::at_hand(whole.body.clone(), &self.budget);
        let body = body.ok_or(Refused::overloaded())?;
        let told = TellTarget {
            connection: connection.key.as_str(),
            tenant: receiver.tenant.map(|it| it.as_str()),
            id: Some(&*first.webhook_id).filter(|it| !it.is_empty()),
            is_replay: true,
        };
        let forwarding = Forwarding {
            upstream: Rc::clone(&self.upstream),
            connection: connection.key.clone(),
            settings: Arc::clone(&connection.upstream),
            target,
            headers: deliver::outgoing(&whole.headers, &told),
            base,
            body,
            under_way: None,
            noting: None,
            clock: self.clock,
        };
        let response = forwarding.run().await.response;
        let response = response.inspect_err(|it| self.count_undeliverable(it))?;
        Ok(response.status())
    }
}
