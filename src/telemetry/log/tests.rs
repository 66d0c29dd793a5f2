//! Events as they reach the target.
use super::*;
use crate::model::UnixTime;
use crate::telemetry::Metrics;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;

#[derive(Clone, Default)]
struct Target(Arc<Mutex<Vec<u8>>>);

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `events` leaves in the target.
fn logged(level: &str, format: Format, events: impl FnOnce()) -> String {
    let target = Target::default();
    let lines = Lines::start(format, target.clone()).unwrap();
    let subscriber = subscriber(parse_level(level).unwrap(), format, lines.clone());
    tracing::subscriber::with_default(subscriber, events);
    lines.flush(Duration::from_secs(10));
    String::from_utf8(target.0.lock().unwrap().clone()).unwrap()
}

/// What a hostile caller would like to see printed.
const HOSTILE: &str = "\u{1b}[2J\n{\"level\":\"INFO\",\"message\":\"forged\"}\r\u{9b}31m\u{2028}";

fn say_hostile_things() {
    tracing::info!(shown = %HOSTILE, debugged = ?HOSTILE, taken = HOSTILE, "message {HOSTILE}");
}

#[test]
fn a_hostile_value_stays_on_its_line_and_says_nothing_to_a_terminal() {
    for format in [Format::Json, Format::Text] {
        let text = logged("info", format, say_hostile_things);
        assert_eq!(text.lines().count(), 1, "{text}");
        let line = text.strip_suffix('\n').unwrap();
        assert!(!line.chars().any(char::is_control), "{line:?}");
        assert!(!line.contains('\u{2028}'), "{line:?}");
        assert!(line.contains("[2J"), "escaped, not lost: {line:?}");
    }
}

#[test]
fn json_lines_parse_and_give_the_values_back() {
    let text = logged("info", Format::Json, say_hostile_things);
    let event: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(event["level"], "INFO");
    assert_eq!(event["taken"], HOSTILE);
    assert!(event["message"].as_str().unwrap().starts_with("message "));
    assert!(event["timestamp"].as_str().is_some_and(|it| it.ends_with('Z')), "{event}");
}

#[test]
fn libraries_are_heard_from_warn_on_only() {
    let text = logged("trace", Format::Text, || {
        tracing::trace!("own");
        tracing::info!(target: "hyper::proto", "quotes a request");
        tracing::warn!(target: "hyper::proto", "library warning");
    });
    assert!(text.contains("own") && text.contains("library warning"), "{text}");
    assert!(!text.contains("quotes a request"), "{text}");
}

#[test]
fn a_level_hides_what_is_below_it() {
    let events = || {
        tracing::error!("broken");
        tracing::warn!("odd");
        tracing::info!("told");
    };
    for (level, lines) in [("off", 0), ("error", 1), ("warn", 2), ("info", 3)] {
        assert_eq!(logged(level, Format::Text, events).lines().count(), lines, "{level}");
    }
}

#[test]
fn an_unknown_level_is_refused() {
    for bad in ["", "INFO", "verbose", "attache=debug", "3"] {
        assert_eq!(parse_level(bad), Err(LogError::Level(bad.to_owned())));
    }
}

#[test]
fn a_stuck_target_costs_lines_and_nobody_s_time() {
    struct Stuck(std::sync::mpsc::Receiver<()>);
    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Ends when the test drops the other side.
            self.0.recv().ok();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (release, stuck) = std::sync::mpsc::channel();
    let lines = Lines::start(Format::Text, Stuck(stuck)).unwrap();
    let subscriber = subscriber(LevelFilter::INFO, Format::Text, lines.clone());
    tracing::subscriber::with_default(subscriber, || {
        for _ in 0..6000 {
            tracing::info!("one of many");
        }
    });
    assert!((1000..6000).contains(&dropped()), "{}", dropped());
    let text = Metrics::new(UnixTime::from_s(0)).render();
    assert!(text.contains(&format!("\nattache_log_dropped_total {}\n", dropped())), "{text}");
    drop(release);
}

#[test]
fn a_very_long_event_is_cut_as_text_and_replaced_as_json() {
    let long = "é".repeat(100_000);
    let text = logged("info", Format::Text, || tracing::info!("{long}"));
    assert!(text.len() <= 8193 && text.ends_with("é\n"), "{}", text.len());
    let text = logged("info", Format::Json, || tracing::info!("{long}"));
    let event: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(event["message"], "an event was too long to log");
}
