//! What is done with a grant, a connection's own or a tenant's: the same acts under `connection` and `activation`.
use super::address::Holder;
use super::output::Output;
use super::verb;
use crate::cli::api::Ask;
use crate::cli::api::Client;
use crate::cli::api::path;
use crate::cli::stopped::Stopped;
use http::Method;
use serde_json::Map;
use serde_json::Value;

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Act {
    /// Begin a consent: where the person goes
    Authorize {
        /// The connection, or the tenant's activation
        #[arg(value_name = "CONNECTION[@TENANT]")]
        of: Holder,
        /// Where the person's browser comes back to, as the provider knows it; none on another device
        #[arg(long, value_name = "URL")]
        redirect_uri: Option<String>,
        /// Whom the provider should ask, as it knows them
        #[arg(long, value_name = "NAME")]
        login_hint: Option<String>,
        /// For the connection's test credentials
        #[arg(long)]
        test: bool,
    },
    /// Complete a consent with the URL that the person's browser came back to
    Callback {
        /// The connection, or the tenant's activation
        #[arg(value_name = "CONNECTION[@TENANT]")]
        of: Holder,
        /// The whole URL, query and all
        url: String,
        /// The state that the person's session has: it has to be the URL's
        #[arg(long, allow_hyphen_values = true)]
        state: Option<String>,
        /// For the connection's test credentials
        #[arg(long)]
        test: bool,
    },
    /// Have another token, now
    Renew {
        /// The connection, or the tenant's activation
        #[arg(value_name = "CONNECTION[@TENANT]")]
        of: Holder,
        /// That of the connection's test credentials
        #[arg(long)]
        test: bool,
    },
    /// End the grant, here and at the provider
    Revoke {
        /// The connection, or the tenant's activation
        #[arg(value_name = "CONNECTION[@TENANT]")]
        of: Holder,
        /// That of the connection's test credentials
        #[arg(long)]
        test: bool,
    },
    /// Ask the provider what it knows of the access token
    Introspect {
        /// The connection, or the tenant's activation
        #[arg(value_name = "CONNECTION[@TENANT]")]
        of: Holder,
        /// That of the connection's test credentials
        #[arg(long)]
        test: bool,
    },
    /// Ask the API whether it takes the credential, by the auth method's probe
    Probe {
        /// The connection, or the tenant's activation
        #[arg(value_name = "CONNECTION[@TENANT]")]
        of: Holder,
        /// The connection's test credentials
        #[arg(long)]
        test: bool,
    },
    /// Tell whether the credential works: by having another token, else by the probe
    Verify {
        /// The connection, or the tenant's activation
        #[arg(value_name = "CONNECTION[@TENANT]")]
        of: Holder,
        /// The connection's test credentials
        #[arg(long)]
        test: bool,
    },
    /// Print an access token that is good now, where the configuration lets you (server.admin.token_access)
    AccessToken {
        /// The connection, or the tenant's activation
        #[arg(value_name = "CONNECTION[@TENANT]")]
        of: Holder,
        /// That of the connection's test credentials
        #[arg(long)]
        test: bool,
    },
    /// Print the webhook secret that the sender handed over: once
    WebhookSecret {
        /// The connection, or the tenant's activation
        #[arg(value_name = "CONNECTION[@TENANT]")]
        of: Holder,
    },
}

impl Act {
    pub(super) async fn run(self, client: &mut Client, output: Output) -> Result<(), Stopped> {
        let (of, act, test, body) = match self {
            Self::Authorize { of, redirect_uri, login_hint, test } => {
                let body = members([("redirect_uri", redirect_uri), ("login_hint", login_hint)]);
                (of, "authorize", test, Some(body))
            }
            Self::Callback { of, url, state, test } => {
                (of, "callback", test, Some(members([("url", Some(url)), ("state", state)])))
            }
            Self::Renew { of, test } => (of, "renew", test, None),
            Self::Revoke { of, test } => (of, "revoke", test, None),
            Self::Introspect { of, test } => (of, "introspect", test, None),
            Self::Probe { of, test } => (of, "probe", test, None),
            Self::Verify { of, test } => (of, "verify", test, None),
            Self::WebhookSecret { of } => {
                let place = match &of.tenant {
                    Some(tenant) => path([
                        "connections",
                        &of.connection,
                        "activations",
                        tenant,
                        "webhook",
                        "reveal",
                    ]),
                    None => path(["connections", &of.connection, "webhook", "reveal"]),
                };
                return verb::send(client, Ask::new(Method::POST, place), output).await;
            }
            Self::AccessToken { of, test } => {
                let ask = Ask::new(Method::GET, at(&of, "token"));
                let ask = if test { ask.query("test", "true") } else { ask };
                return verb::send(client, ask, output).await;
            }
        };
        let ask = Ask::new(Method::POST, at(&of, act));
        let ask = match body {
            Some(mut body) => {
                if test {
                    body.insert("test".to_owned(), true.into());
                }
                ask.body(Value::Object(body))
            }
            None if test => ask.query("test", "true"),
            None => ask,
        };
        verb::send(client, ask, output).await
    }
}

/// Those that were given.
fn members(all: [(&str, Option<String>); 2]) -> Map<String, Value> {
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect()
}

/// Where it is asked for.
fn at(of: &Holder, act: &str) -> String {
    match &of.tenant {
        Some(tenant) => path(["connections", &of.connection, "activations", tenant, act]),
        None => path(["connections", &of.connection, act]),
    }
}
