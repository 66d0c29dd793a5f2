//! Requests of senders that are answered here: each is known by its shape, checked, and answered with the right text.
use super::row::Sent;
use super::row::default_method;
use super::row::default_now_ms;
use super::row::default_secrets;
use super::row::default_url;
use crate::webhook::HandshakeCheck;
use crate::webhook::Refusal;
use crate::webhook::Reply;
use indexmap::IndexMap;
use serde::Deserialize;

/// A secret of another, or an Ed25519 public key.
const ANOTHER: &str = "44c76e4fc155d11c8ed2e0bcee5f14a152112af197db696e98f5fb495c086c87";

/// A handshake and its answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shake {
    preset: String,
    check: HandshakeCheck,
    #[serde(default = "default_secrets")]
    secrets: Vec<String>,
    verify_token: Option<String>,
    account: Option<String>,
    #[serde(default = "default_method")]
    method: String,
    #[serde(default = "default_url")]
    url: String,
    #[serde(default)]
    headers: IndexMap<String, String>,
    #[serde(default)]
    body: String,
    /// The secret that is handed over.
    learned: Option<String>,
    reply: Answer,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    status: u16,
    headers: IndexMap<String, String>,
    body: String,
}

fn shakes() -> Vec<Shake> {
    serde_yaml::from_str(include_str!("handshakes.yaml")).unwrap()
}

impl Shake {
    fn sent(&self) -> Sent {
        let shake = self.clone();
        Sent {
            preset: shake.preset,
            secrets: shake.secrets,
            account: shake.account,
            verify_token: shake.verify_token,
            keys: None,
            method: shake.method,
            url: shake.url,
            headers: shake.headers.into_iter().collect(),
            body: shake.body,
            now_ms: default_now_ms(),
        }
    }
}

/// What is answered to it; None where it is no handshake.
fn answered(sent: &Sent) -> Option<Result<Reply, Refusal>> {
    sent.asked(|given, delivery| {
        let verifier = sent.description().verifier(given).unwrap();
        let handshake = verifier.handshake(delivery)?;
        Some(verifier.answer(handshake, delivery))
    })
}

#[test]
fn every_handshake_of_a_preset_has_its_row() {
    let described = crate::webhook::preset_names().filter(|name| {
        let raw = crate::webhook::presets::preset(name).unwrap();
        raw.handshakes.as_ref().is_some_and(|it| !it.is_empty())
    });
    let mut tested: Vec<_> = shakes().into_iter().map(|it| it.preset).collect();
    tested.sort();
    assert_eq!(tested, described.collect::<Vec<_>>());
}

#[test]
fn the_answer_is_the_senders() {
    for shake in shakes() {
        let reply = answered(&shake.sent());
        let reply = reply.unwrap_or_else(|| panic!("{}: no handshake", shake.preset)).unwrap();
        let headers = reply
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()));
        let body = String::from_utf8(reply.body).unwrap();
        let answer = Answer { status: reply.status, headers: headers.collect(), body };
        assert_eq!(answer, shake.reply, "{}", shake.preset);
        let learned = reply.learned.map(|it| it.expose().to_owned());
        assert_eq!(learned, shake.learned, "{}", shake.preset);
    }
}

#[test]
fn what_is_signed_is_verified_first_and_a_token_has_to_be_right() {
    for shake in shakes() {
        let (name, sent) = (&shake.preset, shake.sent());
        let check = sent.asked(|given, delivery| {
            let verifier = sent.description().verifier(given).unwrap();
            verifier.handshake(delivery).unwrap().check()
        });
        assert_eq!(check, shake.check, "{name}");
        match check {
            HandshakeCheck::Signature => {
                assert_eq!(sent.verdict(), "good", "{name}");
                let secrets = vec![ANOTHER.to_owned()];
                let other = Sent { secrets, ..sent.clone() };
                assert_eq!(other.verdict(), "mismatch", "{name}");
                if !sent.headers.iter().all(|it| it.0 == "Content-Type") {
                    let bare = Sent { headers: Vec::new(), ..sent };
                    assert_eq!(bare.verdict(), "missing", "{name}");
                }
            }
            HandshakeCheck::Token => {
                let other = Sent { verify_token: Some("another".to_owned()), ..sent.clone() };
                assert_eq!(answered(&other).unwrap().unwrap_err(), Refusal::Mismatch, "{name}");
                let url = sent.url.replace("verify_token", "x").replace("topic", "x");
                let bare = Sent { url, ..sent };
                assert!(answered(&bare).is_none_or(|it| it.is_err()), "{name}");
            }
            HandshakeCheck::None => {
                assert_ne!(sent.verdict(), "good", "{name}: nothing of it is signed");
                let method = if sent.method == "GET" { "POST" } else { "GET" }.to_owned();
                let other = Sent { method, ..sent.clone() };
                assert!(answered(&other).is_none(), "{name}: another method");
                // An answer that is made with the secret is nobody else's.
                let raw = crate::webhook::presets::text(name);
                let other = Sent { secrets: vec![ANOTHER.to_owned()], ..sent };
                let reply = shake.learned.is_none().then(|| answered(&other).unwrap().unwrap());
                let same = reply.is_none_or(|it| it.body == shake.reply.body.as_bytes());
                assert_eq!(same, !raw.contains("hmac("), "{name}: to another");
            }
        }
    }
}

#[test]
fn a_secret_that_is_known_is_not_learned_again() {
    for shake in shakes().into_iter().filter(|it| it.learned.is_some()) {
        let known = Sent { secrets: vec!["the-operators-own".to_owned()], ..shake.sent() };
        assert_eq!(answered(&known).unwrap().unwrap_err(), Refusal::Mismatch, "{}", shake.preset);
        // A sender that tries again gets its answer again.
        let again = Sent { secrets: vec![shake.learned.clone().unwrap()], ..shake.sent() };
        assert!(answered(&again).unwrap().unwrap().learned.is_none(), "{}", shake.preset);
        let unsigned = Sent { headers: Vec::new(), body: "{}".to_owned(), ..shake.sent() };
        assert_eq!(unsigned.verdict(), "missing", "{}: an event while it waits", shake.preset);
    }
}
