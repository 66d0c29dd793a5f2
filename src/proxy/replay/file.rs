//! A temporary file without a name: what is in it goes with the process.
use bytes::Bytes;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Names that are tried before giving up: one may be left from a process that ended right between
/// making it and taking it away.
const NAMES_MAX: usize = 16;

/// A file that nobody else can open: mode 0600, and its name is gone when this returns.
pub(super) fn nameless(folder: &Path) -> io::Result<File> {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let process = std::process::id();
    for _ in 0..NAMES_MAX {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".attache-body-{process}-{number}"));
        let made =
            OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
        match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => {
                let file = made?;
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Appends, as it were: all of both, one after the other, from `at` on.
pub(super) fn write(file: &File, at: u64, first: &[u8], second: &[u8]) -> io::Result<()> {
    file.write_all_at(first, at)?;
    file.write_all_at(second, at + first.len() as u64)
}

pub(super) fn read(file: &File, at: u64, length: usize) -> io::Result<Bytes> {
    let mut piece = vec![0; length];
    file.read_exact_at(&mut piece, at)?;
    Ok(piece.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn it_has_no_name_and_is_nobody_elses() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = nameless(folder.path()).unwrap();
        let about = file.metadata().unwrap();
        assert_eq!((about.mode() & 0o777, about.nlink()), (0o600, 0));
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        write(&file, 0, b"one", b"two").unwrap();
        assert_eq!(read(&file, 2, 3).unwrap(), "etw");
        assert!(read(&file, 4, 3).is_err(), "never less than was asked for");
    }

    #[test]
    fn a_name_that_is_taken_is_left_alone() {
        let folder = tempfile::TempDir::new().unwrap();
        for number in 0..200 {
            let name = format!(".attache-body-{}-{number}", std::process::id());
            std::fs::write(folder.path().join(name), "another's").unwrap();
        }
        let made: Vec<_> = (0..20).map(|_| nameless(folder.path())).collect();
        assert!(made.iter().any(Result::is_ok) && made.iter().any(Result::is_err));
        let left = folder.path().read_dir().unwrap();
        assert!(
            left.map(|it| std::fs::read(it.unwrap().path()).unwrap()).all(|it| it == b"another's")
        );
    }
}
