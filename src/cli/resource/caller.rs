//! `attache caller`: what any resource has, and a caller's keys.
use super::Asks;
use super::Kind;
use super::Verb;
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
    #[command(flatten)]
    Any(Verb),
    /// Make another key, told this once; those before go on for a while
    Rotate {
        /// The caller
        key: String,
        /// How long those before go on; 0s ends them at once. Default: 24h
        #[arg(long, value_name = "TIME")]
        overlap: Option<String>,
        /// When the new one ends, as in 2027-01-31T00:00:00Z. Default: never
        #[arg(long, value_name = "WHEN")]
        expires_at: Option<String>,
        #[command(flatten)]
        change: Change,
    },
    /// Withdraw one key
    Withdraw {
        /// The caller
        key: String,
        /// What the key begins with, as `get` shows it
        prefix: String,
        #[command(flatten)]
        change: Change,
    },
}

impl Asks for Command {
    async fn run(self, kind: &Kind, mut client: Client, output: Output) -> Result<(), Stopped> {
        match self {
            Self::Any(verb) => verb.run(kind, client, output).await,
            Self::Rotate { key, overlap, expires_at, change } => {
                let mut body = json!({});
                for (name, value) in [("overlap", overlap), ("expires_at", expires_at)] {
                    if let Some(value) = value {
                        body[name] = Value::String(value);
                    }
                }
                let ask = Ask::new(Method::POST, path([kind.segment, &key, "rotate"]));
                verb::send(&mut client, change.on(ask).body(body), output).await
            }
            Self::Withdraw { key, prefix, change } => {
                let at = path([kind.segment, &key, "keys", &prefix]);
                verb::delete(&mut client, &at, &change, output).await
            }
        }
    }
}
