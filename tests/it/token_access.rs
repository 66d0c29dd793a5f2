//! Access tokens are shown to nobody but the operators that the configuration names, and never before the trail has it.
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Says;
use crate::support::Script;
use crate::support::each_engine;
use serde_json::json;

const ALLOW: &str = "egress: { allow: [127.0.0.0/8] }\n";
const ACME: &str = "/v1/connections/crm/activations/acme";
const TOKEN: &str = "/v1/connections/crm/activations/acme/token";

fn says() -> Says {
    Says::json(json!({
        "access_token": "canary-access", "refresh_token": "canary-refresh", "token_type": "Bearer", "expires_in": 3600,
        "scope": "a b",
    }))
}

/// An app with a customer who brought a refresh token, and a machine's own connection.
async fn app(gateway: &Gateway, provider: &Provider, base_url: &str) -> Operator {
    let operator = gateway.operator();
    let url = provider.url();
    let account = json!({
        "grant": "authorization_code", "authorize_url": format!("{url}/authorize"), "token_url": format!("{url}/token"),
    });
    let machine = json!({ "grant": "client_credentials", "token_url": format!("{url}/token") });
    let connector = json!({
        "base_url": base_url,
        "auth": { "account": { "oauth2": account }, "machine": { "oauth2": machine } },
    });
    operator.put("/v1/connectors/api", connector).await.is(201);
    let credentials = json!({ "client_id": "app", "client_secret": "canary-secret" });
    let embedded = json!({ "connector": "api", "auth": "account", "embedded": true, "credentials": credentials });
    operator.put("/v1/connections/crm", embedded).await.is(201);
    let own = json!({ "connector": "api", "auth": "machine", "credentials": credentials });
    operator.put("/v1/connections/own", own).await.is(201);
    let brought = json!({ "credentials": { "refresh_token": "canary-brought" } });
    operator.put(ACME, brought).await.is(201);
    operator
}

/// An operator with a token of this name.
async fn named(operator: &Operator, name: &str, role: &str) -> Operator {
    let made = operator.post("/v1/tokens", json!({ "key": name, "role": role })).await.is(201);
    operator.with_token(made.text("token"))
}

each_engine! {
    async fn nobody_is_shown_a_token_unless_the_configuration_says_who(database: Database) {
        let provider = Provider::start([says()]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = app(&gateway, &provider, "https://api.example").await;
        for path in [TOKEN, "/v1/connections/own/token", "/v1/connections/none/token"] {
            let refused = operator.get(path).await.is(403).problem("operator_forbidden");
            let detail = refused.text("detail");
            assert!(detail.contains("server.admin.token_access") && detail.contains("`admin`"), "{detail}");
        }
        assert!(provider.asked().is_empty());
    }

    async fn whoever_is_named_is_shown_one_that_is_good_and_the_trail_has_it(database: Database) {
        let provider = Provider::start([says()]).await;
        let gateway = Gateway::showing_tokens(&database, ALLOW, "[oncall]");
        let operator = app(&gateway, &provider, "https://api.example").await;
        let oncall = named(&operator, "oncall", "viewer").await;
        named(&operator, "boss", "admin").await.get(TOKEN).await.is(403).problem("operator_forbidden");
        operator.get(TOKEN).await.is(403);
        oncall.get("/v1/connections/crm/token").await.is(422);
        oncall.get("/v1/connections/crm/activations/nobody/token").await.is(404);
        assert!(provider.asked().is_empty());
        let log = async || operator.get("/v1/audit?kind=grant").await.is(200).body["items"].clone();
        assert_eq!(log().await, json!([]));

        let shown = oncall.get(TOKEN).await.is(200);
        let mut members = shown.body.as_object().unwrap().clone();
        assert!(members.shift_remove("expires_at").is_some_and(|it| it.is_string()));
        let expected = json!({ "access_token": "canary-access", "token_type": "Bearer", "scopes": ["a", "b"] });
        assert_eq!(json!(members), expected);
        assert_eq!(shown.response.field("cache-control"), Some("no-store"));
        oncall.get("/v1/connections/own/token").await.is(200);
        oncall.get(TOKEN).await.is(200);
        assert_eq!(provider.asked().len(), 2, "what is good is shown as it is");
        let entries = log().await;
        let entries = entries.as_array().unwrap();
        let of = |it: &serde_json::Value| {
            ["act", "key", "tenant", "who"].map(|name| it[name].as_str().unwrap_or_default().to_owned())
        };
        let acme = ["disclosed", "crm", "acme", "operator oncall"].map(str::to_owned);
        let own = ["disclosed", "own", "", "operator oncall"].map(str::to_owned);
        assert_eq!(entries.iter().map(of).collect::<Vec<_>>(), [acme.clone(), own, acme]);
    }

    async fn what_the_trail_can_not_have_is_not_shown(database: Database) {
        let provider = Provider::start([says()]).await;
        let gateway = Gateway::showing_tokens(&database, ALLOW, "[admin]");
        let operator = app(&gateway, &provider, "https://api.example").await;
        operator.get(TOKEN).await.is(200);
        database.run("ALTER TABLE audit RENAME TO gone").await;
        let refused = operator.get(TOKEN).await;
        assert!(refused.status >= 500, "{}", refused.response.text());
        assert!(!refused.response.text().contains("canary"), "{}", refused.response.text());
        database.run("ALTER TABLE gone RENAME TO audit").await;
        operator.get(TOKEN).await.is(200);
    }

    async fn a_grant_that_is_dead_has_nothing_to_show(database: Database) {
        let provider = Provider::start([Says::error(400, "invalid_grant")]).await;
        let gateway = Gateway::showing_tokens(&database, ALLOW, "[admin]");
        let operator = app(&gateway, &provider, "https://api.example").await;
        operator.get(TOKEN).await.problem("reauthorization_required");
        provider.says([Says::status(503, "")]);
        operator.get("/v1/connections/own/token").await.problem("credential_unavailable");
        let log = operator.get("/v1/audit?kind=grant").await.is(200);
        let acts: Vec<_> = log.body["items"].as_array().unwrap().iter().map(|it| it["act"].clone()).collect();
        assert!(!acts.contains(&json!("disclosed")), "{acts:?}");
    }

    async fn lk_01_no_other_answer_log_or_metric_has_a_token_in_it(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let provider = Provider::start([says()]).await;
        let gateway = Gateway::showing_tokens(&database, ALLOW, "[admin]");
        let operator = app(&gateway, &provider, &upstream.url()).await;
        operator.get(TOKEN).await.is(200);
        operator.get("/v1/connections/own/token").await.is(200);
        let own = gateway.get("/a", "Attache-Connection: own\r\n").await;
        assert_eq!(own.status, 200);
        upstream.request().await;
        let document = operator.get("/openapi.json").await.is(200);
        let mut asked = 0;
        for (path, item) in document.body["paths"].as_object().unwrap() {
            // The stream of exchanges has no end; what it tells of, the list does as well.
            if path.ends_with("/token") || path.ends_with("/stream") || item.get("get").is_none() {
                continue;
            }
            let keys = [("{connection}", "crm"), ("{tenant}", "acme"), ("{connector}", "api"), ("{method}", "account")];
            let path = keys.iter().fold(path.clone(), |path, (name, key)| path.replace(name, key));
            let text = operator.get(&path).await.response.text();
            assert!(!text.contains("canary-"), "{path}: {text}");
            asked += 1;
        }
        assert!(asked > 30, "{asked}");
        for path in ["/v1/connections/own", "/metrics", "/readyz"] {
            let text = operator.get(path).await.is(200).response.text();
            assert!(!text.contains("canary-"), "{path}: {text}");
        }
        let logged = format!("{:?}", gateway.stop());
        assert!(!logged.contains("canary-"), "{logged}");
    }
}

#[tokio::test]
async fn without_a_store_there_is_no_trail_and_no_token_is_shown() {
    let provider = Provider::start([says()]).await;
    let configuration = format!(
        "{ALLOW}
connectors:
  api:
    base_url: https://api.example
    auth: {{ m: {{ oauth2: {{ grant: client_credentials, token_url: \"{}/token\" }} }} }}
connections:
  own: {{ connector: api, auth: m, credentials: {{ client_id: a, client_secret: b }} }}
",
        provider.url()
    );
    let server = "
log: { format: json, access: ACCESS }
server:
  proxy: { listen: \"127.0.0.1:0\", workers: 1 }
  admin: { listen: \"127.0.0.1:0\", token: the-operator-s-token-0123, token_access: [admin] }
  public: { listen: \"127.0.0.1:0\" }
  shutdown: { ready_delay: 0s, drain: 5s }
";
    let gateway = Gateway::try_start(&configuration, server).unwrap();
    gateway.operator().get("/v1/connections/own/token").await.problem("no_store");
    assert!(provider.asked().is_empty());
}

#[test]
fn only_keys_name_operators() {
    let server = "
log: { format: json, access: ACCESS }
server: { admin: { listen: \"127.0.0.1:0\", token: the-operator-s-token-0123, token_access: [\"On Call\"] } }
";
    let Err(error) = Gateway::try_start("", server) else { panic!("it starts") };
    let error = format!("{error}: {error:?}");
    assert!(error.contains("On Call"), "{error}");
}
