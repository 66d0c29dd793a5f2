//! The pages before a scripted API: what a browser gets for what it sends.
use super::*;
use browser::Browser;
use http::StatusCode;
use http::header;
use seat::Seat;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use std::sync::Mutex;
use zeroize::Zeroizing;

const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

type Scripted = (&'static str, u16, Value);

/// The API's answers by the end of the path, and what was asked.
#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<Vec<Scripted>>>,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Script {
    /// With the session that a link shows.
    fn with(session: Value) -> Self {
        let script = Self::default();
        script.answers("", 200, session);
        script
    }

    fn answers(&self, act: &'static str, status: u16, body: Value) {
        self.answers.lock().unwrap().insert(0, (act, status, body));
    }

    fn asked(&self, act: &str) -> Vec<Value> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|it| it.0 == act).map(|it| it.1.clone()).collect()
    }

    fn pages(&self) -> Pages {
        let script = self.clone();
        let api: Api = Arc::new(move |asked| {
            let act = asked.path.trim_start_matches("/v1/connect-sessions");
            let act = act.trim_start_matches(&format!("/{}", view::session_id(TOKEN))).to_owned();
            script.asked.lock().unwrap().push((act.clone(), asked.body));
            let answers = script.answers.lock().unwrap();
            let (_, status, body) =
                answers.iter().find(|it| it.0 == act).unwrap_or_else(|| panic!("{act}"));
            let status = StatusCode::from_u16(*status).unwrap();
            let answered = Answered { status, body: body.clone() };
            Box::pin(async move { answered })
        });
        Pages::new(api, Some("https://connect.example"), &ConnectSettings::default(), None)
    }
}

fn item(more: Value) -> Value {
    let mut item = json!({
        "connection": "crm", "name": "CRM", "way": "redirect", "state": "waiting", "fields": [],
    });
    let more = more.as_object().unwrap().clone();
    item.as_object_mut().unwrap().extend(more);
    item
}

fn session(more: Value) -> Value {
    let mut session = json!({
        "id": view::session_id(TOKEN), "name": "Acme", "state": "open", "browser": null,
        "return_url": null, "items": [item(json!({}))],
    });
    let more = more.as_object().unwrap().clone();
    session.as_object_mut().unwrap().extend(more);
    session
}

fn visit(method: Method, path: &str) -> Visit {
    Visit {
        method,
        path: path.to_owned(),
        query: Zeroizing::default(),
        body: Zeroizing::default(),
        browsers: Vec::new(),
        is_from_another_site: false,
        is_from_here: false,
        asked: Seat::Own,
        known: None,
    }
}

fn get() -> Visit {
    visit(Method::GET, &route::link(TOKEN))
}

fn text(response: &Response<Bytes>) -> String {
    String::from_utf8(response.body().to_vec()).unwrap()
}

fn location(response: &Response<Bytes>) -> &str {
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    response.headers()[header::LOCATION].to_str().unwrap()
}

#[tokio::test]
async fn whoever_looks_at_a_link_uses_nothing_up() {
    let script = Script::with(session(json!({})));
    let shown = script.pages().answer(&get()).await;
    assert_eq!(shown.status(), StatusCode::OK);
    assert!(text(&shown).contains("Connect CRM to Acme"));
    let cookie = shown.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-"), "the browser is known again, and no more: {cookie}");
    assert_eq!(script.asked.lock().unwrap().len(), 1, "only the session was read");
}

#[tokio::test]
async fn what_others_wrote_is_shown_as_text() {
    let odd = "<script>alert(1)</script>\"'&";
    let field = json!({ "in": "variables", "name": "x", "label": odd, "help": odd, "example": odd, "value": odd });
    let items = json!([item(
        json!({ "name": odd, "description": odd, "account": { "id": odd }, "is_reconnect": true, "fields": [field] })
    )]);
    let script = Script::with(session(json!({ "name": odd, "items": items })));
    let shown = text(&script.pages().answer(&get()).await);
    assert!(!shown.contains("<script>"), "{shown}");
    assert!(shown.matches("&lt;script&gt;").count() > 8, "{shown}");
    assert!(!shown.contains("\"'&"), "{shown}");
}

#[tokio::test]
async fn every_page_is_sealed_off() {
    let script = Script::with(session(json!({})));
    let pages = script.pages();
    for visit in [get(), visit(Method::GET, "/connect/x"), visit(Method::GET, "/oauth/callback")] {
        let shown = pages.answer(&visit).await;
        let headers = shown.headers();
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self' https:",
        ] {
            assert!(policy.split("; ").any(|it| it == part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
    }
}

#[tokio::test]
async fn the_first_who_goes_on_has_the_link() {
    let script = Script::with(session(json!({})));
    script.answers("/begin", 200, json!({ "redirect": "https://id.example/authorize?state=s" }));
    let begun = script.pages().answer(&visit(Method::POST, &route::begin(TOKEN, "crm"))).await;
    assert_eq!(location(&begun), "https://id.example/authorize?state=s");
    let cookie = begun.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-attache-connect-"), "{cookie}");
    let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
    let browser = Browser::read(name, value, (true, false), &Frames::default()).unwrap();
    assert_eq!(script.asked("/begin")[0]["browser"], json!(browser.hash()));

    script.answers("", 200, session(json!({ "browser": browser.hash() })));
    let own = Visit { browsers: vec![browser], ..get() };
    assert_eq!(script.pages().answer(&own).await.status(), StatusCode::OK);
    for others in [vec![], vec![Browser::new(TOKEN, Seat::Own)]] {
        let other = Visit { browsers: others, ..get() };
        let shown = script.pages().answer(&other).await;
        assert_eq!(shown.status(), StatusCode::CONFLICT);
        assert!(text(&shown).contains("open in another browser"));
    }
}

#[tokio::test]
async fn another_site_sends_no_form_for_whoever_visits_it() {
    let script = Script::with(session(json!({})));
    for path in [
        route::begin(TOKEN, "crm"),
        route::account(TOKEN, "crm"),
        route::finish(TOKEN),
        route::link(TOKEN),
    ] {
        let sent = Visit { is_from_another_site: true, ..visit(Method::POST, &path) };
        let answered = script.pages().answer(&sent).await;
        assert_eq!(location(&answered), route::link(TOKEN));
    }
    assert!(script.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_form_comes_back_with_what_was_typed_and_what_is_wrong_and_never_with_a_secret() {
    let field = |place: &str, name: &str, secret: bool| json!({ "in": place, "name": name, "label": name, "secret": secret, "required": true });
    let fields = json!([field("variables", "subdomain", false), field("credentials", "key", true)]);
    let items = json!([item(json!({ "way": "form", "fields": fields }))]);
    let script = Script::with(session(json!({ "items": items })));
    let errors =
        json!([{ "pointer": "/credentials/key", "problem": "it is not a key", "hint": "" }]);
    script.answers("/begin", 422, json!({ "code": "invalid", "errors": errors }));
    let body = b"variables.subdomain=acme&credentials.key=hunter2".to_vec();
    let sent =
        Visit { body: Zeroizing::new(body), ..visit(Method::POST, &route::begin(TOKEN, "crm")) };
    let again = script.pages().answer(&sent).await;
    assert_eq!(again.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let shown = text(&again);
    assert!(shown.contains("value=\"acme\"") && shown.contains("it is not a key"), "{shown}");
    assert!(shown.contains("aria-invalid=\"true\"") && !shown.contains("hunter2"), "{shown}");
    let asked = &script.asked("/begin")[0];
    assert_eq!(asked["credentials"], json!({ "key": "hunter2" }));
    assert_eq!(asked["variables"], json!({ "subdomain": "acme" }));
}

#[tokio::test]
async fn whatever_is_over_says_so() {
    for (state, browser, status, words) in [
        ("expired", None, StatusCode::GONE, "This took too long"),
        ("ended", None, StatusCode::GONE, "This link has been used"),
        ("done", None, StatusCode::GONE, "This link has been used"),
        ("done", Some("another"), StatusCode::GONE, "This link has been used"),
    ] {
        let shown = session(
            json!({ "state": state, "browser": browser, "return_url": "https://app.example/" }),
        );
        let shown = Script::with(shown).pages().answer(&get()).await;
        assert_eq!(shown.status(), status, "{state}");
        assert!(text(&shown).contains(words), "{state}");
        assert!(!text(&shown).contains("app.example"), "{state}");
    }
    let script = Script::default();
    script.answers("", 404, json!({ "code": "not_found" }));
    assert_eq!(script.pages().answer(&get()).await.status(), StatusCode::NOT_FOUND);
    script.answers("", 503, json!({ "code": "store_unavailable" }));
    assert_eq!(script.pages().answer(&get()).await.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_customer_who_is_done_goes_back_to_where_they_came_from() {
    let browser = Browser::new(TOKEN, Seat::Own);
    let items = json!([item(
        json!({ "state": "connected", "account": { "id": "7", "name": "ann@example.com" } })
    )]);
    let done = |url: Option<&str>| {
        session(json!({
            "state": "done", "browser": browser.hash(), "items": items, "return_url": url,
        }))
    };
    let own = || Visit { browsers: vec![browser.clone()], ..get() };
    let went =
        Script::with(done(Some("https://app.example/done?a=b#c"))).pages().answer(&own()).await;
    let id = view::session_id(TOKEN);
    let to = format!("https://app.example/done?a=b&connect_session={id}&status=connected#c");
    assert_eq!(location(&went), to);
    let stayed = Script::with(done(None)).pages().answer(&own()).await;
    assert!(text(&stayed).contains("connected as ann@example.com"), "{}", text(&stayed));
}

#[tokio::test]
async fn a_provider_is_heard_however_it_sends_the_browser_back() {
    let browser = Browser::new(TOKEN, Seat::Own);
    let items = json!([item(json!({ "state": "connected" }))]);
    let script = Script::with(session(json!({ "browser": browser.hash(), "items": items })));
    script.answers(
        "/callback",
        200,
        json!({ "session": session(json!({})), "item": item(json!({})) }),
    );
    script.answers("/finish", 200, json!({}));
    let pages = script.pages();
    let back = |query: &str, browsers: &[Browser]| Visit {
        query: Zeroizing::new(query.to_owned()),
        browsers: browsers.to_vec(),
        ..visit(Method::GET, "/oauth/callback")
    };
    let own = [browser.clone(), Browser::new(&TOKEN.replace('A', "B"), Seat::Own)];
    let answered = pages.answer(&back("code=c&state=s", &own)).await;
    assert_eq!(location(&answered), route::link(TOKEN));
    let asked = &script.asked("/callback")[0];
    assert_eq!(asked["query"], "code=c&state=s");
    let hash = browser.hash();
    assert_eq!(asked["browsers"][0], format!("{}:{hash}", view::session_id(TOKEN)));
    assert_eq!(script.asked("/finish").len(), 1);

    let behind = pages.answer(&back("", &own)).await;
    let policy = behind.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("script-src 'sha256-") && text(&behind).contains("location.hash"));

    let body = Zeroizing::new(b"code=c&state=s%2F".to_vec());
    let posted =
        Visit { body, is_from_another_site: true, ..visit(Method::POST, "/oauth/callback") };
    assert_eq!(location(&pages.answer(&posted).await), "/oauth/callback?code=c&state=s%2F");
    for body in ["", "a\r\nb: c", "a b", "a#b", "é"] {
        let body = Zeroizing::new(body.as_bytes().to_vec());
        let posted = Visit { body, ..visit(Method::POST, "/oauth/callback") };
        assert_eq!(pages.answer(&posted).await.status(), StatusCode::NOT_FOUND);
    }
    let stranger = pages.answer(&back("code=c&state=s", &[])).await;
    assert_eq!(stranger.status(), StatusCode::CONFLICT, "the API's word is not enough");
}

#[tokio::test]
async fn each_failure_is_told_in_words() {
    for reason in [
        "consent_denied",
        "consent_expired",
        "scopes_missing",
        "account_differs",
        "credential_refused",
        "provider_unavailable",
        "provider_error",
        "issuer_mismatch",
        "connection_gone",
        "tenant_gone",
        "misconfigured",
    ] {
        let items = json!([item(
            json!({ "state": "failed", "reason": reason, "missing_scopes": ["mail.send"] })
        )]);
        let script =
            Script::with(session(json!({ "items": items, "return_url": "https://app.example/" })));
        let shown = text(&script.pages().answer(&get()).await);
        let told = shown.replace(&format!("reason={reason}"), "");
        assert!(told.contains("role=\"alert\"") && !told.contains(reason), "{told}");
        let can_try = ["connection_gone", "tenant_gone", "misconfigured"].contains(&reason);
        assert_eq!(shown.contains("Try again</button>"), !can_try, "{reason}");
        assert!(shown.contains(&format!("status=failed&amp;reason={reason}")), "{shown}");
        assert_eq!(shown.contains("mail.send"), reason == "scopes_missing");
    }
}

/// With one application that may show the pages.
fn framed(script: &Script) -> Pages {
    let text = "{ name: Acme, frame_origins: ['https://app.example'] }";
    let settings: ConnectSettings = serde_yaml::from_str(text).unwrap();
    let api = script.pages().api;
    Pages::new(api, Some("https://connect.example"), &settings, None)
}

fn app() -> Option<String> {
    Some("https://app.example".to_owned())
}

#[tokio::test]
async fn a_frame_is_its_own_browser_and_a_window_is_one_with_it() {
    let script = Script::with(session(json!({})));
    script.answers("/begin", 200, json!({ "redirect": "https://id.example/authorize" }));
    let pages = framed(&script);
    let seat = Seat::Frame(app());
    let first = pages.answer(&Visit { asked: seat.clone(), ..get() }).await;
    let tried = location(&first).to_owned();
    assert!(tried.contains("tried=1") && tried.contains("origin=https%3A%2F%2Fapp.example"));
    let cookie = first.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("; SameSite=None; Partitioned; Secure"), "{cookie}");

    let browser = Browser::new(TOKEN, seat.clone());
    let seen = || Visit { asked: seat.clone(), browsers: vec![browser.clone()], ..get() };
    let shown = pages.answer(&seen()).await;
    let policy = shown.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("frame-ancestors https://app.example;"), "{policy}");
    assert!(!shown.headers().contains_key(header::X_FRAME_OPTIONS));
    assert_eq!(shown.headers()["attache-connect-standing"], "open waiting");
    let shown = text(&shown);
    assert!(shown.contains("data-origin=\"https://app.example\""), "{shown}");
    assert!(shown.contains("target=\"attache-cs_"), "the provider is in no frame: {shown}");
    assert!(!shown.contains("data-told"), "nothing came of it yet");

    // The window that it opens, which has no cookie of the frame's.
    let body = format!("window={}", browser.for_window()).into_bytes();
    let opened = |is_from_here| Visit {
        body: Zeroizing::new(body.clone()),
        is_from_here,
        ..visit(Method::POST, &route::begin(TOKEN, "crm"))
    };
    let begun = pages.answer(&opened(true)).await;
    assert_eq!(location(&begun), "https://id.example/authorize");
    assert!(begun.headers()[header::SET_COOKIE].to_str().unwrap().contains("SameSite=Lax"));
    pages.answer(&opened(false)).await;
    let asked = script.asked("/begin");
    assert_eq!(asked[0]["browser"], json!(browser.hash()), "they are one");
    assert_ne!(asked[1]["browser"], json!(browser.hash()), "only where a page of ours says so");

    // It comes back, and has done its part.
    let items = json!([item(json!({ "state": "failed", "reason": "consent_denied" }))]);
    script.answers("", 200, session(json!({ "browser": browser.hash(), "items": items })));
    let window = Browser::of_frame(TOKEN, browser.for_window()).unwrap();
    let back = text(&pages.answer(&Visit { browsers: vec![window], ..get() }).await);
    assert!(back.contains("data-seat=\"window\"") && back.contains("data-ends"), "{back}");
    let shown = text(&pages.answer(&seen()).await);
    assert!(shown.contains("&quot;reason&quot;:&quot;consent_denied&quot;"), "{shown}");
    assert!(shown.contains("&quot;over&quot;:false"), "it may be tried again: {shown}");
}

#[tokio::test]
async fn where_frames_keep_no_cookies_there_is_a_window() {
    let script = Script::with(session(json!({})));
    let seat = Seat::Frame(app());
    let again =
        Visit { asked: seat, query: Zeroizing::new("in=frame&tried=1".to_owned()), ..get() };
    let shown = framed(&script).answer(&again).await;
    assert!(!shown.headers().contains_key(header::SET_COOKIE));
    let shown = text(&shown);
    let window =
        format!("{}?in=popup&amp;origin=https%3A%2F%2Fconnect.example", route::link(TOKEN));
    assert!(shown.contains(&format!("href=\"{window}\"")), "{shown}");
    assert!(shown.contains("rel=\"opener\"") && !shown.contains("<form"), "{shown}");
}

#[tokio::test]
async fn a_window_of_an_application_tells_it_instead_of_leading_there() {
    let browser = Browser::new(TOKEN, Seat::Popup("https://app.example".to_owned()));
    let items = json!([item(json!({ "state": "connected" }))]);
    let done = json!({
        "state": "done", "browser": browser.hash(), "items": items, "return_url": "https://app.example/x",
    });
    let script = Script::with(session(done));
    let own = Visit { browsers: vec![browser], ..get() };
    let shown = framed(&script).answer(&own).await;
    assert_eq!(shown.status(), StatusCode::OK);
    let shown = text(&shown);
    assert!(shown.contains("&quot;status&quot;:&quot;connected&quot;"), "{shown}");
    assert!(shown.contains("&quot;over&quot;:true"), "{shown}");
    assert!(
        shown.contains("data-returns=\"https://app.example/x?"),
        "for whom nobody hears: {shown}"
    );
}

#[tokio::test]
async fn the_way_back_from_a_provider_is_shown_in_no_frame() {
    let script = Script::with(session(json!({})));
    let pages = framed(&script);
    let shown = pages.answer(&visit(Method::GET, "/oauth/callback")).await;
    let policy = shown.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(shown.headers()[header::X_FRAME_OPTIONS], "DENY");
}
