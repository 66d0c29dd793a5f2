//! Nothing that is kept and nothing that is said has a secret in it: by API everything is set, requests go well
//! and badly, and then the database's files, dumps, logs and answers are searched (LK-01, ST-01).
use crate::support::CALLER_KEY;
use crate::support::Database;
use crate::support::Operator;
use crate::support::Process;
use crate::support::RawUpstream;
use crate::support::Reply;
use crate::support::Script;
use crate::support::postgres::Server;
use crate::support::raw_request;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A deployment's sealing key, which is searched for as well.
const SEAL_KEY: &[u8; 32] = b"cnry-seal-key-of-32-bytes-------";

/// What every secret of the test's begins with; it stands nowhere else.
const MARK: &str = "cnry-";

/// Each auth method's settings and the fields that it takes.
fn methods() -> [(&'static str, Value, &'static [&'static str]); 7] {
    let api_key = |place: &str| json!({ "api_key": { "in": place, "name": "x-it" } });
    let inject = json!([
        { "in": "header", "name": "X-Id", "value": "{it}/{sig}" },
        { "in": "query", "name": "sig", "value": "{sig}" },
    ]);
    [
        ("header", api_key("header"), &["key"]),
        ("query", api_key("query"), &["key"]),
        ("cookie", api_key("cookie"), &["key"]),
        ("basic", json!({ "basic": {} }), &["username", "password"]),
        ("bearer", json!({ "bearer": {} }), &["token"]),
        ("custom", json!({ "custom": { "inject": inject } }), &["it", "sig"]),
        ("hook", json!({ "hmac": { "preset": "github" } }), &["secret"]),
    ]
}

/// The secrets that were set, and everything that was said.
#[derive(Default)]
struct Known {
    secrets: Vec<String>,
    said: Vec<String>,
}

impl Known {
    /// A secret that never was before, with what is special in a header, a URL or a JSON text.
    fn secret(&mut self, method: &str) -> String {
        let number = self.secrets.len();
        let special = match (method, number % 3) {
            // Where only what a header may hold is taken.
            ("header" | "bearer" | "cookie" | "custom", _) | (_, 0) => "-._~",
            (_, 1) => "+/=& %",
            _ => "\"\\<>:é",
        };
        let secret = format!(
            "{MARK}{number:02}{:08x}{special}end",
            0x9e37_79b9_u32.wrapping_mul(1 + number as u32)
        );
        self.secrets.push(secret.clone());
        secret
    }

    fn credential(&mut self, method: &str, fields: &[&str]) -> Value {
        // A user's name has no colon, by the scheme's rules (RFC 7617 §2).
        let kind = |field: &str| if field == "username" { "header" } else { method };
        fields.iter().map(|it| ((*it).to_owned(), json!(self.secret(kind(it))))).collect()
    }

    fn keeps(&mut self, reply: &Reply) {
        self.said.push(format!("{:?}\n{}", reply.response, reply.response.text()));
    }
}

/// As it may stand in a file, a log or an answer: raw, hexadecimal, in base64 at each of three offsets, and
/// percent-encoded. In JSON it begins as it is.
fn spellings(secret: &str) -> Vec<String> {
    let start = &secret[..secret.len().min(12)];
    let base64 = |before: &str| {
        let text = BASE64_STANDARD.encode(format!("{before}{start}"));
        // Less what the bytes beside it have a part in.
        let from = (before.len() * 4).div_ceil(3);
        text[from..from + 12].to_owned()
    };
    let percent = percent_encoding::utf8_percent_encode(start, percent_encoding::NON_ALPHANUMERIC);
    let (hex, upper) = (hex::encode(start), hex::encode_upper(start));
    vec![start.to_owned(), hex, upper, base64(""), base64("x"), base64("xx"), percent.to_string()]
}

/// The files below the folder that have any of these texts in them.
fn search(folder: &Path, texts: &Path) -> String {
    let found = Command::new("grep").args(["-rlaF", "-f"]).arg(texts).arg(folder).output();
    let found = found.expect("grep can be run");
    assert!(matches!(found.status.code(), Some(0 | 1)), "{found:?}");
    String::from_utf8_lossy(&found.stdout).into_owned()
}

/// One request or delivery after another, through everything that an upstream may do.
async fn drive(gateway: &Process, kinds: usize, tags: &str, is_hook: bool) -> Vec<String> {
    let mut said = Vec::new();
    for _ in 0..kinds {
        let (to, request) = if is_hook {
            let target = format!("POST /hooks/{tags} HTTP/1.1\r\nHost: g\r\n");
            let signature = "X-Hub-Signature-256: sha256=00\r\nX-GitHub-Delivery: 1\r\n";
            (gateway.public, format!("{target}{signature}Content-Length: 2\r\n\r\n{{}}"))
        } else {
            let target = format!("POST /c/{tags}/a HTTP/1.1\r\nHost: g\r\n");
            (
                gateway.proxy,
                format!("{target}Attache-Key: {CALLER_KEY}\r\nContent-Length: 0\r\n\r\n"),
            )
        };
        let answer = raw_request(to, request).await;
        said.push(format!("{answer:?}\n{}", answer.text()));
    }
    said
}

/// Sets everything that can be set by API, and has it used.
async fn fill_and_use(gateway: &Process, upstream: &RawUpstream, kinds: usize) -> Known {
    let mut known = Known::default();
    let operator = gateway.operator();
    let auth: serde_json::Map<_, _> =
        methods().into_iter().map(|(name, settings, _)| (name.to_owned(), settings)).collect();
    let timeouts = json!({ "timeouts": { "first_byte": "200ms", "idle": "200ms" }, "circuit": { "enabled": false } });
    let connector = json!({ "base_url": upstream.url(), "auth": auth, "upstream": timeouts });
    known.keeps(&operator.put("/v1/connectors/api", connector).await.is(201));
    let all = json!({ "connectors": { "api": { "connector": "api" } } });
    known.keeps(&operator.put("/v1/integrations/all", all).await.is(201));
    for (method, _, fields) in methods() {
        let is_hook = method == "hook";
        let base_url = upstream.url();
        let one = json!({ "base_url": base_url,  "connector": "api", "auth": method, "credentials": known.credential(method, fields) });
        let path = format!("/v1/connections/one-{method}");
        known.keeps(&operator.put(&path, one).await.is(201));
        let mut many =
            json!({ "base_url": base_url, "connector": "api", "auth": method, "embedded": true });
        if !is_hook {
            many["test_credentials"] = known.credential(method, fields);
        }
        known.keeps(&operator.put(&format!("/v1/connections/many-{method}"), many).await.is(201));
        for tenant in ["acme", "globex"] {
            let path = format!("/v1/connections/many-{method}/activations/{tenant}");
            let body = json!({ "credentials": known.credential(method, fields) });
            known.keeps(&operator.put(&path, body).await.is(201));
            known.keeps(&operator.get(&path).await.is(200));
            let tags = format!("many-{method}@{tenant}");
            known.said.extend(drive(gateway, kinds, &tags, is_hook).await);
        }
        known.said.extend(drive(gateway, kinds, &format!("one-{method}"), is_hook).await);
        // Set anew: what was before is a secret still.
        let anew = known.credential(method, fields);
        known.keeps(&operator.put(&format!("{path}/credentials"), anew).await.is(200));
        known.said.extend(drive(gateway, 1, &format!("one-{method}"), is_hook).await);

        // By every other way in.
        let by_patch = json!({ "credentials": known.credential(method, fields) });
        known.keeps(&operator.patch(&path, by_patch).await.is(200));
        if !is_hook {
            let for_tests = known.credential(method, fields);
            let path = format!("/v1/connections/many-{method}/test_credentials");
            known.keeps(&operator.put(&path, for_tests).await.is(200));
        }
        let posted = json!({ "key": format!("posted-{method}"), "base_url": base_url, "connector": "api",
            "auth": method, "credentials": known.credential(method, fields) });
        for _ in 0..2 {
            known.keeps(&repeatable(&operator, "/v1/connections", posted.clone()).await);
        }
        let many = format!("many-{method}");
        let body = json!({ "integration": "all", "assign": { "api": many } });
        known.keeps(&operator.put(&format!("/v1/environments/{method}"), body).await.is(201));
        let activation = json!({ "credentials": known.credential(method, fields) });
        let body = json!({ "connections": { many: activation } });
        let path = format!("/v1/environments/{method}/activations/initech");
        known.keeps(&operator.put(&path, body).await.is(200));

        // What is wrong is told, and never what stood there.
        let secret = known.secret(method);
        for body in [
            json!({ "connector": "api", "auth": method, "credentials": { fields[0]: [{ "a": secret }] } }),
            json!({ "connector": "api", "auth": method, "credentials": { fields[0]: format!("{secret}\n") } }),
            json!({ "connector": "api", "auth": method, "credentials": secret }),
            json!({ "connector": "nope", "auth": method, "credentials": { fields[0]: secret } }),
            json!({ "connector": "api", "auth": method, "credentials": { "else": secret } }),
        ] {
            let refused = operator.put(&format!("/v1/connections/bad-{method}"), body).await;
            assert!(refused.status < 500, "{}", refused.response.text());
            known.keeps(&refused);
        }
        let raw = format!("{{\"credentials\": {{\"key\": \"{secret}");
        let request = format!(
            "PUT /v1/connections/bad HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{raw}",
            crate::support::ADMIN_TOKEN,
            raw.len()
        );
        let refused = raw_request(gateway.admin, request).await;
        known.said.push(format!("{refused:?}\n{}", refused.text()));
        let wrong = operator.with_token(&secret).get("/v1/connections").await.is(401);
        known.keeps(&wrong);
    }
    known
}

/// Sent so that it may be sent again: the answer is kept, and told again.
async fn repeatable(operator: &Operator, path: &str, body: Value) -> Reply {
    let name = format!("Idempotency-Key: {}\r\n", body["key"]);
    operator.send("POST", path, &name, Some(body)).await.is(201)
}

/// What the API makes and tells once.
async fn issued(gateway: &Process) -> Vec<String> {
    let operator = gateway.operator();
    let made = operator.put("/v1/callers/app", json!({})).await.is(201);
    let rotated = operator.post("/v1/callers/app/rotate", json!({})).await;
    let token = operator
        .post("/v1/tokens", json!({ "key": "night-shift", "role": "viewer" }))
        .await
        .is(201);
    let mut all = Vec::new();
    let caller = json!({ "key": "night-app" });
    let kept = repeatable(&operator, "/v1/callers", caller.clone()).await;
    assert_eq!(kept.body, repeatable(&operator, "/v1/callers", caller).await.body, "told again");
    let admin = json!({ "key": "day-shift", "role": "admin" });
    let kept_token = repeatable(&operator, "/v1/tokens", admin).await;
    for reply in [made, rotated, token, kept, kept_token] {
        let text = reply.response.text();
        let quoted = text.split('"').filter(|it| it.starts_with("atc_") || it.starts_with("ato_"));
        let key = quoted.max_by_key(|it| it.len()).unwrap_or_else(|| panic!("no key: {text}"));
        // Its beginning may be shown; what is behind it may not.
        all.push(key[key.len() - 24..].to_owned());
    }
    for path in ["callers", "callers/app", "tokens", "connections", "connectors", "tenants"] {
        let read = operator.get(&format!("/v1/{path}")).await.is(200).response.text();
        for key in &all {
            assert!(!read.contains(key), "{path}: {read}");
        }
    }
    all
}

async fn no_secret_is_kept_or_said(database: Database, server: Option<Server>) {
    let folder = database.folder.path();
    let ring = tempfile::NamedTempFile::new().expect("a file can be made");
    fs::write(ring.path(), format!("1:{}", hex::encode(SEAL_KEY))).expect("it takes text");
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let answers = [
        ok,
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut",
        "garbage\r\n\r\n",
    ];
    let mut scripts: Vec<Script> =
        answers.iter().map(|it| Script::new().read_request().write(it)).collect();
    scripts.push(Script::new().read_request().reset());
    scripts.push(Script::new().read_request().read_to_end());
    let kinds = scripts.len();
    let upstream = RawUpstream::start(scripts.into_iter().cycle().take(kinds * 100)).await;
    let log = "log: { level: trace, format: text, access: stdout }";
    let mut gateway = Process::replica(&database.url, ring.path(), log).await;

    let mut known = fill_and_use(&gateway, &upstream, kinds).await;
    assert!(known.secrets.len() >= 41, "{}", known.secrets.len());
    let issued = issued(&gateway).await;
    for path in ["/metrics", "/readyz", "/openapi.json"] {
        known.said.push(gateway.admin_page(path).await.text());
    }
    let operator = gateway.operator();
    for path in [
        "connectors",
        "connections",
        "connections/one-basic",
        "connections/many-basic",
        "callers",
        "tokens",
    ] {
        known.keeps(&operator.get(&format!("/v1/{path}")).await.is(200));
    }
    for file in ["cmdline", "environ"] {
        let path = format!("/proc/{}/{file}", gateway.id());
        // Whoever is not root can't read the latter: it is not dumpable.
        known.said.push(String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned());
    }
    // They did go out: what is searched for is what was used.
    let mut used = String::new();
    while let Some(request) = upstream.request_so_far().await {
        used += &format!("{:?}\n", request.head);
    }
    assert!(used.contains(MARK), "no secret reached the upstream: {used}");

    // Everything in one folder, beside the database's own.
    let texts = tempfile::tempdir().expect("a folder can be made");
    let texts = texts.path();
    let said = texts.join("said");
    fs::create_dir(&said).expect("a folder can be made");
    fs::write(said.join("answers"), known.said.join("\n")).expect("a folder takes files");
    if let Some(server) = &server {
        database.run("CHECKPOINT").await;
        let dump = Command::new("pg_dump").arg(&database.url).output().expect("pg_dump can be run");
        assert!(dump.status.success(), "{dump:?}");
        assert!(dump.stdout.len() > 10_000, "it has everything in it");
        fs::write(said.join("dump"), dump.stdout).expect("a folder takes files");
        let spoken = fs::read(server.folder().join("log")).expect("the server logs");
        assert!(String::from_utf8_lossy(&spoken).contains("credentials"), "it logs each statement");
    }
    let mut needles: Vec<String> = known.secrets.iter().flat_map(|it| spellings(it)).collect();
    for secret in issued.iter().map(String::as_str).chain([CALLER_KEY, crate::support::ADMIN_TOKEN])
    {
        needles.extend([
            secret.to_owned(),
            hex::encode(secret),
            BASE64_STANDARD.encode(&secret[..12]),
        ]);
    }
    let seal_key = String::from_utf8_lossy(SEAL_KEY).into_owned();
    needles.extend(spellings(&seal_key));
    let list = texts.join("needles");
    fs::write(&list, needles.join("\n")).expect("a folder takes files");
    // While it runs, write-ahead log and all; and when it has ended.
    let kept = server.as_ref().map_or(folder, |it| it.folder());
    let mut found = search(kept, &list) + &search(&said, &list);
    if server.is_none() {
        for name in ["attache.db", "attache.db-wal", "attache.db-shm"] {
            assert!(folder.join(name).exists(), "{name} was searched");
        }
    }
    gateway.signal(rustix::process::Signal::TERM);
    assert!(gateway.ended().await.success());
    let output = gateway.output();
    assert!(output.lines().count() > 100, "the log was read: {output}");
    fs::write(said.join("output"), output).expect("a folder takes files");
    for what in ["verify", "rotate"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_attache"));
        command.env_clear().args(["keys", what]).current_dir(folder);
        command.env("ATTACHE_DATABASE_URL", &database.url);
        let ended = command.env("ATTACHE_SEAL_KEY_FILE", ring.path()).output();
        let ended = ended.expect("the program can be run");
        assert!(ended.status.success(), "{what}: {ended:?}");
        let told = [ended.stdout, ended.stderr].concat();
        fs::write(said.join(what), told).expect("a folder takes files");
    }
    found += &search(kept, &list);
    found += &search(&said, &list);
    if !found.is_empty() {
        let lines = Command::new("grep").args(["-raohF", "-f"]).arg(&list).arg(&said).output();
        panic!("{found}\n{}", String::from_utf8_lossy(&lines.expect("grep can be run").stdout));
    }

    // And a search that finds nothing is one that would have found each.
    for (number, secret) in known.secrets.iter().enumerate() {
        let percent =
            percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC);
        let hidden = [
            format!("<{secret}>"),
            hex::encode(format!("<{secret}>")),
            BASE64_STANDARD.encode(secret),
            BASE64_STANDARD.encode(format!("user:{secret}")),
            BASE64_STANDARD.encode(format!("Bearer {secret}")),
            percent.to_string(),
            json!(secret).to_string(),
        ];
        let hay = texts.join("hay");
        fs::create_dir_all(&hay).expect("a folder can be made");
        for (form, text) in hidden.iter().enumerate() {
            fs::write(hay.join(format!("{number}-{form}")), text).expect("a folder takes files");
        }
    }
    let found = search(&texts.join("hay"), &list).lines().count();
    assert_eq!(found, known.secrets.len() * 7, "each spelling of each is found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_kept_or_said_with_sqlite() {
    no_secret_is_kept_or_said(Database::sqlite(), None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_kept_or_said_with_postgres() {
    let Some(server) = Server::start() else { return };
    let database = Database::on(&server.url).await;
    // Each statement with its values.
    database.run("ALTER SYSTEM SET log_min_duration_statement = 0").await;
    database.run("SELECT pg_reload_conf()").await;
    no_secret_is_kept_or_said(database, Some(server)).await;
}
