//! What a grant is called, and what is known of one.
use crate::seal::Slot;
use crate::store::StoreError;
use crate::store::credentials;
use crate::store::credentials::SealedCredential;
use crate::store::engine::Row;
use crate::store::engine::Unreadable;
use crate::store::engine::Value;
use std::cmp::Ordering;

/// Whose: what it is had with stands under the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantKey<'a> {
    pub owner: &'a str,
    /// Empty where it is the connection's own.
    pub tenant: &'a str,
    pub slot: Slot,
}

/// The same, as it is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GrantName {
    pub owner: String,
    pub tenant: String,
    pub slot: Slot,
}

/// What is known of it. Times are Unix milliseconds by the database's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRow {
    /// 0 where nothing was had yet.
    pub version: i64,
    pub fingerprint: String,
    /// Of the grant that it took the place of.
    pub former: String,
    pub state: GrantState,
    pub since_ms: i64,
    /// In words for people; empty while all is well.
    pub why: String,
    /// In a row.
    pub failures: i64,
    /// When its token is to be renewed, or to be tried for again.
    pub due_ms: Option<i64>,
    /// Of all that the last try that failed was made with: with other settings it is tried at once.
    pub tried_with: String,
    pub expires_ms: Option<i64>,
    /// From when on nothing but a person's consent yields another token.
    pub ends_ms: Option<i64>,
    pub attempt: Option<GrantAttempt>,
    pub holder: String,
    pub held_until_ms: i64,
    pub fence: i64,
    pub now_ms: i64,
    /// What was had last, sealed in [`GrantKey::tokens`].
    pub tokens: Option<SealedCredential>,
    /// The answer to the attempt, where it came and nobody acted upon it yet.
    pub answer: Option<SealedCredential>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantState {
    Active,
    Failing,
    ReauthorizationRequired,
    /// Somebody has ended it.
    Revoked,
}

/// A message that was about to go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantAttempt {
    pub id: String,
    /// A hash of the token that it uses up.
    pub of: String,
    pub at_ms: i64,
}

/// What became of a grant that nothing was had for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantFailure {
    pub state: GrantState,
    pub why: String,
    /// In how many milliseconds it is tried again; none where it is not, by itself.
    pub again_in_ms: Option<i64>,
    /// The attempt that failed; empty where none was made.
    pub attempt: String,
    /// Whether the attempt stays: nobody knows whether its token was used up.
    pub is_uncertain: bool,
    /// Of all that it was tried with.
    pub tried_with: String,
}

/// A token that is to be put in the place of what it follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewal<'a> {
    /// What it follows.
    pub version: i64,
    /// Of the grant that it is of: with another one than before it takes that one's place.
    pub fingerprint: &'a str,
    /// A hash of the token that was used up for it; empty where none was.
    pub of: &'a str,
    /// When it ends, by the wall clock.
    pub expires_ms: Option<i64>,
    /// From now on, by the database's clock.
    pub due_in_ms: Option<i64>,
    /// When nothing follows it, by the wall clock.
    pub ends_ms: Option<i64>,
}

impl GrantState {
    const ALL: [Self; 4] =
        [Self::Active, Self::Failing, Self::ReauthorizationRequired, Self::Revoked];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Failing => "failing",
            Self::ReauthorizationRequired => "reauthorization_required",
            Self::Revoked => "revoked",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

impl<'a> GrantKey<'a> {
    /// Where what is had is sealed.
    pub fn tokens(&self) -> Slot {
        if self.slot == Slot::Test { Slot::TestGrant } else { Slot::Grant }
    }

    /// Where an answer is sealed that nobody has acted upon.
    pub fn answer(&self) -> Slot {
        if self.slot == Slot::Test { Slot::TestGrantAnswer } else { Slot::GrantAnswer }
    }

    pub(in crate::store) fn values(&self) -> [Value<'a>; 3] {
        [Value::Text(self.owner), Value::Text(self.tenant), Value::Text(self.slot.as_str())]
    }

    pub(super) fn shown(&self) -> String {
        match self.tenant {
            "" => self.owner.to_owned(),
            tenant => format!("{} of {tenant}", self.owner),
        }
    }
}

impl GrantName {
    pub fn key(&self) -> GrantKey<'_> {
        GrantKey { owner: &self.owner, tenant: &self.tenant, slot: self.slot }
    }

    /// Rows are written in one order, whoever writes several: nobody waits for another who waits for him.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let (one, two) = (self.key(), other.key());
        (one.owner, one.tenant, one.slot.as_str()).cmp(&(two.owner, two.tenant, two.slot.as_str()))
    }
}

/// After its name: as [`super::select`] has it.
pub(super) fn read(row: &Row) -> Result<GrantRow, Unreadable> {
    let (id, of) = (row.text(11)?, row.text(12)?);
    let attempt = GrantAttempt { id, of, at_ms: row.integer(13)? };
    Ok(GrantRow {
        version: row.integer(3)?,
        fingerprint: row.text(4)?,
        state: GrantState::parse(&row.text(5)?).ok_or(Unreadable)?,
        since_ms: row.integer(6)?,
        why: row.text(7)?,
        failures: row.integer(8)?,
        due_ms: row.maybe_integer(9)?,
        expires_ms: row.maybe_integer(10)?,
        ends_ms: row.maybe_integer(28)?,
        attempt: Some(attempt).filter(|it| !it.id.is_empty()),
        holder: row.text(14)?,
        held_until_ms: row.integer(15)?,
        fence: row.integer(16)?,
        now_ms: row.integer(17)?,
        former: row.text(18)?,
        tried_with: row.text(19)?,
        tokens: credentials::sealed(row, 20)?,
        answer: credentials::sealed(row, 24)?,
    })
}

pub(super) fn corrupt(key: &str) -> StoreError {
    StoreError::Corrupt { table: "grants", key: Some(key.to_owned()).filter(|it| !it.is_empty()) }
}
