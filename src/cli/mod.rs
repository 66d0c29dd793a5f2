//! The commands: one file each.
mod audit;
mod config;
mod connector;
mod database;
mod demo;
mod explain;
mod healthcheck;
mod keys;
mod memory;
mod migrate;
mod openapi;
mod serve;
mod stopped;

use clap::Parser;
use clap::Subcommand;
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
    /// APIs that can be connected to
    #[command(subcommand)]
    Connector(connector::Command),
    /// Print the request that would be sent, with the rule behind each change; sends nothing
    Explain(explain::Explain),
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
        Command::Connector(command) => connector::run(command),
        Command::Explain(explain) => explain.run(),
    }
}
