//! `attache connector`: what any resource has, and what its API offers.
use super::Asks;
use super::Kind;
use super::Verb;
use super::kind::ENDPOINTS;
use super::output::Output;
use super::verb;
use super::verb::Beside;
use crate::cli::api::Ask;
use crate::cli::api::Client;
use crate::cli::api::path;
use crate::cli::connector::Import;
use crate::cli::stopped::Stopped;
use http::Method;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

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
    Check(Check),
}

/// Ask, without any credential, whether something answers at a base URL
#[derive(clap::Args, Clone, Debug)]
pub(in crate::cli) struct Check {
    /// The base URL; variables stand in braces
    url: String,
    /// A connector that there is: its variables, and what it may reach, count
    #[arg(long, value_name = "KEY")]
    connector: Option<String>,
    /// The value of a variable; may be given several times
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,
}

/// For clap.
fn variable(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Check {
    fn ask(self) -> Ask {
        let variables: Map<String, Value> =
            self.variables.into_iter().map(|(name, value)| (name, value.into())).collect();
        let mut wanted = json!({ "base_url": self.url, "variables": variables });
        if let Some(connector) = self.connector {
            wanted["connector"] = connector.into();
        }
        Ask::new(Method::POST, path(["check_base_url"])).body(wanted)
    }
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
            Self::Check(check) => output.answer(&client.ask(check.ask()).await?),
        }
    }
}
