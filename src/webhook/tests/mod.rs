//! The verifier from outside: good deliveries, and what becomes of them when one thing is broken.
mod descriptions;
mod explained;
mod handshakes;
mod keyed;
mod official;
mod places;
mod presets;
mod rules;

use super::Delivery;
use super::Description;
use super::DescriptionError;
use super::Given;
use super::RawDescription;
use super::Refusal;
use super::Verified;
use super::Verifier;
use crate::model::Secret;
use crate::model::UnixTime;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;

/// What most vectors here are signed with and at: 2023-11-14T22:13:20Z.
const SECRET: &str = "it-is-a-secret";
const NOW: UnixTime = UnixTime::from_s(1_700_000_000);

/// A delivery to a description with its secrets. Each method breaks, or mends, one thing.
#[derive(Clone)]
struct Case {
    description: String,
    secrets: Vec<String>,
    account: Option<&'static str>,
    method: &'static str,
    url: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    now: UnixTime,
}

impl Case {
    fn new(description: &str, body: &str) -> Self {
        Self {
            description: description.to_owned(),
            secrets: vec![SECRET.to_owned()],
            account: None,
            method: "POST",
            url: "https://hooks.example.com/hooks/in".to_owned(),
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
            now: NOW,
        }
    }

    fn secrets(mut self, secrets: &[&str]) -> Self {
        self.secrets = secrets.iter().map(|it| (*it).to_owned()).collect();
        self
    }

    fn url(mut self, url: &str) -> Self {
        self.url = url.to_owned();
        self
    }

    fn described(mut self, description: &str) -> Self {
        self.description = description.to_owned();
        self
    }

    /// One more header line.
    fn and(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        let before = self.headers.len();
        self.headers.retain(|it| !it.0.eq_ignore_ascii_case(name));
        assert!(self.headers.len() < before, "the good case has no {name}");
        self
    }

    /// The header with another value.
    fn with(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.without(name).and(name, value)
    }

    fn value(&self, name: &str) -> String {
        let found = self.headers.iter().find(|it| it.0.eq_ignore_ascii_case(name)).unwrap();
        String::from_utf8(found.1.clone()).unwrap()
    }

    fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    fn at_ms(mut self, ms: u64) -> Self {
        self.now = UnixTime::from_ms(ms);
        self
    }

    fn account(mut self, account: &'static str) -> Self {
        self.account = Some(account);
        self
    }

    fn header_map(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value).unwrap(),
            );
        }
        headers
    }

    fn verifier(&self) -> Verifier {
        let secrets: Vec<Secret> = self.secrets.iter().map(|it| Secret::new(&**it)).collect();
        let verify_token = Secret::new("shown-by-the-sender");
        let given =
            Given { secrets: &secrets, account: self.account, verify_token: Some(&verify_token) };
        described(&self.description).unwrap().verifier(&given).unwrap()
    }

    /// Does something with the delivery that this is.
    fn with_delivery<T>(&self, act: impl FnOnce(&Delivery<'_>) -> T) -> T {
        act(&Delivery {
            method: self.method,
            url: &self.url,
            query: self.url.split_once('?').map_or("", |it| it.1),
            headers: &self.header_map(),
            body: &self.body,
        })
    }

    fn verify(&self) -> Result<Verified, Refusal> {
        self.with_delivery(|it| self.verifier().verify(it, self.now, None))
    }

    /// The verdict in short: `good`, or the reason of the refusal.
    fn verdict(&self) -> &'static str {
        self.verify().map_or_else(Refusal::reason, |_| "good")
    }
}

fn described(yaml: &str) -> Result<Description, Vec<DescriptionError>> {
    Description::try_from(serde_yaml::from_str::<RawDescription>(yaml).unwrap())
}

fn verifier(yaml: &str, secrets: &[&str]) -> Result<Verifier, DescriptionError> {
    let secrets: Vec<Secret> = secrets.iter().map(|it| Secret::new(*it)).collect();
    described(yaml).unwrap().verifier(&Given { secrets: &secrets, ..Given::default() })
}
