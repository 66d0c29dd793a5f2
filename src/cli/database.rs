//! Which database a command is about, named as `serve` names it.
use super::stopped::Stopped;
use crate::config::Settings;
use crate::config::StoreUrl;
use crate::reload;
use crate::store::SCHEMA;
use crate::store::SQLITE_FILE;
use crate::store::Store;
use crate::store::StoreError;
use clap::Args;
use std::fs;
use std::path::PathBuf;

/// The setting that names a database; with `_FILE` behind it, the file that does.
const DATABASE_URL: &str = "ATTACHE_DATABASE_URL";

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

    /// The flag or its setting goes before the configuration, and without either a configuration-less
    /// `serve` keeps its store in the data folder.
    fn url(&self, settings: &Settings) -> Result<StoreUrl, Stopped> {
        if let Some(text) = self.said()? {
            let url = StoreUrl::try_from(text.trim());
            return url.map_err(|it| Stopped::Invalid(format!("--database-url: {it}")));
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

    fn said(&self) -> Result<Option<String>, Stopped> {
        if self.database_url.is_some() {
            return Ok(self.database_url.clone());
        }
        let name = format!("{DATABASE_URL}_FILE");
        let Ok(path) = std::env::var(&name) else { return Ok(None) };
        let text = fs::read_to_string(&path);
        text.map(Some)
            .map_err(|it| Stopped::Invalid(format!("{name}: {path} can't be read: {}", it.kind())))
    }
}
