//! The program as it is shipped: a process of its own, its output in files.
use super::soon;
use std::ffi::OsStr;
use std::fs;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;

/// A running `attache`. Killed when dropped.
pub struct Process {
    child: Child,
    pub folder: TempDir,
    pub proxy: SocketAddr,
    pub admin: SocketAddr,
    pub public: SocketAddr,
}

impl Process {
    /// `attache serve` with this configuration as its one file, ready to be asked.
    pub async fn serve(folder: TempDir, configuration: &str) -> Self {
        Self::serve_from(folder, configuration, |program| Command::new(program)).await
    }

    /// The same, by a command that ends in running the program.
    pub async fn serve_from(
        folder: TempDir,
        configuration: &str,
        command: impl FnOnce(&OsStr) -> Command,
    ) -> Self {
        let config = folder.path().join("attache.yaml");
        let addresses = folder.path().join("addresses.json");
        fs::write(&config, configuration).expect("a fresh folder takes files");
        let command = command(env!("CARGO_BIN_EXE_attache").as_ref());
        let child = bare(command, folder.path())
            .args(["serve", "--config"])
            .arg(&config)
            .arg("--addresses")
            .arg(&addresses)
            .spawn()
            .expect("the program can be run");
        let mut process = Self {
            child,
            folder,
            proxy: SocketAddr::from(([127, 0, 0, 1], 0)),
            admin: SocketAddr::from(([127, 0, 0, 1], 0)),
            public: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let said = soon(
            "the program to listen",
            process.poll(|it| {
                fs::read_to_string(&addresses).ok().or_else(|| {
                    let ended = it.child.try_wait().expect("the program can be waited for");
                    ended.map(|status| panic!("the program ended with {status}: {}", it.output()))
                })
            }),
        )
        .await;
        let said: serde_json::Value = serde_json::from_str(&said).expect("addresses are JSON");
        let address =
            |name: &str| said[name].as_str().and_then(|it| it.parse().ok()).expect("an address");
        (process.proxy, process.admin, process.public) =
            (address("proxy"), address("admin"), address("public"));
        process
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Memory, by the name of a line in Linux's account of the process: `VmRSS` now, `VmHWM` at most.
    pub fn resident_kib(&self, line: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).expect("it runs");
        let line = status.lines().find(|it| it.starts_with(line)).expect("Linux tells");
        line.split_whitespace().nth(1).and_then(|it| it.parse().ok()).expect("a number of KiB")
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("attache.yaml")
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(id.expect("a process has an id"), signal)
            .expect("a child can be signalled");
    }

    pub async fn ended(&mut self) -> ExitStatus {
        let ended = self.poll(|it| it.child.try_wait().expect("the program can be waited for"));
        soon("the program to end", ended).await
    }

    /// All that it has written so far, to both of its outputs.
    pub fn output(&self) -> String {
        let read = |name| fs::read(self.folder.path().join(name)).unwrap_or_default();
        let both = [read("stdout"), read("stderr")].concat();
        String::from_utf8_lossy(&both).into_owned()
    }

    /// There is nothing to be told when a process of another program gets on: it is asked.
    async fn poll<T>(&mut self, mut ask: impl FnMut(&mut Self) -> Option<T>) -> T {
        loop {
            if let Some(answer) = ask(self) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Where it has ended by itself there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The program with a bare environment, and its outputs in files of this folder.
pub fn attache(folder: &Path) -> Command {
    bare(Command::new(env!("CARGO_BIN_EXE_attache")), folder)
}

fn bare(mut command: Command, folder: &Path) -> Command {
    let output = |name| File::create(folder.join(name)).expect("a fresh folder takes files");
    command.env_clear().stdin(Stdio::null()).stdout(output("stdout")).stderr(output("stderr"));
    command
}
