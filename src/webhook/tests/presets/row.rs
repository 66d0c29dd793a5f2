//! A good delivery as the tables beside this file have it, and what is sent of it.
use crate::model::Secret;
use crate::model::UnixTime;
use crate::webhook::Delivery;
use crate::webhook::Description;
use crate::webhook::Given;
use crate::webhook::KeysForm;
use crate::webhook::PublicKeys;
use crate::webhook::RawDescription;
use crate::webhook::Refusal;
use crate::webhook::Verified;
use crate::webhook::presets;
use crate::webhook::raw::Algorithm;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use indexmap::IndexMap;
use serde::Deserialize;

/// A good delivery of one preset.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) preset: String,
    /// Which of the preset's several kinds of deliveries it is.
    #[serde(default)]
    pub(super) kind: String,
    /// What made the signature, of what, or where it was published: for whoever reads.
    #[serde(default, rename = "by")]
    _by: String,
    #[serde(default, rename = "signed")]
    _signed: String,
    #[serde(default, rename = "source")]
    _source: String,
    #[serde(default = "default_secrets")]
    pub(super) secrets: Vec<String>,
    pub(super) account: Option<String>,
    pub(super) keys: Option<Keys>,
    /// Keys of the same kind that are not the sender's.
    #[serde(default)]
    pub(super) other: Vec<String>,
    pub(super) other_keys: Option<Keys>,
    #[serde(default = "default_method")]
    method: String,
    #[serde(default = "default_url")]
    url: String,
    #[serde(default)]
    headers: IndexMap<String, String>,
    pub(super) body: String,
    pub(super) signature: Signature,
    pub(super) clock: Option<Clock>,
    #[serde(default = "default_now_ms")]
    now_ms: u64,
    /// Where the body is not signed: the texts that are, and why the delivery is refused with another in its place.
    pub(super) covers: Option<IndexMap<String, String>>,
    pub(super) id: Option<String>,
    /// What is another text in another event, beside the id.
    #[serde(default)]
    pub(super) event: Vec<String>,
    /// Texts that may be others and leave it the same delivery.
    #[serde(default)]
    pub(super) unsigned: Vec<String>,
    /// Whether a repeat is known by anything.
    #[serde(default = "yes")]
    pub(super) told_apart: bool,
}

/// Where the signature is, and its text there without prefix and label.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signature {
    pub(super) header: Option<String>,
    pub(super) query: Option<String>,
    pub(super) form: Option<String>,
    /// The last part of the pointer.
    pub(super) json: Option<String>,
    /// `true`: the whole body.
    #[serde(default)]
    pub(super) body: bool,
    pub(super) text: String,
}

/// How many seconds the clock may be off, and the header that it is in, if it is in one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Clock {
    pub(super) header: Option<String>,
    pub(super) past: u64,
    pub(super) future: u64,
}

/// What is found where the sender's keys are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    pub(super) at: String,
    pub(super) jwks: Option<String>,
    pub(super) certificate: Option<String>,
}

/// A request to a preset's verifier. Each field is there to be broken.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) preset: String,
    pub(super) secrets: Vec<String>,
    pub(super) account: Option<String>,
    pub(super) verify_token: Option<String>,
    pub(super) keys: Option<Keys>,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    pub(super) now_ms: u64,
}

impl Row {
    pub(super) fn table(text: &str) -> Vec<Self> {
        serde_yaml::from_str(text).unwrap()
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}", self.preset, self.kind)
    }

    pub(super) fn raw(&self) -> &'static RawDescription {
        presets::preset(&self.preset).unwrap_or_else(|| panic!("no preset {}", self.preset))
    }

    pub(super) fn is_token(&self) -> bool {
        self.raw().algorithm == Some(Algorithm::Token)
    }

    pub(super) fn sent(&self) -> Sent {
        let row = self.clone();
        Sent {
            preset: row.preset,
            secrets: row.secrets,
            account: row.account,
            verify_token: Some("verify-token-1".to_owned()),
            keys: row.keys,
            method: row.method,
            url: row.url,
            headers: row.headers.into_iter().collect(),
            body: row.body,
            now_ms: row.now_ms,
        }
    }
}

impl Sent {
    pub(super) fn description(&self) -> Description {
        let raw = RawDescription { preset: Some(self.preset.clone()), ..RawDescription::default() };
        Description::try_from(raw).unwrap_or_else(|it| panic!("{}: {it:?}", self.preset))
    }

    pub(super) fn verify(&self) -> Result<Verified, Refusal> {
        self.asked(|given, delivery| {
            let verifier = self.description().verifier(given).unwrap();
            let keys = self.keys.as_ref().map(Keys::read);
            let at = verifier.keys_at(delivery)?.map(|it| it.url);
            assert_eq!(at, self.keys.as_ref().map(|it| it.at.clone()), "{}", self.preset);
            verifier.verify(delivery, UnixTime::from_ms(self.now_ms), keys.as_ref())
        })
    }

    /// The verdict in short: `good`, or the reason of the refusal.
    pub(super) fn verdict(&self) -> &'static str {
        self.verify().map_or_else(Refusal::reason, |_| "good")
    }

    /// What `ask` makes of the delivery and the credential.
    pub(super) fn asked<T>(&self, ask: impl FnOnce(&Given<'_>, &Delivery<'_>) -> T) -> T {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        let secrets: Vec<_> = self.secrets.iter().map(|it| Secret::new(it.as_str())).collect();
        let verify_token = self.verify_token.as_deref().map(Secret::new);
        let given = Given {
            secrets: &secrets,
            verify_token: verify_token.as_ref(),
            account: self.account.as_deref(),
        };
        let delivery = Delivery {
            method: &self.method,
            url: &self.url,
            query: self.url.split_once('?').map_or("", |it| it.1),
            headers: &headers,
            body: self.body.as_bytes(),
        };
        ask(&given, &delivery)
    }
}

impl Keys {
    fn read(&self) -> PublicKeys {
        let (form, text) = match (&self.jwks, &self.certificate) {
            (Some(text), None) => (KeysForm::Jwks, text),
            (None, Some(text)) => (KeysForm::Certificate, text),
            _ => panic!("{} has to have one of them", self.at),
        };
        PublicKeys::read(form, text.as_bytes()).unwrap()
    }
}

pub(super) fn default_secrets() -> Vec<String> {
    vec!["it-is-a-secret".to_owned()]
}

pub(super) fn default_method() -> String {
    "POST".to_owned()
}

pub(super) fn default_url() -> String {
    "https://hooks.example.com/hooks/in".to_owned()
}

pub(super) fn default_now_ms() -> u64 {
    1_700_000_000_000
}

fn yes() -> bool {
    true
}
