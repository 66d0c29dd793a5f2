//! How much of a list has come: on a terminal, while there is more; gone when dropped.
use crate::cli::keys::grouped;
use indicatif::ProgressBar;
use std::io;
use std::io::IsTerminal;

/// On standard error. Nobody is told anywhere else: how much there will be is not known.
#[derive(Default)]
pub(super) struct Tally(Option<ProgressBar>);

impl Tally {
    pub(super) fn says(&mut self, count: usize) {
        if self.0.is_none() && io::stderr().is_terminal() {
            self.0 = Some(ProgressBar::new_spinner());
        }
        if let Some(bar) = &self.0 {
            bar.set_message(format!("{} read", grouped(count as u64)));
            bar.tick();
        }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
