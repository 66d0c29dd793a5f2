//! `attache serve`: runs the gateway until it is told to stop.
use super::database;
use super::database::DATABASE_URL;
use super::memory;
use crate::app::App;
use crate::app::Options;
use crate::app::StartError;
use crate::config::LogFormat;
use crate::config::LogSettings;
use crate::config::Origin;
use crate::config::OriginKind;
use crate::config::StoreUrl;
use crate::model::Secret;
use crate::reload;
use crate::reload::Loaded;
use crate::telemetry::log;
use crate::telemetry::log::Log;
use crate::telemetry::log::report_panics;
use clap::Args;
use std::fs;
use std::io;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// Shortest admin token, as in a configuration file.
const ADMIN_TOKEN_LEN_MIN: usize = 16;

/// Runs the gateway.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// A file or a folder of files; may be given several times
    #[arg(long, env = "ATTACHE_CONFIG", value_name = "PATH")]
    config: Vec<PathBuf>,
    /// Where attache keeps what it makes itself
    #[arg(long, env = "ATTACHE_DATA_DIR", value_name = "DIR", default_value = "data")]
    data_dir: PathBuf,
    /// The store: `sqlite:PATH` or `postgres://…`. Default: the configuration's; without any
    /// configuration, SQLite in the data folder
    #[arg(long, env = DATABASE_URL, value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Loopback only; makes the caller key, the admin token and the sealing key that are missing, and
    /// prints them once
    #[arg(long, env = "ATTACHE_DEV")]
    dev: bool,
    /// Once ready, write the listeners' addresses to this file, as JSON
    #[arg(long, env = "ATTACHE_ADDRESSES", value_name = "FILE")]
    addresses: Option<PathBuf>,
}

impl Serve {
    pub fn run(self) -> ExitCode {
        let is_private = memory::keep_private();
        // Heard from the first moment on: one that comes while we start is not lost.
        let signals = match Signals::listen() {
            Ok(signals) => signals,
            Err(error) => {
                eprintln!("attache: signals can't be heard: {}", error.kind());
                return ExitCode::FAILURE;
            }
        };
        match self.start() {
            Ok((app, log)) => {
                if !is_private {
                    tracing::warn!(
                        "core dumps can't be switched off here: one would hold credentials"
                    );
                }
                let code = signals.wait_for_the_end(app);
                drop(log);
                code
            }
            Err(error) => {
                explain(&error);
                match error {
                    StartError::Config(_) | StartError::Refused(_) => ExitCode::from(2),
                    _ => ExitCode::FAILURE,
                }
            }
        }
    }

    fn start(&self) -> Result<(App, Option<Log>), StartError> {
        let mut config = self.config.clone();
        let store =
            match database::said(self.database_url.as_deref()).map_err(StartError::Refused)? {
                None if config.is_empty() => Some(StoreUrl::Sqlite(None)),
                url => url,
            };
        let mut made = None;
        if self.dev {
            let loaded = load(&config)?;
            check_loopback(&loaded)?;
            made = self.make_what_is_missing(&loaded)?;
            config.extend(made.clone());
        }
        let mut log = None;
        let admin_token = admin_token()?;
        let spill = Some(self.data_dir.clone()).filter(|it| it.is_dir());
        let data_dir = self.data_dir.clone();
        let options = Options {
            config,
            admin_token,
            spill,
            store,
            data_dir,
            dev: self.dev,
            made,
            store_by: database::named_by(self.database_url.as_deref()),
            admin_token_by: admin_token_by(),
            ..Options::default()
        };
        let app = App::start(options, |settings| {
            log = Some(start_log(settings)?);
            Ok(())
        })?;
        report_panics(Arc::clone(app.metrics()));
        if let Some(path) = &self.addresses {
            write_addresses(path, &app).map_err(|it| {
                StartError::Refused(format!("{} can't be written: {}", path.display(), it.kind()))
            })?;
        }
        Ok((app, log))
    }

    /// With `--dev`: a file in the data folder with the caller key and the admin token that the
    /// configuration lacks, made at the first start.
    fn make_what_is_missing(&self, loaded: &Loaded) -> Result<Option<PathBuf>, StartError> {
        let needs_caller = loaded.snapshot.callers().next().is_none();
        let needs_token = loaded.settings.admin.token.is_none() && admin_token()?.is_none();
        if !needs_caller && !needs_token {
            return Ok(None);
        }
        let path = self.data_dir.join("dev.yaml");
        if !path.exists() {
            let mut text = "# Made by `attache serve --dev`: for this machine only.\n".to_owned();
            if needs_caller {
                text += &format!("callers:\n  dev: {{ key: {} }}\n", random_key());
            }
            if needs_token {
                text += &format!("server:\n  admin: {{ token: {} }}\n", random_key());
            }
            let failed = |it: io::Error| {
                StartError::Refused(format!("{} can't be written: {}", path.display(), it.kind()))
            };
            fs::create_dir_all(&self.data_dir).map_err(failed)?;
            write_private(&path, &text).map_err(failed)?;
            eprintln!("{} was made:\n{text}", path.display());
        }
        Ok(Some(path))
    }
}

/// The admin token from `ATTACHE_ADMIN_TOKEN`, or from the file that `ATTACHE_ADMIN_TOKEN_FILE` names.
fn admin_token() -> Result<Option<Secret>, StartError> {
    let text =
        match (std::env::var("ATTACHE_ADMIN_TOKEN"), std::env::var("ATTACHE_ADMIN_TOKEN_FILE")) {
            (Ok(text), _) => text,
            (Err(_), Ok(path)) => fs::read_to_string(&path).map_err(|it| {
                StartError::Refused(format!(
                    "ATTACHE_ADMIN_TOKEN_FILE: {path} can't be read: {}",
                    it.kind()
                ))
            })?,
            (Err(_), Err(_)) => return Ok(None),
        };
    let token = text.strip_suffix('\n').unwrap_or(&text);
    if token.len() < ADMIN_TOKEN_LEN_MIN || !token.bytes().all(|it| it.is_ascii_graphic()) {
        return Err(StartError::Refused(format!(
            "ATTACHE_ADMIN_TOKEN: an admin token has at least {ADMIN_TOKEN_LEN_MIN} visible ASCII \
             characters; make one with `openssl rand -hex 24`"
        )));
    }
    Ok(Some(Secret::new(token)))
}

/// Which setting that came from.
fn admin_token_by() -> Origin {
    let names = ["ATTACHE_ADMIN_TOKEN", "ATTACHE_ADMIN_TOKEN_FILE"];
    let setting = names.into_iter().find(|it| std::env::var_os(it).is_some());
    Origin {
        kind: OriginKind::Environment,
        setting: setting.map(str::to_owned),
        ..Origin::default()
    }
}

fn load(config: &[PathBuf]) -> Result<Loaded, StartError> {
    reload::load(config, &|name| std::env::var(name).ok()).map_err(StartError::Config)
}

/// `--dev` opens nothing up.
fn check_loopback(loaded: &Loaded) -> Result<(), StartError> {
    let settings = &loaded.settings;
    let listens = [settings.proxy.listen, settings.admin.listen, settings.public.listen];
    if listens.iter().all(|it| it.ip().is_loopback()) {
        return Ok(());
    }
    let text = "--dev listens on loopback only: set every `listen` to 127.0.0.1, or leave it out";
    Err(StartError::Refused(text.to_owned()))
}

fn explain(error: &StartError) {
    match error {
        StartError::Config(problems) => {
            for problem in problems {
                eprintln!("{problem}");
            }
            let count = problems.len();
            eprintln!(
                "attache: not started: {count} problem{} in the configuration",
                if count == 1 { "" } else { "s" }
            );
        }
        error => eprintln!("attache: not started: {error}"),
    }
}

/// The signals that the program listens to, and the runtime that hears them.
struct Signals {
    runtime: Runtime,
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (terminate, interrupt, hang_up) = {
            let _inside = runtime.enter();
            let listen = |kind| signal(kind);
            (
                listen(SignalKind::terminate())?,
                listen(SignalKind::interrupt())?,
                listen(SignalKind::hangup())?,
            )
        };
        Ok(Self { runtime, terminate, interrupt, hang_up })
    }

    /// Until SIGTERM or SIGINT; SIGHUP reads everything again. A second SIGTERM or SIGINT ends at once.
    fn wait_for_the_end(self, app: App) -> ExitCode {
        let Self { runtime, mut terminate, mut interrupt, mut hang_up } = self;
        runtime.block_on(async {
            loop {
                tokio::select! {
                    () = either(&mut terminate, &mut interrupt) => break,
                    _ = hang_up.recv() => app.reload(),
                }
            }
            tracing::info!(
                "stopping: open exchanges are finished first; a second signal ends at once"
            );
            let stopping = tokio::task::spawn_blocking(move || app.shutdown());
            tokio::select! {
                _ = stopping => ExitCode::SUCCESS,
                () = either(&mut terminate, &mut interrupt) => {
                    tracing::warn!("stopped at once by a second signal");
                    stop_at_once()
                }
            }
        })
    }
}

#[expect(clippy::exit, reason = "the operator has asked twice")]
fn stop_at_once() -> ! {
    std::process::exit(1)
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

pub(super) fn start_log(settings: &LogSettings) -> Result<Log, StartError> {
    let format = match settings.format {
        LogFormat::Json => log::Format::Json,
        LogFormat::Text => log::Format::Text,
    };
    Log::start(settings.level.as_str(), format, io::stderr())
        .map_err(|it| StartError::Refused(format!("log: {it}")))
}

fn random_key() -> String {
    let mut bytes = [0; 24];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system has randomness");
    hex::encode(bytes)
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// Whole or not at all: whoever waits for the file reads all of it.
fn write_addresses(path: &Path, app: &App) -> io::Result<()> {
    let text = serde_json::json!({ "proxy": app.proxy, "admin": app.admin, "public": app.public });
    let partial = path.with_extension("partial");
    fs::write(&partial, text.to_string())?;
    fs::rename(partial, path)
}
