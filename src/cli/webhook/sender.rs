//! How the sender signs, and with what: a preset, a description, or a connection of a configuration.
use super::declared;
use super::request::bytes;
use super::request::shown;
use crate::cli::api;
use crate::cli::stopped::Stopped;
use crate::config::Document;
use crate::config::File;
use crate::config::Sources;
use crate::config::Step;
use crate::model::Secret;
use crate::webhook::KeysForm;
use crate::webhook::PublicKeys;
use crate::webhook::RawDescription;
use crate::webhook::Sender;
use crate::webhook::Verifier;
use clap::Args;
use serde_json::Value;
use serde_json::json;
use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// The setting with the secret.
const SECRET: &str = "ATTACHE_WEBHOOK_SECRET";

/// The setting with what handshakes show.
const VERIFY_TOKEN: &str = "ATTACHE_WEBHOOK_VERIFY_TOKEN";

/// Who signs.
#[derive(Args, Clone, Debug)]
pub(super) struct SenderArgs {
    /// A description that comes with attache: github, stripe, slack …
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// A file with a description, or the description itself where it begins with {
    #[arg(long, value_name = "FILE|YAML")]
    description: Option<String>,
    /// A connection of the configuration that --config names: its description and its secret
    #[arg(long, value_name = "KEY", requires = "config")]
    connection: Option<String>,
    /// A configuration file or a folder of them; may be given several times
    #[arg(long, env = "ATTACHE_CONFIG", value_name = "PATH")]
    config: Vec<PathBuf>,
    /// The tenant, where the connection is embedded
    #[arg(long, value_name = "ID", requires = "connection")]
    tenant: Option<String>,
    /// A file with the secret, or with the sender's public key. May be given several times, the newest first. The secret itself may stand in the setting ATTACHE_WEBHOOK_SECRET
    #[arg(long, env = "ATTACHE_WEBHOOK_SECRET_FILE", value_name = "FILE")]
    secret_file: Vec<PathBuf>,
    /// Another setting that has a secret; may be given several times, after those of files
    #[arg(long, value_name = "NAME")]
    secret_env: Vec<String>,
    /// A file with what handshakes show, where ATTACHE_WEBHOOK_VERIFY_TOKEN is not set
    #[arg(long, env = "ATTACHE_WEBHOOK_VERIFY_TOKEN_FILE", value_name = "FILE")]
    verify_token_file: Option<PathBuf>,
    /// What one is known by at the sender, where the description takes an `account`
    #[arg(long, value_name = "TEXT")]
    account: Option<String>,
}

impl SenderArgs {
    pub(super) fn read(&self) -> Result<Sender, Stopped> {
        let mut sender = match (&self.preset, &self.description, &self.connection) {
            (Some(name), _, _) => Sender::of(json!({ "preset": name })),
            (_, Some(text), _) => Sender::of(written(text)?),
            (_, _, Some(key)) => declared::sender(&self.config, key, self.tenant.as_deref())?,
            (None, None, None) => {
                let told = "how is it signed? Say --preset, --description or --connection";
                return Err(Stopped::Invalid(told.to_owned()));
            }
        };
        let secrets = self.secrets()?;
        if !secrets.is_empty() {
            sender.secrets = secrets;
        }
        let verify_token = api::secret(VERIFY_TOKEN, self.verify_token_file.as_deref())?;
        sender.verify_token = verify_token.or(sender.verify_token);
        sender.account = self.account.clone().or(sender.account);
        Ok(sender)
    }

    /// Of the flags, else of the setting.
    fn secrets(&self) -> Result<Vec<Secret>, Stopped> {
        let mut secrets = Vec::new();
        for path in &self.secret_file {
            secrets.push(api::secret_of_file(path)?);
        }
        for name in &self.secret_env {
            let secret = api::secret(name, None)?;
            secrets.push(secret.ok_or_else(|| Stopped::Invalid(format!("{name} is not set")))?);
        }
        if secrets.is_empty() {
            secrets.extend(api::secret(SECRET, None)?);
        }
        Ok(secrets)
    }
}

/// What checks as this sender signs.
pub(super) fn verifier(sender: &Sender) -> Result<Verifier, Stopped> {
    let description = sender.description().map_err(|errors| {
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Stopped::Invalid(format!("the description is not valid\n{}", texts.join("\n")))
    })?;
    description.verifier(&sender.given()).map_err(|it| {
        let ways = "--secret-file FILE, --secret-env NAME, or the setting ATTACHE_WEBHOOK_SECRET";
        let ways = if sender.secrets.is_empty() { format!("\n  {ways}") } else { String::new() };
        Stopped::Invalid(format!("{it}{ways}"))
    })
}

/// A description as it is written: in a file, or here.
fn written(text: &str) -> Result<Value, Stopped> {
    let (name, text) = if text.trim_start().starts_with('{') {
        ("--description".to_owned(), text.to_owned())
    } else {
        let path = Path::new(text);
        let read = bytes(path)?;
        let text = String::from_utf8(read);
        (shown(path), text.map_err(|_| Stopped::Invalid(format!("{} is no text", shown(path))))?)
    };
    let file = |it: &Path| fs::read_to_string(it).map_err(|it| it.kind().to_string());
    let setting = |it: &str| env::var(it).ok();
    let sources = Sources { setting: &setting, file: &file };
    let mut errors = Vec::new();
    let document = Document::parse(&[File { name: &name, text: &text }], sources, &mut errors);
    // As it stands in a configuration, with its type's name above it, it is taken as well.
    let above: &[_] = if document.section("hmac").is_some() { &[Step::Key("hmac")] } else { &[] };
    let raw = document.read::<RawDescription>(above, &mut errors);
    document.conceal(&mut errors);
    match raw {
        Some(raw) if errors.is_empty() => {
            serde_json::to_value(raw).map_err(|it| Stopped::Invalid(it.to_string()))
        }
        _ => {
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Err(Stopped::Invalid(format!("the description is not valid\n{}", texts.join("\n"))))
        }
    }
}

/// Keys that a sender publishes, from a file: a JWK set or a certificate.
pub(super) fn public_keys(path: &Path) -> Result<PublicKeys, Stopped> {
    let bytes = bytes(path)?;
    let forms = [KeysForm::Jwks, KeysForm::Certificate];
    forms.iter().find_map(|it| PublicKeys::read(*it, &bytes)).ok_or_else(|| {
        let told = "neither a JWK set nor a certificate in PEM";
        Stopped::Invalid(format!("{} is {told}", shown(path)))
    })
}
