//! The resource commands: each kind's verbs, asked of the admin API.
mod activation;
mod address;
mod auth_method;
mod caller;
mod catalogue;
mod change;
mod connect_session;
mod connection;
mod connector;
mod definition;
mod delivery;
mod environment;
mod event;
mod event_subscription;
pub(super) mod examples;
mod exchange;
mod grant;
mod integration;
mod kind;
mod output;
mod session;
mod table;
mod token;
mod verb;

pub(super) use activation::Command as Activation;
pub(super) use address::Holder;
pub(super) use auth_method::Command as AuthMethod;
pub(super) use caller::Command as Caller;
pub(super) use catalogue::Command as Catalogue;
pub(super) use connect_session::Command as ConnectSession;
pub(super) use connection::Command as Connection;
pub(super) use connector::Command as Connector;
pub(super) use delivery::Command as Delivery;
pub(super) use environment::Command as Environment;
pub(super) use event::Command as Event;
pub(super) use event_subscription::Command as EventSubscription;
pub(super) use exchange::Command as Exchange;
pub(super) use integration::Command as Integration;
pub(super) use kind::ACTIVATIONS;
pub(super) use kind::AUDIT;
pub(super) use kind::AUTH_METHODS;
pub(super) use kind::CALLERS;
pub(super) use kind::CATALOGUE;
pub(super) use kind::CONFIGURATION;
pub(super) use kind::CONNECT_SESSIONS;
pub(super) use kind::CONNECTIONS;
pub(super) use kind::CONNECTORS;
pub(super) use kind::ENVIRONMENTS;
pub(super) use kind::EVENT_SUBSCRIPTIONS;
pub(super) use kind::EVENTS;
pub(super) use kind::EXCHANGES;
pub(super) use kind::FORECAST;
pub(super) use kind::HOOKS;
pub(super) use kind::INTEGRATIONS;
pub(super) use kind::Kind;
pub(super) use kind::SESSIONS;
pub(super) use kind::TENANTS;
pub(super) use kind::TOKENS;
pub(super) use kind::WEBHOOK_DELIVERIES;
pub(super) use output::Output;
pub(super) use session::Command as Session;
pub(super) use token::Command as Token;
pub(super) use verb::Verb;

use super::api;
use super::api::Client;
use super::api::Remote;
use super::stopped::Stopped;
use std::process::ExitCode;

/// Verbs, with how the server is reached and how answers are shown.
#[derive(Debug, clap::Args)]
pub(super) struct Resource<V: clap::Subcommand> {
    #[command(subcommand)]
    verb: V,
    #[command(flatten)]
    remote: Remote,
    /// How answers are shown: text is a table of many, YAML of one
    #[arg(long, short, global = true, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// What a kind's verbs have in common: they ask.
pub(super) trait Asks: clap::Subcommand {
    /// `kind`: of those that several kinds share.
    async fn run(self, kind: &Kind, client: Client, output: Output) -> Result<(), Stopped>;
}

impl<V: Asks> Resource<V> {
    pub(super) fn run(self, kind: &Kind) -> ExitCode {
        let Self { verb, remote, output } = self;
        api::run(remote, |client| verb.run(kind, client, output))
    }
}
