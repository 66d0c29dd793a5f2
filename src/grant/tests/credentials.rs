//! Which credential fields each method takes, and what is refused of them.
use super::credential;
use super::method;
use super::server;
use crate::grant::GrantError;
use crate::grant::Need;
use crate::grant::Oauth2;
use crate::model::Secret;

/// `client_id client_secret? access_token*`: `?` may be absent, `*` is obtained.
fn fields(method: &Oauth2) -> String {
    let fields = method.fields(|name| name == "subdomain").into_iter().map(|it| match it.need {
        Need::Required => it.name.to_owned(),
        Need::Optional => format!("{}?", it.name),
        Need::Obtained => format!("{}*", it.name),
    });
    fields.collect::<Vec<_>>().join(" ")
}

#[test]
fn each_grant_and_client_authentication_has_its_fields() {
    let tokens = "access_token* refresh_token* expires_at* scope*";
    for (grant, more, expected) in [
        ("authorization_code", "", "client_id client_secret"),
        ("authorization_code", "client_auth: none", "client_id"),
        (
            "authorization_code",
            "client_auth: private_key_jwt",
            "client_id private_key key_id? certificate?",
        ),
        ("authorization_code", "client_auth: client_secret_jwt", "client_id client_secret"),
        ("authorization_code", "client_auth: tls", "client_id certificate private_key"),
        (
            "authorization_code",
            "client_auth: none\nrefresh: { client_auth: basic }",
            "client_id client_secret",
        ),
        (
            "authorization_code",
            "refresh: { client_auth: private_key_jwt }",
            "client_id client_secret private_key key_id? certificate?",
        ),
        ("client_credentials", "client_auth: body", "client_id client_secret"),
        ("password", "", "client_id client_secret username password"),
        ("token_exchange", "", "client_id client_secret subject_token actor_token?"),
        ("github_app", "", "app_id private_key key_id?"),
        (
            "jwt_bearer",
            "assertion: { issuer: \"{client_email}\", subject: \"{subject?}\", claims: { scope: \"{scopes}\" } }",
            "client_email client_id? private_key key_id? subject?",
        ),
        ("jwt_bearer", "assertion: { algorithm: HS256 }", "client_id client_secret key_id?"),
        (
            "client_credentials",
            "token_params: { a: \"{account_id}\", b: \"{hint?}\", c: \"{subdomain}\" }",
            "account_id client_id client_secret hint?",
        ),
    ] {
        let expected = format!("{expected} {tokens}");
        assert_eq!(fields(&server(grant, more)), expected, "{grant} {more}");
    }
    assert_eq!(
        fields(&server("refresh_token", "client_auth: none")),
        "client_id refresh_token access_token* expires_at* scope*"
    );
    let github = method("grant: github_app");
    assert_eq!(fields(&github), format!("installation_id app_id private_key key_id? {tokens}"));
}

#[test]
fn what_is_wrong_with_a_credential_is_told_at_once() {
    let method = server("password", "");
    let check = |method: &Oauth2, fields: &[(&str, &str)]| {
        method.check_credential(&credential(fields), |_| false)
    };
    let good = [("client_id", "c"), ("client_secret", "s"), ("username", "u"), ("password", "p")];
    assert_eq!(check(&method, &good), []);
    let faults = check(&method, &[("client_id", "c"), ("client_secret", ""), ("pasword", "p")]);
    let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "neither a credential field nor a variable `username` has a value",
            "neither a credential field nor a variable `password` has a value",
            "the credential field `client_secret` is empty",
            "the credential field `pasword` is unknown here",
        ]
    );
    assert!(faults.iter().all(|it| !it.hint().is_empty()));

    let mut several = credential(&good);
    several.insert("client_secret", vec![Secret::new("a"), Secret::new("b")]);
    assert_eq!(method.check_credential(&several, |_| false), []);
    several.insert("password", vec![Secret::new("a"), Secret::new("b")]);
    several.insert("client_secret", vec![Secret::new("a"); 5]);
    let many =
        |field: &str| GrantError::Unusable { field: field.into(), what: "has too many values" };
    let faults = method.check_credential(&several, |_| false);
    assert_eq!(faults, [many("client_secret"), many("password")]);

    let keyed = server("client_credentials", "client_auth: private_key_jwt");
    let renewed = "client_auth: none\nrefresh: { client_auth: private_key_jwt }";
    for keyed in [keyed, server("authorization_code", renewed)] {
        let faults = check(&keyed, &[("client_id", "c"), ("private_key", "-----BEGIN hunter2")]);
        let unusable =
            GrantError::Unusable { field: "private_key".into(), what: "is no private key in PEM" };
        assert_eq!(faults, [unusable]);
    }
}
