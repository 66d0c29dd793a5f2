//! Mutants of seeds: a few of the changes that a fuzzer makes, each of which proptest can take back.
use proptest::prelude::*;
use proptest::sample::Index;

/// Longest piece that is cut out, doubled or taken from another seed.
const PIECE_LEN_MAX: usize = 48;

/// One change. Places are taken relative to whatever length the text has by then.
#[derive(Clone, Debug)]
enum Change {
    Byte { at: Index, byte: u8 },
    Word { at: Index, word: Index },
    Cut { at: Index, len: usize },
    Double { at: Index, len: usize },
    Graft { from: Index, piece: Index, len: usize, at: Index },
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let len = || 1..PIECE_LEN_MAX;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Byte { at, byte }),
        (at(), at()).prop_map(|(at, word)| Change::Word { at, word }),
        (at(), len()).prop_map(|(at, len)| Change::Cut { at, len }),
        (at(), len()).prop_map(|(at, len)| Change::Double { at, len }),
        (at(), at(), len(), at()).prop_map(|(from, piece, len, at)| Change::Graft {
            from,
            piece,
            len,
            at
        }),
    ]
}

/// A seed with up to eight changes.
pub fn mutant(seeds: Vec<Vec<u8>>, words: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec(change(), 0..8);
    (any::<Index>(), changes).prop_map(move |(seed, changes)| {
        let mut text = seed.get(&seeds).clone();
        for change in changes {
            change.apply(&mut text, &seeds, &words);
        }
        text
    })
}

impl Change {
    fn apply(&self, text: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[Vec<u8>]) {
        let piece = |text: &[u8], at: &Index, len: usize| {
            let start = at.index(text.len() + 1);
            start..text.len().min(start + len)
        };
        match self {
            Self::Byte { at, byte } if !text.is_empty() => {
                let at = at.index(text.len());
                text[at] = *byte;
            }
            Self::Word { at, word } if !words.is_empty() => {
                let at = at.index(text.len() + 1);
                text.splice(at..at, word.get(words).iter().copied());
            }
            Self::Byte { .. } | Self::Word { .. } => {}
            Self::Cut { at, len } => drop(text.drain(piece(text, at, *len))),
            Self::Double { at, len } => {
                let range = piece(text, at, *len);
                let copy = text[range.clone()].to_vec();
                text.splice(range.end..range.end, copy);
            }
            Self::Graft { from, piece: start, len, at } => {
                let other = from.get(seeds);
                let graft = other[piece(other, start, *len)].to_vec();
                let at = at.index(text.len() + 1);
                text.splice(at..at, graft);
            }
        }
    }
}
