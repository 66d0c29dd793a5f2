//! Messages show what was written, never what was filled in: a secret may stand in any field by mistake.
use super::document::Document;
use super::error::ConfigError;
use super::node::Node;
use super::node::Place;
use super::node::Step;
use super::node::Style;
use super::node::Value;
use std::borrow::Cow;
use std::cmp::Reverse;

/// Shorter values are no secrets, and would be found in every other word.
const LEN_MIN: usize = 4;

/// A text that no message may show, and what was written in its place.
struct Hidden<'n> {
    value: Cow<'n, str>,
    written: &'n str,
    /// Where a problem of it is placed.
    place: Place,
}

impl Document {
    /// Puts `${NAME}` back wherever a message quotes its value, alone or within a longer text; where
    /// the problem is the value's own, what it quotes of it too.
    pub fn conceal(&self, errors: &mut [ConfigError]) {
        if errors.is_empty() {
            return;
        }
        let mut hidden = Vec::new();
        let root = self.root();
        collect(root, root.place, &mut hidden);
        // A value may be a part of another one.
        hidden.sort_by_key(|it| Reverse(it.value.len()));
        for error in errors {
            for it in &hidden {
                it.conceal(error);
            }
            let is_here = |it: &Place| {
                (it.line, it.column) == (error.line, error.column) && self.file(*it) == error.file
            };
            let own: Vec<&Hidden<'_>> = hidden.iter().filter(|it| is_here(&it.place)).collect();
            if !own.is_empty() {
                error.problem = without_parts(&error.problem, &own);
                error.hint = without_parts(&error.hint, &own);
            }
        }
    }
}

/// A value that was filled in.
pub struct FilledIn<'n> {
    /// From the node that was asked.
    pub path: Vec<Step<'n>>,
    pub written: &'n str,
    /// What may be seen nowhere, each with what was written for it: the whole, then its parts.
    pub values: Vec<(&'n str, &'n str)>,
}

impl Node {
    /// The values in it that were filled in.
    pub fn filled(&self) -> Vec<FilledIn<'_>> {
        let mut found = Vec::new();
        self.add_filled(&mut Vec::new(), &mut found);
        found
    }

    fn add_filled<'n>(&'n self, path: &mut Vec<Step<'n>>, found: &mut Vec<FilledIn<'n>>) {
        if let Value::Scalar(scalar) = &self.value
            && let Style::Filled { written, pieces } = &scalar.style
        {
            let parts = pieces.iter().map(|it| (&*it.value, &*it.written));
            let whole = std::iter::once((&*scalar.text, &**written));
            let values = whole.chain(parts).filter(|it| it.0.len() >= LEN_MIN).collect();
            found.push(FilledIn { path: path.clone(), written, values });
        }
        for (step, child) in self.children() {
            path.push(step);
            child.add_filled(path, found);
            path.pop();
        }
    }
}

impl Hidden<'_> {
    fn conceal(&self, error: &mut ConfigError) {
        let (value, written) = (&*self.value, self.written);
        if error.problem.contains(value) {
            error.problem = error.problem.replace(value, written);
            // The name of a credential's field, which a template that was filled in has named.
            let before = error.key.strip_suffix(value).filter(|it| it.ends_with('.'));
            if let Some(before) = before {
                error.key = [before, written].concat();
            }
        }
        if error.hint.contains(value) {
            error.hint = error.hint.replace(value, written);
        }
    }
}

/// The message with what was written for each quotation that is a part of one of the values.
fn without_parts(text: &str, own: &[&Hidden<'_>]) -> String {
    let concealed = |(at, piece): (usize, &str)| -> String {
        let is_part = |it: &&&Hidden<'_>| it.value.contains(piece) && !it.written.contains(piece);
        // Every other piece stands between two backticks; the shortest value is the nearest.
        let is_quoted = at % 2 == 1 && piece.len() >= LEN_MIN;
        let part = if is_quoted { own.iter().rev().find(is_part) } else { None };
        part.map_or(piece, |it| it.written).to_owned()
    };
    text.split('`').enumerate().map(concealed).collect::<Vec<_>>().join("`")
}

fn collect<'n>(node: &'n Node, place: Place, hidden: &mut Vec<Hidden<'n>>) {
    match &node.value {
        Value::Null => {}
        Value::Scalar(scalar) => {
            if let Style::Filled { written, pieces } = &scalar.style {
                let parts = pieces.iter().map(|it| (&*it.value, &*it.written));
                for (value, written) in parts.chain([(&*scalar.text, &**written)]) {
                    if value.len() < LEN_MIN {
                        continue;
                    }
                    hidden.push(Hidden { value: value.into(), written, place });
                    // A message may quote it with its line breaks escaped.
                    let escaped = value.escape_debug().to_string();
                    if escaped != value {
                        hidden.push(Hidden { value: escaped.into(), written, place });
                    }
                }
            }
        }
        Value::List(items) => items.iter().for_each(|it| collect(it, it.place, hidden)),
        Value::Map(fields) => fields.values().for_each(|it| collect(&it.node, it.place, hidden)),
    }
}
