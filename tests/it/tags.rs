//! Who asks, and for what: caller keys and tags that are missing, wrong, doubled or dressed up. Nothing
//! goes upstream, and nobody picks one of two.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::each;

const TAG: &str = "Attache-Connection: header\r\n";

async fn scene() -> (RawUpstream, Gateway) {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    (upstream, gateway)
}

/// 401 at once: the body, however long it is said to be, is not waited for.
async fn unauthenticated(fields: impl AsRef<str>) {
    let (upstream, gateway) = scene().await;
    let fields = fields.as_ref().replace("KEY", CALLER_KEY);
    for length in [0, 1 << 30] {
        let mut client = gateway.client().await;
        client
            .send(format!(
                "POST /x HTTP/1.1\r\nHost: g\r\n{TAG}{fields}Content-Length: {length}\r\n\r\n"
            ))
            .await;
        let answer = client.response().await.expect("an answer");
        assert_eq!(answer.code().as_deref(), Some("caller_unauthenticated"), "{answer:?}");
        assert_eq!(answer.status, 401);
    }
    assert_eq!(upstream.links(), 0);
}

/// Refused with this code, whoever asks with the right key.
async fn refused((code, target, fields): (&str, &str, &str)) {
    let (upstream, gateway) = scene().await;
    let answer = gateway.get(target, fields).await;
    assert_eq!(answer.code().as_deref(), Some(code), "{answer:?}");
    assert_eq!(answer.status, 400);
    assert_eq!(upstream.links(), 0);
}

each! { unauthenticated:
    no_key_is_a_401 = "";
    a_wrong_key_is_a_401 = "Attache-Key: wrong-wrong-wrong-wrong\r\n";
    an_empty_key_is_a_401 = "Attache-Key: \r\n";
    a_prefix_of_the_key_is_a_401 = format!("Attache-Key: {}\r\n", &CALLER_KEY[..CALLER_KEY.len() - 1]);
    a_key_and_more_is_a_401 = "Attache-Key: KEYx\r\n";
    a_key_and_its_half_is_a_401 = "Attache-Key: KEY the\r\n";
    a_key_in_capitals_is_a_401 = format!("Attache-Key: {}\r\n", CALLER_KEY.to_uppercase());
    a_key_in_quotes_is_a_401 = "Attache-Key: \"KEY\"\r\n";
    a_key_with_a_scheme_is_a_401 = "Attache-Key: Bearer KEY\r\n";
    a_list_of_the_key_twice_is_a_401 = "Attache-Key: KEY, KEY\r\n";
    a_key_of_a_mebibyte_less_the_head_is_a_401 = format!("Attache-Key: {}\r\n", "k".repeat(8000));
    a_right_key_before_a_wrong_one_is_a_401 = "Attache-Key: KEY\r\nAttache-Key: wrong-wrong-wrong-wrong\r\n";
    a_wrong_key_before_a_right_one_is_a_401 = "Attache-Key: wrong-wrong-wrong-wrong\r\nAttache-Key: KEY\r\n";
    a_right_key_twice_is_a_401 = "Attache-Key: KEY\r\nAttache-Key: KEY\r\n";
    a_right_key_beside_a_wrong_proxy_authorization_is_a_401 =
        "Attache-Key: KEY\r\nProxy-Authorization: Bearer wrong-wrong-wrong-wrong\r\n";
    a_wrong_key_beside_a_right_proxy_authorization_is_a_401 =
        "Attache-Key: wrong-wrong-wrong-wrong\r\nProxy-Authorization: Bearer KEY\r\n";
    two_proxy_authorizations_are_a_401 =
        "Proxy-Authorization: Bearer KEY\r\nProxy-Authorization: Bearer KEY\r\n";
    a_key_in_another_scheme_of_proxy_authorization_is_a_401 = "Proxy-Authorization: Basic KEY\r\n";
    a_key_in_authorization_beside_a_header_tag_is_a_401 = "Authorization: Bearer KEY\r\n";
    a_key_with_an_underscore_in_its_name_is_a_401 = "Attache_Key: KEY\r\n";
    a_key_that_connection_lists_is_still_asked_for = "Connection: Attache-Key\r\n";
}

each! { refused:
    two_different_tags_are_refused =
        ("ambiguous_tags", "/x", "Attache-Connection: header\r\nAttache-Connection: basic\r\n");
    two_equal_tags_are_refused =
        ("ambiguous_tags", "/x", "Attache-Connection: header\r\nattache-connection: header\r\n");
    a_connection_and_an_environment_are_refused = ("ambiguous_tags", "/x",
        "Attache-Connection: header\r\nAttache-Environment: production\r\nAttache-Connector: main\r\n");
    two_tenants_are_refused = ("ambiguous_tags", "/x",
        "Attache-Connection: many\r\nAttache-Tenant: acme\r\nAttache-Tenant: other\r\n");
    a_tenant_in_the_path_and_another_in_a_field_are_refused =
        ("ambiguous_tags", "/c/many@acme/x", "Attache-Tenant: other\r\n");
    tags_joined_by_a_comma_are_refused = ("invalid_tag", "/x", "Attache-Connection: header, basic\r\n");
    equal_tags_joined_by_a_comma_are_refused =
        ("invalid_tag", "/x", "Attache-Connection: header,header\r\n");
    tenants_joined_by_a_comma_are_refused =
        ("invalid_tag", "/x", "Attache-Connection: many\r\nAttache-Tenant: acme,other\r\n");
    a_tenant_with_an_encoded_nul_is_refused =
        ("invalid_tag", "/x", "Attache-Connection: many\r\nAttache-Tenant: acme%00\r\n");
    a_tenant_with_an_encoded_line_end_is_refused =
        ("invalid_tag", "/x", "Attache-Connection: many\r\nAttache-Tenant: acme%0d%0a\r\n");
    a_tag_with_a_space_in_it_is_refused = ("invalid_tag", "/x", "Attache-Connection: hea der\r\n");
    a_tag_with_a_tab_in_it_is_refused = ("invalid_tag", "/x", "Attache-Connection: hea\tder\r\n");
    a_tag_in_quotes_is_refused = ("invalid_tag", "/x", "Attache-Connection: \"header\"\r\n");
    a_tag_in_capitals_is_refused = ("invalid_tag", "/x", "Attache-Connection: HEADER\r\n");
    a_tag_beyond_ascii_is_refused = ("invalid_tag", "/x", "Attache-Connection: \u{ff}\r\n");
    an_empty_tag_is_refused = ("invalid_tag", "/x", "Attache-Connection: \r\n");
    a_tag_with_an_underscore_is_refused = ("invalid_tag", "/x", "Attache_Connection: header\r\n");
    a_tag_with_an_underscore_beside_a_right_one_is_refused =
        ("invalid_tag", "/x", "Attache-Connection: header\r\nATTACHE_CONNECTION: basic\r\n");
    a_tenant_with_an_underscore_is_refused =
        ("invalid_tag", "/x", "Attache-Connection: many\r\nAttache-Tenant: acme\r\nAttache_Tenant: other\r\n");
    a_tag_with_a_dot_is_refused = ("invalid_tag", "/x", "Attache-Connection: header\r\nAttache.Tenant: a\r\n");
    a_tag_that_nobody_knows_is_refused =
        ("invalid_tag", "/x", "Attache-Connection: header\r\nAttache-Conection: basic\r\n");
    a_listed_tag_is_still_read =
        ("invalid_tag", "/x", "Connection: Attache-Connection\r\nAttache-Connection: a b\r\n");
}

#[tokio::test]
async fn control_bytes_in_a_tag_are_refused() {
    let (upstream, gateway) = scene().await;
    for byte in (0..32).chain([127]).map(char::from).filter(|it| !matches!(it, '\n' | '\t')) {
        for field in
            ["Attache-Connection: hea{}der", "Attache-Connection: header{}", "Attache-Key: {}"]
        {
            let field = field.replace("{}", &byte.to_string());
            let request = format!(
                "GET /x HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n{TAG}{field}\r\n\r\n"
            );
            let answer = gateway.raw(request).await;
            assert!((400..=401).contains(&answer.status), "{byte:?}: {answer:?}");
        }
    }
    assert_eq!(upstream.links(), 0);
}

#[tokio::test]
async fn tags_in_trailers_are_no_tags_and_do_not_go_on() {
    let (upstream, gateway) = scene().await;
    let trailers = "Attache-Connection: basic\r\nAttache-Tenant: other\r\nAttache_Connection: basic\r\nAttache-Key: wrong\r\nX-Sum: 7\r\n";
    let names = "TE: trailers\r\nTrailer: Attache-Connection, Attache-Tenant, Attache_Connection, Attache-Key, X-Sum\r\n";
    let request = format!(
        "POST /x HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n{TAG}{names}Transfer-Encoding: chunked\r\n\r\n\
         3\r\nabc\r\n0\r\n{trailers}\r\n"
    );
    assert_eq!(gateway.raw(request).await.status, 200);
    let received = upstream.request().await;
    assert_eq!(received.field("x-api-key"), Some("s3cret-in-header"));
    assert_eq!(received.trailers.join("|").to_lowercase(), "x-sum: 7");
    // Alone, they name nothing.
    let untagged = format!(
        "POST /x HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\nTrailer: Attache-Connection\r\nTransfer-Encoding: chunked\r\n\r\n\
         0\r\nAttache-Connection: header\r\n\r\n"
    );
    assert_eq!(gateway.raw(untagged).await.code().as_deref(), Some("untagged"));
}

#[tokio::test]
async fn another_callers_connection_answers_like_one_that_does_not_exist() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let limited = "callers: { limited: { key: a-limited-caller-s-key, connections: [header] } }\n";
    let gateway = Gateway::start(&format!("{}{limited}", Gateway::usual(&upstream.url())));
    let mut said = Vec::new();
    for connection in ["basic", "off", "nowhere"] {
        for target in ["/x".to_owned(), format!("/c/{connection}/x"), "/../x".into()] {
            let tag = if target.starts_with("/c/") {
                String::new()
            } else {
                format!("Attache-Connection: {connection}\r\n")
            };
            let request = format!(
                "GET {target} HTTP/1.1\r\nHost: g\r\nAttache-Key: a-limited-caller-s-key\r\nAttache-Request-Id: the-same\r\n{tag}\r\n"
            );
            let answer = gateway.raw(request).await;
            assert_eq!(
                answer.code().as_deref(),
                Some("connection_not_found"),
                "{connection} {target}"
            );
            let mut lines = answer.head.lines.clone();
            lines.retain(|it| !it.to_ascii_lowercase().starts_with("date:"));
            said.push(format!("{lines:?} {}", answer.text()).replace(connection, "NAME"));
        }
    }
    assert!(said.iter().all(|it| *it == said[0]), "{said:#?}");
    assert_eq!(upstream.links(), 0);
}

#[tokio::test]
async fn connection_can_not_make_it_lose_a_tag_a_check_or_the_stripping() {
    let (upstream, gateway) = scene().await;
    let listed = "Connection: Attache-Connection, Attache-Tenant, Attache-Key, attache-timeout, X-Api-Key\r\n";
    for fields in [
        format!(
            "{listed}Attache-Connection: many\r\nAttache-Tenant: acme\r\nAttache-Timeout: 5s\r\n"
        ),
        format!("Attache-Connection: many\r\nAttache-Tenant: acme\r\n{listed}"),
    ] {
        assert_eq!(gateway.get("/x", &fields).await.status, 200);
        let received = upstream.request().await;
        assert_eq!(received.field("x-api-key"), Some("s3cret-of-acme"));
        assert_eq!(received.head.names(), ["host", "x-api-key"]);
    }
    let tenantless = format!("{listed}Attache-Connection: many\r\n");
    assert_eq!(gateway.get("/x", &tenantless).await.code().as_deref(), Some("tenant_required"));
}

#[tokio::test]
async fn a_gibibyte_announced_without_a_key_is_answered_at_once_and_never_read() {
    let (upstream, gateway) = scene().await;
    let mut clients: Vec<RawClient> = Vec::new();
    for _ in 0..20 {
        let mut client = gateway.client().await;
        client
            .send(format!(
                "POST /x HTTP/1.1\r\nHost: g\r\n{TAG}Content-Length: {}\r\n\r\n",
                1 << 30
            ))
            .await;
        assert_eq!(client.response().await.map(|it| it.status), Some(401));
        clients.push(client);
    }
    for mut client in clients {
        // The link ends long before a gibibyte has been taken.
        let piece = vec![b'x'; 1 << 20];
        let mut taken = 0;
        while taken < 64 && client.try_send(&piece).await {
            taken += 1;
        }
        assert!(taken < 64, "{taken} MiB of an unread body were taken");
    }
    assert_eq!(upstream.links(), 0);
}
