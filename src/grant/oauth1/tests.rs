//! Answers and redirects as providers send them.
use super::*;
use crate::grant::Answer;
use crate::grant::CallbackError;
use crate::grant::Expiry;
use crate::grant::Occasion;
use crate::grant::TokenSet;
use crate::model::Credential;
use crate::model::Secret;
use crate::model::UnixTime;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

fn one() -> Oauth1Grant {
    grant("api.example")
}

fn grant(host: &str) -> Oauth1Grant {
    with_callback(host, false)
}

fn with_callback(host: &str, callback_on_url: bool) -> Oauth1Grant {
    let [request, authorize, token] =
        ["initiate", "authorize?scope=read", "token"].map(|it| format!("https://{host}/{it}"));
    Oauth1Grant::new(RawOauth1Grant {
        request_url: Some(&request),
        authorize_url: Some(&authorize),
        token_url: Some(&token),
        callback_on_url,
    })
    .unwrap()
}

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        content_type: None,
        retry_after: None,
        dpop_nonce: None,
        body: Zeroizing::new(body.as_bytes().to_vec()),
    }
}

fn occasion<'a>(
    credential: &'a Credential,
    variables: &'a BTreeMap<String, String>,
) -> Occasion<'a> {
    Occasion { credential, variables, secret: 0, now: UnixTime::default(), random: [0; 16] }
}

/// RFC 5849 §1.2 and §2.1.
#[test]
fn temporary_credentials_are_taken_where_the_callback_is_confirmed() {
    let good = "oauth_token=hh5s93j4hdidpola&oauth_token_secret=hdhd0244k9j7ao03&oauth_callback_confirmed=true";
    let temporary = one().temporary(&answer(200, good)).unwrap();
    assert_eq!(temporary.token.expose(), "hh5s93j4hdidpola");
    assert_eq!(temporary.secret.expose(), "hdhd0244k9j7ao03");
    let refused = |status, problem: Option<&str>| Oauth1Error::Refused {
        status,
        problem: problem.map(str::to_owned),
    };
    for (status, body, error) in [
        (200, "oauth_token=a&oauth_token_secret=b", Oauth1Error::Unconfirmed),
        (200, &good.replace("true", "false"), Oauth1Error::Unconfirmed),
        (200, &good.replace("oauth_token=", "token="), Oauth1Error::Lacks("oauth_token")),
        (200, &good.replace("hh5s93j4hdidpola", ""), Oauth1Error::Lacks("oauth_token")),
        (200, &[good, "&oauth_token=x"].concat(), Oauth1Error::Lacks("oauth_token")),
        (200, &good.replace("_secret", ""), Oauth1Error::Lacks("oauth_token")),
        (
            200,
            "oauth_token=a&oauth_callback_confirmed=true",
            Oauth1Error::Lacks("oauth_token_secret"),
        ),
        (401, "oauth_problem=timestamp_refused", refused(401, Some("timestamp_refused"))),
        (401, "Invalid signature", refused(401, None)),
        (429, good, Oauth1Error::Away { status: 429 }),
        (503, good, Oauth1Error::Away { status: 503 }),
        (302, good, Oauth1Error::Away { status: 302 }),
    ] {
        assert_eq!(one().temporary(&answer(status, body)), Err(error), "{status} {body}");
    }
}

/// RFC 5849 §2.3.
#[test]
fn a_token_is_kept_with_its_secret_and_has_no_end() {
    let body = "oauth_token=nnch734d00sl2jdk&oauth_token_secret=pfkkdhi9sl3r4s00&user_id=7";
    let tokens = Oauth1Grant::token(&answer(200, body)).unwrap();
    assert_eq!(tokens.access_token.expose(), "nnch734d00sl2jdk");
    assert_eq!(tokens.expiry, Expiry::Never);
    assert_eq!(TokenSet::from_credential(&tokens.to_credential()).unwrap(), tokens);
    let signing = Oauth1Grant::signing_fields(&tokens);
    assert_eq!(signing.field("token").unwrap().expose(), "nnch734d00sl2jdk");
    assert_eq!(signing.field("token_secret").unwrap().expose(), "pfkkdhi9sl3r4s00");
    assert_eq!(Oauth1Grant::brought(&signing).unwrap(), tokens);
    assert!(Oauth1Grant::brought(&Credential::default()).is_none());
    assert!(!format!("{tokens:?}").contains("pfkk"));
}

/// RFC 5849 §2.2.
#[test]
fn a_redirect_back_is_read_for_its_own_consent_alone() {
    use CallbackError as E;
    let token = Secret::new("hdk48Djdsa");
    let good = "oauth_token=hdk48Djdsa&oauth_verifier=473f82d3";
    assert_eq!(Oauth1Grant::verifier(good, &token).unwrap().expose(), "473f82d3");
    assert_eq!(Oauth1Grant::callback_token(good).as_deref(), Some("hdk48Djdsa"));
    for (query, error) in [
        ("oauth_token=other&oauth_verifier=473f82d3", E::State),
        ("oauth_verifier=473f82d3", E::State),
        ("", E::State),
        ("denied=other", E::State),
        ("denied=hdk48Djdsa", E::Denied),
        ("oauth_token=hdk48Djdsa&denied=hdk48Djdsa", E::Denied),
        ("oauth_token=hdk48Djdsa&oauth_problem=user_refused", E::Denied),
        (
            "oauth_token=hdk48Djdsa&oauth_problem=token_expired",
            E::Provider { error: "token_expired".to_owned(), description: None },
        ),
        ("oauth_token=hdk48Djdsa&oauth_verifier=NULL", E::Denied),
        ("oauth_token=hdk48Djdsa", E::NoCode),
        ("oauth_token=hdk48Djdsa&oauth_verifier=", E::NoCode),
        (&format!("{good}&oauth_token=x"), E::Twice("oauth_token".to_owned())),
        (&format!("{good}&oauth_verifier=x"), E::Twice("oauth_verifier".to_owned())),
        (&format!("{good}&a={}", "x".repeat(16 << 10)), E::TooLong),
    ] {
        assert_eq!(Oauth1Grant::verifier(query, &token), Err(error), "{query}");
    }
    for word in ["null", "NULLABLE"] {
        let query = format!("oauth_token=hdk48Djdsa&oauth_verifier={word}");
        assert_eq!(Oauth1Grant::verifier(&query, &token).unwrap().expose(), word);
    }
    assert_eq!(
        Oauth1Grant::verifier("oauth_token=&oauth_verifier=a", &Secret::default()),
        Err(E::State)
    );
    assert_eq!(Oauth1Grant::callback_token("denied=x").as_deref(), Some("x"));
}

#[test]
fn the_urls_take_variables_and_the_browser_takes_the_token() {
    let grant = grant("{account}.example.com");
    let credential = Credential::default();
    let variables = BTreeMap::from([("account".to_owned(), "acme".to_owned())]);
    let occasion = occasion(&credential, &variables);
    let (token, back) = (Secret::new("a b&c"), "https://app.example/back?a=1");
    let url = grant.authorization_url(&token, back, &occasion).unwrap();
    assert_eq!(*url, "https://acme.example.com/authorize?scope=read&oauth_token=a+b%26c");
    assert_eq!(grant.callback(back), Some(("oauth_callback", back)));
    let guarded: Vec<String> =
        grant.guarded(&occasion).iter().map(|it| it.path().to_owned()).collect();
    assert_eq!(guarded, ["/initiate", "/token"]);
    assert!(grant.url_faults(&occasion).is_empty());
    let none = BTreeMap::new();
    let faults = grant.url_faults(&self::occasion(&credential, &none));
    assert_eq!(faults.len(), 1, "one variable is told once");
}

/// As Garmin has it: its first message says nothing of the callback, and its answer confirms nothing.
#[test]
fn a_callback_may_go_with_the_person() {
    let grant = with_callback("api.example", true);
    let (credential, variables) = (Credential::default(), BTreeMap::new());
    let back = "https://app.example/back?a=1";
    assert_eq!(grant.callback(back), None);
    let temporary = grant.temporary(&answer(200, "oauth_token=a&oauth_token_secret=b")).unwrap();
    let occasion = occasion(&credential, &variables);
    let url = grant.authorization_url(&temporary.token, back, &occasion).unwrap();
    assert_eq!(
        *url,
        "https://api.example/authorize?scope=read&oauth_token=a&oauth_callback=https%3A%2F%2Fapp.example%2Fback%3Fa%3D1"
    );
    let missing = Oauth1Grant::verifier("oauth_token=a", &temporary.token);
    assert_eq!(missing, Err(CallbackError::NoCode), "there is a verifier all the same");
}

#[test]
fn urls_that_can_not_be_are_told_where_they_stand() {
    let good = "https://api.example/token";
    let told = |request_url, authorize_url, token_url| {
        let raw = RawOauth1Grant { request_url, authorize_url, token_url, callback_on_url: false };
        let faults = Oauth1Grant::new(raw).unwrap_err();
        faults.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        told(Some(good), None, Some("api.example")),
        [
            "authorize_url: is missing: a consent takes all three URLs; write request_url, authorize_url and token_url, or none of them",
            "token_url: is not an absolute URL: relative URL without a base; write it as https://api.example.com/oauth/request_token",
        ]
    );
}

#[test]
fn another_app_or_another_provider_is_another_grant() {
    let variables = BTreeMap::new();
    let of = |host: &str, fields: &[(&str, &str)]| {
        let credential = fields.iter().copied().collect();
        grant(host).identity(&occasion(&credential, &variables))
    };
    let good = of("a.example", &[("consumer_key", "k"), ("consumer_secret", "s")]);
    assert_eq!(good, of("a.example", &[("consumer_key", "k"), ("consumer_secret", "new")]));
    assert_ne!(good, of("b.example", &[("consumer_key", "k")]));
    assert_ne!(good, of("a.example", &[("consumer_key", "l")]));
    let brought = of("a.example", &[("consumer_key", "k"), ("token", "t")]);
    assert_eq!(good.whose, brought.whose);
    assert_ne!(good.brought, brought.brought);
}
