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
use super::session::Counter;
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
use http::header::HOST;
use serde_json::Value;
use serde_json::json;
use std::cell::RefCell;
use std::sync::Barrier;
use std::thread;

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
    let third = sent(&session.next(text("m"), Counter::default()), "three");
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
    path: &'static str,
    /// What went out last in Authorization.
    last: RefCell<Option<String>>,
}

impl Talk {
    fn new(written: Value) -> Self {
        let credential =
            Credential::from_iter([("username", "Mufasa"), ("password", "Circle of Life")]);
        let prepared = settings(written).prepare(&credential).unwrap();
        let origin = Origin::parse("https://api.example.com").unwrap();
        Self { prepared, origin, path: "/a", last: RefCell::default() }
    }

    fn signer(&self) -> &Signer {
        &self.prepared.signers()[0]
    }

    /// What goes out in Authorization.
    fn sent(&self) -> Option<String> {
        let sent = put(self.signer(), &self.origin, self.path);
        self.last.replace(sent.clone());
        sent
    }

    fn sent_to(&self, origin: &Origin) -> Option<String> {
        put(self.signer(), origin, self.path)
    }

    fn sent_for(&mut self, path: &'static str) -> Option<String> {
        self.path = path;
        self.sent()
    }

    /// The last request is refused.
    fn refused(&self, challenge: &str) -> Learnt {
        self.refused_of(self.last.borrow().as_deref(), challenge)
    }

    /// A request is refused that went out with this in Authorization.
    fn refused_of(&self, sent: Option<&str>, challenge: &str) -> Learnt {
        let challenge = format!("Digest realm=\"r\", qop=\"auth\", {challenge}");
        self.answered_of(sent, 401, "www-authenticate", &challenge)
    }

    fn answered(&self, status: u16, name: &'static str, value: &str) -> Learnt {
        self.answered_of(self.last.borrow().as_deref(), status, name, value)
    }

    fn answered_of(
        &self,
        sent: Option<&str>,
        status: u16,
        name: &'static str,
        value: &str,
    ) -> Learnt {
        learn(self.signer(), &self.origin, sent, status, (name, value))
    }

    fn body_use(&self) -> BodyUse {
        self.signer().body_use(&self.origin, &Method::POST, &HeaderMap::new())
    }
}

fn put(signer: &Signer, origin: &Origin, path: &str) -> Option<String> {
    let mut draft = Draft::new(&Method::POST, origin, path, Some("b=%20"), Vec::new());
    let moment = Moment { now: UnixTime::from_s(0), random: [0xcd; 16] };
    let mut fed = signer.begin(&draft, &moment).unwrap();
    fed.iter_mut().for_each(|it| it.update(b"body"));
    signer.sign(&mut draft, &moment, fed).unwrap();
    let value = draft.value(&AUTHORIZATION)?;
    assert!(value.is_sensitive());
    Some(value.to_str().unwrap().to_owned())
}

fn learn(
    signer: &Signer,
    origin: &Origin,
    sent: Option<&str>,
    status: u16,
    (name, value): (&'static str, &str),
) -> Learnt {
    let sent = sent.map(|it| (AUTHORIZATION, HeaderValue::try_from(it).unwrap()));
    let host = (HOST, HeaderValue::from_static("api.example.com"));
    let sent = [host].into_iter().chain(sent).collect::<Vec<_>>();
    let mut headers = HeaderMap::new();
    headers.append(HeaderName::from_static(name), HeaderValue::try_from(value).unwrap());
    signer.learn(origin, &sent, StatusCode::from_u16(status).unwrap(), &headers)
}

fn part(sent: &str, name: &str) -> String {
    let rest = sent.split(name).nth(1).unwrap();
    rest.split([',', ' ']).next().unwrap().trim_matches('"').to_owned()
}

/// Nonce and number of what went out.
fn numbered(sent: Option<String>) -> String {
    let sent = sent.unwrap();
    [part(&sent, ", nonce="), part(&sent, ", nc=")].join(" ")
}

/// The realm that what went out is for.
fn realm(sent: Option<String>) -> String {
    part(&sent.unwrap(), ", realm=")
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

/// A server that forgets a nonce says `stale` (RFC 7616 §3.3); whoever was let in before may have lost that since.
#[test]
fn a_nonce_that_was_good_before_and_is_refused_is_told_to_the_caller() {
    let talk = Talk::new(json!({}));
    talk.sent();
    talk.refused("nonce=n1");
    talk.sent();
    talk.answered(200, "date", "-");
    talk.sent();
    assert_eq!(talk.refused("nonce=n2"), Learnt::Nothing);
    assert_eq!(numbered(talk.sent()), "n2 00000001");
    // Another realm has another password, as far as anybody knows.
    let other = "Digest realm=\"other\", qop=auth, nonce=n3";
    assert_eq!(talk.answered(401, "www-authenticate", other), Learnt::Challenge);
}

#[test]
fn each_of_many_that_went_out_bare_may_answer() {
    let talk = Talk::new(json!({}));
    (0..3).for_each(|_| assert_eq!(talk.sent(), None));
    assert_eq!(talk.refused_of(None, "nonce=n1"), Learnt::Challenge);
    // The first one's answer is taken before the others are refused.
    assert_eq!(numbered(talk.sent()), "n1 00000001");
    assert_eq!(talk.answered(200, "date", "-"), Learnt::Nothing);
    for nonce in ["nonce=n2", "nonce=n3"] {
        assert_eq!(talk.refused_of(None, nonce), Learnt::Challenge, "{nonce}");
    }
    talk.sent();
    assert_eq!(talk.refused("nonce=n4"), Learnt::Nothing);
}

#[test]
fn whoever_signed_with_a_nonce_that_was_replaced_meanwhile_may_answer() {
    let talk = Talk::new(json!({}));
    talk.refused("nonce=n1");
    let (one, two) = (talk.sent(), talk.sent());
    assert_eq!(talk.refused_of(one.as_deref(), "nonce=n2"), Learnt::Nothing);
    assert_eq!(talk.refused_of(two.as_deref(), "nonce=n3"), Learnt::Challenge);
    assert_eq!(numbered(talk.sent()), "n3 00000001");
    assert_eq!(talk.refused("nonce=n4"), Learnt::Nothing);
}

/// A server that forgets its quotes: what goes back means the same, and is known again.
#[test]
fn what_no_token_may_have_is_quoted_and_known_again() {
    let talk = Talk::new(json!({}));
    let challenge = r#"Digest realm=DOMAIN\name, nonce=a"b\c, qop=auth"#;
    assert_eq!(talk.answered(401, "www-authenticate", challenge), Learnt::Challenge);
    let sent = talk.sent().unwrap();
    assert!(
        sent.contains(r#"realm="DOMAIN\\name", uri="/a?b=%20", nonce="a\"b\\c", nc=00000001"#),
        "{sent}"
    );
    assert_eq!(talk.answered(401, "www-authenticate", challenge), Learnt::Nothing);
    assert!(talk.sent().unwrap().contains("nc=00000002"));
}

#[test]
fn the_same_nonce_again_is_counted_on() {
    let talk = Talk::new(json!({}));
    (0..4).for_each(|_| assert_eq!(talk.sent(), None));
    assert_eq!(talk.refused_of(None, "nonce=n1"), Learnt::Challenge);
    assert_eq!(numbered(talk.sent()), "n1 00000001");
    assert_eq!(talk.refused_of(None, "nonce=n1"), Learnt::Challenge);
    assert_eq!(numbered(talk.sent()), "n1 00000002");
    // What else it says does not matter to whoever counts, nor what was there in between.
    assert_eq!(talk.refused_of(None, "nonce=n1, opaque=o"), Learnt::Challenge);
    let sent = talk.sent();
    assert!(sent.as_ref().is_some_and(|it| it.contains("opaque=\"o\"")));
    assert_eq!(numbered(sent), "n1 00000003");
    talk.answered(200, "authentication-info", "nextnonce=\"n2\"");
    assert_eq!(numbered(talk.sent()), "n2 00000001");
    assert_eq!(talk.refused_of(None, "nonce=n1"), Learnt::Challenge);
    assert_eq!(numbered(talk.sent()), "n1 00000004");
}

#[test]
fn a_next_nonce_that_comes_late_takes_nothing_back() {
    let talk = Talk::new(json!({}));
    talk.refused("nonce=n1");
    let next = |sent: Option<String>, nonce: &str| {
        let value = format!("nextnonce=\"{nonce}\"");
        talk.answered_of(sent.as_deref(), 200, "authentication-info", &value);
    };
    let (one, two) = (talk.sent(), talk.sent());
    next(one, "n2");
    let three = talk.sent();
    assert_eq!(numbered(three.clone()), "n2 00000001");
    next(three, "n3");
    assert_eq!(numbered(talk.sent()), "n3 00000001");
    next(two, "n2");
    let last = talk.sent();
    assert_eq!(numbered(last.clone()), "n3 00000002");
    // A server that gives an old one again on purpose has counted, too.
    next(last, "n1");
    assert_eq!(numbered(talk.sent()), "n1 00000003");
}

#[test]
fn a_session_s_key_stays_with_its_nonce() {
    let talk = Talk::new(json!({}));
    talk.refused_of(None, "nonce=n1, algorithm=MD5-sess");
    let first = talk.sent().unwrap();
    // Another opaque text and the same nonce: the server has made its key once.
    talk.refused_of(None, "nonce=n1, algorithm=MD5-sess, opaque=o");
    let moment = Moment { now: UnixTime::from_s(0), random: [0xef; 16] };
    let mut draft = Draft::new(&Method::POST, &talk.origin, "/a", None, Vec::new());
    talk.signer().sign(&mut draft, &moment, Vec::new()).unwrap();
    let second = draft.value(&AUTHORIZATION).unwrap().to_str().unwrap();
    assert_eq!(part(&first, ", cnonce="), part(second, ", cnonce="));
}

#[test]
fn no_number_is_counted_twice() {
    let session = Session::new(read("Digest realm=r, nonce=n, qop=auth").unwrap(), "u", "p");
    let together = Barrier::new(4);
    let mut counted = thread::scope(|scope| {
        let one = || {
            together.wait();
            (0..100_000).map(|_| session.count().unwrap()).collect::<Vec<_>>()
        };
        [0; 4].map(|_| scope.spawn(one)).map(|it| it.join().unwrap()).concat()
    });
    counted.sort();
    assert!(counted.into_iter().eq(1..=400_000));
}

#[test]
fn no_number_of_a_nonce_goes_out_twice() {
    let talk = Talk::new(json!({}));
    talk.refused("nonce=n1");
    let (signer, origin) = (talk.signer(), &talk.origin);
    let together = Barrier::new(8);
    let mut sent = thread::scope(|scope| {
        let one = || {
            together.wait();
            (0..500).map(|_| numbered(put(signer, origin, "/a"))).collect::<Vec<_>>()
        };
        let threads = [0; 8].map(|_| scope.spawn(one));
        threads.map(|it| it.join().unwrap()).concat()
    });
    sent.sort();
    let expected = (1..=4000).map(|it| format!("n1 {it:08x}")).collect::<Vec<_>>();
    assert_eq!(sent, expected);
}

/// Several that went out bare are told one nonce at a time, each on a thread of its own.
#[test]
fn no_number_goes_out_twice_where_many_learn_one_nonce() {
    for round in 0..200 {
        let talk = Talk::new(json!({}));
        let (signer, origin) = (talk.signer(), &talk.origin);
        let together = Barrier::new(4);
        let challenge = format!("Digest realm=r, qop=auth, nonce=n{round}");
        let mut sent = thread::scope(|scope| {
            let one = || {
                together.wait();
                let told = ("www-authenticate", &*challenge);
                assert_eq!(learn(signer, origin, None, 401, told), Learnt::Challenge);
                numbered(put(signer, origin, "/a"))
            };
            [0; 4].map(|_| scope.spawn(one)).map(|it| it.join().unwrap())
        });
        sent.sort();
        assert_eq!(sent, [1, 2, 3, 4].map(|it| format!("n{round} {it:08x}")));
    }
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

/// Two realms on one origin, nothing said of where they are: each path is refused once.
#[test]
fn each_realm_of_an_origin_is_answered_where_it_was_heard_of() {
    let mut talk = Talk::new(json!({}));
    let challenge = |realm: &str| format!("Digest realm={realm}, qop=auth, nonce=of-{realm}");
    let mut challenged = 0;
    for turn in 0..3 {
        for (path, asks) in [("/one/x", "one"), ("/two/y/z", "two"), ("/two/y/w", "two")] {
            let mut sent = talk.sent_for(path);
            if sent.as_deref().is_none_or(|it| part(it, ", realm=") != asks) {
                challenged += 1;
                let learnt = talk.answered(401, "www-authenticate", &challenge(asks));
                assert_eq!(learnt, Learnt::Challenge, "{turn} {path}");
                sent = talk.sent();
            }
            assert_eq!(realm(sent), asks, "{turn} {path}");
        }
    }
    assert_eq!(challenged, 3, "the first one went out bare, so that nobody knew its path");
    assert_eq!(numbered(talk.sent_for("/one/")), "of-one 00000005");
}

#[test]
fn a_realm_is_answered_where_it_says_that_it_is() {
    let mut talk = Talk::new(json!({}));
    for (realm, domain) in [
        ("one", "/one /first"),
        ("two", "https://api.example.com/two https://elsewhere.example.com/one/two"),
        ("all", "/"),
    ] {
        let challenge = format!("Digest realm={realm}, qop=auth, nonce=n, domain=\"{domain}\"");
        talk.answered_of(None, 401, "www-authenticate", &challenge);
    }
    for (path, asks) in [
        ("/one", "one"),
        ("/first/a", "one"),
        ("/two/a", "two"),
        ("/one/two", "one"),
        ("/b", "all"),
    ] {
        assert_eq!(realm(talk.sent_for(path)), asks, "{path}");
    }
}

#[test]
fn an_origin_of_many_realms_puts_no_other_out() {
    let mut talk = Talk::new(json!({}));
    talk.refused("nonce=n1");
    let other = talk.origin.clone();
    talk.origin = Origin::parse("https://odd.example.com").unwrap();
    for number in 0..100 {
        let challenge = format!("Digest realm=r{number}, qop=auth, nonce=n, domain=/{number}/");
        talk.answered_of(None, 401, "www-authenticate", &challenge);
    }
    assert_eq!(realm(talk.sent_for("/96/")), "r96");
    assert_eq!(realm(talk.sent_for("/95/")), "r99", "five are one more than are kept");
    assert_eq!(numbered(talk.sent_to(&other)), "n1 00000001");
}

#[test]
fn bodies_are_read_only_where_they_are_covered() {
    let mut talk = Talk::new(json!({}));
    assert_eq!(talk.body_use(), BodyUse::Kept, "nobody knows yet");
    talk.sent();
    talk.refused("nonce=n1");
    assert_eq!(talk.body_use(), BodyUse::Kept);
    talk.origin = Origin::parse("https://two.example.com").unwrap();
    assert_eq!(talk.body_use(), BodyUse::Kept);
    assert_eq!(talk.sent(), None);
    let covering = "Digest realm=\"r\", nonce=n, qop=auth-int, algorithm=SHA-256";
    assert_eq!(talk.answered(401, "www-authenticate", covering), Learnt::Challenge);
    assert_eq!(talk.body_use(), BodyUse::Fed);
    let sent = talk.sent().unwrap();
    // By the formulas of RFC 7616 §3.4 with Python's hashlib, for the body `body`.
    let response = "8e1b8d85de84b9796b455e663dcddb8a9bf81978c28500a3c0e09312d05a29a1";
    assert!(sent.contains(response), "{sent}");
    talk.origin = Origin::parse("https://api.example.com").unwrap();
    assert_eq!(talk.body_use(), BodyUse::Kept, "another origin's server has asked for more");

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
