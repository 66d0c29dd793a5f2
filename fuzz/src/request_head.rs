//! The request's head on its way out: nothing of ours, of one hop or of a forger's goes on, the
//! credential is there once, and what is left is the caller's own, line for line.
use super::http_text;
use super::http_text::lines;
use super::reading;
use attache::auth::Prepared;
use attache::auth::RawApiKey;
use attache::auth::RawCustom;
use attache::auth::Scheme;
use attache::model::Credential;
use attache::proxy;
use attache::proxy::Asks;
use attache::proxy::Onward;
use attache::resolve;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Version;
use http::request::Parts;
use std::collections::HashMap;
use std::sync::LazyLock;

const HOST: &str = "api.example.com";
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Fields that end at us in any case.
const ENDING: [&str; 15] = [
    "host",
    "connection",
    "keep-alive",
    "te",
    "transfer-encoding",
    "content-length",
    "upgrade",
    "expect",
    "forwarded",
    "via",
    "http2-settings",
    "traceparent",
    "proxy-connection",
    "content_length",
    "transfer_encoding",
];

/// Fields that tell of another place, with their twins.
const ROUTING: [&str; 3] = ["x-real-ip", "x-original-url", "x-rewrite-url"];

/// What `Connection` must not be able to strip.
const KEPT: [&str; 6] =
    ["authorization", "cookie", "content-type", "content-encoding", "host", "trailer"];

/// A credential of each kind, by the word that chooses it.
static PREPARED: LazyLock<HashMap<&str, Prepared>> = LazyLock::new(|| {
    let api_key = |settings: &str| {
        let raw: RawApiKey = serde_yaml::from_str(settings).expect("the sample reads");
        Scheme::ApiKey(raw.try_into().expect("the sample is sound"))
    };
    let custom: RawCustom = serde_yaml::from_str(
        r#"
        inject:
          - { in: header, name: Authorization, value: "Token {app}:{key}" }
          - { in: header, name: X-App_Id, value: "{app}" }
          - { in: cookie, name: sid, value: "{key}" }
          - { in: query, name: app, value: "{app}" }
        "#,
    )
    .expect("the sample reads");
    let custom = Scheme::Custom(custom.try_into().expect("the sample is sound"));
    let key = &[("key", "0ur-s3cr3t")][..];
    let schemes = [
        ("none", Scheme::None, &[][..]),
        ("bearer", Scheme::Bearer, &[("token", "0ur-s3cr3t")]),
        ("basic", Scheme::Basic, &[("username", "us"), ("password", "0ur-s3cr3t")]),
        ("header", api_key("{ in: header, name: X-Api-Key }"), key),
        ("cookie", api_key("{ in: cookie, name: sid }"), key),
        ("query", api_key("{ in: query, name: api_key }"), key),
        ("custom", custom, &[("app", "us"), ("key", "0ur-s3cr3t")]),
    ];
    let prepared = |(name, scheme, fields): (_, Scheme, &[(&str, &str)])| {
        let credential = Credential::from_iter(fields.iter().copied());
        (name, scheme.prepare(&credential).expect("the sample fits its scheme"))
    };
    schemes.into_iter().map(prepared).collect()
});

/// Options in words on the first line (`bearer trace in-place`), then the request.
pub fn holds(input: &[u8]) {
    let (options, rest) = http_text::text_line(input);
    let Some((head, body)) = http_text::request(rest) else { return };
    let asks = Asks::of(&head.headers);
    let Ok(()) = proxy::check(&head, asks) else { return };
    let Ok(tags) = resolve::tags(&head) else { return };
    let prepared = options.split(' ').find_map(|it| PREPARED.get(it)).unwrap_or(&PREPARED["none"]);
    let has = |word: &str| options.split(' ').any(|it| it == word);
    let host = HeaderValue::from_static(HOST);
    let onward = |asks| Onward {
        asks,
        host: &host,
        prepared,
        proof: None,
        ignore: &tags.options.ignore,
        authorization_is_ours: has("in-place"),
        trace: has("trace").then(|| HeaderValue::from_static(TRACE)),
        is_websocket: is_websocket(&head),
        expects_continue: !body.is_empty() && says(&head.headers, "expect", "100-continue"),
    };
    let sent = proxy::outgoing(&head, &onward(asks));
    says_only_what_we_say(&head, &sent, &onward(asks));
    // OPTIONS counts its hops (RFC 9110 §7.6.2): the one number that we change.
    let uncounted = |mut fields: HeaderMap| {
        if head.method == Method::OPTIONS && fields.contains_key("max-forwards") {
            fields.insert("max-forwards", HeaderValue::from_static("counted"));
        }
        fields
    };
    assert_eq!(
        lines(&uncounted(others(&sent, prepared))),
        lines(&uncounted(expected(&head, &onward(asks))))
    );
    injects_once(&sent, prepared);

    // A second gateway of the same kind changes nothing more.
    let mut again = head.clone();
    again.headers = sent.clone();
    let onward = Onward { authorization_is_ours: false, ..onward(Asks::of(&sent)) };
    assert_eq!(
        lines(&uncounted(proxy::outgoing(&again, &onward))),
        lines(&uncounted(sent)),
        "filtered twice is not as once"
    );
}

fn says_only_what_we_say(head: &Parts, sent: &HeaderMap, onward: &Onward<'_>) {
    let all = |name: &str| -> Vec<&[u8]> {
        sent.get_all(name).iter().map(HeaderValue::as_bytes).collect()
    };
    assert_eq!(all("host"), [HOST.as_bytes()]);
    let (connection, upgrade): (&[&[u8]], &[&[u8]]) =
        match (onward.is_websocket, says(&head.headers, "te", "trailers")) {
            (true, _) => (&[b"upgrade"], &[b"websocket"]),
            (false, true) => (&[b"te"], &[]),
            (false, false) => (&[], &[]),
        };
    assert_eq!(all("connection"), connection);
    assert_eq!(all("upgrade"), upgrade);
    assert!(all("te").iter().all(|it| *it == b"trailers") && all("te").len() <= 1);
    assert_eq!(all("expect").len(), usize::from(onward.expects_continue));
    assert_eq!(all("traceparent").len(), usize::from(onward.trace.is_some()));
    let ours = ["host", "connection", "upgrade", "te", "expect", "traceparent"];
    for name in sent.keys().map(HeaderName::as_str).filter(|it| !ours.contains(it)) {
        assert!(!ends_here(name), "{name} goes on");
        assert!(
            onward.trace.is_some() || !["tracestate", "baggage"].contains(&name),
            "{name} goes on"
        );
    }
}

fn ends_here(name: &str) -> bool {
    let twins = |one: &str| name.len() == one.len() && name.replace('_', "-") == one;
    ENDING.contains(&name)
        || name.strip_prefix("attache").is_some_and(|it| {
            !it.starts_with(|it: char| it.is_ascii_alphanumeric()) && !it.is_empty()
        })
        || name.starts_with("proxy-")
        || ROUTING.iter().any(|it| twins(it))
        || name.replace('_', "-").starts_with("x-forwarded-")
}

/// What is sent less what we put there ourselves.
fn others(sent: &HeaderMap, prepared: &Prepared) -> HeaderMap {
    let mut others = sent.clone();
    for name in ["host", "connection", "upgrade", "te", "expect", "traceparent"] {
        others.remove(name);
    }
    for (name, _) in prepared.headers() {
        others.remove(name);
    }
    // The merged line is the cookie target's to look at.
    if prepared.injects_header(&http::header::COOKIE) {
        others.remove("cookie");
    }
    others
}

/// The caller's fields that have to be there, line for line.
fn expected(head: &Parts, onward: &Onward<'_>) -> HeaderMap {
    let listed: Vec<Vec<u8>> = head
        .headers
        .get_all("connection")
        .iter()
        .flat_map(|it| it.as_bytes().split(|it| *it == b','))
        .map(|it| it.trim_ascii().to_ascii_lowercase())
        .collect();
    let usual = ["close", "keep-alive", "upgrade", "te"];
    let is_stripped = |name: &str| {
        listed.iter().any(|it| it == name.as_bytes())
            && !KEPT.contains(&name)
            && !usual.contains(&name)
    };
    let mut expected = HeaderMap::new();
    for (name, value) in &head.headers {
        let text = name.as_str();
        let replaced =
            onward.prepared.headers().iter().any(|it| reading::is_cgi_twin(it.0.as_str(), text));
        let drops = ends_here(text)
            || replaced
            || is_stripped(text)
            || onward.ignore.contains(name)
            || text == "cookie" && onward.prepared.injects_header(name)
            || text == "authorization" && onward.authorization_is_ours
            || ["tracestate", "baggage"].contains(&text) && onward.trace.is_none();
        if !drops {
            expected.append(name.clone(), value.clone());
        }
    }
    // HTTP/2 sends a line per cookie (RFC 9113 §8.2.3).
    if head.version == Version::HTTP_2 {
        let cookies: Vec<&[u8]> =
            expected.get_all("cookie").iter().map(HeaderValue::as_bytes).collect();
        if cookies.len() > 1 {
            let joined = HeaderValue::from_bytes(&cookies.join(&b"; "[..])).expect("a field value");
            expected.insert("cookie", joined);
        }
    }
    expected
}

fn injects_once(sent: &HeaderMap, prepared: &Prepared) {
    for (name, value) in prepared.headers() {
        let there: Vec<_> =
            sent.iter().filter(|it| reading::is_cgi_twin(it.0.as_str(), name.as_str())).collect();
        assert!(matches!(&there[..], [(one, it)] if *one == name && *it == value), "{there:?}");
    }
    if prepared.injects_header(&http::header::COOKIE) {
        assert_eq!(sent.get_all("cookie").iter().count(), 1);
        assert!(sent["cookie"].as_bytes().starts_with(b"sid=0ur-s3cr3t"));
    }
}

fn is_websocket(head: &Parts) -> bool {
    head.version == Version::HTTP_11
        && head.method == Method::GET
        && says(&head.headers, "upgrade", "websocket")
        && says(&head.headers, "connection", "upgrade")
}

/// True where the field's list has this word.
fn says(headers: &HeaderMap, name: &str, word: &str) -> bool {
    headers.get_all(name).iter().any(|it| {
        let text = it.to_str().unwrap_or_default();
        text.split(',').any(|it| it.trim().eq_ignore_ascii_case(word))
    })
}
