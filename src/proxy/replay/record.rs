//! What is kept of a body: the first of it in memory, all of it in a file once that is too little.
use super::file;
use crate::limits::Budget;
use crate::limits::Held;
use bytes::Bytes;
use std::cell::Cell;
use std::fs::File;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use tokio::task::JoinHandle;

/// Bodies of one worker that are in files at the same time: half of the threads that also look up
/// names, so that a slow disk leaves the other half.
const FILES_MAX: usize = 8;

/// How much is given at once, in bytes.
const PIECE: usize = 64 * 1024;

/// The least room that is made at once, in bytes, where the bound allows it.
const SHARE: usize = 16 * 1024;

/// What one worker keeps of bodies, and where.
#[derive(Debug)]
pub struct KeptBodies {
    budget: Arc<Budget>,
    folder: Arc<Path>,
    files: Cell<usize>,
    /// The last one could not be written, and this has been said.
    is_failing: Cell<bool>,
}

impl KeptBodies {
    /// Memory is drawn from `budget`; what does not go into it goes to nameless files in `folder`.
    pub fn new(budget: Arc<Budget>, folder: Arc<Path>) -> Rc<Self> {
        Rc::new(Self { budget, folder, files: Cell::new(0), is_failing: Cell::new(false) })
    }

    /// Says once that the disk fails, until it has not.
    fn note(&self, error: Option<&io::Error>) {
        if !self.is_failing.replace(error.is_some())
            && let Some(error) = error
        {
            let (folder, error) = (self.folder.display(), error.kind());
            tracing::warn!(%folder, %error, "large bodies can't be kept: they are sent once");
        }
    }
}

/// How much of one body is kept, in bytes: in memory, and in a file where that is too little.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub memory: u64,
    pub spill: u64,
}

/// A body from its first byte on, as far as it has come.
#[derive(Debug)]
pub(super) struct Record {
    bodies: Rc<KeptBodies>,
    held: Option<Held>,
    memory_max: usize,
    length_max: u64,
    file: Option<Arc<File>>,
    place: Option<Place>,
    /// Bytes in the file.
    filed: u64,
    /// What is being written behind them.
    writing: Option<(JoinHandle<io::Result<Arc<File>>>, usize)>,
    /// What comes behind that.
    tail: Vec<u8>,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Drop for Record {
    /// What has not begun would only be written for nobody: it gives up its memory and its turn.
    fn drop(&mut self) {
        if let Some((writing, _)) = &self.writing {
            writing.abort();
        }
        if let Some(reading) = &self.reading {
            reading.abort();
        }
    }
}

impl Record {
    pub(super) fn new(bodies: &Rc<KeptBodies>, bounds: Bounds) -> Self {
        Self {
            bodies: Rc::clone(bodies),
            held: None,
            memory_max: usize::try_from(bounds.memory).unwrap_or(usize::MAX),
            length_max: bounds.memory.max(bounds.spill),
            file: None,
            place: None,
            filed: 0,
            writing: None,
            tail: Vec::new(),
            reading: None,
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.filed + self.in_memory_len() as u64
    }

    /// Most that may be kept, in bytes.
    pub(super) fn length_max(&self) -> u64 {
        self.length_max
    }

    /// All of it, where none is in a file, nor on its way there.
    pub(super) fn in_memory(&self) -> Option<&[u8]> {
        (self.file.is_none() && self.writing.is_none()).then_some(&self.tail)
    }

    fn in_memory_len(&self) -> usize {
        self.writing.as_ref().map_or(0, |it| it.1) + self.tail.len()
    }

    /// Ready once there is room for one more piece, of whatever size: only a file that is slower than
    /// its body makes it wait. False where what was kept is gone, because it could not be written.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let is_full = self.tail.len() >= self.memory_max;
        match self.poll_written(cx) {
            Poll::Pending if is_full => Poll::Pending,
            Poll::Pending => Poll::Ready(true),
            Poll::Ready(written) => Poll::Ready(written),
        }
    }

    /// Keeps a copy; false, and all as it was, where there is no room for it.
    pub(super) fn keep(&mut self, bytes: &Bytes) -> bool {
        if self.len() + bytes.len() as u64 > self.length_max {
            return false;
        }
        let together = self.tail.len() + bytes.len();
        // While a file is being written to, what comes meanwhile waits in memory: see `poll_ready`.
        if together <= self.memory_max || self.writing.is_some() {
            let has_room = self.make_room(together);
            if has_room {
                self.tail.extend_from_slice(bytes);
            }
            return has_room;
        }
        let may_write = self.claim(together) && self.take_place();
        if may_write {
            self.write(bytes.clone());
        }
        may_write
    }

    /// Begins to give from the first byte again.
    pub(super) fn rewind(&mut self) {
        self.reading = None;
    }

    /// What stands at `at`, which is before the end. `None` where it can't be read.
    pub(super) fn poll_piece(&mut self, at: u64, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if at >= self.filed && self.writing.is_some() {
            // The file's end is not there yet, nor in memory any more.
            if !ready!(self.poll_written(cx)) {
                return Poll::Ready(None);
            }
        }
        if at < self.filed {
            let Some(file) = &self.file else { return Poll::Ready(None) };
            let length = usize::try_from(self.filed - at).unwrap_or(PIECE).min(PIECE);
            let reading = self.reading.get_or_insert_with(|| {
                let file = Arc::clone(file);
                tokio::task::spawn_blocking(move || file::read(&file, at, length))
            });
            let read = ready!(Pin::new(reading).poll(cx));
            self.reading = None;
            return Poll::Ready(read.ok().and_then(Result::ok));
        }
        let from = usize::try_from(at - self.filed).unwrap_or(usize::MAX).min(self.tail.len());
        let piece = &self.tail[from..];
        Poll::Ready(Some(Bytes::copy_from_slice(&piece[..piece.len().min(PIECE)])))
    }

    /// Ready once nothing is being written. False where what was kept is gone, as above.
    pub(super) fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let Some((job, length)) = &mut self.writing else { return Poll::Ready(true) };
        let length = *length as u64;
        let written = ready!(Pin::new(job).poll(cx));
        self.writing = None;
        // A job that panicked has said so already.
        let written = written.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        self.bodies.note(written.as_ref().err());
        let Ok(file) = written else { return Poll::Ready(false) };
        self.file = Some(file);
        self.filed += length;
        Poll::Ready(true)
    }

    /// Moves what is in memory to the file, and `bytes` behind it.
    fn write(&mut self, bytes: Bytes) {
        let tail = std::mem::take(&mut self.tail);
        let (file, folder, at) = (self.file.clone(), Arc::clone(&self.bodies.folder), self.filed);
        let length = tail.len() + bytes.len();
        let job = tokio::task::spawn_blocking(move || {
            let file = match file {
                Some(file) => file,
                None => Arc::new(file::nameless(&folder)?),
            };
            file::write(&file, at, &tail, &bytes)?;
            Ok(file)
        });
        self.writing = Some((job, length));
    }

    /// Room for so much in memory beside what is being written: more than is asked for where the budget
    /// grants it, so that a body in many small pieces is not copied as often.
    fn make_room(&mut self, length: usize) -> bool {
        let now = self.tail.capacity();
        if length <= now {
            return true;
        }
        let written = self.writing.as_ref().map_or(0, |it| it.1);
        let ahead = (2 * now).max(SHARE).min(self.memory_max).max(length);
        let room = [ahead, length].into_iter().find(|it| self.claim(written + it));
        if let Some(room) = room {
            self.tail.reserve_exact(room - self.tail.len());
        }
        room.is_some()
    }

    /// The most that was ever in memory at once is held until the record is dropped.
    fn claim(&mut self, bytes: usize) -> bool {
        let Some(held) = &mut self.held else {
            self.held = self.bodies.budget.take(bytes);
            return self.held.is_some();
        };
        let missing = bytes.saturating_sub(held.bytes());
        missing == 0 || held.grow(missing)
    }

    fn take_place(&mut self) -> bool {
        if self.place.is_none() {
            self.place = Place::take(&self.bodies);
        }
        self.place.is_some()
    }
}

/// One of the bodies that may be in files.
#[derive(Debug)]
struct Place(Rc<KeptBodies>);

impl Place {
    fn take(bodies: &Rc<KeptBodies>) -> Option<Self> {
        let files = bodies.files.get();
        (files < FILES_MAX).then(|| {
            bodies.files.set(files + 1);
            Self(Rc::clone(bodies))
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.files.set(self.0.files.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::future::poll_fn;
    use std::path::PathBuf;

    struct Kept {
        record: Record,
        budget: Arc<Budget>,
        bodies: Rc<KeptBodies>,
    }

    fn kept_in(folder: PathBuf, max_memory: u64, max_spill: u64) -> Kept {
        let budget = Budget::new(1 << 20);
        let bodies = KeptBodies::new(Arc::clone(&budget), folder.into());
        let bounds = Bounds { memory: max_memory, spill: max_spill };
        Kept { record: Record::new(&bodies, bounds), budget, bodies }
    }

    fn kept(max_memory: u64, max_spill: u64) -> Kept {
        kept_in(std::env::temp_dir(), max_memory, max_spill)
    }

    impl Record {
        async fn keeps(&mut self, bytes: &[u8]) -> bool {
            poll_fn(|cx| self.poll_ready(cx)).await && self.keep(&Bytes::copy_from_slice(bytes))
        }

        async fn all(&mut self) -> Vec<u8> {
            self.rewind();
            let mut all = Vec::new();
            while (all.len() as u64) < self.len() {
                let at = all.len() as u64;
                let piece = poll_fn(|cx| self.poll_piece(at, cx)).await.expect("it can be read");
                all.extend_from_slice(&piece);
            }
            all
        }
    }

    #[tokio::test]
    async fn a_small_body_stays_in_memory() {
        let Kept { mut record, budget, .. } = kept(10, 100);
        assert!(record.keeps(b"01234").await && record.keeps(b"56789").await);
        assert!(record.file.is_none() && record.writing.is_none());
        assert_eq!(record.all().await, b"0123456789");
        assert_eq!(budget.held(), 10, "no more than the bound is asked for");
        drop(record);
        assert_eq!(budget.held(), 0);
    }

    #[tokio::test]
    async fn a_body_is_kept_up_to_its_bound_and_not_a_byte_more() {
        for (max_memory, max_spill, bound) in [(10, 0, 10), (10, 5, 10), (10, 64, 64), (0, 64, 64)]
        {
            let mut record = kept(max_memory, max_spill).record;
            for byte in 0..bound {
                assert!(record.keeps(&[byte]).await, "{byte} of {bound}");
            }
            assert!(!record.keeps(b"x").await, "{bound}");
            assert_eq!(record.all().await, (0..bound).collect::<Vec<u8>>(), "as it was");
        }
    }

    #[tokio::test]
    async fn what_the_budget_does_not_grant_is_not_kept() {
        let Kept { mut record, budget, .. } = kept(1 << 21, 0);
        assert!(record.keeps(&[0; 1 << 19]).await);
        let other = budget.take((1 << 20) - budget.held()).expect("the rest");
        assert!(!record.keep(&Bytes::from_static(b"x")));
        drop(other);
        assert!(record.keep(&Bytes::from_static(b"x")));
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_loses_what_was_kept() {
        let mut record = kept_in("nowhere/at/all".into(), 1, 100).record;
        assert!(record.keeps(b"ab").await, "it is found out later");
        assert!(!poll_fn(|cx| record.poll_written(cx)).await);
    }

    #[test]
    fn whether_it_can_be_given_again_is_known_once_the_disk_has_taken_it() {
        let mut one_thread = tokio::runtime::Builder::new_current_thread();
        one_thread.max_blocking_threads(1);
        for (folder, is_kept) in [(std::env::temp_dir(), true), ("nowhere/at/all".into(), false)] {
            one_thread.build().unwrap().block_on(async {
                let (disk, stuck) = std::sync::mpsc::channel::<()>();
                tokio::task::spawn_blocking(move || stuck.recv());
                let mut record = kept_in(folder, 1, 100).record;
                assert!(record.keeps(b"ab").await);
                let mut cx = Context::from_waker(std::task::Waker::noop());
                for _ in 0..3 {
                    assert!(record.poll_written(&mut cx).is_pending(), "nobody knows yet");
                    tokio::task::yield_now().await;
                }
                drop(disk);
                assert_eq!(poll_fn(|cx| record.poll_written(cx)).await, is_kept);
            });
        }
    }

    #[tokio::test]
    async fn so_many_bodies_are_in_files_and_no_more() {
        let Kept { record, bodies, .. } = kept(1, 100);
        drop(record);
        let bounds = Bounds { memory: 1, spill: 100 };
        let mut records: Vec<_> = (0..=FILES_MAX).map(|_| Record::new(&bodies, bounds)).collect();
        let mut last = records.pop().expect("one too many");
        for record in &mut records {
            assert!(record.keeps(b"in a file").await);
        }
        assert!(!last.keeps(b"in a file").await);
        records.pop();
        assert!(last.keeps(b"in a file").await, "another is over");
    }

    proptest! {
        #[test]
        fn what_comes_out_is_what_went_in(
            max_memory in 0_u64..5000,
            sizes in proptest::collection::vec(0_usize..4000, 0..40),
            reread_after in 0_usize..40,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(async {
                let mut record = kept(max_memory, 1 << 20).record;
                let mut all = Vec::new();
                for (index, size) in sizes.iter().enumerate() {
                    let bytes: Vec<u8> = (0..*size).map(|it| (it * 7 + index) as u8).collect();
                    prop_assert!(record.keeps(&bytes).await);
                    all.extend_from_slice(&bytes);
                    if index == reread_after {
                        prop_assert!(record.all().await == all);
                    }
                }
                prop_assert!(record.all().await == all);
                prop_assert!(record.all().await == all, "again");
                Ok(())
            })?;
        }
    }
}
