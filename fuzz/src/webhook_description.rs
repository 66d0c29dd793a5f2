//! Webhook descriptions: whatever is written, it is refused with a place, or it makes a verifier that
//! lets nothing through that was not made with the secret.
use super::http_text;
use attache::config::Document;
use attache::config::File;
use attache::config::Sources;
use attache::model::Secret;
use attache::model::UnixTime;
use attache::webhook::Delivery;
use attache::webhook::Description;
use attache::webhook::Given;
use attache::webhook::RawDescription;

/// Between the description and the delivery.
const DELIVERY: &str = "\n=====\n";

const SECRET: &str = "kX9fQ2vLw8Zt4RbN6mYc1HsJ0pDgTeUa";

const NOW: UnixTime = UnixTime::from_s(1_700_000_000);

/// A description in YAML, a line of five `=`, a request.
pub fn holds(input: &[u8]) {
    let marker = input.windows(DELIVERY.len()).position(|it| it == DELIVERY.as_bytes());
    let (written, rest) = match marker {
        Some(at) => (&input[..at], &input[at + DELIVERY.len()..]),
        None => (input, &b"POST /hooks/in HTTP/1.1\n\n{}"[..]),
    };
    // Whoever knows the secret may sign.
    let knows = input.windows(4).any(|it| SECRET.as_bytes().windows(4).any(|part| part == it));
    let Ok(written) = str::from_utf8(written) else { return };
    let Some(description) = described(written) else { return };
    assert!((400..=499).contains(&description.failure_status()));
    let secret = [Secret::new(SECRET)];
    let Ok(verifier) = description.verifier(&Given { secrets: &secret, ..Given::default() }) else {
        return;
    };
    assert!(!format!("{verifier:?}").contains(SECRET), "the verifier prints its secret");
    let Some((head, body)) = http_text::request(rest) else { return };
    let delivery = Delivery {
        method: head.method.as_str(),
        url: &format!("https://hooks.example.com{}", head.uri),
        query: head.uri.query().unwrap_or_default(),
        headers: &head.headers,
        body,
    };
    let verdict = verifier.verify(&delivery, NOW, None);
    assert_eq!(verdict, verifier.verify(&delivery, NOW, None));
    assert!(verdict.is_err() || knows, "{written}\nlets a stranger through: {delivery:?}");
}

/// As a configuration file is read.
fn described(text: &str) -> Option<Description> {
    let sources = Sources { setting: &|_| None, file: &|_| Err(String::new()) };
    let mut errors = Vec::new();
    let document = Document::parse(&[File { name: "description", text }], sources, &mut errors);
    let raw: Option<RawDescription> = document.read(&[], &mut errors);
    if !errors.is_empty() {
        assert!(errors.iter().all(|it| !it.problem.is_empty()));
        return None;
    }
    match Description::try_from(raw?) {
        Ok(description) => {
            assert!(description.warnings().iter().all(|it| !it.is_empty()));
            Some(description)
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
