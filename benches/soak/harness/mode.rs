//! What an upstream does, and what a caller may see of it.
use super::content;

/// One upstream each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Good,
    /// Bodies of up to 256 KiB both ways.
    Large,
    /// HTTP/2 with prior knowledge; each link says GOAWAY after a while.
    Http2,
    /// Answers 500, 503 and 429 with bodies of its own.
    Failing,
    /// Closes after each answer without having said so.
    Closing,
    /// The same, and it says so.
    SayingClose,
    /// Every second request: reset before a byte of an answer.
    ResetBefore,
    /// … within the answer's head.
    ResetInHead,
    /// … within its body.
    ResetInBody,
    /// Does not listen for some seconds now and then, and closes its links then.
    Refusing,
    /// Answers after 200 ms to 2 s.
    Slow,
    /// Sends its body in pieces with pauses.
    Dripping,
    /// Every second request: never answers. attache waits for a second.
    Hanging,
}

pub const ALL: [Mode; 13] = [
    Mode::Good,
    Mode::Large,
    Mode::Http2,
    Mode::Failing,
    Mode::Closing,
    Mode::SayingClose,
    Mode::ResetBefore,
    Mode::ResetInHead,
    Mode::ResetInBody,
    Mode::Refusing,
    Mode::Slow,
    Mode::Dripping,
    Mode::Hanging,
];

/// What became of a request, as its caller saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The upstream's own answer, every byte as it was sent.
    Answered(u16),
    /// An answer of attache's own, with its code.
    Refused(u16, String),
    /// The right beginning of the upstream's answer, and then the link's end.
    BrokenOff,
    /// Something else than the upstream sent, and what was wrong with it.
    Changed(&'static str),
    /// The link ended without an answer.
    Nothing,
}

impl Mode {
    /// True where bodies are large.
    pub fn is_large(self) -> bool {
        self == Self::Large
    }

    pub fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    pub fn index(self) -> usize {
        ALL.iter().position(|it| *it == self).unwrap_or_default()
    }

    /// How many of a thousand requests of the fast callers go there.
    pub fn weight(self) -> u64 {
        match self {
            Self::Good => 560,
            Self::Http2 => 180,
            Self::Failing => 60,
            Self::Large | Self::Closing | Self::ResetBefore => 40,
            Self::SayingClose | Self::ResetInHead | Self::ResetInBody | Self::Refusing => 20,
            Self::Slow | Self::Dripping | Self::Hanging => 0,
        }
    }

    /// True where this very request is one that the upstream spoils.
    pub fn spoils(self, id: usize) -> bool {
        match self {
            Self::ResetBefore | Self::ResetInHead | Self::ResetInBody | Self::Hanging => {
                content::mixed(id) & 1 == 0
            }
            _ => false,
        }
    }

    /// The status of the upstream's own answer.
    pub fn status(self, id: usize) -> u16 {
        match self {
            Self::Failing => [500, 503, 429][content::mixed(id) as usize % 3],
            _ => 200,
        }
    }

    /// True where this outcome is what the mode is there for.
    pub fn explains(self, id: usize, outcome: &Outcome) -> bool {
        let closed = |outcome: &Outcome| matches!(outcome, Outcome::Refused(502, code) if code == "upstream_protocol");
        match (self, self.spoils(id), outcome) {
            (Self::ResetBefore | Self::ResetInHead, true, it) => closed(it),
            (Self::ResetInBody, true, Outcome::BrokenOff) => true,
            // A reset throws away what was sent before it and not yet read.
            (Self::ResetInBody, true, it) => closed(it),
            (Self::Hanging, true, Outcome::Refused(504, code)) => code == "upstream_timeout",
            (Self::Refusing, _, Outcome::Refused(502, code)) => {
                matches!(code.as_str(), "upstream_connect" | "upstream_protocol")
            }
            (Self::Refusing, _, Outcome::Refused(503, code)) => code == "circuit_open",
            (Self::Refusing, _, Outcome::BrokenOff) => true,
            (_, false, Outcome::Answered(status)) => *status == self.status(id),
            _ => false,
        }
    }

    /// True where attache may have sent a GET a second time: its link can have died under it.
    pub fn may_repeat(self) -> bool {
        matches!(
            self,
            Self::Closing
                | Self::ResetBefore
                | Self::ResetInHead
                | Self::ResetInBody
                | Self::Refusing
        )
    }
}
