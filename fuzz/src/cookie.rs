//! Cookie injection: one line, ours first and once, whoever reads it, and every other cookie untouched.
use super::http_text;
use super::reading;
use attache::auth::Custom;
use attache::auth::Place;
use attache::auth::Prepared;
use attache::auth::RawCustom;
use attache::auth::RawInjection;
use attache::auth::Scheme;
use attache::model::Credential;
use http::HeaderMap;
use http::HeaderValue;
use http::header::COOKIE;

/// White space and separators, which stand for no cookie.
const BLANK: &[u8] = b" \t\x0c;,";

/// `name=value name2=value2` on the first line, then the caller's Cookie lines.
pub fn holds(input: &[u8]) {
    let (settings, rest) = http_text::text_line(input);
    let ours: Vec<(&str, &str)> =
        settings.split(' ').filter_map(|it| it.split_once('=')).take(3).collect();
    // With a comma in it a value is several to some readers, and one name may be read as the other:
    // the operator's own doing.
    let is_read_as = |one: usize| {
        (0..ours.len()).any(|it| it != one && reading::could_be(ours[one].0.as_bytes(), ours[it].0))
    };
    if ours.iter().any(|it| it.1.contains(',')) || (0..ours.len()).any(is_read_as) {
        return;
    }
    let fields: Vec<String> = (0..ours.len()).map(|it| format!("f{it}")).collect();
    let inject = ours.iter().zip(&fields).map(|((name, _), field)| RawInjection {
        r#in: Place::Cookie,
        name: (*name).to_owned(),
        value: format!("{{{field}}}"),
    });
    let Ok(scheme) = Custom::try_from(RawCustom { inject: inject.collect() }) else { return };
    let credential = fields.iter().zip(&ours).map(|(field, (_, value))| (&**field, *value));
    let Ok(prepared) = Scheme::Custom(scheme).prepare(&Credential::from_iter(credential)) else {
        return;
    };
    let mut headers = HeaderMap::new();
    for line in rest.split(|it| *it == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line.trim_ascii()) {
            headers.append(COOKIE, value);
        }
    }
    let caller: Vec<Vec<u8>> =
        headers.get_all(COOKIE).iter().map(|it| it.as_bytes().to_vec()).collect();
    let headers = injected(&prepared, &headers);

    assert_eq!(headers.len(), 1, "one field, one line (RFC 6265 §5.4)");
    assert!(headers[COOKIE].is_sensitive());
    let sent = headers[COOKIE].as_bytes().to_vec();
    let own: Vec<String> = ours.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let own = own.join("; ");
    let kept = sent.strip_prefix(own.as_bytes()).expect("ours come first");
    assert!(kept.is_empty() || kept.starts_with(b"; "), "ours has grown");

    let is_separator = |it: &u8| matches!(it, b';' | b',');
    for (name, value) in &ours {
        // Those who split at `;` alone, and those who split at `,` too (RFC 2965 §3.3.4).
        let semicolons = named(sent.split(|it| *it == b';'), name);
        let both = named(sent.split(is_separator), name);
        assert_eq!(semicolons, [Some(value.as_bytes())], "{:?}", String::from_utf8_lossy(&sent));
        assert_eq!(both, [Some(value.as_bytes())], "{:?}", String::from_utf8_lossy(&sent));
    }
    let is_ours = |piece: &&[u8]| {
        let name = piece.split(|it| *it == b'=').next().unwrap_or_default();
        ours.iter().any(|it| reading::could_be(name.trim_ascii(), it.0))
    };
    let pieces = |line: &[u8]| -> Vec<Vec<u8>> {
        let pieces = line.split(is_separator).filter(|it| !is_ours(it)).map(<[u8]>::trim_ascii);
        pieces.filter(|it| !it.is_empty()).map(<[u8]>::to_vec).collect()
    };
    let others: Vec<Vec<u8>> = caller.iter().flat_map(|it| pieces(it)).collect();
    assert_eq!(pieces(kept), others, "another cookie has changed");
    if !caller.iter().any(|line| line.split(is_separator).any(|it| is_ours(&it))) {
        let mut whole = own.into_bytes();
        for line in &caller {
            let start = line.iter().position(|it| !BLANK.contains(it));
            if let Some(start) = start {
                whole.extend_from_slice(b"; ");
                whole.extend_from_slice(&line[start..]);
            }
        }
        assert_eq!(String::from_utf8_lossy(&sent), String::from_utf8_lossy(&whole));
    }
    let again = injected(&prepared, &headers);
    assert_eq!(again[COOKIE].as_bytes(), sent, "injected twice is not as injected once");
}

fn injected(prepared: &Prepared, headers: &HeaderMap) -> HeaderMap {
    let mut sent = HeaderMap::new();
    let mut onto = prepared.onto(|name, value| _ = sent.append(name, value.clone()));
    headers.iter().for_each(|(name, value)| onto.field(name, value));
    onto.end();
    sent
}

/// The values of the cookies that could be called `name`.
fn named<'c>(pieces: impl Iterator<Item = &'c [u8]>, name: &str) -> Vec<Option<&'c [u8]>> {
    let split = |piece: &'c [u8]| match piece.iter().position(|it| *it == b'=') {
        Some(at) => (&piece[..at], Some(piece[at + 1..].trim_ascii())),
        None => (piece, None),
    };
    let is_named = |it: &(&[u8], Option<&[u8]>)| reading::could_be(it.0.trim_ascii(), name);
    pieces.map(split).filter(is_named).map(|it| it.1).collect()
}
