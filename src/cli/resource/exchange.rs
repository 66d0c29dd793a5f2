//! `attache exchange`: requests and their responses, as a running attache has seen them.
use super::Asks;
use super::Kind;
use super::output::Output;
use crate::cli::api::Ask;
use crate::cli::api::Client;
use crate::cli::api::newest;
use crate::cli::api::path;
use crate::cli::stopped::Stopped;
use http::Method;
use std::io;
use std::io::Write;
use url::form_urlencoded;

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// List the last ones, the newest first
    List {
        #[command(flatten)]
        wanted: Wanted,
        /// So many at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Show one, as long as it is kept
    Get {
        /// Its request id
        id: String,
    },
    /// Print them as they end: one a line, as JSON
    Follow {
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Show how much goes through, how much fails and how long it takes
    Traffic {
        /// How far back: 5m, 1h or 24h
        #[arg(long, default_value = "5m")]
        window: String,
        /// By this connection alone, as far as its exchanges are kept
        #[arg(long, value_name = "KEY")]
        connection: Option<String>,
    },
}

/// Which ones.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Wanted {
    /// By this connection alone
    #[arg(long, value_name = "KEY")]
    connection: Option<String>,
    /// Of this tenant alone
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Of this caller alone
    #[arg(long, value_name = "KEY")]
    caller: Option<String>,
    /// To this connector alone
    #[arg(long, value_name = "KEY")]
    connector: Option<String>,
    /// By this environment alone
    #[arg(long, value_name = "KEY")]
    environment: Option<String>,
    /// With this method alone
    #[arg(long)]
    method: Option<String>,
    /// Failed by this fault alone: caller, attache or upstream
    #[arg(long)]
    source: Option<String>,
    /// With this status alone: 404, or 4xx
    #[arg(long)]
    status: Option<String>,
    /// With this in the path
    #[arg(long, value_name = "PART")]
    path: Option<String>,
}

impl Wanted {
    fn of(self, path: String) -> String {
        let Self {
            connection,
            tenant,
            caller,
            connector,
            environment,
            method,
            source,
            status,
            path: part,
        } = self;
        asked(
            path,
            [
                ("connection", connection),
                ("tenant", tenant),
                ("caller", caller),
                ("connector", connector),
                ("environment", environment),
                ("method", method),
                ("source", source),
                ("status", status),
                ("path", part),
            ],
        )
    }
}

fn asked<const N: usize>(path: String, values: [(&str, Option<String>); N]) -> String {
    let mut query = form_urlencoded::Serializer::new(path + "?");
    query.extend_pairs(values.iter().filter_map(|(name, it)| Some((name, it.as_ref()?))));
    query.finish()
}

impl Asks for Command {
    async fn run(self, kind: &Kind, mut client: Client, output: Output) -> Result<(), Stopped> {
        match self {
            Self::List { wanted, limit } => {
                let path = wanted.of(path([kind.segment]));
                output.listed(kind, newest(&mut client, &path, limit).await?)
            }
            Self::Get { id } => {
                let ask = Ask::new(Method::GET, path([kind.segment, &id]));
                output.answer(&client.ask(ask).await?)
            }
            Self::Follow { wanted } => {
                let ask = Ask::new(Method::GET, wanted.of(path([kind.segment, "stream"])));
                client.download(ask, &mut Events::default()).await.map(drop)
            }
            Self::Traffic { window, connection } => {
                let path = path(["traffic"]);
                let values = [("window", Some(window)), ("connection", connection)];
                let ask = Ask::new(Method::GET, asked(path, values));
                output.answer(&client.ask(ask).await?)
            }
        }
    }
}

/// Longest line of an event, in bytes: the longest path, escaped, and the rest of a record.
const LINE_LEN_MAX: usize = 64 << 10;

/// Server-sent events on their way: what each is about goes to standard output, a line each.
#[derive(Default)]
struct Events {
    line: Vec<u8>,
    is_skipped: bool,
}

impl Write for Events {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            if *byte != b'\n' {
                if self.line.len() >= LINE_LEN_MAX {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                self.line.push(*byte);
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let line = String::from_utf8_lossy(&line);
            if let Some(event) = line.strip_prefix("event: ") {
                self.is_skipped = event == "skipped";
            }
            match line.strip_prefix("data: ") {
                Some(data) if self.is_skipped => {
                    eprintln!("attache: more than are told: {data}");
                }
                Some(data) => writeln!(io::stdout(), "{data}")?,
                None => {}
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}
