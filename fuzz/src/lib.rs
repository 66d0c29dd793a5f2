//! What has to hold of any input, one module a fuzz target: each panics where it does not.
//!
//! The same functions serve `cargo fuzz` (`fuzz_targets/`) and `tests/properties`, which takes this file
//! in by its path: so nothing here names the crate that it stands in.
mod http_text;
mod reading;

pub mod caller_bytes;
pub mod challenge;
pub mod config;
pub mod cookie;
pub mod credential;
pub mod import;
pub mod oauth_answer;
pub mod presented;
pub mod query;
pub mod request_head;
pub mod response_head;
pub mod signed;
pub mod tags;
pub mod target;
pub mod values;
pub mod webhook_description;
pub mod webhook_signature;

/// A property of any bytes.
pub type Property = fn(&[u8]);

/// Every target by its name, which is that of its seeds' folder too.
pub const TARGETS: [(&str, Property); 17] = [
    ("caller_bytes", caller_bytes::holds),
    ("challenge", challenge::holds),
    ("config", config::holds),
    ("cookie", cookie::holds),
    ("credential", credential::holds),
    ("import", import::holds),
    ("oauth_answer", oauth_answer::holds),
    ("presented", presented::holds),
    ("query", query::holds),
    ("request_head", request_head::holds),
    ("response_head", response_head::holds),
    ("signed", signed::holds),
    ("tags", tags::holds),
    ("target", target::holds),
    ("values", values::holds),
    ("webhook_description", webhook_description::holds),
    ("webhook_signature", webhook_signature::holds),
];
