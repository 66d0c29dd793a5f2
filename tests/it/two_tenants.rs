//! Two tenants whose ids are as alike as can be: whatever is done to one, the other is as it was, and nothing that
//! is shown of one has anything of the other in it, on any route that knows tenants (TN-02, TN-04).
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::RawUpstream;
use crate::support::Reply;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::raw_request;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeSet;
use tokio::runtime::Handle;

/// Embedded connections: of a file, and two of the store.
const CONNECTIONS: [&str; 3] = ["filed", "desk", "mail"];

/// Ids that something between the API and the rows might take for one another.
const ALIKE: &[(&str, &str)] = &[
    ("acme", "Acme"),
    ("acme", "acme "),
    ("acme", "acme2"),
    ("é", "e\u{301}"),
    ("k", "\u{212a}"),
    ("ß", "ss"),
    ("acme", "ac\u{200b}me"),
    ("%", "acme"),
    ("acm_", "acme"),
    ("%25", "%"),
    ("a:b", "a"),
    ("a/b", "a"),
    ("a,b", "a"),
    ("a@b", "a"),
    ("a?b", "a"),
    ("a#b", "a"),
    ("'", "''"),
    ("\\", "\\\\"),
    ("\"", "\\\""),
    ("0", "00"),
    ("null", "NULL"),
    (" ", "  "),
    ("+", " "),
    ("~", "\u{10ffff}"),
];

/// Acts upon grants, which no connection here has.
const OF_PROVIDERS: &[&str] =
    &["/authorize", "/callback", "/renew", "/revoke", "/introspect", "/token", "/probe", "/verify"];

/// Less `*`, which is a pattern in a caller's grants.
const LETTERS: &str = "[aA0é:/%_,'\\\\ ]{1,4}";

/// What an operator does to one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Activate(usize),
    Enable(usize, bool),
    Deactivate(usize),
    ActivateAll,
    DeactivateAll { dry_run: bool },
    Name,
    Rename,
    Delete { force: bool, dry_run: bool },
}

fn acts() -> impl Strategy<Value = Act> {
    let connection = 0..CONNECTIONS.len();
    prop_oneof![
        4 => connection.clone().prop_map(Act::Activate),
        2 => (connection.clone(), any::<bool>()).prop_map(|(at, on)| Act::Enable(at, on)),
        2 => connection.prop_map(Act::Deactivate),
        2 => Just(Act::ActivateAll),
        1 => any::<bool>().prop_map(|dry_run| Act::DeactivateAll { dry_run }),
        2 => Just(Act::Name),
        1 => Just(Act::Rename),
        2 => any::<(bool, bool)>().prop_map(|(force, dry_run)| Act::Delete { force, dry_run }),
    ]
}

fn pairs() -> impl Strategy<Value = (String, String)> {
    let owned = |(one, other): (&str, &str)| (one.to_owned(), other.to_owned());
    prop_oneof![
        3 => select(ALIKE).prop_map(owned),
        1 => (LETTERS, LETTERS).prop_filter("two", |(one, other)| one != other),
    ]
}

/// One of the two.
struct Tenant {
    id: String,
    /// Stands in everything that is ever set for it, and nowhere else.
    mark: &'static str,
    /// Of a caller that is the tenant's own.
    key: String,
}

impl Tenant {
    fn encoded(&self) -> String {
        utf8_percent_encode(&self.id, NON_ALPHANUMERIC).to_string()
    }
}

struct Scene {
    gateway: Gateway,
    operator: Operator,
    upstream: RawUpstream,
    /// Acts that did something, by their routes.
    done: RefCell<BTreeSet<(&'static str, String)>>,
}

impl Scene {
    async fn on(database: &Database) -> Self {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let connector = "variables: { area: { default: none } }, auth: { m: { bearer: {} } }";
        let gateway = Gateway::beside(
            database,
            &format!(
                "egress: {{ allow: [127.0.0.0/8] }}
connectors: {{ api: {{ base_url: \"{}/{{area}}\", {connector} }} }}
connections: {{ filed: {{ connector: api, auth: m, embedded: true, expose: true }} }}
integrations: {{ sync: {{ connectors: {{ one: {{ connector: api }}, two: {{ connector: api }} }} }} }}
",
                upstream.url()
            ),
        );
        let operator = gateway.operator();
        for connection in ["desk", "mail"] {
            let body = json!({ "connector": "api", "auth": "m", "embedded": true, "expose": connection == "desk" });
            operator.put(&format!("/v1/connections/{connection}"), body).await.is(201);
        }
        let body = json!({ "integration": "sync", "assign": { "one": "filed", "two": "desk" } });
        operator.put("/v1/environments/prod", body).await.is(201);
        Self { gateway, operator, upstream, done: RefCell::default() }
    }

    /// Neither has anything yet, but a caller of its own.
    async fn newcomer(&self, id: &str, mark: &'static str) -> Tenant {
        let caller = format!("/v1/callers/{mark}");
        self.operator.delete(&caller).await;
        let grants = json!({ "tenants": [id], "tenant_scoped": true });
        let made = self.operator.put(&caller, grants).await.is(201);
        let tenant = Tenant { id: id.to_owned(), mark, key: made.text("caller_key").to_owned() };
        for connection in CONNECTIONS {
            let path = format!("/v1/connections/{connection}/activations/{}", tenant.encoded());
            self.operator.delete(&path).await;
        }
        self.operator.delete(&format!("/v1/tenants/{}?force=true", tenant.encoded())).await;
        tenant
    }

    /// Does it, whatever comes of it, and gives what was answered.
    async fn act(&self, act: Act, tenant: &Tenant, number: usize) -> Reply {
        let mark = format!("{}-{number}", tenant.mark);
        let activation = json!({ "credentials": { "token": mark }, "variables": { "area": mark } });
        let all = json!({ "connections": { "filed": activation, "desk": activation } });
        let named =
            json!({ "name": mark, "description": mark, "metadata": { (mark.clone()): mark } });
        let under =
            |at: usize| format!("/v1/connections/{}/activations/{{tenant}}", CONNECTIONS[at]);
        let everywhere = "/v1/environments/prod/activations/{tenant}".to_owned();
        let own = "/v1/tenants/{tenant}".to_owned();
        let (method, path, query, body) = match act {
            Act::Activate(at) => ("PUT", under(at), "", Some(activation)),
            Act::Enable(at, on) => ("PATCH", under(at), "", Some(json!({ "enabled": on }))),
            Act::Deactivate(at) => ("DELETE", under(at), "", None),
            Act::ActivateAll => ("PUT", everywhere, "", Some(all)),
            Act::DeactivateAll { dry_run: true } => ("DELETE", everywhere, "?dry_run=true", None),
            Act::DeactivateAll { dry_run: false } => ("DELETE", everywhere, "", None),
            Act::Name => ("PUT", own, "", Some(named)),
            Act::Rename => ("PATCH", own, "", Some(json!({ "name": mark }))),
            Act::Delete { force: false, dry_run: false } => ("DELETE", own, "", None),
            Act::Delete { force: true, dry_run: false } => ("DELETE", own, "?force=true", None),
            Act::Delete { force: false, dry_run: true } => ("DELETE", own, "?dry_run=true", None),
            Act::Delete { force: true, dry_run: true } => {
                ("DELETE", own, "?dry_run=true&force=true", None)
            }
        };
        let at = format!("{}{query}", path.replace("{tenant}", &tenant.encoded()));
        let reply = self.operator.send(method, &at, "", body).await;
        assert!(reply.status < 500, "{act:?}: {}", reply.response.text());
        if reply.status < 300 {
            self.done.borrow_mut().insert((method, path));
        }
        reply
    }

    /// Every page of a list, one item each.
    async fn pages(&self, path: &str) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.operator.get(&format!("{path}?limit=1{cursor}")).await.is(200);
            items.extend(page.body["items"].as_array().expect("it is a list").iter().cloned());
            let Some(next) = page.body["next"].as_str() else { return items };
            cursor = format!("&cursor={}", utf8_percent_encode(next, NON_ALPHANUMERIC));
        }
    }

    /// All that is shown of one of them, and what its own requests come to.
    async fn view(&self, tenant: &Tenant) -> Vec<String> {
        let id = tenant.encoded();
        let mut all = Vec::new();
        for path in [format!("/v1/tenants/{id}"), format!("/v1/environments/prod/activations/{id}")]
            .into_iter()
            .chain(CONNECTIONS.map(|it| format!("/v1/connections/{it}/activations/{id}")))
        {
            let reply = self.operator.get(&path).await;
            let mut shown = reply.body;
            // Which request it was differs each time.
            shown.as_object_mut().expect("an object").remove("request_id");
            all.push(format!(
                "{path}: {} {:?} {shown}",
                reply.status,
                reply.response.field("etag")
            ));
        }
        let own = self.pages(&format!("/v1/tenants/{id}/activations")).await;
        assert!(own.iter().all(|it| it["tenant"] == *tenant.id), "{own:?}");
        all.extend(own.iter().map(|it| format!("its activations: {it}")));
        let items = self.pages("/v1/connections/desk/activations").await;
        let items = items.iter().filter(|it| it["tenant"] == *tenant.id);
        all.extend(items.map(|it| format!("listed under the connection: {it}")));
        let items = self.pages("/v1/tenants").await;
        let items = items.iter().filter(|it| it["key"] == *tenant.id);
        all.extend(items.map(|it| format!("listed: {it}")));
        let head = "HTTP/1.1\r\nHost: g\r\nAttache-Key:";
        let listing = format!("GET /-/connections {head} {}\r\n\r\n", tenant.key);
        let listed = raw_request(self.gateway.proxy, listing).await;
        assert_eq!(listed.status, 200, "{}", listed.text());
        all.push(listed.text());
        for connection in CONNECTIONS {
            let asked = format!("GET /c/{connection}@{id}/x {head} {}\r\n\r\n", tenant.key);
            let answer = raw_request(self.gateway.proxy, asked).await;
            all.push(format!("{connection}: {} {:?}", answer.status, answer.code()));
            while let Some(sent) = self.upstream.request_so_far().await {
                all.push(format!("{} {:?}", sent.line(), sent.field("authorization")));
            }
        }
        all
    }

    /// The key of one, for the other.
    async fn is_no_way_in(&self, key_of: &Tenant, to: &Tenant) {
        for connection in CONNECTIONS {
            let mut answers = Vec::new();
            for id in [to.encoded(), "nobody".to_owned()] {
                let head = "HTTP/1.1\r\nHost: g\r\nAttache-Key:";
                let asked = format!("GET /c/{connection}@{id}/x {head} {}\r\n\r\n", key_of.key);
                let answer = raw_request(self.gateway.proxy, asked).await;
                answers.push((answer.status, answer.code()));
            }
            assert_eq!(answers[0], answers[1], "{connection}: it is as if there were none");
            assert!(matches!(answers[0].0, 403 | 404), "{answers:?}");
        }
        assert!(self.upstream.request_so_far().await.is_none(), "nothing is sent");
    }

    async fn holds(&self, (one, other): &(String, String), acts: &[(bool, Act)]) {
        let one = self.newcomer(one, "of-one").await;
        let other = self.newcomer(other, "of-other").await;
        // So that there is something to be seen from the first act on.
        for tenant in [&one, &other] {
            self.act(Act::Name, tenant, 0).await.is(201);
            self.act(Act::ActivateAll, tenant, 0).await.is(200);
            self.act(Act::Activate(2), tenant, 0).await.is(201);
        }
        let mut views = [self.view(&one).await, self.view(&other).await];
        for (view, tenant) in views.iter().zip([&one, &other]) {
            let sent = format!("GET /{0}-0/x HTTP/1.1 Some(\"Bearer {0}-0\")", tenant.mark);
            assert_eq!(view.iter().filter(|it| **it == sent).count(), 2, "what is exposed is used");
        }
        for (number, (is_one, act)) in acts.iter().enumerate() {
            let (at, tenant, bystander) =
                if *is_one { (0, &one, &other) } else { (1, &other, &one) };
            let answer = self.act(*act, tenant, number + 1).await.response.text();
            assert!(!answer.contains(bystander.mark), "{act:?}: {answer}");
            let (now, before) = (self.view(bystander).await, &views[1 - at]);
            let changed: Vec<_> =
                now.iter().zip(before).filter(|(now, before)| now != before).collect();
            assert!(now == *before, "{act:?} upon {:?}: {changed:?}", tenant.id);
            views[at] = self.view(tenant).await;
        }
        for (view, others) in views.iter().zip([other.mark, one.mark]) {
            assert!(view.iter().all(|it| !it.contains(others)), "{view:?}");
        }
        self.is_no_way_in(&one, &other).await;
        self.is_no_way_in(&other, &one).await;
        let metrics = raw_request(self.gateway.admin, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
        let metrics = metrics.await.text();
        assert!(!metrics.contains("tenant=\"") && !metrics.contains("of-o"), "{metrics}");
    }

    /// The API's routes that name a tenant: those that show, and those that do something, with their method.
    async fn routes(&self) -> (BTreeSet<String>, BTreeSet<(String, String)>) {
        let document = self.operator.get("/openapi.json").await.is(200).body;
        let (mut reads, mut writes) = (BTreeSet::new(), BTreeSet::new());
        let paths = document["paths"].as_object().expect("an object");
        // What providers are asked for, `consents` and `grant_acts` tell of.
        // And what senders hand over `webhook_secrets` does.
        let is_told = |it: &str| OF_PROVIDERS.iter().any(|act| it.ends_with(act));
        let is_asked = |it: &str| is_told(it) || it.ends_with("/webhook/reveal");
        let of_tenants = paths.iter().filter(|it| it.0.contains("{tenant}") && !is_asked(it.0));
        for (path, methods) in of_tenants {
            for method in methods.as_object().expect("an object").keys() {
                match method.as_str() {
                    "get" => drop(reads.insert(path.clone())),
                    "put" | "post" | "patch" | "delete" => {
                        writes.insert((method.to_uppercase(), path.clone()));
                    }
                    _ => {}
                }
            }
        }
        (reads, writes)
    }
}

each_engine! {
    /// Sixty, and each that looks alike, in `make test-long`.
    async fn what_is_done_to_one_tenant_is_nothing_to_another_whatever_its_id(database: Database) {
        let is_long = std::env::var_os("ATTACHE_TEST_LONG").is_some();
        let cases = if is_long { 60 } else { 6 };
        let scene = Scene::on(&database).await;
        let (reads, writes) = scene.routes().await;
        let shown = ["/v1/connections/{connection}", "/v1/environments/{environment}"];
        let mut known: BTreeSet<_> = shown.iter().map(|it| format!("{it}/activations/{{tenant}}")).collect();
        known.extend(["/v1/tenants/{tenant}", "/v1/tenants/{tenant}/activations"].map(str::to_owned));
        assert_eq!(reads, known, "each of them is looked at");
        let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
        let input = (pairs(), prop::collection::vec((any::<bool>(), acts()), 1..6));
        let tested = tokio::task::block_in_place(|| {
            TestRunner::new(config).run(&input, |(pair, acts)| {
                Handle::current().block_on(scene.holds(&pair, &acts));
                Ok(())
            })
        });
        if let Err(error) = tested {
            panic!("{error}");
        }
        // And each act at least once.
        let acts = [
            Act::Rename,
            Act::Enable(1, false),
            Act::Enable(1, true),
            Act::Deactivate(1),
            Act::DeactivateAll { dry_run: false },
            Act::Delete { force: true, dry_run: false },
        ];
        for (one, other) in if is_long { ALIKE } else { &ALIKE[..1] } {
            scene.holds(&((*one).to_owned(), (*other).to_owned()), &acts.map(|it| (true, it))).await;
        }
        let done = scene.done.borrow().iter().map(|(method, path)| {
            let path = CONNECTIONS.iter().fold(path.clone(), |path, it| path.replace(it, "{connection}"));
            ((*method).to_owned(), path.replace("/prod/", "/{environment}/"))
        }).collect::<BTreeSet<_>>();
        assert_eq!(done, writes, "each of them is done");
    }
}
