//! Any request, signed in each way there is: what the caller sent goes on as it came, a signature is there, and
//! no key is.
use attache::auth::Draft;
use attache::auth::Moment;
use attache::auth::Scheme;
use attache::catalog::Auth;
use attache::catalog::AuthMethod;
use attache::catalog::RawAuthMethod;
use attache::model::Credential;
use attache::model::Key;
use attache::model::Origin;
use attache::model::UnixTime;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Uri;

/// What stands in each secret, and may stand nowhere on a request.
const MARK: &str = "s3cr3t";

const SECRET: &str = "s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t";

const METHODS: [&str; 8] = [
    r#"{ "oauth1": { "signature": "hmac_sha1" } }"#,
    r#"{ "oauth1": { "signature": "hmac_sha256", "in": "query", "realm": "r" } }"#,
    r#"{ "oauth1": { "signature": "hmac_sha512", "in": "body" } }"#,
    r#"{ "aws_sigv4": { "service": "s3", "region": "eu-west-1" } }"#,
    r#"{ "aws_sigv4": { "service": "execute-api", "region": "eu-west-1" } }"#,
    r#"{ "aws_sigv4": { "service": "s3", "region": "eu-west-1", "in": "query" } }"#,
    r#"{ "jwt": { "algorithm": "HS256", "claims": { "sub": "me", "path": "{path}" } } }"#,
    r#"{ "signed_request": { "preset": "hawk" } }"#,
];

/// `METHOD /target`, field lines, an empty line, the body.
pub fn holds(input: &[u8]) {
    let (head, body) = match input.windows(2).position(|it| it == b"\n\n") {
        Some(at) => (&input[..at], &input[at + 2..]),
        None => (input, &input[..0]),
    };
    let Ok(head) = str::from_utf8(head) else { return };
    let mut lines = head.lines();
    let Some((method, target)) = lines.next().and_then(|it| it.split_once(' ')) else { return };
    let (Ok(method), Ok(uri)) = (Method::from_bytes(method.as_bytes()), Uri::try_from(target))
    else {
        return;
    };
    if !uri.path().starts_with('/') {
        return;
    }
    let field = |it: &str| {
        let (name, value) = it.split_once(':')?;
        let value = HeaderValue::from_str(value.trim()).ok()?;
        Some((HeaderName::try_from(name).ok()?, value))
    };
    let fields: Vec<_> = lines.take(16).filter_map(field).collect();
    for settings in METHODS {
        sign(settings, &method, &uri, &fields, body);
    }
}

fn sign(
    settings: &str,
    method: &Method,
    uri: &Uri,
    fields: &[(HeaderName, HeaderValue)],
    body: &[u8],
) {
    let raw: RawAuthMethod = serde_json::from_str(settings).expect("settings are JSON");
    let key = Key::try_from("m").expect("a key");
    let auth = AuthMethod::recorded(key, 1, raw).expect("the settings are sound").auth;
    let Auth::Outbound(scheme) = auth else { panic!("{settings} goes out") };
    let prepared = scheme.prepare(&credential(&scheme)).expect("the credential is sound");
    let ours: Vec<&HeaderName> = prepared.header_names().collect();
    let mut sent = Vec::new();
    let mut onto = prepared.onto(|name, value| sent.push((name.clone(), value.clone())));
    fields.iter().for_each(|(name, value)| onto.field(name, value));
    onto.end();
    let before = sent.clone();
    let origin = Origin::parse("https://api.example.com").expect("an origin");
    let mut draft = Draft::new(method, &origin, uri.path(), uri.query(), sent);
    (draft.body, draft.body_len) = (Some(body), Some(body.len() as u64));
    let moment = Moment { now: UnixTime::from_s(1_700_000_000), random: [7; 16] };
    for signer in prepared.signers() {
        let Ok(mut feeds) = signer.begin(&draft, &moment) else { return };
        feeds.iter_mut().for_each(|it| it.update(body));
        if signer.sign(&mut draft, &moment, feeds).is_err() {
            return;
        }
    }
    let is_new = draft.fields().len() > before.len()
        || draft.query() != uri.query()
        || draft.new_body.is_some();
    assert!(is_new, "{settings}: nothing was put on");
    // Fields that no signer has a say in, in their order.
    let is_theirs = |it: &&(HeaderName, HeaderValue)| {
        !ours.contains(&&it.0) && !it.0.as_str().starts_with("x-amz-") && it.0 != "content-encoding"
    };
    let theirs: Vec<_> = before.iter().filter(is_theirs).collect();
    let kept: Vec<_> =
        draft.fields().iter().filter(is_theirs).filter(|it| before.contains(it)).collect();
    assert_eq!(theirs, kept, "{settings}");
    let written =
        fields.iter().any(|it| tells(it.1.as_bytes())) || tells(uri.to_string().as_bytes());
    if !written && !tells(body) {
        assert!(
            draft.fields().iter().all(|it| !tells(it.1.as_bytes())),
            "{settings}: a key is sent"
        );
        assert!(!tells(draft.query().unwrap_or_default().as_bytes()), "{settings}: a key is sent");
        assert!(!draft.new_body.as_ref().is_some_and(|it| tells(it)), "{settings}: a key is sent");
    }
    let query = draft.query().unwrap_or_default();
    let target =
        if query.is_empty() { uri.path().to_owned() } else { format!("{}?{query}", uri.path()) };
    assert!(Uri::try_from(&target).is_ok(), "{settings}: {target:?} can't be sent");
}

fn credential(scheme: &Scheme) -> Credential {
    let is_public =
        |it: &str| it.ends_with("key_id") || it == "consumer_key" || it == "id" || it == "token";
    let value = |it: &str| if is_public(it) { "AKIDEXAMPLE" } else { SECRET };
    let fields = scheme.fields();
    let all = fields.iter().filter(|it| !matches!(**it, "session_token" | "private_key"));
    all.map(|it| (*it, value(it))).collect()
}

fn tells(text: &[u8]) -> bool {
    text.windows(MARK.len()).any(|it| it == MARK.as_bytes())
}
