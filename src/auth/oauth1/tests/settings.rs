//! Settings and credentials: what is taken, and what is said of the rest.
use super::super::Oauth1;
use super::super::RawOauth1;
use super::credential;
use super::settings;
use crate::auth::AuthError;
use crate::auth::Scheme;
use std::sync::Arc;

fn fault(yaml: &str) -> String {
    let raw: RawOauth1 = serde_yaml::from_str(yaml).unwrap();
    let faults = Oauth1::try_from(raw).unwrap_err();
    let faults = faults.iter().map(|it| {
        let super::super::super::Step::Field(name) = &it.path[0] else { panic!("a setting") };
        format!("{name}: {}\n  {}", it.problem, it.hint)
    });
    faults.collect::<Vec<_>>().join("\n")
}

fn refused(yaml: &str, fields: &str) -> Vec<AuthError> {
    Scheme::Oauth1(Arc::new(settings(yaml))).prepare(&credential(fields)).unwrap_err()
}

#[test]
fn settings_that_can_not_be_are_told() {
    for (yaml, told) in [
        (
            "{ signature: plaintext, body_hash: true }",
            "body_hash: PLAINTEXT signs nothing, so a hash of the body would prove nothing\n  leave it out, or choose another `signature`",
        ),
        (
            "{ in: query, realm: Photos }",
            "realm: a realm has no place in a query\n  leave it out, or write `in: header`",
        ),
        (
            "{ realm: '{token_secret}' }",
            "realm: names `token_secret`, which would be sent in the clear\n  name the field of an account id, as `{account_id}`",
        ),
        (
            "{ callback: authorize }",
            "callback: nobody is sent anywhere without an `authorize_url`\n  write request_url, authorize_url and token_url as well, or leave it out",
        ),
        ("{ realm: \"a\\nb\" }", "realm: has a control character\n  remove it"),
        (
            "{ realm: '{account' }",
            "realm: the template has a `{` that no `}` closes\n  a brace that is meant as such is written twice: `{{` or `}}`",
        ),
    ] {
        assert_eq!(fault(yaml), told, "{yaml}");
    }
}

#[cfg(not(feature = "rsa-sha1"))]
#[test]
fn a_build_without_rsa_sha1_says_how_to_have_one() {
    assert_eq!(
        fault("{ signature: rsa_sha1 }"),
        "signature: this attache was built without RSA-SHA1\n  build it with `cargo build --release --features rsa-sha1`, having read what Cargo.toml says of it; or use rsa_sha256 or an hmac_… if the API takes one"
    );
}

#[test]
fn the_fields_are_those_of_the_signature_and_the_realm() {
    for (yaml, fields) in [
        ("", &["consumer_key", "consumer_secret", "token", "token_secret"][..]),
        ("{ signature: rsa_sha256 }", &["consumer_key", "private_key", "token", "token_secret"]),
        (
            "{ signature: hmac_sha256, realm: '{account_id}' }",
            &["consumer_key", "consumer_secret", "token", "token_secret", "account_id"],
        ),
        ("{ realm: '{token}' }", &["consumer_key", "consumer_secret", "token", "token_secret"]),
    ] {
        let settings = settings(yaml);
        assert_eq!(settings.fields(), fields, "{yaml}");
        let optional = fields.iter().filter(|it| settings.is_optional(it));
        assert_eq!(optional.collect::<Vec<_>>(), [&"token", &"token_secret"]);
    }
}

#[test]
fn credentials_that_do_not_fit_are_told_by_field() {
    let name = |field: &str| field.to_owned();
    for (yaml, fields, error) in [
        ("", "consumer_key=k", AuthError::Missing { field: name("consumer_secret") }),
        ("", "consumer_key= consumer_secret=s", AuthError::Empty { field: name("consumer_key") }),
        (
            "",
            "consumer_key=k consumer_secret=s token_secret=t",
            AuthError::Missing { field: name("token") },
        ),
        (
            "{ realm: '{account_id}' }",
            "consumer_key=k consumer_secret=s",
            AuthError::Missing { field: name("account_id") },
        ),
        (
            "{ realm: '{account_id}' }",
            "consumer_key=k consumer_secret=s account_id=\u{7}",
            AuthError::Unsendable { field: name("account_id"), what: "a control character" },
        ),
        (
            "{ signature: rsa_sha256 }",
            "consumer_key=k private_key=s",
            AuthError::Unusable { field: name("private_key"), what: "is no private key in PEM" },
        ),
    ] {
        assert_eq!(refused(yaml, fields), [error], "{yaml} {fields}");
    }
    let unknown =
        refused("{ signature: rsa_sha256 }", "consumer_key=k private_key=k consumer_secret=s");
    assert!(
        matches!(&unknown[..], [AuthError::Unknown { field, .. }] if field == "consumer_secret")
    );
}

/// What signs the messages of a consent is made of fields that nobody has checked before.
#[test]
fn without_its_private_key_nothing_signs_in_its_place() {
    let credential = credential("consumer_key=k consumer_secret=s");
    let errors = settings("{ signature: rsa_sha256 }").signing(&credential, &[]).err();
    assert_eq!(errors, Some(vec![AuthError::Missing { field: "private_key".to_owned() }]));
}

#[test]
fn empty_token_fields_are_none() {
    let empty = super::signer("", "consumer_key=k consumer_secret=s token= token_secret=");
    let absent = super::signer("", "consumer_key=k consumer_secret=s");
    let own = super::own("1", "n");
    let sent = super::GET.signed_as(&empty, &own);
    assert_eq!(sent, super::GET.signed_as(&absent, &own));
    assert_eq!(sent.parameter("oauth_token"), None, "two-legged");
}
