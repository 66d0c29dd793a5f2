//! The closed sets of label values.

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident $text:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    )*};
}

labels! {
    /// Which way an exchange went: out to a third party, or in as a webhook.
    Plane { Proxy "proxy", Hooks "hooks" }

    Listener { Proxy "proxy", Admin "admin", Public "public" }

    /// Why a caller was turned away.
    AuthFailure {
        /// No caller key at all.
        Missing "missing",
        /// More than one, or one that can't be a key.
        Malformed "malformed",
        Unknown "unknown",
        /// A known caller that may not do this.
        Forbidden "forbidden",
    }

    /// Why an operator was turned away.
    OperatorFailure {
        /// No token, or a wrong one.
        Unauthenticated "unauthenticated",
        /// Its role does not allow this.
        Forbidden "forbidden",
        /// Too many wrong tokens came from its address, so it was not heard.
        Limited "limited",
    }

    /// What an operator signs in to the console with.
    SignInWay {
        Token "token",
        /// An identity provider's word.
        Oidc "oidc",
    }

    /// What came of a sign-in.
    SignInOutcome {
        SignedIn "signed_in",
        /// Whoever it was is nobody's operator, or did not come from a page of ours.
        Refused "refused",
        /// Too many failed from its address, so it was not heard.
        Limited "limited",
        /// The store, or the identity provider, could not be asked, or answered what it should not have.
        Failed "failed",
    }

    /// What a page that customers connect their accounts on was answered with.
    PageStatus { Shown "2xx", Led "3xx", Refused "4xx", Failed "5xx" }

    /// Why a client link was not accepted, or was ended outside of any exchange.
    LinkRefusal {
        /// The listener has as many as it may.
        TooMany "too_many",
        /// The process is out of file descriptors or memory: accepting pauses.
        Exhausted "exhausted",
        /// The handshake failed.
        Tls "tls",
        /// The handshake or a request's head took longer than `limits.head_timeout`.
        HeadTimeout "head_timeout",
        /// Nothing was asked for `limits.idle_timeout`.
        Idle "idle",
        /// A head over `limits.max_head`, or a target over what HTTP is read with.
        HeadTooLarge "head_too_large",
        /// The bytes are not HTTP.
        Malformed "malformed",
        /// More HTTP/2 frames or resets than any caller needs.
        Flood "flood",
    }

    /// A limit of attache's own that a request or a delivery was refused by.
    Limit {
        /// `callers.*.rate`.
        CallerRate "caller_rate",
        /// `connections.*.rate`.
        ConnectionRate "connection_rate",
        /// `connections.*.tenant_rate`.
        TenantRate "tenant_rate",
        /// `connections.*.concurrency`.
        ConnectionConcurrency "connection_concurrency",
        /// `upstream.concurrency`.
        OriginConcurrency "origin_concurrency",
        /// `upstream.links`.
        UpstreamLinks "upstream_links",
        /// `upstream.circuit`.
        Circuit "circuit",
        /// `server.memory.bodies`.
        Bodies "bodies",
        /// Deliveries to tenants that are not there, by one address.
        LookUps "look_ups",
    }

    /// Why a request was sent again, or might have been.
    RetryReason {
        /// The pooled link turned out to be dead.
        StaleLink "stale_link",
        /// The upstream has not looked at the request.
        Declined "declined",
        /// The upstream could not be reached.
        Connect "connect",
        /// The link ended without an answer.
        Closed "closed",
        TooManyRequests "429",
        BadGateway "502",
        ServiceUnavailable "503",
        GatewayTimeout "504",
        /// The API did not take the token.
        TokenRefused "token_refused",
        /// The API wants its nonce in the proof that goes with the token.
        DpopNonce "dpop_nonce",
        Challenge "challenge",
    }

    /// What came of an attempt to send an event to a subscription.
    DeliveryOutcome {
        Delivered "delivered",
        /// It is tried again later.
        Retried "retried",
        /// It was given up.
        Failed "failed",
    }

    /// What came of it.
    RetryOutcome {
        /// It was sent again.
        Sent "sent",
        /// It was sent again, and what was answered then is no reason to retry.
        Recovered "recovered",
        /// No more retries were allowed.
        UsedUp "used_up",
        /// Sending it twice might do harm, or its body could not be given again.
        NotRepeatable "not_repeatable",
        /// The deadline or the cap is sooner than the time to come again.
        TooLate "too_late",
        /// Retries have had their share of the traffic.
        OverBudget "over_budget",
        /// The upstream fails again and again, and is left alone.
        CircuitOpen "circuit_open",
    }

    /// What came of looking up a tenant's activation in the store.
    LookUp {
        Found "found",
        /// There is none.
        Missing "missing",
        /// It does not open, or is not sound; the log says which.
        Damaged "damaged",
        /// The store was not reached, or did not answer in time.
        Unreachable "unreachable",
        /// Too many were under way.
        Refused "refused",
    }

    /// What came of a token request.
    RenewalOutcome {
        Token "token",
        /// The provider, or the way there, failed: it passes by itself.
        Provider "provider",
        /// The settings or the app's own credentials are wrong.
        Operator "operator",
        /// The grant is dead.
        Dead "reauthorization_required",
        /// The grant is dead: an answer was lost in a crash or on the way, and with it the only token.
        Lost "lost",
        /// None was sent: another replica, or an earlier life of this one, had kept a token.
        Kept "kept",
    }

    /// What came of having a provider end tokens.
    RevocationOutcome {
        Revoked "revoked",
        /// It was reached, and has not.
        Refused "refused",
        /// It was not reached, or is not well.
        Provider "provider",
        /// The settings or the app's own credentials are wrong.
        Operator "operator",
        /// It has nothing of the kind.
        Unsupported "unsupported",
    }

    /// What came of a connection of a connect session.
    ConnectOutcome {
        Connected "connected",
        ConsentDenied "consent_denied",
        ScopesMissing "scopes_missing",
        AccountDiffers "account_differs",
        CredentialRefused "credential_refused",
        ProviderUnavailable "provider_unavailable",
        ProviderError "provider_error",
        IssuerMismatch "issuer_mismatch",
        ConnectionGone "connection_gone",
        TenantGone "tenant_gone",
        Misconfigured "misconfigured",
        SessionExpired "session_expired",
        ConsentExpired "consent_expired",
    }

    /// Why everything was read from the store again.
    Reread {
        /// Changes are missing that were not taken up: the gateway was away for long.
        Forgotten "forgotten",
        /// A change does not read, or is of a kind that this attache does not know.
        Unreadable "unreadable",
        /// It is not the database that it was, as after a backup was restored.
        Replaced "replaced",
        /// A fault in attache, while it followed the changes: the log says more.
        Fault "fault",
    }

    /// What happened to an upstream's circuit.
    CircuitEvent { Opened "opened", Closed "closed" }

    /// What became of a delivery.
    WebhookVerdict {
        /// Verified, and its target took it.
        Delivered "delivered",
        /// Verified, and delivered before: answered, not forwarded.
        Repeated "repeated",
        /// Verified, while the same delivery is being forwarded.
        InFlight "in_flight",
        /// Verified, but its target did not take it.
        Undeliverable "undeliverable",
        /// No signature where one is due.
        Missing "missing",
        /// A signature that can't be read.
        Malformed "malformed",
        /// Signed too long ago, or in the future.
        Stale "stale",
        /// Not made by whoever has the secret.
        Mismatch "mismatch",
        /// Its sender's public keys could not be had, so that it could not be verified.
        KeysUnavailable "keys_unavailable",
        /// None: a sender that sets itself up was answered.
        Handshake "handshake",
        /// Refused before its signature was looked at: too large, no such connection.
        Refused "refused",
    }

    /// What the store said of a delivery that is to be forwarded.
    ReplayAsk {
        /// Nobody has it.
        First "first",
        /// Another replica forwards it.
        InFlight "in_flight",
        /// It was accepted before.
        Repeat "repeat",
        /// Nothing, or not in time: what the process remembers had to do.
        Unanswered "unanswered",
    }

    /// What became of the record of a delivery.
    DeliveryRecord {
        Kept "kept",
        /// Too many waited to be written.
        Dropped "dropped",
        /// Nothing was verified, and as many of its connection as may be are kept of this minute already.
        LeftOut "left_out",
        /// The store did not take it.
        Lost "lost",
    }

    /// What became of the word that a delivery was accepted.
    ReplayWrite {
        /// It was in the store before its sender was answered.
        Written "written",
        /// It came there later.
        Late "late",
        /// It never did: too many waited, or the store refused it.
        Lost "lost",
    }
}

/// Something that happened to a worker's pool of upstream links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolEvent {
    /// A new link was to be opened.
    Dialled,
    /// A request went over a link that was kept.
    Reused,
    /// A kept link turned out dead when it was needed.
    Stale,
    /// An upstream left a link, or refused a stream on it, before it looked at a request.
    Declined,
    /// A kept link was closed for its age, idleness or number.
    Retired,
    /// A link could not be opened.
    Failed,
    /// So many links are idle in this worker's pool now.
    IdleNow(i64),
    /// So many links are open, idle or not.
    OpenNow(i64),
}

/// The labels of the [`PoolEvent`]s that are counted, in their order.
pub(super) const POOL_EVENTS: [&str; 6] =
    ["dialled", "reused", "stale", "declined", "retired", "failed"];
