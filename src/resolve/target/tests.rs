//! A table of requests against one catalogue: where each goes, or which code it is answered.
use super::super::tags::tags;
use super::*;
use crate::catalog::Kind;
use crate::catalog::Token;
use crate::model::Code;
use http::Request;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;

fn catalogue() -> Value {
    json!({
        "callers": {
            "all": { "key": "key-of-the-caller-all" },
            "scoped": { "key": "key-of-the-caller-scoped", "tenants": ["acme"], "tenant_scoped": true },
            "tight": {
                "key": "key-of-the-caller-tight",
                "connections": ["github-*", "desk-*"], "environments": ["prod*"],
                "tenants": ["acme"], "methods": ["GET"], "paths": ["/", "/repos/*"]
            },
            "envs": { "key": "key-of-the-caller-envs", "connections": ["none-*"], "environments": ["production"] }
        },
        "connectors": {
            "github": {
                "base_url": "https://api.github.example",
                "auth": { "token": { "bearer": {} }, "open": { "none": {} }, "hook": { "hmac": { "preset": "github" } } }
            },
            "zendesk": {
                "base_url": "https://{subdomain}.zendesk.example/api/{version}",
                "variables": {
                    "subdomain": { "pattern": "[a-z0-9-]+", "required": true },
                    "version": { "default": "v2" }
                },
                "auth": { "login": { "basic": {} } }
            },
            "gitlab": {
                "base_url": "https://{host}:{port}/{version}",
                "variables": {
                    "host": { "default": "gitlab.example" }, "port": { "default": "443" }, "version": { "default": "v4" }
                },
                "auth": { "token": { "bearer": {} } }
            },
            "led": {
                "base_url": "https://{instance}.desk.example/{company}",
                "auth": { "app": { "oauth2": {
                    "grant": "client_credentials", "token_url": "https://id.example/token",
                    "reply": { "keep": { "instance": "/instance", "company": "/company" } },
                } } },
            },
            "vault": { "base_url": "https://{host}:{port}/{version}", "auth": { "token": { "bearer": {} } } }
        },
        "connections": {
            "github-prod": {
                "connector": "github", "auth": "token", "credentials": { "token": "t" },
                "base_url": "https://api.github.example/v3/", "allowed_origins": ["https://eu.github.example"],
                "upstream": { "timeouts": { "total": "20s" } }
            },
            "github-root": { "connector": "github", "auth": "open" },
            "github-off": { "connector": "github", "auth": "open", "enabled": false },
            "github-hooks": {
                "connector": "github", "auth": "hook", "base_url": "http://127.0.0.1:9000", "credentials": { "secret": "0123456789" }
            },
            "slack-prod": { "connector": "github", "auth": "open" },
            "desk-own": {
                "connector": "zendesk", "auth": "login", "variables": { "subdomain": "own" },
                "credentials": { "username": "u", "password": "p" }
            },
            "desk-open": {
                "connector": "zendesk", "auth": "login",
                "credentials": { "username": "u", "password": "p" }
            },
            "desk-tenants": {
                "connector": "zendesk", "auth": "login", "embedded": true,
                "test_credentials": { "username": "test", "password": "p" }, "expose": true,
                "variables": { "subdomain": "sandbox" }
            },
            "led": { "connector": "led", "auth": "app", "credentials": { "client_id": "i", "client_secret": "s" } },
            "lab": { "connector": "gitlab", "auth": "token", "credentials": { "token": "t" } },
            "vault-open": { "connector": "vault", "auth": "token", "credentials": { "token": "t" } },
            "vault-listed": {
                "connector": "vault", "auth": "token", "credentials": { "token": "t" },
                "allowed_origins": ["https://vault.example:8200"]
            },
            "desk-empty": { "connector": "zendesk", "auth": "login", "embedded": true }
        },
        "activations": [
            {
                "connection": "desk-tenants", "tenant": "acme", "variables": { "subdomain": "acme" },
                "credentials": { "username": "acme", "password": "p" }
            },
            {
                "connection": "desk-tenants", "tenant": "gone", "enabled": false,
                "credentials": { "username": "gone", "password": "p" }
            }
        ],
        "integrations": {
            "sync": { "connectors": {
                "hub": { "connector": "github" },
                "hub-eu": { "connector": "github", "base_url": "https://eu.github.example/v4" },
                "hub-spare": { "connector": "github" },
                "desk": { "connector": "zendesk" }
            } }
        },
        "environments": {
            "production": {
                "integration": "sync",
                "assign": { "hub": "github-prod", "hub-eu": "github-prod", "desk": "desk-tenants" }
            },
            "prod-slack": { "integration": "sync", "assign": { "hub": "slack-prod" } },
            "staging": { "integration": "sync", "assign": { "hub": "github-prod", "hub-spare": "slack-prod" } }
        }
    })
}

fn snapshot() -> Snapshot {
    Snapshot::build(serde_json::from_value(catalogue()).unwrap(), &mut Vec::new()).unwrap()
}

#[derive(Clone)]
struct Case<'a> {
    caller: &'a str,
    method: Method,
    uri: &'a str,
    headers: &'a [(&'a str, &'a str)],
}

impl Case<'_> {
    /// The URL that the request goes to, or the code of the answer.
    fn goes(&self, snapshot: &Snapshot) -> Result<String, Code> {
        self.with_target(snapshot, |it| format!("{}{}", it.base.origin(), it.path))
            .map_err(|it| it.code())
    }

    fn with_target<T>(
        &self,
        snapshot: &Snapshot,
        look: impl FnOnce(&Target<'_>) -> T,
    ) -> Result<T, ResolveError> {
        let request = Request::builder().method(self.method.clone()).uri(self.uri);
        let request =
            self.headers.iter().fold(request, |it, (name, value)| it.header(*name, *value));
        let (head, ()) = request.body(()).unwrap().into_parts();
        let key = format!("key-of-the-caller-{}", self.caller);
        let caller = &snapshot.caller_key(&Sha256::digest(key).into()).unwrap().caller;
        let tags = tags(&head)?;
        resolve(snapshot, &tags, caller, &head.method, Fetched::NoStore).map(|it| look(&it))
    }
}

const GOOD: Case<'static> = Case {
    caller: "all",
    method: Method::GET,
    uri: "/repos/a%2Fb//c",
    headers: &[("attache-connection", "github-prod")],
};

const ACME: (&str, &str) = ("attache-tenant", "acme");
const DESK: (&str, &str) = ("attache-connection", "desk-tenants");
const ENVIRONMENT: (&str, &str) = ("attache-environment", "production");
const HUB: (&str, &str) = ("attache-connector", "hub");

#[test]
fn requests_go_below_the_base_url() {
    let snapshot = snapshot();
    let root = [("attache-connection", "github-root")];
    for (case, url) in [
        (GOOD, "https://api.github.example/v3/repos/a%2Fb//c"),
        (Case { uri: "/", ..GOOD }, "https://api.github.example/v3/"),
        (Case { uri: "/?a=b", ..GOOD }, "https://api.github.example/v3/"),
        (Case { uri: "/c/github-root/x", ..GOOD }, "https://api.github.example/v3/c/github-root/x"),
        (Case { headers: &root, ..GOOD }, "https://api.github.example/repos/a%2Fb//c"),
        (Case { uri: "/c/github-root", headers: &[], ..GOOD }, "https://api.github.example/"),
        (Case { uri: "/c/github-prod", headers: &[], ..GOOD }, "https://api.github.example/v3"),
        (Case { uri: "/c/github-prod/x", headers: &[], ..GOOD }, "https://api.github.example/v3/x"),
        (
            Case { headers: &[DESK, ACME], ..GOOD },
            "https://acme.zendesk.example/api/v2/repos/a%2Fb//c",
        ),
        (
            Case { uri: "/c/desk-tenants@acme/x", headers: &[], ..GOOD },
            "https://acme.zendesk.example/api/v2/x",
        ),
        (
            Case { headers: &[DESK, ("attache-test", "true")], uri: "/x", ..GOOD },
            "https://sandbox.zendesk.example/api/v2/x",
        ),
        (
            Case { headers: &[DESK, ACME, ("attache-test", "true")], uri: "/x", ..GOOD },
            "https://sandbox.zendesk.example/api/v2/x",
        ),
        (
            Case { headers: &[ENVIRONMENT, HUB], uri: "/x", ..GOOD },
            "https://api.github.example/v3/x",
        ),
        (
            Case { headers: &[ENVIRONMENT, ("attache-connector", "hub-eu")], uri: "/x", ..GOOD },
            "https://eu.github.example/v4/x",
        ),
        (
            Case {
                headers: &[ENVIRONMENT, ("attache-connector", "zendesk"), ACME],
                uri: "/x",
                ..GOOD
            },
            "https://acme.zendesk.example/api/v2/x",
        ),
        (
            Case { uri: "/e/production/desk@acme/x", headers: &[], ..GOOD },
            "https://acme.zendesk.example/api/v2/x",
        ),
        (
            Case { headers: &[GOOD.headers[0], ACME], uri: "/x", ..GOOD },
            "https://api.github.example/v3/x",
        ),
        (Case { caller: "tight", ..GOOD }, "https://api.github.example/v3/repos/a%2Fb//c"),
        (
            Case { caller: "tight", uri: "/c/github-prod", headers: &[], ..GOOD },
            "https://api.github.example/v3",
        ),
    ] {
        assert_eq!(case.goes(&snapshot).as_deref(), Ok(url), "{} {:?}", case.uri, case.headers);
    }
}

#[test]
fn each_reason_against_a_request_has_its_code() {
    let snapshot = snapshot();
    let tag = |it| [("attache-connection", it)];
    let (unknown, invisible, off) = (tag("github-none"), tag("slack-prod"), tag("github-off"));
    let (empty, desk_open, hooks) = (tag("desk-empty"), tag("desk-open"), tag("github-hooks"));
    let tight = Case { caller: "tight", ..GOOD };
    let in_environment = |it| [("attache-environment", it), HUB];
    let (staging, nowhere, slack) =
        (in_environment("staging"), in_environment("none"), in_environment("prod-slack"));
    for (case, code) in [
        (Case { headers: &[], ..GOOD }, Code::Untagged),
        (Case { headers: &[DESK, ENVIRONMENT, HUB], ..GOOD }, Code::AmbiguousTags),
        (Case { headers: &tag("GitHub"), ..GOOD }, Code::InvalidTag),
        (Case { headers: &unknown, ..GOOD }, Code::ConnectionNotFound),
        (Case { headers: &unknown, ..tight.clone() }, Code::ConnectionNotFound),
        (Case { headers: &invisible, ..tight.clone() }, Code::ConnectionNotFound),
        (
            Case { headers: &invisible, method: Method::POST, uri: "/../x", ..tight.clone() },
            Code::ConnectionNotFound,
        ),
        (Case { method: Method::POST, ..tight.clone() }, Code::CallerForbidden),
        (Case { uri: "/user", ..tight.clone() }, Code::CallerForbidden),
        (Case { uri: "/repos", ..tight.clone() }, Code::CallerForbidden),
        (
            Case { headers: &[DESK, ("attache-tenant", "other")], ..tight.clone() },
            Code::CallerForbidden,
        ),
        (
            Case { headers: &[GOOD.headers[0], ("attache-tenant", "other")], ..tight.clone() },
            Code::CallerForbidden,
        ),
        (Case { headers: &off, uri: "/user", ..tight.clone() }, Code::CallerForbidden),
        (Case { uri: "/repos/../user", ..tight.clone() }, Code::PathEscapesBase),
        (Case { uri: "/repos/%2e%2e/user", ..GOOD }, Code::PathEscapesBase),
        (Case { uri: "//other.example/x", ..GOOD }, Code::PathEscapesBase),
        (
            Case { uri: "/c/github-prod//other.example", headers: &[], ..GOOD },
            Code::PathEscapesBase,
        ),
        (
            Case { uri: "/c/github-prod/../github-root", headers: &[], ..GOOD },
            Code::PathEscapesBase,
        ),
        (Case { uri: "http://other.example/x", ..GOOD }, Code::PathEscapesBase),
        (Case { uri: "*", method: Method::OPTIONS, ..GOOD }, Code::PathEscapesBase),
        (Case { headers: &off, ..GOOD }, Code::ConnectionDisabled),
        (Case { headers: &[DESK], ..GOOD }, Code::TenantRequired),
        (Case { headers: &empty, ..GOOD }, Code::TenantRequired),
        (Case { headers: &[empty[0], ACME], ..GOOD }, Code::EmbeddedNotActivated),
        (Case { headers: &[DESK, ("attache-tenant", "other")], ..GOOD }, Code::ActivationNotFound),
        (Case { headers: &[DESK, ("attache-tenant", "ACME")], ..GOOD }, Code::ActivationNotFound),
        (Case { headers: &[DESK, ("attache-tenant", "gone")], ..GOOD }, Code::ActivationNotFound),
        (Case { headers: &[empty[0], ("attache-test", "true")], ..GOOD }, Code::ActivationNotFound),
        (
            Case { headers: &[GOOD.headers[0], ("attache-test", "true")], ..GOOD },
            Code::ActivationNotFound,
        ),
        // Test credentials are the operator's: no tenant's caller acts with them.
        (
            Case { caller: "scoped", headers: &[DESK, ("attache-test", "true")], ..GOOD },
            Code::ActivationNotFound,
        ),
        (
            Case { caller: "scoped", headers: &[DESK, ACME, ("attache-test", "true")], ..GOOD },
            Code::ActivationNotFound,
        ),
        (Case { headers: &hooks, ..GOOD }, Code::InvalidTag),
        (Case { headers: &desk_open, ..GOOD }, Code::InvalidTag),
        // By environment.
        (Case { headers: &nowhere, ..GOOD }, Code::EnvironmentNotFound),
        (
            Case { headers: &[ENVIRONMENT, ("attache-connector", "slack")], ..GOOD },
            Code::ConnectorNotAssigned,
        ),
        (
            Case { headers: &[ENVIRONMENT, ("attache-connector", "hub-spare")], ..GOOD },
            Code::ConnectorNotAssigned,
        ),
        (
            Case {
                headers: &[("attache-environment", "staging"), ("attache-connector", "github")],
                ..GOOD
            },
            Code::ConnectorNotAssigned,
        ),
        (Case { headers: &slack, ..tight.clone() }, Code::ConnectorNotAssigned),
        (Case { headers: &staging, ..tight.clone() }, Code::CallerForbidden),
        (Case { headers: &nowhere, ..tight.clone() }, Code::EnvironmentNotFound),
        (
            Case {
                headers: &[("attache-environment", "staging"), ("attache-connector", "hub-spare")],
                ..tight.clone()
            },
            Code::EnvironmentNotFound,
        ),
        (
            Case {
                headers: &[("attache-environment", "staging"), ("attache-connector", "desk")],
                ..tight
            },
            Code::EnvironmentNotFound,
        ),
        (Case { headers: &[ENVIRONMENT, HUB], caller: "envs", ..GOOD }, Code::ConnectorNotAssigned),
        (Case { headers: &staging, caller: "envs", ..GOOD }, Code::EnvironmentNotFound),
    ] {
        assert_eq!(
            case.goes(&snapshot),
            Err(code),
            "{} {} {:?}",
            case.caller,
            case.uri,
            case.headers
        );
    }
}

#[test]
fn what_is_not_visible_answers_like_what_is_not_there() {
    let snapshot = snapshot();
    let said = |connection| {
        let headers = [("attache-connection", connection)];
        let case = Case { caller: "tight", headers: &headers, ..GOOD };
        case.with_target(&snapshot, |_| ()).unwrap_err().to_string()
    };
    assert_eq!(said("slack-prod"), said("slack-none"));
}

#[test]
fn another_base_url_has_to_be_on_an_origin_of_the_connection() {
    let snapshot = snapshot();
    let forbidden = Err(Code::BaseUrlForbidden);
    for (base, goes) in [
        ("https://API.github.example:443/v3/", Ok("https://api.github.example/v3/x")),
        ("https://api.github.example/v3/sub", Ok("https://api.github.example/v3/sub/x")),
        ("https://api.github.example/v4/", forbidden),
        ("https://api.github.example/v33", forbidden),
        ("https://api.github.example", forbidden),
        ("https://eu.github.example/v3", Ok("https://eu.github.example/v3/x")),
        ("http://api.github.example", forbidden),
        ("https://api.github.example:8443", forbidden),
        ("https://api.github.example.evil.example", forbidden),
        ("https://evil.example", forbidden),
        ("https://github.example", forbidden),
        ("https://api.github.example@evil.example", forbidden),
        ("https://u@api.github.example", forbidden),
        ("https://evil.example/https://api.github.example", forbidden),
        ("//api.github.example", forbidden),
        ("api.github.example", forbidden),
        ("https:api.github.example", forbidden),
        ("https:\\\\api.github.example", forbidden),
        ("https://api.github.example?x", forbidden),
        ("https://api.github.example#x", forbidden),
        ("https://api.github.example/a/../b", forbidden),
        ("https://api.github.example/a/%2e%2e/b", forbidden),
        ("https://api.github.example/a/..;/b", forbidden),
        ("https://api.github.example/%252e%252e", forbidden),
        ("https://api.github.example//evil.example", forbidden),
        ("file:///etc/passwd", forbidden),
    ] {
        let headers = [GOOD.headers[0], ("attache-base-url", base)];
        let case = Case { headers: &headers, uri: "/x", ..GOOD };
        assert_eq!(case.goes(&snapshot), goes.map(str::to_owned), "{base}");
    }
}

#[test]
fn variables_of_a_request_fill_gaps_and_never_move_the_origin() {
    let snapshot = snapshot();
    for (connection, variables, goes) in [
        ("desk-open", "subdomain=a", Ok("https://a.zendesk.example/api/v2/x")),
        ("desk-open", "subdomain=a&version=v3", Ok("https://a.zendesk.example/api/v3/x")),
        ("desk-open", "subdomain=b&subdomain=a", Ok("https://a.zendesk.example/api/v2/x")),
        ("desk-own", "version=v3", Ok("https://own.zendesk.example/api/v3/x")),
        ("desk-own", "subdomain=own", Ok("https://own.zendesk.example/api/v2/x")),
        ("desk-own", "subdomain=evil", Err(Code::BaseUrlForbidden)),
        ("desk-open", "version=v3", Err(Code::InvalidTag)),
        ("desk-open", "subdomain=a.evil", Err(Code::InvalidTag)),
        ("desk-open", "subdomain=a%2F", Err(Code::InvalidTag)),
        ("desk-open", "subdomain=a%40evil", Err(Code::InvalidTag)),
        ("desk-open", "subdomain=", Err(Code::InvalidTag)),
        ("desk-open", "subdomain=a&version=..", Err(Code::InvalidTag)),
        ("desk-open", "subdomain=a&version=%252e%252e", Err(Code::InvalidTag)),
        ("desk-own", "region=eu", Err(Code::InvalidTag)),
        ("lab", "version=v3", Ok("https://gitlab.example/v3/x")),
        ("lab", "host=gitlab.example", Ok("https://gitlab.example/v4/x")),
        ("lab", "host=evil.example", Err(Code::BaseUrlForbidden)),
        ("lab", "port=8443", Err(Code::BaseUrlForbidden)),
        ("vault-open", "host=vault.example&port=8200&version=v1", Err(Code::BaseUrlForbidden)),
        (
            "vault-listed",
            "host=vault.example&port=8200&version=v1",
            Ok("https://vault.example:8200/v1/x"),
        ),
        ("vault-listed", "host=evil.example&port=8200&version=v1", Err(Code::BaseUrlForbidden)),
        ("github-prod", "subdomain=a", Err(Code::InvalidTag)),
    ] {
        let headers = [("attache-connection", connection), ("attache-variables", variables)];
        let case = Case { headers: &headers, uri: "/x", ..GOOD };
        assert_eq!(case.goes(&snapshot), goes.map(str::to_owned), "{connection} {variables}");
    }
}

#[test]
fn another_base_url_and_variables_together_open_nothing() {
    let snapshot = snapshot();
    let goes = |connection, variables, base| {
        let headers = [
            ("attache-connection", connection),
            ("attache-variables", variables),
            ("attache-base-url", base),
        ];
        Case { headers: &headers, uri: "/x", ..GOOD }.goes(&snapshot)
    };
    let evil = "https://evil.zendesk.example";
    assert_eq!(goes("desk-own", "subdomain=evil", evil), Err(Code::BaseUrlForbidden));
    assert_eq!(goes("desk-own", "version=v3", evil), Err(Code::BaseUrlForbidden));
    assert_eq!(goes("desk-open", "version=v3", evil), Err(Code::BaseUrlForbidden));
    assert!(goes("desk-own", "version=v3", "https://own.zendesk.example/api/v3/a").is_ok());
    assert!(goes("desk-own", "version=v3", "https://own.zendesk.example/api/v9").is_err());
}

#[test]
fn the_target_says_what_goes_along() {
    let snapshot = snapshot();
    let headers = [
        ("attache-environment", "production"),
        ("attache-connector", "desk"),
        ACME,
        ("attache-ignore-headers", "x-a"),
        ("attache-timeout", "3s"),
        ("attache-retries", "1"),
        ("attache-force-refresh", "true"),
    ];
    let case = Case { headers: &headers, uri: "/x?a=b", ..GOOD };
    case.with_target(&snapshot, |target| {
        assert_eq!(target.connection.key.as_str(), "desk-tenants");
        assert_eq!(target.environment.map(Key::as_str), Some("production"));
        assert_eq!(target.tenant.as_ref().map(TenantId::as_str), Some("acme"));
        assert_eq!(target.ignore, ["x-a"]);
        assert_eq!((target.timeout, target.retries), (Some(Duration::from_secs(3)), Some(1)));
        assert!(target.force_refresh && !target.test);
        let Puts::Prepared(prepared) = target.puts else { panic!("prepared") };
        assert_eq!(prepared.headers()[0].0, "authorization");
        assert!(target.path.capacity() >= "/api/v2/x?a=b".len());
    })
    .unwrap();
}

#[test]
fn a_callers_timeout_only_shortens_the_connections() {
    let snapshot = snapshot();
    for (asked, s) in [("1s", 1), ("20s", 20), ("1h", 20)] {
        let headers = [GOOD.headers[0], ("attache-timeout", asked)];
        let case = Case { headers: &headers, ..GOOD };
        let timeout = case.with_target(&snapshot, |it| it.timeout).unwrap();
        assert_eq!(timeout, Some(Duration::from_secs(s)), "{asked}");
    }
}

#[test]
fn a_standard_connections_tenant_is_kept_for_the_log() {
    let snapshot = snapshot();
    let headers = [GOOD.headers[0], ("attache-tenant", "caf%C3%A9")];
    let tenant = Case { headers: &headers, ..GOOD }.with_target(&snapshot, |it| it.tenant.clone());
    assert_eq!(tenant.unwrap().unwrap().as_str(), "café");
}

#[test]
fn what_came_with_a_token_says_where_it_goes_and_no_request_does() {
    let snapshot = snapshot();
    let led = ("attache-connection", "led");
    let case = Case { uri: "/x", headers: &[led], ..GOOD };
    assert_eq!(case.with_target(&snapshot, |_| ()).unwrap_err(), ResolveError::Unled);
    let Kind::Standard(holder) = &snapshot.connection("led").unwrap().kind else {
        panic!("standard")
    };
    let Ready::Token(holder) = &holder.ready else { panic!("a token") };
    let put = |kept: &[(&str, &str)]| {
        let kept = kept.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect();
        let (now, life) = (std::time::Instant::now(), Duration::from_secs(60));
        let token = Token::new(Prepared::default(), 1, None, now, life, Vec::new());
        holder.put(Arc::new(token.keeping(kept)));
    };
    put(&[("instance", "acme"), ("company", "7")]);
    assert_eq!(case.goes(&snapshot).unwrap(), "https://acme.desk.example/7/x");
    let asking = |said: &'static str| Case {
        headers: Box::leak(Box::new([led, ("attache-variables", said)])),
        ..case.clone()
    };
    assert_eq!(asking("instance=evil").goes(&snapshot).unwrap_err(), Code::BaseUrlForbidden);
    assert_eq!(asking("company=8").goes(&snapshot).unwrap(), "https://acme.desk.example/8/x");
    put(&[("instance", "evil.example/"), ("company", "7")]);
    assert_eq!(case.goes(&snapshot).unwrap_err(), Code::CredentialUnavailable);
    put(&[("instance", "acme")]);
    let problem = case.with_target(&snapshot, |_| ()).unwrap_err().to_string();
    assert!(problem.contains("`company` has no value"), "{problem}");
}
