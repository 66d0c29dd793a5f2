//! `attache apply`: files go from one region to another, and say where they are wrong.
use crate::support::Database;
use crate::support::Operator;
use crate::support::Process;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::Shell;
use crate::support::each_engine;
use crate::support::raw_request;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::time::Instant;

const FILE: &str = "egress: { allow: [127.0.0.0/8] }\n";

/// In the first region: a connector, two connections, an environment, a caller, a tenant.
async fn filled(process: &Process, base_url: &str) {
    let operator = Operator::at(process.admin);
    let desk = json!({
        "base_url": base_url,
        "description": "costs ${money}",
        "auth": {
            "token": { "api_key": { "in": "header", "name": "X-Api-Key" } },
            "login": { "basic": {} },
        },
    });
    operator.put("/v1/connectors/desk", desk).await.is(201);
    let prod =
        json!({ "connector": "desk", "auth": "token", "credentials": { "key": "of-region-one" } });
    operator.put("/v1/connections/prod", prod).await.is(201);
    let users = json!({ "connector": "desk", "auth": "login", "embedded": true });
    operator.put("/v1/connections/users", users).await.is(201);
    let acme = json!({ "credentials": { "username": "a", "password": "of-region-one" } });
    operator.put("/v1/connections/users/activations/acme", acme).await.is(201);
    let links = json!({ "connectors": { "main": { "connector": "desk" } } });
    operator.put("/v1/integrations/sync", links).await.is(201);
    let assigned = json!({ "integration": "sync", "deployed": true, "assign": { "main": "prod" } });
    operator.put("/v1/environments/live", assigned).await.is(201);
    operator.put("/v1/callers/worker", json!({ "connections": ["prod"] })).await.is(201);
}

async fn revision(database: &Database) -> i64 {
    database.number("SELECT revision FROM deployment").await
}

/// What a caller of this key is answered with, in an environment.
async fn asked(process: &Process, key: &str) -> u16 {
    let request = format!(
        "GET /tickets HTTP/1.1\r\nHost: g\r\nAttache-Key: {key}\r\nAttache-Environment: live\r\n\
         Attache-Connector: main\r\n\r\n"
    );
    raw_request(process.proxy, request).await.status
}

#[tokio::test]
async fn what_one_region_exports_another_applies_with_connections_of_its_own() {
    let upstream = RawUpstream::start([Script::ok("tickets"), Script::ok("tickets")]).await;
    let (one, two) = (Database::sqlite(), Database::sqlite());
    let first = Process::beside(&one, FILE).await;
    filled(&first, &upstream.url()).await;
    let here = Shell::of(&first);
    here.done("attache export -o out").await;
    let at_first = revision(&one).await;
    let same = here.done("attache apply -f out").await;
    assert!(same.out.contains("Nothing to do: 6 are so already."), "{}", same.out);
    assert_eq!(revision(&one).await, at_first);

    let second = Process::beside(&two, FILE).await;
    let folder = here.folder.path().join("out").display().to_string();
    let there = Shell::of(&second);
    // What it lacks is told with its place, before anything is done.
    let lacking = there.run(&format!("attache apply -f {folder} --yes")).await.is(2);
    lacking.says(&[
        "connections.yaml:",
        "ATTACHE_PROD_KEY",
        "nothing is stored",
        "set ATTACHE_PROD_KEY",
    ]);
    let there = there
        .with("ATTACHE_PROD_KEY", "of-region-two")
        .with("ATTACHE_CALLER__WORKER__KEY", "the-worker-of-region-two");
    let before = revision(&two).await;
    let planned = there.done(&format!("attache apply -f {folder} --plan")).await;
    assert!(planned.out.contains("+ connection prod\n"), "{}", planned.out);
    assert!(planned.out.contains("6 to create, 0 to change"), "{}", planned.out);
    assert_eq!(revision(&two).await, before, "a plan is no more than that");
    let applied = there.done(&format!("attache apply -f {folder} --yes")).await;
    assert!(applied.out.ends_with("\nApplied.\n"), "{}", applied.out);
    assert_eq!(asked(&second, "the-worker-of-region-two").await, 200);
    assert_eq!(upstream.request().await.field("x-api-key"), Some("of-region-two"));

    let after = (revision(&two).await, two.number("SELECT COUNT(*) FROM audit").await);
    let again = there.done(&format!("attache apply -f {folder}")).await;
    assert!(again.out.contains("Nothing to do: 6 are so already."), "{}", again.out);
    assert_eq!((revision(&two).await, two.number("SELECT COUNT(*) FROM audit").await), after);
    // Elsewhere nothing was touched.
    assert_eq!(revision(&one).await, at_first);
    let all = [planned.out, applied.out, again.out].concat();
    assert!(!all.contains("of-region") && !all.contains('\x1b'), "{all}");
}

#[tokio::test]
async fn a_plan_names_who_would_be_affected_before_anything_is_done() {
    let database = Database::sqlite();
    let process = Process::beside(&database, FILE).await;
    filled(&process, "https://desk.example.com").await;
    let shell = Shell::of(&process);
    shell.done("attache export -o out").await;
    let changed =
        "sed -i 's/X-Api-Key/X-Key/; s/desk.example.com/other.example.com/' out/connectors.yaml";
    shell.done(changed).await;
    let before = revision(&database).await;
    let plan = shell.done("attache apply -f out --plan").await;
    for line in [
        "~ connector desk\n",
        "    auth.token, base_url\n",
        "> connection prod: token@1 -> 2 of desk\n",
        "      environment live (deployed)\n",
        "  prod: https://desk.example.com -> https://other.example.com\n",
        "  users: https://desk.example.com -> https://other.example.com\n",
    ] {
        assert!(plan.out.contains(line), "{line}{}", plan.out);
    }
    assert!(plan.out.lines().all(|it| it.chars().count() <= 80), "{}", plan.out);
    let refused = shell.run("attache apply -f out --yes").await.is(1);
    refused.says(&["nothing was done", "--confirm-origin"]);
    // Nobody is there to be asked.
    let unasked = shell.run("attache apply -f out --confirm-origin").await.is(1);
    unasked.says(&["nothing was done", "--yes"]);
    assert_eq!(revision(&database).await, before);
    let done = shell.done("attache apply -f out --confirm-origin --yes --output json").await.json();
    assert_eq!((&done["applied"], &done["repin"][0]["to"]), (&json!(true), &json!(2)));
    let pinned = shell.done("attache connection get prod --output json").await.json();
    assert_eq!(pinned["revision"], 2);
    // With a section that says that there is nothing, and all that hangs on it.
    let pruned = "echo 'environments: {}' | attache apply -f - --prune --plan";
    let pruned = shell.done(pruned).await;
    assert!(pruned.out.contains("- environment live\n"), "{}", pruned.out);
    assert!(
        pruned.out.contains("environment live: it is deployed, and would be deleted"),
        "{}",
        pruned.out
    );
}

#[tokio::test]
async fn what_is_wrong_is_told_with_file_line_and_remedy_and_nothing_is_done() {
    let database = Database::sqlite();
    let process = Process::beside(&database, FILE).await;
    let shell = Shell::of(&process);
    let before = revision(&database).await;
    let file = |name: &str, text: &str| fs::write(shell.folder.path().join(name), text).unwrap();
    fs::create_dir(shell.folder.path().join("in")).unwrap();
    for (text, told) in [
        // A cycle.
        (
            "connectors:\n  a: &a\n    base_url: https://a.example\n    auth: *a\n",
            &["in/it.yaml:4:", "this alias stands inside its own anchor", "write the value out"][..],
        ),
        (
            "connections:\n  a:\n    connector: none\n    auth: t\n",
            &["in/it.yaml:3:", "there is no connector `none`", "create it first"],
        ),
        (
            "environments:\n  e:\n    integration: none\n    assign: {}\n",
            &["in/it.yaml:3:", "there is no integration `none`", "create it first"],
        ),
        (
            "connectors:\n  a: { base_url: https://a.example, auth: { t: { bearer: {} } } }\n\
             connections:\n  c:\n    connector: a\n    auth: t\n    credentials: { token: \"${NO_TOKEN}\" }\n",
            &["in/it.yaml:7:", "`NO_TOKEN` is not set", "nothing is stored", "set NO_TOKEN"],
        ),
        (
            "connectors:\n  a: { base_url: https://a.example, auth: { t: { bearer: {} } } }\n\
             connections:\n  c:\n    connector: a\n    auth: t\n    credentials: { token: \"${file:/none/such}\" }\n",
            &["in/it.yaml:7:", "/none/such", "there is no such file"],
        ),
        // As a later one might have it.
        (
            "connectors:\n  a:\n    base_url: https://a.example\n    telepathy: on\n",
            &["in/it.yaml:4:", "unknown field `telepathy`"],
        ),
        ("policies: { p: {} }\n", &["in/it.yaml:1:", "unknown section", "a later one has written"]),
        ("store: { url: x }\n", &["in/it.yaml:1:", "of the process", "attache serve --config"]),
        (
            "connectors:\n  a:\n    base_url: https://a.example\n    auth: { t: { api_key: { in: header, name: \"${HOME}\" } } }\n",
            &["in/it.yaml:4:", "an auth method takes no `${HOME}`"],
        ),
        (
            "connectors:\n  a: { base_url: \"${NOWHERE}\" }\n",
            &["in/it.yaml:2:", "the setting `NOWHERE` is not set"],
        ),
        ("connectors: [a]\n", &["in/it.yaml:1:", "expected a map"]),
        // As much as in a connector: what is filled in would be shown, and kept.
        (
            "connectors:\n  a: { base_url: https://a.example, auth: { t: { bearer: {} } } }\n\
             connections:\n  c:\n    connector: a\n    auth: t\n    auth_method:\n      api_key:\n        \
             in: header\n        name: X\n        format: \"${HOME} {key}\"\n",
            &["in/it.yaml:11:", "an auth method takes no `${HOME} {key}`"],
        ),
        // What is quoted is what was written.
        (
            "connectors:\n  a: { base_url: https://a.example, auth: { t: { bearer: {} } } }\n\
             connections:\n  c:\n    connector: a\n    auth: \"${HOME}\"\n",
            &["in/it.yaml:6:", "`${HOME}`"],
        ),
    ] {
        file("in/it.yaml", text);
        let shell = shell.run("export HOME=/nowhere; attache apply -f in --yes").await.is(2);
        let shell = shell.says(told);
        assert!(!shell.err.contains("/nowhere"), "{}", shell.err);
    }
    // All at once, file by file.
    file(
        "in/a.yaml",
        "connections:\n  a: { connector: none, auth: t }\n  b: { connector: no, auth: t }\n",
    );
    file("in/it.yaml", "environments: { e: { integration: none, assign: {} } }\n");
    let all = shell.run("attache apply -f in --yes").await.is(2);
    let at = |text: &str| all.err.find(text).unwrap_or_else(|| panic!("{text}: {}", all.err));
    assert!(at("in/a.yaml:2:") < at("in/a.yaml:3:") && at("in/a.yaml:3:") < at("in/it.yaml:1:"));
    shell.run("attache apply -f nowhere").await.is(2).says(&["nowhere", "there is no such file"]);
    assert_eq!(revision(&database).await, before);
}

#[tokio::test]
async fn of_a_standard_input_that_is_too_long_nothing_is_applied() {
    let database = Database::sqlite();
    let process = Process::beside(&database, FILE).await;
    filled(&process, "https://desk.example.com").await;
    let shell = Shell::of(&process);
    let before = revision(&database).await;
    // All that the first 16 MiB say is that there is no environment.
    let long = "{ echo 'environments: {}'; head -c 16777216 /dev/zero | tr '\\0' '#'; echo; echo 'callers: {}'; }";
    let line = format!("{long} | attache apply -f - --prune --yes --force");
    shell.run(&line).await.is(2).says(&[
        "(standard input)",
        "more than 16 MiB",
        "in several parts",
    ]);
    assert_eq!(revision(&database).await, before);
}

/// So many of each kind.
const COUNT: usize = 20;

/// All of the same mark.
fn marked(mark: usize) -> Value {
    let connectors = (0..COUNT).map(|it| {
        let definition = json!({
            "base_url": "https://a.example", "description": format!("mark-{mark}"), "auth": { "t": { "bearer": {} } },
        });
        (format!("a{it}"), definition)
    });
    let connections = (0..COUNT).map(|it| {
        let definition = json!({
            "connector": format!("a{it}"), "auth": "t", "name": format!("mark-{mark}"),
            "credentials": { "token": format!("t-{mark}-{it}") },
        });
        (format!("c{it}"), definition)
    });
    json!({
        "connectors": connectors.collect::<serde_json::Map<_, _>>(),
        "connections": connections.collect::<serde_json::Map<_, _>>(),
    })
}

each_engine! {
    /// Five kills; fifty in `make test-long`.
    async fn whatever_kills_it_all_of_a_bundle_is_there_or_nothing(database: Database) {
        let kills = if std::env::var_os("ATTACHE_TEST_LONG").is_some() { 50 } else { 5 };
        let process = Process::beside(&database, FILE).await;
        let began = Instant::now();
        Operator::at(process.admin).post("/v1/apply", marked(0)).await.is(200);
        let takes = began.elapsed();
        drop(process);
        let (mut stands, mut outcomes) = (0, [0, 0]);
        for mark in 1..=kills {
            let process = Process::beside(&database, FILE).await;
            let id = process.id();
            // At a moment of its own each time, the commit's and those around it among them.
            let share = u32::try_from(mark % 13).unwrap() + 3;
            let kill = async move {
                tokio::time::sleep(takes * share / 14).await;
                let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw);
                let killed = rustix::process::kill_process(
                    id.expect("a process has an id"),
                    rustix::process::Signal::KILL,
                );
                killed.expect("it runs");
            };
            let request = marked(mark).to_string();
            let head = format!(
                "POST /v1/apply HTTP/1.1\r\nHost: admin\r\nAuthorization: Bearer {}\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                crate::support::ADMIN_TOKEN, request.len()
            );
            let mut caller = crate::support::RawClient::connect(process.admin).await;
            let asked = async {
                caller.try_send(head + &request).await;
                caller.rest().await
            };
            let (answer, ()) = tokio::join!(asked, kill);
            drop(process);
            let acknowledged = String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200");
            let of = async |kind: &str, mark: usize| {
                let sql = format!("SELECT COUNT(*) FROM {kind} WHERE definition LIKE '%mark-{mark}\"%'");
                usize::try_from(database.number(&sql).await).unwrap()
            };
            let found = (of("connectors", mark).await, of("connections", mark).await);
            let before = (of("connectors", stands).await, of("connections", stands).await);
            if found == (COUNT, COUNT) {
                stands = mark;
            } else {
                assert_eq!((found, before), ((0, 0), (COUNT, COUNT)), "half of {mark} is there");
                assert!(!acknowledged, "{mark} was acknowledged");
            }
            outcomes[usize::from(stands == mark)] += 1;
            let entries = format!("SELECT COUNT(*) FROM audit WHERE became LIKE '%mark-{mark}\"%'");
            let entries = usize::try_from(database.number(&entries).await).unwrap();
            assert_eq!(entries, if stands == mark { 2 * COUNT } else { 0 });
        }
        eprintln!("{} of {kills} were there, {} not", outcomes[1], outcomes[0]);
        let process = Process::beside(&database, FILE).await;
        let operator = Operator::at(process.admin);
        let again = operator.post("/v1/apply", marked(stands)).await.is(200).body;
        assert_eq!(again["unchanged"], 2 * COUNT, "{again}");
        let seqs = database.number("SELECT COUNT(*) - MAX(seq) FROM audit").await;
        assert_eq!(seqs, 0, "the trail has no gap");
    }
}
