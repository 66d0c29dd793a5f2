//! `attache export`: what is stored, as configuration files have it; no secret is in it.
mod entry;
mod names;

use super::api;
use super::api::Client;
use super::api::Remote;
use super::api::all;
use super::api::path;
use super::stopped::Stopped;
use clap::Args;
use entry::Entries;
use serde_json::Map;
use serde_json::Value;
use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

/// What stands in front of what is written. No date: what has not changed is the same text again.
const HEAD: &str = "\
# Written by `attache export`. No secret is in here: a credential is the name of a setting, ${ATTACHE_…}.
# Give it to `attache apply`, where a setting that is not set keeps what is stored, or to `attache serve
# --config`, for which all have to be set.
";

/// Prints what is stored as configuration files have it: by stable keys, credentials as `${…}`.
#[derive(Args, Clone, Debug)]
pub(super) struct Export {
    /// A folder for it, with one file for each section. Default: all on standard output
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// What configuration files declare as well
    #[arg(long)]
    all: bool,
    /// Tenants and their activations as well: most are of one deployment alone
    #[arg(long)]
    with_tenants: bool,
    /// Event subscriptions as well: files of `attache serve --config` take none
    #[arg(long)]
    with_event_subscriptions: bool,
    #[command(flatten)]
    remote: Remote,
}

impl Export {
    pub(super) fn run(self) -> ExitCode {
        let Self { output, all, with_tenants, with_event_subscriptions, remote } = self;
        api::run(remote, async move |mut client| {
            let mut sections = sections(&mut client, all, with_tenants).await?;
            if with_event_subscriptions {
                let items = listed(&mut client, &path(["event_subscriptions"])).await?;
                sections.push(("event_subscriptions", Entries::event_subscriptions(items)));
            }
            match output {
                None => printed(&sections),
                Some(folder) => written(&folder, &sections),
            }
        })
    }
}

/// A section of a configuration file and what stands in it.
type Section = (&'static str, Value);

/// In the order in which they refer to each other. An empty one is one too: it says that there is nothing.
async fn sections(
    client: &mut Client,
    with_files: bool,
    with_tenants: bool,
) -> Result<Vec<Section>, Stopped> {
    let mut entries = Entries::new(with_files);
    let mut sections = Vec::new();
    // Connections are compared with what their connectors have, be those written or not.
    let connectors = listed(client, &path(["connectors"])).await?;
    entries.remember(&connectors);
    sections.push(("connectors", entries.connectors(connectors)));
    if with_tenants {
        let tenants = listed(client, &path(["tenants"])).await?;
        sections.push(("tenants", entries.tenants(tenants)));
    }
    let connections = listed(client, &path(["connections"])).await?;
    let embedded: Vec<String> = connections
        .iter()
        .filter(|it| it["embedded"] == Value::Bool(true))
        .filter_map(|it| it["key"].as_str().map(str::to_owned))
        .collect();
    sections.push(("connections", entries.connections(connections)));
    for section in ["integrations", "environments"] {
        let items = listed(client, &path([section])).await?;
        sections.push((section, entries.plain(items)));
    }
    let callers = listed(client, &path(["callers"])).await?;
    sections.push(("callers", entries.callers(callers)));
    if with_tenants {
        let mut activations = Vec::new();
        for key in &embedded {
            let items = listed(client, &path(["connections", key, "activations"])).await?;
            activations.extend(entries.activations(items));
        }
        sections.push(("activations", Value::Array(activations)));
    }
    Ok(sections)
}

/// All of a list. What does not read is not left out without a word: whoever applies it would delete it.
async fn listed(client: &mut Client, path: &str) -> Result<Vec<Value>, Stopped> {
    let listed = all(client, path).await?;
    match &*listed.unreadable {
        [] => Ok(listed.items),
        broken => Err(Stopped::Failed(format!(
            "nothing is exported: what is stored does not read all. Delete or replace\n  {}",
            broken.join("\n  ")
        ))),
    }
}

fn text(section: &Section) -> Result<String, Stopped> {
    let mut file = Map::new();
    file.insert(section.0.to_owned(), section.1.clone());
    let text = serde_yaml::to_string(&Value::Object(file));
    text.map_err(|it| Stopped::Failed(format!("{} can't be written: {it}", section.0)))
}

fn printed(sections: &[Section]) -> Result<(), Stopped> {
    let mut all = HEAD.to_owned();
    for section in sections {
        all.push('\n');
        all.push_str(&text(section)?);
    }
    match io::stdout().write_all(all.as_bytes()) {
        // Whoever reads has read enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|it| Stopped::Failed(format!("the export: {}", it.kind()))),
    }
}

/// One file each; others in the folder stay as they are.
fn written(folder: &Path, sections: &[Section]) -> Result<(), Stopped> {
    let failed = |it: io::Error| {
        Stopped::Failed(format!("{} can't be written: {}", folder.display(), it.kind()))
    };
    fs::create_dir_all(folder).map_err(failed)?;
    for section in sections {
        let text = format!("{HEAD}\n{}", text(section)?);
        fs::write(folder.join(format!("{}.yaml", section.0)), text).map_err(failed)?;
    }
    Ok(())
}
