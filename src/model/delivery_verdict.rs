//! What became of a delivery, as people are told.

/// What became of a webhook that came to a connection which is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeliveryVerdict {
    /// It was verified, and its target took it (2xx).
    Accepted,
    /// The same was accepted before, or is being forwarded right now: it was not forwarded.
    Repeated,
    /// It was not verified, or refused before that.
    Refused,
    /// It was verified, and its target did not take it.
    Failed,
    /// A question of the sender's that is answered here.
    Handshake,
}

impl DeliveryVerdict {
    pub const ALL: &[Self] =
        &[Self::Accepted, Self::Repeated, Self::Refused, Self::Failed, Self::Handshake];

    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Repeated => "repeated",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Handshake => "handshake",
        }
    }

    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == text)
    }

    /// Whether it was verified and went to its target: only such a one can be sent again.
    pub const fn was_forwarded(self) -> bool {
        match self {
            Self::Accepted | Self::Failed => true,
            Self::Repeated | Self::Refused | Self::Handshake => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_is_read_as_it_is_written() {
        for it in DeliveryVerdict::ALL {
            assert_eq!(DeliveryVerdict::named(it.as_str()), Some(*it));
        }
        assert_eq!(DeliveryVerdict::named("Accepted"), None);
    }
}
