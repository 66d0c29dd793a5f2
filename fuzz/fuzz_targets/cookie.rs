//! `cargo fuzz run cookie`: see `src/cookie.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| attache_fuzz::cookie::holds(input));
