//! `attache keys status` and `attache keys start`: a running attache is asked, and does the work.
use crate::cli::api;
use crate::cli::api::Ask;
use crate::cli::api::Remote;
use crate::cli::api::path;
use crate::cli::resource::Output;
use clap::Args;
use http::Method;
use std::process::ExitCode;

/// Asks a running attache.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct Served {
    #[command(flatten)]
    remote: Remote,
    /// How answers are shown
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
}

impl Served {
    /// What is under each key, and how a rotation goes.
    pub(super) fn status(self) -> ExitCode {
        self.ask(Ask::new(Method::GET, path(["keys"])))
    }

    /// Has one begin.
    pub(super) fn start(self) -> ExitCode {
        self.ask(Ask::new(Method::POST, path(["keys", "rotate"])))
    }

    fn ask(self, ask: Ask) -> ExitCode {
        let Self { remote, output } = self;
        api::run(remote, async move |mut client| output.answer(&client.ask(ask).await?))
    }
}
