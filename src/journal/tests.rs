//! Records from the pen to the file.
use super::batch::RECORDS_MAX;
use super::*;
use crate::model::Code;
use crate::model::Key;
use crate::model::TenantId;
use crate::model::UnixTime;
use crate::telemetry::ErrorSource;
use crate::telemetry::Exchange;
use crate::telemetry::Ids;
use crate::telemetry::Times;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Version;
use serde_json::Value;
use serde_json::json;
use std::path::Path;
use std::path::PathBuf;

const LONG_ENOUGH: Duration = Duration::from_secs(20);

fn key(text: &str) -> Option<Key> {
    Some(Key::try_from(text).unwrap())
}

fn exchange() -> Exchange {
    let id = HeaderMap::from_iter([(
        http::HeaderName::from_static("attache-request-id"),
        HeaderValue::from_static("id-1"),
    )]);
    Exchange {
        started: UnixTime::from_ms(1_700_000_000_007),
        request_id: Ids::new(1).request_id(&id, UnixTime::from_s(0)),
        caller: key("runtime"),
        tenant: Some(TenantId::try_from("acme").unwrap()),
        connector: key("github"),
        connection: key("github-prod"),
        environment: None,
        method: Method::GET,
        status: 504,
        upstream_status: None,
        source: Some(ErrorSource::Upstream),
        code: Some(Code::UpstreamTimeout),
        bytes_in: 3,
        bytes_out: 5,
        attempts: 2,
        http_in: Version::HTTP_11,
        http_out: Some(Version::HTTP_2),
        times: Times { total_us: 1_250, overhead_us: 20, ..Times::default() },
    }
}

fn start(
    target: Target,
    format: Format,
    metrics: &Arc<Metrics>,
) -> Result<Arc<Journal>, JournalError> {
    let keeping = Keeping { recent: 0, clock: || UnixTime::from_s(1_700_000_000) };
    Journal::start((target, format), keeping, Arc::clone(metrics))
}

struct Folder {
    folder: tempfile::TempDir,
    metrics: Arc<Metrics>,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, metrics: Metrics::new(UnixTime::from_s(0)) }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("access.log")
    }

    fn start(&self, format: Format) -> Arc<Journal> {
        start(Target::File(self.path()), format, &self.metrics).unwrap()
    }

    /// The value of a metric without labels.
    fn count(&self, name: &str) -> u64 {
        let text = self.metrics.render();
        let value = text.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap().parse().unwrap()
    }
}

/// What is in the file once these records are written.
fn written(format: Format, records: &[(Exchange, &str)]) -> String {
    let folder = Folder::new();
    let journal = folder.start(format);
    let pen = journal.pen();
    for (exchange, path) in records {
        pen.write(exchange.clone(), path);
    }
    drop(pen);
    assert_eq!(journal.close(LONG_ENOUGH), 0);
    std::fs::read_to_string(folder.path()).unwrap()
}

#[test]
fn a_json_record_has_every_field_in_its_order() {
    let text = written(Format::Json, &[(exchange(), "/repos/a%2Fb")]);
    let record: Value = serde_json::from_str(&text).unwrap();
    let expected = json!({
        "time": "2023-11-14T22:13:20.007Z", "request_id": "id-1", "caller": "runtime",
        "tenant": "acme", "connector": "github", "connection": "github-prod",
        "environment": null, "method": "GET", "path": "/repos/a%2Fb", "status": 504,
        "upstream_status": null, "error_source": "upstream", "error_code": "upstream_timeout",
        "bytes_in": 3, "bytes_out": 5, "attempts": 2, "http_in": "1.1", "http_out": "2",
        "total": 1.25, "queue": 0.0, "credential": 0.0, "dial": 0.0, "tls": 0.0,
        "first_byte": 0.0, "overhead": 0.02,
    });
    assert_eq!(record, expected);
    let names = |it: &Value| it.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&record), names(&expected));
}

#[test]
fn a_text_record_leaves_out_what_is_not_there() {
    assert_eq!(
        written(Format::Text, &[(exchange(), "/repos")]),
        "2023-11-14T22:13:20.007Z GET /repos 504 1.250ms request_id=id-1 caller=runtime \
         tenant=acme connector=github connection=github-prod error_source=upstream \
         error_code=upstream_timeout http_in=1.1 http_out=2 bytes_in=3 bytes_out=5 attempts=2 \
         overhead=0.020ms\n"
    );
}

#[test]
fn hostile_paths_and_tenants_neither_begin_lines_nor_reach_the_terminal() {
    let hostile = "/\u{1b}[2J\n{\"status\":200}\r\u{7f}\u{9b}31m \"\\";
    let tenant = "a\"\\\u{2028} b";
    let record = || Exchange { tenant: Some(TenantId::try_from(tenant).unwrap()), ..exchange() };

    let text = written(Format::Json, &[(record(), hostile)]);
    let line = text.strip_suffix('\n').unwrap();
    assert!(!line.chars().any(|it| it.is_control() || it == '\u{2028}'), "{line:?}");
    let parsed: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&parsed["path"], &parsed["tenant"]), (&json!(hostile), &json!(tenant)));

    let text = written(Format::Text, &[(record(), hostile)]);
    let line = text.strip_suffix('\n').unwrap();
    assert!(!line.chars().any(|it| it.is_control() || it == '\u{2028}'), "{line:?}");
    let path = r#""/\x1b[2J\x0a{\"status\":200}\x0d\x7f\x9b31m \"\\""#;
    assert!(line.contains(path), "{line}");
    assert!(line.contains(r#" tenant="a\"\\\u{2028} b" "#), "{line}");
}

#[test]
fn a_caller_s_request_id_can_t_forge_fields() {
    let forged = r#"x","status":200,"y":"\"#;
    let headers = HeaderMap::from_iter([(
        http::HeaderName::from_static("attache-request-id"),
        HeaderValue::from_static(forged),
    )]);
    let request_id = Ids::new(1).request_id(&headers, UnixTime::from_s(0));
    let text = written(Format::Json, &[(Exchange { request_id, ..exchange() }, "/")]);
    let record: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&record["request_id"], &record["status"]), (&json!(forged), &json!(504)));
}

#[test]
fn a_query_is_not_logged() {
    for format in [Format::Json, Format::Text] {
        let records = [(exchange(), "/a?api_key=hunter2"), (exchange(), "/b#hunter2")];
        let text = written(format, &records);
        assert!(!text.contains("hunter2") && !text.contains("api_key"), "{text}");
        assert!(text.contains("/a") && text.contains("/b"), "{text}");
    }
}

#[test]
fn a_very_long_path_is_cut() {
    let path = format!("/{}", "é".repeat(40_000));
    let records: Vec<_> = (0..100).map(|_| (exchange(), path.as_str())).collect();
    let text = written(Format::Json, &records);
    assert_eq!(text.lines().count(), 100);
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let logged = record["path"].as_str().unwrap();
        assert!(path.starts_with(logged) && (2040..=2048).contains(&logged.len()));
    }
}

#[test]
fn records_keep_their_order_over_many_batches() {
    let count = 3 * RECORDS_MAX as u64 + 7;
    let records: Vec<_> =
        (0..count).map(|it| (Exchange { bytes_in: it, ..exchange() }, "/")).collect();
    let text = written(Format::Json, &records);
    let numbers = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["bytes_in"].as_u64().unwrap());
    assert!(numbers.eq(0..count));
}

#[test]
fn times_are_right_across_seconds() {
    let mut stamp = writer::Stamp::default();
    for (ms, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000_999, "2023-11-14T22:13:20.999Z"),
        (1_700_000_000_001, "2023-11-14T22:13:20.001Z"),
        (1_700_000_001_000, "2023-11-14T22:13:21.000Z"),
        (u64::MAX, "9999-12-30T22:00:00.615Z"),
    ] {
        assert_eq!(stamp.of(UnixTime::from_ms(ms)), text.as_bytes());
    }
}

fn make_pipe(path: &Path) {
    let status = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_pipe_without_reader_stops_nobody_and_its_losses_are_counted() {
    let folder = Folder::new();
    make_pipe(&folder.path());
    let journal = folder.start(Format::Json);
    let pen = journal.pen();
    let records = 100 * RECORDS_MAX as u64;
    for _ in 0..records {
        pen.write(exchange(), "/");
    }
    drop(pen);
    let before = folder.count("attache_access_log_dropped_total");
    assert!((30 * RECORDS_MAX as u64..records).contains(&before), "{before}");

    let left = journal.close(Duration::from_millis(50));
    assert_eq!(before + left, records);
    assert_eq!(folder.count("attache_access_log_dropped_total"), records);
    assert_eq!(folder.count("attache_access_log_written_total"), 0);
}

#[test]
fn a_pipe_gets_its_records_once_somebody_reads() {
    let folder = Folder::new();
    make_pipe(&folder.path());
    let journal = folder.start(Format::Json);
    let pen = journal.pen();
    pen.write(exchange(), "/");
    pen.flush();
    let path = folder.path();
    let reader = std::thread::spawn(move || std::fs::read_to_string(path).unwrap());
    assert_eq!(journal.close(LONG_ENOUGH), 0);
    assert_eq!(reader.join().unwrap().lines().count(), 1);
}

#[test]
fn after_a_rotation_records_go_to_the_new_file() {
    let folder = Folder::new();
    let journal = folder.start(Format::Json);
    let old = folder.folder.path().join("access.log.1");
    std::fs::rename(folder.path(), &old).unwrap();
    journal.reopen();
    let pen = journal.pen();
    pen.write(exchange(), "/");
    drop(pen);
    assert_eq!(journal.close(LONG_ENOUGH), 0);
    assert_eq!(std::fs::read_to_string(old).unwrap(), "");
    assert_eq!(std::fs::read_to_string(folder.path()).unwrap().lines().count(), 1);
}

#[test]
fn what_is_handed_in_after_the_end_is_counted_as_dropped() {
    let folder = Folder::new();
    let journal = folder.start(Format::Json);
    let pen = journal.pen();
    assert_eq!(journal.close(LONG_ENOUGH), 0);
    pen.write(exchange(), "/");
    pen.flush();
    assert_eq!(folder.count("attache_access_log_dropped_total"), 1);
}

#[test]
fn a_full_disk_costs_records_and_is_counted() {
    let metrics = Metrics::new(UnixTime::from_s(0));
    let folder = Folder { metrics: Arc::clone(&metrics), ..Folder::new() };
    let full = Target::File("/dev/full".into());
    let journal = start(full, Format::Json, &metrics).unwrap();
    let pen = journal.pen();
    pen.write(exchange(), "/");
    drop(pen);
    assert_eq!(journal.close(LONG_ENOUGH), 0);
    assert_eq!(folder.count("attache_access_log_dropped_total"), 1);
}

#[test]
fn a_file_that_can_t_be_opened_is_an_error_at_start() {
    let folder = Folder::new();
    for path in [folder.path().join("no/such/folder"), folder.folder.path().to_owned()] {
        let target = Target::File(path.clone());
        let started = start(target, Format::Json, &folder.metrics);
        let error = started.err().unwrap().to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
}

#[test]
fn without_a_log_a_pen_writes_nothing() {
    let folder = Folder::new();
    let journal = start(Target::Off, Format::Json, &folder.metrics).unwrap();
    let pen = journal.pen();
    pen.write(exchange(), "/");
    drop(pen);
    assert_eq!(journal.close(Duration::ZERO), 0);
    assert_eq!(folder.count("attache_access_log_dropped_total"), 0);
}
