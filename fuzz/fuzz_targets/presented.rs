//! `cargo fuzz run presented`: see `src/presented.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| attache_fuzz::presented::holds(input));
