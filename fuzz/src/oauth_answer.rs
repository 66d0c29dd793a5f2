//! OAuth 2.0: whatever is written, it is refused with a place, or it makes a method that has a verdict on
//! any answer, loses no token, and repeats nothing that was sent.
use attache::config::Document;
use attache::config::File;
use attache::config::Sources;
use attache::grant::Answer;
use attache::grant::Ask;
use attache::grant::GrantType;
use attache::grant::Oauth2;
use attache::grant::Occasion;
use attache::grant::Outcome;
use attache::grant::RawOauth2;
use attache::grant::TokenSet;
use attache::model::Credential;
use attache::model::Secret;
use attache::model::UnixTime;
use std::collections::BTreeMap;

/// Between the settings and the answer.
const ANSWER: &str = "\n=====\n";

const SECRET: &str = "kX9fQ2vLw8Zt4RbN6mYc1HsJ0pDgTeUa";

const NOW: UnixTime = UnixTime::from_s(1_700_000_000);

/// Settings in YAML, a line of five `=`, a line of status and media type, a body. `{secret}` in the body
/// stands for what was sent, so that echoes are among the answers.
pub fn holds(input: &[u8]) {
    let marker = input.windows(ANSWER.len()).position(|it| it == ANSWER.as_bytes());
    let (written, rest) = match marker {
        Some(at) => (&input[..at], &input[at + ANSWER.len()..]),
        None => (input, &b"200 application/json\n{\"access_token\":\"t\"}"[..]),
    };
    let Ok(written) = str::from_utf8(written) else { return };
    let Some(method) = described(written) else { return };
    let credential = held(&method);
    asks_without_showing(&method, &credential);
    let answer = answer(rest);
    let secret = Secret::new(SECRET);
    for ask in [Ask::Token, Ask::Refresh, Ask::DeviceToken { device_code: &secret }] {
        let outcome = method.outcome(ask, &answer, &credential, NOW);
        match &outcome {
            Outcome::Token(token) => {
                assert!((200..=299).contains(&answer.status));
                let again =
                    TokenSet::from_credential(&token.to_credential()).expect("it has a token");
                assert_eq!(again.access_token, token.access_token);
                assert_eq!(again.refresh_token, token.refresh_token);
                assert!(token.clone().following(&again).refresh_token == token.refresh_token);
            }
            Outcome::AuthorizeAgain { .. } => {
                let anew = matches!(ask, Ask::Token) && method.grant() != GrantType::Password;
                assert!(!anew, "what is made anew is given up: {outcome:?}");
                assert!(answer.status < 500 && answer.status != 429, "{outcome:?}");
            }
            Outcome::TryAgain { why, .. } => {
                assert!(!why.to_string().chars().any(char::is_control), "{why}");
            }
        }
        let words = match &outcome {
            Outcome::Token(_) => String::new(),
            Outcome::TryAgain { why, .. } | Outcome::AuthorizeAgain { why } => why.to_string(),
        };
        assert!(!words.contains(SECRET), "{words}");
        assert!(!format!("{outcome:?}").contains(SECRET));
    }
}

/// A credential with the same secret in every field that the method takes.
fn held(method: &Oauth2) -> Credential {
    let fields = method.fields(|_| false);
    fields.iter().map(|it| (it.name, SECRET)).collect()
}

fn asks_without_showing(method: &Oauth2, credential: &Credential) {
    let variables = BTreeMap::new();
    let occasion =
        Occasion { credential, variables: &variables, secret: 0, now: NOW, random: [7; 16] };
    for ask in [Ask::Token, Ask::Refresh] {
        let shown = match method.request(ask, &occasion) {
            Ok(request) => format!("{request:?}"),
            Err(error) => format!("{error} {error:?} {}", error.hint()),
        };
        assert!(!shown.contains(SECRET), "{shown}");
    }
    for fault in method.check_credential(credential, |_| false) {
        assert!(!format!("{fault} {}", fault.hint()).contains(SECRET), "{fault}");
    }
}

fn answer(text: &[u8]) -> Answer {
    let end = text.iter().position(|it| *it == b'\n').unwrap_or(text.len());
    let (line, body) = text.split_at(end);
    let line = String::from_utf8_lossy(line);
    let (status, content_type) = line.split_once(' ').unwrap_or((&line, ""));
    let body =
        String::from_utf8_lossy(body.get(1..).unwrap_or_default()).replace("{secret}", SECRET);
    Answer {
        status: status.parse().unwrap_or(200),
        content_type: Some(content_type.to_owned()),
        retry_after: Some(content_type.to_owned()),
        dpop_nonce: None,
        body: body.into_bytes().into(),
    }
}

/// As a configuration file is read.
fn described(text: &str) -> Option<Oauth2> {
    let sources = Sources { setting: &|_| None, file: &|_| Err(String::new()) };
    let mut errors = Vec::new();
    let document = Document::parse(&[File { name: "oauth2", text }], sources, &mut errors);
    let raw: Option<RawOauth2> = document.read(&[], &mut errors);
    if !errors.is_empty() {
        assert!(errors.iter().all(|it| !it.problem.is_empty()));
        return None;
    }
    match Oauth2::try_from(raw?) {
        Ok(method) => {
            assert!(method.warnings().iter().all(|it| !it.is_empty()));
            Some(method)
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a word");
            for it in problems {
                let said = [&it.problem, &it.hint].iter().all(|it| !it.is_empty());
                assert!(!it.path.is_empty() && said, "{it:?}");
            }
            None
        }
    }
}
