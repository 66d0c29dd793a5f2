//! attache's own log: one event a line, as text or JSON, written by a thread of its own.
//!
//! Whoever logs waits for nothing: a target that is slow or stuck costs lines, never an exchange.
mod escape;
mod lines;
mod panic;

pub use escape::push_escaped;
pub use lines::dropped;
pub use panic::report_panics;

use lines::Lines;
use std::io::Write;
use std::time::Duration;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;

/// How long [`Log`] may take to write what is left when it is dropped.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// What a line of either log looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One object a line.
    Json,
    /// For people.
    Text,
}

/// Why the log could not be set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    #[error("`{0}` is not a level: write off, error, warn, info, debug or trace")]
    Level(String),
    #[error("the log's thread can't be started")]
    Thread,
    #[error("the log is set up already")]
    AlreadySetUp,
}

/// The log, while the program runs. Dropped, it writes what is left.
pub struct Log {
    lines: Lines,
}

impl Log {
    /// Sends every event of the process to `target`, from now on.
    ///
    /// `level` is that of attache's own events. Libraries are heard from `warn` on only, at any
    /// level: what they say below it may quote a request with its credential.
    pub fn start(
        level: &str,
        format: Format,
        target: impl Write + Send + 'static,
    ) -> Result<Self, LogError> {
        let level = parse_level(level)?;
        let lines = Lines::start(format, target).map_err(|_| LogError::Thread)?;
        let log = Self { lines: lines.clone() };
        tracing::subscriber::set_global_default(subscriber(level, format, lines))
            .map_err(|_| LogError::AlreadySetUp)?;
        Ok(log)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.lines.flush(FLUSH_TIMEOUT);
    }
}

fn parse_level(text: &str) -> Result<LevelFilter, LogError> {
    match text {
        "off" => Ok(LevelFilter::OFF),
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        _ => Err(LogError::Level(text.chars().take(32).collect())),
    }
}

fn subscriber(level: LevelFilter, format: Format, lines: Lines) -> impl Subscriber + Send + Sync {
    let filter = Targets::new()
        .with_target(env!("CARGO_PKG_NAME"), level)
        .with_default(level.min(LevelFilter::WARN));
    let layer = tracing_subscriber::fmt::layer().with_writer(lines).with_ansi(false);
    let layer = match format {
        Format::Json => layer.json().flatten_event(true).with_current_span(false).boxed(),
        Format::Text => layer.boxed(),
    };
    tracing_subscriber::registry().with(filter).with(layer)
}

#[cfg(test)]
mod tests;
