//! The response's head and trailers on their way back: nothing of one hop, nothing in our name, no
//! reflected key; what is left is the upstream's own, line for line.
use super::http_text;
use super::http_text::lines;
use super::reading;
use attache::auth::Prepared;
use attache::auth::RawApiKey;
use attache::auth::Scheme;
use attache::model::Credential;
use attache::proxy;
use attache::server;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use regex::bytes::Regex;
use std::sync::LazyLock;

const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad90";
const KEY: &str = "s3cr3t/v lue";

/// Fields that an upstream puts URLs into.
const REFLECTING: [&str; 4] = ["location", "content-location", "link", "refresh"];

/// What is never a trailer's to say (RFC 9110 §6.5.1).
const NO_TRAILERS: [&str; 13] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "te",
    "trailer",
    "upgrade",
    "authorization",
    "cookie",
    "set-cookie",
    "content-type",
    "content-encoding",
    "expect",
];

static PREPARED: LazyLock<Prepared> = LazyLock::new(|| {
    let raw: RawApiKey =
        serde_yaml::from_str("{ in: query, name: api_key }").expect("the sample reads");
    let scheme = Scheme::ApiKey(raw.try_into().expect("the sample is sound"));
    scheme.prepare(&Credential::from_iter([("key", KEY)])).expect("the sample fits its scheme")
});

/// The key, each byte raw, encoded or encoded twice, in any mixture.
static SPELLED: LazyLock<Regex> = LazyLock::new(|| {
    let byte = |byte: u8| {
        let raw = regex::escape(&char::from(byte).to_string());
        let plus = if byte == b' ' { r"|\+" } else { "" };
        format!("(?:{raw}{plus}|%(?:25)?(?i:{byte:02x}))")
    };
    Regex::new(&KEY.bytes().map(byte).collect::<String>()).expect("the sample is a pattern")
});

/// Response fields, an empty line, trailers.
pub fn holds(input: &[u8]) {
    let (came, rest) = http_text::fields(input);
    let (trailers, _) = http_text::fields(rest);
    let id = HeaderValue::from_static(ID);
    let mut passed = came.clone();
    proxy::incoming(&mut passed, &PREPARED, &id);

    assert_eq!(passed.get_all("attache-request-id").iter().collect::<Vec<_>>(), [&id]);
    for name in passed.keys().map(HeaderName::as_str).filter(|it| *it != "attache-request-id") {
        let is_ours = name.strip_prefix("attache").is_some_and(|it| {
            !it.is_empty() && !it.starts_with(|it: char| it.is_ascii_alphanumeric())
        });
        assert!(!is_ours, "{name} speaks in our name");
        assert!(!is_of_one_hop(name), "{name} goes on");
        assert!(!is_listed(&came, name), "{name} goes on, which Connection lists");
    }
    for (name, value) in &passed {
        if REFLECTING.contains(&name.as_str()) {
            tells_nothing(value.as_bytes());
        }
    }
    let mut untouched = passed.clone();
    untouched.remove("attache-request-id");
    let mut expected = HeaderMap::new();
    for (name, value) in &came {
        let text = name.as_str();
        let drops = is_of_one_hop(text) || text.starts_with("attache") || is_listed(&came, text);
        if !drops {
            expected.append(name.clone(), value.clone());
        }
    }
    for name in REFLECTING {
        let all = |map: &HeaderMap| map.get_all(name).iter().cloned().collect::<Vec<_>>();
        let (before, after) = (all(&expected), all(&untouched));
        assert!(before.len() >= after.len());
        if !before.iter().any(|it| reflects(it.as_bytes())) {
            assert_eq!(before, after, "{name} has changed, and held nothing of ours");
        }
        expected.remove(name);
        untouched.remove(name);
    }
    assert_eq!(lines(&untouched), lines(&expected));

    let mut again = passed.clone();
    proxy::incoming(&mut again, &PREPARED, &id);
    assert_eq!(lines(&again), lines(&passed), "filtered twice is not as once");
    filters_trailers(&trailers);
}

fn is_of_one_hop(name: &str) -> bool {
    ["connection", "keep-alive", "te", "transfer-encoding", "upgrade"].contains(&name)
        || name.starts_with("proxy-")
}

/// Named by `Connection`, and not one that it must not be able to withdraw.
fn is_listed(headers: &HeaderMap, name: &str) -> bool {
    let kept = ["content-length", "set-cookie", "location", "te", "close"];
    let mut listed = headers.get_all("connection").iter().flat_map(|it| {
        it.as_bytes().split(|it| *it == b',').map(|it| it.trim_ascii().to_ascii_lowercase())
    });
    !kept.contains(&name) && listed.any(|it| it == name.as_bytes())
}

/// The parameter's name or the key is in it, in a spelling that could be ours.
fn reflects(text: &[u8]) -> bool {
    SPELLED.is_match(text)
        || text.split(|it| b"?&;#<>\" \t".contains(it)).any(|piece| {
            let name = piece.split(|it| *it == b'=').next().unwrap_or_default();
            reading::could_be(name, "api_key")
        })
}

fn tells_nothing(text: &[u8]) {
    let shown = String::from_utf8_lossy(text);
    assert!(!SPELLED.is_match(text), "{shown:?} reflects the key");
    // A plain URL: then every pair behind its `?` has a name.
    let is_url = !text.iter().any(|it| b"<>\" \t".contains(it));
    let query = text.iter().position(|it| *it == b'?').filter(|_| is_url);
    let query = query.map_or(&[][..], |at| &text[at + 1..]);
    for pair in query.split(|it| b"?&;#".contains(it)) {
        let name = pair.split(|it| *it == b'=').next().unwrap_or_default();
        assert!(!reading::could_be(name, "api_key"), "{shown:?} reflects the parameter");
    }
}

fn filters_trailers(came: &HeaderMap) {
    let injected = [HeaderName::from_static("x-api-key")];
    let passed = server::trailers(came.clone(), &injected);
    let refused = |name: &str| {
        NO_TRAILERS.contains(&name)
            || ["attache-", "attache_", "proxy-"].iter().any(|it| name.starts_with(it))
            || name.replace('_', "-") == "x-api-key"
    };
    assert!(!passed.keys().any(|it| refused(it.as_str())), "{passed:?}");
    let mut expected = came.clone();
    for name in came.keys().filter(|it| refused(it.as_str())) {
        expected.remove(name);
    }
    assert_eq!(lines(&passed), lines(&expected));
    assert_eq!(lines(&server::trailers(passed.clone(), &injected)), lines(&passed));
}
