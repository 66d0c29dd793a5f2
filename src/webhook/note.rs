//! What is noted on the way through a verification, for whoever wants it explained.
use super::clock::Clock;
use super::rules::Bind;
use super::template::Piece;
use http::HeaderName;

/// One step of a verification. The last one noted is where a refusal happened.
#[derive(Clone, Copy, Debug)]
pub(super) enum Note<'n> {
    /// Which of the alternatives is for requests of this shape.
    Way {
        index: usize,
        of: usize,
    },
    /// A header that has to be there is looked at.
    Required(&'n HeaderName),
    /// One of what is signed one by one.
    Element {
        index: usize,
        of: usize,
    },
    /// How many signatures there were, and how many of them decoded.
    Signatures {
        seen: usize,
        decoded: usize,
    },
    /// The clock is looked at.
    Timestamp {
        text: &'n str,
        clock: &'n Clock,
    },
    /// What is signed.
    Content(&'n [Piece<'n>]),
    Compared {
        good: bool,
        signatures: usize,
        keys: usize,
    },
    /// What a token says of itself is looked at.
    Claims,
    /// The digest of the body is looked at.
    Bound(&'n Bind),
}
