//! attache itself, in this process, on free ports, with a configuration of the test's own.
use super::RawUpstream;
use super::Response;
use super::raw_request;
use attache::app::App;
use attache::app::Options;
use attache::app::StartError;
use attache::upstream::Resolver;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use tempfile::TempDir;

/// The caller key of the tests' one caller, `runtime`.
pub const CALLER_KEY: &str = "the-runtime-s-own-key-0123";

/// What an operator proves itself with.
pub const ADMIN_TOKEN: &str = "the-operator-s-token-0123";

/// A running gateway. Stopped when dropped.
pub struct Gateway {
    app: Option<App>,
    folder: TempDir,
    pub proxy: SocketAddr,
    pub admin: SocketAddr,
    pub public: SocketAddr,
}

impl Gateway {
    /// In front of `upstream`, with a connection for each way to put a credential on: `header`,
    /// `query`, `cookie`, `basic`, `bearer`, `custom`, `open`; and `many`, an embedded one, which
    /// `acme` has activated.
    pub fn to(upstream: &RawUpstream) -> Self {
        Self::start(&Self::usual(&upstream.url()))
    }

    pub fn usual(base_url: &str) -> String {
        format!(
            r#"
egress: {{ allow: [127.0.0.0/8, "::1/128"] }}
connectors:
  api:
    base_url: {base_url}/base
    upstream: {{ timeouts: {{ connect: 2s, tls: 2s, first_byte: 2s, idle: 2s }} }}
    auth:
      header: {{ api_key: {{ in: header, name: X-Api-Key }} }}
      query: {{ api_key: {{ in: query, name: api_key }} }}
      cookie: {{ api_key: {{ in: cookie, name: session }} }}
      basic: {{ basic: {{}} }}
      bearer: {{ bearer: {{}} }}
      custom: {{ custom: {{ inject: [{{ in: header, name: X-Id, value: "{{id}}" }}, {{ in: query, name: sig, value: "v1-{{sig}}" }}] }} }}
      open: {{ none: {{}} }}
connections:
  header: {{ connector: api, auth: header, credentials: {{ key: s3cret-in-header }} }}
  query: {{ connector: api, auth: query, credentials: {{ key: "s3cret in&query" }} }}
  cookie: {{ connector: api, auth: cookie, credentials: {{ key: s3cret-in-cookie }} }}
  basic: {{ connector: api, auth: basic, credentials: {{ username: user, password: s3cret-password }} }}
  bearer: {{ connector: api, auth: bearer, credentials: {{ token: s3cret-token }} }}
  custom: {{ connector: api, auth: custom, credentials: {{ id: s3cret-id, sig: s3cret-sig }} }}
  open: {{ connector: api, auth: open }}
  off: {{ connector: api, auth: open, enabled: false }}
  many: {{ connector: api, auth: header, embedded: true, test_credentials: {{ key: s3cret-of-tests }} }}
  none-yet: {{ connector: api, auth: header, embedded: true }}
activations:
  - {{ connection: many, tenant: acme, credentials: {{ key: s3cret-of-acme }} }}
integrations:
  sync: {{ connectors: {{ main: {{ connector: api }} }} }}
environments:
  production: {{ integration: sync, deployed: true, assign: {{ main: header }} }}
"#
        )
    }

    /// With this configuration, which the tests' listeners, caller and log are added to.
    pub fn start(configuration: &str) -> Self {
        Self::try_start(configuration, "").unwrap_or_else(|e| panic!("{e}: {e:?}"))
    }

    /// `server` is put into the `server` section, indented by two.
    pub fn try_start(configuration: &str, server: &str) -> Result<Self, StartError> {
        Self::try_resolving(configuration, server, Resolver::System)
    }

    /// The same, where names are what this resolver says.
    pub fn try_resolving(
        configuration: &str,
        server: &str,
        resolver: Resolver,
    ) -> Result<Self, StartError> {
        let folder = TempDir::new().expect("a folder for temporary files");
        let log = folder.path().join("access.log");
        let own = format!(
            r#"
log: {{ format: json, access: {} }}
server:
  proxy: {{ listen: "127.0.0.1:0", workers: 1 }}
  admin: {{ listen: "127.0.0.1:0", token: {ADMIN_TOKEN} }}
  public: {{ listen: "127.0.0.1:0" }}
  shutdown: {{ ready_delay: 0s, drain: 5s }}
"#,
            log.display()
        );
        let own = if server.is_empty() {
            own
        } else {
            server.replace("ACCESS", &log.display().to_string())
        };
        let callers = format!("callers: {{ runtime: {{ key: {CALLER_KEY} }} }}\n");
        fs::write(folder.path().join("own.yaml"), own).expect("a fresh folder takes files");
        fs::write(folder.path().join("callers.yaml"), callers).expect("a fresh folder takes files");
        fs::write(folder.path().join("served.yaml"), configuration)
            .expect("a fresh folder takes files");
        let spill = folder.path().join("spill");
        fs::create_dir(&spill).expect("a fresh folder takes folders");
        let config = vec![folder.path().to_owned()];
        let options = Options { config, spill: Some(spill), resolver, ..Options::default() };
        let app = App::start(options, |_| Ok(()))?;
        let (proxy, admin, public) = (app.proxy, app.admin, app.public);
        Ok(Self { app: Some(app), folder, proxy, admin, public })
    }

    /// Where the served configuration lies, to be changed while it runs.
    pub fn served_file(&self) -> PathBuf {
        self.folder.path().join("served.yaml")
    }

    /// Where bodies lie that are too large to be kept in memory.
    pub fn spill_folder(&self) -> PathBuf {
        self.folder.path().join("spill")
    }

    pub fn app(&self) -> &App {
        self.app.as_ref().expect("the gateway runs until it is stopped")
    }

    /// One request with the caller key and these tags and fields, each ending in `\r\n`.
    pub async fn get(&self, target: &str, fields: &str) -> Response {
        self.send("GET", target, fields, "").await
    }

    /// The same with another method, and without a body.
    pub async fn get_with(&self, method: &str, target: &str, fields: &str) -> Response {
        self.send(method, target, fields, "").await
    }

    pub async fn send(&self, method: &str, target: &str, fields: &str, body: &str) -> Response {
        let length = if body.is_empty() {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: gateway\r\nAttache-Key: {CALLER_KEY}\r\n{fields}{length}\r\n{body}"
        );
        raw_request(self.proxy, request).await
    }

    /// As an operator sees it.
    pub async fn admin(&self, target: &str) -> Response {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: admin\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\r\n"
        );
        raw_request(self.admin, request).await
    }

    /// Stops, and gives back what was logged.
    pub fn stop(mut self) -> Vec<serde_json::Value> {
        self.app.take().expect("it runs").shutdown();
        let text = fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default();
        text.lines()
            .map(|it| serde_json::from_str(it).unwrap_or_else(|e| panic!("{e}: {it}")))
            .collect()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(app) = self.app.take() {
            app.shutdown();
        }
    }
}
