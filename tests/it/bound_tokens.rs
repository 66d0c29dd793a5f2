//! Tokens that are bound to a key (RFC 9449): each request proves that the key is here.
use crate::support::Asked;
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Received;
use crate::support::Response;
use crate::support::Says;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::raw_request;
use crate::support::tagged;
use aws_lc_rs::digest;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED;
use aws_lc_rs::signature::UnparsedPublicKey;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use serde_json::json;
use std::collections::HashSet;
use std::net::SocketAddr;

/// A proof that was verified with the key that it names.
struct Proof {
    claims: Value,
    jwk: Value,
}

impl Proof {
    fn of(proof: &str) -> Self {
        let parts: Vec<&str> = proof.split('.').collect();
        let decoded = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64url");
        let json = |text: &str| -> Value { serde_json::from_slice(&decoded(text)).expect("JSON") };
        let (header, claims) = (json(parts[0]), json(parts[1]));
        assert_eq!((&header["typ"], &header["alg"]), (&json!("dpop+jwt"), &json!("ES256")));
        let coordinate = |name: &str| decoded(header["jwk"][name].as_str().expect("a coordinate"));
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        let message = [parts[0], ".", parts[1]].concat();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point)
            .verify(message.as_bytes(), &decoded(parts[2]))
            .expect("the key has signed it");
        Self { claims, jwk: header["jwk"].clone() }
    }

    fn of_message(asked: &Asked) -> Self {
        Self::of(asked.head.field("dpop").expect("a proof"))
    }

    /// Of a request, which has one and the token that it is for.
    fn of_request(request: &Received, token: &str) -> Self {
        assert_eq!(request.field("authorization"), Some(format!("DPoP {token}").as_str()));
        assert_eq!(request.head.all("dpop").len(), 1, "{request:?}");
        let proof = Self::of(request.field("dpop").expect("a proof"));
        let hash = digest::digest(&digest::SHA256, token.as_bytes());
        assert_eq!(proof.claims["ath"], BASE64_URL_SAFE_NO_PAD.encode(hash));
        proof
    }

    fn nonce(&self) -> Option<&str> {
        self.claims["nonce"].as_str()
    }
}

fn token(token: &str) -> Says {
    Says::json(json!({ "access_token": token, "token_type": "DPoP", "expires_in": 3600 }))
}

fn configuration(upstream: &str, provider: &str) -> String {
    format!(
        "egress: {{ allow: [127.0.0.0/8] }}
connectors:
  api:
    base_url: {upstream}/v1
    auth: {{ m: {{ oauth2: {{ grant: client_credentials, token_url: \"{provider}/token?a=b\", dpop: true }} }} }}
connections:
  api: {{ connector: api, auth: m, credentials: {{ client_id: app, client_secret: hush-hush }} }}
"
    )
}

async fn scene(
    says: impl IntoIterator<Item = Says>,
    scripts: impl IntoIterator<Item = Script>,
) -> (RawUpstream, Provider, Gateway) {
    let (upstream, provider) = (RawUpstream::start(scripts).await, Provider::start(says).await);
    let gateway = Gateway::start(&configuration(&upstream.url(), provider.url()));
    (upstream, provider, gateway)
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The API's demand for this nonce.
fn demand(nonce: &str) -> String {
    format!(
        "HTTP/1.1 401 No\r\nWWW-Authenticate: DPoP error=\"use_dpop_nonce\", error_description=\"x\"\r\n\
         DPoP-Nonce: {nonce}\r\nContent-Length: 2\r\n\r\nno"
    )
}

#[tokio::test]
async fn the_token_request_and_each_request_with_the_token_are_proven_by_one_key() {
    let (upstream, provider, gateway) = scene([token("t0k")], [Script::answer(OK)]).await;
    let mut jwks = vec![];
    let mut ids = HashSet::new();
    for (method, path, body) in
        [("GET", "/a/b?c=d#", ""), ("POST", "/a%2Fb//c?x=y", "payload"), ("GET", "/", "")]
    {
        let path = path.trim_end_matches('#');
        let own = "DPoP: forged\r\ndpop: twice\r\nConnection: DPoP\r\n";
        let answer = gateway.through(method, path, own, body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let request = upstream.request().await;
        let proof = Proof::of_request(&request, "t0k");
        assert_eq!(proof.claims["htm"], method);
        let path = path.split('?').next().unwrap();
        assert_eq!(proof.claims["htu"], format!("{}/v1{path}", upstream.url()));
        assert!(proof.claims["iat"].as_u64().is_some_and(|it| it > 1_700_000_000));
        assert_eq!(proof.nonce(), None);
        assert!(ids.insert(proof.claims["jti"].as_str().unwrap().to_owned()), "never twice");
        jwks.push(proof.jwk);
    }
    let asked = provider.asked_once();
    let proof = Proof::of_message(&asked);
    assert_eq!((&proof.claims["htm"], &proof.claims["ath"]), (&json!("POST"), &Value::Null));
    assert_eq!(proof.claims["htu"], format!("{}/token", provider.url()));
    jwks.push(proof.jwk);
    assert!(jwks.iter().all(|it| *it == jwks[0]));
    assert!(!format!("{asked:?}").contains("forged"));
}

#[tokio::test]
async fn a_provider_that_wants_its_nonce_has_it_at_once_and_from_then_on() {
    let wants = Says::error(400, "use_dpop_nonce")
        .with("Content-Type: application/json\r\nDPoP-Nonce: n-1\r\n");
    let (_upstream, provider, gateway) =
        scene([wants, token("one"), token("two")], [Script::answer(OK)]).await;
    assert_eq!(gateway.ask("/x").await.status, 200);
    let proofs: Vec<Proof> = provider.asked().iter().map(Proof::of_message).collect();
    let nonces: Vec<Option<&str>> = proofs.iter().map(Proof::nonce).collect();
    assert_eq!(nonces, [None, Some("n-1")]);
    assert_ne!(proofs[0].claims["jti"], proofs[1].claims["jti"]);
    assert_eq!(proofs[0].jwk, proofs[1].jwk);
    let log = gateway.stop();
    assert_eq!(log[0]["attempts"], 1);
}

#[tokio::test]
async fn a_provider_that_is_never_content_is_asked_twice() {
    let wants = Says::error(400, "use_dpop_nonce")
        .with("Content-Type: application/json\r\nDPoP-Nonce: n-1\r\n");
    let (_upstream, provider, gateway) = scene([wants], [Script::answer(OK)]).await;
    assert_eq!(gateway.ask("/x").await.code().as_deref(), Some("credential_unavailable"));
    assert_eq!(provider.asked().len(), 2);
}

#[tokio::test]
async fn an_api_that_wants_its_nonce_has_it_with_one_more_attempt_and_from_then_on() {
    let renewed = "HTTP/1.1 200 OK\r\nDPoP-Nonce: a-2\r\nContent-Length: 2\r\n\r\nok";
    for method in ["GET", "POST"] {
        let first = Script::new().read_request().write(demand("a-1")).read_request().write(renewed);
        let scripts = [first.read_request().write(OK), Script::answer(renewed)];
        let (upstream, provider, gateway) = scene([token("t")], scripts).await;
        let mut nonces = Vec::new();
        for _ in 0..2 {
            let answer = gateway.through(method, "/x", "", "body").await;
            assert_eq!((answer.status, answer.text().as_str()), (200, "ok"), "{method}");
        }
        for _ in 0..3 {
            let request = upstream.request().await;
            assert_eq!(request.body, b"body");
            nonces.push(Proof::of_request(&request, "t").nonce().map(str::to_owned));
        }
        assert_eq!(nonces, [None, Some("a-1".to_owned()), Some("a-2".to_owned())], "{method}");
        provider.asked_once();
        let sent = gateway.metric("attache_retries_total", &["dpop_nonce", "\"sent\""]).await;
        assert_eq!(sent, 1.0);
    }
}

#[tokio::test]
async fn an_api_that_is_never_content_answers_the_caller_and_no_token_is_had_for_it() {
    let (upstream, provider, gateway) = scene([token("t")], [Script::answer(demand("a-1"))]).await;
    let answer = gateway.through("POST", "/x", "", "body").await;
    assert_eq!((answer.status, answer.text().as_str(), answer.code()), (401, "no", None));
    assert_eq!(answer.field("dpop-nonce"), Some("a-1"));
    let mut attempts = 0;
    while upstream.request_so_far().await.is_some() {
        attempts += 1;
    }
    assert_eq!(attempts, 2);
    provider.asked_once();
}

#[tokio::test]
async fn another_nonce_and_then_another_token_are_an_attempt_each() {
    let refuses = "HTTP/1.1 401 No\r\nWWW-Authenticate: DPoP error=\"invalid_token\"\r\nContent-Length: 0\r\n\r\n";
    let script = Script::new().read_request().write(demand("a-1")).read_request().write(refuses);
    let script = script.read_request().write(OK);
    let (upstream, provider, gateway) = scene([token("one"), token("two")], [script]).await;
    assert_eq!(gateway.ask("/x").await.status, 200);
    let mut jwks = Vec::new();
    for (token, nonce) in [("one", None), ("one", Some("a-1")), ("two", Some("a-1"))] {
        let proof = Proof::of_request(&upstream.request().await, token);
        assert_eq!(proof.nonce(), nonce);
        jwks.push(proof.jwk);
    }
    assert!(jwks.iter().all(|it| *it == jwks[0]), "the key stays");
    assert_eq!(provider.asked().len(), 2);
}

#[tokio::test]
async fn a_token_that_the_provider_has_bound_to_nothing_is_not_taken() {
    let (upstream, _provider, gateway) = scene([Says::token("t")], [Script::answer(OK)]).await;
    assert_eq!(gateway.ask("/x").await.code().as_deref(), Some("credential_unavailable"));
    assert_eq!(upstream.links(), 0);
}

#[tokio::test]
async fn where_no_token_is_bound_a_callers_own_proof_goes_on() {
    let upstream = RawUpstream::start([Script::answer(OK)]).await;
    let gateway = Gateway::plain(&upstream.url(), "");
    gateway.raw(tagged("GET", "/x", "DPoP: own\r\n", "")).await;
    assert_eq!(upstream.request().await.field("dpop"), Some("own"));
}

async fn ask(proxy: SocketAddr) -> Response {
    let request = format!("GET /c/api/x HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\r\n");
    raw_request(proxy, request).await
}

each_engine! {
    async fn the_key_is_kept_with_the_token_and_another_replica_proves_by_it(database: Database) {
        let upstream = RawUpstream::start([Script::answer(OK)]).await;
        let provider = Provider::start([token("t")]).await;
        let file = configuration(&upstream.url(), provider.url());
        let mut jwks = Vec::new();
        for _ in 0..2 {
            let gateway = Gateway::beside(&database, &file);
            let answer = ask(gateway.proxy).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            jwks.push(Proof::of_request(&upstream.request().await, "t").jwk);
        }
        provider.asked_once();
        assert_eq!(jwks[0], jwks[1]);
    }
}
