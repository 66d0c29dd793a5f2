//! Connectors from APIs' own descriptions: by the command and by the API, with requests through what was made.
use crate::support::CALLER_KEY;
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Process;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::Shell;
use crate::support::raw_request;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use tempfile::TempDir;

const JSON: &str = "Content-Type: application/json\r\n";
const YAML: &str = "Content-Type: application/yaml\r\n";
const IMPORT: &str = "/v1/connectors/import";

/// Most that documents may take, beside what the process has without any: four times what the longest has itself. It is
/// held twice while it is sent, and the allocator keeps some of the one before.
const MEMORY_KIB: u64 = 4 * 32 * 1024;

/// As `import::DOCUMENT_LEN_MAX`.
const DOCUMENT_LEN_MAX: usize = 32 << 20;

fn petstore(url: &str) -> String {
    format!(
        "openapi: 3.1.0
info: {{ title: Pet Store, version: '1' }}
externalDocs: {{ url: https://docs.pets.example/ }}
servers: [{{ url: '{url}/v1' }}]
security: [{{ token: [] }}, {{ appId: [], appKey: [] }}]
components:
  securitySchemes:
    token: {{ type: http, scheme: bearer }}
    appId: {{ type: apiKey, in: query, name: app_id, description: Of the app. }}
    appKey: {{ type: apiKey, in: header, name: X-App-Key }}
paths:
  /pets/{{petId}}:
    get: {{ operationId: getPet, summary: Get a pet, tags: [pets] }}
    trace: {{}}
"
    )
}

fn swagger(host: &str) -> String {
    json!({
        "swagger": "2.0", "info": { "title": "Old Pets", "version": "1" },
        "host": host, "basePath": "/old", "schemes": ["http"],
        "securityDefinitions": { "login": { "type": "basic" } },
        "paths": { "/pets": { "get": {} } },
    })
    .to_string()
}

fn attache(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_attache")).args(arguments).env_clear().output().unwrap()
}

fn import(file: &Path, more: &[&str]) -> Output {
    let file = file.to_str().expect("the path is text");
    attache(&[&["connector", "import", file], more].concat())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn a_request_through_what_the_command_made_arrives_with_its_credential() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let folder = TempDir::new().expect("a folder for temporary files");
    // What is made is a configuration; of two of them only one can say `connectors`.
    let mut configuration = "connectors:\n".to_owned();
    for (name, document) in [
        ("pets.yaml", petstore(&upstream.url())),
        ("old.json", swagger(&upstream.address().to_string())),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, document).expect("a fresh folder takes files");
        let made = import(&file, &[]);
        assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
        let made = text(&made.stdout);
        configuration += made.strip_prefix("connectors:\n").expect("a map of connectors");
    }
    configuration += &format!(
        "egress: {{ allow: [127.0.0.0/8] }}
connections:
  pets: {{ connector: pet-store, auth: token, credentials: {{ token: t1 }} }}
  app: {{ connector: pet-store, auth: app-id-app-key, credentials: {{ app_id: i1, app_key: k1 }} }}
  old: {{ connector: old-pets, auth: login, credentials: {{ username: ada, password: p1 }} }}
callers: {{ runtime: {{ key: {CALLER_KEY} }} }}
server:
  proxy: {{ listen: \"127.0.0.1:0\", workers: 1 }}
  admin: {{ listen: \"127.0.0.1:0\", token: an-admin-token-of-the-tests }}
  public: {{ listen: \"127.0.0.1:0\" }}
"
    );
    let process = Process::serve(folder, &configuration).await;
    for (connection, target, line, field, value) in [
        ("pets", "/pets/7", "GET /v1/pets/7 HTTP/1.1", "authorization", Some("Bearer t1")),
        ("app", "/pets/7", "GET /v1/pets/7?app_id=i1 HTTP/1.1", "x-app-key", Some("k1")),
        // `printf ada:p1 | base64`
        ("old", "/pets", "GET /old/pets HTTP/1.1", "authorization", Some("Basic YWRhOnAx")),
    ] {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\
             Attache-Connection: {connection}\r\n\r\n"
        );
        let answer = raw_request(process.proxy, request).await;
        assert_eq!((answer.status, &*answer.text()), (200, "ok"), "{connection}");
        let received = upstream.request().await;
        assert_eq!((received.line(), received.field(field)), (line, value), "{connection}");
    }
}

#[tokio::test]
async fn a_document_that_is_sent_becomes_a_connector_that_is_served() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let database = Database::sqlite();
    let gateway = Gateway::beside(&database, "egress: { allow: [127.0.0.0/8] }\n");
    let operator = gateway.operator();

    let document = petstore(&upstream.url());
    let trial = format!("{IMPORT}?dry_run=true");
    let preview = operator.post_document(&trial, YAML, &document).await.is(200).body;
    operator.get("/v1/connectors/pet-store").await.problem("not_found");
    let created = operator.post_document(IMPORT, YAML, &document).await.is(201);
    assert_eq!(created.response.field("location"), Some("/v1/connectors/pet-store"));
    let shown = operator.get("/v1/connectors/pet-store").await.is(200);
    assert_eq!((&created.body["connector"], created.etag()), (&shown.body, shown.etag()));
    assert_eq!(created.body["report"], preview["report"]);
    for member in ["key", "name", "docs", "base_url", "endpoints"] {
        assert_eq!(preview["connector"][member], shown.body[member], "{member}");
    }
    assert_eq!(shown.body["docs"], "https://docs.pets.example/");
    let fields = &shown.body["auth"]["app-id-app-key"]["fields"];
    assert_eq!(fields["app_id"], json!({ "name": "appId", "description": "Of the app." }));

    let report = &created.body["report"];
    assert_eq!(report["format"], "OpenAPI 3.1");
    assert_eq!(report["endpoints"], 1);
    let methods: Vec<&Value> = report["auth"].as_array().unwrap().iter().collect();
    assert_eq!(methods[0]["pointer"], "/components/securitySchemes/token");
    let traced = report["places"].as_array().unwrap().iter();
    let traced = traced.filter(|it| it["subject"] == "endpoint").collect::<Vec<_>>();
    assert_eq!((traced.len(), &traced[0]["line"]), (1, &json!(14)));

    let connection =
        json!({ "connector": "pet-store", "auth": "token", "credentials": { "token": "t2" } });
    operator.put("/v1/connections/pets", connection).await.is(201);
    let answer = gateway.get("/pets/7", "Attache-Connection: pets\r\n").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let received = upstream.request().await;
    assert_eq!(received.line(), "GET /v1/pets/7 HTTP/1.1");
    assert_eq!(received.field("authorization"), Some("Bearer t2"));
}

#[tokio::test]
async fn a_key_and_a_base_url_go_before_what_the_document_says() {
    let database = Database::sqlite();
    let gateway = Gateway::beside(&database, "connectors: { ours: { from: linear } }\n");
    let operator = gateway.operator();
    let document = swagger("pets.example");

    let path = format!("{IMPORT}?key=pets-eu&base_url=https%3A%2F%2Feu.pets.example%2Fv9");
    let created = operator.post_document(&path, JSON, &document).await.is(201).body;
    assert_eq!(created["connector"]["key"], "pets-eu");
    assert_eq!(created["connector"]["base_url"], "https://eu.pets.example/v9");

    operator.post_document(&path, JSON, &document).await.problem("already_exists");
    let declared = format!("{IMPORT}?key=ours");
    operator.post_document(&declared, JSON, &document).await.problem("declared_in_file");
    for query in ["key=A", "key=", "base_url=ftp%3A%2F%2Fa", "dry_run=1", "output=yaml"] {
        let path = format!("{IMPORT}?{query}");
        operator.post_document(&path, JSON, &document).await.problem("bad_request");
    }
    // Nothing is reached that a connector of that base URL could not reach.
    let inside = format!("{IMPORT}?key=inside&base_url=http%3A%2F%2F169.254.169.254%2F");
    let refused = operator.post_document(&inside, JSON, &document).await.problem("invalid");
    assert_eq!(refused.pointers(), ["/base_url"]);
}

#[tokio::test]
async fn what_is_no_description_is_refused_with_line_and_way_out() {
    let database = Database::sqlite();
    let gateway = Gateway::beside(&database, "egress: {}\n");
    let operator = gateway.operator();
    for (kind, document, pointer, problem) in [
        (JSON, "{\n\"openapi\": ]", "", "line 2, column 12: this is not JSON"),
        (YAML, "openapi: 3.0.0\ninfo: &a [*a]", "", "line 2, column 11: this alias"),
        (YAML, "a: 1\nopenapi: 9.1", "/openapi", "line 2: `openapi: 9.1` is a version"),
        (YAML, "info: {}\nopenapi: 3.0.0", "/info/title", "line 1: the document has no title"),
        (YAML, "- a", "", "line 1: the document is not a map"),
    ] {
        let refused = operator.post_document(IMPORT, kind, document).await.problem("invalid");
        let error = &refused.body["errors"][0];
        assert_eq!(error["pointer"], pointer, "{document}");
        assert!(error["problem"].as_str().unwrap().starts_with(problem), "{error}");
        assert_ne!(error["hint"], "", "{document}");
    }
    for kind in ["", "Content-Type: text/html\r\n", "Content-Type: application/jsonx\r\n"] {
        let refused = operator.post_document(IMPORT, kind, "{}").await;
        let detail = refused.problem("unsupported_media_type").text("detail").to_owned();
        assert!(detail.contains("application/json` or `application/yaml`"), "{detail}");
    }
    let body = operator.post("/v1/connectors", json!({ "key": "viewers" })).await.is(201);
    assert_eq!(body.body["key"], "viewers");
    let token = json!({ "key": "reader", "role": "viewer" });
    let token = operator.post("/v1/tokens", token).await.is(201);
    let reader = operator.with_token(token.text("token"));
    reader.post_document(IMPORT, JSON, "{}").await.problem("operator_forbidden");
    // A connector may be called as the path is: its document comes by POST alone.
    operator.put("/v1/connectors/import", json!({ "name": "Import" })).await.is(201);
    assert_eq!(operator.get("/v1/connectors/import").await.is(200).body["name"], "Import");
}

#[tokio::test]
async fn a_document_that_is_sent_again_under_its_key_is_imported_once() {
    let database = Database::sqlite();
    let gateway = Gateway::beside(&database, "egress: {}\n");
    let operator = gateway.operator();
    let once = format!("{JSON}Idempotency-Key: once\r\n");
    let document = swagger("pets.example");
    let first = operator.post_document(IMPORT, &once, &document).await.is(201);
    let again = operator.post_document(IMPORT, &once, &document).await.is(201);
    assert_eq!(
        (first.body, first.response.field("etag")),
        (again.body, again.response.field("etag"))
    );
    let other = swagger("cats.example");
    operator.post_document(IMPORT, &once, &other).await.problem("idempotency_key_reused");
}

#[tokio::test]
async fn one_document_is_read_at_a_time() {
    let database = Database::sqlite();
    let gateway = Gateway::beside(&database, "egress: {}\n");
    let operator = gateway.operator();
    let document = swagger("pets.example");
    let (half, rest) = document.split_at(document.len() / 2);
    let mut slow = RawClient::connect(gateway.admin).await;
    slow.send(operator.head(
        "POST",
        IMPORT,
        &format!("{JSON}Expect: 100-continue\r\n"),
        document.len(),
    ))
    .await;
    // It is its turn once it is told to go on.
    slow.bytes_until("100 Continue\r\n\r\n").await;
    slow.send(half).await;

    let turned_away = operator.post_document(IMPORT, JSON, &document).await;
    assert_eq!(turned_away.response.field("retry-after"), Some("1"));
    turned_away.problem("rate_limited");
    operator.get("/v1/connectors").await.is(200);

    slow.send(rest).await;
    assert_eq!(slow.response().await.expect("an answer").status, 201);
    operator.post_document(IMPORT, JSON, &document).await.problem("already_exists");
}

/// Whoever listens there sees nobody.
#[tokio::test]
async fn nothing_that_a_document_refers_to_is_ever_fetched_or_read() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a socket can be asked");
    let away = format!("http://{}", listener.local_addr().expect("it is bound"));
    let folder = TempDir::new().expect("a folder for temporary files");
    let secret = folder.path().join("secret.yaml");
    fs::write(&secret, "{ type: http, scheme: bearer, description: hunter2 }").unwrap();
    let secret = secret.display();
    let document = json!({
        "openapi": "3.1.0", "info": { "title": "Pets", "version": "1", "description": format!("${{file:{secret}}}") },
        "$schema": format!("{away}/schema"), "externalDocs": { "url": format!("{away}/docs") },
        "servers": [{ "url": format!("{away}/api") }],
        "components": { "securitySchemes": {
            "away": { "$ref": format!("{away}/token.yaml#/token") },
            "beside": { "$ref": "secret.yaml" },
            "file": { "$ref": format!("file://{secret}") },
            "absolute": { "$ref": secret.to_string() },
            "network": { "$ref": format!("//{}", away.trim_start_matches("http://")) },
            "oidc": { "type": "openIdConnect", "openIdConnectUrl": format!("{away}/.well-known/openid-configuration") },
            "oauth": { "type": "oauth2", "flows": { "clientCredentials": { "tokenUrl": format!("{away}/token"), "scopes": {} } } },
        } },
        "paths": {
            "/away": { "$ref": format!("{away}/paths.yaml") },
            "/pets": { "get": {} },
        },
    });
    let file = folder.path().join("pets.json");
    fs::write(&file, document.to_string()).unwrap();
    let made = import(&file, &[]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    let (definition, said) = (text(&made.stdout), text(&made.stderr));
    assert!(!definition.contains("hunter2") && !said.contains("hunter2"), "{definition}{said}");
    assert_eq!(said.matches("which is never fetched").count(), 6, "{said}");

    // What is made stays text where it is read as a configuration.
    let configuration = folder.path().join("made.yaml");
    fs::write(&configuration, &definition).unwrap();
    let path = configuration.to_str().unwrap();
    let checked = attache(&["config", "check", path]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));

    let database = Database::sqlite();
    let gateway = Gateway::beside(&database, "egress: { allow: [127.0.0.0/8] }\n");
    let operator = gateway.operator();
    let created = operator.post_document(IMPORT, JSON, &document.to_string()).await.is(201);
    assert!(!created.response.text().contains("hunter2"));

    let seen = listener.accept();
    assert!(seen.is_err_and(|it| it.kind() == std::io::ErrorKind::WouldBlock), "somebody came");
}

#[test]
fn the_command_says_what_is_wrong_in_which_line_and_what_to_do() {
    let folder = TempDir::new().expect("a folder for temporary files");
    let file = folder.path().join("pets.yaml");
    for (document, said) in [
        (
            "openapi: 3.0.0\ninfo: {title: Pets}\npaths: [\n",
            "attache: pets.yaml:4:1: this is neither JSON nor YAML: while parsing a node, did not find expected node content\n\
             \x20 save the document again, whole\n",
        ),
        (
            "info: {title: Pets}\nswagger: 1.2\n",
            "attache: pets.yaml:2: `swagger: 1.2` is a version that is not known\n\
             \x20 OpenAPI 3.0, 3.1, 3.2 and Swagger 2.0 can be imported\n",
        ),
        ("", "attache: pets.yaml: the document is empty\n  give an OpenAPI or Swagger document\n"),
    ] {
        fs::write(&file, document).unwrap();
        let refused = import(&file, &[]);
        assert_eq!(refused.status.code(), Some(1), "{document}");
        assert_eq!(text(&refused.stdout), "");
        let told = text(&refused.stderr).replace(file.to_str().unwrap(), "pets.yaml");
        assert_eq!(told, said);
    }
    let document = "openapi: 3.1.0
info: {title: Pets, version: 1}
servers: [{url: https://pets.example}]
components:
  securitySchemes:
    odd: {type: mystery}
paths:
  /pets:
    get: {}
";
    fs::write(&file, document).unwrap();
    let made = import(&file, &["--key", "our-pets"]);
    assert_eq!(made.status.code(), Some(0));
    assert_eq!(
        text(&made.stdout),
        "connectors:
  our-pets:
    name: Pets
    base_url: https://pets.example
    auth: {}
    endpoints:
      get-pets:
        method: GET
        path: /pets
"
    );
    assert_eq!(
        text(&made.stderr).replace(file.to_str().unwrap(), "pets.yaml"),
        "OpenAPI 3.1 as connector `our-pets`
  base URL   https://pets.example
  endpoints  1
pets.yaml:6: left out: the type `mystery` is not known
  at /components/securitySchemes/odd/type
  write a method for it
"
    );
    let report = import(&file, &["--dry-run", "--output", "json"]);
    let report: Value = serde_json::from_slice(&report.stdout).expect("it is JSON");
    assert_eq!(report["places"][0]["line"], 6);
    let wrong_base_url = import(&file, &["--base-url", "a.example"]);
    let said = text(&wrong_base_url.stderr);
    assert_eq!(wrong_base_url.status.code(), Some(2), "{said}");
    assert!(said.contains("--base-url") && !said.contains("pets.yaml"), "{said}");
    for wrong in [&["--key", "Our Pets"][..], &["--output", "xml"], &["--base-url"]] {
        assert_eq!(import(&file, wrong).status.code(), Some(2), "{wrong:?}");
    }
    assert_eq!(import(&folder.path().join("none.yaml"), &[]).status.code(), Some(1));
}

#[test]
fn a_document_has_no_say_over_the_terminal_that_shows_it() {
    let folder = TempDir::new().expect("a folder for temporary files");
    let file = folder.path().join("escapes.json");
    let escapes = "\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J";
    let document = json!({
        "openapi": "3.0.0", "info": { "title": "T", "version": escapes }, "servers": [{ "url": format!("https://a.example/{escapes}") }],
        "components": { "securitySchemes": { escapes: { "type": escapes } } },
        "paths": {
            format!("/{escapes}"): { "get": {}, "put": { "$ref": escapes } },
            "/x\nnote: all is well\u{202e}": { "trace": {} },
        },
    });
    for (document, code) in
        [(document.to_string(), 0), ("openapi: \"\\e[31m\\a4.0\"".to_owned(), 1)]
    {
        fs::write(&file, document).expect("a fresh folder takes files");
        let made = import(&file, &[]);
        let shown = text(&made.stdout) + &text(&made.stderr);
        assert_eq!(made.status.code(), Some(code), "{shown}");
        let raw = |it: char| it.is_control() && it != '\n' || it == '\u{202e}';
        assert!(!shown.contains(raw), "{}", shown.escape_debug());
        assert!(!shown.contains("\nnote:"), "{shown}");
    }
}

/// A document of 32 MiB, nearly all of which is in its middle.
fn vast(before: &str, piece: &str, after: &str) -> String {
    let count = (DOCUMENT_LEN_MAX - before.len() - after.len()) / piece.len();
    [before, &piece.repeat(count), after].concat()
}

#[tokio::test]
async fn the_longest_documents_take_little_more_memory_than_their_own_text() {
    let database = Database::sqlite();
    let process = Process::beside(&database, "egress: {}\n").await;
    let operator = crate::support::Operator::at(process.admin);
    operator.post_document(IMPORT, JSON, &swagger("pets.example")).await.is(201);
    let before = process.resident_kib("VmHWM");
    let head = r#"{"openapi": "3.0.0", "info": {"title": "Vast", "version": "1"}, "#;
    let schemas = vast(
        &format!(r#"{head} "components": {{"schemas": {{"#),
        r#""a": {"type": "object", "properties": {"b": [1, 2, {"c": "x"}]}},"#,
        r#""z": {}}}, "paths": {"/a": {"get": {}}}}"#,
    );
    let created = operator.post_document(IMPORT, JSON, &schemas).await.is(201);
    assert_eq!(created.body["report"]["endpoints"], 1);
    let nested = vast(&format!("{head} \"x-a\": "), "[", "");
    operator.post_document(IMPORT, JSON, &nested).await.problem("invalid");
    // As much as is kept at most, and more of it than that.
    let kept = vast(&format!("{head} \"servers\": ["), "{},", "{}]}");
    let refused = operator.post_document(IMPORT, JSON, &kept).await.problem("invalid");
    assert!(refused.text("detail").contains("than are read"), "{}", refused.body);
    let laughs = vast(
        "openapi: 3.0.0\ninfo: {title: Laughs}\nx-a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\nservers:\n",
        "- *a\n",
        "",
    );
    operator.post_document(IMPORT, YAML, &laughs).await.problem("invalid");
    let long = format!("{schemas}{}", " ".repeat(100 << 10));
    operator.post_document(IMPORT, JSON, &long).await.problem("body_too_large");

    let took = process.resident_kib("VmHWM") - before;
    assert!(took < MEMORY_KIB, "{took} KiB more than before were resident");
    operator.get("/v1/connectors/vast").await.is(200);
}

#[tokio::test]
async fn long_names_take_no_more_memory_for_being_in_the_name_of_many_places() {
    let database = Database::sqlite();
    let process = Process::beside(&database, "egress: {}\n").await;
    let operator = crate::support::Operator::at(process.admin);
    operator.post_document(IMPORT, JSON, &swagger("pets.example")).await.is(201);
    let before = process.resident_kib("VmHWM");
    let head = r#"{"openapi": "3.0.0", "info": {"title": "Vast", "version": "1"}, "#;
    let name = "n".repeat(10 << 20);
    let operations = r#"{"get":{},"put":{},"post":{},"delete":{},"head":{},"patch":{},"trace":{}}"#;
    let named = format!(r#"{head} "paths": {{"/{name}": {operations}}}}}"#);
    let refused = operator.post_document(IMPORT, JSON, &named).await.problem("invalid");
    assert!(refused.text("detail").contains("is longer than any"), "{}", refused.body);
    let name = "~".repeat(1_000);
    let paths = (0..5_000).map(|it| format!(r#""/{it}{name}": {operations},"#)).collect::<String>();
    let named = format!(r#"{head} "servers": [], "paths": {{{paths} "/a": {{}}}}}}"#);
    let dry = format!("{IMPORT}?dry_run=true&key=named");
    let made = operator.post_document(&dry, JSON, &named).await.is(200);
    assert!(made.body["report"].to_string().len() < 2 << 20);
    let took = process.resident_kib("VmHWM") - before;
    assert!(took < MEMORY_KIB, "{took} KiB more than before were resident");
}

#[tokio::test]
async fn the_command_creates_it_at_a_server_where_it_is_told_to() {
    let database = Database::sqlite();
    let process = Process::beside(&database, "egress: {}\n").await;
    let shell = Shell::of(&process);
    let document = swagger("pets.example");
    let preview = shell.fed("attache connector import - --create --dry-run", &document).await.is(0);
    assert_eq!(preview.out, "");
    preview.says(&["Swagger 2.0 as connector `old-pets`", "base URL   http://pets.example/old"]);
    shell.run("attache connector get old-pets").await.is(1).says(&["not_found"]);
    let made = shell.fed("attache connector import - --create --key pets", &document).await.is(0);
    assert!(made.out.contains("key: pets\n"), "{}", made.out);
    made.says(&["-:1: note: the base URL has no https"]);
    shell.run("attache connector get pets").await.is(0);
    let again = shell.fed("attache connector import - --create --key pets", &document).await;
    again.is(1).says(&["already_exists"]);
    let json = shell.fed("attache connector import - --create -o json", &document).await.is(0);
    assert_eq!(json.json()["report"]["endpoints"], 1);
    let broken = shell.fed("attache connector import - --create", "openapi: 3.0.0\nx: [").await;
    broken
        .is(2)
        .says(&["line 3, column 1: this is neither JSON nor YAML", "save the document again"]);
}
