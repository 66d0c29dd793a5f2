//! JWTs that are signed here, on their way through the gateway.
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::soon;
use crate::support::tagged;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

async fn sent(upstream: &RawUpstream) -> String {
    let received = upstream.request().await;
    let value = received.field("authorization").expect("a token");
    value.strip_prefix("Bearer ").expect("a bearer token").to_owned()
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("Base64url")).expect("JSON")
}

/// Its access log stands beside its files, so that it reads them once more: what was kept before that is made anew.
async fn gateway(upstream: &RawUpstream, settings: &str) -> Gateway {
    let gateway = Gateway::start(&format!(
        "egress: {{ allow: [127.0.0.0/8] }}
connectors:
  api: {{ base_url: \"{}/base\", auth: {{ m: {{ jwt: {{ algorithm: HS256, {settings} }} }} }} }}
connections:
  api: {{ connector: api, auth: m, credentials: {{ secret: hush, app: a1 }} }}
",
        upstream.url()
    ));
    let read = async { while gateway.metric("attache_reload_generation", &[]).await < 2.0 {} };
    soon("the files to be read again", read).await;
    gateway
}

#[tokio::test]
async fn one_token_is_for_all_requests_of_its_life() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = gateway(&upstream, "claims: { iss: \"{app}\" }, lifetime: 10m").await;
    for _ in 0..2 {
        let answer = gateway.raw(tagged("GET", "/x", "Authorization: theirs\r\n", "")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let (first, second) = (sent(&upstream).await, sent(&upstream).await);
    assert_eq!(first, second);
    let claims = claims(&first);
    assert_eq!(claims["iss"], "a1");
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 600);
}

#[tokio::test]
async fn a_token_of_one_request_says_what_is_sent() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let settings = "claims: { app: \"{app}\", jti: \"{uuid}\", htm: \"{method}\", htu: \"{url}\", hash: \"{body_sha256}\" }";
    let gateway = gateway(&upstream, settings).await;
    let mut made = Vec::new();
    for _ in 0..2 {
        let answer = gateway.raw(tagged("POST", "/a%20b?q=1", "", "{}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        made.push(claims(&sent(&upstream).await));
    }
    for claims in &made {
        assert_eq!(claims["htm"], "POST");
        assert_eq!(claims["htu"], format!("{}/base/a%20b?q=1", upstream.url()));
        // From `printf '{}' | openssl dgst -sha256`.
        let hash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        assert_eq!(claims["hash"], hash);
    }
    assert_ne!(made[0]["jti"], made[1]["jti"]);
}

#[tokio::test]
async fn a_token_or_a_signature_in_the_query_does_not_come_back_in_a_redirect() {
    let token = "jwt: { algorithm: HS256, in: query, name: jwt }";
    let presigned = "aws_sigv4: { service: s3, region: eu-west-1, in: query }";
    let keys = "access_key_id: AKIDEXAMPLE, secret_access_key: hush";
    for (method, credentials, name) in
        [(token, "secret: hush", "jwt"), (presigned, keys, "X-Amz-Signature")]
    {
        let answer = format!(
            "HTTP/1.1 302 Found\r\nLocation: /next?a=1&{name}=s3cr3t&b=2\r\nContent-Length: 0\r\n\r\n"
        );
        let upstream = RawUpstream::start([Script::answer(answer)]).await;
        let gateway = Gateway::start(&format!(
            "egress: {{ allow: [127.0.0.0/8] }}
connectors: {{ api: {{ base_url: \"{}\", auth: {{ m: {{ {method} }} }} }} }}
connections: {{ api: {{ connector: api, auth: m, credentials: {{ {credentials} }} }} }}
",
            upstream.url()
        ));
        let got = gateway.raw(tagged("GET", "/x", "", "")).await;
        assert_eq!(got.field("location"), Some("/next?a=1&b=2"), "{name}");
        let line = upstream.request().await.line().to_owned();
        assert!(line.contains(&format!("{name}=")), "{line}");
    }
}
