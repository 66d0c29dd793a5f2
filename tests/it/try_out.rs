//! Requests that operators try out: what callers would get, what went upstream, and never a credential.
use crate::support::CALLER_KEY;
use crate::support::ClosedPort;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Reply;
use crate::support::Says;
use crate::support::Script;
use crate::support::aws;
use crate::support::each_engine;
use crate::support::raw_request;
use attache::upstream::Resolver;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use serde_json::json;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Notify;

const ALLOWED: &str = "egress: { allow: [127.0.0.0/8] }\n";

/// Sends it with these members beside the connection's path.
async fn tried(operator: &Operator, more: Value) -> Reply {
    let mut wanted = json!({ "path": "/me?x=1" });
    for (name, value) in more.as_object().unwrap() {
        wanted[name] = value.clone();
    }
    operator.post("/v1/try", wanted).await
}

/// The answer that any API could give to any request: this body.
fn saying(body: impl AsRef<[u8]>) -> Script {
    let body = body.as_ref();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    Script::answer([answer.as_bytes(), body].concat())
}

/// Looks for each secret in each byte that was answered.
#[track_caller]
fn is_without(reply: &Reply, secrets: &[&str]) {
    let whole = reply.response.text();
    for secret in secrets {
        assert!(!whole.contains(secret), "{secret} is in {whole}");
    }
}

/// The field of this name that went upstream.
#[track_caller]
fn field(reply: &Reply, name: &str) -> Value {
    let fields = reply.body["sent"]["headers"].as_array().expect("it was sent");
    fields.iter().find(|it| it["name"] == name).cloned().unwrap_or_default()
}

#[tokio::test]
async fn each_place_of_a_credential_is_told_and_no_credential_shown() {
    let (basic, veil) = (BASE64_STANDARD.encode("user:s3cret-password"), "•••• (16 to 63 bytes)");
    for (connection, spellings, sent, value) in [
        ("header", &["s3cret-in-header"][..], ("x-api-key", "s3cret-in-header"), veil),
        ("query", &["s3cret in&query", "s3cret%20in%26query"], ("", ""), ""),
        ("cookie", &["s3cret-in-cookie"], ("cookie", "session=s3cret-in-cookie; theirs=1"), ""),
        (
            "basic",
            &["s3cret-password", &basic],
            ("authorization", &format!("Basic {basic}")),
            "Basic •••• (16 to 63 bytes)",
        ),
        (
            "bearer",
            &["s3cret-token"],
            ("authorization", "Bearer s3cret-token"),
            "Bearer •••• (under 16 bytes)",
        ),
        ("custom", &["s3cret-id", "s3cret-sig"], ("x-id", "s3cret-id"), "•••• (under 16 bytes)"),
    ] {
        let body = format!("it was {}", spellings.join(" and "));
        let answer = format!(
            "HTTP/1.1 200 OK\r\nX-Echo: {}\r\nX-Other: plain\r\nContent-Length: {}\r\n\r\n{body}",
            spellings.join("+"),
            body.len()
        );
        let upstream = RawUpstream::start([Script::answer(answer)]).await;
        let gateway = Gateway::to(&upstream);
        let headers = json!([["Cookie", "theirs=1"], ["X-Mine", "2"]]);
        let reply =
            tried(&gateway.operator(), json!({ "connection": connection, "headers": headers }))
                .await
                .is(200);
        is_without(&reply, spellings);
        let received = upstream.request().await;
        let (name, real) = sent;
        if !name.is_empty() {
            assert_eq!(
                received.field(name),
                Some(real),
                "{connection}: the real one goes upstream"
            );
        }
        assert_eq!(reply.body["status"], 200, "{connection}");
        assert_eq!(
            field(&reply, "x-mine"),
            json!({ "name": "x-mine", "value": "2", "injected": false, "redacted": false })
        );
        assert_eq!(field(&reply, "host")["injected"], true);
        let marks = spellings.iter().map(|_| "••••").collect::<Vec<_>>();
        assert_eq!(reply.body["body"], format!("it was {}", marks.join(" and ")), "{connection}");
        let echo = json!(["x-echo", marks.join("+")]);
        assert!(
            reply.body["headers"].as_array().unwrap().contains(&echo),
            "{}",
            reply.body["headers"]
        );
        assert!(reply.body["headers"].as_array().unwrap().contains(&json!(["x-other", "plain"])));
        if !value.is_empty() {
            let injected =
                json!({ "name": name, "value": value, "injected": true, "redacted": true });
            assert_eq!(field(&reply, name), injected, "{connection}");
        }
        let url = reply.body["sent"]["url"].as_str().unwrap();
        match connection {
            "query" => assert_eq!(url, format!("{}/base/me?x=1&api_key=••••", upstream.url())),
            "custom" => assert_eq!(url, format!("{}/base/me?x=1&sig=••••", upstream.url())),
            _ => assert_eq!(url, format!("{}/base/me?x=1", upstream.url())),
        }
        if connection == "cookie" {
            let cookie = field(&reply, "cookie");
            assert_eq!(cookie["value"], "session=••••; theirs=1");
            assert_eq!((&cookie["injected"], &cookie["redacted"]), (&json!(true), &json!(true)));
        } else {
            assert_eq!(field(&reply, "cookie")["value"], "theirs=1");
        }
    }
}

#[tokio::test]
async fn it_is_one_exchange_like_any_other_and_is_logged_as_one() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::to(&upstream);
    let wanted = json!({ "environment": "production", "connector": "main", "method": "POST", "body": "{\"a\":1}",
        "headers": [["Content-Type", "application/json"]], "path": "things" });
    let reply = tried(&gateway.operator(), wanted).await.is(200);
    let received = upstream.request().await;
    assert_eq!(received.line(), "POST /base/things HTTP/1.1");
    assert_eq!(received.body, b"{\"a\":1}");
    assert_eq!(received.field("accept-encoding"), Some("identity"));
    assert_eq!(reply.body["http_version"], "1.1");
    assert_eq!((&reply.body["body"], &reply.body["bytes"]), (&json!("hi"), &json!(2)));
    assert_eq!(reply.body["truncated"], false);
    let exchange = &reply.body["exchange"];
    for (name, value) in [
        ("caller", json!("console")),
        ("connection", json!("header")),
        ("environment", json!("production")),
        ("connector", json!("api")),
        ("path", json!("/things")),
        ("status", json!(200)),
        ("bytes_in", json!(7)),
        ("bytes_out", json!(2)),
        ("attempts", json!(1)),
        ("error_source", Value::Null),
    ] {
        assert_eq!(exchange[name], value, "{name}");
    }
    assert_eq!(exchange["request_id"], reply.body["request_id"]);
    let curl = reply.text("curl");
    let begins =
        format!("curl -X POST 'http://{}/things' -H \"Attache-Key: $ATTACHE_KEY\"", gateway.proxy);
    assert!(curl.starts_with(&begins), "{curl}");
    let logged = gateway.stop();
    assert_eq!(logged.len(), 1);
    assert_eq!(&logged[0], exchange, "what is shown is what is logged");
}

#[tokio::test]
async fn what_callers_are_refused_is_refused_here_by_the_same_code() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::to(&upstream);
    let operator = gateway.operator();
    for (more, status, code) in [
        (json!({ "connection": "nobody-knows" }), 404, "connection_not_found"),
        (json!({ "connection": "off" }), 403, "connection_disabled"),
        (json!({ "connection": "many" }), 400, "tenant_required"),
        (json!({ "connection": "many", "tenant": "globex" }), 404, "activation_not_found"),
        (json!({ "connection": "none-yet", "test": true }), 404, "activation_not_found"),
        (json!({ "connection": "none-yet", "tenant": "acme" }), 409, "embedded_not_activated"),
        (json!({ "connection": "header", "path": "/../up" }), 400, "path_escapes_base"),
        (json!({ "connection": "header", "method": "TRACE" }), 405, "method_not_allowed"),
    ] {
        let reply = tried(&operator, more.clone()).await.is(200);
        assert_eq!(reply.body["error"]["code"], code, "{more}: {}", reply.body);
        assert_eq!(reply.body["status"], status, "{more}");
        assert!(!reply.body["error"]["detail"].as_str().unwrap().is_empty(), "{more}");
        assert_eq!(reply.body["sent"], Value::Null, "{more}");
        assert_eq!(reply.body["exchange"]["error_code"], code, "{more}");
    }
    assert!(upstream.request_so_far().await.is_none());
}

#[tokio::test]
async fn a_tenant_s_and_the_test_credentials_go_on_it() {
    let upstream = RawUpstream::start([Script::ok("s3cret-of-acme s3cret-of-tests")]).await;
    let gateway = Gateway::to(&upstream);
    let operator = gateway.operator();
    for (more, key, body) in [
        (json!({ "tenant": "acme" }), "s3cret-of-acme", "•••• s3cret-of-tests"),
        (json!({ "test": true }), "s3cret-of-tests", "s3cret-of-acme ••••"),
    ] {
        let mut wanted = more.clone();
        wanted["connection"] = "many".into();
        let reply = tried(&operator, wanted).await.is(200);
        assert_eq!(upstream.request().await.field("x-api-key"), Some(key));
        // Only what went on this request is looked for: the other never was near it.
        assert_eq!(reply.body["body"], body);
        assert_eq!(reply.body["exchange"]["tenant"], more["tenant"]);
    }
}

#[tokio::test]
async fn an_upstream_that_can_not_be_reached_or_is_late_is_told_as_callers_are() {
    let closed = ClosedPort::reserve();
    let gateway = Gateway::start(&Gateway::usual(&closed.url()));
    let reply = tried(&gateway.operator(), json!({ "connection": "header" })).await.is(200);
    assert_eq!(reply.body["error"]["code"], "upstream_connect");
    assert_eq!((&reply.body["status"], &reply.body["sent"]), (&json!(502), &Value::Null));

    let guarded = Gateway::usual("http://10.0.0.1").replace("egress:", "# egress:");
    let gateway = Gateway::start(&guarded);
    let reply = tried(&gateway.operator(), json!({ "connection": "header" })).await.is(200);
    assert_eq!(reply.body["error"]["code"], "destination_forbidden");
    assert!(reply.body["error"]["detail"].as_str().unwrap().contains("egress.allow"));
    assert_eq!(reply.body["sent"], Value::Null);

    let never = Arc::new(Notify::new());
    let upstream = RawUpstream::start([Script::new().read_request().wait(&never)]).await;
    let gateway = Gateway::to(&upstream);
    let late = json!({ "connection": "header", "timeout": "300ms" });
    let reply = tried(&gateway.operator(), late).await.is(200);
    assert_eq!(reply.body["error"]["code"], "upstream_timeout");
    assert_eq!(reply.body["status"], 504);
    assert_eq!(field(&reply, "x-api-key")["redacted"], true, "it was sent");
}

#[tokio::test]
async fn an_answer_s_body_is_kept_up_to_a_bound_and_shown_as_what_it_is() {
    const MIB: usize = 1 << 20;
    let long = "a".repeat(MIB - 8) + "s3cret-in-header" + &"b".repeat(MIB / 2);
    let upstream = RawUpstream::start([saying(&long)]).await;
    let reply =
        tried(&Gateway::to(&upstream).operator(), json!({ "connection": "header" })).await.is(200);
    is_without(&reply, &["s3cret-i", "s3cret"]);
    assert_eq!(reply.body["truncated"], true);
    assert_eq!(reply.body["bytes"], long.len());
    let kept = reply.text("body");
    assert!(kept.len() <= MIB && kept.len() > MIB - 12, "{}", kept.len());
    assert!(kept.starts_with("aaaa"));

    let upstream = RawUpstream::start([saying(b"\xff\xfe s3cret-in-header")]).await;
    let reply =
        tried(&Gateway::to(&upstream).operator(), json!({ "connection": "header" })).await.is(200);
    assert_eq!(reply.body["body"], Value::Null);
    let shown = BASE64_STANDARD.decode(reply.text("body_base64")).unwrap();
    assert_eq!(shown, [b"\xff\xfe ".as_slice(), "••••".as_bytes()].concat());

    let packed = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nzip";
    let upstream = RawUpstream::start([Script::answer(packed)]).await;
    let gateway = Gateway::to(&upstream);
    let reply = tried(&gateway.operator(), json!({ "connection": "header" })).await.is(200);
    assert_eq!((&reply.body["body"], &reply.body["bytes"]), (&Value::Null, &json!(3)));
    assert!(reply.text("withheld").contains("compressed"));
    let reply = tried(&gateway.operator(), json!({ "connection": "open" })).await.is(200);
    assert_eq!(reply.body["body"], "zip", "there is no credential that could be in it");

    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf";
    let upstream = RawUpstream::start([Script::new().read_request().write(cut)]).await;
    let reply =
        tried(&Gateway::to(&upstream).operator(), json!({ "connection": "header" })).await.is(200);
    assert_eq!((&reply.body["body"], &reply.body["truncated"]), (&json!("half"), &json!(true)));

    let within = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf of s3cret-in-he";
    let upstream = RawUpstream::start([Script::new().read_request().write(within)]).await;
    let reply =
        tried(&Gateway::to(&upstream).operator(), json!({ "connection": "header" })).await.is(200);
    is_without(&reply, &["s3cret"]);
    assert_eq!(reply.body["body"], "half of ");
}

#[tokio::test]
async fn whoever_guesses_a_credential_is_not_told_by_the_url_that_was_sent() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::to(&upstream);
    let guess = json!({ "connection": "header", "path": "/s3cret-in-header/me" });
    let reply = tried(&gateway.operator(), guess).await.is(200);
    assert_eq!(upstream.request().await.line(), "GET /base/s3cret-in-header/me HTTP/1.1");
    assert_eq!(reply.body["sent"]["url"], format!("{}/base/••••/me", upstream.url()));
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_and_neither_is_shown() {
    let no = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n";
    let yes = "tell: the-first-token, the-next-token";
    let yes = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{yes}", yes.len());
    let once = Script::new().read_request().write(no).read_request().write(yes).again();
    let upstream = RawUpstream::start([once]).await;
    let provider = Provider::start(["the-first-token", "the-next-token"].map(Says::token)).await;
    let gateway = Gateway::start(&format!(
        "{ALLOWED}connectors:
  api:
    base_url: {}
    auth: {{ m: {{ oauth2: {{ grant: client_credentials, token_url: {}/token }} }} }}
connections:
  api: {{ connector: api, auth: m, credentials: {{ client_id: app, client_secret: hush-hush }} }}
",
        upstream.url(),
        provider.url()
    ));
    let reply = tried(&gateway.operator(), json!({ "connection": "api" })).await.is(200);
    is_without(&reply, &["the-first-token", "the-next-token", "hush-hush"]);
    let sent = [upstream.request().await, upstream.request().await];
    let tokens = sent.each_ref().map(|it| it.field("authorization").unwrap().to_owned());
    assert_eq!(tokens, ["Bearer the-first-token", "Bearer the-next-token"]);
    assert_eq!(reply.body["body"], "tell: ••••, ••••");
    assert_eq!(reply.body["exchange"]["attempts"], 2);
    assert_eq!(field(&reply, "authorization")["value"], "Bearer •••• (under 16 bytes)");
}

#[tokio::test]
async fn of_a_signature_only_its_kind_is_shown() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::start(&format!(
        "{ALLOWED}connectors:
  api:
    base_url: {}
    auth: {{ m: {{ aws_sigv4: {{ service: s3, region: eu-west-1 }} }} }}
connections:
  api:
    connector: api
    auth: m
    credentials: {{ access_key_id: {}, secret_access_key: {} }}
",
        upstream.url(),
        aws::KEY_ID,
        aws::SECRET
    ));
    let wanted = json!({ "connection": "api", "method": "PUT", "body": "data" });
    let reply = tried(&gateway.operator(), wanted).await.is(200);
    let received = upstream.request().await;
    assert!(aws::Signed::received(&received, aws::SECRET).is_right());
    let signature = received.field("authorization").unwrap().rsplit('=').next().unwrap().to_owned();
    is_without(&reply, &[aws::KEY_ID, aws::SECRET, &signature]);
    let authorization = field(&reply, "authorization");
    assert_eq!(authorization["value"], "AWS4-HMAC-SHA256 •••• (64 to 255 bytes)");
    assert_eq!(field(&reply, "x-amz-content-sha256")["redacted"], true);
}

#[tokio::test]
async fn nobody_is_the_console_from_outside() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::to(&upstream);
    for fields in [
        "Attache-Key: console\r\n",
        "Attache-Key: console-console-console\r\n",
        "Proxy-Authorization: Bearer console\r\n",
        "Authorization: Bearer console-console\r\n",
        "",
    ] {
        let request = format!(
            "GET /me HTTP/1.1\r\nHost: console\r\nAttache-Connection: header\r\n{fields}\r\n"
        );
        let refused = raw_request(gateway.proxy, request).await;
        assert_eq!(refused.code().as_deref(), Some("caller_unauthenticated"), "{fields}");
        let path = format!("GET /c/header/me HTTP/1.1\r\nHost: console\r\n{fields}\r\n");
        assert_eq!(raw_request(gateway.proxy, path).await.status, 401, "{fields}");
    }
    let caller = format!(
        "Attache-Caller: console\r\nAttache-Connection: header\r\nAttache-Key: {CALLER_KEY}\r\n"
    );
    let refused =
        raw_request(gateway.proxy, format!("GET /me HTTP/1.1\r\nHost: x\r\n{caller}\r\n")).await;
    assert_eq!(refused.status, 400);
    assert!(upstream.request_so_far().await.is_none());
    for line in gateway.stop() {
        assert_ne!(line["caller"], "console");
    }
}

#[tokio::test]
async fn only_so_many_are_tried_at_the_same_time() {
    let gates: Vec<_> = (0..8).map(|_| Arc::new(Notify::new())).collect();
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let slow = |gate: &Arc<Notify>| Script::new().read_request().wait(gate).write(ok);
    let upstream = RawUpstream::start(gates.iter().map(slow)).await;
    let gateway = Gateway::to(&upstream);
    let operator = gateway.operator();
    let waiting: Vec<_> = (0..8)
        .map(|_| {
            let operator = operator.clone();
            tokio::spawn(async move { tried(&operator, json!({ "connection": "header" })).await })
        })
        .collect();
    for _ in 0..8 {
        upstream.request().await;
    }
    tried(&operator, json!({ "connection": "header" })).await.is(429).problem("rate_limited");
    gates.iter().for_each(|it| it.notify_one());
    for it in waiting {
        it.await.unwrap().is(200);
    }
}

each_engine! {
    async fn the_trail_has_who_tried_what_and_viewers_do_not(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, &Gateway::usual(&upstream.url()));
        let operator = gateway.operator();
        let named = async |role: &str| {
            let made = operator.post("/v1/tokens", json!({ "key": role, "role": role })).await.is(201);
            operator.with_token(made.text("token"))
        };
        let wanted = json!({ "connection": "many", "tenant": "acme", "path": "/me?secret=1", "method": "DELETE" });
        let viewer = named("viewer").await;
        tried(&viewer, wanted.clone()).await.is(403).problem("operator_forbidden");
        let check = json!({ "base_url": upstream.url() });
        viewer.post("/v1/check_base_url", check).await.is(403).problem("operator_forbidden");
        assert!(upstream.request_so_far().await.is_none());
        tried(&named("operator").await, wanted).await.is(200);
        upstream.request().await;
        let entries = operator.get("/v1/audit?kind=connection").await.is(200).body["items"].clone();
        let tried = entries.as_array().unwrap().iter().filter(|it| it["act"] == "tried");
        let tried: Vec<_> = tried.collect();
        // Before it is sent, and when it is known what came of it.
        let [first, second] = &tried[..] else { panic!("{entries}") };
        let (before, after) = if first["after"]["status"].is_null() { (first, second) } else { (second, first) };
        for entry in [before, after] {
            assert_eq!(entry["who"], "operator operator");
            assert_eq!((&entry["key"], &entry["tenant"]), (&json!("many"), &json!("acme")));
            assert!(!entry.to_string().contains("secret"));
        }
        assert_eq!(before["after"], json!({ "method": "DELETE", "path": "/me", "test": false }));
        assert_eq!(after["after"], json!({ "method": "DELETE", "path": "/me", "status": 200, "test": false }));
    }

    async fn what_can_not_be_entered_in_the_trail_is_not_sent(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, &Gateway::usual(&upstream.url()));
        database.run("ALTER TABLE audit RENAME TO audit_away").await;
        let refused = tried(&gateway.operator(), json!({ "connection": "header" })).await;
        assert!(refused.status >= 500, "{}", refused.response.text());
        assert!(refused.text("detail").contains("was not sent"), "{}", refused.body);
        assert!(upstream.request_so_far().await.is_none());
        database.run("ALTER TABLE audit_away RENAME TO audit").await;
        tried(&gateway.operator(), json!({ "connection": "header" })).await.is(200);
    }
}

/// A gateway with a connector whose own networks may be reached, where no other may.
fn checking(url: &str) -> Gateway {
    Gateway::start(&connector(url))
}

fn connector(url: &str) -> String {
    format!(
        "connectors:
  saved:
    base_url: {url}
    egress: {{ allow: [127.0.0.0/8] }}
    auth: {{ open: {{ none: {{}} }} }}
connections:
  saved: {{ connector: saved, auth: open }}
"
    )
}

#[tokio::test]
async fn a_base_url_is_asked_without_a_credential_and_redirects_are_not_followed() {
    let elsewhere = RawUpstream::start([Script::ok("no")]).await;
    let moved = format!(
        "HTTP/1.1 302 Found\r\nLocation: {}/x\r\nContent-Length: 0\r\n\r\n",
        elsewhere.url()
    );
    let upstream = RawUpstream::start([Script::answer(moved)]).await;
    let gateway = checking(&upstream.url());
    let base_url = format!("{}/{{version}}", upstream.url());
    let wanted =
        json!({ "base_url": base_url, "connector": "saved", "variables": { "version": "v2" } });
    let reply = gateway.operator().post("/v1/check_base_url", wanted).await.is(200);
    assert_eq!((&reply.body["reachable"], &reply.body["status"]), (&json!(true), &json!(302)));
    assert!(reply.text("hint").contains("sends elsewhere"));
    assert!(reply.body["ms"].is_u64());
    let asked = upstream.request().await;
    assert_eq!(asked.line(), "GET /v2 HTTP/1.1");
    for name in ["authorization", "cookie", "x-api-key"] {
        assert_eq!(asked.field(name), None);
    }
    assert!(elsewhere.request_so_far().await.is_none());
    assert!(!reply.response.text().contains(&elsewhere.url()));
}

#[tokio::test]
async fn what_is_wrong_with_a_base_url_is_told_in_words() {
    let closed = ClosedPort::reserve();
    let never = RawUpstream::start([Script::answer("what\r\n\r\n")]).await;
    let file = connector(&never.url());
    let nobody = Resolver::Scripted(Arc::new(|_: &str| -> Vec<IpAddr> { Vec::new() }));
    let gateway = Gateway::try_resolving(&file, "", nobody).expect("it starts");
    let operator = gateway.operator();
    for (wanted, problem, hint) in [
        (json!({ "base_url": closed.url(), "connector": "saved" }), "Nothing listens", "port"),
        (json!({ "base_url": never.url(), "connector": "saved" }), "not HTTP", "https://"),
        (json!({ "base_url": never.url() }), "loopback", "egress.allow"),
        (json!({ "base_url": "http://10.1.2.3", "connector": "saved" }), "private", "egress.allow"),
        (json!({ "base_url": "https://nowhere.invalid" }), "DNS", "spelling"),
    ] {
        let reply = operator.post("/v1/check_base_url", wanted.clone()).await.is(200);
        assert_eq!(reply.body["reachable"], false, "{wanted}");
        assert!(reply.text("problem").contains(problem), "{wanted}: {}", reply.body);
        assert!(reply.text("hint").contains(hint), "{wanted}: {}", reply.body);
    }
    for (wanted, at) in [
        (json!({ "base_url": "ftp://x.example" }), "/base_url"),
        (json!({ "base_url": "https://{a}.example.com" }), "/variables"),
        (json!({ "base_url": "https://x.example", "connector": "new" }), "/connector"),
    ] {
        let refused = operator.post("/v1/check_base_url", wanted.clone()).await.is(422);
        assert_eq!(refused.pointers(), [at], "{wanted}");
    }
}
