//! Handlers that do what ours do not, or not yet: the link has to hold all the same.
use crate::server;
use crate::server::Cut;
use crate::server::Handler;
use crate::server::Link;
use crate::server::LinkLimits;
use crate::server::RequestBody;
use crate::telemetry::metrics::LinkRefusal;
use bytes::Bytes;
use http::Request;
use http::Response;
use http_body::Body;
use http_body::Frame;
use http_body_util::BodyExt;
use http_body_util::Empty;
use http_body_util::combinators::BoxBody;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::net::Shutdown;
use std::net::TcpStream;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

/// Longest that anything may take: only a hang meets it.
const PATIENCE: Duration = Duration::from_secs(20);

/// More than the sockets on the way hold.
const LONG: usize = 64 * 1024 * 1024;

const LIMITS: LinkLimits = LinkLimits {
    head_timeout: PATIENCE,
    idle_timeout: PATIENCE,
    max_head: 8192,
    max_links: 8,
    http2_streams: 8,
};

/// Serves one caller, who does `ask` with its link.
#[expect(clippy::disallowed_methods, reason = "the test is the caller")]
fn served<H: Handler + Sync + Send>(handler: fn() -> H, ask: impl FnOnce(TcpStream)) {
    let bound = server::bind(([127, 0, 0, 1], 0).into(), 1).unwrap();
    let (stop, stops) = tokio::sync::watch::channel(false);
    let share = bound.shares.into_iter().next().unwrap();
    let worker = server::spawn("odd", 0, stops, move |worker| async move {
        server::serve(worker, share, None, LIMITS, Rc::new(handler())).await;
    });
    let caller = TcpStream::connect(bound.address).unwrap();
    caller.set_read_timeout(Some(PATIENCE)).unwrap();
    ask(caller);
    stop.send(true).unwrap();
    worker.unwrap().join().unwrap();
}

/// One long piece, of which nobody knows before that it is all.
struct Long(Option<Bytes>);

impl Body for Long {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|it| Ok(Frame::data(it))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

struct AnswersAtLength;

impl Handler for AnswersAtLength {
    type Body = Long;

    async fn handle(
        self: Rc<Self>,
        _: Request<RequestBody>,
        _: Link,
    ) -> Result<Response<Long>, Cut> {
        Ok(Response::new(Long(Some(Bytes::from(vec![b'x'; LONG])))))
    }

    fn links(&self, _: i64) {}

    fn link_refused(&self, _: LinkRefusal) {}
}

#[test]
fn what_only_its_links_end_would_end_is_reset_until_all_of_it_is_sent() {
    served(
        || AnswersAtLength,
        |mut caller| {
            caller.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
            caller.read_exact(&mut [0; 100]).unwrap();
            caller.shutdown(Shutdown::Write).unwrap();
            let mut rest = Vec::new();
            let ended = caller.read_to_end(&mut rest).map_err(|it| it.kind());
            assert_eq!(ended, Err(ErrorKind::ConnectionReset), "{} bytes", rest.len());
        },
    );
    served(
        || AnswersAtLength,
        |mut caller| {
            caller.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
            let mut whole = Vec::new();
            caller.read_to_end(&mut whole).unwrap();
            assert_eq!(whole.iter().filter(|it| **it == b'x').count(), LONG);
        },
    );
}

/// The request's body as the answer's: what is known of it stands on the link.
struct Echoes;

impl Handler for Echoes {
    type Body = RequestBody;

    async fn handle(
        self: Rc<Self>,
        request: Request<RequestBody>,
        _: Link,
    ) -> Result<Response<RequestBody>, Cut> {
        Ok(Response::new(request.into_body()))
    }

    fn links(&self, _: i64) {}

    fn link_refused(&self, _: LinkRefusal) {}
}

#[test]
fn a_request_body_may_be_the_answers() {
    served(
        || Echoes,
        |mut caller| {
            let request =
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
            caller.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            caller.read_to_string(&mut answer).unwrap();
            assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
        },
    );
}

static OPEN: AtomicI64 = AtomicI64::new(0);

struct Panics;

impl Handler for Panics {
    type Body = Empty<Bytes>;

    async fn handle(
        self: Rc<Self>,
        request: Request<RequestBody>,
        _: Link,
    ) -> Result<Response<Empty<Bytes>>, Cut> {
        assert_eq!(request.uri().path(), "/calm", "as it must");
        Ok(Response::new(Empty::new()))
    }

    fn links(&self, delta: i64) {
        OPEN.fetch_add(delta, Ordering::SeqCst);
    }

    fn link_refused(&self, _: LinkRefusal) {}
}

#[test]
fn a_link_that_ends_in_a_panic_is_counted_as_ended() {
    served(
        || Panics,
        |mut caller| {
            caller.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            assert_eq!(caller.read(&mut [0; 1]).unwrap(), 0);
        },
    );
    assert_eq!(OPEN.load(Ordering::SeqCst), 0);
}

static CANCELLED: std::sync::Mutex<Option<mpsc::Sender<()>>> = std::sync::Mutex::new(None);

/// Tells when it is dropped.
struct Tells;

impl Drop for Tells {
    fn drop(&mut self) {
        if let Some(told) = CANCELLED.lock().unwrap().take() {
            let _ = told.send(());
        }
    }
}

/// Leaves the body to a task that drops it, and never answers.
struct GivesUp;

impl Handler for GivesUp {
    type Body = BoxBody<Bytes, Infallible>;

    async fn handle(
        self: Rc<Self>,
        request: Request<RequestBody>,
        _: Link,
    ) -> Result<Response<Self::Body>, Cut> {
        let _tells = Tells;
        let mut body = request.into_body();
        tokio::task::spawn_local(async move {
            let _ = body.frame().await;
            tokio::task::yield_now().await;
        });
        std::future::pending::<()>().await;
        Err(Cut)
    }

    fn links(&self, _: i64) {}

    fn link_refused(&self, _: LinkRefusal) {}
}

#[test]
fn a_caller_is_seen_to_hang_up_whose_body_was_given_up_elsewhere() {
    let (told, cancelled) = mpsc::channel();
    CANCELLED.lock().unwrap().replace(told);
    served(
        || GivesUp,
        |mut caller| {
            let request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhello";
            caller.write_all(request).unwrap();
            drop(caller);
            assert_eq!(cancelled.recv_timeout(PATIENCE), Ok(()));
        },
    );
}
