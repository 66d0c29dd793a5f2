//! Published examples: RFC 5849 (IETF Trust), the test cases of wiki.oauth.net, the body hash extension, and a
//! vendor's documentation.
use super::super::percent;
use super::GET;
use super::Request;
use super::credential;
use super::own;
use super::signer;
use super::signer_with;
use http::Method;

/// As most of the examples have it.
const NO_VERSION: &str = "{ omit_version: true }";

/// RFC 5849 §3.4.1.1, in which §3.4.1.3.1's parameters are those of §3.4.1.3.2.
const EXAMPLE: Request<'_> = Request {
    method: Method::POST,
    url: "http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b",
    content_type: Some("application/x-www-form-urlencoded"),
    body: b"c2&a3=2+q",
};

#[test]
fn the_base_string_of_rfc_5849() {
    let signer = signer(
        NO_VERSION,
        "consumer_key=9djdj82h48djs9d2 consumer_secret=j49sk3j29djd token=kkk9d7dh3k39sjv7 token_secret=dh893hdasih9",
    );
    let own = own("137131201", "7d8f3e4a");
    assert_eq!(
        EXAMPLE.base_string(&signer, &own),
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q\
         %26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_\
         key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_m\
         ethod%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk\
         9d7dh3k39sjv7"
    );
    // Erratum 2550: what §3.4.1.1 prints is not this base string's signature.
    let sent = EXAMPLE.signed_as(&signer, &own);
    assert_eq!(sent.parameter("oauth_signature"), Some("r6%2FTJjbCOr97%2F%2BUU0NsvSne7s5g%3D"));
    assert_eq!(sent.query.as_deref(), Some("b5=%3D%253D&a3=a&c%40=&a2=r%20b"));
    assert_eq!(sent.body, b"c2&a3=2+q", "what was sent goes out as it was");
}

/// RFC 5849 §1.2: temporary credentials, the token, and a request with it.
#[test]
fn the_dance_of_rfc_5849() {
    let consumer = "consumer_key=dpf43f3p2l4k3l03 consumer_secret=kd94hf93k423kf44";
    let post = |url| Request { method: Method::POST, url, ..GET };
    let initiate = signer_with(
        "{ omit_version: true, realm: Photos }",
        &credential(consumer),
        &[("oauth_callback", "http://printer.example.com/ready")],
    );
    let sent = post("https://photos.example.net/initiate")
        .signed_as(&initiate, &own("137131200", "wIjqoS"));
    assert_eq!(
        sent.authorization.as_deref(),
        Some(
            "OAuth realm=\"Photos\", oauth_consumer_key=\"dpf43f3p2l4k3l03\", \
             oauth_signature_method=\"HMAC-SHA1\", \
             oauth_callback=\"http%3A%2F%2Fprinter.example.com%2Fready\", \
             oauth_timestamp=\"137131200\", oauth_nonce=\"wIjqoS\", \
             oauth_signature=\"74KNZJeDHnMBp0EMJ9ZHt%2FXKycU%3D\""
        )
    );

    let token = signer_with(
        NO_VERSION,
        &credential(&[consumer, "token=hh5s93j4hdidpola token_secret=hdhd0244k9j7ao03"].join(" ")),
        &[("oauth_verifier", "hfdp7dh39dks9884")],
    );
    let sent =
        post("https://photos.example.net/token").signed_as(&token, &own("137131201", "walatlh"));
    assert_eq!(sent.parameter("oauth_signature"), Some("gKgrFCywp7rO0OXSjdot%2FIHF7IU%3D"));

    let photo = signer(
        NO_VERSION,
        &[consumer, "token=nnch734d00sl2jdk token_secret=pfkkdhi9sl3r4s00"].join(" "),
    );
    let get =
        Request { url: "http://photos.example.net/photos?file=vacation.jpg&size=original", ..GET };
    let sent = get.signed_as(&photo, &own("137131202", "chapoH"));
    assert_eq!(sent.parameter("oauth_signature"), Some("MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D"));
}

/// RFC 5849 §2.1: `PLAINTEXT` has the two secrets for a signature.
#[test]
fn the_plain_text_of_rfc_5849() {
    let initiate = signer_with(
        "{ signature: plaintext, omit_version: true, realm: Example }",
        &credential("consumer_key=jd83jd92dhsh93js consumer_secret=ja893SD9"),
        &[("oauth_callback", "http://client.example.net/cb?x=1")],
    );
    let post = Request {
        method: Method::POST,
        url: "https://server.example.com/request_temp_credentials",
        ..GET
    };
    let sent = post.signed_as(&initiate, &own("1", "n"));
    assert_eq!(sent.parameter("oauth_signature"), Some("ja893SD9%26"));
    assert_eq!(
        sent.parameter("oauth_callback"),
        Some("http%3A%2F%2Fclient.example.net%2Fcb%3Fx%3D1")
    );
    // wiki.oauth.net, "Test cases": PLAINTEXT with `cs` and `ts`, whose signature is `cs&ts`.
    let both = signer(
        "{ signature: plaintext }",
        "consumer_key=k consumer_secret=cs token=t token_secret=ts",
    );
    assert_eq!(GET.signed_as(&both, &own("1", "n")).parameter("oauth_signature"), Some("cs%26ts"));
}

/// RFC 5849 §3.4.1.2.
#[test]
fn the_urls_of_rfc_5849() {
    let signer = signer("", "consumer_key=k consumer_secret=s");
    let url = |url| {
        let base = Request { url, ..GET }.base_string(&signer, &own("1", "n"));
        base.split('&').nth(1).unwrap().to_owned()
    };
    for (written, signed) in [
        ("http://EXAMPLE.COM:80/r%20v/X?id=123", "http%3A%2F%2Fexample.com%2Fr%2520v%2FX"),
        ("https://www.example.net:8080/?q=1", "https%3A%2F%2Fwww.example.net%3A8080%2F"),
        ("https://example.net:443/", "https%3A%2F%2Fexample.net%2F"),
        ("http://example.net:443/", "http%3A%2F%2Fexample.net%3A443%2F"),
        ("https://example.net:80/", "https%3A%2F%2Fexample.net%3A80%2F"),
        ("https://example.net", "https%3A%2F%2Fexample.net%2F"),
        ("https://[::1]:8443/a;b=1/c~d", "https%3A%2F%2F%5B%3A%3A1%5D%3A8443%2Fa%3Bb%3D1%2Fc~d"),
    ] {
        assert_eq!(url(written), signed, "{written}");
    }
}

/// wiki.oauth.net, "Test cases": parameter encoding, which is RFC 5849 §3.6.
#[test]
fn what_is_reserved_is_encoded() {
    for (text, encoded) in [
        ("abcABC123", "abcABC123"),
        ("-._~", "-._~"),
        ("%", "%25"),
        ("+", "%2B"),
        ("&=*", "%26%3D%2A"),
        ("\n", "%0A"),
        (" ", "%20"),
        ("\u{7f}", "%7F"),
        ("\u{80}", "%C2%80"),
        ("\u{3001}", "%E3%80%81"),
        ("", ""),
    ] {
        assert_eq!(percent::encoded(text), encoded);
    }
}

/// wiki.oauth.net, "Test cases", with what else queries have in them: what stands between the parameters of the
/// protocol and the end of the base string.
#[test]
fn parameters_are_read_as_servers_read_them() {
    let signer = signer("", "consumer_key=k consumer_secret=s");
    let normal = |query: &str| {
        let url = format!("https://api.example/?{query}");
        let base = Request { url: &url, ..GET }.base_string(&signer, &own("1", "n"));
        let normal = base.rsplit('&').next().unwrap().replace("%3D", "=").replace("%26", "&");
        let protocol = "&oauth_consumer_key=k&oauth_nonce=n&oauth_signature_method=HMAC-SHA1&oauth_timestamp=1&oauth_version=1.0";
        let normal = ["&", &normal.replace("%25", "%")].concat();
        normal.replace(protocol, "").trim_start_matches('&').to_owned()
    };
    for (query, parameters) in [
        ("name", "name="),
        ("a=b", "a=b"),
        ("a=b&c=d", "a=b&c=d"),
        ("a=x!y&a=x+y", "a=x%20y&a=x%21y"),
        ("x!y=a&x=a", "x=a&x%21y=a"),
        // Repeated, empty, without a name, and nothing at all.
        ("a=2&a=1&a=1", "a=1&a=1&a=2"),
        ("a=&a&b", "a=&a=&b="),
        ("&&a=1&&", "a=1"),
        ("a=b=c", "a=b%3Dc"),
        // A name comes before a longer one, whatever stands behind it.
        ("a-b=1&a=2&a.=3", "a=2&a-b=1&a.=3"),
        // Spaces and plus signs.
        ("q=a%20b+c%2Bd", "q=a%20b%20c%2Bd"),
        // The same octets, however they are written: upper case, and what need not be encoded is not.
        ("q=%7e%2D%2d%c3%a9&r=é", "q=~--%C3%A9&r=%C3%A9"),
        ("q=%e3%80%81", "q=%E3%80%81"),
        // Not UTF-8: the octets.
        ("q=%FF%00", "q=%FF%00"),
        // No escape: the characters.
        ("q=%zz&r=%&s=%4", "q=%25zz&r=%25&s=%254"),
        ("a[]=1&a[0]=2", "a%5B%5D=1&a%5B0%5D=2"),
        ("a;b=1", "a%3Bb=1"),
        ("zoë=ü", "zo%C3%AB=%C3%BC"),
    ] {
        assert_eq!(normal(query), parameters, "{query}");
    }
}

/// wiki.oauth.net, "Test cases": keys of consumer and token.
#[test]
fn the_request_of_the_first_edition() {
    let signer = signer(
        "",
        "consumer_key=dpf43f3p2l4k3l03 consumer_secret=kd94hf93k423kf44 token=nnch734d00sl2jdk token_secret=pfkkdhi9sl3r4s00",
    );
    let get =
        Request { url: "http://photos.example.net/photos?file=vacation.jpg&size=original", ..GET };
    let own = own("1191242096", "kllo9940pd9333jh");
    assert_eq!(
        get.base_string(&signer, &own),
        "GET&http%3A%2F%2Fphotos.example.net%2Fphotos&file%3Dvacation.jpg%26oauth_consumer_key%3D\
         dpf43f3p2l4k3l03%26oauth_nonce%3Dkllo9940pd9333jh%26oauth_signature_method%3DHMAC-SHA1%26\
         oauth_timestamp%3D1191242096%26oauth_token%3Dnnch734d00sl2jdk%26oauth_version%3D1.0%26\
         size%3Doriginal"
    );
    let sent = get.signed_as(&signer, &own);
    assert_eq!(sent.parameter("oauth_signature"), Some("tR3%2BTy81lMeYAr%2FFid0kMTYa%2FWM%3D"));
}

/// Twitter, "Creating a signature": as it was published for version 1 of the API, and for 1.1.
#[test]
fn a_vendors_example() {
    let signer = signer(
        "",
        "consumer_key=xvz1evFS4wEEPTGEFPHBog \
         consumer_secret=kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw \
         token=370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb \
         token_secret=LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
    );
    let own = own("1318622958", "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg");
    for (url, signature) in [
        (
            "https://api.twitter.com/1/statuses/update.json?include_entities=true",
            "tnnArxj06cWHq44gCs1OSKk%2FjLY%3D",
        ),
        (
            "https://api.twitter.com/1.1/statuses/update.json?include_entities=true",
            "hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D",
        ),
    ] {
        let post = Request {
            method: Method::POST,
            url,
            content_type: Some("application/x-www-form-urlencoded"),
            body: b"status=Hello%20Ladies%20%2b%20Gentlemen%2c%20a%20signed%20OAuth%20request%21",
        };
        let sent = post.signed_as(&signer, &own);
        assert_eq!(sent.parameter("oauth_signature"), Some(signature), "{url}");
    }
}

/// OAuth Request Body Hash 1.0, draft 4 (E. Eaton, 2009), appendix A: the digests of `Hello World!` and of no body.
#[test]
fn the_body_hashes_of_the_extension() {
    let signer = signer("{ body_hash: true }", "consumer_key=k consumer_secret=s token=t");
    for (body, hash) in [
        (&b"Hello World!"[..], "Lve95gjOVATpfV8EL5X4nxwjKHE%3D"),
        (b"", "2jmj7l5rSw0yVb%2FvlWAYkK%2FYBwk%3D"),
    ] {
        let put = Request { method: Method::PUT, content_type: Some("text/plain"), body, ..GET };
        let sent = put.signed(&signer).unwrap();
        assert_eq!(sent.parameter("oauth_body_hash"), Some(hash));
    }
}
