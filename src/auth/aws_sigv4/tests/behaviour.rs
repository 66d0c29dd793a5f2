//! What is signed, put on, left alone and refused.
use super::request::NOW;
use super::request::Request;
use super::request::Sent;
use super::request::prepared;
use super::request::raw;
use super::request::scheme;
use super::request::signer;
use crate::auth::AwsSigv4;
use crate::auth::BodyUse;
use crate::auth::ChunkError;
use crate::auth::Prepared;
use crate::auth::SignError;
use crate::auth::Signer;
use crate::model::Credential;

const HOST: &str = "bucket.s3.eu-west-1.amazonaws.com";
const OF_HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn key(settings: &str) -> Prepared {
    prepared(raw(settings), "AKIDEXAMPLE", "0ur-s3cr3t", "")
}

fn lent_key(settings: &str) -> Prepared {
    prepared(raw(settings), "AKIDEXAMPLE", "0ur-s3cr3t", "0ur+t0ken/=")
}

fn put(body: &str) -> Request {
    Request::new("PUT", HOST, "/a").body(body)
}

fn covered(sent: &Sent) -> &str {
    let value = sent.value("authorization").unwrap();
    value.split_once("SignedHeaders=").unwrap().1.split_once(',').unwrap().0
}

#[test]
fn a_signature_of_the_caller_s_own_is_gone() {
    let query = "/a?X-Amz-Signature=1&b=1&x%2Damz-credential=2&X-Amz-Date=3&x-amz-security-token=4\
                 &X-Amz-Algorithm=5&X-Amz-Expires=6&X-Amz-SignedHeaders=7&X-Amz-Meta=8";
    let theirs = Request::new("GET", HOST, query)
        .field("authorization", "AWS4-HMAC-SHA256 Credential=theirs/…")
        .field("x-amz-date", "20200101T000000Z")
        .field("x-amz-security-token", "theirs")
        .field("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    let plain = Request::new("GET", HOST, "/a?b=1&X-Amz-Meta=8");
    for (prepared, is_lent) in [(key("{}"), false), (lent_key("{}"), true)] {
        let (sent, expected) =
            (theirs.signed(&prepared).unwrap(), plain.signed(&prepared).unwrap());
        assert_eq!(sent.query.as_deref(), Some("b=1&X-Amz-Meta=8"));
        assert_eq!(sent.value("authorization"), expected.value("authorization"));
        assert_eq!(sent.value("x-amz-date"), Some("20150830T123600Z"));
        assert_eq!(sent.value("x-amz-content-sha256"), Some(OF_NOTHING));
        assert_eq!(sent.value("x-amz-security-token").is_some(), is_lent);
    }
    let sent = theirs.signed(&key("{ in: query }")).unwrap();
    let query = sent.query.as_deref().unwrap();
    assert!(query.starts_with("b=1&X-Amz-Meta=8&X-Amz-Algorithm=AWS4-HMAC-SHA256&"), "{query}");
    assert_eq!(query.to_ascii_lowercase().matches("x-amz-signature").count(), 1);
    assert_eq!(sent.value("authorization"), None);
    let only = Request::new("GET", HOST, "/a?X-Amz-Signature=1").signed(&key("{}")).unwrap();
    assert_eq!(only.query, None);
}

#[test]
fn what_links_and_proxies_add_is_not_covered() {
    let mut request =
        Request::new("GET", HOST, "/a").field("x-amz-meta-a", "1").field("range", "bytes=0-1");
    for name in [
        "user-agent",
        "accept-encoding",
        "traceparent",
        "tracestate",
        "baggage",
        "cookie",
        "via",
        "x-forwarded-for",
        "x-amzn-trace-id",
        "sec-fetch-mode",
        "expect",
    ] {
        request = request.field(name, "1");
    }
    let sent = request.signed(&key("{}")).unwrap();
    assert_eq!(covered(&sent), "host;range;x-amz-content-sha256;x-amz-date;x-amz-meta-a");
    assert_eq!(sent.value("user-agent"), Some("1"));
}

#[test]
fn what_stands_for_the_body() {
    let aoss = "{ service: aoss, region: eu-west-1 }";
    let api = "{ service: execute-api, region: eu-west-1 }";
    let api_unsigned = "{ service: execute-api, region: eu-west-1, payload: unsigned }";
    let lattice = "{ service: vpc-lattice-svcs, region: eu-west-1 }";
    for (settings, body_use, said) in [
        ("{}", BodyUse::Fed, Some(OF_HELLO)),
        ("{ payload: signed }", BodyUse::Fed, Some(OF_HELLO)),
        ("{ payload: unsigned }", BodyUse::Untouched, Some("UNSIGNED-PAYLOAD")),
        ("{ in: query }", BodyUse::Untouched, None),
        ("{ in: query, payload: unsigned }", BodyUse::Untouched, None),
        ("{ in: query, payload: signed }", BodyUse::Fed, Some(OF_HELLO)),
        (aoss, BodyUse::Fed, Some(OF_HELLO)),
        (api, BodyUse::Fed, None),
        (api_unsigned, BodyUse::Untouched, Some("UNSIGNED-PAYLOAD")),
        (lattice, BodyUse::Untouched, Some("UNSIGNED-PAYLOAD")),
        ("{ content_sha256: false }", BodyUse::Fed, None),
        (
            "{ content_sha256: false, payload: unsigned }",
            BodyUse::Untouched,
            Some("UNSIGNED-PAYLOAD"),
        ),
    ] {
        let (prepared, request) = (key(settings), put("hello"));
        let used = request.body_use(&prepared);
        assert_eq!(used, body_use, "{settings}");
        let sent = request.signed(&prepared).unwrap();
        assert_eq!(sent.value("x-amz-content-sha256"), said, "{settings}");
    }
}

/// An SDK has hashed its body already: nothing has to be read before it is sent.
#[test]
fn a_hash_that_the_caller_states_is_signed() {
    let hashed = put("hello").signed(&key("{}")).unwrap();
    let stated = put("hello").field("x-amz-content-sha256", OF_HELLO);
    let prepared = key("{}");
    assert_eq!(stated.body_use(&prepared), BodyUse::Untouched);
    assert_eq!(stated.signed(&prepared).unwrap().signature(), hashed.signature());

    let framed = put("5\r\nhello\r\n0\r\n")
        .field("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
    let framed = framed.field("content-encoding", "aws-chunked");
    assert_eq!(framed.body_use(&prepared), BodyUse::Untouched);
    let sent = framed.signed(&prepared).unwrap();
    assert_eq!(sent.value("x-amz-content-sha256"), Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER"));

    // Not a hash, or two of them: what was stated is not signed.
    for stated in [
        put("hello").field("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        put("hello").field("x-amz-content-sha256", &OF_HELLO[1..]),
        put("hello")
            .field("x-amz-content-sha256", OF_NOTHING)
            .field("x-amz-content-sha256", OF_NOTHING),
    ] {
        assert_eq!(stated.body_use(&prepared), BodyUse::Fed);
        assert_eq!(stated.signed(&prepared).unwrap().signature(), hashed.signature());
    }
    let unsigned = put("hello").field("x-amz-content-sha256", OF_HELLO);
    let sent = unsigned.signed(&key("{ payload: unsigned }")).unwrap();
    assert_eq!(sent.value("x-amz-content-sha256"), Some("UNSIGNED-PAYLOAD"));
}

const FRAMES: &str = "5;chunk-signature=00\r\nhello\r\n0;chunk-signature=11\r\n\r\n";

/// As SDKs do it that sign uploads in pieces: here with a key that is nobody's.
#[test]
fn pieces_that_the_caller_has_signed_are_signed_anew() {
    let theirs = put(FRAMES)
        .field("content-encoding", "aws-chunked")
        .field("x-amz-decoded-content-length", "5")
        .field("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    let streamed = key("{ service: s3, payload: streaming }");
    for prepared in [key("{}"), key("{ payload: unsigned }"), streamed.clone()] {
        let used = theirs.body_use(&prepared);
        assert_eq!(used, BodyUse::Chunked);
        let mut ours = theirs.signed(&prepared).unwrap();
        let mut plain = put("hello").signed(&streamed).unwrap();
        assert_eq!(ours.value("authorization"), plain.value("authorization"));
        let (mut ours, mut plain) = (ours.chunks.take().unwrap(), plain.chunks.take().unwrap());
        assert_eq!(ours.sent_len(), plain.sent_len());
        for piece in FRAMES.as_bytes().chunks(3) {
            assert_eq!(ours.push(piece).unwrap().len(), 0);
        }
        plain.push(b"hello").unwrap();
        assert_eq!(ours.end().unwrap(), plain.end().unwrap());
    }
}

#[test]
fn pieces_that_can_not_be_signed_anew_are_refused() {
    let theirs = |stated: &str| put(FRAMES).field("x-amz-content-sha256", stated);
    let refused =
        |request: Request, settings: &str| request.signed(&key(settings)).unwrap_err().to_string();
    let plain = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    let trailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
    let in_a_way =
        "the body comes in pieces that the SDK has signed, in a way that can't be signed anew here";
    for (request, settings, words) in [
        (theirs("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"), "{}", in_a_way),
        (theirs(plain), "{ in: query }", in_a_way),
        (theirs(plain), "{ algorithm: sigv4a }", in_a_way),
        (theirs(plain), "{}", "the signature covers X-Amz-Decoded-Content-Length"),
        (
            theirs(trailer).field("x-amz-decoded-content-length", "5"),
            "{}",
            "the signature covers X-Amz-Trailer",
        ),
        (
            theirs(trailer)
                .field("x-amz-decoded-content-length", "5")
                .field("x-amz-trailer", "x-amz-other"),
            "{}",
            "what X-Amz-Trailer announces is no checksum",
        ),
    ] {
        let refused = refused(request, settings);
        assert!(refused.starts_with(words), "{settings}: {refused}");
    }
}

#[test]
fn frames_of_another_length_than_was_said_are_not_sent() {
    let chunks = |length: &str| {
        let theirs = put(FRAMES)
            .field("x-amz-decoded-content-length", length)
            .field("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
        theirs.signed(&key("{}")).unwrap().chunks.take().unwrap()
    };
    assert_eq!(chunks("4").push(FRAMES.as_bytes()), Err(ChunkError::Length));
    let mut longer = chunks("6");
    longer.push(FRAMES.as_bytes()).unwrap();
    assert_eq!(longer.end(), Err(ChunkError::Length));
    assert_eq!(chunks("5").push(b"hello, world\r\n"), Err(ChunkError::Frames));
    let mut more = chunks("5");
    more.push(FRAMES.strip_suffix("\r\n").unwrap().as_bytes()).unwrap();
    more.push(b"x-amz-checksum-crc32:sOO8/Q==\r\n\r\n").unwrap();
    assert_eq!(more.end(), Err(ChunkError::Frames), "a trailer that was not announced");
}

#[test]
fn a_body_is_streamed_where_its_length_is_known() {
    let prepared = key("{ service: s3, payload: streaming }");
    let (request, unknown) = (put("hello"), put(""));
    assert_eq!(request.body_use(&prepared), BodyUse::Chunked);
    assert_eq!(unknown.body_use(&prepared), BodyUse::Fed);
    let sent = request.clone().field("content-encoding", "gzip").signed(&prepared).unwrap();
    assert_eq!(sent.value("content-encoding"), Some("aws-chunked,gzip"));
    assert_eq!(sent.value("x-amz-decoded-content-length"), Some("5"));
    assert_eq!(sent.value("x-amz-content-sha256"), Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"));

    let empty = put("").signed(&prepared).unwrap();
    assert!(empty.chunks.is_none());
    assert_eq!(empty.value("x-amz-content-sha256"), Some(OF_NOTHING));
    assert_eq!(empty.value("content-encoding"), None);
}

#[test]
fn a_body_of_another_length_than_was_said_is_not_signed() {
    let prepared = key("{ service: s3, payload: streaming }");
    let chunks = || put("hello").signed(&prepared).unwrap().chunks.take().unwrap();
    let mut longer = chunks();
    assert_eq!(longer.push(b"hell").unwrap().len(), 0);
    assert!(longer.push(b"o!").is_err());
    let mut shorter = chunks();
    assert_eq!(shorter.push(b"hell").unwrap().len(), 0);
    assert!(shorter.end().is_err());
    let mut right = chunks();
    right.push(b"hello").unwrap();
    assert_eq!(right.end().unwrap().len(), 2);
}

#[test]
fn pieces_are_as_long_as_was_said_before() {
    let prepared = key("{ service: s3, payload: streaming }");
    for len in [1, 15, 16, 255, 256, 65_535, 65_536, 65_537, 131_072, 200_000] {
        let body = "b".repeat(len);
        let mut chunks = put(&body).signed(&prepared).unwrap().chunks.take().unwrap();
        let said = chunks.sent_len();
        let mut ready = Vec::new();
        for piece in body.as_bytes().chunks(7_001) {
            ready.extend(chunks.push(piece).unwrap());
        }
        ready.extend(chunks.end().unwrap());
        assert_eq!(ready.iter().map(|it| it.len() as u64).sum::<u64>(), said, "{len}");
        assert_eq!(ready.len(), len.div_ceil(65_536) + 1, "{len}");
    }
}

/// The day's key is kept; what is signed says the very second.
#[test]
fn each_signature_has_its_own_time() {
    let signer = key("{}");
    let at = |time: u64| Request::new("GET", HOST, "/a").at(time);
    let day = 86_400;
    for time in [0, 1, day - 1, day, day + 1, 0, 400 * day] {
        let time = NOW.as_s() + time;
        let (warm, cold) =
            (at(time).signed(&signer).unwrap(), at(time).signed(&key("{}")).unwrap());
        assert_eq!(warm.value("authorization"), cold.value("authorization"));
    }
    let [one, two] =
        [0, 1].map(|it| at(NOW.as_s() + it).signed(&signer).unwrap().signature().to_owned());
    assert_ne!(one, two);
}

#[test]
fn a_host_that_says_nothing_needs_settings() {
    let other = Request::new("GET", "storage.example.com", "/a");
    for (settings, what) in
        [("{}", "region"), ("{ region: eu-west-1 }", "service"), ("{ service: s3 }", "region")]
    {
        let refused = other.signed(&key(settings)).unwrap_err();
        let SignError::Unsignable { what: text } = refused else { panic!("{refused:?}") };
        assert!(text.contains(&format!("no `{what}`")), "{text}");
        assert!(!text.contains("example.com"), "{text}");
    }
    // S3's acceleration is the same host for all regions.
    let get = Request::new("GET", "bucket.s3-accelerate.amazonaws.com", "/a");
    let refused = get.signed(&key("{}")).unwrap_err().to_string();
    assert!(refused.contains("no `region`"), "{refused}");
    let sent = get.signed(&key("{ region: eu-west-1 }")).unwrap();
    assert!(sent.value("authorization").unwrap().contains("/eu-west-1/s3/aws4_request"));
    let sent = other.signed(&key("{ service: s3, region: auto }")).unwrap();
    assert!(sent.value("authorization").unwrap().contains("/auto/s3/aws4_request"));
    // What is set goes before what the host says.
    let sent = put("").signed(&key("{ region: us-east-2 }")).unwrap();
    assert!(sent.value("authorization").unwrap().contains("/us-east-2/s3/aws4_request"));
}

/// Source: AWS IoT Core Developer Guide, "MQTT over the WebSocket protocol".
#[test]
fn iot_takes_a_token_behind_the_signature() {
    let settings = "{ service: iotdevicegateway, region: eu-west-1, in: query }";
    let get = Request::new("GET", "a1b2-ats.iot.eu-west-1.amazonaws.com", "/mqtt");
    let sent = get.signed(&lent_key(settings)).unwrap();
    let query = sent.query.as_deref().unwrap();
    assert!(query.ends_with("&X-Amz-Security-Token=0ur%2Bt0ken%2F%3D"), "{query}");
    assert_eq!(sent.signature(), get.signed(&key(settings)).unwrap().signature());
}

#[test]
fn a_signature_of_several_regions_says_which() {
    let access_point = "mfzwi23gnjvgw.accesspoint.s3-global.amazonaws.com";
    let get = Request::new("GET", access_point, "/a").field("x-amz-region-set", "theirs");
    for (settings, regions) in [
        ("{ algorithm: sigv4a }", "*"),
        ("{ algorithm: sigv4a, region: eu-west-1 }", "eu-west-1"),
        ("{ algorithm: sigv4a, region_set: [eu-*, us-east-1] }", "eu-*,us-east-1"),
    ] {
        let sent = get.signed(&key(settings)).unwrap();
        assert_eq!(sent.value("x-amz-region-set"), Some(regions), "{settings}");
        let value = sent.value("authorization").unwrap();
        let scope = "AWS4-ECDSA-P256-SHA256 Credential=AKIDEXAMPLE/20150830/s3/aws4_request, ";
        assert!(value.starts_with(scope), "{value}");
    }
    let elsewhere = Request::new("GET", "example.com", "/a");
    assert!(elsewhere.signed(&key("{ algorithm: sigv4a, service: s3 }")).is_ok());
    let plain = put("").field("x-amz-region-set", "theirs").signed(&key("{}")).unwrap();
    assert_eq!(plain.value("x-amz-region-set"), None);
}

#[test]
fn nothing_prints_a_key() {
    let prepared = lent_key("{}");
    let sent = put("hello").signed(&prepared).unwrap();
    let Signer::AwsSigv4(inner) = signer(&prepared) else { panic!("it is one of ours") };
    let printed = format!("{prepared:?} {inner:?} {:?} {:?}", sent.fields, sent.chunks);
    for secret in ["0ur-s3cr3t", "0ur+t0ken", sent.signature()] {
        assert!(!printed.contains(secret), "{printed}");
    }
    let redacted = prepared.redact("/n?token=0ur%2Bt0ken%2F%3D").unwrap();
    assert!(!redacted.contains("0ur"), "{redacted}");
}

#[test]
fn what_goes_where_is_told() {
    let told = |prepared: &Prepared| -> Vec<String> {
        prepared.describe().iter().map(|it| format!("{} {}", it.place, it.name)).collect()
    };
    assert_eq!(told(&key("{}")), ["header authorization", "header x-amz-date"]);
    assert_eq!(told(&lent_key("{}"))[2], "header x-amz-security-token");
    let in_query = told(&key("{ in: query }"));
    assert_eq!(in_query[0], "query parameter X-Amz-Algorithm");
    assert_eq!(in_query.len(), 6);
}

#[test]
fn wrong_settings_are_told_with_a_way_out() {
    for (settings, path, problem) in [
        ("{ service: \"a/b\" }", "service", "`a/b` can't be the name of a service"),
        (
            "{ region_set: [x] }",
            "region_set",
            "a signature of `algorithm: sigv4` is good in one region",
        ),
        (
            "{ service: s3, payload: streaming, algorithm: sigv4a }",
            "payload",
            "pieces are signed with `algorithm: sigv4` alone",
        ),
        ("{ service: S3 }", "service", "`S3` is not how signatures spell the service"),
        ("{ service: DynamoDB }", "service", "`DynamoDB` is not how signatures spell the service"),
        (
            "{ service: lambda, payload: unsigned }",
            "payload",
            "`lambda` takes no body that is not signed",
        ),
        (
            "{ service: vpc-lattice-svcs, payload: signed }",
            "payload",
            "`vpc-lattice-svcs` takes no signed body",
        ),
        ("{ region: \"\" }", "region", "`` can't be the name of a region"),
        ("{ expires: 8d }", "expires", "`8d` is not between 1s and 7d, in whole seconds"),
        ("{ expires: 500ms }", "expires", "`500ms` is not between 1s and 7d, in whole seconds"),
        ("{ expires: soon }", "expires", "`soon` is not a duration"),
        ("{ payload: streaming }", "payload", "only S3 reads bodies that are signed in pieces"),
        (
            "{ service: s3, payload: streaming, in: query }",
            "payload",
            "pieces are signed one after the other from a signature in a field, and this one is in the query",
        ),
    ] {
        let faults = AwsSigv4::try_from(raw(settings)).unwrap_err();
        let [fault] = &faults[..] else { panic!("{settings}: {faults:?}") };
        assert_eq!(fault.problem, problem, "{settings}");
        assert_eq!(format!("{:?}", fault.path), format!("[Field({path:?})]"), "{settings}");
        assert!(!fault.hint.is_empty(), "{settings}");
    }
    for settings in [
        "{ service: s3, payload: unsigned }",
        "{ service: vpc-lattice-svcs, payload: unsigned }",
        "{ service: lambda }",
        "{ service: IoTSecuredTunneling }",
        "{ payload: unsigned }",
    ] {
        assert!(AwsSigv4::try_from(raw(settings)).is_ok(), "{settings}");
    }
    assert!(serde_yaml::from_str::<crate::auth::RawAwsSigv4>("{ regoin: x }").is_err());
}

#[test]
fn wrong_keys_are_told_by_field() {
    let good = [("access_key_id", "AKID"), ("secret_access_key", "s"), ("session_token", "t")];
    for (field, value, problem) in [
        ("access_key_id", "", "the credential field `access_key_id` is empty"),
        (
            "access_key_id",
            "a/b",
            "the credential field `access_key_id` has a slash or a comma, which can't be sent",
        ),
        (
            "session_token",
            "t\n",
            "the credential field `session_token` has a space, a line break or a character beyond ASCII, which can't be sent",
        ),
        (
            "secret_access_key",
            "s\n",
            "the credential field `secret_access_key` has a space or a line break at an end",
        ),
    ] {
        let fields = good.map(|it| if it.0 == field { (field, value) } else { it });
        let faults = scheme(raw("{}")).prepare(&Credential::from_iter(fields)).unwrap_err();
        assert_eq!(faults.iter().map(ToString::to_string).collect::<Vec<_>>(), [problem]);
    }
    let lacking = scheme(raw("{}")).prepare(&Credential::from_iter([("access_key_id", "A")]));
    assert_eq!(lacking.unwrap_err().len(), 1);
}

#[test]
fn the_caller_key_is_found_where_an_sdk_has_its_key_id() {
    const KEY: &str = "caller/key-of-16-bytes-or-more";
    let scope = "20150830/us-east-1/s3/aws4_request";
    let presented = |target: &str, authorization: Option<&str>| {
        let mut request = http::Request::get(target);
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let key = scheme(raw("{}")).presented_key(&head).map(|it| it.into_owned());
        key.map(|it| String::from_utf8(it).unwrap())
    };
    let signed =
        format!("AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders=host, Signature=00");
    let packed =
        format!("AWS4-HMAC-SHA256 SignedHeaders=host,Credential={KEY}/{scope},Signature=00");
    let regionless =
        format!("AWS4-ECDSA-P256-SHA256 Credential={KEY}/20150830/s3/aws4_request, Signature=00");
    for value in [&signed, &packed, &regionless, &format!("Bearer {KEY}")] {
        assert_eq!(presented("/", Some(value)).as_deref(), Some(KEY), "{value}");
    }
    let encoded = format!("{KEY}/{scope}").replace('/', "%2F");
    let query = format!("/a?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={encoded}&b=1");
    assert_eq!(presented(&query, None).as_deref(), Some(KEY));
    let regionless = format!("{KEY}/20150830/s3/aws4_request").replace('/', "%2F");
    let query = format!("/a?X-Amz-Credential={regionless}&X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256");
    assert_eq!(presented(&query, None).as_deref(), Some(KEY));
    for value in [
        None,
        Some("AWS4-HMAC-SHA256 Signature=00"),
        Some("AWS4-HMAC-SHA256 Credential=a/b, Signature=0"),
    ] {
        assert_eq!(presented("/", value), None, "{value:?}");
    }
    assert_eq!(presented("/?X-Amz-Credential=a%2Fb", None), None);
}
