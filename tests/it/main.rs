//! The whole program over real sockets, with a third party that does what it is told.
#![allow(clippy::disallowed_methods, reason = "tests are callers: they open sockets of their own")]
mod answers;
mod injection;
mod links;
mod refusals;
mod support;
mod supported;
