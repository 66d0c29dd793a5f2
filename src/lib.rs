//! attache: an outbound authenticating gateway.
pub mod model;
