//! Somebody at a shell: commands as they are typed, with the program on the path.
use super::Process;
use super::gateway::ADMIN_TOKEN;
use super::gateway::CALLER_KEY;
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use tempfile::TempDir;
use unicode_width::UnicodeWidthStr;

/// A terminal's width, which no table goes beyond.
const WIDTH: usize = 80;

/// With the settings that commands take, in a folder of its own.
pub struct Shell {
    settings: Vec<(String, String)>,
    pub folder: TempDir,
}

/// How a command ended.
#[derive(Clone, Debug)]
pub struct Ran {
    line: String,
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Shell {
    /// Without any setting.
    pub fn bare() -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        Self { settings: Vec::new(), folder }
    }

    /// At these URLs, with the tests' own token and caller key.
    pub fn at(admin: &str, proxy: &str) -> Self {
        Self::bare()
            .with("ATTACHE_URL", admin)
            .with("ATTACHE_PROXY_URL", proxy)
            .with("ATTACHE_TOKEN", ADMIN_TOKEN)
            .with("ATTACHE_CALLER_KEY", CALLER_KEY)
    }

    /// At a running attache.
    pub fn of(process: &Process) -> Self {
        Self::at(&format!("http://{}", process.admin), &format!("http://{}", process.proxy))
    }

    /// With another setting, or another value of one.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Of the last of this name.
    pub fn setting(&self, name: &str) -> &str {
        let found = self.settings.iter().rev().find(|it| it.0 == name);
        found.map_or("", |it| it.1.as_str())
    }

    pub fn without(mut self, name: &str) -> Self {
        self.settings.retain(|it| it.0 != name);
        self
    }

    /// A line as it is typed.
    pub async fn run(&self, line: &str) -> Ran {
        self.fed(line, "").await
    }

    /// The same with a standard input.
    pub async fn fed(&self, line: &str, input: &str) -> Ran {
        let program = Path::new(env!("CARGO_BIN_EXE_attache"));
        let beside = program.parent().expect("a program lies in a folder");
        let path = format!("{}:/usr/bin:/bin", beside.display());
        let mut command = Command::new("bash");
        command
            .args(["-c", line])
            .env_clear()
            .envs(self.settings.iter().cloned())
            .env("PATH", path)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let (line, input) = (line.to_owned(), input.to_owned());
        let ran = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().expect("there is a shell");
            let mut stdin = child.stdin.take().expect("it is piped");
            // Who reads none of it may have ended.
            drop(stdin.write_all(input.as_bytes()));
            drop(stdin);
            let ended = child.wait_with_output().expect("the shell can be waited for");
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("what is shown is text");
            Ran {
                line,
                code: ended.status.code(),
                out: text(ended.stdout),
                err: text(ended.stderr),
            }
        });
        ran.await.expect("the shell was run")
    }

    /// A line that is done.
    #[track_caller]
    pub fn done(&self, line: &str) -> impl Future<Output = Ran> {
        let run = self.run(line);
        async { run.await.is(0) }
    }
}

impl Ran {
    /// It ended with this code.
    #[track_caller]
    pub fn is(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}{}", self.line, self.out, self.err);
        self
    }

    /// What it printed, of `--output json`.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|it| panic!("{}: {it}\n{}", self.line, self.out))
    }

    /// It printed a table with these heads, which fits any terminal; its lines below them.
    #[track_caller]
    pub fn table(&self, heads: &str) -> Vec<&str> {
        let mut lines = self.out.lines();
        let first = lines.next().unwrap_or_default();
        let words: Vec<&str> = first.split_whitespace().collect();
        assert_eq!(words.join(" "), heads, "{}", self.line);
        for line in self.out.lines() {
            assert!(line.width() <= WIDTH, "{} columns: {}\n{}", line.width(), self.line, self.out);
        }
        lines.collect()
    }

    /// What it said on standard error has all of these in it.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.err.contains(word), "`{word}` is missing: {}\n{}", self.line, self.err);
        }
        self
    }
}
