//! `attache connect-session`: links by which tenants connect their accounts.
use super::Asks;
use super::Kind;
use super::definition::Definition;
use super::output::Output;
use super::verb;
use crate::cli::api::Ask;
use crate::cli::api::Client;
use crate::cli::api::path;
use crate::cli::stopped::Stopped;
use http::Method;
use serde_json::Value;
use serde_json::json;
use url::form_urlencoded;

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// List those of the last day, the newest first
    List {
        /// Of this tenant alone
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Show one, and what came of it
    #[command(visible_alias = "show")]
    Get {
        /// Its id: cs_…
        id: String,
    },
    /// Make a link that a tenant connects by, for 30 minutes; told this once
    Create {
        /// Your own id for the customer
        tenant: String,
        /// The connection that is to be connected
        #[arg(long, value_name = "KEY", conflicts_with = "environment")]
        connection: Option<String>,
        /// All that this environment assigns
        #[arg(long, value_name = "KEY")]
        environment: Option<String>,
        /// Where the person goes when all is done: one of the configuration's connect.return_urls
        #[arg(long, value_name = "URL")]
        return_url: Option<String>,
        /// Whom the provider should ask, as it knows them
        #[arg(long, value_name = "NAME")]
        login_hint: Option<String>,
        /// What else there is to say, as connections and variables
        #[command(flatten)]
        more: Definition,
    },
    /// End one: nobody connects by it any more
    Delete {
        /// Its id: cs_…
        id: String,
    },
    /// Connect one of its connections: --set credentials='{"key": "…"}', or see where the person goes
    Begin {
        /// The session's id: cs_…
        id: String,
        /// Which of its connections
        connection: String,
        /// Where the person comes back to, where your application takes them back itself
        #[arg(long, value_name = "URL")]
        redirect_uri: Option<String>,
        /// What was filled in: credentials and variables
        #[command(flatten)]
        brought: Definition,
    },
    /// Complete a consent with the URL that a person's browser came back to
    Callback {
        /// The whole URL, query and all
        url: String,
    },
    /// Say whether another account than before is to be taken
    Account {
        /// The session's id: cs_…
        id: String,
        /// Which of its connections
        connection: String,
        /// Take it; else nothing is changed
        #[arg(long)]
        take: bool,
    },
    /// Come to the end of one: it is used up
    Finish {
        /// Its id: cs_…
        id: String,
    },
}

impl Asks for Command {
    async fn run(self, kind: &Kind, mut client: Client, output: Output) -> Result<(), Stopped> {
        let client = &mut client;
        let all = path([kind.segment]);
        let post = |at: String, body: Value| Ask::new(Method::POST, at).body(body);
        let ask = match self {
            Self::List { tenant } => {
                let mut query = form_urlencoded::Serializer::new(String::new());
                let query = query.extend_pairs(tenant.map(|it| ("tenant", it))).finish();
                let at = if query.is_empty() { all } else { format!("{all}?{query}") };
                return verb::list(client, kind, &at, output).await;
            }
            Self::Get { id } => Ask::new(Method::GET, path([kind.segment, &id])),
            Self::Create { tenant, connection, environment, return_url, login_hint, more } => {
                let mut members = more.members()?;
                let given = [
                    ("tenant", Some(tenant)),
                    ("connection", connection),
                    ("environment", environment),
                    ("return_url", return_url),
                    ("login_hint", login_hint),
                ];
                let said = given.into_iter().filter_map(|it| Some((it.0.to_owned(), it.1?.into())));
                members.extend(said);
                post(all, Value::Object(members))
            }
            Self::Delete { id } => Ask::new(Method::DELETE, path([kind.segment, &id])),
            Self::Begin { id, connection, redirect_uri, brought } => {
                let mut members = brought.members()?;
                members.insert("connection".to_owned(), connection.into());
                members.extend(redirect_uri.map(|it| ("redirect_uri".to_owned(), it.into())));
                post(path([kind.segment, &id, "begin"]), Value::Object(members))
            }
            Self::Callback { url } => post(path([kind.segment, "callback"]), json!({ "url": url })),
            Self::Account { id, connection, take } => {
                let body = json!({ "connection": connection, "take": take });
                post(path([kind.segment, &id, "account"]), body)
            }
            Self::Finish { id } => post(path([kind.segment, &id, "finish"]), json!({})),
        };
        verb::send(client, ask, output).await
    }
}
