//! What is going to fail, and from when on: the grants that a person has to see to, the earliest first.
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Provider;
use crate::support::Says;
use crate::support::Shell;
use crate::support::each_engine;
use serde_json::Value;
use serde_json::json;

const ALLOW: &str = "egress: { allow: [127.0.0.0/8] }\n";
const HOUR_S: i64 = 3600;

/// An app whose customers consent in a browser.
async fn app(gateway: &Gateway, provider: &Provider) -> Operator {
    let operator = gateway.operator();
    let url = provider.url();
    let oauth2 = json!({
        "grant": "authorization_code", "authorize_url": format!("{url}/authorize"), "token_url": format!("{url}/token"),
        "reply": { "refresh_expires_in": "/refresh_expires_in" },
    });
    let connector =
        json!({ "base_url": "https://api.example", "auth": { "m": { "oauth2": oauth2 } } });
    operator.put("/v1/connectors/api", connector).await.is(201);
    let connection = json!({
        "connector": "api", "auth": "m", "embedded": true,
        "credentials": { "client_id": "app", "client_secret": "hush-hush" },
    });
    operator.put("/v1/connections/crm", connection).await.is(201);
    operator
}

fn of(tenant: &str) -> String {
    format!("/v1/connections/crm/activations/{tenant}")
}

/// A tenant who has consented, and what the provider gave.
async fn consented(operator: &Operator, provider: &Provider, tenant: &str, given: Value) {
    let at = of(tenant);
    operator.put(&at, json!({})).await.is(201);
    let asked = json!({ "redirect_uri": "https://app.example/back" });
    let begun = operator.post(&format!("{at}/authorize"), asked).await.is(200);
    provider.says([Says::json(given)]);
    let url = format!("https://app.example/back?code=c&state={}", begun.text("state"));
    operator.post(&format!("{at}/callback"), json!({ "url": url })).await.is(200);
}

/// A tenant whose refresh token is answered so.
async fn brought(operator: &Operator, provider: &Provider, tenant: &str, says: Says) {
    let at = of(tenant);
    operator.put(&at, json!({ "credentials": { "refresh_token": tenant } })).await.is(201);
    provider.says([says]);
    operator.send("POST", &format!("{at}/renew"), "", None).await;
}

async fn forecast(operator: &Operator, query: &str) -> Vec<(String, String)> {
    let page = operator.get(&format!("/v1/forecast{query}")).await.is(200);
    let text = |it: &Value, at: &str| {
        it.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let items = page.body["items"].as_array().unwrap().iter();
    items.map(|it| (text(it, "/tenant"), text(it, "/grant/state"))).collect()
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect()
}

const DEAD: (&str, &str) = ("dead", "reauthorization_required");
const SICK: (&str, &str) = ("sick", "failing");
const SHORT: (&str, &str) = ("short", "expiring");
const LONG: (&str, &str) = ("long", "expiring");

each_engine! {
    async fn what_fails_is_told_with_when_and_why_the_earliest_first(database: Database) {
        let provider = Provider::start([Says::status(503, "")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = app(&gateway, &provider).await;
        assert_eq!(forecast(&operator, "").await, []);
        brought(&operator, &provider, "dead", Says::error(400, "invalid_grant")).await;
        brought(&operator, &provider, "sick", Says::error(401, "invalid_client")).await;
        let given = json!({ "access_token": "a", "expires_in": 2 * HOUR_S });
        consented(&operator, &provider, "short", given).await;
        let given = json!({
            "access_token": "a", "refresh_token": "r", "expires_in": HOUR_S, "refresh_expires_in": 72 * HOUR_S,
        });
        consented(&operator, &provider, "long", given).await;
        let given = json!({ "access_token": "a", "refresh_token": "r", "expires_in": HOUR_S });
        consented(&operator, &provider, "well", given).await;
        let given = json!({ "access_token": "a" });
        consented(&operator, &provider, "endless", given).await;
        operator.put(&of("never"), json!({})).await.is(201);

        assert_eq!(forecast(&operator, "").await, pairs(&[DEAD, SICK, SHORT, LONG]));
        assert_eq!(forecast(&operator, "?within=3h").await, pairs(&[DEAD, SICK, SHORT]));
        assert_eq!(forecast(&operator, "?within=1h").await, pairs(&[DEAD, SICK]));
        for bad in ["x", "7", "367d", "-1h"] {
            operator.get(&format!("/v1/forecast?within={bad}")).await.problem("bad_request");
        }
        let page = operator.get("/v1/forecast").await.is(200);
        for item in page.body["items"].as_array().unwrap() {
            let tenant = item["tenant"].as_str().unwrap();
            assert_eq!(item["connection"], "crm");
            assert!(item["fails_at"].is_string() && item["grant"]["why"].is_string(), "{item}");
            let shown = operator.get(&of(tenant)).await.is(200);
            assert_eq!(shown.body["grant"], item["grant"], "the same as everywhere");
        }
        assert_eq!(page.body["items"][2]["fails_at"], page.body["items"][2]["grant"]["expires_at"]);
        assert!(!page.response.text().contains("hush-hush"));

        let mut all = Vec::new();
        let mut path = "/v1/forecast?limit=1".to_owned();
        loop {
            let page = operator.get(&path).await.is(200);
            let items = page.body["items"].as_array().unwrap().iter();
            all.extend(items.map(|it| it["tenant"].as_str().unwrap().to_owned()));
            let Some(next) = page.body["next"].as_str() else { break };
            path = format!("/v1/forecast?limit=1&cursor={next}");
        }
        assert_eq!(all, ["dead", "sick", "short", "long"]);

        let overview = operator.get("/v1/overview").await.is(200);
        let counted = json!({ "total": 7, "failing": 2, "refused": 0, "dying_7d": 2 });
        assert_eq!(overview.body["activations"], counted);

        // One that was given another credential is another grant.
        operator.patch(&of("dead"), json!({ "credentials": { "refresh_token": "other" } })).await.is(200);
        operator.delete(&of("sick")).await.is(204);
        operator.send("POST", &format!("{}/revoke", of("short")), "", None).await.is(200);
        assert_eq!(forecast(&operator, "").await, pairs(&[LONG]));
    }

    async fn a_refresh_token_whose_end_moves_on_with_each_renewal_is_not_about_to_end(database: Database) {
        let provider = Provider::start([Says::status(503, "")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = app(&gateway, &provider).await;
        let given = |token: &str, refresh_s: i64| json!({
            "access_token": token, "refresh_token": format!("r-{token}"), "expires_in": HOUR_S, "refresh_expires_in": refresh_s,
        });
        let renew = async |tenant: &str, given| {
            provider.says([Says::json(given)]);
            operator.send("POST", &format!("{}/renew", of(tenant)), "", None).await.is(200)
        };
        for tenant in ["moves", "stays"] {
            consented(&operator, &provider, tenant, given("one", 72 * HOUR_S)).await;
        }
        assert_eq!(forecast(&operator, "").await.len(), 2);
        let moved = renew("moves", given("two", 73 * HOUR_S)).await;
        assert_eq!(moved.body["grant"]["state"], "active");
        let stayed = renew("stays", given("two", 72 * HOUR_S)).await;
        assert_eq!(stayed.body["grant"]["state"], "expiring");
        assert_eq!(forecast(&operator, "").await, pairs(&[("stays", "expiring")]));
    }

    async fn it_is_typed_as_well(database: Database) {
        let provider = Provider::start([Says::status(503, "")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = app(&gateway, &provider).await;
        let shell = Shell::at(&format!("http://{}", gateway.admin), &format!("http://{}", gateway.proxy));
        consented(&operator, &provider, "short", json!({ "access_token": "a", "expires_in": 2 * HOUR_S })).await;
        let table = shell.done("attache forecast --within 30d").await;
        let rows = table.table("CONNECTION TENANT STATE FAILS AT WHY");
        assert!(rows.len() == 1 && rows[0].starts_with("crm         short   expiring"), "{rows:?}");
        assert_eq!(shell.done("attache forecast --within 1h -o json").await.json(), json!([]));
        shell.run("attache forecast --within soon").await.is(2).says(&["within"]);
    }
}

#[tokio::test]
async fn without_a_store_there_is_none() {
    Gateway::start(ALLOW).operator().get("/v1/forecast").await.problem("no_store");
}
