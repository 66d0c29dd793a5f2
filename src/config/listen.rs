//! `server`: the three listeners, and how the process stops.
use super::console::OidcSettings;
use super::console::SessionSettings;
use super::field;
use crate::model::ByteSize;
use crate::model::Key;
use crate::model::Secret;
use crate::model::TimeSpan;
use schemars::JsonSchema;
use serde::Deserialize;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// `server`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// The data plane, for callers.
    pub proxy: ProxyListener,
    /// Console, API, metrics and health, for operators.
    pub admin: AdminListener,
    /// Webhooks, for the internet.
    pub public: PublicListener,
    /// What the process may hold in memory.
    pub memory: Memory,
    /// What happens after SIGTERM.
    pub shutdown: Shutdown,
}

/// `server.proxy`: the data plane, for callers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProxyListener {
    /// Address and port. Default 127.0.0.1:8080.
    #[serde(deserialize_with = "field::listen")]
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// Threads that serve requests. Default: one per core.
    #[serde(deserialize_with = "field::workers")]
    pub workers: Option<NonZeroUsize>,
    /// Without it the listener speaks plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Bounds on what callers may do to it.
    pub limits: LinkLimits,
}

/// `server.admin`: console, API, metrics and health, for operators.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdminListener {
    /// Address and port. Default 127.0.0.1:8081.
    #[serde(deserialize_with = "field::listen")]
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// Without it the listener speaks plain HTTP.
    pub tls: Option<TlsFiles>,
    /// What operators prove themselves with: at least 16 visible ASCII characters.
    #[serde(deserialize_with = "field::token")]
    pub token: Option<Secret>,
    /// The operators who may be shown access tokens, by the names of their tokens; `admin` is whoever has `token`.
    /// Default: nobody.
    #[serde(deserialize_with = "field::keys")]
    #[schemars(with = "Vec<String>")]
    pub token_access: Vec<Key>,
    /// The operators who may export tenants' credentials, sealed to a public key, by the names of their tokens as above.
    /// Default: nobody.
    #[serde(deserialize_with = "field::keys")]
    #[schemars(with = "Vec<String>")]
    pub export_access: Vec<Key>,
    /// The URL that operators know this listener by, where something in front of it ends TLS or has another name. No
    /// final slash. Default: what it listens on, where that leads to this machine alone.
    #[serde(deserialize_with = "field::public_url")]
    pub url: Option<String>,
    /// How long a browser stays signed in to the console.
    pub sessions: SessionSettings,
    /// The provider that operators sign in to the console with. Default: with their tokens alone.
    pub oidc: Option<OidcSettings>,
}

/// `server.public`: what the internet may reach.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PublicListener {
    /// Address and port. Default 127.0.0.1:8082.
    #[serde(deserialize_with = "field::listen")]
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// Without it the listener speaks plain HTTP.
    pub tls: Option<TlsFiles>,
    /// The URL that the internet knows this listener by. Some senders sign it. No final slash.
    #[serde(deserialize_with = "field::public_url")]
    pub url: Option<String>,
    /// Longest webhook body, in bytes. Default 25MiB.
    #[serde(deserialize_with = "field::body_size")]
    #[schemars(with = "ByteSize")]
    pub max_body: usize,
    /// Bounds on what senders may do to it.
    pub limits: LinkLimits,
}

/// A certificate chain and its key, in PEM. Read again when they change.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// File with the certificate chain, the listener's own first.
    pub cert: PathBuf,
    /// File with the private key.
    pub key: PathBuf,
}

/// Bounds on the links of one listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LinkLimits {
    /// From a request's first byte to the end of its head. Default 10s.
    #[serde(deserialize_with = "field::wait")]
    #[schemars(with = "TimeSpan")]
    pub head_timeout: Duration,
    /// How long a link may lie idle between requests. Default 75s.
    #[serde(deserialize_with = "field::wait")]
    #[schemars(with = "TimeSpan")]
    pub idle_timeout: Duration,
    /// Request line and fields together, in bytes; more is a 431. Default 64KiB.
    #[serde(deserialize_with = "field::head_size")]
    #[schemars(with = "ByteSize")]
    pub max_head: usize,
    /// Links at the same time, over all workers. Default 20000.
    #[serde(deserialize_with = "field::count")]
    pub max_links: u32,
    /// Streams on one HTTP/2 link at the same time. Default 256.
    #[serde(deserialize_with = "field::count")]
    pub http2_streams: u32,
}

/// `server.memory`: what the process may hold in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Memory {
    /// Bodies that have to be held whole, of all workers together, in bytes. Default 256MiB.
    #[serde(deserialize_with = "field::memory")]
    #[schemars(with = "ByteSize")]
    pub bodies: usize,
}

/// What happens after SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Shutdown {
    /// Between saying "not ready" and accepting no more, so that load balancers notice. Default 2s.
    #[serde(deserialize_with = "field::pause")]
    #[schemars(with = "TimeSpan")]
    pub ready_delay: Duration,
    /// How long exchanges may take to finish after that. Default 30s.
    #[serde(deserialize_with = "field::pause")]
    #[schemars(with = "TimeSpan")]
    pub drain: Duration,
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

impl PublicListener {
    /// The URL that people and senders know it by, where it listens at this address: of an address that leads to this
    /// machine alone it need not be said.
    pub fn url_at(&self, address: SocketAddr) -> Option<String> {
        self.url.clone().or_else(|| own_url(self.tls.as_ref(), address))
    }
}

impl AdminListener {
    /// The same of what operators know.
    pub fn url_at(&self, address: SocketAddr) -> Option<String> {
        self.url.clone().or_else(|| own_url(self.tls.as_ref(), address))
    }
}

fn own_url(tls: Option<&TlsFiles>, address: SocketAddr) -> Option<String> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    address.ip().is_loopback().then(|| format!("{scheme}://{address}"))
}

impl Default for ProxyListener {
    fn default() -> Self {
        let limits = LinkLimits::default();
        Self { listen: loopback(8080), workers: None, tls: None, limits }
    }
}

impl Default for AdminListener {
    fn default() -> Self {
        Self {
            listen: loopback(8081),
            tls: None,
            token: None,
            token_access: Vec::new(),
            export_access: Vec::new(),
            url: None,
            sessions: SessionSettings::default(),
            oidc: None,
        }
    }
}

impl Default for PublicListener {
    fn default() -> Self {
        let limits = LinkLimits::default();
        Self { listen: loopback(8082), tls: None, url: None, max_body: 25 << 20, limits }
    }
}

impl Default for LinkLimits {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            max_head: 64 << 10,
            max_links: 20_000,
            http2_streams: 256,
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self { bodies: 256 << 20 }
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { ready_delay: Duration::from_secs(2), drain: Duration::from_secs(30) }
    }
}
