//! attache: an outbound authenticating gateway.

// Values.
pub mod model;

// Engines: bytes and values in and out.
pub mod auth;
pub mod telemetry;
pub mod webhook;

// Edges: one outside thing each.
pub mod server;
