//! The attache that is flooded, with the limits that it comes with.
use super::Settings;
use super::content::SECRET;
use super::machine;
use super::wire::Link;
use std::fs;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;
use tokio::net::TcpStream;

pub const CALLER_KEY: &str = "the-flood-s-own-caller-key-0123";

/// What attache puts onto proxied requests.
pub const TOKEN: &str = "the-token-that-attache-puts-on";
const ADMIN_TOKEN: &str = "the-flood-s-own-admin-token-0123";

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running attache. Killed when dropped.
pub struct Program {
    child: Child,
    pub addresses: Addresses,
}

#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    pub proxy: SocketAddr,
    pub public: SocketAddr,
    admin: SocketAddr,
}

/// What is held when nothing is under way: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Held {
    pub bodies_bytes: f64,
    pub public_links: f64,
    pub in_flight: f64,
}

impl Program {
    /// In front of a target for floods and one for the steady traffic.
    pub fn start(settings: &Settings, flooded: SocketAddr, steady: SocketAddr) -> io::Result<Self> {
        let folder = &settings.folder;
        let (config, addresses) = (folder.join("attache.yaml"), folder.join("addresses.json"));
        let log = folder.join("access.log");
        let text = format!(
            r#"
server:
  proxy: {{ listen: "127.0.0.1:0", workers: {workers} }}
  admin: {{ listen: "127.0.0.1:0", token: {ADMIN_TOKEN} }}
  public: {{ listen: "127.0.0.1:0" }}
  shutdown: {{ ready_delay: 0s, drain: 10s }}
log: {{ format: json, access: "{log}" }}
egress: {{ allow: [127.0.0.0/8] }}
callers: {{ flood: {{ key: {CALLER_KEY} }} }}
connectors:
  flooded:
    base_url: "http://{flooded}"
    auth:
      hooks: {{ hmac: {{ preset: github }} }}
      key: {{ api_key: {{ in: header, name: X-Api-Key }} }}
  steady: {{ base_url: "http://{steady}", auth: {{ key: {{ api_key: {{ in: header, name: X-Api-Key }} }} }} }}
connections:
  hooks: {{ connector: flooded, auth: hooks, base_url: "http://{flooded}/in", credentials: {{ secret: {SECRET} }} }}
  proxied: {{ connector: flooded, auth: key, credentials: {{ key: {TOKEN} }} }}
  steady: {{ connector: steady, auth: key, credentials: {{ key: {TOKEN} }} }}
"#,
            workers = settings.workers,
            log = log.display()
        );
        fs::write(&config, text)?;
        let mut child = Command::new(&settings.attache)
            .args(["serve", "--config"])
            .arg(&config)
            .arg("--addresses")
            .arg(&addresses)
            .stdin(Stdio::null())
            .stdout(File::create(folder.join("stdout"))?)
            .stderr(File::create(folder.join("stderr"))?)
            .spawn()?;
        let began = Instant::now();
        let said = loop {
            if let Ok(said) = fs::read_to_string(&addresses) {
                break said;
            }
            if child.try_wait()?.is_some() || began.elapsed() > PATIENCE {
                let said = fs::read_to_string(folder.join("stderr")).unwrap_or_default();
                return Err(io::Error::other(format!("attache did not start: {said}")));
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let said: serde_json::Value = serde_json::from_str(&said).map_err(io::Error::other)?;
        let address = |name: &str| {
            let parsed = said[name].as_str().and_then(|it| it.parse().ok());
            parsed.ok_or_else(|| io::Error::other(format!("attache has no {name} listener")))
        };
        let (proxy, public, admin) = (address("proxy")?, address("public")?, address("admin")?);
        Ok(Self { child, addresses: Addresses { proxy, public, admin } })
    }

    /// Seconds of CPU time that it has had, of users and of the kernel.
    pub fn cpu_s(&self) -> io::Result<f64> {
        machine::cpu_s(&self.child.id().to_string())
    }

    /// Where the operating system tells of its memory.
    pub fn status(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/status", self.child.id()))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Where it has ended by itself there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What attache's own metrics say is held right now.
pub async fn held(at: Addresses) -> io::Result<Held> {
    let mut link = Link::new(TcpStream::connect(at.admin).await?);
    link.write(b"GET /metrics HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n").await?;
    let head = link.head().await?.ok_or_else(|| io::Error::other("no metrics"))?;
    let mut text = Vec::new();
    link.body(&head, &mut text).await?;
    let text = String::from_utf8_lossy(&text);
    let sum = |name: &str, label: &str| -> f64 {
        let samples = text.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|it| it.starts_with(['{', ' ']))
                && line.contains(label)
        });
        samples.filter_map(|it| it.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    };
    Ok(Held {
        bodies_bytes: sum("attache_bodies_held_bytes", ""),
        public_links: sum("attache_links_open", "\"public\""),
        in_flight: sum("attache_requests_in_flight", ""),
    })
}
