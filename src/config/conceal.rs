//! Messages show what was written, never what was filled in: a secret may stand in any field by mistake.
use super::document::Document;
use super::error::ConfigError;
use super::node::Node;
use super::node::Style;
use super::node::Value;
use std::cmp::Reverse;

/// Shorter values are no secrets, and would be found in every other word.
const LEN_MIN: usize = 4;

impl Document {
    /// Puts `${NAME}` back wherever a message quotes its value.
    pub fn conceal(&self, errors: &mut [ConfigError]) {
        if errors.is_empty() {
            return;
        }
        let mut filled = Vec::new();
        collect(self.root(), &mut filled);
        // A value may be a part of another one.
        filled.sort_by_key(|it: &(&str, &str)| Reverse(it.0.len()));
        for error in errors {
            for (value, written) in &filled {
                for text in [&mut error.problem, &mut error.hint] {
                    if text.contains(value) {
                        *text = text.replace(value, written);
                    }
                }
            }
        }
    }
}

fn collect<'n>(node: &'n Node, filled: &mut Vec<(&'n str, &'n str)>) {
    match &node.value {
        Value::Null => {}
        Value::Scalar(scalar) => {
            if let Style::Filled { written } = &scalar.style
                && scalar.text.len() >= LEN_MIN
            {
                filled.push((&scalar.text, written));
            }
        }
        Value::List(items) => items.iter().for_each(|it| collect(it, filled)),
        Value::Map(fields) => fields.values().for_each(|it| collect(&it.node, filled)),
    }
}
