//! How long things took, in fixed memory: enough to tell quantiles to within a sixteenth.

/// Cells that each doubling is divided into.
const PARTS: u32 = 8;
const PARTS_LOG2: u32 = PARTS.ilog2();

/// The last cell has all that took longer: 2^27 µs are 134 s.
const DOUBLINGS: u32 = 27;
const CELLS: usize = (PARTS * (DOUBLINGS - PARTS_LOG2 + 1)) as usize;

/// Counts of times in µs.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    cells: [u32; CELLS],
    count: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { cells: [0; CELLS], count: 0 }
    }
}

impl Histogram {
    pub(super) fn add(&mut self, us: u64) {
        self.cells[cell(us)] += 1;
        self.count += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.count += other.count;
        for (own, added) in self.cells.iter_mut().zip(&other.cells) {
            *own = own.saturating_add(*added);
        }
    }

    /// The time that this part of all did not exceed, in µs, as the middle of its cell; none where there are none.
    pub(super) fn quantile(&self, part: f64) -> Option<f64> {
        let rank = ((self.count as f64 * part).ceil() as u64).max(1);
        let mut counted = 0;
        let found = self.cells.iter().position(|it| {
            counted += u64::from(*it);
            counted >= rank
        });
        found.filter(|_| self.count > 0).map(middle)
    }
}

/// Below [`PARTS`] µs each has a cell of its own.
fn cell(us: u64) -> usize {
    if us < u64::from(PARTS) {
        return us as usize;
    }
    let doubling = us.ilog2();
    let part = (us >> (doubling - PARTS_LOG2)) as u32 & (PARTS - 1);
    (((doubling - PARTS_LOG2 + 1) * PARTS + part) as usize).min(CELLS - 1)
}

fn middle(cell: usize) -> f64 {
    let (doubling, part) = (cell as u32 / PARTS, cell as u32 % PARTS);
    if doubling == 0 {
        return f64::from(part);
    }
    let width = 1_u64 << (doubling - 1);
    let begin = u64::from(PARTS + part) * width;
    begin as f64 + (width - 1) as f64 / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_to_within_a_sixteenth() {
        let mut us = 1_u64;
        while us < 1 << DOUBLINGS {
            let told = middle(cell(us));
            assert!((told - us as f64).abs() <= us as f64 / 16.0 + 0.5, "{us}: {told}");
            us += us / 7 + 1;
        }
        assert_eq!(cell(u64::MAX), CELLS - 1);
        assert_eq!(cell((1 << DOUBLINGS) - 1), CELLS - 9 + 8);
    }

    #[test]
    fn quantiles_are_those_of_all_that_was_added() {
        let (mut one, mut other) = (Histogram::default(), Histogram::default());
        assert_eq!(one.quantile(0.5), None);
        (1..=50).for_each(|it| one.add(it * 1000));
        (51..=100).for_each(|it| other.add(it * 1000));
        one.merge(&other);
        for (part, ms) in [(0.5, 50.0), (0.95, 95.0), (0.99, 99.0)] {
            let told = one.quantile(part).unwrap() / 1000.0;
            assert!((told - ms).abs() <= ms / 16.0, "{part}: {told}");
        }
    }
}
