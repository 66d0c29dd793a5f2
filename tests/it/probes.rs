//! Probes: whether an API takes a credential, told in words, and whose account it is.
use crate::support::CALLER_KEY;
use crate::support::ClosedPort;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Provider;
use crate::support::Reply;
use crate::support::Says;
use crate::support::each_engine;
use crate::support::raw_request;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use tokio::sync::Notify;

const ALLOWED: &str = "egress: { allow: [127.0.0.0/8] }\n";
const ACME: &str = "/v1/connections/crm/activations/acme";

/// A connection that holds its credential itself, by this method and with these fields.
fn file(api: &str, method: &str, fields: &str) -> String {
    format!(
        "connectors:
  api:
    base_url: {api}/v1
    upstream: {{ timeouts: {{ total: 300ms }} }}
    auth: {{ m: {{ {method}, probe: {{ path: \"/me?a=b\", account: {{ id: /id, name: /email }}, says: {{ \"418\": \"Ask Ann.\" }} }} }} }}
connections:
  crm: {{ connector: api, auth: m, credentials: {{ {fields} }} }}
"
    )
}

async fn act(operator: &Operator, at: &str, act: &str) -> Reply {
    operator.send("POST", &format!("{at}/{act}"), "", None).await
}

/// What comes of a probe of `crm`.
async fn probed(gateway: &Gateway) -> Value {
    act(&gateway.operator(), "/v1/connections/crm", "probe").await.is(200).body
}

fn me() -> Says {
    Says::json(json!({ "id": 7, "email": "ann@example.com", "secret": "of-hers" }))
}

fn id_token(claims: Value) -> String {
    format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_scheme_goes_on_the_probe_as_it_goes_on_requests() {
    let session = "session_login: { steps: [{ url: API/login, form: { user: \"{username}\" }, \
                   take: { sid: { json: /sid } } }], \
                   inject: [{ in: header, name: X-Sid, value: \"{sid}\" }] }";
    let client = "oauth2: { grant: client_credentials, token_url: \"API/token\" }";
    for (method, fields, before, line, field, value) in [
        ("bearer: {}", "token: t-1", None, "", "authorization", "Bearer t-1"),
        ("basic: {}", "username: ann, password: pw", None, "", "authorization", "Basic YW5uOnB3"),
        ("api_key: { in: header, name: X-Key }", "key: k-1", None, "", "x-key", "k-1"),
        (
            "api_key: { in: query, name: key }",
            "key: k-1",
            None,
            "&key=k-1",
            "accept",
            "application/json, */*;q=0.5",
        ),
        ("api_key: { in: cookie, name: key }", "key: k-1", None, "", "cookie", "key=k-1"),
        (
            "custom: { inject: [{ in: header, name: X-A, value: \"{a}-{b}\" }] }",
            "a: x, b: y",
            None,
            "",
            "x-a",
            "x-y",
        ),
        (
            client,
            "client_id: app, client_secret: hush",
            Some(Says::token("a-1")),
            "",
            "authorization",
            "Bearer a-1",
        ),
        (session, "username: ann", Some(Says::json(json!({ "sid": "s-1" }))), "", "x-sid", "s-1"),
    ] {
        let api = Provider::start(before.clone().into_iter().chain([me()])).await;
        let method = method.replace("API", api.url());
        let gateway = Gateway::start(&(ALLOWED.to_owned() + &file(api.url(), &method, fields)));
        let told = probed(&gateway).await;
        let account = json!({ "id": "7", "name": "ann@example.com" });
        assert_eq!(told, json!({ "works": true, "status": 200, "account": account }), "{method}");
        let asked = api.asked();
        let last = asked.last().unwrap();
        assert_eq!(last.line(), format!("GET /v1/me?a=b{line}"), "{method}");
        assert_eq!(last.head.field(field), Some(value), "{method}");
        assert_eq!(asked.len(), 1 + usize::from(before.is_some()), "{method}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_api_answers_is_told_in_words_and_without_secrets() {
    let never = Arc::new(Notify::new());
    let elsewhere = Says::status(302, "").with("Location: https://evil.test/login\r\n");
    let gone_on = "x".repeat(300_000);
    for (says, works, status, words) in [
        (
            Says::status(401, "t-1 is wrong"),
            false,
            Some(401),
            "the API answered 401: it does not take this credential",
        ),
        (
            Says::status(403, ""),
            false,
            Some(403),
            "it knows this credential, and does not allow it this",
        ),
        (Says::status(404, ""), false, Some(404), "there is nothing where it was asked"),
        (elsewhere, false, Some(302), "it sends elsewhere, and a credential does not go there"),
        (Says::status(418, ""), false, Some(418), "Ask Ann."),
        (Says::status(429, ""), false, None, "it is asked too often right now"),
        (
            Says::status(500, "t-1"),
            false,
            None,
            "the API answered 500: it has a fault of its own right now",
        ),
        (Says::status(200, "<html>"), true, Some(200), ""),
        (Says::json(json!({ "id": 7, "more": gone_on })), true, Some(200), ""),
        (me().cut(), false, None, "the API's answer broke off"),
        (me().after(&never), false, None, "the API did not answer in time"),
        (Says::nothing(), false, None, "the API could not be reached"),
        (Says::reset(), false, None, "the API could not be reached"),
    ] {
        let api = Provider::start([says]).await;
        let gateway =
            Gateway::start(&(ALLOWED.to_owned() + &file(api.url(), "bearer: {}", "token: t-1")));
        let told = probed(&gateway).await;
        assert_eq!(
            (&told["works"], told["status"].as_u64()),
            (&json!(works), status),
            "{words}: {told}"
        );
        let why = told["why"].as_str().unwrap_or_default();
        assert!(why.contains(words) && works == why.is_empty(), "{words}: {told}");
        for hidden in ["t-1", "127.0.0.1", "evil.test"] {
            assert!(!told.to_string().contains(hidden), "{told}");
        }
        assert!(told.get("account").is_none(), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_goes_where_requests_may_go_and_nowhere_else() {
    let closed = ClosedPort::reserve();
    let unreached =
        Gateway::start(&(ALLOWED.to_owned() + &file(&closed.url(), "bearer: {}", "token: t-1")));
    let told = probed(&unreached).await;
    assert!(told["why"].as_str().unwrap().starts_with("the API could not be reached: "), "{told}");

    let api = Provider::start([me()]).await;
    let guarded = Gateway::start(&file(api.url(), "bearer: {}", "token: t-1"));
    let told = probed(&guarded).await;
    assert_eq!(told["why"], "the API's address is a loopback one, which is not allowed here");
    assert!(api.asked().is_empty());

    // Where tokens are had: what answers there is no API.
    let method =
        format!("oauth2: {{ grant: client_credentials, token_url: \"{}/v1/me\" }}", api.url());
    api.says([Says::token("a-1")]);
    let fields = "client_id: app, client_secret: hush";
    let gateway = Gateway::start(&(ALLOWED.to_owned() + &file(api.url(), &method, fields)));
    let told = probed(&gateway).await;
    assert_eq!(told["why"], "the probe would go to where tokens are had");
    assert_eq!(api.asked_once().line(), "POST /v1/me");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_probe_nothing_is_asked() {
    let api = Provider::start([me()]).await;
    let file = file(api.url(), "bearer: {}", "token: t-1");
    let file = file.replace(", probe: { path: \"/me?a=b\", account: { id: /id, name: /email }, says: { \"418\": \"Ask Ann.\" } }", "");
    let gateway = Gateway::start(&(ALLOWED.to_owned() + &file));
    let operator = gateway.operator();
    let refused = act(&operator, "/v1/connections/crm", "probe").await.problem("invalid");
    assert!(refused.response.text().contains("the auth method has no `probe`"));
    let told = act(&operator, "/v1/connections/crm", "verify").await.is(200).body;
    assert_eq!(
        (&told["works"], &told["by"], &told["reconnect"]),
        (&json!(null), &json!(null), &json!(false))
    );
    assert!(api.asked().is_empty());
}

/// An embedded connection by this method, and one tenant with these fields.
async fn embedded(
    gateway: &Gateway,
    api: &Provider,
    method: Value,
    own: Value,
    fields: Value,
) -> Operator {
    let operator = gateway.operator();
    let connector = json!({ "base_url": api.url(), "auth": { "m": method } });
    operator.put("/v1/connectors/api", connector).await.is(201);
    let mut connection = json!({ "connector": "api", "auth": "m", "embedded": true });
    if own != json!({}) {
        connection["credentials"] = own;
    }
    operator.put("/v1/connections/crm", connection).await.is(201);
    let activation = if fields == json!({}) { json!({}) } else { json!({ "credentials": fields }) };
    operator.put(ACME, activation).await.is(201);
    operator
}

fn probe() -> Value {
    json!({ "path": "/me", "account": { "id": "/id", "name": "/email" } })
}

each_engine! {
    async fn an_account_is_kept_shown_and_cleared_with_its_credential(database: Database) {
        let api = Provider::start([me()]).await;
        let gateway = Gateway::beside(&database, ALLOWED);
        let fields = json!({ "username": { "pattern": "[a-z]+", "example": "ann" } });
        let method = json!({ "basic": {}, "probe": probe(), "fields": fields });
        let own = json!({ "username": "ann", "password": "pw-1" });
        let operator = embedded(&gateway, &api, method, json!({}), own).await;
        assert!(operator.get(ACME).await.body.get("account").is_none());
        act(&operator, ACME, "probe").await.is(200);
        let ann = json!({ "id": "7", "name": "ann@example.com" });
        let shown = operator.get(ACME).await.is(200);
        assert_eq!(shown.body["account"], ann);
        let listed = operator.get("/v1/connections/crm/activations").await.is(200);
        assert_eq!(listed.body["items"][0]["account"], ann);

        // What is shown is taken back as it is, and changes nothing.
        let mut same = shown.body.clone();
        same["account"] = json!({ "id": "8" });
        operator.put(ACME, same).await.is(200);
        assert_eq!(operator.get(ACME).await.body["account"], ann);
        operator.patch(ACME, json!({ "enabled": false })).await.is(200);
        operator.patch(ACME, json!({ "credentials": { "password": "pw-2" } })).await.is(200);
        assert_eq!(operator.get(ACME).await.body["account"], ann, "the same user");

        // Another account than the one that is known is told, and put down by nobody.
        api.says([Says::json(json!({ "id": "9" }))]);
        let told = act(&operator, ACME, "probe").await.is(200);
        assert_eq!(told.body["account"], json!({ "id": "9" }));
        assert_eq!(operator.get(ACME).await.body["account"], ann);

        let whole = json!({ "credentials": { "username": "bob", "password": "pw-3" } });
        operator.put(ACME, whole).await.is(200);
        assert!(operator.get(ACME).await.body.get("account").is_none(), "nobody knows whose that is");
        act(&operator, ACME, "probe").await.is(200);
        assert_eq!(operator.get(ACME).await.body["account"]["id"], "9");
        operator.delete(ACME).await.is(204);
    }

    async fn what_does_not_fit_a_pattern_is_not_taken_and_what_was_taken_stays(database: Database) {
        let api = Provider::start([me()]).await;
        let gateway = Gateway::beside(&database, ALLOWED);
        let fields = |pattern: &str| json!({ "username": { "pattern": pattern, "example": "ann" } });
        let method = json!({ "basic": {}, "fields": fields("[a-z]+") });
        let own = json!({ "username": "ann", "password": "pw-1" });
        let operator = embedded(&gateway, &api, method, json!({}), own).await;
        let wrong = json!({ "credentials": { "username": "Ann 1", "password": "pw-2" } });
        let refused = operator.put(ACME, wrong).await.is(422);
        assert_eq!(refused.pointers(), ["/credentials/username"]);
        let text = refused.response.text();
        assert!(text.contains("write it as in ann") && !text.contains("Ann 1"), "{text}");
        // A pattern that came later counts for what is set later.
        let narrower = json!({ "auth": { "m": { "fields": fields("[a-z]{3}") } } });
        operator.patch("/v1/connectors/api", narrower).await.is(200);
        operator.patch("/v1/connections/crm", json!({ "name": "CRM" })).await.is(200);
        operator.patch(ACME, json!({ "enabled": false })).await.is(200);
    }

    async fn a_probe_uses_the_token_that_there_is_and_burns_no_refresh_token(database: Database) {
        let api = Provider::start([
            Says::json(json!({ "access_token": "one", "refresh_token": "r-2", "expires_in": 3600 })),
            me(),
        ]).await;
        let gateway = Gateway::beside(&database, ALLOWED);
        let url = api.url();
        let method = json!({ "probe": probe(), "oauth2": {
            "grant": "authorization_code", "authorize_url": format!("{url}/authorize"), "token_url": format!("{url}/token"),
        } });
        let app = json!({ "client_id": "app", "client_secret": "hush" });
        let operator = embedded(&gateway, &api, method, app, json!({ "refresh_token": "r-1" })).await;
        for _ in 0..3 {
            let told = act(&operator, ACME, "probe").await.is(200);
            assert_eq!(told.body["works"], true, "{}", told.body);
        }
        let asked = api.asked();
        let lines: Vec<_> = asked.iter().map(|it| it.line()).collect();
        assert_eq!(lines, ["POST /token", "GET /me", "GET /me", "GET /me"]);
        assert_eq!(asked[3].head.field("authorization"), Some("Bearer one"));
        assert_eq!(operator.get(ACME).await.body["account"]["id"], "7");

        // Refused once, it is had anew and tried once more, as a request's is; what came is kept.
        api.says([
            Says::status(401, ""),
            Says::json(json!({ "access_token": "two", "refresh_token": "r-3", "expires_in": 3600 })),
            me(),
        ]);
        let told = act(&operator, ACME, "probe").await.is(200);
        let asked = api.asked();
        assert_eq!(told.body["works"], true, "{}", told.body);
        assert_eq!(asked[5].parameter("refresh_token").as_deref(), Some("r-2"));
        assert_eq!(asked[6].head.field("authorization"), Some("Bearer two"));
        assert_eq!(asked.len(), 7);
    }

    async fn verifying_renews_where_it_can_and_says_who_has_to_connect_again(database: Database) {
        let api = Provider::start([
            Says::json(json!({ "access_token": "one", "refresh_token": "r-2", "expires_in": 3600 })),
            Says::status(503, ""),
            Says::error(400, "invalid_grant"),
        ]).await;
        let gateway = Gateway::beside(&database, ALLOWED);
        let url = api.url();
        let method = json!({ "oauth2": {
            "grant": "authorization_code", "authorize_url": format!("{url}/authorize"), "token_url": format!("{url}/token"),
        } });
        let app = json!({ "client_id": "app", "client_secret": "hush" });
        let operator = embedded(&gateway, &api, method, app, json!({ "refresh_token": "r-1" })).await;
        let told = act(&operator, ACME, "verify").await.is(200);
        assert_eq!(told.body, json!({ "works": true, "by": "renewal", "reconnect": false }));
        assert_eq!(api.asked_once().parameter("refresh_token").as_deref(), Some("r-1"));

        let other = "/v1/connections/crm/activations/beta";
        operator.put(other, json!({ "credentials": { "refresh_token": "r-b" } })).await.is(201);
        let told = act(&operator, other, "verify").await.is(200);
        assert_eq!((&told.body["works"], &told.body["reconnect"]), (&json!(null), &json!(false)), "{}", told.body);

        let dead = "/v1/connections/crm/activations/dead";
        operator.put(dead, json!({ "credentials": { "refresh_token": "r-d" } })).await.is(201);
        let told = act(&operator, dead, "verify").await.is(200);
        assert_eq!((&told.body["works"], &told.body["by"]), (&json!(false), &json!("renewal")), "{}", told.body);
        assert_eq!(told.body["reconnect"], true);

        let nobody = "/v1/connections/crm/activations/nobody";
        operator.put(nobody, json!({})).await.is(201);
        let told = act(&operator, nobody, "verify").await.is(200);
        assert_eq!((&told.body["works"], &told.body["reconnect"]), (&json!(false), &json!(true)), "{}", told.body);
    }

    async fn a_grant_that_is_not_renewed_any_more_is_told_though_its_token_lives(database: Database) {
        let says = [me(), Says::error(400, "invalid_grant"), me(), Says::status(503, "")];
        let api = Provider::start(says).await;
        let gateway = Gateway::beside(&database, ALLOWED);
        let url = api.url();
        let method = json!({ "oauth2": {
            "grant": "authorization_code", "authorize_url": format!("{url}/authorize"), "token_url": format!("{url}/token"),
        } });
        let app = json!({ "client_id": "app", "client_secret": "hush" });
        let operator = embedded(&gateway, &api, method, app, json!({})).await;
        for (tenant, asked, works, reconnect) in [("dead", 2, json!(false), true), ("away", 4, json!(null), false)] {
            let at = format!("/v1/connections/crm/activations/{tenant}");
            let tokens = json!({ "access_token": "lives", "refresh_token": tenant, "expires_at": "4000000000" });
            operator.put(&at, json!({ "credentials": tokens })).await.is(201);
            let fields = format!("Attache-Connection: crm\r\nAttache-Tenant: {tenant}\r\n");
            assert_eq!(gateway.get("/a", &fields).await.status, 200);
            // Nobody is asked a second time so soon, and what was found out stays.
            for _ in 0..2 {
                let told = act(&operator, &at, "verify").await.is(200).body;
                assert_eq!((&told["works"], &told["by"]), (&works, &json!("renewal")), "{tenant}: {told}");
                assert_eq!(told["reconnect"], reconnect, "{tenant}: {told}");
                assert_eq!(api.asked().len(), asked, "{tenant}");
            }
        }
    }

    async fn verifying_asks_the_api_where_nothing_is_renewed(database: Database) {
        // What is wrong with the probe is nobody's credential, whatever the operator has declared that it says.
        let wrong = [404, 400, 302, 403, 503].map(|it| Says::status(it, ""));
        let api = Provider::start([me(), Says::status(401, ""), Says::status(500, "")].into_iter().chain(wrong)).await;
        let gateway = Gateway::beside(&database, ALLOWED);
        let mut probe = probe();
        probe["says"] = json!({ "503": "Ask Ann." });
        let method = json!({ "bearer": {}, "probe": probe });
        let operator = embedded(&gateway, &api, method, json!({}), json!({ "token": "t-1" })).await;
        let told = [(json!(true), false), (json!(false), true), (json!(null), false)];
        let unknown = std::iter::repeat_n((json!(null), false), 5);
        for (works, reconnect) in told.into_iter().chain(unknown) {
            let told = act(&operator, ACME, "verify").await.is(200).body;
            assert_eq!((&told["works"], &told["by"]), (&works, &json!("probe")), "{told}");
            assert_eq!(told["reconnect"], reconnect, "{told}");
        }
        let viewer = operator.post("/v1/tokens", json!({ "key": "eyes", "role": "viewer" })).await.is(201);
        let viewer = operator.with_token(viewer.text("token"));
        for kind in ["probe", "verify"] {
            act(&viewer, ACME, kind).await.problem("operator_forbidden");
        }
        act(&operator, "/v1/connections/crm/activations/nobody", "probe").await.problem("not_found");
    }

    async fn an_account_comes_with_a_consent_however_the_provider_tells_it(database: Database) {
        let tokens = |more: Value| {
            let mut body = json!({ "access_token": "a-1", "refresh_token": "r-1", "expires_in": 3600 });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Says::json(body)
        };
        let claims = json!({ "iss": "https://id.test", "sub": "s-1", "email": "ann@example.com" });
        let userinfo = Says::json(json!({ "sub": "s-2", "name": "Ann" }));
        let own = Says::json(json!({ "user": { "id": 3, "login": "ann3" } }));
        let places = json!({ "id": "/user/id", "name": "/user/login" });
        for (name, settings, is_probed, says, expected) in [
            ("id token", json!({}), false, vec![tokens(json!({ "id_token": id_token(claims.clone()) }))],
             json!({ "id": "https://id.test#s-1", "name": "ann@example.com" })),
            ("userinfo", json!({ "userinfo_url": "/userinfo" }), false, vec![tokens(json!({})), userinfo],
             json!({ "id": "s-2", "name": "Ann" })),
            ("userinfo of its own", json!({ "userinfo_url": "/userinfo", "account": places }), true, vec![tokens(json!({})), own.clone()],
             json!({ "id": "3", "name": "ann3" })),
            ("a probe", json!({}), true, vec![tokens(json!({})), me()], json!({ "id": "7", "name": "ann@example.com" })),
            ("a probe before an id token", json!({ "userinfo_url": "/userinfo" }), true,
             vec![tokens(json!({ "id_token": id_token(claims.clone()) })), me()], json!({ "id": "7", "name": "ann@example.com" })),
            ("userinfo of its own before an id token", json!({ "userinfo_url": "/userinfo", "account": places }), false,
             vec![tokens(json!({ "id_token": id_token(claims.clone()) })), own.clone()], json!({ "id": "3", "name": "ann3" })),
            ("a probe where userinfo fails", json!({ "userinfo_url": "/userinfo", "account": places }), true,
             vec![tokens(json!({})), Says::status(403, ""), me()], json!({ "id": "7", "name": "ann@example.com" })),
            ("nothing", json!({ "userinfo_url": "/userinfo" }), false, vec![tokens(json!({})), Says::status(500, "")], json!(null)),
        ] {
            let api = Provider::start(says.clone()).await;
            let url = api.url();
            let mut oauth2 = json!({
                "grant": "authorization_code", "authorize_url": format!("{url}/authorize"), "token_url": format!("{url}/token"),
            });
            oauth2.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
            if let Some(path) = oauth2["userinfo_url"].as_str() {
                oauth2["userinfo_url"] = json!(format!("{url}{path}"));
            }
            let key = name.replace(' ', "-");
            let mut method = json!({ "oauth2": oauth2 });
            if is_probed {
                method["probe"] = probe();
            }
            let gateway = Gateway::beside(&database, ALLOWED);
            let operator = gateway.operator();
            let connector = json!({ "base_url": url, "auth": { "m": method } });
            operator.put(&format!("/v1/connectors/{key}"), connector).await.is(201);
            let connection = json!({
                "connector": key, "auth": "m", "embedded": true,
                "credentials": { "client_id": "app", "client_secret": "hush" },
            });
            operator.put(&format!("/v1/connections/{key}"), connection).await.is(201);
            let activation = format!("/v1/connections/{key}/activations/acme");
            operator.put(&activation, json!({})).await.is(201);
            let back = "https://app.example/back";
            let begun = operator.post(&format!("{activation}/authorize"), json!({ "redirect_uri": back })).await.is(200);
            let came = json!({ "url": format!("{back}?code=c&state={}", begun.text("state")) });
            let given = operator.post(&format!("{activation}/callback"), came).await.is(200);
            assert_eq!(given.body["account"], expected, "{name}: {}", given.body);
            assert_eq!(given.body["grant"]["state"], "active", "{name}");
            assert_eq!(api.asked().len(), says.len(), "{name}");
            if says.len() > 1 {
                let last = api.asked().pop().unwrap();
                assert_eq!(last.head.field("authorization"), Some("Bearer a-1"), "{name}");
            }
            let request = format!("GET /c/{key}@acme/a HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\r\n");
            raw_request(gateway.proxy, request).await;
        }
    }
}
