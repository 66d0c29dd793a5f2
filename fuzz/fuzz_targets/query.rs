//! `cargo fuzz run query`: see `src/query.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| attache_fuzz::query::holds(input));
