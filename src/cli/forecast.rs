//! `attache forecast`: which grants and client certificates fail, or are going to, for whoever has people connect again in time.
use super::api;
use super::api::Remote;
use super::api::all;
use super::api::path;
use super::resource::FORECAST;
use super::resource::Output;
use clap::Args;
use std::process::ExitCode;
use url::form_urlencoded;

/// Lists grants and client certificates that fail, or are going to, the earliest first.
#[derive(Args, Clone, Debug)]
pub(super) struct Forecast {
    /// So far ahead, as in 12h or 30d
    #[arg(long, value_name = "TIME", default_value = "7d")]
    within: String,
    #[command(flatten)]
    remote: Remote,
    /// How answers are shown: text is a table
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
}

impl Forecast {
    pub(super) fn run(self) -> ExitCode {
        let Self { within, remote, output } = self;
        let mut query = form_urlencoded::Serializer::new(path([FORECAST.segment]) + "?");
        query.append_pair("within", &within);
        let path = query.finish();
        api::run(remote, async move |mut client| {
            output.listed(&FORECAST, all(&mut client, &path).await?)
        })
    }
}
