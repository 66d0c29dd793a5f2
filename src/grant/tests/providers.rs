//! What real providers ask for and answer, as their documentation has it, in settings alone.
use super::NOW;
use super::answer;
use super::asked;
use super::credential;
use super::method;
use super::occasion;
use super::shown;
use super::variables;
use crate::grant::Ask;
use crate::grant::Expiry;
use crate::grant::Outcome;
use crate::grant::TokenPlace;
use crate::grant::TokenSet;
use crate::grant::session::Login;
use crate::grant::session::RawSessionLogin;
use crate::grant::session::SessionLogin;
use crate::model::Secret;
use crate::model::UnixTime;
use http::HeaderMap;

fn token(method: &crate::grant::Oauth2, ask: Ask<'_>, body: &str) -> TokenSet {
    let answer = answer(200, "application/json", body);
    match method.outcome(ask, &answer, &credential(&[]), NOW) {
        Outcome::Token(token) => *token,
        other => panic!("{other:?}"),
    }
}

#[test]
fn zoom_server_to_server() {
    let zoom = method(
        "grant: client_credentials\ntoken_url: https://zoom.us/oauth/token\n\
         token_params: { grant_type: account_credentials, account_id: \"{account_id}\" }",
    );
    let held =
        credential(&[("client_id", "id"), ("client_secret", "secret"), ("account_id", "ac1")]);
    assert_eq!(
        asked(&zoom, Ask::Token, &held),
        "POST https://zoom.us/oauth/token\nauthorization: Basic aWQ6c2VjcmV0\n\
         grant_type=account_credentials&account_id=ac1"
    );
}

#[test]
fn tiktok_calls_the_client_otherwise() {
    let tiktok = method(
        "grant: authorization_code\nauthorize_url: https://www.tiktok.com/v2/auth/authorize/\n\
         token_url: https://open.tiktokapis.com/v2/oauth/token/\nscopes: [user.info.basic, video.list]\n\
         scope_separator: \",\"\nclient_auth: body\nrename: { client_id: client_key }\n\
         reply: { refresh_expires_in: /refresh_expires_in, keep: { open_id: /open_id } }",
    );
    let held =
        credential(&[("client_id", "k"), ("client_secret", "s"), ("refresh_token", "rft.1")]);
    assert_eq!(
        asked(&tiktok, Ask::Refresh, &held),
        "POST https://open.tiktokapis.com/v2/oauth/token/\n\
         grant_type=refresh_token&refresh_token=rft.1&client_key=k&client_secret=s"
    );
    let body = r#"{"access_token":"act.1","expires_in":86400,"open_id":"afd97af1",
        "refresh_expires_in":31536000,"refresh_token":"rft.2","scope":"user.info.basic,video.list",
        "token_type":"Bearer"}"#;
    let set = token(&tiktok, Ask::Refresh, body);
    assert_eq!(set.kept["open_id"], "afd97af1");
    assert_eq!(set.scopes.unwrap(), ["user.info.basic", "video.list"]);
    assert_eq!(set.refresh_expires_at, Some(UnixTime::from_s(NOW.as_s() + 31_536_000)));
}

#[test]
fn shopify_takes_json_and_gives_tokens_without_end() {
    let shopify = method(
        "grant: authorization_code\nauthorize_url: https://{shop}.myshopify.com/admin/oauth/authorize\n\
         token_url: https://{shop}.myshopify.com/admin/oauth/access_token\nclient_auth: body\n\
         token_body: json\nomit: [grant_type, redirect_uri]\nexpiry: { never: true }\n\
         name: X-Shopify-Access-Token",
    );
    let held = credential(&[("client_id", "k"), ("client_secret", "s")]);
    let shop = variables(&[("shop", "acme")]);
    let (code, verifier) = (Secret::new("c1"), Secret::new("v1"));
    let ask =
        Ask::Code { code: &code, redirect_uri: "https://a.example", verifier: Some(&verifier) };
    assert_eq!(
        shown(&shopify.request(ask, &occasion(&held, &shop)).unwrap()),
        "POST https://acme.myshopify.com/admin/oauth/access_token\ncontent-type: application/json\n\
         {\"code\":\"c1\",\"code_verifier\":\"v1\",\"client_id\":\"k\",\"client_secret\":\"s\"}"
    );
    let set = token(&shopify, ask, r#"{"access_token":"shpat_1","scope":"write_orders"}"#);
    assert_eq!(set.expiry, Expiry::Never);
    let placement = shopify.placement();
    assert_eq!(placement.place, TokenPlace::Header);
    assert_eq!((&*placement.name, &*placement.format), ("X-Shopify-Access-Token", "{key}"));
}

#[test]
fn salesforce_says_where_its_api_is_and_not_how_long() {
    let salesforce = method(
        "grant: authorization_code\nauthorize_url: https://login.salesforce.com/services/oauth2/authorize\n\
         token_url: https://login.salesforce.com/services/oauth2/token\nclient_auth: body\n\
         refresh: { rotates: false }\nexpiry: { lifetime: 2h }\n\
         reply: { keep: { instance: { at: /instance_url, pattern: \"https://([a-z0-9-]+(?:\\\\.[a-z0-9-]+)*)\\\\.my\\\\.salesforce\\\\.com\" } } }",
    );
    assert!(!salesforce.rotates());
    let body = r#"{"access_token":"00D!1","refresh_token":"5Aep861","signature":"x=","scope":"api",
        "instance_url":"https://acme--dev.sandbox.my.salesforce.com","id":"https://login.salesforce.com/id/1",
        "token_type":"Bearer","issued_at":"1558553873237"}"#;
    let set = token(&salesforce, Ask::Refresh, body);
    assert_eq!(set.kept["instance"], "acme--dev.sandbox");
    assert_eq!(set.expiry, Expiry::At(UnixTime::from_s(NOW.as_s() + 7200)));
}

#[test]
fn quickbooks_names_the_company_in_the_redirect() {
    let quickbooks = method(
        "grant: authorization_code\nauthorize_url: https://appcenter.intuit.com/connect/oauth2\n\
         token_url: https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer\n\
         scopes: [com.intuit.quickbooks.accounting]\npkce: \"off\"\n\
         callback: { keep: { company: realmId } }\n\
         reply: { refresh_expires_in: /x_refresh_token_expires_in }",
    );
    let consent = quickbooks.consent("code=c1&state=s1&realmId=9130", &Secret::new("s1"), None);
    assert_eq!(consent.unwrap().kept["company"], "9130");
}

#[test]
fn an_audience_and_a_tenant_in_the_url() {
    let microsoft = method(
        "grant: client_credentials\n\
         token_url: https://login.microsoftonline.com/{directory}/oauth2/v2.0/token\n\
         client_auth: body\nscopes: [https://graph.microsoft.com/.default]",
    );
    let held = credential(&[("client_id", "i"), ("client_secret", "s~1")]);
    let directory = variables(&[("directory", "contoso.onmicrosoft.com")]);
    assert_eq!(
        shown(&microsoft.request(Ask::Token, &occasion(&held, &directory)).unwrap()),
        "POST https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token\n\
         grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default\
         &client_id=i&client_secret=s%7E1"
    );
}

#[test]
fn keystone_gives_its_session_in_a_header() {
    let raw: RawSessionLogin = serde_yaml::from_str(
        r#"
steps:
  - url: https://{host}/v3/auth/tokens
    json:
      auth:
        identity:
          methods: [password]
          password: { user: { name: "{username}", domain: { id: default }, password: "{password}" } }
    expect: [201]
    take:
      token: { header: X-Subject-Token }
      end: { json: /token/expires_at }
inject: [{ in: header, name: X-Auth-Token, value: "{token}" }]
expires_in: end
"#,
    )
    .unwrap();
    let keystone = SessionLogin::try_from(raw).unwrap();
    let held = credential(&[("username", "jane"), ("password", "p\"w")]);
    let host = variables(&[("host", "cloud.example.com")]);
    let mut login = Login::default();
    let request = keystone.request(&login, &occasion(&held, &host)).unwrap().unwrap();
    assert_eq!(
        str::from_utf8(&request.body).unwrap(),
        r#"{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"jane","domain":{"id":"default"},"password":"p\"w"}}}}}"#
    );
    let mut headers = HeaderMap::new();
    headers.insert("x-subject-token", "gAAAA".parse().unwrap());
    let body = br#"{"token":{"expires_at":"2023-11-14T23:13:20.000000Z"}}"#;
    keystone.answered(&mut login, 201, &headers, body, &held, super::NOW).unwrap();
    let session = keystone.session(&login, &held, NOW).unwrap();
    assert_eq!(session.values.field("token").unwrap().expose(), "gAAAA");
    assert_eq!(session.expiry, Expiry::At(UnixTime::from_s(NOW.as_s() + 3600)));
}
