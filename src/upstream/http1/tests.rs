//! A link over TLS, whose socket takes less than TLS does.
use super::Http1;
use crate::model::Origin;
use crate::upstream::error::SendError;
use crate::upstream::link::RequestHead;
use crate::upstream::links::Links;
use crate::upstream::pool::PeerKey;
use crate::upstream::pool::PeerRef;
use crate::upstream::socket::Socket;
use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::Uri;
use http_body_util::Full;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::ServerName;
use socket2::SockRef;
use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::coop::consume_budget;
use tokio::task::coop::has_budget_remaining;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::TlsConnector;
use tokio_rustls::server::TlsStream;

/// Longest that anything may take: only a hang meets it.
const PATIENCE: Duration = Duration::from_secs(20);

/// More than the sockets below take, less than what TLS holds for them (64 KiB).
const BODY_LEN: usize = 56 * 1024;

fn tls() -> (TlsConnector, TlsAcceptor) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(client).into(), Arc::new(server).into())
}

/// A link, and the upstream's side of it.
#[expect(clippy::disallowed_methods, reason = "the test is its own upstream")]
async fn linked() -> (Box<Http1<Full<Bytes>>>, TlsStream<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    SockRef::from(&listener).set_recv_buffer_size(1).unwrap();
    let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
    let (ours, theirs) = (ours.unwrap(), theirs.unwrap().0);
    theirs.set_nodelay(true).unwrap();
    SockRef::from(&ours).set_send_buffer_size(1).unwrap();
    let (connector, acceptor) = tls();
    let name = ServerName::try_from("localhost").unwrap();
    let shaken = tokio::join!(connector.connect(name, ours), acceptor.accept(theirs));
    let (ours, upstream) = (shaken.0.unwrap(), shaken.1.unwrap());

    let origin = Arc::new(Origin::parse(&format!("https://localhost:{}", address.port())).unwrap());
    let by = PeerRef { identity: 0, origin: &origin };
    let key = || PeerKey { identity: 0, origin: Arc::clone(&origin) };
    let place = Links::new(NonZeroUsize::MIN).peer(&by, key).place(1).unwrap();
    (Http1::new(Socket::Tls(Box::new(ours), place)), upstream)
}

#[tokio::test]
async fn what_came_before_the_request_is_never_its_answer_however_busy_the_task() {
    let (mut link, mut upstream) = linked().await;
    // Behind it nothing of the handshake is left to be read.
    upstream.write_all(b"x").await.unwrap();
    assert!(poll_fn(|cx| link.poll_fill(1, cx)).await.is_ok());
    link.inbox.clear();
    upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    upstream.flush().await.unwrap();
    let Socket::Tls(ours, _) = &link.socket else { unreachable!("it is TLS") };
    ours.get_ref().0.readable().await.unwrap();
    let (target, fields) = (Uri::from_static("/"), HeaderMap::new());
    let head = RequestHead { method: &Method::GET, target: &target, fields: &fields };
    let mut slot = Some(Full::new(Bytes::new()));
    let mut exchange = pin!(link.exchange(&head, &mut slot, false));
    let polled = poll_fn(|cx| {
        // All that a task may do in one turn has been done.
        while has_budget_remaining() {
            let _ = pin!(consume_budget()).poll(cx);
        }
        Poll::Ready(exchange.as_mut().poll(cx))
    });
    assert!(polled.await.is_pending());
    tokio::task::yield_now().await;
    let failed = exchange.await.expect_err("there was something to read");
    assert_eq!(failed.error, SendError::Closed);
}

#[tokio::test]
async fn what_tls_holds_back_is_sent_without_anybody_asking() {
    let (mut link, mut upstream) = linked().await;
    let body = Full::new(Bytes::from(vec![b'x'; BODY_LEN]));
    let (target, fields) = (Uri::from_static("/"), HeaderMap::new());
    let head = RequestHead { method: &Method::POST, target: &target, fields: &fields };
    let mut slot = Some(body);

    let serving = async {
        let mut received = Vec::new();
        while !received.windows(4).any(|it| it == b"\r\n\r\n")
            || received.iter().filter(|it| **it == b'x').count() < BODY_LEN
        {
            let mut piece = [0; 1024];
            let count = upstream.read(&mut piece).await.unwrap();
            received.extend_from_slice(&piece[..count]);
        }
        upstream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        upstream.flush().await.unwrap();
    };
    let both = async { tokio::join!(link.exchange(&head, &mut slot, false), serving).0 };
    let answer = tokio::time::timeout(PATIENCE, both).await.expect("the whole body arrives");
    assert!(answer.is_ok_and(|it| it.status() == 204));
    assert!(link.rest(), "and the link can be used again");
}
