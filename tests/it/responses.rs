//! What an upstream may answer, byte by byte (RFC 9112 §2 to §6): what can't be read in exactly one way
//! is a 502, a body that breaks off looks broken to the caller, and nothing of one exchange reaches the
//! next.
use crate::support::Authority;
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Script;
use crate::support::each;
use crate::support::tagged;
use std::sync::Arc;
use tokio::sync::Notify;

const OK: &str = "HTTP/1.1 200 OK\r\n";
const FORGED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged";

/// An upstream that answers like this on its first link, and well on the next.
async fn odd_then_well(first: Script) -> (RawUpstream, Gateway) {
    let upstream = RawUpstream::start([first, Script::ok("well")]).await;
    let gateway = Gateway::plain(&upstream.url(), "enabled: true");
    (upstream, gateway)
}

/// The exchange after an odd one is answered well, by a link of its own.
async fn the_next_is_answered_well(upstream: &RawUpstream, gateway: &Gateway) {
    upstream.ended(1).await;
    let next = gateway.through("POST", "/", "", "twice").await;
    assert_eq!((next.status, next.text().as_str(), next.complete), (200, "well", true));
    assert_eq!(upstream.links(), 2, "sent once each, and the odd link was left");
}

/// A 502 by the head alone: the upstream waits with its link open.
async fn refused(bytes: impl AsRef<[u8]>) {
    let script = Script::new().read_request().write(bytes).read_to_end();
    let (upstream, gateway) = odd_then_well(script).await;
    let answer = gateway.through("POST", "/", "", "once").await;
    assert_eq!(
        (answer.status, answer.code().as_deref()),
        (502, Some("upstream_protocol")),
        "{answer:?}"
    );
    the_next_is_answered_well(&upstream, &gateway).await;
}

/// The head passes, and the caller can tell that the body is not whole.
async fn cut_short(script: Script) -> Response {
    let (upstream, gateway) = odd_then_well(script).await;
    let answer = gateway.through("POST", "/", "", "once").await;
    assert_eq!((answer.status, answer.code()), (200, None), "{answer:?}");
    assert!(!answer.complete, "it looks whole: {answer:?}");
    the_next_is_answered_well(&upstream, &gateway).await;
    answer
}

/// The body is found to be none while it is read; the upstream waits with its link open.
async fn broken(body: impl AsRef<[u8]>) {
    let script = Script::new().read_request().write(OK).write("Transfer-Encoding: chunked\r\n\r\n");
    cut_short(script.write(body).read_to_end()).await;
}

/// The upstream closes after these bytes.
async fn ended_early(bytes: impl AsRef<[u8]>) {
    cut_short(Script::new().read_request().write(bytes)).await;
}

/// The upstream resets the link after these bytes.
async fn reset_early(bytes: impl AsRef<[u8]>) {
    let read = Arc::new(Notify::new());
    let script = Script::new().read_request().write(bytes).wait(&read).reset();
    let (upstream, gateway) = odd_then_well(script).await;
    let mut client = gateway.client().await;
    client.send(tagged("POST", "/", "", "once")).await;
    client.bytes_until("partial").await;
    read.notify_one();
    let rest = client.rest().await;
    assert!(!rest.ends_with(b"0\r\n\r\n"), "it looks whole: {rest:?}");
    the_next_is_answered_well(&upstream, &gateway).await;
}

/// An answer that is whole before these bytes end: what is left over reaches nobody.
async fn surplus_is_left(bytes: impl AsRef<[u8]>) {
    let (upstream, gateway) =
        odd_then_well(Script::new().read_request().write(bytes).read_to_end()).await;
    let mut client = gateway.client().await;
    client.send(tagged("POST", "/", "", "once")).await;
    let answer = client.response().await.expect("an answer");
    assert!(answer.status < 400 && answer.complete, "{answer:?}");
    assert!(!answer.text().contains("forged"), "{answer:?}");
    // The caller's own link is in step, too.
    client.send(tagged("POST", "/", "", "twice")).await;
    let next = client.response().await.expect("an answer");
    assert_eq!((next.status, next.text().as_str()), (200, "well"), "{next:?}");
    assert_eq!(upstream.links(), 2);
}

/// Passed on as this status and text, the link kept or not.
async fn passes((bytes, status, text): (impl AsRef<[u8]>, u16, &str)) {
    let (_upstream, gateway) = odd_then_well(Script::new().read_request().write(bytes)).await;
    let answer = gateway.ask("/").await;
    assert_eq!((answer.status, answer.text().as_str(), answer.complete), (status, text, true));
}

each! { refused:
    a_response_with_both_lengths_is_a_502 =
        format!("{OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    a_response_with_both_lengths_the_other_way_round_is_a_502 =
        format!("{OK}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n");
    a_response_with_two_different_lengths_is_a_502 =
        format!("{OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab");
    a_response_with_two_equal_lengths_is_a_502 =
        format!("{OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nab");
    a_response_with_a_list_of_lengths_is_a_502 = format!("{OK}Content-Length: 5, 5\r\n\r\nhello");
    a_response_with_a_list_of_different_lengths_is_a_502 =
        format!("{OK}Content-Length: 0, 5\r\n\r\nhello");
    a_response_with_a_length_of_words_is_a_502 = format!("{OK}Content-Length: two\r\n\r\nab");
    a_response_with_an_empty_length_is_a_502 = format!("{OK}Content-Length: \r\n\r\nab");
    a_response_with_a_positive_length_is_a_502 = format!("{OK}Content-Length: +5\r\n\r\nhello");
    a_response_with_a_negative_length_is_a_502 = format!("{OK}Content-Length: -5\r\n\r\nhello");
    a_response_with_a_length_in_hexadecimal_is_a_502 = format!("{OK}Content-Length: 0x5\r\n\r\nhello");
    a_response_with_an_underscore_in_its_length_is_a_502 = format!("{OK}Content-Length: 5_0\r\n\r\nhello");
    a_response_with_a_length_that_overflows_is_a_502 =
        format!("{OK}Content-Length: 18446744073709551617\r\n\r\nx");
    a_response_with_a_parameter_on_its_length_is_a_502 = format!("{OK}Content-Length: 5;x\r\n\r\nhello");
    a_response_with_two_numbers_as_length_is_a_502 = format!("{OK}Content-Length: 5 5\r\n\r\nhello");
    a_response_with_a_vertical_tab_in_its_length_is_a_502 =
        format!("{OK}Content-Length: \u{b}5\r\n\r\nhello");
    a_304_with_a_length_of_words_is_a_502 = "HTTP/1.1 304 Not Modified\r\nContent-Length: x\r\n\r\n";
    a_response_with_an_encoding_that_is_not_chunked_is_a_502 =
        format!("{OK}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n");
    a_response_with_the_encoding_identity_is_a_502 =
        format!("{OK}Transfer-Encoding: identity\r\n\r\nhello");
    a_response_with_gzip_before_chunked_is_a_502 =
        format!("{OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
    a_response_with_chunked_before_gzip_is_a_502 =
        format!("{OK}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n");
    a_response_that_is_chunked_twice_in_a_list_is_a_502 =
        format!("{OK}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n");
    a_response_that_is_chunked_twice_in_two_fields_is_a_502 =
        format!("{OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    a_response_with_a_parameter_on_chunked_is_a_502 =
        format!("{OK}Transfer-Encoding: chunked;x=y\r\n\r\n0\r\n\r\n");
    a_response_with_a_vertical_tab_behind_chunked_is_a_502 =
        format!("{OK}Transfer-Encoding: chunked\u{b}\r\n\r\n0\r\n\r\n");
    a_response_with_an_empty_encoding_is_a_502 = format!("{OK}Transfer-Encoding: \r\n\r\n0\r\n\r\n");
    a_chunked_response_of_http_1_0_is_a_502 =
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    a_response_of_http_9_9_is_a_502 = "HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n";
    a_response_of_http_2_0_is_a_502 = "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n";
    a_response_of_http_1_10_is_a_502 = "HTTP/1.10 200 OK\r\nContent-Length: 0\r\n\r\n";
    a_response_of_another_protocol_is_a_502 = "ICY 200 OK\r\nContent-Length: 0\r\n\r\n";
    a_response_in_lower_case_is_a_502 = "http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    a_status_of_letters_is_a_502 = "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n";
    a_status_with_a_letter_in_it_is_a_502 = "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n";
    a_status_of_two_digits_is_a_502 = "HTTP/1.1 99 OK\r\nContent-Length: 0\r\n\r\n";
    a_status_of_four_digits_is_a_502 = "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n";
    a_status_of_zeros_is_a_502 = "HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n";
    a_status_with_a_sign_is_a_502 = "HTTP/1.1 +20 OK\r\nContent-Length: 0\r\n\r\n";
    no_status_at_all_is_a_502 = "HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
    a_status_line_with_a_nul_is_a_502 = "HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n";
    a_status_line_with_a_bare_cr_is_a_502 = "HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n";
    a_space_before_the_status_line_is_a_502 = " HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    garbage_is_a_502 = "\x16\x03\x01\x02garbage\r\n\r\n";
    a_banner_of_ssh_is_a_502 = "SSH-2.0-OpenSSH_9.9\r\n\r\n";
    a_head_of_http_2_frames_is_a_502 = b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64\r\n\r\n";
    a_body_without_a_head_is_a_502 = "<html>hello</html>\r\n\r\n";
    a_bare_cr_in_a_response_field_is_a_502 = format!("{OK}X-A: a\rb\r\nContent-Length: 0\r\n\r\n");
    a_bare_cr_before_a_response_field_is_a_502 = format!("{OK}X-A: a\rContent-Length: 5\r\n\r\nhello");
    a_nul_in_a_response_field_is_a_502 = format!("{OK}X-A: a\0b\r\nContent-Length: 0\r\n\r\n");
    a_nul_in_a_response_name_is_a_502 = format!("{OK}X\0A: a\r\nContent-Length: 0\r\n\r\n");
    a_folded_response_field_is_a_502 = format!("{OK}X-A: a\r\n b\r\nContent-Length: 0\r\n\r\n");
    a_response_field_folded_with_a_tab_is_a_502 =
        format!("{OK}X-A: a\r\n\tContent-Length: 3\r\nContent-Length: 0\r\n\r\n");
    a_folded_encoding_in_a_response_is_a_502 =
        format!("{OK}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n");
    a_space_before_a_response_fields_colon_is_a_502 = format!("{OK}X-A : a\r\nContent-Length: 0\r\n\r\n");
    a_space_before_the_colon_of_a_length_is_a_502 = format!("{OK}Content-Length : 5\r\n\r\nhello");
    a_space_before_the_colon_of_an_encoding_is_a_502 =
        format!("{OK}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n");
    a_space_before_the_first_response_field_is_a_502 = format!("{OK} X-A: a\r\nContent-Length: 0\r\n\r\n");
    a_space_in_a_response_name_is_a_502 = format!("{OK}X A: a\r\nContent-Length: 0\r\n\r\n");
    a_response_field_without_a_colon_is_a_502 = format!("{OK}X-A\r\nContent-Length: 0\r\n\r\n");
    a_response_field_without_a_name_is_a_502 = format!("{OK}: a\r\nContent-Length: 0\r\n\r\n");
    a_mebibyte_of_response_head_is_a_502 = format!("{OK}X-Big: {}\r\n\r\n", "x".repeat(1 << 20));
    a_mebibyte_of_small_response_fields_is_a_502 = format!("{OK}{}\r\n", "X-A: 1\r\n".repeat(1 << 17));
    a_mebibyte_of_reason_is_a_502 = format!("HTTP/1.1 200 {}\r\n\r\n", "x".repeat(1 << 20));
    a_mebibyte_of_one_interim_answer_is_a_502 =
        format!("HTTP/1.1 103 Early Hints\r\nLink: {}\r\n\r\n{OK}\r\n", "x".repeat(1 << 20));
    an_interim_answer_that_is_malformed_is_a_502 = format!("HTTP/1.1 103 E\r\nX A\r\n\r\n{FORGED}");
    a_101_that_nobody_asked_for_opens_no_tunnel =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nhello";
}

each! { broken:
    a_chunk_size_with_a_sign_breaks_the_body_off = "+2\r\nhi\r\n0\r\n\r\n";
    a_negative_chunk_size_breaks_the_body_off = "-2\r\nhi\r\n0\r\n\r\n";
    a_chunk_size_with_a_prefix_breaks_the_body_off = "0x2\r\nhi\r\n0\r\n\r\n";
    a_chunk_size_with_an_underscore_breaks_the_body_off = "1_0\r\nhi\r\n0\r\n\r\n";
    a_chunk_size_with_a_space_before_breaks_the_body_off = " 2\r\nhi\r\n0\r\n\r\n";
    a_chunk_size_of_two_numbers_breaks_the_body_off = "2 2\r\nhi\r\n0\r\n\r\n";
    an_empty_chunk_size_breaks_the_body_off = "\r\nhi\r\n0\r\n\r\n";
    a_chunk_size_that_overflows_breaks_the_body_off = "10000000000000002\r\nhi\r\n0\r\n\r\n";
    a_chunk_size_of_letters_breaks_the_body_off = "xyz\r\nhi\r\n0\r\n\r\n";
    a_chunk_line_that_ends_in_a_bare_lf_breaks_the_body_off = "2\nhi\r\n0\r\n\r\n";
    a_chunk_line_with_a_bare_cr_breaks_the_body_off = "2\rX\nhi\r\n0\r\n\r\n";
    a_chunk_extension_with_a_bare_lf_breaks_the_body_off = "2;a\nhi\r\n0\r\n\r\n";
    a_chunk_extension_with_a_bare_cr_breaks_the_body_off = "2;a\rb\r\nhi\r\n0\r\n\r\n";
    data_of_a_response_not_followed_by_crlf_breaks_the_body_off = "2\r\nhixx0\r\n\r\n";
    data_of_a_response_followed_by_a_bare_lf_breaks_the_body_off = "2\r\nhi\n0\r\n\r\n";
    more_data_than_its_chunk_says_breaks_the_body_off = "2\r\nhigh\r\n0\r\n\r\n";
    a_mebibyte_of_chunk_extensions_breaks_the_body_off =
        format!("2;{}\r\nhi\r\n0\r\n\r\n", "x".repeat(1 << 20));
    a_bomb_of_small_chunk_extensions_breaks_the_body_off =
        format!("{}0\r\n\r\n", format!("1;{}\r\nx\r\n", "y".repeat(1024)).repeat(1024));
    a_mebibyte_of_trailers_breaks_the_body_off =
        format!("2\r\nhi\r\n0\r\n{}\r\n", "X-A: 1\r\n".repeat(1 << 17));
    a_trailer_that_is_no_field_breaks_the_body_off = "2\r\nhi\r\n0\r\nno field\r\n\r\n";
    a_bare_lf_in_the_place_of_trailers_breaks_the_body_off = "2\r\nhi\r\n0\r\n\n";
    a_bare_lf_behind_a_trailer_breaks_the_body_off = "2\r\nhi\r\n0\r\nX: 1\n\r\n";
    a_bare_lf_behind_the_trailers_breaks_the_body_off = "2\r\nhi\r\n0\r\nX: 1\r\n\n";
}

each! { ended_early:
    a_body_shorter_than_its_length_looks_cut = format!("{OK}Content-Length: 5\r\n\r\nhi");
    no_body_at_all_behind_a_length_looks_cut = format!("{OK}Content-Length: 5\r\n\r\n");
    a_chunk_that_is_cut_short_looks_cut = format!("{OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhi");
    chunks_without_a_last_one_look_cut = format!("{OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
    a_last_chunk_without_its_end_looks_cut =
        format!("{OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n");
    a_chunk_size_that_is_cut_short_looks_cut = format!("{OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n2");
    trailers_that_are_cut_short_look_cut =
        format!("{OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-A: 1\r\n");
}

each! { reset_early:
    a_reset_before_a_length_is_reached_looks_cut = format!("{OK}Content-Length: 50\r\n\r\npartial");
    a_reset_between_chunks_looks_cut =
        format!("{OK}Transfer-Encoding: chunked\r\n\r\n7\r\npartial\r\n");
    a_reset_of_a_body_that_ends_with_its_link_looks_cut = format!("{OK}\r\npartial");
}

each! { surplus_is_left:
    a_second_answer_behind_a_length_reaches_nobody = format!("{OK}Content-Length: 2\r\n\r\nok{FORGED}");
    a_second_answer_behind_chunks_reaches_nobody =
        format!("{OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n{FORGED}");
    a_second_answer_behind_an_empty_one_reaches_nobody = format!("{OK}Content-Length: 0\r\n\r\n{FORGED}");
    a_byte_behind_an_answer_reaches_nobody = format!("{OK}Content-Length: 2\r\n\r\nok\n");
    a_204_with_a_body_is_passed_on_without = format!("HTTP/1.1 204 No Content\r\n\r\n{FORGED}");
    a_204_with_a_length_and_a_body_is_passed_on_without =
        "HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\nforged";
    a_304_with_a_body_is_passed_on_without =
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\nforged";
    a_304_with_chunks_is_passed_on_without =
        "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nforged\r\n0\r\n\r\n";
}

each! { passes:
    five_hundred_interim_answers_are_absorbed =
        (format!("{}{OK}Content-Length: 2\r\n\r\nok", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(500)), 200, "ok");
    an_answer_of_http_1_0_ends_with_its_link = ("HTTP/1.0 200 OK\r\n\r\nok", 200, "ok");
    a_status_that_is_new_passes = ("HTTP/1.1 599 New\r\nContent-Length: 2\r\n\r\nok", 599, "ok");
    an_answer_without_a_reason_passes = ("HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", 200, "ok");
    chunk_extensions_of_a_response_are_dropped =
        (format!("{OK}Transfer-Encoding: chunked\r\n\r\n2;a=b;c=\"d\"\r\nok\r\n0;x\r\n\r\n"), 200, "ok");
}

#[tokio::test]
async fn a_head_answered_with_a_body_leaves_it_behind() {
    for framing in ["Content-Length: 41\r\n", "Transfer-Encoding: chunked\r\n", ""] {
        let bytes = format!("{OK}{framing}\r\n{FORGED}");
        let (upstream, gateway) =
            odd_then_well(Script::new().read_request().write(bytes).read_to_end()).await;
        let mut client = gateway.client().await;
        client.send(tagged("HEAD", "/", "", "")).await;
        let answer = client.response_to("HEAD").await.expect("an answer");
        assert_eq!(answer.status, 200, "{framing}");
        client.send(tagged("GET", "/", "", "")).await;
        let next = client.response().await.expect("an answer");
        assert_eq!((next.status, next.text().as_str()), (200, "well"), "{framing}: {next:?}");
        assert_eq!(upstream.links(), 2, "{framing}");
    }
}

#[tokio::test]
async fn an_answer_that_comes_before_its_request_is_not_its_answer() {
    let unasked = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    for late in [FORGED, unasked, "\r\n", "HTTP/1.1 100 Continue\r\n\r\n"] {
        for method in ["GET", "POST"] {
            let (idle, written) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let script = Script::new()
                .read_request()
                .write(format!("{OK}Content-Length: 2\r\n\r\nok"))
                .wait(&idle)
                .write(late)
                .tell(&written)
                .read_to_end();
            let (upstream, gateway) = odd_then_well(script).await;
            assert_eq!(gateway.through(method, "/", "", "").await.text(), "ok");
            idle.notify_one();
            written.notified().await;
            let next = gateway.through(method, "/", "", "").await;
            assert_eq!((next.status, next.text().as_str()), (200, "well"), "{method} {late:?}");
            assert_eq!(upstream.links(), 2, "{method} {late:?}");
        }
    }
}

#[tokio::test]
async fn an_upstream_that_answers_early_is_not_asked_on_that_link_again() {
    for framing in ["Content-Length: 1000\r\n", "Transfer-Encoding: chunked\r\n"] {
        let early = Script::new().read_head().write(format!("{OK}Content-Length: 2\r\n\r\nok"));
        let (upstream, gateway) = odd_then_well(early.read_to_end()).await;
        let mut client = gateway.client().await;
        client.send(tagged("POST", "/", framing, "")).await;
        let answer = client.response().await.expect("an answer");
        assert_eq!(answer.text(), "ok", "{framing}");
        // What the first caller still sends is no request of its own, neither here nor there.
        client.try_send(tagged("GET", "/smuggled", "", "")).await;
        assert_eq!(gateway.ask("/").await.text(), "well", "{framing}");
        upstream.ended(1).await;
        assert_eq!(upstream.links(), 2, "{framing}");
        assert_eq!(upstream.request().await.line(), "POST / HTTP/1.1");
        assert_eq!(upstream.request().await.line(), "GET / HTTP/1.1");
        assert!(upstream.request_so_far().await.is_none(), "{framing}");
    }
}

#[tokio::test]
async fn a_tls_link_that_ends_without_a_word_cuts_the_body_that_it_ends() {
    let authority = Authority::new();
    let pem = serde_json::to_string(authority.pem()).expect("a text is JSON, and JSON is YAML");
    let scripts = [Script::new().read_request().write(format!("{OK}\r\npartial"))];
    let upstream = RawUpstream::tls(scripts, authority.good(&["http/1.1"])).await;
    let gateway = Gateway::plain(&upstream.url(), &format!("upstream: {{ ca: {pem} }}"));
    let answer = gateway.ask("/").await;
    assert_eq!(answer.status, 200);
    assert!(!answer.complete, "no close_notify: anybody could have cut it: {answer:?}");
}

#[tokio::test]
async fn interim_answers_without_end_are_a_502_and_others_are_served() {
    let script = Script::new().read_request().flood("HTTP/1.1 103 E\r\n\r\n".repeat(64), 1 << 20);
    let (upstream, gateway) = odd_then_well(script).await;
    let mut flooded = gateway.client().await;
    flooded.send(tagged("GET", "/", "", "")).await;
    upstream.request().await;
    assert_eq!(gateway.ask("/").await.text(), "well", "one worker serves both");
    let answer = flooded.response().await.expect("an answer");
    assert_eq!(answer.code().as_deref(), Some("upstream_protocol"), "{answer:?}");
}

#[tokio::test]
async fn a_101_to_another_protocol_than_the_one_asked_for_opens_no_tunnel() {
    for field in ["Upgrade: h2c\r\n", "", "Upgrade: websocket, h2c\r\n"] {
        let switching =
            format!("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n{field}\r\nhello");
        let script = Script::new().read_request().write(switching).read_to_end();
        let (upstream, gateway) = odd_then_well(script).await;
        let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
        let answer = gateway.through("GET", "/", upgrade, "").await;
        assert_eq!(answer.code().as_deref(), Some("upstream_protocol"), "{field}: {answer:?}");
        the_next_is_answered_well(&upstream, &gateway).await;
    }
}

#[tokio::test]
async fn hop_by_hop_and_listed_fields_of_a_response_end_here_and_framing_can_not_be_listed_away() {
    let (_upstream, gateway) = odd_then_well(Script::answer(
        "HTTP/1.1 201 Created\r\nConnection: x-hop, Content-Length, set-cookie, Location\r\n\
         Connection: X-Hop-Two\r\nX-Hop: 1\r\nx-hop-two: 2\r\nKeep-Alive: timeout=5\r\n\
         Proxy-Connection: keep-alive\r\nProxy-Authenticate: Basic\r\nProxy-Authentication-Info: x\r\n\
         TE: trailers\r\nUpgrade: h2c\r\nSet-Cookie: a=1\r\nLocation: /there\r\nX-End: kept\r\n\
         Content-Length: 2\r\n\r\nok",
    ))
    .await;
    let answer = gateway.ask("/").await;
    assert_eq!((answer.status, answer.text().as_str()), (201, "ok"));
    let mut names = answer.head.names();
    names.retain(|it| !matches!(it.as_str(), "date" | "attache-request-id"));
    names.sort();
    assert_eq!(names, ["content-length", "location", "set-cookie", "x-end"]);
}

#[tokio::test]
async fn a_cookie_that_an_upstream_sets_is_kept_by_nobody_here() {
    let answer =
        format!("{OK}Set-Cookie: session=of-the-first; Path=/\r\nContent-Length: 2\r\n\r\nok");
    let upstream = RawUpstream::start([Script::answer(answer)]).await;
    let gateway = Gateway::plain(&upstream.url(), "enabled: true");
    for _ in 0..2 {
        assert_eq!(gateway.ask("/").await.head.all("set-cookie").len(), 1);
        assert_eq!(upstream.request().await.field("cookie"), None);
    }
    assert_eq!(upstream.links(), 1);
}

#[tokio::test]
async fn framing_and_our_own_names_in_a_responses_trailers_are_dropped() {
    let upstream = RawUpstream::start([Script::answer(format!(
        "{OK}Trailer: Content-Length, Transfer-Encoding, Attache-Error, Set-Cookie, Connection, X-Sum\r\n\
         Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\
         Attache-Error: forged\r\nSet-Cookie: a=1\r\nConnection: close\r\nX-Sum: 7\r\n\r\n"
    ))])
    .await;
    let gateway = Gateway::plain(&upstream.url(), "enabled: true");
    for _ in 0..2 {
        let answer = gateway.through("GET", "/", "TE: trailers\r\n", "").await;
        assert_eq!(answer.text(), "ok");
        assert_eq!(answer.trailers.join("|").to_lowercase(), "x-sum: 7");
    }
    assert_eq!(upstream.links(), 1, "the link is in step");
    for logged in gateway.stop() {
        assert_eq!(
            logged["error_code"],
            serde_json::Value::Null,
            "it was answered whole: {logged}"
        );
    }
}

#[tokio::test]
async fn a_caller_of_http_1_0_sees_a_reset_where_a_body_breaks_off() {
    let bytes = format!("{OK}Transfer-Encoding: chunked\r\n\r\n7\r\npartial\r\n");
    let (_upstream, gateway) = odd_then_well(Script::new().read_request().write(bytes)).await;
    let old = tagged("GET", "/", "", "").replace("HTTP/1.1", "HTTP/1.0");
    let answer = gateway.raw(old).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "partial"));
    assert!(!answer.complete, "an end looks like the body's own: {answer:?}");
}

#[tokio::test]
async fn a_caller_of_http_1_0_gets_whole_answers_whole() {
    for (bytes, text) in [
        (format!("{OK}Content-Length: 5\r\n\r\nwhole"), "whole"),
        (format!("{OK}Content-Length: 0\r\n\r\n"), ""),
        (format!("{OK}Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n"), "whole"),
        (
            format!(
                "{OK}Trailer: X-A\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\nX-A: 1\r\n\r\n"
            ),
            "whole",
        ),
        (format!("{OK}\r\nwhole"), "whole"),
    ] {
        let (_upstream, gateway) = odd_then_well(Script::new().read_request().write(&bytes)).await;
        let old = tagged("GET", "/", "", "").replace("HTTP/1.1", "HTTP/1.0");
        let answer = gateway.raw(old).await;
        assert_eq!((answer.text().as_str(), answer.complete), (text, true), "{bytes:?}");
    }
}
