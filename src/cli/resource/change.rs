//! What may be said of any change: only looked at, only of this version, although it breaks something.
use crate::cli::api::Ask;
use clap::Args;

/// How a change is meant.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Change")]
pub(in crate::cli) struct Change {
    /// Tell what would be and who would be affected; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Even if something in use would not work any more
    #[arg(long)]
    force: bool,
    /// Stored credentials may go to another origin than the one they were entered for
    #[arg(long)]
    confirm_origin: bool,
    /// Only if it is at this version still, as answers show it
    #[arg(long, value_name = "N")]
    if_version: Option<u64>,
}

impl Change {
    pub(super) fn on(&self, mut ask: Ask) -> Ask {
        if self.dry_run {
            ask = ask.rehearsed();
        }
        for (is_said, name, value) in
            [(self.force, "force", "true"), (self.confirm_origin, "confirm", "origin")]
        {
            if is_said {
                ask = ask.query(name, value);
            }
        }
        ask.if_match(self.if_version.map(|it| format!("\"{it}\"")))
    }
}
