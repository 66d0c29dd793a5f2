//! `attache activation import`: tenants' credentials from elsewhere, in batches, so that an interruption loses nothing.
mod bar;
mod nango;
mod objects;
mod progress;
mod report;
mod row;
mod seen;
mod send;
mod source;
mod table;
mod tally;
mod verify;

use crate::cli::api::Answer;
use crate::cli::api::Ask;
use crate::cli::api::Client;
use crate::cli::api::path;
use crate::cli::resource::Output;
use crate::cli::stopped::Stopped;
use crate::cli::text::plain;
use bar::Bar;
use clap::Args;
use http::Method;
use http::StatusCode;
use nango::Nango;
use nango::NangoArgs;
use progress::Progress;
use report::Report;
use row::Row;
use seen::Seen;
use send::Batch;
use send::Existing;
use send::Unsent;
use source::Source;
use std::path::Path;
use std::path::PathBuf;
use tally::Outcome;
use tally::Tally;
use uuid::Uuid;
use verify::Rate;
use verify::Verdict;
use verify::Verifier;

/// Rows that are told of on standard error; the report has all.
const TOLD_MAX: u64 = 20;

/// Most rows of a batch: what the API takes.
const BATCH_MAX: u16 = 1000;

/// Rows that are verified before it is written down that they are: so many at most are renewed again after a kill.
const STEP: usize = 20;

/// Bring tenants' credentials and tokens along: CSV, a JSON list or JSON lines, or right from another product
///
/// Interrupted, the same command goes on where it was; a file beside the input says how far that is. Exit code 1 where any
/// row was refused.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct Import {
    /// CSV with the columns tenant, connection, access_token, refresh_token, expires_at, scopes, enabled, variable.NAME
    /// and credential.NAME, or JSON of the same; `-` for the standard input
    #[arg(value_name = "FILE", required_unless_present = "from")]
    file: Option<PathBuf>,
    /// The connection of rows that name none
    #[arg(long, value_name = "KEY", conflicts_with = "from")]
    connection: Option<String>,
    /// What becomes of activations that are there already
    #[arg(long, value_enum, default_value_t = Existing::Refuse)]
    existing: Existing,
    /// Rows that are written at once
    #[arg(long, value_name = "COUNT", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=i64::from(BATCH_MAX)))]
    batch: u16,
    /// Only tell what would become of each row; nothing is changed
    #[arg(long, conflicts_with = "verify")]
    dry_run: bool,
    /// Renew, or probe, each once when it is imported: does it work?
    #[arg(long)]
    verify: bool,
    /// How many are verified in a time at most
    #[arg(long, value_name = "RATE", default_value = "5/s", requires = "verify")]
    rate: Rate,
    /// Write what became of each row to this new file, as CSV
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    nango: NangoArgs,
}

impl Import {
    pub(in crate::cli) async fn run(
        self,
        client: &mut Client,
        output: Output,
    ) -> Result<(), Stopped> {
        let mut work = Work::begin(&self, client).await?;
        let done = work.all(&self, client).await;
        if let Err(stopped) = done {
            work.bar.finish();
            if work.progress.is_some() {
                eprintln!("the same command goes on behind row {}", work.rows);
            }
            return Err(stopped);
        }
        work.bar.finish();
        if let Some(progress) = work.progress.take() {
            progress.remove()?;
        }
        let body = work.tally.shown(self.verify);
        output.answer(&Answer { status: StatusCode::OK, etag: None, body })?;
        match work.tally.refused {
            0 => Ok(()),
            count => Err(Stopped::Failed(format!("{count} rows were refused"))),
        }
    }

    /// What an import that goes on has to have as well.
    async fn settings(&self, client: &mut Client) -> Result<String, Stopped> {
        let connection = self.connection.as_deref().unwrap_or_default();
        let existing = self.existing.as_str();
        let report = self.report.as_ref().map(|it| {
            // The same name is another file from another folder.
            std::path::absolute(it).unwrap_or_else(|_| it.clone()).display().to_string()
        });
        let report = report.unwrap_or_default();
        // What one has sent is known under no other's token.
        let asks = client.ask(Ask::new(Method::GET, path(["whoami"]))).await?;
        let asks = plain(asks.body["name"].as_str().unwrap_or_default());
        Ok(format!(
            "--server {} --connection '{connection}' --existing {existing} --report '{report}'` and the token \
             `{asks}",
            client.server()
        ))
    }
}

/// An import under way.
struct Work {
    source: Source,
    /// None where nothing can be gone on with.
    progress: Option<Progress>,
    report: Option<Report>,
    verifier: Option<Verifier>,
    bar: Bar,
    tally: Tally,
    seen: Seen,
    /// Of this import.
    id: Uuid,
    /// Those that are done.
    rows: u64,
    told: u64,
}

impl Work {
    async fn begin(import: &Import, client: &mut Client) -> Result<Self, Stopped> {
        let file = import.file.as_deref();
        let name = file.map_or(String::new(), |it| it.display().to_string());
        let invalid = |it: source::Unreadable| Stopped::Invalid(format!("{name}: {}", it.0));
        let mut source = match file {
            None => Source::Nango(Box::new(Nango::new(
                &import.nango,
                client.another(),
                import.existing,
            )?)),
            Some(path) => Source::open(path).map_err(invalid)?,
        };
        let kept = file.filter(|it| *it != Path::new("-") && !import.dry_run);
        let progress = match kept {
            Some(path) => Some(Progress::of(path, &import.settings(client).await?)?),
            None => None,
        };
        let done = progress.as_ref();
        let (rows, tally) = done.map_or((0, Tally::default()), |it| (it.rows(), it.tally()));
        let id = done.map_or_else(Uuid::now_v7, Progress::id);
        let report_len = done.and_then(Progress::report_len);
        let mut seen = Seen::default();
        source.skip(rows, import.connection.as_deref(), &mut seen)?;
        if rows > 0 {
            eprintln!("going on behind row {rows}");
        }
        let report = import.report.as_deref().map(|it| Report::open(it, report_len)).transpose()?;
        let verifier = import.verify.then(|| Verifier::new(client, import.rate));
        let bar = Bar::new(kept.and_then(|it| it.metadata().ok()).map(|it| it.len()));
        Ok(Self { source, progress, report, verifier, bar, tally, seen, id, rows, told: 0 })
    }

    async fn all(&mut self, import: &Import, client: &mut Client) -> Result<(), Stopped> {
        loop {
            let pending = self.progress.as_ref().and_then(Progress::pending);
            let count = pending.map_or(usize::from(import.batch), |it| it.rows);
            let mut rows = self.source.batch(count, import.connection.as_deref()).await?;
            self.seen.refuse_twice(&mut rows)?;
            let Some(last) = rows.last() else { return Ok(()) };
            let end = last.end;
            if let Some(progress) = &mut self.progress {
                progress.begin(rows.len() as u64)?;
            }
            // Whether it was done nobody knows any more: what there is stays.
            let is_lost =
                import.existing == Existing::Refuse && pending.is_some_and(|it| it.is_old);
            let existing = if is_lost { Existing::Skip } else { import.existing };
            let (id, is_rehearsal) = (self.id, import.dry_run);
            let sent = Batch { id, existing, is_rehearsal, rows: &rows }.send(client).await;
            let mut outcomes = sent.or_else(|it| self.unsent(it, pending.is_some()))?;
            if is_lost {
                outcomes = outcomes.into_iter().map(Outcome::maybe_ours).collect();
            }
            self.bar.imported(end, rows.len() as u64);
            let told = pending.map_or(0, |it| it.told);
            self.batch_done(import, &rows, &outcomes, told).await?;
            let report = self.report.as_mut().map(Report::kept).transpose()?.unwrap_or_default();
            self.rows += rows.len() as u64;
            if let Some(progress) = &mut self.progress {
                progress.done(rows.len() as u64, end, self.tally, report)?;
            }
        }
    }

    /// What an import that is stopped may be gone on with.
    fn unsent(&mut self, unsent: Unsent, was_pending: bool) -> Result<Vec<Outcome>, Stopped> {
        let Unsent { stopped, is_undone, is_another } = unsent;
        let Some(progress) = &mut self.progress else { return Err(stopped) };
        // What another process has sent may be done, whatever is said now.
        if is_undone && !was_pending {
            progress.undone()?;
        }
        if is_another {
            let (rows, path) = (self.rows, progress.path());
            self.bar.tell(&format!(
                "the rows behind row {rows} were sent before, and are others now: put them back as they were, or delete \
                 {path} and begin anew with `--existing skip`"
            ));
        }
        Err(stopped)
    }

    /// Those behind `told`, in steps: what is verified is written down soon.
    async fn batch_done(
        &mut self,
        import: &Import,
        rows: &[Row],
        outcomes: &[Outcome],
        told: usize,
    ) -> Result<(), Stopped> {
        let step = if import.verify { STEP } else { rows.len() };
        let mut told = told.min(rows.len());
        while told < rows.len() {
            let end = (told + step).min(rows.len());
            self.step_done(import, &rows[told..end], &outcomes[told..end]).await?;
            told = end;
            let report = self.report.as_mut().map(Report::kept).transpose()?.unwrap_or_default();
            if let Some(progress) = self.progress.as_mut().filter(|_| told < rows.len()) {
                progress.told(told as u64, self.tally, report)?;
            }
        }
        Ok(())
    }

    async fn step_done(
        &mut self,
        import: &Import,
        rows: &[Row],
        outcomes: &[Outcome],
    ) -> Result<(), Stopped> {
        let mut verdicts = self.verdicts(rows, outcomes).await?.into_iter();
        for (row, outcome) in rows.iter().zip(outcomes) {
            let is_asked = outcome.is_imported() && import.verify;
            let verdict: Option<Verdict> = if is_asked { verdicts.next() } else { None };
            self.tally.add(outcome, verdict.as_ref());
            if outcome.is_refused() {
                self.tell(import, row, outcome);
            }
            if let Some(report) = &mut self.report {
                report.add(row, outcome, verdict.as_ref())?;
            }
        }
        Ok(())
    }

    async fn verdicts(
        &mut self,
        rows: &[Row],
        outcomes: &[Outcome],
    ) -> Result<Vec<Verdict>, Stopped> {
        let Some(verifier) = &mut self.verifier else { return Ok(Vec::new()) };
        let imported = rows.iter().zip(outcomes).filter(|it| it.1.is_imported());
        let names: Vec<_> =
            imported.map(|(row, _)| (row.connection.clone(), row.tenant.clone())).collect();
        let bar = &mut self.bar;
        verifier.verify(&names, || bar.verified()).await
    }

    /// The first of those that were refused: the others are in the report.
    fn tell(&mut self, import: &Import, row: &Row, outcome: &Outcome) {
        self.told += 1;
        let name = import.file.as_ref().map_or("nango".to_owned(), |it| it.display().to_string());
        if self.told <= TOLD_MAX {
            let place = plain(&row.place(&outcome.column));
            self.bar.tell(&format!("{name}: {place}: {}", plain(&outcome.why)));
        } else if self.told == TOLD_MAX + 1 {
            let hint =
                if self.report.is_some() { "the report has all" } else { "--report has all" };
            self.bar.tell(&format!("{name}: and more rows are refused: {hint}"));
        }
    }
}
