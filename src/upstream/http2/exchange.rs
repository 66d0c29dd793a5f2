//! One exchange on an HTTP/2 link: the head, the body on its way up, and the response's head.
use super::super::error::SendError;
use super::super::link::Fields;
use super::super::link::LinkFailed;
use super::super::link::RequestBody;
use super::super::link::RequestHead;
use super::super::tls;
use super::body::Incoming;
use super::framing;
use super::peer::Peer;
use super::place::Place;
use super::upload::Upload;
use h2::Reason;
use h2::RecvStream;
use h2::client::ResponseFuture;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::Uri;
use http::Version;
use http::header;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

/// Interim responses (1xx) before the final one; an upstream with more of them is not answering.
const INTERIM_MAX: usize = 100;

/// Fields of an HTTP/1.1 link, which no HTTP/2 message has (RFC 9113 §8.2.2). The target and the host
/// are `:scheme`, `:authority` and `:path` (§8.3.1).
const OF_HTTP1: [&str; 6] =
    ["host", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

/// Sends the request whose body is in `slot` and waits for the response's head. Where nothing was sent
/// the body stays in its slot.
pub(in super::super) async fn exchange<B: RequestBody>(
    place: Place,
    head: &RequestHead<'_, impl Fields>,
    slot: &mut Option<B>,
) -> Result<Response<Incoming>, LinkFailed> {
    if !place.link().is_open() {
        return Err(LinkFailed { error: SendError::Closed, refused: true });
    }
    let Some(body) = slot.take() else { return Err(LinkFailed::without_request()) };
    let is_end = body.is_end_stream();
    let request = request(head, place.peer(), body.size_hint().exact())?;
    let said = place.link().said();
    let failed = |it: &h2::Error| failed(&place, said, it);
    let (response, stream) = place.link().send(request, is_end).map_err(|it| failed(&it))?;
    let mut waiting = Answer { response, interim: 0, waits_for_body: false };
    let mut upload = (!is_end).then(|| Upload::new(body, stream));
    let received = poll_fn(|cx| {
        // The response first: it may be there although the upstream wants no more of the body.
        if let Poll::Ready(answer) = waiting.poll(cx) {
            return Poll::Ready(answer.map_err(|it| match it {
                NoAnswer::Error(error) => failed(&error),
                NoAnswer::InterimOnly => not_http(),
            }));
        }
        if std::mem::take(&mut waiting.waits_for_body)
            && let Some(upload) = &mut upload
        {
            upload.may_go_on();
        }
        if let Some(Poll::Ready(sent)) = upload.as_mut().map(|it| Pin::new(it).poll(cx)) {
            upload = None;
            if sent.is_err() {
                let error = SendError::RequestBody;
                return Poll::Ready(Err(LinkFailed { error, refused: false }));
            }
        }
        Poll::Pending
    });
    let (head, stream) = received.await?.into_parts();
    if !framing::is_plain(&head.headers) {
        return Err(not_http());
    }
    // The body goes on by itself: an upstream may read on while its response is read slowly.
    let upload = upload.map(|it| tokio::task::spawn_local(it).abort_handle());
    let incoming = Incoming::new(stream, &head.headers, upload, place);
    Ok(Response::from_parts(head, incoming))
}

/// The request's head as HTTP/2 has it. `length` is its body's, where that is known.
fn request(
    head: &RequestHead<'_, impl Fields>,
    peer: &Peer,
    length: Option<u64>,
) -> Result<Request<()>, LinkFailed> {
    let mut target = http::uri::Parts::default();
    target.scheme = Some(peer.scheme.clone());
    target.authority = Some(peer.authority.clone());
    target.path_and_query = head.target.path_and_query().cloned();
    let outside = |_| LinkFailed { error: SendError::OutsideOrigin, refused: false };
    let mut request = Request::new(());
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = Uri::from_parts(target).map_err(outside)?;
    *request.version_mut() = Version::HTTP_2;
    let fields = request.headers_mut();
    head.fields.each(|name, value| {
        if !OF_HTTP1.contains(&name.as_str()) {
            fields.append(name.clone(), value.clone());
        }
    });
    // As in HTTP/1.1, methods whose request has a body say so even where it is empty (RFC 9110 §8.6).
    let is_said = matches!(*head.method, Method::POST | Method::PUT | Method::PATCH);
    if let Some(length) = length.filter(|it| *it > 0 || is_said) {
        fields.entry(header::CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
    Ok(request)
}

/// A response that is waited for.
struct Answer {
    response: ResponseFuture,
    interim: usize,
    /// The upstream has said `100 Continue`.
    waits_for_body: bool,
}

enum NoAnswer {
    Error(h2::Error),
    /// Interim responses without end.
    InterimOnly,
}

impl Answer {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<RecvStream>, NoAnswer>> {
        while let Poll::Ready(Some(interim)) = self.response.poll_informational(cx) {
            self.interim += 1;
            let status = interim.map_err(NoAnswer::Error)?.status();
            self.waits_for_body |= status == StatusCode::CONTINUE;
            // HTTP/2 knows no 101 (RFC 9113 §8.6).
            let is_tunnel = status == StatusCode::SWITCHING_PROTOCOLS;
            if is_tunnel || self.interim > INTERIM_MAX {
                return Poll::Ready(Err(NoAnswer::InterimOnly));
            }
        }
        Pin::new(&mut self.response).poll(cx).map_err(NoAnswer::Error)
    }
}

fn not_http() -> LinkFailed {
    LinkFailed { error: SendError::NotHttp, refused: false }
}

/// What became of a stream, and what the link and its peer are to learn of it. `said` is what had been
/// written to the link before the stream began.
fn failed(place: &Place, said: u64, error: &h2::Error) -> LinkFailed {
    let is_refused = error.is_remote() && error.is_reset();
    let ended = || error.get_io().map_or(SendError::Closed, tls::ended);
    match error.reason() {
        Some(Reason::HTTP_1_1_REQUIRED) if error.is_remote() => {
            place.peer().wants_http1();
            LinkFailed { error: SendError::Closed, refused: true }
        }
        Some(Reason::REFUSED_STREAM) if is_refused => {
            place.link().refused_one_more();
            LinkFailed { error: SendError::Closed, refused: true }
        }
        // Only streams beyond the last one that it looked at get this error: the others go on, and
        // fail with the link (RFC 9113 §6.8).
        _ if error.is_go_away() && error.is_remote() => {
            LinkFailed { error: SendError::Closed, refused: true }
        }
        _ if error.is_library() && ended() == SendError::Closed => not_http(),
        // The link ended before a byte of the head was written.
        _ if place.link().said() == said => LinkFailed { error: ended(), refused: true },
        _ => LinkFailed { error: ended(), refused: false },
    }
}
