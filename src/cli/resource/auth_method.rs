//! `attache auth-method`: how requests prove themselves, on each connector.
use super::Asks;
use super::Kind;
use super::change::Change;
use super::definition::Definition;
use super::kind::REVISIONS;
use super::output::Output;
use super::verb;
use crate::cli::api::Client;
use crate::cli::api::path;
use crate::cli::stopped::Stopped;
use http::Method;

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// List a connector's
    List {
        /// The connector
        connector: String,
    },
    /// Show one
    Get {
        /// The connector
        connector: String,
        /// The auth method
        method: String,
    },
    /// Make one what the definition says: a change is another revision, connections keep theirs
    Apply {
        /// The connector
        connector: String,
        /// The auth method
        method: String,
        #[command(flatten)]
        definition: Definition,
        #[command(flatten)]
        change: Change,
    },
    /// Delete one
    Delete {
        /// The connector
        connector: String,
        /// The auth method
        method: String,
        #[command(flatten)]
        change: Change,
    },
    /// List its revisions and how many connections pin each; one of them, and who pins it, with --revision
    Revisions {
        /// The connector
        connector: String,
        /// The auth method
        method: String,
        /// This one alone
        #[arg(long, value_name = "N")]
        revision: Option<u32>,
    },
}

impl Asks for Command {
    async fn run(self, kind: &Kind, mut client: Client, output: Output) -> Result<(), Stopped> {
        let client = &mut client;
        let one = |connector: &str, method: &str| path(["connectors", connector, "auth", method]);
        match self {
            Self::List { connector } => {
                let all = path(["connectors", &connector, kind.segment]);
                verb::list(client, kind, &all, output).await
            }
            Self::Get { connector, method } => {
                verb::get(client, &one(&connector, &method), output).await
            }
            Self::Apply { connector, method, definition, change } => {
                let one = one(&connector, &method);
                verb::write(client, Method::PUT, &one, &definition, &change, output).await
            }
            Self::Delete { connector, method, change } => {
                verb::delete(client, &one(&connector, &method), &change, output).await
            }
            Self::Revisions { connector, method, revision } => {
                let all = format!("{}/{}", one(&connector, &method), REVISIONS.segment);
                match revision {
                    None => verb::list(client, &REVISIONS, &all, output).await,
                    Some(one) => verb::get(client, &format!("{all}/{one}"), output).await,
                }
            }
        }
    }
}
