//! What is counted is what is rendered, within its bounds.
use super::*;
use crate::model::Code;
use crate::model::EventType;
use crate::telemetry::exchange::ErrorSource;
use std::collections::BTreeSet;
use std::time::Duration;

const STARTED: UnixTime = UnixTime::from_s(1_700_000_000);

const LABELS: ExchangeLabels<'_> = ExchangeLabels {
    plane: Plane::Proxy,
    connector: "github",
    status: 200,
    source: None,
    code: None,
};

const TIMING: Timing = Timing { total_us: 1_300, overhead_us: 20, upstream_us: 1_250 };

/// Every metric counted at least once.
fn busy() -> Arc<Metrics> {
    let metrics = Metrics::new(STARTED);
    let worker = metrics.worker();
    worker.exchange(&LABELS, &TIMING, 3, 5);
    let failed = ExchangeLabels {
        connector: "",
        status: 504,
        source: Some(ErrorSource::Upstream),
        code: Some(Code::UpstreamTimeout),
        ..LABELS
    };
    worker.exchange(&failed, &Timing { upstream_us: 0, ..TIMING }, 0, 0);
    worker.in_flight(1);
    worker.links_open(Listener::Proxy, 1);
    worker.pool(PoolEvent::Dialled);
    worker.pool(PoolEvent::IdleNow(4));
    worker.pool(PoolEvent::OpenNow(6));
    worker.auth_failure(AuthFailure::Missing);
    metrics.operator_failure(OperatorFailure::Limited);
    metrics.sign_in(SignInWay::Oidc, SignInOutcome::SignedIn);
    metrics.link_refused(Listener::Public, LinkRefusal::TooMany);
    metrics.limited(Limit::Bodies);
    metrics.queued(Limit::ConnectionConcurrency);
    metrics.circuits_open(2);
    metrics.circuit(CircuitEvent::Opened);
    metrics.bodies_held(512);
    metrics.retry(RetryReason::StaleLink, RetryOutcome::Sent);
    metrics.skewed();
    metrics.egress_refused("loopback");
    metrics.webhook_verdict("github-hooks", WebhookVerdict::Mismatch);
    metrics.replay_asked(ReplayAsk::First);
    metrics.replay_written(ReplayWrite::Late, 2);
    metrics.replay_written(ReplayWrite::Lost, 0);
    metrics.replay_waited(Duration::from_millis(250));
    metrics.delivery_recorded(DeliveryRecord::Kept, 3);
    metrics.store_reached(12, UnixTime::from_ms(1_700_000_001_500));
    metrics.store_skipped(1);
    metrics.store_unreadable(2);
    metrics.delivery(DeliveryOutcome::Delivered);
    metrics.store_reread(Reread::Replaced);
    metrics.looked_up(LookUp::Found);
    metrics.activations_kept(3);
    metrics.credentials_failing(1);
    metrics.renewal(RenewalOutcome::Token);
    metrics.revocation(RevocationOutcome::Revoked);
    metrics.connect_page(PageStatus::Led);
    metrics.connect_outcome(ConnectOutcome::Connected);
    metrics.certificates(1, 2);
    metrics.grants(GrantsNow { failing: 1, dead: 1, open: 1, late_ms: 1000 });
    metrics.audited(2);
    metrics.audit_broken();
    metrics.event(EventType::ConnectionFailing);
    metrics.reload(true, 2, UnixTime::from_ms(1_700_000_001_500));
    metrics.log_written(9);
    metrics.log_dropped(7);
    metrics.panicked();
    metrics
}

/// The sample's value, as text.
fn value<'t>(text: &'t str, series: &str) -> Option<&'t str> {
    text.lines().find_map(|it| it.strip_prefix(series)?.strip_prefix(' '))
}

#[test]
fn what_is_rendered_is_what_the_list_says() {
    let metrics = busy();
    let families = metrics.registry.gather();
    let rendered: BTreeSet<&str> = families.iter().map(|it| it.name()).collect();
    let listed: BTreeSet<&str> = list::ALL.iter().map(|it| it.name).collect();
    assert_eq!(rendered, listed);
    assert_eq!(listed.len(), list::ALL.len(), "a name is listed once");

    for definition in list::ALL {
        let family = families.iter().find(|it| it.name() == definition.name).unwrap();
        assert_eq!(family.help(), definition.help);
        let kind = format!("{:?}", family.get_field_type()).to_lowercase();
        assert_eq!(kind, format!("{:?}", definition.kind).to_lowercase(), "{}", definition.name);
        for metric in family.get_metric() {
            let mut labels: Vec<&str> = metric.get_label().iter().map(|it| it.name()).collect();
            let mut listed = definition.labels.to_vec();
            labels.sort_unstable();
            listed.sort_unstable();
            assert_eq!(labels, listed, "{}", definition.name);
        }
        assert!(definition.name.starts_with("attache_"));
        assert_eq!(definition.name.ends_with("_total"), definition.kind == list::Kind::Counter);
    }
}

#[test]
fn numbers_come_out_as_they_went_in() {
    let text = busy().render();
    for (series, expected) in [
        (r#"attache_requests_total{plane="proxy",connector="github",status="2xx"}"#, "1"),
        (r#"attache_requests_total{plane="proxy",connector="_none",status="5xx"}"#, "1"),
        (r#"attache_errors_total{plane="proxy",code="upstream_timeout",source="upstream"}"#, "1"),
        (r#"attache_bytes_total{plane="proxy",connector="github",direction="in"}"#, "3"),
        (r#"attache_bytes_total{plane="proxy",connector="github",direction="out"}"#, "5"),
        ("attache_requests_in_flight", "1"),
        (r#"attache_request_duration_seconds_bucket{plane="proxy",le="0.001"}"#, "0"),
        (r#"attache_request_duration_seconds_bucket{plane="proxy",le="0.0025"}"#, "2"),
        (r#"attache_request_duration_seconds_bucket{plane="proxy",le="+Inf"}"#, "2"),
        (r#"attache_request_duration_seconds_sum{plane="proxy"}"#, "0.0026"),
        (r#"attache_overhead_duration_seconds_bucket{plane="proxy",le="0.00001"}"#, "0"),
        (r#"attache_overhead_duration_seconds_bucket{plane="proxy",le="0.000025"}"#, "2"),
        (r#"attache_upstream_duration_seconds_count{plane="proxy",connector="github"}"#, "1"),
        (r#"attache_auth_failures_total{reason="missing"}"#, "1"),
        (r#"attache_connect_pages_total{status="3xx"}"#, "1"),
        (r#"attache_operator_failures_total{reason="limited"}"#, "1"),
        (r#"attache_operator_sign_ins_total{outcome="signed_in",way="oidc"}"#, "1"),
        (r#"attache_links_open{listener="proxy"}"#, "1"),
        (r#"attache_links_total{listener="proxy"}"#, "1"),
        (r#"attache_links_refused_total{listener="public",reason="too_many"}"#, "1"),
        (r#"attache_pool_events_total{event="dialled"}"#, "1"),
        ("attache_pool_idle_links", "4"),
        ("attache_pool_open_links", "6"),
        (r#"attache_limited_total{limit="bodies"}"#, "1"),
        (r#"attache_queued_total{limit="connection_concurrency"}"#, "1"),
        ("attache_circuits_open", "2"),
        (r#"attache_circuit_events_total{event="opened"}"#, "1"),
        ("attache_bodies_held_bytes", "512"),
        (r#"attache_retries_total{outcome="sent",reason="stale_link"}"#, "1"),
        (r#"attache_egress_refused_total{class="loopback"}"#, "1"),
        (r#"attache_webhook_verdicts_total{connection="github-hooks",verdict="mismatch"}"#, "1"),
        (r#"attache_webhook_replay_asks_total{outcome="first"}"#, "1"),
        (r#"attache_webhook_replay_writes_total{outcome="late"}"#, "2"),
        ("attache_webhook_replay_wait_seconds_total", "0.25"),
        (r#"attache_reloads_total{result="ok"}"#, "1"),
        (r#"attache_reloads_total{result="failed"}"#, "0"),
        ("attache_reload_generation", "2"),
        ("attache_reload_last_successful", "1"),
        ("attache_reload_last_success_timestamp_seconds", "1700000001.5"),
        ("attache_access_log_written_total", "9"),
        ("attache_access_log_dropped_total", "7"),
        ("attache_panics_total", "1"),
        ("attache_process_start_time_seconds", "1700000000"),
    ] {
        assert_eq!(value(&text, series), Some(expected), "{series} in\n{text}");
    }
    let none = r#"attache_upstream_duration_seconds_count{plane="proxy",connector="_none"}"#;
    assert_eq!(value(&text, none), None, "no upstream was asked");
}

#[test]
fn rendering_changes_nothing() {
    let metrics = busy();
    assert_eq!(metrics.render(), metrics.render());
}

#[test]
fn workers_add_up_and_what_they_counted_outlives_them() {
    let metrics = Metrics::new(STARTED);
    for idle in [2, 3] {
        let worker = metrics.worker();
        worker.exchange(&LABELS, &TIMING, 10, 0);
        worker.pool(PoolEvent::IdleNow(idle));
    }
    let text = metrics.render();
    let bytes = r#"attache_bytes_total{plane="proxy",connector="github",direction="in"}"#;
    assert_eq!(value(&text, bytes), Some("20"));
    assert_eq!(value(&text, "attache_pool_idle_links"), Some("5"));
}

#[test]
fn the_257th_connector_has_no_series_of_its_own() {
    let metrics = Metrics::new(STARTED);
    let (first, second) = (metrics.worker(), metrics.worker());
    for number in 0..300 {
        let connector = format!("c{number}");
        // The first worker meets them in order, the second only once all the places are taken.
        first.exchange(&ExchangeLabels { connector: &connector, ..LABELS }, &TIMING, 0, 0);
    }
    for connector in ["c299", "c0", "c299", "c255"] {
        second.exchange(&ExchangeLabels { connector, ..LABELS }, &TIMING, 0, 0);
    }

    let text = metrics.render();
    let requests: Vec<&str> =
        text.lines().filter(|it| it.starts_with("attache_requests_total{")).collect();
    assert_eq!(requests.len(), list::NAMES_MAX + 1);
    let series =
        |it| format!(r#"attache_requests_total{{plane="proxy",connector="{it}",status="2xx"}}"#);
    assert_eq!(value(&text, &series("_other")), Some("46"));
    assert_eq!(value(&text, &series("c0")), Some("2"));
    assert_eq!(value(&text, &series("c255")), Some("2"));
    assert_eq!(value(&text, &series("c256")), None);
}

#[test]
fn the_257th_webhook_connection_has_no_series_of_its_own() {
    let metrics = Metrics::new(STARTED);
    for number in 0..300 {
        metrics.webhook_verdict(&format!("c{number}"), WebhookVerdict::Delivered);
    }
    let text = metrics.render();
    let series = r#"attache_webhook_verdicts_total{connection="_other",verdict="delivered"}"#;
    assert_eq!(value(&text, series), Some("44"));
}

#[test]
fn no_metric_exceeds_the_series_that_its_definition_allows() {
    let metrics = busy();
    let worker = metrics.worker();
    for number in 0..300 {
        let name = format!("c{number}");
        for plane in Plane::ALL {
            for class in 1..=5 {
                let labels = ExchangeLabels {
                    plane: *plane,
                    connector: &name,
                    status: class * 100,
                    ..LABELS
                };
                worker.exchange(&labels, &TIMING, 0, 0);
            }
        }
        for verdict in WebhookVerdict::ALL {
            metrics.webhook_verdict(&name, *verdict);
        }
    }
    for code in Code::ALL {
        for source in ErrorSource::ALL {
            let labels = ExchangeLabels {
                code: Some(*code),
                source: Some(*source),
                connector: "",
                ..LABELS
            };
            worker.exchange(&labels, &TIMING, 0, 0);
        }
    }
    for family in metrics.registry.gather() {
        let listed = list::ALL.iter().find(|it| it.name == family.name()).unwrap();
        assert!(family.get_metric().len() <= listed.series_max, "{}", listed.name);
    }
}

#[test]
fn a_failed_reload_leaves_generation_and_time_alone() {
    let metrics = busy();
    metrics.reload(false, 3, UnixTime::from_s(1_800_000_000));
    let text = metrics.render();
    assert_eq!(value(&text, "attache_reload_generation"), Some("2"));
    assert_eq!(value(&text, "attache_reload_last_successful"), Some("0"));
    assert_eq!(value(&text, "attache_reload_last_success_timestamp_seconds"), Some("1700000001.5"));
}

#[test]
fn a_status_outside_http_counts_in_the_nearest_class() {
    let metrics = Metrics::new(STARTED);
    let worker = metrics.worker();
    for status in [0, 999] {
        worker.exchange(&ExchangeLabels { status, ..LABELS }, &TIMING, 0, 0);
    }
    let text = metrics.render();
    for class in ["1xx", "5xx"] {
        let series = format!(
            r#"attache_requests_total{{plane="proxy",connector="github",status="{class}"}}"#
        );
        assert_eq!(value(&text, &series), Some("1"));
    }
}
