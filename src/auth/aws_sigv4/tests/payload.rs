//! What stands for a body, where the caller says something of it and where the service takes one thing alone.
use super::request::Request;
use super::request::prepared;
use super::request::raw;
use crate::auth::BodyUse;
use crate::auth::Prepared;

const HOST: &str = "bucket.s3.eu-west-1.amazonaws.com";
const LATTICE: &str = "user-0.1a2b.vpc-lattice-svcs.eu-west-1.on.aws";
const OF_HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const FRAMED: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

fn key(settings: &str) -> Prepared {
    prepared(raw(settings), "AKIDEXAMPLE", "0ur-s3cr3t", "")
}

fn put(host: &str) -> Request {
    Request::new("PUT", host, "/a").body("hello")
}

#[test]
fn what_a_caller_states_makes_a_signed_body_no_weaker() {
    for settings in ["{ payload: signed }", "{ payload: signed, in: query }"] {
        let prepared = key(settings);
        let hashed = put(HOST).signed(&prepared).unwrap();
        let stated = put(HOST).field("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
        assert_eq!(stated.body_use(&prepared), BodyUse::Fed, "{settings}");
        let sent = stated.signed(&prepared).unwrap();
        assert_eq!(sent.value("x-amz-content-sha256"), Some(OF_HELLO), "{settings}");
        assert_eq!(sent.signature(), hashed.signature(), "{settings}");
    }
    for settings in [
        "{ payload: signed }",
        "{ payload: signed, in: query }",
        "{ service: s3, payload: streaming }",
    ] {
        let framed = put(HOST).field("x-amz-content-sha256", FRAMED);
        let refused = framed.signed(&key(settings)).unwrap_err().to_string();
        assert!(refused.starts_with("the body comes in pieces without signatures"), "{refused}");
        assert!(refused.contains("`payload`"), "{refused}");
    }
    for settings in ["{}", "{ payload: unsigned }"] {
        let sent = put(HOST).field("x-amz-content-sha256", FRAMED).signed(&key(settings)).unwrap();
        assert_eq!(sent.value("x-amz-content-sha256"), Some(FRAMED), "{settings}");
    }
}

/// Source: VPC Lattice User Guide, "SIGv4 authenticated requests": payload signing is not supported.
#[test]
fn a_service_that_takes_no_signed_body_gets_none() {
    let prepared = key("{}");
    let plain = put(LATTICE).signed(&prepared).unwrap();
    for stated in [OF_HELLO, FRAMED, "UNSIGNED-PAYLOAD"] {
        let request = put(LATTICE).field("x-amz-content-sha256", stated);
        assert_eq!(request.body_use(&prepared), BodyUse::Untouched, "{stated}");
        let sent = request.signed(&prepared).unwrap();
        assert_eq!(sent.value("x-amz-content-sha256"), Some("UNSIGNED-PAYLOAD"), "{stated}");
        assert_eq!(sent.signature(), plain.signature(), "{stated}");
    }
    let refused = put(LATTICE).signed(&key("{ payload: signed }")).unwrap_err().to_string();
    assert!(refused.contains("takes no signed body"), "{refused}");
}

/// What the signature does not cover streams.
#[test]
fn a_body_that_is_not_signed_is_not_read() {
    let elsewhere = "storage.example.com";
    for (host, settings, body_use) in [
        (HOST, "{ in: query }", BodyUse::Untouched),
        (elsewhere, "{ in: query, service: s3, region: eu-west-1 }", BodyUse::Untouched),
        (HOST, "{ in: query, service: execute-api }", BodyUse::Fed),
        (HOST, "{ in: query, payload: signed }", BodyUse::Fed),
        (LATTICE, "{}", BodyUse::Untouched),
        (elsewhere, "{ service: vpc-lattice-svcs, region: eu-west-1 }", BodyUse::Untouched),
        ("sqs.eu-west-1.amazonaws.com", "{ in: query }", BodyUse::Fed),
    ] {
        let (prepared, request) = (key(settings), put(host));
        assert_eq!(request.body_use(&prepared), body_use, "{host} {settings}");
        request.signed(&prepared).unwrap();
    }
}
