//! What a connection proves itself with, in the clear, in memory.
use super::Secret;
use std::collections::BTreeMap;

/// Named secret fields (`key`, `username`, `password`, `secret` …), each with at least one value.
///
/// Only a webhook's `secret` has several: the new one and the old one, while rotating.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credential(BTreeMap<String, Vec<Secret>>);

impl Credential {
    /// The field's first value.
    pub fn field(&self, name: &str) -> Option<&Secret> {
        self.values(name).first()
    }

    /// All the values of a field: none where there is no such field.
    pub fn values(&self, name: &str) -> &[Secret] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    pub fn insert(&mut self, name: impl Into<String>, values: Vec<Secret>) {
        self.0.insert(name.into(), values);
    }

    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// These fields, and those of `over` in place of or beside them.
    pub fn overlaid(&self, over: &Self) -> Self {
        let mut all = self.clone();
        all.0.extend(over.0.iter().map(|(name, values)| (name.clone(), values.clone())));
        all
    }

    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Credential {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(fields: I) -> Self {
        let one = |(name, value): (&str, &str)| (name.to_owned(), vec![Secret::new(value)]);
        Self(fields.into_iter().map(one).collect())
    }
}
