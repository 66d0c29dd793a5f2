//! Every resource from the shell alone, against a process of its own: as docs/cli.md tells it.
use crate::support::Database;
use crate::support::Operator;
use crate::support::Process;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::Shell;
use serde_json::Value;
use serde_json::json;
use std::fs;

/// Nothing but what lets tests reach themselves: everything else is typed.
const EMPTY: &str = "egress: { allow: [127.0.0.0/8] }\n";

async fn process() -> (Database, Process, Shell) {
    let database = Database::sqlite();
    let process = Process::beside(&database, EMPTY).await;
    let shell = Shell::of(&process);
    (database, process, shell)
}

/// The keys of a list, from its JSON.
async fn keys(shell: &Shell, kind: &str) -> Vec<String> {
    let listed = shell.done(&format!("attache {kind} list -o json")).await.json();
    let keys = listed.as_array().expect("a list").iter();
    keys.map(|it| it["key"].as_str().expect("each has a key").to_owned()).collect()
}

/// A connector `desk` with the auth methods `token` and `login`.
async fn desk(shell: &Shell, base_url: &str) {
    let text = format!(
        "name: Desk
base_url: {base_url}
auth:
  token: {{ api_key: {{ in: header, name: X-Api-Key }} }}
  login: {{ basic: {{}} }}
endpoints:
  list-tickets: {{ method: GET, path: /tickets, name: List tickets }}
"
    );
    shell.fed("attache connector create desk -f -", &text).await.is(0);
}

#[tokio::test]
async fn connectors_and_their_auth_methods() {
    let (_database, _process, shell) = process().await;
    desk(&shell, "https://desk.example.com").await;
    let rows = shell.done("attache connector list").await;
    assert_eq!(
        rows.table("KEY BASE URL AUTH IN"),
        ["desk  https://desk.example.com  token, login  store"]
    );
    shell
        .run("attache connector create desk --set base_url=https://x.example.com")
        .await
        .is(1)
        .says(&["already_exists"]);
    // One is YAML, as a file has it.
    let one = shell.done("attache connector get desk").await;
    assert!(one.out.contains("base_url: https://desk.example.com\n"), "{}", one.out);
    shell.done("attache connector edit desk --set description='The desk' --set docs=null").await;
    let one = shell.done("attache connector get desk -o json").await.json();
    assert_eq!(one["description"], "The desk");
    let version = one["version"].as_i64().expect("it has a version");
    // What somebody else has changed meanwhile is not written over.
    let stale = format!("attache connector edit desk --if-version {} --set name=Late", version - 1);
    shell.run(&stale).await.is(1).says(&["precondition_failed"]);
    shell
        .done(&format!("attache connector edit desk --if-version {version} --set name=Desk"))
        .await;
    let endpoints = shell.done("attache connector endpoints desk").await;
    assert_eq!(
        endpoints.table("KEY METHOD PATH NAME"),
        ["list-tickets  GET     /tickets  List tickets"]
    );

    let listed = shell.done("attache auth-method list desk").await;
    assert_eq!(
        listed.table("KEY NAME SCHEME REVISION"),
        ["login  login  basic    1", "token  token  api_key  1"]
    );
    let apply = "attache auth-method apply desk token --set api_key.in=query --set api_key.name=k";
    shell.done(&format!("{apply} --dry-run")).await;
    let one = shell.done("attache auth-method get desk token -o json").await.json();
    assert_eq!((&one["revision"], &one["api_key"]["in"]), (&json!(1), &json!("header")));
    shell.done(apply).await;
    let revisions = shell.done("attache auth-method revisions desk token").await;
    let revisions = revisions.table("REVISION SCHEME MADE BY PINNED BY");
    assert_eq!(revisions.len(), 2);
    assert!(revisions[0].starts_with("2         api_key"), "{revisions:?}");
    let first = shell.done("attache auth-method revisions desk token --revision 1 -o json").await;
    assert_eq!(first.json()["api_key"]["in"], "header");
    shell.done("attache auth-method delete desk login").await;
    shell.run("attache auth-method get desk login").await.is(1).says(&["not_found"]);

    shell.done("attache connector apply other --set base_url=https://other.example.com").await;
    assert_eq!(keys(&shell, "connector").await, ["desk", "other"]);
    shell.done("attache connector delete other").await;
    assert_eq!(keys(&shell, "connector").await, ["desk"]);
}

#[tokio::test]
async fn connectors_of_the_catalogue() {
    let (_database, _process, shell) = process().await;
    let all = shell.done("attache catalogue list").await;
    assert!(all.table("KEY NAME AUTH BASE URL").len() > 60);
    let found = shell.done("attache catalogue list stripe payments").await;
    let found = found.table("KEY NAME AUTH BASE URL");
    assert!(found.len() == 1 && found[0].starts_with("stripe  Stripe"), "{found:?}");
    let entry = shell.done("attache catalogue get stripe -o json").await.json();
    shell.done("attache connector create stripe --from stripe").await;
    shell.done("attache connector create ours --from stripe --set name=Ours").await;
    let ours = shell.done("attache connector get ours -o json").await.json();
    assert_eq!((&ours["name"], &ours["base_url"]), (&json!("Ours"), &entry["base_url"]));
    let unknown = shell.run("attache connector create x --from stripes").await.is(2);
    unknown.says(&["/from", "stripes"]);
}

#[tokio::test]
async fn connections_and_what_is_done_to_them() {
    let (_database, _process, shell) = process().await;
    desk(&shell, "https://desk.example.com").await;
    let shell = shell.with("DESK_KEY", "s3cret-of-prod");
    let create = "attache connection create desk-prod --set connector=desk --set auth=token";
    let made = shell.done(&format!("{create} --set credentials.key='${{DESK_KEY}}' -o json")).await;
    assert_eq!(made.json()["status"], "ready");
    assert!(!made.out.contains("s3cret"), "{}", made.out);
    let rows = shell.done("attache connection list").await;
    assert_eq!(
        rows.table("KEY CONNECTOR AUTH HELD BY STATUS IN"),
        ["desk-prod  desk       token@1  itself   ready   store"]
    );
    let before = shell.done("attache connection get desk-prod -o json").await.json();
    shell.done("attache connection credentials desk-prod --set key=another-s3cret").await;
    let after = shell.done("attache connection get desk-prod -o json").await.json();
    assert_ne!(
        before["credentials"]["key"]["fingerprint"],
        after["credentials"]["key"]["fingerprint"]
    );

    // A change of its method is another revision, which it does not pin by itself.
    shell
        .done("attache auth-method apply desk token --set api_key.in=query --set api_key.name=k")
        .await;
    let rehearsed = shell.done("attache connection repin desk-prod --dry-run -o json").await.json();
    assert_eq!(rehearsed["to"], 2, "{rehearsed}");
    shell.done("attache connection repin desk-prod").await;
    let one = shell.done("attache connection get desk-prod -o json").await.json();
    assert_eq!(one["revision"], 2);
    shell.done("attache connection repin desk-prod --revision 1").await;

    // Assigned, it is in use; another takes its place in one act.
    shell.done("attache integration create sync --set connectors.tickets.connector=desk").await;
    let assigned = "--set integration=sync --set deployed=true --set assign.tickets=desk-prod";
    shell.done(&format!("attache environment create production {assigned}")).await;
    let uses = shell.done("attache connection uses desk-prod").await;
    assert_eq!(uses.table("KEY KIND LINK DEPLOYED COUNT").len(), 1);
    let refused = shell.run("attache connection delete desk-prod").await.is(1);
    refused.says(&["in_use", "environment production", "--force"]);
    let told = shell.done("attache connection delete desk-prod --dry-run -o json").await.json();
    assert_eq!((&told["refused"], &told["code"]), (&json!(true), &json!("in_use")));
    shell.done("attache connection create desk-new --set connector=desk --set auth=token --set credentials.key=k").await;
    shell.done("attache connection replace desk-prod desk-new").await;
    shell.done("attache connection delete desk-prod").await;
    let environment = shell.done("attache environment get production -o json").await.json();
    assert_eq!(environment["assign"]["tickets"], "desk-new");

    // Where stored credentials would go elsewhere, that is said and asked for.
    let moved = "attache connection edit desk-new --set base_url=https://elsewhere.example.com";
    shell.run(moved).await.is(1).says(&[
        "origin_changed",
        "https://elsewhere.example.com",
        "--confirm-origin",
    ]);
    shell.done(&format!("{moved} --confirm-origin")).await;
    let origins = r#"--set origins='["https://elsewhere.example.com"]'"#;
    shell.done(&format!("attache connection confirm desk-new {origins}")).await;
    shell
        .run("attache connection confirm desk-new --set origins='[]'")
        .await
        .is(2)
        .says(&["invalid", "/origins"]);

    // Held by tenants, it holds nothing itself.
    shell.done("attache connection switch desk-new embedded --dry-run").await;
    let refused = shell.run("attache connection switch desk-new embedded").await.is(1);
    refused.says(&["confirmation_required", "--confirm"]);
    shell.done("attache connection switch desk-new embedded --confirm").await;
    shell.done("attache connection credentials desk-new --test --set key=to-try").await;
    let one = shell.done("attache connection get desk-new -o json").await.json();
    assert!(one["test_credentials"]["key"]["fingerprint"].is_string(), "{one}");
    shell.done("attache connection forget desk-new --test").await;
    shell.done("attache connection switch desk-new standard --confirm --set key=own").await;
    let one = shell.done("attache connection get desk-new -o json").await.json();
    assert_eq!((&one["status"], &one["embedded"]), (&json!("ready"), &json!(false)));
    // One that holds its credentials itself is nothing without them.
    shell.run("attache connection forget desk-new --force").await.is(2).says(&["invalid", "/key"]);
}

#[tokio::test]
async fn tenants_are_activated_one_by_one_and_in_an_environment_as_a_whole() {
    let upstream = RawUpstream::start([Script::ok("tickets")]).await;
    let (_database, _process, shell) = process().await;
    desk(&shell, &upstream.url()).await;
    let shell = shell.with("ACME_KEY", "s3cret-of-acme");
    let embedded = "--set connector=desk --set auth=token --set embedded=true";
    shell.done(&format!("attache connection create desk-customers {embedded}")).await;
    // A tenant's id may be anything, an address for one.
    let acme = "'someone@acme example.com'";
    shell.done(&format!("attache tenant create {acme} --set name=Acme")).await;
    shell.done(&format!("attache tenant edit {acme} --set name='Acme Ltd'")).await;
    let tenants = shell.done("attache tenant list").await;
    assert!(
        tenants.table("KEY NAME UPDATED")[0].starts_with("someone@acme example.com  Acme Ltd  ")
    );
    let of = "desk-customers@'someone@acme example.com'";
    shell
        .done(&format!("attache activation activate {of} --set credentials.key='${{ACME_KEY}}'"))
        .await;
    shell.done(&format!("attache activation edit {of} --set enabled=true")).await;
    for by in ["desk-customers".to_owned(), format!("--tenant {acme}")] {
        let rows = shell.done(&format!("attache activation list {by}")).await;
        let rows = rows.table("CONNECTION TENANT ENABLED UPDATED IN");
        assert!(rows[0].starts_with("desk-customers  someone@acme example.com  yes"), "{rows:?}");
    }
    shell.done(&format!("attache curl {of} /tickets")).await;
    assert_eq!(upstream.request().await.field("x-api-key"), Some("s3cret-of-acme"));
    shell.done(&format!("attache activation get {of}")).await;
    shell.done(&format!("attache activation deactivate {of}")).await;
    shell.run(&format!("attache activation get {of}")).await.is(1).says(&["not_found"]);

    shell.done("attache integration apply sync --set connectors.tickets.connector=desk").await;
    let listed = shell.done("attache integration endpoints sync").await;
    assert_eq!(
        listed.table("KEY LINK METHOD PATH OVERRIDDEN"),
        ["list-tickets  tickets  GET     /tickets"]
    );
    let assigned = "--set integration=sync --set assign.tickets=desk-customers";
    shell.done(&format!("attache environment apply production {assigned}")).await;
    let rows = shell.done("attache environment list").await;
    assert_eq!(
        rows.table("KEY INTEGRATION DEPLOYED ASSIGNS IN"),
        ["production  sync         no        tickets  store"]
    );
    let definition = "connections:\n  desk-customers: { credentials: { key: \"${ACME_KEY}\" } }\n";
    let activate = format!("attache environment activate production {acme} -f -");
    shell.fed(&format!("{activate} --dry-run"), definition).await.is(0);
    shell.fed(&activate, definition).await.is(0);
    let shown =
        shell.done(&format!("attache environment activation production {acme} -o json")).await;
    assert!(shown.out.contains("desk-customers"), "{}", shown.out);
    shell.done(&format!("attache curl {of} /tickets")).await;
    shell.done(&format!("attache environment deactivate production {acme}")).await;
    shell.run(&format!("attache curl {of} /tickets")).await.is(1).says(&["embedded_not_activated"]);

    shell.done("attache environment edit production --set deployed=true").await;
    shell.run("attache environment delete production").await.is(1).says(&["in_use"]);
    shell.done("attache environment delete production --force").await;
    shell.done("attache integration edit sync --set description=none").await;
    shell.done("attache integration get sync").await;
    let rows = shell.done("attache integration list").await;
    assert_eq!(rows.table("KEY NAME CONNECTORS IN"), ["sync  sync  tickets     store"]);
    shell.done("attache integration delete sync").await;
    shell.done(&format!("attache tenant delete {acme}")).await;
    assert!(keys(&shell, "tenant").await.is_empty());
}

#[tokio::test]
async fn callers_and_operators_get_their_keys_told_once() {
    let (_database, _process, shell) = process().await;
    let made = shell
        .done("attache caller create runtime-eu --set connections='[\"desk-*\"]' -o json")
        .await;
    let key = made.json()["caller_key"].as_str().expect("it is told").to_owned();
    assert!(key.starts_with("atc_"), "{key}");
    let shown = shell.done("attache caller get runtime-eu -o json").await;
    assert!(!shown.out.contains(&key), "{}", shown.out);
    let prefix = shown.json()["keys"][0]["prefix"].as_str().expect("it has a prefix").to_owned();
    shell.done("attache caller rotate runtime-eu --dry-run").await;
    shell
        .done("attache caller rotate runtime-eu --overlap 1h --expires-at 2999-01-31T00:00:00Z")
        .await;
    let rows = shell.done("attache caller list").await;
    let row = rows
        .table("KEY CONNECTIONS TENANTS KEYS IN")
        .into_iter()
        .find(|it| it.starts_with("runtime-eu"));
    assert_eq!(row, Some("runtime-eu  desk-*       *        2     store"), "{}", rows.out);
    shell.done(&format!("attache caller withdraw runtime-eu {prefix}")).await;
    let shown = shell.done("attache caller get runtime-eu -o json").await.json();
    assert_eq!(shown["keys"].as_array().map(Vec::len), Some(1));
    shell.done("attache caller edit runtime-eu --set tenants='[\"acme\"]'").await;
    shell.done("attache caller delete runtime-eu").await;

    let made = shell.done("attache token create ci --role viewer -o json").await.json();
    let token = made["token"].as_str().expect("it is told").to_owned();
    let viewer = Shell::bare().with("ATTACHE_URL", shell.setting("ATTACHE_URL"));
    // A token comes from a file where it does not come from a setting.
    fs::write(viewer.folder.path().join("token"), format!("{token}\n"))
        .expect("a folder takes files");
    let who = viewer.done("attache token whoami --token-file token -o json").await.json();
    assert_eq!((&who["name"], &who["role"]), (&json!("ci"), &json!("viewer")), "{who}");
    let refused =
        viewer.with("ATTACHE_TOKEN_FILE", "token").run("attache connector create x").await;
    refused.is(1).says(&["operator_forbidden"]);
    let rows = shell.done("attache token list").await;
    assert!(
        rows.table("KEY ROLE BEGINS EXPIRES")[0].starts_with("ci   viewer  ato_"),
        "{}",
        rows.out
    );
    shell.done("attache token get ci").await;
    shell.done("attache token delete ci").await;
    assert!(keys(&shell, "token").await.is_empty());
}

#[tokio::test]
async fn where_nobody_listens_the_way_to_say_where_is_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = format!("http://{}", listener.local_addr().expect("it is bound"));
    drop(listener);
    let shell = Shell::at(&nobody, &nobody);
    let refused = shell.run("attache connector list").await;
    refused.is(1).says(&[&nobody, "connection refused", "`--server` or ATTACHE_URL"]);
    let refused = shell.run("attache curl desk /").await;
    refused.is(1).says(&[&nobody, "connection refused", "`--proxy` or ATTACHE_PROXY_URL"]);
}

#[tokio::test]
async fn what_happened_and_who_did_it() {
    let (_database, _process, shell) = process().await;
    desk(&shell, "https://desk.example.com").await;
    let of = "--set connector=desk --set auth=token --set embedded=true";
    shell.done(&format!("attache connection create users {of}")).await;
    shell.done("attache activation activate users@acme --set credentials.key=s3cret").await;
    let rows = shell.done("attache audit list").await;
    let all = rows.table("SEQ AT WHO ACT KIND OF");
    assert!(all[0].ends_with("users@acme"), "{}", rows.out);
    let one = shell.done("attache audit list --kind connection --key users -o json").await;
    let one = one.json();
    assert_eq!((one.as_array().map(Vec::len), &one[0]["act"]), (Some(1), &json!("created")));
    let one = shell.done("attache audit list --limit 1").await;
    let one = one.table("SEQ AT WHO ACT KIND OF");
    assert!(one.len() == 1 && one[0].ends_with("users@acme"), "{one:?}");
    let none = shell.done("attache audit list --since 2999-01-01T00:00:00Z").await;
    assert!(none.table("SEQ AT WHO ACT KIND OF").is_empty());

    let rows = shell.done("attache event list --type connection.created").await;
    let rows = rows.table("SEQ AT TYPE CONNECTION TENANT");
    assert!(rows.len() == 1 && rows[0].ends_with("connection.created  users"), "{rows:?}");
    let all = shell.done("attache event list -o json").await.json();
    let last = all.as_array().and_then(|it| it.last()).expect("something happened");
    let behind = shell.done(&format!("attache event list --after {}", last["seq"])).await;
    assert!(behind.table("SEQ AT TYPE CONNECTION TENANT").is_empty());
    shell.run("attache event list --type nothing").await.is(2).says(&["nothing"]);
}

#[tokio::test]
async fn no_table_is_wider_than_a_terminal_whatever_is_in_it() {
    let (_database, _process, shell) = process().await;
    let long = |with: &str| format!("{with}{}", "k".repeat(63 - with.len()));
    let (api, conn, sync, live, runtime) =
        (long("api-"), long("conn-"), long("sync-"), long("live-"), long("runtime-"));
    let wide = "名前".repeat(30);
    let text = format!(
        "name: {wide}
base_url: https://{}.example.com/{}
auth: {{ {}: {{ name: {wide}, basic: {{}} }}, {}: {{ bearer: {{}} }} }}
endpoints: {{ {}: {{ method: GET, path: /{}, name: {wide} }} }}
",
        "a".repeat(60),
        "b".repeat(90),
        long("m1-"),
        long("m2-"),
        long("e-"),
        "c".repeat(200),
    );
    shell.fed(&format!("attache connector create {api} -f -"), &text).await.is(0);
    let method = long("m2-");
    let of = format!(
        "--set connector={api} --set auth={method} --set embedded=true --set name='{wide}'"
    );
    shell.done(&format!("attache connection create {conn} {of}")).await;
    let tenant = "名".repeat(42);
    shell.done(&format!("attache tenant create {tenant} --set name='{wide}'")).await;
    shell
        .done(&format!("attache activation activate {conn}@{tenant} --set credentials.token=t"))
        .await;
    let alias = long("alias-");
    shell.done(&format!("attache integration create {sync} --set name='{wide}' --set connectors.{alias}.connector={api}")).await;
    shell
        .done(&format!(
            "attache environment create {live} --set integration={sync} --set assign.{alias}={conn}"
        ))
        .await;
    shell.done(&format!("attache caller create {runtime} --set connections='[\"{conn}\",\"*\"]' --set tenants='[\"{tenant}\"]'")).await;
    shell
        .done(&format!(
            "attache token create {} --role admin --expires-at 2999-01-31T00:00:00Z",
            long("t-")
        ))
        .await;
    for (list, heads) in [
        ("connector list".to_owned(), "KEY BASE URL AUTH IN"),
        (format!("connector endpoints {api}"), "KEY METHOD PATH NAME"),
        (format!("auth-method list {api}"), "KEY NAME SCHEME REVISION"),
        (format!("auth-method revisions {api} {method}"), "REVISION SCHEME MADE BY PINNED BY"),
        ("connection list".to_owned(), "KEY CONNECTOR AUTH HELD BY STATUS IN"),
        (format!("connection uses {conn}"), "KEY KIND LINK DEPLOYED COUNT"),
        (format!("activation list {conn}"), "CONNECTION TENANT ENABLED UPDATED IN"),
        (format!("activation list --tenant {tenant}"), "CONNECTION TENANT ENABLED UPDATED IN"),
        ("integration list".to_owned(), "KEY NAME CONNECTORS IN"),
        (format!("integration endpoints {sync}"), "KEY LINK METHOD PATH OVERRIDDEN"),
        ("environment list".to_owned(), "KEY INTEGRATION DEPLOYED ASSIGNS IN"),
        ("tenant list".to_owned(), "KEY NAME UPDATED"),
        ("caller list".to_owned(), "KEY CONNECTIONS TENANTS KEYS IN"),
        ("token list".to_owned(), "KEY ROLE BEGINS EXPIRES"),
    ] {
        let ran = shell.done(&format!("attache {list}")).await;
        assert!(!ran.table(heads).is_empty(), "{list}");
    }
}

#[tokio::test]
async fn a_list_of_many_pages_is_shown_whole() {
    let (_database, process, shell) = process().await;
    let operator = Operator::at(process.admin);
    for number in 0..401 {
        operator.put(&format!("/v1/tenants/t{number:03}"), json!({})).await.is(201);
    }
    let ran = shell.done("attache tenant list").await;
    let rows = ran.table("KEY NAME UPDATED");
    assert_eq!((rows.len(), &rows[400][..4]), (401, "t400"));
    // Progress is for terminals.
    assert_eq!(ran.err, "");
}

#[tokio::test]
async fn a_command_ends_with_0_where_it_is_done_1_where_it_failed_and_2_where_it_was_wrong() {
    let (_database, process, shell) = process().await;
    desk(&shell, "https://desk.example.com").await;
    let closed = "http://127.0.0.1:1";
    for (code, line, words) in [
        (0, "attache connector list", &[][..]),
        (0, "attache connector get desk | head -c 1", &[]),
        (0, "attache connector list --help", &[]),
        (1, "attache connector get nothing", &["not_found", "request "]),
        (
            1,
            "ATTACHE_TOKEN=wrong attache connector list",
            &["operator_unauthenticated", "ATTACHE_TOKEN"],
        ),
        (1, "attache connector list --server http://127.0.0.1:1", &[closed]),
        (2, "attache connector list --server 127.0.0.1:1", &["scheme"]),
        (2, "attache connector list --server http://x:y@127.0.0.1", &["ATTACHE_TOKEN"]),
        (2, "attache connector list --timeout soon", &["soon"]),
        (2, "attache connector", &["Usage"]),
        (2, "attache connector list --nothing", &["--nothing"]),
        (2, "attache connector create x --set base_url", &["MEMBER=VALUE"]),
        (2, "attache connector create x -f nowhere.yaml", &["nowhere.yaml"]),
        (2, "attache connector create x --set base_url='${NOWHERE}'", &["NOWHERE", "not set"]),
        (2, "attache connector create x --set bas_url=https://x", &["invalid", "bas_url"]),
        (2, "attache activation get desk", &["CONNECTION@TENANT"]),
        (2, "attache token create x --role emperor", &["emperor"]),
        (2, "env -u ATTACHE_TOKEN attache connector list", &["ATTACHE_TOKEN", "--token-file"]),
        (2, "env -u ATTACHE_TOKEN attache connector list --token-file nowhere", &["nowhere"]),
        (2, "env -u ATTACHE_TOKEN attache connector list --token-file /dev/null", &["/dev/null"]),
        (
            2,
            "env -u ATTACHE_TOKEN attache connector list --token-file <(head -c 65537 /dev/zero | tr '\\0' x)",
            &["longer than 65536 bytes"],
        ),
        (2, "ATTACHE_TOKEN= attache connector list", &["ATTACHE_TOKEN"]),
        (
            2,
            "printf 'auth: {a: {basic: {}}\\n  x' | attache connector create x -f -",
            &["-:2:3", "not YAML"],
        ),
    ] {
        shell.run(line).await.is(code).says(words);
    }
    // A token that others could read on its way is warned of, and sent as it is asked for.
    let line = format!("attache token whoami --server http://0.0.0.0:{}", process.admin.port());
    shell.done(&line).await.says(&["without TLS", "the operator's token"]);
    // The other listeners are no admin API, and a page that is no API is none.
    let proxy = format!("attache connector list --server http://{}", process.proxy);
    shell.run(&proxy).await.is(1).says(&["that is the proxy listener"]);
    let page = RawUpstream::start([Script::ok("<html>")]).await;
    let line = format!("attache connector list --server {}", page.url());
    shell.run(&line).await.is(1).says(&["is it its admin listener?"]);
}

#[tokio::test]
async fn a_file_of_yaml_or_json_and_set_go_together() {
    let (_database, _process, shell) = process().await;
    let file = |name: &str, text: &str| {
        fs::write(shell.folder.path().join(name), text).expect("a folder takes files");
    };
    file(
        "desk.yaml",
        "base_url: https://${HOST:-desk.example.com}\nauth:\n  t: { bearer: {}, name: T }\n",
    );
    file(
        "desk.json",
        r#"{ "base_url": "https://desk.example.com", "auth": { "t": { "bearer": {}, "name": "T" } } }"#,
    );
    shell.done("attache connector apply yaml -f desk.yaml --set auth.t.name=Token").await;
    shell.done("attache connector apply json -f desk.json --set auth.t.name=Token").await;
    let of = async |key| {
        let line = format!("attache connector get {key} -o json");
        let mut one = shell.done(&line).await.json();
        for own in ["key", "name", "version", "created_at", "updated_at"] {
            one.as_object_mut().expect("a connector is a map").shift_remove(own);
        }
        one
    };
    let (yaml, json): (Value, Value) = (of("yaml").await, of("json").await);
    assert_eq!(yaml, json);
    assert_eq!(yaml["auth"]["t"]["name"], "Token");
    // What was shown can be sent, what looks like a reference and is none too.
    shell.done("attache connector edit yaml --set description='costs $${HOME} and $$${x}'").await;
    let description = of("yaml").await["description"].clone();
    assert_eq!(description, "costs ${HOME} and $${x}");
    shell
        .done(
            "attache connector get yaml > again.yaml && attache connector apply yaml -f again.yaml",
        )
        .await;
    assert_eq!(of("yaml").await["description"], description);
    // As JSON it is what the API says, and so it is taken where nothing looks like a reference.
    let again = "attache connector get json -o json > again.json";
    shell.done(&format!("{again} && attache connector apply json -f again.json")).await;
}
