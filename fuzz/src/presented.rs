//! Caller keys: only the whole key, byte for byte, in one place or the same in two; and wherever it
//! stood, the upstream never gets it.
use super::http_text;
use attache::catalog::Fetched;
use attache::catalog::RawCatalog;
use attache::catalog::Snapshot;
use attache::proxy;
use attache::proxy::Asks;
use attache::proxy::KnownCallers;
use attache::proxy::Onward;
use attache::resolve;
use attache::resolve::Puts;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::HeaderMap;
use http::HeaderValue;
use http::request::Parts;
use percent_encoding::percent_decode;
use std::sync::LazyLock;

const ALICE: &str = "alices-key-0123456789";
/// Has Alice's key in front, may use the one connection.
const BOB: &str = "alices-key-0123456789-bob";

const CATALOG: &str = r#"
connectors:
  api:
    base_url: https://api.example.com
    auth:
      none: { none: {} }
      basic: { basic: {} }
      bearer: { bearer: {} }
      header: { api_key: { in: header, name: X-Api-Key } }
      query: { api_key: { in: query, name: api_key } }
      cookie: { api_key: { in: cookie, name: sid } }
      custom: { custom: { inject: [ { in: header, name: X-App, value: "app {key}" }, { in: query, name: k, value: "{key|base64}" } ] } }
callers:
  alice: { key: alices-key-0123456789 }
  bob: { key: alices-key-0123456789-bob, connections: [header] }
connections:
  none: { connector: api, auth: none }
  basic: { connector: api, auth: basic, credentials: { username: us, password: 0ur-s3cr3t } }
  bearer: { connector: api, auth: bearer, credentials: { token: 0ur-s3cr3t } }
  header: { connector: api, auth: header, credentials: { key: 0ur-s3cr3t } }
  query: { connector: api, auth: query, credentials: { key: 0ur-s3cr3t } }
  cookie: { connector: api, auth: cookie, credentials: { key: 0ur-s3cr3t } }
  custom: { connector: api, auth: custom, credentials: { key: 0ur-s3cr3t } }
"#;

static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| {
    let raw: RawCatalog = serde_yaml::from_str(CATALOG).expect("the sample reads");
    Snapshot::build(raw, &mut Vec::new()).expect("the sample is sound")
});

pub fn holds(input: &[u8]) {
    let Some((head, _)) = http_text::request(input) else { return };
    let asks = Asks::of(&head.headers);
    let known = KnownCallers::default();
    let first = proxy::by_header(&known, &SNAPSHOT, &head.headers, asks);
    let second = proxy::by_header(&known, &SNAPSHOT, &head.headers, asks);
    let name = |it: &Result<Option<_>, _>| match it {
        Ok(caller) => Ok(caller.as_ref().map(caller_name)),
        Err(_) => Err(()),
    };
    assert_eq!(name(&first), name(&second), "a caller that is known already is another one");
    assert_eq!(name(&first), model(&head.headers), "{:?}", head.headers);
    let Ok(tags) = resolve::tags(&head) else { return };
    let in_place = matches!(first, Ok(None));
    let caller = match first {
        Err(_) => return,
        Ok(Some(caller)) => caller,
        Ok(None) => match proxy::by_credential_place(&known, &SNAPSHOT, &head, &tags) {
            Err(_) => return,
            Ok(caller) => {
                assert!(
                    tags.from_path,
                    "without a path tag nothing stands in the credential's place"
                );
                let key = if caller_name(&caller) == "alice" { ALICE } else { BOB };
                assert!(shows(&head, key), "nobody sent {key:?}: {head:?}");
                caller
            }
        },
    };
    let Ok(mut target) =
        resolve::resolve(&SNAPSHOT, &tags, &caller, &head.method, Fetched::NoStore)
    else {
        return;
    };
    let Puts::Prepared(prepared) = target.puts else { return };
    let Ok(uri) = proxy::uri(&mut target, prepared, tags.query) else { return };
    let host = HeaderValue::from_static("api.example.com");
    let onward = Onward {
        asks,
        host: &host,
        prepared,
        proof: None,
        ignore: &[],
        authorization_is_ours: in_place,
        trace: None,
        is_websocket: false,
        expects_continue: false,
    };
    let sent = proxy::outgoing(&head, &onward);
    // Where a key was sent once, that was the place it was taken from, and there it is replaced.
    let (headers, query) = (&head.headers, head.uri.query().unwrap_or_default());
    let path = uri.path();
    if tellings(headers, query) == 1 && tellings(&HeaderMap::new(), head.uri.path()) == 0 {
        assert_eq!(tellings(&sent, ""), 0, "the upstream gets the caller key");
        let query = uri.query().unwrap_or_default();
        assert_eq!(tellings(&HeaderMap::new(), query), 0, "the upstream gets it in {path}?{query}");
    }
}

fn caller_name(caller: &std::sync::Arc<attache::catalog::Caller>) -> String {
    caller.key.to_string()
}

/// Whose key stands in `Attache-Key` and `Proxy-Authorization`, by a reading of its own.
fn model(headers: &HeaderMap) -> Result<Option<String>, ()> {
    let who = |key: &[u8]| match key {
        _ if key == ALICE.as_bytes() => Ok(Some("alice".to_owned())),
        _ if key == BOB.as_bytes() => Ok(Some("bob".to_owned())),
        _ => Err(()),
    };
    let own: Vec<&[u8]> = headers.get_all("attache-key").iter().map(|it| it.as_bytes()).collect();
    let proxy: Vec<&[u8]> =
        headers.get_all("proxy-authorization").iter().map(|it| it.as_bytes()).collect();
    let own = match own[..] {
        [] => Ok(None),
        [one] => who(one),
        _ => Err(()),
    }?;
    let proxy = match proxy[..] {
        [] => return Ok(own),
        [one] => {
            let (scheme, key) = one.split_at_checked(7).ok_or(())?;
            if scheme.eq_ignore_ascii_case(b"bearer ") { who(key.trim_ascii()) } else { Err(()) }
        }
        _ => Err(()),
    }?;
    if own.is_none() || own == proxy { Ok(proxy) } else { Err(()) }
}

/// True where the key is somewhere on the head, as it is or in a way that its place is written in.
fn shows(head: &Parts, key: &str) -> bool {
    let query = head.uri.query().unwrap_or_default();
    let texts = head.headers.values().map(HeaderValue::as_bytes).chain([query.as_bytes()]);
    texts.flat_map(words).any(|it| times(it, key) > 0)
}

/// How often a caller key is told, in whatever way. (Bob's key has Alice's in it.)
fn tellings(headers: &HeaderMap, query: &str) -> usize {
    let texts = headers.values().map(HeaderValue::as_bytes).chain([query.as_bytes()]);
    texts.flat_map(words).map(|it| times(it, ALICE)).sum()
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|it| b" =;&,\"".contains(it))
}

/// How often the key is in the word: as it is, percent-encoded, or in base64.
fn times(word: &[u8], key: &str) -> usize {
    let count = |text: &[u8]| text.windows(key.len()).filter(|it| *it == key.as_bytes()).count();
    let decoded: Vec<u8> = percent_decode(word).collect();
    let unpadded = |text: &[u8]| STANDARD_NO_PAD.decode(text).map_or(0, |it| count(&it));
    count(&decoded) + unpadded(&decoded)
}
