//! HTTP/2 to upstreams: links that carry many exchanges at once.
//!
//! A link has a task of its own on the worker's thread; an exchange is driven by the task of its
//! request. Links are shared by exchanges of one peer (same origin, same settings) and by nobody
//! else: a certificate that names a second host makes no difference (no coalescing, RFC 9113 §9.1.1).
mod body;
mod counted;
mod exchange;
mod framing;
mod link;
mod peer;
mod peers;
mod place;
mod upload;

pub(super) use body::Incoming;
pub(super) use exchange::exchange;
pub(super) use link::Link;
pub(super) use peer::Peer;
pub(super) use peer::Turn;
pub(super) use peers::Peers;
pub(super) use place::Place;

#[cfg(test)]
mod tests;
