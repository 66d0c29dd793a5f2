//! How much of a request's body is read before a signature that covers it can be made.
use super::problem::At;
use super::problem::Problem;
use crate::model::ByteSize;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// `upstream.signing` as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawSigning {
    /// How much of a body that a signature covers is held in memory. Default 1MiB.
    pub max_memory: Option<ByteSize>,
    /// How much of it is held in a temporary file beyond that; a longer one is answered `body_too_large_to_sign`.
    /// Default 1GiB.
    pub max_spill: Option<ByteSize>,
}

/// Bounds of a body that is read before it is sent, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signing {
    /// In memory.
    pub max_memory: u64,
    /// In a file, where that is too little. A body is no longer than the greater of the two.
    pub max_spill: u64,
}

impl Default for Signing {
    fn default() -> Self {
        Self { max_memory: 1 << 20, max_spill: 1 << 30 }
    }
}

impl Signing {
    /// These with what is written in place of theirs.
    pub(super) fn overlaid(
        self,
        raw: &RawSigning,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let max_memory = raw.max_memory.map_or(self.max_memory, |it| it.0);
        let max_spill = raw.max_spill.map_or(self.max_spill, |it| it.0);
        if max_memory > IN_MEMORY_MAX {
            let problem = "more than 64 MiB of a body would be held in memory";
            problems.push(
                at.key("max_memory")
                    .problem(problem, "write 64MiB at most; `max_spill` takes the rest"),
            );
        }
        Self { max_memory, max_spill }
    }
}

/// One body may not have the memory that is there for all of them.
const IN_MEMORY_MAX: u64 = 64 << 20;
