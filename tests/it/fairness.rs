//! What one link does, however slow or large, holds up no other link of its worker.
use crate::support::ADMIN_TOKEN;
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::soon;
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;

const TAGS: &str = "Attache-Connection: header\r\n";

/// More than the buffers of all sockets on the way hold, so that a body of it is stuck in the middle.
const LARGE: usize = 64 << 20;

fn head(method: &str, fields: &str) -> String {
    format!(
        "{method} /x HTTP/1.1\r\nHost: localhost\r\nAttache-Key: {CALLER_KEY}\r\n{TAGS}{fields}\r\n"
    )
}

/// With time for a body that is held as long as the others take.
fn patient(upstream: &RawUpstream) -> Gateway {
    Gateway::start(&Gateway::usual(&upstream.url()).replace(": 2s", ": 60s"))
}

/// Others on the one worker, each on a link of its own and on the upstream's next script.
async fn others_are_served(gateway: &Gateway) {
    for _ in 0..20 {
        assert_eq!(gateway.get("/x", TAGS).await.status, 200);
    }
}

#[tokio::test]
async fn handshakes_that_stop_half_way_hold_up_nobody() {
    let folder = TempDir::new().expect("a folder for temporary files");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let write = |name, text: String| fs::write(folder.path().join(name), text);
    write("cert.pem", made.cert.pem()).expect("the folder takes files");
    write("key.pem", made.signing_key.serialize_pem()).expect("the folder takes files");
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let at = folder.path().display();
    let server = format!(
        r#"
log: {{ format: json, access: ACCESS }}
server:
  proxy: {{ listen: "127.0.0.1:0", workers: 1, tls: {{ cert: {at}/cert.pem, key: {at}/key.pem }}, limits: {{ head_timeout: 1h }} }}
  admin: {{ listen: "127.0.0.1:0", token: {ADMIN_TOKEN} }}
  public: {{ listen: "127.0.0.1:0" }}
  shutdown: {{ ready_delay: 0s, drain: 0s }}
"#
    );
    let gateway = Gateway::try_start(&Gateway::usual(&upstream.url()), &server).expect("it starts");

    let mut stalled = Vec::new();
    for _ in 0..32 {
        let mut link = RawClient::connect(gateway.proxy).await;
        // The beginning of a handshake record of 512 bytes (RFC 8446 §5.1), and of a ClientHello in it.
        link.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await;
        stalled.push(link);
    }
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a sound certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    for _ in 0..8 {
        let stream = TcpStream::connect(gateway.proxy).await.expect("it listens");
        let name = ServerName::try_from("localhost").expect("a name");
        let shaken = soon("a handshake beside stalled ones", connector.connect(name, stream)).await;
        let mut link = shaken.expect("a handshake");
        let request = head("GET", "Connection: close\r\n");
        link.write_all(request.as_bytes()).await.expect("it is taken");
        let mut answer = String::new();
        soon("an answer", link.read_to_string(&mut answer)).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    drop(stalled);
}

#[tokio::test]
async fn upstreams_that_stop_in_their_handshake_hold_up_nobody() {
    const STUCK: usize = 32;
    // It accepts, reads the ClientHello, and that is all.
    let mute = RawUpstream::start([Script::new().read_rest(1).read_to_end()]).await;
    let fine = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::start(&format!(
        "egress: {{ allow: [127.0.0.0/8] }}\n\
         upstream: {{ timeouts: {{ tls: 60s }} }}\nconnectors:\n\
         \x20 mute: {{ base_url: \"{}\", auth: {{ m: {{ none: {{}} }} }}, upstream: {{ http: 1 }} }}\n\
         \x20 fine: {{ base_url: \"{}\", auth: {{ m: {{ none: {{}} }} }} }}\nconnections:\n\
         \x20 mute: {{ connector: mute, auth: m }}\n\x20 header: {{ connector: fine, auth: m }}\n",
        mute.url().replace("http:", "https:"),
        fine.url()
    ));
    let mut stuck = Vec::new();
    for _ in 0..STUCK {
        let mut link = RawClient::connect(gateway.proxy).await;
        link.send(head("GET", "").replace("header", "mute")).await;
        stuck.push(link);
    }
    mute.rest_read(STUCK).await;

    others_are_served(&gateway).await;

    let in_flight = gateway.metric("attache_requests_in_flight", &[]).await;
    assert_eq!(in_flight, STUCK as f64, "they are in their handshakes still");
    drop(stuck);
    mute.ended(STUCK).await;
}

#[tokio::test]
async fn a_large_body_that_is_stuck_on_its_way_up_holds_up_nobody() {
    let go_on = Arc::new(Notify::new());
    let stuck = Script::new()
        .read_head()
        .wait(&go_on)
        .read_rest(LARGE)
        .write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ndone");
    let upstream = RawUpstream::start([stuck, Script::ok("ok")]).await;
    let gateway = patient(&upstream);
    let mut large = RawClient::connect(gateway.proxy).await;
    large.send(head("POST", &format!("Content-Length: {LARGE}\r\n"))).await;
    let sending = tokio::spawn(async move {
        large.send(vec![b'x'; LARGE]).await;
        large.response().await.expect("an answer in the end")
    });
    upstream.request().await;
    others_are_served(&gateway).await;
    assert!(!sending.is_finished(), "it is stuck until the upstream reads");
    go_on.notify_one();
    assert_eq!(soon("the body's end", sending).await.expect("no panic").text(), "done");
}

#[tokio::test]
async fn a_large_body_that_its_caller_does_not_read_holds_up_nobody() {
    let piece = vec![b'x'; 1 << 20];
    let large = Script::new()
        .read_request()
        .write(format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n"))
        .flood(&piece, LARGE / piece.len());
    let upstream = RawUpstream::start([large, Script::ok("ok")]).await;
    let gateway = patient(&upstream);
    let mut slow = RawClient::connect(gateway.proxy).await;
    slow.send(head("GET", "")).await;
    upstream.request().await;
    others_are_served(&gateway).await;
    let answer = slow.response().await.expect("an answer");
    assert_eq!((answer.status, answer.body.len(), answer.complete), (200, LARGE, true));
}
