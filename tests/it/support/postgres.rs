//! PostgreSQL for the tests: one server for all of a run's processes, or one of a test's own.
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::process::Signal;
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

    /// `kill -9` of the first of its processes; the others end when they see it.
    pub fn kill(&self) {
        let all = self.processes();
        signal(all[0], Signal::KILL);
        let until = Instant::now() + START;
        while all.iter().any(|it| Path::new(&format!("/proc/{it}")).exists()) {
            assert!(Instant::now() < until, "the server's processes outlive the first of them");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// `kill -STOP` of all its processes: whoever asks is heard by nobody, and not told so.
    pub fn pause(&self) {
        for process in self.processes() {
            signal(process, Signal::STOP);
        }
    }

    pub fn go_on(&self) {
        for process in self.processes() {
            signal(process, Signal::CONT);
        }
    }

    /// Everything that it keeps: its files, its log of writes, what it says.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The first one, and those that it has started.
    fn processes(&self) -> Vec<u32> {
        let file = fs::read_to_string(self.folder.join("data/postmaster.pid"));
        let file = file.expect("it runs: its process is written down");
        let first: u32 = file.lines().next().and_then(|it| it.parse().ok()).expect("a number");
        let others = fs::read_to_string(format!("/proc/{first}/task/{first}/children"));
        let others = others.unwrap_or_default();
        let others = others.split_whitespace().filter_map(|it| it.parse().ok());
        [first].into_iter().chain(others).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A test that failed may have left it paused, and it could not be stopped.
        if self.folder.join("data/postmaster.pid").exists() {
            self.go_on();
        }
    }
}

/// One that has ended meanwhile needs no signal.
fn signal(process: u32, signal: Signal) {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw).expect("a process's id");
    if let Err(error) = rustix::process::kill_process(process, signal) {
        assert_eq!(error, Errno::SRCH, "it can be signalled");
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
