//! Entries of several holders, and what is due among them.
use super::*;
use crate::catalog::RawCatalog;
use crate::catalog::Ready;
use crate::catalog::Snapshot;
use crate::grant::Expiry;
use crate::grant::Fault;
use crate::model::Secret;
use had::Got;
use had::Heard;
use had::Source;
use had::Verdict;

const NOON: UnixTime = UnixTime::from_s(1_800_000_000);

fn noon() -> UnixTime {
    NOON
}

fn snapshot(credentials: &str) -> Snapshot {
    let yaml = format!(
        "connectors:
  api:
    base_url: https://api.example
    auth: {{ m: {{ oauth2: {{ grant: client_credentials, token_url: https://id.example/token }} }} }}
connections:
  one: {{ connector: api, auth: m, credentials: {{ client_id: a, client_secret: b{credentials} }} }}
  two: {{ connector: api, auth: m, credentials: {{ client_id: a, client_secret: b }} }}
"
    );
    let raw: RawCatalog = serde_yaml::from_str(&yaml).unwrap();
    Snapshot::build(raw, &mut Vec::new()).unwrap()
}

fn held(connection: &Connection) -> Arc<TokenHolder> {
    let crate::catalog::Kind::Standard(holder) = &connection.kind else { panic!("standard") };
    let Ready::Token(holder) = &holder.ready else { panic!("a token's holder") };
    Arc::clone(holder)
}

/// A holder of its own each time.
pub(super) fn holder() -> Arc<TokenHolder> {
    held(snapshot("").connection("one").unwrap())
}

/// What was had, of which nobody looks at the value.
pub(super) fn kept() -> Kept {
    Kept::Session { values: had::key(&Secret::new("t")), expiry: Expiry::Never }
}

struct Case {
    renewals: Arc<Renewals>,
    jobs: mpsc::Receiver<Job>,
}

impl Case {
    fn new() -> Self {
        let (jobs, taken) = mpsc::channel(FLIGHTS_MAX);
        Self { renewals: Renewals::new(jobs, false, Metrics::new(NOON), noon), jobs: taken }
    }

    fn ask(&self, connection: &Connection) -> Result<Asked, RenewalError> {
        let holder = held(connection);
        let wanted = Wanted { connection, tenant: None, is_test: false, holder: &holder };
        self.renewals.ask(wanted, false, NOON, Instant::now())
    }

    fn had(token: &str, expiry: Expiry) -> Had {
        let raw = crate::auth::Scheme::Bearer;
        let credential = [("token", token)].into_iter().collect();
        Had {
            prepared: raw.prepare(&credential).unwrap(),
            binding: None,
            got: Got {
                kept: Kept::Session { values: credential, expiry },
                ..Got::again(kept(), NOON)
            },
            version: 0,
            source: Source::Message,
        }
    }
}

fn shown(token: &Token) -> &str {
    token.prepared.headers()[0].1.to_str().unwrap()
}

#[test]
fn two_connections_with_one_credential_have_a_token_each() {
    let (mut case, snapshot) = (Case::new(), snapshot(""));
    for (name, token) in [("one", "first"), ("two", "second")] {
        let connection = snapshot.connection(name).unwrap();
        assert!(matches!(case.ask(connection), Ok(Asked::Flight(_))));
        let job = case.jobs.try_recv().unwrap();
        case.renewals.landed(job, Ok(Case::had(token, Expiry::Never)));
    }
    for (name, token) in [("one", "Bearer first"), ("two", "Bearer second")] {
        let token_now = held(snapshot.connection(name).unwrap()).token(NOON, Instant::now());
        assert_eq!(shown(&token_now.unwrap()), token);
    }
}

#[test]
fn a_connection_that_is_built_anew_has_its_token_and_one_with_another_secret_has_not() {
    let (mut case, before) = (Case::new(), snapshot(""));
    assert!(matches!(case.ask(before.connection("one").unwrap()), Ok(Asked::Flight(_))));
    let job = case.jobs.try_recv().unwrap();
    case.renewals.landed(job, Ok(Case::had("t", Expiry::Never)));
    let again = snapshot("");
    let asked = case.ask(again.connection("one").unwrap());
    assert!(matches!(asked, Ok(Asked::Token(token)) if shown(&token) == "Bearer t"));
    let other = snapshot(", scope: s");
    assert!(matches!(case.ask(other.connection("one").unwrap()), Ok(Asked::Flight(_))));
}

#[test]
fn a_token_that_came_with_the_credential_is_used_first() {
    for (fields, is_used) in [
        (", access_token: t", true),
        (", access_token: t, expires_at: \"1800003600\"", true),
        (", access_token: t, expires_at: \"1800000000\"", false),
        (", access_token: \"t\\n\"", false),
        // Its `exp` is in 2023.
        (", access_token: e30.eyJleHAiOjE3MDAwMDAwMDB9.x", false),
    ] {
        let (case, snapshot) = (Case::new(), snapshot(fields));
        let asked = case.ask(snapshot.connection("one").unwrap()).unwrap();
        match asked {
            Asked::Token(token) => assert!(is_used && shown(&token) == "Bearer t", "{fields}"),
            Asked::Flight(_) => assert!(!is_used, "{fields}"),
        }
    }
}

#[test]
fn a_token_that_had_ended_when_it_came_is_used_for_a_moment() {
    let (mut case, snapshot) = (Case::new(), snapshot(""));
    let connection = snapshot.connection("one").unwrap();
    assert!(matches!(case.ask(connection), Ok(Asked::Flight(_))));
    let job = case.jobs.try_recv().unwrap();
    case.renewals.landed(job, Ok(Case::had("t", Expiry::At(UnixTime::from_s(5)))));
    let token = held(connection).token(NOON, Instant::now()).unwrap();
    assert_eq!(token.life, Duration::from_secs(10));
}

#[test]
fn whoever_waits_hears_what_came_of_it() {
    let (mut case, snapshot) = (Case::new(), snapshot(""));
    let connection = snapshot.connection("one").unwrap();
    let Ok(Asked::Flight(flight)) = case.ask(connection) else { panic!("a flight") };
    let job = case.jobs.try_recv().unwrap();
    let words = "the provider has a fault of its own (status 500)".to_owned();
    let verdict = Verdict::Again { after: None, fault: Fault::Provider, pause: None };
    let missed = Missed { verdict, words, heard: Heard::Answered, is_known: false };
    case.renewals.landed(job, Err(missed));
    let landed = flight.borrow().clone().unwrap();
    assert_eq!(landed.unwrap_err(), RenewalError::Unavailable { retry_after_s: 1 });
    assert!(case.jobs.try_recv().is_err(), "one request");
}

#[test]
fn each_entry_is_due_once_and_is_gone_when_nobody_holds_it() {
    let (mut case, snapshot) = (Case::new(), snapshot(""));
    for name in ["one", "two"] {
        assert!(case.ask(snapshot.connection(name).unwrap()).is_ok());
        let job = case.jobs.try_recv().unwrap();
        let ends = UnixTime::from_s(1_800_000_100);
        case.renewals.landed(job, Ok(Case::had("t", Expiry::At(ends))));
    }
    assert_eq!(case.renewals.ledger().len(), (2, 2));
    held(snapshot.connection("one").unwrap()).token(NOON, Instant::now()).unwrap().used();
    let after = |s| Instant::now() + Duration::from_secs(s);
    case.renewals.tick(after(10));
    assert!(case.jobs.try_recv().is_err(), "not yet");
    case.renewals.tick(after(60));
    let job = case.jobs.try_recv().unwrap();
    assert_eq!(job.place.connection.as_str(), "one");
    assert!(case.jobs.try_recv().is_err(), "nobody used the other");
    assert_eq!(case.renewals.ledger().len(), (2, 2));
    drop((job, snapshot));
    case.renewals.tick(after(200));
    case.renewals.tick(after(400));
    assert_eq!(case.renewals.ledger().len(), (0, 0));
}

#[test]
fn nothing_prints_a_token() {
    let holder = held(snapshot("").connection("one").unwrap());
    let had = Case::had("hunter2", Expiry::Never);
    let token = Token::new(had.prepared, 1, None, Instant::now(), Duration::MAX, Vec::new());
    holder.put(Arc::new(token));
    let tokens = crate::grant::TokenSet::from_credential(&had::key(&Secret::new("hunter2")));
    let printed = format!("{holder:?} {tokens:?}");
    assert!(!printed.contains("hunter2") && !printed.contains("client_secret"), "{printed}");
}
