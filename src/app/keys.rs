//! The operator's keys: read from settings, files and programs.
use crate::config::KeySource;
use crate::config::SealSettings;
use crate::model::Secret;
use crate::seal::KeyError;
use crate::seal::Keyring;
use crate::seal::Reading;
use rustix::process;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::WaitId;
use rustix::process::WaitIdOptions;
use std::fs::File;
use std::io;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use std::time::Instant;
use zeroize::Zeroizing;

/// Longest text of one source, in bytes: room for as many keys as a keyring has, with their versions.
const TEXT_LEN_MAX: u64 = 16 * 1024;

/// How long a program may take to print its keys.
const PROGRAM_TIME: Duration = Duration::from_secs(10);

/// How often a program is looked after: whether it has ended.
const PROGRAM_LOOK: Duration = Duration::from_millis(5);

/// Longest line of a program's own words that is repeated, in characters.
const SAID_LEN_MAX: usize = 200;

/// Why there are no keys. Says where, and nothing of what was read.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error("there is no sealing key: neither {name} nor {name}_FILE is set")]
    Unset { name: String },
    #[error("{place} can't be read: {reason}")]
    Unreadable { place: String, reason: io::ErrorKind },
    #[error("{place} is no text of at most {} KiB", TEXT_LEN_MAX / 1024)]
    NotText { place: String },
    #[error("{place} {problem}")]
    Program { place: String, problem: String },
    #[error("{place}: {error}")]
    Key { place: String, error: KeyError },
}

/// Where the keys are, and what the programs among these places printed last.
pub struct KeySources {
    sources: Vec<KeySource>,
    printed: Mutex<Vec<Option<Secret>>>,
    setting: fn(&str) -> Option<String>,
}

impl KeySources {
    pub fn new(settings: &SealSettings) -> Self {
        let sources = settings.keys.clone();
        let printed = Mutex::new(vec![None; sources.len()]);
        Self { sources, printed, setting: |name| std::env::var(name).ok() }
    }

    /// Reads all of them. Blocks: for files shortly, for programs up to ten seconds each.
    pub fn read(&self, reading: Reading) -> Result<Keyring, KeysError> {
        let texts =
            self.sources.iter().enumerate().map(|(index, it)| self.text(index, it, reading));
        let texts = texts.collect::<Result<Vec<Secret>, KeysError>>()?;
        Keyring::parse(&texts).map_err(|error| {
            let place = self.sources.get(error.text).map_or_else(String::new, ToString::to_string);
            KeysError::Key { place, error }
        })
    }

    fn text(
        &self,
        index: usize,
        source: &KeySource,
        reading: Reading,
    ) -> Result<Secret, KeysError> {
        match source {
            KeySource::Env(name) => {
                let set = |name: &str| (self.setting)(name).filter(|it| !it.trim().is_empty());
                if let Some(text) = set(name) {
                    return Ok(Secret::new(text));
                }
                match set(&format!("{name}_FILE")) {
                    Some(path) => file(Path::new(&path)),
                    None => Err(KeysError::Unset { name: name.clone() }),
                }
            }
            KeySource::File(path) => file(path),
            KeySource::Exec(command) => {
                let printed = || self.printed.lock().unwrap_or_else(PoisonError::into_inner);
                let before = printed()[index].clone();
                if let (Reading::Routine, Some(text)) = (reading, before) {
                    return Ok(text);
                }
                let text = program(command, PROGRAM_TIME)
                    .map_err(|problem| KeysError::Program { place: source.to_string(), problem })?;
                printed()[index] = Some(text.clone());
                Ok(text)
            }
        }
    }
}

fn file(path: &Path) -> Result<Secret, KeysError> {
    let place = || path.display().to_string();
    let bytes = File::open(path)
        .and_then(bounded)
        .map_err(|it| KeysError::Unreadable { place: place(), reason: it.kind() })?;
    text(&bytes).ok_or_else(|| KeysError::NotText { place: place() })
}

fn bounded(from: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // All at once, so that nothing is left behind where a vector grew.
    let mut bytes = Zeroizing::new(Vec::with_capacity(TEXT_LEN_MAX as usize + 2));
    from.take(TEXT_LEN_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn text(bytes: &[u8]) -> Option<Secret> {
    let text = str::from_utf8(bytes).ok().filter(|it| it.len() as u64 <= TEXT_LEN_MAX);
    text.map(Secret::new)
}

/// What a program prints, or what went wrong with it. It and all that it started ends within `limit`.
fn program(command: &[String], limit: Duration) -> Result<Secret, String> {
    let (name, arguments) = command.split_first().ok_or("names no program")?;
    let mut child = Command::new(name)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|it| format!("can't be run: {}", it.kind()))?;
    let printed = listened(child.stdout.take());
    let said = listened(child.stderr.take());
    let group = Pid::from_child(&child);
    let ended = ends_within(group, limit);
    // Nobody keeps its pipes open: what it has left running ends here, while its number is still its own.
    let _ = process::kill_process_group(group, Signal::KILL);
    let status = child.wait().map_err(|it| format!("can't be waited for: {}", it.kind()))?;
    let rest = |from: mpsc::Receiver<Zeroizing<Vec<u8>>>| {
        from.recv_timeout(PROGRAM_TIME).unwrap_or_default()
    };
    let (printed, said) = (rest(printed), rest(said));
    let said = first_line(&said);
    if !ended {
        return Err(format!("had printed no key after {} s{said}", limit.as_secs()));
    }
    if !status.success() {
        return Err(format!("failed ({status}){said}"));
    }
    text(&printed).ok_or_else(|| format!("printed no text of at most {} KiB", TEXT_LEN_MAX / 1024))
}

/// Whether the program ends by itself in time. It is not reaped.
fn ends_within(program: Pid, limit: Duration) -> bool {
    let began = Instant::now();
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    loop {
        if !matches!(process::waitid(WaitId::Pid(program), look), Ok(None)) {
            return true;
        }
        if began.elapsed() >= limit {
            return false;
        }
        thread::park_timeout(PROGRAM_LOOK);
    }
}

/// Reads a pipe to its end on a thread of its own, so that the other one does not fill up meanwhile.
fn listened(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Zeroizing<Vec<u8>>> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let bytes = pipe.and_then(|mut it| {
            let bytes = bounded(&mut it).ok()?;
            // The rest is read for nobody: a program that prints more is not stopped by that.
            drop(io::copy(&mut it, &mut io::sink()));
            Some(bytes)
        });
        // Nobody waits for it any more where the time was over.
        drop(tell.send(bytes.unwrap_or_default()));
    });
    told
}

/// A program's own first words, without what could play tricks on a terminal.
fn first_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let line = said.lines().map(str::trim).find(|it| !it.is_empty()).unwrap_or_default();
    let line: String = line.chars().filter(|it| !it.is_control()).take(SAID_LEN_MAX).collect();
    if line.is_empty() { line } else { format!(": {line}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const OTHER: &str = "2:202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

    fn sources(keys: Vec<KeySource>, setting: fn(&str) -> Option<String>) -> KeySources {
        KeySources { setting, ..KeySources::new(&SealSettings { keys }) }
    }

    fn shell(script: &str) -> KeySource {
        KeySource::Exec(["sh", "-c", script].map(str::to_owned).to_vec())
    }

    fn ids(sources: &KeySources, reading: Reading) -> Result<Vec<String>, String> {
        let read = sources.read(reading).map_err(|it| it.to_string())?;
        Ok(read.ids().map(|it| it.as_str().split_once('-').unwrap().0.to_owned()).collect())
    }

    #[test]
    fn every_source_is_read_and_the_newest_of_all_seals() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, format!("{OTHER}\n")).unwrap();
        let keys = vec![
            KeySource::Env("KEY".to_owned()),
            KeySource::File(path),
            shell("echo 3:4041424344454647484940414243444546474849404142434445464748494a4b"),
        ];
        let setting = |name: &str| (name == "KEY").then(|| KEY.to_owned());
        assert_eq!(ids(&sources(keys, setting), Reading::Thorough).unwrap(), ["v1", "v2", "v3"]);
    }

    #[test]
    fn a_setting_may_name_a_file_instead() {
        let keys = || vec![KeySource::Env("KEY".to_owned())];
        let none = sources(keys(), |_| None);
        assert!(
            matches!(none.read(Reading::Thorough), Err(KeysError::Unset { name }) if name == "KEY")
        );
        let empty = sources(keys(), |_| Some(" ".to_owned()));
        assert!(matches!(empty.read(Reading::Thorough), Err(KeysError::Unset { .. })));
        let missing = sources(keys(), |it| (it == "KEY_FILE").then(|| "/nowhere/key".to_owned()));
        let said = missing.read(Reading::Thorough).unwrap_err().to_string();
        assert_eq!(said, "/nowhere/key can't be read: entity not found");
    }

    #[test]
    fn a_program_that_fails_says_so_in_its_own_words_and_shows_no_key() {
        let secret = "5ecret-5ecret";
        for (script, problem) in [
            (
                "echo 5ecret-5ecret; echo 'no access\u{1b}[2J to kms' >&2; exit 3",
                "sh (exec) failed (exit status: 3): no access[2J to kms",
            ),
            ("kill -9 $$", "sh (exec) failed (signal: 9 (SIGKILL))"),
            ("echo 5ecret-5ecret", "sh (exec): key 1 is neither base64 nor hex"),
            ("true", "sh (exec): key 1 is missing"),
            ("head -c 100000 /dev/zero", "sh (exec) printed no text of at most 16 KiB"),
            ("printf '\\377'", "sh (exec) printed no text"),
        ] {
            let said = ids(&sources(vec![shell(script)], |_| None), Reading::Thorough).unwrap_err();
            assert!(said.starts_with(problem) && !said.contains(secret), "{script}: {said}");
        }
        let nowhere = KeySource::Exec(vec!["/nowhere/get-key".to_owned()]);
        let said = ids(&sources(vec![nowhere], |_| None), Reading::Thorough).unwrap_err();
        assert_eq!(said, "/nowhere/get-key (exec) can't be run: entity not found");
    }

    #[test]
    fn a_program_that_hangs_is_ended_with_all_that_it_started() {
        let script = ["sh", "-c", "echo waiting >&2; sleep 1000 & sleep 1000"].map(str::to_owned);
        let said = program(&script, Duration::from_millis(50)).unwrap_err();
        assert!(said.starts_with("had printed no key after 0 s"), "{said}");
        // One that leaves something behind is not waited for.
        let script = ["sh", "-c", "sleep 1000 & echo 1:x"].map(str::to_owned);
        assert_eq!(program(&script, PROGRAM_TIME).unwrap(), Secret::new("1:x\n"));
    }

    #[test]
    fn a_program_runs_again_only_where_that_is_asked_for() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, KEY).unwrap();
        let sources = sources(vec![shell(&format!("cat {}", path.display()))], |_| None);
        assert_eq!(ids(&sources, Reading::Thorough).unwrap(), ["v1"]);
        fs::write(&path, OTHER).unwrap();
        assert_eq!(ids(&sources, Reading::Routine).unwrap(), ["v1"]);
        assert_eq!(ids(&sources, Reading::Thorough).unwrap(), ["v2"]);
    }
}
