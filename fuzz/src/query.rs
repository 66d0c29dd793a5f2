//! Query injection: exactly one parameter is ours, whoever reads it, and every other one is untouched.
use super::http_text;
use super::reading;
use attache::auth::ApiKey;
use attache::auth::Place;
use attache::auth::RawApiKey;
use attache::auth::Scheme;
use attache::model::Credential;
use http::Request;
use http::Uri;
use percent_encoding::percent_decode;

/// The parameter's name, the key, and the caller's query, a line each.
pub fn holds(input: &[u8]) {
    let (name, rest) = http_text::text_line(input);
    let (key, rest) = http_text::text_line(rest);
    let (caller, _) = http_text::text_line(rest);
    let raw = RawApiKey { r#in: Place::Query, name: name.into(), format: "{key}".into() };
    let Ok(scheme) = ApiKey::try_from(raw).map(Scheme::ApiKey) else { return };
    let Ok(prepared) = scheme.prepare(&Credential::from_iter([("key", key)])) else { return };
    // What reaches us has gone through this parser.
    let Ok(uri) = Uri::try_from(format!("/?{caller}")) else { return };
    let caller = uri.query().unwrap_or_default();

    let sent = prepared.query(Some(caller)).expect("there is something to inject");
    let uri = Uri::try_from(format!("/?{sent}")).expect("what is sent is a query");
    assert_eq!(uri.query(), Some(&*sent), "something of {sent:?} is no query");
    let (kept, ours) = sent.rsplit_once('&').map_or((None, &*sent), |it| (Some(it.0), it.1));
    let (own_name, own_key) = ours.split_once('=').expect("ours is a pair");
    assert_eq!(reading::strictly_decoded(own_name).as_deref(), Some(name));
    assert_eq!(reading::strictly_decoded(own_key).as_deref(), Some(key));

    let could_be_ours = |pair: &&str| {
        let written = pair.split('=').next().unwrap_or_default();
        reading::could_be(written.as_bytes(), name)
    };
    // Those who split at `&` alone, and those who split at `;` too.
    assert_eq!(sent.split('&').filter(could_be_ours).count(), 1, "{sent:?}");
    assert_eq!(sent.split(['&', ';']).filter(could_be_ours).count(), 1, "{sent:?}");
    let form = url::form_urlencoded::parse(sent.as_bytes());
    let form: Vec<_> = form.filter(|it| it.0.eq_ignore_ascii_case(name)).collect();
    assert!(matches!(&form[..], [only] if only.1 == key), "{form:?}");

    let others: Vec<&str> = caller.split(['&', ';']).filter(|it| !could_be_ours(it)).collect();
    let kept: Vec<&str> = kept.map_or(Vec::new(), |it| it.split(['&', ';']).collect());
    // A query that ends in `&` stands for no further pair, and an empty one for none at all.
    assert!(kept == others || [&kept[..], &[""]].concat() == others, "{caller:?} is {sent:?}");
    if !caller.split(['&', ';']).any(|it| could_be_ours(&it)) {
        let joint = if caller.is_empty() || caller.ends_with('&') { "" } else { "&" };
        assert_eq!(sent, format!("{caller}{joint}{ours}"), "what is not ours has changed");
    }
    let again = prepared.query(Some(&sent)).expect("there is something to inject");
    let pairs = |it: &str| -> Vec<String> {
        it.split('&').filter(|it| !it.is_empty()).map(str::to_owned).collect()
    };
    assert_eq!(pairs(&again), pairs(&sent), "injected twice is not as injected once");
    // Whoever reads it where it was put gets the key back.
    let (head, ()) = Request::get(uri).body(()).expect("a request").into_parts();
    let presented = scheme.presented_key(&head).map(|it| it.into_owned());
    assert_eq!(presented.as_deref(), Some(key.as_bytes()));
    assert_eq!(percent_decode(own_key.as_bytes()).collect::<Vec<u8>>(), key.as_bytes());
}
