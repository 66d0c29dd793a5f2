//! Senders that hand their secret over, over real sockets: kept while it is waited for, shown once, and never again.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::raw_request;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use serde_json::Value;
use serde_json::json;

const HOOKS: &str = "/v1/connections/hooks";
const ACME: &str = "/v1/connections/each/activations/acme";
const SECRET: &str = "canary-b537207f20cbfa02357cf448134da559e8";
const OTHER: &str = "canary-of-somebody-else-0123456789abcdef";
const WAITING: &str = "waiting_for_secret";

/// As Asana signs and hands over: <https://developers.asana.com/docs/webhooks-guide>.
fn asana() -> Value {
    json!({ "hmac": {
        "signature": { "header": "X-Hook-Signature" },
        "content": "{body}",
        "handshakes": [{
            "when": { "header": "X-Hook-Secret" },
            "check": "none",
            "store_secret_once": { "header": "X-Hook-Secret" },
            "respond": { "headers": { "X-Hook-Secret": "{header.X-Hook-Secret}" } },
        }],
    } })
}

/// As Notion does, whose token a person takes to its page: <https://developers.notion.com/reference/webhooks>.
fn notion() -> Value {
    json!({ "hmac": {
        "signature": { "header": "X-Notion-Signature", "prefix": "sha256=" },
        "content": "{body}",
        "handshakes": [{
            "when": { "json": "/verification_token" },
            "check": "none",
            "store_secret_once": { "json": "/verification_token" },
            "respond": { "status": 200 },
        }],
    } })
}

async fn deliver(gateway: &Gateway, target: &str, fields: &str, body: &str) -> Response {
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: hooks.example.com\r\n{fields}Content-Length: {}\r\n\r\n",
        body.len()
    );
    raw_request(gateway.public, [head.as_bytes(), body.as_bytes()].concat()).await
}

async fn hand_over(gateway: &Gateway, secret: &str) -> Response {
    deliver(gateway, "/hooks/hooks", &format!("X-Hook-Secret: {secret}\r\n"), "").await
}

async fn notion_hands_over(gateway: &Gateway, target: &str, secret: &str) -> Response {
    let body = json!({ "verification_token": secret }).to_string();
    deliver(gateway, target, "Content-Type: application/json\r\n", &body).await
}

fn signed(header: &str, secret: &str, body: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("any key does");
    mac.update(body.as_bytes());
    format!("{header}{}\r\n", hex::encode(mac.finalize().into_bytes()))
}

async fn asana_sends(gateway: &Gateway, secret: &str, body: &str) -> Response {
    deliver(gateway, "/hooks/hooks", &signed("X-Hook-Signature: ", secret, body), body).await
}

/// The problem's code.
fn code(answer: &Response) -> String {
    let problem: Value = serde_json::from_str(&answer.text()).unwrap_or_default();
    problem["code"].as_str().unwrap_or_default().to_owned()
}

fn beside(database: &Database) -> Gateway {
    Gateway::beside(database, "egress: { allow: [127.0.0.0/8] }\n")
}

/// `hooks`, which waits for Asana, and `each`, under which `acme` waits for Notion.
async fn waiting(gateway: &Gateway, target: &RawUpstream) -> Operator {
    let operator = gateway.operator();
    let auth = json!({ "asana": asana(), "notion": notion() });
    let connector = json!({ "base_url": "https://api.example", "auth": auth });
    operator.put("/v1/connectors/api", connector).await.is(201);
    let base_url = format!("{}/in", target.url());
    let own = json!({ "connector": "api", "auth": "asana", "base_url": base_url });
    operator.put(HOOKS, own).await.is(201);
    let each =
        json!({ "connector": "api", "auth": "notion", "base_url": base_url, "embedded": true });
    operator.put("/v1/connections/each", each).await.is(201);
    operator.put(ACME, json!({})).await.is(201);
    operator
}

async fn target() -> RawUpstream {
    let answer = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
    RawUpstream::start([answer; 4].map(Script::answer)).await
}

/// Acts of the trail, the newest first, with who did each.
async fn acts(operator: &Operator, filter: &str) -> Vec<(String, String)> {
    let log = operator.get(&format!("/v1/audit?{filter}")).await.is(200);
    let text = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
    let entries = log.body["items"].as_array().unwrap();
    entries.iter().map(|it| (text(it, "act"), text(it, "who"))).collect()
}

each_engine! {
    async fn what_is_handed_over_while_it_is_waited_for_is_the_secret_from_then_on(database: Database) {
        let target = target().await;
        let gateway = beside(&database);
        let operator = waiting(&gateway, &target).await;
        let shown = operator.get(HOOKS).await.is(200);
        assert_eq!(shown.text("status"), WAITING);
        assert!(shown.text("waits_until") > shown.text("updated_at"), "{}", shown.body);
        let early = asana_sends(&gateway, SECRET, "{}").await;
        assert_eq!(early.status, 401, "{}", early.text());

        let kept = hand_over(&gateway, SECRET).await;
        assert_eq!((kept.status, kept.field("x-hook-secret")), (200, Some(SECRET)), "{}", kept.text());
        let shown = operator.get(HOOKS).await.is(200);
        assert_eq!(shown.text("status"), "ready");
        assert_eq!(shown.body.get("waits_until"), None);
        assert!(shown.body["credentials"]["secret"]["fingerprint"].is_string());
        assert_eq!(asana_sends(&gateway, SECRET, "{\"events\":[]}").await.status, 202);
        assert_eq!(target.request().await.body, b"{\"events\":[]}");

        // The sender did not get the answer; and somebody else wants to be it.
        assert_eq!(hand_over(&gateway, SECRET).await.status, 200);
        let refused = hand_over(&gateway, OTHER).await;
        assert_eq!((refused.status, &*code(&refused)), (401, "webhook_bad_signature"));
        assert_eq!(refused.field("x-hook-secret"), None);
        assert_eq!(asana_sends(&gateway, OTHER, "{}").await.status, 401);
        let own = acts(&operator, "kind=connection&key=hooks").await;
        assert_eq!(own[0], ("learned".to_owned(), "sender 127.0.0.1".to_owned()), "{own:?}");
        assert_eq!(own.len(), 2, "beside `created`: {own:?}");
        let events = operator.get("/v1/events?type=connection.secret_learned").await.is(200);
        let [event] = &events.body["items"].as_array().unwrap()[..] else { panic!("{}", events.body) };
        assert_eq!(event["connection"], "hooks");

        // Taken away, it is waited for again: by whoever comes first.
        operator.patch(HOOKS, json!({ "credentials": { "secret": null } })).await.is(200);
        assert_eq!(operator.get(HOOKS).await.is(200).text("status"), WAITING);
        assert_eq!(asana_sends(&gateway, SECRET, "{}").await.status, 401);
        assert_eq!(hand_over(&gateway, OTHER).await.status, 200);
        assert_eq!(asana_sends(&gateway, OTHER, "{}").await.status, 202);
    }

    async fn of_twenty_senders_at_once_one_is_believed(database: Database) {
        let target = target().await;
        let gateway = beside(&database);
        let operator = waiting(&gateway, &target).await;
        let public = gateway.public;
        let all = (0..20).map(|number| {
            tokio::spawn(async move {
                let secret = format!("{OTHER}-{number}");
                let request = format!(
                    "POST /hooks/hooks HTTP/1.1\r\nHost: h.example\r\nX-Hook-Secret: {secret}\r\nContent-Length: 0\r\n\r\n"
                );
                (raw_request(public, request).await, secret)
            })
        });
        let mut believed = Vec::new();
        for one in all.collect::<Vec<_>>() {
            let (answer, secret) = one.await.unwrap();
            match answer.status {
                200 => believed.push(secret),
                401 => assert_eq!(code(&answer), "webhook_bad_signature"),
                // It is not looked at now: let it come again.
                503 => assert!(answer.field("retry-after").is_some()),
                429 => {}
                status => panic!("{status}: {}", answer.text()),
            }
        }
        let [secret] = &believed[..] else { panic!("{believed:?}") };
        assert_eq!(operator.post(&format!("{HOOKS}/webhook/reveal"), Value::Null).await.is(200).text("secret"), secret);
        assert_eq!(asana_sends(&gateway, secret, "{}").await.status, 202);
        let learned = acts(&operator, "kind=connection&key=hooks").await;
        assert_eq!(learned.iter().filter(|it| it.0 == "learned").count(), 1, "{learned:?}");
    }

    async fn it_is_shown_once_to_an_operator_and_the_trail_has_it(database: Database) {
        let target = target().await;
        let gateway = beside(&database);
        let operator = waiting(&gateway, &target).await;
        let (of_hooks, of_acme) = (format!("{HOOKS}/webhook/reveal"), format!("{ACME}/webhook/reveal"));
        operator.post(&of_acme, Value::Null).await.is(404).problem("not_found");
        assert!(operator.get(ACME).await.is(200).body["waits_until"].is_string());
        let listed = operator.get("/v1/connections/each/activations").await.is(200);
        assert!(listed.body["items"][0]["waits_until"].is_string(), "{}", listed.body);

        let kept = notion_hands_over(&gateway, "/hooks/each@acme", SECRET).await;
        assert_eq!(kept.status, 200, "{}", kept.text());
        assert!(!kept.text().contains(SECRET));
        assert_eq!(operator.get(ACME).await.is(200).body.get("waits_until"), None);
        let viewer = operator.post("/v1/tokens", json!({ "key": "watch", "role": "viewer" })).await.is(201);
        operator.with_token(viewer.text("token")).post(&of_acme, Value::Null).await.is(403);
        operator.post("/v1/connections/each/activations/nobody/webhook/reveal", Value::Null).await.is(404);
        let shown = operator.post(&of_acme, Value::Null).await.is(200);
        assert_eq!(shown.body, json!({ "secret": SECRET }));
        assert_eq!(shown.response.field("cache-control"), Some("no-store"));
        operator.post(&of_acme, Value::Null).await.is(404).problem("not_found");
        let of_tenant = acts(&operator, "kind=activation&tenant=acme").await;
        let told: Vec<_> = of_tenant.iter().map(|it| (&*it.0, &*it.1)).collect();
        assert_eq!(told[..2], [("revealed", "operator admin"), ("learned", "sender 127.0.0.1")]);

        let body = "{\"type\":\"page.created\"}";
        let fields = signed("X-Notion-Signature: sha256=", SECRET, body);
        assert_eq!(deliver(&gateway, "/hooks/each@acme", &fields, body).await.status, 202);

        // What was entered is shown to nobody.
        operator.put(&format!("{HOOKS}/credentials"), json!({ "secret": SECRET })).await.is(200);
        operator.post(&of_hooks, Value::Null).await.is(404);
        assert_eq!(hand_over(&gateway, OTHER).await.status, 401);
    }

    async fn whoever_comes_too_late_is_not_believed_until_an_operator_says_so(database: Database) {
        let target = target().await;
        let gateway = beside(&database);
        let operator = waiting(&gateway, &target).await;
        database.run("UPDATE connections SET updated_at = updated_at - 3600001").await;
        let late = hand_over(&gateway, SECRET).await;
        assert_eq!((late.status, &*code(&late)), (401, "webhook_bad_signature"));
        let shown = operator.get(HOOKS).await.is(200);
        assert_eq!(shown.text("status"), WAITING);
        assert!(shown.body["credentials"].is_null(), "{}", shown.body);
        operator.patch(HOOKS, json!({})).await.is(200);
        assert_eq!(hand_over(&gateway, SECRET).await.status, 200);
    }

    async fn under_a_connection_of_a_file_what_is_stored_can_wait(database: Database) {
        let target = target().await;
        let configuration = format!(
            "egress: {{ allow: [127.0.0.0/8] }}
connectors:
  api: {{ base_url: https://api.example, auth: {{ notion: {} }} }}
connections:
  each: {{ connector: api, auth: notion, base_url: \"{}\", embedded: true }}
",
            notion(),
            target.url(),
        );
        let gateway = Gateway::beside(&database, &configuration);
        let operator = gateway.operator();
        operator.put(ACME, json!({})).await.is(201);
        assert_eq!(notion_hands_over(&gateway, "/hooks/each@acme", SECRET).await.status, 200);
        let shown = operator.post(&format!("{ACME}/webhook/reveal"), Value::Null).await.is(200);
        assert_eq!(shown.text("secret"), SECRET);
        operator.post("/v1/connections/each/webhook/reveal", Value::Null).await.is(404);
    }

    async fn lk_01_nothing_but_the_one_answer_has_it(database: Database) {
        let target = target().await;
        let gateway = beside(&database);
        let operator = waiting(&gateway, &target).await;
        assert_eq!(hand_over(&gateway, SECRET).await.status, 200);
        assert_eq!(hand_over(&gateway, OTHER).await.status, 401);
        assert_eq!(notion_hands_over(&gateway, "/hooks/each@acme", SECRET).await.status, 200);
        assert_eq!(notion_hands_over(&gateway, "/hooks/each@acme", OTHER).await.status, 401);
        operator.post(&format!("{ACME}/webhook/reveal"), Value::Null).await.is(200);
        let document = operator.get("/openapi.json").await.is(200);
        let mut asked = 0;
        for (path, item) in document.body["paths"].as_object().unwrap() {
            // The stream of exchanges has no end; what it tells of, the list does as well.
            if path.ends_with("/token") || path.ends_with("/stream") || item.get("get").is_none() {
                continue;
            }
            let keys = [("{connection}", "hooks"), ("{tenant}", "acme"), ("{connector}", "api"), ("{method}", "asana")];
            let path = keys.iter().fold(path.clone(), |path, (name, key)| path.replace(name, key));
            let text = operator.get(&path).await.response.text();
            assert!(!text.contains("canary-"), "{path}: {text}");
            asked += 1;
        }
        assert!(asked > 30, "{asked}");
        for path in [ACME, "/metrics", "/readyz", "/v1/events", "/v1/audit"] {
            let text = operator.get(path).await.is(200).response.text();
            assert!(!text.contains("canary-"), "{path}: {text}");
        }
        for column in ["audit.became", "audit.was", "events.data", "credentials.fields", "connections.definition"] {
            let (table, column) = column.split_once('.').unwrap();
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE {column} LIKE '%canary-%'");
            assert_eq!(database.number(&sql).await, 0, "{table}.{column}");
        }
        let logged = format!("{:?}", gateway.stop());
        assert!(logged.contains("/hooks/hooks") && !logged.contains("canary-"), "{logged}");
    }
}

#[test]
fn a_file_has_to_have_the_secret_since_it_can_keep_none() {
    let configuration = |credentials: &str| {
        format!(
            "connectors:
  api: {{ base_url: https://api.example, auth: {{ asana: {} }} }}
connections:
  hooks: {{ connector: api, auth: asana, base_url: \"https://in.example\"{credentials} }}
",
            asana()
        )
    };
    let server = "
log: { format: json, access: ACCESS }
server:
  proxy: { listen: \"127.0.0.1:0\", workers: 1 }
  admin: { listen: \"127.0.0.1:0\", token: the-operator-s-token-0123 }
  public: { listen: \"127.0.0.1:0\" }
";
    let Err(error) = Gateway::try_start(&configuration(""), server) else { panic!("it starts") };
    let error = format!("{error}: {error:?}");
    assert!(error.contains("nothing that the sender hands over can be kept here"), "{error}");
    assert!(
        Gateway::try_start(&configuration(", credentials: { secret: s3cret }"), server).is_ok()
    );
}
