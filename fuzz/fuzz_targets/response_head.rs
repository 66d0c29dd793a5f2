//! `cargo fuzz run response_head`: see `src/response_head.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| attache_fuzz::response_head::holds(input));
