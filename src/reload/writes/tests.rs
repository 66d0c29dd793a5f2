//! Written, and not served yet: by a feed that is the test's.
use super::*;
use crate::catalog::Snapshot;
use crate::config::StoreUrl;
use crate::model::Scope;
use crate::model::Secret;
use crate::model::UnixTime;
use crate::reload::stored::Layer;
use crate::seal::FingerprintKey;
use crate::seal::Keyring;
use crate::seal::Sealer;
use crate::store::Expect;
use crate::telemetry::Metrics;
use indexmap::IndexMap;
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(3600);

struct Bench {
    live: Arc<Live>,
    writes: Arc<Writes>,
    /// Of what was written and is not served.
    revision: i64,
    _folder: TempDir,
}

/// A store that a connector was written to, and a feed that has reached it before.
async fn bench(patience: Patience) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreUrl::Sqlite(None), folder.path()).await.unwrap();
    store.migrate().await.unwrap();
    store.keep_trail(FingerprintKey::random().trail());
    let live = Live::fixed(Snapshot::empty(), Metrics::new(UnixTime::default()), UnixTime::default);
    let ring = Secret::new("1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
    let ring = Keyring::parse(&[ring]).unwrap();
    let read = Box::new(|_| Err("there is no more".to_owned()));
    let sealer = Arc::new(Sealer::new(ring, FingerprintKey::random(), read));
    live.stored(Layer::default(), sealer);
    live.store_reached(0, live.store_asked());
    let (connectors, methods) = (store.connectors(), IndexMap::new());
    let put = connectors.put(&Scope::System, "api", "{}", &methods, false, Expect::Absent).await;
    let revision = put.unwrap().revision;
    let (live_too, listener): (_, Listener) = (Arc::clone(&live), Arc::new(|_| {}));
    let writes = Arc::new(Writes { store, live: live_too, listener, patience, is_aside: false });
    Bench { live, writes, revision, _folder: folder }
}

/// Until somebody waits for the store to be asked.
async fn waits(live: &Live) {
    live.store_awaited().await;
}

#[tokio::test]
async fn what_is_slow_to_be_served_is_waited_for_and_not_put_out_of_service() {
    let patience = Patience { soon: Duration::ZERO, slowly: LONG, later: LONG };
    let Bench { live, writes, revision, _folder } = bench(patience).await;
    let asked = tokio::spawn(async move { writes.are_served(revision).await });
    waits(&live).await;
    for position in 0..revision {
        live.store_reached(position, live.store_asked());
        tokio::task::yield_now().await;
        assert!(live.withheld().is_none() && !asked.is_finished());
    }
    live.store_reached(revision, live.store_asked());
    assert!(asked.await.unwrap());
    assert!(live.withheld().is_none());
}

#[tokio::test]
async fn what_the_feed_cannot_read_again_is_withheld() {
    let patience = Patience { soon: Duration::ZERO, slowly: LONG, later: Duration::ZERO };
    let Bench { live, writes, revision, _folder } = bench(patience).await;
    let asked = tokio::spawn(async move { writes.are_served(revision).await });
    waits(&live).await;
    live.store_lost("gone");
    assert!(!asked.await.unwrap());
    assert!(live.withheld().is_some());
}

#[tokio::test]
async fn what_is_not_served_in_the_end_is_withheld_whatever_the_feed_says() {
    let patience = Patience { soon: LONG, slowly: Duration::ZERO, later: Duration::ZERO };
    let Bench { live, writes, revision, _folder } = bench(patience).await;
    assert!(!writes.are_served(revision).await);
    assert!(live.withheld().is_some());
}
