//! What became of the rows, counted.
use super::verify::Verdict;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

/// How many, of all rows so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tally {
    pub(super) created: u64,
    pub(super) replaced: u64,
    pub(super) skipped: u64,
    pub(super) refused: u64,
    pub(super) works: u64,
    pub(super) must_reconnect: u64,
    /// Of those that were verified.
    pub(super) unknown: u64,
}

/// What became of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// As the API says it: created, replaced, skipped or refused.
    pub(super) name: &'static str,
    pub(super) column: String,
    pub(super) why: String,
    /// It is there already, and may be so because of this import.
    pub(super) may_be_ours: bool,
}

impl Outcome {
    /// As the API says it; what it does not say is refused.
    pub(super) fn of(name: &str) -> Self {
        let known = ["created", "replaced", "skipped"].into_iter().find(|it| *it == name);
        Self { name: known.unwrap_or("refused"), ..Self::default() }
    }

    /// Where nobody knows any more whether this import brought what is there.
    pub(super) fn maybe_ours(self) -> Self {
        Self { may_be_ours: self.name == "skipped", ..self }
    }

    pub(super) fn is_refused(&self) -> bool {
        self.name == "refused"
    }

    /// Whether it is there because of this import, as far as anybody knows.
    pub(super) fn is_imported(&self) -> bool {
        matches!(self.name, "created" | "replaced") || self.may_be_ours
    }
}

impl Tally {
    pub(super) fn add(&mut self, outcome: &Outcome, verdict: Option<&Verdict>) {
        match outcome.name {
            "created" => self.created += 1,
            "replaced" => self.replaced += 1,
            "skipped" => self.skipped += 1,
            _ => self.refused += 1,
        }
        match verdict.map(|it| (it.works, it.reconnect)) {
            None => {}
            Some((Some(true), _)) => self.works += 1,
            Some((_, true)) => self.must_reconnect += 1,
            Some(_) => self.unknown += 1,
        }
    }

    pub(super) fn shown(&self, is_verified: bool) -> Value {
        let Self { created, replaced, skipped, refused, works, must_reconnect, unknown } = self;
        let mut shown = json!({
            "created": created, "replaced": replaced, "skipped": skipped, "refused": refused,
        });
        if is_verified {
            shown["works"] = json!(works);
            shown["must_reconnect"] = json!(must_reconnect);
            shown["unknown"] = json!(unknown);
        }
        shown
    }
}
