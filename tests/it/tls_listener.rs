//! Callers over TLS: HTTP/2 or HTTP/1.1 by what is agreed on, and a certificate replaced while it serves.
use crate::support::ADMIN_TOKEN;
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::soon;
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A certificate of its own authority, for `localhost`, written to two files.
fn issue(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])
        .expect("a name is all it takes");
    fs::write(folder.join("cert.pem"), made.cert.pem()).expect("the folder takes files");
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem())
        .expect("the folder takes files");
    made.cert.der().clone()
}

async fn connect(
    to: SocketAddr,
    trusted: &CertificateDer<'static>,
    alpn: &str,
) -> Option<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a sound certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    let stream = TcpStream::connect(to).await.expect("it listens");
    let name = ServerName::try_from("localhost").expect("a name");
    soon("a handshake", TlsConnector::from(Arc::new(config)).connect(name, stream)).await.ok()
}

async fn ask_http2(stream: TlsStream<TcpStream>) -> (u16, String) {
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("HTTP/2");
    tokio::spawn(connection);
    let request = Request::post("https://localhost/x")
        .header("attache-key", CALLER_KEY)
        .header("attache-connection", "cookie")
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .body(Full::new(Bytes::from_static(b"body")))
        .expect("a request");
    let answer = soon("an answer", sender.send_request(request)).await.expect("an answer");
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.expect("a whole body").to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn a_listener_with_a_certificate_speaks_what_is_agreed_on_and_takes_a_new_certificate() {
    let folder = TempDir::new().expect("a folder for temporary files");
    let first = issue(folder.path());
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let at = folder.path().display();
    let server = format!(
        r#"
log: {{ format: json, access: ACCESS }}
server:
  proxy: {{ listen: "127.0.0.1:0", workers: 1, tls: {{ cert: {at}/cert.pem, key: {at}/key.pem }} }}
  admin: {{ listen: "127.0.0.1:0", token: {ADMIN_TOKEN} }}
  public: {{ listen: "127.0.0.1:0" }}
  shutdown: {{ ready_delay: 0s, drain: 5s }}
"#
    );
    let gateway = Gateway::try_start(&Gateway::usual(&upstream.url()), &server).expect("it starts");

    let stream = connect(gateway.proxy, &first, "h2").await.expect("trusted");
    assert_eq!(ask_http2(stream).await, (200, "ok".to_owned()));
    let received = upstream.request().await;
    assert_eq!(
        received.head.all("cookie"),
        ["session=s3cret-in-cookie; a=1; b=2"],
        "one line for HTTP/1.1"
    );
    assert_eq!((received.body, received.complete), (b"body".to_vec(), true));

    let stream = connect(gateway.proxy, &first, "http/1.1").await.expect("trusted");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));

    let second = issue(folder.path());
    gateway.app().reload();
    assert!(
        connect(gateway.proxy, &first, "h2").await.is_none(),
        "the old one is no longer served"
    );
    let stream = connect(gateway.proxy, &second, "h2").await.expect("the new one is");
    assert_eq!(ask_http2(stream).await.0, 200);

    fs::write(folder.path().join("cert.pem"), "garbage").expect("the folder takes files");
    gateway.app().reload();
    assert!(connect(gateway.proxy, &second, "h2").await.is_some(), "the last good one stays");
}
