//! Sealing keys while gateways serve: refused at the start, broken while running, and changed under load.
use crate::support::ADMIN_TOKEN;
use crate::support::CALLER_KEY;
use crate::support::Database;
use crate::support::Process;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::raw_request;
use crate::support::soon;
use attache::model::Secret;
use attache::seal::Keyring;
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

const NEXT: &str = "2:202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";
const THEIRS: &str = "1:a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf";

/// What the support gave the deployment as its key.
fn own_key(database: &Database) -> String {
    fs::read_to_string(database.folder.path().join("seal.key")).expect("a gateway has been there")
}

fn set_keys(database: &Database, keys: &str) {
    fs::write(database.folder.path().join("seal.key"), keys).expect("the folder takes files");
}

fn newest(keys: &str) -> String {
    let ring = Keyring::parse(&[Secret::new(keys)]).expect("these are keys");
    ring.newest().to_string()
}

/// `/readyz`, of the keys, once it is as it should be; after a SIGHUP, which has them read at once.
async fn seal_status(process: &Process, is_so: impl Fn(&Value) -> bool) -> Value {
    process.signal(Signal::HUP);
    let told = async {
        loop {
            let ask = format!(
                "GET /readyz HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\r\n"
            );
            let ready = raw_request(process.admin, ask).await;
            let seal =
                serde_json::from_str::<Value>(&ready.text()).expect("it is JSON")["seal"].take();
            if is_so(&seal) {
                return seal;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("the keys to be read again", told).await
}

/// Waits until the metric says so too, which is behind the status.
async fn keys_are(process: &Process, ok: bool) {
    let line = format!("\nattache_sealing_keys_last_successful {}\n", u8::from(ok));
    let told = async {
        loop {
            let metrics =
                raw_request(process.admin, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await;
            if metrics.text().contains(&line) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("the metric of the keys", told).await;
}

fn configuration(upstream: &RawUpstream) -> String {
    format!(
        "egress: {{ allow: [127.0.0.0/8] }}
connectors: {{ api: {{ base_url: \"{}\", auth: {{ m: {{ bearer: {{}} }} }} }} }}
connections: {{ many: {{ connector: api, auth: m, embedded: true }} }}
",
        upstream.url()
    )
}

each_engine! {
    async fn keys_that_break_while_running_are_told_and_the_loaded_ones_stay(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let process = Process::beside(&database, &configuration(&upstream)).await;
        let first = own_key(&database);
        let good = seal_status(&process, |it| it["last_error"].is_null()).await;
        assert_eq!(good["key"], newest(&first));
        keys_are(&process, true).await;

        // Garbage; and a key that is sound, and another deployment's.
        for (keys, problem) in [("garbage!", "neither base64 nor hex"), (THEIRS, "is gone from its source")] {
            set_keys(&database, keys);
            let broken = seal_status(&process, |it| {
                it["last_error"].as_str().is_some_and(|it| it.contains(problem))
            }).await;
            assert_eq!(broken["key"], newest(&first));
            keys_are(&process, false).await;
            soon("the log's line", async {
                while !process.output().contains("the loaded ones stay") {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            })
            .await;
            assert!(!process.output().contains("garbage!"));
        }

        let both = format!("{first}\n{NEXT}\n");
        set_keys(&database, &both);
        let new = seal_status(&process, |it| it["key"] == newest(NEXT)).await;
        assert_eq!(new["last_error"], Value::Null);
        keys_are(&process, true).await;
    }

    /// ST-06.
    async fn a_gateway_without_the_key_of_its_database_does_not_start(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        drop(Process::beside(&database, &configuration(&upstream)).await);
        let needed = newest(&own_key(&database));
        let config = database.folder.path().join("served.yaml");
        let own = format!(
            "{}callers: {{ runtime: {{ key: {CALLER_KEY} }} }}\nstore: {{ url: \"{}\" }}\n\
             server: {{ admin: {{ listen: \"127.0.0.1:0\", token: {ADMIN_TOKEN} }}, proxy: {{ listen: \"127.0.0.1:0\" }}, public: {{ listen: \"127.0.0.1:0\" }} }}\n",
            configuration(&upstream), database.url
        );
        fs::write(&config, own).expect("the folder takes files");
        for key in [THEIRS, ""] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_attache"));
            command.env_clear().stdin(Stdio::null()).current_dir(database.folder.path());
            if !key.is_empty() {
                command.env("ATTACHE_SEAL_KEY", key);
            }
            let ended = command.args(["serve", "--config"]).arg(&config).output().expect("it runs");
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert_eq!(ended.status.code(), Some(2), "{said}");
            let line = said.lines().find(|it| it.starts_with("attache: not started: ")).expect("one line");
            assert!(line.contains(&format!("{needed} (1 credential)")), "{line}");
        }
    }
}
