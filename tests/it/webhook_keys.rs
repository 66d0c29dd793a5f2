//! Public keys of senders: fetched once, kept, and asked for no more often than is good for anybody.
use crate::support::Authority;
use crate::support::Gateway;
use crate::support::Provider;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Says;
use crate::support::Script;
use crate::support::raw_request;
use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

struct Stage {
    target: RawUpstream,
    keys: Provider,
    gateway: Gateway,
    pair: Ed25519KeyPair,
}

fn fresh() -> Ed25519KeyPair {
    Ed25519KeyPair::generate().expect("keys can be made")
}

fn set(kid: &str, pair: &Ed25519KeyPair) -> Says {
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    Says::json(json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x }] }))
}

async fn stage(says: impl FnOnce(&Ed25519KeyPair) -> Vec<Says>) -> Stage {
    let pair = fresh();
    let authority = Authority::new();
    let keys = Provider::tls(says(&pair), authority.good(&[])).await;
    let target = RawUpstream::start([Script::ok("taken").again()]).await;
    let configuration = json!({
        "egress": { "allow": ["127.0.0.0/8"] },
        "connectors": { "api": {
            "upstream": { "ca": authority.pem(), "timeouts": { "connect": "1s", "tls": "1s", "first_byte": "1s" } },
            "auth": {
                "signed": { "hmac": {
                    "algorithm": "ed25519",
                    "key": { "jwks": format!("{}/jwks.json", keys.url()) },
                    "signature": { "header": "X-Signature", "encoding": "hex" },
                    "content": "{body}",
                } },
                "tokens": { "hmac": {
                    "algorithm": "jwt",
                    "key": { "jwks": format!("{}/jwks.json", keys.url()) },
                    "jwt": { "algorithms": ["EdDSA"] },
                    "signature": { "header": "X-Token" },
                    "bind": { "claim": "sha256", "encoding": "hex" },
                } },
            },
        } },
        "connections": {
            "signed": { "connector": "api", "auth": "signed", "base_url": format!("{}/in", target.url()) },
            "tokens": { "connector": "api", "auth": "tokens", "base_url": format!("{}/in", target.url()) },
        },
    });
    let gateway = Gateway::start(&configuration.to_string());
    Stage { target, keys, gateway, pair }
}

impl Stage {
    async fn post(&self, path: &str, fields: &str, body: &str) -> Response {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\n{fields}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        raw_request(self.gateway.public, request).await
    }

    async fn signed(&self, pair: &Ed25519KeyPair, body: &str) -> Response {
        let signature = hex::encode(pair.sign(body.as_bytes()));
        self.post("/hooks/signed", &format!("X-Signature: {signature}\r\n"), body).await
    }

    async fn token(&self, pair: &Ed25519KeyPair, kid: &str, body: &str) -> Response {
        let digest =
            hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body.as_bytes()));
        let part = |it: serde_json::Value| URL_SAFE_NO_PAD.encode(it.to_string());
        let head = part(json!({ "alg": "EdDSA", "kid": kid }));
        let input = format!("{head}.{}", part(json!({ "sha256": digest })));
        let signature = URL_SAFE_NO_PAD.encode(pair.sign(input.as_bytes()));
        self.post("/hooks/tokens", &format!("X-Token: {input}.{signature}\r\n"), body).await
    }
}

#[tokio::test]
async fn keys_are_fetched_once_and_verify_what_comes() {
    let stage = stage(|pair| vec![set("a", pair)]).await;
    for body in ["{\"n\":1}", "{\"n\":2}", "{\"n\":3}"] {
        let answer = stage.signed(&stage.pair, body).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "taken"), "{answer:?}");
    }
    let forged = stage.signed(&fresh(), "{}").await;
    assert_eq!((forged.status, forged.code().as_deref()), (401, Some("webhook_bad_signature")));
    let asked = stage.keys.asked_once();
    assert_eq!(asked.line(), "GET /jwks.json");
}

#[tokio::test]
async fn a_key_that_nobody_has_is_not_looked_for_again_and_again() {
    let stage = stage(|pair| vec![set("a", pair), set("a", pair), set("a", pair)]).await;
    assert_eq!(stage.token(&stage.pair, "a", "{}").await.text(), "taken");
    for _ in 0..20 {
        let answer = stage.token(&fresh(), "unknown", "{}").await;
        assert_eq!(answer.status, 503, "{answer:?}");
    }
    assert_eq!(stage.keys.asked().len(), 1);
}

#[tokio::test]
async fn where_keys_can_not_be_had_the_sender_is_to_come_again() {
    let stage = stage(|_| vec![Says::status(500, "no")]).await;
    let answer = stage.signed(&stage.pair, "{}").await;
    assert_eq!((answer.status, answer.code().as_deref()), (503, Some("credential_unavailable")));
    assert!(answer.field("retry-after").is_some());
    // For a few seconds nobody asks again.
    assert_eq!(stage.signed(&stage.pair, "{}").await.status, 503);
    assert_eq!(stage.keys.asked().len(), 1);
    assert_eq!(stage.target.links(), 0);
}

#[tokio::test]
async fn many_deliveries_at_once_wait_for_one_look() {
    let stage = stage(|pair| vec![set("a", pair)]).await;
    let bodies: Vec<String> = (0..16).map(|it| format!("{{\"n\":{it}}}")).collect();
    let answers = futures(bodies.iter().map(|it| stage.signed(&stage.pair, it))).await;
    assert!(answers.iter().all(|it| it.text() == "taken"), "{answers:?}");
    assert_eq!(stage.keys.asked().len(), 1);
}

#[tokio::test]
async fn whoever_hangs_up_makes_nobody_look_again() {
    let gate = std::sync::Arc::new(tokio::sync::Notify::new());
    let stage = stage(|pair| vec![set("a", pair).after(&gate)]).await;
    let signature = hex::encode(stage.pair.sign(b"{}"));
    let request = format!(
        "POST /hooks/signed HTTP/1.1\r\nHost: a\r\nX-Signature: {signature}\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    let mut first = RawClient::connect(stage.gateway.public).await;
    first.send(&request).await;
    stage.keys.was_asked(1).await;
    first.hang_up();
    for _ in 0..8 {
        let mut rude = RawClient::connect(stage.gateway.public).await;
        rude.send(&request).await;
        rude.hang_up();
    }
    let waits = stage.signed(&stage.pair, "{\"n\":1}");
    let opens = async {
        tokio::task::yield_now().await;
        gate.notify_one();
    };
    let (answer, ()) = tokio::join!(waits, opens);
    assert_eq!(answer.text(), "taken");
    assert_eq!(stage.keys.asked().len(), 1);
}

/// All of them, at the same time.
async fn futures<T, F: Future<Output = T>>(all: impl Iterator<Item = F>) -> Vec<T> {
    let mut all: Vec<_> = all.map(|it| (Some(Box::pin(it)), None)).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in &mut all {
            if let Some(running) = future
                && let std::task::Poll::Ready(value) = running.as_mut().poll(cx)
            {
                (*future, *done) = (None, Some(value));
            }
        }
        if all.iter().all(|it| it.1.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    all.into_iter().filter_map(|it| it.1).collect()
}
