//! What each component is, by the examples of RFC 9421 §2 and RFC 9530.
use super::*;

const SETTINGS: &str =
    "algorithm: hmac-sha256, structured: { example-dict: dictionary, example-list: list }";

/// The line of one component, less its name; `None` where it is left out.
fn value(component: &str, request: Request<'_>) -> Result<Option<String>, SignError> {
    let yaml = format!("{{ {SETTINGS}, components: ['{component}'] }}");
    let settings = HttpSignature::try_from(raw(&yaml)).unwrap_or_else(|it| panic!("{it:#?}"));
    request.with(&|_| false, |draft| {
        let base = super::super::base::base(&settings.components, &draft, None)?;
        let text = String::from_utf8(base.text).unwrap();
        let [component] = base.covered[..] else { return Ok(None) };
        let line = text.strip_prefix(&*component.identifier).unwrap().strip_prefix(": ").unwrap();
        Ok(Some(line.strip_suffix('\n').unwrap().to_owned()))
    })
}

#[test]
fn derived_components() {
    // §2.2.1 to §2.2.7.
    let request = Request {
        method: "POST",
        url: "https://www.example.com/path?param=value&foo=bar&baz=bat%2Dman",
        ..PLAIN
    };
    let mixed = Request { url: "http://WWW.Example.COM:80/path", ..PLAIN };
    let other_port = Request { url: "https://www.example.com:8443/path?", ..PLAIN };
    for (component, request, text) in [
        ("@method", request, "POST"),
        ("@target-uri", request, "https://www.example.com/path?param=value&foo=bar&baz=bat%2Dman"),
        ("@authority", request, "www.example.com"),
        ("@scheme", request, "https"),
        ("@request-target", request, "/path?param=value&foo=bar&baz=bat%2Dman"),
        ("@path", request, "/path"),
        ("@query", request, "?param=value&foo=bar&baz=bat%2Dman"),
        ("@authority", mixed, "www.example.com"),
        ("@scheme", mixed, "http"),
        ("@query", mixed, "?"),
        ("@request-target", mixed, "/path"),
        ("@authority", other_port, "www.example.com:8443"),
        ("@target-uri", other_port, "https://www.example.com:8443/path?"),
    ] {
        assert_eq!(value(component, request).unwrap().unwrap(), text, "{component}");
    }
}

#[test]
fn query_parameters() {
    // §2.2.8.
    let url = "https://www.example.com/path?param=value&foo=bar&baz=batman&qux=&twice=1&twice=2";
    let one = Request { url, ..PLAIN };
    let url = "https://www.example.com/parameters?var=this%20is%20a%20big%0Amultiline%20value\
               &bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something";
    let two = Request { url, ..PLAIN };
    for (name, request, text) in [
        ("baz", one, "batman"),
        ("qux", one, ""),
        ("param", one, "value"),
        ("var", two, "this%20is%20a%20big%0Amultiline%20value"),
        ("bar", two, "with%20plus%20whitespace"),
        ("fa%C3%A7ade%22%3A%20", two, "something"),
    ] {
        let component = format!("@query-param;name=\"{name}\"");
        assert_eq!(value(&component, request).unwrap().unwrap(), text, "{name}");
    }
    let told =
        |name: &str| value(&format!("@query-param;name=\"{name}\""), one).unwrap_err().to_string();
    assert_eq!(
        told("none"),
        "the signature covers the query parameter `none`, which the request does not have"
    );
    assert_eq!(
        told("twice"),
        "the query has `twice` more than once, so its signature can't be made"
    );
    assert_eq!(value("@query-param;name=\"none\"?", one).unwrap(), None);
}

#[test]
fn fields() {
    let request = Request {
        headers: &[
            // §2.1, §2.1.2, §2.1.3 and RFC 9110's dates.
            ("date", "Tue, 20 Apr 2021 02:07:56 GMT"),
            ("x-ows-header", "   Leading and trailing whitespace.   "),
            ("cache-control", "max-age=60"),
            ("cache-control", "    must-revalidate"),
            ("example-dict", "  a=1,    b=2;x=1;y=2,   c=(a   b   c),  d"),
            ("x-empty-header", ""),
            ("example-header", "value, with, lots"),
            ("example-header", "of, commas"),
            ("example-list", "a  ,b;q=0.50"),
            ("content-type", "text/plain;  charset=\"utf-8\""),
            ("broken", "a=,"),
        ],
        body: b"12345",
        ..PLAIN
    };
    for (component, text) in [
        ("date", "Tue, 20 Apr 2021 02:07:56 GMT"),
        ("host", "www.example.com"),
        ("x-ows-header", "Leading and trailing whitespace."),
        ("cache-control", "max-age=60, must-revalidate"),
        ("cache-control;key=\"max-age\"", "60"),
        ("example-dict", "a=1,    b=2;x=1;y=2,   c=(a   b   c),  d"),
        ("example-dict;sf", "a=1, b=2;x=1;y=2, c=(a b c), d"),
        ("example-dict;key=\"a\"", "1"),
        ("example-dict;key=\"d\"", "?1"),
        ("\"example-dict\";key=\"b\"", "2;x=1;y=2"),
        ("example-dict;key=\"c\"", "(a b c)"),
        ("x-empty-header", ""),
        ("example-header", "value, with, lots, of, commas"),
        ("example-header;bs", ":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:"),
        ("example-list;sf", "a, b;q=0.5"),
        ("content-type;sf", "text/plain;charset=\"utf-8\""),
        ("content-length", "5"),
    ] {
        assert_eq!(value(component, request).unwrap().unwrap(), text, "{component}");
    }
    for (component, problem) in [
        ("x-none", "the signature covers the field `x-none`, which the request does not have"),
        (
            "example-dict;key=\"z\"",
            "the signature covers the member `z` of the field `example-dict`, which the request does not have",
        ),
    ] {
        assert_eq!(value(component, request).unwrap_err().to_string(), problem);
        assert_eq!(value(&format!("{component}?"), request).unwrap(), None);
    }
    let broken = Request { headers: &[("example-dict", "a=,")], ..PLAIN };
    assert_eq!(
        value("example-dict;sf", broken).unwrap_err().to_string(),
        "the field `example-dict` is no structured field of its kind, so its signature can't be made"
    );
    assert!(value("content-length", PLAIN).is_err(), "a request without a body has none");
}

/// RFC 9530, appendix B: the same body, with its line break.
#[test]
fn the_digest_of_the_body() {
    let body = b"{\"hello\": \"world\"}\n";
    let case =
        Request { method: "POST", body, headers: &[("content-digest", "sha-256=:AA==:")], ..PLAIN };
    let signed = |digest: &str, component: &str, request: Request<'_>| {
        let yaml =
            format!("{{ algorithm: hmac-sha256, digest: {digest}, components: ['{component}'] }}");
        request.signed_by(&prepared(&yaml, &[("secret", "s")])).unwrap()
    };
    assert_eq!(
        signed("sha-256", "content-digest", case).header("content-digest"),
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    );
    assert_eq!(
        signed("sha-512", "content-digest?", case).header("content-digest"),
        "sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:"
    );
    let empty = Request { body: b"", ..case };
    let sent = signed("sha-256", "content-digest", empty);
    assert_eq!(
        sent.header("content-digest"),
        "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
    );
    let sent = signed("sha-256", "content-digest?", empty);
    assert!(!sent.has("content-digest"), "the caller's neither");
    assert_eq!(sent.header("signature-input"), "sig1=();created=1618884473");
}

#[test]
fn the_length_that_the_link_writes() {
    let post = Request { method: "POST", ..PLAIN };
    let five = Request { body: b"12345", ..post };
    for (component, request, text) in [
        ("content-length", five, Some("5")),
        ("content-length;bs", five, Some(":NQ==:")),
        ("content-length;sf", five, Some("5")),
        ("content-length", Request { body: b"", ..post }, Some("0")),
        ("content-length?", Request { method: "GET", body: b"", ..PLAIN }, None),
    ] {
        assert_eq!(value(component, request).unwrap().as_deref(), text, "{component}");
    }
}
