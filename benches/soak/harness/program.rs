//! The attache that is soaked: started, reloaded, looked at and stopped like any operator would.
use super::Settings;
use super::mode::Mode;
use super::samples::Sample;
use super::upstream;
use super::wire::Link;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use tokio::net::TcpStream;

pub const CALLER_KEY: &str = "the-soak-s-own-caller-key-0123";
const ADMIN_TOKEN: &str = "the-soak-s-own-admin-token-0123";

/// How long it may take to start, and to stop.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Program {
    child: Child,
    folder: PathBuf,
    workers: usize,
    upstreams: Vec<(Mode, SocketAddr)>,
    pub proxy: SocketAddr,
    admin: SocketAddr,
    rotated: u32,
    /// Records in access logs that were rotated away and counted.
    records: u64,
}

/// How it ended.
#[derive(Clone, Debug)]
pub struct End {
    pub status: String,
    pub is_good: bool,
    pub records: u64,
}

impl Program {
    pub async fn start(settings: &Settings, upstreams: &[(Mode, SocketAddr)]) -> io::Result<Self> {
        let folder = settings.folder.clone();
        let addresses = folder.join("addresses.json");
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        write_config(&folder, settings.workers, upstreams, 0)?;
        let output = |name| File::create(folder.join(name));
        let child = Command::new(&settings.attache)
            .arg("serve")
            .arg("--config")
            .arg(folder.join("attache.yaml"))
            .arg("--addresses")
            .arg(&addresses)
            .stdin(Stdio::null())
            .stdout(output("stdout")?)
            .stderr(output("stderr")?)
            .spawn()?;
        let mut program = Self {
            child,
            folder,
            workers: settings.workers,
            upstreams: upstreams.to_vec(),
            proxy: nowhere,
            admin: nowhere,
            rotated: 0,
            records: 0,
        };
        let began = Instant::now();
        let said = loop {
            if let Ok(said) = fs::read_to_string(&addresses) {
                break said;
            }
            if program.child.try_wait()?.is_some() || began.elapsed() > PATIENCE {
                let said = fs::read_to_string(program.folder.join("stderr")).unwrap_or_default();
                return Err(io::Error::other(format!("attache did not start: {said}")));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let said: serde_json::Value = serde_json::from_str(&said).map_err(io::Error::other)?;
        let address =
            |name: &str| said[name].as_str().and_then(|it| it.parse().ok()).unwrap_or(nowhere);
        (program.proxy, program.admin) = (address("proxy"), address("admin"));
        Ok(program)
    }

    /// New credentials for every connection, and a new access log.
    pub fn reload(&mut self, generation: &AtomicU32) -> io::Result<()> {
        let next = generation.fetch_add(1, Ordering::Relaxed) + 1;
        write_config(&self.folder, self.workers, &self.upstreams, next)?;
        // The one before is written to the end by now.
        self.count_rotated()?;
        self.rotated += 1;
        fs::rename(self.folder.join("access.log"), self.log(self.rotated))?;
        self.signal(rustix::process::Signal::HUP)
    }

    fn log(&self, number: u32) -> PathBuf {
        self.folder.join(format!("access.{number}.log"))
    }

    fn count_rotated(&mut self) -> io::Result<()> {
        let old = self.log(self.rotated);
        if self.rotated > 0 {
            self.records += lines(&old)?;
            fs::remove_file(old)?;
        }
        Ok(())
    }

    fn signal(&self, signal: rustix::process::Signal) -> io::Result<()> {
        let id = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let id = id.ok_or_else(|| io::Error::other("a process has an id"))?;
        Ok(rustix::process::kill_process(id, signal)?)
    }

    /// What the operating system and its own metrics say of it right now.
    pub async fn sample(&self) -> io::Result<Sample> {
        let at = PathBuf::from(format!("/proc/{}", self.child.id()));
        let status = fs::read_to_string(at.join("status"))?;
        let field = |name: &str| {
            let line =
                status.lines().find_map(|it| it.strip_prefix(name)?.split_whitespace().next());
            line.and_then(|it| it.parse().ok()).unwrap_or_default()
        };
        let fds = fs::read_dir(at.join("fd"))?.count();
        let mut link = Link::new(TcpStream::connect(self.admin).await?);
        link.write(b"GET /metrics HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n").await?;
        let head = link.head().await?.ok_or_else(|| io::Error::other("no metrics"))?;
        let mut text = Vec::new();
        link.body(&head, &mut text).await?;
        let text = String::from_utf8_lossy(&text);
        let sum = |name: &str, label: &str| -> f64 {
            let samples = text.lines().filter(|line| {
                line.strip_prefix(name).is_some_and(|it| it.starts_with(['{', ' ']))
                    && line.contains(label)
            });
            samples.filter_map(|it| it.rsplit(' ').next()?.parse::<f64>().ok()).sum()
        };
        Ok(Sample {
            rss_kib: field("VmRSS:"),
            threads: field("Threads:"),
            fds,
            links: sum("attache_links_open", "\"proxy\""),
            in_flight: sum("attache_requests_in_flight", ""),
            pool_idle: sum("attache_pool_idle_links", ""),
            requests: sum("attache_requests_total", ""),
            records: sum("attache_access_log_written_total", ""),
            dropped: sum("attache_access_log_dropped_total", ""),
            panics: sum("attache_panics_total", ""),
            generation: sum("attache_reload_generation", ""),
            reload_failures: sum("attache_reloads_total", "\"failed\""),
        })
    }

    /// SIGTERM, and how that went.
    pub async fn stop(mut self) -> io::Result<End> {
        self.signal(rustix::process::Signal::TERM)?;
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break Some(status);
            }
            if began.elapsed() > PATIENCE {
                break None;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        self.count_rotated()?;
        let records = self.records + lines(&self.folder.join("access.log"))?;
        Ok(End {
            status: status.map_or_else(|| "did not end".to_owned(), |it| it.to_string()),
            is_good: status.is_some_and(|it| it.success()),
            records,
        })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Where it has ended by itself there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn lines(path: &PathBuf) -> io::Result<u64> {
    let (mut file, mut piece, mut count) = (File::open(path)?, vec![0; 1 << 18], 0);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(count),
            read => count += piece[..read].iter().map(|it| u64::from(*it == b'\n')).sum::<u64>(),
        }
    }
}

/// Written aside and moved into place: whoever reads it reads one or the other.
fn write_config(
    folder: &std::path::Path,
    workers: usize,
    upstreams: &[(Mode, SocketAddr)],
    generation: u32,
) -> io::Result<()> {
    let (mut connectors, mut connections) = (String::new(), String::new());
    for (mode, address) in upstreams {
        let name = mode.name();
        let upstream = match mode {
            Mode::Http2 => "http: 2",
            // Longer than a busy machine keeps the one half waiting that this upstream does answer.
            Mode::Hanging => "timeouts: { first_byte: 3s }",
            _ => "http: auto",
        };
        connectors += &format!(
            "  {name}: {{ base_url: \"http://{address}\", auth: {{ m: {{ bearer: {{}} }} }}, upstream: {{ {upstream} }} }}\n"
        );
        connections += &format!(
            "  {name}: {{ connector: {name}, auth: m, credentials: {{ token: {}{generation} }} }}\n",
            upstream::credential(*mode)
        );
    }
    let text = format!(
        r#"
server:
  proxy: {{ listen: "127.0.0.1:0", workers: {workers} }}
  admin: {{ listen: "127.0.0.1:0", token: {ADMIN_TOKEN} }}
  public: {{ listen: "127.0.0.1:0" }}
  shutdown: {{ ready_delay: 0s, drain: 10s }}
log: {{ format: json, access: "{}" }}
egress: {{ allow: [127.0.0.0/8] }}
callers: {{ soak: {{ key: {CALLER_KEY} }} }}
connectors:
{connectors}connections:
{connections}"#,
        folder.join("access.log").display()
    );
    let aside = folder.join("attache.yaml.new");
    fs::write(&aside, text)?;
    fs::rename(aside, folder.join("attache.yaml"))
}
