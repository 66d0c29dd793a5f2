//! Several files as one: the same section may stand in several, the same thing in it may not.
use super::node::Fields;
use super::node::Node;
use super::node::Place;
use super::node::Value;
use super::settings::Settings;
use indexmap::map::Entry;

/// A key that is set in two files, with both places.
pub(super) struct Twice {
    /// Dotted path.
    pub(super) key: String,
    pub(super) here: Place,
    pub(super) there: Place,
}

/// What happens to a key that both files have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// A section: its keys are put together, its list is joined.
    Section,
    /// The process's settings: put together down to the single value.
    Setting,
    /// An entry: it stands in one file.
    Entry,
}

/// Puts the sections of one more file into `ours`.
pub(super) fn merge(ours: &mut Fields, theirs: Fields, twice: &mut Vec<Twice>) {
    merge_fields(ours, theirs, "", Rule::Section, twice);
}

fn merge_fields(ours: &mut Fields, theirs: Fields, path: &str, rule: Rule, twice: &mut Vec<Twice>) {
    for (name, theirs) in theirs {
        let mut entry = match ours.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(theirs);
                continue;
            }
            Entry::Occupied(entry) => entry,
        };
        let name = entry.key().clone();
        let key = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
        let ours = entry.get_mut();
        let below = match rule {
            Rule::Section if !Settings::SECTIONS.contains(&&*name) => Rule::Entry,
            Rule::Section | Rule::Setting => Rule::Setting,
            Rule::Entry => {
                twice.push(Twice { key, here: theirs.place, there: ours.place });
                continue;
            }
        };
        match (&mut ours.node.value, theirs.node.value) {
            (Value::Map(ours), Value::Map(theirs)) => {
                merge_fields(ours, *theirs, &key, below, twice)
            }
            (Value::List(ours), Value::List(theirs)) if rule == Rule::Section => {
                ours.extend(theirs)
            }
            (_, Value::Null) => {}
            (Value::Null, value) => ours.node = Node { value, ..theirs.node },
            _ => twice.push(Twice { key, here: theirs.place, there: ours.place }),
        }
    }
}
