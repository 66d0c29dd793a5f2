//! Notices that a file changed, whichever way: written, replaced, or its folder's link swapped.
use super::files;
use super::files::Fingerprints;
use super::live::Live;
use notify::EventKind;
use notify::RecursiveMode;
use notify::Watcher;
use notify::event::AccessKind;
use notify::event::AccessMode;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::Duration;

/// A change is taken up once nothing more has happened for this long: editors write in steps.
const QUIET: Duration = Duration::from_millis(50);

/// A folder that never falls quiet is looked at this often all the same, in periods of `QUIET`.
const PERIODS_MAX: u32 = 20;

/// Where the system tells nothing (network file systems), files are looked at this often.
const LOOK: Duration = Duration::from_secs(30);

/// A thread that reloads when a file changes. Stops when it is dropped.
#[derive(Debug)]
pub struct Watch {
    stop: mpsc::Sender<Signal>,
    thread: Option<thread::JoinHandle<()>>,
}

enum Signal {
    Changed,
    Stop,
}

impl Watch {
    /// Watches the files of `live`, and reloads it when they change.
    pub fn start(live: Arc<Live>) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let stop = sender.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // What reads the files, as a reload does, is no change.
            let is_change = event.is_ok_and(|it| match it.kind {
                EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
                EventKind::Access(_) => false,
                _ => true,
            });
            if is_change {
                // The receiver is gone only when the watch is.
                drop(sender.send(Signal::Changed));
            }
        });
        let watcher = match watcher {
            Ok(watcher) => Some(watcher),
            Err(problem) => {
                tracing::warn!(%problem, "files cannot be watched; they are looked at every 30 s");
                None
            }
        };
        // The folders are watched before the thread runs: no change after `start` goes unnoticed.
        let mut folders = Folders { watcher, watched: BTreeSet::new() };
        folders.watch(&live.seen());
        // And none before it.
        drop(stop.send(Signal::Changed));
        let run = move || run(&live, &receiver, folders);
        let thread = thread::Builder::new().name("reload".into()).spawn(run)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.send(Signal::Stop));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that watches files panicked");
        }
    }
}

fn run(live: &Live, signals: &mpsc::Receiver<Signal>, mut folders: Folders) {
    loop {
        match signals.recv_timeout(LOOK) {
            Ok(Signal::Changed) if is_quiet(signals) => {}
            Err(RecvTimeoutError::Timeout) => {}
            Ok(_) | Err(RecvTimeoutError::Disconnected) => return,
        }
        live.free_retired();
        if is_changed(&live.seen()) {
            // What is wrong was logged and kept in the status.
            drop(live.reload_now());
        }
        // The files may be others now, or the links to them.
        folders.watch(&live.seen());
    }
}

/// Waits until nothing more happens; false where the watch is to stop.
fn is_quiet(signals: &mpsc::Receiver<Signal>) -> bool {
    for _ in 0..PERIODS_MAX {
        match signals.recv_timeout(QUIET) {
            Ok(Signal::Changed) => {}
            Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => break,
        }
    }
    true
}

fn is_changed(seen: &Fingerprints) -> bool {
    seen.iter().any(|(path, print)| files::fingerprint(path) != *print)
}

/// The folders that are watched: those that the files lie in, as named and as linked to.
struct Folders {
    watcher: Option<notify::RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
}

impl Folders {
    fn watch(&mut self, seen: &Fingerprints) {
        let Some(watcher) = &mut self.watcher else { return };
        let linked = seen.keys().filter_map(|it| it.canonicalize().ok());
        let due: BTreeSet<PathBuf> =
            seen.keys().cloned().chain(linked).map(|it| folder(&it)).collect();
        for gone in self.watched.difference(&due) {
            // A folder that was removed is not watched any more anyway.
            drop(watcher.unwatch(gone));
        }
        let mut watched = BTreeSet::new();
        for folder in due {
            // Said again for a folder that is known: it may be another one of the same name.
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    watched.insert(folder);
                }
                Err(problem) => {
                    let folder = folder.display();
                    tracing::warn!(%folder, %problem, "the folder cannot be watched");
                }
            }
        }
        self.watched = watched;
    }
}

/// The folder itself, or the one that the file lies in.
fn folder(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty());
    if path.is_dir() { path.to_owned() } else { parent.unwrap_or(Path::new(".")).to_owned() }
}

#[cfg(test)]
mod tests;
