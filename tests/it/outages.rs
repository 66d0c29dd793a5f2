//! The shipped program while its database is away, silent, slow, read-only or full of others' work: what is
//! known goes on, the rest is told so, and it mends by itself.
use crate::support::Database;
use crate::support::Frail;
use crate::support::Process;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::SYSTEM;
use crate::support::Script;
use crate::support::Wrong;
use crate::support::postgres;
use crate::support::postgres::Server;
use crate::support::soon;
use attache::store::Expect;
use serde_json::json;
use sqlx::Connection;
use sqlx::PgConnection;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;
use tokio::task::JoinSet;

/// What everything in the tests' databases is sealed under. No secret.
const SEAL_KEY: &str = "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A database, an upstream, and a gateway between which there is a link that may fail.
struct Scene {
    gateway: Process,
    upstream: RawUpstream,
    frail: Frail,
    database: Database,
    keys: PathBuf,
}

impl Scene {
    /// The connection `crm` is in the gateway's file; everything else is done by API.
    async fn on(database: Database) -> Self {
        let keys = database.folder.path().join("seal.key");
        fs::write(&keys, SEAL_KEY).expect("the folder takes files");
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let frail = Frail::before_url(&database.url).await;
        let url = frail.url(&database.url);
        let gateway = Process::replica(&url, &keys, &Self::crm(&upstream)).await;
        Self { gateway, upstream, frail, database, keys }
    }

    fn crm(upstream: &RawUpstream) -> String {
        format!(
            "connectors: {{ api: {{ base_url: \"{}\", auth: {{ m: {{ bearer: {{}} }} }} }} }}
connections: {{ crm: {{ connector: api, auth: m, embedded: true }} }}",
            upstream.url()
        )
    }

    async fn activate(&self, tenant: &str) {
        let answer = self.try_activate(tenant).await;
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    }

    /// As often as it takes: what is refused in good order may be sent again.
    async fn activate_at_last(&self, tenant: &str) {
        let activated = async {
            loop {
                let answer = self.try_activate(tenant).await;
                match answer.status {
                    // 202: it is written, and could not be shown.
                    200..=202 => break,
                    _ => Self::is_passing(&answer, "store_unavailable"),
                }
            }
        };
        soon(&format!("{tenant} to be activated"), activated).await;
    }

    async fn try_activate(&self, tenant: &str) -> Response {
        let path = format!("/v1/connections/crm/activations/{tenant}");
        let body = json!({ "credentials": { "token": format!("token-of-{tenant}") } });
        self.gateway.operator().put(&path, body).await.response
    }

    async fn ask(&self, tenant: &str) -> Response {
        self.gateway.ask(&format!("/c/crm@{tenant}/a")).await
    }

    /// So many requests, one after another; the longest any took.
    async fn goes_on(&self, tenant: &str, count: usize) -> Duration {
        let mut most = Duration::ZERO;
        for _ in 0..count {
            let since = Instant::now();
            assert_eq!(self.ask(tenant).await.status, 200, "{tenant} is warm");
            most = most.max(since.elapsed());
            let arrived = self.upstream.request().await;
            let bearer = format!("Bearer token-of-{tenant}");
            assert_eq!(arrived.field("authorization"), Some(&*bearer));
        }
        most
    }

    /// Such a problem, that says when to come back.
    fn is_passing(answer: &Response, code: &str) {
        assert_eq!((answer.status, answer.code().as_deref()), (503, Some(code)), "{answer:?}");
        let after: u64 =
            answer.field("retry-after").and_then(|it| it.parse().ok()).expect("a time");
        assert!((1..=60).contains(&after), "{answer:?}");
    }

    /// From the fault's beginning to its end; `begin` and `end` do it.
    async fn endures(&self, begin: impl AsyncFnOnce(), end: impl AsyncFnOnce()) {
        for tenant in ["warm", "cold"] {
            self.activate(tenant).await;
        }
        self.goes_on("warm", 1).await;
        begin().await;
        let since = Instant::now();
        self.goes_on("warm", 20).await;
        self.gateway.reaches_the_store(false).await;
        let told = since.elapsed();
        assert_eq!(self.gateway.metric("attache_store_up").await, 0.0);
        let most = self.goes_on("warm", 20).await;
        let since = Instant::now();
        for _ in 0..2 {
            Self::is_passing(&self.ask("cold").await, "credential_unavailable");
        }
        let refused = since.elapsed() / 2;
        Self::is_passing(&self.try_activate("new").await, "store_unavailable");
        let read = self.gateway.operator().get("/v1/connections/crm/activations/warm").await;
        Self::is_passing(&read.response, "store_unavailable");
        self.goes_on("warm", 1).await;

        end().await;
        let since = Instant::now();
        self.gateway.reaches_the_store(true).await;
        let back = since.elapsed();
        assert_eq!(self.gateway.metric("attache_store_up").await, 1.0);
        self.gateway.answers("/c/crm@cold/a", 200).await;
        self.upstream.request().await;
        self.activate("new").await;
        self.goes_on("new", 1).await;
        self.goes_on("warm", 1).await;
        println!(
            "told by /readyz after {told:?}; warm requests took {most:?} at most, cold ones were refused \
             after {refused:?}; reached again {back:?} after its return"
        );
    }
}

/// On a server of the test's own, where there is one.
async fn on_a_server_of_its_own() -> Option<(Server, Scene)> {
    let server = Server::start()?;
    let database = Database::on(&server.url).await;
    Some((server, Scene::on(database).await))
}

async fn on_the_shared_server() -> Option<Scene> {
    Some(Scene::on(Database::on(postgres::shared()?).await).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_killed_and_started_again() {
    let Some((server, scene)) = on_a_server_of_its_own().await else { return };
    scene.endures(async || server.kill(), async || server.restart()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_stopped_in_the_middle_and_goes_on() {
    let Some((server, scene)) = on_a_server_of_its_own().await else { return };
    scene.endures(async || server.pause(), async || server.go_on()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_cuts_every_link_to_the_database() {
    let Some(scene) = on_the_shared_server().await else { return };
    let is_now = async |wrong| scene.frail.is_now(wrong);
    scene.endures(async || is_now(Wrong::Cut).await, async || is_now(Wrong::Nothing).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_swallows_what_is_said_to_the_database() {
    let Some(scene) = on_the_shared_server().await else { return };
    let is_now = async |wrong| scene.frail.is_now(wrong);
    scene
        .endures(async || is_now(Wrong::Silent).await, async || is_now(Wrong::Nothing).await)
        .await;
}

/// As poolers and hot standbys do: what was written is asked for, and is no outage.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_tells_nobody_of_writes_is_asked_for_them() {
    let Some(scene) = on_the_shared_server().await else { return };
    scene.activate("warm").await;
    scene.goes_on("warm", 1).await;
    let links = scene.frail.links();
    scene.frail.is_now(Wrong::Cut);
    scene.gateway.reaches_the_store(false).await;
    scene.frail.is_now(Wrong::Mute);
    scene.gateway.logs("does not tell of others' writes").await;
    assert!(scene.frail.links() > links);
    scene.gateway.reaches_the_store(true).await;
    let another = scene.database.open().await;
    let (owner, tenant) = ("file:crm", "warm");
    let deleted = another.activations().delete(SYSTEM, owner, tenant, Expect::Present).await;
    deleted.expect("it was there");
    scene.gateway.answers("/c/crm@warm/a", 409).await;
    scene.activate("warm").await;
    scene.goes_on("warm", 1).await;
    assert_eq!(scene.gateway.store_status().await["reached"], true);
}

/// A firewall that has forgotten them, or a server that lost its power: TCP gives up after a quarter of an hour.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_that_die_unheard_leave_their_places_to_others() {
    let Some(scene) = on_the_shared_server().await else { return };
    for tenant in ["warm", "cold"] {
        scene.activate(tenant).await;
    }
    scene.goes_on("warm", 1).await;
    let mut other = PgConnection::connect(&scene.database.url).await.expect("the server is there");
    let lock = "BEGIN; LOCK TABLE activations IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut other).await.expect("it can be locked");
    let mut asked = JoinSet::new();
    for _ in 0..20 {
        let operator = scene.gateway.operator();
        asked.spawn(async move { operator.get("/v1/connections/crm/activations/warm").await });
    }
    let all_wait = async {
        let waiting = "SELECT COUNT(*) FROM pg_stat_activity \
                       WHERE wait_event_type = 'Lock' AND datname = current_database()";
        // All the places but the feed's, at least.
        while scene.database.number(waiting).await < 14 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon("the pool's links to be in use", all_wait).await;
    scene.frail.loses_its_links();
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.expect("it can be given up");
    let refused = soon("answers to those who wait", asked.join_all()).await;
    assert!(refused.iter().all(|it| it.status == 503), "{refused:?}");
    scene.gateway.answers("/c/crm@cold/a", 200).await;
    scene.upstream.request().await;
    scene.gateway.reaches_the_store(true).await;
    scene.activate("new").await;
    scene.goes_on("new", 1).await;
    other.close().await.expect("it is there");
}

/// A connector that many connections follow: each is a change, and none is an outage.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_far_away_is_asked_for_many_changes_at_once() {
    let Some(scene) = on_the_shared_server().await else { return };
    let operator = scene.gateway.operator();
    let api = |base_url: &str| json!({ "base_url": base_url, "auth": { "m": { "bearer": {} } } });
    let there = scene.upstream.url();
    let moved = there.replace("127.0.0.1", "localhost");
    assert_ne!(there, moved);
    operator.put("/v1/connectors/own", api(&there)).await.is(201);
    for number in 0..40 {
        let body = json!({ "connector": "own", "auth": "m", "credentials": { "token": "t" } });
        operator.put(&format!("/v1/connections/c{number}"), body).await.is(201);
    }
    scene.frail.is_now(Wrong::Slow(Duration::from_millis(20)));
    let before = scene.database.number("SELECT COUNT(*) FROM changes").await;
    operator.put("/v1/connectors/own?confirm=origin", api(&moved)).await.is(200);
    assert!(scene.database.number("SELECT COUNT(*) FROM changes").await - before > 40);
    for number in [0, 39] {
        assert_eq!(scene.gateway.ask(&format!("/c/c{number}/a")).await.status, 200);
        let arrived = scene.upstream.request().await;
        assert!(arrived.field("host").is_some_and(|it| it.starts_with("localhost:")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_waits_a_little_for_a_database_that_does_not_answer_yet() {
    let Some(scene) = on_the_shared_server().await else { return };
    let frail = Frail::before_url(&scene.database.url).await;
    frail.is_now(Wrong::Silent);
    let url = frail.url(&scene.database.url);
    let configuration = Scene::crm(&scene.upstream);
    let asked_twice = async {
        while frail.links() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        frail.is_now(Wrong::Nothing);
    };
    let starts = Process::replica(&url, &scene.keys, &configuration);
    let (gateway, ()) = tokio::join!(starts, soon("the database to be asked twice", asked_twice));
    assert_eq!(gateway.store_status().await["reached"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_database_is_slow_for_those_alone_that_need_it() {
    let Some(scene) = on_the_shared_server().await else { return };
    for tenant in ["warm", "cold"] {
        scene.activate(tenant).await;
    }
    scene.goes_on("warm", 1).await;
    let looked_up = scene.gateway.metric("attache_store_lookups_total").await;
    scene.frail.is_now(Wrong::Slow(Duration::from_millis(200)));
    let most = scene.goes_on("warm", 20).await;
    assert_eq!(scene.gateway.metric("attache_store_lookups_total").await, looked_up);
    // One that has to open a link to the database first may be told to come again.
    let since = Instant::now();
    scene.gateway.answers("/c/crm@cold/a", 200).await;
    let cold = since.elapsed();
    scene.upstream.request().await;
    let since = Instant::now();
    scene.activate_at_last("new").await;
    println!(
        "200 ms to the database: warm requests took {most:?} at most, the first of a tenant {cold:?}, a \
         write {:?}",
        since.elapsed()
    );
    scene.gateway.answers("/c/crm@new/a", 200).await;
    scene.gateway.reaches_the_store(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_database_is_read_and_a_gateway_starts_on_it() {
    let Some(scene) = on_the_shared_server().await else { return };
    for tenant in ["warm", "cold"] {
        scene.activate(tenant).await;
    }
    scene.goes_on("warm", 1).await;
    let name = scene.database.url.rsplit('/').next().expect("a database has a name").to_owned();
    let now_is = async |read_only: &str| {
        let set = "SET default_transaction_read_only";
        let alter = format!("ALTER DATABASE {name} {set} = {read_only}");
        scene.database.run(&format!("BEGIN READ WRITE; {alter}; COMMIT")).await;
        // It holds for new sessions.
        scene.frail.is_now(Wrong::Cut);
        scene.gateway.reaches_the_store(false).await;
        scene.frail.is_now(Wrong::Nothing);
        scene.gateway.reaches_the_store(true).await;
    };
    now_is("on").await;
    scene.goes_on("warm", 1).await;
    scene.goes_on("cold", 1).await;
    Scene::is_passing(&scene.try_activate("new").await, "store_unavailable");
    let deleted = scene.gateway.operator().delete("/v1/connections/crm/activations/cold").await;
    Scene::is_passing(&deleted.response, "store_unavailable");
    let configuration = Scene::crm(&scene.upstream);
    let another = Process::replica(&scene.database.url, &scene.keys, &configuration).await;
    assert_eq!(another.ask("/c/crm@cold/a").await.status, 200);
    scene.upstream.request().await;
    now_is("off").await;
    scene.activate("new").await;
    scene.goes_on("new", 1).await;
}

/// What a file says of an auth method is recorded in the store, for stored connections to pin: where that can't be
/// written, everything that reads goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_that_changes_in_a_file_beside_a_read_only_database_costs_nothing_but_its_revision()
 {
    let Some(scene) = on_the_shared_server().await else { return };
    scene.activate("warm").await;
    let pinned = json!({ "connector": "api", "auth": "m", "credentials": { "token": "pinned" } });
    scene.gateway.operator().put("/v1/connections/pinned", pinned).await.is(201);
    let name = scene.database.url.rsplit('/').next().expect("a database has a name").to_owned();
    let set = format!("ALTER DATABASE {name} SET default_transaction_read_only");
    scene.database.run(&format!("{set} = on")).await;
    // It holds for new sessions.
    scene.frail.is_now(Wrong::Cut);
    scene.gateway.reaches_the_store(false).await;
    scene.frail.is_now(Wrong::Nothing);
    scene.gateway.reaches_the_store(true).await;

    // Read again by one that runs, and by one that starts.
    let bearer = "m: { bearer: {} }";
    let changed = |text: &str| text.replace(bearer, "m: { description: another, bearer: {} }");
    let file = scene.gateway.config();
    let before = fs::read_to_string(&file).expect("the configuration is there");
    assert!(before.contains(bearer));
    fs::write(&file, changed(&before)).expect("it can be written");
    scene.gateway.signal(rustix::process::Signal::HUP);
    scene.gateway.logs("are not recorded in the store").await;
    let configuration = changed(&Scene::crm(&scene.upstream));
    let started = Process::replica(&scene.database.url, &scene.keys, &configuration).await;
    let latest = async |gateway: &Process| {
        let view = gateway.operator().get("/v1/connections/pinned").await.is(200);
        view.body["latest_revision"].as_i64()
    };
    for gateway in [&scene.gateway, &started] {
        assert_eq!(gateway.store_status().await["reached"], true);
        for path in ["/c/crm@warm/a", "/c/pinned/a"] {
            gateway.answers(path, 200).await;
            scene.upstream.request().await;
        }
        assert_eq!(latest(gateway).await, Some(1));
    }

    let run = format!("BEGIN READ WRITE; {set} = off; COMMIT");
    scene.database.run(&run).await;
    scene.frail.is_now(Wrong::Cut);
    scene.gateway.reaches_the_store(false).await;
    scene.frail.is_now(Wrong::Nothing);
    let recorded = async {
        while latest(&scene.gateway).await != Some(2) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    scene.gateway.reaches_the_store(true).await;
    soon("the method to be recorded at last", recorded).await;
}

/// To a copy that was a little behind: what it never heard of is not used any more, and the rest goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_fails_over_to_a_copy_of_it() {
    let Some((_first, scene)) = on_a_server_of_its_own().await else { return };
    let Some(second) = Server::start() else { return };
    for tenant in ["warm", "cold"] {
        scene.activate(tenant).await;
    }
    scene.goes_on("warm", 1).await;
    let mut copy = Database::on(&second.url).await;
    scene.database.copy_into(&copy).await;
    let own = |url: &str| url.rsplit('/').next().expect("a database has a name").to_owned();
    let (name, made) = (own(&scene.database.url), own(&copy.url));
    let mut link =
        PgConnection::connect(&format!("{}/postgres", second.url)).await.expect("it is there");
    let rename = format!("ALTER DATABASE {made} RENAME TO {name}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(rename)).execute(&mut link).await.expect("nobody uses it");
    copy.url = format!("{}/{name}", second.url);
    scene.activate("late").await;
    scene.goes_on("late", 1).await;

    let alter = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    scene.database.run(&alter).await;
    scene.frail.is_now(Wrong::Cut);
    scene.gateway.reaches_the_store(false).await;
    scene.goes_on("warm", 1).await;
    scene.frail.leads_to(&copy.url);
    scene.frail.is_now(Wrong::Nothing);
    scene.gateway.reaches_the_store(true).await;
    scene.gateway.logs("everything is read from the store again").await;
    for tenant in ["warm", "cold"] {
        scene.goes_on(tenant, 1).await;
    }
    let late = scene.ask("late").await;
    assert_eq!(late.code().as_deref(), Some("activation_not_found"), "{late:?}");
    scene.activate("new").await;
    scene.goes_on("new", 1).await;
    let new = "SELECT COUNT(*) FROM activations WHERE tenant = 'new'";
    assert_eq!((copy.number(new).await, scene.database.number(new).await), (1, 0));
}

/// Whether a write is kept is known to the database alone while its word is under way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_cut_at_a_commit_leaves_a_write_of_which_nobody_says_that_it_was_not_done() {
    let Some(scene) = on_the_shared_server().await else { return };
    let operator = scene.gateway.operator();
    for (wrong, key, is_kept) in
        [(Wrong::AnswerLost, "kept", true), (Wrong::CommitLost, "lost", false)]
    {
        let fields = format!("Idempotency-Key: {key}\r\n");
        let create = async || {
            operator.send("POST", "/v1/callers", &fields, Some(json!({ "key": key }))).await
        };
        scene.frail.is_now(wrong);
        let told = create().await;
        scene.frail.is_now(Wrong::Nothing);
        Scene::is_passing(&told.response, "store_unavailable");
        assert_eq!(told.text("outcome"), "unknown");
        assert!(told.text("detail").contains("Look before"), "{}", told.body);
        let there = operator.get(&format!("/v1/callers/{key}")).await.status;
        assert_eq!(there, if is_kept { 200 } else { 404 }, "{key}");
        // Under its key it is done once, whatever became of it.
        match is_kept {
            true => drop(create().await.problem("idempotency_answer_lost")),
            false => drop(create().await.is(201)),
        }
    }
    scene.gateway.reaches_the_store(true).await;
}

/// All the links that the database allows, and each of them waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_allows_five_links_and_then_answers_none() {
    let Some(server) = postgres::shared() else { return };
    let mut database = Database::on(server).await;
    let name = database.url.rsplit('/').next().expect("a database has a name").to_owned();
    database.run(&format!("CREATE ROLE of_{name} LOGIN")).await;
    database.run(&format!("ALTER DATABASE {name} OWNER TO of_{name}")).await;
    let theirs = database.url.clone();
    database.url = theirs.replace("attache@", &format!("of_{name}@"));
    let scene = Scene::on(database).await;
    let mut other = PgConnection::connect(&theirs).await.expect("the server is there");
    let limit = format!("ALTER ROLE of_{name} CONNECTION LIMIT 5");
    sqlx::raw_sql(sqlx::AssertSqlSafe(limit)).execute(&mut other).await.expect("it is there");
    // It holds for new links.
    scene.frail.is_now(Wrong::Cut);
    scene.gateway.reaches_the_store(false).await;
    scene.frail.is_now(Wrong::Nothing);
    scene.gateway.reaches_the_store(true).await;

    let tenants: Vec<String> = (0..64).map(|it| format!("tenant-{it}")).collect();
    for tenant in ["warm"].into_iter().chain(tenants.iter().map(String::as_str)) {
        scene.activate_at_last(tenant).await;
    }
    scene.goes_on("warm", 1).await;
    let all_at_once = async |tenants: &[String]| {
        let proxy = scene.gateway.proxy;
        let mut asked = JoinSet::new();
        for tenant in tenants {
            let path = format!("/c/crm@{tenant}/a");
            asked.spawn(async move { crate::support::asked(proxy, &path).await });
        }
        asked.join_all().await
    };
    let since = Instant::now();
    let answers = soon("answers to 32 cold requests", all_at_once(&tenants[..32])).await;
    let took = since.elapsed();
    let refused: Vec<_> = answers.iter().filter(|it| it.status != 200).collect();
    println!(
        "32 cold requests over five links: {} refused, all answered after {took:?}",
        refused.len()
    );
    for answer in refused {
        Scene::is_passing(answer, "credential_unavailable");
    }
    for tenant in &tenants[..32] {
        scene.gateway.answers(&format!("/c/crm@{tenant}/a"), 200).await;
    }
    while scene.upstream.request_so_far().await.is_some() {}

    // Somebody locks the tables, and every link that there may be waits for it.
    let lock = "BEGIN; LOCK TABLE activations, credentials IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut other).await.expect("it can be locked");
    let since = Instant::now();
    let refused = soon("answers to 32 cold requests", all_at_once(&tenants[32..])).await;
    for answer in &refused {
        Scene::is_passing(answer, "credential_unavailable");
    }
    let refused = since.elapsed();
    scene.goes_on("warm", 20).await;
    Scene::is_passing(&scene.try_activate("new").await, "store_unavailable");
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.expect("it can be given up");
    for tenant in &tenants[32..] {
        scene.gateway.answers(&format!("/c/crm@{tenant}/a"), 200).await;
    }
    scene.gateway.reaches_the_store(true).await;
    println!("32 cold requests to a database that answers none were refused after {refused:?}");
    other.close().await.expect("it is there");
    let role = format!("of_{name}");
    drop(scene.gateway);
    let to_all =
        format!("REASSIGN OWNED BY {role} TO attache; DROP OWNED BY {role}; DROP ROLE {role}");
    let mut all = PgConnection::connect(&theirs).await.expect("the server is there");
    sqlx::raw_sql(sqlx::AssertSqlSafe(to_all)).execute(&mut all).await.expect("nobody uses it");
    all.close().await.expect("it is there");
}
