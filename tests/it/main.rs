//! The whole program over real sockets, with a third party that does what it is told.
#![allow(clippy::disallowed_methods, reason = "tests are callers: they open sockets of their own")]
mod answers;
mod codes;
mod config_check;
mod demo;
mod egress;
mod fairness;
mod framing;
mod http2_upstream;
mod injection;
mod limits_memory;
mod limits_rate;
mod links;
mod messages;
mod process;
mod refusals;
mod reload;
mod responses;
mod retries;
mod secrets;
mod streaming;
mod support;
mod supported;
mod tenants;
mod tls_listener;
mod upstream_faults;
mod webhooks;
