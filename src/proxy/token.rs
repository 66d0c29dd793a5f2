//! An exchange's credential: what the snapshot holds ready, or a token, which may have to be had first.
use super::Proxy;
use super::error::ProxyError;
use super::tally::Tally;
use crate::auth::Prepared;
use crate::catalog::Connection;
use crate::catalog::Ready;
use crate::catalog::Token;
use crate::catalog::TokenHolder;
use crate::grant::Binding;
use crate::model::TenantId;
use crate::renewal;
use crate::renewal::Asked;
use crate::renewal::Landed;
use crate::renewal::RenewalError;
use crate::renewal::Wanted;
use crate::resolve::Puts;
use crate::resolve::ResolveError;
use crate::resolve::Target;
use crate::resolve::Whose;
use crate::server::OnExpiry;
use crate::server::Watch;
use http::HeaderValue;
use http::Method;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;
use tokio::sync::watch;

/// A credential for as long as an exchange lasts.
pub(super) enum Held<'s> {
    Prepared(&'s Prepared),
    Token(Arc<Token>),
}

impl Held<'_> {
    pub(super) fn prepared(&self) -> &Prepared {
        match self {
            Self::Prepared(prepared) => prepared,
            Self::Token(token) => &token.prepared,
        }
    }
}

impl Proxy {
    /// The proof of one attempt, where the token is bound to a key.
    pub(super) fn proof(
        &self,
        held: &Held<'_>,
        target: &Target<'_>,
        method: &Method,
        path: &str,
    ) -> Option<HeaderValue> {
        let Held::Token(token) = held else { return None };
        let binding = token.binding.as_ref()?;
        self.proven(binding, target, method, path)
    }

    #[cold]
    fn proven(
        &self,
        binding: &Binding,
        target: &Target<'_>,
        method: &Method,
        path: &str,
    ) -> Option<HeaderValue> {
        let Puts::Token(holder) = target.puts else { return None };
        let origin = target.base.origin();
        let nonce = holder.nonces.of(origin);
        let random = u128::from(self.ids.random()) << 64 | u128::from(self.ids.random());
        let url = format!("{origin}{path}");
        binding.proof(method, &url, (self.clock)(), random.to_be_bytes(), nonce.as_deref())
    }

    /// The credential, where it is at hand.
    pub(super) fn held<'s>(
        &self,
        target: &Target<'s>,
        tally: &Tally,
    ) -> Result<Option<Held<'s>>, ResolveError> {
        let holder = match target.puts {
            Puts::Prepared(prepared) => return Ok(Some(Held::Prepared(prepared))),
            Puts::Token(_) if target.force_refresh => return Ok(None),
            Puts::Token(holder) => holder,
        };
        let token = holder.token(tally.record.started, tally.began());
        token.map(|it| go_on(it, target, &target.path)).transpose()
    }

    /// The same, where a token has to be had first: one request for it, whoever waits, and no longer than
    /// the exchange may take.
    #[cold]
    pub(super) async fn had(
        &self,
        target: &Target<'_>,
        watch: &Watch,
        tally: &mut Tally,
    ) -> Result<Arc<Token>, ProxyError> {
        let Some(wanted) = wanted(target) else { return Err(RenewalError::TooLong.into()) };
        self.landed(wanted, target.force_refresh, watch, tally).await
    }

    /// Has the token that says where requests go.
    #[cold]
    pub(super) async fn led(
        &self,
        whose: &Whose<'_>,
        watch: &Watch,
        tally: &mut Tally,
    ) -> Result<(), ProxyError> {
        let record = &mut tally.record;
        record.connection = Some(whose.connection.key.clone());
        record.connector = Some(whose.connection.connector.clone());
        record.tenant = whose.tenant.clone();
        let Ready::Token(holder) = &whose.holder.ready else {
            return Err(ResolveError::Unled.into());
        };
        let tenant = whose.tenant.as_ref();
        let wanted = of_holder(whose.connection, tenant, whose.test, holder);
        self.landed(wanted, false, watch, tally).await.map(drop)
    }

    async fn landed(
        &self,
        wanted: Wanted<'_>,
        is_forced: bool,
        watch: &Watch,
        tally: &mut Tally,
    ) -> Result<Arc<Token>, ProxyError> {
        match self.renewals.ask(wanted, is_forced, (self.clock)(), Instant::now())? {
            Asked::Token(token) => Ok(token),
            Asked::Flight(flight) => {
                watch.arm(renewal::WAIT, OnExpiry::Answer);
                Ok(landing(flight, watch, tally).await?)
            }
        }
    }
}

/// Waits for what comes of a token request, until the watch's deadline.
pub(super) async fn landing(
    mut flight: watch::Receiver<Option<Landed>>,
    watch: &Watch,
    tally: &mut Tally,
) -> Landed {
    let began = Instant::now();
    let mut landing = pin!(flight.wait_for(Option::is_some));
    let landed = poll_fn(|cx| match landing.as_mut().poll(cx) {
        Poll::Ready(landed) => Poll::Ready(landed.ok().and_then(|it| it.clone())),
        Poll::Pending if watch.poll_expired(cx) => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await;
    tally.waited_for_credential(began.elapsed());
    landed.unwrap_or(Err(RenewalError::TooLong))
}

/// A token that is about to go on a request for this path: never to where tokens come from, nor to where another
/// token's answer led.
pub(super) fn go_on<'s>(
    token: Arc<Token>,
    target: &Target<'s>,
    path: &str,
) -> Result<Held<'s>, ResolveError> {
    if target.kept.as_ref().is_some_and(|it| *it != token.kept) {
        return Err(ResolveError::Unled);
    }
    if token.guards(target.base.origin(), path) {
        return Err(ResolveError::TokenEndpoint);
    }
    token.used();
    Ok(Held::Token(token))
}

pub(super) fn wanted<'t>(target: &'t Target<'_>) -> Option<Wanted<'t>> {
    let Puts::Token(holder) = target.puts else { return None };
    Some(of_holder(target.connection, target.tenant.as_ref(), target.test, holder))
}

fn of_holder<'t>(
    connection: &'t Connection,
    tenant: Option<&'t TenantId>,
    is_test: bool,
    holder: &'t Arc<TokenHolder>,
) -> Wanted<'t> {
    let is_embedded = connection.supplied_by.is_some();
    Wanted { connection, tenant: tenant.filter(|_| is_embedded && !is_test), is_test, holder }
}
