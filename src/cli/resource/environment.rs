//! `attache environment`: what any resource has, and tenants in it as a whole.
use super::Asks;
use super::Kind;
use super::Verb;
use super::change::Change;
use super::definition::Definition;
use super::output::Output;
use super::verb;
use crate::cli::api::Client;
use crate::cli::api::path;
use crate::cli::stopped::Stopped;
use http::Method;

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    #[command(flatten)]
    Any(Verb),
    /// Under which of its connections a tenant is activated
    Activation {
        /// The environment
        key: String,
        /// The tenant, as it is
        tenant: String,
    },
    /// Activate a tenant under all its embedded connections, or under none
    Activate {
        /// The environment
        key: String,
        /// The tenant, as it is
        tenant: String,
        #[command(flatten)]
        definition: Definition,
        #[command(flatten)]
        change: Change,
    },
    /// Deactivate a tenant under all its embedded connections
    Deactivate {
        /// The environment
        key: String,
        /// The tenant, as it is
        tenant: String,
        #[command(flatten)]
        change: Change,
    },
}

impl Asks for Command {
    async fn run(self, kind: &Kind, mut client: Client, output: Output) -> Result<(), Stopped> {
        let at = |key: &str, tenant: &str| path([kind.segment, key, "activations", tenant]);
        match self {
            Self::Any(verb) => verb.run(kind, client, output).await,
            Self::Activation { key, tenant } => {
                verb::get(&mut client, &at(&key, &tenant), output).await
            }
            Self::Activate { key, tenant, definition, change } => {
                let at = at(&key, &tenant);
                verb::write(&mut client, Method::PUT, &at, &definition, &change, output).await
            }
            Self::Deactivate { key, tenant, change } => {
                verb::delete(&mut client, &at(&key, &tenant), &change, output).await
            }
        }
    }
}
