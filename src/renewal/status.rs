//! How a holder's grant is, for people.
use crate::model::UnixTime;
use crate::store::GrantState;

/// What is known of it here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub state: GrantState,
    /// By this attache's clock.
    pub since: UnixTime,
    /// In words for a person; empty while all is well.
    pub why: String,
    /// When the token ends that is there, as far as anybody knows.
    pub expires: Option<UnixTime>,
}
