//! `cargo fuzz run request_head`: see `src/request_head.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| attache_fuzz::request_head::holds(input));
