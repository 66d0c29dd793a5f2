//! `cargo fuzz run config`: see `src/config.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| attache_fuzz::config::holds(input));
