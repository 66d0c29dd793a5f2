//! A response's head: parsed, and what it says of the body and of the link.
use super::Malformed;
use crate::upstream::link::HEAD_MAX;
use crate::wire::decimal;
use bytes::BytesMut;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::Version;
use http::header;
use hyper::ext::ReasonPhrase;
use std::mem::MaybeUninit;

/// Most fields of a response's head.
const FIELDS_MAX: usize = 128;

/// Room for what is put on a response on its way to the caller.
const SPARE_FIELDS: usize = 1;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// Where a field's name and value begin and end in the head, whose final empty line keeps all of it
/// below [`HEAD_MAX`]: 16 bits hold it.
#[derive(Clone, Copy, Default)]
struct Place {
    name: (u16, u16),
    value: (u16, u16),
}

/// A head, and what follows it.
#[derive(Debug)]
pub(super) struct Head {
    /// Bytes of the head itself.
    pub size: usize,
    pub response: Response<()>,
    pub length: Length,
    /// The upstream keeps the link open after the body.
    pub keeps: bool,
    /// `Keep-Alive: timeout=`: for so many seconds.
    pub keep_alive_s: Option<u64>,
}

/// How long the body is (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Exactly(u64),
    Chunked,
    UntilClose,
}

/// Takes a head out of `inbox`; `None` where it is not all there yet.
pub(super) fn parse(inbox: &mut BytesMut, answers_head: bool) -> Result<Option<Head>, Malformed> {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut parsed = httparse::Response::new(&mut []);
    let status = httparse::ParserConfig::default()
        .parse_response_with_uninit_headers(&mut parsed, inbox, &mut fields)
        .map_err(|_| Malformed)?;
    let httparse::Status::Complete(length) = status else {
        return if inbox.len() > HEAD_MAX { Err(Malformed) } else { Ok(None) };
    };
    if length > HEAD_MAX {
        return Err(Malformed);
    }
    let mut response = Response::new(());
    let status = parsed.code.and_then(|it| StatusCode::from_u16(it).ok()).ok_or(Malformed)?;
    *response.status_mut() = status;
    let is_old = parsed.version == Some(0);
    *response.version_mut() = if is_old { Version::HTTP_10 } else { Version::HTTP_11 };

    if let Some(reason) = parsed.reason
        && !reason.is_empty()
        && status.canonical_reason() != Some(reason)
    {
        let reason = ReasonPhrase::try_from(reason.as_bytes()).map_err(|_| Malformed)?;
        response.extensions_mut().insert(reason);
    }

    // Where each field lies: the values share the buffer that they were read into.
    let base = inbox.as_ptr() as usize;
    let count = parsed.headers.len();
    let mut places = [Place::default(); FIELDS_MAX];
    for (field, place) in parsed.headers.iter().zip(&mut places) {
        let (name, value) =
            (field.name.as_ptr() as usize - base, field.value.as_ptr() as usize - base);
        *place = Place {
            name: (name as u16, (name + field.name.len()) as u16),
            value: (value as u16, (value + field.value.len()) as u16),
        };
    }
    let bytes = inbox.split_to(length).freeze();
    let mut headers = HeaderMap::with_capacity(count + SPARE_FIELDS);
    let mut about = About::default();
    for Place { name, value } in &places[..count] {
        let name = name_of(&bytes[name.0 as usize..name.1 as usize])?;
        let value = bytes.slice(value.0 as usize..value.1 as usize);
        if about.tells_all(&name, &value)? {
            continue;
        }
        headers.append(name, HeaderValue::from_maybe_shared(value).map_err(|_| Malformed)?);
    }
    let length = about.body_length(status, is_old, answers_head)?;
    // What has no body but announces one may send it all the same, later.
    let is_odd = match status {
        StatusCode::NO_CONTENT => about.is_chunked || about.length.is_some_and(|it| it > 0),
        StatusCode::NOT_MODIFIED => about.is_chunked,
        _ => false,
    };
    let stays = !about.closes && (!is_old || about.stays);
    let keeps = length != Length::UntilClose && stays && !is_odd;
    *response.headers_mut() = headers;
    Ok(Some(Head { size: bytes.len(), response, length, keeps, keep_alive_s: about.keep_alive_s }))
}

/// A field's name. The usual ones as they are usually written are known at a glance: any other spelling
/// says the same, and is looked at byte by byte.
fn name_of(text: &[u8]) -> Result<HeaderName, Malformed> {
    Ok(match text {
        b"Date" | b"date" => header::DATE,
        b"ETag" | b"etag" => header::ETAG,
        b"Vary" | b"vary" => header::VARY,
        b"Server" | b"server" => header::SERVER,
        b"Connection" | b"connection" => header::CONNECTION,
        b"Content-Type" | b"content-type" => header::CONTENT_TYPE,
        b"Cache-Control" | b"cache-control" => header::CACHE_CONTROL,
        b"Content-Length" | b"content-length" => header::CONTENT_LENGTH,
        b"Content-Encoding" | b"content-encoding" => header::CONTENT_ENCODING,
        b"Transfer-Encoding" | b"transfer-encoding" => header::TRANSFER_ENCODING,
        _ => HeaderName::from_bytes(text).map_err(|_| Malformed)?,
    })
}

/// What the fields say of the message itself, noted in the one pass over them.
#[derive(Default)]
struct About {
    length: Option<u64>,
    is_chunked: bool,
    closes: bool,
    stays: bool,
    keep_alive_s: Option<u64>,
}

impl About {
    /// Notes a field; true where it is for this hop alone and goes no further.
    ///
    /// Two lengths, even equal ones, two codings, or both kinds are malformed: whoever sits between
    /// us and the upstream may have read the other one.
    fn tells_all(&mut self, name: &HeaderName, value: &[u8]) -> Result<bool, Malformed> {
        match *name {
            header::CONTENT_LENGTH => {
                let length = decimal(value)?;
                if self.length.replace(length).is_some() || self.is_chunked {
                    return Err(Malformed);
                }
                Ok(false)
            }
            header::TRANSFER_ENCODING => {
                // No other coding was asked for with TE (RFC 9112 §7.4), and undone here it would
                // reach the caller unnamed.
                let is_chunked = value.eq_ignore_ascii_case(b"chunked");
                if std::mem::replace(&mut self.is_chunked, true)
                    || !is_chunked
                    || self.length.is_some()
                {
                    return Err(Malformed);
                }
                Ok(true)
            }
            header::CONNECTION => {
                let mut names_none = true;
                for option in value.split(|it| *it == b',').map(<[u8]>::trim_ascii) {
                    let closes = option.eq_ignore_ascii_case(b"close");
                    let stays = option.eq_ignore_ascii_case(b"keep-alive");
                    self.closes |= closes;
                    self.stays |= stays;
                    names_none &= closes || stays;
                }
                // Other options name fields that end here too: whoever filters the head needs them.
                Ok(names_none)
            }
            _ if *name == KEEP_ALIVE => {
                self.keep_alive_s = timeout_s(value);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// RFC 9112 §6.3.
    fn body_length(
        &self,
        status: StatusCode,
        is_old: bool,
        answers_head: bool,
    ) -> Result<Length, Malformed> {
        // A coding in an HTTP/1.0 message is a fault of framing (RFC 9112 §6.1).
        if self.is_chunked && is_old {
            return Err(Malformed);
        }
        let has_none = answers_head
            || status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        Ok(match self.length {
            _ if has_none => Length::Exactly(0),
            _ if self.is_chunked => Length::Chunked,
            Some(length) => Length::Exactly(length),
            None => Length::UntilClose,
        })
    }
}

/// `timeout=5` among the parameters: how long the upstream keeps an idle link, in seconds (RFC 2068
/// §19.7.1.1, still sent by most servers).
fn timeout_s(value: &[u8]) -> Option<u64> {
    let value = std::str::from_utf8(value).ok()?;
    let parameter = value.split(',').find_map(|it| it.trim().strip_prefix("timeout="))?;
    parameter.trim_matches('"').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(wire: &str) -> Result<Option<Head>, Malformed> {
        parse(&mut BytesMut::from(wire), false)
    }

    #[test]
    fn tells_the_bodys_length_and_whether_the_link_stays() {
        for (wire, length, keeps) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", Length::Exactly(5), true),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n", Length::Chunked, true),
            ("HTTP/1.1 200 OK\r\n\r\n", Length::UntilClose, false),
            ("HTTP/1.1 204 No\r\n\r\n", Length::Exactly(0), true),
            ("HTTP/1.1 204 No\r\ncontent-length: 0\r\n\r\n", Length::Exactly(0), true),
            ("HTTP/1.1 204 No\r\ncontent-length: 5\r\n\r\n", Length::Exactly(0), false),
            ("HTTP/1.1 204 No\r\ntransfer-encoding: chunked\r\n\r\n", Length::Exactly(0), false),
            ("HTTP/1.1 304 No\r\ncontent-length: 5\r\n\r\n", Length::Exactly(0), true),
            ("HTTP/1.1 304 No\r\ntransfer-encoding: chunked\r\n\r\n", Length::Exactly(0), false),
            ("HTTP/1.1 304 No\r\n\r\n", Length::Exactly(0), true),
            (
                "HTTP/1.1 200\r\ncontent-length: 0\r\nconnection: x, Close\r\n\r\n",
                Length::Exactly(0),
                false,
            ),
            ("HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\n", Length::Exactly(1), false),
            (
                "HTTP/1.0 200 OK\r\ncontent-length: 1\r\nconnection: keep-alive\r\n\r\n",
                Length::Exactly(1),
                true,
            ),
        ] {
            let head = head(wire).unwrap().unwrap();
            assert_eq!((head.length, head.keeps), (length, keeps), "{}", wire.escape_debug());
        }
        let answer =
            parse(&mut BytesMut::from("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"), true);
        assert_eq!(answer.unwrap().unwrap().length, Length::Exactly(0), "an answer to HEAD");
    }

    #[test]
    fn what_another_reader_could_take_otherwise_is_refused() {
        for fields in [
            "content-length: 5\r\ncontent-length: 5",
            "content-length: 5\r\ncontent-length: 6",
            "content-length: 5, 5",
            "content-length: +5",
            "content-length: -5",
            "content-length: 0x5",
            "content-length: 5_0",
            "content-length:",
            "content-length: 18446744073709551616",
            "content-length: 5;x",
            "content-length: 5\r\ntransfer-encoding: chunked",
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
            "transfer-encoding: gzip, chunked",
            "transfer-encoding: chunked, chunked",
            "transfer-encoding: xchunked",
            "transfer-encoding: identity",
            "transfer-encoding:",
            "content-length : 5",
            " folded: 5",
            "a: 1\r\n folded",
            "a: 1\rb: 2",
            "a: \0",
            "no colon",
            ": no name",
        ] {
            let wire = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n");
            assert!(head(&wire).is_err(), "{}", wire.escape_debug());
        }
        for line in [
            "HTTP/9.9 200 OK",
            "HTTP/1.1 20 OK",
            "HTTP/1.1 2000 OK",
            "HTTQ/1.1 200 OK",
            "ICY 200 OK",
            "HTTP/1.1200 OK",
        ] {
            let wire = format!("{line}\r\ncontent-length: 0\r\n\r\n");
            assert!(head(&wire).is_err(), "{line}");
        }
        assert!(head("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }

    #[test]
    fn same_named_fields_keep_their_order_and_the_rest_stays_in_the_buffer() {
        let mut inbox =
            BytesMut::from("HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nX: 1\r\nset-cookie: b\r\n\r\nrest");
        let head = parse(&mut inbox, false).unwrap().unwrap();
        let cookies: Vec<_> = head.response.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a", "b"]);
        assert_eq!(&inbox[..], b"rest");
    }

    #[test]
    fn a_name_is_the_same_however_it_is_written() {
        for name in [
            header::DATE,
            header::ETAG,
            header::VARY,
            header::SERVER,
            header::CONNECTION,
            header::CONTENT_TYPE,
            header::CACHE_CONTROL,
            header::CONTENT_LENGTH,
            header::CONTENT_ENCODING,
            header::TRANSFER_ENCODING,
            header::SET_COOKIE,
            KEEP_ALIVE,
        ] {
            let mut titled = name.as_str().to_owned();
            let starts =
                std::iter::once(0).chain(name.as_str().match_indices('-').map(|it| it.0 + 1));
            starts.for_each(|at| titled[at..=at].make_ascii_uppercase());
            for spelling in [name.as_str(), &titled, &name.as_str().to_uppercase()] {
                assert_eq!(name_of(spelling.as_bytes()), Ok(name.clone()), "{spelling}");
            }
        }
        assert_eq!(name_of(b"ETag"), Ok(header::ETAG));
        assert_eq!(name_of(b"Date "), Err(Malformed));
    }

    #[test]
    fn what_is_for_this_hop_alone_ends_here() {
        let wire = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: max=9, timeout=\"15\"\r\nTransfer-Encoding: chunked\r\nX: 1\r\n\r\n";
        let got = head(wire).unwrap().unwrap();
        assert_eq!(got.keep_alive_s, Some(15));
        assert_eq!(got.response.headers().keys().collect::<Vec<_>>(), ["x"]);
        let listed =
            head("HTTP/1.1 200 OK\r\nConnection: close, X\r\nX: 1\r\n\r\n").unwrap().unwrap();
        assert_eq!(
            listed.response.headers()["connection"],
            "close, X",
            "X is still to be stripped"
        );
    }

    #[test]
    fn reads_how_long_the_upstream_waits() {
        for (value, seconds) in [
            ("timeout=5", Some(5)),
            ("max=100, timeout=15", Some(15)),
            ("timeout=\"7\"", Some(7)),
            ("max=5", None),
            ("timeout=soon", None),
        ] {
            assert_eq!(timeout_s(value.as_bytes()), seconds, "{value}");
        }
    }

    #[test]
    fn a_reason_of_the_upstreams_own_is_kept() {
        let reason = |wire: &str| {
            let head = head(wire).unwrap().unwrap();
            head.response.extensions().get::<ReasonPhrase>().map(|it| it.as_bytes().to_vec())
        };
        assert_eq!(reason("HTTP/1.1 200 Fine\r\n\r\n"), Some(b"Fine".to_vec()));
        assert_eq!(reason("HTTP/1.1 200 OK\r\n\r\n"), None, "the usual one needs no telling");
        assert_eq!(reason("HTTP/1.1 200\r\n\r\n"), None);
    }

    #[test]
    fn a_head_has_bounds() {
        assert_eq!(head("HTTP/1.1 200 OK\r\na: 1\r\n").map(|it| it.is_none()), Ok(true));
        let long = format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(HEAD_MAX));
        assert!(head(&long).is_err());
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: 1\r\n".repeat(FIELDS_MAX + 1));
        assert!(head(&many).is_err());
    }
}
