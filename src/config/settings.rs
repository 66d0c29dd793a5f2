//! The settings of the process itself, which take a restart to change.
use super::connect::ConnectSettings;
use super::document::Document;
use super::error::ConfigError;
use super::events::EventSettings;
use super::listen::AdminListener;
use super::listen::Memory;
use super::listen::ProxyListener;
use super::listen::PublicListener;
use super::listen::ServerSettings;
use super::listen::Shutdown;
use super::log::LogSettings;
use super::node::Step;
use super::seal::SealSettings;
use super::store::StoreSettings;
use super::webhooks::WebhookSettings;
use crate::model::ByteSize;
use schemars::JsonSchema;
use serde::Deserialize;

/// Everything in a configuration but what is served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub proxy: ProxyListener,
    pub admin: AdminListener,
    pub public: PublicListener,
    pub memory: Memory,
    pub shutdown: Shutdown,
    pub log: LogSettings,
    /// Where what the API is told is kept. Without it nothing is stored.
    pub store: Option<StoreSettings>,
    pub seal: SealSettings,
    pub events: EventSettings,
    pub connect: ConnectSettings,
    pub webhooks: WebhookSettings,
}

/// The same as it is written, section by section.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawSettings {
    /// The listeners, and how the process stops.
    pub server: ServerSettings,
    /// What the process says, and where.
    pub log: LogSettings,
    /// Where what the API is told is kept. Without it nothing is stored.
    pub store: Option<StoreSettings>,
    /// Where the keys come from that what is stored is sealed under.
    pub seal: SealSettings,
    /// What is told of what attache meets while it serves.
    pub events: EventSettings,
    /// What people see and where they go when they connect their accounts.
    pub connect: ConnectSettings,
    /// What is kept of the deliveries that come in.
    pub webhooks: WebhookSettings,
}

impl Settings {
    /// The top-level sections that are read here.
    pub const SECTIONS: &[&str] =
        &["server", "log", "store", "seal", "events", "connect", "webhooks"];

    /// Reads the sections; what is wrong goes to `errors`, and keeps its default here.
    pub fn read(document: &Document, errors: &mut Vec<ConfigError>) -> Self {
        let server: Option<ServerSettings> = document.read(&[Step::Key("server")], errors);
        let ServerSettings { proxy, admin, public, memory, shutdown } = server.unwrap_or_default();
        if memory.bodies < public.max_body {
            let path = ["server", "memory", "bodies"].map(Step::Key);
            let (all, one) = (ByteSize(memory.bodies as u64), ByteSize(public.max_body as u64));
            errors.push(document.error(
                path,
                format!("{all} for all bodies is less than one webhook may have ({one})"),
                "give it several times server.public.max_body",
            ));
        }
        if admin.oidc.is_some() && admin.url.is_none() && !admin.listen.ip().is_loopback() {
            errors.push(document.error(
                ["server", "admin", "oidc"].map(Step::Key),
                "nobody can be sent back to a listener that has no URL".to_owned(),
                "set server.admin.url to the one that operators know: https://attache.example.com",
            ));
        }
        Self {
            proxy,
            admin,
            public,
            memory,
            shutdown,
            log: document.read(&[Step::Key("log")], errors).unwrap_or_default(),
            store: document.read(&[Step::Key("store")], errors).unwrap_or_default(),
            seal: document.read(&[Step::Key("seal")], errors).unwrap_or_default(),
            events: document.read(&[Step::Key("events")], errors).unwrap_or_default(),
            connect: document.read(&[Step::Key("connect")], errors).unwrap_or_default(),
            webhooks: document.read(&[Step::Key("webhooks")], errors).unwrap_or_default(),
        }
    }
}
