//! Where a caller key stands twice, nobody knows which one is meant.
use super::request::raw;
use super::request::scheme;

const ONE: &str = "caller-key-one-of-16-bytes-or-more";
const OTHER: &str = "caller-key-two-of-16-bytes-or-more";
const SCOPE: &str = "20150830/us-east-1/s3/aws4_request";

fn presented(query: &str, fields: &[&str]) -> Option<String> {
    let mut request = http::Request::get(format!("/a?{query}"));
    for value in fields {
        request = request.header("authorization", *value);
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    let key = scheme(raw("{}")).presented_key(&head)?.into_owned();
    Some(String::from_utf8(key).unwrap())
}

fn in_query(key: &str) -> String {
    format!("X-Amz-Credential={}", format!("{key}/{SCOPE}").replace('/', "%2F"))
}

fn in_field(key: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential={key}/{SCOPE}, SignedHeaders=host, Signature=00")
}

#[test]
fn two_keys_are_none() {
    let (one, other) = (in_query(ONE), in_query(OTHER));
    assert_eq!(presented(&format!("{one}&{other}"), &[]), None);
    assert_eq!(presented(&format!("{one}&b=1;x%2Damz-credential=a"), &[]), None);
    assert_eq!(presented(&format!("{one}&{one}"), &[]), None);
    let twice = format!("{}, Credential={OTHER}/{SCOPE}", in_field(ONE));
    assert_eq!(presented("", &[&twice]), None);
    assert_eq!(presented("", &[&in_field(ONE), &in_field(ONE)]), None);
    assert_eq!(presented(&one, &[&in_field(OTHER)]), None);
    assert_eq!(presented(&one, &[&format!("Bearer {OTHER}")]), None);
    assert_eq!(presented(&one, &[&in_field(ONE), &in_field(OTHER)]), None);
    assert_eq!(presented(&one, &["AWS4-HMAC-SHA256 Signature=00"]), None);
    let algorithms = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256";
    assert_eq!(presented(&format!("{algorithms}&{one}"), &[]), None);
}

#[test]
fn the_same_key_in_both_places_is_one() {
    assert_eq!(presented(&in_query(ONE), &[&in_field(ONE)]).as_deref(), Some(ONE));
    assert_eq!(presented(&in_query(ONE), &[&format!("Bearer {ONE}")]).as_deref(), Some(ONE));
}
