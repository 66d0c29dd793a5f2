//! Small values, each with its parser: what is read prints, and what is printed reads the same.
use attache::catalog::BaseUrlTemplate;
use attache::catalog::VariableRules;
use attache::model::BaseUrl;
use attache::model::ByteSize;
use attache::model::Key;
use attache::model::Origin;
use attache::model::TenantId;
use attache::model::TimeSpan;
use attache::model::UnixTime;
use attache::resolve;
use attache::telemetry::TraceContext;
use attache::upstream;
use http::HeaderMap;
use http::HeaderValue;
use http::Uri;
use http::header::RETRY_AFTER;
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

pub fn holds(input: &[u8]) {
    if let Some(context) = TraceContext::parse(input) {
        let header = context.header();
        assert_eq!(TraceContext::parse(header.as_bytes()), Some(context));
    }
    is_a_wait(input);
    let Ok(text) = str::from_utf8(input) else { return };
    is_an_origin(text);
    is_a_base_url(text);
    is_a_template(text);
    if let Ok(span) = TimeSpan::try_from(text) {
        assert_eq!(TimeSpan::try_from(&*span.to_string()), Ok(span));
    }
    if let Ok(size) = ByteSize::try_from(text) {
        assert_eq!(ByteSize::try_from(&*size.to_string()), Ok(size));
    }
    if let Ok((key, tenant)) = resolve::named(text) {
        assert!(Key::try_from(key).is_ok());
        assert!(tenant.is_none_or(|it| TenantId::try_from(&*it).is_ok()));
        assert!(text.starts_with(key));
    }
    if let Ok(key) = Key::try_from(text) {
        assert_eq!(key.as_str(), text);
        let named = resolve::named(text).expect("a key alone is a name");
        assert_eq!(named, (text, None));
    }
}

/// `Retry-After`: seconds are what stands there, and a date comes nearer as time goes by.
fn is_a_wait(input: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(input) else { return };
    let headers = HeaderMap::from_iter([(RETRY_AFTER, value)]);
    let [now, later] = [784_111_770, 784_111_777]
        .map(|now| upstream::retry_after(&headers, UnixTime::from_s(now)));
    let text = String::from_utf8_lossy(input);
    let text = text.trim_ascii();
    if !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit()) {
        let seconds = text.parse().map_or(Duration::MAX, Duration::from_secs);
        assert_eq!((now, later), (Some(seconds), Some(seconds)), "{text:?}");
    } else if let Some(wait) = now {
        let later = later.expect("it was understood a moment ago");
        assert_eq!(later, wait.saturating_sub(Duration::from_secs(7)), "{text:?}");
    } else {
        assert_eq!(later, None);
    }
}

fn is_an_origin(text: &str) {
    let Ok(origin) = Origin::parse(text) else { return };
    let shown = origin.to_string();
    assert_eq!(Origin::parse(&shown).as_ref(), Ok(&origin), "{text:?} is shown as another one");
    assert!(!origin.host().contains(|it: char| it.is_ascii_uppercase() || "@/\\?#%*".contains(it)));
    let (one, other) = (Url::parse(text).expect("a URL"), Url::parse(&shown).expect("a URL"));
    assert_eq!(one.scheme(), other.scheme());
    assert_eq!(one.port_or_known_default(), other.port_or_known_default());
    assert_eq!(other.port_or_known_default(), Some(origin.port()));
}

fn is_a_base_url(text: &str) {
    let Ok(base) = BaseUrl::parse(text) else { return };
    let shown = base.to_string();
    assert_eq!(BaseUrl::parse(&shown).as_ref(), Ok(&base), "{text:?} is shown as another one");
    let prefix = base.prefix();
    assert!(prefix.is_empty() || prefix.starts_with('/') && !prefix.ends_with('/'), "{prefix:?}");
    assert!(!prefix.contains(['?', '#', '\\']) && prefix.bytes().all(|it| it > b' ' && it < 0x7f));
    assert!(text.contains(prefix), "the path is not as written");
    assert_eq!(base.host(), &*base.origin().authority());
    let url = Url::parse(&shown).expect("a base URL is a URL");
    let read = |path: &str| percent_decode_str(path).collect::<Vec<u8>>();
    assert_eq!(read(url.path().trim_end_matches('/')), read(prefix), "a URL parser reads another");
    assert!(prefix.is_empty() || Uri::try_from(prefix).is_ok(), "{prefix:?} is no target");
}

/// Filled with hostile values, a template makes a URL of its own shape or none.
fn is_a_template(text: &str) {
    let Ok(template) = BaseUrlTemplate::parse(text) else { return };
    assert_eq!(BaseUrlTemplate::parse(&template.to_string()).as_ref(), Ok(&template));
    let names: Vec<&str> = template.variables().collect();
    for value in
        ["x", "1", "..", ".", "a.b", "0x7f.1", "a/b", "@h", "%2e%2e", "..;x", "\\", "", "x:1"]
    {
        let values: BTreeMap<String, String> =
            names.iter().map(|it| ((*it).to_owned(), value.to_owned())).collect();
        let Ok(url) = template.expand(&VariableRules::default(), &values) else { continue };
        let filled = names.iter().fold(template.to_string(), |text, name| {
            text.replacen(&format!("{{{name}}}"), value, 1)
        });
        let direct = BaseUrl::parse(&filled).expect("as if it had been written so");
        assert_eq!(direct, url, "{text:?} with {value:?}");
        assert_eq!(url.prefix().matches('/').count(), filled_slashes(&template.to_string()));
    }
}

/// The slashes of the path, less those at its end.
fn filled_slashes(url: &str) -> usize {
    let rest = url.split_once("://").map_or("", |it| it.1);
    let path = rest.find('/').map_or("", |at| &rest[at..]);
    path.trim_end_matches('/').matches('/').count()
}
