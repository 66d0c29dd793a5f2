//! Operators who sign in with a browser: what they are known again by, what that is good for, and when it ends.
use crate::support::ADMIN_TOKEN;
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Reply;
use crate::support::Response;
use crate::support::SYSTEM;
use crate::support::each_engine;
use crate::support::raw_request;
use attache::store::ConsoleSession;
use serde_json::Value;
use serde_json::json;
use std::net::SocketAddr;

const LISTED: &str = "/v1/connectors";

/// A configuration that says nothing; an empty file is a mistake.
const NOTHING: &str = "connectors: {}";

/// A browser at the console.
#[derive(Clone, Debug)]
struct Browser {
    admin: SocketAddr,
    /// Name and value.
    cookie: String,
    csrf: String,
}

/// Any request, with its fields each ending in `\r\n`.
async fn asked(admin: SocketAddr, method: &str, path: &str, fields: &str, body: &str) -> Reply {
    let len = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {admin}\r\n{fields}Content-Length: {len}\r\n\r\n{body}"
    );
    let response = raw_request(admin, request).await;
    let body = serde_json::from_slice(&response.body).unwrap_or_default();
    Reply { status: response.status, body, response }
}

const JSON: &str = "Content-Type: application/json\r\n";

fn proof(token: &str) -> String {
    json!({ "token": token }).to_string()
}

fn set_cookie(response: &Response) -> &str {
    response.field("set-cookie").expect("the browser is given a cookie")
}

impl Browser {
    async fn signed_in(admin: SocketAddr, token: &str) -> Self {
        let reply = asked(admin, "POST", "/console/session", JSON, &proof(token)).await.is(200);
        let cookie = set_cookie(&reply.response).split(';').next().unwrap().to_owned();
        Self { admin, cookie, csrf: reply.text("csrf").to_owned() }
    }

    /// As a page of the console asks.
    async fn ask(&self, method: &str, path: &str) -> Reply {
        self.ask_with(method, path, "", "").await
    }

    async fn ask_with(&self, method: &str, path: &str, fields: &str, body: &str) -> Reply {
        let Self { cookie, csrf, .. } = self;
        let own = format!(
            "Cookie: {cookie}\r\nAttache-Console: {csrf}\r\nSec-Fetch-Site: same-origin\r\n{fields}"
        );
        asked(self.admin, method, path, &own, body).await
    }

    async fn shown(&self) -> Value {
        asked(self.admin, "GET", "/console/session", &format!("Cookie: {}\r\n", self.cookie), "")
            .await
            .is(200)
            .body
    }

    /// The same browser at another attache.
    fn at(&self, admin: SocketAddr) -> Self {
        Self { admin, ..self.clone() }
    }
}

/// What the audit trail has of sign-ins, the newest first: who did what, and why.
async fn entered(gateway: &Gateway) -> Vec<(String, String, Value)> {
    let page = gateway.operator().get("/v1/audit?kind=console%20session&limit=100").await.is(200);
    let items = page.body["items"].as_array().unwrap().clone();
    let text = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
    items.iter().map(|it| (text(it, "act"), text(it, "who"), it["after"].clone())).collect()
}

each_engine! {
    async fn an_operator_signs_in_with_a_token_and_out_again(database: Database) {
        let gateway = Gateway::beside(&database, "");
        let admin = gateway.admin;
        let nobody = asked(admin, "GET", "/console/session", "", "").await.is(200);
        assert_eq!(nobody.body, json!({ "signed_in": false, "ways": ["token"] }));
        assert_eq!(nobody.response.field("cache-control"), Some("no-store"));

        let reply = asked(admin, "POST", "/console/session", JSON, &proof(ADMIN_TOKEN)).await.is(200);
        let cookie = set_cookie(&reply.response);
        let attributes: Vec<_> = cookie.split("; ").skip(1).collect();
        assert_eq!(attributes, ["Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Strict"]);
        assert!(cookie.starts_with("attache_session="), "{cookie}");
        assert_eq!(reply.body["operator"], json!({ "name": "admin", "role": "admin", "via": "token" }));
        assert_eq!((&reply.body["signed_in"], &reply.body["idle_s"]), (&json!(true), &json!(1800)));
        assert!(!reply.response.text().contains(ADMIN_TOKEN));

        let browser = Browser::signed_in(admin, ADMIN_TOKEN).await;
        assert_eq!(browser.shown().await["csrf"], json!(browser.csrf));
        let whoami = browser.ask("GET", "/v1/whoami").await.is(200);
        assert_eq!((whoami.text("name"), whoami.text("role")), ("admin", "admin"));
        let tenant = browser.ask_with("PUT", "/v1/tenants/acme", JSON, "{}").await;
        tenant.is(201);
        let made = gateway.operator().get("/v1/audit?kind=tenant").await.is(200);
        assert_eq!(made.body["items"][0]["who"], "operator admin");

        let out = browser.ask("DELETE", "/console/session").await.is(204);
        assert!(set_cookie(&out.response).starts_with("attache_session=; Path=/; Max-Age=0;"));
        browser.ask("GET", LISTED).await.problem("operator_unauthenticated");
        assert_eq!(browser.shown().await["signed_in"], json!(false));
        browser.ask("DELETE", "/console/session").await.is(204);
        let entered = entered(&gateway).await;
        let acts: Vec<_> = entered.iter().map(|it| (&*it.0, &*it.1)).collect();
        let by = "operator admin";
        assert_eq!(acts, [("signed_out", by), ("signed_in", by), ("signed_in", by)]);
        assert_eq!(entered[1].2["from"], "127.0.0.1");
    }

    async fn a_cookie_counts_with_what_a_page_of_ours_was_told_and_from_there_alone(database: Database) {
        let gateway = Gateway::beside(&database, "");
        let admin = gateway.admin;
        let browser = Browser::signed_in(admin, ADMIN_TOKEN).await;
        let other = Browser::signed_in(admin, ADMIN_TOKEN).await;
        let Browser { cookie, csrf, .. } = &browser;
        let own = format!("Cookie: {cookie}\r\n");
        let told = format!("{own}Attache-Console: {csrf}\r\n");
        let here = format!("Origin: http://{admin}\r\n");
        for good in [told.clone(), format!("{told}{here}"), format!("{told}Sec-Fetch-Site: same-origin\r\n"), format!("X: 1\r\n{told}")] {
            asked(admin, "GET", LISTED, &good, "").await.is(200);
        }
        let last = if csrf.ends_with('A') { 'B' } else { 'A' };
        let bent = format!("{}{last}", &csrf[..csrf.len() - 1]);
        for bad in [
            own.clone(),
            format!("{own}Attache-Console: \r\n"),
            format!("{own}Attache-Console: 1\r\n"),
            format!("{own}Attache-Console: {bent}\r\n"),
            format!("{own}Attache-Console: {}\r\n", other.csrf),
            format!("{told}Attache-Console: {csrf}\r\n"),
            format!("{told}Sec-Fetch-Site: cross-site\r\n"),
            format!("{told}Sec-Fetch-Site: same-site\r\n"),
            format!("{told}Sec-Fetch-Site: none\r\n"),
            format!("{told}Origin: http://evil.test\r\n"),
            format!("{told}Origin: null\r\n"),
            format!("{told}{here}Origin: http://evil.test\r\n"),
            format!("{told}Cookie: {}\r\n", other.cookie),
            format!("Attache-Console: {csrf}\r\n"),
            format!("Attache-Console: {csrf}\r\nCookie: attache_session=\r\n"),
            format!("Attache-Console: {csrf}\r\nCookie: __Host-{cookie}\r\n"),
        ] {
            for (method, path) in [("GET", LISTED), ("PUT", "/v1/tenants/acme")] {
                asked(admin, method, path, &format!("{JSON}{bad}"), "{}").await.problem("operator_unauthenticated");
            }
        }
        // Signing somebody out takes as much.
        asked(admin, "DELETE", "/console/session", &own, "").await.problem("operator_unauthenticated");
        asked(admin, "DELETE", "/console/session", &format!("{told}Sec-Fetch-Site: cross-site\r\n"), "").await.is(401);
        browser.ask("GET", LISTED).await.is(200);
        // Another site's page is told nothing.
        let shown = asked(admin, "GET", "/console/session", &format!("{own}Sec-Fetch-Site: cross-site\r\n"), "").await;
        assert_eq!(shown.body["signed_in"], json!(false));
        // Beside a token the token decides.
        let wrong = format!("{told}Authorization: Bearer wrong\r\n");
        asked(admin, "GET", LISTED, &wrong, "").await.problem("operator_unauthenticated");
        let right = format!("Cookie: {cookie}\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n");
        asked(admin, "GET", LISTED, &right, "").await.is(200);
    }

    async fn nobody_is_signed_in_by_another_site_or_with_what_was_there_before(database: Database) {
        let gateway = Gateway::beside(&database, "");
        let admin = gateway.admin;
        let good = proof(ADMIN_TOKEN);
        for (fields, body, status) in [
            (JSON.to_owned(), good.clone(), 200),
            ("Content-Type: text/plain\r\n".to_owned(), good.clone(), 415),
            ("Content-Type: application/x-www-form-urlencoded\r\n".to_owned(), format!("token={ADMIN_TOKEN}"), 415),
            (String::new(), good.clone(), 415),
            (format!("{JSON}Sec-Fetch-Site: cross-site\r\n"), good.clone(), 401),
            (format!("{JSON}Origin: https://evil.test\r\n"), good.clone(), 401),
            (JSON.to_owned(), "{}".to_owned(), 422),
            (JSON.to_owned(), r#"{"token": 7}"#.to_owned(), 422),
            (JSON.to_owned(), r#"{"token": "x", "more": 1}"#.to_owned(), 422),
            (JSON.to_owned(), "x".to_owned(), 422),
            (JSON.to_owned(), proof(&"x".repeat(5000)), 413),
            (JSON.to_owned(), proof("wrong-but-long-enough"), 401),
        ] {
            let reply = asked(admin, "POST", "/console/session", &fields, &body).await.is(status);
            assert_eq!(reply.response.field("set-cookie").is_some(), status == 200, "{body}");
        }
        // What a browser had before is over, and never becomes somebody else's.
        let planted = format!("{JSON}Cookie: attache_session={}\r\n", "A".repeat(43));
        let reply = asked(admin, "POST", "/console/session", &planted, &good).await.is(200);
        assert!(!set_cookie(&reply.response).contains("AAAAAAAA"));
        let browser = Browser::signed_in(admin, ADMIN_TOKEN).await;
        let again = format!("{JSON}Cookie: {}\r\n", browser.cookie);
        let reply = asked(admin, "POST", "/console/session", &again, &good).await.is(200);
        assert!(!set_cookie(&reply.response).contains(&browser.cookie));
        browser.ask("GET", LISTED).await.problem("operator_unauthenticated");
        let refused: Vec<_> = entered(&gateway).await.into_iter().filter(|it| it.0 == "refused").collect();
        assert_eq!(refused.len(), 3);
        assert_eq!(refused[0].2, json!({ "via": "token", "from": "127.0.0.1", "because": "the token is wrong" }));
    }

    async fn whoever_guesses_tokens_waits_here_as_well(database: Database) {
        let gateway = Gateway::beside(&database, "");
        let admin = gateway.admin;
        for attempt in 0..10 {
            let wrong = proof(&format!("wrong-token-number-{attempt}"));
            asked(admin, "POST", "/console/session", JSON, &wrong).await.is(401);
        }
        let reply = asked(admin, "POST", "/console/session", JSON, &proof(ADMIN_TOKEN)).await;
        reply.clone().problem("rate_limited");
        assert!(reply.response.field("retry-after").is_some());
    }

    async fn an_admin_sees_who_is_signed_in_and_ends_what_others_are_signed_in_with(database: Database) {
        let gateway = Gateway::beside(&database, "");
        let (operator, admin) = (gateway.operator(), gateway.admin);
        let mut browsers = Vec::new();
        for (key, role) in [("ann", "operator"), ("bob", "admin"), ("gone", "viewer")] {
            let made = operator.post("/v1/tokens", json!({ "key": key, "role": role })).await.is(201);
            browsers.push(Browser::signed_in(admin, made.text("token")).await);
        }
        operator.delete("/v1/tokens/gone").await.is(204);
        let [ann, bob, _] = &browsers[..] else { unreachable!() };
        ann.ask("GET", "/v1/sessions").await.problem("operator_forbidden");
        ann.ask("DELETE", "/v1/sessions/0123456789ab").await.problem("operator_forbidden");

        let told = bob.ask("GET", "/v1/sessions").await.is(200);
        let items = told.body["items"].as_array().unwrap().clone();
        let names: Vec<_> = items.iter().map(|it| (it["name"].as_str().unwrap(), it["current"].as_bool().unwrap())).collect();
        assert_eq!(names, [("bob", true), ("ann", false)], "a session whose token is withdrawn is none");
        let of_ann = &items[1];
        assert_eq!((&of_ann["role"], &of_ann["via"]), (&json!("operator"), &json!("token")));
        for time in ["created_at", "seen_at", "expires_at"] {
            assert!(of_ann[time].as_str().unwrap().ends_with('Z'), "{of_ann}");
        }
        for browser in &browsers {
            let secret = browser.cookie.split('=').nth(1).unwrap();
            assert!(!told.response.text().contains(secret) && !told.response.text().contains(&browser.csrf));
        }
        assert_eq!(of_ann.as_object().unwrap().len(), 8, "nothing else is told: {of_ann}");
        // By a token nobody is signed in; pages go on where the one before ended.
        let first = operator.get("/v1/sessions?limit=1").await.is(200);
        assert_eq!((first.body["items"].as_array().unwrap().len(), &first.body["items"][0]["current"]), (0, &Value::Null));
        let (mut seen, mut cursor) = (Vec::new(), first.text("next").to_owned());
        loop {
            let page = operator.get(&format!("/v1/sessions?limit=1&cursor={cursor}")).await.is(200).body;
            seen.extend(page["items"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { break };
            cursor = next.to_owned();
        }
        assert_eq!(seen, ["bob", "ann"]);
        operator.get("/v1/sessions?cursor=AAAA").await.problem("bad_request");

        let id = of_ann["id"].as_str().unwrap();
        for nothing in ["0123456789ab", "x", "", &id.to_ascii_uppercase(), &id[..11], "%00"] {
            let path = format!("/v1/sessions/{nothing}");
            let is_same = *nothing == *id;
            if !is_same {
                bob.ask("DELETE", &path).await.is(404);
            }
        }
        ann.ask("GET", LISTED).await.is(200);
        bob.ask("DELETE", &format!("/v1/sessions/{id}")).await.is(204);
        ann.ask("GET", LISTED).await.problem("operator_unauthenticated");
        bob.ask("DELETE", &format!("/v1/sessions/{id}")).await.problem("not_found");
        let audit = operator.get(&format!("/v1/audit?kind=console%20session&key={id}")).await.is(200);
        let entry = &audit.body["items"][0];
        assert_eq!((&entry["act"], &entry["who"]), (&json!("signed_out"), &json!("operator bob")));
        assert_eq!((&entry["before"]["name"], &entry["before"]["role"]), (&json!("ann"), &json!("operator")));
        assert_eq!(entry["after"], json!({ "because": "an admin has ended it" }));

        // What nothing was asked with for as long as may be is over, and so is what is as old as may be.
        assert_eq!(bob.ask("GET", "/v1/sessions").await.is(200).body["items"].as_array().unwrap().len(), 1);
        database.run("UPDATE console_sessions SET seen_at = seen_at - 1801000").await;
        assert_eq!(operator.get("/v1/sessions").await.is(200).body["items"], json!([]));
        database.run("UPDATE console_sessions SET seen_at = seen_at + 1801000, expires_at = created_at").await;
        assert_eq!(operator.get("/v1/sessions").await.is(200).body["items"], json!([]));
    }

    async fn what_a_session_was_made_by_ends_it(database: Database) {
        let gateway = Gateway::beside(&database, "");
        let operator = gateway.operator();
        let admin = gateway.admin;
        let mut browsers = Vec::new();
        for key in ["withdrawn", "anew", "stays"] {
            let made = operator.post("/v1/tokens", json!({ "key": key, "role": "operator" })).await.is(201);
            browsers.push(Browser::signed_in(admin, made.text("token")).await);
        }
        for (browser, key) in browsers.iter().zip(["withdrawn", "anew", "stays"]) {
            assert_eq!(browser.ask("GET", "/v1/whoami").await.is(200).text("name"), key);
            browser.ask_with("POST", "/v1/tokens", JSON, "{}").await.problem("operator_forbidden");
        }
        operator.delete("/v1/tokens/withdrawn").await.is(204);
        // Another of the same name is another operator's.
        operator.delete("/v1/tokens/anew").await.is(204);
        operator.post("/v1/tokens", json!({ "key": "anew", "role": "admin" })).await.is(201);
        for browser in &browsers[..2] {
            browser.ask("GET", "/v1/whoami").await.problem("operator_unauthenticated");
        }
        browsers[2].ask("GET", "/v1/whoami").await.is(200);
        let over = entered(&gateway).await;
        let why: Vec<_> = over.iter().filter(|it| it.0 == "signed_out").map(|it| it.2["because"].clone()).collect();
        assert_eq!(why, vec![json!("what it was signed in by is gone or changed"); 2]);
    }

    async fn a_session_ends_when_nothing_is_asked_and_however_much_is_asked(database: Database) {
        let gateway = Gateway::letting(&database, "", "sessions: { idle: 10m, absolute: 1h }");
        let admin = gateway.admin;
        // As they are when that much time has gone by.
        for gone_by in ["seen_at = seen_at - 601000", "expires_at = expires_at - 3600000"] {
            let browser = Browser::signed_in(admin, ADMIN_TOKEN).await;
            browser.ask("GET", LISTED).await.is(200);
            database.run(&format!("UPDATE console_sessions SET {gone_by}")).await;
            browser.ask("GET", LISTED).await.problem("operator_unauthenticated");
            assert_eq!(browser.shown().await["signed_in"], json!(false));
            assert_eq!(database.number("SELECT COUNT(*) FROM console_sessions").await, 0, "it is gone");
        }
        let browser = Browser::signed_in(admin, ADMIN_TOKEN).await;
        database.run("UPDATE console_sessions SET seen_at = seen_at - 590000").await;
        browser.shown().await;
        let seen = "SELECT COUNT(*) FROM console_sessions WHERE seen_at > created_at - 60000";
        assert_eq!(database.number(seen).await, 0, "to look whether one is signed in is not to ask something");
        browser.ask_with("GET", LISTED, "Attache-Unattended: true\r\n", "").await.is(200);
        assert_eq!(database.number(seen).await, 0, "nor is what a page asks with nobody at it");
        browser.ask("GET", LISTED).await.is(200);
        assert_eq!(database.number(seen).await, 1);
        assert_eq!(browser.shown().await["idle_s"], 600);
    }

    async fn a_sign_in_by_a_provider_opens_one_session(database: Database) {
        let store = database.store().await;
        let session = |id: u8| ConsoleSession {
            id: [id; 32],
            via: "oidc".to_owned(),
            name: "ann@example.com".to_owned(),
            role: "admin".to_owned(),
            identity: "oidc:https://id.test#7".to_owned(),
            proof: vec![0; 32],
            created_ms: 1,
            seen_ms: 1,
            expires_ms: 1000,
        };
        for (id, once, opens) in [(1, [7; 32], true), (2, [7; 32], false), (3, [8; 32], true)] {
            let once = Some((&once, 1000));
            let opened = store.console_sessions().open(SYSTEM, &session(id), "192.0.2.1", once).await;
            assert_eq!(opened.expect("the store is there"), opens, "{id}");
            let found = store.console_sessions().find(SYSTEM, &[id; 32]).await.expect("it is there");
            assert_eq!(found.is_some(), opens, "{id}");
        }
    }

    async fn the_list_goes_on_behind_sessions_that_do_not_read(database: Database) {
        let gateway = Gateway::beside(&database, "");
        let operator = gateway.operator();
        for _ in 0..6 {
            Browser::signed_in(gateway.admin, ADMIN_TOKEN).await;
        }
        // The newest four are damaged, one of them beyond being told apart.
        for (newer, id) in [(0, "substr(id, 1, 31)"), (1, "substr(id, 1, 31)"), (2, "substr(id, 1, 31)"), (3, "substr(id, 1, 3)")] {
            database.run(&format!(
                "UPDATE console_sessions SET created_at = created_at + {}, id = {id} WHERE id = \
                 (SELECT id FROM console_sessions WHERE length(id) = 32 ORDER BY created_at DESC, id DESC LIMIT 1)",
                100_000 - newer
            )).await;
        }
        for limit in [1, 2, 3, 50] {
            let (mut sound, mut damaged, mut query) = (0, 0, format!("limit={limit}"));
            // It ends.
            for _ in 0..10 {
                let page = operator.get(&format!("/v1/sessions?{query}")).await.is(200).body;
                let (items, broken) = (&page["items"], &page["unreadable"]);
                sound += items.as_array().unwrap().len();
                damaged += broken.as_array().map_or(0, Vec::len);
                let Some(next) = page["next"].as_str() else { break };
                query = format!("limit={limit}&cursor={next}");
            }
            assert_eq!((sound, damaged), (2, 4), "{limit}");
        }
    }

    async fn sessions_outlive_the_process_and_are_ended_everywhere(database: Database) {
        let gateway = Gateway::beside(&database, "");
        let browser = Browser::signed_in(gateway.admin, ADMIN_TOKEN).await;
        gateway.stop();
        let one = Gateway::beside(&database, "");
        browser.at(one.admin).ask("GET", LISTED).await.is(200);
        assert_eq!(database.text("SELECT name FROM console_sessions").await, "admin");
        browser.at(one.admin).ask("DELETE", "/console/session").await.is(204);
        browser.at(one.admin).ask("GET", LISTED).await.problem("operator_unauthenticated");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_replica_knows_who_is_signed_in_and_who_is_not_any_more() {
    let Some(database) = Database::postgres().await else { return };
    let (one, other) = (Gateway::beside(&database, ""), Gateway::beside(&database, ""));
    let browser = Browser::signed_in(one.admin, ADMIN_TOKEN).await;
    browser.at(other.admin).ask("GET", LISTED).await.is(200);
    browser.at(other.admin).ask("DELETE", "/console/session").await.is(204);
    browser.ask("GET", LISTED).await.problem("operator_unauthenticated");
}

#[tokio::test]
async fn without_a_store_a_browser_is_known_as_long_as_the_process_runs() {
    let gateway = Gateway::start(NOTHING);
    let browser = Browser::signed_in(gateway.admin, ADMIN_TOKEN).await;
    browser.ask("GET", LISTED).await.is(200);
    let other = Browser::signed_in(gateway.admin, ADMIN_TOKEN).await;
    browser.ask("DELETE", "/console/session").await.is(204);
    browser.ask("GET", LISTED).await.problem("operator_unauthenticated");
    other.ask("GET", LISTED).await.is(200);
    let restarted = Gateway::start(NOTHING);
    other.at(restarted.admin).ask("GET", LISTED).await.problem("operator_unauthenticated");
}

#[tokio::test]
async fn behind_https_the_cookie_is_the_hosts_own_and_goes_nowhere_else() {
    let server = format!(
        "log: {{ format: json, access: ACCESS }}\nserver: {{ proxy: {{ listen: \"127.0.0.1:0\", workers: 1 }}, admin: {{ \
         listen: \"127.0.0.1:0\", token: {ADMIN_TOKEN}, url: \"https://attache.example.com\" }}, public: {{ listen: \"127.0.0.1:0\" }} }}\n"
    );
    let gateway = Gateway::try_start(NOTHING, &server).unwrap();
    let admin = gateway.admin;
    let origin = format!("{JSON}Origin: https://attache.example.com\r\n");
    let reply =
        asked(admin, "POST", "/console/session", &origin, &proof(ADMIN_TOKEN)).await.is(200);
    let cookie = set_cookie(&reply.response);
    assert!(
        cookie.starts_with("__Host-attache_session=")
            && cookie.ends_with("; SameSite=Strict; Secure"),
        "{cookie}"
    );
    let evil = format!("{JSON}Origin: http://attache.example.com\r\n");
    asked(admin, "POST", "/console/session", &evil, &proof(ADMIN_TOKEN)).await.is(401);
    let (pair, csrf) = (cookie.split(';').next().unwrap(), reply.text("csrf"));
    let own = format!("Attache-Console: {csrf}\r\nCookie: {pair}\r\n");
    asked(admin, "GET", LISTED, &own, "").await.is(200);
    // One that any other host of the domain could have put there is none.
    let planted = own.replace("__Host-", "");
    asked(admin, "GET", LISTED, &planted, "").await.problem("operator_unauthenticated");
}

#[tokio::test]
async fn without_a_store_admins_see_and_end_sessions_as_well_and_sign_ins_are_counted() {
    let gateway = Gateway::start(NOTHING);
    let (operator, admin) = (gateway.operator(), gateway.admin);
    let browsers = [
        Browser::signed_in(admin, ADMIN_TOKEN).await,
        Browser::signed_in(admin, ADMIN_TOKEN).await,
    ];
    let told = browsers[0].ask("GET", "/v1/sessions").await.is(200).body;
    let items = told["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    let other = items.iter().find(|it| it["current"] == false).unwrap();
    let first = operator.get("/v1/sessions?limit=1").await.is(200);
    let rest = operator.get(&format!("/v1/sessions?cursor={}", first.text("next"))).await.is(200);
    assert_ne!(first.body["items"][0]["id"], rest.body["items"][0]["id"]);
    operator.delete(&format!("/v1/sessions/{}", other["id"].as_str().unwrap())).await.is(204);
    browsers[0].ask("GET", LISTED).await.is(200);
    browsers[1].ask("GET", LISTED).await.problem("operator_unauthenticated");
    assert_eq!(
        operator.get("/v1/sessions").await.is(200).body["items"].as_array().unwrap().len(),
        1
    );

    for wrong in ["wrong-and-long-enough-0", "wrong-and-long-enough-1"] {
        asked(admin, "POST", "/console/session", JSON, &proof(wrong)).await.is(401);
    }
    asked(admin, "POST", "/console/session", JSON, "no sign-in at all").await.is(422);
    let counted = async |outcome: &str| {
        let labels = ["way=\"token\"", &format!("outcome=\"{outcome}\"")];
        gateway.metric("attache_operator_sign_ins_total", &labels).await
    };
    assert_eq!((counted("signed_in").await, counted("refused").await), (2.0, 2.0));
    for attempt in 0..10 {
        let wrong = proof(&format!("wrong-token-number-{attempt}"));
        asked(admin, "POST", "/console/session", JSON, &wrong).await;
    }
    assert!(counted("limited").await >= 1.0);
}

#[tokio::test]
async fn what_is_at_no_path_of_the_consoles_is_a_problem_and_no_page() {
    let gateway = Gateway::start(NOTHING);
    for (method, path, status) in [
        ("GET", "/console", 404),
        ("GET", "/console/nothing", 404),
        ("PUT", "/console/session", 405),
        ("POST", "/", 405),
        ("GET", "/assets/nothing.js", 404),
    ] {
        let reply =
            asked(gateway.admin, method, path, "Accept: text/html\r\n", "").await.is(status);
        assert_eq!(
            reply.response.field("content-type"),
            Some("application/problem+json"),
            "{path}"
        );
    }
    let page =
        asked(gateway.admin, "GET", "/connectors", "Accept: text/html\r\n", "").await.is(200);
    assert_eq!(page.response.field("content-type"), Some("text/html; charset=utf-8"));
    let policy = page.response.field("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    let nobody = asked(gateway.admin, "GET", "/console/oidc/start", "", "").await.is(404);
    assert!(nobody.response.text().contains("server.admin.oidc"), "{}", nobody.response.text());
}
