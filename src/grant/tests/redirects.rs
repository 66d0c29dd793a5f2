//! The way to a person's consent and back.
use super::credential;
use super::occasion;
use super::server;
use super::shown;
use super::variables;
use crate::grant::Ask;
use crate::grant::Authorization;
use crate::grant::CALLBACK_LEN_MAX;
use crate::grant::CallbackError;
use crate::grant::Metadata;
use crate::model::Secret;

fn authorization<'a>(verifier: Option<&'a Secret>) -> Authorization<'a> {
    Authorization {
        redirect_uri: "https://client.example.com/cb",
        state: "xyz",
        nonce: None,
        verifier,
        login_hint: None,
        dpop_jkt: None,
    }
}

#[test]
fn the_authorization_url() {
    let held = credential(&[("client_id", "s6BhdRkqt3")]);
    let none = variables(&[]);
    let url = |more: &str, authorization: &Authorization<'_>| {
        let method = server("authorization_code", more);
        method.authorization_url(authorization, &occasion(&held, &none)).map(|it| it.to_string())
    };
    // RFC 6749 §4.1.1.
    assert_eq!(
        url("pkce: \"off\"", &authorization(None)).unwrap(),
        "https://server.example.com/authorize?response_type=code\
         &redirect_uri=https%3A%2F%2Fclient.example.com%2Fcb&state=xyz&client_id=s6BhdRkqt3"
    );
    // RFC 7636 appendix B, RFC 8707 §2, and everything else.
    let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let whole = Authorization {
        nonce: Some("n-0S6"),
        login_hint: Some("a@b.example"),
        dpop_jkt: Some("0ZcO"),
        ..authorization(Some(&verifier))
    };
    assert_eq!(
        url(
            "scopes: [a, b]\nscope_separator: \",\"\nresources: [https://api.example/]\n\
             authorize_params: { access_type: offline, response_type: code2 }\n\
             rename: { client_id: app }\nomit: [login_hint]",
            &whole
        )
        .unwrap(),
        "https://server.example.com/authorize?response_type=code2\
         &redirect_uri=https%3A%2F%2Fclient.example.com%2Fcb&scope=a%2Cb&state=xyz\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256\
         &nonce=n-0S6&dpop_jkt=0ZcO&resource=https%3A%2F%2Fapi.example%2F&access_type=offline\
         &app=s6BhdRkqt3"
    );
    let own =
        url("pkce: \"off\"\nauthorize_params: { client_id: own }", &authorization(None)).unwrap();
    assert!(own.ends_with("&state=xyz&client_id=own"), "{own}");
    assert!(url("", &authorization(None)).is_err(), "PKCE is not forgotten");
}

/// RFC 9126 §2.1 and §4.
#[test]
fn the_parameters_are_pushed_where_the_provider_takes_them() {
    let method = server("authorization_code", "par_url: https://server.example.com/par");
    assert!(method.pushes());
    let held = credential(&[("client_id", "s6BhdRkqt3"), ("client_secret", "gX1fBat3bV")]);
    let none = variables(&[]);
    let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let parameters = authorization(Some(&verifier));
    let ask = Ask::Push { parameters: &parameters };
    let message = shown(&method.request(ask, &occasion(&held, &none)).unwrap());
    assert_eq!(
        message,
        "POST https://server.example.com/par\n\
         authorization: Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW\n\
         response_type=code&redirect_uri=https%3A%2F%2Fclient.example.com%2Fcb&state=xyz\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256\
         &client_id=s6BhdRkqt3"
    );
    let uri = "urn:example:bwc4JK-ESC0w8acc191e-Y1LTC2";
    assert_eq!(
        *method.pushed_authorization_url(uri, &occasion(&held, &none)).unwrap(),
        "https://server.example.com/authorize?client_id=s6BhdRkqt3\
         &request_uri=urn%3Aexample%3Abwc4JK-ESC0w8acc191e-Y1LTC2"
    );
}

/// Each row starts from the good one and breaks one thing.
#[test]
fn a_redirect_back_is_somebody_elses_until_it_proves_otherwise() {
    use CallbackError as E;
    let plain = server("authorization_code", "");
    let strict = server("authorization_code", "callback: { iss: required }");
    let state = Secret::new("xyz");
    let issuer = Some("https://server.example.com");
    let denied = E::Denied;
    let provider = |error: &str, description: Option<&str>| E::Provider {
        error: error.into(),
        description: description.map(Into::into),
    };
    for (query, error) in [
        ("code=c1&state=xyz", None),
        ("state=xyz&code=c1&iss=https%3A%2F%2Fserver.example.com", None),
        ("code=c1", Some(E::State)),
        ("code=c1&state=", Some(E::State)),
        ("code=c1&state=xyZ", Some(E::State)),
        ("code=c1&state=xyz&state=xyz", Some(E::Twice("state".into()))),
        ("code=c1&code=c2&state=xyz", Some(E::Twice("code".into()))),
        ("code=c1&state=xyz&iss=https%3A%2F%2Fevil.example", Some(E::Issuer)),
        ("state=xyz", Some(E::NoCode)),
        ("code=&state=xyz", Some(E::NoCode)),
        ("", Some(E::State)),
        ("error=access_denied&state=xyz", Some(denied)),
        ("error=access_denied", Some(E::State)),
        ("error=access_denied&state=xyz&code=c1", Some(E::Denied)),
        (
            "error=server_error&error_description=a%0d%0ab&state=xyz",
            Some(provider("server_error", Some("a  b"))),
        ),
    ] {
        let consent = plain.consent(query, &state, issuer);
        match error {
            None => assert_eq!(consent.unwrap().code.expose(), "c1", "{query}"),
            Some(error) => assert_eq!(consent.unwrap_err(), error, "{query}"),
        }
    }
    let empty = Secret::new("");
    assert_eq!(plain.consent("code=c&state=", &empty, None).unwrap_err(), E::State);
    let long = format!("state=xyz&code={}", "c".repeat(CALLBACK_LEN_MAX));
    assert_eq!(plain.consent(&long, &state, None).unwrap_err(), E::TooLong);

    // RFC 9207 §2.4.
    let named = "code=c1&state=xyz&iss=https%3A%2F%2Fserver.example.com";
    assert_eq!(strict.consent("code=c1&state=xyz", &state, issuer).unwrap_err(), E::Issuer);
    assert_eq!(strict.consent(named, &state, None).unwrap_err(), E::Issuer);
    assert!(strict.consent(named, &state, issuer).is_ok());
}

#[test]
fn a_redirect_back_in_other_words() {
    let method = server(
        "authorization_code",
        "callback: { code: authorization_code, state: s, keep: { realm: realmId } }",
    );
    let query = "authorization_code=c%2B1&s=xyz&realmId=913";
    assert_eq!(method.callback_state(query).as_deref(), Some("xyz"));
    let consent = method.consent(query, &Secret::new("xyz"), None).unwrap();
    assert_eq!(consent.code.expose(), "c+1");
    assert_eq!(consent.kept["realm"], "913");
    assert!(!format!("{consent:?}").contains("c+1"));
}

#[test]
fn metadata_fills_in_what_is_not_given() {
    let method = super::method(
        "grant: authorization_code\nissuer: https://{tenant}.example.com/v2\n\
         token_url: https://own.example.com/token",
    );
    assert!(method.needs_discovery());
    let held = credential(&[("client_id", "c")]);
    let acme = variables(&[("tenant", "acme")]);
    let occasion = occasion(&held, &acme);
    let issuer = method.issuer(&occasion).unwrap();
    assert_eq!(issuer, "https://acme.example.com/v2");
    assert_eq!(method.metadata_urls(&occasion).unwrap().len(), 3);
    let body = br#"{"issuer":"https://acme.example.com/v2",
        "authorization_endpoint":"https://acme.example.com/authorize",
        "token_endpoint":"https://acme.example.com/token",
        "authorization_response_iss_parameter_supported":true}"#;
    let method = method.with_metadata(&Metadata::read(&issuer, body).unwrap());
    assert!(!method.needs_discovery());
    let verifier = Secret::new("v");
    let url = method.authorization_url(&authorization(Some(&verifier)), &occasion).unwrap();
    assert!(url.starts_with("https://acme.example.com/authorize?"), "{}", *url);
    assert_eq!(method.guarded(&occasion)[0].without_query(), "https://own.example.com/token");
    // It says that it always names itself, so an answer that does not is refused.
    let refused = method.consent("code=c&state=s", &Secret::new("s"), Some(&issuer));
    assert_eq!(refused.unwrap_err(), CallbackError::Issuer);
}
