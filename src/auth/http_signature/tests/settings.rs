//! What can be wrong with settings and credentials, and whose signatures go on.
use super::*;
use crate::auth::AuthError;

fn faults(yaml: &str) -> Vec<String> {
    let faults = HttpSignature::try_from(raw(yaml)).unwrap_err();
    faults.iter().map(|it| format!("{}; {}", it.problem, it.hint)).collect()
}

#[test]
fn every_fault_says_what_to_write() {
    for (component, fault) in [
        (
            "@status",
            "`@status` is of responses, and it is the request that is signed; leave it out",
        ),
        ("@signature-params", "`@signature-params` is covered always; leave it out"),
        ("@body", "`@body` is no derived component; there are @method, @target-uri,"),
        (
            r#"@query-param;name="%c3%a9""#,
            r#"`@query-param;name="%c3%a9"` has a `name` that is not percent-encoded as RFC 9421 §2.2.8 has it; write `@query-param;name="%C3%A9"`"#,
        ),
        (
            r#"@query-param;name="a%zz""#,
            r#"`@query-param;name="a%zz"` has a `name` that is not percent-encoded as RFC 9421 §2.2.8 has it; write `@query-param;name="a%25zz"`"#,
        ),
        (
            r#"@query-param;name="%FF""#,
            r#"`@query-param;name="%FF"` has a `name` that is not percent-encoded as RFC 9421 §2.2.8 has it; write the name in UTF-8, percent-encoded"#,
        ),
        (
            "@query-param",
            "`@query-param` says no parameter's name; write `@query-param;name=\"page\"`",
        ),
        ("@path;sf", "`@path;sf` has a parameter that is for fields; leave it out"),
        (
            "@path;name=\"a\"",
            "`@path;name=\"a\"` has a `name`, which is for `@query-param`; leave it out",
        ),
        (
            "x;tr",
            "`x;tr` has `tr`: a trailer comes behind the head that the signature is in; cover",
        ),
        (
            "@method;req",
            "`@method;req` has `req`, which only the signature of a response can have; leave",
        ),
        ("x;bs;sf", "`x;bs;sf` has `bs` beside `sf` or `key`, which exclude each other; keep one"),
        (
            "x;bs;key=\"a\"",
            "`x;bs;key=\"a\"` has `bs` beside `sf` or `key`, which exclude each other; keep",
        ),
        (
            "x;sf",
            "`x;sf` is no structured field that is known here; write what it is: `structured: { x: dictionary }`, or list or item",
        ),
        ("x;key=a", "`x;key=a` has a `key` that can't be; write"),
        ("x;key=\"A\"", "`x;key=\"A\"` has a `key` that can't be; write"),
        ("x;other", "`x;other` has an unknown parameter `other`; there are"),
        (
            "Content-Type",
            "`Content-Type` is not written in lower case, as RFC 9421 wants it; write `content-type`",
        ),
        ("a b", "`a b` is no field's name; write it as `content-type`"),
        ("\"a", "`\"a` is no component; write a field's name"),
    ] {
        let component = component.replace('\'', "''");
        let got = faults(&format!("{{ algorithm: ed25519, components: ['{component}'] }}"));
        assert!(got.len() == 1 && got[0].starts_with(fault), "{component}\n{got:#?}");
    }
    for (yaml, fault) in [
        ("{ components: [date] }", "is missing; write rsa-pss-sha512,"),
        ("algorithm: ed25519", "nothing is covered; write what"),
        (
            "{ algorithm: ed25519, components: [date, 'date?'] }",
            "`date?` is covered twice; keep one",
        ),
        (
            "{ algorithm: ed25519, components: [date], label: Sig }",
            "`Sig` can't be a signature's label; it begins",
        ),
        (
            "{ algorithm: ed25519, components: [date], tag: é }",
            "has a character that can't be sent; write",
        ),
        (
            "{ algorithm: ed25519, components: [date], expires_s: 0 }",
            "would be over at once; write",
        ),
        (
            "{ algorithm: ed25519, components: [date], secret_encoding: hex }",
            "ed25519 signs with a private key, and that is PEM; leave",
        ),
    ] {
        let got = faults(yaml);
        assert!(got.len() == 1 && got[0].starts_with(fault), "{yaml}\n{got:#?}");
    }
    for unknown in ["{ component: [date] }", "{ algorithm: rsa }", "{ digest: md5 }"] {
        assert!(serde_yaml::from_str::<RawHttpSignature>(unknown).is_err(), "{unknown}");
    }
}

#[test]
fn credentials_that_make_no_key_are_refused() {
    let refused = |yaml: &str, credential: &[(&str, &str)]| {
        let scheme = Scheme::HttpSignature(Arc::new(HttpSignature::try_from(raw(yaml)).unwrap()));
        scheme.prepare(&credential.iter().copied().collect()).unwrap_err()
    };
    let hmac = "{ algorithm: hmac-sha256, components: [date], secret_encoding: base64 }";
    let unusable = |field: &str, what| vec![AuthError::Unusable { field: field.into(), what }];
    assert_eq!(refused(hmac, &[("secret", "!")]), unusable("secret", "is not Base64"));
    assert_eq!(refused(hmac, &[("secret", "")]), [AuthError::Empty { field: "secret".into() }]);
    let id = refused(hmac, &[("secret", "AAAA"), ("key_id", "é")]);
    assert!(matches!(&id[..], [AuthError::Unsendable { field, .. }] if field == "key_id"));
    let rsa = "{ algorithm: rsa-pss-sha512, components: [date] }";
    let ed = include_str!("../../../../tests/fixtures/http_signature/test-key-ed25519.key");
    assert_eq!(
        refused(rsa, &[("private_key", ed)]),
        unusable("private_key", "is a key of another kind than the algorithm's")
    );
    assert!(matches!(
        &refused(rsa, &[("secret", ed)])[..],
        [AuthError::Missing { .. }, AuthError::Unknown { .. }]
    ));
}

#[test]
fn parameters_are_those_that_are_asked_for() {
    let settings = "{ algorithm: hmac-sha256, components: ['@method'], expires_s: 300, nonce: true, alg: true,\
                      tag: 'a\"b\\c', label: our-sig }";
    let sent =
        PLAIN.signed_by(&prepared(settings, &[("secret", "s"), ("key_id", "k\"1")])).unwrap();
    assert_eq!(
        sent.header("signature-input"),
        "our-sig=(\"@method\");created=1618884473;expires=1618884773;keyid=\"k\\\"1\";alg=\"hmac-sha256\"\
         ;nonce=\"MDEyMzQ1Njc4OWFiY2RlZg\";tag=\"a\\\"b\\\\c\""
    );
    let settings = "{ algorithm: hmac-sha256, components: ['@method'], created: false }";
    let prepared = prepared(settings, &[("secret", "s")]);
    assert_eq!(PLAIN.signed_by(&prepared).unwrap().header("signature-input"), "sig1=(\"@method\")");
    assert!(!prepared.signers()[0].has_clock());
}

#[test]
fn a_callers_signatures_go_on_only_where_they_are_to() {
    let theirs = Request {
        headers: &[
            ("signature-input", "a=(\"@path\");created=1, sig1=();created=2"),
            ("signature", "a=:AAAA:"),
            ("signature", "sig1=:AAAA:"),
        ],
        ..PLAIN
    };
    let settings = "algorithm: hmac-sha256, components: ['@method']";
    let ours = "sig1=(\"@method\");created=1618884473";
    let sent =
        theirs.signed_by(&prepared(&format!("{{ {settings} }}"), &[("secret", "s")])).unwrap();
    assert_eq!(sent.header("signature-input"), ours);
    assert!(
        sent.header("signature").starts_with("sig1=:")
            && !sent.header("signature").contains("AAAA")
    );

    let keep = prepared(&format!("{{ {settings}, others: keep }}"), &[("secret", "s")]);
    let kept = theirs.signed_by(&keep).unwrap();
    assert_eq!(kept.header("signature-input"), format!("a=(\"@path\");created=1, {ours}"));
    assert_eq!(kept.header("signature"), format!("a=:AAAA:, {}", sent.header("signature")));
    let broken =
        Request { headers: &[("signature-input", "a=((("), ("signature", "sig1=:")], ..PLAIN };
    assert_eq!(broken.signed_by(&keep).unwrap().header("signature-input"), ours);
}

#[test]
fn nothing_secret_is_printed() {
    let prepared = prepared(
        "{ algorithm: hmac-sha256, components: ['content-digest?'] }",
        &[("secret", "0ur-s3cr3t")],
    );
    assert!(!format!("{prepared:?}").contains("0ur-s3cr3t"));
    let names: Vec<String> = prepared.describe().into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["content-digest", "signature-input", "signature"]);
}

/// A caller's signatures are kept in the head; in trailers they would come behind ours.
#[test]
fn trailers_carry_no_signature() {
    for others in ["keep", "drop"] {
        let yaml =
            format!("{{ algorithm: hmac-sha256, components: ['@method'], others: {others} }}");
        let prepared = prepared(&yaml, &[("secret", "s3cr3t")]);
        for name in ["signature", "signature-input"] {
            assert!(prepared.kept_from_trailers().any(|it| it == *name), "{others} {name}");
            let name = HeaderName::from_static(name);
            assert_eq!(prepared.injects_header(&name), others == "drop", "{name}");
        }
    }
}
