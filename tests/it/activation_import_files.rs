//! `attache activation import` from files: every form, killed at any time and gone on with, told row by row.
use crate::support::Database;
use crate::support::Operator;
use crate::support::Process;
use crate::support::Provider;
use crate::support::Rotating;
use crate::support::Shell;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;
use serde_json::Value;
use serde_json::json;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

const EMPTY: &str = "egress: { allow: [127.0.0.0/8] }\n";

/// An attache with the embedded connections `crm` (OAuth) and `keys` (bearer), and a shell beside it.
pub(crate) async fn beside(database: &Database, provider: &str) -> (Process, Shell, Operator) {
    let process = Process::beside(database, EMPTY).await;
    let operator = Operator::at(process.admin);
    let oauth2 = json!({
        "grant": "authorization_code", "authorize_url": format!("{provider}/authorize"),
        "token_url": format!("{provider}/token"),
    });
    let connector = json!({
        "base_url": "https://api.example",
        "variables": { "region": { "pattern": "[a-z]+" } },
        "auth": { "account": { "oauth2": oauth2 }, "key": { "bearer": {} }, "login": { "basic": {} } },
    });
    operator.put("/v1/connectors/api", connector).await.is(201);
    let app = json!({ "client_id": "app", "client_secret": "canary-secret" });
    for (key, auth, credentials) in
        [("crm", "account", Some(app)), ("keys", "key", None), ("logins", "login", None)]
    {
        let connection = json!({ "connector": "api", "auth": auth, "embedded": true, "credentials": credentials });
        operator.put(&format!("/v1/connections/{key}"), connection).await.is(201);
    }
    let shell = Shell::of(&process);
    (process, shell, operator)
}

/// The report, in whose cells no comma stands.
fn report(shell: &Shell) -> String {
    let written = fs::read_to_string(shell.folder.path().join("report.csv")).unwrap();
    assert!(written.lines().all(|it| it.starts_with('"') && it.ends_with('"')), "{written}");
    written.replace('"', "")
}

fn tally(out: &str) -> Value {
    serde_json::from_str(out).unwrap_or_else(|it| panic!("{it}: {out}"))
}

async fn count(database: &Database, of: &str) -> i64 {
    database.number(&format!("SELECT COUNT(*) FROM {of}")).await
}

#[tokio::test]
async fn a_table_a_list_and_lines_are_the_same() {
    let provider = Provider::rotating(Rotating::living(3600)).await;
    let database = Database::sqlite();
    let (_process, shell, operator) = beside(&database, provider.url()).await;
    let table = "tenant,connection,access_token,refresh_token,expires_at,scopes,enabled,variable.region,credential.token\n\
                 acme,crm,a,r,4000000000,x y,true,,\n\
                 \"i, nitech\",,,,,,no,eu,k\n";
    let acme = json!({
        "tenant": "acme", "connection": "crm", "access_token": "a", "refresh_token": "r", "expires_at": 4_000_000_000_u64,
        "scopes": ["x", "y"],
    });
    let initech = json!({
        "tenant": "i, nitech", "enabled": false, "variables": { "region": "eu" }, "credentials": { "token": "k" },
    });
    let command = "attache activation import --connection keys -o json";
    for (file, text) in [
        ("rows.csv", table.to_owned()),
        ("rows", table.to_owned()),
        ("rows.json", json!([acme, initech]).to_string()),
        ("rows.jsonl", format!("{acme}\n{initech}\n")),
        ("-", format!("{acme}\n{initech}\n")),
    ] {
        if file != "-" {
            fs::write(shell.folder.path().join(file), &text).unwrap();
        }
        let rehearsed = shell.fed(&format!("{command} --dry-run {file}"), &text).await.is(0);
        assert_eq!(tally(&rehearsed.out)["created"], 2, "{file}");
        let done = shell.fed(&format!("{command} {file}"), &text).await.is(0);
        assert_eq!(tally(&done.out), tally(&rehearsed.out), "{file}");
        let shown = operator.get("/v1/connections/keys/activations/i%2C%20nitech").await.is(200);
        assert_eq!(
            (&shown.body["enabled"], &shown.body["variables"]["region"]),
            (&json!(false), &json!("eu"))
        );
        assert!(!Path::new(&shell.folder.path().join(format!("{file}.attache-import"))).exists());
        for path in [
            "/v1/connections/crm/activations/acme",
            "/v1/connections/keys/activations/i%2C%20nitech",
        ] {
            operator.delete(path).await.is(204);
        }
    }
}

#[tokio::test]
async fn what_is_refused_is_told_with_its_row_and_column_and_never_with_its_value() {
    let database = Database::sqlite();
    let (_process, shell, _) = beside(&database, "https://id.example").await;
    let text = "tenant,connection,access_token,refresh_token,expires_at,enabled,credential.token\n\
                good,keys,,,,,canary-k\n\
                ,keys,,,,,canary-k\n\
                odd,crm,canary-a,,canary-soon,,\n\
                maybe,keys,,,,canary-maybe,canary-k\n\
                short,keys\n\
                good,keys,,,,,canary-k\n\
                field,keys,canary-a,,,,canary-k\n\
                =1+1,nothing,,,,,canary-k\n";
    fs::write(shell.folder.path().join("rows.csv"), text).unwrap();
    let ran =
        shell.run("attache activation import rows.csv --report report.csv -o json").await.is(1);
    let expected = json!({ "created": 1, "replaced": 0, "skipped": 0, "refused": 7 });
    assert_eq!(tally(&ran.out), expected);
    let ran = ran.says(&[
        "rows.csv: row 2 (line 3), column tenant: ",
        "row 3 (line 4), column expires_at: ",
        "row 4 (line 5), column enabled: write true or false",
        "row 5 (line 6): it has 2 cells",
        "row 6 (line 7), column tenant: an entry before this one",
        "row 7 (line 8), column access_token: ",
        "row 8 (line 9), column connection: ",
        "7 rows were refused",
    ]);
    let report = report(&shell);
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!(
        lines[..2],
        ["tenant,connection,outcome,works,must_reconnect,why", "good,keys,created,,,"]
    );
    assert!(lines.len() == 9 && lines[8].starts_with("'=1+1,nothing,refused,"), "{report}");
    assert!(!format!("{}{}{report}", ran.out, ran.err).contains("canary"), "{}{report}", ran.err);

    for (file, text, says) in [
        ("none.csv", "tenant,password\n", "`password`"),
        ("broken.json", "[{\"tenant\": \"a\"", "it ends within an object"),
        ("sealed", "age-encryption.org/v1\n-> X25519 x\n", "age -d"),
    ] {
        fs::write(shell.folder.path().join(file), text).unwrap();
        shell.run(&format!("attache activation import {file}")).await.is(2).says(&[says]);
    }
    shell.run("attache activation import nothing.csv").await.is(2).says(&["nothing.csv"]);
}

/// Kills it each time that it is so much further, and has it go on.
struct Long {
    rows: usize,
    batch: usize,
    /// Rows between two kills; none where it is killed once, in the middle.
    step: Option<usize>,
}

fn long() -> Long {
    match std::env::var_os("ATTACHE_TEST_LONG") {
        Some(_) => Long { rows: 100_000, batch: 500, step: None },
        None => Long { rows: 2_000, batch: 100, step: Some(300) },
    }
}

/// A resident set and its highest so far, in KiB.
fn memory(pid: u32) -> Option<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let of = |name: &str| {
        let line = status.lines().find(|it| it.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some((of("VmRSS")?, of("VmHWM")?))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_time_and_gone_on_with_each_is_there_exactly_once() {
    let Long { rows, batch, step } = long();
    let database = Database::sqlite();
    let (process, shell, operator) = beside(&database, "https://id.example").await;
    let mut text = "tenant,access_token,refresh_token,expires_at\n".to_owned();
    for row in 0..rows {
        writeln!(text, "tenant-{row},access-{row:0>600},refresh-{row:0>60},4000000000").unwrap();
    }
    let input = shell.folder.path().join("rows.csv");
    fs::write(&input, &text).unwrap();
    let progress = shell.folder.path().join("rows.csv.attache-import");
    let line =
        format!("import rows.csv --connection crm --batch {batch} --report report.csv -o json");
    let before = memory(process.id()).unwrap();
    let (begun, mut kills, mut highest) = (Instant::now(), 0, 0);
    let mut next = step.unwrap_or(rows / 2);
    let out = loop {
        let mut child = Command::new(env!("CARGO_BIN_EXE_attache"))
            .arg("activation")
            .args(line.split(' '))
            .env_clear()
            .env("ATTACHE_URL", shell.setting("ATTACHE_URL"))
            .env("ATTACHE_TOKEN", shell.setting("ATTACHE_TOKEN"))
            .current_dir(shell.folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let killed = async {
            loop {
                if let Some((_, most)) = memory(child.id()) {
                    highest = highest.max(most);
                }
                if child.try_wait().unwrap().is_some() {
                    return false;
                }
                let state = fs::read(&progress).ok();
                let state = state.and_then(|it| serde_json::from_slice::<Value>(&it).ok());
                if state.is_some_and(|it| it["rows"].as_u64() >= Some(next as u64)) {
                    child.kill().unwrap();
                    return true;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        if killed.await {
            child.wait().unwrap();
            kills += 1;
            next = step.map_or(usize::MAX, |it| next + it);
            continue;
        }
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
        break String::from_utf8(ended.stdout).unwrap();
    };
    let took = begun.elapsed();
    let after = memory(process.id()).unwrap();
    println!(
        "{rows} rows in {took:?}, killed {kills} times: {:.0} rows/s; resident: command {highest} KiB at most, attache {} \
         KiB before, {} KiB after, {} KiB at most",
        rows as f64 / took.as_secs_f64(),
        before.0,
        after.0,
        after.1
    );
    assert!(kills > 0, "nobody was interrupted");
    let all = rows as i64;
    let expected = json!({ "created": all, "replaced": 0, "skipped": 0, "refused": 0 });
    assert_eq!(tally(&out), expected);
    assert_eq!(count(&database, "activations").await, all);
    assert_eq!(count(&database, "credentials WHERE slot = 'activation'").await, all);
    assert_eq!(count(&database, "audit WHERE kind = 'activation' AND act = 'created'").await, all);
    assert_eq!(count(&database, "audit WHERE kind = 'activation'").await, all);
    let report = report(&shell);
    let mut told: Vec<&str> = report.lines().skip(1).collect();
    assert!(told.iter().all(|it| it.ends_with(",crm,created,,,")), "each is told");
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), rows, "once");
    assert!(!progress.exists());
    let last = format!("/v1/connections/crm/activations/tenant-{}", rows - 1);
    operator.get(&last).await.is(200);
    // Generous: what is held is a batch, not a file.
    assert!(highest < 128 << 10, "the command has {highest} KiB");
    assert!(after.0 < before.0 + (256 << 10), "attache has {} KiB, and had {}", after.0, before.0);
}

/// The command, as a process that can be stopped.
fn spawned(shell: &Shell, line: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_attache"))
        .args(line.split(' ').skip(1))
        .env_clear()
        .env("ATTACHE_URL", shell.setting("ATTACHE_URL"))
        .env("ATTACHE_TOKEN", shell.setting("ATTACHE_TOKEN"))
        .current_dir(shell.folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills it when the store has rows that it does not know to be done.
async fn killed_ahead(mut child: Child, progress: &Path, database: &Database) {
    let pid = Pid::from_child(&child);
    loop {
        kill_process(pid, Signal::STOP).unwrap();
        let state = fs::read(progress).ok();
        let state = state.and_then(|it| serde_json::from_slice::<Value>(&it).ok());
        if let Some(state) = state.filter(|it| !it["pending"].is_null()) {
            // What it has sent is done, or is not on its way.
            for _ in 0..50 {
                if count(database, "activations").await > state["rows"].as_i64().unwrap() {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        kill_process(pid, Signal::CONT).unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(child.try_wait().unwrap().is_none(), "it was never ahead");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_was_done_unheard_is_done_once_by_its_key() {
    for has_its_key in [true, false] {
        let database = Database::sqlite();
        let (_process, shell, _) = beside(&database, "https://id.example").await;
        let mut text = "tenant,credential.token\n".to_owned();
        (0..600).for_each(|row| writeln!(text, "tenant-{row},k-{row}").unwrap());
        fs::write(shell.folder.path().join("rows.csv"), text).unwrap();
        let progress = shell.folder.path().join("rows.csv.attache-import");
        let line = "attache activation import rows.csv --connection keys --batch 200 -o json";
        killed_ahead(spawned(&shell, line), &progress, &database).await;
        if !has_its_key {
            let mut state: Value = serde_json::from_slice(&fs::read(&progress).unwrap()).unwrap();
            state["id"] = json!("01890000-0000-7000-8000-000000000000");
            fs::write(&progress, state.to_string()).unwrap();
        }
        let ran = shell.run(line).await.is(if has_its_key { 0 } else { 1 });
        let (created, refused) = if has_its_key { (600, 0) } else { (400, 200) };
        let expected =
            json!({ "created": created, "replaced": 0, "skipped": 0, "refused": refused });
        assert_eq!(tally(&ran.out), expected);
        assert_eq!(count(&database, "activations").await, 600);
        assert_eq!(count(&database, "audit WHERE kind = 'activation'").await, 600);
    }
}

#[tokio::test]
async fn what_nobody_knows_of_any_more_is_verified_all_the_same() {
    let database = Database::sqlite();
    let (_process, shell, _) = beside(&database, "https://id.example").await;
    let input = shell.folder.path().join("rows.csv");
    let progress = shell.folder.path().join("rows.csv.attache-import");
    let begin = "tenant,connection,credential.token\na,keys,k\n";
    fs::write(&input, format!("{begin}\"{}", "x".repeat(5 << 20))).unwrap();
    let command = "attache activation import rows.csv --batch 1 -o json";
    shell.run(command).await.is(2);
    let mut state: Value = serde_json::from_slice(&fs::read(&progress).unwrap()).unwrap();
    (state["rows"], state["bytes"], state["pending"]) = (json!(0), json!(0), json!([1, 0]));
    state["tally"]["created"] = json!(0);
    fs::write(&progress, state.to_string()).unwrap();
    fs::write(&input, begin).unwrap();
    let ran = shell.run(&format!("{command} --verify")).await.is(0);
    assert_eq!((&tally(&ran.out)["skipped"], &tally(&ran.out)["unknown"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn a_report_takes_the_place_of_no_other_file() {
    let database = Database::sqlite();
    let (_process, shell, _) = beside(&database, "https://id.example").await;
    let input = shell.folder.path().join("rows.csv");
    // The same tenant in another batch is the same one.
    let text = "tenant,connection,credential.token\na,keys,k\na,keys,l\n";
    fs::write(&input, text).unwrap();
    let command = "attache activation import rows.csv --batch 1 --existing replace -o json";
    let taken = shell.run(&format!("{command} --report rows.csv")).await;
    taken.is(2).says(&["rows.csv is there already"]);
    assert_eq!(fs::read_to_string(&input).unwrap(), text);
    let ran = shell.run(&format!("{command} --report report.csv")).await.is(1);
    let expected = json!({ "created": 1, "replaced": 0, "skipped": 0, "refused": 1 });
    assert_eq!(tally(&ran.out), expected);
    assert!(report(&shell).contains("an entry before this one is of the same tenant"));
}

#[tokio::test]
async fn another_input_or_another_command_does_not_go_on() {
    let database = Database::sqlite();
    let (_process, shell, _) = beside(&database, "https://id.example").await;
    let input = shell.folder.path().join("rows.csv");
    let progress = shell.folder.path().join("rows.csv.attache-import");
    let command = "attache activation import rows.csv --batch 1 -o json";
    // The second row stops it: its quote is not closed.
    fs::write(&input, "tenant,connection,credential.token\na,keys,k\n\"").unwrap();
    let text = "tenant,connection,credential.token\na,keys,k\nb,keys,k\n";
    let long = format!("tenant,connection,credential.token\na,keys,k\n\"{}", "x".repeat(5 << 20));
    fs::write(&input, &long).unwrap();
    shell.run(command).await.is(2).says(&["row 2 is longer", "goes on behind row 1"]);
    let kept = fs::read_to_string(&progress).unwrap();
    assert!(!kept.contains("keys,") && kept.contains("\"rows\":1"), "{kept}");
    shell.run(&format!("{command} --report other.csv")).await.is(2).says(&["begun with"]);
    shell
        .run(&format!("{command} --existing skip"))
        .await
        .is(2)
        .says(&["begun with", "--existing refuse"]);
    fs::write(&input, text.replace("a,keys", "c,keys")).unwrap();
    shell.run(command).await.is(2).says(&["is not what it was when 1 rows of it were imported"]);
    fs::write(&input, text).unwrap();
    let done = shell.run(command).await.is(0).says(&["going on behind row 1"]);
    assert_eq!(tally(&done.out)["created"], 2, "of both runs");
    assert!(!progress.exists());
}

#[tokio::test]
async fn what_is_verified_is_renewed_no_faster_than_was_said() {
    let (rows, per_s) = (30_u32, 20_u32);
    let provider = Provider::rotating(Rotating::living(3600)).await;
    let database = Database::sqlite();
    let (_process, shell, _) = beside(&database, provider.url()).await;
    let mut text = "tenant,connection,access_token,refresh_token,credential.token\n".to_owned();
    for row in 0..rows {
        // One has been renewed elsewhere since it was written down.
        let number = if row == 7 { 3 } else { 0 };
        writeln!(text, "t{row},crm,a-{row},t{row}-{number},").unwrap();
    }
    text.push_str("quiet,keys,,,k\nwrong,keys,,,\n");
    fs::write(shell.folder.path().join("rows.csv"), text).unwrap();
    let begun = Instant::now();
    let line = format!(
        "attache activation import rows.csv --batch 10 --verify --rate {per_s}/s --report report.csv -o json"
    );
    let ran = shell.run(&line).await.is(1);
    let expected = json!({
        "created": 31, "replaced": 0, "skipped": 0, "refused": 1, "works": 29, "must_reconnect": 1, "unknown": 1,
    });
    assert_eq!(tally(&ran.out), expected, "{}", ran.err);
    let report = report(&shell);
    let line = |of: &str| {
        report.lines().find(|it| it.starts_with(&format!("{of},"))).unwrap_or_default().to_owned()
    };
    assert_eq!(line("t3"), "t3,crm,created,true,false,");
    assert!(line("t7").starts_with("t7,crm,created,false,true,"), "{}", line("t7"));
    assert!(line("quiet").starts_with("quiet,keys,created,unknown,false,"), "{}", line("quiet"));
    assert!(line("wrong").starts_with("wrong,keys,refused,,,"), "{}", line("wrong"));
    // By the provider's own log: the n-th cannot come before n intervals are over.
    let mut times: Vec<Instant> = provider.asked().iter().map(|it| it.at).collect();
    times.sort_unstable();
    assert_eq!(times.len(), rows as usize, "each once");
    let interval = Duration::from_secs(1) / per_s;
    for (count, at) in (0_u32..).zip(&times) {
        let since = at.duration_since(begun);
        assert!(since >= interval * count, "{count} renewals in {since:?}");
    }
}
