//! Who signs: a description as it is written, with what it takes.
use super::description::Description;
use super::error::DescriptionError;
use super::given::Given;
use super::raw::RawDescription;
use crate::model::Secret;
use serde::Deserialize;
use serde_json::Value;

/// A description with what it takes. The description is kept as it is written, so that it can be
/// written otherwise.
#[derive(Clone, Debug)]
pub struct Sender {
    /// A `RawDescription`.
    pub description: Value,
    pub secrets: Vec<Secret>,
    pub verify_token: Option<Secret>,
    pub account: Option<String>,
    /// What the configuration says that senders know the listener by.
    pub public_url: Option<String>,
}

impl Sender {
    pub fn of(description: Value) -> Self {
        Self {
            description,
            secrets: Vec::new(),
            verify_token: None,
            account: None,
            public_url: None,
        }
    }

    /// The description, checked; else everything that is wrong with it.
    pub fn description(&self) -> Result<Description, Vec<DescriptionError>> {
        let raw = RawDescription::deserialize(&self.description);
        Description::try_from(raw.unwrap_or_default())
    }

    pub fn given(&self) -> Given<'_> {
        Given {
            secrets: &self.secrets,
            verify_token: self.verify_token.as_ref(),
            account: self.account.as_deref(),
        }
    }
}
