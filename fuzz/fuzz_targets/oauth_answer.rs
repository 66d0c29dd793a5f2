//! `cargo fuzz run oauth_answer`: see `src/oauth_answer.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| attache_fuzz::oauth_answer::holds(input));
