//! The codes of the answers that attache makes itself.

macro_rules! codes {
    ($($variant:ident $text:literal $status:literal $title:literal;)*) => {
        /// What an answer of attache's own says (docs/contract.md §4): a stable word for programs.
        ///
        /// A closed set: a new way to answer gets a name, a status and a title here before it can
        /// be returned.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($variant,)*
        }

        impl Code {
            pub const ALL: &[Code] = &[$(Code::$variant,)*];

            /// The value of `Attache-Error` and of the problem's `code`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The HTTP status (RFC 9110 §15).
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// One line for people, the same for every occurrence (RFC 9457 §3.1.4).
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

codes! {
    BadRequest "bad_request" 400 "The request can't be understood";
    MethodNotAllowed "method_not_allowed" 405 "This method is not served here";
    BodyTooLarge "body_too_large" 413 "The body is over the limit";
    TargetTooLong "target_too_long" 414 "The request target is over the limit";
    HeadersTooLarge "headers_too_large" 431 "The request head is over the limit";
    Internal "internal" 500 "A fault in attache";
    NotFound "not_found" 404 "There is nothing at this path";
    Untagged "untagged" 400 "The request names no connection";
    AmbiguousTags "ambiguous_tags" 400 "The request's tags disagree";
    InvalidTag "invalid_tag" 400 "A tag of the request is malformed";
    TenantRequired "tenant_required" 400 "This connection needs a tenant";
    PathEscapesBase "path_escapes_base" 400 "The path would leave the base URL";
    CallerUnauthenticated "caller_unauthenticated" 401 "The caller key is missing or unknown";
    CallerForbidden "caller_forbidden" 403 "This caller may not do this";
    OperatorUnauthenticated "operator_unauthenticated" 401 "The admin token is missing or wrong";
    OperatorForbidden "operator_forbidden" 403 "This token's role does not allow it";
    Invalid "invalid" 422 "What was sent is not sound";
    UnsupportedMediaType "unsupported_media_type" 415 "The body is not of a type that is read here";
    PreconditionFailed "precondition_failed" 412 "It has changed meanwhile";
    AlreadyExists "already_exists" 409 "There is one with this key";
    DeclaredInFile "declared_in_file" 409 "A configuration file declares this";
    InUse "in_use" 409 "It is in use";
    ConfirmationRequired "confirmation_required" 409 "This has to be confirmed";
    OriginChanged "origin_changed" 409 "Credentials would go elsewhere";
    IdempotencyKeyReused "idempotency_key_reused" 422 "The idempotency key belongs to another request";
    IdempotencyInProgress "idempotency_in_progress" 409 "The first request with this idempotency key is being answered";
    IdempotencyAnswerLost "idempotency_answer_lost" 409 "It was done under this idempotency key, and the answer was lost";
    EventsForgotten "events_forgotten" 410 "Some of these events are not kept any more";
    ConnectSessionInUse "connect_session_in_use" 409 "Another browser connects by this link";
    ConnectOtherBrowser "connect_other_browser" 403 "This began in another browser";
    ConnectSessionOver "connect_session_over" 410 "This link is not good any more";
    ConnectMisconfigured "connect_misconfigured" 424 "The connection has to be mended first";
    ConsentUnknown "consent_unknown" 404 "No consent is waited for that this belongs to";
    CredentialRefused "credential_refused" 422 "The API does not take this credential";
    ScopesMissing "scopes_missing" 424 "Less was granted than is needed";
    AccountDiffers "account_differs" 409 "It is another account than before";
    NoStore "no_store" 409 "This gateway has no store";
    StoreUnavailable "store_unavailable" 503 "The store can't be reached or written to";
    TooMuchAtOnce "too_much_at_once" 503 "It takes longer than it may";
    StoreFull "store_full" 507 "The store has no room left";
    ConnectionNotFound "connection_not_found" 404 "No such connection";
    EnvironmentNotFound "environment_not_found" 404 "No such environment";
    ConnectorNotAssigned "connector_not_assigned" 404 "The environment assigns no connection to this connector";
    ActivationNotFound "activation_not_found" 404 "The tenant has no activation";
    EmbeddedNotActivated "embedded_not_activated" 409 "No tenant has activated this connection yet";
    ConnectionDisabled "connection_disabled" 403 "The connection is switched off";
    BaseUrlForbidden "base_url_forbidden" 403 "The connection does not allow this base URL";
    DestinationForbidden "destination_forbidden" 403 "The egress guard refuses the destination's address";
    ReauthorizationRequired "reauthorization_required" 424 "A person has to connect this account again";
    CredentialUnavailable "credential_unavailable" 503 "No live credential right now";
    BodyTooLargeToSign "body_too_large_to_sign" 413 "The body is too large to be signed";
    RateLimited "rate_limited" 429 "Too many requests";
    Overloaded "overloaded" 503 "attache holds as much as it may";
    UpstreamConnect "upstream_connect" 502 "The upstream can't be reached";
    UpstreamTls "upstream_tls" 502 "No trusted TLS session with the upstream";
    UpstreamProtocol "upstream_protocol" 502 "The upstream's answer is not HTTP, or was cut short";
    CircuitOpen "circuit_open" 503 "The upstream is failing and gets a pause";
    UpstreamTimeout "upstream_timeout" 504 "The upstream did not answer in time";
    WebhookUnsigned "webhook_unsigned" 401 "webhook_unsigned";
    WebhookBadSignature "webhook_bad_signature" 401 "webhook_bad_signature";
    WebhookStale "webhook_stale" 401 "webhook_stale";
    WebhookInFlight "webhook_in_flight" 503 "This delivery is being forwarded right now";
    WebhookUndeliverable "webhook_undeliverable" 502 "The target did not take the delivery";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_said_once_and_its_status_is_an_error() {
        let mut texts: Vec<_> = Code::ALL.iter().map(|it| it.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|it| (400..600).contains(&it.status())));
    }
}
