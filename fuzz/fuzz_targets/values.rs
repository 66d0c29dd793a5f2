//! `cargo fuzz run values`: see `src/values.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| attache_fuzz::values::holds(input));
