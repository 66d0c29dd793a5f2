//! `attache connection`: what any resource has, and a connection's own acts.
use super::Asks;
use super::Kind;
use super::Verb;
use super::change::Change;
use super::definition::Definition;
use super::grant::Act;
use super::kind::USES;
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
    #[command(flatten)]
    Grant(Act),
    /// Who uses one: environments by alias, and how many tenants
    Uses {
        /// The connection
        key: String,
    },
    /// Set its credentials, as in --set token='${GITHUB_TOKEN}'
    Credentials {
        /// The connection
        key: String,
        #[command(flatten)]
        fields: Definition,
        #[command(flatten)]
        change: Change,
        /// Those for trying it out: requests tagged Attache-Test
        #[arg(long)]
        test: bool,
    },
    /// Delete its credentials
    Forget {
        /// The connection
        key: String,
        #[command(flatten)]
        change: Change,
        /// Those for trying it out
        #[arg(long)]
        test: bool,
    },
    /// Pin another revision of its auth method
    Repin {
        /// The connection
        key: String,
        /// Default: the latest
        #[arg(long, value_name = "N")]
        revision: Option<u32>,
        #[command(flatten)]
        change: Change,
    },
    /// Hold its credentials itself, or let tenants bring theirs
    ///
    /// The credentials that it then holds are given as to `credentials`: --set token='${GITHUB_TOKEN}'.
    Switch {
        /// The connection
        key: String,
        /// Who is to hold them
        to: Holding,
        /// What --dry-run says is lost may be lost
        #[arg(long)]
        confirm: bool,
        #[command(flatten)]
        fields: Definition,
        #[command(flatten)]
        change: Change,
    },
    /// Assign another connection wherever this one is assigned
    Replace {
        /// The connection
        key: String,
        /// The other connection, one of the same connector
        with: String,
        #[command(flatten)]
        change: Change,
    },
    /// Let stored credentials go where it goes now: --set origins='["https://api.example.com"]'
    ///
    /// A refused change shows what there is to confirm: the origins, where it has another connector than before
    /// `connector` too, and where its variables are open `variables`.
    Confirm {
        /// The connection
        key: String,
        #[command(flatten)]
        what: Definition,
        #[command(flatten)]
        change: Change,
    },
}

/// Who holds the credentials.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(in crate::cli) enum Holding {
    /// The connection, for everyone
    Standard,
    /// Each tenant's activation
    Embedded,
}

impl Asks for Command {
    async fn run(self, kind: &Kind, mut client: Client, output: Output) -> Result<(), Stopped> {
        let at = |key: &str, act: &str| path([kind.segment, key, act]);
        let slot = |test| if test { "test_credentials" } else { "credentials" };
        let ask = match self {
            Self::Any(verb) => return verb.run(kind, client, output).await,
            Self::Grant(act) => return act.run(&mut client, output).await,
            Self::Uses { key } => {
                return verb::list(&mut client, &USES, &at(&key, USES.segment), output).await;
            }
            Self::Credentials { key, fields, change, test } => {
                let body = Value::Object(fields.members()?);
                change.on(Ask::new(Method::PUT, at(&key, slot(test)))).body(body)
            }
            Self::Forget { key, change, test } => {
                change.on(Ask::new(Method::DELETE, at(&key, slot(test))))
            }
            Self::Repin { key, revision, change } => {
                let body = revision.map_or_else(|| json!({}), |it| json!({ "revision": it }));
                change.on(Ask::new(Method::POST, at(&key, "repin"))).body(body)
            }
            Self::Switch { key, to, confirm, fields, change } => {
                let to = match to {
                    Holding::Standard => "standard",
                    Holding::Embedded => "embedded",
                };
                let mut body = json!({ "to": to, "confirm": confirm });
                let fields = fields.members()?;
                if !fields.is_empty() {
                    body["credentials"] = Value::Object(fields);
                }
                change.on(Ask::new(Method::POST, at(&key, "switch"))).body(body)
            }
            Self::Replace { key, with, change } => {
                let body = json!({ "with": with });
                change.on(Ask::new(Method::POST, at(&key, "replace"))).body(body)
            }
            Self::Confirm { key, what, change } => {
                let body = Value::Object(what.members()?);
                change.on(Ask::new(Method::POST, at(&key, "confirm"))).body(body)
            }
        };
        verb::send(&mut client, ask, output).await
    }
}
