//! `attache connector import`: a connector from an API's own description.
use crate::catalog::BaseUrlTemplate;
use crate::cli::api::Ask;
use crate::cli::api::Client;
use crate::cli::api::path;
use crate::cli::resource::Output;
use crate::cli::stopped::Stopped;
use crate::cli::text::plain;
use crate::import;
use crate::import::DOCUMENT_LEN_MAX;
use crate::import::ImportError;
use crate::import::Imported;
use crate::import::Options;
use crate::import::Report;
use crate::import::Told;
use crate::model::Key;
use clap::Args;
use http::Method;
use serde_json::Value;
use serde_json::json;
use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

/// Make a connector of an OpenAPI 3 or Swagger 2.0 document, JSON or YAML; nothing is fetched
///
/// The definition goes to the standard output, as a configuration file has it (`--output json`: as the API takes it), and
/// what was left out of it to the standard error. No attache is asked, unless with `--create`.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct Import {
    /// The document; `-` for the standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The connector's key. Default: made of the document's title
    #[arg(long, value_name = "KEY", value_parser = parse_key)]
    key: Option<Key>,
    /// Where the API is, instead of what the document says
    #[arg(long, value_name = "URL", value_parser = parse_base_url)]
    base_url: Option<String>,
    /// Create it at the server, which reads the document; an error where there is one of this key
    #[arg(long)]
    create: bool,
    /// Only tell what would be in it and what would be left out; with `--output json` for programs
    #[arg(long)]
    dry_run: bool,
}

impl Import {
    pub(in crate::cli) async fn run(
        self,
        client: &mut Client,
        output: Output,
    ) -> Result<(), Stopped> {
        let name = self.file.display().to_string();
        let document = read(&self.file).map_err(|it| Stopped::Failed(format!("{name}: {it}")))?;
        if self.create {
            self.created(client, document, &name, output).await
        } else {
            self.written(&document, &name, output)
        }
    }

    async fn created(
        self,
        client: &mut Client,
        document: Vec<u8>,
        name: &str,
        output: Output,
    ) -> Result<(), Stopped> {
        let is_json = document.trim_ascii_start().starts_with(b"{");
        let kind = if is_json { "application/json" } else { "application/yaml" };
        let mut ask = Ask::new(Method::POST, path(["connectors", "import"]));
        if let Some(key) = &self.key {
            ask = ask.query("key", key.as_str());
        }
        if let Some(base_url) = &self.base_url {
            ask = ask.query("base_url", base_url);
        }
        if self.dry_run {
            ask = ask.rehearsed();
        }
        let mut answer = client.ask(ask.document(document, kind)).await?;
        if output != Output::Json {
            let report = serde_json::from_value::<Report>(answer.body["report"].take());
            let connector = answer.body["connector"].take();
            if let Ok(report) = report {
                tell(&report, connector["key"].as_str().unwrap_or_default(), name);
            }
            answer.body = if self.dry_run { Value::Null } else { connector };
        }
        output.answer(&answer)
    }

    fn written(self, document: &[u8], name: &str, output: Output) -> Result<(), Stopped> {
        let options = Options { key: self.key, base_url: self.base_url };
        let imported = import::import(document, &options).map_err(|it| refused(&it, name))?;
        let Imported { key, report, .. } = &imported;
        let is_json = output == Output::Json;
        let text = match (is_json, self.dry_run) {
            (true, true) => format!("{:#}\n", json!(report)),
            (true, false) => format!("{:#}\n", imported.to_json()),
            (false, true) => String::new(),
            (false, false) => imported.to_yaml(),
        };
        if !is_json || !self.dry_run {
            tell(report, key.as_str(), name);
        }
        let written = io::stdout().write_all(text.as_bytes());
        written.map_err(|it| Stopped::Failed(format!("the definition: {}", it.kind())))
    }
}

/// No more than a document can have: one byte beyond tells that it is too long.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let most = u64::try_from(DOCUMENT_LEN_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut document = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut document)?;
    } else {
        let file = File::open(path)?;
        let len = file.metadata()?.len().min(most);
        document.reserve_exact(usize::try_from(len).unwrap_or_default());
        file.take(most).read_to_end(&mut document)?;
    }
    Ok(document)
}

/// For people, who see the definition elsewhere. Whoever wrote the document has no say over their terminal.
fn tell(report: &Report, key: &str, name: &str) {
    let base_url = report.base_url.as_deref().unwrap_or("none");
    eprintln!("{} as connector `{key}`", plain(&report.format));
    eprintln!("  base URL   {}", plain(base_url));
    eprintln!("  endpoints  {}", report.endpoints);
    for it in &report.auth {
        eprintln!("  auth       {} ({}), from {}", it.method, it.r#type, plain(&it.pointer));
    }
    for place in &report.places {
        let Told { pointer, problem, hint, .. } = place;
        let place = Told {
            pointer: plain(pointer),
            problem: plain(problem),
            hint: plain(hint),
            ..place.clone()
        };
        eprintln!("{name}:{place}");
    }
    if report.more > 0 {
        eprintln!("… and {} places more", report.more);
    }
}

/// With its place as configuration problems have it: `pets.yaml:3:5: …`.
fn refused(error: &ImportError, name: &str) -> Stopped {
    let place = match (error.line, error.column) {
        (0, _) => String::new(),
        (line, 0) => format!(":{line}"),
        (line, column) => format!(":{line}:{column}"),
    };
    let hint = if error.hint.is_empty() { "" } else { "\n  " };
    Stopped::Failed(format!("{name}{place}: {}{hint}{}", plain(&error.problem), plain(&error.hint)))
}

fn parse_key(text: &str) -> Result<Key, String> {
    Key::try_from(text).map_err(|it| it.to_string())
}

/// As it is; a document is none the worse for a bad one.
fn parse_base_url(text: &str) -> Result<String, String> {
    let parsed = BaseUrlTemplate::parse(text);
    parsed.map(|_| text.to_owned()).map_err(|it| format!("{it}: {}", it.hint()))
}
