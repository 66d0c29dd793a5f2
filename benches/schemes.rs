//! A finished credential put on a request head, for each scheme, and a reflected one taken out.
//!
//! `cargo bench --bench schemes`.
use attache::auth::ApiKey;
use attache::auth::Custom;
use attache::auth::Prepared;
use attache::auth::RawApiKey;
use attache::auth::RawCustom;
use attache::auth::Scheme;
use attache::model::Credential;
use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use http::HeaderMap;
use http::HeaderValue;
use serde_json::Value;
use serde_json::json;
use std::hint::black_box;

fn api_key(settings: Value) -> Prepared {
    let raw: RawApiKey = serde_json::from_value(settings).expect("the settings are well formed");
    let scheme = Scheme::ApiKey(ApiKey::try_from(raw).expect("the settings are sound"));
    prepared(&scheme, &[("key", "0123456789abcdef0123456789abcdef")])
}

fn custom(settings: Value, fields: &[(&str, &str)]) -> Prepared {
    let raw: RawCustom = serde_json::from_value(settings).expect("the settings are well formed");
    prepared(&Scheme::Custom(Custom::try_from(raw).expect("the settings are sound")), fields)
}

fn prepared(scheme: &Scheme, fields: &[(&str, &str)]) -> Prepared {
    let credential = fields.iter().copied().collect::<Credential>();
    scheme.prepare(&credential).expect("the credential fits")
}

/// What an SDK sends, a stale copy of the credential and two cookies included.
fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", "127.0.0.1:8080"),
        ("accept", "application/json"),
        ("user-agent", "bench/1.0"),
        ("authorization", "Bearer of-the-caller"),
        ("x-api-key", "of-the-caller"),
        ("cookie", "theme=dark; sid=of-the-caller"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}

fn schemes(criterion: &mut Criterion) {
    let three = json!({ "inject": [
        { "in": "header", "name": "DD-API-KEY", "value": "{api}" },
        { "in": "header", "name": "DD-APPLICATION-KEY", "value": "{app}" },
        { "in": "query", "name": "site", "value": "{site}" }
    ] });
    let three = custom(three, &[("api", "0123456789"), ("app", "9876543210"), ("site", "eu")]);
    let login = [("username", "Aladdin"), ("password", "open sesame")];
    let cases = [
        ("none", prepared(&Scheme::None, &[])),
        ("api_key header", api_key(json!({ "in": "header", "name": "X-Api-Key" }))),
        ("api_key query", api_key(json!({ "in": "query", "name": "api_key" }))),
        ("api_key cookie", api_key(json!({ "in": "cookie", "name": "sid" }))),
        ("basic", prepared(&Scheme::Basic, &login)),
        ("bearer", prepared(&Scheme::Bearer, &[("token", "mF_9.B5f-4.1JqM")])),
        ("custom", three),
    ];
    let mut group = criterion.benchmark_group("apply");
    for (name, prepared) in &cases {
        group.bench_function(*name, |it| {
            let headers = headers();
            let mut head = Vec::with_capacity(1024);
            it.iter(|| {
                head.clear();
                let mut onto = prepared.onto(|name, value| {
                    head.extend_from_slice(name.as_str().as_bytes());
                    head.extend_from_slice(value.as_bytes());
                });
                black_box(&headers).iter().for_each(|(name, value)| onto.field(name, value));
                onto.end();
                prepared.query(black_box(Some("page=2&per_page=100")))
            });
        });
    }
    group.finish();
}

fn redaction(criterion: &mut Criterion) {
    let prepared = api_key(json!({ "in": "query", "name": "api_key" }));
    let location = "https://api.example.com/v1/repos/a/b/issues?page=2&per_page=100";
    criterion.bench_function("redact a Location without it", |it| {
        it.iter(|| prepared.redact(black_box(location)));
    });
}

criterion_group!(benches, schemes, redaction);
criterion_main!(benches);
