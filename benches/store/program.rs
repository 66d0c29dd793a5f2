//! attache, as it is shipped.
use super::Result;
use super::SEAL_KEY;
use std::fs;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

/// A running attache. Killed when dropped.
pub(super) struct Program {
    child: Child,
    pub(super) proxy: SocketAddr,
    pub(super) admin: SocketAddr,
    /// From its start until it takes work.
    pub(super) ready: Duration,
}

impl Program {
    pub(super) async fn start(attache: &Path, folder: &Path, configuration: &str) -> Result<Self> {
        fs::write(folder.join("seal.key"), SEAL_KEY)?;
        let (config, addresses) = (folder.join("attache.yaml"), folder.join("addresses.json"));
        fs::write(&config, configuration)?;
        let since = Instant::now();
        let child = Command::new(attache)
            .args(["serve", "--config"])
            .arg(&config)
            .arg("--addresses")
            .arg(&addresses)
            .stdin(Stdio::null())
            .stdout(File::create(folder.join("stdout"))?)
            .stderr(File::create(folder.join("stderr"))?)
            .spawn()?;
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut program = Self { child, proxy: nowhere, admin: nowhere, ready: Duration::ZERO };
        let said = loop {
            if let Ok(said) = fs::read_to_string(&addresses) {
                break said;
            }
            if let Some(status) = program.child.try_wait()? {
                let said = fs::read_to_string(folder.join("stderr"))?;
                return Err(format!("attache ended with {status}: {said}").into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        program.ready = since.elapsed();
        let said: serde_json::Value = serde_json::from_str(&said)?;
        program.proxy = said["proxy"].as_str().ok_or("no address")?.parse()?;
        program.admin = said["admin"].as_str().ok_or("no address")?.parse()?;
        Ok(program)
    }

    /// What it holds of the machine's memory now.
    pub(super) fn resident_mib(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line =
            status.lines().find(|it| it.starts_with("VmRSS")).ok_or("Linux does not tell")?;
        let kib: f64 = line.split_whitespace().nth(1).ok_or("no number")?.parse()?;
        Ok(kib / 1024.0)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Where it has ended by itself there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
