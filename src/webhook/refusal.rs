//! Why a delivery was not let through.

/// The verdict on a delivery that does not verify. The sender learns the code alone; the reason is
/// for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{0} is missing")]
    Missing(What),
    #[error("{0} is malformed, or there more than once")]
    Malformed(What),
    #[error("the timestamp is too old, or too far in the future")]
    Stale,
    #[error("no secret makes this signature")]
    Mismatch,
}

/// The part of a delivery that a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Signature,
    Timestamp,
    /// A header that has to be there with a fixed value.
    Required,
    /// Something that the signed content is made of.
    Value,
}

impl Refusal {
    /// One word for logs and metrics: `missing`, `malformed`, `stale` or `mismatch`.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Missing(_) => "missing",
            Self::Malformed(_) => "malformed",
            Self::Stale => "stale",
            Self::Mismatch => "mismatch",
        }
    }
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Signature => "the signature",
            Self::Timestamp => "the timestamp",
            Self::Required => "a required header",
            Self::Value => "a part of the signed content",
        })
    }
}
