//! Verification of webhooks against the hash alone: goal P7 of performance is 0.9 of its throughput.
//!
//! `cargo bench --bench webhook`; compare `verify` with `hash` of the same size.
#![allow(clippy::unwrap_used, reason = "a bench whose set-up fails has nothing to measure")]
use attache::model::Secret;
use attache::model::UnixTime;
use attache::webhook::Delivery;
use attache::webhook::Description;
use attache::webhook::Given;
use attache::webhook::RawDescription;
use attache::webhook::Verifier;
use aws_lc_rs::digest;
use aws_lc_rs::hmac;
use criterion::Criterion;
use criterion::Throughput;
use criterion::criterion_group;
use criterion::criterion_main;
use http::HeaderMap;
use std::hint::black_box;

const SECRET: &str = "it-is-a-secret";
const NOW: UnixTime = UnixTime::from_s(1_700_000_000);

fn verifier(preset: &str) -> Verifier {
    let given = Given { secrets: &[Secret::new(SECRET)], ..Given::default() };
    let raw = RawDescription { preset: Some(preset.to_owned()), ..RawDescription::default() };
    Description::try_from(raw).unwrap().verifier(&given).unwrap()
}

fn mac(parts: &[&[u8]]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hex::encode(hmac::sign(&key, &parts.concat()))
}

fn webhook(criterion: &mut Criterion) {
    for (size, name) in [(1 << 10, "1KiB"), (1 << 20, "1MiB")] {
        let mut body = br#"{"id":"evt_1","data":""#.to_vec();
        body.resize(size - 2, b'x');
        body.extend_from_slice(b"\"}");
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(size as u64));

        group.bench_function("hash", |it| {
            it.iter(|| digest::digest(&digest::SHA256, black_box(&body)));
        });

        let mut headers = HeaderMap::new();
        let github = format!("sha256={}", mac(&[&body]));
        headers.insert("x-hub-signature-256", github.parse().unwrap());
        headers.insert("x-github-delivery", "72d3162e".parse().unwrap());
        let stripe = format!("t=1700000000,v1={}", mac(&[b"1700000000.", &body]));
        headers.insert("stripe-signature", stripe.parse().unwrap());
        let delivery = Delivery {
            method: "POST",
            url: "https://hooks.example.com/hooks/in",
            query: "",
            headers: &headers,
            body: &body,
        };
        for preset in ["github", "stripe"] {
            let verifier = verifier(preset);
            group.bench_function(format!("verify/{preset}"), |it| {
                it.iter(|| verifier.verify(black_box(&delivery), NOW, None).unwrap());
            });
        }
        group.finish();
    }
}

criterion_group!(benches, webhook);
criterion_main!(benches);
