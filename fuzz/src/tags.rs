//! Tags: never "pick one", never lost, and what is read is what was written.
use super::http_text;
use attache::model::Key;
use attache::model::TenantId;
use attache::resolve;
use attache::resolve::Selector;
use attache::resolve::Tags;
use http::HeaderMap;
use http::HeaderValue;
use http::Version;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use std::time::Duration;

/// Tags of which there may be one.
const SINGLE: [&str; 9] = [
    "attache-connection",
    "attache-tenant",
    "attache-environment",
    "attache-connector",
    "attache-base-url",
    "attache-force-refresh",
    "attache-test",
    "attache-timeout",
    "attache-retries",
];

/// Tags that may come in several lines, or that others look at.
const OTHERS: [&str; 4] =
    ["attache-variables", "attache-ignore-headers", "attache-key", "attache-request-id"];

/// What no caller may have dropped: where a message goes, and where it ends.
const FRAMING: [&str; 6] =
    ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te"];

pub fn holds(input: &[u8]) {
    let Some((head, _)) = http_text::request(input) else { return };
    let read = resolve::tags(&head);
    if has_what_is_refused(&head) {
        assert!(read.is_err(), "picked one of several, or overlooked one: {read:?}");
    }
    // `Connection` must not be able to lose a tag (RFC 9110 §7.6.1).
    let mut listing = head.clone();
    let names = "attache-connection, attache-tenant, attache-environment, attache-base-url";
    listing.headers.append("connection", HeaderValue::from_static(names));
    assert_eq!(resolve::tags(&listing), read, "Connection changes the tags");
    let mut reversed = head.clone();
    reversed.headers = backwards(&head.headers);
    match (&read, resolve::tags(&reversed)) {
        (Ok(tags), Ok(other)) => assert_eq!(*tags, other, "the order of fields changes the tags"),
        (Err(_), Err(_)) => {}
        (one, other) => panic!("the order of fields decides: {one:?}, {other:?}"),
    }
    match read {
        Ok(tags) => is_what_was_written(&head, &tags),
        Err(error) => assert!(!error.to_string().contains(char::is_control), "{error:?}"),
    }
}

fn has_what_is_refused(head: &Parts) -> bool {
    let headers = &head.headers;
    let count = |name: &str| headers.get_all(name).iter().count();
    let unknown = headers.keys().map(http::HeaderName::as_str).any(|name| {
        let mark = name.strip_prefix("attache").and_then(|it| it.chars().next());
        mark.is_some_and(|it| !it.is_ascii_alphanumeric())
            && !SINGLE.contains(&name)
            && !OTHERS.contains(&name)
    });
    let [connection, environment, connector] =
        ["attache-connection", "attache-environment", "attache-connector"].map(|it| count(it) > 0);
    let comma = SINGLE[..4].iter().any(|it| {
        headers.get_all(*it).iter().any(|it| it.as_bytes().iter().any(|it| b", \t".contains(it)))
    });
    let elsewhere = head.uri.authority().is_some_and(|it| {
        let host = headers.get("host").map(HeaderValue::as_bytes);
        it.as_str().contains('@')
            || host.is_some_and(|host| !host.eq_ignore_ascii_case(it.as_str().as_bytes()))
            || host.is_none() && head.version != Version::HTTP_2
    });
    unknown
        || comma
        || elsewhere
        || SINGLE.iter().any(|it| count(it) > 1)
        || connection && (environment || connector)
        || environment != connector
}

fn is_what_was_written(head: &Parts, tags: &Tags<'_>) {
    let field = |name: &str| head.headers.get(name).map(HeaderValue::as_bytes);
    let path = head.uri.path();
    let written = match tags.by {
        Selector::Connection(key) => {
            assert!(Key::is_valid(key.as_bytes()), "{key:?} is no key");
            if !tags.from_path {
                assert_eq!(field("attache-connection"), Some(key.as_bytes()));
            }
            format!("/c/{key}")
        }
        Selector::Environment { environment, connector } => {
            for key in [environment, connector] {
                assert!(Key::is_valid(key.as_bytes()), "{key:?} is no key");
            }
            if !tags.from_path {
                assert_eq!(field("attache-environment"), Some(environment.as_bytes()));
                assert_eq!(field("attache-connector"), Some(connector.as_bytes()));
            }
            format!("/e/{environment}/{connector}")
        }
    };
    let decoded =
        |text: &str| percent_decode_str(text).decode_utf8().ok().map(|it| it.into_owned());
    let named = field("attache-tenant").and_then(|it| decoded(str::from_utf8(it).ok()?));
    let tenant = if tags.from_path {
        let behind = path.strip_prefix(&*written).expect("the path begins with its tag");
        let segment = behind.strip_suffix(tags.rest).expect("the path ends with the rest");
        let own = segment.strip_prefix('@').map(|it| decoded(it).expect("a tenant in UTF-8"));
        assert!(own.is_some() || segment.is_empty(), "{segment:?} is lost");
        assert!(own.is_none() || named.is_none() || own == named, "two tenants are meant");
        assert!(["attache-connection", "attache-environment"].iter().all(|it| field(it).is_none()));
        own.or(named)
    } else {
        assert_eq!(tags.rest, path, "with header tags the path is the upstream's own");
        named
    };
    assert!(tags.rest.is_empty() || tags.rest.starts_with('/') || !tags.from_path);
    assert_eq!(tags.tenant.as_deref(), tenant.as_deref());
    assert!(tenant.is_none_or(|it| TenantId::is_valid(&it)));
    assert_eq!(tags.query, head.uri.query());

    let options = &tags.options;
    let day = Duration::from_hours(24);
    assert!(options.timeout.is_none_or(|it| Duration::ZERO < it && it <= day));
    assert!(options.retries.is_none_or(|it| it <= 10));
    assert!(options.ignore.len() <= 64 && options.variables.len() <= 64);
    assert!(options.ignore.iter().all(|it| !FRAMING.contains(&it.as_str())), "{options:?}");
    assert!(options.variables.iter().all(|it| !it.0.is_empty()));
    assert!(options.variables.iter().all(|it| !it.0.contains(char::is_control)));
    assert!(options.variables.iter().all(|it| !it.1.contains(char::is_control)));
}

/// The same fields, the last name first; those of one name stay in their order.
fn backwards(headers: &HeaderMap) -> HeaderMap {
    let mut names: Vec<_> = headers.keys().collect();
    names.reverse();
    let mut reversed = HeaderMap::new();
    for name in names {
        for value in headers.get_all(name) {
            reversed.append(name.clone(), value.clone());
        }
    }
    reversed
}
