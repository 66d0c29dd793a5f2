//! `attache connector import`: a connector from an API's own description.
use crate::cli::resource::Output;
use crate::cli::stopped::Stopped;
use crate::import;
use crate::import::DOCUMENT_LEN_MAX;
use crate::import::Imported;
use crate::import::Options;
use crate::model::Key;
use clap::Args;
use serde_json::json;
use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

/// Makes a connector of an OpenAPI 3 or Swagger 2.0 document, JSON or YAML. Asks nobody and fetches nothing: the
/// definition goes to the standard output, and what was left out of it to the standard error
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct Import {
    /// The document; `-` for the standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The connector's key. Default: made of the document's title
    #[arg(long, value_name = "KEY", value_parser = parse_key)]
    key: Option<Key>,
    /// Where the API is, instead of what the document says
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Only tell what would be in it and what would be left out; with `--output json` for programs
    #[arg(long)]
    dry_run: bool,
}

impl Import {
    /// `output`: JSON for programs and the API, else as a configuration file has it.
    pub(in crate::cli) fn run(self, output: Output) -> Result<(), Stopped> {
        let name = self.file.display().to_string();
        let document = read(&self.file).map_err(|it| Stopped::Failed(format!("{name}: {it}")))?;
        let options = Options { key: self.key, base_url: self.base_url };
        let imported = import::import(&document, &options).map_err(|error| {
            let hint = if error.hint.is_empty() { "" } else { "\n  " };
            Stopped::Failed(format!("{name}: {error}{hint}{}", error.hint))
        })?;
        let is_json = output == Output::Json;
        let text = match (is_json, self.dry_run) {
            (true, true) => format!("{:#}\n", json!(imported.report)),
            (true, false) => format!("{:#}\n", imported.to_json()),
            (false, true) => String::new(),
            (false, false) => imported.to_yaml(),
        };
        if !is_json || !self.dry_run {
            tell(&imported);
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
        File::open(path)?.take(most).read_to_end(&mut document)?;
    }
    Ok(document)
}

/// For people, who see the definition elsewhere.
fn tell(imported: &Imported) {
    let report = &imported.report;
    let base_url = report.base_url.as_deref().unwrap_or("none");
    eprintln!("{} as connector `{}`", report.format, imported.key);
    eprintln!("  base URL   {base_url}");
    eprintln!("  endpoints  {}", report.endpoints);
    for it in &report.auth {
        eprintln!("  auth       {} ({}), from {}", it.method, it.r#type, it.pointer);
    }
    for place in &report.places {
        eprintln!("{place}");
    }
    if report.more > 0 {
        eprintln!("… and {} places more", report.more);
    }
}

fn parse_key(text: &str) -> Result<Key, String> {
    Key::try_from(text).map_err(|it| it.to_string())
}
