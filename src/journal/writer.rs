//! The access log's thread.
use super::batch::Batch;
use super::json;
use super::queue::Queue;
use super::queue::Work;
use super::target::Output;
use super::text;
use super::text::three_digits;
use crate::model::UnixTime;
use crate::telemetry::log::Format;
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use std::io;
use std::io::Write;

/// Writes batches until the queue is closed and empty.
pub(super) fn write_all(queue: &Queue, mut output: Output, format: Format) {
    let mut page = Page::new(format);
    let mut failing = false;
    let mut done = Batch::default();
    loop {
        done = match queue.next(done) {
            Work::Write(batch) => {
                page.fill(&batch);
                match output.file().and_then(|it| it.write_all(&page.text)) {
                    Ok(()) => {
                        queue.written(batch.len());
                        failing = false;
                    }
                    Err(error) => {
                        queue.dropped(batch.len());
                        // Said once, not with every batch.
                        if !failing {
                            say(&error, "the access log can't be written; records are dropped");
                        }
                        failing = true;
                        page.torn = true;
                    }
                }
                batch
            }
            Work::Reopen => {
                if let Err(error) = output.reopen() {
                    say(&error, "the access log can't be opened anew; it goes on in the old file");
                }
                Batch::default()
            }
            Work::End => return,
        };
    }
}

fn say(error: &io::Error, what: &'static str) {
    tracing::error!(reason = %error.kind(), "{what}");
}

/// A batch as text, in one buffer that is used again.
struct Page {
    format: Format,
    text: Vec<u8>,
    stamp: Stamp,
    /// The last write may have ended in the middle of a line.
    torn: bool,
}

impl Page {
    fn new(format: Format) -> Self {
        Self { format, text: Vec::new(), stamp: Stamp::default(), torn: false }
    }

    fn fill(&mut self, batch: &Batch) {
        self.text.clear();
        if std::mem::take(&mut self.torn) {
            self.text.push(b'\n');
        }
        for (exchange, path) in batch.iter() {
            let stamp = self.stamp.of(exchange.started);
            match self.format {
                Format::Json => json::push(&mut self.text, stamp, exchange, path),
                Format::Text => text::push(&mut self.text, stamp, exchange, path),
            }
            self.text.push(b'\n');
        }
    }
}

/// Points in time as RFC 3339 texts in UTC, to the millisecond. Records of one second share most of it.
#[derive(Default)]
pub(super) struct Stamp {
    second: Option<u64>,
    text: Vec<u8>,
}

impl Stamp {
    pub(super) fn of(&mut self, time: UnixTime) -> &[u8] {
        if self.second != Some(time.as_s()) {
            self.second = Some(time.as_s());
            let second =
                i64::try_from(time.as_s()).ok().and_then(|it| Timestamp::from_second(it).ok());
            let printer = DateTimePrinter::new().precision(Some(3));
            let text = printer.timestamp_to_string(&second.unwrap_or(Timestamp::MAX));
            self.text = text.into_bytes();
        }
        let digits = self.text.len() - 4..self.text.len() - 1;
        self.text[digits].copy_from_slice(&three_digits(time.as_ms()));
        &self.text
    }
}
