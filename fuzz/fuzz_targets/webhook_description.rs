//! `cargo fuzz run webhook_description`: see `src/webhook_description.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| attache_fuzz::webhook_description::holds(input));
