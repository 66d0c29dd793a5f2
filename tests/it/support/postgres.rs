//! PostgreSQL for the tests: one server for all of a run's processes, or one of a test's own.
use std::fs;
use std::fs::File;
use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::net::TcpListener;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempPath;

/// The URL of a server that is there already, without a database; or `none`, for no such tests.
const SETTING: &str = "ATTACHE_TEST_POSTGRES";

/// How long the shared server waits for the next test: each is a process of its own under nextest.
const LINGER_S: &str = "10";

/// How long a server may take to start, on a machine that does something else.
const START: Duration = Duration::from_secs(60);

/// Where the tests' server is: `postgres://attache@127.0.0.1:PORT`. None where the setting says so, which is
/// printed.
pub fn shared() -> Option<&'static str> {
    static SHARED: OnceLock<Option<Shared>> = OnceLock::new();
    SHARED.get_or_init(Shared::find).as_ref().map(|it| &*it.url)
}

struct Shared {
    url: String,
    /// Held as long as this process lives: the server stays.
    _in_use: Option<File>,
}

impl Shared {
    fn find() -> Option<Self> {
        match std::env::var(SETTING) {
            Ok(none) if none == "none" => {
                eprintln!("not tested: {SETTING} is none, so there is no PostgreSQL");
                return None;
            }
            Ok(url) => return Some(Self { url, _in_use: None }),
            Err(_) => {}
        }
        // One for each user and checkout.
        let mut hash = DefaultHasher::new();
        env!("CARGO_TARGET_TMPDIR").hash(&mut hash);
        rustix::process::getuid().as_raw().hash(&mut hash);
        let name = format!("attache-postgres-{:016x}", hash.finish());
        // A short path: a socket's has at most 107 bytes. And one that `nobody` can reach.
        let folder = std::env::temp_dir().join(name);
        let users = beside("postgres.users");
        let in_use = hold(&users);
        // One at a time: the first starts it, the others find it.
        let first = open(&beside("postgres.start"));
        first.lock().expect("a file of ours can be locked");
        let port = running(&folder).unwrap_or_else(|| run(&folder, &users, LINGER_S));
        Some(Self { url: url(port), _in_use: Some(in_use) })
    }
}

/// A server of a test's own, to be stopped and started. Gone a second after this value is.
pub struct Server {
    folder: PathBuf,
    pub url: String,
    _in_use: File,
    _users: TempPath,
}

impl Server {
    /// None where there is no PostgreSQL on purpose, as in [`shared`].
    pub fn start() -> Option<Self> {
        if std::env::var(SETTING).is_ok_and(|it| it == "none") {
            eprintln!("not tested: {SETTING} is none, so there is no PostgreSQL");
            return None;
        }
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("attache-postgres-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let users = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR"));
        let users = users.expect("a file can be made").into_temp_path();
        let in_use = hold(&users);
        let port = run(&folder, &users, "0");
        Some(Self { folder, url: url(port), _in_use: in_use, _users: users })
    }

    /// As if the machine had lost its power.
    pub fn crash(&self) {
        script("stop", &self.folder);
    }

    pub fn restart(&self) {
        script("start", &self.folder);
    }
}

fn url(port: u16) -> String {
    format!("postgres://attache@127.0.0.1:{port}")
}

/// The port of the server that runs there, if one does.
fn running(folder: &Path) -> Option<u16> {
    let port = fs::read_to_string(folder.join("ready")).ok()?.trim().parse().ok()?;
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(port)
}

/// Starts the script that makes, keeps and deletes it. It outlives this process, and nobody who waits for
/// this process waits for it.
#[expect(clippy::zombie_processes, reason = "it outlives this process, on purpose")]
fn run(folder: &Path, users: &Path, linger_s: &str) -> u16 {
    for _ in 0..3 {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let port = port.expect("there is a free port").port();
        let log = || File::create(users.with_extension("log")).expect("a folder takes files");
        let mut child = Command::new("setsid")
            .arg(program())
            .arg("run")
            .arg(folder)
            .arg(users)
            .args([&port.to_string(), linger_s])
            .stdin(Stdio::null())
            .stdout(log())
            .stderr(log())
            .spawn()
            .expect("scripts/test-postgres can be run: scripts/need postgres");
        let until = Instant::now() + START;
        while Instant::now() < until {
            if let Some(port) = running(folder) {
                return port;
            }
            if child.try_wait().expect("a child can be asked").is_some() {
                break;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
    let log = fs::read_to_string(users.with_extension("log")).unwrap_or_default();
    panic!("no PostgreSQL: {log}\ninstall it (scripts/need postgres), or set {SETTING}");
}

fn script(what: &str, folder: &Path) {
    let done = Command::new(program()).arg(what).arg(folder).status();
    assert!(done.expect("scripts/test-postgres can be run").success(), "{what}");
}

fn program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/test-postgres")
}

/// A file that stays: among what was built.
fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Says that the server of this lock is in use.
fn hold(users: &Path) -> File {
    let users = open(users);
    users.lock_shared().expect("a file of ours can be locked");
    users
}

fn open(path: &Path) -> File {
    let mut options = File::options();
    options.create(true).append(true).open(path).expect("a folder takes files")
}
