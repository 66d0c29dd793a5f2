//! `attache config`: what a configuration says, without serving it.
use super::api;
use super::api::Ask;
use super::api::Listed;
use super::api::Remote;
use super::api::path;
use super::resource::CONFIGURATION;
use super::resource::Output;
use crate::catalog::RawCatalog;
use crate::config::RawSettings;
use crate::reload;
use http::Method;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::Transform;
use schemars::transform::transform_subschemas;
use serde_json::Value;
use serde_json::json;
use std::io;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Check files and folders, and tell everything that is wrong
    Check {
        /// Configuration files, or folders of them
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
    /// Print the JSON Schema of configuration files, for editors
    Schema,
    /// Ask a running attache what is in force, and where each value comes from
    Show {
        #[command(flatten)]
        remote: Remote,
        /// How the answer is shown: text is a table
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
}

pub(super) fn run(command: Command) -> ExitCode {
    match command {
        Command::Check { paths } => check(&paths),
        Command::Schema => print_schema(),
        Command::Show { remote, output } => show(remote, output),
    }
}

/// Checks files as `serve` would read them. The whole list of problems goes to standard error, and
/// the exit code is 2; warnings alone are no failure.
pub fn check(paths: &[PathBuf]) -> ExitCode {
    let has_store = super::database::is_named();
    let loaded = reload::load(paths, &|name| std::env::var(name).ok());
    let (warnings, errors) = match loaded.and_then(|it| it.with_store(has_store)) {
        Ok(loaded) => (loaded.warnings, Vec::new()),
        Err(errors) => (Vec::new(), errors),
    };
    let mut text = String::new();
    for warning in &warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    for error in &errors {
        text.push_str(&format!("{error}\n"));
    }
    let (verdict, code) = match (errors.len(), warnings.len()) {
        (0, 0) => ("the configuration is sound".to_owned(), ExitCode::SUCCESS),
        (0, 1) => ("the configuration is sound, with 1 warning".to_owned(), ExitCode::SUCCESS),
        (0, n) => (format!("the configuration is sound, with {n} warnings"), ExitCode::SUCCESS),
        (1, _) => ("1 problem".to_owned(), ExitCode::from(2)),
        (n, _) => (format!("{n} problems"), ExitCode::from(2)),
    };
    text.push_str(&verdict);
    text.push('\n');
    let written = if errors.is_empty() {
        io::stdout().write_all(text.as_bytes())
    } else {
        io::stderr().write_all(text.as_bytes())
    };
    if written.is_err() { ExitCode::FAILURE } else { code }
}

fn show(remote: Remote, output: Output) -> ExitCode {
    api::run(remote, async move |mut client| {
        let mut body = client.ask(Ask::new(Method::GET, path(["configuration"]))).await?.body;
        let items = match body["items"].take() {
            Value::Array(items) => items,
            _ => Vec::new(),
        };
        output.listed(&CONFIGURATION, Listed { items, unreadable: Vec::new() })
    })
}

fn print_schema() -> ExitCode {
    match io::stdout().write_all(schema().as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// All that a file may hold, for the schema alone.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Everything {
    #[schemars(flatten)]
    _settings: RawSettings,
    #[schemars(flatten)]
    _catalog: RawCatalog,
}

/// The JSON Schema (2020-12) of a configuration file, as text with a final newline.
pub fn schema() -> String {
    let mut schema = SchemaSettings::draft2020_12()
        .with_transform(Interpolated)
        .into_generator()
        .into_root_schema_for::<Everything>();
    schema.insert("title".into(), "attache configuration".into());
    let text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    text + "\n"
}

/// Says that `${NAME}` may stand where a number or a boolean is due, and leaves out the widths of
/// integers, which say nothing to whoever writes a file.
#[derive(Clone, Debug)]
struct Interpolated;

impl Transform for Interpolated {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else { return };
        object.remove("format");
        let is_bare = |it: &Value| matches!(it.as_str(), Some("integer" | "number" | "boolean"));
        let of_type = object.get("type").is_some_and(|it| match it {
            Value::Array(several) => several.iter().any(is_bare),
            one => is_bare(one),
        });
        if !of_type {
            return;
        }
        let described: Vec<(String, Value)> = ["description", "default"]
            .into_iter()
            .filter_map(|key| Some((key.to_owned(), object.remove(key)?)))
            .collect();
        let bare = Value::Object(std::mem::take(object));
        object.extend(described);
        object.insert("anyOf".into(), json!([bare, { "type": "string", "pattern": "\\$\\{" }]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMITTED: &str = include_str!("../../config/attache.schema.json");
    const EVERY_KEY: &str = include_str!("../../config/attache.yaml");

    #[test]
    fn the_committed_schema_is_the_one_that_is_printed() {
        let hint = "run: attache config schema > config/attache.schema.json";
        assert!(schema() == COMMITTED, "config/attache.schema.json is not current; {hint}");
    }

    #[test]
    fn the_full_configuration_shows_every_key() {
        let schema: Value = serde_json::from_str(COMMITTED).unwrap();
        let mut missing = Vec::new();
        let types = schema["$defs"].as_object().unwrap();
        for (name, fields) in types.iter().chain([(&"the file".to_owned(), &schema)]) {
            let Some(fields) = fields["properties"].as_object() else { continue };
            for field in fields.keys() {
                let before = |it: char| !it.is_alphanumeric() && it != '_';
                let shown = EVERY_KEY.match_indices(&**field).any(|(at, _)| {
                    let rest = &EVERY_KEY[at + field.len()..];
                    EVERY_KEY[..at].ends_with(before) && rest.starts_with([':', ' ', ','])
                });
                if !shown {
                    missing.push(format!("{name}: {field}"));
                }
            }
        }
        assert!(missing.is_empty(), "config/attache.yaml lacks {}", missing.join(", "));
    }
}
