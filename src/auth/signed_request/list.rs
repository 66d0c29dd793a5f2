//! Parameters or header fields, chosen, put in order, and written one behind the other.
use super::filter::ESCAPED;
use super::raw::Listed;
use super::raw::Sort;
use super::template::Template;
use percent_encoding::percent_encode;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// What a name and a value are, still or no more percent-encoded.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct List {
    pub of: Box<[Listed]>,
    /// All where there are none.
    pub names: Option<Box<[Box<str>]>>,
    pub prefix: Box<str>,
    pub without: Box<[Box<str>]>,
    pub sort: Sort,
    pub raw: bool,
    pub lower: bool,
    pub merge: Option<Box<str>>,
    pub skip_empty: bool,
    /// Each of `names` has to be there.
    pub required: bool,
    pub pair: Template,
    pub join: Box<str>,
}

impl List {
    /// The chosen ones, in order but for [`Sort::Pair`].
    pub fn chosen(&self, mut pairs: Vec<Pair>) -> Vec<Pair> {
        if self.lower {
            pairs.iter_mut().for_each(|it| it.0.make_ascii_lowercase());
        }
        pairs.retain(|(name, value)| self.takes(name) && !(self.skip_empty && value.is_empty()));
        match self.sort {
            Sort::Name => pairs.sort_unstable(),
            Sort::Encoded => pairs.sort_by_cached_key(|it| {
                [&it.0, &it.1].map(|it| percent_encode(it, ESCAPED).to_string())
            }),
            Sort::Names => pairs.sort_by_key(|it| self.place(&it.0)),
            Sort::Pair | Sort::None => {}
        }
        match &self.merge {
            Some(between) => merged(pairs, between),
            None => pairs,
        }
    }

    /// Which of the names that have to be there is not among those that were chosen.
    pub fn lacks(&self, chosen: &[Pair]) -> Option<&str> {
        let names = self.names.as_deref().filter(|_| self.required).unwrap_or_default();
        names.iter().find(|name| !chosen.iter().any(|it| it.0 == name.as_bytes())).map(|it| &**it)
    }

    /// Where it stands among `names`.
    fn place(&self, name: &[u8]) -> Option<usize> {
        self.names.as_ref()?.iter().position(|it| it.as_bytes() == name)
    }

    fn takes(&self, name: &[u8]) -> bool {
        let is = |it: &str| it.as_bytes() == name;
        name.starts_with(self.prefix.as_bytes())
            && self.names.as_ref().is_none_or(|it| it.iter().any(|it| is(it)))
            && !self.without.iter().any(|it| is(it))
    }
}

/// Values of one name as one, where the first of them stands.
fn merged(pairs: Vec<Pair>, between: &str) -> Vec<Pair> {
    let mut merged: Vec<Pair> = Vec::with_capacity(pairs.len());
    let mut places = HashMap::with_capacity(pairs.len());
    for (name, value) in pairs {
        match places.entry(name) {
            Entry::Occupied(place) => {
                let same: &mut Pair = &mut merged[*place.get()];
                same.1.extend_from_slice(between.as_bytes());
                same.1.extend_from_slice(&value);
            }
            Entry::Vacant(place) => {
                merged.push((place.key().clone(), value));
                place.insert(merged.len() - 1);
            }
        }
    }
    merged
}
