//! What an authorization server says of a token (RFC 7662), and of a revocation (RFC 7009).
use super::answer::Answer;
use super::expiry;
use super::reply;
use super::reply::Reply;
use super::reply::as_text;
use super::reply::shown;
use crate::model::UnixTime;
use serde_json::Value;

/// RFC 7662 §2.2, as far as it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introspection {
    pub active: bool,
    pub scopes: Option<Vec<String>>,
    pub expires_at: Option<UnixTime>,
    /// Whose token it is: `username`, else `sub`.
    pub account: Option<String>,
}

impl Introspection {
    /// Reads the answer to an introspection; `None` where it is no such answer.
    pub fn read(answer: &Answer) -> Option<Self> {
        if !answer.is_success() {
            return None;
        }
        let reply = Reply::read(answer.content_type.as_deref(), &answer.body).ok()?;
        let active = match reply.at("/active")? {
            Value::Bool(active) => *active,
            other => as_text(other)? == "true",
        };
        let account = reply.text("/username").or_else(|| reply.text("/sub"));
        Some(Self {
            active,
            scopes: reply.at("/scope").and_then(|it| reply::scopes(it, " ")),
            expires_at: reply.text("/exp").and_then(|it| expiry::time(&it)),
            account: account.map(|it| shown(&it)),
        })
    }
}

/// Whether the token is gone: a token that the server does not know is answered 200 as well
/// (RFC 7009 §2.2).
pub fn is_revoked(answer: &Answer) -> bool {
    answer.is_success()
}
