//! Messages and answers, as the Security Token Service's API Reference shows them.
use super::AssumeRole;
use super::RoleSettings;
use crate::grant::error::GrantError;
use crate::grant::occasion::Occasion;
use crate::grant::outcome::Fault;
use crate::grant::outcome::Outcome;
use crate::grant::token_set::Expiry;
use crate::model::Credential;
use crate::model::UnixTime;
use http::HeaderMap;
use std::collections::BTreeMap;

const GOOD: RoleSettings<'static> = RoleSettings {
    sts_url: "https://sts.eu-west-1.amazonaws.com",
    role_arn: "{role_arn}",
    external_id: Some("{external_id?}"),
    session_name: "attache",
    duration: "1h",
    policy: None,
    keys: ["access_key_id", "secret_access_key", "session_token"],
};

/// AWS Security Token Service API Reference, "AssumeRole", "Sample Response", whitespace included.
const ANSWER: &str = r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
  <SourceIdentity>DevUser123</SourceIdentity>
    <AssumedRoleUser>
      <Arn>arn:aws:sts::123456789012:assumed-role/demo/TestAR</Arn>
      <AssumedRoleId>ARO123EXAMPLE123:TestAR</AssumedRoleId>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>
      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>
      <SessionToken>
       AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQW
      </SessionToken>
      <Expiration>2019-11-09T13:34:41Z</Expiration>
    </Credentials>
    <PackedPolicySize>6</PackedPolicySize>
  </AssumeRoleResult>
  <ResponseMetadata>
    <RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId>
  </ResponseMetadata>
</AssumeRoleResponse>"#;

fn role(raw: RoleSettings<'_>) -> AssumeRole {
    AssumeRole::new(raw).unwrap()
}

fn credential() -> Credential {
    Credential::from_iter([
        ("access_key_id", "AKIDEXAMPLE"),
        ("secret_access_key", "0ur-s3cr3t"),
        ("role_arn", "arn:aws:iam::123456789012:role/demo"),
        ("external_id", "a b&c"),
    ])
}

fn message(role: &AssumeRole, credential: &Credential) -> Result<String, GrantError> {
    let variables = BTreeMap::new();
    let (now, random) = (UnixTime::from_s(1), [0; 16]);
    let occasion = Occasion { credential, variables: &variables, secret: 0, now, random };
    let request = role.request(&occasion)?;
    assert_eq!((request.method.as_str(), request.target.path()), ("POST", "/"));
    Ok(String::from_utf8(request.body.to_vec()).unwrap())
}

fn answered(status: u16, body: &str) -> Result<Credential, Outcome> {
    let held = credential();
    let asked_at = UnixTime::from_s(1_573_300_000);
    let session =
        role(GOOD).answered(status, &HeaderMap::new(), body.as_bytes(), &held, asked_at)?;
    assert_eq!(session.expiry, Expiry::At(UnixTime::from_s(1_573_306_481)));
    Ok(session.values)
}

fn error(code: &str, words: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    <Type>Sender</Type>\n    \
         <Code>{code}</Code>\n    <Message>{words}</Message>\n  </Error>\n  <RequestId>1</RequestId>\n</ErrorResponse>"
    )
}

#[test]
fn the_message_asks_for_the_role_with_the_holder_s_own_values() {
    let plain = message(&role(GOOD), &credential()).unwrap();
    assert_eq!(
        plain,
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdemo\
         &RoleSessionName=attache&ExternalId=a+b%26c&DurationSeconds=3600",
    );
    let mut without = credential();
    without.remove("external_id");
    assert!(!message(&role(GOOD), &without).unwrap().contains("ExternalId"));
    without.remove("role_arn");
    let missing = GrantError::Missing { name: "role_arn".into() };
    assert_eq!(message(&role(GOOD), &without), Err(missing));
    let policy =
        RoleSettings { policy: Some(r#"{"Version":"2012-10-17"}"#), duration: "15m", ..GOOD };
    let plain = message(&role(policy), &credential()).unwrap();
    assert!(
        plain.ends_with("&DurationSeconds=900&Policy=%7B%22Version%22%3A%222012-10-17%22%7D"),
        "{plain}"
    );
}

#[test]
fn fields_are_the_keys_and_what_templates_name() {
    let role = role(GOOD);
    let named = |is_variable: fn(&str) -> bool| -> Vec<String> {
        role.fields(is_variable).iter().map(|it| format!("{} {:?}", it.name, it.need)).collect()
    };
    assert_eq!(
        named(|_| false),
        [
            "access_key_id Required",
            "secret_access_key Required",
            "session_token Optional",
            "role_arn Required",
            "external_id Optional",
        ],
    );
    assert_eq!(named(|it| it == "role_arn").len(), 4);
    assert_eq!(role.check_credential(&credential(), |_| false), []);
    assert_eq!(role.keys(&credential()).fields().count(), 2);
}

#[test]
fn lent_keys_are_read() {
    let lent = answered(200, ANSWER).unwrap();
    let expected = Credential::from_iter([
        ("access_key_id", "ASIAIOSFODNN7EXAMPLE"),
        ("secret_access_key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY"),
        ("session_token", "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQW"),
    ]);
    assert_eq!(lent, expected);
}

#[test]
fn an_answer_without_each_of_them_has_no_keys() {
    for (part, other) in [
        ("<SessionToken>", "<Session>"),
        ("ASIAIOSFODNN7EXAMPLE", ""),
        ("2019-11-09T13:34:41Z", "soon"),
        ("<Credentials>", "<Other>"),
        ("AssumeRoleResult", "GetSessionTokenResult"),
    ] {
        let body = ANSWER.replace(part, other);
        let Err(Outcome::TryAgain { fault: Fault::Provider, why, .. }) = answered(200, &body)
        else {
            panic!("{part}")
        };
        assert_eq!(why.to_string(), "the answer has neither a token nor an error (status 200)");
    }
}

#[test]
fn a_refusal_says_who_has_to_act() {
    use Fault::Operator;
    use Fault::Provider;
    for (status, body, fault, words) in [
        (
            403,
            error("AccessDenied", "User: arn:aws:iam::1:user/a is not authorized"),
            Some(Operator),
            "the provider answered `AccessDenied` (status 403): User: arn:aws:iam::1:user/a is not authorized",
        ),
        (
            403,
            error("InvalidClientTokenId", "The security token included in the request is invalid."),
            None,
            "the provider answered `InvalidClientTokenId` (status 403): The security token included in the request is invalid.",
        ),
        (
            403,
            error("SignatureDoesNotMatch", "The request signature we calculated does not match"),
            None,
            "the provider answered `SignatureDoesNotMatch` (status 403): The request signature we calculated does not match",
        ),
        (
            403,
            error(
                "SignatureDoesNotMatch",
                "Signature expired: 20150830T123600Z is now earlier than",
            ),
            Some(Operator),
            "the provider answered `SignatureDoesNotMatch` (status 403): Signature expired: 20150830T123600Z is now earlier than",
        ),
        (
            400,
            error("Throttling", "Rate exceeded"),
            Some(Provider),
            "the provider asks for fewer requests (status 400)",
        ),
        (503, String::new(), Some(Provider), "the provider asks for fewer requests (status 503)"),
        (
            500,
            error("InternalFailure", ""),
            Some(Provider),
            "the provider has a fault of its own (status 500)",
        ),
        (
            301,
            String::new(),
            Some(Operator),
            "the provider redirects token requests elsewhere (status 301)",
        ),
        (
            404,
            "<html>".into(),
            Some(Operator),
            "the answer has neither a token nor an error (status 404)",
        ),
        (
            400,
            error("ValidationError", "0ur-s3cr3t"),
            Some(Operator),
            "the provider answered `ValidationError` (status 400): [redacted]",
        ),
    ] {
        let (told, why) = match answered(status, &body).unwrap_err() {
            Outcome::TryAgain { fault, why, .. } => (Some(fault), why),
            Outcome::AuthorizeAgain { why } => (None, why),
            Outcome::Token(_) => panic!("{body}"),
        };
        assert_eq!((told, why.to_string().as_str()), (fault, words), "{body}");
    }
}

#[test]
fn an_api_says_in_several_ways_that_keys_have_ended() {
    let role = role(GOOD);
    let typed = |code: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-errortype", code.parse().unwrap());
        headers
    };
    let none = HeaderMap::new();
    for (status, headers, body, is_refusal) in [
        (
            400,
            &none,
            "<?xml version=\"1.0\"?>\n<Error><Code>ExpiredToken</Code><Message>m</Message></Error>",
            true,
        ),
        (
            403,
            &none,
            &*error("ExpiredToken", "The security token included in the request is expired"),
            true,
        ),
        (
            400,
            &none,
            r#"{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"m"}"#,
            true,
        ),
        (400, &none, r#"{"__type":"UnrecognizedClientException"}"#, true),
        (403, &typed("ExpiredTokenException:http://internal.amazon.com/"), "", true),
        (403, &typed("AccessDeniedException"), r#"{"__type":"ExpiredToken"}"#, false),
        (403, &none, "<Error><Code>AccessDenied</Code></Error>", false),
        (403, &none, "<Error><Code>SignatureDoesNotMatch</Code></Error>", false),
        (404, &none, "<Error><Code>ExpiredToken</Code></Error>", false),
        (200, &none, "<Error><Code>ExpiredToken</Code></Error>", false),
        (403, &none, "", false),
        (400, &none, r#"{"ExpiredToken": 1}"#, false),
    ] {
        let is = role.is_auth_failure(status, headers, body.as_bytes());
        assert_eq!(is, is_refusal, "{status} {headers:?} {body}");
    }
    assert!(role.failure_reads_body(None) && role.failure_reads_body(Some(403)));
    assert!(!role.failure_reads_body(Some(200)));
}

#[test]
fn wrong_settings_are_told_with_a_way_out() {
    for (raw, path, problem) in [
        (RoleSettings { role_arn: "", ..GOOD }, "role_arn", "is missing"),
        (RoleSettings { role_arn: "{a", ..GOOD }, "role_arn", "has a `{` that no `}` closes"),
        (
            RoleSettings { sts_url: "sts", ..GOOD },
            "sts_url",
            "is not an absolute URL: relative URL without a base",
        ),
        (RoleSettings { duration: "10m", ..GOOD }, "duration", "`10m` is not between 15m and 12h"),
        (RoleSettings { duration: "13h", ..GOOD }, "duration", "`13h` is not between 15m and 12h"),
        (RoleSettings { duration: "x", ..GOOD }, "duration", "`x` is not a duration"),
        (RoleSettings { policy: Some("[]"), ..GOOD }, "policy", "is no JSON object"),
    ] {
        let errors = AssumeRole::new(raw).unwrap_err();
        let [error] = &errors[..] else { panic!("{errors:?}") };
        assert_eq!(error.problem, problem);
        assert!(error.to_string().starts_with(path) && !error.hint.is_empty(), "{error}");
    }
}
