//! Joining: whatever the path, the tags and the variables, the target lies below a base URL that the
//! connection allows, read as it is, decoded once or twice, or by a URL parser.
use super::http_text;
use super::reading;
use attache::catalog::Caller;
use attache::catalog::Fetched;
use attache::catalog::RawCatalog;
use attache::catalog::Snapshot;
use attache::model::BaseUrl;
use attache::model::Key;
use attache::proxy;
use attache::resolve;
use attache::resolve::Puts;
use attache::resolve::ResolveError;
use attache::resolve::Target;
use http::HeaderValue;
use std::sync::Arc;
use std::sync::LazyLock;
use url::Url;

const CATALOG: &str = r#"
connectors:
  api:
    base_url: https://api.example.com/v1
    auth:
      header: { api_key: { in: header, name: X-Api-Key } }
      query: { api_key: { in: query, name: api_key } }
  shop:
    base_url: https://{shop}.shop.example/{version}/x
    variables:
      shop: { pattern: "[a-z0-9-]+", default: acme }
      version: { default: v2 }
    auth:
      header: { api_key: { in: header, name: X-Api-Key } }
callers:
  limited: { key: 0123456789abcdef, paths: [/public/*] }
connections:
  plain: { connector: api, auth: header, credentials: { key: 0ur-s3cr3t } }
  query: { connector: api, auth: query, credentials: { key: 0ur-s3cr3t } }
  root: { connector: api, auth: header, base_url: "https://root.example.com", credentials: { key: 0ur-s3cr3t } }
  shop: { connector: shop, auth: header, credentials: { key: 0ur-s3cr3t } }
  wide:
    connector: api
    auth: header
    allowed_origins: ["https://other.example.com", "http://127.0.0.1:8081"]
    credentials: { key: 0ur-s3cr3t }
  customers: { connector: shop, auth: header, embedded: true }
activations:
  - connection: customers
    tenant: acme
    variables: { shop: tenant-acme }
    credentials: { key: 0ur-s3cr3t }
"#;

static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| {
    let raw: RawCatalog = serde_yaml::from_str(CATALOG).expect("the sample reads");
    Snapshot::build(raw, &mut Vec::new()).expect("the sample is sound")
});

static UNLIMITED: LazyLock<Caller> = LazyLock::new(|| {
    let key = Key::try_from("unlimited").expect("the sample is a key");
    Caller::unlimited(key)
});

/// The one that may ask for nothing but `/public/*`.
fn limited() -> &'static Arc<Caller> {
    use sha2::Digest;
    let hash: [u8; 32] = sha2::Sha256::digest(b"0123456789abcdef").into();
    &SNAPSHOT.caller_key(&hash).expect("the sample has a caller").caller
}

/// Where each connection's credential may go: origins, and the prefix on its own one.
fn may_go(connection: &str, base: &BaseUrl) -> bool {
    let own = |prefix: &str| {
        let below = base.prefix().strip_prefix(prefix);
        below.is_some_and(|it| it.is_empty() || it.starts_with('/'))
    };
    let origin = base.origin().to_string();
    match connection {
        "plain" | "query" => origin == "https://api.example.com" && own("/v1"),
        "root" => origin == "https://root.example.com",
        "wide" => match &*origin {
            "https://api.example.com" => own("/v1"),
            origin => ["https://other.example.com", "http://127.0.0.1:8081"].contains(&origin),
        },
        // Its variables are the caller's to set: below the shops' own domain, one label deep.
        "shop" => {
            let shop =
                origin.strip_prefix("https://").and_then(|it| it.strip_suffix(".shop.example"));
            let label = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
            shop.is_some_and(|it| !it.is_empty() && it.bytes().all(label))
                && base.prefix().split('/').nth(2) == Some("x")
        }
        "customers" => {
            origin == "https://tenant-acme.shop.example"
                && base.prefix().split('/').nth(2) == Some("x")
        }
        other => panic!("there is no connection {other}"),
    }
}

pub fn holds(input: &[u8]) {
    let Some((mut head, _)) = http_text::request(input) else { return };
    if resolve::tags(&head) == Err(ResolveError::Untagged) {
        head.headers.insert("attache-connection", HeaderValue::from_static("plain"));
    }
    let Ok(tags) = resolve::tags(&head) else { return };
    let by_limited = resolve::resolve(&SNAPSHOT, &tags, limited(), &head.method, Fetched::NoStore);
    let target =
        match resolve::resolve(&SNAPSHOT, &tags, &UNLIMITED, &head.method, Fetched::NoStore) {
            Ok(target) => target,
            Err(error) => {
                assert!(by_limited.is_err(), "a limited caller may do more");
                assert!(!error.to_string().contains(char::is_control), "{error:?}");
                let is_plain = is_plain_path(tags.rest);
                assert!(
                    error != ResolveError::PathEscapes || !is_plain,
                    "{:?} is refused",
                    tags.rest
                );
                return;
            }
        };
    assert_eq!(target.path, joined(&target, tags.rest));
    stays_below(target, tags.query);
    if by_limited.is_ok() {
        for reading in reading::readings(tags.rest.as_bytes()) {
            let path = String::from_utf8_lossy(&reading).replace('\\', "/");
            assert!(path.starts_with("/public/"), "a limited caller gets at {path:?}");
        }
    }
}

/// Nothing is decoded, added or lost on the way from the request line to the target.
fn joined(target: &Target<'_>, rest: &str) -> String {
    let joined = [target.base.prefix(), rest].concat();
    if joined.is_empty() { "/".to_owned() } else { joined }
}

fn stays_below(mut target: Target<'_>, query: Option<&str>) {
    let connection = target.connection.key.to_string();
    let base = target.base.clone().into_owned();
    assert!(may_go(&connection, &base), "{connection} goes to {base}");
    let path = target.path.clone();
    let below = path.strip_prefix(base.prefix()).expect("the path begins with the base URL's");
    assert!(below.is_empty() || below.starts_with('/'), "{path:?} grows together");
    assert!(!path.starts_with("//") && !path.starts_with("/\\"), "{path:?} names a host");
    for reading in reading::readings(below.as_bytes()) {
        assert!(!reading::has_dot_segment(&reading), "{path:?} leaves {base}");
    }
    let Puts::Prepared(prepared) = target.puts else { return };
    let Ok(uri) = proxy::uri(&mut target, prepared, query) else { return };
    assert_eq!(uri.authority(), None, "{path:?} names a host");
    assert_eq!(uri.path(), path);
    if connection != "query" {
        assert_eq!(uri.query(), query, "the query is not what was sent");
        assert_eq!(prepared.query(query), None);
    }
    // As a URL parser of the WHATWG's kind reads it, which takes `\` for `/` and drops dot segments.
    let url = Url::parse(&format!("{}{uri}", base.origin())).expect("the target makes a URL");
    let origin = Url::parse(&base.origin().to_string()).expect("an origin is a URL");
    assert_eq!(url.origin(), origin.origin(), "{uri} goes elsewhere");
    assert_eq!((url.username(), url.password()), ("", None));
    let read = url.path().strip_prefix(base.prefix());
    assert!(read.is_some_and(|it| it.is_empty() || it.starts_with('/')), "{uri} leaves {base}");
}

/// True where nobody could read anything into the path: it has to pass.
fn is_plain_path(path: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_~!$&'()*+,=:@/%".contains(&it);
    let escape = |it: &str| it.len() >= 2 && it.bytes().take(2).all(|it| it.is_ascii_hexdigit());
    let decoded = reading::readings(path.as_bytes());
    path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(plain)
        && path.split('%').skip(1).all(escape)
        && decoded.iter().all(|it| it.is_ascii() && !it.contains(&b'.'))
}
