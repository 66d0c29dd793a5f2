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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logo_that_can_not_be_shown_is_told_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("logo.svg");
        let told = |bytes: &[u8]| {
            std::fs::write(&file, bytes).unwrap();
            read(&file).err().map(|it| it.to_string())
        };
        assert_eq!(told(b"<svg/>"), None);
        let wrong = told(b"GIF89a").unwrap();
        assert!(wrong.contains("connect.logo") && wrong.contains("logo.svg"), "{wrong}");
        assert!(wrong.contains("PNG, WebP nor SVG"), "{wrong}");
        let large = told(&[b' '; LOGO_LEN_MAX + 1]).unwrap();
        assert!(large.contains("more than 64 KiB"), "{large}");
        assert!(read(&folder.path().join("none.png")).is_err());
    }
}
