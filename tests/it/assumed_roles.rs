//! Keys that are lent for a role: had once, signed with, renewed, and refused.
use crate::support::Gateway;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Received;
use crate::support::Says;
use crate::support::Script;
use crate::support::aws::KEY_ID;
use crate::support::aws::SECRET;
use crate::support::aws::Signed;
use crate::support::tagged;
use sha2::Digest;
use sha2::Sha256;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const EXPIRED: &str =
    "<?xml version=\"1.0\"?>\n<Error><Code>ExpiredToken</Code><Message>no</Message></Error>";

/// Lends `ASIA{which}` until a far day, as AWS says it.
fn lends(which: &str) -> Says {
    let body = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
         <AccessKeyId>ASIA{which}</AccessKeyId><SecretAccessKey>secret-{which}</SecretAccessKey>\
         <SessionToken>token-{which}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
         </Credentials></AssumeRoleResult></AssumeRoleResponse>"
    );
    Says::status(200, &body).with("Content-Type: text/xml\r\n")
}

fn refuses(status: u16, code: &str) -> Says {
    let body = format!(
        "<ErrorResponse><Error><Code>{code}</Code><Message>no {SECRET}</Message></Error></ErrorResponse>"
    );
    Says::status(status, &body).with("Content-Type: text/xml\r\n")
}

fn configuration(upstream: &RawUpstream, sts: &Provider) -> String {
    let (api, sts) = (upstream.url(), sts.url());
    format!(
        "egress: {{ allow: [127.0.0.0/8] }}
connectors:
  api:
    base_url: {api}
    auth:
      m:
        aws_sigv4:
          service: s3
          region: eu-west-1
          assume_role:
            role_arn: \"{{role_arn}}\"
            external_id: \"{{external_id}}\"
            session_name: nightly
            duration: 15m
            sts_url: {sts}
connections:
  api:
    connector: api
    auth: m
    credentials:
      access_key_id: {KEY_ID}
      secret_access_key: {SECRET}
      role_arn: arn:aws:iam::123456789012:role/demo
      external_id: \"acme 7\"
"
    )
}

fn assert_by(received: &Received, which: &str) {
    let signed = Signed::received(received, &format!("secret-{which}"));
    assert!(signed.is_right(), "{signed:?}");
    assert_eq!(signed.key_id, format!("ASIA{which}"));
    assert_eq!(received.field("x-amz-security-token"), Some(&*format!("token-{which}")));
    assert!(signed.scope.ends_with("/eu-west-1/s3/aws4_request"), "{}", signed.scope);
}

#[tokio::test]
async fn keys_are_lent_once_and_sign_each_request() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let sts = Provider::start([lends("1")]).await;
    let gateway = Gateway::start(&configuration(&upstream, &sts));
    for body in ["", "hello", "x"] {
        let got = gateway.raw(tagged("PUT", "/bucket/x", "", body)).await;
        assert_eq!(got.status, 200, "{got:?}");
        assert_by(&upstream.request().await, "1");
    }
    let asked = sts.asked();
    let [asked] = &asked[..] else { panic!("{} messages", asked.len()) };
    assert_eq!(asked.line(), "POST /");
    for (name, value) in [
        ("Action", "AssumeRole"),
        ("Version", "2011-06-15"),
        ("RoleArn", "arn:aws:iam::123456789012:role/demo"),
        ("RoleSessionName", "nightly"),
        ("ExternalId", "acme 7"),
        ("DurationSeconds", "900"),
    ] {
        assert_eq!(asked.parameter(name).as_deref(), Some(value), "{name}");
    }
    // The message says no hash of its body; its signature covers one.
    let hash = hex::encode(Sha256::digest(&asked.body));
    let field = |name: &str| match name {
        "x-amz-content-sha256" => Some(hash.clone()),
        name => asked.head.field(name).map(str::to_owned),
    };
    let signed = Signed::of(asked.head.first_line(), field, SECRET);
    assert!(signed.is_right(), "{signed:?}");
    assert!(signed.scope.ends_with("/eu-west-1/sts/aws4_request"), "{}", signed.scope);
    assert_eq!(signed.key_id, KEY_ID);
}

#[tokio::test]
async fn keys_that_the_api_no_longer_takes_are_lent_anew_and_the_request_goes_out_once_more() {
    let length = EXPIRED.len();
    let expired = format!(
        "HTTP/1.1 400 No\r\nContent-Type: application/xml\r\nContent-Length: {length}\r\n\r\n{EXPIRED}"
    );
    let twice = Script::new().read_request().write(&*expired).read_request().write(OK);
    let upstream = RawUpstream::start([twice]).await;
    let sts = Provider::start([lends("1"), lends("2")]).await;
    let gateway = Gateway::start(&configuration(&upstream, &sts));
    let got = gateway.raw(tagged("PUT", "/bucket/x", "", "hello")).await;
    assert_eq!((got.status, got.text()), (200, "ok".to_owned()), "{got:?}");
    for which in ["1", "2"] {
        let received = upstream.request().await;
        assert_by(&received, which);
        assert_eq!(received.body, b"hello");
    }
    assert_eq!(sts.asked().len(), 2);
}

/// The keys are the gateway's own, each role a tenant's.
#[tokio::test]
async fn each_tenant_has_a_role_of_its_own() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let sts = Provider::start([lends("1"), lends("2")]).await;
    let (api, sts_url) = (upstream.url(), sts.url());
    let gateway = Gateway::start(&format!(
        "egress: {{ allow: [127.0.0.0/8] }}
connectors:
  api:
    base_url: {api}
    auth:
      m:
        aws_sigv4:
          service: s3
          region: eu-west-1
          assume_role: {{ role_arn: \"{{role_arn}}\", external_id: \"{{external_id}}\", sts_url: {sts_url} }}
connections:
  api:
    connector: api
    auth: m
    embedded: true
    credentials: {{ access_key_id: {KEY_ID}, secret_access_key: {SECRET} }}
activations:
  - {{ connection: api, tenant: acme, credentials: {{ role_arn: \"arn:aws:iam::1:role/a\", external_id: one }} }}
  - {{ connection: api, tenant: globex, credentials: {{ role_arn: \"arn:aws:iam::2:role/b\", external_id: two }} }}
"
    ));
    for (tenant, which) in [("acme", "1"), ("globex", "2"), ("acme", "1")] {
        let fields = format!("Attache-Tenant: {tenant}\r\n");
        let got = gateway.raw(tagged("GET", "/bucket/x", &fields, "")).await;
        assert_eq!(got.status, 200, "{got:?}");
        assert_by(&upstream.request().await, which);
    }
    let asked: Vec<_> = sts.asked().iter().map(|it| it.parameter("ExternalId")).collect();
    assert_eq!(asked, [Some("one".to_owned()), Some("two".to_owned())]);
}

#[tokio::test]
async fn another_refusal_is_the_caller_s_as_it_came() {
    let denied = "<Error><Code>AccessDenied</Code></Error>";
    let denied = format!("HTTP/1.1 403 No\r\nContent-Length: {}\r\n\r\n{denied}", denied.len());
    let upstream = RawUpstream::start([Script::answer(denied)]).await;
    let sts = Provider::start([lends("1"), lends("2")]).await;
    let gateway = Gateway::start(&configuration(&upstream, &sts));
    let got = gateway.raw(tagged("GET", "/bucket/x", "", "")).await;
    assert_eq!(got.status, 403, "{got:?}");
    assert!(got.field("attache-error").is_none());
    assert_eq!(sts.asked().len(), 1);
}

#[tokio::test]
async fn what_sts_refuses_is_told_by_whose_it_is_to_mend() {
    for (status, code, answered, told) in [
        (403, "InvalidClientTokenId", 424, "reauthorization_required"),
        (403, "AccessDenied", 503, "credential_unavailable"),
        (500, "InternalFailure", 503, "credential_unavailable"),
    ] {
        let upstream = RawUpstream::start([Script::ok("ok")]).await;
        let sts = Provider::start([refuses(status, code)]).await;
        let gateway = Gateway::start(&configuration(&upstream, &sts));
        let got = gateway.raw(tagged("GET", "/bucket/x", "", "")).await;
        assert_eq!((got.status, got.code().as_deref()), (answered, Some(told)), "{code}");
        assert!(!got.text().contains(SECRET));
        assert_eq!(upstream.links(), 0, "{code}");
    }
}
