//! What has to hold of any input, without a fuzzer: the properties of `fuzz/src` on every seed, on what
//! was once found, and on some thousand mutants of these; and three of them on inputs made to order.
mod filtering;
mod injection;
mod joining;
mod mutants;
#[path = "../../fuzz/src/lib.rs"]
mod properties;
mod seeds;
