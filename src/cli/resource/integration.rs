//! `attache integration`: what any resource has, and the endpoints that matter to it.
use super::Asks;
use super::Kind;
use super::Verb;
use super::kind::LINK_ENDPOINTS;
use super::output::Output;
use super::verb;
use crate::cli::api::Client;
use crate::cli::api::path;
use crate::cli::stopped::Stopped;

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    #[command(flatten)]
    Any(Verb),
    /// List the endpoints that matter to it, under each of its links
    Endpoints {
        /// The integration
        key: String,
    },
}

impl Asks for Command {
    async fn run(self, kind: &Kind, mut client: Client, output: Output) -> Result<(), Stopped> {
        match self {
            Self::Any(verb) => verb.run(kind, client, output).await,
            Self::Endpoints { key } => {
                let all = path([kind.segment, &key, LINK_ENDPOINTS.segment]);
                verb::list(&mut client, &LINK_ENDPOINTS, &all, output).await
            }
        }
    }
}
