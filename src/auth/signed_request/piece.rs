//! A text on its way into a template: borrowed, or made, and then wiped when it is done with.
use std::ops::Deref;
use zeroize::Zeroizing;

pub(super) enum Piece<'p> {
    Borrowed(&'p [u8]),
    Made(Zeroizing<Vec<u8>>),
}

impl Deref for Piece<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Made(bytes) => bytes,
        }
    }
}

impl<'p> From<&'p [u8]> for Piece<'p> {
    fn from(bytes: &'p [u8]) -> Self {
        Self::Borrowed(bytes)
    }
}

impl From<Vec<u8>> for Piece<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Made(Zeroizing::new(bytes))
    }
}
