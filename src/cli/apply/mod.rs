//! `attache apply`: what is stored becomes what files say. First what would be, then, if that is meant, all of it.
mod files;
mod shown;

use super::api;
use super::api::Answer;
use super::api::Ask;
use super::api::Client;
use super::api::Problem;
use super::api::Remote;
use super::resource::Output;
use super::stopped::Stopped;
use clap::Args;
use files::Files;
use http::Method;
use serde_json::Value;
use shown::shown;
use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Has what is stored be as configuration files say: shows what that changes and for whom, asks, and does all of
/// it or nothing.
///
/// Applied twice, the second time changes nothing. Credentials stand in files as ${NAME} or ${file:…}; one that
/// is not set here is kept as it is stored. Nothing is deleted without --prune.
#[derive(Args, Clone, Debug)]
pub(super) struct Apply {
    /// A configuration file, a folder of them, or - for standard input. May be given several times
    #[arg(long = "file", short, value_name = "PATH", required = true)]
    files: Vec<PathBuf>,
    /// Only show what would be created, changed, re-pinned and deleted, and who would be affected
    #[arg(long)]
    plan: bool,
    /// Delete what is stored and not in the files, of the sections that they have
    #[arg(long)]
    prune: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Even if something that works now would not work any more
    #[arg(long)]
    force: bool,
    /// Stored credentials may go to another origin than the one they were entered for
    #[arg(long)]
    confirm_origin: bool,
    /// How what would be, or is done, is shown
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    #[command(flatten)]
    remote: Remote,
}

impl Apply {
    pub(super) fn run(self) -> ExitCode {
        let remote = self.remote.clone();
        api::run(remote, |client| self.done(client))
    }

    async fn done(self, mut client: Client) -> Result<(), Stopped> {
        let files = Files::read(&self.files)?;
        let asked = self.ask(&files).rehearsed();
        let planned = client.try_ask(asked).await?;
        let plan = planned.map_err(|it| self.refused(&files, it))?.body;
        if self.plan {
            return self.print(&plan);
        }
        let is_for_people = self.output == Output::Text;
        if is_for_people || is_nothing(&plan) {
            self.print(&plan)?;
        }
        if is_nothing(&plan) {
            return Ok(());
        }
        self.refuse(&plan)?;
        self.confirm()?;
        let known_as = plan["plan"].as_str().unwrap_or_default();
        let done = client.try_ask(self.ask(&files).query("plan", known_as)).await?;
        let done: Answer = done.map_err(|it| self.refused(&files, it))?;
        if let Some(notice) = done.notice() {
            eprintln!("attache: {notice}");
        }
        if is_for_people { said("\nApplied.\n") } else { self.print(&done.body) }
    }

    fn ask(&self, files: &Files) -> Ask {
        let mut ask = Ask::new(Method::POST, "/v1/apply").body(files.body());
        for (is_said, name, value) in [
            (self.prune, "prune", "true"),
            (self.force, "force", "true"),
            (self.confirm_origin, "confirm", "origin"),
        ] {
            if is_said {
                ask = ask.query(name, value);
            }
        }
        ask
    }

    fn print(&self, outcome: &Value) -> Result<(), Stopped> {
        if self.output != Output::Text {
            return self.output.one(outcome);
        }
        let coloured = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        said(&shown(outcome, coloured))
    }

    /// What the API would refuse: it was shown, and takes a flag.
    fn refuse(&self, plan: &Value) -> Result<(), Stopped> {
        let is_any = |name: &str| plan[name].as_array().is_some_and(|it| !it.is_empty());
        let mut flags = Vec::new();
        if is_any("breaks") && !self.force {
            flags.push("what works now would not work any more: --force does it all the same");
        }
        if is_any("moves") && !self.confirm_origin {
            flags
                .push("stored credentials would go elsewhere: --confirm-origin says that they may");
        }
        if flags.is_empty() {
            return Ok(());
        }
        Err(Stopped::Failed(format!("nothing was done: {}", flags.join("\n  "))))
    }

    fn confirm(&self) -> Result<(), Stopped> {
        if self.yes {
            return Ok(());
        }
        let from_input = self.files.iter().any(|it| it.as_os_str() == "-");
        if from_input || !io::stdin().is_terminal() {
            let told = "nothing was done: nobody can be asked here; --yes does it unasked";
            return Err(Stopped::Failed(told.to_owned()));
        }
        said("\nDo this? [y/N] ")?;
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        read.map_err(|it| Stopped::Failed(format!("standard input: {}", it.kind())))?;
        match &*answer.trim().to_ascii_lowercase() {
            "y" | "yes" => Ok(()),
            _ => Err(Stopped::Failed("nothing was done".to_owned())),
        }
    }

    /// What is wrong with the files is told with their lines.
    fn refused(&self, files: &Files, problem: Problem) -> Stopped {
        if problem.code != "invalid" || problem.errors.is_empty() {
            return problem.into();
        }
        let mut errors: Vec<_> = problem.errors.iter().map(|it| files.error(it)).collect();
        files.conceal(&mut errors);
        files.sort(&mut errors);
        Stopped::from(errors)
    }
}

fn is_nothing(outcome: &Value) -> bool {
    ["create", "change", "repin", "delete"]
        .iter()
        .all(|it| outcome[it].as_array().is_none_or(Vec::is_empty))
}

fn said(text: &str) -> Result<(), Stopped> {
    let mut out = io::stdout();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|it| Stopped::Failed(format!("standard output: {}", it.kind())))
}
