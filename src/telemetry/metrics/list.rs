//! Every metric: name, kind, labels, the most series it can have, and what it counts.

/// How many connectors, and how many webhook connections, have series of their own. Later ones are
/// counted together under [`OTHER`].
pub const NAMES_MAX: usize = 256;

/// The label of whatever is over a bound. No stable key begins with `_`.
pub const OTHER: &str = "_other";

/// The connector label of a request that was refused before its connector was known.
pub const NONE: &str = "_none";

/// Values of a label whose set the program closes, but not this room (`class`).
pub const CLASSES_MAX: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    /// With [`BUCKETS`](super::histogram::BUCKETS) bounds: as many series again per combination.
    Histogram,
}

/// One metric as it is rendered. The unit is the name's last word, before `total`.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    /// The most combinations of label values: fixed by closed sets and by [`NAMES_MAX`].
    pub series_max: usize,
    pub help: &'static str,
}

macro_rules! metrics {
    ($($constant:ident $name:literal $kind:ident [$($label:literal),*] $max:expr, $help:literal;)*) => {
        $(pub const $constant: Definition = Definition {
            name: $name,
            kind: Kind::$kind,
            labels: &[$($label),*],
            series_max: $max,
            help: $help,
        };)*

        pub const ALL: &[Definition] = &[$($constant,)*];
    };
}

/// Own series of each name, `_other` and `_none`.
const CONNECTORS: usize = NAMES_MAX + 2;
const PLANES: usize = super::labels::Plane::ALL.len();
const LISTENERS: usize = super::labels::Listener::ALL.len();
const SOURCES: usize = crate::telemetry::exchange::ErrorSource::ALL.len();
const CODES: usize = crate::model::Code::ALL.len();
const EVENT_TYPES: usize = crate::model::EventType::ALL.len();

metrics! {
    REQUESTS "attache_requests_total" Counter ["plane", "connector", "status"] PLANES * CONNECTORS * 5,
        "Exchanges, by the class of the status sent back (1xx to 5xx).";
    ERRORS "attache_errors_total" Counter ["plane", "code", "source"] PLANES * CODES * SOURCES,
        "Answers that attache made itself, by error code and by whose fault it was.";
    BYTES "attache_bytes_total" Counter ["plane", "connector", "direction"] PLANES * CONNECTORS * 2,
        "Body bytes: `in` from whoever asked, `out` back to them.";
    IN_FLIGHT "attache_requests_in_flight" Gauge [] 1,
        "Exchanges that are under way.";
    DURATION "attache_request_duration_seconds" Histogram ["plane"] PLANES,
        "From the request head's arrival to the end of the response.";
    OVERHEAD "attache_overhead_duration_seconds" Histogram ["plane"] PLANES,
        "The part of an exchange that is attache's own work.";
    UPSTREAM "attache_upstream_duration_seconds" Histogram ["plane", "connector"] PLANES * CONNECTORS,
        "The part of an exchange that was spent on its upstream, dialling included.";
    AUTH_FAILURES "attache_auth_failures_total" Counter ["reason"] super::labels::AuthFailure::ALL.len(),
        "Callers that were turned away.";
    OPERATOR_FAILURES "attache_operator_failures_total" Counter ["reason"] super::labels::OperatorFailure::ALL.len(),
        "Calls of the admin API that were turned away: no or wrong token, role, too many wrong ones.";
    SIGN_INS "attache_operator_sign_ins_total" Counter ["way", "outcome"] super::labels::SignInWay::ALL.len() * super::labels::SignInOutcome::ALL.len(),
        "Sign-ins to the console, by what with and by what came of them.";
    LINKS_OPEN "attache_links_open" Gauge ["listener"] LISTENERS,
        "Open client links.";
    LINKS "attache_links_total" Counter ["listener"] LISTENERS,
        "Client links accepted.";
    LINKS_REFUSED "attache_links_refused_total" Counter ["listener", "reason"] LISTENERS * super::labels::LinkRefusal::ALL.len(),
        "Client links that were not accepted, or that attache ended outside of any exchange.";
    POOL_EVENTS "attache_pool_events_total" Counter ["event"] super::labels::POOL_EVENTS.len(),
        "What happened to upstream links.";
    POOL_IDLE "attache_pool_idle_links" Gauge [] 1,
        "Upstream links kept open for the next request.";
    POOL_OPEN "attache_pool_open_links" Gauge [] 1,
        "Upstream links that are open, in use or idle.";
    LIMITED "attache_limited_total" Counter ["limit"] super::labels::Limit::ALL.len(),
        "Requests and deliveries that a limit of attache's own refused.";
    QUEUED "attache_queued_total" Counter ["limit"] super::labels::Limit::ALL.len(),
        "Requests that had to wait for a place under a limit.";
    CIRCUITS_OPEN "attache_circuits_open" Gauge [] 1,
        "Upstreams that get a pause because they fail again and again.";
    CIRCUIT_EVENTS "attache_circuit_events_total" Counter ["event"] super::labels::CircuitEvent::ALL.len(),
        "Circuits of upstreams that opened, and that closed again.";
    BODIES_HELD "attache_bodies_held_bytes" Gauge [] 1,
        "Bodies that are held in memory (`server.memory.bodies` bounds them).";
    RETRIES "attache_retries_total" Counter ["reason", "outcome"] super::labels::RetryReason::ALL.len() * super::labels::RetryOutcome::ALL.len(),
        "Requests that were sent again, or might have been, by why and by what came of it.";
    SKEWED "attache_upstream_skewed_refusals_total" Counter [] 1,
        "Signed requests that an upstream refused whose clock is more than a minute from ours.";
    EGRESS_REFUSED "attache_egress_refused_total" Counter ["class"] CLASSES_MAX + 1,
        "Dials that the egress guard refused, by the class of the address.";
    WEBHOOK_VERDICTS "attache_webhook_verdicts_total" Counter ["connection", "verdict"] (NAMES_MAX + 1) * super::labels::WebhookVerdict::ALL.len(),
        "Deliveries, by what became of them.";
    REPLAY_ASKS "attache_webhook_replay_asks_total" Counter ["outcome"] super::labels::ReplayAsk::ALL.len(),
        "Deliveries that the store was asked about before they were forwarded, by what it said.";
    REPLAY_WRITES "attache_webhook_replay_writes_total" Counter ["outcome"] super::labels::ReplayWrite::ALL.len(),
        "Accepted deliveries that the store was told of, by whether it knows of them.";
    REPLAY_WAIT "attache_webhook_replay_wait_seconds_total" Counter [] 1,
        "Time that deliveries waited for the store, to be claimed and to be remembered.";
    DELIVERY_RECORDS "attache_webhook_delivery_records_total" Counter ["outcome"] super::labels::DeliveryRecord::ALL.len(),
        "Records of deliveries for people to look at, by whether they are kept.";
    STORE_UP "attache_store_up" Gauge [] 1,
        "1 while the store is reached, 0 while it is not or where there is none.";
    STORE_CONTACT "attache_store_last_contact_timestamp_seconds" Gauge [] 1,
        "When the store last answered.";
    STORE_POSITION "attache_store_feed_position" Gauge [] 1,
        "The last of the store's changes that is served here.";
    STORE_SKIPPED "attache_store_skipped" Gauge [] 1,
        "Stored definitions that are not served, or not whole, since something is wrong with them; the log says what.";
    STORE_UNREADABLE "attache_store_unreadable_total" Counter [] 1,
        "Stored rows that did not read when the API was to show them; the log says which.";
    STORE_REREADS "attache_store_rereads_total" Counter ["reason"] super::labels::Reread::ALL.len(),
        "How often everything was read from the store again, since its changes could not be followed.";
    LOOK_UPS "attache_store_lookups_total" Counter ["outcome"] super::labels::LookUp::ALL.len(),
        "Activations looked up in the store because they were not in memory.";
    ACTIVATIONS_KEPT "attache_activations_cached" Gauge [] 1,
        "Stored activations that are in memory.";
    CREDENTIALS_FAILING "attache_credentials_failing" Gauge [] 1,
        "Credentials that their upstreams refuse again and again, of all replicas.";
    CONNECT_PAGES "attache_connect_pages_total" Counter ["status"] super::labels::PageStatus::ALL.len(),
        "Visits of the pages that customers connect their accounts on, by the class of the status sent back.";
    RENEWALS "attache_token_renewals_total" Counter ["outcome"] super::labels::RenewalOutcome::ALL.len(),
        "Token requests and session logins, by what came of them.";
    REVOCATIONS "attache_token_revocations_total" Counter ["outcome"] super::labels::RevocationOutcome::ALL.len(),
        "Tokens that providers were to end, of grants that were revoked and of what was deleted, by what came of them.";
    CONNECT_OUTCOMES "attache_connect_outcomes_total" Counter ["outcome"] super::labels::ConnectOutcome::ALL.len(),
        "Connections of connect sessions, by what came of them.";
    CERTIFICATES_ENDED "attache_client_certificates_ended" Gauge [] 1,
        "Certificates for upstreams whose time is over, of connections and of activations in files.";
    CERTIFICATES_ENDING "attache_client_certificates_ending" Gauge [] 1,
        "Certificates for upstreams that end within 30 days, of connections and of activations in files.";
    GRANTS_FAILING "attache_grants_failing" Gauge [] 1,
        "Stored grants that no new token was had for lately, of all replicas.";
    GRANTS_DEAD "attache_grants_reauthorization_required" Gauge [] 1,
        "Stored grants that a person has to authorize again, of all replicas.";
    GRANTS_OPEN "attache_grants_open" Gauge [] 1,
        "Stored grants with a token request of which nobody knows yet what came of it, of all replicas.";
    GRANTS_LATE "attache_grants_late_seconds" Gauge [] 1,
        "For how long the earliest stored grant that is due has been; 0 where none is.";
    AUDIT_ENTRIES "attache_audit_entries_total" Counter [] 1,
        "Entries of the audit trail that were made here.";
    AUDIT_BREAKS "attache_audit_breaks_total" Counter [] 1,
        "How often the end of the audit trail was found not as attache left it.";
    EVENTS "attache_events_total" Counter ["type"] EVENT_TYPES,
        "Events that were told here.";
    DELIVERIES "attache_event_deliveries_total" Counter ["outcome"] super::labels::DeliveryOutcome::ALL.len(),
        "Attempts to send an event to a subscription, by what came of them.";
    DELIVERIES_PENDING "attache_event_deliveries_pending" Gauge [] 1,
        "Events that are still to be sent to subscriptions that are on, by all replicas together.";
    SUBSCRIPTIONS_FAILING "attache_event_subscriptions_failing" Gauge [] 1,
        "Subscriptions that are on, and whose last delivery came to nothing.";
    RELOADS "attache_reloads_total" Counter ["result"] 2,
        "Attempts to load a changed configuration.";
    GENERATION "attache_reload_generation" Gauge [] 1,
        "The number of the configuration in use: one more with each successful reload.";
    RELOAD_OK "attache_reload_last_successful" Gauge [] 1,
        "1 where the last attempt succeeded, 0 where the last good configuration was kept.";
    RELOADED_AT "attache_reload_last_success_timestamp_seconds" Gauge [] 1,
        "When the configuration in use was loaded.";
    SEALING_KEYS_OK "attache_sealing_keys_last_successful" Gauge [] 1,
        "0 where the sealing keys could not be read the last time, and the loaded ones are kept; else 1.";
    LOG_WRITTEN "attache_access_log_written_total" Counter [] 1,
        "Access log records handed to the operating system.";
    LOG_DROPPED "attache_access_log_dropped_total" Counter [] 1,
        "Access log records lost because the log's target was too slow or failed.";
    EVENTS_DROPPED "attache_log_dropped_total" Counter [] 1,
        "Lines of attache's own log lost because its target was too slow.";
    PANICS "attache_panics_total" Counter [] 1,
        "Faults in attache that ended one exchange or task.";
    BUILD "attache_build_info" Gauge ["version"] 1,
        "Always 1; the labels say which build this is.";
    STARTED "attache_process_start_time_seconds" Gauge [] 1,
        "When the process began.";
}
