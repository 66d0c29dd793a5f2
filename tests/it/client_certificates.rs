//! Token requests over TLS that shows a certificate (RFC 8705): each holder's own, on links of its own.
use crate::support::Authority;
use crate::support::ClientPair;
use crate::support::Gateway;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Says;
use crate::support::Script;
use crate::support::tagged;
use serde_json::json;

/// As one line of a quoted YAML text.
fn quoted(pem: &str) -> String {
    pem.replace('\n', "\\n")
}

/// A connection for each pair, with the method `settings`, in front of the upstream.
fn configuration(
    upstream: &str,
    authority: &Authority,
    settings: &str,
    pairs: &[(&str, &ClientPair)],
) -> String {
    let ca = quoted(authority.pem());
    let mut file = format!(
        "egress: {{ allow: [127.0.0.0/8, \"::1/128\"] }}
upstream: {{ ca: \"{ca}\" }}
connectors:
  api:
    base_url: {upstream}
    auth: {{ m: {{ oauth2: {{ grant: client_credentials, client_auth: tls, {settings} }} }} }}
connections:
"
    );
    for (name, pair) in pairs {
        let (certificate, key) = (quoted(&pair.certificate), quoted(&pair.key));
        file += &format!(
            "  {name}: {{ connector: api, auth: m, credentials: {{ client_id: {name}, certificate: \"{certificate}\", private_key: \"{key}\" }} }}\n"
        );
    }
    file
}

#[tokio::test]
async fn a_token_is_had_with_the_holders_certificate_and_the_api_is_shown_none() {
    let authority = Authority::new();
    let pair = authority.client("api.client.test");
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let provider = Provider::tls([Says::token("t")], authority.demanding()).await;
    let settings = format!("token_url: {}/token", provider.url());
    let gateway =
        Gateway::start(&configuration(&upstream.url(), &authority, &settings, &[("api", &pair)]));
    let answer = gateway.raw(tagged("GET", "/x", "", "")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let asked = provider.asked_once();
    assert_eq!(asked.certificate.as_ref(), Some(&pair.der));
    assert_eq!(asked.parameter("client_id").as_deref(), Some("api"));
    assert!(!asked.body.contains("client_secret") && !asked.body.contains("private"), "{asked:?}");
    assert_eq!(upstream.request().await.field("authorization"), Some("Bearer t"));
}

/// PL-01.
#[tokio::test]
async fn two_holders_certificates_are_never_shown_on_each_others_links() {
    let authority = Authority::new();
    let pairs: Vec<ClientPair> = ["x", "y"].map(|it| authority.client(it)).into();
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let provider = Provider::tls(
        [Says::json(json!({ "access_token": "t", "expires_in": 3600 }))],
        authority.demanding(),
    )
    .await;
    let settings = format!("token_url: {}/token", provider.url());
    let names: Vec<String> = (0..40).map(|it| format!("c{it}")).collect();
    let each: Vec<(&str, &ClientPair)> =
        names.iter().enumerate().map(|(at, name)| (name.as_str(), &pairs[at % 2])).collect();
    let gateway = Gateway::start(&configuration(&upstream.url(), &authority, &settings, &each));
    for name in &names {
        let answer = gateway.get(&format!("/c/{name}/x"), "").await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let asked = provider.asked();
    assert_eq!(asked.len(), 40);
    for (name, pair) in each {
        let own = asked.iter().find(|it| it.parameter("client_id").as_deref() == Some(name));
        assert_eq!(own.and_then(|it| it.certificate.as_ref()), Some(&pair.der), "{name}");
    }
}

#[tokio::test]
async fn an_issuers_aliases_are_where_the_certificate_is_shown() {
    let authority = Authority::new();
    let pair = authority.client("api.client.test");
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let tokens = Provider::tls([Says::token("t")], authority.demanding()).await;
    let issuer = Provider::tls([], authority.good(&[])).await;
    let url = issuer.url().to_owned();
    issuer.says([Says::json(json!({
        "issuer": url,
        "token_endpoint": format!("{url}/token"),
        "mtls_endpoint_aliases": { "token_endpoint": format!("{}/mtls", tokens.url()) },
    }))]);
    let settings = format!("issuer: \"{url}\"");
    let gateway =
        Gateway::start(&configuration(&upstream.url(), &authority, &settings, &[("api", &pair)]));
    assert_eq!(gateway.raw(tagged("GET", "/x", "", "")).await.status, 200);
    assert_eq!(tokens.asked_once().line(), "POST /mtls");
    assert_eq!(tokens.asked_once().certificate, Some(pair.der));
    let asked = issuer.asked_once();
    assert_eq!(asked.line(), "GET /.well-known/oauth-authorization-server");
}

#[tokio::test]
async fn another_authoritys_certificate_is_no_token_and_a_broken_one_no_configuration() {
    let (authority, other) = (Authority::new(), Authority::new());
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let provider = Provider::tls([Says::token("t")], authority.demanding()).await;
    let settings = format!("token_url: {}/token", provider.url());
    let wrong = other.client("api");
    let file = configuration(&upstream.url(), &authority, &settings, &[("api", &wrong)]);
    let answer = Gateway::start(&file).raw(tagged("GET", "/x", "", "")).await;
    assert_eq!(answer.code().as_deref(), Some("credential_unavailable"));
    assert!(provider.asked().is_empty());
    let mixed = ClientPair { key: authority.client("y").key, ..authority.client("x") };
    let file = configuration(&upstream.url(), &authority, &settings, &[("api", &mixed)]);
    let Err(refused) = Gateway::try_start(&file, "") else { panic!("it was taken") };
    let refused = format!("{refused}: {refused:?}");
    assert!(refused.contains("`private_key` does not belong to the certificate"), "{refused}");
    assert!(!refused.contains("PRIVATE KEY"), "{refused}");
}
