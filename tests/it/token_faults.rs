//! What providers say instead of a token, in all of its dialects: what it means for the grant, what whoever asks is
//! answered, and how often the provider is asked for it.
use crate::support::Asked;
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Says;
use crate::support::Script;
use crate::support::asked;
use crate::support::each_engine;
use crate::support::soon;
use attache::app::now;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use serde_json::json;
use std::fmt::Write;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;
use tokio::sync::Notify;
use tokio::task::JoinSet;

const HTML: &str = "Content-Type: text/html; charset=utf-8\r\n";

/// Requests that follow a fault at once.
const MORE: usize = 10;

/// What an answer means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Means {
    /// Only a person brings it back.
    AuthorizeAgain,
    /// It may pass by itself.
    Provider,
    /// Somebody has to mend a setting.
    Operator,
    /// The provider wishes to be left alone for so many seconds.
    Wish(u64),
    /// There may be a token in it that another setting finds: nobody asks for another one.
    Held,
}

impl Means {
    fn state(self) -> &'static str {
        match self {
            Self::AuthorizeAgain => "reauthorization_required",
            Self::Provider | Self::Operator | Self::Wish(_) | Self::Held => "failing",
        }
    }

    /// Between the message of this failure, the first one being 1, and the next one: at least.
    fn pause(self, failure: u32) -> Duration {
        match self {
            Self::AuthorizeAgain => Duration::MAX,
            Self::Provider | Self::Held => Duration::from_millis(500 << (failure - 1)),
            Self::Operator => Duration::from_secs(15 << (failure - 1)),
            Self::Wish(s) => Duration::from_secs(s),
        }
    }

    /// The `Retry-After` of the first request that meets it.
    fn retry_after(self) -> Option<RangeInclusive<u64>> {
        match self {
            Self::AuthorizeAgain => None,
            Self::Provider | Self::Held => Some(1..=1),
            Self::Operator => Some(15..=30),
            // A date is one of whole seconds, and was made a while ago.
            Self::Wish(s) => Some(s - 30..=s),
        }
    }
}

/// A dialect: its name, what is said, what that means, and some of the words that a person is told.
type Dialect = (&'static str, Says, Means, &'static str);

fn error(status: u16, error: Value) -> Says {
    Says::status(status, &error.to_string())
}

fn page(status: u16) -> Says {
    Says::status(status, "<!DOCTYPE html><title>Sorry</title>").with(HTML)
}

fn wishing(status: u16, wish: &str) -> Says {
    Says::status(status, "").with(&format!("Retry-After: {wish}\r\n"))
}

fn dialects() -> Vec<Dialect> {
    use Means::AuthorizeAgain;
    use Means::Held;
    use Means::Operator;
    use Means::Wish;
    let again = Means::Provider;
    let code = |it: &str| json!({ "error": it });
    let in_ten_minutes = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(600));
    let cut = "{\"access_token\":\"a-1\",\"refresh_to";
    vec![
        ("RFC 6749", error(400, code("invalid_grant")), AuthorizeAgain, "invalid_grant"),
        ("200, an error", error(200, code("invalid_grant")), AuthorizeAgain, "invalid_grant"),
        (
            "200, not ok",
            error(200, json!({ "ok": false, "error": "token_revoked" })),
            AuthorizeAgain,
            "token_revoked",
        ),
        (
            "200, limited",
            error(200, json!({ "ok": false, "error": "ratelimited" })),
            again,
            "ratelimited",
        ),
        (
            "200, a list",
            error(200, json!({ "errors": [{ "code": "invalid_grant" }] })),
            AuthorizeAgain,
            "invalid_grant",
        ),
        ("200, a page", page(200), again, "web page"),
        ("200, empty", Says::status(200, ""), again, "empty"),
        (
            "200, nothing known",
            error(200, json!({ "data": {} })),
            Held,
            "neither a token nor an error",
        ),
        (
            "garbage",
            Says::status(200, "upstream connect error \u{1}"),
            again,
            "neither JSON nor a form",
        ),
        ("cut JSON", Says::status(200, cut), again, "neither JSON nor a form"),
        ("cut off", Says::status(200, cut).cut(), again, "broke off"),
        ("302", wishing(302, "1").with("Location: /login\r\n"), Operator, "redirects"),
        ("400, a page", page(400), again, "web page"),
        ("400, our fault", error(400, code("invalid_request")), Operator, "invalid_request"),
        (
            "400, another code",
            error(400, code("temporarily_unavailable")),
            again,
            "temporarily_unavailable",
        ),
        ("401, the client", error(401, code("invalid_client")), Operator, "invalid_client"),
        ("401, a page", page(401), Operator, "unauthorized"),
        ("401, empty", Says::status(401, ""), Operator, "unauthorized"),
        ("403, a page", page(403), again, "web page"),
        ("403, denied", error(403, code("access_denied")), again, "access_denied"),
        ("404, a page", page(404), Operator, "web page"),
        ("429", wishing(429, "600"), Wish(600), "fewer requests"),
        ("429, a date", wishing(429, &in_ten_minutes), Wish(600), "fewer requests"),
        ("429, no wish", Says::status(429, ""), again, "fewer requests"),
        ("500, a grant's end", error(500, code("invalid_grant")), again, "a fault of its own"),
        ("502, a page", page(502), again, "a fault of its own"),
        ("503", wishing(503, "120"), Wish(120), "fewer requests"),
        ("504", Says::status(504, ""), again, "a fault of its own"),
        ("no answer", Says::nothing(), again, "provider"),
        ("a reset", Says::reset(), again, "provider"),
    ]
}

/// A connection of its own for each of these providers, which `acme` activates with a refresh token.
async fn set_up(
    database: &Database,
    upstream: &RawUpstream,
    providers: &[&Provider],
) -> (Gateway, Operator) {
    let (mut connectors, mut connections) = (String::new(), String::new());
    for (number, provider) in providers.iter().enumerate() {
        let oauth2 = format!("{{ grant: refresh_token, token_url: {}/token }}", provider.url());
        let base_url = upstream.url();
        writeln!(
            connectors,
            "  a{number}: {{ base_url: {base_url}, auth: {{ m: {{ oauth2: {oauth2} }} }} }}"
        )
        .unwrap();
        let app = "credentials: { client_id: app, client_secret: hush-hush }";
        writeln!(
            connections,
            "  c{number}: {{ connector: a{number}, auth: m, embedded: true, {app} }}"
        )
        .unwrap();
    }
    let egress = "egress: { allow: [127.0.0.0/8] }";
    let configuration = format!("{egress}\nconnectors:\n{connectors}connections:\n{connections}");
    let gateway = Gateway::beside(database, &configuration);
    let operator = gateway.operator();
    for number in 0..providers.len() {
        let credentials = json!({ "credentials": { "refresh_token": "r-0" } });
        operator.put(&activation(number), credentials).await.is(201);
    }
    (gateway, operator)
}

fn activation(number: usize) -> String {
    format!("/v1/connections/c{number}/activations/acme")
}

async fn ask(gateway: &Gateway, number: usize) -> Response {
    asked(gateway.proxy, &format!("/c/c{number}@acme/a")).await
}

/// As an operator is shown it, once it is in this state.
async fn grant(operator: &Operator, number: usize, state: &str) -> Value {
    let shown = async {
        loop {
            let grant = operator.get(&activation(number)).await.is(200).body["grant"].take();
            if grant["state"] == state {
                return grant;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon(&format!("the grant of {number} to be {state}"), shown).await
}

/// At most one try in each pause. One whose answer is lost on the way is sent once more at once.
fn is_no_hammering(name: &str, means: Means, messages: &[Asked]) {
    let is_lost = matches!(name, "cut off" | "no answer" | "a reset");
    let in_try = if is_lost { 2 } else { 1 };
    for (number, pair) in messages.iter().zip(&messages[in_try.min(messages.len())..]).enumerate() {
        let failure = u32::try_from(number / in_try + 1).expect("a few");
        let passed = pair.1.at - pair.0.at;
        assert!(
            passed >= means.pause(failure),
            "{name}: try {failure}, and another one after {passed:?}"
        );
    }
}

/// A provider and a connection for each dialect.
struct Scene {
    upstream: RawUpstream,
    providers: Vec<Provider>,
    gateway: Gateway,
    operator: Operator,
}

impl Scene {
    /// `says`: all that the provider of a dialect says, the last of it again and again.
    async fn of(database: &Database, says: impl Fn(Says) -> Vec<Says>) -> Arc<Self> {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let mut providers = Vec::new();
        for (_, it, ..) in dialects() {
            providers.push(Provider::start(says(it)).await);
        }
        let all: Vec<&Provider> = providers.iter().collect();
        let (gateway, operator) = set_up(database, &upstream, &all).await;
        Arc::new(Self { upstream, providers, gateway, operator })
    }

    /// What comes of a dialect where there is no token, and what once the provider speaks otherwise.
    async fn meets(&self, number: usize, (name, _, means, words): Dialect) {
        let (gateway, provider) = (&self.gateway, &self.providers[number]);
        let answer = ask(gateway, number).await;
        match means.retry_after() {
            None => {
                assert_eq!(
                    (answer.status, answer.error()),
                    (424, "reauthorization_required"),
                    "{name}"
                );
                assert_eq!(answer.field("retry-after"), None, "{name}");
            }
            Some(expected) => {
                assert_eq!(
                    (answer.status, answer.error()),
                    (503, "credential_unavailable"),
                    "{name}"
                );
                let retry_after: u64 = answer.field("retry-after").unwrap().parse().unwrap();
                assert!(expected.contains(&retry_after), "{name}: {retry_after}");
            }
        }
        for _ in 0..MORE {
            assert_eq!(ask(gateway, number).await.status, answer.status, "{name}");
        }
        let shown = grant(&self.operator, number, means.state()).await;
        let why = shown["why"].as_str().unwrap_or_default();
        assert!(why.contains(words), "{name}: {why}");
        is_no_hammering(name, means, &provider.asked());
        provider.says([second()]);
        if means != Means::Provider {
            // It does not pass by itself, or not so soon.
            return assert_eq!(ask(gateway, number).await.status, answer.status, "{name}");
        }
        soon(&format!("{name}: a token"), async {
            while ask(gateway, number).await.status != 200 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        grant(&self.operator, number, "active").await;
        is_no_hammering(name, means, &provider.asked());
    }
}

/// A token that lives an hour, and what it is renewed by.
fn first() -> Says {
    Says::json(json!({ "access_token": "live", "refresh_token": "r-1", "expires_in": 3600 }))
}

fn second() -> Says {
    Says::json(json!({ "access_token": "second", "refresh_token": "r-2", "expires_in": 3600 }))
}

each_engine! {
    /// Nobody has a token, and the provider speaks like this.
    async fn rf_07_each_dialect_is_answered_as_what_it_means(database: Database) {
        let scene = Scene::of(&database, |says| vec![says]).await;
        let mut meeting = JoinSet::new();
        for (number, dialect) in dialects().into_iter().enumerate() {
            let scene = Arc::clone(&scene);
            meeting.spawn(async move { scene.meets(number, dialect).await });
        }
        while let Some(met) = meeting.join_next().await {
            met.expect("each dialect is met");
        }
        while let Some(request) = scene.upstream.request_so_far().await {
            assert_eq!(request.field("authorization"), Some("Bearer second"), "nothing else went out");
        }
    }

    /// There is a token still when it is renewed ahead of its end, and the provider speaks like this.
    async fn each_dialect_leaves_the_live_token_served(database: Database) {
        let scene = Scene::of(&database, |says| vec![first(), says]).await;
        let Scene { upstream, providers, gateway, operator } = &*scene;
        for number in 0..providers.len() {
            assert_eq!(ask(gateway, number).await.status, 200);
        }
        database.grants_are_due("1 = 1").await;
        for (number, (name, _, means, words)) in dialects().into_iter().enumerate() {
            providers[number].was_asked(2).await;
            let grant = grant(operator, number, means.state()).await;
            let why = grant["why"].as_str().unwrap_or_default();
            assert!(why.contains(words), "{name}: {why}");
            for _ in 0..MORE {
                assert_eq!(ask(gateway, number).await.status, 200, "{name}");
            }
            is_no_hammering(name, means, &providers[number].asked()[1..]);
        }
        for _ in 0..providers.len() * (1 + MORE) {
            assert_eq!(upstream.request().await.field("authorization"), Some("Bearer live"));
        }
        assert!(upstream.request_so_far().await.is_none());
    }

    /// Whoever waits is answered in time, whoever has a token does not wait, and one message yields it for all.
    async fn a_provider_that_is_slow_costs_nobody_more_than_its_own_time(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gates = [Arc::new(Notify::new()), Arc::new(Notify::new())];
        let bare = Provider::start([second().after(&gates[0])]).await;
        let live = Provider::start([first(), second().after(&gates[1])]).await;
        let (gateway, operator) = set_up(&database, &upstream, &[&bare, &live]).await;
        assert_eq!(ask(&gateway, 1).await.status, 200);
        database.grants_are_due("1 = 1").await;
        live.was_asked(2).await;
        for _ in 0..MORE {
            assert_eq!(ask(&gateway, 1).await.status, 200);
            assert_eq!(upstream.request().await.field("authorization"), Some("Bearer live"));
            let late = gateway.get("/c/c0@acme/a", "Attache-Timeout: 50ms\r\n").await;
            assert_eq!((late.status, late.field("retry-after")), (503, Some("1")));
        }
        let mut waiting = JoinSet::new();
        for _ in 0..MORE {
            let proxy = gateway.proxy;
            waiting.spawn(async move { asked(proxy, "/c/c0@acme/a").await.status });
        }
        for gate in &gates {
            gate.notify_one();
        }
        assert!(waiting.join_all().await.iter().all(|it| *it == 200));
        for (number, provider, messages) in [(0, &bare, 1), (1, &live, 2)] {
            grant(&operator, number, "active").await;
            assert_eq!(provider.asked().len(), messages);
        }
    }

    /// Its clock goes wrong, or it says when the token ends in words of its own.
    async fn a_providers_clock_ends_no_token_and_asks_for_none(database: Database) {
        let now_s = now().as_ms() / 1000;
        let token = |more: Value| {
            let mut says = json!({ "access_token": "t", "refresh_token": "r-1" });
            says.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
            Says::json(says)
        };
        let part = |it: Value| BASE64_URL_SAFE_NO_PAD.encode(it.to_string());
        let claims = json!({ "iat": now_s - 3600, "exp": now_s - 3600 + 900 });
        let jwt = format!("{}.{}.x", part(json!({ "alg": "none" })), part(claims));
        let date = httpdate::fmt_http_date(SystemTime::now() - Duration::from_secs(3600));
        let dated = format!("Content-Type: application/json\r\nDate: {date}\r\n");
        // In how many seconds it ends.
        let cases = [
            ("0", token(json!({ "expires_in": 0 })), None),
            ("negative", token(json!({ "expires_in": -3600 })), None),
            ("a text", token(json!({ "expires_in": "3600" })), Some(3600)),
            ("words", token(json!({ "expires_in": "soon" })), None),
            ("nothing", token(json!({})), None),
            ("by a clock that is an hour ahead", token(json!({ "expires_at": now_s + 7200 })), Some(7200)),
            ("by a clock that is an hour behind", token(json!({ "expires_at": now_s - 1800 })), Some(-1800)),
            ("a date of an hour ago beside it", token(json!({ "expires_in": 3600 })).with(&dated), Some(3600)),
            ("in the token, an hour behind", token(json!({ "access_token": jwt })), Some(900)),
        ];
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let mut providers = Vec::new();
        for (_, says, _) in &cases {
            providers.push(Provider::start([says.clone()]).await);
        }
        let (gateway, operator) = set_up(&database, &upstream, &providers.iter().collect::<Vec<_>>()).await;
        for (number, (name, _, ends)) in cases.iter().enumerate() {
            for _ in 0..MORE {
                assert_eq!(ask(&gateway, number).await.status, 200, "{name}");
            }
            grant(&operator, number, "active").await;
            let sql = format!("SELECT COALESCE(CAST(expires_at AS TEXT), '') FROM grants WHERE owner = 'file:c{number}'");
            let said = database.text(&sql).await.parse::<i64>().ok();
            let left = said.map(|it| it / 1000 - i64::try_from(now_s).unwrap());
            let is_right = match (left, ends) {
                (Some(left), Some(ends)) => (*ends..ends + 60).contains(&left),
                (left, ends) => left.is_none() && ends.is_none(),
            };
            assert!(is_right, "{name}: {left:?}");
            // One that had ended when it came is used for ten seconds, and renewed in the middle of them.
            for pair in providers[number].asked().windows(2) {
                let passed = pair[1].at - pair[0].at;
                assert!(ends.is_some_and(|it| it < 0) && passed.as_millis() > 4500, "{name}: {passed:?}");
            }
        }
    }
}

/// A minute, so in the long form alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_never_answers_is_given_up_and_left_alone() {
    if std::env::var_os("ATTACHE_TEST_LONG").is_none() {
        return;
    }
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let provider = Provider::start([second().after(&Arc::new(Notify::new())), second()]).await;
    let (gateway, operator) = set_up(&Database::sqlite(), &upstream, &[&provider]).await;
    let state = async || {
        let shown = operator.get(&activation(0)).await.is(200);
        shown.body["grant"].clone()
    };
    while state().await["state"] != "failing" {
        let late = gateway.get("/c/c0@acme/a", "Attache-Timeout: 5s\r\n").await;
        assert_eq!((late.status, late.error()), (503, "credential_unavailable"), "{late:?}");
        assert!(late.field("retry-after").is_some());
        let waited = provider.asked()[0].at.elapsed();
        assert!(waited < Duration::from_secs(120), "it is given up after a minute: {waited:?}");
    }
    let why = state().await["why"].to_string();
    assert!(why.contains("did not answer in time"), "{why}");
    assert_eq!(provider.asked().len(), 1, "nobody knows what becomes of it: it is left alone");
    let recovered = async {
        while ask(&gateway, 0).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let recovered = tokio::time::timeout(Duration::from_secs(90), recovered).await;
    recovered.expect("it is asked again");
    let messages = provider.asked();
    assert_eq!(messages.len(), 2);
    assert!(
        messages[1].at - messages[0].at >= Duration::from_secs(90),
        "a minute, and half of one"
    );
}
