//! The whole model by API alone, from an empty store to a customer's request and back: on both engines.
//!
//! It reads from top to bottom as what an operator's application does.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::RawUpstream;
use crate::support::Received;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::raw_request;
use serde_json::json;

/// Nothing but what lets tests reach themselves: everything else comes by API.
const EMPTY: &str = "egress: { allow: [127.0.0.0/8] }\n";

/// A request of an integration's, with a caller key of its own.
struct Runtime<'g> {
    gateway: &'g Gateway,
    upstream: &'g RawUpstream,
    key: String,
}

impl Runtime<'_> {
    /// The status, and what arrived at the third party, if anything did.
    async fn get(&self, tags: &str) -> (u16, Option<Received>) {
        let request = format!(
            "GET /tickets HTTP/1.1\r\nHost: gateway\r\nAttache-Key: {}\r\n{tags}\r\n",
            self.key
        );
        let answer = raw_request(self.gateway.proxy, request).await;
        (answer.status, self.upstream.request_so_far().await)
    }
}

fn field<'r>(received: &'r Option<Received>, name: &str) -> Option<&'r str> {
    received.as_ref().and_then(|it| it.field(name))
}

each_engine! {
    async fn the_whole_of_the_model_by_api_alone(database: Database) {
        let upstream = RawUpstream::start([Script::ok("tickets")]).await;
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();

        // A connector is the central description of a third party's API, with its auth methods.
        let desk = json!({
            "key": "desk",
            "name": "Desk",
            "base_url": upstream.url(),
            "variables": { "area": { "pattern": "[a-z]+" } },
            "auth": {
                "token": { "api_key": { "in": "header", "name": "X-Api-Key" }, "name": "Token" },
                "login": { "basic": {} },
            },
            "endpoints": {
                "list-tickets": { "method": "GET", "path": "/tickets", "name": "List tickets" },
                "change-ticket": { "method": "PATCH", "path": "/tickets/{number}" },
                "delete-ticket": { "method": "DELETE", "path": "/tickets/{number}" },
            },
        });
        let created = operator.post("/v1/connectors", desk).await.is(201);
        assert_eq!(created.response.field("location"), Some("/v1/connectors/desk"));
        assert_eq!(created.body["auth"]["token"]["revision"], 1);

        // An integration links connectors, each under an alias. It says which endpoints matter to it, and what
        // is different of one; the connector stays as it is.
        let sync = json!({ "connectors": { "tickets": { "connector": "desk", "endpoints": {
            "except": ["delete-ticket"],
            "override": { "change-ticket": { "method": "PUT" } },
        } } } });
        operator.put("/v1/integrations/ticket-sync", sync).await.is(201);
        let listed = operator.get("/v1/integrations/ticket-sync/endpoints").await.is(200);
        let told: Vec<_> = listed.body["items"].as_array().unwrap().iter()
            .map(|it| ["alias", "method", "path", "overridden"].map(|name| it[name].clone())).collect();
        assert_eq!(told, [
            [json!("tickets"), json!("PUT"), json!("/tickets/{number}"), json!(["method"])],
            [json!("tickets"), json!("GET"), json!("/tickets"), json!([])],
        ]);
        let central = operator.get("/v1/connectors/desk/endpoints").await.is(200);
        assert_eq!(central.keys(), ["change-ticket", "delete-ticket", "list-tickets"]);
        assert_eq!(central.body["items"][0]["method"], "PATCH");
        // What an integration names is not taken from under it.
        let less = json!({ "endpoints": { "change-ticket": null } });
        operator.patch("/v1/connectors/desk", less).await.problem("in_use");

        // A standard connection holds its credentials itself, and is ready once it is created.
        let prod = json!({
            "key": "desk-prod",
            "name": "Production",
            "connector": "desk",
            "auth": "token",
            "credentials": { "key": "s3cret-of-prod" },
        });
        let created = operator.post("/v1/connections", prod).await.is(201);
        assert_eq!((created.text("status"), &created.body["revision"]), ("ready", &json!(1)));
        // Credentials go in and never come out: a fingerprint and a date are shown.
        assert!(!created.response.text().contains("s3cret"), "{}", created.body);
        let shown = &created.body["credentials"]["key"];
        assert_eq!(shown["fingerprint"].as_str().map(str::len), Some(16));

        // An environment assigns a connection to each link. Several may share one connection.
        for environment in ["dev", "production"] {
            let body = json!({
                "integration": "ticket-sync",
                "deployed": environment == "production",
                "assign": { "tickets": "desk-prod" },
            });
            operator.put(&format!("/v1/environments/{environment}"), body).await.is(201);
        }
        let uses = operator.get("/v1/connections/desk-prod").await.is(200).body["uses"].clone();
        assert_eq!(uses, json!({ "environments": 2, "deployed": 1, "activations": 0 }));

        // A caller gets a key, which is shown this once.
        let caller = json!({ "key": "runtime-eu", "connections": ["desk-*"] });
        let created = operator.post("/v1/callers", caller).await.is(201);
        let runtime = Runtime {
            gateway: &gateway,
            upstream: &upstream,
            key: created.text("caller_key").to_owned(),
        };
        assert!(runtime.key.starts_with("atc_"));
        let read = operator.get("/v1/callers/runtime-eu").await.is(200);
        assert!(!read.response.text().contains(&runtime.key));

        // The request that follows works: by connection, and by environment.
        let (status, received) = runtime.get("Attache-Connection: desk-prod\r\n").await;
        assert_eq!((status, field(&received, "x-api-key")), (200, Some("s3cret-of-prod")));
        let tags = "Attache-Environment: production\r\nAttache-Connector: tickets\r\n";
        assert_eq!(runtime.get(tags).await.0, 200);

        // A change of an auth method is another revision. The connection keeps the one it was made with …
        let changed = json!({ "api_key": { "in": "header", "name": "X-New-Key" } });
        let method = operator.put("/v1/connectors/desk/auth/token", changed).await.is(200);
        assert_eq!(method.body["revision"], 2);
        let (_, received) = runtime.get("Attache-Connection: desk-prod\r\n").await;
        assert_eq!(field(&received, "x-api-key"), Some("s3cret-of-prod"));
        let connection = operator.get("/v1/connections/desk-prod").await.is(200);
        assert_eq!((&connection.body["revision"], &connection.body["latest_revision"]), (&json!(1), &json!(2)));
        // … until it is pinned again, on purpose, by somebody who was shown who is affected.
        let preview = operator.post("/v1/connections/desk-prod/repin?dry_run=true", json!({})).await.is(200);
        assert_eq!((&preview.body["from"], &preview.body["to"]), (&json!(1), &json!(2)));
        assert_eq!(preview.body["uses"]["deployed"], 1);
        operator.post("/v1/connections/desk-prod/repin", json!({})).await.is(200);
        let (_, received) = runtime.get("Attache-Connection: desk-prod\r\n").await;
        assert_eq!(field(&received, "x-new-key"), Some("s3cret-of-prod"));
        let revisions = operator.get("/v1/connectors/desk/auth/token/revisions").await.is(200);
        let pinned: Vec<_> = revisions.body["items"].as_array().unwrap().iter()
            .map(|it| (it["revision"].as_i64().unwrap(), it["connections"].clone())).collect();
        assert_eq!(pinned, [(2, json!(["desk-prod"])), (1, json!([]))]);

        // An embedded connection holds nothing: each customer brings its own.
        let customers = json!({
            "connector": "desk",
            "auth": "login",
            "embedded": true,
            "expose": true,
            "base_url": format!("{}/{{area}}", upstream.url()),
            "test_credentials": { "username": "tester", "password": "s3cret-of-tests" },
        });
        let created = operator.put("/v1/connections/desk-customers", customers).await.is(201);
        assert_eq!(created.text("status"), "not_activated");
        let (status, _) = runtime.get("Attache-Connection: desk-customers\r\nAttache-Tenant: acme\r\n").await;
        assert_eq!(status, 409);

        // A customer is activated with one call, and its next request works.
        let acme = json!({
            "variables": { "area": "acme" },
            "credentials": { "username": "ops@acme.test", "password": "s3cret-of-acme" },
        });
        let path = "/v1/connections/desk-customers/activations/acme";
        let created = operator.put(path, acme).await.is(201);
        assert!(!created.response.text().contains("s3cret"), "{}", created.body);
        let tags = "Attache-Connection: desk-customers\r\nAttache-Tenant: acme\r\n";
        let (status, received) = runtime.get(tags).await;
        // `ops@acme.test:s3cret-of-acme`, RFC 7617 §2.
        assert_eq!((status, field(&received, "authorization")),
            (200, Some("Basic b3BzQGFjbWUudGVzdDpzM2NyZXQtb2YtYWNtZQ==")));
        assert_eq!(received.unwrap().line(), "GET /acme/tickets HTTP/1.1");

        // It is tried out with credentials of its own, which take effect at once.
        let (_, received) = runtime.get(&format!("{tags}Attache-Test: true\r\nAttache-Variables: area=acme\r\n")).await;
        // `tester:s3cret-of-tests`
        assert_eq!(field(&received, "authorization"), Some("Basic dGVzdGVyOnMzY3JldC1vZi10ZXN0cw=="));

        // A customer in a whole environment: every embedded connection that it assigns, or none.
        let assign = json!({ "assign": { "tickets": "desk-customers" } });
        operator.patch("/v1/environments/dev", assign).await.is(200);
        let nothing = operator.put("/v1/environments/dev/activations/globex", json!({})).await;
        assert_eq!(nothing.problem("invalid").pointers(), ["/connections/desk-customers"]);
        let globex = json!({ "connections": { "desk-customers": {
            "variables": { "area": "globex" },
            "credentials": { "username": "ops@globex.test", "password": "s3cret-of-globex" },
        } } });
        let activated = operator.put("/v1/environments/dev/activations/globex", globex).await.is(200);
        assert_eq!(activated.body["activated"], true);
        let listed = operator.get("/v1/connections/desk-customers/activations").await.is(200);
        let tenants: Vec<_> = listed.body["items"].as_array().unwrap().iter().map(|it| it["tenant"].clone()).collect();
        assert_eq!(tenants, [json!("acme"), json!("globex")]);

        // What is in use is not deleted; who uses it is said.
        let refused = operator.delete("/v1/connections/desk-customers").await.problem("in_use");
        assert_eq!((refused.status, &refused.body["total"]), (409, &json!(3)));
        let preview = operator.delete("/v1/connections/desk-customers?dry_run=true").await.is(200);
        assert_eq!((&preview.body["refused"], &preview.body["activations"]), (&json!(true), &json!(2)));
        operator.delete("/v1/connectors/desk").await.problem("in_use");

        // One act switches every use of a connection to another.
        let spare = json!({ "connector": "desk", "auth": "token", "credentials": { "key": "s3cret-of-spare" } });
        operator.put("/v1/connections/desk-spare", spare).await.is(201);
        let replace = json!({ "with": "desk-spare" });
        let preview = operator.post("/v1/connections/desk-prod/replace?dry_run=true", replace.clone()).await.is(200);
        assert_eq!(preview.body["environments"], json!(["production"]));
        operator.post("/v1/connections/desk-prod/replace", replace).await.is(200);
        let tags = "Attache-Environment: production\r\nAttache-Connector: tickets\r\n";
        let (_, received) = runtime.get(tags).await;
        assert_eq!(field(&received, "x-new-key"), Some("s3cret-of-spare"));
        operator.delete("/v1/connections/desk-prod").await.is(204);

        // A standard connection can become an embedded one and back, once it is clear what is lost.
        let switch = json!({ "to": "embedded" });
        let preview = operator.post("/v1/connections/desk-spare/switch?dry_run=true", switch.clone()).await.is(200);
        assert_eq!(preview.body["credentials_deleted"], json!(["key"]));
        operator.post("/v1/connections/desk-spare/switch", switch).await.problem("confirmation_required");
        let put = json!({ "connector": "desk", "auth": "token", "embedded": true });
        operator.put("/v1/connections/desk-spare", put).await.problem("confirmation_required");
        let confirmed = json!({ "to": "embedded", "confirm": true });
        let switched = operator.post("/v1/connections/desk-spare/switch", confirmed).await.is(200);
        assert_eq!((&switched.body["embedded"], &switched.body["credentials"]), (&json!(true), &json!(null)));
        let back = json!({ "to": "standard", "credentials": { "key": "s3cret-again" } });
        operator.post("/v1/connections/desk-spare/switch", back).await.is(200);
        let (_, received) = runtime.get(tags).await;
        assert_eq!(field(&received, "x-new-key"), Some("s3cret-again"));

        // Caller keys are rotated with an overlap.
        let rotated = operator.post("/v1/callers/runtime-eu/rotate", json!({ "overlap": "1h" })).await.is(200);
        let first = runtime.key.clone();
        let renewed = Runtime { key: rotated.text("caller_key").to_owned(), ..runtime };
        assert_eq!(renewed.get(tags).await.0, 200);
        // Within it the key before is good as well; withdrawn, it opens nothing.
        let before = Runtime { key: first, ..renewed };
        assert_eq!(before.get(tags).await.0, 200);
        let shown = operator.get("/v1/callers/runtime-eu").await.is(200);
        let prefixes: Vec<&str> = shown.body["keys"].as_array().unwrap().iter()
            .filter_map(|it| it["prefix"].as_str()).collect();
        assert_eq!(prefixes.len(), 2, "{}", shown.body);
        let old = prefixes.iter().find(|it| before.key.starts_with(**it)).unwrap();
        operator.delete(&format!("/v1/callers/runtime-eu/keys/{old}")).await.is(204);
        assert_eq!(before.get(tags).await.0, 401);

        // Deactivating removes exactly that: the customer's next request fails, the others' do not.
        let runtime = Runtime { key: rotated.text("caller_key").to_owned(), ..before };
        operator.delete("/v1/connections/desk-customers/activations/acme").await.is(204);
        let of = |tenant: &str| format!("Attache-Connection: desk-customers\r\nAttache-Tenant: {tenant}\r\n");
        assert_eq!(runtime.get(&of("acme")).await.0, 404);
        assert_eq!(runtime.get(&of("globex")).await.0, 200);

        // Operators have tokens with roles.
        let token = operator.post("/v1/tokens", json!({ "key": "ci", "role": "viewer" })).await.is(201);
        let viewer = operator.with_token(token.text("token"));
        assert_eq!(viewer.get("/v1/whoami").await.is(200).body, json!({ "name": "ci", "role": "viewer", "store": true }));
        viewer.get("/v1/connections").await.is(200);
        viewer.delete("/v1/connections/desk-spare").await.problem("operator_forbidden");
        operator.delete("/v1/tokens/ci").await.is(204);
        viewer.get("/v1/connections").await.problem("operator_unauthenticated");
    }

    async fn what_customers_bring_and_what_is_the_same_for_all_of_them(database: Database) {
        let upstream = RawUpstream::start([Script::ok("tickets")]).await;
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        let desk = json!({
            "base_url": format!("{}/{{area}}", upstream.url()),
            "variables": { "area": { "pattern": "[a-z]+", "required": true } },
            "auth": { "login": { "basic": {} }, "open": { "none": {} } },
        });
        operator.put("/v1/connectors/desk", desk).await.is(201);
        let runtime = Runtime {
            gateway: &gateway, upstream: &upstream, key: created_key(&operator, "worker").await,
        };

        // What is the same for all customers is an input of the connection; the rest each brings.
        let customers = json!({
            "connector": "desk", "auth": "login", "embedded": true, "expose": true,
            "inputs": { "username": "global", "password": "tenant", "area": "global" },
            "variables": { "area": "eu" },
            "credentials": { "username": "our-app" },
        });
        operator.put("/v1/connections/customers", customers).await.is(201);
        let path = |tenant: &str| format!("/v1/connections/customers/activations/{tenant}");
        let own = json!({ "credentials": { "username": "mine", "password": "s3cret-of-acme" } });
        let refused = operator.put(&path("acme"), own).await.problem("invalid");
        assert_eq!(refused.pointers(), ["/credentials/username"]);
        for tenant in ["acme", "globex"] {
            let brought = json!({ "credentials": { "password": format!("s3cret-of-{tenant}") } });
            operator.put(&path(tenant), brought).await.is(201);
        }
        let of = |tenant: &str| format!("Attache-Connection: customers\r\nAttache-Tenant: {tenant}\r\n");
        let (status, received) = runtime.get(&of("acme")).await;
        // `our-app:s3cret-of-acme`
        assert_eq!((status, field(&received, "authorization")), (200, Some("Basic b3VyLWFwcDpzM2NyZXQtb2YtYWNtZQ==")));
        assert_eq!(received.unwrap().line(), "GET /eu/tickets HTTP/1.1");

        // The organisation may bring them for its customers; and an API may take none at all.
        let ours = json!({
            "connector": "desk", "auth": "login", "embedded": true, "supplied_by": "operator",
        });
        let created = operator.put("/v1/connections/on-behalf", ours).await.is(201);
        assert_eq!(created.body["supplied_by"], "operator");
        let open = json!({ "connector": "desk", "auth": "open", "variables": { "area": "open" } });
        let created = operator.put("/v1/connections/open", open).await.is(201);
        assert_eq!(created.text("status"), "ready");
        let (_, received) = runtime.get("Attache-Connection: open\r\nAuthorization: Bearer own\r\n").await;
        assert_eq!(field(&received, "authorization"), Some("Bearer own"));

        // What the operator notes of a customer; and where it is activated.
        let note = json!({ "name": "Acme Ltd", "metadata": { "plan": "gold" } });
        operator.put("/v1/tenants/acme", note).await.is(201);
        let activations = operator.get("/v1/tenants/acme/activations").await.is(200);
        assert_eq!(activations.body["items"][0]["connection"], "customers");
        operator.delete("/v1/tenants/acme").await.problem("in_use");

        // A customer's own program lists and uses what is exposed to it, for that customer alone.
        let theirs = json!({ "key": "acme-app", "tenants": ["acme"], "tenant_scoped": true });
        let created = operator.post("/v1/callers", theirs).await.is(201);
        let theirs = Runtime { key: created.text("caller_key").to_owned(), ..runtime };
        let listed = raw_request(gateway.proxy, format!(
            "GET /-/connections HTTP/1.1\r\nHost: gateway\r\nAttache-Key: {}\r\n\r\n", theirs.key
        )).await;
        let listed: serde_json::Value = serde_json::from_slice(&listed.body).unwrap();
        let keys: Vec<_> = listed["connections"].as_array().unwrap().iter().map(|it| it["key"].clone()).collect();
        assert_eq!(keys, ["customers"]);
        assert_eq!(theirs.get(&of("acme")).await.0, 200);
        assert_eq!(theirs.get(&of("globex")).await.0, 403);
        assert_eq!(theirs.get("Attache-Connection: open\r\n").await.0, 404);
        operator.patch("/v1/connections/customers", json!({ "expose": false })).await.is(200);
        assert_eq!(theirs.get(&of("acme")).await.0, 404);
        let runtime = Runtime { key: created_key(&operator, "again").await, ..theirs };

        // A link may lead to another base URL of the connection's origin; the connector stays as it is.
        let links = json!({ "connectors": {
            "tickets": { "connector": "desk" },
            "archive": { "connector": "desk", "base_url": format!("{}/archive", upstream.url()) },
        } });
        operator.put("/v1/integrations/sync", links).await.is(201);
        let assign = json!({
            "integration": "sync", "assign": { "tickets": "customers", "archive": "customers" },
        });
        operator.put("/v1/environments/dev", assign.clone()).await.is(201);
        for (alias, line) in [("tickets", "/eu/tickets"), ("archive", "/archive/tickets")] {
            let tags = format!("Attache-Environment: dev\r\nAttache-Connector: {alias}\r\nAttache-Tenant: acme\r\n");
            let (status, received) = runtime.get(&tags).await;
            let line = format!("GET {line} HTTP/1.1");
            assert_eq!((status, received.unwrap().line()), (200, &*line));
        }

        // Deactivated in an environment, a customer is so under all that it assigns; nobody else is.
        let activation = "/v1/environments/dev/activations/acme";
        let preview = operator.delete(&format!("{activation}?dry_run=true")).await.is(200);
        let of_acme = json!({ "kind": "activation", "key": "customers", "tenant": "acme" });
        assert_eq!(preview.body["activations"], json!([of_acme]));
        operator.delete(activation).await.is(204);
        assert_eq!(runtime.get(&of("acme")).await.0, 404);
        assert_eq!(runtime.get(&of("globex")).await.0, 200);

        // Keys are stable: what refers to `customers` finds another region's there, as it was written here.
        let region = Database::sqlite();
        let elsewhere = Gateway::beside(&region, EMPTY);
        let there = elsewhere.operator();
        for path in ["/v1/connectors/desk", "/v1/connections/customers", "/v1/integrations/sync", "/v1/environments/dev"] {
            let mut body = operator.get(path).await.is(200).body;
            assert!(!body.to_string().contains("s3cret"));
            if path.ends_with("customers") {
                // Secrets do not travel: that region has its own.
                body["credentials"] = json!({ "username": "their-app" });
            }
            there.put(path, body).await.is(201);
        }
        let brought = json!({ "credentials": { "password": "s3cret-there" } });
        there.put(&path("acme"), brought).await.is(201);
        let runtime = Runtime { gateway: &elsewhere, upstream: &upstream, key: created_key(&there, "worker").await };
        let tags = "Attache-Environment: dev\r\nAttache-Connector: tickets\r\nAttache-Tenant: acme\r\n";
        let (status, received) = runtime.get(tags).await;
        // `their-app:s3cret-there`
        assert_eq!((status, field(&received, "authorization")), (200, Some("Basic dGhlaXItYXBwOnMzY3JldC10aGVyZQ==")));
    }
}

/// A caller of this name that may use everything: its key.
async fn created_key(operator: &Operator, name: &str) -> String {
    let created = operator.post("/v1/callers", json!({ "key": name })).await.is(201);
    created.text("caller_key").to_owned()
}
