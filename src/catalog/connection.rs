//! A name, an auth method, a base URL and credentials.
use super::activation::Activation;
use super::activation::RawActivation;
use super::activation::on;
use super::auth_method::Auth;
use super::auth_method::AuthMethod;
use super::base_url::BaseUrlTemplate;
use super::connector::Connector;
use super::connector::base_url;
use super::credentials::RawCredentials;
use super::declared::Line;
use super::embedded::Own;
use super::embedded::Shared;
use super::embedded::check_inputs;
use super::embedded::embedded;
use super::embedded::no_suppliers;
use super::embedded::owner_in_file;
use super::embedded::standard_only;
use super::holder::Holder;
use super::holder::Mould;
use super::places::Places;
use super::places::RawPlaces;
use super::problem::At;
use super::problem::Problem;
use super::problem::unsaid;
use super::rate::Rate;
use super::rate::RawRate;
use super::token_endpoints::RefusedAddress;
use super::upstream_settings::RawEgress;
use super::upstream_settings::RawUpstream;
use super::upstream_settings::UpstreamSettings;
use super::variables::VariableRules;
use crate::model::BaseUrl;
use crate::model::Credential;
use crate::model::Key;
use crate::model::Origin;
use crate::model::TenantId;
use crate::model::address;
use hashbrown::HashMap;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// A connection as written.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawConnection {
    /// Default: the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The connector's key.
    pub connector: String,
    /// The key of one of the connector's auth methods.
    pub auth: String,
    /// Each tenant brings its own credentials. Default: no, the connection holds them.
    #[serde(default)]
    pub embedded: bool,
    /// Switched off, its requests are answered `connection_disabled`. Default: on.
    #[serde(default = "on")]
    pub enabled: bool,
    /// Instead of the connector's. A webhook connection's: where verified deliveries go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Values for the connector's variables; activations override them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// Other origins that `Attache-Base-Url` may name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_origins: Vec<String>,
    #[serde(default, skip_serializing)]
    pub credentials: RawCredentials,
    /// Of an embedded connection: used for requests tagged `Attache-Test: true`.
    #[serde(skip_serializing)]
    pub test_credentials: Option<RawCredentials>,
    /// Whether a tenant-scoped caller may list and use it. Default: no.
    #[serde(default)]
    pub expose: bool,
    /// Of an embedded connection: whose credentials activations hold. Default: the tenant's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplied_by: Option<SuppliedBy>,
    /// Of an embedded connection: for each credential field and variable, whether it is set once or by each tenant.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub inputs: IndexMap<String, Input>,
    /// How many requests or deliveries may go through it. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<RawRate>,
    /// Of an embedded connection: how many may go through it for each tenant. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_rate: Option<RawRate>,
    /// How many exchanges it may have under way at the same time. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<RawPlaces>,
    #[serde(default, skip_serializing_if = "unsaid")]
    pub upstream: RawUpstream,
    #[serde(default, skip_serializing_if = "unsaid")]
    pub egress: RawEgress,
}

/// Whose credentials the activations of an embedded connection hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SuppliedBy {
    #[default]
    Tenant,
    Operator,
}

/// Where an input of an embedded connection is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// On the connection, for all its activations.
    Global,
    /// On each activation.
    Tenant,
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    pub key: Key,
    /// What is stored for it stands under this: the id of a stored one, `file:` and the key of one in a file.
    pub owner: Box<str>,
    pub name: String,
    pub connector: Key,
    pub method: Arc<AuthMethod>,
    pub enabled: bool,
    pub kind: Kind,
    pub base_url: BaseUrlTemplate,
    /// The connector's.
    pub variables: Arc<VariableRules>,
    /// What `Attache-Base-Url` may name besides the connection's own origin.
    pub allowed_origins: Box<[Origin]>,
    pub upstream: Arc<UpstreamSettings>,
    pub exposed: bool,
    /// None where it is not embedded.
    pub supplied_by: Option<SuppliedBy>,
    pub inputs: Box<[(String, Input)]>,
    /// None where there are none: most connections.
    pub limits: Option<Box<ConnectionLimits>>,
    /// Of the row that it is stored in; none where it is in a file.
    pub version: Option<i64>,
}

/// What a connection allows at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionLimits {
    pub rate: Option<Rate>,
    /// Of each tenant.
    pub tenant_rate: Option<Rate>,
    /// Exchanges at the same time.
    pub concurrency: Option<Places>,
}

/// Who holds the credentials.
#[derive(Debug)]
pub enum Kind {
    /// The connection itself.
    Standard(Holder),
    /// Each tenant's activation.
    Embedded {
        /// Those of files.
        activations: Activations,
        test: Option<Box<Holder>>,
        shared: Box<Shared>,
    },
}

pub type Activations = HashMap<TenantId, Arc<Activation>, foldhash::fast::RandomState>;

/// The activations of one connection as written, each with its index in the list and its line.
pub(super) type RawActivations = Vec<(usize, Option<Line>, RawActivation)>;

/// What a connection is built from.
pub(super) struct Making {
    /// Less its credentials.
    pub(super) raw: RawConnection,
    pub(super) credential: Credential,
    pub(super) test: Option<Credential>,
    pub(super) activations: RawActivations,
    /// Of a stored connection.
    pub(super) stored: Option<Pinned>,
}

/// What a stored connection has and one in a file does not.
pub(super) struct Pinned {
    /// Its id.
    pub(super) owner: Box<str>,
    /// The revision of the auth method that it was made with.
    pub(super) method: Arc<AuthMethod>,
    /// Of its row; none of one that is not written yet.
    pub(super) version: Option<i64>,
}

impl Making {
    /// A connection in a file: it follows the file's auth method.
    pub(super) fn declared(mut raw: RawConnection, activations: RawActivations) -> Self {
        let credential = std::mem::take(&mut raw.credentials).into_credential();
        let test = raw.test_credentials.take().map(RawCredentials::into_credential);
        Self { raw, credential, test, activations, stored: None }
    }
}

impl Connection {
    pub(super) fn build(
        key: Key,
        making: Making,
        connector: &Connector,
        at: At<'_>,
        problems: &mut Vec<Problem>,
        warnings: &mut Vec<Problem>,
    ) -> Option<Self> {
        let before = problems.len();
        let Making { raw, credential, test, activations, stored } = making;
        let upstream = connector.upstream.overlaid(&raw.upstream, &raw.egress, at, problems);
        let allowed_origins = origins(&raw.allowed_origins, at.key("allowed_origins"), problems);
        let limits = limits(&raw, at, problems);
        let is_declared = stored.is_none();
        let (owner, method, version) = match stored {
            Some(Pinned { owner, method, version }) => (owner, Some(method), version),
            None => {
                let owner = owner_in_file(key.as_str()).into();
                (owner, method(&raw.auth, connector, at, problems), None)
            }
        };
        if method.as_ref().is_some_and(|it| matches!(it.auth, Auth::Inbound(_))) {
            no_concurrency(&raw, at, problems);
        }
        let base_url = match &raw.base_url {
            Some(text) => base_url(text, at, problems),
            None => default_base_url(connector, method.as_deref(), at, problems),
        };
        let (method, base_url) = (method?, base_url?);
        if method.auth.shows_certificate() && base_url.to_string().starts_with("http://") {
            let problem = "the base URL is plain HTTP, where no certificate is ever shown";
            problems.push(at.key("base_url").problem(problem, "write it as https://…"));
        }
        let inputs: Box<[(String, Input)]> = raw.inputs.into_iter().collect();
        let supplied_by = raw.embedded.then(|| raw.supplied_by.unwrap_or_default());
        let mould = Mould {
            method: &method,
            base_url: &base_url,
            rules: &connector.variables,
            inherited: &BTreeMap::new(),
            credential: &Credential::default(),
            inputs: &[],
            settings: &upstream,
            is_set: is_declared,
            may_wait: !is_declared && !raw.embedded,
        };
        let kind = if raw.embedded {
            let mould = Mould { inherited: &raw.variables, inputs: &inputs, ..mould };
            check_inputs(mould, at, problems);
            embedded(owner.clone(), Own { credential, test }, activations, mould, at, problems)
        } else {
            standard_only(test.as_ref(), &activations, &key, at, problems);
            no_suppliers(raw.supplied_by, &inputs, at, problems);
            mould.fill(credential, &raw.variables, at, "credentials", problems).map(Kind::Standard)
        };
        if problems.len() > before {
            return None;
        }
        let connection = Self {
            name: raw.name.unwrap_or_else(|| key.to_string()),
            connector: connector.key.clone(),
            method,
            enabled: raw.enabled,
            kind: kind?,
            base_url,
            variables: Arc::clone(&connector.variables),
            allowed_origins,
            upstream,
            exposed: raw.expose,
            supplied_by,
            inputs,
            limits,
            version,
            owner,
            key,
        };
        connection.warn_of_refused_addresses(at, warnings);
        connection.warn_of_refused_token_addresses(at, warnings);
        connection.warn_of_missing_variables(at, warnings);
        Some(connection)
    }

    /// Where its requests go, as far as it says so itself: a variable that it gives no value, and that has no
    /// default, stands in its braces.
    pub fn effective_base_url(&self) -> String {
        let given = self.given();
        self.base_url.filled(|name| self.variables.value(name, given).ok())
    }

    /// The values that it gives variables.
    pub(super) fn given(&self) -> &BTreeMap<String, String> {
        match &self.kind {
            Kind::Standard(holder) => &holder.variables,
            Kind::Embedded { shared, .. } => &shared.variables,
        }
    }

    /// A required variable without a value: only requests that bring it can be sent.
    fn warn_of_missing_variables(&self, at: At<'_>, warnings: &mut Vec<Problem>) {
        let mut warn = |holder: &Holder, whose: &str| {
            let is_kept = |name: &str| match &self.method.auth {
                Auth::Token(method) => method.kept().any(|it| it == name),
                Auth::Outbound(_) | Auth::Inbound(_) => false,
            };
            let is_named =
                |name: &&str| self.base_url.variables().any(|it| it == *name) && !is_kept(name);
            for name in self.variables.missing(&holder.variables).filter(is_named) {
                let hint = if self.base_url.says_whose_host(name) {
                    "set it: whose host it is, no request may say"
                } else {
                    "set it, or send it with each request as Attache-Variables"
                };
                let problem = format!("{whose} has no value for the required variable `{name}`");
                warnings.push(at.key("variables").key(name).problem(problem, hint));
            }
        };
        match &self.kind {
            Kind::Standard(holder) => warn(holder, "it"),
            Kind::Embedded { activations, .. } => {
                for it in activations.values() {
                    warn(&it.holder, &format!("the activation of `{}`", it.tenant));
                }
            }
        }
    }

    /// A literal address that every dial will refuse is better told now.
    fn warn_of_refused_addresses(&self, at: At<'_>, warnings: &mut Vec<Problem>) {
        let holder = match &self.kind {
            Kind::Standard(holder) => holder.base.as_ref(),
            Kind::Embedded { .. } => self.base_url.fixed(),
        };
        let Some((base, class)) = holder.and_then(|it| Some((it, refused(it, &self.upstream)?)))
        else {
            return;
        };
        let host = base.origin().host();
        warnings.push(at.key("base_url").problem(
            format!("{host} is a {class} address, which is not allowed here: nothing will be sent"),
            format!("add it to egress.allow: [{}]", base.origin().bare_host()),
        ));
    }
}

impl Connection {
    /// The same of where its tokens are had.
    fn warn_of_refused_token_addresses(&self, at: At<'_>, warnings: &mut Vec<Problem>) {
        let Auth::Token(method) = &self.method.auth else { return };
        let given = self.given();
        let find = |name: &str| self.variables.value(name, given).ok();
        let mut refused = method.refused_addresses(&self.upstream.egress_allow, find);
        refused.dedup_by_key(|it| it.address);
        for RefusedAddress { address, .. } in refused {
            let class = address::refusal(address).unwrap_or("refused");
            warnings.push(at.key("auth").problem(
                format!(
                    "its tokens are had at {address}, a {class} address, which is not allowed here: none will be"
                ),
                format!("add it to egress.allow: [{address}]"),
            ));
        }
    }
}

fn limits(
    raw: &RawConnection,
    at: At<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Box<ConnectionLimits>> {
    if raw.tenant_rate.is_some() && !raw.embedded {
        problems.push(at.key("tenant_rate").problem(
            "only an embedded connection has tenants",
            "write `rate` for the connection as a whole, or set embedded: true",
        ));
    }
    let limits = ConnectionLimits {
        rate: Rate::build(raw.rate, at.key("rate"), problems),
        tenant_rate: Rate::build(raw.tenant_rate, at.key("tenant_rate"), problems),
        concurrency: Places::build(raw.concurrency, at.key("concurrency"), problems),
    };
    (limits != ConnectionLimits::default()).then(|| Box::new(limits))
}

/// What a webhook connection can't have, where it is written on the connection itself.
fn no_concurrency(raw: &RawConnection, at: At<'_>, problems: &mut Vec<Problem>) {
    let at_upstream = at.key("upstream");
    let written = [
        (raw.concurrency, at.key("concurrency")),
        (raw.upstream.concurrency, at_upstream.key("concurrency")),
    ];
    for (_, at) in written.iter().filter(|it| it.0.is_some()) {
        problems.push(at.problem(
            "a webhook connection has no limit on deliveries at the same time",
            "bound them with `rate`, or the links to the target with upstream.links",
        ));
    }
}

/// The class of the base URL's address, where it is one that the egress guard refuses.
fn refused(base: &BaseUrl, upstream: &UpstreamSettings) -> Option<&'static str> {
    let address = base.origin().bare_host().parse::<IpAddr>().ok()?;
    if address::is_allowed(address, &upstream.egress_allow) {
        return None;
    }
    address::refusal(address)
}

fn method(
    name: &str,
    connector: &Connector,
    at: At<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Arc<AuthMethod>> {
    let method = connector.methods.get(name).cloned();
    if method.is_none() {
        let known: Vec<&str> = connector.methods.keys().map(Key::as_str).collect();
        let hint = match known[..] {
            [] => format!("declare one under connectors.{}.auth", connector.key),
            _ => format!("it has {}", known.join(", ")),
        };
        let problem = format!("the connector `{}` has no auth method `{name}`", connector.key);
        problems.push(at.key("auth").problem(problem, hint));
    }
    method
}

fn default_base_url(
    connector: &Connector,
    method: Option<&AuthMethod>,
    at: At<'_>,
    problems: &mut Vec<Problem>,
) -> Option<BaseUrlTemplate> {
    // The connector's base URL is the API's: it must not get its own webhooks back.
    if method.is_some_and(|it| matches!(it.auth, Auth::Inbound(_))) {
        problems.push(at.problem(
            "a webhook connection needs a base_url of its own",
            "write where verified deliveries go, as in base_url: http://127.0.0.1:9000/github",
        ));
        return None;
    }
    if connector.base_url.is_none() {
        let problem = format!("neither it nor the connector `{}` has a base_url", connector.key);
        problems.push(at.problem(problem, "write one as in base_url: https://api.example.com"));
    }
    connector.base_url.clone()
}

fn origins(texts: &[String], at: At<'_>, problems: &mut Vec<Problem>) -> Box<[Origin]> {
    let mut origins = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        match Origin::parse(text) {
            Ok(origin) => origins.push(origin),
            Err(error) => problems.push(at.index(index).problem(
                format!("the origin {error}"),
                "write scheme, host and port only: https://eu.example.com",
            )),
        }
    }
    origins.into()
}
