//! Endpoints by API: listed as the connector has them, and as each link of an integration makes them.
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::RawUpstream;
use crate::support::Reply;
use crate::support::Script;
use crate::support::each_engine;
use serde_json::Value;
use serde_json::json;

/// A connector of a file, with an integration of it that leaves one endpoint out.
const FILE: &str = "\
egress: { allow: [127.0.0.0/8] }
connectors:
  hub:
    base_url: https://hub.example.com
    auth: { open: { none: {} } }
    endpoints:
      list: { method: GET, path: '/issues', name: List issues, tags: [issues] }
      create: { method: POST, path: '/issues', description: One at a time, deprecated: true }
      delete: { method: DELETE, path: '/issues/{number}' }
integrations:
  filed:
    connectors:
      hub: { connector: hub, endpoints: { except: [delete] } }
";

const EMPTY: &str = "egress: { allow: [127.0.0.0/8] }\n";

/// `desk` with three endpoints, and an integration that links it twice.
async fn furnish(operator: &Operator, base_url: &str) {
    let desk = json!({
        "base_url": base_url,
        "auth": { "open": { "none": {} } },
        "endpoints": {
            "list": { "method": "GET", "path": "/tickets" },
            "read": { "method": "GET", "path": "/tickets/{number}" },
            "write": { "method": "PUT", "path": "/tickets/{number}" },
        },
    });
    operator.put("/v1/connectors/desk", desk).await.is(201);
    let links = json!({ "connectors": {
        "all": { "connector": "desk" },
        "all-2": { "connector": "desk", "endpoints": {
            "only": ["list", "write"],
            "override": { "write": { "method": "PATCH", "path": "/v2/tickets/{number}/{field}" } },
        } },
    } });
    operator.put("/v1/integrations/sync", links).await.is(201);
}

/// What a list says of each item: these members.
fn told(listed: &Reply, members: &[&str]) -> Vec<Vec<Value>> {
    let items = listed.body["items"].as_array().expect("it is a list");
    items.iter().map(|it| members.iter().map(|name| it[name].clone()).collect()).collect()
}

/// The aliases and keys of a list of so many at a time, and in how many pages they came.
async fn paged(operator: &Operator, path: &str, limit: usize) -> (Vec<String>, usize) {
    let (mut keys, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = operator.get(&format!("{path}?limit={limit}{cursor}")).await.is(200);
        let of_page = told(&page, &["alias", "key"]);
        assert!(of_page.len() <= limit);
        let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
        keys.extend(of_page.iter().map(|it| format!("{} {}", text(&it[0]), text(&it[1]))));
        pages += 1;
        match page.body["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (keys, pages),
        }
    }
}

each_engine! {
    async fn endpoints_are_listed_as_the_connector_has_them_and_as_each_link_makes_them(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        furnish(&operator, "https://desk.example.com").await;

        let of_file = operator.get("/v1/connectors/hub/endpoints").await.is(200);
        assert_eq!(of_file.body["items"], json!([
            {
                "key": "create", "name": "create", "description": "One at a time", "method": "POST",
                "path": "/issues", "parameters": [], "tags": [], "deprecated": true,
            },
            {
                "key": "delete", "name": "delete", "method": "DELETE", "path": "/issues/{number}",
                "parameters": ["number"], "tags": [], "deprecated": false,
            },
            {
                "key": "list", "name": "List issues", "method": "GET", "path": "/issues", "parameters": [],
                "tags": ["issues"], "deprecated": false,
            },
        ]));
        let of_file = operator.get("/v1/integrations/filed/endpoints").await.is(200);
        assert_eq!(told(&of_file, &["alias", "key"]), [
            [json!("hub"), json!("create")], [json!("hub"), json!("list")],
        ]);

        let second = json!({ "connectors": {
            "b": { "connector": "hub", "endpoints": { "only": ["list"] } },
            "a": { "connector": "desk", "endpoints": {
                "except": ["list"],
                "override": { "write": { "method": "PATCH", "path": "/v2/{kind}/{number}", "name": "Change" } },
            } },
        } });
        operator.put("/v1/integrations/second", second).await.is(201);
        let listed = operator.get("/v1/integrations/second/endpoints").await.is(200);
        let told = |of: &Reply| {
            told(of, &["alias", "connector", "key", "method", "path", "parameters", "overridden"])
        };
        assert_eq!(told(&listed), [
            [json!("a"), json!("desk"), json!("read"), json!("GET"), json!("/tickets/{number}"), json!(["number"]), json!([])],
            [
                json!("a"), json!("desk"), json!("write"), json!("PATCH"), json!("/v2/{kind}/{number}"),
                json!(["kind", "number"]), json!(["name", "method", "path"]),
            ],
            [json!("b"), json!("hub"), json!("list"), json!("GET"), json!("/issues"), json!([]), json!([])],
        ]);
        // The connector stays as it is.
        let desk = operator.get("/v1/connectors/desk").await.is(200);
        assert_eq!(desk.body["endpoints"]["write"], json!({ "method": "PUT", "path": "/tickets/{number}" }));

        for path in ["/v1/connectors/none/endpoints", "/v1/integrations/none/endpoints"] {
            operator.get(path).await.problem("not_found");
        }
    }

    async fn a_list_of_connectors_may_be_without_their_endpoints(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        furnish(&operator, "https://desk.example.com").await;
        let of = |list: &Value, key: &str| {
            let items = list["items"].as_array().unwrap();
            items.iter().find(|it| it["key"] == key).unwrap().clone()
        };
        for all in ["/v1/connectors", "/v1/connectors?endpoints=true"] {
            let whole = operator.get(all).await.is(200).body;
            for key in ["desk", "hub"] {
                let alone = operator.get(&format!("/v1/connectors/{key}")).await.is(200).body;
                assert_eq!(of(&whole, key)["endpoints"], alone["endpoints"]);
                assert_eq!((&of(&whole, key)["endpoint_count"], &alone["endpoint_count"]), (&Value::Null, &Value::Null));
            }
        }
        let short = operator.get("/v1/connectors?endpoints=false").await.is(200).body;
        for (key, count) in [("desk", 3), ("hub", 3)] {
            let listed = of(&short, key);
            assert_eq!((&listed["endpoints"], &listed["endpoint_count"]), (&Value::Null, &json!(count)), "{key}");
        }
        assert!(of(&short, "desk")["auth"].is_object());
        // Whoever sends it back as it was shown would take the endpoints away.
        operator.put("/v1/connectors/desk", of(&short, "desk")).await.is(422);
        operator.get("/v1/connectors?endpoints=none").await.problem("bad_request");
    }

    async fn endpoints_come_in_pages_in_the_order_of_aliases_and_keys(database: Database) {
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        furnish(&operator, "https://desk.example.com").await;
        let all = ["all list", "all read", "all write", "all-2 list", "all-2 write"];
        for (limit, expected) in [(1, 5), (2, 3), (3, 2), (5, 1)] {
            let (keys, pages) = paged(&operator, "/v1/integrations/sync/endpoints", limit).await;
            assert_eq!((keys, pages), (all.map(str::to_owned).to_vec(), expected));
        }
        let (keys, pages) = paged(&operator, "/v1/connectors/desk/endpoints", 2).await;
        assert_eq!((keys, pages), (vec![" list".into(), " read".into(), " write".into()], 2));
        let page = operator.get("/v1/connectors/desk/endpoints?limit=1").await.is(200);
        let foreign = format!("/v1/integrations/sync/endpoints?cursor={}", page.text("next"));
        operator.get(&foreign).await.problem("bad_request");
    }

    async fn an_endpoint_that_a_link_names_is_not_taken_away_unasked(database: Database) {
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        furnish(&operator, "https://desk.example.com").await;
        let desk = "/v1/connectors/desk";
        let by_sync = json!([{ "kind": "integration", "key": "sync", "alias": "all-2" }]);
        for edit in [
            json!({ "endpoints": { "write": null } }),
            json!({ "endpoints": null }),
            // Under the link `write` is the same as this one then.
            json!({ "endpoints": { "list": { "method": "PATCH", "path": "/v2/tickets/{id}/{name}" } } }),
        ] {
            let refused = operator.patch(desk, edit.clone()).await.problem("in_use");
            assert_eq!((refused.status, &refused.body["uses"]), (409, &by_sync), "{edit}");
            let preview = operator.patch(&format!("{desk}?dry_run=true"), edit).await.is(200);
            assert_eq!((&preview.body["code"], &preview.body["breaks"]), (&json!("in_use"), &by_sync));
        }
        // What no link names comes and goes.
        operator.patch(desk, json!({ "endpoints": { "read": null } })).await.is(200);
        let more = json!({ "endpoints": { "more": { "method": "GET", "path": "/more" } } });
        operator.patch(desk, more).await.is(200);
        // By force it goes, and the integration goes on with what is left.
        let less = json!({ "endpoints": { "write": null } });
        operator.patch(&format!("{desk}?force=true"), less).await.is(200);
        let left = operator.get("/v1/integrations/sync/endpoints").await.is(200);
        assert_eq!(told(&left, &["alias", "key"]), [
            [json!("all"), json!("list")], [json!("all"), json!("more")], [json!("all-2"), json!("list")],
        ]);
        let ready: Value = serde_json::from_slice(&gateway.admin("/readyz").await.body).unwrap();
        assert_eq!(ready["store"]["skipped"], 1, "{ready}");
        let told = ready["store"]["first_skipped"].as_str();
        assert_eq!(told, Some("integration sync: the connector `desk` has no endpoint `write`"));
        // Who is not whole any more is not in the way of another edit.
        operator.patch(desk, json!({ "name": "Desk" })).await.is(200);
        // The way out that is named there.
        let mended = json!({ "connectors": { "all-2": { "endpoints": null } } });
        operator.patch("/v1/integrations/sync", mended).await.is(200);
        let ready: Value = serde_json::from_slice(&gateway.admin("/readyz").await.body).unwrap();
        assert_eq!(ready["store"]["skipped"], 0, "{ready}");
    }

    async fn endpoints_limit_nobody(database: Database) {
        let upstream = RawUpstream::start([Script::ok("ok")]).await;
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        furnish(&operator, &upstream.url()).await;
        let own = json!({ "connector": "desk", "auth": "open" });
        operator.put("/v1/connections/own", own).await.is(201);
        let assign = json!({ "integration": "sync", "assign": { "all-2": "own" } });
        operator.put("/v1/environments/dev", assign).await.is(201);
        let tags = "Attache-Environment: dev\r\nAttache-Connector: all-2\r\n";
        for (method, path) in [("GET", "/tickets"), ("DELETE", "/tickets/7"), ("OPTIONS", "/elsewhere")] {
            assert_eq!(gateway.get_with(method, path, tags).await.status, 200, "{method} {path}");
            assert_eq!(upstream.request().await.line(), format!("{method} {path} HTTP/1.1"));
        }
        // Nor does it where the link names what is gone.
        let none = json!({ "endpoints": null });
        operator.patch("/v1/connectors/desk?force=true", none).await.is(200);
        assert_eq!(gateway.get("/tickets", tags).await.status, 200);
    }
}
