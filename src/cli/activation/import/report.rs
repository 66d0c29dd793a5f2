//! The report: what became of each row, who works and who must connect again, as CSV. No credential is in it.
use super::row::Row;
use super::tally::Outcome;
use super::verify::Verdict;
use crate::cli::stopped::Stopped;
use csv::QuoteStyle;
use csv::WriterBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Seek;
use std::io::SeekFrom;
use std::path::Path;

const HEADER: [&str; 6] = ["tenant", "connection", "outcome", "works", "must_reconnect", "why"];

/// Where it is written to.
pub(super) struct Report {
    out: csv::Writer<File>,
    name: String,
}

impl Report {
    /// Goes on behind so much of what was begun; none where nothing was. A new one takes the place of no other file, which
    /// may be the input itself.
    pub(super) fn open(path: &Path, begun: Option<u64>) -> Result<Self, Stopped> {
        let name = path.display().to_string();
        let opened = match begun {
            Some(len) => behind(path, len),
            None => match OpenOptions::new().write(true).create_new(true).open(path) {
                // Whoever was killed at once left an empty one.
                Err(error) if is_taken(&error) && is_empty(path) => behind(path, 0),
                opened => opened,
            },
        };
        let file = opened.map_err(|it| match is_taken(&it) {
            true => Stopped::Invalid(format!("{name} is there already: name another report")),
            false => Stopped::Failed(format!("{name}: {}", it.kind())),
        })?;
        let mut writer = WriterBuilder::new();
        // Whatever sign a program takes for the end of a cell.
        let out = writer.quote_style(QuoteStyle::Always).from_writer(file);
        let mut report = Self { out, name };
        if begun.is_none_or(|it| it == 0) {
            report.write(&HEADER)?;
        }
        Ok(report)
    }

    pub(super) fn add(
        &mut self,
        row: &Row,
        outcome: &Outcome,
        verdict: Option<&Verdict>,
    ) -> Result<(), Stopped> {
        let works = match verdict.map(|it| it.works) {
            None => "",
            Some(Some(true)) => "true",
            Some(Some(false)) => "false",
            Some(None) => "unknown",
        };
        let reconnect = match verdict {
            None => "",
            Some(it) if it.reconnect => "true",
            Some(_) => "false",
        };
        let why = match verdict {
            Some(it) if !it.why.is_empty() => it.why.clone(),
            _ if outcome.is_refused() => format!("{}: {}", row.place(&outcome.column), outcome.why),
            _ => String::new(),
        };
        let cells = [&*row.tenant, &*row.connection, outcome.name, works, reconnect, &*why];
        self.write(&cells.map(unformed))
    }

    /// All of it is in the file, which is so long.
    pub(super) fn kept(&mut self) -> Result<u64, Stopped> {
        let kept = self.out.flush().and_then(|()| self.out.get_ref().metadata());
        kept.map(|it| it.len()).map_err(|it| self.failed(&it))
    }

    fn write<T: AsRef<[u8]>>(&mut self, cells: &[T]) -> Result<(), Stopped> {
        let written = self.out.write_record(cells);
        written.map_err(|it| Stopped::Failed(format!("{}: {it}", self.name)))
    }

    fn failed(&self, error: &io::Error) -> Stopped {
        Stopped::Failed(format!("{}: {}", self.name, error.kind()))
    }
}

/// Without what is told there of rows that are done again.
fn behind(path: &Path, len: u64) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    file.set_len(len.min(file.metadata()?.len()))?;
    file.seek(SeekFrom::End(0))?;
    Ok(file)
}

fn is_taken(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AlreadyExists
}

fn is_empty(path: &Path) -> bool {
    path.metadata().is_ok_and(|it| it.is_file() && it.len() == 0)
}

/// A cell that no spreadsheet takes for a formula, whatever somebody chose as the name of a tenant.
fn unformed(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}
