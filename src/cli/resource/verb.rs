//! What can be done with any resource that has a key of its own.
use super::Asks;
use super::Kind;
use super::change::Change;
use super::definition::Definition;
use super::output::Output;
use crate::cli::api::Ask;
use crate::cli::api::Client;
use crate::cli::api::all;
use crate::cli::api::path;
use crate::cli::stopped::Stopped;
use http::Method;
use serde_json::Map;
use serde_json::Value;
use url::form_urlencoded;

/// What creating one takes besides a definition.
pub(in crate::cli) trait Beside: clap::Args {
    /// Put with the definition's members.
    fn add(self, members: &mut Map<String, Value>);
}

/// For most kinds.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(in crate::cli) struct Nothing {}

impl Beside for Nothing {
    fn add(self, _: &mut Map<String, Value>) {}
}

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Verb<B: Beside = Nothing> {
    /// List all, or those with each of these words in their key or name
    List {
        /// What to search for
        words: Vec<String>,
    },
    /// Show one
    Get {
        /// Its key: a-z, 0-9, dots, underscores and hyphens
        key: String,
    },
    /// Create one; an error where there is one of this key
    Create {
        /// Its key: a-z, 0-9, dots, underscores and hyphens
        key: String,
        #[command(flatten)]
        beside: B,
        #[command(flatten)]
        definition: Definition,
    },
    /// Make one what the definition says, whether it is there or not
    Apply {
        /// Its key: a-z, 0-9, dots, underscores and hyphens
        key: String,
        #[command(flatten)]
        definition: Definition,
        #[command(flatten)]
        change: Change,
    },
    /// Change some members; null takes one away (RFC 7396)
    Edit {
        /// Its key: a-z, 0-9, dots, underscores and hyphens
        key: String,
        #[command(flatten)]
        definition: Definition,
        #[command(flatten)]
        change: Change,
    },
    /// Delete one
    Delete {
        /// Its key: a-z, 0-9, dots, underscores and hyphens
        key: String,
        #[command(flatten)]
        change: Change,
    },
}

impl<B: Beside> Asks for Verb<B> {
    async fn run(self, kind: &Kind, mut client: Client, output: Output) -> Result<(), Stopped> {
        let client = &mut client;
        let one = |key: &str| path([kind.segment, key]);
        match self {
            Self::List { words } => {
                let all = searched(&path([kind.segment]), &words);
                list(client, kind, &all, output).await
            }
            Self::Get { key } => get(client, &one(&key), output).await,
            Self::Create { key, beside, definition } => {
                let mut members = definition.members()?;
                beside.add(&mut members);
                members.insert("key".to_owned(), key.into());
                let ask = Ask::new(Method::POST, path([kind.segment]));
                send(client, ask.body(Value::Object(members)), output).await
            }
            Self::Apply { key, definition, change } => {
                write(client, Method::PUT, &one(&key), &definition, &change, output).await
            }
            Self::Edit { key, definition, change } => {
                write(client, Method::PATCH, &one(&key), &definition, &change, output).await
            }
            Self::Delete { key, change } => delete(client, &one(&key), &change, output).await,
        }
    }
}

/// A list, and what it is searched for.
pub(super) fn searched(path: &str, words: &[String]) -> String {
    if words.is_empty() {
        return path.to_owned();
    }
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("q", &words.join(" ")).finish();
    format!("{path}?{query}")
}

pub(super) async fn list(
    client: &mut Client,
    kind: &Kind,
    path: &str,
    output: Output,
) -> Result<(), Stopped> {
    output.listed(kind, all(client, path).await?)
}

pub(super) async fn get(client: &mut Client, path: &str, output: Output) -> Result<(), Stopped> {
    send(client, Ask::new(Method::GET, path), output).await
}

pub(super) async fn write(
    client: &mut Client,
    method: Method,
    path: &str,
    definition: &Definition,
    change: &Change,
    output: Output,
) -> Result<(), Stopped> {
    let body = Value::Object(definition.members()?);
    send(client, change.on(Ask::new(method, path)).body(body), output).await
}

/// Without a word where it is done, as `rm` does.
pub(super) async fn delete(
    client: &mut Client,
    path: &str,
    change: &Change,
    output: Output,
) -> Result<(), Stopped> {
    send(client, change.on(Ask::new(Method::DELETE, path)), output).await
}

pub(super) async fn send(client: &mut Client, ask: Ask, output: Output) -> Result<(), Stopped> {
    let answer = client.ask(ask).await?;
    output.answer(&answer)
}
