//! An answer's head on its way out, and how its body will be delimited (RFC 9112 §6 and §9).
use crate::server::date::Date;
use crate::wire::Asked;
use crate::wire::Framing;
use crate::wire::decimal;
use crate::wire::write_field;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use http::response::Parts;
use http_body::Body;
use hyper::ext::ReasonPhrase;

/// What follows an answer's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Following {
    /// `None` where there is no body, whatever the handler has.
    pub framing: Option<Framing>,
    /// The link ends with this answer.
    pub is_last: bool,
}

/// What is known of an answer's body before any of it is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    length: Option<u64>,
    pub is_over: bool,
}

impl Extent {
    /// Asked while nothing of the link is held: the body may have the request's in it, which stands there.
    pub(super) fn of<B: Body>(body: &B) -> Self {
        Self { length: body.size_hint().exact(), is_over: body.is_end_stream() }
    }
}

/// Writes the head of an answer with this body. It is the link's last where the caller does not
/// keep it, or the answer itself says so.
pub(super) fn write_head(
    out: &mut Vec<u8>,
    head: &Parts,
    body: Extent,
    asked: Asked,
    date: &Date,
) -> Following {
    write_status(out, head, asked.is_old);
    let (mut closes, mut has_date, mut length) = (false, false, None);
    for (name, value) in &head.headers {
        match *name {
            header::CONTENT_LENGTH => {
                length = Some(value);
                continue;
            }
            // The link's own business (RFC 9112 §6.1).
            header::TRANSFER_ENCODING => continue,
            header::CONNECTION => closes |= value.as_bytes().eq_ignore_ascii_case(b"close"),
            header::DATE => has_date = true,
            _ => {}
        }
        write_field(out, name.as_str().as_bytes(), value.as_bytes());
    }
    let framing = write_framing(out, head.status, body, length, asked);
    let is_upgrade = head.status == StatusCode::SWITCHING_PROTOCOLS;
    let is_last =
        closes || !asked.keeps || is_upgrade || matches!(framing, Some(Framing::UntilClose));
    if is_last && !closes && !is_upgrade && !asked.is_old {
        out.extend_from_slice(b"connection: close\r\n");
    } else if !is_last && asked.is_old {
        out.extend_from_slice(b"connection: keep-alive\r\n");
    }
    if !has_date {
        date.write_field(out);
    }
    out.extend_from_slice(b"\r\n");
    Following { framing, is_last }
}

/// An answer to what is no request: a status, and the link's end.
pub(super) fn write_refusal(out: &mut Vec<u8>, status: StatusCode, date: &Date) {
    write_line(out, status, status.canonical_reason().unwrap_or_default().as_bytes(), false);
    out.extend_from_slice(b"connection: close\r\ncontent-length: 0\r\n");
    date.write_field(out);
    out.extend_from_slice(b"\r\n");
}

fn write_status(out: &mut Vec<u8>, head: &Parts, is_old: bool) {
    let own = head.extensions.get::<ReasonPhrase>();
    if head.status == StatusCode::OK && own.is_none() && !is_old {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    let usual = || head.status.canonical_reason().unwrap_or_default().as_bytes();
    write_line(out, head.status, own.map_or_else(usual, ReasonPhrase::as_bytes), is_old);
}

fn write_line(out: &mut Vec<u8>, status: StatusCode, reason: &[u8], is_old: bool) {
    out.extend_from_slice(if is_old { b"HTTP/1.0 " } else { b"HTTP/1.1 " });
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(reason);
    out.extend_from_slice(b"\r\n");
}

/// How the body is delimited, said in the head.
fn write_framing(
    out: &mut Vec<u8>,
    status: StatusCode,
    body: Extent,
    length: Option<&HeaderValue>,
    asked: Asked,
) -> Option<Framing> {
    if status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    {
        return None;
    }
    if asked.is_head {
        // As a GET would be answered (RFC 9110 §9.3.2).
        match (length, body.length) {
            (Some(length), _) => write_field(out, b"content-length", length.as_bytes()),
            (None, Some(known @ 1..)) => Framing::Length(known).write_field(out),
            (None, None | Some(0)) => {}
        }
        return None;
    }
    let said = || length.and_then(|it| decimal(it.as_bytes()).ok());
    let framing = match body.length {
        _ if body.is_over => Framing::Length(0),
        Some(length) => Framing::Length(length),
        None => match said() {
            Some(length) => Framing::Length(length),
            None if asked.is_old => Framing::UntilClose,
            None => Framing::Chunked,
        },
    };
    framing.write_field(out);
    Some(framing).filter(|it| *it != Framing::Length(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::Response;
    use http_body::Frame;
    use http_body::SizeHint;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::Context;
    use std::task::Poll;

    const ASKED: Asked =
        Asked { is_head: false, is_old: false, keeps: true, takes_trailers: false };
    const OLD: Asked = Asked { is_old: true, ..ASKED };
    const HEAD: Asked = Asked { is_head: true, ..ASKED };

    /// A body of that many bytes, or of nobody knows how many.
    struct Sized(Option<u64>);

    impl Body for Sized {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }

        fn is_end_stream(&self) -> bool {
            self.0 == Some(0)
        }

        fn size_hint(&self) -> SizeHint {
            self.0.map_or_else(SizeHint::default, SizeHint::with_exact)
        }
    }

    /// The head's lines but for its date, and what follows.
    fn written(
        status: u16,
        fields: &[(&str, &str)],
        body: Option<u64>,
        asked: Asked,
    ) -> (String, Following) {
        let mut answer = Response::builder().status(status);
        for (name, value) in fields {
            answer = answer.header(*name, *value);
        }
        let (head, body) = answer.body(Sized(body)).unwrap().into_parts();
        let mut out = Vec::new();
        let following = write_head(&mut out, &head, Extent::of(&body), asked, &Date::new());
        let text = String::from_utf8(out).unwrap();
        let lines = text.strip_suffix("\r\n\r\n").expect("a head's end").split("\r\n");
        let lines: Vec<&str> = lines.filter(|it| !it.starts_with("date: ")).collect();
        (lines.join("|"), following)
    }

    #[test]
    fn a_body_is_framed_by_what_is_known_of_it() {
        let length = [("content-length", "5")];
        let five = Some(Framing::Length(5));
        for (status, fields, body, asked, expected, framing) in [
            (200, &[][..], Some(5), ASKED, "HTTP/1.1 200 OK|content-length: 5", five),
            (200, &length[..], Some(5), ASKED, "HTTP/1.1 200 OK|content-length: 5", five),
            (200, &length[..], None, ASKED, "HTTP/1.1 200 OK|content-length: 5", five),
            (
                200,
                &[][..],
                None,
                ASKED,
                "HTTP/1.1 200 OK|transfer-encoding: chunked",
                Some(Framing::Chunked),
            ),
            (200, &[][..], None, OLD, "HTTP/1.0 200 OK", Some(Framing::UntilClose)),
            (200, &[][..], Some(0), ASKED, "HTTP/1.1 200 OK|content-length: 0", None),
            (200, &length[..], Some(0), HEAD, "HTTP/1.1 200 OK|content-length: 5", None),
            (200, &[][..], Some(5), HEAD, "HTTP/1.1 200 OK|content-length: 5", None),
            (200, &[][..], Some(0), HEAD, "HTTP/1.1 200 OK", None),
            (204, &length[..], Some(0), ASKED, "HTTP/1.1 204 No Content", None),
            (304, &length[..], Some(5), ASKED, "HTTP/1.1 304 Not Modified", None),
            (799, &[][..], Some(0), ASKED, "HTTP/1.1 799 |content-length: 0", None),
        ] {
            let (lines, following) = written(status, fields, body, asked);
            let lines = lines.replace("|connection: keep-alive", "");
            assert_eq!((lines.as_str(), following.framing), (expected, framing));
            let is_last = framing == Some(Framing::UntilClose);
            assert_eq!(following.is_last, is_last, "{expected}");
        }
    }

    #[test]
    fn the_links_end_is_said_where_it_is_not_what_the_caller_expects() {
        let ends = Asked { keeps: false, ..ASKED };
        let old_ends = Asked { keeps: false, ..OLD };
        let close = [("connection", "close")];
        let upgrade = [("connection", "upgrade")];
        for (status, fields, asked, expected, is_last) in [
            (200, &[][..], ASKED, None, false),
            (200, &[][..], ends, Some("close"), true),
            (200, &close[..], ASKED, Some("close"), true),
            (200, &close[..], ends, Some("close"), true),
            (200, &[][..], OLD, Some("keep-alive"), false),
            (200, &[][..], old_ends, None, true),
            (101, &upgrade[..], ASKED, Some("upgrade"), true),
        ] {
            let (lines, following) = written(status, fields, Some(0), asked);
            let said: Vec<_> =
                lines.split('|').filter_map(|it| it.strip_prefix("connection: ")).collect();
            assert_eq!(said, expected.into_iter().collect::<Vec<_>>(), "{lines}");
            assert_eq!(following.is_last, is_last, "{lines}");
        }
    }
}
