//! Where the access log goes.
use super::JournalError;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

/// Permissions of a new access log: tenants' ids and paths are nobody else's business.
const MODE: u32 = 0o640;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Off,
    Stdout,
    Stderr,
    /// Appended to, made where it is not there.
    File(PathBuf),
}

/// A target that is open, or will be.
pub(super) struct Output {
    file: Option<File>,
    /// None for a standard stream: it can't be opened anew.
    path: Option<PathBuf>,
}

impl Target {
    /// None where there is no access log.
    pub(super) fn prepare(self) -> Result<Option<Output>, JournalError> {
        let failed = |path: &Path, error: &io::Error| JournalError::Open {
            path: path.display().to_string(),
            reason: error.kind(),
        };
        let stream = |file: io::Result<File>, name: &str| match file {
            Ok(file) => Ok(Some(Output { file: Some(file), path: None })),
            Err(error) => Err(failed(Path::new(name), &error)),
        };
        match self {
            Self::Off => Ok(None),
            // Copies of the descriptors: the locks of `io::stdout` would make others wait.
            Self::Stdout => stream(copy(&io::stdout()), "stdout"),
            Self::Stderr => stream(copy(&io::stderr()), "stderr"),
            Self::File(path) => {
                let plain = fs::metadata(&path).map_or(true, |it| it.is_file() || it.is_dir());
                let file =
                    if plain { Some(open(&path).map_err(|it| failed(&path, &it))?) } else { None };
                Ok(Some(Output { file, path: Some(path) }))
            }
        }
    }
}

impl Output {
    /// The open file. Opening a pipe waits for its reader.
    pub(super) fn file(&mut self) -> io::Result<&mut File> {
        match (&mut self.file, &self.path) {
            (Some(file), _) => Ok(file),
            (closed, Some(path)) => Ok(closed.insert(open(path)?)),
            (None, None) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Opens the file anew; where that fails, goes on with the old one.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        if let Some(path) = &self.path {
            self.file = Some(open(path)?);
        }
        Ok(())
    }
}

fn copy(stream: &impl AsFd) -> io::Result<File> {
    stream.as_fd().try_clone_to_owned().map(File::from)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(MODE).open(path)
}
