//! `cargo fuzz run credential`: see `src/credential.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| attache_fuzz::credential::holds(input));
