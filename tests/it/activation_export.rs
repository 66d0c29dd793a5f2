//! `attache activation export`: all that tenants gave comes back, to the holder of one private key and to nobody else.
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Rotating;
use crate::support::Says;
use crate::support::Script;
use crate::support::Shell;
use crate::support::age;
use crate::support::each_engine;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;

const ALLOW: &str = "egress: { allow: [127.0.0.0/8] }\n";
const EXPORT: &str = "/v1/activations/export";

async fn apps(operator: &Operator, provider: &str, base_url: &str) {
    let oauth2 = json!({
        "grant": "authorization_code", "authorize_url": format!("{provider}/authorize"),
        "token_url": format!("{provider}/token"),
    });
    let connector = json!({
        "base_url": base_url,
        "variables": { "region": { "pattern": "[a-z]+" } },
        "auth": { "account": { "oauth2": oauth2 }, "key": { "bearer": {} } },
    });
    operator.put("/v1/connectors/api", connector).await.is(201);
    let app = json!({ "client_id": "app", "client_secret": "s" });
    let crm =
        json!({ "connector": "api", "auth": "account", "embedded": true, "credentials": app });
    operator.put("/v1/connections/crm", crm).await.is(201);
    let keys = json!({ "connector": "api", "auth": "key", "embedded": true });
    operator.put("/v1/connections/keys", keys).await.is(201);
}

fn shell(gateway: &Gateway) -> Shell {
    Shell::at(&format!("http://{}", gateway.admin), &format!("http://{}", gateway.proxy))
}

/// The lines of an export, by connection and tenant.
fn lines(plain: &[u8]) -> BTreeMap<String, Value> {
    let text = String::from_utf8(plain.to_vec()).unwrap();
    let line = |it: &str| {
        let it: Value = serde_json::from_str(it).unwrap();
        (format!("{}@{}", it["connection"].as_str().unwrap(), it["tenant"].as_str().unwrap()), it)
    };
    text.lines().map(line).collect()
}

each_engine! {
    async fn what_was_given_comes_back_with_the_tokens_that_there_are_now(database: Database) {
        let provider = Provider::rotating(Rotating::living(3600)).await;
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside_exporting(&database, ALLOW);
        let operator = gateway.operator();
        apps(&operator, provider.url(), &upstream.url()).await;
        let all: Vec<Value> = (0..450)
            .map(|it| json!({
                "connection": "keys", "tenant": format!("t{it}"), "credentials": { "token": format!("canary-{it}") },
                "variables": { "region": "eu" }, "enabled": it != 3,
            }))
            .collect();
        operator.post("/v1/activations/import", json!({ "activations": all })).await.is(200);
        let brought = json!({ "connection": "crm", "tenant": "acme", "refresh_token": "acme-0", "scopes": "x y" });
        operator.post("/v1/activations/import", json!({ "activations": [brought] })).await.is(200);
        let fields = "Attache-Connection: crm\r\nAttache-Tenant: acme\r\n";
        assert_eq!(gateway.get("/a", fields).await.status, 200);

        let shell = shell(&gateway);
        let (private, recipient) = age::pair();
        shell.done(&format!("attache activation export --recipient {recipient} -f all.age")).await;
        let file = fs::read(shell.folder.path().join("all.age")).unwrap();
        assert!(!String::from_utf8_lossy(&file).contains("canary"));
        let plain = age::opened(&private, &file).expect("it is for this key");
        let found = lines(&plain);
        assert_eq!(found.len(), 451);
        let acme = &found["crm@acme"];
        assert_eq!((&acme["access_token"], &acme["refresh_token"]), (&json!("a-acme-1"), &json!("acme-1")), "the present ones");
        assert_eq!((&acme["scopes"], &acme["enabled"]), (&json!("x y"), &json!(true)));
        assert!(acme["expires_at"].as_str().is_some_and(|it| it.parse::<u64>().is_ok()), "{acme}");
        let third = json!({
            "connection": "keys", "tenant": "t3", "enabled": false, "credentials": { "token": "canary-3" },
            "variables": { "region": "eu" },
        });
        assert_eq!(found["keys@t3"], third);
        let entered = operator.get("/v1/audit?kind=activation&limit=1").await.is(200);
        let entry = &entered.body["items"][0];
        assert_eq!((&entry["act"], &entry["after"]["recipient"]), (&json!("disclosed"), &json!(recipient)), "{entry}");

        shell.done(&format!("attache activation export --recipient {recipient} --connection crm -f crm.age")).await;
        let file = fs::read(shell.folder.path().join("crm.age")).unwrap();
        assert_eq!(lines(&age::opened(&private, &file).unwrap()).len(), 1);
        shell.run(&format!("attache activation export --recipient {recipient} -f crm.age")).await.is(2).says(&["already"]);

        // Another attache is given everything, and goes on with the same tokens.
        let other = database.empty().await;
        let there = Gateway::beside_exporting(&other, ALLOW);
        apps(&there.operator(), provider.url(), &upstream.url()).await;
        let other_shell = self::shell(&there);
        let ran = other_shell.fed("attache activation import - -o json", &String::from_utf8(plain).unwrap()).await.is(0);
        assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap()["created"], 451, "{}", ran.err);
        other_shell.done(&format!("attache activation export --recipient {recipient} -f again.age")).await;
        let file = fs::read(other_shell.folder.path().join("again.age")).unwrap();
        assert_eq!(lines(&age::opened(&private, &file).unwrap()), found);
    }

    async fn tokens_that_are_good_for_nothing_do_not_pass_for_present_ones(database: Database) {
        let provider = Provider::rotating(Rotating::living(3600)).await;
        let upstream = RawUpstream::start([Script::ok("hi"), Script::ok("hi")]).await;
        let gateway = Gateway::beside_exporting(&database, ALLOW);
        let operator = gateway.operator();
        apps(&operator, provider.url(), &upstream.url()).await;
        for tenant in ["gone", "closed"] {
            let brought = json!({ "connection": "crm", "tenant": tenant, "refresh_token": format!("{tenant}-0") });
            operator.post("/v1/activations/import", json!({ "activations": [brought] })).await.is(200);
            let fields = format!("Attache-Connection: crm\r\nAttache-Tenant: {tenant}\r\n");
            assert_eq!(gateway.get("/a", &fields).await.status, 200);
        }
        operator.send("POST", "/v1/connections/crm/activations/gone/revoke", "", None).await.is(200);
        database.run("UPDATE credentials SET fields = '{}' WHERE tenant = 'closed' AND slot <> 'activation'").await;
        let (private, recipient) = age::pair();
        let shell = shell(&gateway);
        shell.done(&format!("attache activation export --recipient {recipient} -f all.age")).await;
        let file = fs::read(shell.folder.path().join("all.age")).unwrap();
        let found = lines(&age::opened(&private, &file).unwrap());
        assert_eq!(found["crm@gone"], json!({ "connection": "crm", "tenant": "gone", "enabled": true }));
        let closed = &found["crm@closed"];
        assert_eq!((&closed["unreadable"], &closed["refresh_token"]), (&json!("its tokens can't be opened"), &json!(null)), "{closed}");
    }

    async fn a_token_of_oauth1_is_known_by_its_method_and_has_no_empty_secret(database: Database) {
        let form = |text: &str| Says::status(200, text).with("Content-Type: application/x-www-form-urlencoded\r\n");
        let temporary = "oauth_token=tmp-1&oauth_token_secret=u&oauth_callback_confirmed=true";
        let provider =
            Provider::start([form(temporary), form("oauth_token=t-1&oauth_token_secret=")]).await;
        let gateway = Gateway::beside_exporting(&database, ALLOW);
        let operator = gateway.operator();
        let url = provider.url();
        let oauth1 = json!({
            "request_url": format!("{url}/initiate"), "authorize_url": format!("{url}/authorize"),
            "token_url": format!("{url}/token"),
        });
        let connector = json!({ "base_url": "https://api.example", "auth": { "m": { "oauth1": oauth1 } } });
        operator.put("/v1/connectors/api", connector).await.is(201);
        let app = json!({ "consumer_key": "app", "consumer_secret": "s" });
        let connection = json!({ "connector": "api", "auth": "m", "embedded": true, "credentials": app });
        operator.put("/v1/connections/crm", connection).await.is(201);
        let at = "/v1/connections/crm/activations/acme";
        operator.put(at, json!({ "credentials": { "token": "br0ught" } })).await.is(201);
        let back = "https://app.example/back";
        operator.post(&format!("{at}/authorize"), json!({ "redirect_uri": back })).await.is(200);
        let back = json!({ "url": format!("{back}?oauth_token=tmp-1&oauth_verifier=v") });
        operator.post(&format!("{at}/callback"), back).await.is(200);

        let (private, recipient) = age::pair();
        let shell = shell(&gateway);
        let exported = async |name: &str| {
            shell.done(&format!("attache activation export --recipient {recipient} -f {name}")).await;
            let file = fs::read(shell.folder.path().join(name)).unwrap();
            lines(&age::opened(&private, &file).unwrap())["crm@acme"].clone()
        };
        let acme = json!({ "connection": "crm", "tenant": "acme", "enabled": true });
        let mut with_token = acme.clone();
        with_token["credentials"] = json!({ "token": "t-1" });
        assert_eq!(exported("had.age").await, with_token);
        operator.send("POST", &format!("{at}/revoke"), "", None).await.is(200);
        assert_eq!(exported("ended.age").await, acme, "what it brought is none either");
    }

    async fn it_is_for_those_alone_whom_the_configuration_names(database: Database) {
        let gateway = Gateway::beside(&database, ALLOW);
        let (_, recipient) = age::pair();
        let refused = gateway.operator().post(EXPORT, json!({ "recipient": recipient })).await;
        let refused = refused.is(403).problem("operator_forbidden");
        assert!(refused.text("detail").contains("server.admin.export_access"), "{}", refused.body);
        drop(gateway);
        let gateway = Gateway::beside_exporting(&database, ALLOW);
        let operator = gateway.operator();
        for (sent, pointer) in [
            (json!({ "recipient": "age1" }), "/recipient"),
            (json!({ "recipient": "AGE-SECRET-KEY-1X" }), "/recipient"),
            (json!({ "recipient": recipient, "connection": "nothing" }), "/connection"),
        ] {
            assert_eq!(operator.post(EXPORT, sent).await.is(422).pointers(), [pointer]);
        }
        let made = operator.post("/v1/tokens", json!({ "key": "other", "role": "admin" })).await.is(201);
        let other = operator.with_token(made.text("token"));
        other.post(EXPORT, json!({ "recipient": recipient })).await.is(403);
        let empty = operator.post(EXPORT, json!({ "recipient": recipient })).await.is(200);
        assert_eq!(empty.response.field("content-type"), Some("application/octet-stream"));
        database.run("ALTER TABLE audit RENAME TO gone").await;
        let refused = operator.post(EXPORT, json!({ "recipient": recipient })).await;
        assert!(refused.status >= 500, "what the trail can't have is not given: {}", refused.status);
    }
}
