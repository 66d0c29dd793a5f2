//! Rows on their way to the API, and what it says of each.
use super::row::Fault;
use super::row::Row;
use super::row::column_of;
use super::tally::Outcome;
use crate::cli::api::Ask;
use crate::cli::api::Client;
use crate::cli::api::Problem;
use crate::cli::api::path;
use crate::cli::stopped::Stopped;
use crate::cli::text::plain;
use crate::model::Code;
use http::Method;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;
use std::time::Duration;
use uuid::Uuid;

/// How often the same is asked again where the API says to come again: as long as a claim lives, and more.
const TRIES_MAX: u32 = 150;

const PAUSE: Duration = Duration::from_secs(1);

/// What becomes of an activation that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Existing {
    /// It stays as it is
    Skip,
    /// It becomes what the row says
    Replace,
    /// The row is refused
    Refuse,
}

impl Existing {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Replace => "replace",
            Self::Refuse => "refuse",
        }
    }
}

/// A batch, and how it is sent.
pub(super) struct Batch<'a> {
    /// Of the import.
    pub(super) id: Uuid,
    pub(super) existing: Existing,
    pub(super) is_rehearsal: bool,
    pub(super) rows: &'a [Row],
}

impl Batch<'_> {
    /// What became of each row. Sent again it is done once: its key is made of the import and of where it begins.
    pub(super) async fn send(&self, client: &mut Client) -> Result<Vec<Outcome>, Unsent> {
        let sound: Vec<&Value> = self.rows.iter().filter_map(|it| it.entry.as_ref().ok()).collect();
        let mut told = match sound.is_empty() {
            true => Vec::new(),
            false => self.asked(client, &sound).await?,
        }
        .into_iter();
        let outcome = |row: &Row| match &row.entry {
            Err(Fault { is_skip: true, .. }) => Ok(Outcome::of("skipped")),
            Err(Fault { column, why, .. }) => {
                let (column, why) = (column.clone(), why.clone());
                Ok(Outcome { column, why, ..Outcome::of("refused") })
            }
            Ok(_) => told
                .next()
                .ok_or_else(|| Stopped::Failed("the API did not answer for each row".to_owned())),
        };
        let outcomes: Result<_, Stopped> = self.rows.iter().map(outcome).collect();
        Ok(outcomes?)
    }

    async fn asked(&self, client: &mut Client, sound: &[&Value]) -> Result<Vec<Outcome>, Unsent> {
        let first = self.rows.first().map_or(0, |it| it.number);
        let key = key(self.id, first, self.existing);
        if let Some(told) = self.asked_as(client, sound, self.existing, key).await? {
            return Ok(told);
        }
        // It was done, and how it was answered is lost: what there is now is what it did.
        let skip = Existing::Skip;
        let told = self.asked_as(client, sound, skip, Uuid::now_v7()).await?;
        let told =
            told.ok_or_else(|| Stopped::Failed("nobody knows what became of a batch".to_owned()))?;
        Ok(told.into_iter().map(Outcome::maybe_ours).collect())
    }

    /// None where it was done before and nobody knows any more how that went.
    async fn asked_as(
        &self,
        client: &mut Client,
        sound: &[&Value],
        existing: Existing,
        key: Uuid,
    ) -> Result<Option<Vec<Outcome>>, Unsent> {
        let body = json!({ "activations": sound, "existing": existing.as_str() });
        let ask = Ask::new(Method::POST, path(["activations", "import"])).body(body).under(key);
        let ask = if self.is_rehearsal { ask.rehearsed() } else { ask };
        let mut tries = 0;
        loop {
            let problem = match client.try_ask(ask.clone()).await? {
                Ok(answer) => return Ok(Some(outcomes(&answer.body))),
                Err(problem) => problem,
            };
            if problem.code == Code::IdempotencyAnswerLost.as_str() {
                return Ok(None);
            }
            let again = [Code::IdempotencyInProgress, Code::RateLimited, Code::StoreUnavailable];
            tries += 1;
            if tries == TRIES_MAX || !again.iter().any(|it| it.as_str() == problem.code) {
                return Err(Unsent::of(problem));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Why nobody says what became of a batch.
pub(super) struct Unsent {
    pub(super) stopped: Stopped,
    /// The API said no, and did nothing.
    pub(super) is_undone: bool,
    /// It was sent before, with other rows in it.
    pub(super) is_another: bool,
}

impl Unsent {
    fn of(problem: Problem) -> Self {
        let is = |of: Code| of.as_str() == problem.code;
        let is_another = is(Code::IdempotencyKeyReused);
        let is_open = [Code::IdempotencyInProgress, Code::StoreUnavailable, Code::Internal];
        let is_undone = !is_another && !is_open.into_iter().any(is);
        Self { stopped: problem.into(), is_undone, is_another }
    }
}

impl From<Stopped> for Unsent {
    fn from(stopped: Stopped) -> Self {
        Self { stopped, is_undone: false, is_another: false }
    }
}

/// The same for the same batch, and for no other.
fn key(id: Uuid, first: u64, existing: Existing) -> Uuid {
    let digest = Sha256::new()
        .chain_update(id.as_bytes())
        .chain_update(first.to_be_bytes())
        .chain_update(existing.as_str())
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Uuid::from_bytes(bytes)
}

fn outcomes(body: &Value) -> Vec<Outcome> {
    let text = |it: &Value| plain(it.as_str().unwrap_or_default());
    let one = |it: &Value| Outcome {
        column: column_of(&text(&it["pointer"])),
        why: text(&it["why"]),
        ..Outcome::of(it["outcome"].as_str().unwrap_or_default())
    };
    body["activations"].as_array().map(|all| all.iter().map(one).collect()).unwrap_or_default()
}
