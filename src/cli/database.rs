//! Which database a command is about, named as `serve` names it.
use super::stopped::Stopped;
use crate::config::Origin;
use crate::config::OriginKind;
use crate::config::Settings;
use crate::config::StoreUrl;
use crate::reload;
use crate::store::SCHEMA;
use crate::store::SQLITE_FILE;
use crate::store::Store;
use crate::store::StoreError;
use clap::Args;
use std::fs;
use std::io;
use std::path::PathBuf;

/// The setting that names a database.
pub(super) const DATABASE_URL: &str = "ATTACHE_DATABASE_URL";

/// The setting that names a file with that in it.
const DATABASE_URL_FILE: &str = "ATTACHE_DATABASE_URL_FILE";

/// Whether a setting of the environment names a database.
pub(super) fn is_named() -> bool {
    [DATABASE_URL, DATABASE_URL_FILE].iter().any(|it| std::env::var_os(it).is_some())
}

/// Who has named the database that is used instead of the configuration's. `given`: by the flag, or by its setting.
pub(super) fn named_by(given: Option<&str>) -> Origin {
    let of_setting = std::env::var(DATABASE_URL).ok();
    let (kind, setting) = match given {
        Some(given) if of_setting.as_deref() != Some(given) => (OriginKind::Flag, "--database-url"),
        Some(_) => (OriginKind::Environment, DATABASE_URL),
        None if std::env::var_os(DATABASE_URL_FILE).is_some() => {
            (OriginKind::Environment, DATABASE_URL_FILE)
        }
        // Without a configuration there is one in the data folder.
        None => return Origin::default(),
    };
    Origin { kind, setting: Some(setting.to_owned()), ..Origin::default() }
}

/// The flags that name a database.
#[derive(Args, Clone, Debug)]
pub(super) struct Database {
    /// A file or a folder of files, as `serve` is given it; may be given several times
    #[arg(long, env = "ATTACHE_CONFIG", value_name = "PATH")]
    config: Vec<PathBuf>,
    /// Where attache keeps what it makes itself
    #[arg(long, env = "ATTACHE_DATA_DIR", value_name = "DIR", default_value = "data")]
    data_dir: PathBuf,
    /// The store, instead of the configuration's: sqlite:PATH or postgres://…
    #[arg(long, env = DATABASE_URL, value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
}

impl Database {
    /// What the configuration says; where none is named, what holds by default.
    pub(super) fn settings(&self) -> Result<Settings, Stopped> {
        if self.config.is_empty() {
            return Ok(Settings::default());
        }
        let loaded = reload::load(&self.config, &|name| std::env::var(name).ok())?;
        Ok(loaded.settings)
    }

    /// The database that is there already, with its tables as this program knows them.
    pub(super) async fn open(&self, settings: &Settings) -> Result<Store, Stopped> {
        let url = self.url(settings)?;
        if let StoreUrl::Sqlite(path) = &url {
            let path = path.clone().unwrap_or_else(|| self.data_dir.join(SQLITE_FILE));
            if !path.exists() {
                return Err(Stopped::Failed(format!("there is no database at {}", path.display())));
            }
        }
        let store = Store::open(&url, &self.data_dir).await?;
        match store.schema().await? {
            SCHEMA => Ok(store),
            found if found > SCHEMA => Err(StoreError::SchemaNewer { found, known: SCHEMA }.into()),
            found => Err(Stopped::Failed(format!(
                "the database is at schema {found}, not {SCHEMA}: run `attache migrate`"
            ))),
        }
    }

    /// The database, made where it is not there: its URL as it may be shown, and what was opened.
    pub(super) async fn make(&self, settings: &Settings) -> Result<(String, Store), Stopped> {
        let url = self.url(settings)?;
        let store = Store::open(&url, &self.data_dir).await?;
        Ok((url.to_string(), store))
    }

    /// The flag or its setting goes before the configuration, and without either a configuration-less
    /// `serve` keeps its store in the data folder.
    fn url(&self, settings: &Settings) -> Result<StoreUrl, Stopped> {
        if let Some(url) = said(self.database_url.as_deref()).map_err(Stopped::Invalid)? {
            return Ok(url);
        }
        match &settings.store {
            Some(store) => Ok(store.url.clone()),
            None if self.config.is_empty() => Ok(StoreUrl::Sqlite(None)),
            None => Err(Stopped::Invalid(
                "the configuration has no store: name one with `store.url` or `--database-url`"
                    .to_owned(),
            )),
        }
    }
}

/// The store's URL as the flag or its setting has it, or from the file that the setting with `_FILE`
/// behind its name has. A text that is no URL is not repeated: it may hold a password.
pub(super) fn said(flag: Option<&str>) -> Result<Option<StoreUrl>, String> {
    let (place, text) = match (flag, std::env::var(DATABASE_URL_FILE)) {
        (Some(text), _) => ("--database-url", text.to_owned()),
        (None, Ok(path)) => {
            let text = fs::read_to_string(&path);
            let failed =
                |it: io::Error| format!("{DATABASE_URL_FILE}: {path} can't be read: {}", it.kind());
            (DATABASE_URL_FILE, text.map_err(failed)?)
        }
        (None, Err(_)) => return Ok(None),
    };
    StoreUrl::try_from(text.trim()).map(Some).map_err(|it| format!("{place}: {it}"))
}
