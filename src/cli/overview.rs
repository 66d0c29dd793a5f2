//! `attache overview`: how many there are of everything, and how many fail or are going to.
use super::api;
use super::api::Ask;
use super::api::Remote;
use super::api::path;
use super::resource::Output;
use clap::Args;
use http::Method;
use std::process::ExitCode;

/// Asks a running attache.
#[derive(Args, Clone, Debug)]
pub(super) struct Overview {
    #[command(flatten)]
    remote: Remote,
    /// How answers are shown
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
}

impl Overview {
    pub(super) fn run(self) -> ExitCode {
        let Self { remote, output } = self;
        api::run(remote, async move |mut client| {
            output.answer(&client.ask(Ask::new(Method::GET, path(["overview"]))).await?)
        })
    }
}
