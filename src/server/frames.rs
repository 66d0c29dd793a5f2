//! What frames an HTTP/2 caller sends beside its requests: counted as they pass, so that a flood of them
//! ends its link.
//!
//! The codec bounds what it has to remember; frames that it answers or ignores at once (PING, SETTINGS,
//! PRIORITY, WINDOW_UPDATE, RST_STREAM, unknown types) it takes without end (RFC 9113 §10.5).

/// What a caller's side says before its first frame (RFC 9113 §3.4), in bytes.
const PREFACE: usize = 24;

/// Length of a frame's head, in bytes (RFC 9113 §4.1).
const HEAD: usize = 9;

/// Frame types that carry requests (RFC 9113 §6.1, §6.2, §6.10).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;

/// What a frame costs that carries nothing of a request. A byte of a request, and a byte that we send,
/// is worth one.
const COST: u64 = 64;

/// As many frames may come at once.
const CREDIT_MAX: u64 = 1_000 * COST;

/// And so many a second on top, however quiet the link is.
const CREDIT_PER_S: u64 = 100 * COST;

/// A link's account.
#[derive(Debug)]
pub(super) struct Frames {
    /// Bytes of the preface, or of a frame's payload, that are still to come.
    skip: usize,
    head: [u8; HEAD],
    /// How many bytes of the head are there.
    have: usize,
    credit: u64,
    paid_ms: u64,
}

impl Frames {
    pub(super) fn new(now_ms: u64) -> Self {
        Self { skip: PREFACE, head: [0; HEAD], have: 0, credit: CREDIT_MAX, paid_ms: now_ms }
    }

    /// Bytes went to the caller.
    pub(super) fn wrote(&mut self, bytes: usize) {
        self.earn(bytes as u64);
    }

    /// Bytes came; false where there were too many frames for what they brought.
    pub(super) fn read(&mut self, mut bytes: &[u8], now_ms: u64) -> bool {
        self.earn(now_ms.saturating_sub(self.paid_ms) * CREDIT_PER_S / 1_000);
        self.paid_ms = now_ms;
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let taken = (HEAD - self.have).min(bytes.len());
            self.head[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
            self.have += taken;
            bytes = &bytes[taken..];
            if self.have == HEAD && !self.frame_begins() {
                return false;
            }
        }
        true
    }

    fn frame_begins(&mut self) -> bool {
        let [a, b, c, kind, ..] = self.head;
        self.have = 0;
        self.skip = u32::from_be_bytes([0, a, b, c]) as usize;
        if matches!(kind, DATA | HEADERS | CONTINUATION) && self.skip > 0 {
            self.earn(self.skip as u64);
            return true;
        }
        let left = self.credit.checked_sub(COST);
        self.credit = left.unwrap_or_default();
        left.is_some()
    }

    fn earn(&mut self, credit: u64) {
        self.credit = self.credit.saturating_add(credit).min(CREDIT_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, payload: usize) -> Vec<u8> {
        let [_, a, b, c] = u32::try_from(payload).unwrap().to_be_bytes();
        [vec![a, b, c, kind, 0, 0, 0, 0, 1], vec![0xff; payload]].concat()
    }

    /// An account that has seen the preface.
    fn frames() -> Frames {
        let mut frames = Frames::new(0);
        assert!(frames.read(&[b'P'; PREFACE], 0));
        frames
    }

    #[test]
    fn a_flood_is_noticed_however_it_is_cut_up() {
        for kind in [2, 3, 4, 6, 8, 0x77] {
            let flood = frame(kind, 13).repeat(1_001);
            assert!(!frames().read(&flood, 0), "type {kind}");
            let mut bytewise = frames();
            let taken = flood.iter().take_while(|it| bytewise.read(&[**it], 0)).count();
            assert_eq!(taken, 1_000 * (HEAD + 13) + HEAD - 1, "type {kind}");
        }
        assert!(!frames().read(&frame(DATA, 0).repeat(1_001), 0), "data without data");
    }

    #[test]
    fn what_requests_and_answers_bring_along_is_no_flood() {
        let mut frames = frames();
        for _ in 0..10_000 {
            assert!(frames.read(&[frame(HEADERS, 70), frame(3, 4)].concat(), 0), "cancelled ones");
        }
        for _ in 0..10_000 {
            frames.wrote(1_024);
            assert!(frames.read(&frame(8, 4).repeat(2), 0), "windows of a download");
        }
        for second in 0..10_000 {
            assert!(frames.read(&frame(6, 8).repeat(50), second * 1_000), "pings of a quiet link");
        }
    }
}
