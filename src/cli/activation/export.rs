//! `attache activation export`: what tenants have given, sealed to a public key, in the shape that an import takes.
use crate::cli::api::Ask;
use crate::cli::api::Client;
use crate::cli::api::path;
use crate::cli::stopped::Stopped;
use clap::Args;
use http::Method;
use serde_json::json;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

/// What is written while it is not whole.
const PART: &str = "part";

/// Write tenants' credentials and tokens to an age file, where the configuration lets you (server.admin.export_access)
///
/// `age -d -i KEY FILE | attache activation import -` gives all of it to another attache.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct Export {
    /// The public key that it is sealed to: what `age-keygen` prints
    #[arg(long, value_name = "age1…")]
    recipient: String,
    /// That of this connection alone
    #[arg(long, value_name = "KEY")]
    connection: Option<String>,
    /// The file to write, which must not be there; `-` for the standard output
    #[arg(long = "file", short = 'f', value_name = "FILE")]
    file: PathBuf,
}

impl Export {
    pub(in crate::cli) async fn run(self, client: &mut Client) -> Result<(), Stopped> {
        let Self { recipient, connection, file } = self;
        let mut wanted = json!({ "recipient": recipient });
        if let Some(connection) = connection {
            wanted["connection"] = connection.into();
        }
        let ask = Ask::new(Method::POST, path(["activations", "export"])).body(wanted);
        if file == Path::new("-") {
            return client.download(ask, &mut io::stdout().lock()).await.map(drop);
        }
        let name = file.display().to_string();
        let failed = |it: io::Error| Stopped::Failed(format!("{name}: {}", it.kind()));
        if file.exists() {
            return Err(Stopped::Invalid(format!("{name} is there already: name another file")));
        }
        let mut part = file.clone().into_os_string();
        part.push(format!(".{PART}"));
        let part = PathBuf::from(part);
        let mut out = private(&part).map_err(failed)?;
        let done = client.download(ask, &mut out).await;
        let kept = match done {
            Ok(_) => out.sync_all().and_then(|()| fs::rename(&part, &file)).map_err(failed),
            Err(stopped) => Err(stopped),
        };
        if kept.is_err() {
            // What is not whole is of no use to anybody.
            drop(fs::remove_file(&part));
        }
        kept
    }
}

/// For its owner alone, though it is sealed.
fn private(path: &Path) -> io::Result<File> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.flush()?;
    Ok(file)
}
