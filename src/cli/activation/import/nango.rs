//! Nango as a source: its API lists connections and gives each with its credentials, refresh tokens and all.
//!
//! Source: nango.dev/docs/reference/backend/http-api: `GET /connections` (pages), `GET /connections/{id}`, rate limits.
use super::row::Fault;
use super::row::Row;
use super::send::Batch;
use super::send::Existing;
use crate::cli::api::Ask;
use crate::cli::api::Client;
use crate::cli::api::Link;
use crate::cli::api::ServerUrl;
use crate::cli::api::Trust;
use crate::cli::api::path;
use crate::cli::api::secret;
use crate::cli::stopped::Stopped;
use crate::cli::text::plain;
use crate::model::Secret;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::StatusCode;
use http::header;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::Limited;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Where Nango's own service is.
const CLOUD: &str = "https://api.nango.dev";

/// The setting that has its secret key.
const KEY: &str = "ATTACHE_NANGO_KEY";

/// Connections that are asked for at the same time.
const AT_ONCE: usize = 4;

/// Connections of a page: each stays in memory, without credentials, until it is asked for.
const PAGE: usize = 500;

/// Longest answer, in bytes: older servers list all connections at once.
const ANSWER_LEN_MAX: usize = 64 << 20;

/// How often the same is asked where the server has no time.
const TRIES_MAX: u32 = 10;

/// The same of one connection's credentials where the server has a fault of its own: others are not held up.
const FAULTS_MAX: u32 = 3;

/// So many connections in a row without an answer are no fault of theirs.
const AWAY_MAX: u32 = 20;

/// As many as a server without pages lists: it says nothing of more.
const LIST_MAX: usize = 10_000;

/// How long to wait where it does not say, and at most.
const PAUSE: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(120);

/// How long an answer may take: a token that has ended is renewed for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The product that rows come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum From {
    Nango,
}

const NO_TENANT: &str = "the connection has none: --tenant-from says by what tenants are called";

/// What a tenant is called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum TenantFrom {
    /// The connection's own id
    #[value(name = "connection_id")]
    ConnectionId,
    /// The id of its end user
    #[value(name = "end_user")]
    EndUser,
    /// The id of that one's organization
    #[value(name = "organization")]
    Organization,
}

/// `PROVIDER_CONFIG_KEY=CONNECTION`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mapped(String, String);

impl FromStr for Mapped {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((of, to)) if !of.is_empty() && !to.is_empty() => {
                Ok(Self(of.to_owned(), to.to_owned()))
            }
            _ => Err("write PROVIDER_CONFIG_KEY=CONNECTION"),
        }
    }
}

#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "From another product")]
pub(super) struct NangoArgs {
    /// Read all connections of this product by its API. Those that attache has already are not asked for; of others Nango
    /// renews a token that has ended before it gives it
    #[arg(long, value_enum, conflicts_with = "file")]
    from: Option<From>,
    /// Where it is, if it is not Nango's own service
    #[arg(long, value_name = "URL", default_value = CLOUD, value_parser = ServerUrl::parse)]
    nango_url: ServerUrl,
    /// A file with the environment's secret key, where ATTACHE_NANGO_KEY is not set
    #[arg(long, value_name = "FILE")]
    nango_key_file: Option<PathBuf>,
    /// The connection that those of an integration become; others are left out. Default: the one of the same name
    #[arg(long, value_name = "INTEGRATION=CONNECTION")]
    map: Vec<Mapped>,
    /// What tenants are called by
    #[arg(long, value_enum, default_value_t = TenantFrom::ConnectionId)]
    tenant_from: TenantFrom,
}

/// A connection as the list has it: without credentials.
struct Listed {
    id: String,
    integration: String,
    /// Where it becomes an activation.
    connection: String,
    tenant: Option<String>,
}

/// What is known of a connection of attache's.
struct Target {
    /// That its connector has.
    variables: BTreeSet<String>,
    /// The credential field that an API key is.
    key_field: &'static str,
}

/// The connections of an environment, one batch after the other.
pub(super) struct Nango {
    server: Arc<Server>,
    client: Client,
    map: BTreeMap<String, String>,
    tenant_from: TenantFrom,
    existing: Existing,
    targets: BTreeMap<String, Option<Target>>,
    links: Vec<Option<Link>>,
    listed: VecDeque<Listed>,
    /// The next one; none behind the last.
    page: Option<usize>,
    /// Of the first connection of the page before: a server without pages says the same again.
    first: Option<String>,
    number: u64,
    /// So many of those that were asked for last were not answered.
    away: u32,
}

/// What Nango says of a connection.
enum Detail {
    Had(Value),
    Not(Fault),
    /// Nothing, in words.
    Away(String),
}

struct Server {
    url: ServerUrl,
    key: Secret,
}

impl Nango {
    pub(super) fn new(
        args: &NangoArgs,
        client: Client,
        existing: Existing,
    ) -> Result<Self, Stopped> {
        let key = secret(KEY, args.nango_key_file.as_deref())?.ok_or_else(|| {
            Stopped::Invalid(format!(
                "set {KEY} to the secret key of the environment, or name a file with --nango-key-file"
            ))
        })?;
        args.nango_url.warn_of("Nango's secret key");
        let server = Arc::new(Server { url: args.nango_url.clone(), key });
        let map = args.map.iter().map(|it| (it.0.clone(), it.1.clone())).collect();
        Ok(Self {
            server,
            client,
            map,
            tenant_from: args.tenant_from,
            existing,
            targets: BTreeMap::new(),
            links: (0..AT_ONCE).map(|_| None).collect(),
            listed: VecDeque::new(),
            page: Some(0),
            first: None,
            number: 0,
            away: 0,
        })
    }

    /// The next rows, `count` at most; none at the end.
    pub(super) async fn batch(&mut self, count: usize) -> Result<Vec<Row>, Stopped> {
        while self.listed.is_empty() {
            let Some(page) = self.page else { return Ok(Vec::new()) };
            self.list(page).await?;
        }
        let listed: Vec<_> = self.listed.drain(..count.min(self.listed.len())).collect();
        for one in &listed {
            self.know(&one.connection).await?;
        }
        let mut settled = self.settled(&listed).await?;
        let wanted = listed.iter().zip(&settled).filter(|it| it.1.is_none()).map(|it| it.0);
        let mut details = self.details(&wanted.collect::<Vec<_>>()).await?.into_iter();
        let details: Vec<_> =
            settled.drain(..).filter_map(|it| it.map(Err).or_else(|| details.next())).collect();
        let mut rows = Vec::with_capacity(listed.len());
        for (one, detail) in listed.into_iter().zip(details) {
            self.number += 1;
            let entry = match (self.targets.get(&one.connection), detail) {
                (_, Err(fault)) => Err(fault),
                (Some(Some(target)), Ok(detail)) => entry(&one, &detail, target),
                _ => Err(Fault::new("connection", "there is none of this name in attache")),
            };
            let (number, tenant) = (self.number, one.tenant.unwrap_or(one.id));
            rows.push(Row { number, line: 0, end: 0, tenant, connection: one.connection, entry });
        }
        Ok(rows)
    }

    /// Those that need no question, with what becomes of them. A token that Nango renews for its answer would use up the one
    /// that attache goes on with: what is there already is not asked for, unless it is to be replaced.
    async fn settled(&mut self, all: &[Listed]) -> Result<Vec<Option<Fault>>, Stopped> {
        let mut settled = Vec::with_capacity(all.len());
        for one in all {
            let is_known = matches!(self.targets.get(&one.connection), Some(Some(_)));
            settled.push(match &one.tenant {
                None => Some(Fault::new("tenant", NO_TENANT)),
                Some(_) if !is_known => Some(Fault::new(
                    "connection",
                    plain(&format!("there is no connection `{}` in attache", one.connection)),
                )),
                Some(_) => None,
            });
        }
        if self.existing == Existing::Replace {
            return Ok(settled);
        }
        let row = |one: &Listed| {
            let entry = json!({ "connection": one.connection, "tenant": one.tenant });
            Row::of_entry((0, 0, 0), Ok(entry), None)
        };
        let open = all.iter().zip(&settled).filter(|it| it.1.is_none());
        let rows: Vec<Row> = open.map(|it| row(it.0)).collect();
        let (id, existing, is_rehearsal) = (Uuid::now_v7(), Existing::Skip, true);
        let asked = Batch { id, existing, is_rehearsal, rows: &rows };
        let there = asked.send(&mut self.client).await.map_err(|it| it.stopped)?;
        let is_skip = self.existing == Existing::Skip;
        for (fault, there) in settled.iter_mut().filter(|it| it.is_none()).zip(there) {
            if there.name == "skipped" {
                let twice = || Fault::new("tenant", "it is there already, and was not asked for");
                *fault = Some(if is_skip { Fault::skip() } else { twice() });
            }
        }
        Ok(settled)
    }

    async fn list(&mut self, page: usize) -> Result<(), Stopped> {
        let mut link = self.links[0].take();
        let target = format!("/connections?limit={PAGE}&page={page}");
        let mut answer = self.server.listed(&mut link, &target).await?;
        // Older servers have no pages, and refuse what they do not know.
        if answer.0 == StatusCode::BAD_REQUEST && page == 0 {
            answer = self.server.listed(&mut link, "/connections").await?;
            self.page = None;
        }
        self.links[0] = link;
        let (status, body) = answer;
        if status != StatusCode::OK {
            return Err(self.server.refused(status, &body));
        }
        let Some(all) = body["connections"].as_array() else {
            return Err(self.server.strange());
        };
        if self.page.is_none() && all.len() >= LIST_MAX {
            return Err(Stopped::Failed(format!(
                "Nango at {} has no pages, and may have more than the {LIST_MAX} connections that it lists at once: \
                 update it first",
                self.server.url
            )));
        }
        let first = all.first().map(|it| it["id"].to_string() + &it["connection_id"].to_string());
        let is_same = first.is_some() && first == self.first;
        self.page = self.page.filter(|_| !all.is_empty() && !is_same).map(|it| it + 1);
        self.first = first;
        if is_same {
            return Ok(());
        }
        for one in all {
            let text = |it: &Value| it.as_str().map(str::to_owned);
            let (Some(id), Some(integration)) =
                (text(&one["connection_id"]), text(&one["provider_config_key"]))
            else {
                return Err(self.server.strange());
            };
            let to = match (self.map.get(&integration), self.map.is_empty()) {
                (Some(to), _) => to.clone(),
                (None, true) => integration.clone(),
                (None, false) => continue,
            };
            let tenant = tenant(one, self.tenant_from);
            self.listed.push_back(Listed { id, integration, connection: to, tenant });
        }
        Ok(())
    }

    /// Asks attache for a connection, once.
    async fn know(&mut self, connection: &str) -> Result<(), Stopped> {
        if self.targets.contains_key(connection) {
            return Ok(());
        }
        let asked = Ask::new(Method::GET, path(["connections", connection]));
        let target = match self.client.try_ask(asked).await? {
            Err(problem) if problem.code == "not_found" || problem.code == "bad_request" => None,
            Err(problem) => return Err(problem.into()),
            Ok(found) => {
                let connector = found.body["connector"].as_str().unwrap_or_default();
                let asked = Ask::new(Method::GET, path(["connectors", connector]));
                let connector = self.client.ask(asked).await?;
                let variables = connector.body["variables"].as_object();
                let variables = variables.map(|it| it.keys().cloned().collect());
                let is_bearer = found.body["auth_method"].get("bearer").is_some();
                let key_field = if is_bearer { "token" } else { "key" };
                Some(Target { variables: variables.unwrap_or_default(), key_field })
            }
        };
        self.targets.insert(connection.to_owned(), target);
        Ok(())
    }

    /// Each with its credentials, some at the same time.
    async fn details(&mut self, all: &[&Listed]) -> Result<Vec<Result<Value, Fault>>, Stopped> {
        let mut details: Vec<Option<Result<Value, Fault>>> = all.iter().map(|_| None).collect();
        let mut asking = JoinSet::new();
        let mut left = all.iter().enumerate();
        loop {
            while let Some(mut link) = self.links.pop() {
                let Some((index, one)) = left.next() else {
                    self.links.push(link);
                    break;
                };
                let server = Arc::clone(&self.server);
                let (id, integration) = (escaped(&one.id), escaped(&one.integration));
                asking.spawn(async move {
                    let detail = server.detail(&mut link, &id, &integration).await;
                    (link, index, detail)
                });
            }
            let Some(joined) = asking.join_next().await else { break };
            let gone = |_| Stopped::Failed("a question to Nango broke off".to_owned());
            let (link, index, detail) = joined.map_err(gone)?;
            self.links.push(link);
            let detail = detail?;
            self.away = if matches!(detail, Detail::Away(_)) { self.away + 1 } else { 0 };
            details[index] = Some(match detail {
                Detail::Had(detail) => Ok(detail),
                Detail::Not(fault) => Err(fault),
                Detail::Away(why) if self.away == AWAY_MAX => return Err(self.server.away(&why)),
                Detail::Away(why) => {
                    Err(Fault::new("", format!("Nango does not answer for it: {why}")))
                }
            });
        }
        Ok(details.into_iter().flatten().collect())
    }
}

impl Server {
    /// A connection with its credentials; a fault where Nango has none that are good.
    async fn detail(
        &self,
        link: &mut Option<Link>,
        id: &str,
        integration: &str,
    ) -> Result<Detail, Stopped> {
        let query = format!("provider_config_key={integration}&refresh_token=true");
        let mut answer = self.get(link, &format!("/connections/{id}?{query}"), FAULTS_MAX).await?;
        // Its name before there was that one.
        if matches!(answer, Ok((StatusCode::NOT_FOUND, _))) {
            answer = self.get(link, &format!("/connection/{id}?{query}"), FAULTS_MAX).await?;
        }
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => return Ok(Detail::Away(why)),
        };
        match answer {
            (StatusCode::OK, body) => Ok(Detail::Had(body)),
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, body) => {
                Err(self.refused(answer.0, &body))
            }
            (status, body) => {
                let why = format!("Nango does not give it: {}", told(status, &body));
                Ok(Detail::Not(Fault::new("", why)))
            }
        }
    }

    /// What nothing can be done without.
    async fn listed(
        &self,
        link: &mut Option<Link>,
        target: &str,
    ) -> Result<(StatusCode, Value), Stopped> {
        self.get(link, target, TRIES_MAX).await?.map_err(|why| self.away(&why))
    }

    /// Status and JSON, or why there are none. Where there is no time it is asked again, when it says so; after so many
    /// `faults` it is not.
    async fn get(
        &self,
        link: &mut Option<Link>,
        target: &str,
        faults: u32,
    ) -> Result<Result<(StatusCode, Value), String>, Stopped> {
        let (mut tries, mut failed) = (0, 0);
        loop {
            tries += 1;
            failed += 1;
            let asked = tokio::time::timeout(PATIENCE, self.once(link, target)).await;
            let answered = match asked {
                Ok(answered) => answered?,
                Err(_) => Err("it did not answer in time".to_owned()),
            };
            let (why, pause) = match answered {
                Ok((status, headers, body)) if is_busy(status) => {
                    if status == StatusCode::TOO_MANY_REQUESTS {
                        failed -= 1;
                    }
                    (told(status, &body), pause(&headers))
                }
                Ok((status, _, body)) => return Ok(Ok((status, body))),
                Err(why) => (why, PAUSE),
            };
            if tries == TRIES_MAX || failed == faults {
                return Ok(Err(why));
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Else how the link broke.
    async fn once(
        &self,
        kept: &mut Option<Link>,
        target: &str,
    ) -> Result<Result<(StatusCode, HeaderMap, Value), String>, Stopped> {
        let mut free = kept.take();
        if let Some(link) = &mut free
            && !link.is_free().await
        {
            free = None;
        }
        let mut link = match free {
            Some(link) => link,
            None => Link::open(&self.url, "--nango-url", &Trust::default()).await?,
        };
        let request = self.request(target)?;
        let (head, body) = match link.send(request).await {
            Ok(response) => response.into_parts(),
            Err(error) => return Ok(Err(error)),
        };
        let body = match Limited::new(body, ANSWER_LEN_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return Ok(Err(error.to_string())),
        };
        *kept = Some(link);
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Ok((head.status, head.headers, body)))
    }

    fn request(&self, target: &str) -> Result<Request<Full<Bytes>>, Stopped> {
        let mut key = HeaderValue::try_from(format!("Bearer {}", self.key.expose()))
            .map_err(|_| Stopped::Invalid("Nango's key is not visible ASCII".to_owned()))?;
        key.set_sensitive(true);
        Request::builder()
            .uri(format!("{}{target}", self.url.base))
            .header(header::HOST, &self.url.authority)
            .header(header::USER_AGENT, concat!("attache/", env!("CARGO_PKG_VERSION")))
            .header(header::ACCEPT, "application/json")
            .header(header::AUTHORIZATION, key)
            .body(Full::default())
            .map_err(|_| Stopped::Invalid("the request can't be written".to_owned()))
    }

    fn refused(&self, status: StatusCode, body: &Value) -> Stopped {
        Stopped::Failed(format!("Nango at {} refuses: {}", self.url, told(status, body)))
    }

    fn away(&self, why: &str) -> Stopped {
        Stopped::Failed(format!("Nango at {}: {}", self.url, plain(why)))
    }

    fn strange(&self) -> Stopped {
        Stopped::Failed(format!(
            "{} does not answer like Nango's API: is it --nango-url?",
            self.url
        ))
    }
}

fn is_busy(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

fn pause(headers: &HeaderMap) -> Duration {
    let after = headers.get(header::RETRY_AFTER).and_then(|it| it.to_str().ok()?.parse().ok());
    after.map_or(PAUSE, Duration::from_secs).min(PAUSE_MAX)
}

/// What it says is wrong: its code, and never what else stands in an answer.
fn told(status: StatusCode, body: &Value) -> String {
    let error = &body["error"];
    let code = error["code"].as_str().or(error.as_str()).or(body["type"].as_str());
    match code {
        Some(code) => format!("{} {}", status.as_u16(), plain(code)),
        None => status.as_u16().to_string(),
    }
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Newer servers say it by tags, older ones by an end user.
fn tenant(one: &Value, from: TenantFrom) -> Option<String> {
    let found = match from {
        TenantFrom::ConnectionId => [&one["connection_id"], &Value::Null],
        TenantFrom::EndUser => [&one["end_user"]["id"], &one["tags"]["end_user_id"]],
        TenantFrom::Organization => {
            [&one["end_user"]["organization"]["id"], &one["tags"]["organization_id"]]
        }
    };
    found.into_iter().find_map(|it| it.as_str()).filter(|it| !it.is_empty()).map(str::to_owned)
}

/// As an import takes it.
fn entry(one: &Listed, detail: &Value, target: &Target) -> Result<Value, Fault> {
    let tenant = one.tenant.as_deref().ok_or_else(|| Fault::new("tenant", NO_TENANT))?;
    let given = &detail["credentials"];
    let text = |name: &str| given[name].as_str().filter(|it| !it.is_empty());
    let needs = |name: &str| {
        text(name).ok_or_else(|| Fault::new("", format!("Nango gives no `{name}` of it")))
    };
    let mut entry = Map::new();
    entry.insert("connection".to_owned(), one.connection.clone().into());
    entry.insert("tenant".to_owned(), tenant.into());
    let mut credentials = Map::new();
    match given["type"].as_str().unwrap_or_default() {
        "OAUTH2" => {
            needs("access_token")?;
            for name in ["access_token", "refresh_token", "expires_at"] {
                if let Some(value) = text(name) {
                    entry.insert(name.to_owned(), value.into());
                }
            }
            if let Some(scope) = given["raw"]["scope"].as_str().filter(|it| !it.is_empty()) {
                entry.insert("scopes".to_owned(), scope.replace(',', " ").into());
            }
        }
        "OAUTH2_CC" => {
            for name in ["client_id", "client_secret"] {
                credentials.insert(name.to_owned(), needs(name)?.into());
            }
        }
        "API_KEY" => {
            credentials.insert(target.key_field.to_owned(), needs("apiKey")?.into());
        }
        "BASIC" => {
            credentials.insert("username".to_owned(), needs("username")?.into());
            credentials.insert("password".to_owned(), text("password").unwrap_or_default().into());
        }
        "OAUTH1" => {
            credentials.insert("token".to_owned(), needs("oauth_token")?.into());
            credentials.insert("token_secret".to_owned(), needs("oauth_token_secret")?.into());
        }
        other => {
            let why = format!(
                "its credentials are of the type `{}`, which has no counterpart",
                plain(other)
            );
            return Err(Fault::new("", why));
        }
    }
    if !credentials.is_empty() {
        entry.insert("credentials".to_owned(), credentials.into());
    }
    let config = detail["connection_config"].as_object();
    let variables: Map<String, Value> = config
        .into_iter()
        .flatten()
        .filter(|(name, value)| value.is_string() && target.variables.contains(*name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if !variables.is_empty() {
        entry.insert("variables".to_owned(), json!(variables));
    }
    Ok(Value::Object(entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed() -> Listed {
        let text = |it: &str| it.to_owned();
        Listed {
            id: text("1"),
            integration: text("hubspot"),
            connection: text("crm"),
            tenant: Some(text("acme")),
        }
    }

    fn target() -> Target {
        Target { variables: ["subdomain".to_owned()].into(), key_field: "token" }
    }

    #[test]
    fn each_type_of_credentials_becomes_the_fields_that_attache_has_for_it() {
        for (credentials, expected) in [
            (
                json!({
                    "type": "OAUTH2", "access_token": "a", "refresh_token": "r", "expires_at": "2027-03-08T09:43:03.725Z",
                    "raw": { "scope": "x,y", "id_token": "canary" },
                }),
                json!({ "access_token": "a", "refresh_token": "r", "expires_at": "2027-03-08T09:43:03.725Z", "scopes": "x y" }),
            ),
            (
                json!({ "type": "API_KEY", "apiKey": "k" }),
                json!({ "credentials": { "token": "k" } }),
            ),
            (
                json!({ "type": "BASIC", "username": "u", "password": "" }),
                json!({ "credentials": { "username": "u", "password": "" } }),
            ),
            (
                json!({ "type": "OAUTH2_CC", "token": "canary", "client_id": "i", "client_secret": "s" }),
                json!({ "credentials": { "client_id": "i", "client_secret": "s" } }),
            ),
        ] {
            let detail = json!({
                "credentials": credentials,
                "connection_config": { "subdomain": "acme", "oauth_scopes": "canary", "number": 1 },
            });
            let mut wanted = json!({ "connection": "crm", "tenant": "acme", "variables": { "subdomain": "acme" } });
            let members = wanted.as_object_mut().unwrap();
            members.extend(expected.as_object().unwrap().clone());
            assert_eq!(entry(&listed(), &detail, &target()), Ok(wanted));
        }
        for (credentials, says) in [
            (json!({ "type": "OAUTH2" }), "`access_token`"),
            (json!({ "type": "TBA", "token_id": "canary" }), "`TBA`"),
            (json!(null), "``"),
        ] {
            let fault =
                entry(&listed(), &json!({ "credentials": credentials }), &target()).unwrap_err();
            assert!(fault.why.contains(says) && !fault.why.contains("canary"), "{}", fault.why);
        }
    }

    #[test]
    fn tenants_are_called_by_what_was_chosen() {
        use TenantFrom as T;
        let old = json!({ "connection_id": "c", "end_user": { "id": "u", "organization": { "id": "o" } } });
        let new =
            json!({ "connection_id": "c", "tags": { "end_user_id": "u", "organization_id": "o" } });
        for (from, id) in [(T::ConnectionId, "c"), (T::EndUser, "u"), (T::Organization, "o")] {
            assert_eq!(tenant(&old, from).as_deref(), Some(id));
            assert_eq!(tenant(&new, from).as_deref(), Some(id));
        }
        assert_eq!(tenant(&json!({ "connection_id": "c", "end_user": null }), T::EndUser), None);
    }

    #[test]
    fn it_is_waited_for_as_long_as_the_server_says_and_not_for_ever() {
        let mut headers = HeaderMap::new();
        assert_eq!(pause(&headers), PAUSE);
        for (said, pause_s) in [("7", 7), ("0", 0), ("99999", 120)] {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(said));
            assert_eq!(pause(&headers), Duration::from_secs(pause_s));
        }
    }
}
