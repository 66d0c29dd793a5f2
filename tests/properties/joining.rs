//! Joining never leaves the base URL.
use super::properties::target;
use super::seeds::unrecorded;
use proptest::prelude::*;

/// Pieces that paths out of a base URL are made of, and plain ones around them.
const PIECES: &[&str] = &[
    "/",
    "/",
    "/",
    "..",
    "..",
    ".",
    "%2e",
    "%2E",
    "%252e",
    "%25",
    "2e",
    "2f",
    "%2f",
    "%5c",
    "\\",
    "%255c",
    ";",
    ";x=1",
    "%00",
    "%20",
    "%09",
    "%23",
    "%3f",
    "@",
    ":80",
    "a",
    "v1",
    "%c0%ae",
    "%u002e",
    "%ef%bc%8e",
    "．",
    "//",
    "http:",
    "api.example.com",
    "?",
    "#",
    "&",
];

const CONNECTIONS: &[&str] = &["plain", "query", "root", "shop", "wide"];

proptest! {
    #![proptest_config(unrecorded())]

    #[test]
    fn no_path_leaves_the_base_url(
        connection in prop::sample::select(CONNECTIONS),
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..12),
        by_path in any::<bool>(),
    ) {
        let path = pieces.concat();
        let head = if by_path {
            format!("GET /c/{connection}/{path} HTTP/1.1\n")
        } else {
            format!("GET /{path} HTTP/1.1\nattache-connection: {connection}\n")
        };
        target::holds(head.as_bytes());
    }

    #[test]
    fn no_base_url_that_a_caller_names_leaves_what_the_connection_allows(
        connection in prop::sample::select(CONNECTIONS),
        origin in prop::sample::select(&[
            "https://api.example.com", "https://other.example.com", "http://127.0.0.1:8081",
            "https://api.example.com:443", "http://api.example.com", "https://api.example.com.evil.example",
            "https://api.example.com@evil.example", "https:\\\\api.example.com", "//api.example.com",
            "HTTPS://API.EXAMPLE.COM", "https://x.shop.example", "http://2130706433:8081",
        ][..]),
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..6),
    ) {
        let path = pieces.concat();
        let head = format!(
            "GET /x HTTP/1.1\nattache-connection: {connection}\nattache-base-url: {origin}/v1{path}\n"
        );
        target::holds(head.as_bytes());
    }

    #[test]
    fn no_variable_leaves_its_place_in_the_base_url(
        shop in prop_oneof![Just("acme-2".to_owned()), "[a-z0-9./@:%\\\\#?-]{0,12}"],
        version in "[a-z0-9./@:%;\\\\#?-]{0,12}",
    ) {
        let escaped = |text: &str| text.bytes().map(|it| format!("%{it:02x}")).collect::<String>();
        let head = format!(
            "GET /x HTTP/1.1\nattache-connection: shop\nattache-variables: shop={}&version={}\n",
            escaped(&shop),
            escaped(&version)
        );
        target::holds(head.as_bytes());
    }
}
