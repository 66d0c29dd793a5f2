//! What an exchange pays for being counted, logged and given an id: on its own path, and afterwards.
//!
//! `cargo bench --bench telemetry`.
use attache::journal::Journal;
use attache::journal::Keeping;
use attache::journal::Target;
use attache::model::Key;
use attache::model::UnixTime;
use attache::telemetry::Exchange;
use attache::telemetry::Ids;
use attache::telemetry::Metrics;
use attache::telemetry::Times;
use attache::telemetry::TraceContext;
use attache::telemetry::log::Format;
use attache::telemetry::metrics::ExchangeLabels;
use attache::telemetry::metrics::Plane;
use attache::telemetry::metrics::Timing;
use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use http::Method;
use http::Version;
use std::hint::black_box;

const NOW: UnixTime = UnixTime::from_ms(1_700_000_000_007);

fn exchange(ids: &Ids) -> Exchange {
    let key = |it| Some(Key::try_from(it).expect("a key"));
    Exchange {
        started: NOW,
        request_id: ids.new_request_id(NOW),
        caller: key("runtime"),
        tenant: None,
        connector: key("github"),
        connection: key("github-prod"),
        environment: None,
        method: Method::GET,
        status: 200,
        upstream_status: Some(200),
        source: None,
        code: None,
        bytes_in: 0,
        bytes_out: 1024,
        attempts: 1,
        http_in: Version::HTTP_11,
        http_out: Some(Version::HTTP_11),
        times: Times { total_us: 1300, overhead_us: 20, ..Times::default() },
    }
}

fn count(criterion: &mut Criterion) {
    let metrics = Metrics::new(NOW);
    let worker = metrics.worker();
    let timing = Timing { total_us: 1300, overhead_us: 20, upstream_us: 1250 };
    let labels = |connector| ExchangeLabels {
        plane: Plane::Proxy,
        connector,
        status: 200,
        source: None,
        code: None,
    };
    criterion.bench_function("metrics/exchange", |bencher| {
        bencher.iter(|| worker.exchange(black_box(&labels("github")), &timing, 0, 1024));
    });
    let names: Vec<String> = (0..300).map(|it| format!("connector-{it}")).collect();
    for name in &names {
        worker.exchange(&labels(name), &timing, 0, 1024);
    }
    let mut next = names.iter().cycle();
    criterion.bench_function("metrics/exchange, 300 connectors", |bencher| {
        bencher.iter(|| {
            let name = next.next().map_or("", String::as_str);
            worker.exchange(black_box(&labels(name)), &timing, 0, 1024);
        });
    });
    criterion.bench_function("metrics/render, 300 connectors", |bencher| {
        bencher.iter(|| black_box(metrics.render()));
    });
}

fn log(criterion: &mut Criterion) {
    let ids = Ids::new(7);
    let template = exchange(&ids);
    for (name, format) in [("json", Format::Json), ("text", Format::Text)] {
        let target = Target::File("/dev/null".into());
        let keeping = Keeping { recent: 5000, clock: || NOW };
        let journal =
            Journal::start((target, format), keeping, Metrics::new(NOW)).expect("a journal");
        let pen = journal.pen();
        // Formatting runs on a thread of its own: what is measured is what a worker pays.
        criterion.bench_function(&format!("journal/write, {name}"), |bencher| {
            bencher.iter(|| pen.write(black_box(template.clone()), "/repos/octo/hello/issues"));
        });
        drop(pen);
        journal.close(std::time::Duration::from_secs(5));
    }
}

fn identify(criterion: &mut Criterion) {
    let ids = Ids::new(7);
    criterion.bench_function("trace/new request id", |bencher| {
        bencher.iter(|| black_box(ids.new_request_id(NOW)));
    });
    let parent = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    criterion.bench_function("trace/continue", |bencher| {
        bencher.iter(|| {
            let context = TraceContext::parse(black_box(parent)).expect("a traceparent");
            black_box(context.child(ids.span_id()).header())
        });
    });
}

criterion_group!(benches, count, log, identify);
criterion_main!(benches);
