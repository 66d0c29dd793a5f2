//! `attache delivery`: what senders of webhooks delivered, and what became of it.
use super::Asks;
use super::HOOKS;
use super::Kind;
use super::output::Output;
use super::verb;
use crate::cli::api::Ask;
use crate::cli::api::Client;
use crate::cli::api::newest;
use crate::cli::api::path;
use crate::cli::stopped::Stopped;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::io;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use url::form_urlencoded;

/// Longest captured request that is read, in bytes: the API takes a shorter one yet.
const LEN_MAX: u64 = 1 << 20;

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// List them, the newest first
    List {
        /// To this connection alone
        #[arg(long, value_name = "KEY")]
        connection: Option<String>,
        /// Of this tenant alone
        #[arg(long, value_name = "ID")]
        tenant: Option<String>,
        /// That came to this alone: accepted, repeated, refused, failed or handshake
        #[arg(long)]
        verdict: Option<String>,
        /// Not before, as in 2027-01-31T12:00:00Z
        #[arg(long, value_name = "WHEN")]
        since: Option<String>,
        /// Not at or after
        #[arg(long, value_name = "WHEN")]
        until: Option<String>,
        /// So many at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Show one, with its headers and its body
    Get {
        /// Its id: the Attache-Request-Id that its sender was told
        id: String,
    },
    /// Send one that was verified to its connection's target again
    Replay {
        /// Its id: the Attache-Request-Id that its sender was told
        id: String,
    },
    /// List the connections that take webhooks, with how many came to what
    Hooks,
    /// Hold a captured request against a connection's own secret, step by step
    Verify {
        /// The connection's key
        connection: String,
        /// A file with the request as raw HTTP: request line, fields, an empty line, the body; - is standard input
        #[arg(value_name = "FILE", default_value = "-")]
        capture: PathBuf,
        /// The tenant, where each has a secret of its own
        #[arg(long, value_name = "ID")]
        tenant: Option<String>,
        /// The time that the request's clock is compared with, as in 2027-01-31T12:00:00Z. Default: what it says
        #[arg(long, value_name = "WHEN")]
        at: Option<String>,
    },
}

impl Asks for Command {
    async fn run(self, kind: &Kind, mut client: Client, output: Output) -> Result<(), Stopped> {
        let client = &mut client;
        let ask = match self {
            Self::List { connection, tenant, verdict, since, until, limit } => {
                let mut query = form_urlencoded::Serializer::new(path([kind.segment]) + "?");
                let filters = [
                    ("connection", connection),
                    ("tenant", tenant),
                    ("verdict", verdict),
                    ("since", since),
                    ("until", until),
                ];
                for (name, value) in filters {
                    query.extend_pairs(value.map(|it| (name, it)));
                }
                let all = query.finish();
                return output.listed(kind, newest(client, &all, limit).await?);
            }
            Self::Hooks => return verb::list(client, &HOOKS, &path([HOOKS.segment]), output).await,
            Self::Get { id } => Ask::new(Method::GET, path([kind.segment, &id])),
            Self::Replay { id } => {
                Ask::new(Method::POST, path([kind.segment, &id, "replay"])).body(json!({}))
            }
            Self::Verify { connection, capture, tenant, at } => {
                let mut members = Map::new();
                members.insert("connection".to_owned(), connection.into());
                members.insert("request".to_owned(), captured(&capture)?);
                members.extend(tenant.map(|it| ("tenant".to_owned(), it.into())));
                members.extend(at.map(|it| ("at".to_owned(), it.into())));
                let verify = path(["webhooks", "verify"]);
                Ask::new(Method::POST, verify).body(Value::Object(members))
            }
        };
        verb::send(client, ask, output).await
    }
}

/// As text where it is one; else taken apart here, so that no byte of the body is lost.
fn captured(file: &Path) -> Result<Value, Stopped> {
    let mut bytes = Vec::new();
    // One more tells that it is too long.
    let read = if file == Path::new("-") {
        io::stdin().take(LEN_MAX + 1).read_to_end(&mut bytes)
    } else {
        fs::File::open(file).and_then(|it| it.take(LEN_MAX + 1).read_to_end(&mut bytes))
    };
    let invalid = |told: String| Stopped::Invalid(format!("{}: {told}", file.display()));
    read.map_err(|it| invalid(format!("it can't be read: {}", it.kind())))?;
    if bytes.len() as u64 > LEN_MAX {
        return Err(invalid(format!("it is longer than {LEN_MAX} bytes")));
    }
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return Ok(text.into()),
        Err(error) => error.into_bytes(),
    };
    let request = crate::webhook::captured(&bytes)
        .map_err(|it| invalid(format!("it is no captured request: {it}")))?;
    let headers = request.headers.iter();
    let headers = headers
        .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]));
    Ok(json!({
        "method": request.method.as_str(),
        "path": request.target,
        "headers": headers.collect::<Vec<_>>(),
        "body_base64": STANDARD.encode(&request.body),
    }))
}
