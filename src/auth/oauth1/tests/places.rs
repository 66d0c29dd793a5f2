//! Where the parameters go, and what becomes of a caller's own.
use super::GET;
use super::Request;
use super::own;
use super::signer;
use http::Method;

const KEYS: &str = "consumer_key=k consumer_secret=s token=t token_secret=u";
const FORM: &str = "application/x-www-form-urlencoded";

/// `{signature}` in a text stands for any.
fn fits(text: &str, pattern: &str) -> bool {
    let Some((before, after)) = pattern.split_once("{signature}") else { return text == pattern };
    text.starts_with(before) && text.ends_with(after) && text.len() > pattern.len()
}

#[test]
fn in_the_header_they_are_quoted() {
    let signer = signer("{ realm: 'a\"b\\c' }", KEYS);
    let sent =
        Request { url: "https://api.example/a?b=1", ..GET }.signed_as(&signer, &own("1", "n"));
    let field = sent.authorization.unwrap();
    let pattern = r#"OAuth realm="a\"b\\c", oauth_consumer_key="k", oauth_signature_method="HMAC-SHA1", oauth_token="t", oauth_version="1.0", oauth_timestamp="1", oauth_nonce="n", oauth_signature="{signature}""#;
    assert!(fits(&field, pattern), "{field}");
    assert_eq!(sent.query.as_deref(), Some("b=1"));
}

#[test]
fn in_the_query_they_stand_behind_the_callers() {
    let signer = signer("{ in: query }", KEYS);
    let ours = "oauth_consumer_key=k&oauth_signature_method=HMAC-SHA1&oauth_token=t&oauth_version=1.0&oauth_timestamp=1&oauth_nonce=n&oauth_signature={signature}";
    for (url, before) in [
        ("https://api.example/a", ""),
        ("https://api.example/a?", ""),
        ("https://api.example/a?b=%7e+1&b=1", "b=%7e+1&b=1&"),
    ] {
        let sent = Request { url, ..GET }.signed_as(&signer, &own("1", "n"));
        let query = sent.query.unwrap();
        assert!(fits(&query, &[before, ours].concat()), "{query}");
        assert_eq!(sent.authorization, None);
    }
}

#[test]
fn in_the_body_they_stand_behind_a_form() {
    let signer = signer("{ in: body }", KEYS);
    let ours = "oauth_consumer_key=k&oauth_signature_method=HMAC-SHA1&oauth_token=t&oauth_version=1.0&oauth_timestamp=1&oauth_nonce=n&oauth_signature={signature}";
    let post = |content_type, body| Request {
        method: Method::POST,
        content_type,
        body,
        url: "https://api.example/a?b=1",
    };
    for (content_type, body, before) in [
        (Some(FORM), &b"a=1&b=2+3"[..], "a=1&b=2+3&"),
        (Some("application/X-WWW-form-urlencoded ; charset=utf-8"), b"a", "a&"),
        (Some(FORM), b"", ""),
        (None, b"", ""),
    ] {
        let sent = post(content_type, body).signed_as(&signer, &own("1", "n"));
        let form = String::from_utf8(sent.body).unwrap();
        assert!(fits(&form, &[before, ours].concat()), "{form}");
        assert_eq!(sent.authorization, None);
        assert_eq!(sent.query.as_deref(), Some("b=1"));
        assert_eq!(sent.content_type.as_deref(), Some(content_type.unwrap_or(FORM)));
    }
    let get = Request { method: Method::GET, ..post(Some(FORM), b"a=1") };
    let form = String::from_utf8(get.signed_as(&signer, &own("1", "n")).body).unwrap();
    assert!(fits(&form, &["a=1&", ours].concat()), "{form}");
    // What is no form has no place for them (RFC 5849 §3.5.2).
    for request in [
        post(Some("application/json"), b"{}"),
        post(None, b"a=1"),
        Request { url: "https://api.example/a", ..GET },
        Request { method: Method::GET, ..post(Some(FORM), b"") },
        Request { method: Method::HEAD, ..post(Some(FORM), b"") },
        Request { method: Method::DELETE, ..post(Some(FORM), b"") },
    ] {
        let sent = request.signed_as(&signer, &own("1", "n"));
        assert!(sent.authorization.is_some());
        assert_eq!(sent.body, request.body);
        assert_eq!(sent.content_type.as_deref(), request.content_type);
    }
}

/// A second copy would leave it open which one counts: only the gateway's goes out, and it is the one signed.
#[test]
fn a_callers_own_parameters_are_replaced() {
    let spellings = [
        "oauth_token=x",
        "OAUTH_TOKEN=x",
        "oauth%5Ftoken",
        "%6Fauth_nonce=1",
        "oauth_signature=",
        "+oauth_version=2",
    ];
    for yaml in ["{ in: header }", "{ in: query }", "{ in: body }", "{ signature: plaintext }"] {
        let signer = signer(yaml, KEYS);
        let clean = Request {
            method: Method::POST,
            url: "https://api.example/a?b=1&c=2",
            content_type: Some(FORM),
            body: b"d=3&e=4",
        };
        let expected = clean.signed_as(&signer, &own("1", "n"));
        for spelling in spellings {
            let url = format!("https://api.example/a?b=1&{spelling}&c=2");
            let body = format!("d=3&e=4&{spelling}");
            let forged = Request { url: &url, body: body.as_bytes(), ..clean.clone() };
            assert_eq!(forged.signed_as(&signer, &own("1", "n")), expected, "{yaml} {spelling}");
        }
        let alone = Request { url: "https://api.example/a?oauth_token=x", ..GET };
        let none = Request { url: "https://api.example/a", ..GET };
        let own = own("1", "n");
        assert_eq!(alone.signed_as(&signer, &own), none.signed_as(&signer, &own), "{yaml}");
        let semicolons = Request { url: "https://api.example/a?b=1;oauth_token=x", ..GET };
        let sent = semicolons.signed_as(&signer, &own).query.unwrap();
        assert!(!sent.contains("oauth_token=x"), "{sent}");
    }
    // What a message of the dance has is the caller's to send, and is signed.
    let signer = signer("", KEYS);
    let message = Request { url: "https://api.example/a?oauth_callback=oob;x&o=1", ..GET };
    let sent = message.signed_as(&signer, &own("1", "n"));
    assert_eq!(sent.query.as_deref(), Some("oauth_callback=oob;x&o=1"));
    assert!(message.base_string(&signer, &own("1", "n")).contains("oauth_callback%3Doob%253Bx"));
}

#[test]
fn a_form_is_signed_and_nothing_else_is() {
    let signer = signer("", KEYS);
    let base = |content_type, body| {
        let post = Request { method: Method::POST, content_type, body, ..GET };
        post.base_string(&signer, &own("1", "n"))
    };
    let form = base(Some(FORM), b"z=1");
    assert!(form.ends_with("%26z%3D1"), "{form}");
    for other in
        ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded2"]
    {
        assert_eq!(base(Some(other), b"z=1"), base(None, b""), "{other}");
    }
    // Bytes that are no text are signed as they are.
    assert!(base(Some(FORM), b"z=\xff\x00\r\n").ends_with("%26z%3D%25FF%2500%250D%250A"));
}
