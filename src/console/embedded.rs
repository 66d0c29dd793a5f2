//! The files themselves: what the front end's build left in `console/dist`, or nothing.
use super::files::File;
use bytes::Bytes;
use rust_embed::RustEmbed;
use std::borrow::Cow;

/// In every build, so that a debug build does not read them from the folder that it was built in.
#[derive(RustEmbed)]
#[folder = "console/dist/"]
#[allow_missing = true]
struct Built;

/// The file at this path below the folder.
pub(super) fn find(path: &str) -> Option<File> {
    let found = Built::get(path)?;
    let bytes = match found.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    Some(File { bytes, sha256: found.metadata.sha256_hash() })
}
