//! The configuration in force: each setting with its value, and where that comes from. Nothing secret is told.
use super::connect::ConnectSettings;
use super::connect_look::Colours;
use super::connect_look::PublicLink;
use super::console::OidcRoles;
use super::console::OidcSettings;
use super::console::SessionSettings;
use super::document::Document;
use super::events::EventSettings;
use super::frame_origin::FrameOrigin;
use super::listen::AdminListener;
use super::listen::LinkLimits;
use super::listen::Memory;
use super::listen::ProxyListener;
use super::listen::PublicListener;
use super::listen::Shutdown;
use super::listen::TlsFiles;
use super::log::AccessLog;
use super::log::LogFormat;
use super::log::LogSettings;
use super::node::Node;
use super::node::Scalar;
use super::node::Step;
use super::node::Style;
use super::node::Value as Written;
use super::seal::SealSettings;
use super::settings::Settings;
use super::store::StoreSettings;
use super::webhooks::DeliverySettings;
use super::webhooks::WebhookSettings;
use crate::model::ByteSize;
use crate::model::TimeSpan;
use serde_json::Value;
use serde_json::json;
use std::time::Duration;

/// A setting.
#[derive(Clone, Debug, PartialEq)]
pub struct InForce {
    /// As in `server.proxy.listen`.
    pub path: String,
    /// Null where it is not told, or there is none.
    pub value: Value,
    /// Whether it is not told for what it may be.
    pub is_secret: bool,
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    pub kind: OriginKind,
    /// Where it stands, with its line.
    pub file: Option<String>,
    pub line: Option<u32>,
    /// The setting of the environment, the flag, or what was written for a file's text.
    pub setting: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OriginKind {
    /// Nobody said anything.
    #[default]
    Default,
    /// A configuration file.
    File,
    /// A setting of the environment.
    Environment,
    /// A flag of the command line.
    Flag,
    /// attache made it, because it was missing (`--dev`).
    Made,
}

impl OriginKind {
    pub const ALL: &[Self] =
        &[Self::Default, Self::File, Self::Environment, Self::Flag, Self::Made];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Flag => "flag",
            Self::Made => "made",
        }
    }
}

/// What is in the name of a setting, or of a key, that is kept to oneself.
const SECRET_WORDS: &[&str] = &[
    "KEY",
    "TOKEN",
    "SECRET",
    "PASS",
    "PWD",
    "CREDENTIAL",
    "AUTH",
    "PRIVATE",
    "COOKIE",
    "SEED",
    "SALT",
    "DSN",
];

fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET_WORDS.iter().any(|it| name.contains(it))
}

/// Whether it was set, and a value that may be told.
enum Told {
    Value(Value),
    Secret,
}

impl Document {
    /// All settings of the process. `is_set`: whether the environment has a setting, and not an empty one.
    pub fn in_force(&self, settings: &Settings, is_set: &dyn Fn(&str) -> bool) -> Vec<InForce> {
        let told = |(path, told)| {
            let node = self.find(path);
            let (origin, is_hidden) = match node {
                Some(node) => self.origin(node, is_set),
                None => (Origin::default(), false),
            };
            let (value, is_secret) = match told {
                Told::Value(value) if !is_hidden => (value, false),
                Told::Value(_) | Told::Secret => (Value::Null, true),
            };
            InForce { path: path.to_owned(), value, is_secret, origin }
        };
        let mut all: Vec<InForce> = leaves(settings).into_iter().map(told).collect();
        for section in Settings::SECTIONS {
            let said = self.said_in(section, is_set);
            let is_told = |path: &str| {
                let covers = |it: &InForce| path.strip_prefix(&*it.path).is_some_and(is_end);
                all.iter().any(covers)
            };
            let others: Vec<_> = said.into_iter().filter(|it| !is_told(&it.path)).collect();
            all.extend(others);
        }
        all
    }

    /// What files say in a section whose settings nobody has listed.
    pub fn said_in(&self, section: &str, is_set: &dyn Fn(&str) -> bool) -> Vec<InForce> {
        let mut said = Vec::new();
        if let Some(node) = self.section(section) {
            self.add_said(section.to_owned(), node, is_set, &mut said);
        }
        said
    }

    /// How many entries each file has of a section, and where they begin.
    pub fn counted(&self, section: &str) -> Vec<InForce> {
        let items = self.section(section).into_iter().flat_map(Node::items);
        let items = items.map(|it| self.line(it));
        let mut counts: Vec<(&str, u32, u64)> = Vec::new();
        for (file, line) in self.lines(section).map(|it| (it.1, it.2)).chain(items) {
            match counts.iter_mut().find(|it| it.0 == file) {
                Some(counted) => counted.2 += 1,
                None => counts.push((file, line, 1)),
            }
        }
        let told = |(file, line, count): (&str, u32, u64)| InForce {
            path: section.to_owned(),
            value: json!({ "count": count }),
            is_secret: false,
            origin: Origin {
                kind: OriginKind::File,
                file: Some(file.to_owned()),
                line: Some(line),
                setting: None,
            },
        };
        counts.into_iter().map(told).collect()
    }

    fn add_said(
        &self,
        path: String,
        node: &Node,
        is_set: &dyn Fn(&str) -> bool,
        said: &mut Vec<InForce>,
    ) {
        if node.fields().is_some() {
            for (key, node) in node.entries() {
                self.add_said(format!("{path}.{key}"), node, is_set, said);
            }
            return;
        }
        let (origin, is_hidden) = self.origin(node, is_set);
        let last = path.rsplit('.').next().unwrap_or_default();
        let is_secret = is_hidden || sounds_secret(last);
        let value = if is_secret { Value::Null } else { written(node) };
        said.push(InForce { path, value, is_secret, origin });
    }

    fn find(&self, path: &str) -> Option<&Node> {
        let mut steps = path.split('.');
        let node = steps.try_fold(self.root(), |node, key| node.child(Step::Key(key)))?;
        Some(node).filter(|it| !matches!(it.value, Written::Null))
    }

    /// Where a value comes from, and whether what was filled in may be secret.
    fn origin(&self, node: &Node, is_set: &dyn Fn(&str) -> bool) -> (Origin, bool) {
        let (file, line) = self.line(node);
        let (file, line) = (Some(file.to_owned()), Some(line));
        let filled = node.filled();
        let names: Vec<&str> = filled.iter().flat_map(|it| names(it.written)).collect();
        let is_hidden = names.iter().any(|it| it.starts_with(FILE) || sounds_secret(it));
        let of_environment = names.iter().find(|it| !it.starts_with(FILE) && is_set(it));
        let (kind, setting) = match of_environment {
            Some(name) => (OriginKind::Environment, Some(*name)),
            None => (OriginKind::File, names.iter().find(|it| it.starts_with(FILE)).copied()),
        };
        (Origin { kind, file, line, setting: setting.map(str::to_owned) }, is_hidden)
    }
}

/// Whether what comes behind a path is nothing, or a key below it.
fn is_end(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('.')
}

/// How what stands for a file's text begins.
const FILE: &str = "file:";

/// What a text with interpolations in it names: settings, and `file:/path`.
fn names(written: &str) -> impl Iterator<Item = &str> {
    // `$${` stands for a plain `${`.
    let pieces = written.split("${").zip(written.split("${").skip(1));
    pieces.filter(|(before, _)| !before.ends_with('$')).map(|(_, after)| {
        let inner = after.split('}').next().unwrap_or_default();
        let is_file = inner.starts_with(FILE);
        if is_file { inner } else { inner.split(':').next().unwrap_or_default() }
    })
}

/// A value as it was read. Texts that were filled in are texts.
fn written(node: &Node) -> Value {
    match &node.value {
        Written::Null => Value::Null,
        Written::Scalar(Scalar { text, style }) => match style {
            Style::Plain | Style::Bare => plain(text),
            Style::Quoted | Style::Filled { .. } => json!(&**text),
            Style::Missing { .. } => Value::Null,
        },
        Written::List(items) => items.iter().map(written).collect(),
        Written::Map(_) => node.entries().map(|(key, it)| (key.to_owned(), written(it))).collect(),
    }
}

fn plain(text: &str) -> Value {
    match text {
        "true" => true.into(),
        "false" => false.into(),
        text => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
    }
}

fn span(it: Duration) -> Told {
    Told::Value(TimeSpan(it).to_string().into())
}

fn size(it: usize) -> Told {
    Told::Value(ByteSize(it as u64).to_string().into())
}

fn text(it: impl ToString) -> Told {
    Told::Value(it.to_string().into())
}

fn texts(items: impl Iterator<Item = impl ToString>) -> Told {
    Told::Value(items.map(|it| it.to_string()).collect())
}

/// The settings by their paths, also those that nobody has set.
fn leaves(settings: &Settings) -> Vec<(&'static str, Told)> {
    let Settings {
        proxy,
        admin,
        public,
        memory,
        shutdown,
        log,
        store,
        seal,
        events,
        connect,
        webhooks,
    } = settings;
    let ProxyListener { listen, workers, tls, limits } = proxy;
    let mut all = vec![("server.proxy.listen", text(listen))];
    all.push(("server.proxy.workers", Told::Value(json!(workers))));
    all.push(("server.proxy.tls", files(tls.as_ref())));
    all.extend(PROXY_LIMITS.iter().copied().zip(of_limits(limits)));
    let AdminListener { listen, tls, token, token_access, export_access, url, sessions, oidc } =
        admin;
    let token = token.as_ref().map_or(Told::Value(Value::Null), |_| Told::Secret);
    all.extend([
        ("server.admin.listen", text(listen)),
        ("server.admin.tls", files(tls.as_ref())),
        ("server.admin.token", token),
        ("server.admin.token_access", texts(token_access.iter())),
        ("server.admin.export_access", texts(export_access.iter())),
        ("server.admin.url", Told::Value(json!(url))),
    ]);
    let SessionSettings { idle, absolute } = sessions;
    all.extend([
        ("server.admin.sessions.idle", span(*idle)),
        ("server.admin.sessions.absolute", span(*absolute)),
    ]);
    match oidc {
        None => all.push(("server.admin.oidc", Told::Value(Value::Null))),
        Some(oidc) => all.extend(of_oidc(oidc)),
    }
    let PublicListener { listen, tls, url, max_body, limits } = public;
    all.extend([
        ("server.public.listen", text(listen)),
        ("server.public.tls", files(tls.as_ref())),
        ("server.public.url", Told::Value(json!(url))),
        ("server.public.max_body", size(*max_body)),
    ]);
    all.extend(PUBLIC_LIMITS.iter().copied().zip(of_limits(limits)));
    let (Memory { bodies }, Shutdown { ready_delay, drain }) = (memory, shutdown);
    let LogSettings { level, format, access, recent } = log;
    let format = match format {
        LogFormat::Json => "json",
        LogFormat::Text => "text",
    };
    let access = match access {
        AccessLog::Off => text("off"),
        AccessLog::Stdout => text("stdout"),
        AccessLog::Stderr => text("stderr"),
        AccessLog::File(path) => text(path.display()),
    };
    all.extend([
        ("server.memory.bodies", size(*bodies)),
        ("server.shutdown.ready_delay", span(*ready_delay)),
        ("server.shutdown.drain", span(*drain)),
        ("log.level", text(level.as_str())),
        ("log.format", text(format)),
        ("log.access", access),
        ("log.recent", Told::Value(recent.0.into())),
    ]);
    match store {
        None => all.push(("store.url", Told::Value(Value::Null))),
        // Shown without user, password and parameters.
        Some(StoreSettings { url, serve_stale, cache }) => all.extend([
            ("store.url", text(url)),
            ("store.serve_stale", span(*serve_stale)),
            ("store.cache", Told::Value((*cache).into())),
        ]),
    }
    let SealSettings { keys } = seal;
    let EventSettings { failing } = events;
    let WebhookSettings { deliveries: DeliverySettings { keep, max, max_bytes, max_body } } =
        webhooks;
    all.extend([
        ("seal.keys", texts(keys.iter())),
        ("events.failing.refusals", Told::Value(failing.refusals.into())),
        ("events.failing.lasting", span(failing.lasting)),
        ("webhooks.deliveries.keep", span(*keep)),
        ("webhooks.deliveries.max", Told::Value((*max).into())),
        ("webhooks.deliveries.max_bytes", size(*max_bytes)),
        ("webhooks.deliveries.max_body", size(*max_body)),
    ]);
    all.extend(of_connect(connect));
    all
}

fn of_connect(connect: &ConnectSettings) -> [(&'static str, Told); 9] {
    let ConnectSettings {
        name,
        logo,
        colours: Colours { accent, accent_dark },
        support_url,
        privacy_url,
        terms_url,
        frame_origins,
        return_urls,
    } = connect;
    let link = |it: &Option<PublicLink>| Told::Value(json!(it.as_ref().map(PublicLink::as_str)));
    [
        ("connect.name", Told::Value(json!(name))),
        ("connect.logo", Told::Value(json!(logo.as_ref().map(|it| it.display().to_string())))),
        ("connect.colours.accent", text(accent)),
        ("connect.colours.accent_dark", text(accent_dark)),
        ("connect.support_url", link(support_url)),
        ("connect.privacy_url", link(privacy_url)),
        ("connect.terms_url", link(terms_url)),
        ("connect.frame_origins", texts(frame_origins.iter().map(FrameOrigin::as_str))),
        ("connect.return_urls", texts(return_urls.iter())),
    ]
}

fn of_oidc(oidc: &OidcSettings) -> Vec<(&'static str, Told)> {
    let OidcSettings {
        issuer,
        client_id,
        client_secret,
        name,
        scopes,
        role_claim,
        roles: OidcRoles { admin, operator, viewer },
        name_claim,
    } = oidc;
    let client_secret = client_secret.as_ref().map_or(Told::Value(Value::Null), |_| Told::Secret);
    vec![
        ("server.admin.oidc.issuer", text(issuer)),
        ("server.admin.oidc.client_id", text(client_id)),
        ("server.admin.oidc.client_secret", client_secret),
        ("server.admin.oidc.name", text(name)),
        ("server.admin.oidc.scopes", texts(scopes.iter())),
        ("server.admin.oidc.role_claim", text(role_claim)),
        ("server.admin.oidc.roles.admin", texts(admin.iter())),
        ("server.admin.oidc.roles.operator", texts(operator.iter())),
        ("server.admin.oidc.roles.viewer", texts(viewer.iter())),
        ("server.admin.oidc.name_claim", text(name_claim)),
    ]
}

const PROXY_LIMITS: [&str; 5] = [
    "server.proxy.limits.head_timeout",
    "server.proxy.limits.idle_timeout",
    "server.proxy.limits.max_head",
    "server.proxy.limits.max_links",
    "server.proxy.limits.http2_streams",
];

const PUBLIC_LIMITS: [&str; 5] = [
    "server.public.limits.head_timeout",
    "server.public.limits.idle_timeout",
    "server.public.limits.max_head",
    "server.public.limits.max_links",
    "server.public.limits.http2_streams",
];

fn of_limits(limits: &LinkLimits) -> [Told; 5] {
    let LinkLimits { head_timeout, idle_timeout, max_head, max_links, http2_streams } = limits;
    [
        span(*head_timeout),
        span(*idle_timeout),
        size(*max_head),
        Told::Value((*max_links).into()),
        Told::Value((*http2_streams).into()),
    ]
}

/// Where they lie; what is in them is not read here.
fn files(tls: Option<&TlsFiles>) -> Told {
    let told = |TlsFiles { cert, key }: &TlsFiles| json!({ "cert": cert.display().to_string(), "key": key.display().to_string() });
    Told::Value(tls.map_or(Value::Null, told))
}

#[cfg(test)]
mod tests {
    use super::super::document::File;
    use super::super::interpolate::Sources;
    use super::*;

    #[test]
    fn the_names_in_a_text_are_found() {
        let found = |text: &'static str| names(text).collect::<Vec<_>>();
        assert_eq!(found("plain"), Vec::<&str>::new());
        assert_eq!(found("${A}/x/${B:-c:d}${C:?no}"), ["A", "B", "C"]);
        assert_eq!(found("${file:/run/secrets/a}"), ["file:/run/secrets/a"]);
        assert_eq!(found("$${A}${B}"), ["B"]);
    }

    #[test]
    fn what_is_filled_into_a_part_of_a_list_is_told_no_more_than_a_text_is() {
        let text =
            "connect: { return_urls: ['https://a.example/', 'https://b.example/${RETURN_TOKEN}/'] }
egress: { allow: [10.0.0.0/8, '${file:/run/secrets/net}'], deny: ['${NET}'] }
upstream: { ca: [{ in: ['${SIGNING_KEY}'] }] }
";
        let setting = |name: &str| Some(format!("canary-{name}"));
        let file = |_: &std::path::Path| Ok("canary-file".to_owned());
        let sources = Sources { setting: &setting, file: &file };
        let files = [File { name: "attache.yaml", text }];
        let mut errors = Vec::new();
        let document = Document::parse(&files, sources, &mut errors);
        assert_eq!(errors, []);
        let said = ["connect", "egress", "upstream"].map(|it| document.said_in(it, &|_| true));
        let mut all: Vec<_> = said.into_iter().flatten().collect();
        let mut settings = Settings::default();
        settings.connect.return_urls = serde_json::from_value(json!(["https://b.example/canary/"]))
            .expect("a list of addresses");
        all.extend(document.in_force(&settings, &|_| true));
        for path in ["connect.return_urls", "egress.allow", "upstream.ca"] {
            let found: Vec<_> = all.iter().filter(|it| it.path == path).collect();
            assert!(!found.is_empty(), "{path}");
            assert!(found.iter().all(|it| it.is_secret && it.value.is_null()), "{found:?}");
        }
        let plain = all.iter().find(|it| it.path == "egress.deny").expect("it is there");
        assert_eq!((plain.is_secret, &plain.value), (false, &json!(["canary-NET"])));
    }
}
