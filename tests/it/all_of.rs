//! Several auth types on one request: what each puts on, who signs what, and one certificate for all.
use crate::support::Authority;
use crate::support::Gateway;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Says;
use crate::support::Script;
use crate::support::tagged;

/// The connection `api` with these types and credentials.
fn configuration(url: &str, top: &str, types: &str, credentials: &str) -> String {
    format!(
        "egress: {{ allow: [127.0.0.0/8, \"::1/128\"] }}
{top}
connectors: {{ api: {{ base_url: \"{url}\", auth: {{ m: {{ all: [{types}] }} }} }} }}
connections: {{ api: {{ connector: api, auth: m, credentials: {{ {credentials} }} }} }}
"
    )
}

const AWS: &str =
    "access_key_id: AKIDEXAMPLE, secret_access_key: wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn quoted(pem: &str) -> String {
    format!("\"{}\"", pem.replace('\n', "\\n"))
}

#[tokio::test]
async fn a_signature_covers_what_is_fixed_wherever_that_stands_in_the_list() {
    let key = "{ api_key: { in: header, name: X-Key } }";
    let signature = "{ aws_sigv4: { service: execute-api, region: eu-west-1 } }";
    for types in [format!("{key}, {signature}"), format!("{signature}, {key}")] {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let credentials = format!("key: s3cret-key, {AWS}");
        let gateway = Gateway::start(&configuration(&upstream.url(), "", &types, &credentials));
        let got = gateway.raw(tagged("GET", "/x", "X_Key: forged\r\n", "")).await;
        assert_eq!(got.status, 200, "{got:?}");
        let received = upstream.request().await;
        assert_eq!(received.field("x-key"), Some("s3cret-key"));
        assert_eq!(received.field("x_key"), None);
        let signature = received.field("authorization").expect("a signature");
        assert!(signature.contains("SignedHeaders=host;x-amz-date;x-key,"), "{signature}");
    }
}

#[tokio::test]
async fn a_token_and_a_signature_go_on_one_request() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let provider = Provider::start([Says::token("t")]).await;
    let types = format!(
        "{{ oauth2: {{ grant: client_credentials, token_url: {}/token, in: header, name: X-Token, format: \"{{key}}\" }} }}, \
         {{ aws_sigv4: {{ service: execute-api, region: eu-west-1 }} }}",
        provider.url()
    );
    let credentials = format!("client_id: me, client_secret: s, {AWS}");
    let gateway = Gateway::start(&configuration(&upstream.url(), "", &types, &credentials));
    let got = gateway.raw(tagged("GET", "/x", "", "")).await;
    assert_eq!(got.status, 200, "{got:?}");
    let received = upstream.request().await;
    assert_eq!(received.field("x-token"), Some("t"));
    let signature = received.field("authorization").expect("a signature");
    assert!(signature.contains(";x-token,"), "{signature}");
    assert!(!provider.asked_once().body.contains("AKIDEXAMPLE"), "each has what is its own");
}

#[tokio::test]
async fn one_certificate_is_shown_to_the_provider_and_to_the_api() {
    let authority = Authority::new();
    let pair = authority.client("me");
    let upstream = RawUpstream::tls([Script::ok("hi")], authority.demanding()).await;
    let provider = Provider::tls([Says::token("t")], authority.demanding()).await;
    let top = format!("upstream: {{ ca: {} }}", quoted(authority.pem()));
    let types = format!(
        "{{ mtls: {{}} }}, {{ oauth2: {{ grant: client_credentials, client_auth: tls, token_url: {}/token }} }}",
        provider.url()
    );
    let credentials = format!(
        "client_id: me, certificate: {}, private_key: {}",
        quoted(&pair.certificate),
        quoted(&pair.key)
    );
    let gateway = Gateway::start(&configuration(&upstream.url(), &top, &types, &credentials));
    let got = gateway.raw(tagged("GET", "/x", "", "")).await;
    assert_eq!(got.status, 200, "{got:?}");
    assert_eq!(upstream.request().await.field("authorization"), Some("Bearer t"));
    assert_eq!(provider.asked_once().certificate.as_ref(), Some(&pair.der));
}

#[tokio::test]
async fn two_that_put_something_in_one_place_are_refused_by_name() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let types = "{ basic: {} }, { bearer: {} }";
    let credentials = "username: u, password: p, token: t";
    let refused = Gateway::try_start(&configuration(&upstream.url(), "", types, credentials), "");
    let error = format!("{:?}", refused.err().expect("it does not start"));
    assert!(
        error.contains("two of the types put header `authorization` on the request"),
        "{error}"
    );
    assert!(error.contains("connections.api.credentials"), "{error}");
}

#[tokio::test]
async fn a_token_s_place_is_no_other_type_s_either() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let token = "{ oauth2: { grant: client_credentials, token_url: https://id.test/token } }";
    for (other, credentials) in [
        ("{ basic: {} }", "username: u, password: p"),
        ("{ aws_sigv4: { service: execute-api, region: eu-west-1 } }", AWS),
        ("{ digest: {} }", "username: u, password: p"),
    ] {
        let credentials = format!("client_id: c, client_secret: s, {credentials}");
        let types = format!("{token}, {other}");
        let refused =
            Gateway::try_start(&configuration(&upstream.url(), "", &types, &credentials), "");
        let error = format!("{:?}", refused.err().expect("it does not start"));
        assert!(error.contains("two of the types put header `authorization`"), "{error}");
    }
}

#[tokio::test]
async fn a_second_signature_beside_another_body_is_refused() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let types = "{ oauth1: { in: body } }, { signed_request: { preset: binance } }";
    let credentials = "consumer_key: k, consumer_secret: s, api_key: a, secret: s";
    let refused = Gateway::try_start(&configuration(&upstream.url(), "", types, credentials), "");
    let error = format!("{:?}", refused.err().expect("it does not start"));
    assert!(error.contains("one of the types sends another body"), "{error}");
}
