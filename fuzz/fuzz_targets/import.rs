//! `cargo fuzz run import`: see `src/import.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| attache_fuzz::import::holds(input));
