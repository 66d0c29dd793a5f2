//! Schemes and credentials as an operator writes them: what is accepted goes on the wire as it is
//! rendered, what is not is refused without its value.
use super::reading;
use attache::auth::Custom;
use attache::auth::Place;
use attache::auth::RawCustom;
use attache::auth::RawInjection;
use attache::auth::Scheme;
use attache::model::Credential;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::HeaderName;
use std::collections::BTreeMap;

/// What a value has to begin with for the target to look for it in messages.
const MARK: &str = "s3cr3t";

/// `header X-Key Bearer {key}` lines, an empty line, `key=value` lines.
pub fn holds(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let (settings, values) = text.split_once("\n\n").unwrap_or((text, ""));
    let inject: Vec<RawInjection> = settings.lines().take(8).filter_map(injection).collect();
    let values: BTreeMap<&str, &str> =
        values.split('\n').filter_map(|it| it.split_once('=')).collect();
    let written = [settings.to_owned(), values.keys().copied().collect::<String>()].concat();
    // A header's name is shown in lower case.
    let written = written.to_lowercase();
    let tells = |text: &str| text.contains(MARK) && !written.contains(MARK);

    let scheme = match Custom::try_from(RawCustom { inject: inject.clone() }) {
        Ok(scheme) => Scheme::Custom(scheme),
        Err(errors) => {
            assert!(!errors.is_empty());
            assert!(
                errors.iter().all(|it| !it.to_string().is_empty() && !it.fault.hint().is_empty())
            );
            return;
        }
    };
    let credential = Credential::from_iter(values.iter().map(|it| (*it.0, *it.1)));
    let prepared = match scheme.prepare(&credential) {
        Ok(prepared) => prepared,
        Err(errors) => {
            assert!(!errors.is_empty());
            assert!(errors.iter().all(|it| !tells(&it.to_string()) && !tells(&it.hint())));
            return;
        }
    };
    assert!(!tells(&format!("{prepared:?} {scheme:?} {credential:?}")), "a value is printed");
    assert!(scheme.fields().iter().all(|it| values.contains_key(it)));

    let mut headers = HeaderMap::new();
    prepared.onto(|name, value| _ = headers.append(name, value.clone())).end();
    let of = |place: Place| {
        let here = inject.iter().filter(move |it| it.r#in == place);
        here.map(|it| (&*it.name, rendered(&it.value, &values)))
    };
    for (name, value) in of(Place::Header) {
        let name = HeaderName::try_from(name).expect("the name was accepted");
        let sent: Vec<_> = headers.get_all(&name).iter().collect();
        assert!(matches!(&sent[..], [one] if one.as_bytes() == value.as_bytes()), "{sent:?}");
        assert!(!value.chars().any(char::is_control), "{value:?} goes on the wire");
        assert_eq!(value.trim_matches([' ', '\t']), value, "an end that is lost on the way");
    }
    let query = prepared.query(None).unwrap_or_default();
    let pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|it| !it.is_empty())
        .map(|it| it.split_once('=').expect("a pair"))
        .map(|it| (strictly(it.0), strictly(it.1)))
        .collect();
    let due: Vec<_> = of(Place::Query).map(|(name, value)| (name.to_owned(), value)).collect();
    assert_eq!(pairs, due);
    let cookies: Vec<String> = of(Place::Cookie).map(|it| format!("{}={}", it.0, it.1)).collect();
    if !cookies.is_empty() {
        assert_eq!(headers["cookie"], cookies.join("; "));
        assert!(!cookies.iter().any(|it| it.contains([';', ' ']) || it.contains(char::is_control)));
    }
    assert!(headers.values().all(http::HeaderValue::is_sensitive));
}

fn injection(line: &str) -> Option<RawInjection> {
    let mut words = line.splitn(3, ' ');
    let place = match words.next()? {
        "header" => Place::Header,
        "query" => Place::Query,
        "cookie" => Place::Cookie,
        _ => return None,
    };
    let (name, value) = (words.next()?.to_owned(), words.next().unwrap_or("{key}").to_owned());
    Some(RawInjection { r#in: place, name, value })
}

fn strictly(text: &str) -> String {
    reading::strictly_decoded(text).expect("percent-encoded as RFC 3986 §2.3 has it")
}

/// The template filled in, by a reading of its own: a brace that is doubled is one, and what stands
/// between two is a field.
fn rendered(template: &str, values: &BTreeMap<&str, &str>) -> String {
    let mut text = String::new();
    let mut rest = template.chars();
    while let Some(next) = rest.next() {
        let doubled = rest.as_str().starts_with(next);
        match next {
            '{' | '}' if doubled => {
                rest.next();
                text.push(next);
            }
            '{' => {
                let inner: String = rest.by_ref().take_while(|it| *it != '}').collect();
                match inner.split_once('|') {
                    Some((name, _)) => text.push_str(&STANDARD.encode(values[name])),
                    None => text.push_str(values[&*inner]),
                }
            }
            _ => text.push(next),
        }
    }
    text
}
