//! From nodes to typed values, with all problems told at once.
//!
//! serde stops at the first problem. So a value that cannot be read is noted and left out, and the
//! rest is read again, until what remains reads, or the whole cannot.
use super::document::Document;
use super::error::ConfigError;
use super::error::split_hint;
use super::node::Node;
use super::node::Scalar;
use super::node::Step;
use super::node::Style;
use super::node::Value;
use super::reader::ReadError;
use super::reader::Reader;
use super::suggest::closest;
use super::suggest::unknown_field;
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::collections::HashMap;

/// Problems told of one value. Whoever has more has another problem.
const PROBLEMS_MAX: usize = 100;

impl Document {
    /// Reads the value at a path, which need not be there: then it is read as nothing, so that
    /// defaults apply. What is wrong goes to `errors`; what could be read is returned all the same.
    pub fn read<T: DeserializeOwned>(
        &self,
        path: &[Step<'_>],
        errors: &mut Vec<ConfigError>,
    ) -> Option<T> {
        let mut node = self.root();
        let nothing = Node { place: node.place, value: Value::Null };
        for step in path {
            node = node.child(*step).unwrap_or(&nothing);
        }
        self.read_node(node, path, errors)
    }

    /// Tells of the top-level sections that are none of these.
    pub fn refuse_unknown_sections(&self, known: &[&'static str], errors: &mut Vec<ConfigError>) {
        for (name, _) in self.root().entries().filter(|it| !known.contains(&it.0)) {
            let (problem, hint) = unknown_field(name, known);
            let here = self.error([Step::Key(name)], problem, hint);
            errors.push(ConfigError { key: String::new(), ..here });
        }
    }

    /// Reads a node of this document that stands at `path`.
    pub fn read_node<T: DeserializeOwned>(
        &self,
        node: &Node,
        path: &[Step<'_>],
        errors: &mut Vec<ConfigError>,
    ) -> Option<T> {
        let (value, misread) = read_tree(node);
        for it in misread {
            let steps: Vec<Step<'_>> = path.iter().copied().chain(it.steps).collect();
            errors.push(match it.unknown {
                // The key itself is the place, its parent what it is unknown to.
                Some(key) => {
                    let here = self.error(steps.iter().copied().chain([Step::Key(&key)]), "", "");
                    let key = super::node::dotted(steps);
                    ConfigError { problem: it.problem, hint: it.hint, key, ..here }
                }
                None => self.error(steps, it.problem, it.hint),
            });
        }
        value
    }
}

/// What is wrong in a tree.
pub(super) struct Misread<'n> {
    /// From the tree's root.
    pub(super) steps: Vec<Step<'n>>,
    /// The unknown key at that place, where that is the problem.
    pub(super) unknown: Option<String>,
    pub(super) problem: String,
    pub(super) hint: String,
}

/// What a tree says, as far as it could be read, and everything that is wrong with it.
pub(super) fn read_tree<T: DeserializeOwned>(node: &Node) -> (Option<T>, Vec<Misread<'_>>) {
    let reading = Reading::default();
    let value = loop {
        match T::deserialize(Reader { node, reading: &reading }) {
            Ok(value) => break Some(value),
            Err(error) => {
                let at = error.at.unwrap_or(node.address());
                reading.note(node, at, error);
                let full = reading.problems.borrow().len() >= PROBLEMS_MAX;
                if at == node.address() || full {
                    break None;
                }
            }
        }
    };
    let placed = |noted: Noted| {
        let mut steps = Vec::new();
        if !find(node, noted.at, &mut steps) {
            steps.clear();
        }
        let Noted { unknown, problem, hint, .. } = noted;
        Misread { steps, unknown, problem, hint }
    };
    (value, reading.problems.into_inner().into_iter().map(placed).collect())
}

/// The steps from `node` to the node at this address.
fn find<'n>(node: &'n Node, address: usize, steps: &mut Vec<Step<'n>>) -> bool {
    if node.address() == address {
        return true;
    }
    for (step, child) in node.children() {
        steps.push(step);
        if find(child, address, steps) {
            return true;
        }
        steps.pop();
    }
    false
}

/// What is known of one value while it is read again and again.
#[derive(Default)]
pub(super) struct Reading {
    problems: RefCell<Vec<Noted>>,
    /// Nodes that are left out, by address.
    left_out: RefCell<HashMap<usize, LeftOut>>,
}

struct Noted {
    /// Address of the node that it is about.
    at: usize,
    /// The unknown key of that node, where that is the problem.
    unknown: Option<String>,
    problem: String,
    hint: String,
}

struct LeftOut {
    /// The key that an unknown key was probably meant to be.
    meant: Option<&'static str>,
}

impl Reading {
    pub(super) fn is_left_out(&self, node: &Node) -> bool {
        self.left_out.borrow().contains_key(&node.address())
    }

    /// Notes a problem at a node, unless it only follows from something that was left out there.
    fn note(&self, root: &Node, at: usize, error: ReadError) {
        let mut steps = Vec::new();
        find(root, at, &mut steps);
        let node = steps.iter().try_fold(root, |node, step| node.child(*step)).unwrap_or(root);
        let follows = {
            let left_out = self.left_out.borrow();
            let mut children = node.children().filter_map(|(step, child)| {
                left_out.get(&child.address()).map(|it| (step, it.meant))
            });
            match error.missing {
                Some(field) => children.any(|it| it.0 == Step::Key(field) || it.1 == Some(field)),
                None => children.next().is_some(),
            }
        };
        self.left_out.borrow_mut().insert(at, LeftOut { meant: None });
        if follows || node.is_missing() {
            return;
        }
        let (mut problem, mut hint) = split_hint(&error.message);
        if let Value::Scalar(Scalar { text, style: Style::Filled { written, .. } }) = &node.value
            && !text.is_empty()
        {
            problem = problem.replace(&**text, written);
            hint = hint.replace(&**text, written);
        }
        self.problems.borrow_mut().push(Noted { at, unknown: None, problem, hint });
    }

    pub(super) fn unknown(
        &self,
        node: &Node,
        key: &str,
        value: &Node,
        fields: &'static [&'static str],
    ) {
        let meant = closest(key, fields);
        let (problem, hint) = unknown_field(key, fields);
        self.left_out.borrow_mut().insert(value.address(), LeftOut { meant });
        let at = node.address();
        let unknown = Some(key.to_owned());
        self.problems.borrow_mut().push(Noted { at, unknown, problem, hint });
    }
}

#[cfg(test)]
mod tests;
