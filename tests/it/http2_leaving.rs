//! An HTTP/2 upstream that leaves its links again and again, as a correct server does: with a word, after
//! which it answers what it has taken (RFC 9113 §6.8). No request may be lost by that, whatever its method.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::RawClient;
use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Requests on one link before its upstream leaves it.
const REQUESTS_PER_LINK: usize = 20;

const CALLERS: usize = 128;
const POSTS_EACH: usize = 20;

/// What has come to the upstream.
#[derive(Debug, Default)]
struct Arrived {
    links: AtomicUsize,
    requests: AtomicUsize,
}

async fn upstream() -> (SocketAddr, Arc<Arrived>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    let arrived = Arc::new(Arrived::default());
    let seen = Arc::clone(&arrived);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            seen.links.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(serve(stream, Arc::clone(&seen)));
        }
    });
    (address, arrived)
}

/// hyper's server: a GOAWAY that takes all, a ping, and once that is answered a GOAWAY with the last stream
/// that came. It closes as soon as these are answered, with whatever is still unread.
async fn serve(stream: TcpStream, arrived: Arc<Arrived>) {
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    let service = service_fn(move |request: Request<Incoming>| {
        let (count, arrived) = (Arc::clone(&count), Arc::clone(&arrived));
        async move {
            count.fetch_add(1, Ordering::Relaxed);
            arrived.requests.fetch_add(1, Ordering::Relaxed);
            let body = request.into_body().collect().await.map(|it| it.to_bytes());
            let body = body.unwrap_or_default();
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(body)))
        }
    });
    let mut link = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service);
    let mut told = false;
    let end = poll_fn(|cx| {
        if !told && served.load(Ordering::Relaxed) >= REQUESTS_PER_LINK {
            told = true;
            Pin::new(&mut link).graceful_shutdown();
        }
        Pin::new(&mut link).poll(cx)
    });
    // How a link ends is for its requests to say.
    drop(end.await);
}

/// Asks one by one; what was wrong.
async fn ask(proxy: SocketAddr, caller: usize) -> Vec<String> {
    let (mut client, mut wrong) = (RawClient::connect(proxy).await, Vec::new());
    for number in 0..POSTS_EACH {
        let body = format!("{caller}-{number}");
        let fields = format!("Attache-Key: {CALLER_KEY}\r\nAttache-Connection: api");
        let length = body.len();
        client
            .send(format!(
                "POST / HTTP/1.1\r\nHost: g\r\n{fields}\r\nContent-Length: {length}\r\n\r\n{body}"
            ))
            .await;
        let answer = client.response().await.expect("an answer");
        if (answer.status, answer.text()) != (200, body.clone()) {
            wrong.push(format!("{body}: {} {}", answer.status, answer.text()));
        }
    }
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_or_doubled_while_its_upstream_leaves_link_after_link() {
    let (address, arrived) = upstream().await;
    let gateway = Gateway::plain(&format!("http://{address}"), "upstream: { http: 2 }");

    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        callers.spawn(ask(gateway.proxy, caller));
    }
    let wrong: Vec<_> = callers.join_all().await.concat();

    assert!(wrong.is_empty(), "{} were lost, such as {:?}", wrong.len(), wrong.first());
    let requests = arrived.requests.load(Ordering::Relaxed);
    assert_eq!(requests, CALLERS * POSTS_EACH);
    assert!(arrived.links.load(Ordering::Relaxed) > 1, "it never left");
    let declined = gateway.metric("attache_pool_events_total", &["\"declined\""]).await;
    assert!(declined > 0.0, "it left, and nobody was on the way");
}
