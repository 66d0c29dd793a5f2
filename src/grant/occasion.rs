//! What a request is made of besides the settings: whose it is, and when.
use super::error::GrantError;
use crate::crypto::sha256;
use crate::model::Credential;
use crate::model::Secret;
use crate::model::UnixTime;
use std::collections::BTreeMap;

/// One request's circumstances. Time and randomness come from outside.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// The holder's own fields, and the token set's over them.
    pub credential: &'a Credential,
    /// The holder's variables; what `reply.keep` kept is among them.
    pub variables: &'a BTreeMap<String, String>,
    /// Which of several client secrets is sent, counted from 0: the next one is tried where the first
    /// is refused while they rotate. Beyond the last it is the last.
    pub secret: usize,
    pub now: UnixTime,
    /// Never the same twice: what the `jti` of assertions are made of.
    pub random: [u8; 16],
}

impl<'a> Occasion<'a> {
    /// What `name` stands for in a template: a credential field, else a variable.
    pub(super) fn find(&self, name: &str) -> Option<&'a str> {
        let field = self.credential.field(name).map(Secret::expose);
        field.or_else(|| self.variables.get(name).map(String::as_str)).filter(|it| !it.is_empty())
    }

    /// A credential field that has to be there.
    pub(super) fn field(&self, name: &str) -> Result<&'a Secret, GrantError> {
        let field = self.credential.field(name).filter(|it| !it.is_empty());
        field.ok_or_else(|| GrantError::Missing { name: name.to_owned() })
    }

    /// The client secret that is sent this time.
    pub(super) fn client_secret(&self) -> Result<&'a Secret, GrantError> {
        let secrets = self.credential.values("client_secret");
        let secret = secrets.get(self.secret).or(secrets.last()).filter(|it| !it.is_empty());
        secret.ok_or_else(|| GrantError::Missing { name: "client_secret".into() })
    }

    /// Of the client's assertion.
    pub(super) fn jti(&self) -> String {
        hex::encode(self.random)
    }

    /// Of the assertion that the grant consists of. One message may have both, and a server may keep them in one
    /// list, where the second of one name is a replay (RFC 7523 §3, 7).
    pub(super) fn grant_jti(&self) -> String {
        let other = sha256(&[&self.random[..], b"grant"].concat());
        hex::encode(&other[..self.random.len()])
    }
}
