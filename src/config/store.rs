//! `store`: where what the API is told is kept.
use super::field;
use crate::model::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// `store`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreSettings {
    /// `sqlite:` (a file in the data folder), `sqlite:PATH` or `postgres://…`.
    #[schemars(with = "String")]
    pub url: StoreUrl,
    /// How long what was read last is used while the database is not reached. Default 15m.
    #[serde(default = "default_serve_stale", deserialize_with = "field::pause")]
    #[schemars(with = "String")]
    pub serve_stale: Duration,
    /// Activations that are kept in memory, the least used going first; one over 2 KiB counts as
    /// several. Default 50000.
    #[serde(default = "default_cache", deserialize_with = "field::count")]
    pub cache: u32,
}

fn default_serve_stale() -> Duration {
    Duration::from_secs(15 * 60)
}

/// At about 2 KiB each: 100 MB.
fn default_cache() -> u32 {
    50_000
}

impl StoreSettings {
    /// This database, and everything else as it is by default.
    pub fn at(url: StoreUrl) -> Self {
        Self { url, serve_stale: default_serve_stale(), cache: default_cache() }
    }
}

/// Where a store is.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum StoreUrl {
    /// A file: without a path, `attache.db` in the data folder. A relative path is from where attache runs.
    Sqlite(Option<PathBuf>),
    /// The whole URL, which may hold a password.
    Postgres(Secret),
}

/// Why a text names no store; the second line is the hint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreUrlError {
    #[error("the URL names no database that attache knows\n{FORMS}")]
    Scheme,
    #[error("a database in memory keeps nothing\n{FORMS}")]
    InMemory,
    #[error("a SQLite file takes no parameters (`?…`)\n{FORMS}")]
    Parameters,
    #[error("the URL is no URL: {0}\n{FORMS}; percent-encode what is special in a password")]
    Malformed(url::ParseError),
    #[error("the URL names no host\n{FORMS}")]
    NoHost,
    #[error("the URL names no database: its path is empty\n{FORMS}")]
    NoDatabase,
    #[error("the parameter `{name}` is none that attache knows\nthere are {}", PARAMETERS.join(", "))]
    UnknownParameter { name: String },
}

const FORMS: &str = "write `sqlite:`, `sqlite:data/attache.db` or \
                     `postgres://user:password@host:5432/database`";

/// What the query of a `postgres://` URL may set.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "statement-cache-capacity",
    "application_name",
];

impl TryFrom<&str> for StoreUrl {
    type Error = StoreUrlError;

    fn try_from(text: &str) -> Result<Self, StoreUrlError> {
        let (scheme, rest) = text.split_once(':').ok_or(StoreUrlError::Scheme)?;
        match scheme {
            "sqlite" => sqlite(rest),
            "postgres" | "postgresql" => postgres(text),
            _ => Err(StoreUrlError::Scheme),
        }
    }
}

impl TryFrom<String> for StoreUrl {
    type Error = StoreUrlError;

    fn try_from(text: String) -> Result<Self, StoreUrlError> {
        Self::try_from(&*text)
    }
}

impl std::str::FromStr for StoreUrl {
    type Err = StoreUrlError;

    fn from_str(text: &str) -> Result<Self, StoreUrlError> {
        Self::try_from(text)
    }
}

fn sqlite(rest: &str) -> Result<StoreUrl, StoreUrlError> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.contains('?') {
        return Err(StoreUrlError::Parameters);
    }
    match path {
        ":memory:" => Err(StoreUrlError::InMemory),
        "" => Ok(StoreUrl::Sqlite(None)),
        path => Ok(StoreUrl::Sqlite(Some(path.into()))),
    }
}

fn postgres(text: &str) -> Result<StoreUrl, StoreUrlError> {
    let url = url::Url::parse(text).map_err(StoreUrlError::Malformed)?;
    let mut has_host = url.host_str().is_some_and(|it| !it.is_empty());
    for (name, _) in url.query_pairs() {
        if !PARAMETERS.contains(&&*name) {
            return Err(StoreUrlError::UnknownParameter { name: name.into_owned() });
        }
        has_host |= name == "host";
    }
    if !has_host {
        return Err(StoreUrlError::NoHost);
    }
    if url.path().trim_matches('/').is_empty() {
        return Err(StoreUrlError::NoDatabase);
    }
    Ok(StoreUrl::Postgres(Secret::new(text)))
}

/// Without a password.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(None) => f.write_str("sqlite:"),
            Self::Sqlite(Some(path)) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => {
                let Ok(url) = url::Url::parse(url.expose()) else {
                    return f.write_str("postgres:");
                };
                let host = url.host_str().unwrap_or_default();
                write!(f, "postgres://{host}")?;
                if let Some(port) = url.port() {
                    write!(f, ":{port}")?;
                }
                f.write_str(url.path())
            }
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_path_and_without_one_in_the_data_folder() {
        let file = |it: &str| Ok(StoreUrl::Sqlite(Some(it.into())));
        let cases = [
            ("sqlite:", Ok(StoreUrl::Sqlite(None))),
            ("sqlite://", Ok(StoreUrl::Sqlite(None))),
            ("sqlite:data/attache.db", file("data/attache.db")),
            ("sqlite://data/attache.db", file("data/attache.db")),
            ("sqlite:///var/lib/attache.db", file("/var/lib/attache.db")),
            ("sqlite:/var/lib/attache.db", file("/var/lib/attache.db")),
            ("sqlite::memory:", Err(StoreUrlError::InMemory)),
            ("sqlite:a.db?mode=ro", Err(StoreUrlError::Parameters)),
            ("data/attache.db", Err(StoreUrlError::Scheme)),
            ("mysql://localhost/attache", Err(StoreUrlError::Scheme)),
            ("", Err(StoreUrlError::Scheme)),
        ];
        for (text, read) in cases {
            assert_eq!(StoreUrl::try_from(text), read, "{text}");
        }
    }

    #[test]
    fn a_server_has_a_host_and_a_database() {
        for good in [
            "postgres://localhost/attache",
            "postgresql://user:p%40ss@db.example.com:5433/attache?sslmode=verify-full",
            "postgres:///attache?host=/run/postgresql",
        ] {
            assert!(matches!(StoreUrl::try_from(good), Ok(StoreUrl::Postgres(_))), "{good}");
        }
        let no = |it: &str| StoreUrl::try_from(it).unwrap_err();
        assert_eq!(no("postgres://localhost"), StoreUrlError::NoDatabase);
        assert_eq!(no("postgres:///attache"), StoreUrlError::NoHost);
        assert_eq!(
            no("postgres://h/d?ssl=on"),
            StoreUrlError::UnknownParameter { name: "ssl".to_owned() }
        );
        assert!(matches!(no("postgres://h:port/d"), StoreUrlError::Malformed(_)));
    }

    #[test]
    fn a_password_is_never_shown() {
        let url = StoreUrl::try_from("postgres://me:hunter2@db:5433/attache").unwrap();
        assert_eq!(url.to_string(), "postgres://db:5433/attache");
        assert_eq!(format!("{url:?}"), "StoreUrl(postgres://db:5433/attache)");
        let said = StoreUrl::try_from("postgres://me:hunter2@db:x/a").unwrap_err().to_string();
        assert!(!said.contains("hunter2"), "{said}");
    }
}
