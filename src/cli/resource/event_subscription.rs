//! `attache event-subscription`: what any resource has, a subscription's secret, and what it was sent.
use super::Asks;
use super::Kind;
use super::Verb;
use super::change::Change;
use super::kind::DELIVERIES;
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
    /// Make another secret, told this once; the one before signs as well for a while
    Rotate {
        /// The subscription
        key: String,
        /// How long the one before signs as well; 0s ends it at once. Default: 24h
        #[arg(long, value_name = "TIME")]
        overlap: Option<String>,
        #[command(flatten)]
        change: Change,
    },
    /// Send it an event that says nothing
    Test {
        /// The subscription
        key: String,
    },
    /// What became of the events that are sent to it, the newest first
    Deliveries {
        /// The subscription
        key: String,
        /// In this state alone
        #[arg(long)]
        state: Option<State>,
    },
    /// Send an event to it again, at once
    Retry {
        /// The subscription
        key: String,
        /// The event's id, as `deliveries` shows it
        event: String,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(in crate::cli) enum State {
    /// Still to be sent, for the first time or again
    Pending,
    /// Taken
    Delivered,
    /// Given up
    Failed,
}

impl Asks for Command {
    async fn run(self, kind: &Kind, mut client: Client, output: Output) -> Result<(), Stopped> {
        let act = |key: &str, act: &str| Ask::new(Method::POST, path([kind.segment, key, act]));
        match self {
            Self::Any(verb) => verb.run(kind, client, output).await,
            Self::Rotate { key, overlap, change } => {
                let mut body = json!({});
                if let Some(overlap) = overlap {
                    body["overlap"] = Value::String(overlap);
                }
                verb::send(&mut client, change.on(act(&key, "rotate")).body(body), output).await
            }
            Self::Test { key } => verb::send(&mut client, act(&key, "test"), output).await,
            Self::Deliveries { key, state } => {
                let mut at = path([kind.segment, &key, DELIVERIES.segment]);
                if let Some(state) = state {
                    at += match state {
                        State::Pending => "?state=pending",
                        State::Delivered => "?state=delivered",
                        State::Failed => "?state=failed",
                    };
                }
                verb::list(&mut client, &DELIVERIES, &at, output).await
            }
            Self::Retry { key, event } => {
                let at = path([kind.segment, &key, DELIVERIES.segment, &event, "retry"]);
                verb::send(&mut client, Ask::new(Method::POST, at), output).await
            }
        }
    }
}
