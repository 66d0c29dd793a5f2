//! `attache connector`: what any resource has, and what its API offers.
use super::Asks;
use super::Kind;
use super::Verb;
use super::kind::ENDPOINTS;
use super::output::Output;
use super::verb;
use super::verb::Beside;
use crate::cli::api::Client;
use crate::cli::api::path;
use crate::cli::connector::Import;
use crate::cli::stopped::Stopped;
use serde_json::Map;
use serde_json::Value;

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    #[command(flatten)]
    Any(Verb<From>),
    Import(Import),
    /// List its endpoints
    Endpoints {
        /// The connector
        key: String,
    },
}

/// Where one may come from.
#[derive(clap::Args, Clone, Debug)]
pub(in crate::cli) struct From {
    /// An API of the catalogue, whose definition it begins with: `attache catalogue list`
    #[arg(long, value_name = "API")]
    from: Option<String>,
}

impl Beside for From {
    fn add(self, members: &mut Map<String, Value>) {
        if let Some(from) = self.from {
            members.insert("from".to_owned(), Value::String(from));
        }
    }
}

impl Asks for Command {
    async fn run(self, kind: &Kind, mut client: Client, output: Output) -> Result<(), Stopped> {
        match self {
            Self::Any(verb) => verb.run(kind, client, output).await,
            Self::Import(import) => import.run(&mut client, output).await,
            Self::Endpoints { key } => {
                let all = path([kind.segment, &key, ENDPOINTS.segment]);
                verb::list(&mut client, &ENDPOINTS, &all, output).await
            }
        }
    }
}
