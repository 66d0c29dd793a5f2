//! attache: an outbound authenticating gateway.

// Values.
pub mod model;

// Keys and digests, for the engines.
pub mod crypto;

// Engines: bytes and values in and out.
pub mod auth;
pub mod grant;
pub mod seal;
pub mod telemetry;
pub mod webhook;
pub mod wire;

// Definitions: validated values, no I/O.
pub mod catalog;
pub mod config;

// What other people wrote, made into definitions.
pub mod import;

// Edges: one outside thing each.
pub mod server;
pub mod store;
pub mod upstream;

// Services: state that outlives a request.
pub mod deliveries;
pub mod journal;
pub mod limits;
pub mod reload;
pub mod renewal;
pub mod resolve;
pub mod vault;

// Planes: HTTP in, HTTP out; they know nothing of each other.
pub mod admin;
pub mod connect;
pub mod console;
pub mod inbound;
pub mod notify;
pub mod proxy;

// Shells: they put the pieces together, each standing on the one before.
pub mod app;

pub mod demo;

pub mod cli;
