//! How far an import is, beside its input: whoever was interrupted goes on behind what is done, and nothing is done twice.
//!
//! What is about to be sent is written down before: sent again it goes under the same `Idempotency-Key`, so that it
//! is done once whether or not the first one arrived. No value of the input is in it.
use super::tally::Tally;
use crate::app::now;
use crate::cli::stopped::Stopped;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use std::fs;
use std::fs::File;
use std::fs::TryLockError;
use std::io;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use uuid::Uuid;

/// What it is called: the input's name and this.
const END: &str = ".attache-import";

/// Of what is written.
const VERSION: u32 = 1;

/// What was sent under a key is known for a day; after less than that nobody relies on it any more.
const KEY_LIFE: Duration = Duration::from_secs(20 * 3600);

/// What is hashed at a time, in bytes.
const BUFFER_LEN: usize = 64 << 10;

/// As it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    version: u32,
    /// Of this import: keys are made of it.
    id: String,
    /// What it was begun with: an import that goes on has the same.
    settings: String,
    /// Rows that are done, the input up to their end in bytes, and the SHA-256 of that.
    rows: u64,
    bytes: u64,
    sha256: String,
    /// The rows behind them that may have been sent, and since when, in seconds since 1970.
    pending: Option<(u64, u64)>,
    /// Of those, the ones that are in the tally and the report, as they are verified.
    #[serde(default)]
    told: u64,
    tally: Tally,
    /// Of the report, what tells of those rows, in bytes.
    report: u64,
}

/// Of one input.
pub(super) struct Progress {
    path: PathBuf,
    id: Uuid,
    state: State,
    /// It was begun by another process, which may have sent what is pending.
    is_begun: bool,
    /// Read a second time, for what is hashed; nobody else imports it meanwhile.
    input: File,
    hash: Sha256,
    hashed: u64,
}

/// A batch that was begun before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) rows: usize,
    /// Those that are told already.
    pub(super) told: usize,
    /// Nobody knows any more whether it was done.
    pub(super) is_old: bool,
}

impl Progress {
    /// Of an input that was begun, or a new one.
    pub(super) fn of(input: &Path, settings: &str) -> Result<Self, Stopped> {
        let name = input.display().to_string();
        let path = PathBuf::from({
            let mut path = input.to_path_buf().into_os_string();
            path.push(END);
            path
        });
        let failed = |it: io::Error| Stopped::Failed(format!("{name}: {}", it.kind()));
        let input = File::open(input).map_err(failed)?;
        match input.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let said = format!("{name} is being imported by another process");
                return Err(Stopped::Failed(said));
            }
            // Not every file system has locks.
            Err(TryLockError::Error(_)) => {}
        }
        let begun = match fs::read(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        let fresh = |id: Uuid| State {
            version: VERSION,
            id: id.to_string(),
            settings: settings.to_owned(),
            rows: 0,
            bytes: 0,
            sha256: String::new(),
            pending: None,
            told: 0,
            tally: Tally::default(),
            report: 0,
        };
        let Some(text) = begun else {
            let (id, hash) = (Uuid::now_v7(), Sha256::new());
            let state = fresh(id);
            return Ok(Self { path, id, state, is_begun: false, input, hash, hashed: 0 });
        };
        let anew = format!("delete {} to begin anew, with `--existing skip`", path.display());
        let read = serde_json::from_slice::<State>(&text).ok();
        let read = read.filter(|it| it.version == VERSION);
        let Some((id, state)) = read.and_then(|it| Some((it.id.parse::<Uuid>().ok()?, it))) else {
            let problem = format!("{} is no progress of an import: {anew}", path.display());
            return Err(Stopped::Invalid(problem));
        };
        if state.settings != settings {
            return Err(Stopped::Invalid(format!(
                "{name} was begun with `{}`: go on with the same, or {anew}",
                state.settings
            )));
        }
        let (is_begun, hash) = (true, Sha256::new());
        let mut progress = Self { path, id, state, is_begun, input, hash, hashed: 0 };
        let sha256 = progress.hash_up_to(progress.state.bytes).map_err(failed)?;
        if progress.state.rows > 0 && sha256 != progress.state.sha256 {
            return Err(Stopped::Invalid(format!(
                "{name} is not what it was when {} rows of it were imported: {anew}",
                progress.state.rows
            )));
        }
        Ok(progress)
    }

    pub(super) fn id(&self) -> Uuid {
        self.id
    }

    pub(super) fn rows(&self) -> u64 {
        self.state.rows
    }

    pub(super) fn tally(&self) -> Tally {
        self.state.tally
    }

    /// None where nothing was begun.
    pub(super) fn report_len(&self) -> Option<u64> {
        self.is_begun.then_some(self.state.report)
    }

    /// The batch that is next, where it was begun before.
    pub(super) fn pending(&self) -> Option<Pending> {
        let (rows, since_s) = self.state.pending?;
        let age_ms = now().as_ms().saturating_sub(since_s.saturating_mul(1000));
        let is_old = u128::from(age_ms) > KEY_LIFE.as_millis();
        let count = |it: u64| usize::try_from(it).unwrap_or(usize::MAX);
        Some(Pending { rows: count(rows), told: count(self.state.told), is_old })
    }

    /// So many rows are about to be sent.
    pub(super) fn begin(&mut self, rows: u64) -> Result<(), Stopped> {
        let since_s = self.state.pending.filter(|it| it.0 == rows).map(|it| it.1);
        if since_s.is_none() {
            self.state.told = 0;
        }
        self.state.pending = Some((rows, since_s.unwrap_or(now().as_ms() / 1000)));
        self.write()
    }

    /// So many of them are in the tally and in the report.
    pub(super) fn told(&mut self, rows: u64, tally: Tally, report: u64) -> Result<(), Stopped> {
        (self.state.told, self.state.tally, self.state.report) = (rows, tally, report);
        self.write()
    }

    /// The API did nothing of them: the next batch may be another one.
    pub(super) fn undone(&mut self) -> Result<(), Stopped> {
        self.state.pending = None;
        self.write()
    }

    /// They are done, as is all of the input up to `end`.
    pub(super) fn done(
        &mut self,
        rows: u64,
        end: u64,
        tally: Tally,
        report: u64,
    ) -> Result<(), Stopped> {
        let failed = |it: io::Error| Stopped::Failed(format!("the input: {}", it.kind()));
        self.state.sha256 = self.hash_up_to(end).map_err(failed)?;
        self.state.rows += rows;
        self.state.bytes = end;
        (self.state.pending, self.state.told) = (None, 0);
        self.state.tally = tally;
        self.state.report = report;
        self.write()
    }

    pub(super) fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// Nothing is left to be done.
    pub(super) fn remove(self) -> Result<(), Stopped> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let said = format!("{} can't be removed: {}", self.path.display(), error.kind());
                Err(Stopped::Failed(said))
            }
            _ => Ok(()),
        }
    }

    fn hash_up_to(&mut self, end: u64) -> io::Result<String> {
        let mut buffer = vec![0; BUFFER_LEN];
        while self.hashed < end {
            let most = usize::try_from(end - self.hashed).unwrap_or(BUFFER_LEN).min(BUFFER_LEN);
            let count = self.input.read(&mut buffer[..most])?;
            if count == 0 {
                // It is shorter than it was, which its hash tells.
                break;
            }
            self.hash.update(&buffer[..count]);
            self.hashed += count as u64;
        }
        Ok(hex::encode(self.hash.clone().finalize()))
    }

    /// Whole, or as it was.
    fn write(&self) -> Result<(), Stopped> {
        let failed = |it: io::Error| {
            Stopped::Failed(format!("{} can't be written: {}", self.path.display(), it.kind()))
        };
        let text = serde_json::to_vec(&self.state).map_err(|it| failed(it.into()))?;
        let mut part = self.path.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let mut file = File::create(&part).map_err(failed)?;
        file.write_all(&text).and_then(|()| file.sync_data()).map_err(failed)?;
        fs::rename(&part, &self.path).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    fn stopped(path: &Path, settings: &str) -> String {
        match Progress::of(path, settings).err() {
            Some(Stopped::Invalid(said) | Stopped::Failed(said)) => said,
            None => String::new(),
        }
    }

    #[test]
    fn whoever_was_interrupted_goes_on_behind_what_is_done() {
        let (_folder, path) = input("tenant\na\nb\nc\n");
        let mut first = Progress::of(&path, "s").unwrap();
        assert_eq!((first.rows(), first.pending()), (0, None));
        assert!(stopped(&path, "s").contains("another process"));
        first.begin(1).unwrap();
        first.done(1, 9, Tally::default(), 5).unwrap();
        first.begin(2).unwrap();
        let id = first.id();
        drop(first);
        let second = Progress::of(&path, "s").unwrap();
        assert_eq!((second.id(), second.rows(), second.report_len()), (id, 1, Some(5)));
        assert_eq!(second.pending(), Some(Pending { rows: 2, told: 0, is_old: false }));
        drop(second);
        assert!(stopped(&path, "t").contains("begun with `s`"));
        fs::write(&path, "tenant\nX\nb\nc\n").unwrap();
        assert!(stopped(&path, "s").contains("is not what it was when 1 rows"));
        fs::write(&path, "tenant\n").unwrap();
        assert!(stopped(&path, "s").contains("is not what it was"));
        // What comes behind what is done may be another one.
        fs::write(&path, "tenant\na\nother\n").unwrap();
        let third = Progress::of(&path, "s").unwrap();
        third.remove().unwrap();
        assert_eq!(Progress::of(&path, "s").unwrap().rows(), 0);
    }

    #[test]
    fn what_is_no_progress_is_not_written_over() {
        let (_folder, path) = input("tenant\n");
        fs::write(path.with_extension("csv.attache-import"), "{}").unwrap();
        assert!(stopped(&path, "s").contains("is no progress"));
    }
}
