//! Tokens that a request needs and nobody has yet: had once, put on, kept, and what is said where there is none.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::Process;
use crate::support::Provider;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Says;
use crate::support::Script;
use crate::support::raw_request;
use crate::support::soon;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use std::fs;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::JoinSet;

const SECRET: &str = "s3cret of the app/+:%";

/// A connection `crm` whose method is this, with these credentials, in front of the upstream.
fn crm_by(upstream: &str, method: &str, credentials: &str) -> String {
    format!(
        "egress: {{ allow: [127.0.0.0/8] }}
connectors:
  api:
    base_url: {upstream}
    auth:
      m: {{ {method} }}
connections:
  crm: {{ connector: api, auth: m, credentials: {{ {credentials} }} }}
"
    )
}

/// By `client_credentials`, as most of these tests have it.
fn crm(upstream: &str, provider: &str) -> String {
    let method = format!(
        "oauth2: {{ grant: client_credentials, token_url: {provider}/token, scopes: [read] }}"
    );
    crm_by(upstream, &method, &format!("client_id: app, client_secret: \"{SECRET}\""))
}

struct Scene {
    upstream: RawUpstream,
    provider: Provider,
    gateway: Gateway,
}

impl Scene {
    async fn saying(says: impl IntoIterator<Item = Says>) -> Self {
        Self::of(says, crm).await
    }

    async fn of(
        says: impl IntoIterator<Item = Says>,
        configuration: impl Fn(&str, &str) -> String,
    ) -> Self {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let provider = Provider::start(says).await;
        let gateway = Gateway::start(&configuration(&upstream.url(), provider.url()));
        Self { upstream, provider, gateway }
    }

    async fn ask(&self, fields: &str) -> Response {
        self.gateway.get("/c/crm/thing", fields).await
    }

    /// What the upstream saw of the credential.
    async fn sent(&self) -> String {
        self.upstream.request().await.field("authorization").unwrap_or_default().to_owned()
    }
}

#[tokio::test]
async fn a_request_waits_for_its_token_and_the_next_one_has_it() {
    let scene = Scene::saying([Says::token("t0ken")]).await;
    for _ in 0..3 {
        assert_eq!(scene.ask("").await.status, 200);
        assert_eq!(scene.sent().await, "Bearer t0ken");
    }
    let asked = scene.provider.asked_once();
    assert_eq!(asked.line(), "POST /token");
    assert_eq!(asked.parameter("grant_type").as_deref(), Some("client_credentials"));
    assert_eq!(asked.parameter("scope").as_deref(), Some("read"));
    // RFC 6749 §2.3.1: both halves are form-encoded first.
    assert_eq!(asked.basic().as_deref(), Some("app:s3cret+of+the+app%2F%2B%3A%25"));
    let metrics = scene.gateway.admin("/metrics").await.text();
    assert!(metrics.contains("attache_token_renewals_total{outcome=\"token\"} 1"), "{metrics}");
}

#[tokio::test]
async fn a_token_without_an_end_is_kept() {
    let scene = Scene::saying([Says::json(json!({ "access_token": "t" }))]).await;
    for _ in 0..3 {
        assert_eq!(scene.ask("").await.status, 200);
    }
    scene.provider.asked_once();
}

#[tokio::test]
async fn each_client_authentication_is_what_the_provider_is_shown() {
    let key = rcgen::KeyPair::generate().expect("keys can be made").serialize_pem();
    let key = key.replace('\n', "\\n");
    for (settings, fields, shown) in [
        ("client_auth: basic", "client_secret: hush-hush", "basic app:hush-hush"),
        ("client_auth: body", "client_secret: hush-hush", "client_secret hush-hush"),
        ("client_auth: none", "", "client_id app"),
        (
            "client_auth: client_secret_jwt",
            "client_secret: hush-hush-hush-hush-hush-hush-hush",
            "client_assertion eyJ",
        ),
        (
            "client_auth: private_key_jwt, assertion: { algorithm: ES256 }",
            &*format!("private_key: \"{key}\""),
            "client_assertion eyJ",
        ),
    ] {
        let scene = Scene::of([Says::token("t")], |upstream, provider| {
            let method = format!(
                "oauth2: {{ grant: client_credentials, token_url: {provider}/token, {settings} }}"
            );
            crm_by(upstream, &method, &format!("client_id: app, {fields}"))
        })
        .await;
        let answer = scene.ask("").await;
        assert_eq!(answer.status, 200, "{settings}: {answer:?}");
        let asked = scene.provider.asked_once();
        let (name, value) = shown.split_once(' ').unwrap();
        let found = if name == "basic" { asked.basic() } else { asked.parameter(name) };
        assert!(found.is_some_and(|it| it.starts_with(value)), "{settings}: {asked:?}");
    }
}

#[tokio::test]
async fn each_grant_that_is_made_anew_has_its_token() {
    let key = rcgen::KeyPair::generate().expect("keys can be made").serialize_pem();
    let key = key.replace('\n', "\\n");
    let app = "client_id: app, client_secret: hush-hush";
    for (method, fields, line, parameter) in [
        (
            "oauth2: { grant: password, token_url: PROVIDER/token }",
            &*format!("{app}, username: ann, password: hunter22"),
            "POST /token",
            ("password", "hunter22"),
        ),
        (
            "oauth2: { grant: jwt_bearer, token_url: PROVIDER/token, client_auth: none, assertion: { algorithm: ES256, issuer: \"{client_email}\" } }",
            &*format!("client_email: robot@example.com, private_key: \"{key}\""),
            "POST /token",
            ("assertion", "eyJ"),
        ),
        (
            "oauth2: { grant: token_exchange, token_url: PROVIDER/token }",
            &*format!("{app}, subject_token: of-the-subject"),
            "POST /token",
            ("subject_token", "of-the-subject"),
        ),
        (
            "oauth2: { grant: github_app, token_url: \"PROVIDER/app/installations/{installation_id}/access_tokens\", reply: { access_token: /token }, assertion: { algorithm: ES256 } }",
            &*format!("app_id: \"7\", installation_id: \"42\", private_key: \"{key}\""),
            "POST /app/installations/42/access_tokens",
            ("", ""),
        ),
        (
            "oauth2: { grant: refresh_token, token_url: PROVIDER/token, refresh: { rotates: false } }",
            &*format!("{app}, refresh_token: had-elsewhere"),
            "POST /token",
            ("refresh_token", "had-elsewhere"),
        ),
        (
            "oauth2: { grant: client_credentials, token_url: \"PROVIDER/token?tenant={account}\", token_method: GET, client_auth: body }",
            &*format!("{app}, account: acme"),
            "GET /token?tenant=acme&grant_type=client_credentials&client_id=app&client_secret=hush-hush",
            ("tenant", "acme"),
        ),
    ] {
        let says = Says::json(json!({ "access_token": "t", "token": "t", "expires_in": 60 }));
        let scene = Scene::of([says], |upstream, provider| {
            crm_by(upstream, &method.replace("PROVIDER", provider), fields)
        })
        .await;
        let answer = scene.ask("").await;
        assert_eq!(answer.status, 200, "{method}: {answer:?}");
        assert_eq!(scene.sent().await, "Bearer t", "{method}");
        let asked = scene.provider.asked_once();
        assert_eq!(asked.line(), line, "{method}");
        let (name, value) = parameter;
        let found = asked.parameter(name);
        assert!(name.is_empty() || found.is_some_and(|it| it.starts_with(value)), "{asked:?}");
    }
}

#[tokio::test]
async fn a_session_login_makes_its_calls_in_order_and_puts_on_what_they_yield() {
    let method = "session_login: { steps: [
        { url: PROVIDER/nonce, method: GET, take: { nonce: { json: /nonce } } },
        { url: PROVIDER/login, form: { user: \"{username}\", proof: \"{password}.{nonce}\" }, take: { sid: { cookie: sid } } },
      ], inject: [{ in: cookie, name: sid, value: \"{sid}\" }, { in: header, name: X-User, value: \"{username}\" }] }";
    let login = Says::status(200, "").with("Set-Cookie: sid=s3ss10n; HttpOnly\r\n");
    let scene = Scene::of([Says::json(json!({ "nonce": "n1" })), login], |upstream, provider| {
        let method = method.replace("PROVIDER", provider);
        crm_by(upstream, &method, "username: ann, password: hunter22")
    })
    .await;
    for _ in 0..2 {
        assert_eq!(scene.ask("").await.status, 200);
        let request = scene.upstream.request().await;
        assert_eq!(request.field("cookie"), Some("sid=s3ss10n"));
        assert_eq!(request.field("x-user"), Some("ann"));
    }
    let asked = scene.provider.asked();
    let lines: Vec<String> = asked.iter().map(|it| it.line()).collect();
    assert_eq!(lines, ["GET /nonce", "POST /login"]);
    assert_eq!(asked[1].parameter("proof").as_deref(), Some("hunter22.n1"));
}

/// P8 and RF-01, on one worker.
#[tokio::test]
async fn a_thousand_requests_at_once_make_one_token_request() {
    let gate = Arc::new(Notify::new());
    let scene = Scene::saying([Says::token("t").after(&gate)]).await;
    let mut asking = JoinSet::new();
    for _ in 0..1000 {
        let proxy = scene.gateway.proxy;
        asking.spawn(async move {
            let request =
                format!("GET /c/crm/a HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\r\n");
            raw_request(proxy, request).await.status
        });
    }
    let all_wait = async {
        loop {
            let metrics = scene.gateway.admin("/metrics").await.text();
            let waiting = "attache_requests_in_flight 1000";
            if metrics.lines().any(|it| it == waiting) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("a thousand to wait", all_wait).await;
    gate.notify_one();
    let statuses = soon("a thousand answers", asking.join_all()).await;
    assert!(statuses.iter().all(|it| *it == 200), "{statuses:?}");
    scene.provider.asked_once();
    assert_eq!(scene.provider.most_at_once(), 1);
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_end_the_token_request() {
    let gate = Arc::new(Notify::new());
    let scene = Scene::saying([Says::token("t").after(&gate), Says::error(500, "no")]).await;
    let mut client = RawClient::connect(scene.gateway.proxy).await;
    let request = format!("GET /c/crm/a HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\r\n");
    client.send(request).await;
    scene.provider.was_asked(1).await;
    client.hang_up();
    let is_gone = async {
        loop {
            let metrics = scene.gateway.admin("/metrics").await.text();
            if metrics.lines().any(|it| it == "attache_requests_in_flight 0") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("the request to be over", is_gone).await;
    gate.notify_one();
    assert_eq!(scene.ask("").await.status, 200);
    assert_eq!(scene.sent().await, "Bearer t");
    scene.provider.asked_once();
}

#[tokio::test]
async fn a_slow_provider_costs_a_request_no_more_than_its_own_time() {
    let gate = Arc::new(Notify::new());
    let scene = Scene::saying([Says::token("t").after(&gate)]).await;
    let late = scene.ask("Attache-Timeout: 100ms\r\n").await;
    assert_eq!((late.status, late.code().as_deref()), (503, Some("credential_unavailable")));
    assert_eq!(late.field("retry-after"), Some("1"));
    gate.notify_one();
    assert_eq!(scene.ask("").await.status, 200);
    scene.provider.asked_once();
}

#[tokio::test]
async fn what_is_no_token_is_answered_as_unavailable_and_nobody_is_hammered() {
    let hour = "Content-Type: application/json\r\nRetry-After: 3600\r\n";
    let many = "x".repeat(2 << 20);
    for (says, retry_after) in [
        (Says::error(503, "busy").with(hour), "3600"),
        (Says::error(429, "slow_down").with(hour), "3600"),
        (Says::error(401, "invalid_client"), ""),
        (Says::error(400, "invalid_grant"), ""),
        (Says::status(403, "<html>Forbidden</html>").with("Content-Type: text/html\r\n"), ""),
        (Says::status(200, "{\"access_token\":"), ""),
        (Says::status(200, "{}"), ""),
        (Says::status(200, &many), ""),
        (Says::json(json!({ "access_token": "a\nb" })), ""),
        (Says::status(302, "").with("Location: /elsewhere\r\n"), ""),
        (Says::nothing(), ""),
    ] {
        let scene = Scene::saying([says]).await;
        let answer = scene.ask("").await;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(answer.code().as_deref(), Some("credential_unavailable"), "{answer:?}");
        let after: u64 = answer.field("retry-after").unwrap().parse().unwrap();
        assert!(after >= 1, "{after}");
        if !retry_after.is_empty() {
            assert_eq!(after.to_string(), retry_after);
            for _ in 0..3 {
                assert_eq!(scene.ask("").await.status, 503);
                assert_eq!(scene.ask("Attache-Force-Refresh: true\r\n").await.status, 503);
            }
            scene.provider.asked_once();
        }
        assert!(scene.upstream.request_so_far().await.is_none(), "nothing went out");
        let said = format!("{answer:?}{}", answer.text());
        assert!(!said.contains(SECRET) && !said.contains(scene.provider.url()), "{said}");
    }
}

#[tokio::test]
async fn a_provider_that_is_back_gives_a_token_by_itself() {
    let scene = Scene::saying([Says::error(500, "x"), Says::token("t")]).await;
    assert_eq!(scene.ask("").await.status, 503);
    // After the pause, whether anybody asks or not.
    scene.provider.was_asked(2).await;
    let recovered = async {
        while scene.ask("").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("a token", recovered).await;
    assert_eq!(scene.provider.asked().len(), 2);
}

#[tokio::test]
async fn a_password_that_is_refused_needs_a_person() {
    let scene = Scene::of([Says::error(400, "invalid_grant")], |upstream, provider| {
        let method = format!("oauth2: {{ grant: password, token_url: {provider}/token }}");
        crm_by(upstream, &method, "client_id: a, client_secret: b, username: c, password: hunter22")
    })
    .await;
    for _ in 0..3 {
        let answer = scene.ask("").await;
        assert_eq!(
            (answer.status, answer.code().as_deref()),
            (424, Some("reauthorization_required"))
        );
        assert_eq!(answer.field("retry-after"), None);
    }
    scene.provider.asked_once();
}

#[tokio::test]
async fn of_several_client_secrets_the_good_one_is_found() {
    let says = [Says::error(401, "invalid_client"), Says::token("t")];
    let scene = Scene::of(says, |upstream, provider| {
        let method = format!(
            "oauth2: {{ grant: client_credentials, token_url: {provider}/token, client_auth: body }}"
        );
        crm_by(upstream, &method, "client_id: app, client_secret: [the-old-one, the-new-one]")
    })
    .await;
    assert_eq!(scene.ask("").await.status, 200);
    let secrets: Vec<_> =
        scene.provider.asked().iter().filter_map(|it| it.parameter("client_secret")).collect();
    assert_eq!(secrets, ["the-old-one", "the-new-one"]);
}

#[tokio::test]
async fn a_token_goes_to_its_connections_origin_alone() {
    let other = RawUpstream::start([Script::ok("mine")]).await;
    let scene = Scene::saying([Says::token("t")]).await;
    for fields in [
        format!("Attache-Base-Url: {}\r\n", other.url()),
        format!("Attache-Base-Url: {}\r\nAttache-Force-Refresh: true\r\n", other.url()),
    ] {
        let answer = scene.ask(&fields).await;
        assert_eq!(answer.code().as_deref(), Some("base_url_forbidden"), "{answer:?}");
    }
    assert!(scene.provider.asked().is_empty(), "nor is one had for it");
    assert_eq!(other.links(), 0);
}

#[tokio::test]
async fn nobody_reaches_the_token_endpoint_through_the_proxy() {
    let provider = Provider::start([Says::token("t")]).await;
    let url = provider.url();
    let method = format!(
        "oauth2: {{ grant: client_credentials, token_url: {url}/oauth/token, revoke_url: {url}/oauth/revoke }}"
    );
    let app = "client_id: app, client_secret: hush-hush";
    let gateway = Gateway::start(&crm_by(url, &method, app));
    for path in [
        "/oauth/token",
        "/oauth/token/",
        "/oauth/token?x=1",
        "/oauth/%74oken",
        "/OAUTH/token",
        "/oauth//token",
        "/oauth/token;a=b",
        "/oauth/revoke",
    ] {
        let answer = gateway.get_with("POST", &format!("/c/crm{path}"), "").await;
        assert_eq!(answer.code().as_deref(), Some("destination_forbidden"), "{path}: {answer:?}");
    }
    assert!(provider.asked().is_empty());
    assert_eq!(gateway.get("/c/crm/oauth/tokens", "").await.status, 200);
}

#[tokio::test]
async fn an_issuer_tells_where_its_tokens_are_had_and_nobody_else_reaches_that() {
    let provider = Provider::start([]).await;
    let url = provider.url().to_owned();
    let metadata = Says::json(json!({ "issuer": url, "token_endpoint": format!("{url}/t0") }));
    provider.says([Says::status(404, ""), metadata, Says::token("t"), Says::json(json!({}))]);
    let method = format!("oauth2: {{ grant: client_credentials, issuer: \"{url}\" }}");
    let gateway =
        Gateway::start(&crm_by(&url, &method, "client_id: app, client_secret: hush-hush"));
    let answer = gateway.get("/c/crm/t0", "").await;
    assert_eq!(answer.code().as_deref(), Some("destination_forbidden"), "{answer:?}");
    assert_eq!(gateway.get("/c/crm/things", "").await.status, 200);
    let lines: Vec<String> = provider.asked().iter().map(|it| it.line()).collect();
    assert_eq!(
        lines,
        [
            "GET /.well-known/oauth-authorization-server",
            "GET /.well-known/openid-configuration",
            "POST /t0",
            "GET /things",
        ]
    );
}

#[tokio::test]
async fn a_fault_at_one_path_of_the_metadata_is_not_outweighed_by_its_absence_at_another() {
    let busy = Says::error(503, "busy").with("Retry-After: 3000\r\n");
    let scene = Scene::of([busy, Says::status(404, "")], |upstream, provider| {
        let method = format!("oauth2: {{ grant: client_credentials, issuer: \"{provider}\" }}");
        crm_by(upstream, &method, "client_id: app, client_secret: hush-hush")
    })
    .await;
    let answer = scene.ask("").await;
    assert_eq!((answer.status, answer.field("retry-after")), (503, Some("3000")));
    let metrics = scene.gateway.admin("/metrics").await.text();
    assert!(metrics.contains("attache_token_renewals_total{outcome=\"provider\"} 1"), "{metrics}");
}

#[tokio::test]
async fn another_servers_metadata_gives_no_token() {
    let evil = "https://evil.example";
    let metadata = Says::json(json!({ "issuer": evil, "token_endpoint": format!("{evil}/t") }));
    let scene = Scene::of([metadata], |upstream, provider| {
        let method = format!("oauth2: {{ grant: client_credentials, issuer: \"{provider}\" }}");
        crm_by(upstream, &method, "client_id: app, client_secret: hush-hush")
    })
    .await;
    assert_eq!(scene.ask("").await.code().as_deref(), Some("credential_unavailable"));
    assert!(scene.provider.asked().iter().all(|it| it.line().starts_with("GET /.well-known/")));
}

#[tokio::test]
async fn the_egress_guard_stands_before_token_endpoints_too() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let configuration = crm(&upstream.url(), "http://169.254.169.254");
    let gateway = Gateway::start(&configuration);
    let answer = gateway.get("/c/crm/a", "").await;
    assert_eq!((answer.status, answer.code().as_deref()), (503, Some("credential_unavailable")));
    let metrics = gateway.admin("/metrics").await.text();
    assert!(metrics.contains("attache_egress_refused_total{class=\"metadata\"} 1"), "{metrics}");
    assert!(metrics.contains("attache_token_renewals_total{outcome=\"operator\"} 1"), "{metrics}");
}

#[tokio::test]
async fn a_reload_costs_no_token_and_another_secret_does() {
    let scene = Scene::saying([Says::token("first"), Says::token("second")]).await;
    assert_eq!(scene.ask("").await.status, 200);
    let file = scene.gateway.served_file();
    let same = crm(&scene.upstream.url(), scene.provider.url());
    fs::write(&file, format!("# The same.\n{same}  open: {{ connector: api, auth: m, enabled: false, credentials: {{ client_id: a, client_secret: b }} }}\n")).unwrap();
    scene.gateway.app().reload();
    assert_eq!(scene.ask("").await.status, 200);
    scene.provider.asked_once();
    fs::write(&file, same.replace(SECRET, "another one")).unwrap();
    scene.gateway.app().reload();
    assert_eq!(scene.ask("").await.status, 200);
    for token in ["Bearer first", "Bearer first", "Bearer second"] {
        assert_eq!(scene.sent().await, token);
    }
}

/// A provider that says all it was sent in its refusal, in the spellings in which it may have come.
#[tokio::test]
async fn no_token_and_no_secret_is_logged_or_told() {
    let (secret, password) = ("hush/hush+hush hush", "hunter22&hunter22");
    let basic = BASE64_STANDARD.encode(format!("app:{secret}"));
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_secret", secret)
        .append_pair("password", password)
        .finish();
    let words = format!("raw {secret} {password}, form /token?{query}, header Basic {basic}");
    let refusal = json!({ "error": "temporarily_unavailable", "error_description": words });
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let says = [Says::status(400, &refusal.to_string()), Says::token("t0ken-t0ken")];
    let provider = Provider::start(says).await;
    let method = format!("oauth2: {{ grant: password, token_url: {}/token }}", provider.url());
    let fields = format!(
        "client_id: app, client_secret: \"{secret}\", username: ann, password: \"{password}\""
    );
    let configuration = format!(
        "{}callers: {{ runtime: {{ key: {CALLER_KEY} }} }}
server:
  proxy: {{ listen: \"127.0.0.1:0\", workers: 1 }}
  admin: {{ listen: \"127.0.0.1:0\", token: an-admin-token-of-the-tests }}
  public: {{ listen: \"127.0.0.1:0\" }}
  shutdown: {{ ready_delay: 0s, drain: 5s }}
",
        crm_by(&upstream.url(), &method, &fields)
    );
    let folder = TempDir::new().expect("a folder for temporary files");
    let mut process = Process::serve(folder, &configuration).await;
    let request = format!("GET /c/crm/a HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\r\n");
    let mut said = String::new();
    let recovered = async {
        loop {
            let answer = raw_request(process.proxy, request.clone()).await;
            said += &answer.text();
            if answer.status == 200 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("a token", recovered).await;
    provider.was_asked(2).await;
    process.signal(rustix::process::Signal::TERM);
    process.ended().await;
    let logged = process.output();
    // What the provider says is there: it is only the secrets that are not.
    for told in ["temporarily_unavailable", "header Basic [redacted]", "there is a new token again"]
    {
        assert!(logged.contains(told), "{told}: {logged}");
    }
    said += &logged;
    for secret in ["t0ken-t0ken", "hush", "hunter22", &*basic] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
}
