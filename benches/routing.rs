//! From a tagged head to its target: how long it takes with 10, 10,000 and 1,000,000 connections.
//!
//! `cargo bench --bench routing`. `-- --profile-time 5 1000000/header` gives a profiler something to
//! count; instructions per request are in docs/performance.md.
use attache::catalog::Caller;
use attache::catalog::Fetched;
use attache::catalog::RawCatalog;
use attache::catalog::Snapshot;
use attache::model::Key;
use attache::resolve;
use attache::wire;
use criterion::BatchSize;
use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use http::Request;
use http::request::Parts;
use serde_json::json;
use std::hint::black_box;

/// Connections `c-0` to `c-N`, of which all but the last are standard ones with an API key.
fn snapshot(connections: usize) -> Snapshot {
    let mut raw: RawCatalog = serde_json::from_value(json!({
        "connectors": {
            "api": {
                "base_url": "https://api.example.com/v1",
                "auth": { "key": { "api_key": { "in": "header", "name": "X-Api-Key" } } }
            }
        },
        "connections": {
            "c-0": { "connector": "api", "auth": "key", "credentials": { "key": "0123456789abcdef" } },
            "embedded": { "connector": "api", "auth": "key", "embedded": true }
        },
        "activations": [
            { "connection": "embedded", "tenant": "acme", "credentials": { "key": "0123456789abcdef" } }
        ]
    }))
    .expect("the sample is well formed");
    let first = raw.connections["c-0"].clone();
    for index in 1..connections {
        raw.connections.insert(format!("c-{index}"), first.clone());
    }
    Snapshot::build(raw, &mut Vec::new()).expect("the sample is sound")
}

/// A request as an SDK sends it, with the tag given.
fn head(uri: &str, tags: &[(&str, &str)]) -> Parts {
    let request = Request::get(uri)
        .header("host", "127.0.0.1:8080")
        .header("accept", "application/json")
        .header("user-agent", "bench/1.0")
        .header("accept-encoding", "gzip, br")
        .header("attache-key", "0123456789abcdef0123456789abcdef");
    let request = tags.iter().fold(request, |it, (name, value)| it.header(*name, *value));
    request.body(()).expect("the sample is a request").into_parts().0
}

fn routing(criterion: &mut Criterion) {
    let key = Key::try_from("bench").expect("the sample is a key");
    let caller = Caller::unlimited(key);
    for connections in [10, 10_000, 1_000_000] {
        let snapshot = snapshot(connections);
        let last = format!("c-{}", connections - 1);
        let embedded = [("attache-connection", "embedded"), ("attache-tenant", "acme")];
        let heads = [
            ("header", head("/repos/a/b?page=2", &[("attache-connection", &last)])),
            ("path", head(&format!("/c/{last}/repos/a/b?page=2"), &[])),
            ("embedded", head("/repos/a/b?page=2", &embedded)),
        ];
        let mut group = criterion.benchmark_group(connections.to_string());
        for (name, head) in &heads {
            group.bench_function(*name, |it| {
                it.iter(|| {
                    let tags = resolve::tags(black_box(head)).expect("the tags are good");
                    let target =
                        resolve::resolve(&snapshot, &tags, &caller, &head.method, Fetched::NoStore);
                    black_box(target.expect("the target is there").path)
                });
            });
        }
        group.finish();
    }
}

fn guard(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("path_guard");
    for path in
        ["/repos/octo-org/octo-repo/issues/1347/comments", "/a/.well-known/group%2Fproject/x"]
    {
        group.bench_function(path, |it| it.iter(|| wire::path_guard(black_box(path))));
    }
    group.finish();
}

fn strip(criterion: &mut Criterion) {
    let head = head("/", &[("attache-connection", "c-0"), ("attache-tenant", "acme")]);
    criterion.bench_function("strip_tags", |it| {
        it.iter_batched_ref(|| head.headers.clone(), resolve::strip_tags, BatchSize::SmallInput);
    });
}

criterion_group!(benches, guard, strip, routing);
criterion_main!(benches);
