//! `cargo fuzz run challenge`: see `src/challenge.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| attache_fuzz::challenge::holds(input));
