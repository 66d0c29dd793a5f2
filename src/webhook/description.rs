//! A checked description: everything that could make a verifier lenient is refused here, at load.
use super::check::Check;
use super::delivery::Delivery;
use super::error::DescriptionError;
use super::jwt::Audience;
use super::presets;
use super::raw::HandshakeCheck;
use super::raw::RawDescription;
use super::refusal::Refusal;
use super::refusal::What;
use super::rules::ById;
use super::rules::Expected;
use super::rules::KeysFrom;
use super::rules::ReplayBy;
use super::rules::Rules;
use super::rules::Whole;
use super::signature::At;
use super::spot::Spot;
use super::template::Template;
use super::template::Value;
use http::HeaderMap;
use http::Method;
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
pub struct Description(pub(super) Arc<Whole>);

impl Description {
    /// What whoever configured this should know, one sentence each.
    pub fn warnings(&self) -> Vec<&'static str> {
        let ways = &self.0.ways;
        let any = |is: fn(&Rules) -> bool| ways.iter().any(is);
        let mut warnings = Vec::new();
        if any(|it| it.partial) {
            warnings.push(
                "`covers: partial`: the signature does not cover the body, which could be another",
            );
        }
        if any(Rules::is_token) {
            warnings
                .push("`algorithm: token`: the sender shows the secret itself with each delivery");
        }
        if any(Rules::is_repeatable) {
            warnings.push("with neither a clock nor an id, a captured delivery can be sent again");
        }
        // What comes with attache says so in its own file: nobody could do anything about it.
        if !self.0.is_preset && any(Rules::is_renamable) {
            warnings.push(
                "neither `id` nor a time is signed: a captured delivery can be sent again under another id",
            );
        }
        if self.0.tenant.is_some() && any(|it| !it.signs_tenant) {
            warnings.push("`tenant`: the signature does not cover it, which could be another");
        }
        if self.learns_secret() {
            warnings.push(
                "`store_secret_once`: whoever calls first hands over the secret, while there is none",
            );
        }
        warnings
    }

    /// The credential's fields that it has a use for, and whether each has to be there.
    pub fn fields(&self) -> Vec<(&'static str, bool)> {
        let mut fields = Vec::new();
        if self.takes_secret() {
            fields.push((SECRET, !self.learns_secret()));
        }
        if self.shows_token() {
            fields.push((VERIFY_TOKEN, true));
        }
        if self.names_account() {
            fields.push((ACCOUNT, true));
        }
        fields
    }

    /// Whether some deliveries are verified with keys that are fetched.
    pub fn fetches_keys(&self) -> bool {
        self.0.ways.iter().any(|it| it.keys_from != KeysFrom::Given)
    }

    /// Whether the sender hands its secret over, so that there may be none yet.
    pub fn learns_secret(&self) -> bool {
        self.0.handshakes.iter().any(|it| it.store.is_some())
    }

    /// Whether deliveries of all tenants come to one address, and say themselves whose they are.
    pub fn is_shared(&self) -> bool {
        self.0.tenant.is_some()
    }

    /// The tenant that a delivery names where it can be read before anything is verified: in a header or the query.
    /// Named twice it is refused; in the body nobody has named it yet.
    pub fn tenant_of<'d>(
        &self,
        headers: &'d HeaderMap,
        query: &'d str,
    ) -> Result<Option<Cow<'d, str>>, Refusal> {
        let delivery = Delivery { method: "", url: "", query, headers, body: b"" };
        match &self.0.tenant {
            Some(Spot::Query(name)) => delivery.query_value(name),
            Some(Spot::Header(name)) => {
                let text = delivery.header(name)?.map(str::from_utf8).transpose();
                let text = text.map_err(|_| Refusal::Malformed(What::Value))?;
                Ok(text.map(Cow::Borrowed))
            }
            Some(Spot::Form(_) | Spot::Json(_)) | None => Ok(None),
        }
    }

    /// Where senders show the secret itself with each delivery, but for the query: names of headers, and whether it is
    /// in the body.
    pub fn shows_secret_in(&self) -> (Vec<&str>, bool) {
        let (mut headers, mut in_body) = (Vec::new(), false);
        let places = self.0.ways.iter().filter(|it| it.is_token()).flat_map(|it| &it.places);
        for place in places {
            match &place.at {
                At::Spot(Spot::Header(name)) => headers.push(name.as_str()),
                At::Spot(Spot::Query(_)) => {}
                At::Spot(Spot::Form(_) | Spot::Json(_)) | At::Body => in_body = true,
            }
        }
        (headers, in_body)
    }

    /// Methods of requests that are taken, POST among them.
    pub fn takes_method(&self, method: &Method) -> bool {
        let shapes = self.0.ways.iter().filter_map(|it| it.when.as_ref());
        let shapes = shapes.chain(self.0.handshakes.iter().map(|it| &it.when));
        *method == Method::POST || shapes.into_iter().any(|it| it.method == *method)
    }

    /// Status of the answer to a delivery that does not verify.
    pub fn failure_status(&self) -> u16 {
        self.0.failure_status
    }

    /// Whether a secret of the credential verifies deliveries: else fetched keys do.
    pub fn takes_secret(&self) -> bool {
        self.0.ways.iter().any(Rules::takes_secret)
    }

    pub(super) fn shows_token(&self) -> bool {
        self.0.handshakes.iter().any(|it| it.check == HandshakeCheck::Token)
    }

    pub(super) fn names_account(&self) -> bool {
        let replies =
            self.0.handshakes.iter().any(|it| it.templates().any(Template::names_account));
        replies || self.0.ways.iter().any(Rules::names_account)
    }
}

impl Template {
    fn names_account(&self) -> bool {
        self.values().any(|it| *it == Value::Account)
    }
}

impl Rules {
    fn is_repeatable(&self) -> bool {
        let unnamed = matches!(self.replay, ReplayBy::Key { configured: None, id: ById::Never });
        unnamed && self.clock.is_none()
    }

    /// Whether a repeat is known by an id that anybody can change.
    fn is_renamable(&self) -> bool {
        matches!(self.replay, ReplayBy::Key { configured: None, id: ById::WithSignature })
    }

    fn names_account(&self) -> bool {
        let configured = match &self.replay {
            ReplayBy::Off => None,
            ReplayBy::Key { configured, .. } => configured.as_ref(),
        };
        let detached = self.jwt.as_ref().and_then(|it| it.detached.as_ref());
        let templates = [Some(&self.content), self.id.as_ref(), configured, detached];
        let audience = self.jwt.as_ref().and_then(|it| it.rules.audience.as_ref());
        let claims = self.jwt.iter().flat_map(|it| it.claims.iter().map(|it| &it.1));
        templates.into_iter().flatten().chain(claims).any(Template::names_account)
            || self.require.iter().any(|it| matches!(it.1, Expected::Account(..)))
            || audience == Some(&Audience::Account)
    }
}

impl TryFrom<RawDescription> for Description {
    type Error = Vec<DescriptionError>;

    fn try_from(raw: RawDescription) -> Result<Self, Vec<DescriptionError>> {
        let is_preset = raw.preset.is_some();
        let raw = with_preset(raw)?;
        let mut check = Check::default();
        let whole = Whole { is_preset, ..check.whole(raw) };
        if check.problems.is_empty() { Ok(Self(Arc::new(whole))) } else { Err(check.problems) }
    }
}

/// The preset that `raw` names, with what stands beside it in place of its own.
fn with_preset(raw: RawDescription) -> Result<RawDescription, Vec<DescriptionError>> {
    let Some(name) = &raw.preset else {
        return Ok(raw);
    };
    let preset = presets::preset(name).ok_or_else(|| {
        let problem = format!("no preset is called `{name}`");
        let near = presets::near(name).join(", ");
        let near = if near.is_empty() { near } else { format!("is it one of {near}? ") };
        let hint = format!(
            "{near}docs/webhook-presets.md lists all of them; or describe the signature without a preset"
        );
        vec![DescriptionError::new(vec!["preset".into()], problem, hint)]
    })?;
    Ok(preset.clone().overlaid(raw))
}
