//! `attache connector import`: definitions of third-party APIs.
mod import;

pub(super) use import::Import;
