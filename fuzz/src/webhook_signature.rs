//! Signatures: the verifier and a reading of its own agree on every delivery, so that whatever is
//! changed in a signed one, what passes is what the sender signed.
//!
//! `{hex}` and `{b64}` in a field or in the query stand for the true signature of what was sent,
//! `{old}` for that of the former secret: without them no change could ever pass.
use super::http_text;
use attache::model::Secret;
use attache::model::UnixTime;
use attache::webhook::Delivery;
use attache::webhook::Description;
use attache::webhook::Given;
use attache::webhook::RawDescription;
use attache::webhook::Verifier;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use http::HeaderMap;
use http::HeaderValue;
use sha2::Sha256;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The new secret and the former one, while rotating.
const SECRETS: [&str; 2] =
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_b2xkLXNlY3JldC1vbGQtc2VjcmV0"];

const NOW_S: u64 = 1_700_000_000;

/// Clocks may be off by this much, either way.
const PAST_S: u64 = 300;

/// More signatures in one list are refused.
const SIGNATURES_MAX: usize = 32;

const SENDERS: [&str; 6] = ["github", "shopify", "slack", "stripe", "standard-webhooks", "query"];

static VERIFIERS: LazyLock<HashMap<&str, Verifier>> = LazyLock::new(|| {
    let verifier = |name: &'static str| {
        let written = match name {
            "query" => {
                r#"{ signature: { query: sig }, content: "{method} {url.no_query} {body}" }"#
            }
            preset => &format!("preset: {preset}"),
        };
        let raw: RawDescription = serde_yaml::from_str(written).expect("the sample reads");
        let description = Description::try_from(raw).expect("the sample is sound");
        let given = Given { secrets: &SECRETS.map(Secret::new), ..Given::default() };
        (name, description.verifier(&given).expect("the secrets are sound"))
    };
    SENDERS.into_iter().map(verifier).collect()
});

/// The sender's name, then the delivery.
pub fn holds(input: &[u8]) {
    let (sender, rest) = http_text::text_line(input);
    let Some(verifier) = VERIFIERS.get(sender) else { return };
    let Some((head, body)) = http_text::request(rest) else { return };
    let url = format!("https://hooks.example.com{}", head.uri);
    let query = head.uri.query().unwrap_or_default();
    let mut sent = Sent { method: head.method.as_str(), url, headers: head.headers.clone(), body };
    sent.sign(sender, query);
    let query = sent.url.split_once('?').map_or("", |it| it.1);
    let delivery = Delivery {
        method: sent.method,
        url: &sent.url,
        query,
        headers: &sent.headers,
        body: sent.body,
    };
    let verdict = verifier.verify(&delivery, UnixTime::from_s(NOW_S), None);
    assert_eq!(verdict.is_ok(), sent.is_good(sender), "{sender}: {verdict:?} on {delivery:?}");
    if let Ok(verified) = verdict {
        let id = verified.id.unwrap_or_default();
        assert!(id.len() <= 256 && id.bytes().all(|it| it.is_ascii_graphic()), "{id:?}");
        assert!(verified.remember_s > 0);
    }
}

struct Sent<'a> {
    method: &'a str,
    url: String,
    headers: HeaderMap,
    body: &'a [u8],
}

impl Sent<'_> {
    /// Puts true signatures where the text says so.
    fn sign(&mut self, sender: &str, query: &str) {
        // The content of these is in no place that a signature stands in.
        let Some(content) = self.content(sender) else { return };
        let [new, old] = [0, 1].map(|it| tag(sender, it, &content));
        let filled = |text: &str| {
            text.replace("{hex}", &hex::encode(new))
                .replace("{b64}", &STANDARD.encode(new))
                .replace("{old}", &hex::encode(old))
                .replace("{old64}", &STANDARD.encode(old))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let text = value.to_str().ok().filter(|it| it.contains('{')).map(filled);
            let value = text.and_then(|it| HeaderValue::try_from(it).ok()).unwrap_or(value.clone());
            headers.append(name.clone(), value);
        }
        self.headers = headers;
        let bare = self.url.len() - query.len();
        let query = filled(query);
        self.url.replace_range(bare.., &query);
    }

    /// What the sender signs; none where a part of it is not there exactly once.
    fn content(&self, sender: &str) -> Option<Vec<u8>> {
        let path = self.url.split('?').next().unwrap_or_default();
        Some(match sender {
            "github" | "shopify" => self.body.to_vec(),
            "slack" => {
                let clock = self.only("x-slack-request-timestamp")?;
                [b"v0:", clock, b":", self.body].concat()
            }
            "stripe" => [self.clock(sender)?.as_bytes(), b".", self.body].concat(),
            "standard-webhooks" => {
                let [id, clock] = ["webhook-id", "webhook-timestamp"].map(|it| self.only(it));
                [id?, b".", clock?, b".", self.body].concat()
            }
            "query" => [self.method.as_bytes(), b" ", path.as_bytes(), b" ", self.body].concat(),
            other => panic!("nobody is called {other}"),
        })
    }

    /// The clock's text, where it is there once.
    fn clock(&self, sender: &str) -> Option<&str> {
        let header = match sender {
            "slack" => "x-slack-request-timestamp",
            "standard-webhooks" => "webhook-timestamp",
            _ => {
                let list = str::from_utf8(self.only("stripe-signature")?).ok()?;
                let mut clocks = list.split(',').filter_map(|it| it.strip_prefix("t="));
                return clocks.next().filter(|_| clocks.next().is_none());
            }
        };
        str::from_utf8(self.only(header)?).ok()
    }

    /// The rules again, one sender at a time.
    fn is_good(&self, sender: &str) -> bool {
        let Some(content) = self.content(sender) else { return false };
        let has_clock = ["slack", "stripe", "standard-webhooks"].contains(&sender);
        if has_clock && !self.clock(sender).is_some_and(is_fresh) {
            return false;
        }
        let good = |encoded: &str, encode: fn([u8; 32]) -> String| {
            [0, 1].iter().any(|it| encode(tag(sender, *it, &content)) == encoded)
        };
        let [as_hex, as_base64]: [fn([u8; 32]) -> String; 2] =
            [|it| hex::encode(it), |it| STANDARD.encode(it)];
        let count = |name: &str| self.headers.get_all(name).iter().count();
        let text = |name: &str| self.only(name).and_then(|it| str::from_utf8(it).ok());
        let listed = |text: &str, separator: char, label: &str, encode| {
            let entries = text.split(separator).filter_map(|it| it.strip_prefix(label));
            let entries: Vec<&str> = entries.collect();
            entries.len() <= SIGNATURES_MAX && entries.iter().any(|it| good(it, encode))
        };
        match sender {
            // Their ids are not signed, but have to be there once or not at all.
            "github" => {
                let signature =
                    text("x-hub-signature-256").and_then(|it| it.strip_prefix("sha256="));
                count("x-github-delivery") <= 1 && signature.is_some_and(|it| good(it, as_hex))
            }
            "shopify" => {
                let signature = text("x-shopify-hmac-sha256");
                count("x-shopify-webhook-id") <= 1
                    && signature.is_some_and(|it| good(it, as_base64))
            }
            "slack" => text("x-slack-signature")
                .and_then(|it| it.strip_prefix("v0="))
                .is_some_and(|it| good(it, as_hex)),
            "stripe" => text("stripe-signature").is_some_and(|it| listed(it, ',', "v1=", as_hex)),
            "standard-webhooks" => {
                text("webhook-signature").is_some_and(|it| listed(it, ' ', "v1,", as_base64))
            }
            "query" => {
                let query = self.url.split_once('?').map_or("", |it| it.1);
                let pairs = url::form_urlencoded::parse(query.as_bytes());
                let named: Vec<_> = pairs.filter(|it| it.0 == "sig").collect();
                matches!(&named[..], [one] if good(&one.1, as_hex))
            }
            other => panic!("nobody is called {other}"),
        }
    }

    fn only(&self, name: &str) -> Option<&[u8]> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        values.next().is_none().then_some(value.as_bytes())
    }
}

/// At most 16 digits, and not too far off.
fn is_fresh(clock: &str) -> bool {
    let digits = (1..=16).contains(&clock.len()) && clock.bytes().all(|it| it.is_ascii_digit());
    digits && clock.parse::<u64>().is_ok_and(|it| it.abs_diff(NOW_S) <= PAST_S)
}

fn tag(sender: &str, secret: usize, content: &[u8]) -> [u8; 32] {
    let text = SECRETS[secret];
    let key = match sender {
        "standard-webhooks" => {
            STANDARD.decode(text.trim_start_matches("whsec_")).expect("the sample is base64")
        }
        _ => text.as_bytes().to_vec(),
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length");
    mac.update(content);
    mac.finalize().into_bytes().into()
}
