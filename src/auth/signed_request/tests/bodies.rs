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
        let recipe = SignedRequest::try_from(raw(&recipe))
            .unwrap_or_else(|it| panic!("{settings}: {it:#?}"));
        let plan = match &recipe.recipe.body {
            _ if !recipe.recipe.wants_body("POST") => BodyUse::Untouched,
            super::super::recipe::BodyPlan::Untouched => BodyUse::Untouched,
            super::super::recipe::BodyPlan::Fed { .. } => BodyUse::Fed,
            super::super::recipe::BodyPlan::Whole => BodyUse::Whole,
        };
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
