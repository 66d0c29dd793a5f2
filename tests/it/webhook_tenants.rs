//! One address for all tenants of a sender: the delivery itself says whose it is, once it may be believed.
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Script;
use crate::support::raw_request;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;

const APP: &str = "s3cret-of-the-app";

fn configuration(target: &str) -> String {
    format!(
        r#"
egress: {{ allow: [127.0.0.0/8] }}
connectors:
  api:
    variables: {{ who: {{ pattern: "[a-z]+", required: true }} }}
    auth:
      shared: {{ hmac: {{ preset: github, tenant: {{ json: /team_id }} }} }}
      named: {{ hmac: {{ preset: github, tenant: {{ header: X-Team }} }} }}
connections:
  shared: {{ connector: api, auth: shared, base_url: "{target}/{{who}}", embedded: true, credentials: {{ secret: {APP} }} }}
  named: {{ connector: api, auth: named, base_url: "{target}/{{who}}", embedded: true }}
activations:
  - {{ connection: shared, tenant: T1, variables: {{ who: acme }} }}
  - {{ connection: shared, tenant: T2, variables: {{ who: zeta }}, enabled: false }}
  - {{ connection: named, tenant: T1, variables: {{ who: acme }}, credentials: {{ secret: s3cret-of-acme }} }}
  - {{ connection: named, tenant: T2, variables: {{ who: zeta }}, credentials: {{ secret: s3cret-of-zeta }} }}
"#
    )
}

async fn stage() -> (RawUpstream, Gateway) {
    let target = RawUpstream::start([Script::ok("taken").again()]).await;
    let gateway = Gateway::start(&configuration(&target.url()));
    (target, gateway)
}

async fn deliver(
    gateway: &Gateway,
    path: &str,
    secret: &str,
    fields: &str,
    body: &str,
) -> Response {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("any key does");
    mac.update(body.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nX-Hub-Signature-256: sha256={signature}\r\n\
         {fields}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    raw_request(gateway.public, request).await
}

#[tokio::test]
async fn a_verified_body_says_whose_it_is() {
    let (target, gateway) = stage().await;
    let body = r#"{"team_id":"T1"}"#;
    assert_eq!(deliver(&gateway, "/hooks/shared/x", APP, "", body).await.text(), "taken");
    let received = target.request().await;
    assert_eq!(received.line(), "POST /acme/x HTTP/1.1");
    assert_eq!(received.field("attache-webhook-tenant"), Some("T1"));
    // The path may still say it, under the same secret.
    assert_eq!(deliver(&gateway, "/hooks/shared@T1", APP, "", body).await.text(), "taken");
    assert_eq!(target.request().await.line(), "POST /acme HTTP/1.1");
}

#[tokio::test]
async fn a_path_takes_no_delivery_to_another_tenant_than_the_one_it_is_signed_for() {
    let (target, gateway) = stage().await;
    for body in [r#"{"team_id":"T2"}"#, "{}"] {
        let answer = deliver(&gateway, "/hooks/shared@T1", APP, "", body).await;
        let said = (answer.status, answer.code());
        assert_eq!(said, (401, Some("webhook_bad_signature".to_owned())), "{body}");
    }
    let another = "X-Team: T1\r\n";
    let answer = deliver(&gateway, "/hooks/named@T2", "s3cret-of-zeta", another, "{}").await;
    assert_eq!(answer.status, 401);
    assert_eq!(target.links(), 0);
}

#[tokio::test]
async fn nothing_is_told_of_tenants_to_whoever_does_not_sign() {
    let (target, gateway) = stage().await;
    for body in [r#"{"team_id":"T1"}"#, r#"{"team_id":"T2"}"#, r#"{"team_id":"T9"}"#, "{}", "x"] {
        let answer = deliver(&gateway, "/hooks/shared", "another", "", body).await;
        let said = (answer.status, answer.code());
        assert_eq!(said, (401, Some("webhook_bad_signature".to_owned())), "{body}");
    }
    for (body, status, code) in [
        (r#"{"team_id":"T2"}"#, 404, "activation_not_found"),
        (r#"{"team_id":"T9"}"#, 404, "activation_not_found"),
        (r#"{"team_id":""}"#, 404, "activation_not_found"),
        (r#"{"team_id":null}"#, 400, "tenant_required"),
        ("{}", 400, "tenant_required"),
        ("x", 400, "tenant_required"),
    ] {
        let answer = deliver(&gateway, "/hooks/shared", APP, "", body).await;
        assert_eq!((answer.status, answer.code().as_deref()), (status, Some(code)), "{body}");
    }
    assert_eq!(target.links(), 0);
}

#[tokio::test]
async fn a_tenant_that_is_named_in_a_header_has_to_sign_with_its_own_secret() {
    let (target, gateway) = stage().await;
    let answer = deliver(&gateway, "/hooks/named", "s3cret-of-zeta", "X-Team: T2\r\n", "{}").await;
    assert_eq!(answer.text(), "taken");
    let received = target.request().await;
    assert_eq!(received.line(), "POST /zeta HTTP/1.1");
    assert_eq!(received.field("attache-webhook-tenant"), Some("T2"));
    for (fields, status, code) in [
        ("X-Team: T1\r\n", 401, "webhook_bad_signature"),
        ("X-Team: T2\r\nX-Team: T1\r\n", 401, "webhook_bad_signature"),
        ("X-Team: T9\r\n", 404, "activation_not_found"),
        ("", 400, "tenant_required"),
    ] {
        let answer = deliver(&gateway, "/hooks/named", "s3cret-of-zeta", fields, "{}").await;
        assert_eq!((answer.status, answer.code().as_deref()), (status, Some(code)), "{fields}");
    }
    assert_eq!(target.links(), 1);
}
