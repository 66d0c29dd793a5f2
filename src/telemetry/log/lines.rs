//! Lines on their way to a target that may be slow: bounded, in order, and dropped rather than waited for.
use super::Format;
use super::push_escaped;
use std::io;
use std::io::Write;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait for the target.
const LINES_MAX: usize = 4096;

/// Longest event, in bytes, before escaping. With [`LINES_MAX`], at most 32 MiB wait.
const LINE_LEN_MAX: usize = 8192;

/// Of the whole process, as the log is.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Lines lost because the target was too slow.
pub fn dropped() -> u64 {
    DROPPED.load(Relaxed)
}

enum Message {
    Line(String),
    /// Answered once every line before it has been written.
    Flush(SyncSender<()>),
}

/// Where the subscriber writes its lines. Cheap to clone.
#[derive(Clone)]
pub(super) struct Lines {
    format: Format,
    messages: SyncSender<Message>,
}

impl Lines {
    pub(super) fn start(format: Format, target: impl Write + Send + 'static) -> io::Result<Self> {
        let (messages, queue) = sync_channel(LINES_MAX);
        std::thread::Builder::new().name("log".into()).spawn(move || write_all(&queue, target))?;
        Ok(Self { format, messages })
    }

    /// Waits until everything so far is written, or the time is over.
    pub(super) fn flush(&self, timeout: Duration) {
        let (written, wait) = sync_channel(1);
        if self.messages.try_send(Message::Flush(written)).is_ok() {
            // A target that is stuck is given up.
            wait.recv_timeout(timeout).ok();
        }
    }

    fn send(&self, line: String) {
        if self.messages.try_send(Message::Line(line)).is_err() {
            DROPPED.fetch_add(1, Relaxed);
        }
    }
}

/// The log's thread. A target that fails loses the line; the next one is tried all the same.
fn write_all(queue: &Receiver<Message>, mut target: impl Write) {
    for message in queue {
        match message {
            Message::Line(line) => drop(target.write_all(line.as_bytes())),
            Message::Flush(written) => {
                target.flush().ok();
                written.send(()).ok();
            }
        }
    }
}

/// One event's line.
pub(super) struct Line<'a>(&'a Lines);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

impl Write for Line<'_> {
    /// The subscriber writes an event whole, its final line feed included.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        self.0.send(one_line(text, self.0.format));
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `text` on one line of bounded length. JSON can't be cut: it is replaced.
fn one_line(text: &str, format: Format) -> String {
    let too_long = text.len() > LINE_LEN_MAX;
    let text = match format {
        Format::Json if too_long => r#"{"level":"WARN","message":"an event was too long to log"}"#,
        Format::Json | Format::Text => &text[..text.floor_char_boundary(LINE_LEN_MAX)],
    };
    let mut line = String::with_capacity(text.len() + 1);
    push_escaped(&mut line, text, format);
    line.push('\n');
    line
}
