//! `kill -9` in the middle of renewals, where the provider uses a token up with each use: nobody is lost but whose
//! answer nobody had kept, at a provider that takes no token twice; and that is said. Some kills each time; with
//! `ATTACHE_TEST_LONG` two hundred for each provider on each engine.
use crate::support::CALLER_KEY;
use crate::support::Database;
use crate::support::Frail;
use crate::support::Known;
use crate::support::Operator;
use crate::support::Process;
use crate::support::Provider;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Rotating;
use crate::support::Script;
use crate::support::Wrong;
use crate::support::asked;
use crate::support::each_engine;
use crate::support::part_of;
use crate::support::soon;
use rustix::process::Signal;
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::Notify;
use tokio::task::JoinSet;

const EGRESS: &str = "egress: { allow: [127.0.0.0/8] }\n";

/// Providers take a token twice for so long, or never.
const GRACES: [Duration; 2] = [Duration::ZERO, Duration::from_secs(10)];

/// What says that it was lost.
const LOST: &str = "lost in a crash or on the way";

/// A deployment, and what lives longer than its processes.
struct World {
    database: Database,
    upstream: RawUpstream,
    provider: Provider,
    grace: Duration,
}

impl World {
    async fn of(database: Database, grace: Duration, late: Duration) -> Self {
        let rotating = Rotating::living(3600).with_grace(grace).dawdling(late);
        let provider = Provider::rotating(rotating).await;
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        Self { database, upstream, provider, grace }
    }

    /// A process of it, until it is killed.
    async fn life(&self) -> Process {
        Process::beside(&self.database, EGRESS).await
    }

    /// Kills it, and waits until the database has heard of that.
    async fn kill(&self, mut process: Process) {
        process.signal(Signal::KILL);
        process.ended().await;
        if !self.database.is_postgres() {
            return;
        }
        let others = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                      AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
        let gone = async {
            while self.database.number(others).await > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        soon("its links to the database to end", gone).await;
    }

    /// An embedded connection whose tenants bring their refresh tokens, for this token endpoint.
    async fn connect(&self, operator: &Operator, key: &str, provider: &str) {
        let oauth2 = json!({ "grant": "refresh_token", "token_url": format!("{provider}/token") });
        let connector =
            json!({ "base_url": self.upstream.url(), "auth": { "m": { "oauth2": oauth2 } } });
        operator.put(&format!("/v1/connectors/{key}"), connector).await.is(201);
        let connection = json!({
            "connector": key, "auth": "m", "embedded": true,
            "credentials": { "client_id": "app", "client_secret": "hush-hush" },
        });
        operator.put(&format!("/v1/connections/{key}"), connection).await.is(201);
    }

    fn known(&self, tenant: &str) -> Known {
        self.provider.families().known(tenant)
    }

    /// Whether the provider still took the token that a tenant's lost answer was asked for with.
    fn was_in_grace(&self, tenant: &str) -> bool {
        self.known(tenant).ended.is_none_or(|it| it < self.grace)
    }

    /// The tokens that reached the upstream since this was asked last, by tenant.
    async fn sent(&self) -> HashMap<String, String> {
        let mut sent = HashMap::new();
        while let Some(request) = self.upstream.request_so_far().await {
            let path = request.line().split(' ').nth(1).unwrap_or_default();
            let tenant = path.trim_start_matches('/').to_owned();
            sent.insert(tenant, request.field("authorization").unwrap_or_default().to_owned());
        }
        sent
    }

    /// Of a tenant that was killed in the middle of it.
    async fn found(&self, tenant: &str) -> Found {
        let state = format!(
            "SELECT COALESCE((SELECT CASE WHEN version > 0 THEN 'written' WHEN EXISTS (SELECT 1 FROM credentials c \
             WHERE c.owner = g.owner AND c.tenant = g.tenant AND c.slot = 'grant_answer') THEN 'kept' \
             WHEN attempt <> '' THEN 'announced' ELSE '' END FROM grants g WHERE tenant = '{tenant}'), '')"
        );
        match (&*self.database.text(&state).await, self.known(tenant).renewed) {
            ("written", _) => Found::Written,
            ("kept", _) => Found::Kept,
            (_, 1..) => Found::Sent,
            ("announced", 0) => Found::Announced,
            _ => Found::Untouched,
        }
    }

    async fn why(&self, tenant: &str) -> String {
        self.database.text(&format!("SELECT why FROM grants WHERE tenant = '{tenant}'")).await
    }

    /// Grants whose end was told.
    async fn told(&self) -> i64 {
        let told = "SELECT COUNT(*) FROM events WHERE type = 'connection.reauthorization_required'";
        self.database.number(told).await
    }
}

/// Where a renewal was when its process died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Untouched,
    /// It is put down that a message goes out, and none came.
    Announced,
    /// The provider has acted upon it, and nobody has kept its answer.
    Sent,
    Kept,
    Written,
}

async fn activate(operator: &Operator, connection: &str, tenant: &str) {
    let path = format!("/v1/connections/{connection}/activations/{tenant}");
    let credentials = json!({ "refresh_token": format!("{tenant}-0") });
    operator.put(&path, json!({ "credentials": credentials })).await.is(201);
}

/// The answer to a tenant's request, once it is one: who comes too early comes again.
async fn answered(proxy: SocketAddr, connection: &str, tenant: &str) -> Response {
    let answered = async {
        loop {
            let answer = asked(proxy, &format!("/c/{connection}@{tenant}/{tenant}")).await;
            if answer.status != 503 {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    soon(&format!("an answer to {tenant}"), answered).await
}

/// Asks, and does not wait for the answer.
async fn begin(proxy: SocketAddr, connection: &str, tenant: &str) -> RawClient {
    let mut client = RawClient::connect(proxy).await;
    let target = format!("/c/{connection}@{tenant}/{tenant}");
    client
        .send(format!("GET {target} HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\r\n"))
        .await;
    client
}

async fn becomes(what: &str, database: &Database, question: &str) {
    soon(what, async {
        while database.number(question).await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Another token, by an operator's hand: it takes the one that is kept.
async fn renew(operator: &Operator, connection: &str, tenant: &str) -> u16 {
    let path = format!("/v1/connections/{connection}/activations/{tenant}/renew");
    operator.send("POST", &path, "", None).await.status
}

/// Steps of a renewal, by the tenants that stop at them; the last one did not stop.
const STEPS: [(&str, &str, Found); 6] = [
    ("api", "unannounced", Found::Untouched),
    ("far", "announced", Found::Announced),
    ("api", "sent", Found::Sent),
    ("api", "unkept", Found::Sent),
    ("api", "kept", Found::Kept),
    ("api", "written", Found::Written),
];

/// What the database does not take: that a message goes out, its answer, and what comes of that.
const REFUSALS: [(&str, &str, &str); 3] = [
    ("grants", "UPDATE", "NEW.tenant = 'unannounced' AND NEW.attempt <> ''"),
    ("grants", "UPDATE", "NEW.tenant IN ('unkept', 'kept') AND NEW.version > 0"),
    ("credentials", "INSERT", "NEW.tenant = 'unkept' AND NEW.slot = 'grant_answer'"),
];

async fn refuse(database: &Database) {
    if database.is_postgres() {
        let held = "CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''held''; END'";
        database.run(held).await;
    }
    for (number, (table, act, when)) in REFUSALS.into_iter().enumerate() {
        let trigger = format!("CREATE TRIGGER held{number} BEFORE {act} ON {table}");
        let end = match database.is_postgres() {
            true => format!("FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION held()"),
            false => format!("WHEN {when} BEGIN SELECT RAISE(ABORT, 'held'); END"),
        };
        database.run(&format!("{trigger} {end}")).await;
    }
}

async fn refuse_no_more(database: &Database) {
    for (number, (table, _, _)) in REFUSALS.into_iter().enumerate() {
        let on = if database.is_postgres() { format!(" ON {table}") } else { String::new() };
        database.run(&format!("DROP TRIGGER held{number}{on}")).await;
    }
}

/// One kill for all steps; then what becomes of each.
async fn killed_at_each_step(database: Database, grace: Duration) {
    let world = World::of(database, grace, Duration::ZERO).await;
    let process = world.life().await;
    let frail = Frail::before_url(world.provider.url()).await;
    let operator = process.operator();
    world.connect(&operator, "api", world.provider.url()).await;
    world.connect(&operator, "far", frail.url(world.provider.url()).trim_end_matches('/')).await;
    for (connection, tenant, _) in STEPS {
        activate(&operator, connection, tenant).await;
    }
    refuse(&world.database).await;
    frail.is_now(Wrong::Silent);
    world.provider.families().holds_family("sent", &Arc::new(Notify::new()));

    let mut waiting = Vec::new();
    for (connection, tenant) in [("far", "announced"), ("api", "sent"), ("api", "unannounced")] {
        waiting.push(begin(process.proxy, connection, tenant).await);
    }
    let refused = waiting.pop().expect("there are three").response().await.expect("an answer");
    assert_eq!(
        refused.error(),
        "credential_unavailable",
        "nothing is sent that can't be announced"
    );
    for tenant in ["unkept", "kept", "written"] {
        let answer = answered(process.proxy, "api", tenant).await;
        assert_eq!(answer.status, 200, "{tenant}: what was had is used");
    }
    let open = "SELECT COUNT(*) FROM grants WHERE tenant = 'announced' AND attempt <> ''";
    becomes("a message to be announced", &world.database, open).await;
    world.provider.was_asked(4).await;
    world.kill(process).await;
    // What was on its way never arrives.
    frail.loses_its_links();
    frail.is_now(Wrong::Nothing);
    refuse_no_more(&world.database).await;
    for (_, tenant, found) in STEPS {
        assert_eq!(world.found(tenant).await, found, "{tenant}");
    }
    world.sent().await;

    let process = world.life().await;
    let mut asking = JoinSet::new();
    for (connection, tenant, _) in STEPS {
        let proxy = process.proxy;
        asking.spawn(async move { (tenant, answered(proxy, connection, tenant).await) });
    }
    let answers: HashMap<_, _> = asking.join_all().await.into_iter().collect();
    let sent = world.sent().await;
    let mut lost = 0;
    for (_, tenant, found) in STEPS {
        let (answer, known) = (&answers[tenant], world.known(tenant));
        assert_eq!(
            (known.renewed, known.asked),
            (1, 1 + u32::from(found == Found::Sent)),
            "{tenant}"
        );
        if answer.status == 200 {
            assert_eq!(sent[tenant], format!("Bearer a-{tenant}-1"));
            continue;
        }
        assert_eq!(answer.error(), "reauthorization_required", "{tenant}");
        assert!(
            found == Found::Sent && !world.was_in_grace(tenant),
            "{tenant} is lost at {grace:?}: {known:?}"
        );
        let why = world.why(tenant).await;
        assert!(why.starts_with(LOST), "{why}");
        lost += 1;
    }
    assert!(lost == 2 || !grace.is_zero(), "those that nobody can have kept: {lost} of 2");
    let counted = process.lost().await;
    assert_eq!((counted, world.told().await), (lost, i64::from(lost)));
    assert_eq!(world.provider.families().reuses(), lost);

    // Whoever was not lost has what the next renewal takes.
    world.kill(process).await;
    let process = world.life().await;
    for (connection, tenant, _) in STEPS {
        let is_lost = answers[tenant].status != 200;
        let status = renew(&process.operator(), connection, tenant).await;
        assert_eq!(
            (status == 200, world.known(tenant).renewed),
            (!is_lost, if is_lost { 1 } else { 2 }),
            "{tenant}"
        );
    }
    assert_eq!(world.provider.families().reuses(), lost, "and none of it is a token that was used");
}

impl Process {
    async fn lost(&self) -> u32 {
        let text = self.admin_page("/metrics").await.text();
        let name = "attache_token_renewals_total{outcome=\"lost\"} ";
        text.lines().find_map(|it| it.strip_prefix(name)?.parse().ok()).unwrap_or_default()
    }
}

/// What became of those who were killed in the middle of it.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    kills: u32,
    /// Renewed by the next process, which sent the first message.
    renewed: u32,
    /// From what the dead one had kept of the answer.
    recovered: u32,
    /// By the same token once more.
    again: u32,
    /// The dead one had written it.
    written: u32,
    /// At a provider without grace.
    lost: u32,
    /// The same where the token came too late for its time of grace.
    too_late: u32,
    most: Duration,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.kills += other.kills;
        self.renewed += other.renewed;
        self.recovered += other.recovered;
        self.again += other.again;
        self.written += other.written;
        self.lost += other.lost;
        self.too_late += other.too_late;
        self.most = self.most.max(other.most);
    }
}

/// Tenants that are renewed when a process is killed.
const AT_ONCE: u32 = 6;

/// So many kills, one after the other, each at any moment of several renewals.
async fn killed_at_random(database: Database, grace: Duration, kills: u32) -> Tally {
    let world = World::of(database, grace, Duration::from_millis(20)).await;
    let mut process = world.life().await;
    world.connect(&process.operator(), "api", world.provider.url()).await;
    // As long as they take where nobody is killed.
    let mut span = Duration::ZERO;
    for (number, tenant) in (0..AT_ONCE).map(|it| format!("first{it}")).enumerate() {
        activate(&process.operator(), "api", &tenant).await;
        let began = Instant::now();
        assert_eq!(answered(process.proxy, "api", &tenant).await.status, 200);
        span = if number == 0 { span } else { span.max(began.elapsed()) };
    }
    let span = span * 2;
    let mut tally = Tally { kills, ..Tally::default() };
    let mut alive = Vec::new();
    for kill in 0..kills {
        let tenants: Vec<String> = (0..AT_ONCE).map(|it| format!("t{kill}x{it}")).collect();
        for tenant in &tenants {
            activate(&process.operator(), "api", tenant).await;
        }
        let mut waiting = Vec::new();
        for tenant in &tenants {
            waiting.push(begin(process.proxy, "api", tenant).await);
        }
        // Any moment is as good as another: nothing waits for this.
        tokio::time::sleep(part_of(span)).await;
        world.kill(process).await;
        drop(waiting);
        let mut before = BTreeMap::new();
        for tenant in &tenants {
            before.insert(tenant.clone(), (world.found(tenant).await, world.known(tenant).asked));
        }
        world.sent().await;

        process = world.life().await;
        let (began, proxy) = (Instant::now(), process.proxy);
        let mut asking = JoinSet::new();
        for tenant in tenants {
            asking.spawn(async move {
                let status = answered(proxy, "api", &tenant).await.status;
                (tenant, status)
            });
        }
        let answers = asking.join_all().await;
        tally.most = tally.most.max(began.elapsed());
        let (sent, mut lost) = (world.sent().await, 0);
        for (tenant, status) in answers {
            let (found, asked) = before[&tenant];
            let (known, case) = (world.known(&tenant), format!("{tenant}, killed {found:?}"));
            assert_eq!(known.renewed, 1, "{case}");
            let more = known.asked - asked;
            if status != 200 {
                assert_eq!((status, found, more), (424, Found::Sent, 1), "{case}");
                assert!(!world.was_in_grace(&tenant), "{case}: {known:?} is lost");
                assert!(world.why(&tenant).await.starts_with(LOST), "{case}");
                let counted = if grace.is_zero() { &mut tally.lost } else { &mut tally.too_late };
                *counted += 1;
                lost += 1;
                continue;
            }
            assert_eq!(sent[&tenant], format!("Bearer a-{tenant}-1"), "{case}");
            let (counted, messages) = match found {
                Found::Untouched | Found::Announced => (&mut tally.renewed, 1),
                Found::Sent => (&mut tally.again, 1),
                Found::Kept => (&mut tally.recovered, 0),
                Found::Written => (&mut tally.written, 0),
            };
            *counted += 1;
            assert_eq!(more, messages, "{case}");
            alive.push(tenant);
        }
        assert_eq!(process.lost().await, lost, "each is counted");
    }
    let lost = tally.lost + tally.too_late;
    assert_eq!((world.provider.families().reuses(), world.told().await), (lost, i64::from(lost)));

    world.kill(process).await;
    let process = world.life().await;
    for tenant in &alive {
        assert_eq!(renew(&process.operator(), "api", tenant).await, 200, "{tenant}");
        assert_eq!(world.known(tenant).renewed, 2, "{tenant}");
    }
    assert_eq!(world.provider.families().reuses(), lost);
    tally
}

/// Kills for each provider, and in how many deployments at the same time: a restarted process waits for the leases of
/// the dead one.
fn kills() -> (u32, u32) {
    if std::env::var_os("ATTACHE_TEST_LONG").is_some() { (200, 8) } else { (4, 4) }
}

each_engine! {
    async fn rf_10_a_kill_at_each_step_loses_only_what_nobody_can_have_kept(database: Database) {
        let another = database.empty().await;
        tokio::join!(killed_at_each_step(database, GRACES[0]), killed_at_each_step(another, GRACES[1]));
    }

    async fn rf_10_kills_at_any_moment_lose_only_what_nobody_can_have_kept(database: Database) {
        let (kills, worlds) = kills();
        let mut killing = JoinSet::new();
        for grace in GRACES {
            for _ in 0..worlds {
                let database = database.empty().await;
                killing.spawn(async move { (grace, killed_at_random(database, grace, kills / worlds).await) });
            }
        }
        let mut tallies = BTreeMap::<Duration, Tally>::new();
        while let Some(killed) = killing.join_next().await {
            let (grace, tally) = killed.expect("each deployment comes through");
            *tallies.entry(grace).or_default() += tally;
        }
        let engine = if database.is_postgres() { "PostgreSQL" } else { "SQLite" };
        for (grace, it) in tallies {
            let all = it.renewed + it.recovered + it.again + it.written + it.lost + it.too_late;
            assert_eq!(all, it.kills * AT_ONCE);
            eprintln!(
                "{engine}, grace {} s: {} kills, {all} renewals: {} renewed, {} written already, {} from the kept \
                 answer, {} asked again, {} lost, {} too late; served again within {:.1?}",
                grace.as_secs(), it.kills, it.renewed, it.written, it.recovered, it.again, it.lost, it.too_late, it.most,
            );
        }
    }
}
