//! A delivery's form and its body: what is looked at before its signature is.
use super::error::InboundError;
use crate::limits::Budget;
use crate::limits::Held;
use crate::limits::Refused;
use crate::server::OnExpiry;
use crate::server::RequestBody;
use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;
use http::Method;
use http::Version;
use http::header;
use http::request::Parts;
use http_body::Body;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// Longest request target, in bytes.
const TARGET_LEN_MAX: usize = 16 * 1024;

/// How long a body may take to arrive, from the end of the head: senders themselves give up sooner.
pub(super) const BODY_TIME: Duration = Duration::from_secs(30);

/// A body read whole, with its share of the budget.
#[derive(Debug)]
pub(super) struct WholeBody {
    pub(super) bytes: Bytes,
    _held: Held,
}

/// Refuses what is not one plain POST.
pub(super) fn check(head: &Parts) -> Result<(), InboundError> {
    if head.method != Method::POST {
        return Err(InboundError::Method);
    }
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    if path.len() + query.len() > TARGET_LEN_MAX {
        return Err(InboundError::TargetTooLong);
    }
    let is_plain = |it: u8| !it.is_ascii_control() && it != b' ';
    if !path.bytes().chain(query.bytes()).all(is_plain) {
        return Err(InboundError::Target);
    }
    // RFC 9112 §6.3: a length that can be read in two ways.
    if head.headers.contains_key(header::TRANSFER_ENCODING)
        && (head.headers.contains_key(header::CONTENT_LENGTH) || head.version == Version::HTTP_10)
    {
        return Err(InboundError::Framing);
    }
    host(head).map(drop)
}

/// The one Host, or the authority of HTTP/2 (RFC 9112 §3.2, RFC 9113 §8.3.1).
pub(super) fn host(head: &Parts) -> Result<&str, InboundError> {
    let mut hosts = head.headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().map_err(|_| InboundError::Host)?,
        (None, _) => match head.uri.authority() {
            Some(authority) if head.version == Version::HTTP_2 => authority.as_str(),
            None if head.version == Version::HTTP_10 => "",
            _ => return Err(InboundError::Host),
        },
        (Some(_), Some(_)) => return Err(InboundError::Host),
    };
    let plain = |it: u8| it.is_ascii_alphanumeric() || b".-_:[]%~".contains(&it);
    let says_other = head.uri.authority().is_some_and(|it| !it.as_str().eq_ignore_ascii_case(host));
    if says_other {
        return Err(InboundError::Host);
    }
    if host.bytes().all(plain) { Ok(host) } else { Err(InboundError::Host) }
}

/// Reads the body once, as it is. The limit counts before a byte is read where the length is said,
/// and while reading where it is not.
pub(super) async fn whole(
    mut body: RequestBody,
    headers: &HeaderMap,
    max: usize,
    time: Duration,
    budget: &Arc<Budget>,
) -> Result<WholeBody, InboundError> {
    let too_large = InboundError::TooLarge { max };
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
                return Poll::Ready(Err(InboundError::Stalled));
            }
            Pin::new(&mut body).poll_frame(cx).map(Ok)
        });
        let Some(frame) = frame.await? else { break };
        // Trailers end here: nothing signs them.
        let Ok(data) = frame.map_err(|_| InboundError::BrokeOff)?.into_data() else { continue };
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
            if rest.is_empty() {
                rest.reserve(len);
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

    fn head(change: impl FnOnce(&mut Parts)) -> Parts {
        let request = Request::post("/hooks/github?a=b").header("host", "hooks.example.com");
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        change(&mut head);
        head
    }

    #[test]
    fn one_plain_post_is_wanted() {
        assert_eq!(check(&head(|_| {})), Ok(()));
        for method in ["GET", "HEAD", "PUT", "OPTIONS", "TRACE", "CONNECT", "post", "DELETE"] {
            let method = method.parse().unwrap();
            assert_eq!(check(&head(|it| it.method = method)), Err(InboundError::Method));
        }
        let long = format!("/hooks/{}", "a".repeat(TARGET_LEN_MAX));
        assert_eq!(
            check(&head(|it| it.uri = long.parse().unwrap())),
            Err(InboundError::TargetTooLong)
        );
        let both = head(|it| {
            it.headers.insert("transfer-encoding", "chunked".parse().unwrap());
            it.headers.insert("content-length", "1".parse().unwrap());
        });
        assert_eq!(check(&both), Err(InboundError::Framing));
    }

    #[test]
    fn there_is_one_host() {
        assert_eq!(host(&head(|_| {})), Ok("hooks.example.com"));
        let twice = head(|it| {
            it.headers.append("host", "hooks.example.com".parse().unwrap());
        });
        assert_eq!(host(&twice), Err(InboundError::Host));
        let none = head(|it| {
            it.headers.remove("host");
        });
        assert_eq!(host(&none), Err(InboundError::Host));
        for bad in ["a/b", "a b", "a@b", "a,b", "a?b", "a#b", "a\\b"] {
            let odd = head(|it| {
                it.headers.insert("host", bad.parse().unwrap());
            });
            assert_eq!(host(&odd), Err(InboundError::Host), "{bad}");
        }
    }

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
