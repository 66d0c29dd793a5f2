//! `attache token`: what operators prove themselves with. A token is made and withdrawn, never changed.
use super::Asks;
use super::Kind;
use super::change::Change;
use super::output::Output;
use super::verb;
use crate::cli::api::Ask;
use crate::cli::api::Client;
use crate::cli::api::path;
use crate::cli::stopped::Stopped;
use http::Method;
use serde_json::Value;
use serde_json::json;

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// List all
    List,
    /// Show one
    Get {
        /// The token's name
        key: String,
    },
    /// Make one, told this once
    Create {
        /// The token's name
        key: String,
        /// What its operator may do
        #[arg(long)]
        role: Role,
        /// When it ends, as in 2027-01-31T00:00:00Z. Default: never
        #[arg(long, value_name = "WHEN")]
        expires_at: Option<String>,
    },
    /// Withdraw one
    Delete {
        /// The token's name
        key: String,
        #[command(flatten)]
        change: Change,
    },
    /// Whose token this is that the command asks with
    Whoami,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(in crate::cli) enum Role {
    /// Look
    Viewer,
    /// Look and change
    Operator,
    /// All, tokens too
    Admin,
}

impl Asks for Command {
    async fn run(self, kind: &Kind, mut client: Client, output: Output) -> Result<(), Stopped> {
        let client = &mut client;
        match self {
            Self::List => verb::list(client, kind, &path([kind.segment]), output).await,
            Self::Get { key } => verb::get(client, &path([kind.segment, &key]), output).await,
            Self::Create { key, role, expires_at } => {
                let role = match role {
                    Role::Viewer => "viewer",
                    Role::Operator => "operator",
                    Role::Admin => "admin",
                };
                let mut body = json!({ "key": key, "role": role });
                if let Some(at) = expires_at {
                    body["expires_at"] = Value::String(at);
                }
                let ask = Ask::new(Method::POST, path([kind.segment])).body(body);
                verb::send(client, ask, output).await
            }
            Self::Delete { key, change } => {
                verb::delete(client, &path([kind.segment, &key]), &change, output).await
            }
            Self::Whoami => verb::get(client, &path(["whoami"]), output).await,
        }
    }
}
