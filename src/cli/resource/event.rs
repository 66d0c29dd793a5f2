//! `attache event`: what happened, for whoever keeps how far they have come.
use super::Asks;
use super::Kind;
use super::output::Output;
use super::output::lines;
use crate::cli::api::Client;
use crate::cli::api::behind;
use crate::cli::api::follow;
use crate::cli::api::path;
use crate::cli::stopped::Stopped;
use url::form_urlencoded;

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// List them, the oldest first
    List {
        /// Behind this one alone, by its number; else all that are kept
        #[arg(long, value_name = "SEQ")]
        after: Option<u64>,
        /// Of these types alone, as in connection.created,connection.failing
        #[arg(long = "type", value_name = "TYPES")]
        types: Option<String>,
        /// So many at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Print what happens, as it happens: an event a line, as JSON
    Follow {
        /// Behind this one, by its number, instead of from now on
        #[arg(long, value_name = "SEQ")]
        after: Option<u64>,
        /// Of these types alone
        #[arg(long = "type", value_name = "TYPES")]
        types: Option<String>,
    },
}

impl Asks for Command {
    async fn run(self, kind: &Kind, mut client: Client, output: Output) -> Result<(), Stopped> {
        match self {
            Self::List { after, types, limit } => {
                let path = feed(kind, types);
                output.listed(kind, behind(&mut client, &path, after, limit).await?)
            }
            Self::Follow { after, types } => {
                follow(&mut client, &feed(kind, types), after, lines).await
            }
        }
    }
}

fn feed(kind: &Kind, types: Option<String>) -> String {
    let mut query = form_urlencoded::Serializer::new(path([kind.segment]) + "?");
    query.extend_pairs(types.map(|it| ("type", it)));
    query.finish()
}
