use super::Login;
use super::RawSessionLogin;
use super::Session;
use super::SessionLogin;
use crate::grant::Expiry;
use crate::grant::Need;
use crate::grant::Occasion;
use crate::grant::Outcome;
use crate::grant::TokenRequest;
use crate::model::Credential;
use crate::model::UnixTime;
use http::HeaderMap;
use std::collections::BTreeMap;
use std::time::Duration;

const NOW: UnixTime = UnixTime::from_s(1_700_000_000);

fn login(yaml: &str) -> SessionLogin {
    let raw: RawSessionLogin = serde_yaml::from_str(yaml).unwrap();
    SessionLogin::try_from(raw).unwrap()
}

fn person() -> Credential {
    Credential::from_iter([("username", "jane"), ("password", "p<&>\"ß w")])
}

fn request(login: &SessionLogin, progress: &Login, held: &Credential) -> Option<TokenRequest> {
    let variables = BTreeMap::from([("host".to_owned(), "erp.example.com".to_owned())]);
    let occasion =
        Occasion { credential: held, variables: &variables, secret: 0, now: NOW, random: [0; 16] };
    login.request(progress, &occasion).unwrap()
}

fn shown(request: &TokenRequest) -> String {
    let target = &request.target;
    let body = str::from_utf8(&request.body).unwrap();
    format!("{} {}{} {body}", request.method, target.origin(), *target.path_and_query())
}

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    fields.iter().map(|it| (it.0.parse().unwrap(), it.1.parse().unwrap())).collect()
}

/// Answers the calls one after the other, and says what was sent.
fn run(login: &SessionLogin, answers: &[(u16, HeaderMap, &str)]) -> (Vec<String>, Option<Session>) {
    let held = person();
    let mut progress = Login::default();
    let mut sent = Vec::new();
    for (status, headers, body) in answers {
        sent.push(shown(&request(login, &progress, &held).unwrap()));
        login.answered(&mut progress, *status, headers, body.as_bytes(), &held, NOW).unwrap();
    }
    assert_eq!(request(login, &progress, &held).is_none(), answers.len() == 2);
    (sent, login.session(&progress, &held, NOW))
}

const TWO: &str = r#"
steps:
  - method: GET
    url: https://{host}/login
    take:
      csrf: { pattern: 'name="csrf" value="([^"]+)"' }
      early: { cookie: JSESSIONID }
  - url: https://{host}/login?next=/
    headers: { Cookie: "JSESSIONID={early}" }
    form: { user: "{username}", pass: "{password}", csrf: "{csrf}", otp: "{otp?}" }
    expect: [302]
    take:
      session: { cookie: JSESSIONID }
      ttl: { header: X-Ttl, optional: true }
inject: [{ in: cookie, name: JSESSIONID, value: "{session}" }]
expires_in: ttl
expiry: { lifetime: 30m }
logout: { method: DELETE, url: "https://{host}/session/{session}" }
"#;

#[test]
fn answers_feed_the_next_call_and_yield_a_session() {
    let two = login(TWO);
    let page = r#"<form><input name="csrf" value="t+k/n"></form>"#;
    let first =
        headers(&[("set-cookie", "a=b"), ("set-cookie", "JSESSIONID=early; Path=/; HttpOnly")]);
    let mut first_two = first.clone();
    first_two.append("set-cookie", "JSESSIONID=early; Secure".parse().unwrap());
    let second = headers(&[("set-cookie", "JSESSIONID=late; Path=/"), ("x-ttl", "60")]);
    let (sent, session) = run(&two, &[(200, first_two.clone(), page), (302, second, "")]);
    assert_eq!(
        sent,
        [
            "GET https://erp.example.com/login ",
            "POST https://erp.example.com/login?next=/ \
             user=jane&pass=p%3C%26%3E%22%C3%9F+w&csrf=t%2Bk%2Fn",
        ]
    );
    let session = session.unwrap();
    assert_eq!(session.values.field("session").unwrap().expose(), "late");
    assert_eq!(session.values.field("username").unwrap().expose(), "jane");
    assert_eq!(session.expiry, Expiry::At(UnixTime::from_s(NOW.as_s() + 60)));
    assert!(!format!("{session:?}").contains("late"));

    let silent = headers(&[("set-cookie", "JSESSIONID=late")]);
    let (_, session) = run(&two, &[(200, first_two.clone(), page), (302, silent, "")]);
    assert_eq!(session.unwrap().expiry, Expiry::At(UnixTime::from_s(NOW.as_s() + 1800)));
    let (_, unfinished) = run(&two, &[(200, first_two, page)]);
    assert_eq!(unfinished, None);

    let fields = two.fields(|it| it == "host");
    let fields: Vec<_> = fields.iter().map(|it| (it.name, it.need)).collect();
    assert_eq!(
        fields,
        [("username", Need::Required), ("password", Need::Required), ("otp", Need::Optional)]
    );
    assert_eq!(two.injections()[0].value, "{session}");
}

#[test]
fn a_session_ends_where_it_says() {
    let two = login(TWO);
    let held = Credential::from_iter([("session", "late")]);
    let variables = BTreeMap::from([("host".to_owned(), "erp.example.com".to_owned())]);
    let occasion =
        Occasion { credential: &held, variables: &variables, secret: 0, now: NOW, random: [0; 16] };
    let logout = two.logout(&occasion).unwrap().unwrap();
    assert_eq!(shown(&logout), "DELETE https://erp.example.com/session/late ");
}

#[test]
fn every_body_escapes_what_is_filled_in() {
    for (body, expected) in [
        ("form: { p: \"{password}\" }", "p=p%3C%26%3E%22%C3%9F+w"),
        (
            "json: { auth: { user: \"{username}\", list: [\"{password}\", 1, null], otp: \"{otp?}\" } }",
            r#"{"auth":{"user":"jane","list":["p<&>\"ß w",1,null]}}"#,
        ),
        ("xml: \"<p otp='{otp?}'>{password}</p>\"", "<p otp=''>p&lt;&amp;&gt;&quot;ß w</p>"),
        ("text: \"{username}:{password}\"", "jane:p<&>\"ß w"),
        ("query: { p: \"{password}\" }", ""),
    ] {
        let yaml = format!(
            "steps: [{{ url: https://a.example/login, {body}, take: {{ t: {{ json: /t }} }} }}]\n\
             inject: [{{ in: header, name: X-T, value: \"{{t}}\" }}]"
        );
        let login = login(&yaml);
        let request = request(&login, &Login::default(), &person()).unwrap();
        assert_eq!(str::from_utf8(&request.body).unwrap(), expected);
        if body.starts_with("query") {
            assert_eq!(*request.target.path_and_query(), "/login?p=p%3C%26%3E%22%C3%9F%20w");
        }
    }
    let basic = login(
        "steps: [{ url: https://a.example/login, basic: \"{username}:{password}\", take: { t: { json: \"\" } } }]\n\
         inject: [{ in: header, name: X-T, value: \"{t}\" }]",
    );
    let held = Credential::from_iter([("username", "Aladdin"), ("password", "open sesame")]);
    // RFC 7617 §2.
    let request = request(&basic, &Login::default(), &held).unwrap();
    assert_eq!(request.headers["authorization"], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    let mut progress = Login::default();
    basic.answered(&mut progress, 200, &HeaderMap::new(), b"t0ken-as-text\n", &held, NOW).unwrap();
    let session = basic.session(&progress, &held, NOW).unwrap();
    assert_eq!(session.values.field("t").unwrap().expose(), "t0ken-as-text");
    assert_eq!(session.expiry, Expiry::Unknown);
}

#[test]
fn an_answer_that_is_not_good_says_who_has_to_act() {
    let one = login(
        "steps: [{ url: https://a.example/login, json: { u: \"{username}\", p: \"{password}\" }, \
         refused: [401, 403], take: { t: { json: /t } } }]\n\
         inject: [{ in: header, name: X-T, value: \"{t}\" }]",
    );
    let held = Credential::from_iter([("username", "jane"), ("password", "hunter2hunter2")]);
    for (status, body, expected) in [
        (401, r#"{"message":"wrong password hunter2hunter2"}"#, "dead"),
        (403, "<html>", "dead"),
        (400, "", "Operator"),
        (404, "", "Operator"),
        (302, "", "Operator"),
        (500, r#"{"t":"x"}"#, "Provider"),
        (503, "", "Provider"),
        (429, "", "Provider"),
        (408, "", "Provider"),
        (425, "", "Provider"),
        (200, "{}", "Provider"),
        (200, "<html>", "Provider"),
        (200, r#"{"t":""}"#, "Provider"),
        (200, r#"{"t":{"a":1}}"#, "Provider"),
    ] {
        let mut progress = Login::default();
        let outcome = one
            .answered(&mut progress, status, &HeaderMap::new(), body.as_bytes(), &held, NOW)
            .unwrap_err();
        let verdict = match &outcome {
            Outcome::AuthorizeAgain { .. } => "dead".to_owned(),
            Outcome::TryAgain { fault, .. } => format!("{fault:?}"),
            Outcome::Token(_) => "token".to_owned(),
        };
        assert_eq!(verdict, expected, "{status} {body}");
        assert!(!format!("{outcome:?}").contains("hunter2"), "{outcome:?}");
        assert_eq!(progress, Login::default(), "nothing half-taken goes on");
    }
}

#[test]
fn a_refused_call_says_when_to_come_again_and_why_and_no_secret() {
    let two = login(TWO);
    let held = person();
    let page = r#"<input name="csrf" value="csrf-8f3a">"#;
    let early = headers(&[("set-cookie", "JSESSIONID=sid-77e1")]);
    let refused = |status, fields: &[(&'static str, &str)], body: &str| {
        let mut progress = Login::default();
        two.answered(&mut progress, 200, &early, page.as_bytes(), &held, NOW).unwrap();
        let outcome =
            two.answered(&mut progress, status, &headers(fields), body.as_bytes(), &held, NOW);
        match outcome.unwrap_err() {
            Outcome::TryAgain { after, why, .. } => (after, why.to_string()),
            other => (None, format!("{other:?}")),
        }
    };
    let after = |status, retry_after| refused(status, &[("retry-after", retry_after)], "").0;
    for status in [429, 503, 500, 408, 403] {
        assert_eq!(after(status, "3600"), Some(Duration::from_secs(3600)), "{status}");
    }
    let half_a_minute = Some(Duration::from_secs(30));
    assert_eq!(after(429, "Tue, 14 Nov 2023 22:13:50 GMT"), half_a_minute);
    assert_eq!(after(429, "soon"), None);

    let locked = refused(403, &[], r#"{"message":"locked: session sid-77e1, form csrf-8f3a"}"#);
    let words = "the provider answered `locked: session [redacted], form [redacted]` (status 403)";
    assert_eq!(locked.1, words);
    let dead = refused(401, &[], r#"{"message":"session sid-77e1 is not valid"}"#).1;
    assert!(dead.contains("session [redacted] is not valid"), "{dead}");
}

#[test]
fn settings_that_make_no_login_are_refused_with_their_place() {
    let problem = |yaml: &str| {
        let raw: RawSessionLogin = serde_yaml::from_str(yaml).unwrap();
        SessionLogin::try_from(raw).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let inject = "inject: [{ in: header, name: X-T, value: \"{t}\" }]";
    for (steps, places) in [
        ("steps: []", &["steps"][..]),
        ("steps: [{}]", &["steps[0].url"]),
        ("steps: [{ url: a }]", &["steps[0].url"]),
        ("steps: [{ url: https://a.example, form: {}, json: {} }]", &["steps[0]"]),
        ("steps: [{ url: https://a.example, json: { a: [\"{\"] } }]", &["steps[0].json.a[0]"]),
        ("steps: [{ url: https://a.example, headers: { Host: x } }]", &["steps[0].headers.Host"]),
        ("steps: [{ url: https://a.example, expect: [100] }]", &["steps[0].expect"]),
        ("steps: [{ url: https://a.example, take: { t: {} } }]", &["steps[0].take.t"]),
        (
            "steps: [{ url: https://a.example, take: { t: { json: t } } }]",
            &["steps[0].take.t.json"],
        ),
        (
            "steps: [{ url: https://a.example, take: { t: { json: /t, cookie: t } } }]",
            &["steps[0].take.t"],
        ),
        (
            "steps: [{ url: https://a.example, take: { t: { pattern: t } } }]",
            &["steps[0].take.t.pattern"],
        ),
        (
            "steps: [{ url: https://a.example, take: { \"t-t\": { json: /t } } }]",
            &["steps[0].take.t-t"],
        ),
        ("steps: [{ url: https://a.example }]\nexpires_in: ttl", &["expires_in"]),
        ("steps: [{ url: https://a.example }]\nlogout: {}", &["logout.url"]),
    ] {
        let problems = problem(&format!("{steps}\n{inject}"));
        assert_eq!(problems.len(), places.len(), "{steps}: {problems:?}");
        for (problem, place) in problems.iter().zip(places) {
            assert!(problem.starts_with(&format!("{place}: ")), "{steps}: {problem}");
        }
    }
    assert!(problem("steps: [{ url: https://a.example }]")[0].starts_with("inject: "));
}
