//! A checked description: everything that could make a verifier lenient is refused here, at load.
use super::check::Check;
use super::clock::Clock;
use super::error::DescriptionError;
use super::key::KeyForm;
use super::presets;
use super::raw::Algorithm;
use super::raw::RawDescription;
use super::refusal::Refusal;
use super::signature::Place;
use super::template::Template;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use std::borrow::Cow;
use std::sync::Arc;

/// The credential's field with the secrets, or the sender's public keys.
pub const SECRET: &str = "secret";

/// The credential's field with what handshakes show.
pub const VERIFY_TOKEN: &str = "verify_token";

/// The credential's field with what one is known by at the sender.
pub const ACCOUNT: &str = "account";

/// How a sender signs its webhooks, checked. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(pub(super) Arc<Rules>);

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) key: KeyForm,
    pub(super) algorithm: Algorithm,
    pub(super) require: Box<[(HeaderName, HeaderValue)]>,
    pub(super) places: Box<[Place]>,
    pub(super) clock: Option<Clock>,
    pub(super) content: Template,
    pub(super) id: Option<Template>,
    pub(super) replay: ReplayBy,
    pub(super) max_signatures: usize,
    pub(super) failure_status: u16,
    pub(super) partial: bool,
}

/// What makes two deliveries the same.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReplayBy {
    Off,
    /// The first of these that the delivery has: the configured key, the id where `id` says that it
    /// counts, the signature where there is a clock.
    Key {
        configured: Option<Template>,
        id: bool,
    },
}

impl Description {
    /// What whoever configured this should know, one sentence each.
    pub fn warnings(&self) -> Vec<&'static str> {
        let rules = &*self.0;
        let mut warnings = Vec::new();
        if rules.partial {
            warnings.push(
                "`covers: partial`: the signature does not cover the body, which could be another",
            );
        }
        if rules.algorithm == Algorithm::Token {
            warnings
                .push("`algorithm: token`: the sender shows the secret itself with each delivery");
        }
        if matches!(rules.replay, ReplayBy::Key { configured: None, id: false })
            && rules.clock.is_none()
        {
            warnings.push("with neither a clock nor an id, a captured delivery can be sent again");
        }
        warnings
    }

    /// The credential's fields that it has a use for, and whether each has to be there.
    pub fn fields(&self) -> Vec<(&'static str, bool)> {
        vec![(SECRET, true)]
    }

    /// Whether a secret of the credential verifies deliveries: else fetched keys do.
    pub fn takes_secret(&self) -> bool {
        self.fields().iter().any(|it| it.0 == SECRET)
    }

    /// Whether the sender hands its secret over, so that there may be none yet.
    pub fn learns_secret(&self) -> bool {
        false
    }

    /// Whether deliveries of all tenants come to one address, and say themselves whose they are.
    pub fn is_shared(&self) -> bool {
        false
    }

    /// The tenant that a delivery names where it can be read before anything is verified: in a header or the query.
    pub fn tenant_of<'d>(
        &self,
        _headers: &'d HeaderMap,
        _query: &'d str,
    ) -> Result<Option<Cow<'d, str>>, Refusal> {
        Ok(None)
    }

    /// Methods of requests that are taken, POST among them.
    pub fn takes_method(&self, method: &http::Method) -> bool {
        *method == http::Method::POST
    }

    /// Status of the answer to a delivery that does not verify.
    pub fn failure_status(&self) -> u16 {
        self.0.failure_status
    }
}

impl TryFrom<RawDescription> for Description {
    type Error = Vec<DescriptionError>;

    fn try_from(raw: RawDescription) -> Result<Self, Vec<DescriptionError>> {
        let raw = with_preset(raw)?;
        let mut check = Check::default();
        let rules = check.rules(raw);
        if check.problems.is_empty() { Ok(Self(Arc::new(rules))) } else { Err(check.problems) }
    }
}

/// The preset that `raw` names, with what stands beside it in place of its own.
fn with_preset(raw: RawDescription) -> Result<RawDescription, Vec<DescriptionError>> {
    let Some(name) = &raw.preset else {
        return Ok(raw);
    };
    let preset = presets::preset(name).ok_or_else(|| {
        let names = presets::names().collect::<Vec<_>>().join(", ");
        let problem = format!("no preset is called `{name}`");
        let hint = format!("there are {names}; or describe the signature without a preset");
        vec![DescriptionError::new(vec!["preset".into()], problem, hint)]
    })?;
    Ok(preset.clone().overlaid(raw))
}
