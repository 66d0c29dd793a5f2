//! A body that is read whole: within its bound, within its time, and as a share of what all bodies may hold.
use super::budget::Budget;
use super::budget::Held;
use super::refused::Refused;
use crate::server::OnExpiry;
use crate::server::RequestBody;
use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;
use http::header;
use http_body::Body;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// A body read whole, with its share of the budget.
#[derive(Debug)]
pub struct WholeBody {
    pub bytes: Bytes,
    _held: Held,
}

impl WholeBody {
    /// A body that is at hand; none where there is no room for it.
    pub fn at_hand(bytes: Bytes, budget: &Arc<Budget>) -> Option<Self> {
        let held = budget.take(bytes.len())?;
        Some(Self { bytes, _held: held })
    }
}

/// How many times what has come a body may have room for.
const ROOM_TIMES: usize = 4;

/// Why a body was not read to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyRefused {
    #[error("the body is over the limit of {max} bytes")]
    TooLarge { max: usize },
    #[error("the body stopped arriving, or took too long")]
    Stalled,
    #[error("the body broke off")]
    BrokeOff,
    #[error(transparent)]
    Limited(#[from] Refused),
}

/// Reads the body once, as it is. The limit counts before a byte is read where the length is said,
/// and while reading where it is not.
pub async fn whole(
    mut body: RequestBody,
    headers: &HeaderMap,
    max: usize,
    time: Duration,
    budget: &Arc<Budget>,
) -> Result<WholeBody, BodyRefused> {
    let too_large = BodyRefused::TooLarge { max };
    let said = headers.get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse().ok());
    if said.is_some_and(|it: u64| usize::try_from(it).is_ok_and(|it| it > max)) {
        return Err(too_large);
    }
    let watch = Rc::clone(body.watch());
    watch.begin(Some(time));
    watch.arm(time, OnExpiry::Answer);
    // Claimed as bytes come: an announced length is nobody's word yet.
    let mut held = budget.take(0).ok_or(Refused::overloaded())?;
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let frame = poll_fn(|cx| {
            if watch.poll_expired(cx) {
                return Poll::Ready(Err(BodyRefused::Stalled));
            }
            Pin::new(&mut body).poll_frame(cx).map(Ok)
        });
        let Some(frame) = frame.await? else { break };
        // Trailers end here: nothing signs them.
        let Ok(data) = frame.map_err(|_| BodyRefused::BrokeOff)?.into_data() else { continue };
        let len = held.bytes() + data.len();
        if len > max {
            return Err(too_large);
        }
        if !held.grow(data.len()) {
            return Err(Refused::overloaded().into());
        }
        if first.is_empty() {
            first = data;
        } else {
            if rest.capacity() < len {
                // What is said saves copies and is believed no further: room for a few times what came.
                let room = said.and_then(|it| usize::try_from(it).ok()).unwrap_or(2 * len);
                rest.reserve(room.clamp(len, ROOM_TIMES * len) - rest.len());
            }
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    watch.disarm();
    let bytes = if rest.is_empty() { first } else { rest.freeze() };
    Ok(WholeBody { bytes, _held: held })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server;
    use crate::server::Cut;
    use crate::server::Handler;
    use crate::server::Link;
    use crate::server::LinkLimits;
    use crate::telemetry::metrics::LinkRefusal;
    use http::Request;
    use http::Response;
    use http_body_util::Full;
    use std::io::Read;
    use std::io::Write;
    use std::net::TcpStream;

    /// Answers with how reading the body went, which has 200 ms to arrive.
    struct Reader(Arc<Budget>);

    impl Handler for Reader {
        type Body = Full<Bytes>;

        async fn handle(
            self: Rc<Self>,
            request: Request<RequestBody>,
            _: Link,
        ) -> Result<Response<Full<Bytes>>, Cut> {
            let (head, body) = request.into_parts();
            let time = Duration::from_millis(200);
            let read = whole(body, &head.headers, 1024, time, &self.0).await;
            let told = read.map_or_else(|error| error.to_string(), |it| format!("{:?}", it.bytes));
            Ok(Response::new(Full::new(format!("{told}, held {}", self.0.held()).into())))
        }

        fn links(&self, _: i64) {}

        fn link_refused(&self, _: LinkRefusal) {}
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test is the sender")]
    fn a_body_that_takes_too_long_is_given_up() {
        let bound = server::bind(([127, 0, 0, 1], 0).into(), 1).unwrap();
        let (stop, stops) = tokio::sync::watch::channel(false);
        let limits = LinkLimits {
            head_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(5),
            max_head: 8192,
            max_links: 8,
            http2_streams: 8,
        };
        let worker = server::spawn("reader", 0, stops, move |worker| async move {
            for share in bound.shares {
                let reader = Rc::new(Reader(Budget::new(4096)));
                server::serve(Rc::clone(&worker), share, None, limits, reader).await;
            }
        });
        for (sent, told) in [
            ("hello, world", r#"b"hello, world", held 0"#),
            ("hello", "the body stopped arriving, or took too long, held 0"),
            ("", "the body stopped arriving, or took too long, held 0"),
        ] {
            let mut sender = TcpStream::connect(bound.address).unwrap();
            let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n";
            sender.write_all(format!("{head}{sent}").as_bytes()).unwrap();
            let mut answer = [0; 1024];
            let mut len = 0;
            while !String::from_utf8_lossy(&answer[..len]).ends_with("held 0") {
                let more = sender.read(&mut answer[len..]).unwrap();
                assert!(more > 0, "the link ended after {sent:?}");
                len += more;
            }
            assert!(String::from_utf8_lossy(&answer[..len]).ends_with(told), "{sent:?}");
        }
        stop.send(true).unwrap();
        worker.unwrap().join().unwrap();
    }
}
