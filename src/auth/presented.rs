//! The caller key in the credential's place, for clients that can send nothing else.
//!
//! Wherever a scheme that injects takes a key from, its own value replaces it: the name read here is
//! the name injected.
use super::cookie;
use super::query;
use super::slot::Slot;
use super::template::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::HeaderName;
use http::header::AUTHORIZATION;
use http::request::Parts;
use std::borrow::Cow;

/// What stands in the slot, in the template's form.
pub(super) fn in_slot<'h>(slot: &Slot, form: &Template, head: &'h Parts) -> Option<Cow<'h, [u8]>> {
    match slot {
        Slot::Header(name) => {
            let value = only_value(&head.headers, name)?;
            // A caller key has no space (docs/contract.md §3), so one that seems to is an auth-scheme
            // before it: an SDK says `token …` or `Basic …` where the API takes `Bearer …` too.
            let key = form.extract(value).filter(|it| !it.contains(&b' '));
            key.or_else(|| if *name == AUTHORIZATION { after_scheme(value) } else { None })
        }
        Slot::Query(name) => {
            let pairs = query::pieces(head.uri.query()?).map(|it| it.1);
            let mut ours = pairs.filter(|it| query::spells(it, name));
            let value = ours.next()?.split_once('=')?.1;
            if ours.next().is_some() {
                return None;
            }
            match query::decode(value.as_bytes()) {
                Cow::Borrowed(value) => form.extract(value),
                Cow::Owned(value) => Some(form.extract(&value)?.into_owned().into()),
            }
        }
        Slot::Cookie(name) => form.extract(cookie::value(&head.headers, name)?),
    }
}

/// The key in the Authorization field, under any auth-scheme.
pub(super) fn in_authorization(headers: &HeaderMap) -> Option<Cow<'_, [u8]>> {
    after_scheme(only_value(headers, &AUTHORIZATION)?)
}

/// The field's value, if it was sent once.
fn only_value<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.as_bytes())
}

/// Basic: the password, or the user name where the password is empty, as with `curl -u key:`.
/// Anything else: what follows the auth-scheme, or all of it where there is none.
fn after_scheme(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let value = value.trim_ascii();
    let Some(space) = value.iter().position(|it| *it == b' ') else {
        return (!value.is_empty()).then_some(value.into());
    };
    let (scheme, rest) = (&value[..space], value[space..].trim_ascii());
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return Some(rest.into());
    }
    let mut pair = STANDARD.decode(rest).ok()?;
    let colon = pair.iter().position(|it| *it == b':')?;
    if colon + 1 == pair.len() {
        pair.truncate(colon);
        return Some(pair.into());
    }
    Some(pair.split_off(colon + 1).into())
}

#[cfg(test)]
mod tests {
    use super::super::ApiKey;
    use super::super::Custom;
    use super::super::Place;
    use super::super::RawApiKey;
    use super::super::RawCustom;
    use super::super::RawInjection;
    use super::super::Scheme;
    use http::Request;

    const KEY: &str = "caller-key-of-16-bytes-or-more";

    fn api_key(place: Place, name: &str, format: &str) -> Scheme {
        let raw = RawApiKey { r#in: place, name: name.into(), format: format.into() };
        Scheme::ApiKey(ApiKey::try_from(raw).unwrap())
    }

    fn presented(scheme: &Scheme, uri: &str, headers: &[(&str, &str)]) -> Option<String> {
        let request =
            headers.iter().fold(Request::get(uri), |it, (name, value)| it.header(*name, *value));
        let (head, ()) = request.body(()).unwrap().into_parts();
        scheme.presented_key(&head).map(|it| String::from_utf8(it.to_vec()).unwrap())
    }

    #[test]
    fn the_caller_key_is_found_where_the_credential_goes() {
        let bearer = &format!("Bearer {KEY}");
        let token = &format!("token {KEY}");
        let bracketed = &format!("<{KEY}>");
        let cookie = &format!("a=1; sid={KEY}; b=2");
        let [in_password, as_user] = [
            "Basic eDpjYWxsZXIta2V5LW9mLTE2LWJ5dGVzLW9yLW1vcmU=", // x:KEY
            "Basic Y2FsbGVyLWtleS1vZi0xNi1ieXRlcy1vci1tb3JlOg==", // KEY:
        ];
        let authorization = &api_key(Place::Header, "Authorization", "Bearer {key}");
        let bare = &api_key(Place::Header, "Authorization", "{key}");
        let odd = &api_key(Place::Header, "X-Key", "<{key}>");
        let query = &api_key(Place::Query, "key", "{key}");
        let in_cookie = &api_key(Place::Cookie, "sid", "{key}");
        for (scheme, uri, name, value) in [
            (&Scheme::Bearer, "/", "authorization", bearer.as_str()),
            (&Scheme::Bearer, "/", "authorization", token),
            (&Scheme::None, "/", "authorization", bearer),
            (&Scheme::Bearer, "/", "authorization", in_password),
            (&Scheme::Basic, "/", "authorization", in_password),
            (&Scheme::Basic, "/", "authorization", as_user),
            (&Scheme::Basic, "/", "authorization", bearer),
            (authorization, "/", "authorization", bearer),
            (authorization, "/", "authorization", token),
            (authorization, "/", "authorization", KEY),
            (bare, "/", "authorization", KEY),
            (bare, "/", "authorization", bearer),
            (odd, "/", "x-key", bracketed),
            (query, "/?a=1&key=caller-key-of-16-bytes-or-more", "x-other", ""),
            (query, "/?KEY=caller%2dkey-of-16-bytes-or-more", "x-other", ""),
            (in_cookie, "/", "cookie", cookie),
        ] {
            assert_eq!(
                presented(scheme, uri, &[(name, value)]).as_deref(),
                Some(KEY),
                "{uri} {value}"
            );
        }
    }

    #[test]
    fn nothing_or_two_things_there_is_no_key() {
        let bearer = &format!("Bearer {KEY}");
        let query = &api_key(Place::Query, "key", "{key}");
        let header = &api_key(Place::Header, "X-Key", "{key}");
        assert_eq!(presented(&Scheme::None, "/", &[("x-key", bearer)]), None);
        assert_eq!(presented(&Scheme::Bearer, "/", &[]), None);
        assert_eq!(presented(&Scheme::Bearer, "/", &[("authorization", "")]), None);
        assert_eq!(presented(&Scheme::Basic, "/", &[("authorization", "Basic !")]), None);
        let twice = [("authorization", bearer.as_str()), ("authorization", bearer)];
        assert_eq!(presented(&Scheme::Bearer, "/", &twice), None);
        assert_eq!(presented(query, "/?key=a&key=b", &[]), None);
        assert_eq!(presented(query, "/", &[]), None);
        assert_eq!(presented(header, "/", &[("authorization", bearer)]), None);
    }

    #[test]
    fn a_custom_scheme_is_asked_placement_by_placement() {
        let inject = |name: &str, value: &str| RawInjection {
            r#in: Place::Header,
            name: name.into(),
            value: value.into(),
        };
        let inject =
            vec![inject("x-version", "2"), inject("x-app", "{app}"), inject("x-key", "{key}")];
        let scheme = Scheme::Custom(Custom::try_from(RawCustom { inject }).unwrap());
        assert_eq!(
            presented(&scheme, "/", &[("x-version", "2"), ("x-key", KEY)]).as_deref(),
            Some(KEY)
        );
    }
}
