//! Digest authentication: a challenge is answered once, and what it says is kept for the requests after it.
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::soon;
use crate::support::tagged;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn configuration(url: &str, settings: &str) -> String {
    format!(
        "egress: {{ allow: [127.0.0.0/8] }}
connectors:
  api: {{ base_url: {url}, auth: {{ m: {{ digest: {settings} }} }} }}
connections:
  api: {{ connector: api, auth: m, credentials: {{ username: Mufasa, password: Circle of Life }} }}
"
    )
}

/// Its access log stands beside its files, so that it reads them once more: what was learnt before that is forgotten.
async fn gateway(upstream: &RawUpstream) -> Gateway {
    let gateway = Gateway::start(&configuration(&upstream.url(), "{}"));
    let read = async { while gateway.metric("attache_reload_generation", &[]).await < 2.0 {} };
    soon("the files to be read again", read).await;
    gateway
}

fn refusal(parameters: &str) -> String {
    format!(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\
         WWW-Authenticate: Digest realm=\"r\", qop=\"auth\", {parameters}\r\nContent-Length: 2\r\n\r\nno"
    )
}

/// Answers in this order, whatever is asked.
fn script(answers: &[&str]) -> Script {
    answers.iter().fold(Script::new(), |script, answer| script.read_request().write(answer))
}

async fn authorization(upstream: &RawUpstream) -> Option<String> {
    upstream.request().await.field("authorization").map(str::to_owned)
}

#[tokio::test]
async fn the_first_request_goes_out_twice_and_those_after_it_once() {
    let refused = refusal("nonce=\"n1\", opaque=\"o\"");
    // A second link has the good answers alone.
    let upstream = RawUpstream::start([script(&[&refused, OK, OK]), Script::ok("ok")]).await;
    let gateway = gateway(&upstream).await;
    let body = "a=1&b=%20";
    let request = tagged("PUT", "/dir/a%20b?q=%2F&q", "Authorization: theirs\r\n", body);
    let mut client = gateway.client().await;
    for _ in 0..2 {
        client.send(&request).await;
        let answer = client.response().await.unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    }
    assert_eq!(authorization(&upstream).await, None, "the caller's own does not go on");
    for count in ["00000001", "00000002"] {
        let received = upstream.request().await;
        assert_eq!(received.body, body.as_bytes());
        let sent = received.field("authorization").unwrap();
        assert!(sent.starts_with("Digest username=\"Mufasa\", realm=\"r\""), "{sent}");
        assert!(sent.contains("uri=\"/dir/a%20b?q=%2F&q\""), "{sent}");
        assert!(sent.contains(&format!("nonce=\"n1\", nc={count}, cnonce=\"")), "{sent}");
        assert!(sent.contains("opaque=\"o\""), "{sent}");
    }
    assert!(upstream.request_so_far().await.is_none());
}

#[tokio::test]
async fn a_wrong_password_is_the_apis_own_answer() {
    let (first, second) = (refusal("nonce=\"n1\""), refusal("nonce=\"n2\""));
    let later = script(&[&second, &second]);
    let upstream = RawUpstream::start([script(&[&first, &second, &second]), later]).await;
    let gateway = gateway(&upstream).await;
    let mut client = gateway.client().await;
    for _ in 0..2 {
        client.send(tagged("GET", "/", "", "")).await;
        let answer = client.response().await.unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (401, "no"));
        assert_eq!(answer.code(), None, "it is none of attache's");
    }
    assert_eq!(authorization(&upstream).await, None);
    for nonce in ["n1", "n2"] {
        assert!(authorization(&upstream).await.unwrap().contains(&format!("nonce=\"{nonce}\"")));
    }
    assert!(upstream.request_so_far().await.is_none());
}

#[tokio::test]
async fn a_nonce_that_is_too_old_and_the_next_one_are_taken_up() {
    let (first, stale) = (refusal("nonce=\"n1\""), refusal("nonce=\"n2\", stale=true"));
    let next =
        "HTTP/1.1 200 OK\r\nAuthentication-Info: nextnonce=\"n3\"\r\nContent-Length: 2\r\n\r\nok";
    let upstream =
        RawUpstream::start([script(&[&first, OK, &stale, next, OK]), Script::ok("ok")]).await;
    let gateway = gateway(&upstream).await;
    let mut client = gateway.client().await;
    for _ in 0..3 {
        client.send(tagged("GET", "/", "", "")).await;
        assert_eq!(client.response().await.unwrap().status, 200);
    }
    assert_eq!(authorization(&upstream).await, None);
    for nonce in ["n1", "n1", "n2", "n3"] {
        let sent = authorization(&upstream).await.unwrap();
        assert!(sent.contains(&format!("nonce=\"{nonce}\"")), "{nonce} {sent}");
    }
}

/// A body of a length that nobody says, whose hash the answer covers.
#[tokio::test]
async fn a_body_that_an_answer_covers_is_hashed_once_that_is_known() {
    let refused = refusal("nonce=\"n\"").replace("qop=\"auth\"", "qop=\"auth-int\"");
    // A second link has the good answer alone.
    let upstream = RawUpstream::start([script(&[&refused, OK]), Script::ok("ok")]).await;
    let gateway = gateway(&upstream).await;
    let mut client = gateway.client().await;
    let head = tagged("PUT", "/a", "Transfer-Encoding: chunked\r\n", "");
    client.send([head.as_str(), "4\r\nbody\r\n0\r\n\r\n"].concat()).await;
    assert_eq!(client.response().await.unwrap().status, 200);
    assert_eq!(authorization(&upstream).await, None);
    let received = upstream.request().await;
    assert_eq!(received.body, b"body");
    assert!(received.field("authorization").unwrap().contains("qop=auth-int"));
}
