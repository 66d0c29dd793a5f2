//! Handshakes.
