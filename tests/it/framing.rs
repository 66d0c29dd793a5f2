//! Where one request ends and the next begins (RFC 9112 §2 to §9): what is ambiguous is refused, or goes
//! on as exactly one request. What stands behind has a good key: it would arrive if it were read.
use crate::support::Gateway;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Received;
use crate::support::Script;
use crate::support::each;
use crate::support::tagged;

/// What each odd request is followed by, and never becomes a request of its own.
fn smuggled() -> String {
    tagged("GET", "/smuggled", "", "")
}

async fn scene() -> (RawUpstream, Gateway, RawClient) {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::plain(&upstream.url(), "enabled: true");
    let client = gateway.client().await;
    (upstream, gateway, client)
}

/// Statuses of all answers up to the link's end.
async fn answers(client: &mut RawClient) -> Vec<u16> {
    let mut statuses = Vec::new();
    while let Some(answer) = client.response().await {
        statuses.push(answer.status);
    }
    statuses
}

/// These fields make no request: one refusal, nobody contacted, the link closed with all behind it.
async fn refused(fields: impl AsRef<str>) {
    let fields = fields.as_ref();
    let (upstream, gateway, mut client) = scene().await;
    // Five bytes, whether they are read as chunks or not.
    let head = tagged("POST", "/first", fields, "");
    client.try_send(format!("{head}0\r\n\r\n{}", smuggled())).await;
    let statuses = answers(&mut client).await;
    assert!(matches!(statuses[..], [400..=499 | 501]), "{fields:?}: {statuses:?}");
    assert_eq!(upstream.links(), 0, "{fields:?}");
    assert_eq!(gateway.ask("/").await.status, 200, "others are served");
}

/// The body turns out to be none: no whole request arrives, and nothing behind it is read.
async fn broken(body: impl AsRef<[u8]>) {
    let (upstream, gateway, mut client) = scene().await;
    client.try_send(tagged("POST", "/first", "Transfer-Encoding: chunked\r\n", "")).await;
    client.try_send(&body).await;
    client.try_send(smuggled()).await;
    let statuses = answers(&mut client).await;
    assert!(matches!(statuses[..], [] | [400..=499]), "{statuses:?}");
    upstream.ended(upstream.links()).await;
    while let Some(request) = upstream.request_so_far().await {
        assert!(!request.complete && request.line().contains("/first"), "{request:?}");
    }
    assert_eq!(gateway.ask("/").await.status, 200, "others are served");
}

/// Both requests arrive, each whole and with one framing.
async fn two_in_step((fields, body, expected): (&str, &str, &str)) {
    let (upstream, _gateway, mut client) = scene().await;
    let head = tagged("POST", "/first", fields, "");
    client.send(format!("{head}{body}{}", tagged("GET", "/second", "", ""))).await;
    for line in ["POST /first HTTP/1.1", "GET /second HTTP/1.1"] {
        assert_eq!(client.response().await.map(|it| it.status), Some(200), "{line}");
        let request = upstream.request().await;
        assert!(request.complete && has_one_framing_at_most(&request), "{request:?}");
        let expected = if line.starts_with("POST") { expected } else { "" };
        assert_eq!((request.line(), request.body.clone()), (line, expected.as_bytes().to_vec()));
    }
}

fn has_one_framing_at_most(request: &Received) -> bool {
    request.head.all("content-length").len() + request.head.all("transfer-encoding").len() <= 1
}

each! { refused:
    two_different_lengths_are_refused = "Content-Length: 5\r\nContent-Length: 6\r\n";
    a_list_of_equal_lengths_is_refused = "Content-Length: 5, 5\r\n";
    a_list_of_different_lengths_is_refused = "Content-Length: 0, 5\r\n";
    a_length_with_a_plus_is_refused = "Content-Length: +5\r\n";
    a_length_with_a_minus_is_refused = "Content-Length: -5\r\n";
    a_length_in_hexadecimal_is_refused = "Content-Length: 0x5\r\n";
    a_length_with_an_underscore_is_refused = "Content-Length: 5_0\r\n";
    a_length_of_words_is_refused = "Content-Length: five\r\n";
    an_empty_length_is_refused = "Content-Length: \r\n";
    a_length_that_overflows_is_refused = "Content-Length: 18446744073709551621\r\n";
    a_length_with_a_parameter_is_refused = "Content-Length: 5;x\r\n";
    a_length_with_a_vertical_tab_behind_is_refused = "Content-Length: 5\u{b}\r\n";
    a_length_with_a_vertical_tab_before_is_refused = "Content-Length: \u{b}5\r\n";
    a_space_before_the_colon_of_a_length_is_refused = "Content-Length : 5\r\n";
    a_tab_before_the_colon_of_a_length_is_refused = "Content-Length\t: 5\r\n";
    a_length_behind_a_space_is_refused = " Content-Length: 5\r\n";
    a_length_folded_to_another_field_is_refused = "X: y\r\n Content-Length: 5\r\n";
    a_folded_length_is_refused = "Content-Length:\r\n 5\r\n";
    a_length_behind_a_bare_cr_is_refused = "X: y\rContent-Length: 5\r\n";
    a_nul_in_a_name_is_refused = "Content-Length: 5\r\nX\0: y\r\n";
    a_nul_in_a_value_is_refused = "Content-Length: 5\r\nX: y\0z\r\n";
    a_bare_cr_in_a_value_is_refused = "Content-Length: 5\r\nX: y\rz\r\n";
    xchunked_is_refused = "Transfer-Encoding: xchunked\r\n";
    identity_is_refused = "Transfer-Encoding: identity\r\n";
    an_empty_coding_before_chunked_is_refused = "Transfer-Encoding: ,chunked\r\n";
    an_empty_coding_behind_chunked_is_refused = "Transfer-Encoding: chunked,\r\n";
    an_empty_encoding_is_refused = "Transfer-Encoding: \r\n";
    chunked_twice_in_a_list_is_refused = "Transfer-Encoding: chunked, chunked\r\n";
    chunked_twice_in_two_fields_is_refused =
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n";
    chunked_and_identity_in_two_fields_is_refused =
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n";
    identity_and_chunked_in_two_fields_is_refused =
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n";
    chunked_with_a_parameter_is_refused = "Transfer-Encoding: chunked;x=y\r\n";
    chunked_with_a_vertical_tab_behind_is_refused = "Transfer-Encoding: chunked\u{b}\r\n";
    chunked_with_a_vertical_tab_before_is_refused = "Transfer-Encoding: \u{b}chunked\r\n";
    chunked_with_a_nul_is_refused = "Transfer-Encoding: chunked\0\r\n";
    chunked_with_a_no_break_space_is_refused = "Transfer-Encoding: \u{a0}chunked\r\n";
    chunked_in_quotes_is_refused = "Transfer-Encoding: \"chunked\"\r\n";
    gzip_before_chunked_is_refused = "Transfer-Encoding: gzip, chunked\r\n";
    chunked_before_gzip_is_refused = "Transfer-Encoding: chunked, gzip\r\n";
    a_folded_encoding_is_refused = "Transfer-Encoding:\r\n chunked\r\n";
    an_encoding_behind_a_bare_cr_is_refused = "X: y\rTransfer-Encoding: chunked\r\n";
    an_encoding_behind_a_space_is_refused = " Transfer-Encoding: chunked\r\n";
    a_space_before_the_colon_of_an_encoding_is_refused = "Transfer-Encoding : chunked\r\n";
    a_length_and_an_unknown_encoding_are_refused = "Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n";
}

each! { broken:
    a_chunk_size_with_a_plus_ends_the_request = "+3\r\nabc\r\n0\r\n\r\n";
    a_chunk_size_with_a_minus_ends_the_request = "-3\r\nabc\r\n0\r\n\r\n";
    a_chunk_size_with_a_prefix_ends_the_request = "0x3\r\nabc\r\n0\r\n\r\n";
    a_chunk_size_with_an_underscore_ends_the_request = "0_3\r\nabc\r\n0\r\n\r\n";
    a_chunk_size_behind_a_space_ends_the_request = " 3\r\nabc\r\n0\r\n\r\n";
    a_chunk_size_of_two_numbers_ends_the_request = "3 0\r\nabc\r\n0\r\n\r\n";
    an_empty_chunk_size_ends_the_request = "\r\nabc\r\n0\r\n\r\n";
    a_chunk_size_of_an_extension_alone_ends_the_request = ";x\r\nabc\r\n0\r\n\r\n";
    a_chunk_size_that_overflows_ends_the_request = "10000000000000003\r\nabc\r\n0\r\n\r\n";
    a_chunk_size_of_letters_ends_the_request = "xyz\r\nabc\r\n0\r\n\r\n";
    a_bare_lf_behind_a_chunk_size_ends_the_request = "3\nabc\r\n0\r\n\r\n";
    a_bare_cr_behind_a_chunk_size_ends_the_request = "3\rabc\r\n0\r\n\r\n";
    a_bare_lf_in_a_chunk_extension_ends_the_request = "3;a\nabc\r\n0\r\n\r\n";
    a_bare_cr_in_a_chunk_extension_ends_the_request = "3;a\rb\r\nabc\r\n0\r\n\r\n";
    a_bare_lf_behind_the_last_chunks_size_ends_the_request = "3\r\nabc\r\n0\n\r\n";
    data_not_followed_by_crlf_ends_the_request = "3\r\nabcxx0\r\n\r\n";
    data_followed_by_a_bare_lf_ends_the_request = "3\r\nabc\n0\r\n\r\n";
    data_followed_by_a_bare_cr_ends_the_request = "3\r\nabc\r0\r\n\r\n";
    more_data_than_the_chunk_says_ends_the_request = "3\r\nabcdef\r\n0\r\n\r\n";
    a_mebibyte_of_chunk_extension_ends_the_request = format!("3;{}\r\nabc\r\n0\r\n\r\n", "x".repeat(1 << 20));
    a_bomb_of_chunk_extensions_ends_the_request =
        format!("{}0\r\n\r\n", format!("1;{}\r\nx\r\n", "y".repeat(1024)).repeat(1024));
    a_mebibyte_of_trailers_ends_the_request = format!("3\r\nabc\r\n0\r\n{}\r\n", "X: 1\r\n".repeat(1 << 18));
    a_trailer_that_is_no_field_ends_the_request = "3\r\nabc\r\n0\r\nno field\r\n\r\n";
    a_bare_lf_in_the_place_of_trailers_ends_the_request = "3\r\nabc\r\n0\r\n\n";
    a_bare_lf_behind_a_trailer_ends_the_request = "3\r\nabc\r\n0\r\nX: 1\n\r\n";
    a_bare_lf_behind_the_trailers_ends_the_request = "3\r\nabc\r\n0\r\nX: 1\r\n\n";
}

each! { two_in_step:
    two_equal_lengths_go_on_as_one = ("Content-Length: 5\r\nContent-Length: 5\r\n", "hello", "hello");
    a_body_that_looks_like_a_request_is_a_body = ("Content-Length: 35\r\n", "GET /smuggled HTTP/1.1\r\nHost: g\r\n\r\n", "GET /smuggled HTTP/1.1\r\nHost: g\r\n\r\n");
    chunks_go_on_as_chunks = ("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde");
    chunked_in_capitals_is_chunked = ("Transfer-Encoding: CHUNKED\r\n", "3\r\nabc\r\n0\r\n\r\n", "abc");
    chunk_extensions_are_dropped = ("Transfer-Encoding: chunked\r\n", "3;a=b\r\nabc\r\n0;c\r\n\r\n", "abc");
    leading_zeros_of_a_chunk_size_are_dropped = ("Transfer-Encoding: chunked\r\n", "0003\r\nabc\r\n00\r\n\r\n", "abc");
    empty_lines_behind_a_request_are_no_request = ("Content-Length: 3\r\n", "abc\r\n\r\n", "abc");
}

#[tokio::test]
async fn framing_fields_in_trailers_frame_nothing() {
    let (upstream, _gateway, mut client) = scene().await;
    let fields = "TE: trailers\r\nTrailer: Content-Length, Transfer-Encoding, Host, X-Sum\r\nTransfer-Encoding: chunked\r\n";
    let body = "3\r\nabc\r\n0\r\nContent-Length: 100\r\nTransfer-Encoding: chunked\r\nHost: evil.test\r\nX-Sum: 7\r\n\r\n";
    let head = tagged("POST", "/first", fields, "");
    client.send(format!("{head}{body}{}", tagged("GET", "/second", "", ""))).await;
    assert_eq!(client.response().await.map(|it| it.status), Some(200));
    let first = upstream.request().await;
    assert_eq!((first.body.as_slice(), first.complete), (&b"abc"[..], true));
    assert_eq!(first.trailers.join("|").to_lowercase(), "x-sum: 7");
    assert_eq!(client.response().await.map(|it| it.status), Some(200));
    assert_eq!(upstream.request().await.line(), "GET /second HTTP/1.1");
}

/// Length and chunks at once (RFC 9112 §6.3): the chunks count, the length does not go on, and the link is
/// closed behind it.
async fn goes_on_as_one_and_is_the_last(fields: &str) {
    let (upstream, _gateway, mut client) = scene().await;
    let head = tagged("POST", "/first", fields, "");
    client.try_send(format!("{head}0\r\n\r\n{}", smuggled())).await;
    assert_eq!(answers(&mut client).await, [200]);
    let request = upstream.request().await;
    assert_eq!((request.line(), request.body.len()), ("POST /first HTTP/1.1", 0));
    assert_eq!(request.field("content-length"), None);
    assert!(upstream.request_so_far().await.is_none());
}

each! { goes_on_as_one_and_is_the_last:
    a_length_before_chunked_goes_on_as_chunks_and_is_the_last = "Content-Length: 100\r\nTransfer-Encoding: chunked\r\n";
    a_length_behind_chunked_goes_on_as_chunks_and_is_the_last = "Transfer-Encoding: chunked\r\nContent-Length: 100\r\n";
    two_lengths_and_chunked_go_on_as_chunks_and_are_the_last =
        "Content-Length: 100\r\nContent-Length: 100\r\nTransfer-Encoding: chunked\r\n";
}

#[tokio::test]
async fn a_bare_lf_ends_a_line_and_what_it_frames_is_framed_once() {
    // RFC 9112 §2.2 allows to take a bare LF for a line's end; what goes on has none.
    let (upstream, _gateway, mut client) = scene().await;
    let head = tagged("POST", "/first", "X: y\nTransfer-Encoding: chunked\r\n", "");
    client.try_send(format!("{head}0\r\n\r\n{}", tagged("GET", "/second", "", ""))).await;
    for _ in 0..2 {
        assert_eq!(client.response().await.map(|it| it.status), Some(200));
    }
    let first = upstream.request().await;
    assert_eq!((first.field("x"), first.field("transfer-encoding")), (Some("y"), Some("chunked")));
    assert!(!first.head.lines.iter().any(|it| it.contains('\n')), "{first:?}");
    assert_eq!(upstream.request().await.line(), "GET /second HTTP/1.1");
}

#[tokio::test]
async fn framing_fields_with_an_underscore_frame_nothing_and_do_not_go_on() {
    // A server behind CGI reads `_` as `-` (RFC 3875 §4.1.18).
    let (upstream, _gateway, mut client) = scene().await;
    let fields = "Content_Length: 100\r\ntransfer_encoding: chunked\r\nTRANSFER_ENCODING: x\r\n";
    client.send(tagged("POST", "/first", fields, "hello")).await;
    assert_eq!(client.response().await.map(|it| it.status), Some(200));
    let request = upstream.request().await;
    assert_eq!(
        (request.body.as_slice(), request.field("content-length")),
        (&b"hello"[..], Some("5"))
    );
    assert!(!request.head.names().iter().any(|it| it.contains('_')), "{request:?}");
}

#[tokio::test]
async fn an_encoding_in_http_1_0_is_refused() {
    let (upstream, _gateway, mut client) = scene().await;
    let head = tagged("POST", "/first", "Transfer-Encoding: chunked\r\n", "");
    let head = head.replace("HTTP/1.1", "HTTP/1.0");
    client.try_send(format!("{head}0\r\n\r\n{}", smuggled())).await;
    assert_eq!(answers(&mut client).await, [400]);
    assert_eq!(upstream.links(), 0);
}

#[tokio::test]
async fn a_get_with_a_body_goes_on_with_it() {
    let (upstream, _gateway, mut client) = scene().await;
    let body = "GET /smuggled HTTP/1.1\r\nHost: g\r\n\r\n";
    client.send(format!("{}{}", tagged("GET", "/first", "", body), smuggled())).await;
    for (line, body) in [("GET /first HTTP/1.1", body), ("GET /smuggled HTTP/1.1", "")] {
        assert_eq!(client.response().await.map(|it| it.status), Some(200));
        let request = upstream.request().await;
        assert_eq!((request.line(), request.body.clone()), (line, body.as_bytes().to_vec()));
    }
}

#[tokio::test]
async fn chunks_behind_a_get_or_head_go_on_with_it() {
    for method in ["GET", "HEAD", "OPTIONS", "DELETE", "PURGE"] {
        let (upstream, _gateway, mut client) = scene().await;
        let head = tagged(method, "/first", "Transfer-Encoding: chunked\r\n", "");
        client.send(format!("{head}3\r\nabc\r\n0\r\n\r\n")).await;
        let request = upstream.request().await;
        assert_eq!((request.body.as_slice(), request.complete), (&b"abc"[..], true), "{method}");
        assert!(client.response_to(method).await.is_some_and(|it| it.status == 200), "{method}");
    }
}

#[tokio::test]
async fn a_method_that_usually_has_a_body_says_so_where_it_has_none() {
    for (method, fields, expected) in [
        ("POST", "Content-Length: 0\r\n", Some("0")),
        ("POST", "", Some("0")),
        ("PUT", "Content-Length: 0\r\n", Some("0")),
        ("GET", "Content-Length: 0\r\n", None),
        ("GET", "", None),
    ] {
        let (upstream, _gateway, mut client) = scene().await;
        // Servers insist on the length of what usually has a body (RFC 9110 §8.6).
        client.send(tagged(method, "/first", fields, "")).await;
        assert_eq!(client.response().await.map(|it| it.status), Some(200));
        let request = upstream.request().await;
        assert_eq!(request.field("content-length"), expected, "{method} {fields:?}");
        assert_eq!(request.field("transfer-encoding"), None, "{method} {fields:?}");
    }
}

#[tokio::test]
async fn the_body_of_a_request_that_was_refused_is_never_read_as_the_next() {
    for (what, head) in [
        ("no key", "POST /x HTTP/1.1\r\nHost: g\r\nAttache-Connection: api\r\n".to_owned()),
        ("untagged", tagged("POST", "/x", "", "").replace("Attache-Connection: api\r\n\r\n", "")),
        ("no path", tagged("POST", "/../x", "", "").replace("\r\n\r\n", "\r\n")),
    ] {
        let body = smuggled();
        for (framing, sent) in [
            (format!("Content-Length: {}\r\n", body.len()), body.clone()),
            (format!("Content-Length: {}\r\n", body.len() + 1_000_000), body.clone()),
            ("Transfer-Encoding: chunked\r\n".to_owned(), body.clone()),
            (
                "Transfer-Encoding: chunked\r\n".to_owned(),
                format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()),
            ),
        ] {
            let (upstream, _gateway, mut client) = scene().await;
            client.send(format!("{head}{framing}\r\n")).await;
            client.try_send(&sent).await;
            assert!(
                client.response().await.is_some_and(|it| it.status >= 400),
                "{what}: {framing}"
            );
            client.try_send(&sent).await;
            client.hang_up();
            assert_eq!(upstream.links(), 0, "{what}: {framing}");
        }
    }
}

#[tokio::test]
async fn each_of_the_pipelined_requests_needs_its_own_key() {
    let (upstream, _gateway, mut client) = scene().await;
    let good = tagged("POST", "/good", "", "body");
    let bad = "GET /bad HTTP/1.1\r\nHost: g\r\nAttache-Connection: api\r\n\r\n";
    client.send(format!("{good}{bad}{good}")).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(client.response().await.expect("an answer to each").status);
    }
    assert_eq!(statuses, [200, 401, 200]);
    for _ in 0..2 {
        assert_eq!(upstream.request().await.line(), "POST /good HTTP/1.1");
    }
    assert!(upstream.request_so_far().await.is_none());
}

#[tokio::test]
async fn a_caller_that_aborts_never_makes_a_whole_request() {
    for (framing, part) in [
        ("Content-Length: 10\r\n", "half"),
        ("Transfer-Encoding: chunked\r\n", "4\r\nhalf\r\n"),
        ("Transfer-Encoding: chunked\r\n", "4\r\nha"),
        ("Transfer-Encoding: chunked\r\n", "4\r\nhalf\r\n0\r\n"),
    ] {
        for resets in [true, false] {
            let upstream = RawUpstream::start([Script::new().read_request()]).await;
            let gateway = Gateway::plain(&upstream.url(), "enabled: true");
            let mut client = gateway.client().await;
            client.send(tagged("POST", "/", framing, "")).await;
            client.send(part).await;
            if resets {
                client.hang_up();
            } else {
                client.finish().await;
                client.rest().await;
            }
            // It may have aborted before anything was sent on: then nobody was asked at all.
            upstream.ended(upstream.links()).await;
            let seen = upstream.request_so_far().await;
            assert!(seen.is_none_or(|it| !it.complete), "{framing:?} {part:?}");
        }
    }
}
