//! `attache event`: what happened, for whoever keeps how far they have come.
use super::Asks;
use super::Kind;
use super::output::Output;
use crate::cli::api::Client;
use crate::cli::api::behind;
use crate::cli::api::path;
use crate::cli::stopped::Stopped;
use url::form_urlencoded;

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// List them, the oldest first
    List {
        /// Behind this one alone, by its number
        #[arg(long, value_name = "SEQ", default_value_t = 0)]
        after: u64,
        /// Of these types alone, as in connection.created,connection.failing
        #[arg(long = "type", value_name = "TYPES")]
        types: Option<String>,
        /// So many at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
}

impl Asks for Command {
    async fn run(self, kind: &Kind, mut client: Client, output: Output) -> Result<(), Stopped> {
        let Self::List { after, types, limit } = self;
        let mut query = form_urlencoded::Serializer::new(path([kind.segment]) + "?");
        query.extend_pairs(types.map(|it| ("type", it)));
        output.listed(kind, behind(&mut client, &query.finish(), after, limit).await?)
    }
}
