//! What a credential has for a description, made into the keys that verify.
use super::description::ACCOUNT;
use super::description::Description;
use super::description::SECRET;
use super::description::VERIFY_TOKEN;
use super::error::DescriptionError;
use super::error::Step;
use super::key::Signer;
use super::key::sha256;
use super::rules::Rules;
use super::verify::Verifier;
use crate::model::Secret;

/// Most secrets of one connection: the new one and the old ones, while rotating. Each costs a hash
/// of the body when none matches.
pub const SECRETS_MAX: usize = 8;

/// What the credential of a connection or activation has for its description.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// The new one first, then the old ones. Public keys where the sender signs with a private one.
    pub secrets: &'a [Secret],
    /// What a handshake shows (`check: token`).
    pub verify_token: Option<&'a Secret>,
    /// What one is known by at the sender: no secret.
    pub account: Option<&'a str>,
}

impl Description {
    /// Takes the secrets in: the new one first, then the old ones.
    pub fn verifier(&self, given: &Given<'_>) -> Result<Verifier, DescriptionError> {
        let secrets = given.secrets;
        let missing = |field: &'static str, hint: &str| {
            DescriptionError::new(vec![field.into()], "is missing", hint)
        };
        if secrets.is_empty() && self.takes_secret() && !self.learns_secret() {
            let hint = "write what the sender signs with; without it nothing can be verified";
            return Err(missing(SECRET, hint));
        }
        if secrets.len() > SECRETS_MAX {
            let hint = format!("keep the newest; at most {SECRETS_MAX} are tried");
            return Err(DescriptionError::new(vec![SECRET.into()], "has too many values", hint));
        }
        let filled = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
        if self.shows_token() && !given.verify_token.is_some_and(|it| filled(it.expose())) {
            return Err(missing(VERIFY_TOKEN, "write what the sender shows in its handshakes"));
        }
        if self.names_account() && !given.account.is_some_and(filled) {
            return Err(missing(ACCOUNT, "write what you are known by at the sender"));
        }
        let signers = self.0.ways.iter().map(|rules| signers(rules, secrets));
        let signers = signers.collect::<Result<_, _>>()?;
        Ok(Verifier {
            description: self.clone(),
            signers,
            known: secrets.iter().map(|it| sha256(it.expose().as_bytes())).collect(),
            verify_token: given.verify_token.map(|it| sha256(it.expose().as_bytes())),
            account: given.account.map(Box::from),
        })
    }
}

/// The credential's secrets as keys for one way of signing.
fn signers(rules: &Rules, secrets: &[Secret]) -> Result<Box<[Signer]>, DescriptionError> {
    if !rules.takes_secret() || secrets.is_empty() {
        return Ok(Box::default());
    }
    if rules.places.iter().all(|it| it.secret.is_some_and(|at| at >= secrets.len())) {
        let hint = "each signature names its secret by number, counted from 0";
        let problem = "is not what any signature is made with";
        return Err(DescriptionError::new(vec![SECRET.into()], problem, hint));
    }
    let signers = secrets.iter().enumerate().map(|(index, secret)| {
        rules.signer(secret).map_err(|problem| {
            let mut path = vec![Step::from(SECRET)];
            path.extend((secrets.len() > 1).then_some(Step::Index(index)));
            let hint = "copy it anew from the sender's settings";
            DescriptionError::new(path, problem.to_string(), hint)
        })
    });
    signers.collect()
}
