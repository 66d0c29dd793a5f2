//! The operator's picture: a file that browsers show as an image, and as nothing else.
use thiserror::Error;

/// Largest, in bytes: a page with it is there at once on a phone.
pub const LOGO_LEN_MAX: usize = 64 << 10;

/// A file that was looked at.
#[derive(Clone, Debug)]
pub struct Logo {
    pub(super) kind: Kind,
    pub(super) bytes: Vec<u8>,
}

/// What it is, by its first bytes and not by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Png,
    Webp,
    Svg,
}

/// Why it can't be shown, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LogoError {
    #[error("it has more than {} KiB: make it smaller", LOGO_LEN_MAX >> 10)]
    TooLarge,
    #[error("it is neither PNG, WebP nor SVG: save it as one of these")]
    Unknown,
}

impl Logo {
    pub fn of(bytes: Vec<u8>) -> Result<Self, LogoError> {
        if bytes.len() > LOGO_LEN_MAX {
            return Err(LogoError::TooLarge);
        }
        let kind = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Kind::Png
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            Kind::Webp
        } else if is_svg(&bytes) {
            Kind::Svg
        } else {
            return Err(LogoError::Unknown);
        };
        Ok(Self { kind, bytes })
    }
}

impl Kind {
    pub(super) fn ending(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Svg => "svg",
        }
    }

    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Svg => "image/svg+xml",
        }
    }
}

/// An `svg` element, whatever stands before it: a declaration, comments, a document type.
fn is_svg(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let text = text.trim_start_matches('\u{feff}').trim_start();
    text.starts_with('<') && text.contains("<svg") && text.trim_end().ends_with('>')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logo_is_known_by_what_is_in_it() {
        let kind = |bytes: &[u8]| Logo::of(bytes.to_vec()).map(|it| it.kind);
        assert_eq!(kind(b"\x89PNG\r\n\x1a\n...."), Ok(Kind::Png));
        assert_eq!(kind(b"RIFF\x04\0\0\0WEBPVP8 "), Ok(Kind::Webp));
        assert_eq!(kind(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), Ok(Kind::Svg));
        assert_eq!(
            kind(b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a --><svg></svg>\n"),
            Ok(Kind::Svg)
        );
        for other in [&b""[..], b"GIF89a", b"RIFF\x04\0\0\0WAVE", b"svg", b"<svg", b"\xff<svg/>"] {
            assert_eq!(kind(other), Err(LogoError::Unknown), "{other:?}");
        }
        assert_eq!(kind(&vec![0; LOGO_LEN_MAX + 1]), Err(LogoError::TooLarge));
    }
}
