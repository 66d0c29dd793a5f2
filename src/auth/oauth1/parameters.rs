//! Request parameters in their normal form (RFC 5849 §3.4.1.3): collected, encoded, sorted.
use super::percent;
use std::cmp::Ordering;

/// Parameters, percent-encoded, in one text.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    text: Vec<u8>,
    pairs: Vec<Pair>,
}

/// Where a pair stands in the text: its name up to `middle`, its value from there.
#[derive(Clone, Copy, Debug)]
struct Pair {
    start: usize,
    middle: usize,
    end: usize,
}

impl Parameters {
    /// With room for `pairs`, whose text is `len` bytes long.
    pub fn with_capacity(pairs: usize, len: usize) -> Self {
        Self { text: Vec::with_capacity(len), pairs: Vec::with_capacity(pairs) }
    }

    /// A pair that is encoded already.
    pub fn put(&mut self, name: &str, value: &[u8]) {
        let start = self.text.len();
        self.text.extend_from_slice(name.as_bytes());
        let middle = self.text.len();
        self.text.extend_from_slice(value);
        self.pairs.push(Pair { start, middle, end: self.text.len() });
    }

    /// Every pair of a query or a form as it is written, in `application/x-www-form-urlencoded` (§3.4.1.3.1): a name
    /// without `=` has an empty value, and between two `&` there is nothing.
    pub fn put_form(&mut self, form: &[u8]) {
        for pair in form.split(|it| *it == b'&').filter(|it| !it.is_empty()) {
            let (name, value) = match pair.iter().position(|it| *it == b'=') {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &[][..]),
            };
            let start = self.text.len();
            percent::put_form(name, &mut self.text);
            let middle = self.text.len();
            percent::put_form(value, &mut self.text);
            self.pairs.push(Pair { start, middle, end: self.text.len() });
        }
    }

    /// Sorted by name, then by value, byte by byte, and concatenated (§3.4.1.3.2); then encoded once more, as the
    /// base string has it (§3.4.1.1).
    pub fn put_normalized(&mut self, to: &mut Vec<u8>) {
        let text = &self.text;
        self.pairs.sort_unstable_by(|one, two| one.compare(two, text));
        for (index, pair) in self.pairs.iter().enumerate() {
            if index > 0 {
                to.extend_from_slice(b"%26");
            }
            percent::put_again(&text[pair.start..pair.middle], to);
            to.extend_from_slice(b"%3D");
            percent::put_again(&text[pair.middle..pair.end], to);
        }
    }

    /// Bytes that [`Parameters::put_normalized`] may write, at most, if a third of the text is `%`.
    pub fn room(&self) -> usize {
        self.text.len() / 3 * 5 + self.pairs.len() * 6 + 2
    }
}

impl Pair {
    /// Name before value: `a-b` comes before `a=…`, whose `=` is no part of either.
    fn compare(&self, other: &Self, text: &[u8]) -> Ordering {
        let names = text[self.start..self.middle].cmp(&text[other.start..other.middle]);
        names.then_with(|| text[self.middle..self.end].cmp(&text[other.middle..other.end]))
    }
}
