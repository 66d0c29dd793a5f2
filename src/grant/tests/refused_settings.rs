//! Settings that are refused, with the place, the problem and the way out.
use crate::grant::Oauth2;
use crate::grant::RawOauth2;
use crate::grant::SettingsError;

fn problems(yaml: &str) -> Vec<SettingsError> {
    let raw: RawOauth2 = serde_yaml::from_str(yaml).unwrap();
    Oauth2::try_from(raw).err().unwrap_or_default()
}

const GOOD: &str = "token_url: https://a.example/token\n";

#[test]
fn each_fault_has_its_place() {
    for (more, place) in [
        ("", "grant"),
        ("grant: authorization_code", "authorize_url"),
        ("grant: device_code", "device_url"),
        ("grant: client_credentials\nissuer: a.example", "issuer"),
        ("grant: client_credentials\nrevoke_url: https://a.example/{x", "revoke_url"),
        ("grant: client_credentials\nrefresh: { url: ftp://a.example }", "refresh.url"),
        ("grant: client_credentials\npkce: S256", "pkce"),
        ("grant: client_credentials\ncallback: {}", "callback"),
        ("grant: client_credentials\nexchange: {}", "exchange"),
        ("grant: client_credentials\nassertion: {}", "assertion"),
        ("grant: client_credentials\nscopes: [\"a b\"]", "scopes[0]"),
        ("grant: client_credentials\nrequired_scopes: [a, \"\"]", "required_scopes[1]"),
        ("grant: client_credentials\nclient_auth: body\nbasic_encoding: raw", "basic_encoding"),
        ("grant: client_credentials\nrefresh: { client_auth: body }", "refresh.client_auth"),
        (
            "grant: refresh_token\nclient_auth: private_key_jwt\nrefresh: { client_auth: client_secret_jwt }",
            "refresh.client_auth",
        ),
        (
            "grant: refresh_token\nrefresh: { client_auth: private_key_jwt }\nassertion: { algorithm: HS256 }",
            "assertion.algorithm",
        ),
        ("grant: client_credentials\ntoken_params: { a: \"{b\" }", "token_params.a"),
        ("grant: client_credentials\nrefresh_params: { a: \"b}\" }", "refresh_params.a"),
        ("grant: client_credentials\nresources: [\"{}\"]", "resources[0]"),
        ("grant: client_credentials\ntoken_headers: { Host: a }", "token_headers.Host"),
        (
            "grant: client_credentials\ntoken_headers: { Content_Length: a }",
            "token_headers.Content_Length",
        ),
        ("grant: client_credentials\ntoken_headers: { \"a b\": a }", "token_headers.a b"),
        ("grant: client_credentials\ntoken_method: GET\ntoken_body: json", "token_body"),
        ("grant: client_credentials\nrefresh: { method: GET, body: form }", "refresh.body"),
        ("grant: client_credentials\nrename: { a: \"\" }", "rename.a"),
        ("grant: client_credentials\nreply: { access_token: token }", "reply.access_token"),
        ("grant: client_credentials\nreply: { error: error }", "reply.error"),
        ("grant: client_credentials\nreply: { keep: { \"a-b\": /x } }", "reply.keep.a-b"),
        ("grant: client_credentials\nreply: { keep: { a: x } }", "reply.keep.a"),
        (
            "grant: client_credentials\nreply: { keep: { a: { at: /x, pattern: abc } } }",
            "reply.keep.a.pattern",
        ),
        (
            "grant: client_credentials\nreply: { keep: { a: { at: x, pattern: \"(abc)\" } } }",
            "reply.keep.a.at",
        ),
        ("grant: client_credentials\nexpiry: { never: true, lifetime: 1h }", "expiry.never"),
        ("grant: client_credentials\nexpiry: { lifetime: 0s }", "expiry.lifetime"),
        ("grant: client_credentials\nauth_failure: [{}]", "auth_failure[0]"),
        ("grant: client_credentials\nauth_failure: [{ status: 99 }]", "auth_failure[0].status"),
        (
            "grant: client_credentials\nauth_failure: [{ status: 401, contains: a }]",
            "auth_failure[0].contains",
        ),
        (
            "grant: client_credentials\nauth_failure: [{ status: 401, equals: a }]",
            "auth_failure[0].equals",
        ),
        ("grant: client_credentials\nauth_failure: [{ pointer: ok }]", "auth_failure[0].pointer"),
        ("grant: jwt_bearer\nassertion: { lifetime: 2h }", "assertion.lifetime"),
        ("grant: jwt_bearer\nassertion: { claims: { a: \"{\" } }", "assertion.claims.a"),
        ("grant: github_app\nassertion: { algorithm: HS256 }", "assertion.algorithm"),
        ("grant: github_app\nclient_auth: basic", "client_auth"),
        (
            "grant: client_credentials\nclient_auth: client_secret_jwt\nassertion: { algorithm: RS256 }",
            "assertion.algorithm",
        ),
        ("grant: token_exchange\nexchange: { audiences: [\"{\"] }", "exchange.audiences[0]"),
        ("grant: client_credentials\nin: query", "name"),
        ("grant: client_credentials\nin: query\nname: t\ndpop: true", "in"),
    ] {
        let problems = problems(&format!("{GOOD}{more}"));
        let [problem] = &problems[..] else { panic!("{more}: {problems:?}") };
        let text = problem.to_string();
        assert!(text.starts_with(&format!("{place}: ")), "{more}: {text}");
        assert!(!problem.hint.is_empty(), "{more}");
    }
    assert_eq!(problems("grant: client_credentials")[0].path, ["token_url".into()]);
    // What is of `client_auth` alone elsewhere is of renewals too.
    for more in [
        "client_auth: body\nbasic_encoding: raw\nrefresh: { client_auth: basic }",
        "refresh: { client_auth: private_key_jwt }\nassertion: { lifetime: 1m }",
    ] {
        assert_eq!(problems(&format!("{GOOD}grant: refresh_token\n{more}")), [], "{more}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let all =
        problems("grant: authorization_code\nissuer: x\nexchange: {}\nexpiry: { lifetime: 0s }");
    assert_eq!(all.len(), 3, "{all:?}");
}

#[test]
fn what_is_written_reads_back() {
    let text = r#"
grant: jwt_bearer
token_url: https://oauth2.googleapis.com/token
assertion: { issuer: "{client_email}", subject: "{subject?}", claims: { scope: "{scopes}" } }
scopes: [https://www.googleapis.com/auth/drive]
reply: { keep: { host: { at: /instance_url, pattern: "https://(.*)" }, id: /id } }
expiry: { lifetime: 1h }
"#;
    let raw: RawOauth2 = serde_yaml::from_str(text).unwrap();
    let json = serde_json::to_value(&raw).unwrap();
    assert_eq!(serde_json::from_value::<RawOauth2>(json).unwrap(), raw);
    assert!(serde_yaml::from_str::<RawOauth2>("grant: jwt_bearer\ntoken_uri: x").is_err());
    let schema = schemars::schema_for!(RawOauth2).to_value().to_string();
    for word in ["RFC 8707", "token_headers", "private_key_jwt"] {
        assert!(schema.contains(word), "{word}");
    }
}

#[test]
fn what_is_risky_is_told() {
    let warnings = |yaml: &str| super::method(yaml).warnings().len();
    assert_eq!(warnings("grant: client_credentials\ntoken_url: https://a.example/t"), 0);
    assert_eq!(warnings("grant: client_credentials\ntoken_url: http://a.example/t"), 1);
    assert_eq!(warnings("grant: password\ntoken_method: GET\ntoken_url: https://a.example/t"), 2);
    let off = "grant: authorization_code\nissuer: https://a.example\npkce: \"off\"";
    assert_eq!(warnings(off), 1);
}
