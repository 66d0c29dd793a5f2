//! What can be wrong with a recipe or its credential, and that every preset reads.
use super::super::presets;
use super::*;
use crate::auth::AuthError;
use crate::auth::Place;

const PUT: &str = "put: [{ in: header, name: X-Sig, value: '{signature}' }]";

fn faults(yaml: &str) -> Vec<String> {
    let faults = SignedRequest::try_from(raw(yaml)).unwrap_err();
    let path = |it: &crate::auth::SchemeFault| {
        let steps = it.path.iter().map(|step| match step {
            crate::auth::Step::Field(name) => name.to_string(),
            crate::auth::Step::Index(index) => index.to_string(),
        });
        steps.collect::<Vec<_>>().join(".")
    };
    faults.iter().map(|it| format!("{}: {}; {}", path(it), it.problem, it.hint)).collect()
}

/// Each made of the next one, so many times.
fn chain(count: usize, times: usize) -> String {
    let value = |it: usize| format!("a{it}: '{}'", format!("{{a{}}}", it + 1).repeat(times));
    let values: Vec<String> = (0..count).map(value).collect();
    format!("{}, a{count}: '{{query}}'", values.join(", "))
}

#[test]
fn every_preset_reads_and_says_what_it_takes() {
    for name in presets::names() {
        let recipe = SignedRequest::try_from(raw(&format!("preset: {name}")));
        let recipe = recipe.unwrap_or_else(|it| panic!("{name}: {it:#?}"));
        assert!(!recipe.fields().is_empty(), "{name}");
        let whole = presets::preset(name).unwrap();
        assert_eq!(whole.preset, None, "{name}");
        assert_eq!(SignedRequest::try_from(whole.clone()).unwrap(), recipe, "{name}");
    }
    assert!(presets::names().is_sorted());
    let optional = SignedRequest::try_from(raw("preset: lazada")).unwrap();
    assert_eq!(optional.fields(), ["secret", "app_key", "access_token"]);
    assert!(optional.is_optional("access_token") && !optional.is_optional("secret"));
}

#[test]
fn every_fault_has_its_place_and_a_way_out() {
    for (yaml, fault) in [
        (format!("{{ {PUT} }}"), "content: is missing; write what is signed, as `\"{timestamp.unix_s}{method}{target}{body}\"`, or name a preset"),
        ("content: x".into(), "put: nothing is put on requests; write `put: [{ in: header, name: X-Signature, value: \"{signature}\" }]`"),
        ("preset: binanse".into(), "preset: there is no preset `binanse`; the presets are akamai-edgegrid,"),
        (format!("{{ content: '{{tiemstamp}}', {PUT} }}"), "content: there is no `tiemstamp`; there are method, scheme,"),
        (format!("{{ content: '{{a}}', let: {{ b: x }}, {PUT} }}"), "content: there is no `a`; there are method, scheme, host, hostname, port, path, query, target, url, header.<name>, query.<name>, form.<name>, body, body.length, timestamp.<format>, nonce.<form>, credential.<field> and signature, and its own values are b"),
        (format!("{{ content: '{{timestamp.unix}}', {PUT} }}"), "content: `timestamp.unix` is no format of the time; there are unix_s,"),
        (format!("{{ content: '{{nonce.long}}', {PUT} }}"), "content: `nonce.long` is no form of the nonce; there are hex,"),
        (format!("{{ content: '{{header.a b}}', {PUT} }}"), "content: `header.a b` names no header; write letters,"),
        (format!("{{ content: '{{body|sha3}}', {PUT} }}"), "content: there is no filter `sha3`; there are md5,"),
        (format!("{{ content: '{{body|hmac_sha256(k)}}', {PUT} }}"), "content: there is no `k`; there are method,"),
        (format!("{{ content: '{{body|first(x)}}', {PUT} }}"), "content: `x` is no number of bytes; there are md5,"),
        (format!("{{ content: '{{body|first(1}}', {PUT} }}"), "content: a `{` has no counterpart; one that is meant as such is written twice: `{{`"),
        (format!("{{ content: 'a}}', {PUT} }}"), "content: a `}` has no counterpart; one that is meant as such is written twice: `}}`"),
        (format!("{{ content: '[x]', {PUT} }}"), "content: a group has no value that could be absent; a `[` that is meant as such is written twice: `[[`"),
        (format!("{{ content: '[a{{body}}[b]]', {PUT} }}"), "content: a group stands in a group; write one behind the other"),
        (format!("{{ content: '{{a}}', let: {{ a: '{{b}}', b: '{{a}}' }}, {PUT} }}"), ": `a` is made of itself; what a value is made of can't be made of the value"),
        (format!("{{ content: '{{signature}}', {PUT} }}"), ": `signature` is made of itself; what"),
        (format!("{{ content: x, let: {{ a: ~ }}, {PUT} }}"), "let.a: has no value; this recipe needs one: write it here"),
        (format!("{{ content: x, let: {{ body: y }}, {PUT} }}"), "let.body: is the name of something else; write another of"),
        (format!("{{ content: x, let: {{ a b: y }}, {PUT} }}"), "let.a b: can't be a name; write another of"),
        (format!("{{ content: x, let: {{ a: y }}, lists: {{ a: {{ of: [query] }} }}, {PUT} }}"), "lists.a: is a name under `let` as well; write"),
        (format!("{{ content: x, lists: {{ a: {{ of: [query, headers] }} }}, {PUT} }}"), "lists.a.of: is no list of parameters or of header fields; write"),
        (format!("{{ content: x, lists: {{ a: {{ of: [query], pair: '{{key}}' }} }}, {PUT} }}"), "lists.a.pair: there is no `key` in a pair; there are name and value"),
        (format!("{{ content: x, algorithm: sha1, key: '{{credential.secret}}', {PUT} }}"), "key: a plain hash has no key; write the secret"),
        (format!("{{ content: x, algorithm: ed25519, key: 'a{{credential.k}}', {PUT} }}"), "key: a private key is a credential field as it is; write one"),
        (format!("{{ content: x, key: fixed, {PUT} }}"), "key: there is nothing secret in it; name a credential field: `{credential.secret}`"),
        ("{ content: x, put: [{ in: header, name: X-A, value: y }] }".into(), "put: no value has `{signature}` in it; name it where"),
        ("{ content: x, put: [{ in: header, name: Host, value: '{signature}' }] }".into(), "put.0.name: the header `Host` belongs to"),
        ("{ content: x, put: [{ in: header, name: X-A, value: \"{signature}\\n\" }] }".into(), "put.0.value: has a line break, which can't be sent there; remove it"),
        ("{ content: x, put: [{ in: query, name: a, value: '{signature}' }, { in: query, name: A, value: y }] }".into(), "put.1.name: `A` is put on twice; keep one"),
        (format!("{{ content: x, lists: {{ a: {{ of: [query], required: true }} }}, {PUT} }}"), "lists.a.required: does not say which names have to be there; write `names`"),
        ("{ content: x, put: [{ in: query, name: a, value: '{signature}' }, { in: query, name: b, value: y, unless_sent: true }] }".into(), "put.1.unless_sent: is for headers; leave it out"),
        ("{ content: x, put: [{ in: header, name: a, value: '{signature}', unless_sent: true }] }".into(), "put.0.unless_sent: stands beside a value that has something secret in it; leave it out"),
        (format!("{{ content: '{{method{}}}', {PUT} }}", "|hex".repeat(17)), "content: a value goes through more than 16 filters; make"),
        (format!("{{ content: '{}', {PUT} }}", "x".repeat(16_385)), "content: is longer than 16384 bytes; write less"),
        (format!("{{ content: x, lists: {{ a: {{ of: [query], join: '{}' }} }}, {PUT} }}", "x".repeat(1025)), "lists.a.join: is longer than 1024 bytes; write less"),
        (format!("{{ content: x, let: {{ {} }}, {PUT} }}", (0..65).map(|it| format!("a{it}: x")).collect::<Vec<_>>().join(", ")), "let: there are 65 values, and at most 64 can be; write fewer"),
        (format!("{{ content: '{{a0}}', let: {{ {} }}, {PUT} }}", chain(40, 1)), ": `a31` is made through more than 32 values; make"),
        (format!("{{ content: '{{a0}}', let: {{ {} }}, {PUT} }}", chain(30, 2)), "let.a0: comes to more than 65536 bytes; name other"),
    ] {
        let got = faults(&yaml);
        assert!(got.len() == 1 && got[0].starts_with(fault), "{yaml}\n{got:#?}\n{fault}");
    }
    for unknown in [
        "{ contents: x }",
        "{ lists: { a: { off: [query] } } }",
        "{ put: [{ in: body, name: a, value: b }] }",
    ] {
        assert!(serde_yaml::from_str::<RawSignedRequest>(unknown).is_err(), "{unknown}");
    }
}

#[test]
fn credentials_that_make_no_key_are_refused() {
    let refused = |yaml: &str, credential: &[(&str, &str)]| {
        scheme(yaml).prepare(&credential.iter().copied().collect()).unwrap_err()
    };
    let plain = format!("{{ content: x, {PUT} }}");
    let [AuthError::Missing { field }] = &refused(&plain, &[])[..] else { panic!("missing") };
    assert_eq!(field, "secret");
    assert_eq!(refused(&plain, &[("secret", "")]), [AuthError::Empty { field: "secret".into() }]);
    let kraken = refused("preset: kraken", &[("api_key", "a"), ("secret", "!!!!")]);
    assert_eq!(kraken, [AuthError::Unusable { field: "secret".into(), what: "is not Base64" }]);
    let line = refused("preset: binance", &[("api_key", "a\nb"), ("secret", "s")]);
    assert_eq!(line, [AuthError::Unsendable { field: "api_key".into(), what: "a line break" }]);
    let private = format!("{{ content: x, algorithm: ed25519, {PUT} }}");
    let pem = refused(&private, &[("private_key", "nothing")]);
    assert!(matches!(&pem[..], [AuthError::Unusable { field, .. }] if field == "private_key"));
}

/// RFC 8032 §7.1, test 3 ("TEST 3"), whose key is written in PEM here.
#[test]
fn a_private_key_signs() {
    let secret =
        hex::decode("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7").unwrap();
    let der = [&hex::decode("302e020100300506032b657004220420").unwrap()[..], &secret].concat();
    let body = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    let case = Case {
        recipe: "{ content: '{body}', algorithm: ed25519,\
                   put: [{ in: header, name: X-Sig, value: '{signature}' }] }",
        credential: &[("private_key", &pem)],
        method: "POST",
        body: &[0xaf, 0x82],
        ..PLAIN
    };
    assert_eq!(
        case.sent().header("x-sig"),
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
         18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    );
}

#[test]
fn nothing_secret_is_printed_and_everything_put_on_is_told() {
    let prepared = prepared("preset: binance", &[("api_key", "k3y"), ("secret", "0ur-s3cr3t")]);
    assert!(!format!("{prepared:?} {:?}", prepared.signers()[0].describe()).contains("0ur-s3cr3t"));
    let names: Vec<(Place, String)> =
        prepared.describe().into_iter().map(|it| (it.place, it.name)).collect();
    let names: Vec<(Place, &str)> = names.iter().map(|it| (it.0, &*it.1)).collect();
    assert_eq!(
        names,
        [
            (Place::Header, "x-mbx-apikey"),
            (Place::Query, "recvWindow"),
            (Place::Query, "timestamp"),
            (Place::Query, "signature"),
        ]
    );
    assert!(prepared.signers()[0].has_clock());
    let timeless = format!("{{ content: '{{method}}', {PUT} }}");
    assert!(!super::prepared(&timeless, &[("secret", "s")]).signers()[0].has_clock());
}
