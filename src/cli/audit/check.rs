//! `attache audit check`: has a running attache check the trail.
use crate::cli::api;
use crate::cli::api::Ask;
use crate::cli::api::Remote;
use crate::cli::api::path;
use crate::cli::resource::AUDIT;
use crate::cli::resource::Output;
use crate::cli::stopped::Stopped;
use clap::Args;
use http::Method;
use serde_json::json;
use std::process::ExitCode;

/// Exits with 0 where all is as it was made, with 1 where something is not.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct Check {
    /// An entry that an earlier run printed: it has to be there still
    #[arg(long, value_name = "SEQ:MAC")]
    kept: Option<String>,
    /// The version that the trail began with, where the deployment is older than it
    #[arg(long, value_name = "VERSION")]
    begins_with: Option<i64>,
    #[command(flatten)]
    remote: Remote,
    /// How answers are shown
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
}

impl Check {
    pub(super) fn run(self) -> ExitCode {
        let Self { kept, begins_with, remote, output } = self;
        let body = json!({ "kept": kept, "begins_with": begins_with });
        let ask = Ask::new(Method::POST, path([AUDIT.segment, "verify"])).body(body);
        api::run(remote, async move |mut client| {
            let answer = client.ask(ask).await?;
            output.answer(&answer)?;
            match answer.body["sound"].as_bool() {
                Some(true) => Ok(()),
                _ => Err(Stopped::Failed("the trail is not as it was made".to_owned())),
            }
        })
    }
}
