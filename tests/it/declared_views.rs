//! What files declare is shown as it was written: whatever a value was filled in with is seen by nobody, also where
//! a secret stands in the wrong field by mistake.
use crate::support::Gateway;
use crate::support::each_engine;
use serde_json::json;
use std::fs;

const SECRET: &str = "cnry-filled-in-7c41e09b";

fn configuration(place: &str) -> String {
    let egress = "egress: { allow: [127.0.0.0/8] }";
    format!(
        "{egress}
connectors:
  api:
    name: \"{place}\"
    description: \"about {place}\"
    base_url: \"http://127.0.0.1:9/{place}/{{area}}\"
    variables: {{ area: {{ default: \"{place}\" }} }}
    auth: {{ m: {{ bearer: {{}} }} }}
connections:
  one: {{ connector: api, auth: m, name: \"{place}\", variables: {{ area: \"{place}\" }}, credentials: {{ token: \"{place}\" }} }}
  two: {{ connector: api, auth: m, base_url: \"http://127.0.0.1:9/{place}\", credentials: {{ token: \"{place}\" }} }}
  many: {{ connector: api, auth: m, embedded: true, variables: {{ area: \"{place}\" }} }}
activations:
  - {{ connection: many, tenant: acme, variables: {{ area: \"{place}\" }}, credentials: {{ token: \"{place}\" }} }}
integrations:
  sync: {{ name: \"{place}\", connectors: {{ a: {{ connector: api, base_url: \"http://127.0.0.1:9/{place}\" }} }} }}
environments:
  live: {{ name: \"{place}\", integration: sync, assign: {{ a: one }} }}
"
    )
}

each_engine! {
    async fn what_is_filled_into_files_is_shown_and_kept_as_it_was_written(database: Database) {
        let secret = database.folder.path().join("secret");
        fs::write(&secret, SECRET).unwrap();
        let place = format!("${{file:{}}}", secret.display());
        let gateway = Gateway::beside(&database, &configuration(&place));
        let operator = gateway.operator();
        // What is stored beside it refers to it, and is no way round.
        let beside = json!({ "connector": "api", "auth": "m", "credentials": { "token": "t" } });
        operator.put("/v1/connections/beside", beside).await.is(201);
        for (path, is_whole) in [
            ("/v1/connectors", true),
            ("/v1/connectors/api", true),
            ("/v1/connectors/api/auth/m", false),
            ("/v1/connectors/api/auth/m/revisions", false),
            ("/v1/connections", true),
            ("/v1/connections/one", true),
            ("/v1/connections/two", true),
            ("/v1/connections/many", true),
            ("/v1/connections/beside", false),
            ("/v1/connections/many/activations", false),
            ("/v1/connections/many/activations/acme", false),
            ("/v1/connections/one/uses", false),
            ("/v1/tenants/acme/activations", false),
            ("/v1/integrations/sync", true),
            ("/v1/environments/live", true),
            ("/readyz", false),
        ] {
            let said = operator.get(path).await.is(200).response.text();
            assert!(!said.contains(SECRET), "{path}: {said}");
            assert!(!is_whole || said.contains(&place), "{path}: {said}");
        }
        for (table, column) in [("auth_methods", "definition"), ("connections", "definition"), ("changes", "key")] {
            let kept = format!("SELECT COUNT(*) FROM {table} WHERE {column} LIKE '%{SECRET}%'");
            assert_eq!(database.number(&kept).await, 0, "{table}");
        }
        // Each revision of an auth method is kept, and works for whoever pins it: nothing is filled in there.
        let custom = format!("{{ custom: {{ inject: [{{ in: header, name: X-Key, value: \"{place}\" }}] }} }}");
        let wrong = configuration(&place).replace("{ bearer: {} }", &custom);
        fs::write(gateway.served_file(), wrong).unwrap();
        gateway.app().reload();
        let ready = operator.get("/readyz").await.is(200).body;
        let error = ready["configuration"]["last_error"].as_str().unwrap();
        assert!(error.contains("connectors.api.auth.m.custom.inject[0].value"), "{error}");
        assert!(error.contains(&place) && !error.contains(SECRET), "{error}");
    }
}
