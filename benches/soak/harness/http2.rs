//! The upstream that speaks HTTP/2: the same answers, and a GOAWAY now and then.
use super::Shared;
use super::content;
use super::mode::Mode;
use super::upstream;
use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use tokio::net::TcpStream;

/// Requests on one link before it says GOAWAY; what it has taken is answered still (RFC 9113 §6.8).
const REQUESTS: usize = 200;

pub async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    let service = service_fn(move |request: Request<Incoming>| {
        count.fetch_add(1, Ordering::Relaxed);
        answer(request, Arc::clone(&shared))
    });
    let _ = stream.set_nodelay(true);
    let mut link = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service);
    let mut told = false;
    // How a link ends is for its requests to say.
    drop(
        poll_fn(|cx| {
            if !told && served.load(Ordering::Relaxed) >= REQUESTS {
                told = true;
                Pin::new(&mut link).graceful_shutdown();
            }
            Pin::new(&mut link).poll(cx)
        })
        .await,
    );
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> hyper::Result<Response<Full<Bytes>>> {
    let mode = Mode::Http2;
    let (head, body) = request.into_parts();
    let field = |name: &str| head.headers.get(name).and_then(|it| it.to_str().ok());
    let id = upstream::arrived(&shared, mode, field).unwrap_or_default();
    match body.collect().await {
        Ok(body) => {
            let is_post = head.method == http::Method::POST;
            let expected = if is_post { content::request(id, false) } else { &[] };
            if body.to_bytes() != expected {
                shared
                    .ledger
                    .fault(format!("{}: the body of request {id} was changed", mode.name()));
            }
        }
        Err(error) => {
            if !shared.ledger.is_rude(id) {
                shared.ledger.fault(format!("{}: the body of request {id} broke off", mode.name()));
            }
            return Err(error);
        }
    }
    let mut response = Response::new(Full::from(content::answer(id, false)));
    response.headers_mut().insert("soak-id", id.into());
    Ok(response)
}
