//! `attache session`: who is signed in to the console.
use super::Asks;
use super::Kind;
use super::output::Output;
use super::verb;
use crate::cli::api::Ask;
use crate::cli::api::Client;
use crate::cli::api::path;
use crate::cli::stopped::Stopped;
use http::Method;

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// List who is signed in, the newest first
    List,
    /// End one, whoever it is of: they sign in anew
    End {
        /// Its id, as the list has it
        id: String,
    },
}

impl Asks for Command {
    async fn run(self, kind: &Kind, mut client: Client, output: Output) -> Result<(), Stopped> {
        let client = &mut client;
        match self {
            Self::List => verb::list(client, kind, &path([kind.segment]), output).await,
            Self::End { id } => {
                let ask = Ask::new(Method::DELETE, path([kind.segment, &id]));
                verb::send(client, ask, output).await
            }
        }
    }
}
