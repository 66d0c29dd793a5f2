//! What is in force, and who said so; and nothing of what is secret.
use crate::support::ADMIN_TOKEN;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Process;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::process::Command;

/// What is told of a path.
fn item<'v>(items: &'v Value, path: &str) -> &'v Value {
    let items = items.as_array().expect("a list");
    let mut found = items.iter().filter(|it| it["path"] == path);
    found.next().unwrap_or_else(|| panic!("nothing of {path}: {items:?}"))
}

#[tokio::test]
async fn each_value_says_where_it_comes_from() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let (secret, place) = ("canary-of-a-file-0123", folder.path().display().to_string());
    fs::write(folder.path().join("token"), secret).expect("it takes files");
    fs::write(folder.path().join("name"), "canary-name\n").expect("it takes files");
    let configuration = format!(
        "server:
  proxy: {{ listen: '${{LISTEN}}', workers: 1 }}
  admin:
    listen: 127.0.0.1:0
    token_access: ['${{MY_TOKEN_NAME}}']
  public: {{ listen: '${{NOT_SET:-127.0.0.1:0}}', url: '${{PUBLIC_URL}}' }}
log: {{ level: warn, recent: 7 }}
connect: {{ name: '${{file:{place}/name}}' }}
egress: {{ allow: [127.0.0.0/8] }}
upstream: {{ timeouts: {{ connect: 3s }} }}
callers:
  runtime: {{ key: canary-caller-key-0123 }}
  other: {{ key: '${{file:{place}/token}}' }}
connectors:
  api: {{ base_url: 'https://api.example', auth: {{ token: {{ bearer: {{}} }} }} }}
connections:
  api: {{ connector: api, auth: token, credentials: {{ token: canary-credential }} }}
"
    );
    let database = folder.path().join("attache.db").display().to_string();
    let settings = "LISTEN=127.0.0.1:0 MY_TOKEN_NAME=canary PUBLIC_URL=https://hooks.example";
    let script = format!(
        "export {settings}; exec \"$0\" \"$@\" --dev --data-dir {place}/data --database-url sqlite:{database}"
    );
    let process = Process::serve_from(folder, &configuration, |program| {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script).arg(program);
        command
    });
    let process = process.await;
    let made = process.folder.path().join("data/dev.yaml");
    let text = fs::read_to_string(&made).expect("the admin token was made");
    let token =
        text.split("token: ").nth(1).and_then(|it| it.split(' ').next()).expect("it is there");
    let reply =
        Operator::at(process.admin).with_token(token).get("/v1/configuration").await.is(200);
    assert!(reply.body["generation"].is_u64());
    let (items, file) = (&reply.body["items"], process.config().display().to_string());
    let in_file = |line: u32| json!({ "kind": "file", "file": file, "line": line });
    let of = |setting: &str, line: u32| json!({ "kind": "environment", "file": file, "line": line, "setting": setting });
    let told = |path: &str| item(items, path).clone();
    let value = |path: &str, value: Value, origin: Value| {
        assert_eq!(
            told(path),
            json!({ "path": path, "value": value, "is_secret": false, "origin": origin })
        );
    };
    let hidden = |path: &str, origin: Value| {
        assert_eq!(
            told(path),
            json!({ "path": path, "value": null, "is_secret": true, "origin": origin })
        );
    };
    value("server.shutdown.drain", json!("30s"), json!({ "kind": "default" }));
    value("server.public.max_body", json!("25MiB"), json!({ "kind": "default" }));
    value("log.level", json!("warn"), in_file(7));
    value("log.recent", json!(7), in_file(7));
    value("server.proxy.listen", json!("127.0.0.1:0"), of("LISTEN", 2));
    value("server.public.listen", json!("127.0.0.1:0"), in_file(6));
    value("server.public.url", json!("https://hooks.example"), of("PUBLIC_URL", 6));
    value("upstream.timeouts.connect", json!("3s"), in_file(10));
    value("egress.allow", json!(["127.0.0.0/8"]), in_file(9));
    value("callers", json!({ "count": 2 }), in_file(12));
    value("connections", json!({ "count": 1 }), in_file(17));
    let flag = json!({ "kind": "flag", "setting": "--database-url" });
    value("store.url", json!(format!("sqlite:{database}")), flag);
    hidden(
        "server.admin.token",
        json!({ "kind": "made", "file": made.display().to_string(), "line": 3 }),
    );
    hidden("server.admin.token_access", of("MY_TOKEN_NAME", 5));
    let from_file =
        json!({ "kind": "file", "file": file, "line": 8, "setting": format!("file:{place}/name") });
    hidden("connect.name", from_file);
    let said = reply.response.text();
    assert!(!said.contains("canary") && !said.contains(token), "{said}");
}

#[tokio::test]
async fn what_is_served_is_told_anew_and_the_process_goes_on_as_it_was_started() {
    let gateway = Gateway::start("egress: { allow: [127.0.0.0/8] }\n");
    let operator = gateway.operator();
    let before = operator.get("/v1/configuration").await.is(200);
    assert_eq!(item(&before.body["items"], "server.admin.token")["is_secret"], true);
    assert!(!before.response.text().contains(ADMIN_TOKEN));
    let changed =
        "egress: { allow: [127.0.0.0/8, 10.0.0.0/8] }\nevents: { failing: { refusals: 9 } }\n";
    fs::write(gateway.served_file(), changed).expect("the file can be changed");
    gateway.app().reload();
    let after = operator.get("/v1/configuration").await.is(200);
    let items = &after.body["items"];
    assert_eq!(item(items, "egress.allow")["value"], json!(["127.0.0.0/8", "10.0.0.0/8"]));
    assert_eq!(item(items, "events.failing.refusals")["value"], 5, "that takes a restart");
    let generation = |it: &Value| it["generation"].as_u64().expect("a number");
    assert!(generation(&after.body) > generation(&before.body));
}
