//! Which schemes operations ask for, and which of them together.
//!
//! A requirement is a set of schemes that are all needed; a list of them is a choice (OpenAPI 3.1.0 §4.8.30).
use super::tree::METHODS;
use serde_json::Value;
use std::collections::BTreeSet;

/// The sets of schemes that the document asks for, each once, in the order in which they come: the whole document's first.
pub(super) fn sets(root: &Value) -> Vec<BTreeSet<&str>> {
    let mut sets = Vec::new();
    let mut known = BTreeSet::new();
    let paths = super::members(root, "paths").map(|it| it.1);
    let operations = paths.flat_map(|item| METHODS.iter().filter_map(|it| item.get(*it)));
    for holder in std::iter::once(root).chain(operations) {
        for set in holder.get("security").and_then(Value::as_array).into_iter().flatten() {
            let set: BTreeSet<&str> =
                set.as_object().into_iter().flatten().map(|it| &**it.0).collect();
            if known.insert(set.clone()) {
                sets.push(set);
            }
        }
    }
    sets
}
