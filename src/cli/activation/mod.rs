//! What is done with many activations at once: bringing them along, and giving them back.
mod export;
mod import;

pub(super) use export::Export;
pub(super) use import::Import;
