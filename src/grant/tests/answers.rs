//! What providers answer, and what it means.
use super::NOW;
use super::answer;
use super::credential;
use super::renewed;
use super::server;
use crate::grant::Answer;
use crate::grant::Ask;
use crate::grant::Expiry;
use crate::grant::Fault;
use crate::grant::Introspection;
use crate::grant::Oauth2;
use crate::grant::Outcome;
use crate::grant::Polled;
use crate::grant::TokenSet;
use crate::grant::Why;
use crate::model::Secret;
use crate::model::UnixTime;
use http::HeaderMap;
use std::time::Duration;
use zeroize::Zeroizing;

fn token(outcome: Outcome) -> TokenSet {
    match outcome {
        Outcome::Token(token) => *token,
        other => panic!("{other:?}"),
    }
}

/// RFC 6749 §5.1.
#[test]
fn the_answer_of_rfc_6749() {
    let body = r#"{
       "access_token":"2YotnFZFEjr1zCsicMWpAA",
       "token_type":"example",
       "expires_in":3600,
       "refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA",
       "example_parameter":"example_value"
     }"#;
    let token = token(renewed(&server("refresh_token", ""), 200, body));
    assert_eq!(token.access_token.expose(), "2YotnFZFEjr1zCsicMWpAA");
    assert_eq!(token.refresh_token.unwrap().expose(), "tGzv3JOkF0XG5Qx2TlKWIA");
    assert_eq!(token.token_type.as_deref(), Some("example"));
    assert_eq!(token.expiry, Expiry::At(UnixTime::from_s(NOW.as_s() + 3600)));
    assert_eq!(token.scopes, None);
}

/// The replies on which a strict reader loses customers.
#[test]
fn eleven_answers_of_real_providers_are_tokens() {
    let form = "application/x-www-form-urlencoded";
    let json = "application/json";
    let hour = Expiry::At(UnixTime::from_s(NOW.as_s() + 3600));
    let unknown = Expiry::Unknown;
    for (name, status, content_type, body, expiry) in [
        (
            "by the book",
            200,
            json,
            r#"{"access_token":"t","token_type":"bearer","expires_in":3600}"#,
            hour,
        ),
        (
            "expires_in as text",
            200,
            json,
            r#"{"access_token":"t","token_type":"bearer","expires_in":"3600"}"#,
            hour,
        ),
        (
            "expires_in as a float",
            200,
            json,
            r#"{"access_token":"t","token_type":"bearer","expires_in":3600.0}"#,
            hour,
        ),
        ("no token_type", 200, json, r#"{"access_token":"t","expires_in":3600}"#, hour),
        (
            "form-encoded",
            200,
            form,
            "access_token=t&token_type=bearer&expires_in=3600&scope=repo%2Cuser",
            hour,
        ),
        (
            "a form that calls itself text",
            200,
            "text/plain;charset=UTF-8",
            "access_token=t&expires_in=3600",
            hour,
        ),
        ("created", 201, json, r#"{"access_token":"t","expires_in":3600}"#, hour),
        (
            "scope as a list",
            200,
            json,
            r#"{"access_token":"t","scope":["repo","user"],"expires_in":3600}"#,
            hour,
        ),
        ("no expires_in", 200, json, r#"{"access_token":"t","token_type":"user"}"#, unknown),
        (
            "nulls",
            200,
            json,
            r#"{"access_token":"t","expires_in":null,"refresh_token":null,"scope":null,"error":null}"#,
            unknown,
        ),
        (
            "ok beside it",
            200,
            json,
            r#"{"ok":true,"access_token":"t","error":"","errcode":0}"#,
            unknown,
        ),
        (
            "empty refresh token",
            200,
            json,
            r#"{"access_token":"t","refresh_token":"","expires_in":0}"#,
            unknown,
        ),
    ] {
        let method = server("refresh_token", "");
        let held = credential(&[("refresh_token", "r")]);
        let outcome = method.outcome(Ask::Refresh, &answer(status, content_type, body), &held, NOW);
        let token = token(outcome);
        assert_eq!(token.access_token.expose(), "t", "{name}");
        assert_eq!(token.expiry, expiry, "{name}");
        assert_eq!(token.refresh_token, None, "{name}");
        if let Some(scopes) = token.scopes {
            assert_eq!(scopes, ["repo", "user"], "{name}");
        }
    }
}

/// What has to happen, in short: `dead`, `operator`, `provider`.
fn verdict(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Token(_) => "token",
        Outcome::AuthorizeAgain { .. } => "dead",
        Outcome::TryAgain { fault: Fault::Operator, .. } => "operator",
        Outcome::TryAgain { fault: Fault::Provider, .. } => "provider",
    }
}

#[test]
fn only_what_surely_ends_a_grant_ends_it() {
    let method = server("refresh_token", "");
    for (status, body, expected) in [
        // RFC 6749 §5.2
        (400, r#"{"error":"invalid_grant"}"#, "dead"),
        (400, r#"{"error":"invalid_client"}"#, "operator"),
        (401, r#"{"error":"invalid_client"}"#, "operator"),
        (400, r#"{"error":"unauthorized_client"}"#, "operator"),
        (400, r#"{"error":"unsupported_grant_type"}"#, "operator"),
        (400, r#"{"error":"invalid_scope"}"#, "operator"),
        (400, r#"{"error":"invalid_request","error_description":"x"}"#, "operator"),
        (400, r#"{"error":"temporarily_unavailable"}"#, "provider"),
        (400, r#"{"error":"server_error"}"#, "provider"),
        (400, r#"{"error":"something_new"}"#, "provider"),
        // GitHub
        (
            200,
            r#"{"error":"bad_refresh_token","error_description":"The refresh token passed is incorrect or expired."}"#,
            "dead",
        ),
        (200, "error=bad_verification_code&error_description=The+code+passed+is+incorrect", "dead"),
        (200, r#"{"error":"incorrect_client_credentials"}"#, "operator"),
        // Slack
        (200, r#"{"ok":false,"error":"invalid_refresh_token"}"#, "dead"),
        (200, r#"{"ok":false,"error":"ratelimited"}"#, "provider"),
        (200, r#"{"ok":false,"error":"bad_client_secret"}"#, "operator"),
        (200, r#"{"ok":false,"access_token":"t","error":"internal_error"}"#, "provider"),
        // Zoho: the second limits requests, whatever it calls it.
        (200, r#"{"error":"invalid_code"}"#, "dead"),
        (
            400,
            r#"{"error_description":"You have made too many requests continuously. Please try again after some time.","error":"Access Denied","status":"failure"}"#,
            "provider",
        ),
        (400, r#"{"error":"access_denied"}"#, "provider"),
        // HubSpot
        (
            400,
            r#"{"status":"BAD_REFRESH_TOKEN","message":"missing or unknown refresh token","correlationId":"x"}"#,
            "dead",
        ),
        (
            400,
            r#"{"status":"error","message":"Any of the listed authentication credentials are missing"}"#,
            "provider",
        ),
        // Meta
        (
            400,
            r#"{"error":{"message":"Error validating access token","type":"OAuthException","code":190}}"#,
            "dead",
        ),
        (
            400,
            r#"{"error":{"message":"An unknown error has occurred.","type":"OAuthException","code":1}}"#,
            "provider",
        ),
        // Microsoft
        (
            400,
            r#"{"error":"interaction_required","error_description":"AADSTS50076","error_codes":[50076]}"#,
            "dead",
        ),
        (
            401,
            r#"{"error":"invalid_client","error_description":"AADSTS7000222: expired"}"#,
            "operator",
        ),
        // Google
        (400, r#"{"error":{"code":400,"message":"x","status":"INVALID_ARGUMENT"}}"#, "provider"),
        (
            400,
            r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#,
            "dead",
        ),
        // Not an answer of the provider's at all.
        (403, "<html><title>403 Forbidden</title>", "provider"),
        (400, "<!DOCTYPE html>", "provider"),
        (401, "<html>", "operator"),
        (401, "", "operator"),
        (200, r#"{"access_token":"t","error":"none"}"#, "token"),
        (200, r#"{"access_token":"t","error_code":"0000","status":"success"}"#, "token"),
        (200, "", "provider"),
        (200, r#"{"access_token":"t"#, "provider"),
        (200, r#"{"access_token":""}"#, "provider"),
        (200, r#"{"access_token":null,"token_type":"bearer"}"#, "provider"),
        (200, "<html>maintenance</html>", "provider"),
        (200, "[]", "provider"),
        (200, "null", "provider"),
        (404, "<html>", "operator"),
        (404, r#"{"message":"Not Found"}"#, "operator"),
        (302, "", "operator"),
        (403, r#"{"access_token":"t"}"#, "provider"),
        // A status above 499 outweighs what the body says.
        (500, r#"{"error":"invalid_grant"}"#, "provider"),
        (503, r#"{"error":"invalid_grant"}"#, "provider"),
        (429, r#"{"error":"invalid_grant"}"#, "provider"),
    ] {
        let outcome = renewed(&method, status, body);
        assert_eq!(verdict(&outcome), expected, "{status} {body} {outcome:?}");
    }
}

/// RFC 6749 §5.1: an answer of 200 is a token, which settings may fail to find.
#[test]
fn an_answer_of_200_that_is_not_surely_a_refusal_may_hold_a_token() {
    let method = server("refresh_token", "reply: { authorize_again: [GONE, has been revoked] }");
    let unread = |status, body| {
        let outcome = renewed(&method, status, body);
        matches!(outcome, Outcome::TryAgain { why: Why::NoToken { status: 200 }, .. })
    };
    for (body, is_unread) in [
        (r#"{"message":"Token issued","data":{"access_token":"t"}}"#, true),
        (r#"{"code":"0000","result":{"token":"t"}}"#, true),
        (r#"{"status":"ok","token":{"access":"t"}}"#, true),
        (r#"{"data":{"access_token":"t"}}"#, true),
        // What has a name is what it says.
        (r#"{"status":"BAD_REFRESH_TOKEN"}"#, false),
        (r#"{"code":"invalid_client"}"#, false),
        (r#"{"code":"gone"}"#, false),
        (r#"{"code":40102,"message":"token has been revoked"}"#, false),
        (r#"{"code":40102,"message":"token has been issued"}"#, true),
        (r#"{"error":"something_new"}"#, false),
        (r#"{"success":false,"message":"not now"}"#, false),
    ] {
        assert_eq!(unread(200, body), is_unread, "{body}");
        assert!(!unread(400, body), "{body}");
    }
    for (status, body, may) in
        [(200, "x", true), (200, "", false), (400, "{}", false), (503, "x", false)]
    {
        assert_eq!(answer(status, "text/plain", body).may_hold_a_token(), may, "{status} {body}");
    }
}

#[test]
fn another_secret_is_tried_where_the_client_was_refused() {
    let method = server("refresh_token", "");
    for (status, body, expected) in [
        (400, r#"{"error":"invalid_client"}"#, true),
        (400, r#"{"ok":false,"error":"bad_client_secret"}"#, true),
        (200, r#"{"error":"BAD_CLIENT_SECRET"}"#, true),
        (400, r#"{"error":"unauthorized_client"}"#, false),
        (400, r#"{"error":"invalid_scope"}"#, false),
        (400, "", false),
        // Keycloak.
        (
            401,
            r#"{"error":"unauthorized_client","error_description":"Invalid client or Invalid client credentials"}"#,
            true,
        ),
        // What stands in front of a server, and refuses Basic itself.
        (401, "", true),
        (401, "<html>", true),
        (401, "{}", true),
        (401, r#"{"statusCode":401,"message":"Unauthorized"}"#, true),
        (401, r#"{"error":"invalid_scope"}"#, false),
        (403, "", false),
    ] {
        let outcome = renewed(&method, status, body);
        let Outcome::TryAgain { why, .. } = outcome else { panic!("{status} {body}") };
        assert_eq!(why.refuses_client(), expected, "{status} {body}");
    }
}

/// What is made anew for each request is not lost by being refused; a person's password is locked out
/// by being tried.
#[test]
fn a_refused_grant_of_the_operators_own_keys_is_tried_again() {
    let refused = answer(400, "application/json", r#"{"error":"invalid_grant"}"#);
    let held = credential(&[]);
    for (grant, expected) in [
        ("client_credentials", "operator"),
        ("jwt_bearer", "operator"),
        ("token_exchange", "operator"),
        ("github_app", "operator"),
        ("password", "dead"),
    ] {
        let outcome = server(grant, "").outcome(Ask::Token, &refused, &held, NOW);
        assert_eq!(verdict(&outcome), expected, "{grant}");
    }
}

#[test]
fn a_method_declares_what_else_ends_its_grants() {
    let body = r#"{"error":"invalid_request","error_description":"The provided authorization grant or refresh token is invalid, expired or revoked"}"#;
    let plain = server("refresh_token", "");
    assert_eq!(verdict(&renewed(&plain, 400, body)), "operator");
    let told = server("refresh_token", "reply: { authorize_again: [expired or revoked, E42] }");
    assert_eq!(verdict(&renewed(&told, 400, body)), "dead");
    assert_eq!(verdict(&renewed(&told, 400, r#"{"error":"e42"}"#)), "dead");
    let placed =
        server("refresh_token", "reply: { error: /fault/id, error_description: /fault/text }");
    let body = r#"{"fault":{"id":"invalid_grant","text":"gone"}}"#;
    let Outcome::AuthorizeAgain { why } = renewed(&placed, 400, body) else { panic!() };
    assert_eq!(why.to_string(), "the provider answered `invalid_grant` (status 400): gone");
}

#[test]
fn a_provider_says_how_long_it_wants_to_be_left_alone() {
    let method = server("refresh_token", "");
    for (retry_after, s) in [
        ("2", Some(2)),
        (" 120 ", Some(120)),
        ("999999999999", Some(24 * 3600)),
        ("Tue, 14 Nov 2023 22:13:50 GMT", Some(30)),
        ("Tue, 14 Nov 2000 22:13:50 GMT", Some(0)),
        ("-1", None),
        ("soon", None),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", retry_after.parse().unwrap());
        for status in [429, 500, 503, 400] {
            let answer = Answer::new(status, &headers, Zeroizing::new(b"{}".to_vec()));
            let outcome = method.outcome(Ask::Refresh, &answer, &credential(&[]), NOW);
            let Outcome::TryAgain { after, .. } = outcome else { panic!("{outcome:?}") };
            assert_eq!(after, s.map(Duration::from_secs), "{status} {retry_after}");
        }
    }
}

#[test]
fn a_proof_without_the_servers_nonce_is_made_again() {
    let method = server("refresh_token", "dpop: true");
    let mut headers = HeaderMap::new();
    headers.insert("dpop-nonce", "eyJ7S_zG.eyJH0-Z.HX4w-7v".parse().unwrap());
    let body = Zeroizing::new(br#"{"error":"use_dpop_nonce"}"#.to_vec());
    let answer = Answer::new(400, &headers, body);
    assert_eq!(answer.dpop_nonce.as_deref(), Some("eyJ7S_zG.eyJH0-Z.HX4w-7v"));
    let outcome = method.outcome(Ask::Refresh, &answer, &credential(&[]), NOW);
    let after = Some(Duration::ZERO);
    assert_eq!(outcome, Outcome::TryAgain { after, fault: Fault::Provider, why: Why::Nonce });

    let bearer = r#"{"access_token":"t","token_type":"Bearer","refresh_token":"r2"}"#;
    assert_eq!(verdict(&renewed(&method, 200, bearer)), "token", "a renewal's may be the only one");
    let answer = super::answer(200, "application/json", bearer);
    let code = Secret::new("c");
    let ask = Ask::Code { code: &code, redirect_uri: "https://a.example/cb", verifier: None };
    let outcome = method.outcome(ask, &answer, &credential(&[]), NOW);
    assert!(matches!(outcome, Outcome::TryAgain { why: Why::Unbound, .. }), "{outcome:?}");
    let bound = renewed(&method, 200, r#"{"access_token":"t","token_type":"DPoP"}"#);
    assert_eq!(verdict(&bound), "token");
}

#[test]
fn what_was_sent_is_never_repeated_in_words() {
    let method = server("refresh_token", "");
    let held = credential(&[
        ("refresh_token", "tGzv3JOkF0XG5Qx2TlKWIA"),
        ("client_secret", "gX1fBat3bV"),
        ("client_id", "s6BhdRkqt3"),
    ]);
    let body = r#"{"error":"tGzv3JOkF0XG5Qx2TlKWIA","error_description":"no token tGzv3JOkF0XG5Qx2TlKWIA of s6BhdRkqt3, gX1fBat3bV\r\n\u001b[31m"}"#;
    let outcome = method.outcome(Ask::Refresh, &answer(400, "application/json", body), &held, NOW);
    let Outcome::TryAgain { why, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(
        why.to_string(),
        "the provider answered `[redacted]` (status 400): no token [redacted] of s6BhdRkqt3, [redacted]   [31m"
    );
    let code = Secret::new("SplxlOBeZQQYbYS6WxSbIA");
    let ask = Ask::Code { code: &code, redirect_uri: "https://a.example/cb", verifier: None };
    let body = r#"{"error":"x","error_description":"code SplxlOBeZQQYbYS6WxSbIA is used"}"#;
    let outcome = method.outcome(ask, &answer(400, "application/json", body), &held, NOW);
    assert!(!format!("{outcome:?}").contains("SplxlOBe"), "{outcome:?}");
}

#[test]
fn everything_has_a_place_of_its_own_where_the_settings_say_so() {
    let method = server(
        "authorization_code",
        r#"
reply:
  access_token: /authed_user/access_token
  refresh_token: /authed_user/refresh_token
  expires_in: /authed_user/ttl
  scope: /authed_user/scope
  refresh_expires_in: /x_refresh_token_expires_in
  keep:
    team: /team/id
    host: { at: /instance_url, pattern: "https://([a-z0-9.-]+)" }
    absent: /nowhere
expiry: { unit: ms }
"#,
    );
    let body = r#"{"ok":true,"team":{"id":7},"instance_url":"https://eu1.example.com",
        "authed_user":{"access_token":"t","refresh_token":"r","ttl":"3600000","scope":"a,b c"},
        "x_refresh_token_expires_in":8726400}"#;
    let set = token(renewed(&method, 200, body));
    assert_eq!(set.access_token.expose(), "t");
    assert_eq!(set.refresh_token.as_ref().unwrap().expose(), "r");
    assert_eq!(set.expiry, Expiry::At(UnixTime::from_s(NOW.as_s() + 3600)));
    assert_eq!(set.refresh_expires_at, Some(UnixTime::from_s(NOW.as_s() + 8_726_400)));
    assert_eq!(set.scopes.as_deref().unwrap(), ["a", "b", "c"]);
    assert_eq!(set.kept.len(), 2);
    assert_eq!(set.kept["team"], "7");
    assert_eq!(set.kept["host"], "eu1.example.com");

    let evil = r#"{"authed_user":{"access_token":"t"},"instance_url":"https://evil.test/@eu1"}"#;
    let set = token(renewed(&method, 200, evil));
    assert_eq!(*set.unkept, ["host"], "and the token is not lost for it");
    assert!(set.kept.is_empty());
    let long = "9".repeat(2000);
    let long = format!(r#"{{"authed_user":{{"access_token":"t"}},"team":{{"id":"{long}"}}}}"#);
    assert_eq!(*token(renewed(&method, 200, &long)).unkept, ["team"]);
}

#[test]
fn what_a_provider_does_not_send_again_stays() {
    let method = server("authorization_code", "reply: { keep: { team: /team } }");
    let first =
        r#"{"access_token":"a1","refresh_token":"r1","scope":"x y","team":"7","expires_in":60}"#;
    let first = token(renewed(&method, 200, first));
    let second = token(renewed(&method, 200, r#"{"access_token":"a2"}"#)).following(&first);
    assert_eq!(second.access_token.expose(), "a2");
    assert_eq!(second.refresh_token.as_ref().unwrap().expose(), "r1");
    assert_eq!(second.scopes.as_deref().unwrap(), ["x", "y"]);
    assert_eq!(second.kept["team"], "7");
    assert_eq!(second.expiry, Expiry::Unknown, "an end is never inherited");
    let third = r#"{"access_token":"a3","refresh_token":"r3","scope":"x"}"#;
    let third = token(renewed(&method, 200, third)).following(&second);
    assert_eq!(third.refresh_token.as_ref().unwrap().expose(), "r3");
    assert_eq!(third.scopes.as_deref().unwrap(), ["x"]);

    for set in [first, second, third] {
        let shown = format!("{set:?}");
        assert!(
            !["a1", "a2", "a3", "\"r1\"", "\"r3\""].iter().any(|it| shown.contains(it)),
            "{shown}"
        );
        assert_eq!(TokenSet::from_credential(&set.to_credential()).unwrap(), set);
    }
}

#[test]
fn what_requests_are_signed_with_is_sealed_with_its_token_and_goes_with_it() {
    let method = server("authorization_code", "");
    let mut first = token(renewed(&method, 200, r#"{"access_token":"a1"}"#));
    first.extra.insert("token_secret".to_owned(), Secret::new("hunter2"));
    let read = TokenSet::from_credential(&first.to_credential()).unwrap();
    assert_eq!(read, first);
    assert_eq!(read.extra["token_secret"].expose(), "hunter2");
    assert!(read.kept.is_empty(), "it is no variable, which could be seen");
    assert!(!format!("{read:?}").contains("hunter2"));

    let second = token(renewed(&method, 200, r#"{"access_token":"a2"}"#)).following(&first);
    assert!(second.extra.is_empty(), "another token's secret signs nothing for this one");
}

#[test]
fn tokens_that_are_brought_along_are_read_as_they_come() {
    fn set(fields: &[(&str, &str)]) -> Option<TokenSet> {
        TokenSet::from_credential(&credential(fields))
    }
    assert_eq!(set(&[("refresh_token", "r")]), None);
    for (expires_at, expiry) in [
        ("1700003600", Expiry::At(UnixTime::from_s(1_700_003_600))),
        ("1700003600000", Expiry::At(UnixTime::from_s(1_700_003_600))),
        ("2023-11-14T23:13:20Z", Expiry::At(UnixTime::from_s(1_700_003_600))),
        ("never", Expiry::Never),
        ("tomorrow", Expiry::Unknown),
        ("", Expiry::Unknown),
    ] {
        let set = set(&[("access_token", "a"), ("expires_at", expires_at), ("scope", "x,y")]);
        let set = set.unwrap();
        assert_eq!(set.expiry, expiry, "{expires_at}");
        assert_eq!(set.scopes.unwrap(), ["x", "y"]);
    }
}

#[test]
fn granted_scopes_are_compared_with_required_ones() {
    let method = server("authorization_code", "scopes: [a, b, c]\nrequired_scopes: [a, b]");
    let granted = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    assert_eq!(method.missing_scopes(&granted(&["a", "b", "x"])), [""; 0]);
    assert_eq!(method.missing_scopes(&granted(&["b"])), ["a"]);
}

fn device() -> Oauth2 {
    server("device_code", "device_url: https://server.example.com/device_authorization")
}

/// RFC 8628 §3.2 and §3.5.
#[test]
fn the_answers_of_rfc_8628() {
    let method = device();
    let held = credential(&[("client_id", "c")]);
    let body = r#"{
        "device_code": "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS",
        "user_code": "WDJB-MJHT",
        "verification_uri": "https://example.com/device",
        "verification_uri_complete": "https://example.com/device?user_code=WDJB-MJHT",
        "expires_in": 1800,
        "interval": 5
      }"#;
    let codes =
        |status, body| method.device_codes(&answer(status, "application/json", body), &held, NOW);
    let shown = codes(200, body).unwrap();
    assert_eq!(shown.user_code, "WDJB-MJHT");
    assert_eq!(shown.verification_uri, "https://example.com/device");
    assert_eq!(shown.interval, Duration::from_secs(5));
    assert_eq!(shown.expires_at, UnixTime::from_s(NOW.as_s() + 1800));
    assert!(!format!("{shown:?}").contains("GmRhmh"));
    // Google's name, no interval, numbers as texts.
    let google = r#"{"device_code":"d","user_code":"u","verification_url":"https://g.example/device","expires_in":"60"}"#;
    assert_eq!(codes(200, google).unwrap().interval, Duration::from_secs(5));
    for (status, body) in [
        (200, r#"{"device_code":"d","user_code":"u","verification_uri":"javascript:alert(1)"}"#),
        (200, r#"{"device_code":"d","user_code":"u"}"#),
        (200, "<html>"),
        (400, r#"{"error":"invalid_client"}"#),
        (200, r#"{"access_token":"t"}"#),
    ] {
        assert!(matches!(codes(status, body), Err(Outcome::TryAgain { .. })), "{body}");
    }

    let device_code = &shown.device_code;
    let interval = Duration::from_secs(5);
    let polled = |status, body| {
        let answer = answer(status, "application/json", body);
        method.polled(device_code, &answer, &held, NOW, interval)
    };
    let pending = Polled::Pending { interval };
    assert_eq!(polled(400, r#"{"error":"authorization_pending"}"#), pending);
    assert_eq!(polled(428, r#"{"error":"authorization_pending"}"#), pending);
    let slower = Polled::Pending { interval: Duration::from_secs(10) };
    assert_eq!(polled(400, r#"{"error":"slow_down"}"#), slower);
    assert_eq!(polled(400, r#"{"error":"SLOW_DOWN"}"#), slower);
    for (status, body, expected) in [
        (400, r#"{"error":"access_denied"}"#, "dead"),
        (400, r#"{"error":"authorization_declined"}"#, "dead"),
        (400, r#"{"error":"expired_token"}"#, "dead"),
        (503, "", "provider"),
        (200, r#"{"access_token":"t"}"#, "token"),
    ] {
        let Polled::Ended(outcome) = polled(status, body) else { panic!("{body}") };
        assert_eq!(verdict(&outcome), expected, "{body}");
    }
}

/// RFC 7662 §2.2.
#[test]
fn the_answer_of_rfc_7662() {
    let body = r#"{
      "active": true,
      "client_id": "l238j323ds-23ij4",
      "username": "jdoe",
      "scope": "read write dolphin",
      "sub": "Z5O3upPC88QrAjx00dis",
      "exp": 1419356238
     }"#;
    let read = |status, body| Introspection::read(&answer(status, "application/json", body));
    let introspection = read(200, body).unwrap();
    assert!(introspection.active);
    assert_eq!(introspection.account.as_deref(), Some("jdoe"));
    assert_eq!(introspection.scopes.unwrap(), ["read", "write", "dolphin"]);
    assert_eq!(introspection.expires_at, Some(UnixTime::from_s(1_419_356_238)));
    assert!(!read(200, r#"{"active":false}"#).unwrap().active);
    assert!(read(200, r#"{"active":"true"}"#).unwrap().active);
    for (status, body) in [(200, "{}"), (401, r#"{"active":true}"#), (200, "x")] {
        assert_eq!(read(status, body), None, "{body}");
    }
}

#[test]
fn the_api_says_in_its_own_way_that_it_did_not_take_the_token() {
    let plain = server("refresh_token", "");
    let slack = server(
        "refresh_token",
        "auth_failure: [{ status: 401 }, { status: 200, pointer: /ok, equals: \"false\" }, \
         { status: 403, header: WWW-Authenticate, contains: Invalid_Token }, { pointer: /errors/0/code, equals: \"89\" }]",
    );
    let mut bearer = HeaderMap::new();
    bearer.insert("www-authenticate", "Bearer error=\"invalid_token\"".parse().unwrap());
    let none = HeaderMap::new();
    assert!(plain.is_auth_failure(401, &none, b""));
    assert!(!plain.is_auth_failure(403, &bearer, b""));
    assert!(!plain.failure_reads_body(Some(200)));
    assert!(slack.failure_reads_body(Some(200)));
    for (status, headers, body, expected) in [
        (401, &none, &b""[..], true),
        (200, &none, br#"{"ok":false}"#, true),
        (200, &none, br#"{"ok":"false"}"#, true),
        (200, &none, br#"{"ok":true}"#, false),
        (200, &none, br#"{"ok":false"#, false),
        (201, &none, br#"{"ok":false}"#, false),
        (403, &bearer, b"", true),
        (403, &none, b"", false),
        (400, &none, br#"{"errors":[{"code":89}]}"#, true),
        (400, &none, br#"{"errors":[{"code":88}]}"#, false),
    ] {
        let shown = String::from_utf8_lossy(body);
        assert_eq!(slack.is_auth_failure(status, headers, body), expected, "{status} {shown}");
    }
}
