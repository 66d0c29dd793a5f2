//! `cargo fuzz run webhook_signature`: see `src/webhook_signature.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| attache_fuzz::webhook_signature::holds(input));
