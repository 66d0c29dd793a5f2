//! Which schemes operations ask for, and which of them together.
//!
//! A requirement is a set of schemes that are all needed; a list of them is a choice (OpenAPI 3.1.0 §4.8.30).
use super::operations::Found;
use super::operations::Operations;
use serde_json::Value;
use std::collections::BTreeSet;
use std::collections::HashSet;
use std::ptr;

/// The sets of schemes that the document asks for, each once, in the order in which they come: the whole document's first.
pub(super) fn sets<'v>(operations: &Operations<'v>) -> Vec<BTreeSet<&'v str>> {
    // Each list once, however many operations are made of one by references.
    let (mut lists, mut seen) = (Vec::new(), HashSet::new());
    let mut list = |list: Option<&'v Value>| {
        lists.extend(list.filter(|it| seen.insert(ptr::from_ref(*it))));
    };
    list(operations.root.get("security"));
    operations.each(|found| {
        if let Found::Operation(operation) = found {
            list(operation.value.get("security"));
        }
    });
    let (mut sets, mut known) = (Vec::new(), BTreeSet::new());
    for set in lists.into_iter().filter_map(Value::as_array).flatten() {
        let set: BTreeSet<&str> = set.as_object().into_iter().flatten().map(|it| &**it.0).collect();
        if known.insert(set.clone()) {
            sets.push(set);
        }
    }
    sets
}
