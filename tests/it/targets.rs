//! Where a request goes: to the connection's own origin, below its base path, byte for byte, or nowhere
//! (RFC 9112 §3, RFC 3986 §5.2.4).
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Script;
use crate::support::each;

/// A third party with a base path, and one that nobody has a connection to.
async fn scene() -> (RawUpstream, RawUpstream, Gateway) {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let evil = RawUpstream::start([Script::ok("evil")]).await;
    let gateway = Gateway::plain(&format!("{}/base", upstream.url()), "enabled: true");
    (upstream, evil, gateway)
}

/// Sends this request line and these fields, `EVIL` standing for the address that nobody may contact.
async fn send(gateway: &Gateway, evil: &RawUpstream, line: &[u8], fields: &str) -> Response {
    let mut bytes = line.to_vec();
    let tags = format!("\r\n{fields}Attache-Key: {CALLER_KEY}\r\nAttache-Connection: api\r\n\r\n");
    bytes.extend(tags.as_bytes());
    gateway.raw(with_address(&bytes, evil)).await
}

fn with_address(bytes: &[u8], evil: &RawUpstream) -> Vec<u8> {
    let (mark, address) = (b"EVIL", evil.address().to_string());
    let mut out = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(mark.len()).position(|it| it == mark) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(address.as_bytes());
        rest = &rest[at + mark.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// Refused, and nobody is contacted.
async fn refused_line(line: impl AsRef<[u8]>) {
    let (upstream, evil, gateway) = scene().await;
    let answer = send(&gateway, &evil, line.as_ref(), "Host: g\r\n").await;
    assert!((400..=505).contains(&answer.status), "{answer:?}");
    assert_eq!((upstream.links(), evil.links()), (0, 0));
}

async fn refused_path(path: impl AsRef<[u8]>) {
    refused_line([b"GET ".as_slice(), path.as_ref(), b" HTTP/1.1"].concat()).await;
}

async fn refused_host(fields: &str) {
    let (upstream, evil, gateway) = scene().await;
    let answer = send(&gateway, &evil, b"GET / HTTP/1.1", fields).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!((upstream.links(), evil.links()), (0, 0));
}

/// Arrives below the base path, byte for byte, at the connection's own origin and with its Host.
async fn passes(path: &str) {
    let (upstream, evil, gateway) = scene().await;
    let answer =
        send(&gateway, &evil, format!("GET {path} HTTP/1.1").as_bytes(), "Host: g\r\n").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let path: String =
        with_address(path.as_bytes(), &evil).iter().map(|it| char::from(*it)).collect();
    let request = upstream.request().await;
    assert_eq!(request.line(), format!("GET /base{path} HTTP/1.1"));
    assert_eq!(request.field("host"), Some(upstream.address().to_string().as_str()));
    assert_eq!(evil.links(), 0);
}

/// A field that names another place changes nothing, and does not go on.
async fn changes_nothing(field: &str) {
    let (upstream, evil, gateway) = scene().await;
    let fields = format!("Host: g\r\n{field}\r\n");
    assert_eq!(send(&gateway, &evil, b"GET /x HTTP/1.1", &fields).await.text(), "hi");
    let request = upstream.request().await;
    assert_eq!(
        (request.line(), request.head.names()),
        ("GET /base/x HTTP/1.1", vec!["host".into()])
    );
    assert_eq!(evil.links(), 0);
}

each! { refused_path:
    a_host_behind_two_slashes_is_never_contacted = "//EVIL/x";
    a_host_behind_three_slashes_is_never_contacted = "///EVIL/x";
    a_host_behind_a_slash_and_a_backslash_is_never_contacted = "/\\EVIL/x";
    a_host_behind_two_backslashes_is_never_contacted = "\\\\EVIL/x";
    a_host_behind_an_at_is_never_contacted = "@EVIL/x";
    a_port_and_a_path_are_no_target = ":80/x";
    a_suffix_of_a_host_is_no_target = ".evil.test/x";
    a_relative_path_is_no_target = "x";
    an_absolute_form_to_another_origin_is_refused = "http://EVIL/x";
    an_absolute_form_with_user_information_is_refused = "http://g@EVIL/x";
    an_absolute_form_with_user_information_at_our_own_host_is_refused = "http://u:p@g/x";
    an_absolute_form_with_another_scheme_is_refused = "ftp://g/x";
    an_absolute_form_of_a_file_is_refused = "file:///etc/passwd";
    an_absolute_form_with_one_slash_is_refused = "http:/EVIL/x";
    an_absolute_form_with_three_slashes_is_refused = "http:///EVIL/x";
    an_absolute_form_with_a_backslash_is_refused = "http:\\\\EVIL/x";
    an_absolute_form_that_ends_in_another_host_is_refused = "http://g.evil.test/x";
    an_absolute_form_with_a_path_tag_to_another_origin_is_refused = "http://EVIL/c/api/x";
    a_dot_segment_is_refused = "/../x";
    a_dot_segment_at_the_end_is_refused = "/a/..";
    a_single_dot_segment_is_refused = "/./x";
    an_encoded_dot_segment_is_refused = "/%2e%2e/x";
    a_half_encoded_dot_segment_is_refused = "/.%2E/x";
    a_dot_segment_behind_an_encoded_slash_is_refused = "/a%2f..%2fb";
    a_dot_segment_with_an_encoded_slash_is_refused = "/..%2fx";
    a_dot_segment_with_an_encoded_backslash_is_refused = "/..%5cx";
    a_dot_segment_with_a_backslash_is_refused = "/..\\x";
    a_dot_segment_between_backslashes_is_refused = "/a\\..\\b";
    a_dot_segment_with_a_path_parameter_is_refused = "/..;/x";
    a_dot_segment_with_a_named_path_parameter_is_refused = "/..;a=b/x";
    a_dot_segment_mixed_of_all_is_refused = "/a\\%2e.;x%2f..%5c";
    a_dot_segment_encoded_twice_is_refused = "/%252e%252e/x";
    a_dot_segment_behind_a_slash_encoded_twice_is_refused = "/a%252f..%252fb";
    a_dot_segment_encoded_once_and_twice_is_refused = "/%2e%252e/x";
    a_dot_segment_before_an_encoded_nul_is_refused = "/..%00/x";
    a_dot_segment_around_an_encoded_nul_is_refused = "/.%00./x";
    a_dot_segment_in_overlong_utf_8_is_refused = "/%c0%ae%c0%ae/x";
    a_dot_segment_below_a_path_tag_is_refused = "/c/api/../../x";
    a_raw_space_in_a_target_is_refused = "/a b";
    a_tab_in_a_target_is_refused = "/a\tb";
    a_nul_in_a_target_is_refused = "/a\0b";
    a_vertical_tab_in_a_target_is_refused = "/a\u{b}b";
    a_form_feed_in_a_target_is_refused = "/a\u{c}b";
    a_delete_in_a_target_is_refused = "/a\u{7f}b";
    a_bare_cr_in_a_target_is_refused = "/a\rb";
    a_delete_in_a_query_is_refused = "/a?b\u{7f}";
    a_nul_in_a_query_is_refused = "/a?b\0";
    an_angle_bracket_in_a_target_is_refused = "/a<b";
    a_back_tick_in_a_target_is_refused = "/a`b";
    no_target_at_all_is_refused = "";
    an_asterisk_is_refused = "*";
}

each! { refused_line:
    connect_is_refused = "CONNECT EVIL HTTP/1.1";
    connect_to_a_path_is_refused = "CONNECT /x HTTP/1.1";
    trace_is_refused = "TRACE /x HTTP/1.1";
    an_asterisk_for_options_is_refused = "OPTIONS * HTTP/1.1";
    a_request_of_http_9_9_is_refused = "GET /x HTTP/9.9";
    a_request_of_http_2_0_in_text_is_refused = "GET /x HTTP/2.0";
    a_request_of_http_0_9_is_refused = "GET /x";
    a_version_in_lower_case_is_refused = "GET /x http/1.1";
    a_version_with_more_digits_is_refused = "GET /x HTTP/1.10";
    a_method_that_is_no_token_is_refused = "G(T /x HTTP/1.1";
    an_empty_method_is_refused = " /x HTTP/1.1";
    a_request_line_with_a_nul_is_refused = "GE\0T /x HTTP/1.1";
}

each! { refused_host:
    no_host_is_refused = "";
    two_hosts_are_refused = "Host: g\r\nHost: h\r\n";
    two_equal_hosts_are_refused = "Host: g\r\nHost: g\r\n";
    an_empty_host_is_refused = "Host: \r\n";
    a_host_with_a_space_is_refused = "Host: g h\r\n";
    a_host_with_a_path_is_refused = "Host: g/x\r\n";
    a_host_with_user_information_is_refused = "Host: u@g\r\n";
    a_list_of_hosts_is_refused = "Host: g, h\r\n";
    a_host_with_a_backslash_is_refused = "Host: g\\h\r\n";
    a_host_with_a_query_is_refused = "Host: g?x\r\n";
    a_folded_host_is_refused = "Host:\r\n g\r\n";
    a_host_before_a_space_and_colon_is_refused = "Host : g\r\n";
}

each! { passes:
    a_host_in_a_path_is_a_path = "/@EVIL/x";
    a_port_in_a_path_is_a_path = "/:80/x";
    a_url_in_a_path_is_a_path = "/http://EVIL/x";
    a_url_in_a_query_is_a_query = "/x?u=http://EVIL/../y";
    an_encoded_slash_passes = "/group%2Fproject";
    an_encoded_slash_in_lower_case_passes = "/group%2fproject";
    an_encoded_backslash_passes = "/a%5Cb";
    two_slashes_inside_the_path_pass = "/a//b//";
    a_well_known_path_passes = "/.well-known/openid-configuration";
    a_segment_that_begins_with_two_dots_passes = "/..a";
    a_segment_that_ends_in_two_dots_passes = "/a../b";
    three_dots_pass = "/...";
    an_encoded_nul_passes = "/a%00b";
    an_encoded_crlf_injects_nothing = "/a%0d%0aX-Injected:%201%0d%0a%0d%0aGET%20/smuggled";
    an_encoded_crlf_in_a_query_injects_nothing = "/a?b=%0D%0AX-Injected:%201";
    a_broken_escape_passes = "/100%/%zz?%";
    the_case_of_an_escape_passes = "/%7euser/%2B+";
    path_parameters_pass = "/a;v=1/b;w";
    marks_pass = "/a'()*!$&,=:@~";
    marks_that_no_url_should_have_pass = "/\"{json}\"|^";
    raw_utf_8_passes = "/caf\u{e9}?d=\u{e9}";
    an_empty_query_passes = "/a?";
    a_question_mark_in_a_query_passes = "/a??b=?&&=&c==;d";
    a_dot_segment_in_a_query_passes = "/a?x=../../y";
    an_encoded_query_passes = "/a?b=%26%3d%2F&%62=c+d%20e";
}

each! { changes_nothing:
    x_forwarded_host_changes_nothing = "X-Forwarded-Host: EVIL";
    x_forwarded_host_with_underscores_changes_nothing = "X_Forwarded_Host: EVIL";
    x_forwarded_proto_and_port_change_nothing = "X-Forwarded-Proto: https\r\nX-Forwarded-Port: 1";
    x_original_url_changes_nothing = "X-Original-URL: /admin";
    x_rewrite_url_changes_nothing = "X-Rewrite-URL: http://EVIL/admin";
    x_rewrite_url_with_underscores_changes_nothing = "x_rewrite_url: /admin";
    forwarded_changes_nothing = "Forwarded: host=EVIL;proto=https";
    via_changes_nothing = "Via: 1.1 EVIL";
}

#[tokio::test]
async fn the_host_of_a_request_chooses_nothing() {
    let (upstream, evil, gateway) = scene().await;
    let answer = send(&gateway, &evil, b"GET /x HTTP/1.1", "Host: EVIL\r\n").await;
    assert_eq!(answer.text(), "hi");
    let request = upstream.request().await;
    assert_eq!(request.field("host"), Some(upstream.address().to_string().as_str()));
    assert_eq!(evil.links(), 0);
}

#[tokio::test]
async fn an_absolute_form_to_our_own_host_is_read_as_its_path() {
    let (upstream, evil, gateway) = scene().await;
    for (line, host) in [
        ("GET http://g/x?y=%2F HTTP/1.1", "Host: g\r\n"),
        ("GET HTTP://g:80/x?y=%2F HTTP/1.1", "Host: g:80\r\n"),
    ] {
        assert_eq!(send(&gateway, &evil, line.as_bytes(), host).await.text(), "hi", "{line}");
        assert_eq!(upstream.request().await.line(), "GET /base/x?y=%2F HTTP/1.1", "{line}");
    }
}

#[tokio::test]
async fn a_target_at_the_bound_passes_and_one_over_it_is_a_414() {
    const BOUND: usize = 16 * 1024;
    let (upstream, evil, gateway) = scene().await;
    let path = |length: usize| format!("GET /{} HTTP/1.1", "a".repeat(length - 1)).into_bytes();
    assert_eq!(send(&gateway, &evil, &path(BOUND), "Host: g\r\n").await.status, 200);
    assert_eq!(upstream.request().await.line().len(), "GET /base HTTP/1.1".len() + BOUND);
    let answer = send(&gateway, &evil, &path(BOUND + 1), "Host: g\r\n").await;
    assert_eq!((answer.status, answer.code().as_deref()), (414, Some("target_too_long")));
    let query = format!("GET /?{} HTTP/1.1", "a".repeat(BOUND));
    assert_eq!(send(&gateway, &evil, query.as_bytes(), "Host: g\r\n").await.status, 414);
    assert!(upstream.request_so_far().await.is_none());
}

#[tokio::test]
async fn a_method_of_any_name_and_case_passes_as_it_is() {
    let (upstream, evil, gateway) = scene().await;
    for method in ["get", "PURGE", "M-SEARCH", "a.b!c", "QUERY", "PRI"] {
        let line = format!("{method} /x HTTP/1.1");
        assert_eq!(send(&gateway, &evil, line.as_bytes(), "Host: g\r\n").await.status, 200);
        assert_eq!(upstream.request().await.line(), format!("{method} /base/x HTTP/1.1"));
    }
}
