//! How far long work is: a bar on a terminal, plain lines anywhere else.
use super::grouped;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use std::io::IsTerminal;

/// A plain line is written each time that so many hundredths more are done.
const STEP_PERCENT: u64 = 5;

/// Tells on standard error.
pub(in crate::cli) struct Progress {
    done: u64,
    total: u64,
    /// Past tense, of what is counted: `sealed anew`.
    what: &'static str,
    bar: Option<ProgressBar>,
    told_percent: u64,
}

impl Progress {
    pub(in crate::cli) fn new(total: u64, what: &'static str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style =
                ProgressStyle::with_template("{bar:40} {human_pos} of {human_len}, {eta} left");
            ProgressBar::new(total)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { done: 0, total, what, bar, told_percent: 0 }
    }

    pub(in crate::cli) fn add(&mut self, more: u64) {
        self.done += more;
        // More was written meanwhile.
        self.total = self.total.max(self.done);
        if let Some(bar) = &self.bar {
            bar.set_length(self.total);
            bar.set_position(self.done);
            return;
        }
        let percent = self.done * 100 / self.total.max(1);
        if percent >= self.told_percent + STEP_PERCENT {
            self.told_percent = percent;
            eprintln!("{} of {} {}", grouped(self.done), grouped(self.total), self.what);
        }
    }

    pub(in crate::cli) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
