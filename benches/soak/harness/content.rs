//! Bodies that are known from their number alone: slices of one table of noise.
use std::sync::LazyLock;

const TABLE: usize = 1 << 20;

/// Longest body of any kind.
pub const LONGEST: usize = 256 * 1024;

static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let words = (0..(TABLE + LONGEST) / 8).map(|it| mixed(it.wrapping_mul(31) + 7));
    words.flat_map(u64::to_le_bytes).collect()
});

/// A number's bits well mixed (SplitMix64's finalizer).
pub fn mixed(id: usize) -> u64 {
    let mut it = (id as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    it ^ (it >> 31)
}

/// The body of request number `id`.
pub fn request(id: usize, large: bool) -> &'static [u8] {
    body(mixed(id ^ 0x5555), large)
}

/// The body of its answer.
pub fn answer(id: usize, large: bool) -> &'static [u8] {
    body(mixed(id ^ 0x3333), large)
}

fn body(bits: u64, large: bool) -> &'static [u8] {
    let at = (bits >> 32) as usize % TABLE;
    let longest = if large { LONGEST } else { 4096 };
    let length = 1 + (bits & 0xffff_ffff) as usize % longest;
    &NOISE[at..at + length]
}
