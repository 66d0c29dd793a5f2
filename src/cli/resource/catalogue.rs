//! `attache catalogue`: the connectors that come with attache.
use super::Asks;
use super::Kind;
use super::output::Output;
use super::verb;
use crate::cli::api::Client;
use crate::cli::api::path;
use crate::cli::stopped::Stopped;

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// List all, or those with each of these words in their key, name or description
    List {
        /// What to search for
        words: Vec<String>,
    },
    /// Show one
    Get {
        /// Its key in the catalogue
        api: String,
    },
}

impl Asks for Command {
    async fn run(self, kind: &Kind, mut client: Client, output: Output) -> Result<(), Stopped> {
        match self {
            Self::List { words } => {
                let all = verb::searched(&path([kind.segment]), &words);
                verb::list(&mut client, kind, &all, output).await
            }
            Self::Get { api } => verb::get(&mut client, &path([kind.segment, &api]), output).await,
        }
    }
}
