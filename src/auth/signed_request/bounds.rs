//! How large a recipe and what is made of it can be.
use super::recipe::Recipe;
use super::recipe::Value;
use super::source::Source;
use super::template::Part;
use super::template::Slot;
use super::template::Template;

/// Values under `let` and `lists` together.
pub(super) const VALUES_MAX: usize = 64;
pub(super) const PUTS_MAX: usize = 64;
/// Of a value that has no body in it, in bytes.
pub(super) const VALUE_LEN_MAX: usize = 64 << 10;
/// Of a template as it is written, in bytes.
pub(super) const TEMPLATE_LEN_MAX: usize = 16 << 10;
/// Of each text that a list writes once more for each entry, in bytes.
pub(super) const LIST_TEXT_LEN_MAX: usize = 1 << 10;
pub(super) const FILTERS_MAX: usize = 16;
/// How many values one behind the other can be made of each other.
pub(super) const DEPTH_MAX: usize = 32;
/// How many bytes can come of one of the body's: a form with each pair in a text of its own is the most that is known.
const PER_BODY_BYTE: usize = 8;

/// How long a text can get with a body of this length in it.
pub(super) fn room(body_len: usize) -> usize {
    body_len.saturating_mul(PER_BODY_BYTE).saturating_add(VALUE_LEN_MAX)
}

/// How long each template comes out at least, where each value of the request is one byte: less than that nothing
/// can be said of a recipe. What filters make of a value can be of any length.
pub(super) struct Lengths<'r> {
    recipe: &'r Recipe,
    known: Vec<Option<usize>>,
}

impl<'r> Lengths<'r> {
    /// `recipe` has no value that is made of itself.
    pub fn of(recipe: &'r Recipe) -> Self {
        Self { recipe, known: vec![None; recipe.values.len()] }
    }

    pub fn value(&mut self, index: usize) -> usize {
        if let Some(length) = self.known[index] {
            return length;
        }
        let length = match &self.recipe.values[index] {
            Value::Text(template) => self.template(template),
            Value::List(_) => 1,
        };
        self.known[index] = Some(length);
        length
    }

    pub fn template(&mut self, template: &Template) -> usize {
        self.parts(&template.0)
    }

    fn parts(&mut self, parts: &[Part]) -> usize {
        let mut sum = 0_usize;
        for part in parts {
            sum = sum.saturating_add(match part {
                Part::Literal(text) => text.len(),
                Part::Group(inner) => self.parts(inner),
                Part::Slot(slot) => self.slot(slot),
            });
        }
        sum
    }

    fn slot(&mut self, slot: &Slot) -> usize {
        match slot.source {
            Source::Value(index) if slot.filters.is_empty() => self.value(index),
            _ => 1,
        }
    }
}
