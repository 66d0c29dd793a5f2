//! How much of a body each recipe asks for, and that it is the same whether it streams or not.
use super::*;

const PUT: &str = "put: [{ in: header, name: X-Sig, value: '{signature}' }]";

fn case<'a>(recipe: &'a str) -> Case<'a> {
    Case { recipe, method: "POST", body: b"the whole of it", ..PLAIN }
}

#[test]
fn a_body_streams_wherever_its_bytes_are_needed_once() {
    for (settings, body_use) in [
        ("content: '{method}{target}'", BodyUse::Untouched),
        ("content: '{method}{body.length}'", BodyUse::Untouched),
        ("content: '{target}{body}'", BodyUse::Fed),
        ("content: '{body}{target}{signed}', let: { signed: '{body|md5|hex}' }", BodyUse::Fed),
        ("content: '{target}{body}', algorithm: sha1, let: { x: y }", BodyUse::Fed),
        ("content: '{body|only(PUT)}'", BodyUse::Untouched),
        ("content: '{body|sha256}{target}'", BodyUse::Fed),
        ("content: '{hash}', let: { hash: '[{body|sha512|base64}]' }", BodyUse::Fed),
        // A value that nothing is made of asks for nothing.
        ("content: '{target}', let: { hash: '{body|sha256|hex}' }", BodyUse::Untouched),
        ("content: '{body}', algorithm: ed25519", BodyUse::Whole),
        ("content: '{body|base64}'", BodyUse::Whole),
        ("content: '{body}{body}'", BodyUse::Whole),
        ("content: '[{body}]'", BodyUse::Whole),
        ("content: '{text}', let: { text: 'x{body}' }", BodyUse::Whole),
        ("content: '{nonce.number}{body}'", BodyUse::Whole),
        ("content: '{body}{nonce.number}'", BodyUse::Fed),
        ("content: '{body|md5}{body}'", BodyUse::Whole),
        ("content: '{form.a}'", BodyUse::Whole),
        ("content: '{all}', lists: { all: { of: [query, form] } }", BodyUse::Whole),
        ("content: '{all}', lists: { all: { of: [query] } }", BodyUse::Untouched),
    ] {
        let recipe = format!("{{ {settings}, {PUT} }}");
        let form = &[("content-type", "application/x-www-form-urlencoded")];
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIMWqjfQ/n4N77bdELzHct7Fm04U1B28JS4XOOi4LRFj3\n\
                   -----END PRIVATE KEY-----\n";
        let taken = SignedRequest::try_from(raw(&recipe)).unwrap();
        let mut credential = vec![("secret", "s3cr3t"), ("private_key", pem)];
        credential.retain(|it| taken.fields().contains(&it.0));
        let plan = Case { headers: form, credential: &credential, ..case(&recipe) }.body_use();
        assert_eq!(plan, body_use, "{settings}");
    }
}

/// The same content in one piece, in a value, and streamed: computed with the standard's own pieces.
#[test]
fn a_streamed_signature_is_the_signature() {
    let expected = crate::crypto::MacKey::new(crate::crypto::Hash::Sha256, b"s3cr3t").unwrap();
    let expected = expected.of(b"POST<the whole of it>/v1/things").hex();
    for recipe in [
        "content: '{method}<{body}>{path}'",
        "content: '{text}', let: { text: '{method}<{body}>{path}' }",
        "content: '{method}{text}{path}', let: { text: '<{body}>' }",
        "content: '{method}<{body|except(GET)}>{path}'",
        "content: '{header.x-first}<{body}>{path}'",
    ] {
        let put = "put: [{ in: header, name: X-First, value: '{method}' },\
                         { in: header, name: X-Sig, value: '{signature}' }]";
        let recipe = format!("{{ {recipe}, {put} }}");
        assert_eq!(case(&recipe).sent().header("x-sig"), expected, "{recipe}");
    }
}

#[test]
fn no_body_is_an_empty_one() {
    let recipe = "{ content: '{body|sha256|hex}[-{body|md5|hex}]', encoding: none, algorithm: sha1,\
        put: [{ in: header, name: X-Sig, value: '{signature|hex}' }] }";
    let empty = Case { credential: &[], body: b"", ..case(recipe) };
    let nothing = crate::crypto::Hash::Sha256.of(b"").hex();
    assert_eq!(
        empty.sent().header("x-sig"),
        crate::crypto::Hash::Sha1.of(nothing.as_bytes()).hex()
    );
}

#[test]
fn a_form_gets_parameters_and_is_signed_with_them() {
    let recipe = "{ content: '{body}', put: [{ in: form, name: t, value: '{timestamp.unix_s}' },\
                    { in: form, name: sig, value: '{signature}' }] }";
    let form = &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    let case = Case { headers: form, body: b"b=%20&T=forged&a=1&sig=forged", ..case(recipe) };
    let sent = String::from_utf8(case.sent().body.unwrap()).unwrap();
    // The caller's `sig` must not be in the body that is signed.
    let (signed, signature) = sent.split_once("&sig=").unwrap();
    assert_eq!(signed, "b=%20&a=1&t=1700000000");
    let key = crate::crypto::MacKey::new(crate::crypto::Hash::Sha256, b"s3cr3t").unwrap();
    assert_eq!(signature, key.of(signed.as_bytes()).hex());

    let json = Case { headers: &[("content-type", "application/json")], body: b"{}", ..case };
    let problem = json.signed().unwrap_err().to_string();
    assert_eq!(
        problem,
        "the signature covers a body of the type application/x-www-form-urlencoded, which the request does not have"
    );
}

#[test]
fn what_is_only_of_forms_lets_other_bodies_stream() {
    let form = &[("content-type", "application/x-www-form-urlencoded")];
    let json = &[("content-type", "application/json")];
    let twice = &[form[0], json[0]];
    for (settings, other) in [
        ("content: '{all}', lists: { all: { of: [query, form] } }", BodyUse::Untouched),
        ("content: '{all}{body}', lists: { all: { of: [form] } }", BodyUse::Fed),
        ("content: '{form.a?}{body|sha256|hex}'", BodyUse::Fed),
        ("content: '{all}{body|base64}', lists: { all: { of: [form] } }", BodyUse::Whole),
    ] {
        let recipe = format!("{{ {settings}, {PUT} }}");
        let with = |headers| Case { headers, ..case(&recipe) };
        assert_eq!(with(form).body_use(), BodyUse::Whole, "{settings}");
        assert_eq!(with(json).body_use(), other, "{settings}");
        assert_eq!(with(&[]).body_use(), other, "{settings}");
        assert_eq!(with(twice).body_use(), other, "{settings}");
    }
    let recipe = format!(
        "{{ content: '{{all}}<{{body}}>', lists: {{ all: {{ of: [query, form] }} }}, {PUT} }}"
    );
    let key = crate::crypto::MacKey::new(crate::crypto::Hash::Sha256, b"s3cr3t").unwrap();
    let signature =
        |headers, body| Case { headers, body, ..case(&recipe) }.sent().header("x-sig").to_owned();
    assert_eq!(signature(json, b"c=3"), key.of(b"a=1&b=2<c=3>").hex());
    assert_eq!(signature(form, b"c=3"), key.of(b"a=1&b=2&c=3<c=3>").hex());
}

#[test]
fn a_body_that_turns_out_to_be_a_form_is_not_signed_as_none() {
    let recipe = format!("{{ content: '{{all}}', lists: {{ all: {{ of: [form] }} }}, {PUT} }}");
    let prepared = prepared(&recipe, PLAIN.credential);
    let origin = Origin::parse("https://api.test").unwrap();
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    let fields = vec![(http::header::CONTENT_TYPE, kind)];
    let mut draft = Draft::new(&Method::POST, &origin, "/", None, fields);
    draft.body_len = Some(3);
    let moment = Moment { now: UnixTime::from_ms(0), random: [0; 16] };
    assert!(prepared.signers()[0].sign(&mut draft, &moment, Vec::new()).is_err());
}

#[test]
fn a_form_stays_byte_for_byte_but_for_our_pairs() {
    let recipe = "{ content: '{body}', put: [{ in: form, name: nonce, value: '1' },\
                    { in: header, name: X-Sig, value: '{signature}' }] }";
    let form = &[("content-type", "application/x-www-form-urlencoded")];
    for (body, sent) in [
        (&b"note=a#b"[..], &b"note=a#b&nonce=1"[..]),
        (b"memo=x;nonce=y", b"memo=x;nonce=y&nonce=1"),
        (b"raw=\xff&Nonce=2", b"raw=\xff&nonce=1"),
    ] {
        let got = Case { headers: form, body, ..case(recipe) }.sent();
        assert_eq!(got.body.unwrap(), sent);
    }
}
