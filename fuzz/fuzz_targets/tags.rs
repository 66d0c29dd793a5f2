//! `cargo fuzz run tags`: see `src/tags.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| attache_fuzz::tags::holds(input));
