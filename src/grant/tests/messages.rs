//! Each grant's message, parameter by parameter.
use super::asked;
use super::credential;
use super::method;
use super::occasion;
use super::server;
use super::shown;
use super::variables;
use crate::grant::Ask;
use crate::grant::GrantError;
use crate::grant::Oauth2;
use crate::grant::TokenKind;
use crate::model::Secret;

const TOKEN: &str = "POST https://server.example.com/token\n";
/// RFC 6749 §2.3.1, §4 and §6: `s6BhdRkqt3` and `gX1fBat3bV`.
const BASIC: &str = "authorization: Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW\n";

fn example() -> crate::model::Credential {
    credential(&[("client_id", "s6BhdRkqt3"), ("client_secret", "gX1fBat3bV")])
}

fn with(fields: &[(&str, &str)]) -> crate::model::Credential {
    example().overlaid(&credential(fields))
}

#[test]
fn the_messages_of_rfc_6749() {
    let code = Secret::new("SplxlOBeZQQYbYS6WxSbIA");
    let redirect_uri = "https://client.example.com/cb";
    let exchange = Ask::Code { code: &code, redirect_uri, verifier: None };
    // §4.1.3
    assert_eq!(
        asked(&server("authorization_code", ""), exchange, &example()),
        [
            TOKEN.trim_end(),
            "\n",
            BASIC,
            "grant_type=authorization_code&code=SplxlOBeZQQYbYS6WxSbIA\
             &redirect_uri=https%3A%2F%2Fclient.example.com%2Fcb"
        ]
        .concat()
    );
    // §4.3.2
    let person = with(&[("username", "johndoe"), ("password", "A3ddj3w")]);
    assert_eq!(
        asked(&server("password", ""), Ask::Token, &person),
        [TOKEN, BASIC, "grant_type=password&username=johndoe&password=A3ddj3w"].concat()
    );
    // §4.4.2
    assert_eq!(
        asked(&server("client_credentials", ""), Ask::Token, &example()),
        [TOKEN, BASIC, "grant_type=client_credentials"].concat()
    );
    // §6
    let held = with(&[("refresh_token", "tGzv3JOkF0XG5Qx2TlKWIA")]);
    assert_eq!(
        asked(&server("refresh_token", ""), Ask::Refresh, &held),
        [TOKEN, BASIC, "grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA"].concat()
    );
    // §2.3.1
    let body = with(&[
        ("refresh_token", "tGzv3JOkF0XG5Qx2TlKWIA"),
        ("client_secret", "7Fjfp0ZBr1KtDRbnfVdmIw"),
    ]);
    assert_eq!(
        asked(&server("refresh_token", "client_auth: body"), Ask::Refresh, &body),
        [
            TOKEN,
            "grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA\
             &client_id=s6BhdRkqt3&client_secret=7Fjfp0ZBr1KtDRbnfVdmIw"
        ]
        .concat()
    );
}

#[test]
fn basic_encodes_both_halves_first_unless_told_otherwise() {
    let odd = credential(&[("client_id", "a:b"), ("client_secret", "p +/ü")]);
    let formed = asked(&server("client_credentials", ""), Ask::Token, &odd);
    // a%3Ab:p+%2B%2F%C3%BC
    assert!(formed.contains("Basic YSUzQWI6cCslMkIlMkYlQzMlQkM="), "{formed}");
    let raw = asked(&server("client_credentials", "basic_encoding: raw"), Ask::Token, &odd);
    // a:b:p +/ü
    assert!(raw.contains("Basic YTpiOnAgKy/DvA=="), "{raw}");
}

#[test]
fn the_next_client_secret_is_tried_while_they_rotate() {
    let mut both = example();
    both.insert("client_secret", vec![Secret::new("old"), Secret::new("new")]);
    let none = variables(&[]);
    let method = server("client_credentials", "client_auth: body");
    for (at, secret) in [(0, "old"), (1, "new"), (2, "new")] {
        let occasion = crate::grant::Occasion { secret: at, ..occasion(&both, &none) };
        let message = shown(&method.request(Ask::Token, &occasion).unwrap());
        assert!(message.ends_with(&format!("client_secret={secret}")), "{message}");
    }
}

/// RFC 8628 §3.1 and §3.4.
#[test]
fn the_messages_of_rfc_8628() {
    let method = server(
        "device_code",
        "device_url: https://server.example.com/device_authorization\nscopes: [example_scope]",
    );
    let held = credential(&[("client_id", "1406020730")]);
    assert_eq!(
        asked(&method, Ask::Device, &held),
        "POST https://server.example.com/device_authorization\n\
         scope=example_scope&client_id=1406020730"
    );
    let device_code = Secret::new("GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS");
    assert_eq!(
        asked(&method, Ask::DeviceToken { device_code: &device_code }, &held),
        [
            TOKEN,
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code\
             &device_code=GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS&client_id=1406020730"
        ]
        .concat()
    );
}

/// RFC 8693 §2.3 (figure 1).
#[test]
fn the_message_of_rfc_8693() {
    let method = server("token_exchange", "resources: [https://backend.example.com/api]");
    let held = credential(&[
        ("client_id", "rs08"),
        ("client_secret", "long-secure-random-secret"),
        ("subject_token", "accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC"),
    ]);
    assert_eq!(
        asked(&method, Ask::Token, &held),
        [
            TOKEN,
            "authorization: Basic cnMwODpsb25nLXNlY3VyZS1yYW5kb20tc2VjcmV0\n",
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
             &subject_token=accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC\
             &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token\
             &resource=https%3A%2F%2Fbackend.example.com%2Fapi"
        ]
        .concat()
    );
    let method = server(
        "token_exchange",
        "exchange: { requested_token_type: urn:x, actor_token_type: urn:y, audiences: [\"{aud}\", b] }",
    );
    let acting = held.overlaid(&credential(&[("actor_token", "act"), ("aud", "a")]));
    let message = asked(&method, Ask::Token, &acting);
    for part in [
        "audience=a&audience=b&",
        "requested_token_type=urn%3Ax&",
        "actor_token=act&actor_token_type=urn%3Ay",
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
}

/// RFC 7009 §2.1 and RFC 7662 §2.1.
#[test]
fn the_messages_of_rfc_7009_and_rfc_7662() {
    let method = server(
        "refresh_token",
        "revoke_url: https://server.example.com/revoke\n\
         introspect_url: https://server.example.com/introspect",
    );
    let token = Secret::new("45ghiukldjahdnhzdauz");
    assert_eq!(
        asked(&method, Ask::Revoke { token: &token, kind: TokenKind::Refresh }, &example()),
        "POST https://server.example.com/revoke\n\
         authorization: Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW\n\
         token=45ghiukldjahdnhzdauz&token_type_hint=refresh_token"
    );
    let token = Secret::new("mF_9.B5f-4.1JqM");
    assert_eq!(
        asked(&method, Ask::Introspect { token: &token, kind: TokenKind::Access }, &example()),
        "POST https://server.example.com/introspect\n\
         authorization: Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW\n\
         token=mF_9.B5f-4.1JqM&token_type_hint=access_token"
    );
}

#[test]
fn what_providers_do_differently_is_data() {
    let held = with(&[("refresh_token", "r1"), ("access_token", "a1"), ("account", "42")]);
    let message = |grant: &str, more: &str, ask| asked(&server(grant, more), ask, &held);
    let cases: &[(&str, &str, Ask<'_>, &str)] = &[
        (
            "client_credentials",
            "client_auth: body\ntoken_body: json\nscopes: [r, w]\nscope_separator: \",\"",
            Ask::Token,
            "POST https://server.example.com/token\ncontent-type: application/json\n\
             {\"grant_type\":\"client_credentials\",\"scope\":\"r,w\",\"client_id\":\"s6BhdRkqt3\",\
             \"client_secret\":\"gX1fBat3bV\"}",
        ),
        (
            "client_credentials",
            "client_auth: body\ntoken_method: GET",
            Ask::Token,
            "GET https://server.example.com/token?grant_type=client_credentials\
             &client_id=s6BhdRkqt3&client_secret=gX1fBat3bV\n",
        ),
        (
            "client_credentials",
            "client_auth: body\nrename: { client_id: app_id, client_secret: secret }\nomit: [grant_type]",
            Ask::Token,
            "POST https://server.example.com/token\napp_id=s6BhdRkqt3&secret=gX1fBat3bV",
        ),
        (
            "client_credentials",
            "client_auth: none\ntoken_params: { grant_type: account_credentials, account_id: \"{account}\", x: \"{none?}\" }\n\
             token_headers: { X-Version: \"2\", Accept: text/plain }",
            Ask::Token,
            "POST https://server.example.com/token\nx-version: 2\naccept: text/plain\n\
             grant_type=account_credentials&client_id=s6BhdRkqt3&account_id=42",
        ),
        // RFC 8705 §2.1.2: the certificate is the transport's.
        (
            "client_credentials",
            "client_auth: tls\nscopes: [a]",
            Ask::Token,
            "POST https://server.example.com/token\n\
             grant_type=client_credentials&scope=a&client_id=s6BhdRkqt3",
        ),
        // token_params go along with a renewal, less the grant type …
        (
            "refresh_token",
            "client_auth: none\ntoken_params: { grant_type: odd, tenant: \"{account}\" }",
            Ask::Refresh,
            "POST https://server.example.com/token\n\
             grant_type=refresh_token&refresh_token=r1&client_id=s6BhdRkqt3&tenant=42",
        ),
        // … unless it has its own.
        (
            "refresh_token",
            "client_auth: none\ntoken_params: { tenant: \"{account}\" }\n\
             refresh_params: { old_token: \"{access_token}\" }\n\
             scopes: [a, b]\nrefresh: { send_scopes: true }",
            Ask::Refresh,
            "POST https://server.example.com/token\ngrant_type=refresh_token&refresh_token=r1\
             &scope=a+b&client_id=s6BhdRkqt3&old_token=a1",
        ),
        // A provider that prolongs a token by itself.
        (
            "authorization_code",
            "refresh: { by: access_token, method: GET, client_auth: none, url: https://graph.example/refresh }\n\
             omit: [client_id]\nrefresh_params: { grant_type: ig_refresh_token }",
            Ask::Refresh,
            "GET https://graph.example/refresh?access_token=a1&grant_type=ig_refresh_token\n",
        ),
    ];
    for (grant, more, ask, expected) in cases {
        assert_eq!(&message(grant, more, *ask), expected, "{grant} {more}");
    }
}

#[test]
fn urls_are_templates_over_variables() {
    let method = method(
        "grant: client_credentials\n\
         token_url: https://{region}.example.com/{tenant}/oauth2/token?api-version={version}",
    );
    let held = example();
    let good = variables(&[("region", "eu"), ("tenant", "acme"), ("version", "1 0")]);
    let request = method.request(Ask::Token, &occasion(&held, &good)).unwrap();
    assert!(
        shown(&request)
            .starts_with("POST https://eu.example.com/acme/oauth2/token?api-version=1%200\n"),
        "{}",
        shown(&request)
    );
    let evil = variables(&[("region", "evil.test/"), ("tenant", "acme"), ("version", "1")]);
    assert_eq!(
        method.request(Ask::Token, &occasion(&held, &evil)).unwrap_err(),
        GrantError::UrlPart { setting: "token_url", name: "region".into() }
    );
    let none = variables(&[]);
    assert_eq!(
        method.request(Ask::Token, &occasion(&held, &none)).unwrap_err(),
        GrantError::Missing { name: "region".into() }
    );
    assert_eq!(method.guarded(&occasion(&held, &good)).len(), 1);
    assert!(method.guarded(&occasion(&held, &none)).is_empty());
}

#[test]
fn what_is_missing_is_named() {
    let empty = credential(&[]);
    let none = variables(&[]);
    for (grant, more, ask, field) in [
        ("client_credentials", "", Ask::Token, "client_id"),
        ("client_credentials", "client_auth: body", Ask::Token, "client_id"),
        ("password", "", Ask::Token, "username"),
        ("refresh_token", "", Ask::Refresh, "refresh_token"),
        ("authorization_code", "", Ask::Token, "refresh_token"),
        ("jwt_bearer", "", Ask::Token, "client_id"),
        ("token_exchange", "", Ask::Token, "subject_token"),
        ("client_credentials", "token_params: { x: \"{y}\" }\nclient_auth: none", Ask::Token, "y"),
    ] {
        let error = server(grant, more).request(ask, &occasion(&empty, &none)).unwrap_err();
        assert_eq!(error, GrantError::Missing { name: field.into() }, "{grant} {more}");
    }
    let token = Secret::new("t");
    let ask = Ask::Revoke { token: &token, kind: TokenKind::Access };
    let error = server("client_credentials", "").request(ask, &occasion(&empty, &none));
    assert_eq!(error.unwrap_err(), GrantError::NotSet { setting: "revoke_url" });
    let line = credential(&[("x", "a\nb")]);
    let method = server("client_credentials", "client_auth: none\ntoken_headers: { X-A: \"{x}\" }");
    let error = method.request(Ask::Token, &occasion(&line, &none)).unwrap_err();
    assert_eq!(error, GrantError::Header { name: "x-a".into() });
}

#[test]
fn a_request_prints_without_its_secrets() {
    let none = variables(&[]);
    let held = example();
    for more in ["", "client_auth: body", "client_auth: body\ntoken_method: GET"] {
        let request =
            server("client_credentials", more).request(Ask::Token, &occasion(&held, &none));
        let request = request.unwrap();
        let method = request.method.clone();
        assert_eq!(format!("{request:?}"), format!("{method} https://server.example.com/…"));
    }
}

#[test]
fn a_renewal_asks_with_what_there_is() {
    let kind = |method: &Oauth2, fields: &[(&str, &str)]| {
        method.renewal(&credential(fields)).map(|it| matches!(it, Ask::Refresh))
    };
    let refresh: &[(&str, &str)] = &[("refresh_token", "r")];
    for (grant, more, fields, expected) in [
        ("authorization_code", "", &[][..], None),
        ("authorization_code", "", &[("refresh_token", "")], None),
        ("authorization_code", "", refresh, Some(true)),
        ("refresh_token", "", refresh, Some(true)),
        ("authorization_code", "refresh: { by: access_token }", refresh, None),
        (
            "authorization_code",
            "refresh: { by: access_token }",
            &[("access_token", "a")],
            Some(true),
        ),
        ("password", "", refresh, Some(true)),
        ("password", "", &[], Some(false)),
        ("client_credentials", "", refresh, Some(false)),
        ("jwt_bearer", "", &[], Some(false)),
    ] {
        assert_eq!(kind(&server(grant, more), fields), expected, "{grant} {more}");
    }
    let left = |grant: &str, ask| server(grant, "").fallback(ask).is_some();
    assert!(left("password", Ask::Refresh));
    assert!(!left("password", Ask::Token) && !left("authorization_code", Ask::Refresh));
    assert!(server("refresh_token", "").rotates());
    assert!(!server("refresh_token", "refresh: { rotates: false }").rotates());
    assert!(!server("client_credentials", "").rotates());
}
