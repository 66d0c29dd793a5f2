//! `attache connector import`: definitions of third-party APIs, made here and not asked for.
mod import;

pub(super) use import::Import;
