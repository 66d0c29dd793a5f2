//! What is told of a delivery once it is over, for people to look at: nothing waits for it.
use super::Inbound;
use super::error::InboundError;
use super::error::Undeliverable;
use super::tally::Tally;
use crate::catalog::Connection;
use crate::deliveries::Concealed;
use crate::deliveries::Contents;
use crate::deliveries::Deliveries;
use crate::deliveries::Told;
use crate::model::Code;
use crate::model::DeliveryVerdict;
use crate::model::TenantId;
use crate::store::WebhookDelivery;
use crate::telemetry::RequestId;
use crate::webhook::Description;
use http::Response;
use http::request::Parts;
use std::sync::Arc;
use std::time::Instant;

/// Longest path that is kept to be shown, in bytes.
const PATH_LEN_MAX: usize = 1024;

/// Headers that prove who sends, whatever else does.
const SECRET_HEADERS: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];

/// What will be told of a delivery, but for what becomes of it.
pub(super) struct Noting {
    deliveries: Arc<Deliveries>,
    told: Told,
    began: Instant,
}

impl Noting {
    /// It went to its target, or should have.
    pub(super) fn forwarded<B>(self, response: &Result<Response<B>, Undeliverable>) {
        match response {
            Ok(response) => {
                let status = response.status();
                let verdict = match status.is_success() {
                    true => DeliveryVerdict::Accepted,
                    false => DeliveryVerdict::Failed,
                };
                let status = status.as_u16();
                self.ends(verdict, None, status, Some(status));
            }
            Err(error) => {
                let verdict = InboundError::from(*error).verdict();
                self.ends(DeliveryVerdict::Failed, Some(verdict.code), verdict.status, None);
            }
        }
    }

    pub(super) fn ends(
        self,
        verdict: DeliveryVerdict,
        code: Option<Code>,
        status: u16,
        target_status: Option<u16>,
    ) {
        let Self { deliveries, mut told, began } = self;
        told.ends(verdict, code, (status, target_status), began);
        deliveries.note(told);
    }
}

impl Told {
    pub(super) fn ends(
        &mut self,
        verdict: DeliveryVerdict,
        code: Option<Code>,
        (status, target_status): (u16, Option<u16>),
        began: Instant,
    ) {
        let it = &mut self.delivery;
        (it.verdict, it.status, it.target_status) = (verdict, status, target_status);
        it.code = code.map_or_else(String::new, |it| it.as_str().to_owned());
        it.took_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    }
}

/// A delivery that has come, before anything became of it.
pub(super) fn begun(
    id: &RequestId,
    at_ms: u64,
    (connection, tenant): (&Connection, Option<&TenantId>),
) -> WebhookDelivery {
    WebhookDelivery {
        id: id.as_str().to_owned(),
        owner: connection.owner.as_ref().to_owned(),
        connection: connection.key.as_str().to_owned(),
        tenant: tenant.map_or_else(String::new, |it| it.as_str().to_owned()),
        at_ms: i64::try_from(at_ms).unwrap_or(i64::MAX),
        verdict: DeliveryVerdict::Failed,
        code: String::new(),
        status: 0,
        target_status: None,
        webhook_id: String::new(),
        method: String::new(),
        path: String::new(),
        bytes: 0,
        took_us: 0,
        replay_of: String::new(),
        can_replay: false,
    }
}

impl Inbound {
    /// Of a delivery that was verified: all that it takes to send it again. `target`: below the connection.
    pub(super) fn noting(
        &self,
        head: &Parts,
        body: &[u8],
        (rest, id): (&str, Option<&str>),
        (whose, description): ((&Connection, Option<&TenantId>), &Description),
        tally: &Tally,
    ) -> Option<Noting> {
        let deliveries = self.deliveries.as_ref()?;
        let mut delivery = tally.begun(whose);
        delivery.webhook_id = id.unwrap_or_default().to_owned();
        describe(&mut delivery, head, body.len() as u64);
        let mut contents = Vec::new();
        if body.len() <= deliveries.max_body() {
            let query = head.uri.query().map_or(["", ""], |it| ["?", it]);
            let target = [rest, query[0], query[1]];
            contents = Contents::whole(&target, &head.headers, &concealed(description), body);
            delivery.can_replay = true;
        }
        let told = Told { delivery, contents };
        Some(Noting { deliveries: Arc::clone(deliveries), told, began: tally.began() })
    }

    /// Of one that was not, or goes no further: which headers it had, and no more.
    pub(super) fn note_unforwarded(
        &self,
        head: &Parts,
        tally: &mut Tally,
        (verdict, code, status): (DeliveryVerdict, Option<Code>, u16),
    ) {
        if let Some(noting) = tally.noting.take()
            && verdict.was_forwarded()
        {
            return noting.ends(verdict, code, status, None);
        }
        let Some(deliveries) = &self.deliveries else { return };
        let Some(connection) = &tally.connection else { return };
        if !deliveries.admits(&connection.key, verdict, tally.record.started) {
            return;
        }
        let tenant = tally.record.tenant.clone();
        let mut delivery = tally.begun((connection, tenant.as_ref()));
        delivery.webhook_id.clone_from(&tally.webhook_id);
        describe(&mut delivery, head, tally.watch.bytes_in.get());
        let mut told = Told { delivery, contents: Contents::names_of(&head.headers) };
        told.ends(verdict, code, (status, None), tally.began());
        deliveries.note(told);
    }
}

fn describe(delivery: &mut WebhookDelivery, head: &Parts, bytes: u64) {
    delivery.method = head.method.as_str().to_owned();
    delivery.path = head.uri.path().chars().filter(|it| !it.is_control()).collect();
    let mut end = PATH_LEN_MAX.min(delivery.path.len());
    while !delivery.path.is_char_boundary(end) {
        end -= 1;
    }
    delivery.path.truncate(end);
    delivery.bytes = bytes;
}

fn concealed(description: &Description) -> Concealed {
    let (shown, body) = description.shows_secret_in();
    let headers = shown.into_iter().chain(SECRET_HEADERS).map(str::to_owned).collect();
    Concealed { headers, body }
}

/// The verdict of a delivery that was answered here.
pub(super) fn verdict_of(error: &InboundError) -> DeliveryVerdict {
    match error {
        InboundError::Undeliverable(_) => DeliveryVerdict::Failed,
        // Whoever forwards it now has it.
        InboundError::InFlight => DeliveryVerdict::Repeated,
        InboundError::NoSuchPath
        | InboundError::Method
        | InboundError::NoKeys
        | InboundError::NoTenant
        | InboundError::Host
        | InboundError::Framing
        | InboundError::Target
        | InboundError::TargetTooLong
        | InboundError::TooLarge { .. }
        | InboundError::Stalled
        | InboundError::BrokeOff
        | InboundError::Limited(_)
        | InboundError::Resolve(_)
        | InboundError::Vault(_)
        | InboundError::Refused { .. }
        | InboundError::NotKept(_) => DeliveryVerdict::Refused,
    }
}
