//! Embedded connections: whose credential, which host, by every way to say it.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Script;

#[tokio::test]
async fn each_tenant_gets_its_own_credential_and_host() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::start(&format!(
        "egress: {{ allow: [127.0.0.0/8] }}
connectors:
  api: {{ base_url: \"{}/{{area}}\", variables: {{ area: {{ required: true }} }}, auth: {{ m: {{ bearer: {{}} }} }} }}
connections:
  api: {{ connector: api, auth: m, embedded: true, test_credentials: {{ token: for-tests }}, variables: {{ area: common }} }}
activations:
  - {{ connection: api, tenant: acme, variables: {{ area: one }}, credentials: {{ token: of-acme }} }}
  - {{ connection: api, tenant: \"G, Ltd\", credentials: {{ token: of-g }} }}
integrations:
  sync: {{ connectors: {{ crm: {{ connector: api }} }} }}
environments:
  prod: {{ integration: sync, assign: {{ crm: api }} }}
",
        upstream.url()
    ));
    let by_environment = "Attache-Environment: prod\r\nAttache-Connector: crm\r\n";
    let by_connection = "Attache-Connection: api\r\n";
    for (path, tags, line, token) in [
        ("/a", format!("{by_connection}Attache-Tenant: acme\r\n"), "/one/a", "of-acme"),
        ("/a", format!("{by_connection}Attache-Tenant: G%2C%20Ltd\r\n"), "/common/a", "of-g"),
        ("/a", format!("{by_environment}Attache-Tenant: acme\r\n"), "/one/a", "of-acme"),
        ("/c/api@acme/a", String::new(), "/one/a", "of-acme"),
        ("/c/api@G%2C%20Ltd/a", String::new(), "/common/a", "of-g"),
        ("/c/api/a", "Attache-Tenant: acme\r\n".to_owned(), "/one/a", "of-acme"),
        ("/e/prod/crm@acme/a", String::new(), "/one/a", "of-acme"),
        ("/a", format!("{by_connection}Attache-Test: true\r\n"), "/common/a", "for-tests"),
        (
            "/a",
            format!("{by_connection}Attache-Tenant: acme\r\nAttache-Variables: area=two\r\n"),
            "/two/a",
            "of-acme",
        ),
    ] {
        let head =
            format!("GET {path} HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n{tags}\r\n");
        let answer = gateway.raw(head).await;
        assert_eq!(answer.status, 200, "{path} {tags}: {}", answer.text());
        let received = upstream.request().await;
        assert_eq!(received.line(), format!("GET {line} HTTP/1.1"), "{path} {tags}");
        let expected = format!("Bearer {token}");
        assert_eq!(received.field("authorization"), Some(&*expected), "{path} {tags}");
    }
}
