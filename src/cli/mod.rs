//! The commands: one file each.
mod activation;
mod api;
mod apply;
mod audit;
mod completions;
mod config;
mod connector;
mod curl;
mod database;
mod demo;
mod explain;
mod export;
mod forecast;
mod healthcheck;
mod keys;
mod memory;
mod migrate;
mod openapi;
mod overview;
mod resource;
mod serve;
mod stopped;
mod text;
mod try_out;
mod webhook;

use clap::Parser;
use clap::Subcommand;
use resource::Resource;
use resource::examples;
use std::process::ExitCode;

/// An outbound authenticating gateway: it puts the credential on, so that your code never holds it.
#[derive(Debug, Parser)]
#[command(name = "attache", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    Serve(serve::Serve),
    /// Try it out: a sample API and attache in front, with requests to paste
    Demo(demo::Demo),
    /// Ask a running attache whether it is ready
    Healthcheck(healthcheck::Healthcheck),
    /// Check configuration files, or print their schema
    #[command(subcommand)]
    Config(config::Command),
    /// Print the admin API's OpenAPI document
    Openapi(openapi::Openapi),
    /// The keys that stored credentials are sealed under
    #[command(subcommand)]
    Keys(keys::Command),
    /// The audit trail: who did what, from what to what
    #[command(subcommand)]
    Audit(audit::Command),
    /// Make the database's tables, or bring them up to date
    Migrate(migrate::Migrate),
    /// Print the request that would be sent, with the rule behind each change; sends nothing
    Explain(explain::Explain),
    /// APIs that can be connected to
    #[command(after_help = examples::CONNECTOR)]
    Connector(Resource<resource::Connector>),
    /// Connectors that come with attache, to create one from
    Catalogue(Resource<resource::Catalogue>),
    /// How requests to an API prove themselves
    #[command(after_help = examples::AUTH_METHOD)]
    AuthMethod(Resource<resource::AuthMethod>),
    /// Connectors with credentials
    #[command(after_help = examples::CONNECTION)]
    Connection(Resource<resource::Connection>),
    /// Tenants under embedded connections
    #[command(after_help = examples::ACTIVATION)]
    Activation(Resource<resource::Activation>),
    /// Connectors linked under aliases
    #[command(after_help = examples::INTEGRATION)]
    Integration(Resource<resource::Integration>),
    /// Connections assigned to an integration's links
    #[command(after_help = examples::ENVIRONMENT)]
    Environment(Resource<resource::Environment>),
    /// Whoever owns credentials of their own
    #[command(after_help = examples::TENANT)]
    Tenant(Resource<resource::Verb>),
    /// Programs that send requests, and their keys
    #[command(after_help = examples::CALLER)]
    Caller(Resource<resource::Caller>),
    /// Operators' tokens
    #[command(after_help = examples::TOKEN)]
    Token(Resource<resource::Token>),
    /// Operators who are signed in to the console
    #[command(after_help = examples::SESSION)]
    Session(Resource<resource::Session>),
    /// Grants that fail, or are going to: what to have connected again, and by when
    Forecast(forecast::Forecast),
    /// Requests and their responses, as they were and as they come
    Exchange(Resource<resource::Exchange>),
    /// How many there are of everything, and how many fail
    Overview(overview::Overview),
    /// What happened
    Event(Resource<resource::Event>),
    /// Who is told of events, by signed requests
    #[command(after_help = examples::EVENT_SUBSCRIPTION)]
    EventSubscription(Resource<resource::EventSubscription>),
    /// Signatures of webhooks: why a captured request does not verify, and signed ones to try with
    #[command(subcommand)]
    Webhook(webhook::Command),
    /// What senders of webhooks delivered, and what became of it
    Delivery(Resource<resource::Delivery>),
    /// Links that tenants connect their accounts by
    #[command(after_help = examples::CONNECT_SESSION)]
    ConnectSession(Resource<resource::ConnectSession>),
    /// Have what is stored be as configuration files say: all of it, or nothing
    Apply(apply::Apply),
    /// Print what is stored, as configuration files have it
    Export(export::Export),
    /// Send a request through the proxy
    Curl(curl::Curl),
    /// Send a request through the proxy as an operator, and see what went upstream
    Try(try_out::Try),
    /// Print what a shell completes commands with
    Completions(completions::Completions),
}

/// Runs the command that the arguments name. Exit codes: 0 done, 1 failed, 2 wrong usage or invalid
/// configuration.
pub fn run() -> ExitCode {
    // A wrong usage ends here, with exit code 2 and what was wrong.
    match Cli::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::Demo(demo) => demo.run(),
        Command::Healthcheck(healthcheck) => healthcheck.run(),
        Command::Config(command) => config::run(command),
        Command::Openapi(openapi) => openapi.run(),
        Command::Keys(command) => keys::run(command),
        Command::Audit(command) => audit::run(command),
        Command::Migrate(migrate) => migrate.run(),
        Command::Explain(explain) => explain.run(),
        Command::Connector(it) => it.run(&resource::CONNECTORS),
        Command::Catalogue(it) => it.run(&resource::CATALOGUE),
        Command::AuthMethod(it) => it.run(&resource::AUTH_METHODS),
        Command::Connection(it) => it.run(&resource::CONNECTIONS),
        Command::Activation(it) => it.run(&resource::ACTIVATIONS),
        Command::Integration(it) => it.run(&resource::INTEGRATIONS),
        Command::Environment(it) => it.run(&resource::ENVIRONMENTS),
        Command::Tenant(it) => it.run(&resource::TENANTS),
        Command::Caller(it) => it.run(&resource::CALLERS),
        Command::Token(it) => it.run(&resource::TOKENS),
        Command::Session(it) => it.run(&resource::SESSIONS),
        Command::Forecast(it) => it.run(),
        Command::Exchange(it) => it.run(&resource::EXCHANGES),
        Command::Overview(it) => it.run(),
        Command::Event(it) => it.run(&resource::EVENTS),
        Command::EventSubscription(it) => it.run(&resource::EVENT_SUBSCRIPTIONS),
        Command::Webhook(command) => webhook::run(command),
        Command::Delivery(it) => it.run(&resource::WEBHOOK_DELIVERIES),
        Command::ConnectSession(it) => it.run(&resource::CONNECT_SESSIONS),
        Command::Apply(apply) => apply.run(),
        Command::Export(export) => export.run(),
        Command::Curl(curl) => curl.run(),
        Command::Try(it) => it.run(),
        Command::Completions(completions) => completions.run(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn no_two_flags_of_a_command_are_the_same() {
        Cli::command().debug_assert();
    }

    /// Each command with those below it, by what is typed.
    fn commands(command: &clap::Command, before: &str, all: &mut Vec<(String, clap::Command)>) {
        for it in command.get_subcommands() {
            let typed = format!("{before} {}", it.get_name());
            commands(it, &typed, all);
            all.push((typed, it.clone()));
        }
    }

    /// Words as a shell has them, where nothing but '…' quotes.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut is_quoted) = (vec![String::new()], false);
        for it in line.chars() {
            match it {
                '\'' => is_quoted = !is_quoted,
                ' ' if !is_quoted => words.push(String::new()),
                it => words.last_mut().unwrap().push(it),
            }
        }
        words
    }

    #[test]
    fn what_help_shows_as_an_example_can_be_typed() {
        let mut all = Vec::new();
        commands(&Cli::command(), "attache", &mut all);
        let mut seen = 0;
        for help in all.iter().filter_map(|it| it.1.get_after_help()) {
            let help = help.to_string();
            for line in help.lines().flat_map(|it| it.split("; ")) {
                let Some(line) = line.trim().strip_prefix("attache ") else { continue };
                let typed = line.split(" > ").next().unwrap();
                let words = ["attache".to_owned()].into_iter().chain(words(typed));
                Cli::try_parse_from(words).unwrap_or_else(|it| panic!("{typed}: {it}"));
                seen += 1;
            }
        }
        assert!(seen > 20, "only {seen} examples");
    }

    #[test]
    fn every_command_and_every_argument_says_what_it_is() {
        let mut all = Vec::new();
        commands(&Cli::command(), "attache", &mut all);
        let mut silent = Vec::new();
        for (typed, command) in &all {
            if command.get_about().is_none() {
                silent.push(typed.clone());
            }
            let arguments = command.get_arguments().filter(|it| it.get_help().is_none());
            silent.extend(arguments.map(|it| format!("{typed}: {}", it.get_id())));
        }
        assert!(silent.is_empty(), "without a word of help:\n{}", silent.join("\n"));
    }
}
