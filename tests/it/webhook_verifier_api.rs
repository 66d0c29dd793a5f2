//! A captured request held against a connection, by the API: what it tells, and what it tells nobody.
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::RawUpstream;
use crate::support::Reply;
use crate::support::Script;
use crate::support::each_engine;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use serde_json::Value;
use serde_json::json;

const SECRET: &str = "s3cret-of-the-sender";

/// Of a tenant.
const OWN: &str = "s3cret-of-acme";

const CONFIGURATION: &str = r#"
egress: { allow: [127.0.0.0/8] }
connectors:
  api:
    base_url: https://api.example.com
    auth:
      github: { hmac: { preset: github } }
      stripe: { hmac: { preset: stripe } }
      token: { api_key: { in: header, name: Authorization } }
      computing:
        hmac:
          signature: { header: x-signature, prefix: "sha256=", encoding: base64 }
          content: "{body}"
          handshakes:
            - when: { method: GET, query: crc_token }
              check: none
              respond: { json: { response_token: "sha256={query.crc_token|hmac(base64)}" } }
connections:
  hooks: { connector: api, auth: github, base_url: http://127.0.0.1:9/in, credentials: { secret: s3cret-of-the-sender } }
  clocked: { connector: api, auth: stripe, base_url: http://127.0.0.1:9/in, credentials: { secret: s3cret-of-the-sender } }
  computing: { connector: api, auth: computing, base_url: http://127.0.0.1:9/in, credentials: { secret: s3cret-of-the-sender } }
  each: { connector: api, auth: github, base_url: http://127.0.0.1:9/each, embedded: true }
  plain: { connector: api, auth: token, credentials: { key: k3y-of-something-else } }
"#;

fn mac(secret: &str, content: &str) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("any key does");
    mac.update(content.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn github(secret: &str, body: &str) -> String {
    let signature = hex::encode(mac(secret, body));
    format!(
        "POST /hooks/hooks HTTP/1.1\r\nHost: in.example.com\r\nX-GitHub-Delivery: 7\r\n\
         X-Hub-Signature-256: sha256={signature}\r\n\r\n"
    )
}

async fn verify(operator: &Operator, connection: &str, request: Value) -> Reply {
    let asked = json!({ "connection": connection, "request": request });
    operator.post("/v1/webhooks/verify", asked).await
}

fn hints(reply: &Reply) -> String {
    reply.body["hints"].to_string()
}

fn outcomes(reply: &Reply) -> Vec<(&str, &str)> {
    let steps = reply.body["steps"].as_array().expect("it has steps");
    steps.iter().map(|it| (it["name"].as_str().unwrap(), it["outcome"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_captured_request_is_looked_at_step_by_step() {
    let gateway = Gateway::start(CONFIGURATION);
    let operator = gateway.operator();
    let body = "{\"a\":1}\r\n";
    let raw = github(SECRET, body) + body;
    let reply = verify(&operator, "hooks", raw.into()).await.is(200);
    assert_eq!(
        (&reply.body["verdict"], &reply.body["webhook_id"]),
        (&json!("verified"), &json!("7"))
    );
    let passed = ["signature", "content", "comparison", "id", "replay"].map(|it| (it, "passed"));
    assert_eq!(outcomes(&reply), passed);
    assert_eq!(reply.body["steps"][1]["content"], body);

    // The same in parts.
    let parts = json!({
        "path": "/hooks/hooks",
        "headers": [["x-hub-signature-256", format!("sha256={}", hex::encode(mac(SECRET, body)))]],
        "body_base64": STANDARD.encode(body),
    });
    assert_eq!(verify(&operator, "hooks", parts).await.is(200).body["verdict"], "verified");

    let unsigned = "POST /hooks/hooks HTTP/1.1\nHost: a\n\n{}";
    let reply = verify(&operator, "hooks", unsigned.into()).await.is(200);
    assert_eq!(
        (&reply.body["verdict"], &reply.body["code"]),
        (&json!("refused"), &json!("webhook_unsigned"))
    );
    assert_eq!(outcomes(&reply).last().map(|it| it.1), Some("failed"));
    assert!(hints(&reply).contains("x-hub-signature-256"), "{}", hints(&reply));
}

#[tokio::test]
async fn what_pasting_does_to_lines_is_tried_and_told() {
    let gateway = Gateway::start(CONFIGURATION);
    let operator = gateway.operator();
    for (sent, pasted, told) in [
        ("{\"a\":1}", "{\"a\":1}\n", "the body less its final line break"),
        ("{\"a\":1}\n", "{\"a\":1}", "a line feed at the body's end"),
        ("{\r\n\"a\":1\r\n}", "{\n\"a\":1\n}", "CRLFs for the body's line feeds"),
        ("{\n\"a\":1\n}", "{\r\n\"a\":1\r\n}", "line feeds for the body's CRLFs"),
        ("{\"a\":1}", "{\n  \"a\": 1\n}", "the body's JSON written without white space"),
    ] {
        let raw = (github(SECRET, sent) + pasted).replace("\r\n\r\n", "\n\n");
        let reply = verify(&operator, "hooks", raw.into()).await.is(200);
        assert_eq!(reply.body["code"], "webhook_bad_signature", "{told}");
        assert!(hints(&reply).contains(told), "{told}: {}", hints(&reply));
    }
    let other = github("another", "{}") + "{}";
    let reply = verify(&operator, "hooks", other.into()).await.is(200);
    assert!(hints(&reply).contains("the secret is perhaps not the sender's"), "{}", hints(&reply));
}

#[tokio::test]
async fn a_clock_counts_as_when_the_request_came_unless_another_time_is_said() {
    let gateway = Gateway::start(CONFIGURATION);
    let operator = gateway.operator();
    let signature = hex::encode(mac(SECRET, "1700000000.{}"));
    let raw = format!(
        "POST /hooks/clocked HTTP/1.1\nHost: a\nStripe-Signature: t=1700000000,v1={signature}\n\n{{}}"
    );
    let reply = verify(&operator, "clocked", raw.as_str().into()).await.is(200);
    assert_eq!(reply.body["verdict"], "verified");
    assert_eq!(reply.body["at"], "2023-11-14T22:13:20Z");
    assert!(hints(&reply).contains("its clock would be off"), "{}", hints(&reply));
    let later = json!({ "connection": "clocked", "request": raw, "at": "2023-11-14T23:13:20Z" });
    let reply = operator.post("/v1/webhooks/verify", later).await.is(200);
    assert_eq!(reply.body["code"], "webhook_stale");
    assert!(hints(&reply).contains("at: 2023-11-14T22:13:20Z"), "{}", hints(&reply));
}

/// Whoever may ask for verdicts still has to know the secret to sign.
#[tokio::test]
async fn nobody_is_told_what_a_signature_would_have_to_be() {
    let gateway = Gateway::start(CONFIGURATION);
    let operator = gateway.operator();
    let wanted = "{\"pay\":\"mallory\"}";
    let zeros = "0".repeat(64);
    let none = STANDARD.encode([0; 32]);
    let mut asked = vec![
        ("hooks", format!("POST / HTTP/1.1\nHost: a\n\n{wanted}"), wanted.to_owned()),
        (
            "computing",
            format!("POST / HTTP/1.1\nHost: a\nX-Signature: sha256={none}\n\n{wanted}"),
            wanted.to_owned(),
        ),
        // A handshake's answer is signed, and shown to nobody here.
        ("computing", format!("GET /?crc_token={wanted} HTTP/1.1\nHost: a\n\n"), wanted.to_owned()),
        (
            "clocked",
            format!(
                "POST / HTTP/1.1\nHost: a\nStripe-Signature: t=1700000000,v1={zeros}\n\n{wanted}"
            ),
            format!("1700000000.{wanted}"),
        ),
    ];
    for prefix in ["", "sha256=", "sha1="] {
        let raw =
            format!("POST / HTTP/1.1\nHost: a\nX-Hub-Signature-256: {prefix}{zeros}\n\n{wanted}");
        asked.push(("hooks", raw, wanted.to_owned()));
    }
    for (connection, raw, content) in asked {
        let reply = verify(&operator, connection, raw.as_str().into()).await;
        let text = reply.response.text();
        let right = mac(SECRET, &content);
        for form in [hex::encode(&right), STANDARD.encode(&right), hex::encode_upper(&right)] {
            // Not even how it begins.
            assert!(!text.contains(&form[..8]), "{raw}: {text}");
        }
        assert!(!text.contains(SECRET) && reply.status < 500, "{raw}: {text}");
    }
    let crc = "GET /hooks/computing?crc_token=nonce HTTP/1.1\nHost: a\n\n";
    let reply = verify(&operator, "computing", crc.into()).await.is(200);
    assert_eq!(reply.body["verdict"], "handshake");
    assert!(!reply.response.text().contains("response_token"), "{}", reply.response.text());
}

#[tokio::test]
async fn only_so_many_are_looked_at_at_the_same_time() {
    let gateway = Gateway::start(CONFIGURATION);
    let operator = gateway.operator();
    // Each is hashed some hundred times.
    let body = "x".repeat(700_000);
    let raw = github("another", &body) + &body;
    let asked: Vec<_> = (0..12)
        .map(|_| {
            let (operator, raw) = (operator.clone(), Value::from(raw.clone()));
            tokio::spawn(async move { verify(&operator, "hooks", raw).await })
        })
        .collect();
    let mut told = Vec::new();
    for it in asked {
        told.push(it.await.expect("it is answered").status);
    }
    told.sort_unstable();
    assert_eq!((told[0], told[11]), (200, 429), "{told:?}");
    told.dedup();
    assert_eq!(told, [200, 429]);
}

#[tokio::test]
async fn what_can_not_be_looked_at_says_why() {
    let gateway = Gateway::start(CONFIGURATION);
    let operator = gateway.operator();
    let raw = || Value::from("POST / HTTP/1.1\nHost: a\n\n{}");
    verify(&operator, "nothing", raw()).await.is(404).problem("not_found");
    for (connection, request, pointer) in [
        ("plain", raw(), "/connection"),
        ("each", raw(), "/tenant"),
        ("hooks", "hello".into(), "/request"),
        ("hooks", json!({ "path": "x", "headers": [] }), "/request/path"),
        ("hooks", json!({ "path": "/", "headers": [["a b", "c"]] }), "/request/headers/0"),
        ("hooks", json!({ "path": "/", "headers": [], "body": "", "body_base64": "" }), "/request"),
        (
            "hooks",
            json!({ "path": "/", "headers": [], "body_base64": "?" }),
            "/request/body_base64",
        ),
    ] {
        let reply = verify(&operator, connection, request).await.is(422).problem("invalid");
        assert_eq!(reply.pointers(), [pointer]);
    }
    let odd = json!({ "connection": "hooks", "request": raw(), "at": "yesterday" });
    assert_eq!(operator.post("/v1/webhooks/verify", odd).await.is(422).pointers(), ["/at"]);
    let whose = json!({ "connection": "hooks", "request": raw(), "tenant": "acme" });
    assert_eq!(operator.post("/v1/webhooks/verify", whose).await.is(422).pointers(), ["/tenant"]);
}

each_engine! {
    async fn each_tenant_has_its_own_secret(database: Database) {
        let target = RawUpstream::start([Script::ok("taken")]).await;
        let configuration = CONFIGURATION.replace("http://127.0.0.1:9", &target.url());
        let gateway = Gateway::beside(&database, &configuration);
        let operator = gateway.operator();
        let own = json!({ "credentials": { "secret": OWN } });
        operator.put("/v1/connections/each/activations/acme", own).await.is(201);
        let other = json!({ "credentials": { "secret": SECRET } });
        operator.put("/v1/connections/each/activations/zeta", other).await.is(201);
        let raw = github(OWN, "{}") + "{}";
        for (tenant, verdict) in [("acme", "verified"), ("zeta", "refused")] {
            let asked = json!({ "connection": "each", "tenant": tenant, "request": raw });
            let reply = operator.post("/v1/webhooks/verify", asked).await.is(200);
            assert_eq!(reply.body["verdict"], verdict, "{tenant}");
        }
        let nobody = json!({ "connection": "each", "tenant": "nobody", "request": raw });
        operator.post("/v1/webhooks/verify", nobody).await.is(404);
        let token = operator.post("/v1/tokens", json!({ "key": "v", "role": "viewer" })).await.is(201);
        let viewer = operator.with_token(token.text("token"));
        let asked = json!({ "connection": "each", "tenant": "acme", "request": raw });
        viewer.post("/v1/webhooks/verify", asked).await.is(403).problem("operator_forbidden");
        assert!(target.request_so_far().await.is_none(), "nothing is forwarded");
    }
}
