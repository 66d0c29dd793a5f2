//! The operator's picture for the connect pages: read once, when the program starts.
use super::StartError;
use crate::connect::LOGO_LEN_MAX;
use crate::connect::Logo;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What stands in this file; told as a refusal to start where that is no picture.
pub(super) fn read(path: &Path) -> Result<Logo, StartError> {
    let refused = |problem: String| {
        StartError::Refused(format!("connect.logo: {} can't be shown: {problem}", path.display()))
    };
    let mut bytes = Vec::new();
    // No more of a file that is too large than it takes to know that it is.
    let most = u64::try_from(LOGO_LEN_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let opened = File::open(path).map(|it| it.take(most));
    opened.and_then(|mut it| it.read_to_end(&mut bytes)).map_err(|it| refused(it.to_string()))?;
    Logo::of(bytes).map_err(|it| refused(it.to_string()))
}
