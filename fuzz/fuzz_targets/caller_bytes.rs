//! `cargo fuzz run caller_bytes`: see `src/caller_bytes.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| attache_fuzz::caller_bytes::holds(input));
