//! `cargo fuzz run signed`: see `src/signed.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| attache_fuzz::signed::holds(input));
