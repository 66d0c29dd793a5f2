//! `cargo fuzz run target`: see `src/target.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| attache_fuzz::target::holds(input));
