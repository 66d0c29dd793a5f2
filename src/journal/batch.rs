//! Some records of one worker, with their paths in one buffer.
use crate::telemetry::Exchange;

/// Records in a batch: then it is handed in, full or not.
pub(super) const RECORDS_MAX: usize = 512;

/// Bytes of paths in a batch.
pub(super) const PATHS_LEN_MAX: usize = 64 * 1024;

/// Longest path that is logged, in bytes: the rest is cut.
pub(super) const PATH_LEN_MAX: usize = 2048;

#[derive(Default)]
pub(super) struct Batch {
    records: Vec<Record>,
    paths: String,
}

struct Record {
    exchange: Exchange,
    /// Where its path ends in `paths`; it begins where the one before ends.
    path_end: usize,
}

impl Batch {
    /// True where the batch should be handed in.
    pub(super) fn push(&mut self, exchange: Exchange, path: &str) -> bool {
        if self.records.capacity() == 0 {
            self.records.reserve_exact(RECORDS_MAX);
            self.paths.reserve_exact(PATHS_LEN_MAX);
        }
        self.paths.push_str(&path[..path.floor_char_boundary(PATH_LEN_MAX)]);
        self.records.push(Record { exchange, path_end: self.paths.len() });
        self.records.len() >= RECORDS_MAX || self.paths.len() > PATHS_LEN_MAX - PATH_LEN_MAX
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Keeps its memory for the next records.
    pub(super) fn clear(&mut self) {
        self.records.clear();
        self.paths.clear();
    }

    /// Each record with its path, without a query: values there may be secret.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Exchange, &str)> {
        let mut begin = 0;
        self.records.iter().map(move |record| {
            let path = &self.paths[begin..record.path_end];
            begin = record.path_end;
            let query = path.bytes().position(|it| matches!(it, b'?' | b'#'));
            (&record.exchange, &path[..query.unwrap_or(path.len())])
        })
    }
}
