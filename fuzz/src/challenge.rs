//! What an upstream writes into its challenges: any of it is read without harm, and what is answered stands in
//! one field, without the password.
use attache::auth::Draft;
use attache::auth::Learnt;
use attache::auth::Moment;
use attache::catalog::Auth;
use attache::catalog::AuthMethod;
use attache::catalog::RawAuthMethod;
use attache::model::Credential;
use attache::model::Key;
use attache::model::Origin;
use attache::model::UnixTime;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header;

const PASSWORD: &str = "s3cr3t-s3cr3t";

/// Lines: each a WWW-Authenticate, those behind an empty line each an Authentication-Info.
pub fn holds(input: &[u8]) {
    let raw: RawAuthMethod = serde_json::from_str(r#"{ "digest": {} }"#).expect("JSON");
    let method = AuthMethod::recorded(Key::try_from("m").expect("a key"), 1, raw);
    let Auth::Outbound(scheme) = method.expect("the settings are sound").auth else { return };
    let credential = Credential::from_iter([("username", "Mufasa"), ("password", PASSWORD)]);
    let prepared = scheme.prepare(&credential).expect("the credential is sound");
    let origin = Origin::parse("https://api.example.com").expect("an origin");
    let mut headers = HeaderMap::new();
    let mut name = header::WWW_AUTHENTICATE;
    for line in input.split(|it| *it == b'\n').take(32) {
        if line.is_empty() {
            name = header::HeaderName::from_static("authentication-info");
        } else if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(name.clone(), value);
        }
    }
    for status in [StatusCode::UNAUTHORIZED, StatusCode::OK] {
        let learnt = prepared.learn(&origin, &[], status, &headers);
        assert!(status != StatusCode::OK || learnt == Learnt::Nothing, "nothing was asked");
    }
    let method = Method::POST;
    let mut draft = Draft::new(&method, &origin, "/dir/index.html", Some("a=\"b"), Vec::new());
    draft.body_len = None;
    let moment = Moment { now: UnixTime::from_s(1_700_000_000), random: [7; 16] };
    prepared.sign(&mut draft, &moment).expect("digest signs anything");
    assert!(draft.fields().len() <= 1);
    for (name, value) in draft.fields() {
        assert_eq!(name, header::AUTHORIZATION);
        let value = value.as_bytes();
        assert!(value.starts_with(b"Digest "));
        let tells = value.windows(PASSWORD.len()).any(|it| it == PASSWORD.as_bytes());
        assert!(!tells || input.windows(PASSWORD.len()).any(|it| it == PASSWORD.as_bytes()));
        assert!(value.len() < 64 * 1024, "{} bytes would be sent", value.len());
    }
}
