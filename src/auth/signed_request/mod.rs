//! Signatures of requests, described as data: a recipe of templates, run over each request.
mod bounds;
mod clock;
mod filter;
mod form;
mod list;
mod piece;
mod presets;
mod raw;
mod recipe;
mod settings;
mod signer;
mod source;
mod template;
#[cfg(test)]
mod tests;
mod work;

pub use raw::RawSignedRequest;
pub use signer::SignedRequestSigner;

use super::AuthError;
use super::Prepared;
use super::Signer;
use crate::model::Credential;
use recipe::Recipe;
use source::Source;
use std::sync::Arc;

/// The settings: a recipe that can sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRequest {
    recipe: Arc<Recipe>,
}

impl SignedRequest {
    /// The credential fields that it takes.
    pub(super) fn fields(&self) -> Vec<&str> {
        self.recipe.fields.iter().map(|it| &*it.0).collect()
    }

    pub(super) fn is_optional(&self, field: &str) -> bool {
        self.recipe.fields.iter().any(|it| *it.0 == *field && it.1)
    }

    pub(super) fn prepare(&self, credential: &Credential) -> Result<Prepared, Vec<AuthError>> {
        let signer = SignedRequestSigner::new(Arc::clone(&self.recipe), credential)?;
        let mut prepared = Prepared::signed(Signer::SignedRequest(Arc::new(signer)));
        for slot in self.recipe.put.iter().flat_map(|it| it.value.slots()) {
            if let Source::Credential(index) = slot.source {
                prepared.watch_queries(credential, &self.recipe.fields[index].0);
            }
        }
        Ok(prepared)
    }
}
