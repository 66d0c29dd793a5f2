//! Published answers, what is read of challenges, and who is asked again when.
use super::super::BodyUse;
use super::super::Draft;
use super::super::Learnt;
use super::super::Moment;
use super::super::Prepared;
use super::super::Signer;
use super::Digest;
use super::RawDigest;
use super::challenge;
use super::challenge::Challenge;
use super::session::Asked;
use super::session::Session;
use crate::crypto::Hash;
use crate::model::Credential;
use crate::model::Origin;
use crate::model::UnixTime;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header::AUTHORIZATION;
use serde_json::Value;
use serde_json::json;

/// The request of RFC 7616 §3.9.1.
const INDEX: Asked<'static> =
    Asked { method: "GET", path: "/dir/index.html", query: None, body: None };

fn settings(written: Value) -> Digest {
    Digest::try_from(serde_json::from_value::<RawDigest>(written).unwrap()).unwrap()
}

fn read(field: &str) -> Option<Challenge> {
    challenge::strongest([field.as_bytes()].into_iter(), &settings(json!({})))
}

fn answer(challenge: &str, user: (&str, &str), asked: &Asked<'_>, client: &str) -> String {
    let session = Session::new(read(challenge).expect(challenge), user.0, user.1);
    let count = session.count().unwrap();
    String::from_utf8(session.answer(asked, count, client)).unwrap()
}

/// RFC 7616 §3.9.1, in the order of its parameters there.
#[test]
fn the_answers_of_rfc_7616_are_made() {
    for (algorithm, response) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
        let challenge = format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
             opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        );
        let client = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        assert_eq!(
            answer(&challenge, ("Mufasa", "Circle of Life"), &INDEX, client),
            format!(
                "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", algorithm={algorithm}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, cnonce=\"{client}\", qop=auth, \
                 response=\"{response}\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            ),
        );
    }
}

/// RFC 7616 §3.9.2 as its erratum 4897 corrects it: the RFC's own figures are those of another function than SHA-512/256.
#[test]
fn the_answer_with_a_hashed_user_name_is_made() {
    let challenge = "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, \
                     nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", \
                     opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", charset=UTF-8, userhash=true";
    let asked = Asked { path: "/doe.json", ..INDEX };
    let client = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v";
    let name = "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b";
    let response = "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5";
    let expected = format!(
        "Digest username=\"{name}\", realm=\"api@example.org\", uri=\"/doe.json\", algorithm=SHA-512-256, \
         nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", nc=00000001, cnonce=\"{client}\", qop=auth, \
         response=\"{response}\", opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", userhash=true"
    );
    // Composed, and decomposed (Unicode Standard Annex #15): one name.
    for user in ["J\u{e4}s\u{f8}n Doe", "Ja\u{308}s\u{f8}n Doe"] {
        assert_eq!(answer(challenge, (user, "Secret, or not?"), &asked, client), expected);
    }
    // The name in the extended form (RFC 8187) where it is not hashed.
    let challenge = challenge.replace("userhash=true", "userhash=false");
    let sent = answer(&challenge, ("J\u{e4}s\u{f8}n Doe", "Secret, or not?"), &asked, client);
    assert!(sent.starts_with("Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, realm="), "{sent}");
    assert!(sent.contains(response) && !sent.contains("userhash"), "{sent}");
}

/// RFC 2617 §3.5; RFC 2069 §2.4 as its erratum 749 corrects it; the others by the formulas of RFC 2617 §3.2.2 with Python's
/// hashlib.
#[test]
fn the_answers_of_older_servers_and_those_over_bodies_are_made() {
    let nonce = "realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"";
    let post = Asked { method: "POST", body: Some(Hash::Md5.of(b"a=1")), ..INDEX };
    for (rest, password, asked, response) in [
        (", qop=\"auth,auth-int\"", "Circle Of Life", &INDEX, "6629fae49393a05397450978507c4ef1"),
        ("", "CircleOfLife", &INDEX, "1949323746fe6a43ef61f9606e7febea"),
        (", qop=auth-int", "Circle Of Life", &post, "550f980f566db739dfb2622ccb708ca7"),
        (
            ", qop=auth, algorithm=MD5-sess",
            "Circle Of Life",
            &INDEX,
            "8e3825c57e897f5a0dec6c2d4e5059d0",
        ),
    ] {
        let sent =
            answer(&format!("Digest {nonce}{rest}"), ("Mufasa", password), asked, "0a4f113b");
        assert!(sent.contains(&format!("response=\"{response}\"")), "{rest} {sent}");
        assert_eq!(sent.contains("cnonce"), !rest.is_empty(), "{sent}");
        assert_eq!(sent.contains("algorithm"), rest.contains("algorithm"), "{sent}");
    }
}

#[test]
fn a_session_keeps_its_key_and_its_number() {
    let challenge = read("Digest realm=r, nonce=n, qop=auth, algorithm=SHA-256-sess").unwrap();
    let session = Session::new(challenge, "u", "p");
    let sent = |session: &Session, client| {
        let count = session.count().unwrap();
        String::from_utf8(session.answer(&INDEX, count, client)).unwrap()
    };
    let (first, second) = (sent(&session, "one"), sent(&session, "two"));
    assert!(first.contains("nc=00000001, cnonce=\"one\""), "{first}");
    assert!(second.contains("nc=00000002, cnonce=\"one\""), "{second}");
    let text =
        |it: &str| challenge::info(format!("nextnonce={it}").as_bytes(), "nextnonce").unwrap();
    let third = sent(&session.next(text("m")), "three");
    assert!(third.contains("nonce=\"m\", nc=00000001, cnonce=\"one\""), "{third}");
    // By the formulas of RFC 7616 §3.4 with Python's hashlib: the key is that of the first nonce.
    let response = "1343a6945b7c7376f45257ddaafbc4e92a14113a0606af1f9a7100f894b6a8a1";
    assert!(third.contains(response), "{third}");
}

#[test]
fn quoted_texts_go_back_as_they_came_and_are_hashed_as_they_mean() {
    let written = r#"Digest realm="a \"b\" \\ c, d=e", nonce="n\x", qop=auth, opaque="\"""#;
    let challenge = read(written).unwrap();
    assert_eq!(&*challenge.realm.plain, br#"a "b" \ c, d=e"#);
    assert_eq!(&*challenge.nonce.plain, b"nx");
    let asked = Asked { path: "/a\"b", query: Some("c\\d"), ..INDEX };
    let sent = answer(written, ("u\"v", "p"), &asked, "0");
    for part in [
        r#"username="u\"v""#,
        r#"realm="a \"b\" \\ c, d=e""#,
        r#"nonce="n\x""#,
        r#"opaque="\"""#,
        r#"uri="/a\"b?c\\d""#,
    ] {
        assert!(sent.contains(part), "{part} {sent}");
    }
}

#[test]
fn a_challenge_is_found_among_others_and_the_strongest_is_taken() {
    for (fields, taken) in [
        (&["Basic realm=\"x\", Digest realm=r, nonce=n"][..], Some("")),
        (&["Negotiate YWJj==, Digest realm=r, nonce=n, algorithm=MD5"], Some("MD5")),
        (
            &["NTLM, Negotiate a/b+c=,digest REALM=r,nonce = \"n\" ,Algorithm=\"md5\", Basic"],
            Some("md5"),
        ),
        (
            &["Digest realm=r, nonce=n, algorithm=MD5, Digest realm=r, nonce=n, algorithm=SHA-256"],
            Some("SHA-256"),
        ),
        (
            &[
                "Digest realm=r, nonce=n, algorithm=SHA-256",
                "Digest realm=r, nonce=n, algorithm=SHA-512-256-sess, qop=auth",
                "Digest realm=r, nonce=n, algorithm=MD5",
            ],
            Some("SHA-512-256-sess"),
        ),
        (
            &[
                "Digest realm=r, nonce=n, algorithm=SHA3-256, Digest realm=r, nonce=n, algorithm=MD5",
            ],
            Some("MD5"),
        ),
        (
            &["Digest realm=r, nonce=n, algorithm=SHA-256, qop=token, Digest realm=r, nonce=n"],
            Some(""),
        ),
        (&["Digest realm=r, nonce=n, algorithm=SHA-256-sess"], None),
        (&["Digest realm=r, algorithm=MD5"], None),
        (&["Digest nonce=n"], None),
        (&["Digest realm=\"r, nonce=n"], None),
        (&["Bearer realm=r, nonce=n", ""], None),
        (&["realm=r, nonce=n"], None),
    ] {
        let found =
            challenge::strongest(fields.iter().map(|it| it.as_bytes()), &settings(json!({})));
        let name = found.map(|it| {
            it.algorithm_name.map_or(String::new(), |it| String::from_utf8(it.into()).unwrap())
        });
        assert_eq!(name.as_deref(), taken, "{fields:?}");
    }
    let long = format!("Digest realm=r, nonce=\"{}\"", "n".repeat(4097));
    assert_eq!(read(&long), None);
}

#[test]
fn settings_say_what_is_answered() {
    let offered = "Digest realm=r, nonce=n, qop=\"auth,auth-int\", algorithm=MD5";
    let taken = |written: Value, offered: &str| {
        challenge::strongest([offered.as_bytes()].into_iter(), &settings(written))
    };
    assert!(taken(json!({ "algorithms": ["SHA-256", "SHA-512"] }), offered).is_none());
    let int = taken(json!({ "qop": ["auth-int", "auth"] }), offered).unwrap();
    assert_eq!(int.qop, super::Qop::AuthInt);
    assert!(taken(json!({ "qop": ["none"] }), offered).is_none());
    assert!(taken(json!({ "qop": ["auth"] }), "Digest realm=r, nonce=n").is_none());
    for setting in ["algorithms", "qop"] {
        let raw: RawDigest = serde_json::from_value(json!({ setting: [] })).unwrap();
        let faults = Digest::try_from(raw).unwrap_err();
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].problem, "allows nothing");
    }
}

#[test]
fn a_credential_that_can_not_be_sent_is_refused() {
    for (username, password, problem) in [
        ("a:b", "p", Some("the credential field `username` has a colon, which can't be sent")),
        ("a\n", "p", Some("the credential field `username` has a line break, which can't be sent")),
        (
            "a",
            "p\u{1}",
            Some("the credential field `password` has a control character, which can't be sent"),
        ),
        ("", "p", Some("the credential field `username` is empty")),
        ("a", "", None),
    ] {
        let credential = Credential::from_iter([("username", username), ("password", password)]);
        let refused = settings(json!({})).prepare(&credential).err();
        let told = refused.map(|it| it[0].to_string());
        assert_eq!(told.as_deref(), problem, "{username:?} {password:?}");
    }
}

/// A signer, and a server of whose answers it learns.
struct Talk {
    prepared: Prepared,
    origin: Origin,
}

impl Talk {
    fn new(written: Value) -> Self {
        let credential =
            Credential::from_iter([("username", "Mufasa"), ("password", "Circle of Life")]);
        let prepared = settings(written).prepare(&credential).unwrap();
        Self { prepared, origin: Origin::parse("https://api.example.com").unwrap() }
    }

    fn signer(&self) -> &Signer {
        &self.prepared.signers()[0]
    }

    /// What goes out in Authorization.
    fn sent(&self) -> Option<String> {
        self.sent_to(&self.origin)
    }

    fn sent_to(&self, origin: &Origin) -> Option<String> {
        let mut draft = Draft::new(&Method::POST, origin, "/a", Some("b=%20"), Vec::new());
        let moment = Moment { now: UnixTime::from_s(0), random: [0xcd; 16] };
        let mut fed = self.signer().begin(&draft, &moment).unwrap();
        fed.iter_mut().for_each(|it| it.update(b"body"));
        self.signer().sign(&mut draft, &moment, fed).unwrap();
        let value = draft.value(&AUTHORIZATION)?;
        assert!(value.is_sensitive());
        Some(value.to_str().unwrap().to_owned())
    }

    fn refused(&self, challenge: &str) -> Learnt {
        let challenge = format!("Digest realm=\"r\", qop=\"auth\", {challenge}");
        self.answered(401, "www-authenticate", &challenge)
    }

    fn answered(&self, status: u16, name: &'static str, value: &str) -> Learnt {
        let mut headers = HeaderMap::new();
        headers.append(HeaderName::from_static(name), HeaderValue::try_from(value).unwrap());
        self.signer().learn(&self.origin, &[], StatusCode::from_u16(status).unwrap(), &headers)
    }

    fn body_use(&self) -> BodyUse {
        self.signer().body_use(&self.origin, &Method::POST, &HeaderMap::new())
    }
}

/// Nonce and number of what went out.
fn numbered(sent: Option<String>) -> String {
    let sent = sent.unwrap();
    let part = |name: &str| sent.split(name).nth(1).unwrap().split([',', ' ']).next().unwrap();
    [part(", nonce=").trim_matches('"'), part(", nc=")].join(" ")
}

#[test]
fn a_warm_exchange_costs_one_round_trip() {
    let talk = Talk::new(json!({}));
    assert_eq!(talk.sent(), None);
    assert_eq!(talk.refused("nonce=n1"), Learnt::Challenge);
    assert_eq!(numbered(talk.sent()), "n1 00000001");
    assert_eq!(talk.answered(200, "date", "-"), Learnt::Nothing);
    assert_eq!(numbered(talk.sent()), "n1 00000002");
    let sent = talk.sent().unwrap();
    assert!(sent.contains("uri=\"/a?b=%20\""), "{sent}");
    assert!(sent.contains("cnonce=\"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd\""), "{sent}");
}

#[test]
fn a_stale_nonce_and_the_next_one_are_taken_up() {
    let talk = Talk::new(json!({}));
    talk.sent();
    talk.refused("nonce=n1");
    talk.sent();
    assert_eq!(talk.refused("nonce=n2, stale=TRUE"), Learnt::Challenge);
    assert_eq!(numbered(talk.sent()), "n2 00000001");
    talk.answered(204, "authentication-info", "rspauth=\"0\", nextnonce=\"n3\", qop=auth");
    assert_eq!(numbered(talk.sent()), "n3 00000001");
    talk.answered(200, "authentication-info", "nextnonce=\"n3\"");
    assert_eq!(numbered(talk.sent()), "n3 00000002");
}

#[test]
fn a_wrong_password_is_told_to_the_caller() {
    let talk = Talk::new(json!({}));
    talk.sent();
    assert_eq!(talk.refused("nonce=n1"), Learnt::Challenge);
    talk.sent();
    assert_eq!(talk.refused("nonce=n2"), Learnt::Nothing);
    // The next goes out once, with the nonce that came last.
    assert_eq!(numbered(talk.sent()), "n2 00000001");
    assert_eq!(talk.refused("nonce=n2"), Learnt::Nothing);
    assert_eq!(numbered(talk.sent()), "n2 00000002");
}

/// Not every server says `stale` of a nonce that it has forgotten.
#[test]
fn whoever_was_let_in_before_may_answer_again() {
    let talk = Talk::new(json!({}));
    talk.sent();
    talk.refused("nonce=n1");
    talk.sent();
    talk.answered(200, "date", "-");
    talk.sent();
    assert_eq!(talk.refused("nonce=n2"), Learnt::Challenge);
    talk.sent();
    assert_eq!(talk.refused("nonce=n3"), Learnt::Nothing);
    // Another realm has another password, as far as anybody knows.
    let other = "Digest realm=\"other\", qop=auth, nonce=n4";
    assert_eq!(talk.answered(401, "www-authenticate", other), Learnt::Challenge);
}

#[test]
fn each_of_many_that_went_out_bare_may_answer() {
    let talk = Talk::new(json!({}));
    (0..3).for_each(|_| assert_eq!(talk.sent(), None));
    for nonce in ["nonce=n1", "nonce=n2", "nonce=n3"] {
        assert_eq!(talk.refused(nonce), Learnt::Challenge, "{nonce}");
    }
    assert_eq!(talk.refused("nonce=n4"), Learnt::Nothing);
}

#[test]
fn the_same_nonce_again_is_counted_on() {
    let talk = Talk::new(json!({}));
    talk.sent();
    talk.sent();
    assert_eq!(talk.refused("nonce=n1"), Learnt::Challenge);
    assert_eq!(numbered(talk.sent()), "n1 00000001");
    assert_eq!(talk.refused("nonce=n1"), Learnt::Challenge);
    assert_eq!(numbered(talk.sent()), "n1 00000002");
}

#[test]
fn each_origin_has_its_own_nonce_and_few_are_kept() {
    let mut talk = Talk::new(json!({}));
    let origin = |port: u16| Origin::parse(&format!("https://api.example.com:{port}")).unwrap();
    for port in 1..=33 {
        talk.origin = origin(port);
        assert_eq!(talk.sent(), None);
        assert_eq!(talk.refused(&format!("nonce=n{port}")), Learnt::Challenge);
    }
    assert_eq!(numbered(talk.sent_to(&origin(33))), "n33 00000001");
    assert_eq!(numbered(talk.sent_to(&origin(2))), "n2 00000001");
    assert_eq!(talk.sent_to(&origin(1)), None, "33 are one more than are kept");
}

#[test]
fn bodies_are_read_only_where_they_may_be_covered() {
    let talk = Talk::new(json!({}));
    assert_eq!(talk.body_use(), BodyUse::Fed, "nobody knows yet");
    talk.sent();
    talk.refused("nonce=n1");
    assert_eq!(talk.body_use(), BodyUse::Kept);
    talk.answered(
        401,
        "www-authenticate",
        "Digest realm=\"r\", nonce=n, qop=auth-int, algorithm=SHA-256",
    );
    assert_eq!(talk.body_use(), BodyUse::Fed);
    let sent = talk.sent().unwrap();
    // By the formulas of RFC 7616 §3.4 with Python's hashlib, for the body `body`.
    let response = "8e1b8d85de84b9796b455e663dcddb8a9bf81978c28500a3c0e09312d05a29a1";
    assert!(sent.contains(response), "{sent}");

    let elsewhere = Origin::parse("https://other.example.com").unwrap();
    talk.refused("nonce=n2");
    let body_use = talk.signer().body_use(&elsewhere, &Method::POST, &HeaderMap::new());
    assert_eq!(body_use, BodyUse::Fed, "of that one nobody knows");

    assert_eq!(Talk::new(json!({ "qop": ["auth"] })).body_use(), BodyUse::Kept);
}

/// One who signs has begun while another challenge was there, so that the body went into another hash.
#[test]
fn a_body_that_went_into_another_hash_is_not_vouched_for() {
    let talk = Talk::new(json!({}));
    let moment = Moment { now: UnixTime::from_s(0), random: [0; 16] };
    let mut draft = Draft::new(&Method::POST, &talk.origin, "/a", None, Vec::new());
    for (before, after) in [("MD5", "SHA-256"), ("SHA-256", "SHA-512-256")] {
        let challenge =
            |name| format!("Digest realm=r, nonce={name}, qop=auth-int, algorithm={name}");
        talk.answered(401, "www-authenticate", &challenge(before));
        let fed = talk.signer().begin(&draft, &moment).unwrap();
        talk.answered(401, "www-authenticate", &challenge(after));
        talk.signer().sign(&mut draft, &moment, fed).unwrap();
        assert_eq!(draft.value(&AUTHORIZATION), None, "{before} {after}");
    }
}
