//! How far an import is: a bar on a terminal, plain lines anywhere else.
use crate::cli::keys::grouped;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use std::io;
use std::io::IsTerminal;

/// A plain line is written each time that so many more rows are done.
const STEP: u64 = 10_000;

/// Tells on standard error.
pub(super) struct Bar {
    bar: Option<ProgressBar>,
    rows: u64,
    verified: u64,
    told: u64,
}

impl Bar {
    /// `len`: of the input, where that is known.
    pub(super) fn new(len: Option<u64>) -> Self {
        let bar = io::stderr().is_terminal().then(|| match len {
            None => ProgressBar::new_spinner(),
            Some(len) => {
                let style = ProgressStyle::with_template("{bar:30} {msg}, {eta} left");
                let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
                ProgressBar::new(len).with_style(style)
            }
        });
        Self { bar, rows: 0, verified: 0, told: 0 }
    }

    /// So many more rows are done, and the input is up to `end`.
    pub(super) fn imported(&mut self, end: u64, rows: u64) {
        self.rows += rows;
        if let Some(bar) = &self.bar {
            bar.set_position(end);
        }
        self.show();
    }

    pub(super) fn verified(&mut self) {
        self.verified += 1;
        self.show();
    }

    fn show(&mut self) {
        let verified = match self.verified {
            0 => String::new(),
            count => format!(", {} verified", grouped(count)),
        };
        match &self.bar {
            Some(bar) => {
                bar.set_message(format!("{} rows{verified}", grouped(self.rows)));
                bar.tick();
            }
            None if self.rows >= self.told + STEP => {
                self.told = self.rows;
                eprintln!("{} rows{verified}", grouped(self.rows));
            }
            None => {}
        }
    }

    /// A line, beside the bar.
    pub(super) fn tell(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("attache: {line}")),
            None => eprintln!("attache: {line}"),
        }
    }

    pub(super) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
