//! What holds of any input: no panic, and no secret in anything that is printed.
use super::NOW;
use super::credential;
use super::method;
use super::occasion;
use super::server;
use super::variables;
use crate::grant::Answer;
use crate::grant::Ask;
use crate::grant::Authorization;
use crate::grant::GrantType;
use crate::grant::Introspection;
use crate::grant::Metadata;
use crate::grant::Outcome;
use crate::grant::TokenKind;
use crate::grant::TokenSet;
use crate::model::Secret;
use http::HeaderMap;
use proptest::prelude::*;
use std::time::Duration;
use zeroize::Zeroizing;

/// Settings that look everywhere in an answer.
const CURIOUS: &str = r#"
device_url: https://server.example.com/device
reply:
  access_token: /a/0/access_token
  keep: { x: { at: /x, pattern: "([a-z]+)" }, y: /y, z: "" }
  authorize_again: [gone]
auth_failure: [{ pointer: /ok, equals: "false" }]
"#;

/// Bytes that are almost an answer.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(vec![
        "access_token",
        "refresh_token",
        "expires_in",
        "expires_at",
        "error",
        "error_description",
        "scope",
        "ok",
        "a",
        "x",
        "y",
        "code",
        "errors",
        "token_type",
        "id_token",
        "device_code",
        "interval",
        "active",
        "exp",
        "status",
        "message",
    ]);
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("1e400".to_owned()),
        any::<i64>().prop_map(|it| it.to_string()),
        any::<f64>().prop_map(|it| it.to_string()),
        any::<bool>().prop_map(|it| it.to_string()),
        "[ -~]{0,12}".prop_map(|it| serde_json::to_string(&it).unwrap()),
        Just("\"2023-11-14T23:13:20Z\"".to_owned()),
        Just("\"eyJhIjoxfQ.eyJleHAiOi0xfQ.\"".to_owned()),
    ];
    let value = leaf.prop_recursive(4, 32, 4, move |inner| {
        let member = (word.clone(), inner.clone()).prop_map(|it| format!("\"{}\":{}", it.0, it.1));
        prop_oneof![
            prop::collection::vec(member, 0..6).prop_map(|it| format!("{{{}}}", it.join(","))),
            prop::collection::vec(inner, 0..4).prop_map(|it| format!("[{}]", it.join(","))),
        ]
    });
    let almost = (value.prop_map(String::into_bytes), any::<prop::sample::Index>(), any::<u8>());
    prop_oneof![
        2 => prop::collection::vec(any::<u8>(), 0..200),
        6 => almost.clone().prop_map(|it| it.0),
        1 => almost.clone().prop_map(|(body, at, _)| body[..at.index(body.len())].to_vec()),
        1 => almost.prop_map(|(mut body, at, byte)| {
            let at = at.index(body.len());
            body[at] = byte;
            body
        }),
        1 => "[a-z_]{1,12}=[ -~]{0,20}(&[a-z_]{1,12}=[ -~]{0,20}){0,4}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn any_answer_has_a_verdict(
        body in body(),
        status in 0_u16..1000,
        content_type in prop::option::of("[ -~]{0,30}"),
        retry_after in prop::option::of("[ -~]{0,30}"),
        now in any::<u64>(),
    ) {
        let now = crate::model::UnixTime::from_ms(now);
        let answer = Answer {
            status,
            content_type,
            retry_after,
            dpop_nonce: None,
            body: Zeroizing::new(body),
        };
        let held = credential(&[("refresh_token", "hunter2hunter2")]);
        let token = Secret::new("hunter2hunter2");
        for method in [server("device_code", CURIOUS), server("device_code", "device_url: https://a.example/d")] {
            for ask in [
                Ask::Refresh,
                Ask::Token,
                Ask::Device,
                Ask::DeviceToken { device_code: &token },
                Ask::Revoke { token: &token, kind: TokenKind::Refresh },
            ] {
                let outcome = method.outcome(ask, &answer, &held, now);
                if let Outcome::Token(set) = &outcome {
                    prop_assert!((200..300).contains(&status));
                    prop_assert!(!set.access_token.is_empty());
                    let read = TokenSet::from_credential(&set.to_credential()).unwrap();
                    prop_assert_eq!(&read.access_token, &set.access_token);
                    prop_assert_eq!(&read.refresh_token, &set.refresh_token);
                }
                // Only what a person decided can be taken back by a person.
                if matches!(ask, Ask::Token) {
                    let is_dead = matches!(outcome, Outcome::AuthorizeAgain { .. });
                    prop_assert!(!is_dead);
                }
            }
            let _ = method.device_codes(&answer, &held, now);
            let _ = method.polled(&token, &answer, &held, now, Duration::MAX);
            let _ = method.is_auth_failure(status, &HeaderMap::new(), &answer.body);
        }
        let _ = Introspection::read(&answer);
        let _ = Metadata::read("https://a.example", &answer.body);
    }

    #[test]
    fn any_redirect_back_is_read(query in "[ -~]{0,60}|(code|state|error|iss)=[a-z%0-9]{0,9}(&(code|state|error|iss)=[a-z%0-9]{0,9}){0,4}") {
        let method = server("authorization_code", "");
        let state = Secret::new("xyz");
        if let Ok(consent) = method.consent(&query, &state, Some("https://a.example")) {
            let read = method.callback_state(&query);
            prop_assert_eq!(read.as_deref(), Some("xyz"));
            prop_assert!(!consent.code.is_empty());
        }
    }

    /// Nothing that fills a place changes where the message goes.
    #[test]
    fn no_variable_moves_a_url(value in "\\PC{0,20}|[a-z.:/@#?%\\\\]{0,12}") {
        for (template, front, back) in [
            ("https://{x}.example.com/token", "https://", ".example.com/token"),
            ("https://a.example/{x}/token", "https://a.example/", "/token"),
            ("https://a.example:{x}/token", "https://a.example", "/token"),
            ("https://a.example/token?t={x}", "https://a.example/token", "token"),
        ] {
            let method = method(&format!("grant: client_credentials\nclient_auth: none\ntoken_url: {template}"));
            let (held, variables) = (credential(&[]), variables(&[("x", &value)]));
            if let Ok(request) = method.request(Ask::Token, &occasion(&held, &variables)) {
                let url = request.target.without_query();
                prop_assert!(url.to_lowercase().starts_with(front), "{} {:?}", url, value);
                prop_assert!(url.ends_with(back), "{} {:?}", url, value);
                prop_assert!(request.target.path_and_query().parse::<http::uri::PathAndQuery>().is_ok());
            }
        }
    }
}

/// A distinct text in every place that can hold a secret.
#[test]
fn nothing_that_is_printed_holds_a_secret() {
    let names = [
        "client_id",
        "client_secret",
        "private_key",
        "key_id",
        "certificate",
        "username",
        "password",
        "access_token",
        "refresh_token",
        "subject_token",
        "actor_token",
        "extra",
        "app_id",
        "installation_id",
    ];
    let fields: Vec<(&str, String)> =
        names.iter().map(|it| (*it, format!("canary-{it}"))).collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|it| (it.0, it.1.as_str())).collect();
    let held = credential(&fields);
    let none = variables(&[]);
    let secret = Secret::new("canary-asked");
    let asks = [
        Ask::Token,
        Ask::Refresh,
        Ask::Code { code: &secret, redirect_uri: "https://a.example/cb", verifier: Some(&secret) },
        Ask::DeviceToken { device_code: &secret },
        Ask::Revoke { token: &secret, kind: TokenKind::Refresh },
        Ask::Introspect { token: &secret, kind: TokenKind::Access },
    ];
    let grants = [
        GrantType::AuthorizationCode,
        GrantType::ClientCredentials,
        GrantType::RefreshToken,
        GrantType::Password,
        GrantType::DeviceCode,
        GrantType::JwtBearer,
        GrantType::TokenExchange,
        GrantType::GithubApp,
    ];
    let clients = ["basic", "body", "private_key_jwt", "client_secret_jwt", "tls", "none"];
    let mut printed = String::new();
    for grant in grants {
        let written = serde_json::to_value(grant).unwrap();
        // An app of GitHub's has its assertion, and nothing beside it.
        let alone = grant == GrantType::GithubApp;
        for client in clients.iter().filter(|it| !alone || **it == "none") {
            let method = server(
                written.as_str().unwrap(),
                &format!(
                    "client_auth: {client}\ntoken_params: {{ extra: \"{{extra}}\" }}\n\
                     device_url: https://server.example.com/device\n\
                     revoke_url: https://server.example.com/revoke\n\
                     introspect_url: https://server.example.com/introspect?x={{extra}}"
                ),
            );
            printed.push_str(&format!("{method:?}"));
            for fault in method.check_credential(&held, |_| false) {
                printed.push_str(&format!("{fault} {fault:?} {}", fault.hint()));
            }
            for ask in asks {
                printed.push_str(&format!("{ask:?}"));
                match method.request(ask, &occasion(&held, &none)) {
                    Ok(request) => printed.push_str(&format!("{request:?}")),
                    Err(error) => printed.push_str(&format!("{error} {error:?} {}", error.hint())),
                }
                let asked =
                    if matches!(ask, Ask::Token | Ask::Refresh) { "" } else { "canary-asked" };
                let echo =
                    format!("canary-refresh_token canary-client_secret canary-extra {asked}");
                let body = format!(r#"{{"error":"{echo}","error_description":"{echo}"}}"#);
                for status in [200, 400, 401, 500] {
                    let answer = super::answer(status, "application/json", &body);
                    printed.push_str(&format!("{answer:?}"));
                    let outcome = method.outcome(ask, &answer, &held, NOW);
                    printed.push_str(&format!("{outcome:?}"));
                }
                let body = r#"{"access_token":"canary-new","refresh_token":"canary-r","id_token":"canary-i","token":"canary-t"}"#;
                let outcome =
                    method.outcome(ask, &super::answer(200, "text/html", body), &held, NOW);
                printed.push_str(&format!("{outcome:?}"));
            }
            printed.push_str(&format!("{:?}", occasion(&held, &none)));
            let authorization = Authorization {
                redirect_uri: "https://a.example/cb",
                state: "s",
                nonce: None,
                verifier: Some(&secret),
                login_hint: None,
                dpop_jkt: None,
            };
            printed.push_str(&format!("{authorization:?}"));
        }
    }
    if let Some(at) = printed.find("canary-") {
        panic!("{}", &printed[at.saturating_sub(200)..(at + 40).min(printed.len())]);
    }
}
