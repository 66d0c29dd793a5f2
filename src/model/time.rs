//! Points in time, handed down as arguments.

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX.1-2017 §4.16).
///
/// Time is an argument, never an ambient read: only the composition root, the workers' clocks and
/// tests make one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixTime(u64);

impl UnixTime {
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    pub const fn from_s(s: u64) -> Self {
        Self(s.saturating_mul(1000))
    }

    pub const fn as_ms(self) -> u64 {
        self.0
    }

    pub const fn as_s(self) -> u64 {
        self.0 / 1000
    }
}
