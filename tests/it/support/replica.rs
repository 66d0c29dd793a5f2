//! The program with a store, as one of several replicas: asked over its listeners alone.
use super::Operator;
use super::Process;
use super::Response;
use super::gateway::ADMIN_TOKEN;
use super::gateway::CALLER_KEY;
use super::process::attache;
use super::raw_request;
use super::soon;
use serde_json::Value;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// The whole configuration of a replica with this store, sealing with the keys of this file.
pub fn replica(url: &str, keys: &Path, configuration: &str) -> String {
    format!(
        "{configuration}
egress: {{ allow: [127.0.0.0/8] }}
callers: {{ runtime: {{ key: {CALLER_KEY} }} }}
server:
  proxy: {{ listen: \"127.0.0.1:0\", workers: 2 }}
  admin: {{ listen: \"127.0.0.1:0\", token: {ADMIN_TOKEN} }}
  public: {{ listen: \"127.0.0.1:0\" }}
  shutdown: {{ ready_delay: 0s, drain: 1s }}
store: {{ url: \"{url}\", cache: 100 }}
seal: {{ keys: [ {{ file: {} }} ] }}
",
        keys.display()
    )
}

/// As a caller asks, with the tests' caller key.
pub async fn asked(proxy: SocketAddr, path: &str) -> Response {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: gateway\r\nAttache-Key: {CALLER_KEY}\r\n\r\n");
    raw_request(proxy, request).await
}

impl Process {
    /// One that serves what this store has.
    pub async fn replica(url: &str, keys: &Path, configuration: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        Self::serve(folder, &replica(url, keys, configuration)).await
    }

    /// A start that has to be refused: its exit code, and what it says.
    pub fn refused(configuration: &str) -> (Option<i32>, String) {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let config = folder.path().join("attache.yaml");
        fs::write(&config, configuration).expect("a fresh folder takes files");
        let mut command = attache(folder.path());
        let ended = command.args(["serve", "--config"]).arg(&config).status();
        let said = fs::read_to_string(folder.path().join("stderr")).expect("it was made");
        (ended.expect("the program can be run").code(), said)
    }

    pub fn operator(&self) -> Operator {
        Operator::at(self.admin)
    }

    /// As a caller asks, with the tests' caller key.
    pub async fn ask(&self, path: &str) -> Response {
        asked(self.proxy, path).await
    }

    /// Asks until it is answered like this.
    pub async fn answers(&self, path: &str, status: u16) {
        let answered = async {
            while self.ask(path).await.status != status {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        soon(&format!("{path} to be answered with {status}"), answered).await;
    }

    /// `/readyz`, which has to say that work is taken, of the store.
    pub async fn store_status(&self) -> Value {
        let answer = self.admin_page("/readyz").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut ready: Value = serde_json::from_slice(&answer.body).expect("it is JSON");
        ready["store"].take()
    }

    /// Waits until it says whether it reaches the store.
    pub async fn reaches_the_store(&self, reached: bool) {
        let told = async {
            while self.store_status().await["reached"] != reached {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        soon(&format!("the store to be reached: {reached}"), told).await;
    }

    /// Waits until its log has this text in it.
    pub async fn logs(&self, text: &str) {
        let said = async {
            while !self.output().contains(text) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        soon(&format!("the log to say {text}"), said).await;
    }

    pub async fn metric(&self, name: &str) -> f64 {
        let text = self.admin_page("/metrics").await.text();
        let samples = text
            .lines()
            .filter(|line| line.strip_prefix(name).is_some_and(|it| it.starts_with(['{', ' '])));
        samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    pub async fn admin_page(&self, path: &str) -> Response {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: admin\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\r\n"
        );
        raw_request(self.admin, request).await
    }
}
