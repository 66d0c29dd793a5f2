//! `benches/store/run`: a million tenants' activations in a database, and attache in front of them (P9).
#![allow(clippy::disallowed_methods, reason = "the bench is the caller and the upstream")]
mod caller;
mod lists;
mod program;

use attache::app::trail_key;
use attache::catalog::Reach;
use attache::config::StoreUrl;
use attache::model::Credential;
use attache::model::Scope;
use attache::model::Secret;
use attache::model::UnixTime;
use attache::seal::FingerprintKey;
use attache::seal::Keyring;
use attache::store::Activation;
use attache::store::ActivationRow;
use attache::store::Entered;
use attache::store::Expect;
use attache::store::Place;
use attache::store::Secrets;
use attache::store::Store;
use caller::Caller;
use caller::Times;
use clap::Parser;
use lists::Lists;
use program::Program;
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

/// Written in one transaction.
const LOT: u32 = 1000;

/// How often a lot is tried.
const TRIES: u32 = 10;

/// Tenants whose activations a file declares, and as many of the store's that are asked for again and again.
const WARM: u32 = 1000;

/// What the database is sealed under; no secret.
const SEAL_KEY: &str = "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

#[derive(Parser)]
struct Arguments {
    /// The program to measure
    #[arg(long)]
    attache: PathBuf,
    /// An empty folder for its configuration and logs
    #[arg(long)]
    folder: PathBuf,
    /// An empty database
    #[arg(long)]
    database_url: String,
    #[arg(long, default_value_t = 1_000_000)]
    activations: u32,
    /// Connections made by the admin API before its lists are asked for
    #[arg(long, default_value_t = 10_000)]
    connections: u32,
    /// Requests for tenants that were not asked for before, one after another
    #[arg(long, default_value_t = 10_000)]
    cold: u32,
    /// Seconds of each warm round; three rounds of each kind take turns
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let upstream = caller::upstream().await?;
    let (made, took) = fill(&arguments, upstream).await?;
    println!("{made} activations were made in {:.0} s", took.as_secs_f64());
    let program =
        Program::start(&arguments.attache, &arguments.folder, &configuration(&arguments, upstream))
            .await?;
    let caller = Caller { proxy: program.proxy };
    let ready = (program.ready, program.resident_mib()?);

    // A prime passes each number once, and neighbours do not follow each other.
    let count = u64::from(arguments.activations);
    let nth = |index: u32| u32::try_from(u64::from(index) * 611_953 % count).unwrap_or_default();
    let alone = caller.one_by_one((0..arguments.cold).map(|it| ("stored", nth(it)))).await?;
    let from = arguments.cold;
    let at_once =
        caller.at_once("stored", 16, (from..from + arguments.cold).map(nth).collect()).await?;
    let after_cold = program.resident_mib()?;
    // Until the cache is full, and beyond.
    let from = 2 * arguments.cold;
    let many: Vec<u32> = (from..from + 60_000).map(nth).collect();
    caller.at_once("stored", 64, many).await?;
    let full = program.resident_mib()?;
    let (mut stored, mut filed) = (Vec::new(), Vec::new());
    let time = Duration::from_secs_f64(arguments.seconds);
    caller.one_by_one((0..WARM).map(|it| ("stored", it))).await?;
    for _ in 0..3 {
        stored.push(caller.rate("stored", WARM, time).await?);
        filed.push(caller.rate("filed", WARM, time).await?);
    }
    let warm = caller.one_by_one((0..arguments.cold).map(|it| ("stored", it % WARM))).await?;
    tell(&ready, &alone, &at_once, &warm, (after_cold, full), (median(stored), median(filed)));
    let lists = Lists { admin: program.admin };
    let took = lists.fill(arguments.connections).await?;
    println!("\n{} connections were made in {:.0} s", arguments.connections, took.as_secs_f64());
    lists.tell().await
}

/// Tells it as a table, a row for each figure.
fn tell(
    (ready, resident): &(Duration, f64),
    alone: &Times,
    at_once: &Times,
    warm: &Times,
    (after_cold, full): (f64, f64),
    (stored, filed): (f64, f64),
) {
    println!("\n| figure | |\n|---|---|");
    println!("| from its start to ready | {:.0} ms |", ready.as_secs_f64() * 1e3);
    println!(
        "| resident then / after the cold requests / with a full cache | {resident:.0} / {after_cold:.0} / {full:.0} MiB |"
    );
    println!("| a tenant's first request, one after another: p50 / p99 / most | {alone} |");
    println!("| the same, 16 at once | {at_once} |");
    println!("| a request whose activation is in memory, one after another | {warm} |");
    println!(
        "| warm requests per second, 64 links: of the store / of a file | {stored:.0} / {filed:.0} ({:.2}) |",
        stored / filed
    );
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn tenant(number: u32) -> String {
    format!("tenant-{number:07}")
}

/// Makes the activations as the API does, lot by lot.
async fn fill(arguments: &Arguments, upstream: std::net::SocketAddr) -> Result<(u32, Duration)> {
    let url = StoreUrl::try_from(&*arguments.database_url)?;
    let store = Store::open(&url, &arguments.folder).await?;
    store.migrate().await?;
    let keyring = Keyring::parse(&[Secret::new(SEAL_KEY)])?;
    let fingerprints = FingerprintKey::random();
    // As attache does at a deployment's first start: nothing is written without a trail.
    let own = |place: &Place<'_>| {
        let credential = fingerprints.credential();
        Ok(keyring.seal(&fingerprints, &place.binding, &credential, UnixTime::from_s(1)))
    };
    store.deployment().own(&Scope::System, &own).await?;
    let trail = trail_key(&store, &keyring).await?;
    store.keep_trail(trail.ok_or("the deployment has a key of its own")?);
    store.audit().begin(&Scope::System).await?;
    let seal = |place: &Place<'_>| {
        let token = format!("token-of-{}", place.binding.tenant);
        let credential = Credential::from_iter([("token", &*token)]);
        Ok(keyring.seal(&fingerprints, &place.binding, &credential, UnixTime::from_s(1)))
    };
    let since = Instant::now();
    for from in (0..arguments.activations).step_by(LOT as usize) {
        let until = arguments.activations.min(from + LOT);
        let activate = |number| Activation {
            row: ActivationRow {
                owner: "file:stored".to_owned(),
                tenant: tenant(number),
                connection: "stored".to_owned(),
                enabled: true,
                definition: "{}".to_owned(),
                account: None,
            },
            secrets: Secrets::Set(&seal),
            condition: Expect::Anything.into(),
        };
        let lot: Vec<_> = (from..until).map(activate).collect();
        // What is written twice is the same: a database that is slow for a moment is asked again.
        let mut tries = 0;
        while let Err(error) = store.activations().put_all(&Scope::System, &lot, &[]).await {
            tries += 1;
            if tries == TRIES {
                return Err(error.into());
            }
        }
        if until.is_multiple_of(50_000) {
            eprint!("\r{until} of {}", arguments.activations);
            std::io::stderr().flush()?;
        }
    }
    eprintln!();
    let took = since.elapsed();
    let (owner, connection) = ("file:stored".to_owned(), "stored".to_owned());
    let origins = [format!("http://{upstream}")].into();
    let reach = Reach { connector: "api".to_owned(), origins, ..Reach::default() };
    store.origins().confirm(&Scope::System, &Entered { owner, connection, reach }).await?;
    store.close().await;
    Ok((arguments.activations, took))
}

fn configuration(arguments: &Arguments, upstream: std::net::SocketAddr) -> String {
    let mut text = format!(
        "egress: {{ allow: [127.0.0.0/8] }}
log: {{ level: warn, access: off }}
callers: {{ bench: {{ key: {} }} }}
server:
  proxy: {{ listen: \"127.0.0.1:0\", workers: 1 }}
  admin: {{ listen: \"127.0.0.1:0\", token: {} }}
  public: {{ listen: \"127.0.0.1:0\" }}
store: {{ url: \"{}\" }}
seal: {{ keys: [ {{ file: {} }} ] }}
connectors: {{ api: {{ base_url: \"http://{upstream}\", auth: {{ m: {{ bearer: {{}} }} }} }} }}
connections:
  stored: {{ connector: api, auth: m, embedded: true }}
  filed: {{ connector: api, auth: m, embedded: true }}
activations:
",
        caller::KEY,
        lists::TOKEN,
        arguments.database_url,
        arguments.folder.join("seal.key").display(),
    );
    for number in 0..WARM {
        let tenant = tenant(number);
        text += &format!(
            "  - {{ connection: filed, tenant: {tenant}, credentials: {{ token: token-of-{tenant} }} }}\n"
        );
    }
    text
}
