//! attache itself, in front of the samples, with a configuration file and a store that end with the demo.
use super::credentials::CONFIG;
use super::credentials::OPENAPI;
use super::places::Places;
use super::run::DemoError;
use crate::app::App;
use crate::app::Options;
use crate::app::StartError;
use crate::config::LogSettings;
use crate::config::StoreUrl;
use crate::seal::Keyring;
use std::fs;
use std::io;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

/// Where the example has the key that is made for each demo.
const SEAL_KEY: &str = "${DEMO_SEAL_KEY:-/run/secrets/attache-seal-key}";

/// A running gateway, and the configuration that it reads.
pub struct Gateway {
    app: App,
    places: Places,
    config: ConfigFile,
}

/// Starts attache in front of the sample API and the receiver. Blocks while it starts.
pub fn start(
    api: SocketAddr,
    receiver: SocketAddr,
    log: impl FnOnce(&LogSettings) -> Result<(), StartError>,
) -> Result<Gateway, DemoError> {
    let [proxy, admin, public] = Places::preferred();
    let wanted = Places { proxy, admin, public, api, receiver };
    let config = ConfigFile::create(&filled(CONFIG, &wanted), &filled(OPENAPI, &wanted))
        .map_err(DemoError::Config)?;
    let options = Options {
        config: vec![config.file.clone()],
        // So that the console has something to write to.
        store: Some(StoreUrl::Sqlite(None)),
        data_dir: config.folder.join("data"),
        ..Options::default()
    };
    let app = App::start(options, log)?;
    let places = Places { proxy: app.proxy, admin: app.admin, public: app.public, ..wanted };
    Ok(Gateway { app, places, config })
}

impl Gateway {
    pub fn places(&self) -> Places {
        self.places
    }

    pub fn config(&self) -> &Path {
        &self.config.file
    }

    /// The sample API's own description, as a file to drop on the console.
    pub fn openapi(&self) -> &Path {
        &self.config.openapi
    }

    /// Finishes what is under way, stops listening, and removes the configuration.
    pub async fn stop(self) {
        let Self { app, config, .. } = self;
        let stopped = tokio::task::spawn_blocking(move || app.shutdown());
        // Should stopping fail, the process is about to end all the same.
        drop(stopped.await);
        drop(config);
    }
}

/// The configuration with the demo's addresses in it, as a reader finds it.
fn filled(text: &str, places: &Places) -> String {
    let Places { proxy, admin, public, api, receiver } = places;
    text.replace("${DEMO_PROXY:-127.0.0.1:8080}", &proxy.to_string())
        .replace("${DEMO_ADMIN:-127.0.0.1:8081}", &admin.to_string())
        .replace("${DEMO_PUBLIC:-127.0.0.1:8082}", &public.to_string())
        .replace("${DEMO_API:-http://127.0.0.1:8090}", &format!("http://{api}"))
        .replace("${DEMO_RECEIVER:-http://127.0.0.1:8091}", &format!("http://{receiver}"))
}

/// A file in a folder of its own, so that it can be watched and replaced.
struct ConfigFile {
    folder: PathBuf,
    file: PathBuf,
    openapi: PathBuf,
}

impl ConfigFile {
    fn create(text: &str, openapi: &str) -> io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("attache-demo-{}", std::process::id()));
        // Fails where the folder exists: somebody else's is never used.
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let (file, description) = (folder.join("attache.yaml"), folder.join("orders.openapi.json"));
        let config = Self { file, openapi: description, folder };
        let seal_key = config.folder.join("seal.key");
        let text = text.replace(SEAL_KEY, &seal_key.display().to_string());
        fs::File::create_new(&config.file)?.write_all(text.as_bytes())?;
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(seal_key)?
            .write_all(Keyring::fresh_line(None).expose().as_bytes())?;
        fs::File::create_new(&config.openapi)?.write_all(openapi.as_bytes())?;
        Ok(config)
    }
}

impl Drop for ConfigFile {
    fn drop(&mut self) {
        // What can't be removed is left to the system's own cleaning of temporary files.
        drop(fs::remove_dir_all(&self.folder));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_the_configuration_is_filled_in() {
        let [proxy, admin, public, api, receiver] =
            [1, 2, 3, 4, 5].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let places = Places { proxy, admin, public, api, receiver };
        assert!(!filled(OPENAPI, &places).contains("${"));
        let text = filled(CONFIG, &places).replace(SEAL_KEY, "");
        assert!(!text.contains("${"), "{text}");
        for address in [proxy, admin, public, api, receiver] {
            assert!(text.contains(&address.to_string()), "{address}");
        }
    }

    #[test]
    fn the_configuration_is_gone_with_its_demo() {
        let config = ConfigFile::create("a: b", "{}").unwrap();
        let (file, folder) = (config.file.clone(), config.folder.clone());
        assert_eq!(fs::read_to_string(file).unwrap(), "a: b");
        assert!(ConfigFile::create("", "").is_err(), "a folder that exists is not used");
        drop(config);
        assert!(!folder.exists());
    }
}
