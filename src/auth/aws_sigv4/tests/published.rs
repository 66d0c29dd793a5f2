//! AWS's signing test suite: tests/fixtures/aws_sigv4/README.md says where it is from.
use super::request::Request;
use super::request::prepared;
use super::request::raw;
use aws_lc_rs::signature::ECDSA_P256_SHA256_ASN1;
use aws_lc_rs::signature::UnparsedPublicKey;
use serde_json::Value;

const SUITE: &str = include_str!("../../../../tests/fixtures/aws_sigv4/v4.json");
const SUITE_4A: &str = include_str!("../../../../tests/fixtures/aws_sigv4/v4a.json");

/// Vectors that do not apply here, and why.
const LEFT_OUT: [(&str, &str); 1] = [(
    "post-sts-header-after",
    "a token that is put on when the signature is made: only AWS IoT's query form has that, under its service name",
)];

/// The request in HTTP/1.1's text. A field value on several lines is made one line, as RFC 9112 §5.2 says, since no such
/// value gets past a reader of messages.
pub(super) fn parsed(text: &str) -> (Request, String) {
    let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end_matches('\n'), ""));
    let mut lines = head.split('\n');
    let line = lines.next().unwrap();
    let (method, rest) = line.split_once(' ').unwrap();
    let target = rest.strip_suffix(" HTTP/1.1").unwrap_or(rest);
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in lines {
        if line.starts_with(' ') {
            let value = &mut fields.last_mut().unwrap().1;
            value.push_str(line);
            continue;
        }
        let (name, value) = line.split_once(':').unwrap();
        fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let host = fields.iter().position(|it| it.0 == "host").unwrap();
    let host = fields.remove(host).1;
    let mut request = Request::new(method, &host, target).body(body);
    for (name, value) in fields {
        request = request.field(&name, &value);
    }
    (request, host)
}

fn settings(context: &Value, form: &str, algorithm: &str) -> String {
    let text = |name: &str| context[name].as_str().unwrap().to_owned();
    // The suite's paths are encoded once, but for two that are below.
    format!(
        "{{ algorithm: {algorithm}, service: {}, region: {}, in: {form}, expires: {}s, normalize_path: {}, double_encode: false, content_sha256: {}, payload: signed }}",
        text("service"),
        text("region"),
        context["expiration_in_seconds"],
        context["normalize"],
        context["sign_body"].as_bool().unwrap() && form == "header",
    )
}

#[test]
fn every_vector_that_applies() {
    let suite: serde_json::Map<String, Value> = serde_json::from_str(SUITE).unwrap();
    let mut checked = 0;
    for (name, vector) in &suite {
        if LEFT_OUT.iter().any(|it| it.0 == name) {
            continue;
        }
        let context = &vector["context"];
        assert_eq!(context["timestamp"], "2015-08-30T12:36:00Z", "{name}");
        let keys = &context["credentials"];
        let key = |it: &str| keys[it].as_str().unwrap_or_default();
        let (request, _) = parsed(vector["request"].as_str().unwrap());
        for form in ["header", "query"] {
            let prepared = prepared(
                raw(&settings(context, form, "sigv4")),
                key("access_key_id"),
                key("secret_access_key"),
                key("token"),
            );
            let sent = request.signed(&prepared).unwrap();
            let expected = vector[form]["signature"].as_str().unwrap().trim();
            assert_eq!(sent.signature(), expected, "{name} {form}: {sent:?}");
            checked += 1;
        }
    }
    assert_eq!(checked, 2 * (38 - LEFT_OUT.len()));
}

/// Each signature is another, so that ours is checked with the suite's public key, over the suite's own text.
#[test]
fn every_vector_of_4a_that_applies() {
    let suite: serde_json::Map<String, Value> = serde_json::from_str(SUITE_4A).unwrap();
    let mut checked = 0;
    for (name, vector) in &suite {
        if LEFT_OUT.iter().any(|it| it.0 == name) {
            continue;
        }
        let context = &vector["context"];
        let keys = &context["credentials"];
        let key = |it: &str| keys[it].as_str().unwrap_or_default();
        let point = ["X", "Y"].map(|it| vector["public_key"][it].as_str().unwrap());
        let point = hex::decode(["04", point[0], point[1]].concat()).unwrap();
        let (request, _) = parsed(vector["request"].as_str().unwrap());
        for form in ["header", "query"] {
            let prepared = prepared(
                raw(&settings(context, form, "sigv4a")),
                key("access_key_id"),
                key("secret_access_key"),
                key("token"),
            );
            let sent = request.signed(&prepared).unwrap();
            let text = vector[form]["string_to_sign"].as_str().unwrap().trim_end();
            let signature = hex::decode(sent.signature()).unwrap();
            let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &point);
            let is_right = public.verify(text.as_bytes(), &signature).is_ok();
            assert!(is_right, "{name} {form}: {sent:?}");
            let theirs = hex::decode(vector[form]["signature"].as_str().unwrap().trim()).unwrap();
            assert!(public.verify(text.as_bytes(), &theirs).is_ok(), "{name} {form}");
            checked += 1;
        }
    }
    assert_eq!(checked, 2 * (38 - LEFT_OUT.len()));
}
